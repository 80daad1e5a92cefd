//! Packs: many payloads of one workspace in one sealed piece.
//!
//! ```text
//! suite 1 | epoch (4) | nonce (24) | ciphertext of pad(method | length of names (4) | names | rest) | tag
//! ```
//!
//! Two columns, because random names do not shrink and spoil the compression of what does: `names` stand as
//! they are, `rest` is compressed as a whole unless the caller says that it must not be. So payloads of one
//! pack share a compression context, and what is secret must come in a pack that is not compressed.
//!
//! The additional data binds a pack to its workspace, kind, epoch and, by the commitment, to one key. Which
//! packs belong together says a signed manifest, by their hashes.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::compress::{claimed_size, compress_pack, decompress_pack};
use crate::envelope::PAYLOAD_BYTES_MAX;
use crate::padding::{pad, unpad};
use crate::primitive::{NONCE_BYTES, TAG_BYTES, decrypt, encrypt_tail, hash, make_nonce};
use crate::{EnvelopeError, EpochKey};

const SUITE: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + NONCE_BYTES;
const LABEL: &[u8] = b"satchel pack 1";
/// The method, and the length of the names.
const CONTENT_HEADER_BYTES: usize = 1 + 4;
const METHOD_RAW: u8 = 0;
const METHOD_ZSTD: u8 = 1;

/// Where a pack belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PackPlace {
    /// The workspace.
    pub workspace: [u8; 16],
    /// Which part of its records it holds: nodes or bodies.
    pub part: u8,
}

/// What a pack holds: authenticated and decrypted, and expanded when somebody asks.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedPack {
    /// The epoch under whose key it is sealed.
    pub epoch: u32,
    method: u8,
    /// Where the rest begins.
    split: usize,
    content: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OpenedPack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedPack").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl OpenedPack {
    /// The column that was stored as it is.
    pub fn names(&self) -> &[u8] {
        &self.content[CONTENT_HEADER_BYTES..self.split]
    }

    /// How long [`OpenedPack::expand`] will be, as far as its head says; none if it is over the limit.
    pub fn rest_bytes(&self) -> Option<usize> {
        let rest = &self.content[self.split..];
        if self.method == METHOD_RAW { Some(rest.len()) } else { claimed_size(rest, PAYLOAD_BYTES_MAX) }
    }

    /// The column that may have been compressed.
    ///
    /// # Errors
    /// [`EnvelopeError::Content`] if it is not what [`seal_pack`] makes.
    pub fn expand(&self) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let rest = &self.content[self.split..];
        if self.method == METHOD_RAW {
            return Ok(Zeroizing::new(rest.to_vec()));
        }
        decompress_pack(rest, PAYLOAD_BYTES_MAX).ok_or(EnvelopeError::Content)
    }
}

/// A column that was expanded; emptied when it is dropped.
pub type Expanded = Zeroizing<Vec<u8>>;

/// The name of a sealed pack: a hash of all its bytes.
pub fn derive_pack_id(sealed: &[u8]) -> [u8; 32] {
    hash(&[LABEL, sealed])
}

/// The hash over the charter's entries up to one more.
pub fn derive_charter_hash(before: &[u8; 32], header: &[u8]) -> [u8; 32] {
    hash(&[b"satchel charter 1", before, &hash(&[header])])
}

