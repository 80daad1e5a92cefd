//! Real files in and out: the same JSON, valid by the published schema, whatever version came in.

use crate::support::{check_valid, files, items, judge, read, round_trip};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_model::format::postman::{Source, Version, document, export, from_document, normalise};
use satchel_model::{Item, Kind};
use serde_json::{Value, json};

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("the fixture is JSON")
}

#[test]
fn every_v2_1_file_comes_back_as_the_same_json_and_is_valid() {
    let judge = judge();
    let all = [files("examples/v2.1.0"), files("real")].concat();
    for (name, bytes) in all.iter().filter(|(name, _)| !name.contains("environment")) {
        let input = json_of(bytes);
        let output = round_trip(bytes);
        let file = read(bytes).expect("it was read before");
        assert_eq!(file.losses, Vec::<String>::new(), "{name}");
        check_valid(&judge, name, &output);
        if input["info"]["schema"].as_str().is_some_and(|schema| schema.contains("v2.1.0")) {
            assert_eq!(file.source, Source::Collection(Version::V2_1), "{name}");
            assert!(input == output, "{name} changed");
        }
    }
}

#[test]
fn the_judge_refuses_what_is_not_v2_1() {
    let judge = judge();
    let with = |request: Value| json!({"info": {"name": "C", "schema": "s"}, "item": [{"request": request}]});
    assert!(judge.is_valid(&with(json!({"url": "x"}))));
    for wrong in
        [json!(5), json!({"url": 5}), json!({"header": [{"key": "k"}]}), json!({"auth": {"basic": []}})]
    {
        assert!(!judge.is_valid(&with(wrong.clone())), "{wrong}");
    }
}

#[test]
fn the_real_environment_comes_back_as_the_same_json() {
    let bytes = files("real").into_iter().find(|(name, _)| name.contains("environment"));
    let (_, bytes) = bytes.expect("the fixture is there");
    assert_eq!(round_trip(&bytes), json_of(&bytes));
    assert_eq!(read(&bytes).expect("it was read before").source, Source::Environment);
}

#[test]
fn every_v1_file_comes_out_as_valid_v2_1_with_all_its_requests_and_responses() {
    let judge = judge();
    for (name, bytes) in files("examples/v1.0.0") {
        let input = json_of(&bytes);
        let file = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(file.source, Source::Collection(Version::V1), "{name}");
        let requests = input["requests"].as_array().map_or(0, Vec::len);
        let responses: usize = input["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|request| request["responses"].as_array().map_or(0, Vec::len))
            .sum();
        let count = |kind: Kind| file.items.iter().filter(|imported| imported.item.node.kind == kind).count();
        assert_eq!((count(Kind::Request), count(Kind::Example)), (requests, responses), "{name}");
        let output = export(&items(&file)).expect("there is a collection");
        check_valid(&judge, &name, &output);
        let again = round_trip(output.to_string().as_bytes());
        assert!(again == output, "{name} is stable once it is v2.1");
    }
}

/// The same collection as v2.0.0 would have it: attributes of a sign-in as an object.
fn as_v2_0(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            if let Some(Value::Object(auth)) = fields.get_mut("auth") {
                for attributes in auth.values_mut() {
                    if let Value::Array(list) = attributes {
                        let pairs = list.iter().map(|one| {
                            (one["key"].as_str().unwrap_or_default().to_owned(), one["value"].clone())
                        });
                        *attributes = Value::Object(pairs.collect());
                    }
                }
            }
            fields.values_mut().for_each(as_v2_0);
        }
        Value::Array(values) => values.iter_mut().for_each(as_v2_0),
        _ => {}
    }
}

