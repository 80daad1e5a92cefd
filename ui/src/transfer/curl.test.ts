import { expect, test } from "vitest";
import { at, textAt } from "../state/json";
import { fromCurl, shellWords } from "./curl";

const read = (text: string) => fromCurl(text)!.document["request"];

test("words are cut as a shell cuts them", () => {
  expect(shellWords(`a 'b c' "d \\"e\\" $x" f\\ g $'h\\u0041\\n' i'j'"k" \\\n l | rest`)).toEqual(["a", "b c", 'd "e" $x', "f g", "hA\n", "ijk", "l"]);
  expect(shellWords("a 'never closed")).toBeNull();
  expect(shellWords("''")).toEqual([""]);
});

test("what a browser copies comes in whole", () => {
  const request = read(`curl 'https://api.test/a?b=1' -X 'PATCH' -H 'accept: */*' -H 'content-type: application/json' --data-raw $'{"it\\'s":1}' --compressed`);
  expect(request).toEqual({
    method: "PATCH",
    url: { raw: "https://api.test/a?b=1" },
    header: [{ key: "accept", value: "*/*" }, { key: "content-type", value: "application/json" }],
    body: { mode: "raw", raw: `{"it's":1}`, options: { raw: { language: "json" } } },
  });
});

test("data makes a form and a POST, and goes into the query with -G", () => {
  expect(read("curl -d a=1 -d 'b=x+y' https://t")).toMatchObject({ method: "POST", body: { mode: "urlencoded", urlencoded: [{ key: "a", value: "1" }, { key: "b", value: "x y" }] } });
  expect(read("curl -sSLG https://t/?z=0 --data-urlencode 'q=a b&c'")).toMatchObject({ method: "GET", url: { raw: "https://t/?z=0&q=a%20b%26c" } });
  expect(read(`curl -XPOST https://t -d '{"a":1}'`)).toMatchObject({ body: { mode: "raw", options: { raw: { language: "json" } } } });
});

test("files, forms and names are taken over, and what is not is told", () => {
  const made = fromCurl(`curl -k -u me:pa:ss --form 'f=@"/a b.png";type=image/png' -F t=x https://t/up/ --retry 3`)!;
  expect(at(made.document, ["request", "body"])).toEqual({ mode: "formdata", formdata: [{ key: "f", type: "file", src: "/a b.png", contentType: "image/png" }, { key: "t", type: "text", value: "x" }] });
  expect(textAt(made.document, ["request", "auth", "basic", 1, "value"])).toBe("pa:ss");
  expect(made.document["name"]).toBe("up");
  expect(made.notes).toEqual(["--insecure is not taken over: certificates are checked.", "--retry is not taken over."]);
});

test("what is no curl command is none", () => {
  for (const text of ["", "curly", "curl", "curl -X GET", "wget https://x", "curl 'https://x"]) expect(fromCurl(text), text).toBeNull();
});
