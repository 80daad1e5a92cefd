//! The types that the command line and the page see: a call, its reply, its progress.
//!
//! Why it exists: one interface for every face. A call made in this process, over the agent's socket
//! or by the page is the same JSON; what it does lives in `ops`. Types are plain data: ids are
//! hexadecimal text, times are milliseconds since 1970, documents are JSON.
//!
//! Knows nothing of terminals, HTML, sockets, the store or keys.

use serde::{Deserialize, Serialize};

/// A text that is never shown: passwords and recovery codes on their way in.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// One call, with what all calls share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The workspace by name or id; `scratch` is the Scratch Pad; none is the one in use.
    pub workspace: Option<String>,
    /// How long a changing call waits for the server's acknowledgement, in milliseconds.
    pub wait_ms: u64,
    /// What to do.
    pub call: Call,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Makes an account and signs in. Replies [`Reply::SignedUp`].
    SignUp {
        /// The server's URL.
        server: String,
        /// The e-mail.
        email: String,
        /// The password.
        password: Secret,
        /// A name for this app; none takes the machine's.
        app_name: Option<String>,
        /// The invitation to the server, where it needs one.
        invite: Option<String>,
    },
    /// Signs in. Replies [`Reply::SignedIn`].
    SignIn {
        /// The server's URL.
        server: String,
        /// The e-mail.
        email: String,
        /// The password.
        password: Secret,
        /// A name for this app; none takes the machine's.
        app_name: Option<String>,
        /// The app (id or name) whose place to take.
        take_over: Option<String>,
    },
    /// Sets a new password by the recovery code and signs in. Replies [`Reply::SignedUp`] with a new code.
    Recover {
        /// The server's URL.
        server: String,
        /// The e-mail.
        email: String,
        /// The recovery code.
        code: Secret,
        /// The new password.
        password: Secret,
        /// A name for this app; none takes the machine's.
        app_name: Option<String>,
    },
    /// Drains, then destroys the account's local data. Fails with [`ErrorKind::ChangesWaiting`] when
    /// changes wait, unless told to discard them. Replies [`Reply::Done`].
    SignOut {
        /// Throw away what the server has not acknowledged.
        discard: bool,
    },
    /// Replies [`Reply::Status`]; opens no connection.
    Status,
    /// Connects if needed and waits until everything is in sync. Replies [`Reply::Status`], or fails
    /// with [`ErrorKind::NotInSync`].
    Sync {
        /// How long to wait.
        timeout_ms: u64,
    },
    /// Fetches the newest, keeps waiting edits, and checks the local copy against the ledger. Replies [`Reply::Verified`].
    Reload,
    /// Replies [`Reply::Apps`].
    Apps,
    /// Ends another app's session. Replies [`Reply::Done`].
    DisconnectApp {
        /// Its id or name.
        app: String,
    },
    /// Takes a place back after this app lost it. Replies [`Reply::Status`].
    TakePlace {
        /// The app (id or name) whose place to take.
        from: String,
    },
    /// Replies [`Reply::Account`].
    Account,
    /// Replies [`Reply::Done`].
    ChangePassword {
        /// The present password.
        old: Secret,
        /// The new password.
        new: Secret,
    },
    /// Deletes the account on the server, then the local data. Replies [`Reply::AccountDeleted`].
    DeleteAccount {
        /// The password.
        password: Secret,
    },

    /// Replies [`Reply::Workspaces`].
    Workspaces,
    /// Replies [`Reply::Workspace`].
    CreateWorkspace {
        /// Its name.
        name: String,
    },
    /// Chooses the workspace that calls without one mean. Replies [`Reply::Workspace`].
    UseWorkspace {
        /// Name, id, or `scratch`.
        workspace: String,
    },
    /// Replies [`Reply::Workspace`].
    RenameWorkspace {
        /// Name or id.
        workspace: String,
        /// The new name.
        name: String,
    },
    /// Deletes a workspace on the server and here. Replies [`Reply::Done`].
    DeleteWorkspace {
        /// Name or id.
        workspace: String,
    },

    /// Imports one file. Replies [`Reply::Imported`]; fails with [`ErrorKind::ImportExists`] when the
    /// same thing is here already and no mode is given.
    Import {
        /// The file.
        source: Source,
        /// What to do if it is here already.
        mode: Option<ImportMode>,
        /// Report only, change nothing.
        dry_run: bool,
    },
    /// Replies [`Reply::Exported`].
    Export {
        /// What to export; none with `all`.
        paths: Vec<String>,
        /// Everything of the workspace, or of all workspaces for [`ExportFormat::Satchel`].
        all: bool,
        /// The format.
        format: ExportFormat,
        /// Put the values of secret variables in, too.
        secrets: bool,
    },
    /// Replies [`Reply::Items`]: the children of a path, or the whole subtree in order.
    List {
        /// The path; none is the workspace.
        path: Option<String>,
        /// The whole subtree.
        tree: bool,
    },
    /// Replies [`Reply::Item`].
    Show {
        /// The path.
        path: String,
        /// Show the values of secret variables.
        secrets: bool,
    },
    /// Replies [`Reply::Found`].
    Search {
        /// What to look for, case-insensitive.
        text: String,
        /// At most this many.
        limit: usize,
    },
    /// Makes an item. Replies [`Reply::Changed`].
    New {
        /// `collection`, `folder`, `request`, `example` or `environment`.
        kind: String,
        /// Where; the last segment is its name. `\/` writes a slash in a name.
        path: String,
        /// Fields to set.
        fields: Vec<FieldEdit>,
    },
    /// Changes fields of an item, all or none. Replies [`Reply::Changed`].
    Set {
        /// The path.
        path: String,
        /// The changes.
        fields: Vec<FieldEdit>,
    },
    /// Replaces an item's document after an editor. Replies [`Reply::Changed`]. What changed elsewhere since
    /// `base` was read is merged, not overwritten.
    Replace {
        /// The path or id.
        path: String,
        /// The document as it was read by [`Call::Show`].
        base: serde_json::Value,
        /// The document as it shall be.
        document: serde_json::Value,
    },
    /// Moves or renames. Replies [`Reply::Changed`].
    Move {
        /// The item.
        from: String,
        /// An existing container to move into, or the new path.
        to: String,
        /// Put it before this sibling.
        before: Option<String>,
    },
    /// Copies with everything below. Replies [`Reply::Changed`].
    Copy {
        /// The item.
        from: String,
        /// An existing container, or the new path.
        to: String,
    },
    /// Moves to the trash. Replies [`Reply::Changed`]; fails with [`ErrorKind::BulkNotMarked`] for more than
    /// max(20 items, 10 % of the workspace) without `bulk`.
    Remove {
        /// The items.
        paths: Vec<String>,
        /// The user means it, however many items it is.
        bulk: bool,
    },

    /// Replies [`Reply::Environments`].
    Environments,
    /// Chooses the active environment on this device; none means no environment. Replies [`Reply::Done`].
    UseEnvironment {
        /// Name or id.
        environment: Option<String>,
    },
    /// Replies [`Reply::Environment`].
    ShowEnvironment {
        /// Name or id; none is the active one; `globals` are the globals.
        environment: Option<String>,
        /// Show the values of secret variables.
        secrets: bool,
    },
    /// Sets variables. Replies [`Reply::Changed`].
    SetVariables {
        /// Name or id; none is the active one; `globals` are the globals. Made if it does not exist.
        environment: Option<String>,
        /// The variables.
        variables: Vec<VariableEdit>,
    },
    /// Removes variables. Replies [`Reply::Changed`].
    UnsetVariables {
        /// Name or id; none is the active one.
        environment: Option<String>,
        /// Their keys.
        keys: Vec<String>,
    },

    /// Replies [`Reply::Conflicts`].
    Conflicts,
    /// Replies [`Reply::Conflict`].
    ShowConflict {
        /// The conflict's id, or a beginning of it that names one.
        id: String,
    },
    /// Settles one conflict, all of an item, or all of a collection. Replies [`Reply::Changed`].
    Resolve {
        /// A conflict's id (or its beginning), or the path or id of an item; a collection means
        /// everything in it.
        id: String,
        /// How.
        choice: Resolution,
        /// Only the conflict on this field, where `id` names an item.
        field: Option<String>,
    },

    /// Checks every local record, key and the chain. Replies [`Reply::Verified`].
    Verify,
    /// Looks at everything around: home, store, keys, server, clock. Replies [`Reply::Diagnosis`].
    Doctor,
    /// Writes one file with all local data, readable without any account. Replies [`Reply::Exported`].
    CreateBackup,
    /// Brings a backup's workspaces in as new ones, or onto the Scratch Pad. Replies [`Reply::Imported`].
    RestoreBackup {
        /// The file.
        source: Source,
    },
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An absolute path on this machine.
    Path(String),
    /// The content, in base64.
    Base64 {
        /// A name for messages.
        name: String,
        /// The bytes.
        content: String,
    },
}

