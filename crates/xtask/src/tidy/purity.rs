//! The pure crates use no clock, randomness, files, network, threads or async: both are arguments.

use super::Finding;
use super::source::Source;
use super::token::{Token, begins};

/// Folders of the pure crates.
const PURE: &[&str] = &["model", "crypto", "wire", "charter", "sync"];
/// Words that have no pure use.
const WORDS: &[&str] =
    &["SystemTime", "OsRng", "ThreadRng", "async", "await", "getrandom", "thread_rng", "tokio"];
/// Paths that have no pure use, as they are written out.
const PATHS: &[&[&str]] = &[
    &["std", "time", "Instant"],
    &["Instant", "now"],
    &["rand", "rng"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "thread"],
    &["std", "process"],
    &["std", "env"],
];

/// Finds what a pure crate must not touch, outside of its tests.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let pure = sources.iter().filter(|source| PURE.contains(&source.crate_name()));
    pure.flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |line: usize, what: &str| {
        findings.push(Finding::at(
            &source.path,
            line,
            format!("`{what}` in a pure crate: take it as an argument"),
        ));
    };
    for (index, token) in source.product.iter().enumerate() {
        let here = &source.product[index..];
        if WORDS.contains(&token.text.as_str()) {
            found(token.line, &token.text);
        } else if token.text == "use" {
            let impure =
                used_paths(&here[1..]).iter().filter_map(|path| impure_part(path)).collect::<Vec<_>>();
            for path in impure {
                found(token.line, &path.join("::"));
            }
        } else if let Some(path) = PATHS.iter().find(|path| begins(here, &written_out(path))) {
            found(token.line, &path.join("::"));
        }
    }
    // One finding a line is enough: a path and its end often both match.
    findings.dedup_by(|later, earlier| later.place == earlier.place);
    findings
}

/// The forbidden path that a path begins with.
fn impure_part(path: &[String]) -> Option<&'static [&'static str]> {
    let begins =
        |words: &&&[&str]| path.len() >= words.len() && path.iter().zip(**words).all(|(a, b)| a == b);
    PATHS.iter().find(begins).copied()
}

/// `std::fs` as tokens.
fn written_out<'a>(path: &[&'a str]) -> Vec<&'a str> {
    let mut words = Vec::new();
    for part in path {
        if !words.is_empty() {
            words.extend([":", ":"]);
        }
        words.push(part);
    }
    words
}

/// Every path that a `use` brings in: `std::{fs, time::Instant};` brings `std::fs` and `std::time::Instant`.
fn used_paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut prefix: Vec<String> = Vec::new();
    let mut outer: Vec<usize> = Vec::new();
    for token in tokens {
        match token.text.as_str() {
            ";" => break,
            ":" => {}
            "{" => outer.push(prefix.len()),
            "," | "}" => {
                paths.push(prefix.clone());
                prefix.truncate(outer.last().copied().unwrap_or(0));
                if token.text == "}" {
                    outer.pop();
                }
            }
            word => prefix.push(word.to_owned()),
        }
    }
    paths.push(prefix);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = check(&[Source::new(path, text)]).iter().map(Finding::to_string).collect();
        let expected: Vec<String> = expected
            .iter()
            .map(|what| format!("{path}:1: `{what}` in a pure crate: take it as an argument"))
            .collect();
        assert_eq!(found, expected, "of {text}");
    }

    #[test]
    fn every_forbidden_thing_is_found() {
        let check = |text: &str, what: &str| check_text("crates/model/src/a.rs", text, &[what]);
        check("let a = std::time::Instant::now();", "std::time::Instant");
        check("let a = Instant::now();", "Instant::now");
        check("fn f(a: SystemTime) {}", "SystemTime");
        check("use std::fs;", "std::fs");
        check("use std::{fmt, net::TcpStream};", "std::net");
        check("use std::{time::{Duration, Instant}};", "std::time::Instant");
        check("std::thread::spawn(f);", "std::thread");
        check("async fn f() {}", "async");
        check("f().await;", "await");
        check("let a = rand::rng();", "rand::rng");
        check("let a = OsRng;", "OsRng");
        check("std::env::var(a);", "std::env");
    }

    #[test]
    fn other_crates_tests_texts_and_comments_are_free() {
        check_text("crates/client/src/a.rs", "use std::fs;", &[]);
        check_text("crates/sync/tests/a.rs", "use std::fs;", &[]);
        check_text("crates/sync/src/a.rs", "#[cfg(test)] mod tests { use std::fs; }", &[]);
        check_text("crates/sync/src/a.rs", "f(\"std::fs\"); // std::fs", &[]);
    }

    #[test]
    fn pure_uses_of_the_standard_library_pass() {
        check_text("crates/sync/src/a.rs", "use std::time::Duration; use std::{fmt, str};", &[]);
    }
}
