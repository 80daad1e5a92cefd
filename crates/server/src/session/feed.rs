//! The feeder of a connection: snapshots and fetched envelopes, sent as fast as the app reads.
//!
//! Why it exists: a catch-up may be larger than memory and last minutes, while commits and pings of
//! the same connection go on. It is one task, so a connection reads one snapshot at a time.
//!
//! Invariants: a workspace's entries are held from before its snapshot is read, so none is missed;
//! those in the snapshot are not sent again. It checks no rights: the service does.

use std::sync::Arc;

use satchel_wire::limits::FRAME_BYTES_MAX;
use satchel_wire::{ErrorCode, Head, Part, RecordId, Refusal, ServerFrame, WorkspaceId};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::internal;
use super::outbox::{Joined, Outbox};
use crate::server::Server;
use crate::service::{ConnectionId, Session as Peer};
use crate::store::{SnapshotEnd, SnapshotPart, SnapshotRequest};

/// What a frame of fetched envelopes may hold, leaving room for its own fields.
const FETCH_BYTES_MAX: usize = FRAME_BYTES_MAX - 64 * 1024;

/// Something that is answered with more bytes than a queue holds.
#[derive(Debug)]
pub(crate) enum Job {
    /// Send a snapshot and go live.
    Subscribe { workspace: WorkspaceId, cursor: Head, pages_after: u64 },
    /// Send envelopes again.
    Fetch { request: u32, workspace: WorkspaceId, records: Vec<(RecordId, Part)> },
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
    pub(crate) async fn work(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.recv().await {
            if self.outbox.ended().is_some() {
                return;
            }
            match job {
                Job::Subscribe { workspace, cursor, pages_after } => {
                    self.subscribe(SnapshotRequest { workspace, cursor, pages_after }).await;
                }
                Job::Fetch { request, workspace, records } => self.fetch(request, workspace, records).await,
            }
        }
    }

    async fn subscribe(&self, request: SnapshotRequest) {
        let workspace = request.workspace;
        // Bounds the threads and read transactions that slow readers can keep busy.
        let Ok(_turn) = self.server.snapshots.acquire().await else { return };
        self.outbox.join(workspace);
        self.server.hub.add_reader(self.id, workspace);
        match self.stream(request).await {
            Ok(Some(end)) => self.go_live(workspace, end).await,
            Ok(None) => {}
            Err(refusal) => {
                self.server.hub.remove_reader(self.id, workspace);
                self.outbox.push(&ServerFrame::Rejected { workspace, commit: None, refusal });
            }
        }
    }

    /// Sends the parts of a snapshot. None if the connection ended meanwhile.
    async fn stream(&self, request: SnapshotRequest) -> Result<Option<SnapshotEnd>, Refusal> {
        let workspace = request.workspace;
        let (parts, mut waiting) = mpsc::channel(1);
        let (server, peer) = (self.server.clone(), self.peer.clone());
        let reading = tokio::task::spawn_blocking(move || {
            server.service.subscribe(&peer, &request, &mut |part| parts.blocking_send(part).is_ok())
        });
        while let Some(part) = waiting.recv().await {
            let frame = match part {
                SnapshotPart::Headers { first_seq, headers } => {
                    ServerFrame::Headers { workspace, first_seq, headers }
                }
                SnapshotPart::Page(envelopes) => ServerFrame::Page { workspace, envelopes },
            };
            if !self.send(&frame).await {
                return Ok(None);
            }
        }
        reading.await.unwrap_or_else(|_| Err(internal())).map(Some)
    }

    async fn go_live(&self, workspace: WorkspaceId, end: SnapshotEnd) {
        let SnapshotEnd { head, digest } = end;
        if !self.send(&ServerFrame::CaughtUp { workspace, head, digest }).await {
            return;
        }
        self.server.metrics.caught_up();
        if self.outbox.go_live(workspace, head.seq).await == Joined::Lost {
            // The app has this snapshot and goes on from there when it reconnects.
            let detail = "too much changed while this app caught up; reconnect for the rest";
            self.outbox.end(&Refusal::new(ErrorCode::TooSlow, detail));
        }
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
        let frame = match fetched {
            Ok(envelopes) => ServerFrame::Fetched { request, workspace, envelopes },
            Err(refusal) => ServerFrame::Failed { request, refusal },
        };
        self.send(&frame).await;
    }

    /// Sends a frame once there is room. False if the connection ended, at the latest by taking nothing
    /// for so long that others should have its turn.
    async fn send(&self, frame: &ServerFrame) -> bool {
        let sent = timeout(self.server.times.progress, self.outbox.send(frame)).await;
        if sent.is_err() {
            let detail = "this app took nothing for too long; it catches up when it reconnects";
            self.outbox.end(&Refusal::new(ErrorCode::TooSlow, detail));
        }
        sent == Ok(true)
    }
}
