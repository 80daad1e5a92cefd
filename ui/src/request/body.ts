// The body of a request: its modes, the language of a raw one, and making it pretty.

import type { Json } from "../host/api";
import { isObject, put, textAt, type JsonObject } from "../state/json";

export type Mode = "none" | "raw" | "urlencoded" | "formdata" | "file" | "graphql";
export type Language = "json" | "xml" | "html" | "javascript" | "text" | "graphql" | "markdown";

export const MODES: readonly { mode: Mode; label: string }[] = [
  { mode: "none", label: "None" },
  { mode: "raw", label: "Raw" },
  { mode: "urlencoded", label: "URL-encoded form" },
  { mode: "formdata", label: "Multipart form" },
  { mode: "file", label: "File" },
  { mode: "graphql", label: "GraphQL" },
];

export const RAW_LANGUAGES: readonly { language: Language; label: string; type: string }[] = [
  { language: "json", label: "JSON", type: "application/json" },
  { language: "xml", label: "XML", type: "application/xml" },
  { language: "html", label: "HTML", type: "text/html" },
  { language: "javascript", label: "JavaScript", type: "application/javascript" },
  { language: "text", label: "Text", type: "text/plain" },
];

export function modeOf(body: Json | undefined): Mode {
  const mode = textAt(body, ["mode"]);
  return MODES.some((one) => one.mode === mode) ? (mode as Mode) : "none";
}

export function languageOf(body: Json | undefined): Language {
  const said = textAt(body, ["options", "raw", "language"]);
  return RAW_LANGUAGES.find((one) => one.language === said)?.language ?? "text";
}

/// What the other modes hold stays, so that trying a mode loses nothing.
export function withMode(body: Json | undefined, mode: Mode): JsonObject | undefined {
  if (mode === "none") {
    if (!isObject(body) || Object.keys(body).every((key) => key === "mode")) return undefined;
    return put(body, ["mode"], "none");
  }
  const next = put(body, ["mode"], mode);
  if (mode === "raw" && next["raw"] === undefined) return put(put(next, ["raw"], ""), ["options", "raw", "language"], "json");
  return next;
}

export function contentType(body: Json | undefined): string | null {
  switch (modeOf(body)) {
    case "raw":
      return RAW_LANGUAGES.find((one) => one.language === languageOf(body))?.type ?? null;
    case "urlencoded":
      return "application/x-www-form-urlencoded";
    case "formdata":
      return "multipart/form-data; boundary made when sent";
    case "graphql":
      return "application/json";
    case "file":
      return "by the file's name";
    default:
      return null;
  }
}
