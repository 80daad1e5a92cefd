//! The engine between apps and a small honest server: nothing lost, nothing doubled, all equal.

use crate::support::World;
use satchel_sync::{Alarm, Event, SyncState};
use satchel_wire::ServerFrame;

#[test]
fn stores_conform() {
    satchel_sync::conformance::check_store(satchel_sync::MemoryStore::default);
}

#[test]
fn an_edit_in_one_app_arrives_in_the_other() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    world.settle();
    assert_eq!(world.field(1, record, "url"), "/cart");
    world.set(1, record, "url", "/basket");
    world.settle();
    assert_eq!(world.field(0, record, "url"), "/basket");
    world.check_equal();
}

#[test]
fn a_change_says_whether_others_made_it() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    world.settle();
    let by_others = |world: &mut World, app: usize| {
        let events = std::iter::from_fn(|| world.apps[app].engine.poll_event());
        let told = events.filter_map(|event| match event {
            Event::Changed { records, by_others, .. } => Some((records, by_others)),
            _ => None,
        });
        told.last()
    };
    (0..2).for_each(|app| drop(by_others(&mut world, app)));
    world.set(0, record, "url", "/basket");
    world.settle();
    assert_eq!(by_others(&mut world, 0), Some((vec![record], false)));
    assert_eq!(by_others(&mut world, 1), Some((vec![record], true)));
}

#[test]
fn an_app_is_in_sync_only_after_the_acknowledgement() {
    let mut world = World::new(2);
    world.create(0, "Get cart", &[]);
    assert!(!world.apps[0].engine.is_in_sync());
    world.send(0);
    assert!(!world.apps[0].engine.is_in_sync());
    assert_eq!(world.apps[0].engine.waiting(), 1);
    world.settle();
    assert!(world.apps[0].engine.is_in_sync());
    assert_eq!(world.apps[0].engine.waiting(), 0);
}

#[test]
fn offline_edits_of_different_fields_both_stand() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart"), ("description", "old")]);
    world.settle();
    (0..2).for_each(|app| world.disconnect(app));
    world.set(0, record, "url", "/basket");
    world.edit_node(0, record, |node| node.name = "Get basket".into());
    world.set(1, record, "description", "new");
    world.edit_node(1, record, |node| node.method = Some("POST".into()));
    (0..2).for_each(|app| world.connect(app));
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/basket");
    assert_eq!(world.field(0, record, "description"), "new");
    let node = world.node(0, record);
    assert_eq!((node.name.as_str(), node.method.as_deref()), ("Get basket", Some("POST")));
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn offline_edits_of_one_field_are_one_conflict_in_both() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    world.settle();
    (0..2).for_each(|app| world.disconnect(app));
    world.set(0, record, "url", "/first");
    world.set(1, record, "url", "/second");
    world.connect(0);
    world.settle();
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(1, record, "url"), "/first");
    for app in 0..2 {
        let conflicts = world.apps[app].engine.conflicts(world.workspace);
        assert_eq!(conflicts.iter().map(|(.., count)| count).sum::<u32>(), 1);
    }
    let mut body = world.body(0, record);
    body.conflicts.clear();
    world.edit(0, satchel_sync::Change { record, node: None, body: Some(body) });
    world.settle();
    world.check_equal();
    assert!(world.apps[1].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_single_app_never_sees_a_conflict() {
    let mut world = World::new(1);
    let record = world.create(0, "Get cart", &[("url", "0")]);
    for step in 1..20 {
        world.set(0, record, "url", &step.to_string());
        world.send(0);
        match step % 4 {
            0 => world.disconnect(0),
            1 => world.connect(0),
            2 => world.deliver(0, 1),
            _ => world.apps[0].restart(),
        }
    }
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "19");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_lost_answer_is_neither_a_second_commit_nor_a_conflict() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/a")]);
    world.settle();
    world.server.lose_answers = true;
    world.set(0, record, "url", "/b");
    world.send(0);
    world.server.lose_answers = false;
    world.disconnect(0);
    world.set(0, record, "url", "/c");
    world.settle();
    world.set(1, record, "description", "seen /b");
    world.settle();
    world.apps[0].restart();
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(1, record, "url"), "/c");
    assert_eq!(world.field(0, record, "description"), "seen /b");
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn a_broken_catch_up_goes_on_where_it_stopped() {
    let mut world = World::new(2);
    world.disconnect(1);
    let mut records = Vec::new();
    for n in 0..40 {
        records.push(world.create(0, &format!("r{n}"), &[("url", "x")]));
        world.settle(); // a commit each: a page can be taken up only between commits
    }
    let mut pages = 0;
    for _ in 0..4 {
        world.connect(1);
        world.deliver(1, 1);
        world.send(1);
        pages +=
            world.server.wires[&1].iter().filter(|frame| matches!(frame, ServerFrame::Page { .. })).count();
        world.deliver(1, 8);
        world.disconnect(1);
    }
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.node(1, records[39]).name, "r39");
    assert!(pages < 4 * 27, "it begins anew each time: {pages}");
}

