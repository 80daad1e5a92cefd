//! Requests that were sent, their answers, tests and runs, in words.

use std::fmt::Write as _;

use satchel_client::api::{
    LogLine, Reply, RunEntry, RunView, SentBody, SentEntry, SentResponse, SentTimings, SentView, TestView,
};
use serde_json::Value;

use super::{Out, inline, safe, status};

pub(super) fn text(reply: &Reply, out: Out) -> String {
    match reply {
        Reply::SentList { entries, more } => {
            let mut text: String = entries.iter().map(sent_line).collect();
            if *more {
                text.push_str("There are more; --limit shows them.\n");
            }
            if text.is_empty() && !out.quiet { "Nothing was sent.\n".to_owned() } else { text }
        }
        Reply::SentDetail(entry) => detail(entry),
        Reply::RunList { runs } if runs.is_empty() && !out.quiet => "Nothing was run.\n".to_owned(),
        Reply::RunList { runs } => runs.iter().map(run_line).collect(),
        Reply::RunDetail(entry) => run_detail(entry),
        _ => String::new(),
    }
}

/// A size, in the unit that is easy to read.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => tenths(bytes, 1_000, "KB"),
        1_000_000..1_000_000_000 => tenths(bytes, 1_000_000, "MB"),
        _ => tenths(bytes, 1_000_000_000, "GB"),
    }
}

fn tenths(bytes: u64, unit: u64, word: &str) -> String {
    let tenths = bytes * 10 / unit;
    format!("{}.{} {word}", tenths / 10, tenths % 10)
}

/// Microseconds as milliseconds.
pub(crate) fn milliseconds(us: u64) -> String {
    if us < 10_000 { format!("{}.{} ms", us / 1_000, us / 100 % 10) } else { format!("{} ms", us / 1_000) }
}

fn sent_line(view: &SentView) -> String {
    let result = match (view.status, &view.failure) {
        (Some(status), _) => status.to_string(),
        (None, Some(_)) => "—".to_owned(),
        (None, None) => "?".to_owned(),
    };
    let mut line = format!(
        "{:>5}  {}  {result}  {} {}",
        view.id,
        status::time(view.when),
        inline(&view.method),
        inline(&view.url)
    );
    let _ = write!(line, "  {} ms  {}", view.time_ms, size(view.bytes));
    if view.tests > 0 {
        let _ = write!(line, "  {} of {} tests failed", view.failed, view.tests);
    }
    if let Some(failure) = &view.failure {
        let _ = write!(line, "  {}", inline(failure));
    }
    line.push('\n');
    line
}

fn detail(entry: &SentEntry) -> String {
    let mut text = sent_line(&entry.view);
    if !entry.view.name.is_empty() {
        let _ = writeln!(text, "       {}", inline(&entry.view.name));
    }
    let Some(response) = &entry.response else { return text };
    text.push_str(&exchange(response));
    text.push_str(&test_lines(&response.tests, &response.log));
    for warning in &response.warnings {
        let _ = writeln!(text, "note: {}", inline(warning));
    }
    text.push('\n');
    text.push_str(&body(&response.body));
    text
}

/// The heads of a request and its answer, and the time of each phase.
fn exchange(response: &SentResponse) -> String {
    let request = &response.request;
    let mut text = format!("\n> {} {}\n", inline(&request.method), inline(&request.url));
    for (name, value) in &request.headers {
        let _ = writeln!(text, "> {}: {}", inline(name), inline(value));
    }
    if let Some(body) = &request.body {
        let _ = writeln!(text, ">\n> {}", safe(body).replace('\n', "\n> "));
    }
    let _ = writeln!(
        text,
        "\n< {} {} {}",
        inline(&response.version),
        response.status,
        inline(&response.status_text)
    );
    for (name, value) in &response.headers {
        let _ = writeln!(text, "< {}: {}", inline(name), inline(value));
    }
    let _ = writeln!(text, "\n{}", phases(&response.timings));
    text
}

