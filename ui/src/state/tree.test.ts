import { expect, test } from "vitest";
import type { ItemView } from "../host/api";
import { dropAt, indexTree, range, step, topmost, visibleRows, zoneOf } from "./tree";

const view = (id: string, kind: string, depth: number): ItemView => ({ id, kind, name: id, method: null, path: id, depth, conflicts: 0, waiting: false });

const INDEX = indexTree([
  view("c1", "collection", 0), view("f1", "folder", 1), view("r1", "request", 2), view("r2", "request", 2), view("r3", "request", 1),
  view("env", "environment", 0), view("c2", "collection", 0), view("r4", "request", 1),
]);
const rows = (...open: string[]) => visibleRows(INDEX, new Set(open)).map((row) => row.view.id);

test("rows show what is open", () => {
  expect(rows()).toEqual(["c1", "c2"]);
  expect(rows("c1")).toEqual(["c1", "f1", "r3", "c2"]);
  expect(rows("f1")).toEqual(["c1", "c2"]);
  expect(rows("c1", "f1")).toEqual(["c1", "f1", "r1", "r2", "r3", "c2"]);
});

test("ten thousand rows are made within a frame or two", () => {
  const many = Array.from({ length: 10_000 }, (_, n) => view(`n${n}`, n % 50 ? "request" : "folder", n % 50 ? 1 : 0));
  const index = indexTree(many);
  expect(visibleRows(index, new Set(many.map((one) => one.id)))).toHaveLength(10_000);
});

test("a drop lands where it can", () => {
  const check = (dragged: string[], target: string, zone: "before" | "inside" | "after", expected: unknown) => expect(dropAt(INDEX, dragged, target, zone)).toEqual(expected);
  check(["r3"], "r2", "before", { parent: "f1", before: "r2" });
  check(["r3"], "r1", "after", { parent: "f1", before: "r2" });
  check(["r1"], "r2", "after", { parent: "f1", before: null });
  check(["r4"], "f1", "inside", { parent: "f1", before: null });
  check(["f1"], "r1", "after", null);
  check(["r1"], "c2", "before", null);
  check(["c2"], "c1", "before", { parent: null, before: "c1" });
  check(["c2"], "c1", "inside", null);
});

test("a selection is a range, without what goes along", () => {
  const all = visibleRows(INDEX, new Set(["c1", "f1", "c2"]));
  expect(range(all, "r3", "r1")).toEqual(["r1", "r2", "r3"]);
  expect(topmost(INDEX, new Set(["r3", "r1", "f1"]))).toEqual(["f1", "r3"]);
});

test("a step moves among siblings only", () => {
  expect(step(INDEX, "r2", -1)).toEqual({ parent: "f1", before: "r1" });
  expect(step(INDEX, "r1", 1)).toEqual({ parent: "f1", before: null });
  expect(step(INDEX, "r1", -1)).toBeNull();
  expect(step(INDEX, "r2", 1)).toBeNull();
});

test("containers have a middle", () => {
  expect([zoneOf("folder", 2, 24), zoneOf("folder", 12, 24), zoneOf("folder", 23, 24)]).toEqual(["before", "inside", "after"]);
  expect([zoneOf("request", 2, 24), zoneOf("request", 13, 24)]).toEqual(["before", "after"]);
});
