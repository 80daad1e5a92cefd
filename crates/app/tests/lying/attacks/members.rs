//! Lies together with a member who may only read: what she signs is signed by a key of the charter.

use rand_core::OsRng;
use satchel_charter::{NewMember, make_invite, make_member, make_rotation};
use satchel_crypto::{AppCertificate, AppKey, IdentityKeys, InviteSecret};
use satchel_wire::{
    AccountId, AddedApp, AppId, Bytes32, CharterOp, CommitHeader, Content, Op, Revision, Role, ServerFrame,
    SignedHeader,
};

use super::{Told, entry};
use crate::harness::{Attack, Ends, Scene};
use crate::person::place;
use crate::proxy::{Lie, Memory};

const FORGED: Ends = Ends::Alarm("forged");

fn row(kind: &'static str, name: &'static str, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, Scene::Live, FORGED, lie)
}

/// The first operation of a header.
pub(super) fn first_op(header: &SignedHeader) -> Option<Op> {
    match CommitHeader::decode(&header.header).ok()?.content {
        Content::Ops { ops, .. } => ops.into_iter().next(),
        Content::Charter(_) => None,
    }
}

/// An entry of the charter in place of the one that was to be said, signed by the member's app.
fn act(make: fn(&Memory) -> CharterOp) -> Lie {
    entry(move |memory, told| {
        let seen = memory.before(memory.shop, told.seq);
        let header = memory.mallory().header(memory.shop, seen, Content::Charter(make(memory)));
        *told = Told { seq: told.seq, header: memory.mallory().sign(&header), envelopes: Vec::new() };
    })
}

/// What a member writes over the entry that was to be said: a valid change of the same record.
fn write(memory: &Memory, told: &mut Told, change: fn(&Memory, &mut CommitHeader)) {
    let Some(op) = first_op(&told.header) else { return };
    let (Some(parent), Some(envelope)) = (op.parent, told.envelopes.first()) else { return };
    let at = (memory.shop, op.record, op.part);
    let envelope = memory.mallory().reseal(at, envelope, *parent.as_bytes(), ("live", "evil"));
    let put = satchel_crypto::derive_revision(&place(memory.shop, op.record, op.part), &envelope);
    let ops = vec![Op { put: Some(Revision::new(put)), ..op }];
    let content = Content::Ops { ops, expects: Vec::new(), bulk: false, returned: None };
    let seen = memory.before(memory.shop, told.seq);
    let mut header = memory.mallory().header(memory.shop, seen, content);
    change(memory, &mut header);
    *told = Told { seq: told.seq, header: memory.mallory().sign(&header), envelopes: vec![envelope] };
}

/// Who wrote the entry that was said last, and with which app: Ada.
fn ada(memory: &Memory) -> (AccountId, AppId) {
    let entries = memory.entries(memory.shop);
    let header = entries.last().and_then(|(_, header, _)| CommitHeader::decode(&header.header).ok());
    header.map(|header| (header.author, header.app)).expect("Ada has written something")
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut rows = writes();
    rows.extend(acts());
    rows.extend(apps());
    rows.extend(held_back());
    rows
}

fn writes() -> Vec<Attack> {
    vec![
        row("forged role", "a viewer's own write, signed and sealed as it must be", || {
            entry(|memory, told| write(memory, told, |_, _| {}))
        }),
        row("forged member", "a member's write under another member's account", || {
            entry(|memory, told| write(memory, told, |memory, header| header.author = ada(memory).0))
        }),
        row("forged member", "a member's write under another member's app", || {
            entry(|memory, told| {
                write(memory, told, |memory, header| (header.author, header.app) = ada(memory));
            })
        }),
        row("forged member", "a write under an account that is nobody's", || {
            entry(|memory, told| {
                write(memory, told, |_, header| header.author = AccountId::new([7; 16]));
            })
        }),
        row("old epoch", "a write under an epoch that is not there yet", || {
            entry(|memory, told| write(memory, told, |_, header| header.epoch += 1))
        }),
        row("old epoch", "a write under an epoch that never was", || {
            entry(|memory, told| write(memory, told, |_, header| header.epoch = 0))
        }),
        row("forged member", "a write with a key that nobody certified", || {
            entry(|memory, told| {
                write(memory, told, |_, _| {});
                let key = AppKey::make(&mut OsRng);
                let signature = key.sign_commit(&told.header.header);
                told.header.signature = satchel_wire::Signature::new(signature);
            })
        }),
    ]
}

