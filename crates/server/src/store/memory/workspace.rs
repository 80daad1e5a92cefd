//! One workspace in memory: its ledger, its records, its packs and its people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use satchel_charter::{Charter, CharterApp};
use satchel_crypto::{StateDigest, derive_chain, derive_link};
use satchel_wire::limits::{
    PACKS_LOOSE_MS, PACKS_MAX, PACKS_RECORDS_MIN, PACKS_TAIL_COMMITS, PACKS_TAIL_COMMITS_AUTHOR,
    PACKS_TAIL_PERCENT, PAGE_BYTES, PAGE_ENVELOPES, PURGE_OPS_FREE,
};
use satchel_wire::{
    AccountId, AppId, Bytes32, Chain, CharterEntry, CommitId, Content, DeletionReceipt, ErrorCode, Expect,
    Head, InviteId, JoinProof, Manifest, Op, PackId, Part, RecordId, Refusal, Revision, Role, SignedHeader,
    SignedManifest, StaleRecord, StoredEnvelope, StoredVersion, WorkspaceId, WorkspaceKind,
};

use crate::config::Retention;
use crate::planted::{self, Bug};
use crate::store::people::{Change, JoinVerdict, Moves, NewJoin, Suspension, check_epoch, check_writer};
use crate::store::runs::{Kept, Runs};
use crate::store::verdict::{Verdict, reject};
use crate::store::{
    NewManifest, NewPack, PackVerdict, Push, SnapshotPart, StoreError, VersionsPage, VersionsRequest,
};

pub(super) type Key = (RecordId, Part);

#[derive(Clone)]
pub(super) struct Workspace {
    pub(super) made: u64,
    /// Who founded it.
    pub(super) owner: AccountId,
    pub(super) charter: Charter,
    pub(super) suspended: BTreeMap<AccountId, Suspension>,
    /// Claims that wait, by their invitations.
    pub(super) joins: BTreeMap<InviteId, (AccountId, JoinProof)>,
    pub(super) head: Head,
    pub(super) digest: StateDigest,
    pub(super) nodes: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) ids: BTreeMap<CommitId, u64>,
    pub(super) records: BTreeMap<Key, Current>,
    pub(super) versions: BTreeMap<Key, Vec<Version>>,
    pub(super) envelopes: u64,
    /// Which entries purged what, and when they came.
    pub(super) purges: BTreeMap<Key, Vec<(u64, u64)>>,
    /// The newest entry of which only the link is kept.
    pub(super) pruned: u64,
    pub(super) manifest: Option<(Manifest, SignedManifest)>,
    pub(super) packs: BTreeMap<PackId, Pack>,
}

#[derive(Clone)]
pub(super) struct Pack {
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) made_ms: u64,
    pub(super) named: bool,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) chain: Chain,
    pub(super) made_ms: u64,
    pub(super) kept: Kept,
}

impl Entry {
    pub(super) fn header(&self) -> Option<&SignedHeader> {
        match &self.kept {
            Kept::Header(signed) => Some(signed),
            Kept::Link(_) => None,
        }
    }

