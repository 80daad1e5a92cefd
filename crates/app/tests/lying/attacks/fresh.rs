//! Lies to a new app: the whole ledger, manifests, packs, past headers, and ledgers of which not every header is kept.

use satchel_wire::{
    Bytes32, CharterOp, ClientFrame, CommitHeader, Content, Digest, ErrorCode, Head, Manifest, Refusal,
    ServerFrame, SignedHeader, SignedManifest, WorkspaceEntry,
};

use super::{flip, flip_header, flip_signature, pass, server, server_many};
use crate::harness::{Attack, Ends, Scene};
use crate::proxy::{Lie, Memory, Said, Say};

const FORGED: Ends = Ends::Alarm("forged");
const FORKED: Ends = Ends::Alarm("forked");
const DAMAGED: Ends = Ends::Alarm("damaged");
/// The alarm is told, and the app begins anew with the ledger in place of the packs.
const LEDGER: Ends = Ends::Harmless("the packs are not used, and the ledger itself is read");

fn row(kind: &'static str, name: &'static str, ends: Ends, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, Scene::Fresh, ends, lie)
}

/// Changes the headers of `Shop`'s feed that are of the charter.
fn charter(mut change: impl FnMut(&Memory, &CharterOp, &mut SignedHeader) + Send + 'static) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Headers { workspace, headers, .. } = frame
            && *workspace == memory.shop
        {
            for signed in headers {
                if let Ok(CommitHeader { content: Content::Charter(op), .. }) =
                    CommitHeader::decode(&signed.header)
                {
                    change(memory, &op, signed);
                }
            }
        }
    })
}

/// The header with another charter entry, under the same signature.
fn with_op(signed: &mut SignedHeader, change: impl FnOnce(&mut CharterOp)) {
    let mut header = CommitHeader::decode(&signed.header).expect("it was decoded");
    if let Content::Charter(op) = &mut header.content {
        change(op);
    }
    signed.header = header.encode().into();
}

fn is_member(signed: &SignedHeader) -> bool {
    let header = CommitHeader::decode(&signed.header);
    header.is_ok_and(|header| matches!(header.content, Content::Charter(CharterOp::AddMember(_))))
}

/// The workspaces whose whole ledger the memory holds, by its frames.
fn headers_of(memory: &Memory, of: satchel_wire::WorkspaceId) -> Option<Vec<SignedHeader>> {
    memory.server.iter().find_map(|frame| match frame {
        ServerFrame::Headers { workspace, first_seq: 1, headers } if *workspace == of => {
            Some(headers.clone())
        }
        _ => None,
    })
}

