//! The core: the one task that owns engine, stores and connection of a profile.
//!
//! ```text
//!  Input (calls, outcomes) ─┐
//!  LinkEvent ───────────────┼─▶ step ─▶ transmit ─▶ tell events ─▶ settle waiters ─┐
//!  time ────────────────────┘◀─────────────────────────────────────────────────────┘
//! ```
//! Why it exists: with one owner there is nothing to lock and no order to get wrong. A call that waits
//! for the server is a [`waiting::Waiter`]; nothing else is held up by it.
//!
//! Invariant: nothing here waits for the network, except sign-out, which is the end of everything else.

mod account;
mod activity;
mod acts;
mod calls;
mod connection;
mod durable;
pub(crate) mod news;
mod pace;
mod people;
mod presence;
mod profile;
mod versions;
pub(crate) mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::OsRng;
use satchel_crypto::LocalKey;
use satchel_sync::{Engine, Event};
use satchel_wire::{AppId, Refusal, ServerFrame, WorkspaceId};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::api::{ApiError, ErrorKind, Progress, Reply, Request};
use crate::client::{ClientOptions, Mode};
use crate::credential::Credential;
use crate::home::{Home, Lock};
use crate::keyring::System;
use crate::keys::Keys;
use crate::problem::{disk, engine, key_lost, problem, stored};
use crate::server::{Reach, Server};
use crate::status::{Halt, Sources};
use crate::store::{Cell, Database, SqliteStore};
use crate::transport::{Link, LinkEvent, TransportChoice};

use account::Outcome;
use durable::Disk;
use news::{Change, News};
use pace::Pace;
use waiting::Waiter;

/// One call with where its answer goes.
#[derive(Debug)]
pub(crate) struct PendingCall {
    pub(crate) request: Request,
    pub(crate) progress: Option<mpsc::UnboundedSender<Progress>>,
    pub(crate) reply: Answer,
}

/// Where an answer goes.
pub(crate) type Answer = oneshot::Sender<Result<Reply, ApiError>>;

/// What comes in from this process.
#[derive(Debug)]
pub(crate) enum Input {
    /// A call.
    Call(Box<PendingCall>),
    /// The end of a conversation around accounts, to be applied.
    Outcome(Box<Outcome>),
    /// Close the profile.
    Close(oneshot::Sender<()>),
}

/// The turn to sign in: two at a time would be two apps in one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Free,
    Taken,
}

/// Inputs that are taken before what they changed is synced.
const INPUTS_AT_ONCE: usize = 64;

/// Whether the core goes on after its inputs.
enum Taken {
    All,
    Close(Option<oneshot::Sender<()>>),
}

/// The owner of one profile.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) home: Home,
    pub(crate) store: SqliteStore,
    pub(crate) engine: Engine,
    pub(crate) credential: Option<Credential>,
    pub(crate) halt: Option<Halt>,
    mode: Mode,
    reach: Reach,
    transport: TransportChoice,
    inbox: mpsc::WeakUnboundedSender<Input>,
    version: watch::Sender<u64>,
    news: News,
    rng: OsRng,
    server: Option<Server>,
    link: Option<Link>,
    /// The server has opened the present link.
    is_open: bool,
    /// Connections in a row that did not open.
    failures: u32,
    retry_at: Option<Instant>,
    take_over: Option<AppId>,
    /// The WebSocket did not get through, plain requests did.
    is_websocket_blocked: bool,
    /// How many waiting changes the server was told of.
    waiting_told: u64,
    /// Whether a sign-in is under way.
    turn: Turn,
    /// Why the server cannot take changes now.
    refusal: Option<Refusal>,
    /// What stops the sync on this side.
    trouble: Option<String>,
    acknowledged_at: Option<u64>,
    waiters: Vec<Waiter>,
    /// Answers to requests on the link.
    answers: BTreeMap<u32, Result<(), Refusal>>,
    /// What came with answers that are more than yes or no.
    contents: BTreeMap<u32, ServerFrame>,
    next_request: u32,
    /// Pings without an answer: what the server accepted before one has come when its answer comes.
    pings: u32,
    /// Some workspace may be blocked by an alarm.
    is_alarmed: bool,
    /// When this app is to do something for others by itself.
    duty_at: Option<Instant>,
    /// What this app says of itself to the other members, while a face wants it to.
    telling: Option<presence::Telling>,
    disk: Disk,
    pace: Pace,
    /// What the present call edited.
    touched: Vec<(WorkspaceId, satchel_model::RecordId)>,
    // Last: it is given back when everything else is closed.
    _lock: Lock,
}

