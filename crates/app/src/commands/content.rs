//! Workspaces, items, environments and conflicts: one call each.

use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use satchel_client::api::{Acknowledged, Call, FieldEdit, ItemView, Reply};

use super::{Session, people};
use crate::cli::{Assignment, Text};
use crate::cli::{
    Command, ConflictsCommand, DraftsCommand, EnvCommand, EnvSetOptions, HistoryOptions, MoveOptions,
    NewOptions, PresenceCommand, ResolveOptions, SetOptions, TeamCommand, TrashCommand, WorkspaceCommand,
};
use crate::failure::Failure;
use crate::output::remark;

/// The largest file that is read into a field.
const TEXT_BYTES_MAX: u64 = 8 * 1024 * 1024;

pub(super) fn perform(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Workspace(options) => workspace(session, options.command.unwrap_or(WorkspaceCommand::List)),
        Command::Ls(options) => session.answer(Call::List { path: options.path, tree: options.tree }),
        Command::Show(options) => session.answer(Call::Show { path: options.path, secrets: options.secrets }),
        Command::Search(options) => session.answer(Call::Search { text: options.text, limit: options.limit }),
        Command::New(options) => new(session, options),
        Command::Set(options) => set(session, options),
        Command::Mv(options) => session.answer(moved(options)?),
        Command::Cp(options) => session.answer(Call::Copy { from: options.from, to: options.to }),
        Command::Rm(options) => session.answer(Call::Remove { paths: options.paths, bulk: options.bulk }),
        Command::History(options) => session.answer(history(options)),
        Command::Diff(options) => session.answer(Call::Diff { path: options.path, version: options.version }),
        Command::Restore(options) => {
            session.answer(Call::Restore { path: options.path, version: options.version })
        }
        Command::Trash(options) => trash(session, options.command.unwrap_or(TrashCommand::List)),
        Command::Env(options) => env(session, options.command.unwrap_or(EnvCommand::List)),
        Command::Conflicts(options) => conflicts(session, options.command.unwrap_or(ConflictsCommand::List)),
        Command::Team(options) => people::team(session, options.command.unwrap_or(TeamCommand::List)),
        Command::Fingerprint(options) => session.answer(Call::Fingerprint { member: options.member }),
        Command::Drafts(options) => people::drafts(session, options.command.unwrap_or(DraftsCommand::List)),
        Command::Presence(options) => {
            people::presence(session, options.command.unwrap_or(PresenceCommand::List))
        }
        _ => unreachable!("the other commands have been done"),
    }
}

fn moved(options: MoveOptions) -> Result<Call, Failure> {
    let (from, secrets) = (options.from, options.secrets);
    match (options.to_workspace, options.to) {
        (Some(to), _) => Ok(Call::MoveToWorkspace { path: from, to, secrets }),
        (None, Some(to)) => Ok(Call::Move { from, to, before: options.before }),
        (None, None) => Err(Failure::usage(
            "reading the command line",
            "there is no place to move to",
            "name a collection, a folder or a new path; or --to-workspace",
        )),
    }
}

/// The versions of an item, or what was done in the whole workspace.
fn history(options: HistoryOptions) -> Call {
    match options.path {
        Some(path) => Call::History { path },
        None => Call::Activity { limit: options.limit },
    }
}

fn workspace(session: &Session, command: WorkspaceCommand) -> Result<ExitCode, Failure> {
    match command {
        WorkspaceCommand::List => session.answer(Call::Workspaces),
        WorkspaceCommand::Create { name, team, open } => {
            session.answer(Call::CreateWorkspace { name, team, open })
        }
        WorkspaceCommand::Use { name } => session.answer(Call::UseWorkspace { workspace: name }),
        WorkspaceCommand::Rename { name, new_name } => {
            session.answer(Call::RenameWorkspace { workspace: name, name: new_name })
        }
        WorkspaceCommand::Delete { name, yes, discard } => {
            if !yes && !is_confirmed("workspace", &name)? {
                return Err(Failure::decision(
                    format!("deleting the workspace {name}"),
                    "it would be gone from the server and from all apps, for good",
                    "add --yes if you mean it; `satchel export --all --workspace NAME` keeps a copy",
                ));
            }
            let word = format!("The workspace {name} is deleted.");
            session.settle(Call::DeleteWorkspace { workspace: name, discard }, &word)
        }
        other => people::of_workspace(session, other),
    }
}

