//! The history of requests and the runs on this device.
//!
//! Why it exists: a person wants to see again what was sent. It never syncs; the store keeps the newest of it. A list
//! is made of lines alone, and a search opens the contents.
//!
//! Invariant: an entry is bounded before it is kept, whatever a server answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use satchel_wire::WorkspaceId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::api::{ApiError, ErrorKind, Reply, RunEntry, RunView, SentEntry, SentResponse, SentView};
use crate::ops::error::{failure, not_found};
use crate::ops::profile::Profile;
use crate::ops::sending;
use crate::store::{Entry, Shelf};

/// How much of a response's body is kept.
const BODY_BYTES_MAX: usize = 1_000_000;
/// How much an entry may be altogether; more is kept as its line alone.
const CONTENT_BYTES_MAX: usize = 8_000_000;
/// The longest text of a line.
const TEXT_CHARS_MAX: usize = 8_000;

/// Keeps entries.
pub(crate) fn keep(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    sent: &[SentEntry],
    runs: &[RunEntry],
) -> Result<(), ApiError> {
    for entry in sent {
        let view = bounded_view(entry.view.clone());
        let content = encode(&entry.response.clone().map(bounded));
        shelve(profile, workspace, Shelf::Sent, &encode(&view), &content)?;
    }
    for run in runs {
        let view = RunView { name: cut(&run.view.name), ..run.view.clone() };
        shelve(profile, workspace, Shelf::Runs, &encode(&view), &encode(&run.summary))?;
    }
    Ok(())
}

fn shelve(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    shelf: Shelf,
    line: &[u8],
    content: &[u8],
) -> Result<(), ApiError> {
    let content = if content.len() > CONTENT_BYTES_MAX { b"null" } else { content };
    profile.shelve(workspace, shelf, (line, content)).map(drop)
}

/// The requests that were sent, the newest first.
pub(crate) fn list(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    search: &str,
    limit: u64,
) -> Result<Reply, ApiError> {
    let wanted = search.to_lowercase();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut entries: Vec<SentView> = Vec::new();
    for (id, line) in profile.shelf_lines(workspace, Shelf::Sent)? {
        let Some(mut view) = decode::<SentView>(&line) else { continue };
        view.id = id;
        if !wanted.is_empty() && !is_found(profile, workspace, &view, &wanted) {
            continue;
        }
        if entries.len() == limit {
            return Ok(Reply::SentList { entries, more: true });
        }
        entries.push(view);
    }
    Ok(Reply::SentList { entries, more: false })
}

/// Whether a text is in the line or in what is below it.
fn is_found(profile: &dyn Profile, workspace: WorkspaceId, view: &SentView, wanted: &str) -> bool {
    let status = view.status.map(|status| status.to_string());
    let texts =
        [Some(&view.name), Some(&view.method), Some(&view.url), status.as_ref(), view.failure.as_ref()];
    if texts.into_iter().flatten().any(|text| text.to_lowercase().contains(wanted)) {
        return true;
    }
    // An entry that is damaged is told when it is opened, and does not end a search.
    let Ok(Some((_, content))) = profile.shelf_entry(workspace, Shelf::Sent, view.id) else {
        return false;
    };
    let Some(Some(response)) = decode::<Option<SentResponse>>(&content) else { return false };
    let headers = response.headers.iter().chain(&response.request.headers);
    let headers = headers.flat_map(|(name, value)| [name, value]);
    let bodies = response.body.text.iter().chain(&response.request.body);
    headers.chain(bodies).any(|text| text.to_lowercase().contains(wanted))
}

/// One request that was sent.
pub(crate) fn show(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    id: Option<u64>,
) -> Result<Reply, ApiError> {
    let tried = "opening a request that was sent";
    let (id, (line, content)) = entry(profile, workspace, Shelf::Sent, id, tried)?;
    let view: SentView = decode(&line).ok_or_else(|| damaged(tried))?;
    let response: Option<SentResponse> = decode(&content).ok_or_else(|| damaged(tried))?;
    Ok(Reply::SentDetail(SentEntry { view: SentView { id, ..view }, response }))
}

/// The runs, the newest first.
pub(crate) fn runs(profile: &dyn Profile, workspace: WorkspaceId) -> Result<Reply, ApiError> {
    let lines = profile.shelf_lines(workspace, Shelf::Runs)?.into_iter();
    let runs = lines.filter_map(|(id, line)| Some(RunView { id, ..decode(&line)? })).collect();
    Ok(Reply::RunList { runs })
}

/// One run.
pub(crate) fn show_run(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    id: Option<u64>,
) -> Result<Reply, ApiError> {
    let tried = "opening a run";
    let (id, (line, content)) = entry(profile, workspace, Shelf::Runs, id, tried)?;
    let view: RunView = decode(&line).ok_or_else(|| damaged(tried))?;
    let summary: Json = decode(&content).ok_or_else(|| damaged(tried))?;
    Ok(Reply::RunDetail(RunEntry { view: RunView { id, ..view }, summary }))
}

/// Forgets what was sent.
pub(crate) fn clear(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    everything: bool,
) -> Result<Reply, ApiError> {
    profile.clear_shelf(workspace, Shelf::Sent)?;
    if everything {
        profile.clear_shelf(workspace, Shelf::Runs)?;
        sending::clear_cookies(profile, workspace)?;
    }
    Ok(Reply::Done)
}

fn entry(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    shelf: Shelf,
    id: Option<u64>,
    tried: &str,
) -> Result<(u64, Entry), ApiError> {
    let id = match id {
        Some(id) => Some(id),
        None => profile.shelf_lines(workspace, shelf)?.first().map(|(id, _)| *id),
    };
    let none = || not_found(tried, "there is none with that number in this workspace on this device");
    let id = id.ok_or_else(none)?;
    Ok((id, profile.shelf_entry(workspace, shelf, id)?.ok_or_else(none)?))
}

fn damaged(tried: &str) -> ApiError {
    failure(ErrorKind::Damaged, tried, "it cannot be read")
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("entries have text keys and plain values only")
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn bounded_view(view: SentView) -> SentView {
    SentView {
        name: cut(&view.name),
        method: cut(&view.method),
        url: cut(&view.url),
        failure: view.failure.as_deref().map(cut),
        ..view
    }
}

/// A response with no more of its body than is kept.
fn bounded(mut response: SentResponse) -> SentResponse {
    let body = &mut response.body;
    if let Some(text) = body.text.as_mut().filter(|text| text.len() > BODY_BYTES_MAX) {
        text.truncate(text.floor_char_boundary(BODY_BYTES_MAX));
        body.truncated = true;
    }
    let encoded_max = BODY_BYTES_MAX / 3 * 4;
    if let Some(encoded) = body.base64.as_mut().filter(|text| text.len() > encoded_max) {
        let kept = encoded.get(..encoded_max).and_then(|head| STANDARD.decode(head).ok());
        *encoded = kept.map(|bytes| STANDARD.encode(bytes)).unwrap_or_default();
        body.truncated = true;
    }
    response
}
