//! Sending requests and running collections: the profile's documents on one side, the runner on the other.
//!
//! ```text
//! Call::Sources ──▶ Ground (means, variables) ──▶ runner ──▶ Shown (masked) ──▶ command line, page
//!                     └────────────── Call::KeepSent ◀── what changed ──┘
//! ```
//! Why it exists: the command line and the page send in the same way, with or without an agent. The profile is asked
//! before and after, and not held in between, so that a long answer keeps nobody waiting.
//!
//! Invariants: scripts run only with the word of a person; what is shown or kept for the history has secret values
//! masked, the answer itself aside; what a send changed is given back by key, so that sends side by side lose nothing.
//!
//! Knows nothing of terminals and of how anything is stored.

mod changes;
mod ground;
pub(crate) mod run;
mod shown;
pub(crate) mod socket;
mod words;

use std::time::{SystemTime, UNIX_EPOCH};

use satchel_client::api::{
    Call, EnvironmentChoice, LogLine, Reply, Request, SendOrder, SentEntry, SentResponse, SentView,
    SourcesView, TestView,
};
use satchel_runner::build::{Files, Source};
use satchel_runner::http::{Event, Settings};
use satchel_runner::run::{Answer, Bail, Browser, Progress, Sending, Sent, Stop};
use satchel_runner::script::Position;
use serde_json::Value as Json;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::host::Host;

pub(crate) use changes::Changes;
pub(crate) use ground::Ground;
pub(crate) use shown::Shown;
pub(crate) use words::{plan_failure, untrusted, warning};

/// The argument that makes this program the process for scripts.
pub(crate) const SCRIPT_WORD: &str = "__script";
/// What `User-Agent` says.
pub(crate) const USER_AGENT: &str = concat!("Satchel/", env!("CARGO_PKG_VERSION"));
/// How much of a body goes to a page.
const PAGE_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much of a body goes to the history.
const KEPT_BODY_BYTES_MAX: usize = 1_000_000;

/// What the one who sends decides, beside the documents.
pub(crate) struct How {
    /// Variables over all others.
    pub(crate) locals: Vec<(String, String)>,
    /// Scripts may run, whatever was said of the workspace.
    pub(crate) trusts: bool,
    /// The rules under those of the documents.
    pub(crate) settings: Settings,
    /// Which files may be sent.
    pub(crate) files: Files,
    /// How long a script may take; none is the runner's own limit.
    pub(crate) script_time: Option<std::time::Duration>,
    /// Cookies stay after it.
    pub(crate) keeps_cookies: bool,
    /// Opens an address, for grants that need a person.
    pub(crate) browser: Option<Browser>,
    /// Stops it from outside.
    pub(crate) stop: Stop,
}

impl Default for How {
    /// As a page sends: no files, the usual rules, proxies as the environment says.
    fn default() -> Self {
        Self {
            locals: Vec::new(),
            trusts: false,
            settings: ground::usual_settings(),
            files: Files::none(),
            script_time: None,
            keeps_cookies: true,
            browser: None,
            stop: Stop::default(),
        }
    }
}

/// What is told while a request is under way.
#[derive(Debug)]
pub(crate) enum Told<'a> {
    /// An answer begins; of several (redirects, challenges) the last one counts.
    Head {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: &'a [(String, Vec<u8>)],
    },
    /// A piece of its body.
    Chunk(&'a [u8]),
}

