//! Satchel's own backup: one JSON file with everything that is on this device, and back in.
//!
//! ```text
//! {"satchel_backup": 1, "workspaces": [{"id", "name", "items": [{"id", "node", "body"}], "local": {…}}]}
//! ```
//! `node` and `body` are the stored payloads (`satchel_model::format::payload`), as JSON, or as text
//! where they nest too deep for a file in a file. `local` holds current values and unshared secrets,
//! by item and element. Restoring gives every item a new id, so it never meets what is there.

use std::collections::{BTreeMap, HashMap};

use satchel_model::format::json::to_text;
use satchel_model::format::payload::{self, value_from_json, value_to_json};
use satchel_model::{Body, ElementId, Kind, Node, OrderKey, RecordId, Value, path};
use satchel_sync::{Change, SCRATCH};
use satchel_wire::WorkspaceId;
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::api::{Acknowledged, ApiError, ExportedFile, ImportReport, Progress, Reply, Source};
use crate::ops::conflicts::mask_secrets;
use crate::ops::edit::last_order;
use crate::ops::error::invalid;
use crate::ops::file;
use crate::ops::import::counts;
use crate::ops::local::{absorbed, commit, for_each_secret, is_blank};
use crate::ops::profile::{LocalValue, LocalValues, Profile};
use crate::ops::select;
use crate::ops::view::View;

const VERSION: u64 = 1;
/// What every backup has within its first bytes.
const MARK: &[u8] = b"\"satchel_backup\"";
const MARK_WITHIN: usize = 100;
const FILE_NAME: &str = "satchel-backup.json";
/// A payload that nests deeper is written as text: the file around it nests, too.
const NESTED_DEPTH_MAX: usize = 100;
const WORKSPACES_MAX: usize = 1_000;

/// A workspace read from a backup.
struct Restored {
    id: RecordId,
    name: String,
    items: Vec<(RecordId, Node, Body)>,
    local: BTreeMap<RecordId, LocalValues>,
}

/// Writes everything of every workspace, the Scratch Pad's too.
pub(crate) fn create(profile: &dyn Profile, progress: &mut dyn FnMut(Progress)) -> Result<Reply, ApiError> {
    write(profile, true, progress)
}

