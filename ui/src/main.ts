// Starts the page on the host that it finds: the local agent, or for work on the page a workspace in memory.

import { mount } from "svelte";
import App from "./app.svelte";
import type { Host } from "./host/host";
import { browserShelf } from "./state/drafts";
import { Workbench } from "./state/workbench.svelte";
import "./theme.css";

async function host(): Promise<Host> {
  const wanted = new URLSearchParams(location.search);
  if (wanted.get("host") === "memory") {
    const { MemoryHost } = await import("./host/memory");
    const memory = new MemoryHost({ big: Number(wanted.get("big") ?? 0), signedOut: wanted.has("signedOut") });
    if (import.meta.env.DEV || wanted.has("hooks")) Object.assign(window, { memory });
    return memory;
  }
  const { connectAgent } = await import("./host/agent");
  return connectAgent(location);
}

async function start(): Promise<void> {
  const bench = new Workbench(await host(), browserShelf());
  mount(App, { target: document.getElementById("app")!, props: { bench } });
  await bench.start();
}

void start();