    pub(super) fn is_of(&self, signed: &SignedHeader) -> bool {
        match &self.kept {
            Kept::Header(kept) => kept.header == signed.header,
            Kept::Link(link) => *link == derive_link(&signed.header),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Current {
    pub(super) revision: Revision,
    pub(super) seq: u64,
    pub(super) envelope: u64,
}

#[derive(Clone)]
pub(super) struct Version {
    pub(super) id: u64,
    pub(super) seq: u64,
    pub(super) made_ms: u64,
    pub(super) bytes: Arc<Vec<u8>>,
}

impl Workspace {
    /// One without its founding.
    pub(super) fn new(made: u64, owner: AccountId) -> Self {
        Self {
            made,
            owner,
            charter: Charter::default(),
            suspended: BTreeMap::new(),
            joins: BTreeMap::new(),
            head: Head::EMPTY,
            digest: StateDigest::default(),
            nodes: 0,
            entries: Vec::new(),
            ids: BTreeMap::new(),
            records: BTreeMap::new(),
            versions: BTreeMap::new(),
            envelopes: 0,
            purges: BTreeMap::new(),
            pruned: 0,
            manifest: None,
            packs: BTreeMap::new(),
        }
    }

    /// The first answer again for a commit that is in the ledger.
    pub(super) fn known(&self, push: &Push) -> Option<Verdict> {
        if planted::is(Bug::CommitIdNotUnique) {
            return None;
        }
        let seq = *self.ids.get(&push.header.commit)?;
        let entry = self.entry(seq)?;
        if entry.is_of(&push.signed) {
            return Some(Verdict::Repeated { seq });
        }
        Some(reject(ErrorCode::CommitIdReused, "other bytes under a known commit id"))
    }

    pub(super) fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    pub(super) fn is_on_chain(&self, point: Head) -> bool {
        if point.seq == 0 {
            return point == Head::EMPTY;
        }
        if point.seq >= self.head.seq {
            return point == self.head;
        }
        self.entry(point.seq).is_some_and(|entry| entry.chain == point.chain)
    }

    pub(super) fn revision(&self, record: RecordId, part: Part) -> Option<Revision> {
        self.records.get(&(record, part)).map(|current| current.revision)
    }

    pub(super) fn judge_ops(&mut self, push: &Push, ops: &[Op], expects: &[Expect], bulk: bool) -> Verdict {
        if let Err(refusal) = self.check_writer(push) {
            return Verdict::Rejected(refusal);
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
        let head = self.append(push);
        Verdict::Accepted { head, founded: false, moves: Moves::default() }
    }

    /// Whether an app may write records now.
    fn check_writer(&self, push: &Push) -> Result<(), Refusal> {
        let role = self.role(push.header.author).unwrap_or(Role::Viewer);
        if !planted::is(Bug::ViewerWrites) {
            check_writer(role)?;
        }
        if !self.is_app(push.header.app, push.header.author, push.app_key) {
            return Err(Refusal::new(ErrorCode::Forbidden, "the app is not in the workspace's charter"));
        }
        if planted::is(Bug::OldEpochTaken) {
            return Ok(());
        }
        check_epoch(push.header.epoch, self.charter.epoch())
    }

    pub(super) fn is_app(&self, app: AppId, account: AccountId, key: Bytes32) -> bool {
        self.charter.app(app) == Some(CharterApp { app, account, key })
    }

    /// What an account may do here; none where it is no member, or is suspended.
    pub(super) fn role(&self, account: AccountId) -> Option<Role> {
        self.charter.role_of(account).filter(|_| !self.suspended.contains_key(&account))
    }

    /// The members who are not suspended.
    pub(super) fn readers(&self) -> impl Iterator<Item = AccountId> {
        let members = self.charter.members().map(|(account, _)| account);
        members.filter(|account| !self.suspended.contains_key(account))
    }

    pub(super) fn roster(&self) -> Option<WorkspaceId> {
        match self.charter.kind() {
            Some(WorkspaceKind::Team(roster)) => Some(roster),
            _ => None,
        }
    }

    pub(super) fn is_roster(&self) -> bool {
        self.charter.kind() == Some(WorkspaceKind::Roster)
    }

    /// Takes an entry of the charter, after which it is `after`.
    pub(super) fn take_charter(&mut self, push: &Push, after: Charter) -> (Head, Change) {
        let change = Change::between(&self.charter, &after);
        self.charter = after;
        for account in &change.added {
            self.suspended.remove(&account.0);
        }
        for invite in &change.invites_closed {
            self.joins.remove(invite);
        }
        (self.append(push), change)
    }

    /// The claims that wait.
    pub(super) fn waiting(&self, now_ms: u64) -> Vec<JoinProof> {
        let is_open =
            |invite: &InviteId| self.charter.invite(*invite).is_some_and(|open| open.expires_ms > now_ms);
        let waiting = self.joins.iter().filter(|(invite, _)| is_open(invite));
        waiting.map(|(_, (_, proof))| proof.clone()).collect()
    }

    pub(super) fn put_join(&mut self, join: NewJoin) -> JoinVerdict {
        if self.role(join.account).is_some() {
            return JoinVerdict::Member;
        }
        let open = self.charter.invite(join.invite).filter(|open| open.expires_ms > join.now_ms);
        let before = self.joins.get(&join.invite);
        let is_other = before.is_some_and(|(account, _)| *account != join.account);
        if open.is_none() || is_other || self.suspended.contains_key(&join.account) {
            return JoinVerdict::Gone;
        }
        let is_new = before.is_none();
        self.joins.insert(join.invite, (join.account, join.proof));
        let admins = self.readers().filter(|account| is_new && self.role(*account) == Some(Role::Admin));
        JoinVerdict::Waits { admins: admins.collect(), proofs: self.waiting(join.now_ms) }
    }

    /// Counts what is here into a receipt.
    pub(super) fn count(&self, receipt: &mut DeletionReceipt) {
        let records = self.records.len() as u64;
        let envelopes = self.versions.values().flatten();
        let (count, bytes) =
            envelopes.fold((0, 0), |(count, bytes), one| (count + 1_u64, bytes + one.bytes.len() as u64));
        receipt.records += records;
        receipt.versions += count.saturating_sub(records);
        receipt.bytes += bytes + self.packs.values().map(|pack| pack.bytes.len() as u64).sum::<u64>();
        receipt.commits += self.entries.len() as u64;
        receipt.workspaces += 1;
    }

    pub(super) fn find_stale(&self, ops: &[Op], expects: &[Expect]) -> Vec<StaleRecord> {
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

    pub(super) fn apply(&mut self, push: &Push, ops: &[Op]) {
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
    pub(super) fn append(&mut self, push: &Push) -> Head {
        let chain = Chain::new(derive_chain(self.head.chain.as_bytes(), &push.signed.header));
        self.head = Head { seq: self.head.seq + 1, chain };
        self.ids.insert(push.header.commit, self.head.seq);
        let kept = Kept::Header(push.signed.clone());
        self.entries.push(Entry { chain, made_ms: push.now_ms, kept });
        self.head
    }

    pub(super) fn stored(&self, key: Key) -> Option<StoredEnvelope> {
        let current = self.records.get(&key)?;
        let version = self.versions.get(&key)?.iter().rev().find(|one| one.id == current.envelope)?;
        let envelope = ByteVec::from(version.bytes.to_vec());
        Some(StoredEnvelope { record: key.0, part: key.1, seq: current.seq, envelope })
    }

    pub(super) fn versions(&self, request: &VersionsRequest) -> VersionsPage {
        let key = (request.record, request.part);
        let envelopes = self.versions.get(&key).into_iter().flatten();
        let envelopes = envelopes.map(|one| (one.seq, one.made_ms, Some(ByteVec::from(one.bytes.to_vec()))));
        let purges = self.purges.get(&key).into_iter().flatten();
        let mut all: Vec<_> = envelopes.chain(purges.map(|(seq, made_ms)| (*seq, *made_ms, None))).collect();
        all.retain(|(seq, ..)| request.before.is_none_or(|before| *seq < before));
        all.sort_unstable_by_key(|(seq, ..)| std::cmp::Reverse(*seq));
        let (mut versions, mut bytes) = (Vec::new(), 0);
        for (seq, received_ms, envelope) in &all {
            let Some(header) = self.entry(*seq).and_then(Entry::header).cloned() else { continue };
            let envelope = envelope.clone();
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

    pub(super) fn is_right(&self, manifest: &Manifest) -> bool {
        if manifest.head == self.head {
            return *manifest.digest.as_bytes() == self.digest.to_bytes() && manifest.nodes == self.nodes;
        }
        manifest.head != Head::EMPTY && self.is_on_chain(manifest.head)
    }

    pub(super) fn put_manifest(&mut self, new: &NewManifest) -> PackVerdict {
        let manifest = &new.manifest;
        if self.role(manifest.author) < Some(Role::Editor) {
            return PackVerdict::RoleTooLow;
        }
        if !self.is_app(manifest.app, manifest.author, new.app_key) {
            return PackVerdict::NotWriter;
        }
        if manifest.epoch != self.charter.epoch() {
            return PackVerdict::EpochOld;
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

    pub(super) fn put_pack(&mut self, account: AccountId, new: NewPack) -> PackVerdict {
        if self.role(account) < Some(Role::Editor) {
            return PackVerdict::RoleTooLow;
        }
        if !self.is_app(new.app, account, new.app_key) {
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

    pub(super) fn wants_packs(&self, account: AccountId, app: AppId) -> bool {
        let records = self.nodes * 2;
        let may_write = self.role(account) >= Some(Role::Editor) && self.charter.knows(app);
        if !may_write || records < PACKS_RECORDS_MIN {
            return false;
        }
        let packed = self.manifest.as_ref().map_or(0, |(manifest, _)| manifest.head.seq);
        let changed = self.records.values().filter(|current| current.seq > packed).count() as u64;
        let is_author = self.manifest.as_ref().is_some_and(|(manifest, _)| manifest.app == app);
        let tail = if is_author { PACKS_TAIL_COMMITS_AUTHOR } else { PACKS_TAIL_COMMITS };
        self.head.seq - packed >= tail || changed > records * PACKS_TAIL_PERCENT / 100
    }

    pub(super) fn named(&self, pack: PackId) -> Option<Vec<u8>> {
        self.packs.get(&pack).filter(|pack| pack.named).map(|pack| pack.bytes.to_vec())
    }

    /// Sends manifest and nodes; from where the tail goes on, unless the receiver is gone.
    pub(super) fn send_manifest(
        &self,
        have: &[PackId],
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Option<u64> {
        let Some((manifest, signed)) = &self.manifest else { return Some(0) };
        let entries = (1..).zip(&self.entries);
        let headers = entries.filter_map(|(seq, entry)| Some((seq, entry.header()?)));
        let charter = headers
            .filter(|(_, signed)| matches!(content(signed), Some(Content::Charter(_))))
            .map(|(seq, signed)| CharterEntry { seq, header: signed.clone() })
            .collect();
        let nodes =
            manifest.packs.iter().filter(|pack| pack.part == Part::Node && !have.contains(&pack.pack));
        let packs = nodes.filter_map(|pack| self.named(pack.pack));
        let goes_on = sink(SnapshotPart::Manifest { manifest: signed.clone(), charter })
            && packs.map(SnapshotPart::Pack).all(sink);
        goes_on.then_some(manifest.head.seq)
    }

    /// Whether the feed can begin behind this point: at the beginning with a checkpoint, else with headers.
    pub(super) fn check_kept(&self, after: u64) -> Result<(), StoreError> {
        if after > 0 && after < self.pruned { Err(StoreError::CursorTooOld) } else { Ok(()) }
    }

    pub(super) fn send_headers(&self, cursor: u64, sink: &mut dyn FnMut(SnapshotPart) -> bool) -> bool {
        if cursor < self.pruned
            && let Some((_, signed)) = &self.manifest
            && !sink(SnapshotPart::Checkpoint(signed.clone()))
        {
            return false;
        }
        let skip = usize::try_from(cursor).unwrap_or(usize::MAX);
        let mut runs = Runs::new(cursor, sink);
        self.entries.iter().skip(skip).all(|entry| runs.push(entry.kept.clone())) && runs.flush()
    }

    pub(super) fn send_pages(&self, after: u64, sink: &mut dyn FnMut(SnapshotPart) -> bool) {
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

    pub(super) fn prune(&mut self, retention: Retention, now_ms: u64) {
        let charter = &self.charter;
        self.joins.retain(|invite, _| charter.invite(*invite).is_some_and(|open| open.expires_ms > now_ms));
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
        self.purges.retain(|key, purges| {
            let versions = self.versions.get(key).map_or(&[][..], Vec::as_slice);
            let is_told = |(seq, made_ms): &(u64, u64)| {
                *made_ms >= made_before || versions.iter().any(|version| version.seq < *seq)
            };
            purges.retain(is_told);
            !purges.is_empty()
        });
        self.prune_headers(retention, made_before);
    }

    /// Keeps of old entries the link only, where nothing that is kept needs the header.
    pub(super) fn prune_headers(&mut self, retention: Retention, made_before: u64) {
        let packed = self.manifest.as_ref().map_or(0, |(manifest, _)| manifest.head.seq);
        let until = packed.min(self.head.seq.saturating_sub(retention.entries));
        let versions = self.versions.values().flatten().map(|version| version.seq);
        let purges = self.purges.values().flatten().map(|(seq, _)| *seq);
        let needed: BTreeSet<u64> = versions.chain(purges).collect();
        for (seq, entry) in (1..=until).zip(&mut self.entries) {
            let Some(signed) = entry.header() else { continue };
            let is_charter = matches!(content(signed), Some(Content::Charter(_)));
            if entry.made_ms < made_before && !is_charter && !needed.contains(&seq) {
                entry.kept = Kept::Link(derive_link(&signed.header));
                self.pruned = self.pruned.max(seq);
            }
        }
    }
}

fn content(signed: &SignedHeader) -> Option<Content> {
    satchel_wire::CommitHeader::decode(&signed.header).ok().map(|header| header.content)
}
