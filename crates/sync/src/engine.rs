//! The engine: all workspaces of one app, and its side of one connection.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{AppKey, EpochKey, IdentityKeys, WrapContext, derive_workspace_id};
use satchel_model::{Body, Kind, Node, OrderKey, Position, Tree};
use satchel_wire::{
    AccountId, AddedApp, AppId, Bytes32, CharterOp, ClientFrame, CommitHeader, CommitId, Content, Founding,
    Head, Incarnation, KeyWrap, Part, RecordId, ServerFrame, Signature, SignedHeader, WorkspaceId,
    WorkspaceKind,
};

use crate::EngineError;
use crate::planted::{self, Bug};
use crate::recent::State;
use crate::replica::{
    Disconnected, Flight, Link, Opened, Pending, Replica, Summary, SyncState, model_id, wire_id,
};
use crate::store::{Alarm, Batch, InFlight, Key, SCRATCH, Store, Write};
use crate::tries::TRIES_COUNTED;

/// Who this app is.
#[derive(Debug)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// This app.
    pub app: AppId,
    /// This app's signing key.
    pub app_key: AppKey,
    /// The account's identity keys.
    pub keys: IdentityKeys,
    /// This app's certificate.
    pub certificate: Vec<u8>,
}

/// A local edit: the whole wanted state of one item, or of one half of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The item.
    pub record: satchel_model::RecordId,
    /// Its node as it shall be; none leaves it.
    pub node: Option<Node>,
    /// Its body as it shall be; none leaves it.
    pub body: Option<Body>,
}

/// A workspace to be founded.
#[derive(Debug, Clone, Copy)]
pub struct Founded<'a> {
    /// What it is for.
    pub kind: WorkspaceKind,
    /// Its name.
    pub name: &'a str,
    /// The name that its founder is known by.
    pub founder: Option<&'a str>,
}

/// Something that whoever drives the engine may want to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Items changed by the feed.
    Changed {
        /// The workspace.
        workspace: WorkspaceId,
        /// The items.
        records: Vec<satchel_model::RecordId>,
        /// Whether another app changed them; else they are this app's own, which the server has accepted.
        by_others: bool,
    },
    /// Some state or count changed.
    StateChanged,
    /// The server acknowledged a commit, or a catch-up showed that both hold the same.
    Acknowledged {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// A workspace came.
    WorkspaceAdded {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// The server cannot take changes now; connect again after a while.
    Reconnect {
        /// When.
        after_ms: u64,
    },
    /// Something does not verify, or was refused.
    Alarm {
        /// The workspace.
        workspace: WorkspaceId,
        /// What.
        alarm: Alarm,
        /// For a person.
        detail: String,
    },
}

#[derive(Debug)]
pub(crate) enum Connection {
    Closed(Disconnected),
    Connecting,
    Open,
}

/// All workspaces of one app, and its side of one connection.
#[derive(Debug)]
pub struct Engine {
    pub(crate) identity: Option<Identity>,
    pub(crate) replicas: BTreeMap<WorkspaceId, Replica>,
    pub(crate) connection: Connection,
    pub(crate) outbox: VecDeque<ClientFrame>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) next_request: u32,
    pub(crate) next_act: u64,
    /// Packs are to wait: making one takes longer than an edit may.
    pub(crate) packs_wait: bool,
    /// What a planted bug writes only later.
    #[cfg(feature = "planted")]
    unsaved: Vec<Batch>,
}

impl Engine {
    /// Loads every workspace of a store.
    ///
    /// Without an identity only the Scratch Pad can be read.
    pub fn open<S: Store>(identity: Option<Identity>, store: &S) -> Result<Self, EngineError<S::Error>> {
        let mut replicas = BTreeMap::new();
        for workspace in store.workspaces().map_err(EngineError::Store)? {
            let loaded = store.load(workspace).map_err(EngineError::Store)?;
            replicas.insert(workspace, Replica::load(workspace, loaded, identity.as_ref()));
        }
        Ok(Self {
            identity,
            replicas,
            connection: Connection::Closed(Disconnected::Idle),
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            incarnation: None,
            next_request: 1 << 31,
            next_act: 0,
            packs_wait: false,
            #[cfg(feature = "planted")]
            unsaved: Vec::new(),
        })
    }

    // ---- reads ----

