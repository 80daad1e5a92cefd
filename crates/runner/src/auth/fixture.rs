//! What the tests of every way to sign in need: a request, an auth, a fixed clock and generator.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value as Json;

use crate::auth::oauth2::NoTokens;
use crate::auth::{Auth, AuthError, Session, Surroundings, sign};
use crate::build::draft::{Draft, Header, Payload};
use crate::build::url::Url;

/// 2015-08-30T12:36:00Z, the moment of the AWS test suite.
pub(crate) const NOW_MS: u64 = 1_440_938_160_000;

pub(crate) fn draft(method: &str, url: &str, headers: &[(&str, &str)], payload: Payload) -> Draft {
    let headers =
        headers.iter().map(|(name, value)| Header { name: (*name).to_owned(), value: (*value).to_owned() });
    Draft {
        method: method.to_owned(),
        url: Url::parse(url),
        plain_url: false,
        headers: headers.collect(),
        payload,
    }
}

pub(crate) fn auth(kind: &str, attributes: &Json) -> Auth {
    Auth::from_document(&serde_json::json!({ "type": kind, kind: attributes }))
        .expect("the document has a type")
}

pub(crate) fn with_surroundings<T>(act: impl FnOnce(&mut Surroundings<'_>) -> T) -> T {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    act(&mut Surroundings { now_ms: NOW_MS, rng: &mut rng, tokens: &NoTokens })
}

pub(crate) fn signed(kind: &str, attributes: &Json, draft: &mut Draft) -> Result<Session, AuthError> {
    with_surroundings(|around| sign(&auth(kind, attributes), draft, around))
}

/// The URL and the headers, a line each.
pub(crate) fn shown(draft: &Draft) -> String {
    let headers = draft.headers.iter().map(|header| format!("{}: {}", header.name, header.value));
    let lines: Vec<_> = std::iter::once(draft.url.encoded(draft.plain_url).href()).chain(headers).collect();
    lines.join("\n")
}

pub(crate) fn check(kind: &str, attributes: &Json, draft: &Draft, expected: &str) {
    let mut draft = draft.clone();
    let outcome = signed(kind, attributes, &mut draft);
    let text = outcome.map_or_else(|error| format!("!{error}"), |_| shown(&draft));
    assert_eq!(text, expected, "{kind} {attributes}");
}
