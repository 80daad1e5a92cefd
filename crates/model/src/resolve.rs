//! Settling a conflict: an ordinary edit that picks a value and takes the conflict out.
//!
//! Why it exists: a conflict keeps three values; a person says which one counts, that both do, or gives
//! another. What was edited beside the conflict since it was found stays.
//!
//! Knows nothing of who may do it, and of how the edit is stored.

use std::fmt;

use crate::merge::carry_over;
use crate::node_document::{KIND, METHOD, Misfit, NAME, POSITION, TRASHED, from_fields, to_fields};
use crate::reconcile::reconcile_value;
use crate::stable::Derived;
use crate::{Body, Conflict, ConflictId, Element, ElementId, List, Map, Node, Value};

/// What counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The value of the app that merged.
    Local,
    /// The value that the server had.
    Server,
    /// Both: two elements of a list, or the one text after the other.
    Both,
    /// Another value.
    Value(Value),
}

/// Why a conflict cannot be settled so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveError {
    /// The record holds no such conflict: someone settled it meanwhile.
    Unknown {
        /// Its id.
        id: ConflictId,
    },
    /// The field has room for one value only.
    CannotStandBoth {
        /// The field.
        path: Vec<String>,
    },
    /// What the field was part of is gone; only the server's side can be chosen.
    PlaceGone {
        /// The field.
        path: Vec<String>,
    },
    /// The value is not of the field's form.
    Unfit {
        /// The field.
        path: Vec<String>,
    },
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id } => write!(f, "settling conflict {}: it is settled already", id.0),
            Self::CannotStandBoth { path } => {
                write!(f, "settling a conflict: {} has room for one value only", shown(path))
            }
            Self::PlaceGone { path } => {
                write!(
                    f,
                    "settling a conflict: what {} was part of is gone; choose the server's side",
                    shown(path)
                )
            }
            Self::Unfit { path } => write!(f, "settling a conflict: that value does not fit {}", shown(path)),
        }
    }
}

impl std::error::Error for ResolveError {}

fn shown(path: &[String]) -> String {
    if path.is_empty() { "the whole item".to_owned() } else { path.join(".") }
}

/// Settles one conflict of a body.
pub fn resolve_body(body: &Body, id: &ConflictId, choice: &Choice) -> Result<Body, ResolveError> {
    let mut settled = body.clone();
    let conflict = settled.conflicts.remove(id).ok_or_else(|| ResolveError::Unknown { id: id.clone() })?;
    settled.fields = settle(settled.fields, id, &conflict, choice)?;
    Ok(settled)
}

/// Settles one conflict of a node.
pub fn resolve_node(node: &Node, id: &ConflictId, choice: &Choice) -> Result<Node, ResolveError> {
    let mut conflicts = node.conflicts.clone();
    let conflict = conflicts.remove(id).ok_or_else(|| ResolveError::Unknown { id: id.clone() })?;
    let is_own = |name: &String| [KIND, POSITION, NAME, METHOD, TRASHED].contains(&name.as_str());
    if *choice == Choice::Both && conflict.path.first().is_some_and(is_own) {
        return Err(ResolveError::CannotStandBoth { path: conflict.path });
    }
    let fields = settle(to_fields(node), id, &conflict, choice)?;
    from_fields(fields, conflicts).map_err(|Misfit(name)| ResolveError::Unfit { path: vec![name.to_owned()] })
}

fn settle(fields: Map, id: &ConflictId, conflict: &Conflict, choice: &Choice) -> Result<Map, ResolveError> {
    let mut root = Value::Object(fields);
    match choice {
        Choice::Local => put(&mut root, conflict, conflict.local.as_ref())?,
        Choice::Server => match put(&mut root, conflict, conflict.server.as_ref()) {
            Ok(()) | Err(ResolveError::PlaceGone { .. }) => {}
            Err(error) => return Err(error),
        },
        Choice::Value(value) => put(&mut root, conflict, Some(value))?,
        Choice::Both => put_both(&mut root, id, conflict)?,
    }
    match root {
        Value::Object(fields) => Ok(fields),
        _ => Err(ResolveError::Unfit { path: conflict.path.clone() }),
    }
}

