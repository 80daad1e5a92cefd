//! Words about workspaces, items, environments and conflicts.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use satchel_client::api::{Resolution, VariableEdit};

use super::people::{Access, RoleWord};
use super::values::{self, Assignment};

/// Workspaces.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceOptions {
    #[command(subcommand)]
    pub(crate) command: Option<WorkspaceCommand>,
}

/// What to do with workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// List the workspaces, the Scratch Pad first
    List,
    /// Make a workspace
    Create {
        /// Its name
        name: String,
        /// The team that it belongs to, by name or id
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
        /// All members of the team become members of it
        #[arg(long, requires = "team")]
        open: bool,
    },
    /// Choose the workspace that commands without --workspace mean
    Use {
        /// Name, id, or `scratch`
        name: String,
    },
    /// Rename a workspace
    Rename {
        /// Name or id
        name: String,
        /// The new name
        new_name: String,
    },
    /// Delete a workspace on the server and here, for good
    Delete {
        /// Name or id
        name: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
        /// Changes that were never sent may go with it
        #[arg(long)]
        discard: bool,
    },
    /// List the members, their roles and the words of their keys
    Members,
    /// Open an invitation; its link is shown once
    Invite {
        /// The role of who joins
        #[arg(long, value_enum, default_value_t = RoleWord::Editor)]
        role: RoleWord,
    },
    /// List the open invitations
    Invites,
    /// End an invitation
    Revoke {
        /// The invitation's id, or a beginning of it
        invite: String,
    },
    /// Ask to become a member by a link
    Join {
        /// The link; `-` reads it from stdin
        link: String,
    },
    /// Give a member another role
    Role {
        /// The member's name or account
        member: String,
        /// The role
        role: RoleWord,
    },
    /// Remove a member, and begin a new key
    Remove {
        /// The member's name or account
        member: String,
    },
    /// Leave the workspace; what is here stays until it is deleted
    Leave {
        /// Make this member an admin first
        #[arg(long, value_name = "MEMBER")]
        hand_over: Option<String>,
    },
    /// Open a workspace of a team to all of the team, or close it
    Access {
        /// Who may come in
        access: Access,
    },
}

/// Listing.
#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Where; without it the whole workspace
    pub(crate) path: Option<String>,
    /// Everything below, as a tree
    #[arg(long)]
    pub(crate) tree: bool,
}

/// Showing.
#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// The item, as Collection/Folder/Request or an id
    pub(crate) path: String,
    /// Show the values of secret variables
    #[arg(long)]
    pub(crate) secrets: bool,
}

/// Searching.
#[derive(Debug, Args)]
pub(crate) struct SearchOptions {
    /// What to look for; small and capital letters are the same
    pub(crate) text: String,
    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

/// The kinds of items that can be made.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum NewKind {
    Collection,
    Folder,
    Request,
    Example,
    Environment,
}

impl NewKind {
    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Folder => "folder",
            Self::Request => "request",
            Self::Example => "example",
            Self::Environment => "environment",
        }
    }
}

/// Making.
#[derive(Debug, Args)]
pub(crate) struct NewOptions {
    /// What to make
    pub(crate) kind: NewKind,
    /// Where; the last segment is its name
    pub(crate) path: String,
    /// Fields to set
    #[arg(value_name = "FIELD=VALUE", value_parser = values::parse_assignment)]
    pub(crate) fields: Vec<Assignment>,
}

/// Changing.
#[derive(Debug, Args)]
#[command(
    override_usage = "satchel set [OPTIONS] <PATH> <FIELD=VALUE>...\n       satchel set [OPTIONS] <PATH> --unset <FIELD>"
)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true).args(["fields", "unset"]))]
pub(crate) struct SetOptions {
    /// The item
    pub(crate) path: String,
    /// FIELD= sets it to nothing, FIELD=@FILE to a file's text (@- is stdin), FIELD=@@TEXT to @TEXT
    #[arg(value_name = "FIELD=VALUE", value_parser = values::parse_assignment)]
    pub(crate) fields: Vec<Assignment>,
    /// Remove a field
    #[arg(long, value_name = "FIELD")]
    pub(crate) unset: Vec<String>,
}

/// Editing.
#[derive(Debug, Args)]
pub(crate) struct EditOptions {
    /// The item
    pub(crate) path: String,
}

/// Moving.
#[derive(Debug, Args)]
pub(crate) struct MoveOptions {
    /// The item
    pub(crate) from: String,
    /// An existing collection or folder to move into, or the new path
    #[arg(required_unless_present = "to_workspace")]
    pub(crate) to: Option<String>,
    /// Put it before this item
    #[arg(long, value_name = "PATH", conflicts_with = "to_workspace")]
    pub(crate) before: Option<String>,
    /// Move a collection or an environment to this workspace, with everything below it
    #[arg(long, value_name = "NAME|ID", conflicts_with = "to")]
    pub(crate) to_workspace: Option<String>,
    /// Take the values of shared secrets along to the other workspace
    #[arg(long, requires = "to_workspace", conflicts_with_all = ["to", "before"])]
    pub(crate) secrets: bool,
}

