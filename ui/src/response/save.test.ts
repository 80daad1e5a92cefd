import { expect, test } from "vitest";
import { bytesOf, fileName, previewPage } from "./save";

const text = (content: string) => ({ text: content, base64: null, truncated: false });

test("a file name is safe everywhere", () => {
  expect(fileName("Get cart", "application/json; charset=utf-8")).toBe("Get cart.json");
  expect(fileName("../../etc/passwd", "")).toBe("_.._etc_passwd.txt");
  expect(fileName("...", "image/png")).toBe("response.png");
});

test("a preview forbids everything before the body begins", () => {
  const page = previewPage(text("<script>x</script>"), "text/html");
  expect(page.indexOf("Content-Security-Policy")).toBeLessThan(page.indexOf("<script>"));
  expect(page).toContain("default-src 'none'");
  expect(previewPage(text("<b>"), "text/plain")).toContain("&lt;b>");
});

test("bytes come back from base64", () => {
  expect([...bytesOf({ text: null, base64: "AP8=", truncated: false })]).toEqual([0, 255]);
});
