// Puts exported files into the browser's downloads.

import type { ExportedFile } from "../host/api";

/// The bytes of an exported file: text as it is, anything else from base64.
export function bytesOf(file: ExportedFile): Uint8Array<ArrayBuffer> {
  if (file.text) return new TextEncoder().encode(file.content);
  return Uint8Array.from(atob(file.content), (letter) => letter.charCodeAt(0));
}

export function downloadFile(file: ExportedFile): void {
  const href = URL.createObjectURL(new Blob([bytesOf(file)]));
  const link = document.createElement("a");
  Object.assign(link, { href, download: file.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}
