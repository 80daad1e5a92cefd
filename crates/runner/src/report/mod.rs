//! Reports of runs: events in, text out.
//!
//! ```text
//! run::Event ──hear──▶ Cli │ Json │ Junit │ Tap │ Html ──take──▶ text, piece by piece
//! ```
//! All of them read [`run::Execution`](crate::run::Execution) and [`run::Summary`](crate::run::Summary), in which secret values are masked; none sees the raw [`run::Sent`](crate::run::Sent).
//! Names and messages come from strangers: each report makes them harmless in its own way.
//!
//! Invariant: what a report keeps does not grow with the run. [`Cli`], [`Json`], [`Junit`] and [`Tap`] keep nothing of an execution once its text was
//! taken; [`Html`] keeps a line for each request of the collection, at most [`html::SHOWN`] executions in full, and timings in at most [`chart::BUCKETS`] buckets.
//!
//! Knows nothing of files and terminals: whoever runs it writes the text.

pub mod chart;
mod cli;
pub mod html;
mod json;
mod junit;
mod tap;
mod text;

pub use cli::{Cli, Look};
pub use html::Html;
pub use json::Json;
pub use junit::Junit;
pub use tap::Tap;

use crate::run::Reporter;

/// A report that is made while the run goes on.
pub trait Report: Reporter + Send {
    /// Takes the text that has come together since the last call. The report is whole after [`crate::run::Event::Done`].
    fn take(&mut self) -> String;
}
