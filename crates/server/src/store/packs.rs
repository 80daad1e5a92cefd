//! Packs and manifests, as a store keeps them: opaque bytes under their hash, and one manifest a workspace.
//!
//! A pack without a manifest is loose: it waits for one that names it, and is dropped with the next
//! manifest or by upkeep. A manifest takes the place of an older one only when all its packs are there,
//! in one step, so that a reader always sees a whole set.

use minicbor::bytes::ByteVec;
use satchel_wire::{AppId, Bytes32, Manifest, PackId, SignedManifest, WorkspaceId};

/// A pack to be kept.
#[derive(Debug, Clone)]
pub struct NewPack {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The app that uploads it.
    pub app: AppId,
    /// Its key.
    pub app_key: Bytes32,
    /// The hash of its bytes.
    pub pack: PackId,
    /// Its bytes.
    pub bytes: ByteVec,
    /// Now.
    pub now_ms: u64,
}

/// A manifest whose signature was checked.
#[derive(Debug, Clone)]
pub struct NewManifest {
    /// The key of the app that signed it.
    pub app_key: Bytes32,
    /// The decoded manifest.
    pub manifest: Manifest,
    /// Its bytes.
    pub signed: SignedManifest,
}

/// What came of a pack or a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackVerdict {
    /// It is kept.
    Taken,
    /// The app is not in the workspace's charter.
    NotWriter,
    /// The account's role does not allow it.
    RoleTooLow,
    /// The manifest is of another key epoch than the present one.
    EpochOld,
    /// The room of the account that founded the workspace is used up.
    Full,
    /// As many loose packs wait as there may be.
    TooMany,
    /// A pack that the manifest names is not there, or is not of that size.
    Missing,
    /// A newer manifest is there already.
    Older,
    /// The manifest's point is not on the ledger, or its digest or counts are not the ledger's.
    Wrong,
}
