// Written by `cargo xtask codegen` from crates/client/src/api: change the Rust types and run it again.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/// A text that is never shown: passwords and recovery codes on their way in.
export type Secret = string;

/// One call, with what all calls share.
export interface Request {
  /// The workspace by name or id; `scratch` is the Scratch Pad; none is the one in use.
  workspace: string | null;
  /// How long a changing call waits for the server's acknowledgement, in milliseconds.
  wait_ms: number;
  /// What to do.
  call: Call;
}

/// What to do.
export type Call =
  /// Makes an account and signs in. Replies `Reply::SignedUp`.
  | { call: "sign_up"; server: string; email: string; password: Secret; app_name: string | null; invite: string | null }
  /// Signs in. Replies `Reply::SignedIn`.
  | { call: "sign_in"; server: string; email: string; password: Secret; app_name: string | null; take_over: string | null }
  /// Sets a new password by the recovery code and signs in. Replies `Reply::SignedUp` with a new code.
  | { call: "recover"; server: string; email: string; code: Secret; password: Secret; app_name: string | null }
  /// Drains, then destroys the account's local data. Fails with `ErrorKind::ChangesWaiting` when changes wait that may not be discarded. Replies `Reply::Done`.
  | { call: "sign_out"; discard: Discard }
  /// Replies `Reply::Status`; opens no connection.
  | { call: "status" }
  /// Connects if needed and waits until everything is in sync. Replies `Reply::Status`, or fails with `ErrorKind::NotInSync`.
  | { call: "sync"; timeout_ms: number }
  /// Fetches the newest, keeps waiting edits, and checks the local copy against the ledger. Replies `Reply::Verified`.
  | { call: "reload" }
  /// Replies `Reply::Apps`.
  | { call: "apps" }
  /// Ends another app's session. Replies `Reply::Done`.
  | { call: "disconnect_app"; app: string }
  /// Takes a place back after this app lost it. Replies `Reply::Status`.
  | { call: "take_place"; from: string }
  /// Replies `Reply::Account`.
  | { call: "account" }
  /// Replies `Reply::Done`.
  | { call: "change_password"; old: Secret; new: Secret }
  /// Deletes the account on the server, then the local data. Replies `Reply::AccountDeleted`.
  | { call: "delete_account"; password: Secret }
  /// Replies `Reply::Workspaces`.
  | { call: "workspaces" }
  /// Replies `Reply::Workspace`.
  | { call: "create_workspace"; name: string; team?: string | null; open?: boolean }
  /// The teams of this account. Replies `Reply::Teams`.
  | { call: "teams" }
  /// Makes a team. Replies `Reply::Team`.
  | { call: "create_team"; name: string }
  /// Replies `Reply::Team`.
  | { call: "rename_team"; team: string; name: string }
  /// Leaves a team, and with it the team's workspaces. Replies `Reply::Done`.
  | { call: "leave_team"; team: string }
  /// Deletes a team that has no workspaces any more. Replies `Reply::Done`.
  | { call: "delete_team"; team: string }
  /// The members of a team, or without one of the request's workspace. Replies `Reply::Members`.
  | { call: "members"; team: string | null }
  /// Opens an invitation; its link is told once. Replies `Reply::Invited`.
  | { call: "invite"; role: Role; team: string | null }
  /// The open invitations. Replies `Reply::Invites`.
  | { call: "invites"; team: string | null }
  /// Ends an invitation. Replies `Reply::Done`.
  | { call: "revoke_invite"; invite: string; team: string | null }
  /// Asks to become a member by a link. Replies `Reply::Joined`: within the call's wait when an admin's app confirms in that time.
  | { call: "join"; link: Secret }
  /// Gives a member another role. Replies `Reply::Done`.
  | { call: "set_role"; member: string; role: Role; team: string | null }
  /// Removes a member and begins a new key. Replies `Reply::MemberRemoved`.
  | { call: "remove_member"; member: string; team: string | null }
  /// Leaves the request's workspace. What is here stays until it is deleted. Replies `Reply::Done`.
  | { call: "leave" }
  /// Makes another member an admin, then leaves. Replies `Reply::Done`.
  | { call: "hand_over"; member: string; team: string | null }
  /// Opens the request's workspace to all of its team, or closes it. Replies `Reply::Done`.
  | { call: "set_access"; open: boolean }
  /// The words of someone's keys, to compare over another way. Replies `Reply::Fingerprint`.
  | { call: "fingerprint"; member: string | null }
  /// Who changed what in the request's workspace, the newest first. Replies `Reply::Activity`.
  | { call: "activity"; limit: number }
  /// Tells the other members where this app is, until another call says otherwise; off by default, and told at most once a second. Replies `Reply::Done`.
  | { call: "presence"; here: Here | null }
  /// Who says to be in the request's workspace now; a watch of the profile tells when to ask again. Replies `Reply::Present`.
  | { call: "who_is_here" }
  /// Discards drafts and other changes that wait: the items are again as the server has them. Replies `Reply::Discarded`.
  | { call: "discard_drafts"; paths: string[] }
  /// Chooses the workspace that calls without one mean. Replies `Reply::Workspace`.
  | { call: "use_workspace"; workspace: string }
  /// Replies `Reply::Workspace`.
  | { call: "rename_workspace"; workspace: string; name: string }
  /// Deletes a workspace on the server and here; one that is gone there is deleted here alone. Replies `Reply::Done`; fails with `ErrorKind::ChangesWaiting` where unsent changes would go that are nowhere else.
  | { call: "delete_workspace"; workspace: string; discard?: boolean }
  /// Imports one file. Replies `Reply::Imported`; fails with `ErrorKind::ImportExists` when the same thing is here already and no mode is given.
  | { call: "import"; source: Source; mode: ImportMode | null; dry_run: boolean }
  /// Replies `Reply::Exported`.
  | { call: "export"; paths: string[]; all: boolean; format: ExportFormat; secrets: boolean }
  /// Replies `Reply::Items`: the children of a path, or the whole subtree in order.
  | { call: "list"; path: string | null; tree: boolean }
  /// Replies `Reply::Item`.
  | { call: "show"; path: string; secrets: boolean }
  /// Some items as they are now, by id; ids that show no more are told as such. Replies `Reply::Looked`.
  | { call: "look"; items: string[] }
  /// Replies `Reply::Found`.
  | { call: "search"; text: string; limit: number }
  /// Makes an item. Replies `Reply::Changed`.
  | { call: "new"; kind: string; path: string; fields: FieldEdit[] }
  /// Changes fields of an item, all or none. Replies `Reply::Changed`.
  | { call: "set"; path: string; fields: FieldEdit[] }
  /// Replaces an item's document after an editor. Replies `Reply::Changed`. What changed elsewhere since `base` was read is merged, not overwritten.
  | { call: "replace"; path: string; base: Json; document: Json }
  /// Moves or renames. Replies `Reply::Changed`.
  | { call: "move"; from: string; to: string; before: string | null }
  /// Copies with everything below. Replies `Reply::Changed`.
  | { call: "copy"; from: string; to: string }
  /// Moves a collection or an environment with everything below it to another workspace: copied there, then put into the trash here, each with a note of the other. Replies `Reply::Changed` with the copy; fails with `ErrorKind::CannotStandBoth` while conflicts are open in it.
  | { call: "move_to_workspace"; path: string; to: string; secrets?: boolean }
  /// Moves to the trash. Replies `Reply::Changed`; fails with `ErrorKind::BulkNotMarked` for more than max(20 items, 10 % of the workspace) without `bulk`.
  | { call: "remove"; paths: string[]; bulk: boolean }
  /// Replies `Reply::Trash`.
  | { call: "trash" }
  /// Takes items out of the trash, each with everything below it. Replies `Reply::Changed`.
  | { call: "restore_trash"; items: string[] }
  /// Purges items in the trash, each with everything below it, for good. Replies `Reply::Purged`; fails with `ErrorKind::BulkNotMarked` for more than max(20 items, 10 % of the workspace) without `bulk`.
  | { call: "empty_trash"; items: string[]; bulk: boolean }
  /// The versions of an item that the server keeps. Replies `Reply::History`; fails with `ErrorKind::NoHistory` on the Scratch Pad.
  | { call: "history"; path: string }
  /// What has changed since a version. Replies `Reply::Difference`.
  | { call: "diff"; path: string; version: number | null }
  /// The document of an item at a version, without the secrets of this device. Replies `Reply::Version`.
  | { call: "show_version"; path: string; version: number }
  /// Makes an item what it was at a version, its conflicts too; out of the trash if it lies there. Replies `Reply::Changed`.
  | { call: "restore"; path: string; version: number | null }
  /// Replies `Reply::Environments`.
  | { call: "environments" }
  /// Chooses the active environment on this device; none means no environment. Replies `Reply::Done`.
  | { call: "use_environment"; environment: string | null }
  /// Replies `Reply::Environment`.
  | { call: "show_environment"; environment: string | null; secrets: boolean }
  /// Sets variables. Replies `Reply::Changed`.
  | { call: "set_variables"; environment: string | null; variables: VariableEdit[] }
  /// Removes variables. Replies `Reply::Changed`.
  | { call: "unset_variables"; environment: string | null; keys: string[] }
  /// Replies `Reply::Conflicts`.
  | { call: "conflicts" }
  /// Replies `Reply::Conflict`.
  | { call: "show_conflict"; id: string }
  /// Settles one conflict, all of an item, or all of a collection. Replies `Reply::Changed`.
  | { call: "resolve"; id: string; choice: Resolution; field: string | null }
  /// All that a request or a run is made of, secrets included. Replies `Reply::Sources`.
  | { call: "sources"; item: string | null; environment: EnvironmentChoice; below?: boolean }
  /// Keeps on this device what a send or a run changed: values, cookies, tokens, an entry of the history. Never syncs. Replies `Reply::Done`.
  | { call: "keep_sent"; item?: string | null; environment?: string | null; values?: ValueChange[]; cookies?: KeptChange[]; tokens?: KeptChange[]; sent?: SentEntry[]; runs?: RunEntry[] }
  /// Says whether scripts of the request's workspace may run on this device. Replies `Reply::Done`.
  | { call: "trust"; trusted: boolean }
  /// The requests that were sent from this device, the newest first. Replies `Reply::SentList`.
  | { call: "sent_list"; search: string; limit: number }
  /// Replies `Reply::SentDetail`.
  | { call: "sent_show"; id: number | null }
  /// Forgets the requests that were sent, the runs and the cookies of the request's workspace; without `everything` only the requests. Replies `Reply::Done`.
  | { call: "sent_clear"; everything: boolean }
  /// The runs on this device, the newest first. Replies `Reply::RunList`.
  | { call: "run_list" }
  /// Replies `Reply::RunDetail`.
  | { call: "run_show"; id: number | null }
  /// Checks every local record, key and the chain. Replies `Reply::Verified`.
  | { call: "verify" }
  /// Looks at everything around: home, store, keys, server, clock. Replies `Reply::Diagnosis`.
  | { call: "doctor" }
  /// Writes one file with all local data, readable without any account. Replies `Reply::Exported`.
  | { call: "create_backup" }
  /// Brings a backup's workspaces in as new ones, or onto the Scratch Pad. Replies `Reply::Imported`.
  | { call: "restore_backup"; source: Source };

