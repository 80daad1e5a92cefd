//! Members, invitations, teams, drafts and who is here.

use std::io;
use std::process::ExitCode;

use satchel_client::api::{Call, Here, ItemView, Reply, Role, Secret, WorkspaceView};
use serde_json::json;

use super::Session;
use super::content::is_confirmed;
use crate::cli::{Access, DraftsCommand, PresenceCommand, TeamCommand, WorkspaceCommand};
use crate::failure::Failure;
use crate::host::Host;
use crate::output::item_lines;

/// The longest link that is read from stdin.
const LINK_BYTES_MAX: u64 = 4_096;

/// What is done with the people of a workspace.
pub(super) fn of_workspace(session: &Session, command: WorkspaceCommand) -> Result<ExitCode, Failure> {
    match command {
        WorkspaceCommand::Members => session.answer(Call::Members { team: None }),
        WorkspaceCommand::Invite { role } => session.answer(Call::Invite { role: role.into(), team: None }),
        WorkspaceCommand::Invites => session.answer(Call::Invites { team: None }),
        WorkspaceCommand::Revoke { invite } => revoke(session, invite, None),
        WorkspaceCommand::Join { link } => join(session, link),
        WorkspaceCommand::Role { member, role } => {
            let word = format!("{member} has another role.");
            session.settle(Call::SetRole { member, role: role.into(), team: None }, &word)
        }
        WorkspaceCommand::Remove { member } => session.answer(Call::RemoveMember { member, team: None }),
        WorkspaceCommand::Leave { hand_over } => {
            let call = match hand_over {
                Some(member) => Call::HandOver { member, team: None },
                None => Call::Leave,
            };
            session.settle(call, "You have left. What is here stays until `satchel workspace delete NAME`.")
        }
        WorkspaceCommand::Access { access } => {
            let open = matches!(access, Access::Open);
            let word = if open { "All of the team are members." } else { "Only who is invited comes in." };
            session.settle(Call::SetAccess { open }, word)
        }
        _ => unreachable!("the other commands have been done"),
    }
}

pub(super) fn team(session: &Session, command: TeamCommand) -> Result<ExitCode, Failure> {
    match command {
        TeamCommand::List => session.answer(Call::Teams),
        TeamCommand::Create { name } => session.answer(Call::CreateTeam { name }),
        TeamCommand::Rename { team, new_name } => session.answer(Call::RenameTeam { team, name: new_name }),
        TeamCommand::Invite { team, role } => {
            session.answer(Call::Invite { role: role.into(), team: Some(team) })
        }
        TeamCommand::Invites { team } => session.answer(Call::Invites { team: Some(team) }),
        TeamCommand::Revoke { team, invite } => revoke(session, invite, Some(team)),
        TeamCommand::Join { link } => join(session, link),
        TeamCommand::Members { team } => session.answer(Call::Members { team: Some(team) }),
        TeamCommand::Role { team, member, role } => {
            let word = format!("{member} has another role in {team}.");
            session.settle(Call::SetRole { member, role: role.into(), team: Some(team) }, &word)
        }
        TeamCommand::Remove { team, member } => {
            session.answer(Call::RemoveMember { member, team: Some(team) })
        }
        TeamCommand::Leave { team, hand_over } => leave_team(session, team, hand_over),
        TeamCommand::Delete { team, yes } => delete_team(session, team, yes),
    }
}

fn leave_team(session: &Session, team: String, hand_over: Option<String>) -> Result<ExitCode, Failure> {
    let word = format!("You have left the team {team}.");
    let call = match hand_over {
        Some(member) => Call::HandOver { member, team: Some(team) },
        None => Call::LeaveTeam { team },
    };
    session.settle(call, &word)
}

fn delete_team(session: &Session, team: String, yes: bool) -> Result<ExitCode, Failure> {
    if !yes && !is_confirmed("team", &team)? {
        return Err(Failure::decision(
            format!("deleting the team {team}"),
            "it would be gone for all its members, for good",
            "add --yes if you mean it",
        ));
    }
    let word = format!("The team {team} is deleted.");
    session.settle(Call::DeleteTeam { team }, &word)
}

