// Reading and changing JSON without touching what was there: a change shares all that it does not change.

import type { Json } from "../host/api";

export type JsonObject = { [key: string]: Json };
export type Path = readonly (string | number)[];

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function at(value: Json | undefined, path: Path): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(here) && typeof step === "number") here = here[step];
    else if (isObject(here) && typeof step === "string") here = here[step];
    else return undefined;
  }
  return here;
}

export const textAt = (value: Json | undefined, path: Path): string => {
  const found = at(value, path);
  return typeof found === "string" ? found : found === undefined || found === null ? "" : typeof found === "object" ? "" : String(found);
};

/// The value with another one at a path of field names; `undefined` takes the field out. Objects are made on the way.
export function put(value: Json | undefined, path: readonly string[], to: Json | undefined): JsonObject {
  const [step, ...rest] = path;
  const object: JsonObject = isObject(value) ? { ...value } : {};
  if (step === undefined) return isObject(to) ? to : object;
  if (rest.length > 0) object[step] = put(object[step], rest, to);
  else if (to === undefined) delete object[step];
  else object[step] = to;
  return object;
}

/// Whether two values say the same; the order of fields says nothing.
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((one, n) => same(one, b[n]));
  }
  const keys = Object.keys(a as object);
  if (keys.length !== Object.keys(b as object).length) return false;
  return keys.every((key) => key in (b as object) && same((a as JsonObject)[key], (b as JsonObject)[key]));
}