/// The time of each phase that happened.
pub(crate) fn phases(timings: &SentTimings) -> String {
    let all = [
        ("lookup", timings.dns),
        ("connect", timings.connect),
        ("TLS", timings.tls),
        ("send", timings.request_sent),
        ("wait", timings.first_byte),
        ("download", timings.download),
        ("in all", timings.total),
    ];
    let told = all.into_iter().filter(|(_, us)| *us > 0);
    told.map(|(name, us)| format!("{name} {}", milliseconds(us))).collect::<Vec<_>>().join(", ")
}

/// Tests and lines of the console.
pub(crate) fn test_lines(tests: &[TestView], log: &[LogLine]) -> String {
    let mut text = String::new();
    for line in log {
        let _ = writeln!(text, "  {}: {}", line.level, safe(&line.text).replace('\n', "\n    "));
    }
    for test in tests {
        let mark = match (test.skipped, test.passed) {
            (true, _) => "–",
            (false, true) => "✓",
            (false, false) => "✗",
        };
        let _ = write!(text, "  {mark} {}", inline(&test.name));
        match &test.message {
            Some(message) => {
                let _ = writeln!(text, ": {}", safe(message).replace('\n', "\n    "));
            }
            None => text.push('\n'),
        }
    }
    text
}

fn body(body: &SentBody) -> String {
    let mut text = match (&body.text, &body.base64) {
        (Some(text), _) => safe(text),
        (None, Some(encoded)) => format!("(bytes that are no text, in base64)\n{encoded}"),
        (None, None) => String::new(),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if body.truncated {
        text.push_str("(the body was longer than what is kept)\n");
    }
    text
}

fn run_line(view: &RunView) -> String {
    let environment = view.environment.as_ref().map(|name| format!(" with {}", inline(name)));
    format!(
        "{:>5}  {}  {}{}  {} iterations, {} requests, {} tests, {} failed  {} ms\n",
        view.id,
        status::time(view.when),
        inline(&view.name),
        environment.unwrap_or_default(),
        view.iterations,
        view.requests,
        view.tests,
        view.failed,
        view.time_ms
    )
}

fn run_detail(entry: &RunEntry) -> String {
    let mut text = run_line(&entry.view);
    let failures = entry.summary.get("failures").and_then(Value::as_array).into_iter().flatten();
    for (number, failure) in failures.enumerate() {
        let field = |name: &str| failure.get(name).and_then(Value::as_str).unwrap_or_default();
        let path =
            failure.get("path").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let path = path.collect::<Vec<_>>().join(" / ");
        let name = if field("test").is_empty() { field("error") } else { field("test") };
        let _ = writeln!(
            text,
            "{:>5}. {}\n       {}: {}",
            number + 1,
            inline(&path),
            inline(name),
            inline(field("message"))
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        let check = |bytes: u64, expected: &str| assert_eq!(size(bytes), expected);
        check(0, "0 B");
        check(999, "999 B");
        check(1_234, "1.2 KB");
        check(50_000_000, "50.0 MB");
        assert_eq!((milliseconds(1_234).as_str(), milliseconds(45_678).as_str()), ("1.2 ms", "45 ms"));
    }

    #[test]
    fn tests_have_marks_and_cannot_steer_the_terminal() {
        let test = |name: &str, passed: bool, skipped: bool, message: Option<&str>| TestView {
            name: name.to_owned(),
            passed,
            skipped,
            message: message.map(str::to_owned),
        };
        let tests = [
            test("good", true, false, None),
            test("bad\x1b[2J", false, false, Some("expected 1\nto be 2")),
            test("later", false, true, None),
        ];
        let log = [LogLine { level: "log".to_owned(), text: "a\nb".to_owned() }];
        let expected = "  log: a\n    b\n  ✓ good\n  ✗ bad\u{fffd}[2J: expected 1\n    to be 2\n  – later\n";
        assert_eq!(test_lines(&tests, &log), expected);
    }
}