/// What a sign-out may throw away of what the server has not acknowledged.
export type Discard =
  /// Nothing.
  | "nothing"
  /// What the backup in this file holds, an absolute path: only if it is what a backup would be now.
  | { backed_up: string }
  /// Everything.
  | "everything";

/// A file to read.
export type Source =
  /// An absolute path on this machine.
  | { path: string }
  /// The content, in base64.
  | { base64: { name: string; content: string } };

/// What an import does with things that are here already.
export type ImportMode =
  /// Bring it in a second time.
  | "copy"
  /// Update what the file names, add what is new, keep the rest.
  | "merge"
  /// Merge, and move what the file does not name to the trash.
  | "replace";

/// What an export writes.
export type ExportFormat =
  /// Postman collections v2.1.0, environments, globals: one file an item.
  | "postman"
  /// One Postman data dump.
  | "dump"
  /// Everything, in Satchel's own backup file.
  | "satchel";

/// A change of one field.
export interface FieldEdit {
  /// `name`, `method`, `url`, `description`, `header.NAME`, `query.NAME`, `body`, `variable.NAME`, `script.test`, `script.prerequest`, or a dotted path into the document.
  field: string;
  /// The value as text (JSON where the field is not a text); none removes the field.
  value: string | null;
}

/// A change of one variable.
export interface VariableEdit {
  /// Its key.
  key: string;
  /// The value.
  value: string;
  /// Make it a secret (true) or an ordinary one (false); none keeps what it is.
  secret: boolean | null;
  /// Share a secret's initial value with the workspace.
  share: boolean;
  /// Set only the current value, which stays on this device.
  current: boolean;
}

