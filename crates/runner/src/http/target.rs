//! A URL taken apart for the wire.
//!
//! Not `url::Url`: that resolves dots and rewrites the path, and a request must go where it is written to.
//! Only what cannot stand in a request line (controls, spaces, bytes beyond ASCII) is percent-encoded.

use std::fmt::Write as _;

use url::Host;

use super::{SendError, UrlFault};
use crate::limits;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Over TLS.
    pub(crate) secure: bool,
    /// Written with `ws` or `wss`.
    pub(crate) websocket: bool,
    /// The host to connect to; an IPv6 address without brackets.
    pub(crate) host: String,
    /// The port to connect to.
    pub(crate) port: u16,
    /// What the `Host` header says.
    pub(crate) authority: String,
    /// Path and query, encoded for the request line.
    pub(crate) path: String,
    /// The user and password written in the URL, decoded and joined by a colon.
    pub(crate) credentials: Option<Vec<u8>>,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, SendError> {
        Self::take_apart(url).map_err(|fault| SendError::BadUrl { url: shortened(url), fault })
    }

    fn take_apart(url: &str) -> Result<Self, UrlFault> {
        if url.len() > limits::URL_BYTES {
            return Err(UrlFault::TooLong);
        }
        let (scheme, rest) = url.split_once("://").ok_or(UrlFault::Scheme)?;
        let (secure, websocket) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, false),
            "https" => (true, false),
            "ws" => (false, true),
            "wss" => (true, true),
            _ => return Err(UrlFault::Scheme),
        };
        let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, place) = place.rsplit_once('@').map_or((None, place), |(user, host)| (Some(user), host));
        let (host, port) = host_and_port(place)?;
        let default = if secure { 443 } else { 80 };
        let port = port.unwrap_or(default);
        let written = host.to_string();
        Ok(Self {
            secure,
            websocket,
            authority: if port == default { written.clone() } else { format!("{written}:{port}") },
            host: written.trim_matches(['[', ']']).to_owned(),
            port,
            path: path_for_wire(path),
            credentials: user.map(percent_decoded),
        })
    }

    /// `host:port` as CONNECT and messages name it.
    pub(crate) fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The scheme of the request.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The URL as a proxy gets it.
    pub(crate) fn absolute(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.path)
    }

    /// The path without its query, for cookies.
    pub(crate) fn path_only(&self) -> &str {
        self.path.split('?').next().unwrap_or("/")
    }

    /// Whether both lead to the same host, port and scheme.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure && self.host == other.host && self.port == other.port
    }
}

/// The beginning of a URL, for a message.
fn shortened(url: &str) -> String {
    url[..url.floor_char_boundary(2_000)].to_owned()
}

fn host_and_port(place: &str) -> Result<(Host, Option<u16>), UrlFault> {
    let host_end = place.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match place[host_end..].rfind(':') {
        Some(colon) => (&place[..host_end + colon], &place[host_end + colon + 1..]),
        None => (place, ""),
    };
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port != 0).ok_or(UrlFault::Port)?)
        }
        _ => return Err(UrlFault::Port),
    };
    let host = Host::parse(host).map_err(|_| UrlFault::Host)?;
    // A name longer than DNS carries is no name, and need not reach a resolver.
    if host.to_string().len() > 255 { Err(UrlFault::Host) } else { Ok((host, port)) }
}

fn path_for_wire(written: &str) -> String {
    let path = written.split('#').next().unwrap_or_default();
    let mut encoded = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        encoded.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            percent_encode(&mut encoded, byte);
        }
    }
    encoded
}

pub(super) fn percent_encode(text: &mut String, byte: u8) {
    write!(text, "%{byte:02X}").expect("writing to a string does not fail");
}

pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = pair.and_then(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?));
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<(&str, u16, &str, &str), UrlFault>) {
        let target = Target::take_apart(url);
        let told =
            target.as_ref().map(|it| (it.host.as_str(), it.port, it.authority.as_str(), it.path.as_str()));
        assert_eq!(told, expected.as_ref().map(|it| *it), "{url}");
    }

    #[test]
    fn a_url_goes_where_it_is_written_to() {
        check("http://a.test", Ok(("a.test", 80, "a.test", "/")));
        check("HTTPS://A.test:443/x/../y//z?q=1#end", Ok(("a.test", 443, "a.test", "/x/../y//z?q=1")));
        check("http://a.test:8080?q", Ok(("a.test", 8080, "a.test:8080", "/?q")));
        check("http://[::1]:81/", Ok(("::1", 81, "[::1]:81", "/")));
        check("http://bücher.test/ü", Ok(("xn--bcher-kva.test", 80, "xn--bcher-kva.test", "/%C3%BC")));
        check("http://a_b.test:/", Ok(("a_b.test", 80, "a_b.test", "/")));
    }

    #[test]
    fn what_would_split_a_request_line_is_encoded() {
        check(
            "http://a.test/x HTTP/1.1\r\nEvil: 1\t\u{7f}",
            Ok(("a.test", 80, "a.test", "/x%20HTTP/1.1%0D%0AEvil:%201%09%7F")),
        );
    }

    #[test]
    fn what_is_no_url_is_refused() {
        check("a.test/x", Err(UrlFault::Scheme));
        check("ftp://a.test/", Err(UrlFault::Scheme));
        check("http:///x", Err(UrlFault::Host));
        check("http://a b/", Err(UrlFault::Host));
        check("http://a.test\r\nEvil/", Err(UrlFault::Host));
        check("http://a%0d%0ab/", Err(UrlFault::Host));
        check("http://[::1/", Err(UrlFault::Host));
        check("http://a.test:99999/", Err(UrlFault::Port));
        check("http://a.test:-1/", Err(UrlFault::Port));
        check("http://a.test:0/", Err(UrlFault::Port));
        check(&format!("http://a.test/{}", "x".repeat(limits::URL_BYTES)), Err(UrlFault::TooLong));
        check(&format!("http://{}/", "a".repeat(300)), Err(UrlFault::Host));
    }

    #[test]
    fn user_and_password_are_taken_out_and_decoded() {
        let target = Target::take_apart("http://us%40er:p%zz@a.test/").expect("a URL");
        assert_eq!(target.credentials.as_deref(), Some(&b"us@er:p%zz"[..]));
        assert_eq!(target.authority, "a.test");
    }
}
