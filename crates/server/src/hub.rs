//! Which connection hears of what: the fan-out of everything that the service publishes.
//!
//! Why it exists: the writer of the store calls it after each group of commits, in the order of the
//! ledger; it puts frames into the queues of the connections and never waits for one of them.
//!
//! Presence is relayed here and kept nowhere: a hint for who keeps up.
//!
//! Invariants: a queue's frames come in the order of the outcomes; an entry is encoded once, whatever
//! the number of its readers; `Accepted` and `Stale` stand in a feed where the ledger has them.
//! Locks are taken in the order registry, queue.
//!
//! It knows neither transports nor the store, and checks no rights: who becomes a reader was checked
//! by the service when it read the snapshot.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use minicbor::bytes::ByteVec;
use satchel_wire::{
    AccountId, AppId, CommitId, ErrorCode, Opened, Refusal, ServerFrame, SignedHeader, WorkspaceEntry,
    WorkspaceId, encode,
};
use tokio::sync::Notify;

use crate::metrics::Metrics;
use crate::service::{ConnectionId, Outcome, Publish, Session};
use crate::session::Outbox;

/// The connections of this process.
#[derive(Debug)]
pub(crate) struct Hub {
    registry: Mutex<Registry>,
    next: AtomicU64,
    idle: Notify,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Registry {
    connections: HashMap<ConnectionId, Connection>,
    readers: HashMap<WorkspaceId, HashSet<ConnectionId>>,
    accounts: HashMap<AccountId, HashSet<ConnectionId>>,
    /// Workspaces that came or went while some connection was opening, with the number of openings.
    recent: Vec<(AccountId, ServerFrame)>,
    opening: usize,
    /// Connections that are gone here and not yet at the service.
    closing: usize,
    stopped: bool,
}

#[derive(Debug)]
struct Connection {
    outbox: Arc<Outbox>,
    account: Option<AccountId>,
    app: Option<AppId>,
    reads: Vec<WorkspaceId>,
    /// Where it has said that it is present.
    present: Vec<WorkspaceId>,
}

/// A connection that is being opened: what its account hears of from here on is not lost.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    hub: &'a Hub,
    since: usize,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut registry = self.hub.lock();
        registry.opening -= 1;
        if registry.opening == 0 {
            registry.recent = Vec::new();
        }
    }
}

impl Hub {
    /// A hub without connections.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { registry: Mutex::default(), next: AtomicU64::new(1), idle: Notify::new(), metrics }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        // The registry is valid after every statement, so a panic elsewhere does not spoil it.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection that is not open yet. None while the server stops.
    pub(crate) fn add(&self) -> Option<(ConnectionId, Arc<Outbox>)> {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::new(Outbox::default());
        let connection = Connection {
            outbox: outbox.clone(),
            account: None,
            app: None,
            reads: Vec::new(),
            present: Vec::new(),
        };
        let mut registry = self.lock();
        if registry.stopped {
            return None;
        }
        registry.connections.insert(id, connection);
        Some((id, outbox))
    }

