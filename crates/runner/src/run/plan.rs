//! What to run, and with what.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::Stop;
use crate::auth::oauth2::{Token, Tokens};
use crate::build;
use crate::http::SharedJar;
use crate::script::{self, Launch, Trust};
use crate::variable::Layer;

/// A row of the data file: each field is a variable of one iteration.
pub type Row = Map<String, Json>;

/// What sending needs besides documents and variables; the caller fills it from its store.
#[derive(Clone)]
pub struct Means {
    /// The settings under those of the documents, the user agent, and which files may be sent.
    ///
    /// The time of one request is `settings.timeouts.total`; `--insecure` is `verify_tls` off, `--ignore-redirects` is
    /// `follow_redirects` off.
    pub options: build::Options,
    /// The cookies. The caller keeps them afterwards.
    pub jar: SharedJar,
    /// The OAuth 2.0 tokens of this device. New ones are put in; the caller keeps them afterwards.
    pub tokens: KeptTokens,
    /// Opens an address in a browser, for grants that need one; without it they are not tried.
    pub browser: Option<Browser>,
    /// Whether the scripts of the documents may run. Without it they are left out, and [`super::Sent::untrusted`] counts them.
    pub trust: Trust,
    /// How the process for scripts is started.
    pub launch: Launch,
    /// What one script may use.
    pub script_limits: script::Limits,
    /// Stops it from outside.
    pub stop: Stop,
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means").field("trust", &self.trust).field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// Opens an address in a browser.
pub type Browser = Arc<dyn Fn(&str) + Send + Sync>;

/// OAuth 2.0 tokens by the key of their grant ([`crate::auth::oauth2::Grant::key`]). All clones share them.
#[derive(Clone, Default)]
pub struct KeptTokens {
    tokens: Arc<Mutex<HashMap<String, Token>>>,
}

impl fmt::Debug for KeptTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptTokens({})", self.lock().len())
    }
}

impl KeptTokens {
    /// These tokens.
    pub fn new(tokens: impl IntoIterator<Item = (String, Token)>) -> Self {
        Self { tokens: Arc::new(Mutex::new(tokens.into_iter().collect())) }
    }

    /// Puts a token in, over one of the same grant.
    pub fn keep(&self, key: String, token: Token) {
        self.lock().insert(key, token);
    }

    /// All tokens, for the caller's store.
    pub fn all(&self) -> Vec<(String, Token)> {
        self.lock().iter().map(|(key, token)| (key.clone(), token.clone())).collect()
    }

    /// What must be shown nowhere: the tokens themselves, and those that fetch new ones.
    pub fn secrets(&self) -> Vec<String> {
        let tokens = self.lock();
        let secrets = tokens.values().flat_map(|token| [Some(&token.access), token.refresh.as_ref()]);
        secrets.flatten().map(|secret| secret.to_string()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens for KeptTokens {
    fn get(&self, key: &str) -> Option<Token> {
        self.lock().get(key).cloned()
    }
}

/// A run of a collection.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The collection as a document of Postman's v2.1 format. Its `variable` and those of its folders are their variables, with
    /// the current values where the caller has them.
    pub collection: Arc<Json>,
    /// Which folders and requests, by name or id, in the collection's order; all of them where it is empty.
    pub selection: Vec<String>,
    /// The environment in use ([`Layer::from_document`]).
    pub environment: Option<Layer>,
    /// The globals of the workspace.
    pub globals: Layer,
    /// The data file's rows ([`super::rows`]).
    pub data: Vec<Row>,
    /// How many iterations; as many as there are rows, and at least one, where it is absent. Where there are more iterations than rows,
    /// the last row serves for the rest, as in newman.
    pub iterations: Option<u64>,
    /// How long to wait between two requests.
    pub delay: Duration,
    /// What ends the run early.
    pub bail: Bail,
    /// How long the whole run may take.
    pub timeout: Option<Duration>,
    /// How many iterations run at the same time; 1 is one after another.
    ///
    /// With more, iteration `i` runs on lane `i % parallel`. Each lane has variables and cookies of its own, that begin as the run's and end
    /// with it, and a process for scripts of its own. What happens is told in the order of the iterations, each when it has ended, and without
    /// [`super::Progress`] and bodies of answers.
    pub parallel: usize,
    /// How many requests one iteration may have, wherever scripts lead it: [`crate::limits::ITERATION_REQUESTS`] unless there is a reason.
    pub requests_max: u64,
    /// The rest.
    pub means: Means,
}

/// What ends a run early, as newman's `--bail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bail {
    /// Nothing.
    #[default]
    Never,
    /// A failed test, script or request: the run ends after the script or request that failed (`--bail`, `--bail failure`).
    Failure,
    /// A failed script or request, but not a failed test (`--bail folder`).
    Error,
}

/// Why a run cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// The document has no list of items.
    NotACollection,
    /// The collection has no folder or request of that name or id.
    NotFound {
        /// What was looked for.
        name: String,
    },
    /// The items are nested deeper than [`crate::limits::FOLDER_DEPTH`].
    TooDeep,
    /// The data has more rows, or the run more iterations, than [`crate::limits::ITERATIONS`].
    TooManyIterations,
    /// More lanes than [`crate::limits::LANES`], or none.
    Lanes,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACollection => f.write_str("the document is no collection: it has no list of items"),
            Self::NotFound { name } => write!(f, "the collection has no folder or request named `{name}`"),
            Self::TooDeep => write!(f, "folders nested deeper than {}", crate::limits::FOLDER_DEPTH),
            Self::TooManyIterations => write!(f, "more than {} iterations", crate::limits::ITERATIONS),
            Self::Lanes => write!(f, "iterations run on 1 to {} lanes", crate::limits::LANES),
        }
    }
}

impl Error for PlanError {}