/// How to settle a conflict.
export type Resolution =
  /// The value that lost its place.
  | "local"
  /// The value that shows.
  | "server"
  /// Both, where both can stand.
  | "both"
  /// Another value, as JSON or text.
  | { value: string };

/// Why a call failed.
export interface ApiError {
  /// The kind, which the face turns into words and an exit code.
  kind: ErrorKind;
  /// What was tried, in lower case: `opening Shop/Get cart`.
  tried: string;
  /// What was seen; may be empty.
  detail: string;
  /// For `ErrorKind::AppLimit`: who holds the places.
  apps: AppView[];
  /// For `ErrorKind::ChangesWaiting` and the like: how many.
  count: number;
  /// For `ErrorKind::Ambiguous` and `ErrorKind::ImportExists`: which.
  candidates: string[];
}

/// The kinds of failure.
export type ErrorKind =
  /// The input is not usable: a file, a field, a value, a URL.
  | "invalid"
  /// Over a limit on size, depth or count.
  | "too_large"
  /// There is no such item, workspace, environment, app or conflict.
  | "not_found"
  /// Several things have that name.
  | "ambiguous"
  /// The name or id is taken.
  | "exists"
  /// It was imported before; choose copy, merge or replace.
  | "import_exists"
  /// Many items would go; the user must say so.
  | "bulk_not_marked"
  /// Changes wait for the server; choose export, stay or discard.
  | "changes_waiting"
  /// All places of the account are in use; choose which app makes room.
  | "app_limit"
  /// Another app took this app's place.
  | "evicted"
  /// This needs an account.
  | "signed_out"
  /// This profile is signed in already.
  | "signed_in"
  /// Wrong e-mail, password or recovery code.
  | "unauthorized"
  /// The session was ended on the server; sign in again.
  | "session_ended"
  /// Too many tries; wait.
  | "throttled"
  /// The e-mail is in use, or sign-up is closed.
  | "sign_up_refused"
  /// The server cannot be reached.
  | "unreachable"
  /// TLS: the certificate is not trusted.
  | "certificate"
  /// What answers is not a Satchel server.
  | "not_satchel"
  /// The server or the app is too old for the other.
  | "version"
  /// The server refused; the detail says why.
  | "refused"
  /// The server's room is used up, or it cannot write.
  | "server_full"
  /// Not in sync within the time.
  | "not_in_sync"
  /// The server shows another history than before: rolled back, forked or forged.
  | "lying_server"
  /// Local data is damaged.
  | "damaged"
  /// The local disk is full or cannot be written.
  | "local_store"
  /// The share of a local key in the operating system's keyring cannot be had now.
  | "keyring"
  /// Another process owns this profile.
  | "locked"
  /// There is no history: the Scratch Pad keeps none.
  | "no_history"
  /// Both values cannot stand.
  | "cannot_stand_both"
  /// This account's role does not allow it.
  | "role_too_low"
  /// It would leave a workspace or team without an admin; the candidates say which.
  | "last_admin"
  /// The account is in teams, which it has to leave first; the candidates say which.
  | "in_teams"
  /// The invitation was used, has ended, or never was.
  | "invite_gone"
  /// A request that was sent has no answer, or could not be sent; the detail says why and what to do.
  | "unanswered"
  /// A bug in Satchel.
  | "internal";

