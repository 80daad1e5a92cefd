//! Two and more apps of one account, as their users see them.

use crate::stage::{EMAIL, PASSWORD, Stage, collection};
use serde_json::Value;

fn is_in_sync(status: &Value) -> bool {
    status["state"] == "in_sync"
}

#[test]
fn an_import_in_one_app_is_equal_in_the_other() {
    let stage = Stage::new();
    let first = stage.signed_up("first");
    let file = stage.file("shop.json", collection("Shop", 20));
    first.words(&["import", &file]).done().says(&["Acknowledged by the server"]);
    let second = stage.signed_in("second");
    second.run("sync").done().says(&["In sync"]);
    assert_eq!(second.export(), first.export());
    second.run("verify").done();
    assert!(is_in_sync(&first.json("sync")));
}

#[test]
fn an_edit_arrives_by_itself_where_agents_run() {
    let stage = Stage::new();
    let mut first = stage.signed_up("first");
    let mut second = stage.signed_in("second");
    first.start_agent();
    second.start_agent();
    let file = stage.file("shop.json", collection("Shop", 2));
    first.words(&["import", &file]).done();
    second.until("ls --tree", |listing| listing.to_string().contains("Request 2"));
    first
        .words(&["set", "Shop/Request 1", "description=planted"])
        .done()
        .says(&["Acknowledged by the server"]);
    second.until("search planted", |found| found["hits"].as_array().is_some_and(|hits| !hits.is_empty()));
    first.words(&["rm", "Shop/Request 2"]).done();
    second.until("ls --tree", |listing| !listing.to_string().contains("Request 2"));
    second.words(&["new", "request", "Shop/Third", "url=https://example.com"]).done();
    first.until("ls --tree", |listing| listing.to_string().contains("Third"));
    assert!(is_in_sync(&first.json("sync")));
}

#[test]
fn both_offline_edits_stand_and_the_same_field_is_a_conflict_until_it_is_settled() {
    let mut stage = Stage::new();
    let first = stage.signed_up("first");
    let file = stage.file("shop.json", collection("Shop", 1));
    first.words(&["import", &file]).done();
    let second = stage.signed_in("second");
    second.run("sync").done();
    stage.stop();
    let item = "Shop/Request 1";
    first
        .words(&["set", item, "header.X-First=1", "url=https://first.example.com"])
        .done()
        .says(&["local store"]);
    second.words(&["set", item, "header.X-Second=2", "url=https://second.example.com"]).done();
    assert_eq!(first.json("status")["state"], "offline");
    stage.restart();
    first.run("sync").done();
    second.run("sync").done();
    first.run("sync").done();
    for app in [&first, &second] {
        let shown = app.words(&["show", item, "--json"]).done().json().to_string();
        assert!(shown.contains("X-First") && shown.contains("X-Second"), "{shown}");
        assert_eq!(app.json("conflicts")["conflicts"].as_array().map(Vec::len), Some(1));
    }
    second.words(&["conflicts", "resolve", item, "--local"]).done();
    second.run("sync").done();
    first.run("sync").done();
    for app in [&first, &second] {
        assert_eq!(app.json("conflicts")["conflicts"].as_array().map(Vec::len), Some(0));
    }
    assert_eq!(first.export(), second.export());
}

#[test]
fn signing_out_with_waiting_changes_needs_a_decision_and_signing_in_restores() {
    let mut stage = Stage::new();
    let app = stage.signed_up("first");
    let file = stage.file("shop.json", collection("Planted", 3));
    app.words(&["import", &file]).done();
    let before = app.export();
    stage.stop();
    app.words(&["new", "collection", "Waiting"]).done();
    let refused = app.run("signout --json").code(3).json();
    assert_eq!(refused["error"]["kind"], "changes_waiting");
    assert!(refused["error"]["count"].as_u64().is_some_and(|count| count > 0), "{refused}");
    app.run("signout").code(3).says(&["--export", "--discard", "satchel sync"]);
    let kept = stage.path("kept.json");
    app.words(&["signout", "--export", kept.to_str().expect("it is UTF-8")]).done();
    assert!(std::fs::read_to_string(&kept).expect("it is there").contains("Waiting"));
    assert_eq!(app.json("status")["reason"], "signed_out");
    stage.restart();
    app.sign("signin", EMAIL, PASSWORD, &[]).done();
    app.run("sync").done();
    assert_eq!(app.export(), before);
}

#[test]
fn the_fourth_app_is_told_who_holds_the_places_and_may_take_one() {
    let stage = Stage::new();
    let mut apps = vec![stage.signed_up("app1"), stage.signed_in("app2"), stage.signed_in("app3")];
    for app in &mut apps {
        app.start_agent();
        app.until("status", is_in_sync);
    }
    let fourth = stage.app("app4");
    let told = fourth.sign("signin", EMAIL, PASSWORD, &["--json"]).code(3).json();
    assert_eq!(told["error"]["kind"], "app_limit");
    assert_eq!(told["error"]["apps"].as_array().map(Vec::len), Some(3), "{told}");
    fourth.sign("signin", EMAIL, PASSWORD, &["--take-over", "app1"]).done();
    let evicted = apps[0].until("status", |status| status["state"] == "error");
    assert_eq!(evicted["reason"], "evicted");
    apps[0].run("status").done().says(&["take-place"]);
}

