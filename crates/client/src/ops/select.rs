//! Which workspace a call means.
//!
//! Rules: `scratch` is the Scratch Pad; else an id; else a name. Without one it is the workspace in
//! use, else the account's first by name, else the Scratch Pad.

use satchel_model::RecordId;
use satchel_sync::SCRATCH;
use satchel_wire::WorkspaceId;

use crate::api::{ApiError, WorkspaceView};
use crate::ops::error::{ambiguous, not_found};
use crate::ops::profile::Profile;
use crate::ops::view::View;

/// The word that names the Scratch Pad in calls and replies.
pub(crate) const SCRATCH_WORD: &str = "scratch";
const SCRATCH_NAME: &str = "Scratch Pad";

/// The workspace that a call means.
pub(crate) fn workspace(profile: &dyn Profile, wanted: Option<&str>) -> Result<WorkspaceId, ApiError> {
    match wanted {
        Some(text) => named(profile, text),
        None => in_use(profile),
    }
}

/// The id of a workspace's own item.
pub(crate) fn root(workspace: WorkspaceId) -> RecordId {
    RecordId(*workspace.as_bytes())
}

/// The id of a workspace, as replies write it.
pub(crate) fn id_text(workspace: WorkspaceId) -> String {
    if workspace == SCRATCH { SCRATCH_WORD.to_owned() } else { workspace.to_string() }
}

/// The name of a workspace; its id until the name has been received.
pub(crate) fn name(profile: &dyn Profile, workspace: WorkspaceId) -> String {
    if workspace == SCRATCH {
        return SCRATCH_NAME.to_owned();
    }
    let node = profile.nodes(workspace).and_then(|nodes| nodes.get(&root(workspace)));
    node.map_or_else(|| workspace.to_string(), |node| node.name.clone())
}

/// Every workspace, the Scratch Pad first, the others by name.
pub(crate) fn all(profile: &dyn Profile) -> Vec<WorkspaceId> {
    let mut named: Vec<_> =
        profile.workspaces().into_iter().map(|workspace| (name(profile, workspace), workspace)).collect();
    named.sort();
    std::iter::once(SCRATCH).chain(named.into_iter().map(|(_, workspace)| workspace)).collect()
}

/// A workspace as replies show it.
pub(crate) fn view(profile: &dyn Profile, workspace: WorkspaceId) -> Result<WorkspaceView, ApiError> {
    Ok(WorkspaceView {
        id: id_text(workspace),
        name: name(profile, workspace),
        current: in_use(profile)? == workspace,
        items: View::open(profile, workspace).count(),
        state: profile.state(workspace),
    })
}

fn in_use(profile: &dyn Profile) -> Result<WorkspaceId, ApiError> {
    let known = all(profile);
    let chosen = profile.workspace_in_use()?.filter(|workspace| known.contains(workspace));
    Ok(chosen.or_else(|| known.get(1).copied()).unwrap_or(SCRATCH))
}

fn named(profile: &dyn Profile, text: &str) -> Result<WorkspaceId, ApiError> {
    if text == SCRATCH_WORD {
        return Ok(SCRATCH);
    }
    let known = all(profile);
    if let Ok(id) = text.parse::<WorkspaceId>()
        && known.contains(&id)
    {
        return Ok(id);
    }
    let matching: Vec<_> = known.into_iter().filter(|workspace| name(profile, *workspace) == text).collect();
    let tried = format!("choosing the workspace {text}");
    match matching.as_slice() {
        [workspace] => Ok(*workspace),
        [] => Err(not_found(tried, "there is no workspace with that name or id here")),
        several => {
            let candidates = several.iter().map(|workspace| format!("{text} ({})", id_text(*workspace)));
            Err(ambiguous(tried, candidates.collect()))
        }
    }
}
