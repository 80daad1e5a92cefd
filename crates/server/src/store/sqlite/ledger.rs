//! What a push does inside the writer's transaction: compare everything, then write.
//!
//! Nothing is written before the last comparison, so a refused commit leaves nothing to undo. The
//! workspace's row holds seq, chain and digest; it is read and written in the same transaction, and
//! there is one writer, so two commits never get one seq.

use std::collections::BTreeSet;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use rusqlite::{Connection, OptionalExtension, params};
use satchel_charter::Charter;
use satchel_crypto::{StateDigest, derive_chain, derive_link};
use satchel_wire::limits::{PURGE_OPS_FREE, WORKSPACES_MAX};
use satchel_wire::{
    AccountId, AppId, Chain, CharterOp, CommitHeader, Content, Digest, ErrorCode, Expect, Head, Op, Part,
    RecordId, Refusal, Revision, Role, StaleRecord, WorkspaceId, WorkspaceKind,
};

use super::failure::{damaged, int, uint};
use super::people::{self, Charters};
use super::writer::{Keep, Work};
use crate::service::{Publish, unavailable};
use crate::store::people::{Change, Moves, check_epoch, check_writer, enact};
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
    /// The newest entry of which only the link is kept.
    pub(super) pruned: u64,
    /// The present key epoch.
    pub(super) epoch: u32,
    /// The number of its kind.
    pub(super) kind: u8,
    /// The team's roster, where it is a team's.
    pub(super) roster: Option<WorkspaceId>,
    /// What the account that asks may do; none where it is no member, or is suspended.
    pub(super) role: Option<Role>,
    /// Whether the account that asks is a member and suspended.
    pub(super) is_suspended: bool,
    /// How many bytes the account that founded it may have; 0 for no limit.
    pub(super) bytes_max: u64,
}

/// Reads a workspace's row, as an account sees it.
pub(super) fn find(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
) -> Result<Option<Ledger>, StoreError> {
    let sql = "SELECT w.id, w.owner, w.seq, w.chain, w.digest, w.nodes, w.pruned, w.epoch, w.kind, w.roster,
                   m.role, m.suspended, coalesce((SELECT bytes FROM limits WHERE account = w.owner),
                       (SELECT bytes FROM limits WHERE account = x''), 0)
               FROM workspaces AS w LEFT JOIN members AS m ON m.ws = w.id AND m.account = ?2
               WHERE w.workspace = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        let standing = row.get::<_, Option<u8>>(10)?.zip(row.get::<_, Option<u8>>(11)?);
        Ok(Ledger {
            id: row.get(0)?,
            owner: row.get(1)?,
            head: Head { seq: uint(row.get(2)?), chain: Chain::new(row.get(3)?) },
            digest: Digest::new(row.get(4)?),
            nodes: uint(row.get(5)?),
            pruned: uint(row.get(6)?),
            epoch: row.get(7)?,
            kind: row.get(8)?,
            roster: row.get::<_, Option<_>>(9)?.map(WorkspaceId::new),
            role: standing.filter(|(_, suspended)| *suspended == 0).and_then(|(role, _)| people::role(role)),
            is_suspended: standing.is_some_and(|(_, suspended)| suspended != 0),
            bytes_max: uint(row.get(12)?),
        })
    };
    let of = params![workspace.as_bytes(), account.as_bytes()];
    Ok(connection.prepare_cached(sql)?.query_row(of, read).optional()?)
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
    charters: Arc<Charters>,
    verdict: Option<Verdict>,
}

impl PushWork {
    pub(super) fn new(push: Push, charters: Arc<Charters>) -> Self {
        Self { push, charters, verdict: None }
    }
}

impl Work for PushWork {
    fn run(&mut self, connection: &Connection) -> Result<Keep, StoreError> {
        let verdict = judge(connection, &self.push, &self.charters)?;
        let keep = if matches!(verdict, Verdict::Accepted { .. }) { Keep::Yes } else { Keep::No };
        self.verdict = Some(verdict);
        Ok(keep)
    }

