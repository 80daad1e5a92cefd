// The versions of items of the host in memory: those that were written since it began, and before them two that are made
// up from the document, so that there is something to look at.

import { apiError, type HostReply } from "./host";
import type { ConflictView, Json, VersionView } from "./api";
import type { Answers } from "./memory-answers";
import type { JsonObject, MemoryStore, StoredItem } from "./memory-store";

interface Version { version: number; who: string; when: number; document: JsonObject; changes: string[] }

export class MemoryHistory {
  private readonly versions = new Map<string, Version[]>();
  private readonly settled = new Map<string, ConflictView[]>();
  private next = 20;

  constructor(
    private readonly now: () => number,
    private readonly changed: (store: MemoryStore, items: StoredItem[]) => HostReply,
  ) {}

  /// Conflicts that were settled come back with the version before.
  keepSettled(conflicts: readonly ConflictView[]): void {
    for (const one of conflicts) this.settled.set(one.item.id, [...(this.settled.get(one.item.id) ?? []), one]);
  }

  /// The versions, the newest first; a document that is not the newest's becomes one.
  private list(item: StoredItem): Version[] {
    let list = this.versions.get(item.id);
    if (!list) {
      const hour = 3_600_000;
      list = [
        { version: 12, who: "mira@example.com", when: this.now() - 26 * hour, document: thinner(item.document), changes: ["header Accept", "description"] },
        { version: 3, who: "ada@example.com", when: this.now() - 200 * hour, document: { ...thinner(item.document), name: "New request" }, changes: ["made"] },
      ];
      list.unshift({ version: 19, who: "ada@example.com", when: this.now() - 2 * hour, document: structuredClone(item.document), changes: ["url"] });
      this.versions.set(item.id, list);
    }
    if (JSON.stringify(list[0]!.document) !== JSON.stringify(item.document)) list.unshift({ version: this.next++, who: "ada@example.com", when: this.now(), document: structuredClone(item.document), changes: ["edited"] });
    return list;
  }

  private find(item: StoredItem, version: number | null): Version {
    const list = this.list(item);
    const found = version === null ? list[1] : list.find((one) => one.version === version);
    if (!found) throw apiError("not_found", `reading the history of ${item.name}`, `it has no version ${version}`);
    return found;
  }

  private view(item: StoredItem, one: Version): VersionView {
    const { version, who, when, changes } = one;
    return { version, who, app: who.startsWith("ada") ? "Ada’s laptop" : "Firefox", when, changes, current: JSON.stringify(one.document) === JSON.stringify(item.document), problem: null };
  }

  readonly answers: Answers = {
    history: ({ path }, store) => {
      if (store.id === "scratch") throw apiError("no_history", "reading the history", "");
      const item = store.resolve(path);
      return { reply: "history", item: store.view(item), versions: this.list(item).map((one) => this.view(item, one)), more: false };
    },
    show_version: ({ path, version }, store) => {
      const item = store.resolve(path);
      const found = this.find(item, version);
      return { reply: "version", version: this.view(item, found), document: found.document as Json };
    },
    restore: ({ path, version }, store) => {
      const item = store.resolve(path);
      store.write(item, this.find(item, version).document);
      store.conflicts = [...store.conflicts, ...(this.settled.get(item.id) ?? [])];
      this.settled.delete(item.id);
      return this.changed(store, [item]);
    },
  };
}

function thinner(document: JsonObject): JsonObject {
  const copy = structuredClone(document);
  const request = copy["request"];
  if (request && typeof request === "object" && !Array.isArray(request)) {
    delete request["description"];
    request["header"] = [];
    const body = request["body"];
    if (body && typeof body === "object" && !Array.isArray(body) && typeof body["raw"] === "string") body["raw"] = body["raw"].split("\n").filter((_, at) => at !== 2).join("\n");
  }
  delete copy["event"];
  return copy;
}
