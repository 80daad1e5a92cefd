//! Each choice, over conflicts that a merge made.

use super::{Choice, ResolveError, resolve_body, resolve_node};
use crate::format::payload::{value_from_json, value_to_json};
use crate::merge::{Authorship, keep_over_trash, merge_body, merge_node};
use crate::{Body, ConflictId, Conflicts, Kind, Map, Node, OrderKey, Position, RecordId, Trashed, Value};

fn body(json: &str) -> Body {
    let json = serde_json::from_str(json).expect("the test's JSON is right");
    match value_from_json(&json) {
        Value::Object(fields) => Body { fields, ..Body::default() },
        _ => panic!("a body is an object"),
    }
}

fn by() -> Authorship {
    Authorship { who: "me".to_owned(), when_ms: 1 }
}

fn conflicted(base: &str, local: &str, server: &str) -> (Body, ConflictId) {
    let merged = merge_body(Some(&body(base)), &body(local), &body(server), &by());
    let id = merged.conflicts.keys().next().expect("it has a conflict").clone();
    (merged, id)
}

/// Settles the one conflict of a merge and shows the fields as people see them, lists as arrays.
fn check(sides: [&str; 3], choice: &Choice, expected: &str) {
    let (merged, id) = conflicted(sides[0], sides[1], sides[2]);
    let settled = resolve_body(&merged, &id, choice).expect("it can be settled so");
    assert!(settled.conflicts.is_empty());
    let expected = Value::Object(body(expected).fields);
    let shown = Value::Object(settled.fields);
    assert!(shown.same_content(&expected), "{}", value_to_json(&shown));
}

fn refused(sides: [&str; 3], choice: &Choice) -> ResolveError {
    let (merged, id) = conflicted(sides[0], sides[1], sides[2]);
    resolve_body(&merged, &id, choice).expect_err("it cannot be settled so")
}

