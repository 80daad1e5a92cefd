//! Where answers go: words for people, or exactly one JSON document for programs.
//!
//! Invariants: answers go to stdout in one write, everything else to stderr; a closed pipe is quiet;
//! colours only on a terminal and without `NO_COLOR`; names of strangers cannot steer the terminal.

mod history;
mod listing;
mod people;
mod progress;
mod sent;
mod status;
mod words;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use satchel_client::api::{ItemView, Reply};
use serde_json::Value;

use crate::failure::{FAILED, Failure};

pub(crate) use listing::app_line;
pub(crate) use progress::Bar;
pub(crate) use sent::{milliseconds, phases, size, test_lines};
pub(crate) use status::time;

/// How answers are given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) color: bool,
}

impl Out {
    /// As the options and the terminal say.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { json, quiet, color: !no_color && io::stdout().is_terminal() }
    }

    /// A call's reply.
    pub(crate) fn reply(self, reply: &Reply) {
        if self.json {
            self.document(
                &serde_json::to_value(reply).expect("replies have text keys and plain values only"),
            );
        } else {
            let words = words::text(reply, self);
            // A status has colours of its own; every other word is harmless whatever a listing forgot.
            let is_colored = matches!(reply, Reply::Status(_));
            self.text(&if is_colored { words } else { safe(&words) });
        }
    }

    /// A document of this program's own; only with `json`.
    pub(crate) fn document(self, document: &Value) {
        if self.json {
            print(format!("{document:#}\n").as_bytes());
        }
    }

    /// A document in one line, of which there may be several; only with `json`.
    pub(crate) fn document_line(self, document: &Value) {
        if self.json {
            print(format!("{document}\n").as_bytes());
        }
    }

    /// Words that were asked for; only without `json`.
    pub(crate) fn text(self, text: &str) {
        if !self.json {
            print(text.as_bytes());
        }
    }

    /// Words that only confirm; only without `json` and `quiet`.
    pub(crate) fn confirm(self, text: &str) {
        if !self.json && !self.quiet {
            print(format!("{text}\n").as_bytes());
        }
    }

    /// A failure, and its exit code.
    pub(crate) fn fail(self, failure: &Failure) -> ExitCode {
        if self.json {
            self.document(&failure.json());
        } else {
            drop(io::stderr().lock().write_all(safe(&failure.text()).as_bytes()));
        }
        ExitCode::from(failure.exit)
    }
}

/// Whether an answer could not be written: then the command has not done what it was asked for.
static IS_UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// The exit code of a command that ended well, if its answer could be written.
pub(crate) fn end(code: ExitCode) -> ExitCode {
    if IS_UNWRITTEN.load(Ordering::Relaxed) { ExitCode::from(FAILED) } else { code }
}

/// Writes an answer as it is; a reader who is gone is no failure.
pub(crate) fn print(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        IS_UNWRITTEN.store(true, Ordering::Relaxed);
        remark(&format!(
            "error: writing to stdout failed\n  why: {error}\n   do: make room, or write elsewhere"
        ));
    }
}

/// A remark beside the answer, on stderr.
pub(crate) fn remark(text: &str) {
    // Where nobody hears, nothing is said.
    drop(writeln!(io::stderr().lock(), "{}", safe(text)));
}

/// Texts below each other, each in its line.
fn lines(texts: impl Iterator<Item = String>) -> String {
    let mut joined = String::new();
    for text in texts {
        joined.push_str(&text);
        joined.push('\n');
    }
    joined
}

/// Items, each in its line.
pub(crate) fn item_lines(items: &[ItemView]) -> String {
    safe(&lines(items.iter().map(listing::item_line)))
}

/// A text without what steers a terminal.
pub(crate) fn safe(text: &str) -> String {
    let is_harmless = |letter: char| !steers(letter) || letter == '\n' || letter == '\t';
    text.chars().map(|letter| if is_harmless(letter) { letter } else { '\u{fffd}' }).collect()
}

/// A name in one line.
pub(crate) fn inline(text: &str) -> String {
    text.chars().map(|letter| if steers(letter) { '\u{fffd}' } else { letter }).collect()
}

/// Whether a letter moves the cursor, or turns the direction of what follows it in the line.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(safe("a\x1b[2Jb\nc\r"), "a\u{fffd}[2Jb\nc\u{fffd}");
        assert_eq!(inline("a\nb"), "a\u{fffd}b");
        assert_eq!(inline("a\u{202e}gnp.exe"), "a\u{fffd}gnp.exe");
        assert_eq!(inline("\u{1f469}\u{200d}\u{1f4bb} é"), "\u{1f469}\u{200d}\u{1f4bb} é");
    }
}
