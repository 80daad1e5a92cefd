//! Each rule in a sentence.

use satchel_charter::{Charter, CharterError, Source, make_rotation};
use satchel_crypto::{AppCertificate, InviteSecret, derive_workspace_id};
use satchel_wire::{
    AccountId, AddedApp, AddedMember, Bytes32, CharterOp, Content, InviteId, Manifest, Role, Signature,
    SignedManifest, WorkspaceId, WorkspaceKind,
};

use crate::world::{ADA, BEN, CAT, DAN, ROSTER, World, account};

const TEAM: WorkspaceKind = WorkspaceKind::Team(ROSTER);

/// What an act in the team of Ada (admin), Ben (editor) and Cat (viewer) ends with.
fn check(act: impl FnOnce(&mut World) -> Result<(), CharterError>, expected: Result<(), CharterError>) {
    let mut world = World::team();
    assert_eq!(act(&mut world), expected);
}

#[test]
fn editors_and_admins_write_records_and_viewers_do_not() {
    check(|world| world.write(ADA), Ok(()));
    check(|world| world.write(BEN), Ok(()));
    check(|world| world.write(CAT), Err(CharterError::Role));
    check(|world| world.write(DAN), Err(CharterError::UnknownApp));
    let promote = |world: &mut World, role| world.set_role(ADA, CAT, role);
    check(|world| promote(world, Role::Editor).and_then(|()| world.write(CAT)), Ok(()));
}

#[test]
fn a_commit_counts_under_the_present_epoch_only() {
    let write_under = |world: &mut World, epoch: u32| {
        let mut header = world.record_header(BEN, 0);
        header.epoch = epoch;
        let signed = world.sign(BEN, 0, &header);
        world.charter.check(&header, &signed)
    };
    check(|world| write_under(world, 1), Ok(()));
    check(|world| write_under(world, 0), Err(CharterError::Epoch));
    check(|world| write_under(world, 2), Err(CharterError::Epoch));
    check(|world| world.rotate(ADA).and_then(|()| write_under(world, 1)), Err(CharterError::Epoch));
    check(|world| world.rotate(ADA).and_then(|()| write_under(world, 2)), Ok(()));
    let set_role_under = |world: &mut World, epoch: u32| {
        let op = CharterOp::SetRole { account: account(CAT), role: Role::Editor };
        let mut header = world.header(ADA, 0, Content::Charter(op));
        header.epoch = epoch;
        world.push_header(ADA, 0, header)
    };
    check(|world| world.rotate(ADA).and_then(|()| set_role_under(world, 1)), Err(CharterError::Epoch));
}

#[test]
fn nobody_signs_for_another() {
    check(
        |world| {
            let header = world.record_header(BEN, 0);
            let signed = world.sign(CAT, 0, &header);
            world.charter.check(&header, &signed)
        },
        Err(CharterError::Signature),
    );
    check(
        |world| {
            let mut header = world.record_header(BEN, 0);
            header.author = account(ADA);
            let signed = world.sign(BEN, 0, &header);
            world.charter.check(&header, &signed)
        },
        Err(CharterError::UnknownApp),
    );
    check(
        |world| {
            let op = CharterOp::SetRole { account: account(CAT), role: Role::Editor };
            let header = world.header(ADA, 0, Content::Charter(op));
            world.push_header(BEN, 0, header)
        },
        Err(CharterError::Signature),
    );
    check(
        |world| {
            let mut header = world.record_header(BEN, 0);
            header.workspace = WorkspaceId::new([9; 16]);
            let signed = world.sign(BEN, 0, &header);
            world.charter.check(&header, &signed)
        },
        Err(CharterError::WrongId),
    );
}

