//! Several people in one workspace: roles, drafts, removals and new keys.

use satchel_charter::{Joiner, make_join};
use satchel_crypto::{InviteLink, InviteSecret};
use satchel_model::RecordId;
use satchel_sync::{Act, ActError, Alarm, CharterError, Founded, SyncState};
use satchel_wire::{AccountId, ErrorCode, JoinProof, Refusal, Role, ServerFrame, WorkspaceId, WorkspaceKind};

use crate::support::{World, account, identity_keys};

const ADA: u8 = 1;
const BEN: u8 = 2;
const CAT: u8 = 3;
const NOW: u64 = 1_000;

impl World {
    /// An app of each person; Ada's founded the workspace.
    fn of_people(people: &[u8], kind: WorkspaceKind) -> Self {
        let mut world = Self::unfounded(people.to_vec());
        world.server.judges = true;
        world.workspace = world.found(0, kind);
        (0..people.len()).for_each(|index| world.connect(index));
        world.settle();
        world
    }

    /// Ada as admin, Ben as editor and Cat as viewer, each with one app.
    fn of_three() -> Self {
        let mut world = Self::of_people(&[ADA, BEN, CAT], WorkspaceKind::Personal);
        world.join(0, BEN, Role::Editor);
        world.join(0, CAT, Role::Viewer);
        world
    }

    fn found(&mut self, index: usize, kind: WorkspaceKind) -> WorkspaceId {
        let app = &mut self.apps[index];
        let founded = Founded { kind, name: "Work", founder: Some("Ada") };
        app.engine.found(&founded, &mut app.rng, &mut app.store).expect("it is founded")
    }

    fn act(&mut self, index: usize, act: Act) -> Result<(), ActError> {
        let workspace = self.workspace;
        let app = &mut self.apps[index];
        let id = app.engine.begin_act::<std::convert::Infallible>(workspace, act).expect("it is known");
        self.settle();
        self.apps[index].engine.act_result(workspace, id).expect("it has ended")
    }

    /// Lets every app do what is due by itself.
    fn tick(&mut self) {
        for _ in 0..4 {
            for app in self.apps.iter_mut().filter(|app| app.online) {
                while let Some(at) = app.engine.handle_time(NOW, &mut app.rng) {
                    app.engine.handle_time(at, &mut app.rng);
                }
            }
            self.settle();
        }
    }

    fn invite(&mut self, index: usize, person: u8, role: Role) -> JoinProof {
        let secret = InviteSecret::make(&mut self.apps[index].rng);
        let again = InviteLink { server: "https://a".into(), workspace: *self.workspace.as_bytes(), secret };
        let link = InviteLink::parse(&again.expose_secret()).expect("it is a link");
        let act = Act::Invite { secret: link.secret, role, expires_ms: NOW + 500 };
        self.act(index, act).expect("it is opened");
        let keys = identity_keys(person);
        let joiner = Joiner { account: account(person), identity: &keys, name: &format!("Person {person}") };
        make_join(&again, &joiner, &mut self.apps[index].rng).expect("it is made")
    }

    fn claim(&mut self, index: usize, proof: JoinProof) {
        let workspace = self.workspace;
        let frame = ServerFrame::Joins { workspace, proofs: vec![proof] };
        let app = &mut self.apps[index];
        app.engine.handle_frame(frame, NOW, &mut app.store).expect("a memory store works");
        self.tick();
    }

    fn join(&mut self, index: usize, person: u8, role: Role) {
        let proof = self.invite(index, person, role);
        self.claim(index, proof);
        assert_eq!(self.role(index, person), Some(role));
    }

    fn role(&self, index: usize, person: u8) -> Option<Role> {
        self.apps[index].engine.charter(self.workspace).expect("it is there").role_of(account(person))
    }

    fn state(&self, index: usize) -> SyncState {
        self.apps[index].engine.summary(self.workspace).expect("it is there").state
    }

