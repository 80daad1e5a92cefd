// A document as people read it: what it sends first, one thing a line, scripts and texts as they are; so that a
// difference says what changed and not how JSON is written.
//
// Invariants: every field of the document is in the text, those without a name of their own as JSON at the end.

import type { Json } from "../host/api";
import { rawUrl } from "../request/url";
import { rowsOf } from "../request/rows";
import { isObject, textAt, type JsonObject } from "../state/json";

const RESPONSES_SHOWN = 20;

export function readable(document: Json): string {
  if (!isObject(document)) return document === null ? "" : JSON.stringify(document, null, 2);
  const left: JsonObject = { ...document };
  const out: string[] = [];
  const info = isObject(left["info"]) ? left["info"] : null;
  line(out, "Name", textAt(info ?? left, ["name"]));
  delete left["name"];
  if (info) {
    text(out, "Description", described(info["description"]));
    put(left, "info", without(info, ["name", "description"]));
  }
  if (isObject(left["request"])) put(left, "request", request(out, left["request"]));
  if (take(left, "description", (value) => text(out, "Description", described(value)))) delete left["description"];
  for (const field of ["variable", "values"]) if (take(left, field, (value) => rows(out, "Variables", value))) delete left[field];
  if (take(left, "auth", (value) => auth(out, value))) delete left["auth"];
  if (take(left, "event", (value) => scripts(out, value))) delete left["event"];
  for (const field of ["status", "code"]) if (take(left, field, (value) => line(out, field === "code" ? "Status" : "Reason", String(value)))) delete left[field];
  if (take(left, "header", (value) => rows(out, "Headers", value))) delete left["header"];
  if (typeof left["body"] === "string" && take(left, "body", (value) => text(out, "Body", String(value)))) delete left["body"];
  if (Array.isArray(left["response"]) && left["response"].length <= RESPONSES_SHOWN && left["response"].length === 0) delete left["response"];
  if (Object.keys(left).length > 0) text(out, "More", JSON.stringify(left, null, 2));
  return out.join("\n").trim();
}

/// What of a request has no line of its own.
function request(out: string[], given: JsonObject): JsonObject {
  const left: JsonObject = { ...given };
  line(out, textAt(given, ["method"]) || "GET", rawUrl(given["url"]));
  delete left["method"];
  text(out, "Description", described(given["description"]));
  delete left["description"];
  const url = given["url"];
  if (isObject(url)) {
    const off = (Array.isArray(url["query"]) ? url["query"] : []).filter((one) => isObject(one) && (one["disabled"] === true || one["description"] !== undefined));
    rows(out, "Parameters", off);
    rows(out, "Path variables", url["variable"]);
    const rest = without(url, ["raw", "query", "variable", "protocol", "host", "port", "path", "hash"]);
    put(left, "url", rest);
  } else delete left["url"];
  rows(out, "Headers", given["header"]);
  delete left["header"];
  if (given["auth"] !== undefined && given["auth"] !== null) auth(out, given["auth"]);
  delete left["auth"];
  if (isObject(given["body"])) put(left, "body", body(out, given["body"]));
  else delete left["body"];
  return left;
}

function body(out: string[], given: JsonObject): JsonObject {
  const mode = textAt(given, ["mode"]);
  const left = without(given, ["mode"]);
  const language = textAt(given, ["options", "raw", "language"]);
  heading(out, `Body (${[mode, language].filter(Boolean).join(", ") || "none"})`);
  if (JSON.stringify(left["options"]) === JSON.stringify({ raw: { language } })) delete left["options"];
  if (typeof given["raw"] === "string") {
    out.push(given["raw"]);
    delete left["raw"];
  }
  const graphql = given["graphql"];
  if (isObject(graphql)) {
    out.push(textAt(graphql, ["query"]));
    text(out, "GraphQL variables", textAt(graphql, ["variables"]));
    put(left, "graphql", without(graphql, ["query", "variables"]));
  }
  for (const field of ["urlencoded", "formdata"]) {
    if (!Array.isArray(given[field])) continue;
    rows(out, "Fields", given[field]);
    delete left[field];
  }
  return left;
}

function auth(out: string[], given: Json): void {
  heading(out, `Auth (${textAt(given, ["type"]) || "none"})`);
  const attributes = isObject(given) ? without(given, ["type"]) : {};
  for (const [type, list] of Object.entries(attributes)) {
    const named = isObject(list) ? Object.entries(list).map(([key, value]): [string, Json] => [key, value]) : Array.isArray(list) ? list.map((one): [string, Json] => [textAt(one, ["key"]), isObject(one) ? (one["value"] ?? null) : one]) : [];
    for (const [key, value] of named) out.push(`${type === textAt(given, ["type"]) ? "" : `${type} `}${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
}

const LISTENS: Readonly<Record<string, string>> = { prerequest: "Script before the request", test: "Script after the response" };

function scripts(out: string[], list: Json): void {
  if (!Array.isArray(list)) return text(out, "Scripts", JSON.stringify(list, null, 2));
  for (const one of list) {
    const exec = isObject(one) && isObject(one["script"]) ? one["script"]["exec"] : undefined;
    const code = Array.isArray(exec) ? exec.join("\n") : typeof exec === "string" ? exec : JSON.stringify(one, null, 2);
    text(out, LISTENS[textAt(one, ["listen"])] ?? `Script (${textAt(one, ["listen"])})`, code);
  }
}

function rows(out: string[], title: string, list: Json | undefined): void {
  const read = rowsOf(list);
  if (read.length === 0) return;
  heading(out, title);
  for (const { key, value, description, disabled, rest } of read) {
    const more = Object.entries(rest).filter(([name, said]) => !(name === "type" && (said === "text" || said === "default" || said === "string")) && !(name === "enabled" && said === true));
    out.push(`${disabled || rest["enabled"] === false ? "(off) " : ""}${key}: ${value}${description ? `  — ${description}` : ""}${more.length ? `  ${JSON.stringify(Object.fromEntries(more))}` : ""}`);
  }
}

const heading = (out: string[], title: string) => out.push("", title, "─".repeat(title.length));

function line(out: string[], title: string, value: string): void {
  if (value !== "") out.push(`${title}: ${value}`);
}

function text(out: string[], title: string, value: string): void {
  if (value === "") return;
  heading(out, title);
  out.push(value);
}

const described = (value: Json | undefined): string => (isObject(value) ? textAt(value, ["content"]) : typeof value === "string" ? value : "");

const without = (object: JsonObject, names: readonly string[]): JsonObject => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

function put(object: JsonObject, name: string, value: JsonObject): void {
  if (Object.keys(value).length > 0) object[name] = value;
  else delete object[name];
}

function take(object: JsonObject, name: string, use: (value: Json) => void): boolean {
  const value = object[name];
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return value !== undefined;
  use(value);
  return true;
}
