//! What content calls ask of the process that holds a profile.
//!
//! Why it exists: `ops` is pure logic over nodes, bodies and local values. This trait is the whole
//! surface between it and `Core`, so the logic is tested over a store in memory.
//!
//! Knows nothing of `SQLite`, keys, sockets or the clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rand_core::RngCore;
use satchel_model::{Body, ElementId, Node, RecordId, Tree, Value};
use satchel_sync::{BulkMark, Change};
use satchel_wire::{Part, WorkspaceId};

use crate::api::{ApiError, State};
use crate::store::{Entry, Lines, Shelf};

/// What stays on this device of one variable.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct LocalValue {
    /// The initial value of a secret that is not shared.
    pub(crate) initial: Option<Value>,
    /// The current value.
    pub(crate) current: Option<Value>,
}

impl fmt::Debug for LocalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalValue(redacted)")
    }
}

impl LocalValue {
    pub(crate) fn is_empty(&self) -> bool {
        self.initial.is_none() && self.current.is_none()
    }
}

/// What stays on this device of one item's variables.
pub(crate) type LocalValues = BTreeMap<ElementId, LocalValue>;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The account's id in hexadecimal.
    pub(crate) account: String,
    /// The e-mail.
    pub(crate) email: String,
}

/// One profile, as content calls see it.
pub(crate) trait Profile {
    /// The account's workspaces, without the Scratch Pad.
    fn workspaces(&self) -> Vec<WorkspaceId>;
    /// Every node of a workspace, the trashed ones too; none if there is no such workspace here.
    fn nodes(&self, workspace: WorkspaceId) -> Option<&BTreeMap<RecordId, Node>>;
    /// The tree of those nodes.
    fn tree(&self, workspace: WorkspaceId) -> Arc<Tree>;
    /// The body of an item, without the secrets that stay local.
    fn body(&self, workspace: WorkspaceId, record: RecordId) -> Result<Option<Body>, ApiError>;
    /// Makes edits: all of them durable when it returns, or none.
    fn edit(&mut self, workspace: WorkspaceId, changes: Vec<Change>) -> Result<(), ApiError>;
    /// Purges items for good, in this order; all of them durable as a wish when it returns, or none.
    fn purge(&mut self, workspace: WorkspaceId, records: &[RecordId], mark: BulkMark)
    -> Result<(), ApiError>;
    /// Founds a workspace of the account.
    fn found_workspace(&mut self, name: &str) -> Result<WorkspaceId, ApiError>;
    /// Whether an item has changes that the server has not acknowledged.
    fn is_waiting(&self, workspace: WorkspaceId, record: RecordId) -> bool;
    /// The parts that hold conflicts, with their number.
    fn conflicts(&self, workspace: WorkspaceId) -> Vec<(RecordId, Part, u32)>;
    /// The state of a workspace.
    fn state(&self, workspace: WorkspaceId) -> State;
    /// What stays on this device of an item's variables.
    fn local_values(&self, workspace: WorkspaceId, record: RecordId) -> Result<LocalValues, ApiError>;
    /// Replaces what stays on this device of an item's variables.
    fn set_local_values(
        &mut self,
        workspace: WorkspaceId,
        record: RecordId,
        values: &LocalValues,
    ) -> Result<(), ApiError>;
    /// A setting of this device about a workspace.
    fn setting(&self, workspace: WorkspaceId, name: &str) -> Result<Option<String>, ApiError>;
    /// Sets or removes a setting of this device about a workspace.
    fn set_setting(
        &mut self,
        workspace: WorkspaceId,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), ApiError>;
    /// Puts an entry, a line and a content, on a shelf of this device; gives its number.
    fn shelve(
        &mut self,
        workspace: WorkspaceId,
        shelf: Shelf,
        entry: (&[u8], &[u8]),
    ) -> Result<u64, ApiError>;
    /// The lines of a shelf by their numbers, the newest first.
    fn shelf_lines(&self, workspace: WorkspaceId, shelf: Shelf) -> Result<Lines, ApiError>;
    /// One entry of a shelf.
    fn shelf_entry(&self, workspace: WorkspaceId, shelf: Shelf, id: u64) -> Result<Option<Entry>, ApiError>;
    /// Takes everything off a shelf.
    fn clear_shelf(&mut self, workspace: WorkspaceId, shelf: Shelf) -> Result<(), ApiError>;
    /// The workspace that calls without one mean, if it was chosen.
    fn workspace_in_use(&self) -> Result<Option<WorkspaceId>, ApiError>;
    /// Chooses it.
    fn use_workspace(&mut self, workspace: WorkspaceId) -> Result<(), ApiError>;
    /// A generator of random ids.
    fn rng(&mut self) -> &mut dyn RngCore;
    /// The time, for people only.
    fn now_ms(&self) -> u64;
    /// Who is signed in.
    fn owner(&self) -> Option<Owner>;
}
