// The types of `client::api`, mirrored by hand until `cargo xtask codegen` writes this file.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Secret = string;

export interface Request { workspace: string | null; wait_ms: number; call: Call }

export type Call =
  | { call: "sign_up"; server: string; email: string; password: Secret; app_name: string | null; invite: string | null }
  | { call: "sign_in"; server: string; email: string; password: Secret; app_name: string | null; take_over: string | null }
  | { call: "recover"; server: string; email: string; code: Secret; password: Secret; app_name: string | null }
  | { call: "sign_out"; discard: Discard }
  | { call: "status" }
  | { call: "sync"; timeout_ms: number }
  | { call: "reload" }
  | { call: "apps" }
  | { call: "disconnect_app"; app: string }
  | { call: "take_place"; from: string }
  | { call: "account" }
  | { call: "change_password"; old: Secret; new: Secret }
  | { call: "delete_account"; password: Secret }
  | { call: "workspaces" }
  | { call: "create_workspace"; name: string }
  | { call: "use_workspace"; workspace: string }
  | { call: "rename_workspace"; workspace: string; name: string }
  | { call: "delete_workspace"; workspace: string }
  | { call: "import"; source: Source; mode: ImportMode | null; dry_run: boolean }
  | { call: "export"; paths: string[]; all: boolean; format: ExportFormat; secrets: boolean }
  | { call: "list"; path: string | null; tree: boolean }
  | { call: "show"; path: string; secrets: boolean }
  | { call: "search"; text: string; limit: number }
  | { call: "new"; kind: string; path: string; fields: FieldEdit[] }
  | { call: "set"; path: string; fields: FieldEdit[] }
  | { call: "replace"; path: string; base: Json; document: Json }
  | { call: "move"; from: string; to: string; before: string | null }
  | { call: "copy"; from: string; to: string }
  | { call: "remove"; paths: string[]; bulk: boolean }
  | { call: "trash" }
  | { call: "restore_trash"; items: string[] }
  | { call: "empty_trash"; items: string[]; bulk: boolean }
  | { call: "history"; path: string }
  | { call: "diff"; path: string; version: number | null }
  | { call: "restore"; path: string; version: number | null }
  | { call: "environments" }
  | { call: "use_environment"; environment: string | null }
  | { call: "show_environment"; environment: string | null; secrets: boolean }
  | { call: "set_variables"; environment: string | null; variables: VariableEdit[] }
  | { call: "unset_variables"; environment: string | null; keys: string[] }
  | { call: "conflicts" }
  | { call: "show_conflict"; id: string }
  | { call: "resolve"; id: string; choice: Resolution; field: string | null }
  | { call: "verify" }
  | { call: "doctor" }
  | { call: "create_backup" }
  | { call: "restore_backup"; source: Source };

export type Discard = "nothing" | { backed_up: string } | "everything";
export type Source = { path: string } | { base64: { name: string; content: string } };
export type ImportMode = "copy" | "merge" | "replace";
export type ExportFormat = "postman" | "dump" | "satchel";
export interface FieldEdit { field: string; value: string | null }
export interface VariableEdit { key: string; value: string; secret: boolean | null; share: boolean; current: boolean }
export type Resolution = "local" | "server" | "both" | { value: string };

export interface ApiError {
  kind: ErrorKind;
  tried: string;
  detail: string;
  apps: AppView[];
  count: number;
  candidates: string[];
}

export type ErrorKind =
  | "invalid" | "too_large" | "not_found" | "ambiguous" | "exists" | "import_exists" | "bulk_not_marked"
  | "changes_waiting" | "app_limit" | "evicted" | "signed_out" | "signed_in" | "unauthorized" | "session_ended"
  | "throttled" | "sign_up_refused" | "unreachable" | "certificate" | "not_satchel" | "version" | "refused"
  | "server_full" | "not_in_sync" | "lying_server" | "damaged" | "local_store" | "keyring" | "locked" | "no_history"
  | "cannot_stand_both" | "internal";