    fn is_gone(&self, index: usize) -> bool {
        matches!(self.state(index), SyncState::Blocked(Alarm::Gone, _))
    }

    fn drafts(&self, index: usize) -> (u64, u64) {
        let summary = self.apps[index].engine.summary(self.workspace).expect("it is there");
        (summary.drafts, summary.up)
    }
}

fn epoch(world: &World, index: usize) -> u32 {
    world.apps[index].engine.charter(world.workspace).expect("it is there").epoch()
}

fn names(world: &World, index: usize, people: &[u8]) -> Vec<Option<String>> {
    let name = |person: &u8| world.apps[index].engine.name_of(world.workspace, account(*person));
    people.iter().map(name).collect()
}

#[test]
fn who_was_invited_reads_and_editors_write() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a")]);
    world.settle();
    world.set(1, record, "url", "b");
    world.settle();
    world.check_equal();
    assert_eq!(world.field(2, record, "url"), "b");
    let expected = ["Ada", "Person 2", "Person 3"].map(|name| Some(name.to_owned()));
    (0..3).for_each(|index| assert_eq!(names(&world, index, &[ADA, BEN, CAT]), expected));
}

#[test]
fn a_claim_counts_once_and_only_while_its_invitation_is_open() {
    let check = |spoil: fn(&mut World, AccountId), expected: Option<Role>| {
        let mut world = World::of_people(&[ADA, BEN], WorkspaceKind::Personal);
        let proof = world.invite(0, BEN, Role::Editor);
        spoil(&mut world, account(BEN));
        world.claim(0, proof);
        assert_eq!(world.role(0, BEN), expected);
    };
    check(|_, _| {}, Some(Role::Editor));
    check(
        |world, _| {
            let charter = world.apps[0].engine.charter(world.workspace).expect("it is there");
            let (invite, _) = charter.invites().next().expect("it is open");
            world.act(0, Act::RevokeInvite(invite)).expect("it ends");
        },
        None,
    );
}

#[test]
fn two_members_that_edit_one_field_offline_make_one_conflict_and_settle_it_once() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a")]);
    world.settle();
    world.disconnect(0);
    world.disconnect(1);
    world.set(0, record, "url", "from ada");
    world.set(1, record, "url", "from ben");
    world.connect(0);
    world.settle();
    world.connect(1);
    world.settle();
    world.check_equal();
    let conflicts = |world: &World, index: usize| world.apps[index].engine.conflicts(world.workspace).len();
    assert_eq!([0, 1, 2].map(|index| conflicts(&world, index)), [1, 1, 1]);
    let mut body = world.body(1, record);
    body.conflicts.clear();
    world.edit(1, satchel_sync::Change { record, node: None, body: Some(body) });
    world.settle();
    world.check_equal();
    assert_eq!([0, 1, 2].map(|index| conflicts(&world, index)), [0, 0, 0]);
}

#[test]
fn what_a_viewer_writes_is_kept_as_a_draft_until_the_role_rises() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a")]);
    world.settle();
    world.set(2, record, "url", "draft");
    let own = world.create(2, "Mine", &[]);
    world.settle();
    assert_eq!(world.drafts(2), (2, 0));
    assert_eq!(world.state(2), SyncState::InSync, "there is nothing to wait for");
    assert_eq!((world.field(2, record, "url"), world.field(0, record, "url")), ("draft".into(), "a".into()));
    world.apps[2].restart();
    world.connect(2);
    world.settle();
    assert_eq!(world.drafts(2), (2, 0), "a draft outlives a restart");
    world.act(0, Act::SetRole(account(CAT), Role::Editor)).expect("it is done");
    world.check_equal();
    assert_eq!((world.field(0, record, "url"), world.field(1, own, "url")), ("draft".into(), "None".into()));
}

