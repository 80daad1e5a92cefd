// A curl command, as browsers and manuals give it, as a request's document.
//
// Knows the quoting of a POSIX shell and the options that say something about the request; the others are told.

import type { JsonObject } from "../state/json";

export interface FromCurl { document: JsonObject; notes: string[] }

const TEXT_MAX = 1 << 20;

const SHORT: Readonly<Record<string, string>> = { X: "request", H: "header", d: "data", F: "form", u: "user", A: "user-agent", e: "referer", b: "cookie", G: "get", I: "head", k: "insecure", L: "location", T: "upload-file", o: "output", x: "proxy", m: "max-time", c: "cookie-jar", E: "cert", w: "write-out", C: "continue-at", r: "range" };
/// Options that change nothing of the request.
const QUIET = new Set(["silent", "s", "show-error", "S", "verbose", "v", "include", "i", "compressed", "fail", "f", "no-progress-meter", "globoff", "g", "location", "http1.1", "http2", "http2-prior-knowledge", "http3", "path-as-is", "#", "progress-bar", "no-buffer", "N", "remote-name", "O"]);
const WITH_VALUE = new Set(["request", "header", "data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json", "form", "form-string", "user", "user-agent", "referer", "cookie", "url", "upload-file", "output", "proxy", "max-time", "connect-timeout", "cookie-jar", "cert", "key", "cacert", "write-out", "continue-at", "range", "resolve", "retry", "proxy-user", "oauth2-bearer", "aws-sigv4"]);
const UNSAID_VALUES = new Set(["output", "write-out", "cookie-jar"]);

export const looksLikeCurl = (text: string): boolean => /^\s*(\$\s*)?curl(\.exe)?\s/.test(text);

/// None where it is no curl command, or one without a URL.
export function fromCurl(text: string): FromCurl | null {
  if (!looksLikeCurl(text) || text.length > TEXT_MAX) return null;
  const words = shellWords(text.trim().replace(/^\$\s*/, ""));
  if (words === null) return null;
  const said = new Said();
  const rest = words.slice(1);
  while (rest.length > 0) takeOption(said, rest.shift()!, rest);
  return said.url === "" ? null : { document: said.document(), notes: said.notes };
}

function takeOption(said: Said, word: string, rest: string[]): void {
  if (word.startsWith("--") && word.length > 2) {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const value = !WITH_VALUE.has(name) ? "" : equals < 0 ? (rest.shift() ?? "") : word.slice(equals + 1);
    said.option(name, value);
  } else if (word.startsWith("-") && word.length > 1) {
    for (let at = 1; at < word.length; at++) {
      const name = SHORT[word[at]!] ?? word[at]!;
      if (!WITH_VALUE.has(name)) said.option(name, "");
      else return said.option(name, word.slice(at + 1) || (rest.shift() ?? ""));
    }
  } else said.option("url", word);
}

class Said {
  url = "";
  readonly notes: string[] = [];
  private method = "";
  private readonly headers: { key: string; value: string }[] = [];
  private readonly data: string[] = [];
  private readonly form: JsonObject[] = [];
  private file = "";
  private inQuery = false;
  private user: string | null = null;
  private json = false;

  option(name: string, value: string): void {
    switch (name) {
      case "url": this.url ||= value; break;
      case "request": this.method = value.toUpperCase(); break;
      case "header": this.header(value); break;
      case "data": case "data-ascii": case "data-binary": this.addData(value); break;
      case "data-raw": this.data.push(value); break;
      case "data-urlencode": this.data.push(encodedPair(value)); break;
      case "json": this.json = true; this.addData(value); break;
      case "form": this.form.push(formField(value)); break;
      case "form-string": this.form.push({ ...keyAndValue(value, "="), type: "text" }); break;
      case "user": this.user = value; break;
      case "user-agent": this.headers.push({ key: "User-Agent", value }); break;
      case "referer": this.headers.push({ key: "Referer", value }); break;
      case "cookie": if (value.includes("=")) this.headers.push({ key: "Cookie", value }); else this.notes.push(`The cookies of the file ${value} are not taken over.`); break;
      case "oauth2-bearer": this.headers.push({ key: "Authorization", value: `Bearer ${value}` }); break;
      case "get": this.inQuery = true; break;
      case "head": this.method ||= "HEAD"; break;
      case "upload-file": this.file = value; this.method ||= "PUT"; break;
      case "insecure": this.notes.push("--insecure is not taken over: certificates are checked."); break;
      default: if (!QUIET.has(name) && !UNSAID_VALUES.has(name)) this.notes.push(`--${name} is not taken over.`);
    }
  }

  document(): JsonObject {
    const data = this.data.join("&");
    const hasBody = data !== "" || this.form.length > 0 || this.file !== "";
    const url = this.inQuery && data !== "" ? `${this.url}${this.url.includes("?") ? "&" : "?"}${data}` : this.url;
    const request: JsonObject = { method: this.method || (hasBody && !this.inQuery ? "POST" : "GET"), header: this.headers, url: { raw: url } };
    const body = this.inQuery ? null : this.body(data);
    if (body) request["body"] = body;
    if (this.user !== null) {
      const { key, value } = keyAndValue(this.user, ":");
      request["auth"] = { type: "basic", basic: [{ key: "username", value: key, type: "string" }, { key: "password", value, type: "string" }] };
    }
    return { name: nameOf(this.url), request, response: [] };
  }

