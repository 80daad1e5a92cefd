//! One connection as a state machine over frames, the same for both transports.
//!
//! ```text
//!  begin ──▶ Greeted ──Open──▶ Open ──▶ ended: Refused is the last frame in the outbox
//!              │ no Open in time, another frame, garbage        ▲
//!              └────────────────────────────────────────────────┘
//! ```
//!
//! Why it exists: order and rights are decided once (docs/decisions/0004-one-session-two-transports.md).
//! A transport hands in each frame in its order, and sends what the outbox gives.
//!
//! Invariants: frames are taken one after another; nothing is taken after the end; dropping a session
//! frees its place, whatever was under way. It does not know HTTP or `WebSockets`.

mod feed;
#[cfg(test)]
mod live;
#[cfg(test)]
pub(crate) mod matrix;
mod outbox;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_core::{OsRng, RngCore};
use satchel_wire::limits::{FRAMES_PER_MINUTE, PRESENCE_BYTES_MAX, WORKSPACES_MAX};
use satchel_wire::{
    ClientFrame, ErrorCode, Nonce, PROTOCOL_VERSION, Refusal, ServerFrame, Welcome, WireError, WorkspaceId,
    decode,
};
use tokio::sync::mpsc;

use crate::metrics::Transport;
use crate::server::Server;
use crate::service::{ConnectionId, OpenRequest, Service, Session as Peer};
use crate::store::VersionsRequest;
use feed::Feeder;
#[cfg(not(feature = "simulated"))]
use feed::Job;

#[cfg(feature = "simulated")]
pub(crate) use feed::Job;
#[cfg(feature = "simulated")]
pub(crate) use outbox::Joined;
pub(crate) use outbox::Outbox;

/// The server's end of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    server: Arc<Server>,
    id: ConnectionId,
    transport: Transport,
    nonce: Nonce,
    outbox: Arc<Outbox>,
    peer: Option<Arc<Peer>>,
    jobs: Option<mpsc::Sender<Box<Job>>>,
    pace: Pace,
    commits: u32,
    presence_at: Option<Instant>,
}

/// Counts frames by the minute.
#[derive(Debug)]
struct Pace {
    since: Instant,
    frames: u32,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), frames: 0 }
    }

    /// Counts a frame. If it is one too many: how long until the next minute.
    fn count(&mut self) -> Option<Duration> {
        const MINUTE: Duration = Duration::from_mins(1);
        let gone = self.since.elapsed();
        if gone >= MINUTE {
            *self = Self::new();
        }
        self.frames += 1;
        (self.frames > FRAMES_PER_MINUTE).then(|| MINUTE.saturating_sub(gone))
    }
}

