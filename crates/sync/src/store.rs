//! What the engine asks of storage: reads of committed state, one atomic write, and its durability.
//!
//! A write need not be durable at once: what only came from the server comes again. Writes become durable in
//! their order, so that a crash leaves a state that once was ([`Store::sync`]).
//!
//! The engine owns no disk. Whoever drives it passes a [`Store`]; the client's is `SQLite`, the tests'
//! and the simulator's is [`crate::MemoryStore`]. [`crate::conformance`] is the suite for both.

use std::collections::{BTreeSet, HashMap};

use satchel_wire::{
    CommitId, Digest, Head, Incarnation, PackEntry, PackId, Part, RecordId, Revision, SignedHeader,
    WorkspaceId, decode_names,
};

/// The Scratch Pad: a workspace whose records are pending for ever.
pub const SCRATCH: WorkspaceId = WorkspaceId::new([0; 16]);

/// How many of the newest positions of the chain are remembered: to compare with what other apps say they
/// saw, and to find how far a restored server has gone back.
pub const CHAINS_KEPT: usize = 8_192;

/// One part of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The record.
    pub record: RecordId,
    /// Which part of it.
    pub part: Part,
}

/// Storage of one profile.
///
/// Every read is of committed state. Payloads are plain bytes here; a store on disk seals them.
pub trait Store {
    /// What can go wrong.
    type Error: std::error::Error;

    /// Every workspace that has been added, the Scratch Pad among them if it was.
    fn workspaces(&self) -> Result<Vec<WorkspaceId>, Self::Error>;
    /// Everything of a workspace but the contents of bodies; empty for an unknown one.
    fn load(&self, workspace: WorkspaceId) -> Result<Loaded, Self::Error>;
    /// What the server acknowledged; none also for a record that stands in a pack as it came there.
    fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, Self::Error>;
    /// A pack as it came.
    fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The payload that waits; none if nothing waits or a purge does.
    fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The envelopes of a commit in flight, in the order of its puts.
    fn in_flight(&self, workspace: WorkspaceId, commit: CommitId) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// Applies all writes in one transaction; nothing on an error.
    ///
    /// It may be lost until [`Store::sync`] returns, but never without everything that was applied after it.
    fn apply(&mut self, batch: &Batch) -> Result<(), Self::Error>;
    /// Makes all that was applied durable. A store whose `apply` does so already has nothing to do.
    fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A workspace as it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The server's life that the cursor belongs to.
    pub incarnation: Option<Incarnation>,
    /// The cursor: the newest entry applied.
    pub head: Head,
    /// The digest of the base.
    pub digest: Digest,
    /// The charter's entries in the order of seq.
    pub charter: Vec<(u64, SignedHeader)>,
    /// What the server acknowledged: rows, and what stands in packs without a newer row ([`merge_packs`]).
    pub base: Vec<BaseEntry>,
    /// The packs that are kept.
    pub packs: Vec<LoadedPack>,
    /// What waits over it.
    pub pending: Vec<PendingEntry>,
    /// The commits under way, in the order of their ordinals.
    pub in_flight: Vec<InFlight>,
    /// What was set aside.
    pub aside: Vec<Aside>,
    /// How far the base has come that is read from packs; none once it is whole and verified.
    pub fresh: Option<Vec<u8>>,
    /// The newest positions of the chain, in order, at most [`CHAINS_KEPT`] and perhaps with gaps.
    pub chains: Vec<Head>,
    /// What is being brought back to a restored server.
    pub returning: Option<Vec<u8>>,
}

impl Loaded {
    /// A workspace with nothing in it.
    pub fn empty() -> Self {
        Self {
            incarnation: None,
            head: Head::EMPTY,
            digest: Digest::new([0; 32]),
            charter: Vec::new(),
            base: Vec::new(),
            packs: Vec::new(),
            pending: Vec::new(),
            in_flight: Vec::new(),
            aside: Vec::new(),
            fresh: None,
            chains: Vec::new(),
            returning: None,
        }
    }
}

/// A pack that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedPack {
    /// Its name.
    pub pack: PackId,
    /// Which part of its records it holds.
    pub part: Part,
    /// What it says of them.
    pub names: Vec<u8>,
    /// How large it is.
    pub bytes: u32,
    /// A pack of nodes, as it came; none for bodies.
    pub nodes: Option<Vec<u8>>,
}

/// The records of packs and rows together: a row counts for its record, else the pack with its newest state,
/// unless it was removed since. Records of packs have no content here.
pub fn merge_packs(rows: Vec<BaseEntry>, packs: &[LoadedPack], removed: &BTreeSet<Key>) -> Vec<BaseEntry> {
    let mut base: HashMap<Key, BaseEntry> = HashMap::new();
    for pack in packs {
        for entry in decode_names(&pack.names).unwrap_or_default() {
            let key = Key { record: entry.record, part: pack.part };
            let is_older = base.get(&key).is_some_and(|known| known.seq >= entry.seq);
            if !is_older && !removed.contains(&key) {
                let PackEntry { seq, revision, conflicts, .. } = entry;
                base.insert(key, BaseEntry { key, seq, revision, conflicts, node: None });
            }
        }
    }
    if base.is_empty() {
        return rows;
    }
    base.extend(rows.into_iter().map(|row| (row.key, row)));
    let mut base: Vec<_> = base.into_values().collect();
    base.sort_unstable_by_key(|entry| entry.key);
    base
}

/// The form in which an acknowledged record is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    /// Its envelope, as it was signed.
    Envelope(Vec<u8>),
    /// Its payload, out of a pack.
    Payload(Vec<u8>),
    /// The pack that it stands in does not open any more: to be fetched again.
    Damaged,
}

