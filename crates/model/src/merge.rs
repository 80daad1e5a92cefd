//! Three-way merge of nodes and bodies, field by field.
//!
//! ```text
//! base ──▶ local  ┐
//!      └─▶ server ┴─▶ what both changed, and conflicts where they changed one field differently
//! ```
//! Laws (property tests below): a side that changed nothing yields the other; changes to different
//! fields or elements both stand; without a conflict the sides can be exchanged; merging again changes
//! nothing; no value of either side is lost. Where one field became two values the server's shows and a
//! [`Conflict`] keeps all three; where one side removed what the other changed, the change stays.
//!
//! Two things are never a conflict, because nothing is lost: an element that both moved within its list
//! (the later place counts), and an item that both put into the trash.
//!
//! Knows no clock: who and when are arguments, for people only. Nothing is decided by them: of two marks
//! that differ in nothing else the server's stays, and two marks of the trash are both "in the trash".

use std::collections::BTreeSet;

use crate::node_document::{KIND, POSITION, TRASHED, from_fields, to_fields, trashed_value};
use crate::planted::{self, Bug};
use crate::stable::StableHash;
use crate::text::{merge_lines, merge_text};
use crate::{
    Body, Conflict, ConflictId, Conflicts, Element, List, Map, Node, OrderKey, Position, Trashed, Value,
};

/// New conflicts of one merge that are kept field by field; more become one about all fields.
pub const CONFLICTS_NEW_MAX: usize = 64;
/// Conflicts of a record up to which new ones are kept field by field.
pub const CONFLICTS_MAX: usize = 256;
/// Values that nest deeper merge as a whole.
const DEPTH_MAX: usize = 64;

/// Whose values a merge keeps as `local`, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorship {
    /// The account's id in hexadecimal.
    pub who: String,
    /// Milliseconds since 1970.
    pub when_ms: u64,
}

/// Merges two bodies that began from one; without a base everything that differs is a conflict.
pub fn merge_body(base: Option<&Body>, local: &Body, server: &Body, by: &Authorship) -> Body {
    let none = Conflicts::new();
    let held =
        merge_conflicts(base.map_or(&none, |base| &base.conflicts), &local.conflicts, &server.conflicts);
    let mut merge = Merge::new(by);
    let fields = merge.map(base.map(|base| &base.fields), &local.fields, &server.fields);
    let sides = Sides { base: base.map(|base| &base.fields), local: &local.fields, server: &server.fields };
    let (fields, conflicts) = merge.finish(fields, held, &sides);
    Body { fields, conflicts }
}

/// Merges two nodes that began from one. Position is one value; so is the trash.
#[expect(clippy::missing_panics_doc, reason = "the fields of two nodes always make a node")]
pub fn merge_node(base: Option<&Node>, local: &Node, server: &Node, by: &Authorship) -> Node {
    let none = Conflicts::new();
    let held =
        merge_conflicts(base.map_or(&none, |base| &base.conflicts), &local.conflicts, &server.conflicts);
    let (was, ours, theirs) = (base.map(to_fields), to_fields(local), to_fields(server));
    let mut merge = Merge::new(by);
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).filter(|name| *name != TRASHED).collect();
    let mut fields = Map::new();
    for name in names {
        let at_base = was.as_ref().and_then(|map| map.get(name));
        let merged = merge.below(name, |merge| match name.as_str() {
            KIND | POSITION => merge.whole(at_base, ours.get(name), theirs.get(name)),
            _ => merge.value(at_base, ours.get(name), theirs.get(name)),
        });
        fields.extend(merged.map(|value| (name.clone(), value)));
    }
    let was_trashed = base.and_then(|base| base.trashed.as_ref());
    let trashed = merge_trashed(was_trashed, local.trashed.as_ref(), server.trashed.as_ref());
    fields.extend(trashed.map(|trashed| (TRASHED.to_owned(), trashed_value(trashed))));
    let sides = Sides { base: was.as_ref(), local: &ours, server: &theirs };
    let (fields, conflicts) = merge.finish(fields, held, &sides);
    from_fields(fields, conflicts).expect("each field is one that a node has, or a merge of two texts")
}

