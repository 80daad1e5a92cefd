//! Runs of collections: the plan made of what the profile or a file gave, and what is kept of a run.

use std::sync::Arc;
use std::time::Duration;

use satchel_client::api::{Call, RunEntry, RunView};
use satchel_model::RecordId;
use satchel_model::format::postman;
use satchel_runner::limits;
use satchel_runner::run::{Bail, Event, Finished, Plan, Reporter, Row, Run, Summary, rows};
use satchel_runner::variable::{Layer, Scope};
use serde_json::Value as Json;

use super::{Changes, Ground, How, plan_failure};
use crate::failure::Failure;

/// What to run and how often, beside what all sends have.
pub(crate) struct RunOrder {
    /// What it is called in the list of runs.
    pub(crate) name: String,
    /// The collection.
    pub(crate) collection: Arc<Json>,
    /// Folders and requests by name or id; all of it where it is empty.
    pub(crate) selection: Vec<String>,
    /// The environment.
    pub(crate) environment: Option<Layer>,
    /// The globals.
    pub(crate) globals: Layer,
    /// Rows of data.
    pub(crate) data: Vec<Row>,
    /// How many iterations, whatever the rows.
    pub(crate) iterations: Option<u64>,
    /// The wait between requests.
    pub(crate) delay: Duration,
    /// What ends it early.
    pub(crate) bail: Bail,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// Iterations at the same time.
    pub(crate) parallel: usize,
}

impl RunOrder {
    /// One run of the item that the sources are about, and of everything below it, with their environment.
    pub(crate) fn of_item(ground: &Ground) -> Result<Self, Failure> {
        let sources = &ground.sources;
        let missing = || {
            Failure::request(
                "invalid",
                "running a collection",
                "there is no collection",
                "name one that is here",
            )
        };
        let item = sources.item.as_ref().ok_or_else(missing)?;
        let is_whole = sources.ancestors.is_empty() && item.item.kind == "collection";
        let collection = sources.collection.clone().ok_or_else(missing)?;
        let selection = if is_whole { Vec::new() } else { vec![item.item.id.clone()] };
        Ok(Self { selection, ..Self::of(ground, item.item.path.clone(), collection) })
    }

    /// One run of a whole collection, with the environment and the globals of the sources.
    pub(crate) fn of(ground: &Ground, name: String, collection: Json) -> Self {
        Self {
            name,
            collection: Arc::new(collection),
            selection: Vec::new(),
            environment: ground.environment(),
            globals: Layer::from_document(Scope::Global, &ground.sources.globals),
            data: Vec::new(),
            iterations: None,
            delay: Duration::ZERO,
            bail: Bail::Never,
            timeout: None,
            parallel: 1,
        }
    }
}

/// The rows of a data file of this name.
pub(crate) fn data_rows(name: &str, content: &[u8]) -> Result<Vec<Row>, Failure> {
    rows(content).map_err(|error| {
        let remedy = "give CSV whose first line names the columns, or a JSON list of objects";
        Failure::request("invalid", format!("reading {name}"), error.to_string(), remedy)
    })
}

/// Why a run with scripts does not begin.
pub(crate) fn untrusted_run(name: &str) -> Failure {
    Failure::decision(
        format!("running {name}"),
        "it has scripts, and nobody has said on this device that the scripts of this workspace may run",
        "read them, then add --trust (for this workspace, from now on), or --no-scripts to run without them",
    )
}

/// Whether there is a script that somebody has to trust.
pub(crate) fn has_scripts(collection: &Json) -> bool {
    let mut waiting = vec![collection];
    while let Some(node) = waiting.pop() {
        let events = node.get("event").and_then(Json::as_array).into_iter().flatten();
        let mut scripts = events.filter(|event| event.get("disabled") != Some(&Json::Bool(true)));
        if scripts.any(|event| event.get("script").is_some_and(has_words)) {
            return true;
        }
        waiting.extend(node.get("item").and_then(Json::as_array).into_iter().flatten());
    }
    false
}

fn has_words(script: &Json) -> bool {
    match script.get("exec").unwrap_or(script) {
        Json::String(text) => !text.trim().is_empty(),
        Json::Array(lines) => lines.iter().filter_map(Json::as_str).any(|line| !line.trim().is_empty()),
        _ => false,
    }
}

/// A collection of a file, in the newest of Postman's formats.
pub(crate) fn collection_of_file(bytes: &[u8], name: &str) -> Result<Json, Failure> {
    if let Ok(mut document) = serde_json::from_slice::<Json>(bytes) {
        // What Postman's own interface gives has it in a field.
        if let Some(inner) = document.get_mut("collection").filter(|it| it.get("info").is_some()) {
            document = inner.take();
        }
        let is_new =
            document.pointer("/info/schema").and_then(Json::as_str).is_none_or(|it| it.contains("v2.1"));
        if document.get("info").is_some() && document.get("item").is_some() && is_new {
            return Ok(document);
        }
    }
    let tried = format!("reading {name}");
    let remedy = "name a Postman collection: `satchel import FILE --dry-run` says what a file is";
    let imported = postman::import(bytes, RecordId([0; 16]), &mut rand_core::OsRng)
        .map_err(|error| Failure::request("invalid", &tried, error.to_string(), remedy))?;
    let items: Vec<_> = imported.items.into_iter().map(|it| it.item).collect();
    let collection = postman::export(&items).filter(|document| document.get("item").is_some());
    collection.ok_or_else(|| Failure::request("invalid", &tried, "there is no collection in it", remedy))
}

