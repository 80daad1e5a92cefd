//! Why there is no (whole) answer. The edge turns these into words for people.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Response;
use crate::tls::TlsFault;

/// Why a send failed. `partial` is what had come of the answer.
#[derive(Debug)]
pub enum SendError {
    /// The URL cannot be requested.
    BadUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// The method is not a token of HTTP.
    BadMethod {
        /// The method.
        method: String,
    },
    /// A header's name or value cannot be sent: it would change or split the request.
    BadHeader {
        /// The name as written.
        name: String,
    },
    /// A file of the body cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The settings' certificates or TLS versions cannot be used.
    Settings {
        /// What is wrong.
        detail: String,
    },
    /// The name has no address.
    Dns {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing listens there.
    Refused {
        /// Host and port.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// No connection for another reason.
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The proxy did not let it through.
    Proxy {
        /// The proxy's host and port.
        proxy: String,
        /// What it answered.
        detail: String,
    },
    /// The TLS handshake failed.
    Tls {
        /// The server's name.
        host: String,
        /// Why.
        fault: TlsFault,
    },
    /// The time of a phase was up.
    Timeout {
        /// The phase.
        phase: Phase,
        /// How long it was given.
        limit: Duration,
        /// What had come.
        partial: Option<Box<Response>>,
    },
    /// The connection broke.
    Reset {
        /// When.
        phase: Phase,
        /// What the system said; an unexpected end is one too.
        source: io::Error,
        /// What had come.
        partial: Option<Box<Response>>,
    },
    /// The answer's head, or the framing of its body, is not HTTP.
    BadResponse {
        /// What is wrong with it.
        fault: HeadFault,
        /// What had come.
        partial: Option<Box<Response>>,
    },
    /// HTTP/2 was asked for and not offered, or the connection broke its rules.
    Http2 {
        /// What happened.
        detail: String,
        /// What had come.
        partial: Option<Box<Response>>,
    },
    /// The body is larger than the settings allow.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
        /// The first `limit` bytes of it.
        partial: Option<Box<Response>>,
    },
    /// A small body that decodes to more than the settings allow.
    DecompressionBomb {
        /// The limit in bytes.
        limit: u64,
        /// How much had come encoded.
        encoded: u64,
        /// The first `limit` bytes of it.
        partial: Option<Box<Response>>,
    },
    /// The body is not encoded as its header says.
    Decoding {
        /// The content encoding.
        encoding: String,
        /// What is wrong.
        fault: DecodeFault,
        /// The answer, with the body as it came.
        partial: Option<Box<Response>>,
    },
    /// More redirects than the settings allow.
    TooManyRedirects {
        /// The limit.
        limit: u32,
        /// The last answer.
        partial: Option<Box<Response>>,
    },
    /// The redirect leads to what is not a URL for a request.
    BadRedirect {
        /// The location as sent.
        location: String,
        /// The answer.
        partial: Option<Box<Response>>,
    },
}

/// What was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Name lookup, connection, proxy, TLS.
    Connecting,
    /// Writing the request.
    Sending,
    /// Waiting for the first byte of the answer.
    Waiting,
    /// Reading the answer's head.
    Head,
    /// Reading the body.
    Body,
    /// All of it together.
    Total,
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlFault {
    /// It does not begin with `http://` or `https://`.
    Scheme,
    /// It has no host, or one that cannot be.
    Host,
    /// Its port is not a port.
    Port,
    /// It is longer than the limit.
    TooLong,
    /// It holds characters that HTTP/2 cannot carry.
    Characters,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadFault {
    /// It does not begin with a status line.
    NotHttp {
        /// The first bytes, as text.
        begins: String,
    },
    /// A header line is malformed.
    Header,
    /// The head is longer than the limit.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The head has more headers than the limit.
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// Interim answers without end.
    TooManyInterim,
    /// Two lengths that differ, or one that is none.
    ContentLength,
    /// A transfer encoding that is not chunked.
    TransferEncoding {
        /// The header's value.
        value: String,
    },
    /// A chunk's size or end is malformed.
    Chunk,
    /// Another protocol was agreed on that nobody asked for.
    Switched,
    /// The handshake's answer is not to this request.
    WebSocketAccept,
    /// The server does not open a WebSocket.
    WebSocketRefused,
}

/// What is wrong with an encoded body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeFault {
    /// It is not of this encoding.
    Malformed,
    /// It ends too early.
    Truncated,
    /// It names more encodings at once than the limit.
    TooMany,
}

impl SendError {
    /// What had come of the answer.
    pub fn partial(&self) -> Option<&Response> {
        match self {
            Self::Timeout { partial, .. }
            | Self::Reset { partial, .. }
            | Self::BadResponse { partial, .. }
            | Self::Http2 { partial, .. }
            | Self::TooLarge { partial, .. }
            | Self::DecompressionBomb { partial, .. }
            | Self::Decoding { partial, .. }
            | Self::TooManyRedirects { partial, .. }
            | Self::BadRedirect { partial, .. } => partial.as_deref(),
            _ => None,
        }
    }