#[test]
fn a_draft_is_discarded_only_on_demand() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a")]);
    world.settle();
    world.set(2, record, "url", "draft");
    let own = world.create(2, "Mine", &[]);
    let workspace = world.workspace;
    let app = &mut world.apps[2];
    let count = app.engine.discard(workspace, &[record, own], &mut app.store).expect("it is written");
    assert_eq!(count, 2);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(2, record, "url"), "a");
}

#[test]
fn an_edit_that_the_server_refuses_for_a_lower_role_becomes_a_draft() {
    let mut world = World::of_three();
    let record = world.create(1, "Login", &[("url", "a")]);
    world.settle();
    world.set(1, record, "url", "too late");
    begin(&mut world, 0, Act::SetRole(account(BEN), Role::Viewer));
    world.send(0); // the server has the new role before Ben's app hears of it
    world.settle();
    assert_eq!(world.drafts(1), (1, 0));
    assert_eq!(world.field(1, record, "url"), "too late");
    assert_eq!(world.field(0, record, "url"), "a");
}

fn begin(world: &mut World, index: usize, act: Act) -> u64 {
    let workspace = world.workspace;
    world.apps[index].engine.begin_act::<std::convert::Infallible>(workspace, act).expect("it is known")
}

/// The server has stopped judging: what app 1 has forged over `a` is an alarm in the other two, and changes nothing.
#[track_caller]
fn check_refused_by_the_others(mut world: World, record: RecordId) {
    world.server.judges = false;
    world.settle();
    for index in [0, 2] {
        assert!(matches!(world.state(index), SyncState::Blocked(Alarm::Forged, _)), "app {index}");
        assert_eq!(world.field(index, record, "url"), "a");
    }
}

#[test]
fn a_write_that_a_modified_server_takes_from_a_viewer_is_refused_by_the_other_apps() {
    let mut world = World::of_three();
    let record = world.create(1, "Login", &[("url", "a")]);
    world.settle();
    world.set(1, record, "url", "forged");
    begin(&mut world, 0, Act::SetRole(account(BEN), Role::Viewer));
    world.send(0);
    check_refused_by_the_others(world, record);
}

#[test]
fn an_edit_under_the_key_before_is_sealed_again() {
    let mut world = World::of_three();
    let record = world.create(1, "Login", &[("url", "a")]);
    world.settle();
    world.set(1, record, "url", "b");
    begin(&mut world, 0, Act::Rotate);
    world.send(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "b");
    assert_eq!([0, 1, 2].map(|index| epoch(&world, index)), [2, 2, 2]);
}

#[test]
fn an_edit_that_was_taken_before_the_new_key_is_not_made_twice() {
    let mut world = World::of_three();
    let record = world.create(1, "Login", &[("url", "a")]);
    world.settle();
    world.server.lose_answers = true;
    world.set(1, record, "url", "b");
    world.send(1);
    world.server.lose_answers = false;
    world.disconnect(1);
    world.act(0, Act::Rotate).expect("it is done");
    world.apps[1].restart();
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.server.ledgers[&world.workspace].records.len(), 3);
    assert_eq!(world.field(0, record, "url"), "b");
}

#[test]
fn a_removed_member_keeps_what_was_here_and_gets_nothing_more() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "before")]);
    world.settle();
    world.act(0, Act::Remove(vec![account(BEN)])).expect("it is done");
    assert!(world.is_gone(1));
    world.set(0, record, "url", "after");
    world.settle();
    world.set(1, record, "url", "unsent");
    for _ in 0..2 {
        assert_eq!(world.field(1, record, "url"), "unsent");
        assert_eq!(world.drafts(1), (0, 1));
        world.apps[1].restart();
        world.connect(1);
        world.settle();
        assert!(world.is_gone(1));
    }
    assert_eq!((world.field(2, record, "url"), epoch(&world, 2)), ("after".into(), 2));
    let ledger = &world.server.ledgers[&world.workspace];
    let (_, _, envelope) = ledger
        .records
        .iter()
        .find(|((id, part), _)| {
            *part == satchel_wire::Part::Body && *id == satchel_wire::RecordId::new(record.0)
        })
        .map(|(_, row)| row)
        .expect("it is there");
    let keys = world.apps[1].engine.keys(world.workspace).expect("the old ones are there");
    assert!(keys.of_sealed(envelope).is_none());
    let place = satchel_crypto::EnvelopePlace {
        workspace: *world.workspace.as_bytes(),
        record: record.0,
        part: satchel_wire::Part::Body as u8,
    };
    assert!(satchel_crypto::open_envelope(keys.current(), &place, envelope).is_err());
}

