//! Collections v1.0.0: flat lists of requests and folders, put into a tree by lists of ids.
//!
//! Invariant: no request and no folder is lost. What no order names, what is named in a circle and
//! what shares its id with another is rescued into a folder "Recovered" at the end.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use crate::Kind;
use crate::format::postman::build::{Draft, Drafts};
use crate::format::postman::collection::{take_array, word};
use crate::format::postman::losses::counted;
use crate::format::postman::{ImportError, SCHEMA_V2_1, auth, v1_request};

/// The deepest nesting of folders; what is deeper goes into the deepest folder that fits.
const FOLDERS_DEEP_MAX: usize = 40;
const RECOVERED: &str = "Recovered";
/// Fields of a folder that say where it stands.
const PLACES: [&str; 8] = [
    "order",
    "folders_order",
    "collection",
    "collectionId",
    "collection_id",
    "collection_name",
    "collection_owner",
    "folder",
];

/// Drafts a collection with everything in it.
pub(crate) fn draft(mut fields: Map<String, Json>, drafts: &mut Drafts) -> Result<(), ImportError> {
    let requests = objects(&mut fields, "requests", drafts);
    let folders = objects(&mut fields, "folders", drafts);
    let folders_order = fields.contains_key("folders_order").then(|| ids(&mut fields, "folders_order"));
    let order = ids(&mut fields, "order");
    let draft = collection(fields, drafts);
    let collection = drafts.add(draft)?;
    let mut tree = Tree::new(requests, folders);
    let folders_order = folders_order.unwrap_or_else(|| tree.unclaimed_folders());
    tree.place(collection, [folders_order, order].concat(), drafts)?;
    tree.rescue(collection, drafts)
}

/// The objects of a list; anything else in it is a loss.
fn objects(fields: &mut Map<String, Json>, name: &str, drafts: &mut Drafts) -> Vec<Map<String, Json>> {
    let values = take_array(fields, name).unwrap_or_default();
    if let Some(other) = fields.remove(name).filter(|other| !other.is_null()) {
        drafts.losses.add(format!("{name} is {}, not a list, and was left out", word(&other)));
    }
    let mut objects = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Json::Object(fields) => objects.push(fields),
            other => drafts.losses.add(format!("an element of {name} that is {} was left out", word(&other))),
        }
    }
    objects
}

fn ids(fields: &mut Map<String, Json>, name: &str) -> Vec<String> {
    let values = take_array(fields, name).unwrap_or_default();
    fields.remove(name);
    values.into_iter().filter_map(|value| id(&value)).collect()
}

