//! What must hold, each in a file of its own. A checker looks; it changes nothing.

pub(crate) mod absence;
pub(crate) mod acknowledged;
pub(crate) mod alarms;
pub(crate) mod clocks;
pub(crate) mod convergence;
pub(crate) mod cursor;
pub(crate) mod forest;
pub(crate) mod history;
pub(crate) mod ledger;
pub(crate) mod local;
pub(crate) mod people;
pub(crate) mod solo;
pub(crate) mod trash;

use std::collections::BTreeMap;
use std::fmt;

use satchel_model::{Body, Node, RecordId};

/// Something that must hold and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which checker saw it.
    pub(crate) checker: &'static str,
    /// What it saw.
    pub(crate) detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.checker, self.detail)
    }
}

/// What a checker says.
pub(crate) type Checked = Result<(), Violation>;

/// A violation that a checker saw.
pub(crate) fn violation(checker: &'static str, detail: impl Into<String>) -> Violation {
    Violation { checker, detail: detail.into() }
}

/// Everything that an app shows of a workspace.
pub(crate) type View = BTreeMap<RecordId, (Node, Option<Body>)>;
