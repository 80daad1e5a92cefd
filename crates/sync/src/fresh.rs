//! A fresh app: manifest and packs in place of the whole ledger, the tree first, bodies after.
//!
//! ```text
//!  Bootstrap ─▶ Manifest, Pack* (nodes), Headers*, Page* (tail), CaughtUp ─▶ the tree is durable and live
//!  FetchPacks ─▶ Pack* (bodies), Done      several times; each batch is durable with what is still missing
//!  ReadHeaders ─▶ PastHeaders              in the background: the whole ledger against the manifest
//! ```
//! Until all bodies are here the digest is the one that the manifest claims, moved on by every entry since,
//! and compared with the server's at the first head; when they are here, the sum over everything that came
//! must be the manifest's. A body that a later entry changed before its pack came is taken from that entry,
//! and the parent that the entry named must be what the pack says.
//!
//! Invariants: a body that has not come is neither shown as absent nor may be edited or purged; whatever
//! does not agree ends in an alarm, and the app begins anew without packs; what waits here is never dropped
//! by that. That the packs are the ledger's is at first the word of the app that signed the manifest.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use satchel_crypto::StateDigest;
use satchel_model::merge::Authorship;
use satchel_wire::limits::{PACKS_FETCH_MAX, PACKS_MAX};
use satchel_wire::{
    CharterEntry, ClientFrame, Digest, ErrorCode, Head, Manifest, PackId, Part, RecordId, Refusal, Revision,
    SignedHeader, SignedManifest, WorkspaceId, decode_limited, encode,
};

use crate::EngineError;
use crate::checkpoint::{Checkpoint, OpenPack, add, find_named, open_named};
use crate::effects::Effects;
use crate::engine::{Engine, Event};
use crate::replica::{Link, Replica};
use crate::staging::{Refused, Staging};
use crate::store::{Alarm, Batch, Key, Store, Write};

/// Packs that become durable together: each transaction costs a disk's sync.
const PACKS_AT_ONCE: usize = 16;
/// Largest stored progress, in bytes: a manifest and what is missing from it.
const PROGRESS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The beginning of a fresh app: what has come of the manifest's nodes.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    checkpoint: Checkpoint,
    have: Vec<PackId>,
    sum: StateDigest,
}

/// What came in packs, by key.
pub(crate) type Packed = BTreeMap<Key, (u64, Revision, Vec<u8>)>;

impl Bootstrap {
    /// The packs of nodes that need not come again.
    pub(crate) fn have(&self) -> Vec<PackId> {
        self.have.iter().copied().take(PACKS_MAX).collect()
    }

    pub(crate) fn digest(&self) -> StateDigest {
        StateDigest::from_bytes(self.checkpoint.manifest.digest.as_bytes())
    }

    fn lacks_nodes(&self) -> bool {
        let nodes = self.checkpoint.manifest.packs.iter().filter(|pack| pack.part == Part::Node);
        nodes.count() != self.have.len()
    }
}

/// A base that was begun from packs and is not whole, or not verified by the ledger's headers.
#[derive(Debug)]
pub(crate) struct Fresh {
    manifest: Manifest,
    signed: SignedManifest,
    /// Packs of bodies that have not come.
    missing: BTreeSet<PackId>,
    /// Bodies that entries changed before their pack came, with the revision that the first of them named.
    assumed: BTreeMap<Key, Option<Revision>>,
    /// Over what has come in packs.
    sum: StateDigest,
    /// The request under way.
    asked: Option<u32>,
    /// How many packs were missing when it was made.
    lacked: usize,
    /// What has come of it and is not durable.
    ready: Vec<OpenPack>,
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
    #[n(3)]
    sum: Digest,
}

impl Fresh {
    fn begin(bootstrap: &Bootstrap, assumed: BTreeMap<Key, Option<Revision>>) -> Self {
        let manifest = bootstrap.checkpoint.manifest.clone();
        let bodies = manifest.packs.iter().filter(|pack| pack.part == Part::Body);
        let missing = bodies.map(|pack| pack.pack).collect();
        let signed = bootstrap.checkpoint.signed.clone();
        let sum = bootstrap.sum.clone();
        Self {
            manifest,
            signed,
            missing,
            assumed,
            sum,
            asked: None,
            lacked: 0,
            ready: Vec::new(),
            check: None,
        }
    }

