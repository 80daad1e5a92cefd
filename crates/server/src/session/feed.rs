//! The feeder of a connection: snapshots and fetched envelopes, sent as fast as the app reads.
//!
//! Why it exists: a catch-up may be larger than memory and last minutes, while commits and pings of
//! the same connection go on. It is one task, so a connection reads one snapshot at a time.
//!
//! Invariants: a workspace's entries are held from before its snapshot is read, so none is missed;
//! those in the snapshot are not sent again; what was read of a workspace that the account has lost since is
//! not sent. It checks no rights: the service does.

use std::sync::Arc;

use satchel_wire::limits::FRAME_BYTES_MAX;
use satchel_wire::{ErrorCode, Head, PackId, Part, RecordId, Refusal, ServerFrame, WorkspaceId};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::internal;
use super::outbox::{Joined, Outbox};
use crate::server::Server;
use crate::service::{ConnectionId, Session as Peer, refuse};
use crate::store::{SnapshotEnd, SnapshotPart, SnapshotRequest, StoreError, VersionsPage, VersionsRequest};

/// What a frame of fetched envelopes may hold, leaving room for its own fields.
const FETCH_BYTES_MAX: usize = FRAME_BYTES_MAX - 64 * 1024;

/// Parts of a snapshot that are read ahead: with fewer, each small one costs two changes of threads.
const PARTS_WAITING: usize = 4;

/// Something that is answered with more bytes than a queue holds.
#[derive(Debug)]
pub(crate) enum Job {
    /// Send a snapshot and go live.
    Subscribe { workspace: WorkspaceId, cursor: Head, pages_after: u64 },
    /// Send the newest manifest with its nodes and the tail, and go live.
    Bootstrap { workspace: WorkspaceId, have: Vec<PackId> },
    /// Send packs.
    Packs { request: u32, workspace: WorkspaceId, packs: Vec<PackId> },
    /// Send headers of the past.
    Headers { request: u32, workspace: WorkspaceId, after: u64 },
    /// See whether packs are wanted.
    AskForPacks { workspace: WorkspaceId },
    /// Send envelopes again.
    Fetch { request: u32, workspace: WorkspaceId, records: Vec<(RecordId, Part)> },
    /// Send old versions.
    Versions { request: u32, asked: VersionsRequest },
}

/// Reads a snapshot part by part, on a thread that may block.
trait ReadSnapshot:
    FnOnce(&Server, &Peer, &mut dyn FnMut(SnapshotPart) -> bool) -> Result<SnapshotEnd, Refusal> + Send + 'static
{
}

impl<F> ReadSnapshot for F where
    F: FnOnce(&Server, &Peer, &mut dyn FnMut(SnapshotPart) -> bool) -> Result<SnapshotEnd, Refusal>
        + Send
        + 'static
{
}

impl SnapshotPart {
    /// The frame that carries it.
    pub(crate) fn into_frame(self, workspace: WorkspaceId) -> ServerFrame {
        match self {
            Self::Headers { first_seq, headers } => ServerFrame::Headers { workspace, first_seq, headers },
            Self::Checkpoint(manifest) => ServerFrame::Checkpoint { workspace, manifest },
            Self::Links { first_seq, links } => ServerFrame::Links { workspace, first_seq, links },
            Self::Page(envelopes) => ServerFrame::Page { workspace, envelopes },
            Self::Manifest { manifest, charter } => ServerFrame::Manifest { workspace, manifest, charter },
            Self::Pack(pack) => ServerFrame::Pack { workspace, pack: pack.into() },
        }
    }
}

/// Works off the jobs of one connection.
#[derive(Debug)]
pub(crate) struct Feeder {
    pub(crate) server: Arc<Server>,
    pub(crate) id: ConnectionId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) peer: Arc<Peer>,
}

impl Feeder {
    /// Works until the session is dropped or the connection ends.
    pub(crate) async fn work(self, mut jobs: mpsc::Receiver<Box<Job>>) {
        while let Some(job) = jobs.recv().await {
            if self.outbox.ended().is_some() {
                return;
            }
            // Apart, so that an idle connection does not keep the room that a snapshot needs.
            Box::pin(self.run(*job)).await;
        }
    }

