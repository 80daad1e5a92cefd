//! The ledger as a snapshot sends it: runs of headers and of links, each of the size of one frame.
//!
//! Both stores hand their entries over one by one, in order; what is cut where is decided here, once.

use satchel_wire::limits::HEADERS_PAGE_BYTES;
use satchel_wire::{Bytes32, SignedHeader};

use super::SnapshotPart;

/// What a link costs in a frame.
const LINK_BYTES: usize = 34;

/// What is kept of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it.
    Header(SignedHeader),
    /// The hash of its header.
    Link([u8; 32]),
}

/// What waits to be sent.
enum Run {
    Headers(Vec<SignedHeader>),
    Links(Vec<Bytes32>),
}

/// Gathers entries into parts of a snapshot.
pub(super) struct Runs<'a> {
    sink: &'a mut dyn FnMut(SnapshotPart) -> bool,
    first_seq: u64,
    run: Run,
    bytes: usize,
}

impl<'a> Runs<'a> {
    /// Begins with the entry after `after`.
    pub(super) fn new(after: u64, sink: &'a mut dyn FnMut(SnapshotPart) -> bool) -> Self {
        Self { sink, first_seq: after + 1, run: Run::Headers(Vec::new()), bytes: 0 }
    }

    /// Takes the next entry; false if the receiver is gone.
    pub(super) fn push(&mut self, entry: Kept) -> bool {
        let (size, is_other) = match (&entry, &self.run) {
            (Kept::Header(header), run) => (header.header.len() + 72, matches!(run, Run::Links(_))),
            (Kept::Link(_), run) => (LINK_BYTES, matches!(run, Run::Headers(_))),
        };
        if (is_other || self.bytes + size > HEADERS_PAGE_BYTES) && !self.flush() {
            return false;
        }
        self.bytes += size;
        match (entry, &mut self.run) {
            (Kept::Header(header), Run::Headers(run)) => run.push(header),
            (Kept::Link(link), Run::Links(run)) => run.push(Bytes32::new(link)),
            (Kept::Header(header), run @ Run::Links(_)) => *run = Run::Headers(vec![header]),
            (Kept::Link(link), run @ Run::Headers(_)) => *run = Run::Links(vec![Bytes32::new(link)]),
        }
        true
    }

    /// Sends what waits; false if the receiver is gone.
    pub(super) fn flush(&mut self) -> bool {
        self.bytes = 0;
        let first_seq = self.first_seq;
        let part = match &mut self.run {
            Run::Headers(run) if !run.is_empty() => {
                SnapshotPart::Headers { first_seq, headers: std::mem::take(run) }
            }
            Run::Links(run) if !run.is_empty() => {
                SnapshotPart::Links { first_seq, links: std::mem::take(run) }
            }
            _ => return true,
        };
        self.first_seq += match &part {
            SnapshotPart::Headers { headers, .. } => headers.len() as u64,
            SnapshotPart::Links { links, .. } => links.len() as u64,
            _ => 0,
        };
        (self.sink)(part)
    }
}
