//! A world of apps around one small honest server, all in memory and without time.
//!
//! The server here is only the rules of the protocol in a page; the real one has its own tests, and
//! the flows between real processes are tested in `crates/app`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use satchel_crypto::{
    AppCertificate, AppKey, EnvelopePlace, IdentityKeys, StateDigest, derive_chain, derive_link,
    derive_pack_id, derive_revision,
};
use satchel_model::{Body, Kind, Node, OrderKey, Position, RecordId, Trashed, Value};
use satchel_sync::{BulkMark, Change, Charter, Disconnected, Engine, Identity, MemoryStore, SealedPack};
use satchel_wire::{
    AccountId, AppId, Bytes32, Chain, CharterEntry, CharterOp, ClientFrame, CommitHeader, CommitId, Content,
    Digest, ErrorCode, Head, Incarnation, Manifest, Nonce, Opened, PackId, PackRef, Part, Refusal, Revision,
    ServerFrame, SignedHeader, SignedManifest, StaleRecord, StoredEnvelope, Welcome, WorkspaceEntry,
    WorkspaceId,
};

type Key = (satchel_wire::RecordId, Part);

#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<(SignedHeader, Vec<Vec<u8>>)>,
    pub(crate) records: BTreeMap<Key, (u64, Revision, Vec<u8>)>,
    pub(crate) chain: [u8; 32],
    pub(crate) manifest: Option<SignedManifest>,
    pub(crate) packs: BTreeMap<PackId, Vec<u8>>,
    ids: BTreeMap<CommitId, u64>,
}

impl Ledger {
    /// The packs of the manifest that hold this part.
    pub(crate) fn named(&self, part: Part) -> Vec<PackRef> {
        let Some(signed) = &self.manifest else { return Vec::new() };
        let manifest = Manifest::decode(&signed.manifest).expect("the engine signs good manifests");
        manifest.packs.into_iter().filter(|pack| pack.part == part).collect()
    }

    fn headers_until(&self, until: u64) -> impl Iterator<Item = (u64, &SignedHeader)> {
        (1..).zip(self.entries.iter().map(|(signed, _)| signed)).take_while(move |(seq, _)| *seq <= until)
    }

    /// The entries, and whether each is needed whole: for the charter, for a current record, or because no
    /// manifest says more.
    fn kept(&self) -> Vec<(SignedHeader, bool)> {
        let manifest = self.manifest.as_ref().map(|signed| Manifest::decode(&signed.manifest));
        let until = manifest.map_or(0, |manifest| manifest.expect("the engine signs good ones").head.seq);
        let charter: BTreeSet<u64> = self.charter(until).iter().map(|entry| entry.seq).collect();
        let current: BTreeSet<u64> = self.records.values().map(|(seq, ..)| *seq).collect();
        let is_kept = |seq: u64| seq > until || charter.contains(&seq) || current.contains(&seq);
        self.headers_until(u64::MAX).map(|(seq, signed)| (signed.clone(), is_kept(seq))).collect()
    }

    fn charter(&self, until: u64) -> Vec<CharterEntry> {
        let is_charter = |signed: &SignedHeader| {
            let header = CommitHeader::decode(&signed.header).expect("the engine signs good headers");
            matches!(header.content, Content::Charter(_))
        };
        let entries = self.headers_until(until).filter(|(_, signed)| is_charter(signed));
        entries.map(|(seq, signed)| CharterEntry { seq, header: signed.clone() }).collect()
    }
}

#[derive(Default)]
pub(crate) struct Server {
    /// Counts the restores.
    life: u8,
    /// Cursors before this entry are too old to be caught up from.
    pub(crate) oldest: u64,
    /// Of entries before the manifest's point that nothing needs, only the links are kept.
    pub(crate) links: bool,
    /// A record whose envelope is withheld.
    pub(crate) withheld: Option<satchel_wire::RecordId>,
    pub(crate) ledgers: BTreeMap<WorkspaceId, Ledger>,
    subscribed: BTreeSet<(usize, WorkspaceId)>,
    /// Frames on their way to each app.
    pub(crate) wires: BTreeMap<usize, VecDeque<ServerFrame>>,
    /// Judges every commit by the charter, as the real one does.
    pub(crate) judges: bool,
    pub(crate) charters: BTreeMap<WorkspaceId, Charter>,
    /// Whose app each one is.
    accounts: BTreeMap<usize, AccountId>,
    /// Loses every answer to a commit after it was taken.
    pub(crate) lose_answers: bool,
}

pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) store: MemoryStore,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) online: bool,
    seed: u64,
    person: u8,
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) apps: Vec<App>,
    pub(crate) workspace: WorkspaceId,
}

/// The person of the worlds with one account.
const ALONE: u8 = 9;

pub(crate) fn account(person: u8) -> AccountId {
    AccountId::new([person; 16])
}

pub(crate) fn identity_keys(person: u8) -> IdentityKeys {
    IdentityKeys::make(&mut ChaCha20Rng::seed_from_u64(u64::from(person)))
}

fn identity(seed: u64, person: u8) -> Identity {
    // The same identity keys in every app of an account, and an app key of its own.
    let keys = identity_keys(person);
    let app_key = AppKey::make(&mut ChaCha20Rng::seed_from_u64(100 + seed));
    let app = [u8::try_from(seed).expect("few apps") + 1; 16];
    let certificate = AppCertificate::issue(&keys, *account(person).as_bytes(), app, app_key.public());
    Identity { account: account(person), app: AppId::new(app), app_key, keys, certificate }
}

impl App {
    fn new(seed: u64, person: u8) -> Self {
        let store = MemoryStore::default();
        let engine = Engine::open(Some(identity(seed, person)), &store).expect("an empty store opens");
        Self { engine, store, rng: ChaCha20Rng::seed_from_u64(seed), online: false, seed, person }
    }

    /// Takes a frame; of packs it opens some ahead, as a client may, and leaves the others to the engine.
    fn take(&mut self, frame: ServerFrame) {
        let taken = match frame {
            ServerFrame::Pack { workspace, pack } if pack.last().is_some_and(|last| last % 2 == 0) => {
                let sealed = SealedPack::new(pack.into());
                let opened = match self.engine.pack_opener(workspace) {
                    Some(opener) => sealed.open_with(&opener),
                    None => sealed,
                };
                self.engine.handle_pack(workspace, opened, &mut self.store)
            }
            frame => self.engine.handle_frame(frame, 1, &mut self.store),
        };
        taken.expect("a memory store works");
    }

    /// What a crash leaves: only the store.
    pub(crate) fn restart(&mut self) {
        self.engine =
            Engine::open(Some(identity(self.seed, self.person)), &self.store).expect("its store opens");
        self.online = false;
    }
}

impl App {
    /// Another sign-in over what this app had: a new id and key.
    pub(crate) fn sign_in_again(&mut self, seed: u64) {
        self.seed = seed;
        self.restart();
    }

    pub(crate) fn id(&self) -> AppId {
        identity(self.seed, self.person).app
    }
}

impl World {
    /// `count` apps of one account; the first has founded a workspace that all have.
    pub(crate) fn new(count: usize) -> Self {
        let mut world = Self::unfounded(vec![ALONE; count]);
        let app = &mut world.apps[0];
        world.workspace =
            app.engine.found_workspace("Work", &mut app.rng, &mut app.store).expect("founds a workspace");
        (0..count).for_each(|index| world.connect(index));
        world.settle();
        world
    }

    /// An app of each of these people, and nothing else.
    pub(crate) fn unfounded(people: Vec<u8>) -> Self {
        let mut world =
            Self { server: Server::default(), apps: Vec::new(), workspace: WorkspaceId::new([0; 16]) };
        for person in people {
            world.push_app(person);
        }
        world
    }

    fn push_app(&mut self, person: u8) -> usize {
        let index = self.apps.len();
        self.apps.push(App::new(index as u64, person));
        self.server.accounts.insert(index, account(person));
        index
    }

    pub(crate) fn connect(&mut self, index: usize) {
        let app = &mut self.apps[index];
        app.engine.handle_connecting();
        app.online = true;
        let may_read = |id: &WorkspaceId| self.server.may_read(index, *id);
        let ledgers = self.server.ledgers.iter().filter(|(id, _)| may_read(id));
        let workspaces = ledgers.map(|(id, ledger)| entry(*id, ledger)).collect();
        let greeting = ServerFrame::Welcome(self.server.welcome());
        let opened = ServerFrame::Opened(Opened { workspaces });
        self.server.wires.insert(index, VecDeque::from([greeting, opened]));
        self.server.subscribed.retain(|(app, _)| *app != index);
    }

