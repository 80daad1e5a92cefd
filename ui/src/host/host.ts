// The one interface that the page talks to: a local agent, a WebAssembly client, or a workspace in memory.

import type { ApiError, Call, ItemView, Progress, Reply, Status } from "./api";
import type { SendCall, SentReply, StopCall } from "./send";

export type HostCall = Call | SendCall | StopCall;
export type HostReply = Reply | SentReply;

/// One call, with what all calls share: `Request` of the api, and the calls of `send.ts`.
export interface HostRequest { workspace: string | null; wait_ms: number; call: HostCall }

/// What the host tells by itself.
export type HostEvent =
  /// A state or a count changed.
  | { event: "status"; status: Status }
  /// Items changed, here or elsewhere. An item that is gone is named by `removed`. Both empty: read everything again.
  | { event: "changed"; workspace: string; items: ItemView[]; removed: string[] }
  /// Long work goes on.
  | ({ event: "progress"; run: string | null } & Progress)
  /// Whether the host answers: the page's own connection to the agent.
  | { event: "link"; up: boolean };

export interface Host {
  /// Rejects with an `ApiError`.
  call(request: HostRequest): Promise<HostReply>;
  /// Calls back for every event; the result ends it.
  events(on: (event: HostEvent) => void): () => void;
}

export function isApiError(thrown: unknown): thrown is ApiError {
  return typeof thrown === "object" && thrown !== null && "kind" in thrown && "tried" in thrown;
}

export function apiError(kind: ApiError["kind"], tried: string, detail: string): ApiError {
  return { kind, tried, detail, apps: [], count: 0, candidates: [] };
}

/// How long a changing call waits for the server's acknowledgement: not at all, the cloud icon tells of it.
const WAIT_MS = 0;

type ReplyNamed<K extends HostReply["reply"]> = Extract<HostReply, { reply: K }>;

/// Makes a call and gives its reply, which must be of the kind that the call promises.
export async function ask<K extends HostReply["reply"]>(
  host: Host,
  workspace: string | null,
  call: HostCall,
  expected: K,
): Promise<ReplyNamed<K>> {
  const reply = await host.call({ workspace, wait_ms: WAIT_MS, call });
  if (reply.reply === expected) return reply as ReplyNamed<K>;
  throw apiError("internal", call.call, `the host replied ${reply.reply} in place of ${expected}`);
}
