//! Dropping old versions and the headers of old entries, and getting deleted bytes out of the files.
//!
//! A deleted row is overwritten by `secure_delete`, but copies of it can stay in the write-ahead log
//! and in the unused part of pages that were rebuilt; a checkpoint that truncates the log and a VACUUM
//! remove both.

use rusqlite::{Connection, Row, params};
use satchel_crypto::derive_link;
use satchel_wire::{CommitHeader, Content};

use super::failure::{damaged, int};
use super::people;
use super::writer::Erase;
use crate::config::Retention;
use crate::store::StoreError;

/// Versions that are looked at in one call of [`prune`].
const PRUNE_MAX: i64 = 5_000;
/// Entries that are looked at in one call of [`prune_headers`].
const HEADERS_PRUNE_MAX: i64 = 2_000;
/// A database up to this size is rewritten for each deleted workspace; a larger one only for accounts.
const VACUUM_BYTES_SOON: i64 = 128 * 1024 * 1024;

/// Drops old versions behind `after`, a row id; answers where to go on.
pub(super) fn prune(
    connection: &Connection,
    retention: Retention,
    now_ms: u64,
    after: i64,
) -> Result<i64, StoreError> {
    people::forget_invites(connection, now_ms)?;
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

/// Where the present round of pruning the ledgers has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    ws: i64,
    seq: i64,
}

/// Keeps of old entries the link only, where nothing that is kept needs the header; answers where to go on.
pub(super) fn prune_headers(
    connection: &Connection,
    retention: Retention,
    now_ms: u64,
    from: Place,
) -> Result<Place, StoreError> {
    let made_before = int(now_ms.saturating_sub(retention.age_ms));
    let sql = "SELECT m.ws, min(m.seq, w.seq - ?2) FROM manifests AS m JOIN workspaces AS w ON w.id = m.ws
               WHERE m.ws >= ?1 ORDER BY m.ws";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let ledgers = statement.query_map(params![from.ws, int(retention.entries)], read)?;
    let ledgers: Vec<(i64, i64)> = ledgers.collect::<Result<_, _>>()?;
    let mut rest = HEADERS_PRUNE_MAX;
    for (ws, until) in ledgers {
        let after = if ws == from.ws { from.seq } else { 0 };
        let looked = prune_ledger(connection, Place { ws, seq: after }, (until, made_before), rest)?;
        rest -= looked;
        if rest <= 0 {
            return Ok(Place { ws, seq: after + looked });
        }
    }
    Ok(Place::default())
}

/// Looks at `max` entries of one ledger, up to the first young one; answers how many there were.
fn prune_ledger(
    connection: &Connection,
    after: Place,
    (until, made_before): (i64, i64),
    max: i64,
) -> Result<i64, StoreError> {
    let sql = "SELECT seq, made_ms, charter OR signature = x'', header FROM entries
               WHERE ws = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![after.ws, after.seq, until, max])?;
    let (mut looked, mut pruned) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= made_before {
            break;
        }
        looked += 1;
        let header: Vec<u8> = row.get(3)?;
        if !row.get::<_, bool>(2)? && !is_needed(connection, after.ws, row.get(0)?, &header)? {
            pruned.push((row.get::<_, i64>(0)?, derive_link(&header)));
        }
    }
    let mut keep = connection
        .prepare_cached("UPDATE entries SET header = ?3, signature = x'' WHERE ws = ?1 AND seq = ?2")?;
    for (seq, link) in &pruned {
        keep.execute(params![after.ws, seq, link])?;
    }
    if let Some((seq, _)) = pruned.last() {
        let sql = "UPDATE workspaces SET pruned = max(pruned, ?2) WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![after.ws, seq])?;
    }
    Ok(looked)
}

/// Whether a version or a purge of this entry is kept.
fn is_needed(connection: &Connection, ws: i64, seq: i64, header: &[u8]) -> Result<bool, StoreError> {
    let header = CommitHeader::decode(header).map_err(|_| damaged("header"))?;
    let Content::Ops { ops, .. } = header.content else { return Ok(true) };
    let sql = "SELECT 1 FROM envelopes WHERE ws = ?1 AND record = ?2 AND part = ?3 AND seq = ?4
               UNION ALL SELECT 1 FROM purges WHERE ws = ?1 AND record = ?2 AND part = ?3 AND seq = ?4";
    let mut find = connection.prepare_cached(sql)?;
    for op in &ops {
        if find.exists(params![ws, op.record.as_bytes(), op.part as u8, seq])? {
            return Ok(true);
        }
    }
    Ok(false)
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