    /// The workspaces of the account; the Scratch Pad is not among them.
    pub fn workspaces(&self) -> Vec<WorkspaceId> {
        self.replicas.keys().copied().filter(|workspace| *workspace != SCRATCH).collect()
    }

    /// Every node of a workspace, as a person sees it.
    pub fn nodes(&self, workspace: WorkspaceId) -> Option<&BTreeMap<satchel_model::RecordId, Node>> {
        self.replicas.get(&workspace).map(|replica| &replica.nodes)
    }

    /// The tree of those nodes; it is built anew only after something moved.
    pub fn tree(&self, workspace: WorkspaceId) -> Option<Arc<Tree>> {
        self.replicas.get(&workspace).map(Replica::tree)
    }

    /// How many of this app's commits the server accepted at the first, the second, … try since the engine
    /// was opened.
    pub fn tries(&self) -> [u64; TRIES_COUNTED] {
        let mut all = [0; TRIES_COUNTED];
        let counts = self.replicas.values().flat_map(|replica| replica.tries.accepted().iter().enumerate());
        counts.for_each(|(index, count)| all[index] += count);
        all
    }

    /// The body of an item, as a person sees it.
    pub fn body<S: Store>(
        &self,
        workspace: WorkspaceId,
        record: satchel_model::RecordId,
        store: &S,
    ) -> Result<Option<Body>, EngineError<S::Error>> {
        let key = Key { record: wire_id(record), part: Part::Body };
        match self.replica(workspace)?.visible(key, store)? {
            Some(Opened::Body(body)) => Ok(Some(Arc::unwrap_or_clone(body))),
            _ => Ok(None),
        }
    }

    /// Whether an item has changes that the server has not acknowledged.
    pub fn is_waiting(&self, workspace: WorkspaceId, record: satchel_model::RecordId) -> bool {
        let record = wire_id(record);
        self.replicas.get(&workspace).is_some_and(|replica| {
            [Part::Node, Part::Body]
                .into_iter()
                .any(|part| replica.pending.contains_key(&Key { record, part }))
        })
    }

    /// How many items wait for the server, over all workspaces but the Scratch Pad.
    pub fn waiting(&self) -> u64 {
        let replicas = self.replicas.values().filter(|replica| !replica.is_scratch());
        replicas.map(Replica::waiting_items).sum()
    }

    /// The parts that hold conflicts, with their number.
    pub fn conflicts(&self, workspace: WorkspaceId) -> Vec<(satchel_model::RecordId, Part, u32)> {
        let Some(replica) = self.replicas.get(&workspace) else { return Vec::new() };
        replica.conflicts().map(|(key, count)| (model_id(key.record), key.part, count)).collect()
    }

    /// What `status` shows of a workspace.
    pub fn summary(&self, workspace: WorkspaceId) -> Option<Summary> {
        let replica = self.replicas.get(&workspace)?;
        let is_drafting = self.is_drafting(workspace);
        Some(Summary {
            state: self.state(replica),
            up: if replica.is_scratch() || is_drafting { 0 } else { replica.waiting_items() },
            drafts: if is_drafting { replica.waiting_items() } else { 0 },
            down: replica.server_seq.saturating_sub(replica.head.seq)
                + replica.fresh.as_ref().map_or(0, |fresh| fresh.bodies_missing()),
            conflicts: replica.conflicts().map(|(_, count)| u64::from(count)).sum(),
            aside: replica.aside.values().cloned().collect(),
            head: replica.head,
            acknowledged_ms: replica.acknowledged_ms,
            notice: replica.notice.clone(),
        })
    }

    fn state(&self, replica: &Replica) -> SyncState {
        if let Link::Blocked(alarm, detail) = &replica.link {
            return SyncState::Blocked(*alarm, detail.clone());
        }
        match &self.connection {
            Connection::Closed(why) => SyncState::Offline(why.clone()),
            Connection::Connecting => SyncState::Connecting,
            Connection::Open => {
                let may_write = self.identity.as_ref().is_some_and(|identity| replica.may_write(identity));
                let sendable = may_write && replica.pending.values().any(|pending| !pending.held);
                let idle = replica.flights.is_empty() && !sendable && replica.fetch.is_empty();
                let live = matches!(replica.link, Link::Live)
                    && replica.server_seq <= replica.head.seq
                    && !replica.lacks_bodies();
                if idle && live { SyncState::InSync } else { SyncState::Syncing }
            }
        }
    }