    /// What [`Fresh::encode`] made; none if it is damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let progress: Progress = decode_limited("progress", bytes, PROGRESS_BYTES_MAX).ok()?;
        let manifest = Manifest::decode(&progress.signed.manifest).ok()?;
        let assumed = progress.assumed.into_iter();
        Some(Self {
            manifest,
            signed: progress.signed,
            missing: progress.missing.into_iter().collect(),
            assumed: assumed.map(|(record, part, revision)| (Key { record, part }, revision)).collect(),
            sum: StateDigest::from_bytes(progress.sum.as_bytes()),
            asked: None,
            lacked: 0,
            ready: Vec::new(),
            check: None,
        })
    }

    fn encode(&self, more: &BTreeMap<Key, Option<Revision>>) -> Vec<u8> {
        let assumed = self.assumed.iter().chain(more);
        encode(&Progress {
            signed: self.signed.clone(),
            missing: self.missing.iter().copied().collect(),
            assumed: assumed.map(|(key, revision)| (key.record, key.part, *revision)).collect(),
            sum: Digest::new(self.sum.to_bytes()),
        })
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
        let missing = self.manifest.packs.iter().filter(|pack| self.missing.contains(&pack.pack));
        missing.map(|pack| u64::from(pack.records)).sum()
    }

    /// The connection broke: what was asked for is asked for again.
    pub(crate) fn interrupt(&mut self) {
        self.asked = None;
        self.ready.clear();
    }

    /// The progress to be written with a set of entries, where they change it.
    pub(crate) fn after(replica: &Replica, staging: &Staging) -> Option<(Option<Self>, Write)> {
        if let Some(bootstrap) = &staging.bootstrap {
            let fresh = Self::begin(bootstrap, staging.assumed.clone());
            let write = Write::SetFresh(Some(fresh.encode(&BTreeMap::new())));
            return Some((Some(fresh), write));
        }
        let fresh = replica.fresh.as_ref().filter(|_| !staging.assumed.is_empty())?;
        Some((None, Write::SetFresh(Some(fresh.encode(&staging.assumed)))))
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
        if fresh.missing.is_empty() {
            let after = fresh.check.as_ref().map_or(0, |check| check.head.seq);
            return Some(ClientFrame::ReadHeaders { request, workspace, after });
        }
        let packs = fresh.missing.iter().copied().take(PACKS_FETCH_MAX).collect();
        Some(ClientFrame::FetchPacks { request, workspace, packs })
    }

    fn is_fresh_request(&self, request: u32) -> bool {
        self.fresh.as_ref().is_some_and(|fresh| fresh.asked == Some(request))
    }
}

impl Staging {
    fn begin_bootstrap(&mut self, checkpoint: Checkpoint) {
        self.head = checkpoint.manifest.head;
        self.chains.push(self.head);
        self.charter = checkpoint.charter.clone();
        self.charter_new.clone_from(&checkpoint.entries);
        let resumed = self.resumed.take().filter(|(old, _)| old.checkpoint.signed == checkpoint.signed);
        let (have, sum, packed) = match resumed {
            Some((old, packed)) => (old.have, old.sum, packed),
            None => (Vec::new(), StateDigest::default(), Packed::new()),
        };
        self.changed =
            packed.iter().map(|(key, (seq, revision, _))| (*key, (*seq, Some(*revision)))).collect();
        self.packed = packed;
        self.bootstrap = Some(Box::new(Bootstrap { checkpoint, have, sum }));
    }

    /// Takes a pack of nodes; others belong to an earlier request, and are passed over.
    fn take_nodes(&mut self, sealed: &[u8]) -> Result<(), Refused> {
        let Some(mut bootstrap) = self.bootstrap.take() else { return Ok(()) };
        let taken = self.take_nodes_into(&mut bootstrap, sealed);
        self.bootstrap = Some(bootstrap);
        taken
    }

