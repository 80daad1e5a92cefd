//! A fresh app: manifest and packs in place of the whole ledger, the tree first, bodies after.
//!
//! ```text
//!  Bootstrap ─▶ Manifest, Pack* (nodes) ─▶ the tree shows, at the manifest's point
//!               Headers*, Page* (tail), CaughtUp ─▶ live, as after any catch-up
//!  FetchPacks ─▶ Pack* (bodies) ─▶ verified and readable as they come; Done ─▶ durable
//!  ReadHeaders ─▶ PastHeaders              in the background: the whole ledger against the manifest
//! ```
//! Packs are kept as they came ([`crate::held`]): their hashes are the manifest's, they open under the
//! workspace's key, and what they say of their records must sum up to the manifest's digest. Until that can be
//! seen the digest is the one that the manifest claims, moved on by every entry since, and compared with the
//! server's at the first head. A body that a later entry changed before its pack came is taken from that entry,
//! and the parent that the first such entry named must be what the packs say.
//!
//! Invariants: a body that has not come is neither shown as absent nor may be edited or purged; whatever
//! does not agree ends in an alarm, and the app begins anew without packs; what waits here is never dropped
//! by that. That the packs are the ledger's is at first the word of the app that signed the manifest. What was
//! taken of bodies is stored before any entry is applied over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::{Decode, Encode};
use satchel_crypto::StateDigest;
use satchel_model::Node;
use satchel_wire::limits::{PACKS_FETCH_MAX, PACKS_MAX};
use satchel_wire::{
    CharterEntry, ClientFrame, Digest, ErrorCode, Head, Manifest, PackId, PackRef, Part, RecordId, Refusal,
    Revision, ServerFrame, SignedHeader, SignedManifest, WorkspaceId, decode_limited, encode,
};

use crate::EngineError;
use crate::checkpoint::{Checkpoint, PackOpener, SealedPack, TakenPack, Terms, add, find_named};
use crate::engine::{Engine, Event};
use crate::held::{HeldPack, HeldPacks, Word, Words};
use crate::replica::{Base, Link, Replica, model_id};
use crate::staging::{Refused, Staging};
use crate::store::{Alarm, Batch, Key, Store, Write};

/// Sealed bytes of bodies that become durable together.
const READY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest stored progress, in bytes: a manifest and what is missing from it.
const PROGRESS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The beginning of a fresh app: what has come of the manifest's nodes.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    checkpoint: Checkpoint,
    taken: Vec<TakenPack>,
    nodes: Vec<(Key, u64, Node)>,
    words: Words,
}

impl Bootstrap {
    fn new(checkpoint: Checkpoint) -> Self {
        let words = Words::with_room(checkpoint.manifest.nodes.saturating_add(checkpoint.manifest.bodies));
        Self { checkpoint, taken: Vec::new(), nodes: Vec::new(), words }
    }

    /// The packs of nodes that need not come again.
    pub(crate) fn have(&self) -> Vec<PackId> {
        self.taken.iter().map(|pack| pack.pack).take(PACKS_MAX).collect()
    }

    fn lacks_nodes(&self) -> bool {
        let nodes = self.checkpoint.manifest.packs.iter().filter(|pack| pack.part == Part::Node);
        nodes.count() != self.taken.len()
    }

    fn take(&mut self, sealed: SealedPack) -> Result<(), Refused> {
        let manifest = &self.checkpoint.manifest;
        let is_new = |named: &PackRef| {
            named.part == Part::Node && self.taken.iter().all(|taken| taken.pack != named.pack)
        };
        let Some(named) = find_named(&manifest.packs, &sealed).copied().filter(is_new) else {
            return Ok(()); // it belongs to an earlier request
        };
        let mut pack = self.checkpoint.opener.open(named, sealed)?;
        for (entry, node) in pack.entries.iter().zip(pack.nodes.drain(..)) {
            let key = Key { record: entry.record, part: pack.part };
            match self.words.take(key, entry) {
                Word::Newest => self.nodes.push((key, entry.seq, node)),
                Word::Older => {}
                Word::Twice => return Err(twice()),
            }
        }
        self.taken.push(pack);
        Ok(())
    }

