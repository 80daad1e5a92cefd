//! A store in memory, for the simulator and for tests: the same rules as the one on disk, and no disk.
//!
//! Why it exists: the simulator runs thousands of servers in a second, crashes them and sets them back.
//! A [`MemoryDisk`] is what survives a crash; [`MemoryDisk::snapshot`] is a backup of it. Workspaces are
//! shared between snapshots until one of them changes.
//!
//! It publishes on the caller's thread, within the lock, so that the order is that of the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minicbor::bytes::ByteVec;
use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{ServerSetup, StateDigest, derive_chain};
use satchel_wire::limits::{
    APPS_MAX, HEADERS_PAGE_BYTES, PACKS_LOOSE_MS, PACKS_MAX, PACKS_RECORDS_MIN, PACKS_TAIL_COMMITS,
    PACKS_TAIL_PERCENT, PAGE_BYTES, PAGE_ENVELOPES, PURGE_OPS_FREE, WORKSPACES_MAX,
};
use satchel_wire::{
    AccountId, AppId, BundleUpdate, Bytes32, Chain, CharterEntry, CharterOp, CommitId, Content,
    DeletionReceipt, Digest, ErrorCode, Expect, Head, Incarnation, Manifest, Op, PackId, Part, RecordId,
    Revision, SignedHeader, SignedManifest, StaleRecord, StoredEnvelope, StoredVersion, WorkspaceEntry,
    WorkspaceId,
};

use super::verdict::{Verdict, reject, report};
use super::{
    AccountKeys, AccountRow, AppRow, Made, NewAccount, NewApp, NewManifest, NewPack, PackVerdict, Push,
    SecretHash, SignedIn, SnapshotEnd, SnapshotPart, SnapshotRequest, Store, StoreError, VersionsPage,
    VersionsRequest,
};
use crate::config::Retention;
use crate::planted::{self, Bug};
use crate::service::{Outcome, Publish};

type Key = (RecordId, Part);

/// What survives a crash of the server: a shared handle.
#[derive(Clone)]
pub struct MemoryDisk {
    disk: Arc<Mutex<Disk>>,
}

struct Disk {
    incarnation: Incarnation,
    opaque_setup: Arc<Vec<u8>>,
    rows: Rows,
    /// The rows before what was answered too early; only with a planted bug.
    unsynced: Option<Rows>,
}

#[derive(Clone, Default)]
struct Rows {
    accounts: BTreeMap<AccountId, Account>,
    invites: BTreeSet<SecretHash>,
    workspaces: BTreeMap<WorkspaceId, Arc<Workspace>>,
    made: u64,
}

#[derive(Clone)]
struct Account {
    email: String,
    row: AccountRow,
    apps: BTreeMap<AppId, (AppRow, SecretHash)>,
}

#[derive(Clone)]
struct Workspace {
    made: u64,
    owner: AccountId,
    head: Head,
    digest: StateDigest,
    nodes: u64,
    entries: Vec<Entry>,
    ids: BTreeMap<CommitId, u64>,
    writers: BTreeMap<AppId, Bytes32>,
    records: BTreeMap<Key, Current>,
    versions: BTreeMap<Key, Vec<Version>>,
    envelopes: u64,
    /// Which entries purged what, and when they came.
    purges: BTreeMap<Key, Vec<(u64, u64)>>,
    manifest: Option<(Manifest, SignedManifest)>,
    packs: BTreeMap<PackId, Pack>,
}

#[derive(Clone)]
struct Pack {
    bytes: Arc<Vec<u8>>,
    made_ms: u64,
    named: bool,
}

#[derive(Clone)]
struct Entry {
    chain: Chain,
    signed: SignedHeader,
}

#[derive(Clone, Copy)]
struct Current {
    revision: Revision,
    seq: u64,
    envelope: u64,
}

#[derive(Clone)]
struct Version {
    id: u64,
    seq: u64,
    made_ms: u64,
    bytes: Arc<Vec<u8>>,
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDisk").finish_non_exhaustive()
    }
}

