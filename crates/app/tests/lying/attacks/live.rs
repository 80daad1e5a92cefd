//! Lies about a live entry: swapped, replayed, moved, reordered, cut.

use satchel_wire::{CommitHeader, Head, ServerFrame};

use super::{Told, entry, flip, flip_header, flip_signature, server, server_many};
use crate::harness::{Attack, Ends, Scene};
use crate::proxy::{Lie, Memory};

const FORGED: Ends = Ends::Alarm("forged");
const DAMAGED: Ends = Ends::Alarm("damaged");

fn row(kind: &'static str, name: &'static str, ends: Ends, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, Scene::Live, ends, lie)
}

/// The envelopes of an older entry of a workspace, the newest first.
fn older(memory: &Memory, told: &Told, is_of_same: bool) -> Option<Vec<Vec<u8>>> {
    let record = |header: &satchel_wire::SignedHeader| super::members::first_op(header).map(|op| op.record);
    let own = record(&told.header);
    let older = memory.entries(memory.shop).into_iter().rev().filter(|(seq, ..)| *seq < told.seq);
    older.filter(|(_, header, _)| (record(header) == own) == is_of_same).map(|(.., bytes)| bytes).next()
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut rows = swapped();
    rows.extend(moved());
    rows.extend(reordered());
    rows
}

fn swapped() -> Vec<Attack> {
    vec![
        row("swap", "one bit of an envelope", DAMAGED, || {
            entry(|_, told| told.envelopes.iter_mut().for_each(|envelope| flip(envelope)))
        }),
        row("swap", "one bit of a header", FORGED, || entry(|_, told| flip_header(&mut told.header))),
        row("swap", "one bit of a signature", FORGED, || entry(|_, told| flip_signature(&mut told.header))),
        row("swap", "the signature of another entry", FORGED, || {
            entry(|memory, told| {
                if let Some((_, other, _)) = memory.entries(memory.shop).into_iter().next() {
                    told.header.signature = other.signature;
                }
            })
        }),
        row("drop", "an entry without its envelopes", DAMAGED, || entry(|_, told| told.envelopes.clear())),
        row("duplicate", "an envelope twice in one entry", DAMAGED, || {
            entry(|_, told| {
                let first = told.envelopes.first().cloned();
                told.envelopes.extend(first);
            })
        }),
        row("old suite", "a header of another version", FORGED, || {
            entry(|_, told| {
                let mut bytes = told.header.header.to_vec();
                bytes[0] = 2;
                told.header.header = bytes.into();
            })
        }),
        row("old suite", "an envelope of another suite", DAMAGED, || {
            entry(|_, told| told.envelopes.iter_mut().for_each(|envelope| envelope[0] = 0))
        }),
        row("old suite", "a header in another encoding of the same values", FORGED, || {
            entry(|_, told| {
                // An array of indefinite length in place of one of seven.
                let mut bytes = told.header.header.to_vec();
                assert_eq!(bytes[1], 0x87, "a header is an array of seven");
                bytes[1] = 0x9f;
                bytes.push(0xff);
                told.header.header = bytes.into();
            })
        }),
        row("mismatch", "a header under another signature of the same app", FORGED, || {
            entry(|memory, told| {
                let mut others = memory.entries(memory.shop).into_iter().rev();
                if let Some((_, other, _)) = others.find(|(seq, ..)| *seq < told.seq) {
                    told.header.header = other.header;
                }
            })
        }),
    ]
}

