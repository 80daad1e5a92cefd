//! Importing: once, again in each mode, without changing anything, and what is not a file of Postman.

use serde_json::{Value as Json, json};

use super::Desk;
use super::script::{check, run};
use crate::api::{Call, ErrorKind, Source};

fn request(name: &str, url: &str) -> Json {
    json!({"name": name, "request": {"method": "GET", "url": url, "header": [{"key": "A", "value": "1"}]}, "response": []})
}

fn collection(id: Option<&str>, items: &[Json]) -> String {
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    let mut info = json!({"name": "Shop", "schema": schema});
    if let Some(id) = id {
        info["_postman_id"] = json!(id);
    }
    json!({"info": info, "item": items}).to_string()
}

fn folder(name: &str, items: &[Json]) -> Json {
    json!({"name": name, "item": items})
}

fn desk(id: Option<&str>) -> Desk {
    let mut desk = Desk::scratch();
    desk.file(
        "first",
        &collection(
            id,
            &[folder("Cart", &[request("Get", "http://a.test/1"), request("Put", "http://a.test/2")])],
        ),
    );
    desk.file(
        "second",
        &collection(
            id,
            &[folder("Cart", &[request("New", "http://a.test/3"), request("Get", "http://b.test/1")])],
        ),
    );
    desk
}

const IDS: [Option<&str>; 2] = [None, Some("0a1b")];

#[test]
fn a_file_comes_in_as_one_edit() {
    let mut desk = desk(None);
    check(
        &mut desk,
        "
        import first
        tree
        ",
        "
        imported Shop: +4 ~0 -0
        collection Shop
          folder Cart
            request GET Get
            request GET Put
        ",
    );
    assert_eq!(desk.edits, 1);
}

#[test]
fn a_second_import_needs_a_decision() {
    for id in IDS {
        let mut desk = desk(id);
        check(
            &mut desk,
            "
            import first
            import second
            import second dry
            ",
            "
            imported Shop: +4 ~0 -0
            ! import_exists: importing second:  [Shop]
            ! import_exists: importing second:  [Shop]
            ",
        );
        assert_eq!(desk.edits, 1);
    }
}

#[test]
fn another_collection_of_that_name_is_another_one() {
    let mut desk = desk(Some("one"));
    desk.file("other", &collection(Some("two"), &[]));
    check(
        &mut desk,
        "
        import first
        import other
        ls
        ",
        "
        imported Shop: +4 ~0 -0
        imported Shop: +1 ~0 -0
        collection Shop
        collection Shop
        ",
    );
}

#[test]
fn a_copy_stands_beside() {
    for id in IDS {
        check(
            &mut desk(id),
            "
            import first
            import first copy
            tree
            ",
            "
            imported Shop: +4 ~0 -0
            imported Shop: +4 ~0 -0
            collection Shop
              folder Cart
                request GET Get
                request GET Put
            collection Shop
              folder Cart
                request GET Get
                request GET Put
            ",
        );
    }
}

#[test]
fn a_merge_updates_adds_and_keeps() {
    for id in IDS {
        let mut desk = desk(id);
        check(
            &mut desk,
            "
            import first
            import first merge
            set Shop/Cart/Put description=mine
            import second merge dry
            import second merge
            import second merge
            tree
            ",
            "
            imported Shop: +4 ~0 -0
            imported Shop: +0 ~0 -0
            changed request GET Shop/Cart/Put
            would be imported Shop: +1 ~1 -0
            imported Shop: +1 ~1 -0
            imported Shop: +0 ~0 -0
            collection Shop
              folder Cart
                request GET Get
                request GET Put
                request GET New
            ",
        );
        let shown = run(&mut desk, "show Shop/Cart/Get");
        assert!(shown.contains("http://b.test/1"), "{shown}");
        let shown = run(&mut desk, "show Shop/Cart/Put");
        assert!(shown.contains("mine"), "{shown}");
    }
}

#[test]
fn a_replace_takes_away_what_the_file_does_not_name() {
    for id in IDS {
        let mut desk = desk(id);
        check(
            &mut desk,
            "
            import first
            import second replace dry
            tree Shop/Cart
            import second replace
            import second replace
            tree
            ",
            "
            imported Shop: +4 ~0 -0
            would be imported Shop: +1 ~1 -1
            request GET Get
            request GET Put
            imported Shop: +1 ~1 -1
            imported Shop: +0 ~0 -0
            collection Shop
              folder Cart
                request GET New
                request GET Get
            ",
        );
        assert!(!desk.stored("Put").fields.is_empty(), "it lies in the trash");
    }
}

#[test]
fn items_with_ids_are_known_wherever_they_stand_and_whatever_their_name() {
    let with_id = |name: &str, id: &str| {
        let mut item = request(name, "http://a.test");
        item["id"] = json!(id);
        item
    };
    let mut desk = Desk::scratch();
    desk.file(
        "first",
        &collection(Some("c"), &[folder("Cart", &[with_id("Get", "r1")]), folder("Old", &[])]),
    );
    desk.file(
        "second",
        &collection(Some("c"), &[folder("Cart", &[]), folder("Old", &[with_id("Fetch", "r1")])]),
    );
    run(&mut desk, "import first");
    let id = desk.id("Get");
    check(
        &mut desk,
        "
        import second merge
        tree
        ",
        "
        imported Shop: +0 ~1 -0
        collection Shop
          folder Cart
          folder Old
            request GET Fetch
        ",
    );
    assert_eq!(desk.id("Fetch"), id);
}