/// Hears it.
pub(crate) type Ear<'a> = &'a mut (dyn FnMut(Told<'_>) + Send);

/// A request that was sent, or not.
pub(crate) struct Outcome {
    /// The answer, or why there is none.
    pub(crate) answer: Result<Shown, Failure>,
    /// Its tests, and its scripts that failed.
    pub(crate) tests: Vec<TestView>,
    /// What scripts printed.
    pub(crate) log: Vec<LogLine>,
    /// What was left out or not done.
    pub(crate) warnings: Vec<String>,
    /// What to give to the profile.
    pub(crate) keep: Call,
}

impl Outcome {
    /// Whether a test or a script failed.
    pub(crate) fn has_failed_tests(&self) -> bool {
        self.tests.iter().any(|test| !test.passed && !test.skipped)
    }
}

/// A small runtime for one send or run.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::agent("starting", error.to_string(), "end other programs and try again"))
}

/// Asks the profile for all that a request or a run is made of.
pub(crate) fn sources(
    host: &mut Host,
    workspace: Option<&str>,
    item: Option<&str>,
    environment: EnvironmentChoice,
    below: bool,
) -> Result<SourcesView, Failure> {
    let call = Call::Sources { item: item.map(str::to_owned), environment, below };
    match ask(host, workspace, call)? {
        Reply::Sources(sources) => Ok(sources),
        _ => Err(Failure::agent(
            "asking for the request",
            "the answer is of another kind",
            "start the agent afresh",
        )),
    }
}

/// A call that does not wait for the server.
pub(crate) fn ask(host: &mut Host, workspace: Option<&str>, call: Call) -> Result<Reply, Failure> {
    let request = Request { workspace: workspace.map(str::to_owned), wait_ms: 0, call };
    host.call(request, &mut |_| ())
}

/// Sends a request as a page has it, and keeps what it changed. Blocks: a task calls it on a thread of its own.
pub(crate) fn send_order(
    host: &mut Host,
    workspace: Option<&str>,
    order: SendOrder,
    how: &How,
    ear: Ear<'_>,
) -> Result<SentResponse, Failure> {
    let environment = order.environment.map_or(EnvironmentChoice::Off, EnvironmentChoice::Named);
    let sources = sources(host, workspace, order.item.as_deref(), environment, false)?;
    let workspace = sources.workspace.clone();
    let ground = Ground::new(sources)?;
    let outcome = runtime()?.block_on(send(&ground, &order.document, how, ear));
    let kept = ask(host, Some(&workspace), outcome.keep);
    let mut response = outcome.answer?.response(PAGE_BODY_BYTES_MAX);
    response.warnings.extend(kept.err().map(|failure| not_kept(&failure)));
    Ok(response)
}

/// What is said where the profile did not take what a send changed.
pub(crate) fn not_kept(failure: &Failure) -> String {
    format!("{} failed, so it is as before on this device: {}", failure.what, failure.why)
}

/// Sends a request.
pub(crate) async fn send(ground: &Ground, item: &Json, how: &How, ear: Ear<'_>) -> Outcome {
    let begun = std::time::Instant::now();
    let when = now_ms();
    let mut scopes = ground.scopes(&how.locals);
    let mut masker = scopes.masker();
    let ancestors: Vec<&Json> = ground.sources.ancestors.iter().map(|it| &it.document).collect();
    let position = position(ground, item);
    let mut sending = Sending::new(ground.means(how), Bail::Never);
    let source = Source { item, ancestors: &ancestors };
    let mut hear = |progress: Progress<'_>| tell(ear, &progress);
    let sent = sending.send(source, &position, &mut scopes, &mut hear).await;
    let means = sending.means();
    for layer in scopes.layers() {
        layer.variables.iter().filter(|it| it.secret).for_each(|it| masker.add(&it.text()));
    }
    means.tokens.secrets().iter().for_each(|secret| masker.add(secret));
    let shown = Shown::new(&sent, &means.jar, masker);
    let mut changes = Changes::default();
    changes.take(&sent);
    let entry = entry(ground, item, &sent, &shown, (when, begun.elapsed()));
    let keep = changes.call(ground, means, how.keeps_cookies, vec![entry]);
    let (tests, log, warnings) = shown.around();
    Outcome { answer: shown.answer(sent.answer), tests, log, warnings, keep }
}

fn tell(ear: &mut (dyn FnMut(Told<'_>) + Send), progress: &Progress<'_>) {
    match progress {
        Progress::Transport(Event::Head { status, headers }) => ear(Told::Head { status: *status, headers }),
        Progress::Transport(Event::Chunk(bytes)) => ear(Told::Chunk(bytes)),
        _ => {}
    }
}

fn position(ground: &Ground, item: &Json) -> Position {
    let name = item.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let above = ground.sources.ancestors.iter().map(|it| it.item.name.clone());
    Position {
        iteration: 0,
        iteration_count: 1,
        request_id: ground.sources.item.as_ref().map(|it| it.item.id.clone()).unwrap_or_default(),
        location: above.chain([name.clone()]).collect(),
        request_name: name,
    }
}

/// What the history keeps of a send.
fn entry(
    ground: &Ground,
    item: &Json,
    sent: &Sent,
    shown: &Shown,
    (when, took): (u64, std::time::Duration),
) -> SentEntry {
    let response = sent.answer.response();
    let (tests, _, _) = shown.around();
    let name = ground.sources.item.as_ref().map(|it| it.item.path.clone());
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let request = shown.request();
    let view = SentView {
        id: 0,
        when,
        item: ground.sources.item.as_ref().map(|it| it.item.id.clone()),
        name: name.or_else(|| Some(item.get("name")?.as_str()?.to_owned())).unwrap_or_default(),
        method: request.method.clone(),
        url: request.url.clone(),
        status: response.map(|it| it.status),
        failure: match &sent.answer {
            Answer::Response(_) => None,
            Answer::Failed(error) => Some(shown.mask(&error.to_string())),
            Answer::NotBuilt(error) => Some(error.to_string()),
            Answer::Skipped | Answer::Withheld => Some("a script said that it shall not be sent".to_owned()),
            Answer::Stopped => Some("it was stopped".to_owned()),
        },
        time_ms: response.map_or(took_ms, |it| it.timings.total / 1_000),
        bytes: response.map_or(0, |it| it.body.len() as u64),
        tests: tests.len() as u64,
        failed: tests.iter().filter(|it| !it.passed && !it.skipped).count() as u64,
    };
    SentEntry { view, response: response.map(|it| shown.describe(it, KEPT_BODY_BYTES_MAX)) }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