#[test]
fn only_admins_change_who_is_a_member() {
    type Act = fn(&mut World, usize) -> Result<(), CharterError>;
    let acts: [Act; 6] = [
        |world, by| world.invite(by, Role::Editor).map(drop),
        |world, by| world.add(by, DAN, Role::Viewer),
        |world, by| world.set_role(by, CAT, Role::Editor),
        |world, by| world.remove(by, &[if by == CAT { BEN } else { CAT }]),
        |world, by| world.rotate(by),
        |world, by| world.push(by, CharterOp::RevokeInvite { invite: InviteId::new([1; 16]) }),
    ];
    for act in acts {
        for by in [BEN, CAT] {
            check(|world| act(world, by), Err(CharterError::Role));
        }
        check(|world| act(world, DAN), Err(CharterError::UnknownApp));
    }
    for act in &acts[..5] {
        check(|world| act(world, ADA), Ok(()));
    }
}

#[test]
fn an_invitation_is_used_once_and_by_whom_it_lets_in() {
    let invite = |world: &mut World| world.invite(ADA, Role::Viewer).expect("an admin invites");
    check(
        |world| {
            let secret = invite(world);
            world.join(ADA, DAN, secret)?;
            assert_eq!(world.charter.role_of(account(DAN)), Some(Role::Viewer));
            let member = world.charter.member(account(DAN)).expect("he is a member");
            assert!(matches!(member.source, Source::Invite(_)));
            assert_eq!(member.since, world.seq);
            assert_eq!(world.charter.invites().count(), 0);
            Ok(())
        },
        Ok(()),
    );
    check(
        |world| {
            let secret = invite(world);
            let invite = InviteId::new(secret.derive_id());
            world.push(ADA, CharterOp::RevokeInvite { invite })?;
            world.join(ADA, DAN, secret)
        },
        Err(CharterError::Invite),
    );
    check(
        |world| {
            let secret = invite(world);
            world.join(ADA, BEN, secret)
        },
        Err(CharterError::AlreadyMember),
    );
    check(
        |world| world.join(ADA, DAN, InviteSecret::make(&mut world.rng.clone())),
        Err(CharterError::Invite),
    );
    let gone = CharterOp::RevokeInvite { invite: InviteId::new([1; 16]) };
    check(|world| world.push(ADA, gone), Err(CharterError::Invite));
}

#[test]
fn an_entry_cannot_give_another_role_than_the_invitation() {
    let mut world = World::team();
    let secret = world.invite(ADA, Role::Viewer).expect("an admin invites");
    let invite = InviteId::new(secret.derive_id());
    world.join(ADA, DAN, secret).expect("Dan joins");
    let Content::Charter(CharterOp::AddMember(added)) = world.entries.last().expect("it").1.content.clone()
    else {
        panic!("the last entry is Dan's");
    };
    world.remove(ADA, &[DAN]).expect("he is removed");
    let again = world.invite(ADA, Role::Viewer).expect("an admin invites");
    let again = InviteId::new(again.derive_id());
    let push = |world: &mut World, added| world.push(ADA, CharterOp::AddMember(added));
    let raised = AddedMember { role: Role::Admin, invite: Some(again), ..added.clone() };
    assert_eq!(push(&mut world, raised), Err(CharterError::Invite));
    let used = AddedMember { invite: Some(invite), ..added.clone() };
    assert_eq!(push(&mut world, used), Err(CharterError::Invite));
    let without = AddedMember { invite: None, ..added.clone() };
    assert_eq!(push(&mut world, without), Err(CharterError::Invite));
    assert_eq!(push(&mut world, AddedMember { invite: Some(again), ..added }), Ok(()));
}