/// What an import does with things that are here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// Bring it in a second time.
    Copy,
    /// Update what the file names, add what is new, keep the rest.
    Merge,
    /// Merge, and move what the file does not name to the trash.
    Replace,
}

/// What an export writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Postman collections v2.1.0, environments, globals: one file an item.
    Postman,
    /// One Postman data dump.
    Dump,
    /// Everything, in Satchel's own backup file.
    Satchel,
}

/// A change of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldEdit {
    /// `name`, `method`, `url`, `description`, `header.NAME`, `query.NAME`, `body`, `variable.NAME`,
    /// `script.test`, `script.prerequest`, or a dotted path into the document.
    pub field: String,
    /// The value as text (JSON where the field is not a text); none removes the field.
    pub value: Option<String>,
}

/// A change of one variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariableEdit {
    /// Its key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Make it a secret (true) or an ordinary one (false); none keeps what it is.
    pub secret: Option<bool>,
    /// Share a secret's initial value with the workspace.
    pub share: bool,
    /// Set only the current value, which stays on this device.
    pub current: bool,
}

/// How to settle a conflict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The value that lost its place.
    Local,
    /// The value that shows.
    Server,
    /// Both, where both can stand.
    Both,
    /// Another value, as JSON or text.
    Value(String),
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one reply for each call; a box would only burden the faces"
)]
pub enum Reply {
    /// It is done and there is nothing to tell.
    Done,
    /// Signed up, or recovered: the code is shown once.
    SignedUp {
        /// The account.
        account: AccountView,
        /// The recovery code, to be written down.
        recovery_code: String,
    },
    /// Signed in.
    SignedIn {
        /// The account.
        account: AccountView,
        /// Whether everything was in sync when the call returned.
        in_sync: bool,
    },
    /// The states.
    Status(Status),
    /// The account's apps.
    Apps {
        /// The apps.
        apps: Vec<AppView>,
    },
    /// The account.
    Account(AccountView),
    /// The account is gone.
    AccountDeleted {
        /// What the server deleted, by name and count.
        receipt: Vec<(String, u64)>,
    },
    /// The workspaces.
    Workspaces {
        /// The workspaces, the Scratch Pad first.
        workspaces: Vec<WorkspaceView>,
    },
    /// One workspace.
    Workspace(WorkspaceView),
    /// An import's report.
    Imported(ImportReport),
    /// Exported files.
    Exported {
        /// The files.
        files: Vec<ExportedFile>,
        /// What is not in them, in words.
        omitted: Vec<String>,
    },
    /// Items.
    Items {
        /// The items, a subtree in depth-first order.
        items: Vec<ItemView>,
    },
    /// One item with its document.
    Item {
        /// The item.
        item: ItemView,
        /// Its document in Postman's shape.
        document: serde_json::Value,
    },
    /// Search results.
    Found {
        /// The hits.
        hits: Vec<Hit>,
        /// There were more.
        more: bool,
    },
    /// Something changed.
    Changed {
        /// The items that changed.
        items: Vec<ItemView>,
        /// Which acknowledgement the change has.
        acknowledged: Acknowledged,
    },
    /// Environments.
    Environments {
        /// The environments and globals.
        environments: Vec<ItemView>,
        /// The id of the active one.
        active: Option<String>,
    },
    /// One environment.
    Environment {
        /// The environment.
        item: ItemView,
        /// Its variables.
        variables: Vec<VariableView>,
    },
    /// Conflicts.
    Conflicts {
        /// The conflicts.
        conflicts: Vec<ConflictView>,
    },
    /// One conflict.
    Conflict(ConflictView),
    /// A check's result.
    Verified(Verification),
    /// A look around.
    Diagnosis {
        /// The checks.
        checks: Vec<Check>,
    },
}

