//! Who opens which key, and which name.

use satchel_charter::{CharterError, make_rotation, open_keys};
use satchel_wire::{CharterOp, Role};

use crate::world::{ADA, BEN, CAT, DAN, World, account};

#[test]
fn a_new_member_opens_every_key_back_to_the_first() {
    let mut world = World::team();
    world.rotate(ADA).expect("an admin rotates");
    world.rotate(ADA).expect("an admin rotates");
    world.add(ADA, DAN, Role::Viewer).expect("Dan joins");
    for person in [ADA, BEN, CAT, DAN] {
        let keys = world.keys(person).expect("a member opens the keys");
        assert!(keys.is_whole());
        assert_eq!(keys.epoch(), 3);
        for epoch in 1..=3 {
            let key = keys.get(epoch).expect("it is there");
            assert_eq!(Some(&key.commitment()), world.charter.commitment(epoch));
        }
        assert!(keys.get(0).is_none() && keys.get(4).is_none());
        assert_eq!(keys.current().commitment(), keys.get(3).expect("it is there").commitment());
    }
}

#[test]
fn who_was_removed_opens_nothing() {
    let mut world = World::team();
    world.remove(ADA, &[BEN]).expect("he is removed");
    assert_eq!(world.keys(BEN).map(drop), Err(CharterError::Key));
    assert!(world.keys(CAT).is_ok());
}

#[test]
fn a_wrong_key_in_the_chain_ends_it_there() {
    let mut world = World::team();
    let keys = world.some_keys();
    let mut rng = world.rng.clone();
    let (mut rotation, _) = make_rotation(&world.charter, &keys, &[], &mut rng).expect("it is founded");
    *rotation.sealed_previous.last_mut().expect("it has bytes") ^= 1;
    world.push(ADA, CharterOp::Rotate { rotation }).expect("the charter cannot see it");
    let keys = world.keys(BEN).expect("the present key opens");
    assert!(!keys.is_whole());
    assert_eq!(keys.epoch(), 2);
    assert!(keys.get(1).is_none());
}

#[test]
fn a_key_that_is_not_the_committed_one_is_refused() {
    let mut world = World::team();
    let keys = world.some_keys();
    let mut rng = world.rng.clone();
    let (mut rotation, _) = make_rotation(&world.charter, &keys, &[], &mut rng).expect("it is founded");
    let (other, _) = make_rotation(&world.charter, &keys, &[], &mut rng).expect("it is founded");
    rotation.commitment = other.commitment;
    world.push(ADA, CharterOp::Rotate { rotation }).expect("the charter cannot see it");
    assert_eq!(world.keys(BEN).map(drop), Err(CharterError::Key));
}

#[test]
fn nobody_opens_the_key_of_another() {
    let world = World::team();
    let ben = &world.people[BEN];
    let opened = open_keys(&world.charter, world.workspace, account(ADA), &ben.identity);
    assert_eq!(opened.map(drop), Err(CharterError::Key));
}

#[test]
fn every_member_reads_every_name() {
    let mut world = World::team();
    world.rotate(ADA).expect("an admin rotates");
    world.add(ADA, DAN, Role::Viewer).expect("Dan joins");
    let keys = world.keys(CAT).expect("a viewer opens the keys");
    let name = |person: usize| world.charter.open_name(&keys, account(person));
    assert_eq!(name(ADA).as_deref(), Some("Ada"));
    assert_eq!(name(BEN).as_deref(), Some("person 1"));
    assert_eq!(name(DAN).as_deref(), Some("person 3"));
    assert_eq!(name(4), None);
}

#[test]
fn an_admin_who_did_not_invite_reads_who_asks_after_a_rotation_too() {
    let mut world = World::team();
    let secret = world.invite(ADA, Role::Viewer).expect("an admin invites");
    world.set_role(ADA, BEN, Role::Admin).expect("Ben is promoted");
    world.rotate(ADA).expect("an admin rotates");
    let proof = world.claim(DAN, secret);
    let claim = world.charter.check_join(&proof).expect("it is open");
    let keys = world.keys(BEN).expect("he opens the keys");
    assert_eq!(world.charter.open_join_name(&keys, &claim).as_deref(), Ok("person 3"));
}
