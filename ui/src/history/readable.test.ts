import { expect, test } from "vitest";
import type { Json } from "../host/api";
import { readable } from "./readable";

const check = (document: Json, ...lines: string[]) => expect(readable(document).split("\n")).toEqual(lines);

test("a request reads from its address to its scripts", () => {
  check(
    {
      name: "Add line",
      request: { method: "POST", url: { raw: "{{base}}/lines", host: ["{{base}}"] }, header: [{ key: "Accept", value: "*/*" }, { key: "X", value: "1", disabled: true }], body: { mode: "raw", raw: '{\n  "a": 1\n}', options: { raw: { language: "json" } } } },
      event: [{ listen: "test", script: { exec: ["a();", "b();"], type: "text/javascript" } }],
      response: [],
    },
    "Name: Add line", "POST: {{base}}/lines", "", "Headers", "───────", "Accept: */*", "(off) X: 1", "", "Body (raw, json)", "────────────────", "{", '  "a": 1', "}", "", "Script after the response", "─────────────────────────", "a();", "b();",
  );
});

test("fields without a name of their own are not left out", () => {
  const text = readable({ name: "x", request: { method: "GET", url: "u", proxy: { host: "p" }, body: { mode: "file", file: { src: "/f" } } }, _postman_id: "7", protocolProfileBehavior: { followRedirects: false } });
  for (const wanted of ['"proxy"', '"p"', '"/f"', '"_postman_id"', '"followRedirects"']) expect(text).toContain(wanted);
});

test("auth, variables and examples have lines", () => {
  const text = readable({ info: { name: "C", description: "words" }, auth: { type: "basic", basic: [{ key: "username", value: "me" }] }, variable: [{ key: "v", value: "1", type: "secret" }] });
  expect(text.split("\n")).toEqual(["Name: C", "", "Description", "───────────", "words", "", "Variables", "─────────", 'v: 1  {"type":"secret"}', "", "Auth (basic)", "────────────", "username: me"]);
  expect(readable({ name: "e", code: 200, status: "OK", body: "hi" })).toContain("Status: 200");
  expect(readable(null)).toBe("");
});
