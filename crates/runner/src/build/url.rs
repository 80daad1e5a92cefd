//! URLs as Postman takes them apart and encodes them.
//!
//! Not the `url` crate: that resolves dots, sorts out schemes and decodes, and a request must go where it is
//! written to. The rules are those of `postman-url-encoder`: what is percent-encoded already stays, every part
//! has its own set of bytes that are encoded, a `{{variable}}` that nobody resolved is never cut.
//!
//! Invariant: user, path and query of what [`Url::encoded`] gives hold no control, no space and nothing beyond
//! ASCII, with encoding on or off. An odd scheme, host or port is left for the transport to refuse.

use serde_json::Value as Json;

use crate::variable::text_of;

/// A URL in parts, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Url {
    pub(crate) protocol: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<String>,
    /// Without the first slash.
    pub(crate) path: Option<String>,
    pub(crate) query: Vec<Param>,
    pub(crate) hash: Option<String>,
}

/// A parameter; one without a value has no `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

/// A URL encoded for sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) protocol: String,
    pub(crate) credentials: Option<String>,
    /// With the port as written.
    pub(crate) host: String,
    pub(crate) hostname: String,
    pub(crate) port: Option<String>,
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: Option<String>,
    pub(crate) hash: Option<String>,
}

impl Encoded {
    /// The whole of it, without the fragment, which does not travel.
    pub(crate) fn href(&self) -> String {
        let user = self.credentials.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        format!("{}://{user}{}{}", self.protocol, self.host, self.target())
    }

    /// Path and query.
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl Url {
    /// Takes a text apart.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim_start();
        let mask = masked(text);
        let (rest, hash) = cut(0, text.len(), mask.find('#'));
        let (rest, query) = cut(0, rest.1, mask[..rest.1].find('?'));
        let slashed = text[..rest.1].replace('\\', "/");
        let mask = mask[..rest.1].replace('\\', "/");
        let mut url = Self::before_query(&slashed, &mask);
        url.hash = hash.map(|(from, until)| text[from..until].to_owned());
        url.query = query.map(|(from, until)| params(text, from, until)).unwrap_or_default();
        url
    }

    /// Takes apart what stands before the query. The mask has the same places without variables.
    fn before_query(text: &str, mask: &str) -> Self {
        let mut url = Self::default();
        let mut from = 0;
        if let Some(at) = mask.find("://") {
            url.protocol = Some(text[..at].to_owned());
            from = at + 3;
            from += mask[from..].bytes().take_while(|byte| *byte == b'/').count();
        }
        let mut until = text.len();
        if let Some(at) = mask[from..].find('/') {
            url.path = Some(text[from + at + 1..].to_owned());
            until = from + at;
        }
        if let Some(at) = mask[from..until].rfind('@') {
            let user = &text[from..from + at];
            match mask[from..from + at].find(':') {
                Some(colon) => {
                    url.user = Some(user[..colon].to_owned());
                    url.password = Some(user[colon + 1..].to_owned());
                }
                None => url.user = Some(user.to_owned()),
            }
            from += at + 1;
        }
        if let Some(at) = mask[from..until].rfind(':')
            && !mask[from + at..until].contains(']')
        {
            url.port = Some(text[from + at + 1..until].to_owned());
            until = from + at;
        }
        text[from..until].clone_into(&mut url.host);
        url
    }

    /// Encodes each part, or, with `plain`, only what cannot travel at all.
    pub(crate) fn encoded(&self, plain: bool) -> Encoded {
        let encode = |text: &str, set: fn(u8) -> bool| percent(text, if plain { cannot_travel } else { set });
        let user = self.user.as_ref().map(|user| encode(user, in_user));
        let credentials = match &self.password {
            Some(password) => Some(format!("{}:{}", user.unwrap_or_default(), encode(password, in_user))),
            None => user,
        };
        let written = self.host.to_lowercase().replace(['\t', '\r', '\n'], "");
        let hostname = ::url::Host::parse(&written).map_or(written, |host| host.to_string());
        let host = self.port.as_ref().map_or_else(|| hostname.clone(), |port| format!("{hostname}:{port}"));
        Encoded {
            protocol: self.protocol.as_deref().unwrap_or("http").to_lowercase(),
            credentials,
            host,
            hostname,
            port: self.port.clone(),
            path: encode(&format!("/{}", self.path.as_deref().unwrap_or_default()), in_path),
            query: (!self.query.is_empty()).then(|| encode(&unparse(&self.query), in_query)),
            hash: self.hash.as_ref().map(|hash| encode(hash, in_fragment)),
        }
    }
}

