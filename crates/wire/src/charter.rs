//! The charter: the entries of a ledger that are signed but not sealed.
//!
//! They say who may read and write, by which app keys and under which epoch keys, so that every app
//! checks what the server claims. Their bytes are part of a [`crate::CommitHeader`].

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::error::WireError;
use crate::{AccountId, Bytes32};

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
}

impl Founding {
    /// The bytes that the workspace's id is derived from: salt, owner, keys and commitment.
    pub fn identity_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 16 + 96);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(self.owner.as_bytes());
        out.extend_from_slice(self.signing_key.as_bytes());
        out.extend_from_slice(self.sealing_key.as_bytes());
        out.extend_from_slice(self.commitment.as_bytes());
        out
    }

    /// Checks the lengths that the type does not.
    ///
    /// # Errors
    /// [`WireError::Invalid`] for a salt that is not 16 bytes.
    pub fn check(&self) -> Result<(), WireError> {
        if self.salt.len() == 16 { Ok(()) } else { Err(WireError::Invalid { what: "founding salt" }) }
    }
}

/// An app's certificate, as it stands in a charter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AddedApp {
    /// The certificate's bytes (see `satchel_crypto`), signed by the account's identity key.
    #[n(0)]
    pub certificate: ByteVec,
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
}
