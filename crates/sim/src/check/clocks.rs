//! No clock decides anything: the same history under other clocks ends in the same state.
//!
//! Who and when are for people; they are left out of the comparison, in marks of the trash and in conflicts.

use satchel_model::{Conflict, ConflictId, Conflicts, Trashed, Value};

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
        if let Some(trashed) = &mut node.trashed {
            *trashed = Trashed { who: String::new(), when_ms: 0 };
        }
        if let Some(body) = body {
            body.conflicts.values_mut().for_each(forget_time);
        }
        node.conflicts.values_mut().for_each(forget_time);
        node.conflicts = renamed(&node.conflicts);
    }
    view
}

fn forget_time(conflict: &mut Conflict) {
    (conflict.who, conflict.when_ms) = (String::new(), 0);
    if conflict.path.first().is_some_and(|name| name == "trashed") {
        // It holds the marks, of which only that they are there counts.
        let sides = [&mut conflict.base, &mut conflict.local, &mut conflict.server];
        sides.into_iter().flatten().for_each(|mark| *mark = Value::Bool(true));
    }
}

/// The id of a conflict about the trash is made of the mark, and so of its time: they are numbered instead.
fn renamed(conflicts: &Conflicts) -> Conflicts {
    let is_trash = |conflict: &Conflict| conflict.path.first().is_some_and(|name| name == "trashed");
    let (marks, mut others): (Conflicts, Conflicts) =
        conflicts.clone().into_iter().partition(|(_, conflict)| is_trash(conflict));
    let numbered = marks.into_values().enumerate();
    others.extend(numbered.map(|(number, conflict)| (ConflictId(format!("trashed {number}")), conflict)));
    others
}
