//! Fresh apps and packs: the same state as without them, the tree first, and nothing from a lie.

use crate::support::{Ledger, World, body};
use satchel_model::RecordId;
use satchel_sync::{Alarm, Batch, Change, EngineError, Event, Kept, Key, Store, SyncState, Write};
use satchel_wire::{AppId, Digest, Manifest, Part, ServerFrame, Signature};

const ITEMS: usize = 40;

/// A world of two apps with some items, and packs of them.
fn packed_world() -> (World, Vec<RecordId>) {
    let mut world = World::new(2);
    let records: Vec<_> =
        (0..ITEMS).map(|n| world.create(0, &format!("item {n}"), &[("url", &format!("/{n}"))])).collect();
    world.settle();
    world.make_packs(0);
    assert!(ledger(&mut world).manifest.is_some());
    (world, records)
}

fn ledger(world: &mut World) -> &mut Ledger {
    world.server.ledgers.get_mut(&world.workspace).expect("it is there")
}

fn key(record: RecordId, part: Part) -> Key {
    Key { record: satchel_wire::RecordId::new(record.0), part }
}

fn alarms(world: &mut World, index: usize) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    while let Some(event) = world.apps[index].engine.poll_event() {
        if let Event::Alarm { alarm, .. } = event {
            alarms.push(alarm);
        }
    }
    alarms
}

/// A fresh app comes to the same state by itself, and its copy verifies.
fn check_fresh(world: &mut World, fresh: usize) {
    world.settle();
    world.check_equal();
    let app = &mut world.apps[fresh];
    let report = app.engine.verify(world.workspace, &mut app.store).expect("it checks");
    assert!(report.digest_agrees && report.damaged.is_empty());
    assert_eq!(app.store.load(world.workspace).expect("it loads").fresh, None, "it verified the ledger");
    app.restart();
    world.connect(fresh);
    world.settle();
    world.check_equal();
}

/// Delivers the greeting, and takes what the app asks for.
fn greet(world: &mut World, index: usize) {
    let greeting = world.server.wires[&index].len();
    world.deliver(index, greeting);
    world.send(index);
}

/// Delivers to an app until the workspace's tree is there.
fn deliver_tree(world: &mut World, index: usize) {
    for _ in 0..1_000 {
        world.send(index);
        if world.apps[index].engine.nodes(world.workspace).is_some_and(|nodes| !nodes.is_empty()) {
            return;
        }
        world.deliver(index, 1);
    }
    panic!("no tree came");
}

#[test]
fn a_fresh_app_reads_packs_in_place_of_envelopes() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    greet(&mut world, fresh);
    let is_page = |frame: &ServerFrame| matches!(frame, ServerFrame::Page { .. });
    assert!(!world.server.wires[&fresh].iter().any(is_page));
    check_fresh(&mut world, fresh);
    assert_eq!(alarms(&mut world, fresh), []);
    let kept = |world: &World, part| {
        world.apps[fresh].store.base(world.workspace, key(records[0], part)).expect("it reads")
    };
    assert_eq!((kept(&world, Part::Node), kept(&world, Part::Body)), (None, None));
    world.set(fresh, records[0], "url", "/edited");
    world.settle();
    world.check_equal();
    assert_eq!(world.field(1, records[0], "url"), "/edited");
    assert!(matches!(kept(&world, Part::Body), Some(Kept::Envelope(_))));
    assert!(world.apps[fresh].engine.conflicts(world.workspace).is_empty());
}

#[test]
fn the_tree_is_there_before_the_bodies_and_a_body_that_is_coming_is_not_absent() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    deliver_tree(&mut world, fresh);
    let workspace = world.workspace;
    assert_eq!(world.node(fresh, records[3]).name, "item 3");
    let app = &mut world.apps[fresh];
    let summary = app.engine.summary(workspace).expect("it is there");
    assert_eq!(summary.state, SyncState::Syncing);
    assert_eq!(summary.down, ITEMS as u64);
    assert!(matches!(app.engine.body(workspace, records[3], &app.store), Err(EngineError::Coming)));
    let change = Change { record: records[3], node: None, body: Some(body(&[("url", "/lost?")])) };
    let edited = app.engine.edit(workspace, vec![change], &mut app.store);
    assert!(matches!(edited, Err(EngineError::Coming)));
    let purged =
        app.engine.purge(workspace, &records[3..4], satchel_sync::BulkMark::Unmarked, &mut app.store);
    assert!(matches!(purged, Err(EngineError::Coming)));
    world.edit_node(fresh, records[4], |node| node.name = "renamed at once".into());
    let made = world.create(fresh, "new at once", &[("url", "/new")]);
    check_fresh(&mut world, fresh);
    assert_eq!(world.node(0, records[4]).name, "renamed at once");
    assert_eq!(world.field(0, made, "url"), "/new");
    assert_eq!(world.field(fresh, records[3], "url"), "/3");
}