/// Puts the chosen value into its place, or takes away what is there.
fn put(root: &mut Value, conflict: &Conflict, chosen: Option<&Value>) -> Result<(), ResolveError> {
    let Some((last, parents)) = conflict.path.split_last() else {
        let chosen = chosen.ok_or_else(|| ResolveError::Unfit { path: Vec::new() })?;
        *root = edited(Some(root), conflict, chosen);
        return Ok(());
    };
    let gone = || ResolveError::PlaceGone { path: conflict.path.clone() };
    let parent = parents.iter().try_fold(root, |at, segment| step(at, segment)).ok_or_else(gone)?;
    match parent {
        Value::Object(map) => match chosen {
            None => drop(map.remove(last)),
            Some(chosen) => {
                let value = edited(map.get(last), conflict, chosen);
                map.insert(last.clone(), value);
            }
        },
        Value::List(list) => put_element(list, last.parse().map_err(|_| gone())?, conflict, chosen),
        _ => return Err(gone()),
    }
    Ok(())
}

fn put_element(list: &mut List, id: ElementId, conflict: &Conflict, chosen: Option<&Value>) {
    let Some(chosen) = chosen else {
        list.elements.remove(&id);
        return;
    };
    if let Some(element) = list.elements.get_mut(&id) {
        element.value = edited(Some(&element.value), conflict, chosen);
        return;
    }
    let last = list.ids_in_order().last().copied();
    let order = list.order_after(last, &mut Derived::new(id.0));
    list.elements.insert(id, Element { order, value: chosen.clone() });
}

/// The chosen value; of one with fields or elements, what was edited in it meanwhile stays.
fn edited(present: Option<&Value>, conflict: &Conflict, chosen: &Value) -> Value {
    let Some(present) = present else { return chosen.clone() };
    let chosen = reconcile_value(present, chosen);
    let showed = conflict.server.as_ref().or(conflict.local.as_ref());
    let (Some(showed), true) = (showed, has_parts(present) && has_parts(&chosen)) else { return chosen };
    if has_parts(showed) { carry_over(showed, present, &chosen) } else { chosen }
}

fn has_parts(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::List(_))
}

fn step<'a>(at: &'a mut Value, segment: &str) -> Option<&'a mut Value> {
    match at {
        Value::Object(map) => map.get_mut(segment),
        Value::List(list) => list.elements.get_mut(&segment.parse().ok()?).map(|element| &mut element.value),
        _ => None,
    }
}

fn put_both(root: &mut Value, id: &ConflictId, conflict: &Conflict) -> Result<(), ResolveError> {
    let cannot = || ResolveError::CannotStandBoth { path: conflict.path.clone() };
    let (Some(local), Some(server)) = (&conflict.local, &conflict.server) else { return Err(cannot()) };
    if let Some(joined) = joined(&conflict.path, server, local) {
        return put(root, conflict, Some(&joined));
    }
    let (depth, element) = innermost_element(root, &conflict.path).ok_or_else(cannot)?;
    let mut copy = root.get(&conflict.path[..=depth]).ok_or_else(cannot)?.clone();
    let inside = Conflict { path: conflict.path[depth + 1..].to_vec(), ..conflict.clone() };
    put(&mut copy, &inside, Some(local)).map_err(|_| cannot())?;
    put(root, conflict, Some(server))?;
    let list = conflict.path[..depth].iter().try_fold(root, |at, segment| step(at, segment));
    let Some(Value::List(list)) = list else { return Err(cannot()) };
    let mut new = ElementId::derive("both", &id.0, element);
    while list.elements.contains_key(&new) {
        new = ElementId(new.0.wrapping_add(1));
    }
    let order = list.order_after(Some(element), &mut Derived::new(new.0));
    list.elements.insert(new, Element { order, value: copy });
    Ok(())
}

/// The server's text and then the local one, where a text may go on.
fn joined(path: &[String], server: &Value, local: &Value) -> Option<Value> {
    match (server, local) {
        (Value::String(server), Value::String(local)) => {
            let is_prose = path.iter().rev().take(2).any(|name| name == "description");
            let goes_on = is_prose || server.contains('\n') || local.contains('\n');
            let newline = if server.ends_with('\n') { "" } else { "\n" };
            goes_on.then(|| Value::String(format!("{server}{newline}{local}")))
        }
        (Value::Array(server), Value::Array(local)) => {
            let is_text = server.iter().chain(local).all(|line| matches!(line, Value::String(_)));
            is_text.then(|| Value::Array(server.iter().chain(local).cloned().collect()))
        }
        _ => None,
    }
}

/// The last segment of a path that names an element of a list, and that element.
fn innermost_element(root: &Value, path: &[String]) -> Option<(usize, ElementId)> {
    let mut found = None;
    for depth in 0..path.len() {
        if let Some(Value::List(_)) = root.get(&path[..depth]) {
            found = Some((depth, path[depth].parse().ok()?));
        }
    }
    found
}

#[cfg(test)]
mod tests;
