// Answers to requests that are never sent: what the fake host shows in the response viewer.

import type { Json } from "./api";
import type { JsonObject } from "./memory-store";
import type { SendCall, SentResponse } from "./send";

const PRODUCTS = [
  { id: "satchel-brown", title: "Brown satchel", price: 129.0, stock: 14, tags: ["leather", "classic"] },
  { id: "satchel-black", title: "Black satchel", price: 139.5, stock: 3, tags: ["leather"] },
  { id: "messenger-grey", title: "Grey messenger bag", price: 89.9, stock: 0, tags: [] },
];

export function answer(call: SendCall): SentResponse {
  const request = ((call.document as JsonObject)["request"] ?? {}) as JsonObject;
  const method = String(request["method"] ?? "GET");
  const url = String((request["url"] as JsonObject | undefined)?.["raw"] ?? request["url"] ?? "");
  const found = !url.includes("missing");
  const body = bodyFor(method, url, found);
  return {
    status: found ? (method === "POST" ? 201 : 200) : 404,
    status_text: found ? (method === "POST" ? "Created" : "OK") : "Not Found",
    version: "HTTP/2",
    url: url.replaceAll("{{baseUrl}}", "http://localhost:8080").replaceAll("{{version}}", "v2"),
    headers: [
      ["content-type", url.includes("health") ? "text/html; charset=utf-8" : "application/json; charset=utf-8"],
      ["content-encoding", "br"],
      ["cache-control", "private, max-age=0"],
      ["set-cookie", "session=5f2a; Path=/; HttpOnly; Secure; SameSite=Lax"],
      ["x-request-id", "0d2f6c1e-8a43-4c0b-a5a4-7f3b1c8d9e10"],
    ],
    body: { text: method === "HEAD" ? "" : body, base64: null, truncated: false },
    cookies: [{ name: "session", value: "5f2a", domain: "localhost", path: "/", expires: null, secure: true, http_only: true }],
    timings: { queued: 1_200, dns: 8_400, connect: 14_100, tls: 31_800, request_sent: 900, first_byte: 96_300, download: 12_700, total: 165_400 },
    sizes: { sent_head: 312, sent_body: 48, received_head: 420, encoded_body: Math.ceil(body.length / 2), decoded_body: body.length },
    tests: testsOf(call.document as JsonObject, found),
    log: [{ level: "log", text: "token refreshed" }],
    warnings: [],
    request: { method, url, headers: [["User-Agent", "Satchel"], ["Accept", "*/*"]], body: null },
  };
}

function bodyFor(method: string, url: string, found: boolean): string {
  if (!found) return JSON.stringify({ error: "not_found", message: "There is no such product." });
  if (url.includes("health")) return "<!doctype html><html><body><h1>All well</h1><p>Up for 12 days.</p></body></html>";
  if (method === "POST") return JSON.stringify({ id: "l-77", created: "2026-11-24T19:00:00Z", accepted: true });
  return JSON.stringify({ page: 1, total: 3, items: PRODUCTS as unknown as Json, next: null });
}

function testsOf(document: JsonObject, found: boolean): SentResponse["tests"] {
  const text = JSON.stringify(document["event"] ?? []);
  const names = [...text.matchAll(/pm\.test\(\\"(.*?)\\"/g)].map((match) => match[1] ?? "");
  return names.map((name, at) => ({ name, passed: found && at !== 1, skipped: false, message: at === 1 ? "expected [ …3 ] to be empty" : null }));
}