#[test]
fn an_edit_outlives_a_deletion_made_at_the_same_time() {
    for editor_first in [true, false] {
        let mut world = World::new(2);
        let record = world.create(0, "Get cart", &[("url", "/a")]);
        world.settle();
        (0..2).for_each(|app| world.disconnect(app));
        world.edit_node(0, record, |node| {
            node.trashed = Some(satchel_model::Trashed { who: String::new(), when_ms: 1 });
        });
        world.set(1, record, "url", "/b");
        let order = if editor_first { [1, 0] } else { [0, 1] };
        for app in order {
            world.connect(app);
            world.settle();
        }
        world.check_equal();
        assert_eq!(world.field(0, record, "url"), "/b");
        let node = world.node(0, record);
        assert!(node.trashed.is_none(), "editor first: {editor_first}");
        assert_eq!(node.conflicts.len(), 1);
    }
}

#[test]
fn a_crash_at_any_point_loses_no_edit() {
    for steps in 0..12 {
        let mut world = World::new(2);
        let record = world.create(0, "Get cart", &[("url", "/a")]);
        world.send(0);
        world.set(0, record, "url", "/b");
        for step in 0..steps {
            if step % 2 == 0 { world.send(0) } else { world.deliver(0, 1) }
        }
        world.apps[0].restart();
        assert_eq!(world.field(0, record, "url"), "/b");
        world.connect(0);
        world.settle();
        world.check_equal();
        assert_eq!(world.field(1, record, "url"), "/b");
        assert_eq!(world.server.ledgers[&world.workspace].records.len(), 3);
    }
}

#[test]
fn a_large_change_goes_in_several_commits() {
    let mut world = World::new(2);
    for n in 0..700 {
        world.create(0, &format!("r{n}"), &[("url", "x")]);
    }
    world.settle();
    world.check_equal();
    let ledger = &world.server.ledgers[&world.workspace];
    assert_eq!(ledger.records.len(), 1 + 2 * 700);
    assert!(ledger.entries.len() < 12, "{} commits", ledger.entries.len());
}

#[test]
fn of_many_bodies_that_come_at_once_the_conflicts_are_counted() {
    let mut world = World::new(2);
    let records: Vec<_> =
        (0..100).map(|number| world.create(0, &format!("R{number}"), &[("url", "/a")])).collect();
    world.settle();
    world.disconnect(1);
    world.set(0, records[7], "url", "/here");
    world.settle();
    for record in &records {
        world.set(1, *record, "url", "/there");
    }
    world.connect(1);
    world.settle();
    world.check_equal();
    for app in &world.apps {
        let summary = app.engine.summary(world.workspace).expect("it is there");
        assert_eq!((summary.conflicts, summary.up, summary.state), (1, 0, SyncState::InSync));
    }
    assert_eq!(world.field(0, records[8], "url"), "/there");
}

#[test]
fn a_server_that_goes_back_is_an_alarm_and_nothing_is_lost() {
    let mut world = World::new(1);
    let record = world.create(0, "Get cart", &[("url", "/a")]);
    world.settle();
    world.disconnect(0);
    let ledger = world.server.ledgers.get_mut(&world.workspace).expect("it was founded");
    ledger.entries.pop();
    world.connect(0);
    world.settle();
    let summary = world.apps[0].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::RolledBack, _)), "{:?}", summary.state);
    assert_eq!(world.field(0, record, "url"), "/a");
}

