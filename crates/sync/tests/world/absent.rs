//! An app that was away for longer than the server keeps what is between.

use crate::support::World;
use satchel_sync::{Alarm, BulkMark, SyncState};

fn head(world: &World) -> u64 {
    world.server.ledgers[&world.workspace].head().seq
}

#[test]
fn what_is_absent_was_deleted_elsewhere_and_what_waits_is_kept() {
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
    world.server.oldest = head(&world);
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
    world.settle();
    world.server.oldest = head(&world);
    world.apps[1].restart();
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/c");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_ledger_without_the_own_cursor_is_not_rebased_on() {
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
    world.server.oldest = head(&world);
    world.connect(1);
    world.settle();
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::Forked, _)), "{:?}", summary.state);
    assert_eq!(world.field(1, record, "url"), "/2");
}
