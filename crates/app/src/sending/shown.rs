//! A request and its answer as people see them: texts, secret values masked.
//!
//! Invariant: only the answer's body and cookies are told as they came; everything else went through the masker.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use satchel_client::api::{
    CookieView, LogLine, SentBody, SentRequest, SentResponse, SentSizes, SentTimings, TestView,
};
use satchel_runner::cookie::{Cookie, Place};
use satchel_runner::http::{Response, SharedJar};
use satchel_runner::run::{Answer, Ran, Sent};
use satchel_runner::script::{Fault, Level, Moment, Thrown};
use satchel_runner::variable::Masker;
use serde_json::Value as Json;

use super::{now_ms, words};
use crate::failure::Failure;
use crate::output::time;

/// The longest request body that is shown.
const REQUEST_BODY_BYTES_MAX: usize = 256 * 1024;

/// What may be shown of a send.
#[derive(Clone)]
pub(crate) struct Shown {
    masker: Masker,
    request: SentRequest,
    cookies: Vec<CookieView>,
    tests: Vec<TestView>,
    log: Vec<LogLine>,
    warnings: Vec<String>,
    /// The answer as it came, once it was taken.
    answer: Option<Box<Response>>,
}

impl Shown {
    /// Takes what may be shown.
    pub(crate) fn new(sent: &Sent, jar: &SharedJar, masker: Masker) -> Self {
        let mut shown = Self {
            request: request(sent, &masker),
            cookies: sent.answer.response().map(|it| cookies(&it.url, jar)).unwrap_or_default(),
            tests: tests(sent, &masker),
            log: Vec::new(),
            warnings: Vec::new(),
            answer: None,
            masker,
        };
        shown.log =
            sent.log.iter().filter_map(|line| log_line(line.level, &shown.mask(&line.text))).collect();
        shown.warnings = words::warnings(sent).iter().map(|text| shown.mask(text)).collect();
        shown
    }

    /// A text without secret values.
    pub(crate) fn mask(&self, text: &str) -> String {
        self.masker.mask(text).into_owned()
    }

    /// The request as it went.
    pub(crate) fn request(&self) -> &SentRequest {
        &self.request
    }

    /// Tests, lines and warnings.
    pub(crate) fn around(&self) -> (Vec<TestView>, Vec<LogLine>, Vec<String>) {
        (self.tests.clone(), self.log.clone(), self.warnings.clone())
    }

    /// With the answer as it came; or why there is none, in words.
    pub(crate) fn answer(self, answer: Answer) -> Result<Self, Failure> {
        match answer {
            Answer::Response(response) => Ok(Self { answer: Some(Box::new(response)), ..self }),
            other => {
                let failure = words::no_answer(&other, &self.request.method, &self.request.url);
                let (what, why) = (self.mask(&failure.what), self.mask(&failure.why));
                Err(Failure { what, why, ..failure })
            }
        }
    }

    /// The answer as it came.
    pub(crate) fn came(&self) -> &Response {
        self.answer.as_deref().expect("it is made with an answer where it is given out")
    }

    /// The answer in the form of the API.
    pub(crate) fn response(&self, body_bytes_max: usize) -> SentResponse {
        self.describe(self.came(), body_bytes_max)
    }

    /// An answer in the form of the API, with no more of its body than that.
    pub(crate) fn describe(&self, response: &Response, body_bytes_max: usize) -> SentResponse {
        let timings = &response.timings;
        let sizes = &response.sizes;
        SentResponse {
            status: response.status,
            status_text: response.reason.clone(),
            version: response.version.to_owned(),
            url: self.mask(&response.url),
            headers: self.texts(&response.headers),
            body: body(response, body_bytes_max),
            cookies: self.cookies.clone(),
            timings: SentTimings {
                queued: timings.queued,
                dns: timings.dns,
                connect: timings.connect,
                tls: timings.tls,
                request_sent: timings.request_sent,
                first_byte: timings.first_byte,
                download: timings.download,
                total: timings.total,
            },
            sizes: SentSizes {
                sent_head: sizes.sent_head,
                sent_body: sizes.sent_body,
                received_head: sizes.received_head,
                encoded_body: sizes.encoded_body,
                decoded_body: sizes.decoded_body,
            },
            tests: self.tests.clone(),
            log: self.log.clone(),
            warnings: self.all_warnings(response),
            request: self.request.clone(),
        }
    }

    /// The warnings, with what the answer adds to them.
    pub(crate) fn all_warnings(&self, response: &Response) -> Vec<String> {
        let insecure = response.insecure.then(|| "the server's certificate was not enforced".to_owned());
        self.warnings.iter().cloned().chain(insecure).collect()
    }

    fn texts(&self, headers: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
        let text =
            |(name, value): &(String, Vec<u8>)| (self.mask(name), self.mask(&String::from_utf8_lossy(value)));
        headers.iter().map(text).collect()
    }
}

/// The request as it went over the wire; where it did not, as it would have.
fn request(sent: &Sent, masker: &Masker) -> SentRequest {
    let document = &sent.request;
    let text = |name: &str| document.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut request = SentRequest {
        method: text("method"),
        url: document.get("url").map(url_text).unwrap_or_default(),
        headers: Vec::new(),
        body: document.get("body").and_then(body_text),
    };
    if let Some(response) = sent.answer.response() {
        request.method.clone_from(&response.method);
        request.url.clone_from(&response.url);
        let head = String::from_utf8_lossy(&response.sent).into_owned();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        request.headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    } else {
        let list = document.get("header").and_then(Json::as_array).into_iter().flatten();
        let text = |it: &Json, name: &str| it.get(name).and_then(Json::as_str).map(str::to_owned);
        request.headers = list.filter_map(|it| Some((text(it, "key")?, text(it, "value")?))).collect();
    }
    let mask = |text: &str| masker.mask(text).into_owned();
    SentRequest {
        method: mask(&request.method),
        url: mask(&request.url),
        headers: request.headers.iter().map(|(name, value)| (mask(name), mask(value))).collect(),
        body: request.body.map(|body| mask(&body)),
    }
}

