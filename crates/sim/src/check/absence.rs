//! Absence never becomes deletion: what was made is there, and lies in the trash only if someone put it there.

use satchel_model::RecordId;

use super::{Checked, View, violation};
use crate::oracle::Oracle;

/// Looks at what an app shows at the end. What `is_draft` never left the app of who made it.
pub(crate) fn check(oracle: &Oracle, view: &View, is_draft: impl Fn(usize, RecordId) -> bool) -> Checked {
    for (record, maker) in oracle.records() {
        if is_draft(maker, record) && !view.contains_key(&record) {
            continue;
        }
        let Some((node, body)) = view.get(&record) else {
            if oracle.is_purged(record) {
                continue;
            }
            return Err(violation("absence", format!("item {record} is gone, and nobody removed it")));
        };
        if body.is_none() {
            return Err(violation("absence", format!("the body of item {record} is gone")));
        }
        if let Some(trashed) = &node.trashed
            && !oracle.has_trashed(record, trashed.when_ms)
        {
            return Err(violation(
                "absence",
                format!("item {record} is in the trash, and nobody put it there"),
            ));
        }
    }
    Ok(())
}
