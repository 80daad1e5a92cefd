//! Sending and running with the real program: against a real server of HTTP, with an agent and without one.

use std::io::{BufRead as _, BufReader};

use satchel_runner::testing::{Act, Identity, Received, TestServer, answer, raw};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::stage::{App, Stage};

/// A server of HTTP, and the runtime that it lives in.
struct Web {
    server: TestServer,
    _runtime: Runtime,
}

impl Web {
    /// Answers each path in its own way, most with what came.
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let server = runtime.block_on(TestServer::start(acts));
        Self { server, _runtime: runtime }
    }

    fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// The newest request, as text.
    fn last(&self) -> Received {
        self.server.received().pop().expect("a request came")
    }
}

fn acts(received: &Received) -> Vec<Act> {
    match received.path().split('?').next().unwrap_or_default() {
        "/login" => answer("200 OK\r\nSet-Cookie: sid=7; Path=/", "in"),
        "/missing" => answer("404 Not Found", "nothing"),
        "/bytes" => answer("200 OK", [0, 159, 146, 150]),
        "/stream" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n";
            vec![Act::Send(head.as_bytes().to_vec()), Act::Hang]
        }
        "/hang" => vec![Act::Hang],
        "/nonsense" => raw("this is no answer\r\n\r\n"),
        "/socket" => {
            let accept = derive_accept_key(received.header("sec-websocket-key").concat().as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            vec![Act::Send(head.into_bytes()), Act::EchoMessages]
        }
        _ => {
            answer("200 OK\r\nContent-Type: application/json", json!({ "path": received.path() }).to_string())
        }
    }
}

/// A collection whose collection, folder and request all have something to say.
fn shop(web: &Web) -> String {
    let script = |listen: &str, text: &str| json!({ "listen": listen, "script": { "exec": [text] } });
    let bare = |name: &str, path: &str, test: &str| json!({ "name": name, "event": [script("test", test)], "request": { "method": "GET", "url": web.url(path) } });
    json!({
        "info": { "name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
        "variable": [{ "key": "host", "value": web.url("") }],
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{token}}", "type": "string" }] },
        "event": [script("prerequest", "pm.environment.set('count', Number(pm.environment.get('count') || 0) + 1)")],
        "item": [
            { "name": "Carts", "item": [{
                "name": "Get",
                "event": [script("test", concat!(
                    "pm.test('count ' + pm.environment.get('count'), () => pm.response.to.have.status(200));",
                    "console.log('token ' + pm.environment.get('token')); pm.globals.set('seen', pm.response.json().path)"
                ))],
                "request": { "method": "GET", "url": "{{host}}/cart?n={{count}}",
                    "header": [{ "key": "X-Unknown", "value": "{{nobody}}" }] },
            }]},
            bare("Bad", "/bad", "pm.test('one is two', () => pm.expect(1).to.eql(2))"),
            bare("Broken", "/broken", "nobody.knows()"),
            bare("Endless", "/endless", "while (true) {}"),
            { "name": "Upload", "request": { "method": "POST", "url": web.url("/up"),
                "body": { "mode": "file", "file": { "src": "/etc/hostname" } } } },
            { "name": "Row", "event": [script("test",
                "pm.test('row ' + pm.iterationData.get('id'), () => pm.expect(pm.response.json().path).to.eql('/row/' + pm.iterationData.get('id')))")],
              "request": { "method": "GET", "url": "{{host}}/row/{{id}}" } },
        ],
    })
    .to_string()
}

/// An app with the collection, an environment in use, and a secret in it.
fn at_shop(stage: &Stage, web: &Web, name: &str) -> App {
    let app = stage.app(name);
    let file = stage.file(&format!("{name}.json"), shop(web));
    app.words(&["import", &file]).done();
    app.with_input(&["env", "set", "--env", "Dev", "token=@-", "--secret"], "planted-secret\n").done();
    app.run("env use Dev").done();
    app
}

/// Both ways: the command does the work itself, and an agent does.
fn with_and_without_agent(check: impl Fn(&Stage, &Web, &App)) {
    let (stage, web) = (Stage::new(), Web::new());
    let mut app = at_shop(&stage, &web, "alone");
    check(&stage, &web, &app);
    app = at_shop(&stage, &web, "agent");
    app.start_agent();
    check(&stage, &web, &app);
    app.stop_agent();
}