    /// To be called before the service opens a connection.
    pub(crate) fn begin_opening(&self) -> Opening<'_> {
        let mut registry = self.lock();
        registry.opening += 1;
        Opening { hub: self, since: registry.recent.len() }
    }

    /// Makes a connection hear of its account, and sends `Opened` and what came since. False if it
    /// is gone.
    pub(crate) fn open(&self, opening: &Opening<'_>, peer: &Session, opened: Opened) -> bool {
        let Session { connection: id, account, app, sync, .. } = *peer;
        let mut registry = self.lock();
        let Some(connection) = registry.connections.get_mut(&id) else { return false };
        connection.account = Some(account);
        connection.app = Some(app);
        let outbox = connection.outbox.clone();
        outbox.push(&ServerFrame::Opened(opened));
        if sync {
            registry.accounts.entry(account).or_default().insert(id);
            let came = registry.recent[opening.since..].iter().filter(|(of, _)| *of == account);
            came.for_each(|(_, frame)| outbox.push(frame));
        }
        true
    }

    /// Makes a connection a reader of a workspace. Its own queue decides what it gets.
    pub(crate) fn add_reader(&self, id: ConnectionId, workspace: WorkspaceId) {
        let mut registry = self.lock();
        let Some(connection) = registry.connections.get_mut(&id) else { return };
        if !connection.reads.contains(&workspace) {
            connection.reads.push(workspace);
        }
        registry.readers.entry(workspace).or_default().insert(id);
    }

    /// Ends a connection's feed of a workspace.
    pub(crate) fn remove_reader(&self, id: ConnectionId, workspace: WorkspaceId) {
        let mut registry = self.lock();
        if let Some(connection) = registry.connections.get_mut(&id) {
            connection.reads.retain(|read| *read != workspace);
            connection.outbox.unsubscribe(workspace);
        }
        remove(&mut registry.readers, &workspace, id);
    }

    /// Forgets a connection. [`Hub::closed`] must follow once the service has closed it.
    pub(crate) fn remove(&self, id: ConnectionId) {
        let mut registry = self.lock();
        registry.closing += 1;
        for workspace in registry.present(id) {
            registry.relay(id, workspace, &[]);
        }
        let Some(connection) = registry.connections.remove(&id) else { return };
        for workspace in connection.reads {
            remove(&mut registry.readers, &workspace, id);
        }
        if let Some(account) = connection.account {
            remove(&mut registry.accounts, &account, id);
        }
        if connection.outbox.ended() == Some(ErrorCode::TooSlow) {
            self.metrics.ended_slow();
        }
    }

    /// The service has closed a connection that was removed.
    pub(crate) fn closed(&self) {
        self.lock().closing -= 1;
        self.idle.notify_waiters();
    }

    /// Takes no more connections and ends all there are.
    pub(crate) fn stop(&self) {
        let outboxes: Vec<_> = {
            let mut registry = self.lock();
            registry.stopped = true;
            registry.connections.values().map(|connection| connection.outbox.clone()).collect()
        };
        let refusal = Refusal::new(ErrorCode::GoingAway, "the server is shutting down; reconnect");
        for outbox in outboxes {
            outbox.end(&refusal);
        }
    }

    /// Waits until no connection is left.
    pub(crate) async fn wait_idle(&self) {
        loop {
            let mut noticed = std::pin::pin!(self.idle.notified());
            noticed.as_mut().enable();
            {
                let registry = self.lock();
                if registry.connections.is_empty() && registry.closing == 0 {
                    return;
                }
            }
            noticed.await;
        }
    }

    fn outbox(&self, id: ConnectionId) -> Option<Arc<Outbox>> {
        self.lock().connections.get(&id).map(|connection| connection.outbox.clone())
    }

    /// Sends the answer to a commit in its place in the feed.
    fn answer(&self, by: ConnectionId, workspace: WorkspaceId, reached: Option<u64>, frame: &ServerFrame) {
        let Some(outbox) = self.outbox(by) else { return };
        if let Some(took) = outbox.note_answer() {
            self.metrics.commit_took(took);
        }
        outbox.push_answer(workspace, reached, frame);
    }

    fn spread(&self, entry: NewEntry) {
        let NewEntry { workspace, commit, seq, header, envelopes, by } = entry;
        let readers: Vec<_> = {
            let registry = self.lock();
            let ids = registry.readers.get(&workspace).into_iter().flatten().filter(|id| **id != by);
            ids.filter_map(|id| registry.connections.get(id)).map(|one| one.outbox.clone()).collect()
        };
        if !readers.is_empty() {
            let frame = Bytes::from(encode(&ServerFrame::Entry { workspace, seq, header, envelopes }));
            for outbox in readers {
                outbox.push_entry(workspace, seq, frame.clone());
            }
        }
        self.answer(by, workspace, Some(seq), &ServerFrame::Accepted { workspace, commit, seq });
    }

    fn add_workspace(&self, account: AccountId, entry: WorkspaceEntry, by: ConnectionId) {
        if let Some(outbox) = self.outbox(by) {
            outbox.start_live(entry.workspace);
            self.add_reader(by, entry.workspace);
        }
        self.tell(account, &ServerFrame::WorkspaceAdded(entry), Some(by));
    }

    /// Ends an account's feeds of a workspace, and what is on the way to them.
    fn end_feeds(&self, account: AccountId, workspace: WorkspaceId) {
        let mut registry = self.lock();
        let ids: Vec<_> = registry.accounts.get(&account).into_iter().flatten().copied().collect();
        for id in ids {
            registry.leave(id, workspace);
            if let Some(connection) = registry.connections.get_mut(&id) {
                connection.reads.retain(|read| *read != workspace);
                connection.outbox.lose(workspace);
            }
            remove(&mut registry.readers, &workspace, id);
        }
    }

    fn remove_workspace(&self, account: AccountId, workspace: WorkspaceId) {
        self.end_feeds(account, workspace);
        self.tell(account, &ServerFrame::WorkspaceRemoved { workspace }, None);
    }

    fn show_workspace(&self, account: AccountId, entry: WorkspaceEntry) {
        let registry = self.lock();
        let ids = registry.accounts.get(&account).into_iter().flatten();
        for connection in ids.filter_map(|id| registry.connections.get(id)) {
            connection.outbox.regain(entry.workspace);
        }
        drop(registry);
        self.tell(account, &ServerFrame::WorkspaceAdded(entry), None);
    }

    /// Tells the other readers of a workspace where an app is.
    pub(crate) fn relay_presence(&self, id: ConnectionId, workspace: WorkspaceId, sealed: &[u8]) {
        let mut registry = self.lock();
        let Some(connection) = registry.connections.get_mut(&id) else { return };
        if !connection.reads.contains(&workspace) {
            return;
        }
        connection.present.retain(|present| *present != workspace);
        if !sealed.is_empty() {
            connection.present.push(workspace);
        }
        registry.relay(id, workspace, sealed);
    }

    /// Tells the syncing connections of an account, and those that are opening.
    fn tell(&self, account: AccountId, frame: &ServerFrame, but: Option<ConnectionId>) {
        let mut registry = self.lock();
        if registry.opening > 0 {
            registry.recent.push((account, frame.clone()));
        }
        let ids = registry.accounts.get(&account).into_iter().flatten();
        for connection in ids.filter(|id| Some(**id) != but).filter_map(|id| registry.connections.get(id)) {
            connection.outbox.push(frame);
        }
    }
}

