// Names and values of headers that people write, for suggestions, and what is added without being asked for.

import type { Row } from "./rows";

export const NAMES: readonly string[] = [
  "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers", "Access-Control-Request-Method", "Authorization", "Cache-Control",
  "Connection", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "Cookie", "Date", "Expect", "Forwarded", "From", "Host",
  "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Event-ID", "Max-Forwards", "Origin", "Pragma", "Prefer",
  "Proxy-Authorization", "Range", "Referer", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via", "X-API-Key", "X-Correlation-ID", "X-CSRF-Token",
  "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override", "X-Request-ID", "X-Requested-With", "traceparent",
];

const TYPES = ["application/json", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "text/html", "text/csv", "application/octet-stream", "application/graphql-response+json", "application/x-ndjson", "application/problem+json"];

const VALUES: Readonly<Record<string, readonly string[]>> = {
  accept: ["*/*", ...TYPES, "text/event-stream"],
  "content-type": TYPES,
  "accept-encoding": ["gzip, deflate, br", "identity"],
  "cache-control": ["no-cache", "no-store", "max-age=0"],
  connection: ["keep-alive", "close"],
  authorization: ["Bearer {{token}}", "Basic "],
  prefer: ["return=minimal", "return=representation", "respond-async"],
};

export const valuesFor = (name: string): readonly string[] => VALUES[name.toLowerCase()] ?? [];

/// Those that begin so first, then those that hold it.
export function suggest(all: readonly string[], typed: string, limit = 8): string[] {
  const wanted = typed.toLowerCase();
  const begins = all.filter((one) => one.toLowerCase().startsWith(wanted));
  const holds = all.filter((one) => !begins.includes(one) && one.toLowerCase().includes(wanted));
  return [...begins, ...holds].filter((one) => one !== typed).slice(0, limit);
}

export interface Added { key: string; value: string }

/// What goes out without standing in the list.
export function added(rows: readonly Row[], contentType: string | null): Added[] {
  const written = new Set(rows.filter((row) => !row.disabled).map((row) => row.key.toLowerCase()));
  const all: Added[] = [{ key: "User-Agent", value: "Satchel" }, { key: "Accept", value: "*/*" }, { key: "Accept-Encoding", value: "gzip, deflate, br" }, { key: "Host", value: "made from the URL" }];
  if (contentType) all.unshift({ key: "Content-Type", value: contentType });
  return all.filter((one) => !written.has(one.key.toLowerCase()));
}