/// What a page asks of the program around the profile.
export type PageCall =
  /// Sends a request as the editor shows it, saved or not. Replies `PageReply::Sent`.
  | ({ call: "send" } & SendOrder)
  /// Runs the requests of a collection or folder one after another. Replies `Reply::RunDetail` at its end.
  | ({ call: "run" } & RunOrder)
  /// Ends a send or a run; one that is not under way is no error. Replies `Reply::Done`.
  | { call: "stop"; run: string };

/// What comes of a `PageCall`.
export type PageReply =
  /// The answer to a request.
  | { reply: "sent"; response: SentResponse };

/// A run to be made.
export interface RunOrder {
  /// The collection's or folder's id.
  item: string;
  /// The requests to run, by id; none means all.
  only: string[] | null;
  /// The environment's id; none is none.
  environment: string | null;
  /// How often.
  iterations: number;
  /// Rows of a CSV or JSON file, one an iteration.
  data: RunData | null;
  /// The pause between requests, in milliseconds.
  delay_ms: number;
  /// Ends at the first failure.
  bail: boolean;
  /// A name for this run in its events, and to stop it by.
  run: string;
}

/// A file of rows.
export interface RunData {
  /// Its name, which says whether it is CSV or JSON.
  name: string;
  /// Its text.
  content: string;
}

/// One request of a run, told when it is over.
export interface RunResult {
  /// Which iteration, from 0.
  iteration: number;
  /// The request's id.
  item: string;
  /// Its name.
  name: string;
  /// The method.
  method: string;
  /// The URL, secrets masked.
  url: string;
  /// The status; none where there was no response, and `problem` says why.
  status: number | null;
  /// How long it took, in microseconds.
  micros: number;
  /// The size of the answer's body.
  bytes: number;
  /// The tests.
  tests: TestView[];
  /// Why there was no answer, or which script failed, in words.
  problem: string | null;
}

/// What a page hears without asking.
export type PageEvent =
  /// A state or a count changed, or who is here, or who is a member.
  | { event: "status"; status: Status }
  /// Items changed, here or elsewhere. Both lists empty: read everything again.
  | { event: "changed"; workspace: string; items: ItemView[]; removed: string[] }
  /// How far long work is.
  | { event: "progress"; run: string | null; phase: string; done: number; total: number }
  /// A piece of an answer's body, as it came.
  | { event: "piece"; run: string; text: string }
  /// Requests of a run are over.
  | { event: "run"; run: string; results: RunResult[]; done: number; total: number };

/// What a member may do.
export type Role =
  /// Reads. In a team: a guest.
  | "viewer"
  /// Also writes. In a team: may make workspaces of the team.
  | "editor"
  /// Also says who is a member, and in which role.
  | "admin";

/// What a workspace is for.
export type WorkspaceKind =
  /// Founded by one person, for whom that person invites.
  | "personal"
  /// Of a team.
  | "team";

/// A team.
export interface TeamView {
  /// Its id.
  id: string;
  /// Its name.
  name: string;
  /// This account's role in it; none once it is no member any more.
  role: Role | null;
  /// How many members it has.
  members: number;
  /// Its workspaces that this account is a member of, by name.
  workspaces: string[];
}

/// A member of a workspace or of a team.
export interface MemberView {
  /// The account's id.
  account: string;
  /// The name that the member is known by; the id where there is none.
  name: string;
  /// The role.
  role: Role;
  /// Whether it is this account.
  this: boolean;
  /// How many of its apps have written here.
  apps: number;
  /// The words of its keys, to compare over another way.
  fingerprint: string;
}

