//! What was sent and run on this device, and whose scripts may run.

use std::process::ExitCode;

use satchel_client::api::Call;

use super::Session;
use crate::cli::{RunsCommand, RunsOptions, SentCommand, SentOptions, TrustOptions};
use crate::failure::Failure;

pub(super) fn trust(session: &Session, options: &TrustOptions) -> Result<ExitCode, Failure> {
    let word = if options.off {
        "No script of this workspace runs any more on this device."
    } else {
        "Scripts of this workspace may run on this device."
    };
    session.settle(Call::Trust { trusted: !options.off }, word)
}

pub(super) fn sent(session: &Session, options: SentOptions) -> Result<ExitCode, Failure> {
    match options.command {
        None => {
            let search = options.search.unwrap_or_default();
            session.answer(Call::SentList { search, limit: options.limit })
        }
        Some(SentCommand::Show { id }) => session.answer(Call::SentShow { id }),
        Some(SentCommand::Clear { everything }) => {
            session.settle(Call::SentClear { everything }, "What was sent is forgotten on this device.")
        }
    }
}

pub(super) fn runs(session: &Session, options: RunsOptions) -> Result<ExitCode, Failure> {
    match options.command.unwrap_or(RunsCommand::List) {
        RunsCommand::List => session.answer(Call::RunList),
        RunsCommand::Show { id } => session.answer(Call::RunShow { id }),
    }
}