fn revoke(session: &Session, invite: String, team: Option<String>) -> Result<ExitCode, Failure> {
    session.settle(Call::RevokeInvite { invite, team }, "The invitation is ended.")
}

fn join(session: &Session, link: String) -> Result<ExitCode, Failure> {
    let link = if link == "-" { read_link()? } else { link };
    session.answer(Call::Join { link: Secret(link) })
}

/// The link from stdin, where no other process of the machine reads it.
fn read_link() -> Result<String, Failure> {
    use io::{BufRead as _, Read as _};
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(LINK_BYTES_MAX)
        .read_line(&mut line)
        .map_err(|error| Failure::file("reading the link", error.to_string()))?;
    Ok(line.trim().to_owned())
}

pub(super) fn drafts(session: &Session, command: DraftsCommand) -> Result<ExitCode, Failure> {
    match command {
        DraftsCommand::List => list_drafts(session),
        DraftsCommand::Discard { paths } => session.answer(Call::DiscardDrafts { paths }),
    }
}

/// The changes that stay on this device; a tree does not show environments, so they are asked for, too.
fn list_drafts(session: &Session) -> Result<ExitCode, Failure> {
    let mut host = session.open()?;
    let mut waiting: Vec<ItemView> = Vec::new();
    for call in [Call::List { path: None, tree: true }, Call::Environments] {
        let listed = match session.call(&mut host, call)? {
            Reply::Items { items } => items,
            Reply::Environments { environments, .. } => environments,
            _ => Vec::new(),
        };
        let is_new = |item: &ItemView| item.waiting && waiting.iter().all(|known| known.id != item.id);
        let new: Vec<ItemView> = listed.into_iter().filter(is_new).collect();
        waiting.extend(new);
    }
    let stays = waiting.is_empty() || keeps_changes_here(session, &mut host)?;
    let count = waiting.len();
    let drafts = if stays { waiting } else { Vec::new() };
    session.out.document(&json!({ "items": drafts }));
    session.out.text(&match (drafts.is_empty(), count) {
        (false, _) => item_lines(&drafts),
        (true, 0) => "No changes are on this device alone.\n".to_owned(),
        (true, count) => format!(
            "No drafts: this account may write here, and {count} changed items go to the server by \
             themselves; `satchel status` shows what waits.\n"
        ),
    });
    Ok(ExitCode::SUCCESS)
}

/// Whether changes in the workspace stay here: this account may only read it, or is no member any more.
fn keeps_changes_here(session: &Session, host: &mut Host) -> Result<bool, Failure> {
    let (Reply::Workspaces { workspaces }, Reply::Status(status)) =
        (session.call(host, Call::Workspaces)?, session.call(host, Call::Status)?)
    else {
        return Ok(false);
    };
    let is_meant = |workspace: &&WorkspaceView| match &session.workspace {
        Some(wanted) => [&workspace.id, &workspace.name].contains(&wanted),
        None => workspace.current,
    };
    let id = workspaces.iter().find(is_meant).map(|workspace| workspace.id.clone());
    let found = status.workspaces.iter().find(|workspace| Some(&workspace.id) == id.as_ref());
    Ok(found.is_some_and(|found| found.role == Some(Role::Viewer) || found.reason.as_deref() == Some("gone")))
}

pub(super) fn presence(session: &Session, command: PresenceCommand) -> Result<ExitCode, Failure> {
    match command {
        PresenceCommand::List => session.answer(Call::WhoIsHere),
        PresenceCommand::On { path, editing } => {
            let state = if editing { "editing" } else { "viewing" };
            let here = Some(Here { item: path, state: state.to_owned() });
            session.settle(Call::Presence { here }, "The other members are told, while an agent runs here.")
        }
        PresenceCommand::Off => session.settle(Call::Presence { here: None }, "Nothing is told any more."),
    }
}