fn moved() -> Vec<Attack> {
    vec![
        row("moved", "an older envelope of the same record", DAMAGED, || {
            entry(|memory, told| {
                if let Some(older) = older(memory, told, true) {
                    told.envelopes = older;
                }
            })
        }),
        row("moved", "an envelope of another record", DAMAGED, || {
            entry(|memory, told| {
                if let Some(older) = older(memory, told, false) {
                    told.envelopes = older;
                }
            })
        }),
        row("moved", "an envelope of another workspace", DAMAGED, || {
            entry(|memory, told| {
                if let Some((.., bytes)) = memory.entries(memory.other).pop() {
                    told.envelopes = bytes;
                }
            })
        }),
        row("moved", "an envelope that says it is of another epoch", DAMAGED, || {
            entry(|_, told| told.envelopes.iter_mut().for_each(|envelope| envelope[4] ^= 3))
        }),
        row("moved", "an envelope that says it was made over another parent", DAMAGED, || {
            entry(|_, told| told.envelopes.iter_mut().for_each(|envelope| envelope[5] ^= 1))
        }),
        row("moved", "a whole entry of another workspace", FORGED, || {
            entry(|memory, told| {
                if let Some((_, header, bytes)) = memory.entries(memory.other).pop() {
                    (told.header, told.envelopes) = (header, bytes);
                }
            })
        }),
        row("moved", "an entry shown in another workspace", Ends::AlarmIn("Other", "forged"), || {
            server(|memory, frame| {
                if let ServerFrame::Entry { workspace, seq, .. } = frame
                    && *workspace == memory.shop
                {
                    (*workspace, *seq) = (memory.other, memory.head(memory.other).seq + 1);
                }
            })
        }),
    ]
}

fn reordered() -> Vec<Attack> {
    vec![
        row("replay", "an old entry at its own place", Ends::Harmless("it is known"), || {
            server_many(|memory, frame| {
                let old = memory.entries(memory.shop).into_iter().next();
                let old = old.filter(|_| matches!(frame, ServerFrame::Entry { .. }));
                let old = old.map(|(seq, header, envelopes)| Told { seq, header, envelopes }.frame(memory));
                old.into_iter().chain([frame]).collect()
            })
        }),
        row("replay", "an old entry at the next place", Ends::Alarm("forged"), || {
            entry(|memory, told| {
                if let Some((_, header, envelopes)) = memory.entries(memory.shop).into_iter().next() {
                    (told.header, told.envelopes) = (header, envelopes);
                }
            })
        }),
        row("duplicate", "every entry twice", Ends::Harmless("the second is known"), || {
            server_many(|_, frame| match &frame {
                ServerFrame::Entry { .. } => vec![frame.clone(), frame],
                _ => vec![frame],
            })
        }),
        row("drop", "an entry is left out", Ends::Harmless("the app sees the gap and asks for it"), || {
            let mut dropped = false;
            server_many(move |_, frame| match &frame {
                ServerFrame::Entry { .. } if !std::mem::replace(&mut dropped, true) => Vec::new(),
                _ => vec![frame],
            })
        }),
        row("drop", "no entry comes at all", Ends::Harmless("it comes as soon as it may"), || {
            server_many(|_, frame| match &frame {
                ServerFrame::Entry { .. } => Vec::new(),
                _ => vec![frame],
            })
        }),
        row(
            "reorder",
            "two entries change places",
            Ends::Harmless("the app asks for what lies between"),
            || {
                let mut held = None;
                server_many(move |_, frame| match (&frame, held.take()) {
                    (ServerFrame::Entry { .. }, None) => {
                        held = Some(frame);
                        Vec::new()
                    }
                    (_, first) => [frame].into_iter().chain(first).collect(),
                })
            },
        ),
        row(
            "gap",
            "an entry far ahead of its place",
            Ends::Harmless("the app asks for what lies between"),
            || entry(|_, told| told.seq += 1_000),
        ),
        row(
            "gap",
            "an entry at the last place there is",
            Ends::Harmless("the app asks what lies between"),
            || entry(|_, told| told.seq = u64::MAX),
        ),
        row("fork", "an entry whose author has seen another ledger", Ends::Alarm("forked"), || {
            // Signed by a member: only the history that it names is another one.
            entry(|memory, told| {
                let decoded = CommitHeader::decode(&told.header.header);
                let Ok(header) = decoded else { return };
                let mut seen = memory.before(memory.shop, told.seq);
                seen.chain = Head::EMPTY.chain;
                told.header = memory.mallory().sign(&CommitHeader { seen, ..header });
            })
        }),
        row("fork", "an entry whose author has seen what is not there yet", Ends::Alarm("forked"), || {
            entry(|memory, told| {
                let Ok(header) = CommitHeader::decode(&told.header.header) else { return };
                let seen = Head { seq: told.seq + 5, ..header.seen };
                told.header = memory.mallory().sign(&CommitHeader { seen, ..header });
            })
        }),
    ]
}
