//! Where lists stand in Postman's objects, and documents from and to plain JSON.
//!
//! Why it exists: an array of headers, parameters, variables, form fields, scripts or sign-in
//! attributes merges by element, so it is a [`List`] in a document. Everything else is kept as it is.
//! Knows nothing of files and items.

use rand_core::RngCore;
use serde_json::Value as Json;

use crate::format::postman::NO_NAME;
use crate::format::postman::url::{self, RAW_MARK};
use crate::{Kind, List, Map, Value};

/// What is known of a value's structure.
pub(crate) enum Shape {
    /// Kept as it is.
    Plain,
    /// An object some of whose fields have a structure.
    Fields(&'static [(&'static str, Shape)]),
    /// An array whose elements merge by id.
    List,
    /// A text or a URL object.
    Url,
    /// An object with a list of attributes for each way to sign in.
    Auth,
}

/// A URL.
pub(crate) static URL: Shape = Shape::Url;

const REQUEST: Shape = Shape::Fields(&[
    ("url", Shape::Url),
    ("header", Shape::List),
    ("auth", Shape::Auth),
    ("body", Shape::Fields(&[("urlencoded", Shape::List), ("formdata", Shape::List)])),
]);
static PLAIN: Shape = Shape::Plain;
static GROUP: Shape =
    Shape::Fields(&[("event", Shape::List), ("variable", Shape::List), ("auth", Shape::Auth)]);
static REQUEST_ITEM: Shape = Shape::Fields(&[
    ("event", Shape::List),
    ("variable", Shape::List),
    ("auth", Shape::Auth),
    ("request", REQUEST),
]);
static EXAMPLE: Shape =
    Shape::Fields(&[("header", Shape::List), ("cookie", Shape::List), ("originalRequest", REQUEST)]);
static VARIABLES: Shape = Shape::Fields(&[("values", Shape::List)]);

/// The structure of an item's body.
pub(crate) fn of_kind(kind: &Kind) -> &'static Shape {
    match kind {
        Kind::Collection | Kind::Folder => &GROUP,
        Kind::Request => &REQUEST_ITEM,
        Kind::Example => &EXAMPLE,
        Kind::Environment | Kind::Globals => &VARIABLES,
        Kind::Workspace | Kind::Unknown(_) => &PLAIN,
    }
}

/// Gives a value its structure: arrays become lists, and `raw` is left out of URLs where it can be.
///
/// What has its structure already stays as it is.
pub(crate) fn apply(value: &mut Value, shape: &Shape, rng: &mut dyn RngCore) {
    match (shape, value) {
        (Shape::Fields(fields), Value::Object(map)) => apply_fields(map, fields, rng),
        (Shape::List, value) => make_list(value, rng),
        (Shape::Url, Value::Object(map)) => {
            for name in ["query", "variable"] {
                if let Some(value) = map.get_mut(name) {
                    make_list(value, rng);
                }
            }
            url::leave_raw_out(map);
        }
        (Shape::Auth, Value::Object(map)) => {
            map.values_mut().filter(|value| is_objects(value)).for_each(|value| make_list(value, rng));
        }
        _ => {}
    }
}

fn apply_fields(map: &mut Map, fields: &[(&str, Shape)], rng: &mut dyn RngCore) {
    for (name, shape) in fields {
        if let Some(value) = map.get_mut(*name) {
            apply(value, shape, rng);
        }
    }
}

/// Gives the fields of an item of a kind their structure.
pub(crate) fn apply_to_body(fields: &mut Map, kind: &Kind, rng: &mut dyn RngCore) {
    if let Shape::Fields(shapes) = of_kind(kind) {
        apply_fields(fields, shapes, rng);
    }
}

fn is_objects(value: &Value) -> bool {
    matches!(value, Value::Array(values) if values.iter().all(|value| matches!(value, Value::Object(_))))
}

fn make_list(value: &mut Value, rng: &mut dyn RngCore) {
    if let Value::Array(values) = value {
        *value = Value::List(List::from_values(std::mem::take(values), rng));
    }
}

/// A document value from JSON, without any structure; adds about as many bytes as its stored form
/// takes to `bytes`.
pub(crate) fn plain(json: Json, bytes: &mut usize) -> Value {
    *bytes += 4;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => {
            *bytes += number.as_str().len();
            Value::Number(number)
        }
        Json::String(text) => {
            *bytes += stored_bytes(&text);
            Value::String(text)
        }
        Json::Array(values) => {
            *bytes += values.len() * ELEMENT_BYTES;
            Value::Array(values.into_iter().map(|value| plain(value, bytes)).collect())
        }
        Json::Object(fields) => Value::Object(plain_fields(fields, bytes)),
    }
}

/// About what an element's id and order key take.
const ELEMENT_BYTES: usize = 40;

/// How long a text is as JSON.
fn stored_bytes(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    });
    text.len() + escapes.sum::<usize>()
}

/// The fields of a document from a JSON object.
pub(crate) fn plain_fields(fields: serde_json::Map<String, Json>, bytes: &mut usize) -> Map {
    let mut map = Map::new();
    for (mut name, value) in fields {
        *bytes += name.len() + 4;
        if is_like_a_mark(&name) {
            name.insert(0, '$');
        }
        let value = plain(value, bytes);
        map.insert(name, value);
    }
    map
}

/// Whether a name is a mark of this module, with any number of `$` before it: in a document, a name
/// of a file that is like a mark has one `$` more, so that nothing in a file is read as a mark.
fn is_like_a_mark(name: &str) -> bool {
    name.starts_with('$') && [RAW_MARK, NO_NAME].iter().any(|mark| name.trim_start_matches('$') == &mark[1..])
}

/// The JSON of a document value: lists as arrays in their order, URLs with their `raw`.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::String(text.clone()),
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::List(list) => list.in_order().into_iter().map(|(_, value)| to_json(value)).collect(),
        Value::Object(map) => Json::Object(fields_to_json(map)),
    }
}

/// The JSON of an object's fields, without the marks of this module.
pub(crate) fn fields_to_json(map: &Map) -> serde_json::Map<String, Json> {
    let mut fields = serde_json::Map::with_capacity(map.len());
    if map.contains_key(RAW_MARK) && !map.contains_key("raw") {
        fields.insert("raw".to_owned(), Json::String(url::raw(map)));
    }
    for (name, value) in map {
        if is_like_a_mark(name) {
            if let Some(name) = name.strip_prefix("$").filter(|name| name.starts_with('$')) {
                fields.insert(name.to_owned(), to_json(value)); // a name of the file that is like a mark
            }
        } else {
            fields.insert(name.clone(), to_json(value));
        }
    }
    fields
}