/// A run that has ended.
pub(crate) struct Ended {
    /// What it came to.
    pub(crate) finished: Finished,
    /// What to give to the profile.
    pub(crate) keep: Call,
}

/// Runs it.
pub(crate) async fn run(
    ground: &Ground,
    order: RunOrder,
    how: &How,
    reporter: &mut (dyn Reporter + Send),
) -> Result<Ended, Failure> {
    let name = order.name.clone();
    let environment =
        order.environment.as_ref().map(|layer| layer.name.clone()).filter(|name| !name.is_empty());
    let means = ground.means(how);
    let mut environment_layer = order.environment;
    if let Some(locals) = super::ground::local_layer(&how.locals) {
        // A run has no layer for one request; the environment's is the narrowest that lasts.
        let layer = environment_layer.get_or_insert_with(|| Layer::new(Scope::Environment, ""));
        locals.variables.into_iter().for_each(|it| layer.set(&it.key, it.value));
    }
    let is_alone = order.parallel == 1;
    let plan = Plan {
        collection: order.collection,
        selection: order.selection,
        environment: environment_layer,
        globals: order.globals,
        data: order.data,
        iterations: order.iterations,
        delay: order.delay,
        bail: order.bail,
        timeout: order.timeout,
        parallel: order.parallel,
        requests_max: limits::ITERATION_REQUESTS,
        means: means.clone(),
    };
    let run = Run::begin(plan).map_err(|error| plan_failure(format!("running {name}"), &error))?;
    let mut listener = Listener { changes: Changes::default(), is_alone, inner: reporter };
    let finished = run.drive(&mut listener).await;
    let changes = std::mem::take(&mut listener.changes);
    // Lanes that ran side by side had cookies of their own, which end with them.
    let mut keep = changes.call(ground, &means, how.keeps_cookies && is_alone, Vec::new());
    if let Call::KeepSent { runs, .. } = &mut keep {
        runs.push(RunEntry {
            view: view(&finished.summary, name, environment),
            summary: finished.summary.to_json(),
        });
    }
    Ok(Ended { finished, keep })
}

/// Takes what scripts changed, and passes everything on.
struct Listener<'a> {
    changes: Changes,
    is_alone: bool,
    inner: &'a mut (dyn Reporter + Send),
}

impl Reporter for Listener<'_> {
    fn hear(&mut self, event: &Event<'_>) {
        if let (Event::ItemDone { sent, .. }, true) = (event, self.is_alone) {
            self.changes.take(sent);
        }
        self.inner.hear(event);
    }
}

fn view(summary: &Summary, name: String, environment: Option<String>) -> RunView {
    let timings = &summary.timings;
    RunView {
        id: 0,
        when: timings.started_ms,
        name,
        environment,
        iterations: summary.stats.iterations.total,
        requests: summary.stats.requests.total,
        tests: summary.stats.assertions.total,
        failed: summary.failure_count,
        time_ms: timings.completed_ms.saturating_sub(timings.started_ms),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_script_is_found_at_any_depth() {
        let check = |events: Json, expected: bool| {
            let folder =
                json!({ "name": "F", "item": [{ "name": "R", "request": "http://x/", "event": events }] });
            assert_eq!(has_scripts(&json!({ "info": {}, "item": [folder] })), expected);
        };
        check(json!([{ "listen": "test", "script": { "exec": ["pm.test('a')"] } }]), true);
        check(json!([{ "listen": "test", "script": { "exec": "x" } }]), true);
        check(json!([{ "listen": "test", "script": { "exec": ["", " "] } }]), false);
        check(json!([{ "listen": "test", "disabled": true, "script": { "exec": ["x"] } }]), false);
        check(json!([]), false);
    }

    #[test]
    fn a_file_of_any_version_becomes_a_collection() {
        let check = |document: &Json, expected: Result<&str, &str>| {
            let read = collection_of_file(document.to_string().as_bytes(), "a.json");
            let read = read.map(|it| it["item"][0]["name"].as_str().unwrap_or_default().to_owned());
            assert_eq!(read.as_deref().map_err(|failure| failure.kind.as_str()), expected);
        };
        let schema = |version: &str| {
            format!("https://schema.getpostman.com/json/collection/{version}/collection.json")
        };
        let item = json!([{ "name": "R", "request": { "method": "GET", "url": "http://x/" } }]);
        for version in ["v2.1.0", "v2.0.0"] {
            check(&json!({ "info": { "name": "C", "schema": schema(version) }, "item": item }), Ok("R"));
        }
        let inner = json!({ "info": { "name": "C", "schema": schema("v2.1.0") }, "item": item });
        check(&json!({ "collection": inner }), Ok("R"));
        check(&json!({ "name": "E", "values": [] }), Err("invalid"));
        check(&json!([1]), Err("invalid"));
    }
}
