//! The command line without an account: what it says, how it ends, and that nothing is lost.

use crate::stage::{Stage, collection};
use serde_json::Value;

#[test]
fn a_collection_comes_in_is_changed_and_goes_out() {
    let stage = Stage::new();
    let app = stage.app("a");
    let file = stage.file("shop.json", collection("Shop", 3));
    app.words(&["import", &file]).done().says(&["Shop", "local store"]);
    let tree = app.run("ls --tree").done().stdout();
    assert_eq!(tree.lines().count(), 4, "{tree}");
    app.words(&["set", "Shop/Request 1", "url=https://example.com/new", "header.X-Test=1"]).done();
    let shown = app.words(&["show", "Shop/Request 1", "--json"]).done().json().to_string();
    assert!(shown.contains("https://example.com/new") && shown.contains("X-Test"), "{shown}");
    app.words(&["new", "folder", "Shop/Old"]).done();
    app.words(&["mv", "Shop/Request 2", "Shop/Old"]).done();
    app.words(&["cp", "Shop/Old", "Shop/Older"]).done();
    app.words(&["rm", "Shop/Request 3"]).done();
    let tree = app.run("ls --tree").done().stdout();
    assert_eq!(tree.matches("Request 2").count(), 2, "{tree}");
    assert!(!tree.contains("Request 3"), "{tree}");
    let out = stage.path("out.json");
    app.words(&["export", "Shop", "--out", out.to_str().expect("it is UTF-8")]).done();
    let written: Value =
        serde_json::from_slice(&std::fs::read(out).expect("it is there")).expect("it is JSON");
    assert_eq!(written["info"]["name"], "Shop");
    let printed = app.run("export Shop").done().json();
    assert_eq!(printed, written);
}

#[test]
fn every_answer_is_one_json_document() {
    let stage = Stage::new();
    let app = stage.app("a");
    let file = stage.file("shop.json", collection("Shop", 1));
    app.words(&["import", &file, "--json"]).done().json();
    for line in ["status", "ls", "ls --tree", "workspace", "env", "conflicts", "search example", "show Shop"]
    {
        assert!(app.json(line).is_object(), "{line}");
    }
    let status = app.json("status");
    assert_eq!((&status["state"], &status["reason"]), (&"offline".into(), &"signed_out".into()));
    assert_eq!(status["agent"], false);
    for line in ["show Nothing --json", "apps --json", "fly --json", "import --json"] {
        let error = app.run(line).json();
        for field in ["kind", "what", "why", "do"] {
            assert!(error["error"][field].as_str().is_some_and(|text| !text.is_empty()), "{line}: {error}");
        }
    }
}

#[test]
fn the_same_file_again_needs_a_decision() {
    let stage = Stage::new();
    let app = stage.app("a");
    let file = stage.file("shop.json", collection("Shop", 2));
    app.words(&["import", &file]).done();
    app.words(&["import", &file]).code(3).says(&["--mode merge", "--mode replace", "--mode copy"]);
    app.words(&["import", &file, "--mode", "merge"]).done();
    assert_eq!(app.run("ls --tree").done().stdout().lines().count(), 3);
    app.words(&["import", &file, "--mode", "copy", "--dry-run"]).done().says(&["Nothing was changed"]);
    assert_eq!(app.run("ls --tree").done().stdout().lines().count(), 3);
    app.words(&["import", &file, "--mode", "copy"]).done();
    assert_eq!(app.run("ls --tree").done().stdout().lines().count(), 6);
}

#[test]
fn wrong_input_is_told_in_words_and_changes_nothing() {
    let stage = Stage::new();
    let app = stage.app("a");
    let check = |name: &str, content: &[u8], expected: &[&str]| {
        let file = stage.file(name, content);
        app.words(&["import", &file]).code(1).says(expected);
    };
    check("broken.json", b"{\"info\": {\"name\": ", &["broken.json", "why:", "do:"]);
    check("deep.json", "[".repeat(10_000).as_bytes(), &["deep.json", "nested deeper"]);
    check("empty.json", b"", &["empty.json", "why:"]);
    check("binary.json", &[0, 159, 146, 150], &["binary.json"]);
    app.run("import /nowhere/at-all.json").code(1).says(&["there is no such file"]);
    app.with_input(&["import", "-"], "{").code(1).says(&["stdin"]);
    assert_eq!(app.run("ls").done().stdout(), "");
}

#[test]
fn a_large_file_is_refused_before_it_is_read() {
    let stage = Stage::new();
    let app = stage.app("a");
    let file = stage.file("large.json", "");
    let opened = std::fs::OpenOptions::new().write(true).open(&file).expect("it is there");
    opened.set_len(200 * 1024 * 1024).expect("it can grow");
    app.words(&["import", &file]).code(1).says(&["200 MiB", "at most"]);
}

#[test]
fn wrong_words_are_wrong_usage() {
    let stage = Stage::new();
    let app = stage.app("a");
    app.run("fly").code(2);
    app.run("sync --timeout soon").code(2);
    app.run("new widget A").code(2);
    app.run("env set Dev").code(2).says(&["KEY=VALUE"]);
    app.run("workspace delete Work").code(3).says(&["--yes"]);
    app.run("signup --server http://127.0.0.1:1 --email a@b").code(2).says(&["--password-stdin"]);
    app.with_input(&["signin", "--server", stage.url(), "--email", "a@b", "--password-stdin"], "")
        .code(2)
        .says(&["empty"]);
}

