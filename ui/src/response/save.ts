// Handing a body to a person: as a file, or as a page that can do nothing.

import type { SentBody } from "../host/send";

const ENDINGS: Readonly<Record<string, string>> = { "application/json": "json", "text/html": "html", "application/xml": "xml", "text/xml": "xml", "text/csv": "csv", "image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg", "image/webp": "webp", "image/gif": "gif", "application/pdf": "pdf", "text/plain": "txt" };

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'";

export function headerOf(headers: readonly [string, string][], name: string): string {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
}

/// A name that is safe on every system.
export function fileName(name: string, type: string): string {
  const safe = name.replace(/[^\p{L}\p{N} ._-]+/gu, "_").replace(/^[. ]+|[. ]+$/g, "").slice(0, 80) || "response";
  return `${safe}.${ENDINGS[type.toLowerCase().split(";")[0]!.trim()] ?? "txt"}`;
}

export function bytesOf(body: SentBody): Uint8Array<ArrayBuffer> {
  if (body.base64 === null) return new TextEncoder().encode(body.text ?? "");
  return Uint8Array.from(atob(body.base64), (sign) => sign.charCodeAt(0));
}

export function saveBody(body: SentBody, name: string): void {
  const url = URL.createObjectURL(new Blob([bytesOf(body)], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/// The page for the sandboxed frame: it loads nothing, whatever the body says.
export function previewPage(body: SentBody, type: string): string {
  const kind = type.toLowerCase().split(";")[0]!.trim();
  const head = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${POLICY}"><base target="_blank">`;
  if (kind.startsWith("image/") && /^[a-z0-9/+.-]+$/.test(kind)) {
    const data = body.base64 ?? btoa(String.fromCharCode(...new TextEncoder().encode(body.text ?? "").slice(0, 60_000)));
    return `${head}<img alt="The response" style="max-width:100%" src="data:${kind};base64,${data}">`;
  }
  if (kind === "text/html") return head + (body.text ?? "");
  return `${head}<pre style="white-space:pre-wrap;overflow-wrap:anywhere;font:13px monospace">${escaped(body.text ?? "This cannot be previewed.")}</pre>`;
}
