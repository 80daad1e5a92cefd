// The same request in five languages. Each quotes by its own rules; none runs a shell or an interpreter on a value.

import type { Part, Plain, PlainBody, Snippet } from "./plain";

export interface Target { id: string; label: string; language: "text" | "javascript"; write: (plain: Plain) => Snippet }

/// A word of a POSIX shell.
export const sh = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/// A string that JavaScript, Python and Go read alike: JSON's escapes are valid in all three.
export const quoted = (text: string): string => JSON.stringify(text).replace(/[\u007f\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

/// A string of Rust.
export function rust(text: string): string {
  const escaped = text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return `"${escaped.replace(/[\p{Cc}\u2028\u2029]/gu, (sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`)}"`;
}

const joined = (lines: readonly (string | null | false)[], by = "\n") => lines.filter((line): line is string => typeof line === "string").join(by);
const bytesBeyondLatin = (text: string) => /[^\x00-\xff]/.test(text);

// ---- curl

function curl({ method, url, headers, body, notes }: Plain): Snippet {
  const broken = body.kind === "multipart" && body.parts.find((part) => /[=]/.test(part.key));
  if (broken) return { refused: `curl cannot name a field “${broken.key}”: its name has a = in it.` };
  const verb = method === "HEAD" ? "--head" : method === "GET" && body.kind === "none" ? null : `--request ${sh(method)}`;
  const words = [
    `curl --url ${sh(url)}`,
    verb,
    /[[\]{}]/.test(url) ? "--globoff" : null,
    ...headers.map(([name, value]) => `--header ${sh(value === "" ? `${name};` : `${name}: ${value}`)}`),
    ...curlBody(body),
  ];
  return { code: joined(words, " \\\n  "), notes };
}

function curlBody(body: PlainBody): string[] {
  if (body.kind === "text") return [`--data-raw ${sh(body.text)}`];
  if (body.kind === "form") return body.parts.map((part) => `--data-urlencode ${sh(`${encodeURIComponent(part.key)}=${part.value}`)}`);
  if (body.kind === "file") return [`--data-binary ${sh(`@${body.path}`)}`];
  if (body.kind === "none") return [];
  return body.parts.map((part) => {
    if (!part.file && !part.type) return `--form-string ${sh(`${part.key}=${part.value}`)}`;
    const value = `"${part.value.replace(/["\\]/g, "\\$&")}"`;
    return `--form ${sh(`${part.key}=${part.file ? "@" : ""}${value}${part.type ? `;type=${part.type}` : ""}`)}`;
  });
}

// ---- JavaScript

function javascript({ method, url, headers, body, notes }: Plain): Snippet {
  const more = [...notes];
  if ((method === "GET" || method === "HEAD") && body.kind !== "none") more.push(`fetch sends no body with ${method}.`);
  if (headers.some(([, value]) => bytesBeyondLatin(value))) more.push("fetch refuses header values beyond Latin-1.");
  const before = javascriptBody(body);
  const lines = [
    body.kind === "file" && 'import { readFile } from "node:fs/promises";\n',
    body.kind === "multipart" && body.parts.some((part) => part.file) && 'import { openAsBlob } from "node:fs";\n',
    before && `${before}\n`,
    `const response = await fetch(${quoted(url)}, {`,
    `  method: ${quoted(method)},`,
    headers.length > 0 && `  headers: [\n${headers.map(([name, value]) => `    [${quoted(name)}, ${quoted(value)}],`).join("\n")}\n  ],`,
    body.kind === "text" && `  body: ${quoted(body.text)},`,
    body.kind === "file" && `  body: await readFile(${quoted(body.path)}),`,
    before && "  body: form,",
    "});",
    "console.log(response.status, await response.text());",
  ];
  return { code: joined(lines), notes: more };
}

