//! One app of a world: an engine over a brittle disk, its clock, and its connection.

use std::collections::VecDeque;

use satchel_server::simulated::Line;
use satchel_sync::{Disconnected, Engine, EngineError, Store};
use satchel_wire::{ClientFrame, Incarnation, Nonce, ServerFrame, WorkspaceId};

use crate::brittle::{Brittle, BrittleError};
use crate::check::View;
use crate::oracle::Token;
use crate::person::{self, Seat};
use crate::rng::SimRng;
use crate::tier::AppDisk;

/// Both ends of a connection, with what the app has sent and the server has not taken.
pub(crate) struct Link {
    pub(crate) line: Line,
    pub(crate) up: VecDeque<ClientFrame>,
}

/// A backup of an app's disk.
pub(crate) struct AppMark<B> {
    pub(crate) disk: B,
    pub(crate) next: Token,
}

/// Why a call of the engine failed.
pub(crate) type Failed<D> = EngineError<BrittleError<<D as Store>::Error>>;

/// One app.
pub(crate) struct App<D: AppDisk> {
    pub(crate) index: usize,
    pub(crate) seat: Seat,
    pub(crate) engine: Engine,
    pub(crate) store: Brittle<D>,
    pub(crate) rng: SimRng,
    pub(crate) link: Option<Link>,
    /// A connection that the app has given up, of which the server does not know it yet.
    pub(crate) ghost: Option<Link>,
    pub(crate) mark: Option<AppMark<D::Backup>>,
    pub(crate) clock_ms: u64,
    /// Some frame was changed on its way to this app, so it may be alarmed.
    pub(crate) was_lied_to: bool,
}

impl<D: AppDisk<Error: 'static>> App<D> {
    pub(crate) fn new(seat: Seat, seed: u64, disk: D) -> Self {
        let index = seat.app;
        let store = Brittle::new(disk);
        let engine = Engine::open(Some(person::identity(seat)), &store).expect("an empty store opens");
        let rng = SimRng::new(seed, 1_000 + index as u64);
        let clock_ms = 1_000_000;
        let (link, ghost, mark) = (None, None, None);
        Self { index, seat, engine, store, rng, link, ghost, mark, clock_ms, was_lied_to: false }
    }

    /// What a crash leaves: the disk.
    pub(crate) fn restart(&mut self) -> Result<(), Failed<D>> {
        self.give_up_link();
        self.store.mend();
        self.store.disk.reopen();
        self.engine = Engine::open(Some(person::identity(self.seat)), &self.store)?;
        Ok(())
    }

    /// The connection is gone; the server may still take what was sent on it.
    pub(crate) fn give_up_link(&mut self) {
        if let Some(link) = self.link.take() {
            self.ghost = Some(link);
        }
    }

    pub(crate) fn disconnect(&mut self) {
        self.give_up_link();
        self.engine.handle_disconnected(Disconnected::Unreachable { detail: "simulated".into() });
    }

    /// The server's process is gone, and all its ends of connections.
    pub(crate) fn lose_server(&mut self) {
        (self.link, self.ghost) = (None, None);
        self.engine.handle_disconnected(Disconnected::Unreachable { detail: "simulated".into() });
    }

    /// Takes the app's end of a new connection and sends its first frame.
    pub(crate) fn connect(
        &mut self,
        (line, nonce, incarnation): (Line, Nonce, Incarnation),
        take_over: Option<usize>,
    ) -> Result<(), Failed<D>> {
        self.engine.handle_connecting();
        let welcome = satchel_wire::Welcome {
            protocol_min: satchel_wire::PROTOCOL_VERSION,
            protocol_max: satchel_wire::PROTOCOL_VERSION,
            nonce,
            incarnation,
            server: String::new(),
        };
        let clock_ms = self.clock_ms;
        self.engine.handle_frame(ServerFrame::Welcome(welcome), clock_ms, &mut self.store)?;
        let waiting = u32::try_from(self.engine.waiting()).unwrap_or(u32::MAX);
        let take_over = take_over.map(person::app_id);
        let open = person::open_frame(self.seat, nonce, incarnation, take_over, waiting);
        self.link = Some(Link { line, up: VecDeque::from([open]) });
        Ok(())
    }

    /// Puts everything that the engine wants to send on its way. True if there was something.
    pub(crate) fn send(&mut self) -> Result<bool, Failed<D>> {
        let Some(link) = &mut self.link else { return Ok(false) };
        let mut sent = false;
        // What an admin's app does by itself, without the moment that it waits for others to come first.
        if let Some(at_ms) = self.engine.handle_time(self.clock_ms, &mut self.rng) {
            self.engine.handle_time(at_ms, &mut self.rng);
        }
        while let Some(frame) = self.engine.poll_transmit(&mut self.rng, &mut self.store)? {
            link.up.push_back(frame);
            sent = true;
        }
        Ok(sent)
    }

    /// Everything that the app shows.
    pub(crate) fn view(&self, workspace: WorkspaceId) -> Result<View, Failed<D>> {
        let mut view = View::new();
        for (record, node) in self.engine.nodes(workspace).into_iter().flatten() {
            let body = self.engine.body(workspace, *record, &self.store)?;
            view.insert(*record, (node.clone(), body));
        }
        Ok(view)
    }
}
