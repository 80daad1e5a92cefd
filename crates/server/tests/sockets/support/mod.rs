//! A tiny app over real sockets, built from the wire format and the cryptography alone.
//!
//! It keeps no records and merges nothing; it shows what the server does.

mod link;
mod person;

pub(crate) use link::{Link, Transport, WAIT, post, post_raw, request};
pub(crate) use person::{Person, Put, TestApp, random};

use satchel_server::{Config, Options, Running, serve};
use satchel_wire::{Refusal, decode};
use tempfile::TempDir;

/// A server with a temporary data folder.
pub(crate) struct Host {
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
}

impl Host {
    /// With the usual options.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With options of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let mut options = Options::new(folder.path().join("server"));
        options.config = Config { login_requests_per_minute: 10_000, ..Config::default() };
        change(&mut options);
        let running = serve(options).await.expect("the server starts");
        Self { running, folder }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        self.running.address().to_string()
    }
}

/// The body of a refused request.
pub(crate) fn refusal(body: &[u8]) -> Refusal {
    decode("refusal", body).expect("a refused request has a refusal as its body")
}
