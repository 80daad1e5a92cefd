//! Backups: everything out and in again, and what is none.

use serde_json::{Value as Json, json};

use super::Desk;
use super::script::{check, run};
use crate::api::{Call, ExportFormat, Reply};

fn backup(desk: &mut Desk) -> String {
    match desk.call(&Call::CreateBackup) {
        Ok(Reply::Exported { files, .. }) => files[0].content.clone(),
        other => panic!("{other:?}"),
    }
}

fn everything(desk: &mut Desk) -> String {
    let scripts = ["tree", "envs", "env Dev secrets", "show Shop/Cart/Get"];
    scripts.map(|script| run(desk, script)).concat()
}

fn fill(desk: &mut Desk) {
    run(
        desk,
        "
        new collection Shop
        new folder Shop/Cart
        new request Shop/Cart/Get url=http://a.test/:id?b=1 header.Accept=x
        new example Shop/Cart/Get/Empty
        new request Shop/Cart/Gone
        rm Shop/Cart/Gone
        setenv Dev host=a !token=hunter2 !!team=hunter3
        setenv Dev ~host=current
        ",
    );
}

#[test]
fn a_backup_brings_everything_back() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    let mut other = Desk::new(None, 7);
    other.file("backup", &backup(&mut desk));
    check(&mut other, "restore backup", "imported Shop, Dev: +6 ~0 -0");
    assert_eq!(everything(&mut other), everything(&mut desk));
    assert!(!other.stored("Gone").fields.is_empty(), "the trash comes along");
    assert!(!format!("{:?}", other.stored("Dev")).contains("hunter2"), "a secret stays local");
}

#[test]
fn a_backup_is_imported_like_any_file() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    let mut other = Desk::new(None, 7);
    other.file("backup", &backup(&mut desk));
    check(
        &mut other,
        "
        import backup dry
        ls
        import backup replace
        import backup
        ls
        ",
        "
        would be imported : +6 ~0 -0
        ! invalid: importing backup: a backup comes in beside what is here; leave the mode out
        imported Shop, Dev: +6 ~0 -0
        collection Shop
        environment Dev
        ",
    );
}

#[test]
fn a_secret_in_a_foreign_backup_stays_on_this_device() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    let content = backup(&mut desk).replace("\"value\": \"a\"", "\"value\": \"hunter9\"");
    let content = content.replacen("\"type\": \"default\"", "\"type\": \"secret\"", 1);
    assert!(content.contains("hunter9"));
    let mut other = Desk::new(None, 7);
    other.file("backup", &content);
    run(&mut other, "restore backup");
    assert!(!format!("{:?}", other.stored("Dev")).contains("hunter9"));
    assert!(run(&mut other, "env Dev secrets").contains("host=hunter9"));
}

#[test]
fn a_workspace_comes_back_as_a_new_one() {
    let mut desk = Desk::signed_in();
    fill(&mut desk);
    let content = backup(&mut desk);
    desk.file("backup", &content);
    let answer = run(&mut desk, "restore backup");
    assert!(answer.contains("+6 ~0 -0"), "{answer}");
    check(
        &mut desk,
        "workspaces",
        "
        Scratch Pad 0
        * Work 5
        Work 5
        ",
    );
    let mut signed_out = Desk::scratch();
    run(&mut signed_out, "new collection Here");
    signed_out.file("backup", &content);
    check(
        &mut signed_out,
        "
        restore backup
        ls
        ",
        "
        imported Shop, Dev: +6 ~0 -0
        collection Here
        collection Shop
        environment Dev
        ",
    );
}

#[test]
fn a_backup_without_secrets_holds_none() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    let call = Call::Export { paths: Vec::new(), all: true, format: ExportFormat::Satchel, secrets: false };
    let Ok(Reply::Exported { files, omitted }) = desk.call(&call) else { panic!("it can be written") };
    assert!(!files[0].content.contains("hunter") && !files[0].content.contains("current"));
    assert_eq!(omitted, ["3 secret or current values of variables: they were not asked for"]);
    let whole = backup(&mut desk);
    assert!(whole.contains("hunter2") && whole.contains("current"));
}

#[test]
fn a_backup_of_the_same_state_is_the_same_file() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    assert_eq!(backup(&mut desk), backup(&mut desk));
}

#[test]
fn what_is_no_backup_changes_nothing() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    let good: Json = serde_json::from_str(&backup(&mut desk)).expect("it is JSON");
    let broken = |pointer: &str, value: Json| {
        let mut broken = good.clone();
        *broken.pointer_mut(pointer).expect("it is there") = value;
        broken.to_string()
    };
    let files = [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        "[".repeat(10_000),
        broken("/satchel_backup", json!(2)),
        broken("/workspaces", json!({})),
        broken("/workspaces/0/id", json!("xyz")),
        broken("/workspaces/0/items/1/node", json!({})),
        broken("/workspaces/0/items/1/body", json!("{")),
        broken("/workspaces/0/local", json!({"x": {}})),
        broken("/workspaces/0/name", json!("a\nb")),
    ];
    let mut other = Desk::new(None, 8);
    for file in files {
        other.file("backup", &file);
        let answer = run(&mut other, "restore backup");
        assert!(answer.starts_with("! invalid: restoring backup: "), "{file:.60}: {answer}");
    }
    assert_eq!(other.edits, 0);
}

#[test]
fn items_that_name_each_other_as_parents_are_recovered() {
    let mut desk = Desk::scratch();
    fill(&mut desk);
    let mut backup: Json = serde_json::from_str(&backup(&mut desk)).expect("it is JSON");
    let (cart, shop) = (desk.id("Cart").to_string(), desk.id("Shop").to_string());
    for item in backup["workspaces"][0]["items"].as_array_mut().into_iter().flatten() {
        if item["id"] == json!(shop) {
            let node = item["node"].to_string();
            let root = "0".repeat(32);
            item["node"] = json!(node.replace(&root, &cart));
        }
    }
    let mut other = Desk::new(None, 8);
    other.file("backup", &backup.to_string());
    let answer = run(&mut other, "restore backup");
    assert!(answer.starts_with("imported "), "{answer}");
    let tree = run(&mut other, "tree");
    assert!(tree.contains("recovered Recovered") && tree.contains("request GET Get"), "{tree}");
}
