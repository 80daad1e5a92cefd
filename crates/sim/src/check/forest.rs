//! The tree is always a forest: each item shows exactly once, in the trash or out of it.

use std::collections::{BTreeMap, HashSet};

use satchel_model::{Node, RecordId, Tree};

use super::{Checked, View, violation};

/// Looks at the tree that an app shows: the one that it keeps, which must be that of its nodes.
pub(crate) fn check(app: usize, root: RecordId, nodes: &BTreeMap<RecordId, Node>, tree: &Tree) -> Checked {
    let mut waiting: Vec<RecordId> = tree.children(root).to_vec();
    waiting.extend(tree.recovered());
    waiting.extend(tree.trashed());
    let mut seen = HashSet::with_capacity(nodes.len());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            return Err(violation("forest", format!("app {app} shows item {id} twice")));
        }
        let below = tree.children(id);
        let strays = |child: &&RecordId| nodes.get(*child).is_none_or(|node| node.position.parent != id);
        if let Some(child) = below.iter().find(strays) {
            return Err(violation(
                "forest",
                format!("app {app} shows item {child} below {id}, not in its place"),
            ));
        }
        waiting.extend(below);
    }
    match nodes.keys().find(|id| **id != root && !seen.contains(id)) {
        Some(id) => Err(violation("forest", format!("app {app} does not show item {id} at all"))),
        None => Ok(()),
    }
}

/// A cycle would be cut: honest apps commit none, so one is made of what is there.
pub(crate) fn check_tangled(root: RecordId, view: &View) -> Checked {
    let mut nodes: BTreeMap<_, _> = view.iter().map(|(id, (node, _))| (*id, node.clone())).collect();
    let pairs = nodes.iter().map(|(id, node)| (*id, node.position.parent));
    let is_pair =
        |(id, parent): &(RecordId, RecordId)| *id != root && *parent != root && nodes.contains_key(parent);
    let pair = pairs.into_iter().find(is_pair);
    let Some((child, parent)) = pair else { return Ok(()) };
    if let Some(node) = nodes.get_mut(&parent) {
        node.position.parent = child;
    }
    let tree = Tree::build(root, nodes.iter().map(|(id, node)| (*id, node)));
    check(0, root, &nodes, &tree)
}

/// Honest apps have not committed a cycle.
pub(crate) fn check_parents(root: RecordId, view: &View) -> Checked {
    for start in view.keys().filter(|id| **id != root) {
        let mut at = *start;
        for _ in 0..view.len() {
            let Some((node, _)) = view.get(&at) else { break };
            at = node.position.parent;
            if at == root {
                break;
            }
            if at == *start {
                return Err(violation(
                    "forest",
                    format!("honest apps have committed a cycle through {start}"),
                ));
            }
        }
    }
    Ok(())
}
