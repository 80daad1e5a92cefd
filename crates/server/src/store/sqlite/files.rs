//! The data directory: its lock, and backup and restore of what is in it.
//!
//! ```text
//! DIR (0700)
//! ├── satchel.db (0600), with -wal and -shm beside it while in use
//! └── lock       held by the server that serves it
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand_core::{CryptoRng, RngCore};
use rusqlite::{Connection, OpenFlags, backup::Backup};
use satchel_crypto::derive_token_hash;

use super::{accounts, schema};
use crate::store::StoreError;

const DATABASE: &str = "satchel.db";

/// A data directory that this process holds: no other server serves it until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug)]
pub enum DataDirError {
    /// Another process holds it.
    InUse,
    /// It cannot be made or opened.
    Io(io::Error),
}

impl std::fmt::Display for DataDirError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InUse => f.write_str("a server is using the data directory"),
            Self::Io(_) => f.write_str("opening the data directory"),
        }
    }
}

impl std::error::Error for DataDirError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InUse => None,
            Self::Io(source) => Some(source),
        }
    }
}

impl DataDir {
    /// Makes the directory if needed, readable by its owner only, and takes its lock.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        make_dir(path).map_err(DataDirError::Io)?;
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(path.join("lock"))
            .map_err(DataDirError::Io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse),
            Err(TryLockError::Error(error)) => Err(DataDirError::Io(error)),
        }
    }

    /// The database's file, made empty and private if there is none.
    pub(super) fn database(&self) -> Result<PathBuf, StoreError> {
        let file = self.path.join(DATABASE);
        private(OpenOptions::new().create(true).truncate(false).write(true)).open(&file)?;
        Ok(file)
    }
}

/// Why a backup or a restore failed.
#[derive(Debug)]
pub enum TransferError {
    /// The data directory cannot be used.
    Dir(DataDirError),
    /// A file cannot be read or written.
    Io(io::Error),
    /// The target exists already.
    Exists,
    /// The file is not a whole backup of a server of this version.
    NotABackup,
    /// The database failed.
    Store(StoreError),
}

impl std::fmt::Display for TransferError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Dir(_) => "the data directory cannot be used",
            Self::Io(_) => "reading or writing a file",
            Self::Exists => "the file exists already",
            Self::NotABackup => "not a whole backup of a Satchel server of this version",
            Self::Store(_) => "reading or writing the database",
        })
    }
}

impl std::error::Error for TransferError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Dir(source) => Some(source),
            Self::Io(source) => Some(source),
            Self::Store(source) => Some(source),
            Self::Exists | Self::NotABackup => None,
        }
    }
}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for TransferError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Writes a consistent copy of the database to a new file, also while a server runs.
///
/// # Errors
/// [`TransferError`]; the file is not there then, unless it was before.
pub fn backup(dir: &Path, file: &Path) -> Result<(), TransferError> {
    let source = Connection::open_with_flags(dir.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(Duration::from_secs(30))?;
    schema::check(&source)?;
    match private(OpenOptions::new().create_new(true).write(true)).open(file) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(TransferError::Exists),
        Err(error) => return Err(error.into()),
    }
    copy(&source, file).inspect_err(|_| {
        // What is half there must not look like a backup.
        let _ = fs::remove_file(file);
    })
}

fn copy(source: &Connection, file: &Path) -> Result<(), TransferError> {
    let mut target = Connection::open(file)?;
    // In one step: in smaller ones, a busy server would make it begin again and again.
    Backup::new(source, &mut target)?.run_to_completion(i32::MAX, Duration::from_millis(50), None)?;
    // One file without companions, so that it can be carried away as it is.
    target.execute_batch("PRAGMA journal_mode = DELETE")?;
    target.close().map_err(|(_, error)| error)?;
    File::open(file)?.sync_all()?;
    Ok(())
}

/// Replaces the database by a backup, with a new incarnation. Refused while a server runs.
///
/// # Errors
/// [`TransferError`]; the database is as it was then.
pub fn restore<R: RngCore + CryptoRng>(file: &Path, dir: &Path, rng: &mut R) -> Result<(), TransferError> {
    let lock = DataDir::lock(dir).map_err(TransferError::Dir)?;
    let staged = lock.path.join("restoring.db");
    let result = stage(file, &staged, rng).and_then(|()| Ok(put_in_place(&lock.path, &staged)?));
    if result.is_err() {
        // It is no database anyone opens; the next restore begins anew.
        let _ = fs::remove_file(&staged);
    }
    result
}

fn stage<R: RngCore + CryptoRng>(file: &Path, staged: &Path, rng: &mut R) -> Result<(), TransferError> {
    let source = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    schema::check(&source).map_err(|_| TransferError::NotABackup)?;
    let verdict: String = source.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(TransferError::NotABackup);
    }
    private(OpenOptions::new().create(true).truncate(true).write(true)).open(staged)?;
    copy(&source, staged)?;
    let target = Connection::open(staged)?;
    schema::renew(&target, rng)?;
    target.close().map_err(|(_, error)| error)?;
    File::open(staged)?.sync_all()?;
    Ok(())
}

/// The log of the old database must not be applied to the new one, so it goes first. A crash between
/// leaves the old database without its last commits; the backup is still there, and so is its owner.
fn put_in_place(dir: &Path, staged: &Path) -> io::Result<()> {
    let database = dir.join(DATABASE);
    if database.exists() {
        checkpoint(&database);
    }
    for companion in ["satchel.db-wal", "satchel.db-shm"] {
        match fs::remove_file(dir.join(companion)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(staged, database)?;
    File::open(dir)?.sync_all()
}

/// Moves the log into the old database, so that it is whole whatever happens next. It is about to be
/// replaced, perhaps because it is damaged, so a failure is no reason to stop.
fn checkpoint(database: &Path) {
    if let Ok(connection) = Connection::open(database) {
        let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

/// Makes an invitation to the server of a data directory, also while it runs.
///
/// # Errors
/// [`StoreError`].
pub fn invite<R: RngCore + CryptoRng>(dir: &Path, now_ms: u64, rng: &mut R) -> Result<String, StoreError> {
    let connection = open_beside(dir)?;
    let mut secret = [0; 32];
    rng.fill_bytes(&mut secret);
    accounts::add_invite(&connection, &derive_token_hash(&secret), now_ms)?;
    Ok(satchel_wire::Token::new(secret).to_string())
}

/// Opens the database of a data directory beside a server that may be running.
pub(super) fn open_beside(dir: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(dir.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")?;
    schema::check(&connection)?;
    Ok(connection)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn make_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}
