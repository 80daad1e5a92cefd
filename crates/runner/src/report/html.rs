//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere, light and dark.
//!
//! It is made at the end of the run, of sums that do not grow with it: a line for each request of the collection, the first [`SHOWN`]
//! executions that failed and as many of all in full, the failures of the summary, and times in buckets.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::Report;
use super::chart::{self, Series};
use super::text::{escaped, moment, size, time};
use crate::run::{End, Event, Execution, Failure, Problem, Reporter, Shown, Spread, Summary, milliseconds};

/// How many executions are shown in full, of all and of those that failed.
pub const SHOWN: usize = 250;
/// How many requests have a line of their own. A collection may be larger.
const REQUESTS: usize = 5_000;
/// How many characters of a message or a line of the console are shown.
const CHARS: usize = 2_000;
/// How many tests and lines of the console of one execution are shown.
const LINES: usize = 200;

/// The report as a page.
#[derive(Debug, Default)]
pub struct Html {
    text: String,
    name: String,
    times: Series,
    requests: Vec<Row>,
    places: HashMap<String, usize>,
    first: Vec<String>,
    failed: Vec<String>,
    executions: u64,
    failed_executions: u64,
}

/// The sums of one request of the collection.
#[derive(Debug)]
struct Row {
    name: String,
    method: String,
    count: u64,
    failed: u64,
    times: u64,
    sum_ms: f64,
    max_ms: f64,
}

impl Report for Html {
    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

impl Reporter for Html {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { name, .. } => (*name).clone_into(&mut self.name),
            Event::ItemDone { execution, .. } => self.execution(execution),
            Event::Done { summary } => self.page(summary),
            _ => {}
        }
    }
}

impl Html {
    fn execution(&mut self, execution: &Execution) {
        let failed = execution.has_failed();
        self.executions += 1;
        if let Some(ms) = execution.response_ms() {
            self.times.add(ms, failed);
        }
        self.sum(execution, failed);
        if self.first.len() < SHOWN {
            self.first.push(in_full(execution));
        } else if failed && self.failed.len() < SHOWN {
            self.failed.push(in_full(execution));
        }
        self.failed_executions += u64::from(failed);
    }

    fn sum(&mut self, execution: &Execution, failed: bool) {
        let place = match self.places.get(&execution.at.id) {
            Some(place) => *place,
            None if self.requests.len() == REQUESTS => return,
            None => {
                self.places.insert(execution.at.id.clone(), self.requests.len());
                self.requests.push(Row {
                    name: cut(&execution.full_name()),
                    method: cut(&execution.method),
                    count: 0,
                    failed: 0,
                    times: 0,
                    sum_ms: 0.0,
                    max_ms: 0.0,
                });
                self.requests.len() - 1
            }
        };
        let row = &mut self.requests[place];
        row.count += 1;
        row.failed += u64::from(failed);
        if let Some(ms) = execution.response_ms() {
            row.times += 1;
            row.sum_ms += ms;
            row.max_ms = row.max_ms.max(ms);
        }
    }

    fn page(&mut self, summary: &Summary) {
        let mut page = head(&self.name, summary);
        page += &totals(summary);
        page += "<h2>Response times</h2>\n";
        page += &self.times.svg();
        page += &self.failing_requests();
        page += &failures(summary);
        page += &self.table();
        page += &self.executions();
        page += "</main>\n</body>\n</html>\n";
        self.text += &page;
    }

    fn failing_requests(&self) -> String {
        let failing = self.requests.iter().filter(|row| row.failed > 0);
        let mut failing: Vec<_> = failing.map(|row| (row.name.clone(), row.failed)).collect();
        if failing.is_empty() {
            return String::new();
        }
        failing.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        format!("<h2>Failures by request</h2>\n{}", chart::bars("How often each request failed", &failing))
    }

    #[expect(clippy::cast_precision_loss, reason = "it is rounded for people")]
    fn table(&self) -> String {
        let mut table = "<h2>Requests</h2>\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">Request</th><th scope=\"col\">Method</th><th scope=\"col\">Runs</th><th scope=\"col\">Failed</th><th scope=\"col\">Mean time</th><th scope=\"col\">Slowest</th></tr></thead><tbody>\n".to_owned();
        for row in &self.requests {
            let (mean, max) = match row.times {
                0 => ("–".to_owned(), "–".to_owned()),
                times => (time(row.sum_ms / times as f64), time(row.max_ms)),
            };
            let _ = writeln!(
                table,
                "<tr{}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{mean}</td><td>{max}</td></tr>",
                if row.failed > 0 { " class=\"failed\"" } else { "" },
                escaped(&row.name),
                escaped(&row.method),
                row.count,
                row.failed,
            );
        }
        table + "</tbody></table></div>\n"
    }

