//! Every byte between an app and the server: messages, limits, versions and error codes.
//!
//! Why it exists: both ends are built from the same types, so neither can drift from
//! `docs/protocol.md`. Everything is CBOR (RFC 8949) by `minicbor`, behind a version byte where the
//! bytes are signed or stored.
//!
//! Invariants: what was signed is kept as bytes and never encoded again; a decoder refuses bytes that
//! are longer than [`limits`] allow, trailing bytes, and (for signed bytes) any other encoding of
//! the same value.
//!
//! This crate knows no behaviour: no clock, no randomness, no keys, no sockets, no store.

#![deny(missing_docs)]

mod account;
mod charter;
mod commit;
mod error;
mod frame;
mod ids;
mod join;
pub mod limits;
mod pack;

pub use account::{
    AccountBundle, AppEntry, AppKind, AppLogin, AppLoginReply, BundleUpdate, DeleteAccount, DeletionReceipt,
    PasswordFinish, PasswordStart, PasswordStartReply, RecoverFinish, RecoverStart, RecoverStartReply,
    SignInFinish, SignInFinishReply, SignInStart, SignInStartReply, SignUpFinish, SignUpFinishReply,
    SignUpStart, SignUpStartReply,
};
pub use charter::{
    AddedApp, AddedMember, CharterOp, Founding, KeyWrap, NewInvite, Role, Rotation, WorkspaceKind,
};
pub use commit::{CommitHeader, Content, Expect, Op, Passed, Returned, ReturnedOp, SignedHeader};
pub use error::{ErrorCode, Refusal, WireError};
pub use frame::{
    ClientFrame, Head, Opened, PollOpen, PollReply, PollRequest, ServerFrame, StaleRecord, StoredEnvelope,
    StoredVersion, Welcome, WorkspaceEntry, decode, decode_limited, encode,
};
pub use ids::{
    AccountId, AppId, Bytes32, Chain, CommitId, Digest, GrantId, Id, Incarnation, InviteId, LoginId, Nonce,
    PackId, ParseIdError, Part, PollId, RecordId, Revision, Signature, Token, WorkspaceId,
};
pub use join::{JoinClaim, JoinProof, Presence, PresenceState};
pub use pack::{
    CharterEntry, Manifest, PackEntry, PackRef, PackedRecord, SignedManifest, decode_names, decode_pack,
    encode_pack, payload_bytes,
};

/// The protocol version that this build speaks.
///
/// A server answers another version with [`ErrorCode::UnsupportedVersion`] and its own range.
pub const PROTOCOL_VERSION: u16 = 1;

/// The media type of every request and answer body.
pub const MEDIA_TYPE: &str = "application/cbor";
