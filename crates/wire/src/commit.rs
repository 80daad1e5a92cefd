//! The commit: a signed, atomic batch of changes to one workspace.
//!
//! Stored and signed form: one version byte, then the CBOR array of [`CommitHeader`]. The signature
//! is over `"satchel commit 1" | bytes`. [`SignedHeader`] keeps the bytes as they came.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::error::WireError;
use crate::frame::Head;
use crate::limits::{COMMIT_EXPECTS_MAX, COMMIT_OPS_MAX, HEADER_BYTES_MAX, RETURNED_TRAIL_MAX};
use crate::{
    AccountId, AppId, CharterOp, CommitId, Incarnation, Part, RecordId, Revision, Signature, WorkspaceId,
};

/// The version byte in front of a header.
pub(crate) const HEADER_VERSION: u8 = 1;

/// One change to one record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Op {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// Which part of it.
    #[n(1)]
    pub part: Part,
    /// The revision this change was based on, none for a new record.
    #[n(2)]
    pub parent: Option<Revision>,
    /// The new envelope's body hash, or none for a purge.
    #[n(3)]
    pub put: Option<Revision>,
}

/// One entry of the read set: the commit is stale unless the record is at this revision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Expect {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// Which part of it.
    #[n(1)]
    pub part: Part,
    /// The revision, or none where the record must not exist.
    #[n(2)]
    pub revision: Option<Revision>,
}

/// What a commit brings back from an earlier life of the server, whose backup lacks it.
///
/// It tells the account's other apps which of two states of that life is the later one, so that apps
/// which bring back the same record are no conflict. The server reads nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Returned {
    /// The life.
    #[n(0)]
    pub incarnation: Incarnation,
    /// For each operation of the commit, in their order, what it has of that life.
    #[n(1)]
    pub ops: Vec<ReturnedOp>,
    /// Positions of that life's ledger that the author had passed, in order and up to its last one, or to where its
    /// commits under way end behind that, by which other apps know how far they have seen the same one; at most
    /// [`RETURNED_TRAIL_MAX`].
    #[n(2)]
    pub trail: Vec<Passed>,
}

/// A position of an earlier life's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Passed {
    /// The position.
    #[n(0)]
    pub seq: u64,
    /// The first eight bytes of the chain there, little-endian.
    #[n(1)]
    pub chain: u64,
}

/// What one operation has of an earlier life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ReturnedOp {
    /// Every state of the record part that an entry up to this one made is known to the author and
    /// contained in the operation; 0 where nothing is claimed.
    #[n(0)]
    pub seq: u64,
    /// It is the state of that entry and nothing more.
    #[n(1)]
    pub exact: bool,
}

/// What a commit does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Content {
    /// Sealed changes to records.
    #[n(0)]
    Ops {
        /// The changes, at most [`COMMIT_OPS_MAX`], each record part once.
        #[n(0)]
        ops: Vec<Op>,
        /// The read set, at most [`COMMIT_EXPECTS_MAX`].
        #[n(1)]
        expects: Vec<Expect>,
        /// The user asked for a bulk purge.
        #[n(2)]
        bulk: bool,
        /// Present where the author brings back what a restored server has lost.
        #[n(3)]
        returned: Option<Returned>,
    },
    /// One entry of the charter: signed, not sealed.
    #[n(1)]
    Charter(#[n(0)] CharterOp),
}

/// What an app signs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommitHeader {
    /// The workspace.
    #[n(0)]
    pub workspace: WorkspaceId,
    /// This commit.
    #[n(1)]
    pub commit: CommitId,
    /// The key epoch that the envelopes are sealed under.
    #[n(2)]
    pub epoch: u32,
    /// The account of the author.
    #[n(3)]
    pub author: AccountId,
    /// The app that signed.
    #[n(4)]
    pub app: AppId,
    /// The newest entry that the author had applied.
    #[n(5)]
    pub seen: Head,
    /// What it does.
    #[n(6)]
    pub content: Content,
}

impl CommitHeader {
    /// The signed bytes: the version byte and the one canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![HEADER_VERSION];
        minicbor::encode(self, &mut out).expect("writing to a vector does not fail");
        out
    }

    /// Reads signed bytes.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are too long, of another version, not CBOR, not canonical, or if a
    /// list is over its limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(WireError::TooLong {
                what: "commit header",
                bytes: bytes.len(),
                max: HEADER_BYTES_MAX,
            });
        }
        let (&version, cbor) = bytes.split_first().ok_or(WireError::Empty { what: "commit header" })?;
        if version != HEADER_VERSION {
            return Err(WireError::Version { what: "commit header", version });
        }
        let header: Self = minicbor::decode(cbor)
            .map_err(|source| WireError::Malformed { what: "commit header", source })?;
        if let Content::Ops { ops, expects, returned, .. } = &header.content {
            check_count("operations of a commit", ops.len(), COMMIT_OPS_MAX)?;
            check_count("expectations of a commit", expects.len(), COMMIT_EXPECTS_MAX)?;
            if let Some(returned) = returned {
                check_count("positions of an earlier life", returned.trail.len(), RETURNED_TRAIL_MAX)?;
                if returned.ops.len() != ops.len() {
                    return Err(WireError::Invalid { what: "what a commit brings back" });
                }
            }
        }
        if let Content::Charter(op) = &header.content {
            op.check()?;
        }
        if header.encode() != bytes {
            return Err(WireError::NotCanonical { what: "commit header" });
        }
        Ok(header)
    }
}

fn check_count(what: &'static str, count: usize, max: usize) -> Result<(), WireError> {
    if count > max { Err(WireError::TooMany { what, count, max }) } else { Ok(()) }
}

/// A header's bytes as they were signed, with the signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedHeader {
    /// The bytes of [`CommitHeader::encode`].
    #[n(0)]
    pub header: ByteVec,
    /// The app's signature over `"satchel commit 1" | header`.
    #[n(1)]
    pub signature: Signature,
}
