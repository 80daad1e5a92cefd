//! `cargo xtask fuzz`: the targets of `crates/fuzz` under libFuzzer, for as long as wanted.
//!
//! The stable toolchain is enough: the coverage that libFuzzer steers by comes from flags of LLVM, given
//! to our own build of the package in `fuzz` below `target/fuzz`. What it finds on the way stays in
//! `target/fuzz/corpus`, so that the next run goes on there; an input that fails stays in
//! `target/fuzz/failures`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::{install, shell};

/// One line for the overview.
pub(crate) const SUMMARY: &str = "feed every decoder with changed bytes, steered by coverage (libFuzzer)";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask fuzz [TARGET] [--seconds N]

Builds the targets of crates/fuzz with libFuzzer (needs a C++ compiler; stable Rust is enough) and runs
each of them, or the one that is named, one after the other. What is found stays in target/fuzz/corpus.
An input that fails ends the run; it is in target/fuzz/failures, made small, and its name is printed.
The ordinary tests run the same targets over a fixed number of inputs.

  TARGET        only this one; an unknown name prints the list
  --seconds N   how long each target runs (default 60)";

/// How cargo-fuzz, too, has LLVM count the edges that an input takes.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// Names the target for the program.
const VARIABLE: &str = "SATCHEL_FUZZ_TARGET";
/// Longest input, in bytes: what the driver of the tests takes.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// One input may take so long, in seconds.
const INPUT_SECONDS_MAX: u32 = 20;
/// And so much memory, in MB.
const MEMORY_MB_MAX: u32 = 2_048;

/// What the command line asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    target: Option<String>,
    seconds: u32,
}

/// The folders of a run.
struct Places {
    program: PathBuf,
    corpus: PathBuf,
    failures: PathBuf,
}

/// Runs what was asked for.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = parse(arguments)?;
    install::compiler()?;
    let folder = shell::target().join("fuzz");
    let targets = seeds(&folder.join("corpus"))?;
    let chosen: Vec<&String> =
        targets.iter().filter(|name| options.target.as_ref().is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        return Err(Failure::usage(format!("the targets are {}", targets.join(", "))));
    }
    let places =
        Places { program: build(&folder)?, corpus: folder.join("corpus"), failures: folder.join("failures") };
    fs::create_dir_all(&places.failures)
        .map_err(|error| Failure::new(format!("making {}: {error}", places.failures.display())))?;
    for name in &chosen {
        let told = run_target(&places, name, options.seconds)?;
        println!("fuzz: {name}: {told}");
    }
    println!("fuzz: {} targets, nothing found", chosen.len());
    Ok(())
}

/// Writes the seeds, and returns the names of all targets.
fn seeds(corpus: &Path) -> Result<Vec<String>, Failure> {
    let folder = corpus.to_string_lossy();
    let words = ["run", "--quiet", "-p", "satchel-fuzz", "--example", "seeds", "--", &folder];
    let names = shell::read(&mut shell::cargo(&words))?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// Builds the program in release with coverage; the flags are not for build scripts, so the target is
/// named.
fn build(folder: &Path) -> Result<PathBuf, Failure> {
    let host = host()?;
    let target_folder = folder.to_string_lossy();
    let words = ["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host];
    let mut command = shell::cargo(&words);
    command.args(["--target-dir", &target_folder]).env("RUSTFLAGS", COVERAGE);
    println!("$ {}", shell::show(&command));
    shell::stream(&mut command)?;
    Ok(folder.join(host).join("release/satchel-libfuzzer"))
}

fn host() -> Result<String, Failure> {
    let version = shell::read(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}

/// Runs one target and returns libFuzzer's last words.
fn run_target(places: &Places, name: &str, seconds: u32) -> Result<String, Failure> {
    let mut command = Command::new(&places.program);
    command
        .arg(places.corpus.join(name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB_MAX}"))
        .arg(format!("-artifact_prefix={}/{name}-", places.failures.display()))
        .args(["-print_final_stats=0", "-close_fd_mask=1"])
        .env(VARIABLE, name);
    let output = shell::capture(&mut command, None)?;
    let words = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(last_words(&words));
    }
    let lines: Vec<&str> = words.lines().collect();
    let last = lines[lines.len().saturating_sub(40)..].join("\n");
    let failure = Failure::new(format!("{name} found something\n{last}"));
    Err(failure.hint(format!("the input is in {}; make it a test of the crate", places.failures.display())))
}

/// `Done 1234 runs in 3 second(s)` and the coverage before it.
fn last_words(words: &str) -> String {
    let done = words.lines().rev().find(|line| line.starts_with("Done ")).unwrap_or("ended early");
    let coverage = words.lines().rev().find_map(|line| line.split_once("cov: ")?.1.split(' ').next());
    format!("{done}, {} edges", coverage.unwrap_or("no"))
}

fn parse(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { target: None, seconds: 60 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let seconds = words.next().and_then(|value| value.parse().ok());
            options.seconds = seconds
                .filter(|seconds| (1..=86_400).contains(seconds))
                .ok_or_else(|| Failure::usage("--seconds is a number from 1 to 86400"))?;
        } else if word.starts_with('-') || options.target.is_some() {
            return Err(Failure::usage(format!("fuzz does not know {word}")));
        } else {
            options.target = Some(word.clone());
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let check = |line: &str, expected: Option<(Option<&str>, u32)>| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let expected =
                expected.map(|(target, seconds)| Options { target: target.map(str::to_owned), seconds });
            assert_eq!(parse(&words).ok(), expected, "of {line}");
        };
        check("", Some((None, 60)));
        check("envelope --seconds 2", Some((Some("envelope"), 2)));
        check("--seconds 2 envelope", Some((Some("envelope"), 2)));
        check("--seconds", None);
        check("--seconds 0", None);
        check("a b", None);
        check("--fast", None);
    }

    #[test]
    fn the_end_of_a_run_tells_runs_and_coverage() {
        let words = "#2 INITED cov: 5 ft: 6\n#9 NEW    cov: 12 ft: 13 corp: 2\nDone 9 runs in 1 second(s)\n";
        assert_eq!(last_words(words), "Done 9 runs in 1 second(s), 12 edges");
    }
}