impl Registry {
    fn present(&self, id: ConnectionId) -> Vec<WorkspaceId> {
        self.connections.get(&id).map(|connection| connection.present.clone()).unwrap_or_default()
    }

    /// Tells the others that an app is not present any more, if it was.
    fn leave(&mut self, id: ConnectionId, workspace: WorkspaceId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let before = connection.present.len();
        connection.present.retain(|present| *present != workspace);
        if connection.present.len() < before {
            self.relay(id, workspace, &[]);
        }
    }

    fn relay(&self, id: ConnectionId, workspace: WorkspaceId, sealed: &[u8]) {
        let Some(connection) = self.connections.get(&id) else { return };
        let Some((account, app)) = connection.account.zip(connection.app) else { return };
        let frame = ServerFrame::PresenceOf { workspace, account, app, sealed: sealed.to_vec().into() };
        let frame = Bytes::from(encode(&frame));
        let others = self.readers.get(&workspace).into_iter().flatten().filter(|other| **other != id);
        for other in others.filter_map(|other| self.connections.get(other)) {
            other.outbox.push_hint(workspace, frame.clone());
        }
    }
}

/// An entry that was just accepted.
struct NewEntry {
    workspace: WorkspaceId,
    commit: CommitId,
    seq: u64,
    header: SignedHeader,
    envelopes: Vec<ByteVec>,
    by: ConnectionId,
}

fn remove<K: Eq + Hash>(map: &mut HashMap<K, HashSet<ConnectionId>>, key: &K, id: ConnectionId) {
    if let Some(ids) = map.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            map.remove(key);
        }
    }
}

impl Publish for Hub {
    fn publish(&self, outcome: Outcome) {
        match outcome {
            Outcome::Accepted { workspace, commit, head, header, envelopes, by } => {
                self.metrics.commit("accepted");
                self.spread(NewEntry { workspace, commit, seq: head.seq, header, envelopes, by });
            }
            Outcome::Repeated { workspace, commit, seq, by } => {
                self.metrics.commit("repeated");
                self.answer(by, workspace, None, &ServerFrame::Accepted { workspace, commit, seq });
            }
            Outcome::Stale { workspace, commit, head, records, by } => {
                self.metrics.commit("stale");
                self.answer(by, workspace, None, &ServerFrame::Stale { workspace, commit, head, records });
            }
            Outcome::Rejected { workspace, commit, refusal, by } => {
                self.metrics.commit("rejected");
                let frame = ServerFrame::Rejected { workspace, commit: Some(commit), refusal };
                self.answer(by, workspace, None, &frame);
            }
            Outcome::WorkspaceAdded { account, entry, by } => self.add_workspace(account, entry, by),
            Outcome::FeedsEnded { account, workspace } => self.end_feeds(account, workspace),
            Outcome::WorkspaceRemoved { account, workspace } => self.remove_workspace(account, workspace),
            Outcome::WorkspaceShown { account, entry } => self.show_workspace(account, entry),
            Outcome::Joined { workspace, admins, proofs } => {
                let frame = ServerFrame::Joins { workspace, proofs };
                for admin in admins {
                    self.tell(admin, &frame, None);
                }
            }
            Outcome::Ended { connection, refusal } => {
                if let Some(outbox) = self.outbox(connection) {
                    outbox.end(&refusal);
                }
            }
        }
    }
}
