import { expect, test } from "vitest";
import { paramsOf, pathVariables, reconcile, split, urlParams, urlWith, withParams, type Param } from "./url";

const param = (key: string, value: string, more: Partial<Param> = {}): Param => ({ key, value, disabled: false, description: "", hasValue: true, ...more });

test("a URL splits outside of variables", () => {
  const check = (raw: string, before: string, query: string | null, hash: string) => expect(split(raw)).toEqual({ before, query, hash });
  check("{{base}}/a?b=c#d", "{{base}}/a", "b=c", "#d");
  check("{{a?b}}/x?y", "{{a?b}}/x", "y", "");
  check("/a#b?c", "/a", null, "#b?c");
  check("{{open?x=1", "{{open", "x=1", "");
});

test("parameters lead back to their URL", () => {
  for (const raw of ["/a?b=c&d", "/a?b==&c=", "/a?x={{y&z}}&q=1#h", "/a"]) expect(withParams(raw, paramsOf(raw))).toBe(raw);
});

test("switched-off parameters keep their place and stay out of the URL", () => {
  const list = [param("a", "1"), param("b", "2", { disabled: true }), param("c", "3", { description: "third" })];
  expect(withParams("/x", list)).toBe("/x?a=1&c=3");
  expect(reconcile(list, "/x?a=9&c=3&d=4").map((one) => one.key + one.value)).toEqual(["a9", "b2", "c3", "d4"]);
  expect(reconcile(list, "/x?a=9&c=4")[2]?.description).toBe("third");
});

test("path variables are segments with a colon", () => {
  expect(pathVariables("http://h:80/a/:id/b/:other?x=:no")).toEqual(["id", "other"]);
  expect(pathVariables("{{base}}/:id")).toEqual(["id"]);
});

test("an edited URL keeps unknown fields and path values", () => {
  const url = { raw: "/a/:id?b=1", host: ["x"], variable: [{ key: "id", value: "7" }], extra: true, query: [{ key: "b", value: "1", description: "why" }] };
  const params = reconcile(urlParams(url), "/a/:id?b=2");
  expect(urlWith(url, "/a/:id?b=2", params)).toEqual({ raw: "/a/:id?b=2", variable: [{ key: "id", value: "7" }], extra: true, query: [{ key: "b", value: "2", description: "why" }] });
});
