//! Tests of the calls, as text: a script of calls on the left, what they answer on the right.
//!
//! Why it exists: a call's meaning is what a person sees of it. The profile here is the real engine
//! over a store in memory; only the device's own values are plain maps.

mod backups;
mod conflicts;
mod editing;
mod exports;
mod history;
mod hostile;
mod imports;
mod script;
mod sending;
mod trash;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::{CryptoRng, Error, RngCore};
use satchel_crypto::{AppCertificate, AppKey, IdentityKeys};
use satchel_model::{Body, Node, RecordId, Tree};
use satchel_sync::{BulkMark, Change, Engine, Identity, MemoryStore, SCRATCH};
use satchel_wire::{AccountId, AppId, Part, WorkspaceId};
use zeroize::Zeroizing;

use crate::api::{ApiError, Call, ErrorKind, Reply, Source, State};
use crate::ops::error::failure;
use crate::ops::perform;
use crate::ops::profile::{LocalValues, Owner, Profile};
use crate::store::{Entry, Lines, Shelf};

const ACCOUNT: [u8; 16] = [9; 16];

/// A generator that gives the same numbers in every run.
#[derive(Debug)]
struct Seeded(u64);

impl RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).expect("the upper half of 64 bits has 32")
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Seeded {}

/// A line and a content.
type Shelved = (Vec<u8>, Vec<u8>);

/// A profile in memory.
struct Desk {
    engine: Engine,
    store: MemoryStore,
    rng: Seeded,
    local: BTreeMap<(WorkspaceId, RecordId), LocalValues>,
    settings: BTreeMap<(WorkspaceId, String), String>,
    shelves: BTreeMap<(WorkspaceId, Shelf), Vec<Shelved>>,
    in_use: Option<WorkspaceId>,
    owner: Option<Owner>,
    files: BTreeMap<String, String>,
    edits: usize,
    broken: bool,
}

impl Desk {
    fn new(identity: Option<Identity>, seed: u64) -> Self {
        let store = MemoryStore::default();
        let owner = identity.as_ref().map(|identity| Owner {
            account: identity.account.to_string(),
            email: "ada@example.com".to_owned(),
        });
        Self {
            engine: Engine::open(identity, &store).expect("an empty store opens"),
            store,
            rng: Seeded(seed),
            local: BTreeMap::new(),
            settings: BTreeMap::new(),
            shelves: BTreeMap::new(),
            in_use: None,
            owner,
            files: BTreeMap::new(),
            edits: 0,
            broken: false,
        }
    }

    /// A profile without an account.
    fn scratch() -> Self {
        Self::new(None, 1)
    }

    /// A profile with an account and the workspace "Work".
    fn signed_in() -> Self {
        let keys = IdentityKeys::make(&mut Seeded(1));
        let app_key = AppKey::make(&mut Seeded(2));
        let certificate = AppCertificate::issue(&keys, ACCOUNT, [1; 16], app_key.public());
        let (account, app) = (AccountId::new(ACCOUNT), AppId::new([1; 16]));
        let mut desk = Self::new(Some(Identity { account, app, app_key, keys, certificate }), 3);
        desk.found_workspace("Work").expect("it has an account");
        desk
    }

    fn call(&mut self, call: &Call) -> Result<Reply, ApiError> {
        perform(self, None, call, &mut |_| ()).expect("it is a content call")
    }

    /// Keeps a file for `import NAME`.
    fn file(&mut self, name: &str, content: &str) {
        self.files.insert(name.to_owned(), content.to_owned());
    }

    fn source(&self, name: &str) -> Source {
        let content = self.files.get(name).unwrap_or_else(|| panic!("the test has no file {name}"));
        Source::Base64 { name: name.to_owned(), content: STANDARD.encode(content) }
    }

    /// The workspace that calls mean.
    fn workspace(&self) -> WorkspaceId {
        crate::ops::select::workspace(self, None).expect("there is always one")
    }

    /// The item with a name.
    fn id(&self, name: &str) -> RecordId {
        let nodes = self.engine.nodes(self.workspace()).expect("the workspace is here");
        let mut found = nodes.iter().filter(|(_, node)| node.name == name).map(|(id, _)| *id);
        found.next().unwrap_or_else(|| panic!("the test has no item {name}"))
    }

    /// The body of the item with a name, as it syncs.
    fn stored(&self, name: &str) -> Body {
        self.body(self.workspace(), self.id(name)).expect("it can be read").unwrap_or_default()
    }
}

fn broken<E: std::fmt::Display>(error: E) -> ApiError {
    failure(ErrorKind::Internal, "using the test's engine", error.to_string())
}

impl Profile for Desk {
    fn workspaces(&self) -> Vec<WorkspaceId> {
        self.engine.workspaces()
    }

