import { expect, test } from "vitest";
import { best, score } from "./fuzzy";

test("letters must come in order", () => {
  expect(score("Get cart", "gc")).not.toBeNull();
  expect(score("Get cart", "cg")).toBeNull();
});

test("whole words and beginnings come first", () => {
  const all = ["Change cartoon", "Get cart", "Cart"];
  expect(best(all, (one) => one, "cart", 3)).toEqual(["Cart", "Get cart", "Change cartoon"]);
  expect(best(all, (one) => one, "", 2)).toEqual(["Change cartoon", "Get cart"]);
});
