//! What a file is, told by its content and never by its name.

use serde_json::{Map, Value as Json};

use crate::format::dump;
use crate::format::postman::build::Drafts;
use crate::format::postman::{Foreign, ImportError, SCOPE, Source, Version, collection, environment, v1};

/// How many names of an unknown object are shown.
const NAMES_SHOWN: usize = 5;
const NAME_CHARS_SHOWN: usize = 40;
/// How deep a file may be wrapped in `{"collection": …}` and arrays.
const WRAPS_MAX: usize = 4;

/// Something that can be imported.
#[derive(Debug)]
pub(crate) enum Found {
    Collection(Version, Map<String, Json>),
    Environment(Map<String, Json>),
    Globals(Map<String, Json>),
    Dump(Map<String, Json>),
    Several(Vec<Found>),
}

impl Found {
    /// What it is called.
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Collection(version, _) => Source::Collection(*version),
            Self::Environment(_) => Source::Environment,
            Self::Globals(_) => Source::Globals,
            Self::Dump(_) => Source::Dump,
            Self::Several(_) => Source::Several,
        }
    }

    /// Adds its items to the drafts.
    pub(crate) fn draft(self, drafts: &mut Drafts) -> Result<(), ImportError> {
        match self {
            Self::Collection(Version::V1, fields) => v1::draft(fields, drafts),
            Self::Collection(version, fields) => collection::draft(fields, version, drafts),
            Self::Environment(fields) => environment::draft(crate::Kind::Environment, fields, drafts),
            Self::Globals(fields) => environment::draft(crate::Kind::Globals, fields, drafts),
            Self::Dump(fields) => dump::draft(fields, drafts),
            Self::Several(found) => found.into_iter().try_for_each(|found| found.draft(drafts)),
        }
    }
}

/// Says what JSON is.
pub(crate) fn classify(json: Json) -> Result<Found, ImportError> {
    classify_wrapped(json, 0)
}

fn classify_wrapped(json: Json, wraps: usize) -> Result<Found, ImportError> {
    match json {
        Json::Object(fields) => classify_object(fields, wraps),
        Json::Array(values) => classify_array(values, wraps),
        Json::String(_) => unrecognised("one text"),
        _ => unrecognised("one plain value"),
    }
}

fn unrecognised(seen: impl Into<String>) -> Result<Found, ImportError> {
    Err(ImportError::Unrecognised { seen: seen.into() })
}

fn classify_object(mut fields: Map<String, Json>, wraps: usize) -> Result<Found, ImportError> {
    if let Some(foreign) = foreign_json(&fields) {
        return Err(ImportError::Foreign(foreign));
    }
    if is_dump(&fields) {
        return Ok(Found::Dump(fields));
    }
    if is_v2(&fields) {
        let version = version(&fields)?;
        return Ok(Found::Collection(version, fields));
    }
    if fields.get("requests").is_some_and(Json::is_array) {
        return Ok(Found::Collection(Version::V1, fields));
    }
    let has_values = fields.get("values").is_some_and(|values| values.is_array() || values.is_object());
    if has_values || fields.get(SCOPE).is_some_and(Json::is_string) {
        let is_globals = fields.get(SCOPE).and_then(Json::as_str) == Some("globals");
        return Ok(if is_globals { Found::Globals(fields) } else { Found::Environment(fields) });
    }
    for name in ["collection", "environment", "globals", "data"] {
        if wraps < WRAPS_MAX && fields.get(name).is_some_and(|inner| inner.is_object() || inner.is_array()) {
            let inner = fields.remove(name).unwrap_or_default();
            return classify_inner(name, inner, wraps + 1);
        }
    }
    unrecognised(shown_names(&fields))
}

/// What is wrapped in an object under a name.
fn classify_inner(name: &str, inner: Json, wraps: usize) -> Result<Found, ImportError> {
    match (name, inner) {
        ("globals", Json::Array(values)) => Ok(Found::Globals(environment::of_values(Json::Array(values)))),
        ("globals", Json::Object(fields)) => Ok(Found::Globals(fields)),
        ("environment", Json::Array(values)) if is_variables(&values) => {
            Ok(Found::Environment(environment::of_values(Json::Array(values))))
        }
        (_, inner) => classify_wrapped(inner, wraps),
    }
}

fn classify_array(values: Vec<Json>, wraps: usize) -> Result<Found, ImportError> {
    if values.is_empty() {
        return unrecognised("an empty list");
    }
    if is_variables(&values) {
        return Ok(Found::Globals(environment::of_values(Json::Array(values))));
    }
    if wraps >= WRAPS_MAX {
        return unrecognised("lists in lists");
    }
    let found =
        values.into_iter().map(|value| classify_wrapped(value, wraps + 1)).collect::<Result<_, _>>()?;
    Ok(Found::Several(found))
}

fn is_variables(values: &[Json]) -> bool {
    let is_variable = |value: &Json| {
        value.get("key").is_some() && value.get("info").is_none() && value.get("requests").is_none()
    };
    !values.is_empty() && values.iter().all(is_variable)
}

fn is_dump(fields: &Map<String, Json>) -> bool {
    let is_list = |name: &str| fields.get(name).is_some_and(Json::is_array);
    let lists =
        ["collections", "environments", "headerPresets", "globals"].into_iter().filter(|name| is_list(name));
    is_list("collections") || lists.count() > 1 || (is_list("environments") && !fields.contains_key("info"))
}

