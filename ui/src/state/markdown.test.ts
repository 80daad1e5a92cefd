// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { markdown } from "./markdown";

test("what Markdown means is shown", () => {
  expect(markdown("**a** `b`")).toContain("<strong>a</strong> <code>b</code>");
  expect(markdown("| a |\n| --- |\n| b |")).toContain("<td>b</td>");
  expect(markdown("[x](https://e.com)")).toContain('rel="noopener noreferrer"');
});

test("nothing runs and nothing is fetched", () => {
  const attacks = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "[x](data:text/html,<b>)", "![p](https://e.com/pixel.png)", "<javascript:alert(1)>", "[x]: javascript:alert(1)\n\n[x]", '[a](https://e.com "\\" onmouseover=alert(1)")'];
  for (const attack of attacks) {
    const holder = document.createElement("div");
    holder.innerHTML = markdown(attack);
    expect(holder.querySelector("script, img, iframe, object, [onerror], [onmouseover]"), attack).toBeNull();
    for (const link of holder.querySelectorAll("a")) expect(link.getAttribute("href")).toMatch(/^https?:/);
  }
});
