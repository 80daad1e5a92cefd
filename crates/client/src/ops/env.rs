//! Environments, globals and their variables.
//!
//! Why it exists: variables have two values. The initial one syncs with the environment, unless it is
//! a secret that is not shared; the current one never leaves this device. Which environment is active
//! is a setting of this device, too.

use satchel_model::format::payload::value_from_json;
use satchel_model::format::postman::new_environment;
use satchel_model::variable::SHARED;
use satchel_model::{Kind, RecordId, Value};
use satchel_sync::Change;
use satchel_wire::WorkspaceId;

use crate::api::{ApiError, ItemView, Reply, VariableEdit, VariableView};
use crate::ops::edit::{changed, new_node};
use crate::ops::error::{ambiguous, invalid, not_found};
use crate::ops::fields::{check_name, first_with, text_of};
use crate::ops::local::{Whole, commit, whole_body};
use crate::ops::profile::{LocalValue, Profile};
use crate::ops::sending::own_values;
use crate::ops::view::{View, is_variables};

const ACTIVE: &str = "environment";
const GLOBALS_WORD: &str = "globals";
const GLOBALS_NAME: &str = "Globals";
const KEY_CHARS_MAX: usize = 1_000;

/// Which environment a call means: one that is here, or one that is still to be made.
enum Found {
    Here(RecordId),
    Missing { kind: Kind, name: String },
}

/// Every environment and the globals, with the active one.
pub(crate) fn list(profile: &dyn Profile, workspace: WorkspaceId) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let environments = variable_items(&view).into_iter().map(|id| view.item(id)).collect();
    let active = active(profile, workspace, &view)?.map(|id| id.to_string());
    Ok(Reply::Environments { environments, active })
}

/// Chooses the active environment.
pub(crate) fn choose(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    wanted: Option<&str>,
) -> Result<Reply, ApiError> {
    let id = match wanted {
        None => None,
        Some(text) => {
            let view = View::open(profile, workspace);
            let id = existing(profile, workspace, &view, Some(text))?;
            if view.node_of(id).kind == Kind::Globals {
                return Err(invalid(format!("using {text}"), "the globals always apply"));
            }
            Some(id.to_string())
        }
    };
    profile.set_setting(workspace, ACTIVE, id.as_deref())?;
    Ok(Reply::Done)
}

/// One environment with its variables.
pub(crate) fn show(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    wanted: Option<&str>,
    secrets: bool,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let id = match find(profile, workspace, &view, wanted)? {
        // Scripts may have set globals on this device where the workspace has none.
        Found::Missing { kind: Kind::Globals, name } if has_own(profile, workspace)? => {
            let variables = own_variables(profile, workspace, None, &[])?;
            let item = missing_item(name);
            return Ok(Reply::Environment { item, variables });
        }
        _ => existing(profile, workspace, &view, wanted)?,
    };
    let whole = whole_body(profile, workspace, id)?;
    let mut variables = variables(&whole, secrets);
    let own = Some(id).filter(|id| view.node_of(*id).kind != Kind::Globals);
    variables.extend(own_variables(profile, workspace, own, &variables)?);
    Ok(Reply::Environment { item: view.item(id), variables })
}

fn has_own(profile: &dyn Profile, workspace: WorkspaceId) -> Result<bool, ApiError> {
    Ok(!own_values(profile, workspace, None)?.is_empty())
}

/// The variables that scripts have made on this device, and that the item does not have itself.
fn own_variables(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    id: Option<RecordId>,
    known: &[VariableView],
) -> Result<Vec<VariableView>, ApiError> {
    let own = own_values(profile, workspace, id)?.into_iter();
    let own = own.filter(|(key, _)| known.iter().all(|variable| variable.key != *key));
    let view = |(key, value): (String, serde_json::Value)| VariableView {
        key,
        initial: None,
        current: value_text(&value_from_json(&value)),
        secret: false,
        shared: false,
        enabled: true,
    };
    Ok(own.map(view).collect())
}

