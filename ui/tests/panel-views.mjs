// How to reach each panel and dialog for its picture.
const row = (page, name) => page.getByRole("treeitem", { name, exact: false }).first();
const command = async (page, words) => {
  await page.keyboard.press("Control+k");
  await page.locator(".palette-input").waitFor();
  await page.keyboard.type(`>${words}`);
  await page.waitForTimeout(120);
  await page.locator(".palette-list").getByText(words, { exact: true }).click();
  await page.waitForTimeout(400);
};
const COLLECTION = JSON.stringify({ info: { name: "A collection with a name that is much longer than anybody would ever choose for a collection" }, item: [{ name: "Folder", item: [{ request: { method: "GET", url: "https://x.test" } }] }] });
const files = (...list) => list.map(([name, text]) => ({ name, mimeType: "application/json", buffer: Buffer.from(text) }));

export const PANEL_VIEWS = {
  people: async (page) => command(page, "People of this workspace"),
  peopleActivity: async (page) => {
    await command(page, "People of this workspace");
    await page.getByRole("tab", { name: "Activity" }).click();
    await page.waitForTimeout(300);
  },
  peopleTeam: async (page) => {
    await command(page, "People of this workspace");
    await page.getByRole("tab", { name: "Teams" }).click();
    await page.getByRole("button", { name: /Shop team/ }).click();
    await page.waitForTimeout(300);
  },
  peopleInvited: async (page) => {
    await command(page, "People of this workspace");
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    await page.getByRole("button", { name: "Make a link" }).click();
    await page.waitForTimeout(300);
  },
  peopleRemoved: async (page) => {
    await command(page, "People of this workspace");
    await page.getByRole("button", { name: "More for mira@example.com" }).click();
    await page.getByRole("menuitem", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.waitForTimeout(400);
  },
  peopleWords: async (page) => {
    await command(page, "People of this workspace");
    await page.getByRole("button", { name: "Words of mira@example.com’s keys" }).click();
    await page.waitForTimeout(200);
  },
  historyOf: async (page) => {
    await row(page, "Catalogue").click();
    await row(page, "List products").click();
    await command(page, "History of this item");
    await page.getByRole("option").nth(1).waitFor();
    await page.waitForTimeout(900);
  },
  conflicts: async (page) => {
    await command(page, "Show conflicts");
    await page.waitForTimeout(900);
  },
  conflictsEdit: async (page) => {
    await command(page, "Show conflicts");
    await page.getByText("Edit", { exact: true }).first().click();
    await page.waitForTimeout(900);
  },
  runner: async (page) => {
    await row(page, "Shop API").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Run…" }).click();
    await page.waitForTimeout(400);
    await page.getByLabel("Data file").setInputFiles([{ name: "people of a test.csv", mimeType: "text/csv", buffer: Buffer.from("name,age,email\nAda,36,ada@example.com\nMira,28,mira@example.com\n") }]);
    await page.waitForTimeout(200);
  },
  runnerDone: async (page) => {
    await PANEL_VIEWS.runner(page);
    await page.getByRole("button", { name: /^Run \d/ }).click();
    await page.getByRole("button", { name: "Export the report" }).waitFor();
    await page.locator("[id^=result-]").nth(3).click();
    await page.waitForTimeout(300);
  },
  runnerCharts: async (page) => {
    await PANEL_VIEWS.runner(page);
    await page.getByLabel("Iterations").fill("40");
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: /^Run \d/ }).click();
    await page.getByRole("button", { name: "Export the report" }).waitFor({ timeout: 20_000 });
    await page.getByRole("tab", { name: "Charts" }).click();
    await page.waitForTimeout(300);
  },
  runnerKept: async (page) => {
    await PANEL_VIEWS.runner(page);
    await page.getByRole("button", { name: /^Run \d/ }).click();
    await page.getByRole("button", { name: "Export the report" }).waitFor();
    await page.getByRole("tab", { name: "Earlier runs" }).click();
    await page.getByRole("list", { name: "Earlier runs" }).getByRole("button").first().click();
    await page.waitForTimeout(300);
  },
  elsewhere: async (page) => {
    await row(page, "Cart").click();
    await row(page, "Add line").click();
    await page.locator("[data-url-bar]").fill("{{baseUrl}}/mine");
    await page.evaluate(() => { const store = window.memory.stores[0]; const item = [...store.items.values()].find((one) => one.name === "Add line"); window.memory.editElsewhere(store.id, item.id, { ...item.document, request: { ...item.document.request, method: "PUT" } }); });
    await page.getByRole("button", { name: "Compare" }).click();
    await page.waitForTimeout(900);
  },
  sent: async (page) => {
    await row(page, "Warehouse").waitFor();
    await row(page, "Stock by GraphQL").click();
    await page.keyboard.press("Control+Enter");
    await page.getByText("Created").first().waitFor();
    await page.getByRole("button", { name: "History", exact: true }).click();
    await page.getByRole("list", { name: "Sent requests" }).getByRole("button").first().waitFor();
  },
  snippet: async (page) => {
    await row(page, "Accounts").click();
    await row(page, "Sign in").click();
    await page.keyboard.press("Alt+c");
    await page.waitForTimeout(900);
  },
  importEmpty: async (page) => {
    await page.keyboard.press("Control+o");
    await page.waitForTimeout(300);
  },
  importLook: async (page) => {
    await page.keyboard.press("Control+o");
    await page.getByLabel("Files to import").setInputFiles(files(["a file.json", COLLECTION], ["Shop API.json", '{"info":{"name":"Shop API"},"item":[]}'], ["picture.json", "not json"]));
    await page.getByText("Here already", { exact: true }).waitFor();
    await page.waitForTimeout(200);
  },
  exportPanel: async (page) => command(page, "Import and export"),
  account: async (page) => command(page, "Account and apps"),
  signOut: async (page) => {
    await command(page, "Account and apps");
    await page.evaluate(() => window.memory.setState({ state: "offline", reason: "disconnected", pending: { up: 3, down: 0 } }));
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByText("Discard them and sign out").click();
    await page.waitForTimeout(200);
  },
  deleteAccount: async (page) => {
    await command(page, "Account and apps");
    await page.getByRole("button", { name: "Delete the account…" }).click();
    await page.waitForTimeout(200);
  },
  moveAway: async (page) => {
    await row(page, "Shop API").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Move to another workspace…" }).click();
    await page.waitForTimeout(400);
  },
  strict: async (page) => {
    await page.evaluate(() => localStorage.setItem("satchel.settings", JSON.stringify({ strictOffline: true })));
    await page.reload();
    await page.getByRole("treeitem").first().waitFor();
    await page.evaluate(() => window.memory.setState({ state: "offline", reason: "disconnected", pending: { up: 3, down: 0 } }));
    await page.waitForTimeout(300);
  },
  evicted: async (page) => {
    await page.evaluate(() => window.memory.setState({ state: "error", reason: "evicted", detail: "“Firefox” took this app’s place.", pending: { up: 2, down: 0 } }));
    await page.locator(".cloud").hover();
    await page.waitForTimeout(500);
  },
};

/// Without an account: the page is opened so.
export const SIGNED_OUT_VIEWS = {
  signIn: async (page) => command(page, "Account and apps"),
  signUp: async (page) => {
    await command(page, "Account and apps");
    await page.getByRole("button", { name: "Make an account" }).click();
    await page.waitForTimeout(200);
  },
  recoveryCode: async (page) => {
    await SIGNED_OUT_VIEWS.signUp(page);
    await page.getByLabel("Server").fill("https://sync.example.com");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").first().fill("correct horse");
    await page.getByLabel("The password again").fill("correct horse");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.waitForTimeout(400);
  },
  places: async (page) => {
    await command(page, "Account and apps");
    await page.getByLabel("Server").fill("https://sync.example.com");
    await page.getByLabel("E-mail").fill("full@example.com");
    await page.getByLabel("Password").first().fill("correct horse");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForTimeout(400);
  },
  peopleSignedOut: async (page) => command(page, "People of this workspace"),
};
