//! Old versions are judged by the charter of their time.

use satchel_charter::CharterError;
use satchel_wire::{CharterOp, Content, Role};

use crate::world::{ADA, BEN, CAT, World, account};

/// Checks a commit of records as if it were the entry after `seq`, by the charter as it is now.
fn check(world: &mut World, person: usize, (seq, epoch): (u64, u32), expected: Result<(), CharterError>) {
    let mut header = world.record_header(person, 0);
    header.epoch = epoch;
    let signed = world.sign(person, 0, &header);
    assert_eq!(world.charter.check_past(seq, &header, &signed), expected, "{person} at {seq}");
}

#[test]
fn what_was_right_when_it_was_written_stays_right() {
    let mut world = World::team();
    let joined = world.seq;
    world.set_role(ADA, CAT, Role::Editor).expect("Cat is promoted");
    let promoted = world.seq;
    world.remove(ADA, &[BEN, CAT]).expect("they are removed");
    let removed = world.seq;
    world.add(ADA, BEN, Role::Editor).expect("he is back");
    world.add_app(BEN, 0).expect("his app is added");
    let back = world.seq;

    check(&mut world, ADA, (2, 1), Ok(()));
    check(&mut world, ADA, (back + 1, 2), Ok(()));
    check(&mut world, BEN, (2, 1), Err(CharterError::UnknownApp));
    check(&mut world, BEN, (joined + 1, 1), Ok(()));
    check(&mut world, BEN, (joined + 1, 2), Err(CharterError::Epoch));
    check(&mut world, BEN, (removed, 1), Ok(()));
    check(&mut world, BEN, (removed + 1, 2), Err(CharterError::UnknownApp));
    check(&mut world, BEN, (back, 2), Err(CharterError::UnknownApp));
    check(&mut world, BEN, (back + 1, 2), Ok(()));
    check(&mut world, CAT, (joined + 1, 1), Err(CharterError::Role));
    check(&mut world, CAT, (promoted + 1, 1), Ok(()));
    check(&mut world, CAT, (back + 1, 2), Err(CharterError::UnknownApp));
}

#[test]
fn the_past_does_not_excuse_a_signature() {
    let mut world = World::team();
    let header = world.record_header(BEN, 0);
    let signed = world.sign(CAT, 0, &header);
    let seq = world.seq + 1;
    assert_eq!(world.charter.check_past(seq, &header, &signed), Err(CharterError::Signature));
}

/// Checks an entry of the charter as if it had been the one at `seq`, by the charter as it is now.
fn check_act(
    world: &mut World,
    person: usize,
    (seq, op): (u64, CharterOp),
    expected: Result<(), CharterError>,
) {
    let mut header = world.header(person, 0, Content::Charter(op.clone()));
    header.epoch = 1;
    let signed = world.sign(person, 0, &header);
    assert_eq!(world.charter.check_past_act(seq, &header, &op, &signed), expected, "{person} at {seq}");
}

#[test]
fn an_act_of_the_past_is_by_who_could_do_it_then() {
    let mut world = World::team();
    let seq = world.seq;
    let raise = CharterOp::SetRole { account: account(CAT), role: Role::Admin };
    check_act(&mut world, ADA, (seq, raise.clone()), Ok(()));
    check_act(&mut world, BEN, (seq, raise.clone()), Err(CharterError::Role));
    check_act(&mut world, CAT, (seq, raise.clone()), Err(CharterError::Role));
    check_act(&mut world, CAT, (seq, CharterOp::Leave), Ok(()));
    check_act(&mut world, CAT, (1, CharterOp::Leave), Err(CharterError::UnknownApp));
    let header = world.header(ADA, 0, Content::Charter(raise.clone()));
    let signed = world.sign(CAT, 0, &header);
    let forged = world.charter.check_past_act(seq, &header, &raise, &signed);
    assert_eq!(forged, Err(CharterError::Signature), "in another's name");
}
