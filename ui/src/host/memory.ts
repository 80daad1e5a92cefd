// A host without an agent: a small workspace in memory, for tests and for work on the page.

import type { Call, ItemView, Json, Status, WorkspaceView } from "./api";
import { apiError, type Host, type HostEvent, type HostReply, type HostRequest } from "./host";
import { MemoryAccount } from "./memory-account";
import type { Answers } from "./memory-answers";
import { bigStore, demoStore } from "./memory-demo";
import { MemoryHistory } from "./memory-history";
import { MemoryTransfer } from "./memory-import";
import { MemoryPeople } from "./memory-people";
import { MemoryRuns } from "./memory-run";
import { answer } from "./memory-send";
import { MemoryStore, type JsonObject, type StoredItem, type StoredVariable } from "./memory-store";
import { formatPath, parsePath } from "../state/path";

export interface MemoryOptions {
  /// The time, in milliseconds since 1970.
  now?: () => number;
  /// How many requests the big workspace has.
  big?: number;
  /// How long an answer takes, in milliseconds.
  delay?: number;
  /// Begins without an account.
  signedOut?: boolean;
}

type Handler<K extends Call["call"]> = (store: MemoryStore, call: Extract<Call, { call: K }>) => HostReply;
const ME = "ada@example.com";
const CHANGED = { reply: "changed", acknowledged: "local" } as const;

export class MemoryHost implements Host {
  stores: MemoryStore[];
  status: Status;
  readonly people: MemoryPeople;
  readonly account: MemoryAccount;
  private readonly history: MemoryHistory;
  private readonly runs: MemoryRuns;
  private readonly more: Answers;
  private readonly ofAccount: MemoryStore[];
  private current: string;
  private readonly listeners = new Set<(event: HostEvent) => void>();
  private readonly now: () => number;
  private readonly delay: number;

  constructor(options: MemoryOptions = {}) {
    this.now = options.now ?? Date.now;
    this.delay = options.delay ?? 0;
    const scratch = new MemoryStore("scratch", "Scratch Pad");
    this.ofAccount = [demoStore(this.now()), ...(options.big ? [bigStore(options.big)] : [])];
    const [first, ...others] = this.ofAccount;
    this.stores = options.signedOut ? [scratch] : [first!, scratch, ...others];
    this.current = this.stores[0]!.id;
    const told = () => {
      this.status = this.freshStatus();
      this.tell({ event: "status", status: this.status });
    };
    this.people = new MemoryPeople(ME, this.now, told);
    this.account = new MemoryAccount(options.signedOut ? null : { email: ME, server: "https://sync.example.com" }, this.now, () => this.status.pending.up, () => (this.signed(scratch), told()));
    this.history = new MemoryHistory(this.now, (store, items) => this.changed(store, items));
    this.runs = new MemoryRuns(this.now, (event) => this.tell(event));
    const transfer = new MemoryTransfer(() => this.stores, (store, items) => this.changed(store, items));
    this.more = { ...this.people.answers, ...this.account.answers, ...this.history.answers, ...this.runs.answers, ...transfer.answers };
    this.status = this.freshStatus();
  }

  /// With an account its workspaces are there, without one the Scratch Pad alone.
  private signed(scratch: MemoryStore): void {
    this.stores = this.account.signed ? [this.ofAccount[0]!, scratch, ...this.ofAccount.slice(1)] : [scratch];
    this.current = this.stores[0]!.id;
  }

  async call(request: HostRequest): Promise<HostReply> {
    const { call } = request;
    if (call.call === "stop") {
      this.runs.stop(call.run);
      return { reply: "done" };
    }
    if (call.call === "send") {
      await pause(this.delay || 120);
      const response = answer(call);
      this.runs.note(this.store(request.workspace), call.item, response);
      return { reply: "sent", response };
    }
    if (this.delay) await pause(this.delay);
    const more = this.more[call.call] as ((call: unknown, store: MemoryStore) => HostReply | Promise<HostReply>) | undefined;
    if (more) return more(call, this.store(request.workspace));
    const handler = this.handlers[call.call as Call["call"]] as Handler<Call["call"]> | undefined;
    if (!handler) throw apiError("invalid", call.call.replaceAll("_", " "), "the workspace in memory cannot do this");
    return handler(this.store(request.workspace), call as Call);
  }

  events(on: (event: HostEvent) => void): () => void {
    this.listeners.add(on);
    return () => this.listeners.delete(on);
  }

