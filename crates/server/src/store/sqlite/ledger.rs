//! What a push does inside the writer's transaction: compare everything, then write.
//!
//! Nothing is written before the last comparison, so a refused commit leaves nothing to undo. The
//! workspace's row holds seq, chain and digest; it is read and written in the same transaction, and
//! there is one writer, so two commits never get one seq.

use std::collections::BTreeSet;

use minicbor::bytes::ByteVec;
use rusqlite::{Connection, OptionalExtension, params};
use satchel_crypto::{StateDigest, derive_chain};
use satchel_wire::limits::{PURGE_OPS_FREE, WORKSPACES_MAX};
use satchel_wire::{
    AppId, Chain, CharterOp, CommitHeader, Content, Digest, ErrorCode, Expect, Head, Op, Part, RecordId,
    Refusal, Revision, StaleRecord, WorkspaceId,
};

use super::failure::{damaged, int, uint};
use super::writer::{Keep, Work};
use crate::service::{Publish, unavailable};
use crate::store::verdict::{Verdict, reject, report};
use crate::store::{Push, StoreError};

/// A workspace's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ledger {
    pub(super) id: i64,
    pub(super) owner: [u8; 16],
    pub(super) head: Head,
    pub(super) digest: Digest,
    pub(super) nodes: u64,
}

/// Reads a workspace's row.
pub(super) fn find(connection: &Connection, workspace: WorkspaceId) -> Result<Option<Ledger>, StoreError> {
    let sql = "SELECT id, owner, seq, chain, digest, nodes FROM workspaces WHERE workspace = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Ledger {
            id: row.get(0)?,
            owner: row.get(1)?,
            head: Head { seq: uint(row.get(2)?), chain: Chain::new(row.get(3)?) },
            digest: Digest::new(row.get(4)?),
            nodes: uint(row.get(5)?),
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row([workspace.as_bytes()], read).optional()?)
}

/// Whether a point is on the ledger's chain.
pub(super) fn is_on_chain(connection: &Connection, ledger: &Ledger, point: Head) -> Result<bool, StoreError> {
    if point.seq == 0 {
        return Ok(point == Head::EMPTY);
    }
    if point.seq >= ledger.head.seq {
        return Ok(point == ledger.head);
    }
    let sql = "SELECT chain FROM entries WHERE ws = ?1 AND seq = ?2";
    let chain: Option<[u8; 32]> = connection
        .prepare_cached(sql)?
        .query_row(params![ledger.id, int(point.seq)], |row| row.get(0))
        .optional()?;
    Ok(chain == Some(*point.chain.as_bytes()))
}

/// The current revision of a record.
fn current(
    connection: &Connection,
    ws: i64,
    record: RecordId,
    part: Part,
) -> Result<Option<Revision>, StoreError> {
    let sql = "SELECT revision FROM records WHERE ws = ?1 AND record = ?2 AND part = ?3";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![ws, record.as_bytes(), part as u8], |row| row.get(0).map(Revision::new))
        .optional()?;
    Ok(found)
}

/// A push on its way through the writer.
pub(super) struct PushWork {
    push: Push,
    verdict: Option<Verdict>,
}

impl PushWork {
    pub(super) fn new(push: Push) -> Self {
        Self { push, verdict: None }
    }
}

impl Work for PushWork {
    fn run(&mut self, connection: &Connection) -> Result<Keep, StoreError> {
        let verdict = judge(connection, &self.push)?;
        let keep = if matches!(verdict, Verdict::Accepted { .. }) { Keep::Yes } else { Keep::No };
        self.verdict = Some(verdict);
        Ok(keep)
    }

    fn done(self: Box<Self>, result: Result<(), StoreError>, publish: &dyn Publish) {
        let Self { push, verdict } = *self;
        let verdict = match (result, verdict) {
            (Ok(()), Some(verdict)) => verdict,
            (Err(error), _) => Verdict::Rejected(refusal(&error)),
            (Ok(()), None) => Verdict::Rejected(refusal(&StoreError::Stopped)),
        };
        report(push, verdict, publish);
    }

    fn bytes(&self) -> usize {
        let envelopes: usize = self.push.envelopes.iter().map(|envelope| envelope.len()).sum();
        512 + self.push.signed.header.len() * 2 + envelopes
    }
}

fn refusal(error: &StoreError) -> Refusal {
    match error {
        StoreError::Unavailable { .. } => unavailable(),
        StoreError::Stopped => Refusal::new(ErrorCode::GoingAway, "the server is shutting down"),
        error => {
            tracing::error!(error = %crate::store::Chained(error), "push");
            Refusal::new(ErrorCode::Internal, "the server's log says more")
        }
    }
}

