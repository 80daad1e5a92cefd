//! What can be wrong with keys, wraps, certificates and signatures.
//!
//! The variants say which thing was read, and deliberately not why it did not open: a wrong key, a wrong
//! place and changed bytes look the same to an authenticated cipher.

use std::error::Error;
use std::fmt;

/// Something was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CryptoError {
    /// The bytes do not have the one form that this thing has.
    Malformed {
        /// What was read.
        what: &'static str,
    },
    /// The version byte is one that this version does not know.
    Version {
        /// What was read.
        what: &'static str,
        /// The version byte.
        found: u8,
    },
    /// It does not open: the key or the place is not the one it was sealed for, or it was changed.
    Open {
        /// What was opened.
        what: &'static str,
    },
    /// The signature is not one of this key over these bytes.
    Signature {
        /// What was verified.
        what: &'static str,
    },
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { what } => write!(f, "reading {what}: its form is not valid"),
            Self::Version { what, found } => write!(f, "reading {what}: version {found} is not known"),
            Self::Open { what } => {
                write!(f, "opening {what}: it was sealed for another key or place, or was changed")
            }
            Self::Signature { what } => write!(f, "verifying {what}: the signature is not valid"),
        }
    }
}

impl Error for CryptoError {}
