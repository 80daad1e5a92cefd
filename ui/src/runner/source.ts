// Where runs come from: the one place that follows the host's calls for them.

import type { Json, RunView } from "../host/api";
import type { RunEvent, RunOrder } from "../host/send";
import { at, textAt } from "../state/json";
import type { Workbench } from "../state/workbench.svelte";

export interface Ran { view: RunView; summary: Json }

/// Runs to the end; results are told as they come.
export async function startRun(bench: Workbench, order: RunOrder, onEvent: (event: RunEvent) => void): Promise<Ran> {
  const end = bench.host.events((event) => {
    if (event.event === "run" && event.run === order.run) onEvent(event);
  });
  try {
    return await bench.ask({ call: "run", ...order }, "run_detail");
  } finally {
    end();
  }
}

export const stopRun = (bench: Workbench, run: string) => bench.ask({ call: "stop", run }, "done");

export const earlierRuns = async (bench: Workbench): Promise<RunView[]> => (await bench.ask({ call: "run_list" }, "run_list")).runs;

export const shownRun = (bench: Workbench, id: number): Promise<Ran> => bench.ask({ call: "run_show", id }, "run_detail");

/// What is kept of a run: its counts, its times and its failures, but not every request.
export interface Kept {
  end: string;
  requests: number;
  problems: number;
  tests: number;
  failed: number;
  skipped: number;
  /// Scripts that did not run because nobody trusts them.
  untrusted: number;
  /// Milliseconds.
  average: number;
  least: number;
  most: number;
  bytes: number;
  failures: Failure[];
  /// Failures that are counted but not kept.
  more: number;
}

const ENDS: Readonly<Record<string, string>> = { bailed: "Ended at the first failure", stopped: "Stopped", "timed out": "Ran out of time", endless: "Ended: scripts jumped in a circle" };

/// Why a run ended before its end; nothing where it did not.
export const endWords = (end: string): string => (end === "whole" || end === "" ? "" : (ENDS[end] ?? `Ended: ${end}`));

export interface Failure { iteration: number; item: string; path: string[]; test: string | null; message: string }

export function keptOf(summary: Json): Kept {
  const n = (...path: string[]) => numberAt(summary, path);
  const list = at(summary, ["failures"]);
  const failures = Array.isArray(list) ? list.map(failureOf) : [];
  return {
    end: textAt(summary, ["end"]),
    requests: n("stats", "requests", "total"), problems: n("stats", "requests", "failed"),
    tests: n("stats", "assertions", "total"), failed: n("stats", "assertions", "failed"), skipped: n("stats", "skipped"),
    untrusted: n("untrusted"),
    average: n("timings", "response", "average"), least: n("timings", "response", "min"), most: n("timings", "response", "max"),
    bytes: n("bytesReceived"),
    failures, more: Math.max(0, n("failureCount") - failures.length),
  };
}

function failureOf(one: Json): Failure {
  const path = at(one, ["path"]);
  return {
    iteration: numberAt(one, ["iteration"]),
    item: textAt(one, ["id"]),
    path: Array.isArray(path) ? path.map(String) : [],
    test: textAt(one, ["test"]) || null,
    message: textAt(one, ["message"]) || textAt(one, ["error"]),
  };
}

function numberAt(value: Json, path: readonly string[]): number {
  const found = at(value, path);
  return typeof found === "number" && Number.isFinite(found) ? found : 0;
}
