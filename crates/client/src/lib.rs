//! The client: one profile's store, keys, connection and calls, behind one handle.
//!
//! ```text
//!  face ── Client::call ──▶ Core (one thread) ──▶ ops (content calls)
//!                             │  ├─ Engine (sync)  ├─ SqliteStore (sealed)
//!                             │  └─ Link (WebSocket, or plain HTTPS requests)
//!                             └─ login: requests around accounts
//! ```
//! Why it exists: every face (command line, agent, page) does the same things through the same
//! interface, [`api`]; here is everything that touches disk and network for them.
//!
//! Invariants: one process owns a profile (a lock); a change is durable locally before a call answers; one
//! task owns engine and stores, so there is no other lock; what is stored is sealed under a local key.
//!
//! This crate knows no terminals and no HTML.
#![deny(missing_docs)]

pub mod api;
mod check;
mod client;
mod control;
mod core;
mod credential;
mod home;
mod keyring;
mod keys;
mod login;
mod ops;
mod problem;
mod server;
mod status;
mod store;
mod transport;

pub use client::{Client, ClientOptions, Mode};
pub use core::news::Change;
pub use home::agent_socket;
pub use keyring::KeyringChoice;
pub use store::{AccountStore, AccountStoreError};
pub use transport::TransportChoice;

/// Whether this build is for the simulator: without cryptography, or with planted bugs. No product is.
pub const IS_SIMULATED: bool = satchel_crypto::IS_STUB || satchel_sync::planted::IS_ON;