    /// The nodes as they are at the manifest's point, and their rows.
    fn settle(&mut self) -> (Vec<(satchel_model::RecordId, Node)>, BTreeMap<Key, Base>) {
        let entries = self.taken.iter().flat_map(TakenPack::rows);
        let rows = entries.filter(|(key, base)| self.words.is_newest(*key, base.seq)).collect();
        let newest = std::mem::take(&mut self.nodes).into_iter();
        let newest = newest.filter(|(key, seq, _)| self.words.is_newest(*key, *seq));
        (newest.map(|(key, _, node)| (model_id(key.record), node)).collect(), rows)
    }
}

fn twice() -> Refused {
    (Alarm::Damaged, "a manifest with a record in two packs".into())
}

impl TakenPack {
    /// What it says, as rows of a base.
    fn rows(&self) -> impl Iterator<Item = (Key, Base)> {
        self.entries.iter().map(|entry| {
            let (seq, revision, conflicts) = (entry.seq, entry.revision, entry.conflicts);
            (Key { record: entry.record, part: self.part }, Base { seq, revision, conflicts })
        })
    }

    /// What is held of it: nobody asks it for its entries after that.
    fn take_held(&mut self) -> HeldPack {
        let bytes = u32::try_from(self.sealed.len()).unwrap_or(u32::MAX);
        HeldPack { pack: self.pack, part: self.part, bytes, entries: std::mem::take(&mut self.entries) }
    }

    /// Its write, which takes its bytes along: [`TakenPack::put_back`] gives them back.
    fn take_write(&mut self) -> Write {
        let (names, sealed) = (self.opened.names().to_vec(), std::mem::take(&mut self.sealed));
        Write::PutPack { pack: self.pack, part: self.part, names, sealed }
    }

    fn put_back(&mut self, write: Write) {
        if let Write::PutPack { sealed, .. } = write {
            self.sealed = sealed;
        }
    }
}

/// A base that was begun from packs and is not whole, or not verified by the ledger's headers.
#[derive(Debug)]
pub(crate) struct Fresh {
    manifest: Manifest,
    terms: Arc<Terms>,
    signed: SignedManifest,
    /// Packs of bodies that are not in the store.
    missing: BTreeSet<PackId>,
    /// Bodies that entries changed before their pack came, with the revision that the first of them named.
    assumed: BTreeMap<Key, Option<Revision>>,
    /// What the packs that have come say.
    words: Words,
    /// The request under way.
    asked: Option<u32>,
    /// How many packs were missing when it was made.
    lacked: usize,
    /// Packs that have come and are not in the store.
    ready: Vec<TakenPack>,
    /// The ledger, read from its founding.
    check: Option<Box<Staging>>,
}

/// How [`Fresh`] is stored.
#[derive(Encode, Decode)]
struct Progress {
    #[n(0)]
    signed: SignedManifest,
    #[n(1)]
    missing: Vec<PackId>,
    #[n(2)]
    assumed: Vec<(RecordId, Part, Option<Revision>)>,
}

impl Fresh {
    fn begin(bootstrap: Bootstrap) -> Self {
        let Bootstrap { checkpoint, words, .. } = bootstrap;
        let bodies = checkpoint.manifest.packs.iter().filter(|pack| pack.part == Part::Body);
        let missing = bodies.map(|pack| pack.pack).collect();
        let Checkpoint { manifest, signed, opener, .. } = checkpoint;
        Self::new((manifest, opener.terms), signed, missing, words)
    }

    fn new(
        (manifest, terms): (Manifest, Arc<Terms>),
        signed: SignedManifest,
        missing: BTreeSet<PackId>,
        words: Words,
    ) -> Self {
        let assumed = BTreeMap::new();
        let (asked, lacked, ready, check) = (None, 0, Vec::new(), None);
        Self { manifest, terms, signed, missing, assumed, words, asked, lacked, ready, check }
    }

