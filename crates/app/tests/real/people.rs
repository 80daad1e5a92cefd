//! Several people with a home each on one server: invitations, roles, drafts and removal from the command line.

use serde_json::Value;

use crate::stage::{App, EMAIL, PASSWORD, Stage};

const BEN: &str = "ben@example.com";
const CAT: &str = "cat@example.com";

/// An app of a new account, with an agent.
fn person(stage: &Stage, email: &str) -> App {
    let mut app = stage.app(email.split('@').next().expect("there is a first part"));
    app.sign("signup", email, PASSWORD, &[]).done();
    app.start_agent();
    app
}

/// Brings a person into Ada's workspace by a link of this role.
fn bring(ada: &App, person: &App, role: &str) {
    let invited = ada.json(&format!("workspace invite --role {role} --workspace Shop"));
    let link = invited["link"].as_str().expect("a link is shown").to_owned();
    person.with_input(&["workspace", "join", "-"], &format!("{link}\n")).done();
    person.until("workspace list", |listed| listed.to_string().contains("\"Shop\""));
}

fn await_text(app: &App, text: &str) {
    app.until(&format!("search {text} --workspace Shop"), |found| {
        found["hits"].as_array().is_some_and(|hits| !hits.is_empty())
    });
}

fn count(document: &Value, list: &str) -> usize {
    document[list].as_array().map_or(usize::MAX, Vec::len)
}

fn shop(status: &Value) -> &Value {
    let workspaces = status["workspaces"].as_array().expect("they are listed");
    workspaces.iter().find(|workspace| workspace["name"] == "Shop").expect("Shop is there")
}

#[test]
fn people_are_invited_by_links_their_roles_hold_and_who_is_removed_is_told() {
    let stage = Stage::new();
    let [ada, ben, cat] = [EMAIL, BEN, CAT].map(|email| person(&stage, email));
    ada.run("workspace create Shop").done();
    ada.run("new collection Cart --workspace Shop").done().says(&["Acknowledged by the server"]);
    bring(&ada, &ben, "editor");
    bring(&ada, &cat, "viewer");
    let members = ada.run("workspace members --workspace Shop").done();
    members.says(&["me@example.com (you)  admin", "ben@example.com  editor", "cat@example.com  viewer"]);

    await_text(&ben, "Cart");
    ben.run("set Cart description=planted --workspace Shop").done().says(&["Acknowledged by the server"]);
    await_text(&ada, "planted");
    await_text(&cat, "planted");
    ada.run("history --workspace Shop").done().says(&[BEN, "changed Cart", "member added"]);

    cat.run("set Cart description=sketched --workspace Shop").done().says(&["local store"]);
    assert_eq!(shop(&cat.json("status"))["drafts"], 1);
    cat.run("drafts --workspace Shop").done().says(&["Cart"]);
    cat.run("workspace invite --workspace Shop").code(1).says(&["role does not allow", "ask an admin"]);
    cat.run("drafts discard --workspace Shop").done().says(&["1 item"]);
    cat.run("drafts --workspace Shop").done().says(&["No changes"]);

    let words = ada.json("fingerprint")["words"].as_str().expect("there are words").to_owned();
    cat.words(&["fingerprint", EMAIL, "--workspace", "Shop"]).done().says(&[&words]);

    ada.words(&["workspace", "remove", BEN, "--workspace", "Shop"]).done().says(&["new key"]);
    ben.until("status", |status| shop(status)["reason"] == "gone");
    ben.run("status").done().says(&["no member any more"]);
    ada.run("set Cart description=afterwards --workspace Shop").done().says(&["Acknowledged by the server"]);
    await_text(&cat, "afterwards");
}

