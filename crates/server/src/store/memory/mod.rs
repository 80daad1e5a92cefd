//! A store in memory, for the simulator and for tests: the same rules as the one on disk, and no disk.
//!
//! Why it exists: the simulator runs thousands of servers in a second, crashes them and sets them back.
//! A [`MemoryDisk`] is what survives a crash; [`MemoryDisk::snapshot`] is a backup of it. Workspaces are
//! shared between snapshots until one of them changes.
//!
//! It publishes on the caller's thread, within the lock, so that the order is that of the ledger.

mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_core::{CryptoRng, RngCore};
use satchel_charter::Charter;
use satchel_crypto::ServerSetup;
use satchel_wire::limits::{APPS_MAX, WORKSPACES_MAX};
use satchel_wire::{
    AccountId, AddedMember, AppId, BundleUpdate, CharterOp, Content, DeletionReceipt, Digest, ErrorCode,
    Head, Incarnation, InviteId, JoinProof, PackId, Part, RecordId, Role, StoredEnvelope, WorkspaceEntry,
    WorkspaceId, WorkspaceKind,
};

use self::workspace::Workspace;
use super::people::{Change, Moves, Suspension, check_writer, enact, refuse_member};
use super::verdict::{Verdict, reject, report};
use super::{
    AccountKeys, AccountRow, AppRow, InviteRow, JoinVerdict, Made, NewAccount, NewApp, NewJoin, NewManifest,
    NewPack, PackVerdict, PastHeader, Push, SecretHash, SignedIn, SnapshotEnd, SnapshotPart, SnapshotRequest,
    Store, StoreError, VersionsPage, VersionsRequest,
};
use crate::config::Retention;
use crate::planted::{self, Bug};
use crate::service::{Outcome, Publish};

/// What survives a crash of the server: a shared handle.
#[derive(Clone)]
pub struct MemoryDisk {
    disk: Arc<Mutex<Disk>>,
}

struct Disk {
    incarnation: Incarnation,
    opaque_setup: Arc<Vec<u8>>,
    rows: Rows,
    /// The rows before what was answered too early; only with a planted bug.
    unsynced: Option<Rows>,
}

#[derive(Clone, Default)]
struct Rows {
    accounts: BTreeMap<AccountId, Account>,
    invites: BTreeSet<SecretHash>,
    workspaces: BTreeMap<WorkspaceId, Arc<Workspace>>,
    made: u64,
}

#[derive(Clone)]
struct Account {
    email: String,
    row: AccountRow,
    apps: BTreeMap<AppId, (AppRow, SecretHash)>,
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDisk").finish_non_exhaustive()
    }
}

impl MemoryDisk {
    /// An empty disk with a database's first life on it.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let setup = ServerSetup::make(rng).to_bytes().to_vec();
        Self::with_setup(Arc::new(setup), rng)
    }

    /// The same with an OPAQUE setup that was made before: making one costs more than a history.
    pub fn with_setup<R: RngCore>(opaque_setup: Arc<Vec<u8>>, rng: &mut R) -> Self {
        let mut incarnation = [0; 16];
        rng.fill_bytes(&mut incarnation);
        let incarnation = Incarnation::new(incarnation);
        let disk = Disk { incarnation, opaque_setup, rows: Rows::default(), unsynced: None };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    /// A copy of everything that is durable now.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let disk = self.lock();
        let rows = disk.unsynced.as_ref().unwrap_or(&disk.rows).clone();
        let (incarnation, opaque_setup) = (disk.incarnation, Arc::clone(&disk.opaque_setup));
        drop(disk);
        Self { disk: Arc::new(Mutex::new(Disk { incarnation, opaque_setup, rows, unsynced: None })) }
    }

    /// The power goes: what was not durable is gone.
    pub fn lose_unsynced(&self) {
        let mut disk = self.lock();
        if let Some(rows) = disk.unsynced.take() {
            disk.rows = rows;
        }
    }

    /// Gives the database a new life, as a restored backup has one.
    pub fn renew<R: RngCore>(&self, rng: &mut R) {
        let mut incarnation = [0; 16];
        rng.fill_bytes(&mut incarnation);
        self.lock().incarnation = Incarnation::new(incarnation);
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        // The rows are whole after every statement that can panic.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store over a [`MemoryDisk`].
pub struct MemoryStore {
    disk: MemoryDisk,
    publish: Arc<dyn Publish>,
    stopped: Mutex<bool>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Opens a disk; one store at a time writes to it.
    pub fn open(disk: MemoryDisk, publish: Arc<dyn Publish>) -> Self {
        Self { disk, publish, stopped: Mutex::new(false) }
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Rows) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_stopped() {
            return Err(StoreError::Stopped);
        }
        change(&mut self.disk.lock().rows)
    }
}

