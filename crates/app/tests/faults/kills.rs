//! `kill -9` of server and app under load, most of them in the middle of their work on the disk.

use crate::acks::{Acked, Acks};
use crate::seed::{Seed, Tally, run_histories};
use crate::shim::{Faults, Layer};
use crate::undo;
use crate::world::{App, World};

const HISTORIES: u64 = 4;
const ROUNDS: u64 = 12;
const EDITS: u64 = 6;
/// Within how many operations on the disk a process that serves some edits is killed.
const OPERATIONS: u64 = 150;

/// The server died: another app alone must get from it what it acknowledged.
fn server_history(number: u64, tally: &mut Tally) {
    let (mut world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    world.server.kill();
    let layer = Layer::new(&world.server.data);
    for _ in 0..ROUNDS {
        let faults = Faults { kill_at: Some(1 + seed.below(OPERATIONS)), ..Faults::default() };
        if world.server.try_start(Some((&layer, &faults))) {
            first.start_agent(None);
            edit_while(&mut world, &first, &mut seed, &mut acks);
        }
        tally.add("kills", u64::from(world.server.kill() || undo::look(&layer).killed));
        undo::forget(&layer);
        first.kill_agent();
        world.server.start(None);
        second.must(&["sync"]);
        second.check(&acks, Acked::Server);
        first.check(&acks, Acked::Local);
        first.must(&["sync"]);
        acks.all_synced();
        second.must(&["sync"]);
        second.check(&acks, Acked::Server);
        assert_eq!(first.show(), second.show());
        world.server.kill();
    }
    tally.add("kills", first.kills);
    tally.add("acknowledged_edits", acks.count());
}

fn edit_while(world: &mut World, app: &App, seed: &mut Seed, acks: &mut Acks) {
    for _ in 0..EDITS {
        app.edit(seed, acks);
        if !world.server.is_running() {
            return;
        }
    }
}

#[test]
fn a_killed_server_has_every_edit_that_it_acknowledged() {
    run_histories("kill_server", "a_killed_server_has_every", HISTORIES, server_history);
}

/// The agent died: the app must still have what it acknowledged, and the other one gets it.
fn agent_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    let layer = Layer::new(&first.home);
    for _ in 0..ROUNDS {
        let faults = Faults { kill_at: Some(1 + seed.below(OPERATIONS)), ..Faults::default() };
        if first.try_start_agent(Some((&layer, &faults))) {
            for _ in 0..EDITS {
                first.edit(&mut seed, &mut acks);
                if !first.agent_runs() {
                    break;
                }
            }
        }
        first.kill_agent();
        tally.add("kills", u64::from(undo::look(&layer).killed));
        undo::forget(&layer);
        first.check(&acks, Acked::Local);
        first.must(&["sync"]);
        acks.all_synced();
        second.must(&["sync"]);
        second.check(&acks, Acked::Server);
    }
    assert_eq!(first.show(), second.show());
    tally.add("kills", first.kills);
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn a_killed_agent_has_every_edit_that_it_acknowledged() {
    run_histories("kill_agent", "a_killed_agent_has_every", HISTORIES, agent_history);
}

/// A command without an agent dies at each of its operations in turn.
fn command_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let first = world.signed_up("a", &mut acks);
    let layer = Layer::new(&first.home);
    let mut at = 0;
    loop {
        at += 1 + seed.below(2);
        let faults = Faults { kill_at: Some(at), ..Faults::default() };
        first.edit_under(&mut seed, Some((&layer, &faults)), &mut acks);
        let killed = undo::look(&layer).killed;
        undo::forget(&layer);
        first.check(&acks, Acked::Local);
        if !killed {
            break;
        }
        tally.add("kills", 1);
    }
    let second = world.signed_in("b");
    first.must(&["sync"]);
    acks.all_synced();
    second.must(&["sync"]);
    second.check(&acks, Acked::Server);
    assert_eq!(first.show(), second.show());
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn a_command_may_die_at_any_of_its_operations_on_the_disk() {
    run_histories("kill_command", "a_command_may_die", 2, command_history);
}
