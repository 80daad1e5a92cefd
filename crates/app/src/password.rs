//! Passwords and recovery codes on their way in: from the terminal unseen, or from the lines of stdin.
//!
//! Invariant: never from the command line, where other users could read them.

use std::io::{self, BufRead, IsTerminal, Read};

use satchel_client::api::Secret;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 4_096;

/// Where secrets come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// The lines of stdin, in order.
    Stdin,
    /// The terminal.
    Terminal,
}

impl Origin {
    /// What the flag says; without a terminal and without the flag there is nobody to ask.
    pub(crate) fn choose(from_stdin: bool) -> Result<Self, Failure> {
        if from_stdin {
            return Ok(Self::Stdin);
        }
        if io::stdin().is_terminal() {
            return Ok(Self::Terminal);
        }
        Err(Failure::usage(
            "asking for the password",
            "stdin is no terminal",
            "add --password-stdin and write the password to stdin",
        ))
    }

    /// One secret.
    pub(crate) fn ask(self, what: &str) -> Result<Secret, Failure> {
        let secret = match self {
            Self::Stdin => read_line(&mut io::stdin().lock(), what)?,
            Self::Terminal => prompt(what)?,
        };
        if secret.0.is_empty() {
            return Err(Failure::usage(
                format!("reading the {what}"),
                "it is empty",
                "give one that is not empty",
            ));
        }
        Ok(secret)
    }

    /// A new secret, which the terminal asks for twice.
    pub(crate) fn ask_new(self, what: &str) -> Result<Secret, Failure> {
        let secret = self.ask(what)?;
        if matches!(self, Self::Terminal) && prompt(&format!("{what} again"))? != secret {
            let why = "the two are not the same";
            return Err(Failure::usage(format!("reading the {what}"), why, "type the same twice"));
        }
        Ok(secret)
    }
}

fn prompt(what: &str) -> Result<Secret, Failure> {
    let mut letters = what.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let question = format!("{}: ", first.chain(letters).collect::<String>());
    rpassword::prompt_password(question).map(Secret).map_err(|error| unreadable(what, &error.to_string()))
}

fn read_line(from: &mut dyn BufRead, what: &str) -> Result<Secret, Failure> {
    let mut line = Zeroizing::new(Vec::new());
    let read = from.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
    read.map_err(|error| unreadable(what, &error.to_string()))?;
    if line.len() as u64 > LINE_BYTES_MAX {
        return Err(unreadable(what, &format!("it has more than {LINE_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(&line).map_err(|_| unreadable(what, "it is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

fn unreadable(what: &str, why: &str) -> Failure {
    Failure::usage(format!("reading the {what}"), why, "write it to stdin in a line of its own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_secret_without_its_end() {
        let mut from = "old one \r\nnew\nlast".as_bytes();
        let mut check = |expected: &str| {
            let secret = read_line(&mut from, "password").expect("it is there");
            assert_eq!(secret, Secret(expected.to_owned()));
        };
        check("old one ");
        check("new");
        check("last");
        check("");
    }

    #[test]
    fn what_is_no_password_is_refused() {
        let check = |bytes: &[u8]| {
            let mut from = bytes;
            assert!(read_line(&mut from, "password").is_err());
        };
        check(&[b'a'; 5_000]);
        check(&[0xff, b'\n']);
    }
}
