//! What of a file is here already, and what merging the file over it changes.
//!
//! Why it exists: a re-import must find again what the first import made. An item of the file is the
//! one here with the same id of its own (`_postman_id`, `id`), wherever it stands in that collection;
//! else the first one of its kind and name under the matched parent. What the file says wins over
//! what is here; what the file does not name stays, or goes to the trash in a replacing import.

use std::collections::{BTreeMap, HashMap, HashSet};

use satchel_model::format::postman::ImportedItem;
use satchel_model::reconcile::reconcile_body;
use satchel_model::variable::SHARED;
use satchel_model::{Body, Kind, Map, Node, OrderKey, RecordId, Trashed, Value};
use satchel_sync::Change;
use satchel_wire::WorkspaceId;

use crate::api::ApiError;
use crate::ops::import::{Plan, add};
use crate::ops::local::{Whole, is_blank, is_secret, variables, whole_body};
use crate::ops::profile::Profile;
use crate::ops::view::View;

/// A top item of the file with everything below it, parents first, and what it is here.
pub(crate) struct Top {
    pub(crate) items: Vec<ImportedItem>,
    pub(crate) here: Option<RecordId>,
}

impl Top {
    /// The top item itself.
    pub(crate) fn item(&self) -> &ImportedItem {
        &self.items[0]
    }
}

/// Groups the items of a file by their top item and finds the ones that are here already.
pub(crate) fn tops(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    view: &View<'_>,
    items: Vec<ImportedItem>,
) -> Result<Vec<Top>, ApiError> {
    let mut tops: Vec<Top> = Vec::new();
    let mut top_of: HashMap<RecordId, usize> = HashMap::new();
    for imported in items {
        let parent = imported.item.node.position.parent;
        let at = top_of.get(&parent).copied().unwrap_or(tops.len());
        top_of.insert(imported.item.id, at);
        match tops.get_mut(at) {
            Some(top) => top.items.push(imported),
            None => tops.push(Top { items: vec![imported], here: None }),
        }
    }
    let mut free = Vec::new();
    for id in view.tree().children(view.root()) {
        let node = view.node_of(*id);
        let body = profile.body(workspace, *id)?.unwrap_or_default();
        free.push((*id, node, origin(&node.kind, &body)));
    }
    for top in &mut tops {
        if let Some(at) =
            free.iter().position(|(_, node, origin)| is_same_top(top.item(), node, origin.as_deref()))
        {
            top.here = Some(free.remove(at).0);
        }
    }
    Ok(tops)
}

fn is_same_top(imported: &ImportedItem, node: &Node, here: Option<&str>) -> bool {
    let item = &imported.item;
    if item.node.kind != node.kind {
        return false;
    }
    if node.kind == Kind::Globals {
        return true; // a workspace has one set of globals
    }
    match (&imported.origin, here) {
        (Some(origin), Some(here)) => origin == here,
        (None, _) => item.node.name == node.name,
        (Some(_), None) => false,
    }
}

/// The id that an item had in the file it came from.
fn origin(kind: &Kind, body: &Body) -> Option<String> {
    let text = |fields: &Map, name: &str| match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    if *kind == Kind::Collection {
        return match body.fields.get("info") {
            Some(Value::Object(info)) => text(info, "_postman_id"),
            _ => None,
        };
    }
    ["_postman_id", "id", "uid"].into_iter().find_map(|name| text(&body.fields, name))
}

/// One collection, environment or globals here, while a file is merged over it.
struct Merge<'a> {
    view: View<'a>,
    bodies: BTreeMap<RecordId, Whole>,
    here_of: HashMap<RecordId, RecordId>,
    used: HashSet<RecordId>,
}

