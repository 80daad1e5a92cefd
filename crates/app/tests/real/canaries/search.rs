//! Looking for planted texts in bytes: as they are, encoded, and in whatever is compressed.
//!
//! Every planted text begins with one [`MARK`], so that hundreds of them are found by looking for a few forms of
//! that one. What is compressed is found by how it begins, expanded, and looked through as well.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::process::holds;

/// What every planted text begins with. Nine bytes, so that at each alignment whole groups of base64 are of it.
pub(super) const MARK: &str = "plantedQ7";

/// Expanded bytes that are looked at, of one stream.
const EXPANDED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Around a hit, for a person.
const CONTEXT: usize = 24;

/// A planted text.
pub(super) fn planted(place: &str, number: usize) -> String {
    format!("{MARK}{place}{number:02}xK")
}

/// The forms in which a text could be written somewhere.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let hexadecimal = text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut forms = vec![
        text.as_bytes().to_vec(),
        hexadecimal.to_uppercase().into_bytes(),
        hexadecimal.into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
    ];
    for engine in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|before| {
            let padded = [vec![0; before], text.as_bytes().to_vec()].concat();
            let whole = padded.len() / 3 * 3;
            // Letters that also depend on the bytes around are left out.
            let skipped = if before == 0 { 0 } else { 4 };
            engine.encode(&padded[..whole]).as_bytes()[skipped..].to_vec()
        }));
    }
    forms
}

/// Where something planted is in these bytes, or in what is compressed in them.
pub(super) fn seen_in(bytes: &[u8]) -> Vec<String> {
    let mut found = seen_plainly(bytes);
    for expanded in expanded(bytes) {
        found.extend(seen_plainly(&expanded).into_iter().map(|hit| format!("compressed: {hit}")));
    }
    found
}

fn seen_plainly(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for form in forms(MARK) {
        let Some(at) = find(bytes, &form) else { continue };
        let around = &bytes[at.saturating_sub(CONTEXT)..(at + form.len() + CONTEXT).min(bytes.len())];
        found.push(String::from_utf8_lossy(around).into_owned());
    }
    found
}

/// Looks for the first byte before it compares: there are many megabytes.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Everything in these bytes that begins like a stream of zstd, gzip or zlib, and is one.
fn expanded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        let mut out = Vec::new();
        let read = match rest {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => match zstd::Decoder::new(rest) {
                Ok(decoder) => decoder.single_frame().take(EXPANDED_BYTES_MAX).read_to_end(&mut out),
                Err(_) => continue,
            },
            [0x1f, 0x8b, 0x08, ..] => {
                flate2::read::GzDecoder::new(rest).take(EXPANDED_BYTES_MAX).read_to_end(&mut out)
            }
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => {
                flate2::read::ZlibDecoder::new(rest).take(EXPANDED_BYTES_MAX).read_to_end(&mut out)
            }
            _ => continue,
        };
        // What came before an error counts as well: a stream may have been cut off.
        let _ = read;
        if !out.is_empty() {
            found.push(out);
        }
    }
    found
}

#[test]
fn the_search_finds_every_form() {
    let text = planted("secret", 7);
    let check = |what: &str, bytes: Vec<u8>| assert!(!seen_in(&bytes).is_empty(), "{what}");
    for around in 0..3 {
        let within = [&b"abc"[..around], text.as_bytes(), b"xyz"].concat();
        check("as it is", within.clone());
        check("in base64", STANDARD.encode(&within).into_bytes());
        check("in base64 for URLs", URL_SAFE.encode(&within).into_bytes());
        let hexadecimal = within.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        check("in hexadecimal", [b"0".to_vec(), hexadecimal.into_bytes()].concat());
        let zstd = zstd::encode_all(&within[..], 3).expect("it is compressed");
        check("in zstd", [b"before".to_vec(), zstd, b"after".to_vec()].concat());
        let mut gzip = flate2::read::GzEncoder::new(&within[..], flate2::Compression::best());
        let mut out = Vec::new();
        gzip.read_to_end(&mut out).expect("it is compressed");
        check("in gzip", [b"before".to_vec(), out].concat());
        let mut zlib = flate2::read::ZlibEncoder::new(&within[..], flate2::Compression::best());
        let mut out = Vec::new();
        zlib.read_to_end(&mut out).expect("it is compressed");
        check("in zlib", [b"before".to_vec(), out].concat());
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("in UTF-16", [b"ab".to_vec(), utf16].concat());
    assert_eq!(seen_in(b"nothing of that kind, and plantedQ6 neither"), Vec::<String>::new());
    assert!(holds(text.as_bytes(), MARK.as_bytes()));
}
