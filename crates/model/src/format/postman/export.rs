//! Items to the JSON of Postman's files.
//!
//! Knows nothing of the tree's rules: it is given the live items of one subtree in their order.

use std::collections::HashMap;

use serde_json::{Map as JsonMap, Value as Json, json};

use crate::format::postman::shape::{fields_to_json, to_json};
use crate::format::postman::{NO_NAME, SCHEMA_V2_1, SCOPE};
use crate::{Item, Kind, RecordId, Value};

/// The deepest nesting of folders in a file; what is deeper goes into the deepest folder that fits, so
/// that the file can be read again.
const FOLDERS_DEEP_MAX: usize = 40;

/// The JSON of a subtree: a collection v2.1.0, an environment or globals.
///
/// Takes the top item first, then the live items below it, parents before children and siblings in
/// order. A folder, request or example on its own becomes a collection of its own name. Gives nothing
/// where the top is a workspace or of an unknown kind, or where there are no items.
pub fn export<'a>(items: impl IntoIterator<Item = &'a Item>) -> Option<Json> {
    let items: Vec<&Item> = items.into_iter().collect();
    let top = *items.first()?;
    let mut below = Below::collect(&items);
    match &top.node.kind {
        Kind::Collection => Some(collection(top, below.take(top.id))),
        Kind::Folder => Some(folder_as_collection(top, below.take(top.id))),
        Kind::Request => {
            let item = request(top, below.take(top.id));
            Some(wrapped(&top.node.name, &item))
        }
        Kind::Example => Some(wrapped(&top.node.name, &example_as_request(top))),
        Kind::Environment | Kind::Globals => Some(Json::Object(variables(top))),
        Kind::Workspace | Kind::Unknown(_) => None,
    }
}

/// The JSON of one item without what is below it, as it stands in a file: what people see and edit.
pub fn document(item: &Item) -> Json {
    Json::Object(match item.node.kind {
        Kind::Collection => collection_fields(item),
        Kind::Request => request_fields(item),
        Kind::Environment | Kind::Globals => variables(item),
        _ => named_fields(item),
    })
}

/// The finished JSON of what lies below each item, in order.
struct Below {
    children: HashMap<RecordId, Vec<Json>>,
}

impl Below {
    /// Finishes items from the last to the first, so that no nesting recurses.
    fn collect(items: &[&Item]) -> Self {
        let parents = parents(items);
        let mut below = Self { children: HashMap::new() };
        for (item, parent) in items.iter().zip(parents).skip(1).rev() {
            let children = below.take(item.id);
            let json = match item.node.kind {
                Kind::Folder => folder(item, children),
                Kind::Request => request(item, children),
                Kind::Example => Json::Object(named_fields(item)),
                _ => continue,
            };
            if let Some(parent) = parent {
                below.children.entry(parent).or_default().push(json);
            }
        }
        below
    }

    fn take(&mut self, id: RecordId) -> Vec<Json> {
        let mut children = self.children.remove(&id).unwrap_or_default();
        children.reverse();
        children
    }
}

/// The item under which each item is written; none if its parent is not among them.
fn parents(items: &[&Item]) -> Vec<Option<RecordId>> {
    let mut seen: HashMap<RecordId, (usize, Option<RecordId>)> = HashMap::new();
    let mut parents = Vec::with_capacity(items.len());
    for item in items {
        let mut parent = Some(item.node.position.parent).filter(|parent| seen.contains_key(parent));
        let mut depth = parent.map_or(0, |parent| seen[&parent].0 + 1);
        if item.node.kind != Kind::Example && depth > FOLDERS_DEEP_MAX {
            parent = parent.and_then(|parent| seen[&parent].1);
            depth = FOLDERS_DEEP_MAX;
        }
        seen.insert(item.id, (depth, parent));
        parents.push(parent);
    }
    parents
}

fn collection(item: &Item, items: Vec<Json>) -> Json {
    let mut fields = collection_fields(item);
    fields.insert("item".to_owned(), Json::Array(items));
    Json::Object(fields)
}