/// A new app reads the whole ledger of a small workspace.
pub(super) fn attacks() -> Vec<Attack> {
    vec![
        row("substituted wraps", "the founding with another key wrapped for the founder", FORGED, || {
            charter(|_, op, signed| {
                if matches!(op, CharterOp::Found(_)) {
                    with_op(signed, |op| {
                        if let CharterOp::Found(founding) = op {
                            founding.wraps[0].wrap = vec![0; 80].into();
                        }
                    });
                }
            })
        }),
        row("forged member", "the founding with another founder's key", FORGED, || {
            charter(|memory, op, signed| {
                if matches!(op, CharterOp::Found(_)) {
                    let own = Bytes32::new(memory.mallory().identity.public().signing);
                    with_op(signed, |op| {
                        if let CharterOp::Found(founding) = op {
                            founding.signing_key = own;
                        }
                    });
                }
            })
        }),
        row("substituted keys", "a member's entry with another encryption key", FORGED, || {
            charter(|memory, op, signed| {
                if matches!(op, CharterOp::AddMember(_)) {
                    let own = Bytes32::new(memory.mallory().identity.public().sealing);
                    with_op(signed, |op| {
                        if let CharterOp::AddMember(added) = op {
                            added.sealing_key = own;
                        }
                    });
                }
            })
        }),
        row("substituted wraps", "a member's entry with another key wrapped", FORGED, || {
            charter(|_, op, signed| {
                if matches!(op, CharterOp::AddMember(_)) {
                    with_op(signed, |op| {
                        if let CharterOp::AddMember(added) = op {
                            added.wrap = vec![0; 80].into();
                        }
                    });
                }
            })
        }),
        row("forged role", "a member's entry with a higher role", FORGED, || {
            charter(|_, op, signed| {
                if matches!(op, CharterOp::AddMember(_)) {
                    with_op(signed, |op| {
                        if let CharterOp::AddMember(added) = op {
                            added.role = satchel_wire::Role::Admin;
                        }
                    });
                }
            })
        }),
        row("drop", "a ledger without one of its members' entries", FORKED, || {
            server(|memory, frame| {
                if let ServerFrame::Headers { workspace, headers, .. } = frame
                    && *workspace == memory.shop
                    && let Some(at) = headers.iter().position(is_member)
                {
                    headers.remove(at);
                }
            })
        }),
        row("moved", "the ledger of another workspace", FORGED, || {
            server(|memory, frame| {
                if let ServerFrame::Headers { workspace, headers, .. } = frame
                    && *workspace == memory.shop
                {
                    let others = memory.entries(memory.other);
                    *headers = others.into_iter().map(|(_, header, _)| header).collect();
                }
            })
        }),
        row("truncated", "a ledger without its last entries", DAMAGED, || {
            server(|memory, frame| {
                if let ServerFrame::Headers { workspace, headers, .. } = frame
                    && *workspace == memory.shop
                {
                    headers.truncate(headers.len() - 2);
                }
            })
        }),
        row("roll back", "an empty ledger in the list and in the feed", FORGED, || {
            server_many(|memory, mut frame| {
                match &mut frame {
                    ServerFrame::Opened(opened) => {
                        for entry in
                            opened.workspaces.iter_mut().filter(|entry| entry.workspace == memory.shop)
                        {
                            entry.head = Head::EMPTY;
                        }
                    }
                    ServerFrame::Headers { workspace, .. } | ServerFrame::Page { workspace, .. }
                        if *workspace == memory.shop =>
                    {
                        return Vec::new();
                    }
                    ServerFrame::CaughtUp { workspace, head, digest } if *workspace == memory.shop => {
                        (*head, *digest) = (Head::EMPTY, Digest::new([0; 32]));
                    }
                    _ => {}
                }
                vec![frame]
            })
        }),
        row(
            "hidden",
            "a list without the workspace",
            Ends::Harmless("an app cannot miss what it never saw"),
            || {
                server(|memory, frame| {
                    if let ServerFrame::Opened(opened) = frame {
                        opened.workspaces.retain(|entry| entry.workspace != memory.shop);
                    }
                })
            },
        ),
        row(
            "mixed accounts",
            "a workspace of others is listed, and a feed comes for it",
            Ends::AlarmIn("a foreign one", "forged"),
            || {
                // Its feed is that of `Shop`: this account has no key there that fits the id.
                server_many(|memory, frame| {
                    let foreign = super::FOREIGN;
                    match frame {
                        ServerFrame::Opened(mut opened) => {
                            let head = memory.head(memory.shop);
                            opened.workspaces.push(WorkspaceEntry { workspace: foreign, head });
                            vec![ServerFrame::Opened(opened)]
                        }
                        ServerFrame::Headers { workspace, first_seq, headers }
                            if workspace == memory.shop =>
                        {
                            let again = headers.clone();
                            vec![
                                ServerFrame::Headers { workspace: foreign, first_seq, headers: again },
                                ServerFrame::Headers { workspace, first_seq, headers },
                            ]
                        }
                        ServerFrame::Rejected { workspace, .. } if workspace == foreign => Vec::new(),
                        frame => vec![frame],
                    }
                })
            },
        ),
    ]
}

