//! Entries of the charter and claims: their golden bytes, and the forms that are refused.

use std::fmt::Write;

use expect_test::expect_file;
use satchel_wire::limits::{MEMBERS_MAX, NAME_BYTES_MAX, WRAP_BYTES_MAX};
use satchel_wire::{
    AccountId, AddedApp, AddedMember, AppId, Bytes32, CharterOp, CommitHeader, CommitId, Content, Founding,
    Head, InviteId, JoinClaim, JoinProof, KeyWrap, NewInvite, Presence, PresenceState, RecordId, Role,
    Rotation, Signature, WireError, WorkspaceId, WorkspaceKind, decode, encode,
};

const WORKSPACE: WorkspaceId = WorkspaceId::new([1; 16]);
const ACCOUNT: AccountId = AccountId::new([4; 16]);
const OTHER: AccountId = AccountId::new([5; 16]);
const INVITE: InviteId = InviteId::new([50; 16]);

fn section(name: &str, bytes: &[u8]) -> String {
    let mut text = format!("# {name}\n");
    for line in bytes.chunks(40) {
        for byte in line {
            write!(text, "{byte:02x}").expect("writing to a text does not fail");
        }
        text.push('\n');
    }
    text
}

fn header(op: CharterOp) -> CommitHeader {
    CommitHeader {
        workspace: WORKSPACE,
        commit: CommitId::new([3; 16]),
        epoch: 1,
        author: ACCOUNT,
        app: AppId::new([6; 16]),
        seen: Head::EMPTY,
        content: Content::Charter(op),
    }
}

fn founding(kind: WorkspaceKind) -> Founding {
    Founding {
        salt: vec![20; 16].into(),
        owner: ACCOUNT,
        signing_key: Bytes32::new([13; 32]),
        sealing_key: Bytes32::new([14; 32]),
        commitment: Bytes32::new([21; 32]),
        wraps: vec![wrap(ACCOUNT)],
        app: AddedApp { certificate: vec![19; 4].into() },
        kind,
        sealed_name: Some(vec![24; 4].into()),
    }
}

fn wrap(account: AccountId) -> KeyWrap {
    KeyWrap { account, wrap: vec![22; 5].into() }
}

fn rotation(accounts: &[AccountId]) -> Rotation {
    Rotation {
        epoch: 2,
        commitment: Bytes32::new([21; 32]),
        wraps: accounts.iter().map(|account| wrap(*account)).collect(),
        sealed_previous: vec![23; 6].into(),
    }
}

fn member(invite: Option<InviteId>) -> AddedMember {
    AddedMember {
        account: OTHER,
        signing_key: Bytes32::new([13; 32]),
        sealing_key: Bytes32::new([14; 32]),
        role: Role::Editor,
        wrap: vec![22; 5].into(),
        invite,
        sealed_name: vec![24; 4].into(),
    }
}

fn invite() -> NewInvite {
    NewInvite {
        invite: INVITE,
        key: Bytes32::new([15; 32]),
        role: Role::Viewer,
        expires_ms: 1_700_000_000_000,
        sealed_name_key: vec![25; 6].into(),
    }
}

fn claim() -> JoinClaim {
    JoinClaim {
        workspace: WORKSPACE,
        invite: INVITE,
        account: OTHER,
        signing_key: Bytes32::new([13; 32]),
        sealing_key: Bytes32::new([14; 32]),
        sealed_name: vec![24; 4].into(),
    }
}

#[test]
fn entries_of_the_charter_keep_their_bytes() {
    let team = WorkspaceKind::Team(WorkspaceId::new([2; 16]));
    let ops = [
        ("founding of a roster", CharterOp::Found(founding(WorkspaceKind::Roster))),
        ("founding of a workspace of a team", CharterOp::Found(founding(team))),
        ("member by invitation", CharterOp::AddMember(member(Some(INVITE)))),
        ("member from the roster", CharterOp::AddMember(member(None))),
        ("role", CharterOp::SetRole { account: OTHER, role: Role::Admin }),
        ("removal", CharterOp::RemoveMembers { accounts: vec![OTHER], rotation: rotation(&[ACCOUNT]) }),
        ("rotation", CharterOp::Rotate { rotation: rotation(&[ACCOUNT, OTHER]) }),
        ("revoked app", CharterOp::RevokeApp { app: AppId::new([7; 16]) }),
        ("leaving", CharterOp::Leave),
        ("invitation", CharterOp::Invite(invite())),
        ("revoked invitation", CharterOp::RevokeInvite { invite: INVITE }),
        ("access", CharterOp::SetAccess { open: true }),
    ];
    let mut text = String::new();
    for (name, op) in ops {
        let header = header(op);
        let bytes = header.encode();
        assert_eq!(CommitHeader::decode(&bytes).expect("what was encoded decodes"), header);
        text += &section(name, &bytes);
    }
    for (name, kind) in [("roster", WorkspaceKind::Roster), ("team", team)] {
        text += &section(&format!("identity bytes of a {name}"), &founding(kind).identity_bytes());
    }
    expect_file!["../../../fixtures/wire/charter.hex"].assert_eq(&text);
}

