// What a person does in the page, by the names that a person reads.
import { PASSWORD } from "./stage.mjs";

export const row = (page, name) => page.getByRole("treeitem", { name, exact: false }).first();
/// Opens a collection or folder in the tree, whether or not it is open already.
export async function unfold(page, name) {
  await row(page, name).waitFor();
  if ((await row(page, name).getAttribute("aria-expanded")) !== "true") await row(page, name).click();
}

export const urlBar = (page) => page.locator("[data-url-bar]").locator("visible=true").first();

export async function command(page, words) {
  await page.keyboard.press("Control+k");
  await page.locator(".palette-input").waitFor();
  await page.locator(".palette-input").fill(`>${words}`);
  await page.locator(".palette-list").getByText(words, { exact: true }).click();
  await page.locator(".palette-input").waitFor({ state: "detached" });
}

async function about(page, server, email) {
  await page.getByRole("textbox", { name: "Server", exact: true }).fill(server);
  await page.getByRole("textbox", { name: "E-mail", exact: true }).fill(email);
  await page.getByLabel("Password").first().fill(PASSWORD);
}

/// Makes an account, keeps the recovery code and gives it.
export async function signUp(page, server, email, app) {
  await command(page, "Account and apps");
  await page.getByRole("button", { name: "Make an account" }).click();
  await about(page, server, email);
  await page.getByLabel("The password again").fill(PASSWORD);
  await page.getByRole("textbox", { name: /^Name of this app/ }).fill(app);
  await page.getByRole("button", { name: "Make the account" }).click();
  const code = await page.getByLabel("Recovery code", { exact: true }).innerText();
  await page.getByLabel(/I wrote it down/).check();
  await page.getByRole("button", { name: "Done" }).click();
  await inSync(page);
  return code.replace(/\s+/g, "");
}

export async function signIn(page, server, email, app) {
  await command(page, "Account and apps");
  await about(page, server, email);
  await page.getByRole("textbox", { name: /^Name of this app/ }).fill(app);
  await page.getByRole("button", { name: "Sign in", exact: true }).last().click();
}

/// Waits until the cloud says so.
export const inSync = (page) => cloud(page, /in sync/i);
export const cloud = (page, words) => page.locator(".cloud").filter({ hasText: words }).waitFor();

/// Chooses a workspace by its name.
export async function workspace(page, name) {
  await page.getByRole("button", { name: /^Workspace:/ }).click();
  await page.getByRole("menuitem", { name }).first().click();
  await page.getByRole("button", { name: `Workspace: ${name}` }).waitFor();
}

/// Imports texts as files by the dialog.
export async function importFiles(page, ...files) {
  await page.keyboard.press("Control+o");
  await page.getByLabel("Files to import").setInputFiles(files.map(([name, text]) => ({ name, mimeType: "application/json", buffer: Buffer.from(text) })));
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByText(/Done: \d/).first().waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Close" }).last().click();
}

export const collection = (name, requests) => JSON.stringify({
  info: { name, schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
  item: requests.map(([title, url]) => ({ name: title, request: { method: "GET", header: [], url: { raw: url } }, response: [] })),
});

export async function save(page) {
  await page.keyboard.press("Control+s");
  await page.getByRole("tab", { selected: true, name: /not saved/ }).waitFor({ state: "detached" });
}
