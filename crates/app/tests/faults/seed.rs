//! Seeds, histories and counts: how a scenario is driven, and how a violation is told.
//!
//! Invariants: a history depends on its seed only, as far as real processes allow; a scenario that ends
//! by a panic is counted as a violation and names its seed and the command that runs it again.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A small generator (splitmix64): the same numbers from the same seed, everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A place in something so long.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a length")
    }

    /// Whether one of so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The counts of a scenario, told and kept when it ends, well or not.
pub(crate) struct Tally {
    scenario: &'static str,
    test: &'static str,
    first_seed: u64,
    seed: u64,
    counts: BTreeMap<&'static str, u64>,
    begun: Instant,
}

impl Tally {
    /// Adds to a count.
    pub(crate) fn add(&mut self, name: &'static str, count: u64) {
        *self.counts.entry(name).or_default() += count;
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let violations = u64::from(std::thread::panicking());
        println!("{}: seeds {}..={}, {:?}", self.scenario, self.first_seed, self.seed, self.counts);
        if violations > 0 {
            println!(
                "violation in {} with seed {}; again: SATCHEL_FAULTS_ONLY=1 SATCHEL_FAULTS_SEED={} cargo nextest \
                 run -p satchel-app -p satchel-server -E 'binary(faults) and test({})'",
                self.scenario, self.seed, self.seed, self.test
            );
        }
        let line = serde_json::json!({
            "suite": "faults", "scenario": self.scenario, "seed": self.first_seed, "last_seed": self.seed,
            "counts": self.counts, "violations": violations,
            "ms": u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        let path = ledger();
        let folder = path.parent().unwrap_or(Path::new("."));
        let opened = std::fs::create_dir_all(folder)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&path));
        // A ledger that cannot be written must not hide the violation that is being told.
        if let Ok(mut file) = opened {
            drop(file.write_all(format!("{line}\n").as_bytes()));
        }
    }
}

fn ledger() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    target.join("faults/ledger.jsonl")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a scenario's histories, each with its seed; `test` is the name of the test function.
///
/// As many worlds at once as `SATCHEL_FAULTS_WORLDS` says, each with a share of the seeds: a history mostly
/// waits for one process at a time, and leaves the other cores idle.
pub(crate) fn run_histories(
    scenario: &'static str,
    test: &'static str,
    histories: u64,
    history: impl Fn(u64, &mut Tally) + Sync,
) {
    let first_seed = number("SATCHEL_FAULTS_SEED").unwrap_or(1);
    let times = number("SATCHEL_FAULTS_HISTORIES").unwrap_or(1);
    let histories = if number("SATCHEL_FAULTS_ONLY").is_some() { 1 } else { histories * times };
    let worlds = usize::try_from(number("SATCHEL_FAULTS_WORLDS").unwrap_or(1).max(1)).expect("it is a count");
    let seeds = first_seed..first_seed + histories;
    let (history, begun) = (&history, Instant::now());
    std::thread::scope(|scope| {
        for first_seed in seeds.clone().take(worlds) {
            let share = (first_seed..seeds.end).step_by(worlds);
            scope.spawn(move || {
                let (counts, seed) = (BTreeMap::new(), first_seed);
                let mut tally = Tally { scenario, test, first_seed, seed, counts, begun };
                for seed in share {
                    tally.seed = seed;
                    history(seed, &mut tally);
                    tally.add("histories", 1);
                }
            });
        }
    });
}
