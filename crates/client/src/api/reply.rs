//! What comes of a call that did not fail, and how long it takes.

use serde::{Deserialize, Serialize};

use super::{
    AccountView, AppView, Check, ConflictView, ExportedFile, Hit, ImportReport, ItemView, Status, TrashView,
    VariableView, Verification, VersionView, WorkspaceView,
};

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
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
    /// Some items as they are now.
    Looked {
        /// Those that show; the depth of each is 0.
        items: Vec<ItemView>,
        /// The ids of the others: in the trash, or gone.
        removed: Vec<String>,
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
    /// The versions of an item, the newest first.
    History {
        /// The item as it is now, none if it was purged.
        item: Option<ItemView>,
        /// The versions.
        versions: Vec<VersionView>,
        /// Older ones are there that were not read.
        more: bool,
    },
    /// What has changed of an item since a version.
    Difference {
        /// The item as it is now, none if it was purged.
        item: Option<ItemView>,
        /// The version that the item is compared with; none if it is as all of them.
        version: Option<VersionView>,
        /// A unified diff of its document; empty if nothing has changed.
        text: String,
    },
    /// An item at a version.
    Version {
        /// The version.
        version: VersionView,
        /// Its document in Postman's shape; none where it was purged with it.
        document: Option<serde_json::Value>,
    },
    /// What lies in the trash.
    Trash {
        /// The items that were put there, the latest first.
        items: Vec<TrashView>,
    },
    /// Items are gone for good.
    Purged {
        /// How many, with everything below.
        items: u64,
        /// Which acknowledgement it has.
        acknowledged: Acknowledged,
    },
    /// The teams.
    Teams {
        /// The teams, by name.
        teams: Vec<super::TeamView>,
    },
    /// One team.
    Team(super::TeamView),
    /// Members.
    Members {
        /// The members, admins first.
        members: Vec<super::MemberView>,
    },
    /// An invitation: the link is shown once, and is as good as the role in it.
    Invited {
        /// The invitation.
        invite: super::InviteView,
        /// The link.
        link: super::Secret,
    },
    /// Open invitations.
    Invites {
        /// The invitations, the one that ends last first.
        invites: Vec<super::InviteView>,
    },
    /// The claim of an invitation has come to the server.
    Joined {
        /// The id of the workspace or team.
        workspace: String,
        /// Its name, once it has been received.
        name: Option<String>,
        /// It waits for an admin's app to confirm.
        waiting: bool,
    },
    /// A member is removed.
    MemberRemoved {
        /// The shared secret variables that the member could read: to be changed where they are in use.
        secrets: Vec<super::ReadableSecret>,
    },
    /// The words of someone's keys.
    Fingerprint {
        /// Whose.
        name: String,
        /// The words.
        words: String,
    },
    /// Who did what.
    Activity {
        /// The entries, the newest first.
        entries: Vec<super::ActivityView>,
    },
    /// Who is here.
    Present {
        /// The other apps that are connected and say so.
        people: Vec<super::PresentView>,
    },
    /// Waiting changes are discarded.
    Discarded {
        /// Of how many items.
        items: u64,
    },
    /// All that a request or a run is made of.
    Sources(super::SourcesView),
    /// Requests that were sent.
    SentList {
        /// The requests, the newest first.
        entries: Vec<super::SentView>,
        /// There were more.
        more: bool,
    },
    /// A request that was sent.
    SentDetail(super::SentEntry),
    /// Runs.
    RunList {
        /// The runs, the newest first.
        runs: Vec<super::RunView>,
    },
    /// A run.
    RunDetail(super::RunEntry),
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