fn is_v2(fields: &Map<String, Json>) -> bool {
    let has_items = fields.get("item").is_some_and(Json::is_array);
    let info = fields.get("info");
    let names_schema = info.and_then(|info| info.get("schema")).is_some_and(Json::is_string);
    names_schema || (has_items && (info.is_some() || !fields.contains_key("request")))
}

fn version(fields: &Map<String, Json>) -> Result<Version, ImportError> {
    let Some(schema) = fields.get("info").and_then(|info| info.get("schema")).and_then(Json::as_str) else {
        return Ok(Version::V2_1);
    };
    if schema.contains("v2.0") {
        return Ok(Version::V2_0);
    }
    let names_version = |digit: char| schema.contains(&format!("/v{digit}"));
    let other = ('0'..='9').filter(|digit| *digit != '2').find(|digit| names_version(*digit));
    match other {
        Some(_) if !schema.contains("v2.") => {
            Err(ImportError::Version { schema: schema.chars().take(200).collect() })
        }
        _ => Ok(Version::V2_1),
    }
}

fn shown_names(fields: &Map<String, Json>) -> String {
    if fields.is_empty() {
        return "an empty object".to_owned();
    }
    let names = fields.keys().take(NAMES_SHOWN);
    let names: Vec<String> = names.map(|name| name.chars().take(NAME_CHARS_SHOWN).collect()).collect();
    let more = if fields.len() > NAMES_SHOWN { ", …" } else { "" };
    format!("an object with {}{more}", names.join(", "))
}

fn foreign_json(fields: &Map<String, Json>) -> Option<Foreign> {
    let has = |name: &str| fields.contains_key(name);
    let text = |name: &str| fields.get(name).and_then(Json::as_str);
    let within = |name: &str, inner: &str| fields.get(name).is_some_and(|value| value.get(inner).is_some());
    let found = if has("openapi") || has("swagger") {
        Foreign::OpenApi
    } else if has("asyncapi") {
        Foreign::AsyncApi
    } else if within("log", "entries") {
        Foreign::Har
    } else if has("__export_format") || text("_type") == Some("export") {
        Foreign::Insomnia
    } else if has("satchel_backup") {
        Foreign::Backup
    } else if has("__schema") || within("data", "__schema") {
        Foreign::GraphQl
    } else if text("client").is_some_and(|client| client.contains("Thunder Client")) {
        Foreign::ThunderClient
    } else if has("brunoConfig") || (text("type") == Some("collection") && has("bruno")) {
        Foreign::Bruno
    } else if within("run", "executions") || (has("results") && has("totalPass")) {
        Foreign::RunResults
    } else if has("v") && has("folders") && has("requests") && has("headers") && !has("order") {
        Foreign::Hoppscotch
    } else if text("$schema").is_some_and(|schema| schema.contains("json-schema.org")) {
        Foreign::JsonSchema
    } else if has("name") && (has("dependencies") || has("devDependencies") || has("lockfileVersion")) {
        Foreign::Package
    } else {
        return None;
    };
    Some(found)
}

/// What bytes are, if they are no text.
pub(crate) fn foreign_bytes(bytes: &[u8]) -> Option<Foreign> {
    let starts: [(&[u8], Foreign); 8] = [
        (b"\x1f\x8b", Foreign::Gzip),
        (b"%PDF-", Foreign::Pdf),
        (b"\x89PNG", Foreign::Image),
        (b"\xff\xd8\xff", Foreign::Image),
        (b"GIF8", Foreign::Image),
        (b"\x7fELF", Foreign::Binary),
        (b"MZ\x90", Foreign::Binary),
        (b"SQLite format 3", Foreign::Binary),
    ];
    starts.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, foreign)| foreign)
}

/// What a text is, if it is no JSON.
pub(crate) fn foreign_text(text: &str) -> Option<Foreign> {
    let text = text.trim_start();
    if text.starts_with(['{', '[', '"']) {
        return None;
    }
    if let Some(rest) = text.strip_prefix('<') {
        return Some(if is_html(rest) { Foreign::Html } else { Foreign::Xml });
    }
    if text.starts_with("#%RAML") {
        return Some(Foreign::Raml);
    }
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', '/']));
    line.and_then(foreign_line)
}

/// What a text is by its first line that is no comment.
fn foreign_line(line: &str) -> Option<Foreign> {
    let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    if starts(&["curl ", "curl.exe ", "$ curl "]) || line == "curl" {
        Some(Foreign::Curl)
    } else if starts(&["openapi:", "swagger:", "\"openapi\":", "'openapi':"]) {
        Some(Foreign::OpenApi)
    } else if starts(&["asyncapi:"]) {
        Some(Foreign::AsyncApi)
    } else if starts(&["_type: export", "type: collection.insomnia"]) {
        Some(Foreign::Insomnia)
    } else if starts(&["meta {"]) {
        Some(Foreign::Bruno)
    } else if starts(&["type ", "schema {", "scalar ", "interface ", "enum ", "input ", "directive @"]) {
        Some(Foreign::GraphQl)
    } else if starts(&["GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "HEAD ", "OPTIONS ", "HTTP/"]) {
        Some(Foreign::Http)
    } else if is_assignment(line) {
        Some(Foreign::DotEnv)
    } else {
        None
    }
}

fn is_assignment(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    line.split_once('=').is_some_and(|(name, _)| is_name(name))
}

fn is_html(rest: &str) -> bool {
    let start: String = rest.chars().take(2_000).collect::<String>().to_ascii_lowercase();
    start.starts_with("!doctype html") || start.starts_with("html") || start.contains("<html")
}
