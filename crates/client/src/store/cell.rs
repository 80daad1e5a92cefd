//! Cells: small sealed values by name, for what the engine never sees (settings, local values, the session).

use rusqlite::{OptionalExtension, params};
use satchel_wire::{RecordId, WorkspaceId};
use zeroize::Zeroizing;

use super::{Database, StoreError};

const NOWHERE: [u8; 16] = [0; 16];

/// The place of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    kind: &'static str,
    workspace: [u8; 16],
    record: [u8; 16],
    name: String,
}

impl Cell {
    /// A value of the whole file: the session, the workspace in use.
    pub(crate) fn device(name: &str) -> Self {
        Self { kind: "device", workspace: NOWHERE, record: NOWHERE, name: name.into() }
    }

    /// A setting of this device about a workspace.
    pub(crate) fn setting(workspace: WorkspaceId, name: &str) -> Self {
        Self { kind: "setting", workspace: *workspace.as_bytes(), record: NOWHERE, name: name.into() }
    }

    /// What stays on this device of an item's variables.
    pub(crate) fn local(workspace: WorkspaceId, record: RecordId) -> Self {
        let (workspace, record) = (*workspace.as_bytes(), *record.as_bytes());
        Self { kind: "local", workspace, record, name: String::new() }
    }

    fn place(&self) -> Vec<u8> {
        let mut place = format!("cell\0{}\0", self.kind).into_bytes();
        place.extend_from_slice(&self.workspace);
        place.extend_from_slice(&self.record);
        place.extend_from_slice(self.name.as_bytes());
        place
    }
}

impl Database {
    /// A cell's value.
    pub(crate) fn cell(&self, cell: &Cell) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sql = "SELECT value FROM cell WHERE kind = ?1 AND workspace = ?2 AND record = ?3 AND name = ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![cell.kind, cell.workspace.as_slice(), cell.record.as_slice(), cell.name];
        let sealed: Option<Vec<u8>> = statement.query_row(values, |row| row.get(0)).optional()?;
        let Some(sealed) = sealed else { return Ok(None) };
        let plain =
            self.key.open(&cell.place(), &sealed).map_err(|_| StoreError::Sealed { table: "cell" })?;
        Ok(Some(plain))
    }

    /// A cell's value as text.
    pub(crate) fn text(&self, cell: &Cell) -> Result<Option<String>, StoreError> {
        let Some(bytes) = self.cell(cell)? else { return Ok(None) };
        let text = std::str::from_utf8(&bytes).map_err(|_| StoreError::Shape { table: "cell" })?;
        Ok(Some(text.to_owned()))
    }

    /// Sets a cell, or removes it; durable when it returns.
    pub(crate) fn set_cell(&self, cell: &Cell, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.put_cell(cell, value)?;
        self.sync()
    }

    /// Sets a cell, or removes it; durable with the next sync.
    pub(crate) fn put_cell(&self, cell: &Cell, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.log.before_write(&self.connection)?;
        self.write_cell(cell, value)?;
        self.log.after_write(value.map_or(0, <[u8]>::len));
        Ok(())
    }

    fn write_cell(&self, cell: &Cell, value: Option<&[u8]>) -> Result<(), StoreError> {
        let (workspace, record) = (cell.workspace.as_slice(), cell.record.as_slice());
        let Some(value) = value else {
            let sql = "DELETE FROM cell WHERE kind = ?1 AND workspace = ?2 AND record = ?3 AND name = ?4";
            self.connection.prepare_cached(sql)?.execute(params![cell.kind, workspace, record, cell.name])?;
            return Ok(());
        };
        let sealed = self.seal(&cell.place(), value);
        let sql = "INSERT OR REPLACE INTO cell VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection
            .prepare_cached(sql)?
            .execute(params![cell.kind, workspace, record, cell.name, sealed])?;
        Ok(())
    }
}
