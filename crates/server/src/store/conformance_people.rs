//! The part of the suite that is about people: roles, invitations, removals, teams.
//!
//! A case is a list of acts with what was published of each. People are numbers, and each has one app.
//! Nothing here is sealed: a store opens nothing.

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use satchel_charter::Charter;
use satchel_wire::{
    AddedMember, Bytes32, CharterOp, CommitHeader, CommitId, Content, Head, InviteId, JoinClaim, JoinProof,
    KeyWrap, NewInvite, Role, Rotation, Signature, WorkspaceId, WorkspaceKind,
};

use super::conformance::{Author, NOW, Open, World, ops, put, read};
use super::conformance_packs::{end, manifest};
use super::{JoinVerdict, NewJoin, NewPack, PackVerdict, SnapshotRequest, StoreError};
use crate::config::Retention;
use crate::service::Outcome;

pub(crate) const EXPIRES: u64 = NOW + 1_000;

/// A store with nine accounts, of which the first has a workspace.
pub(crate) struct People {
    pub(crate) world: World,
    pub(crate) authors: Vec<Author>,
    commits: u8,
}

fn number(account: satchel_wire::AccountId) -> u8 {
    account.as_bytes()[0]
}

/// One workspace, as its people see it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) workspace: WorkspaceId,
    pub(crate) head: Head,
    pub(crate) epoch: u32,
}

impl People {
    pub(crate) fn new(open: Open<'_>) -> (Self, Place) {
        let world = World::new(open);
        let authors: Vec<_> = (1..=9).map(|account| Author::new(account, account)).collect();
        for author in &authors[1..] {
            world.store.make_account(author.new_account()).expect("it is stored");
        }
        let place = Place { workspace: world.workspace, head: world.head, epoch: 1 };
        (Self { world, authors, commits: 100 }, place)
    }

    pub(crate) fn author(&self, person: u8) -> &Author {
        &self.authors[usize::from(person) - 1]
    }

    fn header(&mut self, place: Place, person: u8, content: Content) -> CommitHeader {
        self.commits += 1;
        let header = self.author(person).header(place.workspace, self.commits, place.head, content);
        CommitHeader { epoch: place.epoch, ..header }
    }

    /// Pushes something and tells in short what was published of it.
    fn push(&mut self, place: &mut Place, header: CommitHeader, envelopes: Vec<Vec<u8>>) -> String {
        let person = number(header.author);
        self.world.store.push(self.author(person).push(header, envelopes));
        self.told(place)
    }

    fn told(&self, place: &mut Place) -> String {
        self.world.store.check_writable().expect("it writes");
        let words: Vec<_> = self.world.heard.take().iter().map(|outcome| tell(outcome, place)).collect();
        words.join(", ")
    }

    pub(crate) fn act(&mut self, place: &mut Place, person: u8, op: CharterOp) -> String {
        let header = self.header(*place, person, Content::Charter(op));
        self.push(place, header, Vec::new())
    }

    fn write(&mut self, place: &mut Place, person: u8) -> String {
        let bytes = vec![self.commits; 3];
        let content = ops(vec![put(place.workspace, self.commits.into(), None, &bytes)]);
        let header = self.header(*place, person, content);
        self.push(place, header, vec![bytes])
    }

    pub(crate) fn add_app(&mut self, place: &mut Place, person: u8) -> String {
        self.commits += 1;
        let header = self.author(person).add_app(place.workspace, self.commits, place.head);
        let header = CommitHeader { epoch: place.epoch, ..header };
        self.push(place, header, Vec::new())
    }

    pub(crate) fn found(&mut self, person: u8, salt: u8, kind: WorkspaceKind) -> (Place, String) {
        let header = self.author(person).founding_of(salt, kind);
        let mut place = Place { workspace: header.workspace, head: Head::EMPTY, epoch: 1 };
        let told = self.push(&mut place, header, Vec::new());
        (place, told)
    }

