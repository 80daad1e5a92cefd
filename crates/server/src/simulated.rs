//! Connections without sockets: the hub and the outboxes of the real server, one step at a time.
//!
//! Why it exists: the simulator decides when each frame is taken, when a snapshot goes on, and when a
//! connection breaks, all on one thread. What is promised about order is kept by the same code as in the
//! process: `hub` and `session::outbox`; only the loop around them (tasks, timeouts) is here.
//!
//! Behind the feature `simulated`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use satchel_wire::{ClientFrame, ErrorCode, Nonce, Refusal, ServerFrame, WorkspaceId, decode};

use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::service::{ConnectionId, OpenRequest, Publish, Service, Session as Peer};
use crate::session::{Job, Joined, Outbox, answer};
use crate::store::{SnapshotEnd, SnapshotPart, SnapshotRequest};

/// The hub of one server.
#[derive(Debug, Clone)]
pub struct Switch {
    hub: Arc<Hub>,
}

impl Default for Switch {
    fn default() -> Self {
        Self { hub: Arc::new(Hub::new(Arc::new(Metrics::new()))) }
    }
}

impl Switch {
    /// What a store publishes to.
    pub fn publisher(&self) -> Arc<dyn Publish> {
        self.hub.clone()
    }

    /// A new connection that is not open yet.
    pub fn connect(&self, service: &Arc<Service>, nonce: Nonce) -> Option<Line> {
        let (id, outbox) = self.hub.add()?;
        let (service, hub) = (service.clone(), self.hub.clone());
        let jobs = VecDeque::new();
        Some(Line { service, hub, outbox, id, nonce, peer: None, jobs, feeding: None, closed_ms: 0 })
    }
}

/// A snapshot on its way to an app.
struct Feeding {
    workspace: WorkspaceId,
    frames: VecDeque<ServerFrame>,
    end: SnapshotEnd,
    told: bool,
}

