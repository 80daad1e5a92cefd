//! Both apps offline, both edit the same request: what stands, and what is a conflict.

use crate::stage::{App, Stage, collection};

/// Two apps that hold the same collection, and their server.
fn pair() -> (Stage, App, App) {
    let stage = Stage::new();
    let first = stage.signed_up("first");
    let file = stage.file("shop.json", collection("Shop", 3));
    first.words(&["import", &file]).done();
    first.words(&["new", "folder", "Shop/Old"]).done();
    let second = stage.signed_in("second");
    second.run("sync").done();
    (stage, first, second)
}

fn meet(first: &App, second: &App) {
    for app in [first, second, first] {
        app.run("sync").done();
    }
    assert_eq!(first.export(), second.export());
}

fn conflicts(app: &App) -> usize {
    app.json("conflicts")["conflicts"].as_array().map_or(0, Vec::len)
}

#[test]
fn different_fields_elements_and_positions_of_one_request_both_stand() {
    let (mut stage, first, second) = pair();
    stage.stop();
    let item = "Shop/Request 1";
    first.words(&["set", item, "method=PATCH", "header.X-First=1", "query.first=1"]).done();
    second.words(&["set", item, "description=of the second", "header.X-Second=2", "query.second=2"]).done();
    second.words(&["set", item, "--unset", "header.Accept"]).done();
    first.words(&["mv", item, "Shop/Old"]).done();
    second.words(&["mv", "Shop/Request 3", "Shop", "--before", "Shop/Request 2"]).done();
    stage.restart();
    meet(&first, &second);
    for app in [&first, &second] {
        let document = app.words(&["show", "Shop/Old/Request 1", "--json"]).done().json();
        let text = document.to_string();
        for words in ["PATCH", "X-First", "X-Second", "of the second", "first=1", "second=2"] {
            assert!(text.contains(words), "`{words}` is not in {text}");
        }
        assert!(!text.contains("application/json"), "{text}");
        let tree = app.run("ls --tree").done().stdout();
        let place = |name: &str| tree.find(name).unwrap_or_else(|| panic!("{name} is not in {tree}"));
        assert!(place("Request 3") < place("Request 2"), "{tree}");
        assert_eq!(conflicts(app), 0);
    }
}

#[test]
fn a_conflict_is_in_both_can_be_settled_in_either_and_is_gone_from_both() {
    let (mut stage, first, second) = pair();
    let item = "Shop/Request 1";
    let check = |stage: &mut Stage, settler: &App, round: usize, choice: &str, expected: &str| {
        stage.stop();
        first.words(&["set", item, &format!("url=https://first-{round}.example.com/")]).done();
        second.words(&["set", item, &format!("url=https://second-{round}.example.com/")]).done();
        stage.restart();
        meet(&first, &second);
        assert_eq!((conflicts(&first), conflicts(&second)), (1, 1));
        assert_eq!(first.json("status")["conflicts"], 1);
        settler.words(&["conflicts", "resolve", item, choice]).done();
        meet(&first, &second);
        assert_eq!((conflicts(&first), conflicts(&second)), (0, 0));
        for app in [&first, &second] {
            app.words(&["show", item]).done().says(&[&format!("https://{expected}-{round}.example.com/")]);
        }
    };
    // The first app's value reached the server first, so it shows.
    check(&mut stage, &first, 1, "--local", "second");
    check(&mut stage, &second, 2, "--local", "second");
    check(&mut stage, &first, 3, "--server", "first");
    check(&mut stage, &second, 4, "--server", "first");
}
