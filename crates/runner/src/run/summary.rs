//! What a run came to: totals, and the first failures.

use serde_json::{Value as Json, json};

use super::execution::milliseconds;
use super::{At, Execution, Shown};
use crate::limits;
use crate::script::Moment;

/// What a run came to. It may be shown: secrets are masked.
///
/// Its size does not grow with the run: the first [`limits::FAILURES`] failures are kept, the rest are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The collection's name.
    pub name: String,
    /// How much of everything.
    pub stats: Stats,
    /// How long things took.
    pub timings: RunTimings,
    /// The bytes of all answers, heads and bodies as they came.
    pub bytes_received: u64,
    /// The first failures, in order.
    pub failures: Vec<Failure>,
    /// How many failures there were in all.
    pub failure_count: u64,
    /// How many scripts were left out because nobody trusts them.
    pub untrusted: u64,
    /// How it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// All of it ran.
    #[default]
    Whole,
    /// A failure ended it, as the plan says.
    Bailed,
    /// It was stopped from outside.
    Stopped,
    /// Its time was up.
    TimedOut,
    /// Scripts led an iteration on for more than [`limits::ITERATION_REQUESTS`] requests.
    Endless,
}

impl End {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Bailed => "bailed",
            Self::Stopped => "stopped",
            Self::TimedOut => "timed out",
            Self::Endless => "endless",
        }
    }
}

/// How many there were, and how many of them failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// All.
    pub total: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Count {
    pub(super) fn add(&mut self, failed: bool) {
        self.total += 1;
        self.failed += u64::from(failed);
    }
}

/// How much of everything, counted as newman counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Iterations that ended; none of them fails.
    pub iterations: Count,
    /// Requests of the collection with their scripts; none of them fails.
    pub items: Count,
    /// Requests that were sent, those of scripts too.
    pub requests: Count,
    /// Requests of the collection after which test scripts had their turn; none of them fails.
    pub tests: Count,
    /// Scripts after requests; a failed test is no failure of its script.
    pub test_scripts: Count,
    /// Scripts before requests.
    pub prerequest_scripts: Count,
    /// Tests; skipped ones count as passed, as in newman.
    pub assertions: Count,
    /// Those of the assertions that were skipped.
    pub skipped: u64,
}

/// How long things took. Times of phases are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RunTimings {
    /// When the run began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended.
    pub completed_ms: u64,
    /// From sending a request to the end of its answer.
    pub response: Spread,
    /// Name lookups; those that a kept connection spares do not count.
    pub dns: Spread,
    /// From the last byte sent to the first of the answer.
    pub first_byte: Spread,
}

/// Values, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub average: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The sum of the squared distances from the mean.
    squares: f64,
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which request.
    pub at: At,
    /// The kind of error, such as `AssertionError` or `TypeError`.
    pub error: String,
    /// The test that failed; none of a failed script or request.
    pub test: Option<String>,
    /// What the error says.
    pub message: String,
    /// Where, in newman's words: `request`, `assertion:2 in test-script`, `prerequest-script:3:14`.
    pub place: String,
}

impl Spread {
    /// Adds a value.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 requests")]
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.average;
        self.average += before / self.count as f64;
        self.squares += before * (value - self.average);
        self.min = if self.count == 1 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
    }

    /// The standard deviation.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 requests")]
    pub fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }
}

impl Summary {
    /// One of a run that begins.
    pub(super) fn begin(name: String, started_ms: u64) -> Self {
        Self {
            name,
            stats: Stats::default(),
            timings: RunTimings { started_ms, ..RunTimings::default() },
            bytes_received: 0,
            failures: Vec::new(),
            failure_count: 0,
            untrusted: 0,
            end: End::Whole,
        }
    }

