//! One request of a run as people may see it.
//!
//! Invariant: no text here holds a secret value or is longer than [`REPORT_TEXT_BYTES`]; [`Execution::of`] is the one
//! place where a run's results are masked, so that no reporter has to think of it.

use serde_json::Value as Json;

use super::{Answer, At, Inner, Ran, Sent};
use crate::build::Warning;
use crate::http::{Response, SendError, Sizes, Timings};
use crate::limits::REPORT_TEXT_BYTES;
use crate::script::{Fault, Level, Moment, Next, Refusal, ScriptError, Test, Thrown};
use crate::variable::{self, Masker};

/// One request of a run with its results, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Which one; its names masked.
    pub at: At,
    /// The method that was sent.
    pub method: String,
    /// The URL that was sent.
    pub url: String,
    /// The headers that were sent, if it was.
    pub sent_headers: Vec<(String, String)>,
    /// What became of it.
    pub result: Shown,
    /// Its tests, of all scripts in their order.
    pub assertions: Vec<Assertion>,
    /// Its scripts that failed.
    pub faults: Vec<ScriptFault>,
    /// How many scripts ran before the request.
    pub prerequest_scripts: u64,
    /// How many scripts ran after it.
    pub test_scripts: u64,
    /// How many scripts were left out because nobody trusts them.
    pub untrusted: usize,
    /// The requests that its scripts sent.
    pub inner: Inner,
    /// What the scripts printed.
    pub log: Vec<(Level, String)>,
    /// What was left out or not understood.
    pub warnings: Vec<String>,
    /// Where a script sent the run on to, as it said it; an empty text for the end of the iteration.
    pub next: Option<String>,
}

/// What became of a request, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It was answered.
    Response {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// The headers.
        headers: Vec<(String, String)>,
        /// How long each phase took.
        timings: Timings,
        /// How much went each way.
        sizes: Sizes,
    },
    /// It failed.
    Failed {
        /// What kind of failure: the code that scripts know, such as `ECONNREFUSED`, else `SendError`.
        name: String,
        /// Why, in a sentence.
        message: String,
    },
    /// A script said that it shall not be sent.
    Skipped,
    /// It was not sent, since the run was at its end.
    NotSent,
}

/// A test of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its name.
    pub name: String,
    /// Its place among the tests of its script.
    pub index: u64,
    /// The script that it is of.
    pub moment: Moment,
    /// Whether it was skipped.
    pub skipped: bool,
    /// Why it failed.
    pub failure: Option<Problem>,
}

/// An error as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind, such as `AssertionError`.
    pub name: String,
    /// What it says.
    pub message: String,
}

/// A script that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFault {
    /// Which script.
    pub moment: Moment,
    /// What it is of: the collection, a folder, the request.
    pub of: String,
    /// What went wrong.
    pub problem: Problem,
    /// Line and column in the script, where that is known.
    pub place: Option<(u32, u32)>,
}

impl Execution {
    /// What may be shown of a request that was sent.
    pub fn of(at: &At, sent: &Sent, masker: &Masker) -> Self {
        let show = Show { masker };
        let scripts = |moment| sent.scripts.iter().filter(move |ran| ran.moment == moment).count() as u64;
        let field = |name: &str| sent.request.get(name).and_then(Json::as_str).unwrap_or_default();
        let headers = sent.request.get("header").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let header = |header: &Json| {
            let part = |name: &str| header.get(name).map(variable::text_of).unwrap_or_default();
            (show.text(&part("key")), show.text(&part("value")))
        };
        Self {
            at: At {
                name: show.text(&at.name),
                id: show.text(&at.id),
                folders: at.folders.iter().map(|name| show.text(name)).collect(),
                ..at.clone()
            },
            method: show.text(field("method")),
            url: show.text(&url_text(&sent.request)),
            sent_headers: headers.iter().map(header).collect(),
            result: show.result(&sent.answer),
            assertions: sent.scripts.iter().flat_map(|ran| show.assertions(ran)).collect(),
            faults: sent.scripts.iter().flat_map(|ran| show.faults(ran)).collect(),
            prerequest_scripts: scripts(Moment::PreRequest),
            test_scripts: scripts(Moment::Test),
            untrusted: sent.untrusted,
            inner: sent.inner,
            log: sent.log.iter().map(|line| (line.level, show.text(&line.text))).collect(),
            warnings: show.warnings(sent),
            next: sent.next.as_ref().map(|next| match next {
                Next::Request(name) => show.text(name),
                Next::End => String::new(),
            }),
        }
    }

    /// Whether the request, one of its scripts or one of its tests failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.result, Shown::Failed { .. })
            || !self.faults.is_empty()
            || self.assertions.iter().any(|assertion| assertion.failure.is_some())
    }

    /// The folders and the name, with slashes between.
    pub fn full_name(&self) -> String {
        let names = self.at.folders.iter().chain([&self.at.name]);
        names.map(String::as_str).collect::<Vec<_>>().join(" / ")
    }

    /// How long the answer took, in milliseconds.
    pub fn response_ms(&self) -> Option<f64> {
        match &self.result {
            Shown::Response { timings, .. } => Some(milliseconds(timings.total)),
            _ => None,
        }
    }
}

/// Microseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "a time of 285 years is exact to the microsecond")]
pub(crate) fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

/// The URL of a document as text.
fn url_text(request: &Json) -> String {
    match request {
        Json::String(url) => url.clone(),
        request => crate::build::url::document_text(request.get("url").unwrap_or(&Json::Null)),
    }
}

