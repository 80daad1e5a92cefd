//! An app that was away for longer than the server keeps what is between.

use crate::support::World;
use satchel_sync::{Alarm, BulkMark, SyncState};

fn head(world: &World) -> u64 {
    world.server.ledgers[&world.workspace].head().seq
}

/// The server drops what lies before now: all of it but for the ledger, or of that what nothing needs, too.
fn drop_what_is_old(world: &mut World, headers: bool) {
    if headers {
        world.make_packs(0);
        world.server.links = true;
    }
    world.server.oldest = head(world);
}

#[test]
fn what_is_absent_was_deleted_elsewhere_and_what_waits_is_kept() {
    check_absence(false);
}

#[test]
fn the_same_is_known_where_old_headers_are_dropped() {
    check_absence(true);
}

fn check_absence(headers: bool) {
    let mut world = World::new(2);
    let same = world.create(0, "Same", &[("url", "/same"), ("description", "d")]);
    let changed = world.create(0, "Changed", &[("url", "/1"), ("description", "d")]);
    let purged = world.create(0, "Purged", &[("url", "/p")]);
    let edited = world.create(0, "Edited here, purged there", &[("url", "/e")]);
    world.settle();
    world.disconnect(1);
    world.set(1, same, "description", "edited over what is unchanged");
    world.set(1, changed, "description", "edited beside");
    world.set(1, edited, "url", "/edited");
    let made = world.create(1, "Never acknowledged", &[("url", "/made")]);
    world.set(0, changed, "url", "/2");
    let app = &mut world.apps[0];
    app.engine.purge(world.workspace, &[purged, edited], BulkMark::Unmarked, &mut app.store).expect("purges");
    let there = world.create(0, "Made there", &[("url", "/there")]);
    world.settle();
    drop_what_is_old(&mut world, headers);
    world.set(0, there, "description", "after the manifest");
    world.settle();
    world.connect(1);
    world.settle();
    world.check_equal();
    assert!(!world.apps[0].engine.nodes(world.workspace).expect("it is there").contains_key(&purged));
    assert_eq!(world.field(0, same, "description"), "edited over what is unchanged");
    assert_eq!(world.field(0, changed, "url"), "/2");
    assert_eq!(world.field(0, changed, "description"), "edited beside");
    assert_eq!(world.field(0, edited, "url"), "/edited");
    assert_eq!(world.field(0, made, "url"), "/made");
    assert_eq!(world.field(1, there, "url"), "/there");
    for record in [same, changed, made, there] {
        assert!(world.body(0, record).conflicts.is_empty() && world.node(0, record).conflicts.is_empty());
    }
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert_eq!(summary.notice, None);
}

#[test]
fn a_commit_whose_answer_was_lost_before_the_absence_is_no_conflict() {
    check_lost_answer(false);
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_by_its_link() {
    check_lost_answer(true);
}

fn check_lost_answer(headers: bool) {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/a")]);
    world.settle();
    world.server.lose_answers = true;
    world.set(1, record, "url", "/b");
    world.send(1);
    world.disconnect(1);
    world.server.lose_answers = false;
    world.set(1, record, "url", "/c");
    world.settle();
    world.create(0, "Other", &[]);
    if headers {
        world.set(0, record, "description", "so that nothing needs the entry before");
    }
    world.settle();
    drop_what_is_old(&mut world, headers);
    world.apps[1].restart();
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/c");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_ledger_without_the_own_cursor_is_not_rebased_on() {
    check_fork(false);
}

#[test]
fn links_show_a_ledger_without_the_own_cursor() {
    check_fork(true);
}

fn check_fork(headers: bool) {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    world.disconnect(1);
    let before = world.backup();
    world.set(0, record, "url", "/2");
    world.settle();
    world.connect(1);
    world.settle();
    (0..2).for_each(|app| world.disconnect(app));
    // The same life, and another history: only app 0 is shown it.
    world.server.ledgers = before;
    world.apps[0].store = satchel_sync::MemoryStore::default();
    world.apps[0].restart();
    world.connect(0);
    world.settle();
    for n in 0..3 {
        world.set(0, record, "url", &format!("/other {n}"));
        world.settle();
    }
    drop_what_is_old(&mut world, headers);
    world.connect(1);
    world.settle();
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::Forked, _)), "{:?}", summary.state);
    assert_eq!(world.field(1, record, "url"), "/2");
}

#[test]
fn an_item_that_this_app_made_and_others_purged_does_not_come_back() {
    let mut world = World::new(2);
    world.create(1, "First", &[]);
    world.settle();
    world.server.lose_answers = true;
    let made = world.create(1, "Made here", &[("url", "/made")]);
    world.send(1);
    world.disconnect(1);
    world.server.lose_answers = false;
    world.settle();
    assert!(world.apps[0].engine.nodes(world.workspace).expect("it is there").contains_key(&made));
    world.purge(0, made);
    world.settle();
    drop_what_is_old(&mut world, true);
    world.apps[1].restart();
    world.connect(1);
    world.settle();
    world.check_equal();
    assert!(!world.apps[1].engine.nodes(world.workspace).expect("it is there").contains_key(&made));
}

#[test]
fn a_withheld_record_is_found_by_the_manifests_digest() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    world.disconnect(1);
    world.set(0, record, "url", "/2");
    world.settle();
    drop_what_is_old(&mut world, true);
    world.server.withheld = Some(satchel_wire::RecordId::new(record.0));
    world.connect(1);
    world.settle();
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::Damaged, _)), "{:?}", summary.state);
    assert_eq!(world.field(1, record, "url"), "/1");
}

#[test]
fn a_restored_server_that_dropped_headers_since_gets_back_what_it_lacks() {
    let mut world = World::new(2);
    let same = world.create(0, "Same", &[("url", "/same")]);
    let both = world.create(0, "Both", &[("url", "/b"), ("description", "d")]);
    let purged = world.create(0, "Purged since", &[("url", "/p")]);
    world.settle();
    let backup = world.backup();
    world.set(1, same, "url", "/lost");
    let made = world.create(1, "Lost", &[("url", "/made")]);
    world.settle();
    world.restore(backup);
    world.apps[0].store = satchel_sync::MemoryStore::default();
    world.apps[0].restart();
    world.connect(0);
    world.settle();
    for n in 0..3 {
        world.set(0, both, "url", &format!("/new {n}"));
        world.settle();
    }
    world.purge(0, purged);
    world.settle();
    drop_what_is_old(&mut world, true);
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, same, "url"), "/lost");
    assert_eq!(world.field(0, made, "url"), "/made");
    assert_eq!(world.field(1, both, "url"), "/new 2");
    assert!(!world.apps[1].engine.nodes(world.workspace).expect("it is there").contains_key(&purged));
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}
