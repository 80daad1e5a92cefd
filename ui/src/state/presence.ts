// Telling the others where this app is, if the person wants that; and hearing where they are.
//
// Invariants: nothing is told unless the setting says so; leaving the page or the setting ends it; at most one call a
// second, the last place counts.

import type { Here } from "../host/api";
import { ask } from "../host/host";
import { ItemTab } from "./tabs.svelte";
import type { Workbench } from "./workbench.svelte";

const TELL_AFTER_MS = 1_000;
const ASK_EVERY_MS = 20_000;

/// Where this app is; none where nothing shall be told.
export function placeOf(bench: Workbench, visible: boolean): Here | null {
  if (!bench.settings.kept.presence || !isShared(bench)) return null;
  const tab = bench.tabs.active;
  const item = tab instanceof ItemTab ? tab.id : null;
  return { item, state: !visible ? "idle" : tab?.dirty ? "editing" : "viewing" };
}

/// A workspace with others in it, on an account that is connected.
export function isShared(bench: Workbench): boolean {
  return bench.linked && Boolean(bench.status?.account) && (bench.here?.members ?? 0) > 1;
}

export class Teller {
  private told = "null";
  private timer: ReturnType<typeof setTimeout> | null = null;
  private next: Here | null = null;
  private workspace = "";

  constructor(private readonly bench: Workbench) {}

  say(here: Here | null): void {
    if (this.workspace !== this.bench.workspace) this.moved();
    this.next = here;
    this.timer ??= setTimeout(() => this.tell(), TELL_AFTER_MS);
  }

  /// What was told in the old workspace ends; in the new one nothing was told yet.
  private moved(): void {
    if (this.told !== "null") ask(this.bench.host, this.workspace, { call: "presence", here: null }, "done").catch(() => {});
    [this.workspace, this.told] = [this.bench.workspace, "null"];
  }

  private tell(): void {
    this.timer = null;
    const text = JSON.stringify(this.next);
    if (text === this.told || this.workspace !== this.bench.workspace) return;
    this.told = text;
    // Nobody waits for it: the next place is told anyway.
    this.bench.ask({ call: "presence", here: this.next }, "done").catch(() => (this.told = ""));
  }
}

/// Asks who is here now and again while the page is looked at; the result ends it.
export function watchPresent(bench: Workbench, isVisible: () => boolean): () => void {
  const timer = setInterval(() => void (isVisible() && isShared(bench) && bench.readPresent()), ASK_EVERY_MS);
  return () => clearInterval(timer);
}
