//! Ways to sign in: attributes as an object (v1, v2.0) to attributes as a list (v2.1).

use serde_json::{Map, Value as Json, json};

/// Turns the attributes of an `auth` field into lists; lists stay.
pub(crate) fn list_attributes(fields: &mut Map<String, Json>) {
    let Some(Json::Object(auth)) = fields.get_mut("auth") else { return };
    for (_, attributes) in auth.iter_mut().filter(|(name, _)| *name != "noauth") {
        if let Json::Object(pairs) = attributes {
            *attributes = list(std::mem::take(pairs));
        }
    }
}

/// Attributes as a list.
pub(crate) fn list(attributes: Map<String, Json>) -> Json {
    attributes.into_iter().map(attribute).collect()
}

fn attribute((key, value): (String, Json)) -> Json {
    let word = match &value {
        Json::String(_) => "string",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        _ => "any",
    };
    Json::Object(Map::from_iter([
        ("key".to_owned(), Json::String(key)),
        ("value".to_owned(), value),
        ("type".to_owned(), json!(word)),
    ]))
}
