// One run: what it shall do, how far it is, what came of it.
//
// Invariants: what is kept of a run is its summary, its results are there as long as this panel is; results come in the order in which they are told; what is told in one moment is shown in one step, so that
// ten thousand results stay smooth.

import type { ItemView, Json, RunView } from "../host/api";
import type { RunData, RunOrder, RunResult } from "../host/send";
import { problemOf, type Problem } from "../state/problem";
import { isContainer, type TreeIndex } from "../state/tree";
import type { Workbench } from "../state/workbench.svelte";
import { keptOf, shownRun, startRun, stopRun, type Kept } from "./source";

export interface Plan { iterations: number; delay: number; bail: boolean; environment: string | null; data: RunData | null }

const SHOW_AFTER_MS = 60;

export class Running {
  phase = $state<"idle" | "running" | "done" | "failed">("idle");
  results = $state.raw<readonly RunResult[]>([]);
  done = $state(0);
  total = $state(0);
  view = $state.raw<RunView | null>(null);
  summary = $state.raw<Json>(null);
  /// What the summary says: of a run of before it is all there is.
  kept = $state.raw<Kept | null>(null);
  problem = $state.raw<Problem | null>(null);
  stopping = $state(false);
  private run = "";
  private fresh: RunResult[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly bench: Workbench) {}

  async start(item: string, only: string[] | null, plan: Plan, expected: number): Promise<void> {
    if (this.phase === "running") return;
    const run = crypto.randomUUID();
    this.clear();
    Object.assign(this, { phase: "running", run, total: expected });
    const { iterations, delay, bail, environment, data } = plan;
    try {
      const order: RunOrder = { item, only, environment, iterations, data, delay_ms: delay, bail, run };
      const { view, summary } = await startRun(this.bench, order, (event) => {
        if (this.run !== run) return;
        this.fresh.push(...event.results);
        [this.done, this.total] = [event.done, event.total || this.total];
        this.timer ??= setTimeout(() => this.show(), SHOW_AFTER_MS);
      });
      if (this.run !== run) return;
      this.show();
      Object.assign(this, { phase: "done", view, summary, kept: keptOf(summary) });
    } catch (thrown) {
      if (this.run !== run) return;
      this.show();
      Object.assign(this, { phase: "failed", problem: problemOf(thrown) });
    }
    this.stopping = false;
  }

  async stop(): Promise<void> {
    if (this.phase !== "running") return;
    this.stopping = true;
    await this.bench.attempt(() => stopRun(this.bench, this.run));
  }

  /// A run of before.
  async open(id: number): Promise<void> {
    await this.bench.attempt(async () => {
      const { view, summary } = await shownRun(this.bench, id);
      this.clear();
      Object.assign(this, { phase: "done", view, summary, kept: keptOf(summary) });
    });
  }

  private clear(): void {
    this.fresh = [];
    Object.assign(this, { results: [], done: 0, total: 0, view: null, summary: null, kept: null, problem: null, stopping: false });
  }

  private show(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.fresh.length === 0) return;
    this.results = [...this.results, ...this.fresh];
    this.fresh = [];
  }
}

/// The requests below an item in the order of the tree, with how deep they lie.
export function requestsBelow(index: TreeIndex, id: string): { view: ItemView; depth: number }[] {
  const from = index.places.get(id);
  const top = index.byId.get(id);
  if (from === undefined || !top) return [];
  const found: { view: ItemView; depth: number }[] = [];
  for (let at = from; at < index.items.length; at++) {
    const item = index.items[at]!;
    if (at > from && item.depth <= top.depth) break;
    if (item.view.kind === "request" || (at > from && isContainer(item.view.kind))) found.push({ view: item.view, depth: Math.max(0, item.depth - top.depth - 1) });
  }
  return found;
}
