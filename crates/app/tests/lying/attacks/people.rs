//! Lies about people: claims, confirmations, removals, presence, history.

use rand_core::OsRng;
use satchel_crypto::IdentityKeys;
use satchel_wire::{
    Bytes32, CharterOp, CommitHeader, Content, JoinClaim, ServerFrame, Signature, SignedHeader, StoredVersion,
};

use super::{entry, flip, server, server_many};
use crate::harness::{Attack, Ends, Scene};
use crate::proxy::{Lie, Memory};

const FORGED: Ends = Ends::Alarm("forged");
const IGNORED: Ends = Ends::Harmless("the claim does not count, and nobody is added by it");

fn row(kind: &'static str, name: &'static str, scene: Scene, ends: Ends, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, scene, ends, lie)
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut rows = joins();
    rows.extend(joiners());
    rows.extend(removals());
    rows.extend(presence());
    rows.extend(history());
    rows.extend(activity());
    rows
}

/// Changes the claims that an admin's app is shown.
fn claims(mut change: impl FnMut(&mut satchel_wire::JoinProof) + Send + 'static) -> Lie {
    server(move |_, frame| {
        if let ServerFrame::Joins { proofs, .. } = frame {
            proofs.iter_mut().for_each(&mut change);
        }
    })
}

/// The claim with the keys of somebody who is in the server's hands, signed anew by those.
fn take_over(proof: &mut satchel_wire::JoinProof) {
    let stranger = IdentityKeys::make(&mut OsRng);
    let mut claim = JoinClaim::decode(&proof.claim).expect("Eve made it");
    claim.signing_key = Bytes32::new(stranger.public().signing);
    claim.sealing_key = Bytes32::new(stranger.public().sealing);
    proof.claim = claim.encode().into();
    proof.identity_signature = Signature::new(stranger.sign_claim(&proof.claim));
}

fn joins() -> Vec<Attack> {
    let join = |kind, name, ends, lie| row(kind, name, Scene::Join, ends, lie);
    vec![
        join("substituted keys", "a claim with the server's keys, signed by these", IGNORED, || {
            claims(take_over)
        }),
        join("substituted keys", "a claim with another encryption key", IGNORED, || {
            claims(|proof| {
                let mut claim = JoinClaim::decode(&proof.claim).expect("Eve made it");
                claim.sealing_key = Bytes32::new(IdentityKeys::make(&mut OsRng).public().sealing);
                proof.claim = claim.encode().into();
            })
        }),
        join("substituted keys", "a claim of another account", IGNORED, || {
            claims(|proof| {
                let mut claim = JoinClaim::decode(&proof.claim).expect("Eve made it");
                claim.account = satchel_wire::AccountId::new([4; 16]);
                proof.claim = claim.encode().into();
            })
        }),
        join("moved", "a claim of another workspace", IGNORED, || {
            server(|memory, frame| {
                if let ServerFrame::Joins { workspace, .. } = frame {
                    *workspace = memory.other;
                }
            })
        }),
        join("swap", "one bit of the invitation's signature", IGNORED, || {
            claims(|proof| {
                let mut bytes = *proof.invite_signature.as_bytes();
                flip(&mut bytes);
                proof.invite_signature = Signature::new(bytes);
            })
        }),
        join("swap", "bytes that are no claim", IGNORED, || {
            claims(|proof| proof.claim = vec![1; 900].into())
        }),
        join("drop", "claims are withheld", IGNORED, || {
            server_many(|_, frame| match frame {
                ServerFrame::Joins { .. } => Vec::new(),
                frame => vec![frame],
            })
        }),
        join("duplicate", "a claim a hundred times", Ends::Harmless("it counts once"), || {
            server(|_, frame| {
                if let ServerFrame::Joins { proofs, .. } = frame {
                    *proofs = proofs.iter().cycle().take(proofs.len() * 100).cloned().collect();
                }
            })
        }),
    ]
}

/// Changes the entry that makes Eve a member, as her own app is shown it.
fn own_entry(change: fn(&Memory, &mut satchel_wire::AddedMember)) -> Lie {
    server(move |memory, frame| {
        let ServerFrame::Headers { workspace, headers, .. } = frame else { return };
        if *workspace != memory.shop {
            return;
        }
        let is_member = |signed: &SignedHeader| {
            let header = CommitHeader::decode(&signed.header);
            header.is_ok_and(|header| matches!(header.content, Content::Charter(CharterOp::AddMember(_))))
        };
        let Some(last) = headers.iter_mut().rev().find(|signed| is_member(signed)) else { return };
        let mut header = CommitHeader::decode(&last.header).expect("it was decoded");
        if let Content::Charter(CharterOp::AddMember(added)) = &mut header.content {
            change(memory, added);
        }
        last.header = header.encode().into();
    })
}

