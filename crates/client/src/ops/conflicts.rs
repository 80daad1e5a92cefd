//! Conflicts: which there are, what they say, and settling them.
//!
//! Why it exists: a conflict lives in a record as a value; a person names it by a short id, by its
//! item, or by a collection. Its id here is the record's own conflict id and the beginning of the
//! item's id, because two items may hold the same conflict. Settling is an ordinary edit, one for all.

use std::collections::{BTreeMap, HashSet};

use satchel_model::format::payload::value_to_json;
use satchel_model::resolve::{Choice, ResolveError, resolve_body, resolve_node};
use satchel_model::{Body, Conflict, ConflictId, Conflicts, Kind, Map, Node, RecordId, Value};
use satchel_sync::Change;
use satchel_wire::{Part, WorkspaceId};

use crate::api::{ApiError, ConflictView, ErrorKind, Reply, Resolution};
use crate::ops::edit::changed;
use crate::ops::error::{ambiguous, failure, invalid, not_found};
use crate::ops::fields::text_of;
use crate::ops::history::place_name;
use crate::ops::local::{MASK, absorbed, commit, is_secret};
use crate::ops::profile::Profile;
use crate::ops::trash::check_place;
use crate::ops::view::View;

const ID_PREFIX_MIN: usize = 4;
/// The field of a node that says where it stands.
const POSITION: &str = "position";

/// One conflict with the place it is at.
struct Found {
    record: RecordId,
    part: Part,
    id: ConflictId,
    conflict: Conflict,
    field: String,
    secret: bool,
}

/// Every conflict of the workspace; values of secrets are masked.
pub(crate) fn list(profile: &dyn Profile, workspace: WorkspaceId) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let found = all(profile, workspace, &view)?;
    let conflicts = found.iter().map(|found| shown(profile, &view, found, found.secret)).collect();
    Ok(Reply::Conflicts { conflicts })
}

/// One conflict with its values.
pub(crate) fn show(profile: &dyn Profile, workspace: WorkspaceId, id: &str) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let found = all(profile, workspace, &view)?;
    match one_by_id(&found, &view, id)? {
        Some(found) => Ok(Reply::Conflict(shown(profile, &view, found, false))),
        None => Err(not_found(format!("opening the conflict {id}"), "there is no conflict with that id")),
    }
}

/// Settles one conflict, those of an item, or those of everything in a collection or folder.
pub(crate) fn resolve(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    wanted: &str,
    choice: &Resolution,
    field: Option<&str>,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let found = all(profile, workspace, &view)?;
    let tried = format!("resolving {wanted}");
    let chosen: Vec<_> = if let Some(one) = one_by_id(&found, &view, wanted)? {
        vec![one]
    } else {
        let items: HashSet<_> = meant(&view, view.resolve(wanted)?).into_iter().collect();
        found.iter().filter(|found| items.contains(&found.record)).collect()
    };
    let chosen: Vec<_> =
        chosen.into_iter().filter(|found| field.is_none_or(|field| is_field(found, field))).collect();
    if chosen.is_empty() {
        return Err(not_found(tried, "there is no such conflict there"));
    }
    let mut by_record: BTreeMap<RecordId, Vec<&Found>> = BTreeMap::new();
    for found in chosen {
        by_record.entry(found.record).or_default().push(found);
    }
    let records: Vec<_> = by_record.keys().copied().collect();
    let (mut changes, mut local) = (Vec::with_capacity(records.len()), Vec::new());
    for (record, of_record) in by_record {
        let mut change = settled(profile, workspace, &view, record, &of_record, choice)?;
        if let Some(body) = change.body.take() {
            let (body, values) = absorbed(body, profile.local_values(workspace, record)?);
            change.body = Some(body);
            local.push((record, values));
        }
        changes.push(change);
    }
    drop(view);
    commit(profile, workspace, changes, local)?;
    Ok(changed(profile, workspace, &records))
}

fn meant(view: &View<'_>, id: RecordId) -> Vec<RecordId> {
    let mut items = vec![id];
    if matches!(view.node_of(id).kind, Kind::Collection | Kind::Folder) {
        items.extend(view.below(id));
    }
    items
}

