//! Scripts that mean harm: each is stopped within its limit and a little, and this process stays responsive.

use std::time::{Duration, Instant};

use satchel_runner::script::{Limits, Moment};
use tokio::time::MissedTickBehavior;

use crate::fixture::{World, sandbox};

const LIMIT: Duration = Duration::from_millis(400);
/// What is promised beyond the limit on a machine that is not loaded; printed, not asserted.
const PROMISED: Duration = Duration::from_millis(200);
/// What no load explains.
const NEVER: Duration = Duration::from_secs(30);

/// Each script, and a word that the lines of its end must hold.
const SCRIPTS: [(&str, &str, &str); 24] = [
    ("an endless loop", "for (;;) {}", "Late"),
    (
        "an endless loop that catches",
        "for (;;) { try { for (;;) {} } catch {} finally { continue } }",
        "Late",
    ),
    ("a native search", "'a'.repeat(2 ** 25).indexOf('a'.repeat(2 ** 23) + 'b')", "Late"),
    ("a native sort", "for (;;) new Float64Array(4e6).map(Math.random).sort()", "Late"),
    (
        "a native replace",
        "let s = 'a'.repeat(1e6); for (;;) s.replaceAll('a', 'bb').replaceAll('b', 'a')",
        "Late",
    ),
    (
        "an array that is only long",
        "const a = []; a.length = 2 ** 32 - 1; a.includes(1, -1); Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
        "Late",
    ),
    ("doubling memory", "let s = 'x'; for (;;) s += s", "fault"),
    (
        "doubling arrays that are kept",
        "globalThis.kept = []; for (;;) kept.push(new Array(1e6).fill(kept.length))",
        "fault",
    ),
    ("typed arrays", "const all = []; for (;;) all.push(new Uint8Array(1 << 26).fill(1))", "fault"),
    ("deep recursion", "const f = () => f() + 1; f()", "RangeError"),
    ("deep nesting of JSON", "let s = '['.repeat(5e6); JSON.parse(s)", "fault"),
    ("a regular expression that backtracks", "/^(a+)+$/.test('a'.repeat(40) + 'b')", "Late"),
    ("timers without end", "const f = () => setTimeout(f, 0); f(); setInterval(() => {}, 1)", "Late"),
    ("promises without end", "const f = () => Promise.resolve().then(f); f()", "Late"),
    ("a flood of lines", "for (;;) { try { console.log('x'.repeat(1e5)) } catch {} }", "fault"),
    ("a flood of tests", "for (let i = 0; ; i++) pm.test('t' + i, () => {})", "fault RangeError"),
    ("a flood of requests", "for (;;) { try { pm.sendRequest('http://never.test') } catch {} }", "Late"),
    ("a huge result", "pm.visualizer.set('x'.repeat(3e7), {})", "gives back more"),
    ("a getter in what is given back", "pm.environment.set('a', { toJSON() { for (;;) {} } })", "Late"),
    ("a proxy that never ends", "console.log(new Proxy({}, { ownKeys() { for (;;) {} } }))", "Late"),
    (
        "prototypes of the bridge",
        "JSON.stringify = () => '{\"kind\":\"done\"}'; Object.prototype.toJSON = () => { for (;;) {} }; pm.test('x', () => {})",
        "Late",
    ),
    (
        "a foreign frame",
        "Map.prototype.set = Object.assign = function () { throw this }; String.prototype.toWellFormed = () => ({}); pm.sendRequest('http://a.test')",
        "fault",
    ),
    (
        "functions from text",
        "const F = (async () => {}).constructor; F('for (;;) await 0')(); Function('for (;;) {}')()",
        "Late",
    ),
    (
        "modules and the system",
        "for (const it of ['fs', 'os', 'std', 'child_process', 'node:net']) { try { require(it); console.log('got', it) } catch {} } \
      console.log(typeof std, typeof os, typeof process, typeof fetch, typeof scriptArgs, typeof print); \
      for (const it of ['std', 'os', '/etc/passwd', './x.js']) import(it).then(() => console.log('got', it), () => {})",
        "log: undefined undefined undefined undefined undefined undefined",
    ),
];

#[tokio::test]
async fn every_hostile_script_is_stopped_in_time() {
    for (name, source, expected) in SCRIPTS {
        let world = World::new();
        // Who is to end by another limit gets time for it, also on a slow machine.
        let time = if expected == "Late" { LIMIT } else { NEVER / 2 };
        let mut sandbox = sandbox(Limits { time, memory_bytes: 128 * 1024 * 1024 });
        world.told(&mut sandbox, "1", Moment::Test).await;
        let mut beats = 0_u32;
        let begin = Instant::now();
        let told = {
            let run = world.told(&mut sandbox, source, Moment::Test);
            tokio::pin!(run);
            let mut clock = tokio::time::interval(Duration::from_millis(10));
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    told = &mut run => break told,
                    _ = clock.tick() => beats += 1,
                }
            }
        };
        let took = begin.elapsed();
        let end: Vec<_> =
            told.lines().rev().take(3).map(|line| line.chars().take(120).collect::<String>()).collect();
        println!(
            "{name}: {took:?} ({}), {beats} beats, {end:?}",
            if took <= time + PROMISED { "in time" } else { "LATE" }
        );
        assert!(told.contains(expected), "{name}: {end:?}");
        assert!(!told.contains("got "), "{name}: {end:?}");
        assert!(took < NEVER, "{name} took {took:?}");
        // The tests' own thread is the one that must go on meanwhile.
        assert!(
            u128::from(beats) * 200 >= took.as_millis().saturating_sub(200),
            "{name}: {beats} beats in {took:?}"
        );
        let again = world.told(&mut sandbox, "console.log('well')", Moment::Test).await;
        assert_eq!(again, "log: well\n", "{name}: the next script runs");
    }
}