    fn take_nodes_into(&mut self, bootstrap: &mut Bootstrap, sealed: &[u8]) -> Result<(), Refused> {
        let manifest = &bootstrap.checkpoint.manifest;
        let Some(named) = find_named(manifest, sealed) else { return Ok(()) };
        if named.part != Part::Node || bootstrap.have.contains(&named.pack) {
            return Ok(());
        }
        let pack = bootstrap.checkpoint.open_pack(&bootstrap.checkpoint.key, sealed)?;
        for record in pack.records {
            let key = Key { record: record.record, part: pack.part };
            add(&mut bootstrap.sum, key, record.revision);
            let row = (record.seq, record.revision, record.payload);
            self.changed.insert(key, (record.seq, Some(record.revision)));
            if self.packed.insert(key, row).is_some() {
                return Err((Alarm::Damaged, "a manifest with a record in two packs".into()));
            }
        }
        bootstrap.have.push(pack.pack);
        Ok(())
    }

    /// What a part was before the staged entries, as far as it counts in the digest.
    pub(crate) fn old_revision(&self, replica: &Replica, key: Key) -> Option<Revision> {
        let packed = self.packed.get(&key).map(|(_, revision, _)| *revision);
        let base = || replica.base.get(&key).map(|base| base.revision);
        packed.or_else(base).or_else(|| self.assumed.get(&key).copied().flatten())
    }

    /// Whether what a part was is not known yet, so that an entry's word for it stands until its pack comes.
    pub(crate) fn is_open(&self, replica: &Replica, key: Key) -> bool {
        let begins = self.bootstrap.is_some() && key.part == Part::Body;
        begins || replica.fresh.as_ref().is_some_and(|fresh| fresh.is_open(key))
    }

    pub(crate) fn lacks_nodes(&self) -> bool {
        self.bootstrap.as_ref().is_some_and(|bootstrap| bootstrap.lacks_nodes())
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

    pub(crate) fn handle_pack<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        sealed: &[u8],
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        if let Link::CatchingUp(staging) = &mut replica.link {
            if !staging.spoiled
                && let Err((alarm, detail)) = staging.take_nodes(sealed)
            {
                self.spoil(workspace, alarm, detail);
            }
            return Ok(());
        }
        let (Some(fresh), Some(key)) = (&mut replica.fresh, &replica.key) else { return Ok(()) };
        let Some(named) = find_named(&fresh.manifest, sealed) else { return Ok(()) };
        if !fresh.missing.contains(&named.pack) || fresh.ready.iter().any(|pack| pack.pack == named.pack) {
            return Ok(());
        }
        match open_named(&fresh.manifest, key, sealed) {
            Ok(pack) => fresh.ready.push(pack),
            Err((alarm, detail)) => return self.distrust(workspace, alarm, detail, store),
        }
        if fresh.ready.len() >= PACKS_AT_ONCE {
            return self.keep_ready(workspace, now_ms, store);
        }
        Ok(())
    }

