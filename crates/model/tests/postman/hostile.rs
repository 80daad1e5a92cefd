//! Hostile files: nothing panics, nothing overflows the stack, limits are kept.

use crate::support::{files, items, read};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use satchel_model::format::postman::{ITEMS_MAX, document, export};
use satchel_model::{Item, Kind, RecordId};
use serde_json::{Value, json};

fn check_limit(bytes: &[u8], expected: &str) {
    let error = read(bytes).expect_err("it is over a limit");
    assert!(error.is_limit(), "{error}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn ten_thousand_levels_are_a_clear_error() {
    let opening = r#"{"item":["#.repeat(10_000);
    let text = format!(r#"{{"info":{{"name":"x"}},"item":[{opening}{}]}}"#, "]}".repeat(10_000));
    check_limit(text.as_bytes(), "nested deeper than 100 levels");
}

#[test]
fn a_file_with_too_many_items_is_refused() {
    let items = vec!["{}"; ITEMS_MAX].join(",");
    check_limit(format!(r#"{{"info":{{}},"item":[{items}]}}"#).as_bytes(), "more than 100000 items");
}

#[test]
fn an_item_that_fits_into_no_record_is_refused() {
    let text =
        json!({"info": {}, "item": [{"name": "big", "request": {"body": {"raw": "x".repeat(7 << 20)}}}]});
    check_limit(text.to_string().as_bytes(), "importing big: ");
}

#[test]
fn folders_deeper_than_a_file_can_be_go_into_the_deepest_that_fits() {
    let file = read(br#"{"info":{"name":"C"},"item":[{"name":"F","item":[]}]}"#).expect("it is a collection");
    let mut deep = items(&file);
    for number in 0..5_000_u32 {
        let mut item = deep[deep.len() - 1].clone();
        item.node.position.parent = item.id;
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        item.id = RecordId(id);
        deep.push(item);
    }
    let json = export(&deep).expect("there is a collection");
    let again = read(json.to_string().as_bytes()).expect("it can be read again");
    assert_eq!(again.items.len(), deep.len());
}

#[test]
fn v1_folders_may_nest_in_circles_and_deeply() {
    let folder = |number: usize| json!({"id": format!("f{number}"), "name": "F", "order": [], "folders_order": [format!("f{}", (number + 1) % 5_000)]});
    let folders: Vec<Value> = (0..5_000).map(folder).collect();
    let text = json!({"id": "c", "name": "C", "order": [], "folders_order": ["f0"], "folders": folders, "requests": []});
    let file = read(text.to_string().as_bytes()).expect("it is a collection");
    assert_eq!(file.items.len(), 5_001);
    let json = export(&items(&file)).expect("there is a collection");
    assert!(read(json.to_string().as_bytes()).is_ok());
}

/// Replaces, removes, doubles and moves values at random places.
fn mutate(json: &mut Value, rng: &mut ChaCha8Rng, pool: &[Value]) {
    let odd = |rng: &mut ChaCha8Rng| pool[rng.next_u32() as usize % pool.len()].clone();
    if rng.next_u32().is_multiple_of(40) {
        *json = odd(rng);
        return;
    }
    match json {
        Value::Array(values) => {
            if rng.next_u32().is_multiple_of(20) {
                values.push(odd(rng));
            }
            for value in values {
                mutate(value, rng, pool);
            }
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            if let Some(name) = names.get(rng.next_u32() as usize % names.len().max(1))
                && rng.next_u32().is_multiple_of(20)
            {
                fields.insert(name.clone(), odd(rng));
            }
            fields.values_mut().for_each(|value| mutate(value, rng, pool));
        }
        _ => {}
    }
}

fn pool() -> Vec<Value> {
    let odd = json!([
        null, true, 0, -1.5e300, "", "{{", "http://a:b@c:1/:d?e=f#g", "\u{0}\n", [], {}, [null], [[]], ["a", {"key": 1}],
        {"key": "k"}, {"item": [{}]}, {"request": "x", "response": [{}]}, {"type": "basic", "basic": {"a": 1}},
        {"$raw": true, "$noName": 3, "$list": {}}, {"raw": 5, "host": 1, "path": {"value": []}, "query": {}}
    ]);
    odd.as_array().cloned().unwrap_or_default()
}

fn check_all(file: &[Item]) {
    for item in file {
        document(item);
        assert!(!item.node.name.is_empty());
    }
    let top = file.iter().filter(|item| item.node.position.parent == crate::support::ROOT).count();
    if top == 1 && file[0].node.kind == Kind::Collection {
        let json = export(file).expect("there is a collection");
        let again = items(&read(json.to_string().as_bytes()).expect("what goes out can come in"));
        let kinds = |items: &[Item]| items.iter().map(|item| item.node.kind.clone()).collect::<Vec<_>>();
        assert_eq!(kinds(&again), kinds(file));
        assert_eq!(export(&again), Some(json), "what went out once stays the same");
    }
}

/// Whether JSON is a collection that goes out as it came in.
fn is_whole_v2_1(json: &Value) -> bool {
    let is_v2_1 = json["info"]["schema"].as_str().is_some_and(|schema| schema.contains("/v2.1.0/"));
    is_v2_1 && json["info"].get("name").is_some() && json["item"].is_array()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_real_files_never_panic(seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let all = [files("examples/v1.0.0"), files("examples/v2.1.0")].concat();
        let (_, bytes) = &all[rng.next_u32() as usize % all.len()];
        let mut json: Value = serde_json::from_slice(bytes).expect("the fixture is JSON");
        let pool = pool();
        mutate(&mut json, &mut rng, &pool);
        if let Ok(file) = read(json.to_string().as_bytes()) {
            check_all(&items(&file));
            if file.losses.is_empty() && is_whole_v2_1(&json) {
                prop_assert_eq!(export(&items(&file)), Some(json));
            }
        }
    }

    #[test]
    fn cut_and_changed_bytes_never_panic(seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let all = [files("examples/v2.1.0"), files("real")].concat();
        let (_, bytes) = &all[rng.next_u32() as usize % all.len()];
        let mut bytes = bytes[..bytes.len().min(20_000)].to_vec();
        for _ in 0..rng.next_u32() % 8 {
            let at = rng.next_u32() as usize % bytes.len();
            bytes[at] = rng.next_u32().to_le_bytes()[0];
        }
        bytes.truncate(rng.next_u32() as usize % (bytes.len() + 1));
        if let Err(error) = read(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
