// The tree as rows: from the host's depth-first list to what is on the screen, and what a drag or a click means in it.

import type { ItemView } from "../host/api";

export interface TreeItem { view: ItemView; parent: string | null; depth: number; hasChildren: boolean; at: number; of: number }
export interface TreeIndex { items: TreeItem[]; byId: ReadonlyMap<string, TreeItem>; places: ReadonlyMap<string, number> }

const KINDS = new Set(["collection", "folder", "request", "example"]);
const CONTAINERS = new Set(["collection", "folder"]);

export const isContainer = (kind: string): boolean => CONTAINERS.has(kind);

/// Finds parents by depth. Environments are not of the tree.
export function indexTree(views: readonly ItemView[]): TreeIndex {
  const items: TreeItem[] = [];
  const byId = new Map<string, TreeItem>();
  const places = new Map<string, number>();
  const above: TreeItem[] = [];
  const counts = new Map<string | null, number>();
  for (const view of views) {
    if (!KINDS.has(view.kind)) continue;
    above.length = Math.min(above.length, view.depth);
    const parent = above.at(-1);
    const parentId = parent?.view.id ?? null;
    const at = (counts.get(parentId) ?? 0) + 1;
    counts.set(parentId, at);
    const item: TreeItem = { view, parent: parentId, depth: above.length, hasChildren: false, at, of: 0 };
    if (parent) parent.hasChildren = true;
    above.push(item);
    places.set(view.id, items.length);
    items.push(item);
    byId.set(view.id, item);
  }
  for (const item of items) item.of = counts.get(item.parent) ?? 0;
  return { items, byId, places };
}

/// The rows whose ancestors are all open.
export function visibleRows(index: TreeIndex, open: ReadonlySet<string>): TreeItem[] {
  const rows: TreeItem[] = [];
  let closedAt = Infinity;
  for (const item of index.items) {
    if (item.depth > closedAt) continue;
    closedAt = Infinity;
    rows.push(item);
    if (item.hasChildren && !open.has(item.view.id)) closedAt = item.depth;
  }
  return rows;
}

export function ancestors(index: TreeIndex, id: string): TreeItem[] {
  const found: TreeItem[] = [];
  let item = index.byId.get(id);
  while (item?.parent) {
    item = index.byId.get(item.parent);
    if (item) found.unshift(item);
  }
  return found;
}

export function childrenOf(index: TreeIndex, parent: string | null): TreeItem[] {
  return index.items.filter((item) => item.parent === parent);
}

/// The ids between two rows, both included, in the order of the rows.
export function range(rows: readonly TreeItem[], from: string, to: string): string[] {
  const a = rows.findIndex((row) => row.view.id === from);
  const b = rows.findIndex((row) => row.view.id === to);
  if (a < 0 || b < 0) return [to];
  return rows.slice(Math.min(a, b), Math.max(a, b) + 1).map((row) => row.view.id);
}

/// Without those that go along with an ancestor, in the order of the tree.
export function topmost(index: TreeIndex, ids: ReadonlySet<string>): string[] {
  const kept = [...ids].filter((id) => !ancestors(index, id).some((above) => ids.has(above.view.id)));
  return kept.sort((a, b) => (index.places.get(a) ?? 0) - (index.places.get(b) ?? 0));
}

export type Zone = "before" | "inside" | "after";
export interface Drop { parent: string | null; before: string | null }

/// Which third of a row the pointer is in; containers take things in.
export function zoneOf(kind: string, offset: number, height: number): Zone {
  const share = offset / height;
  if (isContainer(kind)) return share < 0.25 ? "before" : share > 0.75 ? "after" : "inside";
  return share < 0.5 ? "before" : "after";
}

/// Where things land, or null where they cannot: not below themselves, only collections at the top, nothing beside an example.
export function dropAt(index: TreeIndex, dragged: readonly string[], target: string, zone: Zone): Drop | null {
  const onto = index.byId.get(target);
  if (!onto || dragged.includes(target)) return null;
  const parent = zone === "inside" ? target : onto.parent;
  const chain = parent === null ? [] : [...ancestors(index, parent).map((item) => item.view.id), parent];
  if (dragged.some((id) => chain.includes(id))) return null;
  const kinds = dragged.map((id) => index.byId.get(id)?.view.kind ?? "");
  if (!kinds.every((kind) => fits(kind, parent === null ? null : (index.byId.get(parent)?.view.kind ?? "")))) return null;
  if (zone === "inside") return { parent, before: null };
  return { parent, before: zone === "before" ? target : nextSibling(index, onto, dragged) };
}

function fits(kind: string, parent: string | null): boolean {
  if (kind === "collection") return parent === null;
  if (kind === "example") return parent === "request";
  return parent === "collection" || parent === "folder";
}

function nextSibling(index: TreeIndex, item: TreeItem, without: readonly string[]): string | null {
  const siblings = childrenOf(index, item.parent);
  const after = siblings.slice(siblings.indexOf(item) + 1).find((one) => !without.includes(one.view.id));
  return after?.view.id ?? null;
}

/// Where an item goes one step up or down among its siblings.
export function step(index: TreeIndex, id: string, by: -1 | 1): Drop | null {
  const item = index.byId.get(id);
  if (!item) return null;
  const siblings = childrenOf(index, item.parent);
  const at = siblings.indexOf(item) + (by < 0 ? -1 : 2);
  if (at < 0 || at > siblings.length) return null;
  return { parent: item.parent, before: siblings[at]?.view.id ?? null };
}
