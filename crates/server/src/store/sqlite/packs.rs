//! Packs and manifests: the statements behind the store's methods.
//!
//! A manifest and the naming of its packs change in one transaction, and readers read in one, so nobody
//! sees a manifest without its packs.

use rusqlite::{Connection, OptionalExtension, Row, params};
use satchel_wire::limits::{
    HEADERS_PAGE_BYTES, PACKS_MAX, PACKS_RECORDS_MIN, PACKS_TAIL_COMMITS, PACKS_TAIL_COMMITS_AUTHOR,
    PACKS_TAIL_PERCENT,
};
use satchel_wire::{
    AccountId, AppId, CharterEntry, Head, Manifest, PackId, Part, Role, Signature, SignedManifest,
    WorkspaceId,
};

use super::failure::{damaged, int, uint};
use super::ledger::{self, Ledger};
use super::read::{self, read_header, readable};
use crate::store::{
    NewManifest, NewPack, PackVerdict, PastHeader, SnapshotEnd, SnapshotPart, SnapshotRequest, StoreError,
};

type Sink<'a> = &'a mut dyn FnMut(SnapshotPart) -> bool;

pub(super) fn put_pack(
    connection: &Connection,
    account: AccountId,
    new: &NewPack,
) -> Result<PackVerdict, StoreError> {
    let ledger = readable(connection, account, new.workspace)?;
    if ledger.role < Some(Role::Editor) {
        return Ok(PackVerdict::RoleTooLow);
    }
    if ledger::writer_key(connection, ledger.id, new.app)? != Some(*new.app_key.as_bytes()) {
        return Ok(PackVerdict::NotWriter);
    }
    if ledger::is_full(connection, &ledger, new.bytes.len())? {
        return Ok(PackVerdict::Full);
    }
    let sql = "SELECT count(*) FROM packs WHERE ws = ?1 AND NOT named";
    let loose: i64 = connection.prepare_cached(sql)?.query_row([ledger.id], |row| row.get(0))?;
    if uint(loose) >= PACKS_MAX as u64 {
        return Ok(PackVerdict::TooMany);
    }
    let sql = "INSERT INTO packs (ws, pack, made_ms, named, bytes) VALUES (?1, ?2, ?3, 0, ?4)
               ON CONFLICT DO UPDATE SET made_ms = excluded.made_ms";
    let values = params![ledger.id, new.pack.as_bytes(), int(new.now_ms), new.bytes.as_slice()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(PackVerdict::Taken)
}

pub(super) fn put_manifest(
    connection: &Connection,
    account: AccountId,
    new: &NewManifest,
) -> Result<PackVerdict, StoreError> {
    let NewManifest { manifest, signed, app_key } = new;
    let ledger = readable(connection, account, manifest.workspace)?;
    if ledger.role < Some(Role::Editor) {
        return Ok(PackVerdict::RoleTooLow);
    }
    if ledger::writer_key(connection, ledger.id, manifest.app)? != Some(*app_key.as_bytes()) {
        return Ok(PackVerdict::NotWriter);
    }
    if manifest.epoch != ledger.epoch {
        return Ok(PackVerdict::EpochOld);
    }
    if !is_right(connection, &ledger, manifest)? {
        return Ok(PackVerdict::Wrong);
    }
    if newest(connection, ledger.id)?.is_some_and(|(seq, _)| seq >= manifest.head.seq) {
        return Ok(PackVerdict::Older);
    }
    if !name_packs(connection, ledger.id, manifest)? {
        return Ok(PackVerdict::Missing);
    }
    let sql = "INSERT OR REPLACE INTO manifests (ws, seq, manifest, signature) VALUES (?1, ?2, ?3, ?4)";
    let (bytes, signature) = (signed.manifest.as_slice(), signed.signature.as_bytes().as_slice());
    connection.prepare_cached(sql)?.execute(params![ledger.id, int(manifest.head.seq), bytes, signature])?;
    Ok(PackVerdict::Taken)
}

/// What the blind server can see: the point is on the chain, and at the head its sums are known.
fn is_right(connection: &Connection, ledger: &Ledger, manifest: &Manifest) -> Result<bool, StoreError> {
    if manifest.head == ledger.head {
        return Ok(manifest.digest == ledger.digest && manifest.nodes == ledger.nodes);
    }
    Ok(manifest.head != Head::EMPTY && ledger::is_on_chain(connection, ledger, manifest.head)?)
}

/// Makes the packs of a manifest the only ones. False, with nothing that counts changed, if one is missing.
fn name_packs(connection: &Connection, ws: i64, manifest: &Manifest) -> Result<bool, StoreError> {
    let mut find = connection
        .prepare_cached("SELECT id FROM packs WHERE ws = ?1 AND pack = ?2 AND length(bytes) = ?3")?;
    let mut ids = Vec::with_capacity(manifest.packs.len());
    for pack in &manifest.packs {
        let of = params![ws, pack.pack.as_bytes(), pack.bytes];
        let Some(id) = find.query_row(of, |row| row.get::<_, i64>(0)).optional()? else { return Ok(false) };
        ids.push(id);
    }
    connection.prepare_cached("UPDATE packs SET named = 0 WHERE ws = ?1 AND named")?.execute([ws])?;
    let mut name = connection.prepare_cached("UPDATE packs SET named = 1 WHERE id = ?1")?;
    for id in ids {
        name.execute([id])?;
    }
    connection.prepare_cached("DELETE FROM packs WHERE ws = ?1 AND NOT named")?.execute([ws])?;
    Ok(true)
}

pub(super) fn newest(connection: &Connection, ws: i64) -> Result<Option<(u64, SignedManifest)>, StoreError> {
    let sql = "SELECT seq, manifest, signature FROM manifests WHERE ws = ?1";
    let read = |row: &Row<'_>| Ok((uint(row.get(0)?), row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?));
    let Some((seq, manifest, signature)) =
        connection.prepare_cached(sql)?.query_row([ws], read).optional()?
    else {
        return Ok(None);
    };
    let signature = signature.try_into().map_err(|_| damaged("signature of a manifest"))?;
    Ok(Some((seq, SignedManifest { manifest: manifest.into(), signature: Signature::new(signature) })))
}

pub(super) fn wants(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    app: AppId,
) -> Result<bool, StoreError> {
    let ledger = readable(connection, account, workspace)?;
    let records = ledger.nodes * 2;
    let may_write = ledger.role >= Some(Role::Editor);
    if !may_write || records < PACKS_RECORDS_MIN || ledger::writer_key(connection, ledger.id, app)?.is_none()
    {
        return Ok(false);
    }
    let packed = newest_point(connection, ledger.id)?;
    let tail = ledger.head.seq - packed;
    if tail >= PACKS_TAIL_COMMITS
        || (tail >= PACKS_TAIL_COMMITS_AUTHOR && is_author(connection, ledger.id, app)?)
    {
        return Ok(true);
    }
    let packed = int(packed);
    let enough = records * PACKS_TAIL_PERCENT / 100 + 1;
    let sql = "SELECT count(*) FROM (SELECT 1 FROM records WHERE ws = ?1 AND seq > ?2 LIMIT ?3)";
    let changed: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![ledger.id, packed, int(enough)], |row| row.get(0))?;
    Ok(uint(changed) >= enough)
}

