//! An HTTP/1.1 answer taken apart: interim heads, head, body, trailers, end. Bytes in, [`Piece`]s out; no socket.
//!
//! ```text
//! Head ─▶ Length(n) │ Chunk… ─▶ Trailers │ UntilClose ─▶ Done
//!  └──────────────── (no body) ──────────────────────────┘
//! ```

use std::io;

use bytes::{Bytes, BytesMut};

use super::head::{self, Head};
use super::request::find;
use super::{HeadFault, Phase, SendError};
use crate::limits;

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Interim(u16),
    Head(Head),
    Data(Bytes),
    Trailers(Vec<(String, Vec<u8>)>),
    End,
}

#[derive(Debug)]
enum State {
    Head { scanned: usize },
    Length { left: u64, whole: u64 },
    ChunkLine,
    Chunk { left: u64 },
    ChunkEnd,
    Trailers { scanned: usize },
    UntilClose,
    Ended,
}

/// The reader of one answer.
#[derive(Debug)]
pub(crate) struct Framing {
    state: State,
    /// The request was HEAD (or CONNECT): no body whatever the head says.
    bodiless: bool,
    /// 101 is what was asked for.
    switching: bool,
    interim: usize,
    keep: bool,
}

impl Framing {
    pub(crate) fn new(method: &str) -> Self {
        let state = State::Head { scanned: 0 };
        Self { state, bodiless: method == "HEAD", switching: false, interim: 0, keep: false }
    }

    /// For the handshake of a WebSocket.
    pub(crate) fn for_switching() -> Self {
        Self { switching: true, ..Self::new("GET") }
    }

    /// The next piece of what has come; `None` needs more bytes.
    pub(crate) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Piece>, SendError> {
        self.advance(buffer).map_err(SendError::head)
    }

    /// Which phase waiting for more bytes belongs to.
    pub(crate) fn phase(&self, buffer: &BytesMut) -> Phase {
        match self.state {
            State::Head { .. } if buffer.is_empty() => Phase::Waiting,
            State::Head { .. } => Phase::Head,
            _ => Phase::Body,
        }
    }

    /// Whether the next answer on this connection begins cleanly after this one.
    pub(crate) fn reusable(&self) -> bool {
        self.keep && matches!(self.state, State::Ended)
    }

    /// The connection has ended: the end of the body where it is told so, else a break.
    pub(crate) fn end_of_stream(&mut self, buffer: &BytesMut) -> Result<Piece, SendError> {
        let phase = self.phase(buffer);
        let cut = |what: String| SendError::reset(phase, io::Error::new(io::ErrorKind::UnexpectedEof, what));
        match self.state {
            State::UntilClose => {
                self.state = State::Ended;
                Ok(Piece::End)
            }
            State::Head { .. } if buffer.is_empty() => Err(cut("it closed without an answer".into())),
            State::Head { .. } if !head::may_be_http(buffer) => Err(SendError::head(head::not_http(buffer))),
            State::Head { .. } => Err(cut("it closed within the head".into())),
            State::Length { left, whole } => {
                Err(cut(format!("it closed after {} of {whole} bytes", whole - left)))
            }
            _ => Err(cut("it closed before the last chunk".into())),
        }
    }

    fn advance(&mut self, buffer: &mut BytesMut) -> Result<Option<Piece>, HeadFault> {
        loop {
            match self.state {
                State::Head { scanned } => return self.head(buffer, scanned),
                State::Length { left: 0, .. } => return Ok(Some(self.end())),
                State::Length { left, whole } => {
                    let data = take(buffer, left);
                    self.state = State::Length { left: left - data.len() as u64, whole };
                    return Ok((!data.is_empty()).then_some(Piece::Data(data)));
                }
                State::ChunkLine => match chunk_line(buffer)? {
                    None => return Ok(None),
                    Some(0) => self.state = State::Trailers { scanned: 0 },
                    Some(left) => self.state = State::Chunk { left },
                },
                State::Chunk { left: 0 } => self.state = State::ChunkEnd,
                State::Chunk { left } => {
                    let data = take(buffer, left);
                    self.state = State::Chunk { left: left - data.len() as u64 };
                    return Ok((!data.is_empty()).then_some(Piece::Data(data)));
                }
                State::ChunkEnd => {
                    if !chunk_end(buffer)? {
                        return Ok(None);
                    }
                    self.state = State::ChunkLine;
                }
                State::Trailers { scanned } => return self.trailers(buffer, scanned),
                State::UntilClose => {
                    let data = buffer.split().freeze();
                    return Ok((!data.is_empty()).then_some(Piece::Data(data)));
                }
                State::Ended => return Ok(None),
            }
        }
    }

