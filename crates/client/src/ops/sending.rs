//! What a request is made of, and what stays on this device of having sent it: values, cookies, tokens, trust.
//!
//! Why it exists: whoever sends knows nothing of the store, and the store nothing of HTTP. Documents go out with the
//! values of this device in their places; changes come back by key, so that two sends at a time keep each other's.
//!
//! Invariants: nothing here makes an edit that syncs; a script's change of a variable is a current value, also where
//! the workspace has no such variable; values that could not be read again are not stored.

use satchel_model::format::payload::{value_from_json, value_to_json};
use satchel_model::format::postman;
use satchel_model::{Body, Item, Kind, RecordId, Value};
use satchel_wire::WorkspaceId;
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::api::{
    ApiError, EnvironmentChoice, KeptChange, Reply, SourceView, SourcesView, ValueChange, ValuePlace,
};
use crate::ops::document::written;
use crate::ops::env;
use crate::ops::error::{invalid, too_large};
use crate::ops::fields::text_of;
use crate::ops::local::{Whole, variables, whole_body};
use crate::ops::profile::{LocalValues, Profile};
use crate::ops::select;
use crate::ops::view::{View, kind_word};

const TRUST: &str = "scripts";
const COOKIES: &str = "cookies";
const TOKENS: &str = "tokens";
/// Variables that only this device has, of an item; the globals have them without an item, too.
const VALUES: &str = "values";
const GLOBALS: &str = "globals";
/// The most tokens of a workspace; the oldest go first.
const TOKENS_MAX: usize = 200;
/// The most cookies of a workspace; what puts them in has the same limit.
const COOKIES_MAX: usize = 3_000;
/// The most variables of an item that only this device has.
const VALUES_MAX: usize = 2_000;
/// The most that all values of this device of one item hold together: more could not be read again.
const VALUES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A value that nests deeper is kept as its text.
const VALUE_DEPTH_MAX: usize = 64;

/// What changed, by key.
pub(crate) struct Changes<'a> {
    pub(crate) item: &'a Option<String>,
    pub(crate) environment: &'a Option<String>,
    pub(crate) values: &'a [ValueChange],
    pub(crate) cookies: &'a [KeptChange],
    pub(crate) tokens: &'a [KeptChange],
}

/// All that a request or a run is made of.
pub(crate) fn sources(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    item: Option<&str>,
    environment: &EnvironmentChoice,
    below: bool,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let desk = Desk { profile, workspace, view: &view };
    let id = item.map(|item| desk.sendable(item)).transpose()?;
    let mut above: Vec<_> = id.map(|id| desk.above(id)).unwrap_or_default();
    let collection = match id.filter(|_| below) {
        Some(id) => desk.collection(above.last().copied().unwrap_or(id))?,
        None => None,
    };
    above.reverse();
    let environment = match environment {
        EnvironmentChoice::Off => None,
        EnvironmentChoice::Active => env::active(profile, workspace, &view)?,
        EnvironmentChoice::Named(name) => Some(env::existing(profile, workspace, &view, Some(name))?),
    };
    Ok(Reply::Sources(SourcesView {
        workspace: select::id_text(workspace),
        item: id.map(|id| desk.source(id)).transpose()?,
        ancestors: above.into_iter().map(|id| desk.source(id)).collect::<Result<_, _>>()?,
        collection,
        environment: environment.map(|id| desk.source(id)).transpose()?,
        globals: desk.globals()?,
        trusted: profile.setting(workspace, TRUST)?.is_some(),
        cookies: read_map(profile, workspace, COOKIES)?.into_iter().map(|(_, cookie)| cookie).collect(),
        tokens: Json::Object(read_map(profile, workspace, TOKENS)?),
    }))
}

/// Says whether scripts of a workspace may run on this device, and since when.
pub(crate) fn trust(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    trusted: bool,
) -> Result<Reply, ApiError> {
    let since = profile.now_ms().to_string();
    profile.set_setting(workspace, TRUST, trusted.then_some(since.as_str()))?;
    Ok(Reply::Done)
}

/// Forgets the cookies of a workspace.
pub(crate) fn clear_cookies(profile: &mut dyn Profile, workspace: WorkspaceId) -> Result<(), ApiError> {
    profile.set_setting(workspace, COOKIES, None)
}

/// Keeps what a send changed. Cookies and tokens come first: they cannot be refused.
pub(crate) fn keep(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    changes: &Changes<'_>,
) -> Result<Reply, ApiError> {
    keep_map(profile, workspace, COOKIES, changes.cookies, COOKIES_MAX)?;
    keep_map(profile, workspace, TOKENS, changes.tokens, TOKENS_MAX)?;
    for place in [ValuePlace::Environment, ValuePlace::Collection, ValuePlace::Globals] {
        let values: Vec<_> = changes.values.iter().filter(|change| change.place == place).collect();
        if values.is_empty() {
            continue;
        }
        let view = View::open(profile, workspace);
        let desk = Desk { profile, workspace, view: &view };
        let record = match place {
            ValuePlace::Environment => desk.live(changes.environment.as_deref()),
            ValuePlace::Collection => {
                desk.live(changes.item.as_deref()).map(|id| desk.above(id).last().copied().unwrap_or(id))
            }
            ValuePlace::Globals => desk.globals_item(),
        };
        drop(view);
        // What is gone meanwhile has no values any more.
        let is_globals = place == ValuePlace::Globals;
        if record.is_some() || is_globals {
            let name = kept_name(record.filter(|_| !is_globals));
            keep_values(profile, workspace, (record, &name), &values)?;
        }
    }
    Ok(Reply::Done)
}