    /// The connection's state, apart from any workspace: offline with a reason, connecting, or (open) syncing.
    pub fn connection_state(&self) -> SyncState {
        match &self.connection {
            Connection::Closed(why) => SyncState::Offline(why.clone()),
            Connection::Connecting => SyncState::Connecting,
            Connection::Open => SyncState::Syncing,
        }
    }

    /// Whether every workspace is in sync, and at least the list of them is known.
    pub fn is_in_sync(&self) -> bool {
        matches!(self.connection, Connection::Open)
            && self
                .replicas
                .values()
                .filter(|replica| !replica.is_scratch())
                .all(|replica| self.state(replica) == SyncState::InSync)
    }

    /// The next thing to tell.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    // ---- connection ----

    /// The driver began to open a connection.
    pub fn handle_connecting(&mut self) {
        self.reset_links();
        self.connection = Connection::Connecting;
        self.events.push_back(Event::StateChanged);
    }

    /// There is no connection any more.
    pub fn handle_disconnected(&mut self, why: Disconnected) {
        self.reset_links();
        self.connection = Connection::Closed(why);
        self.events.push_back(Event::StateChanged);
    }

    fn reset_links(&mut self) {
        self.outbox.clear();
        for replica in self.replicas.values_mut() {
            replica.server_seq = 0;
            replica.fetching.clear();
            replica.packing = None;
            replica.present.clear();
            if let Some(fresh) = &mut replica.fresh {
                fresh.interrupt();
            }
            replica.flights.iter_mut().for_each(|flight| flight.sent = false);
            match &mut replica.link {
                Link::Blocked(..) => {}
                Link::CatchingUp(staging) if staging.shadow.is_some() => replica.link = Link::Idle,
                // What was staged is kept: the next catch-up goes on after it.
                Link::CatchingUp(staging) => staging.interrupt(),
                link => *link = Link::Idle,
            }
        }
    }

    /// What was staged in another life of the server may be at other places in this one.
    fn forget_staged(&mut self) {
        for replica in self.replicas.values_mut() {
            if let Link::CatchingUp(staging) = &mut replica.link {
                staging.envelopes.clear();
                staging.pages_after = 0;
            }
        }
    }

    /// Takes one frame of the server, [`ServerFrame::Welcome`] and everything after it.
    ///
    /// `now_ms` is for people only: nothing is decided by it.
    pub fn handle_frame<S: Store>(
        &mut self,
        frame: ServerFrame,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        #[cfg(feature = "planted")]
        self.save_late(store)?;
        self.events.push_back(Event::StateChanged);
        match frame {
            ServerFrame::Welcome(welcome) => {
                if self.incarnation.replace(welcome.incarnation).is_some_and(|old| old != welcome.incarnation)
                {
                    self.forget_staged();
                }
                Ok(())
            }
            ServerFrame::Opened(opened) => self.handle_opened(&opened, store),
            ServerFrame::WorkspaceAdded(entry) => self.handle_listed(entry.workspace, entry.head, store),
            ServerFrame::WorkspaceRemoved { workspace } => {
                self.block(
                    workspace,
                    Alarm::Gone,
                    "the workspace was deleted, or this account has no access any more",
                );
                Ok(())
            }
            ServerFrame::Refused(refusal) => {
                if planted::is(Bug::EvictionWipes) && refusal.code == satchel_wire::ErrorCode::Evicted {
                    for replica in self.replicas.values_mut() {
                        let all: Vec<Key> = replica.pending.keys().copied().collect();
                        crate::incoming::drop_pending(replica, &all, store)?;
                    }
                }
                self.handle_disconnected(Disconnected::Refused(refusal));
                Ok(())
            }
            frame => self.handle_feed(frame, now_ms, store),
        }
    }

    fn handle_opened<S: Store>(
        &mut self,
        opened: &satchel_wire::Opened,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        self.connection = Connection::Open;
        for entry in &opened.workspaces {
            self.handle_listed(entry.workspace, entry.head, store)?;
        }
        let listed: Vec<_> = opened.workspaces.iter().map(|entry| entry.workspace).collect();
        for workspace in self.workspaces() {
            let replica = self.replicas.get_mut(&workspace).expect("it was just listed");
            if listed.contains(&workspace) {
                continue;
            }
            if replica.head == Head::EMPTY && replica.flights.is_empty() && replica.pending.is_empty() {
                // Nothing of it ever came: the server named it once, and that was not true, or is over.
                self.forget_workspace(workspace, store)?;
                continue;
            }
            if replica.head == Head::EMPTY && !replica.flights.is_empty() {
                self.found_under_this_app(workspace, store)?;
            } else if !replica.is_of_another_life(self.incarnation) || !self.found_again(workspace, store)? {
                self.block(workspace, Alarm::Gone, "the server does not have this workspace: it was deleted, or the server was restored from an older backup");
            }
        }
        Ok(())
    }