/// Takes an item out of the trash that was edited when another app put it there, with a conflict.
pub fn keep_over_trash(node: &Node, by: &Authorship) -> Node {
    let Some(trashed) = &node.trashed else { return node.clone() };
    let mut merge = Merge::new(by);
    merge.below(TRASHED, |merge| merge.note(None, None, Some(&trashed_value(trashed))));
    let mut kept = Node { trashed: None, ..node.clone() };
    for (id, conflict) in merge.found {
        kept.conflicts.entry(id).or_insert(conflict);
    }
    kept
}

/// Takes a move back that cannot stand beside the moves of others, with a conflict.
pub fn keep_place(node: &Node, place: &Position, by: &Authorship) -> Node {
    let kept = Node { position: place.clone(), ..node.clone() };
    let (local, server) = (to_fields(node), to_fields(&kept));
    if node.position == *place {
        return kept;
    }
    let mut merge = Merge::new(by);
    merge.below(POSITION, |merge| merge.note(None, local.get(POSITION), server.get(POSITION)));
    let mut kept = kept;
    for (id, conflict) in merge.found {
        kept.conflicts.entry(id).or_insert(conflict);
    }
    kept
}

/// Puts the change from `base` to `chosen` onto `present`; where both changed one field, `chosen` counts.
pub(crate) fn carry_over(base: &Value, present: &Value, chosen: &Value) -> Value {
    let by = Authorship { who: String::new(), when_ms: 0 };
    let merged = Merge::new(&by).value(Some(base), Some(present), Some(chosen));
    merged.expect("a value that both sides have stays")
}

struct Sides<'a> {
    base: Option<&'a Map>,
    local: &'a Map,
    server: &'a Map,
}

/// A merge under way: where it is, and what could not be merged so far.
struct Merge<'a> {
    by: &'a Authorship,
    path: Vec<String>,
    found: Conflicts,
}

impl<'a> Merge<'a> {
    fn new(by: &'a Authorship) -> Self {
        Self { by, path: Vec::new(), found: Conflicts::new() }
    }

