//! What a run tells while it goes on.

use serde_json::Value as Json;

use super::{Execution, Summary};
use crate::build::{BuildError, Warning};
use crate::http::{self, Response, SendError};
use crate::script::{ConsoleLine, Moment, Next, Outcome, ScriptError};

/// Which request of which iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The iteration, from 0.
    pub iteration: u64,
    /// How many there are.
    pub iterations: u64,
    /// The request's place among those of an iteration, from 0.
    pub position: usize,
    /// How many an iteration has, if no script leads elsewhere.
    pub count: usize,
    /// The request's name.
    pub name: String,
    /// The request's id; made for the run where the document has none.
    pub id: String,
    /// The names of the folders above it, the outermost first, without the collection's.
    pub folders: Vec<String>,
}

/// Something that happened in a run. Everything but [`Event::Progress`] comes in the order of the iterations.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins.
    Begun {
        /// The collection's name.
        name: &'a str,
        /// How many iterations there will be.
        iterations: u64,
        /// How many requests each has, if no script leads elsewhere.
        requests: usize,
    },
    /// An iteration begins.
    IterationBegun {
        /// Which, from 0.
        iteration: u64,
        /// How many there are.
        iterations: u64,
    },
    /// A request begins, with its scripts.
    ItemBegun {
        /// Which.
        at: &'a At,
    },
    /// Something happens to it. Not told by runs in parallel.
    Progress {
        /// To which.
        at: &'a At,
        /// What.
        progress: Progress<'a>,
    },
    /// A request and its scripts are done.
    ItemDone {
        /// Which.
        at: &'a At,
        /// All of it, secrets included: for who keeps it, not for showing. In parallel runs the answer's body is left out.
        sent: &'a Sent,
        /// What may be shown.
        execution: &'a Execution,
    },
    /// An iteration is done.
    IterationDone {
        /// Which, from 0.
        iteration: u64,
    },
    /// The run has ended.
    Done {
        /// What it came to; may be shown.
        summary: &'a Summary,
    },
}

/// Hears what happens in a run.
pub trait Reporter {
    /// Takes the next event.
    fn hear(&mut self, event: &Event<'_>);
}

impl<F: FnMut(&Event<'_>)> Reporter for F {
    fn hear(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// Something that happens while one request and its scripts run. It may hold secrets.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A script printed a line.
    Console(&'a ConsoleLine),
    /// A script has ended.
    Script(&'a Ran),
    /// The request goes, its answer comes.
    Transport(http::Event<'a>),
}

/// A script that ran, or could not.
#[derive(Debug)]
pub struct Ran {
    /// When.
    pub moment: Moment,
    /// The name of the collection, folder or request that it is of.
    pub of: String,
    /// What it did.
    pub result: Result<Outcome, ScriptError>,
}

impl Ran {
    /// Whether the script itself failed; its tests do not count.
    pub fn is_broken(&self) -> bool {
        self.result.as_ref().map_or(true, |outcome| !outcome.faults.is_empty())
    }

    /// Whether one of its tests failed.
    pub fn has_failed_test(&self) -> bool {
        self.result.as_ref().is_ok_and(|outcome| outcome.tests.iter().any(|test| test.failure.is_some()))
    }
}

/// What became of a request.
#[derive(Debug, Default)]
#[expect(clippy::large_enum_variant, reason = "nearly all are answers, and there is one at a time")]
pub enum Answer {
    /// It was answered.
    Response(Response),
    /// It failed.
    Failed(SendError),
    /// It could not be made of the document.
    NotBuilt(BuildError),
    /// A script said that it shall not be sent.
    Skipped,
    /// A script failed before it, and the run ends at failures.
    Withheld,
    /// The word to stop came.
    #[default]
    Stopped,
}

impl Answer {
    /// The answer, if there is one.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Response(response) => Some(response),
            _ => None,
        }
    }
}

/// A request with its scripts, sent. It holds secrets.
#[derive(Debug, Default)]
pub struct Sent {
    /// The request as Postman's document, with its variables replaced and after the changes of scripts; for the history. Without auth.
    pub request: Json,
    /// What became of it.
    pub answer: Answer,
    /// Its scripts in the order in which they ran.
    pub scripts: Vec<Ran>,
    /// What they printed.
    pub log: Vec<ConsoleLine>,
    /// What of the request was left out or not understood.
    pub warnings: Vec<Warning>,
    /// Why a token that the request needs could not be got.
    pub token_error: Option<crate::auth::oauth2::TokenError>,
    /// Where the run goes on.
    pub next: Option<Next>,
    /// How many scripts were left out because nobody trusts them.
    pub untrusted: usize,
    /// How many requests its scripts sent.
    pub inner: Inner,
}

/// The requests that scripts sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inner {
    /// All of them.
    pub total: u64,
    /// Those without an answer.
    pub failed: u64,
}

impl Sent {
    /// Whether the request, one of its scripts or one of its tests failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.answer, Answer::Failed(_) | Answer::NotBuilt(_))
            || self.scripts.iter().any(|ran| ran.is_broken() || ran.has_failed_test())
    }
}
