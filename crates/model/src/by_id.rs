//! Maps by record, with a quick hash.
//!
//! Why it exists: a fresh app puts every record into such maps, and the usual hash took as long as decryption; the tree
//! is made of them.
//!
//! Ids of records are random, but another member makes them and may choose them: so the hash begins from a number of
//! chance of this process, and each step mixes both halves of a product.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map by something that holds an id.
pub type ById<K, V> = HashMap<K, V, Seed>;

/// An odd number without a pattern: the fraction of the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where the hashes of one map begin.
#[derive(Debug, Clone, Copy)]
pub struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(STEP))
    }
}

impl BuildHasher for Seed {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer { state: self.0, seed: self.0 | 1 }
    }
}

/// A hash under way.
#[derive(Debug)]
pub struct Mixer {
    state: u64,
    seed: u64,
}

impl Mixer {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word ^ STEP) * u128::from(self.seed);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
        let folded = (product >> 64) as u64 ^ product as u64;
        self.state = folded.wrapping_add(word).rotate_left(23);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(last));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.mix(word.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        let mut last = Self { state: self.state, seed: self.seed };
        last.mix(STEP);
        last.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::RecordId;

    #[test]
    fn ids_that_are_nearly_equal_fall_into_different_places() {
        let seed = Seed::default();
        let check = |low_bits: u32| {
            let places: HashSet<u64> = (0_u32..1_000)
                .flat_map(|number| {
                    let mut id = [0; 16];
                    id[12..].copy_from_slice(&number.to_be_bytes());
                    [false, true].map(|is_body| (RecordId(id), is_body))
                })
                .map(|key| seed.hash_one(key) & ((1 << low_bits) - 1))
                .collect();
            // Of 2,000 balls in so many boxes about this many are alone or the first one.
            let boxes = f64::from(1_u32 << low_bits);
            let expected = boxes * (1.0 - (-2_000.0 / boxes).exp());
            let found = f64::from(u32::try_from(places.len()).expect("there are few"));
            assert!(found > expected * 0.9, "{found} of {expected}");
        };
        check(11);
        check(16);
        check(32 - 1);
    }

    #[test]
    fn another_map_has_another_order() {
        let key = RecordId([1; 16]);
        let hashes: HashSet<u64> = (0..10).map(|_| Seed::default().hash_one(key)).collect();
        assert!(hashes.len() > 5);
    }
}
