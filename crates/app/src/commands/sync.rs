//! Sync: waiting for it, watching it, checking what it left here; and the agent that keeps it up.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use satchel_client::api::{Call, ErrorKind, Reply, Status};
use serde_json::json;

use super::Session;
use crate::agent;
use crate::failure::{FAILED, Failure};
use crate::host::Link;
use crate::link::{Ask, Tell};

/// How often an app without an agent is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(500);

pub(super) fn sync(session: &Session, timeout: Duration) -> Result<ExitCode, Failure> {
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    session.answer(Call::Sync { timeout_ms })
}

/// A call that finds problems: they are the answer, and the exit code says so.
pub(super) fn checked(session: &Session, call: Call) -> Result<ExitCode, Failure> {
    let reply = session.ask(call)?;
    session.out.reply(&reply);
    let is_well = match &reply {
        Reply::Verified(verification) => verification.problems.is_empty(),
        Reply::Diagnosis { checks } => checks.iter().all(|check| check.ok),
        _ => true,
    };
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Shows the status whenever it changed, until it is interrupted.
pub(super) fn watch(session: &Session) -> Result<ExitCode, Failure> {
    let mut last = None;
    loop {
        let mut link = Link::open(&session.home);
        if let Some(link) = &mut link {
            link.ask(Ask::Watch)?;
        }
        match link {
            // Its line breaks when the agent ends; then this looks by itself.
            Some(mut link) => {
                while let Ok(Tell::Changed(_)) = link.hear() {
                    show_new(session, &mut last)?;
                }
            }
            None => thread::sleep(LOOK_PERIOD),
        }
        show_new(session, &mut last)?;
    }
}

fn show_new(session: &Session, last: &mut Option<Status>) -> Result<(), Failure> {
    let reply = match session.ask(Call::Status) {
        // Another command is at work; there is a next time.
        Err(failure) if failure.is(ErrorKind::Locked) => return Ok(()),
        reply => reply?,
    };
    let Reply::Status(status) = &reply else { return Ok(()) };
    if last.as_ref() != Some(status) {
        if session.out.json {
            session.out.document_line(&json!(reply));
        } else {
            session.out.reply(&reply);
        }
        *last = Some(status.clone());
    }
    Ok(())
}

pub(super) fn agent_status(session: &Session) -> ExitCode {
    let found = agent::about(&session.home);
    if let Some((pid, version)) = &found {
        session.out.document(&json!({ "agent": true, "pid": pid, "version": version }));
        session.out.text(&format!("The agent runs: process {pid}, version {version}.\n"));
    } else {
        session.out.document(&json!({ "agent": false }));
        session.out.text("No agent runs; `satchel agent` starts one.\n");
    }
    ExitCode::SUCCESS
}

pub(super) fn agent_stop(session: &Session) -> Result<ExitCode, Failure> {
    let was_there = agent::stop(&session.home)?;
    session.out.document(&json!({ "stopped": was_there }));
    session.out.confirm(if was_there { "The agent has ended." } else { "No agent runs." });
    Ok(ExitCode::SUCCESS)
}
