//! The tree over small cases written as text, and over states that only a hostile app can make.

use std::collections::BTreeMap;

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use super::Tree;
use crate::{Conflicts, Kind, Map, Node, OrderKey, Position, RecordId, Trashed};

const ROOT: RecordId = RecordId([0xff; 16]);

fn id(number: u32) -> RecordId {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    RecordId(bytes)
}

fn node(parent: RecordId, order: &str, trashed: bool) -> Node {
    Node {
        kind: Kind::Folder,
        position: Position { parent, order: OrderKey::parse(order).expect("the test's key is right") },
        name: String::new(),
        method: None,
        trashed: trashed.then(|| Trashed { who: String::new(), when_ms: 0 }),
        conflicts: Conflicts::new(),
        extra: Map::new(),
    }
}

fn tree(nodes: &BTreeMap<RecordId, Node>) -> Tree {
    Tree::build(ROOT, nodes.iter().map(|(id, node)| (*id, node)))
}

fn named(name: &str) -> RecordId {
    if name == "root" { ROOT } else { RecordId([name.as_bytes()[0]; 16]) }
}

fn shown(tree: &Tree, ids: &[RecordId]) -> String {
    let one = |id: &RecordId| {
        let below = shown(tree, tree.children(*id));
        let name = char::from(id.0[0]);
        if below.is_empty() { name.to_string() } else { format!("{name}({below})") }
    };
    ids.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Nodes as `name:parent:order`, `!` behind for the trash; shows `tree | recovered | trashed`.
fn check(nodes: &str, expected: &str) {
    let parse = |text: &str| {
        let trashed = text.ends_with('!');
        let parts: Vec<_> = text.trim_end_matches('!').split(':').collect();
        (named(parts[0]), node(named(parts[1]), parts[2], trashed))
    };
    let nodes: BTreeMap<_, _> = nodes.split_whitespace().map(parse).collect();
    let tree = tree(&nodes);
    let parts = [tree.children(ROOT), tree.recovered(), tree.trashed()].map(|ids| shown(&tree, ids));
    assert_eq!(parts.join(" | "), expected);
}

#[test]
fn children_stand_in_order_and_ties_go_by_id() {
    check("a:root:V b:root:W c:a:Y d:a:X e:a:X", "a(d e c) b |  | ");
}

#[test]
fn an_item_whose_parent_is_gone_is_recovered_with_what_is_below() {
    check("a:root:V b:z:V c:b:V", "a | b(c) | ");
}

#[test]
fn a_cycle_is_cut_above_its_smallest_member() {
    check("a:root:V c:d:V d:b:V b:c:V e:d:V", "a | b(d(c e)) | ");
    check("a:a:V", " | a | ");
}

#[test]
fn what_lies_in_the_trash_does_not_show() {
    check("a:root:V! b:a:V c:root:W", "c |  | a(b)");
    check("a:b:V! b:a:V", " |  | a(b)");
    check("a:z:V!", " |  | a");
}

#[test]
fn below_the_trash_nothing_is_live() {
    let nodes = BTreeMap::from([
        (id(1), node(ROOT, "V", true)),
        (id(2), node(id(1), "V", false)),
        (id(3), node(id(9), "V", false)),
    ]);
    let tree = tree(&nodes);
    assert!(!tree.is_live(id(1)) && !tree.is_live(id(2)) && !tree.is_live(id(9)));
    assert!(tree.is_live(id(3)) && tree.is_live(ROOT));
    assert_eq!((tree.parent(id(2)), tree.parent(id(3)), tree.parent(ROOT)), (Some(id(1)), None, None));
}

#[test]
fn a_chain_of_a_hundred_thousand_needs_no_stack() {
    let chain = |at: u32| node(if at == 0 { ROOT } else { id(at - 1) }, "V", false);
    let nodes: BTreeMap<_, _> = (0..100_000).map(|at| (id(at), chain(at))).collect();
    assert!(tree(&nodes).is_live(id(99_999)));
}

fn any_nodes() -> impl Strategy<Value = BTreeMap<RecordId, Node>> {
    let order = prop::sample::select(vec!["V", "W"]);
    let one = (0_u32..12, order, prop::bool::weighted(0.1)).prop_map(|(parent, order, trashed)| {
        node(if parent == 11 { ROOT } else { id(parent) }, order, trashed)
    });
    prop::collection::btree_map((0_u32..10).prop_map(id), one, 0..10)
}

proptest! {
    #[test]
    fn every_item_shows_once_or_lies_in_or_below_the_trash(nodes in any_nodes()) {
        let tree = tree(&nodes);
        let mut waiting: Vec<_> = tree.children(ROOT).iter().chain(tree.recovered()).copied().collect();
        let mut found = Vec::new();
        while let Some(id) = waiting.pop() {
            prop_assert!(tree.is_live(id) && nodes[&id].trashed.is_none());
            found.push(id);
            prop_assert!(found.len() <= nodes.len());
            waiting.extend(tree.children(id));
        }
        found.sort_unstable();
        let live: Vec<_> = nodes.keys().copied().filter(|id| tree.is_live(*id)).collect();
        prop_assert_eq!(&found, &live);
        for id in nodes.keys().filter(|id| !tree.is_live(**id)) {
            let above = std::iter::successors(Some(*id), |id| tree.parent(*id));
            prop_assert!(above.take(nodes.len() + 1).any(|id| nodes.get(&id).is_some_and(|node| node.trashed.is_some())));
        }
    }

    #[test]
    fn the_order_in_which_nodes_come_does_not_matter(nodes in any_nodes(), seed in any::<usize>()) {
        let mut shuffled: Vec<_> = nodes.iter().map(|(id, node)| (*id, node)).collect();
        let len = shuffled.len().max(1);
        shuffled.rotate_left(seed % len);
        shuffled.reverse();
        let (one, two) = (tree(&nodes), Tree::build(ROOT, shuffled));
        prop_assert_eq!(one.recovered(), two.recovered());
        prop_assert_eq!(one.trashed(), two.trashed());
        for id in nodes.keys().chain([&ROOT]) {
            prop_assert_eq!(one.children(*id), two.children(*id));
            prop_assert_eq!(one.parent(*id), two.parent(*id));
        }
    }
}