    /// What [`Fresh::encode`] made, over the packs that were stored; none if either is damaged.
    pub(crate) fn decode(bytes: &[u8], held: &HeldPacks) -> Option<Self> {
        let progress: Progress = decode_limited("progress", bytes, PROGRESS_BYTES_MAX).ok()?;
        let manifest = Manifest::decode(&progress.signed.manifest).ok()?;
        let missing: BTreeSet<_> = progress.missing.into_iter().collect();
        let mut words = Words::default();
        for pack in held.iter().filter(|pack| !missing.contains(&pack.pack)) {
            for entry in &pack.entries {
                words.take(Key { record: entry.record, part: pack.part }, entry);
            }
        }
        let terms = Arc::new(Terms::of(&manifest));
        let mut fresh = Self::new((manifest, terms), progress.signed, missing, words);
        let assumed = progress.assumed.into_iter();
        fresh.assumed = assumed.map(|(record, part, revision)| (Key { record, part }, revision)).collect();
        Some(fresh)
    }

    fn encode(&self, more: &BTreeMap<Key, Option<Revision>>) -> Vec<u8> {
        let assumed = self.assumed.iter().chain(more);
        encode(&Progress {
            signed: self.signed.clone(),
            missing: self.missing.iter().copied().collect(),
            assumed: assumed.map(|(key, revision)| (key.record, key.part, *revision)).collect(),
        })
    }

    /// Whether this is the point at which the packs were made: nothing of the ledger itself was seen.
    pub(crate) fn is_at(&self, head: Head) -> bool {
        self.manifest.head == head
    }

    fn is_ready(&self, pack: PackId) -> bool {
        self.ready.iter().any(|ready| ready.pack == pack)
    }

    /// A pack that has come and is not in the store.
    pub(crate) fn ready_bytes(&self, pack: PackId) -> Option<&[u8]> {
        let ready = self.ready.iter().find(|ready| ready.pack == pack)?;
        Some(&ready.sealed)
    }

    /// Everything that packs say has come.
    fn check_whole(&self) -> Result<(), Refused> {
        let wrong = |detail: &str| Err((Alarm::Damaged, detail.to_owned()));
        if self.words.sum.to_bytes() != *self.manifest.digest.as_bytes()
            || self.words.count(Part::Node) != self.manifest.nodes
            || self.words.count(Part::Body) != self.manifest.bodies
        {
            return wrong("the packs are not what their manifest says");
        }
        if self.assumed.iter().any(|(key, revision)| self.words.revision(*key) != *revision) {
            return wrong("a pack of a workspace: a later change is not based on a record in it");
        }
        Ok(())
    }

    /// Whether it is not known what this body was before an entry changed it.
    pub(crate) fn is_open(&self, key: Key) -> bool {
        key.part == Part::Body && !self.missing.is_empty() && !self.assumed.contains_key(&key)
    }

    pub(crate) fn lacks_bodies(&self) -> bool {
        !self.missing.is_empty()
    }

    /// How many bodies have not come.
    pub(crate) fn bodies_missing(&self) -> u64 {
        let is_missing = |pack: PackId| self.missing.contains(&pack) && !self.is_ready(pack);
        let missing = self.manifest.packs.iter().filter(|pack| is_missing(pack.pack));
        missing.map(|pack| u64::from(pack.records)).sum()
    }

    /// The connection broke: what was asked for is asked for again.
    pub(crate) fn interrupt(&mut self) {
        self.asked = None;
    }

    /// The progress to be written with a set of entries, where they change it.
    pub(crate) fn after(replica: &Replica, staging: &Staging) -> Option<Write> {
        let fresh = replica.fresh.as_ref().filter(|_| !staging.assumed.is_empty())?;
        Some(Write::SetFresh(Some(fresh.encode(&staging.assumed))))
    }

    /// Takes over what entries named that came before their packs.
    pub(crate) fn assume(&mut self, assumed: BTreeMap<Key, Option<Revision>>) {
        self.assumed.extend(assumed);
    }
}

