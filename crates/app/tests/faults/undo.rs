//! A power cut: reads the layer's log and takes back what was not synced.
//!
//! Invariants: what was synced stays; of the rest the seed chooses what had reached the disk, in any order
//! and torn at sectors of 512 bytes; names are kept up to some point, as a journalling file system does.
//! What a sync failed to write never counts as synced by a later sync (`X` in the log).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::seed::Seed;
use crate::shim::Layer;

const MAGIC: u32 = 0x5346_5431;
const HEAD_BYTES: usize = 40;
const SECTOR: usize = 512;

/// What of the writes that were not synced had reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Nothing.
    Nothing,
    /// What the seed says.
    Some,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    kind: char,
    ino: u64,
    offset: u64,
    size: u64,
    old: Vec<u8>,
    new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Durable,
    Doomed,
}

/// What a log says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Changes of files and names.
    pub(crate) changes: u64,
    /// Changes that were not synced.
    pub(crate) unsynced: u64,
    /// Operations that were made to fail.
    pub(crate) failed: u64,
    /// Whether the layer killed the process.
    pub(crate) killed: bool,
}

fn records(layer: &Layer) -> Vec<Record> {
    let bytes = fs::read(layer.log.join("undo")).unwrap_or_default();
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while let Some((record, after)) = read_record(rest) {
        records.push(record);
        rest = after;
    }
    records
}

fn read_record(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let head = bytes.get(..HEAD_BYTES)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
    assert_eq!(u32_at(0)?, MAGIC, "the layer's log is whole");
    let (old_len, new_len) = (u32_at(32)? as usize, u32_at(36)? as usize);
    let old = bytes.get(HEAD_BYTES..HEAD_BYTES + old_len)?.to_vec();
    let new = bytes.get(HEAD_BYTES + old_len..HEAD_BYTES + old_len + new_len)?.to_vec();
    let kind = char::from_u32(u32_at(4)?)?;
    let record = Record { kind, ino: u64_at(8)?, offset: u64_at(16)?, size: u64_at(24)?, old, new };
    Some((record, &bytes[HEAD_BYTES + old_len + new_len..]))
}

/// The log, sorted out: by file what was done to it, and what was done to names.
#[derive(Default)]
struct Sorted {
    files: BTreeMap<u64, Vec<(Record, State)>>,
    names: Vec<(Record, State)>,
    seen: Seen,
}

fn sort(records: Vec<Record>) -> Sorted {
    let mut sorted = Sorted::default();
    for record in records {
        let files = &mut sorted.files;
        match record.kind {
            'W' | 'T' => files.entry(record.ino).or_default().push((record, State::Waiting)),
            'C' | 'U' | 'R' => sorted.names.push((record, State::Waiting)),
            'S' => settle(files.get_mut(&record.ino), State::Durable),
            'X' => settle(files.get_mut(&record.ino), State::Doomed),
            'D' => {
                let folder = text(&record.old);
                let of_folder =
                    |name: &Record| Path::new(&text(&name.old)).parent() == Some(Path::new(&folder));
                sorted.names.iter_mut().filter(|(name, _)| of_folder(name)).for_each(|(_, state)| {
                    *state = State::Durable;
                });
            }
            'F' => sorted.seen.failed += 1,
            'K' => sorted.seen.killed = true,
            other => panic!("the layer's log has a record {other:?}"),
        }
    }
    let all = || sorted.files.values().flatten().chain(&sorted.names);
    sorted.seen.changes = all().count() as u64;
    sorted.seen.unsynced = all().filter(|(_, state)| *state != State::Durable).count() as u64;
    sorted
}

