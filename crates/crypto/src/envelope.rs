//! Envelopes: one record part's payload, sealed.
//!
//! ```text
//! suite 1 | epoch (4) | parent (32, zeros for none) | nonce (24) | ciphertext of pad(method | data) | tag
//! ```
//!
//! The additional data binds the envelope to its place, epoch, parent and, by the commitment, to one key:
//! nobody can make an envelope that opens to two things (`docs/decisions/0002-key-commitment-in-the-charter.md`).
//!
//! It knows nothing of what a payload means, nor of revisions and signatures: the caller compares the
//! revision before it opens.

use std::error::Error;
use std::fmt;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::EpochKey;
use crate::compress::{compress, decompress};
use crate::padding::{pad, unpad};
use crate::primitive::{NONCE_BYTES, TAG_BYTES, decrypt, encrypt_tail, make_nonce};

/// Largest payload, sealed or opened, in bytes: what a compressed envelope may expand to.
pub const PAYLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What an envelope has beside the padded content, in bytes.
pub const ENVELOPE_OVERHEAD: usize = HEADER_BYTES + TAG_BYTES;

const SUITE: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + 32 + NONCE_BYTES;
const LABEL: &[u8] = b"satchel envelope 1";
const METHOD_RAW: u8 = 0;
const METHOD_ZSTD: u8 = 1;
const NO_PARENT: [u8; 32] = [0; 32];

/// Where an envelope belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnvelopePlace {
    /// The workspace.
    pub workspace: [u8; 16],
    /// The record.
    pub record: [u8; 16],
    /// Which part of the record: its node or its body.
    pub part: u8,
}

/// What an envelope holds.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedEnvelope {
    /// The epoch under whose key it is sealed.
    pub epoch: u32,
    /// The revision it was based on; none for a new record.
    pub parent: Option<[u8; 32]>,
    /// The payload.
    pub payload: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for OpenedEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedEnvelope").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// Why a payload is not sealed, or an envelope not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The payload is larger than [`PAYLOAD_BYTES_MAX`].
    TooLarge {
        /// Its size, in bytes.
        bytes: usize,
    },
    /// The parent to seal with is the reserved form of "no parent".
    ReservedParent,
    /// The envelope is too short to be one.
    Truncated,
    /// The suite is one that this version does not know.
    Suite {
        /// The suite byte.
        found: u8,
    },
    /// It does not open: it was sealed for another key or place, or was changed.
    Open,
    /// It opens, but the content is not in its one form: padding, method, or compressed data.
    Content,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(f, "sealing a payload: {bytes} bytes, at most {PAYLOAD_BYTES_MAX} are allowed")
            }
            Self::ReservedParent => f.write_str("sealing a payload: the parent is all zeros"),
            Self::Truncated => f.write_str("opening an envelope: it is cut short"),
            Self::Suite { found } => write!(f, "opening an envelope: suite {found} is not known"),
            Self::Open => {
                f.write_str("opening an envelope: it was sealed for another key or place, or was changed")
            }
            Self::Content => f.write_str("opening an envelope: its content is not in a valid form"),
        }
    }
}

impl Error for EnvelopeError {}

/// The epoch under whose key an envelope, or a pack, says that it is sealed; none for another suite.
pub fn sealed_epoch(sealed: &[u8]) -> Option<u32> {
    let (&suite, rest) = sealed.split_first()?;
    let epoch = rest.first_chunk()?;
    (suite == SUITE).then_some(u32::from_be_bytes(*epoch))
}

/// Seals a payload.
pub fn seal_envelope<R: RngCore + CryptoRng>(
    epoch_key: &EpochKey,
    epoch: u32,
    place: &EnvelopePlace,
    parent: Option<[u8; 32]>,
    payload: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, EnvelopeError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(EnvelopeError::TooLarge { bytes: payload.len() });
    }
    if parent == Some(NO_PARENT) {
        return Err(EnvelopeError::ReservedParent);
    }
    let compressed = compress(payload);
    let (method, content) = match &compressed {
        Some(compressed) => (METHOD_ZSTD, compressed.as_slice()),
        None => (METHOD_RAW, payload),
    };
    let header = Header { epoch, parent: parent.unwrap_or(NO_PARENT), nonce: make_nonce(rng) };
    Ok(seal_content(epoch_key, place, &header, method, content))
}

fn seal_content(
    epoch_key: &EpochKey,
    place: &EnvelopePlace,
    header: &Header,
    method: u8,
    content: &[u8],
) -> Vec<u8> {
    // Reserved for the worst padding at once: growing would leave plaintext behind in freed memory.
    let room = content.len() + content.len() / 8 + 2 * 32;
    let mut envelope = Vec::with_capacity(ENVELOPE_OVERHEAD + room);
    header.write(&mut envelope);
    envelope.push(method);
    envelope.extend_from_slice(content);
    pad(&mut envelope, HEADER_BYTES, TAG_BYTES);
    let key = epoch_key.derive_record_key(&place.record);
    let aad = header.aad(place, epoch_key);
    encrypt_tail(&key, &header.nonce, &aad, &mut envelope, HEADER_BYTES);
    envelope
}