impl Rows {
    fn readable(&self, account: AccountId, workspace: WorkspaceId) -> Result<&Workspace, StoreError> {
        let found = self.workspaces.get(&workspace).filter(|found| found.role(account).is_some());
        found.map(Arc::as_ref).ok_or(StoreError::NotFound)
    }

    /// A workspace of which the account is an admin.
    fn administered(&self, account: AccountId, workspace: WorkspaceId) -> Result<&Workspace, StoreError> {
        let found = self.readable(account, workspace)?;
        if found.role(account) == Some(Role::Admin) { Ok(found) } else { Err(StoreError::RoleTooLow) }
    }

    fn change(&mut self, workspace: WorkspaceId) -> Result<&mut Workspace, StoreError> {
        self.workspaces.get_mut(&workspace).map(Arc::make_mut).ok_or(StoreError::NotFound)
    }

    fn judge(&mut self, push: &Push) -> Verdict {
        let header = &push.header;
        let app = self.accounts.get(&header.author).and_then(|account| account.apps.get(&header.app));
        if app.is_none_or(|(row, _)| row.key != push.app_key) {
            return reject(ErrorCode::SessionEnded, "the session was ended");
        }
        let founding = match &header.content {
            Content::Charter(CharterOp::Found(founding)) => Some(founding),
            _ => None,
        };
        let Some(workspace) = self.workspaces.get_mut(&header.workspace) else {
            return match founding {
                Some(founding) => self.found(push, founding.kind),
                None => nothing(),
            };
        };
        if workspace.role(header.author).is_none() {
            return nothing();
        }
        if let Some(verdict) = workspace.known(push) {
            return verdict;
        }
        if founding.is_some() {
            return reject(ErrorCode::BadRequest, "the workspace is founded already");
        }
        if !workspace.is_on_chain(header.seen) {
            return reject(ErrorCode::CursorUnknown, "the commit has seen another history");
        }
        match &header.content {
            Content::Ops { ops, expects, bulk, .. } => {
                Arc::make_mut(workspace).judge_ops(push, ops, expects, *bulk)
            }
            Content::Charter(op) => self.judge_charter(push, op),
        }
    }

    fn judge_charter(&mut self, push: &Push, op: &CharterOp) -> Verdict {
        let id = push.header.workspace;
        let Some(workspace) = self.workspaces.get(&id) else { return nothing() };
        let after = match enact(&workspace.charter, workspace.head.seq + 1, push) {
            Ok(after) => after,
            Err(refusal) => return Verdict::Rejected(refusal),
        };
        if let CharterOp::AddMember(added) = op
            && !self.may_be_added(workspace, added)
        {
            return Verdict::Rejected(refuse_member(added.invite.is_some()));
        }
        let Some(workspace) = self.workspaces.get_mut(&id) else { return nothing() };
        let workspace = Arc::make_mut(workspace);
        let was_suspended = workspace.suspended.clone();
        let (head, change) = workspace.take_charter(push, after);
        let entry = WorkspaceEntry { workspace: id, head };
        let mut moves = Moves::default();
        let is_told = |account: &&AccountId| !was_suspended.contains_key(*account);
        moves.removed = change.removed.iter().filter(is_told).copied().collect();
        moves.shown = change.added.iter().map(|(account, _)| (*account, entry.clone())).collect();
        workspace.suspended.retain(|account, _| !change.removed.contains(account));
        if workspace.is_roster() {
            self.follow_roster(id, &change, &mut moves);
        }
        if planted::is(Bug::RemovedStillFed) {
            moves.removed.clear();
        }
        Verdict::Accepted { head, founded: false, moves }
    }

