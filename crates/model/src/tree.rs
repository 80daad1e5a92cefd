//! The tree: a pure function of the nodes, the same on every app.
//!
//! Invariants: every item that is not in the trash, nor below something that is, shows exactly once:
//! below its parent, or under "Recovered" if its parent is gone or its parents form a cycle. A cycle is
//! cut above its member with the smallest id. Children are in the order of their keys, ties by id.
//! Building takes O(n log n) and no recursion, so that no depth is too deep.
//!
//! Knows nothing of names and bodies, and of which kind may stand in which.

use crate::by_id::Seed;
use crate::planted::{self, Bug};
use crate::{ById, Node, OrderKey, RecordId};

/// Which items stand where.
#[derive(Debug, Clone)]
pub struct Tree {
    root: RecordId,
    places: ById<RecordId, Place>,
    children: ById<RecordId, Vec<RecordId>>,
    recovered: Vec<RecordId>,
    trashed: Vec<RecordId>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    parent: Option<RecordId>,
    live: bool,
}

/// What an item hangs on, while the tree is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Root,
    Item(usize),
    Nothing,
}

struct Entry<'a> {
    id: RecordId,
    order: &'a OrderKey,
    trashed: bool,
    above: Above,
}

impl Tree {
    /// Builds the tree of a workspace from its nodes; the root is the workspace's own item, whose node
    /// may be missing.
    pub fn build<'a>(root: RecordId, nodes: impl IntoIterator<Item = (RecordId, &'a Node)>) -> Self {
        let mut entries = entries(root, nodes);
        if !planted::is(Bug::CycleNotCut) {
            cut_cycles(&mut entries);
        }
        let mut tree = Self {
            root,
            places: ById::with_capacity_and_hasher(entries.len(), Seed::default()),
            children: ById::default(),
            recovered: Vec::new(),
            trashed: Vec::new(),
        };
        tree.hang(&entries);
        tree.light(&entries);
        tree
    }

    /// The items directly below one, without those in the trash.
    pub fn children(&self, id: RecordId) -> &[RecordId] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// What an item stands below; none for the root, for what hangs under "Recovered", and for an item
    /// that does not exist.
    pub fn parent(&self, id: RecordId) -> Option<RecordId> {
        self.places.get(&id)?.parent
    }

    /// The items that hang under "Recovered".
    pub fn recovered(&self) -> &[RecordId] {
        &self.recovered
    }

    /// The items that were put into the trash themselves; what is below them is in [`Self::children`].
    pub fn trashed(&self) -> &[RecordId] {
        &self.trashed
    }

    /// Whether an item shows: neither it nor anything above it lies in the trash. The root always does.
    pub fn is_live(&self, id: RecordId) -> bool {
        id == self.root || self.places.get(&id).is_some_and(|place| place.live)
    }

    /// Notes children, recovered and trashed items, each in order.
    fn hang(&mut self, entries: &[Entry<'_>]) {
        let mut in_order: Vec<_> = entries.iter().collect();
        in_order.sort_unstable_by(|a, b| (a.order, a.id).cmp(&(b.order, b.id)));
        for entry in in_order {
            let parent = match entry.above {
                Above::Root => Some(self.root),
                Above::Item(at) => Some(entries[at].id),
                Above::Nothing => None,
            };
            self.places.insert(entry.id, Place { parent, live: false });
            match parent {
                _ if entry.trashed => self.trashed.push(entry.id),
                Some(parent) => self.children.entry(parent).or_default().push(entry.id),
                None => self.recovered.push(entry.id),
            }
        }
    }

    /// Marks what shows, from the top down.
    fn light(&mut self, entries: &[Entry<'_>]) {
        let mut waiting = self.recovered.clone();
        waiting.extend(self.children(self.root));
        for _ in 0..entries.len() {
            let Some(id) = waiting.pop() else { break };
            if let Some(place) = self.places.get_mut(&id) {
                place.live = true;
            }
            waiting.extend(self.children.get(&id).into_iter().flatten());
        }
        debug_assert!(waiting.is_empty(), "each item shows once");
    }
}

fn entries<'a>(root: RecordId, nodes: impl IntoIterator<Item = (RecordId, &'a Node)>) -> Vec<Entry<'a>> {
    let mut nodes: Vec<_> = nodes.into_iter().filter(|(id, _)| *id != root).collect();
    nodes.sort_by_key(|(id, _)| *id);
    nodes.dedup_by_key(|(id, _)| *id);
    let index: ById<_, _> = nodes.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
    let entry = |(id, node): &(RecordId, &'a Node)| {
        let above = match index.get(&node.position.parent) {
            _ if node.position.parent == root => Above::Root,
            Some(at) => Above::Item(*at),
            None => Above::Nothing,
        };
        Entry { id: *id, order: &node.position.order, trashed: node.trashed.is_some(), above }
    };
    nodes.iter().map(entry).collect()
}

/// Cuts every cycle above one member: a trashed one if there is any (then nothing of it shows), else
/// the one with the smallest id.
fn cut_cycles(entries: &mut [Entry<'_>]) {
    let mut walked_by = vec![usize::MAX; entries.len()];
    for start in 0..entries.len() {
        let mut at = Above::Item(start);
        while let Above::Item(here) = at {
            if walked_by[here] == start {
                cut(entries, here);
                break;
            }
            if walked_by[here] != usize::MAX {
                break;
            }
            walked_by[here] = start;
            at = entries[here].above;
        }
    }
}

fn cut(entries: &mut [Entry<'_>], member: usize) {
    let key = |at: usize| (!entries[at].trashed, entries[at].id);
    let mut chosen = member;
    let mut at = member;
    while let Above::Item(next) = entries[at].above {
        if key(next) < key(chosen) {
            chosen = next;
        }
        if next == member {
            break;
        }
        at = next;
    }
    entries[chosen].above = Above::Nothing;
}

#[cfg(test)]
mod tests;
