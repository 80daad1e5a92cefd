//! An edit outlives a deletion made at the same time: what lies in the trash was seen by who put it there.

use super::{Checked, View, violation};
use crate::oracle::{Oracle, tokens_of};

/// Looks at what an app shows at the end.
pub(crate) fn check(oracle: &Oracle, view: &View) -> Checked {
    for (record, (node, body)) in view {
        let (Some(_), Some(body)) = (&node.trashed, body) else { continue };
        for token in body.fields.values().flat_map(tokens_of) {
            if !oracle.was_seen_in_trash(*record, token) {
                let detail =
                    format!("item {record} is in the trash with w{token}, which nobody saw who put it there");
                return Err(violation("trash", detail));
            }
        }
    }
    Ok(())
}
