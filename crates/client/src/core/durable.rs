//! When the local store is synced, and who waits for it.
//!
//! ```text
//! call ─▶ applied ─▶ frame on its way to the server ─▶ synced ─▶ answered
//! feed ─▶ applied ─▶ shown ─▶ synced within a second
//! ```
//! Invariant: no call that changed something is answered before the change is on the disk, and all calls that
//! came meanwhile share one sync. What only came from the server is synced with the next edit or a little later:
//! it would come again.

use std::time::Duration;

use tokio::time::Instant;

use super::waiting::Waiter;
use super::{Answer, Core};
use crate::api::{ApiError, Reply};
use crate::problem::engine;

/// How long something that only came from the server may stay in the system's cache.
const LAZY_TIME: Duration = Duration::from_secs(1);
/// How long nothing must have come before the log is moved into the database.
const IDLE_TIME: Duration = Duration::from_millis(300);
/// How long no edit must have come before packs for others are made: one takes longer than an edit may.
const QUIET_TIME: Duration = Duration::from_millis(100);
/// How long they wait for that at most.
const PACKS_WAIT_MAX: Duration = Duration::from_secs(10);
/// A log with more pages than this that are not durable is synced at once: later it would take longer.
const LAZY_PAGES: usize = 2_000;

/// Someone who is told only once the disk has everything.
#[derive(Debug)]
enum Held {
    /// With this answer.
    Answer(Answer, Box<Result<Reply, ApiError>>),
    /// When the server has it, too.
    Waiter(Box<Waiter>),
}

/// What the core knows of its disk.
#[derive(Debug)]
pub(super) struct Disk {
    /// Something was changed that nobody may be told of before it is on the disk.
    pub(super) must_sync: bool,
    /// Who is to be told.
    held: Vec<Held>,
    /// When the local store is to be synced and tidied.
    pub(super) upkeep_at: Option<Instant>,
    /// When something last came in.
    pub(super) active_at: Instant,
    /// When an edit last came.
    pub(super) edited_at: Option<Instant>,
    /// Since when packs wait for a moment without edits, and when they are looked at again.
    packs_wait: Option<(Instant, Instant)>,
    /// How many pages the logs had when they were last durable.
    undurable_from: usize,
}

impl Disk {
    pub(super) fn new() -> Self {
        let active_at = Instant::now();
        let (edited_at, packs_wait) = (None, None);
        let (must_sync, held, upkeep_at, undurable_from) = (false, Vec::new(), None, 0);
        Self { must_sync, held, upkeep_at, active_at, edited_at, packs_wait, undurable_from }
    }

    /// When packs that wait are looked at again.
    pub(super) fn packs_at(&self) -> Option<Instant> {
        self.packs_wait.map(|(_, at)| at)
    }

    /// Whether packs are to wait at this moment.
    fn packs_wait(&mut self, now: Instant) -> bool {
        let since = self.packs_wait.map_or(now, |(since, _)| since);
        let quiet_at = self.edited_at.map(|at| (at + QUIET_TIME).min(since + PACKS_WAIT_MAX));
        self.packs_wait = quiet_at.filter(|at| *at > now).map(|at| (since, at));
        self.packs_wait.is_some()
    }
}

impl Core {
    /// Answers, after the disk has everything that was changed until now.
    pub(super) fn answer(&mut self, reply: Answer, answer: Result<Reply, ApiError>) {
        if self.disk.must_sync {
            self.disk.held.push(Held::Answer(reply, Box::new(answer)));
        } else {
            let _ = reply.send(answer);
        }
    }

    /// The same for one that waits for the server.
    pub(super) fn add_waiter_once_durable(&mut self, waiter: Waiter) {
        if self.disk.must_sync {
            self.disk.held.push(Held::Waiter(Box::new(waiter)));
        } else {
            self.add_waiter(waiter);
        }
    }

    /// Sends what there is to send, then makes what was changed durable, then tells so.
    pub(super) async fn flush(&mut self) {
        self.tell_events(); // what the server sent: who watches asks for it now
        self.look_for_duties();
        self.transmit().await;
        self.tell_presence();
        self.tell_waiting();
        self.tell_events();
        if self.disk.must_sync {
            // The connection's task writes its frames to the socket now: they travel while the disk works.
            tokio::task::yield_now().await;
            self.make_durable();
        }
        self.plan_upkeep();
    }

    /// Lets packs for others wait while edits come.
    pub(super) fn consider_packs(&mut self) {
        let wait = if self.engine.is_packing() {
            self.disk.packs_wait(Instant::now())
        } else {
            self.disk.packs_wait = None;
            false
        };
        self.engine.let_packs_wait(wait);
    }

    pub(super) fn make_durable(&mut self) {
        self.disk.must_sync = false;
        let result = self.engine.make_durable(&mut self.store);
        let result = result.map_err(|error| engine("storing a change", &error));
        for held in std::mem::take(&mut self.disk.held) {
            match (held, &result) {
                (Held::Answer(reply, answer), Ok(())) => drop(reply.send(*answer)),
                (Held::Waiter(waiter), Ok(())) => self.add_waiter(*waiter),
                (Held::Answer(reply, _), Err(error)) => drop(reply.send(Err(error.clone()))),
                (Held::Waiter(waiter), Err(error)) => drop(waiter.reply.send(Err(error.clone()))),
            }
        }
    }

    fn plan_upkeep(&mut self) {
        if self.store.is_durable() {
            self.disk.undurable_from = self.store.log_pages();
        } else if self.store.log_pages() > self.disk.undurable_from + LAZY_PAGES {
            self.sync_lazily();
        }
        let has_work = !self.store.is_durable() || self.store.log_pages() > 0;
        if has_work && self.disk.upkeep_at.is_none() {
            self.disk.upkeep_at = Some(Instant::now() + LAZY_TIME);
        }
    }

    pub(super) fn on_upkeep_time(&mut self) {
        let now = Instant::now();
        if self.disk.upkeep_at.is_none_or(|at| at > now) {
            return;
        }
        self.disk.upkeep_at = None;
        self.sync_lazily();
        if now.duration_since(self.disk.active_at) < IDLE_TIME {
            self.disk.upkeep_at = Some(now + LAZY_TIME);
        } else if let Err(error) = self.store.tidy() {
            tracing::warn!(error = %error, "tidying the local store; trying again later");
        }
    }

    fn sync_lazily(&mut self) {
        if let Err(error) = self.engine.make_durable(&mut self.store) {
            tracing::warn!(error = %error, "syncing the local store; trying again with the next change");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_wait_for_a_moment_without_edits_and_not_for_ever() {
        let mut disk = Disk::new();
        let begin = Instant::now();
        assert!(!disk.packs_wait(begin), "nobody has edited");
        let step = QUIET_TIME / 2;
        let mut at = begin;
        let mut waited = 0;
        disk.edited_at = Some(at);
        while disk.packs_wait(at) {
            assert!(disk.packs_at().is_some_and(|wake| wake > at), "it looks again");
            at += step;
            disk.edited_at = Some(at);
            waited += 1;
        }
        assert_eq!(step * waited, PACKS_WAIT_MAX);
        disk.edited_at = Some(at);
        assert!(disk.packs_wait(at), "the next ones wait anew");
        assert!(!disk.packs_wait(at + QUIET_TIME), "nothing came");
        assert_eq!(disk.packs_at(), None);
    }
}
