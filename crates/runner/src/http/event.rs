//! What a send tells while it runs, and the parser of server-sent events.

use std::mem;
use std::net::SocketAddr;

use super::Hop;
use crate::limits;

/// Something that happened during a send.
#[derive(Debug)]
pub enum Event<'a> {
    /// A connection is there.
    Connected {
        /// The other end: the server, or the proxy.
        address: Option<SocketAddr>,
        /// Whether it was kept from an earlier request.
        reused: bool,
    },
    /// The request has gone out.
    RequestSent {
        /// Its head.
        head: &'a [u8],
    },
    /// An interim answer (1xx).
    Interim {
        /// Its status.
        status: u16,
    },
    /// The answer's head has come.
    Head {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: &'a [(String, Vec<u8>)],
    },
    /// A piece of the body, decoded.
    Chunk(&'a [u8]),
    /// An event of a `text/event-stream` body.
    ServerSentEvent(&'a ServerSentEvent),
    /// The answer redirects, and is followed.
    Redirected(&'a Hop),
}

/// A server-sent event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerSentEvent {
    /// Its type; `message` unless told.
    pub event: String,
    /// Its lines.
    pub data: String,
    /// The last id that the stream told.
    pub id: String,
    /// The reconnection time that came with it, in milliseconds.
    pub retry_ms: Option<u64>,
}

/// Takes a stream of bytes apart into events, by the rules of the HTML standard.
#[derive(Debug, Default)]
pub struct EventParser {
    line: Vec<u8>,
    event: String,
    data: String,
    id: String,
    retry_ms: Option<u64>,
    has_data: bool,
    after_return: bool,
    begun: bool,
}

impl EventParser {
    /// Takes a piece and gives the events that are whole by it.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<ServerSentEvent> {
        let mut whole = Vec::new();
        for &byte in bytes {
            let was_return = mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if was_return => {}
                b'\n' | b'\r' => whole.extend(self.end_line()),
                _ if self.line.len() < limits::EVENT_BYTES => self.line.push(byte),
                _ => {}
            }
        }
        whole
    }

    fn end_line(&mut self) -> Option<ServerSentEvent> {
        let bytes = mem::take(&mut self.line);
        let mut bytes = bytes.as_slice();
        if !mem::replace(&mut self.begun, true) {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        if bytes.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(bytes);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        self.field(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if self.has_data && self.data.len() < limits::EVENT_BYTES {
                    self.data.push('\n');
                }
                self.has_data = true;
                let room = limits::EVENT_BYTES.saturating_sub(self.data.len());
                self.data.push_str(&value[..value.floor_char_boundary(room)]);
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok();
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<ServerSentEvent> {
        let event = mem::take(&mut self.event);
        let data = mem::take(&mut self.data);
        let retry_ms = self.retry_ms.take();
        if !mem::take(&mut self.has_data) {
            return None;
        }
        let event = if event.is_empty() { "message".into() } else { event };
        Some(ServerSentEvent { event, data, id: self.id.clone(), retry_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &[(&str, &str, &str)]) {
        let mut parser = EventParser::default();
        let events: Vec<_> = pieces.iter().flat_map(|piece| parser.push(piece.as_bytes())).collect();
        let told: Vec<_> =
            events.iter().map(|told| (told.event.as_str(), told.data.as_str(), told.id.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn events_end_at_an_empty_line_whatever_the_line_breaks() {
        check(
            &["data: a\n\n", "data: b\r\n\r\n", "data: c\r\r"],
            &[("message", "a", ""), ("message", "b", ""), ("message", "c", "")],
        );
    }

    #[test]
    fn fields_join_and_pieces_may_end_anywhere() {
        check(
            &["event: tick\nda", "ta: one\ndata:two\r", "\nid: 7\n\n:comment\ndata\n\n"],
            &[("tick", "one\ntwo", "7"), ("message", "", "7")],
        );
    }

    #[test]
    fn an_event_without_lines_or_end_is_not_told() {
        check(&["event: tick\n\ndata: never ended\n"], &[]);
    }

    #[test]
    fn a_mark_at_the_beginning_is_dropped() {
        check(&["\u{feff}data: a\n\n"], &[("message", "a", "")]);
    }

    #[test]
    fn an_endless_line_is_cut_at_the_limit() {
        let mut parser = EventParser::default();
        assert!(parser.push(b"data: ").is_empty());
        for _ in 0..3 {
            assert!(parser.push(&vec![b'x'; limits::EVENT_BYTES]).is_empty());
        }
        let told = parser.push(b"\n\n");
        assert_eq!(told[0].data.len(), limits::EVENT_BYTES - "data: ".len());
    }
}
