//! One request, one answer, some variables, and a host that echoes: what all tests of scripts see.

use std::fmt::Write as _;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use satchel_runner::cookie::{Cookie, Jar, Place};
use satchel_runner::http::{Response, SharedJar, Timings};
use satchel_runner::script::{
    ConsoleLine, Fault, Host, Launch, Level, Limits, Moment, Next, Outcome, Position, Refusal, Sandbox,
    Script, Test, Thrown, Trust,
};
use satchel_runner::variable::{Layer, Scope, Scopes, Variable};
use serde_json::{Value as Json, json};

/// Starts what these tests start.
pub(crate) fn sandbox(limits: Limits) -> Sandbox {
    Sandbox::new(Launch::new(env!("CARGO_BIN_EXE_satchel-script-child"), ["__script"]), limits)
}

/// What a script sees, owned.
pub(crate) struct World {
    pub(crate) scopes: Scopes,
    pub(crate) position: Position,
    pub(crate) request: Json,
    pub(crate) response: Response,
    pub(crate) host: Echo,
    cookies: Vec<Cookie>,
}

impl World {
    pub(crate) fn new() -> Self {
        let host = Echo::default();
        let place = Place::of("https://shop.test/carts/7").expect("a URL");
        let mut jar = Jar::default();
        for header in ["session=abc; HttpOnly", "theme=dark%20blue"] {
            assert!(jar.set(&place, header.as_bytes(), 0));
        }
        let cookies = jar.matching(&place, 0).into_iter().cloned().collect();
        *host.jar.lock().unwrap_or_else(PoisonError::into_inner) = jar;
        let location = ["Shop", "Carts", "Get cart"].map(str::to_owned).to_vec();
        let (request_name, request_id) = ("Get cart".to_owned(), "r-1".to_owned());
        let position = Position { iteration: 1, iteration_count: 3, request_name, request_id, location };
        Self { scopes: scopes(), position, request: request(), response: response(), host, cookies }
    }

    pub(crate) fn script<'a>(&'a self, source: &'a str, moment: Moment) -> Script<'a> {
        Script {
            source,
            name: "script.js",
            moment,
            trust: Trust::Given,
            position: &self.position,
            scopes: &self.scopes,
            request: Some(&self.request),
            response: (moment == Moment::Test).then_some(&self.response),
            cookies: &self.cookies,
        }
    }

    /// All that a script did, as lines.
    pub(crate) async fn told(&self, sandbox: &mut Sandbox, source: &str, moment: Moment) -> String {
        let outcome = sandbox.run(&self.script(source, moment), &self.host).await.expect("the child starts");
        let mut text = self.host.printed();
        tell(&mut text, &outcome);
        text
    }
}

fn scopes() -> Scopes {
    let layer = |scope, name: &str, variables: Vec<Variable>| {
        let mut layer = Layer::new(scope, name);
        layer.variables = variables;
        layer
    };
    let disabled = Variable { enabled: false, ..Variable::new("off", "hidden") };
    Scopes::new([
        layer(Scope::Local, "", vec![Variable::new("mine", "local")]),
        layer(Scope::Data, "rows.csv", vec![Variable::new("sku", "A-1"), Variable::new("amount", 3)]),
        layer(
            Scope::Environment,
            "staging",
            vec![
                Variable::new("host", "shop.test"),
                Variable::new("url", "https://{{host}}/{{sku}}"),
                disabled,
            ],
        ),
        layer(Scope::Folder, "Carts", vec![Variable::new("folderly", "of the folder")]),
        layer(
            Scope::Collection,
            "Shop",
            vec![Variable::new("host", "collection.test"), Variable::new("tax", 7.5)],
        ),
        layer(Scope::Global, "globals", vec![Variable::new("who", "everyone")]),
    ])
}

