//! Packs: the current records of a workspace in few sealed pieces, and the manifest that vouches for them.
//!
//! A fresh app reads the newest manifest, its packs and the tail behind it, instead of every header and every
//! envelope. A pack's content is two columns: names (what it says of each record, mostly random bytes that no
//! compression shrinks; [`PackEntry`]) and the payloads one after the other. So who has read the names knows
//! everything of a pack but its payloads, which need not be expanded for that.
//!
//! A record may stand in several packs of one manifest: the newest one, by its seq, is the one that counts. So
//! packs whose records mostly stand can stay when others are added.
//!
//! Stored and signed form of a manifest: one version byte, then the CBOR array of [`Manifest`]. The
//! signature is over `"satchel manifest 1" | bytes`.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::error::WireError;
use crate::frame::Head;
use crate::limits::{MANIFEST_BYTES_MAX, PACK_RECORDS_MAX, PACKS_MAX};
use crate::{AccountId, AppId, Bytes32, Digest, PackId, Part, RecordId, Revision, Signature, WorkspaceId};

const MANIFEST_VERSION: u8 = 1;

/// One pack of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PackRef {
    /// The hash of its sealed bytes.
    #[n(0)]
    pub pack: PackId,
    /// Which part of its records it holds: only nodes, or only bodies.
    #[n(1)]
    pub part: Part,
    /// How many records, at most [`PACK_RECORDS_MAX`].
    #[n(2)]
    pub records: u32,
    /// Its size, sealed.
    #[n(3)]
    pub bytes: u32,
}

/// What an app says a workspace was at one point of its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Manifest {
    /// The workspace.
    #[n(0)]
    pub workspace: WorkspaceId,
    /// The account of the author.
    #[n(1)]
    pub author: AccountId,
    /// The app that signed.
    #[n(2)]
    pub app: AppId,
    /// The point of the ledger.
    #[n(3)]
    pub head: Head,
    /// The digest of the whole state at that point.
    #[n(4)]
    pub digest: Digest,
    /// The key epoch that the packs are sealed under.
    #[n(5)]
    pub epoch: u32,
    /// How many nodes there are.
    #[n(6)]
    pub nodes: u64,
    /// How many bodies there are.
    #[n(7)]
    pub bodies: u64,
    /// The hash over the charter's entries up to that point, so that none can be left out.
    #[n(8)]
    pub charter: Bytes32,
    /// The packs, those of nodes first.
    #[n(9)]
    pub packs: Vec<PackRef>,
}

impl Manifest {
    /// The signed bytes: the version byte and the one canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![MANIFEST_VERSION];
        minicbor::encode(self, &mut out).expect("writing to a vector does not fail");
        out
    }

    /// Reads signed bytes.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are too long, of another version, not CBOR, not canonical, if there are
    /// too many packs, or if they hold fewer records than it counts.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        const WHAT: &str = "manifest";
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(WireError::TooLong { what: WHAT, bytes: bytes.len(), max: MANIFEST_BYTES_MAX });
        }
        let (&version, cbor) = bytes.split_first().ok_or(WireError::Version { what: WHAT, version: 0 })?;
        if version != MANIFEST_VERSION {
            return Err(WireError::Version { what: WHAT, version });
        }
        let manifest: Self =
            minicbor::decode(cbor).map_err(|source| WireError::Malformed { what: WHAT, source })?;
        if manifest.packs.len() > PACKS_MAX {
            let count = manifest.packs.len();
            return Err(WireError::TooMany { what: "packs of a manifest", count, max: PACKS_MAX });
        }
        if !manifest.is_canonical() || manifest.encode() != bytes {
            return Err(WireError::NotCanonical { what: WHAT });
        }
        Ok(manifest)
    }

    /// Nodes first, no empty or overfull pack, and as many records as it says or, where newer ones stand over
    /// older ones, more.
    fn is_canonical(&self) -> bool {
        let sum = |part: Part| -> u64 {
            self.packs.iter().filter(|pack| pack.part == part).map(|pack| u64::from(pack.records)).sum()
        };
        self.packs.is_sorted_by_key(|pack| pack.part)
            && self.packs.iter().all(|pack| (1..=PACK_RECORDS_MAX).contains(&(pack.records as usize)))
            && sum(Part::Node) >= self.nodes
            && sum(Part::Body) >= self.bodies
    }
}

