// Walks through the product as it is shipped: a real server, real apps, a real browser. The flows build on each other, in
// their order; a name given as an argument ends the run after that flow.
// Usage: cargo build -p satchel-app -p satchel-server && npm run real [-- NAME]
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { cloud, collection, command, importFiles, inSync, row, save, signIn, signUp, unfold, urlBar } from "./acts.mjs";
import { GATE } from "./gate.mjs";
import { Stage } from "./stage.mjs";

const EMAIL = "ada@example.com";
const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
/// How long what one app did may take to show in the other.
const ARRIVES = { timeout: 10_000 };

const stage = await Stage.set();
const backend = await startBackend();
const w = { stage, backend };

/// What requests are sent to: it counts who asks for the pixel of a page.
async function startBackend() {
  const told = { pixels: 0 };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    if (pathname === "/pixel") told.pixels++;
    if (pathname === "/page") return response.setHeader("content-type", "text/html").end("<h1>Hostile</h1><img src=/pixel><script>fetch('/pixel'); document.body.textContent = 'ran'</script>");
    if (pathname === "/slow") return void response.write("begun ");
    response.setHeader("content-type", "application/json").end(JSON.stringify({ path: pathname, method: request.method }));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, told, close: () => { server.closeAllConnections(); server.close(); } };
}

const openRequest = async (page, name) => {
  await unfold(page, "Shop");
  await row(page, name).click();
  await urlBar(page).waitFor();
};
const showsUrl = (page, url) => page.waitForFunction((wanted) => [...document.querySelectorAll("[data-url-bar]")].some((one) => one.value === wanted), url, ARRIVES);
/// Looks again and again, as long as something may take to arrive.
async function until(what, look) {
  for (const end = performance.now() + ARRIVES.timeout; performance.now() < end; ) {
    if (await look()) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`${what} did not come`);
}
const shown = async (app, path) => JSON.parse(await stage.cli(app, ["show", path, "--json"])).document.request;