#[test]
fn every_v2_0_file_comes_out_as_valid_v2_1() {
    let judge = judge();
    for (name, bytes) in [files("examples/v2.1.0"), files("real")].concat() {
        if name.contains("environment") {
            continue;
        }
        let mut input = json_of(&bytes);
        as_v2_0(&mut input);
        input["info"]["schema"] =
            json!("https://schema.getpostman.com/json/collection/v2.0.0/collection.json");
        let text = input.to_string();
        let file = read(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(file.source, Source::Collection(Version::V2_0), "{name}");
        let output = export(&items(&file)).expect("there is a collection");
        check_valid(&judge, &name, &output);
        assert!(output["info"]["schema"].as_str().is_some_and(|schema| schema.contains("v2.1.0")), "{name}");
    }
}

#[test]
fn every_single_item_is_its_own_document_and_exports_as_a_valid_collection() {
    let judge = judge();
    for (name, bytes) in [files("examples/v2.1.0"), files("real")].concat() {
        let file = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        for item in items(&file) {
            check_document(&item);
            if !matches!(item.node.kind, Kind::Environment | Kind::Globals) {
                check_valid(&judge, &name, &export([&item]).expect("it is of a known kind"));
            }
        }
    }
}

fn check_document(item: &Item) {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let json = document(item);
    let fields = json.as_object().cloned().expect("a document is an object");
    let (name, method, body) = from_document(&item.node.kind, fields, &mut rng);
    let mut again = item.clone();
    again.body = body;
    again.node.method = method;
    again.node.name = name.unwrap_or(again.node.name);
    assert_eq!(document(&again), json);
    let mut normal = again.body.clone();
    normalise(&item.node.kind, &mut normal, &mut rng);
    assert_eq!(normal, again.body, "what has its structure stays");
}

#[test]
fn a_file_that_has_everything_odd_comes_back_as_it_was() {
    let odd = json!({
        "info": {"_postman_id": "c", "name": 7, "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
            "_exporter_id": "1", "description": {"content": "x", "type": "text/markdown"}},
        "_postman_isCollection": true,
        "protocolProfileBehavior": {"a": 1.50},
        "variable": [{"key": "k", "value": null, "type": "secret"}, {"id": "only"}],
        "event": null,
        "item": [
            {"name": "text request", "request": "https://x.y/z"},
            {"request": {"url": "{{u}}", "method": null}},
            {"name": "", "request": {"url": {"raw": "http://a/b?c=d"}, "body": null, "header": "A: b"}, "response": null},
            {"name": "line\nbreak", "request": {"method": "MADE UP", "url": {"raw": "not what the parts say", "host": "h", "path": "/p"}}},
            {"name": "nothing"},
            {"name": null, "request": null, "response": []},
            {"name": "folder", "item": [], "request": {"method": "GET"}, "$ref": 1},
            {"name": "empty", "item": null},
            {"name": "examples", "request": {"method": "GET", "header": ["A: b"], "url": {"host": ["a"], "query": [{"key": null, "value": 1}]}},
                "response": [
                    {"name": "b", "_postman_previewlanguage": "json", "header": null, "cookie": [], "body": null},
                    {"id": 5, "name": "a", "originalRequest": {"method": "GET", "url": {"raw": "http://a/:b", "protocol": "http",
                        "host": ["a"], "path": [":b"], "variable": [{"key": "b", "value": "1"}]}}, "code": 200, "status": "OK"}
                ]}
        ]
    });
    assert_eq!(round_trip(odd.to_string().as_bytes()), odd);
}

#[test]
fn a_new_name_replaces_what_the_file_had_for_one() {
    let file = read(br#"{"info": {"schema": "v2.1.0"}, "item": [{"request": "http://x"}]}"#)
        .expect("it is a collection");
    let mut items = items(&file);
    assert_eq!(items[1].node.name, "http://x");
    assert_eq!(document(&items[1]), json!({"request": "http://x"}));
    "renamed".clone_into(&mut items[1].node.name);
    items[1].node.method = Some("POST".to_owned());
    let expected = json!({"name": "renamed", "request": {"method": "POST", "url": "http://x"}});
    assert_eq!(document(&items[1]), expected);
}

#[test]
fn ids_of_the_file_are_told() {
    let (_, bytes) =
        files("real").into_iter().find(|(name, _)| name.contains("collection")).expect("it is there");
    let file = read(&bytes).expect("it is a collection");
    assert_eq!(file.items[0].origin.as_deref(), Some("784efcda-ed4c-4491-a4c0-a26470a67400"));
    assert!(file.items.iter().skip(1).all(|imported| imported.origin.is_none()));
}
