// Tabs: items being edited, each with its draft, and panels.

import type { Json } from "../host/api";
import type { SentResponse } from "../host/send";
import type { Above } from "../request/auth";
import type { Problem } from "./problem";
import { same } from "./json";

export class Run {
  phase = $state<"idle" | "sending" | "done" | "failed">("idle");
  response = $state.raw<SentResponse | null>(null);
  problem = $state.raw<Problem | null>(null);
  /// The text of a streamed body, as far as it has come.
  pieces = $state("");
  id = "";
}

export class ItemTab {
  readonly type = "item";
  id = $state<string | null>(null);
  kind = $state("request");
  name = $state("");
  document = $state.raw<Json>(null);
  /// What the document was when it was read; saving merges against it.
  base = $state.raw<Json>(null);
  /// Current values that were edited and are not saved, by key: they never are in the document.
  currents = $state.raw<Readonly<Record<string, string>>>({});
  dirty = $state(false);
  loaded = $state(false);
  saving = $state(false);
  problem = $state.raw<Problem | null>(null);
  /// The item as someone else left it while this tab had unsaved edits.
  elsewhere = $state.raw<Json | null>(null);
  gone = $state(false);
  /// The items above, the collection first.
  above = $state.raw<Above[]>([]);
  pane = $state("");
  readonly run = new Run();

  constructor(
    readonly key: string,
    readonly workspace: string,
    private readonly onEdit: (tab: ItemTab) => void,
  ) {}

  get title(): string {
    return this.name || "Untitled";
  }

  edit(change: (document: Json) => Json): void {
    this.document = change(this.document);
    this.judge();
    this.onEdit(this);
  }

  editCurrent(key: string, value: string): void {
    this.currents = { ...this.currents, [key]: value };
    this.judge();
  }

  judge(): void {
    this.dirty = this.id === null || !same(this.document, this.base) || Object.keys(this.currents).length > 0;
  }
}

export class PanelTab {
  readonly type = "panel";
  readonly dirty = false;
  constructor(readonly key: string, readonly kind: string, readonly title: string, readonly subject: string | null) {}
}

export type Tab = ItemTab | PanelTab;

export class Tabs {
  list = $state.raw<Tab[]>([]);
  activeKey = $state<string | null>(null);
  active = $derived(this.list.find((tab) => tab.key === this.activeKey) ?? null);
  private recent: string[] = [];

  get(key: string): Tab | undefined {
    return this.list.find((tab) => tab.key === key);
  }

  add(tab: Tab, activate = true): void {
    const at = this.list.findIndex((one) => one.key === this.activeKey);
    this.list = at < 0 ? [...this.list, tab] : this.list.toSpliced(at + 1, 0, tab);
    if (activate) this.activate(tab.key);
  }

  activate(key: string): void {
    this.recent = [key, ...this.recent.filter((one) => one !== key)];
    this.activeKey = key;
  }

  /// Closes without asking and shows what was looked at before.
  close(key: string): void {
    const at = this.list.findIndex((tab) => tab.key === key);
    if (at < 0) return;
    this.list = this.list.toSpliced(at, 1);
    this.recent = this.recent.filter((one) => one !== key);
    if (this.activeKey === key) this.activeKey = this.recent[0] ?? this.list[Math.min(at, this.list.length - 1)]?.key ?? null;
  }

  cycle(by: 1 | -1): void {
    const at = this.list.findIndex((tab) => tab.key === this.activeKey);
    const next = this.list[(at + by + this.list.length) % this.list.length];
    if (next) this.activate(next.key);
  }

  move(key: string, before: string | null): void {
    const tab = this.get(key);
    if (!tab || key === before) return;
    const rest = this.list.filter((one) => one.key !== key);
    const at = before === null ? rest.length : rest.findIndex((one) => one.key === before);
    this.list = rest.toSpliced(at, 0, tab);
  }

  clear(): void {
    this.list = [];
    this.recent = [];
    this.activeKey = null;
  }
}