fn joiners() -> Vec<Attack> {
    let joiner = |kind, name, ends, lie| row(kind, name, Scene::Joiner, ends, lie);
    vec![
        joiner("substituted wraps", "who joins is shown another wrapped key", FORGED, || {
            own_entry(|memory, added| {
                let key = satchel_crypto::EpochKey::make(&mut OsRng);
                let context = satchel_crypto::WrapContext {
                    workspace: *memory.shop.as_bytes(),
                    epoch: 1,
                    account: *added.account.as_bytes(),
                };
                added.wrap = key.wrap(added.sealing_key.as_bytes(), &context, &mut OsRng).into();
            })
        }),
        joiner("forged role", "who joins is shown a higher role", FORGED, || {
            own_entry(|_, added| added.role = satchel_wire::Role::Admin)
        }),
    ]
}

fn removals() -> Vec<Attack> {
    let removal = |kind, name, ends, lie| row(kind, name, Scene::Removal, ends, lie);
    vec![
        removal("substituted wraps", "a removal with another key wrapped for a member", FORGED, || {
            entry(|_, told| {
                let Ok(mut header) = CommitHeader::decode(&told.header.header) else { return };
                let Content::Charter(CharterOp::RemoveMembers { rotation, .. }) = &mut header.content else {
                    return;
                };
                rotation.wraps.iter_mut().for_each(|wrap| wrap.wrap = vec![0; 80].into());
                told.header.header = header.encode().into();
            })
        }),
        removal("substituted keys", "a removal with another commitment to the key", FORGED, || {
            entry(|_, told| {
                let Ok(mut header) = CommitHeader::decode(&told.header.header) else { return };
                let Content::Charter(CharterOp::RemoveMembers { rotation, .. }) = &mut header.content else {
                    return;
                };
                rotation.commitment = Bytes32::new([6; 32]);
                told.header.header = header.encode().into();
            })
        }),
        removal("forged member", "a removal of somebody else", FORGED, || {
            entry(|_, told| {
                let Ok(mut header) = CommitHeader::decode(&told.header.header) else { return };
                let author = header.author;
                let Content::Charter(CharterOp::RemoveMembers { accounts, .. }) = &mut header.content else {
                    return;
                };
                *accounts = vec![author];
                told.header.header = header.encode().into();
            })
        }),
        removal(
            "drop",
            "a removal is withheld, and what follows is shown in its place",
            Ends::Alarm("forked"),
            || {
                let mut withheld = false;
                entry(move |memory, told| {
                    let header = CommitHeader::decode(&told.header.header);
                    let is_removal = header.as_ref().is_ok_and(|header| {
                        matches!(header.content, Content::Charter(CharterOp::RemoveMembers { .. }))
                    });
                    if is_removal {
                        // Said again as an entry that is known.
                        withheld = true;
                        told.seq = 1;
                    } else if withheld {
                        told.seq = memory.before(memory.shop, told.seq).seq;
                    }
                })
            },
        ),
        removal(
            "drop",
            "a removal is withheld",
            Ends::Harmless("the app sees the gap and asks for it"),
            || {
                server_many(|_, frame| {
                    let is_removal = match &frame {
                        ServerFrame::Entry { header, .. } => {
                            CommitHeader::decode(&header.header).is_ok_and(|header| {
                                matches!(header.content, Content::Charter(CharterOp::RemoveMembers { .. }))
                            })
                        }
                        _ => false,
                    };
                    if is_removal { Vec::new() } else { vec![frame] }
                })
            },
        ),
    ]
}

fn presence() -> Vec<Attack> {
    const NOBODY: Ends = Ends::Harmless("nobody is shown who is not here");
    let row = |kind, name, lie| row(kind, name, Scene::Presence, NOBODY, lie);
    vec![
        row("forged presence", "one bit of a presence", || {
            server(|_, frame| {
                if let ServerFrame::PresenceOf { sealed, .. } = frame {
                    let mut bytes = sealed.to_vec();
                    flip(&mut bytes);
                    *sealed = bytes.into();
                }
            })
        }),
        row("forged presence", "a presence of another member", || {
            server(|memory, frame| {
                if let ServerFrame::PresenceOf { account, .. } = frame {
                    *account = memory.mallory().account;
                }
            })
        }),
        row("forged presence", "a presence of another app of a member", || {
            server(|memory, frame| {
                if let ServerFrame::PresenceOf { account, app, .. } = frame {
                    (*account, *app) = (memory.mallory().account, memory.mallory().app);
                }
            })
        }),
        row("forged presence", "a presence in another workspace", || {
            server(|memory, frame| {
                if let ServerFrame::PresenceOf { workspace, .. } = frame {
                    *workspace = memory.other;
                }
            })
        }),
        row("forged presence", "a presence of a stranger", || {
            server(|_, frame| {
                if let ServerFrame::PresenceOf { account, .. } = frame {
                    *account = satchel_wire::AccountId::new([8; 16]);
                }
            })
        }),
    ]
}

/// Changes the versions of a body that Ben is shown.
fn versions(mut change: impl FnMut(&Memory, &mut Vec<StoredVersion>) + Send + 'static) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Versions { versions, .. } = frame
            && versions.len() > 1
        {
            change(memory, versions);
        }
    })
}

