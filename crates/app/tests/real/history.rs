//! History and trash in the real command line, against a real server.

use crate::stage::{Stage, collection};

#[test]
fn a_version_is_listed_compared_and_restored() {
    let stage = Stage::new();
    let app = stage.signed_up("laptop");
    let file = stage.file("shop.json", collection("Shop", 2));
    app.words(&["import", &file]).done();
    app.words(&["set", "Shop/Request 1", "description=planted"]).done();
    app.words(&["history", "Shop/Request 1"]).done().says(&["laptop", "request.description", "made"]);
    app.words(&["diff", "Shop/Request 1"]).done().says(&["--- version", "+++ now", "planted"]);
    app.words(&["restore", "Shop/Request 1"]).done().says(&["Acknowledged by the server"]);
    let shown = app.words(&["show", "Shop/Request 1"]).done().stdout();
    assert!(!shown.contains("planted"), "{shown}");
    let listed = app.words(&["history", "Shop/Request 1", "--json"]).done().json();
    let versions = listed["versions"].as_array().expect("a list");
    assert_eq!((versions.len(), &versions[0]["app"]), (3, &"laptop".into()), "{listed}");
    let number = versions[1]["version"].to_string();
    app.words(&["restore", "Shop/Request 1", "--version", &number]).done();
    assert!(app.words(&["show", "Shop/Request 1"]).done().stdout().contains("planted"));
    app.words(&["restore", "Shop/Request 1", "--version", "999"]).code(1).says(&["satchel history"]);
}

#[test]
fn the_trash_is_listed_restored_and_emptied_and_many_items_need_a_word() {
    let stage = Stage::new();
    let app = stage.signed_up("laptop");
    let file = stage.file("shop.json", collection("Shop", 30));
    app.words(&["import", &file]).done();
    app.words(&["rm", "Shop", "--bulk"]).done();
    app.run("trash").done().says(&["Shop", "with 30 items below"]);
    app.run("trash restore Shop").done();
    assert_eq!(app.run("ls --tree").done().stdout().lines().count(), 31);
    app.words(&["rm", "Shop", "--bulk"]).done();
    app.run("trash empty").code(3).says(&["--bulk"]);
    app.run("trash empty --bulk").done().says(&["31 items purged", "Acknowledged by the server"]);
    app.run("trash").done().says(&["The trash is empty"]);
    app.run("verify").done();
}

#[test]
fn the_scratch_pad_has_a_trash_and_no_history() {
    let stage = Stage::new();
    let app = stage.app("a");
    app.words(&["new", "collection", "Shop"]).done();
    app.run("history Shop").code(1).says(&["Scratch Pad", "satchel trash"]);
    app.run("rm Shop").done();
    app.run("restore Shop").done();
    app.run("rm Shop").done();
    app.run("trash empty").done().says(&["1 item purged"]);
    assert_eq!(app.json("trash")["items"].as_array().map(Vec::len), Some(0));
}