impl Replica {
    /// Whether this body exists on the server as far as is known, and has not come.
    pub(crate) fn is_coming(&self, key: Key) -> bool {
        let is_partial = self.must_reset || self.fresh.as_ref().is_some_and(|fresh| fresh.is_open(key));
        let node = Key { part: Part::Node, ..key };
        key.part == Part::Body
            && is_partial
            && self.base.contains_key(&node)
            && !self.base.contains_key(&key)
            && !self.pending.contains_key(&key)
    }

    pub(crate) fn lacks_bodies(&self) -> bool {
        self.must_reset || self.fresh.as_ref().is_some_and(|fresh| fresh.lacks_bodies())
    }

    /// Whether the feed may begin with packs: nothing is here that would have to be merged.
    pub(crate) fn may_bootstrap(&self) -> bool {
        self.head == Head::EMPTY && !self.no_packs && self.pending.is_empty() && self.flights.is_empty()
    }

    /// The next request for packs or past headers, if there is one to make.
    pub(crate) fn next_fresh(&mut self, next_request: &mut u32) -> Option<ClientFrame> {
        let workspace = self.workspace;
        let fresh = self.fresh.as_mut().filter(|fresh| fresh.asked.is_none())?;
        *next_request = next_request.wrapping_add(1);
        let request = *next_request;
        fresh.asked = Some(request);
        fresh.lacked = fresh.missing.len();
        let packs: Vec<_> = fresh.missing.iter().filter(|pack| !fresh.is_ready(**pack)).copied().collect();
        if packs.is_empty() {
            let after = fresh.check.as_ref().map_or(0, |check| check.head.seq);
            return Some(ClientFrame::ReadHeaders { request, workspace, after });
        }
        let packs = packs.into_iter().take(PACKS_FETCH_MAX).collect();
        Some(ClientFrame::FetchPacks { request, workspace, packs })
    }

    fn is_fresh_request(&self, request: u32) -> bool {
        self.fresh.as_ref().is_some_and(|fresh| fresh.asked == Some(request))
    }
}

impl Staging {
    fn begin_bootstrap(&mut self, checkpoint: Checkpoint) {
        let resumed = self.resumed.take().filter(|old| old.checkpoint.signed == checkpoint.signed);
        self.bootstrap = Some(resumed.unwrap_or_else(|| Box::new(Bootstrap::new(checkpoint))));
    }

    /// What a part was before the staged entries, as far as it counts in the digest.
    pub(crate) fn old_revision(&self, replica: &Replica, key: Key) -> Option<Revision> {
        let base = replica.base.get(&key).map(|base| base.revision);
        base.or_else(|| self.assumed.get(&key).copied().flatten())
    }

    /// Whether what a part was is not known yet, so that an entry's word for it stands until its pack comes.
    pub(crate) fn is_open(replica: &Replica, key: Key) -> bool {
        replica.fresh.as_ref().is_some_and(|fresh| fresh.is_open(key))
    }
}

impl Engine {
    pub(crate) fn handle_manifest(
        &mut self,
        workspace: WorkspaceId,
        manifest: &SignedManifest,
        charter: &[CharterEntry],
    ) {
        let Some(identity) = &self.identity else { return };
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        let Link::CatchingUp(staging) = &mut replica.link else { return };
        if staging.head != Head::EMPTY || staging.bootstrap.is_some() || staging.spoiled {
            return; // nobody asked for it here
        }
        match Checkpoint::open(identity, workspace, manifest, charter) {
            Ok(checkpoint) => staging.begin_bootstrap(checkpoint),
            Err((alarm, detail)) => self.spoil(workspace, alarm, detail),
        }
    }

    /// What packs of a workspace can be opened with before [`Engine::handle_pack`] takes them.
    pub fn pack_opener(&self, workspace: WorkspaceId) -> Option<PackOpener> {
        let replica = self.replicas.get(&workspace)?;
        if let Link::CatchingUp(staging) = &replica.link
            && let Some(bootstrap) = &staging.bootstrap
        {
            return Some(bootstrap.checkpoint.opener.clone());
        }
        replica.opener()
    }

