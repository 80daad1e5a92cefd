//! Making packs for fresh apps, when the server asks and there is nothing else to do.
//!
//! ```text
//!  PacksWanted ─▶ plan ─▶ PutPack ─▶ Done ─▶ PutPack … ─▶ all still current? ─▶ PutManifest ─▶ Done
//!                  ▲                                        │ no: only those again
//!                  └────────────────────────────────────────┘
//! ```
//! One pack at a time, between commits, so that neither memory nor a person's next edit waits for it; the last
//! few with their manifest at once, so that edits in quick succession cannot put it off for ever. Packs that
//! this app made, or began from, stay as long as most of their records stand as they are in them; what changed
//! goes into packs beside them, where the newest counts.
//!
//! Invariants: a manifest names exactly the base at its head; a body that holds a secret variable is in no
//! compression context with anything else: such bodies are packed without compression; nodes and bodies
//! never share a pack; no pack holds a record that was purged since. Whatever goes wrong ends the attempt: the server asks again.

use std::collections::{HashSet, VecDeque};

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{PackPlace, derive_pack_id, open_envelope, seal_pack};
use satchel_wire::limits::{PACK_BYTES_MAX, PACK_PAYLOAD_BYTES, PACK_RECORDS_MAX, PACKS_MAX};
use satchel_wire::{
    Bytes32, ClientFrame, Digest, Manifest, PackEntry, PackId, PackRef, PackedRecord, Part, Revision,
    Signature, SignedManifest, WorkspaceId, encode_pack,
};

use crate::EngineError;
use crate::engine::{Engine, Identity};
use crate::held::HeldPack;
use crate::replica::{Link, Replica, model_id, place};
use crate::store::{Kept, Key, Store};

/// A pack is made again once more of its records than this changed, in percent.
const CHANGED_PERCENT: usize = 25;
/// Of so few records packs and manifest are made at once, and uploaded whatever is edited meanwhile.
const AT_ONCE_MAX: usize = 1_024;
/// How often packs are made again because their records changed meanwhile.
const ROUNDS_MAX: u32 = 8;

/// A step of an attempt; none gives it up.
type Attempt<T, E> = Result<Option<T>, EngineError<E>>;

/// Which records may stand in one pack together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Nodes,
    Bodies,
    /// Not compressed.
    Secrets,
}

/// A pack that the server has, or is about to.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    named: PackRef,
    kind: Kind,
    records: Vec<(Key, Revision)>,
}

impl Made {
    /// A pack that this app began from: the server has it unless another app has made others since.
    fn of(pack: &HeldPack) -> Self {
        let records = u32::try_from(pack.entries.len()).unwrap_or(u32::MAX);
        let named = PackRef { pack: pack.pack, part: pack.part, records, bytes: pack.bytes };
        let kind = if pack.part == Part::Node { Kind::Nodes } else { Kind::Bodies };
        let record = |entry: &PackEntry| (Key { record: entry.record, part: pack.part }, entry.revision);
        Self { named, kind, records: pack.entries.iter().map(record).collect() }
    }
}

/// Packs on their way to the server.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    planned: bool,
    queue: VecDeque<Key>,
    secrets: VecDeque<Key>,
    made: Vec<Made>,
    asked: Option<u32>,
    /// The pack, or with none the manifest, that the request is about.
    sent: Option<Made>,
    rounds: u32,
    /// Packs that are made and not sent, and the manifest that is to follow them.
    prepared: VecDeque<(Made, Vec<u8>)>,
    manifest: Option<SignedManifest>,
}

impl Engine {
    /// The server asks for packs of a workspace.
    pub(crate) fn handle_packs_wanted(&mut self, workspace: WorkspaceId) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        if replica.packing.is_none() && replica.fresh.is_none() {
            let made = replica.packed.clone().unwrap_or_else(|| replica.packs.iter().map(Made::of).collect());
            replica.packing = Some(Box::new(Packing { made, ..Packing::default() }));
        }
    }

    /// The answer to an upload.
    pub(crate) fn handle_packing_answer(&mut self, request: u32, done: bool) {
        for replica in self.replicas.values_mut() {
            let Some(packing) = replica.packing.as_mut().filter(|packing| packing.asked == Some(request))
            else {
                continue;
            };
            packing.asked = None;
            match packing.sent.take() {
                Some(made) if done => packing.made.push(made),
                None if done => replica.packed = replica.packing.take().map(|packing| packing.made),
                _ => {
                    // Perhaps another app's packs have taken the place of those: all are made anew.
                    (replica.packing, replica.packed) = (None, Some(Vec::new()));
                }
            }
        }
    }

    /// Lets packs wait, or go on: whoever drives the engine knows when a person works.
    pub fn let_packs_wait(&mut self, wait: bool) {
        self.packs_wait = wait;
    }

    /// Whether packs that the server asked for are being made.
    pub fn is_packing(&self) -> bool {
        self.replicas.values().any(|replica| replica.packing.is_some() && matches!(replica.link, Link::Live))
    }
}

