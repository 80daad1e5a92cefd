//! Collections v2.0.0 and v2.1.0: nested items become drafts.
//!
//! Recursion is bounded by the depth to which JSON is read.

use serde_json::{Map, Value as Json, json};

use crate::Kind;
use crate::format::postman::build::{Draft, Drafts};
use crate::format::postman::{ImportError, SCHEMA_V2_1, Version, auth};

/// Drafts a collection with everything in it.
pub(crate) fn draft(
    mut fields: Map<String, Json>,
    version: Version,
    drafts: &mut Drafts,
) -> Result<(), ImportError> {
    let items = take_array(&mut fields, "item").unwrap_or_default();
    match fields.get_mut("info") {
        Some(Json::Object(info)) if version == Version::V2_0 => {
            info.insert("schema".to_owned(), json!(SCHEMA_V2_1));
        }
        Some(Json::Object(_)) => {}
        other => {
            if other.is_some() {
                drafts.losses.add("the collection's info is no object and was left out");
            }
            let name = fields.remove("name").filter(Json::is_string).unwrap_or_default();
            fields.insert("info".to_owned(), json!({ "name": name }));
        }
    }
    if version == Version::V2_0 {
        auth::list_attributes(&mut fields);
    }
    let id = drafts.add(Draft { parent: None, kind: Kind::Collection, fields })?;
    Walk { version, drafts }.items(items, id)
}

/// Takes an array out of an object; what is no array stays.
pub(crate) fn take_array(fields: &mut Map<String, Json>, name: &str) -> Option<Vec<Json>> {
    match fields.get_mut(name) {
        Some(Json::Array(values)) => {
            let values = std::mem::take(values);
            fields.remove(name);
            Some(values)
        }
        _ => None,
    }
}

struct Walk<'a> {
    version: Version,
    drafts: &'a mut Drafts,
}

impl Walk<'_> {
    fn items(&mut self, items: Vec<Json>, parent: usize) -> Result<(), ImportError> {
        for item in items {
            match item {
                Json::Object(fields) => self.item(fields, parent)?,
                other => self.drafts.losses.add(format!("an item that is {} was left out", word(&other))),
            }
        }
        Ok(())
    }

    fn item(&mut self, mut fields: Map<String, Json>, parent: usize) -> Result<(), ImportError> {
        if self.version == Version::V2_0 {
            auth::list_attributes(&mut fields);
        }
        let items = take_array(&mut fields, "item");
        let is_folder = items.is_some() || (fields.contains_key("item") && !fields.contains_key("request"));
        if is_folder {
            let id = self.drafts.add(Draft { parent: Some(parent), kind: Kind::Folder, fields })?;
            return self.items(items.unwrap_or_default(), id);
        }
        if let Some(request) = fields.get_mut("request") {
            self.request(request);
        }
        let responses = take_array(&mut fields, "response");
        if responses.is_some() {
            fields.insert("response".to_owned(), json!([])); // says that the list was there
        }
        let id = self.drafts.add(Draft { parent: Some(parent), kind: Kind::Request, fields })?;
        self.examples(responses.unwrap_or_default(), id)
    }

    fn examples(&mut self, responses: Vec<Json>, parent: usize) -> Result<(), ImportError> {
        for response in responses {
            match response {
                Json::Object(mut fields) => {
                    if let Some(request) = fields.get_mut("originalRequest") {
                        self.request(request);
                    }
                    self.drafts.add(Draft { parent: Some(parent), kind: Kind::Example, fields })?;
                }
                other => {
                    self.drafts.losses.add(format!("a saved response that is {} was left out", word(&other)));
                }
            }
        }
        Ok(())
    }

    fn request(&self, request: &mut Json) {
        if self.version == Version::V2_0
            && let Json::Object(fields) = request
        {
            auth::list_attributes(fields);
        }
    }
}

/// What kind of value JSON is.
pub(crate) fn word(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