    async fn run(&self, job: Job) {
        match job {
            Job::Subscribe { workspace, cursor, pages_after } => {
                let request = SnapshotRequest { workspace, cursor, pages_after };
                self.subscribe(workspace, move |server, peer, sink| {
                    server.service.subscribe(peer, &request, sink)
                })
                .await;
            }
            Job::Bootstrap { workspace, have } => {
                self.subscribe(workspace, move |server, peer, sink| {
                    server.service.bootstrap(peer, workspace, &have, sink)
                })
                .await;
            }
            Job::Packs { request, workspace, packs } => self.packs(request, workspace, packs).await,
            Job::AskForPacks { workspace } => self.ask_for_packs(workspace).await,
            Job::Headers { request, workspace, after } => self.headers(request, workspace, after).await,
            Job::Fetch { request, workspace, records } => self.fetch(request, workspace, records).await,
            Job::Versions { request, asked } => self.versions(request, asked).await,
        }
    }

    async fn subscribe(&self, workspace: WorkspaceId, read: impl ReadSnapshot) {
        // Bounds the threads and read transactions that slow readers can keep busy.
        let Ok(_turn) = self.server.snapshots.acquire().await else { return };
        self.outbox.join(workspace);
        self.server.hub.add_reader(self.id, workspace);
        match self.stream(workspace, read).await {
            Ok(Some(end)) => self.go_live(workspace, end).await,
            Ok(None) => {}
            Err(refusal) => {
                self.server.hub.remove_reader(self.id, workspace);
                self.outbox.push(&ServerFrame::Rejected { workspace, commit: None, refusal });
            }
        }
    }

    /// Sends the parts of a snapshot. None if the connection ended meanwhile, or the account lost the workspace.
    async fn stream(
        &self,
        workspace: WorkspaceId,
        read: impl ReadSnapshot,
    ) -> Result<Option<SnapshotEnd>, Refusal> {
        let (parts, mut waiting) = mpsc::channel(PARTS_WAITING);
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let reading = tokio::task::spawn_blocking(move || {
            read(&server, &peer, &mut |part| parts.blocking_send(part).is_ok())
        });
        while let Some(part) = waiting.recv().await {
            let frame = part.into_frame(workspace);
            if !self.send_of(workspace, &frame).await {
                return Ok(None);
            }
        }
        reading.await.unwrap_or_else(|_| Err(internal())).map(Some)
    }

    async fn go_live(&self, workspace: WorkspaceId, end: SnapshotEnd) {
        let SnapshotEnd { head, digest } = end;
        if !self.send_of(workspace, &ServerFrame::CaughtUp { workspace, head, digest }).await {
            return;
        }
        self.server.metrics.caught_up();
        if self.outbox.go_live(workspace, head.seq).await == Joined::Lost {
            // The app has this snapshot and goes on from there when it reconnects.
            let detail = "too much changed while this app caught up; reconnect for the rest";
            return self.outbox.end(&Refusal::new(ErrorCode::TooSlow, detail));
        }
        self.tell_joins(workspace).await;
        self.ask_for_packs(workspace).await;
    }

    /// Tells an admin's app of the claims that wait.
    async fn tell_joins(&self, workspace: WorkspaceId) {
        let (server, peer, now_ms) = (self.server.clone(), self.peer.clone(), self.server.now_ms());
        let reading = tokio::task::spawn_blocking(move || server.service.joins_for(&peer, workspace, now_ms));
        if let Ok(Some(proofs)) = reading.await {
            self.send_of(workspace, &ServerFrame::Joins { workspace, proofs }).await;
        }
    }

    /// Asks this app for packs, if they are wanted and nobody else was asked.
    async fn ask_for_packs(&self, workspace: WorkspaceId) {
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let now_ms = self.server.now_ms();
        let asking =
            tokio::task::spawn_blocking(move || server.service.asks_for_packs(&peer, workspace, now_ms));
        if asking.await.unwrap_or(false) {
            self.outbox.push(&ServerFrame::PacksWanted { workspace });
        }
    }

