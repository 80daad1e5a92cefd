//! The report as JSON, in the shape of newman's export: `run.stats`, `run.timings`, `run.executions`, `run.failures`.
//!
//! What newman's export holds besides is left out: bodies, and the environment, globals and collection, which hold secrets. `collection` has
//! the name alone.

use std::fmt::Write as _;

use serde_json::{Value as Json_, json};

use super::Report;
use crate::run::{Count, Event, Execution, Failure, Reporter, Shown, Spread, Summary, milliseconds};
use crate::script::Moment;

/// The report as JSON.
#[derive(Debug, Default)]
pub struct Json {
    text: String,
    has_executions: bool,
}

impl Report for Json {
    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

impl Reporter for Json {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { name, .. } => {
                let collection = json!({ "info": { "name": name } });
                let _ = write!(self.text, "{{\"collection\":{collection},\"run\":{{\"executions\":[");
            }
            Event::ItemDone { execution, .. } => {
                let between = if self.has_executions { ",\n" } else { "\n" };
                self.has_executions = true;
                let _ = write!(self.text, "{between}{}", of_execution(execution));
            }
            Event::Done { summary } => {
                self.text += "\n]";
                for (name, value) in of_summary(summary) {
                    let _ = write!(self.text, ",\n\"{name}\":{value}");
                }
                self.text += "}}\n";
            }
            _ => {}
        }
    }
}

fn pairs(pairs: &[(String, String)]) -> Vec<Json_> {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

fn cursor(at: &crate::run::At) -> Json_ {
    json!({ "position": at.position, "iteration": at.iteration, "length": at.count, "cycles": at.iterations })
}

fn of_execution(execution: &Execution) -> Json_ {
    let at = &execution.at;
    let mut told = json!({
        "cursor": cursor(at),
        "item": { "id": at.id, "name": at.name, "path": at.folders },
        "id": at.id,
        "request": { "method": execution.method, "url": execution.url, "header": pairs(&execution.sent_headers) },
    });
    match &execution.result {
        Shown::Response { status, reason, headers, timings, sizes } => {
            told["response"] = json!({
                "code": status,
                "status": reason,
                "header": pairs(headers),
                "responseTime": milliseconds(timings.total),
                "responseSize": sizes.decoded_body,
            });
        }
        Shown::Failed { name, message } => told["requestError"] = json!({ "name": name, "message": message }),
        Shown::Skipped => told["skipped"] = json!(true),
        Shown::NotSent => {}
    }
    if !execution.assertions.is_empty() {
        let assertions = execution.assertions.iter().map(|assertion| {
            let mut told = json!({ "assertion": assertion.name, "skipped": assertion.skipped });
            if let Some(problem) = &assertion.failure {
                told["error"] = json!({
                    "name": problem.name, "index": assertion.index, "test": assertion.name, "message": problem.message,
                });
            }
            told
        });
        told["assertions"] = assertions.collect();
    }
    for (field, moment) in [("prerequestScript", Moment::PreRequest), ("testScript", Moment::Test)] {
        let faults = execution.faults.iter().filter(|fault| fault.moment == moment);
        let faults: Vec<_> = faults
            .map(|fault| json!({ "error": { "name": fault.problem.name, "message": fault.problem.message } }))
            .collect();
        if !faults.is_empty() {
            told[field] = faults.into();
        }
    }
    told
}

fn count(count: Count) -> Json_ {
    json!({ "total": count.total, "pending": 0, "failed": count.failed })
}

fn of_summary(summary: &Summary) -> Vec<(&'static str, Json_)> {
    let stats = &summary.stats;
    let scripts = Count {
        total: stats.prerequest_scripts.total + stats.test_scripts.total,
        failed: stats.prerequest_scripts.failed + stats.test_scripts.failed,
    };
    let stats = json!({
        "iterations": count(stats.iterations),
        "items": count(stats.items),
        "scripts": count(scripts),
        "prerequests": count(stats.items),
        "requests": count(stats.requests),
        "tests": count(stats.tests),
        "assertions": count(stats.assertions),
        "testScripts": count(stats.test_scripts),
        "prerequestScripts": count(stats.prerequest_scripts),
    });
    let mut timings =
        json!({ "started": summary.timings.started_ms, "completed": summary.timings.completed_ms });
    for (name, spread) in [
        ("response", &summary.timings.response),
        ("dns", &summary.timings.dns),
        ("firstByte", &summary.timings.first_byte),
    ] {
        put_spread(&mut timings, name, spread);
    }
    vec![
        ("stats", stats),
        ("timings", timings),
        ("transfers", json!({ "responseTotal": summary.bytes_received })),
        ("failures", summary.failures.iter().map(of_failure).collect()),
        ("failureCount", json!(summary.failure_count)),
        ("untrustedScripts", json!(summary.untrusted)),
        ("end", json!(summary.end.word())),
        ("error", Json_::Null),
    ]
}

fn put_spread(timings: &mut Json_, name: &str, spread: &Spread) {
    for (part, value) in
        [("Average", spread.average), ("Min", spread.min), ("Max", spread.max), ("Sd", spread.deviation())]
    {
        timings[format!("{name}{part}")] = json!(value);
    }
}

fn of_failure(failure: &Failure) -> Json_ {
    let mut error = json!({ "name": failure.error, "message": failure.message });
    if let Some(test) = &failure.test {
        error["test"] = json!(test);
    }
    json!({
        "error": error,
        "at": failure.place,
        "source": { "id": failure.at.id, "name": failure.at.name },
        "parent": { "name": failure.at.folders.last() },
        "cursor": cursor(&failure.at),
    })
}
