//! The harness bites: every planted bug must be caught, and the table says by which seed and checker.

use std::fmt::Write as _;

use satchel_model::planted::{self as model, Bug as ModelBug};
use satchel_server::planted::{self as server, Bug as ServerBug};
use satchel_sync::planted::{self as sync, Bug as SyncBug};

use crate::run::{Failure, Order, many, one};
use crate::tier::wide::Wide;

/// A planted bug of any crate.
#[derive(Debug, Clone, Copy)]
enum Bug {
    Sync(SyncBug),
    Model(ModelBug),
    Server(ServerBug),
}

/// Not planted, because the design makes it harmless, so that no checker could bite: ids of commits that a
/// restart of the server forgets. An app sends a commit again only when it has caught up and not found it,
/// and what lay in the writer's queue dies with the process.
const BUGS: &[Bug] = &[
    Bug::Sync(SyncBug::CursorAfterEffects),
    Bug::Sync(SyncBug::CursorBeforeEffects),
    Bug::Sync(SyncBug::EvictionWipes),
    Bug::Sync(SyncBug::StaleDropsPending),
    Bug::Sync(SyncBug::CoalescingDropsLater),
    Bug::Sync(SyncBug::ChainUnchecked),
    Bug::Sync(SyncBug::DigestUnchecked),
    Bug::Sync(SyncBug::SignatureUnchecked),
    Bug::Sync(SyncBug::ExpectsNotSent),
    Bug::Sync(SyncBug::OrdinalReuse),
    Bug::Sync(SyncBug::PagesWithoutCursor),
    Bug::Sync(SyncBug::AcknowledgeBeforeStore),
    Bug::Sync(SyncBug::MergeWithoutBase),
    Bug::Sync(SyncBug::GapIgnored),
    Bug::Sync(SyncBug::AcknowledgedOnSend),
    Bug::Sync(SyncBug::AbsenceDeletes),
    Bug::Sync(SyncBug::StartForgetsFlying),
    Bug::Sync(SyncBug::RevisionUnchecked),
    Bug::Sync(SyncBug::DeleteWinsOverEdit),
    Bug::Sync(SyncBug::MergeNotSent),
    Bug::Sync(SyncBug::RollbackNotBroughtBack),
    Bug::Sync(SyncBug::PurgeIgnoresUnseen),
    Bug::Sync(SyncBug::PurgeWinsOverEdit),
    Bug::Model(ModelBug::MergeByPosition),
    Bug::Model(ModelBug::ConflictDropped),
    Bug::Model(ModelBug::ClockDecides),
    Bug::Model(ModelBug::TextTakesLocal),
    Bug::Model(ModelBug::RemovalWins),
    Bug::Model(ModelBug::ConflictsOfServerOnly),
    Bug::Model(ModelBug::CycleNotCut),
    Bug::Server(ServerBug::AcknowledgeBeforeCommit),
    Bug::Server(ServerBug::CommitIdNotUnique),
    Bug::Server(ServerBug::ParentUnchecked),
    Bug::Server(ServerBug::ExpectsIgnored),
    Bug::Server(ServerBug::SeqFromSequence),
    Bug::Server(ServerBug::SnapshotSkipsOne),
    Bug::Server(ServerBug::JoinLosesHeld),
    Bug::Server(ServerBug::PartialCommit),
    Bug::Server(ServerBug::ViewerWrites),
    Bug::Server(ServerBug::OldEpochTaken),
    Bug::Server(ServerBug::RemovedStillFed),
];

impl Bug {
    fn name(self) -> String {
        match self {
            Self::Sync(bug) => format!("sync {bug:?}"),
            Self::Model(bug) => format!("model {bug:?}"),
            Self::Server(bug) => format!("server {bug:?}"),
        }
    }

    fn plant(bug: Option<Self>) {
        sync::plant(bug.and_then(|bug| if let Self::Sync(bug) = bug { Some(bug) } else { None }));
        model::plant(bug.and_then(|bug| if let Self::Model(bug) = bug { Some(bug) } else { None }));
        server::plant(bug.and_then(|bug| if let Self::Server(bug) = bug { Some(bug) } else { None }));
    }
}

/// Plants each bug in turn. The table, and how many were caught of how many.
pub(crate) fn run(order: &Order, only: Option<&str>) -> (String, usize, usize) {
    let mut table = String::from("| planted bug | seed | checker | histories |\n| --- | --- | --- | --- |\n");
    let (mut caught, mut count) = (0, 0);
    for bug in BUGS.iter().filter(|bug| only.is_none_or(|only| bug.name().contains(only))) {
        count += 1;
        Bug::plant(Some(*bug));
        let report = many::<Wide>(order, 3);
        Bug::plant(None);
        // A seed that fails without the bug, too, says nothing about it.
        let is_due = |failure: &&Failure| one::<Wide>(failure.seed, order.steps, false).is_ok();
        let line = match report.failures.iter().find(is_due) {
            Some(Failure { seed, violation }) => {
                caught += 1;
                eprintln!("{}: seed {seed}, {violation}", bug.name());
                format!("| {} | {seed} | {} | {} |", bug.name(), violation.checker, report.histories)
            }
            None => format!("| {} | – | **not caught** | {} |", bug.name(), report.histories),
        };
        let _ = writeln!(table, "{line}");
    }
    (table, caught, count)
}
