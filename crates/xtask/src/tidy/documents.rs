//! The documents tell the truth: what they name exists.
//!
//! Only code in backticks and in fences is judged, and links; prose is free. A name counts as a file of
//! the repository if it begins with one of its folders, or ends in `.rs`, `.md` or `.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use super::Finding;
use super::source;
use crate::failure::Failure;

/// Folders of the repository that a document may mean when it writes `folder/…`.
const FOLDERS: &[&str] = &["crates", "docs", "fixtures", "dist", "ui", ".ci", ".config", ".cargo"];
/// Ends of names that mean a file of the repository even without its folder.
const ENDS: &[&str] = &[".rs", ".md", ".toml"];
/// The map of the code stays a map.
const ARCHITECTURE: &str = "docs/architecture.md";
const ARCHITECTURE_LINES_MAX: usize = 400;

/// What exists.
#[derive(Debug)]
pub(crate) struct Known {
    files: BTreeSet<String>,
    crates: BTreeSet<String>,
    /// Words of the command line's source; none while there is none.
    commands: Option<BTreeSet<String>>,
}

impl Known {
    /// Files from the root, folders with a `/` at their end; names of crates; words of the command line.
    pub(crate) fn new(
        files: BTreeSet<String>,
        crates: BTreeSet<String>,
        commands: Option<BTreeSet<String>>,
    ) -> Self {
        Self { files, crates, commands }
    }

    fn has(&self, path: &str) -> bool {
        path.is_empty() || self.files.contains(path) || self.files.contains(&format!("{path}/"))
    }

    fn has_end(&self, path: &str) -> bool {
        self.has(path) || self.files.iter().any(|file| file.ends_with(&format!("/{path}")))
    }
}

/// A Markdown text.
#[derive(Debug)]
pub(crate) struct Document {
    path: String,
    text: String,
}

impl Document {
    /// The documents that are judged: the README, the changelog and everything in `docs`.
    pub(crate) fn read_all(root: &Path, known: &Known) -> Result<Vec<Self>, Failure> {
        let judged = |path: &&String| {
            ["README.md", "CHANGELOG.md"].contains(&path.as_str())
                || (path.starts_with("docs/")
                    && Path::new(path).extension().is_some_and(|extension| extension == "md"))
        };
        let read = |path: &String| Ok(Self { path: path.clone(), text: source::read(root, path)? });
        known.files.iter().filter(judged).map(read).collect()
    }
}

/// A piece of code in a document.
#[derive(Debug, PartialEq, Eq)]
struct Code<'a> {
    line: usize,
    text: &'a str,
}

/// Finds what a document names and what does not exist.
pub(crate) fn check(document: &Document, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |line: usize, what: String| findings.push(Finding::at(&document.path, line, what));
    for (line, text, fenced) in lines(&document.text) {
        let codes = if fenced { vec![Code { line, text }] } else { spans(line, text) };
        for what in codes.iter().flat_map(|code| check_commands(code, known)) {
            found(line, what);
        }
        if fenced {
            continue;
        }
        for what in codes.iter().filter_map(|code| check_name(code.text, known)) {
            found(line, what);
        }
        for what in links(text).filter_map(|link| check_link(&document.path, link, known)) {
            found(line, what);
        }
    }
    let count = document.text.lines().count();
    if document.path == ARCHITECTURE && count > ARCHITECTURE_LINES_MAX {
        found(count, format!("{count} lines, more than {ARCHITECTURE_LINES_MAX}: it is a map"));
    }
    findings
}

/// Each line with its number and whether it is inside a fence; the fences themselves are left out.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            fenced = !fenced;
            return None;
        }
        Some((index + 1, line, fenced))
    })
}

/// The code in backticks on one line.
fn spans(line: usize, text: &str) -> Vec<Code<'_>> {
    let parts: Vec<&str> = text.split('`').collect();
    // With an even number of parts the last backtick is open: what follows it is no code.
    let inside = parts.iter().enumerate().filter(|(index, _)| index % 2 == 1 && index + 1 < parts.len());
    inside.map(|(_, part)| Code { line, text: part.trim() }).filter(|code| !code.text.is_empty()).collect()
}

/// The targets of the links on one line.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

/// A file, a folder or a crate that is named in backticks.
fn check_name(code: &str, known: &Known) -> Option<String> {
    if code.contains(char::is_whitespace) {
        return None;
    }
    if let Some(name) = code.split("::").next().and_then(crate_named)
        && !known.crates.contains(&name)
    {
        return Some(format!("there is no crate `{name}`"));
    }
    let path = file_named(code)?;
    let in_folder = path.contains('/') && FOLDERS.contains(&path.split('/').next().unwrap_or_default());
    let exists = if in_folder { known.has(path) } else { known.has_end(path) };
    (!exists).then(|| format!("there is no `{path}`"))
}

/// `satchel-model` and `satchel_model` name the crate `satchel-model`.
fn crate_named(word: &str) -> Option<String> {
    let rest = word.strip_prefix("satchel-").or_else(|| word.strip_prefix("satchel_"))?;
    let plain = !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_lowercase());
    plain.then(|| format!("satchel-{rest}"))
}