    /// What only rows know of a new member: that the keys are the account's, and that the account waits under
    /// the invitation, or is in the team.
    fn may_be_added(&self, workspace: &Workspace, added: &AddedMember) -> bool {
        let keys = self.accounts.get(&added.account).map(|account| &account.row.bundle);
        let are_own = keys.is_some_and(|keys| {
            (keys.signing_key, keys.sealing_key) == (added.signing_key, added.sealing_key)
        });
        let is_known = match added.invite {
            Some(invite) => {
                workspace.joins.get(&invite).is_some_and(|(account, _)| *account == added.account)
            }
            None => workspace.roster().is_some_and(|roster| self.team_role(added.account, roster).is_some()),
        };
        are_own && is_known
    }

    fn team_role(&self, account: AccountId, roster: WorkspaceId) -> Option<Role> {
        self.workspaces.get(&roster).filter(|found| found.is_roster())?.role(account)
    }

    /// Who leaves a team loses its workspaces at once; who comes back gets those where nobody has removed them.
    fn follow_roster(&mut self, roster: WorkspaceId, change: &Change, moves: &mut Moves) {
        let mut of_team: Vec<_> =
            self.workspaces.iter_mut().filter(|(_, found)| found.roster() == Some(roster)).collect();
        of_team.sort_unstable_by_key(|(_, found)| found.made);
        for (id, found) in of_team {
            for account in &change.removed {
                if found.role(*account).is_some() {
                    Arc::make_mut(found).suspended.insert(*account, Suspension::NotInTeam);
                    moves.hidden.push((*account, *id));
                }
            }
            for (account, _) in &change.added {
                if found.suspended.get(account) == Some(&Suspension::NotInTeam) {
                    Arc::make_mut(found).suspended.remove(account);
                    moves.shown.push((*account, WorkspaceEntry { workspace: *id, head: found.head }));
                }
            }
        }
    }

    fn found(&mut self, push: &Push, kind: WorkspaceKind) -> Verdict {
        let owner = push.header.author;
        if let WorkspaceKind::Team(roster) = kind {
            let Some(role) = self.team_role(owner, roster) else { return nothing() };
            if let Err(refusal) = check_writer(role) {
                return Verdict::Rejected(refusal);
            }
        }
        let count = self.workspaces.values().filter(|workspace| workspace.owner == owner).count();
        if count >= WORKSPACES_MAX {
            return reject(ErrorCode::Quota, "the account has as many workspaces as it may");
        }
        if push.header.seen != Head::EMPTY {
            return reject(ErrorCode::CursorUnknown, "a founding has seen nothing");
        }
        let charter = match enact(&Charter::default(), 1, push) {
            Ok(charter) => charter,
            Err(refusal) => return Verdict::Rejected(refusal),
        };
        self.made += 1;
        let mut workspace = Workspace::new(self.made, owner);
        let (head, _) = workspace.take_charter(push, charter);
        self.workspaces.insert(push.header.workspace, Arc::new(workspace));
        Verdict::Accepted { head, founded: true, moves: Moves::default() }
    }