#[test]
fn a_request_goes_with_all_above_it_and_what_it_changes_stays_on_this_device() {
    with_and_without_agent(|_, web, app| {
        let sent = app.run("send Shop/Carts/Get --trust -v").done();
        assert_eq!(sent.stdout(), r#"{"path":"/cart?n=1"}"#);
        let went = web.last();
        assert_eq!(went.header("authorization"), ["Bearer planted-secret"]);
        let told =
            sent.says(&["200 OK", "✓ count 1", "Bearer ••••••", "token ••••••", "{{nobody}} has no value"]);
        assert!(!told.stderr().contains("planted-secret"), "{}", told.stderr());
        app.words(&["send", &web.url("/login")]).done();
        app.run("send Shop/Carts/Get").done().says(&["count 2"]);
        assert_eq!(web.last().header("cookie"), ["sid=7"]);
        app.run("send Shop/Carts/Get --no-env --var count=9 --var token=t").done().says(&["/cart?n="]);
        app.run("env show Dev").done().says(&["count"]);
        assert!(!app.export().contains("count\",\"value"), "what a script sets does not sync");
        let seen = app.run("vars Shop/Carts/Get --all --json").done().json();
        let seen = seen["variables"].as_array().expect("they are listed");
        assert!(seen.iter().any(|it| it["name"] == "seen" && it["scope"] == "global"), "{seen:?}");
    });
}

#[test]
fn one_document_tells_all_of_a_send() {
    with_and_without_agent(|_, web, app| {
        app.run("trust").done();
        let told = app.json("send Shop/Carts/Get");
        assert_eq!(
            (&told["status"], &told["body"]["text"]),
            (&json!(200), &json!(r#"{"path":"/cart?n=1"}"#))
        );
        assert_eq!(
            told["tests"],
            json!([{ "name": "count 1", "passed": true, "skipped": false, "message": null }])
        );
        assert_eq!(told["log"][0]["text"], "token ••••••");
        assert!(told["timings"]["total"].as_u64().is_some_and(|it| it > 0));
        assert!(!told.to_string().contains("planted-secret"), "{told}");
        let bytes = app.words(&["send", &web.url("/bytes"), "--json"]).done().json();
        assert_eq!(bytes["body"], json!({ "text": null, "base64": "AJ+Slg==", "truncated": false }));
    });
}

#[test]
fn scripts_wait_for_the_word_of_a_person() {
    with_and_without_agent(|_, _, app| {
        app.run("send Shop/Bad").done().says(&["2 scripts were not run", "satchel trust"]);
        app.run("run Shop").code(3).says(&["--trust", "--no-scripts"]);
        app.run("run Shop/Carts --no-scripts -q").done();
        app.run("send Shop/Bad --trust").code(5).says(&["✗ one is two: expected 1 to deeply equal 2"]);
        app.run("send Shop/Bad").code(5);
        app.run("trust --off").done();
        app.run("send Shop/Bad").done();
    });
}

#[test]
fn how_it_went_is_in_the_exit_code() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = at_shop(&stage, &web, "a");
    app.run("trust").done();
    app.words(&["send", "GET", &web.url("/missing")]).done().says(&["404 Not Found", "nothing"]);
    app.run("send Shop/Broken").code(5).says(&["the test script of Broken", "nobody is not defined"]);
    app.run("send Shop").code(2).says(&["satchel run"]);
    app.run("send Shop/Nowhere").code(1).says(&["has no Nowhere"]);
    let check = |words: &[&str], kind: &str| {
        let told = app.words(&[words, &["--json"]].concat()).code(1).json();
        assert_eq!(told["error"]["kind"], kind, "{told}");
        assert!(told["error"]["do"].as_str().is_some_and(|it| !it.is_empty()), "{told}");
    };
    check(&["send", "http://127.0.0.1:1/"], "refused");
    check(&["send", &web.url("/hang"), "--timeout", "200ms"], "timeout");
    check(&["send", &web.url("/nonsense")], "bad_response");
    let runtime = Runtime::new().expect("a runtime starts");
    let sealed = runtime.block_on(TestServer::start_tls(&Identity::good(), acts));
    check(&["send", &sealed.url("/")], "tls");
    app.words(&["send", &sealed.url("/"), "--insecure"]).done().says(&["certificate was not enforced"]);
    check(&["send", "GET", "http://nobody.invalid/"], "dns");
    check(&["send", "GET", &web.url("/"), "-H", "X: a\nY: b"], "invalid");
}

#[test]
fn a_body_comes_as_it_is_sent_and_a_closed_pipe_is_quiet() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = stage.app("a");
    let mut child = app.command(&["send", &web.url("/stream")]).spawn().expect("it can be started");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it comes while the request is open");
    assert_eq!(line, "data: first\n");
    // Meanwhile the profile is free for others.
    app.run("status").done();
    child.kill().expect("it still waits");
    child.wait().expect("it can be waited for");
    let mut child = app.command(&["send", &web.url("/")]).spawn().expect("it can be started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it can be waited for");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_typed_request_goes_as_it_is_typed() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = stage.app("a");
    let check = |words: &[&str], line: &str, headers: &[(&str, &str)], body: &str| {
        app.words(words).done();
        let went = web.last();
        assert!(went.text().starts_with(line), "{}", went.text());
        for (name, value) in headers {
            assert_eq!(went.header(name), [*value], "{}", went.text());
        }
        assert_eq!(String::from_utf8_lossy(&went.body), body);
    };
    let url = web.url("/typed");
    check(&["send", &url], "GET /typed HTTP/1.1\r\n", &[], "");
    check(&["send", "purge", &url], "PURGE /typed ", &[], "");
    let file = stage.file("body.json", r#"{"a":1}"#);
    let given = format!("@{file}");
    let kind = ("content-type", "application/json");
    check(&["send", &url, "-d", &given, "-H", "X-A: 1"], "POST /typed ", &[kind, ("x-a", "1")], r#"{"a":1}"#);
    let curl = format!("curl -X PUT -H 'X-B: 2' --data-raw hello {url}");
    check(&["send", "--curl", &curl], "PUT /typed ", &[("x-b", "2")], "hello");
    let out = stage.path("out.bin");
    let words = ["send", &web.url("/bytes"), "-o", out.to_str().expect("it is UTF-8")];
    assert_eq!(app.words(&words).done().stdout(), "");
    assert_eq!(std::fs::read(out).expect("it is written"), [0, 159, 146, 150]);
    let included = app.words(&["send", &web.url("/login"), "-i"]).done().stdout();
    assert!(
        included.starts_with("HTTP")
            && included.contains("Set-Cookie: sid=7")
            && included.ends_with("\r\nin")
    );
}

#[test]
fn a_request_becomes_a_command_line_without_its_secrets() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = at_shop(&stage, &web, "a");
    let masked = app.run("send Shop/Carts/Get --as-curl").done().stdout();
    assert!(masked.contains("Bearer ••••••") && !masked.contains("planted-secret"), "{masked}");
    app.run("send Shop/Carts/Get --as-curl --reveal").done().says(&["Bearer planted-secret"]);
    assert!(web.server.received().is_empty(), "nothing was sent");
    let hidden =
        app.run("vars Shop/Carts/Get").done().says(&["token=••••••", "environment Dev", "has no value"]);
    assert!(!hidden.stdout().contains("planted-secret"));
    app.run("vars Shop/Carts/Get --reveal").done().says(&["token=planted-secret"]);
}

#[test]
fn no_file_is_sent_that_was_not_allowed() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = at_shop(&stage, &web, "a");
    app.run("send Shop/Upload").done().says(&["/etc/hostname is not sent", "--working-dir"]);
    assert_eq!(web.last().body, b"");
    let folder = stage.path("files");
    std::fs::create_dir(&folder).expect("it can be made");
    let folder = folder.to_str().expect("it is UTF-8").to_owned();
    app.words(&["send", "Shop/Upload", "--working-dir", &folder]).done().says(&["is not sent"]);
    assert_eq!(web.last().body, b"");
}

#[test]
fn what_was_sent_is_found_shown_and_forgotten() {
    with_and_without_agent(|_, web, app| {
        app.run("sent").done().says(&["Nothing was sent"]);
        app.run("send Shop/Carts/Get --trust").done();
        app.words(&["send", &web.url("/missing")]).done();
        app.run("send GET http://127.0.0.1:1/refused").code(1);
        let all = app.json("sent");
        let urls: Vec<_> = all["entries"].as_array().expect("a list").iter().map(|it| &it["url"]).collect();
        assert_eq!(
            urls,
            [&json!("http://127.0.0.1:1/refused"), &json!(web.url("/missing")), &json!(web.url("/cart?n=1"))]
        );
        assert_eq!(app.json("sent cart")["entries"].as_array().map(Vec::len), Some(1));
        let number = all["entries"][2]["id"].to_string();
        let shown =
            app.run(&format!("sent show {number}")).done().says(&["Shop/Carts/Get", "✓ count 1", "••••••"]);
        assert!(!shown.stdout().contains("planted-secret"), "{}", shown.stdout());
        app.run("sent clear").done();
        app.run("sent show").code(1).says(&["there is none"]);
    });
}

#[test]
fn a_run_has_rows_reports_and_a_place_in_the_list() {
    with_and_without_agent(|stage, web, app| {
        let rows = stage.file("rows.csv", "id,name\n1,a\n2,\"b, c\"\n");
        let (report, junit) = (stage.path("report.json"), stage.path("report.xml"));
        let (report, junit) = (report.to_str().expect("UTF-8"), junit.to_str().expect("UTF-8"));
        let words = [
            "run",
            "Shop",
            "--folder",
            "Row",
            "-d",
            &rows,
            "--trust",
            "-r",
            "cli,json,junit",
            "--reporter-json-export",
            report,
            "--reporter-junit-export",
            junit,
        ];
        app.words(&words).done().says(&["Iteration 2/2", "row 1", "row 2"]);
        let written: Value =
            serde_json::from_slice(&std::fs::read(report).expect("it is there")).expect("JSON");
        assert_eq!(written["run"]["stats"]["assertions"]["total"], 2, "{written}");
        let xml = std::fs::read_to_string(junit).expect("it is there");
        assert!(xml.contains("<testsuites") && !xml.contains("planted-secret"), "{xml}");
        assert_eq!(web.last().path(), "/row/2");
        app.run("run Shop --folder Bad --bail").code(5).says(&["one is two"]);
        app.run("run Shop --folder Bad -x -q").done();
        app.run("run Shop --folder Nowhere").code(1).says(&["Nowhere"]);
        app.run("run Shop/Carts -n 3 --parallel 3 --json").done();
        let runs = app.json("runs");
        let failed: Vec<_> =
            runs["runs"].as_array().expect("a list").iter().map(|it| it["failed"].clone()).collect();
        assert_eq!(failed, [json!(0), json!(1), json!(1), json!(0)]);
        app.run("runs show").done().says(&["Shop/Carts", "3 iterations"]);
    });
}

#[test]
fn an_endless_script_is_stopped_and_the_run_goes_on() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = at_shop(&stage, &web, "a");
    let words =
        ["run", "Shop", "--folder", "Endless", "--folder", "Bad", "--trust", "--timeout-script", "300"];
    app.words(&words).code(5).says(&["one is two", "300 ms"]);
}