fn is_field(found: &Found, field: &str) -> bool {
    found.field == field || found.conflict.path.join(".") == field
}

/// The change that settles some conflicts of one record.
fn settled(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    view: &View<'_>,
    record: RecordId,
    found: &[&Found],
    choice: &Resolution,
) -> Result<Change, ApiError> {
    let (mut node, mut body): (Option<Node>, Option<Body>) = (None, None);
    for found in found {
        let tried = || format!("resolving {} of {}", found.field, view.path(record));
        let choice = choice_of(choice, &found.conflict);
        match found.part {
            Part::Node => {
                let present = node.unwrap_or_else(|| view.node_of(record).clone());
                node = Some(resolve_node(&present, &found.id, &choice).map_err(|e| refused(tried(), &e))?);
            }
            Part::Body => {
                let present = match body {
                    Some(body) => body,
                    None => profile.body(workspace, record)?.unwrap_or_default(),
                };
                body = Some(resolve_body(&present, &found.id, &choice).map_err(|e| refused(tried(), &e))?);
            }
        }
    }
    if let Some(node) = &node {
        if node.position.parent != view.node_of(record).position.parent {
            check_place(view, record, node.position.parent, &format!("resolving {}", view.path(record)))?;
        }
        crate::ops::fields::check_name(&node.name)
            .map_err(|why| invalid(format!("resolving {}", view.path(record)), why))?;
    }
    Ok(Change { record, node, body })
}

fn refused(tried: String, error: &ResolveError) -> ApiError {
    let kind = match error {
        ResolveError::CannotStandBoth { .. } => ErrorKind::CannotStandBoth,
        _ => ErrorKind::Invalid,
    };
    failure(kind, tried, error.to_string())
}

fn choice_of(choice: &Resolution, conflict: &Conflict) -> Choice {
    match choice {
        Resolution::Local => Choice::Local,
        Resolution::Server => Choice::Server,
        Resolution::Both => Choice::Both,
        Resolution::Value(text) => Choice::Value(value_of(text, conflict)),
    }
}

/// Text where the conflict is about a text, else JSON, else the text.
fn value_of(text: &str, conflict: &Conflict) -> Value {
    let sides = [&conflict.server, &conflict.local, &conflict.base];
    let is_text = sides.into_iter().flatten().next().is_some_and(|value| matches!(value, Value::String(_)));
    if is_text {
        return Value::String(text.to_owned());
    }
    let json = serde_json::from_str(text);
    json.map_or_else(
        |_| Value::String(text.to_owned()),
        |json| satchel_model::format::payload::value_from_json(&json),
    )
}

fn all(profile: &dyn Profile, workspace: WorkspaceId, view: &View<'_>) -> Result<Vec<Found>, ApiError> {
    let mut found = Vec::new();
    let mut parts = profile.conflicts(workspace);
    parts.sort_by_key(|(record, part, _)| (*record, *part == Part::Body));
    for (record, part, _) in parts {
        let Some(node) = view.node(record) else { continue };
        match part {
            Part::Node => found.extend(of_part(record, part, &node.conflicts, &Map::new())),
            Part::Body => {
                let body = profile.body(workspace, record)?.unwrap_or_default();
                found.extend(of_part(record, part, &body.conflicts, &body.fields));
            }
        }
    }
    Ok(found)
}

fn of_part(record: RecordId, part: Part, conflicts: &Conflicts, fields: &Map) -> Vec<Found> {
    let found = |(id, conflict): (&ConflictId, &Conflict)| {
        let (field, secret) = described(fields, &conflict.path);
        let secret = secret || holds_secret(conflict);
        Found { record, part, id: id.clone(), conflict: conflict.clone(), field, secret }
    };
    conflicts.iter().map(found).collect()
}

