// The life of a tab: opened, edited with a draft kept, saved with a merge, changed by someone else meanwhile, sent.
//
// Invariants: an edit is never lost by what comes from elsewhere; what is not saved survives a crash; current values and
// secrets of environments never go into a draft's bytes.

import type { ItemView, Json, SentView, VariableEdit } from "../host/api";
import { isApiError } from "../host/host";
import { isTyping } from "./arrivals";
import { Drafts } from "./drafts";
import { isObject, put, same } from "./json";
import { problemOf } from "./problem";
import { formatPath } from "./path";
import { ItemTab, PanelTab, type Tab } from "./tabs.svelte";
import { ancestors } from "./tree";
import { layered, type Lookup, type Variable } from "./variables";
import { withoutSecrets } from "../environment/rows";
import { rowsOf } from "../request/rows";
import { exampleOf } from "../response/example";
import { rawUrl } from "../request/url";
import type { Workbench } from "./workbench.svelte";

const KEEP_AFTER_MS = 250;
/// Of a body that still comes, so many of its last signs are shown.
const PIECES_MAX = 100_000;
const NEW = "new-";
const HIDDEN = "••••••••";

export class Editing {
  private readonly unkept = new Set<ItemTab>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private warned = false;

  constructor(
    private readonly bench: Workbench,
    private readonly drafts: Drafts,
  ) {}

  /// Opens an item, or shows the tab that it has.
  async open(view: Pick<ItemView, "id" | "kind" | "name">, activate = true): Promise<ItemTab> {
    const known = this.bench.tabs.get(view.id);
    if (known instanceof ItemTab) {
      if (activate) this.bench.tabs.activate(view.id);
      return known;
    }
    const tab = new ItemTab(view.id, this.bench.workspace, (edited) => this.keepSoon(edited));
    Object.assign(tab, { id: view.id, kind: view.kind, name: view.name });
    this.bench.tabs.add(tab, activate);
    this.rememberTabs();
    await this.read(tab);
    return tab;
  }

  openPanel(kind: string, title: string, subject: string | null = null): void {
    const key = subject === null ? kind : `${kind}.${subject}`;
    if (this.bench.tabs.get(key)) this.bench.tabs.activate(key);
    else this.bench.tabs.add(new PanelTab(key, kind, title, subject));
  }

  /// A request that is in no collection yet.
  newRequest(document: Json = { name: "", request: { method: "GET", header: [], url: { raw: "" } } }): ItemTab {
    const tab = new ItemTab(NEW + crypto.randomUUID(), this.bench.workspace, (edited) => this.keepSoon(edited));
    Object.assign(tab, { name: "New request", document, base: document, loaded: true });
    tab.judge();
    this.bench.tabs.add(tab);
    this.rememberTabs();
    return tab;
  }

  async read(tab: ItemTab): Promise<void> {
    if (tab.id === null) return;
    try {
      const { item, document } = await this.bench.ask({ call: "show", path: tab.id, secrets: false }, "item");
      const draft = this.drafts.read(tab.workspace, tab.key);
      Object.assign(tab, { kind: item.kind, name: item.name, base: draft?.base ?? document, document: draft?.document ?? document, problem: null });
      if (draft && !same(draft.base, document)) tab.elsewhere = document;
      tab.loaded = true;
      tab.judge();
      await this.readAbove(tab);
    } catch (thrown) {
      tab.problem = problemOf(thrown);
    }
  }

  /// Saves; false if it did not happen. A tab that is in no collection asks where to.
  async save(tab: ItemTab): Promise<boolean> {
    if (tab.id === null) return this.askPlace(tab);
    if (!tab.dirty || tab.saving) return true;
    tab.saving = true;
    const sent = tab.document;
    const saved = await this.bench.attempt(async () => {
      if (!same(sent, tab.base)) await this.bench.ask({ call: "replace", path: tab.id!, base: tab.base, document: sent }, "changed");
      await this.saveCurrents(tab);
      await this.adopt(tab, sent);
    });
    tab.saving = false;
    return saved;
  }