#[test]
fn a_file_runs_as_a_guest() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = at_shop(&stage, &web, "a");
    let file = stage.file("guest.json", shop(&web));
    let environment =
        json!({ "name": "E", "values": [{ "key": "token", "value": "guest", "enabled": true }] });
    let environment = stage.file("env.json", environment.to_string());
    let out = stage.path("after.json");
    let out = out.to_str().expect("it is UTF-8");
    let words = ["run", &file, "-e", &environment, "--folder", "Carts", "--export-environment", out];
    app.words(&words).done().says(&["count 1"]);
    assert_eq!(web.last().header("authorization"), ["Bearer guest"]);
    let after: Value = serde_json::from_slice(&std::fs::read(out).expect("it is there")).expect("JSON");
    assert!(after["values"].as_array().is_some_and(|it| it.iter().any(|it| it["key"] == "count")), "{after}");
    assert!(
        !app.run("env show Dev").done().stdout().contains("count"),
        "the workspace's values are as before"
    );
    app.run("run Shop/Carts").code(3);
}

#[test]
fn a_websocket_carries_lines_both_ways() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = stage.app("a");
    let url = web.url("/socket").replace("http:", "ws:");
    let talked = app.with_input(&["send", &url], "one\ntwo\n").done().says(&["closed"]);
    assert_eq!(talked.stdout(), "one\ntwo\n");
}

