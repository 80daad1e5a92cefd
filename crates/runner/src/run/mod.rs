//! Whole collections, and the one way to send a request with its scripts.
//!
//! ```text
//! Plan ──▶ Run ──items, iterations, lanes──▶ Sending ──▶ pre-request scripts ──▶ build ──▶ http ──▶ test scripts
//!            │                                  ▲             ▲ collection, folders, request      │
//!            └──▶ Event ──▶ Reporter            └──────────── variables, cookies, next ◀──────────┘
//! ```
//! The behaviour is newman's where the two mean the same: what is counted, which script runs when, where
//! `setNextRequest` leads, what a failure ends.
//!
//! Invariants: what a run keeps does not grow with its iterations; nothing that a script says makes a run longer than its
//! limits; what is told as [`Execution`] and [`Summary`] holds no secret value.
//!
//! Knows nothing of stores, terminals and files but the data file's text.

mod data;
mod event;
mod execution;
mod grant;
mod host;
mod items;
mod lane;
mod plan;
mod sending;
mod stop;
mod summary;

pub use data::{DataError, rows};
pub use event::{Answer, At, Event, Inner, Progress, Ran, Reporter, Sent};
pub(crate) use execution::milliseconds;
pub use execution::{Assertion, Execution, Problem, ScriptFault, Shown, with_sources};
pub use lane::{Finished, Run};
pub use plan::{Bail, Browser, KeptTokens, Means, Plan, PlanError, Row};
pub use sending::Sending;
pub use stop::Stop;
pub use summary::{Count, End, Failure, RunTimings, Spread, Stats, Summary};
