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
  ambiguous: ["Several things have that name.", "Rename one, or choose by its place."],
  signed_in: ["This profile is signed in already.", "Sign out first."],
  sign_up_refused: ["The e-mail is in use, or this server takes no new accounts.", "Sign in, or ask whoever runs the server for an invitation."],
  not_satchel: ["What answers there is not a Satchel server.", "Check the address."],
  not_in_sync: ["Not everything reached the server in time.", "It goes on by itself; look at the cloud."],
  lying_server: ["The server shows another history than before.", "Your copy here is safe. Ask whoever runs the server."],
  keyring: ["The key in the system’s keyring cannot be had.", "Unlock the keyring and try again."],
  evicted: ["Another app took this app’s place.", "Take a place back; nothing here is lost."],
  app_limit: ["All places for apps are taken.", "Take the place of one."],
  changes_waiting: ["Changes wait that are not on the server.", "Sync first, or say what may be lost."],
  cannot_stand_both: ["Both values cannot stand.", "Choose one, or edit."],
  role_too_low: ["Your role does not allow it.", "Ask an admin for another role."],
  last_admin: ["It would be without an admin.", "Make another member an admin first, or delete it."],
  in_teams: ["The account is in teams.", "Leave them first."],
  invite_gone: ["The invitation was used, has ended, or never was.", "Ask for a new link: each is good for one person and seven days."],
  no_history: ["The Scratch Pad keeps no history.", "Move the item to a workspace to have one."],
};

export function problemOf(thrown: unknown): Problem {
  if (!isApiError(thrown)) return { what: "Something went wrong", why: thrown instanceof Error ? thrown.message : String(thrown), todo: "Try again." };
  const [why, todo] = WORDS[thrown.kind] ?? ["It did not work.", "Try again."];
  const tried = thrown.tried || "it";
  const which = thrown.candidates.length > 0 ? ` (${thrown.candidates.slice(0, 5).join(", ")})` : "";
  return { what: `Failed: ${tried}`, why: thrown.detail ? `${why.replace(/\.$/, "")}: ${thrown.detail.replace(/\.$/, "")}.` : why, todo: todo.replace(/\.$/, `${which}.`) };
}
