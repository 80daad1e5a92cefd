//! Words about files that come in and go out.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use satchel_client::api::{ExportFormat, ImportMode};

/// Importing.
#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    /// The files; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What to do with things that were imported before
    #[arg(long, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// Report what would happen, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What an import does with things that are here already.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    /// Bring it in a second time
    Copy,
    /// Update what the file names, add what is new, keep the rest
    Merge,
    /// Merge, and move what the file does not name to the trash
    Replace,
}

impl From<Mode> for ImportMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Copy => Self::Copy,
            Mode::Merge => Self::Merge,
            Mode::Replace => Self::Replace,
        }
    }
}

/// Exporting.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["paths", "all"]))]
pub(crate) struct ExportOptions {
    /// The items
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Everything of the workspace (of all workspaces with --format satchel)
    #[arg(long)]
    pub(crate) all: bool,
    /// The file or folder to write; without it stdout
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Postman)]
    pub(crate) format: Format,
    /// Put the values of secret variables in, too
    #[arg(long)]
    pub(crate) secrets: bool,
}

/// What an export writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Postman collections v2.1.0, environments and globals: one file an item
    Postman,
    /// One Postman data dump
    Dump,
    /// Everything, in Satchel's own backup file
    Satchel,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Postman => Self::Postman,
            Format::Dump => Self::Dump,
            Format::Satchel => Self::Satchel,
        }
    }
}

/// Backups.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    #[command(subcommand)]
    pub(crate) command: BackupCommand,
}

/// What to do with a backup.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Write everything on this device into one file, readable without any account
    Create {
        /// The file; `-` is stdout
        file: PathBuf,
    },
    /// Bring a backup's workspaces in as new ones, or onto the Scratch Pad
    Restore {
        /// The file; `-` is stdin
        file: PathBuf,
    },
}
