//! The transport: one resolved [`Request`] in, one [`Response`] out, with everything that happened between.
//!
//! ```text
//! Client::send ─▶ pool ──miss──▶ connect (dns, tcp, proxy, tls) ─▶ http1 │ http2 ─▶ decode ─▶ Response
//!       ▲           └──hit──────────────────────────────────────────┘                  │
//!       └──────────────────────────── redirect, cookies ◀───────────────────────────────┘
//! ```
//! HTTP/1.1 is written here and not by a library, since a person expects the header names, their case, order
//! and duplicates on the wire exactly as written (`docs/decisions/0026-own-http1-over-a-kept-parser.md`).
//!
//! Invariants: what is written as one request goes out as one request, whatever bytes its URL and headers hold;
//! every read has a limit and every wait a clock; dropping the future of a send cancels it.
//!
//! Knows nothing of variables, auth, scripts, or where a request comes from.

mod body;
mod client;
mod connect;
mod decode;
mod error;
mod event;
mod exchange;
mod framing;
mod head;
mod http1;
mod http2;
mod multipart;
mod pool;
mod proxy;
mod redirect;
mod request;
mod response;
mod target;

pub use client::{Client, SharedJar};
pub use error::{DecodeFault, HeadFault, Phase, SendError, UrlFault};
pub use event::{Event, EventParser, ServerSentEvent};
pub use proxy::{Proxies, Proxy, ProxyKind};
pub use request::{Body, Content, FormPart, HttpVersion, Request, Settings, Timeouts};
pub use response::{Hop, Response, Sizes, Timings};

pub(crate) use client::place;
pub(crate) use connect::Wire;
pub(crate) use target::Target;
