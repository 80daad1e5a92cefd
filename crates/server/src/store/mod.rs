//! What the service keeps, behind a trait: whole atomic operations, no rows and no transactions.
//!
//! The trait is not shaped by `SQLite`: each method is one step that another database can do in one
//! statement or transaction of its own. Methods block; a store with an asynchronous driver runs its
//! own runtime. Every store passes the suite in `store/conformance.rs`.
//!
//! Invariants: a `seq` comes from the workspace's own state in the same transaction, never from a
//! database sequence; a method that answers `Ok` is durable; one that answers `Unavailable` changed
//! nothing; a workspace is not there for an account that is no member of it, or is suspended, whatever it
//! asks. Who is a member, and how, follows from the charter alone, but for suspensions. It does not know OPAQUE, certificates or signatures: what needs checking by keys was checked.

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
mod conformance_packs;
#[cfg(test)]
pub(crate) mod conformance_people;
#[cfg(test)]
mod conformance_pruning;
#[cfg(test)]
mod ledger_model;
#[cfg(any(test, feature = "simulated"))]
pub mod memory;
mod packs;
mod people;
mod runs;
pub mod sqlite;
mod verdict;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppKind, BundleUpdate, Bytes32, CharterEntry, CommitHeader,
    DeletionReceipt, Digest, Head, Incarnation, InviteId, JoinProof, PackId, Part, RecordId, Role,
    SignedHeader, SignedManifest, StoredEnvelope, StoredVersion, WorkspaceEntry, WorkspaceId,
};

pub use packs::{NewManifest, NewPack, PackVerdict};
pub use people::{InviteRow, JoinVerdict, NewJoin};

use crate::config::Retention;
use crate::service::ConnectionId;

/// Why a store could not do something.
#[derive(Debug, Clone)]
pub enum StoreError {
    /// Nothing there, or nothing there for this account.
    NotFound,
    /// The cursor is ahead of the ledger or not on its chain.
    CursorUnknown,
    /// The cursor is on the ledger, and the headers behind it are not all kept any more.
    CursorTooOld,
    /// The account's role in the workspace does not allow it.
    RoleTooLow,
    /// The account is a member of these rosters.
    InTeams(Vec<WorkspaceId>),
    /// The account is the only admin of these workspaces, which others use.
    LastAdmin(Vec<WorkspaceId>),
    /// The team still has these workspaces.
    HasWorkspaces(Vec<WorkspaceId>),
    /// The store cannot write or read now: disk full, read-only, input or output failed, overloaded.
    /// Nothing was changed.
    Unavailable {
        /// What the database said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store was stopped.
    Stopped,
    /// Something stored is not what was written.
    Damaged {
        /// What was read.
        what: &'static str,
    },
    /// Anything else: a bug or a damaged database.
    Other {
        /// What the database said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("nothing there"),
            Self::CursorUnknown => f.write_str("the cursor is not on the ledger"),
            Self::CursorTooOld => f.write_str("the cursor is older than what is kept"),
            Self::RoleTooLow => f.write_str("the account's role does not allow it"),
            Self::InTeams(rosters) => write!(f, "the account is in {} teams", rosters.len()),
            Self::LastAdmin(workspaces) => {
                write!(f, "the account is the only admin of {} workspaces", workspaces.len())
            }
            Self::HasWorkspaces(workspaces) => write!(f, "the team has {} workspaces", workspaces.len()),
            Self::Unavailable { .. } => f.write_str("the store is not available"),
            Self::Stopped => f.write_str("the store was stopped"),
            Self::Damaged { what } => write!(f, "the stored {what} is damaged"),
            Self::Other { .. } => f.write_str("the store failed"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable { source } | Self::Other { source } => Some(&**source),
            _ => None,
        }
    }
}

/// An error with everything below it, on one line, for the log.
#[derive(Debug)]
pub struct Chained<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

/// The hash under which a token or an invitation is kept.
pub type SecretHash = [u8; 32];

/// An app to be signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApp {
    /// The app.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: AppKind,
    /// Its certified key.
    pub key: Bytes32,
    /// The hash of its token.
    pub token_hash: SecretHash,
    /// Now.
    pub now_ms: u64,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The e-mail, normalised.
    pub email: String,
    /// Its keys.
    pub bundle: AccountBundle,
    /// The OPAQUE password file.
    pub password_file: Vec<u8>,
    /// Its first app.
    pub app: NewApp,
    /// The invitation that is used up, where one is needed.
    pub invite: Option<SecretHash>,
}

/// What came of making an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It exists now.
    Account,
    /// The e-mail has an account already.
    EmailTaken,
    /// The id is in use.
    IdTaken,
    /// The invitation is not there any more.
    InviteUnknown,
}

