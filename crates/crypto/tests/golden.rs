//! Golden bytes of every format: what suite 1 looks like for ever.
//!
//! The bytes are in `fixtures/crypto`, as hexadecimal; a changed file is a changed format. Randomness is
//! `ChaCha20` with fixed seeds. What the files hold must also open: that is what a person's old data does.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect_file;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_crypto::{
    AccountKey, AppCertificate, AppKey, ClientLogin, ClientRegistration, EnvelopePlace, EpochKey,
    IdentityKeys, LocalKey, PasswordFile, RecoveryCode, ServerSetup, StateDigest, WrapContext, derive_chain,
    derive_revision, derive_token_hash, derive_workspace_id, open_envelope, seal_envelope,
};

const ACCOUNT: [u8; 16] = [4; 16];
const APP: [u8; 16] = [5; 16];
const CREDENTIAL: &[u8] = b"person@example.com";
const PASSWORD: &[u8] = b"correct horse battery staple";
const PLACE: EnvelopePlace = EnvelopePlace { workspace: [1; 16], record: [2; 16], part: 1 };
const CONTEXT: WrapContext = WrapContext { workspace: [1; 16], epoch: 1, account: ACCOUNT };
const BODY: &[u8] = br#"{"fields":{"request":{"header":{"$list":{"59a1f0c2d3b4e687":["V00x7Q",{"key":"Accept","value":"application/json"}]}},"url":{"host":["api","example","com"],"path":["users"],"protocol":"https"}}},"v":1}"#;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn golden(sections: &[(&str, &[u8])]) -> String {
    let mut text = String::new();
    for (name, bytes) in sections {
        writeln!(text, "# {name}").expect("a String takes every text");
        for line in bytes.chunks(40) {
            for byte in line {
                write!(text, "{byte:02x}").expect("a String takes every text");
            }
            text.push('\n');
        }
    }
    text
}

fn read(file: &str) -> BTreeMap<&str, Vec<u8>> {
    let section = |text| {
        let (name, digits): (&str, &str) = str::split_once(text, '\n').expect("a name and digits");
        let digits: Vec<_> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
        let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits");
        (name, digits.chunks_exact(2).map(byte).collect())
    };
    file.split("# ").skip(1).map(section).collect()
}

#[test]
fn wraps_and_boxes_keep_their_bytes() {
    let (key, code) = (AccountKey::make(&mut rng(1)), RecoveryCode::make(&mut rng(2)));
    let keys = IdentityKeys::make(&mut rng(3));
    let public = keys.public();
    let epoch_key = EpochKey::make(&mut rng(4));
    let local = LocalKey::make(&mut rng(5));
    let recovery = code.recovery_key();
    let text = golden(&[
        ("account key", key.expose_secret()),
        ("recovery code, as text", code.expose_secret().as_bytes()),
        ("account key wrapped by the recovery code", &key.wrap_by_recovery(&code, &ACCOUNT, &mut rng(6))),
        ("recovery key", &recovery.public()),
        ("proof of the recovery code", &recovery.sign_challenge(&[7; 32])),
        ("identity keys", &keys.expose_secret()),
        ("identity signing key, public", &public.signing),
        ("identity encryption key, public", &public.sealing),
        ("identity keys sealed", &key.seal_identity(&keys, &ACCOUNT, &mut rng(7))),
        ("epoch key's commitment", &epoch_key.commitment()),
        ("epoch key wrapped", &epoch_key.wrap(&public.sealing, &CONTEXT, &mut rng(8))),
        ("local key", local.expose_secret()),
        ("local box", &local.seal(b"place", b"plain", &mut rng(9))),
    ]);
    expect_file!["../../../fixtures/crypto/wraps.hex"].assert_eq(&text);
}