    /// Whether an account can go: it is in no team, and no workspace is left without an admin by it.
    fn check_leaving(&self, account: AccountId) -> Result<(), StoreError> {
        let mut own: Vec<_> =
            self.workspaces.iter().filter(|(_, found)| found.role(account).is_some()).collect();
        own.sort_unstable_by_key(|(_, found)| found.made);
        let rosters = own.iter().filter(|(_, found)| found.is_roster()).map(|(id, _)| **id);
        let rosters: Vec<_> = rosters.collect();
        if !rosters.is_empty() {
            return Err(StoreError::InTeams(rosters));
        }
        let is_alone = |found: &Workspace| {
            let mut others = found.readers().filter(|other| *other != account).peekable();
            found.role(account) == Some(Role::Admin)
                && others.peek().is_some()
                && others.all(|other| found.role(other) != Some(Role::Admin))
        };
        let alone: Vec<_> = own.iter().filter(|(_, found)| is_alone(found)).map(|(id, _)| **id).collect();
        if alone.is_empty() { Ok(()) } else { Err(StoreError::LastAdmin(alone)) }
    }

    fn delete_account(&mut self, account: AccountId) -> Result<DeletionReceipt, StoreError> {
        let apps = self.accounts.get(&account).ok_or(StoreError::NotFound)?.apps.len() as u64;
        self.check_leaving(account)?;
        let mut receipt = nothing_deleted();
        receipt.apps = apps;
        self.accounts.remove(&account);
        self.workspaces.retain(|_, found| {
            if found.charter.role_of(account).is_none() {
                return true;
            }
            let is_gone = |other: AccountId| found.suspended.get(&other) == Some(&Suspension::Gone);
            let mut others = found.charter.members().map(|(other, _)| other);
            // A team's workspaces stay with the team.
            let is_used = found.roster().is_some() || others.any(|other| other != account && !is_gone(other));
            if !is_used {
                found.count(&mut receipt);
            }
            is_used
        });
        for found in self.workspaces.values_mut() {
            let is_member = found.charter.role_of(account).is_some();
            if is_member || found.joins.values().any(|(other, _)| *other == account) {
                let found = Arc::make_mut(found);
                found.joins.retain(|_, (other, _)| *other != account);
                if is_member {
                    found.suspended.insert(account, Suspension::Gone);
                }
            }
        }
        Ok(receipt)
    }

    /// Deletes a workspace for an admin of it, or of its team. Answers who could read it.
    fn delete_workspace(
        &mut self,
        account: AccountId,
        workspace: WorkspaceId,
    ) -> Result<Vec<AccountId>, StoreError> {
        let found = self.workspaces.get(&workspace).ok_or(StoreError::NotFound)?;
        let role = found.role(account);
        let of_team = found.roster().and_then(|roster| self.team_role(account, roster));
        if role.max(of_team) != Some(Role::Admin) {
            // To who is in the team, but not in the workspace, it is not there.
            return Err(if role.is_some() { StoreError::RoleTooLow } else { StoreError::NotFound });
        }
        let rest = self.workspaces.iter().filter(|(_, other)| other.roster() == Some(workspace));
        let mut rest: Vec<_> = rest.map(|(id, other)| (other.made, *id)).collect();
        rest.sort_unstable();
        if !rest.is_empty() {
            return Err(StoreError::HasWorkspaces(rest.into_iter().map(|(_, id)| id).collect()));
        }
        let readers = found.readers().collect();
        self.workspaces.remove(&workspace);
        Ok(readers)
    }
}

fn nothing() -> Verdict {
    reject(ErrorCode::NotFound, "nothing there for this account")
}

fn nothing_deleted() -> DeletionReceipt {
    DeletionReceipt { workspaces: 0, records: 0, versions: 0, commits: 0, apps: 0, bytes: 0 }
}

impl Store for MemoryStore {
    fn incarnation(&self) -> Incarnation {
        self.disk.lock().incarnation
    }

    fn opaque_setup(&self) -> Result<Vec<u8>, StoreError> {
        Ok(self.disk.lock().opaque_setup.to_vec())
    }