const FLOWS = {
  "an account is made, its recovery code kept, and a collection imported": async () => {
    const server = await stage.startServer();
    w.a = await stage.openApp("a");
    const code = await signUp(w.a.page, server, EMAIL, "Ada's laptop");
    assert.match(code, /^[0-9A-Z]{32}$/);
    await importFiles(w.a.page, ["shop.json", collection("Shop", [["Get cart", `${backend.url}/cart`], ["Get page", `${backend.url}/page`], ["Get slow", `${backend.url}/slow`]])]);
    await inSync(w.a.page);
    w.code = code;
  },
  "a second app signs in and has everything": async () => {
    w.b = await stage.openApp("b");
    await signIn(w.b.page, stage.server.url, EMAIL, "Ada's tower");
    await row(w.b.page, "Shop").waitFor();
    await inSync(w.b.page);
    await openRequest(w.a.page, "Get cart");
    await openRequest(w.b.page, "Get cart");
    await showsUrl(w.b.page, `${backend.url}/cart`);
  },
  "an edit shows in the other page by itself": async () => {
    await urlBar(w.a.page).fill(`${backend.url}/cart/1`);
    await save(w.a.page);
    await showsUrl(w.b.page, `${backend.url}/cart/1`);
  },
  "two people edit one request: different fields are both kept": async () => {
    await w.b.page.getByLabel("Method").fill("POST");
    await w.b.page.getByLabel("Method").press("Tab");
    await urlBar(w.a.page).fill(`${backend.url}/cart/2`);
    await save(w.a.page);
    await w.b.page.getByText(/changed elsewhere/i).first().waitFor(ARRIVES);
    await save(w.b.page);
    await showsUrl(w.b.page, `${backend.url}/cart/2`);
    await inSync(w.b.page);
    // The cursor stands in a field there, so the change is offered.
    await w.a.page.getByRole("button", { name: "Show the change" }).click();
    await until("the method's arrival", async () => (await w.a.page.getByLabel("Method").inputValue()) === "POST");
    const request = await shown(w.a, "Shop/Get cart");
    assert.deepEqual([request.method, request.url.raw ?? request.url], ["POST", `${backend.url}/cart/2`]);
  },
  "without the server work goes on, and what was edited twice is asked about": async () => {
    await stage.stopServer();
    for (const app of [w.a, w.b]) await cloud(app.page, /offline|connecting/i);
    for (const [app, to] of [[w.a, "from-a"], [w.b, "from-b"]]) {
      await urlBar(app.page).fill(`${backend.url}/${to}`);
      await save(app.page);
    }
    await stage.startServer();
    // It opens by itself, behind what somebody types in.
    for (const { page } of [w.a, w.b]) await page.getByRole("tab", { name: "Conflicts" }).waitFor({ timeout: 60_000 });
    const { page } = w.b;
    await page.getByRole("tab", { name: "Conflicts" }).click();
    const card = page.getByRole("region", { name: /Get cart, URL/ });
    const texts = await card.innerText();
    assert.ok(texts.includes("from-a") && texts.includes("from-b"), texts);
    await card.getByText("Local", { exact: true }).last().click();
    await page.getByRole("button", { name: /^Settle 1 conflict/ }).click();
    await page.getByText("There are no conflicts.").waitFor();
    await inSync(w.a.page);
    await inSync(w.b.page);
    const [one, other] = [await shown(w.a, "Shop/Get cart"), await shown(w.b, "Shop/Get cart")];
    assert.deepEqual(one.url, other.url);
  },
  "a request is sent, its answer shown, and a hostile page previewed without its scripts": async () => {
    const { page } = w.a;
    await openRequest(page, "Get cart");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("200 OK").waitFor();
    await page.locator(".cm-content").getByText(/"method": "POST"/).waitFor();
    await openRequest(page, "Get page");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("button", { name: "Preview" }).click();
    const frame = page.locator("iframe").last();
    assert.equal(await frame.getAttribute("sandbox"), "");
    await page.frameLocator("iframe").last().getByText("Hostile").waitFor();
    assert.equal(backend.told.pixels, 0);
  },
  "a send is stopped": async () => {
    const { page } = w.a;
    await openRequest(page, "Get slow");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("button", { name: /^(Stop|Cancel)/ }).click();
    await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  },
  "a collection is run, and its results show as they come": async () => {
    const { page } = w.a;
    await importFiles(page, ["quick.json", collection("Quick", [["One", `${backend.url}/1`], ["Two", `${backend.url}/2`], ["Three", "http://127.0.0.1:1/refused"]])]);
    await row(page, "Quick").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Run…" }).click();
    await page.getByRole("button", { name: /^Run \d/ }).click();
    await page.getByRole("button", { name: "Export the report" }).waitFor();
    const { runs } = JSON.parse(await stage.cli(w.a, ["runs", "--json"]));
    assert.deepEqual([runs.length, runs[0].requests, runs[0].failed], [1, 3, 1]);
  },
  "what goes to the trash in one app comes back in both": async () => {
    await row(w.a.page, "Get page").click({ button: "right" });
    await w.a.page.getByRole("menuitem", { name: /trash/i }).click();
    await row(w.b.page, "Get page").waitFor({ state: "detached", ...ARRIVES });
    await w.a.page.getByRole("button", { name: "Undo" }).click();
    await row(w.b.page, "Get page").waitFor(ARRIVES);
  },
  "an old version is looked at and restored": async () => {
    const { page } = w.b;
    await openRequest(page, "Get cart");
    await command(page, "History of this item");
    await page.getByRole("option").last().click();
    await page.getByRole("button", { name: "Restore this version" }).click();
    await page.getByText(/is as it was/).waitFor();
    await inSync(page);
    const request = await shown(w.a, "Shop/Get cart");
    assert.deepEqual([request.method, request.url.raw ?? request.url], ["GET", `${backend.url}/cart`]);
  },
  "a fourth app takes the place of a third, which says so": async () => {
    w.c = await stage.openApp("c");
    await signIn(w.c.page, stage.server.url, EMAIL, "Ada's phone");
    await inSync(w.c.page);
    w.d = await stage.openApp("d");
    await signIn(w.d.page, stage.server.url, EMAIL, "Ada's tablet");
    const place = w.d.page.getByRole("list", { name: "Connected apps" }).getByRole("listitem").filter({ hasText: "Ada's phone" });
    await place.getByRole("button", { name: "Take its place" }).click();
    await inSync(w.d.page);
    await cloud(w.c.page, /took|error|place/i);
    await w.c.process.stop();
    await w.d.process.stop();
  },
  "signing out with changes that wait keeps them in a backup, and signing in has the rest": async () => {
    const { page } = w.b;
    await stage.stopServer();
    await openRequest(page, "Get cart");
    await urlBar(page).fill(`${backend.url}/never-sent`);
    await save(page);
    await command(page, "Account and apps");
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByText(/1 change is not on the server/).waitFor();
    assert.equal(await page.getByRole("radio", { name: /^Discard/ }).isChecked(), false);
    await page.getByText("Keep a backup file, then sign out").click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Make the backup" }).click()]);
    const file = `${stage.folder}/backup.zip`;
    await download.saveAs(file);
    await page.getByRole("button", { name: "It is there, sign out" }).click();
    await page.getByText("No collections yet.").waitFor();
    await stage.startServer();
    await page.reload();
    await page.locator(".cloud").waitFor();
    await signIn(page, stage.server.url, EMAIL, "Ada's tower");
    await inSync(page);
    await page.keyboard.press("Control+o");
    await page.getByLabel("Files to import").setInputFiles(file);
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByText(/Done: \d/).first().waitFor();
    const listed = JSON.parse(await stage.cli(w.b, ["workspace", "list", "--json"]));
    assert.ok(JSON.stringify(listed).includes("My Workspace"));
    assert.ok(listed.workspaces.filter((one) => one.name.startsWith("My Workspace")).length >= 2, JSON.stringify(listed));
    await page.getByRole("button", { name: "Close" }).last().click();
  },
  "no main view has a serious finding by axe, light or dark": async () => {
    const context = await stage.browser.newContext({ bypassCSP: true, viewport: { width: 1280, height: 800 }, storageState: await w.a.context.storageState() });
    const page = await stage.openPage({ context }, w.a.origin);
    const found = [];
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      for (const view of ["Account and apps", "People of this workspace", "Show conflicts", "Import and export", "Show history", "Show trash", "Show environments"]) {
        await command(page, view);
        await page.waitForTimeout(300);
        await page.addScriptTag({ content: AXE });
        const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
        for (const one of violations) if (["serious", "critical"].includes(one.impact)) found.push(`${view} ${theme}: ${one.id} ${one.nodes[0].target}`);
      }
    }
    await context.close();
    assert.deepEqual(found, []);
  },
  ...GATE,
};

const last = process.argv[2];
let failed = 0;
for (const [name, walk] of Object.entries(FLOWS)) {
  const begun = performance.now();
  try {
    await walk(w);
    for (const { page } of stage.apps.values()) assert.deepEqual(page?.errors ?? [], []);
    console.log(`ok    ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}\n${error.message}`);
    for (const [of, app] of stage.apps) await app.page?.screenshot({ path: `/tmp/satchel-flow-${of}.png` }).catch(() => null);
    for (const program of stage.running) if (program.said) console.log(`--- ${program.name} said:\n${program.said.slice(-2000)}`);
    // What follows builds on it.
    break;
  }
  if (last && name.includes(last)) break;
}
backend.close();
await stage.strike();
// A server that a flow left behind must not keep this going.
process.exit(failed ? 1 : 0);