#[test]
fn a_team_is_made_joined_and_deleted() {
    let stage = Stage::new();
    let [ada, ben] = [EMAIL, BEN].map(|email| person(&stage, email));
    ada.run("team create Makers").done().says(&["Makers"]);
    ada.until("team list", |listed| listed["teams"][0]["role"] == "admin");
    ada.run("workspace create Shop --team Makers --open").done();
    let link = ada.json("team invite Makers")["link"].as_str().expect("a link is shown").to_owned();
    ben.words(&["team", "join", &link]).done();
    ben.until("workspace list", |listed| listed.to_string().contains("\"Shop\""));
    ada.words(&["team", "role", "Makers", BEN, "admin"]).done().says(&["another role"]);
    ada.run("team delete Makers").code(3).says(&["--yes"]);
    // Shop is open, and Ben an editor there: the team's workspaces are handed over with it.
    ada.run("team leave Makers").code(1).says(&["without an admin", "make another member an admin", "Shop"]);
    ada.words(&["team", "leave", "Makers", "--hand-over", BEN]).done().says(&["left the team Makers"]);
    ben.run("team members Makers").done().says(&["ben@example.com (you)  admin"]);
    ada.until("status", |status| shop(status)["reason"] == "gone");
    ben.until("workspace members --workspace Shop", |listed| count(listed, "members") == 1);
    ben.run("history --workspace Shop").done().says(&["members removed", "role changed"]);
}

#[test]
fn the_server_keeps_who_is_out_of_a_team_out_of_its_workspaces_until_an_admin_s_app_comes() {
    let stage = Stage::new();
    let [mut ada, ben] = [EMAIL, BEN].map(|email| person(&stage, email));
    ada.run("team create Makers").done().says(&["Makers  admin, 1 member"]);
    let link = ada.json("team invite Makers")["link"].as_str().expect("a link is shown").to_owned();
    ben.words(&["team", "join", &link]).done();
    ada.run("workspace create Shop --team Makers").done();
    ada.run("new collection Cart --workspace Shop").done();
    bring(&ada, &ben, "admin"); // by a link of the workspace itself
    ada.stop_agent();
    ben.run("team leave Makers").done();
    ben.until("status", |status| shop(status)["reason"] == "gone");
    ada.start_agent();
    ada.until("workspace members --workspace Shop", |listed| count(listed, "members") == 1);
    ada.run("history --workspace Shop").done().says(&["members removed"]);
    ada.run("set Cart description=afterwards --workspace Shop").done().says(&["Acknowledged by the server"]);
    ben.run("show Cart --workspace Shop").done();
}

#[test]
fn two_members_that_edit_one_field_offline_have_one_conflict_and_settle_it_once() {
    let mut stage = Stage::new();
    let [ada, ben] = [EMAIL, BEN].map(|email| person(&stage, email));
    ada.run("workspace create Shop").done();
    ada.run("new collection Cart description=before --workspace Shop").done();
    bring(&ada, &ben, "editor");
    await_text(&ben, "before");
    stage.stop();
    ada.run("set Cart description=ours --no-wait --workspace Shop").done();
    ben.run("set Cart description=theirs --no-wait --workspace Shop").done();
    stage.restart();
    let list = "conflicts --workspace Shop";
    for app in [&ada, &ben] {
        app.run("sync").done();
        let seen = app.until(list, |listed| count(listed, "conflicts") == 1);
        assert!(seen.to_string().contains("description"), "{seen}");
    }
    ben.run("conflicts resolve Cart --local --workspace Shop").done();
    let shown = |app: &App| app.run("show Cart --workspace Shop").done().stdout();
    for app in [&ada, &ben] {
        app.until(list, |listed| count(listed, "conflicts") == 0);
        app.run("sync").done();
    }
    assert_eq!(shown(&ada), shown(&ben));
    assert!(shown(&ada).contains("ours") != shown(&ada).contains("theirs"), "{}", shown(&ada));
}

