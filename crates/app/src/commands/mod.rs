//! What each command does: words become calls, replies become answers.
//!
//! Knows nothing of how a call is done, and nothing of words beyond its own confirmations.

mod account;
mod content;
mod edit;
mod people;
mod run;
mod send;
mod sent;
mod sync;
mod transfer;
mod vars;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use satchel_client::api::{Call, Reply, Request};

use crate::agent;
use crate::cli::{self, AgentCommand, Command, Shared};
use crate::failure::Failure;
use crate::host::Host;
use crate::output::{self, Bar, Out};
use crate::page;

/// How long a change waits for the server.
const WAIT_MS: u64 = 5_000;

/// What all commands share: the home, the options, the way out.
pub(crate) struct Session {
    home: PathBuf,
    workspace: Option<String>,
    wait_ms: u64,
    out: Out,
}

impl Session {
    /// Reads the environment.
    pub(crate) fn new(shared: Shared, out: Out) -> Result<Self, Failure> {
        let wait_ms = if shared.no_wait { 0 } else { WAIT_MS };
        Ok(Self { home: home()?, workspace: shared.workspace, wait_ms, out })
    }

    fn open(&self) -> Result<Host, Failure> {
        Host::open(&self.home)
    }

    /// One call of a command that makes several.
    fn call(&self, host: &mut Host, call: Call) -> Result<Reply, Failure> {
        let mut bar = Bar::new(self.out);
        let request = Request { workspace: self.workspace.clone(), wait_ms: self.wait_ms, call };
        host.call(request, &mut |progress| bar.hear(progress))
    }

    /// The only call of a command.
    fn ask(&self, call: Call) -> Result<Reply, Failure> {
        self.call(&mut self.open()?, call)
    }

    /// A call whose reply is the answer.
    fn answer(&self, call: Call) -> Result<ExitCode, Failure> {
        let reply = self.ask(call)?;
        self.out.reply(&reply);
        Ok(ExitCode::SUCCESS)
    }

    /// A call after which there is only a word to say.
    fn settle(&self, call: Call, word: &str) -> Result<ExitCode, Failure> {
        let reply = self.ask(call)?;
        self.out.reply(&reply);
        self.out.confirm(word);
        Ok(ExitCode::SUCCESS)
    }
}

/// Where everything is kept: `SATCHEL_HOME`, else the place of the XDG base directories.
fn home() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let found = set("SATCHEL_HOME")
        .or_else(|| set("XDG_DATA_HOME").filter(|path| path.is_absolute()).map(|path| path.join("satchel")))
        .or_else(|| set("HOME").map(|path| path.join(".local/share/satchel")));
    let Some(found) = found else {
        return Err(Failure::usage(
            "looking for the home",
            "neither SATCHEL_HOME nor HOME is set",
            "set SATCHEL_HOME",
        ));
    };
    absolute(&found)
}

/// A path as another process sees it, too.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::file(format!("reading the path {}", path.display()), error.to_string()))
}

/// Does a command.
pub(crate) fn perform(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Signup(options) => account::sign_up(session, options),
        Command::Signin(options) => account::sign_in(session, options),
        Command::Recover(options) => account::recover(session, options),
        Command::Signout(options) => account::sign_out(session, &options),
        Command::Account(options) => account::account(session, &options),
        Command::Apps(options) => account::apps(session, options),
        Command::Status { watch: false } => session.answer(Call::Status),
        Command::Status { watch: true } => sync::watch(session),
        Command::Sync { timeout } => sync::sync(session, timeout),
        Command::Reload => sync::checked(session, Call::Reload),
        Command::Verify => sync::checked(session, Call::Verify),
        Command::Doctor => sync::checked(session, Call::Doctor),
        Command::App { port, no_open } => {
            page::serve(&session.home, port, !no_open).map(|()| ExitCode::SUCCESS)
        }
        Command::Agent { command: None } => agent::serve(&session.home).map(|()| ExitCode::SUCCESS),
        Command::Agent { command: Some(AgentCommand::Status) } => Ok(sync::agent_status(session)),
        Command::Agent { command: Some(AgentCommand::Stop) } => sync::agent_stop(session),
        Command::Import(options) => transfer::import(session, &options),
        Command::Export(options) => transfer::export(session, options),
        Command::Backup(options) => transfer::backup(session, &options),
        Command::Completions { shell } => Ok(completions(shell)),
        Command::Edit(options) => edit::edit(session, options),
        Command::Send(options) => send::send(session, &options),
        Command::Run(options) => run::run(session, &options),
        Command::Vars(options) => vars::vars(session, &options),
        Command::Trust(options) => sent::trust(session, &options),
        Command::Sent(options) => sent::sent(session, options),
        Command::Runs(options) => sent::runs(session, options),
        other => content::perform(session, other),
    }
}

fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "satchel", &mut script);
    output::print(&script);
    ExitCode::SUCCESS
}
