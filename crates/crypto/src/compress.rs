//! Compression of payloads: zstd with a dictionary of what payloads have in common.
//!
//! The dictionary is part of the suite: a byte changed in it makes what was sealed unreadable, so a test
//! holds its hash. Contexts are reused on each thread and the dictionary is digested once in a process,
//! because both cost more than a payload. Each payload is a frame of its own, so no payload is ever
//! compressed against another.
//!
//! Reading trusts nothing: the size that a frame claims is compared to the limit before memory is taken.

use std::cell::RefCell;
use std::sync::LazyLock;

use zeroize::Zeroizing;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{compress_bound, find_frame_compressed_size, get_frame_content_size};

const LEVEL: i32 = 3;
const DICTIONARY: &[u8] = include_bytes!("dictionary.txt");

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> =
        RefCell::new(Compressor::with_prepared_dictionary(&ENCODER).ok());
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODER).ok());
    static PACK_DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::new().ok());
}

/// The compressed form, if it is smaller.
pub(crate) fn compress(plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if crate::IS_STUB {
        return None;
    }
    let mut compressed = Zeroizing::new(Vec::with_capacity(compress_bound(plain.len())));
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.as_mut()?.compress_to_buffer(plain, &mut *compressed).ok()
    })?;
    (compressed.len() < plain.len()).then_some(compressed)
}

/// What [`compress`] took; none for anything that it would not have made, or that is over the limit.
pub(crate) fn decompress(compressed: &[u8], bytes_max: usize) -> Option<Zeroizing<Vec<u8>>> {
    let claimed = claimed_size(compressed, bytes_max)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(claimed));
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        decompressor.as_mut()?.decompress_to_buffer(compressed, &mut *plain).ok()
    })?;
    (plain.len() == claimed).then_some(plain)
}

/// A pack is written once and read often, so its compression may take its time; one that is added to
/// others for what changed since is made often and soon replaced.
const PACK_LEVEL: i32 = 15;
const SMALL_PACK_LEVEL: i32 = 6;
const SMALL_PACK_BYTES: usize = 384 * 1024;

/// The compressed form of many payloads together, if it is smaller. Without the dictionary: they have
/// enough in common.
pub(crate) fn compress_pack(plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if crate::IS_STUB {
        return None;
    }
    let level = if plain.len() < SMALL_PACK_BYTES { SMALL_PACK_LEVEL } else { PACK_LEVEL };
    let compressed = Zeroizing::new(zstd::bulk::compress(plain, level).ok()?);
    (compressed.len() < plain.len()).then_some(compressed)
}

/// What [`compress_pack`] took, as [`decompress`].
pub(crate) fn decompress_pack(compressed: &[u8], bytes_max: usize) -> Option<Zeroizing<Vec<u8>>> {
    let claimed = claimed_size(compressed, bytes_max)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(claimed));
    PACK_DECOMPRESSOR.with_borrow_mut(|decompressor| {
        decompressor.as_mut()?.decompress_to_buffer(compressed, &mut *plain).ok()
    })?;
    (plain.len() == claimed).then_some(plain)
}

/// The size that a frame claims to expand to; none if it is not one whole frame, or over the limit.
pub(crate) fn claimed_size(compressed: &[u8], bytes_max: usize) -> Option<usize> {
    if find_frame_compressed_size(compressed) != Ok(compressed.len()) {
        return None; // bytes after the frame, or no whole frame
    }
    let claimed = get_frame_content_size(compressed).ok()??;
    let claimed = usize::try_from(claimed).ok()?;
    (claimed <= bytes_max && claimed > compressed.len()).then_some(claimed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::hash;
    use crate::primitive::tests::unhex;

    const LIMIT: usize = 1024 * 1024;

    #[test]
    fn the_dictionary_is_the_one_of_suite_1() {
        assert_eq!(
            hash(&[DICTIONARY]).to_vec(),
            unhex("1915412528337de5489b52d3985c2f2625a03d97c8c685bc6b24057a62cf297d")
        );
    }

    #[test]
    fn a_small_payload_shrinks_by_the_dictionary() {
        let plain =
            br#"{"listen":"test","script":{"exec":["pm.test(\"Status code is 200\", function () {"]}}"#;
        let compressed = compress(plain).expect("it shrinks");
        assert!(compressed.len() < plain.len() / 2, "{} bytes", compressed.len());
        assert_eq!(decompress(&compressed, LIMIT).as_deref().map(Vec::as_slice), Some(&plain[..]));
    }

    #[test]
    fn what_does_not_shrink_is_left_alone() {
        assert!(compress(b"").is_none());
        assert!(compress(b"q7").is_none());
    }

    #[test]
    fn more_than_the_limit_is_refused_before_it_is_expanded() {
        let compressed = compress(&vec![b'a'; LIMIT + 1]).expect("it shrinks");
        assert!(decompress(&compressed, LIMIT).is_none());
        assert!(decompress(&compressed, LIMIT + 1).is_some());
    }

    #[test]
    fn a_frame_that_lies_about_its_size_is_refused() {
        let plain = vec![b'a'; 1_000];
        let compressed = compress(&plain).expect("it shrinks");
        // The size stands as `size - 256` in two bytes after the magic number and the descriptor.
        assert_eq!(compressed[5..7], 744_u16.to_le_bytes());
        let check = |claimed: u16| {
            let mut lying = compressed.to_vec();
            lying[5..7].copy_from_slice(&(claimed - 256).to_le_bytes());
            assert!(decompress(&lying, LIMIT).is_none(), "{claimed}");
        };
        check(999);
        check(1_001);
        check(u16::MAX);
    }

    #[test]
    fn bytes_beside_the_one_frame_are_refused() {
        let compressed = compress(&[b'a'; 1_000]).expect("it shrinks");
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
        let check = |bytes: &[u8]| assert!(decompress(bytes, LIMIT).is_none());
        check(&[]);
        check(&skippable);
        check(&[&compressed[..], &[0]].concat());
        check(&[&compressed[..], &skippable].concat());
        check(&[&skippable, &compressed[..]].concat());
        check(&[&compressed[..], &compressed[..]].concat());
        (0..compressed.len()).for_each(|len| check(&compressed[..len]));
    }
}