/// Which acknowledgement a change has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acknowledged {
    /// Durable in the local store only.
    Local,
    /// Durable on the server.
    Server,
}

/// A state of DESIGN section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every local change is acknowledged by the server and the feed is applied to its head.
    InSync,
    /// Connected, and something waits either way.
    Syncing,
    /// Opening, or re-opening after a drop.
    Connecting,
    /// Signed out, or the server cannot be reached.
    Offline,
    /// Sync cannot go on without someone.
    Error,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pending {
    /// Records to send.
    pub up: u64,
    /// Ledger entries to receive.
    pub down: u64,
}

/// The overall state, in the shape of `status --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The worst of the workspaces' states.
    pub state: State,
    /// A word for why: `signed_out`, `disconnected`, `certificate`, `app_limit`, `evicted`, …
    pub reason: Option<String>,
    /// The layer and what was seen, for a person.
    pub detail: Option<String>,
    /// The server's URL.
    pub server: Option<String>,
    /// The account's e-mail.
    pub account: Option<String>,
    /// What waits, all workspaces together.
    pub pending: Pending,
    /// Conflicts, all workspaces together.
    pub conflicts: u64,
    /// When the server last acknowledged, by this machine's clock.
    pub acknowledged_at: Option<u64>,
    /// Each workspace.
    pub workspaces: Vec<WorkspaceStatus>,
    /// Whether an agent answers.
    pub agent: bool,
}

