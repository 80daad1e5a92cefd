//! Why a command of `cargo xtask` stopped: what was tried, what was seen, what to do.
//!
//! One type for all commands: nobody matches on these, a person reads them.

use std::fmt;

/// What stopped a command.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    hint: Option<String>,
    usage: bool,
}

impl Failure {
    /// Something was tried and did not work.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, usage: false }
    }

    /// The command was called wrongly.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: Some("see --help".to_owned()), usage: true }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code: 2 for wrong usage, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  what to do: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