    /// Adds what had come, to those that tell it.
    pub(crate) fn with_partial(mut self, response: Option<Response>) -> Self {
        match &mut self {
            Self::Timeout { partial, .. }
            | Self::Reset { partial, .. }
            | Self::BadResponse { partial, .. }
            | Self::Http2 { partial, .. }
            | Self::TooLarge { partial, .. }
            | Self::DecompressionBomb { partial, .. }
            | Self::Decoding { partial, .. }
            | Self::TooManyRedirects { partial, .. }
            | Self::BadRedirect { partial, .. }
                if partial.is_none() =>
            {
                *partial = response.map(Box::new);
            }
            _ => {}
        }
        self
    }

    /// With TLS 1.3 a server may refuse the client only after the handshake; it is the handshake's fault all the same.
    pub(crate) fn told_by_tls(self, host: &str) -> Self {
        match self {
            Self::Reset { source, .. }
                if source.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) =>
            {
                Self::Tls { host: host.to_owned(), fault: TlsFault::of(&source) }
            }
            other => other,
        }
    }

    pub(crate) fn timeout(phase: Phase, limit: Duration) -> Self {
        Self::Timeout { phase, limit, partial: None }
    }

    pub(crate) fn reset(phase: Phase, source: io::Error) -> Self {
        Self::Reset { phase, source, partial: None }
    }

    pub(crate) fn head(fault: HeadFault) -> Self {
        Self::BadResponse { fault, partial: None }
    }

    pub(crate) fn http2(detail: impl fmt::Display) -> Self {
        Self::Http2 { detail: detail.to_string(), partial: None }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl { url, fault } => write!(f, "requesting {url:?}: {fault}"),
            Self::BadMethod { method } => write!(f, "requesting with method {method:?}: it is not a token"),
            Self::BadHeader { name } => {
                write!(f, "sending header {name:?}: it holds a line break or another invalid byte")
            }
            Self::File { path, source } => write!(f, "reading {}: {source}", path.display()),
            Self::Settings { detail } => write!(f, "preparing the connection: {detail}"),
            Self::Dns { host, source } => write!(f, "looking up {host}: {source}"),
            Self::Refused { address, .. } => write!(f, "connecting to {address}: connection refused"),
            Self::Unreachable { address, source } => write!(f, "connecting to {address}: {source}"),
            Self::Proxy { proxy, detail } => write!(f, "connecting through proxy {proxy}: {detail}"),
            Self::Tls { host, fault } => write!(f, "agreeing on TLS with {host}: {fault}"),
            Self::Timeout { phase, limit, .. } => write!(f, "{phase}: no end after {} ms", limit.as_millis()),
            Self::Reset { phase, source, .. } => write!(f, "{phase}: the connection broke: {source}"),
            Self::BadResponse { fault, .. } => write!(f, "reading the answer: {fault}"),
            Self::Http2 { detail, .. } => write!(f, "speaking HTTP/2: {detail}"),
            Self::TooLarge { limit, .. } => write!(f, "reading the body: it is larger than {limit} bytes"),
            Self::DecompressionBomb { limit, encoded, .. } => {
                write!(f, "decoding the body: {encoded} bytes decode to more than {limit}")
            }
            Self::Decoding { encoding, fault, .. } => write!(f, "decoding the body from {encoding}: {fault}"),
            Self::TooManyRedirects { limit, .. } => write!(f, "following redirects: more than {limit}"),
            Self::BadRedirect { location, .. } => {
                write!(f, "following the redirect to {location:?}: it is not a URL for a request")
            }
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { source, .. }
            | Self::Dns { source, .. }
            | Self::Refused { source, .. }
            | Self::Unreachable { source, .. }
            | Self::Reset { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Sending => "sending the request",
            Self::Waiting => "waiting for the first byte",
            Self::Head => "reading the head",
            Self::Body => "reading the body",
            Self::Total => "the whole request",
        })
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "it does not begin with http:// or https://",
            Self::Host => "its host is missing or cannot be one",
            Self::Port => "its port is not a port",
            Self::TooLong => "it is too long",
            Self::Characters => "it holds characters that HTTP/2 cannot carry",
        })
    }
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp { begins } => write!(f, "it is not HTTP: it begins with {begins:?}"),
            Self::Header => f.write_str("a header is malformed"),
            Self::TooLong { limit } => write!(f, "its head is longer than {limit} bytes"),
            Self::TooManyHeaders { limit } => write!(f, "it has more than {limit} headers"),
            Self::TooManyInterim => f.write_str("interim answers without end"),
            Self::ContentLength => f.write_str("its content length is not one number"),
            Self::TransferEncoding { value } => write!(f, "its transfer encoding {value:?} is not known"),
            Self::Chunk => f.write_str("a chunk of its body is malformed"),
            Self::Switched => f.write_str("it switches to a protocol that was not asked for"),
            Self::WebSocketAccept => f.write_str("its WebSocket handshake is not for this request"),
            Self::WebSocketRefused => f.write_str("it does not open a WebSocket"),
        }
    }
}

impl fmt::Display for DecodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is not of this encoding",
            Self::Truncated => "it ends too early",
            Self::TooMany => "too many encodings at once",
        })
    }
}
