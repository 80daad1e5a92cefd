//! Versions of an item: listing them, what has changed since one, and making the item what it was.
//!
//! Why it exists: the server keeps versions of nodes and of bodies; a person thinks of an item. One
//! commit that touched either is one version of the item, named by the commit's place in the ledger. A
//! version was verified before it comes here; one that does not verify is told and never used.
//!
//! Restoring is an ordinary edit: it syncs, can be undone the same way, and brings back the conflicts
//! that the version held. Secrets that never left this device are in no version; they stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use satchel_model::difference::{Named, unified};
use satchel_model::{Body, Node, RecordId, path};
use satchel_sync::{Change, Version, VersionAlarm, VersionState};
use satchel_wire::{AppId, Part, WorkspaceId};
use serde_json::Value as Json;

use crate::api::{ApiError, Call, ErrorKind, ItemView, Reply, VersionView};
use crate::ops::document::written;
use crate::ops::edit::changed;
use crate::ops::error::{failure, not_found};
use crate::ops::local::{absorbed, commit};
use crate::ops::profile::Profile;
use crate::ops::trash;
use crate::ops::view::View;

/// Changed fields that are named, at most; the others are counted.
const FIELDS_NAMED_MAX: usize = 5;
/// How deep fields are compared.
const DEPTH_MAX: usize = 32;

/// The versions of an item that were read, each part the newest first.
#[derive(Debug)]
pub(crate) struct Versions {
    /// The item.
    pub(crate) record: RecordId,
    /// Of its node.
    pub(crate) node: Vec<Version>,
    /// Of its body.
    pub(crate) body: Vec<Version>,
    /// Older ones are there that were not read.
    pub(crate) more: bool,
    /// The names of the account's apps.
    pub(crate) apps: BTreeMap<AppId, String>,
}

impl Versions {
    /// The versions of one part.
    pub(crate) fn part(&self, part: Part) -> &Vec<Version> {
        match part {
            Part::Node => &self.node,
            Part::Body => &self.body,
        }
    }

    /// The same, to be added to.
    pub(crate) fn part_mut(&mut self, part: Part) -> &mut Vec<Version> {
        match part {
            Part::Node => &mut self.node,
            Part::Body => &mut self.body,
        }
    }
}

/// One version of the whole item.
#[derive(Debug)]
struct Moment<'a> {
    seq: u64,
    received_ms: u64,
    /// Account and app, unless nothing of it verifies.
    by: Option<(String, AppId)>,
    node: Option<&'a Node>,
    body: Option<&'a Body>,
    purged: bool,
    problem: Option<&'a VersionAlarm>,
}

/// The item that a call about history means: one that shows, one in the trash, or an id of what was purged.
pub(crate) fn target(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    text: &str,
) -> Result<RecordId, ApiError> {
    let view = View::open(profile, workspace);
    let error = match view.resolve(text) {
        Ok(id) => return Ok(id),
        Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
        Err(error) => error,
    };
    if let Some(id) = trash::resolve_if_any(&view, text)? {
        return Ok(id);
    }
    path::parse_id(text).filter(|id| *id != view.root()).ok_or(error)
}

/// The reply to a call whose versions were read.
pub(crate) fn answer(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    versions: &Versions,
    call: &Call,
) -> Result<Reply, ApiError> {
    match call {
        Call::History { path } => list(profile, workspace, versions, path),
        Call::Diff { path, version } => diff(profile, workspace, versions, (path, *version)),
        Call::ShowVersion { path, version } => show(profile, workspace, versions, (path, *version)),
        Call::Restore { path, version } => restore(profile, workspace, versions, (path, *version)),
        _ => Err(failure(ErrorKind::Internal, "reading the history", "that call needs no history")),
    }
}

fn list(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    versions: &Versions,
    path: &str,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let moments = moments(versions);
    if moments.is_empty() {
        return Err(no_versions(&format!("reading the history of {path}")));
    }
    let mut views: Vec<_> =
        (0..moments.len()).map(|at| shown(profile, &view, versions, &moments, at)).collect();
    views.reverse();
    let item = item(&view, versions.record);
    Ok(Reply::History { item, versions: views, more: versions.more })
}

