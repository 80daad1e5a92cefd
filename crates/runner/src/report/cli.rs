//! The report for terminals, read as newman's is: folders, requests, tests as they come; at the end totals and the failures.
//!
//! The failures at the end bear the numbers that stand before them above.

use std::fmt::Write as _;

use super::Report;
use super::text::{line, lines, size, time};
use crate::limits::FAILURES;
use crate::run::{Assertion, End, Event, Execution, Failure, Reporter, ScriptFault, Shown, Spread, Summary};
use crate::script::{Level, Moment};

/// How the report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Colours, by ANSI sequences.
    pub colors: bool,
    /// Only ASCII in what the report itself adds.
    pub ascii: bool,
}

/// The report for terminals.
#[derive(Debug)]
pub struct Cli {
    look: Look,
    text: String,
    folders: Vec<String>,
    /// How many failures were told.
    failures: u64,
}

impl Cli {
    /// A report that looks so.
    pub fn new(look: Look) -> Self {
        Self { look, text: String::new(), folders: Vec::new(), failures: 0 }
    }
}

impl Report for Cli {
    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

impl Reporter for Cli {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { name, .. } => self.put(&format!("{}\n", line(name))),
            Event::IterationBegun { iteration, iterations } if *iterations > 1 => {
                let words = format!("Iteration {}/{iterations}", iteration + 1);
                self.put(&format!("\n{}\n", self.paint(GREY, &words)));
            }
            Event::ItemDone { execution, .. } => self.execution(execution),
            Event::Done { summary } => self.end(summary),
            _ => {}
        }
    }
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";
const GREY: &str = "90";
const BOLD_RED: &str = "1;31";

/// The symbols with their plain forms.
const FOLDER: (&str, &str) = ("❏", "#");
const ROOT: (&str, &str) = ("→", "->");
const SUB: (&str, &str) = ("↳", "->");
const TICK: (&str, &str) = ("✓", "ok");
const BAR: (&str, &str) = ("│", "|");

impl Cli {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.look.colors { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn symbol(&self, (symbol, plain): (&'static str, &'static str)) -> &'static str {
        if self.look.ascii { plain } else { symbol }
    }

    fn execution(&mut self, execution: &Execution) {
        if execution.at.folders != self.folders {
            self.folders.clone_from(&execution.at.folders);
            if !self.folders.is_empty() {
                let names: Vec<_> = self.folders.iter().map(|name| line(name)).collect();
                self.put(&format!("\n{} {}\n", self.symbol(FOLDER), names.join(" / ")));
            }
        }
        let mark = if self.folders.is_empty() { ROOT } else { SUB };
        self.put(&format!("\n{} {}\n", self.symbol(mark), line(&execution.at.name)));
        for warning in &execution.warnings {
            self.put(&format!("  {}\n", self.paint(YELLOW, &format!("! {}", line(warning)))));
        }
        self.console(&execution.log);
        self.scripts(execution, Moment::PreRequest);
        self.result(execution);
        self.scripts(execution, Moment::Test);
        match execution.next.as_deref() {
            Some("") => self.put(&format!("\n{}\n", self.paint(GREY, "The script ends the iteration here"))),
            Some(name) => {
                let words = format!("The script goes on with {}", line(name));
                self.put(&format!("\n{}\n", self.paint(GREY, &words)));
            }
            None => {}
        }
    }

    fn console(&mut self, log: &[(Level, String)]) {
        for (level, text) in log {
            let color = match level {
                Level::Error => RED,
                Level::Warn => YELLOW,
                Level::Info => CYAN,
                _ => GREY,
            };
            for text in lines(text) {
                let text = format!("  {} {}\n", self.symbol(BAR), self.paint(color, &text));
                self.put(&text);
            }
        }
    }

    fn result(&mut self, execution: &Execution) {
        let head = format!("  {} {} ", line(&execution.method), line(&execution.url));
        let head = self.paint(GREY, &head);
        let rest = match &execution.result {
            Shown::Response { status, reason, timings, sizes, .. } => {
                let bytes = sizes.received_head + sizes.encoded_body;
                let took = time(crate::run::milliseconds(timings.total));
                self.paint(GREY, &format!("[{status} {}, {}, {took}]\n", line(reason), size(bytes)))
            }
            Shown::Failed { message, .. } => {
                self.failures += 1;
                let number = self.number(".");
                let errored = self.paint(RED, "[errored]");
                format!("{errored}\n{}\n", self.paint(BOLD_RED, &format!("{number} {}", line(message))))
            }
            Shown::Skipped => self.paint(CYAN, "[skipped by its script]\n"),
            Shown::NotSent => self.paint(YELLOW, "[not sent]\n"),
        };
        self.put(&format!("{head}{rest}"));
    }

    fn scripts(&mut self, execution: &Execution, moment: Moment) {
        for assertion in execution.assertions.iter().filter(|it| it.moment == moment) {
            self.assertion(assertion);
        }
        for fault in execution.faults.iter().filter(|it| it.moment == moment) {
            self.fault(fault);
        }
    }

    fn number(&self, mark: &str) -> String {
        format!("{:>3}{mark}", self.failures)
    }

