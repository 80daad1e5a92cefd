//! What packs are opened with: a manifest that verifies, and the records that its packs open to.
//!
//! Invariants: nothing is given out of a manifest that is not signed by an app of the charter it names, nor
//! of a pack that the manifest does not name by its hash, that does not open, or that does not parse. That
//! the records are those of the ledger is the word of the app that signed, until the headers are read
//! (`crate::fresh`).

use std::sync::Arc;

use satchel_crypto::{OpenedPack, PackPlace, StateDigest, derive_pack_id, open_pack};
use satchel_model::Node;
use satchel_model::format::payload;
use satchel_wire::{
    CharterEntry, CommitHeader, Content, Manifest, PackEntry, PackId, PackRef, Part, Revision, SignedHeader,
    SignedManifest, WorkspaceId, decode_names, payload_bytes,
};

use crate::charter::{self, Charter, EpochKeys};
use crate::engine::Identity;
use crate::staging::Refused;
use crate::store::{Alarm, Key};

/// A manifest whose charter and signature verify.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) manifest: Manifest,
    pub(crate) signed: SignedManifest,
    pub(crate) charter: Charter,
    pub(crate) entries: Vec<(u64, SignedHeader)>,
    /// With the keys of the newest charter that came with it.
    pub(crate) opener: PackOpener,
}

/// A pack as it came, with its id: what it hashes to.
///
/// Why it exists: a fresh app takes megabytes of packs, and whoever reads them from the line can hash and open them
/// beside the engine's own work.
#[derive(Debug)]
pub struct SealedPack {
    id: PackId,
    bytes: Vec<u8>,
    /// What it opened to before the engine took it.
    opened: Option<(PackOpener, PackContent)>,
}

impl SealedPack {
    /// Hashes a pack.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { id: PackId::new(derive_pack_id(&bytes)), bytes, opened: None }
    }

    /// Opens it ahead of the engine; one that does not open stays sealed, and the engine says why.
    #[must_use]
    pub fn open_with(mut self, opener: &PackOpener) -> Self {
        let terms = &*opener.terms;
        let named = find_named(&terms.packs, &self);
        let opened = named.and_then(|named| terms.open(*named, &opener.keys, &self.bytes).ok());
        self.opened = opened.map(|content| (opener.clone(), content));
        self
    }
}

/// What packs of one manifest are opened with, on whichever thread has them.
#[derive(Debug, Clone)]
pub struct PackOpener {
    pub(crate) terms: Arc<Terms>,
    pub(crate) keys: Arc<EpochKeys>,
}

/// What a manifest says of its packs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    workspace: WorkspaceId,
    epoch: u32,
    /// The manifest's point.
    until: u64,
    packs: Vec<PackRef>,
}

/// What a pack opens to.
#[derive(Debug)]
struct PackContent {
    entries: Vec<PackEntry>,
    opened: OpenedPack,
    nodes: Vec<Node>,
}

/// A pack that opened, and is to be kept as it came.
#[derive(Debug)]
pub(crate) struct TakenPack {
    pub(crate) pack: PackId,
    pub(crate) part: Part,
    pub(crate) entries: Vec<PackEntry>,
    pub(crate) opened: OpenedPack,
    /// Those of the entries, in a pack of nodes.
    pub(crate) nodes: Vec<Node>,
    pub(crate) sealed: Vec<u8>,
}

impl Checkpoint {
    pub(crate) fn open(
        identity: &Identity,
        workspace: WorkspaceId,
        signed: &SignedManifest,
        entries: &[CharterEntry],
    ) -> Result<Self, Refused> {
        let forged = |detail: &str| (Alarm::Forged, format!("the manifest of a workspace: {detail}"));
        let manifest = Manifest::decode(&signed.manifest).map_err(|e| forged(&e.to_string()))?;
        if manifest.workspace != workspace {
            return Err(forged("of another workspace"));
        }
        let (charter, newest) = read_charter(&manifest, entries)?;
        charter.check_manifest(&manifest, signed).map_err(|e| forged(e.detail()))?;
        let keys = charter::open(&newest, workspace, identity).map_err(|e| forged(e.detail()))?;
        let until = manifest.head.seq;
        let entries = entries
            .iter()
            .filter(|entry| entry.seq <= until)
            .map(|entry| (entry.seq, entry.header.clone()))
            .collect();
        let opener = PackOpener { terms: Arc::new(Terms::of(&manifest)), keys };
        Ok(Self { manifest, signed: signed.clone(), charter, entries, opener })
    }
}

