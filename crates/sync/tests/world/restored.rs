//! A server that was restored from an older backup: the alarm, and nothing that an app holds is lost.

use std::collections::BTreeMap;

use crate::support::{Ledger, World};
use satchel_model::RecordId;
use satchel_sync::{Alarm, Event, SyncState};
use satchel_wire::WorkspaceId;

impl World {
    fn conflicts(&self, app: usize) -> usize {
        self.apps[app].engine.conflicts(self.workspace).len()
    }

    fn exists(&self, app: usize, record: RecordId) -> bool {
        self.apps[app].engine.nodes(self.workspace).expect("it is there").contains_key(&record)
    }

    fn come_back(&mut self, order: &[usize]) {
        for app in order {
            self.connect(*app);
            self.settle();
        }
        self.check_equal();
    }
}

#[test]
fn what_the_backup_lacks_is_brought_back_with_an_alarm() {
    let mut world = World::new(1);
    let edited = world.create(0, "Edited", &[("url", "/old")]);
    let same = world.create(0, "Same", &[("url", "/same")]);
    let trashed = world.create(0, "Trashed", &[]);
    let purged = world.create(0, "Purged", &[]);
    world.settle();
    let backup = world.backup();
    world.set(0, edited, "url", "/new");
    world.trash(0, trashed, 7);
    let made = world.create(0, "Made", &[("url", "/made")]);
    world.purge(0, purged);
    world.settle();
    world.restore(backup);
    while world.apps[0].engine.poll_event().is_some() {}
    world.connect(0);
    world.settle();
    let engine = &mut world.apps[0].engine;
    let alarms = std::iter::from_fn(|| engine.poll_event());
    let alarms = alarms.filter(|event| matches!(event, Event::Alarm { alarm: Alarm::RolledBack, .. }));
    assert_eq!(alarms.count(), 1);
    let summary = engine.summary(world.workspace).expect("it is there");
    assert_eq!(summary.state, SyncState::InSync);
    assert!(summary.notice.expect("it is told").contains("restored from an older backup"));
    world.check_equal();
    assert_eq!(world.field(0, edited, "url"), "/new");
    assert_eq!(world.field(0, same, "url"), "/same");
    assert_eq!(world.field(0, made, "url"), "/made");
    assert!(world.node(0, trashed).trashed.is_some());
    assert!(!world.exists(0, purged));
    assert_eq!(world.conflicts(0), 0);
    let records = &world.server.ledgers[&world.workspace].records;
    assert_eq!(records.len(), 1 + 2 * 4, "the server holds it again, and the purged one is gone");
}

/// Two apps that stood at different points of the lost history.
#[track_caller]
fn check_order(order: &[usize], with_edit: bool) {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1"), ("description", "old")]);
    let purged = world.create(0, "Purged", &[("url", "/p")]);
    world.settle();
    let backup = world.backup();
    world.set(0, record, "url", "/2");
    world.set(0, purged, "url", "/p2");
    let seen_by_both = world.create(0, "Seen by both", &[("url", "/b")]);
    world.settle();
    world.disconnect(1);
    world.set(0, record, "url", "/3");
    world.settle();
    world.set(0, seen_by_both, "url", "/b2");
    world.purge(0, purged);
    let later = world.create(0, "Later", &[("url", "/l")]);
    world.settle();
    world.restore(backup);
    if with_edit {
        world.set(1, record, "description", "new");
    }
    world.come_back(order);
    assert_eq!(world.field(1, record, "url"), "/3");
    assert_eq!(world.field(0, record, "description"), if with_edit { "new" } else { "old" });
    assert_eq!(world.field(1, seen_by_both, "url"), "/b2");
    assert_eq!(world.field(1, later, "url"), "/l");
    assert!(!world.exists(0, purged), "it was purged before the restore");
    assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
}

#[test]
fn apps_that_saw_more_and_less_agree_in_any_order_without_a_conflict() {
    check_order(&[0, 1], false);
    check_order(&[1, 0], false);
    check_order(&[0, 1], true);
}

#[test]
fn an_edit_over_an_older_lost_state_that_comes_first_is_kept_beside_the_later_one() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1"), ("description", "old")]);
    world.settle();
    let backup = world.backup();
    world.set(0, record, "url", "/2");
    world.settle();
    world.disconnect(1);
    world.set(0, record, "url", "/3");
    world.settle();
    world.restore(backup);
    world.set(1, record, "description", "new");
    world.come_back(&[1, 0]);
    let body = world.body(1, record);
    let sides = format!("{body:?}");
    assert!(["/2", "/3", "new"].iter().all(|value| sides.contains(value)), "{sides}");
}

