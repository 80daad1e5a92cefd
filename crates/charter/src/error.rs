//! Why an entry of a charter, or a signature under it, is not accepted.

use std::fmt;

use satchel_wire::ErrorCode;

/// Why an entry of a charter, or a signature under it, is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CharterError {
    /// The first entry is not a founding, or a later one is.
    Founding,
    /// The workspace's id is not derived from its founding, or the header is of another workspace.
    WrongId,
    /// The certificate does not verify, or is not the signer's.
    Certificate,
    /// The signer is not in the charter, or not any more.
    UnknownApp,
    /// The signature does not verify.
    Signature,
    /// No wrap for this account, or it does not open to the committed key.
    Key,
    /// A length, count or order in the entry is not the one that the protocol allows.
    Form,
    /// The entry is not of the epoch that holds at this point.
    Epoch,
    /// The role of the author does not allow it.
    Role,
    /// The app was revoked, which is for good.
    Revoked,
    /// The account is a member already.
    AlreadyMember,
    /// The account is not a member.
    NotMember,
    /// The invitation is not open, or is for another role; or there is none and no roster to come from.
    Invite,
    /// An invitation of this id is open already.
    InviteOpen,
    /// It would leave the workspace without an admin.
    LastAdmin,
    /// The author would remove itself, and know the key that comes after: it is to leave instead.
    OwnRemoval,
    /// The new epoch is not the next one, or its wraps are not exactly those of the members that remain.
    Rotation,
    /// It has no meaning in a workspace of this kind.
    Kind,
    /// More members, apps, invitations or epochs than a charter holds.
    Full,
    /// A claim of an invitation that is not the one of its keys and place.
    Claim,
}

impl CharterError {
    /// The reason in plain words.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Founding => "a ledger must begin with its one founding",
            Self::WrongId => "the workspace's id does not belong to its founding",
            Self::Certificate => "an app's certificate does not verify",
            Self::UnknownApp => "a change is signed by an app that the charter does not know",
            Self::Signature => "a change's signature does not verify",
            Self::Key => "the workspace's key does not open with this account",
            Self::Form => "an entry of the charter is over a limit or out of order",
            Self::Epoch => "a change is under another key epoch than the present one",
            Self::Role => "a change that its author's role does not allow",
            Self::Revoked => "a change is signed by an app that was revoked",
            Self::AlreadyMember => "the account is a member already",
            Self::NotMember => "the account is not a member",
            Self::Invite => "the invitation is not open",
            Self::InviteOpen => "the invitation is open already",
            Self::LastAdmin => "a workspace needs an admin",
            Self::OwnRemoval => "who goes leaves, and does not make the next key",
            Self::Rotation => "a new key epoch that is not the next one, or not for exactly the members",
            Self::Kind => "it has no meaning in a workspace of this kind",
            Self::Full => "the charter is full",
            Self::Claim => "a claim of an invitation that does not verify",
        }
    }

    /// What a server answers.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Certificate | Self::Signature | Self::Claim => ErrorCode::BadSignature,
            Self::UnknownApp | Self::Revoked => ErrorCode::Forbidden,
            Self::Epoch => ErrorCode::EpochOld,
            Self::Role => ErrorCode::RoleTooLow,
            Self::AlreadyMember | Self::NotMember | Self::InviteOpen | Self::Rotation => {
                ErrorCode::CharterMoved
            }
            Self::Invite => ErrorCode::InviteGone,
            Self::LastAdmin => ErrorCode::LastAdmin,
            Self::Full => ErrorCode::TooLarge,
            Self::Founding | Self::WrongId | Self::Key | Self::Form | Self::OwnRemoval | Self::Kind => {
                ErrorCode::BadRequest
            }
        }
    }
}

impl fmt::Display for CharterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl std::error::Error for CharterError {}