/// One workspace's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceStatus {
    /// Its id, `scratch` for the Scratch Pad.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// A word for why.
    pub reason: Option<String>,
    /// For a person.
    pub detail: Option<String>,
    /// What waits.
    pub pending: Pending,
    /// Conflicts.
    pub conflicts: u64,
    /// Records set aside, with the reason.
    pub set_aside: Vec<SetAside>,
    /// The newest entry applied.
    pub seq: u64,
}

/// A record that is not synced, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetAside {
    /// The record.
    pub record: String,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// The alarm: `damaged`, `forged`, `too_large`, `refused`.
    pub alarm: String,
    /// For a person.
    pub detail: String,
}

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    /// Its id.
    pub id: String,
    /// The e-mail.
    pub email: String,
    /// The server's URL.
    pub server: String,
    /// This app's id.
    pub app: String,
    /// This app's name.
    pub app_name: String,
}

/// An app of the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `command_line`, `desktop` or `web`.
    pub kind: String,
    /// When the server last heard of it.
    pub last_seen: u64,
    /// Changes that it last said were waiting.
    pub waiting: u32,
    /// Whether it holds a place now.
    pub connected: bool,
    /// Whether it is this app.
    pub this: bool,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceView {
    /// Its id, `scratch` for the Scratch Pad.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is the one in use.
    pub current: bool,
    /// Items, without trash.
    pub items: u64,
    /// Its state.
    pub state: State,
}

/// An item, without its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemView {
    /// Its id.
    pub id: String,
    /// `collection`, `folder`, `request`, `example`, `environment`, `globals`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// A request's method.
    pub method: Option<String>,
    /// Its path.
    pub path: String,
    /// Its depth below where the listing began, 0 for its top.
    pub depth: usize,
    /// Its conflicts, node and body together.
    pub conflicts: u64,
    /// Whether it has changes that the server has not acknowledged.
    pub waiting: bool,
}

