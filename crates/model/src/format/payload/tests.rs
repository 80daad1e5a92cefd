//! Round trips, golden bytes and limits of the stored form.

use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

use super::{
    PAYLOAD_DEPTH_MAX, PayloadError, decode_body, decode_node, encode_body, encode_node, is_plain_body,
    value_from_json, value_to_json,
};
use crate::{
    Body, Conflict, ConflictId, Conflicts, Element, ElementId, Kind, List, Map, Node, OrderKey, Position,
    RecordId, Trashed, Value,
};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn conflict() -> Conflict {
    Conflict {
        path: vec!["url".to_owned()],
        base: None,
        local: Some(text("/a")),
        server: Some(Value::Null),
        who: "ab".to_owned(),
        when_ms: 7,
    }
}

fn node() -> Node {
    Node {
        kind: Kind::Request,
        position: Position { parent: RecordId([0xab; 16]), order: OrderKey::first() },
        name: "Get cart".to_owned(),
        method: Some("GET".to_owned()),
        trashed: Some(Trashed { who: "cd".to_owned(), when_ms: 9 }),
        conflicts: Conflicts::from([(ConflictId("c".to_owned()), conflict())]),
        extra: Map::from([("color".to_owned(), text("red"))]),
    }
}

const NODE: &str = r#"{"color":"red","conflicts":{"c":{"local":"/a","path":["url"],"server":null,"when":7,"who":"ab"}},"kind":"request","method":"GET","name":"Get cart","position":{"order":"V","parent":"abababababababababababababababab"},"trashed":{"when_ms":9,"who":"cd"},"v":1}"#;
const BODY: &str =
    r#"{"fields":{"a":{"$list":{"0000000000000001":["V",{"key":"Accept"}]}},"b":{"$$list":1.50}},"v":1}"#;

#[test]
fn stored_nodes_never_change_their_bytes() {
    assert_eq!(String::from_utf8(encode_node(&node())).expect("JSON is text"), NODE);
    assert_eq!(decode_node(NODE.as_bytes()).expect("reads"), node());
}

