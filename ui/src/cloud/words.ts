// The cloud in words: what a state means, what waits, and what to do about it.

import type { Pending, State, WorkspaceStatus } from "../host/api";

export type Tone = "good" | "busy" | "quiet" | "bad";

export const TONES: Readonly<Record<State, Tone>> = { in_sync: "good", syncing: "busy", connecting: "busy", offline: "quiet", error: "bad" };

type Stated = Pick<WorkspaceStatus, "state" | "reason">;

const NOTHING: WorkspaceStatus = { id: "", name: "", state: "connecting", reason: null, detail: null, pending: { up: 0, down: 0 }, conflicts: 0, set_aside: [], seq: 0, role: null, kind: null, team: null, members: 0, drafts: 0 };

/// What the cloud shows: without an agent nothing is known but what was last heard; the Scratch Pad of someone who is
/// signed out says so.
export function shownState(here: WorkspaceStatus | null, linked: boolean, signedOut = false): WorkspaceStatus {
  const told = here ?? NOTHING;
  const known = signedOut && told.reason === "scratch" ? { ...told, reason: "signed_out" } : told;
  return linked ? known : { ...known, state: "offline", reason: "no_agent", detail: "The local agent does not answer." };
}

/// With the strict setting a workspace is closed while the server cannot be reached; the Scratch Pad never is.
export function isClosedOffline(strict: boolean, workspace: string, here: WorkspaceStatus | null): boolean {
  return strict && workspace !== "scratch" && here?.state === "offline" && here.reason === "disconnected";
}

export function stateWords({ state, reason }: Stated): string {
  if (reason === "scratch" || (state === "offline" && reason === null)) return "On this device";
  if (state === "in_sync") return "In sync";
  if (state === "syncing") return "Syncing";
  if (state === "connecting") return "Connecting";
  if (state === "error") return "Error";
  if (reason === "no_agent") return "No agent";
  return reason === "signed_out" ? "Signed out" : "Offline";
}

interface Advice { layer: string; todo: string }

const ADVICE: Readonly<Record<string, Advice>> = {
  certificate: { layer: "Secure connection", todo: "Check the server's certificate, or add its authority in the settings." },
  version: { layer: "Protocol", todo: "Update Satchel here or on the server." },
  quota: { layer: "Server", todo: "Ask the server's owner for room, or empty the trash." },
  server_full: { layer: "Server", todo: "Ask the server's owner for room, or empty the trash." },
  app_limit: { layer: "Account", todo: "Three apps are connected. Take one's place; nothing here is lost." },
  evicted: { layer: "Account", todo: "Another app took this place. Take a place back; nothing here is lost." },
  session_ended: { layer: "Account", todo: "Sign in again; nothing here is lost." },
  damaged: { layer: "Local data", todo: "Reload from the server." },
  forged: { layer: "Server", todo: "Something signed by nobody was shown and not applied. Ask the server's owner; your copy here is safe." },
  rolled_back: { layer: "Server", todo: "The server shows an older history than before. Ask its owner whether a backup was restored; your copy here is safe." },
  forked: { layer: "Server", todo: "The server shows another history than before. Ask its owner; your copy here is safe." },
  too_large: { layer: "One item", todo: "Make the item smaller; everything else goes on." },
  refused: { layer: "Server", todo: "Ask the server's owner why it refuses; everything else goes on." },
  set_aside: { layer: "Some items", todo: "They are listed below; everything else goes on. Reload may mend them." },
  gone: { layer: "Workspace", todo: "It was deleted, or you were removed. Export what you have here." },
  not_satchel: { layer: "Network", todo: "Something else answers at the server's address, perhaps a proxy's sign-in page." },
  throttled: { layer: "Server", todo: "Nothing: it is tried again in a while." },
  local_store: { layer: "Local disk", todo: "Free some space on this machine." },
  disconnected: { layer: "Network", todo: "Edits are kept and go out when the server answers." },
  signed_out: { layer: "Account", todo: "Sign in to sync. Until then everything stays on this device, in the Scratch Pad." },
  no_agent: { layer: "This machine", todo: "Start it again; edits in open tabs are kept here." },
  scratch: { layer: "Scratch Pad", todo: "This workspace never leaves this device." },
};

export function advice({ state, reason }: Stated): Advice | null {
  if (reason !== null && ADVICE[reason]) return ADVICE[reason];
  return state === "error" ? { layer: "Sync", todo: "Try to sync now; if it stays, run `satchel doctor`." } : null;
}

export function pendingWords({ up, down }: Pending): string {
  const parts = [up > 0 ? `${count(up, "change")} to send` : "", down > 0 ? `${count(down, "change")} to receive` : ""];
  return parts.filter(Boolean).join(", ") || "Nothing waits";
}

export const count = (n: number, word: string): string => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

/// `just now`, `4 minutes ago`, then the date.
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${count(seconds, "second")} ago`;
  if (seconds < 3600) return `${count(Math.floor(seconds / 60), "minute")} ago`;
  if (seconds < 86_400) return `${count(Math.floor(seconds / 3600), "hour")} ago`;
  return new Date(then).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}
