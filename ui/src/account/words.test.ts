import { expect, test } from "vitest";
import { codeGroups, codePage, passwordProblem, receiptWords } from "./words";

test("a code is read in groups", () => {
  expect(codeGroups("ABCD-EFGH-IJ")).toEqual(["ABCD", "EFGH", "IJ"]);
  expect(codeGroups("ABCDEFGHIJ")).toEqual(["ABCD", "EFGH", "IJ"]);
  expect(codePage("ABCD-EFGH", "a@b.c", "https://s")).toContain("ABCD-EFGH");
});

test("passwords that cannot be taken say why", () => {
  expect([passwordProblem("short", "short"), passwordProblem("long enough!", "long enough?"), passwordProblem("long enough!", "long enough!")].map((one) => one.slice(0, 7))).toEqual(["Use at ", "The two", ""]);
});

test("a receipt is told in words", () => {
  expect([receiptWords(["envelopes", 1200]), receiptWords(["push_tokens", 0])]).toEqual(["1,200 sealed records", "0 push tokens"]);
});
