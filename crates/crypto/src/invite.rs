//! An invitation: a secret in a link, and the keys that it gives.
//!
//! ```text
//! secret (16 random bytes, only ever in the link's fragment)
//!    ├── id         what the charter and the server call the invitation
//!    ├── InviteKey  Ed25519: shows that one has the link; its public key is in the charter
//!    └── NameKey    the joiner's name is sealed under it, so that the server does not read it
//! ```
//!
//! The link is `https://host/join#1.<workspace>.<secret>`: a version, 32 hexadecimal digits, and 26 symbols
//! of Crockford's base 32. A browser sends no fragment to a server. The key of names is also in the charter,
//! sealed under the workspace's key: an admin who did not make the invitation can read who asks to join, and
//! cannot use the invitation.

use std::fmt::Write as _;

use ed25519_dalek::SigningKey;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::epoch::{open_padded, seal_padded};
use crate::primitive::{BoxPlace, derive_key, redact, sign, verify};
use crate::recovery::{ALPHABET, symbol_value};
use crate::{CryptoError, EpochKey, IdentityKeys};

const SECRET_BYTES: usize = 16;
/// 26 symbols are 130 bits: the last two are zero.
const SECRET_SYMBOLS: usize = 26;
const LINK_BYTES_MAX: usize = 512;
const LINK_VERSION: &str = "1";
const LINK_PATH: &str = "/join";
const LINK: &str = "the link of an invitation";
const CLAIM: &str = "the claim of an invitation";
const ID_LABEL: &[u8] = b"satchel invite id 1";
const KEY_LABEL: &[u8] = b"satchel invite key 1";
const NAME_KEY_LABEL: &[u8] = b"satchel invite name 1";
const NAME_LABEL: &[u8] = b"satchel joiner name 1";
const INVITE_CLAIM_LABEL: &[u8] = b"satchel join by invite 1";
const IDENTITY_CLAIM_LABEL: &[u8] = b"satchel join by identity 1";

/// The secret of an invitation.
pub struct InviteSecret(Zeroizing<[u8; SECRET_BYTES]>);

/// The key by which one shows that one has the secret.
pub struct InviteKey(SigningKey);

/// The key that the joiner's name is sealed under.
pub struct NameKey(Zeroizing<[u8; 32]>);

redact!(InviteSecret, InviteKey, NameKey);

/// Where an invitation belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvitePlace {
    /// The workspace.
    pub workspace: [u8; 16],
    /// The invitation.
    pub invite: [u8; 16],
}

impl InvitePlace {
    fn bytes(&self) -> Vec<u8> {
        [self.workspace, self.invite].concat()
    }
}

impl InviteSecret {
    /// Makes a random secret.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// What the invitation is called.
    pub fn derive_id(&self) -> [u8; 16] {
        let id = derive_key(self.0.as_slice(), &[ID_LABEL]);
        *id.first_chunk().expect("a key has 32 bytes")
    }

    /// The key that shows that one has the secret.
    pub fn derive_key(&self) -> InviteKey {
        InviteKey(SigningKey::from_bytes(&derive_key(self.0.as_slice(), &[KEY_LABEL])))
    }

    /// The key that the joiner's name is sealed under.
    pub fn derive_name_key(&self) -> NameKey {
        NameKey(derive_key(self.0.as_slice(), &[NAME_KEY_LABEL]))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        let mut count = 0;
        for symbol in text.chars() {
            let value = symbol_value(symbol)?;
            for bit in (0..5).filter(|bit| value & (0x10 >> bit) != 0) {
                let at: usize = count * 5 + bit;
                *bytes.get_mut(at / 8)? |= 0x80 >> (at % 8);
            }
            count += 1;
        }
        (count == SECRET_SYMBOLS).then_some(Self(bytes))
    }

    fn write(&self, text: &mut String) {
        let bit = |at: usize| self.0.get(at / 8).map_or(0, |byte| (byte >> (7 - at % 8)) & 1);
        for symbol in 0..SECRET_SYMBOLS {
            let value = (0..5).fold(0, |value, at| (value << 1) | bit(symbol * 5 + at));
            text.push(char::from(ALPHABET[usize::from(value)]));
        }
    }
}

impl InviteKey {
    /// The public key, for the charter.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a claim.
    pub fn sign_claim(&self, claim: &[u8]) -> [u8; 64] {
        sign(&self.0, &[INVITE_CLAIM_LABEL, claim])
    }
}

