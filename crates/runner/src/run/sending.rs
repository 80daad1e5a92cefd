//! One request with its scripts, sent.
//!
//! The order is Postman's: the pre-request scripts of the collection, the folders and the request, each seeing what the ones before it
//! have changed; the request, with the answers to challenges and the token that it needs; the test scripts in the same order, also where
//! the request has failed.
//!
//! Invariant: nothing of a document runs or is sent but by the word of [`Means`].

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::OsRng;
use serde_json::{Map, Value as Json, json};

use super::event::{Answer, Progress, Ran, Sent};
use super::grant;
use super::host::ScriptHost;
use super::plan::{Bail, Means};
use crate::auth::Surroundings;
use crate::build::{self, Built, Source};
use crate::cookie::{Cookie, Place};
use crate::http::{self, Client, Request, Response, SendError};
use crate::script::{Moment, Outcome, Position, Sandbox, Script, Trust};
use crate::variable::Scopes;

/// Tells what happens while a request is sent.
pub(super) type Tell<'t> = dyn Fn(Progress<'_>) + Send + Sync + 't;

/// Sends requests with their scripts, one after another, over kept connections and with one process for scripts.
///
/// `send` and the runner both use it, so that a request does the same in both.
#[derive(Debug)]
pub struct Sending {
    means: Means,
    bail: Bail,
    client: Client,
    sandbox: Sandbox,
}

impl Sending {
    /// A sending without connections yet. `bail` says what keeps a request with a failed script from being sent.
    pub fn new(means: Means, bail: Bail) -> Self {
        let client = Client::new(means.jar.clone());
        let sandbox = Sandbox::new(means.launch.clone(), means.script_limits);
        Self { means, bail, client, sandbox }
    }

    /// What it was made with.
    pub fn means(&self) -> &Means {
        &self.means
    }

    /// Sends a request. `scopes` has all variables that it sees, those of its folders too, and is changed by its scripts.
    pub async fn send(
        &mut self,
        source: Source<'_>,
        position: &Position,
        scopes: &mut Scopes,
        hear: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Sent {
        let hear = Mutex::new(hear);
        let tell = |progress: Progress<'_>| hear.lock().unwrap_or_else(PoisonError::into_inner)(progress);
        let host = ScriptHost::new(&self.client, &self.means, &tell);
        let mut turn = Turn {
            means: &self.means,
            bail: self.bail,
            client: &self.client,
            sandbox: &mut self.sandbox,
            host: &host,
            tell: &tell,
            source,
            item: working_copy(source.item),
            position,
            sent: Sent::default(),
        };
        // On the heap: sending, scripts and auth together are more than a caller's stack should hold.
        Box::pin(turn.run(scopes)).await;
        let mut sent = turn.sent;
        (sent.log, sent.inner) = host.into_parts();
        sent
    }
}

/// The parts of an item that count, so that scripts can change them.
fn working_copy(item: &Json) -> Json {
    let parts = ["request", "protocolProfileBehavior"].into_iter();
    let parts = parts.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
    let mut copy: Map<String, Json> = parts.collect();
    if let Some(Json::String(url)) = copy.get("request") {
        // Scripts change parts of an object.
        let request = json!({ "method": "GET", "url": url, "header": [] });
        copy.insert("request".to_owned(), request);
    }
    Json::Object(copy)
}

/// One request on its way.
struct Turn<'a> {
    means: &'a Means,
    bail: Bail,
    client: &'a Client,
    sandbox: &'a mut Sandbox,
    host: &'a ScriptHost<'a>,
    tell: &'a Tell<'a>,
    source: Source<'a>,
    item: Json,
    position: &'a Position,
    sent: Sent,
}

/// Whether the turn goes on.
#[derive(PartialEq)]
enum Go {
    On,
    Stop,
}

