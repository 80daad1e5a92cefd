//! `cargo xtask soak`: as many histories, kills and power cuts as an hour holds, with seeds that no run had.
//!
//! ```text
//! build ──▶ wide histories ──▶ real histories ──▶ real processes ──▶ a line for each, and the verdict
//! ```
//! Invariants: each part has a count to reach and a time by which it ends; what one does not use of its time
//! is the next one's; a part that does not reach its count says so; a violation in one lets the others run,
//! and makes the whole a failure. With `--add` the hour may be had in pieces: counts are those of the ledgers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::failure::Failure;
use crate::reliability::{self, Sum};
use crate::{shell, sim};

/// One line for the overview.
pub(crate) const SUMMARY: &str = "an hour of simulated histories and real faults, with seeds that no run had";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask soak [--minutes M] [--add] [--report]

In an hour: 1,000,000 wide histories and 50,000 real ones in the simulator, then 5,000 kills and 500 power
cuts of real processes; in less time as much less. From a seed that is taken from the clock and printed. Each
part ends when its count is reached or its time is over, and says which. A violation prints its seed and the
command that shows it, and makes the exit code 1. The ledgers, target/sim/ledger.jsonl and
target/faults/ledger.jsonl, are emptied before.

  --minutes M   how long in all, after building, at most (default 60, at least 3)
  --add         go on where the ledgers end, towards the counts of the hour, in place of emptying them
  --report      write docs/reliability.md from the ledgers; alone, it runs nothing before";

/// The time in which the full counts are due.
const MINUTES: u64 = 60;
const WIDE_HISTORIES: u64 = 1_000_000;
const REAL_HISTORIES: u64 = 50_000;
const KILLS: u64 = 5_000;
const POWER_CUTS: u64 = 500;
/// By which percent of the time wide and real histories end.
const WIDE_ENDS: u32 = 60;
const REAL_ENDS: u32 = 80;
/// How often a part tells how far it is.
const PROGRESS_SECONDS: &str = "30";
/// Seeds between two goes of the fault tests: more than one go uses.
const SEEDS_APART: u64 = 1_000;
/// Histories in one go of the kills, times what CI plays: some seconds.
const KILLS_TIMES: u64 = 2;
/// Worlds of one scenario at once.
const WORLDS: &str = "2";
/// The test binary of the real faults.
const FAULTS: &str = "faults";

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let order = parse(arguments)?;
    let ran = order.minutes.map_or(Ok(()), |minutes| run_for(minutes, order.adds));
    // The report is due above all when something was found.
    if order.report {
        reliability::write_report()?;
    }
    ran
}

/// What a soak is to do.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    /// How long to run; none to run nothing.
    minutes: Option<u64>,
    /// Towards the counts of the hour, on top of what the ledgers hold.
    adds: bool,
    report: bool,
}

fn parse(arguments: &[String]) -> Result<Order, Failure> {
    let mut order = Order { minutes: None, adds: false, report: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--report" => order.report = true,
            "--add" => order.adds = true,
            "--minutes" => {
                let minutes = words.next().and_then(|minutes| minutes.parse().ok());
                let minutes = minutes.filter(|minutes| (3..=10_000).contains(minutes));
                let wrong = || Failure::usage("--minutes needs a number of at least 3");
                order.minutes = Some(minutes.ok_or_else(wrong)?);
            }
            _ => return Err(Failure::usage(format!("soak does not know {word}"))),
        }
    }
    if !order.report || order.adds {
        order.minutes.get_or_insert(MINUTES);
    }
    Ok(order)
}

