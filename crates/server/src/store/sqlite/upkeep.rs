//! Dropping old versions, and getting deleted bytes out of the files.
//!
//! A deleted row is overwritten by `secure_delete`, but copies of it can stay in the write-ahead log
//! and in the unused part of pages that were rebuilt; a checkpoint that truncates the log and a VACUUM
//! remove both.

use rusqlite::{Connection, params};

use super::failure::int;
use super::writer::Erase;
use crate::config::Retention;
use crate::store::StoreError;

/// Versions that are looked at in one call of [`prune`].
const PRUNE_MAX: i64 = 5_000;
/// A database up to this size is rewritten for each deleted workspace; a larger one only for accounts.
const VACUUM_BYTES_SOON: i64 = 128 * 1024 * 1024;

/// Drops old versions behind `after`, a row id; answers where to go on.
pub(super) fn prune(
    connection: &Connection,
    retention: Retention,
    now_ms: u64,
    after: i64,
) -> Result<i64, StoreError> {
    let made_before = int(now_ms.saturating_sub(retention.age_ms));
    let sql = "SELECT max(id) FROM (SELECT id, made_ms FROM envelopes WHERE id > ?1 ORDER BY id LIMIT ?3)
               WHERE made_ms < ?2";
    let last: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(params![after, made_before, PRUNE_MAX], |row| row.get(0))?;
    // None means that everything behind is young: begin again at the oldest.
    let Some(last) = last else { return Ok(0) };
    // A version of a purged record has no current one that could be asked for its history.
    let sql = "DELETE FROM envelopes AS old WHERE id > ?1 AND id <= ?2 AND made_ms < ?3
        AND NOT EXISTS (SELECT 1 FROM records AS r
            WHERE r.ws = old.ws AND r.record = old.record AND r.part = old.part AND r.envelope = old.id)
        AND (NOT EXISTS (SELECT 1 FROM records AS r
                WHERE r.ws = old.ws AND r.record = old.record AND r.part = old.part)
            OR (SELECT count(*) FROM envelopes AS n WHERE n.ws = old.ws AND n.record = old.record
                AND n.part = old.part AND n.seq > old.seq) >= ?4)";
    connection.prepare_cached(sql)?.execute(params![after, last, made_before, retention.versions])?;
    // Packs whose manifest never came.
    let loose_before = int(now_ms.saturating_sub(satchel_wire::limits::PACKS_LOOSE_MS));
    let sql = "DELETE FROM packs WHERE NOT named AND made_ms < ?1";
    connection.prepare_cached(sql)?.execute([loose_before])?;
    // A purge is told as long as there is a version that it ended.
    let sql = "DELETE FROM purges AS p WHERE made_ms < ?1 AND NOT EXISTS (SELECT 1 FROM envelopes AS e
        WHERE e.ws = p.ws AND e.record = p.record AND e.part = p.part AND e.seq < p.seq)";
    connection.prepare_cached(sql)?.execute([made_before])?;
    Ok(last)
}

/// Gets what was deleted out of the files; false if a reader was in the way.
pub(super) fn erase(connection: &Connection, erase: Erase) -> Result<bool, StoreError> {
    if erase == Erase::Now || file_bytes(connection)? <= VACUUM_BYTES_SOON {
        connection.execute_batch("VACUUM")?;
    }
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

fn file_bytes(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}
