//! Packs: asking one connected app for them, taking them, and giving them to fresh apps.
//!
//! The server can read neither packs nor whether they are right; it checks who may write, sizes, that the
//! manifest is signed and on the ledger, and that nothing is missing from it. A fresh app checks the rest.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use minicbor::bytes::ByteVec;
use satchel_crypto::{derive_pack_id, verify_manifest};
use satchel_wire::limits::{PACK_BYTES_MAX, PACKS_FETCH_MAX, PACKS_MAX};
use satchel_wire::{ErrorCode, Manifest, PackId, Refusal, SignedManifest, WorkspaceId};

use super::{ConnectionId, Service, Session, refuse, require_sync};
use crate::store::{NewManifest, NewPack, PackVerdict, PastHeader, SnapshotEnd, SnapshotPart};

/// How long an app that was asked may take before another one is.
const ASK_MS: u64 = 10 * 60 * 1000;

/// Who was asked for packs of which workspace, and when.
#[derive(Debug, Default)]
pub(super) struct Asks(Mutex<HashMap<WorkspaceId, (ConnectionId, u64)>>);

impl Asks {
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<WorkspaceId, (ConnectionId, u64)>) -> T) -> T {
        // The map is valid after every statement, so a panic elsewhere does not spoil it.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_open(&self, workspace: WorkspaceId, now_ms: u64) -> bool {
        self.change(|asks| asks.get(&workspace).is_none_or(|(_, at)| now_ms.saturating_sub(*at) > ASK_MS))
    }

    /// Notes that this connection is asked; false if another was meanwhile.
    fn note(&self, workspace: WorkspaceId, connection: ConnectionId, now_ms: u64) -> bool {
        let is_open = self.is_open(workspace, now_ms);
        if is_open {
            self.change(|asks| asks.insert(workspace, (connection, now_ms)));
        }
        is_open
    }

    fn answered(&self, workspace: WorkspaceId) {
        self.change(|asks| asks.remove(&workspace));
    }

    /// Another connection may be asked in place of this one.
    pub(super) fn forget(&self, connection: ConnectionId) {
        self.change(|asks| asks.retain(|_, (asked, _)| *asked != connection));
    }
}

impl Service {
    /// Whether this connection is the one to be asked for packs of a workspace now.
    pub fn asks_for_packs(&self, session: &Session, workspace: WorkspaceId, now_ms: u64) -> bool {
        if !session.sync || !self.asks.is_open(workspace, now_ms) {
            return false;
        }
        // Only a wish: a store that cannot answer now is asked again later.
        let wanted = self.store.wants_packs(session.account, workspace, session.app).unwrap_or(false);
        wanted && self.asks.note(workspace, session.connection, now_ms)
    }

    /// Streams a workspace to an app that has nothing of it, as [`Service::subscribe`].
    ///
    /// # Errors
    /// The refusal of `Rejected`.
    pub fn bootstrap(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        have: &[PackId],
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, Refusal> {
        require_sync(session)?;
        if have.len() > PACKS_MAX {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("at most {PACKS_MAX} packs")));
        }
        self.store.read_bootstrap(session.account, workspace, have, sink).map_err(|error| refuse(&error))
    }

    /// Streams packs.
    ///
    /// # Errors
    /// `NotFound` if one is not there any more, `TooLarge` for too many, `Unavailable`, `Internal`.
    pub fn read_packs(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        packs: &[PackId],
        sink: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Result<(), Refusal> {
        require_sync(session)?;
        if packs.len() > PACKS_FETCH_MAX {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("at most {PACKS_FETCH_MAX} packs")));
        }
        self.store.read_packs(session.account, workspace, packs, sink).map_err(|error| refuse(&error))
    }

    /// Reads headers behind an entry, as many as one frame holds.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Internal`.
    pub fn read_headers(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        after: u64,
    ) -> Result<Vec<PastHeader>, Refusal> {
        require_sync(session)?;
        self.store.read_headers(session.account, workspace, after).map_err(|error| refuse(&error))
    }

    /// Keeps a pack; durable when it returns.
    ///
    /// # Errors
    /// `TooLarge`, `Forbidden`, `Quota`, `NotFound`, `Unavailable`, `Internal`.
    pub fn put_pack(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        bytes: ByteVec,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        require_sync(session)?;
        if bytes.len() > PACK_BYTES_MAX {
            let detail = format!("a pack of {} bytes, at most {PACK_BYTES_MAX}", bytes.len());
            return Err(Refusal::new(ErrorCode::TooLarge, detail));
        }
        let pack = PackId::new(derive_pack_id(&bytes));
        let (app, app_key) = (session.app, session.app_key);
        let new = NewPack { workspace, app, app_key, pack, bytes, now_ms };
        answer(self.store.put_pack(session.account, new).map_err(|error| refuse(&error))?)
    }

    /// Replaces the manifest of a workspace; durable when it returns.
    ///
    /// # Errors
    /// `BadRequest`, `BadSignature`, `Forbidden`, `CursorUnknown`, `NotFound`, `Unavailable`, `Internal`.
    pub fn put_manifest(&self, session: &Session, signed: SignedManifest) -> Result<(), Refusal> {
        require_sync(session)?;
        let manifest = Manifest::decode(&signed.manifest)
            .map_err(|error| Refusal::new(ErrorCode::BadRequest, error.to_string()))?;
        if manifest.author != session.account || manifest.app != session.app {
            return Err(Refusal::new(ErrorCode::Forbidden, "the manifest names another author"));
        }
        verify_manifest(session.app_key.as_bytes(), &signed.manifest, signed.signature.as_bytes())
            .map_err(|_| Refusal::new(ErrorCode::BadSignature, "the manifest's signature does not verify"))?;
        let workspace = manifest.workspace;
        let new = NewManifest { app_key: session.app_key, manifest, signed };
        let verdict = self.store.put_manifest(session.account, new).map_err(|error| refuse(&error))?;
        self.asks.answered(workspace);
        answer(verdict)
    }
}

fn answer(verdict: PackVerdict) -> Result<(), Refusal> {
    let (code, detail) = match verdict {
        PackVerdict::Taken | PackVerdict::Older => return Ok(()),
        PackVerdict::NotWriter => (ErrorCode::Forbidden, "the app is not in the workspace's charter"),
        PackVerdict::RoleTooLow => (ErrorCode::RoleTooLow, "the account may read this workspace only"),
        PackVerdict::EpochOld => (ErrorCode::EpochOld, "the workspace's key is another one by now"),
        PackVerdict::Full => (ErrorCode::Quota, "the room of the workspace's founder is used up"),
        PackVerdict::TooMany => (ErrorCode::Quota, "too many packs wait for their manifest"),
        PackVerdict::Missing => (ErrorCode::BadRequest, "a pack that the manifest names is not there"),
        PackVerdict::Wrong => (ErrorCode::CursorUnknown, "the manifest is not of this ledger"),
    };
    Err(Refusal::new(code, detail))
}
