import { expect, test } from "vitest";
import { bytesOf } from "./files";

test("an exported file gives its bytes, text or base64", () => {
  expect([...bytesOf({ name: "a", content: "hé", text: true })]).toEqual([104, 195, 169]);
  expect([...bytesOf({ name: "a", content: "AP8=", text: false })]).toEqual([0, 255]);
});