/// Writes every workspace, with or without what stays on this device and the values of secrets.
pub(crate) fn write(
    profile: &dyn Profile,
    secrets: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Reply, ApiError> {
    let mut told = Told { secrets, values: 0, unread: Vec::new() };
    let known = select::all(profile);
    let mut workspaces = Vec::with_capacity(known.len());
    for (done, workspace) in (1..).zip(&known) {
        workspaces.push(written(profile, *workspace, &mut told)?);
        progress(Progress { phase: "reading".to_owned(), done, total: known.len() as u64 });
    }
    let content = to_text(&json!({ "satchel_backup": VERSION, "workspaces": workspaces }));
    let files = vec![ExportedFile { name: FILE_NAME.to_owned(), content, text: true }];
    Ok(Reply::Exported { files, omitted: told.in_words() })
}

/// What is written of secrets, and what has to be told.
struct Told {
    secrets: bool,
    values: usize,
    unread: Vec<String>,
}

impl Told {
    fn in_words(self) -> Vec<String> {
        let mut words = self.unread;
        if self.values > 0 && self.secrets {
            let values = self.values;
            words.push(format!(
                "nothing of {values} secret or current values of variables: keep the file safe"
            ));
        } else if self.values > 0 {
            words.push(format!(
                "{} secret or current values of variables: they were not asked for",
                self.values
            ));
        }
        words
    }
}

fn written(profile: &dyn Profile, workspace: WorkspaceId, told: &mut Told) -> Result<Json, ApiError> {
    let mut items = Vec::new();
    let mut local = JsonMap::new();
    for (id, node) in profile.nodes(workspace).into_iter().flatten() {
        let mut body = match profile.body(workspace, *id) {
            Ok(body) => body.unwrap_or_default(),
            Err(error) => {
                told.unread.push(format!("the content of {}: {}", node.name, error.detail));
                Body::default()
            }
        };
        let values = profile.local_values(workspace, *id)?;
        told.values += values.len();
        for_each_secret(&mut body, |value| {
            told.values += usize::from(!is_blank(value));
            if !told.secrets {
                *value = Value::String(String::new());
            }
        });
        if !told.secrets {
            mask_secrets(&mut body);
        }
        let (node, body) = (payload::encode_node(node), payload::encode_body(&body));
        items.push(json!({ "id": id.to_string(), "node": nested(node), "body": nested(body) }));
        if told.secrets && !values.is_empty() {
            local.insert(id.to_string(), written_values(&values));
        }
    }
    let (id, name) = (select::root(workspace).to_string(), select::name(profile, workspace));
    Ok(json!({ "id": id, "name": name, "items": items, "local": local }))
}

fn nested(payload: Vec<u8>) -> Json {
    let text = String::from_utf8(payload).expect("a payload is JSON text");
    let opened = text.bytes().scan(0_usize, |depth, byte| {
        *depth = match byte {
            b'{' | b'[' => *depth + 1,
            b'}' | b']' => depth.saturating_sub(1),
            _ => *depth,
        };
        Some(*depth)
    });
    if opened.max().unwrap_or(0) > NESTED_DEPTH_MAX {
        return Json::String(text);
    }
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

fn written_values(values: &LocalValues) -> Json {
    let entry = |(id, value): (&ElementId, &LocalValue)| {
        let initial = value.initial.as_ref().map(value_to_json);
        let current = value.current.as_ref().map(value_to_json);
        (format!("{:016x}", id.0), json!({ "initial": initial, "current": current }))
    };
    Json::Object(values.iter().map(entry).collect())
}

/// Brings the workspaces of a backup in; everything is read and checked before anything is stored.
pub(crate) fn restore(
    profile: &mut dyn Profile,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Reply, ApiError> {
    let bytes = file::read(source, progress)?;
    let tried = format!("restoring {}", file::name(source));
    bring_back(profile, &bytes, &tried, progress)
}

/// Whether a file says at its beginning that it is a backup.
pub(crate) fn is_backup(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(MARK_WITHIN)];
    start.windows(MARK.len()).any(|window| window == MARK)
}

/// What a backup holds, without bringing it in.
pub(crate) fn look(bytes: &[u8], tried: &str) -> Result<Reply, ApiError> {
    let restored = read(bytes, tried)?;
    let mut report = report(&restored);
    report.dry_run = true;
    report.added = report.counts.iter().map(|(_, count)| count).sum();
    Ok(Reply::Imported(report))
}

/// Brings the workspaces of a backup in.
pub(crate) fn bring_back(
    profile: &mut dyn Profile,
    bytes: &[u8],
    tried: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<Reply, ApiError> {
    let restored = read(bytes, tried)?;
    let total: u64 = restored.iter().map(|workspace| workspace.items.len() as u64).sum();
    let mut done = 0;
    let mut report = report(&restored);
    for workspace in restored {
        done += workspace.items.len() as u64;
        bring_in(profile, workspace, &mut report)?;
        progress(Progress { phase: "storing".to_owned(), done, total });
    }
    Ok(Reply::Imported(report))
}

fn read(bytes: &[u8], tried: &str) -> Result<Vec<Restored>, ApiError> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|error| invalid(tried, format!("that is no backup of Satchel: broken JSON, {error}")))?;
    parsed(&json).map_err(|why| invalid(tried, why))
}

fn report(restored: &[Restored]) -> ImportReport {
    let mut kinds = BTreeMap::new();
    for workspace in restored {
        for (_, node, _) in workspace.items.iter().filter(|(id, ..)| *id != workspace.id) {
            *kinds.entry(node.kind.clone()).or_insert(0_u64) += 1;
        }
    }
    ImportReport { counts: counts(&kinds), ..empty_report() }
}

fn empty_report() -> ImportReport {
    ImportReport {
        source: "Satchel backup".to_owned(),
        items: Vec::new(),
        counts: Vec::new(),
        losses: Vec::new(),
        dry_run: false,
        added: 0,
        changed: 0,
        trashed: 0,
        acknowledged: Acknowledged::Local,
    }
}

/// Stores one workspace under new ids: on the Scratch Pad, or as a new workspace of the account.
fn bring_in(
    profile: &mut dyn Profile,
    mut restored: Restored,
    report: &mut ImportReport,
) -> Result<(), ApiError> {
    let from_scratch = restored.id == select::root(SCRATCH);
    if from_scratch && restored.items.is_empty() {
        return Ok(());
    }
    let to_scratch = from_scratch || profile.owner().is_none();
    let target = if to_scratch { SCRATCH } else { profile.found_workspace(&restored.name)? };
    restored.items.retain(|(id, ..)| *id != restored.id || !to_scratch);
    let root = select::root(target);
    let mut ids: HashMap<_, _> = HashMap::from([(restored.id, root)]);
    for (id, ..) in &restored.items {
        ids.entry(*id).or_insert_with(|| RecordId::make(profile.rng()));
    }
    place_tops(profile, target, &mut restored);
    let mut changes = Vec::with_capacity(restored.items.len());
    let mut local = Vec::new();
    for (id, mut node, body) in restored.items {
        let record = ids[&id];
        // A secret in the body would sync; a backup that was written here has none there.
        let (body, values) = absorbed(body, restored.local.remove(&id).unwrap_or_default());
        if !values.is_empty() {
            local.push((record, values));
        }
        node.position.parent = ids.get(&node.position.parent).copied().unwrap_or(node.position.parent);
        let node = (id != restored.id).then_some(node); // the new workspace has a node of its own
        changes.push(Change { record, node, body: Some(body) });
    }
    report.added += changes.iter().filter(|change| change.node.is_some()).count() as u64;
    let mut tops: Vec<_> =
        changes.iter().filter(|change| is_top(change, root)).map(|change| change.record).collect();
    commit(profile, target, changes, local)?;
    let view = View::open(profile, target);
    tops.sort_by_key(|id| view.node(*id).map(|node| (&node.position.order, *id)));
    report.items.extend(tops.into_iter().filter(|id| view.is_live(*id)).map(|id| view.item(id)));
    Ok(())
}

fn is_top(change: &Change, root: RecordId) -> bool {
    change.node.as_ref().is_some_and(|node| node.position.parent == root)
}

/// Puts the top items after what is there, in the order they had.
fn place_tops(profile: &mut dyn Profile, target: WorkspaceId, restored: &mut Restored) {
    let view = View::open(profile, target);
    let last = last_order(&view, view.root());
    let source_root = restored.id;
    let is_top = |(id, node, _): &&mut (RecordId, Node, Body)| {
        *id != source_root && node.position.parent == source_root
    };
    let mut tops: Vec<_> = restored.items.iter_mut().filter(is_top).collect();
    tops.sort_by(|a, b| (&a.1.position.order, a.0).cmp(&(&b.1.position.order, b.0)));
    let orders = OrderKey::block(last.as_ref(), None, tops.len(), profile.rng());
    for (top, order) in tops.into_iter().zip(orders) {
        top.1.position.order = order;
    }
}

fn parsed(json: &Json) -> Result<Vec<Restored>, String> {
    let version = json.get("satchel_backup").ok_or("that is no backup of Satchel")?;
    if version.as_u64() != Some(VERSION) {
        return Err(format!("the backup has version {version}; this Satchel reads version {VERSION}"));
    }
    let workspaces = json.get("workspaces").and_then(Json::as_array).ok_or("it lists no workspaces")?;
    if workspaces.len() > WORKSPACES_MAX {
        return Err(format!("it has {} workspaces; at most {WORKSPACES_MAX} are read", workspaces.len()));
    }
    workspaces.iter().map(parsed_workspace).collect()
}

fn parsed_workspace(json: &Json) -> Result<Restored, String> {
    let id = parsed_id(json)?;
    let name = json.get("name").and_then(Json::as_str).ok_or("a workspace has no name")?;
    crate::ops::fields::check_name(name)?;
    let items = json.get("items").and_then(Json::as_array).ok_or("a workspace has no items")?;
    let items = items.iter().map(parsed_item).collect::<Result<_, _>>()?;
    let mut local = BTreeMap::new();
    for (record, values) in json.get("local").and_then(Json::as_object).into_iter().flatten() {
        let record = path::parse_id(record).ok_or("a local value names no item")?;
        local.insert(record, parsed_values(values)?);
    }
    Ok(Restored { id, name: name.to_owned(), items, local })
}

fn parsed_id(json: &Json) -> Result<RecordId, String> {
    let id = json.get("id").and_then(Json::as_str).and_then(path::parse_id);
    id.ok_or_else(|| "an id is missing or is not 32 hexadecimal digits".to_owned())
}

fn parsed_item(json: &Json) -> Result<(RecordId, Node, Body), String> {
    let id = parsed_id(json)?;
    let broken = |part: &str, why: String| format!("the {part} of {id}: {why}");
    let node = payload::decode_node(&payload_bytes(json.get("node")))
        .map_err(|error| broken("node", error.to_string()))?;
    let body = payload::decode_body(&payload_bytes(json.get("body")))
        .map_err(|error| broken("body", error.to_string()))?;
    if node.kind == Kind::Workspace && node.position.parent != id {
        return Err(broken("node", "a workspace inside a workspace".to_owned()));
    }
    Ok((id, node, body))
}

fn payload_bytes(json: Option<&Json>) -> Vec<u8> {
    match json {
        Some(Json::String(text)) => text.clone().into_bytes(),
        Some(json) => json.to_string().into_bytes(),
        None => Vec::new(),
    }
}

fn parsed_values(json: &Json) -> Result<LocalValues, String> {
    let values = json.as_object().ok_or("local values are an object")?;
    let entry = |(id, value): (&String, &Json)| {
        let id = u64::from_str_radix(id, 16).map_err(|_| "a local value names no element".to_owned())?;
        let value_of = |name: &str| value.get(name).filter(|value| !value.is_null()).map(value_from_json);
        Ok((ElementId(id), LocalValue { initial: value_of("initial"), current: value_of("current") }))
    };
    values.iter().map(entry).collect()
}
