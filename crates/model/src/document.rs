//! The document: the shape of every record's content, made so that it merges by field.
//!
//! A document is JSON with one addition, the [`List`]: elements under ids with order keys, for
//! headers, parameters, variables and form fields. Merge walks documents by key and by element id and
//! never by position. Fields that this version does not know are kept because every field is kept.

use std::collections::BTreeMap;

use crate::OrderKey;

/// The fields of an object, in the order of their names.
pub type Map = BTreeMap<String, Value>;

/// One value of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// JSON null.
    #[default]
    Null,
    /// JSON true or false.
    Bool(bool),
    /// A JSON number with its digits as written.
    Number(serde_json::Number),
    /// A text. One that holds line breaks merges by line.
    String(String),
    /// An array without element ids: one value to the merge, unless it holds only strings (then it
    /// merges like the lines of a text).
    Array(Vec<Value>),
    /// Fields, merged one by one.
    Object(Map),
    /// Elements with ids, merged one by one.
    List(List),
}

/// Names an element within its list: 64 random bits, or derived where two apps must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(pub u64);

/// One element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Where it stands; ties are broken by id.
    pub order: OrderKey,
    /// What it is.
    pub value: Value,
}

/// Elements by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The elements.
    pub elements: BTreeMap<ElementId, Element>,
}

impl List {
    /// The elements in the order that a person sees.
    pub fn in_order(&self) -> Vec<(ElementId, &Value)> {
        let mut elements: Vec<_> = self.elements.iter().collect();
        elements.sort_by(|a, b| (&a.1.order, a.0).cmp(&(&b.1.order, b.0)));
        elements.into_iter().map(|(id, element)| (*id, &element.value)).collect()
    }
}
