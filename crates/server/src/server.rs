//! What all connections and requests of one server share.
//!
//! It holds the parts together and decides nothing.

use std::sync::Arc;
use std::time::Duration;

use satchel_wire::limits::{PING_INTERVAL_MS, SILENCE_MS_MAX};
use tokio::sync::Semaphore;

use crate::config::Clock;
use crate::http::Polls;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::service::Service;

/// Snapshots that are sent at once, as many as the store reads at once; more wait for their turn.
const SNAPSHOTS_MAX: usize = 16;

/// How long connections may take, or be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// From the greeting until the app must have opened the connection.
    pub open: Duration,
    /// Between the server's pings.
    pub ping: Duration,
    /// Silence after which a connection is over.
    pub silence: Duration,
    /// For one frame of a snapshot to find room: an app that takes nothing for so long is gone.
    pub progress: Duration,
    /// For the last frames of a connection that ended.
    pub parting: Duration,
    /// For a whole shutdown.
    pub shutdown: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(15),
            ping: Duration::from_millis(PING_INTERVAL_MS),
            silence: Duration::from_millis(SILENCE_MS_MAX),
            progress: Duration::from_mins(5),
            parting: Duration::from_secs(3),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// The shared parts.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) hub: Arc<Hub>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) polls: Polls,
    pub(crate) snapshots: Semaphore,
    pub(crate) times: Times,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trusts_proxy: bool,
}

impl Server {
    /// Puts a hub and the service that publishes to it together.
    pub(crate) fn new(
        service: Service,
        hub: Arc<Hub>,
        metrics: Arc<Metrics>,
        options: &crate::Options,
    ) -> Self {
        Self {
            service,
            hub,
            metrics,
            polls: Polls::default(),
            snapshots: Semaphore::new(SNAPSHOTS_MAX),
            times: options.times,
            clock: options.clock.clone(),
            trusts_proxy: options.trusts_proxy,
        }
    }

    /// The time, for the service.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}
