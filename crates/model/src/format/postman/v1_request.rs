//! Requests and saved responses of collections v1.0.0, as v2.1 has them.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use crate::Kind;
use crate::format::postman::build::{Draft, Drafts};
use crate::format::postman::collection::word;
use crate::format::postman::v1::{keep_unknown, take_shared};
use crate::format::postman::{ImportError, auth, url};

type Fields = Map<String, Json>;

/// Drafts a request and its saved responses.
pub(crate) fn draft(mut fields: Fields, parent: usize, drafts: &mut Drafts) -> Result<(), ImportError> {
    let responses = responses(&mut fields, drafts);
    let mut out = Map::new();
    if let Some(id) = fields.remove("id") {
        out.insert("id".to_owned(), text(id));
    }
    if let Some(name) = fields.remove("name").filter(|name| !name.is_null()) {
        out.insert("name".to_owned(), text(name));
    }
    let request = request(&mut fields, drafts);
    take_shared(&mut fields, &mut out, drafts);
    out.remove("auth"); // the request has taken it
    add_scripts(&mut fields, &mut out);
    out.insert("request".to_owned(), Json::Object(request));
    out.insert("response".to_owned(), json!([]));
    keep_unknown(fields, &mut out, drafts);
    let id = drafts.add(Draft { parent: Some(parent), kind: Kind::Request, fields: out })?;
    for response in responses {
        let fields = example(response, drafts);
        drafts.add(Draft { parent: Some(id), kind: Kind::Example, fields })?;
    }
    Ok(())
}

/// Takes the request proper out of the fields.
fn request(fields: &mut Fields, drafts: &mut Drafts) -> Fields {
    for place in ["collectionId", "collection", "folder"] {
        fields.remove(place);
    }
    let mut request = Map::new();
    match fields.remove("method") {
        Some(Json::String(method)) => drop(request.insert("method".to_owned(), json!(method))),
        None | Some(Json::Null) => {}
        Some(other) => drafts.losses.add(format!("a method that is {} was left out", word(&other))),
    }
    request.insert("header".to_owned(), headers(fields.remove("headerData"), fields.remove("headers")));
    if let Some(body) = body(fields, drafts) {
        request.insert("body".to_owned(), body);
    }
    request.insert("url".to_owned(), whole_url(fields));
    if let Some(description) = description(fields) {
        request.insert("description".to_owned(), description);
    }
    if let Some(auth) = sign_in(fields, drafts) {
        request.insert("auth".to_owned(), auth);
    }
    request
}

fn description(fields: &mut Fields) -> Option<Json> {
    let format = fields.remove("descriptionFormat");
    match fields.remove("description")? {
        Json::Null => None,
        Json::String(content) if format == Some(json!("html")) && !content.is_empty() => {
            Some(json!({ "content": content, "type": "text/html" }))
        }
        described @ Json::Object(_) => Some(described),
        other => Some(text(other)),
    }
}

/// The text that v2.1 wants where v1 may have something else.
fn text(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(text),
        Json::Null => json!(""),
        other => json!(other.to_string()),
    }
}

fn nonempty_array(value: Option<Json>) -> Option<Vec<Json>> {
    match value {
        Some(Json::Array(values)) if !values.is_empty() => Some(values),
        _ => None,
    }
}

/// Headers from the list of them, else from their text.
fn headers(list: Option<Json>, lines: Option<Json>) -> Json {
    match (nonempty_array(list), lines) {
        (Some(list), _) | (None, Some(Json::Array(list))) => {
            list.into_iter().filter_map(|value| pair(value, true)).collect()
        }
        (None, Some(Json::String(lines))) => lines.lines().filter_map(header_line).collect(),
        _ => json!([]),
    }
}

/// One line; a leading `//` says that it is switched off.
fn header_line(line: &str) -> Option<Json> {
    let line = line.trim();
    let off = line.strip_prefix("//");
    let (key, value) = off.unwrap_or(line).split_once(':').unwrap_or((off.unwrap_or(line), ""));
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() && value.is_empty() {
        return None;
    }
    let mut header = json!({ "key": key, "value": value });
    if off.is_some() {
        header["disabled"] = json!(true);
    }
    Some(header)
}

/// A key with a value: `enabled` becomes `disabled`; key and value become texts where they must be.
fn pair(value: Json, needs_value: bool) -> Option<Json> {
    let Json::Object(mut fields) = value else { return None };
    let key = fields.remove("key").or_else(|| fields.remove("name")).unwrap_or_default();
    fields.insert("key".to_owned(), text(key));
    match fields.remove("value") {
        None if needs_value => drop(fields.insert("value".to_owned(), json!(""))),
        None => {}
        Some(value) => drop(fields.insert("value".to_owned(), text(value))),
    }
    switch(&mut fields);
    Some(Json::Object(fields))
}

