//! Why an engine call failed; what the *network* does wrong is an alarm, never an error here.

use std::fmt;

use satchel_wire::WorkspaceId;

/// A failed engine call; nothing was changed.
#[derive(Debug)]
pub enum EngineError<E> {
    /// The store failed; the source says how.
    Store(E),
    /// There is no such workspace here.
    UnknownWorkspace(WorkspaceId),
    /// It needs an account.
    SignedOut,
    /// A record is larger than the protocol allows.
    TooLarge {
        /// Its size, in bytes.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A stored record cannot be read.
    Unreadable {
        /// What failed, in lower case.
        detail: String,
    },
    /// Many items would go for good, and no person has said so.
    BulkNotMarked {
        /// How many.
        count: u64,
        /// Of how many.
        all: u64,
    },
    /// The content of the item is still on its way from the server.
    Coming,
    /// The workspace's key is not there yet: its charter has not been received.
    NoKey(WorkspaceId),
}

impl<E: fmt::Display> fmt::Display for EngineError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(source) => write!(f, "writing to the local store: {source}"),
            Self::UnknownWorkspace(workspace) => write!(f, "no workspace {workspace} here"),
            Self::SignedOut => f.write_str("no account is signed in"),
            Self::TooLarge { bytes, max } => write!(f, "a record of {bytes} bytes, at most {max}"),
            Self::Unreadable { detail } => write!(f, "reading a stored record: {detail}"),
            Self::BulkNotMarked { count, all } => write!(f, "{count} of {all} items would go for good"),
            Self::Coming => f.write_str("the item's content is still on its way from the server"),
            Self::NoKey(workspace) => write!(f, "no key yet for workspace {workspace}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for EngineError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(source) => Some(source),
            _ => None,
        }
    }
}
