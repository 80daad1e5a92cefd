//! The pace of commits: an edit that follows the answer to the one before goes out at once, a burst in few commits.
//!
//! Why it exists: a commit costs the server a signature and a sync, whatever is in it. The engine lets a small
//! commit wait for the one under way; where that goes on, what comes within a moment is sent together.

use std::time::Duration;

use satchel_sync::Engine;
use tokio::time::Instant;

/// After so many commits in a row that edits came behind, it is a burst.
const BURST_COMMITS: u32 = 4;
/// From a commit to the next one of a burst.
const GATHER_TIME: Duration = Duration::from_millis(10);

/// How edits and commits followed each other until now.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the edits of a burst are sent together.
    gather_until: Option<Instant>,
    /// An edit came while a commit was under way, or being gathered.
    is_crowded: bool,
    /// How many commits in a row that was so with.
    crowded_commits: u32,
    /// When the last commit was sent.
    committed_at: Option<Instant>,
}

impl Pace {
    pub(super) fn note_edit(&mut self, engine: &Engine) {
        self.is_crowded |= self.gather_until.is_some() || engine.is_committing();
    }

    pub(super) fn note_commit(&mut self) {
        self.committed_at = Some(Instant::now());
        let is_crowded = std::mem::take(&mut self.is_crowded);
        self.crowded_commits = if is_crowded { self.crowded_commits + 1 } else { 0 };
    }

    /// When to look again.
    pub(super) fn gather_until(&self) -> Option<Instant> {
        self.gather_until
    }

    /// Whether to wait a moment with what there is to send.
    pub(super) fn gathers(&mut self, engine: &Engine) -> bool {
        let until = self.committed_at.map(|at| at + GATHER_TIME);
        let is_burst = self.crowded_commits >= BURST_COMMITS;
        let until = until.filter(|until| is_burst && *until > Instant::now() && engine.is_gathering());
        self.gather_until = until;
        until.is_some()
    }
}
