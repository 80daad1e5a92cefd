//! A node as fields: the one form in which it merges, is settled, and is stored.
//!
//! Why it exists: conflicts name a node's field by its name and keep values of documents; storage
//! writes the same fields. Fields of a newer version lie between the known ones and come back as `extra`.

use crate::{Conflicts, Kind, Map, Node, Position, Trashed, Value};

pub(crate) const KIND: &str = "kind";
pub(crate) const POSITION: &str = "position";
pub(crate) const NAME: &str = "name";
pub(crate) const METHOD: &str = "method";
pub(crate) const TRASHED: &str = "trashed";

/// A field of a node that is missing or not of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) &'static str);

/// The fields of a node, without its conflicts.
pub(crate) fn to_fields(node: &Node) -> Map {
    let mut fields = node.extra.clone();
    let method = node.method.as_ref().map(|method| Value::String(method.clone()));
    let known = [
        (KIND, Some(Value::String(node.kind.word().to_owned()))),
        (POSITION, Some(position_value(&node.position))),
        (NAME, Some(Value::String(node.name.clone()))),
        (METHOD, method),
        (TRASHED, node.trashed.as_ref().map(trashed_value)),
    ];
    for (name, value) in known {
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
    }
    fields
}

/// The node that fields make.
pub(crate) fn from_fields(mut fields: Map, conflicts: Conflicts) -> Result<Node, Misfit> {
    let kind = text(fields.remove(KIND)).ok_or(Misfit(KIND))?;
    let position = fields.remove(POSITION).as_ref().and_then(position_of).ok_or(Misfit(POSITION))?;
    let name = text(fields.remove(NAME)).ok_or(Misfit(NAME))?;
    let method = match fields.remove(METHOD) {
        None => None,
        some => Some(text(some).ok_or(Misfit(METHOD))?),
    };
    let trashed = match fields.remove(TRASHED) {
        None => None,
        Some(value) => Some(trashed_of(&value).ok_or(Misfit(TRASHED))?),
    };
    Ok(Node { kind: Kind::from_word(&kind), position, name, method, trashed, conflicts, extra: fields })
}

/// What a conflict about the trash keeps.
pub(crate) fn trashed_value(trashed: &Trashed) -> Value {
    let who = Value::String(trashed.who.clone());
    let when = Value::Number(trashed.when_ms.into());
    Value::Object(Map::from([("who".to_owned(), who), ("when_ms".to_owned(), when)]))
}

fn position_value(position: &Position) -> Value {
    let parent = Value::String(position.parent.to_string());
    let order = Value::String(position.order.as_str().to_owned());
    Value::Object(Map::from([("parent".to_owned(), parent), ("order".to_owned(), order)]))
}

fn position_of(value: &Value) -> Option<Position> {
    let fields = value.as_object()?;
    let parent = fields.get("parent")?.as_str()?.parse().ok()?;
    let order = crate::OrderKey::parse(fields.get("order")?.as_str()?).ok()?;
    Some(Position { parent, order })
}

fn trashed_of(value: &Value) -> Option<Trashed> {
    let fields = value.as_object()?;
    let who = fields.get("who")?.as_str()?.to_owned();
    match fields.get("when_ms")? {
        Value::Number(number) => Some(Trashed { who, when_ms: number.as_u64()? }),
        _ => None,
    }
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
