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
    ada.run("team leave Makers").done();
    ben.run("team members Makers").done().says(&["ben@example.com (you)  admin"]);
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
