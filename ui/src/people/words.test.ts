import { expect, test } from "vitest";
import type { ActivityView } from "../host/api";
import { activityLine, endsWords, fingerprintLines, hue, initials, secretLines } from "./words";

const entry = (change: Partial<ActivityView>): ActivityView => ({ seq: 1, at: 0, by: "ada", app: "a", members: null, items: [], ...change });
const item = (name: string | null, change = "changed") => ({ id: name ?? "x", name, change });

test("what was done is one line", () => {
  const line = (change: Partial<ActivityView>) => {
    const { what, items, more } = activityLine(entry(change));
    return [what, items.map((one) => one.name), more];
  };
  expect(line({ members: "role_changed" })).toEqual(["changed a role", [], 0]);
  expect(line({ members: "some_new_act" })).toEqual(["some new act", [], 0]);
  expect(line({ items: [item("A", "created")] })).toEqual(["made", ["A"], 0]);
  expect(line({ items: ["A", "B", "C", "D", "E", null].map((name) => item(name)) })).toEqual(["changed", ["A", "B", "C", "D"], 2]);
  expect(line({ items: [item(null, "purged"), item(null, "purged")] })).toEqual(["deleted for good 2 items", [], 0]);
});

test("an invitation says how long it lasts", () => {
  expect([endsWords(0, 1), endsWords(60_000, 0), endsWords(3 * 3_600_000, 0), endsWords(6.98 * 86_400_000, 0)]).toEqual(["has ended", "ends within the hour", "ends in 3 hours", "ends in 7 days"]);
});

test("names have letters and a colour", () => {
  expect(["ada.lovelace@x.com", "mira@x.com", "Grace Brewster Hopper", ""].map(initials)).toEqual(["AL", "MI", "GH", "?"]);
  expect(hue("ada")).toBe(hue("ada"));
});

test("lists are cut for reading", () => {
  expect(fingerprintLines("a b c d e f")).toEqual(["a b c d", "e f"]);
  expect(secretLines([{ path: "Shop", key: "token" }, { path: "Env", key: "k" }])).toBe("Shop: token\nEnv: k");
});