/// Reads what sending needs.
struct Desk<'a> {
    profile: &'a dyn Profile,
    workspace: WorkspaceId,
    view: &'a View<'a>,
}

impl Desk<'_> {
    /// A request, folder or collection by its path or id.
    fn sendable(&self, path: &str) -> Result<RecordId, ApiError> {
        let id = self.view.resolve(path)?;
        let kind = &self.view.node_of(id).kind;
        if matches!(kind, Kind::Collection | Kind::Folder | Kind::Request) {
            return Ok(id);
        }
        let why = format!(
            "it is an item of kind {}: only requests, folders and collections are sent",
            kind_word(kind)
        );
        Err(invalid(format!("sending {path}"), why))
    }

    fn live(&self, id: Option<&str>) -> Option<RecordId> {
        self.view.find_id(id?).filter(|id| self.view.is_live(*id))
    }

    /// The items above one, the nearest first.
    fn above(&self, id: RecordId) -> Vec<RecordId> {
        let up = |id: &RecordId| self.view.tree().parent(*id).filter(|id| *id != self.view.root());
        // Cycles are cut in the tree; the limit is that of a depth that nobody can have.
        std::iter::successors(up(&id), up).filter(|id| self.view.node(*id).is_some()).take(10_000).collect()
    }

    fn source(&self, id: RecordId) -> Result<SourceView, ApiError> {
        let body = self.body(id)?;
        let mut document = written(id, self.view.node_of(id), body, true);
        let is_globals = self.view.node_of(id).kind == Kind::Globals;
        self.add_values(&mut document, &kept_name((!is_globals).then_some(id)))?;
        document["id"] = json!(id.to_string());
        Ok(SourceView { item: self.view.item(id), document })
    }

    /// The body with the values of this device in their places.
    fn body(&self, id: RecordId) -> Result<Body, ApiError> {
        let Whole { mut body, local } = whole_body(self.profile, self.workspace, id)?;
        for name in ["values", "variable"] {
            let Some(Value::List(list)) = body.fields.get_mut(name) else { continue };
            for (id, element) in &mut list.elements {
                let current = local.get(id).and_then(|local| local.current.as_ref());
                if let (Some(current), Value::Object(variable)) = (current, &mut element.value) {
                    if *current == Value::Null {
                        variable.insert("enabled".to_owned(), Value::Bool(false));
                        variable.insert("disabled".to_owned(), Value::Bool(true));
                    } else {
                        variable.insert("value".to_owned(), current.clone());
                    }
                }
            }
        }
        Ok(body)
    }

    /// Adds the variables that only this device has.
    fn add_values(&self, document: &mut Json, name: &str) -> Result<(), ApiError> {
        let values = read_map(self.profile, self.workspace, name)?;
        if values.is_empty() {
            return Ok(());
        }
        let list = if document.get("info").is_some() { "variable" } else { "values" };
        let slot = &mut document[list];
        if !slot.is_array() {
            *slot = json!([]);
        }
        let Json::Array(list) = slot else { return Ok(()) };
        let is_known = |key: &str| list.iter().any(|it| it.get("key").and_then(Json::as_str) == Some(key));
        let new: Vec<_> = values.into_iter().filter(|(key, _)| !is_known(key)).collect();
        list.extend(new.into_iter().map(|(key, value)| json!({ "key": key, "value": value })));
        Ok(())
    }

    fn globals_item(&self) -> Option<RecordId> {
        self.view.live().into_iter().find(|id| self.view.node_of(*id).kind == Kind::Globals)
    }

    fn globals(&self) -> Result<Json, ApiError> {
        if let Some(id) = self.globals_item() {
            return Ok(self.source(id)?.document);
        }
        let mut document = json!({ "name": "Globals", "values": [] });
        self.add_values(&mut document, &kept_name(None))?;
        Ok(document)
    }

    /// A collection, or what stands in its place, with everything below but examples.
    fn collection(&self, top: RecordId) -> Result<Option<Json>, ApiError> {
        let below = self.view.below(top).into_iter();
        let ids = below.filter(|id| self.view.node_of(*id).kind != Kind::Example);
        let item = |id: RecordId| {
            let (node, mut body) = (self.view.node_of(id).clone(), self.body(id)?);
            if id != top {
                body.fields.insert("id".to_owned(), Value::String(id.to_string()));
            }
            Ok(Item { id, node, body })
        };
        let items = std::iter::once(top).chain(ids).map(item).collect::<Result<Vec<_>, ApiError>>()?;
        let Some(mut document) = postman::export(&items) else { return Ok(None) };
        self.add_values(&mut document, &kept_name(Some(top)))?;
        Ok(Some(document))
    }
}