#[test]
fn a_claim_is_taken_only_as_it_was_made() {
    let mut world = World::team();
    let secret = world.invite(ADA, Role::Viewer).expect("an admin invites");
    let proof = world.claim(DAN, secret);
    assert!(world.charter.check_join(&proof).is_ok());
    let check = |change: &dyn Fn(&mut satchel_wire::JoinProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        assert_eq!(world.charter.check_join(&changed), Err(CharterError::Claim));
    };
    check(&|proof| proof.invite_signature = Signature::new([0; 64]));
    check(&|proof| proof.identity_signature = Signature::new([0; 64]));
    check(&|proof| std::mem::swap(&mut proof.invite_signature, &mut proof.identity_signature));
    check(&|proof| *proof.claim.last_mut().expect("it has bytes") ^= 1);
    check(&|proof| proof.claim = vec![7].into());
    let elsewhere = World::founded(WorkspaceKind::Personal);
    assert_eq!(elsewhere.charter.check_join(&proof), Err(CharterError::Claim));
}

#[test]
fn an_invitation_ends_when_its_maker_is_no_admin_any_more() {
    let check = |end: fn(&mut World) -> Result<(), CharterError>| {
        let mut world = World::team();
        world.set_role(ADA, BEN, Role::Admin).expect("Ben is promoted");
        let secret = world.invite(BEN, Role::Admin).expect("Ben invites");
        world.invite(ADA, Role::Viewer).expect("Ada invites");
        end(&mut world).expect("it is accepted");
        assert_eq!(world.join(ADA, DAN, secret), Err(CharterError::Invite));
        assert_eq!(world.charter.invites().count(), 1);
    };
    check(|world| world.set_role(ADA, BEN, Role::Editor));
    check(|world| world.remove(ADA, &[BEN]));
    check(|world| world.leave(BEN));
}

#[test]
fn an_invitation_opens_once() {
    let mut world = World::team();
    world.invite(ADA, Role::Viewer).expect("an admin invites");
    let op = world.entries.last().expect("it").1.content.clone();
    let header = world.header(ADA, 0, op);
    assert_eq!(world.push_header(ADA, 0, header), Err(CharterError::InviteOpen));
}

#[test]
fn invitations_and_members_have_a_limit() {
    let mut world = World::founded(WorkspaceKind::Roster);
    for _ in 0..100 {
        world.invite(ADA, Role::Viewer).expect("there is room");
    }
    assert_eq!(world.invite(ADA, Role::Viewer).map(drop), Err(CharterError::Full));

    let mut world = World::founded(TEAM);
    let add = |world: &mut World, n: u16| {
        let mut account = [200; 16];
        account[..2].copy_from_slice(&n.to_be_bytes());
        let added = AddedMember {
            account: AccountId::new(account),
            signing_key: Bytes32::new([0; 32]),
            sealing_key: Bytes32::new([0; 32]),
            role: Role::Viewer,
            wrap: Vec::new().into(),
            invite: None,
            sealed_name: Vec::new().into(),
        };
        world.push(ADA, CharterOp::AddMember(added))
    };
    for n in 1..500 {
        assert_eq!(add(&mut world, n), Ok(()), "{n}");
    }
    assert_eq!(add(&mut world, 500), Err(CharterError::Full));
}

#[test]
fn the_last_admin_stays_one() {
    check(|world| world.leave(ADA), Err(CharterError::LastAdmin));
    check(|world| world.set_role(ADA, ADA, Role::Editor), Err(CharterError::LastAdmin));
    check(|world| world.set_role(ADA, ADA, Role::Admin), Ok(()));
    let hand_over = |world: &mut World| world.set_role(ADA, BEN, Role::Admin);
    check(|world| hand_over(world).and_then(|()| world.leave(ADA)), Ok(()));
    check(|world| hand_over(world).and_then(|()| world.set_role(ADA, ADA, Role::Viewer)), Ok(()));
    check(|world| hand_over(world).and_then(|()| world.remove(BEN, &[ADA, CAT])), Ok(()));
    check(
        |world| hand_over(world).and_then(|()| world.leave(ADA)).and_then(|()| world.leave(BEN)),
        Err(CharterError::LastAdmin),
    );
}