/// Asks on a terminal; elsewhere nobody has confirmed.
pub(super) fn is_confirmed(kind: &str, name: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    remark(&format!("This deletes the {kind} {name} on the server and everywhere. Type its name to go on:"));
    let mut typed = String::new();
    io::stdin()
        .read_line(&mut typed)
        .map_err(|error| Failure::usage("reading the answer", error.to_string(), "add --yes"))?;
    Ok(typed.trim_end_matches(['\n', '\r']) == name)
}

fn trash(session: &Session, command: TrashCommand) -> Result<ExitCode, Failure> {
    session.answer(match command {
        TrashCommand::List => Call::Trash,
        TrashCommand::Restore { items } => Call::RestoreTrash { items },
        TrashCommand::Empty { items, bulk } => Call::EmptyTrash { items, bulk },
    })
}

fn new(session: &Session, options: NewOptions) -> Result<ExitCode, Failure> {
    let kind = options.kind.word().to_owned();
    session.answer(Call::New { kind, path: options.path, fields: edits(options.fields)? })
}

fn set(session: &Session, options: SetOptions) -> Result<ExitCode, Failure> {
    let mut fields = edits(options.fields)?;
    fields.extend(options.unset.into_iter().map(|field| FieldEdit { field, value: None }));
    session.answer(Call::Set { path: options.path, fields })
}

fn edits(assignments: Vec<Assignment>) -> Result<Vec<FieldEdit>, Failure> {
    let edit = |assignment: Assignment| {
        let value = text(assignment.value)?;
        Ok(FieldEdit { field: assignment.name, value: Some(value) })
    };
    assignments.into_iter().map(edit).collect()
}

/// The text itself, or that of the file.
fn text(text: Text) -> Result<String, Failure> {
    let file = match text {
        Text::Given(text) => return Ok(text),
        Text::File(file) => file,
    };
    let read = if file == "-" {
        read_text(&mut io::stdin().lock())
    } else {
        std::fs::File::open(&file).and_then(|mut opened| read_text(&mut opened))
    };
    read.map_err(|error| Failure::file(format!("reading {file}"), error.to_string()))
}

fn read_text(from: &mut dyn Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn env(session: &Session, command: EnvCommand) -> Result<ExitCode, Failure> {
    match command {
        EnvCommand::List => session.answer(Call::Environments),
        EnvCommand::Use { environment, .. } => {
            let word = match &environment {
                Some(name) => format!("{name} is the active environment on this device."),
                None => "No environment is active on this device.".to_owned(),
            };
            session.settle(Call::UseEnvironment { environment }, &word)
        }
        EnvCommand::Show { environment, secrets } => {
            session.answer(Call::ShowEnvironment { environment, secrets })
        }
        EnvCommand::Set(options) => set_variables(session, options),
        EnvCommand::Unset { keys, env } => session.answer(Call::UnsetVariables { environment: env, keys }),
    }
}

fn set_variables(session: &Session, options: EnvSetOptions) -> Result<ExitCode, Failure> {
    let edit = options.edit();
    let (environment, assignments) = options.split().map_err(|why| {
        Failure::usage("reading the variables", why, "write `satchel env set [ENV] KEY=VALUE…`")
    })?;
    let mut variables = Vec::new();
    for assignment in assignments {
        let is_file = matches!(assignment.value, Text::File(_));
        let value = text(assignment.value)?;
        // A file that holds one value ends with a line break that is not meant.
        let value = if is_file { value.strip_suffix('\n').unwrap_or(&value).to_owned() } else { value };
        variables.push(edit(assignment.name, value));
    }
    session.answer(Call::SetVariables { environment, variables })
}

fn conflicts(session: &Session, command: ConflictsCommand) -> Result<ExitCode, Failure> {
    match command {
        ConflictsCommand::List => session.answer(Call::Conflicts),
        ConflictsCommand::Show { id } => session.answer(Call::ShowConflict { id }),
        ConflictsCommand::Resolve(options) => resolve(session, options),
    }
}

/// Settles each field in turn; the answer is that of all together.
fn resolve(session: &Session, options: ResolveOptions) -> Result<ExitCode, Failure> {
    let id = options.id.clone();
    let mut host = session.open()?;
    let mut items: Vec<ItemView> = Vec::new();
    let mut acknowledged = Acknowledged::Server;
    for (field, choice) in options.choices() {
        let call = Call::Resolve { id: id.clone(), choice, field };
        if let Reply::Changed { items: changed, acknowledged: by } = session.call(&mut host, call)? {
            items.retain(|item| changed.iter().all(|newer| newer.id != item.id));
            items.extend(changed);
            if by == Acknowledged::Local {
                acknowledged = by;
            }
        }
    }
    session.out.reply(&Reply::Changed { items, acknowledged });
    Ok(ExitCode::SUCCESS)
}
