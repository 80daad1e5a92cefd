//! What is found, where, and what is not shown.

use super::Query;
use crate::format::payload::value_from_json;
use crate::{Body, Conflicts, Kind, Map, Node, OrderKey, Position, RecordId, Value};

const BODY: &str = r#"{
    "url": "https://shop.example/Cart?Größe=XL",
    "values": {"$list": {
        "0000000000000001": ["V", {"key": "token", "type": "secret", "value": "cart-secret"}],
        "0000000000000002": ["W", {"key": "cart", "value": 12}]
    }},
    "exec": ["const a = 1;", "cart.check();"],
    "long": "0123456789012345678901234567890123456789 needle 0123456789012345678901234567890123456789"
}"#;

/// Shows each hit as `path: excerpt`.
fn check(query: &str, expected: &[&str]) {
    let node = Node {
        kind: Kind::Request,
        position: Position { parent: RecordId([1; 16]), order: OrderKey::first() },
        name: "Get Cart".to_owned(),
        method: Some("GET".to_owned()),
        trashed: None,
        conflicts: Conflicts::new(),
        extra: Map::new(),
    };
    let json = serde_json::from_str(BODY).expect("the test's JSON is right");
    let Value::Object(fields) = value_from_json(&json) else { panic!("a body is an object") };
    let body = Body { fields, ..Body::default() };
    let hits = Query::new(query).map(|query| query.find(&node, Some(&body))).unwrap_or_default();
    let shown: Vec<_> = hits.iter().map(|hit| format!("{}: {}", hit.path.join("."), hit.excerpt)).collect();
    assert_eq!(shown, expected, "{query}");
}

#[test]
fn text_is_found_whatever_its_case() {
    check("get", &["name: Get Cart", "method: GET"]);
    check("GRÖSSE", &[]);
    check("größe=xl", &["url: https://shop.example/Cart?Größe=XL"]);
    check("12", &["long: 012345678901234567890123456789012…", "values.0000000000000002.value: 12"]);
    check("  ", &[]);
}

#[test]
fn scripts_are_searched_as_text_and_secrets_are_not() {
    check("check", &["exec: const a = 1; cart.check();"]);
    check("cart-secret", &[]);
    check("token", &["values.0000000000000001.key: token"]);
}

#[test]
fn an_excerpt_is_short() {
    check("needle", &["long: …12345678901234567890123456789 needle 01234567890123456789012345678…"]);
}
