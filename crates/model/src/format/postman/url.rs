//! URLs: a text taken apart into Postman's URL object, and the text that the parts say.
//!
//! Why it exists: `raw` repeats what the parts say. Stored, it would collide in a merge although two
//! edits do not meet, so it is left out where it says the same, with [`RAW_MARK`] in its place, and
//! derived again on export (decision 0001).
//!
//! Invariant: what [`parse`] makes derives the very text it was made from, or keeps it as `raw`.
//! `{{variables}}` may hold any delimiter and are never cut.

use rand_core::RngCore;
use serde_json::json;

use crate::format::postman::shape;
use crate::{Map, Value};

/// The field that says that a URL object has a `raw` that is derived from its parts.
pub const RAW_MARK: &str = "$raw";

const RAW: &str = "raw";

/// Takes a URL apart.
pub fn parse(text: &str, rng: &mut dyn RngCore) -> Value {
    let mut url = shape::plain(serde_json::Value::Object(parts(text)), &mut 0);
    shape::apply(&mut url, &shape::URL, rng);
    url
}

/// The text of a URL in either form; of an object without `raw`, what its parts say.
pub fn text(url: &Value) -> String {
    match url {
        Value::String(text) => text.clone(),
        Value::Object(fields) => match fields.get(RAW) {
            Some(Value::String(raw)) => raw.clone(),
            _ => raw(fields),
        },
        _ => String::new(),
    }
}

/// What the parts of a URL object say.
pub fn raw(fields: &Map) -> String {
    let mut text = String::new();
    if let Some(protocol) = fields.get("protocol").and_then(scalar) {
        text += &protocol;
        text += "://";
    }
    push_user(&mut text, fields.get("auth"));
    text += &joined(fields.get("host"), ".").unwrap_or_default();
    if let Some(port) = fields.get("port").and_then(scalar) {
        text.push(':');
        text += &port;
    }
    push_path(&mut text, fields.get("path"));
    push_query(&mut text, fields.get("query"));
    if let Some(hash) = fields.get("hash").and_then(scalar) {
        text.push('#');
        text += &hash;
    }
    text
}

/// Leaves `raw` out where the parts say the same.
pub(crate) fn leave_raw_out(fields: &mut Map) {
    match fields.get(RAW) {
        Some(Value::String(text)) if *text == raw(fields) => {
            fields.remove(RAW);
            fields.insert(RAW_MARK.to_owned(), Value::Bool(true));
        }
        Some(_) => drop(fields.remove(RAW_MARK)),
        None => {}
    }
}

fn push_user(text: &mut String, auth: Option<&Value>) {
    let Some(Value::Object(auth)) = auth else { return };
    let part = |name| auth.get(name).and_then(scalar);
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

fn push_path(text: &mut String, path: Option<&Value>) {
    let Some(joined) = joined(path, "/") else { return };
    let is_rooted = joined.starts_with('/') && matches!(path, Some(Value::String(_)));
    if !is_rooted {
        text.push('/');
    }
    *text += &joined;
}

fn push_query(text: &mut String, query: Option<&Value>) {
    let Some(query) = query else { return };
    let enabled = query.in_order().into_iter().filter(|parameter| !is_disabled(parameter));
    for (at, parameter) in enabled.enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        let Value::Object(parameter) = parameter else { continue };
        *text += &parameter.get("key").and_then(scalar).unwrap_or_default();
        if let Some(value) = parameter.get("value").and_then(scalar) {
            text.push('=');
            *text += &value;
        }
    }
}

fn is_disabled(parameter: &Value) -> bool {
    matches!(parameter, Value::Object(fields) if fields.get("disabled") == Some(&Value::Bool(true)))
}

/// A part that may be a text or its pieces; none if there is nothing.
fn joined(part: Option<&Value>, between: &str) -> Option<String> {
    match part? {
        Value::Array(pieces) if pieces.is_empty() => None,
        pieces @ (Value::Array(_) | Value::List(_)) => {
            let texts = pieces.in_order().into_iter().map(|piece| piece_text(piece).unwrap_or_default());
            Some(texts.collect::<Vec<_>>().join(between))
        }
        part => scalar(part),
    }
}

