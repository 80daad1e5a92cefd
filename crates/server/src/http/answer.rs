//! Bodies in and out: CBOR, refusals and their status.

use std::net::{IpAddr, SocketAddr};

use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minicbor::{Decode, Encode};
use satchel_wire::{ErrorCode, MEDIA_TYPE, Refusal, WireError, decode_limited, encode};

use crate::server::Server;
use crate::service::Address;

/// A message, or why there is none.
pub(crate) fn respond<T: Encode<()>>(result: Result<T, Refusal>) -> Response {
    match result {
        Ok(message) => respond_with(StatusCode::OK, &message),
        Err(refusal) => refuse(&refusal),
    }
}

/// A refusal as an answer.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let mut response = respond_with(status(refusal.code), refusal);
    if let Some(wait_ms) = refusal.retry_ms {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
    }
    response
}

fn respond_with<T: Encode<()>>(status: StatusCode, message: &T) -> Response {
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    (status, headers, encode(message)).into_response()
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest | ErrorCode::UnsupportedVersion => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized | ErrorCode::SessionEnded => StatusCode::UNAUTHORIZED,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Forbidden | ErrorCode::SignUpClosed | ErrorCode::BadSignature | ErrorCode::RoleTooLow => {
            StatusCode::FORBIDDEN
        }
        ErrorCode::AppLimit
        | ErrorCode::Evicted
        | ErrorCode::EmailTaken
        | ErrorCode::CommitIdReused
        | ErrorCode::BulkNotMarked
        | ErrorCode::CursorUnknown
        | ErrorCode::CursorTooOld
        | ErrorCode::InTeams
        | ErrorCode::EpochOld
        | ErrorCode::CharterMoved
        | ErrorCode::InviteGone
        | ErrorCode::LastAdmin => StatusCode::CONFLICT,
        ErrorCode::Throttled => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Quota => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Unavailable | ErrorCode::GoingAway => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TooSlow => StatusCode::REQUEST_TIMEOUT,
    }
}

/// Reads a body of at most `bytes_max` bytes.
pub(crate) fn read<T: for<'b> Decode<'b, ()>>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    bytes_max: usize,
) -> Result<T, Refusal> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != MEDIA_TYPE.as_bytes()) {
        return Err(Refusal::new(ErrorCode::BadRequest, format!("the body must be {MEDIA_TYPE}")));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(ErrorCode::TooLarge, format!("a body has at most {bytes_max} bytes"))
        }
        _ => Refusal::new(ErrorCode::BadRequest, "the body broke off"),
    })?;
    decode_limited("body", &body, bytes_max).map_err(|error| match error {
        WireError::TooLong { .. } => Refusal::new(ErrorCode::TooLarge, error.to_string()),
        _ => Refusal::new(ErrorCode::BadRequest, error.to_string()),
    })
}

/// Who asks: the peer, or behind a trusted proxy the address that the proxy added last.
pub(crate) fn address(server: &Server, peer: ConnectInfo<SocketAddr>, headers: &HeaderMap) -> Address {
    let direct = peer.0.ip();
    if !server.trusts_proxy {
        return Address(direct);
    }
    let values = headers.get_all("x-forwarded-for").into_iter().next_back();
    let last = values.and_then(|value| value.to_str().ok()).and_then(|list| list.rsplit(',').next());
    Address(last.and_then(|text| text.trim().parse::<IpAddr>().ok()).unwrap_or(direct))
}
