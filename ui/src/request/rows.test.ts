import { expect, test } from "vitest";
import type { Json } from "../host/api";
import { fromText, rowsOf, rowsToJson, toText } from "./rows";

test("rows lead back to their array with what is not known", () => {
  const list: Json[] = [{ key: "A", value: "1", type: "file", src: "/x", description: "why" }, { key: "B", value: "", disabled: true }];
  expect(rowsToJson(rowsOf(list))).toEqual(list);
  expect(rowsOf("A: 1\nB: 2").map((row) => row.key)).toEqual(["A", "B"]);
});

test("text edits keep descriptions", () => {
  const rows = rowsOf([{ key: "Accept", value: "x", description: "why" }, { key: "Off", value: "1", disabled: true }]);
  expect(toText(rows)).toBe("Accept: x\n//Off: 1");
  const edited = fromText("Accept: y\n//Off: 1\nNew", rows);
  expect(edited.map((row) => [row.key, row.value, row.description, row.disabled])).toEqual([["Accept", "y", "why", false], ["Off", "1", "", true], ["New", "", "", false]]);
});
