//! What a page asks for and hears beyond the calls of a profile: sending, running, and what changed by itself.
//!
//! A profile knows nothing of HTTP, so these are answered by the program around it; the page does not see the seam.

use serde::{Deserialize, Serialize};

use super::{ItemView, SendOrder, SentResponse, Status, TestView};

/// What a page asks of the program around the profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum PageCall {
    /// Sends a request as the editor shows it, saved or not. Replies [`PageReply::Sent`].
    Send(SendOrder),
    /// Runs the requests of a collection or folder one after another. Replies [`super::Reply::RunDetail`] at its end.
    Run(RunOrder),
    /// Ends a send or a run; one that is not under way is no error. Replies [`super::Reply::Done`].
    Stop {
        /// The name that it was begun with.
        run: String,
    },
}

/// What comes of a [`PageCall`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum PageReply {
    /// The answer to a request.
    Sent {
        /// The answer.
        response: SentResponse,
    },
}

/// A run to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOrder {
    /// The collection's or folder's id.
    pub item: String,
    /// The requests to run, by id; none means all.
    pub only: Option<Vec<String>>,
    /// The environment's id; none is none.
    pub environment: Option<String>,
    /// How often.
    pub iterations: u32,
    /// Rows of a CSV or JSON file, one an iteration.
    pub data: Option<RunData>,
    /// The pause between requests, in milliseconds.
    pub delay_ms: u64,
    /// Ends at the first failure.
    pub bail: bool,
    /// A name for this run in its events, and to stop it by.
    pub run: String,
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunData {
    /// Its name, which says whether it is CSV or JSON.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// One request of a run, told when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Which iteration, from 0.
    pub iteration: u32,
    /// The request's id.
    pub item: String,
    /// Its name.
    pub name: String,
    /// The method.
    pub method: String,
    /// The URL, secrets masked.
    pub url: String,
    /// The status; none where there was no response, and `problem` says why.
    pub status: Option<u16>,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// The size of the answer's body.
    pub bytes: u64,
    /// The tests.
    pub tests: Vec<TestView>,
    /// Why there was no answer, or which script failed, in words.
    pub problem: Option<String>,
}

/// What a page hears without asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PageEvent {
    /// A state or a count changed, or who is here, or who is a member.
    Status {
        /// The states.
        status: Status,
    },
    /// Items changed, here or elsewhere. Both lists empty: read everything again.
    Changed {
        /// The workspace's id.
        workspace: String,
        /// The items as they are now; the depth of each is 0.
        items: Vec<ItemView>,
        /// The ids of items that show no more: in the trash, or gone.
        removed: Vec<String>,
    },
    /// How far long work is.
    Progress {
        /// The name of the send or run, where it is one.
        run: Option<String>,
        /// What is being done: `reading`, `storing`, `sending`, `receiving`.
        phase: String,
        /// How much is done.
        done: u64,
        /// Of how much; 0 if not known.
        total: u64,
    },
    /// A piece of an answer's body, as it came.
    Piece {
        /// The name of the send.
        run: String,
        /// The piece, where the answer is a text that comes bit by bit.
        text: String,
    },
    /// Requests of a run are over.
    Run {
        /// The name of the run.
        run: String,
        /// Those that are over since the last event.
        results: Vec<RunResult>,
        /// How many are over.
        done: u64,
        /// Of how many; 0 if not known.
        total: u64,
    },
}