/// Changes the manifest that a new app is shown.
fn manifest(
    mut change: impl FnMut(&Memory, &mut SignedManifest, &mut Vec<satchel_wire::CharterEntry>) + Send + 'static,
) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Manifest { workspace, manifest, charter } = frame
            && *workspace == memory.shop
        {
            change(memory, manifest, charter);
        }
    })
}

/// The manifest with other values, under the same signature.
fn with_values(signed: &mut SignedManifest, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::decode(&signed.manifest).expect("the server shows one");
    change(&mut manifest);
    signed.manifest = manifest.encode().into();
}

/// A manifest that Mallory, who may only read, has signed.
fn signed_by_mallory(memory: &Memory, signed: &mut SignedManifest, change: impl FnOnce(&mut Manifest)) {
    let me = memory.mallory();
    with_values(signed, |manifest| {
        (manifest.author, manifest.app) = (me.account, me.app);
        change(manifest);
    });
    signed.signature = satchel_wire::Signature::new(me.app_key.sign_manifest(&signed.manifest));
}

/// Changes the packs that come.
fn packs(mut change: impl FnMut(Vec<u8>) -> Vec<Vec<u8>> + Send + 'static) -> Lie {
    server_many(move |memory, frame| match frame {
        ServerFrame::Pack { workspace, pack } if workspace == memory.shop => change(pack.to_vec())
            .into_iter()
            .map(|pack| ServerFrame::Pack { workspace, pack: pack.into() })
            .collect(),
        frame => vec![frame],
    })
}

/// A new app begins with manifest and packs.
pub(super) fn packed() -> Vec<Attack> {
    let mut rows = manifests();
    rows.extend(pack_rows());
    rows
}

fn manifests() -> Vec<Attack> {
    vec![
        row("wrong manifest", "a manifest with one bit of its signature flipped", LEDGER, || {
            manifest(|_, manifest, _| {
                let mut bytes = *manifest.signature.as_bytes();
                flip(&mut bytes);
                manifest.signature = satchel_wire::Signature::new(bytes);
            })
        }),
        row("wrong manifest", "a manifest with fewer records", LEDGER, || {
            manifest(|_, signed, _| with_values(signed, |manifest| manifest.nodes -= 1))
        }),
        row("wrong manifest", "a manifest with another digest", LEDGER, || {
            manifest(|_, signed, _| with_values(signed, |manifest| manifest.digest = Digest::new([1; 32])))
        }),
        row("wrong manifest", "a manifest of another workspace", LEDGER, || {
            manifest(|memory, signed, _| {
                let other = memory.other;
                with_values(signed, |manifest| manifest.workspace = other);
            })
        }),
        row("wrong manifest", "a manifest signed by a viewer", LEDGER, || {
            manifest(|memory, signed, _| signed_by_mallory(memory, signed, |_| {}))
        }),
        row("wrong manifest", "a manifest without a pack, signed by a viewer", LEDGER, || {
            manifest(|memory, signed, _| {
                signed_by_mallory(memory, signed, |manifest| {
                    manifest.packs.truncate(manifest.packs.len() - 1);
                });
            })
        }),
        row("wrong manifest", "a manifest at another point of the ledger", LEDGER, || {
            manifest(|_, signed, _| with_values(signed, |manifest| manifest.head.seq += 1))
        }),
        row("wrong manifest", "a manifest that is cut off", LEDGER, || {
            manifest(|_, signed, _| {
                let bytes = signed.manifest.to_vec();
                signed.manifest = bytes[..bytes.len() / 2].to_vec().into();
            })
        }),
        row("truncated", "a manifest whose charter lacks an entry", LEDGER, || {
            manifest(|_, _, charter| drop(charter.remove(1)))
        }),
        row("reorder", "a manifest whose charter has two entries in another order", LEDGER, || {
            manifest(|_, _, charter| charter.swap(1, 2))
        }),
        row("forged member", "a manifest whose charter has one bit flipped", LEDGER, || {
            manifest(|_, _, charter| flip_header(&mut charter[1].header))
        }),
        row("forged member", "a manifest whose charter has an entry of a viewer", LEDGER, || {
            manifest(|memory, _, charter| {
                let me = memory.mallory();
                let op = CharterOp::SetRole { account: me.account, role: satchel_wire::Role::Admin };
                let header = me.header(memory.shop, Head::EMPTY, Content::Charter(op));
                charter[1].header = me.sign(&header);
            })
        }),
    ]
}

