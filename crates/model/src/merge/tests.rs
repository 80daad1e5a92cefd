//! The laws of merge, over small documents in which the sides meet often.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use super::{Authorship, CONFLICTS_NEW_MAX, keep_over_trash, merge_body, merge_node};
use crate::format::payload::value_from_json;
use crate::{
    Body, Conflict, ConflictId, Conflicts, Element, ElementId, Kind, List, Map, Node, OrderKey, Position,
    RecordId, Trashed, Value,
};

fn by(who: &str) -> Authorship {
    Authorship { who: who.to_owned(), when_ms: 7 }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn any_leaf() -> impl Strategy<Value = Value> {
    let texts = ["", "x", "y", "a\nb\nc", "A\nb\nc", "a\nb\nC", "a\nb\nc\nd"];
    let lines = |lines: &[&str]| Value::Array(lines.iter().map(|line| text(line)).collect());
    let arrays = [lines(&["a", "b", "c"]), lines(&["a", "b", "C"]), lines(&["0", "a", "b", "c"]), lines(&[])];
    let plain = [Value::Null, Value::Bool(true), Value::Number(1.into())];
    prop::sample::select(texts.map(text).into_iter().chain(arrays).chain(plain).collect::<Vec<_>>())
}

fn any_order() -> impl Strategy<Value = OrderKey> {
    let key = |text: &str| OrderKey::parse(text).expect("the test's key is right");
    prop::sample::select(["V", "W", "X", "Y"].map(key).to_vec())
}

/// An element whose content names its id, so that no other element looks like it.
fn any_list(value: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = List> {
    let element = (any_order(), value);
    prop::collection::btree_map(1_u64..5, element, 0..4).prop_map(|elements| {
        let element = |(id, (order, value)): (u64, (OrderKey, Value))| {
            let fields = [("key".to_owned(), text(&format!("k{id}"))), ("value".to_owned(), value)];
            (ElementId(id), Element { order, value: Value::Object(Map::from(fields)) })
        };
        List { elements: elements.into_iter().map(element).collect() }
    })
}

fn any_map(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map> {
    prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c", "d"]), value, 0..4)
        .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn any_value() -> BoxedStrategy<Value> {
    let inner = any_leaf().boxed().prop_union(any_map(any_leaf()).prop_map(Value::Object).boxed());
    let list = any_list(inner.clone()).prop_map(Value::List).boxed();
    let map = any_map(inner.clone()).prop_map(Value::Object).boxed();
    inner.or(list).or(map).boxed()
}

fn any_conflicts() -> impl Strategy<Value = Conflicts> {
    let conflict = |when_ms| Conflict {
        path: vec!["a".to_owned()],
        base: None,
        local: Some(text("x")),
        server: Some(text("y")),
        who: "someone".to_owned(),
        when_ms,
    };
    prop::collection::btree_map(prop::sample::select(vec!["c1", "c2"]), 1_u64..3, 0..3).prop_map(
        move |found| {
            found.into_iter().map(|(id, when_ms)| (ConflictId(id.to_owned()), conflict(when_ms))).collect()
        },
    )
}

fn any_body() -> impl Strategy<Value = Body> {
    (any_map(any_value()), any_conflicts()).prop_map(|(fields, conflicts)| Body { fields, conflicts })
}

/// A body that shares some fields with another.
fn edit_of(base: Body) -> impl Strategy<Value = Body> {
    let keep = prop::collection::vec(any::<bool>(), 4);
    (any_body(), keep, any::<bool>()).prop_map(move |(mut other, keep, keep_conflicts)| {
        for (name, keep) in ["a", "b", "c", "d"].into_iter().zip(keep) {
            if keep {
                other.fields.remove(name);
                other.fields.extend(base.fields.get(name).map(|value| (name.to_owned(), value.clone())));
            }
        }
        if keep_conflicts {
            other.conflicts = base.conflicts.clone();
        }
        other
    })
}

fn any_three() -> impl Strategy<Value = (Body, Body, Body)> {
    any_body().prop_flat_map(|base| (Just(base.clone()), edit_of(base.clone()), edit_of(base)))
}

fn any_node() -> impl Strategy<Value = Node> {
    let parent = prop::sample::select(vec![RecordId([1; 16]), RecordId([2; 16])]);
    let name = prop::sample::select(vec!["Get cart", "Get basket", "a\nb"]);
    let method = prop::sample::select(vec![None, Some("GET"), Some("POST")]);
    let kind = prop::sample::select(vec![Kind::Request, Kind::Unknown("flow".to_owned())]);
    let trashed = prop::option::of((1_u64..3).prop_map(|when_ms| Trashed { who: "me".to_owned(), when_ms }));
    (kind, parent, any_order(), name, method, trashed, any_conflicts(), any_map(any_leaf())).prop_map(
        |(kind, parent, order, name, method, trashed, conflicts, extra)| Node {
            kind,
            position: Position { parent, order },
            name: name.to_owned(),
            method: method.map(str::to_owned),
            trashed,
            conflicts,
            extra,
        },
    )
}

/// Every plain value with its path, texts that merge by line aside.
fn leaves(value: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Value)>) {
    let mut below = |name: String, value: &Value| {
        path.push(name);
        leaves(value, path, found);
        path.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| below(name.clone(), value)),
        Value::List(list) => {
            list.elements.iter().for_each(|(id, element)| below(id.to_string(), &element.value));
        }
        Value::Array(_) => {}
        Value::String(text) if text.contains('\n') => {}
        value => found.push((path.clone(), value.clone())),
    }
}

type Side = fn(&Conflict) -> &Option<Value>;

fn is_kept(merged: &Body, path: &[String], leaf: &Value, side: Side) -> bool {
    let in_conflict = |conflict: &Conflict| {
        path.strip_prefix(conflict.path.as_slice())
            .is_some_and(|rest| side(conflict).as_ref().and_then(|value| value.get(rest)) == Some(leaf))
    };
    Value::Object(merged.fields.clone()).get(path) == Some(leaf) || merged.conflicts.values().any(in_conflict)
}

/// Without who and when, which are for people.
fn timeless(conflicts: &Conflicts) -> Conflicts {
    let strip = |conflict: &Conflict| Conflict { who: String::new(), when_ms: 0, ..conflict.clone() };
    conflicts.iter().map(|(id, conflict)| (id.clone(), strip(conflict))).collect()
}

fn timeless_body(body: &Body) -> Body {
    Body { fields: body.fields.clone(), conflicts: timeless(&body.conflicts) }
}

fn timeless_node(node: &Node) -> Node {
    let trashed = node.trashed.as_ref().map(|_| Trashed { who: String::new(), when_ms: 0 });
    Node { trashed, conflicts: timeless(&node.conflicts), ..node.clone() }
}

fn no_new_conflicts(merged: &Conflicts, sides: [&Conflicts; 2]) -> bool {
    merged.keys().all(|id| sides.iter().any(|side| side.contains_key(id)))
}

proptest! {
    #[test]
    fn a_side_that_changed_nothing_yields_the_other(base in any_body(), side in any_body()) {
        prop_assert_eq!(&merge_body(Some(&base), &base, &side, &by("me")), &side);
        prop_assert_eq!(&merge_body(Some(&base), &side, &base, &by("me")), &side);
        prop_assert_eq!(&merge_body(Some(&base), &side, &side, &by("me")), &side);
        prop_assert_eq!(&merge_body(None, &side, &side, &by("me")), &side);
    }

    #[test]
    fn a_node_that_changed_nothing_yields_the_other(base in any_node(), side in any_node()) {
        prop_assert_eq!(&merge_node(Some(&base), &base, &side, &by("me")), &side);
        prop_assert_eq!(&merge_node(Some(&base), &side, &base, &by("me")), &side);
        prop_assert_eq!(&merge_node(Some(&base), &side, &side, &by("me")), &side);
    }

    #[test]
    fn without_a_conflict_the_sides_can_be_exchanged((base, local, server) in any_three()) {
        let merged = merge_body(Some(&base), &local, &server, &by("me"));
        let mirrored = merge_body(Some(&base), &server, &local, &by("me"));
        let clean = |body: &Body| no_new_conflicts(&body.conflicts, [&local.conflicts, &server.conflicts]);
        prop_assert_eq!(clean(&merged), clean(&mirrored));
        if clean(&merged) {
            prop_assert_eq!(timeless_body(&merged), timeless_body(&mirrored));
        }
    }

    #[test]
    fn without_a_conflict_the_sides_of_a_node_can_be_exchanged(base in any_node(), a in any_node(), b in any_node()) {
        let merged = merge_node(Some(&base), &a, &b, &by("me"));
        let mirrored = merge_node(Some(&base), &b, &a, &by("me"));
        if no_new_conflicts(&merged.conflicts, [&a.conflicts, &b.conflicts]) {
            prop_assert_eq!(timeless_node(&merged), timeless_node(&mirrored));
        }
    }

    #[test]
    fn merging_again_changes_nothing((base, local, server) in any_three()) {
        let merged = merge_body(Some(&base), &local, &server, &by("me"));
        prop_assert_eq!(&merge_body(Some(&server), &merged, &server, &by("you")), &merged);
        prop_assert_eq!(&merge_body(Some(&base), &merged, &merged, &by("you")), &merged);
        prop_assert_eq!(&merge_body(Some(&base), &merged, &server, &by("you")), &merged);
    }

    #[test]
    fn no_clock_decides_where_an_item_is(base in any_node(), local in any_node(), server in any_node(), shift in 0_u64..9) {
        let shifted = |node: &Node| {
            let trashed = node.trashed.clone().map(|one| Trashed { when_ms: one.when_ms * 9 + shift, ..one });
            Node { trashed, ..node.clone() }
        };
        let merged = merge_node(Some(&base), &local, &server, &by("me"));
        let other = merge_node(Some(&shifted(&base)), &shifted(&local), &server, &by("me"));
        prop_assert_eq!(timeless_node(&merged), timeless_node(&other));
    }

    #[test]
    fn no_value_of_either_side_is_lost((base, local, server) in any_three()) {
        let merged = merge_body(Some(&base), &local, &server, &by("me"));
        let root = Value::Object(base.fields.clone());
        let sides: [(&Body, Side); 2] =
            [(&local, |conflict| &conflict.local), (&server, |conflict| &conflict.server)];
        for (side, of) in sides {
            let mut found = Vec::new();
            leaves(&Value::Object(side.fields.clone()), &mut Vec::new(), &mut found);
            for (path, leaf) in found.iter().filter(|(path, leaf)| root.get(path) != Some(leaf)) {
                prop_assert!(is_kept(&merged, path, leaf, of), "{path:?} {leaf:?} in {merged:?}");
            }
        }
    }

    #[test]
    fn two_apps_that_meet_one_conflict_name_it_alike((base, local, server) in any_three()) {
        let one = merge_body(Some(&base), &local, &server, &by("one"));
        let two = merge_body(Some(&base), &local, &server, &by("two"));
        prop_assert_eq!(&one.fields, &two.fields);
        prop_assert!(one.conflicts.keys().eq(two.conflicts.keys()));
        // Their records meet: one conflict each, and the same whoever merges.
        let met = merge_body(Some(&server), &one, &two, &by("three"));
        prop_assert!(met.conflicts.keys().eq(one.conflicts.keys()));
        let again = merge_body(Some(&server), &two, &one, &by("four"));
        prop_assert_eq!(timeless_body(&met), timeless_body(&again));
    }

    #[test]
    fn a_node_is_merged_without_loss(base in any_node(), local in any_node(), server in any_node()) {
        let merged = merge_node(Some(&base), &local, &server, &by("me"));
        let kept = |name: &str| merged.conflicts.values().any(|conflict| conflict.path == [name]);
        prop_assert!(merged.name == local.name || local.name == base.name || kept("name"));
        prop_assert!(merged.position == local.position || local.position == base.position || kept("position"));
        prop_assert!(merged.position == server.position || server.position == base.position || kept("position"));
        let [was, ours, theirs, now] =
            [&base, &local, &server, &merged].map(|node| node.trashed.is_some());
        prop_assert_eq!(now, if ours == was { theirs } else { ours });
    }
}

fn body(json: &str) -> Body {
    let json = serde_json::from_str(json).expect("the test's JSON is right");
    match value_from_json(&json) {
        Value::Object(fields) => Body { fields, ..Body::default() },
        _ => panic!("a body is an object"),
    }
}

/// Merges and shows the fields, and each conflict as `path: base / local / server`.
fn check(base: &str, local: &str, server: &str, expected: &str, conflicts: &[&str]) {
    let merged = merge_body(Some(&body(base)), &body(local), &body(server), &by("me"));
    assert_eq!(merged.fields, body(expected).fields, "{base} {local} {server}");
    let side = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or("-".to_owned(), |value| crate::format::payload::value_to_json(value).to_string())
    };
    let line = |conflict: &Conflict| {
        let sides = [&conflict.base, &conflict.local, &conflict.server].map(side);
        format!("{}: {}", conflict.path.join("."), sides.join(" / "))
    };
    assert_eq!(merged.conflicts.values().map(line).collect::<Vec<_>>(), conflicts, "{base} {local} {server}");
}

#[test]
fn changes_to_different_fields_both_stand() {
    check(r#"{"a":1,"b":1}"#, r#"{"a":2,"b":1}"#, r#"{"a":1,"b":2}"#, r#"{"a":2,"b":2}"#, &[]);
    check("{}", r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#, &[]);
    check(r#"{"a":1,"b":1}"#, r#"{"a":1}"#, r#"{"b":1}"#, "{}", &[]);
    check(r#"{"o":{"a":1,"b":1}}"#, r#"{"o":{"a":2,"b":1}}"#, r#"{"o":{"a":1}}"#, r#"{"o":{"a":2}}"#, &[]);
}

#[test]
fn one_field_with_two_values_shows_the_servers_and_keeps_both() {
    check(r#"{"a":"1"}"#, r#"{"a":"2"}"#, r#"{"a":"3"}"#, r#"{"a":"3"}"#, &[r#"a: "1" / "2" / "3""#]);
    check("{}", r#"{"a":"2"}"#, r#"{"a":"3"}"#, r#"{"a":"3"}"#, &[r#"a: - / "2" / "3""#]);
    check(r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":2}"#, r#"{"a":2}"#, &[]);
}

#[test]
fn an_edit_outlives_a_deletion_with_a_conflict() {
    check(r#"{"a":1}"#, r#"{"a":2}"#, "{}", r#"{"a":2}"#, &["a: 1 / 2 / -"]);
    check(r#"{"a":1}"#, "{}", r#"{"a":2}"#, r#"{"a":2}"#, &["a: 1 / - / 2"]);
}

const HEADERS: &str = r#"{"h":{"$list":{"0000000000000001":["V","one"],"0000000000000002":["W","two"]}}}"#;

#[test]
fn different_elements_both_stand_and_a_reorder_never_meets_an_edit() {
    let edited = HEADERS.replace("one", "ONE");
    check(HEADERS, &edited, &HEADERS.replace("two", "TWO"), &edited.replace("two", "TWO"), &[]);
    let moved = HEADERS.replace("\"V\"", "\"X\"");
    check(HEADERS, &edited, &moved, &moved.replace("one", "ONE"), &[]);
    check(HEADERS, &HEADERS.replace("\"V\"", "\"Y\""), &moved, &HEADERS.replace("\"V\"", "\"Y\""), &[]);
    let removed = r#"{"h":{"$list":{"0000000000000002":["W","two"]}}}"#;
    check(HEADERS, removed, &moved, removed, &[]);
    check(HEADERS, removed, &edited, &edited, &[r#"h.0000000000000001: "one" / - / "ONE""#]);
}

#[test]
fn texts_and_scripts_merge_by_line() {
    check(r#"{"t":"a\nb\nc"}"#, r#"{"t":"A\nb\nc"}"#, r#"{"t":"a\nb\nC"}"#, r#"{"t":"A\nb\nC"}"#, &[]);
    let exec = |lines: &str| format!(r#"{{"exec":[{lines}]}}"#);
    let (base, local) = (exec(r#""a","b","c""#), exec(r#""A","b","c""#));
    check(&base, &local, &exec(r#""a","b","c","d""#), &exec(r#""A","b","c","d""#), &[]);
    let server = exec(r#""x","b","c""#);
    let conflict = r#"exec: ["a","b","c"] / ["A","b","c"] / ["x","b","c"]"#;
    check(&base, &local, &server, &server, &[conflict]);
}

#[test]
fn the_same_list_under_other_ids_is_no_change() {
    let again = r#"{"h":{"$list":{"0000000000000011":["a","one"],"0000000000000012":["b","two"]}}}"#;
    let edited = HEADERS.replace("two", "TWO");
    check(HEADERS, again, &edited, &edited, &[]);
    check(HEADERS, &edited, again, &edited, &[]);
}

#[test]
fn lists_that_differ_in_order_keys_alone_merge_like_any_two() {
    let list = |order: &str, value: &str| {
        let element =
            Element { order: OrderKey::parse(order).expect("the test's key is right"), value: text(value) };
        let list = List { elements: [(ElementId(3), element)].into() };
        Body { fields: [("b".to_owned(), Value::List(list))].into(), ..Body::default() }
    };
    let (local, server) = (list("W", "x"), list("V", "y"));
    let merged = merge_body(None, &local, &server, &by("me"));
    assert_eq!(merged.fields, list("W", "y").fields);
    assert_eq!(merge_body(None, &merged, &server, &by("you")).fields, merged.fields);
    assert_eq!(merge_body(None, &list("U", "y"), &server, &by("you")).fields, server.fields);
}

#[test]
fn too_many_conflicts_become_one_about_everything() {
    let fields = |value: &str| {
        let fields = (0..=CONFLICTS_NEW_MAX).map(|n| (format!("f{n}"), text(value)));
        Body { fields: fields.collect(), ..Body::default() }
    };
    let (base, local, server) = (fields("0"), fields("1"), fields("2"));
    let merged = merge_body(Some(&base), &local, &server, &by("me"));
    assert_eq!(merged.fields, server.fields);
    let conflicts: Vec<_> = merged.conflicts.values().collect();
    assert_eq!(conflicts.len(), 1);
    assert!(conflicts[0].path.is_empty());
    assert_eq!(conflicts[0].local, Some(Value::Object(local.fields)));
}

#[test]
fn a_conflict_that_one_side_settled_stays_settled() {
    let start = body(r#"{"a":1}"#);
    let conflicted = merge_body(Some(&start), &body(r#"{"a":2}"#), &body(r#"{"a":3}"#), &by("me"));
    let mut settled = conflicted.clone();
    settled.conflicts.clear();
    let mut edited = conflicted.clone();
    edited.fields.insert("b".to_owned(), text("new"));
    let merged = merge_body(Some(&conflicted), &settled, &edited, &by("me"));
    assert!(merged.conflicts.is_empty());
    assert_eq!(merged.fields, edited.fields);
    assert!(merge_body(Some(&conflicted), &edited, &settled, &by("me")).conflicts.is_empty());
}

#[test]
fn a_kept_item_is_out_of_the_trash_with_one_conflict() {
    let trashed = Some(Trashed { who: "you".to_owned(), when_ms: 3 });
    let node = Node {
        kind: Kind::Request,
        position: Position { parent: RecordId([1; 16]), order: OrderKey::first() },
        name: "Get cart".to_owned(),
        method: None,
        trashed,
        conflicts: Conflicts::new(),
        extra: Map::new(),
    };
    let (one, two) = (keep_over_trash(&node, &by("one")), keep_over_trash(&node, &by("two")));
    assert!(one.trashed.is_none() && one.conflicts.len() == 1);
    assert!(one.conflicts.keys().eq(two.conflicts.keys()));
    assert_eq!(keep_over_trash(&one, &by("three")), one);
}

#[test]
fn deep_documents_merge_without_a_deep_stack() {
    let deep = |leaf: &str| {
        let value = (0..250).fold(text(leaf), |value, _| Value::Object(Map::from([("o".to_owned(), value)])));
        Body { fields: Map::from([("deep".to_owned(), value)]), ..Body::default() }
    };
    let merged = merge_body(Some(&deep("0")), &deep("1"), &deep("2"), &by("me"));
    assert_eq!(merged.fields, deep("2").fields);
    assert_eq!(merged.conflicts.len(), 1);
}
