//! Words about versions and the trash.

use clap::{Args, Subcommand};

/// Listing versions.
#[derive(Debug, Args)]
pub(crate) struct HistoryOptions {
    /// The item, as Collection/Folder/Request or an id; without it, who did what in the workspace
    pub(crate) path: Option<String>,
    /// Show at most this many entries of the workspace
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "path")]
    pub(crate) limit: u64,
}

/// Comparing with a version, or restoring one.
#[derive(Debug, Args)]
pub(crate) struct VersionOptions {
    /// The item, as Collection/Folder/Request or an id
    pub(crate) path: String,
    /// The version, as `satchel history` numbers it
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
}

/// The trash.
#[derive(Debug, Args)]
pub(crate) struct TrashOptions {
    #[command(subcommand)]
    pub(crate) command: Option<TrashCommand>,
}

/// What to do with the trash.
#[derive(Debug, Subcommand)]
pub(crate) enum TrashCommand {
    /// List what lies in the trash
    List,
    /// Take items out of the trash, with everything below them
    Restore {
        /// The items, by the path they had, by name or by id
        #[arg(required = true, value_name = "ITEM")]
        items: Vec<String>,
    },
    /// Purge items in the trash for good, with everything below them
    Empty {
        /// The items, by the path they had, by name or by id; without any the whole trash
        #[arg(value_name = "ITEM")]
        items: Vec<String>,
        /// Yes, all of them, even if that is a large part of the workspace
        #[arg(long)]
        bulk: bool,
    },
}
