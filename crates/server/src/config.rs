//! What the operator of a server chooses, and where its time comes from.
//!
//! Limits that belong to the protocol are in `satchel_wire::limits`; here is only what may differ
//! from server to server. It does not know command lines, files or environment variables.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use satchel_wire::limits::{LOGIN_FAILURES_MAX, LOGIN_REQUESTS_PER_MINUTE, SOCKETS_PER_ACCOUNT_MAX};

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everyone.
    Open,
    /// Who has an invitation to this server.
    Invite,
    /// Nobody.
    Closed,
}

/// How long old versions and the headers of old entries are kept. One is dropped when both bounds allow it;
/// a header stays as long as a version of its entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// A younger version or header stays, in milliseconds.
    pub age_ms: u64,
    /// The newest versions of a record that stay, whatever their age.
    pub versions: u32,
    /// The newest entries of a ledger whose headers stay, whatever their age.
    pub entries: u64,
}

/// A day, in milliseconds.
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for Retention {
    fn default() -> Self {
        Self { age_ms: 90 * DAY_MS, versions: 100, entries: 10_000 }
    }
}

/// The choices of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Apps of one account that may be connected at a time; 0 for any number.
    pub max_apps: usize,
    /// Connections of one account at a time: places, control connections and reconnects together.
    pub max_sockets: usize,
    /// Who may make an account.
    pub sign_up: SignUp,
    /// How long old versions are kept.
    pub retention: Retention,
    /// Requests of one address before sign-in, each minute.
    pub login_requests_per_minute: u32,
    /// Failed sign-ins of one account or address before it must wait.
    pub login_failures_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_apps: 3,
            max_sockets: SOCKETS_PER_ACCOUNT_MAX,
            sign_up: SignUp::Open,
            retention: Retention::default(),
            login_requests_per_minute: LOGIN_REQUESTS_PER_MINUTE,
            login_failures_max: LOGIN_FAILURES_MAX,
        }
    }
}

/// Where the session layer takes the time from that it hands to the service.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
