//! The write-ahead log of one file: when what is in it is durable, and when it goes into the database.
//!
//! Why it exists: `SQLite` would sync with every transaction (`synchronous=FULL`), or at no time that is known
//! (`NORMAL`). What came from the server needs no sync of its own, and an edit may travel while it is synced,
//! so the syncs are made here: [`Log::sync`] is what makes an acknowledgement true.
//!
//! Invariants: frames reach the disk in their order, so a crash leaves a state that once was. A sync that failed
//! has perhaps forgotten what it was to write, and a second one would not say so: then nothing counts as
//! durable, and nothing is built on it, until a checkpoint has written it all to the database itself.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::StoreError;

/// `SQLite` checkpoints by itself, within a commit, at so many pages: only where nothing else came to it.
const PAGES_MAX: u32 = 16_384;
/// From so many pages on, an idle profile moves them into the database.
const PAGES_TIDIED: usize = 1_000;
/// What stays of the log's file when it begins anew: overwriting is faster than appending.
const BYTES_KEPT: u32 = 64 * 1024 * 1024;
/// About how many pages a transaction changes beside its content.
const PAGES_OF_ANY: usize = 8;
const PAGE_BYTES: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// Everything in the log is on the disk.
    Disk,
    /// Something is only in the system's cache.
    Cache,
    /// A sync failed.
    Unknown,
}

/// The log beside an open database.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    reached: Cell<Reached>,
    /// About how many pages were written since the last checkpoint.
    pages: Cell<usize>,
}

impl Log {
    /// Takes over from `SQLite` for a connection that has read or written already.
    pub(super) fn take(connection: &Connection, database: &Path) -> Result<Self, StoreError> {
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_MAX)?;
        connection.pragma_update(None, "journal_size_limit", BYTES_KEPT)?;
        let file = File::open(name(database))?;
        Ok(Self { file, reached: Cell::new(Reached::Disk), pages: Cell::new(0) })
    }

    /// Before a transaction: it must not be built on what may be lost.
    pub(super) fn before_write(&self, connection: &Connection) -> Result<(), StoreError> {
        if self.reached.get() == Reached::Unknown { self.sync(connection) } else { Ok(()) }
    }

    /// A transaction with so many bytes of content was committed.
    pub(super) fn after_write(&self, bytes: usize) {
        if self.reached.get() == Reached::Disk {
            self.reached.set(Reached::Cache);
        }
        self.pages.set(self.pages.get() + PAGES_OF_ANY + 2 * (bytes / PAGE_BYTES));
    }

    pub(super) fn is_durable(&self) -> bool {
        self.reached.get() == Reached::Disk
    }

    /// About how many pages wait for a checkpoint.
    pub(super) fn pages(&self) -> usize {
        self.pages.get()
    }

    /// Makes everything that was committed durable.
    pub(super) fn sync(&self, connection: &Connection) -> Result<(), StoreError> {
        match self.reached.get() {
            Reached::Disk => return Ok(()),
            Reached::Cache => {
                // What fails now is only known to be in doubt.
                self.reached.set(Reached::Unknown);
                self.file.sync_data()?;
            }
            Reached::Unknown => {
                checkpoint(connection, "TRUNCATE")?;
                self.pages.set(0);
            }
        }
        self.reached.set(Reached::Disk);
        Ok(())
    }

    /// Moves the log into the database if it is worth it; for idle times.
    pub(super) fn tidy(&self, connection: &Connection) -> Result<(), StoreError> {
        if self.pages.get() < PAGES_TIDIED || self.reached.get() == Reached::Unknown {
            return Ok(());
        }
        self.pages.set(0);
        checkpoint(connection, "PASSIVE")
    }
}

fn checkpoint(connection: &Connection, how: &str) -> Result<(), StoreError> {
    let sql = format!("PRAGMA wal_checkpoint({how})");
    let is_busy: bool = connection.query_row(&sql, [], |row| row.get(0))?;
    if is_busy { Err(StoreError::File(std::io::ErrorKind::ResourceBusy.into())) } else { Ok(()) }
}

fn name(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push("-wal");
    name.into()
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use satchel_crypto::LocalKey;

    use super::*;
    use crate::store::{Cell as Named, Database};

    fn open(folder: &Path) -> Database {
        Database::open(&folder.join("a.db"), LocalKey::make(&mut OsRng)).expect("it opens")
    }

    #[test]
    fn a_write_is_durable_after_the_sync_and_not_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = open(folder.path());
        assert!(database.is_durable());
        database.put_cell(&Named::device("a"), Some(b"1")).expect("it is written");
        assert!(!database.is_durable());
        database.sync().expect("it is synced");
        assert!(database.is_durable());
        database.set_cell(&Named::device("a"), Some(b"2")).expect("it is written and synced");
        assert!(database.is_durable());
    }

    #[test]
    fn after_a_sync_that_failed_only_a_checkpoint_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = open(folder.path());
        database.put_cell(&Named::device("a"), Some(b"1")).expect("it is written");
        database.log.reached.set(Reached::Unknown);
        database.put_cell(&Named::device("b"), Some(b"2")).expect("it is written, on firm ground");
        let log = std::fs::metadata(name(&folder.path().join("a.db"))).expect("it is there");
        assert!(log.len() < 8 * 4_096, "the log began anew: {} bytes", log.len());
        assert!(!database.is_durable());
        database.sync().expect("it is synced");
        assert_eq!(database.text(&Named::device("a")).expect("it reads").as_deref(), Some("1"));
    }

    #[test]
    fn a_long_log_goes_into_the_database_when_it_is_tidied() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = open(folder.path());
        let content = vec![1; 3 * PAGES_TIDIED * PAGE_BYTES];
        database.put_cell(&Named::device("a"), Some(&content)).expect("it is written");
        let size = || std::fs::metadata(folder.path().join("a.db")).expect("it is there").len();
        assert!(size() < 100_000);
        database.tidy().expect("it is tidied");
        assert!(size() > 10_000_000);
    }
}
