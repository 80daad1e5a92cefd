// A failure in words: what was tried, why it failed, what to do.

import type { ErrorKind } from "../host/api";
import { isApiError } from "../host/host";

export interface Problem { what: string; why: string; todo: string }

const WORDS: Partial<Record<ErrorKind, [why: string, todo: string]>> = {
  not_found: ["It is not there any more.", "It may have been moved or deleted elsewhere; look in the trash."],
  exists: ["The name is taken.", "Choose another name."],
  invalid: ["The input cannot be used.", "Correct it and try again."],
  too_large: ["It is over a limit.", "Make it smaller, or split it."],
  bulk_not_marked: ["Many items would go.", "Confirm that you mean it."],
  signed_out: ["This needs an account.", "Sign in first."],
  unauthorized: ["The e-mail, password or code is wrong.", "Check it and try again."],
  throttled: ["Too many tries.", "Wait a minute."],
  unreachable: ["The server cannot be reached.", "Check the network; your work is kept here."],
  certificate: ["The server's certificate is not trusted.", "Check the address, or add the authority."],
  session_ended: ["The session was ended.", "Sign in again."],
  version: ["The versions do not fit.", "Update Satchel here or on the server."],
  refused: ["The server refused.", "Ask whoever runs it."],
  server_full: ["The server has no room.", "Ask whoever runs it."],
  damaged: ["Local data is damaged.", "Reload from the server."],
  local_store: ["The local disk is full or cannot be written.", "Free some space."],
  locked: ["The agent does not answer.", "Wait a moment, or start `satchel app` again."],
  no_history: ["The Scratch Pad keeps no history.", "Move the item to a workspace to have one."],
};

export function problemOf(thrown: unknown): Problem {
  if (!isApiError(thrown)) return { what: "Something went wrong", why: thrown instanceof Error ? thrown.message : String(thrown), todo: "Try again." };
  const [why, todo] = WORDS[thrown.kind] ?? ["It did not work.", "Try again."];
  const tried = thrown.tried || "it";
  return { what: `Failed: ${tried}`, why: thrown.detail ? `${why} (${thrown.detail})` : why, todo };
}
