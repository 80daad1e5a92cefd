//! The requests that get a token, and reading what comes back.
//!
//! What comes back is a stranger's: a token with a line break could split the next request, so it is refused.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::loopback::{Callback, Loopback};
use super::{Challenge, Grant, GrantKind, Place, Step, Token};
use crate::auth::Surroundings;
use crate::auth::hash::Hash;
use crate::build::url::{decoded, strict};
use crate::http::{Body, Request, Response, SendError};

/// The longest answer that is read as a token.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// An authorization to be opened in a browser.
pub struct Authorization {
    /// What to open.
    pub url: String,
    state: String,
    redirect_uri: String,
    verifier: Option<Zeroizing<String>>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// Why no token was got.
#[derive(Debug)]
pub enum TokenError {
    /// The grant lacks something, named as in Postman's files.
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// The listener for the browser could not be opened, or failed.
    Listen {
        /// Why.
        source: std::io::Error,
    },
    /// Nobody came back from the browser in time.
    Timeout,
    /// The answer carried another state than was sent: somebody else's, or a forged one.
    State,
    /// The server said no.
    Refused {
        /// Its error code.
        error: String,
        /// Its own words, if any.
        description: String,
    },
    /// The token request could not be sent.
    Send {
        /// Why.
        source: Box<SendError>,
    },
    /// The answer holds no token that can be used.
    Answer {
        /// The answer's status.
        status: u16,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { field } => write!(f, "the auth lacks {field}"),
            Self::Listen { .. } => f.write_str("listening for the browser"),
            Self::Timeout => f.write_str("nobody came back from the browser in time"),
            Self::State => f.write_str("the browser came back with another state than was sent"),
            Self::Refused { error, description } if description.is_empty() => {
                write!(f, "the server refused: {error}")
            }
            Self::Refused { error, description } => write!(f, "the server refused: {error}: {description}"),
            Self::Send { .. } => f.write_str("sending the token request"),
            Self::Answer { status, reason } => write!(f, "the answer with status {status} {reason}"),
        }
    }
}

