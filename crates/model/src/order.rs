//! Fractional order: a key between any two keys, without touching the siblings.

/// A place in an order; keys compare as bytes.
///
/// Digits are `0-9A-Za-z`, so that keys survive JSON and compare as text. A key never ends in `0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey(String);
