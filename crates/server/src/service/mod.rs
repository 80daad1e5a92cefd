//! The rules of the server, as plain functions over a [`Store`].
//!
//! ```text
//!  session ── open, push, … ──▶ Service ── whole atomic operations ──▶ Store
//!     ▲                            │ places, logins, grants (memory)     │ writer thread
//!     └────────── hub ◀────────────┴───────────── Publish ◀──────────────┘ after the commit
//! ```
//!
//! Every function that takes `now_ms` or a generator gets its time and randomness from there. All of
//! them block (on the store or on arithmetic), so async callers use `spawn_blocking`; the one
//! exception is [`Service::push`], which costs a signature check and a queue, and may be called where
//! the frame was read. Frames of one connection must be handed over in their order.
//!
//! Invariants: an account never has more than `max_apps` apps with a place; places, logins and grants
//! are in memory, so a restart frees them; what [`Publish`] hears is durable, and comes in the order
//! of the ledger.
//!
//! It does not know sockets, HTTP, frames' encodings, or what is inside an envelope.

mod accounts;
mod grants;
mod packs;
mod people;
mod places;
mod push;
#[cfg(test)]
mod tests;
mod versions;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minicbor::bytes::ByteVec;
use satchel_crypto::{ServerSetup, derive_token_hash, verify_open};
use satchel_wire::limits::COMMIT_OPS_MAX;
use satchel_wire::{
    AccountId, AppEntry, AppId, Bytes32, CommitId, ErrorCode, Head, Incarnation, JoinProof, Nonce, Opened,
    PROTOCOL_VERSION, Part, RecordId, Refusal, Signature, SignedHeader, StaleRecord, StoredEnvelope, Token,
    WorkspaceEntry, WorkspaceId,
};

use crate::config::Config;
use crate::store::{AppRow, SnapshotEnd, SnapshotPart, SnapshotRequest, Store, StoreError};
use crate::throttle::Throttle;
use grants::Grants;
use places::{Asked, Gone, Places};

pub use accounts::Address;

/// Names one connection of this process; the hub counts them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Something that happened and that connections must hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A commit is durable. `by` gets `Accepted`; every other subscriber gets an `Entry`.
    Accepted {
        /// The workspace.
        workspace: WorkspaceId,
        /// The commit.
        commit: CommitId,
        /// The ledger's head with this entry; its `seq` is the entry's.
        head: Head,
        /// The entry.
        header: SignedHeader,
        /// The envelopes of its puts.
        envelopes: Vec<ByteVec>,
        /// Who pushed it.
        by: ConnectionId,
    },
    /// A commit that was accepted before: `by` gets `Accepted`, nobody else hears of it.
    Repeated {
        /// The workspace.
        workspace: WorkspaceId,
        /// The commit.
        commit: CommitId,
        /// Its position.
        seq: u64,
        /// Who pushed it.
        by: ConnectionId,
    },
    /// A commit was based on older revisions. `by` gets `Stale`, after every entry up to `head`.
    Stale {
        /// The workspace.
        workspace: WorkspaceId,
        /// The commit.
        commit: CommitId,
        /// The head that was compared.
        head: Head,
        /// What failed.
        records: Vec<StaleRecord>,
        /// Who pushed it.
        by: ConnectionId,
    },
    /// A commit cannot be accepted as it is. `by` gets `Rejected`.
    Rejected {
        /// The workspace.
        workspace: WorkspaceId,
        /// The commit.
        commit: CommitId,
        /// Why.
        refusal: Refusal,
        /// Who pushed it.
        by: ConnectionId,
    },
    /// A workspace was founded; comes right before its first `Accepted`. `by` is subscribed to it,
    /// every other syncing connection of the account gets `WorkspaceAdded`.
    WorkspaceAdded {
        /// The account that may read it.
        account: AccountId,
        /// The workspace, with its founding as head.
        entry: WorkspaceEntry,
        /// Who founded it.
        by: ConnectionId,
    },
    /// An account is about to lose a workspace: its subscriptions end, and what is on the way to them is not
    /// sent any more.
    FeedsEnded {
        /// The account.
        account: AccountId,
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// An account may read a workspace no more, deleted or left. Every connection of the account gets
    /// `WorkspaceRemoved`, and its subscriptions to it end.
    WorkspaceRemoved {
        /// The account that could read it.
        account: AccountId,
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// An account may read a workspace since now. Every connection of the account gets `WorkspaceAdded`.
    WorkspaceShown {
        /// The account.
        account: AccountId,
        /// The workspace.
        entry: WorkspaceEntry,
    },
    /// A claim of an invitation waits. Every connection of these accounts gets `Joins`.
    Joined {
        /// The workspace.
        workspace: WorkspaceId,
        /// Its admins.
        admins: Vec<AccountId>,
        /// Every claim that waits there.
        proofs: Vec<JoinProof>,
    },
    /// A connection is over: evicted, session ended, account deleted, or replaced by a newer one of
    /// the same app. `Refused(refusal)` is its last frame, and nothing more is taken from it.
    Ended {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        refusal: Refusal,
    },
}

/// Who hears of outcomes: the hub.
///
/// For pushes and workspaces it is called on the store's writer thread, after the group is durable,
/// in the order of the ledger; for `Ended`, and for what is refused before the writer, on the thread
/// that called the service. It must not block and must not call the service or the store.
pub trait Publish: Send + Sync + fmt::Debug {
    /// Takes one outcome.
    fn publish(&self, outcome: Outcome);
}

/// Who is at the other end of an open connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The connection.
    pub connection: ConnectionId,
    /// The account.
    pub account: AccountId,
    /// The app.
    pub app: AppId,
    /// The app's certified key.
    pub app_key: Bytes32,
    /// The account's identity signing key.
    pub signing_key: Bytes32,
    /// The account's identity encryption key.
    pub sealing_key: Bytes32,
    /// Whether it holds a place and may sync; otherwise only apps and sessions may be asked about.
    pub sync: bool,
}

