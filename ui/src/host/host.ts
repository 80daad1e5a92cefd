// The one interface that the page talks to: a local agent, a WebAssembly client, or a workspace in memory.

import type { ApiError, Call, PageCall, PageEvent, PageReply, Reply } from "./api";

export type HostCall = Call | PageCall;
export type HostReply = Reply | PageReply;

/// One call, with what all calls share: `Request` of the api, for the page's own calls too.
export interface HostRequest { workspace: string | null; wait_ms: number; call: HostCall }

/// What the host tells by itself.
export type HostEvent =
  | PageEvent
  /// Whether the host answers: the page's own connection to the agent. Over means that it never will again: the page must
  /// be opened anew.
  | { event: "link"; up: boolean; over?: boolean };

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

/// How long a changing call waits for the server's acknowledgement: not at all, the cloud icon tells of it. Who signs in
/// waits a moment for the workspaces.
const WAIT_MS: Partial<Record<HostCall["call"], number>> = { sign_in: 10_000, sign_up: 10_000, recover: 10_000 };

type ReplyNamed<K extends HostReply["reply"]> = Extract<HostReply, { reply: K }>;

/// Makes a call and gives its reply, which must be of the kind that the call promises.
export async function ask<K extends HostReply["reply"]>(
  host: Host,
  workspace: string | null,
  call: HostCall,
  expected: K,
): Promise<ReplyNamed<K>> {
  const reply = await host.call({ workspace, wait_ms: WAIT_MS[call.call] ?? 0, call });
  if (reply.reply === expected) return reply as ReplyNamed<K>;
  throw apiError("internal", call.call, `the host replied ${reply.reply} in place of ${expected}`);
}
