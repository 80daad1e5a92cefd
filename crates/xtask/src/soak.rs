//! `cargo xtask sim` and `cargo xtask soak`: the simulator, short for CI and long for a night.
//!
//! Every run of a simulator appends to its ledger, `target/sim/ledger.jsonl`: counts, seeds and the commit,
//! so that what [`crate::reliability`] publishes is what was run.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::{install, reliability, shell};

/// One line for the overview of `sim`.
pub(crate) const SIM_SUMMARY: &str =
    "play 20,000 wide simulated histories, 500 real ones, and every planted bug";

/// The text of `--help` of `sim`.
pub(crate) const SIM_HELP: &str = "
usage: cargo xtask sim

Builds the simulator twice, with cheap stand-ins for the cryptography and planted bugs, and without, then
plays 20,000 wide histories, 500 real ones, and every planted bug. A violation prints its seed and the
command that shows it. Counts go to target/sim/ledger.jsonl, in place of those of the run before.";

/// One line for the overview of `soak`.
pub(crate) const SOAK_SUMMARY: &str =
    "simulated histories and real faults for an hour, with seeds that no run had";

/// The text of `--help` of `soak`.
pub(crate) const SOAK_HELP: &str = "
usage: cargo xtask soak [--minutes M] [--report]

A third of the time each: wide histories, real histories, and the fault tests of crates/app with real
processes; from a seed that is taken from the clock and printed. The ledgers, target/sim/ledger.jsonl and
target/faults/ledger.jsonl, are emptied before.

  --minutes M   how long in all, about (default 60, at least 3)
  --report      write docs/reliability.md from the ledgers; alone, it runs nothing before";

/// Without what only the real tier needs, to build less.
const WIDE_FEATURES: [&str; 3] = ["--no-default-features", "--features", "stub,planted"];
/// In CI every run plays the same seeds.
const SEED: u64 = 1;
/// What the fault tests take, about, for as many histories as in CI.
const FAULTS_SECONDS: u64 = 150;

/// Runs the short form.
pub(crate) fn sim(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("sim takes no argument, not {argument:?}")));
    }
    let seed = SEED.to_string();
    let simulators = build()?;
    // One that is not there is as empty.
    drop(fs::remove_file(shell::target().join("sim/ledger.jsonl")));
    play(&simulators.wide, &["wide", "--histories", "20000", "--seed", &seed])?;
    play(&simulators.real, &["real", "--histories", "500", "--seed", &seed])?;
    play(&simulators.wide, &["bugs", "--seed", &seed])
}

/// Runs the long form.
pub(crate) fn soak(arguments: &[String]) -> Result<(), Failure> {
    let order = parse(arguments)?;
    if let Some(minutes) = order.minutes {
        run_for(minutes)?;
    }
    if order.report { reliability::write_report() } else { Ok(()) }
}

fn run_for(minutes: u64) -> Result<(), Failure> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(SEED, |since| since.as_secs() << 24);
    println!("seeds from {seed}");
    let simulators = build()?;
    reliability::forget_ledgers();
    let (first, third) = (seed.to_string(), (minutes / 3).to_string());
    let many = ["--histories", "1000000000", "--seed", &first, "--minutes", &third];
    play(&simulators.wide, &[&["wide"], &many[..]].concat())?;
    play(&simulators.real, &[&["real"], &many[..]].concat())?;
    reliability::drive_faults((minutes * 20 / FAULTS_SECONDS).max(1), seed)
}

/// What a soak is to do.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    /// How long to run; none to run nothing.
    minutes: Option<u64>,
    report: bool,
}

fn parse(arguments: &[String]) -> Result<Order, Failure> {
    let mut order = Order { minutes: None, report: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--report" => order.report = true,
            "--minutes" => {
                let minutes = words.next().and_then(|minutes| minutes.parse().ok());
                let minutes = minutes.filter(|minutes| *minutes >= 3);
                let wrong = || Failure::usage("--minutes needs a number of at least 3");
                order.minutes = Some(minutes.ok_or_else(wrong)?);
            }
            _ => return Err(Failure::usage(format!("soak does not know {word}"))),
        }
    }
    if !order.report {
        order.minutes.get_or_insert(60);
    }
    Ok(order)
}

/// The two builds of the simulator.
struct Simulators {
    wide: PathBuf,
    real: PathBuf,
}

/// Builds both; each under a name of its own, since cargo gives them one.
fn build() -> Result<Simulators, Failure> {
    install::compiler()?;
    let folder = shell::target().join("sim");
    fs::create_dir_all(&folder).map_err(|e| Failure::new(format!("making {}: {e}", folder.display())))?;
    let build = |name: &str, features: &[&str]| {
        let words = ["build", "--profile", "simulator", "--package", "satchel-sim"];
        let mut cargo = shell::cargo(&[&words[..], features].concat());
        println!("$ {}", shell::show(&cargo));
        shell::stream(&mut cargo)?;
        let (from, to) = (shell::target().join("simulator/satchel-sim"), folder.join(name));
        // A file that runs cannot be written over, but taken away.
        drop(fs::remove_file(&to));
        fs::copy(&from, &to).map_err(|e| Failure::new(format!("copying {}: {e}", from.display())))?;
        Ok::<_, Failure>(to)
    };
    Ok(Simulators { wide: build("satchel-sim-wide", &WIDE_FEATURES)?, real: build("satchel-sim-real", &[])? })
}

/// Runs a simulator, shows what it says and keeps its counts.
fn play(program: &PathBuf, words: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(words).current_dir(shell::root());
    println!("$ {}", shell::show(&command));
    let output = shell::capture(&mut command, None)?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    for line in text.lines().filter_map(|line| line.strip_prefix('{')) {
        keep(&format!("{{\"commit\":\"{}\",{line}\n", commit()))?;
    }
    if output.status.success() {
        return Ok(());
    }
    let hint = "run the printed command; add the seed to crates/sim/regressions.txt with the fix";
    Err(Failure::new("the simulator found something").hint(hint))
}

fn keep(line: &str) -> Result<(), Failure> {
    let file = shell::target().join("sim/ledger.jsonl");
    let opened = OpenOptions::new().create(true).append(true).open(&file);
    let written = opened.and_then(|mut opened| opened.write_all(line.as_bytes()));
    written.map_err(|e| Failure::new(format!("writing {}: {e}", file.display())))
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(shell::root());
    shell::read(&mut git).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_lasts_an_hour_or_as_long_as_is_said() {
        let check = |words: &[&str], expected: Option<(Option<u64>, bool)>| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            let expected = expected.map(|(minutes, report)| Order { minutes, report });
            assert_eq!(parse(&words).ok(), expected, "{words:?}");
        };
        check(&[], Some((Some(60), false)));
        check(&["--minutes", "9"], Some((Some(9), false)));
        check(&["--report"], Some((None, true)));
        check(&["--report", "--minutes", "9"], Some((Some(9), true)));
        check(&["--minutes", "1"], None);
        check(&["--minutes"], None);
        check(&["--fast"], None);
    }
}