/// An error as scripts and newman's reports know it.
pub(super) fn refusal(error: &SendError) -> Refusal {
    let (message, code) = match error {
        SendError::Refused { address, .. } => {
            (format!("connect ECONNREFUSED {address}"), Some("ECONNREFUSED"))
        }
        SendError::Dns { host, .. } => (format!("getaddrinfo ENOTFOUND {host}"), Some("ENOTFOUND")),
        SendError::Reset { .. } => (error.to_string(), Some("ECONNRESET")),
        SendError::Timeout { .. } => (error.to_string(), Some("ETIMEDOUT")),
        _ => (error.to_string(), None),
    };
    Refusal { message, code: code.map(str::to_owned) }
}

/// Makes texts that may be shown.
struct Show<'a> {
    masker: &'a Masker,
}

impl Show<'_> {
    fn text(&self, text: &str) -> String {
        let masked = self.masker.mask(text);
        if masked.len() <= REPORT_TEXT_BYTES {
            return masked.into_owned();
        }
        format!("{}…", &masked[..masked.floor_char_boundary(REPORT_TEXT_BYTES)])
    }

    fn result(&self, answer: &Answer) -> Shown {
        match answer {
            Answer::Response(response) => self.response(response),
            Answer::Failed(error) => Shown::Failed {
                name: refusal(error).code.unwrap_or_else(|| "SendError".to_owned()),
                message: self.text(&error.to_string()),
            },
            Answer::NotBuilt(error) => {
                Shown::Failed { name: "BuildError".to_owned(), message: self.text(&error.to_string()) }
            }
            Answer::Skipped => Shown::Skipped,
            Answer::Withheld | Answer::Stopped => Shown::NotSent,
        }
    }

    fn response(&self, response: &Response) -> Shown {
        let headers = response.headers.iter();
        let headers =
            headers.map(|(name, value)| (self.text(name), self.text(&String::from_utf8_lossy(value))));
        Shown::Response {
            status: response.status,
            reason: self.text(&response.reason),
            headers: headers.collect(),
            timings: response.timings,
            sizes: response.sizes,
        }
    }

    fn problem(&self, thrown: &Thrown) -> Problem {
        Problem { name: self.text(&thrown.name), message: self.text(&thrown.message) }
    }

    fn assertions(&self, ran: &Ran) -> Vec<Assertion> {
        let tests = ran.result.as_ref().map_or(&[][..], |outcome| &outcome.tests);
        let shown = |test: &Test| Assertion {
            name: self.text(&test.name),
            index: test.index,
            moment: ran.moment,
            skipped: test.skipped,
            failure: test.failure.as_ref().map(|thrown| self.problem(thrown)),
        };
        tests.iter().map(shown).collect()
    }

    fn faults(&self, ran: &Ran) -> Vec<ScriptFault> {
        let fault =
            |(problem, place)| ScriptFault { moment: ran.moment, of: self.text(&ran.of), problem, place };
        match &ran.result {
            Ok(outcome) => outcome.faults.iter().map(|it| fault(self.fault(it))).collect(),
            Err(error) => vec![fault((self.script_error(error), None))],
        }
    }

    fn fault(&self, fault: &Fault) -> (Problem, Option<(u32, u32)>) {
        let plain = |name: &str, message: String| (Problem { name: name.to_owned(), message }, None);
        match fault {
            Fault::Thrown(thrown) => {
                (self.problem(thrown), thrown.line.map(|line| (line, thrown.column.unwrap_or(1))))
            }
            Fault::Late { limit } => {
                plain("TimeoutError", format!("the script was stopped after {} ms", limit.as_millis()))
            }
            Fault::OutOfMemory => {
                plain("MemoryError", "the script needed more memory than allowed".to_owned())
            }
            Fault::Flood => {
                plain("FloodError", "the script printed, tested or asked more than allowed".to_owned())
            }
            Fault::Died => plain("ProcessError", "the process for scripts ended".to_owned()),
        }
    }

    fn script_error(&self, error: &ScriptError) -> Problem {
        Problem { name: "ScriptError".to_owned(), message: self.text(&with_sources(error)) }
    }

    fn warnings(&self, sent: &Sent) -> Vec<String> {
        let warnings = sent.warnings.iter().map(warning_text);
        let token = sent.token_error.iter().map(|error| format!("getting a token: {}", with_sources(error)));
        warnings.chain(token).map(|text| self.text(&text)).collect()
    }
}

/// An error and what is behind it, in one line.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn warning_text(warning: &Warning) -> String {
    use variable::Problem;
    match warning {
        Warning::Variable(Problem::Unresolved { name }) => {
            format!("the variable {{{{{name}}}}} has no value")
        }
        Warning::Variable(Problem::Cycle { chain }) => {
            format!("the variables {} lead back to themselves", chain.join(" > "))
        }
        Warning::Variable(Problem::TooDeep { name }) => {
            format!("the value of {{{{{name}}}}} holds variables too deep to follow")
        }
        Warning::Variable(Problem::TooLong { bytes_max }) => {
            format!("variables would make a text longer than {bytes_max} bytes")
        }
        Warning::Auth(error) => format!("the request is not signed: {}", with_sources(error)),
        Warning::File { source, fault } => {
            format!("the file {source} is not sent: {}", with_sources(fault))
        }
        Warning::NoFile { field } => format!("the field {field} is a file and names none"),
        Warning::Setting { setting } => format!("the setting {setting} has no effect"),
    }
}