/// The text of a URL of a document: a text, or an object whose parts count and whose `raw` counts where it has
/// none. Path variables with a value are in their places.
pub(crate) fn document_text(url: &Json) -> String {
    let Json::Object(fields) = url else { return url.as_str().unwrap_or_default().to_owned() };
    let is_taken_apart =
        ["host", "path", "query", "protocol"].iter().any(|part| fields.get(*part).is_some_and(is_there));
    if !is_taken_apart {
        return fields.get("raw").and_then(Json::as_str).unwrap_or_default().to_owned();
    }
    let mut text = String::new();
    if let Some(protocol) = fields.get("protocol").and_then(scalar) {
        text += protocol.trim_end_matches("://");
        text += "://";
    }
    push_user(&mut text, fields.get("auth"));
    text += &pieces(fields.get("host"), '.').join(".");
    if let Some(port) = fields.get("port").and_then(scalar) {
        text.push(':');
        text += &port;
    }
    let path = pieces(fields.get("path"), '/');
    if !path.is_empty() {
        let variables = path_variables(fields.get("variable"));
        let segments = path.iter().map(|segment| with_variable(segment, &variables));
        text.push('/');
        text += &segments.collect::<Vec<_>>().join("/");
    }
    push_query(&mut text, fields.get("query"));
    if let Some(hash) = fields.get("hash").and_then(scalar) {
        text.push('#');
        text += &hash;
    }
    text
}

fn push_user(text: &mut String, auth: Option<&Json>) {
    let part = |name: &str| auth?.get(name).and_then(scalar);
    let (user, password) = (part("user"), part("password"));
    if user.is_none() && password.is_none() {
        return;
    }
    *text += &user.unwrap_or_default();
    if let Some(password) = password {
        text.push(':');
        *text += &password;
    }
    text.push('@');
}

fn push_query(text: &mut String, query: Option<&Json>) {
    let params = match query {
        Some(Json::String(query)) if !query.is_empty() => params(query, 0, query.len()),
        Some(Json::Array(list)) => list.iter().filter(|param| is_enabled(param)).map(param).collect(),
        Some(Json::Object(map)) => {
            map.iter().map(|(key, value)| Param { key: key.clone(), value: scalar(value) }).collect()
        }
        _ => return,
    };
    if !params.is_empty() {
        text.push('?');
        *text += &unparse(&params);
    }
}

fn param(param: &Json) -> Param {
    match param {
        Json::String(text) => single(text),
        other => Param {
            key: other.get("key").and_then(scalar).unwrap_or_default(),
            value: other.get("value").and_then(scalar),
        },
    }
}

/// Whether an element of a list counts.
pub(crate) fn is_enabled(element: &Json) -> bool {
    element.get("disabled") != Some(&Json::Bool(true))
}

fn is_there(part: &Json) -> bool {
    match part {
        Json::Array(list) => !list.is_empty(),
        Json::String(text) => !text.is_empty(),
        Json::Null => false,
        _ => true,
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::Array(_) | Json::Object(_) => None,
        value => Some(text_of(value)),
    }
}