#[test]
fn the_tail_behind_the_manifest_is_applied_over_the_packs() {
    let (mut world, records) = packed_world();
    world.set(1, records[0], "url", "/later");
    world.settle();
    world.set(1, records[0], "url", "/latest");
    world.edit_node(1, records[1], |node| node.name = "later".into());
    let made = world.create(1, "later", &[("url", "/new")]);
    world.settle();
    let app = &mut world.apps[0];
    let mark = satchel_sync::BulkMark::Unmarked;
    app.engine.purge(world.workspace, &records[2..3], mark, &mut app.store).expect("it is stored");
    world.settle();
    let fresh = world.add_app();
    check_fresh(&mut world, fresh);
    assert_eq!(alarms(&mut world, fresh), []);
    assert_eq!(world.field(fresh, records[0], "url"), "/latest");
    assert_eq!(world.field(fresh, made, "url"), "/new");
    assert!(!world.apps[fresh].engine.nodes(world.workspace).expect("it is there").contains_key(&records[2]));
}

#[test]
fn entries_that_come_live_before_the_bodies_stand_over_them() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    deliver_tree(&mut world, fresh);
    while !world.apps[fresh].engine.is_live(world.workspace) {
        world.deliver(fresh, 1);
    }
    world.send(fresh); // the packs are on their way, and what follows comes after them
    let packs = std::mem::take(world.server.wires.get_mut(&fresh).expect("it is connected"));
    world.set(0, records[5], "url", "/live");
    world.send(0);
    world.deliver(0, 1);
    world.set(0, records[5], "url", "/live again");
    world.send(0);
    world.deliver(fresh, 2);
    assert_eq!(world.field(fresh, records[5], "url"), "/live again");
    // A crash in between: what the entries named of the missing bodies is kept.
    world.apps[fresh].restart();
    drop(packs);
    world.connect(fresh);
    check_fresh(&mut world, fresh);
    assert_eq!(world.field(fresh, records[5], "url"), "/live again");
    assert_eq!(alarms(&mut world, fresh), []);
}

#[test]
fn a_broken_connection_goes_on_where_it_was() {
    let mut world = World::new(1);
    for n in 0..600 {
        world.create(0, &format!("item {n}"), &[("url", "/")]);
    }
    world.settle();
    world.make_packs(0);
    let nodes = ledger(&mut world).named(Part::Node).len();
    assert_eq!(nodes, 3);
    let fresh = world.add_app();
    let count = |world: &World| {
        let is_pack = |frame: &&ServerFrame| matches!(frame, ServerFrame::Pack { .. });
        world.server.wires[&fresh].iter().filter(is_pack).count()
    };
    greet(&mut world, fresh);
    assert_eq!(count(&world), nodes);
    world.deliver(fresh, 3); // the manifest and two packs
    world.disconnect(fresh);
    world.connect(fresh);
    greet(&mut world, fresh);
    assert_eq!(count(&world), nodes - 2);
    deliver_tree(&mut world, fresh);
    world.send(fresh);
    assert_eq!(count(&world), 3);
    world.disconnect(fresh);
    world.connect(fresh);
    check_fresh(&mut world, fresh);
}

#[test]
fn bodies_that_came_before_the_connection_broke_are_stored_with_the_next_one() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    deliver_tree(&mut world, fresh);
    world.send(fresh);
    while world.apps[fresh].engine.summary(world.workspace).expect("it is there").down > 0 {
        world.deliver(fresh, 1);
    }
    assert_eq!(world.field(fresh, records[3], "url"), "/3"); // verified and readable, not stored
    let is_whole = |world: &World| {
        let loaded = world.apps[fresh].store.load(world.workspace).expect("it loads");
        loaded.packs.iter().any(|pack| pack.part == Part::Body)
    };
    assert!(!is_whole(&world));
    assert!(!world.apps[fresh].engine.is_in_sync());
    world.disconnect(fresh);
    world.connect(fresh);
    check_fresh(&mut world, fresh);
    assert!(is_whole(&world));
    assert_eq!(alarms(&mut world, fresh), []);
}

#[test]
fn a_newer_manifest_in_the_middle_makes_the_app_begin_with_that_one() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    deliver_tree(&mut world, fresh);
    world.disconnect(fresh);
    world.set(0, records[0], "url", "/newer");
    world.settle();
    world.make_packs(0);
    world.connect(fresh);
    check_fresh(&mut world, fresh);
    assert_eq!(alarms(&mut world, fresh), []);
    assert_eq!(world.field(fresh, records[0], "url"), "/newer");
}

