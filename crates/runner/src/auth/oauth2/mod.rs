//! OAuth 2.0 (RFC 6749, 7636, 8252): putting a token into a request, and getting one.
//!
//! ```text
//! Grant (from the document) ──▶ authorize in the browser ──loopback──▶ code ─┐
//!                           ──▶ client credentials, password, refresh ───────┴▶ token request ──▶ Token
//! ```
//! Tokens are kept by the caller behind [`Tokens`], under [`Grant::key`], and never leave the device unless a
//! person copies one into a document.
//!
//! Invariants: a token, a secret and a verifier are in no `Debug` text and wiped when dropped; the answer of an
//! authorization counts only with the state that was sent; the listener takes only what comes over loopback.

mod fetch;
mod loopback;

use std::fmt;

use serde_json::Value as Json;
use zeroize::Zeroizing;

use crate::auth::hash::{Hash, hex};
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings};
use crate::build::draft::Draft;

pub use fetch::{Authorization, TokenError, obtain, read_token};
pub use loopback::{Callback, Loopback};

/// A token this close to its end is fetched anew.
const SPARE_MS: u64 = 30_000;

/// An access token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What goes into requests.
    pub access: Zeroizing<String>,
    /// What gets the next one.
    pub refresh: Option<Zeroizing<String>>,
    /// How to present it; `Bearer` mostly.
    pub kind: String,
    /// What it is good for, as the server said.
    pub scope: Option<String>,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = (&self.kind, &self.scope, self.expires_ms, self.refresh.is_some());
        write!(
            f,
            "Token {{ kind: {:?}, scope: {:?}, expires_ms: {:?}, has_refresh: {} }}",
            fields.0, fields.1, fields.2, fields.3
        )
    }
}

impl Token {
    /// Whether it is at its end, or nearly.
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|end| end <= now_ms.saturating_add(SPARE_MS))
    }
}

/// The tokens of this device.
pub trait Tokens {
    /// The token of a grant, by its key.
    fn get(&self, key: &str) -> Option<Token>;
}

/// A device without tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTokens;

impl Tokens for NoTokens {
    fn get(&self, _key: &str) -> Option<Token> {
        None
    }
}

/// How a token is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// A person agrees in a browser; with PKCE unless the document asks for the form without.
    AuthorizationCode {
        /// Which challenge goes along; none without PKCE.
        challenge: Option<Challenge>,
    },
    /// The app itself has the right.
    ClientCredentials,
    /// The app is given the person's password.
    Password,
}

/// How PKCE hides the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// By its SHA-256.
    S256,
    /// Not at all.
    Plain,
}

