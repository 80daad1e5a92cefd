//! The stored form of nodes and bodies: canonical JSON with a schema version.
//!
//! ```text
//! node  {"v":1,"kind":…,"position":{…},"name":…,"method":…,"trashed":{…},"conflicts":{…}, fields of newer versions}
//! body  {"v":1,"fields":{…},"conflicts":{…}}
//! list  {"$list":{"<element id>":["<order key>",value]}}
//! ```
//! An object whose one field is `$list` with any number of `$` is written with one `$` more, so every
//! document comes back as it was. Fields stand in the order of their names, so that equal records have
//! equal bytes.
//!
//! Invariants: what is written is read back equal; no input panics; size, depth and count are checked
//! before anything is built.

use std::fmt;

use serde_json::{Map as JsonMap, Value as Json};

use crate::node_document::{Misfit, from_fields, to_fields};
use crate::{
    Body, Conflict, ConflictId, Conflicts, Element, ElementId, Kind, List, Map, Node, OrderKey, Position,
    Value,
};

/// The version that is written, and the newest that is read.
pub const VERSION: u64 = 1;
/// The largest payload that is read: twice the largest envelope.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How deep a payload may nest; files that are imported nest at most half as deep.
pub const PAYLOAD_DEPTH_MAX: usize = 256;
/// How many values a payload may hold: more than fit into the largest envelope.
pub const PAYLOAD_VALUES_MAX: usize = 5_000_000;

mod reading;

const LIST: &str = "$list";
const VERSION_FIELD: &str = "v";
const CONFLICTS: &str = "conflicts";
const FIELDS: &str = "fields";

/// Why bytes are not the payload of a record.
#[derive(Debug)]
pub enum PayloadError {
    /// Larger than [`PAYLOAD_BYTES_MAX`].
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Nests deeper than [`PAYLOAD_DEPTH_MAX`].
    TooDeep,
    /// Holds more than [`PAYLOAD_VALUES_MAX`] values.
    TooMany,
    /// Not JSON.
    Json(serde_json::Error),
    /// Written by a version that this one does not read.
    Version {
        /// The version, or 0 if there is none.
        found: u64,
    },
    /// A part is missing, unknown, or not of its form.
    Form {
        /// Which part.
        part: &'static str,
    },
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading a record: ")?;
        match self {
            Self::TooLarge { bytes } => {
                write!(f, "it has {bytes} bytes, at most {PAYLOAD_BYTES_MAX} are read")
            }
            Self::TooDeep => write!(f, "it nests deeper than {PAYLOAD_DEPTH_MAX} levels"),
            Self::TooMany => write!(f, "it holds more than {PAYLOAD_VALUES_MAX} values"),
            Self::Json(error) => write!(f, "it is no JSON, {error}"),
            Self::Version { found } => {
                write!(f, "it has version {found}, this Satchel reads version {VERSION}")
            }
            Self::Form { part } => write!(f, "its {part} is not as it should be"),
        }
    }
}

impl std::error::Error for PayloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}

/// Writes a node.
pub fn encode_node(node: &Node) -> Vec<u8> {
    let mut fields = to_fields(node);
    // Names of the payload's own that a newer version's field cannot have.
    fields.remove(VERSION_FIELD);
    fields.remove(CONFLICTS);
    let mut json = json_of_map(&fields);
    if !node.conflicts.is_empty() {
        json.insert(CONFLICTS.to_owned(), json_of_conflicts(&node.conflicts));
    }
    written(json)
}

/// A node with known fields only and without conflicts, as nearly all are.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainNode<'a> {
    v: u64,
    #[serde(borrow)]
    kind: Text<'a>,
    position: PlainPosition<'a>,
    name: Text<'a>,
    #[serde(default, deserialize_with = "present")]
    method: Option<Text<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainPosition<'a> {
    #[serde(borrow)]
    parent: Text<'a>,
    order: Text<'a>,
}

/// A text that is borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

/// A field that may be left out, but not be null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Text<'de>>, D::Error> {
    <Text<'_> as serde::Deserialize>::deserialize(deserializer).map(Some)
}