    fn handle_listed<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        head: Head,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let replica = match self.replicas.entry(workspace) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let writes = vec![Write::AddWorkspace];
                store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
                self.events.push_back(Event::WorkspaceAdded { workspace });
                entry.insert(Replica::new(workspace))
            }
        };
        if matches!(&replica.link, Link::Blocked(Alarm::Gone, _)) {
            replica.link = Link::Idle; // it is listed again
        }
        replica.server_seq = head.seq;
        if replica.distrusted.is_some() && !replica.must_reset {
            if !self.begin_mending(workspace) {
                self.subscribe(workspace);
            }
            return Ok(());
        }
        let goes_back = head.seq < replica.head.seq && replica.is_of_another_life(self.incarnation);
        if replica.must_reset || (goes_back && replica.lacks_bodies()) {
            self.reset(workspace, store)?;
            self.subscribe(workspace);
            return Ok(());
        }
        if head.seq < replica.head.seq && replica.is_of_another_life(self.incarnation) {
            self.begin_return(workspace, head.seq);
            return Ok(());
        }
        if head.seq < replica.head.seq {
            let detail = format!(
                "the server's ledger ends at {}, this app has seen it at {}",
                head.seq, replica.head.seq
            );
            self.block(workspace, Alarm::RolledBack, &detail);
            return Ok(());
        }
        self.subscribe(workspace);
        Ok(())
    }

    pub(crate) fn subscribe(&mut self, workspace: WorkspaceId) {
        let present = self.incarnation;
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        replica.remember_flights(present);
        if let Some(frame) = replica.begin_catch_up() {
            self.outbox.push_back(frame);
        }
    }

    pub(crate) fn block(&mut self, workspace: WorkspaceId, alarm: Alarm, detail: &str) {
        if let Some(replica) = self.replicas.get_mut(&workspace) {
            replica.link = Link::Blocked(alarm, detail.to_owned());
            if alarm == Alarm::Gone {
                replica.acts.note_gone();
            }
        }
        self.events.push_back(Event::Alarm { workspace, alarm, detail: detail.to_owned() });
    }

    /// Lets a blocked workspace try again, after a person asked for it (`reload`).
    pub fn unblock(&mut self, workspace: WorkspaceId) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        replica.notice = None;
        if matches!(replica.link, Link::Blocked(..)) {
            replica.link = Link::Idle;
            replica.pending.values_mut().for_each(|pending| pending.held = false);
        }
    }

    // ---- local edits ----

    /// Makes local edits: all of them, or none. They are durable after the next [`Engine::make_durable`];
    /// until then nobody may be told that they are stored.
    ///
    /// They may be sent before that: a power cut then either undoes edits that nobody was told of, and the
    /// server brings them back, or leaves them with the commit that carries them.
    ///
    /// A part that is already in the wanted state is left alone; so an edit and its opposite before
    /// the next commit send nothing.
    pub fn edit<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        changes: Vec<Change>,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        if workspace == SCRATCH && !self.replicas.contains_key(&SCRATCH) {
            self.replicas.insert(SCRATCH, Replica::new(SCRATCH));
        }
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let mut edit = LocalEdit { writes: vec![Write::AddWorkspace], shown: Vec::new() };
        for change in changes {
            let record = wire_id(change.record);
            if let Some(node) = change.node {
                edit.put(replica, Key { record, part: Part::Node }, Opened::Node(node), store)?;
            }
            if let Some(body) = change.body {
                edit.put(replica, Key { record, part: Part::Body }, Opened::Body(body.into()), store)?;
            }
        }
        let batch = Batch { workspace, writes: edit.writes };
        if is_held_back(&batch) {
            #[cfg(feature = "planted")]
            self.unsaved.push(batch);
        } else {
            store.apply(&batch).map_err(EngineError::Store)?;
        }
        for (key, opened, pending) in edit.shown {
            match pending {
                Some(pending) => {
                    replica.keep_recent(key, State::Waiting(pending.ordinal), &opened);
                    if replica.pending.insert(key, pending).is_none() {
                        replica.undurable.insert(key);
                    }
                }
                None => drop(replica.pending.remove(&key)),
            }
            replica.aside.remove(&key);
            replica.show(key, Some(opened));
        }
        self.events.push_back(Event::StateChanged);
        Ok(())
    }

    /// Makes everything durable that was applied until now.
    pub fn make_durable<S: Store>(&mut self, store: &mut S) -> Result<(), EngineError<S::Error>> {
        store.sync().map_err(EngineError::Store)?;
        for replica in self.replicas.values_mut() {
            replica.undurable.clear();
            replica.sync_first = false;
        }
        Ok(())
    }

    /// Founds a personal workspace; it works offline and is sent with the next connection.
    pub fn found_workspace<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        name: &str,
        rng: &mut R,
        store: &mut S,
    ) -> Result<WorkspaceId, EngineError<S::Error>> {
        let founded = Founded { kind: WorkspaceKind::Personal, name, founder: None };
        self.found(&founded, rng, store)
    }

    /// Founds a workspace of any kind; it works offline and is sent with the next connection.
    pub fn found<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        founded: &Founded<'_>,
        rng: &mut R,
        store: &mut S,
    ) -> Result<WorkspaceId, EngineError<S::Error>> {
        let identity = self.identity.as_ref().ok_or(EngineError::SignedOut)?;
        let (workspace, signed) = make_founding(identity, founded, rng);
        let header = CommitHeader::decode(&signed.header).expect("it was just encoded");
        let stored = InFlight { commit: header.commit, ordinal: 0, header: signed, ordinals: Vec::new() };
        let root = Node {
            kind: Kind::Workspace,
            position: Position {
                parent: satchel_model::RecordId(*workspace.as_bytes()),
                order: OrderKey::first(),
            },
            name: founded.name.to_owned(),
            method: None,
            trashed: None,
            conflicts: BTreeMap::new(),
            extra: BTreeMap::new(),
        };
        let key = Key { record: RecordId::new(*workspace.as_bytes()), part: Part::Node };
        let opened = Opened::Node(root);
        let writes = vec![
            Write::AddWorkspace,
            Write::PutInFlight { commit: stored.clone(), envelopes: Vec::new() },
            Write::PutPending { key, ordinal: 1, conflicts: 0, payload: Some(opened.encode()) },
        ];
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        let mut replica = Replica::new(workspace);
        replica.flights.push(Flight { stored, header, sent: false });
        replica.open_key(self.identity.as_ref());
        replica.sync_first = true;
        replica.next_ordinal = 2;
        replica
            .pending
            .insert(key, Pending { ordinal: 1, conflicts: 0, purged: false, alone: false, held: false });
        replica.show(key, Some(opened));
        if matches!(self.connection, Connection::Open) {
            replica.link = Link::Live;
        }
        self.replicas.insert(workspace, replica);
        self.events.push_back(Event::WorkspaceAdded { workspace });
        Ok(workspace)
    }

    /// Removes a workspace from this app, after its deletion on the server or when it never got there.
    pub fn forget_workspace<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let writes = vec![Write::RemoveWorkspace];
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        self.replicas.remove(&workspace);
        self.events.push_back(Event::StateChanged);
        Ok(())
    }

    /// Whether the server has never acknowledged anything of this workspace.
    pub fn is_unfounded(&self, workspace: WorkspaceId) -> bool {
        self.replicas.get(&workspace).is_some_and(|replica| replica.head == Head::EMPTY)
    }

    /// Writes what a planted bug held back.
    #[cfg(feature = "planted")]
    pub(crate) fn save_late<S: Store>(&mut self, store: &mut S) -> Result<(), EngineError<S::Error>> {
        for batch in std::mem::take(&mut self.unsaved) {
            store.apply(&batch).map_err(EngineError::Store)?;
        }
        Ok(())
    }

    fn replica<E>(&self, workspace: WorkspaceId) -> Result<&Replica, EngineError<E>> {
        self.replicas.get(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))
    }
}

