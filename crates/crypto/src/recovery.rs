//! The recovery code: 160 random bits that a person writes down, the only way in beside the password.
//!
//! It is written in Crockford's base 32 (no I, L, O, U) in eight groups of four. From it come two secrets
//! that tell nothing of each other: the key that wraps the account key, and the Ed25519 key by which the
//! server checks the code without seeing it.

use ed25519_dalek::SigningKey;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::primitive::{derive_key, redact, sign, verify};

const CODE_BYTES: usize = 20;
const CODE_SYMBOLS: usize = 32;
const GROUP_SYMBOLS: usize = 4;
/// Longest text that is looked at; a code with its dashes is 39 bytes.
const TEXT_BYTES_MAX: usize = 256;
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const KEY_LABEL: &[u8] = b"satchel recovery key 1";
const CHALLENGE_LABEL: &[u8] = b"satchel recover 1";
const WHAT: &str = "the recovery code";

/// The recovery code.
pub struct RecoveryCode(Zeroizing<[u8; CODE_BYTES]>);

/// The key pair that a recovery code gives, to prove that one has the code.
pub struct RecoveryKey(SigningKey);

redact!(RecoveryCode, RecoveryKey);

impl RecoveryCode {
    /// Makes a random code.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new([0; CODE_BYTES]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads a code as a person types it: case, spaces and dashes do not matter, O is 0, I and L are 1.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: WHAT };
        if text.len() > TEXT_BYTES_MAX {
            return Err(malformed);
        }
        let mut bytes = Zeroizing::new([0; CODE_BYTES]);
        let mut count = 0;
        for symbol in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let value = symbol_value(symbol).ok_or(malformed)?;
            if count == CODE_SYMBOLS {
                return Err(malformed);
            }
            put_symbol(&mut bytes, count, value);
            count += 1;
        }
        if count == CODE_SYMBOLS { Ok(Self(bytes)) } else { Err(malformed) }
    }

    /// The code as it is shown once: eight groups of four symbols.
    pub fn expose_secret(&self) -> Zeroizing<String> {
        // The capacity is right from the start, so that no shorter copy is left behind in memory.
        let mut text = Zeroizing::new(String::with_capacity(CODE_SYMBOLS + CODE_SYMBOLS / GROUP_SYMBOLS));
        for index in 0..CODE_SYMBOLS {
            if index > 0 && index % GROUP_SYMBOLS == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(get_symbol(&self.0, index))]));
        }
        text
    }

    /// The key pair that proves the code.
    pub fn recovery_key(&self) -> RecoveryKey {
        RecoveryKey(SigningKey::from_bytes(&derive_key(self.as_bytes(), &[KEY_LABEL])))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl RecoveryKey {
    /// The public key, which the server keeps.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs the server's challenge.
    pub fn sign_challenge(&self, challenge: &[u8; 32]) -> [u8; 64] {
        sign(&self.0, &[CHALLENGE_LABEL, challenge])
    }
}

/// Checks the answer to a challenge.
pub fn verify_recovery(public: &[u8; 32], challenge: &[u8; 32], proof: &[u8; 64]) -> Result<(), CryptoError> {
    verify("the proof of the recovery code", public, &[CHALLENGE_LABEL, challenge], proof)
}

pub(crate) fn symbol_value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let position = ALPHABET.iter().position(|&known| char::from(known) == symbol)?;
    u8::try_from(position).ok()
}

/// Five bits at a time; 32 symbols fill 20 bytes exactly, so every text has one meaning.
fn put_symbol(bytes: &mut [u8; CODE_BYTES], index: usize, value: u8) {
    for bit in 0..5 {
        if value & (0x10 >> bit) != 0 {
            let at = index * 5 + bit;
            bytes[at / 8] |= 0x80 >> (at % 8);
        }
    }
}

fn get_symbol(bytes: &[u8; CODE_BYTES], index: usize) -> u8 {
    (0..5).fold(0, |value, bit| {
        let at = index * 5 + bit;
        (value << 1) | ((bytes[at / 8] >> (7 - at % 8)) & 1)
    })
}
