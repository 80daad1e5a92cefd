//! The core's side of its connection: opening, frames, ends, retries.
//!
//! A connection that ends is opened again after a random time out of a span that doubles (full
//! jitter), at once when a person asks. A refusal that waiting does not mend stops the tries; a place
//! may become free, so the app limit only slows them.

use std::time::Duration;

use rand_core::RngCore;
use satchel_sync::{Disconnected, Engine, SealedPack};
use satchel_wire::limits::WORKSPACES_LISTED_MAX;
use satchel_wire::{ClientFrame, ErrorCode, Refusal, ServerFrame, Welcome, WorkspaceId};
use tokio::time::Instant;

use super::Core;
use crate::api::ApiError;
use crate::client::Mode;
use crate::control::{Opening, greet};
use crate::problem::engine;
use crate::server::{Server, not_satchel};
use crate::status::Halt;
use crate::transport::{Link, LinkEvent, TransportChoice};

const RETRY_FIRST: Duration = Duration::from_millis(400);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// While someone waits for it, it is tried more often.
const RETRY_AWAITED_MAX: Duration = Duration::from_secs(2);
const RETRY_LIMITED: Duration = Duration::from_mins(1);
/// Packs that are taken before anything else is looked at, and how many are worth a thread.
const PACKS_AT_ONCE: usize = 64;
const PACKS_OF_A_THREAD: usize = 4;
/// Who waits for something of a fresh app that has come reads it before all of it is stored.
const STORE_DELAY: Duration = Duration::from_millis(5);
/// After the local store failed.
const RETRY_TROUBLE: Duration = Duration::from_secs(5);

