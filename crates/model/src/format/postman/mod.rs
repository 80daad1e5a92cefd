//! Postman's files: collections, environments, globals and data dumps, in and out.
//!
//! ```text
//! bytes ─▶ text ─▶ JSON ─▶ what it is ─▶ drafts (one an item, parents first) ─▶ items
//!       json           detect          collection, v1, environment          build
//! items ─▶ JSON of a collection v2.1.0, an environment or globals
//!       export
//! ```
//! Invariants: a v2.1 file that comes in goes out as the same JSON, up to the order of keys; every
//! field that is not understood is kept; what cannot be carried over is in the list of losses; a file
//! comes in whole or not at all; no input makes it panic or take more than its limits.
//!
//! How a body differs from the file: known arrays are lists with element ids ([`normalise`]); a URL's
//! `raw` that its parts say is left out ([`url`]); name, method and saved responses are nodes. Fields
//! whose names begin with `$` are marks of this module and never leave it.
//!
//! Knows nothing of what is in the workspace already.

mod auth;
pub(crate) mod build;
mod collection;
pub(crate) mod detect;
mod environment;
mod error;
mod export;
pub(crate) mod losses;
pub(crate) mod shape;
pub mod url;
mod v1;
mod v1_request;

use std::borrow::Cow;
use std::fmt;

use rand_core::RngCore;

pub use error::{Foreign, ImportError};
pub use export::{document, export};

use crate::format::postman::build::{Buffered, Drafts};
use crate::format::postman::detect::Found;
use crate::format::{dump, json};
use crate::{Body, Item, Kind, List, Map, RecordId, Value};

/// The most items that one file brings in.
pub const ITEMS_MAX: usize = 100_000;
/// About the most bytes that one item's body has; a record must fit into one envelope when it is sealed.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// The longest name that an item takes from a file as it is, in characters.
pub const NAME_CHARS_MAX: usize = 1_000;

pub(crate) const SCHEMA_V2_1: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
pub(crate) const SCOPE: &str = "_postman_variable_scope";
/// The mark of an item whose name in the file is missing or no usable name: what is shown, and what
/// the file says. It holds as long as the item's name is the one shown.
pub const NO_NAME: &str = "$noName";

/// A file that was read.
#[derive(Debug)]
pub struct ImportedFile {
    /// What it is.
    pub source: Source,
    /// Its items: each top item with everything below it, parents before children, siblings in order.
    pub items: Vec<ImportedItem>,
    /// What could not be carried over, in words.
    pub losses: Vec<String>,
}

/// An item of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedItem {
    /// The item, with a new record id.
    pub item: Item,
    /// The id that the file gives it.
    pub origin: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A collection.
    Collection(Version),
    /// An environment.
    Environment,
    /// The globals of a workspace.
    Globals,
    /// A data dump in one JSON file.
    Dump,
    /// A data dump as a ZIP archive.
    Archive,
    /// An array of collections and environments.
    Several,
}

/// The version of a collection's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0.0: requests and folders in flat lists, with lists of ids for their order.
    V1,
    /// 2.0.0: nested items, sign-in attributes as objects.
    V2_0,
    /// 2.1.0: nested items, sign-in attributes as lists.
    V2_1,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1.0.0",
            Self::V2_0 => "v2.0.0",
            Self::V2_1 => "v2.1.0",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collection(version) => write!(f, "Postman collection {version}"),
            Self::Environment => f.write_str("Postman environment"),
            Self::Globals => f.write_str("Postman globals"),
            Self::Dump => f.write_str("Postman data dump"),
            Self::Archive => f.write_str("Postman data dump (ZIP)"),
            Self::Several => f.write_str("several Postman collections and environments"),
        }
    }
}

/// Reads a file of any kind, told by its content, as items under `root`.
pub fn import(bytes: &[u8], root: RecordId, rng: &mut dyn RngCore) -> Result<ImportedFile, ImportError> {
    let mut drafts = Drafts::default();
    let source = if dump::is_zip(bytes) {
        dump::read_zip(bytes, &mut drafts)?;
        Source::Archive
    } else {
        let found = read(bytes, &mut drafts)?;
        let source = found.source();
        found.draft(&mut drafts)?;
        source
    };
    if drafts.is_empty() {
        return Err(ImportError::Nothing { source: source.to_string() });
    }
    let (items, losses) = build::items(drafts, root, &mut Buffered::new(rng))?;
    Ok(ImportedFile { source, items, losses })
}

/// Reads bytes as JSON and says what it is.
pub(crate) fn read(bytes: &[u8], drafts: &mut Drafts) -> Result<Found, ImportError> {
    if let Some(foreign) = detect::foreign_bytes(bytes) {
        return Err(ImportError::Foreign(foreign));
    }
    let text: Cow<'_, str> = json::text(bytes)?;
    if let Some(foreign) = detect::foreign_text(&text) {
        return Err(ImportError::Foreign(foreign));
    }
    let read = json::parse(&text)?;
    if let Some(repeated) = read.repeated {
        let times =
            if repeated.count == 1 { String::new() } else { format!(" and {} more", repeated.count - 1) };
        drafts.losses.add(format!(
            "a field is named twice in one object, so only the last value is kept: {} in line {}{times}",
            repeated.name, repeated.line
        ));
    }
    detect::classify(read.value)
}

/// Gives the body of an item the structure that merges: known arrays become lists, and a URL's `raw`
/// is left out where its parts say the same. What has its structure already stays.
pub fn normalise(kind: &Kind, body: &mut Body, rng: &mut dyn RngCore) {
    shape::apply_to_body(&mut body.fields, kind, rng);
}

/// The body of an item of a kind from the JSON that [`document`] made of one, perhaps edited since,
/// and the name and method in it.
///
/// Saved responses and items inside are not part of one item's document and are left out.
pub fn from_document(
    kind: &Kind,
    document: serde_json::Map<String, serde_json::Value>,
    rng: &mut dyn RngCore,
) -> (Option<String>, Option<String>, Body) {
    build::from_document(kind, document, rng)
}

/// The body of a new environment or of new globals. The name is the node's and not in the body.
pub fn new_environment(_name: &str) -> Body {
    let values = Value::List(List::default());
    Body { fields: Map::from([("values".to_owned(), values)]), ..Body::default() }
}
