// What was sent from this page, the latest first: enough to find it again, without answers and without values of variables.

import type { Shelf } from "./drafts";

export interface Sent { item: string | null; method: string; url: string; status: number | null; micros: number; at: number }

const MOST = 200;

export class SentList {
  list = $state.raw<Sent[]>([]);

  constructor(private readonly shelf: Shelf) {}

  load(workspace: string): void {
    try {
      const read = JSON.parse(this.shelf.getItem(key(workspace)) ?? "[]");
      this.list = Array.isArray(read) ? read.slice(0, MOST) : [];
    } catch {
      this.list = [];
    }
  }

  add(workspace: string, sent: Sent): void {
    this.list = [sent, ...this.list].slice(0, MOST);
    this.write(workspace);
  }

  clear(workspace: string): void {
    this.list = [];
    this.shelf.removeItem(key(workspace));
  }

  private write(workspace: string): void {
    try {
      this.shelf.setItem(key(workspace), JSON.stringify(this.list));
    } catch {
      // The list is a convenience; a full storage shortens it to this session.
    }
  }
}

const key = (workspace: string) => `satchel.sent.${workspace}`;
