//! Purging: what goes, what needs a person's mark, and what outlives it.

use crate::support::World;
use satchel_model::{RecordId, Trashed};
use satchel_sync::{BulkMark, EngineError};
use satchel_wire::{CommitHeader, Content};

fn purge(world: &mut World, index: usize, records: &[RecordId], mark: BulkMark) -> bool {
    let (workspace, app) = (world.workspace, &mut world.apps[index]);
    match app.engine.purge(workspace, records, mark, &mut app.store) {
        Ok(()) => true,
        Err(EngineError::BulkNotMarked { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

fn has(world: &World, index: usize, record: RecordId) -> bool {
    let nodes = world.apps[index].engine.nodes(world.workspace).expect("it is there");
    nodes.contains_key(&record)
}

/// For each commit with purges: how many records, and whether it is marked.
fn purges(world: &World) -> Vec<(usize, bool)> {
    let entries = &world.server.ledgers[&world.workspace].entries;
    let purge = |(header, _): &(satchel_wire::SignedHeader, Vec<Vec<u8>>)| {
        let header = CommitHeader::decode(&header.header).expect("the engine signs good headers");
        let Content::Ops { ops, bulk, .. } = header.content else { return None };
        let mut records: Vec<_> = ops.iter().filter(|op| op.put.is_none()).map(|op| op.record).collect();
        records.dedup();
        (!records.is_empty()).then_some((records.len(), bulk))
    };
    entries.iter().filter_map(purge).collect()
}

fn with_requests(count: usize) -> (World, Vec<RecordId>) {
    let mut world = World::new(2);
    let records = (0..count).map(|n| world.create(0, &format!("r{n}"), &[("url", "one")])).collect();
    world.settle();
    (world, records)
}

#[test]
fn what_is_purged_is_gone_everywhere_and_after_a_crash() {
    let (mut world, records) = with_requests(3);
    assert!(purge(&mut world, 0, &records[..2], BulkMark::Unmarked));
    assert!(!has(&world, 0, records[0]), "at once");
    world.apps[0].restart();
    assert!(!has(&world, 0, records[0]), "the wish outlives a crash");
    world.connect(0);
    world.settle();
    world.check_equal();
    assert!(!has(&world, 1, records[0]) && !has(&world, 1, records[1]) && has(&world, 1, records[2]));
}

#[test]
fn what_the_server_never_saw_goes_without_it() {
    let (mut world, _) = with_requests(0);
    world.disconnect(0);
    let record = world.create(0, "new", &[]);
    assert!(purge(&mut world, 0, &[record], BulkMark::Unmarked));
    assert_eq!(world.apps[0].engine.waiting(), 0);
}

#[test]
fn many_items_need_a_mark_that_outlives_a_crash() {
    let (mut world, records) = with_requests(30);
    assert!(!purge(&mut world, 0, &records[..21], BulkMark::Unmarked));
    assert!(has(&world, 0, records[0]), "nothing was changed");
    world.disconnect(0);
    assert!(purge(&mut world, 0, &records[..21], BulkMark::Marked));
    world.apps[0].restart();
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(purges(&world), [(21, true)]);
}

#[test]
fn small_purges_that_gathered_need_no_mark() {
    let (mut world, records) = with_requests(30);
    world.disconnect(0);
    for some in records.chunks(15) {
        assert!(purge(&mut world, 0, some, BulkMark::Unmarked));
    }
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(purges(&world), [(20, false), (10, false)]);
}

#[test]
fn a_purge_gives_way_to_an_edit_that_its_author_did_not_see() {
    let (mut world, records) = with_requests(1);
    world.disconnect(0);
    assert!(purge(&mut world, 0, &records, BulkMark::Unmarked));
    world.set(1, records[0], "url", "two");
    world.settle();
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, records[0], "url"), "two");
    assert_eq!(purges(&world), []);
}

#[test]
fn an_item_that_was_edited_meanwhile_outlives_a_purge_whole() {
    for edits_node in [false, true] {
        let (mut world, records) = with_requests(1);
        world.disconnect(1);
        world.edit_node(0, records[0], |node| node.trashed = Some(Trashed { who: "a".into(), when_ms: 1 }));
        world.settle();
        assert!(purge(&mut world, 0, &records, BulkMark::Unmarked));
        world.settle();
        if edits_node {
            world.edit_node(1, records[0], |node| node.name = "renamed".into());
        } else {
            world.set(1, records[0], "url", "two");
        }
        world.connect(1);
        world.settle();
        world.check_equal();
        let (node, url) = (world.node(0, records[0]), world.field(0, records[0], "url"));
        assert_eq!(node.trashed, None);
        let expected = if edits_node { ("renamed", "one") } else { ("r0", "two") };
        assert_eq!((node.name.as_str(), url.as_str()), expected);
    }
}
