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
    /// Lists merge by position.
    MergeByPosition = 1,
    /// A conflict is not kept.
    ConflictDropped,
    /// The clock of the app that merges decides which value shows.
    ClockDecides,
    /// Lines that both changed are taken from the local text.
    TextTakesLocal,
    /// A removed element takes an edit of it along, without a conflict.
    RemovalWins,
    /// Conflicts of the local side are lost in a merge.
    ConflictsOfServerOnly,
    /// A cycle of parents is not cut.
    CycleNotCut,
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