/// Copying.
#[derive(Debug, Args)]
pub(crate) struct CopyOptions {
    /// The item
    pub(crate) from: String,
    /// An existing collection or folder, or the new path
    pub(crate) to: String,
}

/// Removing.
#[derive(Debug, Args)]
pub(crate) struct RemoveOptions {
    /// The items
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Yes, all of them, even if that is a large part of the workspace
    #[arg(long)]
    pub(crate) bulk: bool,
}

/// Environments.
#[derive(Debug, Args)]
pub(crate) struct EnvOptions {
    #[command(subcommand)]
    pub(crate) command: Option<EnvCommand>,
}

/// What to do with environments.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// List the environments
    List,
    /// Choose the active environment on this device
    #[command(group = ArgGroup::new("choice").required(true).args(["environment", "none"]))]
    Use {
        /// Name or id
        environment: Option<String>,
        /// No environment
        #[arg(long)]
        none: bool,
    },
    /// Show an environment's variables
    Show {
        /// Name or id, or `globals`; without it the active one
        environment: Option<String>,
        /// Show the values of secrets
        #[arg(long)]
        secrets: bool,
    },
    /// Set variables
    Set(EnvSetOptions),
    /// Remove variables
    Unset {
        /// Their keys
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        /// Name or id of the environment, or `globals`; without it the active one
        #[arg(long, short, value_name = "ENV")]
        env: Option<String>,
    },
}

/// Setting variables.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct EnvSetOptions {
    /// KEY=VALUE, KEY=@FILE or KEY=@- (stdin); a first word without `=` is the environment
    #[arg(required = true, value_name = "[ENV] KEY=VALUE", value_parser = values::parse_word)]
    pub(crate) words: Vec<values::Word>,
    /// Name or id of the environment, or `globals`; without it the active one; made if it is new
    #[arg(long, short, value_name = "ENV")]
    pub(crate) env: Option<String>,
    /// Make them secrets: their values stay on this device
    #[arg(long, conflicts_with = "no_secret")]
    pub(crate) secret: bool,
    /// Make them ordinary variables
    #[arg(long)]
    pub(crate) no_secret: bool,
    /// Share a secret's initial value with everyone in the workspace
    #[arg(long)]
    pub(crate) share: bool,
    /// Set only the current value, which stays on this device
    #[arg(long)]
    pub(crate) current: bool,
}

impl EnvSetOptions {
    /// The environment and the variables; fails like a wrong word if there is none or two environments.
    pub(crate) fn split(self) -> Result<(Option<String>, Vec<Assignment>), String> {
        let mut environment = self.env;
        let mut variables = Vec::new();
        for (index, word) in self.words.into_iter().enumerate() {
            match word {
                values::Word::Assignment(assignment) => variables.push(assignment),
                values::Word::Name(name) if index == 0 && environment.is_none() => environment = Some(name),
                values::Word::Name(name) => return Err(format!("{name} is not KEY=VALUE")),
            }
        }
        if variables.is_empty() {
            return Err("there is no KEY=VALUE".to_owned());
        }
        Ok((environment, variables))
    }

    /// What becomes of one variable.
    pub(crate) fn edit(&self) -> impl Fn(String, String) -> VariableEdit + use<> {
        let secret = if self.secret { Some(true) } else { self.no_secret.then_some(false) };
        let (share, current) = (self.share, self.current);
        move |key, value| VariableEdit { key, value, secret, share, current }
    }
}

/// Conflicts.
#[derive(Debug, Args)]
pub(crate) struct ConflictsOptions {
    #[command(subcommand)]
    pub(crate) command: Option<ConflictsCommand>,
}

/// What to do with conflicts.
#[derive(Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// List the conflicts
    List,
    /// Show one conflict with its three values
    Show {
        /// Its id, or a beginning of it
        id: String,
    },
    /// Settle a conflict, all of an item, or all of a collection
    Resolve(ResolveOptions),
}

/// Settling.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("choice").required(true).args(["local", "server", "both", "field"]))]
pub(crate) struct ResolveOptions {
    /// A conflict's id, or the path or id of an item; a collection means everything in it
    pub(crate) id: String,
    /// Take the value that lost its place
    #[arg(long)]
    pub(crate) local: bool,
    /// Keep the value that shows
    #[arg(long)]
    pub(crate) server: bool,
    /// Keep both, where both can stand
    #[arg(long)]
    pub(crate) both: bool,
    /// Settle one field: NAME=local, NAME=server, NAME=both, or NAME=VALUE for another value
    #[arg(long, value_name = "NAME=CHOICE", value_parser = values::parse_choice)]
    pub(crate) field: Vec<(String, Resolution)>,
}

impl ResolveOptions {
    /// Each field with its choice; no field means all of them.
    pub(crate) fn choices(self) -> Vec<(Option<String>, Resolution)> {
        let whole = |choice| vec![(None, choice)];
        match (self.local, self.server, self.both) {
            (true, ..) => whole(Resolution::Local),
            (_, true, _) => whole(Resolution::Server),
            (.., true) => whole(Resolution::Both),
            _ => self.field.into_iter().map(|(name, choice)| (Some(name), choice)).collect(),
        }
    }
}