fn pack_rows() -> Vec<Attack> {
    vec![
        row("swap", "one bit of every pack", LEDGER, || {
            packs(|mut pack| {
                flip(&mut pack);
                vec![pack]
            })
        }),
        row("drop", "the first pack", LEDGER, || {
            let mut dropped = false;
            packs(move |pack| if std::mem::replace(&mut dropped, true) { vec![pack] } else { Vec::new() })
        }),
        row("drop", "every pack but the first", LEDGER, || {
            let mut first = true;
            packs(move |pack| if std::mem::replace(&mut first, false) { vec![pack] } else { Vec::new() })
        }),
        row("duplicate", "every pack twice", Ends::Harmless("the second is known"), || {
            packs(|pack| vec![pack.clone(), pack])
        }),
        row("reorder", "packs that nobody asked for", Ends::Harmless("no manifest names them"), || {
            packs(|pack| vec![vec![1; 100], pack])
        }),
        row("moved", "the packs under another workspace", LEDGER, || {
            server(|memory, frame| {
                if let ServerFrame::Pack { workspace, .. } = frame {
                    *workspace = memory.other;
                }
            })
        }),
        row("false refusal", "the packs are called gone", LEDGER, || {
            let mut refused = false;
            Box::new(move |memory, said| match said {
                Said::App(ClientFrame::FetchPacks { request, workspace, .. })
                    if workspace == memory.shop && !std::mem::replace(&mut refused, true) =>
                {
                    let refusal = Refusal::new(ErrorCode::NotFound, "");
                    vec![Say::ToApp(ServerFrame::Failed { request, refusal })]
                }
                other => pass(other),
            })
        }),
        row("truncated", "the ledger behind the packs has one bit flipped", FORGED, || {
            server(|memory, frame| {
                if let ServerFrame::PastHeaders { workspace, headers, .. } = frame
                    && *workspace == memory.shop
                {
                    headers.iter_mut().take(1).for_each(flip_signature);
                }
            })
        }),
        row("fork", "the ledger behind the packs is that of another workspace", FORGED, || {
            server(|memory, frame| {
                let own = headers_of(memory, memory.other);
                if let (ServerFrame::PastHeaders { workspace, headers, .. }, Some(others)) =
                    (&mut *frame, own)
                    && *workspace == memory.shop
                {
                    *headers = others;
                }
            })
        }),
        row("wrong digest", "the end of the feed behind the packs with another digest", LEDGER, || {
            let mut lied = false;
            server(move |memory, frame| {
                if let ServerFrame::CaughtUp { workspace, digest, .. } = frame
                    && *workspace == memory.shop
                    && !std::mem::replace(&mut lied, true)
                {
                    *digest = Digest::new([1; 32]);
                }
            })
        }),
        row("roll back", "the packs' own point is called unknown", LEDGER, || {
            let mut lied = false;
            server(move |memory, frame| {
                let is_end =
                    matches!(frame, ServerFrame::CaughtUp { workspace, .. } if *workspace == memory.shop);
                if is_end && !std::mem::replace(&mut lied, true) {
                    let refusal = Refusal::new(ErrorCode::CursorUnknown, "");
                    *frame = ServerFrame::Rejected { workspace: memory.shop, commit: None, refusal };
                }
            })
        }),
    ]
}

/// Changes what a ledger begins with of which not every header is kept.
fn checkpoint(mut change: impl FnMut(&Memory, &mut SignedManifest) + Send + 'static) -> Lie {
    without_packs(server(move |memory, frame| {
        if let ServerFrame::Checkpoint { workspace, manifest } = frame
            && *workspace == memory.shop
        {
            change(memory, manifest);
        }
    }))
}

