//! What the scripts of a run may ask for: requests of their own, the jar, the console.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use rand_core::OsRng;
use serde_json::{Value as Json, json};

use super::event::Progress;
use super::sending::{Tell, now_ms};
use super::{Inner, Means, execution};
use crate::auth::Surroundings;
use crate::build::{self, Files, Source};
use crate::http::{Client, Request, Response, SharedJar};
use crate::script::{ConsoleLine, Host, Refusal};
use crate::variable::Scopes;

/// Answers the scripts of one request.
pub(super) struct ScriptHost<'a> {
    client: &'a Client,
    means: &'a Means,
    tell: &'a Tell<'a>,
    log: Mutex<Vec<ConsoleLine>>,
    inner: Mutex<Inner>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> ScriptHost<'a> {
    pub(super) fn new(client: &'a Client, means: &'a Means, tell: &'a Tell<'a>) -> Self {
        Self { client, means, tell, log: Mutex::default(), inner: Mutex::default() }
    }

    /// What was printed, and how much was sent.
    pub(super) fn into_parts(self) -> (Vec<ConsoleLine>, Inner) {
        let log = self.log.into_inner().unwrap_or_else(PoisonError::into_inner);
        (log, self.inner.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    async fn send_whole(&self, document: &Json) -> Result<Response, Refusal> {
        let mut built = self.build(document)?;
        let mut request = std::mem::replace(&mut built.request, Request::new("", ""));
        loop {
            let sent = self.client.send(request, &mut |_| {}).await;
            let response = sent.map_err(|error| execution::refusal(&error))?;
            let mut rng = OsRng;
            let mut around = Surroundings { now_ms: now_ms(), rng: &mut rng, tokens: &self.means.tokens };
            match built.answer(&response, &mut around) {
                Some(next) => request = next,
                None => return Ok(response),
            }
        }
    }

    fn build(&self, document: &Json) -> Result<build::Built, Refusal> {
        // Postman lets a script send a body with any method. Variables are the script's business, and files are not.
        let item = json!({ "request": document, "protocolProfileBehavior": { "disableBodyPruning": true } });
        let options = build::Options { files: Files::none(), ..self.means.options.clone() };
        let mut rng = OsRng;
        let mut around = Surroundings { now_ms: now_ms(), rng: &mut rng, tokens: &self.means.tokens };
        let source = Source { item: &item, ancestors: &[] };
        build::build(source, &Scopes::default(), &options, &mut around)
            .map_err(|error| Refusal::new(error.to_string()))
    }
}

impl Host for ScriptHost<'_> {
    fn print(&self, line: ConsoleLine) {
        (self.tell)(Progress::Console(&line));
        lock(&self.log).push(line);
    }

    fn send(&self, request: Json) -> BoxFuture<'_, Result<Response, Refusal>> {
        Box::pin(async move {
            let result = self.send_whole(&request).await;
            let mut inner = lock(&self.inner);
            inner.total += 1;
            inner.failed += u64::from(result.is_err());
            result
        })
    }

    fn jar(&self) -> Option<SharedJar> {
        Some(SharedJar::clone(&self.means.jar))
    }
}