fn url_text(url: &Json) -> String {
    match url {
        Json::String(text) => text.clone(),
        other => other.get("raw").and_then(Json::as_str).unwrap_or_default().to_owned(),
    }
}

/// A document's body as a text.
fn body_text(body: &Json) -> Option<String> {
    let mode = body.get("mode")?.as_str()?;
    let content = body.get(mode)?;
    let pairs = |joined: &str| {
        let text =
            |it: &Json, name: &str| it.get(name).map(satchel_runner::variable::text_of).unwrap_or_default();
        let enabled = content.as_array()?.iter().filter(|it| it.get("disabled") != Some(&Json::Bool(true)));
        let line = |it: &Json| match it.get("type").and_then(Json::as_str) {
            Some("file") => format!("{}=(file {})", text(it, "key"), text(it, "src")),
            _ => format!("{}={}", text(it, "key"), text(it, "value")),
        };
        Some(enabled.map(line).collect::<Vec<_>>().join(joined))
    };
    let mut text = match mode {
        "raw" => content.as_str()?.to_owned(),
        "urlencoded" => pairs("&")?,
        "formdata" => pairs("\n")?,
        "file" => format!("(file {})", content.get("src").and_then(Json::as_str).unwrap_or_default()),
        _ => content.to_string(),
    };
    if text.is_empty() {
        return None;
    }
    text.truncate(text.floor_char_boundary(REQUEST_BODY_BYTES_MAX));
    Some(text)
}

/// The body as a text where it is one, else in base64.
fn body(response: &Response, bytes_max: usize) -> SentBody {
    let whole = &response.body;
    let truncated = whole.len() > bytes_max;
    let bytes = &whole[..whole.len().min(bytes_max)];
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        // A cut within a letter is no reason to call a text something else.
        Err(error) if truncated && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok().map(str::to_owned)
        }
        Err(_) => is_latin(response).then(|| bytes.iter().copied().map(char::from).collect()),
    };
    let base64 = if text.is_none() { Some(STANDARD.encode(bytes)) } else { None };
    SentBody { text, base64, truncated }
}

fn is_latin(response: &Response) -> bool {
    let kind = response.header("content-type").map(|it| String::from_utf8_lossy(it).to_lowercase());
    kind.is_some_and(|it| it.contains("charset=iso-8859-1") || it.contains("charset=latin1"))
}

fn cookies(url: &str, jar: &SharedJar) -> Vec<CookieView> {
    let Some(place) = Place::of(url) else { return Vec::new() };
    let jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
    let view = |cookie: &Cookie| CookieView {
        name: cookie.name.clone(),
        value: cookie.value.clone(),
        domain: cookie.domain.clone(),
        path: cookie.path.clone(),
        expires: cookie.expires.map(|seconds| time(seconds.saturating_mul(1_000))),
        secure: cookie.secure,
        http_only: cookie.http_only,
    };
    jar.matching(&place, now_ms() / 1_000).into_iter().map(view).collect()
}

fn log_line(level: Level, text: &str) -> Option<LogLine> {
    let level = match level {
        Level::Log | Level::Debug => "log",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
        Level::Clear => return None,
    };
    Some(LogLine { level: level.to_owned(), text: text.to_owned() })
}

/// The tests in order, and after those of each script what went wrong in it.
fn tests(sent: &Sent, masker: &Masker) -> Vec<TestView> {
    let mut views = Vec::new();
    for ran in &sent.scripts {
        let outcome = match &ran.result {
            Ok(outcome) => outcome,
            Err(error) => {
                views.push(broken(ran, &error.to_string()));
                continue;
            }
        };
        views.extend(outcome.tests.iter().map(|test| TestView {
            name: test.name.clone(),
            passed: test.failure.is_none() && !test.skipped,
            skipped: test.skipped,
            message: test.failure.as_ref().map(thrown),
        }));
        views.extend(outcome.faults.iter().map(|fault| broken(ran, &fault_text(fault))));
    }
    let mask = |text: &str| masker.mask(text).into_owned();
    let masked = views.into_iter().map(|view| TestView {
        name: mask(&view.name),
        message: view.message.as_deref().map(mask),
        ..view
    });
    masked.collect()
}

/// A script that failed, in the line of a test.
fn broken(ran: &Ran, why: &str) -> TestView {
    let kind = if ran.moment == Moment::PreRequest { "pre-request" } else { "test" };
    TestView {
        name: format!("the {kind} script of {}", ran.of),
        passed: false,
        skipped: false,
        message: Some(why.to_owned()),
    }
}

fn thrown(thrown: &Thrown) -> String {
    let place = thrown.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    if thrown.name.is_empty() || thrown.name == "AssertionError" {
        return thrown.message.clone();
    }
    format!("{}: {}{place}", thrown.name, thrown.message)
}

fn fault_text(fault: &Fault) -> String {
    match fault {
        Fault::Thrown(error) => thrown(error),
        Fault::Late { limit } => format!("it was stopped after {} ms", limit.as_millis()),
        Fault::OutOfMemory => "it needed more memory than a script may have".to_owned(),
        Fault::Flood => "it printed, tested or asked more than a script may, and was stopped".to_owned(),
        Fault::Died => "its process ended before it did".to_owned(),
    }
}
