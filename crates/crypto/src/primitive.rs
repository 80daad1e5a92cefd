//! The few primitives that everything else is made of: HKDF-SHA256, SHA-256, XChaCha20-Poly1305, Ed25519.
//!
//! A [`seal_box`] is `version 1 | nonce (24) | ciphertext and tag`. Its key is derived from the secret and
//! a label, and its additional data is `label | version | place`, so that no box opens as another kind of
//! box or elsewhere. Ed25519 is always verified strictly: no small-order keys, no second form of a
//! signature.

#[cfg(not(feature = "stub"))]
use chacha20poly1305::aead::AeadInPlace;
#[cfg(not(feature = "stub"))]
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
#[cfg(not(feature = "stub"))]
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
#[cfg(not(feature = "stub"))]
use hkdf::Hkdf;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::CryptoError;
#[cfg(feature = "stub")]
pub(crate) use crate::stub::{decrypt, derive_key, encrypt_tail, sign, verify};

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 24;
pub(crate) const TAG_BYTES: usize = 16;
const BOX_VERSION: u8 = 1;
const BOX_HEADER_BYTES: usize = 1 + NONCE_BYTES;

/// Writes a `Debug` that shows the name of a secret type and nothing else.
macro_rules! redact {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
pub(crate) use redact;

/// HKDF-SHA256 without salt; `info` is the concatenation of its parts.
#[cfg(not(feature = "stub"))]
pub(crate) fn derive_key(secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Hkdf::<Sha256>::new(None, secret)
        .expand_multi_info(info, key.as_mut_slice())
        .expect("32 bytes are within what HKDF-SHA256 can give");
    key
}

pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

pub(crate) fn make_secret<R: RngCore + CryptoRng>(rng: &mut R) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut secret = Zeroizing::new([0; KEY_BYTES]);
    rng.fill_bytes(secret.as_mut_slice());
    secret
}

pub(crate) fn make_nonce<R: RngCore + CryptoRng>(rng: &mut R) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    nonce
}

/// Encrypts `buffer[from..]` in place and appends the tag.
#[cfg(not(feature = "stub"))]
pub(crate) fn encrypt_tail(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    buffer: &mut Vec<u8>,
    from: usize,
) {
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_in_place_detached(XNonce::from_slice(nonce), aad, &mut buffer[from..])
        .expect("memory is smaller than what the cipher can take");
    buffer.extend_from_slice(&tag);
}

/// Decrypts `ciphertext | tag`; none if it does not authenticate.
#[cfg(not(feature = "stub"))]
pub(crate) fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(XNonce::from_slice(nonce), aad, &mut plain, Tag::from_slice(tag))
        .ok()?;
    Some(plain)
}

/// What a box is and where it belongs.
#[derive(Clone, Copy)]
pub(crate) struct BoxPlace<'a> {
    /// The kind's label; also in the derivation of its key.
    pub(crate) label: &'static [u8],
    /// What errors call it.
    pub(crate) what: &'static str,
    /// Where it belongs. Alone of variable length, and last in the additional data.
    pub(crate) place: &'a [u8],
}

impl BoxPlace<'_> {
    fn aad(&self) -> Vec<u8> {
        [self.label, &[BOX_VERSION], self.place].concat()
    }
}

pub(crate) fn seal_box<R: RngCore + CryptoRng>(
    secret: &[u8],
    place: BoxPlace<'_>,
    plain: &[u8],
    rng: &mut R,
) -> Vec<u8> {
    let nonce = make_nonce(rng);
    let mut sealed = Vec::with_capacity(BOX_HEADER_BYTES + plain.len() + TAG_BYTES);
    sealed.push(BOX_VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let key = derive_key(secret, &[place.label]);
    encrypt_tail(&key, &nonce, &place.aad(), &mut sealed, BOX_HEADER_BYTES);
    sealed
}

pub(crate) fn open_box(
    secret: &[u8],
    place: BoxPlace<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let what = place.what;
    let (&version, rest) = sealed.split_first().ok_or(CryptoError::Malformed { what })?;
    if version != BOX_VERSION {
        return Err(CryptoError::Version { what, found: version });
    }
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CryptoError::Malformed { what })?;
    let key = derive_key(secret, &[place.label]);
    decrypt(&key, nonce, &place.aad(), sealed).ok_or(CryptoError::Open { what })
}

