import { beforeEach, expect, test } from "vitest";
import { apiError, type HostRequest } from "../host/host";
import { MemoryHost } from "../host/memory";
import { memoryShelf } from "../state/drafts";
import { Workbench } from "../state/workbench.svelte";
import { Settling } from "./settling.svelte";

let host: MemoryHost;
let bench: Workbench;
let settling: Settling;
let asked: HostRequest["call"][];

beforeEach(async () => {
  host = new MemoryHost({ now: () => 1_000_000 });
  bench = new Workbench(host, memoryShelf(), () => 1_000_000);
  await bench.start();
  const real = host.call.bind(host);
  asked = [];
  host.call = (request) => {
    asked.push(request.call);
    return real(request);
  };
  settling = new Settling(bench);
  await settling.read();
});

const resolved = () => asked.filter((call) => call.call === "resolve").map((call) => call.call === "resolve" && call.choice);

test("what nobody chose is the server's", async () => {
  expect(settling.conflicts.length).toBeGreaterThan(0);
  await settling.settle(settling.conflicts);
  expect(new Set(resolved())).toEqual(new Set(["server"]));
  expect(settling.conflicts).toEqual([]);
});

test("a typed value is chosen by typing, and reset takes it back", async () => {
  const one = settling.conflicts[0]!;
  settling.edit(one, "by hand");
  expect(settling.choiceOf(one)).toBe("edit");
  settling.reset([one]);
  expect(settling.choiceOf(one)).toBe("server");
  settling.edit(one, "again");
  await settling.settle([one]);
  expect(resolved()).toEqual([{ value: "again" }]);
});

test("one that cannot stand so stays with the reason, the others are settled", async () => {
  const real = host.call.bind(host);
  const stubborn = settling.conflicts[0]!;
  host.call = (request) => (request.call.call === "resolve" && request.call.id === stubborn.id ? Promise.reject(apiError("cannot_stand_both", "resolving", "they are one text")) : real(request));
  settling.choose(settling.conflicts, "both");
  const count = settling.conflicts.length;
  await settling.settle(settling.conflicts);
  expect(settling.conflicts.map((one) => one.id)).toEqual([stubborn.id]);
  expect(settling.problems.get(stubborn.id)).toContain("they are one text");
  expect(count).toBeGreaterThanOrEqual(1);
});

test("settling can be undone by the version before, if the server has one", async () => {
  await settling.settle(settling.conflicts);
  expect(settling.canUndo).toBe(true);
  const { version } = settling.undoable[0]!;
  await settling.undo();
  expect(asked.filter((call) => call.call === "restore").map((call) => call.call === "restore" && call.version)).toContain(version);
  expect(settling.undoable).toEqual([]);
});

test("without a history there is no undo, and no failure", async () => {
  const real = host.call.bind(host);
  host.call = (request) => (request.call.call === "history" ? Promise.reject(apiError("unreachable", "", "")) : real(request));
  await settling.settle(settling.conflicts);
  expect([settling.canUndo, bench.toasts.list.length, settling.conflicts.length]).toEqual([false, 0, 0]);
});
