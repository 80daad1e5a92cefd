//! Runs requests: from a resolved request to its response, and around that variables, auth, scripts and whole
//! collections.
//!
//! ```text
//! document + scopes ──build──▶ http::Request ──http::Client──▶ http::Response
//! ```
//! Everything that comes from the network, a script or an imported file is hostile here: each has a limit on
//! size, count and time, and none of it can panic.
//!
//! Knows neither keys nor the store, nor the client crate, terminals or pages.
#![deny(missing_docs)]

pub mod auth;
pub mod build;
pub mod cookie;
pub mod curl;
pub mod http;
pub mod limits;
mod media;
pub mod report;
pub mod run;
pub mod script;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tls;
pub mod variable;
pub mod websocket;