/// A new app is led to the ledger itself: its wish for packs becomes one for the feed.
fn without_packs(mut lie: Lie) -> Lie {
    Box::new(move |memory, said| match said {
        Said::App(ClientFrame::Bootstrap { workspace, .. }) if workspace == memory.shop => {
            vec![Say::ToServer(ClientFrame::Subscribe { workspace, cursor: Head::EMPTY, pages_after: 0 })]
        }
        other => lie(memory, other),
    })
}

/// Changes the links that stand for headers.
fn links(mut change: impl FnMut(&mut u64, &mut Vec<Bytes32>) + Send + 'static) -> Lie {
    without_packs(server(move |memory, frame| {
        if let ServerFrame::Links { workspace, first_seq, links } = frame
            && *workspace == memory.shop
        {
            change(first_seq, links);
        }
    }))
}

/// A new app reads a ledger of which not every header is kept.
pub(super) fn pruned() -> Vec<Attack> {
    vec![
        row("changed links", "the wish for packs is ignored", Ends::Harmless("the ledger is whole"), || {
            without_packs(Box::new(|_, said| pass(said)))
        }),
        row("changed links", "one bit of a link", FORKED, || {
            links(|_, links| {
                let mut bytes = *links[0].as_bytes();
                flip(&mut bytes);
                links[0] = Bytes32::new(bytes);
            })
        }),
        row("changed links", "a link is left out", FORGED, || {
            links(|_, links| links.truncate(links.len() - 1))
        }),
        row("changed links", "links at another place", FORGED, || links(|first, _| *first += 1)),
        row("changed links", "a link in place of a member's entry", FORGED, || {
            // What the charter was is in the manifest; a member cannot be left out of it.
            without_packs(server_many(|memory, frame| match frame {
                ServerFrame::Headers { workspace, first_seq, headers } if workspace == memory.shop => {
                    let Some(at) = headers.iter().position(is_member) else {
                        return vec![ServerFrame::Headers { workspace, first_seq, headers }];
                    };
                    let place = first_seq + at as u64;
                    let links = vec![Bytes32::new(satchel_crypto::derive_link(&headers[at].header))];
                    let (before, rest) = (headers[..at].to_vec(), headers[at + 1..].to_vec());
                    vec![
                        ServerFrame::Headers { workspace, first_seq, headers: before },
                        ServerFrame::Links { workspace, first_seq: place, links },
                        ServerFrame::Headers { workspace, first_seq: place + 1, headers: rest },
                    ]
                }
                frame => vec![frame],
            }))
        }),
        row("wrong manifest", "a checkpoint with one bit of its signature flipped", FORGED, || {
            checkpoint(|_, manifest| {
                let mut bytes = *manifest.signature.as_bytes();
                flip(&mut bytes);
                manifest.signature = satchel_wire::Signature::new(bytes);
            })
        }),
        row("wrong manifest", "a checkpoint signed by a viewer", FORGED, || {
            checkpoint(|memory, signed| signed_by_mallory(memory, signed, |_| {}))
        }),
        row("wrong manifest", "a checkpoint of another workspace", FORGED, || {
            checkpoint(|memory, signed| {
                let other = memory.other;
                with_values(signed, |manifest| manifest.workspace = other);
            })
        }),
        row("drop", "links without a checkpoint", FORGED, || {
            without_packs(server_many(|_, frame| match frame {
                ServerFrame::Checkpoint { .. } => Vec::new(),
                frame => vec![frame],
            }))
        }),
        row("drop", "an envelope that was there at the checkpoint", DAMAGED, || {
            without_packs(server(|memory, frame| {
                if let ServerFrame::Page { workspace, envelopes } = frame
                    && *workspace == memory.shop
                {
                    envelopes.remove(0);
                }
            }))
        }),
    ]
}
