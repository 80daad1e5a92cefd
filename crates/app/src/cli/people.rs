//! Words about other people: members, invitations, teams, drafts and who is here.

use clap::{Args, Subcommand, ValueEnum};
use satchel_client::api::Role;

/// The roles.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleWord {
    /// Reads; in a team, a guest
    Viewer,
    /// Also writes; in a team, also makes workspaces of the team
    Editor,
    /// Also says who is a member, and in which role
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Editor => Self::Editor,
            RoleWord::Admin => Self::Admin,
        }
    }
}

/// Who may come into a workspace of a team.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Access {
    /// All members of the team are members
    Open,
    /// Only who is invited is a member
    Closed,
}

/// Teams.
#[derive(Debug, Args)]
pub(crate) struct TeamOptions {
    #[command(subcommand)]
    pub(crate) command: Option<TeamCommand>,
}

/// What to do with teams.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// List the teams
    List,
    /// Make a team
    Create {
        /// Its name
        name: String,
    },
    /// Rename a team
    Rename {
        /// Name or id
        team: String,
        /// The new name
        new_name: String,
    },
    /// Open an invitation; its link is shown once
    Invite {
        /// Name or id
        team: String,
        /// The role of who joins
        #[arg(long, value_enum, default_value_t = RoleWord::Editor)]
        role: RoleWord,
    },
    /// List the open invitations
    Invites {
        /// Name or id
        team: String,
    },
    /// End an invitation
    Revoke {
        /// Name or id
        team: String,
        /// The invitation's id, or a beginning of it
        invite: String,
    },
    /// Ask to become a member by a link
    Join {
        /// The link; `-` reads it from stdin
        link: String,
    },
    /// List the members
    Members {
        /// Name or id
        team: String,
    },
    /// Give a member another role
    Role {
        /// Name or id
        team: String,
        /// The member's name or account
        member: String,
        /// The role
        role: RoleWord,
    },
    /// Remove a member, and begin a new key
    Remove {
        /// Name or id
        team: String,
        /// The member's name or account
        member: String,
    },
    /// Leave a team, and with it the team's workspaces
    Leave {
        /// Name or id
        team: String,
        /// Make this member an admin first
        #[arg(long, value_name = "MEMBER")]
        hand_over: Option<String>,
    },
    /// Delete a team that has no workspaces any more
    Delete {
        /// Name or id
        team: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
}

/// The words of someone's keys.
#[derive(Debug, Args)]
pub(crate) struct FingerprintOptions {
    /// A member of the workspace, by name or account; without it this account
    pub(crate) member: Option<String>,
}

/// Drafts.
#[derive(Debug, Args)]
pub(crate) struct DraftsOptions {
    #[command(subcommand)]
    pub(crate) command: Option<DraftsCommand>,
}

/// What to do with drafts.
#[derive(Debug, Subcommand)]
pub(crate) enum DraftsCommand {
    /// List the items with changes that are on this device alone
    List,
    /// Throw drafts away: the items are again as the server has them
    Discard {
        /// The items; without any all drafts of the workspace
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
    },
}

/// Who is here.
#[derive(Debug, Args)]
pub(crate) struct PresenceOptions {
    #[command(subcommand)]
    pub(crate) command: Option<PresenceCommand>,
}

/// What to tell of where one is.
#[derive(Debug, Subcommand)]
pub(crate) enum PresenceCommand {
    /// List who says to be in the workspace now
    List,
    /// Tell the other members that this app is here, while an agent runs
    On {
        /// The item that is open
        path: Option<String>,
        /// It is being edited
        #[arg(long)]
        editing: bool,
    },
    /// Tell nothing any more
    Off,
}
