//! What a store says of a push, and how that is told: the same for every store.

use satchel_wire::{ErrorCode, Head, Refusal, StaleRecord, WorkspaceEntry};

use super::Push;
use crate::service::{Outcome, Publish};

/// What the comparison said.
#[derive(Debug)]
pub(super) enum Verdict {
    Accepted { head: Head, founded: bool },
    Repeated { seq: u64 },
    Stale { head: Head, records: Vec<StaleRecord> },
    Rejected(Refusal),
}

/// A refusal of the push as it is.
pub(super) fn reject(code: ErrorCode, detail: &str) -> Verdict {
    Verdict::Rejected(Refusal::new(code, detail))
}

/// Publishes what became of a push; a founding's workspace is announced before its entry.
pub(super) fn report(push: Push, verdict: Verdict, publish: &dyn Publish) {
    let (workspace, commit, by) = (push.header.workspace, push.header.commit, push.by);
    publish.publish(match verdict {
        Verdict::Accepted { head, founded } => {
            if founded {
                let entry = WorkspaceEntry { workspace, head };
                publish.publish(Outcome::WorkspaceAdded { account: push.header.author, entry, by });
            }
            let Push { signed: header, envelopes, .. } = push;
            Outcome::Accepted { workspace, commit, head, header, envelopes, by }
        }
        Verdict::Repeated { seq } => Outcome::Repeated { workspace, commit, seq, by },
        Verdict::Stale { head, records } => Outcome::Stale { workspace, commit, head, records, by },
        Verdict::Rejected(refusal) => Outcome::Rejected { workspace, commit, refusal, by },
    });
}
