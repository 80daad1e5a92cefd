//! Searching the names and contents of a workspace's items.
//!
//! Names are searched before contents, so that a name is found at once even in a large workspace.
//! Values of secret variables are not searched: an excerpt would show them.

use satchel_model::format::postman::url;
use satchel_model::search::Query;
use satchel_model::{Body, RecordId, Value};
use satchel_wire::WorkspaceId;

use crate::api::{ApiError, Hit, Reply};
use crate::ops::conflicts::described;
use crate::ops::error::invalid;
use crate::ops::profile::Profile;
use crate::ops::view::View;

const TEXT_CHARS_MAX: usize = 1_000;
const HITS_MAX: usize = 1_000;

/// Finds a text, whatever the case of its letters.
pub(crate) fn search(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    text: &str,
    limit: usize,
) -> Result<Reply, ApiError> {
    let refused = || invalid("searching", format!("a text to find has 1 to {TEXT_CHARS_MAX} characters"));
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(refused());
    }
    let query = Query::new(text).ok_or_else(refused)?;
    let view = View::open(profile, workspace);
    let mut found = Found { view: &view, limit: limit.min(HITS_MAX), hits: Vec::new() };
    let live = view.live();
    let mut named = Vec::with_capacity(live.len());
    for id in &live {
        let hits = query.find(view.node_of(*id), None);
        named.push(hits.len());
        found.add(*id, hits.into_iter().map(|hit| (hit.path.join("."), hit.excerpt)));
    }
    for (id, named) in live.into_iter().zip(named) {
        if found.is_full() {
            break;
        }
        // A record that cannot be read is told by `status`; the search goes on.
        let Ok(Some(body)) = profile.body(workspace, id) else { continue };
        let mut searched = body.clone();
        for request in ["request", "originalRequest"] {
            write_url(&mut searched, request);
        }
        let hits = query.find(view.node_of(id), Some(&searched)).into_iter().skip(named);
        found.add(id, hits.map(|hit| (described(&body.fields, &hit.path).0, hit.excerpt)));
    }
    Ok(found.reply())
}

/// Puts the text of a URL beside what the text does not say: a person looks for `example.com/cart`.
fn write_url(body: &mut Body, request: &str) {
    let Some(Value::Object(request)) = body.fields.get_mut(request) else { return };
    let Some(Value::Object(url)) = request.get_mut("url") else { return };
    let text = url::text(&Value::Object(url.clone()));
    for name in ["protocol", "host", "port", "path", "hash", url::RAW_MARK] {
        url.remove(name);
    }
    url.insert("raw".to_owned(), Value::String(text));
    let Some(Value::List(query)) = url.get_mut("query") else { return };
    for element in query.elements.values_mut() {
        if let Value::Object(parameter) = &mut element.value
            && parameter.get("disabled") != Some(&Value::Bool(true))
        {
            parameter.remove("key");
            parameter.remove("value");
        }
    }
}

/// Hits up to a limit, and one more to know whether there are more.
struct Found<'a> {
    view: &'a View<'a>,
    limit: usize,
    hits: Vec<Hit>,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.hits.len() > self.limit
    }

    fn add(&mut self, id: RecordId, hits: impl Iterator<Item = (String, String)>) {
        for (field, excerpt) in hits {
            if self.is_full() {
                return;
            }
            self.hits.push(Hit { item: self.view.item(id), field, excerpt });
        }
    }

    fn reply(mut self) -> Reply {
        let more = self.is_full();
        self.hits.truncate(self.limit);
        Reply::Found { hits: self.hits, more }
    }
}
