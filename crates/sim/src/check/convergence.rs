//! All apps end equal, whatever the order and the batches in which they heard of the changes.

use super::{Checked, View, violation};

/// Compares what two apps show at the end.
pub(crate) fn check(names: [&str; 2], one: &View, other: &View) -> Checked {
    let [first, second] = names;
    for (record, shown) in one {
        if other.get(record) != Some(shown) {
            let detail =
                format!("{first} and {second} differ in item {record}: {shown:?} {:?}", other.get(record));
            return Err(violation("convergence", detail));
        }
    }
    if one.len() == other.len() {
        return Ok(());
    }
    Err(violation("convergence", format!("{second} has items that {first} has not")))
}

/// It did not come to an end in the number of rounds that it may take.
pub(crate) fn never(detail: String) -> Checked {
    Err(violation("convergence", detail))
}
