//! Reading beside the writer: a small pool of connections, snapshots and single envelopes.
//!
//! A snapshot is one read transaction on a connection of its own, so that a slow receiver keeps no
//! short read waiting. How many may run at once is bounded; who comes later waits.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use satchel_wire::limits::{PAGE_BYTES, PAGE_ENVELOPES};
use satchel_wire::{AccountId, Part, RecordId, Signature, SignedHeader, StoredEnvelope, WorkspaceId};

use super::failure::{damaged, int, uint};
use super::ledger::{self, Ledger};
use super::{packs, schema};
use crate::store::runs::{Kept, Runs};
use crate::store::{SnapshotEnd, SnapshotPart, SnapshotRequest, StoreError};

/// Short reads at once.
const SHORT_MAX: usize = 4;
/// Snapshots at once.
const SNAPSHOTS_MAX: usize = 16;

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    short: usize,
    snapshots: usize,
}

/// The connections that read.
pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Idle>,
    freed: Condvar,
}

/// A connection on loan; goes back when dropped.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
    snapshot: bool,
}

impl Readers {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, idle: Mutex::default(), freed: Condvar::new() }
    }

    /// Runs a short read.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lease = self.lease(false)?;
        read(lease.connection())
    }

    /// Streams a snapshot.
    pub(super) fn snapshot(
        &self,
        account: AccountId,
        request: &SnapshotRequest,
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        self.long_read(|connection| snapshot(connection, account, request, sink))
    }

    /// Runs a read that lasts as long as its receiver takes.
    pub(super) fn long_read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lease = self.lease(true)?;
        let connection = lease.connection();
        // Dropping it rolls back, which is the end of a read.
        let _transaction = connection.unchecked_transaction()?;
        read(connection)
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self, snapshot: bool) -> Result<Lease<'_>, StoreError> {
        let mut idle = self.lock();
        let is_full = |idle: &Idle| {
            if snapshot { idle.snapshots >= SNAPSHOTS_MAX } else { idle.short >= SHORT_MAX }
        };
        while is_full(&idle) {
            idle = self.freed.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
        *(if snapshot { &mut idle.snapshots } else { &mut idle.short }) += 1;
        let connection = idle.connections.pop();
        drop(idle);
        let mut lease = Lease { readers: self, connection, snapshot };
        if lease.connection.is_none() {
            lease.connection = Some(schema::open_reader(&self.file)?);
        }
        Ok(lease)
    }
}

impl Lease<'_> {
    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("a lease has its connection until it is dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut idle = self.readers.lock();
        *(if self.snapshot { &mut idle.snapshots } else { &mut idle.short }) -= 1;
        if let Some(connection) = self.connection.take()
            && idle.connections.len() < SHORT_MAX
        {
            idle.connections.push(connection);
        }
        drop(idle);
        self.readers.freed.notify_all();
    }
}

/// The ledger of a workspace that the account may read.
pub(super) fn readable(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
) -> Result<Ledger, StoreError> {
    let found = ledger::find(connection, account, workspace)?;
    found.filter(|ledger| ledger.role.is_some()).ok_or(StoreError::NotFound)
}

pub(super) fn snapshot(
    connection: &Connection,
    account: AccountId,
    request: &SnapshotRequest,
    sink: &mut dyn FnMut(SnapshotPart) -> bool,
) -> Result<SnapshotEnd, StoreError> {
    let ledger = readable(connection, account, request.workspace)?;
    if !ledger::is_on_chain(connection, &ledger, request.cursor)? {
        return Err(StoreError::CursorUnknown);
    }
    if request.cursor.seq > 0 && request.cursor.seq < ledger.pruned {
        return Err(StoreError::CursorTooOld);
    }
    if request.cursor.seq < ledger.head.seq && send_headers(connection, &ledger, request, sink)? {
        send_pages(connection, &ledger, request, sink)?;
    }
    Ok(SnapshotEnd { head: ledger.head, digest: ledger.digest })
}

