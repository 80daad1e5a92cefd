//! One workspace on one app: the base, what waits over it, the commits in flight and the cursor.
//!
//! ```text
//!              edit                 transmit              Accepted
//!   (clean) ─────────▶ pending ───────────────▶ in flight ─────────▶ base
//!                         ▲                        │
//!                         └──── merged, Stale ─────┘
//! ```
//!
//! What a person sees of a part is its pending payload, else its base.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use satchel_crypto::{EnvelopePlace, EpochKey, OpenedEnvelope, StateDigest, open_envelope};
use satchel_model::format::payload;
use satchel_model::{Body, Node, Tree};
use satchel_wire::{
    AccountId, AppId, Chain, CommitHeader, CommitId, Head, Incarnation, Part, Presence, RecordId, Refusal,
    Revision, SignedHeader, WorkspaceId,
};

use crate::bases::Bases;
use crate::charter::{self, Charter, EpochKeys};
use crate::fresh::Fresh;
use crate::held::{HeldPack, HeldPacks, expand};
use crate::packing::{Made, Packing};
use crate::people::Acts;
use crate::planted::{self, Bug};
use crate::recent::{Recent, State};
use crate::regress::Returning;
use crate::staging::Staging;
use crate::store::{
    Alarm, Aside, Batch, CHAINS_KEPT, InFlight, Kept, Key, Loaded, LoadedPack, SCRATCH, Store, Write,
};
use crate::{EngineError, Identity};

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disconnected {
    /// Nothing was tried yet, or the app has no need of a connection.
    Idle,
    /// The network or the server did not answer.
    Unreachable {
        /// What was seen.
        detail: String,
    },
    /// The server's certificate is not trusted.
    Certificate {
        /// What was seen.
        detail: String,
    },
    /// What answered is not a Satchel server.
    NotSatchel {
        /// What was seen.
        detail: String,
    },
    /// The server refused or ended the connection.
    Refused(Refusal),
}

/// A state of DESIGN section 6, for one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncState {
    /// No connection, and why.
    Offline(Disconnected),
    /// Opening, or re-opening.
    Connecting,
    /// Connected, and something waits either way.
    Syncing,
    /// Every local change is durable on the server and the feed is applied to its head.
    InSync,
    /// This workspace cannot go on without someone.
    Blocked(Alarm, String),
}

/// What `status` shows of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The state.
    pub state: SyncState,
    /// Items with changes that the server has not acknowledged.
    pub up: u64,
    /// Items with changes that are kept here as drafts, since this account may only read.
    pub drafts: u64,
    /// Ledger entries still to receive, as far as is known.
    pub down: u64,
    /// Conflicts, over all records.
    pub conflicts: u64,
    /// Records set aside.
    pub aside: Vec<Aside>,
    /// The cursor.
    pub head: Head,
    /// When the server last acknowledged, in milliseconds since 1970 as passed in.
    pub acknowledged_ms: Option<u64>,
    /// What a person shall know though sync goes on: the server was restored from an older backup.
    pub notice: Option<String>,
}

/// What a check of the local copy found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Records checked.
    pub records: u64,
    /// Ledger entries that the cursor has passed.
    pub entries: u64,
    /// What does not verify; fetched again as soon as there is a connection.
    pub damaged: Vec<Key>,
    /// The digest of the base is the one that the cursor says.
    pub digest_agrees: bool,
    /// Why the whole ledger is read again with the next connection, if it is.
    pub distrusted: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) seq: u64,
    pub(crate) revision: Revision,
    pub(crate) conflicts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) ordinal: u64,
    pub(crate) conflicts: u32,
    pub(crate) purged: bool,
    /// Send it in a commit of its own: a commit with others was refused.
    pub(crate) alone: bool,
    /// Do not send it: the server refused it, or it is too large.
    pub(crate) held: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub(crate) stored: InFlight,
    pub(crate) header: CommitHeader,
    pub(crate) sent: bool,
}

/// Where a replica stands with the server, on the present connection.
#[derive(Debug)]
pub(crate) enum Link {
    /// Not subscribed.
    Idle,
    /// Receiving a catch-up.
    CatchingUp(Box<Staging>),
    /// The feed is live.
    Live,
    /// Sync cannot go on.
    Blocked(Alarm, String),
}

