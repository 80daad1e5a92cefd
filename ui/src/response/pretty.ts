// Making bodies readable without changing what they say: a number keeps its digits, `{{variables}}` may stand anywhere.

import type { Language } from "../request/body";

/// Longer texts are shown as they came.
const PRETTY_MAX = 8 << 20;

export function languageFor(contentType: string, text: string): Language {
  const type = contentType.toLowerCase().split(";")[0]!.trim();
  if (/[/+]json$/.test(type) || type.endsWith("ndjson")) return "json";
  if (/[/+]xml$/.test(type)) return "xml";
  if (type === "text/html") return "html";
  if (/javascript$/.test(type)) return "javascript";
  const start = text.trimStart()[0];
  return type === "" && (start === "{" || start === "[") ? "json" : "text";
}

export function pretty(text: string, language: Language): string {
  if (text.length > PRETTY_MAX) return text;
  if (language === "json") return prettyJson(text);
  return language === "xml" || language === "html" ? prettyMarkup(text) : text;
}

/// Goes over the signs, not over values, so that digits, duplicates and variables stay; broken JSON comes out as it is.
export function prettyJson(text: string): string {
  let out = "";
  const open: string[] = [];
  const line = () => `\n${"  ".repeat(open.length)}`;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"' || text.startsWith("{{", at) && /^\{\{[^{}"]*\}\}/.test(text.slice(at, at + 200))) {
      const end = sign === '"' ? stringEnd(text, at) : text.indexOf("}}", at) + 2;
      out += text.slice(at, end);
      at = end - 1;
    } else if (sign === "{" || sign === "[") {
      const close = sign === "{" ? "}" : "]";
      const next = text.slice(at + 1).search(/\S/);
      if (next >= 0 && text[at + 1 + next] === close) {
        out += sign + close;
        at += next + 1;
      } else {
        open.push(close);
        out += sign + line();
      }
    } else if (sign === "}" || sign === "]") {
      if (open.pop() !== sign) return text;
      out += line() + sign;
    } else if (sign === ",") out += sign + (open.length ? line() : "\n");
    else if (sign === ":") out += ": ";
    else if (!/\s/.test(sign)) out += sign;
    else if (sign === "\n" && open.length === 0 && out !== "" && !out.endsWith("\n")) out += "\n";
  }
  return open.length === 0 ? out : text;
}

function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

const VOID = /^<(area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b/i;

/// Breaks lines between tags only; what stands between texts stays.
function prettyMarkup(text: string): string {
  let depth = 0;
  const lines: string[] = [];
  for (const part of text.replace(/>\s+</g, "><").split(/(?<=>)(?=<)/)) {
    if (/^<\//.test(part)) depth = Math.max(0, depth - 1);
    lines.push("  ".repeat(depth) + part.trim());
    const opens = /^<[^!?/]/.test(part) && !/\/>$/.test(part) && !VOID.test(part) && !/<\/[^>]+>$/.test(part);
    if (opens) depth++;
  }
  return lines.join("\n");
}

/// `1.2 kB`.
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

/// Microseconds as `420 µs`, `12.3 ms`, `1.24 s`.
export function duration(micros: number): string {
  if (micros < 1000) return `${micros} µs`;
  if (micros < 1e6) return `${(micros / 1e3).toFixed(micros < 1e5 ? 1 : 0)} ms`;
  return `${(micros / 1e6).toFixed(2)} s`;
}
