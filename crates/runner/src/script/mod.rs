//! Scripts: Postman's `pm` API for what runs before a request and after its answer.
//!
//! ```text
//! Sandbox::run ──run frame──▶ child process: QuickJS, pm/*.js, js/*.js
//!      ▲  ◀── console, test, call (sendRequest, cookies) ──┤
//!      └──────────────── done ────────────────────────────┘      late? killed from outside
//! ```
//! A script runs in a process of its own that has no file, environment variable, process or network: it can only
//! write frames to this one, and each is checked here. One child serves the scripts of a run, in one realm, since
//! scripts share their undeclared globals in Postman too; it is started again after it was killed
//! (`docs/decisions/0030-scripts-in-a-child.md`).
//!
//! Invariants: nothing runs without [`Trust::Given`]; a script ends within [`Limits::time`] and a grace, whatever it
//! does; what it may send back is bounded in size and count; a child that breaks the rules is killed and its script
//! has a [`Fault`].
//!
//! Knows nothing of how a request is built or sent ([`Host`] does), nor of which scripts a request has.

mod child;
mod context;
mod frame;
mod host;
mod limits;
mod outcome;
mod sandbox;

use std::fmt;

use serde_json::Value as Json;

use crate::cookie::Cookie;
use crate::http::Response;
use crate::variable::Scopes;

pub use child::child_main;
pub use host::{ConsoleLine, Host, Level, Refusal};
pub use limits::Limits;
pub use outcome::{Change, Fault, Next, Outcome, Test, Thrown, Visualizer};
pub use sandbox::{Launch, Sandbox, ScriptError};

/// When a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the request.
    PreRequest,
    /// After the answer.
    Test,
}

impl Moment {
    /// The word of Postman's files and of `pm.info.eventName`.
    pub fn word(self) -> &'static str {
        match self {
            Self::PreRequest => "prerequest",
            Self::Test => "test",
        }
    }
}

/// Whether somebody has said that scripts from this source may run. Who asks and keeps the answer is the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They have.
    Given,
    /// They have not: nothing runs.
    Missing,
}

/// Where in a run a script runs: what `pm.info` and `pm.execution.location` tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The iteration, from 0.
    pub iteration: u64,
    /// How many there are.
    pub iteration_count: u64,
    /// The request's name.
    pub request_name: String,
    /// The request's id.
    pub request_id: String,
    /// The names from the collection down to the item that the script is of.
    pub location: Vec<String>,
}

/// A script and all that it sees.
pub struct Script<'a> {
    /// Its text.
    pub source: &'a str,
    /// What its errors call it, such as `test-script.js`.
    pub name: &'a str,
    /// When it runs.
    pub moment: Moment,
    /// Whether it may.
    pub trust: Trust,
    /// Where in the run.
    pub position: &'a Position,
    /// The variables; the layer of data is `pm.iterationData`.
    pub scopes: &'a Scopes,
    /// The request as Postman's document: as it is written before, as it was sent after.
    pub request: Option<&'a Json>,
    /// The answer, in a test.
    pub response: Option<&'a Response>,
    /// The cookies of the request's URL.
    pub cookies: &'a [Cookie],
}

impl fmt::Debug for Script<'_> {
    /// Without variables, request and answer: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("name", &self.name)
            .field("moment", &self.moment)
            .finish_non_exhaustive()
    }
}
