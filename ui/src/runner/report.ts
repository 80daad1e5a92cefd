// A run as a file to take away.

import type { Json, RunView } from "../host/api";
import type { RunResult } from "../host/send";
import { failedTests, totals } from "./stats";

/// Cells that a spreadsheet would take for a formula are set in front of a quote.
function cell(value: string | number | null): string {
  const text = String(value ?? "");
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(results: readonly RunResult[]): string {
  const head = ["iteration", "request", "method", "url", "status", "milliseconds", "bytes", "tests", "failed", "problem"];
  const rows = results.map((one) => [one.iteration + 1, one.name, one.method, one.url, one.status, one.micros / 1000, one.bytes, one.tests.length, failedTests(one), one.problem]);
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/// What XML 1.0 cannot hold becomes a question mark.
const xml = (text: string): string => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?").replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/// One suite a request, one case a test; a request without tests is a case of its own.
export function toJUnit(name: string, results: readonly RunResult[]): string {
  const all = totals(results);
  const suites = results.map((one) => {
    const cases = one.tests.map((test) => {
      const body = test.skipped ? "<skipped/>" : test.passed ? "" : `<failure message="${xml(test.message ?? "failed")}"/>`;
      return `    <testcase name="${xml(test.name)}" classname="${xml(one.name)}">${body}</testcase>`;
    });
    if (one.problem !== null || cases.length === 0) cases.push(`    <testcase name="response" classname="${xml(one.name)}">${one.problem === null ? "" : `<error message="${xml(one.problem)}"/>`}</testcase>`);
    return `  <testsuite name="${xml(one.name)}" tests="${cases.length}" failures="${failedTests(one)}" errors="${one.problem === null ? 0 : 1}" time="${(one.micros / 1e6).toFixed(3)}">\n${cases.join("\n")}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${xml(name)}" tests="${all.tests}" failures="${all.failed}" errors="${all.problems}" time="${(all.micros / 1e6).toFixed(3)}">\n${suites.join("\n")}\n</testsuites>\n`;
}

/// The counts and every request, in newman's names.
export function toJson(view: RunView, summary: Json, results: readonly RunResult[]): string {
  const executions = results.map((one) => ({
    cursor: { iteration: one.iteration },
    item: { id: one.item, name: one.name },
    request: { method: one.method, url: one.url },
    ...(one.status === null ? { requestError: { message: one.problem } } : { response: { code: one.status, responseTime: one.micros / 1000, responseSize: one.bytes } }),
    assertions: one.tests.map((test) => ({ assertion: test.name, skipped: test.skipped, ...(test.passed ? {} : { error: { message: test.message } }) })),
  }));
  const run = typeof summary === "object" && summary !== null ? summary : {};
  return JSON.stringify({ collection: { info: { name: view.name } }, run: { ...run, executions } }, null, 2);
}
