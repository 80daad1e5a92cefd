//! Accounts, apps and invitations: the statements behind the store's methods.

use rusqlite::{Connection, OptionalExtension, Row, params};
use satchel_wire::limits::APPS_MAX;
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppKind, BundleUpdate, Bytes32, DeletionReceipt, Role, WorkspaceEntry,
    WorkspaceId, decode, encode,
};

use super::failure::{damaged, int, uint};
use super::{ledger, people};
use crate::store::{
    AccountKeys, AccountRow, AppRow, Made, NewAccount, NewApp, SecretHash, SignedIn, StoreError,
};

pub(super) fn make_account(connection: &Connection, account: &NewAccount) -> Result<Made, StoreError> {
    let exists = |sql: &str, value: &dyn rusqlite::ToSql| connection.prepare_cached(sql)?.exists([value]);
    if exists("SELECT 1 FROM accounts WHERE email = ?1", &account.email)? {
        return Ok(Made::EmailTaken);
    }
    let id = account.bundle.account.as_bytes();
    // An id that stands in a workspace for somebody who is gone must not come back as somebody else.
    let is_used =
        "SELECT 1 FROM accounts WHERE account = ?1 UNION ALL SELECT 1 FROM members WHERE account = ?1";
    if exists(is_used, id)? {
        return Ok(Made::IdTaken);
    }
    if let Some(invite) = &account.invite
        && connection.execute("DELETE FROM invites WHERE invite = ?1", [invite])? == 0
    {
        return Ok(Made::InviteUnknown);
    }
    let sql = "INSERT INTO accounts (account, email, bundle, signing_key, sealing_key, password_file)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (signing, sealing) = (account.bundle.signing_key, account.bundle.sealing_key);
    let values = params![
        id,
        account.email,
        encode(&account.bundle),
        signing.as_bytes(),
        sealing.as_bytes(),
        account.password_file
    ];
    connection.prepare_cached(sql)?.execute(values)?;
    put_app(connection, account.bundle.account, &account.app)?;
    Ok(Made::Account)
}

pub(super) fn account_by_email(
    connection: &Connection,
    email: &str,
) -> Result<Option<AccountRow>, StoreError> {
    let sql = "SELECT bundle, password_file, disabled FROM accounts WHERE email = ?1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = connection.prepare_cached(sql)?.query_row([email], read).optional()?;
    found.map(read_account).transpose()
}

pub(super) fn account(
    connection: &Connection,
    account: AccountId,
) -> Result<Option<(String, AccountRow)>, StoreError> {
    let sql = "SELECT bundle, password_file, disabled, email FROM accounts WHERE account = ?1";
    let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?));
    let found = connection.prepare_cached(sql)?.query_row([account.as_bytes()], read).optional()?;
    found.map(|(columns, email)| Ok((email, read_account(columns)?))).transpose()
}

fn read_account(
    (bundle, password_file, is_disabled): (Vec<u8>, Vec<u8>, bool),
) -> Result<AccountRow, StoreError> {
    let bundle: AccountBundle = decode("account bundle", &bundle).map_err(|_| damaged("account bundle"))?;
    Ok(AccountRow { bundle, password_file, is_disabled })
}

pub(super) fn sign_in(
    connection: &Connection,
    account: AccountId,
    app: &NewApp,
) -> Result<SignedIn, StoreError> {
    let sql = "SELECT 1 FROM accounts WHERE account = ?1 AND NOT disabled";
    if !connection.prepare_cached(sql)?.exists([account.as_bytes()])? {
        return Err(StoreError::NotFound);
    }
    let sql = "SELECT count(*) FROM apps WHERE account = ?1 AND app <> ?2";
    let of = params![account.as_bytes(), app.app.as_bytes()];
    let others: i64 = connection.prepare_cached(sql)?.query_row(of, |row| row.get(0))?;
    if uint(others) >= APPS_MAX as u64 {
        return Ok(SignedIn::TooMany);
    }
    put_app(connection, account, app)?;
    Ok(SignedIn::App)
}

