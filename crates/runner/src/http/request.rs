//! What to send, and by which rules.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Proxies;
use crate::limits;
use crate::tls::{ClientCertificate, ExtraRoots};

/// A resolved request: no variables, no inheritance, nothing disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method as written; any token.
    pub method: String,
    /// An absolute `http` or `https` URL. What cannot stand in a request line is percent-encoded when sent.
    pub url: String,
    /// The headers in order, names as written, duplicates kept.
    ///
    /// Added at the end only where absent and needed: `Host`, the content type of a form, the length of a body (0 where
    /// there is none and the method is one that mostly has one) or its chunked framing, and the jar's cookies.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Body,
    /// The rules.
    pub settings: Settings,
}

impl Request {
    /// A request without headers or body, under the default rules.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Body::Empty,
            settings: Settings::default(),
        }
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        find(&self.headers, name)
    }
}

/// The first value of a header, whatever the case of its name.
pub(crate) fn find<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|(written, _)| written.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// The file's bytes, streamed.
    File(PathBuf),
    /// `multipart/form-data`; the boundary is made when it is sent, or taken from a `Content-Type` that names one.
    Form(Vec<FormPart>),
}

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormPart {
    /// The field's name.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// The file name that is told; a file's own name where it is absent.
    pub file_name: Option<String>,
    /// The part's content type; by the file's extension where it is absent, none for text.
    pub content_type: Option<String>,
}

/// What a part of a form holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The file's bytes, streamed.
    File(PathBuf),
}

/// Which version of HTTP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpVersion {
    /// HTTP/2 where the server offers it in the TLS handshake, else HTTP/1.1.
    Auto,
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 only; without TLS by prior knowledge.
    Http2,
}

/// How long each phase may take; `None` waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The whole of it, redirects included.
    pub total: Option<Duration>,
    /// Name lookup, connection, proxy and TLS handshake together.
    pub connect: Option<Duration>,
    /// From the last byte sent to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// Between two reads of the body, and two writes of the request.
    pub idle: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { total: None, connect: Some(limits::CONNECT_TIME), first_byte: None, idle: None }
    }
}

/// The rules of a request. The defaults are Postman's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, and any mix of them occurs")]
pub struct Settings {
    /// Follow 3xx answers that name a location.
    pub follow_redirects: bool,
    /// How many of them.
    pub max_redirects: u32,
    /// Keep the method (and body) on 301, 302 and 303 too.
    pub keep_method_on_redirect: bool,
    /// Keep `Authorization` when a redirect leads to another host.
    pub keep_authorization_on_redirect: bool,
    /// Do not tell the redirected request where it came from.
    pub remove_referer_on_redirect: bool,
    /// Refuse a server whose certificate does not verify. Where it is off, [`super::Response::insecure`] says so.
    pub verify_tls: bool,
    /// Offer TLS 1.2.
    pub tls12: bool,
    /// Offer TLS 1.3.
    pub tls13: bool,
    /// How long each phase may take.
    pub timeouts: Timeouts,
    /// How large the decoded body may get.
    pub max_response_bytes: u64,
    /// Which version of HTTP to speak.
    pub http_version: HttpVersion,
    /// The proxies, and for which hosts there is none.
    pub proxies: Proxies,
    /// What this side shows when the server asks; only to the host of the request, not along redirects.
    pub client_certificate: Option<Arc<ClientCertificate>>,
    /// Authorities to trust beside the system's.
    pub extra_roots: Option<Arc<ExtraRoots>>,
    /// Send the jar's cookies.
    pub send_cookies: bool,
    /// Keep the cookies that answers set.
    pub store_cookies: bool,
    /// Undo the content encoding of the answer.
    pub decompress: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            follow_redirects: true,
            max_redirects: limits::REDIRECTS,
            keep_method_on_redirect: false,
            keep_authorization_on_redirect: false,
            remove_referer_on_redirect: false,
            verify_tls: true,
            tls12: true,
            tls13: true,
            timeouts: Timeouts::default(),
            max_response_bytes: limits::RESPONSE_BYTES,
            http_version: HttpVersion::default(),
            proxies: Proxies::default(),
            client_certificate: None,
            extra_roots: None,
            send_cookies: true,
            store_cookies: true,
            decompress: true,
        }
    }
}