  private header(text: string): void {
    const { key, value } = keyAndValue(text, ":");
    if (key.endsWith(";") && value === "") this.headers.push({ key: key.slice(0, -1), value: "" });
    else if (key.trim() !== "" && !text.trimEnd().endsWith(":")) this.headers.push({ key: key.trim(), value: value.trim() });
  }

  private addData(value: string): void {
    if (value.startsWith("@")) {
      this.file = value.slice(1);
      this.notes.push(`The body is the file ${this.file}: choose it again under Body.`);
    } else this.data.push(value);
  }

  private body(data: string): JsonObject | null {
    if (this.form.length > 0) return { mode: "formdata", formdata: this.form };
    if (this.file !== "") return { mode: "file", file: { src: this.file } };
    if (data === "") return null;
    if (this.json && !this.typed()) this.headers.push({ key: "Content-Type", value: "application/json" });
    const type = this.typed();
    if (type.includes("urlencoded") || (type === "" && !/^\s*[[{<]/.test(data))) return { mode: "urlencoded", urlencoded: pairs(data) };
    const language = /json/.test(type) || (type === "" && isJson(data)) ? "json" : /xml/.test(type) ? "xml" : /html/.test(type) ? "html" : "text";
    return { mode: "raw", raw: data, options: { raw: { language } } };
  }

  private typed(): string {
    return this.headers.find((one) => one.key.toLowerCase() === "content-type")?.value.toLowerCase() ?? "";
  }
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

function keyAndValue(text: string, sign: string): { key: string; value: string } {
  const at = text.indexOf(sign);
  return at < 0 ? { key: text, value: "" } : { key: text.slice(0, at), value: text.slice(at + 1) };
}

function encodedPair(text: string): string {
  const at = text.indexOf("=");
  if (at < 0) return encodeURIComponent(text);
  return (at === 0 ? "" : `${text.slice(0, at)}=`) + encodeURIComponent(text.slice(at + 1));
}

function pairs(data: string): JsonObject[] {
  const decoded = (text: string) => {
    try {
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch {
      return text;
    }
  };
  return data.split("&").filter(Boolean).map((pair) => {
    const { key, value } = keyAndValue(pair, "=");
    return { key: decoded(key), value: decoded(value), type: "text" };
  });
}

function formField(text: string): JsonObject {
  const { key, value } = keyAndValue(text, "=");
  const [first = "", ...marks] = value.split(";");
  const type = marks.map((mark) => /^\s*type=(.*)$/.exec(mark)?.[1]).find(Boolean);
  const bare = (part: string) => part.replace(/^"(.*)"$/s, "$1").replace(/\\(["\\])/g, "$1");
  const field: JsonObject = /^[@<]/.test(value) ? { key, type: "file", src: bare(first.slice(1)) } : { key, type: "text", value: bare(type ? first : value) };
  return type ? { ...field, contentType: type } : field;
}

function nameOf(url: string): string {
  const path = url.replace(/^[a-z]+:\/\//i, "").split(/[?#]/)[0]!.replace(/\/+$/, "");
  return path.split("/").at(-1) || "New request";
}

const ANSI: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\", "'": "'", '"': '"', a: "\u0007", b: "\b", f: "\f", v: "\v", "0": "\0", e: "\u001b", "?": "?", "!": "!" };

/// The words as a POSIX shell makes them, with bash's `$'…'`; none where a quote never closes. Ends at `|`, `;`, `&`.
export function shellWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (/\s/.test(sign) || ((sign === "\\" || sign === "^") && /^\r?\n/.test(text.slice(at + 1, at + 3)))) {
      if (/\s/.test(sign)) {
        if (word !== null) words.push(word);
        word = null;
      } else at += text[at + 1] === "\r" ? 2 : 1;
    } else if (sign === "|" || sign === ";" || sign === "&") break;
    else {
      const read = piece(text, at);
      if (read === null) return null;
      word = (word ?? "") + read.text;
      at = read.end;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/// One piece of a word from a place on, with the place of its last sign.
function piece(text: string, at: number): { text: string; end: number } | null {
  const sign = text[at]!;
  if (sign === "'") {
    const end = text.indexOf("'", at + 1);
    return end < 0 ? null : { text: text.slice(at + 1, end), end };
  }
  if (sign === '"' || (sign === "$" && text[at + 1] === "'")) return escaped(text, sign === '"' ? at + 1 : at + 2, sign === '"' ? '"' : "'");
  if (sign === "\\" && at + 1 < text.length) return { text: text[at + 1]!, end: at + 1 };
  return { text: sign, end: at };
}

function escaped(text: string, from: number, close: '"' | "'"): { text: string; end: number } | null {
  let out = "";
  for (let at = from; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === close) return { text: out, end: at };
    const next = text[at + 1] ?? "";
    if (sign !== "\\") out += sign;
    else if (close === '"') {
      out += next === "\n" ? "" : /["\\$`]/.test(next) ? next : `\\${next}`;
      at++;
    } else {
      const code = /^(?:u([0-9a-fA-F]{1,4})|x([0-9a-fA-F]{1,2}))/.exec(text.slice(at + 1, at + 6));
      out += code ? String.fromCharCode(parseInt(code[1] ?? code[2]!, 16)) : (ANSI[next] ?? `\\${next}`);
      at += code ? code[0].length : 1;
    }
  }
  return null;
}
