//! Words about accounts and apps.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The server and the person, and where the password comes from.
#[derive(Debug, Args)]
pub(crate) struct SignUpOptions {
    #[command(flatten)]
    pub(crate) who: Who,
    /// The server's invitation, where it needs one
    #[arg(long, value_name = "TEXT")]
    pub(crate) invite: Option<String>,
}

/// Signing in.
#[derive(Debug, Args)]
pub(crate) struct SignInOptions {
    #[command(flatten)]
    pub(crate) who: Who,
    /// Take the place of this app (id or name) if all places are in use
    #[arg(long, value_name = "APP")]
    pub(crate) take_over: Option<String>,
}

/// Recovering.
#[derive(Debug, Args)]
pub(crate) struct RecoverOptions {
    #[command(flatten)]
    pub(crate) who: Who,
}

/// What signing up, signing in and recovering share.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// The server's URL, such as <https://satchel.example.com>
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The account's e-mail
    #[arg(long, value_name = "E")]
    pub(crate) email: String,
    /// Read the password from the first line of stdin (recover: the recovery code, then the new password)
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// A name for this app; without it the machine's name
    #[arg(long, value_name = "NAME")]
    pub(crate) app_name: Option<String>,
}

/// Signing out.
#[derive(Debug, Args)]
pub(crate) struct SignOutOptions {
    /// First write everything, waiting changes included, into this file (it holds secrets in the clear)
    #[arg(long, value_name = "FILE", conflicts_with = "discard")]
    pub(crate) export: Option<PathBuf>,
    /// Throw away what the server has not acknowledged
    #[arg(long)]
    pub(crate) discard: bool,
}

/// The account.
#[derive(Debug, Args)]
pub(crate) struct AccountOptions {
    #[command(subcommand)]
    pub(crate) command: Option<AccountCommand>,
}

/// What to do with the account.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum AccountCommand {
    /// Show the account and this app
    Show,
    /// Change the password
    Password {
        /// Read the present password from the first line of stdin and the new one from the second
        #[arg(long)]
        password_stdin: bool,
    },
    /// Delete the account and everything of it on the server, then the local data
    Delete {
        /// Read the password from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
    },
}

/// The account's apps.
#[derive(Debug, Args)]
pub(crate) struct AppsOptions {
    #[command(subcommand)]
    pub(crate) command: Option<AppsCommand>,
}

/// What to do with the apps.
#[derive(Debug, Subcommand)]
pub(crate) enum AppsCommand {
    /// List the apps of the account
    List,
    /// End another app's session; its waiting changes stay on its device
    Disconnect {
        /// Its id or name
        app: String,
    },
    /// Take a place back after this app lost it
    TakePlace {
        /// The app (id or name) whose place to take
        app: String,
    },
}
