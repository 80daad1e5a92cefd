// Pictures of the main views over the workspace in memory, light and dark, at 1400 and 900 pixels, each looked over by
// axe; a serious finding or an error in the page is a failure.
// Usage: npm run build && npm run screenshots [-- DIRECTORY [NAME]]
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PANEL_VIEWS, SIGNED_OUT_VIEWS } from "./panel-views.mjs";
import { open } from "./serving.mjs";

const OUT = process.argv[2] ?? join(tmpdir(), "satchel-screenshots");
const ONLY = process.argv[3] ?? "";
const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
// The policy would refuse axe's script, so the pictures are taken without it; `flows.mjs` has it.
const { url, browser, close } = await open({ strict: false });
const base = `${url}?host=memory&hooks=1`;

const row = (page, name) => page.getByRole("treeitem", { name, exact: false }).first();
async function openRequest(page, folder, name) {
  await row(page, folder).click();
  await row(page, name).click();
  await page.waitForTimeout(150);
}

const VIEWS = {
  empty: async () => {},
  request: async (page) => openRequest(page, "Catalogue", "List products"),
  response: async (page) => {
    await openRequest(page, "Catalogue", "List products");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.waitForTimeout(900);
  },
  timings: async (page) => {
    await openRequest(page, "Catalogue", "List products");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("tab", { name: "Timings" }).click();
  },
  tests: async (page) => {
    await openRequest(page, "Catalogue", "List products");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("tab", { name: /^Tests/ }).click();
  },
  body: async (page) => {
    await openRequest(page, "Accounts", "Sign in");
    await page.getByRole("tab", { name: "Body" }).first().click();
    await page.waitForTimeout(700);
  },
  graphql: async (page) => {
    await row(page, "Stock by GraphQL").click();
    await page.getByRole("tab", { name: "Body" }).first().click();
    await page.waitForTimeout(900);
  },
  formdata: async (page) => {
    await row(page, "Import stock list").click();
    await page.getByRole("tab", { name: "Body" }).first().click();
  },
  auth: async (page) => {
    await openRequest(page, "Catalogue", "Get product");
    await page.getByRole("tab", { name: "Auth" }).click();
  },
  settings: async (page) => {
    await openRequest(page, "Catalogue", "Get product");
    await page.getByRole("tab", { name: "Settings" }).click();
  },
  docs: async (page) => {
    await row(page, "Shop API").dblclick();
    await page.waitForTimeout(500);
  },
  variable: async (page) => {
    await openRequest(page, "Catalogue", "List products");
    const box = await page.locator("[data-url-bar]").boundingBox();
    await page.mouse.move(box.x + 40, box.y + 15);
    await page.waitForTimeout(200);
  },
  suggest: async (page) => {
    await openRequest(page, "Catalogue", "Get product");
    await page.getByRole("tab", { name: /^Headers/ }).first().click();
    await page.getByLabel("Key 1", { exact: true }).fill("acc");
  },
  environment: async (page) => {
    await page.getByRole("button", { name: "Environments", exact: true }).click();
    await page.locator("aside").getByRole("button", { name: "Local", exact: true }).first().click();
    await page.waitForTimeout(200);
  },
  cloud: async (page) => {
    await page.locator(".cloud").hover();
    await page.waitForTimeout(500);
  },
  cloudError: async (page) => {
    await page.evaluate(() => window.memory.setState({ state: "error", reason: "certificate", detail: "The certificate of sync.example.com is for another name (proxy.local).", pending: { up: 3, down: 0 } }));
    await page.locator(".cloud").hover();
    await page.waitForTimeout(500);
  },
  syncing: async (page) => {
    await openRequest(page, "Cart", "Add line");
    await page.evaluate(() => { window.memory.setState({ state: "syncing", pending: { up: 12, down: 340 } }); window.memory.tell({ event: "progress", run: null, phase: "receiving", done: 340, total: 1000 }); });
  },
  palette: async (page) => {
    await page.keyboard.press("Control+k");
    await page.waitForTimeout(200);
    await page.keyboard.type("cart");
    await page.waitForTimeout(200);
  },
  search: async (page) => {
    await page.getByLabel("Search the workspace").fill("voucher");
    await page.waitForTimeout(400);
  },
  menu: async (page) => {
    await row(page, "Cart").click({ button: "right" });
    await page.waitForTimeout(200);
  },
  edited: async (page) => {
    await openRequest(page, "Cart", "Add line");
    await page.locator("[data-url-bar]").fill("{{baseUrl}}/{{missing}}/carts/{{cartId}}/lines?dry=1&verbose");
    await page.evaluate(() => { const store = window.memory.stores[0]; const item = [...store.items.values()].find((one) => one.name === "Add line"); window.memory.editElsewhere(store.id, item.id, { ...item.document, request: { ...item.document.request, method: "PUT" } }); });
    await page.waitForTimeout(300);
  },
  trash: async (page) => {
    await row(page, "Warehouse").click();
    await page.keyboard.press("Delete");
    await page.getByRole("button", { name: "Trash", exact: true }).click();
    await page.waitForTimeout(300);
  },
  saveAs: async (page) => {
    await page.keyboard.press("Alt+n");
    await page.locator("[data-url-bar]").fill("https://example.com");
    await page.keyboard.press("Control+s");
    await page.waitForTimeout(300);
  },
  ...PANEL_VIEWS,
  ...SIGNED_OUT_VIEWS,
};

mkdirSync(OUT, { recursive: true });
const problems = [];
for (const [name, visit] of Object.entries(VIEWS)) {
  if (ONLY && !ONLY.split(",").includes(name)) continue;
  for (const [theme, width] of name === "response" || name === "request" ? [["light", 1400], ["dark", 1400], ["light", 900], ["dark", 900]] : [["light", 1400], ["dark", 900]]) {
    const page = await browser.newPage();
    // A page of its own context: nothing is remembered from the last view.
    page.on("console", (message) => message.type() === "error" && problems.push(`${name}: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`${name}: ${error.stack}`));
    page.setDefaultTimeout(4000);
    await page.setViewportSize({ width, height: width === 900 ? 700 : 860 });
    await page.emulateMedia({ colorScheme: theme });
    const signedOut = name in SIGNED_OUT_VIEWS;
    await page.goto(signedOut ? `${base}&signedOut=1` : base);
    await (signedOut ? page.getByText("No collections yet.") : page.getByRole("treeitem").first()).waitFor();
    await visit(page).catch((error) => problems.push(`${name} ${theme}: ${error.message}`));
    await page.screenshot({ path: join(OUT, `${name}-${theme}-${width}.png`) });
    await page.addScriptTag({ content: AXE });
    const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    for (const one of violations.filter((found) => ["serious", "critical"].includes(found.impact)))
      problems.push(`${name} ${theme}: axe ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).slice(0, 3).join(" | ")}`);
    await page.close();
  }
}
await close();
console.log(OUT);
if (problems.length > 0) {
  console.error([...new Set(problems)].join("\n"));
  process.exitCode = 1;
}