fn send_headers(
    connection: &Connection,
    ledger: &Ledger,
    request: &SnapshotRequest,
    sink: &mut dyn FnMut(SnapshotPart) -> bool,
) -> Result<bool, StoreError> {
    let cursor = request.cursor.seq;
    if cursor < ledger.pruned
        && let Some((_, signed)) = packs::newest(connection, ledger.id)?
        && !sink(SnapshotPart::Checkpoint(signed))
    {
        return Ok(false);
    }
    let sql = "SELECT header, signature FROM entries WHERE ws = ?1 AND seq > ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![ledger.id, int(cursor)])?;
    let mut runs = Runs::new(cursor, sink);
    while let Some(row) = rows.next()? {
        if !runs.push(read_kept(row)?) {
            return Ok(false);
        }
    }
    Ok(runs.flush())
}

fn read_kept(row: &Row<'_>) -> Result<Kept, StoreError> {
    if row.get_ref(1)?.as_blob().is_ok_and(<[u8]>::is_empty) {
        return Ok(Kept::Link(row.get(0)?));
    }
    read_header(row).map(Kept::Header)
}

pub(super) fn read_header(row: &Row<'_>) -> Result<SignedHeader, StoreError> {
    let header: Vec<u8> = row.get(0)?;
    let signature = row.get_ref(1)?.as_blob().ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = Signature::new(signature.ok_or(damaged("signature"))?);
    Ok(SignedHeader { header: header.into(), signature })
}

fn send_pages(
    connection: &Connection,
    ledger: &Ledger,
    request: &SnapshotRequest,
    sink: &mut dyn FnMut(SnapshotPart) -> bool,
) -> Result<(), StoreError> {
    let sql =
        "SELECT e.record, e.part, e.seq, e.bytes FROM records AS r JOIN envelopes AS e ON e.id = r.envelope
               WHERE r.ws = ?1 AND r.seq > ?2 ORDER BY r.seq, r.envelope";
    let after = request.cursor.seq.max(request.pages_after);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![ledger.id, int(after)])?;
    let (mut page, mut bytes): (Vec<StoredEnvelope>, usize) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let stored = read_envelope(row)?;
        let size = stored.envelope.len();
        if !page.is_empty() && (bytes + size > PAGE_BYTES || page.len() >= PAGE_ENVELOPES) {
            if !sink(SnapshotPart::Page(std::mem::take(&mut page))) {
                return Ok(());
            }
            bytes = 0;
        }
        bytes += size;
        page.push(stored);
    }
    if !page.is_empty() {
        sink(SnapshotPart::Page(page));
    }
    Ok(())
}

fn read_envelope(row: &Row<'_>) -> Result<StoredEnvelope, StoreError> {
    let part = match row.get::<_, u8>(1)? {
        0 => Part::Node,
        1 => Part::Body,
        _ => return Err(damaged("part of a record")),
    };
    let envelope: Vec<u8> = row.get(3)?;
    Ok(StoredEnvelope {
        record: RecordId::new(row.get(0)?),
        part,
        seq: uint(row.get(2)?),
        envelope: envelope.into(),
    })
}

/// Reads single current envelopes.
pub(super) fn fetch(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    records: &[(RecordId, Part)],
) -> Result<Vec<StoredEnvelope>, StoreError> {
    let _transaction = connection.unchecked_transaction()?;
    let ledger = readable(connection, account, workspace)?;
    let sql =
        "SELECT e.record, e.part, e.seq, e.bytes FROM records AS r JOIN envelopes AS e ON e.id = r.envelope
               WHERE r.ws = ?1 AND r.record = ?2 AND r.part = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for (record, part) in records {
        let of = params![ledger.id, record.as_bytes(), *part as u8];
        found.extend(statement.query_row(of, |row| Ok(read_envelope(row))).optional()?.transpose()?);
    }
    Ok(found)
}
