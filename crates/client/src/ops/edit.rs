//! Making, changing, moving, copying and removing items.
//!
//! Why it exists: each call is planned through a [`View`], then stored with one engine edit. Rules
//! kept here: what may stand where, names that stay unambiguous when something new is made, and that
//! many items go to the trash only when the person said so.

use std::collections::{HashMap, HashSet};

use rand_core::RngCore;
use satchel_model::{Body, Kind, Node, OrderKey, Position, RecordId, Trashed, Value, path};
use satchel_sync::{Change, is_bulk};
use satchel_wire::WorkspaceId;

use crate::api::{Acknowledged, ApiError, ErrorKind, FieldEdit, Reply};
use crate::ops::document;
use crate::ops::error::{failure, invalid};
use crate::ops::fields::{self, Draft, check_name};
use crate::ops::local::{Whole, commit, whole_body};
use crate::ops::profile::{LocalValues, Profile};
use crate::ops::view::{View, kind_word};

/// The reply to a call that changed items.
pub(crate) fn changed(profile: &dyn Profile, workspace: WorkspaceId, ids: &[RecordId]) -> Reply {
    let view = View::open(profile, workspace);
    let items = ids.iter().filter(|id| view.is_live(**id)).map(|id| view.item(*id)).collect();
    Reply::Changed { items, acknowledged: Acknowledged::Local }
}

/// A node at the end of its parent.
pub(crate) fn new_node(
    kind: Kind,
    name: &str,
    parent: RecordId,
    last: Option<&OrderKey>,
    rng: &mut dyn RngCore,
) -> Node {
    Node {
        kind,
        position: Position { parent, order: OrderKey::between(last, None, rng) },
        name: name.to_owned(),
        method: None,
        trashed: None,
        conflicts: satchel_model::Conflicts::new(),
        extra: satchel_model::Map::new(),
    }
}

/// The order key of an item's last child.
pub(crate) fn last_order(view: &View<'_>, parent: RecordId) -> Option<OrderKey> {
    view.tree().children(parent).last().map(|id| view.node_of(*id).position.order.clone())
}

/// Makes an item.
pub(crate) fn new(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    kind: &str,
    text: &str,
    edits: &[FieldEdit],
) -> Result<Reply, ApiError> {
    let tried = format!("making {text}");
    let kind = parse_kind(kind, &tried)?;
    let segments = path::parse(text);
    let (name, parents) = segments.split_last().ok_or_else(|| invalid(tried.clone(), "it needs a name"))?;
    check_name(name).map_err(|why| invalid(tried.clone(), why))?;
    let view = View::open(profile, workspace);
    let parent = if parents.is_empty() { view.root() } else { view.resolve(&path::format(parents))? };
    check_place(&view, &kind, parent, &tried)?;
    check_free(&view, &kind, parent, name, &tried)?;
    let last = last_order(&view, parent);
    let node = new_node(kind, name, parent, last.as_ref(), profile.rng());
    let (node, body) = document::fresh(node, profile.rng());
    let mut draft = Draft { node, body };
    fields::apply(&mut draft, edits, profile.rng())?;
    document::normalise(&mut draft, &Body::default(), profile.rng())?;
    let id = RecordId::make(profile.rng());
    store(profile, workspace, id, draft, LocalValues::new())
}

/// Changes fields of an item.
pub(crate) fn set(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    text: &str,
    edits: &[FieldEdit],
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let id = view.resolve(text)?;
    let node = view.node_of(id).clone();
    let whole = whole_body(profile, workspace, id)?;
    let mut draft = Draft { node, body: whole.body.clone() };
    fields::apply(&mut draft, edits, profile.rng())?;
    document::normalise(&mut draft, &whole.body, profile.rng())?;
    store(profile, workspace, id, draft, whole.local)
}