fn switch(fields: &mut Fields) {
    if fields.remove("enabled") == Some(json!(false)) {
        fields.insert("disabled".to_owned(), json!(true));
    }
    if fields.get("disabled").is_some_and(|value| !value.is_boolean()) {
        fields.remove("disabled");
    }
    let is_described = |value: &Json| value.is_string() || value.is_object() || value.is_null();
    if let Some(description) = fields.remove("description") {
        let description = if is_described(&description) { description } else { text(description) };
        fields.insert("description".to_owned(), description);
    }
}

fn form_field(value: Json) -> Option<Json> {
    let Json::Object(mut fields) = value else { return None };
    if fields.get("type") != Some(&json!("file")) {
        return pair(Json::Object(fields), false);
    }
    let key = fields.remove("key").unwrap_or_default();
    fields.insert("key".to_owned(), text(key));
    let value = fields.remove("value").unwrap_or_default();
    let is_source = value.is_string() || value.is_array() || value.is_null();
    fields.entry("src").or_insert_with(|| if is_source { value } else { text(value) });
    switch(&mut fields);
    Some(Json::Object(fields))
}

fn body(fields: &mut Fields, drafts: &mut Drafts) -> Option<Json> {
    let mode = fields.remove("dataMode").and_then(|mode| mode.as_str().map(str::to_owned));
    let (data, raw) = (fields.remove("data"), fields.remove("rawModeData"));
    let graphql = fields.remove("graphqlModeData");
    let (options, disabled) = (fields.remove("dataOptions"), fields.remove("dataDisabled"));
    let mut body = match mode.as_deref() {
        Some("raw") => json!({ "mode": "raw", "raw": raw_text(raw, data) }),
        Some("urlencoded") => {
            let fields = nonempty_array(data).unwrap_or_default();
            let fields: Json = fields.into_iter().filter_map(|value| pair(value, false)).collect();
            json!({ "mode": "urlencoded", "urlencoded": fields })
        }
        Some("binary") => json!({ "mode": "file", "file": { "src": raw.filter(Json::is_string) } }),
        Some("graphql") => {
            json!({ "mode": "graphql", "graphql": graphql.filter(Json::is_object).unwrap_or(json!({})) })
        }
        Some("params") | None => match (nonempty_array(data), raw) {
            (Some(data), _) => {
                let fields: Json = data.into_iter().filter_map(form_field).collect();
                json!({ "mode": "formdata", "formdata": fields })
            }
            (None, Some(Json::String(raw))) if !raw.is_empty() => json!({ "mode": "raw", "raw": raw }),
            _ => return None,
        },
        Some(other) => {
            drafts.losses.add(format!("a body of the unknown mode {other:.40} was left out"));
            return None;
        }
    };
    if let Some(options) = options.filter(Json::is_object) {
        body["options"] = options;
    }
    if let Some(disabled) = disabled.filter(Json::is_boolean) {
        body["disabled"] = disabled;
    }
    Some(body)
}

fn raw_text(raw: Option<Json>, data: Option<Json>) -> String {
    let first = |values: Vec<Json>| values.into_iter().find_map(|value| value.as_str().map(str::to_owned));
    match (raw, data) {
        (Some(Json::String(raw)), _) | (_, Some(Json::String(raw))) => raw,
        (Some(Json::Array(values)), _) => first(values).unwrap_or_default(),
        _ => String::new(),
    }
}

fn whole_url(fields: &mut Fields) -> Json {
    let query = nonempty_array(fields.remove("queryParams"));
    let (variables, named) =
        (nonempty_array(fields.remove("pathVariableData")), fields.remove("pathVariables"));
    let raw = match fields.remove("url") {
        Some(Json::String(raw)) => raw,
        Some(object @ Json::Object(_)) => return object,
        _ => String::new(),
    };
    let mut parts = url::parts(&raw);
    if let Some(query) = query {
        let query: Json = query.into_iter().filter_map(query_parameter).collect();
        parts.insert("query".to_owned(), query);
    }
    let given = match (variables, named) {
        (Some(variables), _) => variables.into_iter().filter_map(|value| pair(value, false)).collect(),
        (None, Some(Json::Object(named))) => {
            named.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
        }
        _ => Vec::new(),
    };
    add_path_variables(&mut parts, given);
    Json::Object(parts)
}