    fn assertion(&mut self, assertion: &Assertion) {
        let name = line(&assertion.name);
        let told = if assertion.failure.is_some() {
            self.failures += 1;
            self.paint(BOLD_RED, &format!("{} {name}", self.number(".")))
        } else if assertion.skipped {
            self.paint(CYAN, &format!("  - [skipped] {name}"))
        } else {
            format!("{} {}", self.paint(GREEN, &format!("  {} ", self.symbol(TICK))), self.paint(GREY, &name))
        };
        self.put(&format!("{told}\n"));
    }

    fn fault(&mut self, fault: &ScriptFault) {
        self.failures += 1;
        let words = format!(
            "{} {} in {}-script of {}",
            self.number("."),
            line(&fault.problem.name),
            fault.moment.word(),
            line(&fault.of)
        );
        self.put(&format!("{}\n", self.paint(BOLD_RED, &words)));
    }

    fn end(&mut self, summary: &Summary) {
        self.put("\n");
        self.table(summary);
        if summary.untrusted > 0 {
            let words = format!(
                "{} scripts were not run, because nobody has said that this collection is trusted\n",
                summary.untrusted
            );
            self.put(&format!("\n{}", self.paint(YELLOW, &words)));
        }
        let ended = match summary.end {
            End::Whole => None,
            End::Bailed => Some("The run ended at a failure, as asked"),
            End::Stopped => Some("The run was stopped"),
            End::TimedOut => Some("The run ended because its time was up"),
            End::Endless => Some("The run ended because scripts led it in circles"),
        };
        if let Some(words) = ended {
            self.put(&format!("\n{}\n", self.paint(YELLOW, words)));
        }
        self.failures(summary);
    }

    fn table(&mut self, summary: &Summary) {
        let stats = &summary.stats;
        let rows = [
            ("iterations", stats.iterations),
            ("requests", stats.requests),
            ("test-scripts", stats.test_scripts),
            ("prerequest-scripts", stats.prerequest_scripts),
            ("assertions", stats.assertions),
        ];
        let rule = if self.look.ascii { "-" } else { "─" }.repeat(45);
        let mut table = format!("{rule}\n{:>20} {:>12} {:>11}\n{rule}\n", "", "executed", "failed");
        for (name, count) in rows {
            let name = self.paint(if count.failed > 0 { RED } else { GREEN }, &format!("{name:>20}"));
            let failed = format!("{:>11}", count.failed);
            let failed = if count.failed > 0 { self.paint(RED, &failed) } else { failed };
            let _ = writeln!(table, "{name} {:>12} {failed}", count.total);
        }
        let timings = &summary.timings;
        #[expect(clippy::cast_precision_loss, reason = "it is rounded for people")]
        let total = timings.completed_ms.saturating_sub(timings.started_ms) as f64;
        let _ = write!(table, "{rule}\ntotal run duration: {}\n", time(total));
        let _ = writeln!(table, "total data received: {}", size(summary.bytes_received));
        for (name, spread) in [
            ("average response time", &timings.response),
            ("average DNS lookup time", &timings.dns),
            ("average first byte time", &timings.first_byte),
        ] {
            if spread.count > 0 {
                let _ = writeln!(table, "{name}: {}", spread_words(spread));
            }
        }
        if stats.skipped > 0 {
            let _ = writeln!(table, "skipped assertions: {}", stats.skipped);
        }
        self.put(&format!("{table}{rule}\n"));
    }

    fn failures(&mut self, summary: &Summary) {
        if summary.failures.is_empty() {
            return;
        }
        self.put(&format!("\n{}\n", self.paint(RED, "  #  failure")));
        for (failure, number) in summary.failures.iter().zip(1_u64..) {
            self.failure(failure, number);
        }
        let shown = u64::try_from(FAILURES).unwrap_or(u64::MAX);
        if summary.failure_count > shown {
            self.put(&format!("\n{} more failures are not shown\n", summary.failure_count - shown));
        }
    }

    fn failure(&mut self, failure: &Failure, number: u64) {
        let name = match &failure.test {
            Some(test) => format!("{}: {}", line(&failure.error), line(test)),
            None => line(&failure.error),
        };
        let name = self.paint(BOLD_RED, &name);
        let mut told = format!("\n{number:>3}. {name}\n");
        for message in lines(&failure.message) {
            let _ = writeln!(told, "     {message}");
        }
        let names = failure.at.folders.iter().chain([&failure.at.name]);
        let names: Vec<_> = names.map(|name| line(name)).collect();
        let mut place = format!("at {} in \"{}\"", line(&failure.place), names.join(" / "));
        if failure.at.iterations > 1 {
            let _ = write!(place, ", iteration {}", failure.at.iteration + 1);
        }
        let _ = writeln!(told, "     {}", self.paint(GREY, &place));
        self.put(&told);
    }
}

fn spread_words(spread: &Spread) -> String {
    let [average, min, max, deviation] =
        [spread.average, spread.min, spread.max, spread.deviation()].map(time);
    format!("{average} [min: {min}, max: {max}, s.d.: {deviation}]")
}