fn acts() -> Vec<Attack> {
    vec![
        row("forged role", "a viewer makes herself an admin", || {
            act(|memory| CharterOp::SetRole { account: memory.mallory().account, role: Role::Admin })
        }),
        row("forged role", "a viewer makes an admin a viewer", || {
            act(|memory| CharterOp::SetRole { account: ada(memory).0, role: Role::Viewer })
        }),
        row("forged member", "a viewer adds a member", || {
            act(|memory| {
                let keys = memory.mallory().engine.keys(memory.shop).expect("she is a member");
                let stranger = IdentityKeys::make(&mut OsRng).public();
                let new = NewMember {
                    account: AccountId::new([9; 16]),
                    signing_key: Bytes32::new(stranger.signing),
                    sealing_key: Bytes32::new(stranger.sealing),
                    role: Role::Admin,
                    invite: None,
                    name: "a stranger",
                };
                CharterOp::AddMember(make_member(memory.shop, keys, &new, &mut OsRng).expect("it is made"))
            })
        }),
        row("forged member", "a viewer opens an invitation", || {
            act(|memory| {
                let keys = memory.mallory().engine.keys(memory.shop).expect("she is a member");
                let secret = InviteSecret::make(&mut OsRng);
                let until = (Role::Admin, u64::MAX / 2);
                CharterOp::Invite(make_invite(memory.shop, keys, &secret, until, &mut OsRng))
            })
        }),
        row("forged member", "a viewer removes an admin", || {
            act(|memory| {
                let engine = &memory.mallory().engine;
                let charter = engine.charter(memory.shop).expect("she is a member");
                let keys = engine.keys(memory.shop).expect("she is a member");
                let accounts = vec![ada(memory).0];
                let rotation = make_rotation(charter, keys, &accounts, &mut OsRng).expect("it is made").0;
                CharterOp::RemoveMembers { accounts, rotation }
            })
        }),
        row("substituted wraps", "a viewer begins a key that she chose", || {
            act(|memory| {
                let engine = &memory.mallory().engine;
                let charter = engine.charter(memory.shop).expect("she is a member");
                let keys = engine.keys(memory.shop).expect("she is a member");
                let rotation = make_rotation(charter, keys, &[], &mut OsRng).expect("it is made").0;
                CharterOp::Rotate { rotation }
            })
        }),
        row("forged role", "a viewer opens a workspace that is no team's", || {
            act(|_| CharterOp::SetAccess { open: true })
        }),
        row("replay", "the founding once more", || {
            act(|memory| {
                let charter = memory.mallory().engine.charter(memory.shop).expect("she is a member");
                CharterOp::Found(charter.founding().expect("it is founded").clone())
            })
        }),
    ]
}

fn apps() -> Vec<Attack> {
    vec![
        row("forged app", "a viewer ends another member's app", || {
            act(|memory| CharterOp::RevokeApp { app: ada(memory).1 })
        }),
        row("forged app", "an app of another member, certified by the viewer", || {
            act(|memory| {
                let me = memory.mallory();
                let (account, app) = (ada(memory).0, *me.app.as_bytes());
                let own = me.app_key.public();
                let certificate = AppCertificate::issue(&me.identity, *account.as_bytes(), app, own);
                CharterOp::AddApp(AddedApp { certificate: certificate.into() })
            })
        }),
        row("forged app", "an app of the viewer's account that a stranger certified", || {
            act(|memory| {
                let (me, stranger) = (memory.mallory(), IdentityKeys::make(&mut OsRng));
                let (account, app) = (*me.account.as_bytes(), *me.app.as_bytes());
                let certificate = AppCertificate::issue(&stranger, account, app, me.app_key.public());
                CharterOp::AddApp(AddedApp { certificate: certificate.into() })
            })
        }),
        row("forged app", "the viewer's certificate for an entry of another app", || {
            entry(|memory, told| {
                let me = memory.mallory();
                let seen = memory.before(memory.shop, told.seq);
                let added = AddedApp { certificate: me.certificate().to_vec().into() };
                let content = Content::Charter(CharterOp::AddApp(added));
                let mut header = me.header(memory.shop, seen, content);
                header.app = AppId::new([5; 16]);
                *told = Told { seq: told.seq, header: me.sign(&header), envelopes: Vec::new() };
            })
        }),
    ]
}

/// Shows Ben's commit, which never reached the server, at the next place.
fn show_held_back() -> Lie {
    entry(|memory, told| {
        let held = memory.apps.iter().rev().find_map(|frame| match frame {
            satchel_wire::ClientFrame::Commit { header, envelopes } => {
                let decoded = CommitHeader::decode(&header.header).ok()?;
                let is_known = memory.server.iter().any(|frame| {
                    matches!(frame, ServerFrame::Accepted { commit, .. } if *commit == decoded.commit)
                });
                let is_of_records = matches!(decoded.content, Content::Ops { .. })
                    // Ada's newest one, whose confirmation is on its way.
                    && header.header != told.header.header;
                (decoded.workspace == memory.shop && is_of_records && !is_known).then(|| {
                    (header.clone(), envelopes.iter().map(|bytes| bytes.to_vec()).collect::<Vec<_>>())
                })
            }
            _ => None,
        });
        if let Some((header, envelopes)) = held {
            (told.header, told.envelopes) = (header, envelopes);
        }
    })
}

fn held_back() -> Vec<Attack> {
    vec![
        Attack::new(
            "forged role",
            "an editor's write, held back until the editor was made a viewer",
            Scene::Demoted,
            FORGED,
            show_held_back,
        ),
        Attack::new(
            "old epoch",
            "an editor's write under the key before a removal, shown after it",
            Scene::Removed,
            FORGED,
            show_held_back,
        ),
    ]
}