fn query_parameter(value: Json) -> Option<Json> {
    let Json::Object(mut fields) = value else { return None };
    for name in ["key", "value"] {
        if let Some(value) = fields.remove(name) {
            fields.insert(name.to_owned(), if value.is_null() { value } else { text(value) });
        }
    }
    switch(&mut fields);
    Some(Json::Object(fields))
}

/// The given variables, and then those that only the URL's text names.
fn add_path_variables(parts: &mut Fields, mut given: Vec<Json>) {
    if given.is_empty() {
        return;
    }
    let Some(Json::Array(in_text)) = parts.remove("variable") else {
        parts.insert("variable".to_owned(), Json::Array(given));
        return;
    };
    let keys: HashSet<String> =
        given.iter().filter_map(|one| one["key"].as_str().map(str::to_owned)).collect();
    let is_missing = |one: &Json| one["key"].as_str().is_some_and(|key| !keys.contains(key));
    given.extend(in_text.into_iter().filter(is_missing));
    parts.insert("variable".to_owned(), Json::Array(given));
}

/// The sign-in, from `auth` or else from the older helper fields.
fn sign_in(fields: &mut Fields, drafts: &mut Drafts) -> Option<Json> {
    let (word, attributes) = (fields.remove("currentHelper"), fields.remove("helperAttributes"));
    auth::list_attributes(fields);
    if let Some(auth @ Json::Object(_)) = fields.remove("auth") {
        return Some(auth);
    }
    let word = word?.as_str()?.to_owned();
    let way = match word.as_str() {
        "basicAuth" | "basic" => "basic",
        "digestAuth" | "digest" => "digest",
        "oAuth1" | "oauth1" => "oauth1",
        "oAuth2" | "oauth2" => "oauth2",
        "hawkAuth" | "hawk" => "hawk",
        "awsSigV4" | "awsv4" => "awsv4",
        "ntlmAuth" | "ntlm" => "ntlm",
        "bearerAuth" | "bearer" => "bearer",
        "apikeyAuth" | "apikey" => "apikey",
        "edgegridAuth" | "edgegrid" => "edgegrid",
        "noauth" | "noAuth" => return Some(json!({ "type": "noauth" })),
        "" | "normal" => return None,
        other => {
            drafts.losses.add(format!("a way to sign in that is not known ({other:.40}) was left out"));
            return None;
        }
    };
    let mut attributes = attribute_fields(attributes);
    attributes.shift_remove("id");
    let attributes = attributes.into_iter().map(|(name, value)| (renamed(way, name), value)).collect();
    let mut auth = json!({ "type": way });
    auth[way] = auth::list(attributes);
    Some(auth)
}