/// Plans the merge of a top item of the file over the one that is here.
pub(crate) fn merge(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    (top, here): (Top, RecordId),
    replace: bool,
    plan: &mut Plan,
) -> Result<(), ApiError> {
    let merge = Merge::open(profile, workspace, &top.items, here)?;
    let mut nodes = merge.planned_nodes(&top.items);
    let gone = if replace { merge.unnamed(here) } else { Vec::new() };
    let trashed = Trashed {
        who: profile.owner().map(|owner| owner.account).unwrap_or_default(),
        when_ms: profile.now_ms(),
    };
    for id in merge.topmost(&gone) {
        let node = Node { trashed: Some(trashed.clone()), ..merge.view.node_of(id).clone() };
        plan.changes.push(Change { record: id, node: Some(node), body: None });
    }
    plan.trashed += gone.len() as u64;
    let orders = merge.gaps(&top.items, &nodes, here, replace);
    let (here_of, bodies, present) = merge.into_parts();
    for gap in orders {
        let keys = OrderKey::block(gap.after.as_ref(), None, gap.children.len(), profile.rng());
        for (child, order) in gap.children.into_iter().zip(keys) {
            if let Some(node) = nodes.get_mut(&child) {
                node.position.order = order;
            }
        }
    }
    for mut imported in top.items {
        let node = nodes.remove(&imported.item.id).expect("every item of the file has a planned node");
        if let Some(id) = here_of.get(&imported.item.id) {
            update(plan, *id, (&present[id], node), &bodies[id], &imported.item.body);
        } else {
            imported.item.node = node;
            add(plan, imported);
        }
    }
    Ok(())
}

/// The children of one parent that get new places, after what is there.
struct Gap {
    after: Option<OrderKey>,
    children: Vec<RecordId>,
}

type Parts = (HashMap<RecordId, RecordId>, BTreeMap<RecordId, Whole>, HashMap<RecordId, Node>);

impl<'a> Merge<'a> {
    fn open(
        profile: &'a dyn Profile,
        workspace: WorkspaceId,
        items: &[ImportedItem],
        here: RecordId,
    ) -> Result<Self, ApiError> {
        let view = View::open(profile, workspace);
        let mut bodies = BTreeMap::new();
        for id in std::iter::once(here).chain(view.below(here)) {
            bodies.insert(id, whole_body(profile, workspace, id)?);
        }
        let mut merge = Self { view, bodies, here_of: HashMap::new(), used: HashSet::new() };
        merge.pair(items[0].item.id, here);
        merge.pair_by_origin(&items[1..]);
        merge.pair_by_name(&items[1..]);
        Ok(merge)
    }

    fn pair(&mut self, file: RecordId, here: RecordId) {
        self.here_of.insert(file, here);
        self.used.insert(here);
    }

    fn pair_by_origin(&mut self, items: &[ImportedItem]) {
        let mut by_origin: HashMap<(Kind, String), RecordId> = HashMap::new();
        for (id, whole) in &self.bodies {
            let kind = &self.view.node_of(*id).kind;
            if let Some(origin) = origin(kind, &whole.body) {
                by_origin.entry((kind.clone(), origin)).or_insert(*id);
            }
        }
        for imported in items {
            let Some(origin) = imported.origin.clone() else { continue };
            let found = by_origin.get(&(imported.item.node.kind.clone(), origin)).copied();
            if let Some(here) = found.filter(|id| !self.used.contains(id)) {
                self.pair(imported.item.id, here);
            }
        }
    }

    /// Parents come first in a file, so a parent is paired before its children ask for it.
    fn pair_by_name(&mut self, items: &[ImportedItem]) {
        let mut by_name: HashMap<(RecordId, &Kind, &str), Vec<RecordId>> = HashMap::new();
        for parent in self.bodies.keys() {
            for id in self.view.tree().children(*parent).iter().rev() {
                let node = self.view.node_of(*id);
                by_name.entry((*parent, &node.kind, &node.name)).or_default().push(*id);
            }
        }
        for imported in items {
            let node = &imported.item.node;
            let Some(parent) = self.here_of.get(&node.position.parent) else { continue };
            if self.here_of.contains_key(&imported.item.id) {
                continue;
            }
            let Some(same) = by_name.get_mut(&(*parent, &node.kind, node.name.as_str())) else { continue };
            while let Some(here) = same.pop() {
                if self.used.insert(here) {
                    self.here_of.insert(imported.item.id, here);
                    break;
                }
            }
        }
    }

    /// The node of every item of the file as it shall be; places are still to be given.
    fn planned_nodes(&self, items: &[ImportedItem]) -> HashMap<RecordId, Node> {
        let top = items[0].item.id;
        let planned = |imported: &ImportedItem| {
            let file = &imported.item.node;
            let parent = self.here_of.get(&file.position.parent).copied().unwrap_or(file.position.parent);
            let mut node = match self.here_of.get(&imported.item.id) {
                Some(here) => self.view.node_of(*here).clone(),
                None => file.clone(),
            };
            node.name.clone_from(&file.name);
            node.method.clone_from(&file.method);
            if imported.item.id != top {
                node.position.parent = parent;
            }
            (imported.item.id, node)
        };
        items.iter().map(planned).collect()
    }