impl From<Vec<u8>> for Kept {
    fn from(envelope: Vec<u8>) -> Self {
        Self::Envelope(envelope)
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Envelope(_) => "Envelope",
            Self::Payload(_) => "Payload",
            Self::Damaged => "Damaged",
        })
    }
}

/// One acknowledged record, without a body's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseEntry {
    /// Which.
    pub key: Key,
    /// The entry that put it.
    pub seq: u64,
    /// Its body hash.
    pub revision: Revision,
    /// How many conflicts it holds.
    pub conflicts: u32,
    /// The content of a [`Part::Node`]; none for a body, and for a node in a pack.
    pub node: Option<Kept>,
}

/// One waiting change, without a body's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEntry {
    /// Which.
    pub key: Key,
    /// The number of the local edit that made it.
    pub ordinal: u64,
    /// How many conflicts it holds.
    pub conflicts: u32,
    /// It removes the record.
    pub purged: bool,
    /// It belongs to a purge of many items that a person marked as meant.
    pub bulk: bool,
    /// The payload of a [`Part::Node`]; none for a body or a purge.
    pub node_payload: Option<Vec<u8>>,
}

/// A commit under way: kept as bytes so that a crash sends the same ones again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// The commit.
    pub commit: CommitId,
    /// The order among the commits under way.
    pub ordinal: u64,
    /// Its signed header.
    pub header: SignedHeader,
    /// For each operation, the ordinal of the pending change that it carries.
    pub ordinals: Vec<u64>,
}

/// Why something was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// Bytes that do not hash, open or parse.
    Damaged,
    /// A signature, certificate or parent that does not verify.
    Forged,
    /// The server shows an older state than it showed before.
    RolledBack,
    /// The server shows another history than it showed before.
    Forked,
    /// A local record is over the limit.
    TooLarge,
    /// The server refused a change.
    Refused,
    /// The workspace is no longer on the server, or no longer for this account.
    Gone,
}

impl Alarm {
    /// The word for it, as `status` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Forged => "forged",
            Self::RolledBack => "rolled_back",
            Self::Forked => "forked",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::Gone => "gone",
        }
    }

    /// The alarm of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Damaged,
            Self::Forged,
            Self::RolledBack,
            Self::Forked,
            Self::TooLarge,
            Self::Refused,
            Self::Gone,
        ]
        .into_iter()
        .find(|alarm| alarm.as_str() == text)
    }
}

/// A record that is set aside, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Which.
    pub key: Key,
    /// Why.
    pub alarm: Alarm,
    /// For a person.
    pub detail: String,
}

/// Writes to one workspace that stand or fall together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The writes, in order.
    pub writes: Vec<Write>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Registers the workspace.
    AddWorkspace,
    /// Removes every row of the workspace.
    RemoveWorkspace,
    /// Sets an acknowledged envelope.
    PutBase {
        /// Which.
        key: Key,
        /// The entry that put it.
        seq: u64,
        /// Its body hash.
        revision: Revision,
        /// How many conflicts it holds.
        conflicts: u32,
        /// Its bytes.
        envelope: Vec<u8>,
    },
    /// Keeps a pack as it came. A record that is removed later stays removed.
    PutPack {
        /// Its name.
        pack: PackId,
        /// Which part of its records it holds.
        part: Part,
        /// What it says of them.
        names: Vec<u8>,
        /// Its bytes.
        sealed: Vec<u8>,
    },
    /// Forgets all packs, and what was removed from them.
    ForgetPacks,
    /// Removes an acknowledged record.
    RemoveBase {
        /// Which.
        key: Key,
    },
    /// Sets a waiting change.
    PutPending {
        /// Which.
        key: Key,
        /// The number of the local edit.
        ordinal: u64,
        /// How many conflicts it holds.
        conflicts: u32,
        /// The wanted payload; none purges the record.
        payload: Option<Vec<u8>>,
    },
    /// Puts the wish to purge a part.
    PutPurge {
        /// The part.
        key: Key,
        /// Its place among the local changes.
        ordinal: u64,
        /// Whether it belongs to a purge of many items that a person marked as meant.
        bulk: bool,
    },
    /// Removes a waiting change.
    RemovePending {
        /// Which.
        key: Key,
    },
    /// Keeps a commit that is about to be sent.
    PutInFlight {
        /// The commit.
        commit: InFlight,
        /// Its envelopes, in the order of its puts.
        envelopes: Vec<Vec<u8>>,
    },
    /// Forgets a commit.
    RemoveInFlight {
        /// Which.
        commit: CommitId,
    },
    /// Keeps an entry of the charter.
    AddCharter {
        /// Its position.
        seq: u64,
        /// Its header.
        header: SignedHeader,
    },
    /// Moves the cursor.
    SetHead {
        /// The newest entry applied.
        head: Head,
        /// The digest of the base at that entry.
        digest: Digest,
    },
    /// Notes how far a base has come that is read from packs; none once it is whole and verified.
    SetFresh(Option<Vec<u8>>),
    /// Forgets all that came from the server: base, packs, charter and chain; however damaged the rows are.
    ///
    /// What waits and what is under way stays.
    ForgetLedger,
    /// Forgets the entries of the charter: they come again from the first one.
    ClearCharter,
    /// Remembers positions of the chain, in order; only the newest [`CHAINS_KEPT`] must be kept.
    AddChains(Vec<Head>),
    /// Forgets all of them.
    ClearChains,
    /// Notes what is being brought back to a restored server; none once it has come there.
    SetReturning(Option<Vec<u8>>),
    /// Notes the server's life that the cursor belongs to.
    SetIncarnation(Incarnation),
    /// Sets a record aside.
    SetAside(Aside),
    /// Takes a record back in.
    ClearAside {
        /// Which.
        key: Key,
    },
}
