//! Processes that are killed in the middle of their work.

use std::collections::BTreeSet;

use crate::process::Server;
use crate::stage::{App, EMAIL, PASSWORD, collection};

const REQUESTS: usize = 5_000;

#[test]
fn a_server_killed_in_the_middle_of_an_import_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut server = Server::start(&folder.path().join("server"));
    let app = |name: &str| App::at(folder.path().join(name), &server.url());
    let (mut first, mut second) = (app("first"), app("second"));
    first.sign("signup", EMAIL, PASSWORD, &["--app-name", "first"]).done();
    second.sign("signin", EMAIL, PASSWORD, &["--app-name", "second"]).done();
    first.start_agent();
    second.start_agent();
    let file = folder.path().join("big.json");
    std::fs::write(&file, collection("Big", REQUESTS)).expect("it can be written");
    first.words(&["import", file.to_str().expect("it is UTF-8"), "--no-wait", "--quiet"]).done();
    // The server has some of it, and not yet all of it.
    let all = u64::try_from(REQUESTS).expect("it fits");
    first.until("status", |status| status["pending"]["up"].as_u64().is_some_and(|up| up > 0 && up < all));
    server.kill_and_restart();
    for app in [&first, &second, &first] {
        app.run("sync --timeout 60s").done();
    }
    assert_eq!(first.json("status")["state"], "in_sync");
    assert_eq!(second.json("status")["state"], "in_sync");
    assert_eq!(second.export(), first.export());
    let listing = second.json("ls --tree");
    let names: Vec<&str> = listing["items"]
        .as_array()
        .expect("there are items")
        .iter()
        .filter(|item| item["kind"] == "request")
        .filter_map(|item| item["name"].as_str())
        .collect();
    assert_eq!(names.len(), REQUESTS);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), REQUESTS);
    for app in [&first, &second] {
        app.run("verify").done();
    }
}

#[test]
fn what_was_acknowledged_outlives_an_agent_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Server::start(&folder.path().join("server"));
    let mut app = App::at(folder.path().join("first"), &server.url());
    app.sign("signup", EMAIL, PASSWORD, &[]).done();
    app.run("new collection Shop").done();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        app.start_agent();
        let names: Vec<String> = (0..8).map(|number| format!("Request {round}-{number}")).collect();
        let edits = names.iter().map(|name| {
            let mut edit = app.command(&["new", "request", &format!("Shop/{name}")]);
            (name, edit.spawn().expect("it can be started"))
        });
        let edits: Vec<_> = edits.collect();
        app.kill_agent();
        for (name, edit) in edits {
            if edit.wait_with_output().expect("it can be waited for").status.success() {
                acknowledged.push(name.clone());
            }
        }
    }
    app.run("sync").done();
    let tree = app.run("ls --tree").done().stdout();
    for name in &acknowledged {
        assert_eq!(tree.matches(name.as_str()).count(), 1, "{name} in {tree}");
    }
    app.run("verify").done();
}
