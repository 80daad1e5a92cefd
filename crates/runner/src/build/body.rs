//! A document's body as what travels, and the content type that goes with it.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::build::draft::Payload;
use crate::build::files::Files;
use crate::build::url::{Param, is_enabled};
use crate::build::{Warning, comments};
use crate::http::{Content, FormPart};
use crate::variable::text_of;

/// The methods whose body Postman leaves out unless told otherwise.
const WITHOUT_BODY: [&str; 5] = ["GET", "COPY", "HEAD", "PURGE", "UNLOCK"];

/// A body and the content type that it brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) payload: Payload,
    /// Put in before signing and the headers that come by themselves.
    pub(crate) early_type: Option<&'static str>,
    /// Put in after signing.
    pub(crate) type_: Option<&'static str>,
}

impl Made {
    fn of(payload: Payload) -> Self {
        Self { payload, early_type: None, type_: None }
    }
}

/// Makes a request's body; its variables are replaced already.
pub(crate) fn make(
    request: &Json,
    method: &str,
    keeps: bool,
    content_type: Option<&str>,
    files: &Files,
    warnings: &mut Vec<Warning>,
) -> Made {
    let body = request.get("body").unwrap_or(&Json::Null);
    let is_left_out = !is_enabled(body) || (WITHOUT_BODY.contains(&method) && !keeps);
    let mode = body
        .get("mode")
        .and_then(Json::as_str)
        .unwrap_or(if body.is_string() { "raw" } else { "" })
        .to_lowercase();
    if is_left_out || mode.is_empty() {
        return Made::of(Payload::Empty);
    }
    let content = body.get(&mode).unwrap_or(&Json::Null);
    match mode.as_str() {
        "urlencoded" => Made::of(url_encoded(content)),
        "formdata" => Made::of(form(content, files, warnings)),
        "file" => file(content, files, warnings),
        "graphql" => Made {
            type_: Some("application/json"),
            ..Made::of(Payload::Bytes(graphql(content).into_bytes()))
        },
        _ => raw(body, content_type),
    }
}

fn raw(body: &Json, content_type: Option<&str>) -> Made {
    let text = match body.get("raw").unwrap_or(body) {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    if text.is_empty() || (body.is_object() && body.get("raw").is_none()) {
        return Made::of(Payload::Empty);
    }
    let language = body.pointer("/options/raw/language").and_then(Json::as_str).filter(|it| !it.is_empty());
    let is_json = match (language, content_type) {
        (Some(language), _) => language == "json",
        (None, Some(kind)) => is_json_type(kind),
        (None, None) => false,
    };
    let text = if is_json && (text.contains("//") || text.contains("/*")) {
        comments::without_comments(&text)
    } else {
        text
    };
    let kind = match language {
        Some("html") => "text/html",
        Some("json") => "application/json",
        Some("javascript") => "application/javascript",
        Some("xml") => "application/xml",
        _ => "text/plain",
    };
    // Postman reads a JSON body for comments before it signs, and puts the type in on that way.
    let (early_type, type_) = if language == Some("json") { (Some(kind), None) } else { (None, Some(kind)) };
    Made { payload: Payload::Bytes(text.into_bytes()), early_type, type_ }
}

/// Whether a content type is JSON: `application/json`, `application/x+json`.
fn is_json_type(kind: &str) -> bool {
    let Some(rest) = kind.strip_prefix("application/") else { return false };
    rest.starts_with("json")
        || rest
            .split_once("+json")
            .is_some_and(|(before, _)| !before.is_empty() && !before.contains(char::is_whitespace))
}

fn url_encoded(content: &Json) -> Payload {
    let params: Vec<Param> = match content {
        Json::String(text) => text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Param { key: key.to_owned(), value: Some(value.to_owned()) }
            })
            .collect(),
        content => elements(content)
            .map(|param| {
                let value = param.get("value").filter(|value| !value.is_null()).map(text_of);
                Param { key: param.get("key").map(text_of).unwrap_or_default(), value }
            })
            .collect(),
    };
    if params.is_empty() { Payload::Empty } else { Payload::UrlEncoded(params) }
}

