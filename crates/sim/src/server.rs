//! The server of a world: the real service and hub over a disk, and a tap on everything it publishes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use satchel_crypto::ServerSetup;
use satchel_server::service::{Outcome, Publish, Service};
use satchel_server::simulated::{Line, Switch};
use satchel_server::store::Store as ServerStore;
use satchel_server::{Config, Retention, SignUp};
use satchel_wire::{Incarnation, Nonce};

use crate::rng::SimRng;
use crate::tier::ServerDisk;

/// How long the real tier's writer may take for one commit before the run gives up.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(1);

/// Passes outcomes on to the hub and keeps a copy of each.
#[derive(Debug)]
struct Tap {
    hub: Arc<dyn Publish>,
    heard: Mutex<VecDeque<Outcome>>,
    changed: Condvar,
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Outcome>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publish for Tap {
    fn publish(&self, outcome: Outcome) {
        let copy = outcome.clone();
        self.hub.publish(outcome);
        self.lock().push_back(copy);
        self.changed.notify_all();
    }
}

fn is_answer(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Accepted { .. }
            | Outcome::Repeated { .. }
            | Outcome::Stale { .. }
            | Outcome::Rejected { .. }
    )
}

/// The secrets for passwords of every server here: making or reading them costs more than a history, and
/// nobody in it has a password.
pub(crate) fn the_setup() -> Arc<ServerSetup> {
    static SETUP: LazyLock<Arc<ServerSetup>> =
        LazyLock::new(|| Arc::new(ServerSetup::make(&mut SimRng::new(1, 1))));
    Arc::clone(&SETUP)
}

/// A server that runs.
struct Running {
    switch: Switch,
    service: Arc<Service>,
    store: Arc<dyn ServerStore>,
    tap: Arc<Tap>,
}

/// The server of a world, running or not.
pub(crate) struct Server<D: ServerDisk> {
    pub(crate) disk: D,
    setup: Arc<ServerSetup>,
    running: Option<Running>,
    max_apps: usize,
    nonces: u64,
}

impl<D: ServerDisk> Server<D> {
    pub(crate) fn new(disk: D, max_apps: usize) -> Self {
        let mut server = Self { disk, setup: the_setup(), running: None, max_apps, nonces: 0 };
        server.start();
        server
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(crate) fn start(&mut self) {
        let switch = Switch::default();
        let (heard, changed) = (Mutex::default(), Condvar::new());
        let tap = Arc::new(Tap { hub: switch.publisher(), heard, changed });
        let store = self.disk.open(tap.clone());
        let config = Config {
            max_apps: self.max_apps,
            sign_up: SignUp::Open,
            retention: Retention::default(),
            ..Config::default()
        };
        let service = Service::with_setup(&self.setup, store.clone(), tap.clone(), config);
        self.running = Some(Running { switch, service: Arc::new(service), store, tap });
    }

    /// Ends the process. Every line must have been dropped before.
    pub(crate) fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.service.stop();
        drop(running);
        self.disk.lose_unsynced();
    }

    /// Lets any number of apps be connected from the next start on.
    pub(crate) fn lift_limit(&mut self) {
        self.max_apps = 0;
    }

    pub(crate) fn store(&self) -> Option<&Arc<dyn ServerStore>> {
        self.running.as_ref().map(|running| &running.store)
    }

    /// A new connection, with what its welcome says.
    pub(crate) fn connect(&mut self) -> Option<(Line, Nonce, Incarnation)> {
        let running = self.running.as_ref()?;
        self.nonces += 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&self.nonces.to_le_bytes());
        let nonce = Nonce::new(nonce);
        let line = running.switch.connect(&running.service, nonce)?;
        Some((line, nonce, running.service.incarnation()))
    }

    /// Waits for the answer to a commit that was just handed over.
    pub(crate) fn wait_for_answer(&self) {
        let Some(running) = &self.running else { return };
        let heard = running.tap.lock();
        let waiting = |heard: &mut VecDeque<Outcome>| !heard.iter().any(is_answer);
        let (heard, timeout) = running
            .tap
            .changed
            .wait_timeout_while(heard, ANSWER_TIME_MAX, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        drop(heard);
        assert!(!timeout.timed_out(), "the store answers every push");
    }

    /// What was published since the last call.
    pub(crate) fn heard(&self) -> Vec<Outcome> {
        let Some(running) = &self.running else { return Vec::new() };
        running.tap.lock().drain(..).collect()
    }
}