    /// What the server holds, to be restored later.
    pub(crate) fn backup(&self) -> BTreeMap<WorkspaceId, Ledger> {
        self.server.ledgers.clone()
    }

    /// Restores a backup, which is a new life of the server; every connection breaks.
    pub(crate) fn restore(&mut self, backup: BTreeMap<WorkspaceId, Ledger>) {
        (0..self.apps.len()).for_each(|app| self.disconnect(app));
        self.server.ledgers = backup;
        self.server.life += 1;
    }

    pub(crate) fn disconnect(&mut self, index: usize) {
        self.apps[index].online = false;
        self.apps[index].engine.handle_disconnected(Disconnected::Unreachable { detail: "test".into() });
        self.server.wires.remove(&index);
        self.server.subscribed.retain(|(app, _)| *app != index);
    }

    /// Has one app make packs of the workspace as it is now.
    pub(crate) fn make_packs(&mut self, index: usize) {
        let workspace = self.workspace;
        self.server.push(index, ServerFrame::PacksWanted { workspace });
        self.settle();
    }

    /// Adds an app that has nothing yet.
    pub(crate) fn add_app(&mut self) -> usize {
        self.add_app_of(ALONE)
    }

    /// Adds an app of a person that has nothing yet.
    pub(crate) fn add_app_of(&mut self, person: u8) -> usize {
        let index = self.push_app(person);
        self.connect(index);
        index
    }

    /// One app puts an item into the trash.
    pub(crate) fn trash(&mut self, app: usize, record: RecordId, when_ms: u64) {
        let who = app.to_string();
        self.edit_node(app, record, |node| node.trashed = Some(Trashed { who, when_ms }));
    }

    /// One app purges an item, which nobody has to mark.
    pub(crate) fn purge(&mut self, app: usize, record: RecordId) {
        let workspace = self.workspace;
        let app = &mut self.apps[app];
        let purged = app.engine.purge(workspace, &[record], BulkMark::Unmarked, &mut app.store);
        purged.expect("it is stored");
    }

    /// Lets one app send what it has.
    pub(crate) fn send(&mut self, index: usize) {
        loop {
            let app = &mut self.apps[index];
            let frame = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("a memory store works");
            let Some(frame) = frame else { return };
            self.server.take(index, frame);
        }
    }

    /// Delivers at most `count` frames to one app.
    pub(crate) fn deliver(&mut self, index: usize, count: usize) {
        for _ in 0..count {
            let Some(frame) = self.server.wires.get_mut(&index).and_then(VecDeque::pop_front) else { return };
            self.apps[index].take(frame);
        }
    }