/// An item that would be made by the first variable that is set in it.
fn missing_item(name: String) -> ItemView {
    ItemView {
        id: String::new(),
        kind: GLOBALS_WORD.to_owned(),
        path: name.clone(),
        name,
        method: None,
        depth: 0,
        conflicts: 0,
        waiting: false,
    }
}

/// Sets variables; makes the environment if it does not exist.
pub(crate) fn set(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    wanted: Option<&str>,
    edits: &[VariableEdit],
) -> Result<Reply, ApiError> {
    edits.iter().try_for_each(check_edit)?;
    let view = View::open(profile, workspace);
    let (id, node, mut whole) = match find(profile, workspace, &view, wanted)? {
        Found::Here(id) => (id, None, whole_body(profile, workspace, id)?),
        Found::Missing { kind, name } => {
            check_name(&name).map_err(|why| invalid(format!("making the environment {name}"), why))?;
            let root = view.root();
            let last = view.tree().children(root).last().map(|id| view.node_of(*id).position.order.clone());
            drop(view);
            let node = new_node(kind, &name, root, last.as_ref(), profile.rng());
            (RecordId::make(profile.rng()), Some(node), Whole::new(new_environment(&name)))
        }
    };
    for edit in edits {
        set_one(&mut whole, edit, profile.rng());
    }
    store(profile, workspace, Stored { id, node, whole })
}

/// Removes variables, all or none.
pub(crate) fn unset(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    wanted: Option<&str>,
    keys: &[String],
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let id = existing(profile, workspace, &view, wanted)?;
    let mut whole = whole_body(profile, workspace, id)?;
    let Some(Value::List(list)) = whole.body.fields.get_mut("values") else {
        return Err(not_found(format!("removing {}", keys.join(", ")), "there are no variables here"));
    };
    for key in keys {
        if first_with(list, "key", |word| word == key).is_none() {
            return Err(not_found(format!("removing {key}"), "there is no variable with that key"));
        }
        list.elements.retain(|_, element| text_of(&element.value, "key") != Some(key));
    }
    store(profile, workspace, Stored { id, node: None, whole })
}

struct Stored {
    id: RecordId,
    node: Option<satchel_model::Node>,
    whole: Whole,
}

fn store(profile: &mut dyn Profile, workspace: WorkspaceId, stored: Stored) -> Result<Reply, ApiError> {
    let (body, local) = stored.whole.split();
    let change = Change { record: stored.id, node: stored.node, body: Some(body) };
    commit(profile, workspace, vec![change], vec![(stored.id, local)])?;
    Ok(changed(profile, workspace, &[stored.id]))
}

fn check_edit(edit: &VariableEdit) -> Result<(), ApiError> {
    let key = &edit.key;
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || key.chars().any(char::is_control) {
        let why = format!("a key has 1 to {KEY_CHARS_MAX} characters and no control characters");
        return Err(invalid("setting a variable", why));
    }
    Ok(())
}

/// Sets one variable in a whole body; what is secret is taken out when the body is split.
fn set_one(whole: &mut Whole, edit: &VariableEdit, rng: &mut dyn rand_core::RngCore) {
    let slot = whole.body.fields.entry("values".to_owned()).or_default();
    if !matches!(slot, Value::List(_)) {
        *slot = Value::List(satchel_model::List::default());
    }
    let Value::List(list) = slot else { return };
    let id = first_with(list, "key", |key| key == edit.key)
        .unwrap_or_else(|| list.push(new_variable(&edit.key), rng));
    let Some(Value::Object(variable)) = list.elements.get_mut(&id).map(|element| &mut element.value) else {
        return;
    };
    if let Some(secret) = edit.secret {
        let word = if secret { "secret" } else { "default" };
        variable.insert("type".to_owned(), Value::String(word.to_owned()));
        variable.remove(SHARED);
    }
    if edit.share && variable.get("type").and_then(Value::as_str) == Some("secret") {
        variable.insert(SHARED.to_owned(), Value::Bool(true));
    }
    let value = Value::String(edit.value.clone());
    if edit.current {
        let local: &mut LocalValue = whole.local.entry(id).or_default();
        local.current = Some(value);
    } else {
        variable.insert("value".to_owned(), value);
    }
}

