// A request as code would make it: variables replaced, auth put in, parameters in the URL.
//
// Invariants: secret variables stay as `{{name}}`, so that code can be shown around; what cannot be said in code is told
// in `notes` or refused, never left out in silence.

import type { Json } from "../host/api";
import { authType, authValue, inherited, INHERIT, type Above } from "../request/auth";
import { contentType, modeOf } from "../request/body";
import { rowsOf, type Row } from "../request/rows";
import { paramsOf, rawUrl, withParams } from "../request/url";
import { isObject, textAt, type JsonObject } from "../state/json";
import { resolve, type Lookup } from "../state/variables";

export interface Part { key: string; value: string; file: boolean; type: string }

export type PlainBody =
  | { kind: "none" }
  | { kind: "text"; text: string }
  | { kind: "form"; parts: readonly Part[] }
  | { kind: "multipart"; parts: readonly Part[] }
  | { kind: "file"; path: string };

export interface Plain { method: string; url: string; headers: [string, string][]; body: PlainBody; notes: string[] }

export type Snippet = { code: string; notes: string[] } | { refused: string };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/// The request in plain, or why no code can make it.
export function plainOf(document: Json, above: readonly Above[], lookup: Lookup): Plain | { refused: string } {
  const request = isObject(document) && isObject(document["request"]) ? document["request"] : {};
  const open: Lookup = (name) => {
    const found = lookup(name);
    return found?.secret ? null : found;
  };
  const say = (text: string) => wellFormed(resolve(text, open));
  const plain: Plain = { method: say(textAt(request, ["method"])) || "GET", url: urlOf(request["url"], say), headers: [], body: bodyOf(request["body"], say), notes: [] };
  for (const row of used(request["header"])) plain.headers.push([say(row.key), say(row.value)]);
  addAuth(plain, request["auth"], above, say);
  addContentType(plain, request["body"]);
  dropBroken(plain);
  const why = refusal(plain);
  if (why) return { refused: why };
  if (JSON.stringify([plain.url, plain.headers, plain.body]).includes("{{")) plain.notes.push("Secret and unknown variables stay as {{name}}: put their values in.");
  return plain;
}

/// Half of a pair of UTF-16 has no bytes in any encoding.
const wellFormed = (text: string) => text.replace(/\p{Surrogate}/gu, "\uFFFD");

const used = (list: Json | undefined): Row[] => rowsOf(list).filter((row) => !row.disabled && row.key !== "");

function urlOf(url: Json | undefined, say: (text: string) => string): string {
  const variables = isObject(url) ? rowsOf(url["variable"]) : [];
  const raw = rawUrl(url).replace(/\/:([A-Za-z0-9_.-]+)/g, (whole, name: string) => {
    const value = variables.find((row) => row.key === name)?.value ?? "";
    return value === "" ? whole : `/${encodeURIComponent(say(value))}`;
  });
  const text = say(raw.trim());
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.startsWith("{{") || text === "" ? text : `http://${text}`;
  return whole.replace(/[^\x21-\x7e\r\n\0]+/gu, encodeURIComponent);
}

function bodyOf(body: Json | undefined, say: (text: string) => string): PlainBody {
  const parts = (field: string) => used(isObject(body) ? body[field] : undefined).map((row): Part => {
    const file = row.rest["type"] === "file";
    const source = row.rest["src"];
    const path = Array.isArray(source) ? source[0] : source;
    return { key: say(row.key), value: file ? String(path ?? "file") : say(row.value), file, type: textAt(row.rest, ["contentType"]) };
  });
  switch (modeOf(body)) {
    case "raw":
      return { kind: "text", text: say(textAt(body, ["raw"])) };
    case "graphql":
      return { kind: "text", text: graphql(body as JsonObject, say) };
    case "urlencoded":
      return { kind: "form", parts: parts("urlencoded") };
    case "formdata":
      return { kind: "multipart", parts: parts("formdata") };
    case "file":
      return { kind: "file", path: textAt(body, ["file", "src"]) || "file" };
    default:
      return { kind: "none" };
  }
}

function graphql(body: JsonObject, say: (text: string) => string): string {
  const query = say(textAt(body, ["graphql", "query"]));
  const written = say(textAt(body, ["graphql", "variables"])).trim();
  try {
    return JSON.stringify({ query, variables: written === "" ? {} : JSON.parse(written) });
  } catch {
    // Variables that are no JSON yet, because of one that is unknown, go in as they are written.
    return `{"query":${JSON.stringify(query)},"variables":${written}}`;
  }
}

function addAuth(plain: Plain, own: Json | undefined, above: readonly Above[], say: (text: string) => string): void {
  const auth = authType(own) === INHERIT ? inherited(above)?.auth : own;
  const type = authType(auth);
  const value = (key: string) => say(authValue(auth, key));
  const set = (name: string, text: string) => {
    if (!plain.headers.some(([key]) => key.toLowerCase() === name.toLowerCase())) plain.headers.push([name, text]);
  };
  if (type === INHERIT || type === "noauth") return;
  if (type === "basic") set("Authorization", basic(value("username"), value("password"), plain.notes));
  else if (type === "bearer") set("Authorization", `Bearer ${value("token")}`);
  else if (type === "oauth2" && value("accessToken")) set("Authorization", `${value("headerPrefix") || "Bearer"} ${value("accessToken")}`.trim());
  else if (type === "apikey" && value("in") === "query") plain.url = withParams(plain.url, [...paramsOf(plain.url), { key: encodeURIComponent(value("key")), value: encodeURIComponent(value("value")), disabled: false, description: "", hasValue: true }]);
  else if (type === "apikey") set(value("key"), value("value"));
  else plain.notes.push(`The auth “${type}” is computed when the request is sent, and is not in this code.`);
}

function basic(name: string, password: string, notes: string[]): string {
  if (`${name}${password}`.includes("{{")) {
    notes.push("Basic auth needs the base64 of name:password in place of what is written here.");
    return `Basic ${name}:${password}`;
  }
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${name}:${password}`)))}`;
}

function addContentType(plain: Plain, body: Json | undefined): void {
  const mode = modeOf(body);
  const type = contentType(body);
  // Forms get theirs from whatever builds them.
  if ((mode !== "raw" && mode !== "graphql") || type === null) return;
  if (!plain.headers.some(([key]) => key.toLowerCase() === "content-type")) plain.headers.push(["Content-Type", type]);
}

function dropBroken(plain: Plain): void {
  for (const [name] of plain.headers) if (!TOKEN.test(name)) plain.notes.push(`The header “${name}” is left out: that is no name for a header.`);
  plain.headers = plain.headers.filter(([name]) => TOKEN.test(name));
}

function refusal({ method, url, headers, body }: Plain): string | null {
  if (!TOKEN.test(method)) return `The method “${method}” cannot be sent.`;
  if (url === "") return "The request has no URL yet.";
  if (/[\r\n\0]/.test(url)) return "The URL has a line break in it.";
  const broken = headers.find(([, value]) => /[\r\n\0]/.test(value));
  if (broken) return `The header “${broken[0]}” has a line break in it.`;
  const texts = body.kind === "text" ? [body.text] : body.kind === "file" ? [body.path] : body.kind === "none" ? [] : body.parts.flatMap((part) => [part.key, part.value, part.type]);
  if (texts.some((text) => text.includes("\0"))) return "The body is binary. Put it into a file and choose that as the body.";
  return null;
}
