//! Gives a new document the ids of an old one, so that replacing it is a minimal edit.
//!
//! Why it exists: a file that is imported again, or text that comes back from an editor, has no element
//! ids of its own that mean anything. Without this a re-import would remove and add every header, and
//! would collide with every edit made elsewhere.
//!
//! Invariants: the result has the new document's content exactly; a new document with the same content
//! yields the old one exactly; the same arguments yield the same result on every app.
//!
//! Elements match by id, else by equal content, else by what names them (`key`, `listen`, `name`, `id`),
//! else by an equal `value` between the same neighbours: a renamed header is still that header.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::stable::{Derived, StableHash};
use crate::{Body, Element, ElementId, List, Map, OrderKey, Value};

/// Values that nest deeper are taken as they are.
const DEPTH_MAX: usize = 64;
/// The fields that name an element.
const NAMES: [&str; 4] = ["key", "listen", "name", "id"];

/// The new body with the ids and orders of the old one's matching elements, and with its conflicts.
pub fn reconcile_body(old: &Body, new: &Body) -> Body {
    let mut conflicts = old.conflicts.clone();
    for (id, conflict) in &new.conflicts {
        conflicts.entry(id.clone()).or_insert_with(|| conflict.clone());
    }
    Body { fields: reconcile_map(&old.fields, &new.fields, 0), conflicts }
}

/// The new value with the ids and orders of the old one's matching elements.
pub(crate) fn reconcile_value(old: &Value, new: &Value) -> Value {
    reconcile(old, new, 0)
}

/// A list of an array's values with ids that follow from them.
pub(crate) fn list_from_array(values: &[Value]) -> List {
    reconcile_list(&List::default(), &with_derived_ids(values), 0)
}

fn reconcile_map(old: &Map, new: &Map, depth: usize) -> Map {
    let value = |(name, value): (&String, &Value)| {
        let value = old.get(name).map_or_else(|| value.clone(), |old| reconcile(old, value, depth + 1));
        (name.clone(), value)
    };
    new.iter().map(value).collect()
}

fn reconcile(old: &Value, new: &Value, depth: usize) -> Value {
    if old.same_content(new) {
        return old.clone();
    }
    match (old, new) {
        _ if depth > DEPTH_MAX => new.clone(),
        (Value::Object(old), Value::Object(new)) => Value::Object(reconcile_map(old, new, depth)),
        (Value::List(old), Value::List(new)) => {
            let new: Vec<_> = new.in_order().into_iter().map(|(id, value)| (id, value.clone())).collect();
            Value::List(reconcile_list(old, &new, depth))
        }
        (Value::List(old), Value::Array(new)) => {
            Value::List(reconcile_list(old, &with_derived_ids(new), depth))
        }
        _ => new.clone(),
    }
}

/// Ids that follow from the content and from how often it occurred before.
fn with_derived_ids(values: &[Value]) -> Vec<(ElementId, Value)> {
    let mut seen: HashMap<u64, u64> = HashMap::new();
    let derived = |value: &Value| {
        let mut hash = StableHash::new("element of an array");
        hash.content(value);
        let occurrence = seen.entry(hash.finish()).or_default();
        *occurrence += 1;
        hash.number(*occurrence);
        (ElementId(hash.finish()), value.clone())
    };
    values.iter().map(derived).collect()
}

fn reconcile_list(old: &List, new: &[(ElementId, Value)], depth: usize) -> List {
    let matches = Matching::of(old, new).into_matches();
    let mut elements = Vec::with_capacity(new.len());
    for ((id, value), matched) in new.iter().zip(matches) {
        let element = match matched.and_then(|id| Some((id, old.elements.get(&id)?))) {
            Some((id, element)) => {
                (id, Some(element.order.clone()), reconcile(&element.value, value, depth + 1))
            }
            None => (*id, None, value.clone()),
        };
        elements.push(element);
    }
    in_place(elements, seed(old, new))
}

fn seed(old: &List, new: &[(ElementId, Value)]) -> u64 {
    let mut hash = StableHash::new("places");
    for id in old.elements.keys() {
        hash.number(id.0);
    }
    for (_, value) in new {
        hash.content(value);
    }
    hash.finish()
}

/// Which old element each new one is.
struct Matching<'a> {
    old: Vec<(ElementId, &'a Value)>,
    new: &'a [(ElementId, Value)],
    old_of: Vec<Option<usize>>,
    used: Vec<bool>,
}