    fn make_account(&self, account: NewAccount) -> Result<Made, StoreError> {
        self.write(|rows| {
            if rows.accounts.values().any(|other| other.email == account.email) {
                return Ok(Made::EmailTaken);
            }
            let id = account.bundle.account;
            // An id that stands in a workspace for somebody who is gone must not come back as somebody else.
            let is_used = rows.workspaces.values().any(|found| found.charter.role_of(id).is_some());
            if is_used || rows.accounts.contains_key(&id) {
                return Ok(Made::IdTaken);
            }
            if account.invite.is_some_and(|invite| !rows.invites.remove(&invite)) {
                return Ok(Made::InviteUnknown);
            }
            let (bundle, password_file) = (account.bundle, account.password_file);
            let row = AccountRow { bundle, password_file, is_disabled: false };
            let apps = BTreeMap::from([app_row(account.app)]);
            rows.accounts.insert(id, Account { email: account.email, row, apps });
            Ok(Made::Account)
        })
    }

    fn account_by_email(&self, email: &str) -> Result<Option<AccountRow>, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.accounts.values().find(|one| one.email == email).map(|one| one.row.clone()))
    }

    fn account(&self, account: AccountId) -> Result<Option<(String, AccountRow)>, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.accounts.get(&account).map(|one| (one.email.clone(), one.row.clone())))
    }

    fn sign_in(&self, account: AccountId, app: NewApp) -> Result<SignedIn, StoreError> {
        self.write(|rows| {
            let account = rows.accounts.get_mut(&account).ok_or(StoreError::NotFound)?;
            if account.apps.keys().filter(|other| **other != app.app).count() >= APPS_MAX {
                return Ok(SignedIn::TooMany);
            }
            account.apps.extend([app_row(app)]);
            Ok(SignedIn::App)
        })
    }

    fn set_password(
        &self,
        account: AccountId,
        password_file: Vec<u8>,
        update: BundleUpdate,
        keep: Option<AppId>,
    ) -> Result<Vec<AppId>, StoreError> {
        self.write(|rows| {
            let account = rows.accounts.get_mut(&account).ok_or(StoreError::NotFound)?;
            account.row.bundle.wrapped_by_password = update.wrapped_by_password;
            if let Some((wrap, key)) = update.recovery {
                account.row.bundle.wrapped_by_recovery = wrap;
                account.row.bundle.recovery_key = key;
            }
            account.row.password_file = password_file;
            let ended: Vec<_> = account.apps.keys().copied().filter(|app| Some(*app) != keep).collect();
            account.apps.retain(|app, _| Some(*app) == keep);
            Ok(ended)
        })
    }

    fn session(&self, token: &SecretHash) -> Result<Option<(AccountKeys, AppRow)>, StoreError> {
        let disk = self.disk.lock();
        let found = disk.rows.accounts.values().find_map(|account| {
            let (row, _) = account.apps.values().find(|(_, hash)| hash == token)?;
            let bundle = &account.row.bundle;
            let (signing_key, sealing_key) = (bundle.signing_key, bundle.sealing_key);
            Some((AccountKeys { account: bundle.account, signing_key, sealing_key }, row.clone()))
        });
        Ok(found)
    }

    fn apps(&self, account: AccountId) -> Result<Vec<AppRow>, StoreError> {
        let disk = self.disk.lock();
        let apps = disk.rows.accounts.get(&account).into_iter().flat_map(|one| one.apps.values());
        Ok(apps.map(|(row, _)| row.clone()).collect())
    }

    fn touch_app(&self, account: AccountId, app: AppId, waiting: u32, now_ms: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            let found = rows.accounts.get_mut(&account).and_then(|account| account.apps.get_mut(&app));
            if let Some((row, _)) = found {
                (row.last_seen_ms, row.waiting) = (now_ms, waiting);
            }
            Ok(())
        })
    }

    fn remove_app(&self, account: AccountId, app: AppId) -> Result<bool, StoreError> {
        self.write(|rows| {
            let account = rows.accounts.get_mut(&account);
            Ok(account.is_some_and(|account| account.apps.remove(&app).is_some()))
        })
    }

    fn delete_account(&self, account: AccountId) -> Result<DeletionReceipt, StoreError> {
        self.write(|rows| rows.delete_account(account))
    }

    fn workspaces(&self, account: AccountId) -> Result<Vec<WorkspaceEntry>, StoreError> {
        let disk = self.disk.lock();
        let readable = disk.rows.workspaces.iter().filter(|(_, one)| one.role(account).is_some());
        let mut readable: Vec<_> = readable.collect();
        readable.sort_unstable_by_key(|(_, one)| one.made);
        let entry =
            |(id, one): (&WorkspaceId, &Arc<Workspace>)| WorkspaceEntry { workspace: *id, head: one.head };
        Ok(readable.into_iter().map(entry).collect())
    }

    fn push(&self, push: Push) {
        let mut disk = self.disk.lock();
        let verdict = if self.is_stopped() {
            reject(ErrorCode::GoingAway, "the server is shutting down")
        } else {
            disk.unsynced = planted::is(Bug::AcknowledgeBeforeCommit).then(|| disk.rows.clone());
            disk.rows.judge(&push)
        };
        report(push, verdict, &*self.publish);
    }

    fn delete_workspace(&self, account: AccountId, workspace: WorkspaceId) -> Result<(), StoreError> {
        let readers = self.write(|rows| rows.delete_workspace(account, workspace))?;
        for account in readers {
            self.publish.publish(Outcome::WorkspaceRemoved { account, workspace });
        }
        Ok(())
    }

    fn role(&self, account: AccountId, workspace: WorkspaceId) -> Result<Role, StoreError> {
        self.disk.lock().rows.readable(account, workspace)?.role(account).ok_or(StoreError::NotFound)
    }

    fn invite(&self, workspace: WorkspaceId, invite: InviteId) -> Result<Option<InviteRow>, StoreError> {
        let disk = self.disk.lock();
        let found = disk.rows.workspaces.get(&workspace).and_then(|found| found.charter.invite(invite));
        Ok(found.map(|open| InviteRow { key: open.key, expires_ms: open.expires_ms }))
    }

    fn put_join(&self, join: NewJoin) -> Result<JoinVerdict, StoreError> {
        self.write(|rows| match rows.change(join.workspace) {
            Ok(found) => Ok(found.put_join(join)),
            Err(_) => Ok(JoinVerdict::Gone),
        })
    }

    fn joins(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        now_ms: u64,
    ) -> Result<Vec<JoinProof>, StoreError> {
        Ok(self.disk.lock().rows.administered(account, workspace)?.waiting(now_ms))
    }

    fn refuse_join(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        invite: InviteId,
    ) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.administered(account, workspace)?;
            rows.change(workspace)?.joins.remove(&invite);
            Ok(())
        })
    }

    fn read_snapshot(
        &self,
        account: AccountId,
        request: &SnapshotRequest,
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.readable(account, request.workspace)?;
        if !workspace.is_on_chain(request.cursor) {
            return Err(StoreError::CursorUnknown);
        }
        workspace.check_kept(request.cursor.seq)?;
        if request.cursor.seq < workspace.head.seq && workspace.send_headers(request.cursor.seq, sink) {
            workspace.send_pages(request.cursor.seq.max(request.pages_after), sink);
        }
        Ok(SnapshotEnd { head: workspace.head, digest: Digest::new(workspace.digest.to_bytes()) })
    }

    fn fetch(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        records: &[(RecordId, Part)],
    ) -> Result<Vec<StoredEnvelope>, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.readable(account, workspace)?;
        Ok(records.iter().filter_map(|key| workspace.stored(*key)).collect())
    }

    fn versions(&self, account: AccountId, request: &VersionsRequest) -> Result<VersionsPage, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.readable(account, request.workspace)?.versions(request))
    }

    fn read_bootstrap(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        have: &[PackId],
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.readable(account, workspace)?;
        if let Some(after) = workspace.send_manifest(have, sink)
            && workspace.send_headers(after, sink)
        {
            workspace.send_pages(after, sink);
        }
        Ok(SnapshotEnd { head: workspace.head, digest: Digest::new(workspace.digest.to_bytes()) })
    }

    fn read_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        packs: &[PackId],
        sink: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Result<(), StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.readable(account, workspace)?;
        for pack in packs {
            if !sink(workspace.named(*pack).ok_or(StoreError::NotFound)?) {
                break;
            }
        }
        Ok(())
    }

    fn read_headers(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        after: u64,
    ) -> Result<Vec<PastHeader>, StoreError> {
        let disk = self.disk.lock();
        let workspace = disk.rows.readable(account, workspace)?;
        if after < workspace.pruned {
            return Err(StoreError::CursorTooOld);
        }
        let mut first = Vec::new();
        workspace.send_headers(after, &mut |part| {
            if let SnapshotPart::Headers { headers, .. } = part {
                first = headers;
            }
            false
        });
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let times = workspace.entries.iter().skip(skip).map(|entry| entry.made_ms);
        let past = first.into_iter().zip(times);
        Ok(past.map(|(header, received_ms)| PastHeader { header, received_ms }).collect())
    }

    fn put_pack(&self, account: AccountId, pack: NewPack) -> Result<PackVerdict, StoreError> {
        self.write(|rows| {
            rows.readable(account, pack.workspace)?;
            Ok(rows.change(pack.workspace)?.put_pack(account, pack))
        })
    }

    fn put_manifest(&self, account: AccountId, manifest: NewManifest) -> Result<PackVerdict, StoreError> {
        self.write(|rows| {
            let id = manifest.manifest.workspace;
            rows.readable(account, id)?;
            Ok(rows.change(id)?.put_manifest(&manifest))
        })
    }

    fn wants_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        app: AppId,
    ) -> Result<bool, StoreError> {
        let disk = self.disk.lock();
        Ok(disk.rows.readable(account, workspace)?.wants_packs(account, app))
    }

    fn add_invite(&self, invite: SecretHash, _: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.invites.insert(invite);
            Ok(())
        })
    }

    fn has_invite(&self, invite: &SecretHash) -> Result<bool, StoreError> {
        Ok(self.disk.lock().rows.invites.contains(invite))
    }

    fn prune(&self, retention: Retention, now_ms: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            for workspace in rows.workspaces.values_mut() {
                Arc::make_mut(workspace).prune(retention, now_ms);
            }
            Ok(())
        })
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(()))
    }

    fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