impl Turn<'_> {
    async fn run(&mut self, scopes: &mut Scopes) {
        self.sent.request = self.item.get("request").cloned().unwrap_or_default();
        if self.scripts(Moment::PreRequest, scopes, None).await == Go::Stop {
            return;
        }
        let mut built = match self.build(scopes) {
            Ok(built) => built,
            Err(error) => {
                self.sent.answer = Answer::NotBuilt(error);
                return;
            }
        };
        let outcome = self.exchange(&mut built, scopes).await;
        self.sent.warnings = std::mem::take(&mut built.warnings);
        self.sent.answer = match outcome {
            None => Answer::Stopped,
            Some(Ok(response)) => Answer::Response(response),
            Some(Err(error)) => Answer::Failed(error),
        };
        let ends = matches!(self.sent.answer, Answer::Stopped)
            || self.bail != Bail::Never && matches!(self.sent.answer, Answer::Failed(_));
        if !ends {
            self.scripts(Moment::Test, scopes, Some(&built)).await;
        }
    }

    /// Runs the scripts of a moment, the collection's first.
    async fn scripts(&mut self, moment: Moment, scopes: &mut Scopes, built: Option<&Built>) -> Go {
        let owners: Vec<&Json> = self.source.ancestors.iter().copied().chain([self.source.item]).collect();
        let cookies = self.cookies(built);
        for (depth, owner) in owners.iter().enumerate() {
            for text in scripts_of(owner, moment) {
                if self.means.trust != Trust::Given {
                    self.sent.untrusted += 1;
                    continue;
                }
                let Some(ran) = self.script(&text, (moment, depth, owner), scopes, &cookies).await else {
                    // An answer that has come stays.
                    if moment == Moment::PreRequest {
                        self.sent.answer = Answer::Stopped;
                    }
                    return Go::Stop;
                };
                if self.take(ran) == Go::Stop {
                    return Go::Stop;
                }
            }
        }
        Go::On
    }

    /// Runs one script; none if the word to stop came.
    async fn script(
        &mut self,
        text: &str,
        (moment, depth, owner): (Moment, usize, &Json),
        scopes: &mut Scopes,
        cookies: &[Cookie],
    ) -> Option<Ran> {
        let of = name_of(owner).to_owned();
        // Postman's files are full of scripts without a word; they count, and need no process.
        if text.trim().is_empty() {
            return Some(Ran { moment, of, result: Ok(Outcome::default()) });
        }
        let mut position = self.position.clone();
        position.location.truncate(depth + 1);
        let script = Script {
            source: text,
            name: if moment == Moment::PreRequest { "prerequest-script.js" } else { "test-script.js" },
            moment,
            trust: self.means.trust,
            position: &position,
            scopes,
            request: Some(&self.sent.request),
            response: if moment == Moment::Test { self.sent.answer.response() } else { None },
            cookies,
        };
        let result = tokio::select! {
            biased;
            () = self.means.stop.stopped() => return None,
            result = self.sandbox.run(&script, self.host) => result,
        };
        if let Ok(outcome) = &result {
            outcome.apply(scopes);
        }
        Some(Ran { moment, of, result })
    }

    /// Takes what a script did.
    fn take(&mut self, ran: Ran) -> Go {
        (self.tell)(Progress::Script(&ran));
        let mut go = Go::On;
        if let Ok(outcome) = &ran.result {
            if ran.moment == Moment::PreRequest {
                self.change(outcome);
                if outcome.skips_request {
                    self.sent.answer = Answer::Skipped;
                    go = Go::Stop;
                }
            }
            if outcome.next.is_some() {
                self.sent.next.clone_from(&outcome.next);
            }
        }
        let fails = match self.bail {
            Bail::Never => false,
            Bail::Failure => ran.is_broken() || ran.has_failed_test(),
            Bail::Error => ran.is_broken(),
        };
        if fails {
            if ran.moment == Moment::PreRequest {
                self.sent.answer = Answer::Withheld;
            }
            go = Go::Stop;
        }
        self.sent.scripts.push(ran);
        go
    }

    /// Takes the parts of the request that a script changed.
    fn change(&mut self, outcome: &Outcome) {
        let Some(Json::Object(request)) = self.item.get_mut("request") else { return };
        for (part, value) in &outcome.request {
            request.insert(part.clone(), value.clone());
        }
        if !outcome.request.is_empty() {
            self.sent.request = Json::Object(request.clone());
        }
    }

    fn build(&self, scopes: &Scopes) -> Result<Built, build::BuildError> {
        let source = Source { item: &self.item, ancestors: self.source.ancestors };
        let mut rng = OsRng;
        let mut around = Surroundings { now_ms: now_ms(), rng: &mut rng, tokens: &self.means.tokens };
        build::build(source, scopes, &self.means.options, &mut around)
    }

    /// Sends the request, with the token that it needs, and answers challenges; none if the word to stop came.
    async fn exchange(&mut self, built: &mut Built, scopes: &Scopes) -> Option<Result<Response, SendError>> {
        let stop = self.means.stop.clone();
        tokio::select! {
            biased;
            () = stop.stopped() => None,
            result = self.exchange_whole(built, scopes) => Some(result),
        }
    }

    async fn exchange_whole(&mut self, built: &mut Built, scopes: &Scopes) -> Result<Response, SendError> {
        if let Some(needed) = built.needed_grant().cloned() {
            match grant::fetch(&needed, self.client, self.means).await {
                Ok(true) => {
                    if let Ok(again) = self.build(scopes) {
                        *built = again;
                    }
                }
                Ok(false) => {}
                Err(error) => self.sent.token_error = Some(error),
            }
        }
        let mut request = std::mem::replace(&mut built.request, Request::new("", ""));
        let tell = self.tell;
        let mut events = |event: http::Event<'_>| tell(Progress::Transport(event));
        loop {
            self.sent.request = described(&built.document, &request);
            let response = self.client.send(request, &mut events).await?;
            let mut rng = OsRng;
            let mut around = Surroundings { now_ms: now_ms(), rng: &mut rng, tokens: &self.means.tokens };
            match built.answer(&response, &mut around) {
                Some(next) => request = next,
                None => return Ok(response),
            }
        }
    }

    /// The cookies that the request's URL has now.
    fn cookies(&self, built: Option<&Built>) -> Vec<Cookie> {
        let Some(place) = built.and(self.sent.request.get("url")).and_then(Json::as_str).and_then(Place::of)
        else {
            return Vec::new();
        };
        let jar = self.means.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.matching(&place, now_ms() / 1000).into_iter().cloned().collect()
    }
}