function javascriptBody(body: PlainBody): string | null {
  if (body.kind === "form") return `const form = new URLSearchParams([\n${body.parts.map((part) => `  [${quoted(part.key)}, ${quoted(part.value)}],`).join("\n")}\n]);`;
  if (body.kind !== "multipart") return null;
  const add = (part: Part) => {
    if (part.file) return `form.append(${quoted(part.key)}, await openAsBlob(${quoted(part.value)}${part.type ? `, { type: ${quoted(part.type)} }` : ""}), ${quoted(baseName(part.value))});`;
    return `form.append(${quoted(part.key)}, ${part.type ? `new Blob([${quoted(part.value)}], { type: ${quoted(part.type)} })` : quoted(part.value)});`;
  };
  return `const form = new FormData();\n${body.parts.map(add).join("\n")}`;
}

const baseName = (path: string) => path.split(/[\\/]/).at(-1) || "file";

// ---- Python

function python({ method, url, headers, body, notes }: Plain): Snippet {
  const names = headers.map(([name]) => name.toLowerCase());
  const twice = names.some((name, at) => names.indexOf(name) !== at);
  const merged = new Map<string, [string, string]>();
  for (const [name, value] of headers) {
    const known = merged.get(name.toLowerCase());
    merged.set(name.toLowerCase(), known ? [known[0], `${known[1]}, ${value}`] : [name, value]);
  }
  const value = (text: string) => (bytesBeyondLatin(text) ? `${quoted(text)}.encode("utf-8")` : quoted(text));
  const lines = [
    "import requests\n",
    "response = requests.request(",
    `    ${quoted(method)},`,
    `    ${quoted(url)},`,
    merged.size > 0 && `    headers={\n${[...merged.values()].map(([name, text]) => `        ${quoted(name)}: ${value(text)},`).join("\n")}\n    },`,
    ...pythonBody(body),
    "    timeout=30,",
    ")",
    "print(response.status_code, response.text)",
  ];
  return { code: joined(lines), notes: twice ? [...notes, "requests sends a header once: its values are joined."] : notes };
}

function pythonBody(body: PlainBody): string[] {
  if (body.kind === "text") return [`    data=${quoted(body.text)}.encode("utf-8"),`];
  if (body.kind === "file") return [`    data=open(${quoted(body.path)}, "rb"),`];
  if (body.kind === "none") return [];
  if (body.kind === "form") return ["    data=[", ...body.parts.map((part) => `        (${quoted(part.key)}, ${quoted(part.value)}),`), "    ],"];
  const file = (part: Part) => {
    const type = part.type ? `, ${quoted(part.type)}` : "";
    return part.file ? `(${quoted(baseName(part.value))}, open(${quoted(part.value)}, "rb")${type})` : `(None, ${quoted(part.value)}${type})`;
  };
  return ["    files=[", ...body.parts.map((part) => `        (${quoted(part.key)}, ${file(part)}),`), "    ],"];
}

// ---- Rust

function reqwest({ method, url, headers, body, notes }: Plain): Snippet {
  const known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"].includes(method);
  const features = body.kind === "multipart" ? 'features = ["multipart", "stream"]' : body.kind === "form" ? 'features = ["form"]' : "";
  const lines = [
    `// reqwest = { version = "0.13"${features ? `, ${features}` : ""} }, tokio = { version = "1", features = ["full"] }`,
    "#[tokio::main]",
    "async fn main() -> Result<(), Box<dyn std::error::Error>> {",
    ...rustForm(body),
    "    let response = reqwest::Client::new()",
    `        .request(${known ? `reqwest::Method::${method}` : `reqwest::Method::from_bytes(b${rust(method)})?`}, ${rust(url)})`,
    ...headers.map(([name, value]) => `        .header(${rust(name)}, ${rust(value)})`),
    body.kind === "text" && `        .body(${rust(body.text)})`,
    body.kind === "file" && `        .body(std::fs::read(${rust(body.path)})?)`,
    body.kind === "form" && `        .form(&[${body.parts.map((part) => `(${rust(part.key)}, ${rust(part.value)})`).join(", ")}])`,
    body.kind === "multipart" && "        .multipart(form)",
    "        .send()",
    "        .await?;",
    '    println!("{} {}", response.status(), response.text().await?);',
    "    Ok(())",
    "}",
  ];
  return { code: joined(lines), notes };
}

