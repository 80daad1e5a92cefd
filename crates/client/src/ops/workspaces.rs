//! Workspaces: listing, founding, choosing and renaming them.
//!
//! Knows nothing of deleting one: that is the server's to do first.

use satchel_sync::{Change, SCRATCH};

use crate::api::{ApiError, ErrorKind, Reply};
use crate::ops::error::{failure, invalid, not_found};
use crate::ops::fields::check_name;
use crate::ops::profile::Profile;
use crate::ops::select;

/// Every workspace, the Scratch Pad first.
pub(crate) fn list(profile: &dyn Profile) -> Result<Reply, ApiError> {
    let known = select::all(profile);
    let views = known.into_iter().map(|workspace| select::view(profile, workspace));
    Ok(Reply::Workspaces { workspaces: views.collect::<Result<_, _>>()? })
}

/// Founds a workspace of the account. It does not become the one in use: a script that makes one does
/// not redirect the calls of another.
pub(crate) fn create(profile: &mut dyn Profile, name: &str) -> Result<Reply, ApiError> {
    let tried = format!("making the workspace {name}");
    check_free(profile, name, &tried)?;
    if profile.owner().is_none() {
        let detail = "without an account there is the Scratch Pad only";
        return Err(failure(ErrorKind::SignedOut, tried, detail));
    }
    let present = select::workspace(profile, None)?;
    let workspace = profile.found_workspace(name)?;
    if profile.workspace_in_use()?.is_none() && present != SCRATCH {
        profile.use_workspace(present)?; // it was the first by name, and may not be any more
    }
    Ok(Reply::Workspace(select::view(profile, workspace)?))
}

/// Chooses the workspace that calls without one mean.
pub(crate) fn choose(profile: &mut dyn Profile, wanted: &str) -> Result<Reply, ApiError> {
    let workspace = select::workspace(profile, Some(wanted))?;
    profile.use_workspace(workspace)?;
    Ok(Reply::Workspace(select::view(profile, workspace)?))
}

/// Gives a workspace another name.
pub(crate) fn rename(profile: &mut dyn Profile, wanted: &str, name: &str) -> Result<Reply, ApiError> {
    let tried = format!("renaming the workspace to {name}");
    let workspace = select::workspace(profile, Some(wanted))?;
    if workspace == SCRATCH {
        return Err(invalid(tried, "the Scratch Pad keeps its name"));
    }
    if select::name(profile, workspace) != name {
        check_free(profile, name, &tried)?;
    }
    let root = select::root(workspace);
    let node = profile.nodes(workspace).and_then(|nodes| nodes.get(&root));
    let node = node.ok_or_else(|| not_found(tried, "the workspace has not been received yet"))?;
    let node = satchel_model::Node { name: name.to_owned(), ..node.clone() };
    profile.edit(workspace, vec![Change { record: root, node: Some(node), body: None }])?;
    Ok(Reply::Workspace(select::view(profile, workspace)?))
}

/// A name that is usable and that no workspace of this profile has.
fn check_free(profile: &dyn Profile, name: &str, tried: &str) -> Result<(), ApiError> {
    check_name(name).map_err(|why| invalid(tried, why))?;
    if name == select::SCRATCH_WORD {
        return Err(invalid(tried, "scratch means the Scratch Pad"));
    }
    let taken = select::all(profile).into_iter().find(|workspace| select::name(profile, *workspace) == name);
    match taken {
        None => Ok(()),
        Some(workspace) => Err(ApiError {
            candidates: vec![format!("{name} ({})", select::id_text(workspace))],
            ..failure(ErrorKind::Exists, tried, "there is a workspace of that name")
        }),
    }
}