/// Stores an item whose body has its secrets in it.
pub(crate) fn store(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    id: RecordId,
    draft: Draft,
    local: LocalValues,
) -> Result<Reply, ApiError> {
    let (body, local) = Whole { body: draft.body, local }.split();
    let change = Change { record: id, node: Some(draft.node), body: Some(body) };
    commit(profile, workspace, vec![change], vec![(id, local)])?;
    Ok(changed(profile, workspace, &[id]))
}

fn parse_kind(word: &str, tried: &str) -> Result<Kind, ApiError> {
    match word {
        "collection" => Ok(Kind::Collection),
        "folder" => Ok(Kind::Folder),
        "request" => Ok(Kind::Request),
        "example" => Ok(Kind::Example),
        "environment" => Ok(Kind::Environment),
        "globals" => Ok(Kind::Globals),
        _ => Err(invalid(
            tried,
            format!("{word} is no kind; there are collection, folder, request, example and environment"),
        )),
    }
}

/// Whether an item of a kind may stand under a parent.
fn check_place(view: &View<'_>, kind: &Kind, parent: RecordId, tried: &str) -> Result<(), ApiError> {
    let is_root = parent == view.root();
    let parent_kind = if is_root { &Kind::Workspace } else { &view.node_of(parent).kind };
    let fits = match kind {
        Kind::Collection | Kind::Environment | Kind::Globals => is_root,
        Kind::Folder | Kind::Request => matches!(parent_kind, Kind::Collection | Kind::Folder),
        Kind::Example => *parent_kind == Kind::Request,
        Kind::Workspace | Kind::Unknown(_) => false,
    };
    if fits {
        return Ok(());
    }
    let place = match kind {
        Kind::Folder | Kind::Request => "stands in a collection or folder",
        Kind::Example => "belongs to a request",
        Kind::Unknown(_) | Kind::Workspace => "cannot be moved by this version",
        _ => "stands at the top of the workspace",
    };
    let (kind, there) = (kind_word(kind), kind_word(parent_kind));
    Err(invalid(tried, format!("a {kind} {place}, not in a {there}")))
}

/// A new item takes no name that a sibling of its kind has, so that paths stay unambiguous.
fn check_free(
    view: &View<'_>,
    kind: &Kind,
    parent: RecordId,
    name: &str,
    tried: &str,
) -> Result<(), ApiError> {
    let is_taken = |id: &&RecordId| {
        let node = view.node_of(**id);
        node.kind == *kind && (node.name == name || node.kind == Kind::Globals)
    };
    match view.tree().children(parent).iter().find(is_taken) {
        None => Ok(()),
        Some(id) => Err(ApiError {
            candidates: vec![view.candidate(*id)],
            ..failure(ErrorKind::Exists, tried, format!("there is a {} of that name", kind_word(kind)))
        }),
    }
}

/// Where something goes: under which parent, and by which name.
struct Destination {
    parent: RecordId,
    name: Option<String>,
}

/// An existing container, or a new name under an existing parent.
fn destination(view: &View<'_>, kind: &Kind, to: &str, tried: &str) -> Result<Destination, ApiError> {
    let segments = path::parse(to);
    if segments.is_empty() {
        return Ok(Destination { parent: view.root(), name: None });
    }
    if let Some(id) = view.resolve_if_any(to)? {
        let target = &view.node_of(id).kind;
        if !holds_any(target) || (kind == target && !holds(target, kind)) {
            let what = format!("there is a {} of that name", kind_word(target));
            let candidates = vec![view.candidate(id)];
            return Err(ApiError { candidates, ..failure(ErrorKind::Exists, tried, what) });
        }
        check_place(view, kind, id, tried)?;
        return Ok(Destination { parent: id, name: None });
    }
    let (name, parents) = segments.split_last().expect("it is not empty");
    check_name(name).map_err(|why| invalid(tried, why))?;
    let parent = if parents.is_empty() { view.root() } else { view.resolve(&path::format(parents))? };
    Ok(Destination { parent, name: Some(name.clone()) })
}