    fn claim(&self, place: Place, person: u8, invite: u8) -> JoinVerdict {
        let (account, public) = (self.author(person).account, self.author(person).keys.public());
        let claim = JoinClaim {
            workspace: place.workspace,
            invite: InviteId::new([invite; 16]),
            account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            sealed_name: vec![1; 40].into(),
        };
        let (invite, claim) = (claim.invite, claim.encode().into());
        let signature = Signature::new([person; 64]);
        let proof = JoinProof { claim, invite_signature: signature, identity_signature: signature };
        let join = NewJoin { workspace: place.workspace, invite, account, proof, now_ms: NOW };
        self.world.store.put_join(join).expect("it answers")
    }

    pub(crate) fn added(&self, person: u8, role: Role, invite: Option<u8>) -> AddedMember {
        let public = self.author(person).keys.public();
        AddedMember {
            account: self.author(person).account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            role,
            wrap: vec![3; 80].into(),
            invite: invite.map(|invite| InviteId::new([invite; 16])),
            sealed_name: vec![4; 40].into(),
        }
    }

    /// Invites someone, who claims it, and adds them.
    pub(crate) fn join(&mut self, place: &mut Place, by: u8, (person, role): (u8, Role)) -> String {
        let invite = 200 + person;
        self.act(place, by, invitation(invite, role));
        assert!(matches!(self.claim(*place, person, invite), JoinVerdict::Waits { .. }));
        let added = self.added(person, role, Some(invite));
        self.act(place, by, CharterOp::AddMember(added))
    }

    /// Removes one of the members.
    pub(crate) fn remove(&mut self, place: &mut Place, by: u8, person: u8, remain: &[u8]) -> String {
        let rotation = self.rotation(*place, remain);
        let accounts = vec![self.author(person).account];
        let told = self.act(place, by, CharterOp::RemoveMembers { accounts, rotation });
        place.epoch += u32::from(told.contains("accepted"));
        told
    }

    pub(crate) fn rotation(&self, place: Place, remain: &[u8]) -> Rotation {
        let wrap = |person: &u8| KeyWrap { account: self.author(*person).account, wrap: vec![5; 80].into() };
        Rotation {
            epoch: place.epoch + 1,
            commitment: Bytes32::new([place.epoch.to_be_bytes()[3]; 32]),
            wraps: remain.iter().map(wrap).collect(),
            sealed_previous: vec![6; 72].into(),
        }
    }

    fn reads(&self, place: Place, person: u8) -> bool {
        let account = self.author(person).account;
        let request = SnapshotRequest { workspace: place.workspace, cursor: Head::EMPTY, pages_after: 0 };
        let reads = match read(&*self.world.store, account, request) {
            Ok(_) => true,
            Err(StoreError::NotFound) => false,
            Err(other) => panic!("{other:?}"),
        };
        let listed = self.world.store.workspaces(account).expect("it reads");
        assert_eq!(listed.iter().any(|entry| entry.workspace == place.workspace), reads);
        let record = (super::conformance::record(1), satchel_wire::Part::Body);
        let fetched = self.world.store.fetch(account, place.workspace, &[record]);
        assert_eq!(fetched.is_ok(), reads);
        assert_eq!(self.world.store.role(account, place.workspace).is_ok(), reads);
        assert_eq!(self.world.store.read_headers(account, place.workspace, 0).is_ok(), reads);
        reads
    }
}

fn invitation(invite: u8, role: Role) -> CharterOp {
    CharterOp::Invite(NewInvite {
        invite: InviteId::new([invite; 16]),
        key: Bytes32::new([invite; 32]),
        role,
        expires_ms: EXPIRES,
        sealed_name_key: vec![2; 72].into(),
    })
}