#[test]
fn packs_are_made_again_where_their_records_changed_meanwhile() {
    let mut world = World::new(2);
    let records: Vec<_> = (0..ITEMS).map(|n| world.create(0, &n.to_string(), &[("url", "/")])).collect();
    world.settle();
    let workspace = world.workspace;
    world.server.wires.get_mut(&0).expect("connected").push_back(ServerFrame::PacksWanted { workspace });
    world.deliver(0, 1);
    world.send(0); // the first pack is there
    assert_eq!(ledger(&mut world).packs.len(), 1);
    world.edit_node(1, records[0], |node| node.name = "changed meanwhile".into());
    let made = world.create(1, "made meanwhile", &[("url", "/")]);
    world.settle();
    let fresh = world.add_app();
    check_fresh(&mut world, fresh);
    assert_eq!(alarms(&mut world, fresh), []);
    assert_eq!(world.node(fresh, records[0]).name, "changed meanwhile");
    assert_eq!(world.field(fresh, made, "url"), "/");
    assert!(ledger(&mut world).manifest.is_some());
}

#[test]
fn packs_that_mostly_stand_stay_and_what_changed_comes_beside_them() {
    let (mut world, records) = packed_world();
    let bodies = |world: &mut World| -> Vec<_> {
        ledger(world).named(Part::Body).iter().map(|pack| (pack.pack, pack.records)).collect()
    };
    let first = bodies(&mut world);
    let whole = first[0].1;
    world.set(0, records[0], "url", "/second");
    world.set(1, records[1], "url", "/second");
    world.settle();
    world.make_packs(0);
    let second = bodies(&mut world);
    assert_eq!(second.len(), 2);
    assert_eq!((second[0], second[1].1), (first[0], 2));
    // A fresh app knows the packs that it began from, and adds to them as well; nothing is left of a pack
    // whose records were all changed again.
    let fresh = world.add_app();
    check_fresh(&mut world, fresh);
    assert_eq!(world.field(fresh, records[1], "url"), "/second");
    world.set(fresh, records[0], "url", "/third");
    world.set(fresh, records[1], "url", "/third");
    world.settle();
    world.make_packs(fresh);
    let third = bodies(&mut world);
    assert_eq!(third.len(), 2);
    assert_eq!((third[0], third[1].1), (first[0], 2));
    assert_ne!(third[1], second[1]);
    // What was purged is in no pack.
    let app = &mut world.apps[0];
    let mark = satchel_sync::BulkMark::Unmarked;
    app.engine.purge(world.workspace, &records[2..3], mark, &mut app.store).expect("it is stored");
    world.settle();
    world.make_packs(fresh);
    let fourth = bodies(&mut world);
    assert_eq!(fourth.iter().map(|(_, records)| records).sum::<u32>(), whole - 1);
    let last = world.add_app();
    check_fresh(&mut world, last);
    assert_eq!(world.field(last, records[1], "url"), "/third");
    assert_eq!(alarms(&mut world, last), []);
}

#[test]
fn edits_in_quick_succession_do_not_put_the_manifest_off() {
    let (mut world, records) = packed_world();
    let first = ledger(&mut world).manifest.clone();
    world.set(0, records[0], "url", "/second");
    world.settle();
    let workspace = world.workspace;
    world.server.wires.get_mut(&0).expect("connected").push_back(ServerFrame::PacksWanted { workspace });
    world.deliver(0, 1);
    for round in 0..6 {
        world.send(0); // a pack, or at last the manifest, and then the edit
        world.set(0, records[1], "url", &format!("/round {round}"));
        world.send(0);
        let answers = world.server.wires[&0].len();
        world.deliver(0, answers);
    }
    assert_ne!(ledger(&mut world).manifest, first);
    let fresh = world.add_app();
    check_fresh(&mut world, fresh);
    assert_eq!(world.field(fresh, records[1], "url"), "/round 5");
    assert_eq!(alarms(&mut world, fresh), []);
}

#[test]
fn packs_that_another_app_replaced_are_all_made_anew() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    check_fresh(&mut world, fresh);
    world.apps[0].restart(); // it knows nothing of the packs that it made
    world.connect(0);
    world.set(0, records[1], "url", "/changed");
    world.settle();
    world.make_packs(0);
    let replaced = ledger(&mut world).manifest.clone();
    world.set(fresh, records[0], "url", "/later");
    world.settle();
    world.make_packs(fresh);
    assert_eq!(ledger(&mut world).manifest, replaced); // its own are not there any more
    world.make_packs(fresh);
    assert_ne!(ledger(&mut world).manifest, replaced);
    let last = world.add_app();
    check_fresh(&mut world, last);
    assert_eq!(world.field(last, records[0], "url"), "/later");
}

