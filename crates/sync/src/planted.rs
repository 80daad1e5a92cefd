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
    /// Effects are written in one transaction, the cursor in a second one.
    CursorAfterEffects = 1,
    /// The cursor is written in one transaction, effects in a second one.
    CursorBeforeEffects,
    /// Losing its place makes the app forget what waits.
    EvictionWipes,
    /// A stale answer drops the changes that the commit carried.
    StaleDropsPending,
    /// An acknowledgement drops a later edit of the same record too.
    CoalescingDropsLater,
    /// The chain at the end of a catch-up is taken as the server says it.
    ChainUnchecked,
    /// The digest at the end of a catch-up is not compared.
    DigestUnchecked,
    /// Signatures under commits are not verified.
    SignatureUnchecked,
    /// Commits carry no read set.
    ExpectsNotSent,
    /// Ordinals begin anew at each start, and are used twice.
    OrdinalReuse,
    /// Pages of a catch-up are written as they come, before the cursor.
    PagesWithoutCursor,
    /// An edit of a node is acknowledged before it is in the store.
    AcknowledgeBeforeStore,
    /// A merge takes the server's version as the base: the local one wins without a conflict.
    MergeWithoutBase,
    /// A gap in the feed is stepped over.
    GapIgnored,
    /// A change counts as acknowledged when it was sent.
    AcknowledgedOnSend,
    /// What a catch-up does not name is taken as deleted.
    AbsenceDeletes,
    /// A start forgets changes that are in a commit under way.
    StartForgetsFlying,
    /// An envelope is not compared to the revision that was signed.
    RevisionUnchecked,
    /// A deletion wins over an edit made at the same time.
    DeleteWinsOverEdit,
    /// A merge is shown and never sent.
    MergeNotSent,
    /// What a restored server has lost is not brought back.
    RollbackNotBroughtBack,
    /// A purge goes over an edit that its author has not seen.
    PurgeIgnoresUnseen,
    /// A purge wins over an edit made at the same time.
    PurgeWinsOverEdit,
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
