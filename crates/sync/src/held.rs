//! Packs as they came: what they say of their records, and payloads out of them when somebody asks.
//!
//! Why it exists: a fresh app keeps each pack sealed as it came, so that neither its store nor its memory has
//! ten thousand rows to write before anything shows. A record of the base whose row is not in the store stands
//! in the pack that says its seq and revision; a change takes it out, since then its row counts.
//!
//! Opened packs are kept for a while, bounded in bytes: people read what stands together. A payload that is
//! not what its pack promised is noted as a suspect, and its envelope is fetched.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use satchel_crypto::{PackPlace, open_pack};
use satchel_model::ById;
use satchel_wire::{PackEntry, PackId, Part, Revision, WorkspaceId, decode_names, payload_bytes};

use crate::charter::EpochKeys;
use crate::replica::Base;
use crate::store::{Key, LoadedPack};

/// Expanded payloads that are kept.
const OPENED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Records that room is made for before they have come.
const ROOM_MAX: usize = 65_536;

/// Payloads of one pack, expanded; emptied when they are let go.
type Payloads = satchel_crypto::Expanded;

/// One pack of the local store.
#[derive(Debug)]
pub(crate) struct HeldPack {
    pub(crate) pack: PackId,
    pub(crate) part: Part,
    /// Its size, sealed.
    pub(crate) bytes: u32,
    pub(crate) entries: Vec<PackEntry>,
}

impl HeldPack {
    /// What is stored of a pack; none if its names are damaged.
    pub(crate) fn decode(loaded: &LoadedPack) -> Option<Self> {
        let LoadedPack { pack, part, bytes, names, .. } = loaded;
        Some(Self { pack: *pack, part: *part, bytes: *bytes, entries: decode_names(names)? })
    }

    fn key(&self, entry: &PackEntry) -> Key {
        Key { record: entry.record, part: self.part }
    }
}

/// Where a record stands: the pack, and the entry in it, by number.
pub(crate) type Spot = (usize, usize);

/// All packs of one workspace.
#[derive(Default)]
pub(crate) struct HeldPacks {
    packs: Vec<HeldPack>,
    /// Made when the first record is looked for, since a fresh app shows its tree before.
    spots: OnceLock<ById<(Key, u64), Spot>>,
    opened: Mutex<Opened>,
    suspects: Mutex<Vec<Key>>,
}

impl fmt::Debug for HeldPacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldPacks").field("packs", &self.packs.len()).finish_non_exhaustive()
    }
}

/// The expanded payloads of packs by number, with when each was read last.
#[derive(Default)]
struct Opened {
    packs: BTreeMap<usize, (u64, Payloads)>,
    bytes: usize,
    turn: u64,
}

impl Opened {
    fn insert(&mut self, number: usize, payloads: Payloads) {
        self.bytes += payloads.len();
        self.turn += 1;
        self.packs.insert(number, (self.turn, payloads));
        while self.bytes > OPENED_BYTES_MAX && self.packs.len() > 1 {
            let oldest = self.packs.iter().min_by_key(|(_, (turn, _))| *turn).map(|(number, _)| *number);
            let Some((_, gone)) = oldest.and_then(|oldest| self.packs.remove(&oldest)) else { return };
            self.bytes -= gone.len();
        }
    }

    fn read(&mut self, number: usize, entry: &PackEntry) -> Option<Vec<u8>> {
        self.turn += 1;
        let (turn, payloads) = self.packs.get_mut(&number)?;
        *turn = self.turn;
        entry.payload(payloads).map(<[u8]>::to_vec)
    }
}

impl HeldPacks {
    pub(crate) fn add(&mut self, pack: HeldPack) {
        self.spots.take();
        self.packs.push(pack);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &HeldPack> {
        self.packs.iter()
    }

    /// Where the record stands that this row of the base is about.
    pub(crate) fn find(&self, key: Key, base: Base) -> Option<Spot> {
        if self.packs.is_empty() {
            return None;
        }
        let spots = self.spots.get_or_init(|| {
            let spots = self.packs.iter().enumerate().flat_map(|(number, pack)| {
                let entries = pack.entries.iter().enumerate();
                entries.map(move |(index, entry)| ((pack.key(entry), entry.seq), (number, index)))
            });
            spots.collect()
        });
        let spot = *spots.get(&(key, base.seq))?;
        let entry = self.packs.get(spot.0)?.entries.get(spot.1)?;
        (entry.revision == base.revision).then_some(spot)
    }

    pub(crate) fn pack(&self, spot: Spot) -> Option<&HeldPack> {
        self.packs.get(spot.0)
    }

    /// A payload, if its pack is open.
    pub(crate) fn read(&self, spot: Spot) -> Option<Vec<u8>> {
        let entry = self.packs.get(spot.0)?.entries.get(spot.1)?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).read(spot.0, entry)
    }

