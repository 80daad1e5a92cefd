//! The profile as content calls see it: engine and store behind the trait of `ops`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_core::RngCore;
use satchel_model::format::payload;
use satchel_model::{Body, ElementId, Map, Node, RecordId, Tree, Value};
use satchel_sync::{BulkMark, Change, SCRATCH};
use satchel_wire::{Part, WorkspaceId};
use tokio::time::Instant;

use super::{Core, now_ms};
use crate::api::{ApiError, ErrorKind, State};
use crate::ops::profile::{LocalValue, LocalValues, Owner, Profile};
use crate::problem::{engine, problem, stored};
use crate::store::{Cell, Database, Entry, Lines, Shelf};

/// The Scratch Pad before anything is in it.
static EMPTY: BTreeMap<RecordId, Node> = BTreeMap::new();

impl Core {
    /// The store that device-wide choices belong to: the account's while one is signed in.
    fn current(&self) -> &Database {
        self.store.account.as_ref().unwrap_or(&self.store.scratch)
    }
}

impl Profile for Core {
    fn workspaces(&self) -> Vec<WorkspaceId> {
        let is_roster = |id: &WorkspaceId| self.engine.kind(*id) == Some(satchel_wire::WorkspaceKind::Roster);
        self.engine.workspaces().into_iter().filter(|id| !is_roster(id)).collect()
    }

    fn nodes(&self, workspace: WorkspaceId) -> Option<&BTreeMap<RecordId, Node>> {
        let nodes = self.engine.nodes(workspace);
        if workspace == SCRATCH { nodes.or(Some(&EMPTY)) } else { nodes }
    }

    fn tree(&self, workspace: WorkspaceId) -> Arc<Tree> {
        let empty = || Arc::new(Tree::build(RecordId(*workspace.as_bytes()), []));
        self.engine.tree(workspace).unwrap_or_else(empty)
    }

    fn body(&self, workspace: WorkspaceId, record: RecordId) -> Result<Option<Body>, ApiError> {
        if workspace == SCRATCH && self.engine.nodes(SCRATCH).is_none() {
            return Ok(None);
        }
        self.engine.body(workspace, record, &self.store).map_err(|e| engine("reading an item", &e))
    }

    fn edit(&mut self, workspace: WorkspaceId, changes: Vec<Change>) -> Result<(), ApiError> {
        let records: Vec<_> = changes.iter().map(|change| change.record).collect();
        self.disk.must_sync = true;
        self.disk.edited_at = Some(Instant::now());
        self.pace.note_edit(&self.engine, &records);
        self.engine.edit(workspace, changes, &mut self.store).map_err(|e| engine("storing a change", &e))?;
        self.news.note_edit(workspace, &records);
        self.touched.extend(records.into_iter().map(|record| (workspace, record)));
        Ok(())
    }

    fn purge(
        &mut self,
        workspace: WorkspaceId,
        records: &[RecordId],
        mark: BulkMark,
    ) -> Result<(), ApiError> {
        self.disk.must_sync = true;
        let purged = self.engine.purge(workspace, records, mark, &mut self.store);
        purged.map_err(|e| engine("emptying the trash", &e))?;
        self.news.note_edit(workspace, records);
        self.touched.extend(records.iter().map(|record| (workspace, *record)));
        Ok(())
    }

    fn found_workspace(&mut self, name: &str) -> Result<WorkspaceId, ApiError> {
        self.found(satchel_wire::WorkspaceKind::Personal, name)
    }

    fn is_waiting(&self, workspace: WorkspaceId, record: RecordId) -> bool {
        workspace != SCRATCH && self.engine.is_waiting(workspace, record)
    }

    fn conflicts(&self, workspace: WorkspaceId) -> Vec<(RecordId, Part, u32)> {
        self.engine.conflicts(workspace)
    }

    fn state(&self, workspace: WorkspaceId) -> State {
        self.sources().state(workspace)
    }

    fn local_values(&self, workspace: WorkspaceId, record: RecordId) -> Result<LocalValues, ApiError> {
        let tried = "reading the values of this device";
        let cell = Cell::local(workspace, satchel_wire::RecordId::new(record.0));
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        let Some(bytes) = file.cell(&cell).map_err(|e| stored(tried, &e))? else {
            return Ok(LocalValues::new());
        };
        decode_values(&bytes).ok_or_else(|| problem(ErrorKind::Damaged, tried, "they cannot be read"))
    }