/// What came of signing an app in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedIn {
    /// It has a session now; an earlier session of the same app is gone.
    App,
    /// The account has [`satchel_wire::limits::APPS_MAX`] apps already.
    TooMany,
}

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its keys.
    pub bundle: AccountBundle,
    /// The OPAQUE password file.
    pub password_file: Vec<u8>,
    /// An operator has disabled it: nobody signs in.
    pub is_disabled: bool,
}

/// A header of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastHeader {
    /// The header.
    pub header: SignedHeader,
    /// When it came.
    pub received_ms: u64,
}

/// An account's public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountKeys {
    /// The account.
    pub account: AccountId,
    /// Its identity signing key.
    pub signing_key: Bytes32,
    /// Its identity encryption key.
    pub sealing_key: Bytes32,
}

/// A signed-in app as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRow {
    /// The app.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: AppKind,
    /// Its certified key.
    pub key: Bytes32,
    /// When it was last heard of.
    pub last_seen_ms: u64,
    /// How many changes it last said were waiting.
    pub waiting: u32,
}

/// A commit whose header, signature and envelopes were checked.
#[derive(Debug, Clone)]
pub struct Push {
    /// Who pushed it.
    pub by: ConnectionId,
    /// The key of the app that signed it.
    pub app_key: Bytes32,
    /// The decoded header.
    pub header: CommitHeader,
    /// Its bytes.
    pub signed: SignedHeader,
    /// The envelopes of its puts, in order.
    pub envelopes: Vec<ByteVec>,
    /// Now.
    pub now_ms: u64,
}

/// From where a snapshot is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRequest {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The newest entry that the app has applied.
    pub cursor: Head,
    /// Envelopes put at or before this entry are not wanted.
    pub pages_after: u64,
}

/// A piece of a snapshot, of the size of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotPart {
    /// Headers after the cursor, in order.
    Headers {
        /// The seq of the first.
        first_seq: u64,
        /// The headers.
        headers: Vec<SignedHeader>,
    },
    /// Where old headers are not all kept: what the ledger is verified against up to its point. Comes first.
    Checkpoint(SignedManifest),
    /// Entries whose headers are not kept, in their place among the headers.
    Links {
        /// The seq of the first.
        first_seq: u64,
        /// The hash of each header.
        links: Vec<Bytes32>,
    },
    /// Newest envelopes, in the order of seq.
    Page(Vec<StoredEnvelope>),
    /// The newest manifest and the charter up to it; what follows is behind its point.
    Manifest {
        /// The manifest.
        manifest: SignedManifest,
        /// The charter's entries up to it.
        charter: Vec<CharterEntry>,
    },
    /// A pack of nodes.
    Pack(Vec<u8>),
}

/// The end of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotEnd {
    /// The head of the ledger in the snapshot.
    pub head: Head,
    /// The digest of the whole state at that head.
    pub digest: Digest,
}

/// Which versions of one part of a record are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionsRequest {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The record; it may be purged.
    pub record: RecordId,
    /// Which part of it.
    pub part: Part,
    /// Only versions before this entry.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// Versions of one part of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionsPage {
    /// The versions, the newest first, purges among them.
    pub versions: Vec<StoredVersion>,
    /// Older ones are there.
    pub more: bool,
}

/// The server's memory that survives a restart.
pub trait Store: Send + Sync + fmt::Debug {
    /// The database's present life.
    fn incarnation(&self) -> Incarnation;

    /// The OPAQUE setup that was made with the database.
    fn opaque_setup(&self) -> Result<Vec<u8>, StoreError>;

    /// Makes an account with its first app, using the invitation up.
    fn make_account(&self, account: NewAccount) -> Result<Made, StoreError>;

    /// Finds an account by its normalised e-mail.
    fn account_by_email(&self, email: &str) -> Result<Option<AccountRow>, StoreError>;

    /// Finds an account, with its e-mail.
    fn account(&self, account: AccountId) -> Result<Option<(String, AccountRow)>, StoreError>;

    /// Signs an app in; an app of the same id has its session replaced.
    fn sign_in(&self, account: AccountId, app: NewApp) -> Result<SignedIn, StoreError>;

    /// Replaces the password and ends every session but `keep`'s. The answer names the apps whose
    /// session ended.
    fn set_password(
        &self,
        account: AccountId,
        password_file: Vec<u8>,
        update: BundleUpdate,
        keep: Option<AppId>,
    ) -> Result<Vec<AppId>, StoreError>;

    /// Finds the session with this token.
    fn session(&self, token: &SecretHash) -> Result<Option<(AccountKeys, AppRow)>, StoreError>;

    /// The account's signed-in apps, in the order of their ids.
    fn apps(&self, account: AccountId) -> Result<Vec<AppRow>, StoreError>;

    /// Notes when an app was last heard of and what waits in it. May be lost in a crash; does not
    /// wait for the disk.
    fn touch_app(&self, account: AccountId, app: AppId, waiting: u32, now_ms: u64) -> Result<(), StoreError>;