    /// Takes a pack of a workspace: in place of the frame that brought it.
    pub fn handle_pack<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        sealed: SealedPack,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        self.events.push_back(Event::StateChanged);
        self.take_pack(workspace, sealed, store)
    }

    pub(crate) fn take_pack<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        sealed: SealedPack,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        if let Link::CatchingUp(staging) = &mut replica.link
            && let Some(bootstrap) = &mut staging.bootstrap
        {
            if staging.spoiled {
                return Ok(());
            }
            return match bootstrap.take(sealed) {
                Err((alarm, detail)) => {
                    self.spoil(workspace, alarm, detail);
                    Ok(())
                }
                Ok(()) if bootstrap.lacks_nodes() => Ok(()),
                Ok(()) => self.show_tree(workspace, store),
            };
        }
        let taken = replica.take_bodies(sealed);
        match taken {
            Ok(records) if records.is_empty() => Ok(()),
            Ok(records) => {
                self.events.push_back(Event::Changed { workspace, records, by_others: true });
                let is_much = |fresh: &Fresh| {
                    fresh.ready.iter().map(|pack| pack.sealed.len()).sum::<usize>() >= READY_BYTES_MAX
                };
                let replica = self
                    .replicas
                    .get_mut(&workspace)
                    .filter(|replica| replica.fresh.as_deref().is_some_and(is_much));
                replica.map_or(Ok(()), |replica| replica.keep_ready(store))
            }
            Err((alarm, detail)) => self.distrust(workspace, alarm, detail, store),
        }
    }

    /// All nodes have come: they are the base at the manifest's point, and the tail is what follows on it.
    fn show_tree<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let present = self.incarnation;
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Link::CatchingUp(staging) = &mut replica.link else { return Ok(()) };
        let Some(mut bootstrap) = staging.bootstrap.take() else { return Ok(()) };
        if !replica.pending.is_empty() || !replica.flights.is_empty() {
            // Something was edited since this was asked for: it must be merged, which packs are not made for.
            (replica.no_packs, staging.spoiled) = (true, true);
            return Ok(());
        }
        let wanted = staging.wanted;
        let (nodes, rows) = bootstrap.settle();
        let records = nodes.iter().map(|(record, _)| *record).collect();
        replica.begin_at(*bootstrap, (nodes, rows), present, store)?;
        let mut staging = Staging::new(replica);
        staging.wanted = wanted;
        replica.link = Link::CatchingUp(Box::new(staging));
        // The bodies follow the tail without a question in between.
        self.outbox.extend(replica.next_fresh(&mut self.next_request));
        self.events.push_back(Event::Changed { workspace, records, by_others: true });
        Ok(())
    }

    /// Whether this answer has all bodies of a fresh app stored, which takes long: they can be read already.
    pub fn stores_bodies_with(&self, frame: &ServerFrame) -> bool {
        let ServerFrame::Done { request } = frame else { return false };
        let asked = self.replicas.values().find(|replica| replica.is_fresh_request(*request));
        let fresh = asked.and_then(|replica| replica.fresh.as_ref());
        fresh.is_some_and(|fresh| !fresh.ready.is_empty() && fresh.bodies_missing() == 0)
    }

    /// The answer to a request of a fresh app; false if it is another's.
    pub(crate) fn handle_fresh_answer<S: Store>(
        &mut self,
        request: u32,
        refusal: Option<&Refusal>,
        store: &mut S,
    ) -> Result<bool, EngineError<S::Error>> {
        let asked = self.replicas.values().find(|replica| replica.is_fresh_request(request));
        let Some(workspace) = asked.map(|replica| replica.workspace) else { return Ok(false) };
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(true) };
        replica.keep_ready(store)?;
        // In sync means stored, for bodies as well.
        if replica.fresh.as_ref().is_some_and(|fresh| fresh.lacked > 0 && !fresh.lacks_bodies()) {
            self.make_durable(store)?;
        }
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(true) };
        let Some(fresh) = replica.fresh.as_mut().filter(|fresh| fresh.asked == Some(request)) else {
            return Ok(true); // it was given up just now
        };
        fresh.asked = None;
        match refusal {
            Some(refusal) if refusal.code == ErrorCode::NotFound && fresh.lacks_bodies() => {
                // A newer manifest has taken this one's place: begin with that one. A feed under way comes to its
                // end first: its frames would be taken for those of the next one.
                if let Link::CatchingUp(staging) = &mut replica.link {
                    staging.spoiled = true;
                    return Ok(true);
                }
                self.reset(workspace, store)?;
                self.subscribe(workspace);
            }
            Some(refusal) if refusal.code == ErrorCode::CursorTooOld && !fresh.lacks_bodies() => {
                // The old headers are not kept any more: what is left is the word of who signed.
                let writes = vec![Write::SetFresh(None)];
                store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
                replica.fresh = None;
            }
            Some(refusal) => {
                let after_ms = refusal.retry_ms.unwrap_or(1_000);
                self.events.push_back(Event::Reconnect { after_ms });
            }
            None if fresh.lacks_bodies() && fresh.missing.len() >= fresh.lacked => {
                let detail = "the server's packs are not those that the manifest names".into();
                self.distrust(workspace, Alarm::Damaged, detail, store)?;
            }
            None => {}
        }
        Ok(true)
    }

    /// What comes of the present catch-up is not to be used: it is let come to its end, and then one
    /// without packs begins.
    pub(crate) fn spoil(&mut self, workspace: WorkspaceId, alarm: Alarm, detail: String) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        replica.no_packs = true;
        if let Link::CatchingUp(staging) = &mut replica.link {
            staging.spoiled = true;
        }
        self.events.push_back(Event::Alarm { workspace, alarm, detail });
    }

    /// The server does not know the point that its own manifest names: goes on without packs. False
    /// where the feed did not begin with one.
    pub(crate) fn give_up_bootstrap(&mut self, workspace: WorkspaceId) -> bool {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return false };
        let Link::CatchingUp(staging) = &replica.link else { return false };
        let has_begun = replica.fresh.as_ref().is_some_and(|fresh| fresh.is_at(replica.head));
        if !staging.spoiled {
            if staging.bootstrap.is_none() && !has_begun {
                return false;
            }
            let detail = "the server does not know the point that its manifest names".into();
            self.events.push_back(Event::Alarm { workspace, alarm: Alarm::Forked, detail });
        }
        (replica.no_packs, replica.link) = (true, Link::Idle);
        if has_begun {
            replica.must_reset = true; // with the next connection
            self.events.push_back(Event::Reconnect { after_ms: 0 });
            return true;
        }
        self.subscribe(workspace);
        true
    }

    /// Gives up a base that was read from packs, and begins anew without them.
    pub(crate) fn distrust<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        alarm: Alarm,
        detail: String,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        self.events.push_back(Event::Alarm { workspace, alarm, detail });
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        replica.no_packs = true;
        self.reset(workspace, store)?;
        self.subscribe(workspace);
        Ok(())
    }

    /// Forgets everything that came from the server; what waits stays.
    pub(crate) fn reset<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let digest = Digest::new(StateDigest::default().to_bytes());
        let mut writes = vec![Write::SetFresh(None), Write::ForgetPacks];
        writes.extend(replica.base.keys().map(|key| Write::RemoveBase { key: *key }));
        writes.extend([
            Write::ClearCharter,
            Write::ClearChains,
            Write::SetHead { head: Head::EMPTY, digest },
        ]);
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        replica.head = Head::EMPTY;
        replica.digest = StateDigest::default();
        replica.charter = crate::charter::Charter::default();
        replica.chains.clear();
        (replica.newest, replica.distrusted) = (None, None);
        replica.base.clear();
        replica.packs.clear();
        replica.fresh = None;
        replica.must_reset = false;
        replica.link = Link::Idle;
        let waits: BTreeSet<_> =
            replica.pending.keys().map(|key| crate::replica::model_id(key.record)).collect();
        replica.retain_nodes(|record| waits.contains(record));
        Ok(())
    }

    pub(crate) fn handle_past_headers<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        (request, first_seq): (u32, u64),
        headers: &[SignedHeader],
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        if !replica.is_fresh_request(request) {
            return Ok(());
        }
        replica.keep_ready(store)?; // what a broken connection left
        let Some(mut fresh) = replica.fresh.take() else { return Ok(()) };
        fresh.asked = None;
        let checked = check_headers(replica, &mut fresh, first_seq, headers);
        replica.fresh = Some(fresh);
        match checked {
            Ok(false) => {}
            Ok(true) => {
                let writes = vec![Write::SetFresh(None)];
                store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
                replica.fresh = None;
            }
            Err((alarm, detail)) => {
                // Which of the two lies, a person's `reload` finds out: it reads the ledger itself.
                (replica.no_packs, replica.must_reset) = (true, true);
                self.block(workspace, alarm, &detail);
            }
        }
        Ok(())
    }
}