/// An open invitation.
export interface InviteView {
  /// Its id.
  id: string;
  /// The role of who joins by it.
  role: Role;
  /// When it ends, in milliseconds since 1970.
  expires_at: number;
  /// The name of the admin who made it.
  by: string;
  /// Somebody has used the link, and an admin's app is to confirm.
  claimed: boolean;
}

/// A shared secret variable that a member could read.
export interface ReadableSecret {
  /// The path of the item that it is in.
  path: string;
  /// The variable's key.
  key: string;
}

/// Somebody did something in a workspace.
export interface ActivityView {
  /// The entry of the ledger.
  seq: number;
  /// When the server took it, by its own clock.
  at: number | null;
  /// The name of who did it.
  by: string;
  /// The id of the app that it was done by.
  app: string;
  /// What was done to the members: `invited`, `member_added`, `role_changed`, …; none for items.
  members: string | null;
  /// The items that were changed.
  items: ActivityItem[];
}

/// An item that was changed.
export interface ActivityItem {
  /// Its id.
  id: string;
  /// Its name, where the item is here.
  name: string | null;
  /// `created`, `changed` or `purged`.
  change: string;
}

/// Where an app is.
export interface Here {
  /// The path of the item that is open.
  item: string | null;
  /// `viewing`, `editing` or `idle`.
  state: string;
}

/// An app of a member that is here now.
export interface PresentView {
  /// The member's name.
  name: string;
  /// The member's account.
  account: string;
  /// The app.
  app: string;
  /// The id of the item that is open there.
  item: string | null;
  /// Its name, where the item is here.
  item_name: string | null;
  /// `viewing`, `editing` or `idle`.
  state: string;
}

/// What came of a call.
export type Reply =
  /// It is done and there is nothing to tell.
  | { reply: "done" }
  /// Signed up, or recovered: the code is shown once.
  | { reply: "signed_up"; account: AccountView; recovery_code: string }
  /// Signed in.
  | { reply: "signed_in"; account: AccountView; in_sync: boolean }
  /// The states.
  | ({ reply: "status" } & Status)
  /// The account's apps.
  | { reply: "apps"; apps: AppView[] }
  /// The account.
  | ({ reply: "account" } & AccountView)
  /// The account is gone.
  | { reply: "account_deleted"; receipt: [string, number][] }
  /// The workspaces.
  | { reply: "workspaces"; workspaces: WorkspaceView[] }
  /// One workspace.
  | ({ reply: "workspace" } & WorkspaceView)
  /// An import's report.
  | ({ reply: "imported" } & ImportReport)
  /// Exported files.
  | { reply: "exported"; files: ExportedFile[]; omitted: string[] }
  /// Items.
  | { reply: "items"; items: ItemView[] }
  /// One item with its document.
  | { reply: "item"; item: ItemView; document: Json }
  /// Some items as they are now.
  | { reply: "looked"; items: ItemView[]; removed: string[] }
  /// Search results.
  | { reply: "found"; hits: Hit[]; more: boolean }
  /// Something changed.
  | { reply: "changed"; items: ItemView[]; acknowledged: Acknowledged }
  /// Environments.
  | { reply: "environments"; environments: ItemView[]; active: string | null }
  /// One environment.
  | { reply: "environment"; item: ItemView; variables: VariableView[] }
  /// Conflicts.
  | { reply: "conflicts"; conflicts: ConflictView[] }
  /// One conflict.
  | ({ reply: "conflict" } & ConflictView)
  /// The versions of an item, the newest first.
  | { reply: "history"; item: ItemView | null; versions: VersionView[]; more: boolean }
  /// What has changed of an item since a version.
  | { reply: "difference"; item: ItemView | null; version: VersionView | null; text: string }
  /// An item at a version.
  | { reply: "version"; version: VersionView; document: Json }
  /// What lies in the trash.
  | { reply: "trash"; items: TrashView[] }
  /// Items are gone for good.
  | { reply: "purged"; items: number; acknowledged: Acknowledged }
  /// The teams.
  | { reply: "teams"; teams: TeamView[] }
  /// One team.
  | ({ reply: "team" } & TeamView)
  /// Members.
  | { reply: "members"; members: MemberView[] }
  /// An invitation: the link is shown once, and is as good as the role in it.
  | { reply: "invited"; invite: InviteView; link: Secret }
  /// Open invitations.
  | { reply: "invites"; invites: InviteView[] }
  /// The claim of an invitation has come to the server.
  | { reply: "joined"; workspace: string; name: string | null; waiting: boolean }
  /// A member is removed.
  | { reply: "member_removed"; secrets: ReadableSecret[] }
  /// The words of someone's keys.
  | { reply: "fingerprint"; name: string; words: string }
  /// Who did what.
  | { reply: "activity"; entries: ActivityView[] }
  /// Who is here.
  | { reply: "present"; people: PresentView[] }
  /// Waiting changes are discarded.
  | { reply: "discarded"; items: number }
  /// All that a request or a run is made of.
  | ({ reply: "sources" } & SourcesView)
  /// Requests that were sent.
  | { reply: "sent_list"; entries: SentView[]; more: boolean }
  /// A request that was sent.
  | ({ reply: "sent_detail" } & SentEntry)
  /// Runs.
  | { reply: "run_list"; runs: RunView[] }
  /// A run.
  | ({ reply: "run_detail" } & RunEntry)
  /// A check's result.
  | ({ reply: "verified" } & Verification)
  /// A look around.
  | { reply: "diagnosis"; checks: Check[] };

