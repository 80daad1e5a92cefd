//! Lies while an app catches up: headers, pages, the end of the feed, the list of workspaces, refusals, and bytes
//! that are no frames.

use satchel_wire::{
    Digest, ErrorCode, Head, Incarnation, Opened, Refusal, ServerFrame, WorkspaceEntry, WorkspaceId,
};

use super::{flip, flip_header, flip_signature, pass, server, server_many};
use crate::harness::{Attack, Ends, Scene};
use crate::proxy::{Lie, Memory, Said, Say};

const FORGED: Ends = Ends::Alarm("forged");
const FORKED: Ends = Ends::Alarm("forked");
const DAMAGED: Ends = Ends::Alarm("damaged");
const ROLLED_BACK: Ends = Ends::Alarm("rolled_back");

fn row(kind: &'static str, name: &'static str, ends: Ends, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, Scene::CatchUp, ends, lie)
}

/// Changes the headers of `Shop`'s feed.
fn headers(mut change: impl FnMut(&Memory, &mut Vec<satchel_wire::SignedHeader>) + Send + 'static) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Headers { workspace, headers, .. } = frame
            && *workspace == memory.shop
        {
            change(memory, headers);
        }
    })
}

/// Changes the pages of `Shop`'s feed.
fn page(mut change: impl FnMut(&Memory, &mut Vec<satchel_wire::StoredEnvelope>) + Send + 'static) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Page { workspace, envelopes } = frame
            && *workspace == memory.shop
        {
            change(memory, envelopes);
        }
    })
}

/// Changes the end of `Shop`'s feed.
fn caught_up(change: fn(&mut Head, &mut Digest)) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::CaughtUp { workspace, head, digest } = frame
            && *workspace == memory.shop
        {
            change(head, digest);
        }
    })
}

/// Changes the list of workspaces.
fn opened(change: fn(&Memory, &mut Opened)) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Opened(opened) = frame {
            change(memory, opened);
        }
    })
}

/// Answers every request for `Shop`'s feed with a refusal.
fn refuse_feed(code: ErrorCode) -> Lie {
    Box::new(move |memory, said| match said {
        Said::App(satchel_wire::ClientFrame::Subscribe { workspace, cursor, .. })
            if workspace == memory.shop && cursor != Head::EMPTY =>
        {
            vec![Say::ToApp(ServerFrame::Rejected {
                workspace,
                commit: None,
                refusal: Refusal::new(code, ""),
            })]
        }
        other => pass(other),
    })
}

/// Says this in place of the end of `Shop`'s feed.
fn instead(make: fn(&Memory) -> ServerFrame) -> Lie {
    server(move |memory, frame| {
        if matches!(frame, ServerFrame::CaughtUp { workspace, .. } if *workspace == memory.shop) {
            *frame = make(memory);
        }
    })
}

/// Refuses the whole connection.
fn refuse_all(code: ErrorCode) -> Lie {
    server(move |_, frame| {
        if matches!(frame, ServerFrame::Opened(_)) {
            *frame = ServerFrame::Refused(Refusal::new(code, ""));
        }
    })
}

/// Sends these bytes in place of the list of workspaces.
fn bytes(make: fn(Vec<u8>) -> Vec<u8>) -> Lie {
    Box::new(move |_, said| match said {
        Said::Server(frame @ ServerFrame::Opened(_)) => {
            vec![Say::Bytes(make(satchel_wire::encode(&frame)))]
        }
        other => pass(other),
    })
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut rows = headers_and_pages();
    rows.extend(ends());
    rows.extend(lists());
    rows.extend(refusals());
    rows.extend(limits());
    rows.extend(servers());
    rows
}

