//! `cargo xtask bench`: the promised figures, measured on real release binaries through the command line.
//!
//! Why it exists: a figure that nobody measures is a wish. Inputs are generated and the same on every
//! machine; each figure is the median of several runs with fresh state; every single run is kept in
//! `target/bench/*.jsonl`. Not part of the tests, which never depend on time.

mod figure;
mod generate;
mod page;
mod peers;
mod requests;
mod scenario;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::failure::Failure;
use crate::{install, shell, stage};
use figure::Figure;
use scenario::{Inputs, SCENARIOS};

/// One line for the overview.
pub(crate) const SUMMARY: &str = "measure the promised figures and compare them with their targets";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask bench [--json FILE] [--runs N] [--only TEXT] [--peers yes|quick|only]

Builds release binaries, generates its inputs, and prints a Markdown table of medians with targets.
Raw runs are appended to target/bench/*.jsonl. Exit code 1 if a figure misses its target.

  --json FILE   write the figures as JSON, too
  --runs N      runs of each figure (default 5)
  --only TEXT   only scenarios whose name has TEXT in it: import, list, agent, fresh, server,
                newman, send, sequence, iterations, page
  --peers yes   then compare with y-websocket, hocuspocus, pouchdb-server and atuin-server doing the same
                work in --runs interleaved rounds, and write docs/benchmarks.md (needs Node.js with npm, a
                quiet machine, and 20 minutes). only: just that. quick: just that, with little work and
                one round, into target/bench: to see that it runs, not to measure. Rows of
                the comparison that miss are printed and do not change the exit code";

/// What the command line asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    json: Option<PathBuf>,
    runs: usize,
    only: String,
    peers: Peers,
}

/// Whether to compare with peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peers {
    No,
    Yes,
    Only,
    Quick,
}

/// Measures every figure that was asked for.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = parse(arguments)?;
    install::compiler()?;
    stage::build()?;
    let folder = shell::target().join("bench");
    let measured = match options.peers {
        Peers::No | Peers::Yes => measure(&folder, &options),
        Peers::Only | Peers::Quick => fs::create_dir_all(&folder)
            .map_err(|error| Failure::new(format!("making {}: {error}", folder.display()))),
    };
    match options.peers {
        Peers::No => {}
        Peers::Quick => println!("\n{}", peers::run(&folder, 1, true)?),
        Peers::Yes | Peers::Only => println!("\n{}", peers::run(&folder, options.runs, false)?),
    }
    measured
}

/// Measures the figures of Satchel alone.
fn measure(folder: &Path, options: &Options) -> Result<(), Failure> {
    let inputs = Inputs::write(folder)?;
    let mut figures: Vec<Figure> = Vec::new();
    for (name, measure) in SCENARIOS.iter().filter(|(name, _)| name.contains(&options.only)) {
        eprintln!("measuring {name} ({} runs)", options.runs);
        figures.extend(measure(&inputs, options.runs));
    }
    if figures.is_empty() {
        return Err(Failure::usage(format!("no scenario has {:?} in its name", options.only)));
    }
    for figure in &figures {
        figure.keep(folder)?;
    }
    report(&figures, options)
}

fn report(figures: &[Figure], options: &Options) -> Result<(), Failure> {
    println!("\n{}", figure::table(figures));
    let failures = figures.iter().filter(|figure| figure.passes() == Some(false)).count();
    if let Some(file) = &options.json {
        let rows: Vec<_> = figures.iter().map(Figure::to_json).collect();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let document = json!({"cores": cores, "runs": options.runs, "failures": failures, "figures": rows});
        fs::write(file, format!("{document:#}\n"))
            .map_err(|error| Failure::new(format!("writing {}: {error}", file.display())))?;
    }
    if failures > 0 {
        return Err(Failure::new(format!("{failures} of {} figures miss their target", figures.len())));
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { json: None, runs: 5, only: String::new(), peers: Peers::No };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value =
            words.next().ok_or_else(|| Failure::usage(format!("{word} needs a value, or is unknown")))?;
        match word.as_str() {
            "--json" => options.json = Some(PathBuf::from(value)),
            "--only" => options.only.clone_from(value),
            "--runs" => {
                let runs = value.parse().ok().filter(|runs| (1..=100).contains(runs));
                options.runs = runs.ok_or_else(|| Failure::usage("--runs is a number from 1 to 100"))?;
            }
            "--peers" => {
                options.peers = match value.as_str() {
                    "yes" => Peers::Yes,
                    "only" => Peers::Only,
                    "quick" => Peers::Quick,
                    _ => return Err(Failure::usage("--peers is yes, only or quick")),
                }
            }
            _ => return Err(Failure::usage(format!("bench does not know {word}"))),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&Options>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(parse(&words).ok().as_ref(), expected, "of {line}");
    }

    #[test]
    fn options_are_read() {
        check("", Some(&Options { json: None, runs: 5, only: String::new(), peers: Peers::No }));
        let all = Options {
            json: Some(PathBuf::from("a.json")),
            runs: 1,
            only: "list".to_owned(),
            peers: Peers::Only,
        };
        check("--json a.json --runs 1 --only list --peers only", Some(&all));
        check("--peers maybe", None);
        check("--runs 0", None);
        check("--runs", None);
        check("--fast yes", None);
    }
}
