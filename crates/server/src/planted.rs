//! Bugs that are planted on purpose, so that the simulator can show that its checkers bite.
//!
//! Without the feature `planted` there is no switch: [`is`] is constantly false, and what it guards is
//! not compiled in. The products refuse to be built with the feature.

/// Whether this build has the switch.
pub const IS_ON: bool = cfg!(feature = "planted");

/// One planted bug of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// A commit is answered before it is durable.
    AcknowledgeBeforeCommit = 1,
    /// Commit ids are not compared.
    CommitIdNotUnique,
    /// Parents of changes are not compared.
    ParentUnchecked,
    /// The read set is not compared.
    ExpectsIgnored,
    /// Positions come from a counter that refused commits move, too.
    SeqFromSequence,
    /// A snapshot leaves out the first entry after the cursor.
    SnapshotSkipsOne,
    /// What came while an app read its snapshot is dropped.
    JoinLosesHeld,
    /// Of a stale commit the changes that still fit are kept.
    PartialCommit,
    /// A viewer's changes are taken.
    ViewerWrites,
    /// Commits under an older key epoch are taken.
    OldEpochTaken,
    /// The feeds of who was removed go on.
    RemovedStillFed,
}

#[cfg(feature = "planted")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Whether a bug is switched on, for the whole process.
#[cfg(feature = "planted")]
pub fn is(bug: Bug) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == bug as u8
}

/// Whether a bug is switched on: never in this build.
#[cfg(not(feature = "planted"))]
pub const fn is(_: Bug) -> bool {
    false
}

/// Switches one bug on and all others of this crate off, for the whole process.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    ACTIVE.store(bug.map_or(0, |bug| bug as u8), std::sync::atomic::Ordering::Relaxed);
}