impl Core {
    /// Takes the profile and opens its stores.
    pub(crate) fn open(
        options: ClientOptions,
        inbox: mpsc::WeakUnboundedSender<Input>,
        (version, listeners): (watch::Sender<u64>, broadcast::Sender<Change>),
    ) -> Result<Self, ApiError> {
        let tried = "opening the profile";
        let keys = Keys::new(Arc::new(System), options.keyring);
        let home = Home::prepare(&options.home, keys).map_err(|e| disk(tried, &e))?;
        let lock = home.lock().map_err(|e| disk(tried, &e))?;
        let lock = lock.ok_or_else(|| problem(ErrorKind::Locked, tried, "another process keeps it"))?;
        home.finish_wipe().map_err(|e| disk("finishing the sign-out", &e))?;
        home.release_left().map_err(|e| disk("finishing the sign-out", &e))?;
        let mut store = SqliteStore { scratch: open_scratch(&home)?, account: None };
        let credential = open_account(&home, &mut store)?;
        let identity = credential.as_ref().and_then(Credential::identity);
        let engine = Engine::open(identity, &store).map_err(|e| engine(tried, &e))?;
        let mut core = Self {
            home,
            store,
            engine,
            credential,
            halt: None,
            mode: options.mode,
            reach: Reach { extra_ca: options.extra_ca, proxy: options.proxy },
            transport: options.transport,
            inbox,
            version,
            news: News::new(listeners),
            rng: OsRng,
            server: None,
            link: None,
            is_open: false,
            failures: 0,
            retry_at: None,
            take_over: None,
            is_websocket_blocked: false,
            waiting_told: 0,
            turn: Turn::Free,
            refusal: None,
            trouble: None,
            acknowledged_at: None,
            waiters: Vec::new(),
            answers: BTreeMap::new(),
            contents: BTreeMap::new(),
            next_request: 1,
            pings: 0,
            is_alarmed: false,
            duty_at: None,
            telling: None,
            disk: Disk::new(),
            pace: Pace::default(),
            touched: Vec::new(),
            _lock: lock,
        };
        core.read_notes().map_err(|e| stored(tried, &e))?;
        Ok(core)
    }

    fn read_notes(&mut self) -> Result<(), crate::store::StoreError> {
        let Some(account) = &self.store.account else { return Ok(()) };
        self.halt = account.text(&Cell::device("halt"))?.as_deref().and_then(Halt::decode);
        let acknowledged = account.text(&Cell::device("acknowledged"))?;
        self.acknowledged_at = acknowledged.and_then(|text| text.parse().ok());
        Ok(())
    }

    /// Runs until the last handle is gone or one closes the profile.
    pub(crate) async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        if self.mode == Mode::Agent && self.credential.is_some() {
            self.start_link();
        }
        let closing = loop {
            self.flush().await;
            self.settle().await;
            // A call that was settled may have made an edit: it goes out now, not with the next event.
            self.flush().await;
            let wake = self.next_wake();
            tokio::select! {
                input = inputs.recv() => match self.take_inputs(input, &mut inputs) {
                    Taken::All => {}
                    Taken::Close(done) => break done,
                },
                event = next_event(&mut self.link) => {
                    self.disk.active_at = Instant::now();
                    self.on_link(event);
                    // Who waits is answered before more is asked for: of a fresh app, the tree before the bodies.
                    if let Ok(input) = inputs.try_recv()
                        && let Taken::Close(done) = self.take_inputs(Some(input), &mut inputs)
                    {
                        break done;
                    }
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.on_time(),
            }
        };
        self.shut_down().await;
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Takes an input, and those that came with it: their changes share one sync.
    fn take_inputs(&mut self, first: Option<Input>, inputs: &mut mpsc::UnboundedReceiver<Input>) -> Taken {
        self.disk.active_at = Instant::now();
        let mut next = first;
        for taken in 1.. {
            match next {
                Some(Input::Call(call)) => self.on_call(*call),
                Some(Input::Outcome(outcome)) => self.on_outcome(*outcome),
                Some(Input::Close(done)) => return Taken::Close(Some(done)),
                None => return Taken::Close(None),
            }
            next = if taken < INPUTS_AT_ONCE { inputs.try_recv().ok() } else { None };
            if next.is_none() {
                break;
            }
        }
        Taken::All
    }

    async fn shut_down(mut self) {
        self.pace = Pace::default();
        self.flush().await;
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.write_acknowledged();
        // Stores close and the lock is given back before the caller is told.
        drop(self);
    }

    fn write_acknowledged(&self) {
        if let (Some(account), Some(at)) = (&self.store.account, self.acknowledged_at) {
            let cell = Cell::device("acknowledged");
            let now = at.to_string();
            if account.text(&cell).ok().flatten().as_deref() != Some(now.as_str()) {
                // Only a display: a full disk must not keep the profile from closing.
                let _ = account.set_cell(&cell, Some(now.as_bytes()));
            }
        }
    }

    /// Passes the engine's events on: to watchers, to the time of the last acknowledgement, to retries.
    fn tell_events(&mut self) {
        let mut changed = false;
        while let Some(event) = self.engine.poll_event() {
            changed = true;
            match event {
                Event::Acknowledged { workspace } => {
                    self.acknowledged_at = Some(now_ms());
                    self.note_settled(workspace);
                }
                Event::Reconnect { after_ms } => self.back_off(after_ms),
                Event::Alarm { alarm, detail, .. } => {
                    tracing::warn!(alarm = alarm.as_str(), detail, "an alarm of the sync");
                    self.is_alarmed = true;
                }
                Event::Changed { workspace, records, by_others } => {
                    if by_others {
                        self.pace.note_news(&records);
                    }
                    self.news.note(workspace, records);
                }
                Event::StateChanged | Event::WorkspaceAdded { .. } => {}
            }
        }
        if changed {
            self.note_change();
        }
        self.tell_news();
    }

    /// Tells watchers to look again.
    fn note_change(&self) {
        self.version.send_modify(|version| *version = version.wrapping_add(1));
        self.news.tell(Change::State);
    }

    /// What a status is made of.
    pub(crate) fn sources(&self) -> Sources<'_> {
        Sources {
            engine: &self.engine,
            credential: self.credential.as_ref(),
            halt: self.halt.as_ref(),
            trouble: self.trouble.as_deref(),
            acknowledged_at: self.acknowledged_at,
            is_agent: self.mode == Mode::Agent,
            attempt: self.failures.saturating_add(1),
        }
    }