    /// The answer to a request of a fresh app; false if it is another's.
    pub(crate) fn handle_fresh_answer<S: Store>(
        &mut self,
        request: u32,
        refusal: Option<&Refusal>,
        now_ms: u64,
        store: &mut S,
    ) -> Result<bool, EngineError<S::Error>> {
        let asked = self.replicas.values().find(|replica| replica.is_fresh_request(request));
        let Some(workspace) = asked.map(|replica| replica.workspace) else { return Ok(false) };
        self.keep_ready(workspace, now_ms, store)?;
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(true) };
        let Some(fresh) = replica.fresh.as_mut().filter(|fresh| fresh.asked == Some(request)) else {
            return Ok(true); // it was given up just now
        };
        fresh.asked = None;
        match refusal {
            Some(refusal) if refusal.code == ErrorCode::NotFound && fresh.lacks_bodies() => {
                // A newer manifest has taken this one's place: begin with that one.
                self.reset(workspace, store)?;
                self.subscribe(workspace);
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

    /// Makes durable what has come of the bodies.
    fn keep_ready<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let who = self.identity.as_ref().map(|identity| identity.account.to_string()).unwrap_or_default();
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Some(mut fresh) = replica.fresh.take() else { return Ok(()) };
        let by = Authorship { who, when_ms: now_ms };
        let kept = keep_bodies(replica, &mut fresh, by, store);
        replica.fresh = Some(fresh);
        match kept? {
            Ok(records) if records.is_empty() => Ok(()),
            Ok(records) => {
                self.events.push_back(Event::Changed { workspace, records });
                Ok(())
            }
            Err((alarm, detail)) => self.distrust(workspace, alarm, detail, store),
        }
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
        if !staging.spoiled {
            if staging.bootstrap.is_none() {
                return false;
            }
            let detail = "the server does not know the point that its manifest names".into();
            self.events.push_back(Event::Alarm { workspace, alarm: Alarm::Forked, detail });
        }
        (replica.no_packs, replica.link) = (true, Link::Idle);
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
        let mut writes: Vec<_> = replica.base.keys().map(|key| Write::RemoveBase { key: *key }).collect();
        let digest = Digest::new(StateDigest::default().to_bytes());
        writes.extend([
            Write::ClearCharter,
            Write::ClearChains,
            Write::SetFresh(None),
            Write::SetHead { head: Head::EMPTY, digest },
        ]);
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        replica.head = Head::EMPTY;
        replica.digest = StateDigest::default();
        replica.charter = crate::charter::Charter::default();
        replica.chains.clear();
        (replica.newest, replica.distrusted) = (None, None);
        replica.base.clear();
        replica.fresh = None;
        replica.must_reset = false;
        replica.link = Link::Idle;
        let waits: BTreeSet<_> =
            replica.pending.keys().map(|key| crate::replica::model_id(key.record)).collect();
        replica.nodes.retain(|record, _| waits.contains(record));
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

/// Applies the packs that are ready, in one transaction with what is still missing.
fn keep_bodies<S: Store>(
    replica: &mut Replica,
    fresh: &mut Fresh,
    by: Authorship,
    store: &mut S,
) -> Result<Result<Vec<satchel_model::RecordId>, Refused>, EngineError<S::Error>> {
    if fresh.ready.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let mut staging = Staging::new(replica);
    staging.only_packs = true;
    let (mut sum, mut missing) = (fresh.sum.clone(), fresh.missing.clone());
    for pack in std::mem::take(&mut fresh.ready) {
        missing.remove(&pack.pack);
        if let Err(refused) = stage_bodies(replica, fresh, &mut staging, &mut sum, pack) {
            return Ok(Err(refused));
        }
    }
    if missing.is_empty() && sum.to_bytes() != *fresh.manifest.digest.as_bytes() {
        return Ok(Err((Alarm::Damaged, "the packs are not what their manifest says".into())));
    }
    let mut effects = Effects::new(by);
    if let Err(refused) = effects.collect(replica, &staging, store)? {
        return Ok(Err(refused));
    }
    let before = (std::mem::replace(&mut fresh.sum, sum), std::mem::replace(&mut fresh.missing, missing));
    effects.write(Write::SetFresh(Some(fresh.encode(&BTreeMap::new()))));
    let finished = effects.finish(replica, staging, store);
    if finished.is_err() {
        (fresh.sum, fresh.missing) = before;
    }
    finished.map(Ok)
}

fn stage_bodies(
    replica: &Replica,
    fresh: &Fresh,
    staging: &mut Staging,
    sum: &mut StateDigest,
    pack: OpenPack,
) -> Result<(), Refused> {
    let damaged = |detail: &str| (Alarm::Damaged, format!("a pack of a workspace: {detail}"));
    for record in pack.records {
        let key = Key { record: record.record, part: pack.part };
        add(sum, key, record.revision);
        if let Some(assumed) = fresh.assumed.get(&key) {
            if *assumed != Some(record.revision) {
                return Err(damaged("a later change is not based on a record in it"));
            }
            continue; // the newer one is here already
        }
        if replica.base.contains_key(&key) || staging.packed.contains_key(&key) {
            return Err(damaged("a record in it is in another pack, too"));
        }
        staging.changed.insert(key, (record.seq, Some(record.revision)));
        staging.packed.insert(key, (record.seq, record.revision, record.payload));
    }
    Ok(())
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