/// A manifest's bytes as they were signed, with the signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedManifest {
    /// The bytes of [`Manifest::encode`].
    #[n(0)]
    pub manifest: ByteVec,
    /// The app's signature over `"satchel manifest 1" | manifest`.
    #[n(1)]
    pub signature: Signature,
}

/// An entry of the charter with its position.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CharterEntry {
    /// Its position in the ledger.
    #[n(0)]
    pub seq: u64,
    /// Its header.
    #[n(1)]
    pub header: crate::SignedHeader,
}

/// One record in a pack.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedRecord {
    /// The record.
    pub record: RecordId,
    /// The revision that later changes are based on.
    pub revision: Revision,
    /// The entry that put it.
    pub seq: u64,
    /// How many conflicts it holds.
    pub conflicts: u32,
    /// What its envelope holds.
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for PackedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { record, revision, seq, .. } = self;
        let mut shown = f.debug_struct("PackedRecord");
        shown.field("record", record).field("revision", revision).field("seq", seq).finish_non_exhaustive()
    }
}

/// What a pack says of one of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackEntry {
    /// The record.
    pub record: RecordId,
    /// The revision that later changes are based on.
    pub revision: Revision,
    /// The entry that put it.
    pub seq: u64,
    /// How many conflicts it holds.
    pub conflicts: u32,
    /// Where its payload begins among the payloads.
    pub offset: u32,
    /// How long its payload is.
    pub bytes: u32,
}

impl PackEntry {
    /// Its payload out of the pack's.
    pub fn payload<'a>(&self, payloads: &'a [u8]) -> Option<&'a [u8]> {
        let begin = usize::try_from(self.offset).ok()?;
        payloads.get(begin..begin.checked_add(usize::try_from(self.bytes).ok()?)?)
    }
}

/// The two columns of a pack: the names, and all payloads.
///
/// The names are, for each record: its id, its revision, and as LEB128 its seq, the number of its conflicts
/// and the length of its payload.
pub fn encode_pack(records: &[PackedRecord]) -> (Vec<u8>, Vec<u8>) {
    let mut names = Vec::with_capacity(records.len() * (RecordId::LEN + Revision::LEN + 8));
    let mut payloads = Vec::with_capacity(records.iter().map(|record| record.payload.len()).sum());
    for record in records {
        names.extend_from_slice(record.record.as_bytes());
        names.extend_from_slice(record.revision.as_bytes());
        put_number(&mut names, record.seq);
        put_number(&mut names, record.conflicts.into());
        let length = u32::try_from(record.payload.len()).expect("a payload is within the envelope's limit");
        put_number(&mut names, length.into());
        payloads.extend_from_slice(&record.payload);
    }
    (names, payloads)
}

/// Reads the names that [`encode_pack`] made; none for anything else.
pub fn decode_names(mut names: &[u8]) -> Option<Vec<PackEntry>> {
    let mut entries = Vec::with_capacity((names.len() / 50).min(PACK_RECORDS_MAX));
    let mut offset: u32 = 0;
    while !names.is_empty() {
        let (record, rest) = names.split_first_chunk::<{ RecordId::LEN }>()?;
        let (revision, mut rest) = rest.split_first_chunk::<{ Revision::LEN }>()?;
        let seq = take_number(&mut rest)?;
        let conflicts = u32::try_from(take_number(&mut rest)?).ok()?;
        let bytes = u32::try_from(take_number(&mut rest)?).ok()?;
        names = rest;
        let (record, revision) = (RecordId::new(*record), Revision::new(*revision));
        entries.push(PackEntry { record, revision, seq, conflicts, offset, bytes });
        offset = offset.checked_add(bytes)?;
        if entries.len() > PACK_RECORDS_MAX {
            return None;
        }
    }
    (!entries.is_empty()).then_some(entries)
}