/// An outcome in short; moves the place along.
fn tell(outcome: &Outcome, place: &mut Place) -> String {
    match outcome {
        Outcome::Accepted { head, .. } => {
            place.head = *head;
            "accepted".to_owned()
        }
        Outcome::Repeated { seq, .. } => format!("repeated {seq}"),
        Outcome::Rejected { refusal, .. } => format!("{:?}", refusal.code),
        Outcome::WorkspaceAdded { account, .. } => format!("founded {}", number(*account)),
        Outcome::FeedsEnded { account, .. } => format!("cut {}", number(*account)),
        Outcome::WorkspaceRemoved { account, workspace } => {
            let other = if *workspace == place.workspace { "" } else { " elsewhere" };
            format!("lost {}{other}", number(*account))
        }
        Outcome::WorkspaceShown { account, entry } => {
            let other = if entry.workspace == place.workspace { "" } else { " elsewhere" };
            format!("got {}{other}", number(*account))
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn roles(open: Open<'_>) {
    let (mut people, mut place) = People::new(open);
    let place = &mut place;
    let added = people.added(2, Role::Editor, Some(9));
    assert_eq!(people.act(place, 1, CharterOp::AddMember(added.clone())), "InviteGone");
    assert_eq!(people.act(place, 1, invitation(9, Role::Editor)), "accepted");
    assert_eq!(people.act(place, 1, CharterOp::AddMember(added.clone())), "InviteGone", "nobody claims it");
    assert!(matches!(people.claim(*place, 2, 9), JoinVerdict::Waits { .. }));
    assert!(!people.reads(*place, 2), "who waits has no rights");
    assert_eq!(people.write(place, 2), "NotFound");
    let other = people.added(3, Role::Editor, Some(9));
    assert_eq!(people.act(place, 1, CharterOp::AddMember(other)), "InviteGone", "somebody else claims it");
    let mut stolen = added.clone();
    stolen.sealing_key = Bytes32::new([9; 32]);
    assert_eq!(people.act(place, 1, CharterOp::AddMember(stolen)), "InviteGone", "other keys");
    assert_eq!(people.act(place, 1, CharterOp::AddMember(added)), "accepted, got 2");
    assert_eq!(people.join(place, 1, (3, Role::Viewer)), "accepted, got 3");
    assert!(people.reads(*place, 2) && people.reads(*place, 3) && !people.reads(*place, 4));

    assert_eq!(people.write(place, 2), "Forbidden", "its app is not in the charter");
    assert_eq!(people.add_app(place, 2), "accepted");
    assert_eq!(people.write(place, 2), "accepted");
    assert_eq!(people.add_app(place, 3), "accepted");
    assert_eq!(people.write(place, 3), "RoleTooLow");
    assert_eq!(people.add_app(place, 4), "NotFound");
    assert_eq!(people.act(place, 2, invitation(10, Role::Viewer)), "RoleTooLow");
    packs_by_role(&people, *place);
    let (editor, outsider) = (people.author(2).account, people.author(4).account);
    let store = &people.world.store;
    let asked = [editor, outsider].map(|account| store.joins(account, place.workspace, NOW));
    assert!(matches!(asked, [Err(StoreError::RoleTooLow), Err(StoreError::NotFound)]), "{asked:?}");
    let deleted = store.delete_workspace(editor, place.workspace);
    assert!(matches!(deleted, Err(StoreError::RoleTooLow)), "{deleted:?}");

    let account = people.author(3).account;
    assert_eq!(people.act(place, 1, CharterOp::SetRole { account, role: Role::Editor }), "accepted");
    assert_eq!(people.write(place, 3), "accepted");
    let app = people.author(3).app;
    assert_eq!(people.act(place, 2, CharterOp::RevokeApp { app }), "RoleTooLow");
    assert_eq!(people.act(place, 1, CharterOp::RevokeApp { app }), "accepted");
    assert_eq!(people.write(place, 3), "Forbidden", "its app was revoked");
    assert_eq!(people.add_app(place, 3), "Forbidden", "for good");
}

fn packs_by_role(people: &People, place: Place) {
    let verdict = |person: u8| {
        let author = people.author(person);
        let bytes = vec![person; 40];
        let new = NewPack {
            workspace: place.workspace,
            app: author.app,
            app_key: Bytes32::new(author.app_key.public()),
            pack: satchel_wire::PackId::new(satchel_crypto::derive_pack_id(&bytes)),
            bytes: bytes.into(),
            now_ms: NOW,
        };
        people.world.store.put_pack(author.account, new)
    };
    assert_eq!(verdict(2).expect("it answers"), PackVerdict::Taken);
    assert_eq!(verdict(3).expect("it answers"), PackVerdict::RoleTooLow);
    assert!(matches!(verdict(4), Err(StoreError::NotFound)));
}

pub(super) fn removal(open: Open<'_>) {
    let (mut people, mut place) = People::new(open);
    let place = &mut place;
    people.join(place, 1, (2, Role::Editor));
    people.join(place, 1, (3, Role::Editor));
    people.add_app(place, 2);
    let content = ops(vec![put(place.workspace, 7, None, b"old")]);
    let old = people.header(*place, 2, content.clone());
    let own = people.header(*place, 1, content);
    let unsent = people.header(*place, 1, ops(vec![put(place.workspace, 8, None, b"late")]));
    assert_eq!(people.push(place, own.clone(), vec![b"old".to_vec()]), "accepted");
    assert_eq!(people.remove(place, 2, 3, &[1, 2]), "RoleTooLow");
    assert_eq!(people.remove(place, 1, 2, &[1, 2, 3]), "CharterMoved", "a wrap for who goes");
    assert_eq!(people.remove(place, 1, 4, &[1, 2, 3]), "CharterMoved", "no member");
    assert_eq!(people.remove(place, 1, 2, &[1, 3]), "cut 2, accepted, lost 2");
    assert!(!people.reads(*place, 2) && people.reads(*place, 3));
    assert_eq!(people.push(place, old, vec![b"old".to_vec()]), "NotFound");
    assert_eq!(people.act(place, 2, CharterOp::Leave), "NotFound");

    assert_eq!(people.push(place, unsent.clone(), vec![b"late".to_vec()]), "EpochOld");
    let seq = people.push(place, own, vec![b"old".to_vec()]);
    assert!(seq.starts_with("repeated"), "a known commit has its first answer, whatever its epoch: {seq}");
    let again = CommitHeader { epoch: 2, commit: CommitId::new([77; 16]), ..unsent };
    assert_eq!(people.push(place, again, vec![b"late".to_vec()]), "accepted");
    let mut old = manifest(&people.world, end(&people.world), Vec::new(), Vec::new());
    let verdict = people.world.store.put_manifest(people.author(1).account, old.clone());
    assert_eq!(verdict.expect("it answers"), PackVerdict::EpochOld);
    old.manifest.epoch = 2;
    let verdict = people.world.store.put_manifest(people.author(1).account, old);
    assert_eq!(verdict.expect("it answers"), PackVerdict::Taken);

    assert_eq!(people.act(place, 1, CharterOp::Leave), "LastAdmin");
    people.add_app(place, 3);
    assert_eq!(people.act(place, 3, CharterOp::Leave), "cut 3, accepted, lost 3");
    assert!(!people.reads(*place, 3));
    assert_eq!(people.join(place, 1, (2, Role::Viewer)), "accepted, got 2", "somebody may come back");
    assert!(people.reads(*place, 2));
}

pub(super) fn invitations(open: Open<'_>) {
    let (mut people, mut place) = People::new(open);
    let place = &mut place;
    let nowhere = Place { workspace: WorkspaceId::new([77; 16]), ..*place };
    assert_eq!(people.claim(nowhere, 2, 9), JoinVerdict::Gone);
    assert_eq!(people.claim(*place, 2, 9), JoinVerdict::Gone);
    people.act(place, 1, invitation(9, Role::Editor));
    let waits = |people: &People, verdict: JoinVerdict| match verdict {
        JoinVerdict::Waits { admins, proofs } => {
            let listed = people.world.store.joins(people.author(1).account, place.workspace, NOW);
            assert_eq!(listed.expect("it reads"), proofs);
            (admins.into_iter().map(number).collect::<Vec<_>>(), proofs.len())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(waits(&people, people.claim(*place, 2, 9)), (vec![1], 1));
    assert_eq!(people.claim(*place, 3, 9), JoinVerdict::Gone, "one claims it");
    assert_eq!(waits(&people, people.claim(*place, 2, 9)), (vec![], 1), "and may do so again");
    assert_eq!(people.claim(*place, 1, 9), JoinVerdict::Member);
    let (store, admin) = (people.world.store.clone(), people.author(1).account);
    store.refuse_join(admin, place.workspace, InviteId::new([9; 16])).expect("it is stored");
    assert_eq!(waits(&people, people.claim(*place, 3, 9)), (vec![1], 1), "it stays open for another");

    let invite = InviteId::new([9; 16]);
    assert_eq!(people.act(place, 1, CharterOp::RevokeInvite { invite }), "accepted");
    assert_eq!(people.act(place, 1, CharterOp::RevokeInvite { invite }), "InviteGone");
    assert_eq!(people.claim(*place, 3, 9), JoinVerdict::Gone);
    assert_eq!(store.joins(admin, place.workspace, NOW).expect("it reads"), []);

    people.join(place, 1, (4, Role::Admin));
    people.add_app(place, 4);
    people.act(place, 4, invitation(11, Role::Viewer));
    people.act(place, 1, invitation(12, Role::Viewer));
    assert!(matches!(people.claim(*place, 3, 11), JoinVerdict::Waits { .. }));
    let account = people.author(4).account;
    people.act(place, 1, CharterOp::SetRole { account, role: Role::Viewer });
    assert_eq!(people.claim(*place, 3, 11), JoinVerdict::Gone, "who made it is no admin any more");

    assert!(matches!(people.claim(*place, 3, 12), JoinVerdict::Waits { .. }));
    assert_eq!(store.joins(admin, place.workspace, EXPIRES).expect("it reads"), [], "it has ended");
    store.prune(Retention::default(), EXPIRES).expect("it runs");
    let added = people.added(3, Role::Viewer, Some(12));
    assert_eq!(people.act(place, 1, CharterOp::AddMember(added)), "InviteGone");
}

/// A team of 1 (admin), 2 (editor) and 3 (viewer) with a workspace that 2 has founded.
fn team(open: Open<'_>) -> (People, Place, Place) {
    let (mut people, _) = People::new(open);
    let (mut roster, told) = people.found(1, 8, WorkspaceKind::Roster);
    assert_eq!(told, "founded 1, accepted");
    people.join(&mut roster, 1, (2, Role::Editor));
    people.join(&mut roster, 1, (3, Role::Viewer));
    let (place, told) = people.found(2, 9, WorkspaceKind::Team(roster.workspace));
    assert_eq!(told, "founded 2, accepted");
    (people, roster, place)
}

pub(super) fn teams(open: Open<'_>) {
    let (mut people, mut roster, mut place) = team(open);
    let of_team = WorkspaceKind::Team(roster.workspace);
    let nowhere = WorkspaceKind::Team(WorkspaceId::new([77; 16]));
    assert_eq!(people.found(3, 10, of_team).1, "RoleTooLow", "a guest founds nothing");
    assert_eq!(people.found(4, 10, of_team).1, "NotFound");
    assert_eq!(people.found(4, 10, nowhere).1, "NotFound");
    assert_eq!(people.found(2, 10, WorkspaceKind::Team(place.workspace)).1, "NotFound", "no roster");

    let place = &mut place;
    let outsider = people.added(4, Role::Editor, None);
    assert_eq!(people.act(place, 2, CharterOp::AddMember(outsider)), "CharterMoved");
    let mut member = people.added(3, Role::Editor, None);
    member.signing_key = Bytes32::new([8; 32]);
    assert_eq!(people.act(place, 2, CharterOp::AddMember(member)), "CharterMoved", "other keys");
    let member = people.added(3, Role::Editor, None);
    assert_eq!(people.act(place, 2, CharterOp::AddMember(member)), "accepted, got 3");
    people.add_app(place, 3);
    assert_eq!(people.write(place, 3), "accepted");

    let told = people.remove(&mut roster, 1, 3, &[1, 2]);
    assert_eq!(told, "cut 3, accepted, lost 3, lost 3 elsewhere");
    assert!(!people.reads(*place, 3), "before any admin's app has removed them there");
    assert_eq!(people.write(place, 3), "NotFound");
    assert_eq!(people.claim(*place, 3, 9), JoinVerdict::Gone);
    let told = people.join(&mut roster, 1, (3, Role::Viewer));
    assert_eq!(told, "accepted, got 3, got 3 elsewhere");
    assert!(people.reads(*place, 3));
    assert_eq!(people.write(place, 3), "accepted");

    people.add_app(&mut roster, 3);
    let told = people.act(&mut roster, 3, CharterOp::Leave);
    assert_eq!(told, "cut 3, accepted, lost 3, lost 3 elsewhere");
    assert_eq!(people.remove(place, 2, 3, &[2]), "accepted", "who has lost it hears nothing");
    people.join(&mut roster, 1, (3, Role::Viewer));
    assert!(!people.reads(*place, 3), "an admin of the workspace had removed them");
    assert_eq!(people.join(place, 2, (4, Role::Viewer)), "accepted, got 4", "a guest by invitation");
    assert!(people.reads(*place, 4));
}

pub(super) fn deleting_a_team(open: Open<'_>) {
    let (mut people, mut roster, mut place) = team(open);
    let member = people.added(3, Role::Viewer, None);
    people.act(&mut place, 2, CharterOp::AddMember(member));
    let store = people.world.store.clone();
    let [admin, editor, guest, outsider] = [1, 2, 3, 4].map(|person| people.author(person).account);
    let refused = store.delete_workspace(admin, roster.workspace);
    assert!(matches!(refused, Err(StoreError::HasWorkspaces(rest)) if rest == [place.workspace]));
    for (account, workspace) in [(editor, roster.workspace), (guest, place.workspace)] {
        let refused = store.delete_workspace(account, workspace);
        assert!(matches!(refused, Err(StoreError::RoleTooLow)), "{refused:?}");
    }
    let refused = store.delete_workspace(outsider, roster.workspace);
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    assert!(!people.reads(place, 1), "the team's admin is not in it");
    store.delete_workspace(admin, place.workspace).expect("an admin of the team deletes it all the same");
    assert_eq!(people.told(&mut place), "lost 2, lost 3");
    store.delete_workspace(admin, roster.workspace).expect("it is empty now");
    assert_eq!(people.told(&mut roster), "lost 1, lost 2, lost 3");
}

pub(super) fn deleting_an_account(open: Open<'_>) {
    let (mut people, mut roster, mut place) = team(open);
    let store = people.world.store.clone();
    let [one, two, three] = [1, 2, 3].map(|person| people.author(person).account);
    let refused = store.delete_account(three);
    assert!(matches!(refused, Err(StoreError::InTeams(rosters)) if rosters == [roster.workspace]));
    people.join(&mut place, 2, (4, Role::Viewer));
    people.add_app(&mut roster, 2);
    people.act(&mut roster, 2, CharterOp::Leave);
    assert!(!people.reads(place, 2), "the only admin has left the team");
    store.delete_account(two).expect("it could hand nothing over any more");
    assert_eq!(store.workspaces(two).expect("it reads"), []);

    let (mut shared, _) = people.found(4, 30, WorkspaceKind::Personal);
    people.found(4, 31, WorkspaceKind::Personal);
    people.join(&mut shared, 4, (5, Role::Editor));
    let refused = store.delete_account(people.author(4).account);
    assert!(matches!(refused, Err(StoreError::LastAdmin(alone)) if alone == [shared.workspace]));
    let account = people.author(5).account;
    people.act(&mut shared, 4, CharterOp::SetRole { account, role: Role::Admin });
    let receipt = store.delete_account(people.author(4).account).expect("nobody is left without an admin");
    assert_eq!((receipt.workspaces, receipt.commits, receipt.apps), (1, 1, 1), "the shared one stays");
    assert!(people.reads(shared, 5) && !people.reads(shared, 4));
    let again = store.make_account(people.author(4).new_account()).expect("it answers");
    assert_eq!(again, super::Made::IdTaken, "a pseudonym does not come back");
    people.add_app(&mut shared, 5);
    assert_eq!(people.remove(&mut shared, 5, 4, &[5]), "accepted", "an admin's app makes the next key");
    store.delete_account(account).expect("nobody else is there");
    assert!(matches!(store.delete_account(one), Err(StoreError::InTeams(_))));
}

/// A random story of five people in a personal workspace, a team and a workspace of the team: what was
/// published of each act. Two stores must tell the same.
pub(crate) fn tell_story(open: Open<'_>, seed: u64, steps: u8) -> String {
    let (mut people, place) = People::new(open);
    let (roster, _) = people.found(1, 8, WorkspaceKind::Roster);
    let (team, _) = people.found(1, 9, WorkspaceKind::Team(roster.workspace));
    let mut story = Story { places: [place, roster, team], people, dice: ChaCha20Rng::seed_from_u64(seed) };
    let acts = (0..steps).map(|_| story.act()).collect::<Vec<_>>();
    acts.join("\n") + &story.end()
}

struct Story {
    people: People,
    places: [Place; 3],
    dice: ChaCha20Rng,
}

impl Story {
    fn pick(&mut self, count: u8) -> u8 {
        (self.dice.next_u32() % u32::from(count)).to_be_bytes()[3]
    }

    fn role(&mut self) -> Role {
        [Role::Viewer, Role::Editor, Role::Admin][usize::from(self.pick(3))]
    }

    /// The members of a place as anyone sees them who may read it.
    fn charter(&self, place: Place) -> Charter {
        let mut charter = Charter::default();
        for person in 1..=5 {
            let account = self.people.author(person).account;
            let past = self.people.world.store.read_headers(account, place.workspace, 0);
            for (seq, past) in (1..).zip(past.unwrap_or_default()) {
                let header = CommitHeader::decode(&past.header.header).expect("it was accepted");
                charter.replay(seq, &header, &past.header).expect("it was accepted");
            }
            if charter.is_founded() {
                break;
            }
        }
        charter
    }

    fn act(&mut self) -> String {
        let (by, person, at) = (self.pick(5) + 1, self.pick(5) + 1, usize::from(self.pick(3)));
        // Half of the acts are by the founder, so that something happens.
        let by = if self.pick(2) == 0 { 1 } else { by };
        let (act, role, mut place) = (self.pick(16), self.role(), self.places[at]);
        let charter = self.charter(place);
        place.epoch = if self.pick(8) == 0 { place.epoch } else { charter.epoch().max(1) };
        let account = self.people.author(person).account;
        let remain = |gone: Option<u8>| {
            let members = charter.members().map(|(account, _)| number(account));
            members.filter(|member| Some(*member) != gone).collect::<Vec<_>>()
        };
        let (people, invite) = (&mut self.people, 200 + person);
        let told = match act {
            0 => people.act(&mut place, by, invitation(invite, role)),
            1 => format!("{:?}", std::mem::discriminant(&people.claim(place, person, invite))),
            2..=5 => {
                let told = people.act(&mut place, by, invitation(invite, role));
                people.claim(place, person, invite);
                let invited = charter.invite(InviteId::new([invite; 16])).map_or(role, |open| open.role);
                let added = people.added(person, invited, Some(invite));
                told + ", " + &people.act(&mut place, by, CharterOp::AddMember(added))
            }
            6 => {
                let added = people.added(person, role, None);
                people.act(&mut place, by, CharterOp::AddMember(added))
            }
            7 => people.act(&mut place, by, CharterOp::SetRole { account, role }),
            8 => people.remove(&mut place, by, person, &remain(Some(person))),
            9 => {
                let rotation = people.rotation(place, &remain(None));
                people.act(&mut place, by, CharterOp::Rotate { rotation })
            }
            10 => people.act(&mut place, person, CharterOp::Leave),
            11 if person > 1 => {
                let app = people.author(person).app;
                people.act(&mut place, by, CharterOp::RevokeApp { app })
            }
            12 | 13 => people.add_app(&mut place, person),
            _ => people.write(&mut place, person),
        };
        self.places[at] = Place { epoch: charter.epoch().max(1), ..place };
        format!("{act} by {by} for {person} in {at}: {told}")
    }

    /// What everyone sees in the end, and who can delete their account.
    fn end(&mut self) -> String {
        let mut told = Vec::new();
        for person in 1..=5 {
            let store = &self.people.world.store;
            let account = self.people.author(person).account;
            let listed = store.workspaces(account).expect("it reads");
            let joins =
                self.places.map(|place| store.joins(account, place.workspace, NOW).map(|all| all.len()));
            let gone = store.delete_account(account);
            told.push(format!("\n{person}: {listed:?} {joins:?} {gone:?}"));
        }
        told.concat()
    }
}
