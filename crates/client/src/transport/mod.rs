//! A connection to a server: frames out, frames in, over a WebSocket or over plain HTTPS requests.
//!
//! ```text
//! open ──▶ WebSocket ──refused or blocked──▶ polling
//!              │                                │
//!              └────────── LinkEvent ◀──────────┘
//! ```
//! A link is a task: [`LinkEvent::Closed`] is its last event. Dropping the link ends it.
//!
//! Knows nothing of what frames mean, nor of sessions and reconnects.

mod polling;
mod websocket;

use std::time::Duration;

use satchel_sync::{Disconnected, SealedPack};
use satchel_wire::{ClientFrame, ServerFrame, WorkspaceId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::server::{Server, not_satchel};

/// Frames that may wait for the core before the link stops reading.
const EVENTS_WAITING: usize = 64;
const CLOSE_TIME: Duration = Duration::from_millis(500);

/// How to reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransportChoice {
    /// A WebSocket; plain HTTPS requests where it is blocked.
    #[default]
    Auto,
    /// A WebSocket only.
    WebSocket,
    /// Plain HTTPS requests only.
    Polling,
}

/// What a link tells.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// The WebSocket is blocked here: plain requests are used.
    FellBack,
    /// A frame of the server.
    Frame(Box<ServerFrame>),
    /// A frame that was put back.
    PutBack(Box<ServerFrame>),
    /// A frame with a pack, which is hashed here: the core has enough to do with them.
    Pack(WorkspaceId, SealedPack),
    /// The link has ended.
    Closed(Disconnected),
}

/// A connection under way or open.
#[derive(Debug)]
pub(crate) struct Link {
    frames: Option<mpsc::UnboundedSender<Vec<u8>>>,
    events: mpsc::Receiver<LinkEvent>,
    /// What comes next, and not before a time.
    next: Option<(Instant, LinkEvent)>,
    task: JoinHandle<()>,
}

impl Link {
    /// Begins to connect.
    pub(crate) fn open(server: Server, choice: TransportChoice) -> Self {
        let (frames, queue) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let task = tokio::spawn(run(server, choice, sender, queue));
        Self { frames: Some(frames), events, next: None, task }
    }

    /// Queues a frame; one for a link that has ended is dropped, as its [`LinkEvent::Closed`] tells.
    pub(crate) fn send(&self, frame: &ClientFrame) {
        if let Some(frames) = &self.frames {
            let _ = frames.send(satchel_wire::encode(frame));
        }
    }

    /// Has a frame come once more, and nothing before it.
    pub(crate) fn put_back(&mut self, frame: Box<ServerFrame>, delay: Duration) {
        self.next = Some((Instant::now() + delay, LinkEvent::PutBack(frame)));
    }

    /// One more pack, if it is what has come next.
    pub(crate) fn next_pack(&mut self) -> Option<(WorkspaceId, SealedPack)> {
        if self.next.is_some() {
            return None;
        }
        match self.events.try_recv().ok()? {
            LinkEvent::Pack(workspace, pack) => Some((workspace, pack)),
            other => {
                self.next = Some((Instant::now(), other));
                None
            }
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> LinkEvent {
        if let Some((at, _)) = &self.next
            && *at > Instant::now()
        {
            tokio::time::sleep_until(*at).await;
        }
        if let Some((_, event)) = self.next.take() {
            return event;
        }
        let ended = || LinkEvent::Closed(Disconnected::Unreachable { detail: "the connection ended".into() });
        self.events.recv().await.unwrap_or_else(ended)
    }

    /// Sends what is queued and closes in good order, so that the place is free at once.
    pub(crate) async fn close(mut self) {
        self.frames = None;
        self.events.close();
        let _ = tokio::time::timeout(CLOSE_TIME, &mut self.task).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a transport ended.
enum Ended {
    /// Something between here and the server does not let it through.
    Blocked(Disconnected),
    /// It worked and is over, or cannot work by any transport.
    Over(Disconnected),
}

type Frames = mpsc::UnboundedReceiver<Vec<u8>>;
type Events = mpsc::Sender<LinkEvent>;

async fn run(server: Server, choice: TransportChoice, events: Events, mut frames: Frames) {
    let why = match choice {
        TransportChoice::Polling => polling::run(&server, &events, &mut frames).await,
        TransportChoice::WebSocket | TransportChoice::Auto => {
            match websocket::run(&server, &events, &mut frames).await {
                Ended::Blocked(_) if choice == TransportChoice::Auto => {
                    // Nothing was sent yet: the greeting comes first on either transport.
                    let _ = events.send(LinkEvent::FellBack).await;
                    polling::run(&server, &events, &mut frames).await
                }
                Ended::Blocked(why) | Ended::Over(why) => why,
            }
        }
    };
    let _ = events.send(LinkEvent::Closed(why)).await;
}

/// Decodes a frame and hands it over; an error ends the transport.
async fn deliver(events: &Events, bytes: &[u8]) -> Result<(), Disconnected> {
    let frame = satchel_wire::decode::<ServerFrame>("frame", bytes)
        .map_err(|error| not_satchel(format!("it sent a {error}")))?;
    let event = match frame {
        ServerFrame::Pack { workspace, pack } => LinkEvent::Pack(workspace, SealedPack::new(pack.into())),
        frame => LinkEvent::Frame(Box::new(frame)),
    };
    events.send(event).await.map_err(|_| Disconnected::Idle)
}