  tell(event: HostEvent): void {
    for (const on of this.listeners) on(event);
  }

  /// Another app edits an item.
  editElsewhere(workspace: string, id: string, document: JsonObject): void {
    const store = this.store(workspace);
    store.write(store.get(id), document);
    this.changed(store, [store.get(id)]);
  }

  /// Shows another state, as the network or the server would.
  setState(change: Partial<Status["workspaces"][number]>): void {
    const workspaces = this.status.workspaces.map((one) => (one.id === "scratch" ? one : { ...one, ...change }));
    this.status = { ...this.status, ...change, pending: change.pending ?? this.status.pending, workspaces };
    this.tell({ event: "status", status: this.status });
  }

  private readonly handlers: { [K in Call["call"]]?: Handler<K> } = {
    status: () => ({ reply: "status", ...this.status }),
    sync: () => {
      this.status = this.freshStatus();
      this.tell({ event: "status", status: this.status });
      return { reply: "status", ...this.status };
    },
    take_place: () => {
      this.status = this.freshStatus();
      return { reply: "status", ...this.status };
    },
    move_to_workspace: (store, { path, to }) => {
      const item = store.resolve(path);
      const target = this.store(to);
      const moved = copyOver(store, item, target, null);
      item.trashed = { who: ME, when: this.now() };
      this.changed(store, [item]);
      return this.changed(target, [moved]);
    },
    delete_workspace: (_, { workspace }) => {
      const gone = this.store(workspace);
      this.stores = this.stores.filter((one) => one !== gone);
      if (this.current === gone.id) this.current = this.stores[0]!.id;
      return { reply: "done" };
    },
    reload: (store) => ({ reply: "verified", records: store.items.size, entries: 42, problems: [], mended: 0, rebuilt: [] }),
    verify: (store) => ({ reply: "verified", records: store.items.size, entries: 42, problems: [], mended: 0, rebuilt: [] }),
    workspaces: () => ({ reply: "workspaces", workspaces: this.stores.map((store) => this.workspaceView(store)) }),
    create_workspace: (_, { name }) => {
      const store = new MemoryStore(`w-${this.stores.length}`, name);
      this.stores.push(store);
      this.status = this.freshStatus();
      return { reply: "workspace", ...this.workspaceView(store) };
    },
    use_workspace: (_, { workspace }) => {
      this.current = this.store(workspace).id;
      return { reply: "workspace", ...this.workspaceView(this.store(workspace)) };
    },
    rename_workspace: (_, { workspace, name }) => {
      this.store(workspace).name = name;
      return { reply: "workspace", ...this.workspaceView(this.store(workspace)) };
    },
    list: (store, { path, tree }) => ({ reply: "items", items: store.list(path === null ? null : store.resolve(path).id, tree) }),
    show: (store, { path }) => {
      const item = store.resolve(path);
      return { reply: "item", item: store.view(item), document: store.shown(item) };
    },
    search: (store, { text, limit }) => this.search(store, text, limit),
    new: (store, { kind, path, fields }) => {
      const names = parsePath(path);
      const name = names.pop() ?? "New";
      const parent = names.length ? store.resolve(formatPath(names)).id : null;
      const item = store.add(kind, name, parent, emptyDocument(kind, name));
      for (const { field, value } of fields) if (field === "name" && value) store.rename(item, value);
      return this.changed(store, [item]);
    },
    set: (store, { path, fields }) => {
      const item = store.resolve(path);
      for (const { field, value } of fields) if (field === "name" && value) store.rename(item, value);
      return this.changed(store, [item]);
    },
    replace: (store, { path, document }) => {
      const item = store.resolve(path);
      store.write(item, document as JsonObject);
      return this.changed(store, [item]);
    },
    move: (store, { from, to, before }) => this.move(store, from, to, before),
    copy: (store, { from, to }) => {
      const item = store.resolve(from);
      const target = store.find(to);
      const copied = store.copy(item, target ? target.id : item.parent);
      if (!target) store.rename(copied, parsePath(to).pop() ?? item.name);
      return this.changed(store, [copied]);
    },
    remove: (store, { paths, bulk }) => this.remove(store, paths, bulk),
    trash: (store) => ({ reply: "trash", items: this.trashed(store).map((item) => ({ item: store.view(item), ...item.trashed!, below: store.below(item).length - 1 })) }),
    restore_trash: (store, { items }) => {
      const restored = items.map((text) => store.get(text));
      for (const item of restored) item.trashed = null;
      return this.changed(store, restored);
    },
    empty_trash: (store, { items }) => {
      const gone = this.trashed(store).filter((item) => items.length === 0 || items.includes(item.id));
      return { reply: "purged", items: gone.reduce((sum, item) => sum + store.purge(item), 0), acknowledged: "local" };
    },
    diff: (store, { path }) => ({ reply: "difference", item: store.view(store.resolve(path)), version: null, text: "@@ -1,3 +1,3 @@\n {\n-  \"method\": \"GET\",\n+  \"method\": \"POST\",\n" }),
    environments: (store) => ({ reply: "environments", environments: this.environmentItems(store).map((item) => store.view(item)), active: store.activeEnvironment }),
    use_environment: (store, { environment }) => {
      store.activeEnvironment = environment === null ? null : store.resolve(environment).id;
      return { reply: "done" };
    },
    show_environment: (store, { environment, secrets }) => {
      const item = this.environment(store, environment);
      return { reply: "environment", item: store.view(item), variables: store.variables(item, secrets) };
    },
    set_variables: (store, { environment, variables }) => {
      const item = this.environment(store, environment);
      const values = (item.document["values"] ??= []) as unknown as StoredVariable[];
      for (const edit of variables) {
        if (edit.current) {
          if (!store.current.has(item.id)) store.current.set(item.id, new Map());
          store.current.get(item.id)!.set(edit.key, edit.value);
          continue;
        }
        const known = values.find((one) => one.key === edit.key);
        const type = edit.secret ?? known?.type === "secret" ? "secret" : "default";
        if (known) Object.assign(known, { value: edit.value, type });
        else values.push({ key: edit.key, value: edit.value, type, enabled: true });
      }
      return this.changed(store, [item]);
    },
    unset_variables: (store, { environment, keys }) => {
      const item = this.environment(store, environment);
      const values = (item.document["values"] ?? []) as unknown as StoredVariable[];
      item.document["values"] = values.filter((one) => !keys.includes(one.key)) as unknown as Json;
      return this.changed(store, [item]);
    },
    conflicts: (store) => ({ reply: "conflicts", conflicts: store.conflicts }),
    show_conflict: (store, { id }) => {
      const found = store.conflicts.find((one) => one.id.startsWith(id));
      if (!found) throw apiError("not_found", `opening conflict ${id}`, "it is settled already");
      return { reply: "conflict", ...found };
    },
    resolve: (store, { id }) => {
      const inside = (item: ItemView) => store.items.has(id) && store.below(store.get(id)).some((one) => one.id === item.id);
      const settled = store.conflicts.filter((one) => one.id.startsWith(id) || inside(one.item));
      store.conflicts = store.conflicts.filter((one) => !settled.includes(one));
      this.history.keepSettled(settled);
      this.status = this.freshStatus();
      this.tell({ event: "status", status: this.status });
      return this.changed(store, settled.map((one) => store.get(one.item.id)));
    },
  };