    /// Lets everything happen that can happen.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let mut moved = false;
            for index in 0..self.apps.len() {
                if !self.apps[index].online {
                    continue;
                }
                self.send(index);
                moved |= self.server.wires.get(&index).is_some_and(|wire| !wire.is_empty());
                self.deliver(index, 1);
            }
            if !moved {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    pub(crate) fn edit(&mut self, index: usize, change: Change) {
        let workspace = self.workspace;
        let app = &mut self.apps[index];
        app.engine.edit(workspace, vec![change], &mut app.store).expect("an edit is stored");
    }

    /// Makes a request with these body fields.
    pub(crate) fn create(&mut self, index: usize, name: &str, fields: &[(&str, &str)]) -> RecordId {
        let app = &mut self.apps[index];
        let mut id = [0; 16];
        app.rng.fill_bytes(&mut id);
        let record = RecordId(id);
        let order = OrderKey::between(None, None, &mut app.rng);
        let parent = RecordId(*self.workspace.as_bytes());
        let node = Node {
            kind: Kind::Request,
            position: Position { parent, order },
            name: name.into(),
            method: Some("GET".into()),
            trashed: None,
            conflicts: BTreeMap::new(),
            extra: BTreeMap::new(),
        };
        self.edit(index, Change { record, node: Some(node), body: Some(body(fields)) });
        record
    }

    pub(crate) fn set(&mut self, index: usize, record: RecordId, field: &str, value: &str) {
        let mut body = self.body(index, record);
        body.fields.insert(field.into(), Value::String(value.into()));
        self.edit(index, Change { record, node: None, body: Some(body) });
    }

    pub(crate) fn edit_node(&mut self, index: usize, record: RecordId, edit: impl FnOnce(&mut Node)) {
        let mut node = self.node(index, record);
        edit(&mut node);
        self.edit(index, Change { record, node: Some(node), body: None });
    }

    pub(crate) fn body(&self, index: usize, record: RecordId) -> Body {
        let app = &self.apps[index];
        app.engine.body(self.workspace, record, &app.store).expect("it reads").expect("it exists")
    }

    pub(crate) fn node(&self, index: usize, record: RecordId) -> Node {
        self.apps[index].engine.nodes(self.workspace).expect("it is there")[&record].clone()
    }

    pub(crate) fn field(&self, index: usize, record: RecordId, field: &str) -> String {
        match self.body(index, record).fields.get(field) {
            Some(Value::String(text)) => text.clone(),
            other => format!("{other:?}"),
        }
    }

    /// All online apps are in sync and show the same.
    pub(crate) fn check_equal(&self) {
        let first = self.view(0);
        for index in 0..self.apps.len() {
            assert!(
                self.apps[index].engine.is_in_sync(),
                "app {index}: {:?}",
                self.apps[index].engine.summary(self.workspace)
            );
            assert_eq!(self.view(index), first, "app {index} differs");
        }
    }

    fn view(&self, index: usize) -> Vec<(RecordId, Node, Option<Body>)> {
        let app = &self.apps[index];
        let nodes = app.engine.nodes(self.workspace).expect("it is there");
        let body = |id| app.engine.body(self.workspace, id, &app.store).expect("it reads");
        nodes.iter().map(|(id, node)| (*id, node.clone(), body(*id))).collect()
    }
}

pub(crate) fn body(fields: &[(&str, &str)]) -> Body {
    let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), Value::String((*v).to_owned()))).collect();
    Body { fields, conflicts: BTreeMap::new() }
}

fn entry(workspace: WorkspaceId, ledger: &Ledger) -> WorkspaceEntry {
    WorkspaceEntry { workspace, head: ledger.head() }
}

impl Ledger {
    pub(crate) fn head(&self) -> Head {
        Head { seq: self.entries.len() as u64, chain: Chain::new(self.chain) }
    }

    pub(crate) fn digest(&self) -> Digest {
        let mut digest = StateDigest::default();
        for ((record, part), (_, revision, _)) in &self.records {
            digest.add(record.as_bytes(), *part as u8, revision.as_bytes());
        }
        Digest::new(digest.to_bytes())
    }

    fn is_on_chain(&self, point: Head) -> bool {
        let before = self.entries.iter().take(usize::try_from(point.seq).expect("small"));
        let chain = before.fold([0; 32], |chain, (signed, _)| derive_chain(&chain, &signed.header));
        point.seq <= self.head().seq && chain == *point.chain.as_bytes()
    }

    fn stale(&self, header: &CommitHeader) -> Vec<StaleRecord> {
        let Content::Ops { ops, expects, .. } = &header.content else { return Vec::new() };
        let asked = ops.iter().map(|op| (op.record, op.part, op.parent));
        let asked = asked.chain(expects.iter().map(|e| (e.record, e.part, e.revision)));
        let present = |record, part| self.records.get(&(record, part)).map(|(_, revision, _)| *revision);
        asked
            .filter(|(record, part, revision)| present(*record, *part) != *revision)
            .map(|(record, part, _)| StaleRecord { record, part, revision: present(record, part) })
            .collect()
    }

