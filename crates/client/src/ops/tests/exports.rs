//! Exporting: what the files hold, what they are called, and that they are the same everywhere.

use serde_json::{Value as Json, json};

use super::script::run;
use super::{Desk, Seeded};
use crate::api::{Call, ErrorKind, ExportFormat, ExportedFile, Reply};

fn export(
    desk: &mut Desk,
    paths: &[&str],
    format: ExportFormat,
    secrets: bool,
) -> (Vec<ExportedFile>, Vec<String>) {
    let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
    let call = Call::Export { all: paths.is_empty(), paths, format, secrets };
    match desk.call(&call) {
        Ok(Reply::Exported { files, omitted }) => (files, omitted),
        other => panic!("{other:?}"),
    }
}

fn json_of(file: &ExportedFile) -> Json {
    serde_json::from_str(&file.content).expect("an export is JSON")
}

fn names(files: &[ExportedFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

fn filled() -> Desk {
    let mut desk = Desk::scratch();
    run(
        &mut desk,
        "
        new collection Shop
        new folder Shop/Cart
        new request Shop/Cart/Get url=http://a.test/:id?b=1 header.Accept=x script.test=one\\ntwo
        new example Shop/Cart/Get/Empty
        new request Shop/Cart/Gone
        rm Shop/Cart/Gone
        new collection 'a\\/b'
        setenv Dev host=a !token=hunter2 !!team=hunter3 ~host=current
        setenv globals g=1
        ",
    );
    desk
}

#[test]
fn each_item_is_a_file_of_its_own() {
    let mut desk = filled();
    let (files, omitted) = export(&mut desk, &[], ExportFormat::Postman, false);
    assert_eq!(
        names(&files),
        [
            "Shop.postman_collection.json",
            "a_b.postman_collection.json",
            "Dev.postman_environment.json",
            "workspace.postman_globals.json"
        ]
    );
    assert!(
        files
            .iter()
            .all(|file| file.text && !file.content.contains("hunter") && !file.content.contains("current"))
    );
    assert_eq!(
        omitted,
        [
            "2 values of secret variables: they were not asked for",
            "1 current value: they stay on this device",
            "1 item in the trash: restore them to export them"
        ]
    );
    let shop = json_of(&files[0]);
    assert_eq!(shop["info"]["name"], json!("Shop"));
    let get = &shop["item"][0]["item"][0];
    assert_eq!(get["request"]["url"]["raw"], json!("http://a.test/:id?b=1"), "{get}");
    assert_eq!(get["response"][0]["name"], json!("Empty"));
    assert_eq!(shop["item"][0]["item"].as_array().map(Vec::len), Some(1));
}

#[test]
fn secrets_are_in_the_file_only_when_asked_for() {
    let mut desk = filled();
    let (files, omitted) = export(&mut desk, &["Dev"], ExportFormat::Postman, true);
    let values = json_of(&files[0])["values"].clone();
    let of =
        |key: &str| values.as_array().into_iter().flatten().find(|value| value["key"] == json!(key)).cloned();
    assert_eq!(of("token").map(|value| value["value"].clone()), Some(json!("hunter2")), "{values}");
    assert_eq!(of("team").map(|value| value["value"].clone()), Some(json!("hunter3")), "{values}");
    assert!(!files[0].content.contains("satchelShared"));
    assert_eq!(omitted, ["1 current value: they stay on this device"]);
}

#[test]
fn a_part_of_a_collection_becomes_one() {
    let mut desk = filled();
    let (files, _) =
        export(&mut desk, &["Shop/Cart", "Shop/Cart/Get", "Shop/Cart"], ExportFormat::Postman, false);
    assert_eq!(names(&files), ["Cart.postman_collection.json", "Get.postman_collection.json"]);
    assert_eq!(json_of(&files[0])["item"][0]["name"], json!("Get"));
    assert_eq!(json_of(&files[1])["item"][0]["response"][0]["name"], json!("Empty"));
}

#[test]
fn the_same_state_makes_the_same_bytes() {
    let export_all = |desk: &mut Desk| {
        [ExportFormat::Postman, ExportFormat::Dump].map(|format| export(desk, &[], format, false).0)
    };
    let mut first = filled();
    let mut second = filled();
    second.rng = Seeded(77);
    let mut third = Desk::new(None, 99); // other ids, other order keys
    let script = "
        new collection Shop
        new folder Shop/Cart
        new request Shop/Cart/Get script.test=one\\ntwo header.Accept=y url=http://a.test/:id?b=1
        new example Shop/Cart/Get/Empty
        set Shop/Cart/Get header.Accept=x
        new collection 'a\\/b'
    ";
    run(&mut third, script);
    run(&mut third, "setenv Dev host=a !token= !!team=other\nsetenv globals g=1");
    assert_eq!(export_all(&mut first), export_all(&mut second));
    let (one, other) = (
        export(&mut first, &["Shop", "Dev"], ExportFormat::Postman, false),
        export(&mut third, &["Shop", "Dev"], ExportFormat::Postman, false),
    );
    assert_eq!(one.0, other.0);
}

#[test]
fn an_export_comes_in_again_as_it_was() {
    for format in [ExportFormat::Postman, ExportFormat::Dump] {
        let mut desk = filled();
        let (files, _) = export(&mut desk, &[], format, true);
        let mut other = Desk::new(None, 5);
        for file in &files {
            other.file(&file.name, &file.content);
            let answer = run(&mut other, &format!("import '{}'", file.name));
            assert!(answer.starts_with("imported "), "{answer}");
        }
        let again = export(&mut other, &[], format, true).0;
        assert_eq!(names(&again), names(&files));
        assert!(again.iter().zip(&files).all(|(again, file)| json_of(again) == json_of(file)));
        for file in &files {
            let answer = run(&mut other, &format!("import '{}' merge", file.name));
            assert!(answer.contains("+0 ~0 -0"), "{}: {answer}", file.name);
        }
    }
}

#[test]
fn an_export_that_is_not_clear_is_refused() {
    let mut desk = filled();
    let mut check = |paths: &[&str], all, format, kind| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let error =
            desk.call(&Call::Export { paths, all, format, secrets: false }).expect_err("it is refused");
        assert_eq!(error.kind, kind, "{error:?}");
    };
    check(&[], false, ExportFormat::Postman, ErrorKind::Invalid);
    check(&["Shop"], true, ExportFormat::Postman, ErrorKind::Invalid);
    check(&["Shop"], false, ExportFormat::Satchel, ErrorKind::Invalid);
    check(&["Nowhere"], false, ExportFormat::Postman, ErrorKind::NotFound);
}

#[test]
fn what_lost_its_place_is_exported_too() {
    let mut desk = filled();
    let workspace = desk.workspace();
    let id = desk.id("Get");
    let mut node = desk.engine.nodes(workspace).expect("it is here")[&id].clone();
    node.position.parent = satchel_model::RecordId([7; 16]);
    let change = satchel_sync::Change { record: id, node: Some(node), body: None };
    super::Profile::edit(&mut desk, workspace, vec![change]).expect("it can be stored");
    assert!(run(&mut desk, "tree").ends_with("recovered Recovered\n  request GET Get\n    example Empty\n"));
    assert_eq!(run(&mut desk, "ls Recovered"), "request GET Get\n");
    assert!(run(&mut desk, "show Recovered/Get").starts_with("request GET Recovered/Get {"));
    let (files, _) = export(&mut desk, &[], ExportFormat::Postman, false);
    let file =
        files.iter().find(|file| file.name == "Recovered.postman_collection.json").expect("it is there");
    assert_eq!(json_of(file)["item"][0]["name"], json!("Get"));
}
