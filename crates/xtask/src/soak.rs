//! `cargo xtask sim` and `cargo xtask soak`: the simulator, short for CI and long for a night.
//!
//! Every run appends to its own ledger, `target/sim/ledger.jsonl`: counts, seeds and the commit, so that
//! what is published is what was run.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::{install, shell};

/// One line for the overview of `sim`.
pub(crate) const SIM_SUMMARY: &str =
    "play 20,000 simulated histories, 500 of them real, and every planted bug";

/// The text of `--help` of `sim`.
pub(crate) const SIM_HELP: &str = "
usage: cargo xtask sim

Builds the simulator in release, once with cheap stand-ins for the cryptography and planted bugs, once
without, then plays 20,000 wide histories, 500 real ones, and every planted bug. A violation prints its
seed and the command that shows it. Counts are appended to target/sim/ledger.jsonl.";

/// One line for the overview of `soak`.
pub(crate) const SOAK_SUMMARY: &str =
    "play simulated histories for an hour, with seeds that no run had before";

/// The text of `--help` of `soak`.
pub(crate) const SOAK_HELP: &str = "
usage: cargo xtask soak [--minutes M]

Plays wide histories for two thirds of the time and real ones for the rest, from a seed that is taken
from the clock and printed. Counts are appended to target/sim/ledger.jsonl.

  --minutes M   how long in all (default 60, at least 3)";

const WIDE_FEATURES: [&str; 2] = ["--features", "stub,planted"];
/// In CI every run plays the same seeds.
const SEED: u64 = 1;

/// Runs the short form.
pub(crate) fn sim(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("sim takes no argument, not {argument:?}")));
    }
    let seed = SEED.to_string();
    let simulators = build()?;
    play(&simulators.wide, &["wide", "--histories", "20000", "--seed", &seed])?;
    play(&simulators.real, &["real", "--histories", "500", "--seed", &seed])?;
    play(&simulators.wide, &["bugs", "--seed", &seed])
}

/// Runs the long form.
pub(crate) fn soak(arguments: &[String]) -> Result<(), Failure> {
    let minutes = parse(arguments)?;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(SEED, |since| since.as_secs() << 24);
    println!("seeds from {seed}");
    let seed = seed.to_string();
    let (wide, real) = ((minutes * 2 / 3).to_string(), (minutes - minutes * 2 / 3).to_string());
    let simulators = build()?;
    let many = ["--histories", "1000000000", "--seed", &seed, "--minutes"];
    play(&simulators.wide, &[&["wide"], &many[..], &[&wide]].concat())?;
    play(&simulators.real, &[&["real"], &many[..], &[&real]].concat())
}

fn parse(arguments: &[String]) -> Result<u64, Failure> {
    match arguments {
        [] => Ok(60),
        [name, minutes] if name == "--minutes" => {
            let minutes = minutes.parse().ok().filter(|minutes| *minutes >= 3);
            minutes.ok_or_else(|| Failure::usage("--minutes needs a number of at least 3"))
        }
        _ => Err(Failure::usage(format!("soak does not know {}", arguments.join(" ")))),
    }
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
        let words = ["build", "--release", "--package", "satchel-sim"];
        shell::stream(&mut shell::cargo(&[&words[..], features].concat()))?;
        let (from, to) = (shell::target().join("release/satchel-sim"), folder.join(name));
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
        let check = |words: &[&str], expected: Option<u64>| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(parse(&words).ok(), expected, "{words:?}");
        };
        check(&[], Some(60));
        check(&["--minutes", "9"], Some(9));
        check(&["--minutes", "1"], None);
        check(&["--fast"], None);
    }
}