#[test]
fn who_deletes_the_account_leaves_what_is_shared_and_gets_a_receipt() {
    let stage = Stage::new();
    let [ada, mut ben] = [EMAIL, BEN].map(|email| person(&stage, email));
    ada.run("workspace create Shop").done();
    bring(&ada, &ben, "editor");
    ben.run("new collection Cart --workspace Shop").done().says(&["Acknowledged by the server"]);
    let delete = ["account", "delete", "--password-stdin"];
    ada.run("team create Makers").done();
    ada.with_input(&delete, &format!("{PASSWORD}\n")).code(1).says(&["leave the team first", "Makers"]);
    ada.run("team delete Makers --yes").done();
    ada.with_input(&delete, &format!("{PASSWORD}\n")).code(1).says(&["nobody else is an admin of Shop"]);
    ben.with_input(&delete, "wrong\n").code(1);
    ben.with_input(&delete, &format!("{PASSWORD}\n")).done().says(&["workspaces", "apps"]);
    ada.until("workspace members --workspace Shop", |listed| count(listed, "members") == 1);
    let past = ada.until("history --workspace Shop", |past| past.to_string().contains("key_changed"));
    let text = past.to_string();
    assert!(text.contains("\"left\"") && !text.contains(BEN), "{text}");
    await_text(&ada, "Cart");
    ben.stop_agent();
}

#[test]
fn an_app_that_was_disconnected_signs_nothing_more_and_comes_back_as_another_one() {
    let stage = Stage::new();
    let [ada, ben] = [EMAIL, BEN].map(|email| person(&stage, email));
    ada.run("workspace create Shop").done();
    bring(&ada, &ben, "viewer");
    let mut laptop = stage.app("laptop");
    laptop.sign("signin", EMAIL, PASSWORD, &["--app-name", "laptop"]).done();
    laptop.start_agent();
    laptop.run("new collection Cart --workspace Shop").done().says(&["Acknowledged by the server"]);
    await_text(&ben, "Cart");
    ada.run("apps disconnect laptop").done();
    ada.run("history --workspace Shop").done().says(&["app revoked"]);
    laptop.until("status", |status| status["reason"] == "session_ended");
    laptop.run("set Cart description=kept --workspace Shop").done().says(&["local store"]);
    laptop.sign("signin", EMAIL, PASSWORD, &["--app-name", "laptop"]).done();
    await_text(&ben, "kept");
}

#[test]
fn only_drafts_are_listed_and_discarded_as_drafts() {
    let mut stage = Stage::new();
    let [ada, ben] = [EMAIL, BEN].map(|email| person(&stage, email));
    ada.run("workspace create Shop").done();
    bring(&ada, &ben, "viewer");
    ben.run("workspace access open --workspace Shop").code(1).says(&["belongs to no team"]);
    ben.run("workspace invite --workspace Shop").code(1).says(&["needs the role admin", "is viewer", EMAIL]);
    ada.run("workspace leave --workspace Shop").code(1).says(&[BEN]);
    ben.run("new collection Sketch --workspace Shop").done();
    stage.stop();
    ada.run("new collection Cart --no-wait --workspace Shop").done();
    ada.run("drafts --workspace Shop").done().says(&["No drafts", "1 changed items go to the server"]);
    assert_eq!(count(&ada.json("drafts --workspace Shop"), "items"), 0);
    ada.run("drafts discard Cart --workspace Shop").code(1).says(&["no draft"]);
    ada.run("drafts discard --workspace Shop").done();
    assert_eq!(count(&ben.json("drafts --workspace Shop"), "items"), 1);
    stage.restart();
    await_text(&ben, "Cart");
}

#[test]
fn a_collection_moves_to_another_workspace() {
    let stage = Stage::new();
    let ada = person(&stage, EMAIL);
    ada.run("workspace create Shop").done();
    ada.run("new collection Cart").done();
    ada.run("new request Cart/Get url=https://example.com").done();
    ada.run("mv Cart --to-workspace Shop").done().says(&["Cart"]);
    ada.run("show Cart/Get --workspace Shop").done();
    ada.run("show Cart/Get").code(1);
}
