//! A bad line between two apps and the server: when it heals, both are equal and nothing is lost.
//!
//! It carries TLS, as lines beyond one machine do: without it a byte that the line alters is an alarm, as if the
//! server had lied.

use crate::acks::{Acked, Acks};
use crate::proxy::Proxy;
use crate::seed::{Seed, Tally, run_histories};
use crate::world::World;

const HISTORIES: u64 = 3;
const ROUNDS: u64 = 3;
const EDITS: u64 = 12;

fn history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::with_tls(), Seed::new(number));
    let proxy = Proxy::new(world.server.port());
    let mut acks = Acks::new(&world.path("acks"));
    let (mut first, mut second) = (world.app("a"), world.app("b"));
    first.sign("signup", &world.server.url_at(proxy.port()));
    first.must(&["new", "collection", "Shop"]);
    for item in 0..6 {
        first.make(&format!("R{item} of a"), &mut acks);
        first.make(&format!("R{item} of b"), &mut acks);
    }
    second.sign("signin", &world.server.url_at(proxy.port()));
    second.must(&["sync"]);
    for _ in 0..ROUNDS {
        first.start_agent(None);
        second.start_agent(None);
        proxy.break_down(Seed::new(seed.next()));
        for _ in 0..EDITS {
            let app = if seed.one_in(2) { &first } else { &second };
            // A wait for the server now and then, so that there is time for the line to do its worst.
            if seed.one_in(6) {
                app.edit(&mut seed, &mut acks)
            } else {
                app.edit_soon(&mut seed, &mut acks)
            };
        }
        proxy.heal();
        for app in [&first, &second, &first] {
            app.must(&["sync", "--timeout", "60s"]);
        }
        acks.all_synced();
        first.check(&acks, Acked::Server);
        assert_eq!(first.show(), second.show());
        first.kill_agent();
        second.kill_agent();
        first.must(&["verify"]);
        second.must(&["verify"]);
    }
    let third = world.signed_in("c");
    assert_eq!(first.show(), third.show());
    tally.add("bad_connections", proxy.faults());
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn a_bad_line_leaves_both_apps_equal_when_it_heals() {
    run_histories("bad_line", "a_bad_line_leaves", HISTORIES, history);
}
