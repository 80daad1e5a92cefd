//! The store in one `SQLite` file: one writer thread with group commit, and readers beside it.
//!
//! Invariants: only the writer's connection changes the database; its log is synced with every commit
//! (`synchronous=FULL`); deleted rows are overwritten (`secure_delete`), and what a deletion promises
//! leaves the files before it is answered, or at the next upkeep if a reader or the disk is in the way.

mod accounts;
mod admin;
mod failure;
mod files;
mod ledger;
mod packs;
mod people;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod upkeep;
mod versions;
mod writer;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand_core::{CryptoRng, RngCore};
use satchel_wire::{
    AccountId, AppId, BundleUpdate, DeletionReceipt, Incarnation, InviteId, JoinProof, PackId, Part,
    RecordId, Role, StoredEnvelope, WorkspaceEntry, WorkspaceId,
};

use self::ledger::PushWork;
use self::people::Charters;
use self::read::Readers;
use self::upkeep::Place;
use self::writer::{Erase, Writer};
use super::{
    AccountKeys, AccountRow, AppRow, InviteRow, JoinVerdict, Made, NewAccount, NewApp, NewJoin, NewManifest,
    NewPack, PackVerdict, PastHeader, Push, SecretHash, SignedIn, SnapshotEnd, SnapshotPart, SnapshotRequest,
    Store, StoreError, VersionsPage, VersionsRequest,
};
use crate::config::Retention;
use crate::service::{Outcome, Publish};

pub use admin::{AccountSummary, AdminError, Limits, accounts, delete, set_disabled, set_limits};
pub use files::{DataDir, DataDirError, TransferError, backup, invite, restore};

/// The store of a server with one node.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    incarnation: Incarnation,
    opaque_setup: Vec<u8>,
    charters: Arc<Charters>,
    /// The operator's changes that were noticed.
    noticed: AtomicU64,
    /// Up to which envelope the present round of pruning has come.
    pruned: AtomicI64,
    /// The same of the ledgers' headers.
    pruned_headers: Mutex<Place>,
    /// Held as long as the store is.
    _dir: DataDir,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("incarnation", &self.incarnation).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the database of a data directory, or makes it, and starts the writer.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened or is not a server's database of this version.
    pub fn open<R: RngCore + CryptoRng>(
        dir: DataDir,
        publish: Arc<dyn Publish>,
        rng: &mut R,
    ) -> Result<Self, StoreError> {
        let file = dir.database()?;
        let (connection, life) = schema::open_writer(&file, rng)?;
        let noticed = AtomicU64::new(admin::changes(&connection)?);
        Ok(Self {
            charters: Arc::default(),
            noticed,
            writer: Writer::start(connection, publish)?,
            readers: Readers::new(file),
            incarnation: Incarnation::new(life.incarnation),
            opaque_setup: life.opaque_setup,
            pruned: AtomicI64::new(0),
            pruned_headers: Mutex::default(),
            _dir: dir,
        })
    }

    /// How many transactions the writer has begun; below the number of writes when they share one.
    pub fn group_count(&self) -> u64 {
        self.writer.groups()
    }

    /// Makes a change of no special kind.
    fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.call(Erase::Nothing, move |connection| Ok((change(connection)?, Vec::new())))
    }
}

impl Store for SqliteStore {
    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn opaque_setup(&self) -> Result<Vec<u8>, StoreError> {
        Ok(self.opaque_setup.clone())
    }

    fn make_account(&self, account: NewAccount) -> Result<Made, StoreError> {
        self.write(move |connection| accounts::make_account(connection, &account))
    }

    fn account_by_email(&self, email: &str) -> Result<Option<AccountRow>, StoreError> {
        self.readers.read(|connection| accounts::account_by_email(connection, email))
    }

    fn account(&self, account: AccountId) -> Result<Option<(String, AccountRow)>, StoreError> {
        self.readers.read(|connection| accounts::account(connection, account))
    }

    fn sign_in(&self, account: AccountId, app: NewApp) -> Result<SignedIn, StoreError> {
        self.write(move |connection| accounts::sign_in(connection, account, &app))
    }

    fn set_password(
        &self,
        account: AccountId,
        password_file: Vec<u8>,
        update: BundleUpdate,
        keep: Option<AppId>,
    ) -> Result<Vec<AppId>, StoreError> {
        self.write(move |connection| {
            accounts::set_password(connection, account, &password_file, update, keep)
        })
    }

    fn session(&self, token: &SecretHash) -> Result<Option<(AccountKeys, AppRow)>, StoreError> {
        self.readers.read(|connection| accounts::session(connection, token))
    }

    fn apps(&self, account: AccountId) -> Result<Vec<AppRow>, StoreError> {
        self.readers.read(|connection| accounts::apps(connection, account))
    }

    fn touch_app(&self, account: AccountId, app: AppId, waiting: u32, now_ms: u64) -> Result<(), StoreError> {
        self.writer.note(move |connection| {
            Ok((accounts::touch_app(connection, account, app, waiting, now_ms)?, Vec::new()))
        });
        Ok(())
    }

    fn remove_app(&self, account: AccountId, app: AppId) -> Result<bool, StoreError> {
        self.write(move |connection| accounts::remove_app(connection, account, app))
    }

