//! Keys, wraps, certificates, proofs and hashes from outside.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_crypto::{
    AccountKey, AppCertificate, AppKey, CryptoError, EpochKey, IdentityKeys, LocalKey, RecoveryCode,
    StateDigest, WrapContext, derive_chain, derive_revision, derive_token_hash, verify_commit, verify_open,
    verify_recovery,
};

const ACCOUNT: [u8; 16] = [4; 16];
const APP: [u8; 16] = [5; 16];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Nothing but exactly these bytes is accepted.
fn check_every_byte<T>(bytes: &[u8], open: impl Fn(&[u8]) -> Result<T, CryptoError>) {
    assert!(open(bytes).is_ok());
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x41;
        assert!(open(&changed).is_err(), "byte {at}");
        assert!(open(&bytes[..at]).is_err(), "{at} bytes");
    }
    assert!(open(&[bytes, &[0]].concat()).is_err());
}

#[test]
fn the_account_key_comes_back_from_the_recovery_code_and_by_nothing_else() {
    let (key, code) = (AccountKey::make(&mut rng(1)), RecoveryCode::make(&mut rng(2)));
    let wrap = key.wrap_by_recovery(&code, &ACCOUNT, &mut rng(3));
    let typed = RecoveryCode::parse(&code.expose_secret()).expect("its own text");
    let unwrapped = AccountKey::unwrap_by_recovery(&typed, &ACCOUNT, &wrap).expect("the right code");
    assert_eq!(unwrapped.expose_secret(), key.expose_secret());
    check_every_byte(&wrap, |wrap| AccountKey::unwrap_by_recovery(&code, &ACCOUNT, wrap));
    let other = RecoveryCode::make(&mut rng(4));
    assert!(AccountKey::unwrap_by_recovery(&other, &ACCOUNT, &wrap).is_err());
    assert!(AccountKey::unwrap_by_recovery(&code, &[9; 16], &wrap).is_err());
}

#[test]
fn a_recovery_code_is_read_as_people_type_it() {
    let text = RecoveryCode::make(&mut rng(2)).expose_secret().to_string();
    assert_eq!(text.len(), 39);
    let check = |typed: &str| {
        let code = RecoveryCode::parse(typed).expect(typed);
        assert_eq!(*code.expose_secret(), text);
    };
    check(&text);
    check(&text.to_lowercase());
    check(&text.replace('-', ""));
    check(&text.replace('-', " "));
    check(&format!("  {text}\n"));
    check(&text.replace('0', "O").replace('1', "l"));
    check(&text.replace('0', "o").replace('1', "I"));
}

#[test]
fn what_is_no_recovery_code_is_refused() {
    let text = RecoveryCode::make(&mut rng(2)).expose_secret().to_string();
    let check = |typed: &str| assert!(RecoveryCode::parse(typed).is_err(), "{typed}");
    check("");
    check(&text[1..]);
    check(&format!("{text}0"));
    check(&format!("U{}", &text[1..]));
    check(&format!("é{}", &text[1..]));
    check(&"0 ".repeat(1_000_000));
}

#[test]
fn the_recovery_code_proves_itself_without_being_shown() {
    let key = RecoveryCode::make(&mut rng(2)).recovery_key();
    let proof = key.sign_challenge(&[7; 32]);
    assert_eq!(verify_recovery(&key.public(), &[7; 32], &proof), Ok(()));
    assert!(verify_recovery(&key.public(), &[8; 32], &proof).is_err());
    let other = RecoveryCode::make(&mut rng(3)).recovery_key();
    assert!(verify_recovery(&other.public(), &[7; 32], &proof).is_err());
}

#[test]
fn the_identity_keys_open_under_their_account_key_only() {
    let (key, keys) = (AccountKey::make(&mut rng(1)), IdentityKeys::make(&mut rng(2)));
    let sealed = key.seal_identity(&keys, &ACCOUNT, &mut rng(3));
    let again = AccountKey::from_secret(*key.expose_secret());
    let opened = again.open_identity(&ACCOUNT, &sealed).expect("the right key");
    assert_eq!(opened.public(), keys.public());
    check_every_byte(&sealed, |sealed| key.open_identity(&ACCOUNT, sealed));
    assert!(key.open_identity(&[9; 16], &sealed).is_err());
    assert!(AccountKey::make(&mut rng(4)).open_identity(&ACCOUNT, &sealed).is_err());
}

#[test]
fn identity_keys_come_back_from_their_secret() {
    let keys = IdentityKeys::make(&mut rng(2));
    let secret = keys.expose_secret();
    assert_eq!(IdentityKeys::from_secret(&secret).expect("its own secret").public(), keys.public());
    assert!(IdentityKeys::from_secret(&secret[1..]).is_err());
    assert!(IdentityKeys::from_secret(&[]).is_err());
}

