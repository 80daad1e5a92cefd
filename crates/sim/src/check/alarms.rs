//! An honest server sets off no alarm, and a forged frame is never taken.

use satchel_sync::{Alarm, SyncState};

use super::{Checked, violation};

/// What an app says after an honest frame.
pub(crate) fn check_honest(app: usize, alarm: Alarm, detail: &str) -> Checked {
    Err(violation("alarms", format!("app {app} is alarmed by an honest server: {} {detail}", alarm.as_str())))
}

/// How an app stands before and after a frame that was changed on its way.
pub(crate) struct Forged<'a> {
    pub(crate) app: usize,
    pub(crate) what: &'a str,
    pub(crate) head_before: u64,
    pub(crate) head_after: u64,
    pub(crate) state_before: SyncState,
    pub(crate) state_after: SyncState,
    /// The app was in a state in which it reads such a frame.
    pub(crate) must_be_noticed: bool,
}

/// A forged frame moves no cursor, and sets off an alarm if it was read.
pub(crate) fn check_forged(forged: &Forged<'_>) -> Checked {
    let Forged { app, what, .. } = forged;
    if forged.head_after != forged.head_before {
        return Err(violation("alarms", format!("app {app} applied {what}")));
    }
    let blocked = |state: &SyncState| matches!(state, SyncState::Blocked(..));
    if forged.must_be_noticed && !blocked(&forged.state_before) && !blocked(&forged.state_after) {
        return Err(violation("alarms", format!("app {app} did not notice {what}")));
    }
    Ok(())
}
