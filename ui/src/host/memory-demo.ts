// What the fake host holds: a workspace that shows everything, and one with ten thousand requests.

import type { ConflictView, Json } from "./api";
import { MemoryStore, type JsonObject, type StoredItem } from "./memory-store";

const DAY = 86_400_000;

interface RequestSketch {
  name: string;
  method?: string;
  url: string;
  headers?: [string, string][];
  json?: Json;
  body?: Json;
  auth?: Json;
  description?: string;
  test?: string;
}

export function requestDocument(sketch: RequestSketch): JsonObject {
  const request: JsonObject = { method: sketch.method ?? "GET", header: pairs(sketch.headers ?? []), url: urlOf(sketch.url) };
  if (sketch.json !== undefined)
    request["body"] = { mode: "raw", raw: JSON.stringify(sketch.json, null, 2), options: { raw: { language: "json" } } };
  if (sketch.body !== undefined) request["body"] = sketch.body;
  if (sketch.auth !== undefined) request["auth"] = sketch.auth;
  if (sketch.description) request["description"] = sketch.description;
  const document: JsonObject = { name: sketch.name, request, response: [] };
  if (sketch.test) document["event"] = [{ listen: "test", script: { type: "text/javascript", exec: sketch.test.split("\n") } }];
  return document;
}

const pairs = (from: [string, string][]): Json[] => from.map(([key, value]) => ({ key, value }));

function urlOf(raw: string): JsonObject {
  const query = raw.split("?")[1];
  if (query === undefined) return { raw };
  return { raw, query: query.split("&").map((part) => ({ key: part.split("=")[0] ?? "", value: part.split("=")[1] ?? "" })) };
}

function collection(store: MemoryStore, name: string, description: string, more: JsonObject = {}): StoredItem {
  return store.add("collection", name, null, { info: { name, description }, ...more });
}

const folder = (store: MemoryStore, parent: StoredItem, name: string, more: JsonObject = {}) =>
  store.add("folder", name, parent.id, { name, ...more });

const request = (store: MemoryStore, parent: StoredItem, sketch: RequestSketch) =>
  store.add("request", sketch.name, parent.id, requestDocument(sketch));

function environment(store: MemoryStore, name: string, values: [string, string, boolean?][]): StoredItem {
  const variables = values.map(([key, value, secret = false]) => ({ key, value, type: secret ? "secret" : "default", enabled: true }));
  return store.add(name === "Globals" ? "globals" : "environment", name, null, { name, values: variables });
}

const BEARER: Json = { type: "bearer", bearer: [{ key: "token", value: "{{token}}", type: "string" }] };