const URL: [&str; 3] = [r#"{"url":"/a"}"#, r#"{"url":"/b"}"#, r#"{"url":"/c"}"#];
const GONE: [&str; 3] = [r#"{"auth":{"a":1}}"#, "{}", r#"{"auth":{"a":2}}"#];
const HEADER: [&str; 3] = [
    r#"{"h":{"$list":{"0000000000000001":["V",{"key":"A","value":"1"}],"0000000000000002":["W","z"]}}}"#,
    r#"{"h":{"$list":{"0000000000000001":["V",{"key":"A","value":"2"}],"0000000000000002":["W","z"]}}}"#,
    r#"{"h":{"$list":{"0000000000000001":["V",{"key":"A","value":"3"}],"0000000000000002":["W","z"]}}}"#,
];

#[test]
fn a_side_or_another_value_can_be_chosen() {
    check(URL, &Choice::Local, r#"{"url":"/b"}"#);
    check(URL, &Choice::Server, r#"{"url":"/c"}"#);
    check(URL, &Choice::Value(Value::String("/d".to_owned())), r#"{"url":"/d"}"#);
    check(GONE, &Choice::Local, "{}");
    check(GONE, &Choice::Server, r#"{"auth":{"a":2}}"#);
    check([GONE[0], GONE[2], "{}"], &Choice::Server, "{}");
    check([GONE[0], GONE[2], "{}"], &Choice::Local, r#"{"auth":{"a":2}}"#);
}

#[test]
fn two_elements_and_two_texts_can_both_stand() {
    check(HEADER, &Choice::Both, r#"{"h":[{"key":"A","value":"3"},{"key":"A","value":"2"},"z"]}"#);
    let texts = [r#"{"t":"a\nb"}"#, r#"{"t":"a\nc"}"#, r#"{"t":"a\nd"}"#];
    check(texts, &Choice::Both, r#"{"t":"a\nd\na\nc"}"#);
    let prose = [r#"{"description":"a"}"#, r#"{"description":"b"}"#, r#"{"description":"c"}"#];
    check(prose, &Choice::Both, r#"{"description":"c\nb"}"#);
    let exec = [r#"{"exec":["a"]}"#, r#"{"exec":["b"]}"#, r#"{"exec":["c"]}"#];
    check(exec, &Choice::Both, r#"{"exec":["c","b"]}"#);
}

#[test]
fn one_place_has_no_room_for_both() {
    let cannot = |path: &str| ResolveError::CannotStandBoth { path: vec![path.to_owned()] };
    assert_eq!(refused(URL, &Choice::Both), cannot("url"));
    assert_eq!(refused(GONE, &Choice::Both), cannot("auth"));
}

#[test]
fn a_settled_conflict_is_unknown_and_a_lost_place_leaves_only_the_server() {
    let (mut merged, id) = conflicted(HEADER[0], HEADER[1], HEADER[2]);
    merged.fields.insert("h".to_owned(), Value::Null);
    let gone = resolve_body(&merged, &id, &Choice::Local);
    assert!(matches!(gone, Err(ResolveError::PlaceGone { .. })), "{gone:?}");
    let settled = resolve_body(&merged, &id, &Choice::Server).expect("it can");
    assert_eq!(settled.fields, merged.fields);
    assert_eq!(resolve_body(&settled, &id, &Choice::Server), Err(ResolveError::Unknown { id }));
}

#[test]
fn what_was_edited_beside_a_conflict_stays() {
    let fields = |value: &str| {
        let fields = (0..70).map(|n| (format!("f{n}"), Value::String(value.to_owned())));
        Body { fields: fields.collect(), ..Body::default() }
    };
    let mut merged = merge_body(Some(&fields("0")), &fields("1"), &fields("2"), &by());
    merged.fields.insert("new".to_owned(), Value::Bool(true));
    let id = merged.conflicts.keys().next().expect("it has one").clone();
    for (choice, expected) in [(Choice::Local, "1"), (Choice::Server, "2")] {
        let settled = resolve_body(&merged, &id, &choice).expect("it can");
        assert_eq!(settled.fields["f0"], Value::String(expected.to_owned()));
        assert_eq!(settled.fields["new"], Value::Bool(true));
    }
    let both = resolve_body(&merged, &id, &Choice::Both);
    assert!(matches!(both, Err(ResolveError::CannotStandBoth { .. })));
}

fn node(name: &str, parent: u8) -> Node {
    Node {
        kind: Kind::Request,
        position: Position { parent: RecordId([parent; 16]), order: OrderKey::first() },
        name: name.to_owned(),
        method: None,
        trashed: None,
        conflicts: Conflicts::new(),
        extra: Map::new(),
    }
}

#[test]
fn a_nodes_conflicts_are_settled_like_a_bodys() {
    let merged = merge_node(Some(&node("a", 1)), &node("b", 2), &node("c", 3), &by());
    assert_eq!((merged.name.as_str(), merged.conflicts.len()), ("c", 2));
    let mut settled = merged.clone();
    for id in merged.conflicts.keys() {
        let both = resolve_node(&settled, id, &Choice::Both);
        assert!(matches!(both, Err(ResolveError::CannotStandBoth { .. })));
        let unfit = resolve_node(&settled, id, &Choice::Value(Value::Null));
        assert!(matches!(unfit, Err(ResolveError::Unfit { .. })));
        settled = resolve_node(&settled, id, &Choice::Local).expect("it can");
    }
    assert_eq!(settled, node("b", 2));
}

#[test]
fn a_kept_item_can_go_to_the_trash_after_all() {
    let trashed = Node { trashed: Some(Trashed { who: "you".to_owned(), when_ms: 5 }), ..node("a", 1) };
    let kept = keep_over_trash(&trashed, &by());
    let id = kept.conflicts.keys().next().expect("it has one");
    assert_eq!(resolve_node(&kept, id, &Choice::Server), Ok(trashed));
    assert_eq!(resolve_node(&kept, id, &Choice::Local), Ok(node("a", 1)));
}
