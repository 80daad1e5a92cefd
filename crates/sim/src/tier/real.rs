//! The real tier: the products' cryptography, and their `SQLite` files on both sides.
//!
//! The files of a new world are copies of ones that the products made once in this process, with their tables
//! and nothing in them: making those anew took a third of a history.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use satchel_client::{AccountStore, AccountStoreError};
use satchel_crypto::LocalKey;
use satchel_server::service::Publish;
use satchel_server::simulated::Switch;
use satchel_server::store::Store as ServerStore;
use satchel_server::store::sqlite::{self, DataDir, SqliteStore};
use satchel_sync::{Batch, Kept, Key, Loaded, Store};
use satchel_wire::{CommitId, PackId, WorkspaceId};
use tempfile::TempDir;

use super::{AppDisk, ServerDisk, Tier};
use crate::rng::SimRng;

const ACCOUNT: &str = "account.db";
const DATABASE: &str = "satchel.db";
const LOCAL_KEY: [u8; 32] = [3; 32];

/// Files as the products make them, with nothing in them yet.
struct Blank {
    account: Vec<u8>,
    server: Vec<u8>,
}

impl Blank {
    fn the() -> &'static Self {
        static BLANK: LazyLock<Blank> = LazyLock::new(Blank::make);
        &BLANK
    }

    fn make() -> Self {
        let folder = new_folder();
        let account = folder.path().join(ACCOUNT);
        let key = LocalKey::from_secret(LOCAL_KEY);
        drop(AccountStore::open(&account, key).expect("a temporary folder takes a file"));
        let data = folder.path().join("server");
        let dir = DataDir::lock(&data).expect("no other server uses it");
        let rng = &mut SimRng::new(1, 1);
        drop(SqliteStore::open(dir, Switch::default().publisher(), rng).expect("a database can be made"));
        // Who closes a database last puts everything into this one file.
        let read = |path: &Path| fs::read(path).expect("it was just made");
        Self { account: read(&account), server: read(&data.join(DATABASE)) }
    }
}

/// A temporary folder, in memory where the system has such a place.
fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("the system has room for a folder")
}

/// One world in a temporary folder, in memory where the system has such a place.
pub(crate) struct Real {
    folder: Arc<TempDir>,
    count: usize,
}

/// An app's file.
pub(crate) struct FileDisk {
    folder: PathBuf,
    store: Option<AccountStore>,
    backups: usize,
    _kept: Arc<TempDir>,
}

/// The server's data directory.
pub(crate) struct DirDisk {
    folder: PathBuf,
    seed: SimRng,
    backups: usize,
    _kept: Arc<TempDir>,
}

fn copy_files(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir_all(to).expect("a temporary folder takes folders");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder lists");
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a temporary folder takes files");
        }
    }
}

impl FileDisk {
    fn store(&self) -> &AccountStore {
        self.store.as_ref().expect("it is open but while it is set back")
    }

    fn close(&mut self) {
        self.store = None;
    }

    fn open(&mut self) {
        let key = LocalKey::from_secret(LOCAL_KEY);
        self.store = Some(AccountStore::open(&self.folder.join(ACCOUNT), key).expect("the file opens"));
    }
}

impl AppDisk for FileDisk {
    type Backup = PathBuf;

    fn backup(&mut self) -> PathBuf {
        self.close();
        self.backups += 1;
        let backup = self.folder.with_extension(format!("backup-{}", self.backups));
        copy_files(&self.folder, &backup);
        self.open();
        backup
    }

    fn restore(&mut self, backup: &PathBuf) {
        self.close();
        copy_files(backup, &self.folder);
        self.open();
    }

    fn reopen(&mut self) {
        self.close();
        self.open();
    }
}

impl Store for FileDisk {
    type Error = AccountStoreError;

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, AccountStoreError> {
        self.store().workspaces()
    }

    fn load(&self, workspace: WorkspaceId) -> Result<Loaded, AccountStoreError> {
        self.store().load(workspace)
    }

    fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, AccountStoreError> {
        self.store().base(workspace, key)
    }

    fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, AccountStoreError> {
        self.store().pack(workspace, pack)
    }

    fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, AccountStoreError> {
        self.store().pending(workspace, key)
    }

    fn in_flight(&self, workspace: WorkspaceId, commit: CommitId) -> Result<Vec<Vec<u8>>, AccountStoreError> {
        self.store().in_flight(workspace, commit)
    }

    fn sync(&mut self) -> Result<(), AccountStoreError> {
        self.store.as_mut().expect("it is open but while it is set back").sync()
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), AccountStoreError> {
        self.store.as_mut().expect("it is open but while it is set back").apply(batch)
    }
}

impl ServerDisk for DirDisk {
    type Backup = PathBuf;

    fn open(&mut self, publish: Arc<dyn Publish>) -> Arc<dyn ServerStore> {
        let dir = DataDir::lock(&self.folder).expect("no other server uses it");
        Arc::new(
            SqliteStore::open(dir, publish, &mut self.seed).expect("a data directory in good order opens"),
        )
    }

    // A power cut under SQLite needs another process: `crates/app/tests` has those.
    fn lose_unsynced(&mut self) {}

    fn backup(&mut self) -> PathBuf {
        self.backups += 1;
        let backup = self.folder.with_extension(format!("backup-{}", self.backups));
        copy_files(&self.folder, &backup);
        backup
    }

    fn restore(&mut self, backup: &PathBuf, renew: bool, rng: &mut SimRng) -> bool {
        if renew {
            sqlite::restore(&backup.join(DATABASE), &self.folder, rng).expect("the backup is one");
        } else {
            copy_files(backup, &self.folder);
        }
        renew
    }
}

impl Tier for Real {
    const NAME: &'static str = "real";
    type App = FileDisk;
    type Server = DirDisk;

    fn begin() -> Self {
        Self { folder: Arc::new(new_folder()), count: 0 }
    }

    fn app(&mut self) -> FileDisk {
        self.count += 1;
        let folder = self.folder.path().join(format!("app-{}", self.count));
        fs::create_dir(&folder).expect("a temporary folder takes folders");
        fs::write(folder.join(ACCOUNT), &Blank::the().account).expect("a temporary folder takes files");
        let mut disk = FileDisk { folder, store: None, backups: 0, _kept: Arc::clone(&self.folder) };
        disk.open();
        disk
    }

    fn server(&mut self, rng: &mut SimRng) -> DirDisk {
        let folder = self.folder.path().join("server");
        fs::create_dir(&folder).expect("a temporary folder takes folders");
        fs::write(folder.join(DATABASE), &Blank::the().server).expect("a temporary folder takes files");
        DirDisk { folder, seed: rng.clone(), backups: 0, _kept: Arc::clone(&self.folder) }
    }
}
