//! Secrets and current values: what stays on this device, taken out of bodies and put back in.
//!
//! Invariant: a body that goes to the engine holds no initial value of a secret that is not shared.
//! A call reads a whole body ([`whole_body`]), changes it, and stores it through [`Whole::split`] and
//! [`commit`], which keeps every local value until the edit is durable.

use std::collections::BTreeMap;

use satchel_model::variable::{SHARED, put_secrets, take_secrets};
use satchel_model::{Body, ElementId, List, Map, RecordId, Value};
use satchel_sync::Change;
use satchel_wire::WorkspaceId;

use crate::api::ApiError;
use crate::ops::profile::{LocalValues, Profile};

/// What stands in the place of a secret's value where it is not shown.
pub(crate) const MASK: &str = "(secret)";
/// The fields of a body that hold variables.
const VARIABLE_LISTS: [&str; 2] = ["values", "variable"];

/// A body with the secrets that stay local in their places, and the rest of the local values.
#[derive(Clone)]
pub(crate) struct Whole {
    pub(crate) body: Body,
    pub(crate) local: LocalValues,
}

/// An item's whole body; an empty one if it has none yet.
pub(crate) fn whole_body(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    record: RecordId,
) -> Result<Whole, ApiError> {
    let mut body = profile.body(workspace, record)?.unwrap_or_default();
    let local = profile.local_values(workspace, record)?;
    put_secrets(&mut body, &initials(&local));
    Ok(Whole { body, local })
}

impl Whole {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, local: LocalValues::new() }
    }

    /// Takes the secrets out again: the body for the engine, and the values for this device.
    ///
    /// Local values of elements that are gone are dropped.
    pub(crate) fn split(mut self) -> (Body, LocalValues) {
        let taken: BTreeMap<_, _> = take_secrets(&mut self.body).into_iter().collect();
        let present = variables(&self.body);
        self.local.retain(|id, _| present.contains_key(id));
        for value in self.local.values_mut() {
            value.initial = None;
        }
        for (id, initial) in taken {
            self.local.entry(id).or_default().initial = Some(initial);
        }
        self.local.retain(|_, value| !value.is_empty());
        (self.body, self.local)
    }
}

/// The body for the engine and the values for this device, where a body may hold a value of a secret
/// that is newer than the local one: a settled conflict does.
pub(crate) fn absorbed(mut body: Body, mut local: LocalValues) -> (Body, LocalValues) {
    for (id, initial) in take_secrets(&mut body) {
        local.entry(id).or_default().initial = Some(initial);
    }
    let present = variables(&body);
    local.retain(|id, value| present.contains_key(id) && !value.is_empty());
    (body, local)
}

/// Stores changes together with the local values of their items.
///
/// Local values are stored first, those that go away still among them, so that a crash loses nothing;
/// they are as before if the edit fails.
pub(crate) fn commit(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    changes: Vec<Change>,
    local: Vec<(RecordId, LocalValues)>,
) -> Result<(), ApiError> {
    let mut before = Vec::new();
    let mut after = Vec::new();
    for (record, wanted) in local {
        let present = profile.local_values(workspace, record)?;
        if present == wanted {
            continue;
        }
        let mut both = present.clone();
        both.extend(wanted.iter().map(|(id, value)| (*id, value.clone())));
        if both != present {
            profile.set_local_values(workspace, record, &both)?;
        }
        if both != wanted {
            after.push((record, wanted));
        }
        before.push((record, present));
    }
    let edited = if changes.is_empty() { Ok(()) } else { profile.edit(workspace, changes) };
    let rest = if edited.is_ok() { after } else { before };
    let settled = rest.iter().try_for_each(|(id, values)| profile.set_local_values(workspace, *id, values));
    edited.and(settled)
}

/// The elements of every list of variables in a body.
pub(crate) fn variables(body: &Body) -> BTreeMap<ElementId, &Value> {
    let lists = VARIABLE_LISTS.into_iter().filter_map(|name| match body.fields.get(name) {
        Some(Value::List(list)) => Some(list),
        _ => None,
    });
    lists.flat_map(|list: &List| list.elements.iter().map(|(id, element)| (*id, &element.value))).collect()
}

/// Whether a variable is a secret, shared or not.
pub(crate) fn is_secret(variable: &Value) -> bool {
    variable.as_object().is_some_and(|fields| fields.get("type").and_then(Value::as_str) == Some("secret"))
}

/// Gives the value of every secret variable that has one to `change`.
pub(crate) fn for_each_secret(body: &mut Body, mut change: impl FnMut(&mut Value)) {
    for_each_variable(body, |variable| {
        if variable.get("type").and_then(Value::as_str) == Some("secret")
            && let Some(value) = variable.get_mut("value")
        {
            change(value);
        }
    });
}

/// Removes the marks of shared secrets: a file does not say what this workspace shares.
pub(crate) fn remove_shared(body: &mut Body) {
    for_each_variable(body, |variable| drop(variable.remove(SHARED)));
}

fn for_each_variable(body: &mut Body, mut change: impl FnMut(&mut Map)) {
    for name in VARIABLE_LISTS {
        let values: Vec<&mut Value> = match body.fields.get_mut(name) {
            Some(Value::List(list)) => list.elements.values_mut().map(|element| &mut element.value).collect(),
            Some(Value::Array(values)) => values.iter_mut().collect(),
            _ => continue,
        };
        for value in values {
            if let Value::Object(variable) = value {
                change(variable);
            }
        }
    }
}

/// Whether a value is nothing that one would have to hide or keep.
pub(crate) fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Null) || value.as_str() == Some("")
}

fn initials(local: &LocalValues) -> BTreeMap<ElementId, Value> {
    local.iter().filter_map(|(id, value)| Some((*id, value.initial.clone()?))).collect()
}
