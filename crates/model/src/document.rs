//! The document: the shape of every record's content, made so that it merges by field.
//!
//! A document is JSON with one addition, the [`List`]: elements under ids with order keys, for
//! headers, parameters, variables and form fields. Merge walks documents by key and by element id and
//! never by position. Fields that this version does not know are kept because every field is kept.
//!
//! Knows nothing of JSON's bytes (`format::payload`) nor of what the fields mean.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rand_core::RngCore;

use crate::node::IdError;
use crate::{OrderKey, stable};

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

impl Value {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The fields, if it is an object.
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The value at a path of field names and element ids (16 hexadecimal digits).
    pub fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<&Value> {
        path.iter().try_fold(self, |at, segment| at.step(segment.as_ref()))
    }

    fn step(&self, segment: &str) -> Option<&Value> {
        match self {
            Self::Object(map) => map.get(segment),
            Self::List(list) => list.elements.get(&segment.parse().ok()?).map(|element| &element.value),
            _ => None,
        }
    }

    /// Whether a person sees the same: element ids and order keys aside, and a list like an array.
    pub fn same_content(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && a.1.same_content(b.1))
            }
            (Self::List(_) | Self::Array(_), Self::List(_) | Self::Array(_)) => {
                let (a, b) = (self.in_order(), other.in_order());
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.same_content(b))
            }
            _ => self == other,
        }
    }

    /// The members of an array or list in the order that a person sees; none of anything else.
    pub fn in_order(&self) -> Vec<&Value> {
        match self {
            Self::Array(values) => values.iter().collect(),
            Self::List(list) => list.in_order().into_iter().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        }
    }
}

impl ElementId {
    /// Makes a random id.
    pub fn make(rng: &mut dyn RngCore) -> Self {
        Self(rng.next_u64())
    }

    /// An id that follows from two others, the same on every app.
    pub(crate) fn derive(purpose: &str, of: &str, from: Self) -> Self {
        let mut hash = stable::StableHash::new(purpose);
        hash.text(of);
        hash.number(from.0);
        Self(hash.finish())
    }
}

impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for ElementId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(IdError { digits: 16 });
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| IdError { digits: 16 })
    }
}

impl List {
    /// A list of new elements, in this order.
    pub fn from_values(values: impl IntoIterator<Item = Value>, rng: &mut dyn RngCore) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        let orders = OrderKey::block(None, None, values.len(), rng);
        let mut list = Self::default();
        for (value, order) in values.into_iter().zip(orders) {
            list.add(value, order, rng);
        }
        list
    }

    /// Appends an element.
    pub fn push(&mut self, value: Value, rng: &mut dyn RngCore) -> ElementId {
        let order = OrderKey::between(self.last().map(|id| self.order(id)), None, rng);
        self.add(value, order, rng)
    }

    /// Inserts an element right after another, or at the front.
    ///
    /// An `after` that is not in the list (it was removed meanwhile) appends.
    pub fn insert(&mut self, after: Option<ElementId>, value: Value, rng: &mut dyn RngCore) -> ElementId {
        let order = self.order_after(after, rng);
        self.add(value, order, rng)
    }

    /// Takes an element out.
    pub fn remove(&mut self, id: ElementId) -> Option<Value> {
        self.elements.remove(&id).map(|element| element.value)
    }

    /// The elements in the order that a person sees.
    pub fn in_order(&self) -> Vec<(ElementId, &Value)> {
        self.ids_in_order().into_iter().map(|id| (id, &self.elements[&id].value)).collect()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// An order key right after an element, at the front, or at the end if the element is gone.
    pub(crate) fn order_after(&self, after: Option<ElementId>, rng: &mut dyn RngCore) -> OrderKey {
        let ids = self.ids_in_order();
        let at = match after {
            None => 0,
            Some(after) => ids.iter().position(|id| *id == after).map_or(ids.len(), |at| at + 1),
        };
        let before = at.checked_sub(1).map(|at| self.order(ids[at]));
        let next = ids.get(at).map(|id| self.order(*id));
        OrderKey::between(before, next, rng)
    }

    pub(crate) fn ids_in_order(&self) -> Vec<ElementId> {
        let mut elements: Vec<_> = self.elements.iter().map(|(id, element)| (&element.order, *id)).collect();
        elements.sort_unstable();
        elements.into_iter().map(|(_, id)| id).collect()
    }

    fn last(&self) -> Option<ElementId> {
        self.elements.iter().max_by_key(|(id, element)| (&element.order, **id)).map(|(id, _)| *id)
    }

    fn order(&self, id: ElementId) -> &OrderKey {
        &self.elements[&id].order
    }

    fn add(&mut self, value: Value, order: OrderKey, rng: &mut dyn RngCore) -> ElementId {
        let mut id = ElementId::make(rng);
        while self.elements.contains_key(&id) {
            id = ElementId(id.0.wrapping_add(1));
        }
        self.elements.insert(id, Element { order, value });
        id
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::{ElementId, List, Map, Value};

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn shown(list: &List) -> String {
        list.in_order().iter().filter_map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn elements_stand_where_they_were_put() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut list = List::from_values(["a", "b", "c"].map(text), &mut rng);
        assert_eq!(shown(&list), "a b c");
        let d = list.push(text("d"), &mut rng);
        list.insert(None, text("first"), &mut rng);
        list.insert(Some(d), text("last"), &mut rng);
        let b = list.in_order()[2].0;
        list.insert(Some(b), text("b2"), &mut rng);
        assert_eq!(shown(&list), "first a b b2 c d last");
        assert_eq!(list.remove(d), Some(text("d")));
        list.insert(Some(d), text("end"), &mut rng);
        assert_eq!(shown(&list), "first a b b2 c last end");
    }

    #[test]
    fn a_path_leads_through_fields_and_elements() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut list = List::default();
        let id = list.push(Value::Object(Map::from([("key".to_owned(), text("Accept"))])), &mut rng);
        let value = Value::Object(Map::from([("header".to_owned(), Value::List(list))]));
        let path = ["header".to_owned(), id.to_string(), "key".to_owned()];
        assert_eq!(value.get(&path), Some(&text("Accept")));
        assert_eq!(value.get(&["header", "0", "key"]), None);
        assert_eq!(value.get(&["header", "nope"]), None);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("+00000000000000f".parse::<ElementId>().is_err());
    }

    #[test]
    fn content_is_what_a_person_sees() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let list = |rng: &mut ChaCha8Rng| Value::List(List::from_values(["a", "b"].map(text), rng));
        let (one, two) = (list(&mut rng), list(&mut rng));
        assert!(one != two && one.same_content(&two));
        assert!(one.same_content(&Value::Array(["a", "b"].map(text).to_vec())));
        assert!(!one.same_content(&Value::Array(["b", "a"].map(text).to_vec())));
    }
}
