// What can be done with a row of the tree.

import type { MenuEntry } from "../parts/menu";
import { askMove, create, duplicate, remove } from "../state/moving";
import { isContainer, topmost, type TreeItem } from "../state/tree";
import type { Workbench } from "../state/workbench.svelte";

export function entriesFor(bench: Workbench, item: TreeItem | undefined): MenuEntry[] {
  if (!item) return [{ label: "New collection", run: () => void create(bench, "collection", null) }];
  const { view } = item;
  const chosen = bench.tree.selected.size > 1 ? bench.tree.selected : new Set([view.id]);
  const remove_: MenuEntry = { label: chosen.size > 1 ? `Move ${chosen.size} to trash` : "Move to trash", shortcut: "Del", danger: true, run: () => void remove(bench, chosen) };
  const move: MenuEntry = { label: "Move to…", disabled: view.kind === "collection", run: () => askMove(bench, topmost(bench.tree.index, chosen)) };
  if (chosen.size > 1) return [move, "line", remove_];
  const inside: MenuEntry[] = isContainer(view.kind)
    ? [
        { label: "New request", run: () => void create(bench, "request", view.id) },
        { label: "New folder", run: () => void create(bench, "folder", view.id) },
        { label: "Run…", run: () => bench.editing.openPanel("runner", `Run ${view.name}`, view.id) },
        "line",
      ]
    : [];
  return [
    { label: "Open", shortcut: "Enter", run: () => void bench.editing.open(view) },
    ...inside,
    { label: "Rename", shortcut: "F2", run: () => (bench.tree.renaming = view.id) },
    { label: "Duplicate", run: () => void duplicate(bench, item) },
    move,
    ...(view.kind === "collection" ? [{ label: "Move to another workspace…", disabled: bench.workspaces.length < 2, run: () => (bench.overlay = { show: "move" as const, from: bench.workspace, items: [view] }) }] : []),
    { label: "Export…", run: () => bench.editing.openPanel("transfer", `Export ${view.name}`, view.id) },
    { label: "History", run: () => bench.editing.openPanel("history", `History of ${view.name}`, view.id) },
    "line",
    remove_,
  ];
}
