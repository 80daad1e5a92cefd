// Walks through the panels and dialogs over the workspace in memory.
import assert from "node:assert/strict";

const row = (page, name) => page.getByRole("treeitem", { name }).first();
const names = (page) => page.evaluate(() => window.memory.stores[0].list(null, true).map((one) => one.name));
const json = (name, value) => ({ name, mimeType: "application/json", buffer: Buffer.from(JSON.stringify(value)) });
async function command(page, words) {
  await page.keyboard.press("Control+k");
  await page.locator(".palette-input").waitFor();
  await page.keyboard.type(`>${words}`);
  await page.locator(".palette-list").getByText(words, { exact: true }).click();
}
const paste = (page, selector, text) => page.evaluate(([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.querySelector(selector).dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}, [selector, text]);
/// One more conflict, as another app would make it.
const conflict = (page) => page.evaluate(() => {
  const { memory } = window;
  const store = memory.stores[0];
  store.conflicts = [...store.conflicts, { ...store.conflicts[0], id: `fresh${store.conflicts.length}` }];
  memory.setState({ conflicts: store.conflicts.length });
});

export const PANEL_FLOWS = {
  "conflicts open by themselves, but not under someone who types": async (page) => {
    await row(page, "Stock by GraphQL").click();
    await page.locator("[data-url-bar]").click();
    await conflict(page);
    await page.getByText("3 conflicts to look at").waitFor();
    await page.keyboard.type("x");
    assert.equal(await page.evaluate(() => document.activeElement.hasAttribute("data-url-bar")), true);
    await page.keyboard.press("Control+s");
    await page.locator("[data-url-bar]").blur();
    await page.waitForTimeout(150);
    await conflict(page);
    await page.getByRole("heading", { name: "Conflicts" }).waitFor();
  },
  "a conflict is settled by hand, and undone": async (page) => {
    await command(page, "Show conflicts");
    const card = page.getByRole("region", { name: "Get cart, URL" });
    assert.equal(await card.getByLabel("Server").isChecked(), true);
    await card.getByText("Edit", { exact: true }).click();
    await card.locator(".cm-content").fill("{{baseUrl}}/by-hand");
    await page.getByRole("button", { name: "Settle 2 conflicts as chosen" }).click();
    await page.getByText("There are no conflicts.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await card.waitFor();
  },
  "files are looked at, asked about and imported": async (page) => {
    await page.keyboard.press("Control+o");
    await page.getByLabel("Files to import").setInputFiles([json("new.json", { info: { name: "Fresh" }, item: [{ name: "Ping", request: { method: "GET", url: "https://x" } }] }), json("shop.json", { info: { name: "Shop API" }, item: [] })]);
    await page.getByText("Would be 2 added.").waitFor();
    assert.ok(!(await names(page)).includes("Fresh"));
    await page.getByLabel("Bring in a second copy").click();
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByText("Done: 2 added.").waitFor();
    assert.ok((await names(page)).includes("Ping"));
    await page.getByRole("button", { name: "Close" }).last().click();
    await row(page, "Fresh").waitFor();
  },
  "a pasted curl command becomes a request, beside one that says something": async (page) => {
    await paste(page, "body", "curl -X PUT https://api.test/things -H 'X-A: b' -d '{\"a\":1}'");
    await page.waitForFunction(() => document.querySelector("[data-url-bar]")?.value === "https://api.test/things");
    await paste(page, "[data-url-bar]", "curl https://other.test/");
    await page.waitForFunction(() => document.querySelector("[data-url-bar]")?.value === "https://other.test/");
    assert.equal(await page.getByRole("tablist", { name: "Open tabs" }).getByRole("tab").count(), 2);
  },
  "a version is compared and restored": async (page) => {
    await row(page, "Catalogue").click();
    await row(page, "List products").click();
    await command(page, "History of this item");
    await page.getByRole("option", { name: /mira@example.com/ }).click();
    await page.getByRole("button", { name: "Since then" }).click();
    await page.locator(".cm-mergeView").waitFor();
    await page.getByRole("button", { name: "Restore this version" }).click();
    await page.getByText("“List products” is as it was").waitFor();
    assert.equal(await page.evaluate(() => JSON.stringify([...window.memory.stores[0].items.values()].find((one) => one.name === "List products").document).includes("newest first")), false);
  },
  "a folder runs with its data, and says what failed": async (page) => {
    await row(page, "Shop API").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Run…" }).click();
    await page.getByLabel("Data file").setInputFiles([{ name: "rows.csv", mimeType: "text/csv", buffer: Buffer.from("a\n1\n2\n3\n") }]);
    await page.getByText("3 rows").waitFor();
    await page.getByRole("button", { name: "Run 33 requests" }).click();
    await page.getByText("33 requests", { exact: true }).waitFor();
    await page.getByLabel("Only what failed").check();
    await page.locator("[id^=result-]").first().click();
    await page.getByText("expected [ …3 ] to be empty").first().waitFor();
    await page.getByRole("tab", { name: "Charts" }).click();
    await page.getByRole("img", { name: /^Times: median/ }).waitFor();
    await page.getByRole("tab", { name: "Earlier runs" }).click();
    await page.getByRole("list", { name: "Earlier runs" }).getByRole("button").first().waitFor();
    await page.getByRole("button", { name: "Export the report" }).click();
    const file = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: "JUnit, for build servers" }).click();
    assert.match((await file).suggestedFilename(), /\.xml$/);
  },
  "signing out counts what waits, and never discards by itself": async (page) => {
    await page.evaluate(() => window.memory.setState({ state: "offline", reason: "disconnected", pending: { up: 3, down: 0 } }));
    await command(page, "Account and apps");
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByText("3 changes are not on the server").waitFor();
    assert.equal(await page.getByRole("radio", { name: /^Sync first/ }).isChecked(), true);
    await page.getByRole("radio", { name: /^Discard them/ }).check();
    assert.equal(await page.getByRole("button", { name: "Discard and sign out" }).isDisabled(), true);
    await page.getByRole("radio", { name: /^Keep a backup file/ }).check();
    const file = page.waitForEvent("download");
    await page.getByRole("button", { name: "Make the backup" }).click();
    assert.equal((await file).suggestedFilename(), "satchel-backup.json");
    await page.getByText("Is the backup in your downloads?").waitFor();
    assert.equal(await page.evaluate(() => window.memory.account.signed !== null), true);
  },
  "someone is invited by a link, and who is removed leaves a list of secrets": async (page) => {
    await command(page, "People of this workspace");
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    await page.getByRole("radio", { name: /^Viewer/ }).check();
    await page.getByRole("button", { name: "Make a link" }).click();
    assert.match(await page.getByLabel("The link").inputValue(), /^https:.+#/);
    await page.getByRole("button", { name: "Close" }).last().click();
    await page.getByLabel("Role of mira@example.com").selectOption("viewer");
    await page.waitForFunction(() => window.memory.people.place("workspace-shop").members.find((one) => one.name.startsWith("mira")).role === "viewer");
    await page.getByRole("button", { name: "More for mira@example.com" }).click();
    await page.getByRole("menuitem", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("list", { name: "Secrets that could be read" }).waitFor();
  },
  "the request is shown as code without its secrets": async (page) => {
    await row(page, "Accounts").click();
    await row(page, "Sign in").click();
    await page.keyboard.press("Alt+c");
    await page.getByRole("tab", { name: "Go" }).click();
    await page.getByText("http.NewRequest").waitFor();
    assert.ok(!(await page.content()).includes("correct horse"));
  },
  "the trash gives back and deletes for good, some at once": async (page) => {
    for (const name of ["Is it up", "Allowed methods"]) {
      await row(page, name).click();
      await page.getByRole("tree").focus();
      await page.keyboard.press("Delete");
      await row(page, name).waitFor({ state: "detached" });
    }
    await page.getByRole("button", { name: "Trash", exact: true }).click();
    await page.getByLabel("Choose Is it up").check();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete for good" }).click();
    await page.getByText("1 item deleted for good").waitFor();
    await page.getByRole("button", { name: "Restore Allowed methods" }).click();
    await page.getByText("“Allowed methods” is back").waitFor();
  },
};

/// Over a host without an account.
export const SIGNED_OUT_FLOWS = {
  "an account is made, and its code has to be kept": async (page) => {
    await command(page, "Account and apps");
    await page.getByRole("button", { name: "Make an account" }).click();
    await page.getByLabel("Server").fill("https://sync.example.com");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password", { exact: false }).first().fill("correct horse");
    await page.getByLabel("The password again").fill("correct horse");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("Your recovery code").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("button", { name: "Done" }).isDisabled(), true);
    await page.getByRole("checkbox", { name: /^I wrote it down/ }).check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("treeitem").first().waitFor();
  },
  "the fourth app takes a place over": async (page) => {
    await command(page, "Account and apps");
    await page.getByLabel("Server").fill("https://sync.example.com");
    await page.getByLabel("E-mail").fill("full@example.com");
    await page.getByLabel("Password", { exact: false }).first().fill("correct horse");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("button", { name: "Take its place" }).nth(2).click();
    await page.getByRole("treeitem").first().waitFor();
  },
};