/// How long the payloads of these entries are together.
pub fn payload_bytes(entries: &[PackEntry]) -> u64 {
    entries.iter().map(|entry| u64::from(entry.bytes)).sum()
}

/// Reads what [`encode_pack`] made; none for anything else.
pub fn decode_pack(names: &[u8], payloads: &[u8]) -> Option<Vec<PackedRecord>> {
    let entries = decode_names(names)?;
    if payload_bytes(&entries) != payloads.len() as u64 {
        return None;
    }
    let record = |entry: &PackEntry| {
        let PackEntry { record, revision, seq, conflicts, .. } = *entry;
        Some(PackedRecord { record, revision, seq, conflicts, payload: entry.payload(payloads)?.to_vec() })
    };
    entries.iter().map(record).collect()
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// The one form of a number: no digit too many.
fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let digit = u64::from(byte & 0x7f);
        if digit.checked_shl(shift)? >> shift != digit {
            return None;
        }
        number |= digit << shift;
        if byte & 0x80 == 0 {
            return (byte != 0 || shift == 0).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(byte: u8, payload: &[u8]) -> PackedRecord {
        let (record, revision) = (RecordId::new([byte; 16]), Revision::new([byte; 32]));
        let (seq, conflicts) = (u64::from(byte) * 1_000, u32::from(byte - 1));
        PackedRecord { record, revision, seq, conflicts, payload: payload.to_vec() }
    }

    #[test]
    fn a_pack_reads_as_it_was_made_and_not_with_a_byte_more_or_less() {
        let records = vec![record(1, b"{}"), record(2, b""), record(3, b"{\"name\":\"x\"}")];
        let (names, rest) = encode_pack(&records);
        assert_eq!(decode_pack(&names, &rest), Some(records));
        for cut in 0..rest.len() {
            assert_eq!(decode_pack(&names, &rest[..cut]), None);
        }
        assert_eq!(decode_pack(&names, &[&rest[..], &[0]].concat()), None);
        for cut in 1..names.len() {
            assert_eq!(decode_pack(&names[..cut], &rest), None, "{cut}");
        }
        assert_eq!(decode_pack(&[], &[]), None);
    }

    #[test]
    fn a_number_has_one_form() {
        let check = |bytes: &[u8], expected: Option<u64>| {
            let mut rest = bytes;
            assert_eq!(take_number(&mut rest), expected, "{bytes:?}");
        };
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            check(&bytes, Some(number));
        }
        check(&[0x80, 0], None);
        check(&[0x80], None);
        check(&[0xff; 11], None);
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], None);
    }

    #[test]
    fn a_manifest_that_counts_more_than_its_packs_hold_is_refused() {
        let pack = |part, records| PackRef { pack: PackId::new([7; 32]), part, records, bytes: 9 };
        let good = Manifest {
            workspace: WorkspaceId::new([1; 16]),
            author: AccountId::new([2; 16]),
            app: AppId::new([3; 16]),
            head: Head::EMPTY,
            digest: Digest::new([4; 32]),
            epoch: 1,
            nodes: 3,
            bodies: 2,
            charter: Bytes32::new([5; 32]),
            packs: vec![pack(Part::Node, 1), pack(Part::Node, 2), pack(Part::Body, 2)],
        };
        assert_eq!(Manifest::decode(&good.encode()).expect("it is good"), good);
        let check = |change: &dyn Fn(&mut Manifest)| {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(Manifest::decode(&bad.encode()).is_err());
        };
        check(&|bad| bad.nodes = 4);
        check(&|bad| bad.packs.reverse());
        check(&|bad| bad.packs[2].records = 0);
        check(&|bad| bad.packs[2].records = 257);
        check(&|bad| bad.packs = vec![pack(Part::Node, 1); PACKS_MAX + 1]);
    }
}
