import { beforeEach, expect, test } from "vitest";
import { MemoryHost } from "../host/memory";
import { memoryShelf, type Shelf } from "./drafts";
import { put } from "./json";
import { duplicate, freeName, move, remove, rename } from "./moving";
import { ItemTab } from "./tabs.svelte";
import { Workbench } from "./workbench.svelte";

let host: MemoryHost;
let shelf: Shelf;
let bench: Workbench;

beforeEach(async () => {
  host = new MemoryHost({ now: () => 1_000_000 });
  shelf = memoryShelf();
  bench = new Workbench(host, shelf, () => 1_000_000);
  await bench.start();
});

const view = (name: string) => bench.tree.views.find((one) => one.name === name)!;
const rename_ = (name: string) => (document: unknown) => put(document as never, ["request", "description"], name);
const settle = () => new Promise((done) => setTimeout(done, 5));

test("a saved edit reaches the host and the tab is clean", async () => {
  const tab = await bench.editing.open(view("Get cart"));
  expect(tab.above.map((one) => one.name)).toEqual(["Shop API", "Cart"]);
  tab.edit(rename_("new words"));
  expect(tab.dirty).toBe(true);
  expect(await bench.editing.save(tab)).toBe(true);
  expect(tab.dirty).toBe(false);
  expect(JSON.stringify(host.stores[0]!.get(tab.id!).document)).toContain("new words");
});

test("an unsaved edit survives a crash", async () => {
  const tab = await bench.editing.open(view("Get cart"));
  tab.edit(rename_("unsaved"));
  bench.editing.flush();
  const again = new Workbench(host, shelf, () => 0);
  await again.start();
  await settle();
  const restored = again.tabs.get(tab.key) as ItemTab;
  expect(restored.dirty).toBe(true);
  expect(JSON.stringify(restored.document)).toContain("unsaved");
});

test("a change elsewhere shows in a clean tab and waits beside an edited one", async () => {
  const clean = await bench.editing.open(view("Who am I"));
  const edited = await bench.editing.open(view("Get cart"));
  edited.edit(rename_("mine"));
  for (const tab of [clean, edited]) host.editElsewhere(bench.workspace, tab.id!, put(tab.base, ["request", "method"], "PUT"));
  await settle();
  expect(JSON.stringify(clean.document)).toContain("PUT");
  expect([clean.dirty, clean.elsewhere]).toEqual([false, null]);
  expect(JSON.stringify(edited.document)).toContain("mine");
  expect(edited.elsewhere).not.toBeNull();
  await bench.editing.takeTheirs(edited);
  expect(edited.dirty).toBe(false);
  expect(JSON.stringify(edited.document)).toContain("PUT");
});

test("an edited tab asks before it closes", async () => {
  const tab = await bench.editing.open(view("Get cart"));
  tab.edit(rename_("mine"));
  bench.editing.close(tab);
  expect(bench.tabs.list).toContain(tab);
  expect(bench.question?.ask).toBe("confirm");
  if (bench.question?.ask === "confirm") bench.question.run();
  expect(bench.tabs.list).not.toContain(tab);
});

test("a new request is saved where the person says", async () => {
  const tab = bench.editing.newRequest();
  void bench.editing.save(tab);
  if (bench.question?.ask === "place") bench.question.run(view("Cart").id, "Made here");
  await settle();
  expect(view("Made here").path).toBe("Shop API/Cart/Made here");
  expect(bench.tabs.get(tab.key)).toBeUndefined();
});

test("the tree can be rearranged, and the trash gives back", async () => {
  await rename(bench, view("Get cart").id, "Fetch cart");
  await settle();
  expect(view("Fetch cart").path).toBe("Shop API/Cart/Fetch cart");
  await move(bench, [view("Fetch cart").id], { parent: view("Accounts").id, before: view("Who am I").id });
  expect(view("Fetch cart").path).toBe("Shop API/Accounts/Fetch cart");
  await duplicate(bench, bench.tree.index.byId.get(view("Cart").id)!);
  expect(view("Cart copy")).toBeDefined();
  await remove(bench, new Set([view("Cart copy").id]));
  expect(view("Cart copy")).toBeUndefined();
  bench.toasts.list.at(-1)?.action?.run();
  await settle();
  expect(view("Cart copy")).toBeDefined();
});

test("current values never reach a draft", async () => {
  const tab = await bench.editing.open(bench.environments.find((one) => one.name === "Local")!);
  tab.editCurrent("baseUrl", "http://only-here");
  bench.editing.flush();
  for (let at = 0; at < shelf.length; at++) expect(shelf.getItem(shelf.key(at)!)).not.toContain("only-here");
  await bench.editing.save(tab);
  await settle();
  expect(bench.variables.find((one) => one.key === "baseUrl")?.current).toBe("http://only-here");
  expect(bench.editing.lookup(tab)("baseUrl")?.value).toBe("http://only-here");
  expect(bench.editing.lookup(tab)("token")?.value).not.toContain("eyJ");
});

