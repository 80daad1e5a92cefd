import { beforeEach, expect, test } from "vitest";
import type { Call, ExportedFile, Reply, Status } from "../host/api";
import { apiError } from "../host/host";
import { MemoryHost } from "../host/memory";
import { memoryShelf } from "../state/drafts";
import { put } from "../state/json";
import { Workbench } from "../state/workbench.svelte";
import { SigningOut } from "./signing-out.svelte";

let bench: Workbench;
let leaving: SigningOut;
let asked: Call[];
let downloads: ExportedFile[];
let up: number;
let synced: () => number;

beforeEach(async () => {
  const host = new MemoryHost({ now: () => 1 });
  bench = new Workbench(host, memoryShelf(), () => 1);
  await bench.start();
  [asked, downloads, up] = [[], [], 3];
  synced = () => 0;
  const status = (): Status => ({ ...host.status, pending: { up, down: 0 } });
  const answers: { [name: string]: (call: Call) => Reply } = {
    sign_out: (call) => {
      if (call.call === "sign_out" && call.discard === "nothing" && up > 0) throw { ...apiError("changes_waiting", "signing out", ""), count: up };
      return { reply: "done" };
    },
    status: () => ({ reply: "status", ...status() }),
    sync: () => {
      up = synced();
      if (up > 0) throw apiError("not_in_sync", "syncing", "3 to send");
      return { reply: "status", ...status() };
    },
    create_backup: () => ({ reply: "exported", files: [{ name: "b.json", content: "{}", text: true }], omitted: [] }),
  };
  const real = host.call.bind(host);
  host.call = async (request) => {
    asked.push(request.call as Call);
    return (answers[request.call.call]?.(request.call as Call) ?? real(request)) as never;
  };
  leaving = new SigningOut(bench, (file) => downloads.push(file));
});

const discards = () => asked.filter((call) => call.call === "sign_out").map((call) => call.call === "sign_out" && call.discard);

test("with nothing waiting it just signs out", async () => {
  up = 0;
  await leaving.begin();
  expect([discards(), leaving.step]).toEqual([["nothing"], "idle"]);
});

test("what waits is counted, and syncing first is what is chosen", async () => {
  await leaving.begin();
  expect([leaving.step, leaving.waiting, leaving.way]).toEqual(["waiting", 3, "sync"]);
  await leaving.go();
  expect([discards(), leaving.step]).toEqual([["nothing", "nothing"], "idle"]);
});

test("a sync that does not get through keeps everything", async () => {
  synced = () => 3;
  await leaving.begin();
  await leaving.go();
  expect(leaving.failed).toContain("3 to send");
  expect(discards()).toEqual(["nothing"]);
});

test("discarding needs a word of its own", async () => {
  await leaving.begin();
  leaving.way = "discard";
  expect(leaving.ready).toBe(false);
  await leaving.go();
  expect(discards()).toEqual(["nothing"]);
  leaving.sure = true;
  await leaving.go();
  expect(discards()).toEqual(["nothing", "everything"]);
});

test("a backup is handed over first, and counts only if nothing came after it", async () => {
  await leaving.begin();
  leaving.way = "backup";
  await leaving.go();
  expect([downloads.length, leaving.step, discards()]).toEqual([1, "kept", ["nothing"]]);
  up = 4;
  await leaving.go();
  expect([leaving.step, leaving.failed.slice(0, 16)]).toEqual(["waiting", "More was changed"]);
  await leaving.go();
  await leaving.go();
  expect([downloads.length, discards().at(-1)]).toEqual([2, "everything"]);
});

test("unsaved edits are asked about before anything", async () => {
  up = 0;
  const tab = await bench.editing.open(bench.tree.views.find((one) => one.name === "Get cart")!);
  tab.edit((now) => put(now, ["request", "method"], "PUT"));
  await leaving.begin();
  expect([leaving.step, discards()]).toEqual(["unsaved", []]);
  await leaving.saveAll();
  expect(discards()).toEqual(["nothing"]);
});