fn headers_and_pages() -> Vec<Attack> {
    vec![
        row("drop", "the first header of a catch-up", FORKED, || {
            headers(|_, headers| drop(headers.remove(0)))
        }),
        row("drop", "the last header of a catch-up", DAMAGED, || headers(|_, headers| drop(headers.pop()))),
        row("reorder", "two headers of a catch-up", FORKED, || headers(|_, headers| headers.swap(0, 1))),
        row("duplicate", "a header of a catch-up", FORGED, || {
            headers(|_, headers| headers.insert(0, headers[0].clone()))
        }),
        row("swap", "one bit of a header in a catch-up", FORGED, || {
            headers(|_, headers| flip_header(&mut headers[0]))
        }),
        row("swap", "one bit of a signature in a catch-up", FORGED, || {
            headers(|_, headers| flip_signature(&mut headers[0]))
        }),
        row("gap", "the headers of a catch-up, one place further on", FORGED, || {
            server(|memory, frame| {
                if let ServerFrame::Headers { workspace, first_seq, .. } = frame
                    && *workspace == memory.shop
                {
                    *first_seq += 1;
                }
            })
        }),
        row("gap", "the headers of a catch-up at the last place there is", FORGED, || {
            server(|memory, frame| {
                if let ServerFrame::Headers { workspace, first_seq, .. } = frame
                    && *workspace == memory.shop
                {
                    *first_seq = u64::MAX;
                }
            })
        }),
        row("moved", "the headers of another workspace", FORGED, || {
            headers(|memory, headers| {
                let others = memory.entries(memory.other);
                *headers = others.into_iter().map(|(_, header, _)| header).collect();
            })
        }),
        row("drop", "an envelope of a catch-up", DAMAGED, || page(|_, page| drop(page.pop()))),
        row("swap", "one bit of an envelope in a catch-up", DAMAGED, || {
            page(|_, page| {
                let mut bytes = page[0].envelope.to_vec();
                flip(&mut bytes);
                page[0].envelope = bytes.into();
            })
        }),
        row("moved", "two envelopes of a catch-up change places", DAMAGED, || {
            page(|_, page| {
                let first = page[0].envelope.clone();
                page[0].envelope = page[1].envelope.clone();
                page[1].envelope = first;
            })
        }),
        row("moved", "an envelope of a catch-up under the other part of its record", DAMAGED, || {
            page(|_, page| {
                page[0].part = match page[0].part {
                    satchel_wire::Part::Node => satchel_wire::Part::Body,
                    satchel_wire::Part::Body => satchel_wire::Part::Node,
                };
            })
        }),
        row("replay", "an older envelope in a catch-up", DAMAGED, || {
            page(|memory, page| {
                let older = memory.entries(memory.shop).into_iter().find(|(_, header, _)| {
                    let op = super::members::first_op(header);
                    op.is_some_and(|op| op.record == page[0].record && op.part == page[0].part)
                });
                if let Some((.., envelopes)) = older {
                    page[0].envelope = envelopes[0].clone().into();
                }
            })
        }),
        row("swap", "an envelope of a catch-up under another entry", DAMAGED, || {
            page(|_, page| page[0].seq -= 1)
        }),
        row("duplicate", "every page twice", Ends::Harmless("the second says the same"), || {
            server_many(|_, frame| match &frame {
                ServerFrame::Page { .. } => vec![frame.clone(), frame],
                _ => vec![frame],
            })
        }),
        row("reorder", "pages before the headers that name them", DAMAGED, || {
            let mut held = None;
            server_many(move |memory, frame| match &frame {
                ServerFrame::Headers { workspace, .. } if *workspace == memory.shop => {
                    held = Some(frame);
                    Vec::new()
                }
                ServerFrame::Page { .. } => [frame].into_iter().chain(held.take()).collect(),
                _ => held.take().into_iter().chain([frame]).collect(),
            })
        }),
    ]
}

fn ends() -> Vec<Attack> {
    vec![
        row("wrong digest", "the end of a catch-up with another digest", DAMAGED, || {
            caught_up(|_, digest| *digest = Digest::new([1; 32]))
        }),
        row("wrong digest", "the end of a catch-up with no digest at all", DAMAGED, || {
            caught_up(|_, digest| *digest = Digest::new([0; 32]))
        }),
        row("fork", "the end of a catch-up with another chain", FORKED, || {
            caught_up(|head, _| head.chain = Head::EMPTY.chain)
        }),
        row("truncated", "the end of a catch-up before its last entry", FORKED, || {
            caught_up(|head, _| head.seq -= 1)
        }),
        row("gap", "the end of a catch-up behind its last entry", FORKED, || {
            caught_up(|head, _| head.seq += 1)
        }),
        row(
            "drop",
            "the end of a catch-up never comes",
            Ends::Harmless("nothing is shown before it"),
            || {
                server_many(|memory, frame| match &frame {
                    ServerFrame::CaughtUp { workspace, .. } if *workspace == memory.shop => Vec::new(),
                    _ => vec![frame],
                })
            },
        ),
        row("drop", "nothing but the end of a catch-up", FORKED, || {
            server_many(|memory, frame| match &frame {
                ServerFrame::Headers { workspace, .. } | ServerFrame::Page { workspace, .. }
                    if *workspace == memory.shop =>
                {
                    Vec::new()
                }
                _ => vec![frame],
            })
        }),
        row("truncated", "everything new is withheld, and nothing contradicts it", withheld(), || {
            Box::new(move |memory, said| match said {
                Said::App(satchel_wire::ClientFrame::Subscribe { workspace, .. })
                    if workspace == memory.shop =>
                {
                    Vec::new()
                }
                Said::Server(ServerFrame::Opened(mut opened)) => {
                    // Ada's three changes are not there yet.
                    let newest = memory.entries(memory.shop).last().map_or(3, |(seq, ..)| *seq);
                    let point = memory.before(memory.shop, newest - 2);
                    for entry in opened.workspaces.iter_mut().filter(|entry| entry.workspace == memory.shop) {
                        entry.head = point;
                    }
                    vec![Say::ToApp(ServerFrame::Opened(opened))]
                }
                other => pass(other),
            })
        }),
    ]
}

