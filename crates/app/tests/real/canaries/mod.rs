//! Five hundred names, values and messages are planted by a team of three; none of them may be read by the server,
//! on the wire, or in a home.
//!
//! What is planted: names of workspaces, collections, folders, requests, examples, environments and teams; URLs,
//! queries, headers, bodies, descriptions and scripts; variables, their values and secrets; both values of a
//! conflict; a draft; passwords; the secret of an invitation. Who is here now is said by random ids alone.

mod recorder;
mod search;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::{Server, files, holds};
use crate::stage::App;
use recorder::Recorder;
use search::{planted, seen_in};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const CAT: &str = "cat@example.com";

/// Requests in which something is planted at each of [`EACH`].
const REQUESTS: usize = 55;
const EACH: [&str; 9] = ["name", "url", "query", "header", "body", "words", "test", "example", "answer"];
/// What everybody in the workspace is shown in the end.
const SHARED: [&str; 11] = [
    "workspace",
    "collection",
    "folder",
    "environment",
    "variable",
    "value",
    "shared",
    "globals",
    "before",
    "mine",
    "theirs",
];
/// What stays with one person.
const OWN: [&str; 6] = ["team", "secret", "draft", "adapass", "benpass", "catpass"];

fn everything() -> Vec<String> {
    let each = EACH.iter().flat_map(|place| (0..REQUESTS).map(|number| planted(place, number)));
    SHARED.iter().chain(&OWN).map(|place| planted(place, 0)).chain(each).collect()
}

fn file() -> String {
    let request = |number: usize| {
        let planted = |place: &str| planted(place, number);
        let url = json!({"raw": format!("https://{}.example.com?q={}", planted("url"), planted("query")),
                         "protocol": "https", "host": [planted("url"), "example", "com"],
                         "query": [{"key": "q", "value": planted("query")}]});
        json!({
            "name": planted("name"),
            "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": [planted("test")]}}],
            "request": {
                "method": "POST",
                "description": planted("words"),
                "header": [{"key": planted("header"), "value": planted("header")}],
                "url": url,
                "body": {"mode": "raw", "raw": planted("body")},
            },
            "response": [{"name": planted("example"), "status": "OK", "code": 200, "body": planted("answer")}],
        })
    };
    let items: Vec<Value> = (0..REQUESTS).map(request).collect();
    json!({
        "info": {"name": planted("collection", 0), "description": planted("before", 0),
                 "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "variable": [{"key": planted("globals", 0), "value": planted("globals", 0)}],
        "item": [{"name": planted("folder", 0), "item": items}],
    })
    .to_string()
}

#[test]
fn nothing_planted_is_seen_over_a_web_socket() {
    check("websocket");
}

#[test]
fn nothing_planted_is_seen_over_plain_requests() {
    check("polling");
}

/// One person's app, on one transport.
struct Person {
    app: App,
    transport: &'static str,
    password: String,
}

impl Person {
    fn new(folder: &Path, transport: &'static str, email: &'static str, url: &str) -> Self {
        let name = email.split('@').next().expect("there is a first part");
        let app = App::at(folder.join(name), url);
        let person = Self { app, transport, password: planted(&format!("{name}pass"), 0) };
        person.run(&["signup", "--server", url, "--email", email, "--password-stdin"], &person.password);
        person
    }

    fn run(&self, words: &[&str], input: &str) -> String {
        let mut command = self.app.command(words);
        let command = command.env("SATCHEL_TRANSPORT", self.transport).stdin(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        let mut stdin = child.stdin.take().expect("it is piped");
        drop(stdin.write_all(format!("{input}\n").as_bytes()));
        drop(stdin);
        let ended = child.wait_with_output().expect("it can be waited for");
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&ended.stderr));
        text
    }

    /// Everything that this person can see.
    fn sees(&self) -> String {
        let environment = planted("environment", 0);
        [
            self.run(&["export", "--all", "--format", "dump"], ""),
            self.run(&["env", "show", "--secrets", &environment], ""),
            self.run(&["workspace", "list"], ""),
            self.run(&["conflicts", "--json"], ""),
        ]
        .concat()
    }
}

