//! The cryptography of Satchel: one suite, without negotiation (DESIGN section 8, `docs/protocol.md`).
//!
//! ```text
//! password ──OPAQUE──▶ ExportKey ──▶ AccountKey ◀── RecoveryCode
//!                                        │
//!                                        ▼ seals
//!                                  IdentityKeys ──certificate──▶ AppKey ──▶ signatures of commits
//!                                        │ unwraps
//!                                        ▼
//!                                    EpochKey ──▶ record key ──▶ envelope
//! LocalKey ──▶ what an app keeps on its disk
//! ```
//!
//! Invariants: a function that opens or verifies gives its result only for bytes in their one canonical
//! form, at the place they were made for. Every format begins with a version byte. Every signature and
//! hash begins with a label of its own, so that none can stand for another. No input panics. Key types are
//! wiped when dropped, and their `Debug` shows nothing.
//!
//! It knows nothing of time, storage, network or where randomness comes from (an argument everywhere),
//! nor of messages (`satchel_wire` has those) or of what is in a payload.

#![deny(missing_docs)]

mod account;
mod app;
mod compress;
mod envelope;
mod epoch;
mod error;
mod fingerprint;
mod identity;
mod invite;
mod ledger;
mod local;
mod opaque;
mod pack;
mod padding;
mod presence;
mod primitive;
mod recovery;
#[cfg(feature = "stub")]
mod stub;

pub use account::AccountKey;
pub use app::{AppCertificate, AppKey, verify_commit, verify_manifest, verify_open};
pub use envelope::{
    ENVELOPE_OVERHEAD, EnvelopeError, EnvelopePlace, OpenedEnvelope, PAYLOAD_BYTES_MAX, open_envelope,
    seal_envelope, sealed_epoch,
};
pub use epoch::{EpochKey, WrapContext};
pub use error::CryptoError;
pub use fingerprint::derive_fingerprint;
pub use identity::{IdentityKeys, IdentityPublic};
pub use invite::{
    InviteKey, InviteLink, InvitePlace, InviteSecret, NameKey, verify_identity_claim, verify_invite_claim,
};
pub use ledger::{
    StateDigest, derive_chain, derive_chain_of_link, derive_link, derive_revision, derive_token_hash,
    derive_workspace_id,
};
pub use local::LocalKey;
pub use opaque::{
    ClientLogin, ClientRegistration, ExportKey, OpaqueError, PasswordFile, ServerLogin, ServerSetup,
};
pub use pack::{Expanded, OpenedPack, PackPlace, derive_charter_hash, derive_pack_id, open_pack, seal_pack};
pub use presence::{PresencePlace, open_presence, presence_epoch, seal_presence};
pub use recovery::{RecoveryCode, RecoveryKey, verify_recovery};

/// Whether the primitives are the cheap stand-ins of the simulator, which protect nothing.
pub const IS_STUB: bool = cfg!(feature = "stub");