/// What an app says in `ClientFrame::Open`, with the nonce of its welcome.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// The nonce that the server sent in its welcome.
    pub nonce: Nonce,
    /// The protocol version of the app.
    pub protocol: u16,
    /// The session's token.
    pub token: Token,
    /// The app key's signature.
    pub proof: Signature,
    /// Whether to hold a place and sync.
    pub sync: bool,
    /// The app whose place to take.
    pub take_over: Option<AppId>,
    /// How many changes wait in this app.
    pub waiting: u32,
}

/// The rules, with what they keep in memory.
pub struct Service {
    store: Arc<dyn Store>,
    publish: Arc<dyn Publish>,
    config: Config,
    setup: Arc<ServerSetup>,
    places: Places,
    grants: Grants,
    throttle: Throttle,
    asks: packs::Asks,
    /// An operator's command was noticed, and not yet followed to its end.
    noticed: AtomicBool,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Service {
    /// Puts the rules over a store. The store must publish to the same `publish`.
    ///
    /// # Errors
    /// [`StoreError`] if the store's OPAQUE setup cannot be read.
    pub fn new(store: Arc<dyn Store>, publish: Arc<dyn Publish>, config: Config) -> Result<Self, StoreError> {
        let setup = ServerSetup::from_bytes(&store.opaque_setup()?)
            .map_err(|_| StoreError::Damaged { what: "OPAQUE setup" })?;
        Ok(Self::over(Arc::new(setup), store, publish, config))
    }

    /// The same with the store's OPAQUE setup already read: for a simulator, whose stores all have the same
    /// one, and of which nobody asks for a password.
    #[cfg(feature = "simulated")]
    pub fn with_setup(
        setup: &Arc<ServerSetup>,
        store: Arc<dyn Store>,
        publish: Arc<dyn Publish>,
        config: Config,
    ) -> Self {
        Self::over(Arc::clone(setup), store, publish, config)
    }

    fn over(
        setup: Arc<ServerSetup>,
        store: Arc<dyn Store>,
        publish: Arc<dyn Publish>,
        config: Config,
    ) -> Self {
        Self {
            store,
            publish,
            setup,
            places: Places::new(config.max_apps, config.max_sockets),
            grants: Grants::default(),
            asks: packs::Asks::default(),
            noticed: AtomicBool::new(false),
            throttle: Throttle::new(config.login_requests_per_minute, config.login_failures_max),
            config,
        }
    }

    /// The server's present life.
    pub fn incarnation(&self) -> Incarnation {
        self.store.incarnation()
    }

    /// Opens a connection: checks token and proof, and takes a place where it will sync.
    ///
    /// The connection must be known to [`Publish`] before, since it can be ended at any time from here.
    /// After `Ok`, [`Service::close`] must be called once the connection is over, also when an
    /// `Ended` came for it.
    ///
    /// # Errors
    /// The last frame of the connection: `UnsupportedVersion`, `Unauthorized`, `AppLimit` with the
    /// apps that hold the places, `Throttled` for too many sockets, `Unavailable`.
    pub fn open(
        &self,
        connection: ConnectionId,
        request: &OpenRequest,
        now_ms: u64,
    ) -> Result<(Session, Opened), Refusal> {
        check_protocol(request.protocol)?;
        let (account, row) = self.prove(request)?;
        let session = Session {
            connection,
            account: account.account,
            app: row.app,
            app_key: row.key,
            signing_key: account.signing_key,
            sealing_key: account.sealing_key,
            sync: request.sync,
        };
        self.take_place(&session, &row, request, now_ms)?;
        // A session that ended between the proof and the place is found here: whoever ends one
        // first removes its row and then clears its connections.
        let opened = self.confirm(&session, request);
        if opened.is_err() {
            self.places.leave(connection);
        }
        opened.map(|opened| (session, opened))
    }

    /// Frees what a connection held, and remembers when its app was last heard of.
    pub fn close(&self, connection: ConnectionId, now_ms: u64) {
        self.asks.forget(connection);
        if let Some(gone) = self.places.leave(connection) {
            self.touch(gone, now_ms);
        }
    }

    /// Takes a commit. The answer comes by [`Publish`]: one of `Accepted`, `Repeated`, `Stale`,
    /// `Rejected`.
    ///
    /// # Errors
    /// The last frame of the connection, where the bytes do not even name a commit to answer for,
    /// or where the connection may not push.
    pub fn push(
        &self,
        session: &Session,
        signed: SignedHeader,
        envelopes: Vec<ByteVec>,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        require_sync(session)?;
        push::push(self, session, signed, envelopes, now_ms)
    }

    /// Streams one snapshot of a workspace from a cursor: headers, then envelopes. The returned head
    /// and digest are for `CaughtUp`. `sink` answers false to stop (the connection is gone).
    ///
    /// The connection must be subscribed at the hub before, so that entries after the snapshot's
    /// head wait there. Entries up to the head that wait too are in the snapshot already, except that
    /// `Accepted` for own commits must still be sent.
    ///
    /// # Errors
    /// `NotFound`, `CursorUnknown`, `Unavailable`, `Internal`: the refusal of `Rejected`.
    pub fn subscribe(
        &self,
        session: &Session,
        request: &SnapshotRequest,
        sink: &mut dyn FnMut(SnapshotPart) -> bool,
    ) -> Result<SnapshotEnd, Refusal> {
        require_sync(session)?;
        self.store.read_snapshot(session.account, request, sink).map_err(|error| refuse(&error))
    }

    /// Reads current envelopes; records that do not exist are absent.
    ///
    /// # Errors
    /// `NotFound`, `TooLarge` for too many records, `Unavailable`, `Internal`.
    pub fn fetch(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        records: &[(RecordId, Part)],
    ) -> Result<Vec<StoredEnvelope>, Refusal> {
        require_sync(session)?;
        if records.len() > COMMIT_OPS_MAX {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("at most {COMMIT_OPS_MAX} records")));
        }
        self.store.fetch(session.account, workspace, records).map_err(|error| refuse(&error))
    }

    /// Notes how many changes wait in an app. Does not block.
    pub fn note_waiting(&self, session: &Session, count: u32) {
        self.places.note_waiting(session.connection, count);
    }

    /// Lists the account's apps, connected or not.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub fn list_apps(&self, session: &Session, now_ms: u64) -> Result<Vec<AppEntry>, Refusal> {
        let rows = self.store.apps(session.account).map_err(|error| refuse(&error))?;
        Ok(self.entries(session.account, rows, now_ms))
    }

    /// Ends another app's session: its token, its place and its entry in the list.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Internal`.
    pub fn disconnect_app(&self, session: &Session, app: AppId) -> Result<(), Refusal> {
        let removed = self.store.remove_app(session.account, app).map_err(|error| refuse(&error))?;
        if !removed {
            return Err(Refusal::new(ErrorCode::NotFound, "no such app in this account"));
        }
        self.end_app(
            session.account,
            app,
            None,
            &Refusal::new(ErrorCode::SessionEnded, "another app ended it"),
        );
        Ok(())
    }

    /// Ends this app's session. Its other connections end too; this one is the caller's to close
    /// after the answer.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`: the session is still there.
    pub fn sign_out(&self, session: &Session) -> Result<(), Refusal> {
        self.store.remove_app(session.account, session.app).map_err(|error| refuse(&error))?;
        let refusal = Refusal::new(ErrorCode::SessionEnded, "signed out");
        self.end_app(session.account, session.app, Some(session.connection), &refusal);
        Ok(())
    }

    /// Deletes a workspace with everything in it; `WorkspaceRemoved` is published.
    ///
    /// # Errors
    /// `NotFound`, `RoleTooLow` for who is no admin, `Forbidden` with the workspaces of a team that still has
    /// some, `Unavailable`, `Internal`.
    pub fn delete_workspace(&self, session: &Session, workspace: WorkspaceId) -> Result<(), Refusal> {
        require_sync(session)?;
        self.store.delete_workspace(session.account, workspace).map_err(|error| refuse(&error))
    }

    /// Regular work, about once a minute: forgets what expired, drops old versions, finishes erasing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost, the next call tries again.
    pub fn upkeep(&self, now_ms: u64) -> Result<(), StoreError> {
        self.grants.forget_expired(now_ms);
        self.throttle.forget_old(now_ms);
        self.store.prune(self.config.retention, now_ms)
    }

    /// Sees whether an operator's command has ended sessions, and ends their connections. To be called about
    /// once a second.
    ///
    /// # Errors
    /// [`StoreError`]; the next call tries again.
    pub fn notice(&self) -> Result<(), StoreError> {
        if self.store.notice()? {
            self.noticed.store(true, Ordering::Relaxed);
        }
        if !self.noticed.load(Ordering::Relaxed) {
            return Ok(());
        }
        for account in self.places.accounts() {
            let apps: Vec<_> = self.store.apps(account)?.into_iter().map(|row| row.app).collect();
            let gone = self.places.clear(account, |app| !apps.contains(&app), None);
            self.end_each(gone, &Refusal::new(ErrorCode::SessionEnded, "the session was ended"));
        }
        self.noticed.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the server can read and write now.
    ///
    /// # Errors
    /// [`StoreError`] that says what is wrong.
    pub fn check_ready(&self) -> Result<(), StoreError> {
        self.store.check_writable()
    }

    /// How many connections are open, and how many of them hold a place.
    pub fn connection_counts(&self) -> (usize, usize) {
        self.places.counts()
    }

    /// Lets everything that was taken become durable and published, then stops the store's writer.
    /// Later writes are answered with `Unavailable`.
    pub fn stop(&self) {
        self.store.stop();
    }

    fn prove(&self, request: &OpenRequest) -> Result<(crate::store::AccountKeys, AppRow), Refusal> {
        let unauthorized =
            || Refusal::new(ErrorCode::Unauthorized, "the session is not known; sign in again");
        let hash = derive_token_hash(request.token.as_bytes());
        let found = self.store.session(&hash).map_err(|error| refuse(&error))?.ok_or_else(unauthorized)?;
        let incarnation = self.store.incarnation();
        let (key, nonce, proof) = (found.1.key, request.nonce, request.proof);
        verify_open(key.as_bytes(), nonce.as_bytes(), incarnation.as_bytes(), proof.as_bytes())
            .map_err(|_| unauthorized())?;
        Ok(found)
    }

    fn take_place(
        &self,
        session: &Session,
        row: &AppRow,
        request: &OpenRequest,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let asked = Asked { take_over: request.take_over, waiting: request.waiting };
        match self.places.enter(session, &row.name, &asked) {
            Ok(gone) => {
                self.end_all(gone, now_ms);
                Ok(())
            }
            Err(places::Refused::Sockets) => {
                let mut refusal = Refusal::new(ErrorCode::Throttled, "too many connections of this account");
                refusal.retry_ms = Some(10_000);
                Err(refusal)
            }
            Err(places::Refused::Full(holders)) => Err(self.app_limit(session.account, &holders, now_ms)),
        }
    }

    fn confirm(&self, session: &Session, request: &OpenRequest) -> Result<Opened, Refusal> {
        let hash = derive_token_hash(request.token.as_bytes());
        let found = self.store.session(&hash).map_err(|error| refuse(&error))?;
        if found.is_none() {
            return Err(Refusal::new(ErrorCode::SessionEnded, "the session was ended"));
        }
        let workspaces = if session.sync {
            self.store.workspaces(session.account).map_err(|error| refuse(&error))?
        } else {
            Vec::new()
        };
        Ok(Opened { workspaces })
    }

    /// The refusal for full places, with the apps that hold them.
    fn app_limit(&self, account: AccountId, holders: &[AppId], now_ms: u64) -> Refusal {
        let detail = format!("all {} places of this account are in use", self.config.max_apps);
        let mut refusal = Refusal::new(ErrorCode::AppLimit, detail);
        // Without the list the app can still ask again; the limit itself must hold in any case.
        let rows = self.store.apps(account).unwrap_or_default();
        let rows = rows.into_iter().filter(|row| holders.contains(&row.app)).collect();
        refusal.apps = self.entries(account, rows, now_ms);
        refusal
    }

    fn entries(&self, account: AccountId, rows: Vec<AppRow>, now_ms: u64) -> Vec<AppEntry> {
        let present = self.places.waiting(account);
        let entry = |row: AppRow| {
            let waiting = present.get(&row.app).copied();
            AppEntry {
                app: row.app,
                name: row.name,
                kind: row.kind,
                last_seen_ms: if waiting.is_some() { now_ms } else { row.last_seen_ms },
                waiting: waiting.unwrap_or(row.waiting),
                connected: waiting.is_some(),
            }
        };
        rows.into_iter().map(entry).collect()
    }

    fn end(&self, connection: ConnectionId, refusal: Refusal) {
        self.publish.publish(Outcome::Ended { connection, refusal });
    }

    fn end_app(&self, account: AccountId, app: AppId, spare: Option<ConnectionId>, refusal: &Refusal) {
        let gone = self.places.clear(account, |other| other == app, spare);
        self.end_each(gone, refusal);
    }

    /// Ends connections whose apps are signed out.
    fn end_each(&self, gone: Vec<Gone>, refusal: &Refusal) {
        for gone in gone {
            self.end(gone.connection, refusal.clone());
        }
    }

    /// Ends connections whose apps stay signed in.
    fn end_all(&self, gone: Vec<(Gone, Refusal)>, now_ms: u64) {
        for (gone, refusal) in gone {
            self.end(gone.connection, refusal);
            self.touch(gone, now_ms);
        }
    }

    fn touch(&self, gone: Gone, now_ms: u64) {
        // Only a hint for people: a server that cannot write now must still end connections.
        let _ = self.store.touch_app(gone.account, gone.app, gone.waiting, now_ms);
    }
}