fn holds(container: &Kind, kind: &Kind) -> bool {
    match container {
        Kind::Collection | Kind::Folder => matches!(kind, Kind::Folder | Kind::Request),
        Kind::Request => *kind == Kind::Example,
        _ => false,
    }
}

fn holds_any(kind: &Kind) -> bool {
    matches!(kind, Kind::Collection | Kind::Folder | Kind::Request)
}

/// Moves or renames an item; only its node changes.
pub(crate) fn move_item(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    from: &str,
    to: &str,
    before: Option<&str>,
) -> Result<Reply, ApiError> {
    let tried = format!("moving {from} to {to}");
    let view = View::open(profile, workspace);
    let id = view.resolve(from)?;
    let node = view.node_of(id);
    let stays = before.is_some() && view.resolve_if_any(to)? == Some(id);
    let parent_now = node.position.parent;
    let target = if stays {
        Destination { parent: parent_now, name: None }
    } else {
        destination(&view, &node.kind, to, &tried)?
    };
    check_place(&view, &node.kind, target.parent, &tried)?;
    if target.parent == id || view.below(id).contains(&target.parent) {
        return Err(invalid(tried, "an item cannot go into itself"));
    }
    if let Some(name) = &target.name {
        check_free(&view, &node.kind, target.parent, name, &tried)?;
    }
    let order = match before {
        Some(sibling) => {
            let sibling = find_sibling(&view, target.parent, sibling, &tried)?;
            Some(gap_before(&view, target.parent, sibling, id))
        }
        None if target.parent == parent_now => None,
        None => Some((last_order(&view, target.parent), None)),
    };
    let mut node = node.clone();
    node.position.parent = target.parent;
    if let Some(name) = target.name {
        node.name = name;
    }
    if let Some((after, before)) = order {
        node.position.order = OrderKey::between(after.as_ref(), before.as_ref(), profile.rng());
    }
    profile.edit(workspace, vec![Change { record: id, node: Some(node), body: None }])?;
    Ok(changed(profile, workspace, &[id]))
}

/// A sibling by its name, path or id.
fn find_sibling(view: &View<'_>, parent: RecordId, text: &str, tried: &str) -> Result<RecordId, ApiError> {
    let children = view.tree().children(parent);
    let name = path::parse(text);
    let named: Vec<_> =
        children.iter().copied().filter(|id| name.len() == 1 && view.node_of(*id).name == name[0]).collect();
    let found = match named.as_slice() {
        [id] => *id,
        _ => view.resolve(text)?,
    };
    if children.contains(&found) {
        return Ok(found);
    }
    Err(invalid(tried, format!("{text} is not in that place")))
}

/// The order keys around the gap before a sibling, without the item that moves.
fn gap_before(
    view: &View<'_>,
    parent: RecordId,
    sibling: RecordId,
    moved: RecordId,
) -> (Option<OrderKey>, Option<OrderKey>) {
    let siblings: Vec<_> = view.tree().children(parent).iter().filter(|id| **id != moved).collect();
    let order = |id: &RecordId| view.node_of(*id).position.order.clone();
    match siblings.iter().position(|id| **id == sibling) {
        Some(0) => (None, siblings.first().map(|id| order(id))),
        Some(at) => (Some(order(siblings[at - 1])), Some(order(siblings[at]))),
        None => (siblings.last().map(|id| order(id)), None),
    }
}

