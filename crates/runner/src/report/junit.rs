//! The XML of `JUnit`: a suite for each request of each iteration, a case for each test.
//!
//! newman puts the iterations of a request into one suite, which needs all of them in memory; here a suite's name says its iteration,
//! and the text is done with as it comes. A request that failed is a case of its own with an error, as is a script that failed.

use std::fmt::Write as _;

use super::Report;
use super::text::escaped;
use crate::run::{Event, Execution, Problem, Reporter, Shown, milliseconds};

/// The report in the XML of `JUnit`.
#[derive(Debug, Default)]
pub struct Junit {
    text: String,
    collection: String,
}

impl Report for Junit {
    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

impl Reporter for Junit {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { name, .. } => {
                self.collection = class_name(name);
                let name = escaped(name);
                let _ = write!(
                    self.text,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\">\n"
                );
            }
            Event::ItemDone { execution, .. } => self.suite(execution),
            Event::Done { .. } => self.text.push_str("</testsuites>\n"),
            _ => {}
        }
    }
}

/// What a case came to.
enum Outcome<'a> {
    Passed,
    Skipped,
    Failure(&'a Problem),
    Error(&'a str, &'a str),
}

impl Junit {
    fn suite(&mut self, execution: &Execution) {
        let mut name = execution.full_name();
        if execution.at.iterations > 1 {
            let _ = write!(name, " (iteration {})", execution.at.iteration + 1);
        }
        let class = class_name(&name);
        let class = if class.is_empty() { self.collection.clone() } else { class };
        let mut cases = Vec::new();
        match &execution.result {
            Shown::Failed { name, message } => {
                cases.push(("the request".to_owned(), Outcome::Error(name, message)));
            }
            Shown::Skipped => cases.push(("the request".to_owned(), Outcome::Skipped)),
            _ => {}
        }
        cases.extend(execution.assertions.iter().map(|assertion| {
            let outcome = match &assertion.failure {
                Some(problem) => Outcome::Failure(problem),
                None if assertion.skipped => Outcome::Skipped,
                None => Outcome::Passed,
            };
            (assertion.name.clone(), outcome)
        }));
        cases.extend(execution.faults.iter().map(|fault| {
            let name = format!("the {}-script of {}", fault.moment.word(), fault.of);
            (name, Outcome::Error(&fault.problem.name, &fault.problem.message))
        }));
        let count = |is: fn(&Outcome<'_>) -> bool| cases.iter().filter(|(_, it)| is(it)).count();
        let seconds = match &execution.result {
            Shown::Response { timings, .. } => milliseconds(timings.total) / 1000.0,
            _ => 0.0,
        };
        let _ = writeln!(
            self.text,
            "  <testsuite name=\"{}\" id=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">",
            escaped(&name),
            escaped(&execution.at.id),
            cases.len(),
            count(|it| matches!(it, Outcome::Failure(_))),
            count(|it| matches!(it, Outcome::Error(..))),
            count(|it| matches!(it, Outcome::Skipped)),
        );
        for (name, outcome) in &cases {
            self.case(name, &class, seconds, outcome);
        }
        self.log(execution);
        self.text.push_str("  </testsuite>\n");
    }

    fn case(&mut self, name: &str, class: &str, seconds: f64, outcome: &Outcome<'_>) {
        let (name, class) = (escaped(name), escaped(class));
        let head = format!("    <testcase name=\"{name}\" classname=\"{class}\" time=\"{seconds:.3}\"");
        let inner = match outcome {
            Outcome::Passed => {
                let _ = writeln!(self.text, "{head}/>");
                return;
            }
            Outcome::Skipped => "<skipped/>".to_owned(),
            Outcome::Failure(problem) => element("failure", &problem.name, &problem.message),
            Outcome::Error(name, message) => element("error", name, message),
        };
        let _ = write!(self.text, "{head}>\n      {inner}\n    </testcase>\n");
    }

    fn log(&mut self, execution: &Execution) {
        if execution.log.is_empty() {
            return;
        }
        self.text.push_str("    <system-out>");
        for (_, text) in &execution.log {
            let _ = write!(self.text, "{}&#10;", escaped(text));
        }
        self.text.push_str("</system-out>\n");
    }
}

fn element(tag: &str, name: &str, message: &str) -> String {
    let (name, message) = (escaped(name), escaped(message));
    format!("<{tag} type=\"{name}\" message=\"{message}\">{name}: {message}</{tag}>")
}

/// A name as newman makes a class of it: letters and digits, each word with a capital.
fn class_name(name: &str) -> String {
    let words = name.split(|it: char| !it.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    words.map(capital).collect()
}