fn new_variable(key: &str) -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    let fields =
        [("key", text(key)), ("value", text("")), ("type", text("default")), ("enabled", Value::Bool(true))];
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The variables of a whole body, in order.
fn variables(whole: &Whole, secrets: bool) -> Vec<VariableView> {
    let Some(Value::List(list)) = whole.body.fields.get("values") else { return Vec::new() };
    let shown =
        |value: Option<&Value>, secret: bool| value.filter(|_| secrets || !secret).and_then(value_text);
    list.in_order()
        .into_iter()
        .map(|(id, value)| {
            let secret = text_of(value, "type") == Some("secret");
            let current = whole.local.get(&id).and_then(|local| local.current.as_ref());
            VariableView {
                key: text_of(value, "key").unwrap_or_default().to_owned(),
                initial: shown(field(value, "value"), secret),
                current: shown(current, secret),
                secret,
                shared: !secret || field(value, SHARED) == Some(&Value::Bool(true)),
                enabled: field(value, "enabled") != Some(&Value::Bool(false))
                    && field(value, "disabled") != Some(&Value::Bool(true)),
            }
        })
        .collect()
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(name),
        _ => None,
    }
}

fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(satchel_model::format::payload::value_to_json(other).to_string()),
    }
}

fn variable_items(view: &View<'_>) -> Vec<RecordId> {
    view.live().into_iter().filter(|id| is_variables(&view.node_of(*id).kind)).collect()
}

pub(crate) fn active(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    view: &View<'_>,
) -> Result<Option<RecordId>, ApiError> {
    let chosen = profile.setting(workspace, ACTIVE)?.and_then(|text| view.find_id(&text));
    Ok(chosen.filter(|id| view.is_live(*id)))
}

pub(crate) fn existing(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    view: &View<'_>,
    wanted: Option<&str>,
) -> Result<RecordId, ApiError> {
    match find(profile, workspace, view, wanted)? {
        Found::Here(id) => Ok(id),
        Found::Missing { name, .. } => Err(not_found(
            format!("opening the environment {name}"),
            "there is no environment with that name or id",
        )),
    }
}

fn find(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    view: &View<'_>,
    wanted: Option<&str>,
) -> Result<Found, ApiError> {
    let Some(text) = wanted else {
        let active = active(profile, workspace, view)?;
        let none = || not_found("opening the active environment", "no environment is in use; name one");
        return active.map(Found::Here).ok_or_else(none);
    };
    let items = variable_items(view);
    let of_kind = |kind: Kind| items.iter().copied().filter(move |id| view.node_of(*id).kind == kind);
    if let Some(id) = view.find_id(text).filter(|id| items.contains(id)) {
        return Ok(Found::Here(id));
    }
    let named: Vec<_> = of_kind(Kind::Environment).filter(|id| is_named(view, *id, text)).collect();
    match named.as_slice() {
        [id] => return Ok(Found::Here(*id)),
        [] => {}
        several => {
            let candidates = several.iter().map(|id| view.candidate(*id)).collect();
            return Err(ambiguous(format!("opening the environment {text}"), candidates));
        }
    }
    if text != GLOBALS_WORD {
        return Ok(Found::Missing { kind: Kind::Environment, name: text.to_owned() });
    }
    let globals = of_kind(Kind::Globals).next().map(Found::Here);
    Ok(globals.unwrap_or_else(|| Found::Missing { kind: Kind::Globals, name: GLOBALS_NAME.to_owned() }))
}

fn is_named(view: &View<'_>, id: RecordId, text: &str) -> bool {
    view.node_of(id).name == text || view.path(id) == text
}
