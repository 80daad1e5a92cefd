// The tree on the screen: what is open, selected and being renamed.

import type { ItemView } from "../host/api";
import { ancestors, indexTree, range, visibleRows } from "./tree";

export class TreeState {
  views = $state.raw<ItemView[]>([]);
  open = $state.raw<ReadonlySet<string>>(new Set());
  selected = $state.raw<ReadonlySet<string>>(new Set());
  focused = $state<string | null>(null);
  renaming = $state<string | null>(null);
  loading = $state(true);
  index = $derived(indexTree(this.views));
  rows = $derived(visibleRows(this.index, this.open));
  private anchor: string | null = null;

  toggle(id: string, to = !this.open.has(id)): void {
    const open = new Set(this.open);
    if (to) open.add(id);
    else open.delete(id);
    this.open = open;
  }

  collapseAll(): void {
    this.open = new Set();
  }

  /// Opens what is above an item and puts the focus on it.
  reveal(id: string): void {
    this.open = new Set([...this.open, ...ancestors(this.index, id).map((item) => item.view.id)]);
    this.select(id, "only");
  }

  select(id: string, how: "only" | "toggle" | "range"): void {
    if (how === "range") this.selected = new Set(range(this.rows, this.anchor ?? id, id));
    else if (how === "toggle") {
      const selected = new Set(this.selected);
      if (!selected.delete(id)) selected.add(id);
      this.selected = selected;
    } else this.selected = new Set([id]);
    if (how !== "range") this.anchor = id;
    this.focused = id;
  }

  /// Takes new views in place; false where the shape changed and all must be read again.
  patch(views: readonly ItemView[]): boolean {
    const changes = new Map(views.map((view) => [view.id, view]));
    for (const view of views) {
      const old = this.index.byId.get(view.id)?.view;
      if (!old || parentPath(old) !== parentPath(view) || old.kind !== view.kind) return false;
      if (old.name !== view.name && this.index.byId.get(view.id)!.hasChildren) return false;
    }
    this.views = this.views.map((old) => (changes.has(old.id) ? { ...changes.get(old.id)!, depth: old.depth } : old));
    return true;
  }
}

const parentPath = (view: ItemView) => view.path.slice(0, Math.max(0, view.path.length - view.name.replaceAll("\\", "\\\\").replaceAll("/", "\\/").length));
