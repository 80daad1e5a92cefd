//! The failures of content calls, as the API carries them.
//!
//! Why it exists: every part of `ops` says what was tried and what was seen in the same form. Knows
//! nothing of exit codes and of words like "hint": the face adds those.

use crate::api::{ApiError, ErrorKind};

pub(crate) use crate::problem::problem as failure;

/// The input is not usable.
pub(crate) fn invalid(tried: impl Into<String>, detail: impl Into<String>) -> ApiError {
    failure(ErrorKind::Invalid, tried, detail)
}

/// There is no such thing.
pub(crate) fn not_found(tried: impl Into<String>, detail: impl Into<String>) -> ApiError {
    failure(ErrorKind::NotFound, tried, detail)
}

/// Over a limit.
pub(crate) fn too_large(tried: impl Into<String>, detail: impl Into<String>) -> ApiError {
    failure(ErrorKind::TooLarge, tried, detail)
}

/// Several things are meant by one name.
pub(crate) fn ambiguous(tried: impl Into<String>, candidates: Vec<String>) -> ApiError {
    let detail = format!("{} things have that name; use an id", candidates.len());
    ApiError { candidates, ..failure(ErrorKind::Ambiguous, tried, detail) }
}
