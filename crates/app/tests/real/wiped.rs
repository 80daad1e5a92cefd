//! What is left after a sign-out, and on the server after an account is deleted.

use crate::process::{files, holds};
use crate::stage::{EMAIL, PASSWORD, Stage, collection};

#[test]
fn nothing_of_the_account_is_left_after_a_sign_out() {
    let stage = Stage::new();
    let app = stage.app("first");
    let signed = app.sign("signup", EMAIL, PASSWORD, &["--json"]).done().json();
    let file = stage.file("shop.json", collection("Planted", 5));
    app.words(&["import", &file]).done();
    let key = std::fs::read(app.home.join("account.key")).expect("there is a key");
    let secret = &key[key.len() - 32..];
    let account = signed["account"]["id"].as_str().expect("it has an id").to_owned();
    let code = signed["recovery_code"].as_str().expect("there is a code").to_owned();
    app.run("signout").done();
    for (path, bytes) in files(&app.home) {
        let name = path.display().to_string();
        assert!(!name.contains("account"), "{name}");
        for text in ["Planted", "example.com", EMAIL, PASSWORD, stage.url(), &account, &code] {
            assert!(!holds(&bytes, text.as_bytes()), "{text} is in {name}");
        }
        let raw_id: Vec<u8> = unhex(&account);
        assert!(!holds(&bytes, secret) && !holds(&bytes, &raw_id), "{name}");
    }
}

#[test]
fn nothing_of_a_deleted_account_is_left_on_the_server() {
    let stage = Stage::new();
    let app = stage.app("first");
    let signed = app.sign("signup", EMAIL, PASSWORD, &["--app-name", "planted-app", "--json"]).done().json();
    let file = stage.file("shop.json", collection("Planted", 50));
    app.words(&["import", &file]).done();
    app.run("env set Dev host=example.com").done();
    let id = |name: &str| unhex(signed["account"][name].as_str().expect("it has an id"));
    let planted = [EMAIL.as_bytes().to_vec(), b"planted-app".to_vec(), id("id"), id("app")];
    let found = || {
        let files = files(&stage.path("server"));
        planted.iter().map(|text| files.iter().any(|(_, bytes)| holds(bytes, text))).collect::<Vec<_>>()
    };
    // The search finds what is there: it is no search of nothing.
    assert!(found().iter().any(|found| *found), "{:?}", found());
    let receipt = app
        .with_input(&["account", "delete", "--password-stdin"], &format!("{PASSWORD}\n"))
        .done()
        .says(&["receipt", "workspaces", "records", "commits", "apps"])
        .stdout();
    assert!(receipt.contains("1 workspaces"), "{receipt}");
    assert_eq!(found(), [false; 4]);
    assert!(files(&app.home).iter().all(|(_, bytes)| !holds(bytes, EMAIL.as_bytes())));
}

#[test]
fn what_is_edited_between_backup_and_sign_out_is_in_the_backup() {
    let mut stage = Stage::new();
    let mut app = stage.signed_up("first");
    app.start_agent();
    stage.stop();
    app.run("new collection Before").done();
    let kept = stage.path("kept.json");
    let edits: Vec<_> = (0..12)
        .map(|number| {
            let name = format!("During-{number}-end");
            let child = app.command(&["new", "collection", &name, "--no-wait"]).spawn();
            (name, child.expect("it can be started"))
        })
        .collect();
    app.words(&["signout", "--export", kept.to_str().expect("it is UTF-8")]).done();
    let mut accepted = vec!["Before".to_owned()];
    for (name, edit) in edits {
        let ended = edit.wait_with_output().expect("it can be waited for");
        if ended.status.success() {
            accepted.push(name);
        }
    }
    app.stop_agent();
    let held = std::fs::read_to_string(&kept).expect("it is there");
    let here = app.run("ls").done().stdout();
    for name in &accepted {
        assert!(held.contains(name.as_str()) || here.contains(name.as_str()), "{name} is lost");
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digits.map(|pair| byte(pair).expect("it is hexadecimal")).collect()
}
