import { beforeEach, expect, test } from "vitest";
import { MemoryHost } from "../host/memory";
import { memoryShelf } from "../state/drafts";
import { textAt } from "../state/json";
import { ItemTab } from "../state/tabs.svelte";
import { Workbench } from "../state/workbench.svelte";
import { Importing } from "./importing.svelte";

let host: MemoryHost;
let bench: Workbench;
let importing: Importing;
const given = (name: string, value: unknown) => ({ name, content: new Blob([typeof value === "string" ? value : JSON.stringify(value)]) });
const names = () => bench.tree.views.map((one) => one.name);
const phases = () => importing.list.map((one) => one.phase);

beforeEach(async () => {
  host = new MemoryHost({ now: () => 1 });
  bench = new Workbench(host, memoryShelf(), () => 1);
  await bench.start();
  importing = new Importing(bench);
});

test("nothing changes before it is wanted, and one that fails stops no other", async () => {
  await importing.add({ given: [given("bad.json", "no json"), given("new.json", { info: { name: "Fresh" }, item: [{ name: "Ping" }] }), given("shop.json", { info: { name: "Shop API" }, item: [] })], left: [] });
  expect(phases()).toEqual(["failed", "ready", "exists"]);
  expect(names()).not.toContain("Fresh");
  await importing.run();
  expect(phases()).toEqual(["failed", "done", "exists"]);
  expect(names()).toContain("Ping");
});

test("what is here already goes in as it was chosen", async () => {
  await importing.add({ given: [given("shop.json", { info: { name: "Shop API" }, item: [] })], left: [] });
  expect(importing.ready).toEqual([]);
  await importing.choose(importing.list[0]!, "copy");
  expect([phases(), importing.list[0]!.report?.added]).toEqual([["ready"], 1]);
  await importing.run();
  expect(names().filter((name) => name === "Shop API").length).toBe(2);
});

test("a curl command opens as a request, JSON and what a URL gives are looked at", async () => {
  expect(await importing.paste("curl https://x.test/a -d b=1")).toBe(true);
  const tab = bench.tabs.active as ItemTab;
  expect([textAt(tab.document, ["request", "url", "raw"]), textAt(tab.document, ["request", "method"])]).toEqual(["https://x.test/a", "POST"]);
  expect(await importing.paste("curl --nothing")).toBe(false);
  expect(importing.left[0]).toContain("cannot be read");
  await importing.paste('{"info":{"name":"Pasted"},"item":[]}');
  expect(phases()).toEqual(["ready"]);
  await importing.paste("https://x.test/missing.json");
  expect(importing.left[0]).toContain("answered 404");
});