#[test]
fn everything_can_be_backed_up_and_restored() {
    let stage = Stage::new();
    let (first, second) = (stage.app("a"), stage.app("b"));
    let file = stage.file("shop.json", collection("Shop", 2));
    first.words(&["import", &file]).done();
    let backup = stage.path("backup.json");
    let backup = backup.to_str().expect("it is UTF-8");
    first.words(&["backup", "create", backup]).done();
    second.words(&["backup", "restore", backup]).done();
    assert_eq!(second.run("ls --tree").done().stdout(), first.run("ls --tree").done().stdout());
}

#[test]
fn variables_are_set_shown_and_hidden() {
    let stage = Stage::new();
    let app = stage.app("a");
    app.run("env set Dev host=example.com").done();
    app.with_input(&["env", "set", "--env", "Dev", "token=@-", "--secret"], "planted\n").done();
    app.run("env use Dev").done();
    let hidden = app.run("env show").done().stdout();
    assert!(hidden.contains("host=example.com") && !hidden.contains("planted"), "{hidden}");
    app.run("env show --secrets").done().says(&["token=planted"]);
    app.run("env unset host").done();
    assert!(!app.run("env show").done().stdout().contains("host"));
}

#[test]
fn an_editor_changes_a_document_and_a_broken_one_is_kept() {
    let stage = Stage::new();
    let app = stage.app("a");
    let file = stage.file("shop.json", collection("Shop", 1));
    app.words(&["import", &file]).done();
    let edit = |editor: &str| {
        let mut command = app.command(&["edit", "Shop/Request 1"]);
        command.env("VISUAL", editor).env("XDG_RUNTIME_DIR", stage.path("").as_os_str());
        command.output().expect("it can be started")
    };
    assert!(edit("sed -i s/GET/PATCH/").status.success());
    let shown = app.words(&["show", "Shop/Request 1"]).done().stdout();
    assert!(shown.contains("PATCH"), "{shown}");
    let drafts = || {
        let names = std::fs::read_dir(stage.path("")).expect("it is there");
        names
            .filter(|name| {
                name.as_ref().is_ok_and(|name| name.file_name().to_string_lossy().starts_with("satchel-edit"))
            })
            .count()
    };
    assert_eq!(drafts(), 0);
    let broken = edit("sed -i 1d");
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("your text is kept in"));
    assert_eq!(drafts(), 1);
}

#[test]
fn a_closed_pipe_is_quiet() {
    let stage = Stage::new();
    let app = stage.app("a");
    let file = stage.file("shop.json", collection("Shop", 2_000));
    app.words(&["import", &file, "--quiet"]).done();
    let mut child = app.command(&["ls", "--tree"]).spawn().expect("it can be started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it can be waited for");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn completions_are_printed_for_every_shell() {
    let stage = Stage::new();
    let app = stage.app("a");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        app.words(&["completions", shell]).done().says(&["satchel"]);
    }
    assert!(!app.home.exists());
}

#[test]
fn an_agent_is_alone_private_and_cleans_up() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new();
    let mut app = stage.app("a");
    app.run("agent status").done().says(&["No agent runs"]);
    app.start_agent();
    assert_eq!(app.json("agent status")["agent"], true);
    assert_eq!(app.json("status")["agent"], true);
    app.run("agent").code(1).says(&["running already"]);
    let socket = app.home.join("agent.sock");
    if let Ok(about) = std::fs::metadata(&socket) {
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }
    let file = stage.file("shop.json", collection("Shop", 3));
    app.words(&["import", &file]).done();
    let with_agent = app.export();
    app.stop_agent();
    assert!(!socket.exists());
    assert_eq!(app.export(), with_agent);
}

#[test]
fn an_agent_survives_nonsense_and_a_killed_one_is_followed() {
    use std::io::{Read as _, Write as _};
    let stage = Stage::new();
    let mut app = stage.app("a");
    app.start_agent();
    for nonsense in ["\n", "{}\n", "\u{0}\u{1}\n", &format!("{}\n", "[".repeat(1_000_000)), "{\"id\":1,"] {
        let socket = app.home.join("agent.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).expect("the agent listens");
        stream.write_all(nonsense.as_bytes()).expect("it can be written");
        stream.shutdown(std::net::Shutdown::Write).expect("it can be shut");
        assert_eq!(stream.read_to_end(&mut Vec::new()).expect("it is closed"), 0);
    }
    assert_eq!(app.json("status")["agent"], true);
    app.kill_agent();
    assert_eq!(app.json("status")["agent"], false);
    app.start_agent();
    assert_eq!(app.json("status")["agent"], true);
    app.stop_agent();
}

#[test]
fn an_agent_does_many_questions_at_once() {
    let stage = Stage::new();
    let mut app = stage.app("a");
    app.start_agent();
    let file = stage.file("shop.json", collection("Shop", 200));
    std::thread::scope(|scope| {
        let app = &app;
        scope.spawn(move || app.words(&["import", &file]).done());
        for number in 0..8 {
            scope.spawn(move || app.words(&["new", "collection", &format!("C{number}")]).done());
            scope.spawn(move || app.run("ls --tree").done());
        }
    });
    assert_eq!(app.run("ls").done().stdout().lines().count(), 9);
    assert_eq!(app.run("ls --tree").done().stdout().lines().count(), 209);
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let stage = Stage::new();
    let app = stage.app("a");
    app.run("new collection Shop").done();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("this machine has one");
    let ended = app.command(&["export", "Shop"]).stdout(full).output().expect("it can be started");
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("writing to stdout failed"));
}
