import { beforeEach, expect, test } from "vitest";
import { MemoryHost } from "../host/memory";
import { memoryShelf } from "../state/drafts";
import { put } from "../state/json";
import { Workbench } from "../state/workbench.svelte";
import { History } from "./history.svelte";

let host: MemoryHost;
let bench: Workbench;
let history: History;
let id: string;

beforeEach(async () => {
  host = new MemoryHost({ now: () => 1_000_000_000 });
  bench = new Workbench(host, memoryShelf(), () => 1_000_000_000);
  await bench.start();
  id = bench.tree.views.find((one) => one.name === "List products")!.id;
  history = new History(bench, id);
  await history.read();
});

test("the newest is shown against the one before it", () => {
  expect(history.versions.map((one) => one.version)).toEqual([19, 12, 3]);
  expect([history.chosen, history.sides?.leftLabel.split(",")[0], history.sides?.rightLabel.split(",")[0]]).toEqual([19, "mira@example.com", "ada@example.com"]);
});

test("the first version is compared with nothing, any with what is now", async () => {
  await history.choose(3);
  expect([history.sides?.left, history.sides?.leftLabel]).toEqual([null, "Before it was made"]);
  await history.choose(12, "now");
  expect(history.sides?.rightLabel).toBe("Now");
});

test("a restored version is the newest one, and an edit one of its own", async () => {
  await history.restore(12);
  expect(history.versions.find((one) => one.current)?.version).not.toBe(19);
  expect(JSON.stringify(host.stores[0]!.get(id).document)).not.toContain("newest first");
  host.editElsewhere(bench.workspace, id, put(host.stores[0]!.get(id).document, ["request", "method"], "PUT"));
  await history.read();
  expect(history.versions.length).toBe(5);
});

test("the Scratch Pad has no history, in words", async () => {
  await bench.switchWorkspace("scratch");
  const none = new History(bench, id);
  await none.read();
  expect(none.problem?.why).toContain("keeps no history");
});