#[test]
fn a_secret_of_a_file_stays_on_this_device() {
    let mut desk = Desk::scratch();
    let environment = |value: &str, shared: bool| {
        let mut variable = json!({"key": "token", "value": value, "type": "secret", "enabled": true});
        if shared {
            variable["satchelShared"] = json!(true);
        }
        json!({"id": "e1", "name": "Dev", "values": [variable], "_postman_variable_scope": "environment"})
            .to_string()
    };
    desk.file("with", &environment("hunter2", true));
    desk.file("without", &environment("", false));
    desk.file("newer", &environment("hunter3", false));
    let env = |value: &str, word: &str| format!("environment Dev\n  token={value} now - {word}");
    check(&mut desk, "import with", "imported Dev: +1 ~0 -0");
    assert!(!format!("{:?}", desk.stored("Dev")).contains("hunter"), "a file shares nothing");
    check(&mut desk, "env Dev secrets", &env("hunter2", "secret"));
    check(&mut desk, "import without merge", "imported Dev: +0 ~0 -0");
    check(&mut desk, "env Dev secrets", &env("hunter2", "secret"));
    run(&mut desk, "import newer replace");
    check(&mut desk, "env Dev secrets", &env("hunter3", "secret"));
    assert!(!format!("{:?}", desk.stored("Dev")).contains("hunter"));
    run(&mut desk, "setenv Dev !!token=hunter4\nimport without merge");
    check(&mut desk, "env Dev secrets", &env("hunter4", "shared secret"));
}

#[test]
fn there_is_one_set_of_globals() {
    let mut desk = Desk::scratch();
    let globals = json!({"name": "My Globals", "values": [{"key": "a", "value": "1"}], "_postman_variable_scope": "globals"});
    desk.file("globals", &globals.to_string());
    run(&mut desk, "setenv globals a=0");
    check(
        &mut desk,
        "
        import globals
        import globals merge
        env globals
        ",
        "
        ! import_exists: importing globals:  [Globals]
        imported My Globals: +0 ~1 -0
        globals My Globals
          a=1 now -
        ",
    );
}

#[test]
fn what_is_no_file_changes_nothing() {
    let mut desk = Desk::scratch();
    desk.file("empty", "");
    desk.file("text", "hello");
    desk.file("cut", &collection(None, &[request("Get", "http://a.test")])[..100]);
    desk.file("deep", &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    desk.file("other", "{\"a\": 1}");
    desk.file("null", "null");
    for name in ["empty", "text", "cut", "deep", "other", "null"] {
        let answer = run(&mut desk, &format!("import {name}"));
        let kind = if name == "deep" { "! too_large" } else { "! invalid" };
        assert!(answer.starts_with(kind), "{name}: {answer}");
    }
    assert_eq!(desk.edits, 0);
}

#[test]
fn a_source_that_cannot_be_read_is_refused() {
    let mut desk = Desk::scratch();
    let mut check = |source: Source, kind, detail: &str| {
        let call = Call::Import { source, mode: None, dry_run: false };
        let error = desk.call(&call).expect_err("it cannot be read");
        assert_eq!((error.kind, error.detail.as_str()), (kind, detail));
    };
    let path = |path: &str| Source::Path(path.to_owned());
    check(path("/nowhere/file.json"), ErrorKind::Invalid, "there is no such file");
    check(path("/"), ErrorKind::Invalid, "that is a folder; name the file in it");
    let content = "no base64!".to_owned();
    check(
        Source::Base64 { name: "bad".to_owned(), content },
        ErrorKind::Invalid,
        "Invalid symbol 32, offset 2.",
    );
}

#[test]
fn a_failed_import_leaves_nothing() {
    let mut desk = desk(None);
    let environment = json!({
        "name": "Dev", "values": [{"key": "token", "value": "hunter2", "type": "secret"}],
        "_postman_variable_scope": "environment"
    });
    desk.file("secret", &environment.to_string());
    desk.broken = true;
    check(
        &mut desk,
        "
        import first
        import secret
        ls
        ",
        "
        ! local_store: storing a change: the disk is full
        ! local_store: storing a change: the disk is full
        ",
    );
    assert!(desk.local.values().all(std::collections::BTreeMap::is_empty));
}

#[test]
fn hostile_names_and_shapes_come_in_without_harm() {
    let mut desk = Desk::scratch();
    let items = [
        json!({"name": "../../etc/passwd\u{0}\n", "request": "http://a.test"}),
        json!({"name": 5, "request": {"method": ["GET"], "url": {"query": "no list", "raw": 7}, "header": "A: 1\nB"}}),
        json!({"name": "", "item": null}),
        json!({"request": null, "event": {"listen": "test"}, "response": [null, 5, {"name": "r"}]}),
        json!(null),
        json!({"name": "$noName", "$noName": true, "request": {"url": {"$raw": true}}}),
    ];
    desk.file("hostile", &collection(None, &items));
    let answer = run(&mut desk, "import hostile");
    assert!(answer.starts_with("imported Shop: +"), "{answer}");
    run(&mut desk, "import hostile merge");
    let again = run(&mut desk, "import hostile merge");
    assert!(again.starts_with("imported Shop: +0 ~0 -0"), "{again}");
    let tree = run(&mut desk, "tree");
    assert!(tree.lines().count() >= 6, "{tree}");
    for line in tree.lines().skip(1) {
        assert!(!line.contains('\u{0}'), "{line}");
    }
}

#[test]
fn a_large_collection_is_matched_in_linear_time() {
    let requests: Vec<_> =
        (0..3_000).map(|at| request(&format!("Same {}", at % 3), "http://a.test")).collect();
    let mut desk = Desk::scratch();
    desk.file("large", &collection(None, &[folder("All", &requests)]));
    check(
        &mut desk,
        "
        import large
        import large merge
        import large replace
        ",
        "
        imported Shop: +3002 ~0 -0
        imported Shop: +0 ~0 -0
        imported Shop: +0 ~0 -0
        ",
    );
}