fn diff(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    versions: &Versions,
    (path, version): (&str, Option<u64>),
) -> Result<Reply, ApiError> {
    let tried = format!("comparing {path}");
    let view = View::open(profile, workspace);
    let moments = moments(versions);
    let present = present_text(profile, workspace, &view, versions.record)?;
    let item = item(&view, versions.record);
    let Some(at) = chosen(&view, versions, &moments, version, &present, &tried)? else {
        return Ok(Reply::Difference { item, version: None, text: String::new() });
    };
    let before = moment_text(&view, versions.record, &moments[at]);
    let name = format!("version {}", moments[at].seq);
    let text = unified(Named { name: &name, text: &before }, Named { name: "now", text: &present });
    let version = Some(shown(profile, &view, versions, &moments, at));
    Ok(Reply::Difference { item, version, text })
}

fn show(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    versions: &Versions,
    (path, version): (&str, u64),
) -> Result<Reply, ApiError> {
    let tried = format!("opening version {version} of {path}");
    let view = View::open(profile, workspace);
    let moments = moments(versions);
    let at = chosen(&view, versions, &moments, Some(version), "", &tried)?;
    let at = at.ok_or_else(|| no_versions(&tried))?;
    let moment = &moments[at];
    let document = (moment.node.is_some() && !moment.purged).then(|| document(versions.record, moment));
    Ok(Reply::Version { version: shown(profile, &view, versions, &moments, at), document })
}

fn restore(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    versions: &Versions,
    (path, version): (&str, Option<u64>),
) -> Result<Reply, ApiError> {
    let tried = format!("restoring {path}");
    let view = View::open(profile, workspace);
    let moments = moments(versions);
    let record = versions.record;
    let present = present_text(profile, workspace, &view, record)?;
    let at = chosen(&view, versions, &moments, version, &present, &tried)?;
    let at = at.ok_or_else(|| not_found(tried.clone(), "no version differs from what the item is now"))?;
    let moment = &moments[at];
    let (Some(node), false) = (moment.node, moment.purged) else {
        let detail = format!("version {} is the one that purged it: choose an earlier one", moment.seq);
        return Err(failure(ErrorKind::Invalid, tried, detail));
    };
    let node = placed(&view, record, Node { trashed: None, ..node.clone() }, &tried)?;
    let values = profile.local_values(workspace, record)?;
    let (body, local) = match moment.body {
        Some(body) => absorbed(body.clone(), values),
        None => (Body::default(), values),
    };
    drop(view);
    let change = Change { record, node: Some(node), body: Some(body) };
    commit(profile, workspace, vec![change], vec![(record, local)])?;
    Ok(changed(profile, workspace, &[record]))
}

/// A node of a version where it can stand now: where it stood then, else where the item stands now.
fn placed(view: &View<'_>, record: RecordId, mut node: Node, tried: &str) -> Result<Node, ApiError> {
    let Err(error) = trash::check_place(view, record, node.position.parent, tried) else { return Ok(node) };
    if !view.is_live(record) {
        return Err(error);
    }
    node.position = view.node_of(record).position.clone();
    Ok(node)
}

/// The version that is meant: the one with this number, or the newest that is not as the item is now.
fn chosen(
    view: &View<'_>,
    versions: &Versions,
    moments: &[Moment<'_>],
    version: Option<u64>,
    present: &str,
    tried: &str,
) -> Result<Option<usize>, ApiError> {
    if moments.is_empty() {
        return Err(no_versions(tried));
    }
    let Some(version) = version else {
        let differs = |moment: &Moment<'_>| {
            let usable = moment.problem.is_none() && !moment.purged && moment.node.is_some();
            usable && moment_text(view, versions.record, moment) != present
        };
        return Ok(moments.iter().rposition(differs));
    };
    let Some(at) = moments.iter().position(|moment| moment.seq == version) else {
        let detail = format!("it has no version {version}; `satchel history` lists those that are kept");
        return Err(not_found(tried, detail));
    };
    match moments[at].problem {
        Some(problem) => {
            let kind = match problem.alarm {
                satchel_sync::Alarm::Damaged => ErrorKind::Damaged,
                _ => ErrorKind::LyingServer,
            };
            Err(failure(kind, tried, format!("version {version} does not verify: {}", problem.detail)))
        }
        None => Ok(Some(at)),
    }
}

fn no_versions(tried: &str) -> ApiError {
    not_found(tried, "the server has no version of it yet; `satchel sync` sends what waits")
}

