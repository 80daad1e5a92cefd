//! Invitations, names, the chain of epoch keys, presences and fingerprints.

use std::fmt::Write;

use expect_test::{expect, expect_file};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_crypto::{
    CryptoError, EpochKey, IdentityKeys, InviteLink, InvitePlace, InviteSecret, NameKey, PresencePlace,
    derive_fingerprint, open_presence, presence_epoch, seal_presence, verify_identity_claim,
    verify_invite_claim,
};

const WORKSPACE: [u8; 16] = [1; 16];
const ACCOUNT: [u8; 16] = [4; 16];
const PRESENCE: PresencePlace = PresencePlace { workspace: WORKSPACE, account: ACCOUNT, app: [5; 16] };

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn place(secret: &InviteSecret) -> InvitePlace {
    InvitePlace { workspace: WORKSPACE, invite: secret.derive_id() }
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

fn link(server: &str) -> InviteLink {
    InviteLink { server: server.to_owned(), workspace: WORKSPACE, secret: InviteSecret::make(&mut rng(1)) }
}

#[test]
fn a_link_is_read_as_it_was_written() {
    let text = link("https://satchel.example").expose_secret();
    expect!["https://satchel.example/join#1.01010101010101010101010101010101.K8VM8M25C1HSXHKGPYGQTJ9B4W"]
        .assert_eq(&text);
    let check = |typed: &str, server: &str| {
        let read = InviteLink::parse(typed).expect(typed);
        assert_eq!((read.server.as_str(), read.workspace), (server, WORKSPACE));
        assert_eq!(read.secret.derive_id(), link(server).secret.derive_id());
    };
    check(&text, "https://satchel.example");
    check(&format!("  {}\n", *text), "https://satchel.example");
    check(&text.replace("K8VM", "k8vm"), "https://satchel.example");
    for server in ["http://127.0.0.1:8080", "http://[::1]:8080", "https://a.example/satchel"] {
        check(&link(server).expose_secret(), server);
    }
}

#[test]
fn what_is_no_link_is_refused() {
    let text = link("https://satchel.example").expose_secret().to_string();
    let check = |typed: &str| {
        let error = InviteLink::parse(typed).expect_err(typed);
        assert_eq!(error, CryptoError::Malformed { what: "the link of an invitation" });
    };
    check("");
    check(&text[1..]);
    check(&text[..text.len() - 1]);
    check(&format!("{text}0"));
    check(&format!("{text}.x"));
    check(&text.replace("#1.", "#0."));
    check(&text.replace("#1.", "#x."));
    check(&text.replace('#', "?"));
    check(&text.replace("/join", ""));
    check(&text.replace("https://satchel.example", "https://"));
    check(&text.replace("https://", "ftp://"));
    check(&text.replace("satchel.example", "a@satchel.example"));
    check(&text.replace("satchel.example", "satchel.example?x"));
    // The last symbol stands for three bits: any more is another text for the same secret.
    check(&format!("{}N", &text[..text.len() - 1]));
    check(&"h".repeat(1_000));
    let later = text.replace("#1.", "#2.");
    let error = InviteLink::parse(&later).expect_err("a later version");
    assert_eq!(error, CryptoError::Version { what: "the link of an invitation", found: 2 });
}

#[test]
fn a_claim_is_by_who_has_the_link_and_the_identity() {
    let (secret, identity) = (InviteSecret::make(&mut rng(1)), IdentityKeys::make(&mut rng(2)));
    let key = secret.derive_key();
    let by_invite = key.sign_claim(b"claim");
    let by_identity = identity.sign_claim(b"claim");
    let signing = identity.public().signing;
    assert_eq!(verify_invite_claim(&key.public(), b"claim", &by_invite), Ok(()));
    assert_eq!(verify_identity_claim(&signing, b"claim", &by_identity), Ok(()));
    assert!(verify_invite_claim(&key.public(), b"other", &by_invite).is_err());
    assert!(verify_identity_claim(&signing, b"other", &by_identity).is_err());
    assert!(verify_identity_claim(&key.public(), b"claim", &by_invite).is_err());
    let other = InviteSecret::make(&mut rng(3)).derive_key();
    assert!(verify_invite_claim(&other.public(), b"claim", &by_invite).is_err());
}

#[test]
fn who_joins_is_named_to_members_and_to_nobody_else() {
    let (secret, epoch) = (InviteSecret::make(&mut rng(1)), EpochKey::make(&mut rng(2)));
    let place = place(&secret);
    let sealed_key = secret.derive_name_key().seal(&epoch, &place, &mut rng(3));
    let sealed_name = secret.derive_name_key().seal_name(&place, "Ada", &mut rng(4));
    let key = NameKey::open(&epoch, &place, &sealed_key).expect("a member's app opens it");
    assert_eq!(key.open_name(&place, &sealed_name).expect("it opens"), "Ada");
    check_every_byte(&sealed_key, |sealed| NameKey::open(&epoch, &place, sealed));
    check_every_byte(&sealed_name, |sealed| key.open_name(&place, sealed));
    let other = EpochKey::make(&mut rng(5));
    assert!(NameKey::open(&other, &place, &sealed_key).is_err());
    let elsewhere = InvitePlace { workspace: [9; 16], ..place };
    assert!(NameKey::open(&epoch, &elsewhere, &sealed_key).is_err());
    assert!(key.open_name(&elsewhere, &sealed_name).is_err());
}

#[test]
fn names_of_usual_lengths_look_alike() {
    let key = EpochKey::make(&mut rng(1));
    let seal = |name: &str| key.seal_name(&WORKSPACE, &ACCOUNT, name, &mut rng(2));
    let sealed = seal("Ada");
    assert_eq!(key.open_name(&WORKSPACE, &ACCOUNT, &sealed).expect("it opens"), "Ada");
    check_every_byte(&sealed, |sealed| key.open_name(&WORKSPACE, &ACCOUNT, sealed));
    assert!(key.open_name(&WORKSPACE, &[9; 16], &sealed).is_err());
    assert_eq!(seal("").len(), seal("Augusta Ada King, Lovelace").len());
    assert!(seal(&"é".repeat(50)).len() <= 256);
}

#[test]
fn each_key_opens_the_one_before() {
    let (first, second) = (EpochKey::make(&mut rng(1)), EpochKey::make(&mut rng(2)));
    let sealed = second.seal_previous(&first, &WORKSPACE, 2, &mut rng(3));
    let opened = second.open_previous(&WORKSPACE, 2, &sealed).expect("it opens");
    assert_eq!(opened.commitment(), first.commitment());
    check_every_byte(&sealed, |sealed| second.open_previous(&WORKSPACE, 2, sealed));
    assert!(second.open_previous(&WORKSPACE, 3, &sealed).is_err());
    assert!(second.open_previous(&[9; 16], 2, &sealed).is_err());
    assert!(first.open_previous(&WORKSPACE, 2, &sealed).is_err());
    assert!(sealed.len() <= 128);
}

#[test]
fn a_presence_opens_only_as_the_one_it_is_of() {
    let key = EpochKey::make(&mut rng(1));
    let seal = |plain: &[u8]| seal_presence(&key, 7, &PRESENCE, plain, &mut rng(2));
    let sealed = seal(b"here").expect("it is short");
    assert_eq!(presence_epoch(&sealed), Ok(7));
    assert_eq!(open_presence(&key, &PRESENCE, &sealed).expect("it opens").as_slice(), b"here");
    check_every_byte(&sealed, |sealed| open_presence(&key, &PRESENCE, sealed));
    for other in [
        PresencePlace { workspace: [9; 16], ..PRESENCE },
        PresencePlace { account: [9; 16], ..PRESENCE },
        PresencePlace { app: [9; 16], ..PRESENCE },
    ] {
        assert!(open_presence(&key, &other, &sealed).is_err());
    }
    assert_eq!(seal(b"").expect("it is short").len(), seal(&[0x80; 63]).expect("it is short").len());
    assert_eq!(open_presence(&key, &PRESENCE, &seal(&[0; 63]).expect("short")).expect("it opens").len(), 63);
    assert!(seal(&[0; 64]).is_err());
    assert!(sealed.len() <= 128);
}

#[test]
fn a_fingerprint_is_six_words() {
    let words = derive_fingerprint(&ACCOUNT, &[13; 32], &[14; 32]).join(" ");
    expect!["require rare fluid myself uncle miracle"].assert_eq(&words);
}

/// Sections of hexadecimal digits, as in every fixture.
fn golden(sections: &[(&str, &[u8])]) -> String {
    let mut text = String::new();
    for (name, bytes) in sections {
        writeln!(text, "# {name}").expect("writing to a text does not fail");
        for line in bytes.chunks(40) {
            line.iter().try_for_each(|byte| write!(text, "{byte:02x}")).expect("writing does not fail");
            text.push('\n');
        }
    }
    text
}

#[test]
fn what_people_need_keeps_its_bytes() {
    let (secret, epoch) = (InviteSecret::make(&mut rng(1)), EpochKey::make(&mut rng(2)));
    let place = place(&secret);
    let name_key = secret.derive_name_key();
    let older = EpochKey::make(&mut rng(3));
    let presence = seal_presence(&epoch, 2, &PRESENCE, b"here", &mut rng(4)).expect("it is short");
    let text = golden(&[
        ("id of an invitation", &secret.derive_id()),
        ("key of an invitation", &secret.derive_key().public()),
        ("claim signed by an invitation", &secret.derive_key().sign_claim(b"claim")),
        ("claim signed by an identity", &IdentityKeys::make(&mut rng(5)).sign_claim(b"claim")),
        ("key of names", &name_key.seal(&epoch, &place, &mut rng(6))),
        ("name of who joins", &name_key.seal_name(&place, "Ada", &mut rng(7))),
        ("name of a member", &epoch.seal_name(&WORKSPACE, &ACCOUNT, "Ada", &mut rng(8))),
        ("key of the epoch before", &epoch.seal_previous(&older, &WORKSPACE, 2, &mut rng(9))),
        ("presence", &presence),
    ]);
    expect_file!["../../../fixtures/crypto/people.hex"].assert_eq(&text);
}