impl<'a> Matching<'a> {
    fn of(old: &'a List, new: &'a [(ElementId, Value)]) -> Self {
        let old = old.in_order();
        let used = vec![false; old.len()];
        let mut matching = Self { old, new, old_of: vec![None; new.len()], used };
        matching.pair_by(|id, _| Some(id.0));
        matching.pair_by(|_, value| {
            let mut hash = StableHash::new("content");
            hash.content(value);
            Some(hash.finish())
        });
        matching.pair_by(|_, value| name(value));
        matching.pair_renamed();
        matching
    }

    /// Pairs what is left and has the same mark, in order.
    fn pair_by<K: std::hash::Hash + Eq>(&mut self, mark: impl Fn(ElementId, &Value) -> Option<K>) {
        let mut free: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (at, (id, value)) in self.old.iter().enumerate().filter(|(at, _)| !self.used[*at]) {
            if let Some(mark) = mark(*id, value) {
                free.entry(mark).or_default().push_back(at);
            }
        }
        for (at, (id, value)) in self.new.iter().enumerate() {
            if self.old_of[at].is_some() {
                continue;
            }
            let found = mark(*id, value).and_then(|mark| free.get_mut(&mark)?.pop_front());
            if let Some(found) = found {
                self.old_of[at] = Some(found);
                self.used[found] = true;
            }
        }
    }

    /// Pairs an element with the one after the old neighbour, if the values are equal.
    fn pair_renamed(&mut self) {
        let mut next = 0;
        for at in 0..self.new.len() {
            if let Some(found) = self.old_of[at] {
                next = found + 1;
            } else if next < self.old.len()
                && !self.used[next]
                && same_value(self.old[next].1, &self.new[at].1)
            {
                self.old_of[at] = Some(next);
                self.used[next] = true;
                next += 1;
            }
        }
    }

    fn into_matches(self) -> Vec<Option<ElementId>> {
        let Self { old, old_of, .. } = self;
        old_of.into_iter().map(|at| at.map(|at| old[at].0)).collect()
    }
}

/// What names an element: field and text.
fn name(value: &Value) -> Option<(&'static str, String)> {
    let fields = value.as_object()?;
    NAMES.into_iter().find_map(|name| Some((name, fields.get(name)?.as_str()?.to_owned())))
}

fn same_value(old: &Value, new: &Value) -> bool {
    let value = |of: &Value| of.as_object().and_then(|fields| fields.get("value")).cloned();
    value(old).is_some_and(|old| value(new).is_some_and(|new| old.same_content(&new)))
}

/// A list of elements in the order given: as many as can keep their old keys do, the others get new ones.
fn in_place(elements: Vec<(ElementId, Option<OrderKey>, Value)>, seed: u64) -> List {
    let orders: Vec<_> = elements.iter().map(|(_, order, _)| order.as_ref()).collect();
    let keys = fill(&ascending(&orders), &mut Derived::new(seed));
    let mut list = BTreeMap::new();
    for ((mut id, _, value), order) in elements.into_iter().zip(keys) {
        while list.contains_key(&id) {
            id = ElementId(id.0.wrapping_add(1));
        }
        list.insert(id, Element { order, value });
    }
    List { elements: list }
}

/// The keys of the longest run, not always adjacent, that ascends; none in the other places.
fn ascending<'a>(orders: &[Option<&'a OrderKey>]) -> Vec<Option<&'a OrderKey>> {
    let mut ends: Vec<usize> = Vec::new(); // by length, where the run with the smallest last key ends
    let mut before: Vec<Option<usize>> = vec![None; orders.len()];
    for (at, order) in orders.iter().enumerate() {
        if order.is_none() {
            continue;
        }
        let len = ends.partition_point(|end| orders[*end] < *order);
        before[at] = len.checked_sub(1).map(|len| ends[len]);
        ends.truncate(ends.len().max(len));
        match ends.get_mut(len) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut kept = vec![None; orders.len()];
    let mut at = ends.last().copied();
    while let Some(here) = at {
        kept[here] = orders[here];
        at = before[here];
    }
    kept
}

/// Gives each gap between kept keys its new ones.
fn fill(kept: &[Option<&OrderKey>], rng: &mut Derived) -> Vec<OrderKey> {
    let mut keys: Vec<OrderKey> = Vec::with_capacity(kept.len());
    while keys.len() < kept.len() {
        let at = keys.len();
        if let Some(key) = kept[at] {
            keys.push(key.clone());
            continue;
        }
        let gap = kept[at..].iter().take_while(|key| key.is_none()).count();
        let after = kept.get(at + gap).copied().flatten();
        let made = OrderKey::block(keys.last(), after, gap, rng);
        keys.extend(made);
    }
    keys
}

#[cfg(test)]
mod tests;
