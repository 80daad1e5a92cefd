/// <reference types="node" />
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { Json } from "../host/api";
import { layered } from "../state/variables";
import { plainOf, type Plain } from "./plain";
import { quoted, rust, sh, TARGETS } from "./write";

const NASTY = ["it's", 'say "hi"', "back\\slash", "$HOME `id` $(id) !x", "two\nlines\r\n", "tab\tend", "Größe 日本 😀", "--data @file", "%s {{x}}", "\u2028\u007f\u0001"];
const lookup = layered([{ source: "e", variables: [{ name: "base", value: "https://api.test", secret: false }, { name: "token", value: "hunter2", secret: true }] }]);
const request = (request: Json): Plain => plainOf({ name: "x", request }, [], lookup) as Plain;

function written(id: string, plain: Plain): string {
  const made = TARGETS.find((one) => one.id === id)!.write(plain);
  return "code" in made ? made.code : `refused: ${made.refused}`;
}

test("a shell, JavaScript and Python read back exactly what was quoted", () => {
  const words = execFileSync("sh", ["-c", `printf '%s\\0' ${NASTY.map(sh).join(" ")}`]).toString().split("\0").slice(0, -1);
  expect(words).toEqual(NASTY);
  expect(NASTY.map((text) => (0, eval)(quoted(text)))).toEqual(NASTY);
  expect(JSON.parse(quoted("\u2028"))).toBe("\u2028");
});

test("Rust strings have no escapes that Rust does not know", () => {
  expect(rust('a"\\\n\r\t\u0001\u2028😀')).toBe('"a\\"\\\\\\n\\r\\t\\u{1}\\u{2028}😀"');
});

test("curl sends the body as it is, whatever it begins with", () => {
  const code = written("curl", request({ method: "POST", url: "{{base}}/a", header: [{ key: "X-Empty", value: "" }], body: { mode: "raw", raw: "@it's\n", options: { raw: { language: "json" } } } }));
  expect(code).toBe("curl --url 'https://api.test/a' \\\n  --request 'POST' \\\n  --header 'X-Empty;' \\\n  --header 'Content-Type: application/json' \\\n  --data-raw '@it'\\''s\n'");
});

test("every language says method, URL, header and body", () => {
  const plain = request({ method: "PUT", url: "{{base}}/é a?q=1", header: [{ key: "X-A", value: "b" }, { key: "Off", value: "x", disabled: true }], body: { mode: "raw", raw: "hello" } });
  for (const { id } of TARGETS) {
    const code = written(id, plain);
    for (const wanted of ["PUT", "https://api.test/%C3%A9%20a?q=1", "X-A", "hello"]) expect(code, id).toContain(wanted);
    expect(code, id).not.toContain("Off");
  }
});

test("forms keep their fields and files", () => {
  const form = request({ method: "POST", url: "{{base}}", body: { mode: "urlencoded", urlencoded: [{ key: "a&b", value: "c=d" }] } });
  expect(written("curl", form)).toContain("--data-urlencode 'a%26b=c=d'");
  expect(written("go", form)).toContain('form.Add("a&b", "c=d")');
  const parts = request({ method: "POST", url: "{{base}}", body: { mode: "formdata", formdata: [{ key: "f", type: "file", src: ['/tmp/q"u.png'] }, { key: "t", value: "@x;y", type: "text" }] } });
  expect(written("curl", parts)).toContain(`--form 'f=@"/tmp/q\\"u.png"'`);
  expect(written("curl", parts)).toContain("--form-string 't=@x;y'");
  for (const id of ["javascript", "python", "rust", "go"]) expect(written(id, parts), id).toContain('q\\"u.png');
});

test("secrets stay names, and are told of", () => {
  const plain = request({ method: "GET", url: "{{base}}", auth: { type: "bearer", bearer: [{ key: "token", value: "{{token}}" }] } });
  const code = written("python", plain);
  expect(code).toContain("Bearer {{token}}");
  expect(code).not.toContain("hunter2");
  expect(plain.notes.join()).toContain("{{name}}");
});

test("auth is inherited, and one that is computed when sent is told of", () => {
  const above = [{ id: "c", name: "C", document: { auth: { type: "basic", basic: [{ key: "username", value: "ü" }, { key: "password", value: "p" }] } } as Json }];
  const plain = plainOf({ request: { url: "x.test" } }, above, lookup) as Plain;
  expect(plain.headers).toEqual([["Authorization", "Basic w7w6cA=="]]);
  expect(plain.url).toBe("http://x.test");
  expect(request({ url: "x", auth: { type: "awsv4", awsv4: [] } }).notes[0]).toContain("awsv4");
  expect(request({ url: "x?a=1", auth: { type: "apikey", apikey: [{ key: "key", value: "k" }, { key: "value", value: "a b" }, { key: "in", value: "query" }] } }).url).toBe("http://x?a=1&k=a%20b");
});

test("what no code can say is refused in words", () => {
  const refused = (request: Json) => (plainOf({ request }, [], lookup) as { refused: string }).refused;
  expect(refused({ url: "x", method: "POST", body: { mode: "raw", raw: "a\0b" } })).toContain("binary");
  expect(refused({ url: "x", header: [{ key: "A", value: "b\r\nEvil: 1" }] })).toContain("line break");
  expect(refused({ url: "" })).toContain("no URL");
  expect(refused({ url: "x", method: "GE T" })).toContain("GE T");
});

test("path variables, GraphQL and half characters are put in", () => {
  expect(request({ url: { raw: "{{base}}/u/:id", variable: [{ key: "id", value: "a/b" }] } }).url).toBe("https://api.test/u/a%2Fb");
  const plain = request({ method: "POST", url: "x", body: { mode: "graphql", graphql: { query: "{ a }", variables: '{"n":1}' } } });
  expect(plain.body).toEqual({ kind: "text", text: '{"query":"{ a }","variables":{"n":1}}' });
  expect(request({ url: "x", body: { mode: "raw", raw: "\ud800" } }).body).toEqual({ kind: "text", text: "\uFFFD" });
});