/// Two apps with two items, and what the server has of them.
fn backed_up() -> (World, BTreeMap<WorkspaceId, Ledger>, [RecordId; 2]) {
    let mut world = World::new(2);
    let items = [("Get cart", "/1"), ("Trashed", "/t")];
    let records = items.map(|(name, url)| world.create(0, name, &[("url", url)]));
    world.settle();
    let backup = world.backup();
    (world, backup, records)
}

/// The server takes a commit and another app sees it, but its author hears nothing, edits on, and the server goes back.
#[track_caller]
fn check_unheard(order: &[usize]) {
    let (mut world, backup, [record, trashed]) = backed_up();
    world.set(0, record, "url", "/2");
    world.settle();
    world.set(0, record, "url", "/3");
    world.set(0, trashed, "url", "/t3");
    let made = world.create(0, "Made", &[("url", "/m")]);
    world.send(0);
    world.disconnect(0);
    world.settle();
    assert_eq!(world.field(1, record, "url"), "/3");
    world.set(0, record, "url", "/4");
    world.set(0, made, "url", "/m4");
    world.trash(0, trashed, 7);
    world.restore(backup);
    world.come_back(order);
    assert_eq!(world.field(1, record, "url"), "/4");
    assert_eq!(world.field(1, made, "url"), "/m4");
    assert_eq!(world.field(1, trashed, "url"), "/t3");
    assert!(world.node(1, trashed).trashed.is_some());
    assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
}

#[test]
fn what_was_edited_over_a_lost_commit_whose_author_heard_nothing_of_it_is_no_conflict() {
    check_unheard(&[0, 1]);
    check_unheard(&[1, 0]);
}

/// The same, but the server never had the commit: another app's lay in its place.
#[track_caller]
fn check_untaken(order: &[usize]) {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1"), ("description", "old")]);
    world.settle();
    let backup = world.backup();
    world.set(0, record, "url", "/2");
    world.settle();
    world.set(0, record, "url", "/3");
    let app = &mut world.apps[0];
    let sent = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("a memory store works");
    assert!(sent.is_some(), "it is lost on the way");
    world.disconnect(0);
    world.set(1, record, "description", "new");
    world.settle();
    world.set(0, record, "url", "/4");
    world.restore(backup);
    world.come_back(order);
    let sides = format!("{:?}", world.body(1, record));
    assert!(["/4", "new"].iter().all(|value| sides.contains(value)), "{sides}");
}

#[test]
fn a_commit_that_was_under_way_and_never_taken_hides_no_edit() {
    check_untaken(&[0, 1]);
    check_untaken(&[1, 0]);
}

#[test]
fn a_purge_that_waits_is_made_on_the_restored_server() {
    let mut world = World::new(1);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    let backup = world.backup();
    world.set(0, record, "url", "/2");
    world.settle();
    world.disconnect(0);
    world.purge(0, record);
    world.restore(backup);
    world.come_back(&[0]);
    assert!(!world.exists(0, record));
    assert_eq!(world.server.ledgers[&world.workspace].records.len(), 1);
}

/// Two apps have seen a state that is lost, and one of them has purged it since, of which nothing reached the server.
#[track_caller]
fn check_purged_over_lost(order: &[&[usize]], is_unheard: bool) {
    let (mut world, backup, [record, trashed]) = backed_up();
    world.set(0, record, "url", "/2");
    world.trash(0, trashed, 7);
    world.settle();
    if is_unheard {
        world.set(0, record, "url", "/3");
        world.send(0);
    }
    world.disconnect(0);
    world.settle();
    assert_eq!(world.field(1, record, "url"), if is_unheard { "/3" } else { "/2" });
    world.purge(0, record);
    world.purge(0, trashed);
    world.restore(backup);
    for apps in order {
        apps.iter().for_each(|app| world.connect(*app));
        world.settle();
    }
    world.check_equal();
    assert!(!world.exists(1, record) && !world.exists(1, trashed));
    assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
}

#[test]
fn a_purge_that_waits_over_a_lost_state_is_no_conflict_with_who_brings_that_back() {
    for is_unheard in [false, true] {
        check_purged_over_lost(&[&[0], &[1]], is_unheard);
        check_purged_over_lost(&[&[1], &[0]], is_unheard);
        check_purged_over_lost(&[&[0, 1]], is_unheard);
        check_purged_over_lost(&[&[1, 0]], is_unheard);
    }
}

#[test]
fn two_apps_that_come_back_at_once_agree_without_a_conflict() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    let purged = world.create(0, "Purged", &[]);
    world.settle();
    let backup = world.backup();
    for n in 2..6 {
        world.set(n % 2, record, "url", &format!("/{n}"));
        world.settle();
    }
    world.purge(1, purged);
    let made = world.create(1, "Made", &[("url", "/made")]);
    world.settle();
    world.restore(backup);
    (0..2).for_each(|app| world.connect(app));
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/5");
    assert_eq!(world.field(0, made, "url"), "/made");
    assert!(!world.exists(0, purged));
    assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
}