    fn executions(&self) -> String {
        let mut text = "<h2>Executions</h2>\n".to_owned();
        text += &self.first.concat();
        let shown = (self.first.len() + self.failed.len()) as u64;
        if !self.failed.is_empty() {
            text += "<h3>Later ones that failed</h3>\n";
            text += &self.failed.concat();
        }
        if self.executions > shown {
            let _ = writeln!(
                text,
                "<p>{} of {} executions are shown; {} failed in all.</p>",
                shown, self.executions, self.failed_executions
            );
        }
        text
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; --page: #fff; --ink: #1c2128; --faint: #59636e; --line: #d0d7de; --good: #1a7f37; --bad: #b3261e; --bar: #4a7fc1; }
@media (prefers-color-scheme: dark) { :root { --page: #14171c; --ink: #e3e7ec; --faint: #9aa4af; --line: #363d46; --good: #5cc46f; --bad: #ff8a80; --bar: #6ea0dc; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad-text { color: var(--bad); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 1rem 0; }
dl div { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; } dt { color: var(--faint); } dd { margin: 0; font-size: 1.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
tr.failed td { color: var(--bad); } details { border-bottom: 1px solid var(--line); padding: .3rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; font-size: .9em; } ul { margin: .3rem 0; padding-left: 1.5rem; } li { overflow-wrap: anywhere; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font-size: 12px; } .grid { stroke: var(--line); } rect.bar { fill: var(--bar); } rect.bad { fill: var(--bad); }
";

fn head(name: &str, summary: &Summary) -> String {
    let name = escaped(name);
    let (class, verdict) = match (summary.failure_count, summary.end) {
        (0, End::Whole) => ("good", "Everything passed".to_owned()),
        (1, _) => ("bad-text", "1 failure".to_owned()),
        (count, _) => ("bad-text", format!("{count} failures")),
    };
    let ended = match summary.end {
        End::Whole => String::new(),
        end => format!(" · the run was {}", end.word()),
    };
    // The policy keeps the page harmless even if an escape were missed.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{name}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{name}</h1>\n<p><strong class=\"{class}\">{verdict}</strong>{ended} <span class=\"faint\">· {}</span></p>\n",
        moment(summary.timings.started_ms)
    )
}

fn totals(summary: &Summary) -> String {
    let (stats, timings) = (&summary.stats, &summary.timings);
    #[expect(clippy::cast_precision_loss, reason = "it is rounded for people")]
    let whole = timings.completed_ms.saturating_sub(timings.started_ms) as f64;
    let mut cells = Vec::new();
    for (name, count) in [
        ("Iterations", stats.iterations),
        ("Requests", stats.requests),
        ("Assertions", stats.assertions),
        ("Test scripts", stats.test_scripts),
        ("Pre-request scripts", stats.prerequest_scripts),
    ] {
        let failed = if count.failed > 0 {
            format!(" <span class=\"bad-text\">{} failed</span>", count.failed)
        } else {
            String::new()
        };
        cells.push((name, format!("{}{failed}", count.total)));
    }
    cells.push(("Skipped", stats.skipped.to_string()));
    cells.push(("Duration", time(whole)));
    cells.push(("Received", size(summary.bytes_received)));
    for (name, spread) in [
        ("Response time", &timings.response),
        ("First byte", &timings.first_byte),
        ("Name lookup", &timings.dns),
    ] {
        if spread.count > 0 {
            cells.push((name, spread_words(spread)));
        }
    }
    if summary.untrusted > 0 {
        cells.push(("Scripts not trusted", format!("{} not run", summary.untrusted)));
    }
    let cells = cells.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"));
    format!("<dl>\n{}</dl>\n", cells.collect::<String>())
}

fn spread_words(spread: &Spread) -> String {
    let [average, min, max] = [spread.average, spread.min, spread.max].map(time);
    format!("{average} <span class=\"faint\">{min} to {max}</span>")
}

fn failures(summary: &Summary) -> String {
    if summary.failures.is_empty() {
        return String::new();
    }
    let mut text = "<h2>Failures</h2>\n<ol>\n".to_owned();
    for failure in &summary.failures {
        text += &of_failure(failure);
    }
    text += "</ol>\n";
    let shown = summary.failures.len() as u64;
    if summary.failure_count > shown {
        let _ = writeln!(text, "<p>{} more are not shown.</p>", summary.failure_count - shown);
    }
    text
}

fn of_failure(failure: &Failure) -> String {
    let names = failure.at.folders.iter().chain([&failure.at.name]);
    let names: Vec<_> = names.map(String::as_str).collect();
    let test = failure.test.as_ref().map(|test| format!(": {}", escaped(&cut(test)))).unwrap_or_default();
    let iteration = if failure.at.iterations > 1 {
        format!(", iteration {}", failure.at.iteration + 1)
    } else {
        String::new()
    };
    format!(
        "<li><strong class=\"bad-text\">{}{test}</strong><pre>{}</pre><span class=\"faint\">{} in {}{iteration}</span></li>\n",
        escaped(&failure.error),
        escaped(&cut(&failure.message)),
        escaped(&failure.place),
        escaped(&cut(&names.join(" / "))),
    )
}

/// One execution, folded.
fn in_full(execution: &Execution) -> String {
    let (result, is_open) = match &execution.result {
        Shown::Response { status, reason, timings, sizes, .. } => (
            format!(
                "{status} {} · {} · {}",
                escaped(&cut(reason)),
                time(milliseconds(timings.total)),
                size(sizes.received_head + sizes.encoded_body)
            ),
            false,
        ),
        Shown::Failed { name, message } => {
            (told(&Problem { name: name.clone(), message: message.clone() }), true)
        }
        Shown::Skipped => ("skipped by its script".to_owned(), false),
        Shown::NotSent => ("not sent".to_owned(), false),
    };
    let failed = execution.has_failed();
    let iteration = if execution.at.iterations > 1 {
        format!(" <span class=\"faint\">iteration {}</span>", execution.at.iteration + 1)
    } else {
        String::new()
    };
    let mut text = format!(
        "<details{}><summary><strong{}>{}</strong>{iteration} <span class=\"faint\">{}</span></summary>\n<pre>{} {}</pre>\n",
        if is_open { " open" } else { "" },
        if failed { " class=\"bad-text\"" } else { "" },
        escaped(&cut(&execution.full_name())),
        result,
        escaped(&cut(&execution.method)),
        escaped(&cut(&execution.url)),
    );
    text += &list(execution);
    if !execution.log.is_empty() {
        let lines = execution.log.iter().take(LINES).map(|(_, line)| escaped(&cut(line)));
        let lines = lines.collect::<Vec<_>>().join("\n");
        let _ = writeln!(text, "<pre class=\"faint\">{lines}</pre>");
    }
    text + "</details>\n"
}

fn list(execution: &Execution) -> String {
    let mut items = Vec::new();
    for warning in &execution.warnings {
        items.push(format!("warning: {}", escaped(&cut(warning))));
    }
    for assertion in execution.assertions.iter().take(LINES) {
        let name = escaped(&cut(&assertion.name));
        items.push(match &assertion.failure {
            Some(problem) => format!("<span class=\"bad-text\">✗ {name}</span><br>{}", told(problem)),
            None if assertion.skipped => format!("<span class=\"faint\">– {name} (skipped)</span>"),
            None => format!("<span class=\"good\">✓</span> {name}"),
        });
    }
    if execution.assertions.len() > LINES {
        items.push(format!("{} more tests are not shown", execution.assertions.len() - LINES));
    }
    for fault in &execution.faults {
        let (word, of) = (fault.moment.word(), escaped(&cut(&fault.of)));
        items.push(format!(
            "<span class=\"bad-text\">✗ {word}-script of {of}</span><br>{}",
            told(&fault.problem)
        ));
    }
    if items.is_empty() {
        String::new()
    } else {
        format!("<ul><li>{}</li></ul>\n", items.join("</li>\n<li>"))
    }
}

fn told(problem: &Problem) -> String {
    format!("{}: {}", escaped(&cut(&problem.name)), escaped(&cut(&problem.message)))
}

/// The beginning of a text that may be long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