fn piece_text(piece: &Value) -> Option<String> {
    match piece {
        Value::Object(fields) => fields.get("value").and_then(scalar),
        piece => scalar(piece),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The parts of a URL's text as JSON, with `raw`.
pub(crate) fn parts(text: &str) -> serde_json::Map<String, serde_json::Value> {
    let mut fields = serde_json::Map::new();
    let mut add = |name: &str, value: serde_json::Value| drop(fields.insert(name.to_owned(), value));
    add("raw", json!(text));
    let (rest, hash) = cut(text, '#');
    let (rest, query) = cut(rest, '?');
    let (protocol, rest) = protocol(rest);
    if let Some(protocol) = protocol {
        add("protocol", json!(protocol));
    }
    let (authority, path) = cut(rest, '/');
    let (user, host) = user(authority);
    if let Some(user) = user {
        let (name, password) = cut(user, ':');
        add(
            "auth",
            password.map_or(json!({ "user": name }), |word| json!({ "user": name, "password": word })),
        );
    }
    let (host, port) = port(host);
    if !host.is_empty() {
        add("host", json!(split(host, '.')));
    }
    if let Some(port) = port {
        add("port", json!(port));
    }
    if let Some(path) = path {
        let segments = split(path, '/');
        let variables = variables(&segments);
        add("path", json!(segments));
        if !variables.is_empty() {
            add("variable", json!(variables));
        }
    }
    if let Some(query) = query {
        add("query", split(query, '&').into_iter().map(parameter).collect());
    }
    if let Some(hash) = hash {
        add("hash", json!(hash));
    }
    fields
}

fn parameter(text: &str) -> serde_json::Value {
    let (key, value) = cut(text, '=');
    json!({ "key": key, "value": value })
}

/// A variable for each path segment like `:name`, once.
fn variables(segments: &[&str]) -> Vec<serde_json::Value> {
    let mut names: Vec<&str> = Vec::new();
    for name in segments.iter().filter_map(|segment| segment.strip_prefix(':')) {
        if !name.is_empty() && !names.contains(&name) && names.len() < VARIABLES_MAX {
            names.push(name);
        }
    }
    names.into_iter().map(|name| json!({ "key": name, "value": "" })).collect()
}

/// How many path variables one URL's text may name; a URL with more is not one.
const VARIABLES_MAX: usize = 200;

fn protocol(text: &str) -> (Option<&str>, &str) {
    match outside(text, '/').next() {
        Some(slash) if slash > 1 && text[..slash].ends_with(':') && text[slash..].starts_with("//") => {
            (Some(&text[..slash - 1]), &text[slash + 2..])
        }
        _ => (None, text),
    }
}

fn user(authority: &str) -> (Option<&str>, &str) {
    match outside(authority, '@').last() {
        Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
        None => (None, authority),
    }
}

fn port(host: &str) -> (&str, Option<&str>) {
    let Some(colon) = outside(host, ':').last() else { return (host, None) };
    let port = &host[colon + 1..];
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_variable = port.starts_with("{{") && port.ends_with("}}");
    if is_number || is_variable { (&host[..colon], Some(port)) } else { (host, None) }
}

/// Cuts at the first `sign` that is not in a variable.
fn cut(text: &str, sign: char) -> (&str, Option<&str>) {
    match outside(text, sign).next() {
        Some(at) => (&text[..at], Some(&text[at + sign.len_utf8()..])),
        None => (text, None),
    }
}

fn split(text: &str, sign: char) -> Vec<&str> {
    let mut start = 0;
    let mut pieces = Vec::new();
    for at in outside(text, sign) {
        pieces.push(&text[start..at]);
        start = at + sign.len_utf8();
    }
    pieces.push(&text[start..]);
    pieces
}

/// Where a sign stands outside of `{{variables}}`.
fn outside(text: &str, sign: char) -> impl Iterator<Item = usize> {
    let mut inside_until = 0;
    let mut may_open = true; // once no `}}` follows, none follows later either
    text.char_indices().filter_map(move |(at, character)| {
        if at >= inside_until && may_open && character == '{' && text[at..].starts_with("{{") {
            match text[at..].find("}}") {
                Some(len) => inside_until = at + len + 2,
                None => may_open = false,
            }
        }
        (at >= inside_until && character == sign).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::{RAW_MARK, parse, parts, text};
    use crate::Value;
    use crate::format::postman::shape::to_json;

    fn check(input: &str, expected: &str) {
        let mut fields = parts(input);
        assert_eq!(fields.shift_remove("raw"), Some(serde_json::json!(input)));
        assert_eq!(serde_json::Value::Object(fields).to_string(), expected, "{input}");
        let url = parse(input, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(text(&url), input);
        assert!(matches!(&url, Value::Object(fields) if fields.contains_key(RAW_MARK)), "{input} is derived");
        assert_eq!(to_json(&url)["raw"], serde_json::json!(input));
    }

    #[test]
    fn a_url_is_taken_apart() {
        check("", "{}");
        check("{{base}}/a", r#"{"host":["{{base}}"],"path":["a"]}"#);
        check(
            "https://api.example.com:8080/v1/:id/?a=b&c&=d#top",
            concat!(
                r#"{"protocol":"https","host":["api","example","com"],"port":"8080","path":["v1",":id",""],"#,
                r#""variable":[{"key":"id","value":""}],"query":[{"key":"a","value":"b"},"#,
                r#"{"key":"c","value":null},{"key":"","value":"d"}],"hash":"top"}"#
            ),
        );
        check(
            "https://ani{{yo}}ket:{{asd}}@{{host}}:{{port}}/x",
            concat!(
                r#"{"protocol":"https","auth":{"user":"ani{{yo}}ket","password":"{{asd}}"},"#,
                r#""host":["{{host}}"],"port":"{{port}}","path":["x"]}"#
            ),
        );
        check(
            "{{a/b?c#d.e&f}}.x?q={{1&2}}",
            r#"{"host":["{{a/b?c#d.e&f}}","x"],"query":[{"key":"q","value":"{{1&2}}"}]}"#,
        );
        check("/just/path", r#"{"path":["just","path"]}"#);
        check("http://[::1]:80/", r#"{"protocol":"http","host":["[::1]"],"port":"80","path":[""]}"#);
        check("a?", r#"{"host":["a"],"query":[{"key":"","value":null}]}"#);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(input in "[a-z:/?#&=.@{}{}ä0-9]{0,40}", seed: u64) {
            let url = parse(&input, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(text(&url), input.clone());
            prop_assert_eq!(&to_json(&url)["raw"], &serde_json::json!(input));
        }
    }
}