#[test]
fn claims_and_presences_keep_their_bytes() {
    let bytes = claim().encode();
    assert_eq!(JoinClaim::decode(&bytes).expect("what was encoded decodes"), claim());
    let proof = JoinProof {
        claim: bytes.clone().into(),
        invite_signature: Signature::new([11; 64]),
        identity_signature: Signature::new([12; 64]),
    };
    assert_eq!(decode::<JoinProof>("a proof", &encode(&proof)).expect("it decodes"), proof);
    let presence = Presence { item: Some(RecordId::new([2; 16])), state: PresenceState::Editing };
    let nowhere = Presence { item: None, state: PresenceState::Idle };
    for presence in [presence, nowhere] {
        assert_eq!(Presence::decode(&presence.encode()).expect("it decodes"), presence);
    }
    let text = section("JoinClaim", &bytes)
        + &section("JoinProof", &encode(&proof))
        + &section("Presence", &presence.encode())
        + &section("Presence without an item", &nowhere.encode());
    expect_file!["../../../fixtures/wire/join.hex"].assert_eq(&text);
}

/// The bytes of the entry are refused, as this.
fn check_refused(op: CharterOp, expected: &str) {
    let error = CommitHeader::decode(&header(op).encode()).expect_err(expected);
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_entry_over_a_limit_or_out_of_order_is_not_read() {
    let long_name = vec![0; NAME_BYTES_MAX + 1];
    let added = AddedMember { sealed_name: long_name.clone().into(), ..member(None) };
    check_refused(CharterOp::AddMember(added), "sealed name of 257 bytes, at most 256");
    let added = AddedMember { wrap: vec![0; WRAP_BYTES_MAX + 1].into(), ..member(None) };
    check_refused(CharterOp::AddMember(added), "wrap of 129 bytes, at most 128");
    let mut named = founding(WorkspaceKind::Roster);
    named.sealed_name = Some(long_name.into());
    check_refused(CharterOp::Found(named), "sealed name of 257 bytes, at most 256");

    let rotate = |accounts: &[AccountId]| CharterOp::Rotate { rotation: rotation(accounts) };
    check_refused(rotate(&[]), "wraps of an epoch out of range");
    check_refused(rotate(&[OTHER, ACCOUNT]), "wraps of an epoch out of range");
    check_refused(rotate(&[OTHER, OTHER]), "wraps of an epoch out of range");
    let many: Vec<_> = (0..=MEMBERS_MAX as u128).map(|n| AccountId::new(n.to_be_bytes())).collect();
    check_refused(rotate(&many), "501 wraps of an epoch, at most 500");
    let remove = |accounts: &[AccountId]| CharterOp::RemoveMembers {
        accounts: accounts.to_vec(),
        rotation: rotation(&[ACCOUNT]),
    };
    check_refused(remove(&[]), "removed members out of range");
    check_refused(remove(&[OTHER, OTHER]), "removed members out of range");
    let invite = NewInvite { sealed_name_key: vec![0; 129].into(), ..invite() };
    check_refused(CharterOp::Invite(invite), "sealed key of names of 129 bytes, at most 128");
}

#[test]
fn the_largest_rotation_fits_a_header() {
    let many: Vec<_> = (0..MEMBERS_MAX as u128).map(|n| AccountId::new(n.to_be_bytes())).collect();
    let mut largest = rotation(&many);
    largest.wraps.iter_mut().for_each(|wrap| wrap.wrap = vec![0; WRAP_BYTES_MAX].into());
    let op = CharterOp::RemoveMembers { accounts: many, rotation: largest };
    assert!(CommitHeader::decode(&header(op).encode()).is_ok());
}

#[test]
fn the_kind_of_a_workspace_is_part_of_what_its_id_is_made_of() {
    let ids = [
        WorkspaceKind::Personal,
        WorkspaceKind::Roster,
        WorkspaceKind::Team(WorkspaceId::new([2; 16])),
        WorkspaceKind::Team(WorkspaceId::new([3; 16])),
    ];
    let ids = ids.map(|kind| founding(kind).identity_bytes());
    assert!((0..ids.len()).all(|at| !ids[..at].contains(&ids[at])));
}

#[test]
fn a_claim_has_one_encoding() {
    let bytes = claim().encode();
    let version = [&[2], &bytes[1..]].concat();
    assert!(matches!(JoinClaim::decode(&version), Err(WireError::Version { version: 2, .. })));
    assert!(matches!(JoinClaim::decode(&[]), Err(WireError::Empty { .. })));
    assert!(matches!(JoinClaim::decode(&vec![1; 2_000]), Err(WireError::TooLong { .. })));
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(JoinClaim::decode(&longer), Err(WireError::NotCanonical { .. })));
    let long = JoinClaim { sealed_name: vec![0; NAME_BYTES_MAX + 1].into(), ..claim() };
    assert!(matches!(JoinClaim::decode(&long.encode()), Err(WireError::TooLong { .. })));
}
