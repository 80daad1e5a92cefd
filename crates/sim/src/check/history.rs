//! The history is what was written: every version verifies, and the newest one is what shows.

use std::fmt::Debug;

use satchel_model::RecordId;
use satchel_sync::Version;

use super::{Checked, violation};

/// Looks at versions that an honest server gave.
pub(crate) fn check(app: usize, versions: &[Version]) -> Checked {
    for version in versions {
        if let Err(alarm) = &version.content {
            let detail = format!("app {app} does not believe version {}: {}", version.seq, alarm.detail);
            return Err(violation("history", detail));
        }
    }
    if versions.is_sorted_by(|newer, older| newer.seq > older.seq) {
        return Ok(());
    }
    Err(violation("history", format!("app {app} is given versions out of their order")))
}

/// Compares the newest version to what an app shows that has all of them and waits for nothing.
pub(crate) fn check_newest<P: PartialEq + Debug>(
    app: usize,
    record: RecordId,
    newest: Option<&P>,
    shown: Option<&P>,
) -> Checked {
    if newest == shown {
        return Ok(());
    }
    let detail = format!("app {app} shows {shown:?} of item {record}, its newest version is {newest:?}");
    Err(violation("history", detail))
}