/// Reads a node that is nothing special, in a fifth of the time; none for any other.
fn decode_plain_node(bytes: &[u8]) -> Option<Node> {
    if bytes.len() > PAYLOAD_BYTES_MAX {
        return None;
    }
    let node: PlainNode<'_> =
        serde_json::from_slice(bytes).ok().filter(|node: &PlainNode<'_>| node.v == VERSION)?;
    let parent = node.position.parent.0.parse().ok()?;
    let order = OrderKey::parse(&node.position.order.0).ok()?;
    Some(Node {
        kind: Kind::from_word(&node.kind.0),
        position: Position { parent, order },
        name: node.name.0.into_owned(),
        method: node.method.map(|method| method.0.into_owned()),
        trashed: None,
        conflicts: Conflicts::new(),
        extra: Map::new(),
    })
}

/// Reads a node.
pub fn decode_node(bytes: &[u8]) -> Result<Node, PayloadError> {
    match decode_plain_node(bytes) {
        Some(node) => Ok(node),
        None => decode_any_node(bytes),
    }
}

fn decode_any_node(bytes: &[u8]) -> Result<Node, PayloadError> {
    let mut fields = read(bytes, false)?;
    let conflicts = take_conflicts(&mut fields)?;
    from_fields(fields, conflicts).map_err(|Misfit(part)| PayloadError::Form { part })
}

/// Writes a body.
pub fn encode_body(body: &Body) -> Vec<u8> {
    let mut json = JsonMap::new();
    json.insert(FIELDS.to_owned(), Json::Object(json_of_map(&body.fields)));
    if !body.conflicts.is_empty() {
        json.insert(CONFLICTS.to_owned(), json_of_conflicts(&body.conflicts));
    }
    written(json)
}

/// Reads a body.
pub fn decode_body(bytes: &[u8]) -> Result<Body, PayloadError> {
    let mut parts = read(bytes, true)?;
    let conflicts = take_conflicts(&mut parts)?;
    let fields = take_object(&mut parts, FIELDS).ok_or(PayloadError::Form { part: FIELDS })?;
    if !parts.is_empty() {
        return Err(PayloadError::Form { part: "unknown part" }); // an edit here would drop it
    }
    Ok(Body { fields, conflicts })
}

/// A body without conflicts, of which only the form is looked at.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainBody {
    v: u64,
    fields: reading::Checked,
}

/// Whether bytes are a body without conflicts, in a third of the time that [`decode_body`] takes.
///
/// If so, that reads them. If not, nothing is known: they may still be one that nests deep.
pub fn is_plain_body(bytes: &[u8]) -> bool {
    // Each value takes a byte, so there are not too many. An array would be taken for the object.
    if bytes.len() > PAYLOAD_VALUES_MAX || bytes.first() != Some(&b'{') {
        return false;
    }
    let body = serde_json::from_slice(bytes);
    body.is_ok_and(|body: PlainBody| body.v == VERSION && body.fields == reading::Checked::Object)
}

/// A value as JSON, with the element ids and order keys of lists.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::String(text.clone()),
        Value::Array(values) => Json::Array(values.iter().map(value_to_json).collect()),
        Value::Object(map) => Json::Object(json_of_map(&escaped(map))),
        Value::List(list) => Json::Object(JsonMap::from_iter([(LIST.to_owned(), json_of_list(list))])),
    }
}

/// The value that JSON is: the inverse of [`value_to_json`], and of other JSON the same thing.
pub fn value_from_json(json: &Json) -> Value {
    value_of(json.clone())
}

fn written(mut json: JsonMap<String, Json>) -> Vec<u8> {
    json.insert(VERSION_FIELD.to_owned(), Json::from(VERSION));
    json.sort_keys();
    let bytes = serde_json::to_vec(&Json::Object(json)).expect("JSON values with text keys always serialise");
    debug_assert!(bytes.len() > PAYLOAD_BYTES_MAX || measure(&bytes).is_ok(), "what is written can be read");
    bytes
}

fn read(bytes: &[u8], body: bool) -> Result<Map, PayloadError> {
    measure(bytes)?;
    let record = reading::record(bytes, body).map_err(PayloadError::Json)?;
    let Value::Object(mut parts) = record else { return Err(PayloadError::Form { part: "outer form" }) };
    match parts.remove(VERSION_FIELD).as_ref().and_then(as_u64) {
        Some(VERSION) => Ok(parts),
        found => Err(PayloadError::Version { found: found.unwrap_or(0) }),
    }
}

fn as_u64(value: &Value) -> Option<u64> {
    if let Value::Number(number) = value { number.as_u64() } else { None }
}

/// Checks the limits without building anything.
fn measure(bytes: &[u8]) -> Result<(), PayloadError> {
    if bytes.len() > PAYLOAD_BYTES_MAX {
        return Err(PayloadError::TooLarge { bytes: bytes.len() });
    }
    let (mut depth, mut values) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > PAYLOAD_DEPTH_MAX {
            return Err(PayloadError::TooDeep);
        }
    }
    if values > PAYLOAD_VALUES_MAX { Err(PayloadError::TooMany) } else { Ok(()) }
}

fn json_of_map(map: &Map) -> JsonMap<String, Json> {
    map.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect()
}

fn map_of_json(json: JsonMap<String, Json>) -> Map {
    json.into_iter().map(|(name, value)| (name, value_of(value))).collect()
}