/// Which acknowledgement a change has.
export type Acknowledged =
  /// Durable in the local store only.
  | "local"
  /// Durable on the server.
  | "server";

/// How long work goes.
export interface Progress {
  /// What is being done: `reading`, `storing`, `sending`, `receiving`.
  phase: string;
  /// How much is done.
  done: number;
  /// Of how much; 0 if not known.
  total: number;
}

/// Which environment a request is sent with.
export type EnvironmentChoice =
  /// The one in use on this device, if there is one.
  | "active"
  /// None.
  | "off"
  /// This one, by name or id.
  | { named: string };

/// A request as an editor has it, to be sent.
export interface SendOrder {
  /// The request's id, whose ancestors give auth, scripts and variables; none for one that was never saved.
  item: string | null;
  /// The request's document as it is in the editor.
  document: Json;
  /// The environment's id; none is none.
  environment: string | null;
  /// A name for this send in its events, and to stop it by.
  run: string;
}

/// An item with its document, values of this device and secrets in it.
export interface SourceView {
  /// The item.
  item: ItemView;
  /// Its document in Postman's shape, with its id here as `id`; each variable has the value that counts on this device.
  document: Json;
}

/// All that a request or a run is made of.
export interface SourcesView {
  /// The workspace's id.
  workspace: string;
  /// The item that was asked for.
  item: SourceView | null;
  /// The items above it, the collection first.
  ancestors: SourceView[];
  /// The whole collection with everything below but examples, where that was asked for; each item has its id here as `id`.
  collection: Json;
  /// The environment.
  environment: SourceView | null;
  /// The globals, with what only this device has of them.
  globals: Json;
  /// Whether scripts of this workspace may run.
  trusted: boolean;
  /// The cookies, in the order of their creation.
  cookies: Json[];
  /// Tokens by the key of their grant.
  tokens: Json;
}

/// Where a variable lives whose value on this device changes.
export type ValuePlace =
  /// The environment that was sent with.
  | "environment"
  /// The collection of the item.
  | "collection"
  /// The globals.
  | "globals";

/// A value of this device that changes.
export interface ValueChange {
  /// Where.
  place: ValuePlace;
  /// The variable.
  key: string;
  /// Its value; none takes it away on this device.
  value: Json;
}

/// A cookie or a token that changes.
export interface KeptChange {
  /// What names it: a grant's key, or a cookie's domain, path and name.
  key: string;
  /// What it is now; none takes it away.
  value: Json;
}

/// A request that was sent, in a line.
export interface SentView {
  /// Its number on this device; the store gives it.
  id: number;
  /// When it was sent.
  when: number;
  /// The item's id, if it was one.
  item: string | null;
  /// The item's name or path.
  name: string;
  /// The method.
  method: string;
  /// The URL, secrets masked.
  url: string;
  /// The status; none if there was no answer.
  status: number | null;
  /// Why there was none, in words.
  failure: string | null;
  /// How long it took, in milliseconds.
  time_ms: number;
  /// The size of the answer's body.
  bytes: number;
  /// Tests that ran.
  tests: number;
  /// Tests that failed.
  failed: number;
}

/// A request that was sent, to be kept.
export interface SentEntry {
  /// The line; its number is not looked at.
  view: SentView;
  /// The answer with everything around it, secret variables masked in the request.
  response: SentResponse | null;
}

/// A run of a collection, in a line.
export interface RunView {
  /// Its number on this device; the store gives it.
  id: number;
  /// When it began.
  when: number;
  /// The collection's or folder's path, or the file's name.
  name: string;
  /// The environment's name.
  environment: string | null;
  /// Iterations that ran.
  iterations: number;
  /// Requests that were sent.
  requests: number;
  /// Tests that ran.
  tests: number;
  /// Tests, requests and scripts that failed.
  failed: number;
  /// How long it took, in milliseconds.
  time_ms: number;
}

/// A run, to be kept.
export interface RunEntry {
  /// The line; its number is not looked at.
  view: RunView;
  /// Its summary, as the JSON reporter writes it.
  summary: Json;
}

