// The versions of one item, two of them beside each other.

import type { ItemView, Json, VersionView } from "../host/api";
import { problemOf, type Problem } from "../state/problem";
import type { Workbench } from "../state/workbench.svelte";
import { documentAt } from "./source";

/// What a version is compared with.
export type Against = "before" | "now";

export class History {
  item = $state.raw<ItemView | null>(null);
  versions = $state.raw<VersionView[]>([]);
  more = $state(false);
  loaded = $state(false);
  problem = $state.raw<Problem | null>(null);
  chosen = $state<number | null>(null);
  against = $state<Against>("before");
  sides = $state.raw<{ left: Json; right: Json; leftLabel: string; rightLabel: string } | null>(null);
  busy = $state(false);
  private readonly documents = new Map<number, Promise<Json>>();

  constructor(
    private readonly bench: Workbench,
    private readonly path: string,
  ) {}

  async read(): Promise<void> {
    try {
      const { item, versions, more } = await this.bench.ask({ call: "history", path: this.path }, "history");
      [this.item, this.versions, this.more, this.problem] = [item, versions, more, null];
      if (!versions.some((one) => one.version === this.chosen)) await this.choose((versions.find((one) => !one.problem) ?? versions[0])?.version ?? null);
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
    this.loaded = true;
  }

  async choose(version: number | null, against = this.against): Promise<void> {
    [this.chosen, this.against] = [version, against];
    await this.compare();
  }

  /// The item becomes what it was; what it is now is a version of its own.
  async restore(version: number): Promise<void> {
    this.busy = true;
    const done = await this.bench.attempt(async () => {
      await this.bench.ask({ call: "restore", path: this.path, version }, "changed");
      await this.bench.readEverything();
    });
    if (done) this.bench.toasts.show({ tone: "good", title: `“${this.item?.name ?? "It"}” is as it was`, text: "What it was until now stays in its history." });
    await this.read();
    this.busy = false;
  }

  /// The version that a version is compared with.
  private other(version: number): VersionView | null {
    const at = this.versions.findIndex((one) => one.version === version);
    return this.versions.slice(at + 1).find((one) => !one.problem) ?? null;
  }

  private async compare(): Promise<void> {
    const { chosen, against } = this;
    const view = this.versions.find((one) => one.version === chosen);
    this.sides = null;
    if (chosen === null || !view || view.problem) return;
    try {
      const sides = against === "now" ? await this.withNow(chosen) : await this.withBefore(chosen);
      // Another may have been chosen while this one was read.
      if (this.chosen === chosen && this.against === against) this.sides = sides;
    } catch (thrown) {
      this.bench.toasts.failed(thrown);
    }
  }

  private async withNow(version: number) {
    const [left, right] = await Promise.all([this.document(version), this.present()]);
    return { left, right, leftLabel: this.label(version), rightLabel: "Now" };
  }

  private async withBefore(version: number) {
    const other = this.other(version);
    const [left, right] = await Promise.all([other ? this.document(other.version) : null, this.document(version)]);
    return { left, right, leftLabel: other ? this.label(other.version) : "Before it was made", rightLabel: this.label(version) };
  }

  private async present(): Promise<Json> {
    if (this.item === null) return null;
    return (await this.bench.ask({ call: "show", path: this.item.id, secrets: false }, "item")).document;
  }

  /// A version never changes, so it is read once.
  private document(version: number): Promise<Json> {
    const known = this.documents.get(version) ?? documentAt(this.bench, this.path, version);
    this.documents.set(version, known);
    known.catch(() => this.documents.delete(version));
    return known;
  }

  private label(version: number): string {
    const view = this.versions.find((one) => one.version === version);
    return view ? `${view.who}, ${new Date(view.when).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}` : `Version ${version}`;
  }
}