fn judge(connection: &Connection, push: &Push) -> Result<Verdict, StoreError> {
    let header = &push.header;
    if !has_session(connection, push)? {
        return Ok(reject(ErrorCode::SessionEnded, "the session was ended"));
    }
    let founding = matches!(header.content, Content::Charter(CharterOp::Found(_)));
    let found = find(connection, header.workspace)?;
    let Some(ledger) = found else {
        if founding {
            return make_workspace(connection, push);
        }
        return Ok(reject(ErrorCode::NotFound, "nothing there for this account"));
    };
    if ledger.owner != *header.author.as_bytes() {
        return Ok(reject(ErrorCode::NotFound, "nothing there for this account"));
    }
    if let Some(verdict) = known(connection, &ledger, push)? {
        return Ok(verdict);
    }
    if founding {
        return Ok(reject(ErrorCode::BadRequest, "the workspace is founded already"));
    }
    if !is_on_chain(connection, &ledger, header.seen)? {
        return Ok(reject(ErrorCode::CursorUnknown, "the commit has seen another history"));
    }
    match &header.content {
        Content::Ops { ops, expects, bulk, .. } => {
            judge_ops(connection, push, &ledger, &Asked { ops, expects, bulk: *bulk })
        }
        Content::Charter(_) => {
            add_writer(connection, ledger.id, push)?;
            accept(connection, push, ledger, false)
        }
    }
}

/// The session was there when the frame came; access ends at once when it does.
fn has_session(connection: &Connection, push: &Push) -> Result<bool, StoreError> {
    let sql = "SELECT key FROM apps WHERE account = ?1 AND app = ?2";
    let of = params![push.header.author.as_bytes(), push.header.app.as_bytes()];
    let key: Option<[u8; 32]> = connection.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?;
    Ok(key == Some(*push.app_key.as_bytes()))
}

/// The first answer again for a commit that is in the ledger.
fn known(connection: &Connection, ledger: &Ledger, push: &Push) -> Result<Option<Verdict>, StoreError> {
    let sql = "SELECT seq, header FROM entries WHERE ws = ?1 AND commit_id = ?2";
    let read = |row: &rusqlite::Row<'_>| {
        let same = row.get_ref(1)?.as_blob().is_ok_and(|header| header == push.signed.header.as_slice());
        Ok((uint(row.get(0)?), same))
    };
    let of = params![ledger.id, push.header.commit.as_bytes()];
    let found = connection.prepare_cached(sql)?.query_row(of, read).optional()?;
    Ok(found.map(|(seq, same)| {
        if same {
            return Verdict::Repeated { seq };
        }
        reject(ErrorCode::CommitIdReused, "other bytes under a known commit id")
    }))
}

fn make_workspace(connection: &Connection, push: &Push) -> Result<Verdict, StoreError> {
    let owner = push.header.author.as_bytes();
    let sql = "SELECT count(*) FROM workspaces WHERE owner = ?1";
    let count: i64 = connection.prepare_cached(sql)?.query_row([owner], |row| row.get(0))?;
    if uint(count) >= WORKSPACES_MAX as u64 {
        return Ok(reject(ErrorCode::Quota, "the account has as many workspaces as it may"));
    }
    if push.header.seen != Head::EMPTY {
        return Ok(reject(ErrorCode::CursorUnknown, "a founding has seen nothing"));
    }
    let digest = Digest::new(StateDigest::default().to_bytes());
    let sql =
        "INSERT INTO workspaces (workspace, owner, seq, chain, digest, nodes) VALUES (?1, ?2, 0, ?3, ?4, 0)";
    let values = params![push.header.workspace.as_bytes(), owner, [0_u8; 32], digest.as_bytes()];
    connection.prepare_cached(sql)?.execute(values)?;
    let id = connection.last_insert_rowid();
    add_writer(connection, id, push)?;
    accept(connection, push, Ledger { id, owner: *owner, head: Head::EMPTY, digest, nodes: 0 }, true)
}

fn add_writer(connection: &Connection, ws: i64, push: &Push) -> Result<(), StoreError> {
    let sql = "INSERT INTO writers (ws, app, key) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET key = excluded.key";
    let values = params![ws, push.header.app.as_bytes(), push.app_key.as_bytes()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn is_writer(connection: &Connection, ws: i64, push: &Push) -> Result<bool, StoreError> {
    Ok(writer_key(connection, ws, push.header.app)? == Some(*push.app_key.as_bytes()))
}

/// The key of an app in a workspace's charter.
pub(super) fn writer_key(
    connection: &Connection,
    ws: i64,
    app: AppId,
) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT key FROM writers WHERE ws = ?1 AND app = ?2";
    let of = params![ws, app.as_bytes()];
    Ok(connection.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?)
}

struct Asked<'a> {
    ops: &'a [Op],
    expects: &'a [Expect],
    bulk: bool,
}

