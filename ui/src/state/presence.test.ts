import { beforeEach, expect, test, vi } from "vitest";
import type { HostCall } from "../host/host";
import { MemoryHost } from "../host/memory";
import { memoryShelf } from "./drafts";
import { put } from "./json";
import { placeOf, Teller } from "./presence";
import { Workbench } from "./workbench.svelte";

let bench: Workbench;
let asked: HostCall[];

beforeEach(async () => {
  const host = new MemoryHost({ now: () => 1 });
  bench = new Workbench(host, memoryShelf(), () => 1);
  await bench.start();
  host.setState({ members: 3 } as never);
  asked = [];
  const real = host.call.bind(host);
  host.call = (request) => {
    if (request.call.call !== "presence") return real(request);
    asked.push(request.call);
    return Promise.resolve({ reply: "done" });
  };
});

test("nothing is told unless the person wants it", async () => {
  expect(placeOf(bench, true)).toBeNull();
  bench.settings.set("presence", true);
  expect(placeOf(bench, true)).toEqual({ item: null, state: "viewing" });
  const tab = await bench.editing.open(bench.tree.views.find((one) => one.name === "Get cart")!);
  tab.edit((now) => put(now, ["request", "method"], "PUT"));
  expect(placeOf(bench, true)).toEqual({ item: tab.id, state: "editing" });
  expect(placeOf(bench, false)?.state).toBe("idle");
});

test("the last place is told once a second, and the end of it", () => {
  vi.useFakeTimers();
  const teller = new Teller(bench);
  teller.say({ item: "a", state: "viewing" });
  teller.say({ item: "b", state: "viewing" });
  vi.advanceTimersByTime(1_000);
  teller.say({ item: "b", state: "viewing" });
  vi.advanceTimersByTime(1_000);
  teller.say(null);
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  expect(asked.map((call) => call.call === "presence" && call.here)).toEqual([{ item: "b", state: "viewing" }, null]);
});

test("going to another workspace ends what was told in the old one", async () => {
  vi.useFakeTimers();
  const teller = new Teller(bench);
  teller.say({ item: "a", state: "viewing" });
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  await bench.switchWorkspace("scratch");
  teller.say(null);
  expect(asked.map((call) => call.call === "presence" && call.here)).toEqual([{ item: "a", state: "viewing" }, null]);
});