pub(crate) fn open_key_box(
    secret: &[u8],
    place: BoxPlace<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<[u8; KEY_BYTES]>, CryptoError> {
    let plain = open_box(secret, place, sealed)?;
    let key = plain.as_slice().try_into().map_err(|_| CryptoError::Malformed { what: place.what })?;
    Ok(Zeroizing::new(key))
}

#[cfg(not(feature = "stub"))]
pub(crate) fn sign(key: &SigningKey, parts: &[&[u8]]) -> [u8; 64] {
    key.sign(&parts.concat()).to_bytes()
}

#[cfg(not(feature = "stub"))]
pub(crate) fn verify(
    what: &'static str,
    key: &[u8; 32],
    parts: &[&[u8]],
    signature: &[u8; 64],
) -> Result<(), CryptoError> {
    let refused = CryptoError::Signature { what };
    let key = VerifyingKey::from_bytes(key).map_err(|_| refused)?;
    key.verify_strict(&parts.concat(), &Signature::from_bytes(signature)).map_err(|_| refused)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads hexadecimal digits, spaces and line breaks aside.
    pub(crate) fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect()
    }

    pub(crate) fn unhex_array<const N: usize>(text: &str) -> [u8; N] {
        unhex(text).try_into().expect("as many digits as the array takes")
    }

    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        // Appendix A.3: no salt, no info; the first 32 bytes of its output.
        let key = derive_key(&[0x0b; 22], &[]);
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(key.as_slice(), unhex(expected));
        assert_eq!(*derive_key(b"secret", &[b"ab", b"c"]), *derive_key(b"secret", &[b"abc"]));
    }

    #[test]
    fn the_cipher_is_that_of_the_xchacha_draft() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let key: [u8; 32] = std::array::from_fn(|i| 0x80 + u8::try_from(i).expect("below 32"));
        let nonce: [u8; 24] = std::array::from_fn(|i| 0x40 + u8::try_from(i).expect("below 24"));
        let aad = unhex("50515253c0c1c2c3c4c5c6c7");
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
            future, sunscreen would be it.";
        let expected = unhex(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb
             731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452
             2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
             21f9664c97637da9768812f615c68b13b52e
             c0875924c1c7987947deafd8780acf49",
        );
        let mut buffer = [b"ab", &plain[..]].concat();
        encrypt_tail(&key, &nonce, &aad, &mut buffer, 2);
        assert_eq!(buffer, [b"ab", &expected[..]].concat());
        let opened = decrypt(&key, &nonce, &aad, &expected).expect("it authenticates");
        assert_eq!(opened.as_slice(), plain);
    }

    #[test]
    fn signatures_are_those_of_rfc_8032() {
        let check = |secret: &str, public: &str, message: &str, signature: &str| {
            let key = SigningKey::from_bytes(&unhex_array(secret));
            let (public, message, expected) = (unhex_array(public), unhex(message), unhex_array(signature));
            assert_eq!(key.verifying_key().to_bytes(), public);
            assert_eq!(sign(&key, &[&message]), expected);
            assert_eq!(verify("it", &public, &[&message], &expected), Ok(()));
        };
        check(
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        );
        check(
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        );
    }

    #[test]
    fn a_key_of_small_order_verifies_nothing() {
        // With the neutral point as key and as R, and S = 0, the plain equation holds for every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        let refused = CryptoError::Signature { what: "it" };
        assert_eq!(verify("it", &neutral, &[b"any message"], &signature), Err(refused));
    }

    #[test]
    fn a_signature_with_a_second_form_of_s_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut signature = sign(&key, &[b"message"]);
        // S + L, where L is the order of the group, little-endian.
        let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0_u16;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        let public = key.verifying_key().to_bytes();
        assert!(verify("it", &public, &[b"message"], &signature).is_err());
    }
}