#[test]
fn who_was_removed_and_comes_again_reads_everything_and_sends_what_waited() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a"), ("note", "a")]);
    world.settle();
    world.act(0, Act::Remove(vec![account(BEN)])).expect("it is done");
    world.set(1, record, "note", "waited");
    world.set(0, record, "url", "b");
    world.settle();
    world.join(0, BEN, Role::Editor);
    world.check_equal();
    assert_eq!(
        (world.field(1, record, "url"), world.field(0, record, "note")),
        ("b".into(), "waited".into())
    );
}

#[test]
fn an_edit_that_was_under_way_at_the_removal_waits_and_is_not_set_aside() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a")]);
    world.settle();
    let workspace = world.workspace;
    world.set(1, record, "url", "under way");
    let app = &mut world.apps[1];
    let frame = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("it works");
    let Some(satchel_wire::ClientFrame::Commit { header, .. }) = frame else { panic!("{frame:?}") };
    let commit = satchel_wire::CommitHeader::decode(&header.header).expect("it is one").commit;
    let refusal = Refusal::new(ErrorCode::NotFound, "nothing there for this account");
    let answer = ServerFrame::Rejected { workspace, commit: Some(commit), refusal };
    app.engine.handle_frame(answer, NOW, &mut app.store).expect("it works");
    assert!(world.is_gone(1));
    let summary = world.apps[1].engine.summary(workspace).expect("it is there");
    assert_eq!((summary.up, summary.aside.len()), (1, 0));
    world.act(0, Act::Remove(vec![account(BEN)])).expect("it is done");
    world.join(0, BEN, Role::Editor);
    world.check_equal();
    assert_eq!(world.field(2, record, "url"), "under way");
}

#[test]
fn an_edit_that_was_lost_on_its_way_before_the_removal_is_signed_anew_after_it() {
    let mut world = World::of_three();
    let record = world.create(1, "Login", &[("url", "a")]);
    world.settle();
    world.set(1, record, "url", "under way");
    let app = &mut world.apps[1];
    let frame = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("it works");
    assert!(matches!(frame, Some(satchel_wire::ClientFrame::Commit { .. })), "it is lost on its way");
    world.disconnect(1);
    world.act(0, Act::Remove(vec![account(BEN)])).expect("it is done");
    world.join(0, BEN, Role::Editor); // and Ben's app, which the charter forgot, makes the same commit again
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(2, record, "url"), "under way");
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert_eq!((summary.up, summary.aside.len()), (0, 0));
}

#[test]
fn who_leaves_is_gone_and_an_admin_begins_a_new_key() {
    let mut world = World::of_three();
    assert_eq!(world.act(1, Act::Leave), Ok(()));
    assert!(world.is_gone(1));
    world.tick();
    assert_eq!((epoch(&world, 0), epoch(&world, 2)), (2, 2));
    assert_eq!(world.act(0, Act::Leave), Err(ActError::Charter(CharterError::LastAdmin)));
    let demoted = world.act(0, Act::SetRole(account(ADA), Role::Editor));
    assert_eq!(demoted, Err(ActError::Charter(CharterError::LastAdmin)));
    world.act(0, Act::SetRole(account(CAT), Role::Admin)).expect("it is done");
    assert_eq!(world.act(0, Act::Leave), Ok(()));
    world.tick();
    assert_eq!((epoch(&world, 2), world.role(2, ADA)), (3, None));
}

