//! What an operator does with the accounts of a data directory, also while a server runs on it.
//!
//! Each function is one transaction on a connection of its own. It counts up a number in the database, by
//! which the running server notices that something changed. None of them reads content, and none can.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use satchel_wire::{AccountId, DeletionReceipt};

use super::failure::{int, uint};
use super::upkeep;
use super::writer::Erase;
use super::{accounts as rows, files, schema};
use crate::store::StoreError;

/// One account, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// The e-mail.
    pub email: String,
    /// The account.
    pub account: AccountId,
    /// Apps that are signed in.
    pub apps: u64,
    /// Workspaces that it founded.
    pub workspaces: u64,
    /// Bytes of sealed content in those.
    pub bytes: u64,
    /// Whether it is disabled.
    pub is_disabled: bool,
}

/// What an account may have on this server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of sealed content in the workspaces that it founded; 0 for no limit.
    pub bytes: Option<u64>,
    /// Workspaces that it founds; 0 for no limit but the protocol's.
    pub workspaces: Option<u64>,
}

/// Why an operator's wish was not done.
#[derive(Debug)]
pub enum AdminError {
    /// No account has this e-mail.
    NoAccount,
    /// The database.
    Store(StoreError),
}

impl std::fmt::Display for AdminError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoAccount => "no account has this e-mail",
            Self::Store(StoreError::InTeams(_)) => "the account is in teams, which it has to leave first",
            Self::Store(StoreError::LastAdmin(_)) => {
                "the account is the only admin of workspaces that others use, and has to hand them over first"
            }
            Self::Store(_) => "reading or writing the database",
        })
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoAccount | Self::Store(StoreError::InTeams(_) | StoreError::LastAdmin(_)) => None,
            Self::Store(source) => Some(source),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for AdminError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How often an operator has changed something.
pub(super) fn changes(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT value FROM meta WHERE name = 'operator'";
    let found: Option<[u8; 8]> =
        connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(found.map_or(0, u64::from_be_bytes))
}

/// Lists the accounts, in the order of their e-mails.
///
/// # Errors
/// [`AdminError`].
pub fn accounts(dir: &Path) -> Result<Vec<AccountSummary>, AdminError> {
    let connection = files::open_beside(dir)?;
    let sql = "SELECT a.email, a.account, (SELECT count(*) FROM apps AS p WHERE p.account = a.account),
                   (SELECT count(*) FROM workspaces AS w WHERE w.owner = a.account),
                   (SELECT coalesce(sum(w.bytes), 0) FROM workspaces AS w WHERE w.owner = a.account), a.disabled
               FROM accounts AS a ORDER BY a.email";
    let read = |row: &Row<'_>| {
        Ok(AccountSummary {
            email: row.get(0)?,
            account: AccountId::new(row.get(1)?),
            apps: uint(row.get(2)?),
            workspaces: uint(row.get(3)?),
            bytes: uint(row.get(4)?),
            is_disabled: row.get(5)?,
        })
    };
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Disables an account, which ends its sessions, or enables it again.
///
/// # Errors
/// [`AdminError`].
pub fn set_disabled(dir: &Path, email: &str, is_disabled: bool) -> Result<(), AdminError> {
    change(dir, |connection| {
        let account = find(connection, email)?;
        let sql = "UPDATE accounts SET disabled = ?2 WHERE account = ?1";
        connection.execute(sql, params![account.as_bytes(), is_disabled])?;
        if is_disabled {
            connection.execute("DELETE FROM apps WHERE account = ?1", [account.as_bytes()])?;
        }
        Ok(())
    })
}

/// Deletes an account, by the rules of a deletion by the person.
///
/// # Errors
/// [`AdminError`].
pub fn delete(dir: &Path, email: &str) -> Result<DeletionReceipt, AdminError> {
    let receipt = change(dir, |connection| {
        let account = find(connection, email)?;
        Ok(rows::delete_account(connection, account)?)
    })?;
    // A server that runs may be in the way; it notices the change and does the rest.
    let _ = upkeep::erase(&files::open_beside(dir)?, Erase::Now);
    Ok(receipt)
}

/// Sets limits of one account, or of each that has none of its own; those that are none stay. Answers what
/// holds now.
///
/// # Errors
/// [`AdminError`].
pub fn set_limits(dir: &Path, email: Option<&str>, limits: Limits) -> Result<Limits, AdminError> {
    change(dir, |connection| {
        let account = email.map(|email| find(connection, email)).transpose()?;
        let account = account.map_or_else(Vec::new, |account| account.as_bytes().to_vec());
        let sql = "INSERT INTO limits (account, bytes, workspaces) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE
                   SET bytes = coalesce(?2, bytes), workspaces = coalesce(?3, workspaces)";
        let values = params![account, limits.bytes.map(int), limits.workspaces.map(int)];
        connection.execute(sql, values)?;
        let sql = "SELECT coalesce((SELECT bytes FROM limits WHERE account = ?1),
                       (SELECT bytes FROM limits WHERE account = x'')),
                   coalesce((SELECT workspaces FROM limits WHERE account = ?1),
                       (SELECT workspaces FROM limits WHERE account = x''))";
        let read = |row: &Row<'_>| {
            let (bytes, workspaces) = (row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?);
            Ok(Limits { bytes: bytes.map(uint), workspaces: workspaces.map(uint) })
        };
        Ok(connection.query_row(sql, [account], read)?)
    })
}

fn find(connection: &Connection, email: &str) -> Result<AccountId, AdminError> {
    let sql = "SELECT account FROM accounts WHERE email = ?1";
    let email = email.trim().to_lowercase();
    let found = connection.query_row(sql, [email], |row| row.get(0).map(AccountId::new)).optional()?;
    found.ok_or(AdminError::NoAccount)
}

fn change<T>(dir: &Path, change: impl FnOnce(&Connection) -> Result<T, AdminError>) -> Result<T, AdminError> {
    let mut connection = files::open_beside(dir)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = change(&transaction)?;
    let count = changes(&transaction)?.wrapping_add(1);
    schema::set_meta(&transaction, "operator", &count.to_be_bytes())?;
    transaction.commit()?;
    Ok(value)
}