/// The name of the setting that holds what only this device has of an item's variables; none means the globals,
/// which a workspace may get later.
fn kept_name(record: Option<RecordId>) -> String {
    record.map_or_else(|| format!("{VALUES} {GLOBALS}"), |id| format!("{VALUES} {id}"))
}

/// What only this device has of an item's variables; none means the globals.
pub(crate) fn own_values(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    record: Option<RecordId>,
) -> Result<JsonMap<String, Json>, ApiError> {
    read_map(profile, workspace, &kept_name(record))
}

/// Sets current values: in the item's own variables where it has them, else beside them.
fn keep_values(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    (record, name): (Option<RecordId>, &str),
    changes: &[&ValueChange],
) -> Result<(), ApiError> {
    let (before, mut local) = match record {
        Some(record) => {
            let whole = whole_body(profile, workspace, record)?;
            (Some(whole.body), whole.local)
        }
        None => (None, LocalValues::new()),
    };
    let elements = before.as_ref().map(variables).unwrap_or_default();
    let mut beside = read_map(profile, workspace, name)?;
    let beside_before = beside.clone();
    let local_before = local.clone();
    for change in changes {
        let counts = |value: &Value| {
            let flag = |name: &str| value.as_object().and_then(|it| it.get(name)).cloned();
            flag("enabled") != Some(Value::Bool(false)) && flag("disabled") != Some(Value::Bool(true))
        };
        let element = elements
            .iter()
            .rev()
            .find(|(_, value)| text_of(value, "key") == Some(change.key.as_str()) && counts(value));
        if let Some((id, _)) = element {
            local.entry(*id).or_default().current = Some(current(change.value.as_ref()));
            beside.remove(&change.key);
        } else if let Some(value) = &change.value {
            beside.insert(change.key.clone(), value_to_json(&current(Some(value))));
        } else {
            beside.remove(&change.key);
        }
    }
    check_size(&local, &beside)?;
    if let Some(record) = record.filter(|_| local != local_before) {
        profile.set_local_values(workspace, record, &local)?;
    }
    if beside == beside_before { Ok(()) } else { write_map(profile, workspace, name, beside) }
}

/// A value as it is stored: none is one that is not there on this device.
fn current(value: Option<&Json>) -> Value {
    match value {
        None => Value::Null,
        // A script's null is not the absence of a value.
        Some(Json::Null) => Value::String("null".to_owned()),
        Some(value) if is_deeper(value, VALUE_DEPTH_MAX) => Value::String(value.to_string()),
        Some(value) => value_from_json(value),
    }
}

fn is_deeper(value: &Json, than: usize) -> bool {
    let mut waiting = vec![(value, 0)];
    while let Some((value, depth)) = waiting.pop() {
        if depth > than {
            return true;
        }
        match value {
            Json::Array(list) => waiting.extend(list.iter().map(|it| (it, depth + 1))),
            Json::Object(map) => waiting.extend(map.values().map(|it| (it, depth + 1))),
            _ => {}
        }
    }
    false
}

fn check_size(local: &LocalValues, beside: &JsonMap<String, Json>) -> Result<(), ApiError> {
    let own = local.values().filter_map(|value| value.current.as_ref());
    let own: usize = own.map(|value| value_to_json(value).to_string().len()).sum();
    let beside_bytes: usize = beside.iter().map(|(key, value)| key.len() + value.to_string().len()).sum();
    if own + beside_bytes <= VALUES_BYTES_MAX && beside.len() <= VALUES_MAX {
        return Ok(());
    }
    let why = format!(
        "the values of this device would be more than {VALUES_BYTES_MAX} bytes or {VALUES_MAX} variables; they are as before"
    );
    Err(too_large("keeping the values that scripts set", why))
}

fn read_map(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    name: &str,
) -> Result<JsonMap<String, Json>, ApiError> {
    let text = profile.setting(workspace, name)?;
    let read = text.map(|text| serde_json::from_str(&text));
    // What cannot be read is nothing that a person wrote: it begins anew.
    Ok(read.and_then(Result::ok).unwrap_or_default())
}

fn write_map(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    name: &str,
    map: JsonMap<String, Json>,
) -> Result<(), ApiError> {
    let text = zeroize::Zeroizing::new(Json::Object(map).to_string());
    profile.set_setting(workspace, name, (text.as_str() != "{}").then_some(text.as_str()))
}

fn keep_map(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    name: &str,
    changes: &[KeptChange],
    max: usize,
) -> Result<(), ApiError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut map = read_map(profile, workspace, name)?;
    for change in changes {
        match &change.value {
            Some(value) => drop(map.insert(change.key.clone(), value.clone())),
            None => drop(map.shift_remove(&change.key)),
        }
    }
    while map.len() > max {
        let Some(oldest) = map.keys().next().cloned() else { break };
        map.shift_remove(&oldest);
    }
    write_map(profile, workspace, name, map)
}
