// What the page is about right now: the host, its workspaces, one of them open, and everything seen of it.
//
// Why it exists: views ask here and never talk to the host themselves. Edits of tabs are in `editing.svelte.ts`, those
// of the tree in `moving.ts`.

import type { HostEvent, Host, HostCall, HostReply } from "../host/host";
import { ask } from "../host/host";
import type { Gathered } from "../transfer/gather";
import type { ItemTab } from "./tabs.svelte";
import type { ItemView, PresentView, Progress, Status, VariableView, WorkspaceStatus, WorkspaceView } from "../host/api";
import { conflictsCounted } from "./arrivals";
import { Drafts, type Shelf } from "./drafts";
import { Editing } from "./editing.svelte";
import { SentList } from "./sent.svelte";
import { Settings } from "./settings.svelte";
import { Tabs } from "./tabs.svelte";
import { Toasts } from "./toasts.svelte";
import { TreeState } from "./tree.svelte";

export type Section = "collections" | "environments" | "history" | "trash";

/// What a dialog asks; one at a time.
export type Question =
  | { ask: "confirm"; title: string; text: string; yes: string; danger: boolean; run: () => void }
  | { ask: "name"; title: string; label: string; value: string; yes: string; run: (name: string) => void }
  | { ask: "place"; title: string; yes: string; kinds: readonly string[]; name: string | null; run: (parent: string, name: string) => void };

/// A dialog that is more than a question; loaded when it is first shown.
export type Overlay = { show: "snippet"; tab: ItemTab } | { show: "elsewhere"; tab: ItemTab } | { show: "import"; gathered: Gathered | null; text: string } | { show: "move"; from: string; items: readonly ItemView[] } | { show: "places" };

const TREE_AFTER_MS = 800;
const PEOPLE_AFTER_MS = 500;

/// The status leaves an empty Scratch Pad out.
const SCRATCH: WorkspaceStatus = { id: "scratch", name: "Scratch Pad", state: "offline", reason: "scratch", detail: null, pending: { up: 0, down: 0 }, conflicts: 0, set_aside: [], seq: 0, role: null, kind: null, team: null, members: 0, drafts: 0 };

const listed = (all: readonly { id: string; name: string }[]) => all.filter((one) => one.id !== SCRATCH.id).map((one) => `${one.id} ${one.name}`).sort().join("\n");

export class Workbench {
  readonly settings: Settings;
  readonly toasts = new Toasts();
  readonly tree = new TreeState();
  readonly tabs = new Tabs();
  readonly sent: SentList;
  readonly editing: Editing;