impl Replica {
    /// The next upload, if packs are wanted and nothing waits.
    pub(crate) fn next_packing<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        identity: &Identity,
        next_request: &mut u32,
        rng: &mut R,
        store: &S,
    ) -> Result<Option<ClientFrame>, EngineError<S::Error>> {
        let is_idle = self.flights.is_empty() && self.pending.values().all(|pending| pending.held);
        let may_go_on =
            |packing: &Packing| packing.asked.is_none() && (is_idle || packing.manifest.is_some());
        if !self.packing.as_deref().is_some_and(may_go_on) {
            return Ok(None);
        }
        if !self.charter.knows(identity.app)
            || !self.may_write(identity)
            || self.lacks_bodies()
            || !self.fetch.is_empty()
        {
            self.packing = None;
            return Ok(None);
        }
        let Some(mut packing) = self.packing.take() else { return Ok(None) };
        *next_request = next_request.wrapping_add(1);
        let frame = self.pack_on(&mut packing, identity, *next_request, rng, store)?;
        if frame.is_some() {
            packing.asked = Some(*next_request);
            self.packing = Some(packing);
        }
        Ok(frame)
    }

    /// None gives the attempt up.
    fn pack_on<S: Store, R: RngCore + CryptoRng>(
        &self,
        packing: &mut Packing,
        identity: &Identity,
        request: u32,
        rng: &mut R,
        store: &S,
    ) -> Result<Option<ClientFrame>, EngineError<S::Error>> {
        if packing.manifest.is_none() && packing.queue.is_empty() && packing.secrets.is_empty() {
            self.plan(packing);
            if packing.queue.len() <= AT_ONCE_MAX && !self.prepare(packing, identity, rng, store)? {
                return Ok(None);
            }
        }
        if packing.rounds > ROUNDS_MAX || packing.made.len() > PACKS_MAX {
            return Ok(None);
        }
        if let Some((made, pack)) = packing.prepared.pop_front() {
            packing.sent = Some(made);
            return Ok(Some(ClientFrame::PutPack { request, workspace: self.workspace, pack: pack.into() }));
        }
        if let Some(manifest) = packing.manifest.take() {
            return Ok(Some(ClientFrame::PutManifest { request, manifest }));
        }
        let Some((made, pack)) = self.make_pack(packing, rng, store)? else { return Ok(None) };
        packing.sent = Some(made);
        Ok(Some(ClientFrame::PutPack { request, workspace: self.workspace, pack: pack.into() }))
    }

    /// Makes all packs that are left, and the manifest at this point; false if a record cannot be packed.
    fn prepare<S: Store, R: RngCore + CryptoRng>(
        &self,
        packing: &mut Packing,
        identity: &Identity,
        rng: &mut R,
        store: &S,
    ) -> Result<bool, EngineError<S::Error>> {
        while !packing.queue.is_empty() || !packing.secrets.is_empty() {
            let Some(made) = self.make_pack(packing, rng, store)? else { return Ok(false) };
            packing.prepared.push_back(made);
        }
        let prepared = packing.prepared.iter().map(|(made, _)| made);
        let mut all: Vec<_> = packing.made.iter().chain(prepared).collect();
        all.sort_by_key(|made| made.kind);
        let packs = all.into_iter().map(|made| made.named).collect();
        packing.manifest = Some(self.make_manifest(packs, identity));
        Ok(true)
    }

    /// Puts into the queue what is in no pack as it is now; packs that are out of date are dropped.
    fn plan(&self, packing: &mut Packing) {
        let is_current = |(key, revision): &(Key, Revision)| {
            self.base.get(key).is_some_and(|base| base.revision == *revision)
        };
        packing.made.retain(|made| {
            let is_whole = made.records.iter().all(|(key, _)| self.base.contains_key(key));
            let changed = made.records.iter().filter(|record| !is_current(record)).count();
            is_whole && changed * 100 <= made.records.len() * CHANGED_PERCENT
        });
        let current = packing.made.iter().flat_map(|made| &made.records).filter(|record| is_current(record));
        let packed: HashSet<Key> = current.map(|(key, _)| *key).collect();
        let mut keys: Vec<Key> = self.base.keys().filter(|key| !packed.contains(key)).copied().collect();
        // Neighbours in the tree have the most in common.
        keys.sort_by_cached_key(|key| {
            let position = self.nodes.get(&model_id(key.record)).map(|node| node.position.clone());
            (
                key.part,
                position.map(|position| (position.parent, position.order.as_str().to_owned())),
                key.record,
            )
        });
        packing.queue = keys.into();
        packing.rounds += u32::from(packing.planned && !packing.queue.is_empty());
        packing.planned = true;
    }

    /// The next pack of the queue; none if a record cannot be read, or is too large.
    fn make_pack<S: Store, R: RngCore + CryptoRng>(
        &self,
        packing: &mut Packing,
        rng: &mut R,
        store: &S,
    ) -> Attempt<(Made, Vec<u8>), S::Error> {
        let Some((kind, records)) = self.take_records(packing, store)? else { return Ok(None) };
        let part = if kind == Kind::Nodes { Part::Node } else { Part::Body };
        let named = |record: &PackedRecord| (Key { record: record.record, part }, record.revision);
        let revisions: Vec<_> = records.iter().map(named).collect();
        let (names, rest) = encode_pack(&records);
        let place = PackPlace { workspace: *self.workspace.as_bytes(), part: part as u8 };
        let Some((key, epoch)) = self.sealing() else { return Ok(None) };
        let Ok(sealed) = seal_pack(key, epoch, &place, &names, &rest, kind != Kind::Secrets, rng) else {
            return Ok(None);
        };
        let (Ok(count), Ok(bytes)) = (u32::try_from(records.len()), u32::try_from(sealed.len())) else {
            return Ok(None);
        };
        if sealed.len() > PACK_BYTES_MAX {
            return Ok(None);
        }
        let pack = PackId::new(derive_pack_id(&sealed));
        let named = PackRef { pack, part, records: count, bytes };
        Ok(Some((Made { named, kind, records: revisions }, sealed)))
    }

    /// Takes records of one kind from the queue, up to a pack's size.
    fn take_records<S: Store>(
        &self,
        packing: &mut Packing,
        store: &S,
    ) -> Attempt<(Kind, Vec<PackedRecord>), S::Error> {
        let (mut kind, mut records, mut bytes): (Option<Kind>, Vec<PackedRecord>, usize) =
            (None, Vec::new(), 0);
        while records.len() < PACK_RECORDS_MAX {
            let of_secrets = packing.queue.is_empty() || kind == Some(Kind::Secrets);
            let queue = if of_secrets { &mut packing.secrets } else { &mut packing.queue };
            let Some(key) = queue.front().copied() else { break };
            let Some(base) = self.base.get(&key) else {
                queue.pop_front(); // purged meanwhile
                continue;
            };
            let Some(payload) = self.payload(key, store)? else { return Ok(None) };
            let found = match key.part {
                Part::Node => Kind::Nodes,
                Part::Body if of_secrets || is_secret(&payload) => Kind::Secrets,
                Part::Body => Kind::Bodies,
            };
            if found == Kind::Secrets && !of_secrets {
                packing.secrets.extend(packing.queue.pop_front());
                continue;
            }
            let is_full = !records.is_empty() && bytes + payload.len() > PACK_PAYLOAD_BYTES;
            if is_full || kind.is_some_and(|kind| kind != found) {
                break;
            }
            queue.pop_front();
            kind = Some(found);
            bytes += payload.len();
            let (record, revision, seq, conflicts) = (key.record, base.revision, base.seq, base.conflicts);
            records.push(PackedRecord { record, revision, seq, conflicts, payload });
        }
        Ok(kind.map(|kind| (kind, records)))
    }

    /// What an acknowledged record holds; none if it cannot be read.
    fn payload<S: Store>(&self, key: Key, store: &S) -> Result<Option<Vec<u8>>, EngineError<S::Error>> {
        let kept = self.kept(key, store)?;
        Ok(match (kept, &self.keys) {
            (Some(Kept::Payload(payload)), _) => Some(payload),
            (Some(Kept::Envelope(envelope)), Some(keys)) => {
                let Some(epoch_key) = keys.of_sealed(&envelope) else { return Ok(None) };
                let opened = open_envelope(epoch_key, &place(self.workspace, key), &envelope);
                opened.ok().map(|opened| opened.payload.to_vec())
            }
            _ => None,
        })
    }

    fn make_manifest(&self, packs: Vec<PackRef>, identity: &Identity) -> SignedManifest {
        let count = |part: Part| self.base.keys().filter(|key| key.part == part).count() as u64;
        let manifest = Manifest {
            workspace: self.workspace,
            author: identity.account,
            app: identity.app,
            head: self.head,
            digest: Digest::new(self.digest.to_bytes()),
            epoch: self.epoch(),
            nodes: count(Part::Node),
            bodies: count(Part::Body),
            charter: Bytes32::new(self.charter.hash()),
            packs,
        };
        let bytes = manifest.encode();
        let signature = Signature::new(identity.app_key.sign_manifest(&bytes));
        SignedManifest { manifest: bytes.into(), signature }
    }
}

/// Whether a body may hold a secret variable: one word too many costs only compression.
fn is_secret(payload: &[u8]) -> bool {
    const WORD: &[u8] = b"secret";
    payload.windows(WORD.len()).any(|window| window.eq_ignore_ascii_case(WORD))
}