fn item(view: &View<'_>, record: RecordId) -> Option<ItemView> {
    view.node(record).map(|_| view.item(record))
}

/// The versions of the item, the oldest first.
fn moments(versions: &Versions) -> Vec<Moment<'_>> {
    let seqs: BTreeSet<u64> = versions.node.iter().chain(&versions.body).map(|version| version.seq).collect();
    seqs.into_iter().map(|seq| moment(versions, seq)).collect()
}

fn moment(versions: &Versions, seq: u64) -> Moment<'_> {
    let of = |part| versions.part(part).iter().find(|version: &&Version| version.seq == seq);
    let touched: Vec<_> = [Part::Node, Part::Body].into_iter().filter_map(of).collect();
    let by = touched.iter().find_map(|version| {
        let verified = version.content.as_ref().ok()?;
        Some((verified.author.to_string(), verified.app))
    });
    let (node, body) = (state(&versions.node, seq), state(&versions.body, seq));
    let problems = [node, body].map(|state| state.and_then(Result::err));
    Moment {
        seq,
        received_ms: touched.first().map_or(0, |version| version.received_ms),
        by,
        node: match node {
            Some(Ok(VersionState::Node(node))) => Some(node),
            _ => None,
        },
        body: match body {
            Some(Ok(VersionState::Body(body))) => Some(body),
            _ => None,
        },
        purged: matches!(node, Some(Ok(VersionState::Purged))),
        problem: problems.into_iter().flatten().next(),
    }
}

/// What a part was at an entry. What was before the oldest version that is kept counts as that one,
/// unless the part was made by it.
fn state(versions: &[Version], seq: u64) -> Option<Result<&VersionState, &VersionAlarm>> {
    let is_kept_only = |version: &&Version| version.content.as_ref().is_ok_and(|verified| !verified.is_new);
    let found = versions.iter().find(|version| version.seq <= seq);
    let found = found.or_else(|| versions.last().filter(is_kept_only));
    found.map(|version| version.content.as_ref().map(|verified| &verified.state))
}

fn shown(
    profile: &dyn Profile,
    view: &View<'_>,
    versions: &Versions,
    moments: &[Moment<'_>],
    at: usize,
) -> VersionView {
    let moment = &moments[at];
    let (who, app) = match &moment.by {
        Some((account, app)) => {
            let name = versions.apps.get(app).cloned();
            (trash::who(profile, account), name.unwrap_or_else(|| app.to_string()))
        }
        None => (String::new(), String::new()),
    };
    let before = at.checked_sub(1).map(|before| &moments[before]);
    VersionView {
        version: moment.seq,
        who,
        app,
        when: moment.received_ms,
        changes: changes(view, versions, before, moment),
        current: at + 1 == moments.len(),
        problem: moment.problem.map(|problem| format!("{}: {}", problem.alarm.as_str(), problem.detail)),
    }
}

/// What changed with a version, in words.
fn changes(
    view: &View<'_>,
    versions: &Versions,
    before: Option<&Moment<'_>>,
    moment: &Moment<'_>,
) -> Vec<String> {
    if moment.problem.is_some() {
        return Vec::new();
    }
    if moment.purged {
        return vec!["purged".to_owned()];
    }
    let Some(before) = before else { return vec![first_word(versions).to_owned()] };
    let (Some(was), Some(node)) = (before.node, moment.node) else {
        return vec![if before.purged { "brought back" } else { "changed" }.to_owned()];
    };
    let mut words = node_changes(view, was, node);
    words.extend(field_changes(versions.record, before, moment));
    words.extend(conflict_changes(conflicts(before), conflicts(moment)));
    if words.is_empty() {
        words.push("changed in a way that does not show".to_owned());
    }
    words
}

/// The word for the oldest version there is.
fn first_word(versions: &Versions) -> &'static str {
    let is_new = |version: &Version| version.content.as_ref().is_ok_and(|verified| verified.is_new);
    if versions.node.last().is_some_and(is_new) { "made" } else { "the oldest version that is kept" }
}

