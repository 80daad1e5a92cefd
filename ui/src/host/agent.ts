// The host behind a WebSocket on the page's own origin: the local agent.

import { apiError, type Host, type HostEvent, type HostReply, type HostRequest } from "./host";

interface Waiting { resolve(reply: HostReply): void; reject(error: unknown): void }

const RETRY_MS = [200, 500, 1000, 2000, 5000];

export class AgentHost implements Host {
  private socket: WebSocket | null = null;
  private next = 1;
  private failures = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly unsent: string[] = [];
  private readonly listeners = new Set<(event: HostEvent) => void>();

  private over = false;

  /// `entered` is done when the code was given for a key; `key` is the first word on every connection.
  constructor(private readonly url: string, private readonly entered: Promise<void>, private readonly key: () => string) {
    void this.open();
  }

  call(request: HostRequest): Promise<HostReply> {
    const id = this.next++;
    const text = JSON.stringify({ id, request });
    if (this.over) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
      else this.unsent.push(text);
    });
  }

  events(on: (event: HostEvent) => void): () => void {
    this.listeners.add(on);
    return () => this.listeners.delete(on);
  }

  private async open(): Promise<void> {
    await this.entered;
    const socket = new WebSocket(this.url);
    let opened = false;
    this.socket = socket;
    socket.onopen = () => {
      opened = true;
      socket.send(JSON.stringify({ key: this.key() }));
      for (const text of this.unsent.splice(0)) socket.send(text);
      this.tell({ event: "link", up: true });
    };
    socket.onmessage = (message) => {
      this.failures = 0;
      this.receive(String(message.data));
    };
    socket.onclose = () => void this.lost(opened);
  }

  private receive(text: string): void {
    const message = JSON.parse(text);
    if (typeof message.id !== "number") return this.tell(message as HostEvent);
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) waiting?.reject(message.error);
    else waiting?.resolve(message.reply);
  }

  /// What was under way may or may not have happened: its callers are told so. What was not sent yet goes with the
  /// next connection, unless there will be none.
  private async lost(opened: boolean): Promise<void> {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    this.unsent.length = 0;
    this.tell({ event: "link", up: false });
    // A browser does not say why a WebSocket was refused; this does.
    this.over = !opened && (await isRefused());
    if (this.over) waiting.push(...this.waiting.values());
    for (const one of waiting) one.reject(this.over ? gone() : away());
    if (this.over) return this.tell({ event: "link", up: false, over: true });
    setTimeout(() => void this.open(), RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)]);
  }

  private tell(event: HostEvent): void {
    for (const on of this.listeners) on(event);
  }
}

const away = () => apiError("locked", "asking the agent", "the agent went away");
const gone = () => apiError("session_ended", "asking the agent", "this page belongs to an agent that has ended: open it again with `satchel app`");

/// Whether the agent is there and does not know this browser.
async function isRefused(): Promise<boolean> {
  const response = await fetch("/session", { cache: "no-store" }).catch(() => null);
  return response?.status === 401;
}

const KEY = "satchel.key";

/// Gives the code of the address for a cookie and a key, once, and takes it out of the address at once. The key
/// is kept for reloads: cookies go to every port of this host, the storage belongs to this one.
async function enter(location: Location): Promise<void> {
  const code = /^#code=([0-9a-f]+)$/.exec(location.hash)?.[1];
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  const headers = { "content-type": "application/json" };
  const response = await fetch("/session", { method: "POST", headers, body: JSON.stringify({ code }) }).catch(() => null);
  if (response?.ok) localStorage.setItem(KEY, (await response.json()).key);
}

export function connectAgent(location: Location): Host {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new AgentHost(`${scheme}://${location.host}/host`, enter(location), () => localStorage.getItem(KEY) ?? "");
}
