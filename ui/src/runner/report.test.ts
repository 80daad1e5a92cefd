import { expect, test } from "vitest";
import type { RunResult } from "../host/send";
import { csvRows, readData } from "./data";
import { toCsv, toJson, toJUnit } from "./report";
import { endWords, keptOf } from "./source";

const result: RunResult = { iteration: 0, item: "a", name: '=A "1", <b>', method: "GET", url: "http://x/?a=1&b=2", status: null, micros: 1500, bytes: 0, tests: [{ name: "t\u0000", passed: false, skipped: false, message: "a < b" }], problem: "refused" };

test("a CSV file is cut by its quotes", () => {
  expect(csvRows('a,"b ""c"", d"\r\n\r\n1,"x\ny"\n')).toEqual([["a", 'b "c", d'], ["1", "x\ny"]]);
  expect(csvRows('a,"b')).toContain("never closed");
  expect(csvRows("a\rb")).toEqual([["a\rb"]]);
});

test("a data file shows its columns and its first rows", () => {
  expect(readData("x.csv", "\ufeffname,age\nAda,36\nMira\n")).toEqual({ columns: ["name", "age"], rows: [["Ada", "36"], ["Mira", ""]], count: 2 });
  expect(readData("x.json", '[{"a":1},{"b":"x","a":{"c":1}}]')).toEqual({ columns: ["a", "b"], rows: [["1", ""], ['{"c":1}', "x"]], count: 2 });
  for (const [name, text] of [["x.csv", ""], ["x.csv", "a,b\n"], ["x.json", "[1]"], ["x.json", "[]"], ["x.json", "{"]] as const) expect(typeof readData(name, text), text).toBe("string");
});

test("a report cannot become a formula or markup", () => {
  expect(toCsv([result]).split("\r\n")[1]).toBe(`1,"'=A ""1"", <b>",GET,http://x/?a=1&b=2,,1.5,0,1,1,refused`);
  const junit = toJUnit("Shop & Co", [result]);
  expect(junit).toContain('name="Shop &#38; Co"');
  expect(junit).toContain('<failure message="a &#60; b"/>');
  expect(junit).toContain('<error message="refused"/>');
  expect(junit).not.toContain("\u0000");
});

test("a summary is read as it is kept", () => {
  const summary = { end: "whole", stats: { requests: { total: 4, failed: 1 }, assertions: { total: 3, failed: 2 }, skipped: 1 }, timings: { response: { average: 12.5, min: 1, max: 40 } }, bytesReceived: 99, untrusted: 0, failureCount: 3, failures: [{ iteration: 1, path: ["Folder", "Get"], id: "i", error: "AssertionError", test: "is 200", message: "expected 404" }] };
  expect(keptOf(summary)).toEqual({ end: "whole", requests: 4, problems: 1, tests: 3, failed: 2, skipped: 1, untrusted: 0, average: 12.5, least: 1, most: 40, bytes: 99, failures: [{ iteration: 1, item: "i", path: ["Folder", "Get"], test: "is 200", message: "expected 404" }], more: 2 });
  expect(["whole", "stopped", "new"].map(endWords)).toEqual(["", "Stopped", "Ended: new"]);
  expect(keptOf(null)).toMatchObject({ requests: 0, failures: [], more: 0 });
});

test("the JSON report has every request", () => {
  const view = { id: 1, when: 0, name: "C", environment: null, iterations: 1, requests: 1, tests: 1, failed: 2, time_ms: 1 };
  const report = JSON.parse(toJson(view, { failureCount: 2 }, [result]));
  expect([report.run.failureCount, report.run.executions[0].requestError.message, report.run.executions[0].assertions[0].error.message]).toEqual([2, "refused", "a < b"]);
});
