//! What apps did apart from each other, where one thing hangs on another: cycles of moves, commits behind
//! commits, a deletion of a former life of the server, and two ledgers in one life.

use crate::support::World;
use satchel_model::{OrderKey, Position, RecordId};
use satchel_wire::ClientFrame;

/// So many changes go in a commit of their own while another is under way.
const MANY: usize = 70;

fn move_below(world: &mut World, app: usize, record: RecordId, parent: RecordId) {
    let order = OrderKey::between(None, None, &mut world.apps[app].rng);
    world.edit_node(app, record, |node| node.position = Position { parent, order });
}

fn create(world: &mut World, app: usize, names: &str) -> Vec<RecordId> {
    let records = names.split(' ').map(|name| world.create(app, name, &[("url", name)])).collect();
    world.settle();
    records
}

/// The apps connect one after the other, each when the one before has nothing left to do.
fn come_back(world: &mut World, apps: [usize; 2]) {
    for app in apps {
        world.connect(app);
        world.settle();
    }
}

/// What an app would send, of which nothing reaches the server.
fn frames(world: &mut World, app: usize) -> Vec<ClientFrame> {
    let app = &mut world.apps[app];
    let next = || app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("a memory store works");
    std::iter::from_fn(next).collect()
}

/// An app reads what the server has, and none of its commits arrives.
fn read_without_a_commit(world: &mut World, app: usize, rounds: usize) {
    for _ in 0..rounds {
        for frame in frames(world, app) {
            if !matches!(frame, ClientFrame::Commit { .. }) {
                world.server.take(app, frame);
            }
        }
        world.deliver(app, 10);
    }
}

fn is_forest(world: &World, app: usize, records: &[RecordId]) -> bool {
    let root = RecordId(*world.workspace.as_bytes());
    records.iter().all(|record| {
        let mut at = *record;
        (0..=records.len()).any(|_| {
            at = world.node(app, at).position.parent;
            at == root
        })
    })
}

#[track_caller]
fn check_forest(world: &World, records: &[RecordId]) {
    world.check_equal();
    assert!(is_forest(world, 0, records), "something hangs below itself");
}

#[test]
fn a_move_that_is_taken_back_closes_no_other_cycle() {
    // In each order of the ids: which of them is looked at first must not matter.
    for turn in 0..3 {
        let mut world = World::new(2);
        let mut records = create(&mut world, 0, "a b c");
        records.sort_unstable();
        records.rotate_left(turn);
        let (a, b, c) = (records[0], records[1], records[2]);
        move_below(&mut world, 0, b, a);
        world.settle();
        world.disconnect(1);
        move_below(&mut world, 1, a, c);
        let root = RecordId(*world.workspace.as_bytes());
        move_below(&mut world, 1, b, root);
        move_below(&mut world, 1, b, c);
        move_below(&mut world, 0, c, b);
        world.settle();
        world.connect(1);
        world.settle();
        check_forest(&world, &records);
    }
}

#[test]
fn an_ancestor_whose_own_move_is_under_way_counts_where_it_will_be() {
    let mut world = World::new(2);
    let records = create(&mut world, 0, "a x y");
    let (a, x, y) = (records[0], records[1], records[2]);
    let many: Vec<_> = (0..MANY).map(|_| world.create(0, "b", &[])).collect();
    world.settle();
    // The first move is under way while the ancestor already hangs elsewhere here.
    move_below(&mut world, 0, a, x);
    world.send(0);
    move_below(&mut world, 0, a, y);
    for b in &many {
        move_below(&mut world, 0, *b, a);
    }
    world.deliver(1, 10);
    move_below(&mut world, 1, x, many[0]);
    world.send(1);
    world.deliver(1, 10);
    world.send(1);
    world.deliver(1, 10);
    world.send(0);
    world.deliver(1, 10);
    let all: Vec<_> = records.iter().chain(&many).copied().collect();
    assert!(is_forest(&world, 1, &all), "not even for a moment");
    world.settle();
    check_forest(&world, &all);
}

#[test]
fn an_item_that_is_kept_over_a_purge_hangs_in_no_cycle() {
    let mut world = World::new(2);
    let records = create(&mut world, 0, "x y p");
    let (x, y, p) = (records[0], records[1], records[2]);
    move_below(&mut world, 0, x, p);
    move_below(&mut world, 0, y, x);
    world.settle();
    world.disconnect(1);
    world.set(1, x, "url", "edited");
    world.purge(0, x);
    world.settle();
    move_below(&mut world, 0, p, y);
    world.settle();
    world.connect(1);
    world.settle();
    check_forest(&world, &records);
    assert_eq!(world.field(0, x, "url"), "edited");
}