fn settle(changes: Option<&mut Vec<(Record, State)>>, to: State) {
    for (_, state) in changes.into_iter().flatten().filter(|(_, state)| *state == State::Waiting) {
        *state = to;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a log says, with nothing taken back.
pub(crate) fn look(layer: &Layer) -> Seen {
    sort(records(layer)).seen
}

/// The power is cut: takes back what was not synced, and begins the log anew. No process may run.
pub(crate) fn cut(layer: &Layer, reached: Reached, seed: &mut Seed) -> Seen {
    let sorted = sort(records(layer));
    undo_names(&sorted.names, &layer.log, reached, seed);
    for (ino, changes) in &sorted.files {
        let path = layer.log.join(format!("ino-{ino}"));
        let file = OpenOptions::new().read(true).write(true).open(path).expect("the layer keeps every file");
        undo_file(&file, changes, reached, seed);
    }
    forget(layer);
    sorted.seen
}

/// Begins the log anew: everything is durable now.
pub(crate) fn forget(layer: &Layer) {
    for entry in fs::read_dir(&layer.log).expect("it lists") {
        fs::remove_file(entry.expect("it lists").path()).expect("it can be removed");
    }
}

fn undo_file(file: &File, changes: &[(Record, State)], reached: Reached, seed: &mut Seed) {
    let Some(first) = changes.iter().position(|(_, state)| *state != State::Durable) else { return };
    for (change, _) in changes[first..].iter().rev() {
        if !change.old.is_empty() {
            file.write_all_at(&change.old, change.offset).expect("it can be written");
        }
        file.set_len(change.size).expect("it can be cut");
    }
    for (change, state) in &changes[first..] {
        let stays = *state == State::Durable || (reached == Reached::Some && seed.one_in(2));
        match change.kind {
            _ if !stays => {}
            'T' => file.set_len(change.offset).expect("it can be cut"),
            _ if *state == State::Durable => redo(file, change, change.new.len()),
            _ => redo(file, change, torn(change.new.len(), seed)),
        }
    }
}

fn redo(file: &File, change: &Record, length: usize) {
    file.write_all_at(&change.new[..length], change.offset).expect("it can be written");
}

/// How much of a write had reached the disk: mostly all of it, else some sectors.
fn torn(length: usize, seed: &mut Seed) -> usize {
    if seed.one_in(4) { (length / SECTOR).min(seed.index(8)) * SECTOR } else { length }
}

fn undo_names(names: &[(Record, State)], log: &Path, reached: Reached, seed: &mut Seed) {
    let waiting: Vec<usize> = names
        .iter()
        .enumerate()
        .filter(|(_, (_, state))| *state != State::Durable)
        .map(|(at, _)| at)
        .collect();
    let kept = if reached == Reached::Some { seed.index(waiting.len() + 1) } else { 0 };
    let undone: BTreeSet<usize> = waiting.into_iter().skip(kept).collect();
    for at in undone.into_iter().rev() {
        let name = &names[at].0;
        let path = PathBuf::from(text(&name.old));
        let put_back = |ino: u64, path: &Path| {
            drop(fs::remove_file(path));
            fs::hard_link(log.join(format!("ino-{ino}")), path).expect("the layer keeps every file");
        };
        match name.kind {
            'C' => drop(fs::remove_file(path)),
            'U' => put_back(name.ino, &path),
            _ => {
                let to = PathBuf::from(text(&name.new));
                drop(fs::remove_file(&to));
                put_back(name.ino, &path);
                if name.offset != 0 {
                    put_back(name.offset, &to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of changes: w(offset,bytes), s sync, x failed sync; and the file after nothing else reached it.
    fn check(changes: &[(char, u64, &str)], expected: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).expect("it is made");
        let mut records = Vec::new();
        for (kind, offset, bytes) in changes {
            let size = file.metadata().expect("it is there").len();
            let mut record =
                Record { kind: *kind, ino: 1, offset: *offset, size, old: Vec::new(), new: Vec::new() };
            if *kind == 'W' {
                record.new = bytes.as_bytes().to_vec();
                let end = size.min(*offset + bytes.len() as u64);
                record.old = vec![0; usize::try_from(end.saturating_sub(*offset)).expect("it is small")];
                file.read_exact_at(&mut record.old, *offset).expect("it can be read");
                file.write_all_at(&record.new, *offset).expect("it can be written");
            }
            records.push(record);
        }
        let sorted = sort(records);
        undo_file(&file, &sorted.files[&1], Reached::Nothing, &mut Seed::new(1));
        assert_eq!(fs::read_to_string(&path).expect("it is text"), expected, "{changes:?}");
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_is_taken_back() {
        check(&[('W', 0, "abcd"), ('S', 0, ""), ('W', 2, "XY"), ('W', 4, "Z")], "abcd");
        check(&[('W', 0, "abcd"), ('W', 1, "B")], "");
        check(&[('W', 0, "abcd"), ('W', 1, "B"), ('S', 0, "")], "aBcd");
    }

    #[test]
    fn what_a_sync_failed_to_write_is_gone_and_later_writes_stay() {
        check(&[('W', 0, "abcd"), ('X', 0, ""), ('S', 0, "")], "");
        check(
            &[('W', 0, "ab"), ('S', 0, ""), ('W', 2, "cd"), ('X', 0, ""), ('W', 2, "CD"), ('S', 0, "")],
            "abCD",
        );
    }
}