#[test]
fn who_goes_does_not_make_the_key_that_comes_after() {
    let hand_over = |world: &mut World| world.set_role(ADA, BEN, Role::Admin);
    check(|world| hand_over(world).and_then(|()| world.remove(ADA, &[ADA])), Err(CharterError::OwnRemoval));
}

#[test]
fn who_was_removed_or_left_writes_no_more() {
    check(|world| world.remove(ADA, &[BEN]).and_then(|()| world.write(BEN)), Err(CharterError::UnknownApp));
    check(|world| world.leave(BEN).and_then(|()| world.write(BEN)), Err(CharterError::UnknownApp));
    check(|world| world.leave(CAT).and_then(|()| world.add_app(CAT, 0)), Err(CharterError::NotMember));
    check(|world| world.remove(ADA, &[DAN]), Err(CharterError::NotMember));
    check(|world| world.set_role(ADA, DAN, Role::Viewer), Err(CharterError::NotMember));
}

#[test]
fn who_comes_back_adds_their_apps_again() {
    let mut world = World::team();
    world.remove(ADA, &[BEN]).expect("he is removed");
    world.add(ADA, BEN, Role::Editor).expect("he is back");
    assert_eq!(world.write(BEN), Err(CharterError::UnknownApp));
    world.add_app(BEN, 0).expect("his app is added");
    assert_eq!(world.write(BEN), Ok(()));
}

#[test]
fn leaving_makes_a_new_epoch_due_and_a_rotation_settles_it() {
    let mut world = World::team();
    assert!(!world.charter.rotation_due());
    world.leave(BEN).expect("he leaves");
    assert!(world.charter.rotation_due());
    assert_eq!(world.charter.epoch(), 1);
    world.rotate(ADA).expect("an admin rotates");
    assert!(!world.charter.rotation_due());
    assert_eq!(world.charter.epoch(), 2);
}

#[test]
fn a_new_epoch_is_the_next_one_and_for_exactly_the_members_that_remain() {
    let check = |change: fn(&mut satchel_wire::Rotation), expected| {
        let mut world = World::team();
        let keys = world.some_keys();
        let gone = [account(CAT)];
        let (mut rotation, _) =
            make_rotation(&world.charter, &keys, &gone, &mut world.rng.clone()).expect("it is founded");
        change(&mut rotation);
        let op = CharterOp::RemoveMembers { accounts: gone.to_vec(), rotation };
        assert_eq!(world.push(ADA, op), expected);
    };
    check(|_| (), Ok(()));
    check(|rotation| rotation.epoch = 3, Err(CharterError::Rotation));
    check(|rotation| rotation.epoch = 1, Err(CharterError::Rotation));
    check(|rotation| rotation.wraps.truncate(1), Err(CharterError::Rotation));
    check(|rotation| rotation.wraps[1].account = account(CAT), Err(CharterError::Rotation));
    check(
        |rotation| {
            let more = rotation.wraps[1].clone();
            rotation.wraps.push(satchel_wire::KeyWrap { account: account(CAT), ..more });
        },
        Err(CharterError::Rotation),
    );
    check(|rotation| rotation.wraps.reverse(), Err(CharterError::Form));
}

#[test]
fn an_app_is_added_by_itself_with_its_account_s_certificate() {
    check(|world| world.add_app(BEN, 1), Ok(()));
    check(|world| world.add_app(BEN, 0), Ok(()));
    check(|world| world.add_app(DAN, 0), Err(CharterError::NotMember));
    let add = |world: &mut World, certificate: Vec<u8>, app: usize| {
        let op = CharterOp::AddApp(AddedApp { certificate: certificate.into() });
        let header = world.header(BEN, app, Content::Charter(op));
        world.push_header(BEN, app, header)
    };
    check(|world| add(world, world.certificate(CAT, 1), 1), Err(CharterError::Certificate));
    check(|world| add(world, world.certificate(BEN, 1), 0), Err(CharterError::Certificate));
    check(|world| add(world, Vec::new(), 1), Err(CharterError::Certificate));
}

