//! Accounts and apps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use satchel_client::api::{Call, Discard, ErrorKind, Reply};

use super::{Session, absolute, transfer};
use crate::cli::{
    AccountCommand, AccountOptions, AppsCommand, AppsOptions, RecoverOptions, SignInOptions, SignOutOptions,
    SignUpOptions,
};
use crate::failure::Failure;
use crate::host::Host;
use crate::output::remark;
use crate::password::Origin;

/// How often a backup is written again because something changed meanwhile.
const BACKUPS_MAX: usize = 5;

pub(super) fn sign_up(session: &Session, options: SignUpOptions) -> Result<ExitCode, Failure> {
    let password = Origin::choose(options.who.password_stdin)?.ask_new("new password")?;
    session.answer(Call::SignUp {
        server: options.who.server,
        email: options.who.email,
        password,
        app_name: options.who.app_name,
        invite: options.invite,
    })
}

pub(super) fn sign_in(session: &Session, options: SignInOptions) -> Result<ExitCode, Failure> {
    let password = Origin::choose(options.who.password_stdin)?.ask("password")?;
    session.answer(Call::SignIn {
        server: options.who.server,
        email: options.who.email,
        password,
        app_name: options.who.app_name,
        take_over: options.take_over,
    })
}

pub(super) fn recover(session: &Session, options: RecoverOptions) -> Result<ExitCode, Failure> {
    let origin = Origin::choose(options.who.password_stdin)?;
    let code = origin.ask("recovery code")?;
    let password = origin.ask_new("new password")?;
    session.answer(Call::Recover {
        server: options.who.server,
        email: options.who.email,
        code,
        password,
        app_name: options.who.app_name,
    })
}

pub(super) fn sign_out(session: &Session, options: &SignOutOptions) -> Result<ExitCode, Failure> {
    let mut host = session.open()?;
    let left = match &options.export {
        None if options.discard => session.call(&mut host, Call::SignOut { discard: Discard::Everything }),
        None => session.call(&mut host, Call::SignOut { discard: Discard::Nothing }),
        Some(file) => leave_with_backup(session, &mut host, file),
    };
    session.out.reply(&left?);
    session.out.confirm("Signed out. Nothing of the account is left on this device; the Scratch Pad stays.");
    Ok(ExitCode::SUCCESS)
}

/// Writes a backup and signs out. What another process changed after the backup was written is not
/// discarded: the backup is written again.
fn leave_with_backup(session: &Session, host: &mut Host, file: &Path) -> Result<Reply, Failure> {
    let mut written = back_up(session, host, file)?;
    session.out.confirm(&format!("Everything is in {}.", written.display()));
    let mut left = session.call(host, Call::SignOut { discard: Discard::Nothing });
    for attempt in 0..BACKUPS_MAX {
        if !left.as_ref().is_err_and(|failure| failure.is(ErrorKind::ChangesWaiting)) {
            break;
        }
        if attempt > 0 {
            written = back_up(session, host, file)?;
        }
        let held = text_of(&written)?;
        left = session.call(host, Call::SignOut { discard: Discard::BackedUp(held) });
    }
    left
}

fn back_up(session: &Session, host: &mut Host, file: &Path) -> Result<PathBuf, Failure> {
    let reply = session.call(host, Call::CreateBackup)?;
    transfer::write_backup(&reply, file)
}

/// The path as the agent is told it.
fn text_of(path: &Path) -> Result<String, Failure> {
    let path = absolute(path)?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::file(format!("reading {}", path.display()), "its name is not UTF-8"))
}

pub(super) fn account(session: &Session, options: &AccountOptions) -> Result<ExitCode, Failure> {
    match options.command.unwrap_or(AccountCommand::Show) {
        AccountCommand::Show => session.answer(Call::Account),
        AccountCommand::Password { password_stdin } => {
            let origin = Origin::choose(password_stdin)?;
            let old = origin.ask("present password")?;
            let new = origin.ask_new("new password")?;
            session.settle(Call::ChangePassword { old, new }, "The password is changed.")
        }
        AccountCommand::Delete { password_stdin } => {
            let origin = Origin::choose(password_stdin)?;
            if matches!(origin, Origin::Terminal) {
                remark("This deletes the account and everything of it on the server, for good.");
            }
            session.answer(Call::DeleteAccount { password: origin.ask("password")? })
        }
    }
}

pub(super) fn apps(session: &Session, options: AppsOptions) -> Result<ExitCode, Failure> {
    match options.command.unwrap_or(AppsCommand::List) {
        AppsCommand::List => session.answer(Call::Apps),
        AppsCommand::Disconnect { app } => {
            let word = format!("{app} is disconnected.");
            session.settle(Call::DisconnectApp { app }, &word)
        }
        AppsCommand::TakePlace { app } => session.answer(Call::TakePlace { from: app }),
    }
}