#[test]
fn a_local_key_of_two_shares_needs_both_of_them() {
    let derive = |shares: [&[u8; 32]; 2], item: &[u8]| *LocalKey::derive(shares, item).expose_secret();
    let key = derive([&[1; 32], &[2; 32]], b"item");
    assert_eq!(key, derive([&[1; 32], &[2; 32]], b"item"));
    assert_ne!(key, derive([&[2; 32], &[1; 32]], b"item"));
    assert_ne!(key, derive([&[1; 32], &[3; 32]], b"item"));
    assert_ne!(key, derive([&[3; 32], &[2; 32]], b"item"));
    assert_ne!(key, derive([&[1; 32], &[2; 32]], b"other"));
}

#[test]
fn a_wrap_of_one_kind_does_not_open_as_another() {
    let (key, code) = (AccountKey::make(&mut rng(1)), RecoveryCode::make(&mut rng(2)));
    let keys = IdentityKeys::make(&mut rng(3));
    let sealed = key.seal_identity(&keys, &ACCOUNT, &mut rng(4));
    let local = LocalKey::from_secret(*key.expose_secret());
    assert!(local.open(&ACCOUNT, &sealed).is_err());
    assert!(AccountKey::unwrap_by_recovery(&code, &ACCOUNT, &sealed).is_err());
}

#[test]
fn a_certificate_verifies_under_its_account_only() {
    let (keys, app_key) = (IdentityKeys::make(&mut rng(1)), AppKey::make(&mut rng(2)));
    let bytes = AppCertificate::issue(&keys, ACCOUNT, APP, app_key.public());
    let signing = keys.public().signing;
    let certificate = AppCertificate::verify(&bytes, &signing).expect("it was just issued");
    assert_eq!(certificate, AppCertificate { account: ACCOUNT, app: APP, key: app_key.public() });
    check_every_byte(&bytes, |bytes| AppCertificate::verify(bytes, &signing));
    let other = IdentityKeys::make(&mut rng(3)).public().signing;
    assert!(AppCertificate::verify(&bytes, &other).is_err());
    let newer = [&[2], &bytes[1..]].concat();
    let what = "the app's certificate";
    assert_eq!(AppCertificate::verify(&newer, &signing), Err(CryptoError::Version { what, found: 2 }));
}

#[test]
fn an_app_key_signs_commits_and_openings_apart() {
    let key = AppKey::make(&mut rng(1));
    let (public, header) = (key.public(), [7; 48]);
    let commit = key.sign_commit(&header);
    assert_eq!(verify_commit(&public, &header, &commit), Ok(()));
    assert!(verify_commit(&public, &header[1..], &commit).is_err());
    let (nonce, incarnation) = ([7; 32], [7; 16]);
    let proof = key.sign_open(&nonce, &incarnation);
    assert_eq!(verify_open(&public, &nonce, &incarnation, &proof), Ok(()));
    assert!(verify_open(&public, &nonce, &[8; 16], &proof).is_err());
    assert!(verify_open(&public, &[8; 32], &incarnation, &proof).is_err());
    // The same bytes after another label.
    assert!(verify_commit(&public, &header, &proof).is_err());
    assert!(verify_open(&public, &nonce, &incarnation, &commit).is_err());
    let again = AppKey::from_secret(*key.expose_secret());
    assert_eq!(again.public(), public);
    assert!(verify_commit(&[0xff; 32], &header, &commit).is_err());
}

#[test]
fn an_epoch_key_unwraps_for_its_member_and_place_only() {
    let (key, keys) = (EpochKey::make(&mut rng(1)), IdentityKeys::make(&mut rng(2)));
    let context = WrapContext { workspace: [1; 16], epoch: 1, account: ACCOUNT };
    let wrap = key.wrap(&keys.public().sealing, &context, &mut rng(3));
    let unwrapped = EpochKey::unwrap(&keys, &context, &wrap).expect("the right member");
    assert_eq!(unwrapped.commitment(), key.commitment());
    check_every_byte(&wrap, |wrap| EpochKey::unwrap(&keys, &context, wrap));
    assert!(EpochKey::unwrap(&IdentityKeys::make(&mut rng(4)), &context, &wrap).is_err());
    let check = |context: WrapContext| assert!(EpochKey::unwrap(&keys, &context, &wrap).is_err());
    check(WrapContext { workspace: [9; 16], ..context });
    check(WrapContext { epoch: 2, ..context });
    check(WrapContext { account: [9; 16], ..context });
}