  ready = $state(false);
  linked = $state(true);
  /// The agent that this page belongs to has ended for good.
  over = $state(false);
  status = $state.raw<Status | null>(null);
  progress = $state.raw<Progress | null>(null);
  workspaces = $state.raw<WorkspaceView[]>([]);
  workspace = $state("scratch");
  environments = $state.raw<ItemView[]>([]);
  activeEnvironment = $state<string | null>(null);
  /// The variables of the active environment and of the globals, secrets masked.
  variables = $state.raw<VariableView[]>([]);
  globals = $state.raw<VariableView[]>([]);
  section = $state<Section>("collections");
  paletteOpen = $state(false);
  question = $state.raw<Question | null>(null);
  overlay = $state.raw<Overlay | null>(null);
  /// Whether scripts of the open workspace may run here; null until it was asked.
  trusted = $state<boolean | null>(null);
  /// Who else says to be in the open workspace.
  present = $state.raw<PresentView[]>([]);
  /// Counts what was told of people, so that what shows them reads again.
  peopleChanged = $state(0);
  searchFocus = $state(0);
  private began = false;
  private toldWorkspaces = "";
  private treeTimer: ReturnType<typeof setTimeout> | null = null;
  private peopleTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly host: Host,
    readonly shelf: Shelf,
    readonly now: () => number = Date.now,
  ) {
    this.settings = new Settings(shelf);
    this.sent = new SentList(this);
    this.editing = new Editing(this, new Drafts(shelf));
  }

  /// Ends nothing: the page lives as long as its window.
  async start(): Promise<void> {
    this.host.events((event) => this.heard(event));
    this.sent.dropOld();
    await this.begin();
  }

  /// Reads everything anew: at the start, after signing in or out, and when the agent is back after a failed start.
  async begin(): Promise<void> {
    try {
      const [status, workspaces] = await Promise.all([ask(this.host, null, { call: "status" }, "status"), ask(this.host, null, { call: "workspaces" }, "workspaces")]);
      this.status = status;
      this.workspaces = workspaces.workspaces;
      const workspace = (workspaces.workspaces.find((one) => one.current) ?? workspaces.workspaces[0])?.id ?? "scratch";
      if (workspace !== this.workspace) this.leave();
      this.workspace = workspace;
      await this.load();
      this.began = true;
    } catch (thrown) {
      this.toasts.failed(thrown);
    }
    this.ready = true;
  }

  /// A call in the open workspace.
  ask<K extends HostReply["reply"]>(call: HostCall, expected: K): Promise<Extract<HostReply, { reply: K }>> {
    return ask(this.host, this.workspace, call, expected);
  }

  /// A call whose failure is shown; true if it worked.
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (thrown) {
      this.toasts.failed(thrown);
      return false;
    }
  }

  get here(): WorkspaceStatus | null {
    const told = this.status?.workspaces.find((one) => one.id === this.workspace);
    return told ?? (this.workspace === SCRATCH.id ? SCRATCH : null);
  }

  get workspaceName(): string {
    return this.workspaces.find((one) => one.id === this.workspace)?.name ?? "Scratch Pad";
  }

  async switchWorkspace(id: string): Promise<void> {
    if (id === this.workspace) return;
    await this.attempt(async () => {
      this.editing.flush();
      await ask(this.host, null, { call: "use_workspace", workspace: id }, "workspace");
      this.leave();
      this.workspace = id;
      await this.load();
    });
  }

  async createWorkspace(name: string): Promise<void> {
    await this.attempt(async () => {
      const made = await ask(this.host, null, { call: "create_workspace", name }, "workspace");
      await this.readWorkspaces();
      await this.switchWorkspace(made.id);
    });
  }

  async renameWorkspace(name: string): Promise<void> {
    await this.attempt(async () => {
      await ask(this.host, null, { call: "rename_workspace", workspace: this.workspace, name }, "workspace");
      await this.readWorkspaces();
    });
  }

  async readWorkspaces(): Promise<void> {
    this.workspaces = (await ask(this.host, null, { call: "workspaces" }, "workspaces")).workspaces;
  }

  async chooseEnvironment(id: string | null): Promise<void> {
    await this.attempt(async () => {
      await this.ask({ call: "use_environment", environment: id }, "done");
      await this.readEnvironments();
    });
  }

  async syncNow(): Promise<void> {
    await this.attempt(async () => {
      this.status = await this.ask({ call: "sync", timeout_ms: 20_000 }, "status");
    });
  }

  async reload(): Promise<void> {
    await this.attempt(async () => {
      const { records, problems, mended } = await this.ask({ call: "reload" }, "verified");
      const text = problems.length ? `${problems.length} records have a problem.` : mended ? `${mended} were fetched again.` : "Everything is as the server has it.";
      this.toasts.show({ tone: problems.length ? "bad" : "good", title: `${records.toLocaleString("en")} records checked`, text });
      await this.readAll();
    });
  }

  async readTree(): Promise<void> {
    const workspace = this.workspace;
    const { items } = await this.ask({ call: "list", path: null, tree: true }, "items");
    if (workspace === this.workspace) this.tree.views = items;
  }

  /// An event does not tell where an item stands among its siblings: the order is read once things are quiet.
  private readTreeSoon(): void {
    if (this.treeTimer !== null) clearTimeout(this.treeTimer);
    this.treeTimer = setTimeout(() => void this.attempt(() => this.readTree()), TREE_AFTER_MS);
  }

  async readEnvironments(): Promise<void> {
    const { environments, active } = await this.ask({ call: "environments" }, "environments");
    this.environments = environments;
    this.activeEnvironment = active;
    this.variables = active === null ? [] : (await this.ask({ call: "show_environment", environment: active, secrets: false }, "environment")).variables;
    const globals = environments.find((one) => one.kind === "globals");
    this.globals = globals ? (await this.ask({ call: "show_environment", environment: globals.id, secrets: false }, "environment")).variables : [];
  }

  private leave(): void {
    this.present = [];
    this.tabs.clear();
    this.tree.views = [];
    this.tree.selected = new Set();
    this.tree.open = new Set();
  }

  private async load(): Promise<void> {
    this.tree.loading = true;
    this.trusted = null;
    await this.readAll();
    this.tree.loading = false;
    if (this.tree.open.size === 0) this.tree.open = new Set(this.tree.index.items.filter((item) => item.depth === 0).slice(0, 3).map((item) => item.view.id));
    await this.editing.restoreTabs();
  }

  /// Quietly: who is here is no reason to disturb anybody.
  async readPresent(): Promise<void> {
    if (this.workspace === SCRATCH.id || !this.status?.account || !this.linked) return void (this.present = []);
    try {
      this.present = (await this.ask({ call: "who_is_here" }, "present")).people;
    } catch {
      this.present = [];
    }
  }

  /// The host tells it only together with what a request is made of, of which nothing is kept here.
  async readTrusted(): Promise<void> {
    await this.attempt(async () => {
      this.trusted = (await this.ask({ call: "sources", item: null, environment: "off" }, "sources")).trusted;
    });
  }

  async trust(trusted: boolean): Promise<void> {
    await this.ask({ call: "trust", trusted }, "done");
    this.trusted = trusted;
  }

  openImport(gathered: Gathered | null = null, text = ""): void {
    this.overlay = { show: "import", gathered, text };
  }

  /// Tree, environments and, as an import of a backup makes new ones, workspaces.
  async readEverything(): Promise<void> {
    await Promise.all([this.readAll(), this.readWorkspaces()]);
  }

  private async readAll(): Promise<void> {
    await Promise.all([this.readTree(), this.readEnvironments()]);
  }

  private heard(event: HostEvent): void {
    switch (event.event) {
      case "status":
        this.heardStatus(event.status);
        break;
      case "progress":
        if (event.run === null) this.progress = event.done >= event.total && event.total > 0 ? null : event;
        break;
      case "piece":
        this.editing.heardPiece(event.run, event.text);
        break;
      case "link":
        this.over ||= event.over ?? false;
        this.heardLink(event.up);
        break;
      case "changed":
        if (event.workspace === this.workspace) void this.heardChanged(event.items, event.removed ?? []);
        break;
    }
  }

  private heardLink(up: boolean): void {
    const back = up && !this.linked;
    this.linked = up;
    if (back && !this.began) void this.begin();
    else if (back) void this.attempt(() => this.readAll());
  }

  /// Who signed in stands on the Scratch Pad until the workspaces come, and did not choose it.
  private async workspacesCame(): Promise<void> {
    await this.readWorkspaces();
    const current = this.workspaces.find((one) => one.current)?.id ?? this.workspace;
    if (this.workspace !== SCRATCH.id || current === SCRATCH.id || this.tabs.list.some((tab) => tab.type === "item")) return;
    // Panels stay: one of them may show a recovery code, this once.
    this.workspace = current;
    await this.load();
  }

  /// A workspace that came, went or has another name shows in the list at once.
  private heardStatus(status: Status): void {
    const before = this.here?.conflicts ?? 0;
    this.status = status;
    this.peopleTimer ??= setTimeout(() => this.tellPeople(), PEOPLE_AFTER_MS);
    if (this.began) conflictsCounted(this, before, this.here?.conflicts ?? 0);
    const told = listed(status.workspaces);
    if (this.began && told !== listed(this.workspaces) && told !== this.toldWorkspaces) void this.attempt(() => this.workspacesCame());
    this.toldWorkspaces = told;
  }

  /// A status may be about people, and many come while much is synced: what shows people reads once in a while.
  private tellPeople(): void {
    this.peopleTimer = null;
    this.peopleChanged++;
  }

  private async heardChanged(items: readonly ItemView[], removed: readonly string[]): Promise<void> {
    const isVariables = (view: ItemView) => view.kind === "environment" || view.kind === "globals";
    const known = new Set(this.environments.map((one) => one.id));
    const everything = items.length === 0 && removed.length === 0;
    await this.attempt(async () => {
      const ofTree = items.filter((item) => !isVariables(item));
      if (everything || removed.some((id) => !known.has(id)) || !this.tree.patch(ofTree)) await this.readTree();
      else if (ofTree.length > 0) this.readTreeSoon();
      if (everything || items.some(isVariables) || removed.some((id) => known.has(id))) await this.readEnvironments();
      await this.editing.changedElsewhere(items, removed, everything);
    });
  }
}
