//! The charter: the entries of a ledger that are signed but not sealed.
//!
//! They say who may read and write, by which app keys and under which epoch keys, so that every app
//! checks what the server claims. Their bytes are part of a [`crate::CommitHeader`].

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::error::WireError;
use crate::limits::{
    INVITE_NAME_KEY_BYTES_MAX, MEMBERS_MAX, NAME_BYTES_MAX, PREVIOUS_KEY_BYTES_MAX, WRAP_BYTES_MAX,
};
use crate::{AccountId, AppId, Bytes32, InviteId, WorkspaceId};

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads. In a roster: a guest.
    #[n(0)]
    Viewer,
    /// Also writes records and packs. In a roster: may found workspaces of the team.
    #[n(1)]
    Editor,
    /// Also says who is a member, and in which role.
    #[n(2)]
    Admin,
}

/// What a workspace is for. Part of its id, so that nobody can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum WorkspaceKind {
    /// Of one person.
    #[n(0)]
    Personal,
    /// The people of a team: a ledger whose members they are, and which holds the team's name alone.
    #[n(1)]
    Roster,
    /// A workspace of the team with this roster.
    #[n(2)]
    Team(#[n(0)] WorkspaceId),
}

/// An epoch key wrapped to one member by HPKE.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct KeyWrap {
    /// The member.
    #[n(0)]
    pub account: AccountId,
    /// The encapsulated key and the ciphertext.
    #[n(1)]
    pub wrap: ByteVec,
}

/// The first entry of a ledger.
///
/// The workspace's id is the first 16 bytes of SHA-256 over `"satchel founding 1" |`
/// [`Founding::identity_bytes`], so nobody can found another workspace under a known id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Founding {
    /// 16 random bytes, so that one owner can found many workspaces.
    #[n(0)]
    pub salt: ByteVec,
    /// The account that founds it and is its first admin.
    #[n(1)]
    pub owner: AccountId,
    /// The owner's identity signing key (Ed25519).
    #[n(2)]
    pub signing_key: Bytes32,
    /// The owner's identity encryption key (X25519).
    #[n(3)]
    pub sealing_key: Bytes32,
    /// The commitment to the key of epoch 1.
    #[n(4)]
    pub commitment: Bytes32,
    /// The key of epoch 1, wrapped to the owner. Not part of the identity bytes.
    #[n(5)]
    pub wraps: Vec<KeyWrap>,
    /// The certificate of the founding app. Not part of the identity bytes.
    #[n(6)]
    pub app: AddedApp,
    /// What the workspace is for.
    #[n(7)]
    pub kind: WorkspaceKind,
    /// The owner's name, sealed under the key of epoch 1, where others are to read it. Not part of the
    /// identity bytes.
    #[n(8)]
    pub sealed_name: Option<ByteVec>,
}

impl Founding {
    /// The bytes that the workspace's id is derived from: salt, owner, keys, commitment, and one byte
    /// for the kind, which the id of the roster follows where there is one.
    pub fn identity_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 16 + 96 + 1 + 16);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(self.owner.as_bytes());
        out.extend_from_slice(self.signing_key.as_bytes());
        out.extend_from_slice(self.sealing_key.as_bytes());
        out.extend_from_slice(self.commitment.as_bytes());
        match &self.kind {
            WorkspaceKind::Personal => out.push(0),
            WorkspaceKind::Roster => out.push(1),
            WorkspaceKind::Team(roster) => {
                out.push(2);
                out.extend_from_slice(roster.as_bytes());
            }
        }
        out
    }

    /// Checks the lengths that the type does not.
    ///
    /// # Errors
    /// [`WireError::Invalid`] for a salt that is not 16 bytes; [`WireError::TooLong`] and
    /// [`WireError::TooMany`] for what is over a limit.
    pub fn check(&self) -> Result<(), WireError> {
        if self.salt.len() != 16 {
            return Err(WireError::Invalid { what: "founding salt" });
        }
        check_wraps(&self.wraps)?;
        self.sealed_name.as_ref().map_or(Ok(()), |name| check_bytes("sealed name", name, NAME_BYTES_MAX))
    }
}

/// An app's certificate, as it stands in a charter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AddedApp {
    /// The certificate's bytes (see `satchel_crypto`), signed by the account's identity key.
    #[n(0)]
    pub certificate: ByteVec,
}

/// A new member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AddedMember {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Its identity signing key (Ed25519), which its apps' certificates are verified with.
    #[n(1)]
    pub signing_key: Bytes32,
    /// Its identity encryption key (X25519), which epoch keys are wrapped to.
    #[n(2)]
    pub sealing_key: Bytes32,
    /// The role; that of the invitation, where there is one.
    #[n(3)]
    pub role: Role,
    /// The key of the entry's epoch, wrapped to the member.
    #[n(4)]
    pub wrap: ByteVec,
    /// The open invitation that this uses up. Without one, the account is taken over from the roster.
    #[n(5)]
    pub invite: Option<InviteId>,
    /// The member's name, sealed under the key of the entry's epoch.
    #[n(6)]
    pub sealed_name: ByteVec,
}

/// A new generation of the workspace's key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Rotation {
    /// The new epoch: the one after the entry's.
    #[n(0)]
    pub epoch: u32,
    /// The commitment to its key.
    #[n(1)]
    pub commitment: Bytes32,
    /// The key wrapped to each member that remains, in the order of their accounts, and to nobody else.
    #[n(2)]
    pub wraps: Vec<KeyWrap>,
    /// The key of the epoch before, sealed under the new one, so that who has the newest key reads all.
    #[n(3)]
    pub sealed_previous: ByteVec,
}

