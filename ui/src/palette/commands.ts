// Everything that can be done without a mouse, with its shortcut: for the palette, for keys, and for the list of keys.

import type { Workbench } from "../state/workbench.svelte";
import { ItemTab } from "../state/tabs.svelte";
import { create } from "../state/moving";
import { isContainer } from "../state/tree";

export interface Command { id: string; label: string; shortcut?: string; run: () => void; can?: boolean }

const METHOD_PANE = ["params", "headers", "body", "auth", "scripts"];

export function commands(bench: Workbench): Command[] {
  const tab = bench.tabs.active;
  const item = tab instanceof ItemTab ? tab : null;
  const request = item?.kind === "request" ? item : null;
  const section = (id: typeof bench.section) => () => (bench.section = id);
  return [
    { id: "palette", label: "Commands and requests", shortcut: "Mod+K", run: () => (bench.paletteOpen = true) },
    { id: "send", label: "Send the request", shortcut: "Mod+Enter", can: request !== null, run: () => request && void bench.editing.send(request) },
    { id: "save", label: "Save", shortcut: "Mod+S", can: item !== null, run: () => item && void bench.editing.save(item) },
    { id: "new", label: "New request", shortcut: "Alt+N", run: () => void bench.editing.newRequest() },
    { id: "new-collection", label: "New collection", run: () => void create(bench, "collection", null) },
    { id: "new-environment", label: "New environment", run: () => void create(bench, "environment", null) },
    { id: "close", label: "Close the tab", shortcut: "Alt+W", can: tab !== null, run: () => tab && bench.editing.close(tab) },
    { id: "next", label: "Next tab", shortcut: "Alt+PageDown", run: () => bench.tabs.cycle(1) },
    { id: "previous", label: "Previous tab", shortcut: "Alt+PageUp", run: () => bench.tabs.cycle(-1) },
    { id: "search", label: "Search the workspace", shortcut: "Mod+Shift+F", run: () => { bench.section = "collections"; bench.searchFocus++; } },
    { id: "url", label: "Go to the URL", shortcut: "Mod+L", can: request !== null, run: () => document.querySelector<HTMLInputElement>("[data-url-bar]")?.focus() },
    { id: "tree", label: "Go to the tree", shortcut: "Alt+1", run: () => { section("collections")(); requestAnimationFrame(() => document.querySelector<HTMLElement>('[role="tree"]')?.focus()); } },
    { id: "environments", label: "Show environments", shortcut: "Alt+2", run: section("environments") },
    { id: "history", label: "Show history", shortcut: "Alt+3", run: section("history") },
    { id: "trash", label: "Show trash", shortcut: "Alt+4", run: section("trash") },
    ...METHOD_PANE.map((pane) => ({ id: `pane-${pane}`, label: `Go to ${pane}`, can: request !== null, run: () => { if (request) request.pane = pane; } })),
    { id: "reveal", label: "Show the tab in the tree", can: item?.id != null, run: () => { if (item?.id) { section("collections")(); bench.tree.reveal(item.id); } } },
    { id: "sync", label: "Sync now", run: () => void bench.syncNow() },
    { id: "reload", label: "Reload from the server and check", run: () => void bench.reload() },
    { id: "conflicts", label: "Show conflicts", run: () => bench.editing.openPanel("conflicts", "Conflicts") },
    { id: "import", label: "Import…", shortcut: "Mod+O", run: () => bench.openImport() },
    { id: "export", label: "Import and export", run: () => bench.editing.openPanel("transfer", "Import and export") },
    { id: "code", label: "Show the request as code", shortcut: "Alt+C", can: request !== null, run: () => { if (request) bench.overlay = { show: "snippet", tab: request }; } },
    { id: "run", label: "Run a collection or folder", run: () => { const at = bench.tree.focused ? bench.tree.index.byId.get(bench.tree.focused) : undefined; const holder = at && !isContainer(at.view.kind) ? bench.tree.index.byId.get(at.parent ?? "") : at; bench.editing.openPanel("runner", holder ? `Run ${holder.view.name}` : "Run", holder?.view.id ?? null); } },
    { id: "versions", label: "History of this item", can: item?.id != null, run: () => { if (item?.id) bench.editing.openPanel("history", `History of ${item.title}`, item.id); } },
    { id: "people", label: "People of this workspace", run: () => bench.editing.openPanel("people", "People") },
    { id: "account", label: "Account and apps", run: () => bench.editing.openPanel("account", "Account") },
    { id: "beside", label: bench.settings.kept.beside ? "Response below" : "Response beside", run: () => bench.settings.set("beside", !bench.settings.kept.beside) },
    { id: "light", label: "Light", run: () => bench.settings.set("theme", "light") },
    { id: "dark", label: "Dark", run: () => bench.settings.set("theme", "dark") },
    { id: "system", label: "Light or dark as the system", run: () => bench.settings.set("theme", "system") },
    { id: "shortcuts", label: "Keyboard shortcuts", shortcut: "Mod+/", run: () => bench.editing.openPanel("shortcuts", "Shortcuts") },
  ];
}
