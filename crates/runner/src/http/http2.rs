//! HTTP/2 over the `h2` crate: names are lower case there by the protocol, order and duplicates stay.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use tokio::time::Instant;

use super::body::Payload;
use super::connect::Wire;
use super::exchange::{Exchange, Incoming, drive};
use super::framing::Piece;
use super::head::Head;
use super::target::percent_encode;
use super::{HeadFault, Phase, SendError, Target, Timeouts, UrlFault};
use crate::limits;

/// How much one stream, and the whole connection, may have under way to us.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// What HTTP/2 has no place for (RFC 9113, section 8.2.2).
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "host",
    "http2-settings",
];

/// A connection's sender; its other half runs as a task until the last sender is gone.
pub(super) type Sender = SendRequest<Bytes>;

/// Opens HTTP/2 on a connection.
pub(super) async fn open(wire: Box<dyn Wire>) -> Result<Sender, SendError> {
    let head_bytes = u32::try_from(limits::HEAD_BYTES).expect("a small constant");
    let handshake = Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(head_bytes)
        .enable_push(false)
        .handshake(wire);
    let (sender, connection) = handshake.await.map_err(SendError::http2)?;
    // Its end is told to each stream; the task has nobody else to tell.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Sends and receives.
pub(super) async fn exchange(
    sender: Sender,
    request: http::Request<()>,
    payload: &Payload,
    timeouts: Timeouts,
    exchange: &mut Exchange<'_>,
) -> Result<(), SendError> {
    let mut sender = sender.ready().await.map_err(broken)?;
    let bodiless = payload.length == 0;
    let (answer, stream) = sender.send_request(request, bodiless).map_err(SendError::http2)?;
    let written = AtomicU64::new(0);
    let outgoing = async { if bodiless { Ok(()) } else { write(stream, payload, &written).await } };
    drive(Answer::Head(answer), outgoing, &written, timeouts, exchange).await.map(|_| ())
}

/// The request, and its head as lines.
pub(super) fn request(
    method: &str,
    target: &Target,
    headers: &[(String, Vec<u8>)],
) -> Result<(http::Request<()>, Vec<u8>), SendError> {
    let host = super::request::find(headers, "host").map_or(target.authority.as_bytes(), |host| host);
    let path = path(&target.path);
    let mut lines = Vec::new();
    for (name, value) in [
        (":method", method.as_bytes()),
        (":scheme", target.scheme().as_bytes()),
        (":authority", host),
        (":path", path.as_bytes()),
    ] {
        line(&mut lines, name, value);
    }
    let bad_url = || SendError::BadUrl { url: target.absolute(), fault: UrlFault::Characters };
    let path = PathAndQuery::try_from(path).map_err(|_| bad_url())?;
    let uri = Uri::builder().scheme(target.scheme()).authority(host).path_and_query(path);
    let mut request = http::Request::new(());
    *request.uri_mut() = uri.build().map_err(|_| bad_url())?;
    *request.version_mut() = Version::HTTP_2;
    *request.method_mut() = Method::from_bytes(method.as_bytes())
        .map_err(|_| SendError::BadMethod { method: method.to_owned() })?;
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if OF_THE_CONNECTION.contains(&lower.as_str()) || (lower == "te" && value != b"trailers") {
            continue;
        }
        let bad = |()| SendError::BadHeader { name: name.clone() };
        let key = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| bad(()))?;
        let held = HeaderValue::from_bytes(value).map_err(|_| bad(()))?;
        request.headers_mut().try_append(key, held).map_err(|_| bad(()))?;
        line(&mut lines, &lower, value);
    }
    lines.extend_from_slice(b"\r\n");
    Ok((request, lines))
}

fn line(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    lines.extend_from_slice(name.as_bytes());
    lines.extend_from_slice(b": ");
    lines.extend_from_slice(value);
    lines.extend_from_slice(b"\r\n");
}

/// The path, with what the `http` crate has no place for percent-encoded.
fn path(written: &str) -> String {
    let mut path = String::with_capacity(written.len());
    for byte in written.bytes() {
        if matches!(byte, b'<' | b'>' | b'`' | b'\\' | b'^') {
            percent_encode(&mut path, byte);
        } else {
            path.push(char::from(byte));
        }
    }
    path
}

async fn write(
    mut stream: SendStream<Bytes>,
    payload: &Payload,
    written: &AtomicU64,
) -> Result<(), SendError> {
    let mut body = payload.open();
    while let Some(mut piece) = body.next().await? {
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len());
            let capacity = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
            let Some(capacity) = capacity else { return Ok(()) };
            let part = piece.split_to(capacity.map_err(broken)?.min(piece.len()));
            written.fetch_add(part.len() as u64, Ordering::Relaxed);
            stream.send_data(part, false).map_err(broken)?;
        }
    }
    stream.send_data(Bytes::new(), true).map_err(broken)
}

/// A server may stop reading with an answer already given: as a reset, it is only told without one.
fn broken(error: h2::Error) -> SendError {
    SendError::reset(Phase::Sending, std::io::Error::other(error))
}

/// The answer on its way in.
enum Answer {
    Head(ResponseFuture),
    Body(RecvStream),
}

impl Incoming for Answer {
    async fn piece(&mut self) -> Result<Piece, SendError> {
        match self {
            Self::Head(future) => {
                let (parts, body) = future.await.map_err(|error| fault(error, Phase::Waiting))?.into_parts();
                *self = Self::Body(body);
                head(parts.status.as_u16(), &parts.headers).map(Piece::Head)
            }
            Self::Body(stream) => {
                if let Some(piece) = stream.data().await {
                    let piece = piece.map_err(|error| fault(error, Phase::Body))?;
                    // It has been read: the server may send as much again.
                    stream.flow_control().release_capacity(piece.len()).map_err(SendError::http2)?;
                    return Ok(Piece::Data(piece));
                }
                let trailers = stream.trailers().await.map_err(|error| fault(error, Phase::Body))?;
                Ok(trailers.map_or(Piece::End, |trailers| Piece::Trailers(lines(&trailers))))
            }
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Self::Head(_) => Phase::Waiting,
            Self::Body(_) => Phase::Body,
        }
    }

    fn first_byte_at(&self) -> Option<Instant> {
        None
    }
}

fn fault(error: h2::Error, phase: Phase) -> SendError {
    let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
    if refused || (error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)) {
        // The server promises that it has done nothing with it.
        broken(error)
    } else if error.is_io() {
        SendError::reset(phase, std::io::Error::other(error))
    } else {
        SendError::http2(error)
    }
}

fn lines(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn head(status: u16, headers: &HeaderMap) -> Result<Head, SendError> {
    if headers.len() > limits::HEADERS {
        return Err(SendError::head(HeadFault::TooManyHeaders { limit: limits::HEADERS }));
    }
    let headers = lines(headers);
    let length = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>() + 15;
    Ok(Head { status, reason: String::new(), version: "HTTP/2", headers, length })
}
