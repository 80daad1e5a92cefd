//! A small mutation driver: a fixed number of inputs from a fixed seed, so that a test is a test.
//!
//! It is blind (libFuzzer is not), but costs no build of its own and finds what a careless decoder
//! does wrong within thousands of inputs. A failing input is made small before it is told.

use std::panic::{self, AssertUnwindSafe};

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::Target;

/// Longer inputs are cut: the limits of the decoders have tests of their own.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// Changes to one seed.
const CHANGES_MAX: usize = 6;
/// Values that numbers, lengths and CBOR heads go wrong at.
const EDGES: &[u8] =
    &[0, 1, 0x17, 0x18, 0x1b, 0x3b, 0x5b, 0x7b, 0x7f, 0x80, 0x9b, 0x9f, 0xbf, 0xf6, 0xfe, 0xff];
/// Pieces that texts go wrong at.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    "[[",
    ",",
    ":",
    "//",
    "://",
    "@",
    "?",
    "#",
    "&",
    "=",
    "{{",
    "}}",
    "null",
    "true",
    "-0",
    "1e999",
    "\u{feff}",
    "é",
    "\u{1f600}",
    "$list",
    "/",
    "%",
    "%2",
];

/// Runs a target over all of its seeds and over so many changed ones.
///
/// # Panics
/// With the smallest failing input that was found, if there is one.
pub fn drive(target: &Target, inputs: u32) {
    let seeds = target.seeds.load();
    let mut rng = ChaCha8Rng::seed_from_u64(0x5a7c_4e1f);
    let changed = (0..inputs).map(|_| change(&seeds, &mut rng));
    for input in seeds.iter().cloned().chain(changed) {
        if fails(target, &input) {
            let small = shrink(target, input);
            panic!(
                "{} fails for {} bytes: {}\nas text: {}",
                target.name,
                small.len(),
                hex(&small),
                String::from_utf8_lossy(&small)
            );
        }
    }
}

fn fails(target: &Target, input: &[u8]) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err()
}

fn below(rng: &mut ChaCha8Rng, limit: usize) -> usize {
    usize::try_from(rng.next_u64() % (limit.max(1) as u64)).expect("it is smaller than a length")
}

fn change(seeds: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = seeds[below(rng, seeds.len())].clone();
    for _ in 0..=below(rng, CHANGES_MAX) {
        change_once(&mut input, seeds, rng);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn change_once(input: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut ChaCha8Rng) {
    let at = below(rng, input.len() + 1);
    let end = at + below(rng, (input.len() - at).min(64) + 1);
    match below(rng, 8) {
        0 if at < input.len() => input[at] ^= 1 << below(rng, 8),
        1 if at < input.len() => input[at] = EDGES[below(rng, EDGES.len())],
        2 => drop(input.drain(at..end)),
        3 => {
            let copy = input[at..end].to_vec();
            input.splice(at..at, copy);
        }
        4 => drop(input.splice(at..at, PIECES[below(rng, PIECES.len())].bytes())),
        5 => {
            let other = &seeds[below(rng, seeds.len())];
            let from = below(rng, other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        6 => input.truncate(at),
        _ => {
            let bytes = rng.next_u64().to_le_bytes();
            let count = 1 + below(rng, bytes.len());
            input.splice(at..at, bytes[..count].iter().copied());
        }
    }
}

/// Leaves out ever smaller pieces while it still fails.
fn shrink(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut piece = input.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at + piece <= input.len() {
            let mut shorter = input.clone();
            shorter.drain(at..at + piece);
            if fails(target, &shorter) {
                input = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seeds;

    fn careless(bytes: &[u8]) {
        assert!(!bytes.contains(&0xff), "it does not like that byte");
    }

    fn caution(_: &[u8]) {}

    fn target(run: fn(&[u8])) -> Target {
        let seeds = Seeds::Made(|| vec![b"a long enough seed".to_vec()]);
        Target { name: "planted", run, seeds, inputs: 1 }
    }

    #[test]
    fn a_careless_decoder_is_caught_with_the_smallest_input() {
        let caught = panic::catch_unwind(|| drive(&target(careless), 5_000)).expect_err("it is careless");
        let words = caught.downcast_ref::<String>().expect("it is a text");
        assert!(words.starts_with("planted fails for 1 bytes: ff"), "{words}");
    }

    #[test]
    fn a_careful_decoder_passes() {
        drive(&target(caution), 500);
    }

    #[test]
    fn the_same_inputs_come_every_time() {
        let seeds = vec![b"one".to_vec(), b"two".to_vec()];
        let make = || {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            (0..50).map(|_| change(&seeds, &mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(make(), make());
    }
}