fn newest_point(connection: &Connection, ws: i64) -> Result<u64, StoreError> {
    let sql = "SELECT seq FROM manifests WHERE ws = ?1";
    let seq = connection.prepare_cached(sql)?.query_row([ws], |row| row.get(0)).optional()?;
    Ok(seq.map_or(0, uint))
}

/// Whether this app made the newest packs: it can add to them what changed since.
fn is_author(connection: &Connection, ws: i64, app: AppId) -> Result<bool, StoreError> {
    let newest = newest(connection, ws)?;
    Ok(newest.is_some_and(|(_, signed)| Manifest::decode(&signed.manifest).is_ok_and(|made| made.app == app)))
}

pub(super) fn bootstrap(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    have: &[PackId],
    sink: Sink<'_>,
) -> Result<SnapshotEnd, StoreError> {
    let ledger = readable(connection, account, workspace)?;
    let mut request = SnapshotRequest { workspace, cursor: Head::EMPTY, pages_after: 0 };
    if let Some((_, signed)) = newest(connection, ledger.id)? {
        let manifest = Manifest::decode(&signed.manifest).map_err(|_| damaged("manifest"))?;
        request.cursor = manifest.head;
        let charter = charter(connection, ledger.id)?;
        if !sink(SnapshotPart::Manifest { manifest: signed, charter })
            || !send_nodes(connection, ledger.id, &manifest, have, sink)?
        {
            return Ok(SnapshotEnd { head: ledger.head, digest: ledger.digest });
        }
    }
    read::snapshot(connection, account, &request, sink)
}

fn charter(connection: &Connection, ws: i64) -> Result<Vec<CharterEntry>, StoreError> {
    // By itself SQLite goes through the whole ledger, whose headers are large.
    let sql = "SELECT header, signature, seq FROM entries INDEXED BY entries_charter
               WHERE ws = ?1 AND charter ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![ws])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(CharterEntry { seq: uint(row.get(2)?), header: read_header(row)? });
    }
    Ok(entries)
}

fn send_nodes(
    connection: &Connection,
    ws: i64,
    manifest: &Manifest,
    have: &[PackId],
    sink: Sink<'_>,
) -> Result<bool, StoreError> {
    for pack in manifest.packs.iter().filter(|pack| pack.part == Part::Node && !have.contains(&pack.pack)) {
        if !sink(SnapshotPart::Pack(pack_bytes(connection, ws, pack.pack)?)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn pack_bytes(connection: &Connection, ws: i64, pack: PackId) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT bytes FROM packs WHERE ws = ?1 AND pack = ?2 AND named";
    let of = params![ws, pack.as_bytes()];
    connection.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?.ok_or(StoreError::NotFound)
}

pub(super) fn read_packs(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    packs: &[PackId],
    sink: &mut dyn FnMut(Vec<u8>) -> bool,
) -> Result<(), StoreError> {
    let ledger = readable(connection, account, workspace)?;
    for pack in packs {
        if !sink(pack_bytes(connection, ledger.id, *pack)?) {
            break;
        }
    }
    Ok(())
}

pub(super) fn read_headers(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    after: u64,
) -> Result<Vec<PastHeader>, StoreError> {
    let ledger = readable(connection, account, workspace)?;
    if after < ledger.pruned {
        return Err(StoreError::CursorTooOld);
    }
    let sql = "SELECT header, signature, made_ms FROM entries WHERE ws = ?1 AND seq > ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![ledger.id, int(after)])?;
    let (mut headers, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let header = read_header(row)?;
        bytes += header.header.len() + 72;
        if bytes > HEADERS_PAGE_BYTES && !headers.is_empty() {
            break;
        }
        headers.push(PastHeader { header, received_ms: uint(row.get(2)?) });
    }
    Ok(headers)
}
