//! The comparison with peers: one interleaved run of the same work on this machine.
//!
//! Why it exists: a figure alone says little; the same work by programs that people use today says how
//! much it is. Every system gets a fresh server, fresh apps and a turn in every round, so that what the
//! machine does meanwhile meets all of them. Satchel has everything on: accounts, signatures,
//! encryption, local stores, fsync. Losing rows are printed like the others.
//!
//! Knows no system: `crates/client/examples/versus` drives Satchel, `bench/peers` the peers, and both print
//! one JSON line for each figure.

mod contest;
mod install;
mod plot;
mod report;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use self::contest::{Contest, Sample};
use super::generate;
use crate::failure::Failure;
use crate::shell;
use crate::stage::random_word;

/// What one system does in a scene.
#[derive(Debug, Clone, Copy)]
struct Scene {
    /// What the drivers call it.
    name: &'static str,
    /// Put before its figures where a scene comes twice.
    prefix: &'static str,
    systems: &'static [&'static str],
    sizes: Sizes,
    /// In no more than the first so many rounds: for what lasts long.
    rounds: usize,
}

/// How much work a scene is.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    records: usize,
    edits: usize,
    apps: usize,
    seconds: u64,
}

const SATCHEL: &str = "satchel";
const Y_WEBSOCKET: &str = "y-websocket";
const HOCUSPOCUS: &str = "hocuspocus";
const POUCHDB: &str = "pouchdb-server";
const ATUIN: &str = "atuin-server";
/// Every system, in the order of the columns and of each round.
const SYSTEMS: &[&str] = &[SATCHEL, Y_WEBSOCKET, HOCUSPOCUS, POUCHDB, ATUIN];
const RECORD_BYTES: usize = 2_000;
/// Apps that type into one request.
const TYPISTS: usize = 8;

/// The scenes of a round, as promised.
const FULL: &[Scene] = &scenes(&Amounts {
    records: 10_000,
    edits: 500,
    idle: 1_000,
    subscribers: 100,
    large: 100_000,
    seconds: 60,
});
/// The same, small: to see that everything runs, not to measure.
const QUICK: &[Scene] =
    &scenes(&Amounts { records: 200, edits: 20, idle: 50, subscribers: 40, large: 400, seconds: 3 });

/// What the scenes are made from.
struct Amounts {
    records: usize,
    edits: usize,
    idle: usize,
    subscribers: usize,
    large: usize,
    seconds: u64,
}

const fn scenes(amounts: &Amounts) -> [Scene; 7] {
    let Amounts { records, edits, idle, subscribers, large, seconds } = *amounts;
    let few = records / 10;
    let live = &[SATCHEL, Y_WEBSOCKET, HOCUSPOCUS, POUCHDB];
    [
        scene("work", "", SYSTEMS, Sizes { records, edits, apps: 1, seconds }),
        scene("idle", "", live, Sizes { records: few, edits: 1, apps: idle, seconds }),
        scene(
            "subscribers",
            "",
            &[SATCHEL, Y_WEBSOCKET, HOCUSPOCUS],
            Sizes { records: few, edits: edits / 10, apps: subscribers, seconds },
        ),
        // Each of its edits takes seconds to reach all of them.
        Scene {
            rounds: 3,
            ..scene(
                "subscribers",
                "",
                &[POUCHDB],
                Sizes { records: few, edits: edits / 50 + 1, apps: subscribers, seconds },
            )
        },
        scene("edits", "few: ", &[SATCHEL], Sizes { records: few, edits, apps: 1, seconds }),
        Scene {
            rounds: 3,
            ..scene("edits", "many: ", &[SATCHEL], Sizes { records: large, edits, apps: 1, seconds })
        },
        Scene {
            rounds: 1,
            ..scene("typing", "", &[SATCHEL], Sizes { records: few, edits, apps: TYPISTS, seconds })
        },
    ]
}

const fn scene(
    name: &'static str,
    prefix: &'static str,
    systems: &'static [&'static str],
    sizes: Sizes,
) -> Scene {
    Scene { name, prefix, systems, sizes, rounds: usize::MAX }
}

/// Runs so many rounds and returns the report, which a full run also writes to `docs`: after each round, so that a run that is
/// broken off leaves the rounds that it had.
pub(super) fn run(folder: &Path, rounds: usize, quick: bool) -> Result<String, Failure> {
    let programs = install::programs(folder)?;
    let scenes = if quick { QUICK } else { FULL };
    let begun = Instant::now();
    let mut contest = Contest::default();
    let run = Run::new();
    let mut text = String::new();
    for round in 1..=rounds {
        for scene in scenes.iter().filter(|scene| round <= scene.rounds) {
            for system in scene.systems {
                eprint!("round {round} of {rounds}: {system}, {}{}", scene.prefix, scene.name);
                let began = Instant::now();
                let taken = turn(&programs, folder, scene, system);
                eprintln!(": {}", shell::words_for(began.elapsed()));
                match taken {
                    Ok(samples) => {
                        keep(folder, (&run, round), scene, system, &samples)?;
                        contest.add(system, scene.prefix, samples);
                    }
                    Err(failure) => contest.fail(system, scene.name, &failure.to_string()),
                }
            }
        }
        let conditions = Conditions { rounds: round, quick, versions: &programs.versions, run: &run };
        text = write_report(folder, &contest, &conditions)?;
    }
    println!("peers: {rounds} rounds in {}", shell::words_for(begun.elapsed()));
    Ok(text)
}