#[test]
fn a_kept_pack_that_was_damaged_gives_way_to_envelopes() {
    let (mut world, records) = packed_world();
    let fresh = world.add_app();
    world.settle();
    let (workspace, named) = (world.workspace, ledger(&mut world).named(Part::Body)[0].pack);
    let loaded = world.apps[fresh].store.load(workspace).expect("it loads");
    let kept = loaded.packs.into_iter().find(|pack| pack.pack == named).expect("it is kept");
    let mut sealed = world.apps[fresh].store.pack(workspace, named).expect("it reads").expect("it is there");
    sealed[100] ^= 1;
    let put = Write::PutPack { pack: named, part: Part::Body, names: kept.names, sealed };
    world.apps[fresh].store.apply(&Batch { workspace, writes: vec![put] }).expect("it is written");
    world.apps[fresh].restart();
    world.connect(fresh);
    world.settle();
    let app = &world.apps[fresh];
    assert!(matches!(
        app.engine.body(workspace, records[3], &app.store),
        Err(EngineError::Unreadable { .. })
    ));
    world.settle();
    assert_eq!(world.field(fresh, records[3], "url"), "/3");
    let app = &mut world.apps[fresh];
    let report = app.engine.verify(workspace, &mut app.store).expect("it checks");
    assert_eq!(report.damaged.len(), ITEMS - 1);
    world.settle();
    check_fresh(&mut world, fresh);
}

#[test]
fn bodies_with_secrets_share_no_compression_context() {
    let size = |fields: &[(&str, &str)]| {
        let mut world = World::new(1);
        for n in 0..20 {
            world.create(0, &n.to_string(), fields);
        }
        world.settle();
        world.make_packs(0);
        ledger(&mut world).named(Part::Body).iter().map(|pack| pack.bytes).sum::<u32>()
    };
    let long = "one and the same value in every body ".repeat(20);
    assert!(size(&[("url", &long), ("type", "default")]) < 3_000);
    let plain = u32::try_from(20 * long.len()).expect("small");
    assert!(size(&[("url", &long), ("type", "secret")]) > plain);
}

/// What a lying server changes, and the alarm it ends in. The state is right in any case.
#[test]
fn whatever_does_not_verify_ends_in_an_alarm_and_a_catch_up_without_packs() {
    let check = |lie: &dyn Fn(&mut Ledger), expected: Alarm| {
        let (mut world, records) = packed_world();
        world.set(1, records[0], "url", "/tail");
        world.settle();
        lie(ledger(&mut world));
        let fresh = world.add_app();
        world.settle();
        world.check_equal();
        assert_eq!(alarms(&mut world, fresh), [expected]);
        let kept = world.apps[fresh].store.base(world.workspace, key(records[1], Part::Body));
        assert!(matches!(kept, Ok(Some(Kept::Envelope(_)))));
    };
    let flip = |part: Part| {
        move |ledger: &mut Ledger| {
            let named = ledger.named(part)[0].pack;
            ledger.packs.get_mut(&named).expect("it is there")[200] ^= 1;
        }
    };
    check(&flip(Part::Node), Alarm::Damaged);
    check(&flip(Part::Body), Alarm::Damaged);
    check(
        &|ledger| {
            let named = ledger.named(Part::Node)[0].pack;
            ledger.packs.remove(&named);
        },
        Alarm::Damaged,
    );
    check(&|ledger| edit_manifest(ledger, |manifest| manifest.digest = Digest::new([1; 32])), Alarm::Forged);
    check(&|ledger| edit_manifest(ledger, |manifest| manifest.app = AppId::new([7; 16])), Alarm::Forged);
    check(&|ledger| edit_manifest(ledger, |manifest| manifest.head.seq -= 1), Alarm::Forged);
}

fn edit_manifest(ledger: &mut Ledger, edit: impl FnOnce(&mut Manifest)) {
    let signed = ledger.manifest.as_mut().expect("it is there");
    let mut manifest = Manifest::decode(&signed.manifest).expect("it was good");
    edit(&mut manifest);
    signed.manifest = manifest.encode().into();
}

#[test]
fn the_ledger_is_verified_after_the_packs_and_a_reload_reads_it_where_it_does_not_agree() {
    let (mut world, records) = packed_world();
    let good = ledger(&mut world).entries[2].0.clone();
    ledger(&mut world).entries[2].0.signature = Signature::new([1; 64]);
    let fresh = world.add_app();
    world.settle();
    assert_eq!(world.field(fresh, records[3], "url"), "/3");
    let summary = world.apps[fresh].engine.summary(world.workspace).expect("it is there");
    assert!(matches!(summary.state, SyncState::Blocked(Alarm::Forged, _)), "{:?}", summary.state);
    ledger(&mut world).entries[2].0 = good;
    world.disconnect(fresh);
    world.apps[fresh].engine.unblock(world.workspace);
    world.connect(fresh);
    world.settle();
    world.check_equal();
    let kept = world.apps[fresh].store.base(world.workspace, key(records[3], Part::Body));
    assert!(matches!(kept, Ok(Some(Kept::Envelope(_)))));
}
