// Unsaved edits, kept on this device so that a crash loses none.
//
// Invariants: one draft an item, under the workspace's and the item's id; what cannot be read is treated as absent and
// left alone; a draft that does not fit into the storage is reported, never silently dropped.

import type { Json } from "../host/api";

export interface Draft { kind: string; name: string; base: Json; document: Json; at: number }

/// What is needed of `localStorage`.
export interface Shelf {
  readonly length: number;
  key(at: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const VERSION = 1;
const PREFIX = "satchel.draft.";

export class Drafts {
  constructor(private readonly shelf: Shelf) {}

  /// False where the storage is full.
  keep(workspace: string, id: string, draft: Draft): boolean {
    try {
      this.shelf.setItem(key(workspace, id), JSON.stringify({ version: VERSION, ...draft }));
      return true;
    } catch {
      return false;
    }
  }

  read(workspace: string, id: string): Draft | null {
    return parse(this.shelf.getItem(key(workspace, id)));
  }

  drop(workspace: string, id: string): void {
    this.shelf.removeItem(key(workspace, id));
  }

  /// The ids with drafts in a workspace.
  ids(workspace: string): string[] {
    const prefix = key(workspace, "");
    const found: string[] = [];
    for (let at = 0; at < this.shelf.length; at++) {
      const name = this.shelf.key(at);
      if (name?.startsWith(prefix)) found.push(name.slice(prefix.length));
    }
    return found;
  }
}

const OF_AN_ACCOUNT = ["satchel.draft.", "satchel.tabs.", "satchel.sent."];

/// Takes out all that a page keeps of workspaces, as signing out must; the Scratch Pad's and the settings stay.
export function wipeWorkspaces(shelf: Shelf): void {
  const names = Array.from({ length: shelf.length }, (_, at) => shelf.key(at) ?? "");
  const isScratch = (name: string) => OF_AN_ACCOUNT.some((prefix) => name === `${prefix}scratch` || name.startsWith(`${prefix}scratch.`));
  for (const name of names) if (OF_AN_ACCOUNT.some((prefix) => name.startsWith(prefix)) && !isScratch(name)) shelf.removeItem(name);
}

const key = (workspace: string, id: string) => `${PREFIX}${workspace}.${id}`;

function parse(text: string | null): Draft | null {
  if (text === null) return null;
  try {
    const read = JSON.parse(text);
    const fits = read?.version === VERSION && typeof read.kind === "string" && typeof read.name === "string" && read.document !== undefined;
    return fits ? { kind: read.kind, name: read.name, base: read.base ?? null, document: read.document, at: Number(read.at) || 0 } : null;
  } catch {
    return null;
  }
}

/// A shelf in memory, for a browser that refuses storage and for tests.
export function memoryShelf(limit = Infinity): Shelf {
  const map = new Map<string, string>();
  return {
    get length() {
      return map.size;
    },
    key: (at) => [...map.keys()][at] ?? null,
    getItem: (name) => map.get(name) ?? null,
    setItem: (name, value) => {
      if (value.length > limit) throw new Error("full");
      map.set(name, value);
    },
    removeItem: (name) => void map.delete(name),
  };
}

export function browserShelf(): Shelf {
  try {
    localStorage.setItem("satchel.probe", "1");
    localStorage.removeItem("satchel.probe");
    return localStorage;
  } catch {
    return memoryShelf();
  }
}