fn judge_ops(
    connection: &Connection,
    push: &Push,
    ledger: &Ledger,
    asked: &Asked<'_>,
) -> Result<Verdict, StoreError> {
    if !is_writer(connection, ledger.id, push)? {
        return Ok(reject(ErrorCode::Forbidden, "the app is not in the workspace's charter"));
    }
    let records = find_stale(connection, ledger.id, asked)?;
    if !records.is_empty() {
        return Ok(Verdict::Stale { head: ledger.head, records });
    }
    if !asked.bulk && purges_in_bulk(asked.ops, ledger.nodes) {
        return Ok(reject(ErrorCode::BulkNotMarked, "a purge of many records needs the bulk mark"));
    }
    let mut ledger = *ledger;
    apply(connection, push, &mut ledger, asked.ops)?;
    accept(connection, push, ledger, false)
}

fn find_stale(connection: &Connection, ws: i64, asked: &Asked<'_>) -> Result<Vec<StaleRecord>, StoreError> {
    let parents = asked.ops.iter().map(|op| (op.record, op.part, op.parent));
    let expects = asked.expects.iter().map(|expect| (expect.record, expect.part, expect.revision));
    let mut stale: Vec<StaleRecord> = Vec::new();
    for (record, part, revision) in parents.chain(expects) {
        let present = current(connection, ws, record, part)?;
        let named = || stale.iter().any(|other| other.record == record && other.part == part);
        if present != revision && !named() {
            stale.push(StaleRecord { record, part, revision: present });
        }
    }
    Ok(stale)
}

fn purges_in_bulk(ops: &[Op], nodes: u64) -> bool {
    let purged: BTreeSet<_> = ops.iter().filter(|op| op.put.is_none()).map(|op| op.record).collect();
    purged.len() as u64 > (nodes / 10).max(PURGE_OPS_FREE as u64)
}

/// Writes the operations, and their effect on digest and count into `ledger`.
fn apply(connection: &Connection, push: &Push, ledger: &mut Ledger, ops: &[Op]) -> Result<(), StoreError> {
    let mut digest = StateDigest::from_bytes(ledger.digest.as_bytes());
    let mut envelopes = push.envelopes.iter();
    for op in ops {
        let (record, part) = (op.record.as_bytes(), op.part as u8);
        if let Some(parent) = op.parent {
            digest.remove(record, part, parent.as_bytes());
        }
        if let Some(put) = op.put {
            let envelope = envelopes.next().ok_or(damaged("push: an envelope is missing"))?;
            digest.add(record, part, put.as_bytes());
            put_record(connection, ledger, op, put, envelope, push.now_ms)?;
        } else {
            let sql = "DELETE FROM records WHERE ws = ?1 AND record = ?2 AND part = ?3";
            connection.prepare_cached(sql)?.execute(params![ledger.id, record, part])?;
            let sql = "INSERT INTO purges (ws, record, part, seq, made_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
            let values = params![ledger.id, record, part, int(ledger.head.seq + 1), int(push.now_ms)];
            connection.prepare_cached(sql)?.execute(values)?;
        }
        if op.part == Part::Node {
            let change = i64::from(op.put.is_some()) - i64::from(op.parent.is_some());
            ledger.nodes = ledger.nodes.saturating_add_signed(change);
        }
    }
    ledger.digest = Digest::new(digest.to_bytes());
    Ok(())
}

fn put_record(
    connection: &Connection,
    ledger: &Ledger,
    op: &Op,
    put: Revision,
    envelope: &ByteVec,
    now_ms: u64,
) -> Result<(), StoreError> {
    let (record, part, seq) = (op.record.as_bytes(), op.part as u8, int(ledger.head.seq + 1));
    let sql = "INSERT INTO envelopes (ws, record, part, seq, made_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![ledger.id, record, part, seq, int(now_ms), envelope.as_slice()];
    connection.prepare_cached(sql)?.execute(values)?;
    let sql = "INSERT INTO records (ws, record, part, revision, seq, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT DO UPDATE SET revision = excluded.revision, seq = excluded.seq, envelope = excluded.envelope";
    let values = params![ledger.id, record, part, put.as_bytes(), seq, connection.last_insert_rowid()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Appends the entry and moves the head.
fn accept(
    connection: &Connection,
    push: &Push,
    ledger: Ledger,
    founded: bool,
) -> Result<Verdict, StoreError> {
    let CommitHeader { commit, .. } = &push.header;
    let chain = derive_chain(ledger.head.chain.as_bytes(), &push.signed.header);
    let head = Head { seq: ledger.head.seq + 1, chain: Chain::new(chain) };
    let sql = "INSERT INTO entries (ws, seq, commit_id, chain, signature, header, charter) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let charter = matches!(push.header.content, Content::Charter(_));
    let signature = push.signed.signature.as_bytes().as_slice();
    let header = push.signed.header.as_slice();
    let values = params![ledger.id, int(head.seq), commit.as_bytes(), chain, signature, header, charter];
    connection.prepare_cached(sql)?.execute(values)?;
    let sql = "UPDATE workspaces SET seq = ?2, chain = ?3, digest = ?4, nodes = ?5 WHERE id = ?1";
    let values = params![ledger.id, int(head.seq), chain, ledger.digest.as_bytes(), int(ledger.nodes)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(Verdict::Accepted { head, founded })
}