#[test]
fn a_forged_entry_is_an_alarm_and_is_not_applied() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/a")]);
    world.settle();
    world.set(0, record, "url", "/b");
    world.send(0);
    let wire = world.server.wires.get_mut(&1).expect("it is connected");
    match wire.back_mut() {
        Some(ServerFrame::Entry { header, .. }) => header.header[40] ^= 1,
        other => panic!("{other:?}"),
    }
    world.settle();
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert!(
        matches!(summary.state, SyncState::Blocked(Alarm::Forged | Alarm::Forked, _)),
        "{:?}",
        summary.state
    );
    assert_eq!(world.field(1, record, "url"), "/a");
}

#[test]
fn a_swapped_envelope_is_an_alarm_and_is_not_applied() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/a")]);
    world.settle();
    world.set(0, record, "url", "/b");
    world.send(0);
    let wire = world.server.wires.get_mut(&1).expect("it is connected");
    match wire.back_mut() {
        Some(ServerFrame::Entry { envelopes, .. }) => {
            let last = envelopes[0].len() - 1;
            envelopes[0][last] ^= 1;
        }
        other => panic!("{other:?}"),
    }
    world.settle();
    let summary = world.apps[1].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::Damaged, _)), "{:?}", summary.state);
    assert_eq!(world.field(1, record, "url"), "/a");
}

#[test]
fn a_damaged_local_copy_is_fetched_again() {
    use satchel_sync::{Batch, Key, Store, Write};
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/a")]);
    world.settle();
    let workspace = world.workspace;
    let app = &mut world.apps[1];
    let key = Key { record: satchel_wire::RecordId::new(record.0), part: satchel_wire::Part::Body };
    let good = app.store.base(workspace, key).expect("reads").expect("it is there");
    let loaded = app.store.load(workspace).expect("loads");
    let base = loaded.base.iter().find(|entry| entry.key == key).expect("it is there").clone();
    let satchel_sync::Kept::Envelope(mut bad) = good.clone() else { panic!("it came as an envelope") };
    bad[100] ^= 1;
    let put = Write::PutBase { key, seq: base.seq, revision: base.revision, conflicts: 0, envelope: bad };
    app.store.apply(&Batch { workspace, writes: vec![put] }).expect("writes");
    let report = app.engine.verify(workspace, &mut app.store).expect("checks");
    assert_eq!(report.damaged, [key]);
    world.settle();
    let app = &mut world.apps[1];
    assert_eq!(app.store.base(workspace, key).expect("reads"), Some(good));
    assert!(app.engine.verify(workspace, &mut app.store).expect("checks").damaged.is_empty());
    world.check_equal();
}

#[test]
fn the_scratch_pad_needs_no_account_and_never_syncs() {
    let mut store = satchel_sync::MemoryStore::default();
    let mut engine = satchel_sync::Engine::open(None, &store).expect("opens");
    let record = satchel_model::RecordId([1; 16]);
    let change =
        satchel_sync::Change { record, node: None, body: Some(crate::support::body(&[("url", "/a")])) };
    engine.edit(satchel_sync::SCRATCH, vec![change], &mut store).expect("edits");
    let again = satchel_sync::Engine::open(None, &store).expect("opens");
    assert!(again.body(satchel_sync::SCRATCH, record, &store).expect("reads").is_some());
    assert_eq!(again.waiting(), 0);
    assert!(again.workspaces().is_empty());
}

#[test]
fn an_edit_with_a_rename_outlives_a_deletion_made_elsewhere() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    world.settle();
    (0..2).for_each(|app| world.disconnect(app));
    let trashed = Some(satchel_model::Trashed { who: "0".into(), when_ms: 7 });
    world.edit_node(0, record, |node| node.trashed = trashed);
    world.set(1, record, "url", "/basket");
    world.edit_node(1, record, |node| node.name = "Get basket".into());
    for app in 0..2 {
        world.connect(app);
        world.settle();
    }
    world.check_equal();
    assert_eq!(world.node(0, record).trashed, None);
    assert_eq!(world.node(0, record).conflicts.len(), 1);
    assert_eq!(world.field(0, record, "url"), "/basket");
}