/// Puts a mask into the place of every value of a secret that the conflicts of a body hold.
pub(crate) fn mask_secrets(body: &mut Body) {
    let Body { fields, conflicts } = body;
    let is_secret = |conflict: &&mut Conflict| described(fields, &conflict.path).1 || holds_secret(conflict);
    for conflict in conflicts.values_mut().filter(is_secret) {
        let sides = [&mut conflict.base, &mut conflict.local, &mut conflict.server];
        sides.into_iter().flatten().for_each(|value| *value = Value::String(MASK.to_owned()));
    }
}

/// Whether a side of a conflict holds a secret variable as a whole.
fn holds_secret(conflict: &Conflict) -> bool {
    fn holds(value: &Value) -> bool {
        match value {
            Value::Object(map) => is_secret(value) || map.values().any(holds),
            Value::Array(_) | Value::List(_) => value.in_order().into_iter().any(holds),
            _ => false,
        }
    }
    [&conflict.base, &conflict.local, &conflict.server].into_iter().flatten().any(holds)
}

/// The dotted path with the keys of elements in place of their ids, and whether it leads into a secret.
pub(crate) fn described(fields: &Map, path: &[String]) -> (String, bool) {
    let mut at: Option<&Value> = None;
    let mut secret = false;
    let mut names = Vec::with_capacity(path.len());
    for (depth, segment) in path.iter().enumerate() {
        let next = match at {
            None if depth == 0 => fields.get(segment),
            Some(Value::Object(map)) => map.get(segment),
            Some(Value::List(list)) => {
                let id = u64::from_str_radix(segment, 16).ok().map(satchel_model::ElementId);
                id.and_then(|id| list.elements.get(&id)).map(|element| &element.value)
            }
            _ => None,
        };
        let in_list = matches!(at, Some(Value::List(_)));
        let key = next.filter(|_| in_list).and_then(|value| {
            secret |= text_of(value, "type") == Some("secret");
            ["key", "listen", "name"].into_iter().find_map(|name| text_of(value, name))
        });
        names.push(key.unwrap_or(segment).to_owned());
        at = next;
    }
    (names.join("."), secret)
}

fn shown(profile: &dyn Profile, view: &View<'_>, found: &Found, masked: bool) -> ConflictView {
    let is_position = found.part == Part::Node && found.conflict.path == [POSITION];
    let value = |value: &Option<Value>| {
        value.as_ref().map(|value| match value {
            _ if masked => MASK.into(),
            position if is_position => with_place(view, value_to_json(position)),
            value => value_to_json(value),
        })
    };
    let conflict = &found.conflict;
    let owner = profile.owner().filter(|owner| owner.account == conflict.who);
    ConflictView {
        id: shown_id(found),
        item: view.item(found.record),
        field: found.field.clone(),
        base: value(&conflict.base),
        local: value(&conflict.local),
        server: value(&conflict.server),
        who: owner.map_or_else(|| conflict.who.clone(), |owner| owner.email),
        when: conflict.when_ms,
    }
}

/// A position with the path of its parent, as a person knows places.
fn with_place(view: &View<'_>, mut position: serde_json::Value) -> serde_json::Value {
    let parent = position.get("parent").and_then(|parent| parent.as_str()?.parse::<RecordId>().ok());
    if let (Some(parent), Some(fields)) = (parent, position.as_object_mut()) {
        fields.insert("place".to_owned(), place_name(view, parent).into());
    }
    position
}

fn shown_id(found: &Found) -> String {
    let record = found.record.to_string();
    format!("{}-{}", found.id.0, &record[..8])
}

/// The one conflict whose id begins so; none if none does.
fn one_by_id<'a>(found: &'a [Found], view: &View<'_>, text: &str) -> Result<Option<&'a Found>, ApiError> {
    if text.len() < ID_PREFIX_MIN {
        return Ok(None);
    }
    let matching: Vec<_> = found.iter().filter(|found| shown_id(found).starts_with(text)).collect();
    match matching.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let words = |found: &&Found| {
                format!("{} ({}, {})", shown_id(found), view.path(found.record), found.field)
            };
            Err(ambiguous(format!("opening the conflict {text}"), several.iter().map(words).collect()))
        }
    }
}
