//! Sealed and signed bytes: only what was made opens, and nothing panics.
//!
//! What is inside of an envelope, behind its tag, is only reached by what a key holder made; those
//! decoders (payload, pack content) have targets of their own.

use std::sync::OnceLock;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use satchel_crypto::{
    AccountKey, AppCertificate, AppKey, ClientLogin, ClientRegistration, EnvelopePlace, EpochKey,
    IdentityKeys, InviteLink, InvitePlace, InviteSecret, LocalKey, NameKey, PackPlace, PasswordFile,
    PresencePlace, RecoveryCode, ServerLogin, ServerSetup, WrapContext, open_envelope, open_pack,
    open_presence, seal_envelope, seal_pack, seal_presence,
};

const PLACE: EnvelopePlace = EnvelopePlace { workspace: [1; 16], record: [2; 16], part: 0 };
const PACK_PLACE: PackPlace = PackPlace { workspace: [1; 16], part: 0 };
const INVITE: InvitePlace = InvitePlace { workspace: [1; 16], invite: [7; 16] };
const PRESENCE: PresencePlace = PresencePlace { workspace: [1; 16], account: [4; 16], app: [5; 16] };
const CONTEXT: WrapContext = WrapContext { workspace: [1; 16], epoch: 1, account: [4; 16] };
const PAYLOAD: &[u8] = b"{\"v\":1,\"fields\":{\"url\":\"http://a.test/a/a/a/a/a/a/a/a/a/a/a/a/a/a\"}}";

/// Keys that are the same in every run.
struct Keys {
    epoch: EpochKey,
    identity: IdentityKeys,
    account: AccountKey,
    local: LocalKey,
    setup: ServerSetup,
    code: RecoveryCode,
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut rng = rng();
        Keys {
            epoch: EpochKey::make(&mut rng),
            identity: IdentityKeys::make(&mut rng),
            account: AccountKey::make(&mut rng),
            local: LocalKey::make(&mut rng),
            setup: ServerSetup::make(&mut rng),
            code: RecoveryCode::make(&mut rng),
        }
    })
}

/// Bytes that open must be those that were made.
fn only_made(bytes: &[u8], made: fn() -> Vec<Vec<u8>>) {
    assert!(made().iter().any(|seed| seed == bytes), "bytes open that nobody sealed");
}

pub(super) fn envelope(bytes: &[u8]) {
    if open_envelope(&keys().epoch, &PLACE, bytes).is_ok() {
        only_made(bytes, envelope_seeds);
    }
    let mut rng = rng();
    let Ok(sealed) = seal_envelope(&keys().epoch, 1, &PLACE, None, bytes, &mut rng) else { return };
    let opened = open_envelope(&keys().epoch, &PLACE, &sealed).expect("what was sealed opens");
    assert_eq!(opened.payload.as_slice(), bytes);
}

pub(super) fn envelope_seeds() -> Vec<Vec<u8>> {
    let seal = |payload: &[u8], parent| seal_envelope(&keys().epoch, 1, &PLACE, parent, payload, &mut rng());
    [seal(b"", None), seal(PAYLOAD, Some([6; 32]))].into_iter().filter_map(Result::ok).collect()
}

pub(super) fn pack(bytes: &[u8]) {
    if let Ok(opened) = open_pack(&keys().epoch, &PACK_PLACE, bytes) {
        assert_eq!(opened.expand().ok().map(|rest| rest.len()), opened.rest_bytes());
        only_made(bytes, pack_seeds);
    }
    let (names, rest) = bytes.split_at(bytes.len() / 3);
    let Ok(sealed) = seal_pack(&keys().epoch, 1, &PACK_PLACE, names, rest, true, &mut rng()) else { return };
    let opened = open_pack(&keys().epoch, &PACK_PLACE, &sealed).expect("what was sealed opens");
    assert_eq!(opened.names(), names);
    assert_eq!(opened.expand().expect("what was sealed expands").as_slice(), rest);
}

pub(super) fn pack_seeds() -> Vec<Vec<u8>> {
    let seal =
        |compressed| seal_pack(&keys().epoch, 1, &PACK_PLACE, b"names", PAYLOAD, compressed, &mut rng());
    [seal(true), seal(false)].into_iter().filter_map(Result::ok).collect()
}

pub(super) fn certificate(bytes: &[u8]) {
    if AppCertificate::verify(bytes, &keys().identity.public().signing).is_ok() {
        only_made(bytes, certificate_seeds);
    }
}

pub(super) fn certificate_seeds() -> Vec<Vec<u8>> {
    let app = AppKey::make(&mut rng());
    vec![AppCertificate::issue(&keys().identity, [4; 16], [5; 16], app.public())]
}

pub(super) fn wraps(bytes: &[u8]) {
    let keys = keys();
    let opened = [
        EpochKey::unwrap(&keys.identity, &CONTEXT, bytes).is_ok(),
        keys.account.open_identity(&CONTEXT.account, bytes).is_ok(),
        AccountKey::unwrap_by_recovery(&keys.code, &CONTEXT.account, bytes).is_ok(),
    ];
    if opened.contains(&true) {
        only_made(bytes, wrap_seeds);
    }
    // Identity keys come from behind a tag, but a damaged one must be an error, too.
    drop(IdentityKeys::from_secret(bytes));
}

