import { expect, test } from "vitest";
import { at, put, same } from "./json";

test("a change shares what it does not change", () => {
  const before = { a: { b: 1 }, c: { d: 2 } };
  const after = put(before, ["a", "b"], 3);
  expect(after).toEqual({ a: { b: 3 }, c: { d: 2 } });
  expect(after["c"]).toBe(before.c);
  expect(before.a.b).toBe(1);
  expect(put(undefined, ["x", "y"], true)).toEqual({ x: { y: true } });
  expect(put({ a: 1, b: 2 }, ["a"], undefined)).toEqual({ b: 2 });
});

test("the order of fields says nothing, that of arrays does", () => {
  expect(same({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(same([1, 2], [2, 1])).toBe(false);
  expect(same({ a: 1 }, { a: 1, b: null })).toBe(false);
});

test("a path leads through objects and arrays", () => {
  expect(at({ a: [{ b: "c" }] }, ["a", 0, "b"])).toBe("c");
  expect(at({ a: 1 }, ["a", "b"])).toBeUndefined();
});
