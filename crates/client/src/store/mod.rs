//! The local store: two `SQLite` files, each sealed under a local key of its own.
//!
//! The Scratch Pad's store belongs to the device and stays; the account's comes with a sign-in and is
//! destroyed with a sign-out. The engine sees one [`Store`]; the workspace says which file is meant.
//!
//! Knows nothing of what payloads mean.

mod cell;
mod database;
mod log;
mod shelf;
mod write;

use std::fmt;
use std::io;

use rusqlite::ErrorCode;
use satchel_sync::{Batch, Kept, Key, Loaded, SCRATCH, Store};
use satchel_wire::{CommitId, PackId, WorkspaceId};

pub(crate) use cell::Cell;
pub(crate) use database::Database;
pub(crate) use shelf::{Entry, Lines, Shelf};

use crate::api::ErrorKind;

/// Why the local store failed; nothing was changed.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// `SQLite` failed; the source says how.
    Sqlite(rusqlite::Error),
    /// A file of the store cannot be made or read.
    File(io::Error),
    /// A row does not open under the local key.
    Sealed {
        /// The table.
        table: &'static str,
    },
    /// A row is not of the shape that this version writes.
    Shape {
        /// The table.
        table: &'static str,
    },
    /// A newer version of Satchel wrote the file.
    Newer {
        /// Its schema's version.
        version: i64,
    },
    /// There is no account's store: nobody is signed in.
    NoAccount,
}

impl StoreError {
    /// What kind of failure it is for a caller.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Sqlite(error) => kind_of(error),
            Self::File(_) => ErrorKind::LocalStore,
            Self::Sealed { .. } | Self::Shape { .. } => ErrorKind::Damaged,
            Self::Newer { .. } => ErrorKind::Version,
            Self::NoAccount => ErrorKind::SignedOut,
        }
    }
}

fn kind_of(error: &rusqlite::Error) -> ErrorKind {
    use rusqlite::Error;
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            // Our statements never change: one that does not fit the tables met damaged tables.
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => ErrorKind::Damaged,
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::TooBig
            | ErrorCode::OutOfMemory => ErrorKind::LocalStore,
            _ => ErrorKind::Internal,
        },
        Error::SqlInputError { .. }
        | Error::InvalidColumnName(_)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::FromSqlConversionFailure(..)
        | Error::Utf8Error(..) => ErrorKind::Damaged,
        _ => ErrorKind::Internal,
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DiskFull =>
            {
                f.write_str("the disk is full; nothing was changed")
            }
            Self::Sqlite(source) => write!(f, "{source}"),
            Self::File(source) => write!(f, "{source}"),
            Self::Sealed { table } => write!(f, "a row of {table} does not open under the local key"),
            Self::Shape { table } => write!(f, "a row of {table} is damaged"),
            Self::Newer { version } => write!(f, "a newer version of Satchel wrote it (schema {version})"),
            Self::NoAccount => f.write_str("nobody is signed in"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sqlite(source) => Some(source),
            Self::File(source) => Some(source),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

impl From<io::Error> for StoreError {
    fn from(source: io::Error) -> Self {
        Self::File(source)
    }
}

/// The two files of a profile.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    pub(crate) scratch: Database,
    pub(crate) account: Option<Database>,
}

impl SqliteStore {
    /// The file that a workspace lives in.
    pub(crate) fn of(&self, workspace: WorkspaceId) -> Result<&Database, StoreError> {
        if workspace == SCRATCH {
            Ok(&self.scratch)
        } else {
            self.account.as_ref().ok_or(StoreError::NoAccount)
        }
    }

    fn files(&self) -> impl Iterator<Item = &Database> {
        std::iter::once(&self.scratch).chain(&self.account)
    }

    /// Whether everything that was written is durable.
    pub(crate) fn is_durable(&self) -> bool {
        self.files().all(Database::is_durable)
    }

    /// About how many pages lie in the logs.
    pub(crate) fn log_pages(&self) -> usize {
        self.files().map(|file| file.log.pages()).sum()
    }

    /// Does what can wait for an idle moment.
    pub(crate) fn tidy(&self) -> Result<(), StoreError> {
        self.files().try_for_each(Database::tidy)
    }
}

impl Store for SqliteStore {
    type Error = StoreError;

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let mut workspaces = self.scratch.workspaces()?;
        if let Some(account) = &self.account {
            workspaces.extend(account.workspaces()?);
        }
        Ok(workspaces)
    }

    fn load(&self, workspace: WorkspaceId) -> Result<Loaded, StoreError> {
        self.of(workspace)?.load(workspace)
    }

    fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, StoreError> {
        self.of(workspace)?.base(workspace, key)
    }

    fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, StoreError> {
        self.of(workspace)?.pack(workspace, pack)
    }

    fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.of(workspace)?.pending(workspace, key)
    }

    fn in_flight(&self, workspace: WorkspaceId, commit: CommitId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.of(workspace)?.in_flight(workspace, commit)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.of(batch.workspace)?.apply(batch)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.files().try_for_each(Database::sync)
    }
}

