//! One `SQLite` file: its schema, its sealing, and reading.
//!
//! Bodies lie in tables of their own, so that loading ten thousand nodes does not read them. Envelopes
//! are ciphertext already; every other content is sealed under the local key with its place (table,
//! workspace, record, part) as associated data, so that a row cannot be moved.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rand_core::OsRng;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, params};
use satchel_crypto::LocalKey;
use satchel_sync::{
    Alarm, Aside, BaseEntry, InFlight, Kept, Key, Loaded, LoadedPack, PendingEntry, merge_packs,
};
use satchel_wire::{
    Chain, CommitId, Digest, Head, Id, Incarnation, PackId, Part, RecordId, Revision, Signature,
    SignedHeader, WorkspaceId,
};

use super::StoreError;
use super::log::Log;

const SCHEMA_VERSION: i64 = 2;

const SCHEMA: &str = "
CREATE TABLE workspace (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, incarnation BLOB,
    head_seq INTEGER NOT NULL, head_chain BLOB NOT NULL, digest BLOB NOT NULL, fresh BLOB, [returning] BLOB) STRICT;
CREATE TABLE chain (workspace INTEGER NOT NULL, seq INTEGER NOT NULL, chain BLOB NOT NULL,
    PRIMARY KEY (workspace, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE base (workspace INTEGER NOT NULL, record BLOB NOT NULL, part INTEGER NOT NULL, seq INTEGER NOT NULL,
    revision BLOB NOT NULL, conflicts INTEGER NOT NULL, node BLOB,
    PRIMARY KEY (workspace, record, part)) STRICT, WITHOUT ROWID;
CREATE TABLE base_body (workspace INTEGER NOT NULL, record BLOB NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (workspace, record)) STRICT;
CREATE TABLE pack (workspace INTEGER NOT NULL, pack BLOB NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL,
    names BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (workspace, pack)) STRICT;
CREATE TABLE removed (workspace INTEGER NOT NULL, record BLOB NOT NULL, part INTEGER NOT NULL,
    PRIMARY KEY (workspace, record, part)) STRICT, WITHOUT ROWID;
CREATE TABLE pending (workspace INTEGER NOT NULL, record BLOB NOT NULL, part INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    conflicts INTEGER NOT NULL, purged INTEGER NOT NULL, bulk INTEGER NOT NULL, node BLOB,
    PRIMARY KEY (workspace, record, part)) STRICT, WITHOUT ROWID;
CREATE TABLE pending_body (workspace INTEGER NOT NULL, record BLOB NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (workspace, record)) STRICT, WITHOUT ROWID;
CREATE TABLE in_flight (workspace INTEGER NOT NULL, id BLOB NOT NULL, ordinal INTEGER NOT NULL, header BLOB NOT NULL,
    signature BLOB NOT NULL, ordinals BLOB NOT NULL, PRIMARY KEY (workspace, id)) STRICT, WITHOUT ROWID;
CREATE TABLE in_flight_envelope (workspace INTEGER NOT NULL, id BLOB NOT NULL, position INTEGER NOT NULL,
    envelope BLOB NOT NULL, PRIMARY KEY (workspace, id, position)) STRICT, WITHOUT ROWID;
CREATE TABLE charter (workspace INTEGER NOT NULL, seq INTEGER NOT NULL, header BLOB NOT NULL, signature BLOB NOT NULL,
    PRIMARY KEY (workspace, seq)) STRICT;
CREATE TABLE aside (workspace INTEGER NOT NULL, record BLOB NOT NULL, part INTEGER NOT NULL, alarm TEXT NOT NULL,
    detail BLOB NOT NULL, PRIMARY KEY (workspace, record, part)) STRICT, WITHOUT ROWID;
CREATE TABLE cell (kind TEXT NOT NULL, workspace BLOB NOT NULL, record BLOB NOT NULL, name TEXT NOT NULL,
    value BLOB NOT NULL, PRIMARY KEY (kind, workspace, record, name)) STRICT, WITHOUT ROWID;
";

/// What version 2 added: what is kept of sends and runs, on this device alone.
const SHELF_SCHEMA: &str = "
CREATE TABLE shelf (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, workspace BLOB NOT NULL,
    bytes INTEGER NOT NULL, line BLOB NOT NULL, content BLOB NOT NULL) STRICT;
CREATE INDEX shelf_order ON shelf (kind, workspace, id, bytes);
";

const BUSY: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 48;

/// The envelopes of commits under way.
type Flying = BTreeMap<(WorkspaceId, CommitId), Vec<Vec<u8>>>;

/// One `SQLite` file under one local key.
pub(crate) struct Database {
    pub(super) connection: Connection,
    pub(super) key: LocalKey,
    pub(super) log: Log,
    /// The rows of workspaces that were looked for, until a batch fails or removes one.
    pub(super) numbers: RefCell<BTreeMap<WorkspaceId, i64>>,
    /// The envelopes of the newest commits under way, which are read again when they are sent and answered.
    pub(super) flying: RefCell<Flying>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

impl Database {
    /// Opens a file, and makes it if there is none.
    pub(crate) fn open(path: &Path, key: LocalKey) -> Result<Self, StoreError> {
        // SQLite would make the file with the user's usual permissions; its -wal and -shm follow it.
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // Nobody else opens the file while the profile's lock is held: so each transaction needs no locks of its own,
        // and the index of the log is in memory. It must be said before the first look into the file.
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        // A plan that depends on bound values would be made anew with every value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        make_schema(&connection)?;
        let log = Log::take(&connection, path)?;
        Ok(Self { connection, key, log, numbers: RefCell::default(), flying: RefCell::default() })
    }

    /// Makes everything durable that was written.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.log.sync(&self.connection)
    }

    /// Whether everything that was written is durable.
    pub(crate) fn is_durable(&self) -> bool {
        self.log.is_durable()
    }

    /// Does what can wait for an idle moment.
    pub(crate) fn tidy(&self) -> Result<(), StoreError> {
        self.log.tidy(&self.connection)
    }

    /// What `SQLite`'s own check finds wrong; empty is good.
    pub(crate) fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare("PRAGMA quick_check(5)")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        let lines: Vec<_> = lines.collect::<Result<_, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    pub(super) fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        self.key.seal(place, plain, &mut OsRng)
    }

    pub(super) fn unseal(
        &self,
        table: &'static str,
        place: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let plain = self.key.open(place, sealed).map_err(|_| StoreError::Sealed { table })?;
        Ok(plain.to_vec())
    }

    pub(super) fn number(&self, workspace: WorkspaceId) -> Result<Option<i64>, StoreError> {
        if let Some(number) = self.numbers.borrow().get(&workspace) {
            return Ok(Some(*number));
        }
        let mut statement = self.connection.prepare_cached("SELECT number FROM workspace WHERE id = ?1")?;
        let number: Option<i64> = statement.query_row([workspace.as_slice()], |row| row.get(0)).optional()?;
        if let Some(number) = number {
            self.numbers.borrow_mut().insert(workspace, number);
        }
        Ok(number)
    }

    pub(crate) fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM workspace ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut workspaces = Vec::new();
        while let Some(row) = rows.next()? {
            workspaces.push(id(row, 0, "workspace")?);
        }
        Ok(workspaces)
    }

    pub(super) fn load(&self, workspace: WorkspaceId) -> Result<Loaded, StoreError> {
        let Some(number) = self.number(workspace)? else { return Ok(Loaded::empty()) };
        let mut loaded = self.load_head(number)?;
        loaded.charter = self.load_charter(number)?;
        loaded.packs = self.load_packs(number)?;
        let removed = self.load_removed(number)?;
        loaded.base = merge_packs(self.load_base(number)?, &loaded.packs, &removed);
        loaded.pending = self.load_pending(workspace, number)?;
        loaded.in_flight = self.load_in_flight(number)?;
        loaded.aside = self.load_aside(workspace, number)?;
        Ok(loaded)
    }

    fn load_head(&self, number: i64) -> Result<Loaded, StoreError> {
        let sql = "SELECT incarnation, head_seq, head_chain, digest, fresh, [returning] FROM workspace WHERE number = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let row = rows.next()?.ok_or(StoreError::Shape { table: "workspace" })?;
        let incarnation = match row.get_ref(0)?.as_blob_or_null().map_err(|_| shape("workspace"))? {
            Some(bytes) => Some(Incarnation::from_slice(bytes).ok_or(shape("workspace"))?),
            None => None,
        };
        let chain: Chain = id(row, 2, "workspace")?;
        let digest: Digest = id(row, 3, "workspace")?;
        let head = Head { seq: natural(row, 1)?, chain };
        let (fresh, returning) = (row.get(4)?, row.get(5)?);
        let chains = self.load_chains(number)?;
        Ok(Loaded { incarnation, head, digest, fresh, returning, chains, ..Loaded::empty() })
    }

    fn load_chains(&self, number: i64) -> Result<Vec<Head>, StoreError> {
        let sql = "SELECT seq, chain FROM chain WHERE workspace = ?1 ORDER BY seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut chains = Vec::new();
        while let Some(row) = rows.next()? {
            chains.push(Head { seq: natural(row, 0)?, chain: id(row, 1, "chain")? });
        }
        Ok(chains)
    }

    fn load_charter(&self, number: i64) -> Result<Vec<(u64, SignedHeader)>, StoreError> {
        let sql = "SELECT seq, header, signature FROM charter WHERE workspace = ?1 ORDER BY seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut charter = Vec::new();
        while let Some(row) = rows.next()? {
            charter.push((natural(row, 0)?, signed(row, 1, "charter")?));
        }
        Ok(charter)
    }

    fn load_base(&self, number: i64) -> Result<Vec<BaseEntry>, StoreError> {
        let sql = "SELECT record, part, seq, revision, conflicts, node FROM base WHERE workspace = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut base = Vec::new();
        while let Some(row) = rows.next()? {
            base.push(BaseEntry {
                key: key(row, "base")?,
                seq: natural(row, 2)?,
                revision: id::<Revision>(row, 3, "base")?,
                conflicts: row.get(4)?,
                node: row.get::<_, Option<Vec<u8>>>(5)?.map(Kept::Envelope),
            });
        }
        Ok(base)
    }

    /// The packs, with the bytes of those that the tree needs.
    fn load_packs(&self, number: i64) -> Result<Vec<LoadedPack>, StoreError> {
        let sql = "SELECT pack, part, bytes, names, CASE part WHEN 0 THEN sealed END FROM pack
            WHERE workspace = ?1 ORDER BY pack";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut packs = Vec::new();
        while let Some(row) = rows.next()? {
            packs.push(LoadedPack {
                pack: id(row, 0, "pack")?,
                part: part(row, 1, "pack")?,
                bytes: row.get(2)?,
                names: row.get(3)?,
                nodes: row.get(4)?,
            });
        }
        Ok(packs)
    }

    fn load_removed(&self, number: i64) -> Result<BTreeSet<Key>, StoreError> {
        let sql = "SELECT record, part FROM removed WHERE workspace = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut removed = BTreeSet::new();
        while let Some(row) = rows.next()? {
            removed.insert(key(row, "removed")?);
        }
        Ok(removed)
    }

    fn load_pending(&self, workspace: WorkspaceId, number: i64) -> Result<Vec<PendingEntry>, StoreError> {
        let sql =
            "SELECT record, part, ordinal, conflicts, purged, bulk, node FROM pending WHERE workspace = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut pending = Vec::new();
        while let Some(row) = rows.next()? {
            let key = key(row, "pending")?;
            let sealed = row.get_ref(6)?.as_blob_or_null().map_err(|_| shape("pending"))?;
            // One damaged row must not lock a person out of all others: it is told when it is read.
            let place = place("pending", workspace, key);
            let node_payload = sealed.and_then(|sealed| self.unseal("pending", &place, sealed).ok());
            pending.push(PendingEntry {
                key,
                ordinal: natural(row, 2)?,
                conflicts: row.get(3)?,
                purged: row.get(4)?,
                bulk: row.get(5)?,
                node_payload,
            });
        }
        Ok(pending)
    }

    fn load_in_flight(&self, number: i64) -> Result<Vec<InFlight>, StoreError> {
        let sql = "SELECT id, ordinal, header, signature, ordinals FROM in_flight WHERE workspace = ?1 ORDER BY ordinal";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut commits = Vec::new();
        while let Some(row) = rows.next()? {
            let packed = row.get_ref(4)?.as_blob().map_err(|_| shape("in_flight"))?;
            let (chunks, rest) = packed.as_chunks::<8>();
            if !rest.is_empty() {
                return Err(shape("in_flight"));
            }
            commits.push(InFlight {
                commit: id(row, 0, "in_flight")?,
                ordinal: natural(row, 1)?,
                header: signed(row, 2, "in_flight")?,
                ordinals: chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect(),
            });
        }
        Ok(commits)
    }

    fn load_aside(&self, workspace: WorkspaceId, number: i64) -> Result<Vec<Aside>, StoreError> {
        let sql = "SELECT record, part, alarm, detail FROM aside WHERE workspace = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let mut asides = Vec::new();
        while let Some(row) = rows.next()? {
            let key = key(row, "aside")?;
            let word: String = row.get(2)?;
            let sealed = row.get_ref(3)?.as_blob().map_err(|_| shape("aside"))?;
            let detail = self.unseal("aside", &place("aside", workspace, key), sealed).unwrap_or_default();
            asides.push(Aside {
                key,
                alarm: Alarm::parse(&word).unwrap_or(Alarm::Damaged),
                detail: String::from_utf8_lossy(&detail).into_owned(),
            });
        }
        Ok(asides)
    }

    pub(super) fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, StoreError> {
        let Some(number) = self.number(workspace)? else { return Ok(None) };
        let sql = match key.part {
            Part::Node => "SELECT node FROM base WHERE workspace = ?1 AND record = ?2 AND part = 0",
            Part::Body => "SELECT content FROM base_body WHERE workspace = ?1 AND record = ?2",
        };
        Ok(self.blob(sql, number, key.record)?.map(Kept::Envelope))
    }

    pub(super) fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(number) = self.number(workspace)? else { return Ok(None) };
        let sql = "SELECT sealed FROM pack WHERE workspace = ?1 AND pack = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![number, pack.as_slice()], |row| row.get(0)).optional()?)
    }

    pub(super) fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(number) = self.number(workspace)? else { return Ok(None) };
        let sql = match key.part {
            Part::Node => "SELECT node FROM pending WHERE workspace = ?1 AND record = ?2 AND part = 0",
            Part::Body => "SELECT payload FROM pending_body WHERE workspace = ?1 AND record = ?2",
        };
        let Some(sealed) = self.blob(sql, number, key.record)? else { return Ok(None) };
        self.unseal("pending", &place("pending", workspace, key), &sealed).map(Some)
    }

    fn blob(&self, sql: &str, number: i64, record: RecordId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let found =
            statement.query_row(params![number, record.as_slice()], |row| row.get::<_, Option<Vec<u8>>>(0));
        Ok(found.optional()?.flatten())
    }

    pub(super) fn in_flight(
        &self,
        workspace: WorkspaceId,
        commit: CommitId,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        if let Some(envelopes) = self.flying.borrow().get(&(workspace, commit)) {
            return Ok(envelopes.clone());
        }
        let Some(number) = self.number(workspace)? else { return Ok(Vec::new()) };
        let sql =
            "SELECT envelope FROM in_flight_envelope WHERE workspace = ?1 AND id = ?2 ORDER BY position";
        let mut statement = self.connection.prepare_cached(sql)?;
        let envelopes = statement.query_map(params![number, commit.as_slice()], |row| row.get(0))?;
        Ok(envelopes.collect::<Result<_, _>>()?)
    }

    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .expect("it is limited");
    }

    #[cfg(test)]
    pub(super) fn swap_pending_bodies(&self) {
        let sql = "UPDATE pending_body SET payload = (SELECT other.payload FROM pending_body other
            WHERE other.record <> pending_body.record)";
        self.connection.execute(sql, []).expect("they are swapped");
    }
}