#[test]
fn a_deleted_account_is_gone_with_a_receipt() {
    let stage = Stage::new();
    let app = stage.signed_up("first");
    app.with_input(&["account", "delete", "--password-stdin"], "wrong\n").code(1).says(&["wrong"]);
    let receipt =
        app.with_input(&["account", "delete", "--password-stdin", "--json"], &format!("{PASSWORD}\n"));
    let receipt = receipt.done().json();
    assert!(receipt["receipt"].as_array().is_some_and(|lines| !lines.is_empty()), "{receipt}");
    app.sign("signin", EMAIL, PASSWORD, &[]).code(1);
}

#[test]
fn a_new_password_replaces_the_old_one_and_the_recovery_code_both() {
    let stage = Stage::new();
    let app = stage.app("first");
    let signed = app.sign("signup", EMAIL, PASSWORD, &["--json"]).done().json();
    let code = signed["recovery_code"].as_str().expect("it is there").to_owned();
    app.with_input(&["account", "password", "--password-stdin"], &format!("{PASSWORD}\nsecond one\n")).done();
    let second = stage.app("second");
    second.sign("signin", EMAIL, PASSWORD, &[]).code(1).says(&["wrong"]);
    second.sign("signin", EMAIL, "second one", &[]).done();
    let words = ["recover", "--server", stage.url(), "--email", EMAIL, "--password-stdin"];
    let third = stage.app("third");
    third.with_input(&words, &format!("{code}\nthird one\n")).done().says(&["Recovery code"]);
    stage.app("fourth").sign("signin", EMAIL, "second one", &[]).code(1);
}

#[test]
fn what_is_no_server_is_told_in_words() {
    let stage = Stage::new();
    let app = stage.app("a");
    let words =
        |url: &str| ["signin", "--server", url, "--email", EMAIL, "--password-stdin"].map(str::to_owned);
    app.with_input(&words("http://127.0.0.1:1"), "a\n").code(1).says(&["why:", "do:", "cannot be reached"]);
    app.with_input(&words("not a url"), "a\n").code(1).says(&["why:", "do:"]);
    app.with_input(&words("http://example.com"), "a\n").code(1).says(&["why:", "do:"]);
    let page = page();
    app.with_input(&words(&page), "a\n").code(1).says(&["not a Satchel server", "do:"]);
    app.run("sync").code(1).says(&["account"]);
}

/// The URL of a web page: every request is answered with HTML.
fn page() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4_096];
            drop(stream.read(&mut head));
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<html>hi</html>";
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    url
}

#[test]
fn not_in_sync_in_time_is_exit_code_4() {
    let mut stage = Stage::new();
    let app = stage.signed_up("first");
    stage.stop();
    app.run("new collection Waiting").done();
    app.run("sync --timeout 1s").code(4).says(&["why:", "status"]);
}

#[test]
fn two_accounts_in_turn_see_nothing_of_each_other() {
    let stage = Stage::new();
    let app = stage.signed_up("machine");
    app.run("new collection Planted").done();
    app.run("signout").done();
    app.sign("signup", "you@example.com", PASSWORD, &[]).done();
    assert!(!app.run("ls --tree").done().stdout().contains("Planted"));
    app.run("new collection Other").done();
    app.run("signout").done();
    app.sign("signin", EMAIL, PASSWORD, &[]).done();
    app.run("sync").done();
    let tree = app.run("ls --tree").done().stdout();
    assert!(tree.contains("Planted") && !tree.contains("Other"), "{tree}");
}

#[test]
fn nothing_in_a_home_can_be_read_before_or_after_the_sign_out() {
    let stage = Stage::new();
    let app = stage.signed_up("planted-app");
    let file = stage.file("shop.json", collection("Planted-name", 5));
    app.words(&["import", &file]).done();
    app.words(&["set", "Planted-name/Request 1", "description=planted-value"]).done();
    app.words(&["env", "set", "Dev", "token=planted-secret", "--secret"]).done();
    let check = || {
        let planted =
            ["Planted-name", "planted-value", "planted-secret", EMAIL, PASSWORD, stage.url(), "example.com"];
        for text in planted {
            assert!(!app.home_holds(text), "{text}");
        }
    };
    check();
    app.run("signout").done();
    check();
}

#[test]
fn a_watched_status_shows_every_change() {
    use std::io::{BufRead as _, BufReader};
    let mut stage = Stage::new();
    let mut app = stage.signed_up("first");
    app.start_agent();
    let mut child = app.command(&["status", "--watch", "--json"]).spawn().expect("it can be started");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut states = lines.map(|line| {
        let status: Value = serde_json::from_str(&line.expect("it can be read")).expect("it is JSON");
        status["state"].as_str().unwrap_or_default().to_owned()
    });
    assert!(states.any(|state| state == "in_sync"));
    stage.stop();
    assert!(states.any(|state| state == "offline"));
    stage.restart();
    assert!(states.any(|state| state == "in_sync"));
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
}