/// The pieces of a host or path, which may be a text.
fn pieces(part: Option<&Json>, between: char) -> Vec<String> {
    match part {
        Some(Json::Array(list)) => {
            list.iter().map(|piece| scalar(piece.get("value").unwrap_or(piece)).unwrap_or_default()).collect()
        }
        Some(Json::String(text)) if between == '/' => {
            let text = text.strip_prefix('/').unwrap_or(text);
            if text.is_empty() { Vec::new() } else { text.split('/').map(str::to_owned).collect() }
        }
        Some(Json::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn path_variables(list: Option<&Json>) -> Vec<(String, String)> {
    let list = list.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let variable = |variable: &Json| {
        let key = variable.get("key").or_else(|| variable.get("id"))?.as_str()?.to_owned();
        let value = variable.get("value").and_then(scalar).filter(|value| !value.is_empty())?;
        is_enabled(variable).then_some((key, value))
    };
    list.iter().filter_map(variable).collect()
}

/// A segment `:name` or `:name.suffix` with the variable's value.
fn with_variable(segment: &str, variables: &[(String, String)]) -> String {
    let Some(rest) = segment.strip_prefix(':') else { return segment.to_owned() };
    let (name, suffix) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    let value = variables.iter().rev().find(|(key, _)| key == name);
    value.map_or_else(|| segment.to_owned(), |(_, value)| format!("{value}{suffix}"))
}

/// The parameters of a query's text.
fn params(text: &str, from: usize, until: usize) -> Vec<Param> {
    let mask = masked(text);
    let mut params = Vec::new();
    let mut start = from;
    for (at, _) in mask[from..until].match_indices('&') {
        params.push(single(&text[start..from + at]));
        start = from + at + 1;
    }
    params.push(single(&text[start..until]));
    params
}

fn single(text: &str) -> Param {
    match text.split_once('=') {
        Some((key, value)) => Param { key: key.to_owned(), value: Some(value.to_owned()) },
        None => Param { key: text.to_owned(), value: None },
    }
}

fn unparse(params: &[Param]) -> String {
    let one = |param: &Param| {
        let key = reserved(&param.key, true);
        param.value.as_ref().map_or_else(|| key.clone(), |value| format!("{key}={}", reserved(value, false)))
    };
    params.iter().map(one).collect::<Vec<_>>().join("&")
}

/// Encodes what would end a parameter, outside of variables.
fn reserved(text: &str, in_key: bool) -> String {
    if !text.contains(['&', '#', '=']) {
        return text.to_owned();
    }
    let mask = masked(text);
    let mut out = String::with_capacity(text.len());
    for (at, sign) in text.char_indices() {
        match (sign, mask.as_bytes().get(at)) {
            ('&', Some(b'&')) => out += "%26",
            ('#', Some(b'#')) => out += "%23",
            ('=', Some(b'=')) if in_key => out += "%3D",
            _ => out.push(sign),
        }
    }
    out
}

/// The text with `_` for every byte of an unresolved variable, so that no delimiter is found in one.
fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|open| at + open) {
        let end = text[open + 2..].find(['{', '}']).map(|end| open + 2 + end);
        match end {
            Some(end) if text[end..].starts_with("}}") => {
                bytes[open..end + 2].fill(b'_');
                at = end + 2;
            }
            Some(end) => at = if end == open + 2 { open + 1 } else { end },
            None => break,
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

type Range = (usize, usize);

/// The ranges before and after a delimiter of one byte.
fn cut(from: usize, until: usize, at: Option<usize>) -> (Range, Option<Range>) {
    match at {
        Some(at) => ((from, at), Some((at + 1, until))),
        None => ((from, until), None),
    }
}

/// Percent-encodes the bytes of a set; what is encoded already stays.
pub(crate) fn percent(text: &str, set: fn(u8) -> bool) -> String {
    use std::fmt::Write as _;
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    for (at, byte) in bytes.iter().enumerate() {
        let is_encoded = *byte == b'%'
            && bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if !is_encoded && set(*byte) {
            write!(out, "%{byte:02X}").expect("writing to a text does not fail");
        } else {
            out.push(char::from(*byte));
        }
    }
    out
}

fn cannot_travel(byte: u8) -> bool {
    !byte.is_ascii_graphic()
}

fn is_control(byte: u8) -> bool {
    !(0x20..0x7f).contains(&byte)
}

fn in_query(byte: u8) -> bool {
    is_control(byte) || b" \"#'<>".contains(&byte)
}

fn in_fragment(byte: u8) -> bool {
    is_control(byte) || b" \"<>`".contains(&byte)
}

fn in_path(byte: u8) -> bool {
    in_fragment(byte) || b"#?{}".contains(&byte)
}

fn in_user(byte: u8) -> bool {
    in_path(byte) || b"/:;=@[\\]^|".contains(&byte)
}

/// Everything but letters, digits and `-._~`: RFC 3986, as forms and signatures encode.
pub(crate) fn strict(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a text does not fail");
        }
    }
    out
}

/// Undoes percent-encoding, and `+` for a space where `plus` says so; what is no UTF-8 is replaced.
pub(crate) fn decoded(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex =
            bytes.get(at + 1..at + 3).filter(|two| *byte == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 2;
            }
            None => out.push(if plus && *byte == b'+' { b' ' } else { *byte }),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Url, document_text, percent, strict};

    fn check(text: &str, expected: &str) {
        let encoded = Url::parse(text).encoded(false);
        let hash = encoded.hash.as_ref().map(|hash| format!("#{hash}")).unwrap_or_default();
        assert_eq!(encoded.href() + &hash, expected, "{text}");
    }

    #[test]
    fn a_url_is_encoded_as_postman_does() {
        // The examples of postman-url-encoder's documentation.
        check(
            "郵便屋さん.com/foo&bar/{baz}?q=(\"foo\")#`hash`",
            "http://xn--48jwgn17gdel797d.com/foo&bar/%7Bbaz%7D?q=(%22foo%22)#%60hash%60",
        );
        check("HTTP://Example.COM", "http://example.com/");
        check("localhost?", "http://localhost/?");
        check("localhost:8080/a/../b c", "http://localhost:8080/a/../b%20c");
        check("https://user name:p@ss:w@host/p", "https://user%20name:p%40ss%3Aw@host/p");
        check("http:\\\\host\\path?a=\\", "http://host/path?a=\\");
        check("http:////host/path", "http://host/path");
        check("h/%41%zz%?x='1'&y=a b&&z", "http://h/%41%zz%?x=%271%27&y=a%20b&&z");
        check("h?a=b=c&d=e#f g", "http://h/?a=b=c&d=e#f%20g");
        check("[::1]:80/x", "http://[::1]:80/x");
        check("{{host:/?#}}/{{a/b?}}?x={{y&#}}", "http://{{host:/?#}}/%7B%7Ba/b%3F%7D%7D?x={{y&%23}}");
        check("h\r\n.test:1/", "http://h.test:1/");
        check("h/a\r\nX: 1?b\n=\t", "http://h/a%0D%0AX:%201?b%0A=%09");
    }

    #[test]
    fn without_encoding_only_what_cannot_travel_is_encoded() {
        let encoded = Url::parse("h/a\"{}'?q=\"'<\r\nX: é#'").encoded(true);
        assert_eq!(encoded.href(), "http://h/a\"{}'?q=\"'<%0D%0AX:%20%C3%A9");
    }

    fn check_document(document: &serde_json::Value, expected: &str) {
        assert_eq!(document_text(document), expected);
    }

    #[test]
    fn a_documents_url_says_its_parts() {
        check_document(&json!("http://a/b"), "http://a/b");
        check_document(&json!({ "raw": "http://a/b" }), "http://a/b");
        check_document(
            &json!({
                "raw": "stale", "protocol": "https", "auth": { "user": "u", "password": "p" },
                "host": ["api", "test"], "port": 81, "path": ["v1", ":id", ":file.json", ":empty", { "value": "o" }],
                "variable": [{ "key": "id", "value": "{{id}}" }, { "key": "file", "value": "f" }, { "key": "empty", "value": "" }],
                "query": [
                    { "key": "a", "value": "1&2=3#" }, { "key": "b=", "value": null },
                    { "key": "off", "value": "x", "disabled": true }, { "key": "{{k&}}", "value": "{{v&}}&" },
                ],
                "hash": "h",
            }),
            "https://u:p@api.test:81/v1/{{id}}/f.json/:empty/o?a=1%262=3%23&b%3D&{{k&}}={{v&}}%26#h",
        );
        check_document(&json!({ "host": "h.test", "path": "/a/b/", "query": "x=1&y" }), "h.test/a/b/?x=1&y");
        check_document(&json!({ "host": ["h"], "query": [{ "key": "x", "disabled": true }] }), "h");
        check_document(&json!(null), "");
    }

    #[test]
    fn encodings_keep_what_is_encoded_or_do_not() {
        assert_eq!(percent("%41 %zz%4", super::in_query), "%41%20%zz%4");
        assert_eq!(strict("a b%41*'é~"), "a%20b%2541%2A%27%C3%A9~");
    }
}
