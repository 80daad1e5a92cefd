//! What a person who has an invitation says, and what an app says of where it is.
//!
//! Signed form of a claim: one version byte, then the CBOR array of [`JoinClaim`]. Two keys sign it, each
//! under a label of its own: that of the invitation, which shows that the person has the link, and the
//! account's identity key, which shows that the keys are the person's. [`JoinProof`] keeps the bytes as they
//! came.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::error::WireError;
use crate::limits::{JOIN_BYTES_MAX, NAME_BYTES_MAX, PRESENCE_PLAIN_BYTES_MAX};
use crate::{AccountId, Bytes32, InviteId, RecordId, Signature, WorkspaceId};

const CLAIM_VERSION: u8 = 1;
const CLAIM: &str = "claim of an invitation";

/// An account that wants to become a member by an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JoinClaim {
    /// The workspace.
    #[n(0)]
    pub workspace: WorkspaceId,
    /// The invitation.
    #[n(1)]
    pub invite: InviteId,
    /// The account.
    #[n(2)]
    pub account: AccountId,
    /// Its identity signing key (Ed25519).
    #[n(3)]
    pub signing_key: Bytes32,
    /// Its identity encryption key (X25519).
    #[n(4)]
    pub sealing_key: Bytes32,
    /// The person's name, sealed under the invitation's key of names.
    #[n(5)]
    pub sealed_name: ByteVec,
}

impl JoinClaim {
    /// The signed bytes: the version byte and the one canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![CLAIM_VERSION];
        minicbor::encode(self, &mut out).expect("writing to a vector does not fail");
        out
    }

    /// Reads signed bytes.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are too long, of another version, not CBOR, or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > JOIN_BYTES_MAX {
            return Err(WireError::TooLong { what: CLAIM, bytes: bytes.len(), max: JOIN_BYTES_MAX });
        }
        let (&version, cbor) = bytes.split_first().ok_or(WireError::Empty { what: CLAIM })?;
        if version != CLAIM_VERSION {
            return Err(WireError::Version { what: CLAIM, version });
        }
        let claim: Self =
            minicbor::decode(cbor).map_err(|source| WireError::Malformed { what: CLAIM, source })?;
        let name = claim.sealed_name.len();
        if name > NAME_BYTES_MAX {
            return Err(WireError::TooLong { what: "sealed name", bytes: name, max: NAME_BYTES_MAX });
        }
        if claim.encode() == bytes { Ok(claim) } else { Err(WireError::NotCanonical { what: CLAIM }) }
    }
}

/// A claim's bytes as they were signed, with both signatures.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JoinProof {
    /// The bytes of [`JoinClaim::encode`].
    #[n(0)]
    pub claim: ByteVec,
    /// The signature by the invitation's key.
    #[n(1)]
    pub invite_signature: Signature,
    /// The signature by the account's identity key.
    #[n(2)]
    pub identity_signature: Signature,
}

/// What an app says of itself to the other members while it is connected; sent sealed, kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Presence {
    /// The item that is open, if any.
    #[n(0)]
    pub item: Option<RecordId>,
    /// What the person does there.
    #[n(1)]
    pub state: PresenceState,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PresenceState {
    /// Looks at it.
    #[n(0)]
    Viewing,
    /// Has changes in it that are not saved.
    #[n(1)]
    Editing,
    /// Has the app open and does nothing.
    #[n(2)]
    Idle,
}

impl Presence {
    /// The bytes that are sealed.
    pub fn encode(&self) -> Vec<u8> {
        crate::encode(self)
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are too long, not CBOR, or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        const WHAT: &str = "presence";
        let presence: Self = crate::decode_limited(WHAT, bytes, PRESENCE_PLAIN_BYTES_MAX)?;
        if presence.encode() == bytes { Ok(presence) } else { Err(WireError::NotCanonical { what: WHAT }) }
    }
}
