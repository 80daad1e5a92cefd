//! The page about a comparison: promises with their verdicts, every median, and how it was measured.

use std::fmt::Write;
use std::fs;

use super::contest::{Against, Contest, PROMISES, Promise};
use super::{Conditions, SATCHEL, SYSTEMS};

/// The measured figures, with what each is.
pub(super) const FIGURES: &[(&str, &str)] = &[
    ("edit p50", "edit from A to B, p50"),
    ("edit p99", "edit from A to B, p99"),
    ("burst", "500 edits at once, until B has them"),
    ("burst server CPU per edit", "server CPU for an edit of that burst"),
    ("fill", "10,000 records of 2 KB, until the server has them"),
    ("fresh sign-in", "fresh app: signing in"),
    ("fresh tree", "fresh app: tree usable"),
    ("fresh all", "fresh app: everything there"),
    ("fresh stored", "fresh app: everything stored durably, too"),
    ("fresh CPU of the app", "fresh app: its CPU for that"),
    ("fresh bytes", "fresh app: bytes received"),
    ("idle memory", "server memory with 1,000 idle apps"),
    ("subscribers p50", "edit to 100 subscribers, p50"),
    ("subscribers p99", "edit to 100 subscribers, p99"),
    ("few: edit p50", "edit from A to B at 1,000 records, p50"),
    ("many: edit p50", "edit from A to B at 100,000 records, p50"),
    ("week back", "back after a week, 1,000 edits here and 5,000 missed: in sync"),
    ("week conflicts", "conflicts of that, in other fields of the same requests"),
    ("typing tries p99", "8 apps type into one request for 60 s: tries of a commit, p99"),
    ("typing lost", "texts of that which are missing in the end"),
    ("typing equal", "from the last key of that until all 8 are equal"),
];

/// What a quick run says of itself.
const QUICK: &str = "**A quick run: one round of little work, to see that everything runs. The sizes that the rows \
     name are those of a full run; nothing follows from these numbers.**\n\n";

/// The page.
pub(super) fn text(contest: &Contest, conditions: &Conditions<'_>) -> String {
    let mut text = String::from("# Benchmarks\n\n");
    if conditions.quick {
        text += QUICK;
    }
    text += "Made by `cargo xtask bench --peers yes`; do not edit. Lower is better everywhere.\n\n\
         ![Satchel and its peers](benchmarks.svg)\n\n## What was promised\n\n\
         | figure | Satchel | compared with | ratio | target | |\n| --- | --- | --- | --- | --- | --- |\n";
    text.extend(PROMISES.iter().map(|promise| promise_row(contest, promise)));
    let columns = SYSTEMS.join(" | ");
    let rule = "| --- ".repeat(SYSTEMS.len());
    write!(text, "\n## Every median\n\n| figure | {columns} |\n| --- {rule}|\n").expect("a text takes words");
    text.extend(FIGURES.iter().map(|(figure, name)| median_row(contest, figure, name)));
    text += &method(conditions);
    if !contest.failures().is_empty() {
        text += "\n## Turns that failed\n\n";
        text.extend(contest.failures().iter().map(|failure| format!("- {failure}\n")));
    }
    text
}

fn name_of(figure: &str) -> &str {
    FIGURES.iter().find(|(name, _)| *name == figure).map_or(figure, |(_, name)| name)
}

fn promise_row(contest: &Contest, promise: &Promise) -> String {
    let value = |figure: &str, system| shown(contest.median(figure, system), contest.unit(figure));
    let other = match promise.against {
        Against::Peer(peer) => format!("{peer}: {}", value(promise.figure, peer)),
        Against::Less(peer, figure) => format!("{peer}, not decrypted: {}", value(figure, peer)),
        Against::Own(figure) => format!("{}: {}", name_of(figure), value(figure, SATCHEL)),
        Against::Number => "–".to_owned(),
    };
    let ratio = contest.ratio(promise);
    let verdict = match ratio {
        None => "not measured".to_owned(),
        Some(ratio) if ratio <= promise.target => "pass".to_owned(),
        Some(ratio) if promise.target > 0.0 => {
            format!("**miss**: {:.1} times the target", ratio / promise.target)
        }
        Some(_) => "**miss**".to_owned(),
    };
    let (ratio, target) = if promise.against == Against::Number {
        ("–".to_owned(), shown(Some(promise.target), contest.unit(promise.figure)))
    } else {
        (shown(ratio, ""), format!("≤ {}", promise.target))
    };
    let ours = value(promise.figure, SATCHEL);
    format!("| {} | {ours} | {other} | {ratio} | {target} | {verdict} |\n", name_of(promise.figure))
}