/// An item was moved in one app, which has not heard of it yet, and is purged there while another edits it.
#[track_caller]
fn check_purge_over_a_move_under_way(restarts: bool) {
    let mut world = World::new(2);
    let records = create(&mut world, 0, "a b");
    let (a, b) = (records[0], records[1]);
    world.set(1, b, "url", "the second app is known");
    world.settle();
    move_below(&mut world, 0, a, b);
    drop(frames(&mut world, 0)); // under way, and lost
    world.purge(0, a);
    world.set(1, a, "url", "edited");
    world.send(1);
    world.deliver(0, 10);
    assert_eq!(world.node(0, a).position.parent, b);
    if restarts {
        world.apps[0].restart();
        assert_eq!(world.node(0, a).position.parent, b);
    }
    world.disconnect(0);
    world.settle();
    move_below(&mut world, 1, b, a);
    world.connect(0);
    world.settle();
    check_forest(&world, &records);
    assert_eq!(world.field(0, a, "url"), "edited");
}

#[test]
fn a_deletion_under_way_falls_with_the_purge_over_it_that_is_taken_back() {
    let mut world = World::new(2);
    let a = create(&mut world, 0, "a")[0];
    world.set(1, a, "url", "the second app is known");
    world.settle();
    world.edit_node(0, a, |node| node.name = "renamed".into());
    world.trash(0, a, 7);
    drop(frames(&mut world, 0)); // under way, and lost
    world.purge(0, a);
    world.set(1, a, "url", "edited");
    world.send(1);
    world.deliver(0, 10);
    world.disconnect(0);
    world.connect(0);
    world.settle();
    check_forest(&world, &[a]);
    let node = world.node(1, a);
    assert_eq!((node.trashed, node.name.as_str()), (None, "renamed"));
    assert_eq!(world.field(0, a, "url"), "edited");
}

#[test]
fn a_move_under_way_waits_again_when_a_purge_over_it_is_taken_back() {
    check_purge_over_a_move_under_way(false);
    check_purge_over_a_move_under_way(true);
}

#[test]
fn a_commit_behind_another_is_not_given_up_when_both_are_late() {
    let mut world = World::new(2);
    let many: Vec<_> = (0..MANY).map(|_| world.create(0, "r", &[("url", "first")])).collect();
    world.settle();
    // Each is a commit of its own, and the second says that it has seen the first.
    for record in &many {
        world.edit_node(0, *record, |node| node.name = "renamed".into());
    }
    let mut late = frames(&mut world, 0);
    for record in &many {
        world.set(0, *record, "url", "edited");
    }
    late.extend(frames(&mut world, 0));
    assert_eq!(late.len(), 2);
    world.disconnect(0);
    for record in &many {
        world.set(0, *record, "url", "later");
    }
    world.connect(0);
    read_without_a_commit(&mut world, 0, 5);
    for frame in late {
        world.server.take(0, frame);
    }
    world.disconnect(0);
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.node(1, many[0]).name, "renamed");
    assert_eq!(world.field(1, many[0], "url"), "later");
    assert!(world.apps[1].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_deletion_that_is_brought_back_gives_way_to_an_edit_of_the_new_life() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    let backup = world.backup();
    world.disconnect(1);
    world.trash(0, record, 7);
    world.settle();
    world.restore(backup);
    world.connect(1);
    world.settle();
    world.set(1, record, "url", "edited");
    world.settle();
    world.connect(0);
    world.settle();
    world.check_equal();
    let node = world.node(1, record);
    assert_eq!((node.trashed, node.conflicts.len()), (None, 1));
    assert_eq!(world.field(0, record, "url"), "edited");
}

#[test]
fn two_ledgers_in_one_life_are_not_taken_for_one() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    let backup = world.backup();
    world.disconnect(1);
    world.set(0, record, "url", "by the first");
    world.settle();
    // The disk is set back and nobody says so; the other app goes on from there, further than the first.
    world.disconnect(0);
    world.server.ledgers.clone_from(&backup);
    world.connect(1);
    world.settle();
    world.set(1, record, "url", "by the second");
    world.settle();
    world.set(1, record, "description", "more");
    world.settle();
    // Then it is restored as it should be.
    world.restore(backup);
    come_back(&mut world, [1, 0]);
    world.check_equal();
    let body = world.body(0, record);
    let kept = format!("{body:?}");
    assert!(kept.contains("by the first") && kept.contains("by the second"), "{kept}");
}

#[test]
fn an_item_that_is_purged_while_it_is_on_its_way_is_purged() {
    let mut world = World::new(2);
    let parent = create(&mut world, 0, "parent")[0];
    let record = world.create(0, "r", &[("url", "first")]);
    move_below(&mut world, 0, record, parent);
    world.send(0);
    world.purge(0, record);
    move_below(&mut world, 0, parent, record);
    world.settle();
    world.check_equal();
    let nodes = world.apps[1].engine.nodes(world.workspace).expect("it is there");
    assert!(!nodes.contains_key(&record));
}

