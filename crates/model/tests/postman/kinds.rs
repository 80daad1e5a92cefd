//! What a file is by its content: variables in every wrapping, dumps, and everything that is no Postman file.

use std::io::{Cursor, Write};

use crate::support::{files, items, read, round_trip};
use satchel_model::Kind;
use satchel_model::format::dump;
use satchel_model::format::postman::export;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What a file is and what is in it, or why not.
fn seen(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(error) => error.to_string(),
        Ok(file) => {
            let node = |item: &satchel_model::Item| format!("{} {}", item.node.kind.word(), item.node.name);
            let names: Vec<_> = file.items.iter().map(|imported| node(&imported.item)).collect();
            let losses =
                if file.losses.is_empty() { String::new() } else { format!(" ({})", file.losses.join("; ")) };
            format!("{}: {}{losses}", file.source, names.join(", "))
        }
    }
}

fn check(input: &str, expected: &str) {
    assert_eq!(seen(input.as_bytes()), expected, "{input:.200}");
}

#[test]
fn variables_come_in_however_they_are_wrapped() {
    let values = r#"[{"key":"a","value":"1","enabled":true},{"key":"b","value":"2","disabled":true}]"#;
    check(&format!(r#"{{"name":"E","values":{values}}}"#), "Postman environment: environment E");
    check(&format!(r#"{{"values":{values}}}"#), "Postman environment: environment Imported environment");
    check(
        &format!(r#"{{"environment":{{"name":"E","values":{values}}}}}"#),
        "Postman environment: environment E",
    );
    check(values, "Postman globals: globals Globals");
    check(&format!(r#"{{"globals":{values}}}"#), "Postman globals: globals Globals");
    check(
        &format!(r#"{{"name":"G","values":{values},"_postman_variable_scope":"globals"}}"#),
        "Postman globals: globals G",
    );
    check(r#"{"name":"E","values":{"a":"1"}}"#, "Postman environment: environment E");
    check(
        r#"[{"name":"A","values":[]},{"name":"B","values":[]}]"#,
        "several Postman collections and environments: environment A, environment B",
    );
    let out = round_trip(values.as_bytes());
    let values: Value = serde_json::from_str(values).expect("the test's JSON is right");
    assert_eq!(out, json!({"name": "Globals", "values": values, "_postman_variable_scope": "globals"}));
}

#[test]
fn collections_come_in_however_they_are_wrapped() {
    let v2 = r#"{"info":{"name":"C"},"item":[{"name":"R","request":{}}]}"#;
    check(v2, "Postman collection v2.1.0: collection C, request R");
    check(&format!(r#"{{"collection":{v2}}}"#), "Postman collection v2.1.0: collection C, request R");
    check(&format!("\u{feff}{v2}"), "Postman collection v2.1.0: collection C, request R");
    let utf16: Vec<u8> = v2.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(seen(&utf16), "Postman collection v2.1.0: collection C, request R");
    check(
        r#"{"info":{"name":"C","schema":"https://schema.getpostman.com/json/collection/v3.0.0/"},"item":[]}"#,
        "recognising the file: it is a Postman collection of a version that is not known \
         (https://schema.getpostman.com/json/collection/v3.0.0/); v1.0.0, v2.0.0 and v2.1.0 are read",
    );
    check(
        r#"{"info":{"name":"C"},"item":[null,{"name":"R","request":{},"response":[7]}]}"#,
        "Postman collection v2.1.0: collection C, request R \
         (an item that is null was left out; a saved response that is a number was left out)",
    );
    check(
        r#"{"info":{"name":"C","name":"D"},"item":[]}"#,
        "Postman collection v2.1.0: collection D \
         (a field is named twice in one object, so only the last value is kept: name in line 1)",
    );
}

#[test]
fn requests_that_no_order_names_are_rescued() {
    let request = |id: &str| json!({"id": id, "name": id, "url": "x", "method": "GET", "headers": ""});
    let v1 = json!({
        "id": "c", "name": "C", "order": ["r1", "r1", "gone"], "folders_order": ["f1"],
        "folders": [
            {"id": "f1", "name": "F1", "order": ["r2"], "folders_order": ["f2"]},
            {"id": "f2", "name": "F2", "order": [], "folders_order": ["f1"]},
            {"id": "x", "name": "X", "order": ["r4"], "folders_order": ["y"]},
            {"id": "y", "name": "Y", "order": [], "folders_order": ["x"]}
        ],
        "requests": [request("r1"), request("r2"), request("r3"), request("r4"), request("r1"), {"name": "no id"}]
    });
    check(
        &v1.to_string(),
        "Postman collection v1.0.0: collection C, folder F1, folder F2, request r2, request r1, \
         folder Recovered, folder X, folder Y, request r4, request r3, request r1, request no id \
         (no order names 2 folders and 3 requests: they are in the folder Recovered)",
    );
}

#[test]
fn v1_means_the_same_in_v2_1() {
    let v1 = json!({
        "id": "c", "name": "C", "order": ["r"], "requests": [{
            "id": "r", "name": "R", "method": "PUT", "url": "http://h/:id?a=1&b", "headers": "A: b\n// Off: x\n",
            "queryParams": [{"key": "a", "value": "1", "description": "d"}, {"key": "z", "value": "2", "enabled": false}],
            "pathVariables": {"id": "5"}, "dataMode": "urlencoded", "data": [{"key": "k", "value": "v", "enabled": false}],
            "currentHelper": "basicAuth", "helperAttributes": "{\"id\":\"basic\",\"username\":\"u\"}",
            "preRequestScript": "one\ntwo", "tests": "", "description": "<b>", "descriptionFormat": "html",
            "responses_order": ["s2", "s1"],
            "responses": [
                {"id": "s1", "name": "S1", "text": "body", "responseCode": {"code": 201, "name": "Created"}},
                {"id": "s2", "name": "S2", "headers": [{"key": "H", "value": "v"}], "request": {"url": "u", "method": "GET"}}
            ]
        }]
    });
    let expected = json!({
        "id": "r", "name": "R",
        "event": [{"listen": "prerequest", "script": {"type": "text/javascript", "exec": ["one", "two"]}}],
        "request": {
            "method": "PUT",
            "header": [{"key": "A", "value": "b"}, {"key": "Off", "value": "x", "disabled": true}],
            "body": {"mode": "urlencoded", "urlencoded": [{"key": "k", "value": "v", "disabled": true}]},
            "url": {
                "raw": "http://h/:id?a=1&b", "protocol": "http", "host": ["h"], "path": [":id"],
                "query": [{"key": "a", "value": "1", "description": "d"}, {"key": "z", "value": "2", "disabled": true}],
                "variable": [{"key": "id", "value": "5"}]
            },
            "description": {"content": "<b>", "type": "text/html"},
            "auth": {"type": "basic", "basic": [{"key": "username", "value": "u", "type": "string"}]}
        },
        "response": [
            {"id": "s2", "name": "S2", "header": [{"key": "H", "value": "v"}], "cookie": [],
                "originalRequest": {"method": "GET", "header": [], "url": {"raw": "u", "host": ["u"]}}},
            {"id": "s1", "name": "S1", "header": [], "cookie": [], "body": "body", "code": 201, "status": "Created"}
        ]
    });
    assert_eq!(round_trip(v1.to_string().as_bytes())["item"][0], expected);
}

#[test]
fn what_is_no_postman_file_is_named() {
    let foreign = |what: &str| {
        format!("recognising the file: it is {what}, not a Postman collection, environment or data dump")
    };
    let check_foreign = |input: &str, what: &str| check(input, &foreign(what));
    check_foreign("<!DOCTYPE html><html><body>Sign in</body></html>", "a web page (HTML)");
    check_foreign("<?xml version=\"1.0\"?><definitions/>", "an XML document");
    check_foreign(r#"{"openapi":"3.0.0","info":{"title":"x"},"paths":{}}"#, "an OpenAPI description");
    check_foreign("# API\nopenapi: 3.0.0\n", "an OpenAPI description");
    check_foreign(r#"{"swagger":"2.0"}"#, "an OpenAPI description");
    check_foreign(r#"{"log":{"version":"1.2","entries":[]}}"#, "an HTTP archive (HAR)");
    check_foreign("curl -X POST https://example.com \\\n -d a=b", "a cURL command");
    check_foreign("POST https://example.com HTTP/1.1\n", "a raw HTTP request");
    check_foreign(r#"{"_type":"export","__export_format":4,"resources":[]}"#, "an Insomnia export");
    check_foreign("type Query { a: Int }", "a GraphQL schema");
    check_foreign("API_KEY=abc\n", "a file of environment variables (.env)");
    check_foreign(r#"{"satchel_backup":1,"workspaces":[]}"#, "a backup of Satchel (restore it as one)");
    check_foreign(r#"{"name":"x","dependencies":{}}"#, "a package.json file");
    assert_eq!(seen(b"%PDF-1.7"), foreign("a PDF document"));
    assert_eq!(seen(b"\x1f\x8b\x08"), foreign("a gzip archive"));
    let unknown = |seen: &str| {
        format!(
            "recognising the file: it is JSON ({seen}), but no Postman collection, environment or data dump"
        )
    };
    check("{}", &unknown("an empty object"));
    check("[]", &unknown("an empty list"));
    check("[[[[[[{}]]]]]]", &unknown("lists in lists"));
    check(r#"{"a":1,"b":2}"#, &unknown("an object with a, b"));
    check("12", &unknown("one plain value"));
    check("", "reading JSON: there is nothing in it");
    check("hello", "reading JSON: line 1, column 1: expected value");
    check("{\"info\": {\n \"name\" \"x\"}}", "reading JSON: line 2, column 9: expected `:`");
}

#[test]
fn a_dump_comes_in_and_goes_out_as_json_and_as_zip() {
    let real: Vec<Value> =
        files("real").iter().map(|(_, bytes)| serde_json::from_slice(bytes).expect("it is JSON")).collect();
    let globals = json!([{"key": "g", "value": "1", "enabled": true}]);
    let content = json!({"version": 1, "collections": [real[0]], "environments": [real[1]],
        "headerPresets": [{"id": "p"}], "globals": globals});
    let file = read(content.to_string().as_bytes()).expect("it is a dump");
    assert_eq!(file.losses, ["1 header preset was left out"]);
    let all = items(&file);
    let out = dump::export(&all);
    assert_eq!(out["collections"], content["collections"]);
    assert_eq!(out["environments"], content["environments"]);
    assert_eq!(out["globals"], globals);
    let zip = dump::export_zip(&all).expect("writing to memory works");
    let again = read(&zip).expect("it is an archive");
    assert_eq!(again.losses, Vec::<String>::new());
    assert_eq!(again.source.to_string(), "Postman data dump (ZIP)");
    assert_eq!(dump::export(&items(&again)), out);
}

#[test]
fn a_broken_part_of_a_dump_is_a_loss_and_the_rest_comes_in() {
    check(
        r#"{"version":1,"collections":[{"x":1},{"id":"c","name":"C","order":[],"requests":[]}],"environments":[{"name":"E","values":[]}]}"#,
        "Postman data dump: collection C, environment E (collection 1 of the data dump was left out: \
         recognising the file: it is JSON (an object with x), but no Postman collection, environment or data dump)",
    );
    check(
        r#"{"collections":[],"environments":[],"globals":[]}"#,
        "importing a Postman data dump: there is nothing in it to import",
    );
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).expect("the name is right");
        writer.write_all(content).expect("writing to memory works");
    }
    writer.finish().expect("writing to memory works").into_inner()
}

#[test]
fn an_archive_is_read_within_limits_and_says_what_is_missing() {
    let environment = br#"{"name":"E","values":[]}"#;
    let index = br#"{"collection":{"a":true},"environment":{"e":true}}"#;
    let zip = zip_of(&[
        ("d/archive.json", index),
        ("d/environment/e.json", environment),
        ("d/notes.txt", b"x"),
        ("d/x.json", b"{}"),
    ]);
    assert_eq!(
        seen(&zip),
        "Postman data dump (ZIP): environment E (d/x.json of the archive was left out: recognising the file: \
         it is JSON (an empty object), but no Postman collection, environment or data dump; \
         files of kind collection that the archive names but does not have: 1)"
    );
    let broken = zip_of(&[("collection/a.json", b"{\"info\"")]);
    assert_eq!(
        seen(&broken),
        "reading collection/a.json of the archive: reading JSON: line 1, column 7: EOF while parsing an object"
    );
    assert_eq!(seen(&zip_of(&[])), "importing a Postman data dump (ZIP): there is nothing in it to import");
    assert!(seen(b"PK\x03\x04 and no archive").starts_with("unpacking the archive: "));
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("collection/a.json", SimpleFileOptions::default()).expect("the name is right");
    let spaces = vec![b' '; 1024 * 1024];
    for _ in 0..101 {
        writer.write_all(&spaces).expect("writing to memory works");
    }
    let zip = writer.finish().expect("writing to memory works").into_inner();
    assert!(zip.len() < 1024 * 1024);
    let error = read(&zip).expect_err("it is too large");
    assert!(error.is_limit(), "{error}");
}

#[test]
fn a_subtree_goes_out_as_a_collection() {
    let collection = br#"{"info":{"name":"C"},"item":[{"name":"F","description":"d","item":[{"name":"R","request":{"method":"GET"}}]}]}"#;
    let items = items(&read(collection).expect("it is a collection"));
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    let request = json!({"name": "R", "request": {"method": "GET"}});
    assert_eq!(
        export(&items[1..]),
        Some(json!({"info": {"name": "F", "schema": schema, "description": "d"}, "item": [request]}))
    );
    assert_eq!(
        export(&items[2..]),
        Some(json!({"info": {"name": "R", "schema": schema}, "item": [request]}))
    );
    assert_eq!(export(&items[..0]), None);
    assert_eq!(items[0].node.kind, Kind::Collection);
}
