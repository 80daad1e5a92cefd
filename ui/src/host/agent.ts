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

  /// `key` is what the agent gave for the code: the first word on every connection.
  constructor(private readonly url: string, private readonly key: Promise<string>) {
    void this.open();
  }

  call(request: HostRequest): Promise<HostReply> {
    const id = this.next++;
    const text = JSON.stringify({ id, request });
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
    const key = await this.key;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      socket.send(JSON.stringify({ key }));
      for (const text of this.unsent.splice(0)) socket.send(text);
      this.tell({ event: "link", up: true });
    };
    socket.onmessage = (message) => this.receive(String(message.data));
    socket.onclose = () => this.lost();
  }

  private receive(text: string): void {
    const message = JSON.parse(text);
    if (typeof message.id !== "number") return this.tell(message as HostEvent);
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) waiting?.reject(message.error);
    else waiting?.resolve(message.reply);
  }

  /// What was under way may or may not have happened: its callers are told so.
  private lost(): void {
    this.tell({ event: "link", up: false });
    for (const waiting of this.waiting.values()) waiting.reject(apiError("locked", "asking the agent", "the agent went away"));
    this.waiting.clear();
    this.unsent.length = 0;
    setTimeout(() => void this.open(), RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)]);
  }

  private tell(event: HostEvent): void {
    for (const on of this.listeners) on(event);
  }
}

const KEY = "satchel.key";

/// Gives the code of the address for a cookie and a key, once, and takes it out of the address at once. The key
/// is kept for reloads: cookies go to every port of this host, the storage belongs to this one.
async function enter(location: Location): Promise<string> {
  const code = /^#code=([0-9a-f]+)$/.exec(location.hash)?.[1];
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    const headers = { "content-type": "application/json" };
    const response = await fetch("/session", { method: "POST", headers, body: JSON.stringify({ code }) }).catch(() => null);
    if (response?.ok) localStorage.setItem(KEY, (await response.json()).key);
  }
  return localStorage.getItem(KEY) ?? "";
}

export function connectAgent(location: Location): Host {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new AgentHost(`${scheme}://${location.host}/host`, enter(location));
}