export type Reply =
  | { reply: "done" }
  | { reply: "signed_up"; account: AccountView; recovery_code: string }
  | { reply: "signed_in"; account: AccountView; in_sync: boolean }
  | ({ reply: "status" } & Status)
  | { reply: "apps"; apps: AppView[] }
  | ({ reply: "account" } & AccountView)
  | { reply: "account_deleted"; receipt: [string, number][] }
  | { reply: "workspaces"; workspaces: WorkspaceView[] }
  | ({ reply: "workspace" } & WorkspaceView)
  | ({ reply: "imported" } & ImportReport)
  | { reply: "exported"; files: ExportedFile[]; omitted: string[] }
  | { reply: "items"; items: ItemView[] }
  | { reply: "item"; item: ItemView; document: Json }
  | { reply: "found"; hits: Hit[]; more: boolean }
  | { reply: "changed"; items: ItemView[]; acknowledged: Acknowledged }
  | { reply: "environments"; environments: ItemView[]; active: string | null }
  | { reply: "environment"; item: ItemView; variables: VariableView[] }
  | { reply: "conflicts"; conflicts: ConflictView[] }
  | ({ reply: "conflict" } & ConflictView)
  | { reply: "history"; item: ItemView | null; versions: VersionView[]; more: boolean }
  | { reply: "difference"; item: ItemView | null; version: VersionView | null; text: string }
  | { reply: "trash"; items: TrashView[] }
  | { reply: "purged"; items: number; acknowledged: Acknowledged }
  | ({ reply: "verified" } & Verification)
  | { reply: "diagnosis"; checks: Check[] };

export type Acknowledged = "local" | "server";
export interface Progress { phase: string; done: number; total: number }

export type State = "in_sync" | "syncing" | "connecting" | "offline" | "error";
export interface Pending { up: number; down: number }
export interface Status {
  state: State;
  reason: string | null;
  detail: string | null;
  server: string | null;
  account: string | null;
  pending: Pending;
  conflicts: number;
  acknowledged_at: number | null;
  workspaces: WorkspaceStatus[];
  agent: boolean;
  tries: number[];
}
export interface WorkspaceStatus {
  id: string;
  name: string;
  state: State;
  reason: string | null;
  detail: string | null;
  pending: Pending;
  conflicts: number;
  set_aside: SetAside[];
  seq: number;
}
export interface SetAside { record: string; name: string | null; alarm: string; detail: string }

export interface AccountView { id: string; email: string; server: string; app: string; app_name: string }
export interface AppView {
  id: string; name: string; kind: string; last_seen: number; waiting: number; connected: boolean; this: boolean;
}
export interface WorkspaceView { id: string; name: string; current: boolean; items: number; state: State }
export interface ItemView {
  id: string; kind: string; name: string; method: string | null; path: string; depth: number; conflicts: number; waiting: boolean;
}
export interface Hit { item: ItemView; field: string; excerpt: string }
export interface VariableView {
  key: string; initial: string | null; current: string | null; secret: boolean; shared: boolean; enabled: boolean;
}
export interface ConflictView {
  id: string; item: ItemView; field: string; base: Json; local: Json; server: Json; who: string; when: number;
}
export interface VersionView {
  version: number; who: string; app: string; when: number; changes: string[]; current: boolean; problem: string | null;
}
export interface TrashView { item: ItemView; who: string; when: number; below: number }
export interface ImportReport {
  source: string; items: ItemView[]; counts: [string, number][]; losses: string[]; dry_run: boolean; added: number;
  changed: number; trashed: number; acknowledged: Acknowledged;
}
export interface ExportedFile { name: string; content: string; text: boolean }
export interface Verification { records: number; entries: number; problems: SetAside[]; mended: number; rebuilt: string[] }
export interface Check { name: string; ok: boolean; detail: string }