fn withheld() -> Ends {
    Ends::Harmless("the app is as old as what it was shown, and does not say that it is in sync")
}

fn lists() -> Vec<Attack> {
    vec![
        row("roll back", "a list with an earlier head", ROLLED_BACK, || {
            opened(|memory, opened| {
                for entry in opened.workspaces.iter_mut().filter(|entry| entry.workspace == memory.shop) {
                    entry.head = Head { seq: 2, ..entry.head };
                }
            })
        }),
        row("roll back", "a list with an empty ledger", ROLLED_BACK, || {
            opened(|memory, opened| {
                for entry in opened.workspaces.iter_mut().filter(|entry| entry.workspace == memory.shop) {
                    entry.head = Head::EMPTY;
                }
            })
        }),
        row("drop", "a list without the workspace", Ends::Alarm("gone"), || {
            opened(|memory, opened| opened.workspaces.retain(|entry| entry.workspace != memory.shop))
        }),
        row("gap", "a list with a head far ahead", Ends::Harmless("the feed tells where it ends"), || {
            opened(|memory, opened| {
                for entry in opened.workspaces.iter_mut().filter(|entry| entry.workspace == memory.shop) {
                    entry.head.seq += 1_000_000;
                }
            })
        }),
        row(
            "duplicate",
            "a list with the workspace twice",
            Ends::Harmless("the second feed is known"),
            || {
                opened(|memory, opened| {
                    let again: Vec<_> = opened
                        .workspaces
                        .iter()
                        .filter(|entry| entry.workspace == memory.shop)
                        .cloned()
                        .collect();
                    opened.workspaces.extend(again);
                })
            },
        ),
        row(
            "wrong server",
            "another life of the server in its greeting",
            Ends::Link("session_ended"),
            || {
                server(|_, frame| {
                    if let ServerFrame::Welcome(welcome) = frame {
                        welcome.incarnation = Incarnation::new([3; 16]);
                    }
                })
            },
        ),
        row("limits", "a list of far too many workspaces", Ends::Link("not_satchel"), || {
            opened(|_, opened| {
                opened.workspaces.extend((0_u64..20_000).map(|number| {
                    let mut id = [0xee; 16];
                    id[..8].copy_from_slice(&number.to_be_bytes());
                    WorkspaceEntry { workspace: WorkspaceId::new(id), head: Head::EMPTY }
                }));
            })
        }),
    ]
}