/// Attributes may be JSON in a text.
fn attribute_fields(attributes: Option<Json>) -> Fields {
    let attributes = match attributes {
        Some(Json::String(text)) => crate::format::json::parse(&text).ok().map(|read| read.value),
        other => other,
    };
    match attributes {
        Some(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn renamed(way: &str, name: String) -> String {
    let new = match (way, name.as_str()) {
        ("hawk", "hawk_id") => "authId",
        ("hawk", "hawk_key") => "authKey",
        ("hawk", "ext") => "extraData",
        ("hawk", "dlg") => "delegation",
        ("awsv4", "serviceName") => "service",
        ("oauth1", "header") => "addParamsToHeader",
        ("oauth1", "auto") => "autoAddParam",
        ("oauth1", "includeEmpty") => "addEmptyParamsToSign",
        ("oauth1", "encodeSignature") => "encodeOAuthSign",
        _ => return name,
    };
    new.to_owned()
}

/// Adds the two scripts of older files as events, unless an event for that is there.
fn add_scripts(fields: &mut Fields, out: &mut Fields) {
    let scripts = [("prerequest", fields.remove("preRequestScript")), ("test", fields.remove("tests"))];
    for (listen, script) in scripts {
        let lines: Vec<Json> = match script {
            Some(Json::String(text)) if !text.trim().is_empty() => {
                text.split('\n').map(|line| json!(line.trim_end_matches('\r'))).collect()
            }
            Some(Json::Array(lines)) if !lines.is_empty() => lines.into_iter().map(text).collect(),
            _ => continue,
        };
        let slot = out.entry("event").or_insert_with(|| json!([]));
        let Json::Array(events) = slot else { continue };
        if events.iter().all(|event| event["listen"] != listen) {
            let script = json!({ "type": "text/javascript", "exec": lines });
            events.push(json!({ "listen": listen, "script": script }));
        }
    }
}

/// The saved responses in their order.
fn responses(fields: &mut Fields, drafts: &mut Drafts) -> Vec<Fields> {
    let order = fields.remove("responses_order");
    let mut responses = Vec::new();
    match fields.remove("responses") {
        Some(Json::Array(values)) => {
            for value in values {
                match value {
                    Json::Object(fields) => responses.push(fields),
                    other => {
                        drafts.losses.add(format!("a saved response that is {} was left out", word(&other)));
                    }
                }
            }
        }
        None | Some(Json::Null) => {}
        Some(other) => drafts.losses.add(format!("saved responses that are {} were left out", word(&other))),
    }
    if let Some(Json::Array(order)) = order {
        let order: HashMap<&str, usize> =
            order.iter().enumerate().filter_map(|(at, id)| Some((id.as_str()?, at))).collect();
        let place = |fields: &Fields| {
            let place = fields.get("id").and_then(Json::as_str).and_then(|id| order.get(id));
            place.copied().unwrap_or(usize::MAX)
        };
        responses.sort_by_key(place); // stable: what is not named keeps its order at the end
    }
    responses
}

fn example(mut fields: Fields, drafts: &mut Drafts) -> Fields {
    let mut out = Map::new();
    if let Some(id) = fields.remove("id") {
        out.insert("id".to_owned(), text(id));
    }
    if let Some(name) = fields.remove("name") {
        out.insert("name".to_owned(), name);
    }
    if let Some(request) = original_request(&mut fields, drafts) {
        out.insert("originalRequest".to_owned(), Json::Object(request));
    }
    add_status(&mut fields, &mut out);
    out.insert("header".to_owned(), headers(None, fields.remove("headers")));
    let cookies = nonempty_array(fields.remove("cookies")).unwrap_or_default();
    out.insert("cookie".to_owned(), cookies.into_iter().filter_map(cookie).collect());
    let is_time = |time: &Json| time.is_string() || time.is_number() || time.is_null();
    if let Some(time) = fields.remove("time").filter(is_time) {
        out.insert("responseTime".to_owned(), time);
    }
    if let Some(timings) = fields.remove("timings").filter(|one| one.is_object() || one.is_null()) {
        out.insert("timings".to_owned(), timings);
    }
    if let Some(language) = fields.remove("language") {
        out.insert("_postman_previewlanguage".to_owned(), language);
    }
    match fields.remove("text") {
        None => {}
        Some(Json::Null) => drop(out.insert("body".to_owned(), Json::Null)),
        Some(body) => drop(out.insert("body".to_owned(), text(body))),
    }
    keep_unknown(fields, &mut out, drafts);
    out
}

/// The request that a response was made for: an object, or one as JSON in a text.
fn original_request(fields: &mut Fields, drafts: &mut Drafts) -> Option<Fields> {
    let (object, request) = (fields.remove("requestObject"), fields.remove("request"));
    let mut found = [object, request].into_iter().flatten().find_map(|value| match value {
        Json::Object(fields) => Some(fields),
        Json::String(text) if text.trim_start().starts_with('{') => {
            let fields = attribute_fields(Some(Json::String(text)));
            (!fields.is_empty()).then_some(fields)
        }
        _ => None,
    })?;
    Some(request_of_response(&mut found, drafts))
}

fn request_of_response(fields: &mut Fields, drafts: &mut Drafts) -> Fields {
    let mut request = request(fields, drafts);
    keep_unknown(std::mem::take(fields), &mut request, drafts);
    request
}

fn add_status(fields: &mut Fields, out: &mut Fields) {
    let status = fields.remove("status").filter(Json::is_string);
    let Some(Json::Object(code)) = fields.remove("responseCode") else {
        out.extend(status.map(|status| ("status".to_owned(), status)));
        return;
    };
    let name = code.get("name").filter(|name| name.is_string()).cloned();
    out.extend(name.or(status).map(|status| ("status".to_owned(), status)));
    if let Some(code) = code.get("code").filter(|code| code.is_i64() || code.is_u64()) {
        out.insert("code".to_owned(), code.clone());
    }
}

/// A cookie with the types of v2.1.
fn cookie(value: Json) -> Option<Json> {
    let Json::Object(mut fields) = value else { return None };
    if let Some(expires) = fields.remove("expirationDate") {
        fields.entry("expires").or_insert(expires);
    }
    for name in ["domain", "path"] {
        let value = fields.remove(name).unwrap_or_default();
        fields.insert(name.to_owned(), text(value));
    }
    for name in ["expires", "maxAge", "name", "value"] {
        if let Some(value) = fields.remove(name).filter(|value| !value.is_null()) {
            fields.insert(name.to_owned(), text(value));
        }
    }
    for name in ["hostOnly", "httpOnly", "secure", "session"] {
        if fields.get(name).is_some_and(|value| !value.is_boolean()) {
            fields.remove(name);
        }
    }
    Some(Json::Object(fields))
}