fn make_schema(connection: &Connection) -> Result<(), StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        SCHEMA_VERSION => Ok(()),
        0 | 1 => {
            let transaction = connection.unchecked_transaction()?;
            if version == 0 {
                transaction.execute_batch(SCHEMA)?;
            }
            transaction.execute_batch(SHELF_SCHEMA)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            Ok(transaction.commit()?)
        }
        version => Err(StoreError::Newer { version }),
    }
}

/// The associated data of a sealed row.
pub(super) fn place(table: &str, workspace: WorkspaceId, key: Key) -> Vec<u8> {
    let mut place = Vec::with_capacity(table.len() + 34);
    place.extend_from_slice(table.as_bytes());
    place.push(0);
    place.extend_from_slice(workspace.as_slice());
    place.extend_from_slice(key.record.as_slice());
    place.push(part_number(key.part));
    place
}

pub(super) fn part_number(part: Part) -> u8 {
    match part {
        Part::Node => 0,
        Part::Body => 1,
    }
}

fn shape(table: &'static str) -> StoreError {
    StoreError::Shape { table }
}

fn id<T: Id>(row: &Row<'_>, column: usize, table: &'static str) -> Result<T, StoreError> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|_| shape(table))?;
    T::from_slice(bytes).ok_or(shape(table))
}

fn natural(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| shape("a number"))
}

fn part(row: &Row<'_>, column: usize, table: &'static str) -> Result<Part, StoreError> {
    match row.get::<_, i64>(column)? {
        0 => Ok(Part::Node),
        1 => Ok(Part::Body),
        _ => Err(shape(table)),
    }
}

fn key(row: &Row<'_>, table: &'static str) -> Result<Key, StoreError> {
    Ok(Key { record: id(row, 0, table)?, part: part(row, 1, table)? })
}

fn signed(row: &Row<'_>, column: usize, table: &'static str) -> Result<SignedHeader, StoreError> {
    let header: Vec<u8> = row.get(column)?;
    let signature: Signature = id(row, column + 1, table)?;
    Ok(SignedHeader { header: header.into(), signature })
}