/// One account's store alone, for whoever drives an engine without a client: the simulator.
#[derive(Debug)]
pub struct AccountStore(Database);

impl AccountStore {
    /// Opens a file, and makes it if there is none.
    ///
    /// # Errors
    /// What the file or the database said.
    pub fn open(path: &std::path::Path, key: satchel_crypto::LocalKey) -> Result<Self, AccountStoreError> {
        Database::open(path, key).map(Self).map_err(AccountStoreError)
    }
}

/// Why an [`AccountStore`] failed; nothing was changed.
#[derive(Debug)]
pub struct AccountStoreError(StoreError);

impl fmt::Display for AccountStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AccountStoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

impl Store for AccountStore {
    type Error = AccountStoreError;

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, AccountStoreError> {
        self.0.workspaces().map_err(AccountStoreError)
    }

    fn load(&self, workspace: WorkspaceId) -> Result<Loaded, AccountStoreError> {
        self.0.load(workspace).map_err(AccountStoreError)
    }

    fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, AccountStoreError> {
        self.0.base(workspace, key).map_err(AccountStoreError)
    }

    fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, AccountStoreError> {
        self.0.pack(workspace, pack).map_err(AccountStoreError)
    }

    fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, AccountStoreError> {
        self.0.pending(workspace, key).map_err(AccountStoreError)
    }

    fn in_flight(&self, workspace: WorkspaceId, commit: CommitId) -> Result<Vec<Vec<u8>>, AccountStoreError> {
        self.0.in_flight(workspace, commit).map_err(AccountStoreError)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), AccountStoreError> {
        self.0.apply(batch).map_err(AccountStoreError)
    }

    fn sync(&mut self) -> Result<(), AccountStoreError> {
        self.0.sync().map_err(AccountStoreError)
    }
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use satchel_crypto::LocalKey;
    use satchel_sync::Write;
    use satchel_wire::{Part, RecordId};

    use super::*;

    const WORKSPACE: WorkspaceId = WorkspaceId::new([7; 16]);

    fn make(folder: &std::path::Path) -> SqliteStore {
        let open =
            |name: &str| Database::open(&folder.join(name), LocalKey::make(&mut OsRng)).expect("it opens");
        SqliteStore { scratch: open("scratch.db"), account: Some(open("account.db")) }
    }

    fn put(record: u8, payload: &[u8]) -> Write {
        let key = Key { record: RecordId::new([record; 16]), part: Part::Body };
        Write::PutPending { key, ordinal: 1, conflicts: 0, payload: Some(payload.to_vec()) }
    }

    #[test]
    fn it_is_a_store_in_good_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut count = 0;
        satchel_sync::conformance::check_store(|| {
            count += 1;
            let folder = folder.path().join(count.to_string());
            std::fs::create_dir(&folder).expect("it is made");
            make(&folder)
        });
    }

    #[test]
    fn no_payload_stands_in_the_clear() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = make(folder.path());
        for workspace in [SCRATCH, WORKSPACE] {
            store.apply(&Batch { workspace, writes: vec![put(1, b"planted words")] }).expect("it is written");
        }
        store.scratch.set_cell(&Cell::device("note"), Some(b"planted words")).expect("it is written");
        for entry in std::fs::read_dir(folder.path()).expect("it lists") {
            let bytes = std::fs::read(entry.expect("it lists").path()).expect("it reads");
            assert!(!bytes.windows(13).any(|window| window == b"planted words"));
        }
    }

    #[test]
    fn a_full_disk_changes_nothing_and_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = make(folder.path());
        let small = Batch { workspace: WORKSPACE, writes: vec![put(1, b"small")] };
        store.apply(&small).expect("there is room");
        let account = store.account.as_ref().expect("it is there");
        account.limit_pages(40);
        let large = vec![put(1, b"other"), put(2, &vec![1; 1 << 20])];
        let error =
            store.apply(&Batch { workspace: WORKSPACE, writes: large }).expect_err("there is no room");
        assert_eq!(error.kind(), ErrorKind::LocalStore);
        let key = Key { record: RecordId::new([1; 16]), part: Part::Body };
        assert_eq!(store.pending(WORKSPACE, key).expect("it reads").as_deref(), Some(&b"small"[..]));
        store.apply(&small).expect("it goes on");
    }

    #[test]
    fn a_row_moved_to_another_record_does_not_open() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = make(folder.path());
        store
            .apply(&Batch { workspace: WORKSPACE, writes: vec![put(1, b"one"), put(2, b"two")] })
            .expect("written");
        store.account.as_ref().expect("it is there").swap_pending_bodies();
        let key = Key { record: RecordId::new([1; 16]), part: Part::Body };
        assert!(matches!(store.pending(WORKSPACE, key), Err(StoreError::Sealed { .. })));
    }
}
