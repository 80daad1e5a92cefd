import { beforeEach, expect, test } from "vitest";
import { apiError, type HostEvent } from "../host/host";
import { MemoryHost } from "../host/memory";
import type { RunResult } from "../host/send";
import { memoryShelf } from "../state/drafts";
import { Workbench } from "../state/workbench.svelte";
import { requestsBelow, Running, type Plan } from "./running.svelte";

let host: MemoryHost;
let bench: Workbench;
let running: Running;
const PLAN: Plan = { iterations: 1, delay: 0, bail: false, environment: null, data: null };
const VIEW = { id: 1, when: 0, name: "C", environment: null, iterations: 1, requests: 2, tests: 0, failed: 0, time_ms: 3 };
const result = (name: string): RunResult => ({ iteration: 0, item: name, name, method: "GET", url: "", status: 200, micros: 1, bytes: 0, tests: [], problem: null });

function answer(work: (run: string) => Promise<unknown>) {
  const real = host.call.bind(host);
  host.call = (request) => (request.call.call === ("run" as never) ? (work((request.call as { run?: string }).run ?? "") as never) : real(request));
}
const tell = (run: string, names: string[], done: number) => host.tell({ event: "run", run, results: names.map(result), done, total: 2 } as unknown as HostEvent);

beforeEach(async () => {
  host = new MemoryHost({ now: () => 1 });
  bench = new Workbench(host, memoryShelf(), () => 1);
  await bench.start();
  running = new Running(bench);
});

test("results come in order and end in the summary", async () => {
  answer(async (run) => {
    tell(run, ["a"], 1);
    tell("another run", ["x"], 9);
    tell(run, ["b"], 2);
    return { reply: "run_detail", view: VIEW, summary: null };
  });
  await running.start("c", null, PLAN, 2);
  expect([running.phase, running.results.map((one) => one.name), running.done, running.view?.id]).toEqual(["done", ["a", "b"], 2, 1]);
});

test("a run that breaks off keeps what it had", async () => {
  answer(async (run) => {
    tell(run, ["a"], 1);
    throw apiError("local_store", "running", "the disk is full");
  });
  await running.start("c", null, PLAN, 2);
  expect([running.phase, running.results.length, running.problem?.why]).toEqual(["failed", 1, expect.stringContaining("the disk is full")]);
});

test("a run of before is its summary", async () => {
  const shop = bench.tree.views.find((one) => one.name === "Shop API")!;
  await running.start(shop.id, null, { ...PLAN, iterations: 2 }, 22);
  expect([running.phase, running.results.length, running.kept?.requests]).toEqual(["done", 22, 22]);
  const again = new Running(bench);
  await again.open(running.view!.id);
  expect([again.results, again.kept?.failed, again.kept?.failures[0]?.path.at(-1)]).toEqual([[], 2, "List products"]);
});

test("the requests below a folder are its own", () => {
  const cart = bench.tree.views.find((one) => one.name === "Cart")!;
  const names = requestsBelow(bench.tree.index, cart.id).map((one) => one.view.name);
  expect(names).toContain("Get cart");
  expect(names).not.toContain("Sign in");
  expect(requestsBelow(bench.tree.index, "nowhere")).toEqual([]);
});