/// The one who edits puts the item into the trash after the server went back; nobody else did anything.
#[test]
fn what_an_app_brings_back_is_no_news_to_its_own_deletion() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    let backup = world.backup();
    world.set(0, record, "url", "edited");
    world.settle();
    world.disconnect(0);
    world.trash(0, record, 7);
    world.restore(backup);
    come_back(&mut world, [0, 1]);
    world.check_equal();
    assert!(world.node(1, record).trashed.is_some());
    assert_eq!(world.field(1, record, "url"), "edited");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn an_item_that_is_taken_out_of_the_trash_and_edited_outlives_a_deletion_of_the_new_life() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    let backup = world.backup();
    world.disconnect(1);
    world.trash(0, record, 7);
    world.settle();
    world.disconnect(0);
    world.edit_node(0, record, |node| node.trashed = None);
    world.set(0, record, "url", "edited");
    world.trash(1, record, 8);
    world.restore(backup);
    come_back(&mut world, [1, 0]);
    world.check_equal();
    assert_eq!(world.node(1, record).trashed, None);
    assert_eq!(world.field(1, record, "url"), "edited");
}

/// The backup shows the item in the trash by an older act; the one that waits was made over a later state.
#[test]
fn an_item_that_was_taken_out_of_the_trash_and_put_there_again_outlives_it_in_the_new_life() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    world.trash(0, record, 7);
    world.settle();
    let backup = world.backup();
    world.edit_node(1, record, |node| node.trashed = None);
    world.settle();
    world.disconnect(0);
    world.disconnect(1);
    world.set(0, record, "url", "edited");
    world.trash(1, record, 8);
    world.restore(backup);
    // Both read the restored ledger before either sends what it lacks.
    world.connect(1);
    read_without_a_commit(&mut world, 1, 10);
    world.connect(0);
    world.settle();
    world.disconnect(1);
    world.connect(1);
    world.settle();
    world.check_equal();
    let node = world.node(0, record);
    assert_eq!((node.trashed, node.conflicts.len()), (None, 1));
    assert_eq!(world.field(1, record, "url"), "edited");
}

#[test]
fn a_purge_that_waits_gives_way_to_an_edit_of_the_new_life() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    let backup = world.backup();
    world.disconnect(1);
    world.edit_node(0, record, |node| node.name = "renamed".into());
    world.set(0, record, "description", "of the old life");
    world.settle();
    world.disconnect(0);
    world.purge(0, record);
    world.set(1, record, "url", "edited");
    world.restore(backup);
    come_back(&mut world, [1, 0]);
    world.check_equal();
    assert_eq!(world.field(1, record, "url"), "edited");
    assert_eq!(world.node(1, record).name, "renamed");
    let kept = format!("{:?}", world.body(1, record));
    assert!(kept.contains("of the old life"), "{kept}");
}

#[test]
fn a_purge_of_the_old_life_leaves_whole_what_the_new_one_changed() {
    let mut world = World::new(2);
    let record = create(&mut world, 0, "r")[0];
    let backup = world.backup();
    world.disconnect(1);
    world.purge(0, record);
    world.settle();
    world.edit_node(1, record, |node| node.name = "renamed".into());
    world.restore(backup);
    come_back(&mut world, [1, 0]);
    world.check_equal();
    assert_eq!(world.node(0, record).name, "renamed");
    assert_eq!(world.field(0, record, "url"), "r");
}

/// An app has not heard that its commit was taken when the server goes back to where that app stands, and another
/// app, which saw it, comes back after it.
#[track_caller]
fn check_taken_unheard_and_lost(edits_on: bool, reads_first: bool) {
    let mut world = World::new(2);
    let records = create(&mut world, 0, "a b");
    let (a, b) = (records[0], records[1]);
    world.set(1, b, "url", "the second app is known");
    world.settle();
    let backup = world.backup();
    world.set(0, a, "url", "taken");
    world.send(0);
    world.disconnect(0);
    world.settle();
    assert_eq!(world.field(1, a, "url"), "taken");
    if edits_on {
        world.set(0, a, "url", "later");
    }
    world.restore(backup);
    world.connect(0);
    if reads_first {
        read_without_a_commit(&mut world, 0, 3);
    }
    world.connect(1);
    read_without_a_commit(&mut world, 0, 3);
    for _ in 0..10 {
        world.send(1);
        world.deliver(1, 10);
    }
    world.settle();
    world.disconnect(0);
    world.connect(0);
    world.settle();
    check_forest(&world, &records);
    assert_eq!(world.field(1, a, "url"), if edits_on { "later" } else { "taken" });
    for app in 0..2 {
        assert!(world.apps[app].engine.conflicts(world.workspace).is_empty());
    }
}

#[test]
fn what_was_under_way_when_the_server_went_back_to_its_author_is_no_conflict_with_who_saw_it_taken() {
    for edits_on in [false, true] {
        check_taken_unheard_and_lost(edits_on, false);
        check_taken_unheard_and_lost(edits_on, true);
    }
}