impl MemoryDisk {
    /// An empty disk with a database's first life on it.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let setup = ServerSetup::make(rng).to_bytes().to_vec();
        Self::with_setup(Arc::new(setup), rng)
    }

    /// The same with an OPAQUE setup that was made before: making one costs more than a history.
    pub fn with_setup<R: RngCore>(opaque_setup: Arc<Vec<u8>>, rng: &mut R) -> Self {
        let mut incarnation = [0; 16];
        rng.fill_bytes(&mut incarnation);
        let incarnation = Incarnation::new(incarnation);
        let disk = Disk { incarnation, opaque_setup, rows: Rows::default(), unsynced: None };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    /// A copy of everything that is durable now.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let disk = self.lock();
        let rows = disk.unsynced.as_ref().unwrap_or(&disk.rows).clone();
        let (incarnation, opaque_setup) = (disk.incarnation, Arc::clone(&disk.opaque_setup));
        drop(disk);
        Self { disk: Arc::new(Mutex::new(Disk { incarnation, opaque_setup, rows, unsynced: None })) }
    }

    /// The power goes: what was not durable is gone.
    pub fn lose_unsynced(&self) {
        let mut disk = self.lock();
        if let Some(rows) = disk.unsynced.take() {
            disk.rows = rows;
        }
    }

    /// Gives the database a new life, as a restored backup has one.
    pub fn renew<R: RngCore>(&self, rng: &mut R) {
        let mut incarnation = [0; 16];
        rng.fill_bytes(&mut incarnation);
        self.lock().incarnation = Incarnation::new(incarnation);
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        // The rows are whole after every statement that can panic.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store over a [`MemoryDisk`].
pub struct MemoryStore {
    disk: MemoryDisk,
    publish: Arc<dyn Publish>,
    stopped: Mutex<bool>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Opens a disk; one store at a time writes to it.
    pub fn open(disk: MemoryDisk, publish: Arc<dyn Publish>) -> Self {
        Self { disk, publish, stopped: Mutex::new(false) }
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Rows) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_stopped() {
            return Err(StoreError::Stopped);
        }
        change(&mut self.disk.lock().rows)
    }
}

impl Rows {
    fn owned(&self, account: AccountId, workspace: WorkspaceId) -> Result<&Workspace, StoreError> {
        let found = self.workspaces.get(&workspace).filter(|found| found.owner == account);
        found.map(Arc::as_ref).ok_or(StoreError::NotFound)
    }

    fn judge(&mut self, push: &Push) -> Verdict {
        let header = &push.header;
        let app = self.accounts.get(&header.author).and_then(|account| account.apps.get(&header.app));
        if app.is_none_or(|(row, _)| row.key != push.app_key) {
            return reject(ErrorCode::SessionEnded, "the session was ended");
        }
        let founding = matches!(header.content, Content::Charter(CharterOp::Found(_)));
        let Some(workspace) = self.workspaces.get_mut(&header.workspace) else {
            if founding {
                return self.found(push);
            }
            return reject(ErrorCode::NotFound, "nothing there for this account");
        };
        if workspace.owner != header.author {
            return reject(ErrorCode::NotFound, "nothing there for this account");
        }
        if let Some(verdict) = workspace.known(push) {
            return verdict;
        }
        if founding {
            return reject(ErrorCode::BadRequest, "the workspace is founded already");
        }
        if !workspace.is_on_chain(header.seen) {
            return reject(ErrorCode::CursorUnknown, "the commit has seen another history");
        }
        let workspace = Arc::make_mut(workspace);
        match &header.content {
            Content::Ops { ops, expects, bulk, .. } => workspace.judge_ops(push, ops, expects, *bulk),
            Content::Charter(_) => {
                workspace.writers.insert(header.app, push.app_key);
                workspace.accept(push, false)
            }
        }
    }

