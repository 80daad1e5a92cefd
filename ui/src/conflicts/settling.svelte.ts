// Settling conflicts: what is chosen for each, done in one go, and undone.
//
// Invariants: nothing chosen means the server's value, which shows already; a conflict that cannot be settled as chosen
// stays, with the reason; what came meanwhile is never settled by a choice that was made for something else.

import type { ConflictView, Resolution } from "../host/api";
import { problemOf } from "../state/problem";
import type { Workbench } from "../state/workbench.svelte";
import { typedValue } from "./words";

export type Choice = "server" | "local" | "both" | "edit";

/// Of more items at once the way back is the history of each.
const UNDO_MAX = 50;

/// What an item was before its conflicts were settled: a version that the server has.
interface Before { item: string; version: number | null }

export class Settling {
  conflicts = $state.raw<ConflictView[]>([]);
  loaded = $state(false);
  busy = $state(false);
  choices = $state.raw<ReadonlyMap<string, Choice>>(new Map());
  texts = $state.raw<ReadonlyMap<string, string>>(new Map());
  problems = $state.raw<ReadonlyMap<string, string>>(new Map());
  /// The secrets that were asked for.
  revealed = $state.raw<ReadonlyMap<string, ConflictView>>(new Map());
  undoable = $state.raw<readonly Before[]>([]);

  constructor(private readonly bench: Workbench) {}

  async read(): Promise<void> {
    await this.bench.attempt(async () => {
      this.conflicts = (await this.bench.ask({ call: "conflicts" }, "conflicts")).conflicts;
      const open = new Set(this.conflicts.map((one) => one.id));
      const kept = <V>(map: ReadonlyMap<string, V>) => new Map([...map].filter(([id]) => open.has(id)));
      [this.choices, this.texts, this.problems, this.revealed] = [kept(this.choices), kept(this.texts), kept(this.problems), kept(this.revealed)];
    });
    this.loaded = true;
  }

  choiceOf(one: ConflictView): Choice {
    return this.choices.get(one.id) ?? "server";
  }

  choose(ids: readonly ConflictView[], choice: Choice): void {
    const choices = new Map(this.choices);
    for (const { id } of ids) choices.set(id, choice);
    this.choices = choices;
    this.forget(ids);
  }

  edit(one: ConflictView, text: string): void {
    this.texts = new Map(this.texts).set(one.id, text);
    if (this.choiceOf(one) !== "edit") this.choose([one], "edit");
  }

  /// Back to what it was when it was opened: the server's values, nothing typed.
  reset(list: readonly ConflictView[]): void {
    const ids = new Set(list.map((one) => one.id));
    const without = <V>(map: ReadonlyMap<string, V>) => new Map([...map].filter(([id]) => !ids.has(id)));
    [this.choices, this.texts] = [without(this.choices), without(this.texts)];
    this.forget(list);
  }

  async reveal(one: ConflictView): Promise<void> {
    await this.bench.attempt(async () => {
      const shown = await this.bench.ask({ call: "show_conflict", id: one.id }, "conflict");
      this.revealed = new Map(this.revealed).set(one.id, shown);
    });
  }

  /// Settles as chosen, and keeps the way back.
  async settle(list: readonly ConflictView[]): Promise<void> {
    this.busy = true;
    const before = await this.versions([...new Set(list.map((one) => one.item.id))]);
    const problems = new Map(this.problems);
    const settled = new Set<string>();
    for (const one of list) {
      try {
        await this.bench.ask({ call: "resolve", id: one.id, choice: this.resolution(one), field: null }, "changed");
        settled.add(one.item.id);
        problems.delete(one.id);
      } catch (thrown) {
        const { why, todo } = problemOf(thrown);
        problems.set(one.id, `${why} ${todo}`);
      }
    }
    this.problems = problems;
    this.undoable = before.filter((one) => settled.has(one.item));
    await this.read();
    this.busy = false;
  }

  get canUndo(): boolean {
    return this.undoable.length > 0 && this.undoable.every((one) => one.version !== null);
  }

  /// Makes the items what they were, their conflicts too.
  async undo(): Promise<void> {
    this.busy = true;
    const undone = await this.bench.attempt(async () => {
      for (const { item, version } of this.undoable) await this.bench.ask({ call: "restore", path: item, version }, "changed");
    });
    if (undone) this.undoable = [];
    await this.read();
    this.busy = false;
  }

  private resolution(one: ConflictView): Resolution {
    const choice = this.choiceOf(one);
    return choice === "edit" ? { value: typedValue(one, this.texts.get(one.id) ?? "") } : choice;
  }

  /// The versions to go back to. There is none while something of the item waits, or the server cannot be asked.
  private versions(items: readonly string[]): Promise<Before[]> {
    if (items.length > UNDO_MAX) return Promise.resolve(items.map((item) => ({ item, version: null })));
    return Promise.all(items.map(async (item): Promise<Before> => {
      try {
        const { versions, item: view } = await this.bench.ask({ call: "history", path: item }, "history");
        const newest = versions.find((version) => version.current);
        return { item, version: view?.waiting ? null : (newest?.version ?? null) };
      } catch {
        return { item, version: null };
      }
    }));
  }

  private forget(list: readonly ConflictView[]): void {
    const problems = new Map(this.problems);
    for (const { id } of list) problems.delete(id);
    this.problems = problems;
  }
}