fn median_row(contest: &Contest, figure: &str, name: &str) -> String {
    let cells = SYSTEMS.iter().map(|system| {
        let median = shown(contest.median(figure, system), contest.unit(figure));
        match contest.range(figure, system) {
            Some((lowest, highest)) => {
                format!("{median} ({}–{})", shown(Some(lowest), ""), shown(Some(highest), ""))
            }
            None => median,
        }
    });
    format!("| {name} | {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// A number with three significant digits.
fn shown(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let number = match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

fn method(conditions: &Conditions<'_>) -> String {
    let Conditions { rounds, run, .. } = *conditions;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let line_of = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        found.trim_start_matches([':', ' ', '\t']).to_owned()
    };
    let processor = line_of("/proc/cpuinfo", "model name");
    let memory =
        line_of("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_000_000;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "\n## How\n\n\
         {date}, commit {commit}, {rounds} rounds on one machine: {cores} cores ({processor}), {memory} GB, Linux {kernel}.\n\
         In each round every system gets a fresh server, fresh apps and the same generated collection, and the systems\n\
         take turns; the figures are medians of the rounds, with lowest and highest in brackets. Each system's server\n\
         is one process; its apps are in another. Between the burst and the fresh app everything rests for a second. The minute of typing is done in the first round only, 100,000\n\
         records and the 100 subscribers of PouchDB (11 edits in place of 50) in the first three. Raw lines of every turn are in `target/bench/peers.jsonl`.\n\n\
         Satchel has everything on: accounts, a signature for every commit, end-to-end encryption, a sealed local\n\
         store for each app, fsync on both sides before anything is called done. \"Everything there\" means received,\n\
         verified and decrypted; a body is decompressed when it is first read. \"Stored durably\" adds the disk.\n\n\
         The peers, as they come from their registries ({versions}):\n\n\
         - y-websocket and hocuspocus keep the document in memory and store nothing, on either side; no\n  \
           accounts, no encryption.\n\
         - pouchdb-server writes to LevelDB without waiting for the disk; its apps do, too. Nothing is encrypted.\n\
         - atuin-server (on SQLite) stores sealed records and pushes nothing. Its fresh app is the download alone:\n  \
           nothing is decrypted or stored.\n\n\
         ### What to know before comparing\n\n\
         - In favour of Satchel: its fresh app is timed from the end of the sign-in, which has a row of its own and\n  \
           which the peers do not have. Add that row for what a person waits for.\n\
         - In favour of Satchel: edits of a burst that wait together travel in one commit; the Yjs clients send each.\n\
         - In favour of Satchel: its driver is compiled, those of the peers are their own libraries in Node.js, with all\n  \
           apps of a scene on one thread. Latencies contain both ends; the server's CPU and memory do not.\n\
         - In favour of the peers: an edit changes one field; the Yjs clients send that field, Satchel and PouchDB the\n  \
           record. What the peers leave out is named above.\n\
         - Not the newest: hocuspocus 4 needs Node.js 22; y-websocket 3 comes without a server.\n\
         - The rows of a week away, of typing, and of 1,000 against 100,000 records are of Satchel alone: they are\n  \
           compared with its own figures of the same run. The server's limit of sockets for an account is raised.\n",
        date = run.date,
        commit = run.commit,
        kernel = kernel.trim(),
        versions = conditions.versions.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::super::contest::Sample;
    use super::super::{Run, Y_WEBSOCKET};
    use super::*;

    fn contest(ours: f64) -> Contest {
        let mut contest = Contest::default();
        let sample = |value| vec![Sample { figure: "edit p50".to_owned(), value, unit: "ms".to_owned() }];
        contest.add(SATCHEL, "", sample(ours));
        contest.add(Y_WEBSOCKET, "", sample(2.0));
        contest
    }

    fn page(quick: bool) -> String {
        let run = Run { date: "2026-01-02".to_owned(), commit: "abc".to_owned() };
        text(&contest(1.0), &Conditions { rounds: 1, quick, versions: &[], run: &run })
    }

    #[test]
    fn a_promise_is_held_or_missed_and_both_are_printed() {
        let check = |ours: f64, expected: &str| {
            assert_eq!(promise_row(&contest(ours), &PROMISES[0]), expected);
        };
        check(3.0, "| edit from A to B, p50 | 3.00 ms | y-websocket: 2.00 ms | 1.50 | ≤ 1.5 | pass |\n");
        check(
            30.0,
            "| edit from A to B, p50 | 30.0 ms | y-websocket: 2.00 ms | 15.0 | ≤ 1.5 | **miss**: 10.0 times the target |\n",
        );
    }

    #[test]
    fn what_no_system_did_is_not_hidden() {
        let page = page(false);
        assert!(page.contains("| server memory with 1,000 idle apps | – | – | – | – | – |"), "{page}");
        assert!(page.contains("not measured") && page.contains("2026-01-02, commit abc, 1 rounds"));
        assert!(!page.contains("quick run"));
    }

    #[test]
    fn a_quick_run_says_that_nothing_follows_from_it() {
        assert!(page(true).contains("nothing follows from these numbers"));
    }

    #[test]
    fn every_promise_is_of_a_figure_with_a_name() {
        assert!(PROMISES.iter().all(|promise| name_of(promise.figure) != promise.figure));
    }
}
