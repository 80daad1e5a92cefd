//! The requests of a collection in the order in which they run.

use std::collections::{HashMap, HashSet};

use rand_core::{OsRng, RngCore as _};
use serde_json::Value as Json;

use super::PlanError;
use super::sending::name_of;
use crate::limits::FOLDER_DEPTH;

/// A request of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) id: String,
    /// The names of the folders above, the outermost first.
    pub(super) folders: Vec<String>,
    /// The places in the lists of items, from the collection down.
    way: Vec<usize>,
}

impl Item {
    /// The documents above it, the collection first, and its own.
    pub(super) fn documents<'a>(&self, collection: &'a Json) -> (Vec<&'a Json>, &'a Json) {
        let mut above = Vec::with_capacity(self.way.len());
        let mut document = collection;
        for &place in &self.way {
            above.push(document);
            document = &document["item"][place];
        }
        (above, document)
    }
}

/// All requests of the selection, in the collection's order; of the whole collection where nothing is selected.
///
/// As newman's `--folder`: a name or id means the first folder or request that has it, and what lies in a selected folder runs once.
pub(super) fn runnable(collection: &Json, selection: &[String]) -> Result<Vec<Item>, PlanError> {
    if !collection.get("item").is_some_and(Json::is_array) {
        return Err(PlanError::NotACollection);
    }
    let mut walk = Walk {
        wanted: selection.iter().map(String::as_str).collect(),
        items: Vec::new(),
        folders: Vec::new(),
        way: Vec::new(),
    };
    walk.list(collection, selection.is_empty())?;
    // The first that was named, so that the message is the same each time.
    match selection.iter().find(|name| walk.wanted.contains(name.as_str())) {
        Some(name) => Err(PlanError::NotFound { name: name.clone() }),
        None => Ok(walk.items),
    }
}

struct Walk<'a> {
    /// What was not found yet.
    wanted: HashSet<&'a str>,
    items: Vec<Item>,
    folders: Vec<String>,
    way: Vec<usize>,
}

impl Walk<'_> {
    fn list(&mut self, group: &Json, all: bool) -> Result<(), PlanError> {
        if self.way.len() > FOLDER_DEPTH {
            return Err(PlanError::TooDeep);
        }
        for (place, child) in group["item"].as_array().into_iter().flatten().enumerate() {
            let found = [own_id(child), name_of(child)].into_iter().any(|word| self.wanted.remove(word));
            self.way.push(place);
            if child.get("item").is_some_and(Json::is_array) {
                self.folders.push(name_of(child).to_owned());
                self.list(child, all || found)?;
                self.folders.pop();
            } else if all || found {
                self.items.push(Item {
                    name: name_of(child).to_owned(),
                    id: Some(own_id(child)).filter(|id| !id.is_empty()).map_or_else(made_id, str::to_owned),
                    folders: self.folders.clone(),
                    way: self.way.clone(),
                });
            }
            self.way.pop();
        }
        Ok(())
    }
}

fn own_id(document: &Json) -> &str {
    let id = document.get("id").or_else(|| document.get("_postman_id"));
    id.and_then(Json::as_str).unwrap_or_default()
}

fn made_id() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    crate::auth::uuid(bytes)
}

/// Where scripts can lead a run.
#[derive(Debug)]
pub(super) struct Places {
    ids: HashMap<String, usize>,
    names: HashMap<String, usize>,
}

impl Places {
    pub(super) fn of(items: &[Item]) -> Self {
        let by = |word: fn(&Item) -> &String| {
            items.iter().enumerate().map(|(place, item)| (word(item).clone(), place)).collect()
        };
        Self { ids: by(|item| &item.id), names: by(|item| &item.name) }
    }

    /// The place of an id, else of a name; of several, the last, as in newman.
    pub(super) fn find(&self, word: &str) -> Option<usize> {
        self.ids.get(word).or_else(|| self.names.get(word)).copied()
    }
}