fn app_row(app: NewApp) -> (AppId, (AppRow, SecretHash)) {
    let row = AppRow {
        app: app.app,
        name: app.name,
        kind: app.kind,
        key: app.key,
        last_seen_ms: app.now_ms,
        waiting: 0,
    };
    (app.app, (row, app.token_hash))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::store::conformance::{self, Heard};
    use crate::store::conformance_people::tell_story;
    use crate::store::ledger_model;

    fn open(heard: Arc<Heard>) -> Arc<dyn Store> {
        let disk = MemoryDisk::make(&mut ChaCha20Rng::seed_from_u64(1));
        Arc::new(MemoryStore::open(disk, heard))
    }

    #[test]
    fn it_does_what_every_store_must() {
        conformance::check(&open);
    }

    #[test]
    fn stories_of_people_are_about_everything() {
        let told = (0..100).map(|seed| tell_story(&open, seed, 70)).collect::<String>();
        let words = [
            "accepted",
            "got 2",
            "cut 3, accepted, lost 3",
            "lost 2 elsewhere",
            "got 2 elsewhere",
            "EpochOld",
            "RoleTooLow",
            "CharterMoved",
            "InviteGone",
            "LastAdmin",
            "NotFound",
            "Forbidden",
            "InTeams",
            "Ok(",
        ];
        for word in words {
            assert!(told.contains(word), "{word}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn random_pushes_give_what_the_model_gives(seed: u64, steps in 1_u8..60) {
            ledger_model::check_against_model(&open, seed, steps);
        }
    }
}
