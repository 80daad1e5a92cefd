// Edits of the tree: made, renamed, moved, copied, thrown away.

import type { Workbench } from "./workbench.svelte";
import { isApiError } from "../host/host";
import { count } from "../cloud/words";
import { formatPath } from "./path";
import { childrenOf, step, topmost, type Drop, type TreeItem } from "./tree";

/// A name that no sibling has.
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n++) if (!taken.has(`${wanted} ${n}`)) return `${wanted} ${n}`;
}

/// A path below a parent named by its id: names above may be ambiguous, ids are not.
export const below = (parent: string | null, name: string): string => (parent === null ? name : `${parent}/${name}`);

export async function create(bench: Workbench, kind: string, parent: string | null): Promise<void> {
  const wanted = { collection: "New collection", folder: "New folder", request: "New request", environment: "New environment" }[kind] ?? "New item";
  await bench.attempt(async () => {
    const siblings = kind === "environment" ? bench.environments.map((one) => one.name) : childrenOf(bench.tree.index, parent).map((item) => item.view.name);
    const name = formatPath([freeName(wanted, new Set(siblings))]);
    const path = below(parent, name);
    const { items } = await bench.ask({ call: "new", kind, path, fields: [] }, "changed");
    const made = items[0];
    if (!made) return;
    if (kind === "environment") {
      await bench.readEnvironments();
      return void bench.editing.open(made);
    }
    await bench.readTree();
    bench.tree.reveal(made.id);
    if (kind === "request") void bench.editing.open(made);
    bench.tree.renaming = made.id;
  });
}

export async function rename(bench: Workbench, id: string, name: string): Promise<void> {
  bench.tree.renaming = null;
  const trimmed = name.trim();
  const old = [...bench.tree.views, ...bench.environments].find((view) => view.id === id);
  if (!old || trimmed === "" || trimmed === old.name) return;
  await bench.attempt(() => bench.ask({ call: "set", path: id, fields: [{ field: "name", value: trimmed }] }, "changed"));
}

/// Moves in the order of the tree, so that a block stays a block.
export async function move(bench: Workbench, ids: readonly string[], drop: Drop): Promise<void> {
  await bench.attempt(async () => {
    let last = childrenOf(bench.tree.index, drop.parent).at(-1)?.view.id ?? null;
    for (const id of ids) {
      await moveOne(bench, id, drop, last);
      last = id;
    }
    await bench.readTree();
    if (drop.parent !== null) bench.tree.toggle(drop.parent, true);
  });
}

/// The host leaves an item where it is when it "moves" to its own parent, before nothing. So the way to the end is before
/// the last one, and then the last one before it.
async function moveOne(bench: Workbench, id: string, drop: Drop, last: string | null): Promise<void> {
  const to = drop.parent ?? "";
  const stays = bench.tree.index.byId.get(id)?.parent === drop.parent;
  if (drop.before === null && stays && last !== null) {
    if (last === id) return;
    await bench.ask({ call: "move", from: id, to, before: last }, "changed");
    await bench.ask({ call: "move", from: last, to, before: id }, "changed");
  } else await bench.ask({ call: "move", from: id, to, before: drop.before }, "changed");
}

export async function moveByStep(bench: Workbench, id: string, by: -1 | 1): Promise<void> {
  const drop = step(bench.tree.index, id, by);
  if (drop) await move(bench, [id], drop);
}

export function askMove(bench: Workbench, ids: readonly string[]): void {
  const run = (parent: string) => void move(bench, ids, { parent, before: null });
  bench.question = { ask: "place", title: `Move ${count(ids.length, "item")} to`, yes: "Move", kinds: ["collection", "folder"], name: null, run };
}

export async function duplicate(bench: Workbench, item: TreeItem): Promise<void> {
  await bench.attempt(async () => {
    const taken = new Set(childrenOf(bench.tree.index, item.parent).map((one) => one.view.name));
    const name = formatPath([freeName(`${item.view.name} copy`, taken)]);
    await bench.ask({ call: "copy", from: item.view.id, to: below(item.parent, name) }, "changed");
    await bench.readTree();
  });
}

/// Moves to the trash, with a way back; asks where many would go.
export async function remove(bench: Workbench, ids: ReadonlySet<string>, bulk = false): Promise<void> {
  const paths = topmost(bench.tree.index, ids);
  const chosen = paths.length ? paths : [...ids];
  const first = [...bench.tree.views, ...bench.environments].find((view) => view.id === chosen[0])?.name ?? "item";
  try {
    await bench.ask({ call: "remove", paths: chosen, bulk }, "changed");
  } catch (thrown) {
    if (!isApiError(thrown) || thrown.kind !== "bulk_not_marked") return bench.toasts.failed(thrown);
    const run = () => void remove(bench, ids, true);
    bench.question = { ask: "confirm", title: `Move ${count(thrown.count, "item")} to the trash?`, text: "That is a large part of the workspace. It can be restored from the trash.", yes: "Move to trash", danger: true, run };
    return;
  }
  bench.tree.selected = new Set();
  const title = chosen.length === 1 ? `“${first}” is in the trash` : `${count(chosen.length, "item")} are in the trash`;
  const undo = () => void bench.attempt(() => bench.ask({ call: "restore_trash", items: chosen }, "changed")).then(() => bench.readTree());
  bench.toasts.show({ title, action: { label: "Undo", run: undo } });
  await bench.attempt(() => Promise.all([bench.readTree(), bench.readEnvironments()]));
}