    fn accept(
        &mut self,
        workspace: WorkspaceId,
        header: &CommitHeader,
        signed: SignedHeader,
        envelopes: Vec<Vec<u8>>,
    ) -> u64 {
        let seq = self.entries.len() as u64 + 1;
        self.chain = derive_chain(&self.chain, &signed.header);
        if let Content::Ops { ops, .. } = &header.content {
            let mut given = envelopes.iter();
            for op in ops {
                let key = (op.record, op.part);
                let Some(put) = op.put else {
                    self.records.remove(&key);
                    continue;
                };
                let envelope = given.next().expect("one envelope for each put");
                let place = EnvelopePlace {
                    workspace: *workspace.as_bytes(),
                    record: *op.record.as_bytes(),
                    part: op.part as u8,
                };
                assert_eq!(derive_revision(&place, envelope), *put.as_bytes());
                self.records.insert(key, (seq, put, envelope.clone()));
            }
        }
        self.ids.insert(header.commit, seq);
        self.entries.push((signed, envelopes));
        seq
    }
}

impl Server {
    fn welcome(&self) -> Welcome {
        Welcome {
            protocol_min: 1,
            protocol_max: 1,
            nonce: Nonce::new([0; 32]),
            incarnation: Incarnation::new([self.life; 16]),
            server: "test".into(),
        }
    }

    /// Whether the app's account is a member, as far as the server looks at that.
    fn may_read(&self, app: usize, workspace: WorkspaceId) -> bool {
        let charter = self.charters.get(&workspace).filter(|_| self.judges);
        charter.is_none_or(|charter| charter.member(self.accounts[&app]).is_some())
    }

    fn reject(&mut self, app: usize, header: &CommitHeader, code: ErrorCode) {
        let (workspace, commit) = (header.workspace, Some(header.commit));
        let refusal = Refusal::new(code, "");
        self.push(app, ServerFrame::Rejected { workspace, commit, refusal });
    }

    fn push(&mut self, app: usize, frame: ServerFrame) {
        if let Some(wire) = self.wires.get_mut(&app) {
            wire.push_back(frame);
        }
    }

    pub(crate) fn take(&mut self, app: usize, frame: ClientFrame) {
        match frame {
            ClientFrame::Subscribe { workspace, cursor, pages_after } => {
                self.subscribe(app, workspace, cursor, pages_after);
            }
            ClientFrame::Commit { header, envelopes } => {
                let envelopes: Vec<Vec<u8>> = envelopes.into_iter().map(Into::into).collect();
                self.commit(app, &header, &envelopes);
            }
            ClientFrame::Fetch { request, workspace, records } => {
                let ledger = &self.ledgers[&workspace];
                let stored = |key: &Key| ledger.records.get(key).map(|row| stored(*key, row));
                let envelopes = records.iter().filter_map(stored).collect();
                self.push(app, ServerFrame::Fetched { request, workspace, envelopes });
            }
            other => self.take_packs(app, other),
        }
    }

    fn take_packs(&mut self, app: usize, frame: ClientFrame) {
        match frame {
            ClientFrame::Bootstrap { workspace, have } => self.bootstrap(app, workspace, &have),
            ClientFrame::FetchPacks { request, workspace, packs } => {
                let found: Vec<_> = packs
                    .iter()
                    .map_while(|pack| self.ledgers[&workspace].packs.get(pack).cloned())
                    .collect();
                let is_whole = found.len() == packs.len();
                for pack in found {
                    self.push(app, ServerFrame::Pack { workspace, pack: pack.into() });
                }
                let refusal = Refusal::new(ErrorCode::NotFound, "");
                let done = ServerFrame::Done { request };
                self.push(app, if is_whole { done } else { ServerFrame::Failed { request, refusal } });
            }
            ClientFrame::ReadHeaders { request, workspace, after } => {
                let entries = self.ledgers[&workspace].entries.iter();
                let headers = entries.skip(usize::try_from(after).expect("small")).take(7);
                let headers = headers.map(|(signed, _)| signed.clone()).collect();
                self.push(
                    app,
                    ServerFrame::PastHeaders {
                        request,
                        workspace,
                        first_seq: after + 1,
                        headers,
                        received_ms: Vec::new(),
                    },
                );
            }
            ClientFrame::PutPack { request, workspace, pack } => {
                let ledger = self.ledgers.get_mut(&workspace).expect("it is there");
                ledger.packs.insert(PackId::new(derive_pack_id(&pack)), pack.into());
                self.push(app, ServerFrame::Done { request });
            }
            ClientFrame::PutManifest { request, manifest } => {
                let decoded = Manifest::decode(&manifest.manifest).expect("the engine signs good manifests");
                let ledger = self.ledgers.get_mut(&decoded.workspace).expect("it is there");
                assert!(ledger.is_on_chain(decoded.head));
                assert!(decoded.head != ledger.head() || decoded.digest == ledger.digest());
                if decoded.packs.iter().any(|named| !ledger.packs.contains_key(&named.pack)) {
                    let refusal = Refusal::new(ErrorCode::BadRequest, "");
                    return self.push(app, ServerFrame::Failed { request, refusal });
                }
                ledger.packs.retain(|pack, _| decoded.packs.iter().any(|named| named.pack == *pack));
                ledger.manifest = Some(manifest);
                self.push(app, ServerFrame::Done { request });
            }
            other => panic!("the engine does not send {other:?}"),
        }
    }

