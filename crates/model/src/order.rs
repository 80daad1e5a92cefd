//! Fractional order: a key between any two keys, without touching the siblings.
//!
//! A key is a fraction written in base 62, so a shorter text may stand between two others and text
//! order is the order. Every new key ends in random digits, so that two apps that insert at one
//! place make different keys; a block shares one random prefix, so that two blocks never interleave.
//!
//! Growth: appending and prepending count in the leading digits, one digit more for about 3,800
//! keys; inserting again and again into one gap halves it, one digit more for five or six keys.
//!
//! Knows nothing of what is ordered. Equal keys are the caller's to break, by id.

use std::fmt;

use rand_core::RngCore;

/// The longest key that is read or made.
pub const ORDER_BYTES_MAX: usize = 1_024;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u8 = 62;
const MIDDLE: u8 = BASE / 2;
/// Random digits of one key: two apps collide once in 14 million inserts at one place.
const SUFFIX_DIGITS: usize = 4;
/// Random digits of a block's prefix.
const BLOCK_DIGITS: usize = 5;
/// Digits that count appended or prepended keys.
const COUNTER_DIGITS: usize = 2;

/// A place in an order; keys compare as bytes.
///
/// Digits are `0-9A-Za-z`, so that keys survive JSON and compare as text. A key never ends in `0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey(String);

/// Why a text is not an order key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderError {
    /// It has no digits.
    Empty,
    /// It is longer than [`ORDER_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It holds something else than `0-9A-Za-z`.
    NotADigit {
        /// Where, in bytes.
        at: usize,
    },
    /// It ends in `0`, so no key fits before it.
    EndsInZero,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "reading an order key: it is empty"),
            Self::TooLong { bytes } => {
                write!(f, "reading an order key: it has {bytes} bytes, at most {ORDER_BYTES_MAX} are read")
            }
            Self::NotADigit { at } => write!(f, "reading an order key: byte {at} is no digit"),
            Self::EndsInZero => write!(f, "reading an order key: it ends in 0"),
        }
    }
}

impl std::error::Error for OrderError {}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OrderKey {
    /// The key of an only child, the same everywhere.
    pub fn first() -> Self {
        Self::from_digits(&[MIDDLE])
    }

    /// A new key between two neighbours, either of which may be missing.
    ///
    /// Neighbours that are equal or the wrong way round (a concurrent or hostile state) give a key
    /// after `before`. Where a key would become too long, `before` (or `after`) itself is given:
    /// ties are broken by id, so the order stays total and only the exact place is lost.
    pub fn between(before: Option<&Self>, after: Option<&Self>, rng: &mut dyn RngCore) -> Self {
        let mut digits = place(before, after);
        push_random(&mut digits, SUFFIX_DIGITS, rng);
        if digits.len() > ORDER_BYTES_MAX { crowded(before, after) } else { Self::from_digits(&digits) }
    }

    /// New keys between two neighbours, ascending, with one random prefix for all.
    pub fn block(
        before: Option<&Self>,
        after: Option<&Self>,
        count: usize,
        rng: &mut dyn RngCore,
    ) -> Vec<Self> {
        let mut prefix = place(before, after);
        push_random(&mut prefix, BLOCK_DIGITS, rng);
        let slots = 2 * (count as u64 + 1);
        let mut width = 1;
        let mut capacity = u64::from(BASE);
        while capacity < slots {
            width += 1;
            capacity *= u64::from(BASE);
        }
        if prefix.len() + width > ORDER_BYTES_MAX {
            return vec![crowded(before, after); count];
        }
        let step = capacity / (count as u64 + 1);
        (1..=count as u64).map(|index| Self::numbered(&prefix, index * step, width)).collect()
    }

