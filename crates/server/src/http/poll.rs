//! A connection over plain requests, for networks that block `WebSockets`.
//!
//! Both directions are numbered: frames of the app that came before are skipped, frames of the server
//! are kept until the app says that it has read them. So a repeated request changes nothing, and a
//! lost answer is sent again.
//!
//! Invariants: frames are taken in their order by one task at a time, and a frame that is begun is
//! taken to its end even if the request breaks off; a connection without requests expires.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::MethodRouter;
use rand_core::{OsRng, RngCore};
use satchel_wire::limits::{FRAME_BYTES_MAX, POLL_WAIT_MS, SOCKET_QUEUE_BYTES_MAX};
use satchel_wire::{ErrorCode, PollId, PollOpen, PollReply, PollRequest, Refusal};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::{Instant, sleep_until, timeout};

use super::answer;
use crate::metrics::Transport;
use crate::server::{Server, Times};
use crate::service::Address;
use crate::session::{Outbox, Session, internal};

/// Connections over plain requests at a time.
const POLLS_MAX: usize = 10_000;
/// Those of one address that are not open yet.
const UNOPENED_PER_ADDRESS_MAX: usize = 100;
/// The largest body: one frame of the largest size, with the request's own fields.
const BODY_BYTES_MAX: usize = FRAME_BYTES_MAX + 1024;

/// The connections over plain requests.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    polls: Mutex<HashMap<PollId, Arc<Poll>>>,
}

/// One of them.
#[derive(Debug)]
struct Poll {
    from: Address,
    inbound: AsyncMutex<Inbound>,
    outbox: Arc<Outbox>,
    sent: Mutex<Sent>,
    heard: Mutex<Heard>,
    /// Requests under way: a connection in use does not expire.
    requests: AtomicUsize,
    /// The app has the last frame.
    parted: Notify,
}

#[derive(Debug)]
struct Inbound {
    session: Session,
    next: u64,
}

/// Frames that the app has not said it has read.
#[derive(Debug, Default)]
struct Sent {
    first: u64,
    frames: VecDeque<Bytes>,
    bytes: usize,
}