/// Whether a planted bug acknowledges this edit before it is stored; bodies are read back at once.
fn is_held_back(batch: &Batch) -> bool {
    let is_node = |write: &Write| match write {
        Write::PutPending { key, .. } => key.part == Part::Node,
        _ => true,
    };
    planted::is(Bug::AcknowledgeBeforeStore) && batch.writes.iter().all(is_node)
}

/// The writes of one call of [`Engine::edit`], and what they change in memory once they are durable.
struct LocalEdit {
    writes: Vec<Write>,
    shown: Vec<(Key, Opened, Option<Pending>)>,
}

impl LocalEdit {
    fn put<S: Store>(
        &mut self,
        replica: &mut Replica,
        key: Key,
        opened: Opened,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        let payload = opened.encode();
        let max = satchel_wire::limits::ENVELOPE_BYTES_MAX;
        if payload.len() > max {
            return Err(EngineError::TooLarge { bytes: payload.len(), max });
        }
        if replica.is_coming(key) {
            return Err(EngineError::Coming);
        }
        if replica.aside.contains_key(&key) {
            self.writes.push(Write::ClearAside { key });
        } else if is_visible(replica, key, &opened, store)? {
            return Ok(());
        }
        if replica.pending.contains_key(&key)
            && !replica.is_flying(key)
            && replica.acknowledged(key, store).ok().flatten().as_ref() == Some(&opened)
        {
            self.writes.push(Write::RemovePending { key });
            self.shown.push((key, opened, None));
            return Ok(());
        }
        let ordinal = replica.take_ordinal();
        let conflicts = opened.conflicts();
        self.writes.push(Write::PutPending { key, ordinal, conflicts, payload: Some(payload) });
        let pending = Pending { ordinal, conflicts, purged: false, alone: false, held: false };
        self.shown.push((key, opened, Some(pending)));
        Ok(())
    }
}