#[test]
fn a_plain_node_is_read_as_any_other() {
    let check = |payload: &str, is_plain: bool| {
        let quick = super::decode_plain_node(payload.as_bytes());
        assert_eq!(quick.is_some(), is_plain, "{payload}");
        let any = super::decode_any_node(payload.as_bytes()).ok();
        assert!(quick.is_none() || quick == any, "{payload}");
    };
    let position = r#""position":{"order":"V","parent":"abababababababababababababababab"}"#;
    check(&format!(r#"{{"kind":"request","method":"GET","name":"A \u00e9 \"b\"",{position},"v":1}}"#), true);
    check(&format!(r#"{{"kind":"folder","name":"",{position},"v":1}}"#), true);
    check(&format!(r#"{{"kind":"folder","method":null,"name":"",{position},"v":1}}"#), false);
    check(&format!(r#"{{"color":"red","kind":"folder","name":"",{position},"v":1}}"#), false);
    check(&format!(r#"{{"kind":"folder","name":"",{position},"v":2}}"#), false);
    check(&format!(r#"{{"kind":"folder","name":"",{position},"v":1}}x"#), false);
    check(&format!(r#"{{"kind":"folder","name":"",{position},{position},"v":1}}"#), false);
    check(r#"{"kind":"folder","name":"","position":{"order":"V0","parent":"ab"},"v":1}"#, false);
    check(NODE, false);
}

#[test]
fn a_plain_body_is_one_that_is_read_and_has_no_conflicts() {
    let check = |payload: &str, is_plain: bool| {
        assert_eq!(is_plain_body(payload.as_bytes()), is_plain, "{payload}");
        let read = decode_body(payload.as_bytes());
        assert!(!is_plain || read.is_ok_and(|body| body.conflicts.is_empty()), "{payload}");
    };
    check(BODY, true);
    check(r#"{"fields":{},"v":1}"#, true);
    check(r#"{"fields":{"a":[null,true,-1,1.5e400,"\u00e9\n\ud83d\ude00"],"a":{}},"v":1}"#, true);
    check(r#"{"conflicts":{},"fields":{},"v":1}"#, false);
    check(r#"{"fields":{},"more":1,"v":1}"#, false);
    check(r#"{"fields":{},"v":2}"#, false);
    check(r#"{"fields":{},"fields":{},"v":1}"#, false);
    check(r#"{"fields":[],"v":1}"#, false);
    check(r#"{"fields":7,"v":1}"#, false);
    check(r#"{"v":1}"#, false);
    check("[1,{}]", false);
    check(r#"{"fields":{},"v":1}x"#, false);
    check(r#"{"fields":{"a":"\ud800"},"v":1}"#, false);
    check(r#"{"fields":{"a":{"$serde_json::private::Number":"x"}},"v":1}"#, false);
    assert!(!is_plain_body(b"{\"fields\":{\"a\":\"\xff\"},\"v\":1}"), "no text");
    let deep = format!(r#"{{"fields":{{"a":{}{}}},"v":1}}"#, "[".repeat(200), "]".repeat(200));
    check(&deep, false);
    assert!(decode_body(deep.as_bytes()).is_ok(), "it is one all the same");
}

#[test]
fn stored_bodies_never_change_their_bytes() {
    let body = decode_body(BODY.as_bytes()).expect("reads");
    let element = body.fields["a"].get(&["0000000000000001", "key"]);
    assert_eq!(element, Some(&text("Accept")));
    assert_eq!(
        body.fields["b"].get(&["$list"]).map(|value| value_to_json(value).to_string()),
        Some("1.50".to_owned())
    );
    assert_eq!(String::from_utf8(encode_body(&body)).expect("JSON is text"), BODY);
}

#[test]
fn what_is_no_record_is_refused_with_a_reason() {
    let check = |json: &str, expected: &str| {
        let node = decode_node(json.as_bytes()).expect_err("it is no node").to_string();
        assert!(node.contains(expected), "{node}");
    };
    check("", "no JSON");
    check("[]", "outer form");
    check("{}", "version 0");
    check(r#"{"v":2}"#, "version 2");
    check(r#"{"v":1}"#, "kind");
    check(&NODE.replace("\"V\"", "\"V0\""), "position");
    check(&NODE.replace("\"GET\"", "1"), "method");
    check(&NODE.replace("\"when\":7", "\"when\":-7"), "conflicts");
    check(&NODE.replace("\"when\":7", "\"when\":7,\"new\":1"), "conflicts");
    check(&format!("{NODE}x"), "no JSON");
    let unknown = decode_body(br#"{"fields":{},"new":1,"v":1}"#);
    assert!(matches!(unknown, Err(PayloadError::Form { .. })));
}

#[test]
fn what_is_too_deep_or_too_large_is_refused_before_it_is_read() {
    let deep = |levels: usize| {
        format!("{{\"v\":1,\"fields\":{{\"a\":{}{}}}}}", "[".repeat(levels), "]".repeat(levels))
    };
    assert!(decode_body(deep(PAYLOAD_DEPTH_MAX - 2).as_bytes()).is_ok());
    assert!(matches!(decode_body(deep(PAYLOAD_DEPTH_MAX - 1).as_bytes()), Err(PayloadError::TooDeep)));
    assert!(matches!(decode_body("[".repeat(1_000_000).as_bytes()), Err(PayloadError::TooDeep)));
    let many = format!("[{}0]", "0,".repeat(5_000_001));
    assert!(matches!(decode_body(many.as_bytes()), Err(PayloadError::TooMany)));
    let large = vec![b' '; super::PAYLOAD_BYTES_MAX + 1];
    assert!(matches!(decode_body(&large), Err(PayloadError::TooLarge { .. })));
    let in_text = format!(r#"{{"fields":{{"a":"{}\"[["}},"v":1}}"#, "[".repeat(1_000));
    assert!(decode_body(in_text.as_bytes()).is_ok());
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = prop::sample::select(vec!["0", "-1", "1.50", "1e400", "123456789012345678901234567890"]);
    let leaf = proptest::prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|digits| Value::Number(digits.parse().expect("a number of JSON"))),
        any::<String>().prop_map(Value::String),
        prop::sample::select(vec![Value::Null]),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let names = proptest::prop_oneof!["\\PC{0,3}", "\\${0,3}list"];
        let element = (any::<u64>(), inner.clone());
        let list = |elements: Vec<(u64, Value)>| {
            let element = |(id, value)| (ElementId(id), Element { order: OrderKey::first(), value });
            Value::List(List { elements: elements.into_iter().map(element).collect() })
        };
        proptest::prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(names, inner, 0..3).prop_map(Value::Object),
            prop::collection::vec(element, 0..3).prop_map(list),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in any_value(), name in any::<String>(), word in "[a-z]{0,9}") {
        prop_assert_eq!(&value_from_json(&value_to_json(&value)), &value);
        let fields = Map::from([(name.clone(), value.clone())]);
        let held = Conflict { base: Some(value.clone()), ..conflict() };
        let conflicts = Conflicts::from([(ConflictId(name.clone()), held)]);
        let body = Body { fields: fields.clone(), conflicts: conflicts.clone() };
        prop_assert_eq!(&decode_body(&encode_body(&body)).expect("reads"), &body);
        let node = Node { kind: Kind::from_word(&word), name, conflicts, extra: Map::from([("x".to_owned(), value)]), ..node() };
        prop_assert_eq!(&decode_node(&encode_node(&node)).expect("reads"), &node);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), at in 0_usize..200, byte: u8) {
        let _ = decode_body(&bytes);
        let mut damaged = NODE.as_bytes().to_vec();
        damaged[at] = byte;
        let _ = decode_node(&damaged);
    }
}