fn refusals() -> Vec<Attack> {
    vec![
        row("false refusal", "the cursor is called unknown", ROLLED_BACK, || {
            refuse_feed(ErrorCode::CursorUnknown)
        }),
        row(
            "false refusal",
            "the cursor is called too old",
            Ends::Harmless("the whole ledger is read and compared"),
            || {
                let mut done = false;
                let mut refuse = refuse_feed(ErrorCode::CursorTooOld);
                Box::new(move |memory, said| {
                    if done {
                        return pass(said);
                    }
                    let says = refuse(memory, said);
                    done = says.iter().any(|say| {
                        matches!(say, Say::ToApp(ServerFrame::Rejected { refusal, .. })
                            if refusal.code == ErrorCode::CursorTooOld)
                    });
                    says
                })
            },
        ),
        row("false refusal", "the workspace is called unknown", Ends::Alarm("gone"), || {
            refuse_feed(ErrorCode::NotFound)
        }),
        row("false refusal", "the workspace is said to be deleted", Ends::Alarm("gone"), || {
            instead(|memory| ServerFrame::WorkspaceRemoved { workspace: memory.shop })
        }),
        row("false refusal", "another app has taken the place", Ends::Link("evicted"), || {
            refuse_all(ErrorCode::Evicted)
        }),
        row("false refusal", "the session is said to be ended", Ends::Link("session_ended"), || {
            refuse_all(ErrorCode::SessionEnded)
        }),
        row("false refusal", "all places are said to be in use", Ends::Link("app_limit"), || {
            refuse_all(ErrorCode::AppLimit)
        }),
        row("false refusal", "the app is called too old", Ends::Link("version"), || {
            refuse_all(ErrorCode::UnsupportedVersion)
        }),
        row("false refusal", "the account's room is said to be used up", Ends::Link("quota"), || {
            refuse_all(ErrorCode::Quota)
        }),
        row("old suite", "only a protocol that no app speaks", Ends::Link("version"), || {
            server(|_, frame| {
                if let ServerFrame::Welcome(welcome) = frame {
                    (welcome.protocol_min, welcome.protocol_max) = (90, 99);
                }
            })
        }),
        row("replay", "an old greeting", Ends::Link("session_ended"), || {
            server(|memory, frame| {
                let old = memory.server.iter().find(|frame| matches!(frame, ServerFrame::Welcome(_)));
                if let (ServerFrame::Welcome(_), Some(old)) = (&*frame, old) {
                    *frame = old.clone();
                }
            })
        }),
    ]
}

fn limits() -> Vec<Attack> {
    vec![
        row("limits", "bytes that are no frame", Ends::Link("not_satchel"), || bytes(|_| b"hello".to_vec())),
        row("limits", "a frame with bytes after its end", Ends::Link("not_satchel"), || {
            bytes(|frame| [frame, vec![0]].concat())
        }),
        row("limits", "a frame that is cut off", Ends::Link("not_satchel"), || {
            bytes(|frame| frame[..frame.len() / 2].to_vec())
        }),
        row("limits", "a frame that names a number that is none", Ends::Link("not_satchel"), || {
            bytes(|_| vec![0x82, 0x18, 0xfe, 0x80])
        }),
        row("limits", "a list that says it has 2^60 elements", Ends::Link("not_satchel"), || {
            bytes(|_| {
                // Opened([[ array of 2^60 …
                [vec![0x82, 0x01, 0x81, 0x81, 0x9b], (1_u64 << 60).to_be_bytes().to_vec()].concat()
            })
        }),
        row("limits", "arrays in arrays, ten thousand deep", Ends::Link("not_satchel"), || {
            bytes(|_| vec![0x81; 10_000])
        }),
        row("limits", "a frame over the limit", Ends::Link("disconnected"), || {
            bytes(|_| vec![0; satchel_wire::limits::FRAME_BYTES_MAX + 1])
        }),
    ]
}

fn servers() -> Vec<Attack> {
    let nothing: fn() -> Lie = || Box::new(|_, said| pass(said));
    vec![
        Attack::new(
            "fork",
            "two apps are shown two futures, and one is led back",
            Scene::Fork,
            ROLLED_BACK,
            nothing,
        )
        .cured_by_restore(),
        Attack::new("fork", "an entry of the one future is shown in the other", Scene::Mixed, FORKED, || {
            Box::new(|memory, said| {
                let entry = memory.entries(memory.shop).into_iter().last();
                let (Said::App(satchel_wire::ClientFrame::Commit { .. }), Some((seq, header, envelopes))) =
                    (&said, entry)
                else {
                    return pass(said);
                };
                let told = super::Told { seq, header, envelopes }.frame(memory);
                [Say::ToApp(told)].into_iter().chain(pass(said)).collect()
            })
        })
        .cured_by_restore(),
        Attack::new(
            "roll back",
            "the server goes back to an earlier state",
            Scene::RollBack,
            ROLLED_BACK,
            nothing,
        )
        .cured_by_restore(),
        Attack::new(
            "roll back",
            "the server goes back and calls itself restored",
            Scene::Restore,
            Ends::Harmless("apps bring back what it lacks, and say so"),
            nothing,
        ),
    ]
}
