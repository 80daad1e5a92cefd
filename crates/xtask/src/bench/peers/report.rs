//! The page about a comparison: promises with their verdicts, every median, and how it was measured.

use std::fmt::Write;
use std::fs;

use super::contest::{Against, Contest, PROMISES, Promise};
use super::{SATCHEL, SUBSCRIBERS, SYSTEMS};

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
    ("fresh bytes", "fresh app: bytes received"),
    ("idle memory", "server memory with 1,000 idle apps"),
    ("subscribers p50", "edit to all subscribers, p50"),
    ("subscribers p99", "edit to all subscribers, p99"),
    ("few: edit p50", "edit from A to B at 1,000 records, p50"),
    ("many: edit p50", "edit from A to B at 100,000 records, p50"),
];

/// What a quick run says of itself.
const QUICK: &str = "**A quick run: one round of little work, to see that everything runs. The sizes that the rows \
     name are those of a full run; nothing follows from these numbers.**\n\n";

/// The page.
pub(super) fn text(contest: &Contest, rounds: usize, quick: bool, versions: &[String]) -> String {
    let mut text = String::from("# Benchmarks\n\n");
    if quick {
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
    text += &method(rounds, versions);
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
        Against::Own(figure) => format!("{}: {}", name_of(figure), value(figure, SATCHEL)),
        Against::Number => "–".to_owned(),
    };
    let ratio = contest.ratio(promise);
    let verdict = match ratio {
        None => "not measured",
        Some(ratio) if ratio <= promise.target => "held",
        Some(_) => "**missed**",
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

fn method(rounds: usize, versions: &[String]) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("an unknown processor", |(_, name)| name);
    format!(
        "\n## How\n\n\
         One run of {rounds} rounds on one machine ({cores} cores, {processor}). In each round every system gets a\n\
         fresh server, fresh apps and the same generated collection; the figures are medians of the rounds, with\n\
         lowest and highest in brackets. Each system's server is one process; its apps are in another. Raw lines are\n\
         in `target/bench/peers.jsonl`.\n\n\
         Satchel has everything on: accounts, a signature for every commit, end-to-end encryption, a sealed local\n\
         store for each app, fsync on both sides before anything is called done. \"Everything there\" means received,\n\
         verified, decrypted and stored.\n\n\
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
         - {SUBSCRIBERS} subscribers, not 100: they are apps of one account, of which Satchel's server takes 32 sockets.\n",
        versions = versions.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Y_WEBSOCKET;
    use super::super::contest::Sample;
    use super::*;

    fn contest(ours: f64) -> Contest {
        let mut contest = Contest::default();
        let sample = |value| vec![Sample { figure: "edit p50".to_owned(), value, unit: "ms".to_owned() }];
        contest.add(SATCHEL, "", sample(ours));
        contest.add(Y_WEBSOCKET, "", sample(2.0));
        contest
    }

    #[test]
    fn a_promise_is_held_or_missed_and_both_are_printed() {
        let check = |ours: f64, expected: &str| {
            assert_eq!(promise_row(&contest(ours), &PROMISES[0]), expected);
        };
        check(3.0, "| edit from A to B, p50 | 3.00 ms | y-websocket: 2.00 ms | 1.50 | ≤ 1.5 | held |\n");
        check(
            30.0,
            "| edit from A to B, p50 | 30.0 ms | y-websocket: 2.00 ms | 15.0 | ≤ 1.5 | **missed** |\n",
        );
    }

    #[test]
    fn what_no_system_did_is_not_hidden() {
        let page = text(&contest(1.0), 1, false, &[]);
        assert!(page.contains("| server memory with 1,000 idle apps | – | – | – | – | – |"), "{page}");
        assert!(page.contains("not measured"));
        assert!(!page.contains("quick run"));
    }

    #[test]
    fn a_quick_run_says_that_nothing_follows_from_it() {
        assert!(text(&contest(1.0), 1, true, &[]).contains("nothing follows from these numbers"));
    }

    #[test]
    fn every_promise_is_of_a_figure_with_a_name() {
        assert!(PROMISES.iter().all(|promise| name_of(promise.figure) != promise.figure));
    }
}
