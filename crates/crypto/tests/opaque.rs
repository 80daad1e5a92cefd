//! Sign-up and sign-in over both ends, and against ends that lie.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_crypto::{
    AccountKey, ClientLogin, ClientRegistration, ExportKey, OpaqueError, PasswordFile, ServerLogin,
    ServerSetup,
};

const CREDENTIAL: &[u8] = b"person@example.com";
const PASSWORD: &[u8] = b"correct horse battery staple";

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn sign_up(setup: &ServerSetup, password: &[u8]) -> (PasswordFile, ExportKey) {
    let (client, request) = ClientRegistration::start(password, &mut rng(1)).expect("it starts");
    let response = setup.register(&request, CREDENTIAL).expect("the server answers");
    let (upload, export_key) = client.finish(password, &response, &mut rng(2)).expect("it finishes");
    (PasswordFile::from_upload(&upload).expect("the server accepts it"), export_key)
}

fn sign_in(
    setup: &ServerSetup,
    file: Option<&PasswordFile>,
    password: &[u8],
) -> Result<ExportKey, OpaqueError> {
    let (client, ke1) = ClientLogin::start(password, &mut rng(3))?;
    let (server, ke2) = setup.login(file, &ke1, CREDENTIAL, &mut rng(4))?;
    let (ke3, export_key) = client.finish(password, &ke2, &mut rng(5))?;
    let server = ServerLogin::from_bytes(&server.to_bytes())?;
    server.finish(&ke3)?;
    Ok(export_key)
}

#[test]
fn the_password_signs_in_and_gives_the_same_export_key() {
    let setup = ServerSetup::make(&mut rng(0));
    let (file, export_key) = sign_up(&setup, PASSWORD);
    let (account, key) = ([4; 16], AccountKey::make(&mut rng(6)));
    let wrap = key.wrap_by_password(&export_key, &account, &mut rng(7));
    // A restart of the server between the two.
    let setup = ServerSetup::from_bytes(&setup.to_bytes()).expect("its own bytes");
    let file = PasswordFile::from_bytes(&file.to_bytes()).expect("its own bytes");
    let export_key = sign_in(&setup, Some(&file), PASSWORD).expect("the right password");
    let unwrapped = AccountKey::unwrap_by_password(&export_key, &account, &wrap).expect("the right key");
    assert_eq!(unwrapped.expose_secret(), key.expose_secret());
    assert!(AccountKey::unwrap_by_password(&export_key, &[9; 16], &wrap).is_err());
}

#[test]
fn a_wrong_password_and_an_unknown_account_look_the_same() {
    let setup = ServerSetup::make(&mut rng(0));
    let (file, _) = sign_up(&setup, PASSWORD);
    assert_eq!(sign_in(&setup, Some(&file), b"another").err(), Some(OpaqueError::WrongPassword));
    assert_eq!(sign_in(&setup, None, PASSWORD).err(), Some(OpaqueError::WrongPassword));
    let (_, ke1) = ClientLogin::start(PASSWORD, &mut rng(3)).expect("it starts");
    let (_, known) = setup.login(Some(&file), &ke1, CREDENTIAL, &mut rng(4)).expect("it answers");
    let (_, unknown) = setup.login(None, &ke1, CREDENTIAL, &mut rng(4)).expect("it answers");
    assert_eq!(known.len(), unknown.len());
    // The password's part of the answer depends on the credential only: it is the same asked twice.
    let (_, again) = setup.login(None, &ke1, CREDENTIAL, &mut rng(5)).expect("it answers");
    assert_eq!(unknown[..32], again[..32]);
    assert_eq!(known[..32], again[..32]);
}

#[test]
fn a_changed_answer_or_proof_is_refused() {
    let setup = ServerSetup::make(&mut rng(0));
    let (file, _) = sign_up(&setup, PASSWORD);
    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng(3)).expect("it starts");
    let (server, mut ke2) = setup.login(Some(&file), &ke1, CREDENTIAL, &mut rng(4)).expect("it answers");
    let state = server.to_bytes();
    *ke2.last_mut().expect("it is not empty") ^= 1;
    assert!(client.finish(PASSWORD, &ke2, &mut rng(5)).is_err());
    let check = |ke3: &[u8]| {
        assert!(ServerLogin::from_bytes(&state).expect("its own bytes").finish(ke3).is_err());
    };
    check(&[]);
    check(&[0; 64]);
    check(&[0; 65]);
}

#[test]
fn another_server_cannot_answer_for_this_one() {
    let (setup, other) = (ServerSetup::make(&mut rng(0)), ServerSetup::make(&mut rng(9)));
    let (file, _) = sign_up(&setup, PASSWORD);
    assert_eq!(sign_in(&other, Some(&file), PASSWORD).err(), Some(OpaqueError::WrongPassword));
}

#[test]
fn messages_with_bytes_added_or_missing_are_refused() {
    let setup = ServerSetup::make(&mut rng(0));
    let (_, request) = ClientRegistration::start(PASSWORD, &mut rng(1)).expect("it starts");
    let (_, ke1) = ClientLogin::start(PASSWORD, &mut rng(1)).expect("it starts");
    let (file, _) = sign_up(&setup, PASSWORD);
    let (server, _) = setup.login(Some(&file), &ke1, CREDENTIAL, &mut rng(4)).expect("it answers");
    let odd = |bytes: &[u8]| [bytes[1..].to_vec(), [bytes, &[0]].concat(), Vec::new()];
    for bytes in odd(&request) {
        assert!(setup.register(&bytes, CREDENTIAL).is_err());
    }
    for bytes in odd(&ke1) {
        assert!(setup.login(Some(&file), &bytes, CREDENTIAL, &mut rng(4)).is_err());
    }
    for bytes in odd(&file.to_bytes()) {
        assert!(PasswordFile::from_bytes(&bytes).is_err());
        assert!(PasswordFile::from_upload(&bytes).is_err());
    }
    for bytes in odd(&setup.to_bytes()) {
        assert!(ServerSetup::from_bytes(&bytes).is_err());
    }
    for bytes in odd(&server.to_bytes()) {
        assert!(ServerLogin::from_bytes(&bytes).is_err());
    }
}

#[test]
fn debug_shows_no_secret() {
    let setup = ServerSetup::make(&mut rng(0));
    let (file, export_key) = sign_up(&setup, PASSWORD);
    assert_eq!(format!("{setup:?}"), "ServerSetup { .. }");
    assert_eq!(format!("{file:?}"), "PasswordFile { .. }");
    assert_eq!(format!("{export_key:?}"), "ExportKey { .. }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let setup = ServerSetup::make(&mut rng(0));
        let _ = setup.register(&bytes, CREDENTIAL);
        let _ = setup.login(None, &bytes, CREDENTIAL, &mut rng(1));
        let _ = PasswordFile::from_upload(&bytes);
        let _ = PasswordFile::from_bytes(&bytes);
        let _ = ServerSetup::from_bytes(&bytes);
        let _ = ServerLogin::from_bytes(&bytes);
        let (client, _) = ClientRegistration::start(PASSWORD, &mut rng(1)).expect("it starts");
        let _ = client.finish(PASSWORD, &bytes, &mut rng(2));
        let (client, _) = ClientLogin::start(PASSWORD, &mut rng(1)).expect("it starts");
        let _ = client.finish(PASSWORD, &bytes, &mut rng(2));
    }
}