fn check(transport: &'static str) {
    assert!(everything().len() >= 500, "only {}", everything().len());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Server::start(&folder.path().join("server"));
    let recorder = Recorder::start(server.address());
    let person = |email| Person::new(folder.path(), transport, email, &recorder.url);
    let (ada, ben, cat) = (person(ADA), person(BEN), person(CAT));
    plant(&ada, &folder.path().join("file.json"));
    let links = [bring(&ada, &ben, "editor"), bring(&ada, &cat, "viewer")];
    disagree(&recorder, &ada, &ben);
    let collection = planted("collection", 0);
    cat.run(&["set", &collection, &format!("description={}", planted("draft", 0))], "");

    let there = ben.sees();
    let arrives = |text: &String| OWN.iter().all(|place| *text != planted(place, 0));
    let lost: Vec<_> =
        everything().into_iter().filter(arrives).filter(|text| !there.contains(text.as_str())).collect();
    assert_eq!(lost, Vec::<String>::new(), "has not arrived in {there}");
    assert!(cat.run(&["drafts"], "").contains(&collection), "the draft is kept");

    let captured = recorder.captured();
    // The recorder hears: the e-mail is what a server must know, in what an app sends and is sent.
    assert!(holds(&captured, ADA.as_bytes()), "nothing was recorded");
    assert_eq!(seen_in(&captured), Vec::<String>::new(), "on the wire");
    let told = [metrics(server.address()), backup(folder.path())].concat();
    assert_eq!(seen_in(&told), Vec::<String>::new(), "in metrics or in a backup");
    check_files(folder.path(), &links, &captured);
}

fn plant(ada: &Person, at: &Path) {
    std::fs::write(at, file()).expect("it can be written");
    let (team, workspace) = (planted("team", 0), planted("workspace", 0));
    ada.run(&["team", "create", &team], "");
    ada.run(&["workspace", "create", &workspace, "--team", &team], "");
    ada.run(&["workspace", "use", &workspace], "");
    ada.run(&["import", at.to_str().expect("it is UTF-8")], "");
    let environment = planted("environment", 0);
    let set = |word: String, more: &[&str]| {
        let mut words = vec!["env", "set", "--env", &environment, &word];
        words.extend(more);
        ada.run(&words, "");
    };
    set(format!("{}={}", planted("variable", 0), planted("value", 0)), &[]);
    set(format!("one={}", planted("secret", 0)), &["--secret"]);
    set(format!("two={}", planted("shared", 0)), &["--secret", "--share"]);
}

/// Brings a person into Ada's workspace; the secret of the link.
fn bring(ada: &Person, person: &Person, role: &str) -> String {
    let workspace = planted("workspace", 0);
    let invited = ada.run(&["workspace", "invite", "--role", role, "--json"], "");
    let invited: Value = serde_json::from_str(&invited).expect("it is JSON");
    let link = invited["link"].as_str().expect("a link is shown").to_owned();
    person.run(&["workspace", "join", "-"], &link);
    // Ada's app confirms when it is there.
    while !person.run(&["workspace", "list"], "").contains(&workspace) {
        ada.run(&["sync"], "");
        person.run(&["sync"], "");
    }
    person.run(&["workspace", "use", &workspace], "");
    person.run(&["sync"], "");
    link.rsplit('.').next().expect("a link ends with its secret").to_owned()
}

/// Both change one field while neither reaches the server: both values stay, in a conflict.
fn disagree(recorder: &Recorder, ada: &Person, ben: &Person) {
    let collection = planted("collection", 0);
    recorder.close(true);
    ada.run(&["set", &collection, &format!("description={}", planted("theirs", 0))], "");
    ben.run(&["set", &collection, &format!("description={}", planted("mine", 0))], "");
    recorder.close(false);
    for person in [ada, ben, ada] {
        person.run(&["sync"], "");
    }
}

/// What the server tells of itself.
fn metrics(address: &str) -> Vec<u8> {
    use std::io::Read as _;
    let mut stream = std::net::TcpStream::connect(address).expect("the server runs");
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    answer
}

/// A backup, made while the server runs.
fn backup(folder: &Path) -> Vec<u8> {
    let file = folder.join("server").join("backup.db");
    let mut command = Command::new(crate::process::binary());
    command.arg("--data").arg(folder.join("server").join("data")).arg("backup").arg(&file);
    assert!(command.output().expect("it can be started").status.success());
    std::fs::read(file).expect("it was made")
}

fn check_files(folder: &Path, links: &[String], captured: &[u8]) {
    let people = [ADA, BEN, CAT].map(|email| email.split('@').next().expect("there is a first part"));
    for place in ["server"].iter().chain(&people) {
        for (path, bytes) in files(&folder.join(place)) {
            let name = path.display().to_string();
            assert_eq!(seen_in(&bytes), Vec::<String>::new(), "in {name}");
            assert_eq!(seen_in(name.as_bytes()), Vec::<String>::new(), "in a file's name");
            let is_home = *place != "server";
            assert!(!is_home || !holds(&bytes, ADA.as_bytes()), "the e-mail is in {name}");
            for secret in links {
                assert!(!holds(&bytes, secret.as_bytes()), "an invitation's secret is in {name}");
            }
        }
    }
    for secret in links {
        assert!(!holds(captured, secret.as_bytes()), "an invitation's secret is on the wire");
    }
    assert!(!files(&folder.join("server").join("data")).is_empty());
}
