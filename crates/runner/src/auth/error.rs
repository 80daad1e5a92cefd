//! Why a request could not be signed.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::build::draft::NotRead;

/// Why a request could not be signed. The text says what was tried; words for people are made elsewhere.
#[derive(Debug)]
pub enum AuthError {
    /// No way to sign in has this name.
    UnknownKind {
        /// The name.
        kind: String,
    },
    /// An attribute that the way needs is absent.
    Missing {
        /// Its name in Postman's files.
        field: &'static str,
    },
    /// The way is known, but not with this algorithm.
    Algorithm {
        /// The algorithm's name.
        algorithm: String,
    },
    /// An attribute should hold JSON and does not.
    NotJson {
        /// Its name in Postman's files.
        field: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An attribute should hold a JSON object and holds something else.
    NotAnObject {
        /// Its name in Postman's files.
        field: &'static str,
    },
    /// An attribute should hold base64 and does not.
    NotBase64 {
        /// Its name in Postman's files.
        field: &'static str,
    },
    /// The private key cannot be read, or is not of the algorithm's kind.
    Key {
        /// What is wrong, in the words of the reader.
        reason: String,
    },
    /// The file of the body cannot be read to be signed.
    NotRead {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The body cannot be hashed before it is sent: a form's boundary is made later.
    NotHashable,
    /// The server's challenge lacks something or is out of form.
    Challenge {
        /// What is wrong.
        reason: &'static str,
    },
    /// There is no token on this device yet; one is to be fetched with this grant.
    NeedsToken {
        /// How to get one.
        grant: Box<crate::auth::oauth2::Grant>,
    },
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind { kind } => write!(f, "no auth kind is named {kind}"),
            Self::Missing { field } => write!(f, "the auth lacks {field}"),
            Self::Algorithm { algorithm } => write!(f, "the auth algorithm {algorithm} is not supported"),
            Self::NotJson { field, .. } => write!(f, "reading {field} of the auth as JSON"),
            Self::NotAnObject { field } => write!(f, "{field} of the auth is no JSON object"),
            Self::NotBase64 { field } => write!(f, "{field} of the auth is no base64"),
            Self::Key { reason } => write!(f, "reading the private key of the auth: {reason}"),
            Self::NotRead { path, .. } => write!(f, "reading {} to sign it", path.display()),
            Self::NotHashable => f.write_str("a multipart form cannot be hashed before it is sent"),
            Self::Challenge { reason } => write!(f, "the server's challenge {reason}"),
            Self::NeedsToken { .. } => f.write_str("no access token has been fetched yet"),
        }
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotJson { source, .. } => Some(source),
            Self::NotRead { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<NotRead> for AuthError {
    fn from(failure: NotRead) -> Self {
        Self::NotRead { path: failure.path, source: failure.source }
    }
}
