//! A locally acknowledged edit survives any crash of that app: it shows the same after as before.

use super::{Checked, View, violation};

/// Compares what an app shows, and how much waits in it, before a crash and after.
pub(crate) fn check(app: usize, before: (&View, u64), after: (&View, u64)) -> Checked {
    for (record, shown) in before.0 {
        if after.0.get(record) != Some(shown) {
            let detail = format!(
                "app {app} crashed, and item {record} is not as it was: {shown:?} {:?}",
                after.0.get(record)
            );
            return Err(violation("local", detail));
        }
    }
    if before.1 != after.1 {
        let detail = format!("app {app} crashed, and {} items wait where {} did", after.1, before.1);
        return Err(violation("local", detail));
    }
    Ok(())
}
