// The variables of an environment as rows, over Postman's `values`.

import type { Json } from "../host/api";
import { isObject, textAt, type JsonObject } from "../state/json";

export interface VariableRow { key: string; initial: string; secret: boolean; shared: boolean; enabled: boolean; rest: JsonObject }

/// What a secret's value reads as in a document; coming back unchanged it means the value that is kept.
export const MASK = "(secret)";

const KNOWN = ["key", "value", "type", "enabled", "satchelShared"];

export function variableRows(document: Json): VariableRow[] {
  const values = isObject(document) && Array.isArray(document["values"]) ? document["values"].filter(isObject) : [];
  return values.map((one) => ({
    key: textAt(one, ["key"]),
    initial: textAt(one, ["value"]),
    secret: one["type"] === "secret",
    shared: one["satchelShared"] === true,
    enabled: one["enabled"] !== false,
    rest: Object.fromEntries(Object.entries(one).filter(([name]) => !KNOWN.includes(name))),
  }));
}

export function variableValues(rows: readonly VariableRow[]): JsonObject[] {
  return rows.map(({ key, initial, secret, shared, enabled, rest }) => {
    const json: JsonObject = { ...rest, key, value: initial, type: secret ? "secret" : "default", enabled };
    if (secret && shared) json["satchelShared"] = true;
    return json;
  });
}

export const blankVariable = (): VariableRow => ({ key: "", initial: "", secret: false, shared: false, enabled: true, rest: {} });

/// The document without values of secrets that were typed: what a draft may hold.
export function withoutSecrets(document: Json): Json {
  if (!isObject(document) || !Array.isArray(document["values"])) return document;
  const values = document["values"].map((one) => (isObject(one) && one["type"] === "secret" && one["value"] !== "" ? { ...one, value: MASK } : one));
  return { ...document, values };
}
