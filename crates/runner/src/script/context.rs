//! What a script sees, as the JSON that `pm/main.js` makes its objects of.

use serde_json::{Value as Json, json};

use super::{Limits, Script};
use crate::cookie::Cookie;
use crate::http::Response;
use crate::variable::{Layer, Scope, Scopes};

/// The context of a script; the answer's body travels beside it.
pub(super) fn of(script: &Script<'_>, limits: &Limits) -> Json {
    let position = script.position;
    json!({
        "source": script.source,
        "file": file_name(script.name),
        "event": script.moment.word(),
        "limit": u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX),
        "info": {
            "iteration": position.iteration,
            "iterationCount": position.iteration_count,
            "requestName": position.request_name,
            "requestId": position.request_id,
        },
        "location": position.location,
        "scopes": layers(script.scopes),
        "data": row(script.scopes),
        "request": script.request,
        "response": script.response.map(response),
        "cookies": script.cookies.iter().map(cookie).collect::<Vec<_>>(),
    })
}

/// A name that stands in stacks as one word.
fn file_name(name: &str) -> String {
    let plain = |it: char| if it.is_alphanumeric() || "-_. ".contains(it) { it } else { '_' };
    let name: String = name.chars().take(100).map(plain).collect();
    if name.trim().is_empty() { "script.js".to_owned() } else { name }
}

fn layers(scopes: &Scopes) -> Vec<Json> {
    scopes.layers().iter().filter(|layer| layer.scope != Scope::Data).map(layer).collect()
}

fn layer(layer: &Layer) -> Json {
    let values = layer.variables.iter().map(|variable| {
        let mut value = json!({ "key": variable.key, "value": variable.value });
        if variable.secret {
            value["type"] = json!("secret");
        }
        if !variable.enabled {
            value["disabled"] = json!(true);
        }
        value
    });
    json!({ "scope": layer.scope.word(), "name": layer.name, "values": values.collect::<Vec<_>>() })
}

fn row(scopes: &Scopes) -> Json {
    let data = scopes.layers().iter().filter(|layer| layer.scope == Scope::Data);
    let fields = data.flat_map(|layer| &layer.variables).filter(|variable| variable.enabled);
    Json::Object(fields.map(|variable| (variable.key.clone(), variable.value.clone())).collect())
}

/// An answer as `pm.response` and the callbacks of `pm.sendRequest` are made of it.
pub(super) fn response(response: &Response) -> Json {
    let headers = response.headers.iter();
    let headers =
        headers.map(|(key, value)| json!({ "key": key, "value": String::from_utf8_lossy(value) })).collect();
    json!({
        "code": response.status,
        "reason": response.reason,
        "header": Json::Array(headers),
        "responseTime": response.timings.total / 1000,
    })
}

/// A cookie as `pm.cookies` has it.
pub(super) fn cookie(cookie: &Cookie) -> Json {
    json!({
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.http_only,
        "hostOnly": cookie.host_only,
        "session": cookie.expires.is_none(),
        "expires": cookie.expires.map(|seconds| seconds.saturating_mul(1000)),
    })
}