fn node_changes(view: &View<'_>, was: &Node, node: &Node) -> Vec<String> {
    let mut words = Vec::new();
    match (&was.trashed, &node.trashed) {
        (None, Some(_)) => words.push("moved to the trash".to_owned()),
        (Some(_), None) => words.push("taken out of the trash".to_owned()),
        _ => {}
    }
    if was.position.parent != node.position.parent {
        words.push(format!("moved to {}", place_name(view, node.position.parent)));
    } else if was.position.order != node.position.order {
        words.push("reordered".to_owned());
    }
    if was.name != node.name {
        words.push(format!("renamed from {}", was.name));
    }
    words
}

/// What a parent is called now.
pub(crate) fn place_name(view: &View<'_>, parent: RecordId) -> String {
    if parent == view.root() {
        return "the top of the workspace".to_owned();
    }
    match view.node(parent) {
        Some(_) if view.is_live(parent) => view.path(parent),
        Some(_) => format!("{} (in the trash)", view.path(parent)),
        None => format!("a place that is gone ({parent})"),
    }
}

fn field_changes(record: RecordId, before: &Moment<'_>, moment: &Moment<'_>) -> Option<String> {
    let (old, new) = (document(record, before), document(record, moment));
    let mut fields = Vec::new();
    compare("", &old, &new, DEPTH_MAX, &mut fields);
    // A rename is told with its old name.
    fields.retain(|field| !matches!(field.as_str(), "name" | "info.name"));
    let more = fields.len().saturating_sub(FIELDS_NAMED_MAX);
    fields.truncate(FIELDS_NAMED_MAX);
    if fields.is_empty() {
        return None;
    }
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("{}{more}", fields.join(", ")))
}

/// The dotted paths at which two documents differ.
fn compare(path: &str, old: &Json, new: &Json, depth: usize, found: &mut Vec<String>) {
    if old == new {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (old, new) {
        (Json::Object(old), Json::Object(new)) if depth > 0 => {
            let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for name in names {
                let [a, b] = [old, new].map(|side| side.get(name).unwrap_or(&Json::Null));
                compare(&below(name), a, b, depth - 1, found);
            }
        }
        (Json::Array(old), Json::Array(new)) if depth > 0 && old.len() == new.len() => {
            for (at, (a, b)) in old.iter().zip(new).enumerate() {
                let key = ["key", "listen", "name"].into_iter().find_map(|name| b.get(name)?.as_str());
                compare(&below(key.unwrap_or(&at.to_string())), a, b, depth - 1, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn conflicts(moment: &Moment<'_>) -> usize {
    moment.node.map_or(0, |node| node.conflicts.len()) + moment.body.map_or(0, |body| body.conflicts.len())
}

fn conflict_changes(before: usize, after: usize) -> Option<String> {
    let counted = |count: usize| format!("{count} conflict{}", if count == 1 { "" } else { "s" });
    match before.cmp(&after) {
        std::cmp::Ordering::Less => Some(format!("{} found", counted(after - before))),
        std::cmp::Ordering::Greater => Some(format!("{} settled", counted(before - after))),
        std::cmp::Ordering::Equal => None,
    }
}

fn document(record: RecordId, moment: &Moment<'_>) -> Json {
    let Some(node) = moment.node else { return Json::Null };
    written(record, node, moment.body.cloned().unwrap_or_default(), false)
}

/// The item as a text to compare: where it stands, what is at odds, and its document without secrets.
fn moment_text(view: &View<'_>, record: RecordId, moment: &Moment<'_>) -> String {
    match moment.node {
        Some(node) => item_text(view, record, node, moment.body.cloned().unwrap_or_default()),
        None => String::new(),
    }
}

fn present_text(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    view: &View<'_>,
    record: RecordId,
) -> Result<String, ApiError> {
    let Some(node) = view.node(record) else { return Ok(String::new()) };
    // Without the secrets that stay on this device: no version has them.
    let body = profile.body(workspace, record)?.unwrap_or_default();
    Ok(item_text(view, record, node, body))
}

fn item_text(view: &View<'_>, record: RecordId, node: &Node, body: Body) -> String {
    let mut text = format!("stands in {}\n", place_name(view, node.position.parent));
    if node.trashed.is_some() {
        text.push_str("in the trash\n");
    }
    let ids = node.conflicts.keys().chain(body.conflicts.keys());
    for id in ids {
        let _ = writeln!(text, "conflict {}", id.0);
    }
    let document = written(record, node, body, false);
    text + &format!("{document:#}\n")
}
