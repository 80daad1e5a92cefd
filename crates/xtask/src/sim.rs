//! `cargo xtask sim`: the simulator, short for CI; and how every command here builds and runs it.
//!
//! Every run of a simulator appends to its ledger, `target/sim/ledger.jsonl`: counts, seeds and the commit,
//! so that what [`crate::reliability`] publishes is what was run.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::{install, shell};

/// One line for the overview.
pub(crate) const SUMMARY: &str = "play 20,000 wide simulated histories, 500 real ones, and every planted bug";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask sim

Builds the simulator twice, with cheap stand-ins for the cryptography and planted bugs, and without, then
plays 20,000 wide histories, 500 real ones, and every planted bug. A violation prints its seed and the
command that shows it. Counts go to target/sim/ledger.jsonl, in place of those of the run before.";

/// Without what only the real tier needs, to build less.
const WIDE_FEATURES: [&str; 3] = ["--no-default-features", "--features", "stub,planted"];
/// In CI every run plays the same seeds.
const SEED: &str = "1";

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("sim takes no argument, not {argument:?}")));
    }
    let simulators = build()?;
    // One that is not there is as empty.
    drop(fs::remove_file(shell::target().join("sim/ledger.jsonl")));
    play(&simulators.wide, &["wide", "--histories", "20000", "--seed", SEED])?;
    play(&simulators.real, &["real", "--histories", "500", "--seed", SEED])?;
    play(&simulators.wide, &["bugs", "--seed", SEED])
}

/// The two builds of the simulator.
pub(crate) struct Simulators {
    pub(crate) wide: PathBuf,
    pub(crate) real: PathBuf,
}

/// Builds both; each under a name of its own, since cargo gives them one.
pub(crate) fn build() -> Result<Simulators, Failure> {
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
pub(crate) fn play(program: &Path, words: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(words).current_dir(shell::root());
    println!("$ {}", shell::show(&command));
    let output = shell::listen(&mut command)?;
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
