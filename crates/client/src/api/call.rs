//! What a face asks for: a call with what all calls share, and the values in it.

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
    /// Makes an account and signs in. Replies [`super::Reply::SignedUp`].
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
    /// Signs in. Replies [`super::Reply::SignedIn`].
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
    /// Sets a new password by the recovery code and signs in. Replies [`super::Reply::SignedUp`] with a new code.
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
    /// Drains, then destroys the account's local data. Fails with [`super::ErrorKind::ChangesWaiting`] when
    /// changes wait that may not be discarded. Replies [`super::Reply::Done`].
    SignOut {
        /// What may be thrown away.
        discard: Discard,
    },
    /// Replies [`super::Reply::Status`]; opens no connection.
    Status,
    /// Connects if needed and waits until everything is in sync. Replies [`super::Reply::Status`], or fails
    /// with [`super::ErrorKind::NotInSync`].
    Sync {
        /// How long to wait.
        timeout_ms: u64,
    },
    /// Fetches the newest, keeps waiting edits, and checks the local copy against the ledger. Replies [`super::Reply::Verified`].
    Reload,
    /// Replies [`super::Reply::Apps`].
    Apps,
    /// Ends another app's session. Replies [`super::Reply::Done`].
    DisconnectApp {
        /// Its id or name.
        app: String,
    },
    /// Takes a place back after this app lost it. Replies [`super::Reply::Status`].
    TakePlace {
        /// The app (id or name) whose place to take.
        from: String,
    },
    /// Replies [`super::Reply::Account`].
    Account,
    /// Replies [`super::Reply::Done`].
    ChangePassword {
        /// The present password.
        old: Secret,
        /// The new password.
        new: Secret,
    },
    /// Deletes the account on the server, then the local data. Replies [`super::Reply::AccountDeleted`].
    DeleteAccount {
        /// The password.
        password: Secret,
    },

    /// Replies [`super::Reply::Workspaces`].
    Workspaces,
    /// Replies [`super::Reply::Workspace`].
    CreateWorkspace {
        /// Its name.
        name: String,
        /// The team (name or id) that it belongs to; none makes a personal one.
        #[serde(default)]
        team: Option<String>,
        /// All members of the team become members of it.
        #[serde(default)]
        open: bool,
    },
    /// The teams of this account. Replies [`super::Reply::Teams`].
    Teams,
    /// Makes a team. Replies [`super::Reply::Team`].
    CreateTeam {
        /// Its name.
        name: String,
    },
    /// Replies [`super::Reply::Team`].
    RenameTeam {
        /// Name or id.
        team: String,
        /// The new name.
        name: String,
    },
    /// Leaves a team, and with it the team's workspaces. Replies [`super::Reply::Done`].
    LeaveTeam {
        /// Name or id.
        team: String,
    },
    /// Deletes a team that has no workspaces any more. Replies [`super::Reply::Done`].
    DeleteTeam {
        /// Name or id.
        team: String,
    },
    /// The members of a team, or without one of the request's workspace. Replies [`super::Reply::Members`].
    Members {
        /// Name or id.
        team: Option<String>,
    },
    /// Opens an invitation; its link is told once. Replies [`super::Reply::Invited`].
    Invite {
        /// The role of who joins.
        role: super::Role,
        /// The team (name or id); none means the request's workspace.
        team: Option<String>,
    },
    /// The open invitations. Replies [`super::Reply::Invites`].
    Invites {
        /// The team; none means the request's workspace.
        team: Option<String>,
    },
    /// Ends an invitation. Replies [`super::Reply::Done`].
    RevokeInvite {
        /// Its id, or a beginning of it that names one.
        invite: String,
        /// The team; none means the request's workspace.
        team: Option<String>,
    },
    /// Asks to become a member by a link. Replies [`super::Reply::Joined`]: within the call's wait when an
    /// admin's app confirms in that time.
    Join {
        /// The link.
        link: Secret,
    },
    /// Gives a member another role. Replies [`super::Reply::Done`].
    SetRole {
        /// The member's name or account.
        member: String,
        /// The role.
        role: super::Role,
        /// The team; none means the request's workspace.
        team: Option<String>,
    },
    /// Removes a member and begins a new key. Replies [`super::Reply::MemberRemoved`].
    RemoveMember {
        /// The member's name or account.
        member: String,
        /// The team; none means the request's workspace.
        team: Option<String>,
    },
    /// Leaves the request's workspace. What is here stays until it is deleted. Replies [`super::Reply::Done`].
    Leave,
    /// Makes another member an admin, then leaves. Replies [`super::Reply::Done`].
    HandOver {
        /// The member's name or account.
        member: String,
        /// The team; none means the request's workspace.
        team: Option<String>,
    },
    /// Opens the request's workspace to all of its team, or closes it. Replies [`super::Reply::Done`].
    SetAccess {
        /// Whether all members of the team become members of it.
        open: bool,
    },
    /// The words of someone's keys, to compare over another way. Replies [`super::Reply::Fingerprint`].
    Fingerprint {
        /// A member of the request's workspace, by name or account; none is this account.
        member: Option<String>,
    },
    /// Who changed what in the request's workspace, the newest first. Replies [`super::Reply::Activity`].
    Activity {
        /// At most so many entries.
        limit: u64,
    },
    /// Tells the other members where this app is, until another call says otherwise; off by default, and told
    /// at most once a second. Replies [`super::Reply::Done`].
    Presence {
        /// Where, in the request's workspace; none says nothing any more.
        here: Option<super::Here>,
    },
    /// Who says to be in the request's workspace now; a watch of the profile tells when to ask again. Replies
    /// [`super::Reply::Present`].
    WhoIsHere,
    /// Discards drafts and other changes that wait: the items are again as the server has them. Replies
    /// [`super::Reply::Discarded`].
    DiscardDrafts {
        /// The items, each with nothing below; none means all drafts of the workspace.
        paths: Vec<String>,
    },
    /// Chooses the workspace that calls without one mean. Replies [`super::Reply::Workspace`].
    UseWorkspace {
        /// Name, id, or `scratch`.
        workspace: String,
    },
    /// Replies [`super::Reply::Workspace`].
    RenameWorkspace {
        /// Name or id.
        workspace: String,
        /// The new name.
        name: String,
    },
    /// Deletes a workspace on the server and here; one that is gone there is deleted here alone. Replies
    /// [`super::Reply::Done`]; fails with [`super::ErrorKind::ChangesWaiting`] where unsent changes would go
    /// that are nowhere else.
    DeleteWorkspace {
        /// Name or id.
        workspace: String,
        /// Changes that were never sent may go with it.
        #[serde(default)]
        discard: bool,
    },

    /// Imports one file. Replies [`super::Reply::Imported`]; fails with [`super::ErrorKind::ImportExists`] when the
    /// same thing is here already and no mode is given.
    Import {
        /// The file.
        source: Source,
        /// What to do if it is here already.
        mode: Option<ImportMode>,
        /// Report only, change nothing.
        dry_run: bool,
    },
    /// Replies [`super::Reply::Exported`].
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
    /// Replies [`super::Reply::Items`]: the children of a path, or the whole subtree in order.
    List {
        /// The path; none is the workspace.
        path: Option<String>,
        /// The whole subtree.
        tree: bool,
    },
    /// Replies [`super::Reply::Item`].
    Show {
        /// The path.
        path: String,
        /// Show the values of secret variables.
        secrets: bool,
    },
    /// Some items as they are now, by id; ids that show no more are told as such. Replies [`super::Reply::Looked`].
    Look {
        /// The ids.
        items: Vec<String>,
    },
    /// Replies [`super::Reply::Found`].
    Search {
        /// What to look for, case-insensitive.
        text: String,
        /// At most this many.
        limit: usize,
    },
    /// Makes an item. Replies [`super::Reply::Changed`].
    New {
        /// `collection`, `folder`, `request`, `example` or `environment`.
        kind: String,
        /// Where; the last segment is its name. `\/` writes a slash in a name.
        path: String,
        /// Fields to set.
        fields: Vec<FieldEdit>,
    },
    /// Changes fields of an item, all or none. Replies [`super::Reply::Changed`].
    Set {
        /// The path.
        path: String,
        /// The changes.
        fields: Vec<FieldEdit>,
    },
    /// Replaces an item's document after an editor. Replies [`super::Reply::Changed`]. What changed elsewhere since
    /// `base` was read is merged, not overwritten.
    Replace {
        /// The path or id.
        path: String,
        /// The document as it was read by [`Call::Show`].
        base: serde_json::Value,
        /// The document as it shall be.
        document: serde_json::Value,
    },
    /// Moves or renames. Replies [`super::Reply::Changed`].
    Move {
        /// The item.
        from: String,
        /// An existing container to move into, or the new path.
        to: String,
        /// Put it before this sibling.
        before: Option<String>,
    },
    /// Copies with everything below. Replies [`super::Reply::Changed`].
    Copy {
        /// The item.
        from: String,
        /// An existing container, or the new path.
        to: String,
    },
    /// Moves a collection or an environment with everything below it to another workspace: copied there, then
    /// put into the trash here, each with a note of the other. Replies [`super::Reply::Changed`] with the copy;
    /// fails with [`super::ErrorKind::CannotStandBoth`] while conflicts are open in it.
    MoveToWorkspace {
        /// The item.
        path: String,
        /// The other workspace, by name or id.
        to: String,
        /// Take the values of shared secret variables along.
        #[serde(default)]
        secrets: bool,
    },
    /// Moves to the trash. Replies [`super::Reply::Changed`]; fails with [`super::ErrorKind::BulkNotMarked`] for more than
    /// max(20 items, 10 % of the workspace) without `bulk`.
    Remove {
        /// The items.
        paths: Vec<String>,
        /// The user means it, however many items it is.
        bulk: bool,
    },

    /// Replies [`super::Reply::Trash`].
    Trash,
    /// Takes items out of the trash, each with everything below it. Replies [`super::Reply::Changed`].
    RestoreTrash {
        /// The items, by path, name or id.
        items: Vec<String>,
    },
    /// Purges items in the trash, each with everything below it, for good. Replies [`super::Reply::Purged`]; fails
    /// with [`super::ErrorKind::BulkNotMarked`] for more than max(20 items, 10 % of the workspace) without `bulk`.
    EmptyTrash {
        /// The items, by path, name or id; none means the whole trash.
        items: Vec<String>,
        /// The user means it, however many items it is.
        bulk: bool,
    },
    /// The versions of an item that the server keeps. Replies [`super::Reply::History`]; fails with
    /// [`super::ErrorKind::NoHistory`] on the Scratch Pad.
    History {
        /// The path, or an id: of an item here, in the trash, or purged.
        path: String,
    },
    /// What has changed since a version. Replies [`super::Reply::Difference`].
    Diff {
        /// The path or id.
        path: String,
        /// The version; none is the newest that is not as the item is now.
        version: Option<u64>,
    },
    /// The document of an item at a version, without the secrets of this device. Replies [`super::Reply::Version`].
    ShowVersion {
        /// The path or id.
        path: String,
        /// The version.
        version: u64,
    },
    /// Makes an item what it was at a version, its conflicts too; out of the trash if it lies there. Replies
    /// [`super::Reply::Changed`].
    Restore {
        /// The path or id.
        path: String,
        /// The version; none takes an item out of the trash, or is the newest version that is not as the
        /// item is now.
        version: Option<u64>,
    },

    /// Replies [`super::Reply::Environments`].
    Environments,
    /// Chooses the active environment on this device; none means no environment. Replies [`super::Reply::Done`].
    UseEnvironment {
        /// Name or id.
        environment: Option<String>,
    },
    /// Replies [`super::Reply::Environment`].
    ShowEnvironment {
        /// Name or id; none is the active one; `globals` are the globals.
        environment: Option<String>,
        /// Show the values of secret variables.
        secrets: bool,
    },
    /// Sets variables. Replies [`super::Reply::Changed`].
    SetVariables {
        /// Name or id; none is the active one; `globals` are the globals. Made if it does not exist.
        environment: Option<String>,
        /// The variables.
        variables: Vec<VariableEdit>,
    },
    /// Removes variables. Replies [`super::Reply::Changed`].
    UnsetVariables {
        /// Name or id; none is the active one.
        environment: Option<String>,
        /// Their keys.
        keys: Vec<String>,
    },

    /// Replies [`super::Reply::Conflicts`].
    Conflicts,
    /// Replies [`super::Reply::Conflict`].
    ShowConflict {
        /// The conflict's id, or a beginning of it that names one.
        id: String,
    },
    /// Settles one conflict, all of an item, or all of a collection. Replies [`super::Reply::Changed`].
    Resolve {
        /// A conflict's id (or its beginning), or the path or id of an item; a collection means
        /// everything in it.
        id: String,
        /// How.
        choice: Resolution,
        /// Only the conflict on this field, where `id` names an item.
        field: Option<String>,
    },

    /// All that a request or a run is made of, secrets included. Replies [`super::Reply::Sources`].
    Sources {
        /// The path or id of a request, folder or collection; none is a request of no collection.
        item: Option<String>,
        /// The environment.
        environment: super::EnvironmentChoice,
        /// Give the whole collection of the item, too.
        #[serde(default)]
        below: bool,
    },
    /// Keeps on this device what a send or a run changed: values, cookies, tokens, an entry of the history. Never
    /// syncs. Replies [`super::Reply::Done`].
    KeepSent {
        /// The item that was sent or run, by id.
        #[serde(default)]
        item: Option<String>,
        /// The environment that was sent with, by id.
        #[serde(default)]
        environment: Option<String>,
        /// Changed values.
        #[serde(default)]
        values: Vec<super::ValueChange>,
        /// Changed cookies.
        #[serde(default)]
        cookies: Vec<super::KeptChange>,
        /// Changed tokens.
        #[serde(default)]
        tokens: Vec<super::KeptChange>,
        /// For the history.
        #[serde(default)]
        sent: Vec<super::SentEntry>,
        /// For the list of runs.
        #[serde(default)]
        runs: Vec<super::RunEntry>,
    },
    /// Says whether scripts of the request's workspace may run on this device. Replies [`super::Reply::Done`].
    Trust {
        /// Whether they may.
        trusted: bool,
    },
    /// The requests that were sent from this device, the newest first. Replies [`super::Reply::SentList`].
    SentList {
        /// Only those with this text in name, URL, status, headers or bodies, in any case; empty is all.
        search: String,
        /// At most so many.
        limit: u64,
    },
    /// Replies [`super::Reply::SentDetail`].
    SentShow {
        /// Its number; none is the newest.
        id: Option<u64>,
    },
    /// Forgets the requests that were sent, the runs and the cookies of the request's workspace; without
    /// `everything` only the requests. Replies [`super::Reply::Done`].
    SentClear {
        /// Runs and cookies, too.
        everything: bool,
    },
    /// The runs on this device, the newest first. Replies [`super::Reply::RunList`].
    RunList,
    /// Replies [`super::Reply::RunDetail`].
    RunShow {
        /// Its number; none is the newest.
        id: Option<u64>,
    },

    /// Checks every local record, key and the chain. Replies [`super::Reply::Verified`].
    Verify,
    /// Looks at everything around: home, store, keys, server, clock. Replies [`super::Reply::Diagnosis`].
    Doctor,
    /// Writes one file with all local data, readable without any account. Replies [`super::Reply::Exported`].
    CreateBackup,
    /// Brings a backup's workspaces in as new ones, or onto the Scratch Pad. Replies [`super::Reply::Imported`].
    RestoreBackup {
        /// The file.
        source: Source,
    },
}

/// What a sign-out may throw away of what the server has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discard {
    /// Nothing.
    Nothing,
    /// What the backup in this file holds, an absolute path: only if it is what a backup would be now.
    BackedUp(String),
    /// Everything.
    Everything,
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
