//! What a script did, read from a child that may lie about it.

use std::time::Duration;

use serde_json::Value as Json;

use crate::variable::{Scope, Scopes};

/// All that a script did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Its tests, in the order in which they began.
    pub tests: Vec<Test>,
    /// The variables that it changed, in order.
    pub changes: Vec<Change>,
    /// The parts of the request that it changed (`method`, `url`, `header`, `body`, `auth`), whole, as in the document.
    pub request: serde_json::Map<String, Json>,
    /// Where the run goes on.
    pub next: Option<Next>,
    /// The request shall not be sent.
    pub skips_request: bool,
    /// What `pm.visualizer.set` was given.
    pub visualizer: Option<Visualizer>,
    /// What went wrong in it, outside of its tests.
    pub faults: Vec<Fault>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A result of `pm.test`, `pm.test.skip` or `tests[…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Its place among the script's tests.
    pub index: u64,
    /// Whether it was skipped.
    pub skipped: bool,
    /// Why it failed; none if it passed.
    pub failure: Option<Thrown>,
}

/// An error of JavaScript.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thrown {
    /// Such as `TypeError`.
    pub name: String,
    /// What it says.
    pub message: String,
    /// Where it came from.
    pub stack: String,
    /// The line of the script, from 1, where that is known.
    pub line: Option<u32>,
    /// The column there.
    pub column: Option<u32>,
}

/// What went wrong in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It threw, or left a rejected promise.
    Thrown(Thrown),
    /// It took longer than allowed and was stopped.
    Late {
        /// What was allowed.
        limit: Duration,
    },
    /// It needed more memory than allowed.
    OutOfMemory,
    /// It printed, tested or asked more than allowed and was stopped.
    Flood,
    /// Its process ended or broke the rules.
    Died,
}

/// A change of a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Of which scope: local, environment, collection or global.
    pub scope: Scope,
    /// Its name.
    pub key: String,
    /// Its value; none takes it out.
    pub value: Option<Json>,
}

/// Where a run goes on after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// At the request of this name or id.
    Request(String),
    /// Nowhere: it ends (`setNextRequest(null)`).
    End,
}

/// A template and its data, for who shows pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Visualizer {
    /// Handlebars.
    pub template: String,
    /// What it is filled with.
    pub data: Json,
    /// Its options.
    pub options: Json,
}

impl Outcome {
    /// Applies the changes of variables.
    pub fn apply(&self, scopes: &mut Scopes) {
        for change in &self.changes {
            let layer = scopes.layer_mut(change.scope);
            match &change.value {
                Some(value) => layer.set(&change.key, value.clone()),
                None => layer.unset(&change.key),
            }
        }
    }

    /// Whether a test or the script itself failed.
    pub fn has_failed(&self) -> bool {
        !self.faults.is_empty() || self.tests.iter().any(|test| test.failure.is_some())
    }

    /// Takes the fields of the frame that ends a script.
    pub(super) fn finish(&mut self, done: &Json) {
        self.changes.extend(list(done, "changes").iter().filter_map(Change::read));
        if let Some(Json::Object(parts)) = done.get("request") {
            let known = |name: &str| ["method", "url", "header", "body", "auth"].contains(&name);
            self.request.extend(parts.clone().into_iter().filter(|(name, _)| known(name)));
        }
        self.next = done.get("next").and_then(|next| match next.get("name") {
            Some(Json::String(name)) => Some(Next::Request(name.clone())),
            _ => (next.get("stop") == Some(&Json::Bool(true))).then_some(Next::End),
        });
        self.skips_request = done.get("skip") == Some(&Json::Bool(true));
        self.visualizer = done.get("visualizer").and_then(Visualizer::read);
        self.faults.extend(list(done, "faults").iter().map(Thrown::read).map(Fault::of));
        self.tests.sort_by_key(|test| test.index);
    }
}

fn list<'a>(of: &'a Json, field: &str) -> &'a [Json] {
    of.get(field).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text(of: &Json, field: &str) -> String {
    of.get(field).and_then(Json::as_str).unwrap_or_default().to_owned()
}

impl Test {
    /// Reads a test's frame; none if it is not one.
    pub(super) fn read(frame: &Json) -> Option<Self> {
        let passed = frame.get("passed")?.as_bool()?;
        let failure = (!passed).then(|| frame.get("error").map(Thrown::read).unwrap_or_default());
        Some(Self {
            name: frame.get("name")?.as_str()?.to_owned(),
            index: frame.get("index")?.as_u64()?,
            skipped: frame.get("skipped")?.as_bool()?,
            failure,
        })
    }
}

impl Thrown {
    fn read(fields: &Json) -> Self {
        let number =
            |field| fields.get(field).and_then(Json::as_u64).and_then(|number| u32::try_from(number).ok());
        Self {
            name: text(fields, "name"),
            message: text(fields, "message"),
            stack: text(fields, "stack"),
            line: number("line"),
            column: number("column"),
        }
    }
}

impl Fault {
    fn of(thrown: Thrown) -> Self {
        if thrown.name == "InternalError" && thrown.message == "out of memory" {
            Self::OutOfMemory
        } else {
            Self::Thrown(thrown)
        }
    }
}

impl Change {
    fn read(fields: &Json) -> Option<Self> {
        let scope = match fields.get("scope")?.as_str()? {
            "local" => Scope::Local,
            "environment" => Scope::Environment,
            "collection" => Scope::Collection,
            "global" => Scope::Global,
            _ => return None,
        };
        match fields.get("set").and_then(Json::as_str) {
            Some(key) => Some(Self {
                scope,
                key: key.to_owned(),
                value: Some(fields.get("value").cloned().unwrap_or_default()),
            }),
            None => Some(Self { scope, key: fields.get("unset")?.as_str()?.to_owned(), value: None }),
        }
    }
}

impl Visualizer {
    fn read(fields: &Json) -> Option<Self> {
        let part = |field| fields.get(field).cloned().unwrap_or_default();
        Some(Self {
            template: fields.get("template")?.as_str()?.to_owned(),
            data: part("data"),
            options: part("options"),
        })
    }
}
