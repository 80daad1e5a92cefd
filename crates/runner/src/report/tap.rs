//! The Test Anything Protocol, version 13: a line for each test, request that failed and script that failed.
//!
//! The plan stands at the end, as the protocol allows: how many tests there are is known then.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::Report;
use super::text::{line, lines};
use crate::run::{End, Event, Execution, Reporter, Shown};

/// The report in TAP 13.
#[derive(Debug, Default)]
pub struct Tap {
    text: String,
    count: u64,
}

impl Report for Tap {
    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

impl Reporter for Tap {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { name, .. } => {
                let _ = write!(self.text, "TAP version 13\n# {}\n", line(name));
            }
            Event::ItemDone { execution, .. } => self.execution(execution),
            Event::Done { summary } => {
                if !matches!(summary.end, End::Whole | End::Bailed) {
                    let _ = writeln!(self.text, "Bail out! The run was {}", summary.end.word());
                }
                let _ = writeln!(self.text, "1..{}", self.count);
            }
            _ => {}
        }
    }
}

impl Tap {
    fn execution(&mut self, execution: &Execution) {
        let iteration = if execution.at.iterations > 1 {
            format!(" (iteration {})", execution.at.iteration + 1)
        } else {
            String::new()
        };
        let name = format!("{}{iteration}", execution.full_name());
        let _ = writeln!(self.text, "# {}", line(&name));
        match &execution.result {
            Shown::Failed { name: error, message } => {
                self.point(&format!("{name}: the request"), Some((error, message)), "");
            }
            Shown::Skipped => self.point(&format!("{name}: the request"), None, " # SKIP by its script"),
            _ => {}
        }
        for assertion in &execution.assertions {
            let failure = assertion.failure.as_ref().map(|problem| (&problem.name, &problem.message));
            let directive = if assertion.skipped { " # SKIP" } else { "" };
            self.point(&format!("{name}: {}", assertion.name), failure, directive);
        }
        for fault in &execution.faults {
            let words = format!("{name}: the {}-script of {}", fault.moment.word(), fault.of);
            self.point(&words, Some((&fault.problem.name, &fault.problem.message)), "");
        }
    }

    fn point(&mut self, words: &str, failure: Option<(&String, &String)>, directive: &str) {
        self.count += 1;
        let not = if failure.is_some() { "not " } else { "" };
        // A number sign would begin a directive, a backslash would escape one.
        let words = line(words).replace('\\', "\\\\").replace('#', "\\#");
        let _ = writeln!(self.text, "{not}ok {} - {words}{directive}", self.count);
        if let Some((name, message)) = failure {
            // JSON texts are YAML texts; line breaks are escaped in them.
            let quoted = |text: &str| Json::String(lines(text).collect::<Vec<_>>().join("\n")).to_string();
            let [name, message] = [quoted(name), quoted(message)];
            let _ = write!(self.text, "  ---\n  name: {name}\n  message: {message}\n  ...\n");
        }
    }
}
