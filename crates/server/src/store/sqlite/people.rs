//! People in rows: what a charter's entry changes, claims of invitations, and who may use what.
//!
//! The charter itself is in the ledger. Its state is read from there when an entry is to be judged, and kept
//! for the next one; a commit of records is judged by rows alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use satchel_charter::Charter;
use satchel_wire::{
    AccountId, AddedMember, Bytes32, Chain, CharterOp, CommitHeader, Head, InviteId, JoinProof, Refusal,
    Role, WorkspaceEntry, WorkspaceId, WorkspaceKind, decode, encode,
};

use super::failure::{damaged, int, uint};
use super::ledger::{self, Ledger};
use super::read::{read_header, readable};
use crate::store::StoreError;
use crate::store::people::{Change, InviteRow, JoinVerdict, Moves, NewJoin, Suspension, refuse_member};

/// Charters that are kept.
const KEPT_MAX: usize = 32;

/// Reads a role.
pub(super) fn role(value: u8) -> Option<Role> {
    [Role::Viewer, Role::Editor, Role::Admin].into_iter().find(|role| *role as u8 == value)
}

/// The number of a kind, and the roster that it names.
pub(super) fn kind(kind: WorkspaceKind) -> (u8, Option<WorkspaceId>) {
    match kind {
        WorkspaceKind::Personal => (0, None),
        WorkspaceKind::Roster => (ROSTER, None),
        WorkspaceKind::Team(roster) => (2, Some(roster)),
    }
}

/// The number of a roster's kind.
pub(super) const ROSTER: u8 = 1;

/// A charter as it was after an entry, named by the chain there: a rolled back transaction leaves one that
/// is on no chain, and is not used.
struct Kept {
    ws: i64,
    at: Head,
    charter: Charter,
}

/// The charters that were asked for last.
#[derive(Default)]
pub(super) struct Charters(Mutex<VecDeque<Kept>>);

impl Charters {
    fn take(&self, ws: i64) -> Option<Kept> {
        // The queue is valid after every statement, so a panic elsewhere does not spoil it.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kept.iter().position(|one| one.ws == ws)?;
        kept.remove(index)
    }

    pub(super) fn keep(&self, ws: i64, at: Head, charter: Charter) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| one.ws != ws);
        kept.push_back(Kept { ws, at, charter });
        if kept.len() > KEPT_MAX {
            kept.pop_front();
        }
    }

    /// The charter of a ledger at its head.
    pub(super) fn read(&self, connection: &Connection, ledger: &Ledger) -> Result<Charter, StoreError> {
        let begin = || Kept { ws: ledger.id, at: Head::EMPTY, charter: Charter::default() };
        let mut kept = self.take(ledger.id).unwrap_or_else(begin);
        if !ledger::is_on_chain(connection, ledger, kept.at)? {
            kept = begin();
        }
        let sql = "SELECT header, signature, seq, chain FROM entries INDEXED BY entries_charter
                   WHERE ws = ?1 AND charter AND seq > ?2 ORDER BY seq";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![ledger.id, int(kept.at.seq)])?;
        while let Some(row) = rows.next()? {
            let signed = read_header(row)?;
            let header = CommitHeader::decode(&signed.header).map_err(|_| damaged("header"))?;
            let at = Head { seq: uint(row.get(2)?), chain: Chain::new(row.get(3)?) };
            kept.charter.replay(at.seq, &header, &signed).map_err(|_| damaged("charter"))?;
            kept.at = at;
        }
        let charter = kept.charter.clone();
        self.keep(ledger.id, kept.at, kept.charter);
        Ok(charter)
    }
}

/// What only rows know of a new member: that the keys are the account's, and that the account waits under
/// the invitation, or is in the team.
pub(super) fn check_member(
    connection: &Connection,
    ledger: &Ledger,
    op: &CharterOp,
) -> Result<Option<Refusal>, StoreError> {
    let CharterOp::AddMember(added) = op else { return Ok(None) };
    let is_right = has_keys(connection, added)?
        && match added.invite {
            Some(invite) => waits(connection, ledger.id, invite, added.account)?,
            None => match ledger.roster {
                Some(roster) => is_in_team(connection, roster, added.account)?,
                None => false,
            },
        };
    Ok((!is_right).then(|| refuse_member(added.invite.is_some())))
}