    /// Where children need new order keys: new or moved ones go to the end; a replacing import puts
    /// all children into the order of the file if they are not in it.
    fn gaps(
        &self,
        items: &[ImportedItem],
        nodes: &HashMap<RecordId, Node>,
        top: RecordId,
        replace: bool,
    ) -> Vec<Gap> {
        let mut by_parent: BTreeMap<RecordId, Vec<RecordId>> = BTreeMap::new();
        for imported in &items[1..] {
            let id = imported.item.id;
            by_parent.entry(nodes[&id].position.parent).or_default().push(id);
        }
        let here: HashSet<_> = std::iter::once(top).chain(self.used.iter().copied()).collect();
        let gaps = by_parent.into_iter().filter(|(parent, _)| here.contains(parent));
        gaps.filter_map(|(parent, children)| self.gap(parent, children, nodes, replace)).collect()
    }

    fn gap(
        &self,
        parent: RecordId,
        children: Vec<RecordId>,
        nodes: &HashMap<RecordId, Node>,
        replace: bool,
    ) -> Option<Gap> {
        let stays = |child: &RecordId| {
            let here = self.here_of.get(child);
            here.is_some_and(|here| self.view.node_of(*here).position.parent == parent)
        };
        let arriving: Vec<_> = children.iter().copied().filter(|child| !stays(child)).collect();
        let place = |id: &RecordId| (nodes[id].position.order.clone(), self.here_of.get(id).copied());
        let in_order = children.iter().all(stays) && children.is_sorted_by_key(place);
        if replace && !in_order {
            return Some(Gap { after: None, children });
        }
        let last = self.view.tree().children(parent).last();
        let after = last.map(|id| self.view.node_of(*id).position.order.clone());
        (!arriving.is_empty()).then_some(Gap { after, children: arriving })
    }

    /// What is here below the top and the file does not name.
    fn unnamed(&self, top: RecordId) -> Vec<RecordId> {
        self.view.below(top).into_iter().filter(|id| !self.used.contains(id)).collect()
    }

    /// Those of some items whose parent is not one of them: trashing these hides the rest.
    fn topmost(&self, items: &[RecordId]) -> Vec<RecordId> {
        let all: HashSet<_> = items.iter().copied().collect();
        items.iter().copied().filter(|id| !all.contains(&self.view.node_of(*id).position.parent)).collect()
    }

    fn into_parts(self) -> Parts {
        let present = self.used.iter().map(|id| (*id, self.view.node_of(*id).clone())).collect();
        (self.here_of, self.bodies, present)
    }
}

/// Plans what changes of an item that is here, if anything does.
fn update(plan: &mut Plan, id: RecordId, (present, node): (&Node, Node), whole: &Whole, imported: &Body) {
    let mut merged = reconcile_body(&whole.body, imported);
    merged.conflicts.clone_from(&whole.body.conflicts);
    keep_secrets(&whole.body, &mut merged);
    let (body, local) = Whole { body: merged, local: whole.local.clone() }.split();
    let (body_here, local_here) = whole.clone().split();
    if local != local_here {
        plan.local.push((id, local));
    }
    let node = (node != *present).then_some(node);
    let body = (body != body_here).then_some(body);
    if node.is_some() || body.is_some() {
        plan.changes.push(Change { record: id, node, body });
        plan.changed += 1;
    }
}

/// A file without the value of a secret does not take it away, and no file says whether it is shared.
fn keep_secrets(here: &Body, merged: &mut Body) {
    let here = variables(here);
    for name in ["values", "variable"] {
        let Some(Value::List(list)) = merged.fields.get_mut(name) else { continue };
        for (id, element) in &mut list.elements {
            let known = here.get(id).and_then(|known| known.as_object());
            let secret = is_secret(&element.value);
            let Value::Object(variable) = &mut element.value else { continue };
            match known.and_then(|known| known.get(SHARED)) {
                Some(mark) => drop(variable.insert(SHARED.to_owned(), mark.clone())),
                None => drop(variable.remove(SHARED)),
            }
            if secret
                && variable.get("value").is_none_or(is_blank)
                && let Some(value) = known.and_then(|known| known.get("value"))
            {
                variable.insert("value".to_owned(), value.clone());
            }
        }
    }
}