/// The enabled elements of a list.
fn elements(content: &Json) -> impl Iterator<Item = &Json> {
    content
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter(|element| element.is_object() && is_enabled(element))
}

fn form(content: &Json, files: &Files, warnings: &mut Vec<Warning>) -> Payload {
    let mut parts = Vec::new();
    for element in elements(content) {
        let text = |name: &str| element.get(name).and_then(Json::as_str).map(str::to_owned);
        let name = element.get("key").map(text_of).unwrap_or_default();
        let content_type = text("contentType").filter(|kind| !kind.is_empty());
        let file_name = text("fileName");
        let mut add = |content| {
            parts.push(FormPart {
                name: name.clone(),
                content,
                file_name: file_name.clone(),
                content_type: content_type.clone(),
            });
        };
        if element.get("type").and_then(Json::as_str) != Some("file") {
            add(Content::Bytes(text_value(element.get("value")).into_bytes()));
            continue;
        }
        let sources = sources(element.get("src"));
        if sources.is_empty() {
            let inline =
                text("value").filter(|value| !value.is_empty()).and_then(|value| STANDARD.decode(value).ok());
            if inline.is_none() {
                warnings.push(Warning::NoFile { field: name.clone() });
            }
            parts.push(FormPart {
                name,
                content: Content::Bytes(inline.unwrap_or_default()),
                file_name: Some(file_name.unwrap_or_default()),
                content_type,
            });
            continue;
        }
        for source in sources {
            match files.resolve(&source) {
                Ok(path) => add(Content::File(path)),
                Err(fault) => warnings.push(Warning::File { source: source.clone(), fault }),
            }
        }
    }
    if parts.is_empty() { Payload::Empty } else { Payload::Form(parts) }
}

fn text_value(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(value) => text_of(value),
    }
}

/// The files that a source names: one, or several.
fn sources(source: Option<&Json>) -> Vec<String> {
    match source {
        Some(Json::String(path)) if !path.is_empty() => vec![path.clone()],
        Some(Json::Array(paths)) => {
            paths.iter().filter_map(Json::as_str).filter(|path| !path.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn file(content: &Json, files: &Files, warnings: &mut Vec<Warning>) -> Made {
    let source = sources(if content.is_string() { Some(content) } else { content.get("src") });
    let Some(source) = source.into_iter().next() else {
        let inline = content.get("content").and_then(Json::as_str).filter(|text| !text.is_empty());
        let bytes = inline.and_then(|text| STANDARD.decode(text).ok());
        return Made::of(bytes.map_or(Payload::Empty, Payload::Bytes));
    };
    match files.resolve(&source) {
        Ok(path) => with_type(path),
        Err(fault) => {
            warnings.push(Warning::File { source, fault });
            Made::of(Payload::Empty)
        }
    }
}

fn with_type(path: PathBuf) -> Made {
    let type_ = crate::media::of_path(&path);
    Made { type_, ..Made::of(Payload::File(path)) }
}

/// The query with its variables: those that are a text are JSON already and stand as they are.
fn graphql(content: &Json) -> String {
    let field = |name: &str, value: &Json| format!("{}:{value}", Json::String(name.to_owned()));
    let is_text = |name: &str| content.get(name).is_some_and(Json::is_string);
    let Some(Json::String(variables)) = content.get("variables") else {
        let names = ["query", "operationName", "variables"].into_iter();
        let fields: Vec<_> =
            names.filter_map(|name| content.get(name).map(|value| field(name, value))).collect();
        return format!("{{{}}}", fields.join(","));
    };
    let names = ["query", "operationName"].into_iter().filter(|name| is_text(name));
    let mut fields: Vec<_> = names.map(|name| field(name, &content[name])).collect();
    if !variables.is_empty() {
        fields.push(format!("\"variables\":{variables}"));
    }
    format!("{{{}}}", fields.join(","))
}
