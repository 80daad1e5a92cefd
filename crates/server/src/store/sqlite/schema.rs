//! The tables, and how a connection to them is set up.
//!
//! ```text
//! accounts ─┬─ apps (a session each)
//!           ├─ limits (of one account, or with an empty id of each)
//!           └─ workspaces ─┬─ entries (the ledger)      by seq and by commit id
//!                          ├─ members and member_invites (the charter's people, and claims that wait)
//!                          ├─ manifests (the newest) and packs (its pieces, and loose ones)
//!                          ├─ writers (the charter's apps)
//!                          ├─ records (the current state) ── envelope ─┐
//!                          ├─ envelopes (every version, append-only) ◀─┘
//!                          └─ purges (which entry purged what, for the history)
//! ```
//!
//! Envelopes are only ever appended: a new version is one row more, and what is not current is
//! history, without a copy. `workspaces.nodes` counts current records of the part `Node`, for the rule
//! on bulk purges, and `workspaces.pruned` is the newest entry of which only the link is kept: its `header`
//! is the hash of the header, its `signature` is empty. Commit id and chain of every entry stay.
//!
//! `workspaces.owner` is the account that founded it, whose room its `bytes` (envelopes and packs) take up;
//! `members.suspended` is a number of `Suspension`, or 0.

use std::path::Path;
use std::time::Duration;

use rand_core::{CryptoRng, RngCore};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use satchel_crypto::ServerSetup;

use super::failure::damaged;
use crate::store::StoreError;

/// "Satc" in ASCII: says in the file's header whose it is.
const APPLICATION_ID: i32 = 0x5361_7463;
const VERSION: i32 = 1;

const SCHEMA: &str = "
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE accounts (
    account BLOB PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    bundle BLOB NOT NULL,
    signing_key BLOB NOT NULL,
    sealing_key BLOB NOT NULL,
    password_file BLOB NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE limits (
    account BLOB PRIMARY KEY,
    bytes INTEGER,
    workspaces INTEGER
) WITHOUT ROWID;
CREATE TABLE apps (
    account BLOB NOT NULL,
    app BLOB NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    last_seen_ms INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (account, app)
) WITHOUT ROWID;
CREATE TABLE invites (
    invite BLOB PRIMARY KEY,
    made_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace BLOB NOT NULL UNIQUE,
    owner BLOB NOT NULL,
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    digest BLOB NOT NULL,
    nodes INTEGER NOT NULL,
    pruned INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    roster BLOB,
    bytes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX workspaces_owner ON workspaces (owner);
CREATE INDEX workspaces_roster ON workspaces (roster);
CREATE TABLE members (
    ws INTEGER NOT NULL,
    account BLOB NOT NULL,
    role INTEGER NOT NULL,
    suspended INTEGER NOT NULL,
    PRIMARY KEY (ws, account)
) WITHOUT ROWID;
CREATE INDEX members_account ON members (account, ws);
CREATE TABLE member_invites (
    ws INTEGER NOT NULL,
    invite BLOB NOT NULL,
    key BLOB NOT NULL,
    expires_ms INTEGER NOT NULL,
    account BLOB,
    proof BLOB,
    PRIMARY KEY (ws, invite)
) WITHOUT ROWID;
CREATE INDEX member_invites_expiry ON member_invites (expires_ms);
CREATE TABLE entries (
    ws INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    commit_id BLOB NOT NULL,
    chain BLOB NOT NULL,
    signature BLOB NOT NULL,
    header BLOB NOT NULL,
    charter INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (ws, seq)
) WITHOUT ROWID;
CREATE INDEX entries_charter ON entries (ws, seq) WHERE charter;
CREATE UNIQUE INDEX entries_commit ON entries (ws, commit_id);
CREATE TABLE writers (
    ws INTEGER NOT NULL,
    app BLOB NOT NULL,
    account BLOB NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (ws, app)
) WITHOUT ROWID;
CREATE TABLE records (
    ws INTEGER NOT NULL,
    record BLOB NOT NULL,
    part INTEGER NOT NULL,
    revision BLOB NOT NULL,
    seq INTEGER NOT NULL,
    envelope INTEGER NOT NULL,
    PRIMARY KEY (ws, record, part)
) WITHOUT ROWID;
CREATE INDEX records_seq ON records (ws, seq, envelope);
CREATE TABLE envelopes (
    id INTEGER PRIMARY KEY,
    ws INTEGER NOT NULL,
    record BLOB NOT NULL,
    part INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    bytes BLOB NOT NULL
);
CREATE INDEX envelopes_record ON envelopes (ws, record, part, seq);
CREATE TRIGGER envelopes_out AFTER DELETE ON envelopes BEGIN
    UPDATE workspaces SET bytes = bytes - length(old.bytes) WHERE id = old.ws;
END;
CREATE TABLE manifests (
    ws INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    manifest BLOB NOT NULL,
    signature BLOB NOT NULL
);
CREATE TABLE packs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ws INTEGER NOT NULL,
    pack BLOB NOT NULL,
    made_ms INTEGER NOT NULL,
    named INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (ws, pack)
);
CREATE INDEX packs_loose ON packs (made_ms) WHERE NOT named;
CREATE TRIGGER packs_in AFTER INSERT ON packs BEGIN
    UPDATE workspaces SET bytes = bytes + length(new.bytes) WHERE id = new.ws;
END;
CREATE TRIGGER packs_out AFTER DELETE ON packs BEGIN
    UPDATE workspaces SET bytes = bytes - length(old.bytes) WHERE id = old.ws;
END;
CREATE TABLE purges (
    ws INTEGER NOT NULL,
    record BLOB NOT NULL,
    part INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (ws, record, part, seq)
) WITHOUT ROWID;
";

/// What stands at the beginning of a database's life.
pub(super) struct Life {
    pub(super) incarnation: [u8; 16],
    pub(super) opaque_setup: Vec<u8>,
}

/// Opens the one connection that writes, making the tables in an empty file.
pub(super) fn open_writer<R: RngCore + CryptoRng>(
    file: &Path,
    rng: &mut R,
) -> Result<(Connection, Life), StoreError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // What a push looks at of 10,000 items fits into the cache; an empty server fills none of it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -8192;
         PRAGMA wal_autocheckpoint = 16384;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    keep_plans(&connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        make(&connection, rng)?;
    }
    check(&connection)?;
    let life = Life {
        incarnation: meta(&connection, "incarnation")?.try_into().map_err(|_| damaged("incarnation"))?,
        opaque_setup: meta(&connection, "opaque_setup")?,
    };
    Ok((connection, life))
}

