//! One request with its scripts: tokens, challenges, secrets, and what is told meanwhile.

use satchel_runner::build::Source;
use satchel_runner::http;
use satchel_runner::run::{Answer, At, Bail, Execution, Progress, Sending, Shown};
use satchel_runner::script::{Moment, Position, Trust};
use satchel_runner::testing::{Received, TestServer};
use satchel_runner::variable::{Layer, MASK, Scope, Scopes};
use serde_json::{Value as Json, json};

use crate::fixture::{check, events, means, plan, request, run, server};

#[tokio::test]
async fn a_token_is_fetched_once_kept_and_masked() {
    let server = server().await;
    let mut items = json!([
        request("One", "/echo", "", "console.log(pm.response.json().headers.authorization)"),
        request("Two", "/echo", "", ""),
    ]);
    let attributes = json!([
        { "key": "grant_type", "value": "client_credentials" }, { "key": "accessTokenUrl", "value": "{{base}}/token" },
        { "key": "clientId", "value": "id" }, { "key": "clientSecret", "value": "s" },
    ]);
    for item in items.as_array_mut().expect("a list") {
        item["request"]["auth"] = json!({ "type": "oauth2", "oauth2": attributes });
    }
    let plan = plan(&server, &items);
    let tokens = plan.means.tokens.clone();
    check(plan, &format!("One GET /echo 200 | Bearer {MASK}\nTwo GET /echo 200\n")).await;
    let paths: Vec<_> = server.received().iter().map(Received::path).collect();
    assert_eq!(paths, ["/token", "/echo", "/echo"]);
    assert_eq!(server.received()[2].header("authorization"), ["Bearer token-of-the-server"]);
    assert_eq!(tokens.all().len(), 1);
}

#[tokio::test]
async fn a_challenge_is_answered_and_the_answer_told() {
    let server = server().await;
    let mut item = request("Get", "/digest", "", "pm.test('in', () => pm.response.to.have.status(200))");
    let attributes = json!([{ "key": "username", "value": "u" }, { "key": "password", "value": "p" }]);
    item["request"]["auth"] = json!({ "type": "digest", "digest": attributes });
    check(plan(&server, &json!([item])), "Get GET /digest 200 | ok in\n").await;
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn secret_values_are_masked_wherever_they_come_up_also_new_ones() {
    let server = server().await;
    let items = json!([{ "name": "Folder old-secret", "item": [request(
        "Get",
        "/{{key}}?k={{key}}",
        "console.log(pm.variables.get('key')); pm.environment.set('key', 'new secret/1')",
        "pm.test('has ' + pm.variables.get('key'), () => pm.expect(pm.variables.get('key')).to.equal('x')); throw new Error(pm.request.url.toString())",
    )]}]);
    let mut plan = plan(&server, &items);
    let values = json!({ "values": [{ "key": "key", "value": "old-secret", "type": "secret" }] });
    plan.environment = Some(Layer::from_document(Scope::Environment, &values));
    let told = run(plan).await;
    assert_eq!(
        told.lines,
        format!(
            "Folder {MASK} / Get GET /{MASK}?k={MASK} 200 | {MASK} | not has {MASK}: AssertionError | Error in test of Get\n"
        )
    );
    let kept = told.finished.summary.to_json().to_string();
    assert!(!kept.contains("secret") && kept.contains(MASK), "{kept}");
    assert!(server.received()[0].path().contains("new"), "what is sent is not masked");
}

#[tokio::test]
async fn requests_of_scripts_count_and_have_no_files() {
    let server = server().await;
    let script = "pm.sendRequest('http://127.0.0.1:1', () => {}); \
                  pm.sendRequest({ url: pm.collectionVariables.get('base') + '/up', method: 'POST', body: { mode: 'file', file: { src: '/etc/hostname' } } }, (e, r) => console.log(e, r.json().body.length))";
    let told = run(plan(&server, &json!([request("Get", "/echo", script, "")]))).await;
    assert_eq!(told.lines, "Get GET /echo 200 | null 0\n");
    let requests = told.finished.summary.stats.requests;
    assert_eq!((requests.total, requests.failed), (3, 1));
}

/// One send, as lines of what it told meanwhile.
async fn sent(server: &TestServer, item: &Json, trust: Trust) -> (String, Answer) {
    let collection = json!({ "info": { "name": "Shop" }, "event": events("console.log(1)", "") });
    let variables = json!({ "variable": [{ "key": "base", "value": server.url("") }] });
    let mut scopes = Scopes::new([Layer::from_document(Scope::Collection, &variables)]);
    let mut means = means();
    means.trust = trust;
    let mut lines = Vec::new();
    let mut hear = |progress: Progress<'_>| {
        lines.push(match progress {
            Progress::Console(line) => format!("console {}", line.text),
            Progress::Script(ran) => {
                format!("{} of {}", if ran.moment == Moment::Test { "test" } else { "prerequest" }, ran.of)
            }
            Progress::Transport(http::Event::Head { status, .. }) => format!("head {status}"),
            Progress::Transport(http::Event::Chunk(bytes)) => format!("body {}", bytes.len()),
            Progress::Transport(_) => return,
        });
    };
    let source = Source { item, ancestors: &[&collection] };
    let mut sending = Sending::new(means, Bail::Never);
    let position = Position { location: vec!["Shop".to_owned(), "Get".to_owned()], ..Position::default() };
    let sending = sending.send(source, &position, &mut scopes, &mut hear);
    let sent = is_send(sending).await;
    let at = At {
        iteration: 0,
        iterations: 1,
        position: 0,
        count: 1,
        name: "Get".to_owned(),
        id: String::new(),
        folders: Vec::new(),
    };
    let shown = Execution::of(&at, &sent, &scopes.masker());
    assert_eq!(matches!(shown.result, Shown::Response { .. }), sent.answer.response().is_some());
    (lines.join("\n"), sent.answer)
}

/// The page sends from another thread.
fn is_send<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn one_send_tells_what_happens_in_its_order() {
    let server = server().await;
    let item = request(
        "Get",
        "/status/201",
        "console.log(pm.execution.location.current)",
        "console.log(pm.response.code)",
    );
    let (lines, answer) = sent(&server, &item, Trust::Given).await;
    assert_eq!(
        lines,
        "console 1\nprerequest of Shop\nconsole Get\nprerequest of Get\nhead 201\nbody 2\nconsole 201\ntest of Get"
    );
    assert_eq!(answer.response().map(|it| it.body.as_slice()), Some(&b"{}"[..]));
    let (lines, _) = sent(&server, &item, Trust::Missing).await;
    assert_eq!(lines, "head 201\nbody 2");
    let (lines, answer) = sent(&server, &json!({ "name": "Nothing" }), Trust::Given).await;
    assert_eq!(lines, "console 1\nprerequest of Shop");
    assert!(matches!(answer, Answer::NotBuilt(_)));
}
