// Where the documents of versions come from: the one place that follows the host's call for it.

import type { Json } from "../host/api";
import type { Workbench } from "../state/workbench.svelte";

/// The item's document at a version; null where it was purged then.
export async function documentAt(bench: Workbench, path: string, version: number): Promise<Json> {
  return (await bench.ask({ call: "show_version", path, version }, "version")).document;
}