/// One workspace on one app.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that come to be known apart from each other")]
pub(crate) struct Replica {
    pub(crate) workspace: WorkspaceId,
    pub(crate) head: Head,
    pub(crate) digest: StateDigest,
    pub(crate) charter: Charter,
    /// The keys of the workspace, up to the charter's epoch.
    pub(crate) keys: Option<Arc<EpochKeys>>,
    pub(crate) base: Bases,
    pub(crate) pending: BTreeMap<Key, Pending>,
    /// Which waiting purges belong to one that a person marked as meant.
    pub(crate) bulk: BTreeSet<Key>,
    pub(crate) flights: Vec<Flight>,
    pub(crate) tries: crate::tries::Tries,
    pub(crate) aside: BTreeMap<Key, Aside>,
    pub(crate) nodes: BTreeMap<satchel_model::RecordId, Node>,
    pub(crate) link: Link,
    /// The tree of the nodes, once somebody asked for it.
    tree: OnceLock<Arc<Tree>>,
    /// Local edits that came to a part where nothing waited, and that a power cut would still undo whole.
    pub(crate) undurable: BTreeSet<Key>,
    /// What is about to be sent carries something durable: it must be durable itself before it goes out.
    pub(crate) sync_first: bool,
    pub(crate) next_ordinal: u64,
    pub(crate) chains: BTreeMap<u64, Chain>,
    pub(crate) server_seq: u64,
    pub(crate) acknowledged_ms: Option<u64>,
    /// What is damaged here and shall come again.
    pub(crate) fetch: BTreeSet<Key>,
    /// What of it was asked for on this connection and has not been answered.
    pub(crate) fetching: Vec<Key>,
    /// The server's life that the cursor belongs to.
    pub(crate) incarnation: Option<Incarnation>,
    /// Something waits that is new to the server, and that others may know.
    pub(crate) keeps_purged: bool,
    /// What is brought back to a restored server.
    pub(crate) returning: Option<Returning>,
    /// The packs that the base began from.
    pub(crate) packs: HeldPacks,
    /// Bodies that were opened or made lately.
    pub(crate) recent: Recent,
    /// A base that was begun from packs, until it is whole and verified.
    pub(crate) fresh: Option<Box<Fresh>>,
    /// Packs of this workspace did not verify: do without.
    pub(crate) no_packs: bool,
    /// What came from the server cannot be relied on: begin anew with the next connection.
    pub(crate) must_reset: bool,
    /// The packs that this app's newest manifest names; none where it made none.
    pub(crate) packed: Option<Vec<Made>>,
    /// Packs that the server asked for.
    pub(crate) packing: Option<Box<Packing>>,
    /// What a person shall know though sync goes on.
    pub(crate) notice: Option<String>,
    /// Why what came from the server is to be read again from its founding.
    pub(crate) distrusted: Option<String>,
    /// Why it was.
    pub(crate) mended: Option<String>,
    /// The newest position of the chain as its own row says; the head, if nothing is damaged.
    pub(crate) newest: Option<Head>,
    /// What is to be done to the charter.
    pub(crate) acts: Acts,
    /// Who says to be here, on the present connection.
    pub(crate) present: BTreeMap<(AccountId, AppId), Presence>,
    /// The keys of a life that a restored server has lost, while what is here of it is compared.
    pub(crate) former_keys: Option<Arc<EpochKeys>>,
}

/// The opened content of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opened {
    Node(Node),
    Body(Arc<Body>),
}

impl Opened {
    pub(crate) fn decode(part: Part, bytes: &[u8]) -> Result<Self, String> {
        match part {
            Part::Node => payload::decode_node(bytes).map(Self::Node).map_err(|e| e.to_string()),
            Part::Body => {
                payload::decode_body(bytes).map(|body| Self::Body(body.into())).map_err(|e| e.to_string())
            }
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Node(node) => payload::encode_node(node),
            Self::Body(body) => payload::encode_body(body),
        }
    }

