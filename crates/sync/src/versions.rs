//! History: versions that the server sent, each verified by itself before anything of it is shown.
//!
//! A version is believed only as far as its header goes: canonical, signed by an app of the charter,
//! naming this record with this envelope. Then it says who made it and with which app. *When* is the
//! server's word alone (`docs/decisions/0012-history-and-its-clock.md`), and so is which versions there
//! are: a server can withhold old ones, but it cannot make one up or change one.

use std::sync::Arc;

use satchel_crypto::{derive_revision, open_envelope};
use satchel_model::{Body, Node};
use satchel_wire::{
    AccountId, AppId, CommitHeader, Content, Op, Revision, StoredVersion, WireError, WorkspaceId,
};

use crate::engine::Engine;
use crate::replica::{Link, Opened, Replica, place};
use crate::store::{Alarm, Key};
use crate::{EngineError, SCRATCH};

/// One version of one part of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The entry that made it.
    pub seq: u64,
    /// When the server took it, by the server's word. For people only.
    pub received_ms: u64,
    /// What it is, or why it cannot be believed.
    pub content: Result<VerifiedVersion, VersionAlarm>,
}

/// A version that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedVersion {
    /// The account of the author.
    pub author: AccountId,
    /// The app that made and signed it.
    pub app: AppId,
    /// The part did not exist before.
    pub is_new: bool,
    /// What the record was then.
    pub state: VersionState,
}

/// What a part of a record was at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionState {
    /// A node.
    Node(Box<Node>),
    /// A body.
    Body(Box<Body>),
    /// Nothing: it was purged.
    Purged,
}

/// A version that does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionAlarm {
    /// What is wrong.
    pub alarm: Alarm,
    /// For a person.
    pub detail: String,
}

impl Engine {
    /// Whether the feed of a workspace has come to its head on the present connection, so that every app
    /// that may have written a version is known.
    pub fn is_live(&self, workspace: WorkspaceId) -> bool {
        self.replicas.get(&workspace).is_some_and(|replica| matches!(replica.link, Link::Live))
    }

    /// Verifies and opens versions of one part of a record.
    pub fn read_versions<E>(
        &self,
        workspace: WorkspaceId,
        key: Key,
        stored: &[StoredVersion],
    ) -> Result<Vec<Version>, EngineError<E>> {
        let replica = self.replicas.get(&workspace).filter(|_| workspace != SCRATCH);
        let replica = replica.ok_or(EngineError::UnknownWorkspace(workspace))?;
        let read = |stored: &StoredVersion| Version {
            seq: stored.seq,
            received_ms: stored.received_ms,
            content: replica.read_version(key, stored),
        };
        Ok(stored.iter().map(read).collect())
    }
}

impl Replica {
    fn read_version(&self, key: Key, stored: &StoredVersion) -> Result<VerifiedVersion, VersionAlarm> {
        let header = CommitHeader::decode(&stored.header.header).map_err(|error| unreadable(&error))?;
        if header.workspace != self.workspace {
            return Err(forged("its header belongs to another workspace"));
        }
        let past = self.charter.check_past(stored.seq, &header, &stored.header);
        past.map_err(|error| forged(error.detail()))?;
        let op = op_on(&header, key).ok_or_else(|| forged("its header does not name this record"))?;
        let state = match (&op.put, &stored.envelope) {
            (None, None) => VersionState::Purged,
            (Some(put), Some(envelope)) => self.open_version(key, op, *put, envelope)?,
            (None, Some(_)) => return Err(forged("an envelope came for a purge")),
            (Some(_), None) => return Err(damaged("its envelope is missing")),
        };
        let (author, app, is_new) = (header.author, header.app, op.parent.is_none());
        Ok(VerifiedVersion { author, app, is_new, state })
    }

    fn open_version(
        &self,
        key: Key,
        op: &Op,
        put: Revision,
        envelope: &[u8],
    ) -> Result<VersionState, VersionAlarm> {
        let place = place(self.workspace, key);
        if Revision::new(derive_revision(&place, envelope)) != put {
            return Err(damaged("its envelope is not the one that was signed"));
        }
        let keys = self.keys.as_ref().ok_or_else(|| damaged("the workspace's key is not there"))?;
        let epoch_key = keys.of_sealed(envelope);
        let epoch_key = epoch_key.ok_or_else(|| damaged("the key of its epoch is not there"))?;
        let opened =
            open_envelope(epoch_key, &place, envelope).map_err(|error| damaged(error.to_string()))?;
        if opened.parent.map(Revision::new) != op.parent {
            return Err(forged("its envelope was sealed over another version than its header says"));
        }
        match Opened::decode(key.part, &opened.payload).map_err(damaged)? {
            Opened::Node(node) => Ok(VersionState::Node(Box::new(node))),
            Opened::Body(body) => Ok(VersionState::Body(Box::new(Arc::unwrap_or_clone(body)))),
        }
    }
}

fn op_on(header: &CommitHeader, key: Key) -> Option<&Op> {
    match &header.content {
        Content::Ops { ops, .. } => ops.iter().find(|op| op.record == key.record && op.part == key.part),
        Content::Charter(_) => None,
    }
}

fn unreadable(error: &WireError) -> VersionAlarm {
    forged(format!("its header cannot be read: {error}"))
}

fn forged(detail: impl Into<String>) -> VersionAlarm {
    VersionAlarm { alarm: Alarm::Forged, detail: detail.into() }
}

fn damaged(detail: impl Into<String>) -> VersionAlarm {
    VersionAlarm { alarm: Alarm::Damaged, detail: detail.into() }
}
