//! The states of DESIGN section 6, overall and of each workspace.

use serde::{Deserialize, Serialize};

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
    /// Commits of this app that the server accepted at the first, the second, … try, since it was opened; no
    /// zeros at the end.
    #[serde(default)]
    pub tries: Vec<u64>,
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
    /// What this account may do; none before the charter has come, and where it is no member any more.
    #[serde(default)]
    pub role: Option<super::Role>,
    /// What the workspace is for; none before the charter has come.
    #[serde(default)]
    pub kind: Option<super::WorkspaceKind>,
    /// The name of its team.
    #[serde(default)]
    pub team: Option<String>,
    /// How many members it has.
    #[serde(default)]
    pub members: u64,
    /// Items with changes that stay here, since this account may only read.
    #[serde(default)]
    pub drafts: u64,
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
