import { expect, test } from "vitest";
import type { ConflictView, ItemView, Json } from "../host/api";
import { indexTree } from "../state/tree";
import { fieldWords, groups, isLong, typedValue, valueText } from "./words";

const view = (id: string, kind: string, depth: number): ItemView => ({ id, kind, name: id.toUpperCase(), method: null, path: id, depth, conflicts: 0, waiting: false });
const conflict = (item: ItemView, server: Json = "b"): ConflictView => ({ id: `x-${item.id}`, item, field: "name", base: null, local: "a", server, who: "", when: 0 });

test("fields are named as the page names them", () => {
  const names = ["request.url.raw", "request.header.Accept.value", "request.header.X.Y.disabled", "variable.base", "request.auth.type"].map(fieldWords);
  expect(names).toEqual(["URL", "Header “Accept”", "Header “X.Y”, on or off", "Variable “base”", "request.auth.type"]);
});

test("values read as texts", () => {
  const read = ([null, "a", ["x", "y"], { place: "Shop/Cart", parent: "1" }, { a: 1 }] as Json[]).map(valueText);
  expect(read).toEqual(["", "a", "x\ny", "Shop/Cart", '{\n  "a": 1\n}']);
  expect([isLong(conflict(view("a", "request", 0), ["x", "y"])), isLong(conflict(view("a", "request", 0)))]).toEqual([true, false]);
});

test("typed lines become the list that they stand for", () => {
  const item = view("a", "request", 0);
  expect(typedValue(conflict(item, ["x", "y"]), "1\n2")).toBe('["1","2"]');
  expect(typedValue({ ...conflict(item), server: null, local: null, base: null }, "a\nb")).toBe("a\nb");
});

test("conflicts are grouped by collection, in the tree's order", () => {
  const [first, second, below] = [view("c1", "collection", 0), view("c2", "collection", 0), view("r", "request", 1)];
  const index = indexTree([first, second, below]);
  const found = groups(index, [conflict(view("e", "environment", 0)), conflict(below), conflict(first), conflict(second)]);
  expect(found.map((one) => [one.name, one.conflicts.length])).toEqual([["C1", 1], ["C2", 2], ["Environments", 1]]);
});