/// Everything that getting a token needs, from an auth document.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// How it is got.
    pub kind: GrantKind,
    /// Where a person agrees.
    pub auth_url: String,
    /// Where tokens are given out.
    pub token_url: String,
    /// Where they are renewed; the same place where it is empty.
    pub refresh_url: String,
    /// The app's name at the server.
    pub client_id: String,
    client_secret: Zeroizing<String>,
    /// What is asked for.
    pub scope: String,
    username: String,
    password: Zeroizing<String>,
    state: String,
    /// Where the document wants the browser sent back to.
    pub redirect_uri: String,
    verifier: Zeroizing<String>,
    /// Whether the client's secret goes into the body and not into a header.
    in_body: bool,
    audience: String,
    resource: String,
    extras: Vec<Extra>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("kind", &self.kind)
            .field("token_url", &self.token_url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A parameter that the document adds to one of the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extra {
    step: Step,
    place: Place,
    key: String,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Authorize,
    Token,
    Refresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Url,
    Body,
    Header,
}

impl Grant {
    /// The grant of an `oauth2` auth with its variables replaced; none where it only holds a token.
    pub fn from_auth(auth: &Auth) -> Result<Option<Self>, AuthError> {
        let token_url = auth.get("accessTokenUrl");
        if token_url.is_empty() {
            return Ok(None);
        }
        let challenge = if auth.get("challengeAlgorithm").eq_ignore_ascii_case("plain") {
            Challenge::Plain
        } else {
            Challenge::S256
        };
        let kind = match auth.get("grant_type").as_str() {
            "" | "authorization_code" => GrantKind::AuthorizationCode { challenge: None },
            "authorization_code_with_pkce" => GrantKind::AuthorizationCode { challenge: Some(challenge) },
            "client_credentials" => GrantKind::ClientCredentials,
            "password_credentials" | "password" => GrantKind::Password,
            other => return Err(AuthError::Algorithm { algorithm: other.to_owned() }),
        };
        let lists = [
            ("authRequestParams", Step::Authorize),
            ("tokenRequestParams", Step::Token),
            ("refreshRequestParams", Step::Refresh),
        ];
        let extras = lists
            .into_iter()
            .flat_map(|(list, step)| auth.list(list).iter().filter_map(move |it| extra(it, step)));
        Ok(Some(Self {
            kind,
            auth_url: auth.get("authUrl"),
            token_url,
            refresh_url: auth.get("refreshTokenUrl"),
            client_id: auth.get("clientId"),
            client_secret: Zeroizing::new(auth.get("clientSecret")),
            scope: auth.get("scope"),
            username: auth.get("username"),
            password: Zeroizing::new(auth.get("password")),
            state: auth.get("state"),
            redirect_uri: auth.get("redirect_uri"),
            verifier: Zeroizing::new(auth.get("code_verifier")),
            in_body: auth.get("client_authentication") == "body",
            audience: auth.get("audience"),
            resource: auth.get("resource"),
            extras: extras.collect(),
        }))
    }

    /// The name under which its token is kept: two documents that ask for the same share one.
    pub fn key(&self) -> String {
        let kind = format!("{:?}", self.kind);
        let parts = [
            &kind,
            &self.auth_url,
            &self.token_url,
            &self.client_id,
            &self.scope,
            &self.username,
            &self.audience,
            &self.resource,
        ];
        let pieces: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
        hex(&Hash::Sha256.of(pieces.concat().as_bytes()))
    }
}

fn extra(document: &Json, step: Step) -> Option<Extra> {
    let text = |name: &str| document.get(name).map(crate::variable::text_of);
    let key = text("key").filter(|key| !key.is_empty())?;
    if document.get("enabled") == Some(&Json::Bool(false)) || !crate::build::url::is_enabled(document) {
        return None;
    }
    let place = match text("send_as").as_deref() {
        Some("request_header") => Place::Header,
        Some("request_url") => Place::Url,
        _ if step == Step::Authorize => Place::Url,
        _ => Place::Body,
    };
    Some(Extra { step, place, key, value: text("value").unwrap_or_default() })
}

/// Puts the token of the document, else of this device, into a request.
pub(crate) fn sign(auth: &Auth, draft: &mut Draft, around: &Surroundings<'_>) -> Result<(), AuthError> {
    let given = auth.get("accessToken");
    let (access, kind) = if given.is_empty() {
        let Some(grant) = Grant::from_auth(auth)? else { return Ok(()) };
        match around.tokens.get(&grant.key()).filter(|token| !token.is_over(around.now_ms)) {
            Some(token) => (token.access.to_string(), token.kind.clone()),
            None => return Err(AuthError::NeedsToken { grant: Box::new(grant) }),
        }
    } else {
        (given, auth.get("tokenType"))
    };
    if kind.eq_ignore_ascii_case("mac") {
        return Ok(());
    }
    draft.remove_header(AUTHORIZATION);
    draft.url.query.retain(|param| param.key != "access_token");
    if auth.get("addTokenTo") == "queryParams" {
        draft.set_param("access_token", &access);
        return Ok(());
    }
    let prefix = if auth.has("headerPrefix") {
        auth.get("headerPrefix").trim().to_owned()
    } else {
        "Bearer".to_owned()
    };
    let value = if prefix.is_empty() { access } else { format!("{prefix} {access}") };
    draft.set_header(AUTHORIZATION, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::{Grant, Token, Tokens};
    use crate::auth::fixture::{NOW_MS, auth, check, draft, shown};
    use crate::auth::{Surroundings, sign};
    use crate::build::draft::Payload;

    #[test]
    fn a_token_of_the_document_is_put_in_place() {
        let get = draft("GET", "http://h/?access_token=old", &[("authorization", "old")], Payload::Empty);
        check("oauth2", &json!({ "accessToken": "t" }), &get, "http://h/\nAuthorization: Bearer t");
        check(
            "oauth2",
            &json!({ "accessToken": "t", "headerPrefix": " Token " }),
            &get,
            "http://h/\nAuthorization: Token t",
        );
        check(
            "oauth2",
            &json!({ "accessToken": "t", "headerPrefix": "" }),
            &get,
            "http://h/\nAuthorization: t",
        );
        check(
            "oauth2",
            &json!({ "accessToken": "t", "addTokenTo": "queryParams" }),
            &get,
            "http://h/?access_token=t",
        );
        check(
            "oauth2",
            &json!({ "accessToken": "t", "tokenType": "MAC" }),
            &get,
            "http://h/?access_token=old\nauthorization: old",
        );
        check("oauth2", &json!({}), &get, "http://h/?access_token=old\nauthorization: old");
        check(
            "oauth2",
            &json!({ "accessTokenUrl": "http://t", "grant_type": "implicit" }),
            &get,
            "!the auth algorithm implicit is not supported",
        );
        check(
            "oauth2",
            &json!({ "accessTokenUrl": "http://t" }),
            &get,
            "!no access token has been fetched yet",
        );
    }

    struct One(String, Token);

    impl Tokens for One {
        fn get(&self, key: &str) -> Option<Token> {
            (key == self.0).then(|| self.1.clone())
        }
    }

    #[test]
    fn a_token_of_the_device_is_used_until_it_ends() {
        let auth = auth(
            "oauth2",
            &json!({ "accessTokenUrl": "http://t", "clientId": "c", "grant_type": "client_credentials", "clientSecret": "hush" }),
        );
        let grant = Grant::from_auth(&auth).ok().flatten().expect("it is a grant");
        assert!(!format!("{grant:?} {auth:?}").contains("hush"));
        let token = |expires_ms| Token {
            access: Zeroizing::new("kept".into()),
            refresh: None,
            kind: "Bearer".into(),
            scope: None,
            expires_ms,
        };
        let sent = |token: Token| {
            let tokens = One(grant.key(), token);
            let mut rng = rand_chacha::ChaCha8Rng::from_seed([0; 32]);
            let mut get = draft("GET", "http://h/", &[], Payload::Empty);
            let mut around = Surroundings { now_ms: NOW_MS, rng: &mut rng, tokens: &tokens };
            sign(&auth, &mut get, &mut around).map_or_else(|error| error.to_string(), |_| shown(&get))
        };
        assert_eq!(sent(token(None)), "http://h/\nAuthorization: Bearer kept");
        assert_eq!(sent(token(Some(NOW_MS + 60_000))), "http://h/\nAuthorization: Bearer kept");
        assert_eq!(sent(token(Some(NOW_MS + 1_000))), "no access token has been fetched yet");
        assert!(!format!("{:?}", token(None)).contains("kept"));
    }

    use rand_chacha::rand_core::SeedableRng;
}
