//! What `SQLite`'s errors mean for a store.

use std::sync::Arc;

use rusqlite::ErrorCode as Code;

use crate::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let passes = matches!(
            error.sqlite_error_code(),
            Some(
                Code::DiskFull
                    | Code::SystemIoFailure
                    | Code::ReadOnly
                    | Code::OutOfMemory
                    | Code::DatabaseBusy
                    | Code::DatabaseLocked
                    | Code::CannotOpen
                    | Code::PermissionDenied
            )
        );
        let source = Arc::new(error);
        if passes { Self::Unavailable { source } } else { Self::Other { source } }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable { source: Arc::new(error) }
    }
}

pub(super) fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { what }
}

/// A count or time as `SQLite` keeps it; what is beyond 2^63 is cut, and no honest value is.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The way back.
pub(super) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