/// An answer, with everything that a person wants to know of it.
export interface SentResponse {
  /// The status code.
  status: number;
  /// The reason phrase.
  status_text: string;
  /// `HTTP/1.1` and the like.
  version: string;
  /// The URL that gave it, secrets masked.
  url: string;
  /// The headers in order.
  headers: [string, string][];
  /// The body.
  body: SentBody;
  /// The cookies that the request's URL has after it.
  cookies: CookieView[];
  /// How long each phase took.
  timings: SentTimings;
  /// How much went each way.
  sizes: SentSizes;
  /// The tests, in order.
  tests: TestView[];
  /// What scripts printed.
  log: LogLine[];
  /// What was left out, not understood or not done, in words.
  warnings: string[];
  /// The request as it went, secrets masked.
  request: SentRequest;
}

/// The body of an answer.
export interface SentBody {
  /// The text, if it is one.
  text: string | null;
  /// The bytes in base64, if it is no text.
  base64: string | null;
  /// The body was longer than is handed over.
  truncated: boolean;
}

/// How long each phase took, in microseconds; a phase that did not happen is 0.
export interface SentTimings {
  /// Until the first deed.
  queued: number;
  /// Name lookup.
  dns: number;
  /// TCP, and the proxy's handshake.
  connect: number;
  /// TLS handshake.
  tls: number;
  /// Writing the request.
  request_sent: number;
  /// To the first byte of the answer.
  first_byte: number;
  /// To the end of the body.
  download: number;
  /// All of it.
  total: number;
}

/// How many bytes went each way.
export interface SentSizes {
  /// The request's head.
  sent_head: number;
  /// The request's body.
  sent_body: number;
  /// The answer's head.
  received_head: number;
  /// The body as it was encoded.
  encoded_body: number;
  /// The body after decoding.
  decoded_body: number;
}

/// A cookie, as people see it.
export interface CookieView {
  /// Its name.
  name: string;
  /// Its value.
  value: string;
  /// The host that it is for.
  domain: string;
  /// The path that it is for.
  path: string;
  /// When it ends, in words; none is a session's.
  expires: string | null;
  /// Only over TLS.
  secure: boolean;
  /// Not for scripts of pages.
  http_only: boolean;
}

/// A test's result.
export interface TestView {
  /// Its name.
  name: string;
  /// Whether it passed; a skipped one did not fail.
  passed: boolean;
  /// Whether it was skipped.
  skipped: boolean;
  /// Why it failed.
  message: string | null;
}

/// A line of the scripts' console.
export interface LogLine {
  /// `log`, `info`, `warn` or `error`.
  level: string;
  /// The words, secrets masked.
  text: string;
}

/// A request as it went.
export interface SentRequest {
  /// The method.
  method: string;
  /// The URL.
  url: string;
  /// The headers in order.
  headers: [string, string][];
  /// The body, where it is a text of bearable size.
  body: string | null;
}

/// A state of DESIGN section 6.
export type State =
  /// Every local change is acknowledged by the server and the feed is applied to its head.
  | "in_sync"
  /// Connected, and something waits either way.
  | "syncing"
  /// Opening, or re-opening after a drop.
  | "connecting"
  /// Signed out, or the server cannot be reached.
  | "offline"
  /// Sync cannot go on without someone.
  | "error";

/// What waits.
export interface Pending {
  /// Records to send.
  up: number;
  /// Ledger entries to receive.
  down: number;
}

/// The overall state, in the shape of `status --json`.
export interface Status {
  /// The worst of the workspaces' states.
  state: State;
  /// A word for why: `signed_out`, `disconnected`, `certificate`, `app_limit`, `evicted`, …
  reason: string | null;
  /// The layer and what was seen, for a person.
  detail: string | null;
  /// The server's URL.
  server: string | null;
  /// The account's e-mail.
  account: string | null;
  /// What waits, all workspaces together.
  pending: Pending;
  /// Conflicts, all workspaces together.
  conflicts: number;
  /// When the server last acknowledged, by this machine's clock.
  acknowledged_at: number | null;
  /// Each workspace.
  workspaces: WorkspaceStatus[];
  /// Whether an agent answers.
  agent: boolean;
  /// Commits of this app that the server accepted at the first, the second, … try, since it was opened; no zeros at the end.
  tries: number[];
}

/// One workspace's state.
export interface WorkspaceStatus {
  /// Its id, `scratch` for the Scratch Pad.
  id: string;
  /// Its name.
  name: string;
  /// Its state.
  state: State;
  /// A word for why.
  reason: string | null;
  /// For a person.
  detail: string | null;
  /// What waits.
  pending: Pending;
  /// Conflicts.
  conflicts: number;
  /// Records set aside, with the reason.
  set_aside: SetAside[];
  /// The newest entry applied.
  seq: number;
  /// What this account may do; none before the charter has come, and where it is no member any more.
  role: Role | null;
  /// What the workspace is for; none before the charter has come.
  kind: WorkspaceKind | null;
  /// The name of its team.
  team: string | null;
  /// How many members it has.
  members: number;
  /// Items with changes that stay here, since this account may only read.
  drafts: number;
}

