//! Lies about an app's own commits.

use satchel_wire::{
    ClientFrame, CommitHeader, CommitId, ErrorCode, Head, Refusal, Revision, ServerFrame, StaleRecord,
};

use super::{pass, server, server_many};
use crate::harness::{Attack, Ends, Scene};
use crate::proxy::{Lie, Memory, Said, Say};

fn row(kind: &'static str, name: &'static str, ends: Ends, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, Scene::Own, ends, lie)
}

/// Answers a commit of `Shop` in the server's place; the server never sees it.
fn answer_commit(make: fn(&Memory, &CommitHeader) -> ServerFrame) -> Lie {
    Box::new(move |memory, said| match &said {
        Said::App(ClientFrame::Commit { header, .. }) => match CommitHeader::decode(&header.header) {
            Ok(header) if header.workspace == memory.shop => vec![Say::ToApp(make(memory, &header))],
            _ => pass(said),
        },
        _ => pass(said),
    })
}

/// Changes each confirmation of `Shop`.
fn accepted(change: fn(&Memory, &mut CommitId, &mut u64)) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Accepted { workspace, commit, seq } = frame
            && *workspace == memory.shop
        {
            change(memory, commit, seq);
        }
    })
}

fn refuse(code: ErrorCode) -> Lie {
    Box::new(move |memory, said| match &said {
        Said::App(ClientFrame::Commit { header, .. }) => match CommitHeader::decode(&header.header) {
            Ok(header) if header.workspace == memory.shop => {
                let (workspace, commit) = (header.workspace, Some(header.commit));
                let refusal = Refusal::new(code, "");
                vec![Say::ToApp(ServerFrame::Rejected { workspace, commit, refusal })]
            }
            _ => pass(said),
        },
        _ => pass(said),
    })
}

fn stale(memory: &Memory, header: &CommitHeader, head: Head, revision: Option<Revision>) -> ServerFrame {
    let satchel_wire::Content::Ops { ops, .. } = &header.content else { unreachable!("Ben changes an item") };
    let records = ops.iter().map(|op| StaleRecord {
        record: op.record,
        part: op.part,
        revision: revision.or(op.parent),
    });
    let (workspace, commit) = (memory.shop, header.commit);
    ServerFrame::Stale { workspace, commit, head, records: records.collect() }
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut rows = confirmations();
    rows.extend(refusals());
    rows
}

fn confirmations() -> Vec<Attack> {
    vec![
        Attack::new(
            "wrong acknowledgement",
            "a commit is confirmed that the server never took",
            Scene::OwnThenHonest,
            Ends::Alarm("rolled_back"),
            || {
                answer_commit(|memory, header| ServerFrame::Accepted {
                    workspace: memory.shop,
                    commit: header.commit,
                    seq: memory.head(memory.shop).seq + 1,
                })
            },
        )
        .cured_by_restore(),
        row(
            "wrong acknowledgement",
            "a place further on",
            Ends::Harmless("the app looks what lies between"),
            || accepted(|_, _, seq| *seq += 5),
        ),
        row("wrong acknowledgement", "a place before", Ends::Harmless("it is asked for again"), || {
            accepted(|_, _, seq| *seq -= 1)
        }),
        row("wrong acknowledgement", "the last place there is", Ends::Harmless("it is looked for"), || {
            accepted(|_, _, seq| *seq = u64::MAX)
        }),
        row("wrong acknowledgement", "another commit", Ends::Harmless("the ledger tells"), || {
            accepted(|_, commit, _| *commit = CommitId::new([1; 16]))
        }),
        row("wrong acknowledgement", "in another workspace", Ends::Harmless("the ledger tells"), || {
            server(|memory, frame| {
                if let ServerFrame::Accepted { workspace, .. } = frame {
                    *workspace = memory.other;
                }
            })
        }),
        row(
            "drop",
            "no confirmation comes",
            Ends::Harmless("the same bytes are sent again, and count once"),
            || {
                server_many(|_, frame| match &frame {
                    ServerFrame::Accepted { .. } => Vec::new(),
                    _ => vec![frame],
                })
            },
        ),
        row("duplicate", "a confirmation twice", Ends::Harmless("the second is known"), || {
            server_many(|_, frame| match &frame {
                ServerFrame::Accepted { .. } => vec![frame.clone(), frame],
                _ => vec![frame],
            })
        }),
        row("replay", "a commit is given to the server twice", Ends::Harmless("it counts once"), || {
            Box::new(|_, said| match said {
                Said::App(frame @ ClientFrame::Commit { .. }) => {
                    vec![Say::ToServer(frame.clone()), Say::ToServer(frame)]
                }
                other => pass(other),
            })
        }),
        row("swap", "a commit comes back as another member's entry", Ends::Alarm("forged"), || {
            server(|memory, frame| {
                let ServerFrame::Accepted { workspace, seq, .. } = frame else { return };
                let old = memory.entries(memory.shop).into_iter().rev().find(|(at, ..)| *at < *seq);
                if let Some((_, header, envelopes)) = old {
                    let envelopes = envelopes.into_iter().map(Into::into).collect();
                    *frame = ServerFrame::Entry { workspace: *workspace, seq: *seq, header, envelopes };
                }
            })
        }),
    ]
}

fn refusals() -> Vec<Attack> {
    vec![
        row("stale lie", "a commit over the newest revision is called stale", Ends::Alarm("forked"), || {
            answer_commit(|memory, header| stale(memory, header, memory.head(memory.shop), None))
        }),
        row(
            "stale lie",
            "a revision that never was",
            Ends::Harmless("it is tried again, more slowly"),
            || {
                answer_commit(|memory, header| {
                    stale(memory, header, memory.head(memory.shop), Some(Revision::new([1; 32])))
                })
            },
        ),
        row("stale lie", "a head that is not there", Ends::Harmless("the feed tells where it ends"), || {
            answer_commit(|memory, header| {
                let head = Head { seq: memory.head(memory.shop).seq + 9, chain: Head::EMPTY.chain };
                stale(memory, header, head, None)
            })
        }),
        row("false refusal", "a good signature is called bad", Ends::Aside("refused"), || {
            refuse(ErrorCode::BadSignature)
        }),
        row("false refusal", "a new commit is called a used one", Ends::Aside("refused"), || {
            refuse(ErrorCode::CommitIdReused)
        }),
        row("false refusal", "a small change is called too large", Ends::Aside("refused"), || {
            refuse(ErrorCode::TooLarge)
        }),
        row("false refusal", "the present epoch is called an old one", Ends::Aside("refused"), || {
            refuse(ErrorCode::EpochOld)
        }),
        row("false refusal", "an editor is called a viewer", Ends::Aside("refused"), || {
            refuse(ErrorCode::RoleTooLow)
        }),
        row("false refusal", "no room for a change", Ends::Harmless("it waits and is sent again"), || {
            refuse(ErrorCode::Quota)
        }),
        row("false refusal", "a member is told that there is no workspace", Ends::Alarm("gone"), || {
            refuse(ErrorCode::NotFound)
        }),
    ]
}
