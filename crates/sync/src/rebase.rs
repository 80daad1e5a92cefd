//! An app that comes back after the server dropped what lay between: its kept base, rebased on the whole state.
//!
//! The app's cursor lies on the verified ledger, so whatever the server has of a record grew out of what was
//! acknowledged here, though the steps are not known. What has a base and is absent was deleted elsewhere;
//! what has no base was made elsewhere; what was never acknowledged is not in the base at all and stays
//! waiting. Changes that wait are merged over their kept base like at any catch-up: over an unchanged
//! record they are no conflict, over a deleted one they keep the item.
//!
//! Invariant: nothing is taken from a ledger that does not contain this app's cursor.

use satchel_wire::{Head, Revision, WorkspaceId};

use crate::engine::Engine;
use crate::replica::{Link, Replica};
use crate::staging::Refused;
use crate::store::Alarm;

/// What became of one record part since the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing, or it is nowhere.
    Unchanged,
    /// It has another revision.
    Changed,
    /// It was deleted elsewhere.
    Gone,
    /// It was made elsewhere.
    New,
}

/// Compares the kept base of a part with the verified state.
pub(crate) fn step(kept: Option<Revision>, server: Option<Revision>) -> Step {
    match (kept, server) {
        (Some(kept), Some(server)) if kept != server => Step::Changed,
        (Some(_), None) => Step::Gone,
        (None, Some(_)) => Step::New,
        _ => Step::Unchanged,
    }
}

/// Whether a cursor lies on a ledger, of which every position is given.
pub(crate) fn check_prefix(cursor: Head, ledger: &[Head]) -> Result<(), Refused> {
    let index = cursor.seq.checked_sub(1).and_then(|index| usize::try_from(index).ok());
    if cursor == Head::EMPTY || index.and_then(|index| ledger.get(index)) == Some(&cursor) {
        return Ok(());
    }
    let detail = format!("the ledger is not the one that this app has seen up to entry {}", cursor.seq);
    Err((Alarm::Forked, detail))
}

impl Replica {
    /// Whether there is something to rebase, and it is not under way.
    pub(crate) fn may_rebase(&self) -> bool {
        let is_reading = matches!(&self.link, Link::CatchingUp(staging) if staging.shadow.is_some());
        self.head != Head::EMPTY && !is_reading
    }
}

impl Engine {
    /// Begins to read the whole state, because the server does not keep what came after the cursor.
    pub(crate) fn begin_rebase(&mut self, workspace: WorkspaceId) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        let frame = replica.read_whole_ledger(replica.former_life(None));
        self.outbox.push_back(frame);
    }
}

#[cfg(test)]
mod tests {
    use satchel_wire::Chain;

    use super::*;

    #[track_caller]
    fn check(kept: Option<u8>, server: Option<u8>, expected: Step) {
        let revision = |byte| Revision::new([byte; 32]);
        assert_eq!(step(kept.map(revision), server.map(revision)), expected);
    }

    #[test]
    fn the_kept_base_tells_deleted_from_new() {
        check(Some(1), Some(1), Step::Unchanged);
        check(None, None, Step::Unchanged);
        check(Some(1), Some(2), Step::Changed);
        check(Some(1), None, Step::Gone);
        check(None, Some(1), Step::New);
    }

    #[test]
    fn only_a_ledger_with_the_own_cursor_is_taken() {
        let head = |seq, byte| Head { seq, chain: Chain::new([byte; 32]) };
        let ledger = [head(1, 1), head(2, 2)];
        assert!(check_prefix(Head::EMPTY, &ledger).is_ok());
        assert!(check_prefix(head(2, 2), &ledger).is_ok());
        assert!(check_prefix(head(2, 3), &ledger).is_err());
        assert!(check_prefix(head(3, 3), &ledger).is_err());
    }
}
