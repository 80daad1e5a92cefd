// A URL and its parameters as two views of one text. What the text says wins; parameters that are switched off are
// in the list only.

import type { Json } from "../host/api";
import { isObject, textAt, type JsonObject } from "../state/json";

export interface Param { key: string; value: string; disabled: boolean; description: string; hasValue: boolean }

interface Parts { before: string; query: string | null; hash: string }

/// Splits at the first `?` and `#` that no variable contains.
export function split(raw: string): Parts {
  const hashAt = outside(raw, "#", 0);
  const hash = hashAt < 0 ? "" : raw.slice(hashAt);
  const rest = hashAt < 0 ? raw : raw.slice(0, hashAt);
  const queryAt = outside(rest, "?", 0);
  if (queryAt < 0) return { before: rest, query: null, hash };
  return { before: rest.slice(0, queryAt), query: rest.slice(queryAt + 1), hash };
}

function outside(text: string, sign: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith("{{", at)) (depth++, at++);
    else if (depth > 0 && text.startsWith("}}", at)) (depth--, at++);
    else if (depth === 0 && text[at] === sign) return at;
  }
  // A brace that never closes is text like any other.
  return depth > 0 ? text.indexOf(sign, from) : -1;
}

function pieces(query: string): string[] {
  const found: string[] = [];
  let start = 0;
  for (let at = outside(query, "&", 0); at >= 0; at = outside(query, "&", start)) {
    found.push(query.slice(start, at));
    start = at + 1;
  }
  found.push(query.slice(start));
  return found;
}

/// The parameters that a URL says, without those that are switched off.
export function paramsOf(raw: string): Param[] {
  const { query } = split(raw);
  if (query === null || query === "") return [];
  return pieces(query).map((piece) => {
    const equals = outside(piece, "=", 0);
    const key = equals < 0 ? piece : piece.slice(0, equals);
    return { key, value: equals < 0 ? "" : piece.slice(equals + 1), disabled: false, description: "", hasValue: equals >= 0 };
  });
}

/// The URL with these parameters in place of its own.
export function withParams(raw: string, params: readonly Param[]): string {
  const { before, hash } = split(raw);
  const on = params.filter((param) => !param.disabled && (param.key !== "" || param.value !== ""));
  const query = on.map(({ key, value, hasValue }) => (hasValue || value !== "" ? `${key}=${value}` : key)).join("&");
  return before + (query === "" ? "" : `?${query}`) + hash;
}

/// The new list after the URL was edited: what is switched off stays in its place, descriptions stay with their keys.
export function reconcile(old: readonly Param[], raw: string): Param[] {
  const fresh = paramsOf(raw);
  const result: Param[] = [];
  let next = 0;
  for (const param of old) {
    if (param.disabled) result.push(param);
    else if (next < fresh.length) result.push({ ...fresh[next]!, description: keepDescription(param, fresh[next++]!) });
  }
  return [...result, ...fresh.slice(next)];
}

const keepDescription = (old: Param, now: Param) => (old.key === now.key || old.value === now.value ? old.description : "");

/// The names of path variables (`:id`) in their order.
export function pathVariables(raw: string): string[] {
  const path = split(raw).before.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "");
  return [...new Set([...path.matchAll(/\/:([A-Za-z0-9_.-]+)/g)].map((match) => match[1]!))];
}

// ---- the document's `request.url`

export function rawUrl(url: Json | undefined): string {
  if (typeof url === "string") return url;
  return textAt(url, ["raw"]);
}

export function urlParams(url: Json | undefined): Param[] {
  const list = isObject(url) && Array.isArray(url["query"]) ? url["query"].filter(isObject) : null;
  const old = (list ?? []).map((one) => ({
    key: textAt(one, ["key"]),
    value: textAt(one, ["value"]),
    disabled: one["disabled"] === true,
    description: describe(one["description"]),
    hasValue: one["value"] !== null && one["value"] !== undefined,
  }));
  return reconcile(old, rawUrl(url));
}

const describe = (value: Json | undefined): string => (isObject(value) ? textAt(value, ["content"]) : typeof value === "string" ? value : "");

/// The document's URL with another text. Fields that only repeat the text are left out: the model derives them.
export function urlWith(url: Json | undefined, raw: string, params: readonly Param[]): JsonObject {
  const kept: JsonObject = isObject(url) ? { ...url } : {};
  for (const derived of ["protocol", "host", "port", "path", "hash", "query"]) delete kept[derived];
  kept["raw"] = raw;
  if (params.length > 0) kept["query"] = params.map(paramToJson);
  const variables = pathVariables(raw).map((key) => known(url, key) ?? { key, value: "" });
  if (variables.length > 0) kept["variable"] = variables;
  else delete kept["variable"];
  return kept;
}

function known(url: Json | undefined, key: string): JsonObject | undefined {
  const list = isObject(url) && Array.isArray(url["variable"]) ? url["variable"].filter(isObject) : [];
  return list.find((one) => one["key"] === key);
}

function paramToJson(param: Param): JsonObject {
  const json: JsonObject = { key: param.key, value: param.hasValue || param.value !== "" ? param.value : null };
  if (param.disabled) json["disabled"] = true;
  if (param.description) json["description"] = param.description;
  return json;
}
