//! No acknowledged edit is lost: its value shows, is kept in a conflict, or someone who saw it replaced it.

use std::collections::BTreeSet;

use super::{Checked, violation};
use crate::oracle::{Oracle, Token};

/// Looks at all values that are kept somewhere at the end.
pub(crate) fn check(oracle: &Oracle, kept: &BTreeSet<Token>) -> Checked {
    match oracle.find_lost(kept) {
        None => Ok(()),
        Some((token, write)) => Err(violation(
            "acknowledged",
            format!(
                "value w{token} of app {} at step {} in item {} is lost",
                write.app, write.step, write.record
            ),
        )),
    }
}