    fn bootstrap(&mut self, app: usize, workspace: WorkspaceId, have: &[PackId]) {
        let Some(ledger) = self.ledgers.get(&workspace) else { return };
        let Some(signed) = ledger.manifest.clone() else {
            return self.subscribe(app, workspace, Head::EMPTY, 0);
        };
        let manifest = Manifest::decode(&signed.manifest).expect("the engine signs good manifests");
        let charter = ledger.charter(u64::MAX);
        let nodes =
            manifest.packs.iter().filter(|pack| pack.part == Part::Node && !have.contains(&pack.pack));
        let packs: Vec<_> = nodes.filter_map(|pack| ledger.packs.get(&pack.pack).cloned()).collect();
        self.push(app, ServerFrame::Manifest { workspace, manifest: signed, charter });
        for pack in packs {
            self.push(app, ServerFrame::Pack { workspace, pack: pack.into() });
        }
        self.subscribe(app, workspace, manifest.head, 0);
    }

    fn subscribe(&mut self, app: usize, workspace: WorkspaceId, cursor: Head, pages_after: u64) {
        if !self.may_read(app, workspace) {
            let refusal = Refusal::new(ErrorCode::NotFound, "");
            return self.push(app, ServerFrame::Rejected { workspace, commit: None, refusal });
        }
        let Some(ledger) = self.ledgers.get(&workspace) else { return };
        if cursor.seq > 0 && cursor.seq < self.oldest {
            let refusal = Refusal::new(ErrorCode::CursorTooOld, "");
            return self.push(app, ServerFrame::Rejected { workspace, commit: None, refusal });
        }
        if !ledger.is_on_chain(cursor) {
            let refusal = Refusal::new(ErrorCode::CursorUnknown, "");
            return self.push(app, ServerFrame::Rejected { workspace, commit: None, refusal });
        }
        let skip = usize::try_from(cursor.seq).expect("small");
        let headers: Vec<_> = ledger.entries.iter().skip(skip).map(|(signed, _)| signed.clone()).collect();
        let mut rows: Vec<_> =
            ledger.records.iter().filter(|(_, row)| row.0 > cursor.seq.max(pages_after)).collect();
        rows.retain(|(key, _)| Some(key.0) != self.withheld);
        rows.sort_by_key(|(_, row)| row.0);
        let pages: Vec<Vec<_>> =
            rows.chunks(3).map(|rows| rows.iter().map(|(key, row)| stored(**key, row)).collect()).collect();
        let (head, digest) = (ledger.head(), ledger.digest());
        let (manifest, kept) = (ledger.manifest.clone(), ledger.kept());
        if let Some(manifest) = manifest.filter(|_| self.links && cursor == Head::EMPTY) {
            self.push_pruned(app, workspace, manifest, kept);
        } else {
            self.push(app, ServerFrame::Headers { workspace, first_seq: cursor.seq + 1, headers });
        }
        for envelopes in pages {
            self.push(app, ServerFrame::Page { workspace, envelopes });
        }
        self.push(app, ServerFrame::CaughtUp { workspace, head, digest });
        self.subscribed.insert((app, workspace));
    }