/// Opens a connection that only reads.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA cache_size = -256;")?;
    connection.set_prepared_statement_cache_capacity(16);
    keep_plans(&connection)?;
    Ok(connection)
}

/// With plans that depend on bound values, each statement that an index with a condition might serve would be
/// planned anew with every value.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Checks that the file is a server's database of this version.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let read = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    if read("application_id")? != APPLICATION_ID || read("user_version")? != VERSION {
        return Err(damaged("database: another program's or another version's"));
    }
    Ok(())
}

/// Gives the database a new life.
pub(super) fn renew<R: RngCore + CryptoRng>(connection: &Connection, rng: &mut R) -> Result<(), StoreError> {
    let mut incarnation = [0; 16];
    rng.fill_bytes(&mut incarnation);
    set_meta(connection, "incarnation", &incarnation)
}

/// Writes a counter, one higher each time.
pub(super) fn probe(connection: &Connection) -> Result<(), StoreError> {
    let before = meta(connection, "probe").ok().and_then(|bytes| bytes.try_into().ok());
    let count = before.map_or(0, u64::from_be_bytes).wrapping_add(1);
    set_meta(connection, "probe", &count.to_be_bytes())
}

/// Writes a value of the database itself.
pub(super) fn set_meta(connection: &Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(params![name, value])?;
    Ok(())
}

fn make<R: RngCore + CryptoRng>(connection: &Connection, rng: &mut R) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    connection.execute_batch(SCHEMA)?;
    renew(connection, rng)?;
    set_meta(connection, "opaque_setup", &ServerSetup::make(rng).to_bytes())?;
    connection.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    ))?;
    Ok(transaction.commit()?)
}

fn meta(connection: &Connection, name: &'static str) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0)).optional()?.ok_or(damaged(name))
}