fn request() -> Json {
    json!({
        "method": "POST",
        "url": {
            "raw": "https://shop.test:8443/carts/:id?page=2&q=a b&off=1#top",
            "protocol": "https",
            "host": ["shop", "test"],
            "port": "8443",
            "path": ["carts", ":id"],
            "query": [
                { "key": "page", "value": "2" },
                { "key": "q", "value": "a b" },
                { "key": "off", "value": "1", "disabled": true },
            ],
            "hash": "top",
            "variable": [{ "key": "id", "value": "7" }],
        },
        "header": [
            { "key": "Content-Type", "value": "application/json" },
            { "key": "X-Trace", "value": "1" },
            { "key": "X-Off", "value": "0", "disabled": true },
        ],
        "body": { "mode": "raw", "raw": "{\"item\":1}" },
        "auth": { "type": "basic", "basic": [{ "key": "username", "value": "ann" }] },
    })
}

fn response() -> Response {
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Set-Cookie", "session=abc; Path=/; HttpOnly"),
        ("X-Items", "2"),
    ];
    Response {
        status: 201,
        reason: "Created".to_owned(),
        headers: headers.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).to_vec(),
        body: "{\"id\":7,\"name\":\"Zoë\",\"items\":[{\"sku\":\"A-1\",\"count\":2},{\"sku\":\"B-2\",\"count\":1}]}".into(),
        timings: Timings { total: 123_456, ..Timings::default() },
        ..Response::default()
    }
}

/// A host that answers every request with the request itself.
#[derive(Default)]
pub(crate) struct Echo {
    jar: SharedJar,
    lines: Arc<Mutex<String>>,
}

impl Echo {
    /// What was printed since the last call.
    pub(crate) fn printed(&self) -> String {
        std::mem::take(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Host for Echo {
    fn print(&self, line: ConsoleLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let level = match line.level {
            Level::Log => "log",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Debug => "debug",
            Level::Clear => "clear",
        };
        writeln!(lines, "{level}: {}", line.text).expect("a text takes all");
    }

    fn send(&self, request: Json) -> BoxFuture<'_, Result<Response, Refusal>> {
        let text = request.to_string();
        if text.contains("refused") {
            let code = Some("ECONNREFUSED".to_owned());
            let refusal = Refusal { message: "connect ECONNREFUSED 127.0.0.1:9".to_owned(), code };
            return Box::pin(async { Err(refusal) });
        }
        if text.contains("never") {
            return Box::pin(pending());
        }
        let headers = vec![
            ("Content-Type".to_owned(), b"application/json".to_vec()),
            ("Set-Cookie".to_owned(), b"echo=1".to_vec()),
        ];
        let body = text.into_bytes();
        Box::pin(async {
            Ok(Response { status: 200, reason: "OK".to_owned(), headers, body, ..Response::default() })
        })
    }

    fn jar(&self) -> Option<SharedJar> {
        Some(Arc::clone(&self.jar))
    }
}

fn tell(text: &mut String, outcome: &Outcome) {
    for test in &outcome.tests {
        line(text, &told_test(test));
    }
    for change in &outcome.changes {
        let scope = change.scope.word();
        match &change.value {
            Some(value) => line(text, &format!("set {scope} {}={value}", change.key)),
            None => line(text, &format!("unset {scope} {}", change.key)),
        }
    }
    for (part, value) in &outcome.request {
        line(text, &format!("request {part}: {value}"));
    }
    match &outcome.next {
        Some(Next::Request(name)) => line(text, &format!("next {name}")),
        Some(Next::End) => line(text, "next is the end"),
        None => {}
    }
    if outcome.skips_request {
        line(text, "skips the request");
    }
    if let Some(visualizer) = &outcome.visualizer {
        line(text, &format!("visualizer {} {} {}", visualizer.template, visualizer.data, visualizer.options));
    }
    for fault in &outcome.faults {
        line(text, &told_fault(fault));
    }
}

fn told_test(test: &Test) -> String {
    match &test.failure {
        _ if test.skipped => format!("skip {}", test.name),
        None => format!("pass {}", test.name),
        Some(thrown) => format!("fail {}: {}", test.name, told_error(thrown)),
    }
}

pub(crate) fn told_fault(fault: &Fault) -> String {
    match fault {
        Fault::Thrown(thrown) => format!("fault {}", told_error(thrown)),
        other => format!("fault {other:?}"),
    }
}

fn told_error(thrown: &Thrown) -> String {
    let place = thrown.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    format!("{}: {}{place}", thrown.name, thrown.message)
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
