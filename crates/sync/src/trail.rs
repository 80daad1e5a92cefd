//! The way through an earlier life of the server: how far two apps have seen the same ledger there.
//!
//! ```text
//!  one life   1 ─ 2 ─ 3 ─ 4 ─ 5      an app's trail: 2 3 4 5
//!                     │ the disk is set back, and nobody says so
//!                     3'─ 4'         another app's: 2 3' 4'     shared up to 2
//! ```
//! Why it exists: a life is told apart by the server's word, and a server whose disk was set back without
//! one has had two ledgers in one life. What "entry 4 of that life" means is then another thing to two
//! apps, and an app that took it for its own would drop an edit.
//!
//! Near the end of the life every position is kept, further back fewer, at places that do not depend on
//! where an app stood.

use std::collections::BTreeMap;
use std::sync::Arc;

use satchel_wire::limits::RETURNED_TRAIL_MAX;
use satchel_wire::{Chain, Incarnation, Passed};

/// So many newest positions are all kept.
const DENSE: u64 = 256;

/// Positions of one ledger, in order; the last one is where the app stood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trail(Arc<[Passed]>);

/// An earlier life, and the way through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) incarnation: Incarnation,
    pub(crate) trail: Trail,
    /// Where the commits under way lie in it, if the server took them and no word of that came here.
    pub(crate) ahead: Trail,
}

impl Trail {
    /// Everything that is remembered.
    pub(crate) fn whole(chains: &BTreeMap<u64, Chain>) -> Self {
        Self(chains.iter().map(|(seq, chain)| passed(*seq, *chain)).collect())
    }

    /// What of it is told to others: from the last entry that both lives have.
    pub(crate) fn from(chains: &BTreeMap<u64, Chain>, fork: u64) -> Self {
        let end = chains.keys().next_back().copied().unwrap_or(0);
        let kept = chains.range(fork..).filter(|(seq, _)| **seq == fork || is_kept(**seq, end - **seq));
        let mut kept: Vec<_> = kept.map(|(seq, chain)| passed(*seq, *chain)).collect();
        kept.drain(..kept.len().saturating_sub(RETURNED_TRAIL_MAX));
        Self(kept.into())
    }

    pub(crate) fn read(passed: Vec<Passed>) -> Self {
        Self(passed.into())
    }

    pub(crate) fn passed(&self) -> &[Passed] {
        &self.0
    }

    /// The newest position of this one that the other has passed; 0 if none.
    pub(crate) fn newest_in(&self, other: &[Passed]) -> u64 {
        let newest = self.0.iter().rev().find(|passed| other.contains(passed));
        newest.map_or(0, |passed| passed.seq)
    }

    /// The last entry that both have seen alike; no limit if one has only gone on from the other.
    pub(crate) fn shared_with(&self, other: &[Passed]) -> u64 {
        let mut shared = 0;
        for theirs in other {
            let Ok(at) = self.0.binary_search_by_key(&theirs.seq, |own| own.seq) else { continue };
            if self.0[at].chain != theirs.chain {
                return shared;
            }
            shared = theirs.seq;
        }
        let ends = [self.0.last(), other.last()].map(|last| last.map(|passed| passed.seq));
        let is_whole = shared > 0 && ends.contains(&Some(shared));
        if is_whole { u64::MAX } else { shared }
    }
}

fn passed(seq: u64, chain: Chain) -> Passed {
    let first = chain.as_bytes().first_chunk::<8>().expect("a chain has 32 bytes");
    Passed { seq, chain: u64::from_le_bytes(*first) }
}

/// Every position near the end, and with each doubling of the distance half as many.
fn is_kept(seq: u64, distance: u64) -> bool {
    distance < DENSE || seq.is_multiple_of(1 << (distance.ilog2() - 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chains(entries: &[(u64, u8)]) -> BTreeMap<u64, Chain> {
        entries.iter().map(|(seq, byte)| (*seq, Chain::new([*byte; 32]))).collect()
    }

    #[track_caller]
    fn check(own: &[(u64, u8)], other: &[(u64, u8)], expected: u64) {
        let (own, other) = (Trail::whole(&chains(own)), Trail::whole(&chains(other)));
        assert_eq!(own.shared_with(other.passed()), expected);
        assert_eq!(other.shared_with(own.passed()), expected);
    }

    #[test]
    fn a_ledger_is_shared_up_to_where_it_parts() {
        check(&[(2, 2), (3, 3)], &[(2, 2), (3, 3), (4, 4)], u64::MAX);
        check(&[(2, 2), (3, 3)], &[(2, 2), (3, 33), (4, 4)], 2);
        check(&[(2, 2)], &[(2, 2), (3, 3)], u64::MAX);
        check(&[(2, 2), (3, 3)], &[(2, 2), (4, 4)], 2);
        check(&[(3, 3)], &[(3, 33)], 0);
        check(&[], &[(3, 3)], 0);
    }

    #[test]
    fn a_long_trail_is_thinned_at_places_that_others_keep_too() {
        let entries: BTreeMap<u64, Chain> = (1..=8_192).map(|seq| (seq, Chain::new([1; 32]))).collect();
        let long = Trail::from(&entries, 1);
        assert!(long.passed().len() <= RETURNED_TRAIL_MAX);
        assert_eq!(long.passed().first().map(|passed| passed.seq), Some(1));
        assert_eq!(long.passed().last().map(|passed| passed.seq), Some(8_192));
        let shorter = Trail::from(&entries.range(..8_000).map(|(seq, chain)| (*seq, *chain)).collect(), 1);
        assert_eq!(long.shared_with(shorter.passed()), u64::MAX);
        assert_eq!(Trail::from(&entries, 8_190).passed().len(), 3);
    }
}
