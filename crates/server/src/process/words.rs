//! Failures in words: what failed, why, and what to do.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use crate::serve::ServeError;
use crate::store::sqlite::DataDirError;

/// A failure for a person.
#[derive(Debug)]
pub(super) struct Failure {
    what: String,
    why: String,
    hint: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "satchel-server: {} failed: {}", self.what, self.why)?;
        self.hint.iter().try_for_each(|hint| writeln!(f, "  {hint}"))
    }
}

impl Failure {
    /// The process could not begin or go on.
    pub(super) fn start(error: &io::Error) -> Self {
        Self { what: "running the server".into(), why: error.to_string(), hint: None }
    }

    /// A task on the data folder failed.
    pub(super) fn task(what: &str, data: &Path, error: &(dyn Error + 'static)) -> Self {
        let hint = format!("The data folder is {}; --data DIR names another one.", data.display());
        Self { what: what.to_owned(), why: chain(error), hint: Some(hint) }
    }

    /// A wish about an account was not done.
    pub(super) fn account(what: &str, error: &(dyn Error + 'static), hint: String) -> Self {
        Self { what: what.to_owned(), why: chain(error), hint: Some(hint) }
    }

    /// The server could not start.
    pub(super) fn serve(error: &ServeError) -> Self {
        let why = error.source().map(chain).unwrap_or_default();
        Self { what: error.to_string(), why, hint: hint(error) }
    }
}

fn hint(error: &ServeError) -> Option<String> {
    Some(match error {
        ServeError::Listen { source, .. } => match source.kind() {
            io::ErrorKind::AddrInUse => {
                "Another program uses this port. End it, or choose another one with --listen ADDR.".into()
            }
            io::ErrorKind::PermissionDenied => {
                "Ports below 1024 need a permission. Choose a higher one with --listen ADDR.".into()
            }
            io::ErrorKind::AddrNotAvailable => {
                "This machine does not have this address. 0.0.0.0 and [::] stand for all it has.".into()
            }
            _ => return None,
        },
        ServeError::Certificate { .. } => {
            "--tls-cert and --tls-key must name files in PEM that this user may read.".into()
        }
        ServeError::Pair { .. } => "Check that --tls-key is the key of the certificate in --tls-cert.".into(),
        ServeError::Folder { source: DataDirError::InUse, .. } => {
            "End the other server, or name another folder with --data DIR.".into()
        }
        ServeError::Folder { .. } | ServeError::Store { .. } => {
            "This user must be able to read and write it. --data DIR names another folder.".into()
        }
    })
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_told_with_what_to_do() {
        let error = ServeError::Listen {
            address: ([127, 0, 0, 1], 7171).into(),
            source: io::Error::from(io::ErrorKind::AddrInUse),
        };
        let words = Failure::serve(&error).to_string();
        assert_eq!(
            words,
            "satchel-server: listening at 127.0.0.1:7171 failed: address in use\n  \
             Another program uses this port. End it, or choose another one with --listen ADDR.\n"
        );
    }
}
