// A small workspace in memory: the items of the fake host and the edits on them.

import type { ConflictView, ItemView, Json, VariableView } from "./api";
import { apiError } from "./host";
import { formatPath, parsePath } from "../state/path";

export type JsonObject = { [key: string]: Json };

export interface StoredItem {
  id: string;
  kind: string;
  name: string;
  method: string | null;
  parent: string | null;
  document: JsonObject;
  waiting: boolean;
  trashed: { who: string; when: number } | null;
  children: string[];
}

export interface StoredVariable { key: string; value: string; type: "default" | "secret"; enabled: boolean; satchelShared?: boolean }

/// What a secret is shown as; coming back, it means the value that is here.
export const MASK = "(secret)";

export class MemoryStore {
  readonly items = new Map<string, StoredItem>();
  readonly roots: string[] = [];
  readonly current = new Map<string, Map<string, string>>();
  conflicts: ConflictView[] = [];
  activeEnvironment: string | null = null;
  private made = 0;

  constructor(readonly id: string, public name: string) {}

  add(kind: string, name: string, parent: string | null, document: JsonObject): StoredItem {
    const id = (this.id.charCodeAt(0) * 0x100000 + ++this.made).toString(16).padStart(32, "0");
    const item: StoredItem = { id, kind, name, method: null, parent, document: {}, waiting: false, trashed: null, children: [] };
    this.items.set(id, item);
    this.siblings(parent).push(id);
    this.write(item, document);
    return item;
  }

  /// Takes the name and the method out of a document as the model does.
  write(item: StoredItem, document: JsonObject): void {
    const info = document["info"] as JsonObject | undefined;
    const request = document["request"] as JsonObject | undefined;
    const name = info?.["name"] ?? document["name"];
    if (typeof name === "string" && name !== "") item.name = name;
    if (item.kind === "request") item.method = typeof request?.["method"] === "string" ? request["method"] : "GET";
    const old = variablesOf(item.document);
    item.document = structuredClone(document);
    for (const one of variablesOf(item.document)) if (one.value === MASK) one.value = old.find((was) => was.key === one.key)?.value ?? "";
  }

  rename(item: StoredItem, name: string): void {
    item.name = name;
    const info = item.document["info"];
    if (item.kind === "collection" && info && typeof info === "object") (info as JsonObject)["name"] = name;
    else item.document["name"] = name;
  }

  siblings(parent: string | null): string[] {
    return parent === null ? this.roots : this.get(parent).children;
  }

  get(id: string): StoredItem {
    const item = this.items.get(id);
    if (!item) throw apiError("not_found", "reading the workspace", `there is no item ${id}`);
    return item;
  }

  /// By id or by path.
  find(text: string): StoredItem | null {
    const byId = this.items.get(text);
    if (byId) return byId;
    let found: StoredItem | null = null;
    for (const name of parsePath(text)) {
      const among: string[] = found ? found.children : this.roots;
      const next = among.map((id) => this.get(id)).find((item) => item.name === name && !item.trashed);
      if (!next) return null;
      found = next;
    }
    return found;
  }

  resolve(text: string): StoredItem {
    const item = this.find(text);
    if (!item) throw apiError("not_found", `opening ${text}`, "there is no such item");
    return item;
  }

  path(item: StoredItem): string {
    const names: string[] = [];
    for (let at: StoredItem | undefined = item; at; at = at.parent === null ? undefined : this.items.get(at.parent)) names.unshift(at.name);
    return formatPath(names);
  }

  view(item: StoredItem, depth = 0): ItemView {
    const conflicts = this.conflicts.filter((conflict) => conflict.item.id === item.id).length;
    const { id, kind, name, method, waiting } = item;
    return { id, kind, name, method, path: this.path(item), depth, conflicts, waiting };
  }

  list(from: string | null, tree: boolean): ItemView[] {
    const items: ItemView[] = [];
    const walk = (ids: readonly string[], depth: number) => {
      for (const id of ids) {
        const item = this.get(id);
        if (item.trashed) continue;
        items.push(this.view(item, depth));
        if (tree) walk(item.children, depth + 1);
      }
    };
    walk(this.siblings(from), 0);
    return items;
  }

  below(item: StoredItem): StoredItem[] {
    return [item, ...item.children.flatMap((id) => this.below(this.get(id)))];
  }

  move(item: StoredItem, parent: string | null, before: string | null): void {
    for (let at = parent; at !== null; at = this.get(at).parent)
      if (at === item.id) throw apiError("invalid", `moving ${item.name}`, "a folder cannot be moved into itself");
    const old = this.siblings(item.parent);
    old.splice(old.indexOf(item.id), 1);
    const siblings = this.siblings(parent);
    const at = before === null ? -1 : siblings.indexOf(before);
    siblings.splice(at < 0 ? siblings.length : at, 0, item.id);
    item.parent = parent;
  }

  copy(item: StoredItem, parent: string | null): StoredItem {
    const copied = this.add(item.kind, item.name, parent, item.document);
    for (const child of [...item.children]) this.copy(this.get(child), copied.id);
    return copied;
  }

  purge(item: StoredItem): number {
    const all = this.below(item);
    const siblings = this.siblings(item.parent);
    siblings.splice(siblings.indexOf(item.id), 1);
    for (const { id } of all) this.items.delete(id);
    return all.length;
  }

  /// A document as it is shown: secrets masked.
  shown(item: StoredItem): JsonObject {
    const shown = structuredClone(item.document);
    for (const one of variablesOf(shown)) if (one.type === "secret" && one.value !== "") one.value = MASK;
    return shown;
  }

  variables(item: StoredItem, secrets: boolean): VariableView[] {
    const current = this.current.get(item.id);
    return variablesOf(item.document).map(({ key, value, type, enabled, satchelShared }) => {
      const secret = type === "secret";
      const hidden = secret && !secrets;
      return { key, initial: hidden ? null : value, current: hidden ? null : (current?.get(key) ?? null), secret, shared: !secret || satchelShared === true, enabled };
    });
  }
}

export const variablesOf = (document: JsonObject): StoredVariable[] => (document["values"] ?? []) as unknown as StoredVariable[];