#[test]
fn two_admins_who_act_at_once_both_succeed() {
    let mut world = World::of_three();
    world.act(0, Act::SetRole(account(BEN), Role::Admin)).expect("it is done");
    let ids = [begin(&mut world, 0, Act::Rotate), begin(&mut world, 1, Act::Rotate)];
    world.settle();
    let workspace = world.workspace;
    for (index, id) in ids.into_iter().enumerate() {
        assert_eq!(world.apps[index].engine.act_result(workspace, id), Some(Ok(())));
    }
    assert_eq!(epoch(&world, 2), 3);
}

#[test]
fn a_member_who_comes_after_the_packs_begins_from_them() {
    let mut world = World::of_three();
    let record = world.create(0, "Login", &[("url", "a")]);
    world.settle();
    world.make_packs(0);
    world.act(0, Act::Remove(vec![account(CAT)])).expect("it is done");
    world.set(0, record, "url", "b");
    world.settle();
    let index = world.add_app_of(4);
    world.join(0, 4, Role::Viewer);
    world.settle();
    assert_eq!(world.field(index, record, "url"), "b");
    world.apps[index].restart();
    world.connect(index);
    world.settle();
    assert_eq!((world.field(index, record, "url"), world.state(index)), ("b".into(), SyncState::InSync));
    world.make_packs(1);
    let other = world.add_app_of(4);
    world.settle();
    assert_eq!(world.field(other, record, "url"), "b", "packs of an older key stand beside newer ones");
}

#[test]
fn a_teams_open_workspace_takes_its_members_and_loses_who_leaves_the_team() {
    let mut world = World::of_people(&[ADA, BEN], WorkspaceKind::Roster);
    let roster = world.workspace;
    world.join(0, BEN, Role::Editor);
    world.workspace = world.found(0, WorkspaceKind::Team(roster));
    world.settle();
    world.tick();
    assert_eq!(world.role(0, BEN), None, "it is not open yet");
    world.act(0, Act::SetAccess(true)).expect("it is done");
    world.tick();
    assert_eq!((world.role(0, BEN), names(&world, 1, &[ADA, BEN]).len()), (Some(Role::Editor), 2));
    let team = std::mem::replace(&mut world.workspace, roster);
    world.act(0, Act::Remove(vec![account(BEN)])).expect("it is done");
    world.workspace = team;
    world.tick();
    assert_eq!((world.role(0, BEN), epoch(&world, 0)), (None, 2));
}

#[test]
fn a_server_that_calls_the_newest_key_old_is_not_followed_for_ever() {
    let mut world = World::of_three();
    let record = world.create(1, "Login", &[("url", "a")]);
    world.settle();
    let workspace = world.workspace;
    world.set(1, record, "url", "b");
    let app = &mut world.apps[1];
    let mut asked = 0;
    while let Some(frame) = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("it works") {
        match frame {
            satchel_wire::ClientFrame::Commit { header, .. } => {
                asked += 1;
                let header = satchel_wire::CommitHeader::decode(&header.header).expect("it is one");
                let refusal = Refusal::new(ErrorCode::EpochOld, "");
                let answer = ServerFrame::Rejected { workspace, commit: Some(header.commit), refusal };
                app.engine.handle_frame(answer, NOW, &mut app.store).expect("it works");
            }
            satchel_wire::ClientFrame::Subscribe { cursor, .. } => {
                let digest = world.server.ledgers[&workspace].digest();
                let answer = ServerFrame::CaughtUp { workspace, head: cursor, digest };
                app.engine.handle_frame(answer, NOW, &mut app.store).expect("it works");
            }
            other => panic!("{other:?}"),
        }
        assert!(asked < 10, "it stops asking");
    }
    assert!(asked > 1);
    assert_eq!(world.field(1, record, "url"), "b", "the edit stays here");
}

