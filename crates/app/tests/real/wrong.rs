//! Wrong input and a disk that is full: a message with what, why and what to do; nothing lost, no panic.

use std::process::Command;

use crate::stage::{App, Ended, Stage, collection};

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let stage = Stage::new();
    let app = stage.app("a");
    let small = stage.file("small.json", collection("Small", 3));
    app.words(&["import", &small]).done();
    let before = app.run("ls --tree").done().stdout();
    // Another id, so that it is not the same collection again.
    let big = collection("Big", 3_000).replace("6f1bd0ea", "7f1bd0ea");
    let big = stage.file("big.json", big);
    limited(&app, &["import", &big]).code(1).says(&["why: the local disk is full", "do: make room"]);
    let told = limited(&app, &["import", &big, "--json"]).code(1).json();
    assert_eq!(told["error"]["kind"], "local_store");
    assert_eq!(app.run("ls --tree").done().stdout(), before);
    app.run("verify").done();
    app.words(&["import", &big]).done();
    assert_eq!(app.run("ls --tree").done().stdout().lines().count(), 3_005);
}

/// A command that can make no file larger than 256 KiB: what a full disk says, without a disk to fill.
fn limited(app: &App, words: &[&str]) -> Ended {
    let command = app.command(words);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Ended::of(&mut shell)
}

#[test]
fn deep_nesting_is_refused_wherever_it_stands() {
    let stage = Stage::new();
    let app = stage.app("a");
    let deep = |levels: usize| {
        let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
        let (open, close) = (r#"[{"name":"f","item":"#.repeat(levels), "}]".repeat(levels));
        format!(r#"{{"info":{{"name":"d","schema":"{schema}"}},"item":{open}[]{close}}}"#)
    };
    for (name, content) in [
        ("folders.json", deep(10_000)),
        ("arrays.json", "[".repeat(10_000)),
        ("objects.json", r#"{"a":"#.repeat(10_000)),
    ] {
        let file = stage.file(name, content);
        app.words(&["import", &file]).code(1).says(&[name, "why:", "nested deeper", "do:"]);
        app.words(&["import", &file, "--json"]).code(1).json();
    }
    assert_eq!(app.run("ls").done().stdout(), "");
}

#[test]
fn a_home_that_cannot_be_used_is_told() {
    let stage = Stage::new();
    let file = stage.file("file", "");
    let app = App::at(file.into(), "");
    app.run("ls").code(1).says(&["is a file, not a folder", "do:"]);
    let ended = Command::new(env!("CARGO_BIN_EXE_satchel")).arg("ls").env_clear().output();
    let ended = ended.expect("it can be started");
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("set SATCHEL_HOME"));
}

#[test]
fn names_and_methods_cannot_steer_the_terminal() {
    let stage = Stage::new();
    let app = stage.app("a");
    let hostile = collection("Shop\u{1b}[2J\u{202e}gnp", 2).replace("\"GET\"", "\"G\\u001b[31m\"");
    let file = stage.file("hostile.json", hostile);
    let imported = app.words(&["import", &file]).done();
    let outputs = [imported, app.run("ls --tree").done(), app.run("search Request").done()];
    for ended in outputs {
        let text = format!("{}{}", ended.stdout(), ended.stderr());
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn help_is_found_however_it_is_asked_for() {
    let stage = Stage::new();
    let app = stage.app("a");
    app.run("help").done().says(&["Usage: satchel", "signup", "Exit codes"]);
    app.run("help set").done().says(&["satchel set", "Examples:"]);
    app.run("help conflicts resolve").done().says(&["--local"]);
    let missing = app.run("mv x --json").code(2).json();
    assert!(missing["error"]["why"].as_str().is_some_and(|why| why.contains("<TO>")), "{missing}");
    assert!(!app.home.exists());
}
