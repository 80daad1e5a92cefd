//! Envelopes from outside: what is sealed opens at its place, and nothing else does.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_crypto::{
    ENVELOPE_OVERHEAD, EnvelopeError, EnvelopePlace, EpochKey, PAYLOAD_BYTES_MAX, derive_revision,
    open_envelope, seal_envelope,
};

const PLACE: EnvelopePlace = EnvelopePlace { workspace: [1; 16], record: [2; 16], part: 0 };
const NODE: &[u8] = br#"{"kind":"request","method":"GET","name":"List users","position":{"order":"V00x7Q","parent":"3f9a1c77e05b42d8a6c4190b7e2fd385"},"v":1}"#;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn epoch_key() -> EpochKey {
    EpochKey::make(&mut rng(1))
}

fn seal(parent: Option<[u8; 32]>, payload: &[u8]) -> Vec<u8> {
    seal_envelope(&epoch_key(), 1, &PLACE, parent, payload, &mut rng(2)).expect("it is not too large")
}

fn open(envelope: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    open_envelope(&epoch_key(), &PLACE, envelope).map(|opened| opened.payload.to_vec())
}

proptest! {
    #[test]
    fn every_payload_opens_as_it_was_sealed(
        payload in proptest::collection::vec(any::<u8>(), 0..3_000),
        parent in proptest::option::of(proptest::array::uniform32(1_u8..)),
        epoch: u32,
        part: u8,
    ) {
        let place = EnvelopePlace { part, ..PLACE };
        let sealed = seal_envelope(&epoch_key(), epoch, &place, parent, &payload, &mut rng(2)).expect("it seals");
        let opened = open_envelope(&epoch_key(), &place, &sealed).expect("it opens");
        prop_assert_eq!(opened.epoch, epoch);
        prop_assert_eq!(opened.parent, parent);
        prop_assert_eq!(opened.payload.as_slice(), payload);
    }

    #[test]
    fn every_text_opens_as_it_was_sealed(text in "[a-z\":{} ]{0,4000}") {
        prop_assert_eq!(open(&seal(None, text.as_bytes())), Ok(text.into_bytes()));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&bytes).is_err());
        let with_suite = [&[1], &bytes[..]].concat();
        prop_assert!(open(&with_suite).is_err());
    }
}

#[test]
fn every_changed_missing_or_added_byte_is_refused() {
    let envelope = seal(Some([5; 32]), NODE);
    assert_eq!(open(&envelope), Ok(NODE.to_vec()));
    for at in 0..envelope.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = envelope.clone();
            changed[at] ^= change;
            assert!(open(&changed).is_err(), "byte {at}");
        }
        assert!(open(&envelope[..at]).is_err(), "{at} bytes");
    }
    assert_eq!(open(&[&envelope[..], &[0]].concat()), Err(EnvelopeError::Open));
}

#[test]
fn an_envelope_opens_at_its_own_place_only() {
    let envelope = seal(None, NODE);
    let check = |place: EnvelopePlace| {
        assert_eq!(open_envelope(&epoch_key(), &place, &envelope), Err(EnvelopeError::Open));
        assert_ne!(derive_revision(&place, &envelope), derive_revision(&PLACE, &envelope));
    };
    check(EnvelopePlace { workspace: [9; 16], ..PLACE });
    check(EnvelopePlace { record: [9; 16], ..PLACE });
    check(EnvelopePlace { part: 1, ..PLACE });
}

#[test]
fn an_envelope_opens_with_its_own_key_epoch_and_parent_only() {
    let envelope = seal(Some([5; 32]), NODE);
    let other_key = EpochKey::make(&mut rng(3));
    assert_eq!(open_envelope(&other_key, &PLACE, &envelope), Err(EnvelopeError::Open));
    let check = |at: usize, bytes: &[u8]| {
        let mut changed = envelope.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(open(&changed), Err(EnvelopeError::Open));
    };
    check(1, &2_u32.to_be_bytes());
    check(5, &[6; 32]);
    check(5, &[0; 32]); // as if it had no parent
}

#[test]
fn the_suite_is_looked_at_first() {
    assert_eq!(open(&[]), Err(EnvelopeError::Truncated));
    assert_eq!(open(&[2]), Err(EnvelopeError::Suite { found: 2 }));
    assert_eq!(open(&[1, 0, 0]), Err(EnvelopeError::Truncated));
    assert_eq!(open(&[1; 61]), Err(EnvelopeError::Open));
}

#[test]
fn the_parent_of_zeros_is_reserved_for_none() {
    let sealed = seal_envelope(&epoch_key(), 1, &PLACE, Some([0; 32]), NODE, &mut rng(2));
    assert_eq!(sealed, Err(EnvelopeError::ReservedParent));
}

#[test]
fn a_payload_over_the_limit_is_not_sealed() {
    let payload = vec![b'a'; PAYLOAD_BYTES_MAX + 1];
    let sealed = seal_envelope(&epoch_key(), 1, &PLACE, None, &payload, &mut rng(2));
    assert_eq!(sealed, Err(EnvelopeError::TooLarge { bytes: PAYLOAD_BYTES_MAX + 1 }));
    let envelope = seal(None, &payload[1..]);
    assert_eq!(open(&envelope).expect("the largest payload opens").len(), PAYLOAD_BYTES_MAX);
}

#[test]
fn the_envelope_of_a_node_is_small_and_hides_the_length_of_its_name() {
    let long = String::from_utf8_lossy(NODE).replace("List users", "List users, x");
    let (short, long) = (seal(None, NODE), seal(None, long.as_bytes()));
    assert_eq!(short.len(), long.len());
    assert!(short.len() <= ENVELOPE_OVERHEAD + 96, "{} bytes", short.len());
}

#[test]
fn two_seals_of_one_payload_differ() {
    let mut rng = rng(2);
    let mut make = || seal_envelope(&epoch_key(), 1, &PLACE, None, NODE, &mut rng).expect("it seals");
    assert_ne!(make(), make());
}

#[test]
fn debug_shows_no_key_and_no_payload() {
    let opened = open_envelope(&epoch_key(), &PLACE, &seal(None, NODE)).expect("it opens");
    assert_eq!(format!("{opened:?}"), "OpenedEnvelope { epoch: 1, .. }");
    assert_eq!(format!("{:?}", epoch_key()), "EpochKey { .. }");
}