fn is_visible<S: Store>(
    replica: &Replica,
    key: Key,
    opened: &Opened,
    store: &S,
) -> Result<bool, EngineError<S::Error>> {
    match opened {
        Opened::Node(node) => Ok(replica.nodes.get(&model_id(key.record)) == Some(node)),
        // A body that cannot be read is replaced by what the person wants it to be.
        Opened::Body(_) => match replica.visible(key, store) {
            Ok(visible) => Ok(visible.as_ref() == Some(opened)),
            Err(EngineError::Store(source)) => Err(EngineError::Store(source)),
            Err(_) => Ok(false),
        },
    }
}

fn make_founding<R: RngCore + CryptoRng>(
    identity: &Identity,
    founded: &Founded<'_>,
    rng: &mut R,
) -> (WorkspaceId, SignedHeader) {
    let key = EpochKey::make(rng);
    let public = identity.keys.public();
    let mut salt = vec![0; 16];
    rng.fill_bytes(&mut salt);
    let mut founding = Founding {
        salt: salt.into(),
        owner: identity.account,
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        commitment: Bytes32::new(key.commitment()),
        wraps: Vec::new(),
        app: AddedApp { certificate: identity.certificate.clone().into() },
        kind: founded.kind,
        sealed_name: None,
    };
    let workspace = WorkspaceId::new(derive_workspace_id(&founding.identity_bytes()));
    let context =
        WrapContext { workspace: *workspace.as_bytes(), epoch: 1, account: *identity.account.as_bytes() };
    let wrap = key.wrap(&public.sealing, &context, rng);
    founding.wraps.push(KeyWrap { account: identity.account, wrap: wrap.into() });
    let seal = |name: &str| key.seal_name(workspace.as_bytes(), identity.account.as_bytes(), name, rng);
    founding.sealed_name = founded.founder.map(seal).map(Into::into);
    let content = Content::Charter(CharterOp::Found(founding));
    let header = make_header(identity, workspace, (Head::EMPTY, 1), content, rng);
    (workspace, sign(identity, &header))
}

pub(crate) fn make_header<R: RngCore>(
    identity: &Identity,
    workspace: WorkspaceId,
    (seen, epoch): (Head, u32),
    content: Content,
    rng: &mut R,
) -> CommitHeader {
    let mut commit = [0; 16];
    rng.fill_bytes(&mut commit);
    let commit = CommitId::new(commit);
    CommitHeader { workspace, commit, epoch, author: identity.account, app: identity.app, seen, content }
}

pub(crate) fn sign(identity: &Identity, header: &CommitHeader) -> SignedHeader {
    let bytes = header.encode();
    let signature = Signature::new(identity.app_key.sign_commit(&bytes));
    SignedHeader { header: bytes.into(), signature }
}