/// The request as it goes, as Postman's document.
fn described(document: &Json, request: &Request) -> Json {
    let headers = request.headers.iter();
    let headers =
        headers.map(|(name, value)| json!({ "key": name, "value": String::from_utf8_lossy(value) }));
    let mut described =
        json!({ "method": request.method, "url": request.url, "header": headers.collect::<Vec<_>>() });
    for part in ["body", "auth", "description"] {
        if let Some(value) = document.get(part) {
            described[part] = value.clone();
        }
    }
    described
}

/// The name of an item, a folder or a collection.
pub(super) fn name_of(document: &Json) -> &str {
    let name = document.get("name").or_else(|| document.get("info")?.get("name"));
    name.and_then(Json::as_str).unwrap_or_default()
}

/// The texts of the enabled scripts of a document for a moment.
fn scripts_of(document: &Json, moment: Moment) -> Vec<String> {
    let events = document.get("event").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let listens = |event: &&Json| {
        event.get("listen").and_then(Json::as_str) == Some(moment.word())
            && event.get("disabled") != Some(&Json::Bool(true))
    };
    events.iter().filter(listens).filter_map(|event| script_text(event.get("script")?)).collect()
}

fn script_text(script: &Json) -> Option<String> {
    match script {
        Json::String(text) => Some(text.clone()),
        Json::Array(lines) => Some(lines.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("\n")),
        Json::Object(fields) => match fields.get("exec") {
            Some(exec @ (Json::String(_) | Json::Array(_))) => script_text(exec),
            _ => Some(String::new()),
        },
        _ => None,
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