fn require_sync(session: &Session) -> Result<(), Refusal> {
    if session.sync {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::Forbidden, "this connection was opened without sync"))
}

fn check_protocol(protocol: u16) -> Result<(), Refusal> {
    if protocol == PROTOCOL_VERSION {
        return Ok(());
    }
    let detail = format!("this server speaks version {PROTOCOL_VERSION} of the protocol");
    Err(Refusal::new(ErrorCode::UnsupportedVersion, detail))
}

/// Turns what the store could not do into what an app is told. The detail stays in the log.
pub(crate) fn refuse(error: &StoreError) -> Refusal {
    match error {
        StoreError::NotFound => Refusal::new(ErrorCode::NotFound, "nothing there for this account"),
        StoreError::CursorUnknown => {
            Refusal::new(ErrorCode::CursorUnknown, "the cursor is not on this ledger")
        }
        StoreError::CursorTooOld => {
            Refusal::new(ErrorCode::CursorTooOld, "what came after the cursor is not all kept any more")
        }
        StoreError::RoleTooLow => {
            Refusal::new(ErrorCode::RoleTooLow, "the account's role in the workspace does not allow it")
        }
        StoreError::InTeams(rosters) => Refusal::new(ErrorCode::InTeams, list(rosters)),
        StoreError::LastAdmin(workspaces) => Refusal::new(ErrorCode::LastAdmin, list(workspaces)),
        StoreError::HasWorkspaces(workspaces) => {
            Refusal::new(ErrorCode::Forbidden, format!("the team still has workspaces: {}", list(workspaces)))
        }
        StoreError::Unavailable { .. } => unavailable(),
        StoreError::Stopped => Refusal::new(ErrorCode::GoingAway, "the server is shutting down"),
        StoreError::Damaged { .. } | StoreError::Other { .. } => {
            tracing::error!(error = %crate::store::Chained(error), "store");
            Refusal::new(ErrorCode::Internal, "the server's log says more")
        }
    }
}

/// Ids in a detail, one space between two; the first hundred.
fn list(workspaces: &[WorkspaceId]) -> String {
    let words: Vec<_> = workspaces.iter().take(100).map(ToString::to_string).collect();
    words.join(" ")
}

/// Nothing was changed; come back later.
pub(crate) fn unavailable() -> Refusal {
    let mut refusal = Refusal::new(ErrorCode::Unavailable, "the server cannot write now");
    refusal.retry_ms = Some(5_000);
    refusal
}
