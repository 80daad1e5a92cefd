//! The sync server: it keeps sealed workspaces in order and hands them to the apps of their account.
//!
//! ```text
//!  http ──▶ session ──▶ service ──▶ store (writer thread)
//!    ▲         ▲                      │
//!    └─ outbox ┴──────── hub ◀────────┘ after the commit
//! ```
//!
//! Why a library, too: tests of other crates run it inside their process by [`serve`].
//!
//! Invariants: what an app was told is durable; order is the ledger's; every queue is bounded; no log
//! line and no counter holds content, an e-mail or a token.
//!
//! It knows nothing of the model: it cannot even name a request, and has no key to open one.

#![deny(missing_docs)]

mod config;
mod http;
mod hub;
mod metrics;
pub mod planted;
pub mod process;
mod serve;
mod server;
pub mod service;
mod session;
#[cfg(feature = "simulated")]
pub mod simulated;
pub mod store;
mod throttle;

pub use config::{Clock, Config, Retention, SignUp, SystemClock};
pub use http::{Caller, ROUTES, Route};
pub use serve::{Options, Running, ServeError, TlsFiles, serve};
pub use server::Times;