fn history() -> Vec<Attack> {
    let row = |kind, name, ends, lie| row(kind, name, Scene::History, ends, lie);
    vec![
        row(
            "moved",
            "two versions change their envelopes",
            Ends::Version("not the one that was signed"),
            || {
                versions(|_, versions| {
                    if let [first, second, ..] = versions.as_mut_slice() {
                        std::mem::swap(&mut first.envelope, &mut second.envelope);
                    }
                })
            },
        ),
        row("swap", "one bit of the signature of a version", Ends::Version("signature"), || {
            versions(|_, versions| super::flip_signature(&mut versions[0].header))
        }),
        row("drop", "a version without its envelope", Ends::Version("envelope is missing"), || {
            versions(|_, versions| versions[0].envelope = None)
        }),
        row("moved", "a version of another record", Ends::Version("does not name this record"), || {
            versions(|memory, versions| {
                let own = super::members::first_op(&versions[0].header).map(|op| op.record);
                let other = memory
                    .entries(memory.shop)
                    .into_iter()
                    .find(|(_, header, _)| super::members::first_op(header).map(|op| op.record) != own);
                if let Some((_, header, envelopes)) = other {
                    versions[0].header = header;
                    versions[0].envelope = envelopes.into_iter().next().map(Into::into);
                }
            })
        }),
        row("moved", "a version of another workspace", Ends::Version("another workspace"), || {
            versions(|memory, versions| {
                if let Some((_, header, envelopes)) = memory.entries(memory.other).pop() {
                    versions[0].header = header;
                    versions[0].envelope = envelopes.into_iter().next().map(Into::into);
                }
            })
        }),
        row("forged member", "a version signed by a viewer", Ends::Version(""), || {
            versions(|memory, versions| {
                let Ok(header) = CommitHeader::decode(&versions[0].header.header) else { return };
                let (author, app) = (memory.mallory().account, memory.mallory().app);
                versions[0].header = memory.mallory().sign(&CommitHeader { author, app, ..header });
            })
        }),
        row(
            "reorder",
            "two versions change places",
            Ends::Refused(satchel_client::api::ErrorKind::NotSatchel),
            || versions(|_, versions| versions.swap(0, 1)),
        ),
        row(
            "swap",
            "another time for a version",
            Ends::Harmless("times are the server's word, and shown so"),
            || versions(|_, versions| versions[0].received_ms = 1),
        ),
        row(
            "drop",
            "a version is left out",
            Ends::Harmless("which versions there are is the server's word"),
            || versions(|_, versions| drop(versions.remove(1))),
        ),
        row(
            "swap",
            "another kind of answer",
            Ends::Refused(satchel_client::api::ErrorKind::NotSatchel),
            || {
                server(|_, frame| {
                    if let ServerFrame::Versions { request, .. } = frame {
                        *frame = ServerFrame::Apps { request: *request, apps: Vec::new() };
                    }
                })
            },
        ),
    ]
}

/// Changes the headers that who-did-what is told from.
fn past(mut change: impl FnMut(&Memory, &mut u64, &mut Vec<SignedHeader>) + Send + 'static) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::PastHeaders { workspace, first_seq, headers, .. } = frame
            && *workspace == memory.shop
        {
            change(memory, first_seq, headers);
        }
    })
}

/// An entry of the charter in the past that never was, of this author and app.
fn made_up(memory: &Memory, like: &SignedHeader, is_hers: bool) -> SignedHeader {
    let me = memory.mallory();
    let content =
        Content::Charter(CharterOp::SetRole { account: me.account, role: satchel_wire::Role::Admin });
    let mut header = me.header(memory.shop, satchel_wire::Head::EMPTY, content);
    if let (false, Ok(like)) = (is_hers, CommitHeader::decode(&like.header)) {
        (header.author, header.app) = (like.author, like.app);
    }
    me.sign(&header)
}

fn activity() -> Vec<Attack> {
    const NOT_TOLD: Ends = Ends::Harmless("an entry that does not verify is told as nobody's");
    let row = |kind, name, ends, lie| row(kind, name, Scene::Activity, ends, lie);
    vec![
        row("swap", "one bit of every signature", NOT_TOLD, || {
            past(|_, _, headers| headers.iter_mut().for_each(super::flip_signature))
        }),
        row("forged role", "a change of role that a viewer signed", NOT_TOLD, || {
            past(|memory, _, headers| {
                let own = made_up(memory, &headers[0], true);
                headers[0] = own;
            })
        }),
        row("forged member", "a change of role in an admin's name", NOT_TOLD, || {
            past(|memory, _, headers| {
                let last = headers.len() - 1;
                let own = made_up(memory, &headers[last], false);
                headers[last] = own;
            })
        }),
        row("moved", "the entries of another workspace", NOT_TOLD, || {
            past(|memory, _, headers| {
                let others = memory.entries(memory.other);
                *headers = others.into_iter().map(|(_, header, _)| header).collect();
            })
        }),
        row(
            "gap",
            "entries at another place",
            Ends::Refused(satchel_client::api::ErrorKind::NotSatchel),
            || past(|_, first, _| *first += 1),
        ),
        row(
            "gap",
            "entries at the last place there is",
            Ends::Refused(satchel_client::api::ErrorKind::NotSatchel),
            || past(|_, first, _| *first = u64::MAX),
        ),
    ]
}
