// Who else may try the page's port, tried in a real browser that holds a page of it: other sites, other names, forms, and
// whoever takes the port when the agent is gone.
import assert from "node:assert/strict";
import { createServer } from "node:http";

/// Another site of this machine. `rebound.test` leads to it too, as a name that was bound anew would.
async function startSite(port = 0) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    response.setHeader("content-type", "text/html").end("<!doctype html><title>Another site</title><p>Another site</p>");
  });
  server.on("upgrade", (request, socket) => { asked.push(request.headers); socket.destroy(); });
  await new Promise((done, fail) => server.once("error", fail).listen(port, "127.0.0.1", done));
  const close = () => { server.closeAllConnections(); return new Promise((done) => server.close(done)); };
  return { port: server.address().port, asked, close };
}

const socketFrom = (page, url) => page.evaluate((url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => done("opened");
  socket.onerror = () => done("refused");
}), url);

export const GATE = {
  "a name that was bound anew does not reach the page": async ({ a }) => {
    const page = await a.context.newPage();
    const response = await page.goto(a.origin.replace("127.0.0.1", "rebound.test"));
    assert.equal(response.status(), 421);
    assert.ok(!(await page.content()).includes("Satchel"));
    await page.close();
  },
  "another site opens no socket, reads nothing and posts nothing": async ({ a }) => {
    const site = await startSite();
    const socket = `${a.origin.replace("http", "ws")}/host`;
    for (const host of ["127.0.0.1", "localhost", "rebound.test"]) {
      const page = await a.context.newPage();
      await page.goto(`http://${host}:${site.port}/`);
      assert.equal(await socketFrom(page, socket), "refused", host);
      const read = await page.evaluate((url) => fetch(url, { credentials: "include" }).then(() => "read", () => "refused"), `${a.origin}/`);
      assert.equal(read, "refused", host);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url() === `${a.origin}/session`),
        page.evaluate((origin) => {
          document.body.innerHTML = `<form method="post" enctype="text/plain" action="${origin}/session"><input name='{"code":"0","x":"' value='"}'></form>`;
          document.forms[0].submit();
        }, a.origin),
      ]);
      assert.equal(answer.status(), 403, host);
      await page.close();
      const framing = await a.context.newPage();
      await framing.goto(`http://${host}:${site.port}/`);
      await framing.evaluate((url) => { document.body.innerHTML = `<iframe src="${url}/"></iframe>`; }, a.origin);
      await framing.waitForTimeout(300);
      assert.ok(!(await framing.frames().at(-1).content().catch(() => "")).includes("id=\"app\""), host);
      await framing.close();
    }
    // The page itself still works.
    assert.equal(await socketFrom(a.page, socket), "opened");
    await site.close();
  },
  "the code is nowhere: not in the address, not in what is asked for": async ({ a }) => {
    assert.equal(new URL(a.page.url()).hash, "");
    const asked = [];
    a.page.on("request", (request) => asked.push(request.url()));
    await a.page.reload();
    await a.page.locator(".cloud").waitFor();
    const secrets = [new URL(a.url).hash.slice("#code=".length), await a.page.evaluate(() => localStorage.getItem("satchel.key"))];
    assert.ok(asked.length > 0 && secrets.every((one) => one.length === 64));
    assert.ok(!asked.some((url) => secrets.some((one) => url.includes(one))));
    assert.ok(!(await a.page.evaluate(() => document.cookie)).includes("satchel"));
  },
  "who takes the port of an agent that ended gets no session, and the page says what to do": async ({ a, stage }) => {
    const cookies = await a.context.cookies();
    const key = await a.page.evaluate(() => localStorage.getItem("satchel.key"));
    const port = Number(new URL(a.origin).port);
    await a.process.stop();
    await a.page.getByText(/The local agent does not answer/).waitFor();
    const squatter = await startSite(port);
    await a.page.waitForTimeout(1_500);
    assert.ok(squatter.asked.some((headers) => headers.upgrade === "websocket"), "the page tries to come back");
    await squatter.close();
    // The agent comes back on its port: what the squatter was told is worth nothing.
    const old = a.page;
    await stage.openApp("a");
    assert.equal(new URL(a.url).port, String(port));
    const thief = await stage.browser.newContext();
    await thief.addCookies(cookies);
    const page = await thief.newPage();
    await page.goto(a.origin);
    const heard = await page.evaluate(([url, key]) => new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => socket.send(JSON.stringify({ key }));
      socket.onmessage = () => done("heard something");
      socket.onclose = () => done("closed");
    }), [`${a.origin.replace("http", "ws")}/host`, key]);
    assert.equal(heard, "closed");
    await thief.close();
    await old.close();
  },
  "a page without a session says how to open it": async ({ stage }) => {
    const context = await stage.browser.newContext();
    const page = await context.newPage();
    await page.goto(stage.apps.get("a").origin);
    await page.getByText(/open the page again with/).waitFor();
    await context.close();
  },
};