/// Copies an item with everything below it.
pub(crate) fn copy(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    from: &str,
    to: &str,
) -> Result<Reply, ApiError> {
    let tried = format!("copying {from} to {to}");
    let view = View::open(profile, workspace);
    let id = view.resolve(from)?;
    let node = view.node_of(id);
    let top = matches!(node.kind, Kind::Collection | Kind::Environment);
    let target = if top && view.resolve_if_any(to)? == Some(id) {
        Destination { parent: node.position.parent, name: None }
    } else {
        destination(&view, &node.kind, to, &tried)?
    };
    check_place(&view, &node.kind, target.parent, &tried)?;
    let name = target.name.unwrap_or_else(|| free_name(&view, target.parent, &node.kind, &node.name));
    check_free(&view, &node.kind, target.parent, &name, &tried)?;
    let sources: Vec<_> = std::iter::once(id).chain(view.below(id)).collect();
    let last = last_order(&view, target.parent);
    let originals: Vec<_> = sources.iter().map(|id| (*id, view.node_of(*id).clone())).collect();
    let copies: HashMap<_, _> = sources.iter().map(|id| (*id, RecordId::make(profile.rng()))).collect();
    let mut changes = Vec::with_capacity(originals.len());
    let mut local = Vec::new();
    for (source, mut node) in originals {
        if source == id {
            node.position.parent = target.parent;
            node.position.order = OrderKey::between(last.as_ref(), None, profile.rng());
            node.name.clone_from(&name);
        } else if let Some(parent) = copies.get(&node.position.parent) {
            node.position.parent = *parent;
        }
        let mut body = profile.body(workspace, source)?.unwrap_or_default();
        remove_origin(&node.kind, &mut body);
        let values = profile.local_values(workspace, source)?;
        if !values.is_empty() {
            local.push((copies[&source], values));
        }
        changes.push(Change { record: copies[&source], node: Some(node), body: Some(body) });
    }
    commit(profile, workspace, changes, local)?;
    Ok(changed(profile, workspace, &[copies[&id]]))
}

/// A copy is another thing: it does not keep the ids by which a file is recognised.
pub(crate) fn remove_origin(kind: &Kind, body: &mut Body) {
    if *kind == Kind::Collection {
        if let Some(Value::Object(info)) = body.fields.get_mut("info") {
            info.remove("_postman_id");
        }
        return;
    }
    for name in ["_postman_id", "id", "uid"] {
        body.fields.remove(name);
    }
}

/// The name itself, or with " Copy" and a number where a sibling of the kind has it.
pub(crate) fn free_name(view: &View<'_>, parent: RecordId, kind: &Kind, name: &str) -> String {
    let siblings: Vec<_> = view.tree().children(parent).iter().map(|id| view.node_of(*id)).collect();
    let is_taken = |name: &str| siblings.iter().any(|node| node.kind == *kind && node.name == name);
    let numbered = (2..).map(|number| format!("{name} Copy {number}"));
    let names = [name.to_owned(), format!("{name} Copy")].into_iter().chain(numbered);
    names.into_iter().find(|name| !is_taken(name)).expect("there are more numbers than siblings")
}

/// Moves items to the trash.
pub(crate) fn remove(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    paths: &[String],
    bulk: bool,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let mut ids = paths.iter().map(|text| view.resolve(text)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    check_bulk(&view, &ids, bulk)?;
    let trashed = Trashed {
        who: profile.owner().map(|owner| owner.account).unwrap_or_default(),
        when_ms: profile.now_ms(),
    };
    let change = |id: &RecordId| {
        let node = Node { trashed: Some(trashed.clone()), ..view.node_of(*id).clone() };
        Change { record: *id, node: Some(node), body: None }
    };
    let changes = ids.iter().map(change).collect();
    let items = ids.iter().map(|id| view.item(*id)).collect();
    profile.edit(workspace, changes)?;
    Ok(Reply::Changed { items, acknowledged: Acknowledged::Local })
}

/// Many items go only when the person says so.
pub(crate) fn check_bulk(view: &View<'_>, ids: &[RecordId], bulk: bool) -> Result<(), ApiError> {
    let mut gone: Vec<_> = ids.iter().flat_map(|id| std::iter::once(*id).chain(view.below(*id))).collect();
    gone.sort_unstable();
    gone.dedup();
    let (count, all) = (gone.len() as u64, view.count());
    if bulk || !is_bulk(count, all) {
        return Ok(());
    }
    let detail = format!("{count} of {all} items would go");
    Err(ApiError { count, ..failure(ErrorKind::BulkNotMarked, "removing items", detail) })
}
