//! Why a call failed.

use serde::{Deserialize, Serialize};

use super::AppView;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiError {
    /// The kind, which the face turns into words and an exit code.
    pub kind: ErrorKind,
    /// What was tried, in lower case: `opening Shop/Get cart`.
    pub tried: String,
    /// What was seen; may be empty.
    pub detail: String,
    /// For [`ErrorKind::AppLimit`]: who holds the places.
    pub apps: Vec<AppView>,
    /// For [`ErrorKind::ChangesWaiting`] and the like: how many.
    pub count: u64,
    /// For [`ErrorKind::Ambiguous`] and [`ErrorKind::ImportExists`]: which.
    pub candidates: Vec<String>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The input is not usable: a file, a field, a value, a URL.
    Invalid,
    /// Over a limit on size, depth or count.
    TooLarge,
    /// There is no such item, workspace, environment, app or conflict.
    NotFound,
    /// Several things have that name.
    Ambiguous,
    /// The name or id is taken.
    Exists,
    /// It was imported before; choose copy, merge or replace.
    ImportExists,
    /// Many items would go; the user must say so.
    BulkNotMarked,
    /// Changes wait for the server; choose export, stay or discard.
    ChangesWaiting,
    /// All places of the account are in use; choose which app makes room.
    AppLimit,
    /// Another app took this app's place.
    Evicted,
    /// This needs an account.
    SignedOut,
    /// This profile is signed in already.
    SignedIn,
    /// Wrong e-mail, password or recovery code.
    Unauthorized,
    /// The session was ended on the server; sign in again.
    SessionEnded,
    /// Too many tries; wait.
    Throttled,
    /// The e-mail is in use, or sign-up is closed.
    SignUpRefused,
    /// The server cannot be reached.
    Unreachable,
    /// TLS: the certificate is not trusted.
    Certificate,
    /// What answers is not a Satchel server.
    NotSatchel,
    /// The server or the app is too old for the other.
    Version,
    /// The server refused; the detail says why.
    Refused,
    /// The server's room is used up, or it cannot write.
    ServerFull,
    /// Not in sync within the time.
    NotInSync,
    /// The server shows another history than before: rolled back, forked or forged.
    LyingServer,
    /// Local data is damaged.
    Damaged,
    /// The local disk is full or cannot be written.
    LocalStore,
    /// The share of a local key in the operating system's keyring cannot be had now.
    Keyring,
    /// Another process owns this profile.
    Locked,
    /// There is no history: the Scratch Pad keeps none.
    NoHistory,
    /// Both values cannot stand.
    CannotStandBoth,
    /// This account's role does not allow it.
    RoleTooLow,
    /// It would leave a workspace or team without an admin; the candidates say which.
    LastAdmin,
    /// The account is in teams, which it has to leave first; the candidates say which.
    InTeams,
    /// The invitation was used, has ended, or never was.
    InviteGone,
    /// A request that was sent has no answer, or could not be sent; the detail says why and what to do.
    Unanswered,
    /// A bug in Satchel.
    Internal,
}
