//! Items: the node that the tree is made of, the body that holds everything else, and conflicts.
//!
//! Knows nothing of how a record is stored, sealed or sent.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rand_core::RngCore;

use crate::{Map, OrderKey, Value};

/// A record's id: 128 random bits, made by the app that made the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // At once and not byte by byte: a listing writes one for each item.
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are text"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

impl RecordId {
    /// Makes a random id.
    pub fn make(rng: &mut dyn RngCore) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

impl FromStr for RecordId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError { digits: 32 };
        let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| wrong)?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (nibble(pair[0]).ok_or(wrong)? << 4) | nibble(pair[1]).ok_or(wrong)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// A text is not an id: it has not so many hexadecimal digits and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError {
    /// How many digits the id has.
    pub digits: usize,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading an id: it is not {} hexadecimal digits", self.digits)
    }
}

impl std::error::Error for IdError {}

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

impl Kind {
    /// The word that stands for the kind in stored records.
    pub fn word(&self) -> &str {
        match self {
            Self::Workspace => "workspace",
            Self::Collection => "collection",
            Self::Folder => "folder",
            Self::Request => "request",
            Self::Example => "example",
            Self::Environment => "environment",
            Self::Globals => "globals",
            Self::Unknown(word) => word,
        }
    }

    /// The kind that a word stands for.
    pub fn from_word(word: &str) -> Self {
        match word {
            "workspace" => Self::Workspace,
            "collection" => Self::Collection,
            "folder" => Self::Folder,
            "request" => Self::Request,
            "example" => Self::Example,
            "environment" => Self::Environment,
            "globals" => Self::Globals,
            _ => Self::Unknown(word.to_owned()),
        }
    }
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
    /// When, in milliseconds since 1970 by that app's clock. For people; no order depends on it, only which act it was.
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

/// Two values for one field, neither lost.
///
/// The record shows `server`, except where that side removed what the other edited: then the edited
/// value stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The field: names and element ids from the document's root; of a node the field's name. Empty
    /// where too much differs to keep it field by field: then it is about all fields at once.
    pub path: Vec<String>,
    /// The value that both began from; none if the field did not exist.
    pub base: Option<Value>,
    /// The value of the app that merged; none if that side removed the field.
    pub local: Option<Value>,
    /// The value that the server had; none if that side removed the field.
    pub server: Option<Value>,
    /// Whose value `local` is: the account's id in hexadecimal.
    pub who: String,
    /// When it was found, in milliseconds since 1970. For people only.
    pub when_ms: u64,
}
