//! A server that tells what it was asked, and a run against it as lines.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use satchel_runner::build::{Files, Options};
use satchel_runner::http::{Settings, SharedJar};
use satchel_runner::limits::ITERATION_REQUESTS;
use satchel_runner::run::{
    Answer, Bail, Event, Execution, Finished, KeptTokens, Means, Plan, Reporter, Run, Shown, Stop,
};
use satchel_runner::script::{Launch, Limits, Moment, Trust};
use satchel_runner::testing::{Act, Received, TestServer, answer};
use satchel_runner::variable::{Layer, Scope};
use serde_json::{Value as Json, json};

/// A server whose answers follow the path: `/status/404`, `/cookie/name`, `/token`, `/digest`, `/reset`, `/hang`; all else is told back as JSON.
pub(crate) async fn server() -> TestServer {
    TestServer::start(acts).await
}

pub(crate) fn acts(received: &Received) -> Vec<Act> {
    let path = received.path();
    let mut parts = path.trim_start_matches('/').split(['/', '?']);
    match (parts.next(), parts.next()) {
        (Some("status"), Some(code)) if code.parse::<u16>().is_ok() => answer(&format!("{code} Told"), "{}"),
        (Some("cookie"), Some(name)) => {
            answer(&format!("200 OK\r\nSet-Cookie: {name}=1; Path=/"), "{\"set\":true}")
        }
        (Some("token"), _) => {
            answer("200 OK", "{\"access_token\":\"token-of-the-server\",\"expires_in\":3600}")
        }
        (Some("digest"), _) if received.header("authorization").is_empty() => {
            let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5";
            answer(&format!("401 Unauthorized\r\n{challenge}"), "")
        }
        (Some("reset"), _) => vec![Act::Reset],
        (Some("hang"), _) => vec![Act::Hang],
        _ => {
            let headers = String::from_utf8_lossy(&received.head).into_owned();
            let headers = headers.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: serde_json::Map<String, Json> =
                headers.map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
            let body = String::from_utf8_lossy(&received.body);
            let told = json!({ "path": path, "headers": headers, "body": body });
            answer("200 OK\r\nContent-Type: application/json", told.to_string())
        }
    }
}

/// What sending needs, with nothing kept from before.
pub(crate) fn means() -> Means {
    Means {
        options: Options {
            settings: Settings::default(),
            user_agent: "satchel".to_owned(),
            files: Files::none(),
        },
        jar: SharedJar::default(),
        tokens: KeptTokens::default(),
        browser: None,
        trust: Trust::Given,
        launch: Launch::new(env!("CARGO_BIN_EXE_satchel-script-child"), ["__script"]),
        script_limits: Limits::default(),
        stop: Stop::default(),
    }
}

/// A plan for a collection; `{{base}}` is the server.
pub(crate) fn plan(server: &TestServer, items: &Json) -> Plan {
    let collection = json!({
        "info": { "name": "Shop" },
        "variable": [{ "key": "base", "value": server.url("") }],
        "item": items,
    });
    plan_of(collection)
}

pub(crate) fn plan_of(collection: Json) -> Plan {
    Plan {
        collection: Arc::new(collection),
        selection: Vec::new(),
        environment: None,
        globals: Layer::new(Scope::Global, "globals"),
        data: Vec::new(),
        iterations: None,
        delay: Duration::ZERO,
        bail: Bail::Never,
        timeout: None,
        parallel: 1,
        requests_max: ITERATION_REQUESTS,
        means: means(),
    }
}

/// A request of the server, with scripts before and after it.
pub(crate) fn request(name: &str, path: &str, before: &str, after: &str) -> Json {
    json!({
        "name": name,
        "request": { "method": "GET", "url": format!("{{{{base}}}}{path}") },
        "event": events(before, after),
    })
}

pub(crate) fn events(before: &str, after: &str) -> Json {
    let event = |listen, text: &str| json!({ "listen": listen, "script": { "exec": text.lines().collect::<Vec<_>>() } });
    let all = [("prerequest", before), ("test", after)];
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(listen, text)| event(listen, text)).collect()
}

/// What a run told, as lines.
pub(crate) struct Told {
    pub(crate) lines: String,
    pub(crate) finished: Finished,
}

/// Runs a plan.
pub(crate) async fn run(plan: Plan) -> Told {
    let mut lines = Lines::default();
    let finished = Run::begin(plan).expect("a plan that can be run").drive(&mut lines).await;
    Told { lines: lines.0, finished }
}

/// Runs a plan and checks its lines.
pub(crate) async fn check(plan: Plan, expected: &str) {
    assert_eq!(run(plan).await.lines, expected);
}

#[derive(Default)]
struct Lines(String);

impl Reporter for Lines {
    fn hear(&mut self, event: &Event<'_>) {
        let text = &mut self.0;
        let told = match event {
            Event::IterationBegun { iteration, iterations } if *iterations > 1 => {
                writeln!(text, "# {iteration}")
            }
            Event::ItemDone { sent, execution, .. } => {
                assert_eq!(
                    matches!(sent.answer, Answer::Failed(_)),
                    matches!(execution.result, Shown::Failed { .. })
                );
                tell(text, execution);
                Ok(())
            }
            Event::Done { summary } if summary.end != satchel_runner::run::End::Whole => {
                writeln!(text, "{}", summary.end.word())
            }
            _ => Ok(()),
        };
        told.expect("a text takes all");
    }
}

fn tell(text: &mut String, execution: &Execution) {
    let result = match &execution.result {
        Shown::Response { status, .. } => status.to_string(),
        Shown::Failed { name, .. } => name.clone(),
        Shown::Skipped => "skipped".to_owned(),
        Shown::NotSent => "not sent".to_owned(),
    };
    let path = execution.url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut line = format!("{} {} /{path} {result}", execution.full_name(), execution.method);
    for (_, logged) in &execution.log {
        let _ = write!(line, " | {logged}");
    }
    for moment in [Moment::PreRequest, Moment::Test] {
        for assertion in execution.assertions.iter().filter(|it| it.moment == moment) {
            let _ = match &assertion.failure {
                Some(problem) => write!(line, " | not {}: {}", assertion.name, problem.name),
                None if assertion.skipped => write!(line, " | - {}", assertion.name),
                None => write!(line, " | ok {}", assertion.name),
            };
        }
        for fault in execution.faults.iter().filter(|it| it.moment == moment) {
            let _ = write!(line, " | {} in {} of {}", fault.problem.name, moment.word(), fault.of);
        }
    }
    text.push_str(&line);
    text.push('\n');
}