#[derive(Debug)]
struct Heard {
    at: Instant,
    opens_until: Option<Instant>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a route the limit of a request with frames.
pub(crate) fn limited(route: MethodRouter<Arc<Server>>) -> MethodRouter<Arc<Server>> {
    route.layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Opens a connection.
pub(crate) async fn open(
    State(server): State<Arc<Server>>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    answer::respond(begin(&server, answer::address(&server, peer, &headers)))
}

fn has_room(polls: &HashMap<PollId, Arc<Poll>>, from: Address) -> bool {
    let unopened = |poll: &&Arc<Poll>| poll.from == from && lock(&poll.heard).opens_until.is_some();
    polls.len() < POLLS_MAX && polls.values().filter(unopened).count() < UNOPENED_PER_ADDRESS_MAX
}

fn begin(server: &Arc<Server>, from: Address) -> Result<PollOpen, Refusal> {
    if !has_room(&lock(&server.polls.polls), from) {
        let mut refusal = Refusal::new(ErrorCode::Throttled, "too many connections without a socket");
        refusal.retry_ms = Some(10_000);
        return Err(refusal);
    }
    let (session, welcome) = Session::begin(server, Transport::Poll)
        .ok_or_else(|| Refusal::new(ErrorCode::GoingAway, "the server is shutting down; reconnect"))?;
    let mut id = [0; PollId::LEN];
    OsRng.fill_bytes(&mut id);
    let id = PollId::new(id);
    let now = Instant::now();
    let poll = Arc::new(Poll {
        from,
        outbox: session.outbox(),
        inbound: AsyncMutex::new(Inbound { session, next: 0 }),
        sent: Mutex::default(),
        heard: Mutex::new(Heard { at: now, opens_until: Some(now + server.times.open) }),
        requests: AtomicUsize::new(0),
        parted: Notify::new(),
    });
    lock(&server.polls.polls).insert(id, poll.clone());
    tokio::spawn(expire(server.clone(), id, poll));
    Ok(PollOpen { poll: id, welcome })
}

/// Ends a connection that nobody asks for any more, or that ended itself, and forgets it.
async fn expire(server: Arc<Server>, id: PollId, poll: Arc<Poll>) {
    loop {
        let until = poll.expires(&server.times);
        tokio::select! {
            () = sleep_until(until) => {
                if poll.expires(&server.times) <= Instant::now() {
                    poll.outbox.end(&Refusal::new(ErrorCode::TooSlow, "nothing came for too long; reconnect"));
                    break;
                }
            }
            _ = poll.outbox.wait_ended() => break,
        }
    }
    // The app may fetch the last frames for a while. Nobody waits for the timeout's answer.
    let _ = timeout(server.times.parting, poll.parted.notified()).await;
    lock(&server.polls.polls).remove(&id);
}

impl Poll {
    fn hear(&self) {
        lock(&self.heard).at = Instant::now();
    }

    fn expires(&self, times: &Times) -> Instant {
        let heard = lock(&self.heard);
        let now = Instant::now();
        let since = if self.requests.load(Ordering::Acquire) > 0 { now } else { heard.at };
        let silent = since + times.silence;
        heard.opens_until.map_or(silent, |opens| opens.min(silent))
    }

    /// Takes the frames of a request, those it has not taken before.
    async fn take(&self, first: u64, frames: &[minicbor::bytes::ByteVec]) -> Result<(), Refusal> {
        let mut inbound = self.inbound.lock().await;
        for (number, frame) in (first..).zip(frames) {
            if number > inbound.next {
                return Err(Refusal::new(ErrorCode::BadRequest, "frames are missing before this request"));
            }
            if number == inbound.next {
                inbound.next += 1;
                inbound.session.receive(frame).await;
            }
        }
        if inbound.session.is_open() {
            lock(&self.heard).opens_until = None;
        }
        Ok(())
    }

    /// Forgets what the app has read.
    fn forget(&self, read: u64) -> Result<(), Refusal> {
        let mut sent = lock(&self.sent);
        if read > sent.first + sent.frames.len() as u64 {
            return Err(Refusal::new(ErrorCode::BadRequest, "frames are read that were not sent"));
        }
        while sent.first < read {
            let frame = sent.frames.pop_front().expect("it was just compared with what was sent");
            sent.bytes -= frame.len();
            sent.first += 1;
        }
        if sent.frames.is_empty() && self.outbox.is_over() {
            self.parted.notify_one();
        }
        Ok(())
    }

    /// Everything that was sent and is not read, with what waits and fits.
    fn reply(&self, server: &Server) -> PollReply {
        let mut sent = lock(&self.sent);
        while sent.bytes < SOCKET_QUEUE_BYTES_MAX
            && let Some(frame) = self.outbox.try_next()
        {
            server.metrics.sent(frame.len());
            sent.bytes += frame.len();
            sent.frames.push_back(frame);
        }
        if self.outbox.is_over() && self.outbox.ended() == Some(ErrorCode::GoingAway) {
            self.parted.notify_one(); // a server that shuts down does not wait for the next request
        }
        let frames = sent.frames.iter().map(|frame| frame.to_vec().into()).collect();
        PollReply { first: sent.first, frames }
    }

    fn has_unread(&self) -> bool {
        !lock(&self.sent).frames.is_empty()
    }
}

/// Counts a request while it is under way, also one that breaks off.
struct UnderWay(Arc<Poll>);

impl UnderWay {
    fn new(poll: Arc<Poll>) -> Self {
        poll.requests.fetch_add(1, Ordering::AcqRel);
        poll.hear();
        Self(poll)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.hear();
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Takes frames, or waits for the server's.
pub(crate) async fn exchange(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request = match answer::read(&headers, body, BODY_BYTES_MAX) {
        Ok(request) => request,
        Err(refusal) => return answer::refuse(&refusal),
    };
    answer::respond(exchanged(server, request).await)
}

async fn exchanged(server: Arc<Server>, request: PollRequest) -> Result<PollReply, Refusal> {
    let found = lock(&server.polls.polls).get(&request.poll).cloned();
    let poll =
        found.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "no such connection; open a new one"))?;
    let _under_way = UnderWay::new(poll.clone());
    poll.forget(request.read)?;
    if !request.frames.is_empty() {
        // A task of its own, because this one is dropped when the request breaks off.
        let taking = tokio::spawn(async move {
            poll.take(request.first, &request.frames).await?;
            let first = lock(&poll.sent).first;
            Ok(PollReply { first, frames: Vec::new() })
        });
        return taking.await.unwrap_or_else(|_| Err(internal()));
    }
    if !poll.has_unread() {
        let wait = Duration::from_millis(request.wait_ms.min(POLL_WAIT_MS));
        // Nothing to say is an answer, too.
        let _ = timeout(wait, poll.outbox.wait_filled()).await;
    }
    Ok(poll.reply(&server))
}
