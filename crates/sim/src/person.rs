//! One account and its apps: keys from numbers, and what the server is told of them.
//!
//! Every world has the same person with the same apps, so each key is made once in a process: making
//! them anew at each start of an app took a fifth of a history.

use std::sync::OnceLock;

use satchel_crypto::{AppCertificate, AppKey, IdentityKeys, IdentityPublic, derive_token_hash};
use satchel_server::store::{NewAccount, NewApp};
use satchel_sync::Identity;
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppKind, Bytes32, ClientFrame, Incarnation, Nonce, PROTOCOL_VERSION,
    Signature, Token,
};

use crate::rng::SimRng;

const ACCOUNT: [u8; 16] = [9; 16];
/// More apps than any world has.
const APPS_MAX: usize = 16;

/// What every world's account has.
struct Person {
    keys: IdentityKeys,
    public: IdentityPublic,
    apps: [OnceLock<Device>; APPS_MAX],
}

/// The key of one app, and what the account says of it.
struct Device {
    key: AppKey,
    certificate: Vec<u8>,
}

fn the_person() -> &'static Person {
    static PERSON: OnceLock<Person> = OnceLock::new();
    PERSON.get_or_init(|| {
        let keys = IdentityKeys::make(&mut SimRng::new(7, 7));
        let public = keys.public();
        Person { keys, public, apps: [const { OnceLock::new() }; APPS_MAX] }
    })
}

fn device(app: usize) -> &'static Device {
    let person = the_person();
    person.apps[app].get_or_init(|| {
        let key = AppKey::make(&mut SimRng::new(100 + app as u64, 8));
        let certificate = AppCertificate::issue(&person.keys, ACCOUNT, *app_id(app).as_bytes(), key.public());
        Device { key, certificate }
    })
}

/// The account of every app here.
pub(crate) const fn account() -> AccountId {
    AccountId::new(ACCOUNT)
}

/// The app of that number.
pub(crate) fn app_id(app: usize) -> AppId {
    let number = u8::try_from(app).expect("a world has few apps");
    AppId::new([number + 1; 16])
}

fn token(app: usize) -> [u8; 32] {
    let mut token = [0; 32];
    token[0] = u8::try_from(app).expect("a world has few apps") + 1;
    token
}

/// Who that app is.
pub(crate) fn identity(app: usize) -> Identity {
    let Device { key, certificate } = device(app);
    let (keys, app_key) = (the_person().keys.clone(), key.clone());
    Identity { account: account(), app: app_id(app), app_key, keys, certificate: certificate.clone() }
}

/// The account, as the first app signs up.
pub(crate) fn new_account() -> NewAccount {
    let public = the_person().public;
    let bundle = AccountBundle {
        account: account(),
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_identity: vec![1; 100].into(),
        wrapped_by_password: vec![2; 72].into(),
        wrapped_by_recovery: vec![3; 72].into(),
        recovery_key: Bytes32::new([4; 32]),
    };
    let (email, password_file) = ("person@example.org".to_owned(), vec![5; 192]);
    NewAccount { email, bundle, password_file, app: new_app(0), invite: None }
}

/// An app that signs in.
pub(crate) fn new_app(app: usize) -> NewApp {
    NewApp {
        app: app_id(app),
        name: format!("app {app}"),
        kind: AppKind::Desktop,
        key: Bytes32::new(device(app).key.public()),
        token_hash: derive_token_hash(&token(app)),
        now_ms: 0,
    }
}

/// The first frame of an app's connection.
pub(crate) fn open_frame(
    app: usize,
    nonce: Nonce,
    incarnation: Incarnation,
    take_over: Option<AppId>,
    waiting: u32,
) -> ClientFrame {
    let proof = device(app).key.sign_open(nonce.as_bytes(), incarnation.as_bytes());
    ClientFrame::Open {
        protocol: PROTOCOL_VERSION,
        token: Token::new(token(app)),
        proof: Signature::new(proof),
        sync: true,
        take_over,
        waiting,
    }
}
