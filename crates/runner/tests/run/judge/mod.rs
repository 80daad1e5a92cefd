//! newman and the runner side by side: the same collections against the same server, compared by what each says of them and by the bytes
//! that each sends.
//!
//! What must differ is left out of the comparison: the agent's name, `Postman-Token`, and random parts (boundaries, nonces, times).

mod cases;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use satchel_runner::run::{Bail, Event, Execution, Plan, Reporter, Run, Shown};
use satchel_runner::script::Moment;
use satchel_runner::testing::{Received, TestServer};
use satchel_runner::variable::{Layer, Scope};
use serde_json::{Value as Json, json};

use crate::fixture::{plan_of, server};

/// What both are given.
#[derive(Default)]
struct Case {
    collection: Json,
    environment: Option<Json>,
    globals: Option<Json>,
    data: &'static str,
    iterations: Option<u64>,
    folder: Vec<&'static str>,
    bail: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/judge")
}

/// Where newman says that it is done with a case.
const MARK: &str = "/done-with-a-case";

/// Runs newman and gives what it told of each case, and what the server saw of it.
fn newman(server: &TestServer, cases: &[(String, Case)]) -> Vec<(Json, Vec<String>)> {
    assert!(
        folder().join("node_modules/newman").is_dir(),
        "the judge is not installed: run `npm ci` in crates/runner/tests/run/judge (needs Node.js with npm)"
    );
    let files = tempfile::tempdir().expect("a folder");
    let orders = cases.iter().enumerate().map(|(place, (_, case))| {
        let file = files.path().join(place.to_string());
        std::fs::write(&file, case.data).expect("it can be written");
        json!({
            "collection": case.collection, "environment": case.environment, "globals": case.globals,
            "data": (!case.data.is_empty()).then_some(file), "iterations": case.iterations, "folder": case.folder, "bail": case.bail,
        })
    });
    let input = json!({ "mark": server.url(MARK), "orders": orders.collect::<Vec<_>>() });
    let mut command = Command::new("node");
    command
        .arg(folder().join("newman.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = command.spawn().expect("Node.js is installed");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.to_string().as_bytes()).expect("newman reads");
    drop(stdin);
    let output = child.wait_with_output().expect("newman ends");
    let told: Vec<Json> = serde_json::from_slice(&output.stdout).expect("newman tells JSON");
    let received = server.received();
    let mut seen = received.split(|it| it.path() == MARK).map(|part| part.iter().map(shown).collect());
    let told = told.into_iter().map(|told| (told, seen.next().unwrap_or_default()));
    told.inspect(|(told, _)| assert_eq!(told["error"], Json::Null, "newman runs it")).collect()
}

/// What the runner tells, in the shape of `newman.mjs`.
#[derive(Default)]
struct Teller {
    told: Vec<Json>,
    summary: Json,
}

impl Reporter for Teller {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::ItemDone { execution, .. } => self.told.push(told(execution)),
            Event::Done { summary } => self.summary = summary.to_json(),
            _ => {}
        }
    }
}

fn told(execution: &Execution) -> Json {
    let (code, error) = match &execution.result {
        Shown::Response { status, .. } => (json!(status), Json::Null),
        Shown::Failed { name, .. } => (Json::Null, json!(name)),
        Shown::Skipped | Shown::NotSent => (Json::Null, Json::Null),
    };
    let tests = execution.assertions.iter().map(|test| {
        json!({ "name": test.name, "skipped": test.skipped, "error": test.failure.as_ref().map(|it| &it.name) })
    });
    let faults = execution.faults.iter().map(|fault| {
        let word = if fault.moment == Moment::Test { "test" } else { "prerequest" };
        format!("{word}: {}", fault.problem.name)
    });
    json!({
        "name": execution.at.name, "iteration": execution.at.iteration, "code": code, "error": error,
        "tests": tests.collect::<Vec<_>>(), "faults": faults.collect::<Vec<_>>(),
    })
}

/// A request without what must differ.
fn shown(received: &Received) -> String {
    let text = received.text();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let different = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !["user-agent", "postman-token"].contains(&name.as_str())
    };
    let head: Vec<_> = head.lines().filter(different).map(without_nonces).collect();
    without_boundaries(&format!("{}\n\n{body}", head.join("\n")))
}

/// Signatures made of nonces and times keep their kind alone.
fn without_nonces(line: &str) -> String {
    for kind in ["Hawk ", "OAuth ", "EG1-HMAC-SHA256 "] {
        if let Some((head, _)) = line.split_once(kind) {
            return format!("{head}{kind}…");
        }
    }
    // By RFC 7616, which newman does not follow here, an algorithm must not stand in quotes.
    line.replace("algorithm=\"MD5\"", "algorithm=MD5")
}