  async discard(tab: ItemTab): Promise<void> {
    this.forget(tab);
    if (tab.id === null) return;
    Object.assign(tab, { elsewhere: null, currents: {} });
    await this.read(tab);
  }

  /// Closes, and asks first where edits would be lost.
  close(tab: Tab): void {
    if (tab instanceof ItemTab && tab.dirty && !isUntouched(tab)) {
      const run = () => this.closeNow(tab);
      this.bench.question = { ask: "confirm", title: `Discard the changes to “${tab.title}”?`, text: "They are not saved. Save with Ctrl+S first to keep them.", yes: "Discard changes", danger: true, run };
    } else this.closeNow(tab);
  }

  closeOthers(tab: Tab): void {
    for (const other of this.bench.tabs.list) if (other !== tab && !other.dirty) this.closeNow(other);
  }

  /// Sends the request as the tab has it.
  async send(tab: ItemTab): Promise<void> {
    const { run } = tab;
    if (run.phase === "sending") return;
    Object.assign(run, { phase: "sending", id: crypto.randomUUID(), problem: null, pieces: "" });
    const id = run.id;
    try {
      const reply = await this.bench.ask({ call: "send", item: tab.id, document: tab.document, environment: this.bench.activeEnvironment, run: id }, "sent");
      if (run.id !== id) return;
      Object.assign(run, { phase: "done", response: reply.response });
    } catch (thrown) {
      if (run.id !== id) return;
      Object.assign(run, { phase: "failed", problem: problemOf(thrown), response: null });
    }
    // The list is looked at beside; that it cannot be read is no failure of the send.
    void this.bench.sent.load().catch(() => {});
  }

  /// Opens what was sent: its request if it is still there, else a new one like it, and the answer with it.
  async openSent(sent: SentView): Promise<void> {
    const view = sent.item === null ? undefined : this.bench.tree.index.byId.get(sent.item)?.view;
    const tab = view ? await this.open(view) : this.newRequest({ name: "", request: { method: sent.method, header: [], url: { raw: sent.url } } });
    if (tab.run.phase === "sending") return;
    const { response } = await this.bench.ask({ call: "sent_show", id: sent.id }, "sent_detail");
    const problem = response ? null : { what: "No response", why: sent.failure ?? "There was no answer.", todo: "Send it again." };
    Object.assign(tab.run, { phase: response ? "done" : "failed", response, problem });
  }

  /// A piece of a body that still comes: shown until the whole is there.
  heardPiece(run: string, text: string): void {
    const tab = this.bench.tabs.list.find((one) => one instanceof ItemTab && one.run.id === run);
    if (tab instanceof ItemTab && tab.run.phase === "sending") tab.run.pieces = (tab.run.pieces + text).slice(-PIECES_MAX);
  }

  /// Keeps the response as an example below its request.
  async saveExample(tab: ItemTab, name: string): Promise<void> {
    const { response } = tab.run;
    if (!response || tab.id === null) return;
    await this.bench.attempt(async () => {
      const { items } = await this.bench.ask({ call: "new", kind: "example", path: `${tab.id}/${formatPath([name])}`, fields: [] }, "changed");
      const { document } = await this.bench.ask({ call: "show", path: items[0]!.id, secrets: false }, "item");
      await this.bench.ask({ call: "replace", path: items[0]!.id, base: document, document: { ...(document as object), ...exampleOf(name, response, tab.document) } }, "changed");
      await this.bench.readTree();
      this.bench.toasts.show({ tone: "good", title: `Saved as “${name}”`, text: "The example is below its request." });
    });
  }

  async stop(tab: ItemTab): Promise<void> {
    const id = tab.run.id;
    Object.assign(tab.run, { phase: tab.run.response ? "done" : "idle", id: "" });
    await this.bench.attempt(() => this.bench.ask({ call: "stop", run: id }, "done"));
  }