#[test]
fn an_answer_becomes_an_example() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = at_shop(&stage, &web, "a");
    app.words(&["send", "Shop/Carts/Get", "--save-example", "A/B"]).done();
    let shown = app.words(&["show", r"Shop/Carts/Get/A\/B", "--json"]).done().json();
    assert_eq!((&shown["document"]["code"], &shown["item"]["kind"]), (&json!(200), &json!("example")));
    let original = shown["document"]["originalRequest"].to_string();
    assert!(original.contains("{{host}}") && original.contains("{{count}}"), "{original}");
}

#[test]
fn what_a_workspace_sent_goes_with_a_sign_out() {
    let (stage, web) = (Stage::new(), Web::new());
    let app = stage.signed_up("a");
    let file = stage.file("shop.json", shop(&web));
    app.words(&["import", &file]).done();
    app.run("send Shop/Carts/Get --trust --var token=visible-token").done();
    app.words(&["send", &web.url("/login")]).done();
    assert_eq!(app.json("sent")["entries"].as_array().map(Vec::len), Some(2));
    assert!(!app.home_holds("visible-token") && !app.home_holds("/cart?n="), "what is kept is sealed");
    app.run("signout --discard").done();
    app.sign("signin", crate::stage::EMAIL, crate::stage::PASSWORD, &[]).done();
    app.run("sync").done();
    app.run("sent").done().says(&["Nothing was sent"]);
    app.run("run Shop/Carts").code(3);
    app.run("send Shop/Carts/Get").done();
    assert_eq!(web.last().header("cookie"), [""; 0]);
}
