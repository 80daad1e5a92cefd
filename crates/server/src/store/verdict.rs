//! What a store says of a push, and how that is told: the same for every store.

use satchel_wire::{CommitHeader, ErrorCode, Head, Refusal, StaleRecord, WorkspaceEntry};

use super::Push;
use super::people::Moves;
use crate::service::{Outcome, Publish};

/// What the comparison said.
#[derive(Debug)]
pub(super) enum Verdict {
    Accepted { head: Head, founded: bool, moves: Moves },
    Repeated { seq: u64 },
    Stale { head: Head, records: Vec<StaleRecord> },
    Rejected(Refusal),
}

/// A refusal of the push as it is.
pub(super) fn reject(code: ErrorCode, detail: &str) -> Verdict {
    Verdict::Rejected(Refusal::new(code, detail))
}

/// Publishes what became of a push.
pub(super) fn report(push: Push, verdict: Verdict, publish: &dyn Publish) {
    let (workspace, commit, by) = (push.header.workspace, push.header.commit, push.by);
    publish.publish(match verdict {
        Verdict::Accepted { head, founded, moves } => {
            return report_accepted(push, (head, founded), moves, publish);
        }
        Verdict::Repeated { seq } => Outcome::Repeated { workspace, commit, seq, by },
        Verdict::Stale { head, records } => Outcome::Stale { workspace, commit, head, records, by },
        Verdict::Rejected(refusal) => Outcome::Rejected { workspace, commit, refusal, by },
    });
}

/// A founding's workspace is announced before its entry; who is removed by an entry does not get it, but who
/// leaves hears first that it was accepted; whoever gets or loses a workspace hears of it after the entry.
fn report_accepted(push: Push, (head, founded): (Head, bool), moves: Moves, publish: &dyn Publish) {
    let Push {
        by, header: CommitHeader { workspace, commit, author, .. }, signed: header, envelopes, ..
    } = push;
    if founded {
        let entry = WorkspaceEntry { workspace, head };
        publish.publish(Outcome::WorkspaceAdded { account: author, entry, by });
    }
    for account in &moves.removed {
        publish.publish(Outcome::FeedsEnded { account: *account, workspace });
    }
    publish.publish(Outcome::Accepted { workspace, commit, head, header, envelopes, by });
    let removed = moves.removed.into_iter().map(|account| (account, workspace));
    for (account, workspace) in removed.chain(moves.hidden) {
        publish.publish(Outcome::WorkspaceRemoved { account, workspace });
    }
    for (account, entry) in moves.shown {
        publish.publish(Outcome::WorkspaceShown { account, entry });
    }
}
