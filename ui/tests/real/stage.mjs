// Real programs for the flows: a server, apps with homes of their own, and a browser context for each.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BIN = process.env.SATCHEL_BIN ?? new URL("../../../target/debug", import.meta.url).pathname;
/// For work on the page: its files come from this folder in place of the program, with all else as the program says it.
const PAGE = process.env.SATCHEL_PAGE;
export const PASSWORD = "a password for the flows";
/// How long a program may take to say that it is there.
const START_MS = 30_000;

export class Stage {
  static async set() {
    for (const name of ["satchel", "satchel-server"])
      if (!existsSync(join(BIN, name))) throw new Error(`${join(BIN, name)} is missing: run \`cargo build -p satchel-app -p satchel-server\``);
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    const args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP rebound.test 127.0.0.1"];
    // A page from a folder has no address, so the browser would not let it at this machine's own.
    if (PAGE) args.push("--disable-features=LocalNetworkAccessChecks");
    const browser = await chromium.launch({ executablePath, headless: true, args });
    return new Stage(browser);
  }

  constructor(browser) {
    this.browser = browser;
    this.folder = mkdtempSync(join(tmpdir(), "satchel-flows-"));
    this.running = [];
    this.apps = new Map();
    this.server = null;
  }

  /// Starts the server, on the address of before where there was one.
  async startServer() {
    const listen = this.server?.url.replace("http://", "") ?? "127.0.0.1:0";
    const process = this.run("satchel-server", ["--data", join(this.folder, "server"), "--listen", listen], {});
    const [, url] = await process.says(/listening on (\S+)/);
    this.server = { url, process };
    return url;
  }

  stopServer() {
    return this.server.process.stop();
  }

  /// Starts `satchel app` and opens its page in a context of its own; the time until the program had its address.
  async openApp(name, options = {}) {
    const app = this.apps.get(name) ?? { home: this.home(name) };
    const begun = performance.now();
    app.process = this.run("satchel", ["app", "--no-open"], { SATCHEL_HOME: app.home });
    [app.url] = await app.process.says(/http:\/\/127\.0\.0\.1:\d+\/#code=\S+/);
    app.startedMs = performance.now() - begun;
    app.origin = new URL(app.url).origin;
    app.context ??= await this.browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
    if (PAGE) await fromFolder(app.context, app.origin);
    app.page = await this.openPage(app, app.url);
    this.apps.set(name, app);
    return app;
  }

  async openPage(app, url) {
    const page = await app.context.newPage();
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error.stack ?? error.message));
    page.setDefaultTimeout(20_000);
    await page.goto(url);
    await page.locator(".cloud").waitFor();
    return page;
  }

  /// The command line beside an app.
  cli(app, words, input = "") {
    return new Promise((done, fail) => {
      const child = execFile(join(BIN, "satchel"), words, { env: this.environment({ SATCHEL_HOME: app.home }), maxBuffer: 64 << 20 }, (error, out, said) => (error ? fail(new Error(`satchel ${words[0]}: ${said || error.message}`)) : done(out)));
      child.stdin.end(input);
    });
  }

  home(name) {
    const home = join(this.folder, name);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    return home;
  }

  environment(more) {
    return { ...process.env, SATCHEL_KEYRING: "off", NO_COLOR: "1", ...more };
  }

  run(name, words, environment) {
    const child = spawn(join(BIN, name), words, { env: this.environment(environment), stdio: ["ignore", "pipe", "pipe"] });
    const program = new Program(name, child);
    this.running.push(program);
    return program;
  }

  async strike() {
    await this.browser.close();
    for (const program of this.running) await program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function fromFolder(context, origin) {
  const own = new RegExp(`^${origin}/(assets/.*)?$`);
  await context.route(own, async (route) => {
    const { pathname } = new URL(route.request().url());
    const policy = (await fetch(`${origin}/`)).headers.get("content-security-policy");
    const file = join(PAGE, pathname === "/" ? "index.html" : pathname);
    const kind = { html: "text/html", js: "text/javascript", css: "text/css" }[file.split(".").pop()];
    await route.fulfill({ body: readFileSync(file), headers: { "content-type": kind, "content-security-policy": policy } });
  });
}

class Program {
  constructor(name, child) {
    this.name = name;
    this.child = child;
    this.out = "";
    this.said = "";
    child.stdout.on("data", (bytes) => (this.out += bytes));
    child.stderr.on("data", (bytes) => (this.said += bytes));
    this.ended = new Promise((done) => child.once("exit", done));
  }

  /// Waits until the program says something.
  says(words) {
    return new Promise((done, fail) => {
      const why = () => fail(new Error(`${this.name} did not say ${words}:\n${this.out}${this.said}`));
      const timer = setTimeout(why, START_MS);
      const look = () => {
        const found = words.exec(this.out);
        if (!found) return;
        clearTimeout(timer);
        this.child.stdout.off("data", look);
        done(found);
      };
      this.child.stdout.on("data", look);
      this.child.once("exit", why);
      look();
    });
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
  }

  /// Resident memory, in megabytes.
  async memory() {
    const { readFile } = await import("node:fs/promises");
    const status = await readFile(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
  }
}