    /// A payload out of its sealed pack, which stays open for the next one; none if the pack is damaged.
    pub(crate) fn open(
        &self,
        spot: Spot,
        workspace: WorkspaceId,
        keys: &EpochKeys,
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let pack = self.packs.get(spot.0)?;
        let payloads = expand(pack, workspace, keys, sealed)?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(spot.0, payloads);
        opened.read(spot.0, pack.entries.get(spot.1)?)
    }

    /// Notes that a payload is not what its pack promised.
    pub(crate) fn suspect(&self, key: Key) {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner).push(key);
    }

    pub(crate) fn take_suspects(&self) -> Vec<Key> {
        std::mem::take(&mut self.suspects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The payloads of a pack that holds what its stored names say; none if it does not.
pub(crate) fn expand(
    pack: &HeldPack,
    workspace: WorkspaceId,
    keys: &EpochKeys,
    sealed: &[u8],
) -> Option<Payloads> {
    let place = PackPlace { workspace: *workspace.as_bytes(), part: pack.part as u8 };
    let opened = open_pack(keys.of_sealed(sealed)?, &place, sealed).ok()?;
    if decode_names(opened.names())? != pack.entries {
        return None;
    }
    let payloads = opened.expand().ok()?;
    (payloads.len() as u64 == payload_bytes(&pack.entries)).then_some(payloads)
}

/// What packs say of records, where the newest word on each counts.
#[derive(Debug, Default)]
pub(crate) struct Words {
    rows: ById<Key, (u64, Revision)>,
    pub(crate) sum: satchel_crypto::StateDigest,
    /// Some record is in more than one pack.
    has_older: bool,
}

/// What a pack's word on a record is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It is the newest one so far.
    Newest,
    /// Another pack has a newer one.
    Older,
    /// Another pack has one about the same entry.
    Twice,
}

impl Words {
    /// Room for about so many records, as far as a manifest is believed.
    pub(crate) fn with_room(records: u64) -> Self {
        let room = usize::try_from(records).unwrap_or(usize::MAX).min(ROOM_MAX);
        let mut rows = ById::default();
        rows.reserve(room);
        Self { rows, ..Self::default() }
    }

    pub(crate) fn take(&mut self, key: Key, entry: &PackEntry) -> Word {
        use std::collections::hash_map::Entry;
        let mut add = |revision: Revision| crate::checkpoint::add(&mut self.sum, key, revision);
        match self.rows.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert((entry.seq, entry.revision));
                add(entry.revision);
                Word::Newest
            }
            Entry::Occupied(mut row) if row.get().0 < entry.seq => {
                self.has_older = true;
                add(entry.revision);
                let (_, old) = row.insert((entry.seq, entry.revision));
                self.sum.remove(key.record.as_bytes(), key.part as u8, old.as_bytes());
                Word::Newest
            }
            Entry::Occupied(row) if row.get().0 == entry.seq => Word::Twice,
            Entry::Occupied(_) => {
                self.has_older = true;
                Word::Older
            }
        }
    }

    /// Whether the word of this entry, which was taken, is the newest one.
    pub(crate) fn is_newest(&self, key: Key, seq: u64) -> bool {
        !self.has_older || self.rows.get(&key).is_some_and(|(newest, _)| *newest == seq)
    }

    pub(crate) fn revision(&self, key: Key) -> Option<Revision> {
        self.rows.get(&key).map(|(_, revision)| *revision)
    }

    pub(crate) fn count(&self, part: Part) -> u64 {
        self.rows.keys().filter(|key| key.part == part).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use satchel_crypto::StateDigest;
    use satchel_wire::RecordId;

    use super::*;

    #[test]
    fn the_newest_word_on_a_record_counts_in_whichever_order_packs_come() {
        let key = Key { record: RecordId::new([1; 16]), part: Part::Body };
        let entry = |seq: u8| {
            let revision = Revision::new([seq; 32]);
            PackEntry { record: key.record, revision, seq: seq.into(), conflicts: 0, offset: 0, bytes: 0 }
        };
        let check = |order: [u8; 3], expected: [Word; 3]| {
            let mut words = Words::default();
            assert_eq!(order.map(|seq| words.take(key, &entry(seq))), expected);
            let mut sum = StateDigest::default();
            sum.add(key.record.as_bytes(), key.part as u8, &[3; 32]);
            assert_eq!(words.sum.to_bytes(), sum.to_bytes());
            assert_eq!(words.revision(key), Some(Revision::new([3; 32])));
            assert_eq!((words.count(Part::Body), words.count(Part::Node)), (1, 0));
        };
        check([1, 2, 3], [Word::Newest, Word::Newest, Word::Newest]);
        check([3, 1, 2], [Word::Newest, Word::Older, Word::Older]);
        check([1, 3, 3], [Word::Newest, Word::Newest, Word::Twice]);
    }
}