impl Error for TokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Listen { source } => Some(source),
            Self::Send { source } => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl Grant {
    /// The address at which a person agrees, with a new state and verifier.
    pub fn authorize(
        &self,
        redirect_uri: &str,
        around: &mut Surroundings<'_>,
    ) -> Result<Authorization, TokenError> {
        if self.auth_url.is_empty() {
            return Err(TokenError::Missing { field: "authUrl" });
        }
        let state = if self.state.is_empty() { around.nonce(32) } else { self.state.clone() };
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", redirect_uri),
            ("state", &state),
        ];
        pairs.extend(
            [("scope", &*self.scope), ("audience", &self.audience), ("resource", &self.resource)]
                .into_iter()
                .filter(|it| !it.1.is_empty()),
        );
        let verifier = match self.kind {
            GrantKind::AuthorizationCode { challenge: Some(_) } if self.verifier.is_empty() => {
                Some(Zeroizing::new(around.nonce(64)))
            }
            GrantKind::AuthorizationCode { challenge: Some(_) } => Some(self.verifier.clone()),
            _ => None,
        };
        let challenge = verifier.as_ref().map(|verifier| self.challenge(verifier)).unwrap_or_default();
        if let Some((method, value)) = &challenge {
            pairs.extend([("code_challenge", value.as_str()), ("code_challenge_method", method)]);
        }
        let extras =
            self.extras.iter().filter(|extra| extra.step == Step::Authorize && extra.place == Place::Url);
        pairs.extend(extras.map(|extra| (extra.key.as_str(), extra.value.as_str())));
        let url = with_query(&self.auth_url, &pairs);
        Ok(Authorization { url, state, redirect_uri: redirect_uri.to_owned(), verifier })
    }

    fn challenge(&self, verifier: &str) -> Option<(&'static str, String)> {
        match self.kind {
            GrantKind::AuthorizationCode { challenge: Some(Challenge::S256) } => {
                Some(("S256", URL_SAFE_NO_PAD.encode(Hash::Sha256.of(verifier.as_bytes()))))
            }
            GrantKind::AuthorizationCode { challenge: Some(Challenge::Plain) } => {
                Some(("plain", verifier.to_owned()))
            }
            _ => None,
        }
    }

    /// The request that turns what the browser brought back into a token.
    pub fn code_request<'a>(
        &'a self,
        asked: &'a Authorization,
        back: &'a Callback,
    ) -> Result<Request, TokenError> {
        if let Some(error) = &back.error {
            return Err(TokenError::Refused { error: error.clone(), description: back.description.clone() });
        }
        if back.state.as_deref() != Some(&asked.state) {
            return Err(TokenError::State);
        }
        let code = back.code.as_deref().ok_or(TokenError::Missing { field: "code" })?;
        let mut pairs =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &asked.redirect_uri)];
        pairs.extend(asked.verifier.as_ref().map(|verifier| ("code_verifier", verifier.as_str())));
        Ok(self.request(&self.token_url, Step::Token, pairs))
    }

    /// The request of a grant that needs no browser; none of one that does.
    pub fn direct_request(&self) -> Option<Request> {
        let mut pairs = match self.kind {
            GrantKind::AuthorizationCode { .. } => return None,
            GrantKind::ClientCredentials => vec![("grant_type", "client_credentials")],
            GrantKind::Password => {
                vec![
                    ("grant_type", "password"),
                    ("username", &*self.username),
                    ("password", self.password.as_str()),
                ]
            }
        };
        pairs.extend(
            [("scope", &*self.scope), ("audience", &self.audience), ("resource", &self.resource)]
                .into_iter()
                .filter(|it| !it.1.is_empty()),
        );
        Some(self.request(&self.token_url, Step::Token, pairs))
    }

    /// The request that renews a token; none if it cannot be renewed.
    pub fn refresh_request<'a>(&'a self, token: &'a Token) -> Option<Request> {
        let refresh = token.refresh.as_ref()?;
        let url = if self.refresh_url.is_empty() { &self.token_url } else { &self.refresh_url };
        let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        Some(self.request(url, Step::Refresh, pairs))
    }

    fn request<'a>(&'a self, url: &str, step: Step, mut pairs: Vec<(&'a str, &'a str)>) -> Request {
        let extras =
            |place| self.extras.iter().filter(move |extra| extra.step == step && extra.place == place);
        let mut headers = vec![
            ("Accept", "application/json".to_owned()),
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ];
        if self.in_body || self.client_secret.is_empty() {
            pairs.push(("client_id", &self.client_id));
            pairs.extend(
                (!self.client_secret.is_empty()).then(|| ("client_secret", self.client_secret.as_str())),
            );
        } else {
            let pair = Zeroizing::new(format!("{}:{}", strict(&self.client_id), strict(&self.client_secret)));
            headers.push(("Authorization", format!("Basic {}", STANDARD.encode(pair.as_bytes()))));
        }
        pairs.extend(extras(Place::Body).map(|extra| (extra.key.as_str(), extra.value.as_str())));
        headers.extend(extras(Place::Header).map(|extra| (extra.key.as_str(), extra.value.clone())));
        let in_url: Vec<_> =
            extras(Place::Url).map(|extra| (extra.key.as_str(), extra.value.as_str())).collect();
        let mut request = Request::new("POST", with_query(url, &in_url));
        request.headers =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
        request.body = Body::Bytes(encoded(&pairs).into_bytes());
        // A token request that follows a redirect would carry the client's secret to wherever that leads.
        request.settings.follow_redirects = false;
        request
    }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(key, value)| format!("{}={}", strict(key), strict(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let between = match (pairs.is_empty(), url.split_once('?')) {
        (true, _) => return url.to_owned(),
        (_, None) => "?",
        (_, Some((_, ""))) => "",
        (_, Some(_)) => "&",
    };
    format!("{url}{between}{}", encoded(pairs))
}

/// Reads the answer to a token request, as JSON or as a form.
pub fn read_token(response: &Response, now_ms: u64) -> Result<Token, TokenError> {
    let answer = |reason| TokenError::Answer { status: response.status, reason };
    if response.body.len() > ANSWER_BYTES_MAX {
        return Err(answer("is too long for a token"));
    }
    let fields = fields(&response.body).ok_or_else(|| answer("is neither JSON nor a form"))?;
    let text = |name: &str| {
        fields
            .get(name)
            .filter(|value| !value.is_null())
            .map(crate::variable::text_of)
            .filter(|text| !text.is_empty())
    };
    if let Some(error) = text("error") {
        return Err(TokenError::Refused {
            error,
            description: text("error_description").unwrap_or_default(),
        });
    }
    let access = text("access_token").ok_or_else(|| answer("holds no access token"))?;
    let refresh = text("refresh_token");
    let kind = text("token_type").unwrap_or_else(|| "Bearer".to_owned());
    if access.contains(char::is_control) || kind.contains(char::is_control) {
        return Err(answer("holds a token with control characters"));
    }
    let lasts = text("expires_in")
        .and_then(|seconds| seconds.parse::<f64>().ok())
        .filter(|it| it.is_finite() && *it >= 0.0);
    let lasts = lasts.map(|seconds| {
        u64::try_from(Duration::from_secs_f64(seconds.min(1e9)).as_millis()).unwrap_or(u64::MAX)
    });
    Ok(Token {
        access: Zeroizing::new(access),
        refresh: refresh.map(Zeroizing::new),
        kind,
        scope: text("scope"),
        expires_ms: lasts.map(|ms| now_ms.saturating_add(ms)),
    })
}

fn fields(body: &[u8]) -> Option<serde_json::Map<String, Json>> {
    if let Ok(Json::Object(fields)) = serde_json::from_slice(body) {
        return Some(fields);
    }
    let text = std::str::from_utf8(body)
        .ok()
        .filter(|text| text.contains('=') && !text.trim_start().starts_with('<'))?;
    let pairs = text.trim().split('&').filter_map(|pair| pair.split_once('='));
    Some(pairs.map(|(key, value)| (decoded(key, true), Json::String(decoded(value, true)))).collect())
}

/// Gets a token: renews the known one where that goes, else by the grant, through the browser if need be.
///
/// `open` is given the address to open; `send` sends a request; both are the caller's. Waits for the browser as
/// long as `wait`.
pub async fn obtain<F>(
    grant: &Grant,
    known: Option<&Token>,
    around: &mut Surroundings<'_>,
    wait: Duration,
    open: &mut (dyn FnMut(&str) + Send),
    mut send: impl FnMut(Request) -> F + Send,
) -> Result<Token, TokenError>
where
    F: Future<Output = Result<Response, SendError>> + Send,
{
    if let Some(request) = known.and_then(|token| grant.refresh_request(token))
        && let Ok(response) = send(request).await
        && let Ok(mut token) = read_token(&response, around.now_ms)
    {
        token.refresh = token.refresh.or_else(|| known.and_then(|known| known.refresh.clone()));
        return Ok(token);
    }
    let request = if let Some(request) = grant.direct_request() {
        request
    } else {
        let listen = |source| TokenError::Listen { source };
        let loopback = Loopback::open(&grant.redirect_uri).await.map_err(listen)?;
        let asked = grant.authorize(loopback.redirect_uri(), around)?;
        open(&asked.url);
        let back = tokio::time::timeout(wait, loopback.wait()).await.map_err(|_| TokenError::Timeout)?;
        grant.code_request(&asked, &back.map_err(listen)?)?
    };
    let response = send(request).await.map_err(|source| TokenError::Send { source: Box::new(source) })?;
    read_token(&response, around.now_ms)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{TokenError, obtain, read_token};
    use crate::auth::fixture::{NOW_MS, auth, with_surroundings};
    use crate::auth::oauth2::{Callback, Grant, Token};
    use crate::http::{Body, Request, Response};

    fn grant(attributes: &serde_json::Value) -> Grant {
        Grant::from_auth(&auth("oauth2", attributes)).ok().flatten().expect("it is a grant")
    }

    fn shown(request: &Request) -> String {
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| format!("\n{name}: {}", String::from_utf8_lossy(value)))
            .collect();
        let Body::Bytes(body) = &request.body else { return "no bytes".to_owned() };
        format!("{} {}{}\n\n{}", request.method, request.url, headers.concat(), String::from_utf8_lossy(body))
    }

    fn answer(status: u16, body: &str) -> Response {
        Response { status, body: body.as_bytes().to_vec(), ..Response::default() }
    }

    #[test]
    fn grants_without_a_browser_ask_at_once() {
        let mut attributes = json!({
            "grant_type": "client_credentials", "accessTokenUrl": "https://t/x?a=1", "clientId": "id:1", "clientSecret": "s cret",
            "scope": "a b", "audience": "api",
            "tokenRequestParams": [
                { "key": "k", "value": "v", "send_as": "request_body" }, { "key": "u", "value": "1", "send_as": "request_url" },
                { "key": "X-H", "value": "h", "send_as": "request_header" }, { "key": "off", "enabled": false },
            ],
        });
        let request = grant(&attributes).direct_request().expect("no browser is needed");
        assert_eq!(
            shown(&request),
            concat!(
                "POST https://t/x?a=1&u=1\nAccept: application/json\nContent-Type: application/x-www-form-urlencoded\n",
                "Authorization: Basic aWQlM0ExOnMlMjBjcmV0\nX-H: h\n\ngrant_type=client_credentials&scope=a%20b&audience=api&k=v"
            )
        );
        attributes["grant_type"] = json!("password_credentials");
        attributes["client_authentication"] = json!("body");
        attributes["username"] = json!("u");
        attributes["password"] = json!("p&");
        attributes["tokenRequestParams"] = json!([]);
        let request = grant(&attributes).direct_request().expect("no browser is needed");
        assert!(shown(&request).ends_with("grant_type=password&username=u&password=p%26&scope=a%20b&audience=api&client_id=id%3A1&client_secret=s%20cret"));
        assert!(!request.settings.follow_redirects, "a redirect must not carry the secret away");
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let grant = grant(&json!({
            "grant_type": "authorization_code_with_pkce", "authUrl": "https://a/authorize", "accessTokenUrl": "https://t", "clientId": "c",
            "state": "xyz", "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        }));
        let asked = with_surroundings(|around| grant.authorize("http://127.0.0.1:1/cb", around))
            .expect("it has an address");
        assert_eq!(
            asked.url,
            concat!(
                "https://a/authorize?response_type=code&client_id=c&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&state=xyz",
                "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
            )
        );
        let back = |state: &str| Callback {
            code: Some("C".into()),
            state: Some(state.into()),
            ..Callback::default()
        };
        let request = grant.code_request(&asked, &back("xyz")).expect("the state is right");
        assert!(shown(&request).ends_with(concat!(
            "\n\ngrant_type=authorization_code&code=C&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb",
            "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&client_id=c"
        )));
        assert!(matches!(grant.code_request(&asked, &back("forged")), Err(TokenError::State)));
        let refused = Callback { error: Some("access_denied".into()), ..Callback::default() };
        assert_eq!(
            grant.code_request(&asked, &refused).map_err(|error| error.to_string()),
            Err("the server refused: access_denied".into())
        );
        assert!(!format!("{asked:?}").contains("dBjf"));
    }

    fn check(status: u16, body: &str, expected: &str) {
        let read = read_token(&answer(status, body), 1_000);
        let text = match read {
            Ok(token) => format!(
                "{} {} {:?} {:?} {:?}",
                token.kind,
                *token.access,
                token.refresh.map(|it| it.to_string()),
                token.scope,
                token.expires_ms
            ),
            Err(error) => format!("!{error}"),
        };
        assert_eq!(text, expected, "{body}");
    }

    #[test]
    fn answers_are_read_in_either_form() {
        check(
            200,
            r#"{"access_token":"a","token_type":"bearer","expires_in":3600,"refresh_token":"r","scope":"s"}"#,
            r#"bearer a Some("r") Some("s") Some(3601000)"#,
        );
        check(200, r#"{"access_token":"a","expires_in":"5"}"#, "Bearer a None None Some(6000)");
        check(200, "access_token=a%2Bb&scope=x+y&token_type=bearer", r#"bearer a+b None Some("x y") None"#);
        check(
            400,
            r#"{"error":"invalid_grant","error_description":"no"}"#,
            "!the server refused: invalid_grant: no",
        );
        check(200, r#"{"access_token":""}"#, "!the answer with status 200 holds no access token");
        check(
            200,
            r#"{"access_token":"a\r\nX: y"}"#,
            "!the answer with status 200 holds a token with control characters",
        );
        check(500, "<html a=b>", "!the answer with status 500 is neither JSON nor a form");
        check(200, r#"{"access_token":"a","expires_in":-1}"#, "Bearer a None None None");
        check(200, r#"{"access_token":"a","expires_in":1e300}"#, "Bearer a None None Some(1000000001000)");
    }

    #[tokio::test]
    async fn the_browser_comes_back_over_loopback_and_its_code_becomes_a_token() {
        let grant = grant(&json!({
            "grant_type": "authorization_code_with_pkce", "authUrl": "https://a", "accessTokenUrl": "https://t", "clientId": "c",
            "redirect_uri": "http://localhost/done",
        }));
        let mut rng = rand_chacha::ChaCha8Rng::from_seed([7; 32]);
        let mut around = crate::auth::Surroundings {
            now_ms: NOW_MS,
            rng: &mut rng,
            tokens: &crate::auth::oauth2::NoTokens,
        };
        let mut open = |url: &str| {
            let url = url.to_owned();
            tokio::spawn(async move { browse(&url).await });
        };
        let token =
            obtain(&grant, None, &mut around, Duration::from_mins(1), &mut open, |request| async move {
                assert!(shown(&request).contains("code=THE%20CODE&redirect_uri=http%3A%2F%2Flocalhost%3A"));
                Ok(answer(200, r#"{"access_token":"got"}"#))
            });
        assert_eq!(
            token.await.map(|token| token.access.to_string()).map_err(|error| error.to_string()),
            Ok("got".into())
        );
    }

    /// A browser: first a stray request for an icon, then the answer.
    async fn browse(url: &str) {
        let get = |name: &str| {
            let from = url
                .split_once(&format!("{name}="))
                .map(|(_, rest)| rest.split('&').next().unwrap_or_default());
            crate::build::url::decoded(from.unwrap_or_default(), false)
        };
        let back = get("redirect_uri");
        let port: u16 = back
            .trim_start_matches("http://localhost:")
            .split('/')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or(0);
        for target in ["/favicon.ico".to_owned(), format!("/done?code=THE+CODE&state={}", get("state"))] {
            let mut stream =
                tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("the listener is open");
            stream
                .write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
                .await
                .expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("it answers");
            assert!(
                answer.starts_with(if target.contains("done") { "HTTP/1.1 200" } else { "HTTP/1.1 404" }),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_is_renewed_where_it_can_be() {
        let grant = grant(
            &json!({ "grant_type": "client_credentials", "accessTokenUrl": "https://t", "refreshTokenUrl": "https://r", "clientId": "c" }),
        );
        let old = Token {
            access: "old".to_owned().into(),
            refresh: Some("R".to_owned().into()),
            kind: "Bearer".into(),
            scope: None,
            expires_ms: Some(1),
        };
        for (is_refused, expected) in [(false, "renewed"), (true, "new")] {
            let mut rng = rand_chacha::ChaCha8Rng::from_seed([7; 32]);
            let mut around = crate::auth::Surroundings {
                now_ms: NOW_MS,
                rng: &mut rng,
                tokens: &crate::auth::oauth2::NoTokens,
            };
            let mut open = |_: &str| {};
            let token = obtain(
                &grant,
                Some(&old),
                &mut around,
                Duration::from_mins(1),
                &mut open,
                |request| async move {
                    match request.url.as_str() {
                        "https://r" if is_refused => Ok(answer(400, r#"{"error":"invalid_grant"}"#)),
                        "https://r" => Ok(answer(200, r#"{"access_token":"renewed"}"#)),
                        _ => Ok(answer(200, r#"{"access_token":"new"}"#)),
                    }
                },
            );
            let token = token.await.expect("a token comes");
            assert_eq!((token.access.as_str(), token.refresh.is_some()), (expected, !is_refused));
        }
    }

    use rand_chacha::rand_core::SeedableRng;
}