fn collection_fields(item: &Item) -> JsonMap<String, Json> {
    let mut info = match item.body.fields.get("info") {
        Some(Value::Object(info)) => fields_to_json(info),
        _ => JsonMap::new(),
    };
    let name = named(item).unwrap_or_else(|| json!(item.node.name));
    info.insert("name".to_owned(), name);
    if !info.get("schema").is_some_and(Json::is_string) {
        info.insert("schema".to_owned(), json!(SCHEMA_V2_1));
    }
    let mut fields = JsonMap::from_iter([("info".to_owned(), Json::Object(info))]);
    let own = fields_to_json(&item.body.fields);
    fields.extend(own.into_iter().filter(|(name, _)| name != "info"));
    fields
}

fn folder(item: &Item, items: Vec<Json>) -> Json {
    let mut fields = named_fields(item);
    if !items.is_empty() || !fields.contains_key("item") {
        fields.insert("item".to_owned(), Json::Array(items));
    }
    Json::Object(fields)
}

fn folder_as_collection(item: &Item, items: Vec<Json>) -> Json {
    let mut fields = named_fields(item);
    let mut info = json!({ "name": item.node.name, "schema": SCHEMA_V2_1 });
    if let Some(description) = fields.remove("description") {
        info["description"] = description;
    }
    for name in ["name", "id", "uid", "_postman_id"] {
        fields.remove(name);
    }
    fields.insert("info".to_owned(), info);
    fields.insert("item".to_owned(), Json::Array(items));
    Json::Object(fields)
}

fn request(item: &Item, responses: Vec<Json>) -> Json {
    let mut fields = request_fields(item);
    if !responses.is_empty() {
        fields.insert("response".to_owned(), Json::Array(responses));
    }
    Json::Object(fields)
}

fn request_fields(item: &Item) -> JsonMap<String, Json> {
    let mut fields = named_fields(item);
    let Some(method) = &item.node.method else { return fields };
    match fields.get_mut("request") {
        Some(Json::Object(request)) => drop(request.insert("method".to_owned(), json!(method))),
        Some(Json::String(url)) => {
            let request = json!({ "method": method, "url": url });
            fields.insert("request".to_owned(), request);
        }
        Some(Json::Null) | None => {
            fields.insert("request".to_owned(), json!({ "method": method }));
        }
        Some(_) => {}
    }
    fields
}

fn example_as_request(item: &Item) -> Json {
    let fields = named_fields(item);
    let request = fields.get("originalRequest").filter(|request| request.is_object()).cloned();
    let request = request.unwrap_or_else(|| json!({ "method": "GET" }));
    json!({ "name": item.node.name, "request": request, "response": [fields] })
}

fn wrapped(name: &str, item: &Json) -> Json {
    json!({ "info": { "name": name, "schema": SCHEMA_V2_1 }, "item": [item] })
}

fn variables(item: &Item) -> JsonMap<String, Json> {
    let mut fields = named_fields(item);
    if !fields.contains_key(SCOPE) {
        let scope = if item.node.kind == Kind::Globals { "globals" } else { "environment" };
        fields.insert(SCOPE.to_owned(), json!(scope));
    }
    fields
}

/// The fields with the name in front.
fn named_fields(item: &Item) -> JsonMap<String, Json> {
    let mut fields = JsonMap::new();
    fields.extend(named(item).map(|name| ("name".to_owned(), name)));
    fields.extend(fields_to_json(&item.body.fields));
    fields
}

/// The name as the file has it: what the file said as long as the item was not renamed.
fn named(item: &Item) -> Option<Json> {
    let name = json!(item.node.name);
    let Some(Value::Object(mark)) = item.body.fields.get(NO_NAME) else { return Some(name) };
    if mark.get("shown").and_then(Value::as_str) != Some(&item.node.name) {
        return Some(name);
    }
    mark.get("value").map(to_json)
}
