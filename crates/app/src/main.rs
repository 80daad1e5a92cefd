//! `satchel`: the command line, and the agent that holds a profile open.
//!
//! ```text
//! words ──cli──▶ Command ──commands──▶ api::Call ──host──▶ the agent's socket, or a Client in here
//!                                                  api::Reply ──output──▶ words or one JSON document
//!                                                  api::ApiError ──failure──▶ words and an exit code
//! ```
//! Invariants: exit codes and `--json` are the contract of DESIGN section 10; a command that talks to an
//! agent starts no runtime and no TLS; nothing secret is printed unless it was asked for.
//!
//! Knows nothing of how a record is stored, sealed or sent.

mod agent;
mod cli;
mod commands;
mod events;
mod failure;
mod file;
mod host;
mod link;
mod output;
mod page;
mod password;
mod sending;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::Cli;
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::Out;

const _: () = assert!(!satchel_client::IS_SIMULATED, "an app without cryptography must not be built");

fn main() -> ExitCode {
    // The process for scripts is this program again, and begins before anything else does.
    if std::env::args_os().nth(1).is_some_and(|word| word == sending::SCRIPT_WORD) {
        return satchel_runner::script::child_main();
    }
    let words = asked_help(std::env::args_os().collect());
    let is_json = words.iter().any(|word| word == "--json");
    match parse(&words) {
        Ok(cli) => run(cli),
        Err(error) if error.use_stderr() && is_json => {
            Out::new(true, false).fail(&Failure::from_clap(&error))
        }
        Err(error) => {
            // A closed terminal is no failure of ours.
            drop(error.print());
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
        }
    }
}

/// `satchel help COMMAND` is `satchel COMMAND --help`.
fn asked_help(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

fn parse(words: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = cli::command().try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()))
}

fn run(cli: Cli) -> ExitCode {
    let out = Out::new(cli.shared.json, cli.shared.quiet);
    let session = match Session::new(cli.shared, out) {
        Ok(session) => session,
        Err(failure) => return out.fail(&failure),
    };
    match commands::perform(&session, cli.command) {
        Ok(code) => output::end(code),
        Err(failure) => out.fail(&failure),
    }
}