impl Session {
    /// Begins a connection and makes its greeting. None while the server stops.
    pub(crate) fn begin(server: &Arc<Server>, transport: Transport) -> Option<(Self, Welcome)> {
        let (id, outbox) = server.hub.add()?;
        server.metrics.connected(transport);
        let mut nonce = [0; Nonce::LEN];
        OsRng.fill_bytes(&mut nonce);
        let session = Self {
            server: server.clone(),
            id,
            transport,
            nonce: Nonce::new(nonce),
            outbox,
            peer: None,
            jobs: None,
            pace: Pace::new(),
            commits: 0,
            presence_at: None,
        };
        let welcome = Welcome {
            protocol_min: PROTOCOL_VERSION,
            protocol_max: PROTOCOL_VERSION,
            nonce: session.nonce,
            incarnation: server.service.incarnation(),
            server: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Some((session, welcome))
    }

    /// What waits for the app.
    pub(crate) fn outbox(&self) -> Arc<Outbox> {
        self.outbox.clone()
    }

    /// Whether the app has opened the connection.
    pub(crate) fn is_open(&self) -> bool {
        self.peer.is_some()
    }

    /// Takes one frame of the app.
    pub(crate) async fn receive(&mut self, bytes: &[u8]) {
        if self.outbox.ended().is_some() {
            return;
        }
        self.server.metrics.received(bytes.len());
        if let Some(wait) = self.pace.count() {
            let mut refusal = Refusal::new(ErrorCode::Throttled, "too many frames in a minute");
            refusal.retry_ms = u64::try_from(wait.as_millis()).ok();
            return self.outbox.end(&refusal);
        }
        match decode("frame", bytes) {
            Ok(frame) => self.take(frame, bytes.len()).await,
            Err(error) => self.outbox.end(&refuse_bytes(&error)),
        }
    }

    async fn take(&mut self, frame: ClientFrame, bytes: usize) {
        let Some(peer) = self.peer.clone() else {
            return match frame {
                ClientFrame::Open { protocol, token, proof, sync, take_over, waiting } => {
                    let nonce = self.nonce;
                    let request = OpenRequest { nonce, protocol, token, proof, sync, take_over, waiting };
                    // Apart, so that an idle connection does not keep room for what happens once.
                    Box::pin(self.open(request)).await;
                }
                _ => self.outbox.end(&Refusal::new(ErrorCode::BadRequest, "the first frame must be Open")),
            };
        };
        match frame {
            ClientFrame::Open { .. } => {
                self.outbox.end(&Refusal::new(ErrorCode::BadRequest, "the connection is open already"));
            }
            ClientFrame::Subscribe { workspace, cursor, pages_after } => {
                self.outbox.subscribe(workspace);
                self.queue(&peer, Job::Subscribe { workspace, cursor, pages_after });
            }
            ClientFrame::Bootstrap { workspace, have } => {
                self.outbox.subscribe(workspace);
                self.queue(&peer, Job::Bootstrap { workspace, have });
            }
            ClientFrame::FetchPacks { request, workspace, packs } => {
                self.queue(&peer, Job::Packs { request, workspace, packs });
            }
            ClientFrame::ReadHeaders { request, workspace, after } => {
                self.queue(&peer, Job::Headers { request, workspace, after });
            }
            ClientFrame::Fetch { request, workspace, records } => {
                self.queue(&peer, Job::Fetch { request, workspace, records });
            }
            ClientFrame::Versions { request, workspace, record, part, before, limit } => {
                let asked = VersionsRequest { workspace, record, part, before, limit };
                self.queue(&peer, Job::Versions { request, asked });
            }
            ClientFrame::Commit { header, envelopes } => {
                self.outbox.note_push(bytes).await;
                self.consider_packs(&peer, &header);
                let pushed = self.server.service.push(&peer, header, envelopes, self.server.now_ms());
                if let Err(refusal) = pushed {
                    self.outbox.end(&refusal);
                }
            }
            ClientFrame::Waiting { count } => self.server.service.note_waiting(&peer, count),
            ClientFrame::Ping => self.outbox.push(&ServerFrame::Pong),
            ClientFrame::ListApps { .. }
            | ClientFrame::DisconnectApp { .. }
            | ClientFrame::SignOut { .. }
            | ClientFrame::PutPack { .. }
            | ClientFrame::PutManifest { .. }
            | ClientFrame::JoinInvite { .. }
            | ClientFrame::ListJoins { .. }
            | ClientFrame::RefuseJoin { .. }
            | ClientFrame::DeleteWorkspace { .. } => Box::pin(self.ask(peer, frame)).await,
            ClientFrame::Presence { workspace, sealed } => self.note_presence(workspace, &sealed),
        }
    }

    /// Opens the connection at the service, on a thread that may block. Once begun it goes on even
    /// if this session is dropped, and then closes what it opened.
    async fn open(&mut self, request: OpenRequest) {
        let (server, id) = (self.server.clone(), self.id);
        let opened = tokio::task::spawn_blocking(move || {
            let opening = server.hub.begin_opening();
            let (peer, opened) = server.service.open(id, &request, server.now_ms())?;
            if !server.hub.open(&opening, &peer, opened) {
                server.service.close(id, server.now_ms());
            }
            Ok(peer)
        });
        match opened.await.unwrap_or_else(|_| Err(internal())) {
            Ok(peer) => {
                tracing::debug!(connection = self.id.0, sync = peer.sync, "opened");
                self.peer = Some(Arc::new(peer));
            }
            Err(refusal) => {
                tracing::debug!(connection = self.id.0, code = ?refusal.code, "refused to open");
                self.outbox.end(&refusal);
            }
        }
    }

    /// Answers a request about apps, sessions or whole workspaces.
    async fn ask(&self, peer: Arc<Peer>, frame: ClientFrame) {
        let signs_out = matches!(frame, ClientFrame::SignOut { .. });
        let server = self.server.clone();
        let answered =
            tokio::task::spawn_blocking(move || answer(&server.service, &peer, frame, server.now_ms()));
        let Ok(frames) = answered.await else { return self.outbox.end(&internal()) };
        let done = matches!(frames.as_slice(), [ServerFrame::Done { .. }]);
        for frame in &frames {
            self.outbox.push(frame);
        }
        if signs_out && done {
            self.outbox.end(&Refusal::new(ErrorCode::SessionEnded, "signed out"));
        }
    }

    /// Relays where the app is, at most once a second; what comes more often is dropped.
    fn note_presence(&mut self, workspace: WorkspaceId, sealed: &[u8]) {
        const PAUSE: Duration = Duration::from_secs(1);
        let is_early = self.presence_at.is_some_and(|at| at.elapsed() < PAUSE);
        if !is_early && sealed.len() <= PRESENCE_BYTES_MAX {
            self.presence_at = Some(Instant::now());
            self.server.hub.relay_presence(self.id, workspace, sealed);
        }
    }

    /// Now and then sees whether an app that commits much should make packs; it does so once it is idle.
    fn consider_packs(&mut self, peer: &Arc<Peer>, header: &satchel_wire::SignedHeader) {
        const COMMITS: u32 = 32;
        self.commits = self.commits.wrapping_add(1);
        if self.commits.is_multiple_of(COMMITS)
            && let Ok(header) = satchel_wire::CommitHeader::decode(&header.header)
        {
            self.queue(peer, Job::AskForPacks { workspace: header.workspace });
        }
    }

    /// Hands a job to the feeder, which works them off one by one as the app reads.
    fn queue(&mut self, peer: &Arc<Peer>, job: Job) {
        let jobs = self.jobs.get_or_insert_with(|| {
            let (jobs, waiting) = mpsc::channel(WORKSPACES_MAX);
            let (server, outbox) = (self.server.clone(), self.outbox.clone());
            let feeder = Feeder { server, id: self.id, outbox, peer: peer.clone() };
            tokio::spawn(feeder.work(waiting));
            jobs
        });
        if jobs.try_send(Box::new(job)).is_err() {
            self.outbox.end(&Refusal::new(ErrorCode::Throttled, "too many requests wait on this connection"));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The feeder may wait in the outbox: the end wakes it.
        self.outbox.end(&Refusal::new(ErrorCode::GoingAway, ""));
        self.server.metrics.disconnected(self.transport);
        self.server.hub.remove(self.id);
        let (server, id) = (self.server.clone(), self.id);
        let close = move || {
            server.service.close(id, server.now_ms());
            server.hub.closed();
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(close)),
            Err(_) => close(),
        }
    }
}

/// Answers a request about apps, sessions, whole workspaces or their people; nothing to any other frame.
pub(crate) fn answer(service: &Service, peer: &Peer, frame: ClientFrame, now_ms: u64) -> Vec<ServerFrame> {
    let done = |request: u32, result: Result<(), Refusal>| match result {
        Ok(()) => vec![ServerFrame::Done { request }],
        Err(refusal) => vec![ServerFrame::Failed { request, refusal }],
    };
    match frame {
        ClientFrame::ListApps { request } => match service.list_apps(peer, now_ms) {
            Ok(apps) => vec![ServerFrame::Apps { request, apps }],
            Err(refusal) => done(request, Err(refusal)),
        },
        ClientFrame::DisconnectApp { request, app } => done(request, service.disconnect_app(peer, app)),
        ClientFrame::SignOut { request } => done(request, service.sign_out(peer)),
        ClientFrame::DeleteWorkspace { request, workspace } => {
            done(request, service.delete_workspace(peer, workspace))
        }
        ClientFrame::PutPack { request, workspace, pack } => {
            done(request, service.put_pack(peer, workspace, pack, now_ms))
        }
        ClientFrame::PutManifest { request, manifest } => done(request, service.put_manifest(peer, manifest)),
        ClientFrame::JoinInvite { request, proof } => done(request, service.join_invite(peer, proof, now_ms)),
        ClientFrame::ListJoins { request, workspace } => match service.joins(peer, workspace, now_ms) {
            Ok(proofs) => vec![ServerFrame::Joins { workspace, proofs }, ServerFrame::Done { request }],
            Err(refusal) => done(request, Err(refusal)),
        },
        ClientFrame::RefuseJoin { request, workspace, invite } => {
            done(request, service.refuse_join(peer, workspace, invite))
        }
        _ => Vec::new(),
    }
}

fn refuse_bytes(error: &WireError) -> Refusal {
    let code = match error {
        WireError::TooLong { .. } | WireError::TooMany { .. } => ErrorCode::TooLarge,
        _ => ErrorCode::BadRequest,
    };
    Refusal::new(code, error.to_string())
}

pub(crate) fn internal() -> Refusal {
    Refusal::new(ErrorCode::Internal, "the server's log says more")
}