    fn found(&mut self, push: &Push) -> Verdict {
        let owner = push.header.author;
        let count = self.workspaces.values().filter(|workspace| workspace.owner == owner).count();
        if count >= WORKSPACES_MAX {
            return reject(ErrorCode::Quota, "the account has as many workspaces as it may");
        }
        if push.header.seen != Head::EMPTY {
            return reject(ErrorCode::CursorUnknown, "a founding has seen nothing");
        }
        self.made += 1;
        let mut workspace = Workspace {
            made: self.made,
            owner,
            head: Head::EMPTY,
            digest: StateDigest::default(),
            nodes: 0,
            entries: Vec::new(),
            ids: BTreeMap::new(),
            writers: BTreeMap::from([(push.header.app, push.app_key)]),
            records: BTreeMap::new(),
            versions: BTreeMap::new(),
            envelopes: 0,
            purges: BTreeMap::new(),
            manifest: None,
            packs: BTreeMap::new(),
        };
        let verdict = workspace.accept(push, true);
        self.workspaces.insert(push.header.workspace, Arc::new(workspace));
        verdict
    }

    fn delete_workspace(
        &mut self,
        account: AccountId,
        workspace: WorkspaceId,
        receipt: &mut DeletionReceipt,
    ) -> Result<(), StoreError> {
        let found = self.owned(account, workspace)?;
        let records = found.records.len() as u64;
        let envelopes = found.versions.values().flatten();
        let (count, bytes) =
            envelopes.fold((0, 0), |(count, bytes), one| (count + 1_u64, bytes + one.bytes.len() as u64));
        receipt.records += records;
        receipt.versions += count.saturating_sub(records);
        receipt.bytes += bytes + found.packs.values().map(|pack| pack.bytes.len() as u64).sum::<u64>();
        receipt.commits += found.entries.len() as u64;
        receipt.workspaces += 1;
        self.workspaces.remove(&workspace);
        Ok(())
    }
}

impl Workspace {
    /// The first answer again for a commit that is in the ledger.
    fn known(&self, push: &Push) -> Option<Verdict> {
        if planted::is(Bug::CommitIdNotUnique) {
            return None;
        }
        let seq = *self.ids.get(&push.header.commit)?;
        let entry = self.entry(seq)?;
        if entry.signed.header == push.signed.header {
            return Some(Verdict::Repeated { seq });
        }
        Some(reject(ErrorCode::CommitIdReused, "other bytes under a known commit id"))
    }

    fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    fn is_on_chain(&self, point: Head) -> bool {
        if point.seq == 0 {
            return point == Head::EMPTY;
        }
        if point.seq >= self.head.seq {
            return point == self.head;
        }
        self.entry(point.seq).is_some_and(|entry| entry.chain == point.chain)
    }

    fn revision(&self, record: RecordId, part: Part) -> Option<Revision> {
        self.records.get(&(record, part)).map(|current| current.revision)
    }

    fn judge_ops(&mut self, push: &Push, ops: &[Op], expects: &[Expect], bulk: bool) -> Verdict {
        if self.writers.get(&push.header.app) != Some(&push.app_key) {
            return reject(ErrorCode::Forbidden, "the app is not in the workspace's charter");
        }
        let records = self.find_stale(ops, expects);
        if !records.is_empty() {
            if planted::is(Bug::PartialCommit) {
                let fits = |op: &&Op| self.revision(op.record, op.part) == op.parent;
                let fitting: Vec<_> = ops.iter().filter(fits).cloned().collect();
                if fitting.len() < ops.len() {
                    self.apply(push, &fitting);
                }
            }
            if planted::is(Bug::SeqFromSequence) {
                self.head.seq += 1;
            }
            return Verdict::Stale { head: self.head, records };
        }
        let purged: BTreeSet<_> = ops.iter().filter(|op| op.put.is_none()).map(|op| op.record).collect();
        if !bulk && purged.len() as u64 > (self.nodes / 10).max(PURGE_OPS_FREE as u64) {
            return reject(ErrorCode::BulkNotMarked, "a purge of many records needs the bulk mark");
        }
        self.apply(push, ops);
        self.accept(push, false)
    }

    fn find_stale(&self, ops: &[Op], expects: &[Expect]) -> Vec<StaleRecord> {
        let parents = ops.iter().filter(|_| !planted::is(Bug::ParentUnchecked));
        let parents = parents.map(|op| (op.record, op.part, op.parent));
        let expects = expects.iter().filter(|_| !planted::is(Bug::ExpectsIgnored));
        let expects = expects.map(|expect| (expect.record, expect.part, expect.revision));
        let mut stale: Vec<StaleRecord> = Vec::new();
        for (record, part, revision) in parents.chain(expects) {
            let present = self.revision(record, part);
            let named = || stale.iter().any(|other| other.record == record && other.part == part);
            if present != revision && !named() {
                stale.push(StaleRecord { record, part, revision: present });
            }
        }
        stale
    }

