//! Records, the tree, merge, and the formats that come in and go out.
//!
//! Why it exists: what an API client's data *is*, apart from where it is kept and how it travels.
//! Every function is pure, so that every app computes the same tree and the same merge.
//!
//! This crate knows no clock, no randomness (generators are arguments), no files, no network, no
//! async, and no keys.

pub mod document;
pub mod node;
pub mod order;

pub use document::{Element, ElementId, List, Map, Value};
pub use node::{Body, Conflict, ConflictId, Conflicts, Item, Kind, Node, Position, RecordId, Trashed};
pub use order::OrderKey;
