import { expect, test } from "vitest";
import type { RunResult } from "../host/send";
import { byIteration, byRequest, columns, quantile, roundUp, totals } from "./stats";

const result = (change: Partial<RunResult>): RunResult => ({ iteration: 0, item: "a", name: "A", method: "GET", url: "u", status: 200, micros: 1000, bytes: 10, tests: [], problem: null, ...change });
const ok = { name: "t", passed: true, skipped: false, message: null };
const bad = { name: "t", passed: false, skipped: false, message: "no" };
const skipped = { name: "t", passed: true, skipped: true, message: null };

test("quantiles are values that were measured", () => {
  expect([quantile([], 0.5), quantile([7], 0.95), quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.95)]).toEqual([0, 7, 2, 4]);
});

test("totals count requests, tests and times of those that were answered", () => {
  const all = totals([result({ tests: [ok, bad, skipped] }), result({ micros: 3000 }), result({ problem: "refused", status: null, micros: 9000 })]);
  expect(all).toMatchObject({ requests: 3, problems: 1, tests: 2, failed: 1, skipped: 1, median: 1000, most: 3000 });
  expect(totals([])).toMatchObject({ requests: 0, median: 0, p95: 0 });
});

test("what fails most is first", () => {
  const lines = byRequest([result({}), result({ item: "b", name: "B", tests: [bad] }), result({ item: "b", name: "B" }), result({ item: "c", name: "C", micros: 9000 })]);
  expect(lines.map((one) => [one.name, one.runs, one.failed])).toEqual([["B", 2, 1], ["C", 1, 0], ["A", 1, 0]]);
});

test("a long run still has few columns, and none is lost", () => {
  const many = Array.from({ length: 1001 }, (_, n) => result({ micros: n, iteration: n, problem: n === 500 ? "x" : null }));
  const made = columns(many, 100);
  expect([made.length, made.at(-1)!.to, made.reduce((sum, one) => sum + one.failed, 0), made.at(-1)!.micros]).toEqual([91, 1001, 1, 1000]);
  const slices = byIteration(many, 50);
  expect([slices.length, slices[0]!.label, slices.reduce((sum, one) => sum + one.failed + one.passed, 0)]).toEqual([48, "1–21", 1001]);
  expect([columns([], 10), byIteration([], 10)]).toEqual([[], []]);
});

test("an axis ends at a round number", () => {
  expect([roundUp(0), roundUp(1), roundUp(1200), roundUp(2600), roundUp(99_000)]).toEqual([1000, 1, 2000, 5000, 100_000]);
});