    fn delete_account(&self, account: AccountId) -> Result<DeletionReceipt, StoreError> {
        self.writer.call(Erase::Now, move |connection| {
            Ok((accounts::delete_account(connection, account)?, Vec::new()))
        })
    }

    fn workspaces(&self, account: AccountId) -> Result<Vec<WorkspaceEntry>, StoreError> {
        self.readers.read(|connection| accounts::workspaces(connection, account))
    }

    fn push(&self, push: Push) {
        self.writer.send(Box::new(PushWork::new(push, Arc::clone(&self.charters))));
    }

    fn delete_workspace(&self, account: AccountId, workspace: WorkspaceId) -> Result<(), StoreError> {
        self.writer.call(Erase::Soon, move |connection| {
            let readers = accounts::delete_workspace(connection, account, workspace)?;
            let tell = |account| Outcome::WorkspaceRemoved { account, workspace };
            Ok(((), readers.into_iter().map(tell).collect()))
        })
    }

    fn notice(&self) -> Result<bool, StoreError> {
        let now = self.readers.read(admin::changes)?;
        if self.noticed.swap(now, Ordering::Relaxed) == now {
            return Ok(false);
        }
        // What ends sessions must not wait for what only tidies up.
        if let Err(error) = self.writer.call(Erase::Soon, |_| Ok(((), Vec::new()))) {
            tracing::warn!(error = %crate::store::Chained(&error), "erasing what an operator deleted");
        }
        Ok(true)
    }

    fn role(&self, account: AccountId, workspace: WorkspaceId) -> Result<Role, StoreError> {
        let found = self.readers.read(|connection| read::readable(connection, account, workspace))?;
        found.role.ok_or(StoreError::NotFound)
    }

    fn invite(&self, workspace: WorkspaceId, invite: InviteId) -> Result<Option<InviteRow>, StoreError> {
        self.readers.read(|connection| people::invite(connection, workspace, invite))
    }

    fn put_join(&self, join: NewJoin) -> Result<JoinVerdict, StoreError> {
        self.write(move |connection| people::put_join(connection, &join))
    }

    fn joins(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        now_ms: u64,
    ) -> Result<Vec<JoinProof>, StoreError> {
        self.readers.read(|connection| people::joins(connection, account, workspace, now_ms))
    }

    fn refuse_join(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        invite: InviteId,
    ) -> Result<(), StoreError> {
        self.write(move |connection| people::refuse_join(connection, account, workspace, invite))
    }

    fn read_snapshot(
        &self,
        account: AccountId,
        request: &SnapshotRequest,
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        self.readers.snapshot(account, request, sink)
    }

    fn fetch(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        records: &[(RecordId, Part)],
    ) -> Result<Vec<StoredEnvelope>, StoreError> {
        self.readers.read(|connection| read::fetch(connection, account, workspace, records))
    }

    fn versions(&self, account: AccountId, request: &VersionsRequest) -> Result<VersionsPage, StoreError> {
        self.readers.read(|connection| versions::read(connection, account, request))
    }

    fn read_bootstrap(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        have: &[PackId],
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        self.readers.long_read(|connection| packs::bootstrap(connection, account, workspace, have, sink))
    }

    fn read_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        packs: &[PackId],
        sink: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Result<(), StoreError> {
        self.readers.long_read(|connection| packs::read_packs(connection, account, workspace, packs, sink))
    }

    fn read_headers(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        after: u64,
    ) -> Result<Vec<PastHeader>, StoreError> {
        self.readers.read(|connection| packs::read_headers(connection, account, workspace, after))
    }

    fn put_pack(&self, account: AccountId, pack: NewPack) -> Result<PackVerdict, StoreError> {
        self.write(move |connection| packs::put_pack(connection, account, &pack))
    }

    fn put_manifest(&self, account: AccountId, manifest: NewManifest) -> Result<PackVerdict, StoreError> {
        self.write(move |connection| packs::put_manifest(connection, account, &manifest))
    }

    fn wants_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        app: AppId,
    ) -> Result<bool, StoreError> {
        self.readers.read(|connection| packs::wants(connection, account, workspace, app))
    }

    fn add_invite(&self, invite: SecretHash, now_ms: u64) -> Result<(), StoreError> {
        self.write(move |connection| accounts::add_invite(connection, &invite, now_ms))
    }

    fn has_invite(&self, invite: &SecretHash) -> Result<bool, StoreError> {
        self.readers.read(|connection| accounts::has_invite(connection, invite))
    }

    fn prune(&self, retention: Retention, now_ms: u64) -> Result<(), StoreError> {
        let after = self.pruned.load(Ordering::Relaxed);
        let next = self.write(move |connection| upkeep::prune(connection, retention, now_ms, after))?;
        self.pruned.store(next, Ordering::Relaxed);
        let from = *self.pruned_headers.lock().unwrap_or_else(PoisonError::into_inner);
        let next =
            self.write(move |connection| upkeep::prune_headers(connection, retention, now_ms, from))?;
        *self.pruned_headers.lock().unwrap_or_else(PoisonError::into_inner) = next;
        self.writer.finish_erasing()
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        // SQLite writes no page whose bytes stay the same, so the probe must differ from the last.
        self.write(schema::probe)
    }

    fn stop(&self) {
        self.writer.stop();
    }
}
