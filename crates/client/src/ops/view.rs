//! A workspace as a person sees it: its tree, the path of every item, and items by path.
//!
//! Why it exists: every call names items by path or id and answers with [`ItemView`]s. A view is
//! built from nodes alone, so that listing ten thousand requests reads no body; it borrows the
//! profile, so a call reads through a view, drops it, and then edits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use satchel_model::path::{self, RECOVERED};
use satchel_model::{Kind, Node, RecordId, Tree};
use satchel_wire::WorkspaceId;

use crate::api::{ApiError, ErrorKind, ItemView, Reply};
use crate::ops::error::{ambiguous, not_found};
use crate::ops::profile::Profile;
use crate::ops::select;

/// The items directly below a path, or the whole subtree.
pub(crate) fn list(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    path: Option<&str>,
    tree: bool,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let below = match path.filter(|path| !path.is_empty()) {
        None => None,
        Some(path) => match view.resolve(path) {
            Ok(id) => Some(id),
            Err(error) if error.kind == ErrorKind::NotFound && path == RECOVERED => {
                return Ok(Reply::Items { items: view.list_recovered_alone(tree) });
            }
            Err(error) => return Err(error),
        },
    };
    Ok(Reply::Items { items: if tree { view.list_tree(below) } else { view.list(below) } })
}

/// Some items as they are now; what is no id names nothing that shows.
pub(crate) fn look(profile: &dyn Profile, workspace: WorkspaceId, ids: &[String]) -> Reply {
    let view = View::open(profile, workspace);
    let (mut items, mut removed) = (Vec::new(), Vec::new());
    for text in ids {
        match path::parse_id(text) {
            Some(id) if id == view.root() => {}
            Some(id) if view.is_live(id) => items.push(view.item(id)),
            _ => removed.push(text.clone()),
        }
    }
    Reply::Looked { items, removed }
}

/// A longer path is not written out: a hostile tree nests so deep that all paths together fill the memory.
const PATH_BYTES_MAX: usize = 16 * 1024;

/// The tree of one workspace with what shows of its items.
pub(crate) struct View<'a> {
    profile: &'a dyn Profile,
    workspace: WorkspaceId,
    nodes: Option<&'a BTreeMap<RecordId, Node>>,
    tree: Arc<Tree>,
    recovered: HashSet<RecordId>,
    conflicts: HashMap<RecordId, u64>,
}

/// Where a walk is: an item, its depth, and its path.
struct Step<'a> {
    id: RecordId,
    node: &'a Node,
    depth: usize,
    path: String,
}

impl<'a> View<'a> {
    pub(crate) fn open(profile: &'a dyn Profile, workspace: WorkspaceId) -> Self {
        let nodes = profile.nodes(workspace);
        let tree = profile.tree(workspace);
        let mut conflicts = HashMap::new();
        for (record, _, count) in profile.conflicts(workspace) {
            *conflicts.entry(record).or_default() += u64::from(count);
        }
        let recovered = tree.recovered().iter().copied().collect();
        Self { profile, workspace, nodes, tree, recovered, conflicts }
    }

    pub(crate) fn root(&self) -> RecordId {
        select::root(self.workspace)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn node(&self, id: RecordId) -> Option<&'a Node> {
        self.nodes?.get(&id)
    }