/// An invitation: who has the secret of its link may ask to become a member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NewInvite {
    /// The invitation, derived from the secret.
    #[n(0)]
    pub invite: InviteId,
    /// The key (Ed25519) that the secret gives, which a [`crate::JoinProof`] is verified with.
    #[n(1)]
    pub key: Bytes32,
    /// The role of who joins by it.
    #[n(2)]
    pub role: Role,
    /// When it ends, in milliseconds since 1970. The server's clock decides; a charter has none.
    #[n(3)]
    pub expires_ms: u64,
    /// The key that the joiner's name is sealed under, itself sealed under the key of the entry's epoch,
    /// so that every admin's app can read the name and the server cannot.
    #[n(4)]
    pub sealed_name_key: ByteVec,
}

/// One entry of the charter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum CharterOp {
    /// The workspace begins.
    #[n(0)]
    Found(#[n(0)] Founding),
    /// A member's app may write from here on; signed by that app itself.
    #[n(1)]
    AddApp(#[n(0)] AddedApp),
    /// An account becomes a member; by an admin.
    #[n(2)]
    AddMember(#[n(0)] AddedMember),
    /// A member gets another role; by an admin.
    #[n(3)]
    SetRole {
        /// The member.
        #[n(0)]
        account: AccountId,
        /// The role from here on.
        #[n(1)]
        role: Role,
    },
    /// Accounts are members no more, and a new epoch begins; by an admin.
    #[n(4)]
    RemoveMembers {
        /// The members, in the order of their ids, each once.
        #[n(0)]
        accounts: Vec<AccountId>,
        /// The new epoch.
        #[n(1)]
        rotation: Rotation,
    },
    /// A new epoch begins; by an admin.
    #[n(5)]
    Rotate {
        /// The new epoch.
        #[n(0)]
        rotation: Rotation,
    },
    /// An app may not write any more, for good; by an app of the same account, or by an admin.
    #[n(6)]
    RevokeApp {
        /// The app.
        #[n(0)]
        app: AppId,
    },
    /// The author is a member no more. The next admin's app begins a new epoch.
    #[n(7)]
    Leave,
    /// An invitation opens; by an admin.
    #[n(8)]
    Invite(#[n(0)] NewInvite),
    /// An open invitation ends; by an admin.
    #[n(9)]
    RevokeInvite {
        /// The invitation.
        #[n(0)]
        invite: InviteId,
    },
    /// Says whether all members of the roster are to be added to this workspace of the team; by an admin.
    #[n(10)]
    SetAccess {
        /// Whether admins' apps add them, as editors.
        #[n(0)]
        open: bool,
    },
}

impl CharterOp {
    /// Checks the lengths and counts that the types do not.
    ///
    /// # Errors
    /// [`WireError`] for what is over its limit, and for lists out of their one order.
    pub fn check(&self) -> Result<(), WireError> {
        match self {
            Self::Found(founding) => founding.check(),
            Self::AddMember(member) => {
                check_bytes("wrap", &member.wrap, WRAP_BYTES_MAX)?;
                check_bytes("sealed name", &member.sealed_name, NAME_BYTES_MAX)
            }
            Self::RemoveMembers { accounts, rotation } => {
                check_order("removed members", accounts, |account| *account)?;
                rotation.check()
            }
            Self::Rotate { rotation } => rotation.check(),
            Self::Invite(invite) => {
                check_bytes("sealed key of names", &invite.sealed_name_key, INVITE_NAME_KEY_BYTES_MAX)
            }
            Self::AddApp(_)
            | Self::SetRole { .. }
            | Self::RevokeApp { .. }
            | Self::Leave
            | Self::RevokeInvite { .. }
            | Self::SetAccess { .. } => Ok(()),
        }
    }
}

impl Rotation {
    fn check(&self) -> Result<(), WireError> {
        check_order("wraps of an epoch", &self.wraps, |wrap| wrap.account)?;
        check_wraps(&self.wraps)?;
        check_bytes("sealed key of the epoch before", &self.sealed_previous, PREVIOUS_KEY_BYTES_MAX)
    }
}

fn check_wraps(wraps: &[KeyWrap]) -> Result<(), WireError> {
    check_count("wraps of an epoch", wraps.len())?;
    wraps.iter().try_for_each(|wrap| check_bytes("wrap", &wrap.wrap, WRAP_BYTES_MAX))
}

/// Each account once, in order: one set has one encoding.
fn check_order<T>(
    what: &'static str,
    list: &[T],
    account: impl Fn(&T) -> AccountId,
) -> Result<(), WireError> {
    check_count(what, list.len())?;
    let is_sorted = list.windows(2).all(|pair| account(&pair[0]) < account(&pair[1]));
    if is_sorted && !list.is_empty() { Ok(()) } else { Err(WireError::Invalid { what }) }
}

fn check_count(what: &'static str, count: usize) -> Result<(), WireError> {
    if count > MEMBERS_MAX { Err(WireError::TooMany { what, count, max: MEMBERS_MAX }) } else { Ok(()) }
}

fn check_bytes(what: &'static str, bytes: &[u8], max: usize) -> Result<(), WireError> {
    if bytes.len() > max { Err(WireError::TooLong { what, bytes: bytes.len(), max }) } else { Ok(()) }
}
