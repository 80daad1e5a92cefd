import { expect, test } from "vitest";
import { contentType, languageOf, modeOf, withMode } from "./body";

test("trying another mode and back loses nothing", () => {
  const raw = { mode: "raw", raw: "{}", options: { raw: { language: "json" } } };
  const form = withMode(raw, "urlencoded");
  expect(modeOf(form)).toBe("urlencoded");
  expect(withMode(form, "raw")).toEqual(raw);
  expect(withMode(withMode(raw, "none"), "raw")).toEqual(raw);
  expect(withMode(undefined, "none")).toBeUndefined();
});

test("a new raw body is JSON", () => {
  expect(languageOf(withMode(undefined, "raw"))).toBe("json");
  expect(contentType(withMode(undefined, "raw"))).toBe("application/json");
  expect(contentType(undefined)).toBeNull();
});
