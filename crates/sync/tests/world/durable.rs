//! When something is durable, and what may leave the app before it is.

use std::sync::Arc;

use satchel_wire::{ClientFrame, CommitHeader, Content};

use crate::support::World;

/// The operations of each commit that an app sends now, and how often the store was synced for them.
fn sent(world: &mut World, index: usize) -> (Vec<usize>, usize) {
    let app = &mut world.apps[index];
    let before = app.store.syncs();
    let mut sizes = Vec::new();
    while let Some(frame) =
        app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("a memory store works")
    {
        if let ClientFrame::Commit { header, .. } = &frame {
            let header = CommitHeader::decode(&header.header).expect("the engine makes good headers");
            sizes.push(match header.content {
                Content::Ops { ops, .. } => ops.len(),
                Content::Charter(_) => 0,
            });
        }
        world.server.take(index, frame);
    }
    (sizes, world.apps[index].store.syncs() - before)
}

fn make_durable(world: &mut World, index: usize) {
    let app = &mut world.apps[index];
    app.engine.make_durable(&mut app.store).expect("a memory store works");
}

/// Takes everything back that came after `disk`, and starts anew.
fn cut_power(world: &mut World, index: usize, disk: satchel_sync::MemoryStore) {
    world.apps[index].store = disk;
    world.apps[index].restart();
    world.connect(index);
    world.settle();
}

#[test]
fn an_edit_that_nobody_was_told_of_may_go_out_before_it_is_durable() {
    let mut world = World::new(1);
    let record = world.create(0, "Get", &[("url", "/a")]);
    world.settle();
    make_durable(&mut world, 0);
    world.set(0, record, "url", "/b");
    assert_eq!(sent(&mut world, 0), (vec![1], 0));
}

#[test]
fn a_commit_of_what_is_durable_is_durable_before_it_goes_out() {
    let mut world = World::new(1);
    let record = world.create(0, "Get", &[("url", "/a")]);
    world.settle();
    world.set(0, record, "url", "/b");
    make_durable(&mut world, 0);
    assert_eq!(sent(&mut world, 0), (vec![1], 1));
    // An edit over one that waits and is durable: losing the commit alone would leave the first one.
    let other = world.create(0, "Other", &[("url", "/a")]);
    make_durable(&mut world, 0);
    world.set(0, other, "url", "/b");
    world.deliver(0, 10);
    assert_eq!(sent(&mut world, 0), (vec![2], 1));
}

#[test]
fn what_a_power_cut_took_after_it_was_sent_comes_back_without_a_conflict() {
    let mut world = World::new(2);
    let record = world.create(0, "Get", &[("url", "/a")]);
    world.settle();
    make_durable(&mut world, 0);
    let disk = world.apps[0].store.clone();
    world.set(0, record, "url", "/b");
    sent(&mut world, 0);
    cut_power(&mut world, 0, disk);
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/b");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_commit_that_was_made_durable_is_sent_again_and_taken_once() {
    let mut world = World::new(2);
    let record = world.create(0, "Get", &[("url", "/a")]);
    world.settle();
    world.set(0, record, "url", "/b");
    sent(&mut world, 0);
    make_durable(&mut world, 0);
    let (disk, entries) = (world.apps[0].store.clone(), world.server.ledgers[&world.workspace].entries.len());
    // The other one goes on from it: what is sent again must not be taken for a change against that.
    world.deliver(1, 10);
    world.set(1, record, "url", "/c");
    for sizes in [[0], [1]] {
        assert_eq!(sent(&mut world, 1).0, sizes); // its entry of the charter comes first
        world.deliver(1, 10);
    }
    cut_power(&mut world, 0, disk);
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/c");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
    assert_eq!(world.server.ledgers[&world.workspace].entries.len(), entries + 2);
}

#[test]
fn what_came_from_the_server_needs_no_sync() {
    let mut world = World::new(2);
    let record = world.create(0, "Get", &[("url", "/a")]);
    world.settle();
    make_durable(&mut world, 1);
    let (disk, syncs) = (world.apps[1].store.clone(), world.apps[1].store.syncs());
    world.set(0, record, "url", "/b");
    world.settle();
    assert_eq!(world.apps[1].store.syncs(), syncs);
    cut_power(&mut world, 1, disk);
    world.check_equal();
    assert_eq!(world.field(1, record, "url"), "/b");
}

#[test]
fn edits_in_quick_succession_share_a_commit_behind_the_first() {
    let mut world = World::new(1);
    let records: Vec<_> =
        (0..4).map(|number| world.create(0, &number.to_string(), &[("url", "/a")])).collect();
    world.settle();
    assert!(!world.apps[0].engine.is_gathering() && !world.apps[0].engine.is_committing());
    world.set(0, records[0], "url", "/b");
    assert_eq!(sent(&mut world, 0).0, [1]);
    for record in &records[1..] {
        world.set(0, *record, "url", "/b");
        assert_eq!(sent(&mut world, 0).0, [0; 0]);
    }
    assert!(world.apps[0].engine.is_gathering() && world.apps[0].engine.is_committing());
    world.deliver(0, 1);
    assert_eq!(sent(&mut world, 0).0, [3]);
    world.settle();
    world.check_equal();
}

#[test]
fn the_tree_is_built_anew_only_after_something_moved() {
    let mut world = World::new(1);
    let record = world.create(0, "Get", &[("url", "/a")]);
    let tree = |world: &World| world.apps[0].engine.tree(world.workspace).expect("it is there");
    let first = tree(&world);
    world.set(0, record, "url", "/b");
    world.edit_node(0, record, |node| node.name = "Put".into());
    assert!(Arc::ptr_eq(&first, &tree(&world)));
    world.edit_node(0, record, |node| node.position.parent = satchel_model::RecordId([7; 16]));
    assert_eq!(tree(&world).recovered(), [record]);
    assert!(first.recovered().is_empty());
}
