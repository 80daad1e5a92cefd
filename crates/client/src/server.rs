//! A server as an app reaches it: its URL, and one HTTP client with the trust and proxy settings.
//!
//! Invariants: no clear text except to this machine; a redirect is not followed (it would carry secrets
//! elsewhere); what does not answer in the protocol's media type is not a Satchel server.
//!
//! Knows nothing of what requests mean.

use std::error::Error as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Certificate, Client, Proxy, Response, Url};
use satchel_sync::Disconnected;
use satchel_wire::limits::FRAME_BYTES_MAX;
use satchel_wire::{MEDIA_TYPE, Refusal};

use crate::api::{ApiError, ErrorKind};
use crate::problem::problem;

const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Settings of this machine about reaching servers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    pub(crate) extra_ca: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
}

/// A server that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    base: Url,
    pub(crate) http: Client,
}

/// A server's URL as it is kept: with a scheme, without a trailing slash.
///
/// `sync.example` means `https://sync.example`; a loopback name without a scheme means `http`.
pub(crate) fn normalise(text: &str) -> Result<Url, ApiError> {
    let tried = || format!("reading the server's URL {text}");
    let invalid = |detail: &str| problem(ErrorKind::Invalid, tried(), detail);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(invalid("it is empty"));
    }
    let mut url = parse(trimmed).ok_or_else(|| invalid("it is not a URL; write https://HOST"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("only https:// (and http:// to this machine) is spoken"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("a user name or password does not belong in it"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(invalid(
            "no clear text over a network: use https:// (http:// works to this machine only)",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn parse(text: &str) -> Option<Url> {
    if text.contains("://") {
        return Url::parse(text).ok();
    }
    let url = Url::parse(&format!("https://{text}")).ok()?;
    if is_loopback(&url) { Url::parse(&format!("http://{text}")).ok() } else { Some(url) }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The URL as it is shown and stored.
pub(crate) fn url_text(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

impl Server {
    /// A server at a URL.
    pub(crate) fn new(text: &str, reach: &Reach) -> Result<Self, ApiError> {
        let base = normalise(text)?;
        let http = make_client(&base, reach)?;
        Ok(Self { base, http })
    }

    /// The URL of a route.
    pub(crate) fn route(&self, route: &str) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{route}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// Posts a message and reads the answer's bytes.
    pub(crate) async fn post(
        &self,
        route: &str,
        body: Vec<u8>,
        time: Duration,
    ) -> Result<Vec<u8>, Disconnected> {
        let request = self.http.post(self.route(route)).header(CONTENT_TYPE, MEDIA_TYPE).body(body);
        let answer = async { read_answer(request.send().await.map_err(|error| classify(&error))?).await };
        match tokio::time::timeout(time, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(unreachable_because(format!("no answer within {} s", time.as_secs()))),
        }
    }

    /// Asks whether the server is ready; its answer's headers.
    pub(crate) async fn ready(&self, time: Duration) -> Result<(bool, HeaderMap), Disconnected> {
        let answer = self.http.get(self.route("/readyz")).send();
        match tokio::time::timeout(time, answer).await {
            Ok(Ok(answer)) => Ok((answer.status().is_success(), answer.headers().clone())),
            Ok(Err(error)) => Err(classify(&error)),
            Err(_) => Err(unreachable_because(format!("no answer within {} s", time.as_secs()))),
        }
    }
}

fn make_client(base: &Url, reach: &Reach) -> Result<Client, ApiError> {
    // The one provider of the workspace; that it was installed before is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tried = "setting up the connection";
    let failed = |error: reqwest::Error| problem(ErrorKind::Certificate, tried, chain(&error));
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIME)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    if base.scheme() == "http" {
        // Loopback: no certificates to load and no proxy to ask.
        return builder.no_proxy().tls_certs_only([]).build().map_err(failed);
    }
    if let Some(path) = &reach.extra_ca {
        builder = builder.tls_certs_merge(read_certificates(path)?);
    }
    if let Some(proxy) = &reach.proxy {
        let proxy = Proxy::all(proxy)
            .map_err(|error| problem(ErrorKind::Invalid, "reading the proxy's URL", chain(&error)))?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(failed)
}

fn read_certificates(path: &PathBuf) -> Result<Vec<Certificate>, ApiError> {
    let tried = format!("reading the certificates in {}", path.display());
    let invalid = |detail: String| problem(ErrorKind::Invalid, tried.clone(), detail);
    let bytes = std::fs::read(path).map_err(|error| invalid(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&bytes).map_err(|error| invalid(chain(&error)))?;
    if certificates.is_empty() {
        Err(invalid("it holds no certificate in PEM form".into()))
    } else {
        Ok(certificates)
    }
}

/// Reads an answer: its body, or the refusal in it.
pub(crate) async fn read_answer(mut answer: Response) -> Result<Vec<u8>, Disconnected> {
    let status = answer.status();
    let media =
        answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    if status.is_redirection() {
        let target = answer.headers().get(reqwest::header::LOCATION).and_then(|value| value.to_str().ok());
        return Err(not_satchel(format!("it redirects ({status}) to {}", target.unwrap_or("nowhere"))));
    }
    if !media.eq_ignore_ascii_case(MEDIA_TYPE) {
        let media = if media.is_empty() { "nothing that names its type" } else { &media };
        return Err(not_satchel(format!("it answers {status} with {media}")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > FRAME_BYTES_MAX {
            return Err(not_satchel("its answer is over the protocol's limit".into()));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(body);
    }
    match satchel_wire::decode::<Refusal>("refusal", &body) {
        Ok(refusal) => Err(Disconnected::Refused(refusal)),
        Err(error) => Err(not_satchel(format!("it answers {status} with a {error}"))),
    }
}

pub(crate) fn not_satchel(detail: String) -> Disconnected {
    Disconnected::NotSatchel { detail }
}

pub(crate) fn unreachable_because(detail: String) -> Disconnected {
    Disconnected::Unreachable { detail }
}

/// What a failed request means.
pub(crate) fn classify(error: &reqwest::Error) -> Disconnected {
    let detail = chain(error);
    if is_about_certificate(error) {
        Disconnected::Certificate { detail }
    } else {
        unreachable_because(detail)
    }
}

/// Looks through the sources and through errors inside of I/O errors, which are no sources.
fn is_about_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented);
    }
    let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inside.is_some_and(|inside| is_about_certificate(inside))
        || error.source().is_some_and(is_about_certificate)
}

/// The error and what it came from, without the URL twice.
fn chain(error: &reqwest::Error) -> String {
    let mut parts = Vec::new();
    let mut at = error.source();
    while let Some(error) = at {
        let text = error.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        at = error.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match normalise(text) {
            Ok(url) => url_text(&url),
            Err(error) => format!("{:?}", error.kind),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn urls_get_a_scheme_and_lose_their_odds() {
        check("sync.example", "https://sync.example");
        check(" https://Sync.Example:8443/ ", "https://sync.example:8443");
        check("https://sync.example/satchel/?x=1#y", "https://sync.example/satchel");
        check("localhost:8080", "http://localhost:8080");
        check("127.0.0.1:8080", "http://127.0.0.1:8080");
        check("http://[::1]:8080", "http://[::1]:8080");
    }

    #[test]
    fn clear_text_goes_to_this_machine_only() {
        check("http://sync.example", "Invalid");
        check("http://10.0.0.1:8080", "Invalid");
        check("http://localhost.evil.example", "Invalid");
        check("http://127.0.0.1", "http://127.0.0.1");
    }

    #[test]
    fn what_is_no_server_url_is_refused() {
        check("", "Invalid");
        check("ftp://sync.example", "Invalid");
        check("https://user:word@sync.example", "Invalid");
        check("https://", "Invalid");
    }
}
