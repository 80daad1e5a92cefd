//! Content calls: everything that a person does to items, as pure logic over a [`Profile`].
//!
//! ```text
//! Call ──▶ perform ──▶ which workspace ──▶ View (read) ──▶ plan ──▶ one Profile::edit ──▶ Reply
//! ```
//! Why it exists: what a call means must not depend on where the data is kept or who asked. Rules kept
//! here: a call makes one edit or none; secrets and current values stay on this device; many items go
//! only when the person said so; an item is never guessed when two have its name.
//!
//! Knows nothing of `SQLite`, keys, sockets, accounts and the clock.

mod backup;
mod conflicts;
mod document;
mod edit;
mod env;
mod error;
mod export;
pub(crate) mod fields;
mod file;
pub(crate) mod history;
mod import;
mod local;
mod matching;
pub(crate) mod profile;
mod search;
pub(crate) mod select;
mod sending;
mod sent;
#[cfg(test)]
mod tests;
mod transfer;
mod trash;
pub(crate) mod view;
mod workspaces;

use satchel_wire::WorkspaceId;

use crate::api::{ApiError, Call, Progress, Reply};
use crate::ops::profile::Profile;

/// Performs a call on content; none if it is not one.
pub(crate) fn perform(
    profile: &mut dyn Profile,
    workspace: Option<&str>,
    call: &Call,
    progress: &mut dyn FnMut(Progress),
) -> Option<Result<Reply, ApiError>> {
    if let Some(done) = on_workspaces(profile, call, progress) {
        return Some(done);
    }
    if !is_on_items(call) {
        return None;
    }
    let workspace = match select::workspace(profile, workspace) {
        Ok(workspace) => workspace,
        Err(error) => return Some(Err(error)),
    };
    read(profile, workspace, call, progress).or_else(|| change(profile, workspace, call, progress))
}

/// Calls that name their workspace themselves, or mean all of them.
fn on_workspaces(
    profile: &mut dyn Profile,
    call: &Call,
    progress: &mut dyn FnMut(Progress),
) -> Option<Result<Reply, ApiError>> {
    Some(match call {
        Call::Workspaces => workspaces::list(profile),
        Call::CreateWorkspace { name, team: None, .. } => workspaces::create(profile, name),
        Call::UseWorkspace { workspace } => workspaces::choose(profile, workspace),
        Call::RenameWorkspace { workspace, name } => workspaces::rename(profile, workspace, name),
        Call::CreateBackup => backup::create(profile, progress),
        Call::RestoreBackup { source } => backup::restore(profile, source, progress),
        _ => return None,
    })
}

/// Whether a call is about the items of one workspace.
fn is_on_items(call: &Call) -> bool {
    matches!(
        call,
        Call::Import { .. }
            | Call::Export { .. }
            | Call::List { .. }
            | Call::Show { .. }
            | Call::Look { .. }
            | Call::Search { .. }
            | Call::New { .. }
            | Call::Set { .. }
            | Call::Replace { .. }
            | Call::Move { .. }
            | Call::Copy { .. }
            | Call::MoveToWorkspace { .. }
            | Call::Remove { .. }
            | Call::Trash
            | Call::RestoreTrash { .. }
            | Call::EmptyTrash { .. }
            | Call::Restore { .. }
            | Call::Environments
            | Call::UseEnvironment { .. }
            | Call::ShowEnvironment { .. }
            | Call::SetVariables { .. }
            | Call::UnsetVariables { .. }
            | Call::Conflicts
            | Call::ShowConflict { .. }
            | Call::Resolve { .. }
            | Call::Sources { .. }
            | Call::KeepSent { .. }
            | Call::Trust { .. }
            | Call::SentList { .. }
            | Call::SentShow { .. }
            | Call::SentClear { .. }
            | Call::RunList
            | Call::RunShow { .. }
    )
}

fn read(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    call: &Call,
    progress: &mut dyn FnMut(Progress),
) -> Option<Result<Reply, ApiError>> {
    Some(match call {
        Call::Export { paths, all, format, secrets } => {
            let asked = export::Asked { paths, all: *all, format: *format, secrets: *secrets };
            export::export(profile, workspace, &asked, progress)
        }
        Call::List { path, tree } => view::list(profile, workspace, path.as_deref(), *tree),
        Call::Show { path, secrets } => document::show(profile, workspace, path, *secrets),
        Call::Look { items } => Ok(view::look(profile, workspace, items)),
        Call::Search { text, limit } => search::search(profile, workspace, text, *limit),
        Call::Trash => Ok(trash::list(profile, workspace)),
        Call::Environments => env::list(profile, workspace),
        Call::ShowEnvironment { environment, secrets } => {
            env::show(profile, workspace, environment.as_deref(), *secrets)
        }
        Call::Conflicts => conflicts::list(profile, workspace),
        Call::ShowConflict { id } => conflicts::show(profile, workspace, id),
        Call::Sources { item, environment, below } => {
            sending::sources(profile, workspace, item.as_deref(), environment, *below)
        }
        Call::SentList { search, limit } => sent::list(profile, workspace, search, *limit),
        Call::SentShow { id } => sent::show(profile, workspace, *id),
        Call::RunList => sent::runs(profile, workspace),
        Call::RunShow { id } => sent::show_run(profile, workspace, *id),
        _ => return None,
    })
}

fn change(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    call: &Call,
    progress: &mut dyn FnMut(Progress),
) -> Option<Result<Reply, ApiError>> {
    Some(match call {
        Call::Import { source, mode, dry_run } => {
            let asked = import::Asked { source, mode: *mode, dry_run: *dry_run };
            import::import(profile, workspace, &asked, progress)
        }
        Call::New { kind, path, fields } => edit::new(profile, workspace, kind, path, fields),
        Call::Set { path, fields } => edit::set(profile, workspace, path, fields),
        Call::Replace { path, base, document } => {
            document::replace(profile, workspace, path, (base, document))
        }
        Call::Move { from, to, before } => edit::move_item(profile, workspace, from, to, before.as_deref()),
        Call::Copy { from, to } => edit::copy(profile, workspace, from, to),
        Call::MoveToWorkspace { path, to, secrets } => {
            transfer::move_to(profile, workspace, path, (to, *secrets))
        }
        Call::Remove { paths, bulk } => edit::remove(profile, workspace, paths, *bulk),
        Call::RestoreTrash { items } => trash::restore(profile, workspace, items),
        Call::EmptyTrash { items, bulk } => trash::empty(profile, workspace, items, *bulk),
        // Everything else of a restore needs the versions that the server keeps.
        Call::Restore { path, version: None } => return trash::restore_if_there(profile, workspace, path),
        Call::UseEnvironment { environment } => env::choose(profile, workspace, environment.as_deref()),
        Call::SetVariables { environment, variables } => {
            env::set(profile, workspace, environment.as_deref(), variables)
        }
        Call::UnsetVariables { environment, keys } => {
            env::unset(profile, workspace, environment.as_deref(), keys)
        }
        Call::KeepSent { item, environment, values, cookies, tokens, sent, runs } => {
            let changes = sending::Changes { item, environment, values, cookies, tokens };
            let kept = sent::keep(profile, workspace, sent, runs);
            kept.and_then(|()| sending::keep(profile, workspace, &changes))
        }
        Call::Trust { trusted } => sending::trust(profile, workspace, *trusted),
        Call::SentClear { everything } => sent::clear(profile, workspace, *everything),
        Call::Resolve { id, choice, field } => {
            conflicts::resolve(profile, workspace, id, choice, field.as_deref())
        }
        _ => return None,
    })
}