#[test]
fn who_trashes_what_was_just_edited_here_has_it_in_the_trash() {
    let mut world = World::new(1);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    world.settle();
    world.set(0, record, "url", "/basket");
    world.send(0);
    let trashed = Some(satchel_model::Trashed { who: "0".into(), when_ms: 7 });
    world.edit_node(0, record, |node| node.trashed = trashed.clone());
    world.settle();
    world.check_equal();
    assert_eq!(world.node(0, record).trashed, trashed);
    assert!(world.apps[0].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn who_trashes_an_item_after_its_disk_was_set_back_has_not_seen_what_the_old_one_sent() {
    let check = |is_sent: bool| {
        let mut world = World::new(2);
        world.disconnect(0);
        let record = world.create(0, "Get cart", &[("url", "/cart")]);
        if is_sent {
            world.connect(0);
            world.settle();
        }
        let disk = world.apps[0].store.clone();
        world.set(0, record, "description", "the cart");
        world.connect(0);
        world.settle();
        world.disconnect(0);
        world.apps[0].store = disk;
        world.apps[0].restart();
        let trashed = Some(satchel_model::Trashed { who: "0".into(), when_ms: 7 });
        world.edit_node(0, record, |node| node.trashed = trashed);
        world.connect(0);
        world.settle();
        world.check_equal();
        assert_eq!(world.node(0, record).trashed, None, "sent: {is_sent}");
        assert_eq!(world.field(0, record, "description"), "the cart");
    };
    check(true);
    check(false);
}

#[test]
fn a_deletion_that_follows_an_edit_on_its_way_does_not_overtake_what_made_that_stale() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    world.settle();
    world.set(1, record, "description", "the cart"); // and the app is written into the charter
    world.settle();
    world.set(1, record, "url", "/elsewhere");
    world.send(1);
    world.set(0, record, "url", "/basket");
    world.send(0);
    let trashed = Some(satchel_model::Trashed { who: "0".into(), when_ms: 7 });
    world.edit_node(0, record, |node| node.trashed = trashed);
    let entries = world.server.ledgers[&world.workspace].entries.len();
    world.send(0);
    assert_eq!(world.server.ledgers[&world.workspace].entries.len(), entries, "it was sent with no regard");
    world.disconnect(0);
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.node(1, record).trashed, None);
}

#[test]
fn a_second_deletion_is_compared_with_the_restore_that_this_app_sent_itself() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/cart")]);
    let trashed = Some(satchel_model::Trashed { who: "0".into(), when_ms: 7 });
    world.edit_node(0, record, |node| node.trashed = trashed.clone());
    world.settle();
    world.edit_node(0, record, |node| node.trashed = None);
    world.send(0);
    world.disconnect(0); // it never hears that this was taken
    world.settle();
    world.set(1, record, "url", "/basket");
    world.settle();
    world.edit_node(0, record, |node| node.trashed = trashed);
    world.connect(0);
    world.settle();
    world.check_equal();
    assert_eq!(world.node(0, record).trashed, None);
    assert_eq!(world.field(0, record, "url"), "/basket");
}

#[test]
fn two_moves_that_would_make_a_cycle_never_are_both_committed() {
    let mut world = World::new(2);
    let records = ["one", "two"].map(|name| world.create(0, name, &[]));
    world.settle();
    (0..2).for_each(|app| world.disconnect(app));
    world.edit_node(0, records[0], |node| node.position.parent = records[1]);
    world.edit_node(1, records[1], |node| node.position.parent = records[0]);
    for app in 0..2 {
        world.connect(app);
        world.settle();
    }
    world.check_equal();
    let root = satchel_model::RecordId(*world.workspace.as_bytes());
    assert_eq!(world.node(0, records[0]).position.parent, records[1]);
    assert_eq!(world.node(0, records[1]).position.parent, root);
    assert_eq!(world.node(0, records[1]).conflicts.len(), 1);
}
