//! A store in memory, for tests and the simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use satchel_wire::{CommitId, PackId, Part, Revision, WorkspaceId};

use crate::store::{
    Aside, BaseEntry, Batch, CHAINS_KEPT, InFlight, Kept, Key, Loaded, LoadedPack, PendingEntry, Store,
    Write, merge_packs,
};

/// A [`Store`] that keeps everything in memory; a clone is a snapshot of its disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    workspaces: BTreeMap<WorkspaceId, Rows>,
    syncs: usize,
}

impl MemoryStore {
    /// How often it was asked to make everything durable; it always is.
    pub fn syncs(&self) -> usize {
        self.syncs
    }
}

#[derive(Debug, Clone)]
struct Rows {
    meta: Loaded,
    base: BTreeMap<Key, (BaseEntry, Kept)>,
    packs: BTreeMap<PackId, (LoadedPack, Vec<u8>)>,
    /// What was removed and may stand in a pack.
    removed: BTreeSet<Key>,
    pending: BTreeMap<Key, (PendingEntry, Option<Vec<u8>>)>,
    in_flight: BTreeMap<CommitId, (InFlight, Vec<Vec<u8>>)>,
    aside: BTreeMap<Key, Aside>,
}

impl Rows {
    fn new() -> Self {
        Self {
            meta: Loaded::empty(),
            base: BTreeMap::new(),
            packs: BTreeMap::new(),
            removed: BTreeSet::new(),
            pending: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            aside: BTreeMap::new(),
        }
    }

    fn put_base(&mut self, (key, seq, revision, conflicts): (Key, u64, Revision, u32), kept: Kept) {
        let node = (key.part == Part::Node).then(|| kept.clone());
        self.base.insert(key, (BaseEntry { key, seq, revision, conflicts, node }, kept));
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::AddWorkspace | Write::RemoveWorkspace => {}
            Write::PutBase { key, seq, revision, conflicts, envelope } => {
                let entry = (*key, *seq, *revision, *conflicts);
                self.put_base(entry, Kept::Envelope(envelope.clone()));
            }
            Write::PutPack { pack, part, names, sealed } => {
                let bytes = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
                let nodes = (*part == Part::Node).then(|| sealed.clone());
                let loaded = LoadedPack { pack: *pack, part: *part, names: names.clone(), bytes, nodes };
                self.packs.insert(*pack, (loaded, sealed.clone()));
            }
            Write::ForgetPacks => {
                self.packs.clear();
                self.removed.clear();
            }
            Write::RemoveBase { key } => {
                self.base.remove(key);
                if !self.packs.is_empty() || self.meta.fresh.is_some() {
                    self.removed.insert(*key);
                }
            }
            Write::PutPending { key, ordinal, conflicts, payload } => {
                let node_payload = if key.part == Part::Node { payload.clone() } else { None };
                let (key, ordinal, conflicts, purged) = (*key, *ordinal, *conflicts, payload.is_none());
                let entry = PendingEntry { key, ordinal, conflicts, purged, bulk: false, node_payload };
                self.pending.insert(key, (entry, payload.clone()));
            }
            Write::PutPurge { key, ordinal, bulk } => {
                let (key, ordinal, bulk) = (*key, *ordinal, *bulk);
                let entry =
                    PendingEntry { key, ordinal, conflicts: 0, purged: true, bulk, node_payload: None };
                self.pending.insert(key, (entry, None));
            }
            Write::RemovePending { key } => drop(self.pending.remove(key)),
            Write::PutInFlight { commit, envelopes } => {
                self.in_flight.insert(commit.commit, (commit.clone(), envelopes.clone()));
            }
            Write::RemoveInFlight { commit } => drop(self.in_flight.remove(commit)),
            Write::AddCharter { seq, header } => self.meta.charter.push((*seq, header.clone())),
            Write::SetHead { head, digest } => (self.meta.head, self.meta.digest) = (*head, *digest),
            Write::AddChains(heads) => {
                self.meta.chains.extend(heads);
                let over = self.meta.chains.len().saturating_sub(CHAINS_KEPT);
                self.meta.chains.drain(..over);
            }
            Write::ClearChains => self.meta.chains.clear(),
            Write::SetReturning(returning) => self.meta.returning.clone_from(returning),
            Write::SetFresh(fresh) => self.meta.fresh.clone_from(fresh),
            Write::ForgetLedger => {
                self.base.clear();
                self.packs.clear();
                self.removed.clear();
                self.meta.charter.clear();
                self.meta.chains.clear();
            }
            Write::ClearCharter => self.meta.charter.clear(),
            Write::SetIncarnation(incarnation) => self.meta.incarnation = Some(*incarnation),
            Write::SetAside(aside) => drop(self.aside.insert(aside.key, aside.clone())),
            Write::ClearAside { key } => drop(self.aside.remove(key)),
        }
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, Infallible> {
        Ok(self.workspaces.keys().copied().collect())
    }

    fn load(&self, workspace: WorkspaceId) -> Result<Loaded, Infallible> {
        let Some(rows) = self.workspaces.get(&workspace) else { return Ok(Loaded::empty()) };
        let mut loaded = rows.meta.clone();
        loaded.charter.sort_by_key(|(seq, _)| *seq);
        loaded.packs = rows.packs.values().map(|(pack, _)| pack.clone()).collect();
        let base = rows.base.values().map(|(entry, _)| entry.clone()).collect();
        loaded.base = merge_packs(base, &loaded.packs, &rows.removed);
        loaded.pending = rows.pending.values().map(|(entry, _)| entry.clone()).collect();
        loaded.in_flight = rows.in_flight.values().map(|(commit, _)| commit.clone()).collect();
        loaded.in_flight.sort_by_key(|commit| commit.ordinal);
        loaded.aside = rows.aside.values().cloned().collect();
        Ok(loaded)
    }

    fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, Infallible> {
        Ok(self.workspaces.get(&workspace).and_then(|rows| Some(rows.base.get(&key)?.1.clone())))
    }

    fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.workspaces.get(&workspace).and_then(|rows| Some(rows.packs.get(&pack)?.1.clone())))
    }

    fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.workspaces.get(&workspace).and_then(|rows| rows.pending.get(&key)?.1.clone()))
    }

    fn in_flight(&self, workspace: WorkspaceId, commit: CommitId) -> Result<Vec<Vec<u8>>, Infallible> {
        let rows = self.workspaces.get(&workspace);
        Ok(rows.and_then(|rows| Some(rows.in_flight.get(&commit)?.1.clone())).unwrap_or_default())
    }

    fn sync(&mut self) -> Result<(), Infallible> {
        self.syncs += 1;
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), Infallible> {
        if batch.writes.contains(&Write::RemoveWorkspace) {
            self.workspaces.remove(&batch.workspace);
            return Ok(());
        }
        let rows = self.workspaces.entry(batch.workspace).or_insert_with(Rows::new);
        batch.writes.iter().for_each(|write| rows.write(write));
        Ok(())
    }
}