    fn done(self: Box<Self>, result: Result<(), StoreError>, publish: &dyn Publish) {
        let Self { push, verdict, .. } = *self;
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

fn judge(connection: &Connection, push: &Push, charters: &Charters) -> Result<Verdict, StoreError> {
    let header = &push.header;
    if !has_session(connection, push)? {
        return Ok(reject(ErrorCode::SessionEnded, "the session was ended"));
    }
    let founding = match &header.content {
        Content::Charter(CharterOp::Found(founding)) => Some(founding),
        _ => None,
    };
    let Some(ledger) = find(connection, header.author, header.workspace)? else {
        return match founding {
            Some(founding) => make_workspace(connection, push, founding.kind, charters),
            None => Ok(nothing()),
        };
    };
    let Some(role) = ledger.role else { return Ok(nothing()) };
    if let Some(verdict) = known(connection, &ledger, push)? {
        return Ok(verdict);
    }
    if founding.is_some() {
        return Ok(reject(ErrorCode::BadRequest, "the workspace is founded already"));
    }
    if !is_on_chain(connection, &ledger, header.seen)? {
        return Ok(reject(ErrorCode::CursorUnknown, "the commit has seen another history"));
    }
    match &header.content {
        Content::Ops { ops, expects, bulk, .. } => {
            if let Err(refusal) = check_writer(role) {
                return Ok(Verdict::Rejected(refusal));
            }
            judge_ops(connection, push, &ledger, &Asked { ops, expects, bulk: *bulk })
        }
        Content::Charter(op) => judge_charter(connection, push, ledger, op, charters),
    }
}

fn nothing() -> Verdict {
    reject(ErrorCode::NotFound, "nothing there for this account")
}

fn judge_charter(
    connection: &Connection,
    push: &Push,
    ledger: Ledger,
    op: &CharterOp,
    charters: &Charters,
) -> Result<Verdict, StoreError> {
    let before = charters.read(connection, &ledger)?;
    let after = match enact(&before, ledger.head.seq + 1, push) {
        Ok(after) => after,
        Err(refusal) => return Ok(Verdict::Rejected(refusal)),
    };
    if let Some(refusal) = people::check_member(connection, &ledger, op)? {
        return Ok(Verdict::Rejected(refusal));
    }
    let change = Change::between(&before, &after);
    let head = append(connection, push, Ledger { epoch: after.epoch(), ..ledger })?;
    charters.keep(ledger.id, head, after);
    let moves = people::write_change(connection, &ledger, (push.header.workspace, head), &change)?;
    Ok(Verdict::Accepted { head, founded: false, moves })
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
        let kept = row.get_ref(1)?.as_blob().unwrap_or_default();
        let same = kept == push.signed.header.as_slice() || kept == derive_link(&push.signed.header);
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

fn make_workspace(
    connection: &Connection,
    push: &Push,
    kind: WorkspaceKind,
    charters: &Charters,
) -> Result<Verdict, StoreError> {
    let owner = push.header.author;
    let (kind, roster) = people::kind(kind);
    if let Some(verdict) = check_founder(connection, owner, roster)? {
        return Ok(verdict);
    }
    if push.header.seen != Head::EMPTY {
        return Ok(reject(ErrorCode::CursorUnknown, "a founding has seen nothing"));
    }
    let charter = match enact(&Charter::default(), 1, push) {
        Ok(charter) => charter,
        Err(refusal) => return Ok(Verdict::Rejected(refusal)),
    };
    let digest = Digest::new(StateDigest::default().to_bytes());
    let sql = "INSERT INTO workspaces (workspace, owner, seq, chain, digest, nodes, epoch, kind, roster)
               VALUES (?1, ?2, 0, ?3, ?4, 0, 1, ?5, ?6)";
    let (workspace, chain) = (push.header.workspace, [0_u8; 32]);
    let named = roster.as_ref().map(WorkspaceId::as_bytes);
    let values = params![workspace.as_bytes(), owner.as_bytes(), chain, digest.as_bytes(), kind, named];
    connection.prepare_cached(sql)?.execute(values)?;
    let Some(ledger) = find(connection, owner, workspace)? else {
        return Err(damaged("workspace that was just made"));
    };
    let head = append(connection, push, ledger)?;
    let change = Change::between(&Charter::default(), &charter);
    charters.keep(ledger.id, head, charter);
    people::write_change(connection, &ledger, (workspace, head), &change)?;
    Ok(Verdict::Accepted { head, founded: true, moves: Moves::default() })
}

/// Whether an account may found another workspace, and one of this team.
fn check_founder(
    connection: &Connection,
    owner: AccountId,
    roster: Option<WorkspaceId>,
) -> Result<Option<Verdict>, StoreError> {
    if let Some(roster) = roster {
        let found = find(connection, owner, roster)?.filter(|ledger| ledger.kind == people::ROSTER);
        let Some(role) = found.and_then(|ledger| ledger.role) else { return Ok(Some(nothing())) };
        if let Err(refusal) = check_writer(role) {
            return Ok(Some(Verdict::Rejected(refusal)));
        }
    }
    let sql = "SELECT (SELECT count(*) FROM workspaces WHERE owner = ?1),
               coalesce((SELECT workspaces FROM limits WHERE account = ?1),
                   (SELECT workspaces FROM limits WHERE account = x''), 0)";
    let read = |row: &rusqlite::Row<'_>| Ok((uint(row.get(0)?), uint(row.get(1)?)));
    let (count, max) = connection.prepare_cached(sql)?.query_row([owner.as_bytes()], read)?;
    let max = if max == 0 { WORKSPACES_MAX as u64 } else { max.min(WORKSPACES_MAX as u64) };
    let is_full = count >= max;
    Ok(is_full.then(|| reject(ErrorCode::Quota, "the account has as many workspaces as it may")))
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
    if let Err(refusal) = check_epoch(push.header.epoch, ledger.epoch) {
        return Ok(Verdict::Rejected(refusal));
    }
    let bytes: usize = push.envelopes.iter().map(|envelope| envelope.len()).sum();
    if bytes > 0 && is_full(connection, ledger, bytes)? {
        return Ok(reject(ErrorCode::Quota, "the room of the workspace's founder is used up"));
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
    let head = append(connection, push, ledger)?;
    Ok(Verdict::Accepted { head, founded: false, moves: Moves::default() })
}

/// Whether so many bytes more are over what the workspace's founder may have.
pub(super) fn is_full(connection: &Connection, ledger: &Ledger, bytes: usize) -> Result<bool, StoreError> {
    if ledger.bytes_max == 0 {
        return Ok(false);
    }
    let sql = "SELECT coalesce(sum(bytes), 0) FROM workspaces WHERE owner = ?1";
    let used: i64 = connection.prepare_cached(sql)?.query_row([ledger.owner], |row| row.get(0))?;
    Ok(uint(used).saturating_add(bytes as u64) > ledger.bytes_max)
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
fn append(connection: &Connection, push: &Push, ledger: Ledger) -> Result<Head, StoreError> {
    let CommitHeader { commit, .. } = &push.header;
    let chain = derive_chain(ledger.head.chain.as_bytes(), &push.signed.header);
    let head = Head { seq: ledger.head.seq + 1, chain: Chain::new(chain) };
    let sql = "INSERT INTO entries (ws, seq, commit_id, chain, signature, header, charter, made_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let charter = matches!(push.header.content, Content::Charter(_));
    let signature = push.signed.signature.as_bytes().as_slice();
    let header = push.signed.header.as_slice();
    let made_ms = int(push.now_ms);
    let values =
        params![ledger.id, int(head.seq), commit.as_bytes(), chain, signature, header, charter, made_ms];
    connection.prepare_cached(sql)?.execute(values)?;
    let sql = "UPDATE workspaces SET seq = ?2, chain = ?3, digest = ?4, nodes = ?5, epoch = ?6,
                   bytes = bytes + ?7 WHERE id = ?1";
    let (digest, nodes) = (ledger.digest.as_bytes(), int(ledger.nodes));
    let bytes: usize = push.envelopes.iter().map(|envelope| envelope.len()).sum();
    let bytes = int(bytes as u64);
    let values = params![ledger.id, int(head.seq), chain, digest, nodes, ledger.epoch, bytes];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(head)
}