impl Replica {
    /// Whether what the server shows is held against packs alone: nothing of the ledger was applied over them.
    pub(crate) fn is_beginning(&self) -> bool {
        self.fresh.as_ref().is_some_and(|fresh| fresh.is_at(self.head))
    }

    /// Begins at a manifest's point, in one transaction.
    fn begin_at<S: Store>(
        &mut self,
        mut bootstrap: Bootstrap,
        (nodes, rows): (Vec<(satchel_model::RecordId, Node)>, BTreeMap<Key, Base>),
        present: Option<satchel_wire::Incarnation>,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Checkpoint { manifest, charter, entries, opener, .. } = &bootstrap.checkpoint;
        let keys = Arc::clone(&opener.keys);
        let (head, digest, charter) = (manifest.head, manifest.digest, charter.clone());
        let held: Vec<_> = bootstrap.taken.iter_mut().map(TakenPack::take_held).collect();
        let mut writes: Vec<_> = bootstrap.taken.iter_mut().map(TakenPack::take_write).collect();
        writes.push(Write::ClearCharter);
        writes.extend(entries.iter().cloned().map(|(seq, header)| Write::AddCharter { seq, header }));
        writes.extend([Write::AddChains(vec![head]), Write::SetHead { head, digest }]);
        writes.extend(present.map(Write::SetIncarnation));
        let fresh = Fresh::begin(bootstrap);
        writes.push(Write::SetFresh(Some(fresh.encode(&BTreeMap::new()))));
        self.write(writes, store)?;
        for pack in held {
            self.packs.add(pack);
        }
        (self.head, self.newest) = (head, Some(head));
        (self.digest, self.charter) = (StateDigest::from_bytes(digest.as_bytes()), charter);
        self.keys = Some(keys);
        self.incarnation = present.or(self.incarnation);
        self.server_seq = self.server_seq.max(head.seq);
        self.remember_chain(head);
        self.base.append(rows);
        self.show_nodes(nodes);
        self.fresh = Some(Box::new(fresh));
        Ok(())
    }