  private store(workspace: string | null): MemoryStore {
    const wanted = workspace ?? this.current;
    const found = this.stores.find((store) => store.id === wanted || store.name === wanted);
    if (!found) throw apiError("not_found", `opening workspace ${wanted}`, "there is no such workspace");
    return found;
  }

  private environmentItems(store: MemoryStore): StoredItem[] {
    const kinds = ["environment", "globals"];
    return store.roots.map((id) => store.get(id)).filter((item) => kinds.includes(item.kind) && !item.trashed);
  }

  private environment(store: MemoryStore, name: string | null): StoredItem {
    const wanted = name ?? store.activeEnvironment;
    if (wanted === "globals") return this.environmentItems(store).find((item) => item.kind === "globals") ?? store.add("globals", "Globals", null, emptyDocument("globals", "Globals"));
    if (wanted === null) throw apiError("not_found", "reading the environment", "no environment is chosen");
    return store.find(wanted) ?? store.add("environment", wanted, null, emptyDocument("environment", wanted));
  }

  private move(store: MemoryStore, from: string, to: string, before: string | null): HostReply {
    const item = store.resolve(from);
    const target = to === "" ? null : store.find(to);
    const sibling = before === null ? null : store.resolve(before).id;
    if (to === "" || (target && target.id !== item.id && target.kind !== "example")) {
      const parent = target?.id ?? null;
      // As the client does it: before nothing in its own parent, an item stays.
      if (sibling !== null || parent !== item.parent) store.move(item, parent, sibling);
    } else {
      const names = parsePath(to);
      const name = names.pop() ?? item.name;
      store.move(item, names.length ? store.resolve(formatPath(names)).id : null, sibling);
      store.rename(item, name);
    }
    return this.changed(store, [item]);
  }