    fn apply(&mut self, push: &Push, ops: &[Op]) {
        let seq = self.head.seq + 1;
        let mut envelopes = push.envelopes.iter();
        for op in ops {
            let (record, part) = (op.record.as_bytes(), op.part as u8);
            if let Some(parent) = op.parent {
                self.digest.remove(record, part, parent.as_bytes());
            }
            let key = (op.record, op.part);
            if let (Some(put), Some(envelope)) = (op.put, op.put.and_then(|_| envelopes.next())) {
                self.digest.add(record, part, put.as_bytes());
                self.envelopes += 1;
                let id = self.envelopes;
                self.records.insert(key, Current { revision: put, seq, envelope: id });
                let bytes = Arc::new(envelope.to_vec());
                self.versions.entry(key).or_default().push(Version { id, seq, made_ms: push.now_ms, bytes });
            } else {
                self.records.remove(&key);
                self.purges.entry(key).or_default().push((seq, push.now_ms));
            }
            if op.part == Part::Node {
                let change = i64::from(op.put.is_some()) - i64::from(op.parent.is_some());
                self.nodes = self.nodes.saturating_add_signed(change);
            }
        }
    }

    /// Appends the entry and moves the head.
    fn accept(&mut self, push: &Push, founded: bool) -> Verdict {
        let chain = Chain::new(derive_chain(self.head.chain.as_bytes(), &push.signed.header));
        self.head = Head { seq: self.head.seq + 1, chain };
        self.ids.insert(push.header.commit, self.head.seq);
        self.entries.push(Entry { chain, signed: push.signed.clone() });
        Verdict::Accepted { head: self.head, founded }
    }

    fn stored(&self, key: Key) -> Option<StoredEnvelope> {
        let current = self.records.get(&key)?;
        let version = self.versions.get(&key)?.iter().rev().find(|one| one.id == current.envelope)?;
        let envelope = ByteVec::from(version.bytes.to_vec());
        Some(StoredEnvelope { record: key.0, part: key.1, seq: current.seq, envelope })
    }

    fn versions(&self, request: &VersionsRequest) -> VersionsPage {
        let key = (request.record, request.part);
        let envelopes = self.versions.get(&key).into_iter().flatten();
        let envelopes = envelopes.map(|one| (one.seq, one.made_ms, Some(ByteVec::from(one.bytes.to_vec()))));
        let purges = self.purges.get(&key).into_iter().flatten();
        let mut all: Vec<_> = envelopes.chain(purges.map(|(seq, made_ms)| (*seq, *made_ms, None))).collect();
        all.retain(|(seq, ..)| request.before.is_none_or(|before| *seq < before));
        all.sort_unstable_by_key(|(seq, ..)| std::cmp::Reverse(*seq));
        let (mut versions, mut bytes) = (Vec::new(), 0);
        for (seq, received_ms, envelope) in &all {
            let at = usize::try_from(*seq).unwrap_or(usize::MAX).saturating_sub(1);
            let Some(entry) = self.entries.get(at) else { continue };
            let (header, envelope) = (entry.signed.clone(), envelope.clone());
            bytes += header.header.len() + envelope.as_ref().map_or(0, |envelope| envelope.len());
            if versions.len() as u64 >= u64::from(request.limit)
                || (bytes > PAGE_BYTES && !versions.is_empty())
            {
                return VersionsPage { versions, more: true };
            }
            versions.push(StoredVersion { seq: *seq, received_ms: *received_ms, header, envelope });
        }
        VersionsPage { versions, more: false }
    }

    fn is_right(&self, manifest: &Manifest) -> bool {
        if manifest.head == self.head {
            return *manifest.digest.as_bytes() == self.digest.to_bytes() && manifest.nodes == self.nodes;
        }
        manifest.head != Head::EMPTY && self.is_on_chain(manifest.head)
    }

