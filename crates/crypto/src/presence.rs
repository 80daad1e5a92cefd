//! Where an app is, sealed for the other members: small, all of one length, and kept nowhere.
//!
//! `version 1 | epoch (4) | nonce (24) | ciphertext of 64 bytes | tag`, under `HKDF(EK, "presence" | workspace)`.
//! The additional data names workspace, account and app, so that a server cannot show one person as another.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::primitive::{NONCE_BYTES, decrypt, encrypt_tail, make_nonce};
use crate::{CryptoError, EpochKey};

const VERSION: u8 = 1;
const LABEL: &[u8] = b"satchel presence 1";
const HEADER_BYTES: usize = 1 + 4 + NONCE_BYTES;
const PADDED_BYTES: usize = 64;
const MARK: u8 = 0x80;
const WHAT: &str = "where an app is";

/// Whose presence it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresencePlace {
    /// The workspace.
    pub workspace: [u8; 16],
    /// The account.
    pub account: [u8; 16],
    /// The app.
    pub app: [u8; 16],
}

impl PresencePlace {
    fn aad(&self, epoch: u32) -> Vec<u8> {
        [LABEL, &[VERSION], &self.workspace, &self.account, &self.app, &epoch.to_be_bytes()].concat()
    }
}

/// Seals a presence.
///
/// # Errors
/// [`CryptoError::Malformed`] for more than 63 bytes.
pub fn seal_presence<R: RngCore + CryptoRng>(
    key: &EpochKey,
    epoch: u32,
    place: &PresencePlace,
    plain: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, CryptoError> {
    if plain.len() >= PADDED_BYTES {
        return Err(CryptoError::Malformed { what: WHAT });
    }
    let nonce = make_nonce(rng);
    let mut sealed = [&[VERSION], epoch.to_be_bytes().as_slice(), &nonce, plain, &[MARK]].concat();
    sealed.resize(HEADER_BYTES + PADDED_BYTES, 0);
    let key = key.derive_presence_key(&place.workspace);
    encrypt_tail(&key, &nonce, &place.aad(epoch), &mut sealed, HEADER_BYTES);
    Ok(sealed)
}

/// The epoch under whose key a presence is sealed, so that the caller can choose the key.
///
/// # Errors
/// [`CryptoError::Malformed`] and [`CryptoError::Version`].
pub fn presence_epoch(sealed: &[u8]) -> Result<u32, CryptoError> {
    let malformed = CryptoError::Malformed { what: WHAT };
    let (&version, rest) = sealed.split_first().ok_or(malformed)?;
    if version != VERSION {
        return Err(CryptoError::Version { what: WHAT, found: version });
    }
    rest.first_chunk().map(|epoch| u32::from_be_bytes(*epoch)).ok_or(malformed)
}

/// Opens a presence.
///
/// # Errors
/// [`CryptoError`] if its form is not valid, or if it does not open with this key at this place.
pub fn open_presence(
    key: &EpochKey,
    place: &PresencePlace,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let malformed = CryptoError::Malformed { what: WHAT };
    let epoch = presence_epoch(sealed)?;
    let (nonce, sealed) =
        sealed.get(1 + 4..).and_then(<[u8]>::split_first_chunk::<NONCE_BYTES>).ok_or(malformed)?;
    let key = key.derive_presence_key(&place.workspace);
    let mut plain =
        decrypt(&key, nonce, &place.aad(epoch), sealed).ok_or(CryptoError::Open { what: WHAT })?;
    let end = plain.iter().rposition(|&byte| byte != 0).ok_or(malformed)?;
    if plain.len() != PADDED_BYTES || plain[end] != MARK {
        return Err(malformed);
    }
    plain.truncate(end);
    Ok(plain)
}