    fn set_halt(&mut self, halt: Option<Halt>) {
        if self.halt == halt {
            return;
        }
        self.halt = halt;
        if let Some(account) = &self.store.account {
            let text = self.halt.as_ref().map(Halt::encode);
            // Only a display; the server says it again.
            let _ = account.set_cell(&Cell::device("halt"), text.as_deref().map(str::as_bytes));
        }
        self.note_change();
    }
}

async fn next_event(link: &mut Option<Link>) -> LinkEvent {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

fn open_scratch(home: &Home) -> Result<Database, ApiError> {
    let tried = "opening the Scratch Pad's store";
    let path = home.scratch_key();
    let key = home.keys().read(&path).map_err(|e| key_lost(tried, &path, &e))?;
    let key = match key {
        Some(key) => key,
        None if home.scratch_store().exists() => {
            let detail = format!("its key {} is gone", path.display());
            return Err(problem(ErrorKind::Damaged, tried, detail));
        }
        None => {
            let key = home.keys().make(&path).map_err(|e| disk(tried, &e))?;
            home.sync().map_err(|e| disk(tried, &e))?;
            key
        }
    };
    Database::open(&home.scratch_store(), key).map_err(|e| stored(tried, &e))
}

/// Opens the account's store, if there is one with a session in it.
fn open_account(home: &Home, store: &mut SqliteStore) -> Result<Option<Credential>, ApiError> {
    let tried = "opening the account's store";
    let path = home.account_key();
    let key: Option<LocalKey> = home.keys().read(&path).map_err(|e| key_lost(tried, &path, &e))?;
    let Some(key) = key else {
        if home.account_store().exists() {
            // Nothing in it can be opened any more; the server still has what it acknowledged.
            home.set_account_aside().map_err(|e| disk(tried, &e))?;
        }
        return Ok(None);
    };
    let database = Database::open(&home.account_store(), key).map_err(|e| stored(tried, &e))?;
    let session = database.cell(&Cell::device("session")).map_err(|e| stored(tried, &e))?;
    let Some(session) = session else {
        // A sign-in that did not come to its end has kept nothing yet. With content beside it, the row is
        // damaged: to take that for signed out would let the next sign-in remove changes that wait.
        let is_empty = database.workspaces().map_err(|e| stored(tried, &e))?.is_empty();
        let gone = || problem(ErrorKind::Damaged, tried, "the stored session is gone");
        return if is_empty { Ok(None) } else { Err(gone()) };
    };
    let credential = Credential::decode(&session).filter(|credential| credential.identity().is_some());
    let credential =
        credential.ok_or_else(|| problem(ErrorKind::Damaged, tried, "the stored session cannot be read"))?;
    store.account = Some(database);
    Ok(Some(credential))
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use satchel_sync::{Batch, Store, Write};

    use super::*;
    use crate::KeyringChoice;

    #[test]
    fn a_lost_session_beside_content_is_damage_and_not_signed_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = Keys::new(Arc::new(System), KeyringChoice::Off);
        let home = Home::prepare(folder.path(), keys).expect("it is prepared");
        let mut store = SqliteStore { scratch: open_scratch(&home).expect("it opens"), account: None };
        let key = home.keys().make(&home.account_key()).expect("it is made");
        drop(Database::open(&home.account_store(), key).expect("it opens"));
        assert!(open_account(&home, &mut store).expect("a begun sign-in").is_none());
        let key = home.keys().read(&home.account_key()).expect("it is read").expect("it is there");
        store.account = Some(Database::open(&home.account_store(), key).expect("it opens"));
        let workspace = WorkspaceId::new([7; 16]);
        let batch = Batch { workspace, writes: vec![Write::AddWorkspace] };
        store.apply(&batch).expect("it is written");
        store.account = None;
        let error = open_account(&home, &mut store).expect_err("the session is gone");
        assert_eq!(error.kind, ErrorKind::Damaged);
    }
}
