//! Failures of store, engine, network and server, as the API carries them.
//!
//! Knows nothing of words for people beyond what was tried and what was seen.

use std::io;
use std::path::Path;

use satchel_sync::{ActError, Disconnected, EngineError};
use satchel_wire::{AppEntry, AppId, AppKind, ErrorCode, Refusal};

use crate::api::{ApiError, AppView, ErrorKind};
use crate::keys::KeyError;
use crate::store::StoreError;

/// A failure of `kind` while trying something, with what was seen.
pub(crate) fn problem(kind: ErrorKind, tried: impl Into<String>, detail: impl Into<String>) -> ApiError {
    ApiError {
        kind,
        tried: tried.into(),
        detail: detail.into(),
        apps: Vec::new(),
        count: 0,
        candidates: Vec::new(),
    }
}

/// A failure of the file system.
pub(crate) fn disk(tried: &str, error: &io::Error) -> ApiError {
    problem(ErrorKind::LocalStore, tried, error.to_string())
}

/// A local key that was not had.
pub(crate) fn key_lost(tried: &str, path: &Path, error: &KeyError) -> ApiError {
    let kind = match error {
        KeyError::File(_) => ErrorKind::LocalStore,
        KeyError::Share { .. } => ErrorKind::Keyring,
    };
    problem(kind, tried, format!("{}: {error}", path.display()))
}

/// A failure of the local store.
pub(crate) fn stored(tried: &str, error: &StoreError) -> ApiError {
    problem(error.kind(), tried, error.to_string())
}

/// A failure of the engine.
pub(crate) fn engine(tried: &str, error: &EngineError<StoreError>) -> ApiError {
    let kind = match error {
        EngineError::Store(source) => source.kind(),
        EngineError::UnknownWorkspace(_) => ErrorKind::NotFound,
        EngineError::SignedOut => ErrorKind::SignedOut,
        EngineError::TooLarge { .. } => ErrorKind::TooLarge,
        EngineError::Unreadable { .. } => ErrorKind::Damaged,
        EngineError::BulkNotMarked { .. } => ErrorKind::BulkNotMarked,
        EngineError::Coming | EngineError::NoKey(_) => ErrorKind::NotInSync,
    };
    problem(kind, tried, error.to_string())
}

/// A refusal by the server.
pub(crate) fn refused(tried: &str, refusal: &Refusal, this: Option<AppId>) -> ApiError {
    let apps = refusal.apps.iter().map(|entry| app_view(entry, this)).collect();
    ApiError { apps, ..problem(kind_of(refusal.code), tried, refusal_detail(refusal)) }
}

/// A connection that could not be made, or ended.
pub(crate) fn disconnected(tried: &str, why: &Disconnected, this: Option<AppId>) -> ApiError {
    match why {
        Disconnected::Idle => problem(ErrorKind::Unreachable, tried, "there is no connection"),
        Disconnected::Unreachable { detail } => problem(ErrorKind::Unreachable, tried, detail),
        Disconnected::Certificate { detail } => problem(ErrorKind::Certificate, tried, detail),
        Disconnected::NotSatchel { detail } => problem(ErrorKind::NotSatchel, tried, detail),
        // On a connection the token is the proof: without it the session has ended.
        Disconnected::Refused(refusal) if refusal.code == ErrorCode::Unauthorized => {
            problem(ErrorKind::SessionEnded, tried, refusal_detail(refusal))
        }
        Disconnected::Refused(refusal) => refused(tried, refusal, this),
    }
}

/// An act on the members that was not done.
pub(crate) fn act_failed(tried: &str, error: &ActError) -> ApiError {
    let kind = match error {
        ActError::Charter(error) => kind_of(error.code()),
        ActError::Refused(refusal) => kind_of(refusal.code),
        ActError::Moved => ErrorKind::NotInSync,
        ActError::Gone => ErrorKind::NotFound,
    };
    problem(kind, tried, error.to_string())
}

fn refusal_detail(refusal: &Refusal) -> String {
    match refusal.retry_ms {
        Some(ms) if refusal.code == ErrorCode::Throttled => {
            let wait = format!("try again in {} s", ms.div_ceil(1000));
            if refusal.detail.is_empty() { wait } else { format!("{}; {wait}", refusal.detail) }
        }
        _ => refusal.detail.clone(),
    }
}

fn kind_of(code: ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::UnsupportedVersion => ErrorKind::Version,
        ErrorCode::Unauthorized => ErrorKind::Unauthorized,
        ErrorCode::SessionEnded => ErrorKind::SessionEnded,
        ErrorCode::NotFound => ErrorKind::NotFound,
        ErrorCode::AppLimit => ErrorKind::AppLimit,
        ErrorCode::Evicted => ErrorKind::Evicted,
        ErrorCode::Throttled => ErrorKind::Throttled,
        ErrorCode::TooLarge => ErrorKind::TooLarge,
        ErrorCode::Quota | ErrorCode::Unavailable => ErrorKind::ServerFull,
        ErrorCode::EmailTaken | ErrorCode::SignUpClosed => ErrorKind::SignUpRefused,
        ErrorCode::GoingAway | ErrorCode::TooSlow => ErrorKind::Unreachable,
        ErrorCode::BulkNotMarked => ErrorKind::BulkNotMarked,
        ErrorCode::CursorUnknown => ErrorKind::LyingServer,
        ErrorCode::InTeams => ErrorKind::InTeams,
        ErrorCode::LastAdmin => ErrorKind::LastAdmin,
        ErrorCode::InviteGone => ErrorKind::InviteGone,
        ErrorCode::RoleTooLow => ErrorKind::RoleTooLow,
        ErrorCode::BadRequest
        | ErrorCode::Forbidden
        | ErrorCode::CommitIdReused
        | ErrorCode::CursorTooOld
        | ErrorCode::BadSignature
        | ErrorCode::EpochOld
        | ErrorCode::CharterMoved
        | ErrorCode::Internal => ErrorKind::Refused,
    }
}

/// An app as the API shows it.
pub(crate) fn app_view(entry: &AppEntry, this: Option<AppId>) -> AppView {
    let kind = match entry.kind {
        AppKind::CommandLine => "command_line",
        AppKind::Desktop => "desktop",
        AppKind::Web => "web",
    };
    AppView {
        id: entry.app.to_string(),
        name: entry.name.clone(),
        kind: kind.into(),
        last_seen: entry.last_seen_ms,
        waiting: entry.waiting,
        connected: entry.connected,
        this: this == Some(entry.app),
    }
}

/// The app that a name or id means.
pub(crate) fn find_app(tried: &str, apps: &[AppEntry], wanted: &str) -> Result<AppId, ApiError> {
    if let Some(entry) = apps.iter().find(|entry| entry.app.to_string() == wanted) {
        return Ok(entry.app);
    }
    let named: Vec<_> = apps.iter().filter(|entry| entry.name == wanted).collect();
    match named.as_slice() {
        [one] => Ok(one.app),
        [] => {
            let views = apps.iter().map(|entry| app_view(entry, None)).collect();
            Err(ApiError { apps: views, ..problem(ErrorKind::NotFound, tried, format!("no app {wanted}")) })
        }
        many => {
            let candidates = many.iter().map(|entry| format!("{} {}", entry.app, entry.name)).collect();
            let detail = format!("{} apps have that name; use an id", many.len());
            Err(ApiError { candidates, ..problem(ErrorKind::Ambiguous, tried, detail) })
        }
    }
}