/// The path, if the code names a file or folder of the repository and no pattern.
fn file_named(code: &str) -> Option<&str> {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:".contains(letter);
    if !code.chars().all(plain) || code.contains("://") || code.contains("NNNN") || code.contains("::") {
        return None;
    }
    let path = code.split(':').next()?.trim_end_matches('/');
    let foreign = path.starts_with('/') || path.starts_with("./") || path.starts_with("..");
    let first = path.split('/').next()?;
    let in_folder = code.contains('/') && FOLDERS.contains(&first);
    let ends = ENDS.iter().any(|end| path.len() > end.len() && path.ends_with(end));
    (!foreign && (in_folder || ends)).then_some(path)
}

/// `cargo xtask X` and `satchel X` name commands.
fn check_commands(code: &Code<'_>, known: &Known) -> Vec<String> {
    let words: Vec<&str> = code.text.split_whitespace().collect();
    let mut wrong = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).copied().unwrap_or_default();
        let after = words.get(index + 2).copied().unwrap_or_default();
        if *word == "cargo" && next == "xtask" {
            let name = command_word(after);
            if !name.is_empty() && !crate::is_command(name) {
                wrong.push(format!("there is no command `cargo xtask {name}`"));
            }
        }
        if is_satchel(word) && in_command_place(&words[..index]) {
            let name = command_word(next);
            let exists = known.commands.as_ref().is_none_or(|commands| commands.contains(name));
            if !name.is_empty() && !exists {
                wrong.push(format!("there is no command `satchel {name}`"));
            }
        }
    }
    wrong
}

fn is_satchel(word: &str) -> bool {
    word == "satchel" || word.ends_with("/satchel")
}

/// Whether a shell takes the word after these as a program.
fn in_command_place(before: &[&str]) -> bool {
    let is_setting = |word: &&&str| word.contains('=') && !word.starts_with('-');
    let last = before.iter().rev().find(|word| !is_setting(word));
    last.is_none_or(|word| ["$", "|", "&&", ";", "time"].contains(word))
}

/// The beginning of a word that can be a command: `signup` of `signup|signin`.
fn command_word(word: &str) -> &str {
    if !word.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        return "";
    }
    let end = word.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(word.len());
    word[..end].trim_end_matches('-')
}

/// A relative link leads to a file or folder of the repository.
fn check_link(document: &str, link: &str, known: &Known) -> Option<String> {
    let target = link.split('#').next().unwrap_or_default();
    let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
    if elsewhere {
        return None;
    }
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Some(format!("the link `{link}` leads out of the repository"));
                }
            }
            name => parts.push(name),
        }
    }
    (!known.has(&parts.join("/"))).then(|| format!("the link `{link}` leads nowhere"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        let files =
            ["README.md", "docs/", "docs/a.md", "crates/", "crates/wire/", "crates/wire/src/frame.rs"];
        Known::new(set(&files), set(&["satchel-wire"]), Some(set(&["signup", "ls"])))
    }

    fn check_text(text: &str, expected: &[&str]) {
        let document = Document { path: "docs/a.md".to_owned(), text: text.to_owned() };
        let found: Vec<String> = check(&document, &known()).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found, expected, "of {text}");
    }

    #[test]
    fn files_in_backticks_exist() {
        check_text("`crates/wire/src/frame.rs` `frame.rs` `src/frame.rs:12` `crates/wire/` `README.md`", &[]);
        check_text("`crates/wire/src/gone.rs`", &["there is no `crates/wire/src/gone.rs`"]);
        check_text(
            "`gone.rs` and `fixtures/wire`",
            &["there is no `gone.rs`", "there is no `fixtures/wire`"],
        );
    }

    #[test]
    fn what_is_no_file_of_the_repository_is_free() {
        check_text(
            "`/v1/ws` `application/cbor` `docs/NNNN-title.md` `crates/*/src` `https://a.b/c.md` `.rs`",
            &[],
        );
        check_text("crates/gone.rs in prose; an open ` crates/gone.rs", &[]);
        check_text("```\ncrates/gone.rs\n```", &[]);
    }

    #[test]
    fn crates_in_backticks_exist() {
        check_text("`satchel-wire` `satchel_wire::limits` `satchel-Data`", &[]);
        check_text("`satchel-gone`", &["there is no crate `satchel-gone`"]);
        check_text("`satchel_gone::A`", &["there is no crate `satchel-gone`"]);
    }

    #[test]
    fn commands_of_xtask_exist() {
        check_text("`cargo xtask ci` `cargo xtask --help`\n```\n$ cargo xtask tidy\n```", &[]);
        check_text("`cargo xtask fly`", &["there is no command `cargo xtask fly`"]);
        check_text("```\ncargo xtask fly\n```", &["there is no command `cargo xtask fly`"]);
    }

    #[test]
    fn commands_of_satchel_exist() {
        check_text("`satchel ls --tree` `satchel signup|signin` `satchel`", &[]);
        check_text(
            "```\n$ A=b target/release/satchel ls | satchel fly\nthe satchel flies\n```",
            &["there is no command `satchel fly`"],
        );
    }

    #[test]
    fn links_lead_somewhere() {
        check_text("[a](a.md) [b](../README.md#top) [c](https://a.b) [d](#here) [e](../crates/wire)", &[]);
        check_text("[a](gone.md)", &["the link `gone.md` leads nowhere"]);
        check_text("[a](../../b)", &["the link `../../b` leads out of the repository"]);
    }

    #[test]
    fn the_map_of_the_code_stays_short() {
        let document = Document { path: ARCHITECTURE.to_owned(), text: "a\n".repeat(401) };
        assert_eq!(check(&document, &known()).len(), 1);
    }
}
