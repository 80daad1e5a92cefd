//! Records, the tree, merge, and the formats that come in and go out.
//!
//! Why it exists: what an API client's data *is*, apart from where it is kept and how it travels.
//! Every function is pure, so that every app computes the same tree and the same merge.
//!
//! This crate knows no clock, no randomness (generators are arguments), no files, no network, no
//! async, and no keys.

#![deny(missing_docs)]

pub mod by_id;
pub mod difference;
pub mod document;
pub mod format;
pub mod merge;
pub mod node;
mod node_document;
pub mod order;
pub mod path;
pub mod planted;
pub mod reconcile;
pub mod resolve;
pub mod search;
mod stable;
mod text;
pub mod tree;
pub mod variable;

pub use by_id::ById;
pub use document::{Element, ElementId, List, Map, Value};
pub use node::{
    Body, Conflict, ConflictId, Conflicts, IdError, Item, Kind, Node, Position, RecordId, Trashed,
};
pub use order::{OrderError, OrderKey};
pub use tree::Tree;
