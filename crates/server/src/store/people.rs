//! What an entry of the charter changes for a store, and what is told of it: the same for every store.
//!
//! The rules are the charter's (`satchel_charter`), which apps apply, too. Here are only the steps around
//! them: the key that signed, and the difference between two charters, which becomes rows.

use satchel_charter::{Charter, CharterApp, CharterError, OpenInvite};
use satchel_wire::{
    AccountId, AppId, Bytes32, CharterOp, Content, ErrorCode, InviteId, JoinProof, Refusal, Role,
    WorkspaceEntry, WorkspaceId,
};

use super::Push;

/// Why a member may not use a workspace at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Suspension {
    /// Not a member of the team's roster any more; lifted when they are one again.
    NotInTeam = 1,
    /// The account was deleted; its id stays as a pseudonym.
    Gone = 2,
}

impl Suspension {
    /// As a row has it; 0 stands for none.
    pub(super) fn number(suspension: Option<Self>) -> u8 {
        suspension.map_or(0, |suspension| suspension as u8)
    }
}

/// An open invitation, as far as a claim of it is checked by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteRow {
    /// The key that a claim is verified with.
    pub key: Bytes32,
    /// When it ends.
    pub expires_ms: u64,
}

/// A claim of an invitation whose signatures were checked.
#[derive(Debug, Clone)]
pub struct NewJoin {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The invitation.
    pub invite: InviteId,
    /// The account that claims it.
    pub account: AccountId,
    /// The claim.
    pub proof: JoinProof,
    /// Now.
    pub now_ms: u64,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinVerdict {
    /// It waits for an admin's app, for the first time or again.
    Waits {
        /// The admins who should hear of it; none where it waited before.
        admins: Vec<AccountId>,
        /// Every claim that waits in the workspace.
        proofs: Vec<JoinProof>,
    },
    /// The account is a member already.
    Member,
    /// The invitation is used, expired, revoked, claimed by someone else, or there is none.
    Gone,
}

/// Who gets and who loses a workspace by a push.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// Removed from the pushed workspace by this very entry, which they do not get.
    pub(super) removed: Vec<AccountId>,
    /// Lost another workspace of the team.
    pub(super) hidden: Vec<(AccountId, WorkspaceId)>,
    /// Got a workspace.
    pub(super) shown: Vec<(AccountId, WorkspaceEntry)>,
}

/// The difference between two charters.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) added: Vec<(AccountId, Role)>,
    pub(super) roles: Vec<(AccountId, Role)>,
    pub(super) removed: Vec<AccountId>,
    pub(super) apps_added: Vec<CharterApp>,
    pub(super) apps_removed: Vec<AppId>,
    pub(super) invites_opened: Vec<(InviteId, OpenInvite)>,
    pub(super) invites_closed: Vec<InviteId>,
}

impl Change {
    pub(super) fn between(before: &Charter, after: &Charter) -> Self {
        let mut change = Self::default();
        for (account, member) in after.members() {
            match before.role_of(account) {
                None => change.added.push((account, member.role)),
                Some(role) if role != member.role => change.roles.push((account, member.role)),
                Some(_) => {}
            }
        }
        let left = before.members().map(|(account, _)| account);
        change.removed = left.filter(|account| after.role_of(*account).is_none()).collect();
        change.apps_added = after.apps().filter(|app| !before.knows(app.app)).collect();
        change.apps_removed = before.apps().map(|app| app.app).filter(|app| !after.knows(*app)).collect();
        let opened = after.invites().filter(|(invite, _)| before.invite(*invite).is_none());
        change.invites_opened = opened.map(|(invite, open)| (invite, open.clone())).collect();
        let closed = before.invites().map(|(invite, _)| invite);
        change.invites_closed = closed.filter(|invite| after.invite(*invite).is_none()).collect();
        change
    }
}

/// The charter after a pushed entry whose signature under the app's key was checked.
pub(super) fn enact(before: &Charter, seq: u64, push: &Push) -> Result<Charter, Refusal> {
    let refuse = |error: CharterError| Refusal::new(error.code(), error.detail());
    let mut after = before.clone();
    after.replay(seq, &push.header, &push.signed).map_err(refuse)?;
    let brings_key =
        matches!(push.header.content, Content::Charter(CharterOp::Found(_) | CharterOp::AddApp(_)));
    let charter = if brings_key { &after } else { before };
    let signer = CharterApp { app: push.header.app, account: push.header.author, key: push.app_key };
    if charter.app(signer.app) == Some(signer) { Ok(after) } else { Err(refuse(CharterError::UnknownApp)) }
}

/// The refusal of a member that the server does not know by these keys, claim or team.
pub(super) fn refuse_member(is_invited: bool) -> Refusal {
    if is_invited {
        return Refusal::new(ErrorCode::InviteGone, "nobody with these keys waits under this invitation");
    }
    Refusal::new(ErrorCode::CharterMoved, "the account is not in the team with these keys")
}

/// Whether a role may write, with the refusal if not.
pub(super) fn check_writer(role: Role) -> Result<(), Refusal> {
    if role >= Role::Editor {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::RoleTooLow, "the account may read this workspace, and not change it"))
}

/// Whether an epoch is the present one, with the refusal if not.
pub(super) fn check_epoch(epoch: u32, present: u32) -> Result<(), Refusal> {
    if epoch == present {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EpochOld, "the workspace's key is another one by now"))
}
