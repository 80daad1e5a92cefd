//! No clock decides anything: the same history under other clocks ends in the same state.
//!
//! Who and when are for people; they are left out of the comparison. So is the trash: which of two marks
//! stays is said by their times, and rarely (a restore meets a second mark) more than the mark follows.

use super::{Checked, View, violation};

/// Compares the ends of two runs of one seed.
pub(crate) fn check(one: &View, other: &View) -> Checked {
    let (one, other) = (timeless(one), timeless(other));
    if one == other {
        return Ok(());
    }
    let differing = one.iter().find(|(record, shown)| other.get(record) != Some(shown));
    let other = differing.and_then(|(record, _)| other.get(record));
    let detail =
        format!("under other clocks the same history ends in another state: {differing:?} {other:?}");
    Err(violation("clocks", detail))
}

fn timeless(view: &View) -> View {
    let mut view = view.clone();
    for (node, body) in view.values_mut() {
        // Of two marks of the trash the earlier stays, and what comes after compares with that one.
        node.trashed = None;
        let bodies = body.iter_mut().flat_map(|body| body.conflicts.values_mut());
        node.conflicts.values_mut().chain(bodies).for_each(|conflict| conflict.when_ms = 0);
        // A conflict about the trash holds the time of the mark among its values.
        node.conflicts.retain(|_, conflict| conflict.path.first().is_none_or(|name| name != "trashed"));
    }
    view
}
