// The panels by kind, each loaded when it is first opened. A panel gets its subject (an item's id) and nothing else.

import type { Component } from "svelte";

export type PanelProps = { subject: string | null };
type Load = () => Promise<{ default: Component<PanelProps> | Component }>;

export const PANELS: Readonly<Record<string, Load>> = {
  account: () => import("../account/AccountPanel.svelte"),
  conflicts: () => import("../conflicts/ConflictsPanel.svelte"),
  people: () => import("../people/PeoplePanel.svelte"),
  runner: () => import("../runner/RunnerPanel.svelte"),
  history: () => import("../history/HistoryPanel.svelte"),
  transfer: () => import("../transfer/TransferPanel.svelte"),
  shortcuts: () => import("./Shortcuts.svelte"),
};
