//! The heads of HTTP/1.1: a request's is written here, byte for byte; an answer's is parsed by `httparse`.

use httparse::{EMPTY_HEADER, ParserConfig, Status};

use super::{HeadFault, SendError};
use crate::limits;

/// How many headers are parsed before a larger array is made.
const HEADERS_USUAL: usize = 64;
/// How much of what is not HTTP is told.
const BEGINS: usize = 40;

/// An answer's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) version: &'static str,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// How many bytes it was.
    pub(crate) length: usize,
}

/// Refuses a method, name or value that would change the shape of the request.
pub(crate) fn check(method: &str, headers: &[(String, Vec<u8>)]) -> Result<(), SendError> {
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(SendError::BadMethod { method: method.to_owned() });
    }
    for (name, value) in headers {
        if name.is_empty() || !name.bytes().all(is_token) || !is_value(value) {
            return Err(SendError::BadHeader { name: name.clone() });
        }
    }
    Ok(())
}

/// Whether the byte may stand in a method or a header's name.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether these bytes may stand in a header's value.
pub(crate) fn is_value(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
}

/// Writes a request's head; everything in it has been checked.
pub(crate) fn write(method: &str, target: &str, headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let length = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
    let mut head = Vec::with_capacity(method.len() + target.len() + length + 14);
    for piece in [method, " ", target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(piece.as_bytes());
    }
    for (name, value) in headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Where a head ends, looking from `scanned` on; the empty line is part of it.
pub(crate) fn end(bytes: &[u8], scanned: usize) -> Option<usize> {
    let from = scanned.saturating_sub(3);
    let mut at = from;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\n') {
        at += found + 1;
        match bytes.get(at..) {
            Some([b'\n', ..]) => return Some(at + 1),
            Some([b'\r', b'\n', ..]) => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Parses a whole head, as [`end`] has found it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Head, HeadFault> {
    match parse_up_to(bytes, HEADERS_USUAL) {
        Err(HeadFault::TooManyHeaders { .. }) => parse_up_to(bytes, limits::HEADERS),
        parsed => parsed,
    }
}

fn parse_up_to(bytes: &[u8], count: usize) -> Result<Head, HeadFault> {
    let mut headers = vec![EMPTY_HEADER; count];
    let mut answer = httparse::Response::new(&mut headers);
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.allow_multiple_spaces_in_response_status_delimiters(true);
    match config.parse_response(&mut answer, bytes) {
        Ok(Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(HeadFault::TooManyHeaders { limit: count }),
        Err(httparse::Error::HeaderName | httparse::Error::HeaderValue | httparse::Error::NewLine) => {
            return Err(HeadFault::Header);
        }
        Ok(Status::Partial) | Err(_) => return Err(not_http(bytes)),
    }
    let (Some(status @ 100..), Some(minor)) = (answer.code, answer.version) else {
        return Err(not_http(bytes));
    };
    Ok(Head {
        status,
        reason: answer.reason.unwrap_or_default().to_owned(),
        version: if minor == 0 { "HTTP/1.0" } else { "HTTP/1.1" },
        headers: answer.headers.iter().map(|it| (it.name.to_owned(), unfolded(it.value))).collect(),
        length: bytes.len(),
    })
}

/// Joins a value that an old server has folded over lines.
fn unfolded(value: &[u8]) -> Vec<u8> {
    if !value.contains(&b'\n') {
        return value.to_vec();
    }
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.collect::<Vec<_>>().join(&b' ')
}

/// Parses the trailers of a chunked body: header lines and an empty line.
pub(crate) fn parse_trailers(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, HeadFault> {
    let mut headers = vec![EMPTY_HEADER; limits::HEADERS];
    match httparse::parse_headers(bytes, &mut headers) {
        Ok(Status::Complete((_, headers))) => {
            Ok(headers.iter().map(|it| (it.name.to_owned(), it.value.to_vec())).collect())
        }
        Err(httparse::Error::TooManyHeaders) => Err(HeadFault::TooManyHeaders { limit: limits::HEADERS }),
        _ => Err(HeadFault::Header),
    }
}

/// Says what stands where a status line should.
pub(crate) fn not_http(bytes: &[u8]) -> HeadFault {
    let begin = &bytes[..bytes.len().min(BEGINS)];
    HeadFault::NotHttp { begins: String::from_utf8_lossy(begin).into_owned() }
}

/// Whether these first bytes can become a status line.
pub(crate) fn may_be_http(bytes: &[u8]) -> bool {
    let known = b"HTTP/1.";
    let length = bytes.len().min(known.len());
    bytes[..length] == known[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_goes_out_as_it_is_written() {
        let headers = [("X-b", "1"), ("x-A", ""), ("X-b", "2")].map(|(n, v)| (n.to_owned(), v.into()));
        let head = write("pAtCh", "/x?y", &headers);
        assert_eq!(head, b"pAtCh /x?y HTTP/1.1\r\nX-b: 1\r\nx-A: \r\nX-b: 2\r\n\r\n");
    }

    fn check_refused(method: &str, name: &str, value: &[u8], refused: bool) {
        let result = check(method, &[(name.to_owned(), value.to_vec())]);
        assert_eq!(result.is_err(), refused, "{method:?} {name:?} {value:?}");
    }

    #[test]
    fn what_would_split_a_head_is_refused() {
        check_refused("GET", "X", b"tab\tand \xff", false);
        check_refused("GET", "X", b"a\r\nEvil: 1", true);
        check_refused("GET", "X", b"a\nb", true);
        check_refused("GET", "X", b"a\0b", true);
        check_refused("GET", "X", b"a\x7fb", true);
        check_refused("GET", "X: 1\r\nEvil", b"", true);
        check_refused("GET", "X y", b"", true);
        check_refused("GET", "", b"", true);
        check_refused("GET", "Übel", b"", true);
        check_refused("GET / HTTP/1.1\r\n", "X", b"", true);
        check_refused("", "X", b"", true);
    }

    #[test]
    fn the_end_is_found_across_reads() {
        let bytes = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
        for scanned in 0..25 {
            assert_eq!(end(bytes, scanned), Some(25), "{scanned}");
        }
        assert_eq!(end(b"HTTP/1.1 200\n\nx", 0), Some(14));
        assert_eq!(end(b"HTTP/1.1 200 OK\r\nA: b\r\n\r", 0), None);
    }

    #[test]
    fn odd_but_whole_heads_parse() {
        let head =
            parse(b"HTTP/1.0 299\r\nx-Odd:\xff  \r\nfold: a\r\n  b\r\nx-Odd: 2\r\n\r\n").expect("a head");
        assert_eq!((head.status, head.reason.as_str(), head.version), (299, "", "HTTP/1.0"));
        let expected = [("x-Odd", &b"\xff"[..]), ("fold", b"a b"), ("x-Odd", b"2")];
        assert_eq!(head.headers, expected.map(|(n, v)| (n.to_owned(), v.to_vec())));
    }

    #[test]
    fn what_is_not_http_is_told() {
        let begins = "SSH-2.0-OpenSSH\r\n\r\n".to_owned();
        assert_eq!(parse(begins.as_bytes()), Err(HeadFault::NotHttp { begins }));
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nA b\r\n\r\n"), Err(HeadFault::Header));
    }

    #[test]
    fn headers_are_counted() {
        let head = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert_eq!(
            parse(head(limits::HEADERS).as_bytes()).map(|head| head.headers.len()),
            Ok(limits::HEADERS)
        );
        let refused = Err(HeadFault::TooManyHeaders { limit: limits::HEADERS });
        assert_eq!(parse(head(limits::HEADERS + 1).as_bytes()), refused);
    }
}