test("a request is sent and remembered", async () => {
  const tab = await bench.editing.open(view("List products"));
  await bench.editing.send(tab);
  expect(tab.run.response?.status).toBe(200);
  await settle();
  expect(bench.sent.list[0]).toMatchObject({ method: "GET", status: 200, item: tab.id });
});

test("what was sent is opened again with its answer", async () => {
  const tab = await bench.editing.open(view("List products"));
  await bench.editing.send(tab);
  await settle();
  const sent = bench.sent.list[0]!;
  bench.editing.close(tab);
  await bench.editing.openSent(sent);
  expect((bench.tabs.active as ItemTab).run.response?.status).toBe(200);
  await bench.editing.openSent({ ...sent, item: "gone" });
  expect((bench.tabs.active as ItemTab).id).toBeNull();
  await bench.sent.clear();
  expect(bench.sent.list).toEqual([]);
});

test("pieces of a body show until the whole is there", async () => {
  const tab = await bench.editing.open(view("List products"));
  const sending = bench.editing.send(tab);
  host.tell({ event: "piece", run: tab.run.id, text: "one " });
  host.tell({ event: "piece", run: "another", text: "no" });
  host.tell({ event: "piece", run: tab.run.id, text: "two" });
  expect(tab.run.pieces).toBe("one two");
  await sending;
  expect(tab.run.phase).toBe("done");
});

test("conflicts that appear open their tab, and never over unsaved edits", async () => {
  const grow = () => {
    const store = host.stores[0]!;
    store.conflicts = [...store.conflicts, { ...store.conflicts[0]!, id: `more${store.conflicts.length}` }];
    host.setState({ conflicts: store.conflicts.length });
  };
  const tab = await bench.editing.open(view("Get cart"));
  tab.edit(rename_("mine"));
  grow();
  expect([bench.tabs.activeKey, bench.tabs.get("conflicts")?.type]).toEqual([tab.key, "panel"]);
  expect(bench.toasts.list.at(-1)?.title).toContain("conflicts to look at");
  await bench.editing.save(tab);
  grow();
  expect(bench.tabs.activeKey).toBe("conflicts");
  host.setState({ conflicts: 1 });
  bench.tabs.activate(tab.key);
  host.setState({ conflicts: 1 });
  expect(bench.tabs.activeKey).toBe(tab.key);
});

test("a name that is taken gets a number", () => {
  expect(freeName("A", new Set())).toBe("A");
  expect(freeName("A", new Set(["A", "A 2"]))).toBe("A 3");
});

test("a response is kept as an example below its request", async () => {
  const tab = await bench.editing.open(view("Who am I"));
  await bench.editing.send(tab);
  await bench.editing.saveExample(tab, "All fine");
  expect(view("All fine").path).toBe("Shop API/Accounts/Who am I/All fine");
  expect(JSON.stringify(host.stores[0]!.get(view("All fine").id).document)).toContain("originalRequest");
});

test("items reach the end of their own folder, alone and as a block", async () => {
  const folder = view("Accounts").id;
  const names = () => bench.tree.index.items.filter((item) => item.parent === folder).map((item) => item.view.name);
  await move(bench, [view("Sign in").id], { parent: folder, before: null });
  expect(names()).toEqual(["Who am I", "Sign out", "Sign in"]);
  await move(bench, [view("Who am I").id, view("Sign out").id], { parent: folder, before: null });
  expect(names()).toEqual(["Sign in", "Who am I", "Sign out"]);
  await move(bench, [view("Sign out").id], { parent: folder, before: null });
  expect(names()).toEqual(["Sign in", "Who am I", "Sign out"]);
  await move(bench, [view("Shop API").id], { parent: null, before: null });
  expect(bench.tree.index.items.filter((item) => item.parent === null).at(-1)?.view.name).toBe("Shop API");
});

test("an item that is gone elsewhere leaves its tab with what it shows", async () => {
  const tab = await bench.editing.open(view("Get cart"));
  host.stores[0]!.purge(host.stores[0]!.get(tab.id!));
  host.tell({ event: "changed", workspace: bench.workspace, items: [], removed: [] });
  await settle();
  expect(tab.gone).toBe(true);
  expect(tab.document).not.toBeNull();
  expect(bench.toasts.list).toEqual([]);
});

test("a page that began without its agent begins when it is there", async () => {
  const real = host.call.bind(host);
  host.call = () => Promise.reject({ kind: "locked", tried: "asking", detail: "", apps: [], count: 0, candidates: [] });
  const late = new Workbench(host, memoryShelf(), () => 0);
  await late.start();
  expect(late.tree.views).toEqual([]);
  host.tell({ event: "link", up: false });
  host.call = real;
  host.tell({ event: "link", up: true });
  await settle();
  expect(late.tree.views.length).toBeGreaterThan(10);
});