/// The server's end of one connection.
pub struct Line {
    service: Arc<Service>,
    hub: Arc<Hub>,
    outbox: Arc<Outbox>,
    id: ConnectionId,
    nonce: Nonce,
    peer: Option<Arc<Peer>>,
    jobs: VecDeque<Job>,
    feeding: Option<Feeding>,
    closed_ms: u64,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Line {
    /// Its id.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Whether the server has ended it.
    pub fn is_over(&self) -> bool {
        self.outbox.ended().is_some()
    }

    /// Takes one frame of the app. True if it was a commit that the store will answer.
    pub fn take(&mut self, frame: ClientFrame, now_ms: u64) -> bool {
        self.closed_ms = now_ms;
        let is_over = self.outbox.ended().is_some();
        let Some(peer) = self.peer.clone() else {
            if !is_over {
                self.open(&frame, now_ms);
            }
            return false;
        };
        match frame {
            // It lay in the writer's queue when the connection ended.
            ClientFrame::Commit { header, envelopes } if is_over => {
                return self.service.push(&peer, header, envelopes, now_ms).is_ok();
            }
            _ if is_over => {}
            ClientFrame::Subscribe { workspace, cursor, pages_after } => {
                self.outbox.subscribe(workspace);
                self.jobs.push_back(Job::Subscribe { workspace, cursor, pages_after });
            }
            ClientFrame::Bootstrap { workspace, have } => {
                self.outbox.subscribe(workspace);
                self.jobs.push_back(Job::Bootstrap { workspace, have });
            }
            ClientFrame::Fetch { request, workspace, records } => {
                self.jobs.push_back(Job::Fetch { request, workspace, records });
            }
            ClientFrame::Commit { header, envelopes } => {
                match self.service.push(&peer, header, envelopes, now_ms) {
                    Ok(()) => return true,
                    Err(refusal) => self.outbox.end(&refusal),
                }
            }
            ClientFrame::Waiting { count } => self.service.note_waiting(&peer, count),
            ClientFrame::Ping => self.outbox.push(&ServerFrame::Pong),
            ClientFrame::Presence { workspace, sealed } => {
                self.hub.relay_presence(self.id, workspace, &sealed);
            }
            ClientFrame::JoinInvite { .. }
            | ClientFrame::ListJoins { .. }
            | ClientFrame::RefuseJoin { .. }
            | ClientFrame::DeleteWorkspace { .. } => {
                let frames = answer(&self.service, &peer, frame, now_ms);
                for frame in &frames {
                    self.outbox.push(frame);
                }
            }
            _ => self.outbox.end(&Refusal::new(ErrorCode::BadRequest, "not in a simulation")),
        }
        false
    }

    fn open(&mut self, frame: &ClientFrame, now_ms: u64) {
        let &ClientFrame::Open { protocol, token, proof, sync, take_over, waiting } = frame else {
            return self.outbox.end(&Refusal::new(ErrorCode::BadRequest, "the first frame must be Open"));
        };
        let nonce = self.nonce;
        let request = OpenRequest { nonce, protocol, token, proof, sync, take_over, waiting };
        let opening = self.hub.begin_opening();
        match self.service.open(self.id, &request, now_ms) {
            Ok((peer, opened)) => {
                if !self.hub.open(&opening, &peer, opened) {
                    self.service.close(self.id, now_ms);
                }
                self.peer = Some(Arc::new(peer));
            }
            Err(refusal) => self.outbox.end(&refusal),
        }
    }

    /// One step of the feeder: begins a snapshot, sends a part of one, or goes live. False if it has
    /// nothing to do, or waits for the app to read.
    pub fn feed(&mut self) -> bool {
        if self.outbox.ended().is_some() {
            return false;
        }
        if self.feeding.is_some() {
            return self.go_on();
        }
        let (Some(job), Some(peer)) = (self.jobs.pop_front(), self.peer.clone()) else { return false };
        match job {
            Job::Subscribe { workspace, cursor, pages_after } => {
                self.subscribe(&peer, SnapshotRequest { workspace, cursor, pages_after });
            }
            Job::Bootstrap { workspace, have } => {
                let service = self.service.clone();
                self.subscribe_with(workspace, |sink| service.bootstrap(&peer, workspace, &have, sink));
            }
            Job::Fetch { request, workspace, records } => {
                let frame = match self.service.fetch(&peer, workspace, &records) {
                    Ok(envelopes) => ServerFrame::Fetched { request, workspace, envelopes },
                    Err(refusal) => ServerFrame::Failed { request, refusal },
                };
                self.outbox.push(&frame);
            }
            _ => {}
        }
        true
    }

    fn subscribe(&mut self, peer: &Peer, request: SnapshotRequest) {
        let service = self.service.clone();
        self.subscribe_with(request.workspace, |sink| service.subscribe(peer, &request, sink));
    }

    fn subscribe_with(
        &mut self,
        workspace: WorkspaceId,
        read: impl FnOnce(&mut dyn FnMut(SnapshotPart) -> bool) -> Result<SnapshotEnd, Refusal>,
    ) {
        self.outbox.join(workspace);
        self.hub.add_reader(self.id, workspace);
        let mut frames = VecDeque::new();
        let read = read(&mut |part| {
            frames.push_back(part.into_frame(workspace));
            true
        });
        match read {
            Ok(end) => self.feeding = Some(Feeding { workspace, frames, end, told: false }),
            Err(refusal) => {
                self.hub.remove_reader(self.id, workspace);
                self.outbox.push(&ServerFrame::Rejected { workspace, commit: None, refusal });
            }
        }
    }

    fn go_on(&mut self) -> bool {
        let Some(feeding) = &mut self.feeding else { return false };
        let workspace = feeding.workspace;
        if let Some(frame) = feeding.frames.front() {
            return match self.outbox.send_of(workspace, frame).now_or_never() {
                Some(true) => {
                    feeding.frames.pop_front();
                    true
                }
                // The account has lost the workspace.
                Some(false) => {
                    self.feeding = None;
                    true
                }
                None => false,
            };
        }
        let SnapshotEnd { head, digest } = feeding.end;
        if !feeding.told {
            let frame = ServerFrame::CaughtUp { workspace, head, digest };
            let sent = self.outbox.send_of(workspace, &frame).now_or_never();
            feeding.told = sent.is_some();
            if sent == Some(false) {
                self.feeding = None;
            }
            return sent.is_some();
        }
        let Some(joined) = self.outbox.go_live(workspace, head.seq).now_or_never() else { return false };
        if joined == Joined::Lost {
            self.outbox.end(&Refusal::new(ErrorCode::TooSlow, "too much changed meanwhile"));
        }
        self.feeding = None;
        if let Some(proofs) =
            self.peer.as_ref().and_then(|peer| self.service.joins_for(peer, workspace, self.closed_ms))
        {
            self.outbox.push(&ServerFrame::Joins { workspace, proofs });
        }
        true
    }

    /// The next frame for the app.
    pub fn next_frame(&mut self) -> Option<ServerFrame> {
        let bytes = self.outbox.try_next()?;
        Some(decode("frame", &bytes).expect("the hub encodes what this build reads"))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.outbox.end(&Refusal::new(ErrorCode::GoingAway, ""));
        self.hub.remove(self.id);
        self.service.close(self.id, self.closed_ms);
        self.hub.closed();
    }
}