    /// Reads a key.
    pub fn parse(text: &str) -> Result<Self, OrderError> {
        if text.len() > ORDER_BYTES_MAX {
            return Err(OrderError::TooLong { bytes: text.len() });
        }
        if let Some(at) = text.bytes().position(|byte| !byte.is_ascii_alphanumeric()) {
            return Err(OrderError::NotADigit { at });
        }
        match text.bytes().last() {
            None => Err(OrderError::Empty),
            Some(b'0') => Err(OrderError::EndsInZero),
            Some(_) => Ok(Self(text.to_owned())),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn numbered(prefix: &[u8], number: u64, width: usize) -> Self {
        let mut digits = prefix.to_vec();
        let mut rest = number;
        digits.resize(prefix.len() + width, 0);
        for digit in digits[prefix.len()..].iter_mut().rev() {
            *digit = u8::try_from(rest % u64::from(BASE)).expect("a remainder of 62 fits a byte");
            rest /= u64::from(BASE);
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Self::from_digits(&digits)
    }

    fn from_digits(digits: &[u8]) -> Self {
        debug_assert!(digits.last().is_some_and(|digit| *digit != 0), "a key never ends in 0");
        Self(digits.iter().map(|digit| char::from(DIGITS[usize::from(*digit)])).collect())
    }

    fn digits(&self) -> Vec<u8> {
        self.0.bytes().map(digit_of).collect()
    }
}

fn digit_of(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        _ => byte - b'a' + 36,
    }
}

/// Digits such that they, and everything that begins with them, lie between the neighbours.
fn place(before: Option<&OrderKey>, after: Option<&OrderKey>) -> Vec<u8> {
    match (before, after) {
        (None, None) => vec![MIDDLE],
        (None, Some(after)) => previous(&after.digits()),
        (Some(before), Some(after)) if before < after => middle(&before.digits(), &after.digits()),
        (Some(before), _) => next(&before.digits()),
    }
}

/// Counts up in the digits that follow the leading `z`s.
fn next(low: &[u8]) -> Vec<u8> {
    let full = low.iter().take_while(|digit| **digit == BASE - 1).count();
    let mut digits = padded(low, full + COUNTER_DIGITS);
    add(&mut digits, 1);
    digits
}

/// Counts down in the digits that follow the leading `0`s.
fn previous(high: &[u8]) -> Vec<u8> {
    let zeros = high.iter().take_while(|digit| **digit == 0).count();
    let mut digits = padded(high, zeros + COUNTER_DIGITS);
    for digit in digits.iter_mut().rev() {
        if *digit > 0 {
            *digit -= 1;
            break;
        }
        *digit = BASE - 1;
    }
    digits
}

/// The middle of a gap, with as few digits as it takes.
fn middle(low: &[u8], high: &[u8]) -> Vec<u8> {
    let mut digits = Vec::new();
    let mut gap = 0_u32; // high minus low, in units of the last digit
    while gap < 2 {
        let at = digits.len();
        let (low, high) = (low.get(at).copied().unwrap_or(0), high.get(at).copied().unwrap_or(0));
        gap = gap * u32::from(BASE) + u32::from(high) - u32::from(low);
        digits.push(low);
    }
    add(&mut digits, gap / 2);
    digits
}

fn add(digits: &mut [u8], amount: u32) {
    let mut carry = amount;
    for digit in digits.iter_mut().rev() {
        carry += u32::from(*digit);
        *digit = u8::try_from(carry % u32::from(BASE)).expect("a remainder of 62 fits a byte");
        carry /= u32::from(BASE);
    }
    debug_assert_eq!(carry, 0, "there is room above");
}

fn padded(digits: &[u8], len: usize) -> Vec<u8> {
    digits.iter().copied().chain(std::iter::repeat(0)).take(len).collect()
}

fn push_random(digits: &mut Vec<u8>, count: usize, rng: &mut dyn RngCore) {
    for left in (0..count).rev() {
        let lowest = u32::from(left == 0); // the last digit is not 0
        let digit = lowest + rng.next_u32() % (u32::from(BASE) - lowest);
        digits.push(u8::try_from(digit).expect("a digit is below 62"));
    }
}

fn crowded(before: Option<&OrderKey>, after: Option<&OrderKey>) -> OrderKey {
    before.or(after).cloned().unwrap_or_else(OrderKey::first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop, prop_assert, prop_assert_eq, proptest};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::{ORDER_BYTES_MAX, OrderError, OrderKey};

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(7)
    }

    fn key(text: &str) -> OrderKey {
        OrderKey::parse(text).expect("the test's key is right")
    }

    /// Inserts at a place again and again, and says how long the longest key became.
    fn longest_after(inserts: usize, place: impl Fn(usize) -> usize) -> usize {
        let mut rng = rng();
        let mut keys: Vec<OrderKey> = Vec::new();
        for _ in 0..inserts {
            let at = place(keys.len());
            let before = at.checked_sub(1).and_then(|at| keys.get(at));
            let made = OrderKey::between(before, keys.get(at), &mut rng);
            keys.insert(at, made);
        }
        assert!(keys.is_sorted_by(|a, b| a < b), "each key lies between its neighbours");
        keys.iter().map(|key| key.as_str().len()).max().unwrap_or(0)
    }

    #[test]
    fn appending_keeps_keys_short() {
        assert!(longest_after(10_000, |len| len) <= 10);
    }

    #[test]
    fn prepending_keeps_keys_short() {
        assert!(longest_after(1_000, |_| 0) <= 8);
    }

    #[test]
    fn inserting_into_one_gap_grows_slowly() {
        assert!(longest_after(1_000, |len| len / 2) <= 200);
        assert!(longest_after(1_000, |len| len.saturating_sub(1)) <= 220);
        assert!(longest_after(1_000, |len| len.min(1)) <= 200);
    }

    #[test]
    fn a_crowded_gap_never_makes_a_key_too_long() {
        assert!(longest_with_ties(8_000) <= ORDER_BYTES_MAX);
    }

    fn longest_with_ties(inserts: usize) -> usize {
        let mut rng = rng();
        let (low, mut high) = (key("1"), key("2"));
        let mut longest = 0;
        for _ in 0..inserts {
            high = OrderKey::between(Some(&low), Some(&high), &mut rng);
            longest = longest.max(high.as_str().len());
        }
        longest
    }

    #[test]
    fn a_block_of_ten_thousand_is_ascending_and_short() {
        let mut rng = rng();
        let (low, high) = (key("V1"), key("V2"));
        let keys = OrderKey::block(Some(&low), Some(&high), 10_000, &mut rng);
        assert_eq!(keys.len(), 10_000);
        assert!(low < keys[0] && keys[9_999] < high);
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert!(keys.iter().all(|key| key.as_str().len() <= 12));
    }

    #[test]
    fn two_blocks_at_one_place_never_interleave() {
        let (mut one, mut two) = (ChaCha8Rng::seed_from_u64(1), ChaCha8Rng::seed_from_u64(2));
        for after in [None, Some(key("k"))] {
            let a = OrderKey::block(Some(&key("V")), after.as_ref(), 50, &mut one);
            let b = OrderKey::block(Some(&key("V")), after.as_ref(), 500, &mut two);
            assert!(a[49] < b[0] || b[499] < a[0]);
        }
    }

    #[test]
    fn equal_or_inverted_neighbours_give_a_key_after_the_first() {
        let mut rng = rng();
        for (before, after) in [("V", "V"), ("b", "a"), ("zzz", "1")] {
            let made = OrderKey::between(Some(&key(before)), Some(&key(after)), &mut rng);
            assert!(made > key(before), "{made} after {before}");
        }
    }

    #[test]
    fn only_keys_are_read() {
        let check = |text: &str, expected| assert_eq!(OrderKey::parse(text), Err(expected), "{text:.20}");
        check("", OrderError::Empty);
        check("V0", OrderError::EndsInZero);
        check("V-1", OrderError::NotADigit { at: 1 });
        check("ä", OrderError::NotADigit { at: 0 });
        check(&"V".repeat(1_025), OrderError::TooLong { bytes: 1_025 });
        assert_eq!(OrderKey::parse("V").as_ref().map(OrderKey::as_str), Ok("V"));
    }

    fn any_key() -> impl Strategy<Value = OrderKey> {
        prop::string::string_regex("[01VYyz]{0,6}[1Vz]")
            .expect("the pattern is right")
            .prop_map(|text| key(&text))
    }

    proptest! {
        #[test]
        fn a_key_lies_between_its_neighbours(a in any_key(), b in any_key(), seed: u64) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(OrderKey::between(Some(&low), None, &mut rng) > low);
            prop_assert!(OrderKey::between(None, Some(&high), &mut rng) < high);
            let made = OrderKey::between(Some(&low), Some(&high), &mut rng);
            prop_assert!(low < made && (made < high || low == high));
            prop_assert_eq!(OrderKey::parse(made.as_str()), Ok(made.clone()));
            let block = OrderKey::block(Some(&low), Some(&high), 5, &mut rng);
            prop_assert!(block.is_sorted_by(|a, b| a < b));
            prop_assert!(low < block[0] && (block[4] < high || low == high));
        }
    }
}