    fn push_pruned(
        &mut self,
        app: usize,
        workspace: WorkspaceId,
        manifest: SignedManifest,
        entries: Vec<(SignedHeader, bool)>,
    ) {
        self.push(app, ServerFrame::Checkpoint { workspace, manifest });
        for (first_seq, (header, is_kept)) in (1..).zip(entries) {
            let link = Bytes32::new(derive_link(&header.header));
            self.push(
                app,
                if is_kept {
                    ServerFrame::Headers { workspace, first_seq, headers: vec![header] }
                } else {
                    ServerFrame::Links { workspace, first_seq, links: vec![link] }
                },
            );
        }
    }

    fn commit(&mut self, app: usize, signed: &SignedHeader, envelopes: &[Vec<u8>]) {
        let header = CommitHeader::decode(&signed.header).expect("the engine signs good headers");
        let (workspace, commit) = (header.workspace, header.commit);
        let is_new = !self.ledgers.contains_key(&workspace);
        let is_founding = matches!(header.content, Content::Charter(CharterOp::Found(_)));
        if is_new && !is_founding {
            return self.reject(app, &header, ErrorCode::NotFound);
        }
        let ledger = self.ledgers.entry(workspace).or_default();
        if let Some(seq) = ledger.ids.get(&commit).copied() {
            assert_eq!(
                &ledger.entries[usize::try_from(seq).expect("small") - 1].0,
                signed,
                "the same bytes under one id"
            );
            return self.push(app, ServerFrame::Accepted { workspace, commit, seq });
        }
        if is_founding && !is_new {
            return self.reject(app, &header, ErrorCode::BadRequest);
        }
        if !ledger.is_on_chain(header.seen) {
            return self.reject(app, &header, ErrorCode::CursorUnknown);
        }
        let stale = ledger.stale(&header);
        if !stale.is_empty() {
            let head = ledger.head();
            return self.push(app, ServerFrame::Stale { workspace, commit, head, records: stale });
        }
        let next = ledger.entries.len() as u64 + 1;
        let readers_before: Vec<usize> =
            self.accounts.keys().copied().filter(|app| !is_new && self.may_read(*app, workspace)).collect();
        let charter = self.charters.entry(workspace).or_default();
        if let Err(error) = charter.apply(next, &header, signed)
            && self.judges
        {
            return self.reject(app, &header, error.code());
        }
        let ledger = self.ledgers.entry(workspace).or_default();
        let seq = ledger.accept(workspace, &header, signed.clone(), envelopes.to_vec());
        let listed = entry(workspace, ledger);
        if self.judges {
            self.tell_members(workspace, &listed, (app, is_new), &readers_before);
        } else if is_new {
            self.subscribed.insert((app, workspace));
            let others: Vec<_> = self.wires.keys().copied().filter(|other| *other != app).collect();
            for other in others {
                self.push(other, ServerFrame::WorkspaceAdded(listed.clone()));
            }
        }
        let readers: Vec<_> =
            self.subscribed.iter().filter(|(_, of)| *of == workspace).map(|(app, _)| *app).collect();
        for reader in readers {
            let envelopes = envelopes.iter().cloned().map(Into::into).collect();
            let frame = if reader == app {
                ServerFrame::Accepted { workspace, commit, seq }
            } else {
                ServerFrame::Entry { workspace, seq, header: signed.clone(), envelopes }
            };
            if reader != app || !self.lose_answers {
                self.push(reader, frame);
            }
        }
    }

    /// Ends the feeds of who is no member any more, and tells who became one.
    fn tell_members(
        &mut self,
        workspace: WorkspaceId,
        listed: &WorkspaceEntry,
        (author, is_new): (usize, bool),
        before: &[usize],
    ) {
        if is_new {
            self.subscribed.insert((author, workspace));
        }
        for app in self.accounts.keys().copied().collect::<Vec<_>>() {
            match (before.contains(&app), self.may_read(app, workspace)) {
                (true, false) => {
                    self.subscribed.remove(&(app, workspace));
                    self.push(app, ServerFrame::WorkspaceRemoved { workspace });
                }
                (false, true) if !(is_new && app == author) => {
                    self.push(app, ServerFrame::WorkspaceAdded(listed.clone()));
                }
                _ => {}
            }
        }
    }
}

fn stored(key: Key, row: &(u64, Revision, Vec<u8>)) -> StoredEnvelope {
    StoredEnvelope { record: key.0, part: key.1, seq: row.0, envelope: row.2.clone().into() }
}
