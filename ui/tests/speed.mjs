// Measures the page over ten thousand requests in memory: opening a request, typing, scrolling the tree, memory.
// Usage: npm run build && node tests/speed.mjs
import { open } from "./serving.mjs";

const { url, browser, close } = await open();
const page = await browser.newPage();
await page.setViewportSize({ width: 1400, height: 860 });
const started = Date.now();
await page.goto(`${url}?host=memory&big=10000&hooks=1`);
await page.getByRole("treeitem").first().waitFor();
console.log(`first tree: ${Date.now() - started} ms with loading the browser's page`);

await page.getByRole("button", { name: /^Workspace:/ }).click();
await page.getByRole("menuitem", { name: "10,000 requests" }).click();
await page.getByRole("treeitem", { name: "Service 1" }).first().waitFor();
const tree = page.getByRole("tree");
await tree.focus();

// Each sample: from the event to the second frame after it, when what it did is on the screen.
await page.evaluate(() => {
  window.samples = [];
  window.sample = (act) => new Promise((done) => {
    const from = performance.now();
    act();
    requestAnimationFrame(() => { const channel = new MessageChannel(); channel.port1.onmessage = () => { window.samples.push(performance.now() - from); done(); }; channel.port2.postMessage(0); });
  });
});
const report = (name) => page.evaluate((name) => {
  const sorted = window.samples.splice(0).sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  return `${name}: median ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(1)} ms (${sorted.length})`;
}, name).then(console.log);

await page.keyboard.press("ArrowDown");
await page.keyboard.press("ArrowRight");
await page.evaluate(async () => {
  const rows = () => [...document.querySelectorAll('[role="treeitem"]')];
  for (let n = 0; n < 20; n++) {
    const row = rows().filter((one) => /\b(GET|POST|PUT|PATCH|DELETE|DEL)\b/.test(one.textContent))[n];
    if (row) await window.sample(() => row.click());
    await new Promise((done) => setTimeout(done, 60));
  }
});
await report("open a request");
await page.evaluate(async () => {
  const input = document.querySelector("[data-url-bar]");
  input.focus();
  for (let n = 0; n < 60; n++) {
    await window.sample(() => { input.value += "x"; input.dispatchEvent(new InputEvent("input", { bubbles: true })); });
    await new Promise((done) => setTimeout(done, 20));
  }
});
await report("a key in the URL, to the frame");
await page.evaluate(async () => {
  const tree = document.querySelector('[role="tree"]');
  for (let n = 0; n < 60; n++) await window.sample(() => (tree.scrollTop += 400));
});
await report("a step of scrolling");
console.log(`rows in the page: ${await page.getByRole("treeitem").count()}`);
console.log(`JavaScript heap: ${await page.evaluate(() => Math.round(performance.memory.usedJSHeapSize / 1e6))} MB`);
await close();
