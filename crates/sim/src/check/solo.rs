//! A single app that edits never sees a conflict.

use super::{Checked, View, violation};

/// Looks at the end of a history in which one app edited.
pub(crate) fn check(view: &View) -> Checked {
    for (record, (node, body)) in view {
        let count = node.conflicts.len() + body.as_ref().map_or(0, |body| body.conflicts.len());
        if count > 0 {
            return Err(violation("solo", format!("one app edited alone, and item {record} has a conflict")));
        }
    }
    Ok(())
}