    fn below<T>(&mut self, segment: &str, merge: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment.to_owned());
        let merged = merge(self);
        self.path.pop();
        merged
    }

    fn value(
        &mut self,
        base: Option<&Value>,
        local: Option<&Value>,
        server: Option<&Value>,
    ) -> Option<Value> {
        if let Ok(settled) = settle_by(base, local, server, |a, b| a == b) {
            return settled.cloned();
        }
        if let (Some(ours), Some(theirs)) = (local, server)
            && ours.same_content(theirs)
        {
            return Some(self.join(base, ours, theirs));
        }
        if let Ok(settled) = settle_alike(base, local, server) {
            return settled.cloned();
        }
        let inner = if self.path.len() < DEPTH_MAX { self.inside(base, local, server) } else { None };
        inner.or_else(|| self.conflict(base, local, server))
    }

    fn whole(
        &mut self,
        base: Option<&Value>,
        local: Option<&Value>,
        server: Option<&Value>,
    ) -> Option<Value> {
        match settle(base, local, server) {
            Ok(settled) => settled.cloned(),
            Err(Differs) => self.conflict(base, local, server),
        }
    }

    /// Two values that a person sees as the same: place by place like any two, so that merging again changes nothing,
    /// or one of them where that would show something else.
    fn join(&self, base: Option<&Value>, ours: &Value, theirs: &Value) -> Value {
        let mut apart = Self { by: self.by, path: self.path.clone(), found: Conflicts::new() };
        let inner =
            if self.path.len() < DEPTH_MAX { apart.inside(base, Some(ours), Some(theirs)) } else { None };
        let inner = inner.filter(|joined| apart.found.is_empty() && joined.same_content(ours));
        inner.unwrap_or_else(|| std::cmp::min_by_key(ours, theirs, |side| fingerprint(side)).clone())
    }

    /// Merges what is inside two values; none if they are to be taken as a whole.
    fn inside(
        &mut self,
        base: Option<&Value>,
        local: Option<&Value>,
        server: Option<&Value>,
    ) -> Option<Value> {
        match (base, local?, server?) {
            (base, Value::Object(local), Value::Object(server)) => {
                Some(Value::Object(self.map(base.and_then(Value::as_object), local, server)))
            }
            (base, Value::List(local), Value::List(server)) => {
                Some(Value::List(self.list(base.and_then(Value::as_list), local, server)))
            }
            (Some(Value::String(base)), Value::String(local), Value::String(server))
                if base.contains('\n') =>
            {
                merge_text(base, local, server).map(Value::String)
            }
            (Some(base), local, server) => {
                let merged = merge_lines(&lines(base)?, &lines(local)?, &lines(server)?)?;
                Some(Value::Array(merged.into_iter().map(|line| Value::String(line.to_owned())).collect()))
            }
            _ => None,
        }
    }

    fn map(&mut self, base: Option<&Map>, local: &Map, server: &Map) -> Map {
        let names: BTreeSet<_> = local.keys().chain(server.keys()).collect();
        let mut merged = Map::new();
        for name in names {
            let at_base = base.and_then(|base| base.get(name));
            let value = self.below(name, |merge| merge.value(at_base, local.get(name), server.get(name)));
            merged.extend(value.map(|value| (name.clone(), value)));
        }
        merged
    }

    fn list(&mut self, base: Option<&List>, local: &List, server: &List) -> List {
        if planted::is(Bug::MergeByPosition) {
            return by_position(base, local, server);
        }
        let ids: BTreeSet<_> = local.elements.keys().chain(server.elements.keys()).copied().collect();
        let mut merged = List::default();
        for id in ids {
            let [base, local, server] =
                [base, Some(local), Some(server)].map(|list| list.and_then(|list| list.elements.get(&id)));
            let [was, ours, theirs] =
                [base, local, server].map(|element| element.map(|element| &element.value));
            let value = self.below(&id.to_string(), |merge| merge.value(was, ours, theirs));
            if let (Some(value), Some(order)) = (value, merge_order(base, local, server)) {
                merged.elements.insert(id, Element { order, value });
            }
        }
        merged
    }

    /// Keeps all values and shows the server's, or the one that is left.
    fn conflict(
        &mut self,
        base: Option<&Value>,
        local: Option<&Value>,
        server: Option<&Value>,
    ) -> Option<Value> {
        if planted::is(Bug::RemovalWins) && (local.is_none() || server.is_none()) {
            return None;
        }
        self.note(base, local, server);
        if planted::is(Bug::ClockDecides) && self.by.when_ms.is_multiple_of(2) {
            return local.or(server).cloned();
        }
        server.or(local).cloned()
    }

    fn note(&mut self, base: Option<&Value>, local: Option<&Value>, server: Option<&Value>) {
        if planted::is(Bug::ConflictDropped) {
            return;
        }
        let id = conflict_id(&self.path, [base, local, server]);
        let conflict = Conflict {
            path: self.path.clone(),
            base: base.cloned(),
            local: local.cloned(),
            server: server.cloned(),
            who: self.by.who.clone(),
            when_ms: self.by.when_ms,
        };
        self.found.insert(id, conflict);
    }

    /// Joins the new conflicts to the ones that are held, or makes one of all if they are too many.
    fn finish(mut self, fields: Map, mut held: Conflicts, sides: &Sides<'_>) -> (Map, Conflicts) {
        self.found.retain(|id, _| !held.contains_key(id));
        let found = self.found.len();
        let too_many = found > CONFLICTS_NEW_MAX || (found > 1 && held.len() + found > CONFLICTS_MAX);
        let fields = if too_many {
            self.found.clear();
            let value = |fields: &Map| Value::Object(fields.clone());
            let base = sides.base.map(value);
            self.note(base.as_ref(), Some(&value(sides.local)), Some(&value(sides.server)));
            sides.server.clone()
        } else {
            fields
        };
        for (id, conflict) in self.found {
            held.entry(id).or_insert(conflict);
        }
        (fields, held)
    }
}

/// What a planted bug does: the elements at one place are taken for one element.
fn by_position(base: Option<&List>, local: &List, server: &List) -> List {
    let sides = [base.map(List::in_order).unwrap_or_default(), local.in_order(), server.in_order()];
    let mut merged = server.clone();
    for (place, (id, value)) in sides[1].iter().enumerate() {
        let was = sides[0].get(place).map(|(_, value)| *value);
        match sides[2].get(place) {
            Some((theirs, _)) if was != Some(*value) => {
                if let Some(element) = merged.elements.get_mut(theirs) {
                    element.value = (*value).clone();
                }
            }
            Some(_) => {}
            None => drop(merged.elements.insert(*id, local.elements[id].clone())),
        }
    }
    merged
}

/// Both sides changed a value, and differently.
struct Differs;

