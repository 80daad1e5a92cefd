// Scripts of an item: Postman keeps them as events with arrays of lines.

import type { Json } from "../host/api";
import { isObject, put, type JsonObject } from "../state/json";

export type Listen = "prerequest" | "test";

const events = (document: Json): Json[] => (isObject(document) && Array.isArray(document["event"]) ? document["event"] : []);
const listens = (event: Json, listen: Listen) => isObject(event) && event["listen"] === listen;

export function scriptOf(document: Json, listen: Listen): string {
  const event = events(document).find((one) => listens(one, listen));
  const exec = isObject(event) && isObject(event["script"]) ? event["script"]["exec"] : undefined;
  return Array.isArray(exec) ? exec.join("\n") : typeof exec === "string" ? exec : "";
}

export function withScript(document: Json, listen: Listen, text: string): JsonObject {
  const all = events(document);
  const exec = text === "" ? [] : text.split("\n");
  const known = all.some((one) => listens(one, listen));
  if (!known && text === "") return put(document, [], document);
  const fresh: JsonObject = { listen, script: { type: "text/javascript", exec } };
  const next = known ? all.map((one) => (listens(one, listen) ? put(one, ["script", "exec"], exec) : one)) : [...all, fresh];
  return put(document, ["event"], next);
}