fn has_keys(connection: &Connection, added: &AddedMember) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM accounts WHERE account = ?1 AND signing_key = ?2 AND sealing_key = ?3";
    let of = params![added.account.as_bytes(), added.signing_key.as_bytes(), added.sealing_key.as_bytes()];
    Ok(connection.prepare_cached(sql)?.exists(of)?)
}

fn waits(connection: &Connection, ws: i64, invite: InviteId, account: AccountId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM member_invites WHERE ws = ?1 AND invite = ?2 AND account = ?3";
    Ok(connection.prepare_cached(sql)?.exists(params![ws, invite.as_bytes(), account.as_bytes()])?)
}

fn is_in_team(connection: &Connection, roster: WorkspaceId, account: AccountId) -> Result<bool, StoreError> {
    let found = ledger::find(connection, account, roster)?;
    Ok(found.is_some_and(|ledger| ledger.kind == ROSTER && ledger.role.is_some()))
}

/// Writes the difference between two charters. The ledger is as it is before the entry, `head` is the new one.
pub(super) fn write_change(
    connection: &Connection,
    ledger: &Ledger,
    (workspace, head): (WorkspaceId, Head),
    change: &Change,
) -> Result<Moves, StoreError> {
    let mut moves = Moves::default();
    write_apps(connection, ledger.id, change)?;
    write_invites(connection, ledger.id, change)?;
    for (account, role) in &change.roles {
        let sql = "UPDATE members SET role = ?3 WHERE ws = ?1 AND account = ?2";
        connection.prepare_cached(sql)?.execute(params![ledger.id, account.as_bytes(), *role as u8])?;
    }
    for account in &change.removed {
        let sql = "DELETE FROM members WHERE ws = ?1 AND account = ?2 RETURNING suspended";
        let of = params![ledger.id, account.as_bytes()];
        let was: Option<u8> = connection.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?;
        if was == Some(0) {
            moves.removed.push(*account);
        }
    }
    for (account, role) in &change.added {
        let sql = "INSERT OR REPLACE INTO members (ws, account, role, suspended) VALUES (?1, ?2, ?3, 0)";
        connection.prepare_cached(sql)?.execute(params![ledger.id, account.as_bytes(), *role as u8])?;
        moves.shown.push((*account, WorkspaceEntry { workspace, head }));
    }
    if ledger.kind == ROSTER {
        follow_roster(connection, workspace, change, &mut moves)?;
    }
    Ok(moves)
}