    fn nodes(&self, workspace: WorkspaceId) -> Option<&BTreeMap<RecordId, Node>> {
        self.engine.nodes(workspace)
    }

    fn tree(&self, workspace: WorkspaceId) -> Arc<Tree> {
        let empty = || Arc::new(Tree::build(RecordId(*workspace.as_bytes()), []));
        self.engine.tree(workspace).unwrap_or_else(empty)
    }

    fn body(&self, workspace: WorkspaceId, record: RecordId) -> Result<Option<Body>, ApiError> {
        if workspace == SCRATCH && self.engine.nodes(SCRATCH).is_none() {
            return Ok(None);
        }
        self.engine.body(workspace, record, &self.store).map_err(broken)
    }

    fn edit(&mut self, workspace: WorkspaceId, changes: Vec<Change>) -> Result<(), ApiError> {
        if self.broken {
            return Err(failure(ErrorKind::LocalStore, "storing a change", "the disk is full"));
        }
        self.edits += 1;
        self.engine.edit(workspace, changes, &mut self.store).map_err(broken)
    }

    fn purge(
        &mut self,
        workspace: WorkspaceId,
        records: &[RecordId],
        mark: BulkMark,
    ) -> Result<(), ApiError> {
        self.engine.purge(workspace, records, mark, &mut self.store).map_err(broken)
    }

    fn found_workspace(&mut self, name: &str) -> Result<WorkspaceId, ApiError> {
        self.engine.found_workspace(name, &mut self.rng, &mut self.store).map_err(broken)
    }

    fn is_waiting(&self, workspace: WorkspaceId, record: RecordId) -> bool {
        self.engine.is_waiting(workspace, record)
    }

    fn conflicts(&self, workspace: WorkspaceId) -> Vec<(RecordId, Part, u32)> {
        self.engine.conflicts(workspace)
    }

    fn state(&self, _workspace: WorkspaceId) -> State {
        State::Offline
    }

    fn local_values(&self, workspace: WorkspaceId, record: RecordId) -> Result<LocalValues, ApiError> {
        Ok(self.local.get(&(workspace, record)).cloned().unwrap_or_default())
    }

    fn set_local_values(
        &mut self,
        workspace: WorkspaceId,
        record: RecordId,
        values: &LocalValues,
    ) -> Result<(), ApiError> {
        self.local.insert((workspace, record), values.clone());
        Ok(())
    }

    fn setting(&self, workspace: WorkspaceId, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.settings.get(&(workspace, name.to_owned())).cloned())
    }

    fn set_setting(
        &mut self,
        workspace: WorkspaceId,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), ApiError> {
        let key = (workspace, name.to_owned());
        match value {
            Some(value) => drop(self.settings.insert(key, value.to_owned())),
            None => drop(self.settings.remove(&key)),
        }
        Ok(())
    }

    fn shelve(
        &mut self,
        workspace: WorkspaceId,
        shelf: Shelf,
        (line, content): (&[u8], &[u8]),
    ) -> Result<u64, ApiError> {
        let entries = self.shelves.entry((workspace, shelf)).or_default();
        entries.push((line.to_vec(), content.to_vec()));
        Ok(entries.len() as u64)
    }

    fn shelf_lines(&self, workspace: WorkspaceId, shelf: Shelf) -> Result<Lines, ApiError> {
        let entries = self.shelves.get(&(workspace, shelf)).map(Vec::as_slice).unwrap_or_default();
        let lines = (1..).zip(entries).map(|(id, (line, _))| (id, Zeroizing::new(line.clone())));
        let mut lines: Vec<_> = lines.collect();
        lines.reverse();
        Ok(lines)
    }

    fn shelf_entry(&self, workspace: WorkspaceId, shelf: Shelf, id: u64) -> Result<Option<Entry>, ApiError> {
        let entries = self.shelves.get(&(workspace, shelf)).map(Vec::as_slice).unwrap_or_default();
        let at = usize::try_from(id).expect("a test keeps few").checked_sub(1);
        let found = at.and_then(|at| entries.get(at)).cloned();
        Ok(found.map(|(line, content)| (Zeroizing::new(line), Zeroizing::new(content))))
    }

    fn clear_shelf(&mut self, workspace: WorkspaceId, shelf: Shelf) -> Result<(), ApiError> {
        self.shelves.remove(&(workspace, shelf));
        Ok(())
    }

    fn workspace_in_use(&self) -> Result<Option<WorkspaceId>, ApiError> {
        Ok(self.in_use)
    }

    fn use_workspace(&mut self, workspace: WorkspaceId) -> Result<(), ApiError> {
        self.in_use = Some(workspace);
        Ok(())
    }

    fn rng(&mut self) -> &mut dyn RngCore {
        &mut self.rng
    }

    fn now_ms(&self) -> u64 {
        1
    }

    fn owner(&self) -> Option<Owner> {
        self.owner.clone()
    }
}