fn id(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn collection(mut fields: Map<String, Json>, drafts: &mut Drafts) -> Draft {
    let mut info = Map::new();
    if let Some(id) = fields.remove("id") {
        info.insert("_postman_id".to_owned(), text_of(id));
    }
    for name in ["name", "description"] {
        if let Some(value) = fields.remove(name).filter(|value| !value.is_null()) {
            info.insert(name.to_owned(), text_of(value));
        }
    }
    info.insert("schema".to_owned(), json!(SCHEMA_V2_1));
    let mut out = Map::from_iter([("info".to_owned(), Json::Object(info))]);
    take_shared(&mut fields, &mut out, drafts);
    keep_unknown(fields, &mut out, drafts);
    Draft { parent: None, kind: Kind::Collection, fields: out }
}

/// A number or the like as the text that v2.1 wants; texts and objects stay.
fn text_of(value: Json) -> Json {
    match value {
        Json::Number(number) => json!(number.to_string()),
        Json::Bool(value) => json!(value.to_string()),
        value => value,
    }
}

/// Takes what collections, folders and requests share: events, variables, sign-in and the like.
pub(crate) fn take_shared(fields: &mut Map<String, Json>, out: &mut Map<String, Json>, drafts: &mut Drafts) {
    for (old, new) in [("events", "event"), ("variables", "variable")] {
        match fields.remove(old) {
            Some(Json::Array(values)) => {
                let count = values.len();
                let objects: Vec<_> = values.into_iter().filter(Json::is_object).collect();
                if objects.len() < count {
                    drafts.losses.add(format!("an element of {old} that is no object was left out"));
                }
                out.insert(new.to_owned(), Json::Array(objects));
            }
            None | Some(Json::Null) => {}
            Some(other) => {
                drafts.losses.add(format!("{old} is {}, not a list, and was left out", word(&other)));
            }
        }
    }
    auth::list_attributes(fields);
    for name in ["auth", "protocolProfileBehavior"] {
        if let Some(value) = fields.remove(name).filter(Json::is_object) {
            out.insert(name.to_owned(), value);
        }
    }
}

/// Keeps the fields that v2.1 does not know, except those that would mean something else there.
pub(crate) fn keep_unknown(fields: Map<String, Json>, out: &mut Map<String, Json>, drafts: &mut Drafts) {
    const TAKEN: [&str; 8] =
        ["info", "item", "request", "response", "event", "variable", "header", "originalRequest"];
    for (name, value) in fields {
        if TAKEN.contains(&name.as_str()) || out.contains_key(&name) {
            if !value.is_null() {
                drafts.losses.add(format!("a field {name} means something else in v2.1 and was left out"));
            }
        } else {
            out.insert(name, value);
        }
    }
}

fn folder(mut fields: Map<String, Json>, parent: usize, drafts: &mut Drafts) -> Draft {
    let mut out = Map::new();
    for name in ["id", "name", "description"] {
        if let Some(value) = fields.remove(name).filter(|value| !value.is_null()) {
            out.insert(name.to_owned(), text_of(value));
        }
    }
    fields.retain(|name, _| !PLACES.contains(&name.as_str()));
    take_shared(&mut fields, &mut out, drafts);
    keep_unknown(fields, &mut out, drafts);
    Draft { parent: Some(parent), kind: Kind::Folder, fields: out }
}

/// What is still to be placed.
struct Tree {
    requests: Vec<Option<Map<String, Json>>>,
    request_at: HashMap<String, usize>,
    folders: Vec<Option<Folder>>,
    folder_at: HashMap<String, usize>,
}

struct Folder {
    fields: Map<String, Json>,
    folders_order: Vec<String>,
    order: Vec<String>,
}

impl Tree {
    fn new(requests: Vec<Map<String, Json>>, folders: Vec<Map<String, Json>>) -> Self {
        let folders: Vec<_> = folders.into_iter().map(Folder::new).collect();
        Self {
            request_at: places(&requests),
            folder_at: places(folders.iter().map(|folder| &folder.fields)),
            requests: requests.into_iter().map(Some).collect(),
            folders: folders.into_iter().map(Some).collect(),
        }
    }

    /// The folders that no other folder names, in the file's order: the top ones where the collection
    /// does not say.
    fn unclaimed_folders(&self) -> Vec<String> {
        let folders = || self.folders.iter().flatten();
        let claimed: HashSet<&str> =
            folders().flat_map(|folder| &folder.folders_order).map(String::as_str).collect();
        let ids = folders().filter_map(|folder| folder.fields.get("id").and_then(id));
        ids.filter(|id| !claimed.contains(id.as_str())).collect()
    }

    /// Places everything that ids name under a parent, with what is below.
    fn place(&mut self, parent: usize, ids: Vec<String>, drafts: &mut Drafts) -> Result<(), ImportError> {
        let mut open = vec![(parent, ids.into_iter())];
        while let Some((parent, ids)) = open.last_mut() {
            let parent = *parent;
            let Some(id) = ids.next() else {
                open.pop();
                continue;
            };
            if let Some(folder) = self.take_folder(&id) {
                open.push(place_folder(folder, parent, open.len(), drafts)?);
            } else if let Some(request) = self.take_request(&id) {
                v1_request::draft(request, parent, drafts)?;
            }
        }
        Ok(())
    }

    fn take_folder(&mut self, id: &str) -> Option<Folder> {
        self.folders[*self.folder_at.get(id)?].take()
    }

    fn take_request(&mut self, id: &str) -> Option<Map<String, Json>> {
        self.requests[*self.request_at.get(id)?].take()
    }

    /// Places what is left under "Recovered".
    fn rescue(mut self, collection: usize, drafts: &mut Drafts) -> Result<(), ImportError> {
        let folders = self.folders.iter().flatten().count();
        let requests = self.requests.iter().flatten().count();
        if folders + requests == 0 {
            return Ok(());
        }
        let fields = Map::from_iter([("name".to_owned(), json!(RECOVERED))]);
        let recovered = drafts.add(Draft { parent: Some(collection), kind: Kind::Folder, fields })?;
        let unclaimed = self.unclaimed_folders();
        self.place(recovered, unclaimed, drafts)?;
        for at in 0..self.folders.len() {
            if let Some(folder) = self.folders[at].take() {
                let ids = [folder.folders_order.clone(), folder.order.clone()].concat();
                let (placed, _) = place_folder(folder, recovered, 1, drafts)?;
                self.place(placed, ids, drafts)?;
            }
        }
        let named = self.requests.iter().flatten().count();
        for request in self.requests.into_iter().flatten() {
            v1_request::draft(request, recovered, drafts)?;
        }
        let (folders, requests) =
            (counted(folders, "folder", "folders"), counted(named, "request", "requests"));
        drafts
            .losses
            .add(format!("no order names {folders} and {requests}: they are in the folder {RECOVERED}"));
        Ok(())
    }
}

type Opened = (usize, std::vec::IntoIter<String>);

/// Drafts a folder and says where its children go and what they are.
fn place_folder(
    folder: Folder,
    parent: usize,
    depth: usize,
    drafts: &mut Drafts,
) -> Result<Opened, ImportError> {
    let children = [folder.folders_order, folder.order].concat();
    let draft = self::folder(folder.fields, parent, drafts);
    let id = drafts.add(draft)?;
    let place = if depth > FOLDERS_DEEP_MAX { parent } else { id };
    Ok((place, children.into_iter()))
}

impl Folder {
    fn new(mut fields: Map<String, Json>) -> Self {
        let folders_order = ids(&mut fields, "folders_order");
        let order = ids(&mut fields, "order");
        Self { fields, folders_order, order }
    }
}

/// Where each id stands; of two with one id, the first.
fn places<'a>(objects: impl IntoIterator<Item = &'a Map<String, Json>>) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (at, fields) in objects.into_iter().enumerate() {
        if let Some(id) = fields.get("id").and_then(id) {
            places.entry(id).or_insert(at);
        }
    }
    places
}
