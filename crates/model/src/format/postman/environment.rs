//! Environments and globals.

use serde_json::{Map, Value as Json, json};

use crate::Kind;
use crate::format::postman::ImportError;
use crate::format::postman::build::{Draft, Drafts};

/// The object around a bare array of variables.
pub(crate) fn of_values(values: Json) -> Map<String, Json> {
    Map::from_iter([("values".to_owned(), values)])
}

/// Drafts an environment or globals.
pub(crate) fn draft(
    kind: Kind,
    mut fields: Map<String, Json>,
    drafts: &mut Drafts,
) -> Result<(), ImportError> {
    let fallback = if kind == Kind::Globals { "Globals" } else { "Imported environment" };
    if !fields.contains_key("name") {
        fields.insert("name".to_owned(), json!(fallback));
    }
    match fields.get_mut("values") {
        Some(Json::Array(_)) => {}
        Some(Json::Object(values)) => {
            let pairs = std::mem::take(values).into_iter();
            let list = pairs.map(|(key, value)| json!({ "key": key, "value": value, "enabled": true }));
            fields.insert("values".to_owned(), list.collect());
        }
        Some(other) if !other.is_null() => {
            drafts.losses.add("the variables of an environment are no list and were left out");
            fields.insert("values".to_owned(), json!([]));
        }
        _ => drop(fields.insert("values".to_owned(), json!([]))),
    }
    drafts.add(Draft { parent: None, kind, fields }).map(|_| ())
}