    fn set_local_values(
        &mut self,
        workspace: WorkspaceId,
        record: RecordId,
        values: &LocalValues,
    ) -> Result<(), ApiError> {
        let tried = "storing the values of this device";
        let cell = Cell::local(workspace, satchel_wire::RecordId::new(record.0));
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        let bytes = (!values.is_empty()).then(|| encode_values(values));
        file.put_cell(&cell, bytes.as_deref()).map_err(|e| stored(tried, &e))?;
        self.disk.must_sync = true;
        self.news.note(workspace, [record]);
        self.note_change();
        Ok(())
    }

    fn setting(&self, workspace: WorkspaceId, name: &str) -> Result<Option<String>, ApiError> {
        let tried = "reading a setting";
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        file.text(&Cell::setting(workspace, name)).map_err(|e| stored(tried, &e))
    }

    fn set_setting(
        &mut self,
        workspace: WorkspaceId,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), ApiError> {
        let tried = "storing a setting";
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        file.put_cell(&Cell::setting(workspace, name), value.map(str::as_bytes))
            .map_err(|e| stored(tried, &e))?;
        self.disk.must_sync = true;
        self.note_change();
        Ok(())
    }

    fn shelve(
        &mut self,
        workspace: WorkspaceId,
        shelf: Shelf,
        entry: (&[u8], &[u8]),
    ) -> Result<u64, ApiError> {
        let tried = "keeping what was sent";
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        let id = file.shelve(shelf, workspace, entry).map_err(|e| stored(tried, &e))?;
        self.disk.must_sync = true;
        Ok(id)
    }

    fn shelf_lines(&self, workspace: WorkspaceId, shelf: Shelf) -> Result<Lines, ApiError> {
        let tried = "reading what was sent";
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        file.shelf_lines(shelf, workspace).map_err(|e| stored(tried, &e))
    }

    fn shelf_entry(&self, workspace: WorkspaceId, shelf: Shelf, id: u64) -> Result<Option<Entry>, ApiError> {
        let tried = "reading what was sent";
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        file.shelf_entry(shelf, workspace, id).map_err(|e| stored(tried, &e))
    }

    fn clear_shelf(&mut self, workspace: WorkspaceId, shelf: Shelf) -> Result<(), ApiError> {
        let tried = "forgetting what was sent";
        let file = self.store.of(workspace).map_err(|e| stored(tried, &e))?;
        file.clear_shelf(shelf, workspace).map_err(|e| stored(tried, &e))?;
        self.disk.must_sync = true;
        Ok(())
    }

    fn workspace_in_use(&self) -> Result<Option<WorkspaceId>, ApiError> {
        let text = self.current().text(&Cell::device("in use"));
        let text = text.map_err(|e| stored("reading which workspace is in use", &e))?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    fn use_workspace(&mut self, workspace: WorkspaceId) -> Result<(), ApiError> {
        let text = workspace.to_string();
        self.current()
            .put_cell(&Cell::device("in use"), Some(text.as_bytes()))
            .map_err(|e| stored("storing which workspace is in use", &e))?;
        self.disk.must_sync = true;
        self.note_change();
        Ok(())
    }

    fn rng(&mut self) -> &mut dyn RngCore {
        &mut self.rng
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    fn owner(&self) -> Option<Owner> {
        let credential = self.credential.as_ref()?;
        Some(Owner { account: credential.account.to_string(), email: credential.email.clone() })
    }
}

/// The values as a stored body: a field for each element, named by its id.
fn encode_values(values: &LocalValues) -> Vec<u8> {
    let fields = values.iter().map(|(id, value)| {
        let parts = [("initial", &value.initial), ("current", &value.current)];
        let parts = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part.clone()?)));
        (id.to_string(), Value::Object(parts.collect()))
    });
    payload::encode_body(&Body { fields: fields.collect(), conflicts: BTreeMap::new() })
}

fn decode_values(bytes: &[u8]) -> Option<LocalValues> {
    let body = payload::decode_body(bytes).ok()?;
    let value = |fields: &Map| LocalValue {
        initial: fields.get("initial").cloned(),
        current: fields.get("current").cloned(),
    };
    let entries = body.fields.iter();
    entries.map(|(id, fields)| Some((id.parse::<ElementId>().ok()?, value(fields.as_object()?)))).collect()
}