fn put_app(connection: &Connection, account: AccountId, app: &NewApp) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO apps (account, app, name, kind, key, token_hash, last_seen_ms, waiting)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)";
    let values = params![
        account.as_bytes(),
        app.app.as_bytes(),
        app.name,
        app.kind as u8,
        app.key.as_bytes(),
        app.token_hash,
        int(app.now_ms)
    ];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(super) fn set_password(
    connection: &Connection,
    account: AccountId,
    password_file: &[u8],
    update: BundleUpdate,
    keep: Option<AppId>,
) -> Result<Vec<AppId>, StoreError> {
    let (_, row) = self::account(connection, account)?.ok_or(StoreError::NotFound)?;
    let mut bundle = row.bundle;
    bundle.wrapped_by_password = update.wrapped_by_password;
    if let Some((wrap, key)) = update.recovery {
        (bundle.wrapped_by_recovery, bundle.recovery_key) = (wrap, key);
    }
    let sql = "UPDATE accounts SET bundle = ?2, password_file = ?3 WHERE account = ?1";
    connection.prepare_cached(sql)?.execute(params![account.as_bytes(), encode(&bundle), password_file])?;
    let keep = keep.map_or_else(Vec::new, |app| app.as_bytes().to_vec());
    let sql = "DELETE FROM apps WHERE account = ?1 AND app <> ?2 RETURNING app";
    let mut statement = connection.prepare_cached(sql)?;
    let ended = statement.query_map(params![account.as_bytes(), keep], |row| row.get(0).map(AppId::new))?;
    Ok(ended.collect::<Result<_, _>>()?)
}

const APP_COLUMNS: &str = "p.app, p.name, p.kind, p.key, p.last_seen_ms, p.waiting";

fn read_app(row: &Row<'_>) -> rusqlite::Result<AppRow> {
    let kind = match row.get::<_, u8>(2)? {
        0 => AppKind::CommandLine,
        1 => AppKind::Desktop,
        _ => AppKind::Web,
    };
    Ok(AppRow {
        app: AppId::new(row.get(0)?),
        name: row.get(1)?,
        kind,
        key: Bytes32::new(row.get(3)?),
        last_seen_ms: uint(row.get(4)?),
        waiting: row.get(5)?,
    })
}

pub(super) fn session(
    connection: &Connection,
    token: &SecretHash,
) -> Result<Option<(AccountKeys, AppRow)>, StoreError> {
    let sql = format!(
        "SELECT {APP_COLUMNS}, a.account, a.signing_key, a.sealing_key FROM apps AS p
         JOIN accounts AS a ON a.account = p.account WHERE p.token_hash = ?1"
    );
    let read = |row: &Row<'_>| {
        let keys = AccountKeys {
            account: AccountId::new(row.get(6)?),
            signing_key: Bytes32::new(row.get(7)?),
            sealing_key: Bytes32::new(row.get(8)?),
        };
        Ok((keys, read_app(row)?))
    };
    Ok(connection.prepare_cached(&sql)?.query_row([token], read).optional()?)
}