/// Boundaries are 26 hyphens and 24 digits; the length that they are part of stays.
fn without_boundaries(text: &str) -> String {
    let hyphens = "-".repeat(26);
    let mut parts = text.split(&hyphens);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        // In the body, two hyphens more stand before it.
        let rest = part.trim_start_matches('-').trim_start_matches(|it: char| it.is_ascii_digit());
        text + "BOUNDARY" + rest
    })
}

/// Lets the runner run a case, and gives what is different.
async fn differences(
    server: &TestServer,
    case: Case,
    theirs: &Json,
    their_requests: &[String],
) -> Vec<String> {
    let before = server.received().len();
    let bail = case.bail;
    let mut teller = Teller::default();
    Run::begin(plan(case)).expect("it can be run").drive(&mut teller).await;
    let our_requests: Vec<_> = server.received()[before..].iter().map(shown).collect();
    let mut found = Vec::new();
    compare(&mut found, "request", &our_requests, their_requests);
    let told = theirs["told"].as_array().expect("a list").iter().map(pretty).collect::<Vec<_>>();
    compare(&mut found, "execution", &teller.told.iter().map(pretty).collect::<Vec<_>>(), &told);
    for field in
        ["iterations", "items", "requests", "tests", "testScripts", "prerequestScripts", "assertions"]
    {
        let [mut ours, mut theirs] = [&teller.summary["stats"][field], &theirs["stats"][field]]
            .map(|it| (it["total"].clone(), it["failed"].clone()));
        // With a bail, newman counts a script with a failed test as a failed script.
        if bail {
            (ours.1, theirs.1) = (Json::Null, Json::Null);
        }
        if ours != theirs {
            found.push(format!("{field}: ours {ours:?}, newman's {theirs:?}"));
        }
    }
    found
}

fn plan(case: Case) -> Plan {
    let mut plan = plan_of(case.collection);
    plan.environment = case.environment.map(|it| Layer::from_document(Scope::Environment, &it));
    plan.globals = Layer::from_document(Scope::Global, &case.globals.unwrap_or_default());
    plan.data = satchel_runner::run::rows(case.data.as_bytes()).expect("it is data");
    plan.iterations = case.iterations;
    plan.selection = case.folder.iter().map(|name| (*name).to_owned()).collect();
    plan.bail = if case.bail { Bail::Failure } else { Bail::Never };
    plan
}

fn compare(found: &mut Vec<String>, what: &str, ours: &[String], theirs: &[String]) {
    for (place, (ours, theirs)) in
        ours.iter().zip(theirs).enumerate().filter(|(_, (ours, theirs))| ours != theirs)
    {
        found.push(format!("{what} {place}: ours\n{ours}\nnewman's\n{theirs}"));
    }
    if ours.len() != theirs.len() {
        found.push(format!("ours has {} times {what}, newman's {}", ours.len(), theirs.len()));
    }
}

/// Lets both run all cases and compares.
async fn check(server: &TestServer, cases: Vec<(String, Case)>) {
    // newman is another process; the server needs this thread meanwhile.
    let theirs = tokio::task::block_in_place(|| newman(server, &cases));
    assert_eq!(theirs.len(), cases.len());
    let (mut found, mut requests) = (Vec::new(), 0);
    for ((name, case), (theirs, their_requests)) in cases.into_iter().zip(theirs) {
        requests += their_requests.len();
        let different = differences(server, case, &theirs, &their_requests).await;
        found.extend(different.into_iter().map(|it| format!("{name}: {it}")));
    }
    println!("{requests} requests compared");
    assert!(requests > 40, "the server saw {requests} requests");
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n\n"));
}

fn pretty(value: &Json) -> String {
    let mut text = String::new();
    let mut put = |key: &str, value: &Json| text.extend([key, " ", &value.to_string(), "\n"]);
    for (key, value) in value.as_object().into_iter().flatten() {
        match value.as_array() {
            Some(list) => list.iter().for_each(|it| put(key, it)),
            None => put(key, value),
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newman_and_the_runner_do_and_say_the_same() {
    let server = server().await;
    let cases = cases::own(&server);
    assert!(cases.len() >= 12, "there are {} cases", cases.len());
    let cases = cases.into_iter().map(|(name, case)| (name.to_owned(), case)).collect();
    check(&server, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_collections_send_the_same() {
    let server = server().await;
    let cases = cases::published(&server);
    assert!(cases.len() >= 10, "there are {} collections", cases.len());
    check(&server, cases).await;
}
