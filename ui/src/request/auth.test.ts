import { expect, test } from "vitest";
import { authType, authValue, inherited, withType, withValue } from "./auth";

test("values are read from both of Postman's shapes", () => {
  expect(authValue({ type: "bearer", bearer: [{ key: "token", value: "t" }] }, "token")).toBe("t");
  expect(authValue({ type: "basic", basic: { username: "ada" } }, "username")).toBe("ada");
  expect(authValue({ type: "basic" }, "username")).toBe("");
});

test("changing the kind keeps what the other kind had", () => {
  const bearer = withValue(withType(undefined, "bearer"), "token", "t");
  const basic = withType(bearer, "basic");
  expect(authType(basic)).toBe("basic");
  expect(authValue(withType(basic, "bearer"), "token")).toBe("t");
  expect(withType(bearer, "inherit")).toBeUndefined();
});

test("the nearest folder that says something counts", () => {
  const above = [{ id: "c", name: "C", document: { auth: { type: "bearer" } } }, { id: "f", name: "F", document: { auth: null } }];
  expect(inherited(above)?.from.id).toBe("c");
  expect(inherited([...above, { id: "g", name: "G", document: { auth: { type: "noauth" } } }])?.from.id).toBe("g");
  expect(inherited([])).toBeNull();
});