function rustForm(body: PlainBody): string[] {
  if (body.kind !== "multipart") return [];
  const add = (part: Part) => {
    if (part.file && !part.type) return `        .file(${rust(part.key)}, ${rust(part.value)})\n        .await?`;
    const made = part.file ? `reqwest::multipart::Part::file(${rust(part.value)}).await?` : `reqwest::multipart::Part::text(${rust(part.value)})`;
    return part.type ? `        .part(${rust(part.key)}, ${made}.mime_str(${rust(part.type)})?)` : `        .text(${rust(part.key)}, ${rust(part.value)})`;
  };
  const lines = ["    let form = reqwest::multipart::Form::new()", ...body.parts.map(add)];
  return [`${lines.join("\n")};`];
}

// ---- Go

function go({ method, url, headers, body, notes }: Plain): Snippet {
  const before = goBody(body);
  const imports = ["fmt", "io", "net/http", ...before.imports].sort();
  const lines = [
    "package main\n",
    `import (\n${imports.map((name) => `\t${quoted(name)}`).join("\n")}\n)\n`,
    "func check(err error) {\n\tif err != nil {\n\t\tpanic(err)\n\t}\n}\n",
    "func main() {",
    ...before.lines,
    `\trequest, err := http.NewRequest(${quoted(method)}, ${quoted(url)}, ${before.reader})`,
    "\tcheck(err)",
    before.type && `\trequest.Header.Set("Content-Type", ${before.type})`,
    ...headers.map(([name, value]) => (name.toLowerCase() === "host" ? `\trequest.Host = ${quoted(value)}` : `\trequest.Header.Add(${quoted(name)}, ${quoted(value)})`)),
    "\tresponse, err := http.DefaultClient.Do(request)",
    "\tcheck(err)",
    "\tdefer response.Body.Close()",
    "\ttext, err := io.ReadAll(response.Body)",
    "\tcheck(err)",
    "\tfmt.Println(response.Status, string(text))",
    "}",
  ];
  return { code: joined(lines), notes };
}

interface GoBody { imports: string[]; lines: string[]; reader: string; type: string | null }

function goBody(body: PlainBody): GoBody {
  const none: GoBody = { imports: [], lines: [], reader: "nil", type: null };
  if (body.kind === "text") return { ...none, imports: ["strings"], reader: `strings.NewReader(${quoted(body.text)})` };
  if (body.kind === "file") return { ...none, imports: ["os"], lines: [`\tbody, err := os.Open(${quoted(body.path)})`, "\tcheck(err)", "\tdefer body.Close()"], reader: "body" };
  if (body.kind === "form") {
    const lines = ["\tform := url.Values{}", ...body.parts.map((part) => `\tform.Add(${quoted(part.key)}, ${quoted(part.value)})`)];
    return { imports: ["net/url", "strings"], lines, reader: "strings.NewReader(form.Encode())", type: quoted("application/x-www-form-urlencoded") };
  }
  if (body.kind === "multipart") return goMultipart(body.parts);
  return none;
}

function goMultipart(parts: readonly Part[]): GoBody {
  const files = parts.some((part) => part.file);
  const add = (part: Part) => {
    if (!part.file) return [`\tcheck(form.WriteField(${quoted(part.key)}, ${quoted(part.value)}))`];
    return ["\t{", `\t\tfile, err := os.Open(${quoted(part.value)})`, "\t\tcheck(err)", `\t\tpart, err := form.CreateFormFile(${quoted(part.key)}, ${quoted(baseName(part.value))})`, "\t\tcheck(err)", "\t\t_, err = io.Copy(part, file)", "\t\tcheck(err)", "\t\tfile.Close()", "\t}"];
  };
  const lines = ["\tvar body bytes.Buffer", "\tform := multipart.NewWriter(&body)", ...parts.flatMap(add), "\tcheck(form.Close())"];
  return { imports: ["bytes", "mime/multipart", ...(files ? ["os"] : [])], lines, reader: "&body", type: "form.FormDataContentType()" };
}

export const TARGETS: readonly Target[] = [
  { id: "curl", label: "curl", language: "text", write: curl },
  { id: "javascript", label: "JavaScript fetch", language: "javascript", write: javascript },
  { id: "python", label: "Python requests", language: "text", write: python },
  { id: "rust", label: "Rust reqwest", language: "text", write: reqwest },
  { id: "go", label: "Go", language: "text", write: go },
];
