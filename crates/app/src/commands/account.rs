//! Accounts and apps.

use std::process::ExitCode;

use satchel_client::api::{Call, ErrorKind};

use super::{Session, transfer};
use crate::cli::{
    AccountCommand, AccountOptions, AppsCommand, AppsOptions, RecoverOptions, SignInOptions, SignOutOptions,
    SignUpOptions,
};
use crate::failure::Failure;
use crate::output::remark;
use crate::password::Origin;

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
    if let Some(file) = &options.export {
        let reply = session.call(&mut host, Call::CreateBackup)?;
        let written = transfer::write_backup(&reply, file)?;
        session.out.confirm(&format!("Everything is in {}.", written.display()));
    }
    let mut left = session.call(&mut host, Call::SignOut { discard: options.discard });
    if options.export.is_some() && left.as_ref().is_err_and(|failure| failure.is(ErrorKind::ChangesWaiting)) {
        // What waits is in the file that was written before.
        left = session.call(&mut host, Call::SignOut { discard: true });
    }
    session.out.reply(&left?);
    session.out.confirm("Signed out. Nothing of the account is left on this device; the Scratch Pad stays.");
    Ok(ExitCode::SUCCESS)
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
