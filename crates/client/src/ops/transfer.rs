//! Moving a collection or an environment to another workspace.
//!
//! Rules: the copy is stored before the original goes to the trash, so that a crash in between leaves both and
//! never none; every copied item is a new one there; each side notes where the other is, in the field
//! `_satchel` of the item's document. Values of shared secrets stay behind unless they are asked for: the other
//! workspace has other members. Values of this device go along.

use std::collections::HashMap;

use satchel_model::variable::is_unshared_secret;
use satchel_model::{Body, Kind, Map, Node, OrderKey, RecordId, Trashed, Value};
use satchel_sync::Change;
use satchel_wire::WorkspaceId;

use crate::api::{ApiError, ErrorKind, Reply};
use crate::ops::edit::{changed, free_name, last_order, remove_origin};
use crate::ops::error::{failure, invalid};
use crate::ops::local::commit;
use crate::ops::profile::Profile;
use crate::ops::select;
use crate::ops::view::View;

/// The field of a document that holds the notes.
const NOTES: &str = "_satchel";

/// Moves an item with everything below it to another workspace.
pub(crate) fn move_to(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    path: &str,
    (to, secrets): (&str, bool),
) -> Result<Reply, ApiError> {
    let tried = format!("moving {path} to the workspace {to}");
    let target = select::workspace(profile, Some(to))?;
    if target == workspace {
        return Err(invalid(tried, "it is in that workspace already"));
    }
    let view = View::open(profile, workspace);
    let id = view.resolve(path)?;
    if !matches!(view.node_of(id).kind, Kind::Collection | Kind::Environment) {
        return Err(invalid(tried, "only collections and environments stand in a workspace by themselves"));
    }
    let original = view.node_of(id).clone();
    let sources: Vec<_> = std::iter::once(id).chain(view.below(id)).collect();
    let nodes: Vec<_> = sources.iter().map(|id| (*id, view.node_of(*id).clone())).collect();
    let in_conflict =
        profile.conflicts(workspace).into_iter().filter(|(id, ..)| sources.contains(id)).count();
    if in_conflict > 0 {
        let detail = format!("{in_conflict} of its items hold conflicts: settle them first");
        return Err(failure(ErrorKind::CannotStandBoth, tried, detail));
    }
    let copy = put_copy(profile, (workspace, target), nodes, secrets)?;
    let mut body = profile.body(workspace, id)?.unwrap_or_default();
    note(profile, &mut body, "moved_to", (target, copy));
    let who = profile.owner().map(|owner| owner.account).unwrap_or_default();
    let trashed = Some(Trashed { who, when_ms: profile.now_ms() });
    let node = Node { trashed, ..original };
    profile.edit(workspace, vec![Change { record: id, node: Some(node), body: Some(body) }])?;
    Ok(changed(profile, target, &[copy]))
}

/// Stores copies of these items, the first of which holds the others.
fn put_copy(
    profile: &mut dyn Profile,
    (workspace, target): (WorkspaceId, WorkspaceId),
    nodes: Vec<(RecordId, Node)>,
    secrets: bool,
) -> Result<RecordId, ApiError> {
    let copies: HashMap<_, _> = nodes.iter().map(|(id, _)| (*id, RecordId::make(profile.rng()))).collect();
    let root = select::root(target);
    let (first, name, last) = {
        let view = View::open(profile, target);
        let (first, node) = &nodes[0];
        (*first, free_name(&view, root, &node.kind, &node.name), last_order(&view, root))
    };
    let (mut changes, mut local) = (Vec::with_capacity(nodes.len()), Vec::new());
    for (source, mut node) in nodes {
        let mut body = profile.body(workspace, source)?.unwrap_or_default();
        if source == first {
            node.position.parent = root;
            node.position.order = OrderKey::between(last.as_ref(), None, profile.rng());
            node.name.clone_from(&name);
            note(profile, &mut body, "moved_from", (workspace, source));
        } else if let Some(parent) = copies.get(&node.position.parent) {
            node.position.parent = *parent;
        }
        remove_origin(&node.kind, &mut body);
        if !secrets {
            leave_secrets(&mut body);
        }
        let values = profile.local_values(workspace, source)?;
        if !values.is_empty() {
            local.push((copies[&source], values));
        }
        changes.push(Change { record: copies[&source], node: Some(node), body: Some(body) });
    }
    commit(profile, target, changes, local)?;
    Ok(copies[&first])
}

/// Notes in a document where the item came from, or went.
fn note(profile: &dyn Profile, body: &mut Body, what: &str, (workspace, item): (WorkspaceId, RecordId)) {
    let text = |text: String| Value::String(text);
    let fields = [
        ("workspace", text(select::id_text(workspace))),
        ("workspaceName", text(select::name(profile, workspace))),
        ("item", text(item.to_string())),
        ("at", Value::Number(profile.now_ms().into())),
    ];
    let entry: Map = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut notes = body.fields.get(NOTES).and_then(Value::as_object).cloned().unwrap_or_default();
    notes.insert(what.to_owned(), Value::Object(entry));
    body.fields.insert(NOTES.to_owned(), Value::Object(notes));
}

/// Blanks the values of shared secret variables.
fn leave_secrets(body: &mut Body) {
    for list in ["values", "variable"] {
        let variables: Vec<&mut Value> = match body.fields.get_mut(list) {
            Some(Value::List(list)) => list.elements.values_mut().map(|element| &mut element.value).collect(),
            Some(Value::Array(values)) => values.iter_mut().collect(),
            _ => continue,
        };
        for variable in variables {
            let Value::Object(variable) = variable else { continue };
            let is_secret = variable.get("type").and_then(Value::as_str) == Some("secret");
            if is_secret && !is_unshared_secret(variable) && variable.contains_key("value") {
                variable.insert("value".to_owned(), Value::String(String::new()));
            }
        }
    }
}