/// The object itself, or with one `$` more where it would be read as a list or lose a `$`.
fn escaped(map: &Map) -> std::borrow::Cow<'_, Map> {
    match map.first_key_value() {
        Some((name, value)) if map.len() == 1 && is_mark(name) => {
            std::borrow::Cow::Owned(Map::from([(format!("${name}"), value.clone())]))
        }
        _ => std::borrow::Cow::Borrowed(map),
    }
}

fn is_mark(name: &str) -> bool {
    name.starts_with('$') && name.trim_start_matches('$') == "list"
}

fn json_of_list(list: &List) -> Json {
    let element = |(id, element): (&ElementId, &Element)| {
        let order = Json::String(element.order.as_str().to_owned());
        (id.to_string(), Json::Array(vec![order, value_to_json(&element.value)]))
    };
    Json::Object(list.elements.iter().map(element).collect())
}

fn value_of(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Number(number),
        Json::String(text) => Value::String(text),
        Json::Array(values) => Value::Array(values.into_iter().map(value_of).collect()),
        Json::Object(json) => marked(map_of_json(json)),
    }
}

/// The value that an object with these finished fields stands for.
fn marked(mut map: Map) -> Value {
    if map.len() != 1 || !map.keys().all(|name| is_mark(name)) {
        return Value::Object(map);
    }
    let Some((mark, content)) = map.pop_first() else { return Value::Object(map) };
    if mark != LIST {
        return Value::Object(Map::from([(mark[1..].to_owned(), content)]));
    }
    match list_of(content) {
        Ok(list) => Value::List(list),
        Err(content) => Value::Object(Map::from([(mark, content)])),
    }
}

/// The list that the content of its mark makes, or that content again.
fn list_of(content: Value) -> Result<List, Value> {
    let Value::Object(elements) = content else { return Err(content) };
    let heads: Option<Vec<_>> = elements.iter().map(element_head).collect();
    let Some(heads) = heads else { return Err(Value::Object(elements)) };
    let value = |element| if let Value::Array(pair) = element { pair.into_iter().nth(1) } else { None };
    let elements = heads
        .into_iter()
        .zip(elements.into_values())
        .map(|((id, order), element)| (id, Element { order, value: value(element).unwrap_or(Value::Null) }));
    Ok(List { elements: elements.collect() })
}

/// Id and place of an element, if it is one.
fn element_head((id, element): (&String, &Value)) -> Option<(ElementId, OrderKey)> {
    let Value::Array(pair) = element else { return None };
    let [order, _] = pair.as_slice() else { return None };
    Some((id.parse().ok()?, OrderKey::parse(order.as_str()?).ok()?))
}

fn json_of_conflicts(conflicts: &Conflicts) -> Json {
    let json = |(id, conflict): (&ConflictId, &Conflict)| (id.0.clone(), json_of_conflict(conflict));
    Json::Object(conflicts.iter().map(json).collect())
}

fn json_of_conflict(conflict: &Conflict) -> Json {
    let sides = [("base", &conflict.base), ("local", &conflict.local), ("server", &conflict.server)];
    let mut json = JsonMap::new();
    for (name, value) in sides {
        if let Some(value) = value {
            json.insert(name.to_owned(), value_to_json(value));
        }
    }
    json.insert("path".to_owned(), Json::from(conflict.path.clone()));
    json.insert("when".to_owned(), Json::from(conflict.when_ms));
    json.insert("who".to_owned(), Json::from(conflict.who.clone()));
    json.sort_keys();
    Json::Object(json)
}

fn take_object(parts: &mut Map, name: &str) -> Option<Map> {
    match parts.remove(name)? {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

fn take_conflicts(parts: &mut Map) -> Result<Conflicts, PayloadError> {
    if !parts.contains_key(CONFLICTS) {
        return Ok(Conflicts::new());
    }
    let conflicts = take_object(parts, CONFLICTS).and_then(|conflicts| {
        let conflict = |(id, value)| Some((ConflictId(id), conflict_of(value)?));
        conflicts.into_iter().map(conflict).collect()
    });
    conflicts.ok_or(PayloadError::Form { part: CONFLICTS })
}

fn conflict_of(value: Value) -> Option<Conflict> {
    let Value::Object(mut fields) = value else { return None };
    let Value::Array(path) = fields.remove("path")? else { return None };
    let path = path.into_iter().map(text_of).collect::<Option<_>>()?;
    let mut side = |name: &str| fields.remove(name);
    let (base, local, server) = (side("base"), side("local"), side("server"));
    let who = text_of(fields.remove("who")?)?;
    let when_ms = as_u64(&fields.remove("when")?)?;
    fields.is_empty().then_some(Conflict { path, base, local, server, who, when_ms })
}

fn text_of(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

#[cfg(test)]
mod tests;
