//! Padding that hides how long a payload is.
//!
//! `0x80`, then zeros, up to one of few lengths: multiples of 32 up to 256, so that a node stays small; then
//! Padmé (Nikitin and others, "Reducing Metadata Leakage from Encrypted Files and Communication with
//! PURBs"), which adds at most 12 % and leaves `O(log log n)` bits of the length to be seen. There is
//! exactly one padded form of a content, and only that one is accepted.

const STEP: usize = 32;
const STEPS_UNTIL: usize = 256;
const MARK: u8 = 0x80;

/// The padded length of a content with its mark.
fn padded_len(len: usize) -> usize {
    let step = if len <= STEPS_UNTIL { STEP } else { padme_step(len).max(STEP) };
    len.next_multiple_of(step)
}

/// With `E = floor(log2 len)`, keep the upper `floor(log2 E) + 1` bits after the leading one.
fn padme_step(len: usize) -> usize {
    let exponent = len.ilog2();
    1 << (exponent - exponent.ilog2() - 1)
}

/// Pads what stands in `buffer` after `from`, with room for `extra` more bytes behind the padding.
pub(crate) fn pad(buffer: &mut Vec<u8>, from: usize, extra: usize) {
    buffer.push(MARK);
    let padded = from + padded_len(buffer.len() - from);
    buffer.reserve_exact(padded + extra - buffer.len());
    buffer.resize(padded, 0);
}

/// The content without its padding; none if the padding is not the one that [`pad`] makes.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|&byte| byte != 0)?;
    (padded[end] == MARK && padded_len(end + 1) == padded.len()).then(|| &padded[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_node_stays_small_and_a_large_body_grows_by_an_eighth_at_most() {
        let check = |content: usize, expected: usize| {
            let mut buffer = vec![7; content];
            pad(&mut buffer, 0, 0);
            assert_eq!(buffer.len(), expected, "{content}");
        };
        check(0, 32);
        check(31, 32);
        check(32, 64);
        check(119, 128);
        check(255, 256);
        check(256, 288);
        check(1_000, 1_024);
        check(2_000, 2_048);
        check(100_000, 100_352);
        (257..100_000).for_each(|len| assert!(padded_len(len) <= len + len / 8 + 1, "{len}"));
    }

    #[test]
    fn padding_in_another_form_is_refused() {
        let check = |padded: &[u8]| assert_eq!(unpad(padded), None);
        check(&[]);
        check(&[0; 32]);
        check(&[MARK]);
        check(&[1; 32]);
        let mut padded = vec![0; 64];
        padded[3] = MARK; // 32 would have done
        check(&padded);
        padded.truncate(32);
        assert_eq!(unpad(&padded), Some(&[0, 0, 0][..]));
        padded[31] = 1;
        check(&padded);
    }

    proptest! {
        #[test]
        fn unpad_gives_what_pad_took(content in proptest::collection::vec(any::<u8>(), 0..3_000), from in 0_usize..70) {
            let mut buffer = vec![9; from];
            buffer.extend_from_slice(&content);
            pad(&mut buffer, from, 16);
            prop_assert_eq!(unpad(&buffer[from..]), Some(&content[..]));
        }

        #[test]
        fn any_bytes_unpad_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpad(&bytes);
        }
    }
}