/// A shop's interface: nested folders, every body mode, two conflicts, one change that waits.
export function demoStore(now: number): MemoryStore {
  const store = new MemoryStore("workspace-shop", "Shop platform");
  const shop = collection(store, "Shop API", "The public interface of the **shop**.\n\nStart with *Sign in*, then look at `Cart`.", {
    auth: BEARER,
    variable: [{ key: "version", value: "v2" }],
  });
  const accounts = folder(store, shop, "Accounts", { description: "Who is buying." });
  request(store, accounts, { name: "Sign in", method: "POST", url: "{{baseUrl}}/{{version}}/sessions", auth: { type: "noauth" }, json: { email: "{{email}}", password: "{{password}}" }, headers: [["Accept", "application/json"]], test: 'pm.test("answers with a token", () => {\n  pm.expect(pm.response.json().token).to.be.a("string");\n});' });
  request(store, accounts, { name: "Who am I", url: "{{baseUrl}}/{{version}}/me" });
  request(store, accounts, { name: "Sign out", method: "DELETE", url: "{{baseUrl}}/{{version}}/sessions/current" });
  const catalogue = folder(store, shop, "Catalogue");
  const list = request(store, catalogue, { name: "List products", url: "{{baseUrl}}/{{version}}/products?page=1&per_page={{pageSize}}&sort=-created", headers: [["Accept", "application/json"], ["X-Request-Id", "{{$guid}}"]], description: "Products, **newest first**.\n\n| parameter | meaning |\n| --- | --- |\n| `page` | from 1 |\n| `per_page` | at most 100 |\n\nSee [the handbook](https://example.com/handbook).", test: 'pm.test("status is 200", () => pm.response.to.have.status(200));\npm.test("has products", () => pm.expect(pm.response.json().items).to.not.be.empty);' });
  store.add("example", "Two products", list.id, { name: "Two products", code: 200, status: "OK", body: '{"items":[1,2]}' });
  request(store, catalogue, { name: "Get product", url: "{{baseUrl}}/{{version}}/products/:id" });
  request(store, catalogue, { name: "Upload picture", method: "PUT", url: "{{baseUrl}}/{{version}}/products/:id/picture", body: { mode: "file", file: { src: "/pictures/satchel.jpg" } } });
  request(store, catalogue, { name: "Search by anything that a customer could conceivably type into the box at the top of the page", url: "{{baseUrl}}/{{version}}/search?q=leather%20satchel" });
  const cart = folder(store, shop, "Cart");
  const discounts = folder(store, cart, "Discounts");
  const getCart = request(store, cart, { name: "Get cart", url: "{{baseUrl}}/{{version}}/carts/{{cartId}}" });
  request(store, cart, { name: "Add line", method: "POST", url: "{{baseUrl}}/{{version}}/carts/{{cartId}}/lines", json: { product: "satchel-brown", quantity: 1 } });
  request(store, cart, { name: "Change quantity", method: "PATCH", url: "{{baseUrl}}/{{version}}/carts/{{cartId}}/lines/1", json: { quantity: 2 } });
  request(store, discounts, { name: "Apply voucher", method: "POST", url: "{{baseUrl}}/{{version}}/carts/{{cartId}}/vouchers", body: { mode: "urlencoded", urlencoded: [{ key: "code", value: "AUTUMN" }, { key: "notify", value: "true", disabled: true }] } }).waiting = true;
  const tools = collection(store, "Warehouse", "Stock and shipping, for people inside.");
  request(store, tools, { name: "Stock by GraphQL", method: "POST", url: "{{baseUrl}}/graphql", body: { mode: "graphql", graphql: { query: "query Stock($sku: String!) {\n  stock(sku: $sku) { place count }\n}", variables: '{ "sku": "satchel-brown" }' } } });
  request(store, tools, { name: "Import stock list", method: "POST", url: "{{baseUrl}}/{{version}}/stock", body: { mode: "formdata", formdata: [{ key: "list", type: "file", src: "/lists/stock.csv" }, { key: "dry", value: "true", type: "text" }] } });
  request(store, tools, { name: "Is it up", method: "HEAD", url: "{{baseUrl}}/health" });
  request(store, tools, { name: "Allowed methods", method: "OPTIONS", url: "{{baseUrl}}/{{version}}/stock" });
  const old = request(store, tools, { name: "Old price list", url: "{{baseUrl}}/v1/prices" });
  old.trashed = { who: "mira@example.com", when: now - 2 * DAY };
  environment(store, "Globals", [["company", "Satchel & Sons"]]);
  const local = environment(store, "Local", [["baseUrl", "http://localhost:8080"], ["pageSize", "20"], ["email", "ada@example.com"], ["password", "correct horse", true], ["token", "eyJhbGciOi.demo", true], ["cartId", "c-1001"]]);
  environment(store, "Staging", [["baseUrl", "https://staging.shop.example.com"], ["pageSize", "50"], ["token", "stage-token", true], ["cartId", "c-7"]]);
  environment(store, "Production", [["baseUrl", "https://api.shop.example.com"], ["pageSize", "100"], ["token", "", true]]);
  store.activeEnvironment = local.id;
  store.conflicts = [
    conflict(store, "c0ffee01", getCart, "request.url.raw", ["{{baseUrl}}/carts/{{cartId}}", "{{baseUrl}}/{{version}}/carts/{{cartId}}?expand=lines", "{{baseUrl}}/{{version}}/carts/{{cartId}}"], now),
    conflict(store, "c0ffee02", list, "request.description", ["Products.", "Products, newest first.\nPaged.", "Products, **newest first**."], now),
  ];
  return store;
}

function conflict(store: MemoryStore, id: string, item: StoredItem, field: string, [base, local, server]: [string, string, string], now: number): ConflictView {
  return { id, item: store.view(item), field, base, local, server, who: "mira@example.com", when: now - 1_800_000 };
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const NOUNS = ["order", "invoice", "customer", "shipment", "refund", "product", "voucher", "address", "payment", "return"];

/// A workspace of `count` requests in folders of about fifty.
export function bigStore(count: number): MemoryStore {
  const store = new MemoryStore("big", `${count.toLocaleString("en")} requests`);
  let made = 0;
  for (let part = 0; made < count; part++) {
    const top = collection(store, `Service ${part + 1}`, "");
    for (let at = 0; at < 20 && made < count; at++) {
      const noun = NOUNS[at % NOUNS.length]!;
      const inside = folder(store, top, `${noun} ${at + 1}`);
      for (let n = 0; n < 50 && made < count; n++, made++)
        request(store, inside, { name: `${METHODS[n % 5]} ${noun} ${made + 1}`, method: METHODS[n % 5]!, url: `{{baseUrl}}/${noun}s/${made + 1}` });
    }
  }
  return store;
}