#[test]
fn signatures_and_hashes_keep_their_bytes() {
    let (keys, app_key) = (IdentityKeys::make(&mut rng(3)), AppKey::make(&mut rng(10)));
    let mut digest = StateDigest::default();
    digest.add(&[1; 16], 0, &[2; 32]);
    let one = digest.to_bytes();
    digest.add(&[3; 16], 1, &[4; 32]);
    let text = golden(&[
        ("app key", app_key.expose_secret().as_slice()),
        ("app key, public", &app_key.public()),
        ("certificate", &AppCertificate::issue(&keys, ACCOUNT, APP, app_key.public())),
        ("signature of a commit", &app_key.sign_commit(b"header")),
        ("signature of an opening", &app_key.sign_open(&[7; 32], &[8; 16])),
        ("revision", &derive_revision(&PLACE, b"envelope")),
        ("chain", &derive_chain(&[9; 32], b"header")),
        ("workspace id", &derive_workspace_id(b"founding")),
        ("token hash", &derive_token_hash(&[10; 32])),
        ("digest of one record", &one),
        ("digest of two records", &digest.to_bytes()),
    ]);
    expect_file!["../../../fixtures/crypto/signatures.hex"].assert_eq(&text);
}

#[test]
fn envelopes_keep_their_bytes() {
    let seal = |parent, payload: &[u8]| {
        seal_envelope(&EpochKey::make(&mut rng(4)), 1, &PLACE, parent, payload, &mut rng(11))
            .expect("it is not too large")
    };
    // Too short to be compressed, so that a newer zstd does not change these.
    let text = golden(&[
        ("empty, without a parent", &seal(None, b"")),
        ("payload, with a parent", &seal(Some([6; 32]), b"payload")),
    ]);
    expect_file!["../../../fixtures/crypto/envelopes.hex"].assert_eq(&text);
}

#[test]
fn an_old_compressed_envelope_opens() {
    // Not compared to a new seal: a newer zstd may choose other bytes, and both must open.
    let file = read(include_str!("../../../fixtures/crypto/compressed.hex"));
    let epoch_key = EpochKey::make(&mut rng(4));
    let opened = open_envelope(&epoch_key, &PLACE, &file["body"]).expect("it opens");
    assert_eq!(opened.payload.as_slice(), BODY);
}

#[test]
fn opaque_keeps_its_bytes() {
    let setup = ServerSetup::make(&mut rng(12));
    let (client, request) = ClientRegistration::start(PASSWORD, &mut rng(13)).expect("it starts");
    let response = setup.register(&request, CREDENTIAL).expect("the server answers");
    let (upload, _) = client.finish(PASSWORD, &response, &mut rng(14)).expect("it finishes");
    let file = PasswordFile::from_upload(&upload).expect("the server accepts it");
    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng(15)).expect("it starts");
    let (server, ke2) = setup.login(Some(&file), &ke1, CREDENTIAL, &mut rng(16)).expect("it answers");
    let state = server.to_bytes();
    let (ke3, export_key) = client.finish(PASSWORD, &ke2, &mut rng(17)).expect("it finishes");
    let wrap = AccountKey::make(&mut rng(1)).wrap_by_password(&export_key, &ACCOUNT, &mut rng(18));
    let text = golden(&[
        ("server setup", &setup.to_bytes()),
        ("registration request", &request),
        ("registration response", &response),
        ("registration upload", &upload),
        ("password file", &file.to_bytes()),
        ("KE1", &ke1),
        ("KE2", &ke2),
        ("KE3", &ke3),
        ("server's state", &state),
        ("account key wrapped by the password", &wrap),
    ]);
    expect_file!["../../../fixtures/crypto/opaque.hex"].assert_eq(&text);
}

#[test]
fn an_old_account_signs_in() {
    let stored = read(include_str!("../../../fixtures/crypto/opaque.hex"));
    let setup = ServerSetup::from_bytes(&stored["server setup"]).expect("it is read");
    let file = PasswordFile::from_bytes(&stored["password file"]).expect("it is read");
    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng(19)).expect("it starts");
    let (server, ke2) = setup.login(Some(&file), &ke1, CREDENTIAL, &mut rng(20)).expect("it answers");
    let (ke3, export_key) = client.finish(PASSWORD, &ke2, &mut rng(21)).expect("the password is right");
    server.finish(&ke3).expect("the proof is right");
    let wrap = &stored["account key wrapped by the password"];
    let key = AccountKey::unwrap_by_password(&export_key, &ACCOUNT, wrap).expect("it opens");
    assert_eq!(key.expose_secret(), AccountKey::make(&mut rng(1)).expose_secret());
}
