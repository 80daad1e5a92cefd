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

  constructor(private readonly url: string) {
    this.open();
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

  private open(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
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
    setTimeout(() => this.open(), RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)]);
  }

  private tell(event: HostEvent): void {
    for (const on of this.listeners) on(event);
  }
}

export function connectAgent(location: Location): Host {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new AgentHost(`${scheme}://${location.host}/host`);
}
