//! Ways to sign in: what a request carries so that a server knows who asks.
//!
//! ```text
//! auth of the request, else of the nearest folder, else of the collection
//!    └─ sign: headers, parameters ──▶ sent ──401──▶ retry (digest, NTLM)
//! ```
//! `noauth` stops the inheritance. What a way leaves out or gets wrong is a typed error; the caller sends the
//! request unsigned and says so, as Postman does.
//!
//! Invariants: the clock and the randomness are arguments; a secret is in no `Debug` text; what a server says in
//! a challenge is hostile and cannot make more than [`ROUNDS_MAX`] rounds.
//!
//! Knows nothing of sockets; fetching a token (`oauth2`) is requests to send, not sending.

mod asap;
mod aws;
pub(crate) mod challenge;
mod digest;
mod edgegrid;
mod error;
mod hash;
mod hawk;
mod jwt;
mod key;
mod ntlm;
mod oauth1;
pub mod oauth2;
mod simple;

use std::collections::BTreeMap;
use std::fmt;

use rand_core::RngCore;
use serde_json::Value as Json;

use crate::build::draft::Draft;
use crate::http::Response;
use crate::variable::text_of;

pub use error::AuthError;

/// The most answers that may ask for another round.
pub const ROUNDS_MAX: u8 = 3;

/// What signing needs from outside.
pub struct Surroundings<'a> {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// For nonces; the system's generator outside of tests.
    pub rng: &'a mut (dyn RngCore + Send),
    /// The tokens that this device has.
    pub tokens: &'a (dyn oauth2::Tokens + Sync),
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

impl Surroundings<'_> {
    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> u64 {
        self.now_ms / 1000
    }

    /// Random letters and digits.
    pub(crate) fn nonce(&mut self, count: usize) -> String {
        const SIGNS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut nonce = String::with_capacity(count);
        while nonce.len() < count {
            let byte = self.rng.next_u32().to_le_bytes()[0] & 63;
            nonce.extend(SIGNS.get(usize::from(byte)).copied().map(char::from));
        }
        nonce
    }

    /// A random version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid(bytes)
    }
}

/// The version 4 UUID of random bytes.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hash::hex(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A way to sign in, with its attributes.
#[derive(Clone, PartialEq)]
pub struct Auth {
    /// Its name in Postman's files: `basic`, `oauth2` and so on.
    pub kind: String,
    attributes: BTreeMap<String, Json>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.attributes.keys().collect();
        f.debug_struct("Auth").field("kind", &self.kind).field("attributes", &names).finish_non_exhaustive()
    }
}

impl Auth {
    /// The auth of a document; attributes as a list (v2.1) or an object (v2.0).
    pub fn from_document(document: &Json) -> Option<Self> {
        let kind = document.get("type")?.as_str()?.to_owned();
        let attributes = match document.get(&kind) {
            Some(Json::Array(list)) => {
                list.iter().filter(|it| crate::build::url::is_enabled(it)).filter_map(attribute).collect()
            }
            Some(Json::Object(map)) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            _ => BTreeMap::new(),
        };
        Some(Self { kind, attributes })
    }

    /// An attribute as text; empty where it is absent.
    pub fn get(&self, name: &str) -> String {
        self.attributes.get(name).filter(|value| !value.is_null()).map(text_of).unwrap_or_default()
    }

    /// Whether an attribute is there, even if empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.attributes.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether an attribute says yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    /// An attribute as JSON: an object as it is, a text read as JSON; nothing where it is absent or blank.
    pub(crate) fn json(&self, name: &'static str) -> Result<Option<Json>, AuthError> {
        match self.attributes.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Json::String(text)) => {
                let read = serde_json::from_str(text.trim());
                read.map(Some).map_err(|source| AuthError::NotJson { field: name, source })
            }
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// The elements of an attribute that is a list.
    pub(crate) fn list(&self, name: &str) -> &[Json] {
        self.attributes.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// An attribute that must be there.
    pub(crate) fn need(&self, name: &'static str) -> Result<String, AuthError> {
        let value = self.get(name);
        if value.is_empty() { Err(AuthError::Missing { field: name }) } else { Ok(value) }
    }
}

fn attribute(attribute: &Json) -> Option<(String, Json)> {
    let key = attribute.get("key")?.as_str()?.to_owned();
    Some((key, attribute.get("value").cloned().unwrap_or(Json::Null)))
}

/// The auth document that counts for a request: its own, else the nearest ancestor's.
pub fn effective<'a>(request: &'a Json, ancestors: &[&'a Json]) -> Option<&'a Json> {
    let own = request.get("auth");
    let all = std::iter::once(own).chain(ancestors.iter().rev().map(|ancestor| ancestor.get("auth")));
    all.flatten().find(|auth| auth.is_object())
}

/// What stays of a signing, to answer a challenge.
#[derive(Debug, Default)]
pub(crate) enum Session {
    /// Nothing more to say.
    #[default]
    Done,
    /// A digest that waits for a challenge, or for the word that its nonce is stale.
    Digest(digest::State),
    /// NTLM's next message.
    Ntlm(ntlm::State),
}

/// Signs a request.
pub(crate) fn sign(
    auth: &Auth,
    draft: &mut Draft,
    around: &mut Surroundings<'_>,
) -> Result<Session, AuthError> {
    match auth.kind.as_str() {
        "noauth" => {}
        "basic" => simple::basic(auth, draft),
        "bearer" => simple::bearer(auth, draft),
        "apikey" => simple::api_key(auth, draft),
        "oauth2" => oauth2::sign(auth, draft, around)?,
        "oauth1" => oauth1::sign(auth, draft, around)?,
        "awsv4" => aws::sign(auth, draft, around)?,
        "hawk" => hawk::sign(auth, draft, around)?,
        "edgegrid" => edgegrid::sign(auth, draft, around)?,
        "jwt" => jwt::sign(auth, draft)?,
        "asap" => asap::sign(auth, draft, around)?,
        "digest" => return digest::sign(auth, draft, around).map(Session::Digest),
        "ntlm" => {
            draft.remove_header(simple::AUTHORIZATION);
            return Ok(Session::Ntlm(ntlm::State::default()));
        }
        kind => return Err(AuthError::UnknownKind { kind: kind.to_owned() }),
    }
    Ok(Session::Done)
}

/// Answers a challenge: signs a fresh copy of the request. Gives false if there is nothing to answer.
pub(crate) fn answer(
    auth: &Auth,
    session: &mut Session,
    draft: &mut Draft,
    response: &Response,
    around: &mut Surroundings<'_>,
) -> Result<bool, AuthError> {
    if !matches!(response.status, 401 | 403) {
        return Ok(false);
    }
    match session {
        Session::Done => Ok(false),
        Session::Digest(state) => state.answer(auth, draft, response, around),
        Session::Ntlm(state) => state.answer(auth, draft, response, around),
    }
}

/// The values of the `WWW-Authenticate` headers.
pub(crate) fn challenges(response: &Response) -> impl Iterator<Item = String> {
    let headers = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    headers.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
pub(crate) mod fixture;
