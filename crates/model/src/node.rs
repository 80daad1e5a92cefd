//! Items: the node that the tree is made of, the body that holds everything else, and conflicts.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Map, OrderKey, Value};

/// A record's id: 128 random bits, made by the app that made the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The workspace itself: one item whose record id is the workspace's id; its name is the workspace's name.
    Workspace,
    /// A collection; its parent is the workspace item.
    Collection,
    /// A folder in a collection or folder.
    Folder,
    /// A request.
    Request,
    /// A saved response; its parent is a request.
    Example,
    /// An environment; its parent is the workspace item.
    Environment,
    /// The globals of a workspace; its parent is the workspace item.
    Globals,
    /// A kind of a newer version, kept as it is.
    Unknown(String),
}

/// Where an item stands: under which parent, and where among its siblings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The parent item.
    pub parent: RecordId,
    /// The place among the siblings; ties are broken by record id.
    pub order: OrderKey,
}

/// Says that an item lies in the trash. Its position is kept, so that restoring it is one edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trashed {
    /// Who trashed it: the account's id in hexadecimal, or empty on the Scratch Pad.
    pub who: String,
    /// When, in milliseconds since 1970 by that app's clock. For people only; nothing depends on it.
    pub when_ms: u64,
}

/// The small half of an item: what the tree needs, about 120 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is; never changes.
    pub kind: Kind,
    /// Where it stands. One value to the merge: a reorder and a move never mix.
    pub position: Position,
    /// Its name.
    pub name: String,
    /// A request's method, as written; none where the file had none.
    pub method: Option<String>,
    /// Whether it lies in the trash.
    pub trashed: Option<Trashed>,
    /// What could not be merged.
    pub conflicts: Conflicts,
    /// Fields of a newer version.
    pub extra: Map,
}

/// The large half of an item: a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// The fields, in the shape of Postman's v2.1 format with lists made mergeable
    /// (see `format::postman`).
    pub fields: Map,
    /// What could not be merged.
    pub conflicts: Conflicts,
}

/// An item: two records under one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The id of both records.
    pub id: RecordId,
    /// The node.
    pub node: Node,
    /// The body.
    pub body: Body,
}

/// Names a conflict within its record: derived from path and values, so that two apps that meet
/// the same conflict make one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConflictId(pub String);

/// The conflicts of a record, a value that syncs with it.
pub type Conflicts = BTreeMap<ConflictId, Conflict>;

/// Two values for one field, neither lost. The record shows `server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The field: names and element ids from the document's root.
    pub path: Vec<String>,
    /// The value that both began from; none if the field did not exist.
    pub base: Option<Value>,
    /// The value that lost its place; none if that side removed the field.
    pub local: Option<Value>,
    /// The value that shows; none if that side removed the field.
    pub server: Option<Value>,
    /// Whose value `local` is: the account's id in hexadecimal.
    pub who: String,
    /// When it was found, in milliseconds since 1970. For people only.
    pub when_ms: u64,
}
