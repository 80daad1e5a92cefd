// The names of variables that can be meant in a tab, for suggestions.

import { rowsOf } from "../request/rows";
import { isObject } from "./json";
import type { ItemTab } from "./tabs.svelte";
import type { Workbench } from "./workbench.svelte";

export function namesIn(bench: Workbench, tab: ItemTab): string[] {
  const above = tab.above.flatMap((one) => rowsOf(isObject(one.document) ? one.document["variable"] : undefined).map((row) => row.key));
  return [...new Set([...bench.variables.map((one) => one.key), ...above.toReversed(), ...bench.globals.map((one) => one.key)])].filter(Boolean);
}