/// A record that is not synced, and why.
export interface SetAside {
  /// The record.
  record: string;
  /// Its name, where it is known.
  name: string | null;
  /// The alarm: `damaged`, `forged`, `too_large`, `refused`.
  alarm: string;
  /// For a person.
  detail: string;
}

/// An account, as its owner sees it.
export interface AccountView {
  /// Its id.
  id: string;
  /// The e-mail.
  email: string;
  /// The server's URL.
  server: string;
  /// This app's id.
  app: string;
  /// This app's name.
  app_name: string;
}

/// An app of the account.
export interface AppView {
  /// Its id.
  id: string;
  /// Its name.
  name: string;
  /// `command_line`, `desktop` or `web`.
  kind: string;
  /// When the server last heard of it.
  last_seen: number;
  /// Changes that it last said were waiting.
  waiting: number;
  /// Whether it holds a place now.
  connected: boolean;
  /// Whether it is this app.
  this: boolean;
}

/// A workspace.
export interface WorkspaceView {
  /// Its id, `scratch` for the Scratch Pad.
  id: string;
  /// Its name.
  name: string;
  /// Whether it is the one in use.
  current: boolean;
  /// Items, without trash.
  items: number;
  /// Its state.
  state: State;
}

/// An item, without its document.
export interface ItemView {
  /// Its id.
  id: string;
  /// `collection`, `folder`, `request`, `example`, `environment`, `globals`.
  kind: string;
  /// Its name.
  name: string;
  /// A request's method.
  method: string | null;
  /// Its path.
  path: string;
  /// Its depth below where the listing began, 0 for its top.
  depth: number;
  /// Its conflicts, node and body together.
  conflicts: number;
  /// Whether it has changes that the server has not acknowledged.
  waiting: boolean;
}

/// A search result.
export interface Hit {
  /// The item.
  item: ItemView;
  /// The field.
  field: string;
  /// The text around the hit.
  excerpt: string;
}

/// A variable.
export interface VariableView {
  /// Its key.
  key: string;
  /// The initial value; none where it is secret and was not asked for, or is not on this device.
  initial: string | null;
  /// The current value on this device, where there is one.
  current: string | null;
  /// Whether it is a secret.
  secret: boolean;
  /// Whether the initial value syncs.
  shared: boolean;
  /// Whether it is enabled.
  enabled: boolean;
}

/// A conflict.
export interface ConflictView {
  /// Its id.
  id: string;
  /// The item.
  item: ItemView;
  /// The field, as a dotted path.
  field: string;
  /// The value both began from.
  base: Json;
  /// The value that lost its place.
  local: Json;
  /// The value that shows.
  server: Json;
  /// Whose value `local` is: an e-mail where known, else an account id.
  who: string;
  /// When it was found.
  when: number;
}

/// One version of an item.
export interface VersionView {
  /// Its number: the place of its commit in the workspace's ledger, so that it never changes.
  version: number;
  /// Who made it: an e-mail where known, else an account id; empty if it does not verify.
  who: string;
  /// The app it was made with: its name where known, else its id; empty if it does not verify.
  app: string;
  /// When the server took it, by the server's clock: the app cannot verify that.
  when: number;
  /// What changed with it, in words.
  changes: string[];
  /// Whether the item is so now, apart from changes that wait for the server.
  current: boolean;
  /// Why it cannot be shown or restored.
  problem: string | null;
}

/// An item in the trash.
export interface TrashView {
  /// The item; its path is the one it had.
  item: ItemView;
  /// Who put it there: an e-mail where known, else an account id.
  who: string;
  /// When, by that app's clock.
  when: number;
  /// How many items lie below it.
  below: number;
}

/// An import's report.
export interface ImportReport {
  /// What the file was.
  source: string;
  /// Top items: what they are called now.
  items: ItemView[];
  /// How many of each kind came in.
  counts: [string, number][];
  /// What could not be carried over as it was, in words.
  losses: string[];
  /// Nothing was changed.
  dry_run: boolean;
  /// Items added.
  added: number;
  /// Items changed.
  changed: number;
  /// Items moved to the trash.
  trashed: number;
  /// Which acknowledgement it has.
  acknowledged: Acknowledged;
}

/// An exported file.
export interface ExportedFile {
  /// A file name that is safe everywhere.
  name: string;
  /// The bytes, in base64 unless `text`.
  content: string;
  /// `content` is the text itself.
  text: boolean;
}

/// What a check of the local copy found.
export interface Verification {
  /// Records checked.
  records: number;
  /// Ledger entries passed.
  entries: number;
  /// What is wrong, each in words; empty is good.
  problems: SetAside[];
  /// Records fetched again because the local copy was damaged.
  mended: number;
  /// Workspaces that were read again from their whole ledger, and why, in words.
  rebuilt: string[];
}

/// One check of `doctor`.
export interface Check {
  /// What was looked at.
  name: string;
  /// Whether it is well.
  ok: boolean;
  /// What was seen, and what to do if it is not well.
  detail: string;
}
