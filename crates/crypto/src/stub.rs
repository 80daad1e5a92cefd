//! Cheap stand-ins for the primitives, for the wide simulation only: they still notice every change.
//!
//! Why it exists: a history of the simulator seals and signs hundreds of times, and what it looks for is
//! not in the cryptography. Behind the feature `stub`; the products refuse to be built with it (see
//! [`crate::IS_STUB`]). Nothing here keeps a secret: anyone can forge and read.

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::primitive::{KEY_BYTES, NONCE_BYTES, TAG_BYTES};

const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];

/// Two lanes of a multiply-and-fold hash over parts, each with its length.
fn lanes(domain: u64, parts: &[&[u8]]) -> [u64; 2] {
    let mut lanes = SEEDS.map(|seed| seed ^ domain);
    let mut take = |word: u64| {
        for (lane, seed) in lanes.iter_mut().zip(SEEDS) {
            let product = u128::from(*lane ^ word).wrapping_mul(u128::from(seed | 1) << 1 | 1);
            *lane = fold(product) ^ lane.rotate_left(23);
        }
    };
    for part in parts {
        let chunks = part.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            take(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        take(u64::from_le_bytes(last));
        take(part.len() as u64);
    }
    lanes
}

fn fold(product: u128) -> u64 {
    let low = u64::try_from(product & u128::from(u64::MAX)).expect("masked to 64 bits");
    low ^ u64::try_from(product >> 64).expect("shifted to 64 bits")
}

fn fill<const N: usize>(domain: u64, parts: &[&[u8]]) -> [u8; N] {
    let [mut a, b] = lanes(domain, parts);
    let mut out = [0; N];
    for chunk in out.chunks_mut(8) {
        a = fold(u128::from(a ^ b).wrapping_mul(u128::from(SEEDS[0]) << 1 | 1)).wrapping_add(b);
        chunk.copy_from_slice(&a.to_le_bytes()[..chunk.len()]);
    }
    out
}

pub(crate) fn derive_key(secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
    Zeroizing::new(fill(1, &[secret, &info.concat()]))
}

pub(crate) fn encrypt_tail(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    buffer: &mut Vec<u8>,
    from: usize,
) {
    let tag: [u8; TAG_BYTES] = fill(2, &[key, nonce, aad, &buffer[from..]]);
    buffer.extend_from_slice(&tag);
}

pub(crate) fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (plain, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
    let expected: [u8; TAG_BYTES] = fill(2, &[key, nonce, aad, plain]);
    (*tag == expected).then(|| Zeroizing::new(plain.to_vec()))
}

pub(crate) fn sign(key: &SigningKey, parts: &[&[u8]]) -> [u8; 64] {
    fill(3, &[&key.verifying_key().to_bytes(), &parts.concat()])
}

pub(crate) fn verify(
    what: &'static str,
    key: &[u8; 32],
    parts: &[&[u8]],
    signature: &[u8; 64],
) -> Result<(), CryptoError> {
    let expected: [u8; 64] = fill(3, &[key, &parts.concat()]);
    if expected == *signature { Ok(()) } else { Err(CryptoError::Signature { what }) }
}

/// `32 zero bytes | key | tag`: the place is bound, the member's key is not.
pub(crate) fn wrap(info: &[u8], key: &[u8]) -> Vec<u8> {
    let tag: [u8; TAG_BYTES] = fill(4, &[info, key]);
    [&[0; 32], key, &tag].concat()
}

pub(crate) fn unwrap(info: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (key, tag) = wrapped.get(32..)?.split_last_chunk::<TAG_BYTES>()?;
    let expected: [u8; TAG_BYTES] = fill(4, &[info, key]);
    (*tag == expected).then(|| Zeroizing::new(key.to_vec()))
}