#[test]
fn nobody_takes_an_app_s_id_over() {
    // Ben certifies Ada's app id with a key of his.
    let mut world = World::team();
    let stolen = world.people[ADA].apps[0].id;
    let certificate = AppCertificate::issue(
        &world.people[BEN].identity,
        *account(BEN).as_bytes(),
        *stolen.as_bytes(),
        world.people[BEN].apps[1].key.public(),
    );
    let op = CharterOp::AddApp(AddedApp { certificate: certificate.into() });
    let mut header = world.header(BEN, 1, Content::Charter(op));
    header.app = stolen;
    assert_eq!(world.push_header(BEN, 1, header), Err(CharterError::Certificate));
    assert_eq!(world.write(ADA), Ok(()));
}

#[test]
fn an_app_is_revoked_for_good_by_its_own_account_or_an_admin() {
    check(|world| world.revoke_app(BEN, BEN, 0).and_then(|()| world.write(BEN)), Err(CharterError::Revoked));
    check(|world| world.revoke_app(ADA, BEN, 0).and_then(|()| world.write(BEN)), Err(CharterError::Revoked));
    check(
        |world| world.revoke_app(BEN, BEN, 0).and_then(|()| world.add_app(BEN, 0)),
        Err(CharterError::Revoked),
    );
    check(|world| world.revoke_app(CAT, CAT, 0), Ok(()));
    check(|world| world.revoke_app(BEN, ADA, 0), Err(CharterError::Role));
    check(|world| world.revoke_app(BEN, BEN, 1), Err(CharterError::UnknownApp));
    check(
        |world| {
            world.revoke_app(ADA, BEN, 0)?;
            world.remove(ADA, &[BEN])?;
            world.add(ADA, BEN, Role::Editor)?;
            world.add_app(BEN, 0)
        },
        Err(CharterError::Revoked),
    );
}

#[test]
fn a_workspace_of_a_team_takes_members_over_from_its_roster() {
    let mut roster = World::team();
    let mut world = World::founded(TEAM);
    assert_eq!(world.charter.kind(), Some(TEAM));
    // The people of both worlds have the same keys.
    world.take_over(ADA, BEN, Role::Editor).expect("Ben is of the team");
    assert_eq!(world.charter.strangers(&roster.charter).count(), 0);
    world.take_over(ADA, DAN, Role::Editor).expect("the charter alone cannot know");
    assert_eq!(world.charter.strangers(&roster.charter).collect::<Vec<_>>(), [account(DAN)]);
    let Content::Charter(CharterOp::AddMember(added)) = &world.entries.last().expect("it").1.content else {
        panic!("the last entry is Dan's");
    };
    assert!(!roster.charter.has_with_keys(added));
    roster.add(ADA, DAN, Role::Editor).expect("he joins the team");
    assert!(roster.charter.has_with_keys(added));
    let other = AddedMember { sealing_key: Bytes32::new([9; 32]), ..added.clone() };
    assert!(!roster.charter.has_with_keys(&other));
    assert_eq!(world.charter.strangers(&roster.charter).count(), 0);
}

#[test]
fn who_has_left_the_team_is_a_stranger_in_its_workspaces_however_they_came_in() {
    let mut roster = World::team();
    let mut world = World::founded(TEAM);
    world.add(ADA, BEN, Role::Admin).expect("Ben comes by a link");
    world.add(ADA, CAT, Role::Editor).expect("Cat comes by a link");
    world.add(ADA, DAN, Role::Viewer).expect("a guest who is not of the team");
    let check = |roster: &World, expected: &[usize]| {
        let expected: Vec<_> = expected.iter().map(|person| account(*person)).collect();
        assert_eq!(world.charter.strangers(&roster.charter).collect::<Vec<_>>(), expected);
    };
    check(&roster, &[]);
    roster.leave(CAT).expect("she leaves");
    check(&roster, &[CAT]);
    assert!(roster.charter.has_left(account(CAT)) && !roster.charter.has_left(account(DAN)));
    roster.remove(ADA, &[BEN]).expect("he is removed");
    check(&roster, &[BEN, CAT]);
    roster.add(ADA, CAT, Role::Viewer).expect("she comes back");
    check(&roster, &[BEN]);
    roster.add(ADA, BEN, Role::Admin).expect("he comes back");
    roster.leave(ADA).expect("the founder of both leaves the team");
    check(&roster, &[ADA]);
}