pub(super) fn apps(connection: &Connection, account: AccountId) -> Result<Vec<AppRow>, StoreError> {
    let sql = format!("SELECT {APP_COLUMNS} FROM apps AS p WHERE p.account = ?1 ORDER BY p.app");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([account.as_bytes()], read_app)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn touch_app(
    connection: &Connection,
    account: AccountId,
    app: AppId,
    waiting: u32,
    now_ms: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE apps SET last_seen_ms = ?3, waiting = ?4 WHERE account = ?1 AND app = ?2";
    let values = params![account.as_bytes(), app.as_bytes(), int(now_ms), waiting];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(super) fn remove_app(
    connection: &Connection,
    account: AccountId,
    app: AppId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM apps WHERE account = ?1 AND app = ?2";
    Ok(connection.prepare_cached(sql)?.execute(params![account.as_bytes(), app.as_bytes()])? > 0)
}

pub(super) fn workspaces(
    connection: &Connection,
    account: AccountId,
) -> Result<Vec<WorkspaceEntry>, StoreError> {
    let sql = "SELECT w.workspace, w.seq, w.chain FROM members AS m JOIN workspaces AS w ON w.id = m.ws
               WHERE m.account = ?1 AND m.suspended = 0 ORDER BY w.id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([account.as_bytes()], people::read_entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A receipt of nothing yet.
pub(super) fn nothing_deleted() -> DeletionReceipt {
    DeletionReceipt { workspaces: 0, records: 0, versions: 0, commits: 0, apps: 0, bytes: 0 }
}

pub(super) fn delete_account(
    connection: &Connection,
    account: AccountId,
) -> Result<DeletionReceipt, StoreError> {
    let sql = "SELECT 1 FROM accounts WHERE account = ?1";
    if !connection.prepare_cached(sql)?.exists([account.as_bytes()])? {
        return Err(StoreError::NotFound);
    }
    people::check_leaving(connection, account)?;
    let mut receipt = nothing_deleted();
    for workspace in people::used_alone(connection, account)? {
        remove_workspace(connection, workspace, &mut receipt)?;
    }
    people::mark_gone(connection, account)?;
    let of = [account.as_bytes()];
    receipt.apps = connection.execute("DELETE FROM apps WHERE account = ?1", of)? as u64;
    connection.execute("DELETE FROM limits WHERE account = ?1", of)?;
    connection.execute("DELETE FROM accounts WHERE account = ?1", of)?;
    Ok(receipt)
}

/// Deletes a workspace for an admin of it, or of its team. Answers who could read it.
pub(super) fn delete_workspace(
    connection: &Connection,
    account: AccountId,
    workspace: WorkspaceId,
) -> Result<Vec<AccountId>, StoreError> {
    let found = ledger::find(connection, account, workspace)?.ok_or(StoreError::NotFound)?;
    let of_team = match found.roster {
        Some(roster) => ledger::find(connection, account, roster)?.and_then(|roster| roster.role),
        None => None,
    };
    if found.role.max(of_team) != Some(Role::Admin) {
        // To who is in the team, but not in the workspace, it is not there.
        return Err(if found.role.is_some() { StoreError::RoleTooLow } else { StoreError::NotFound });
    }
    let sql = "SELECT workspace FROM workspaces WHERE roster = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([workspace.as_bytes()], |row| row.get(0).map(WorkspaceId::new))?;
    let rest = rows.collect::<Result<Vec<_>, _>>()?;
    if !rest.is_empty() {
        return Err(StoreError::HasWorkspaces(rest));
    }
    let sql = "SELECT account FROM members WHERE ws = ?1 AND suspended = 0";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([found.id], |row| row.get(0).map(AccountId::new))?;
    let readers = rows.collect::<Result<_, _>>()?;
    remove_workspace(connection, workspace, &mut nothing_deleted())?;
    Ok(readers)
}

/// Removes a workspace and counts what it was into the receipt.
fn remove_workspace(
    connection: &Connection,
    workspace: WorkspaceId,
    receipt: &mut DeletionReceipt,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM workspaces WHERE workspace = ?1 RETURNING id";
    let id = connection.query_row(sql, [workspace.as_bytes()], |row| row.get::<_, i64>(0)).optional()?;
    let id = id.ok_or(StoreError::NotFound)?;
    let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM envelopes WHERE ws = ?1";
    receipt.bytes += uint(connection.query_row(sql, [id], |row| row.get(0))?);
    let records = connection.execute("DELETE FROM records WHERE ws = ?1", [id])? as u64;
    let envelopes = connection.execute("DELETE FROM envelopes WHERE ws = ?1", [id])? as u64;
    receipt.records += records;
    receipt.versions += envelopes.saturating_sub(records);
    receipt.commits += connection.execute("DELETE FROM entries WHERE ws = ?1", [id])? as u64;
    let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM packs WHERE ws = ?1";
    receipt.bytes += uint(connection.query_row(sql, [id], |row| row.get(0))?);
    connection.execute("DELETE FROM packs WHERE ws = ?1", [id])?;
    connection.execute("DELETE FROM manifests WHERE ws = ?1", [id])?;
    connection.execute("DELETE FROM writers WHERE ws = ?1", [id])?;
    connection.execute("DELETE FROM purges WHERE ws = ?1", [id])?;
    connection.execute("DELETE FROM members WHERE ws = ?1", [id])?;
    connection.execute("DELETE FROM member_invites WHERE ws = ?1", [id])?;
    receipt.workspaces += 1;
    Ok(())
}

pub(super) fn add_invite(
    connection: &Connection,
    invite: &SecretHash,
    now_ms: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO invites (invite, made_ms) VALUES (?1, ?2)";
    connection.execute(sql, params![invite, int(now_ms)])?;
    Ok(())
}

pub(super) fn has_invite(connection: &Connection, invite: &SecretHash) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM invites WHERE invite = ?1";
    Ok(connection.prepare_cached(sql)?.exists([invite])?)
}
