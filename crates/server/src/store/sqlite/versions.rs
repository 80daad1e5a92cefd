//! Reading the versions of a record: its envelopes and its purges, each with the entry that made it.
//!
//! Envelopes are read one by one after their places are known, so that a long history of a large
//! record never lies in memory as a whole.

use rusqlite::{Connection, OptionalExtension, params};
use satchel_wire::limits::PAGE_BYTES;
use satchel_wire::{AccountId, StoredVersion};

use super::failure::{damaged, int, uint};
use super::read::{read_header, readable};
use crate::store::{StoreError, VersionsPage, VersionsRequest};

/// Where a version lies: its entry, when it came, and its envelope unless it was a purge.
struct Place {
    seq: i64,
    made_ms: i64,
    envelope: Option<i64>,
}

/// Reads one page of versions.
pub(super) fn read(
    connection: &Connection,
    account: AccountId,
    request: &VersionsRequest,
) -> Result<VersionsPage, StoreError> {
    let _transaction = connection.unchecked_transaction()?;
    let ws = readable(connection, account, request.workspace)?.id;
    let places = places(connection, ws, request)?;
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let (mut versions, mut bytes) = (Vec::new(), 0);
    for place in places.iter().take(limit) {
        let Some(version) = version(connection, ws, place)? else { continue };
        bytes += version.header.header.len() + version.envelope.as_ref().map_or(0, |envelope| envelope.len());
        if bytes > PAGE_BYTES && !versions.is_empty() {
            return Ok(VersionsPage { versions, more: true });
        }
        versions.push(version);
    }
    Ok(VersionsPage { versions, more: places.len() > limit })
}

/// The places of one version more than is wanted, the newest first.
fn places(connection: &Connection, ws: i64, request: &VersionsRequest) -> Result<Vec<Place>, StoreError> {
    let sql =
        "SELECT seq, made_ms, id FROM envelopes WHERE ws = ?1 AND record = ?2 AND part = ?3 AND seq < ?4
        UNION ALL
        SELECT seq, made_ms, NULL FROM purges WHERE ws = ?1 AND record = ?2 AND part = ?3 AND seq < ?4
        ORDER BY seq DESC LIMIT ?5";
    let before = request.before.map_or(i64::MAX, int);
    let record = request.record.as_bytes();
    let of = params![ws, record, request.part as u8, before, i64::from(request.limit) + 1];
    let mut statement = connection.prepare_cached(sql)?;
    let read =
        |row: &rusqlite::Row<'_>| Ok(Place { seq: row.get(0)?, made_ms: row.get(1)?, envelope: row.get(2)? });
    let places = statement.query_map(of, read)?.collect::<Result<_, _>>()?;
    Ok(places)
}

/// The version itself; none where its entry's header is not kept any more, since nobody could verify it.
fn version(connection: &Connection, ws: i64, place: &Place) -> Result<Option<StoredVersion>, StoreError> {
    let sql = "SELECT header, signature FROM entries WHERE ws = ?1 AND seq = ?2 AND signature <> x''";
    let mut statement = connection.prepare_cached(sql)?;
    let header = statement.query_row(params![ws, place.seq], |row| Ok(read_header(row))).optional()?;
    let Some(header) = header.transpose()? else { return Ok(None) };
    let envelope = place.envelope.map(|id| envelope(connection, id)).transpose()?;
    let (seq, received_ms) = (uint(place.seq), uint(place.made_ms));
    Ok(Some(StoredVersion { seq, received_ms, header, envelope: envelope.map(Into::into) }))
}

fn envelope(connection: &Connection, id: i64) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT bytes FROM envelopes WHERE id = ?1";
    let found = connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    found.ok_or(damaged("version: its envelope is missing"))
}
