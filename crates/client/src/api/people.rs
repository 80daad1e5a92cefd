//! Teams, members, invitations and who did what: what the faces see of other people.

use serde::{Deserialize, Serialize};

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads. In a team: a guest.
    Viewer,
    /// Also writes. In a team: may make workspaces of the team.
    Editor,
    /// Also says who is a member, and in which role.
    Admin,
}

impl Role {
    /// Its word, for people and for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl From<satchel_wire::Role> for Role {
    fn from(role: satchel_wire::Role) -> Self {
        match role {
            satchel_wire::Role::Viewer => Self::Viewer,
            satchel_wire::Role::Editor => Self::Editor,
            satchel_wire::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for satchel_wire::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Editor => Self::Editor,
            Role::Admin => Self::Admin,
        }
    }
}

/// What a workspace is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceKind {
    /// Founded by one person, for whom that person invites.
    Personal,
    /// Of a team.
    Team,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// This account's role in it; none once it is no member any more.
    pub role: Option<Role>,
    /// How many members it has.
    pub members: u64,
    /// Its workspaces that this account is a member of, by name.
    pub workspaces: Vec<String>,
}

/// A member of a workspace or of a team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberView {
    /// The account's id.
    pub account: String,
    /// The name that the member is known by; the id where there is none.
    pub name: String,
    /// The role.
    pub role: Role,
    /// Whether it is this account.
    pub this: bool,
    /// How many of its apps have written here.
    pub apps: u64,
    /// The words of its keys, to compare over another way.
    pub fingerprint: String,
}

/// An open invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InviteView {
    /// Its id.
    pub id: String,
    /// The role of who joins by it.
    pub role: Role,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: u64,
    /// The name of the admin who made it.
    pub by: String,
    /// Somebody has used the link, and an admin's app is to confirm.
    pub claimed: bool,
}

/// A shared secret variable that a member could read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadableSecret {
    /// The path of the item that it is in.
    pub path: String,
    /// The variable's key.
    pub key: String,
}

/// Somebody did something in a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActivityView {
    /// The entry of the ledger.
    pub seq: u64,
    /// When the server took it, by its own clock.
    pub at: Option<u64>,
    /// The name of who did it.
    pub by: String,
    /// The id of the app that it was done by.
    pub app: String,
    /// What was done to the members: `invited`, `member_added`, `role_changed`, …; none for items.
    pub members: Option<String>,
    /// The items that were changed.
    pub items: Vec<ActivityItem>,
}

/// An item that was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActivityItem {
    /// Its id.
    pub id: String,
    /// Its name, where the item is here.
    pub name: Option<String>,
    /// `created`, `changed` or `purged`.
    pub change: String,
}

/// Where an app is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Here {
    /// The path of the item that is open.
    pub item: Option<String>,
    /// `viewing`, `editing` or `idle`.
    pub state: String,
}

/// An app of a member that is here now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PresentView {
    /// The member's name.
    pub name: String,
    /// The member's account.
    pub account: String,
    /// The app.
    pub app: String,
    /// The id of the item that is open there.
    pub item: Option<String>,
    /// Its name, where the item is here.
    pub item_name: Option<String>,
    /// `viewing`, `editing` or `idle`.
    pub state: String,
}
