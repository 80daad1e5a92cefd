import { expect, test } from "vitest";
import { base64, fromFiles, nameFromUrl, pastedKind } from "./gather";
import { countsWords, effectWords } from "./importing.svelte";

test("a pasted text is known by its beginning", () => {
  const kinds = ["curl https://x", "  $ curl -v x", '{"info":1}', "[1]", "https://x.test/a.json", "hello", "https://x and more"].map((text) => pastedKind(text).kind);
  expect(kinds).toEqual(["curl", "curl", "json", "json", "url", "other", "other"]);
  expect([nameFromUrl("https://x/a/b.json?c"), nameFromUrl("https://x/"), nameFromUrl("https://x:1")]).toEqual(["b.json", "fetched.json", "fetched.json"]);
});

test("files of folders count if they are likely, chosen ones always", () => {
  const file = (name: string, path: string) => Object.defineProperty(new File(["{}"], name), "webkitRelativePath", { value: path });
  const { given } = fromFiles([file("a.json", "f/a.json"), file("b.png", "f/b.png"), file("c.json", "f/.git/c.json"), file("d.bin", "")]);
  expect(given.map((one) => one.name)).toEqual(["f/a.json", "d.bin"]);
});

test("too many files are told once", () => {
  const many = Array.from({ length: 503 }, (_, n) => new File([], `${n}.json`));
  const { given, left } = fromFiles(many);
  expect([given.length, left.length]).toEqual([500, 1]);
});

test("bytes survive base64", async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, n) => n % 256);
  const back = Uint8Array.from(atob(await base64(new Blob([bytes]))), (sign) => sign.charCodeAt(0));
  expect(back).toEqual(bytes);
});

test("reports are told in words", () => {
  expect(countsWords([["collection", 1], ["request", 1200], ["globals", 1], ["folder", 0]])).toBe("1 collection, 1,200 requests, 1 globals");
  const report = { added: 3, changed: 0, trashed: 1, dry_run: true } as Parameters<typeof effectWords>[0];
  expect(effectWords(report)).toBe("Would be 3 added, 1 to the trash.");
  expect(effectWords({ ...report, added: 0, trashed: 0, dry_run: false })).toBe("Nothing changed.");
});