/// Seals a pack; `compressed` false keeps every payload out of any compression context.
pub fn seal_pack<R: RngCore + CryptoRng>(
    epoch_key: &EpochKey,
    epoch: u32,
    place: &PackPlace,
    names: &[u8],
    rest: &[u8],
    compressed: bool,
    rng: &mut R,
) -> Result<Vec<u8>, EnvelopeError> {
    let bytes = names.len() + rest.len();
    if bytes > PAYLOAD_BYTES_MAX {
        return Err(EnvelopeError::TooLarge { bytes });
    }
    let small = if compressed { compress_pack(rest) } else { None };
    let (method, rest) = match &small {
        Some(small) => (METHOD_ZSTD, small.as_slice()),
        None => (METHOD_RAW, rest),
    };
    let nonce = make_nonce(rng);
    let content = 5 + names.len() + rest.len();
    // Reserved for the worst padding at once: growing would leave plaintext behind in freed memory.
    let mut sealed = Vec::with_capacity(HEADER_BYTES + TAG_BYTES + content + content / 8 + 2 * 32);
    sealed.push(SUITE);
    sealed.extend_from_slice(&epoch.to_be_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.push(method);
    let length = u32::try_from(names.len()).expect("it is within the limit");
    sealed.extend_from_slice(&length.to_be_bytes());
    sealed.extend_from_slice(names);
    sealed.extend_from_slice(rest);
    pad(&mut sealed, HEADER_BYTES, TAG_BYTES);
    let key = epoch_key.derive_pack_key(&place.workspace);
    encrypt_tail(&key, &nonce, &aad(place, epoch, epoch_key), &mut sealed, HEADER_BYTES);
    Ok(sealed)
}

/// Opens a pack at its place.
pub fn open_pack(
    epoch_key: &EpochKey,
    place: &PackPlace,
    sealed: &[u8],
) -> Result<OpenedPack, EnvelopeError> {
    let (&suite, rest) = sealed.split_first().ok_or(EnvelopeError::Truncated)?;
    if suite != SUITE {
        return Err(EnvelopeError::Suite { found: suite });
    }
    let (epoch, rest) = rest.split_first_chunk().ok_or(EnvelopeError::Truncated)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(EnvelopeError::Truncated)?;
    let epoch = u32::from_be_bytes(*epoch);
    let key = epoch_key.derive_pack_key(&place.workspace);
    let mut content =
        decrypt(&key, nonce, &aad(place, epoch, epoch_key), sealed).ok_or(EnvelopeError::Open)?;
    let length = unpad(&content).ok_or(EnvelopeError::Content)?.len();
    content.truncate(length);
    let (method, split) = read_content(&content).ok_or(EnvelopeError::Content)?;
    Ok(OpenedPack { epoch, method, split, content })
}

/// The method, and where the names end.
fn read_content(content: &[u8]) -> Option<(u8, usize)> {
    let (&method, rest) = content.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let is_known = method == METHOD_RAW || method == METHOD_ZSTD;
    (is_known && length <= rest.len()).then_some((method, CONTENT_HEADER_BYTES + length))
}

fn aad(place: &PackPlace, epoch: u32, epoch_key: &EpochKey) -> Vec<u8> {
    let epoch = epoch.to_be_bytes();
    [LABEL, &[SUITE], &place.workspace, &[place.part], &epoch, &epoch_key.commitment()].concat()
}

#[cfg(test)]
#[cfg(not(feature = "stub"))]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    const PLACE: PackPlace = PackPlace { workspace: [1; 16], part: 0 };

    fn key() -> EpochKey {
        EpochKey::make(&mut ChaCha20Rng::seed_from_u64(1))
    }

    fn seal(names: &[u8], rest: &[u8], compressed: bool) -> Vec<u8> {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        seal_pack(&key(), 1, &PLACE, names, rest, compressed, &mut rng).expect("it is small")
    }

    #[test]
    fn a_pack_opens_to_what_was_sealed_and_nowhere_else() {
        let rest = b"the same words, the same words, the same words".repeat(50);
        for compressed in [true, false] {
            let sealed = seal(b"names", &rest, compressed);
            let opened = open_pack(&key(), &PLACE, &sealed).expect("it opens");
            assert_eq!(opened.names(), b"names");
            assert_eq!(opened.rest_bytes(), Some(rest.len()));
            assert_eq!(opened.expand().expect("it expands").as_slice(), &rest[..]);
            let elsewhere = [PackPlace { workspace: [2; 16], ..PLACE }, PackPlace { part: 1, ..PLACE }];
            for place in elsewhere {
                assert_eq!(open_pack(&key(), &place, &sealed), Err(EnvelopeError::Open));
            }
            let other = EpochKey::make(&mut ChaCha20Rng::seed_from_u64(3));
            assert_eq!(open_pack(&other, &PLACE, &sealed), Err(EnvelopeError::Open));
        }
    }

    #[test]
    fn a_pack_that_was_changed_or_cut_does_not_open() {
        let sealed = seal(b"names", b"rest", true);
        for index in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[index] ^= 1;
            assert!(open_pack(&key(), &PLACE, &bad).is_err(), "{index}");
            assert!(open_pack(&key(), &PLACE, &sealed[..index]).is_err(), "{index}");
        }
    }

    #[test]
    fn payloads_share_a_compression_context_only_where_that_is_wanted() {
        let rest = b"the same words, the same words".repeat(100);
        assert!(seal(b"", &rest, true).len() < rest.len() / 4);
        assert!(seal(b"", &rest, false).len() > rest.len());
    }

    #[test]
    fn too_much_is_refused() {
        let rest = vec![0; PAYLOAD_BYTES_MAX + 1];
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let sealed = seal_pack(&key(), 1, &PLACE, b"", &rest, true, &mut rng);
        assert!(matches!(sealed, Err(EnvelopeError::TooLarge { .. })));
    }
}