#[test]
fn nothing_is_wrapped_to_a_key_of_small_order() {
    let context = WrapContext { workspace: [1; 16], epoch: 1, account: ACCOUNT };
    assert!(EpochKey::make(&mut rng(1)).wrap(&[0; 32], &context, &mut rng(3)).is_empty());
}

#[test]
fn what_is_kept_locally_opens_at_its_place_only() {
    let key = LocalKey::make(&mut rng(1));
    let sealed = key.seal(b"session", b"token", &mut rng(2));
    let again = LocalKey::from_secret(*key.expose_secret());
    assert_eq!(again.open(b"session", &sealed).expect("the right place").as_slice(), b"token");
    check_every_byte(&sealed, |sealed| key.open(b"session", sealed));
    assert!(key.open(b"sessions", &sealed).is_err());
    assert!(key.open(b"", &sealed).is_err());
    assert!(LocalKey::make(&mut rng(3)).open(b"session", &sealed).is_err());
    assert!(key.open(b"x", &key.seal(b"x", b"", &mut rng(4))).expect("nothing opens too").is_empty());
}

#[test]
fn chains_and_token_hashes_depend_on_every_part() {
    assert_ne!(derive_chain(&[0; 32], b"a"), derive_chain(&[1; 32], b"a"));
    assert_ne!(derive_chain(&[0; 32], b"a"), derive_chain(&[0; 32], b"b"));
    assert_ne!(derive_token_hash(&[0; 32]), derive_token_hash(&[1; 32]));
    let place = satchel_crypto::EnvelopePlace { workspace: [1; 16], record: [2; 16], part: 0 };
    assert_ne!(derive_revision(&place, b"a"), derive_revision(&place, b"b"));
}

#[test]
fn debug_shows_no_secret() {
    let check = |shown: String, expected: &str| assert_eq!(shown, format!("{expected} {{ .. }}"));
    check(format!("{:?}", AccountKey::make(&mut rng(1))), "AccountKey");
    check(format!("{:?}", AppKey::make(&mut rng(1))), "AppKey");
    check(format!("{:?}", IdentityKeys::make(&mut rng(1))), "IdentityKeys");
    check(format!("{:?}", LocalKey::make(&mut rng(1))), "LocalKey");
    check(format!("{:?}", RecoveryCode::make(&mut rng(1))), "RecoveryCode");
    check(format!("{:?}", RecoveryCode::make(&mut rng(1)).recovery_key()), "RecoveryKey");
}

type Entry = ([u8; 16], u8, [u8; 32]);

fn entry() -> impl Strategy<Value = Entry> {
    (any::<[u8; 16]>(), 0_u8..2, any::<[u8; 32]>())
}

fn digest_of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> StateDigest {
    let mut digest = StateDigest::default();
    for (record, part, revision) in entries {
        digest.add(record, *part, revision);
    }
    digest
}

proptest! {
    #[test]
    fn a_digest_does_not_depend_on_the_order(entries in proptest::collection::vec(entry(), 0..20)) {
        prop_assert_eq!(digest_of(&entries), digest_of(entries.iter().rev()));
    }

    #[test]
    fn what_is_removed_leaves_no_trace(entries in proptest::collection::vec(entry(), 1..20)) {
        let mut digest = digest_of(&entries);
        let (record, part, revision) = &entries[0];
        digest.remove(record, *part, revision);
        prop_assert_eq!(&digest, &digest_of(&entries[1..]));
        // Even below zero: the sum is modulo 2^256.
        let mut under = StateDigest::default();
        under.remove(record, *part, revision);
        prop_assert_ne!(&under, &StateDigest::default());
        under.add(record, *part, revision);
        prop_assert_eq!(&under, &StateDigest::default());
    }

    #[test]
    fn a_digest_comes_back_from_its_bytes(bytes: [u8; 32]) {
        prop_assert_eq!(StateDigest::from_bytes(&bytes).to_bytes(), bytes);
    }

    #[test]
    fn every_recovery_code_comes_back_from_its_text(seed: u64) {
        let text = RecoveryCode::make(&mut rng(seed)).expose_secret();
        prop_assert_eq!(RecoveryCode::parse(&text).expect("its own text").expose_secret(), text);
    }

    #[test]
    fn any_text_and_bytes_are_read_without_a_panic(text: String, bytes: Vec<u8>) {
        let _ = RecoveryCode::parse(&text);
        let keys = IdentityKeys::make(&mut rng(1));
        let context = WrapContext { workspace: [1; 16], epoch: 1, account: ACCOUNT };
        prop_assert!(EpochKey::unwrap(&keys, &context, &bytes).is_err());
        prop_assert!(AppCertificate::verify(&bytes, &keys.public().signing).is_err());
        prop_assert!(LocalKey::make(&mut rng(1)).open(b"", &bytes).is_err());
    }
}