    /// The node of an item that the tree names.
    pub(crate) fn node_of(&self, id: RecordId) -> &'a Node {
        self.node(id).expect("the tree names only items that have a node")
    }

    /// The items that are not in the trash, the workspace's own item aside.
    pub(crate) fn count(&self) -> u64 {
        self.live().len() as u64
    }

    /// The items in the trash, alone or under one that is.
    pub(crate) fn count_trashed(&self) -> u64 {
        let items = self.nodes.map_or(0, BTreeMap::len) as u64;
        let own = u64::from(self.node(self.root()).is_some());
        items.saturating_sub(own).saturating_sub(self.count())
    }

    /// Every item that is not in the trash, in the order of the tree, "Recovered" last.
    pub(crate) fn live(&self) -> Vec<RecordId> {
        let mut all = self.below(self.root());
        for id in self.tree.recovered() {
            all.push(*id);
            all.extend(self.below(*id));
        }
        all
    }

    /// Everything below an item, depth first, without the item.
    pub(crate) fn below(&self, id: RecordId) -> Vec<RecordId> {
        let mut found = Vec::new();
        let mut waiting: Vec<_> = self.tree.children(id).iter().rev().copied().collect();
        while let Some(id) = waiting.pop() {
            found.push(id);
            waiting.extend(self.tree.children(id).iter().rev());
        }
        found
    }

    /// Whether an item shows in the tree or under "Recovered".
    pub(crate) fn is_live(&self, id: RecordId) -> bool {
        self.node(id).is_some() && id != self.root() && self.tree.is_live(id)
    }

    /// The items directly below, or at the top of the workspace; "Recovered" last, where it is not empty.
    pub(crate) fn list(&self, below: Option<RecordId>) -> Vec<ItemView> {
        let base = below.map(|id| self.path(id)).unwrap_or_default();
        let children = self.tree.children(below.unwrap_or_else(|| self.root())).iter();
        let mut items: Vec<_> = children.map(|id| self.step_item(self.first_step(&base, *id))).collect();
        if below.is_none() && !self.tree.recovered().is_empty() {
            items.push(recovered_item());
        }
        items
    }

    /// The whole subtree, depth first; of the workspace with "Recovered".
    pub(crate) fn list_tree(&self, below: Option<RecordId>) -> Vec<ItemView> {
        let base = below.map(|id| self.path(id)).unwrap_or_default();
        let mut items = Vec::new();
        let children = self.tree.children(below.unwrap_or_else(|| self.root()));
        self.walk(children.iter().map(|id| self.first_step(&base, *id)).collect(), &mut items);
        if below.is_none() && !self.tree.recovered().is_empty() {
            items.push(recovered_item());
            self.list_recovered(1, &mut items);
        }
        items
    }

    /// What hangs under "Recovered", with everything below.
    fn list_recovered(&self, depth: usize, items: &mut Vec<ItemView>) {
        let steps = self.tree.recovered().iter().map(|id| Step { depth, ..self.first_step(RECOVERED, *id) });
        self.walk(steps.collect(), items);
    }

    fn list_recovered_alone(&self, tree: bool) -> Vec<ItemView> {
        let mut items = Vec::new();
        self.list_recovered(0, &mut items);
        items.retain(|item| tree || item.depth == 0);
        items
    }

    fn first_step(&self, base: &str, id: RecordId) -> Step<'a> {
        self.step(base, 0, id)
    }

    fn step(&self, base: &str, depth: usize, id: RecordId) -> Step<'a> {
        let node = self.node_of(id);
        Step { id, node, depth, path: child_path(base, id, &node.name) }
    }

    fn walk(&self, mut waiting: Vec<Step<'a>>, items: &mut Vec<ItemView>) {
        waiting.reverse();
        while let Some(step) = waiting.pop() {
            for child in self.tree.children(step.id).iter().rev() {
                waiting.push(self.step(&step.path, step.depth + 1, *child));
            }
            items.push(self.step_item(step));
        }
    }

    fn step_item(&self, step: Step) -> ItemView {
        let Step { id, node, depth, path } = step;
        ItemView {
            id: id.to_string(),
            kind: kind_word(&node.kind).to_owned(),
            name: node.name.clone(),
            method: node.method.clone(),
            path,
            depth,
            conflicts: self.conflicts.get(&id).copied().unwrap_or(0),
            waiting: self.profile.is_waiting(self.workspace, id),
        }
    }

    /// One item as replies show it.
    pub(crate) fn item(&self, id: RecordId) -> ItemView {
        self.step_item(Step { id, node: self.node_of(id), depth: 0, path: self.path(id) })
    }

    /// The path of an item.
    pub(crate) fn path(&self, id: RecordId) -> String {
        let mut names = Vec::new();
        let mut at = Some(id);
        while let Some(id) = at.filter(|id| *id != self.root()) {
            names.push(self.node(id).map_or("", |node| node.name.as_str()));
            if self.recovered.contains(&id) {
                names.push(RECOVERED);
                break;
            }
            at = self.tree.parent(id);
        }
        if names.iter().map(|name| name.len() + 1).sum::<usize>() > PATH_BYTES_MAX {
            return id.to_string();
        }
        names.reverse();
        path::format(&names)
    }

    /// The one item that a path or an id names.
    pub(crate) fn resolve(&self, text: &str) -> Result<RecordId, ApiError> {
        let tried = format!("opening {text}");
        if let Some(id) = self.find_id(text) {
            if self.is_live(id) {
                return Ok(id);
            }
            return Err(not_found(tried, "that item lies in the trash"));
        }
        let segments = path::parse(text);
        let found = self.preferred(self.find(&segments));
        match found.as_slice() {
            [id] => Ok(*id),
            [] => Err(not_found(tried, self.why_not_found(&segments))),
            several => Err(ambiguous(tried, several.iter().map(|id| self.candidate(*id)).collect())),
        }
    }

    /// The one item that a path or an id names, or none if there is none.
    pub(crate) fn resolve_if_any(&self, text: &str) -> Result<Option<RecordId>, ApiError> {
        match self.resolve(text) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An item in a list of candidates: path and id.
    pub(crate) fn candidate(&self, id: RecordId) -> String {
        format!("{} ({id})", self.path(id))
    }

    /// The item whose id a text is, trashed or not.
    pub(crate) fn find_id(&self, text: &str) -> Option<RecordId> {
        let id = path::parse_id(text)?;
        (id != self.root()).then_some(id).filter(|id| self.node(*id).is_some())
    }

    /// Every item that the names lead to.
    pub(crate) fn find(&self, segments: &[String]) -> Vec<RecordId> {
        let Some((first, rest)) = segments.split_first() else { return Vec::new() };
        let tops = self.named(self.tree.children(self.root()), first);
        let mut found = self.descend(tops, rest);
        if first == RECOVERED
            && let Some((second, rest)) = rest.split_first()
        {
            found.extend(self.descend(self.named(self.tree.recovered(), second), rest));
        }
        found
    }

    fn descend(&self, mut found: Vec<RecordId>, segments: &[String]) -> Vec<RecordId> {
        for segment in segments {
            found = found.iter().flat_map(|id| self.named(self.tree.children(*id), segment)).collect();
        }
        found
    }

    fn named(&self, ids: &[RecordId], name: &str) -> Vec<RecordId> {
        ids.iter().copied().filter(|id| self.node_of(*id).name == name).collect()
    }

    /// A collection and an environment may share a name: then the path means the collection, and the
    /// environment goes by its id or through the calls on environments.
    fn preferred(&self, found: Vec<RecordId>) -> Vec<RecordId> {
        let is_variables = |id: &RecordId| is_variables(&self.node_of(*id).kind);
        let others: Vec<_> = found.iter().copied().filter(|id| !is_variables(id)).collect();
        if others.len() == 1 { others } else { found }
    }

    fn why_not_found(&self, segments: &[String]) -> String {
        let known = (1..segments.len()).rev().find(|len| !self.find(&segments[..*len]).is_empty());
        match known {
            Some(len) => format!("{} has no {}", path::format(&segments[..len]), segments[len]),
            None => "there is no item with that path or id in this workspace".to_owned(),
        }
    }
}

/// The kind, as replies write it.
pub(crate) fn kind_word(kind: &Kind) -> &str {
    match kind {
        Kind::Workspace => "workspace",
        Kind::Collection => "collection",
        Kind::Folder => "folder",
        Kind::Request => "request",
        Kind::Example => "example",
        Kind::Environment => "environment",
        Kind::Globals => "globals",
        Kind::Unknown(word) => word,
    }
}

/// Whether items of a kind hold variables and nothing else.
pub(crate) fn is_variables(kind: &Kind) -> bool {
    matches!(kind, Kind::Environment | Kind::Globals)
}

/// The path of a child; the id stands for a path that is too long, and everything below it.
fn child_path(base: &str, id: RecordId, name: &str) -> String {
    let is_too_long = base.len() > PATH_BYTES_MAX || path::parse_id(base).is_some();
    if is_too_long { id.to_string() } else { path::join(base, name) }
}

fn recovered_item() -> ItemView {
    ItemView {
        id: String::new(),
        kind: "recovered".to_owned(),
        name: RECOVERED.to_owned(),
        method: None,
        path: RECOVERED.to_owned(),
        depth: 0,
        conflicts: 0,
        waiting: false,
    }
}