    /// What packs of bodies are opened with.
    fn opener(&self) -> Option<PackOpener> {
        let (fresh, keys) = (self.fresh.as_ref()?, self.keys.as_ref()?);
        Some(PackOpener { terms: Arc::clone(&fresh.terms), keys: Arc::clone(keys) })
    }

    /// Takes a pack of bodies that was missing: verified and readable with that, though not yet in the store.
    fn take_bodies(&mut self, sealed: SealedPack) -> Result<Vec<satchel_model::RecordId>, Refused> {
        let Some(opener) = self.opener() else { return Ok(Vec::new()) };
        let Some(fresh) = &mut self.fresh else { return Ok(Vec::new()) };
        let Some(named) = find_named(&fresh.manifest.packs, &sealed).copied() else { return Ok(Vec::new()) };
        if !fresh.missing.contains(&named.pack) || fresh.is_ready(named.pack) {
            return Ok(Vec::new());
        }
        let mut pack = opener.open(named, sealed)?;
        let mut rows = Vec::with_capacity(pack.entries.len());
        for entry in &pack.entries {
            let key = Key { record: entry.record, part: pack.part };
            let word = fresh.words.take(key, entry);
            if word == Word::Twice {
                return Err(twice());
            }
            // Where an entry behind the manifest changed it, the newer one is here already.
            let is_here = self.base.get(&key).is_some_and(|base| base.seq > entry.seq);
            if word == Word::Newest && !is_here && !fresh.assumed.contains_key(&key) {
                let (seq, revision, conflicts) = (entry.seq, entry.revision, entry.conflicts);
                rows.push((key, Base { seq, revision, conflicts }));
            }
        }
        let records = pack.entries.iter().map(|entry| model_id(entry.record)).collect();
        self.packs.add(pack.take_held());
        fresh.ready.push(pack);
        if fresh.bodies_missing() == 0 {
            fresh.check_whole()?;
        }
        self.base.extend(rows);
        Ok(records)
    }