    fn put_manifest(&mut self, new: &NewManifest) -> PackVerdict {
        let manifest = &new.manifest;
        if self.writers.get(&manifest.app) != Some(&new.app_key) {
            return PackVerdict::NotWriter;
        }
        if !self.is_right(manifest) {
            return PackVerdict::Wrong;
        }
        if self.manifest.as_ref().is_some_and(|(old, _)| old.head.seq >= manifest.head.seq) {
            return PackVerdict::Older;
        }
        let is_there = |named: &satchel_wire::PackRef| {
            self.packs.get(&named.pack).is_some_and(|pack| pack.bytes.len() as u64 == u64::from(named.bytes))
        };
        if !manifest.packs.iter().all(is_there) {
            return PackVerdict::Missing;
        }
        let names: BTreeSet<_> = manifest.packs.iter().map(|named| named.pack).collect();
        self.packs.retain(|pack, _| names.contains(pack));
        self.packs.values_mut().for_each(|pack| pack.named = true);
        self.manifest = Some((manifest.clone(), new.signed.clone()));
        PackVerdict::Taken
    }

    fn put_pack(&mut self, new: NewPack) -> PackVerdict {
        if self.writers.get(&new.app) != Some(&new.app_key) {
            return PackVerdict::NotWriter;
        }
        if self.packs.values().filter(|pack| !pack.named).count() >= PACKS_MAX {
            return PackVerdict::TooMany;
        }
        let (made_ms, bytes) = (new.now_ms, Arc::new(new.bytes.into()));
        let pack = self.packs.entry(new.pack).or_insert(Pack { bytes, made_ms, named: false });
        pack.made_ms = made_ms;
        PackVerdict::Taken
    }

    fn wants_packs(&self, app: AppId) -> bool {
        let records = self.nodes * 2;
        if records < PACKS_RECORDS_MIN || !self.writers.contains_key(&app) {
            return false;
        }
        let packed = self.manifest.as_ref().map_or(0, |(manifest, _)| manifest.head.seq);
        let changed = self.records.values().filter(|current| current.seq > packed).count() as u64;
        self.head.seq - packed >= PACKS_TAIL_COMMITS || changed > records * PACKS_TAIL_PERCENT / 100
    }

    fn named(&self, pack: PackId) -> Option<Vec<u8>> {
        self.packs.get(&pack).filter(|pack| pack.named).map(|pack| pack.bytes.to_vec())
    }

    /// Sends manifest and nodes; from where the tail goes on, unless the receiver is gone.
    fn send_manifest(&self, have: &[PackId], sink: &mut dyn FnMut(SnapshotPart) -> bool) -> Option<u64> {
        let Some((manifest, signed)) = &self.manifest else { return Some(0) };
        let is_charter = |entry: &Entry| {
            let header = satchel_wire::CommitHeader::decode(&entry.signed.header);
            header.is_ok_and(|header| matches!(header.content, Content::Charter(_)))
        };
        let entries = (1..).zip(&self.entries).take_while(|(seq, _)| *seq <= manifest.head.seq);
        let charter = entries
            .filter(|(_, entry)| is_charter(entry))
            .map(|(seq, entry)| CharterEntry { seq, header: entry.signed.clone() })
            .collect();
        let nodes =
            manifest.packs.iter().filter(|pack| pack.part == Part::Node && !have.contains(&pack.pack));
        let packs = nodes.filter_map(|pack| self.named(pack.pack));
        let goes_on = sink(SnapshotPart::Manifest { manifest: signed.clone(), charter })
            && packs.map(SnapshotPart::Pack).all(sink);
        goes_on.then_some(manifest.head.seq)
    }

    fn send_headers(&self, cursor: u64, sink: &mut dyn FnMut(SnapshotPart) -> bool) -> bool {
        let skip = usize::try_from(cursor).unwrap_or(usize::MAX);
        let (mut first_seq, mut headers, mut bytes) = (cursor + 1, Vec::new(), 0);
        for entry in self.entries.iter().skip(skip) {
            let size = entry.signed.header.len() + 72;
            if bytes + size > HEADERS_PAGE_BYTES && !headers.is_empty() {
                let page = std::mem::take(&mut headers);
                let next_seq = first_seq + page.len() as u64;
                if !sink(SnapshotPart::Headers { first_seq, headers: page }) {
                    return false;
                }
                (first_seq, bytes) = (next_seq, 0);
            }
            bytes += size;
            headers.push(entry.signed.clone());
        }
        headers.is_empty() || sink(SnapshotPart::Headers { first_seq, headers })
    }