impl IdentityKeys {
    /// Signs a claim of an invitation: these keys are those of the account that it names.
    pub fn sign_claim(&self, claim: &[u8]) -> [u8; 64] {
        sign(self.signing_key(), &[IDENTITY_CLAIM_LABEL, claim])
    }
}

/// Checks that a claim is by someone who has the invitation's secret.
pub fn verify_invite_claim(key: &[u8; 32], claim: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
    verify(CLAIM, key, &[INVITE_CLAIM_LABEL, claim], signature)
}

/// Checks that a claim is by someone who has the identity keys that it names.
pub fn verify_identity_claim(key: &[u8; 32], claim: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
    verify(CLAIM, key, &[IDENTITY_CLAIM_LABEL, claim], signature)
}

fn name_place(place: &[u8]) -> BoxPlace<'_> {
    BoxPlace { label: NAME_LABEL, what: "the name of who joins", place }
}

impl NameKey {
    /// Seals the name of who joins.
    pub fn seal_name<R: RngCore + CryptoRng>(&self, place: &InvitePlace, name: &str, rng: &mut R) -> Vec<u8> {
        seal_padded(self.0.as_slice(), name_place(&place.bytes()), name, rng)
    }

    /// Opens the name of who joins.
    pub fn open_name(&self, place: &InvitePlace, sealed: &[u8]) -> Result<String, CryptoError> {
        open_padded(self.0.as_slice(), name_place(&place.bytes()), sealed)
    }

    /// Seals the key under the workspace's key, for the charter.
    pub fn seal<R: RngCore + CryptoRng>(
        &self,
        epoch: &EpochKey,
        place: &InvitePlace,
        rng: &mut R,
    ) -> Vec<u8> {
        epoch.seal_name_key(&place.bytes(), &self.0, rng)
    }

    /// Opens the key of an invitation in the charter.
    pub fn open(epoch: &EpochKey, place: &InvitePlace, sealed: &[u8]) -> Result<Self, CryptoError> {
        epoch.open_name_key(&place.bytes(), sealed).map(Self)
    }
}

/// The link of an invitation.
#[derive(Debug)]
pub struct InviteLink {
    /// The server's address without the path, as `https://satchel.example`.
    pub server: String,
    /// The workspace.
    pub workspace: [u8; 16],
    /// The secret.
    pub secret: InviteSecret,
}

impl InviteLink {
    /// Reads a link as a person pastes it.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], and [`CryptoError::Version`] for a link of a later version.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: LINK };
        let text = text.trim();
        if text.len() > LINK_BYTES_MAX {
            return Err(malformed);
        }
        let (address, fragment) = text.split_once('#').ok_or(malformed)?;
        let server = address.strip_suffix(LINK_PATH).filter(|server| is_server(server)).ok_or(malformed)?;
        let mut parts = fragment.split('.');
        let (version, workspace, secret) = (parts.next(), parts.next(), parts.next());
        if version != Some(LINK_VERSION) {
            let found = version.and_then(|version| version.parse().ok()).filter(|&version: &u8| version > 1);
            return Err(found.map_or(malformed, |found| CryptoError::Version { what: LINK, found }));
        }
        let (Some(workspace), Some(secret), None) = (workspace, secret, parts.next()) else {
            return Err(malformed);
        };
        let workspace = parse_hex(workspace).ok_or(malformed)?;
        let secret = InviteSecret::parse(secret).ok_or(malformed)?;
        Ok(Self { server: server.to_owned(), workspace, secret })
    }

    /// The link itself, to be given to one person.
    pub fn expose_secret(&self) -> Zeroizing<String> {
        // The capacity is right from the start, so that no shorter copy is left behind in memory.
        let bytes =
            self.server.len() + LINK_PATH.len() + 1 + LINK_VERSION.len() + 1 + 32 + 1 + SECRET_SYMBOLS;
        let mut text = Zeroizing::new(String::with_capacity(bytes));
        for part in [&self.server, LINK_PATH, "#", LINK_VERSION, "."] {
            text.push_str(part);
        }
        for byte in self.workspace {
            write!(text, "{byte:02x}").expect("writing to a text does not fail");
        }
        text.push('.');
        self.secret.write(&mut text);
        text
    }
}

/// An address with a host and nothing that would end it early.
fn is_server(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]/~%".contains(byte);
        !host.is_empty()
            && !host.starts_with('/')
            && !host.ends_with('/')
            && host.as_bytes().iter().all(allowed)
    })
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    let mut out = [0; 16];
    if digits.len() != 2 * out.len() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(out)
}
