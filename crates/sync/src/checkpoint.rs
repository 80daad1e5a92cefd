//! What packs are opened with: a manifest that verifies, and the records that its packs open to.
//!
//! Invariants: nothing is given out of a manifest that is not signed by an app of the charter it names, nor
//! of a pack that the manifest does not name by its hash, that does not open, or that does not parse. That
//! the records are those of the ledger is the word of the app that signed, until the headers are read
//! (`crate::fresh`).

use std::sync::Arc;

use satchel_crypto::{OpenedPack, PackPlace, StateDigest, derive_pack_id, open_pack};
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
    /// Of the newest charter that came with it.
    pub(crate) keys: Arc<EpochKeys>,
}

/// A pack as it came, with its id: what it hashes to.
///
/// Why it exists: a fresh app takes megabytes of packs, and whoever reads them from the line can hash them beside
/// the engine's own work.
#[derive(Debug)]
pub struct SealedPack {
    id: PackId,
    bytes: Vec<u8>,
}

impl SealedPack {
    /// Hashes a pack.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { id: PackId::new(derive_pack_id(&bytes)), bytes }
    }
}

/// A pack that opened, and is to be kept as it came.
#[derive(Debug)]
pub(crate) struct TakenPack {
    pub(crate) pack: PackId,
    pub(crate) part: Part,
    pub(crate) entries: Vec<PackEntry>,
    pub(crate) opened: OpenedPack,
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
        Ok(Self { manifest, signed: signed.clone(), charter, entries, keys })
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
pub(crate) fn find_named<'a>(manifest: &'a Manifest, sealed: &SealedPack) -> Option<&'a PackRef> {
    let size = sealed.bytes.len() as u64;
    manifest.packs.iter().find(|named| named.pack == sealed.id && u64::from(named.bytes) == size)
}

/// Opens a pack that a manifest names, and reads what it says of every record in it. Its payloads are
/// authenticated and decrypted with that; they are expanded when somebody reads them.
pub(crate) fn open_named(
    manifest: &Manifest,
    named: PackRef,
    keys: &EpochKeys,
    SealedPack { bytes: sealed, .. }: SealedPack,
) -> Result<TakenPack, Refused> {
    let damaged = |detail: &str| (Alarm::Damaged, format!("a pack of a workspace: {detail}"));
    let place = PackPlace { workspace: *manifest.workspace.as_bytes(), part: named.part as u8 };
    let key = keys.of_sealed(&sealed).ok_or_else(|| damaged("the key of its epoch is not there"))?;
    let opened = open_pack(key, &place, &sealed).map_err(|e| damaged(&e.to_string()))?;
    let entries = decode_names(opened.names());
    let entries = entries.ok_or_else(|| damaged("its content is not in a valid form"))?;
    if opened.epoch > manifest.epoch || entries.len() as u64 != u64::from(named.records) {
        return Err(damaged("it is not what its manifest says"));
    }
    if opened.rest_bytes().map(|bytes| bytes as u64) != Some(payload_bytes(&entries)) {
        return Err(damaged("its payloads are not as long as it says"));
    }
    if entries.iter().any(|entry| entry.seq == 0 || entry.seq > manifest.head.seq) {
        return Err(damaged("a record in it is of no entry before it"));
    }
    Ok(TakenPack { pack: named.pack, part: named.part, entries, opened, sealed })
}

pub(crate) fn add(digest: &mut StateDigest, key: Key, revision: Revision) {
    digest.add(key.record.as_bytes(), key.part as u8, revision.as_bytes());
}