    /// Adds a request with its scripts.
    pub(super) fn add(&mut self, execution: &Execution) {
        let stats = &mut self.stats;
        stats.items.add(false);
        let (is_sent, failed) = match &execution.result {
            Shown::Response { timings, sizes, .. } => {
                self.timings.response.add(milliseconds(timings.total));
                self.timings.first_byte.add(milliseconds(timings.first_byte));
                if timings.dns > 0 {
                    self.timings.dns.add(milliseconds(timings.dns));
                }
                self.bytes_received += sizes.received_head + sizes.encoded_body;
                (true, false)
            }
            Shown::Failed { .. } => (true, true),
            Shown::Skipped | Shown::NotSent => (false, false),
        };
        if is_sent {
            stats.requests.add(failed);
            stats.tests.add(false);
        }
        stats.requests.total += execution.inner.total;
        stats.requests.failed += execution.inner.failed;
        let broken =
            |moment| execution.faults.iter().filter(move |fault| fault.moment == moment).count() as u64;
        for (count, total, moment) in [
            (&mut stats.prerequest_scripts, execution.prerequest_scripts, Moment::PreRequest),
            (&mut stats.test_scripts, execution.test_scripts, Moment::Test),
        ] {
            count.total += total;
            count.failed += broken(moment).min(total);
        }
        for assertion in &execution.assertions {
            stats.assertions.add(assertion.failure.is_some());
            stats.skipped += u64::from(assertion.skipped);
        }
        self.untrusted += execution.untrusted as u64;
        for failure in failures(execution) {
            self.failure_count += 1;
            if self.failures.len() < limits::FAILURES {
                self.failures.push(failure);
            }
        }
    }

    /// Whether anything failed, or the run did not come to its end.
    pub fn has_failed(&self) -> bool {
        self.failure_count > 0 || self.end != End::Whole
    }

    /// All of it as JSON, for who keeps it.
    pub fn to_json(&self) -> Json {
        let stats = &self.stats;
        let timings = &self.timings;
        json!({
            "name": self.name,
            "end": self.end.word(),
            "stats": {
                "iterations": count(stats.iterations),
                "items": count(stats.items),
                "requests": count(stats.requests),
                "tests": count(stats.tests),
                "testScripts": count(stats.test_scripts),
                "prerequestScripts": count(stats.prerequest_scripts),
                "assertions": count(stats.assertions),
                "skipped": stats.skipped,
            },
            "timings": {
                "started": timings.started_ms,
                "completed": timings.completed_ms,
                "response": spread(&timings.response),
                "dns": spread(&timings.dns),
                "firstByte": spread(&timings.first_byte),
            },
            "bytesReceived": self.bytes_received,
            "untrusted": self.untrusted,
            "failureCount": self.failure_count,
            "failures": self.failures.iter().map(failure_json).collect::<Vec<_>>(),
        })
    }
}

fn count(count: Count) -> Json {
    json!({ "total": count.total, "failed": count.failed })
}

fn spread(spread: &Spread) -> Json {
    json!({ "average": spread.average, "min": spread.min, "max": spread.max, "deviation": spread.deviation() })
}

fn failure_json(failure: &Failure) -> Json {
    json!({
        "iteration": failure.at.iteration,
        "path": failure.at.folders.iter().chain([&failure.at.name]).collect::<Vec<_>>(),
        "id": failure.at.id,
        "error": failure.error,
        "test": failure.test,
        "message": failure.message,
        "at": failure.place,
    })
}

/// What failed in a request, in the order of its scripts.
pub(crate) fn failures(execution: &Execution) -> Vec<Failure> {
    let mut all = of_scripts(execution, Moment::PreRequest);
    if let Shown::Failed { name, message } = &execution.result {
        all.push(Failure {
            at: execution.at.clone(),
            error: name.clone(),
            test: None,
            message: message.clone(),
            place: "request".to_owned(),
        });
    }
    all.extend(of_scripts(execution, Moment::Test));
    all
}

fn of_scripts(execution: &Execution, moment: Moment) -> Vec<Failure> {
    let word = moment.word();
    let tests = execution.assertions.iter().filter(|assertion| assertion.moment == moment);
    let tests = tests.filter_map(|assertion| {
        let problem = assertion.failure.as_ref()?;
        Some(Failure {
            at: execution.at.clone(),
            error: problem.name.clone(),
            test: Some(assertion.name.clone()),
            message: problem.message.clone(),
            place: format!("assertion:{} in {word}-script", assertion.index),
        })
    });
    let faults = execution.faults.iter().filter(|fault| fault.moment == moment);
    let faults = faults.map(|fault| Failure {
        at: execution.at.clone(),
        error: fault.problem.name.clone(),
        test: None,
        message: fault.problem.message.clone(),
        place: match fault.place {
            Some((line, column)) => format!("{word}-script:{line}:{column}"),
            None => format!("{word}-script"),
        },
    });
    tests.chain(faults).collect()
}