  private remove(store: MemoryStore, paths: string[], bulk: boolean): HostReply {
    const items = paths.map((path) => store.resolve(path));
    const count = items.reduce((sum, item) => sum + store.below(item).length, 0);
    if (!bulk && count > Math.max(20, store.items.size / 10)) throw { ...apiError("bulk_not_marked", "moving items to the trash", ""), count };
    for (const item of items) item.trashed = { who: "ada@example.com", when: this.now() };
    return this.changed(store, items);
  }

  private trashed(store: MemoryStore): StoredItem[] {
    return [...store.items.values()].filter((item) => item.trashed).sort((a, b) => b.trashed!.when - a.trashed!.when);
  }

  private search(store: MemoryStore, text: string, limit: number): HostReply {
    const wanted = text.toLowerCase();
    const hits = [];
    for (const item of store.items.values()) {
      if (item.trashed || !["request", "folder", "collection"].includes(item.kind)) continue;
      const content = JSON.stringify(item.document);
      const at = content.toLowerCase().indexOf(wanted);
      if (at < 0) continue;
      if (hits.length === limit) return { reply: "found", hits, more: true };
      const field = item.name.toLowerCase().includes(wanted) ? "name" : "url";
      hits.push({ item: store.view(item), field, excerpt: content.slice(Math.max(0, at - 20), at + 60) });
    }
    return { reply: "found", hits, more: false };
  }

  private changed(store: MemoryStore, items: StoredItem[]): HostReply {
    const views = items.filter((item) => !item.trashed).map((item) => store.view(item));
    const removed = items.filter((item) => item.trashed).map((item) => item.id);
    this.tell({ event: "changed", workspace: store.id, items: views, removed });
    return { ...CHANGED, items: items.map((item) => store.view(item)) };
  }

  private workspaceView(store: MemoryStore): WorkspaceView {
    const state = store.id === "scratch" ? "offline" : this.status.state;
    return { id: store.id, name: store.name, current: store.id === this.current, items: store.items.size, state };
  }

  /// What the account is in a workspace.
  private standing(id: string): Pick<Status["workspaces"][number], "role" | "kind" | "team" | "members" | "drafts"> {
    if (id === "scratch") return { role: null, kind: null, team: null, members: 0, drafts: 0 };
    const role = this.people.place(id).members.find((one) => one.this)?.role ?? null;
    return { role, kind: id === "workspace-shop" ? "team" : "personal", team: id === "workspace-shop" ? "Shop team" : null, members: this.people.count(id), drafts: 0 };
  }

  private freshStatus(): Status {
    const workspaces = this.stores.map((store) => ({
      id: store.id, name: store.name, state: store.id === "scratch" ? ("offline" as const) : ("in_sync" as const),
      reason: store.id === "scratch" ? "scratch" : null, detail: null, pending: { up: 0, down: 0 }, conflicts: store.conflicts.length, set_aside: [], seq: 42,
      ...this.standing(store.id),
    }));
    const signed = this.account.signed;
    return {
      state: signed ? "in_sync" : "offline", reason: signed ? null : "signed_out", detail: null, server: signed?.server ?? null, account: signed?.email ?? null, pending: { up: 0, down: 0 },
      conflicts: workspaces.reduce((sum, one) => sum + one.conflicts, 0), acknowledged_at: signed ? this.now() - 4_000 : null, workspaces, agent: true, tries: [],
    };
  }
}

function emptyDocument(kind: string, name: string): JsonObject {
  if (kind === "collection") return { info: { name } };
  if (kind === "request") return { name, request: { method: "GET", header: [], url: { raw: "" } }, response: [] };
  if (kind === "environment" || kind === "globals") return { name, values: [] };
  return { name };
}

function copyOver(from: MemoryStore, item: StoredItem, to: MemoryStore, parent: string | null): StoredItem {
  const copied = to.add(item.kind, item.name, parent, item.document);
  for (const child of item.children) copyOver(from, from.get(child), to, copied.id);
  return copied;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
