// Imports and exports of the host in memory: Postman's collections and environments, as far as looking at the page needs.

import { apiError, type HostReply } from "./host";
import type { ExportedFile, Json, Source } from "./api";
import type { Answers } from "./memory-answers";
import type { JsonObject, MemoryStore, StoredItem } from "./memory-store";

interface Read { name: string; kind: "collection" | "environment"; document: JsonObject; below: JsonObject[] }

export class MemoryTransfer {
  constructor(
    private readonly stores: () => readonly MemoryStore[],
    private readonly changed: (store: MemoryStore, items: StoredItem[]) => HostReply,
  ) {}

  readonly answers: Answers = {
    import: ({ source, mode, dry_run }, store) => {
      const file = read(source);
      const known = store.roots.map((id) => store.get(id)).find((item) => item.kind === file.kind && item.name === file.name && !item.trashed);
      const counts = new Map<string, number>();
      const losses: string[] = [];
      count(file, counts, losses);
      if (known && mode === null) throw { ...apiError("import_exists", `importing ${file.name}`, ""), candidates: [known.name] };
      const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
      const adds = known && mode !== "copy" ? 0 : total;
      const report = { source: file.kind === "collection" ? "Postman collection v2.1" : "Postman environment", items: known ? [store.view(known)] : [], counts: [...counts], losses, dry_run, added: adds, changed: total - adds, trashed: known && mode === "replace" ? Math.max(0, store.below(known).length - total) : 0, acknowledged: "local" as const };
      if (!dry_run) {
        const top = known && mode !== "copy" ? known : add(store, file);
        if (top === known) store.write(top, file.document);
        this.changed(store, [top]);
        report.items = [store.view(top)];
      }
      return { reply: "imported", ...report };
    },
    export: ({ paths, all, format }, store) => {
      if (format === "satchel") return { reply: "exported", files: [this.backup()], omitted: ["3 secret values that are only on this device"] };
      const items = all ? store.roots.map((id) => store.get(id)).filter((item) => !item.trashed) : paths.map((path) => store.resolve(path));
      const files = items.map((item): ExportedFile => ({ name: `${item.name}.${item.kind === "collection" ? "postman_collection" : "postman_environment"}.json`, content: JSON.stringify(item.document, null, 2), text: true }));
      return { reply: "exported", files: format === "dump" ? [{ name: "satchel.postman_dump.json", content: JSON.stringify(items.map((item) => item.document)), text: true }] : files, omitted: [] };
    },
    create_backup: () => ({ reply: "exported", files: [this.backup()], omitted: [] }),
  };

  private backup(): ExportedFile {
    const workspaces = this.stores().map((store) => ({ name: store.name, items: [...store.items.values()].map((item) => item.document) }));
    return { name: "satchel-backup.json", content: JSON.stringify({ satchel_backup: 1, workspaces }), text: true };
  }
}

function read(source: Source): Read {
  const name = typeof source === "object" && "base64" in source ? source.base64.name : "the file";
  const refuse = (detail: string) => apiError("invalid", `importing ${name}`, detail);
  if (!("base64" in source)) throw refuse("the host in memory reads no files");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(source.base64.content), (sign) => sign.charCodeAt(0))));
  } catch {
    throw refuse("it is no JSON");
  }
  const document = json as JsonObject;
  const info = document?.["info"] as JsonObject | undefined;
  if (info && typeof info["name"] === "string") {
    const { item, ...rest } = document;
    return { name: info["name"], kind: "collection", document: rest, below: (item ?? []) as JsonObject[] };
  }
  if (typeof document?.["name"] === "string" && Array.isArray(document["values"])) return { name: document["name"], kind: "environment", document, below: [] };
  throw refuse("it is neither a collection nor an environment");
}

const isFolder = (json: JsonObject) => Array.isArray(json["item"]);

function count(file: Read, counts: Map<string, number>, losses: string[]): void {
  const bump = (kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const walk = (list: readonly JsonObject[]) => {
    for (const one of list) {
      bump(isFolder(one) ? "folder" : "request");
      if (typeof one["name"] !== "string") losses.push("an item without a name is called Untitled");
      if (isFolder(one)) walk(one["item"] as unknown as JsonObject[]);
    }
  };
  bump(file.kind);
  walk(file.below);
}

function add(store: MemoryStore, file: Read): StoredItem {
  const top = store.add(file.kind, file.name, null, file.document);
  const walk = (list: readonly JsonObject[], parent: string) => {
    for (const one of list) {
      const { item, ...rest } = one;
      const made = store.add(isFolder(one) ? "folder" : "request", typeof one["name"] === "string" ? one["name"] : "Untitled", parent, rest as { [key: string]: Json });
      if (isFolder(one)) walk(item as unknown as JsonObject[], made.id);
    }
  };
  walk(file.below, top.id);
  return top;
}
