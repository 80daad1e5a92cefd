//! The acknowledged records of a replica, and which of them hold conflicts.
//!
//! Why it exists: conflicts are few and asked for with every call, records are many.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use crate::replica::Base;
use crate::store::Key;

/// The records by key; everything that only reads is the map's.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    rows: BTreeMap<Key, Base>,
    conflicted: BTreeSet<Key>,
}

impl Bases {
    pub(crate) fn insert(&mut self, key: Key, base: Base) {
        if base.conflicts > 0 {
            self.conflicted.insert(key);
        } else {
            self.conflicted.remove(&key);
        }
        self.rows.insert(key, base);
    }

    /// Takes some rows, in any order.
    pub(crate) fn extend(&mut self, rows: Vec<(Key, Base)>) {
        for (key, base) in rows {
            self.insert(key, base);
        }
    }

    /// Takes most of the rows there are: merging two maps rebuilds both.
    pub(crate) fn append(&mut self, mut rows: BTreeMap<Key, Base>) {
        for (key, base) in &rows {
            if base.conflicts > 0 {
                self.conflicted.insert(*key);
            } else {
                self.conflicted.remove(key);
            }
        }
        self.rows.append(&mut rows);
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.conflicted.remove(key);
        self.rows.remove(key);
    }

    pub(crate) fn clear(&mut self) {
        self.conflicted.clear();
        self.rows.clear();
    }

    /// The records that hold conflicts, with their number.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = (Key, u32)> {
        self.conflicted.iter().filter_map(|key| Some((*key, self.rows.get(key)?.conflicts)))
    }
}

impl Deref for Bases {
    type Target = BTreeMap<Key, Base>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use satchel_wire::{Part, RecordId, Revision};

    use super::*;

    #[test]
    fn conflicts_are_those_of_the_rows() {
        let mut bases = Bases::default();
        let key = |byte| Key { record: RecordId::new([byte; 16]), part: Part::Body };
        let base = |conflicts| Base { seq: 1, revision: Revision::new([1; 32]), conflicts };
        let mut check = |change: &dyn Fn(&mut Bases), expected: &[(Key, u32)]| {
            change(&mut bases);
            assert_eq!(bases.conflicts().collect::<Vec<_>>(), expected);
        };
        check(&|bases| bases.insert(key(1), base(0)), &[]);
        check(&|bases| bases.insert(key(2), base(2)), &[(key(2), 2)]);
        check(&|bases| bases.insert(key(1), base(1)), &[(key(1), 1), (key(2), 2)]);
        check(&|bases| bases.insert(key(2), base(0)), &[(key(1), 1)]);
        check(&|bases| bases.remove(&key(1)), &[]);
        check(&|bases| bases.append([(key(1), base(4)), (key(2), base(0))].into()), &[(key(1), 4)]);
        check(&|bases| bases.remove(&key(1)), &[]);
        check(&|bases| bases.extend(vec![(key(4), base(1)), (key(3), base(3))]), &[(key(3), 3), (key(4), 1)]);
        check(&Bases::clear, &[]);
    }
}
