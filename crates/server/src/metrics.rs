//! What the server counts, in the text format of Prometheus.
//!
//! Why it exists: an operator sees load, refusals and slow disks without reading logs. Invariant: only
//! counts, sizes and times; no ids, names, addresses or content, and labels are from fixed lists.

use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

type Labels = [(&'static str, &'static str); 1];
type Counts = Family<Labels, Counter>;
type Levels = Family<Labels, Gauge>;

/// The transport of a connection, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A WebSocket.
    Socket,
    /// Plain requests.
    Poll,
}

impl Transport {
    const fn label(self) -> Labels {
        match self {
            Self::Socket => [("transport", "websocket")],
            Self::Poll => [("transport", "poll")],
        }
    }
}

/// The counters of one server.
pub(crate) struct Metrics {
    registry: Registry,
    connections: Levels,
    commits: Counts,
    commit_seconds: Histogram,
    frame_bytes: Counts,
    snapshots: Counter,
    too_slow: Counter,
    requests: Counts,
    /// How many apps hold a place.
    pub(crate) places: Gauge<i64>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("satchel");
        let new = Self {
            connections: Levels::default(),
            commits: Counts::default(),
            // 0.5 ms to about 8 s.
            commit_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 15)),
            frame_bytes: Counts::default(),
            snapshots: Counter::default(),
            too_slow: Counter::default(),
            requests: Counts::default(),
            places: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("connections", "Connections that are open", new.connections.clone());
        registry.register("places", "Apps that hold a place", new.places.clone());
        registry.register("commits", "Commits by their outcome", new.commits.clone());
        let help = "Time from a commit's arrival to its durable answer";
        registry.register("commit_seconds", help, new.commit_seconds.clone());
        registry.register("frame_bytes", "Bytes of frames", new.frame_bytes.clone());
        registry.register("snapshots", "Catch-ups that were sent", new.snapshots.clone());
        registry.register(
            "slow_readers",
            "Connections ended because they read too slowly",
            new.too_slow.clone(),
        );
        registry.register("requests", "Requests by the class of their status", new.requests.clone());
        Self { registry, ..new }
    }

    /// A connection begins.
    pub(crate) fn connected(&self, transport: Transport) {
        self.connections.get_or_create(&transport.label()).inc();
    }

    /// A connection is over.
    pub(crate) fn disconnected(&self, transport: Transport) {
        self.connections.get_or_create(&transport.label()).dec();
    }

    /// A commit was answered.
    pub(crate) fn commit(&self, outcome: &'static str) {
        self.commits.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// A commit took this long until its answer.
    pub(crate) fn commit_took(&self, time: Duration) {
        self.commit_seconds.observe(time.as_secs_f64());
    }

    /// A frame came.
    pub(crate) fn received(&self, bytes: usize) {
        self.frame_bytes.get_or_create(&[("direction", "in")]).inc_by(bytes as u64);
    }

    /// A frame went.
    pub(crate) fn sent(&self, bytes: usize) {
        self.frame_bytes.get_or_create(&[("direction", "out")]).inc_by(bytes as u64);
    }

    /// A catch-up was sent.
    pub(crate) fn caught_up(&self) {
        self.snapshots.inc();
    }

    /// A connection read too slowly.
    pub(crate) fn ended_slow(&self) {
        self.too_slow.inc();
    }

    /// A request was answered with this status.
    pub(crate) fn answered(&self, status: u16) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&[("status", class)]).inc();
    }

    /// All of it, in the text format.
    pub(crate) fn encode(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("writing to a string does not fail");
        out
    }
}