fn write_apps(connection: &Connection, ws: i64, change: &Change) -> Result<(), StoreError> {
    for app in &change.apps_removed {
        let sql = "DELETE FROM writers WHERE ws = ?1 AND app = ?2";
        connection.prepare_cached(sql)?.execute(params![ws, app.as_bytes()])?;
    }
    for app in &change.apps_added {
        let sql = "INSERT OR REPLACE INTO writers (ws, app, account, key) VALUES (?1, ?2, ?3, ?4)";
        let values = params![ws, app.app.as_bytes(), app.account.as_bytes(), app.key.as_bytes()];
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

fn write_invites(connection: &Connection, ws: i64, change: &Change) -> Result<(), StoreError> {
    for invite in &change.invites_closed {
        let sql = "DELETE FROM member_invites WHERE ws = ?1 AND invite = ?2";
        connection.prepare_cached(sql)?.execute(params![ws, invite.as_bytes()])?;
    }
    for (invite, open) in &change.invites_opened {
        let sql =
            "INSERT OR REPLACE INTO member_invites (ws, invite, key, expires_ms) VALUES (?1, ?2, ?3, ?4)";
        let values = params![ws, invite.as_bytes(), open.key.as_bytes(), int(open.expires_ms)];
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

/// Who leaves a team loses its workspaces at once; who comes back gets those where nobody has removed them.
fn follow_roster(
    connection: &Connection,
    roster: WorkspaceId,
    change: &Change,
    moves: &mut Moves,
) -> Result<(), StoreError> {
    for account in &change.removed {
        let entries = suspend(connection, roster, *account, (None, Some(Suspension::NotInTeam)))?;
        moves.hidden.extend(entries.into_iter().map(|entry| (*account, entry.workspace)));
    }
    for (account, _) in &change.added {
        let entries = suspend(connection, roster, *account, (Some(Suspension::NotInTeam), None))?;
        moves.shown.extend(entries.into_iter().map(|entry| (*account, entry)));
    }
    Ok(())
}

/// Changes one suspension into another in every workspace of a team; answers where.
fn suspend(
    connection: &Connection,
    roster: WorkspaceId,
    account: AccountId,
    (from, to): (Option<Suspension>, Option<Suspension>),
) -> Result<Vec<WorkspaceEntry>, StoreError> {
    let (from, to) = (Suspension::number(from), Suspension::number(to));
    let sql = "SELECT w.workspace, w.seq, w.chain FROM workspaces AS w JOIN members AS m ON m.ws = w.id
               WHERE w.roster = ?1 AND m.account = ?2 AND m.suspended = ?3 ORDER BY w.id";
    let mut statement = connection.prepare_cached(sql)?;
    let of = params![roster.as_bytes(), account.as_bytes(), from];
    let entries = statement.query_map(of, read_entry)?.collect::<Result<_, _>>()?;
    let sql = "UPDATE members SET suspended = ?4 WHERE account = ?2 AND suspended = ?3
               AND ws IN (SELECT id FROM workspaces WHERE roster = ?1)";
    let of = params![roster.as_bytes(), account.as_bytes(), from, to];
    connection.prepare_cached(sql)?.execute(of)?;
    Ok(entries)
}

/// Reads id, seq and chain of a workspace.
pub(super) fn read_entry(row: &Row<'_>) -> rusqlite::Result<WorkspaceEntry> {
    let head = Head { seq: uint(row.get(1)?), chain: Chain::new(row.get(2)?) };
    Ok(WorkspaceEntry { workspace: WorkspaceId::new(row.get(0)?), head })
}

/// The ledger of a workspace of which the account is an admin.
pub(super) fn administered(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
) -> Result<Ledger, StoreError> {
    let ledger = readable(connection, account, workspace)?;
    if ledger.role == Some(Role::Admin) { Ok(ledger) } else { Err(StoreError::RoleTooLow) }
}

pub(super) fn invite(
    connection: &Connection,
    workspace: WorkspaceId,
    invite: InviteId,
) -> Result<Option<InviteRow>, StoreError> {
    let sql = "SELECT i.key, i.expires_ms FROM member_invites AS i JOIN workspaces AS w ON w.id = i.ws
               WHERE w.workspace = ?1 AND i.invite = ?2";
    let read =
        |row: &Row<'_>| Ok(InviteRow { key: Bytes32::new(row.get(0)?), expires_ms: uint(row.get(1)?) });
    let of = params![workspace.as_bytes(), invite.as_bytes()];
    Ok(connection.prepare_cached(sql)?.query_row(of, read).optional()?)
}

pub(super) fn put_join(connection: &Connection, join: &NewJoin) -> Result<JoinVerdict, StoreError> {
    let Some(ledger) = ledger::find(connection, join.account, join.workspace)? else {
        return Ok(JoinVerdict::Gone);
    };
    if ledger.role.is_some() {
        return Ok(JoinVerdict::Member);
    }
    if ledger.is_suspended {
        return Ok(JoinVerdict::Gone);
    }
    let sql = "SELECT account FROM member_invites WHERE ws = ?1 AND invite = ?2 AND expires_ms > ?3";
    let of = params![ledger.id, join.invite.as_bytes(), int(join.now_ms)];
    let claimed = connection.prepare_cached(sql)?.query_row(of, |row| row.get::<_, Option<[u8; 16]>>(0));
    let is_new = match claimed.optional()? {
        None => return Ok(JoinVerdict::Gone),
        Some(Some(other)) if other != *join.account.as_bytes() => return Ok(JoinVerdict::Gone),
        Some(before) => before.is_none(),
    };
    let sql = "UPDATE member_invites SET account = ?3, proof = ?4 WHERE ws = ?1 AND invite = ?2";
    let values = params![ledger.id, join.invite.as_bytes(), join.account.as_bytes(), encode(&join.proof)];
    connection.prepare_cached(sql)?.execute(values)?;
    let admins = if is_new { admins(connection, ledger.id)? } else { Vec::new() };
    Ok(JoinVerdict::Waits { admins, proofs: waiting(connection, ledger.id, join.now_ms)? })
}

fn admins(connection: &Connection, ws: i64) -> Result<Vec<AccountId>, StoreError> {
    let sql = "SELECT account FROM members WHERE ws = ?1 AND role = ?2 AND suspended = 0";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![ws, Role::Admin as u8], |row| row.get(0).map(AccountId::new))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn waiting(connection: &Connection, ws: i64, now_ms: u64) -> Result<Vec<JoinProof>, StoreError> {
    let sql = "SELECT proof FROM member_invites
               WHERE ws = ?1 AND account IS NOT NULL AND expires_ms > ?2 ORDER BY invite";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![ws, int(now_ms)], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|bytes| decode("claim", &bytes?).map_err(|_| damaged("claim"))).collect()
}

pub(super) fn joins(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    now_ms: u64,
) -> Result<Vec<JoinProof>, StoreError> {
    waiting(connection, administered(connection, account, workspace)?.id, now_ms)
}

pub(super) fn refuse_join(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
    invite: InviteId,
) -> Result<(), StoreError> {
    let ledger = administered(connection, account, workspace)?;
    let sql = "UPDATE member_invites SET account = NULL, proof = NULL WHERE ws = ?1 AND invite = ?2";
    connection.prepare_cached(sql)?.execute(params![ledger.id, invite.as_bytes()])?;
    Ok(())
}

/// Forgets invitations that have ended, with their claims.
pub(super) fn forget_invites(connection: &Connection, now_ms: u64) -> Result<(), StoreError> {
    let sql = "DELETE FROM member_invites WHERE expires_ms <= ?1";
    connection.prepare_cached(sql)?.execute([int(now_ms)])?;
    Ok(())
}

/// Workspaces by a condition on an account `?1`, in the order of their founding.
fn list(connection: &Connection, sql: &str, account: AccountId) -> Result<Vec<WorkspaceId>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([account.as_bytes()], |row| row.get(0).map(WorkspaceId::new))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether an account can go: it is in no team, and no workspace is left without an admin by it.
pub(super) fn check_leaving(connection: &Connection, account: AccountId) -> Result<(), StoreError> {
    let sql = "SELECT w.workspace FROM members AS m JOIN workspaces AS w ON w.id = m.ws
               WHERE m.account = ?1 AND w.kind = 1 AND m.suspended = 0 ORDER BY w.id";
    let rosters = list(connection, sql, account)?;
    if !rosters.is_empty() {
        return Err(StoreError::InTeams(rosters));
    }
    let sql = "SELECT w.workspace FROM members AS m JOIN workspaces AS w ON w.id = m.ws
               WHERE m.account = ?1 AND m.role = 2 AND m.suspended = 0
               AND EXISTS (SELECT 1 FROM members AS o WHERE o.ws = m.ws AND o.account <> ?1 AND o.suspended = 0)
               AND NOT EXISTS (SELECT 1 FROM members AS o
                   WHERE o.ws = m.ws AND o.account <> ?1 AND o.suspended = 0 AND o.role = 2)
               ORDER BY w.id";
    let alone = list(connection, sql, account)?;
    if alone.is_empty() { Ok(()) } else { Err(StoreError::LastAdmin(alone)) }
}

/// The workspaces that nobody else uses; a team's stay with the team.
pub(super) fn used_alone(
    connection: &Connection,
    account: AccountId,
) -> Result<Vec<WorkspaceId>, StoreError> {
    let sql = "SELECT w.workspace FROM members AS m JOIN workspaces AS w ON w.id = m.ws
               WHERE m.account = ?1 AND w.roster IS NULL AND NOT EXISTS (SELECT 1 FROM members AS o
                   WHERE o.ws = m.ws AND o.account <> ?1 AND o.suspended <> 2) ORDER BY w.id";
    list(connection, sql, account)
}

/// Leaves of a deleted account its id in the workspaces of others.
pub(super) fn mark_gone(connection: &Connection, account: AccountId) -> Result<(), StoreError> {
    let of = [account.as_bytes()];
    let gone = Suspension::number(Some(Suspension::Gone));
    let sql = "UPDATE members SET suspended = ?2 WHERE account = ?1";
    connection.execute(sql, params![account.as_bytes(), gone])?;
    connection.execute("DELETE FROM writers WHERE account = ?1", of)?;
    connection.execute("UPDATE member_invites SET account = NULL, proof = NULL WHERE account = ?1", of)?;
    Ok(())
}