    /// Ends an app's session and forgets the app; false where there is none.
    fn remove_app(&self, account: AccountId, app: AppId) -> Result<bool, StoreError>;

    /// Deletes everything of an account; nothing of it stays in the files but its id in workspaces that
    /// others use, where it may do nothing any more. `NotFound` if there is none; `InTeams` and `LastAdmin`,
    /// with nothing changed, where others have to be told first.
    fn delete_account(&self, account: AccountId) -> Result<DeletionReceipt, StoreError>;

    /// The workspaces that an account may read.
    fn workspaces(&self, account: AccountId) -> Result<Vec<WorkspaceEntry>, StoreError>;

    /// Takes a commit in order; does not wait. Answered by [`crate::service::Publish`] after it is
    /// durable, or with the `Rejected` that says why it is not.
    fn push(&self, push: Push);

    /// Whether an operator's command has changed something since the last call; what it deleted is then out
    /// of the files as far as it can be.
    fn notice(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The role of an account in a workspace. `NotFound` where it has none at present.
    fn role(&self, account: AccountId, workspace: WorkspaceId) -> Result<Role, StoreError>;

    /// An invitation that is open, whatever the time is.
    fn invite(&self, workspace: WorkspaceId, invite: InviteId) -> Result<Option<InviteRow>, StoreError>;

    /// Keeps a claim until it is used, refused, or its invitation ends.
    fn put_join(&self, join: NewJoin) -> Result<JoinVerdict, StoreError>;

    /// The claims that wait in a workspace. `RoleTooLow` for who is no admin.
    fn joins(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        now_ms: u64,
    ) -> Result<Vec<JoinProof>, StoreError>;

    /// Drops the claim of an invitation, if there is one. `RoleTooLow` for who is no admin.
    fn refuse_join(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        invite: InviteId,
    ) -> Result<(), StoreError>;

    /// Deletes a workspace of which the account is an admin, or is an admin of its team, and publishes that.
    /// `HasWorkspaces` for a roster whose team has some; otherwise `RoleTooLow` and `NotFound`.
    fn delete_workspace(&self, account: AccountId, workspace: WorkspaceId) -> Result<(), StoreError>;

    /// Reads one consistent snapshot into `sink`, until it answers false. `CursorTooOld` where headers
    /// behind the cursor are not kept, but from the beginning, which comes with checkpoint and links.
    fn read_snapshot(
        &self,
        account: AccountId,
        request: &SnapshotRequest,
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError>;

    /// Reads current envelopes of records; absent ones are left out.
    fn fetch(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        records: &[(RecordId, Part)],
    ) -> Result<Vec<StoredEnvelope>, StoreError>;

    /// Reads the versions of a record that are kept, at most [`satchel_wire::limits::PAGE_BYTES`] of
    /// them unless one alone is larger.
    fn versions(&self, account: AccountId, request: &VersionsRequest) -> Result<VersionsPage, StoreError>;

    /// Reads one consistent snapshot for an app that has nothing: manifest, packs of nodes but those in
    /// `have`, and the tail; without a manifest everything, like `read_snapshot` from the beginning.
    fn read_bootstrap(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        have: &[PackId],
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, StoreError>;

    /// Reads packs of the manifest into `sink`, until it answers false. `NotFound` at the first that is
    /// not there.
    fn read_packs(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        packs: &[PackId],
        sink: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Result<(), StoreError>;

    /// Reads headers behind an entry, as many as one frame holds. `CursorTooOld` where not all are kept.
    fn read_headers(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
        after: u64,
    ) -> Result<Vec<PastHeader>, StoreError>;

    /// Keeps a pack for a manifest to come.
    fn put_pack(&self, account: AccountId, pack: NewPack) -> Result<PackVerdict, StoreError>;

    /// Replaces the manifest, and drops the packs that the new one does not name.
    fn put_manifest(&self, account: AccountId, manifest: NewManifest) -> Result<PackVerdict, StoreError>;

    /// Whether a newer manifest is worth its while, and this app may make it.
    fn wants_packs(&self, account: AccountId, workspace: WorkspaceId, app: AppId)
    -> Result<bool, StoreError>;

    /// Adds an invitation to this server.
    fn add_invite(&self, invite: SecretHash, now_ms: u64) -> Result<(), StoreError>;

    /// Whether the invitation is there, not used yet.
    fn has_invite(&self, invite: &SecretHash) -> Result<bool, StoreError>;

    /// Drops old versions, and of old entries all but their links, a bounded number each time; finishes
    /// erasing what was deleted. What it drops of the ledger lies before the newest manifest's point, and
    /// is neither of the charter nor of a version that is kept.
    fn prune(&self, retention: Retention, now_ms: u64) -> Result<(), StoreError>;

    /// Writes something small durably, to see that it can.
    fn check_writable(&self) -> Result<(), StoreError>;

    /// Finishes what was taken, then answers every write with `Stopped`.
    fn stop(&self);
}