/// Opens an envelope at its place.
pub fn open_envelope(
    epoch_key: &EpochKey,
    place: &EnvelopePlace,
    envelope: &[u8],
) -> Result<OpenedEnvelope, EnvelopeError> {
    let (header, sealed) = Header::read(envelope)?;
    let key = epoch_key.derive_record_key(&place.record);
    let padded =
        decrypt(&key, &header.nonce, &header.aad(place, epoch_key), sealed).ok_or(EnvelopeError::Open)?;
    let content = unpad(&padded).ok_or(EnvelopeError::Content)?;
    let payload = read_content(content).ok_or(EnvelopeError::Content)?;
    let parent = (header.parent != NO_PARENT).then_some(header.parent);
    Ok(OpenedEnvelope { epoch: header.epoch, parent, payload })
}

fn read_content(content: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (&method, content) = content.split_first()?;
    match method {
        METHOD_RAW if content.len() <= PAYLOAD_BYTES_MAX => Some(Zeroizing::new(content.to_vec())),
        METHOD_ZSTD => decompress(content, PAYLOAD_BYTES_MAX),
        _ => None,
    }
}

/// The open part of an envelope, after its suite.
struct Header {
    epoch: u32,
    parent: [u8; 32],
    nonce: [u8; NONCE_BYTES],
}

impl Header {
    fn write(&self, envelope: &mut Vec<u8>) {
        envelope.push(SUITE);
        envelope.extend_from_slice(&self.epoch.to_be_bytes());
        envelope.extend_from_slice(&self.parent);
        envelope.extend_from_slice(&self.nonce);
    }

    fn read(envelope: &[u8]) -> Result<(Self, &[u8]), EnvelopeError> {
        let (&suite, rest) = envelope.split_first().ok_or(EnvelopeError::Truncated)?;
        if suite != SUITE {
            return Err(EnvelopeError::Suite { found: suite });
        }
        let (epoch, rest) = rest.split_first_chunk().ok_or(EnvelopeError::Truncated)?;
        let (parent, rest) = rest.split_first_chunk().ok_or(EnvelopeError::Truncated)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(EnvelopeError::Truncated)?;
        Ok((Self { epoch: u32::from_be_bytes(*epoch), parent: *parent, nonce: *nonce }, rest))
    }

    fn aad(&self, place: &EnvelopePlace, epoch_key: &EpochKey) -> Vec<u8> {
        [
            LABEL,
            &[SUITE],
            &place.workspace,
            &place.record,
            &[place.part],
            &self.epoch.to_be_bytes(),
            &self.parent,
            &epoch_key.commitment(),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    const PLACE: EnvelopePlace = EnvelopePlace { workspace: [1; 16], record: [2; 16], part: 0 };

    /// Seals, with the right key, what an honest app would not make.
    fn seal_odd(method: u8, content: &[u8]) -> (EpochKey, Vec<u8>) {
        let epoch_key = EpochKey::make(&mut ChaCha20Rng::seed_from_u64(1));
        let header = Header { epoch: 1, parent: NO_PARENT, nonce: [3; NONCE_BYTES] };
        let envelope = seal_content(&epoch_key, &PLACE, &header, method, content);
        (epoch_key, envelope)
    }

    fn open_odd(method: u8, content: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let (key, envelope) = seal_odd(method, content);
        open_envelope(&key, &PLACE, &envelope).map(|opened| opened.payload.to_vec())
    }

    #[test]
    fn a_member_cannot_make_an_app_expand_a_bomb() {
        let bomb = compress(&vec![0; PAYLOAD_BYTES_MAX + 1]).expect("it shrinks");
        assert!(bomb.len() < 10_000);
        assert_eq!(open_odd(METHOD_ZSTD, &bomb), Err(EnvelopeError::Content));
    }

    #[test]
    fn an_unknown_method_or_compressed_bytes_that_are_none_are_refused() {
        assert_eq!(open_odd(METHOD_RAW, b"payload"), Ok(b"payload".to_vec()));
        assert_eq!(open_odd(2, b"payload"), Err(EnvelopeError::Content));
        assert_eq!(open_odd(METHOD_ZSTD, b"payload"), Err(EnvelopeError::Content));
    }

    #[test]
    fn a_payload_without_compression_has_one_growth_only() {
        for len in 0..5_000 {
            let content = vec![9; len];
            let (_, envelope) = seal_odd(METHOD_RAW, &content);
            assert!(envelope.len() <= ENVELOPE_OVERHEAD + content.len() + content.len() / 8 + 2 * 32);
        }
    }
}