/// The value if one side alone changed it, or both did alike.
fn settle<'a>(
    base: Option<&'a Value>,
    local: Option<&'a Value>,
    server: Option<&'a Value>,
) -> Result<Option<&'a Value>, Differs> {
    settle_by(base, local, server, |a, b| a == b).or_else(|Differs| settle_alike(base, local, server))
}

fn settle_by<'a, T>(
    base: Option<&'a T>,
    local: Option<&'a T>,
    server: Option<&'a T>,
    same: impl Fn(Option<&T>, Option<&T>) -> bool,
) -> Result<Option<&'a T>, Differs> {
    if same(local, server) || same(local, base) {
        Ok(server)
    } else if same(server, base) {
        Ok(local)
    } else {
        Err(Differs)
    }
}

/// Like [`settle_by`], for lists that a person sees as the same though ids or order keys differ.
fn settle_alike<'a>(
    base: Option<&'a Value>,
    local: Option<&'a Value>,
    server: Option<&'a Value>,
) -> Result<Option<&'a Value>, Differs> {
    let (Some(ours), Some(theirs)) = (local, server) else {
        let alike = |side: Option<&Value>| side.zip(base).is_some_and(|(side, base)| side.same_content(base));
        // One side removed it, and the other did not really change it.
        return if alike(local) || alike(server) { Ok(None) } else { Err(Differs) };
    };
    if ours.same_content(theirs) {
        return Ok(std::cmp::min_by_key(local, server, |side| side.map(fingerprint)));
    }
    let is_base = |side: &Value| base.is_some_and(|base| side.same_content(base));
    match (is_base(ours), is_base(theirs)) {
        (true, _) => Ok(server),
        (_, true) => Ok(local),
        _ => Err(Differs),
    }
}

fn fingerprint(value: &Value) -> u64 {
    let mut hash = StableHash::new("alike");
    hash.value(value);
    hash.finish()
}

/// The lines of an array that holds nothing but texts.
fn lines(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn merge_order(
    base: Option<&Element>,
    local: Option<&Element>,
    server: Option<&Element>,
) -> Option<OrderKey> {
    let [base, local, server] = [base, local, server].map(|element| element.map(|element| &element.order));
    let (Some(ours), Some(theirs)) = (local, server) else { return local.or(server).cloned() };
    let settled = settle_by(base, local, server, |a, b| a == b).ok().flatten();
    Some(settled.unwrap_or(ours.max(theirs)).clone())
}

/// In the trash or not is all that counts, so that the sides differ only where one of them is as it was.
/// Whose mark stays decides nothing.
fn merge_trashed<'a>(
    base: Option<&'a Trashed>,
    local: Option<&'a Trashed>,
    server: Option<&'a Trashed>,
) -> Option<&'a Trashed> {
    match (local, server) {
        (Some(local), Some(server)) => Some(if base == Some(server) { local } else { server }),
        (one, other) if base.is_none() => one.or(other),
        _ => None,
    }
}

/// Three-way merge by id: what one side settled stays settled, what one side added is added.
fn merge_conflicts(base: &Conflicts, local: &Conflicts, server: &Conflicts) -> Conflicts {
    let ids: BTreeSet<_> = local.keys().chain(server.keys()).collect();
    let merged = ids.into_iter().filter_map(|id| {
        let (was, ours, theirs) = (base.get(id), local.get(id), server.get(id));
        if planted::is(Bug::ConflictsOfServerOnly) {
            return theirs.map(|conflict| (id.clone(), conflict.clone()));
        }
        let kept = match settle_by(was, ours, theirs, |a, b| a == b) {
            Ok(settled) => settled,
            // The id says that path and values are the same: only who and when can differ.
            Err(Differs) => theirs.or(ours),
        };
        kept.map(|conflict| (id.clone(), conflict.clone()))
    });
    merged.collect()
}

fn conflict_id(path: &[String], sides: [Option<&Value>; 3]) -> ConflictId {
    let mut hash = StableHash::new("conflict");
    hash.number(path.len() as u64);
    for segment in path {
        hash.text(segment);
    }
    for side in sides {
        hash.number(u64::from(side.is_some()));
        if let Some(value) = side {
            hash.value(value);
        }
    }
    ConflictId(format!("{:016x}", hash.finish()))
}

#[cfg(test)]
mod tests;
