//! What holds after any sequence of entries by anyone.

use std::collections::BTreeSet;

use proptest::prelude::*;
use satchel_charter::{Charter, CharterError, EpochKeys};
use satchel_crypto::{EpochKey, WrapContext};
use satchel_wire::{CharterOp, Content, InviteId, Role, WorkspaceKind};

use crate::world::{PEOPLE, ROSTER, World, account};

/// What someone tries.
#[derive(Debug, Clone)]
enum Act {
    Add(usize, Role),
    TakeOver(usize, Role),
    Invite(Role),
    RevokeInvite,
    SetRole(usize, Role),
    Remove(Vec<usize>),
    Rotate,
    Leave,
    AddApp(usize),
    RevokeApp(usize, usize),
    SetAccess(bool),
}

fn person() -> impl Strategy<Value = usize> {
    0..PEOPLE
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Viewer), Just(Role::Editor), Just(Role::Admin)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (person(), role()).prop_map(|(person, role)| Act::Add(person, role)),
        2 => (person(), role()).prop_map(|(person, role)| Act::TakeOver(person, role)),
        1 => role().prop_map(Act::Invite),
        1 => Just(Act::RevokeInvite),
        3 => (person(), role()).prop_map(|(person, role)| Act::SetRole(person, role)),
        3 => proptest::collection::btree_set(person(), 1..3)
            .prop_map(|people| Act::Remove(people.into_iter().collect())),
        1 => Just(Act::Rotate),
        2 => Just(Act::Leave),
        3 => (0..2_usize).prop_map(Act::AddApp),
        1 => (person(), 0..2_usize).prop_map(|(person, app)| Act::RevokeApp(person, app)),
        1 => any::<bool>().prop_map(Act::SetAccess),
    ]
}

/// Turns most tries into ones that may succeed, so that random sequences get far.
fn fit(world: &World, by: usize, act: &Act) -> (usize, Act) {
    let is_member = |person: &usize| world.charter.member(account(*person)).is_some();
    let is_admin = |person: &usize| world.charter.role_of(account(*person)) == Some(Role::Admin);
    let has_app = |person: &usize| world.charter.knows(world.people[*person].apps[0].id);
    let from = |start: usize| (start..start + PEOPLE).map(|person| person % PEOPLE);
    let admin = from(by).find(|person| is_admin(person) && has_app(person)).unwrap_or(by);
    let member = |start: usize| from(start).find(|person| is_member(person) && *person != admin);
    let stranger = |start: usize| from(start).find(|person| !is_member(person));
    match act {
        Act::Add(person, role) => (admin, Act::Add(stranger(*person).unwrap_or(*person), *role)),
        Act::TakeOver(person, role) => (admin, Act::TakeOver(stranger(*person).unwrap_or(*person), *role)),
        Act::SetRole(person, role) => (admin, Act::SetRole(member(*person).unwrap_or(*person), *role)),
        Act::Remove(people) => {
            let people: BTreeSet<_> = people.iter().filter_map(|person| member(*person)).collect();
            (admin, Act::Remove(people.into_iter().collect()))
        }
        Act::Leave => {
            (from(by).find(|person| is_member(person) && has_app(person)).unwrap_or(by), Act::Leave)
        }
        Act::AddApp(app) => {
            let lacks = |person: &usize| is_member(person) && !has_app(person);
            (from(by).find(lacks).or_else(|| from(by).find(is_member)).unwrap_or(by), Act::AddApp(*app))
        }
        Act::RevokeApp(person, app) => (admin, Act::RevokeApp(*person, *app)),
        other => (admin, other.clone()),
    }
}

fn perform(world: &mut World, by: usize, act: &Act) -> Result<(), CharterError> {
    match act {
        Act::Add(person, role) => world.add(by, *person, *role),
        Act::TakeOver(person, role) => world.take_over(by, *person, *role),
        Act::Invite(role) => world.invite(by, *role).map(drop),
        Act::RevokeInvite => {
            let open = world.charter.invites().next().map(|(invite, _)| invite);
            let invite = open.unwrap_or(InviteId::new([0; 16]));
            world.push(by, CharterOp::RevokeInvite { invite })
        }
        Act::SetRole(person, role) => world.set_role(by, *person, *role),
        Act::Remove(people) => world.remove(by, people),
        Act::Rotate => world.rotate(by),
        Act::Leave => world.leave(by),
        Act::AddApp(app) => world.add_app(by, *app),
        Act::RevokeApp(person, app) => world.revoke_app(by, *person, *app),
        Act::SetAccess(open) => world.push(by, CharterOp::SetAccess { open: *open }),
    }
}

