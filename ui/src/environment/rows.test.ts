import { expect, test } from "vitest";
import type { Json } from "../host/api";
import { MASK, variableRows, variableValues, withoutSecrets } from "./rows";

const values: Json[] = [{ key: "a", value: "1", type: "default", enabled: true, extra: 1 }, { key: "b", value: MASK, type: "secret", enabled: false }];

test("rows lead back to their values with what is not known", () => {
  expect(variableValues(variableRows({ values }))).toEqual(values);
});

test("a draft holds no secret that was typed", () => {
  const typed: Json = { name: "E", values: [{ key: "b", value: "hunter2", type: "secret" }, { key: "a", value: "1" }] };
  expect(JSON.stringify(withoutSecrets(typed))).not.toContain("hunter2");
  expect(JSON.stringify(withoutSecrets(typed))).toContain('"1"');
});