  /// What variables mean in a tab: environment, then the folders from near to far, then globals.
  lookup(tab: ItemTab): Lookup {
    const { bench } = this;
    const environment = bench.environments.find((one) => one.id === bench.activeEnvironment)?.name ?? "No environment";
    const shown = (list: typeof bench.variables): Omit<Variable, "source">[] =>
      list.filter((one) => one.enabled).map((one) => ({ name: one.key, value: one.secret ? HIDDEN : (one.current ?? one.initial ?? ""), secret: one.secret }));
    const own = tab.kind !== "request" && isObject(tab.document) ? [{ id: "", name: tab.title, document: tab.document as Json }] : [];
    const above = [...tab.above, ...own].toReversed().map((one) => ({
      source: one.name,
      variables: rowsOf(isObject(one.document) ? one.document["variable"] : undefined).filter((row) => !row.disabled).map((row) => ({ name: row.key, value: row.value, secret: false })),
    }));
    return layered([{ source: environment, variables: shown(bench.variables) }, ...above, { source: "Globals", variables: shown(bench.globals) }]);
  }

  /// Takes in what changed, without touching what is being edited.
  async changedElsewhere(items: readonly ItemView[], removed: readonly string[], everything: boolean): Promise<void> {
    const changed = new Map(items.map((item) => [item.id, item]));
    for (const tab of this.bench.tabs.list) {
      if (!(tab instanceof ItemTab) || tab.id === null || tab.saving) continue;
      if (removed.includes(tab.id)) tab.gone = true;
      else if (everything || changed.has(tab.id)) await this.refreshIfThere(tab);
      if (everything || tab.above.some((one) => changed.has(one.id)) || changed.has(tab.id)) await this.readAbove(tab);
    }
  }

  /// Their version in place of the edits.
  async takeTheirs(tab: ItemTab): Promise<void> {
    await this.discard(tab);
  }

