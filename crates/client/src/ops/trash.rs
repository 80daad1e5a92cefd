//! The trash: what lies there, taking it out, and emptying it.
//!
//! Why it exists: to trash is one edit of one node, and so is taking it out again; what lies below an
//! item goes and comes with it. Only emptying takes things away for good: it names every item that
//! goes, the lowest first, so that nothing hangs in the air on the way, and never one that shows.

use std::collections::{BTreeMap, HashSet};

use satchel_model::{Node, RecordId, path};
use satchel_sync::{BulkMark, Change, is_bulk};
use satchel_wire::WorkspaceId;

use crate::api::{Acknowledged, ApiError, ErrorKind, Reply, TrashView};
use crate::ops::edit::changed;
use crate::ops::error::{ambiguous, failure, invalid, not_found};
use crate::ops::profile::{LocalValues, Profile};
use crate::ops::view::View;

/// What lies in the trash, the latest first.
pub(crate) fn list(profile: &dyn Profile, workspace: WorkspaceId) -> Reply {
    let view = View::open(profile, workspace);
    let children = children(profile, workspace);
    let mut items: Vec<_> =
        view.tree().trashed().iter().filter_map(|id| shown(profile, &view, &children, *id)).collect();
    items.sort_by(|a, b| b.when.cmp(&a.when).then_with(|| a.item.path.cmp(&b.item.path)));
    Reply::Trash { items }
}

fn shown(profile: &dyn Profile, view: &View<'_>, children: &Children, id: RecordId) -> Option<TrashView> {
    let trashed = view.node(id)?.trashed.as_ref()?;
    let below = lowest_first(view, children, &[id]).len() as u64 - 1;
    Some(TrashView { item: view.item(id), who: who(profile, &trashed.who), when: trashed.when_ms, below })
}

/// An account as people know it.
pub(crate) fn who(profile: &dyn Profile, account: &str) -> String {
    let owner = profile.owner().filter(|owner| owner.account == account);
    owner.map_or_else(|| account.to_owned(), |owner| owner.email)
}

/// Takes items out of the trash, each to where it was.
pub(crate) fn restore(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    items: &[String],
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let mut ids = Vec::new();
    for text in items {
        let id = resolve(&view, text)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let changes = ids.iter().map(|id| taken_out(&view, *id)).collect::<Result<Vec<_>, _>>()?;
    drop(view);
    profile.edit(workspace, changes)?;
    Ok(changed(profile, workspace, &ids))
}

/// The same for one item; none if it does not lie in the trash.
pub(crate) fn restore_if_there(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    text: &str,
) -> Option<Result<Reply, ApiError>> {
    let view = View::open(profile, workspace);
    if !matches!(view.resolve_if_any(text), Ok(None)) || matches!(resolve_if_any(&view, text), Ok(None)) {
        return None;
    }
    drop(view);
    Some(restore(profile, workspace, &[text.to_owned()]))
}

fn taken_out(view: &View<'_>, id: RecordId) -> Result<Change, ApiError> {
    let node = Node { trashed: None, ..view.node_of(id).clone() };
    check_place(view, id, node.position.parent, &format!("restoring {}", view.path(id)))?;
    Ok(Change { record: id, node: Some(node), body: None })
}

/// Whether an item under this parent would show. A parent that is gone is no hindrance: the item shows
/// under "Recovered", from where it can be moved.
pub(crate) fn check_place(
    view: &View<'_>,
    id: RecordId,
    parent: RecordId,
    tried: &str,
) -> Result<(), ApiError> {
    if parent == view.root() || view.node(parent).is_none() {
        return Ok(());
    }
    if parent == id || view.below(id).contains(&parent) {
        return Err(invalid(tried, "it would stand in itself"));
    }
    if view.is_live(parent) {
        return Ok(());
    }
    let place = view.path(parent);
    Err(invalid(tried, format!("{place}, which it stands in, lies in the trash: restore that first")))
}

/// Purges what lies in the trash, with everything below.
pub(crate) fn empty(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    items: &[String],
    bulk: bool,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let chosen = if items.is_empty() {
        view.tree().trashed().to_vec()
    } else {
        items.iter().map(|text| resolve(&view, text)).collect::<Result<Vec<_>, _>>()?
    };
    let gone = lowest_first(&view, &children(profile, workspace), &chosen);
    let (count, all) = (gone.len() as u64, profile.nodes(workspace).map_or(0, BTreeMap::len) as u64);
    if !bulk && is_bulk(count, all) {
        let detail = format!("{count} of {all} items would go for good");
        return Err(ApiError { count, ..failure(ErrorKind::BulkNotMarked, "emptying the trash", detail) });
    }
    drop(view);
    if !gone.is_empty() {
        let mark = if bulk { BulkMark::Marked } else { BulkMark::Unmarked };
        profile.purge(workspace, &gone, mark)?;
        gone.iter().try_for_each(|id| profile.set_local_values(workspace, *id, &LocalValues::new()))?;
    }
    Ok(Reply::Purged { items: count, acknowledged: Acknowledged::Local })
}

/// The item in the trash that a path, a name or an id means.
pub(crate) fn resolve(view: &View<'_>, text: &str) -> Result<RecordId, ApiError> {
    match resolve_if_any(view, text)? {
        Some(id) => Ok(id),
        None => Err(not_found(format!("looking for {text} in the trash"), why_not_there(view, text))),
    }
}

fn why_not_there(view: &View<'_>, text: &str) -> String {
    let id = view.find_id(text).or_else(|| view.resolve_if_any(text).ok().flatten());
    match id {
        Some(id) if view.is_live(id) => format!("{} is not in the trash", view.path(id)),
        Some(id) => format!("it lies below an item in the trash ({}): name that one", view.path(id)),
        None => "nothing in the trash has that path, name or id".to_owned(),
    }
}

/// The same; none if there is none.
pub(crate) fn resolve_if_any(view: &View<'_>, text: &str) -> Result<Option<RecordId>, ApiError> {
    let trashed = view.tree().trashed();
    if let Some(id) = view.find_id(text).filter(|id| trashed.contains(id)) {
        return Ok(Some(id));
    }
    let names = path::parse(text);
    let wanted = path::format(&names);
    let by_path: Vec<_> = trashed.iter().copied().filter(|id| view.path(*id) == wanted).collect();
    let is_named = |id: &RecordId| names.len() == 1 && view.node_of(*id).name == names[0];
    let found = if by_path.is_empty() { trashed.iter().copied().filter(is_named).collect() } else { by_path };
    match found.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        several => {
            let candidates = several.iter().map(|id| view.candidate(*id)).collect();
            Err(ambiguous(format!("looking for {text} in the trash"), candidates))
        }
    }
}

/// Who stands directly below whom, by the nodes alone: the tree leaves out what is trashed itself.
type Children = BTreeMap<RecordId, Vec<RecordId>>;

fn children(profile: &dyn Profile, workspace: WorkspaceId) -> Children {
    let mut children = Children::new();
    for (id, node) in profile.nodes(workspace).into_iter().flatten() {
        children.entry(node.position.parent).or_default().push(*id);
    }
    children
}

/// Items with everything below them, each once, the lowest first; never one that shows.
fn lowest_first(view: &View<'_>, children: &Children, items: &[RecordId]) -> Vec<RecordId> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut waiting = items.to_vec();
    while let Some(id) = waiting.pop() {
        if id == view.root() || view.is_live(id) || !seen.insert(id) {
            continue;
        }
        found.push(id);
        waiting.extend(children.get(&id).into_iter().flatten());
    }
    found.reverse(); // a parent is found before what is below it
    found
}
