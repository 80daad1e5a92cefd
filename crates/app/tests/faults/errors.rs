//! A disk that fails: the n-th operation, for every n, once or from then on; then the power is cut.
//!
//! A sync that failed has written nothing, and the next one does not say so: the store must not build on
//! what it could not write.

use crate::acks::{Acked, Acks};
use crate::seed::{Seed, Tally, run_histories};
use crate::shim::{Fail, Faults, Layer};
use crate::undo::{self, Reached};
use crate::world::World;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const FOR_GOOD: u64 = 1_000_000;

fn fail(at: u64, seed: &mut Seed) -> Faults {
    let errno = if seed.one_in(2) { EIO } else { ENOSPC };
    let count = if seed.one_in(2) { 1 } else { FOR_GOOD };
    let kinds = ["wsn", "w", "s"][seed.index(3)];
    Faults { fail: Some(Fail { at, count, errno, kinds }), ..Faults::default() }
}

fn command_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let first = world.signed_up("a", &mut acks);
    let layer = Layer::new(&first.home);
    for at in 1.. {
        let mut faults = fail(at, &mut seed);
        if let Some(fail) = &mut faults.fail {
            fail.kinds = "wsn";
        }
        let ended = first.edit_under(&mut seed, Some((&layer, &faults)), &mut acks);
        if !ended.is_well() {
            assert!(!ended.kind().is_empty(), "a failure without its kind: {ended:?}");
            assert_ne!(ended.kind(), "internal", "{ended:?}");
        }
        let seen = undo::cut(&layer, Reached::Some, &mut seed);
        first.check(&acks, Acked::Local);
        if seen.failed == 0 {
            break;
        }
        tally.add("io_errors", seen.failed);
        tally.add("power_cuts", 1);
    }
    first.must(&["sync"]);
    acks.all_synced();
    let second = world.signed_in("b");
    second.check(&acks, Acked::Server);
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn each_operation_of_a_command_may_fail() {
    run_histories("errors_command", "each_operation_of_a_command", 1, command_history);
}

const ROUNDS: u64 = 12;
const EDITS: u64 = 4;
const OPERATIONS: u64 = 110;

fn server_history(number: u64, tally: &mut Tally) {
    let (mut world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    world.server.kill();
    let layer = Layer::new(&world.server.data);
    for _ in 0..ROUNDS {
        let faults = fail(1 + seed.below(OPERATIONS), &mut seed);
        if world.server.try_start(Some((&layer, &faults))) {
            first.start_agent(None);
            for _ in 0..EDITS {
                first.edit(&mut seed, &mut acks);
            }
            assert!(world.server.is_running(), "a failing disk ended the server:\n{}", world.server.words());
        }
        world.server.kill();
        first.kill_agent();
        let seen = undo::cut(&layer, Reached::Some, &mut seed);
        tally.add("io_errors", seen.failed);
        tally.add("power_cuts", 1);
        world.server.start(None);
        second.must(&["sync"]);
        second.check(&acks, Acked::Server);
        first.check(&acks, Acked::Local);
        first.must(&["sync"]);
        acks.all_synced();
        second.must(&["sync"]);
        assert_eq!(first.show(), second.show());
        world.server.kill();
    }
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn each_operation_of_a_server_may_fail() {
    run_histories("errors_server", "each_operation_of_a_server", 2, server_history);
}

fn agent_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let layer = Layer::new(&first.home);
    for _ in 0..ROUNDS {
        let faults = fail(1 + seed.below(OPERATIONS), &mut seed);
        if first.try_start_agent(Some((&layer, &faults))) {
            for _ in 0..EDITS {
                first.edit(&mut seed, &mut acks);
            }
            assert!(first.agent_runs(), "a failing disk ended the agent");
        }
        first.kill_agent();
        let seen = undo::cut(&layer, Reached::Some, &mut seed);
        tally.add("io_errors", seen.failed);
        tally.add("power_cuts", 1);
        first.check(&acks, Acked::Local);
        first.must(&["sync"]);
        acks.all_synced();
    }
    let second = world.signed_in("b");
    second.check(&acks, Acked::Server);
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn each_operation_of_an_agent_may_fail() {
    run_histories("errors_agent", "each_operation_of_an_agent", 2, agent_history);
}
