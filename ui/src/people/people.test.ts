import { beforeEach, expect, test } from "vitest";
import { MemoryHost } from "../host/memory";
import { memoryShelf } from "../state/drafts";
import { Workbench } from "../state/workbench.svelte";
import { People } from "./people.svelte";

let host: MemoryHost;
let bench: Workbench;
let people: People;
const named = (start: string) => people.members.find((one) => one.name.startsWith(start))!;

beforeEach(async () => {
  host = new MemoryHost({ now: () => 1 });
  bench = new Workbench(host, memoryShelf(), () => 1);
  await bench.start();
  people = new People(bench, null);
  await people.read();
});

test("only an admin asks for the invitations", async () => {
  expect([people.isAdmin, people.invites.length]).toEqual([true, 2]);
  host.people.place(bench.workspace).members = people.members.map((one) => (one.this ? { ...one, role: "viewer" as const } : one));
  await people.read();
  expect([people.isAdmin, people.invites]).toEqual([false, []]);
});

test("an invitation is told once and can be ended", async () => {
  await people.invite("viewer");
  expect(people.invited?.link).toMatch(/#/);
  expect(people.invites.length).toBe(3);
  await people.revoke(people.invited!.invite);
  expect(people.invites.length).toBe(2);
});

test("who is removed leaves the secrets that they could read", async () => {
  await people.remove(named("mira"));
  expect(people.removed?.name).toBe("mira@example.com");
  expect(people.removed?.secrets.length).toBeGreaterThan(0);
  expect(named("mira")).toBeUndefined();
});

test("the last admin is told whom to make one", async () => {
  await people.setRole(named("grace"), "editor");
  expect(await people.leave()).toBe(false);
  expect(bench.toasts.list.at(-1)).toMatchObject({ tone: "bad", title: "Someone has to be the admin" });
  expect(await people.handOver(named("grace"))).toBe(true);
  expect(named("grace").role).toBe("admin");
  expect(people.me).toBeNull();
});
