//! Values derived from content: the same on every app, in every build, for ever.
//!
//! Why it exists: two apps that meet the same conflict must name it alike, and a derived element must
//! get the same id and place everywhere. The standard library's hasher promises none of that.
//! Not cryptographic: nothing's safety rests on it.

use rand_core::{Error, RngCore};

use crate::Value;

const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// FNV-1a with 128 bits, folded to 64.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StableHash(u128);

impl StableHash {
    /// A hash for one purpose; different purposes give different values.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut hash = Self(FNV_OFFSET);
        hash.text(purpose);
        hash
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// A text with its length before it, so that two texts never run into one.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// A value with element ids and order keys.
    pub(crate) fn value(&mut self, value: &Value) {
        self.walk(value, true);
    }

    /// A value as a person sees it: lists as their elements in order, without ids.
    pub(crate) fn content(&mut self, value: &Value) {
        self.walk(value, false);
    }

    fn walk(&mut self, value: &Value, with_ids: bool) {
        match value {
            Value::Null => self.bytes(b"n"),
            Value::Bool(value) => self.bytes(if *value { b"t" } else { b"f" }),
            Value::Number(number) => {
                self.bytes(b"d");
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.bytes(b"s");
                self.text(text);
            }
            Value::Array(values) => {
                self.bytes(b"a");
                self.number(values.len() as u64);
                for value in values {
                    self.walk(value, with_ids);
                }
            }
            Value::Object(map) => {
                self.bytes(b"o");
                self.number(map.len() as u64);
                for (name, value) in map {
                    self.text(name);
                    self.walk(value, with_ids);
                }
            }
            Value::List(list) if with_ids => {
                self.bytes(b"l");
                self.number(list.elements.len() as u64);
                for (id, element) in &list.elements {
                    self.number(id.0);
                    self.text(element.order.as_str());
                    self.walk(&element.value, with_ids);
                }
            }
            Value::List(list) => {
                self.bytes(b"a");
                self.number(list.elements.len() as u64);
                for (_, value) in list.in_order() {
                    self.walk(value, with_ids);
                }
            }
        }
    }

    pub(crate) fn finish(self) -> u64 {
        let bytes = self.0.to_le_bytes();
        let half = |range: std::ops::Range<usize>| {
            u64::from_le_bytes(bytes[range].try_into().expect("half of sixteen bytes is eight"))
        };
        half(0..8) ^ half(8..16)
    }
}

/// Numbers that follow from a seed: for order keys that must be the same on every app.
#[derive(Debug, Clone)]
pub(crate) struct Derived(u64);

impl Derived {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl RngCore for Derived {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).expect("the upper half of 64 bits has 32")
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::StableHash;

    #[test]
    fn hashes_never_change() {
        let mut hash = StableHash::new("golden");
        hash.text("request");
        hash.number(7);
        assert_eq!(format!("{:016x}", hash.finish()), "d6569ec30c0dfd49");
    }
}
