//! What came back, and how it went.

use std::net::SocketAddr;

use super::request::find;
use crate::tls::TlsSummary;

/// An answer and its story.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase as sent; empty with HTTP/2.
    pub reason: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// The headers in order, names as sent, duplicates kept.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The trailers of a chunked or HTTP/2 body.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// The body, decoded unless the settings say otherwise.
    pub body: Vec<u8>,
    /// How long each phase took.
    pub timings: Timings,
    /// How much went each way.
    pub sizes: Sizes,
    /// Who answered: the server, or the proxy where there is one.
    pub remote_address: Option<SocketAddr>,
    /// The TLS of the connection, if any.
    pub tls: Option<TlsSummary>,
    /// The answers before this one, in order.
    pub redirects: Vec<Hop>,
    /// The URL that gave this answer, as requested.
    pub url: String,
    /// The method that gave this answer: a redirect may have changed it.
    pub method: String,
    /// The request head as it went over the wire; with HTTP/2, the same as lines.
    pub sent: Vec<u8>,
    /// Whether the certificate was not enforced (`verify_tls` off, over TLS).
    pub insecure: bool,
    /// Whether the connection had served a request before.
    pub reused: bool,
}

impl Response {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        find(&self.headers, name)
    }
}

/// An answer that redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The method of the request.
    pub method: String,
    /// Where the request went.
    pub url: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The request head as it went over the wire.
    pub sent: Vec<u8>,
    /// How long it took.
    pub timings: Timings,
}

/// How long each phase took, in microseconds; 0 for a phase that a kept connection spares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// From the call to the first deed: making the body ready, looking for a kept connection.
    pub queued: u64,
    /// Name lookup.
    pub dns: u64,
    /// TCP, and the proxy's handshake.
    pub connect: u64,
    /// TLS handshake.
    pub tls: u64,
    /// Writing the request.
    pub request_sent: u64,
    /// From there to the first byte of the answer.
    pub first_byte: u64,
    /// From there to the end of the body.
    pub download: u64,
    /// All of it; with redirects, of the last request only.
    pub total: u64,
}

/// How many bytes went each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// The request's head.
    pub sent_head: u64,
    /// The request's body.
    pub sent_body: u64,
    /// The answer's head; with HTTP/2, what it would be as lines.
    pub received_head: u64,
    /// The body as it was encoded.
    pub encoded_body: u64,
    /// The body after decoding.
    pub decoded_body: u64,
}