    pub(crate) fn conflicts(&self) -> u32 {
        let count = match self {
            Self::Node(node) => node.conflicts.len(),
            Self::Body(body) => body.conflicts.len(),
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

pub(crate) fn place(workspace: WorkspaceId, key: Key) -> EnvelopePlace {
    let part = match key.part {
        Part::Node => 0,
        Part::Body => 1,
    };
    EnvelopePlace { workspace: *workspace.as_bytes(), record: *key.record.as_bytes(), part }
}

pub(crate) fn model_id(record: RecordId) -> satchel_model::RecordId {
    satchel_model::RecordId(*record.as_bytes())
}

pub(crate) fn wire_id(record: satchel_model::RecordId) -> RecordId {
    RecordId::new(record.0)
}

impl Replica {
    pub(crate) fn new(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            head: Head::EMPTY,
            digest: StateDigest::default(),
            charter: Charter::default(),
            keys: None,
            base: Bases::default(),
            pending: BTreeMap::new(),
            bulk: BTreeSet::new(),
            flights: Vec::new(),
            tries: crate::tries::Tries::default(),
            aside: BTreeMap::new(),
            nodes: BTreeMap::new(),
            link: Link::Idle,
            tree: OnceLock::new(),
            undurable: BTreeSet::new(),
            sync_first: false,
            next_ordinal: 1,
            chains: BTreeMap::new(),
            server_seq: 0,
            acknowledged_ms: None,
            fetch: BTreeSet::new(),
            fetching: Vec::new(),
            incarnation: None,
            keeps_purged: false,
            returning: None,
            packs: HeldPacks::default(),
            recent: Recent::default(),
            fresh: None,
            no_packs: false,
            must_reset: false,
            packed: None,
            packing: None,
            notice: None,
            distrusted: None,
            mended: None,
            newest: None,
            acts: Acts::default(),
            present: BTreeMap::new(),
            former_keys: None,
        }
    }

    /// Builds the open state from what is stored; what cannot be opened is set aside and fetched again.
    pub(crate) fn load(workspace: WorkspaceId, loaded: Loaded, identity: Option<&Identity>) -> Self {
        let mut replica = Self::new(workspace);
        replica.head = loaded.head;
        replica.newest = loaded.chains.last().copied();
        loaded.chains.into_iter().chain([loaded.head]).for_each(|head| replica.remember_chain(head));
        replica.incarnation = loaded.incarnation;
        for pack in &loaded.packs {
            match HeldPack::decode(pack) {
                Some(held) => replica.packs.add(held),
                None => replica.distrust("what its packs hold was damaged here"),
            }
        }
        let fresh = loaded.fresh.as_deref().and_then(|bytes| Fresh::decode(bytes, &replica.packs));
        replica.fresh = fresh.map(Box::new);
        replica.must_reset = loaded.fresh.is_some() && replica.fresh.is_none();
        replica.returning = loaded.returning.as_deref().and_then(Returning::decode);
        if let Some(returning) = &replica.returning {
            let seq = returning.seq;
            let detail = format!(
                "the server was restored from an older backup; up to entry {seq}, what it lacks is brought back from here"
            );
            replica.notice = Some(detail);
        }
        replica.digest = StateDigest::from_bytes(loaded.digest.as_bytes());
        replica.load_flights(loaded.in_flight);
        replica.load_charter(&loaded.charter, identity);
        // A member who came after the packs has no key from their point alone.
        replica.must_reset |= replica.keys.is_none() && identity.is_some() && replica.is_beginning();
        replica.aside = loaded.aside.into_iter().map(|aside| (aside.key, aside)).collect();
        let mut packed = replica.open_nodes(&loaded.packs);
        for entry in loaded.base {
            let base = Base { seq: entry.seq, revision: entry.revision, conflicts: entry.conflicts };
            replica.base.insert(entry.key, base);
            if entry.key.part == Part::Body
                || (replica.keys.is_none() && (replica.must_reset || replica.distrusted.is_some()))
            {
                continue;
            }
            match entry.node {
                Some(kept) => replica.load_node(entry.key, &kept),
                None => replica.load_packed(entry.key, packed.remove(&(entry.key, entry.seq))),
            }
        }
        for entry in loaded.pending {
            let held = replica.aside.get(&entry.key).is_some_and(|aside| aside.alarm == Alarm::TooLarge);
            if planted::is(Bug::StartForgetsFlying) && replica.is_flying(entry.key) {
                continue;
            }
            if !planted::is(Bug::OrdinalReuse) {
                replica.next_ordinal = replica.next_ordinal.max(entry.ordinal + 1);
            }
            let (ordinal, conflicts, purged) = (entry.ordinal, entry.conflicts, entry.purged);
            replica.pending.insert(entry.key, Pending { ordinal, conflicts, purged, alone: false, held });
            if entry.bulk {
                replica.bulk.insert(entry.key);
            }
            if entry.purged {
                replica.show(entry.key, None);
            }
            // It may have been purged elsewhere and kept here.
            replica.keeps_purged |= replica.head != Head::EMPTY && !replica.base.contains_key(&entry.key);
            if let Some(payload) = entry.node_payload {
                replica.show(entry.key, Opened::decode(Part::Node, &payload).ok());
            }
        }
        replica
    }

    fn load_flights(&mut self, stored: Vec<InFlight>) {
        for stored in stored {
            let Ok(header) = CommitHeader::decode(&stored.header.header) else { continue };
            if !planted::is(Bug::OrdinalReuse) {
                self.next_ordinal = self.next_ordinal.max(stored.ordinal + 1);
            }
            self.flights.push(Flight { stored, header, sent: false });
        }
    }

    fn load_charter(&mut self, entries: &[(u64, SignedHeader)], identity: Option<&Identity>) {
        for (seq, signed) in entries {
            // It verified when it was stored: a row that does not any more was damaged here.
            let header = CommitHeader::decode(&signed.header);
            if !header.is_ok_and(|header| charter::apply(&mut self.charter, *seq, &header, signed).is_ok()) {
                self.distrust("its charter was damaged here");
            }
        }
        self.open_key(identity);
    }

    /// Opens the epoch key from the charter, or from a founding that is still under way.
    pub(crate) fn open_key(&mut self, identity: Option<&Identity>) {
        let Some(identity) = identity else { return };
        let mut charter = self.charter.clone();
        if !charter.is_founded()
            && let Some(flight) = self.flights.first()
        {
            let _ = charter::apply(&mut charter, 1, &flight.header, &flight.stored.header);
        }
        self.keys = charter::open(&charter, self.workspace, identity).ok();
    }

    /// The key that is sealed under now, with its epoch; none before it is there.
    pub(crate) fn sealing(&self) -> Option<(&EpochKey, u32)> {
        let keys = self.keys.as_ref().filter(|keys| keys.epoch() == self.epoch())?;
        Some((keys.current(), keys.epoch()))
    }

    /// The epoch that the next entry is of: the first one, while the founding is under way.
    pub(crate) fn epoch(&self) -> u32 {
        self.charter.epoch().max(1)
    }

    fn load_node(&mut self, key: Key, kept: &Kept) {
        match self.open_kept(key, kept) {
            Ok(opened) => self.show(key, Some(opened)),
            Err(detail) => {
                self.aside.insert(key, Aside { key, alarm: Alarm::Damaged, detail });
                self.fetch.insert(key);
            }
        }
    }

    /// The payloads of all packs of nodes that open.
    fn open_nodes(&self, packs: &[LoadedPack]) -> HashMap<(Key, u64), Vec<u8>> {
        let mut nodes = HashMap::new();
        let Some(keys) = &self.keys else { return nodes };
        for pack in packs {
            let (Some(sealed), Some(held)) = (&pack.nodes, HeldPack::decode(pack)) else { continue };
            let Some(payloads) = expand(&held, self.workspace, keys, sealed) else { continue };
            for entry in &held.entries {
                let key = Key { record: entry.record, part: pack.part };
                nodes.extend(entry.payload(&payloads).map(|payload| ((key, entry.seq), payload.to_vec())));
            }
        }
        nodes
    }

    fn load_packed(&mut self, key: Key, payload: Option<Vec<u8>>) {
        let kept = payload.map_or(Kept::Damaged, Kept::Payload);
        self.load_node(key, &kept);
    }

    /// What the store keeps of an acknowledged part: its row, else what its pack holds.
    pub(crate) fn kept<S: Store>(&self, key: Key, store: &S) -> Result<Option<Kept>, EngineError<S::Error>> {
        let row = store.base(self.workspace, key).map_err(EngineError::Store)?;
        let base = self.base.get(&key).copied();
        let Some(spot) = base.filter(|_| row.is_none()).and_then(|base| self.packs.find(key, base)) else {
            return Ok(row);
        };
        if let Some(payload) = self.packs.read(spot) {
            return Ok(Some(Kept::Payload(payload)));
        }
        let (Some(pack), Some(keys)) = (self.packs.pack(spot), &self.keys) else { return Ok(None) };
        let ready = self.fresh.as_ref().and_then(|fresh| fresh.ready_bytes(pack.pack));
        let payload = if let Some(sealed) = ready {
            self.packs.open(spot, self.workspace, keys, sealed)
        } else {
            let sealed = store.pack(self.workspace, pack.pack).map_err(EngineError::Store)?;
            sealed.and_then(|sealed| self.packs.open(spot, self.workspace, keys, &sealed))
        };
        Ok(Some(payload.map_or(Kept::Damaged, Kept::Payload)))
    }

    /// Opens an envelope and reads its payload.
    pub(crate) fn open(&self, key: Key, envelope: &[u8]) -> Result<Opened, String> {
        Opened::decode(key.part, &self.open_sealed(key, envelope)?.payload)
    }

    /// How many conflicts the content of an envelope has that opens and can be read. Mostly it has none, and
    /// that is seen without making anything of it.
    pub(crate) fn count_conflicts(&self, key: Key, envelope: &[u8]) -> Result<u32, String> {
        let payload = self.open_sealed(key, envelope)?.payload;
        if key.part == Part::Body && payload::is_plain_body(&payload) {
            return Ok(0);
        }
        Opened::decode(key.part, &payload).map(|opened| opened.conflicts())
    }

    fn open_sealed(&self, key: Key, envelope: &[u8]) -> Result<OpenedEnvelope, String> {
        let keys = self.keys.as_ref().ok_or("the workspace's key is not there")?;
        let place = place(self.workspace, key);
        let open = |keys: &EpochKeys| {
            let epoch_key = keys.of_sealed(envelope).ok_or("the key of its epoch is not there")?;
            open_envelope(epoch_key, &place, envelope).map_err(|e| e.to_string())
        };
        open(keys).or_else(|error| self.former_keys.as_deref().map_or(Err(error), open))
    }

    /// The same for what a store keeps.
    pub(crate) fn open_kept(&self, key: Key, kept: &Kept) -> Result<Opened, String> {
        match kept {
            Kept::Envelope(envelope) => self.open(key, envelope),
            Kept::Payload(payload) => Opened::decode(key.part, payload),
            Kept::Damaged => Err("the pack that it stands in does not open".into()),
        }
    }

    /// Sets what a person sees of a part; bodies are read from the store when they are asked for.
    pub(crate) fn show(&mut self, key: Key, opened: Option<Opened>) {
        let record = model_id(key.record);
        match opened {
            Some(Opened::Node(node)) => {
                let old = self.nodes.get(&record);
                if !old.is_some_and(|old| stands_like(old, &node)) {
                    self.tree.take();
                }
                self.nodes.insert(record, node);
            }
            None if key.part == Part::Node => {
                self.tree.take();
                self.nodes.remove(&record);
            }
            Some(Opened::Body(_)) | None => {}
        }
    }

    /// Shows many nodes at once.
    pub(crate) fn show_nodes(&mut self, mut nodes: Vec<(satchel_model::RecordId, Node)>) {
        self.tree.take();
        if self.nodes.is_empty() {
            // By their ids alone: the map would sort whole nodes, which are large.
            nodes.sort_by_cached_key(|(record, _)| *record);
            self.nodes = nodes.into_iter().collect();
        } else {
            self.nodes.extend(nodes);
        }
    }

    /// Shows only these items any more.
    pub(crate) fn retain_nodes(&mut self, keep: impl Fn(&satchel_model::RecordId) -> bool) {
        self.tree.take();
        self.nodes.retain(|record, _| keep(record));
    }

    /// The tree of the nodes; edits that move nothing leave it as it is.
    pub(crate) fn tree(&self) -> Arc<Tree> {
        let build = || {
            let root = satchel_model::RecordId(*self.workspace.as_bytes());
            Arc::new(Tree::build(root, self.nodes.iter().map(|(record, node)| (*record, node))))
        };
        Arc::clone(self.tree.get_or_init(build))
    }

    pub(crate) fn is_scratch(&self) -> bool {
        self.workspace == SCRATCH
    }

    pub(crate) fn take_ordinal(&mut self) -> u64 {
        self.next_ordinal += 1;
        self.next_ordinal - 1
    }

    /// Whether what is absent from the base was deleted.
    pub(crate) fn is_whole(&self) -> bool {
        !self.must_reset && self.fresh.as_ref().is_none_or(|fresh| !fresh.lacks_bodies())
    }

    pub(crate) fn write<S: Store>(
        &self,
        writes: Vec<Write>,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        store.apply(&Batch { workspace: self.workspace, writes }).map_err(EngineError::Store)
    }

    pub(crate) fn remember_chain(&mut self, head: Head) {
        self.chains.insert(head.seq, head.chain);
        while self.chains.len() > CHAINS_KEPT {
            self.chains.pop_first();
        }
    }

    pub(crate) fn flight(&self, commit: CommitId) -> Option<&Flight> {
        self.flights.iter().find(|flight| flight.stored.commit == commit)
    }

    pub(crate) fn is_flying(&self, key: Key) -> bool {
        self.flights.iter().any(|flight| flight.keys().any(|flying| flying == key))
    }

    /// The payload of a part as a person sees it, none if it does not exist.
    pub(crate) fn visible<S: Store>(
        &self,
        key: Key,
        store: &S,
    ) -> Result<Option<Opened>, EngineError<S::Error>> {
        if let Some(pending) = self.pending.get(&key) {
            if pending.purged {
                return Ok(None);
            }
            let state = State::Waiting(pending.ordinal);
            if let Some(body) = self.recent.find(key, state) {
                return Ok(Some(Opened::Body(body)));
            }
            let bytes = store.pending(self.workspace, key).map_err(EngineError::Store)?;
            let bytes = bytes.ok_or_else(|| unreadable("a waiting change is missing"))?;
            let opened = Opened::decode(key.part, &bytes).map_err(unreadable)?;
            self.keep_recent(key, state, &opened);
            return Ok(Some(opened));
        }
        self.acknowledged(key, store)
    }

    /// The payload of a part as the server acknowledged it.
    pub(crate) fn acknowledged<S: Store>(
        &self,
        key: Key,
        store: &S,
    ) -> Result<Option<Opened>, EngineError<S::Error>> {
        if self.is_coming(key) {
            return Err(EngineError::Coming);
        }
        let Some(base) = self.base.get(&key) else { return Ok(None) };
        let state = State::Acknowledged(base.revision);
        if let Some(body) = self.recent.find(key, state) {
            return Ok(Some(Opened::Body(body)));
        }
        let opened = self.open_acknowledged(key, store)?;
        self.keep_recent(key, state, &opened);
        Ok(Some(opened))
    }

    fn open_acknowledged<S: Store>(&self, key: Key, store: &S) -> Result<Opened, EngineError<S::Error>> {
        let kept = self.kept(key, store)?;
        let kept = kept.ok_or_else(|| unreadable("what the server acknowledged is missing"))?;
        let opened = self.open_kept(key, &kept);
        if opened.is_err() && !matches!(kept, Kept::Envelope(_)) {
            self.packs.suspect(key);
        }
        opened.map_err(unreadable)
    }

    /// Keeps a body that was just opened or made.
    pub(crate) fn keep_recent(&self, key: Key, state: State, opened: &Opened) {
        if let Opened::Body(body) = opened {
            self.recent.keep(key, state, body);
        }
    }

    /// The same, and none where what is stored cannot be read; a failing store is still a failure.
    ///
    /// Mostly what takes its place asks for it, so it is not kept: it would push out what waits.
    pub(crate) fn acknowledged_if_readable<S: Store>(
        &self,
        key: Key,
        store: &S,
    ) -> Result<Option<Opened>, EngineError<S::Error>> {
        let Some(base) = self.base.get(&key).filter(|_| !self.is_coming(key)) else { return Ok(None) };
        if let Some(body) = self.recent.find(key, State::Acknowledged(base.revision)) {
            return Ok(Some(Opened::Body(body)));
        }
        match self.open_acknowledged(key, store) {
            Err(EngineError::Store(source)) => Err(EngineError::Store(source)),
            read => Ok(read.ok()),
        }
    }

    pub(crate) fn waiting_items(&self) -> u64 {
        let mut records: Vec<_> = self.pending.keys().map(|key| key.record).collect();
        records.dedup();
        records.len() as u64
    }

    pub(crate) fn conflicts(&self) -> impl Iterator<Item = (Key, u32)> {
        let base = self.base.conflicts().filter(|(key, _)| !self.pending.contains_key(key));
        let pending = self.pending.iter().map(|(key, pending)| (*key, pending.conflicts));
        base.chain(pending).filter(|(_, count)| *count > 0)
    }
}

/// Whether a node stands at the same place of the tree as it did.
fn stands_like(old: &Node, new: &Node) -> bool {
    old.position == new.position && old.trashed.is_some() == new.trashed.is_some()
}

impl Flight {
    /// The parts that the commit changes, in the order of its operations.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        let ops = match &self.header.content {
            satchel_wire::Content::Ops { ops, .. } => ops.as_slice(),
            satchel_wire::Content::Charter(_) => &[],
        };
        ops.iter().map(|op| Key { record: op.record, part: op.part })
    }

    /// Whether it changes records, and not the charter.
    pub(crate) fn is_of_records(&self) -> bool {
        matches!(self.header.content, satchel_wire::Content::Ops { .. })
    }
}

pub(crate) fn unreadable<E>(detail: impl Into<String>) -> EngineError<E> {
    EngineError::Unreadable { detail: detail.into() }
}
