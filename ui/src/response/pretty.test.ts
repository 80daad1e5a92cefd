import { expect, test } from "vitest";
import { bytes, duration, languageFor, pretty, prettyJson } from "./pretty";

test("JSON becomes readable and keeps every digit", () => {
  const check = (text: string, expected: string) => expect(prettyJson(text)).toBe(expected);
  check('{"a":1.50,"b":[1,2],"c":{}}', '{\n  "a": 1.50,\n  "b": [\n    1,\n    2\n  ],\n  "c": {}\n}');
  check('{"n":12345678901234567890}', '{\n  "n": 12345678901234567890\n}');
  check('{"a":{{count}},"b":"x:y,{"}', '{\n  "a": {{count}},\n  "b": "x:y,{"\n}');
  check("[ ]", "[]");
  check('{"a":[1}', '{"a":[1}');
  check("", "");
});

test("making it pretty twice changes nothing more", () => {
  const once = prettyJson('{"a":[{"b":null},"c\\"d"],"e":true}');
  expect(prettyJson(once)).toBe(once);
});

test("markup breaks between tags", () => {
  expect(pretty("<a><b>x</b><br><c/></a>", "xml")).toBe("<a>\n  <b>x</b>\n  <br>\n  <c/>\n</a>");
});

test("the language follows the type", () => {
  expect(languageFor("application/problem+json; charset=utf-8", "")).toBe("json");
  expect(languageFor("text/html", "")).toBe("html");
  expect(languageFor("", " [1]")).toBe("json");
  expect(languageFor("image/png", "")).toBe("text");
});

test("sizes and times are short", () => {
  expect([bytes(12), bytes(1234), bytes(45_600), bytes(2.5e6)]).toEqual(["12 B", "1.2 kB", "46 kB", "2.5 MB"]);
  expect([duration(420), duration(12_340), duration(1_240_000)]).toEqual(["420 µs", "12.3 ms", "1.24 s"]);
});