fn run_for(minutes: u64, adds: bool) -> Result<(), Failure> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() << 24);
    println!("seeds from {seed}");
    let simulators = sim::build()?;
    let faults = build_faults()?;
    if !adds {
        reliability::forget_ledgers();
    }
    let whole = Duration::from_secs(minutes * 60);
    let begun = Instant::now();
    let ends = |percent: u32| begun + whole * percent / 100;
    let due = |count: u64| if adds { count } else { (count * minutes / MINUTES).max(1) };
    let (wide, real) = (&simulators.wide, &simulators.real);
    let mut parts = vec![
        simulate("wide", wide, due(WIDE_HISTORIES), seed, ends(WIDE_ENDS)),
        simulate("real", real, due(REAL_HISTORIES), seed, ends(REAL_ENDS)),
    ];
    let due = Due { kills: due(KILLS), power_cuts: due(POWER_CUTS) };
    parts.push(drive_faults(&faults, &due, seed, ends(100)));
    println!("\nsoak of {} from seed {seed}:", shell::words_for(begun.elapsed()));
    for part in &parts {
        println!("{}", part.line());
    }
    if parts.iter().any(|part| part.failure.is_some()) {
        return Err(Failure::new("the soak found something").hint("run the commands that are printed above"));
    }
    Ok(())
}

/// What a part came to.
#[derive(Debug)]
struct Part {
    name: &'static str,
    /// What was counted, how much there is of it and was due.
    counts: Vec<(&'static str, u64, u64)>,
    took: Duration,
    violations: u64,
    /// Why it ended, if not by its count or its time.
    failure: Option<Failure>,
}

impl Part {
    fn line(&self) -> String {
        let count = |(name, count, due): &(&str, u64, u64)| format!("{count} of {due} {name}");
        let counts: Vec<_> = self.counts.iter().map(count).collect();
        let is_short = self.counts.iter().any(|(_, count, due)| count < due);
        let verdict = match &self.failure {
            Some(failure) => format!(", FAILED: {failure}"),
            None if is_short => ", NOT REACHED in its time".to_owned(),
            None => String::new(),
        };
        let (counts, took) = (counts.join(", "), shell::words_for(self.took));
        format!("{}: {counts} in {took}, {} violations{verdict}", self.name, self.violations)
    }