    /// Stores the bodies that have come.
    pub(crate) fn keep_ready<S: Store>(&mut self, store: &mut S) -> Result<(), EngineError<S::Error>> {
        let Some(mut fresh) = self.fresh.take() else { return Ok(()) };
        let kept = if fresh.ready.is_empty() { Ok(()) } else { fresh.keep(self, store) };
        self.fresh = Some(fresh);
        kept
    }
}

impl Fresh {
    fn keep<S: Store>(&mut self, replica: &Replica, store: &mut S) -> Result<(), EngineError<S::Error>> {
        let before = self.missing.clone();
        for pack in &self.ready {
            self.missing.remove(&pack.pack);
        }
        let mut writes: Vec<_> = self.ready.iter_mut().map(TakenPack::take_write).collect();
        writes.push(Write::SetFresh(Some(self.encode(&BTreeMap::new()))));
        let batch = Batch { workspace: replica.workspace, writes };
        if let Err(error) = store.apply(&batch).map_err(EngineError::Store) {
            self.missing = before;
            self.ready.iter_mut().zip(batch.writes).for_each(|(pack, write)| pack.put_back(write));
            return Err(error);
        }
        self.ready.clear();
        Ok(())
    }
}

/// Verifies headers of the past; true once they have come up to the manifest and agree with it.
fn check_headers(
    replica: &Replica,
    fresh: &mut Fresh,
    first_seq: u64,
    headers: &[SignedHeader],
) -> Result<bool, Refused> {
    let nothing = Replica::new(replica.workspace);
    let mut check = fresh.check.take().unwrap_or_else(|| Box::new(Staging::new(&nothing)));
    if headers.is_empty() || first_seq != check.head.seq + 1 {
        return Err((Alarm::Forked, "the server does not show the ledger under its manifest".into()));
    }
    let until = fresh.manifest.head.seq;
    for (seq, header) in (first_seq..).zip(headers).take_while(|(seq, _)| *seq <= until) {
        check.take_header(&nothing, seq, header)?;
    }
    if check.head.seq < until {
        fresh.check = Some(check);
        return Ok(false);
    }
    agrees(replica, fresh, &check)?;
    Ok(true)
}

/// The ledger up to the manifest's point says what the packs said.
fn agrees(replica: &Replica, fresh: &Fresh, check: &Staging) -> Result<(), Refused> {
    if check.head != fresh.manifest.head {
        return Err((Alarm::Forked, "the ledger is another one than its manifest says".into()));
    }
    let forged = || (Alarm::Forged, "the packs of the workspace are not what its ledger says".to_owned());
    if check.charter.hash() != *fresh.manifest.charter.as_bytes() {
        return Err(forged());
    }
    let mut digest = StateDigest::default();
    for (key, (_, revision)) in &check.changed {
        if let Some(revision) = revision {
            add(&mut digest, *key, *revision);
        }
    }
    let is_right = |key: &Key, seq: u64, revision: Revision| {
        seq > fresh.manifest.head.seq || check.changed.get(key) == Some(&(seq, Some(revision)))
    };
    let bases = replica.base.iter().all(|(key, base)| is_right(key, base.seq, base.revision));
    let was = |key: &Key| check.changed.get(key).and_then(|(_, revision)| *revision);
    let assumed = fresh.assumed.iter().all(|(key, revision)| was(key) == *revision);
    let same = digest.to_bytes() == *fresh.manifest.digest.as_bytes();
    if bases && assumed && same { Ok(()) } else { Err(forged()) }
}
