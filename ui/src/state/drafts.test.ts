import { expect, test } from "vitest";
import { Drafts, memoryShelf, wipeWorkspaces, type Draft } from "./drafts";

const draft: Draft = { kind: "request", name: "A", base: { a: 1 }, document: { a: 2 }, at: 5 };

test("a draft comes back under its workspace and id", () => {
  const drafts = new Drafts(memoryShelf());
  expect(drafts.keep("w", "i", draft)).toBe(true);
  expect(drafts.read("w", "i")).toEqual(draft);
  expect(drafts.read("other", "i")).toBeNull();
  expect(drafts.ids("w")).toEqual(["i"]);
  drafts.drop("w", "i");
  expect(drafts.ids("w")).toEqual([]);
});

test("a full storage is said, and what was there stays", () => {
  const drafts = new Drafts(memoryShelf(200));
  drafts.keep("w", "i", draft);
  expect(drafts.keep("w", "i", { ...draft, document: "x".repeat(300) })).toBe(false);
  expect(drafts.read("w", "i")?.document).toEqual({ a: 2 });
});

test("what cannot be read is absent and is left alone", () => {
  const shelf = memoryShelf();
  shelf.setItem("satchel.draft.w.i", "{broken");
  shelf.setItem("satchel.draft.w.j", '{"version":9}');
  const drafts = new Drafts(shelf);
  expect([drafts.read("w", "i"), drafts.read("w", "j")]).toEqual([null, null]);
  expect(shelf.length).toBe(2);
});

test("signing out leaves the Scratch Pad and the settings", () => {
  const shelf = memoryShelf();
  for (const name of ["satchel.draft.w.i", "satchel.tabs.w", "satchel.sent.w", "satchel.draft.scratch.i", "satchel.tabs.scratch", "satchel.settings"]) shelf.setItem(name, "x");
  wipeWorkspaces(shelf);
  expect(Array.from({ length: shelf.length }, (_, at) => shelf.key(at))).toEqual(["satchel.draft.scratch.i", "satchel.tabs.scratch", "satchel.settings"]);
});
