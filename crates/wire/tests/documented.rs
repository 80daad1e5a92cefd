//! The tables of messages in `docs/protocol.md`, made from the sources of this crate, so that none is missing there.
//!
//! `SATCHEL_PROTOCOL_WRITE=1` writes them; otherwise the test fails where they differ. What is read is the plain form
//! in which the sources are written: one field, variant or limit a line, with its number and comment above it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- messages: made from crates/wire/src; SATCHEL_PROTOCOL_WRITE=1 writes them -->";
const END: &str = "<!-- messages end -->";
const FILES: [&str; 8] = ["ids", "frame", "commit", "charter", "join", "pack", "account", "error"];

/// A message: its fields, or its variants with theirs.
#[derive(Debug, Default)]
struct Message {
    name: String,
    words: String,
    is_enum: bool,
    rows: Vec<Row>,
}

/// A field, or a variant with its fields.
#[derive(Debug, Default)]
struct Row {
    number: String,
    name: String,
    kind: String,
    words: String,
    fields: Vec<(String, String, String)>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first paragraph of a comment, without the marks of links.
fn words(comment: &[&str]) -> String {
    let paragraph: Vec<_> = comment.iter().copied().take_while(|line| !line.is_empty()).collect();
    let text = paragraph.join(" ").replace("[`", "`").replace("`]", "`").replace('|', "\\|");
    ["crate::limits::", "crate::", "ClientFrame::", "ServerFrame::"]
        .into_iter()
        .fold(text, |text, path| text.replace(&format!("`{path}"), "`"))
}

fn number(line: &str) -> Option<&str> {
    line.strip_prefix("#[n(")?.strip_suffix(")]")
}

fn plain(kind: &str) -> String {
    kind.replace("crate::", "").replace('|', "\\|")
}

/// Every message of a source file that is encoded.
fn messages(source: &str) -> Vec<Message> {
    let mut found: Vec<Message> = Vec::new();
    let (mut comment, mut at, mut is_inside) = (Vec::new(), String::new(), false);
    for line in source.lines() {
        let (indent, text) = (line.len() - line.trim_start().len(), line.trim());
        if let Some(words) = text.strip_prefix("///") {
            comment.push(words.trim());
            continue;
        }
        if text.starts_with("#[") && number(text).is_none() {
            continue; // an attribute between a comment and what it is about
        }
        if let Some(seen) = number(text) {
            seen.clone_into(&mut at);
            continue;
        }
        let begins = text.strip_prefix("pub struct ").map(|rest| (rest, false));
        let begins = begins.or_else(|| text.strip_prefix("pub enum ").map(|rest| (rest, true)));
        if let Some((name, is_enum)) = begins.and_then(|(rest, kind)| Some((rest.strip_suffix(" {")?, kind)))
        {
            is_inside = true;
            let (name, words) = (name.to_owned(), words(&comment));
            found.push(Message { name, words, is_enum, rows: Vec::new() });
        } else if line == "}" {
            is_inside = false;
        } else if let (true, false, Some(message)) = (is_inside, at.is_empty(), found.last_mut()) {
            let words = words(&comment);
            take_line(message, indent, text, (&at, words));
        }
        comment.clear();
        at.clear();
    }
    found.retain(|message| !message.rows.is_empty());
    found
}

fn take_line(message: &mut Message, indent: usize, text: &str, (number, words): (&str, String)) {
    let field = text.strip_prefix("pub ").unwrap_or(text).trim_end_matches(',').split_once(": ");
    let number = number.to_owned();
    match (message.is_enum, indent, field) {
        (false, 4, Some((name, kind))) => {
            let (name, kind) = (name.to_owned(), plain(kind));
            message.rows.push(Row { number, name, kind, words, fields: Vec::new() });
        }
        (true, 8, Some((name, kind))) => {
            let variant = message.rows.last_mut().expect("a field is of a variant");
            variant.fields.push((name.to_owned(), plain(kind), words));
        }
        (true, 4, _) => {
            let name = text.split([' ', ',', '(']).next().unwrap_or_default().to_owned();
            let kind = text.split_once("#[n(0)] ").map(|(_, kind)| plain(kind.trim_end_matches("),")));
            message.rows.push(Row {
                number,
                name,
                kind: kind.unwrap_or_default(),
                words,
                fields: Vec::new(),
            });
        }
        _ => panic!("{}: a line that is not understood: {text}", message.name),
    }
}

fn show(message: &Message, out: &mut String) {
    let Message { name, words, is_enum, rows } = message;
    let head = if *is_enum {
        "| number | name | fields, in order | what it says |"
    } else {
        "| at | field | type | what it says |"
    };
    writeln!(out, "#### {name}\n{words}\n\n{head}\n| --- | --- | --- | --- |").expect("it can be written");
    for row in rows {
        let fields: Vec<_> =
            row.fields.iter().map(|(name, kind, words)| format!("`{name}: {kind}` {words}")).collect();
        let kind = if row.kind.is_empty() { String::new() } else { format!("`{}`", row.kind) };
        let kind = if fields.is_empty() { kind } else { fields.join("<br>") };
        writeln!(out, "| {} | `{}` | {kind} | {} |", row.number, row.name, row.words)
            .expect("it can be written");
    }
    out.push('\n');
}

fn ids() -> String {
    let source = read("crates/wire/src/ids.rs").replace("fixed!(\n    ", "fixed!(").replace(",\n    ", ", ");
    let mut out =
        String::from("#### Ids, hashes and keys\n\n| name | bytes | what it is |\n| --- | --- | --- |\n");
    for line in source.lines().filter_map(|line| line.strip_prefix("fixed!(")) {
        let mut parts = line.splitn(4, ", ");
        let (name, bytes) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let what = parts.nth(1).and_then(|rest| rest.split('"').nth(1)).unwrap_or_default();
        let what = what.split("\\n").next().unwrap_or_default();
        writeln!(out, "| `{name}` | {bytes} | {what} |").expect("it can be written");
    }
    out.push('\n');
    out
}

fn limits() -> String {
    let mut out = String::from("#### Limits\n\n| name | value | what it bounds |\n| --- | --- | --- |\n");
    let source = read("crates/wire/src/limits.rs");
    let mut comment = Vec::new();
    for line in source.lines() {
        if let Some(words) = line.strip_prefix("///") {
            comment.push(words.trim());
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            let (name, rest) = rest.split_once(": ").expect("a limit has a type");
            let value = rest.split_once(" = ").expect("a limit has a value").1.trim_end_matches(';');
            writeln!(out, "| `{name}` | {value} | {} |", words(&comment)).expect("it can be written");
            comment.clear();
        } else {
            comment.clear();
        }
    }
    out
}

fn tables() -> String {
    let mut out = ids();
    for file in FILES {
        let found = messages(&read(&format!("crates/wire/src/{file}.rs")));
        found
            .iter()
            .filter(|message| message.name != "WireError")
            .for_each(|message| show(message, &mut out));
    }
    out + &limits()
}

#[test]
fn every_message_field_code_and_limit_is_in_the_protocol() {
    let path = root().join("docs/protocol.md");
    let text = read("docs/protocol.md");
    let (before, rest) = text.split_once(BEGIN).expect("the tables have a place");
    let (shown, after) = rest.split_once(END).expect("the tables have an end");
    let wanted = format!("\n{}", tables());
    for name in
        ["`RefuseJoin`", "`Checkpoint`", "`LastAdmin`", "`SetAccess`", "`PRESENCE_BYTES_MAX`", "`trail`"]
    {
        assert!(wanted.contains(name), "{name} was not read from the sources");
    }
    if std::env::var_os("SATCHEL_PROTOCOL_WRITE").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("it can be written");
    } else {
        assert!(shown == wanted, "the tables are other ones: run this test with SATCHEL_PROTOCOL_WRITE=1");
    }
}

/// Every string that a file of another crate begins to mean something with, and where it stands.
fn labels(folder: &str, begins: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("it can be read");
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(
            source.split('"').skip(1).step_by(2).filter(|text| text.starts_with(begins)).map(Into::into),
        );
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn every_label_and_route_is_in_the_protocol() {
    let text = read("docs/protocol.md");
    let labels = [labels("crates/crypto/src", "satchel "), labels("crates/server/src/http", "/v1/")].concat();
    assert!(labels.len() > 30, "the sources were not read: {labels:?}");
    let is_missing = |label: &&String| !text.contains(label.trim_matches('"'));
    let missing: Vec<_> = labels.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