    async fn packs(&self, request: u32, workspace: WorkspaceId, packs: Vec<PackId>) {
        let Ok(_turn) = self.server.snapshots.acquire().await else { return };
        let (sender, mut waiting) = mpsc::channel::<Vec<u8>>(PARTS_WAITING);
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let reading = tokio::task::spawn_blocking(move || {
            server
                .service
                .read_packs(&peer, workspace, &packs, &mut |pack| sender.blocking_send(pack).is_ok())
        });
        while let Some(pack) = waiting.recv().await {
            if !self.send_of(workspace, &ServerFrame::Pack { workspace, pack: pack.into() }).await {
                return self.send_lost(request).await;
            }
        }
        let read = reading.await.unwrap_or_else(|_| Err(internal()));
        self.answer(request, workspace, read.map(|()| ServerFrame::Done { request })).await;
    }

    async fn headers(&self, request: u32, workspace: WorkspaceId, after: u64) {
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let reading =
            tokio::task::spawn_blocking(move || server.service.read_headers(&peer, workspace, after));
        let read = reading.await.unwrap_or_else(|_| Err(internal()));
        let frame = read.map(|past| {
            let (headers, received_ms) = past.into_iter().map(|one| (one.header, one.received_ms)).unzip();
            ServerFrame::PastHeaders { request, workspace, first_seq: after + 1, headers, received_ms }
        });
        self.answer(request, workspace, frame).await;
    }

    async fn fetch(&self, request: u32, workspace: WorkspaceId, records: Vec<(RecordId, Part)>) {
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let fetching = tokio::task::spawn_blocking(move || server.service.fetch(&peer, workspace, &records));
        let fetched = fetching.await.unwrap_or_else(|_| Err(internal())).and_then(|envelopes| {
            let bytes: usize = envelopes.iter().map(|one| one.envelope.len() + 64).sum();
            if bytes > FETCH_BYTES_MAX {
                return Err(Refusal::new(ErrorCode::TooLarge, "fetch fewer records at once"));
            }
            Ok(envelopes)
        });
        let frame = fetched.map(|envelopes| ServerFrame::Fetched { request, workspace, envelopes });
        self.answer(request, workspace, frame).await;
    }

    async fn versions(&self, request: u32, asked: VersionsRequest) {
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let reading = tokio::task::spawn_blocking(move || server.service.versions(&peer, &asked));
        let (read, workspace) = (reading.await.unwrap_or_else(|_| Err(internal())), asked.workspace);
        let frame = read.map(|VersionsPage { versions, more }| ServerFrame::Versions {
            request,
            workspace,
            versions,
            more,
        });
        self.answer(request, workspace, frame).await;
    }

    /// Answers a question about a workspace, unless the account has lost it meanwhile.
    async fn answer(&self, request: u32, workspace: WorkspaceId, read: Result<ServerFrame, Refusal>) {
        match read {
            Ok(frame) => {
                if !self.send_of(workspace, &frame).await {
                    self.send_lost(request).await;
                }
            }
            Err(refusal) => drop(self.send(&ServerFrame::Failed { request, refusal }).await),
        }
    }

    async fn send_lost(&self, request: u32) {
        let refusal = refuse(&StoreError::NotFound);
        self.send(&ServerFrame::Failed { request, refusal }).await;
    }

    /// Sends a frame once there is room. False if the connection ended, at the latest by taking nothing
    /// for so long that others should have its turn.
    async fn send(&self, frame: &ServerFrame) -> bool {
        self.within(self.outbox.send(frame)).await
    }

    /// The same for what was read from a workspace. False, too, if the account has lost it since.
    async fn send_of(&self, workspace: WorkspaceId, frame: &ServerFrame) -> bool {
        self.within(self.outbox.send_of(workspace, frame)).await
    }

    async fn within(&self, sends: impl Future<Output = bool>) -> bool {
        let sent = timeout(self.server.times.progress, sends).await;
        if sent.is_err() {
            let detail = "this app took nothing for too long; it catches up when it reconnects";
            self.outbox.end(&Refusal::new(ErrorCode::TooSlow, detail));
        }
        sent == Ok(true)
    }
}
