// Runs of the host in memory: every request below an item, one after another, none of them really sent.

import { apiError, type HostEvent } from "./host";
import type { Json, RunEntry, SentEntry, SentResponse } from "./api";
import type { Answers } from "./memory-answers";
import { answer } from "./memory-send";
import type { MemoryStore, StoredItem } from "./memory-store";
import type { RunCall, RunEvent, RunResult } from "./send";

const BATCH_MS = 30;
/// How much is done in one moment.
const BATCH = 25;

export class MemoryRuns {
  readonly kept: RunEntry[] = [];
  private sent: (SentEntry & { workspace: string })[] = [];
  private readonly trusted = new Set(["workspace-shop"]);
  private readonly stopped = new Set<string>();

  constructor(
    private readonly now: () => number,
    private readonly tell: (event: HostEvent) => void,
    private readonly step = BATCH_MS,
  ) {}

  /// A request that was "sent" is remembered.
  note(store: MemoryStore, item: string | null, response: SentResponse): void {
    const failed = response.tests.filter((test) => !test.passed).length;
    const { method } = response.request;
    const view = { id: this.sent.length + 1, when: this.now(), item, name: item === null ? "" : store.get(item).name, method, url: response.url, status: response.status, failure: null, time_ms: response.timings.total / 1000, bytes: response.sizes.decoded_body, tests: response.tests.length, failed };
    this.sent = [{ workspace: store.id, view, response }, ...this.sent];
  }

  stop(run: string): void {
    this.stopped.add(run);
  }

  readonly answers: Answers = {
    run: async (call, store) => {
      const entry = await this.run(call, store);
      this.kept.unshift(entry);
      return { reply: "run_detail", ...entry };
    },
    run_list: () => ({ reply: "run_list", runs: this.kept.map((one) => one.view) }),
    run_show: ({ id }) => {
      const found = id === null ? this.kept[0] : this.kept.find((one) => one.view.id === id);
      if (!found) throw apiError("not_found", "opening a run", "there is no such run");
      return { reply: "run_detail", ...found };
    },
    sent_list: ({ search, limit }, store) => {
      const found = this.sent.filter((one) => one.workspace === store.id && `${one.view.name} ${one.view.url}`.toLowerCase().includes(search.toLowerCase()));
      return { reply: "sent_list", entries: found.slice(0, limit).map((one) => one.view), more: found.length > limit };
    },
    sent_show: ({ id }) => {
      const found = this.sent.find((one) => id === null || one.view.id === id);
      if (!found) throw apiError("not_found", "opening what was sent", "it is forgotten");
      return { reply: "sent_detail", view: found.view, response: found.response };
    },
    sent_clear: (_, store) => {
      this.sent = this.sent.filter((one) => one.workspace !== store.id);
      return { reply: "done" };
    },
    trust: ({ trusted }, store) => {
      if (trusted) this.trusted.add(store.id);
      else this.trusted.delete(store.id);
      return { reply: "done" };
    },
    sources: (_, store) => ({ reply: "sources", workspace: store.id, item: null, ancestors: [], collection: null, environment: null, globals: null, trusted: this.trusted.has(store.id), cookies: [], tokens: null }),
  };

  private async run(call: RunCall, store: MemoryStore): Promise<RunEntry> {
    const top = store.resolve(call.item);
    const items = store.below(top).filter((item) => item.kind === "request" && !item.trashed && (call.only === null || call.only.includes(item.id)));
    const total = items.length * call.iterations;
    const results: RunResult[] = [];
    const begun = this.now();
    for (let from = 0; from < total; from += BATCH) {
      if (this.stopped.has(call.run)) break;
      await new Promise((done) => setTimeout(done, this.step));
      const fresh = Array.from({ length: Math.min(BATCH, total - from) }, (_, n) => resultOf(items[(from + n) % items.length]!, from + n, Math.floor((from + n) / items.length)));
      const failing = call.bail ? fresh.findIndex((one) => one.problem !== null || one.tests.some((test) => !test.passed)) : -1;
      if (failing >= 0) fresh.length = failing + 1;
      results.push(...fresh);
      const event: RunEvent = { event: "run", run: call.run, results: fresh, done: results.length, total };
      this.tell(event);
      if (failing >= 0) break;
    }
    const tests = results.flatMap((one) => one.tests);
    const failed = tests.filter((test) => !test.passed).length + results.filter((one) => one.problem !== null).length;
    const environment = call.environment === null ? null : store.get(call.environment).name;
    const view = { id: this.kept.length + 1, when: begun, name: store.path(top), environment, iterations: call.iterations, requests: results.length, tests: tests.length, failed, time_ms: Math.round(results.reduce((sum, one) => sum + one.micros, 0) / 1000) };
    return { view, summary: summaryOf(view.name, results) };
  }
}

/// The same for the same request and turn, so that pictures do not change.
function resultOf(item: StoredItem, at: number, iteration: number): RunResult {
  const response = answer({ call: "send", item: item.id, document: item.document, environment: null, run: "" });
  const noise = ((at * 2654435761) >>> 0) / 2 ** 32;
  const lost = at % 37 === 29;
  return {
    iteration, item: item.id, name: item.name, method: item.method ?? "GET", url: response.url,
    status: lost ? null : response.status,
    micros: lost ? 0 : Math.round(response.timings.total * (0.4 + noise * noise * 2.2)),
    bytes: lost ? 0 : response.sizes.decoded_body,
    tests: lost ? [] : response.tests,
    problem: lost ? "the connection was refused by localhost:8080" : null,
  };
}

/// In the shape in which the app keeps it.
function summaryOf(name: string, results: readonly RunResult[]): Json {
  const tests = results.flatMap((one) => one.tests);
  const answered = results.filter((one) => one.problem === null).map((one) => one.micros / 1000);
  const lost = results.filter((one) => one.problem !== null).map((one) => ({ iteration: one.iteration, path: [one.name], id: one.item, error: "Error", test: null, message: one.problem }));
  const failed = results.flatMap((one) => one.tests.filter((test) => !test.passed).map((test) => ({ iteration: one.iteration, path: [one.name], id: one.item, error: "AssertionError", test: test.name, message: test.message })));
  const failures = [...failed, ...lost];
  return {
    name, end: "whole",
    stats: { requests: { total: results.length, failed: lost.length }, assertions: { total: tests.length, failed: failed.length }, skipped: 0 },
    timings: { response: { average: answered.reduce((sum, one) => sum + one, 0) / Math.max(1, answered.length), min: Math.min(...answered, 0), max: Math.max(...answered, 0), deviation: 0 } },
    bytesReceived: results.reduce((sum, one) => sum + one.bytes, 0), untrusted: 0, failureCount: failures.length, failures: failures.slice(0, 100),
  };
}
