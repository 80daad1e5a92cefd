// Conflicts in words: what a field is called, how a value reads, which collection it belongs to.

import type { ConflictView, Json } from "../host/api";
import { isObject } from "../state/json";
import { ancestors, type TreeIndex } from "../state/tree";

const FIELDS: Readonly<Record<string, string>> = {
  name: "Name", method: "Method", position: "Place", trashed: "Deleted or kept",
  description: "Description", "request.description": "Description", "info.description": "Description",
  "request.url": "URL", "request.url.raw": "URL", "request.body.raw": "Body", "request.body.mode": "Kind of body",
  "request.body.graphql.query": "GraphQL query", "request.body.graphql.variables": "GraphQL variables",
  "event.test.script.exec": "Script after the response", "event.prerequest.script.exec": "Script before the request",
};
const LISTS: Readonly<Record<string, string>> = { "request.header": "Header", "request.url.query": "Parameter", variable: "Variable", values: "Variable", "request.body.urlencoded": "Form field", "request.body.formdata": "Form field" };
const ATTRIBUTES: Readonly<Record<string, string>> = { value: "", key: "name", disabled: "on or off", enabled: "on or off", description: "description" };

/// `Header Accept`, `URL`; the dotted path where it has no name.
export function fieldWords(field: string): string {
  if (FIELDS[field]) return FIELDS[field];
  for (const [list, word] of Object.entries(LISTS)) {
    if (!field.startsWith(`${list}.`)) continue;
    const rest = field.slice(list.length + 1);
    const dot = rest.lastIndexOf(".");
    const attribute = dot < 0 ? undefined : ATTRIBUTES[rest.slice(dot + 1)];
    if (attribute === undefined) return `${word} “${rest}”`;
    return `${word} “${rest.slice(0, dot)}”${attribute ? `, ${attribute}` : ""}`;
  }
  return field;
}

/// A value as a text that can be compared by line.
export function valueText(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (isObject(value) && typeof value["place"] === "string") return value["place"];
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) return value.join("\n");
  return JSON.stringify(value, null, 2);
}

/// A value that is worth a comparison by line.
export const isLong = (one: ConflictView): boolean => [one.base, one.local, one.server].some((value) => valueText(value).includes("\n") || valueText(value).length > 160);

/// What a text typed for a conflict means to the host: for a list of lines, the list.
export function typedValue(one: ConflictView, text: string): string {
  const sample = [one.server, one.local, one.base].find((value) => value !== null && value !== undefined);
  const isLines = Array.isArray(sample) && sample.every((line) => typeof line === "string");
  return isLines ? JSON.stringify(text.split("\n")) : text;
}

export interface Group { id: string; name: string; conflicts: ConflictView[] }

/// By collection, in the order of the tree; environments last.
export function groups(index: TreeIndex, conflicts: readonly ConflictView[]): Group[] {
  const found = new Map<string, Group>();
  for (const one of conflicts) {
    const top = ancestors(index, one.item.id)[0] ?? index.byId.get(one.item.id);
    const id = top?.view.id ?? "environments";
    if (!found.has(id)) found.set(id, { id, name: top?.view.name ?? "Environments", conflicts: [] });
    found.get(id)!.conflicts.push(one);
  }
  const place = (group: Group) => index.places.get(group.id) ?? Infinity;
  return [...found.values()].sort((a, b) => place(a) - place(b));
}