/// The charter at a manifest's point, and at the last entry that came: every entry verifies, and none is left
/// out up to that point. What follows on it only opens keys, which are checked by themselves; it comes again.
fn read_charter(manifest: &Manifest, entries: &[CharterEntry]) -> Result<(Charter, Charter), Refused> {
    let forged = |detail: &str| (Alarm::Forged, format!("the charter under a manifest: {detail}"));
    let (mut charter, mut at_point) = (Charter::default(), None);
    let mut after = 0;
    for entry in entries {
        if entry.seq > manifest.head.seq && at_point.is_none() {
            at_point = Some(charter.clone());
        }
        if entry.seq <= after {
            return Err(forged("its entries are out of order"));
        }
        after = entry.seq;
        let header = CommitHeader::decode(&entry.header.header).map_err(|e| forged(&e.to_string()))?;
        if header.workspace != manifest.workspace || !matches!(header.content, Content::Charter(_)) {
            return Err(forged("an entry is not of it"));
        }
        charter::apply(&mut charter, entry.seq, &header, &entry.header).map_err(|e| forged(e.detail()))?;
    }
    let at_point = at_point.unwrap_or_else(|| charter.clone());
    if at_point.hash() != *manifest.charter.as_bytes() {
        return Err(forged("it is not the one that the manifest names"));
    }
    Ok((at_point, charter))
}

/// The entry of a manifest for a pack, if it names it.
pub(crate) fn find_named<'a>(packs: &'a [PackRef], sealed: &SealedPack) -> Option<&'a PackRef> {
    let size = sealed.bytes.len() as u64;
    packs.iter().find(|named| named.pack == sealed.id && u64::from(named.bytes) == size)
}

impl PackOpener {
    /// Opens a pack that the manifest names, unless that was done, and reads what it says of every record in it. Its
    /// payloads are authenticated and decrypted with that; those of bodies are expanded when somebody reads them.
    pub(crate) fn open(&self, named: PackRef, sealed: SealedPack) -> Result<TakenPack, Refused> {
        let SealedPack { bytes: sealed, opened, .. } = sealed;
        let content = match opened {
            Some((by, content)) if by.terms == self.terms => content,
            _ => self.terms.open(named, &self.keys, &sealed)?,
        };
        let PackContent { entries, opened, nodes } = content;
        Ok(TakenPack { pack: named.pack, part: named.part, entries, opened, nodes, sealed })
    }
}

impl Terms {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let (workspace, epoch, until) = (manifest.workspace, manifest.epoch, manifest.head.seq);
        Self { workspace, epoch, until, packs: manifest.packs.clone() }
    }

    fn open(&self, named: PackRef, keys: &EpochKeys, sealed: &[u8]) -> Result<PackContent, Refused> {
        let damaged = |detail: &str| (Alarm::Damaged, format!("a pack of a workspace: {detail}"));
        let place = PackPlace { workspace: *self.workspace.as_bytes(), part: named.part as u8 };
        let key = keys.of_sealed(sealed).ok_or_else(|| damaged("the key of its epoch is not there"))?;
        let opened = open_pack(key, &place, sealed).map_err(|e| damaged(&e.to_string()))?;
        let entries = decode_names(opened.names());
        let entries = entries.ok_or_else(|| damaged("its content is not in a valid form"))?;
        if opened.epoch > self.epoch || entries.len() as u64 != u64::from(named.records) {
            return Err(damaged("it is not what its manifest says"));
        }
        if opened.rest_bytes().map(|bytes| bytes as u64) != Some(payload_bytes(&entries)) {
            return Err(damaged("its payloads are not as long as it says"));
        }
        if entries.iter().any(|entry| entry.seq == 0 || entry.seq > self.until) {
            return Err(damaged("a record in it is of no entry before it"));
        }
        let nodes = if named.part == Part::Node { decode_nodes(&opened, &entries)? } else { Vec::new() };
        Ok(PackContent { entries, opened, nodes })
    }
}

fn decode_nodes(opened: &OpenedPack, entries: &[PackEntry]) -> Result<Vec<Node>, Refused> {
    let damaged = |detail: &str| (Alarm::Damaged, format!("a record in a pack: {detail}"));
    let payloads = opened.expand().map_err(|e| damaged(&e.to_string()))?;
    let decode = |entry: &PackEntry| {
        let payload = entry.payload(&payloads).ok_or_else(|| damaged("it is cut off"))?;
        let node = payload::decode_node(payload).map_err(|e| damaged(&e.to_string()))?;
        if node.conflicts.len() as u64 != u64::from(entry.conflicts) {
            return Err(damaged("its conflicts are not as many as its pack says"));
        }
        Ok(node)
    };
    entries.iter().map(decode).collect()
}

pub(crate) fn add(digest: &mut StateDigest, key: Key, revision: Revision) {
    digest.add(key.record.as_bytes(), key.part as u8, revision.as_bytes());
}