fn write_report(folder: &Path, contest: &Contest, conditions: &Conditions<'_>) -> Result<String, Failure> {
    let text = report::text(contest, conditions);
    write(&folder.join("peers.md"), &text)?;
    let plot = plot::svg(contest);
    write(&folder.join("peers.svg"), &plot)?;
    if !conditions.quick {
        write(&shell::root().join("docs/benchmarks.md"), &text)?;
        write(&shell::root().join("docs/benchmarks.svg"), &plot)?;
    }
    Ok(text)
}

/// When and of what a comparison was made.
struct Run {
    date: String,
    commit: String,
}

impl Run {
    fn new() -> Self {
        let said = |program: &str, words: &[&str]| {
            let said = shell::read(Command::new(program).args(words).current_dir(shell::root()));
            said.map_or_else(|_| "unknown".to_owned(), |said| said.trim().to_owned())
        };
        let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
        let is_changed = !said("git", &["status", "--porcelain", "--", "crates", "Cargo.lock"]).is_empty();
        let commit = if is_changed { format!("{commit} with changes") } else { commit };
        Self { date: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]), commit }
    }
}

/// What the page says about how it was made.
struct Conditions<'a> {
    rounds: usize,
    quick: bool,
    versions: &'a [String],
    run: &'a Run,
}

/// One system's turn in a scene, with a folder of its own.
fn turn(
    programs: &install::Programs,
    folder: &Path,
    scene: &Scene,
    system: &str,
) -> Result<Vec<Sample>, Failure> {
    let input = folder.join(format!("collection-{}.json", scene.sizes.records));
    if !input.is_file() {
        write_bytes(&input, &generate::collection_of_requests("Bench", scene.sizes.records, RECORD_BYTES))?;
    }
    let own = std::env::temp_dir().join(format!("satchel-bench-{}", random_word(6)?));
    fs::create_dir_all(&own).map_err(|error| Failure::new(format!("making {}: {error}", own.display())))?;
    let mut command = programs.driver(system, scene.name)?;
    command.arg("--input").arg(&input).arg("--folder").arg(&own);
    command.args(["--edits", &scene.sizes.edits.to_string(), "--apps", &scene.sizes.apps.to_string()]);
    if system == SATCHEL {
        command.args(["--seconds", &scene.sizes.seconds.to_string()]);
    }
    let printed = shell::read(&mut command);
    // What a turn leaves behind is only files in the temporary folder.
    drop(fs::remove_dir_all(&own));
    Ok(samples(&printed?))
}

fn samples(printed: &str) -> Vec<Sample> {
    let lines = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| Sample::from_json(&line)).collect()
}

/// Appends the raw lines.
fn keep(
    folder: &Path,
    (run, round): (&Run, usize),
    scene: &Scene,
    system: &str,
    samples: &[Sample],
) -> Result<(), Failure> {
    let file = folder.join("peers.jsonl");
    let mut lines = String::new();
    for sample in samples {
        let figure = format!("{}{}", scene.prefix, sample.figure);
        let line = json!({
            "date": run.date, "commit": run.commit, "round": round, "system": system, "figure": figure, "value": sample.value,
            "unit": sample.unit, "records": scene.sizes.records,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let opened = OpenOptions::new().create(true).append(true).open(&file);
    opened
        .and_then(|mut open| open.write_all(lines.as_bytes()))
        .map_err(|error| Failure::new(format!("writing {}: {error}", file.display())))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    write_bytes(file, text.as_bytes())
}

fn write_bytes(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes).map_err(|error| Failure::new(format!("writing {}: {error}", file.display())))
}

/// A program in the release folder.
fn release(name: &str) -> Command {
    Command::new(shell::target().join("release").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_driver_are_read_and_other_words_are_not() {
        let printed = "warning: x\n{\"figure\":\"fill\",\"value\":1.5,\"unit\":\"s\"}\n{\"value\":1}\n";
        let found = samples(printed);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].figure.as_str(), found[0].value), ("fill", 1.5));
    }

    #[test]
    fn satchel_has_a_turn_in_every_scene() {
        let has = |name: &str| FULL.iter().any(|scene| scene.name == name && scene.systems[0] == SATCHEL);
        assert!(FULL.iter().chain(QUICK).all(|scene| has(scene.name)));
    }
}