    /// With what a ledger says.
    fn ended(
        name: &'static str,
        begun: Instant,
        ran: Result<(), Failure>,
        summed: Result<Sum, Failure>,
        counts: &[(&'static str, &str, u64)],
    ) -> Self {
        let (sum, unread) = match summed {
            Ok(sum) => (sum, None),
            Err(failure) => (Sum::default(), Some(failure)),
        };
        let counts = counts.iter().map(|(name, key, due)| (*name, sum.count(key), *due)).collect();
        let failure = ran.err().or(unread);
        Self { name, counts, took: begun.elapsed(), violations: sum.violations, failure }
    }
}

/// Plays histories until they are as many as are due or the time is over.
fn simulate(tier: &'static str, program: &Path, due: u64, seed: u64, ends: Instant) -> Part {
    let begun = Instant::now();
    let there = reliability::sum("sim", Some(tier)).map_or(0, |sum| sum.count("histories"));
    let (missing, seed) = (due.saturating_sub(there).to_string(), seed.to_string());
    let seconds = ends.saturating_duration_since(begun).as_secs().max(1).to_string();
    let limits = ["--seconds", &seconds, "--progress", PROGRESS_SECONDS];
    let ran = if missing == "0" {
        Ok(())
    } else {
        sim::play(program, &[&[tier, "--histories", &missing, "--seed", &seed], &limits[..]].concat())
    };
    Part::ended(tier, begun, ran, reliability::sum("sim", Some(tier)), &[("histories", "histories", due)])
}

/// What real processes have to go through.
struct Due {
    kills: u64,
    power_cuts: u64,
}

/// Goes of the fault tests: all of them until there are enough power cuts, then kills only.
fn drive_faults(program: &Path, due: &Due, seed: u64, ends: Instant) -> Part {
    let begun = Instant::now();
    let counts = [("kills", "kills", due.kills), ("power cuts", "power_cuts", due.power_cuts)];
    let mut seeds = (0..).map(|go| seed + go * SEEDS_APART);
    let ran = loop {
        let sum = match reliability::sum(FAULTS, None) {
            Ok(sum) => sum,
            Err(failure) => break Err(failure),
        };
        let (kills, cuts) = (sum.count("kills"), sum.count("power_cuts"));
        let took = begun.elapsed().as_secs();
        eprintln!("  {kills} of {} kills, {cuts} of {} power cuts after {took} s", due.kills, due.power_cuts);
        let is_enough = kills >= due.kills && cuts >= due.power_cuts;
        if is_enough || Instant::now() >= ends {
            break Ok(());
        }
        let scenarios: &[&str] = if cuts < due.power_cuts { &[] } else { &["kills::"] };
        let times = if scenarios.is_empty() { 1 } else { KILLS_TIMES };
        if let Err(failure) = go(program, scenarios, seeds.next().unwrap_or(seed), times) {
            break Err(failure);
        }
    };
    Part::ended(FAULTS, begun, ran, reliability::sum(FAULTS, None), &counts)
}

/// One go: `times` as many histories as CI plays, from a seed on.
fn go(program: &Path, scenarios: &[&str], seed: u64, times: u64) -> Result<(), Failure> {
    let mut tests = Command::new(program);
    tests.args(scenarios).args(["--nocapture"]).current_dir(shell::root().join("crates/app"));
    tests.env("SATCHEL_FAULTS_SEED", seed.to_string()).env("SATCHEL_FAULTS_WORLDS", WORLDS);
    shell::stream(tests.env("SATCHEL_FAULTS_HISTORIES", times.to_string()))
}

/// Builds the binaries and the fault tests; where those are.
fn build_faults() -> Result<PathBuf, Failure> {
    shell::stream(&mut shell::cargo(&["build", "-p", "satchel-server", "-p", "satchel-app", "--bins"]))?;
    let words = ["test", "-p", "satchel-app", "--test", FAULTS, "--no-run", "--message-format", "json"];
    let output = shell::listen(&mut shell::cargo(&words))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().filter_map(executable).next_back();
    found.ok_or_else(|| Failure::new("cargo built no fault tests"))
}

/// The test binary that a line of cargo's speaks of.
fn executable(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    (message["target"]["name"] == FAULTS).then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_lasts_an_hour_or_as_long_as_is_said() {
        let check = |words: &[&str], expected: Option<(Option<u64>, bool, bool)>| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            let expected = expected.map(|(minutes, adds, report)| Order { minutes, adds, report });
            assert_eq!(parse(&words).ok(), expected, "{words:?}");
        };
        check(&[], Some((Some(60), false, false)));
        check(&["--minutes", "9"], Some((Some(9), false, false)));
        check(&["--report"], Some((None, false, true)));
        check(&["--report", "--minutes", "9"], Some((Some(9), false, true)));
        check(&["--add", "--minutes", "9"], Some((Some(9), true, false)));
        check(&["--add", "--report"], Some((Some(60), true, true)));
        check(&["--minutes", "1"], None);
        check(&["--minutes"], None);
        check(&["--fast"], None);
    }

    #[test]
    fn a_part_says_whether_it_reached_its_count() {
        let check = |counts: &[(&'static str, u64, u64)], failure: Option<&str>, expected: &str| {
            let (took, failure) = (Duration::from_secs(10), failure.map(Failure::new));
            let part = Part { name: "real", counts: counts.to_vec(), took, violations: 0, failure };
            assert_eq!(part.line(), expected);
        };
        let reached = "real: 500 of 500 kills in 10.0 s, 0 violations";
        check(&[("kills", 500, 500)], None, reached);
        let short = "real: 499 of 500 kills in 10.0 s, 0 violations, NOT REACHED in its time";
        check(&[("kills", 499, 500)], None, short);
        let failed = "real: 500 of 500 kills in 10.0 s, 0 violations, FAILED: broken";
        check(&[("kills", 500, 500)], Some("broken"), failed);
    }

    #[test]
    fn the_test_binary_is_found_in_what_cargo_says() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(executable(line), expected.map(PathBuf::from), "{line}");
        };
        check(r#"{"target":{"name":"faults"},"executable":"/t/faults-1"}"#, Some("/t/faults-1"));
        check(r#"{"target":{"name":"satchel"},"executable":"/t/satchel"}"#, None);
        check(r#"{"target":{"name":"faults"},"executable":null}"#, None);
        check("no JSON", None);
    }
}