    fn end(&mut self) -> Piece {
        self.state = State::Ended;
        Piece::End
    }

    fn head(&mut self, buffer: &mut BytesMut, scanned: usize) -> Result<Option<Piece>, HeadFault> {
        if !head::may_be_http(buffer) {
            return Err(head::not_http(buffer));
        }
        let end = head::end(buffer, scanned);
        if end.unwrap_or(buffer.len()) > limits::HEAD_BYTES {
            return Err(HeadFault::TooLong { limit: limits::HEAD_BYTES });
        }
        let Some(end) = end else {
            self.state = State::Head { scanned: buffer.len() };
            return Ok(None);
        };
        let head = head::parse(&buffer.split_to(end))?;
        match head.status {
            101 if self.switching => self.state = State::Length { left: 0, whole: 0 },
            101 => return Err(HeadFault::Switched),
            100..200 => return self.interim(head.status).map(Some),
            _ => (self.state, self.keep) = self.body(&head)?,
        }
        Ok(Some(Piece::Head(head)))
    }

    fn interim(&mut self, status: u16) -> Result<Piece, HeadFault> {
        self.interim += 1;
        self.state = State::Head { scanned: 0 };
        if self.interim > limits::INTERIM {
            Err(HeadFault::TooManyInterim)
        } else {
            Ok(Piece::Interim(status))
        }
    }

    /// How the body is framed, and whether the connection may be kept after it (RFC 9112, section 6.3).
    fn body(&self, head: &Head) -> Result<(State, bool), HeadFault> {
        let keep = keeps(head);
        let length = content_length(head)?;
        if self.bodiless || matches!(head.status, 204 | 304) {
            return Ok((State::Length { left: 0, whole: 0 }, keep));
        }
        match (transfer_encoding(head)?, length) {
            // Both is how requests are smuggled: the body is read, the connection is not trusted again.
            (true, length) => Ok((State::ChunkLine, keep && length.is_none())),
            (false, Some(whole)) => Ok((State::Length { left: whole, whole }, keep)),
            (false, None) => Ok((State::UntilClose, false)),
        }
    }

    fn trailers(&mut self, buffer: &mut BytesMut, scanned: usize) -> Result<Option<Piece>, HeadFault> {
        if let [b'\r', b'\n', ..] | [b'\n', ..] = buffer[..] {
            let _ = buffer.split_to(if buffer[0] == b'\n' { 1 } else { 2 });
            return Ok(Some(self.end()));
        }
        let end = head::end(buffer, scanned);
        if end.unwrap_or(buffer.len()) > limits::HEAD_BYTES {
            return Err(HeadFault::TooLong { limit: limits::HEAD_BYTES });
        }
        let Some(end) = end else {
            self.state = State::Trailers { scanned: buffer.len() };
            return Ok(None);
        };
        let trailers = head::parse_trailers(&buffer.split_to(end))?;
        self.state = State::Length { left: 0, whole: 0 };
        Ok(Some(Piece::Trailers(trailers)))
    }
}

fn take(buffer: &mut BytesMut, most: u64) -> Bytes {
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
    buffer.split_to(length).freeze()
}

