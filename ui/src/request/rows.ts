// Headers, parameters, form fields and variables as rows of a table, over Postman's arrays.

import type { Json } from "../host/api";
import { isObject, textAt, type JsonObject } from "../state/json";

export interface Row { key: string; value: string; description: string; disabled: boolean; rest: JsonObject }

const KNOWN = ["key", "value", "description", "disabled"];

export function rowsOf(list: Json | undefined): Row[] {
  if (typeof list === "string") return list.split(/\r?\n/).filter(Boolean).map(lineToRow);
  if (!Array.isArray(list)) return [];
  return list.map((one) => {
    if (typeof one === "string") return lineToRow(one);
    const description = isObject(one) ? one["description"] : undefined;
    const rest = isObject(one) ? Object.fromEntries(Object.entries(one).filter(([name]) => !KNOWN.includes(name))) : {};
    return {
      key: textAt(one, ["key"]),
      value: textAt(one, ["value"]),
      description: isObject(description) ? textAt(description, ["content"]) : typeof description === "string" ? description : "",
      disabled: isObject(one) && one["disabled"] === true,
      rest,
    };
  });
}

export function rowsToJson(rows: readonly Row[]): JsonObject[] {
  return rows.map(({ key, value, description, disabled, rest }) => {
    const json: JsonObject = { ...rest, key, value };
    if (description) json["description"] = description;
    if (disabled) json["disabled"] = true;
    return json;
  });
}

export const emptyRow = (): Row => ({ key: "", value: "", description: "", disabled: false, rest: {} });

export const isBlank = (row: Row): boolean => row.key === "" && row.value === "" && row.description === "";

/// Rows as text, one a line: `key: value`, `//` before those that are switched off.
export function toText(rows: readonly Row[]): string {
  return rows.map((row) => `${row.disabled ? "//" : ""}${row.key}: ${row.value}`).join("\n");
}

/// What belongs to a key that is still there stays with it.
export function fromText(text: string, old: readonly Row[] = []): Row[] {
  const left = [...old];
  return text.split(/\r?\n/).filter((line) => line.trim() !== "").map((line) => {
    const row = lineToRow(line);
    const at = left.findIndex((one) => one.key === row.key);
    if (at < 0) return row;
    const [known] = left.splice(at, 1);
    return { ...row, description: known!.description, rest: known!.rest };
  });
}

function lineToRow(line: string): Row {
  const disabled = line.startsWith("//");
  const text = disabled ? line.slice(2) : line;
  const colon = text.indexOf(":", text.startsWith(":") ? 1 : 0);
  const key = colon < 0 ? text.trim() : text.slice(0, colon).trim();
  return { ...emptyRow(), key, value: colon < 0 ? "" : text.slice(colon + 1).trim(), disabled };
}
