//! Accounts and their apps: keys from numbers, and what the server is told of them.
//!
//! Every world has the same people with the same apps, so each key is made once in a process: making
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

/// More accounts than any world has.
const ACCOUNTS_MAX: usize = 5;
/// More apps than any world has.
const APPS_MAX: usize = 16;

/// An app of an account. The numbers of apps are those of the whole world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) account: usize,
    pub(crate) app: usize,
}

/// What an account has in every world.
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

fn person(account: usize) -> &'static Person {
    static PEOPLE: [OnceLock<Person>; ACCOUNTS_MAX] = [const { OnceLock::new() }; ACCOUNTS_MAX];
    PEOPLE[account].get_or_init(|| {
        let keys = IdentityKeys::make(&mut SimRng::new(7 + account as u64, 7));
        let public = keys.public();
        Person { keys, public, apps: [const { OnceLock::new() }; APPS_MAX] }
    })
}

fn device(seat: Seat) -> &'static Device {
    let person = person(seat.account);
    person.apps[seat.app].get_or_init(|| {
        let key = AppKey::make(&mut SimRng::new(100 + seat.app as u64, 8));
        let (account, app) = (account_id(seat.account), app_id(seat.app));
        let certificate =
            AppCertificate::issue(&person.keys, *account.as_bytes(), *app.as_bytes(), key.public());
        Device { key, certificate }
    })
}

/// The account of that number.
pub(crate) fn account_id(account: usize) -> AccountId {
    let number = u8::try_from(account).expect("a world has few accounts");
    AccountId::new([9 + number; 16])
}

/// The keys of an account, with which it claims an invitation.
pub(crate) fn keys(account: usize) -> &'static IdentityKeys {
    &person(account).keys
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
pub(crate) fn identity(seat: Seat) -> Identity {
    let Device { key, certificate } = device(seat);
    let (account, app) = (account_id(seat.account), app_id(seat.app));
    let (keys, app_key) = (keys(seat.account).clone(), key.clone());
    Identity { account, app, app_key, keys, certificate: certificate.clone() }
}

/// An account, as its first app signs up.
pub(crate) fn new_account(seat: Seat) -> NewAccount {
    let public = person(seat.account).public;
    let bundle = AccountBundle {
        account: account_id(seat.account),
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_identity: vec![1; 100].into(),
        wrapped_by_password: vec![2; 72].into(),
        wrapped_by_recovery: vec![3; 72].into(),
        recovery_key: Bytes32::new([4; 32]),
    };
    let (email, password_file) = (format!("person{}@example.org", seat.account), vec![5; 192]);
    NewAccount { email, bundle, password_file, app: new_app(seat), invite: None }
}

/// An app that signs in.
pub(crate) fn new_app(seat: Seat) -> NewApp {
    NewApp {
        app: app_id(seat.app),
        name: format!("app {}", seat.app),
        kind: AppKind::Desktop,
        key: Bytes32::new(device(seat).key.public()),
        token_hash: derive_token_hash(&token(seat.app)),
        now_ms: 0,
    }
}

/// The first frame of an app's connection.
pub(crate) fn open_frame(
    seat: Seat,
    nonce: Nonce,
    incarnation: Incarnation,
    take_over: Option<AppId>,
    waiting: u32,
) -> ClientFrame {
    let proof = device(seat).key.sign_open(nonce.as_bytes(), incarnation.as_bytes());
    ClientFrame::Open {
        protocol: PROTOCOL_VERSION,
        token: Token::new(token(seat.app)),
        proof: Signature::new(proof),
        sync: true,
        take_over,
        waiting,
    }
}