#[test]
fn a_change_made_on_the_restored_server_is_kept_beside_what_it_lacked() {
    let mut world = World::new(3);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    let other = world.create(0, "Other", &[("url", "/o")]);
    world.settle();
    world.disconnect(2);
    let backup = world.backup();
    world.set(0, record, "url", "/lost");
    world.purge(0, other);
    world.settle();
    world.restore(backup);
    world.set(2, record, "url", "/after");
    world.set(2, other, "url", "/edited after");
    world.come_back(&[2, 0, 1]);
    assert_eq!(world.conflicts(1), 1, "both were changed from /1");
    assert_eq!(world.field(1, record, "url"), "/after");
    let kept = world.body(1, record);
    let conflict = kept.conflicts.values().next().expect("there is one");
    assert_eq!(conflict.local, Some(satchel_model::Value::String("/lost".into())));
    assert_eq!(world.field(1, other, "url"), "/edited after", "an edit outlives a purge");
}

#[test]
fn a_workspace_younger_than_the_backup_is_founded_again_by_any_app() {
    for order in [[0, 1], [1, 0]] {
        let mut world = World::new(2);
        let record = world.create(0, "Get cart", &[("url", "/1")]);
        world.settle();
        world.set(1, record, "url", "/2");
        world.settle();
        world.restore(std::collections::BTreeMap::new());
        world.come_back(&order);
        assert_eq!(world.field(1, record, "url"), "/2");
        assert_eq!(world.server.ledgers[&world.workspace].records.len(), 3);
        assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
    }
}

#[test]
fn both_may_found_it_again_at_once() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    world.restore(std::collections::BTreeMap::new());
    (0..2).for_each(|app| world.connect(app));
    world.settle();
    world.check_equal();
    assert_eq!(world.field(1, record, "url"), "/1");
    assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
}

#[test]
fn a_crash_at_any_point_of_bringing_back_loses_nothing() {
    for steps in 0..16 {
        let mut world = World::new(2);
        let record = world.create(0, "Get cart", &[("url", "/1")]);
        let purged = world.create(0, "Purged", &[]);
        world.settle();
        let backup = world.backup();
        world.set(0, record, "url", "/2");
        world.purge(0, purged);
        world.settle();
        world.restore(backup);
        world.connect(0);
        for step in 0..steps {
            if step % 2 == 0 { world.deliver(0, 1) } else { world.send(0) }
        }
        world.apps[0].restart();
        world.connect(0);
        world.connect(1);
        world.settle();
        world.check_equal();
        assert_eq!(world.field(1, record, "url"), "/2");
        assert!(!world.exists(1, purged), "after {steps} steps");
        assert_eq!((world.conflicts(0), world.conflicts(1)), (0, 0));
    }
}

#[test]
fn without_a_new_life_another_ledger_stays_an_alarm() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    world.disconnect(0);
    let backup = world.backup();
    world.set(1, record, "url", "/2");
    world.settle();
    world.connect(0);
    world.settle();
    (0..2).for_each(|app| world.disconnect(app));
    world.server.ledgers = backup;
    world.connect(0);
    world.settle();
    let summary = world.apps[0].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::RolledBack, _)), "{:?}", summary.state);
    assert_eq!(world.field(0, record, "url"), "/2");
}

#[test]
fn a_restored_ledger_that_does_not_verify_is_not_taken() {
    let mut world = World::new(1);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    let mut backup = world.backup();
    world.set(0, record, "url", "/2");
    world.settle();
    let ledger = backup.get_mut(&world.workspace).expect("it was founded");
    ledger.entries[1].0.header[60] ^= 1;
    world.restore(backup);
    world.connect(0);
    world.settle();
    let summary = world.apps[0].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(..)), "{:?}", summary.state);
    assert_eq!(world.field(0, record, "url"), "/2");
}

#[test]
fn a_catch_up_that_was_cut_begins_anew_after_a_restore() {
    for cut in 1..8 {
        let mut world = World::new(2);
        world.disconnect(1);
        let backup = world.backup();
        let records = ["one", "two", "three"].map(|name| {
            let record = world.create(0, name, &[("url", name)]);
            world.settle();
            record
        });
        world.connect(1);
        world.deliver(1, 2);
        world.send(1);
        world.deliver(1, cut);
        world.restore(backup);
        world.set(0, records[2], "url", "other");
        for app in 0..2 {
            world.connect(app);
            world.settle();
        }
        world.check_equal();
        assert_eq!(world.field(1, records[2], "url"), "other");
    }
}
