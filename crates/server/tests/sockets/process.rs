//! The binary: its one line, its signals, its exit codes, backup and restore.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::support::{Person, TestApp, Transport};

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_satchel-server"));
    command.arg("--data").arg(data).env_remove("SATCHEL_SERVER_LISTEN").env("NO_COLOR", "1");
    command
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    command(data).args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server in its own process.
struct Process {
    child: Ended,
    address: String,
    output: BufReader<std::process::ChildStdout>,
}

/// Where a test fails before it has asked the process to end, this ends it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // After `wait` there is nothing left to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(data: &Path) -> Self {
        let mut child = command(data)
            .args(["--listen", "127.0.0.1:0", "--log-json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it prints text");
        let address = line.trim_end().strip_prefix("listening on http://").map(str::to_owned);
        Self {
            child: Ended(child),
            address: address.unwrap_or_else(|| panic!("it printed {line:?}")),
            output,
        }
    }

    /// Asks it to end; returns what it printed since.
    fn stop(mut self) -> (bool, String, String) {
        let asked = Command::new("kill").args(["-TERM", &self.child.0.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        let (mut out, mut errors) = (String::new(), String::new());
        self.output.read_to_string(&mut out).expect("it prints text");
        let mut pipe = self.child.0.stderr.take().expect("it is piped");
        pipe.read_to_string(&mut errors).expect("it prints text");
        (self.child.0.wait().expect("it ends").success(), out, errors)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_says_one_line_serves_and_ends_when_asked() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let data = folder.path().join("made/on/start");
    let process = Process::start(&data);
    let (person, app) = Person::sign_up(&process.address, "someone@example.org").await;
    let mut link = app.open(Transport::Socket).await;
    app.found(&mut link, &person).await;
    let reads = tokio::spawn(async move { link.refused().await.code });
    let (ended_well, out, errors) = process.stop();
    assert!(ended_well, "{errors}");
    assert_eq!(reads.await.expect("it was told"), satchel_wire::ErrorCode::GoingAway);
    assert_eq!(out, "");
    assert!(errors.lines().all(|line| line.starts_with('{')), "{errors}");
    for secret in ["someone", "example.org", &app.token.to_string()] {
        assert!(!errors.contains(secret), "{errors}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    for arguments in [&["--listen", "nowhere"][..], &["--database", "postgres://a"], &["backup"], &["serve"]]
    {
        assert_eq!(run(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
    let words = text(&run(folder.path(), &["--database", "postgres://a"]).stderr);
    assert!(words.contains("SQLite only"), "{words}");
    let help = text(&run(folder.path(), &["--help"]).stdout);
    assert!(help.contains("--max-apps") && !help.contains("--database"), "{help}");
}

#[test]
fn failures_say_what_why_and_what_to_do() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let data = folder.path().join("server");
    let process = Process::start(&data);
    let check = |arguments: &[&str], data: &Path, expected: &[&str]| {
        let output = run(data, arguments);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(expected.iter().all(|part| words.contains(part)), "{words}");
        assert!(!words.contains("panicked"), "{words}");
    };
    let listen = ["--listen", process.address.as_str()];
    check(&listen, &folder.path().join("other"), &["in use", "--listen ADDR"]);
    check(&["--listen", "127.0.0.1:0"], &data, &["a server is using", "other server", "--data DIR"]);
    let missing = ["--listen", "127.0.0.1:0", "--tls-cert", "none.pem", "--tls-key", "none.pem"];
    check(&missing, &folder.path().join("other"), &["none.pem", "PEM"]);
    let file = folder.path().join("backup");
    std::fs::write(&file, "not a backup").expect("the folder can be written");
    let file = file.to_str().expect("the path is text");
    check(&["restore", file], &data, &["restoring a backup"]);
    check(&["backup", file], &data, &["exists already"]);
    check(&["invite"], &folder.path().join("nothing"), &["making an invitation", "--data DIR"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_running_restores_as_another_incarnation() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let (data, file) = (folder.path().join("server"), folder.path().join("backup"));
    let file = file.to_str().expect("the path is text").to_owned();
    let process = Process::start(&data);
    let (person, app) = Person::sign_up(&process.address, "a@example.org").await;
    let mut link = app.open(Transport::Socket).await;
    let (kept, _) = app.found(&mut link, &person).await;
    let output = run(&data, &["backup", &file]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    app.found(&mut link, &person).await;
    assert_eq!(run(&data, &["restore", &file]).status.code(), Some(1), "a server runs");
    drop(link);
    assert!(process.stop().0);

    let output = run(&data, &["restore", &file]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let process = Process::start(&data);
    let app = TestApp { address: process.address.clone(), ..app };
    let (link, welcome) = crate::support::Link::connect(&app.address, Transport::Socket).await;
    assert_ne!(welcome.incarnation, app.incarnation);
    drop(link);
    let (_, opened) =
        app.try_open(Transport::Socket, true, None).await.expect("the session is in the backup");
    assert_eq!(opened.workspaces.iter().map(|entry| entry.workspace).collect::<Vec<_>>(), [kept]);
    let invite = run(&data, &["invite"]);
    assert_eq!(text(&invite.stdout).trim().len(), 64);
    process.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_looks_after_accounts_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let data = folder.path().join("server");
    let process = Process::start(&data);
    let (person, app) = Person::sign_up(&process.address, "a@example.org").await;
    let mut link = app.open(Transport::Socket).await;
    let (workspace, key) = app.found(&mut link, &person).await;
    let admin = |arguments: &[&str]| {
        let arguments: Vec<_> = std::iter::once(&"admin").chain(arguments).copied().collect();
        let output = run(&data, &arguments);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, listed, _) = admin(&["accounts", "--json"]);
    let expected = format!(
        r#"{{"accounts":[{{"email":"a@example.org","account":"{}","apps":1,"workspaces":1,"bytes":0,"disabled":false}}]}}"#,
        person.account
    );
    assert_eq!((code, listed.trim_end()), (Some(0), expected.as_str()));

    assert_eq!(admin(&["limits", "--bytes", "10"]).1, "bytes: 10\nworkspaces: no limit\n");
    let put = |n: u8| {
        let record = satchel_wire::RecordId::new([n; 16]);
        let put = crate::support::Put { key: &key, record, parent: None, payload: b"{}" };
        app.put(workspace, &put).2
    };
    link.send(&put(1)).await;
    let frame = link.next().await;
    assert!(format!("{frame:?}").contains("Quota"), "{frame:?}");
    assert_eq!(
        admin(&["limits", "a@example.org", "--bytes", "0"]).1,
        "bytes: no limit\nworkspaces: no limit\n"
    );
    link.send(&put(2)).await;
    assert!(matches!(link.next().await, satchel_wire::ServerFrame::Accepted { .. }));
    assert_eq!(admin(&["limits", "--workspaces", "1"]).0, Some(0));
    link.send(&app.founding(&person).2).await;
    let frame = link.next().await;
    assert!(format!("{frame:?}").contains("Quota"), "{frame:?}");

    assert_eq!(admin(&["disable", "A@example.org"]).0, Some(0));
    assert_eq!(link.refused().await.code, satchel_wire::ErrorCode::SessionEnded, "without a request");
    let refused = person.prove(&person.password).await.expect_err("it is disabled");
    let wrong = person.prove("wrong").await.expect_err("the password is wrong");
    assert_eq!(refused, wrong);
    assert_eq!(admin(&["enable", "a@example.org"]).0, Some(0));
    person.sign_in("again").await.expect("it is enabled");

    let (code, _, words) = admin(&["delete", "nobody@example.org"]);
    assert!(code == Some(1) && words.contains("no account") && words.contains("admin accounts"), "{words}");
    let (code, words, _) = admin(&["delete", "a@example.org"]);
    assert!(code == Some(0) && words.contains("1 workspaces, 1 records"), "{words}");
    assert_eq!(admin(&["accounts", "--json"]).1, "{\"accounts\":[]}\n");
    assert_eq!(admin(&["invite"]).1.trim().len(), 64);
    process.stop();
}
