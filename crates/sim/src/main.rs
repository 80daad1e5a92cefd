//! `satchel-sim`: seeded worlds of apps, a server and a faulty network, thousands a second.
//!
//! ```text
//! seed ─▶ plan ─▶ world: apps (engine over a brittle disk) ═ lines ═ hub, service, store
//!                   │ every step                                  │ tap
//!                   ▼                                             ▼
//!                 checkers: local, cursor, forest, alarms       ledger, people
//!                 at the end: acknowledged, convergence, absence, trash, solo, clocks
//! ```
//! Why it exists: a lost edit comes of meetings that nobody thinks of; here they are tried by the
//! thousand, and a failure is a seed that shows it again.
//!
//! It knows no real time: clocks are numbers that jump.

mod app;
mod brittle;
#[cfg(all(feature = "planted", feature = "stub"))]
mod bugs;
mod check;
mod edit;
mod lie;
mod oracle;
mod person;
mod plan;
mod rng;
mod run;
mod server;
mod tier;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use satchel_sync::Store;

use crate::run::{Order, Report, many, one, shorten};
use crate::tier::Tier;
use crate::tier::wide::Wide;

const REGRESSIONS: &str = include_str!("../regressions.txt");
const STEPS: usize = 100;
const FAILURES_SHOWN: usize = 5;

const HELP: &str = "\
usage: satchel-sim wide|real [--histories N] [--seed S] [--steps K] [--threads T] [--seconds M] [--progress M]
       satchel-sim one wide|real --seed S [--steps K]     one history, every step printed
       satchel-sim bugs [--histories N] [--seed S] [--only NAME]

The wide tier and the planted bugs need the features `stub,planted`:
  cargo run -p satchel-sim --profile simulator --no-default-features --features stub,planted -- bugs";

/// The words of the command line.
struct Words {
    order: Order,
    only: Option<String>,
    names: Vec<String>,
}

fn main() -> ExitCode {
    let words = match read(std::env::args().skip(1)) {
        Ok(words) => words,
        Err(problem) => {
            eprintln!("{problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let names: Vec<&str> = words.names.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["wide"] => report::<Wide>(&words.order),
        ["one", "wide"] => show::<Wide>(&words.order),
        #[cfg(feature = "real")]
        ["real"] => report::<tier::real::Real>(&words.order),
        #[cfg(feature = "real")]
        ["one", "real"] => show::<tier::real::Real>(&words.order),
        #[cfg(all(feature = "planted", feature = "stub"))]
        ["bugs"] => plant(&words),
        _ => {
            eprintln!("{HELP}");
            ExitCode::from(2)
        }
    }
}

fn read(arguments: impl Iterator<Item = String>) -> Result<Words, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let order = Order { seed: 1, histories: 1_000, steps: STEPS, threads, time_max: None, progress: None };
    let mut words = Words { order, only: None, names: Vec::new() };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let Some(name) = argument.strip_prefix("--") else {
            words.names.push(argument);
            continue;
        };
        let value = arguments.next().ok_or_else(|| format!("--{name} needs a value"))?;
        if name == "only" {
            words.only = Some(value);
            continue;
        }
        let number: u64 = value.parse().map_err(|_| format!("--{name} needs a number, not {value:?}"))?;
        let size = usize::try_from(number).map_err(|_| format!("--{name} is too large"))?;
        match name {
            "seed" => words.order.seed = number,
            "histories" => words.order.histories = number,
            "steps" => words.order.steps = size,
            "threads" => words.order.threads = size.max(1),
            "seconds" => words.order.time_max = Some(Duration::from_secs(number)),
            "progress" => words.order.progress = Some(Duration::from_secs(number.max(1))),
            _ => return Err(format!("--{name} is not known")),
        }
    }
    Ok(words)
}

/// Plays the regressions, then the seeds of the order.
fn report<T>(order: &Order) -> ExitCode
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    quiet_panics();
    let mut failed = false;
    let mut known = 0;
    for (seed, steps) in regressions(T::NAME) {
        known += 1;
        if let Err(violation) = one::<T>(seed, steps, false) {
            failed = true;
            println!("regression: seed {seed} fails again: {violation}\n  {}", command::<T>(seed, steps));
        }
    }
    let report = many::<T>(order, FAILURES_SHOWN);
    for failure in &report.failures {
        let steps = shorten::<T>(failure.seed, order.steps);
        println!(
            "seed {} fails: {}\n  {}",
            failure.seed,
            failure.violation,
            command::<T>(failure.seed, steps)
        );
    }
    println!("{}", ledger_line::<T>(order, &report, known));
    if failed || !report.failures.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One line of the run's own ledger: counts, seeds, and what came of them.
fn ledger_line<T: Tier>(order: &Order, report: &Report, known: u64) -> String {
    let Report { histories, entries, took, failures } = report;
    let failed: Vec<_> = failures.iter().map(|failure| failure.seed.to_string()).collect();
    format!(
        "{{\"suite\":\"sim\",\"scenario\":\"{}\",\"seed\":{},\"last_seed\":{},\
         \"counts\":{{\"histories\":{histories},\"operations\":{},\"entries\":{entries},\"regressions\":{known}}},\
         \"violations\":{},\"failed_seeds\":[{}],\"ms\":{},\"threads\":{},\"stub\":{}}}",
        T::NAME,
        order.seed,
        order.seed + histories.saturating_sub(1),
        histories * order.steps as u64,
        failures.len(),
        failed.join(","),
        took.as_millis(),
        order.threads,
        satchel_crypto::IS_STUB,
    )
}

fn command<T: Tier>(seed: u64, steps: usize) -> String {
    let features =
        if satchel_crypto::IS_STUB { " --no-default-features --features stub,planted" } else { "" };
    format!(
        "cargo run -p satchel-sim --profile simulator{features} -- one {} --seed {seed} --steps {steps}",
        T::NAME
    )
}

/// The seeds that failed once: `tier seed steps`, and why.
fn regressions(tier: &str) -> impl Iterator<Item = (u64, usize)> {
    REGRESSIONS.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(tier)).then_some(())?;
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    })
}

fn show<T>(order: &Order) -> ExitCode
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    match one::<T>(order.seed, order.steps, true) {
        Ok(ending) => {
            println!("seed {}: {} entries, nothing wrong", order.seed, ending.entries);
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("seed {}: {violation}", order.seed);
            ExitCode::FAILURE
        }
    }
}

#[cfg(all(feature = "planted", feature = "stub"))]
fn plant(words: &Words) -> ExitCode {
    quiet_panics();
    let begun = std::time::Instant::now();
    let order = Order { histories: words.order.histories.max(5_000), ..words.order };
    let (table, caught, count) = bugs::run(&order, words.only.as_deref());
    println!("{table}");
    println!(
        "{{\"suite\":\"sim\",\"scenario\":\"planted_bugs\",\"seed\":{},\"last_seed\":{},\
         \"counts\":{{\"planted\":{count},\"caught\":{caught}}},\"violations\":0,\"ms\":{}}}",
        order.seed,
        order.seed + order.histories - 1,
        begun.elapsed().as_millis(),
    );
    if caught == count { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A panic is a violation like others, and told as one.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