    fn send_pages(&self, after: u64, sink: &mut dyn FnMut(SnapshotPart) -> bool) {
        let after = if planted::is(Bug::SnapshotSkipsOne) { after + 1 } else { after };
        let mut wanted: Vec<_> = self.records.iter().filter(|(_, current)| current.seq > after).collect();
        wanted.sort_unstable_by_key(|(_, current)| (current.seq, current.envelope));
        let (mut page, mut bytes): (Vec<StoredEnvelope>, usize) = (Vec::new(), 0);
        for stored in wanted.into_iter().filter_map(|(key, _)| self.stored(*key)) {
            let size = stored.envelope.len();
            if !page.is_empty() && (bytes + size > PAGE_BYTES || page.len() >= PAGE_ENVELOPES) {
                if !sink(SnapshotPart::Page(std::mem::take(&mut page))) {
                    return;
                }
                bytes = 0;
            }
            bytes += size;
            page.push(stored);
        }
        if !page.is_empty() {
            sink(SnapshotPart::Page(page));
        }
    }

    fn prune(&mut self, retention: Retention, now_ms: u64) {
        self.packs.retain(|_, pack| pack.named || pack.made_ms + PACKS_LOOSE_MS >= now_ms);
        let made_before = now_ms.saturating_sub(retention.age_ms);
        for (key, versions) in &mut self.versions {
            let current = self.records.get(key).map(|current| current.envelope);
            let count = versions.len();
            let mut index = 0;
            versions.retain(|version| {
                index += 1;
                let newer = (count - index) as u64;
                let is_old = version.made_ms < made_before && current != Some(version.id);
                !(is_old && (current.is_none() || newer >= u64::from(retention.versions)))
            });
        }
    }
}

impl Store for MemoryStore {
    fn incarnation(&self) -> Incarnation {
        self.disk.lock().incarnation
    }

    fn opaque_setup(&self) -> Result<Vec<u8>, StoreError> {
        Ok(self.disk.lock().opaque_setup.to_vec())
    }

    fn make_account(&self, account: NewAccount) -> Result<Made, StoreError> {
        self.write(|rows| {
            if rows.accounts.values().any(|other| other.email == account.email) {
                return Ok(Made::EmailTaken);
            }
            let id = account.bundle.account;
            if rows.accounts.contains_key(&id) {
                return Ok(Made::IdTaken);
            }
            if account.invite.is_some_and(|invite| !rows.invites.remove(&invite)) {
                return Ok(Made::InviteUnknown);
            }
            let row = AccountRow { bundle: account.bundle, password_file: account.password_file };
            let apps = BTreeMap::from([app_row(account.app)]);
            rows.accounts.insert(id, Account { email: account.email, row, apps });
            Ok(Made::Account)
        })
    }

