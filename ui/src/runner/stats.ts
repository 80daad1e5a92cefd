// What the results of a run come to: totals, a line a request, and the columns of its picture.

import type { RunResult } from "../host/send";

export interface Totals { requests: number; problems: number; tests: number; failed: number; skipped: number; median: number; p95: number; most: number; micros: number; bytes: number }

export const failedTests = (one: RunResult): number => one.tests.filter((test) => !test.passed && !test.skipped).length;
export const hasFailed = (one: RunResult): boolean => one.problem !== null || failedTests(one) > 0;

/// The value below which a share of sorted numbers lies; 0 of none.
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))]!;
}

const times = (results: readonly RunResult[]) => results.filter((one) => one.problem === null).map((one) => one.micros).sort((a, b) => a - b);

export function totals(results: readonly RunResult[]): Totals {
  const sorted = times(results);
  const sum = (of: (one: RunResult) => number) => results.reduce((total, one) => total + of(one), 0);
  return {
    requests: results.length,
    problems: results.filter((one) => one.problem !== null).length,
    tests: sum((one) => one.tests.filter((test) => !test.skipped).length),
    failed: sum(failedTests),
    skipped: sum((one) => one.tests.filter((test) => test.skipped).length),
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    most: sorted.at(-1) ?? 0,
    micros: sum((one) => one.micros),
    bytes: sum((one) => one.bytes),
  };
}

export interface Line { item: string; name: string; method: string; runs: number; failed: number; median: number; p95: number }

/// A line for each request, those that fail most first, then the slowest.
export function byRequest(results: readonly RunResult[]): Line[] {
  const of = new Map<string, RunResult[]>();
  for (const one of results) {
    const key = `${one.item} ${one.name}`;
    const list = of.get(key);
    if (list) list.push(one);
    else of.set(key, [one]);
  }
  const lines = [...of.values()].map((list): Line => {
    const sorted = times(list);
    const { item, name, method } = list[0]!;
    return { item, name, method, runs: list.length, failed: list.filter(hasFailed).length, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  });
  return lines.sort((a, b) => b.failed / b.runs - a.failed / a.runs || b.p95 - a.p95);
}

export interface Column { from: number; to: number; micros: number; failed: number; label: string }

/// At most so many columns, in order: of the requests in each, the slowest counts.
export function columns(results: readonly RunResult[], most: number): Column[] {
  const per = Math.max(1, Math.ceil(results.length / most));
  const found: Column[] = [];
  for (let from = 0; from < results.length; from += per) {
    const part = results.slice(from, from + per);
    const slowest = part.reduce((a, b) => (b.micros > a.micros ? b : a));
    found.push({ from, to: from + part.length, micros: slowest.micros, failed: part.filter(hasFailed).length, label: slowest.name });
  }
  return found;
}

/// A round number at or above a time, for the top of an axis.
export function roundUp(micros: number): number {
  if (micros <= 0) return 1000;
  const power = 10 ** Math.floor(Math.log10(micros));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= micros)!;
}

export interface Slice { failed: number; passed: number; label: string }

/// Passed and failed requests by iteration, or by runs of iterations where there are many.
export function byIteration(results: readonly RunResult[], most: number): Slice[] {
  const last = results.reduce((top, one) => Math.max(top, one.iteration), 0);
  const per = Math.max(1, Math.ceil((last + 1) / most));
  const found: Slice[] = [];
  for (let from = 0; from <= last && results.length > 0; from += per) found.push({ failed: 0, passed: 0, label: per === 1 ? String(from + 1) : `${from + 1}–${Math.min(from + per, last + 1)}` });
  for (const one of results) {
    const slice = found[Math.floor(one.iteration / per)];
    if (slice) slice[hasFailed(one) ? "failed" : "passed"]++;
  }
  return found;
}