#[test]
fn who_leaves_the_team_is_removed_from_its_workspaces_however_they_came_in() {
    let mut world = World::of_people(&[ADA, BEN, CAT], WorkspaceKind::Roster);
    let roster = world.workspace;
    world.join(0, BEN, Role::Editor);
    world.join(0, CAT, Role::Viewer);
    let team = world.found(1, WorkspaceKind::Team(roster)); // Ben's, to which he brings Ada
    world.workspace = team;
    world.settle();
    world.join(1, ADA, Role::Admin);
    world.join(0, 4, Role::Editor); // a guest, who never was of the team
    world.workspace = roster;
    world.act(1, Act::Leave).expect("it is done");
    world.workspace = team;
    world.tick();
    assert_eq!((world.role(0, BEN), world.role(0, 4)), (None, Some(Role::Editor)));
    assert_eq!(epoch(&world, 0), 2, "with a new key");
    let proof = world.invite(0, BEN, Role::Editor);
    world.claim(0, proof);
    assert_eq!(world.role(0, BEN), None, "the team has to take them back first");
}

/// Two apps of Ada, the second of which has written, and one of Ben.
fn of_two_apps() -> (World, satchel_model::RecordId) {
    let mut world = World::of_people(&[ADA, ADA, BEN], WorkspaceKind::Personal);
    world.join(0, BEN, Role::Editor);
    let record = world.create(1, "Login", &[("url", "a"), ("note", "a")]);
    world.settle();
    (world, record)
}

#[test]
fn what_a_revoked_app_signs_and_a_modified_server_takes_is_refused_by_the_other_apps() {
    let (mut world, record) = of_two_apps();
    let app = world.apps[1].id();
    world.set(1, record, "url", "forged");
    begin(&mut world, 0, Act::RevokeApp(app));
    world.send(0);
    check_refused_by_the_others(world, record);
}

#[test]
fn an_app_that_was_revoked_signs_in_as_another_one_and_sends_what_waited() {
    let (mut world, record) = of_two_apps();
    world.server.lose_answers = true;
    world.set(1, record, "url", "taken");
    world.send(1); // the server has it, and the app does not know
    world.server.lose_answers = false;
    world.disconnect(1);
    world.set(1, record, "url", "later");
    world.set(1, record, "note", "waited");
    let before = world.apps[1].id();
    world.act(0, Act::RevokeApp(before)).expect("it is done");
    world.apps[1].sign_in_again(40);
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(
        (world.field(2, record, "url"), world.field(2, record, "note")),
        ("later".into(), "waited".into())
    );
    let conflicts = world.apps[0].engine.conflicts(world.workspace).len();
    assert_eq!(conflicts, 0, "nobody else wrote");
    let charter = world.apps[2].engine.charter(world.workspace).expect("it is there");
    assert!(charter.is_revoked(before) && charter.knows(world.apps[1].id()));
}

#[test]
fn a_commit_that_never_arrived_is_signed_anew_after_another_sign_in() {
    let (mut world, record) = of_two_apps();
    world.set(1, record, "url", "b");
    let app = &mut world.apps[1];
    let frame = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("it works");
    assert!(matches!(frame, Some(satchel_wire::ClientFrame::Commit { .. })), "it is lost on its way");
    world.disconnect(1);
    world.apps[1].sign_in_again(40);
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(2, record, "url"), "b");
}

#[test]
fn a_workspace_whose_founding_never_arrived_is_founded_by_the_next_sign_in() {
    let mut world = World::unfounded(vec![ADA, ADA]);
    world.server.judges = true;
    world.workspace = world.found(0, WorkspaceKind::Personal);
    let record = world.create(0, "Login", &[("url", "a")]);
    world.apps[0].sign_in_again(40);
    (0..2).for_each(|index| world.connect(index));
    world.settle();
    world.check_equal();
    assert_eq!(world.field(1, record, "url"), "a");
    let charter = world.apps[1].engine.charter(world.workspace).expect("it is there");
    assert!(charter.knows(world.apps[0].id()));
}
