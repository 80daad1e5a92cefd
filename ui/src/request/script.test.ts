import { expect, test } from "vitest";
import { scriptOf, withScript } from "./script";

test("a script is lines in an event, and other events stay", () => {
  const document = { name: "A", event: [{ listen: "test", script: { type: "text/javascript", exec: ["a", "b"], id: "x" } }] };
  expect(scriptOf(document, "test")).toBe("a\nb");
  const edited = withScript(withScript(document, "test", "c"), "prerequest", "p\nq");
  expect(scriptOf(edited, "test")).toBe("c");
  expect(edited["event"]).toEqual([{ listen: "test", script: { type: "text/javascript", exec: ["c"], id: "x" } }, { listen: "prerequest", script: { type: "text/javascript", exec: ["p", "q"] } }]);
  expect(withScript({ name: "A" }, "test", "")).toEqual({ name: "A" });
});
