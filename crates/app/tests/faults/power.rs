//! Power cuts: what was not synced is gone, all of it or what the seed chooses, torn.
//!
//! The controls show that this bites: with the syncs of `synchronous=NORMAL`, or with none, the same
//! history loses an acknowledged edit.

use crate::acks::{Acked, Acks};
use crate::seed::{Seed, Tally, run_histories};
use crate::shim::{Faults, Layer, Sync};
use crate::undo::{self, Reached};
use crate::world::World;

const HISTORIES: u64 = 4;
const ROUNDS: u64 = 8;
const EDITS: u64 = 5;
const OPERATIONS: u64 = 120;

fn faults(seed: &mut Seed) -> Faults {
    // Half of the cuts come right after an acknowledgement, half in the middle of the work.
    let kill_at = seed.one_in(2).then(|| 1 + seed.below(OPERATIONS));
    Faults { kill_at, ..Faults::default() }
}

fn reached(seed: &mut Seed) -> Reached {
    if seed.one_in(2) { Reached::Nothing } else { Reached::Some }
}

fn server_history(number: u64, tally: &mut Tally) {
    let (mut world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    world.server.kill();
    let layer = Layer::new(&world.server.data);
    for _ in 0..ROUNDS {
        let faults = faults(&mut seed);
        if world.server.try_start(Some((&layer, &faults))) {
            first.start_agent(None);
            for _ in 0..EDITS {
                first.edit(&mut seed, &mut acks);
                if !world.server.is_running() {
                    break;
                }
            }
        }
        world.server.kill();
        first.kill_agent();
        let reached = reached(&mut seed);
        let seen = undo::cut(&layer, reached, &mut seed);
        tally.add("power_cuts", 1);
        tally.add("unsynced_changes", seen.unsynced);
        world.server.start(None);
        second.must(&["sync"]);
        second.check(&acks, Acked::Server);
        first.must(&["sync"]);
        acks.all_synced();
        second.must(&["sync"]);
        assert_eq!(first.show(), second.show());
        world.server.kill();
    }
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn a_server_without_power_has_every_edit_that_it_acknowledged() {
    run_histories("power_server", "a_server_without_power", HISTORIES, server_history);
}

fn app_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    let layer = Layer::new(&first.home);
    for round in 0..ROUNDS {
        let faults = faults(&mut seed);
        let under = Some((&layer, &faults));
        // With an agent and, in every other round, with commands that open the profile themselves.
        if round % 2 == 0 && first.try_start_agent(under) {
            for _ in 0..EDITS {
                first.edit(&mut seed, &mut acks);
                if !first.agent_runs() {
                    break;
                }
            }
            first.kill_agent();
        } else {
            first.edit_under(&mut seed, under, &mut acks);
        }
        let reached = reached(&mut seed);
        let seen = undo::cut(&layer, reached, &mut seed);
        tally.add("power_cuts", 1);
        tally.add("unsynced_changes", seen.unsynced);
        first.check(&acks, Acked::Local);
        first.must(&["sync"]);
        acks.all_synced();
        second.must(&["sync"]);
        second.check(&acks, Acked::Server);
    }
    assert_eq!(first.show(), second.show());
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn an_app_without_power_has_every_edit_that_it_acknowledged() {
    run_histories("power_app", "an_app_without_power", HISTORIES, app_history);
}

/// A profile and a server are made, each with a power cut at some operation of its first minutes.
fn birth_history(number: u64, tally: &mut Tally) {
    let (mut world, mut seed) = (World::new(), Seed::new(number));
    world.server.kill();
    std::fs::remove_dir_all(&world.server.data).expect("it can be removed");
    std::fs::create_dir(&world.server.data).expect("it can be made");
    let layer = Layer::new(&world.server.data);
    let faults = Faults { kill_at: Some(1 + seed.below(60)), ..Faults::default() };
    world.server.try_start(Some((&layer, &faults)));
    world.server.kill();
    undo::cut(&layer, reached(&mut seed), &mut seed);
    world.server.start(None);
    let mut acks = Acks::new(&world.path("acks"));
    let scratch = world.app("scratch");
    std::fs::create_dir(&scratch.home).expect("it can be made");
    let layer = Layer::new(&scratch.home);
    let faults = Faults { kill_at: Some(1 + seed.below(60)), ..Faults::default() };
    let under = Some((&layer, &faults));
    let made = scratch.run_under(&["new", "collection", "Shop"], under).is_well();
    undo::cut(&layer, reached(&mut seed), &mut seed);
    let names = scratch.must(&["ls"]).stdout;
    assert!(!made || names.contains("Shop"), "{names}");
    if !names.contains("Shop") {
        scratch.must(&["new", "collection", "Shop"]);
    }
    scratch.make("R", &mut acks);
    scratch.check(&acks, Acked::Local);
    tally.add("power_cuts", 2);
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn a_power_cut_while_a_store_is_made_leaves_one_that_works() {
    run_histories("power_birth", "a_power_cut_while", 10, birth_history);
}

/// What is lost of a server's and of an app's acknowledged edits with other syncs.
fn lost_with(sync: Sync) -> (usize, usize) {
    let mut seed = Seed::new(1);
    let mut world = World::new();
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    world.server.kill();
    let (of_server, of_app) = (Layer::new(&world.server.data), Layer::new(&first.home));
    let faults = Faults { sync, ..Faults::default() };
    world.server.start(Some((&of_server, &faults)));
    first.start_agent(Some((&of_app, &faults)));
    for _ in 0..EDITS {
        first.edit(&mut seed, &mut acks);
    }
    world.server.kill();
    first.kill_agent();
    undo::cut(&of_server, Reached::Nothing, &mut seed);
    undo::cut(&of_app, Reached::Nothing, &mut seed);
    world.server.start(None);
    second.must(&["sync"]);
    let lost = |shown| acks.lost(&shown, Acked::Server).len();
    (lost(second.show()), lost(first.show()))
}

#[test]
fn the_syncs_of_synchronous_normal_lose_an_acknowledged_edit() {
    let (server, app) = lost_with(Sync::Lazy);
    assert!(server > 0 && app > 0, "the power cuts do not bite: {server} and {app} lost");
}

#[test]
fn no_syncs_lose_an_acknowledged_edit() {
    let (server, app) = lost_with(Sync::Never);
    assert!(server > 0 && app > 0, "the power cuts do not bite: {server} and {app} lost");
}

#[test]
fn the_real_syncs_lose_nothing_in_the_same_history() {
    assert_eq!(lost_with(Sync::Real), (0, 0));
}
