//! One account and its apps: keys from numbers, and what the server is told of them.

use satchel_crypto::{AppCertificate, AppKey, IdentityKeys, derive_token_hash};
use satchel_server::store::{NewAccount, NewApp};
use satchel_sync::Identity;
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppKind, Bytes32, ClientFrame, Incarnation, Nonce, PROTOCOL_VERSION,
    Signature, Token,
};

use crate::rng::SimRng;

const ACCOUNT: [u8; 16] = [9; 16];

/// The account of every app here.
pub(crate) const fn account() -> AccountId {
    AccountId::new(ACCOUNT)
}

/// The app of that number.
pub(crate) fn app_id(app: usize) -> AppId {
    let number = u8::try_from(app).expect("a world has few apps");
    AppId::new([number + 1; 16])
}

fn keys() -> IdentityKeys {
    IdentityKeys::make(&mut SimRng::new(7, 7))
}

fn app_key(app: usize) -> AppKey {
    AppKey::make(&mut SimRng::new(100 + app as u64, 8))
}

fn token(app: usize) -> [u8; 32] {
    let mut token = [0; 32];
    token[0] = u8::try_from(app).expect("a world has few apps") + 1;
    token
}

/// Who that app is.
pub(crate) fn identity(app: usize) -> Identity {
    let (keys, app_key) = (keys(), app_key(app));
    let certificate = AppCertificate::issue(&keys, ACCOUNT, *app_id(app).as_bytes(), app_key.public());
    Identity { account: account(), app: app_id(app), app_key, keys, certificate }
}

/// The account, as the first app signs up.
pub(crate) fn new_account() -> NewAccount {
    let public = keys().public();
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
        key: Bytes32::new(app_key(app).public()),
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
    let proof = app_key(app).sign_open(nonce.as_bytes(), incarnation.as_bytes());
    ClientFrame::Open {
        protocol: PROTOCOL_VERSION,
        token: Token::new(token(app)),
        proof: Signature::new(proof),
        sync: true,
        take_over,
        waiting,
    }
}
