//! Conduct of the code: finished, documented, honest about its exceptions, serde at the edges only.

use super::Finding;
use super::source::Source;
use super::token::{Token, after_bracket, begins};

/// Marks of unfinished work, in comments.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX"];
/// Where serde may be derived: each a beginning of a path.
const SERDE: &[&str] = &[
    "crates/model/src/format/",
    "crates/model/src/format.rs",
    "crates/wire/",
    "crates/client/src/api",
    "crates/app/",
    "crates/xtask/",
];

/// One sequence of tokens that must not appear.
struct Rule {
    words: &'static [&'static str],
    /// Whether tests are free of it.
    product_only: bool,
    what: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        words: &[".", "unwrap", "(", ")"],
        product_only: true,
        what: "`.unwrap()`: return a typed error, or `expect` with why it cannot fail",
    },
    Rule { words: &["todo", "!"], product_only: false, what: "`todo!`: do it, or open an issue" },
    Rule {
        words: &["unimplemented", "!"],
        product_only: false,
        what: "`unimplemented!`: do it, or open an issue",
    },
    Rule {
        words: &["#", "[", "allow", "("],
        product_only: false,
        what: "`#[allow]`: use `#[expect(…, reason = \"…\")]`",
    },
    Rule {
        words: &["#", "!", "[", "allow", "("],
        product_only: false,
        what: "`#![allow]`: use `#![expect(…, reason = \"…\")]`",
    },
    Rule {
        words: &["#", "[", "ignore"],
        product_only: false,
        what: "`#[ignore]`: mend the test or delete it",
    },
];

/// Applies every rule of conduct.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(check_words(source));
        findings.extend(check_comments(source));
        findings.extend(check_serde(source));
        findings.extend(check_documented(source));
    }
    findings
}

fn check_words(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let tokens = if rule.product_only { &source.product } else { &source.tokens };
        for (index, token) in tokens.iter().enumerate() {
            if begins(&tokens[index..], rule.words) {
                findings.push(Finding::at(&source.path, token.line, rule.what));
            }
        }
    }
    findings
}

fn check_comments(source: &Source) -> Vec<Finding> {
    let unfinished = |text: &str| {
        let mut words = text.split(|letter: char| !letter.is_alphanumeric());
        words.find_map(|word| UNFINISHED.iter().find(|mark| **mark == word))
    };
    let marked = source.comments.iter().filter_map(|comment| Some((comment, unfinished(&comment.text)?)));
    marked
        .map(|(comment, mark)| {
            Finding::at(&source.path, comment.line, format!("{mark}: do it, or open an issue"))
        })
        .collect()
}

fn check_serde(source: &Source) -> Vec<Finding> {
    if SERDE.iter().any(|allowed| source.path.starts_with(allowed)) {
        return Vec::new();
    }
    let derives =
        source.product.iter().enumerate().filter(|(index, _)| derives_serde(&source.product[*index..]));
    derives
        .map(|(_, token)| {
            let what = "derives serde: only model::format, wire and client::api do; convert at the edge";
            Finding::at(&source.path, token.line, what)
        })
        .collect()
}

fn derives_serde(tokens: &[Token]) -> bool {
    begins(tokens, &["derive", "("])
        && tokens[1..after_bracket(tokens, 1)]
            .iter()
            .any(|token| ["Serialize", "Deserialize"].contains(&token.text.as_str()))
}

/// Every library demands documentation of its public items.
fn check_documented(source: &Source) -> Option<Finding> {
    if source.inner_path() != "src/lib.rs" {
        return None;
    }
    let demands = |index: usize| {
        let here = &source.tokens[index..];
        let denies =
            begins(here, &["#", "!", "[", "deny", "("]) || begins(here, &["#", "!", "[", "forbid", "("]);
        denies && here[2..after_bracket(here, 2)].iter().any(|token| token.text == "missing_docs")
    };
    let demanded = (0..source.tokens.len()).any(demands);
    (!demanded).then(|| Finding::at(&source.path, 1, "a library needs `#![deny(missing_docs)]`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = check(&[Source::new(path, text)])
            .into_iter()
            .map(|finding| finding.what.split(':').next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(found, expected, "of {text}");
    }

    #[test]
    fn unwrap_is_for_tests() {
        check_text("crates/sync/src/a.rs", "fn f() { g().unwrap() }", &["`.unwrap()`"]);
        check_text("crates/sync/src/a.rs", "#[cfg(test)] mod tests { fn f() { g().unwrap() } }", &[]);
        check_text("crates/sync/tests/a.rs", "fn f() { g().unwrap() }", &[]);
        check_text("crates/sync/src/a.rs", "fn f() { g().unwrap_or(1) }", &[]);
    }

    #[test]
    fn unfinished_work_is_found() {
        check_text("crates/sync/src/a.rs", "fn f() { todo!() }", &["`todo!`"]);
        check_text("crates/sync/tests/a.rs", "fn f() { unimplemented!() }", &["`unimplemented!`"]);
        check_text("crates/sync/src/a.rs", "// TODO later", &["TODO"]);
        check_text("crates/sync/src/a.rs", "/* a\n FIXME: b */", &["FIXME"]);
        check_text("crates/sync/src/a.rs", "f(\"TODO\"); // TODOS are no such mark", &[]);
    }

    #[test]
    fn silenced_lints_and_tests_are_found() {
        check_text("crates/sync/src/a.rs", "#[allow(dead_code)] fn f() {}", &["`#[allow]`"]);
        check_text("crates/sync/src/a.rs", "#![allow(dead_code)]", &["`#![allow]`"]);
        check_text("crates/sync/tests/a.rs", "#[ignore] fn f() {}", &["`#[ignore]`"]);
        check_text("crates/sync/tests/a.rs", "#[ignore = \"slow\"] fn f() {}", &["`#[ignore]`"]);
        check_text("crates/sync/src/a.rs", "#[expect(dead_code, reason = \"x\")] fn f() {}", &[]);
    }

    #[test]
    fn serde_stays_at_the_edges() {
        let text = "#[derive(Debug, serde::Serialize)] struct A;";
        let refused = ["derives serde"];
        check_text("crates/sync/src/a.rs", text, &refused);
        check_text("crates/client/src/store.rs", text, &refused);
        check_text("crates/model/src/node.rs", text, &refused);
        check_text("crates/model/src/format/postman/url.rs", text, &[]);
        check_text("crates/client/src/api.rs", text, &[]);
        check_text("crates/client/src/api/reply.rs", text, &[]);
    }

    #[test]
    fn a_library_demands_documentation() {
        let missing = ["a library needs `#![deny(missing_docs)]`"];
        check_text("crates/sync/src/lib.rs", "//! A.", &missing);
        check_text("crates/sync/src/lib.rs", "#![deny(missing_docs)]", &[]);
        check_text("crates/sync/src/lib.rs", "#![deny(unsafe_code, missing_docs)]", &[]);
        check_text("crates/sync/src/lib.rs", "#![warn(missing_docs)]", &missing);
        check_text("crates/app/src/main.rs", "", &[]);
    }
}
