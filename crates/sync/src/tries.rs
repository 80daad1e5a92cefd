//! How often this app's commits had to be sent anew because another app was faster.
//!
//! For people, for benchmarks, and for how long to give way before the next try: nothing else is decided by it,
//! and it begins anew with the process.

use std::collections::BTreeMap;

use crate::store::Key;

/// More tries than this count as this many.
pub const TRIES_COUNTED: usize = 16;

/// What became of the commits of one workspace.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// How many commits with a change of this part were stale since one was accepted.
    stale: BTreeMap<Key, usize>,
    accepted: [u64; TRIES_COUNTED],
}

impl Tries {
    /// A commit of these parts cannot be accepted any more.
    pub(crate) fn note_stale(&mut self, keys: impl Iterator<Item = Key>) {
        keys.for_each(|key| *self.stale.entry(key).or_default() += 1);
    }

    /// A commit of these parts was accepted; entries of the charter have none and are not counted.
    pub(crate) fn note_accepted(&mut self, keys: impl Iterator<Item = Key>) {
        let before = keys.map(|key| self.stale.remove(&key).unwrap_or_default()).max();
        if let Some(before) = before {
            self.accepted[before.min(TRIES_COUNTED - 1)] += 1;
        }
    }

    /// Whether nothing was in vain lately.
    pub(crate) fn is_calm(&self) -> bool {
        self.stale.is_empty()
    }

    /// How many tries in a row were in vain for this part.
    pub(crate) fn in_vain(&self, key: Key) -> usize {
        self.stale.get(&key).copied().unwrap_or_default()
    }

    /// How many commits were accepted at the first, the second, … try.
    pub(crate) fn accepted(&self) -> &[u64; TRIES_COUNTED] {
        &self.accepted
    }
}

#[cfg(test)]
mod tests {
    use satchel_wire::{Part, RecordId};

    use super::*;

    #[test]
    fn a_commit_counts_the_stale_ones_before_it() {
        let key = |byte| Key { record: RecordId::new([byte; 16]), part: Part::Body };
        let mut tries = Tries::default();
        tries.note_stale([key(1), key(2)].into_iter());
        tries.note_stale([key(1)].into_iter());
        tries.note_accepted([key(1)].into_iter());
        tries.note_accepted([key(1)].into_iter());
        tries.note_accepted([key(2), key(3)].into_iter());
        tries.note_accepted(std::iter::empty());
        assert_eq!(tries.accepted()[..4], [1, 1, 1, 0]);
    }
}