fn keeps(head: &Head) -> bool {
    let has = |word: &[u8]| {
        let options = head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
        options
            .flat_map(|(_, value)| value.split(|byte| *byte == b','))
            .any(|it| it.trim_ascii().eq_ignore_ascii_case(word))
    };
    if head.version == "HTTP/1.0" { has(b"keep-alive") } else { !has(b"close") }
}

/// The one length that all its headers agree on.
fn content_length(head: &Head) -> Result<Option<u64>, HeadFault> {
    let mut length = None;
    let values = head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    for value in values.flat_map(|(_, value)| value.split(|byte| *byte == b',')) {
        let digits = std::str::from_utf8(value.trim_ascii()).map_err(|_| HeadFault::ContentLength)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(HeadFault::ContentLength);
        }
        let told = digits.parse::<u64>().map_err(|_| HeadFault::ContentLength)?;
        if length.replace(told).is_some_and(|before| before != told) {
            return Err(HeadFault::ContentLength);
        }
    }
    Ok(length)
}

/// Whether the body is chunked.
fn transfer_encoding(head: &Head) -> Result<bool, HeadFault> {
    let Some(value) = find(&head.headers, "transfer-encoding") else { return Ok(false) };
    match value.trim_ascii() {
        chunked if chunked.eq_ignore_ascii_case(b"chunked") => Ok(true),
        identity if identity.eq_ignore_ascii_case(b"identity") => Ok(false),
        other => Err(HeadFault::TransferEncoding { value: String::from_utf8_lossy(other).into_owned() }),
    }
}

/// The size of the next chunk, once its line is whole.
fn chunk_line(buffer: &mut BytesMut) -> Result<Option<u64>, HeadFault> {
    let Some(end) = buffer.iter().take(limits::CHUNK_LINE_BYTES).position(|byte| *byte == b'\n') else {
        return if buffer.len() >= limits::CHUNK_LINE_BYTES { Err(HeadFault::Chunk) } else { Ok(None) };
    };
    let line = buffer.split_to(end + 1);
    let digits = line[..].split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let hex = std::str::from_utf8(digits).map_err(|_| HeadFault::Chunk)?;
    if hex.is_empty() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(HeadFault::Chunk);
    }
    u64::from_str_radix(hex, 16).map(Some).map_err(|_| HeadFault::Chunk)
}

