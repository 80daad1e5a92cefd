//! The tree is always a forest: each item shows exactly once, in the trash or out of it.

use std::collections::{BTreeMap, BTreeSet};

use satchel_model::{Node, RecordId, Tree};

use super::{Checked, View, violation};

/// Looks at the tree that an app shows.
pub(crate) fn check(app: usize, root: RecordId, nodes: &BTreeMap<RecordId, Node>) -> Checked {
    let tree = Tree::build(root, nodes.iter().map(|(id, node)| (*id, node)));
    let mut waiting: Vec<RecordId> = tree.children(root).to_vec();
    waiting.extend(tree.recovered());
    waiting.extend(tree.trashed());
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            return Err(violation("forest", format!("app {app} shows item {id} twice")));
        }
        waiting.extend(tree.children(id));
    }
    match nodes.keys().find(|id| **id != root && !seen.contains(id)) {
        Some(id) => Err(violation("forest", format!("app {app} does not show item {id} at all"))),
        None => Ok(()),
    }
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