/// The keys that each person had when they were a member last.
struct Memories(Vec<Option<EpochKeys>>);

impl Memories {
    fn update(&mut self, world: &World) {
        for person in 0..PEOPLE {
            if let Ok(keys) = world.keys(person) {
                self.0[person] = Some(keys);
            }
        }
    }
}

/// Whoever is no member opens no key that is later than those they had, from anything in the ledger.
fn check_secrecy(world: &World, memories: &Memories) {
    for person in (0..PEOPLE).filter(|person| world.charter.member(account(*person)).is_none()) {
        assert!(world.keys(person).is_err());
        let known = memories.0[person].as_ref().map_or(0, EpochKeys::epoch);
        for epoch in known + 1..=world.charter.epoch() {
            check_wraps(world, person, epoch);
            let Some(keys) = &memories.0[person] else { continue };
            let sealed = world.charter.sealed_previous(epoch).expect("it is not the first");
            for had in (1..=known).filter_map(|had| keys.get(had)) {
                assert!(had.open_previous(world.workspace.as_bytes(), epoch, sealed).is_err());
                assert_ne!(Some(&had.commitment()), world.charter.commitment(epoch));
            }
        }
    }
}

/// No wrap of an epoch in the whole ledger opens with this identity, whomever it says it is for.
fn check_wraps(world: &World, person: usize, epoch: u32) {
    let identity = &world.people[person].identity;
    for (_, header, _) in &world.entries {
        let wraps: Vec<_> = match &header.content {
            Content::Charter(CharterOp::Found(founding)) => founding.wraps.iter().map(|w| &w.wrap).collect(),
            Content::Charter(CharterOp::AddMember(added)) if header.epoch == epoch => vec![&added.wrap],
            Content::Charter(CharterOp::Rotate { rotation } | CharterOp::RemoveMembers { rotation, .. })
                if rotation.epoch == epoch =>
            {
                rotation.wraps.iter().map(|wrap| &wrap.wrap).collect()
            }
            _ => continue,
        };
        for wrap in wraps {
            let context = WrapContext {
                workspace: *world.workspace.as_bytes(),
                epoch,
                account: *account(person).as_bytes(),
            };
            assert!(EpochKey::unwrap(identity, &context, wrap).is_err());
        }
    }
}

fn check_sequence(kind: WorkspaceKind, acts: &[(bool, usize, Act)]) {
    let mut world = World::founded(kind);
    let mut memories = Memories((0..PEOPLE).map(|_| None).collect());
    let mut server = Charter::default();
    let mut replayed = 0;
    for (is_fit, by, act) in acts {
        let (by, act) = if *is_fit { fit(&world, *by, act) } else { (*by, act.clone()) };
        // What is refused leaves no trace: `push_header` compares.
        let _ = perform(&mut world, by, &act);
        for (seq, header, signed) in &world.entries[replayed..] {
            server.replay(*seq, header, signed).expect("what an app accepts is accepted");
        }
        replayed = world.entries.len();
        assert!(server == world.charter, "both read the same charter");
        assert!(world.charter.members().any(|(_, member)| member.role == Role::Admin));
        for person in 0..PEOPLE {
            let may = world.charter.role_of(account(person)) >= Some(Role::Editor)
                && world.charter.knows(world.people[person].apps[0].id);
            assert_eq!(world.write(person).is_ok(), may);
        }
        memories.update(&world);
        check_secrecy(&world, &memories);
    }
    for (account, _) in world.charter.members() {
        let person = (0..PEOPLE).find(|person| crate::world::account(*person) == account).expect("known");
        assert!(world.keys(person).is_ok_and(|keys| keys.is_whole()), "each member opens every key");
    }
}

fn acts() -> impl Strategy<Value = Vec<(bool, usize, Act)>> {
    proptest::collection::vec((proptest::bool::weighted(0.8), person(), act()), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn apps_and_server_agree_an_admin_stays_and_the_removed_read_nothing_new(
        is_team: bool,
        acts in acts(),
    ) {
        let kind = if is_team { WorkspaceKind::Team(ROSTER) } else { WorkspaceKind::Roster };
        check_sequence(kind, &acts);
    }
}