/// Takes the line break after a chunk; `false` needs more bytes.
fn chunk_end(buffer: &mut BytesMut) -> Result<bool, HeadFault> {
    let length = match buffer[..] {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        [] | [b'\r'] => return Ok(false),
        _ => return Err(HeadFault::Chunk),
    };
    let _ = buffer.split_to(length);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an answer that comes in pieces of `size` bytes, and tells it in one line.
    fn read(method: &str, bytes: &[u8], size: usize) -> String {
        let (mut framing, mut buffer) = (Framing::new(method), BytesMut::new());
        let (mut told, mut body) = (Vec::new(), Vec::new());
        let mut pieces = bytes.chunks(size);
        let end = loop {
            match framing.next(&mut buffer) {
                Ok(Some(Piece::Interim(status))) => told.push(format!("{status}")),
                Ok(Some(Piece::Head(head))) => told.push(format!("{}", head.status)),
                Ok(Some(Piece::Data(data))) => body.extend_from_slice(&data),
                Ok(Some(Piece::Trailers(trailers))) => told.push(format!("{} trailers", trailers.len())),
                Ok(Some(Piece::End)) => break "end".to_owned(),
                Err(error) => break error.to_string(),
                Ok(None) => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => match framing.end_of_stream(&buffer) {
                        Ok(_) => break "end of stream".to_owned(),
                        Err(error) => break error.to_string(),
                    },
                },
            }
        };
        let kept = if framing.reusable() && buffer.is_empty() { ", kept" } else { "" };
        format!("{} {:?} {end}{kept}", told.join(" "), String::from_utf8_lossy(&body))
    }

    fn check(answer: &str, expected: &str) {
        check_method("GET", answer, expected);
    }

    fn check_method(method: &str, answer: &str, expected: &str) {
        for size in [1, 2, 3, 7, answer.len()] {
            assert_eq!(read(method, answer.as_bytes(), size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn bodies_end_by_length_chunk_or_close() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", r#"200 "abc" end, kept"#);
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
            r#"200 "abc0123456789" end, kept"#,
        );
        check("HTTP/1.1 200 OK\r\n\r\nabc", r#"200 "abc" end of stream"#);
        check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n", r#"200 "" end"#);
        check("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", r#"200 "a" end"#);
        check(
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na",
            r#"200 "a" end, kept"#,
        );
        check("HTTP/1.1 200 OK\nContent-Length: 1\n\na", r#"200 "a" end, kept"#);
    }

    #[test]
    fn trailers_are_told() {
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n",
            r#"200 2 trailers "a" end, kept"#,
        );
    }

    #[test]
    fn interim_answers_come_before_the_real_one() {
        check(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
            r#"100 103 204 "" end, kept"#,
        );
        let endless = "HTTP/1.1 100 C\r\n\r\n".repeat(limits::INTERIM + 1);
        let told = read("GET", endless.as_bytes(), endless.len());
        assert!(told.ends_with("reading the answer: interim answers without end"), "{told}");
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        check_method("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", r#"200 "" end, kept"#);
        check("HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n", r#"304 "" end, kept"#);
        let with_body = "HTTP/1.1 204 N\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(read("GET", with_body.as_bytes(), with_body.len()), r#"204 "" end"#);
    }

    #[test]
    fn lengths_that_lie_are_told() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            r#"200 "abc" reading the body: the connection broke: it closed after 3 of 5 bytes"#,
        );
        let long = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc";
        assert_eq!(read("GET", long.as_bytes(), long.len()), r#"200 "ab" end"#);
        let fault = r#" "" reading the answer: its content length is not one number"#;
        for length in ["-1", "+1", "0x1", "", "1, 2", "1\r\nContent-Length: 2", "99999999999999999999"] {
            check(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc"), fault);
        }
        check("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", r#"200 "abc" end, kept"#);
    }

    #[test]
    fn chunked_and_length_at_once_is_read_but_not_kept() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            r#"200 "a" end"#,
        );
    }

    #[test]
    fn broken_chunks_are_told() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let malformed = "reading the answer: a chunk of its body is malformed";
        check(&format!("{head}1\r\nab\r\n"), &format!("200 \"a\" {malformed}"));
        check(&format!("{head}g\r\n"), &format!("200 \"\" {malformed}"));
        check(&format!("{head}-1\r\n"), &format!("200 \"\" {malformed}"));
        check(&format!("{head}\r\n"), &format!("200 \"\" {malformed}"));
        check(&format!("{head}11111111111111111\r\n"), &format!("200 \"\" {malformed}"));
        check(&format!("{head}1;{}", "x".repeat(limits::CHUNK_LINE_BYTES)), &format!("200 \"\" {malformed}"));
        let cut = "reading the body: the connection broke: it closed before the last chunk";
        check(&format!("{head}3\r\nab"), &format!("200 \"ab\" {cut}"));
        check(&format!("{head}2\r\nab\r\n"), &format!("200 \"ab\" {cut}"));
    }

    #[test]
    fn what_is_not_http_is_refused_at_its_first_bytes() {
        let told = read("GET", b"SSH-2.0-OpenSSH_9.6\r\n", 21);
        assert!(told.contains("it is not HTTP: it begins with"), "{told}");
        check(
            "HTTP/1.1 101 S\r\n\r\n",
            r#" "" reading the answer: it switches to a protocol that was not asked for"#,
        );
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            r#" "" reading the answer: its transfer encoding "gzip, chunked" is not known"#,
        );
    }

    #[test]
    fn an_endless_head_is_refused_at_its_limit() {
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(limits::HEAD_BYTES));
        let told = read("GET", endless.as_bytes(), 50_000);
        assert_eq!(
            told,
            format!(r#" "" reading the answer: its head is longer than {} bytes"#, limits::HEAD_BYTES)
        );
    }
}