    fn account_by_email(&self, email: &str) -> Result<Option<AccountRow>, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.accounts.values().find(|one| one.email == email).map(|one| one.row.clone()))
    }

    fn account(&self, account: AccountId) -> Result<Option<(String, AccountRow)>, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.accounts.get(&account).map(|one| (one.email.clone(), one.row.clone())))
    }

    fn sign_in(&self, account: AccountId, app: NewApp) -> Result<SignedIn, StoreError> {
        self.write(|rows| {
            let account = rows.accounts.get_mut(&account).ok_or(StoreError::NotFound)?;
            if account.apps.keys().filter(|other| **other != app.app).count() >= APPS_MAX {
                return Ok(SignedIn::TooMany);
            }
            account.apps.extend([app_row(app)]);
            Ok(SignedIn::App)
        })
    }

    fn set_password(
        &self,
        account: AccountId,
        password_file: Vec<u8>,
        update: BundleUpdate,
        keep: Option<AppId>,
    ) -> Result<Vec<AppId>, StoreError> {
        self.write(|rows| {
            let account = rows.accounts.get_mut(&account).ok_or(StoreError::NotFound)?;
            account.row.bundle.wrapped_by_password = update.wrapped_by_password;
            if let Some((wrap, key)) = update.recovery {
                account.row.bundle.wrapped_by_recovery = wrap;
                account.row.bundle.recovery_key = key;
            }
            account.row.password_file = password_file;
            let ended: Vec<_> = account.apps.keys().copied().filter(|app| Some(*app) != keep).collect();
            account.apps.retain(|app, _| Some(*app) == keep);
            Ok(ended)
        })
    }

    fn session(&self, token: &SecretHash) -> Result<Option<(AccountKeys, AppRow)>, StoreError> {
        let disk = self.disk.lock();
        let found = disk.rows.accounts.values().find_map(|account| {
            let (row, _) = account.apps.values().find(|(_, hash)| hash == token)?;
            let bundle = &account.row.bundle;
            let (signing_key, sealing_key) = (bundle.signing_key, bundle.sealing_key);
            Some((AccountKeys { account: bundle.account, signing_key, sealing_key }, row.clone()))
        });
        Ok(found)
    }

    fn apps(&self, account: AccountId) -> Result<Vec<AppRow>, StoreError> {
        let disk = self.disk.lock();
        let apps = disk.rows.accounts.get(&account).into_iter().flat_map(|one| one.apps.values());
        Ok(apps.map(|(row, _)| row.clone()).collect())
    }

    fn touch_app(&self, account: AccountId, app: AppId, waiting: u32, now_ms: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            let found = rows.accounts.get_mut(&account).and_then(|account| account.apps.get_mut(&app));
            if let Some((row, _)) = found {
                (row.last_seen_ms, row.waiting) = (now_ms, waiting);
            }
            Ok(())
        })
    }

    fn remove_app(&self, account: AccountId, app: AppId) -> Result<bool, StoreError> {
        self.write(|rows| {
            let account = rows.accounts.get_mut(&account);
            Ok(account.is_some_and(|account| account.apps.remove(&app).is_some()))
        })
    }

    fn delete_account(&self, account: AccountId) -> Result<DeletionReceipt, StoreError> {
        self.write(|rows| {
            let mut receipt =
                DeletionReceipt { workspaces: 0, records: 0, versions: 0, commits: 0, apps: 0, bytes: 0 };
            let gone = rows.accounts.remove(&account).ok_or(StoreError::NotFound)?;
            receipt.apps = gone.apps.len() as u64;
            let owned = rows.workspaces.iter().filter(|(_, one)| one.owner == account);
            let owned: Vec<_> = owned.map(|(id, _)| *id).collect();
            for workspace in owned {
                rows.delete_workspace(account, workspace, &mut receipt)?;
            }
            Ok(receipt)
        })
    }

    fn workspaces(&self, account: AccountId) -> Result<Vec<WorkspaceEntry>, StoreError> {
        let disk = self.disk.lock();
        let mut owned: Vec<_> = disk.rows.workspaces.iter().filter(|(_, one)| one.owner == account).collect();
        owned.sort_unstable_by_key(|(_, one)| one.made);
        let entry =
            |(id, one): (&WorkspaceId, &Arc<Workspace>)| WorkspaceEntry { workspace: *id, head: one.head };
        Ok(owned.into_iter().map(entry).collect())
    }

    fn push(&self, push: Push) {
        let mut disk = self.disk.lock();
        let verdict = if self.is_stopped() {
            reject(ErrorCode::GoingAway, "the server is shutting down")
        } else {
            disk.unsynced = planted::is(Bug::AcknowledgeBeforeCommit).then(|| disk.rows.clone());
            disk.rows.judge(&push)
        };
        report(push, verdict, &*self.publish);
    }

    fn delete_workspace(&self, account: AccountId, workspace: WorkspaceId) -> Result<(), StoreError> {
        let mut receipt =
            DeletionReceipt { workspaces: 0, records: 0, versions: 0, commits: 0, apps: 0, bytes: 0 };
        self.write(|rows| rows.delete_workspace(account, workspace, &mut receipt))?;
        self.publish.publish(Outcome::WorkspaceRemoved { account, workspace });
        Ok(())
    }

    fn read_snapshot(
        &self,
        account: AccountId,
        request: &SnapshotRequest,
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.owned(account, request.workspace)?;
        if !workspace.is_on_chain(request.cursor) {
            return Err(StoreError::CursorUnknown);
        }
        if request.cursor.seq < workspace.head.seq && workspace.send_headers(request.cursor.seq, sink) {
            workspace.send_pages(request.cursor.seq.max(request.pages_after), sink);
        }
        Ok(SnapshotEnd { head: workspace.head, digest: Digest::new(workspace.digest.to_bytes()) })
    }

    fn fetch(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        records: &[(RecordId, Part)],
    ) -> Result<Vec<StoredEnvelope>, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.owned(account, workspace)?;
        Ok(records.iter().filter_map(|key| workspace.stored(*key)).collect())
    }

    fn versions(&self, account: AccountId, request: &VersionsRequest) -> Result<VersionsPage, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.owned(account, request.workspace)?.versions(request))
    }

    fn read_bootstrap(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        have: &[PackId],
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.owned(account, workspace)?;
        if let Some(after) = workspace.send_manifest(have, sink)
            && workspace.send_headers(after, sink)
        {
            workspace.send_pages(after, sink);
        }
        Ok(SnapshotEnd { head: workspace.head, digest: Digest::new(workspace.digest.to_bytes()) })
    }

    fn read_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        packs: &[PackId],
        sink: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Result<(), StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.owned(account, workspace)?;
        for pack in packs {
            if !sink(workspace.named(*pack).ok_or(StoreError::NotFound)?) {
                break;
            }
        }
        Ok(())
    }

    fn read_headers(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        after: u64,
    ) -> Result<Vec<SignedHeader>, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.owned(account, workspace)?;
        let mut first = Vec::new();
        workspace.send_headers(after, &mut |part| {
            if let SnapshotPart::Headers { headers, .. } = part {
                first = headers;
            }
            false
        });
        Ok(first)
    }

    fn put_pack(&self, account: AccountId, pack: NewPack) -> Result<PackVerdict, StoreError> {
        self.write(|rows| {
            rows.owned(account, pack.workspace)?;
            let workspace = rows.workspaces.get_mut(&pack.workspace).ok_or(StoreError::NotFound)?;
            Ok(Arc::make_mut(workspace).put_pack(pack))
        })
    }

    fn put_manifest(&self, account: AccountId, manifest: NewManifest) -> Result<PackVerdict, StoreError> {
        self.write(|rows| {
            let id = manifest.manifest.workspace;
            rows.owned(account, id)?;
            let workspace = rows.workspaces.get_mut(&id).ok_or(StoreError::NotFound)?;
            Ok(Arc::make_mut(workspace).put_manifest(&manifest))
        })
    }

    fn wants_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        app: AppId,
    ) -> Result<bool, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.owned(account, workspace)?.wants_packs(app))
    }

    fn add_invite(&self, invite: SecretHash, _: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.invites.insert(invite);
            Ok(())
        })
    }

    fn has_invite(&self, invite: &SecretHash) -> Result<bool, StoreError> {
        Ok(self.disk.lock().rows.invites.contains(invite))
    }

    fn prune(&self, retention: Retention, now_ms: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            for workspace in rows.workspaces.values_mut() {
                Arc::make_mut(workspace).prune(retention, now_ms);
            }
            Ok(())
        })
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(()))
    }

    fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

fn app_row(app: NewApp) -> (AppId, (AppRow, SecretHash)) {
    let row = AppRow {
        app: app.app,
        name: app.name,
        kind: app.kind,
        key: app.key,
        last_seen_ms: app.now_ms,
        waiting: 0,
    };
    (app.app, (row, app.token_hash))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::store::conformance::{self, Heard};
    use crate::store::ledger_model;

    fn open(heard: Arc<Heard>) -> Arc<dyn Store> {
        let disk = MemoryDisk::make(&mut ChaCha20Rng::seed_from_u64(1));
        Arc::new(MemoryStore::open(disk, heard))
    }

    #[test]
    fn it_does_what_every_store_must() {
        conformance::check(&open);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn random_pushes_give_what_the_model_gives(seed: u64, steps in 1_u8..60) {
            ledger_model::check_against_model(&open, seed, steps);
        }
    }
}
