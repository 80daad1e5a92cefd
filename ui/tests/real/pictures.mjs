// Pictures for the README and the documentation: two real apps side by side, and the main views of one.
// Usage: cargo build -p satchel-app -p satchel-server && npm run pictures
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { command, importFiles, inSync, row, signIn, signUp, unfold, urlBar } from "./acts.mjs";
import { Stage } from "./stage.mjs";

const OUT = new URL("../../../docs/pictures", import.meta.url).pathname;
const BYTES_MAX = 200_000;
const SIZE = { width: 940, height: 640 };
const SHOP = JSON.stringify({
  info: { name: "Shop API", description: "The public interface of the **shop**.", schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
  auth: { type: "bearer", bearer: [{ key: "token", value: "{{token}}", type: "string" }] },
  item: [
    { name: "Catalogue", item: [["GET", "List products", "{{baseUrl}}/products?page=1&sort=-created"], ["GET", "Get product", "{{baseUrl}}/products/:id"], ["PUT", "Upload picture", "{{baseUrl}}/products/:id/picture"]].map(item) },
    { name: "Cart", item: [["GET", "Get cart", "{{baseUrl}}/carts/{{cart}}"], ["POST", "Add line", "{{baseUrl}}/carts/{{cart}}/lines"], ["DELETE", "Empty cart", "{{baseUrl}}/carts/{{cart}}"]].map(item) },
    { name: "Accounts", item: [["POST", "Sign in", "{{baseUrl}}/sessions"], ["GET", "Who am I", "{{baseUrl}}/me"]].map(item) },
  ],
});
const LOCAL = JSON.stringify({ name: "Local", values: [{ key: "baseUrl", value: "http://localhost:8080", enabled: true }, { key: "cart", value: "c-1001", enabled: true }, { key: "token", value: "a secret", type: "secret", enabled: true }], _postman_variable_scope: "environment" });

function item([method, name, raw]) {
  const [, query] = raw.split("?");
  const url = query ? { raw, query: query.split("&").map((pair) => ({ key: pair.split("=")[0], value: pair.split("=")[1] })) } : { raw };
  return { name, request: { method, header: [{ key: "Accept", value: "application/json" }], url }, response: [] };
}

const stage = await Stage.set();
try {
  mkdirSync(OUT, { recursive: true });
  const server = await stage.startServer();
  const a = await stage.openApp("a", { viewport: SIZE, colorScheme: "light" });
  await signUp(a.page, server, "ada@example.com", "Ada's laptop");
  await importFiles(a.page, ["shop.json", SHOP], ["local.json", LOCAL]);
  await stage.cli(a, ["env", "use", "Local"]);
  const b = await stage.openApp("b", { viewport: SIZE, colorScheme: "dark" });
  await signIn(b.page, server, "ada@example.com", "Ada's tower");
  await row(b.page, "Shop API").waitFor();
  await stage.cli(b, ["env", "use", "Local"]);
  for (const { page } of [a, b]) {
    await page.reload();
    for (const name of ["Shop API", "Catalogue", "Cart"]) await unfold(page, name);
    await row(page, "List products").click();
    await urlBar(page).waitFor();
  }
  await urlBar(a.page).fill("{{baseUrl}}/products?page=2&sort=-created&tag=leather");
  await a.page.keyboard.press("Control+s");
  await b.page.waitForFunction(() => [...document.querySelectorAll("[data-url-bar]")].some((one) => one.value.includes("leather")));
  for (const { page } of [a, b]) await inSync(page);
  const shots = [];
  for (const { page } of [a, b]) shots.push((await page.screenshot()).toString("base64"));

  const both = await (await stage.browser.newContext({ viewport: { width: SIZE.width * 2 + 60, height: SIZE.height + 40 }, deviceScaleFactor: 0.75 })).newPage();
  await both.setContent(`<style>body { margin: 0; display: flex; gap: 20px; padding: 20px; background: #dfe2ec } img { width: ${SIZE.width}px; border-radius: 8px; box-shadow: 0 4px 18px #0003 }</style>${shots.map((shot) => `<img src="data:image/png;base64,${shot}">`).join("")}`);
  await both.waitForLoadState("networkidle");
  await both.screenshot({ path: join(OUT, "two-pages.png") });

  const views = [["people", "People of this workspace"], ["account", "Account and apps"], ["history", "History of this item"]];
  await a.page.screenshot({ path: join(OUT, "request.png") });
  for (const [name, words] of views) {
    await row(a.page, "List products").click();
    await command(a.page, words);
    await a.page.waitForTimeout(700);
    await a.page.screenshot({ path: join(OUT, `${name}.png`) });
  }
  for (const name of ["two-pages", "request", ...views.map(([one]) => one)]) {
    const { size } = statSync(join(OUT, `${name}.png`));
    console.log(`${name}.png: ${Math.round(size / 1000)} KB`);
    if (size > BYTES_MAX) throw new Error(`${name}.png is over ${BYTES_MAX / 1000} KB`);
  }
} catch (error) {
  console.log(error);
  process.exitCode = 1;
}
await stage.strike();
