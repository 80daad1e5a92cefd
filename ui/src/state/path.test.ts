import { expect, test } from "vitest";
import { formatPath, parsePath } from "./path";

test("names stand between slashes", () => {
  const check = (text: string, expected: string[]) => expect(parsePath(text)).toEqual(expected);
  check("", []);
  check("Shop/Cart/Get cart", ["Shop", "Cart", "Get cart"]);
  check("/Shop//Cart/", ["Shop", "Cart"]);
  check("a\\/b/c", ["a/b", "c"]);
  check("C:\\temp\\", ["C:\\temp\\"]);
});

test("a path leads back to its names", () => {
  for (const names of [["a/b", "c\\d"], ["\\/"], ["plain"]]) expect(parsePath(formatPath(names))).toEqual(names);
});