pub(super) fn wrap_seeds() -> Vec<Vec<u8>> {
    let keys = keys();
    let sealing = keys.identity.public().sealing;
    vec![
        keys.epoch.wrap(&sealing, &CONTEXT, &mut rng()),
        keys.account.seal_identity(&keys.identity, &CONTEXT.account, &mut rng()),
        keys.account.wrap_by_recovery(&keys.code, &CONTEXT.account, &mut rng()),
        keys.identity.expose_secret().to_vec(),
    ]
}

pub(super) fn local(bytes: &[u8]) {
    if keys().local.open(b"place", bytes).is_ok() {
        only_made(bytes, local_seeds);
    }
    let sealed = keys().local.seal(b"place", bytes, &mut rng());
    assert_eq!(keys().local.open(b"place", &sealed).expect("what was sealed opens").as_slice(), bytes);
    assert!(keys().local.open(b"elsewhere", &sealed).is_err());
}

pub(super) fn local_seeds() -> Vec<Vec<u8>> {
    vec![keys().local.seal(b"place", PAYLOAD, &mut rng())]
}

pub(super) fn recovery_code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(code) = RecoveryCode::parse(text) else { return };
    let shown = code.expose_secret();
    let again = RecoveryCode::parse(&shown).expect("a code that is shown is read");
    assert_eq!(*again.expose_secret(), *shown);
}

pub(super) fn recovery_seeds() -> Vec<Vec<u8>> {
    let code = keys().code.expose_secret();
    vec![code.as_bytes().to_vec(), code.to_lowercase().into_bytes(), code.replace('-', " ").into_bytes()]
}

pub(super) fn invite_link(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(link) = InviteLink::parse(text) else { return };
    let shown = link.expose_secret();
    let again = InviteLink::parse(&shown).expect("a link that is shown is read");
    assert_eq!(*again.expose_secret(), *shown);
    assert_eq!((again.server, again.workspace), (link.server, link.workspace));
}

pub(super) fn link_seeds() -> Vec<Vec<u8>> {
    let link = |server: &str| {
        let secret = InviteSecret::make(&mut rng());
        let link = InviteLink { server: server.to_owned(), workspace: [1; 16], secret };
        link.expose_secret().as_bytes().to_vec()
    };
    vec![link("https://satchel.example"), link("http://[::1]:8080")]
}

/// Names, the key of an invitation's names, the key of the epoch before, and presences.
pub(super) fn people(bytes: &[u8]) {
    let epoch = &keys().epoch;
    let name_key = InviteSecret::make(&mut rng()).derive_name_key();
    let opened = [
        epoch.open_name(&[1; 16], &[4; 16], bytes).is_ok(),
        epoch.open_previous(&[1; 16], 2, bytes).is_ok(),
        NameKey::open(epoch, &INVITE, bytes).is_ok(),
        name_key.open_name(&INVITE, bytes).is_ok(),
        open_presence(epoch, &PRESENCE, bytes).is_ok(),
    ];
    if opened.contains(&true) {
        only_made(bytes, people_seeds);
    }
    if let Ok(sealed) = seal_presence(epoch, 1, &PRESENCE, bytes, &mut rng()) {
        let opened = open_presence(epoch, &PRESENCE, &sealed).expect("what was sealed opens");
        assert_eq!(opened.as_slice(), bytes);
    }
}

pub(super) fn people_seeds() -> Vec<Vec<u8>> {
    let epoch = &keys().epoch;
    let name_key = InviteSecret::make(&mut rng()).derive_name_key();
    let mut seeds = vec![
        epoch.seal_name(&[1; 16], &[4; 16], "Ada", &mut rng()),
        epoch.seal_previous(&EpochKey::make(&mut rng()), &[1; 16], 2, &mut rng()),
        name_key.seal(epoch, &INVITE, &mut rng()),
        name_key.seal_name(&INVITE, "Ada", &mut rng()),
    ];
    seeds.extend(seal_presence(epoch, 1, &PRESENCE, b"here", &mut rng()));
    seeds
}

pub(super) fn opaque(bytes: &[u8]) {
    let mut rng = rng();
    let setup = &keys().setup;
    drop(setup.register(bytes, b"a@example.com"));
    drop(setup.login(None, bytes, b"a@example.com", &mut rng));
    drop(PasswordFile::from_upload(bytes));
    drop(PasswordFile::from_bytes(bytes));
    drop(ServerSetup::from_bytes(bytes));
    if let Ok(login) = ServerLogin::from_bytes(bytes) {
        let _ = login.finish(bytes);
    }
    client_side(bytes, &mut rng);
}

/// The first answer of a server: refused before the slow hash of the password, or not at all.
fn client_side(bytes: &[u8], rng: &mut ChaCha20Rng) {
    let (registration, _) = ClientRegistration::start(b"password", rng).expect("a password starts");
    drop(registration.finish(b"password", bytes, rng));
    let (login, _) = ClientLogin::start(b"password", rng).expect("a password starts");
    drop(login.finish(b"password", bytes, rng));
}