#[test]
fn only_a_workspace_of_a_team_has_access_and_a_roster() {
    let open = |world: &mut World| world.push(ADA, CharterOp::SetAccess { open: true });
    check(open, Err(CharterError::Kind));
    check(|world| world.take_over(ADA, DAN, Role::Editor), Err(CharterError::Invite));
    let mut world = World::founded(TEAM);
    assert!(!world.charter.is_open());
    assert_eq!(open(&mut world), Ok(()));
    assert!(world.charter.is_open());
}

#[test]
fn a_ledger_begins_with_its_one_founding() {
    let mut world = World::team();
    let founding = world.charter.founding().expect("it is founded").clone();
    assert_eq!(world.push(ADA, CharterOp::Found(founding)), Err(CharterError::Founding));
    let mut world = World::unfounded(2);
    assert_eq!(world.add_app(ADA, 0), Err(CharterError::Founding));
    assert_eq!(world.leave(ADA), Err(CharterError::UnknownApp));
    let founding = world.make_founding(WorkspaceKind::Personal);
    let mut raised = founding.clone();
    raised.kind = WorkspaceKind::Roster;
    assert_eq!(world.push(ADA, CharterOp::Found(raised.clone())), Err(CharterError::WrongId));
    // Under its own id it is another workspace, whose key then does not open.
    world.workspace = WorkspaceId::new(derive_workspace_id(&raised.identity_bytes()));
    assert_eq!(world.push(BEN, CharterOp::Found(raised.clone())), Err(CharterError::Certificate));
    assert_eq!(world.push(ADA, CharterOp::Found(raised)), Ok(()));
    assert_eq!(world.charter.owner(), Some(account(ADA)));
}

#[test]
fn a_manifest_is_signed_by_who_may_write_under_the_present_epoch() {
    let sign = |world: &World, person: usize, epoch: u32| {
        let manifest = Manifest {
            workspace: world.workspace,
            author: account(person),
            app: world.people[person].apps[0].id,
            head: satchel_wire::Head::EMPTY,
            digest: satchel_wire::Digest::new([0; 32]),
            epoch,
            nodes: 0,
            bodies: 0,
            charter: Bytes32::new([0; 32]),
            packs: Vec::new(),
        };
        let bytes = manifest.encode();
        let signature = Signature::new(world.people[person].apps[0].key.sign_manifest(&bytes));
        let signed = SignedManifest { manifest: bytes.into(), signature };
        world.charter.check_manifest(&manifest, &signed)
    };
    check(|world| sign(world, BEN, 1), Ok(()));
    check(|world| sign(world, CAT, 1), Err(CharterError::Role));
    check(|world| sign(world, DAN, 1), Err(CharterError::UnknownApp));
    check(|world| sign(world, BEN, 2), Err(CharterError::Epoch));
}

#[test]
fn the_hash_is_over_every_entry() {
    let mut world = World::team();
    let before = world.charter.hash();
    world.rotate(ADA).expect("an admin rotates");
    assert_ne!(world.charter.hash(), before);
    let mut replayed = Charter::default();
    for (seq, header, signed) in &world.entries {
        replayed.replay(*seq, header, signed).expect("what was accepted is accepted");
    }
    assert_eq!(replayed.hash(), world.charter.hash());
}
