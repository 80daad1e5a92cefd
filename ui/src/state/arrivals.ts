// Conflicts that appear open by themselves, and never under someone who types.

import { count } from "../cloud/words";
import { PanelTab } from "./tabs.svelte";
import type { Workbench } from "./workbench.svelte";

const KEY = "conflicts";

/// Told of how many conflicts there were and are; opens their tab where more are there.
export function conflictsCounted(bench: Workbench, before: number, now: number): void {
  if (now <= before || bench.tabs.activeKey === KEY) return;
  const calm = !isTyping("body") && bench.question === null && bench.overlay === null && !bench.paletteOpen && !bench.tabs.active?.dirty;
  if (!bench.tabs.get(KEY)) bench.tabs.add(new PanelTab(KEY, KEY, "Conflicts", null), false);
  if (calm) return bench.tabs.activate(KEY);
  const run = () => bench.tabs.get(KEY) ? bench.tabs.activate(KEY) : bench.editing.openPanel(KEY, "Conflicts");
  bench.toasts.show({ title: `${count(now, "conflict")} to look at`, text: "Both values are kept; you can go on.", action: { label: "Look", run } });
}

/// The cursor stands in a text, of the open tab unless said otherwise: nothing may change under it.
export function isTyping(within = "main"): boolean {
  const focused = globalThis.document?.activeElement;
  if (!focused) return false;
  return focused.closest(within) !== null && focused.matches("input, textarea, [contenteditable]");
}
