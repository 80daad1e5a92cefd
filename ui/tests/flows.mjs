// Walks through the page in a real browser under the agent's content policy, over the workspace in memory.
// Usage: npm run build && npm run flows [-- NAME]
// At its end each walk is looked over by axe, light and dark; a serious finding is a failure.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PANEL_FLOWS, SIGNED_OUT_FLOWS } from "./panel-flows.mjs";
import { open } from "./serving.mjs";

const { url, browser, close } = await open();
const tree = (page) => page.getByRole("tree");
const row = (page, name) => page.getByRole("treeitem", { name }).first();
const urlBar = (page) => page.locator("[data-url-bar]");
const below = (page, name) => page.evaluate((wanted) => {
  const store = window.memory.stores[0];
  const item = [...store.items.values()].find((one) => one.name === wanted);
  return item.children.map((id) => store.get(id).name);
}, name);

const FLOWS = {
  "a request is opened, edited, saved and sent by keyboard alone": async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("who am i");
    await page.keyboard.press("Enter");
    await urlBar(page).waitFor();
    await page.keyboard.press("Control+l");
    await page.keyboard.press("End");
    await page.keyboard.type("?full=1");
    await page.getByLabel("Key 1", { exact: true }).waitFor();
    assert.equal(await page.getByLabel("Key 1", { exact: true }).inputValue(), "full");
    await page.keyboard.press("Control+s");
    await page.waitForFunction(() => JSON.stringify([...window.memory.stores[0].items.values()].map((one) => one.document)).includes("full=1"));
    await page.keyboard.press("Control+Enter");
    await page.getByText("200 OK").waitFor();
  },
  "an unsaved edit is there after the page died": async (page) => {
    await row(page, "Stock by GraphQL").click();
    await urlBar(page).fill("{{baseUrl}}/unsaved");
    await page.waitForTimeout(500);
    await page.reload();
    await urlBar(page).waitFor();
    assert.equal(await urlBar(page).inputValue(), "{{baseUrl}}/unsaved");
  },
  "a request is dragged into a folder": async (page) => {
    await row(page, "Is it up").dragTo(row(page, "Catalogue"));
    await page.waitForTimeout(200);
    assert.equal((await below(page, "Catalogue")).at(-1), "Is it up");
  },
  "two selected requests move together and keep their order": async (page) => {
    await row(page, "Stock by GraphQL").click();
    await row(page, "Import stock list").click({ modifiers: ["Shift"] });
    await row(page, "Import stock list").dragTo(row(page, "Accounts"));
    await page.waitForTimeout(200);
    assert.deepEqual((await below(page, "Accounts")).slice(-2), ["Stock by GraphQL", "Import stock list"]);
  },
  "the tree is worked by keyboard": async (page) => {
    await tree(page).focus();
    await page.keyboard.type("war");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Alt+ArrowDown");
    await page.waitForTimeout(200);
    assert.deepEqual((await below(page, "Warehouse")).slice(0, 2), ["Import stock list", "Stock by GraphQL"]);
    await page.keyboard.press("F2");
    await page.getByLabel("New name").fill("Stock, renamed");
    await page.keyboard.press("Enter");
    await row(page, "Stock, renamed").waitFor();
  },
  "what goes to the trash comes back": async (page) => {
    await row(page, "Cart").click();
    await page.keyboard.press("Delete");
    await row(page, "Cart").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await row(page, "Cart").waitFor();
  },
  "a preview runs nothing and loads nothing": async (page) => {
    await row(page, "Is it up").click();
    await page.getByLabel("Method").fill("GET");
    await page.getByLabel("Method").press("Tab");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("button", { name: "Preview" }).click();
    const frame = page.locator("iframe");
    assert.equal(await frame.getAttribute("sandbox"), "");
    assert.match(await frame.getAttribute("srcdoc"), /default-src 'none'/);
    await page.frameLocator("iframe").getByText("All well").waitFor();
  },
  "a name of a variable is completed": async (page) => {
    await page.keyboard.press("Alt+n");
    await urlBar(page).pressSequentially("{{bas");
    await page.getByRole("option", { name: /baseUrl/ }).waitFor();
    await page.keyboard.press("Enter");
    assert.equal(await urlBar(page).inputValue(), "{{baseUrl}}");
  },
  "a current value is used and a secret stays hidden": async (page) => {
    await page.getByRole("button", { name: "Environments", exact: true }).click();
    await page.locator("aside").getByRole("button", { name: "Local", exact: true }).click();
    await page.getByLabel("Current value of baseUrl").fill("http://here:1");
    await page.keyboard.press("Control+s");
    await page.waitForTimeout(200);
    assert.ok(!(await page.content()).includes("correct horse"));
    await page.getByRole("button", { name: "Show secrets" }).click();
    await page.waitForFunction(() => [...document.querySelectorAll("input")].some((one) => one.value === "correct horse"));
  },
};

const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

async function lookOver(page) {
  await page.evaluate(AXE);
  // A colour that is still changing is no colour to judge.
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.waitForFunction(() => document.getAnimations().every((one) => !(one instanceof CSSTransition)));
    const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: values }), RULES);
    const grave = violations.filter((one) => ["serious", "critical"].includes(one.impact));
    assert.deepEqual(grave.map((one) => `${theme} ${one.id}: ${one.nodes.map((node) => node.target).slice(0, 3).join(" | ")}`), []);
  }
}

const only = process.argv[2];
let failed = 0;
for (const [name, walk] of Object.entries({ ...FLOWS, ...PANEL_FLOWS, ...SIGNED_OUT_FLOWS })) {
  if (only && !name.includes(only)) continue;
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  try {
    const signedOut = name in SIGNED_OUT_FLOWS;
    await page.goto(`${url}?host=memory&hooks=1${signedOut ? "&signedOut=1" : ""}`);
    await (signedOut ? page.getByText("No collections yet.") : page.getByRole("treeitem").first()).waitFor();
    await walk(page);
    await lookOver(page);
    assert.deepEqual(errors, []);
    console.log(`ok    ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}\n${error.message}\n${errors.join("\n")}`);
    if (process.env.SHOW) await page.screenshot({ path: process.env.SHOW });
  }
  await context.close();
}
await close();
process.exitCode = failed ? 1 : 0;
