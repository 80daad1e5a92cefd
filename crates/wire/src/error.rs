//! What can go wrong on the wire: typed decode errors, and the codes that a server answers with.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::account::AppEntry;

/// Bytes that are not what they should be.
#[derive(Debug)]
pub enum WireError {
    /// More bytes than the limit.
    TooLong {
        /// What was read.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// More elements than the limit.
    TooMany {
        /// What was read.
        what: &'static str,
        /// How many there were.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// No bytes at all.
    Empty {
        /// What was read.
        what: &'static str,
    },
    /// A version that this build does not know.
    Version {
        /// What was read.
        what: &'static str,
        /// The version byte.
        version: u8,
    },
    /// Not CBOR, or not of the expected shape.
    Malformed {
        /// What was read.
        what: &'static str,
        /// The decoder's reason.
        source: minicbor::decode::Error,
    },
    /// Bytes after the end.
    Trailing {
        /// What was read.
        what: &'static str,
    },
    /// Another encoding of the same value than the canonical one.
    NotCanonical {
        /// What was read.
        what: &'static str,
    },
    /// A value out of its range.
    Invalid {
        /// What was read.
        what: &'static str,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { what, bytes, max } => write!(f, "{what} of {bytes} bytes, at most {max}"),
            Self::TooMany { what, count, max } => write!(f, "{count} {what}, at most {max}"),
            Self::Empty { what } => write!(f, "empty {what}"),
            Self::Version { what, version } => write!(f, "{what} of unknown version {version}"),
            Self::Malformed { what, .. } => write!(f, "malformed {what}"),
            Self::Trailing { what } => write!(f, "bytes after the end of {what}"),
            Self::NotCanonical { what } => write!(f, "{what} not in its canonical encoding"),
            Self::Invalid { what } => write!(f, "{what} out of range"),
        }
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why a server refuses; stable numbers, shared by HTTP bodies and frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ErrorCode {
    /// The bytes or values of the request are wrong.
    #[n(0)]
    BadRequest,
    /// The server does not speak this protocol version; the detail names its range.
    #[n(1)]
    UnsupportedVersion,
    /// Wrong e-mail, password, recovery code, token or proof; which one is not said.
    #[n(2)]
    Unauthorized,
    /// The session was ended: signed out elsewhere, disconnected, or the password was recovered.
    #[n(3)]
    SessionEnded,
    /// Nothing there, or nothing there for this account.
    #[n(4)]
    NotFound,
    /// The role does not allow it.
    #[n(5)]
    Forbidden,
    /// All places of the account are in use; the refusal lists them.
    #[n(6)]
    AppLimit,
    /// Another app took this app's place; the detail names it.
    #[n(7)]
    Evicted,
    /// Too many requests or failed tries; `retry_ms` says when to come back.
    #[n(8)]
    Throttled,
    /// Over a limit on size or count.
    #[n(9)]
    TooLarge,
    /// The account's or server's room is used up.
    #[n(10)]
    Quota,
    /// The server cannot write (disk full, read-only); nothing was changed, try again later.
    #[n(11)]
    Unavailable,
    /// The e-mail cannot be used for a new account.
    #[n(12)]
    EmailTaken,
    /// This server does not accept sign-ups.
    #[n(13)]
    SignUpClosed,
    /// Other bytes under a commit id that is already in the ledger.
    #[n(14)]
    CommitIdReused,
    /// A purge of many records without the bulk mark.
    #[n(15)]
    BulkNotMarked,
    /// The cursor is ahead of the ledger or not on its chain: this server has gone back or forked.
    #[n(16)]
    CursorUnknown,
    /// The signature or certificate of a commit does not verify.
    #[n(17)]
    BadSignature,
    /// The account must leave its teams first; the detail lists their rosters.
    #[n(18)]
    InTeams,
    /// A bug or a damaged store on the server; its log says more.
    #[n(19)]
    Internal,
    /// The server is shutting down; reconnect.
    #[n(20)]
    GoingAway,
    /// The connection sent nothing for too long, or read too slowly; reconnect.
    #[n(21)]
    TooSlow,
    /// The server no longer keeps what came after this cursor: the app reads the whole state and rebases.
    #[n(22)]
    CursorTooOld,
    /// The commit is under an older epoch: look it up by its id, and otherwise seal again under the new one.
    #[n(23)]
    EpochOld,
    /// The account's role in the workspace does not allow it.
    #[n(24)]
    RoleTooLow,
    /// An entry of the charter that no longer fits what the charter says: catch up and try again.
    #[n(25)]
    CharterMoved,
    /// The invitation is used, expired, revoked or unknown; which one is not said.
    #[n(26)]
    InviteGone,
    /// It would leave a workspace without an admin; the detail lists the workspaces.
    #[n(27)]
    LastAdmin,
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refusal {
    /// Why.
    #[n(0)]
    pub code: ErrorCode,
    /// More for a person, in plain words, without content or secrets; may be empty.
    #[n(1)]
    pub detail: String,
    /// For [`ErrorCode::Throttled`] and [`ErrorCode::Unavailable`]: when to try again.
    #[n(2)]
    pub retry_ms: Option<u64>,
    /// For [`ErrorCode::AppLimit`]: the apps that hold the places.
    #[n(3)]
    pub apps: Vec<AppEntry>,
}

impl Refusal {
    /// A refusal with a detail and nothing else.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_ms: None, apps: Vec::new() }
    }
}
