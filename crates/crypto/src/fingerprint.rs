//! The words by which two people compare an account's keys, over the phone or side by side.
//!
//! Six words of the English list of BIP-39 (MIT licence, `words.txt`): 60 bits of a hash over account and
//! keys, and six bits of check, so that a word that was heard wrong is noticed. 60 bits are enough, since
//! whoever wants another account to have the same words must make identity keys until they match.

use crate::primitive::hash;

const LABEL: &[u8] = b"satchel fingerprint 1";
const CHECK_LABEL: &[u8] = b"satchel fingerprint check 1";
const LIST: &str = include_str!("words.txt");
const WORD_BITS: usize = 11;
const WORDS: usize = 6;
const HASH_BITS: u32 = 60;
const CHECK_BITS: u32 = 6;

/// The words of an account's keys.
pub fn derive_fingerprint(
    account: &[u8; 16],
    signing_key: &[u8; 32],
    sealing_key: &[u8; 32],
) -> [&'static str; 6] {
    let bits = take_bits(&hash(&[LABEL, account, signing_key, sealing_key]), HASH_BITS);
    let check = take_bits(&hash(&[CHECK_LABEL, &bits.to_be_bytes()]), CHECK_BITS);
    let all = u128::from(bits) << CHECK_BITS | u128::from(check);
    std::array::from_fn(|word| {
        let index = (all >> (WORD_BITS * (WORDS - 1 - word))) & ((1 << WORD_BITS) - 1);
        let index = usize::try_from(index).expect("11 bits fit");
        LIST.lines().nth(index).expect("the list has 2048 words")
    })
}

/// The first bits of a hash, as a number.
fn take_bits(hash: &[u8; 32], bits: u32) -> u64 {
    let first = hash.first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first) >> (u64::BITS - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_each_word_once_in_order() {
        let words: Vec<_> = LIST.lines().collect();
        assert_eq!(words.len(), 1 << WORD_BITS);
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn any_other_key_gives_other_words() {
        let words = derive_fingerprint(&[1; 16], &[2; 32], &[3; 32]);
        assert_eq!(words, derive_fingerprint(&[1; 16], &[2; 32], &[3; 32]));
        assert_ne!(words, derive_fingerprint(&[9; 16], &[2; 32], &[3; 32]));
        assert_ne!(words, derive_fingerprint(&[1; 16], &[9; 32], &[3; 32]));
        assert_ne!(words, derive_fingerprint(&[1; 16], &[2; 32], &[9; 32]));
    }
}
