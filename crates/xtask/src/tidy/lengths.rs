//! The longest functions and files: a place to look, and a stop at 1,000 lines a file.

use std::fmt::Write;

use super::Finding;
use super::source::Source;
use super::token::item_length;

/// A file of product code above this fails.
const FILE_LINES_MAX: usize = 1_000;
/// How many of each are shown.
const SHOWN: usize = 10;

/// A thing and its lines.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Length {
    lines: usize,
    name: String,
}

/// No file below a crate's `src` is above the limit.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let long = |source: &&Source| source.inner_path().starts_with("src/") && source.lines > FILE_LINES_MAX;
    let what = |source: &Source| format!("{} lines, more than {FILE_LINES_MAX}: split it", source.lines);
    sources.iter().filter(long).map(|source| Finding::new(&source.path, what(source))).collect()
}

/// The longest functions and files, in words.
pub(crate) fn report(sources: &[Source]) -> String {
    let files = sources.iter().map(|source| Length { lines: source.lines, name: source.path.clone() });
    let mut text = String::new();
    list(&mut text, "longest functions", sources.iter().flat_map(functions).collect());
    list(&mut text, "longest files", files.collect());
    text
}

fn list(text: &mut String, heading: &str, mut lengths: Vec<Length>) {
    lengths.sort();
    let rows = lengths.iter().rev().take(SHOWN).map(|length| format!("{:>6}  {}", length.lines, length.name));
    let rows: Vec<String> = rows.collect();
    writeln!(text, "{heading} (lines)\n{}", rows.join("\n")).expect("writing to a text cannot fail");
}

/// Every function of the product with its body's lines.
fn functions(source: &Source) -> Vec<Length> {
    let tokens = &source.product;
    let mut lengths = Vec::new();
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "fn") {
        let Some(name) = tokens
            .get(index + 1)
            .filter(|name| name.text.starts_with(|c: char| c == '_' || c.is_alphabetic()))
        else {
            continue;
        };
        let last = &tokens[index + item_length(&tokens[index..]) - 1];
        let name = format!("{} ({}:{})", name.text, source.path, token.line);
        lengths.push(Length { lines: last.line - token.line + 1, name });
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_with_their_bodies() {
        let text = "trait A { fn a(&self); }\nfn b(x: fn(u8) -> u8) -> [u8; 2] {\n  if x { y }\n}\n";
        let lengths = functions(&Source::new("a.rs", text));
        let found: Vec<(usize, &str)> = lengths.iter().map(|l| (l.lines, l.name.as_str())).collect();
        assert_eq!(found, [(1, "a (a.rs:1)"), (3, "b (a.rs:2)")]);
    }

    #[test]
    fn only_a_file_above_the_limit_fails() {
        let check_lines = |path: &str, lines: usize, expected: usize| {
            let source = Source::new(path, &"\n".repeat(lines));
            assert_eq!(check(&[source]).len(), expected, "{path} with {lines}");
        };
        check_lines("crates/sync/src/a.rs", 1_000, 0);
        check_lines("crates/sync/src/a.rs", 1_001, 1);
        check_lines("crates/sync/tests/a.rs", 1_001, 0);
    }
}