/// A search result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The item.
    pub item: ItemView,
    /// The field.
    pub field: String,
    /// The text around the hit.
    pub excerpt: String,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariableView {
    /// Its key.
    pub key: String,
    /// The initial value; none where it is secret and was not asked for, or is not on this device.
    pub initial: Option<String>,
    /// The current value on this device, where there is one.
    pub current: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether the initial value syncs.
    pub shared: bool,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConflictView {
    /// Its id.
    pub id: String,
    /// The item.
    pub item: ItemView,
    /// The field, as a dotted path.
    pub field: String,
    /// The value both began from.
    pub base: Option<serde_json::Value>,
    /// The value that lost its place.
    pub local: Option<serde_json::Value>,
    /// The value that shows.
    pub server: Option<serde_json::Value>,
    /// Whose value `local` is: an e-mail where known, else an account id.
    pub who: String,
    /// When it was found.
    pub when: u64,
}

/// An import's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// What the file was.
    pub source: String,
    /// Top items: what they are called now.
    pub items: Vec<ItemView>,
    /// How many of each kind came in.
    pub counts: Vec<(String, u64)>,
    /// What could not be carried over as it was, in words.
    pub losses: Vec<String>,
    /// Nothing was changed.
    pub dry_run: bool,
    /// Items added.
    pub added: u64,
    /// Items changed.
    pub changed: u64,
    /// Items moved to the trash.
    pub trashed: u64,
    /// Which acknowledgement it has.
    pub acknowledged: Acknowledged,
}

/// An exported file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// A file name that is safe everywhere.
    pub name: String,
    /// The bytes, in base64 unless `text`.
    pub content: String,
    /// `content` is the text itself.
    pub text: bool,
}

/// What a check of the local copy found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Records checked.
    pub records: u64,
    /// Ledger entries passed.
    pub entries: u64,
    /// What is wrong, each in words; empty is good.
    pub problems: Vec<SetAside>,
    /// Records fetched again because the local copy was damaged.
    pub mended: u64,
}

/// One check of `doctor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was seen, and what to do if it is not well.
    pub detail: String,
}

/// How long work goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done: `reading`, `storing`, `sending`, `receiving`.
    pub phase: String,
    /// How much is done.
    pub done: u64,
    /// Of how much; 0 if not known.
    pub total: u64,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiError {
    /// The kind, which the face turns into words and an exit code.
    pub kind: ErrorKind,
    /// What was tried, in lower case: `opening Shop/Get cart`.
    pub tried: String,
    /// What was seen; may be empty.
    pub detail: String,
    /// For [`ErrorKind::AppLimit`]: who holds the places.
    pub apps: Vec<AppView>,
    /// For [`ErrorKind::ChangesWaiting`] and the like: how many.
    pub count: u64,
    /// For [`ErrorKind::Ambiguous`] and [`ErrorKind::ImportExists`]: which.
    pub candidates: Vec<String>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The input is not usable: a file, a field, a value, a URL.
    Invalid,
    /// Over a limit on size, depth or count.
    TooLarge,
    /// There is no such item, workspace, environment, app or conflict.
    NotFound,
    /// Several things have that name.
    Ambiguous,
    /// The name or id is taken.
    Exists,
    /// It was imported before; choose copy, merge or replace.
    ImportExists,
    /// Many items would go; the user must say so.
    BulkNotMarked,
    /// Changes wait for the server; choose export, stay or discard.
    ChangesWaiting,
    /// All places of the account are in use; choose which app makes room.
    AppLimit,
    /// Another app took this app's place.
    Evicted,
    /// This needs an account.
    SignedOut,
    /// This profile is signed in already.
    SignedIn,
    /// Wrong e-mail, password or recovery code.
    Unauthorized,
    /// The session was ended on the server; sign in again.
    SessionEnded,
    /// Too many tries; wait.
    Throttled,
    /// The e-mail is in use, or sign-up is closed.
    SignUpRefused,
    /// The server cannot be reached.
    Unreachable,
    /// TLS: the certificate is not trusted.
    Certificate,
    /// What answers is not a Satchel server.
    NotSatchel,
    /// The server or the app is too old for the other.
    Version,
    /// The server refused; the detail says why.
    Refused,
    /// The server's room is used up, or it cannot write.
    ServerFull,
    /// Not in sync within the time.
    NotInSync,
    /// The server shows another history than before: rolled back, forked or forged.
    LyingServer,
    /// Local data is damaged.
    Damaged,
    /// The local disk is full or cannot be written.
    LocalStore,
    /// Another process owns this profile.
    Locked,
    /// Both values cannot stand.
    CannotStandBoth,
    /// A bug in Satchel.
    Internal,
}
