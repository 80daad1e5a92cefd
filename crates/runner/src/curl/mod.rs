//! curl command lines, in and out.
//!
//! In: what people paste from a terminal, from documentation and from a browser's "copy as cURL", as a Postman
//! v2.1 request document. Out: a request as a command line for a POSIX shell or for Windows' `cmd`.
//!
//! Invariants: what is not understood is in the list of losses, by its name; what goes out cannot say more than
//! one command to the shell and one request to the server; any text is read in time that grows with its length.
//!
//! Knows nothing of curl itself: nothing is run.

mod read;
mod words;
mod write;

use std::error::Error;
use std::fmt;

pub use read::{Extras, Imported, read};
pub use write::write;

/// The longest text that is read.
pub const TEXT_BYTES_MAX: usize = 16 << 20;

/// How a shell quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `sh`, `bash`, `zsh`.
    Posix,
    /// Windows' `cmd.exe`.
    Cmd,
}

/// Why a command line could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurlError {
    /// It does not begin with `curl`.
    NotCurl,
    /// A quotation mark is not closed.
    OpenQuote,
    /// It is longer than is read.
    TooLong,
    /// It names no URL.
    NoUrl,
    /// A flag that needs a value is the last word.
    NoValue {
        /// The flag.
        flag: String,
    },
    /// Part of the request cannot stand in a command line without changing its meaning.
    Unwritable {
        /// Which part.
        part: String,
    },
}

impl fmt::Display for CurlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCurl => f.write_str("the text does not begin with curl"),
            Self::OpenQuote => f.write_str("a quotation mark is not closed"),
            Self::TooLong => f.write_str("the text is too long for a command line"),
            Self::NoUrl => f.write_str("the command names no URL"),
            Self::NoValue { flag } => write!(f, "{flag} needs a value"),
            Self::Unwritable { part } => write!(f, "{part} cannot be written as a command line"),
        }
    }
}

impl Error for CurlError {}

#[cfg(test)]
mod tests;
