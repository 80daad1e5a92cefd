// Two people on two apps and a real server: invited, seen, in conflict, made a viewer, removed. The steps build on each
// other, in their order.
// Usage: cargo build -p satchel-app -p satchel-server && npm run real:people
import assert from "node:assert/strict";
import { collection, command, importFiles, inSync, row, signUp, urlBar, workspace } from "./acts.mjs";
import { Stage } from "./stage.mjs";

const stage = await Stage.set();
const url = await stage.startServer();
const a = await stage.openApp("a");
const b = await stage.openApp("b");
for (const { page } of [a, b]) page.setDefaultTimeout(15_000);
let link = "";

async function open(page, name) {
  if (!(await row(page, name).isVisible())) await row(page, "Shop").click();
  await row(page, name).click();
  await urlBar(page).waitFor();
}
const conflict = (page) => page.getByRole("region", { name: /^One, URL/ });

const STEPS = {
  "both have accounts, one of them a workspace with a shared secret": async () => {
    await signUp(a.page, url, "ada@example.com", "A");
    await signUp(b.page, url, "mira@example.com", "B");
    await a.page.getByRole("button", { name: /^Workspace:/ }).click();
    await a.page.getByRole("menuitem", { name: "New workspace…" }).click();
    await a.page.getByLabel("Name").fill("Shared");
    await a.page.getByRole("button", { name: "Create" }).click();
    await a.page.getByRole("button", { name: "Workspace: Shared" }).waitFor();
    await importFiles(a.page, ["shop.json", collection("Shop", [["One", "http://127.0.0.1:9/one"], ["Two", "http://127.0.0.1:9/two"]])]);
    await stage.cli(a, ["env", "set", "token=s3cret", "--secret", "--share", "-e", "Local"]);
    await inSync(a.page);
  },
  "a link is made and told once": async () => {
    await command(a.page, "People of this workspace");
    await a.page.getByRole("button", { name: "Invite", exact: true }).click();
    await a.page.getByRole("button", { name: "Make a link" }).click();
    link = await a.page.getByLabel("The link").inputValue();
    await a.page.getByRole("button", { name: "Close" }).last().click();
  },
  "the other joins by it, and has everything": async () => {
    await command(b.page, "People of this workspace");
    await b.page.getByLabel("Join by a link").fill(link);
    await b.page.getByRole("button", { name: "Join", exact: true }).click();
    await b.page.getByText(/The link is good|You are a member/).waitFor();
    await workspace(b.page, "Shared");
    await row(b.page, "Shop").waitFor();
    await a.page.getByText("2 members").waitFor();
  },
  "where the other is shows only after they said so": async () => {
    await command(b.page, "People of this workspace");
    assert.equal(await a.page.getByText(/^Here/).count(), 0);
    await b.page.getByLabel("Show others where I am").check();
    await open(b.page, "One");
    await a.page.getByText("Here: One").waitFor({ timeout: 30_000 });
  },
  "two edits of one field become a conflict that keeps both": async () => {
    await open(a.page, "One");
    await urlBar(a.page).fill("http://127.0.0.1:9/by-a");
    await urlBar(b.page).fill("http://127.0.0.1:9/by-b");
    await a.page.keyboard.press("Control+s");
    await b.page.getByRole("button", { name: "Compare" }).click();
    await b.page.locator(".cm-mergeView").waitFor();
    await b.page.getByRole("button", { name: "Merge and save" }).last().click();
    await command(b.page, "Show conflicts");
    await conflict(b.page).getByText("http://127.0.0.1:9/by-b").waitFor();
    await conflict(b.page).getByText("http://127.0.0.1:9/by-a").waitFor();
  },
  "it is settled by the other value, and undone": async () => {
    await inSync(b.page);
    await conflict(b.page).getByLabel("Local").check();
    await b.page.getByRole("button", { name: "Settle 1 conflict as chosen" }).click();
    await b.page.getByText("There are no conflicts.").waitFor();
    assert.equal(JSON.parse(await stage.cli(b, ["show", "Shop/One", "--json"])).document.request.url.raw, "http://127.0.0.1:9/by-b");
    await inSync(b.page);
    await b.page.getByRole("button", { name: "Undo" }).click();
    await conflict(b.page).waitFor();
  },
  "a viewer's edit stays a draft on their device": async () => {
    await command(a.page, "People of this workspace");
    await a.page.getByLabel("Role of mira@example.com").selectOption("viewer");
    await open(b.page, "Two");
    await urlBar(b.page).fill("http://127.0.0.1:9/draft");
    await b.page.getByText("You may only read in this workspace").waitFor();
    await b.page.keyboard.press("Control+s");
    await b.page.locator(".cloud").hover();
    await b.page.getByText("1 draft stays on this device").waitFor();
    assert.equal(JSON.parse(await stage.cli(a, ["show", "Shop/Two", "--json"])).document.request.url.raw, "http://127.0.0.1:9/two");
  },
  "who is removed leaves a list of secrets, and is told": async () => {
    await a.page.getByRole("button", { name: "More for mira@example.com" }).click();
    await a.page.getByRole("menuitem", { name: "Remove…" }).click();
    await a.page.getByRole("button", { name: "Remove", exact: true }).click();
    await a.page.getByRole("list", { name: "Secrets that could be read" }).getByText("token").waitFor();
    await b.page.locator(".cloud").filter({ hasText: "Error" }).waitFor();
  },
};

let failed = 0;
for (const [name, walk] of Object.entries(STEPS)) {
  const begun = performance.now();
  try {
    await walk();
    for (const { page } of [a, b]) assert.deepEqual(page.errors, []);
    console.log(`ok    ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}\n${error.message}`);
    break;
  }
}
await stage.strike();
process.exitCode = failed ? 1 : 0;