  /// Writes all drafts now: the page goes away.
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    for (const tab of this.unkept) this.keep(tab);
    this.unkept.clear();
    this.rememberTabs();
  }

  async restoreTabs(): Promise<void> {
    const { workspace, tree, environments } = this.bench;
    const views = new Map([...tree.views, ...environments].map((view) => [view.id, view]));
    const { open, active } = this.rememberedTabs();
    const drafted = this.drafts.ids(workspace).filter((id) => !open.includes(id));
    for (const key of [...open, ...drafted]) {
      const view = views.get(key);
      const draft = view ? null : this.drafts.read(workspace, key);
      if (view) void this.open(view, key === active);
      else if (draft) this.restoreDraft(key, draft.name, draft.document);
    }
    const { tabs } = this.bench;
    if (active !== null && tabs.get(active)) tabs.activate(active);
    else if (tabs.list[0]) tabs.activate(tabs.list[0].key);
  }

  private restoreDraft(key: string, name: string, document: Json): void {
    const tab = new ItemTab(key, this.bench.workspace, (edited) => this.keepSoon(edited));
    Object.assign(tab, { name, document, base: document, loaded: true });
    tab.judge();
    this.bench.tabs.add(tab, false);
  }

  /// An item that was moved to the trash or purged is gone, which is no failure.
  private async refreshIfThere(tab: ItemTab): Promise<void> {
    try {
      await this.refresh(tab);
      tab.gone = false;
    } catch (thrown) {
      if (!isApiError(thrown) || thrown.kind !== "not_found") throw thrown;
      tab.gone = true;
    }
  }

  private async refresh(tab: ItemTab): Promise<void> {
    const { item, document } = await this.bench.ask({ call: "show", path: tab.id!, secrets: false }, "item");
    tab.name = item.name;
    if (same(document, tab.base)) return;
    if (same(document, tab.document)) Object.assign(tab, { base: document, elsewhere: null });
    else if (tab.dirty || (this.bench.tabs.active === tab && isTyping())) tab.elsewhere = document;
    else Object.assign(tab, { base: document, document });
    tab.judge();
  }

  private async readAbove(tab: ItemTab): Promise<void> {
    if (tab.id === null) return;
    const above = ancestors(this.bench.tree.index, tab.id);
    const read = above.map(async ({ view }) => {
      const { document } = await this.bench.ask({ call: "show", path: view.id, secrets: false }, "item");
      return { id: view.id, name: view.name, document };
    });
    tab.above = await Promise.all(read);
  }

  /// After a save: what the host has now, unless the person typed on meanwhile.
  private async adopt(tab: ItemTab, sent: Json): Promise<void> {
    const { item, document } = await this.bench.ask({ call: "show", path: tab.id!, secrets: false }, "item");
    tab.name = item.name;
    if (tab.document === sent) Object.assign(tab, { document, base: document, elsewhere: null });
    else Object.assign(tab, { base: sent, elsewhere: same(sent, document) ? null : document });
    tab.judge();
    if (tab.dirty) this.keepSoon(tab);
    else this.forget(tab);
  }

  private async saveCurrents(tab: ItemTab): Promise<void> {
    const edits = Object.entries(tab.currents);
    if (edits.length === 0) return;
    const variables: VariableEdit[] = edits.map(([key, value]) => ({ key, value, secret: null, share: false, current: true }));
    await this.bench.ask({ call: "set_variables", environment: tab.kind === "globals" ? "globals" : tab.id, variables }, "changed");
    tab.currents = {};
  }

  private askPlace(tab: ItemTab): Promise<boolean> {
    return new Promise((done) => {
      const run = (parent: string, name: string) => void this.bench.attempt(() => this.saveInto(tab, parent, name)).then(done);
      this.bench.question = { ask: "place", title: "Save request", yes: "Save", kinds: ["collection", "folder"], name: tab.name, run };
    });
  }

  private async saveInto(tab: ItemTab, parent: string, name: string): Promise<void> {
    const { bench } = this;
    const made = (await bench.ask({ call: "new", kind: "request", path: `${parent}/${formatPath([name])}`, fields: [] }, "changed")).items[0]!;
    const { document: base } = await bench.ask({ call: "show", path: made.id, secrets: false }, "item");
    const document = put(tab.document, ["name"], name);
    await bench.ask({ call: "replace", path: made.id, base, document }, "changed");
    await bench.readTree();
    this.closeNow(tab);
    await this.open(made);
    bench.tree.reveal(made.id);
  }

  private closeNow(tab: Tab): void {
    if (tab instanceof ItemTab) this.forget(tab);
    this.bench.tabs.close(tab.key);
    this.rememberTabs();
  }

  private forget(tab: ItemTab): void {
    this.unkept.delete(tab);
    this.drafts.drop(tab.workspace, tab.key);
  }

  private keepSoon(tab: ItemTab): void {
    this.unkept.add(tab);
    this.timer ??= setTimeout(() => this.flush(), KEEP_AFTER_MS);
  }

  private keep(tab: ItemTab): void {
    if (!tab.dirty) return this.drafts.drop(tab.workspace, tab.key);
    const { kind, name, base } = tab;
    const document = withoutSecrets(tab.document);
    const kept = this.drafts.keep(tab.workspace, tab.key, { kind, name, base, document, at: this.bench.now() });
    if (!kept && !this.warned) {
      this.warned = true;
      this.bench.toasts.show({ tone: "bad", title: "Drafts cannot be kept", text: "The browser's storage is full. Save your changes; they would not survive a crash." });
    }
  }

  private rememberTabs(): void {
    const open = this.bench.tabs.list.filter((tab) => tab.type === "item").map((tab) => tab.key);
    try {
      this.bench.shelf.setItem(`satchel.tabs.${this.bench.workspace}`, JSON.stringify({ open, active: this.bench.tabs.activeKey }));
    } catch {
      // Which tabs were open is a convenience; drafts are reported by themselves.
    }
  }

  private rememberedTabs(): { open: string[]; active: string | null } {
    try {
      const read = JSON.parse(this.bench.shelf.getItem(`satchel.tabs.${this.bench.workspace}`) ?? "null");
      return { open: Array.isArray(read?.open) ? read.open : [], active: typeof read?.active === "string" ? read.active : null };
    } catch {
      return { open: [], active: null };
    }
  }
}

/// A new request in which nothing was written.
const isUntouched = (tab: ItemTab) => tab.id === null && same(tab.document, tab.base) && rawUrl(isObject(tab.document) && isObject(tab.document["request"]) ? tab.document["request"]["url"] : undefined) === "";