impl Core {
    /// The server of the account.
    pub(super) fn server(&mut self) -> Result<Server, ApiError> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        let url = self.credential.as_ref().map(|credential| credential.server.clone()).unwrap_or_default();
        let server = Server::new(&url, &self.reach)?;
        self.server = Some(server.clone());
        Ok(server)
    }

    /// The transport to try: plain requests once the WebSocket was found to be blocked here.
    pub(super) fn choice(&self) -> TransportChoice {
        match self.transport {
            TransportChoice::Auto if self.is_websocket_blocked => TransportChoice::Polling,
            choice => choice,
        }
    }

    /// Corrects the number of waiting changes that the server was told with the opening.
    pub(super) fn tell_waiting(&mut self) {
        if !self.is_open || self.waiting_told == 0 || self.engine.waiting() > 0 {
            return;
        }
        self.waiting_told = 0;
        if let Some(link) = &self.link {
            link.send(&ClientFrame::Waiting { count: 0 });
        }
    }

    /// Asks the server for a sign of life on an open connection; a new one begins with the newest heads.
    pub(super) fn ping(&mut self) {
        if let Some(link) = self.link.as_ref().filter(|_| self.is_open) {
            link.send(&ClientFrame::Ping);
            self.pings += 1;
        }
    }

    /// Opens a connection unless there is one: at once, whatever stopped it before.
    pub(super) fn ensure_link(&mut self) {
        if self.link.is_none() && self.credential.is_some() {
            self.start_link();
        }
    }

    /// Begins to connect.
    pub(super) fn start_link(&mut self) {
        self.retry_at = None;
        self.is_open = false;
        self.pings = 0;
        self.refusal = None;
        self.trouble = None;
        match self.server() {
            Ok(server) => {
                self.engine.handle_connecting();
                self.link = Some(Link::open(server, self.choice()));
            }
            Err(error) => {
                self.failures += 1;
                self.engine.handle_disconnected(Disconnected::Certificate { detail: error.detail });
            }
        }
    }

    /// Ends the connection for a fresh one.
    pub(super) fn restart_link(&mut self) {
        self.link = None;
        self.engine.handle_disconnected(Disconnected::Idle);
        self.start_link();
    }

    pub(super) fn on_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::FellBack => self.is_websocket_blocked = true,
            LinkEvent::Closed(why) => self.end_link(why),
            LinkEvent::Frame(frame) => match &mut self.link {
                Some(link) if self.engine.stores_bodies_with(&frame) => link.put_back(frame, STORE_DELAY),
                _ => self.on_frame(*frame),
            },
            LinkEvent::PutBack(frame) => self.on_frame(*frame),
            LinkEvent::Pack(workspace, pack) => self.take_packs((workspace, pack)),
        }
    }

    /// Takes a pack, and those that came with it.
    fn take_packs(&mut self, first: (WorkspaceId, SealedPack)) {
        let more = std::iter::from_fn(|| self.link.as_mut()?.next_pack());
        let packs: Vec<_> = std::iter::once(first).chain(more).take(PACKS_AT_ONCE).collect();
        for (workspace, pack) in open_packs(&self.engine, packs) {
            if let Err(error) = self.engine.handle_pack(workspace, pack, &mut self.store) {
                self.stop_for(&engine("storing what the server sent", &error));
            }
        }
    }

    fn on_frame(&mut self, frame: ServerFrame) {
        match &frame {
            ServerFrame::Welcome(welcome) => {
                if let Err(why) = self.answer_welcome(welcome) {
                    return self.end_link(why);
                }
            }
            ServerFrame::Opened(opened) if opened.workspaces.len() > WORKSPACES_LISTED_MAX => {
                return self
                    .end_link(not_satchel("it lists more workspaces than an account can have".into()));
            }
            // Each new one is kept in the store: an app of so many takes no more of them.
            ServerFrame::WorkspaceAdded(_) if self.engine.workspaces().len() > WORKSPACES_LISTED_MAX => {
                return self.end_link(not_satchel("it adds more workspaces than an account can have".into()));
            }
            ServerFrame::Opened(_) => {
                self.is_open = true;
                self.failures = 0;
                self.set_halt(None);
            }
            ServerFrame::Refused(refusal) => return self.end_link(Disconnected::Refused(refusal.clone())),
            ServerFrame::Pong => self.pings = self.pings.saturating_sub(1),
            ServerFrame::Done { request } => drop(self.answers.insert(*request, Ok(()))),
            ServerFrame::PastHeaders { request, .. } if *request <= u32::MAX >> 1 => {
                let request = *request;
                self.answers.insert(request, Ok(()));
                self.contents.insert(request, frame);
                return;
            }
            ServerFrame::Versions { request, .. } | ServerFrame::Apps { request, .. } => {
                let request = *request;
                self.answers.insert(request, Ok(()));
                self.contents.insert(request, frame);
                return;
            }
            ServerFrame::Failed { request, refusal } => {
                self.answers.insert(*request, Err(refusal.clone()));
            }
            ServerFrame::Rejected { refusal, .. } => self.refusal = Some(refusal.clone()),
            _ => {}
        }
        if let Err(error) = self.engine.handle_frame(frame, super::now_ms(), &mut self.store) {
            self.stop_for(&engine("storing what the server sent", &error));
        }
    }

    fn answer_welcome(&mut self, welcome: &Welcome) -> Result<(), Disconnected> {
        let Some(credential) = &self.credential else { return Err(Disconnected::Idle) };
        let waiting = self.engine.waiting();
        let opening = Opening { sync: true, take_over: self.take_over.take(), waiting };
        let open = greet(credential, welcome, opening)?;
        self.waiting_told = waiting;
        if let Some(link) = &self.link {
            link.send(&open);
        }
        Ok(())
    }

    /// Does what an admin's app does by itself: new members confirmed, new keys begun.
    pub(super) fn look_for_duties(&mut self) {
        self.duty_at = None;
        if !self.is_open {
            return;
        }
        let now = super::now_ms();
        let next = self.engine.handle_time(now, &mut self.rng);
        self.duty_at = next.map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now).max(1)));
    }

    /// Sends everything that the engine has to send.
    pub(super) async fn transmit(&mut self) {
        if !self.is_open || self.pace.waits(&self.engine, &mut self.rng) {
            return;
        }
        self.consider_packs();
        loop {
            match self.engine.poll_transmit(&mut self.rng, &mut self.store) {
                Ok(Some(frame)) => {
                    if let Some(link) = &self.link {
                        link.send(&frame);
                    }
                    if matches!(frame, ClientFrame::Commit { .. }) {
                        self.pace.note_commit();
                        // The connection's task sends it now: the server has it while the next one is sealed.
                        tokio::task::yield_now().await;
                    }
                }
                Ok(None) => return,
                Err(error) => return self.stop_for(&engine("preparing changes for the server", &error)),
            }
        }
    }

    /// Something on this side stops the sync: nothing is lost, it goes on after a while.
    fn stop_for(&mut self, error: &ApiError) {
        tracing::warn!(tried = error.tried, detail = error.detail, "the sync stops for a while");
        self.end_link(Disconnected::Unreachable { detail: format!("{}: {}", error.tried, error.detail) });
        self.failures += 1;
        self.trouble = Some(format!("{}: {}", error.tried, error.detail));
        self.retry_at = self.wants_link().then(|| Instant::now() + RETRY_TROUBLE);
    }

    /// The server cannot take changes now: come back later.
    pub(super) fn back_off(&mut self, after_ms: u64) {
        if self.link.is_none() {
            return;
        }
        let refusal = self.refusal.take();
        let refusal = refusal.unwrap_or_else(|| Refusal::new(ErrorCode::Unavailable, ""));
        self.end_link(Disconnected::Refused(refusal));
        self.failures += 1;
        let after = Duration::from_millis(after_ms).min(RETRY_MAX);
        self.retry_at = self.wants_link().then(|| Instant::now() + after);
    }

    fn end_link(&mut self, why: Disconnected) {
        self.link = None;
        self.pings = 0;
        if !std::mem::take(&mut self.is_open) {
            self.failures = self.failures.saturating_add(1);
            self.is_websocket_blocked = false; // it may have been a server that is just starting
        }
        let halt = Halt::after(&why);
        let is_limit = matches!(&why, Disconnected::Refused(refusal) if refusal.code == ErrorCode::AppLimit);
        let wait = match &halt {
            None => Some(self.jitter()),
            Some(_) if is_limit => Some(RETRY_LIMITED / 2 + self.random_below(RETRY_LIMITED)),
            Some(_) => None,
        };
        if halt.is_some() {
            self.set_halt(halt);
        }
        self.engine.handle_disconnected(why);
        self.retry_at = wait.filter(|_| self.wants_link()).map(|wait| Instant::now() + wait);
    }

    fn jitter(&mut self) -> Duration {
        let is_awaited = !self.waiters.is_empty();
        let max = if is_awaited { RETRY_AWAITED_MAX } else { RETRY_MAX };
        let span = RETRY_FIRST.saturating_mul(1 << self.failures.min(10)).min(max);
        self.random_below(span)
    }

    fn random_below(&mut self, span: Duration) -> Duration {
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(self.rng.next_u64() % span_ms)
    }

    fn wants_link(&self) -> bool {
        self.credential.is_some() && (self.mode == Mode::Agent || !self.waiters.is_empty())
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.waiters
            .iter()
            .map(|waiter| waiter.deadline)
            .chain(self.retry_at)
            .chain(self.disk.upkeep_at)
            .chain(self.disk.packs_at())
            .chain(self.pace.wait_until())
            .chain(self.duty_at)
            .chain(self.telling.as_ref().map(|telling| telling.due))
            .min()
    }

    pub(super) fn on_time(&mut self) {
        self.on_upkeep_time();
        if self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.retry_at = None;
            if self.link.is_none() && self.wants_link() {
                self.start_link();
            }
        }
    }
}

/// Opens packs on two threads: of a fresh app that is most of the work.
fn open_packs(engine: &Engine, mut packs: Vec<(WorkspaceId, SealedPack)>) -> Vec<(WorkspaceId, SealedPack)> {
    if packs.len() < PACKS_OF_A_THREAD {
        return packs; // the engine opens them
    }
    let open = |(workspace, pack): (WorkspaceId, SealedPack)| match engine.pack_opener(workspace) {
        Some(opener) => (workspace, pack.open_with(&opener)),
        None => (workspace, pack),
    };
    let rest = packs.split_off(packs.len() / 2);
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| rest.into_iter().map(open).collect::<Vec<_>>());
        let mut opened: Vec<_> = packs.into_iter().map(open).collect();
        opened.extend(beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        opened
    })
}
