//! `cargo xtask ci`: everything that must be well before a change lands.
//!
//! Each step has a heading and a time. The first failure ends the run, so that the last lines on the
//! screen are the reason. CI runs exactly this, with no standard input.

use std::process::Command;
use std::time::Instant;

use crate::failure::Failure;
use crate::{install, shell, sim, tidy};

/// One line for the overview.
pub(crate) const SUMMARY: &str = "format, lint, tidy, docs, licences and all tests; CI runs exactly this";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask ci

Installs what is missing (a C compiler, Node and Chromium through apt-get; rustfmt, clippy, cargo-nextest and cargo-deny
through rustup and cargo), then runs each step and stops at the first that fails. Exit code 0 means that
every step passed.";

/// One step: its heading and what it does.
struct Step {
    heading: &'static str,
    run: fn() -> Result<(), Failure>,
}

/// The cheap steps first; nextest is the last, so that its summary is what CI reads at the end.
const STEPS: &[Step] = &[
    Step { heading: "tools", run: tools },
    Step { heading: "format", run: format },
    Step { heading: "tidy", run: || tidy::run(&[]) },
    Step { heading: "licences, bans and sources", run: licences },
    // Before anything is compiled for the tests: the page goes into the binary.
    Step { heading: "the page", run: page },
    Step { heading: "newman, which judges the runner", run: judge },
    Step { heading: "lint", run: lint },
    Step { heading: "documentation", run: documentation },
    Step { heading: "examples in the documentation", run: doc_tests },
    Step { heading: "simulated histories and planted bugs", run: || sim::run(&[]) },
    Step { heading: "the page in a browser", run: page_in_browser },
    Step { heading: "tests", run: tests },
];

/// Runs every step in order.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("ci takes no argument, not {argument:?}")));
    }
    let begun = Instant::now();
    for (index, step) in STEPS.iter().enumerate() {
        run_step(index + 1, step)?;
    }
    println!("\nci: all {} steps passed in {}", STEPS.len(), shell::words_for(begun.elapsed()));
    Ok(())
}

fn run_step(number: usize, step: &Step) -> Result<(), Failure> {
    println!("\n=== {number}/{} {} ===", STEPS.len(), step.heading);
    let begun = Instant::now();
    let result = (step.run)();
    let took = shell::words_for(begun.elapsed());
    match result {
        Ok(()) => {
            println!("--- {}: passed in {took}", step.heading);
            Ok(())
        }
        Err(failure) => {
            println!("--- {}: FAILED after {took}", step.heading);
            Err(failure)
        }
    }
}

fn tools() -> Result<(), Failure> {
    install::compiler()?;
    install::component("fmt", "rustfmt")?;
    install::component("clippy", "clippy")?;
    install::cargo_tool("deny")?;
    if let Err(failure) = install::cargo_tool("nextest") {
        println!("going on with `cargo test`: {failure}");
    }
    Ok(())
}

fn format() -> Result<(), Failure> {
    echo(&mut shell::cargo(&["fmt", "--all", "--check"]))
        .map_err(|failure| failure.hint("run `cargo fmt --all`"))
}

fn licences() -> Result<(), Failure> {
    echo(&mut shell::cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]))
}

fn page() -> Result<(), Failure> {
    install::node()?;
    for words in [["ci"].as_slice(), &["run", "check"], &["test"], &["run", "build"]] {
        echo(Command::new("npm").args(words).current_dir(shell::root().join("ui")))?;
    }
    Ok(())
}

/// The tests compare with it, and fail where it is not.
fn judge() -> Result<(), Failure> {
    install::node()?;
    let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    echo(Command::new("npm").args(words).current_dir(shell::root().join("crates/runner/tests/run/judge")))
}

/// Over the workspace in memory, then over real programs.
fn page_in_browser() -> Result<(), Failure> {
    install::chromium()?;
    echo(&mut shell::cargo(&["build", "-p", "satchel-app", "-p", "satchel-server"]))?;
    for words in [["run", "flows"], ["run", "real"], ["run", "real:people"]] {
        echo(Command::new("npm").args(words).current_dir(shell::root().join("ui")))?;
    }
    Ok(())
}

fn lint() -> Result<(), Failure> {
    echo(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn documentation() -> Result<(), Failure> {
    echo(shell::cargo(&["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings"))
}

fn doc_tests() -> Result<(), Failure> {
    echo(&mut shell::cargo(&["test", "--doc", "--workspace", "--quiet"]))
}

fn tests() -> Result<(), Failure> {
    if shell::succeeds(&mut shell::cargo(&["nextest", "--version"])) {
        return echo(&mut shell::cargo(&["nextest", "run", "--workspace", "--profile", "ci"]));
    }
    echo(&mut shell::cargo(&["test", "--workspace", "--lib", "--bins", "--tests"]))
}

fn echo(command: &mut Command) -> Result<(), Failure> {
    println!("$ {}", shell::show(command));
    shell::stream(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_fails_the_run() {
        let step = Step { heading: "breaks", run: || Err(Failure::new("broken")) };
        assert!(run_step(1, &step).is_err());
    }

    #[test]
    fn an_argument_is_wrong_usage() {
        assert_eq!(run(&["--fast".to_owned()]).expect_err("takes no argument").exit_code(), 2);
    }
}
