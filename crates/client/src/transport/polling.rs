//! The transport over plain HTTPS requests: one carries frames out, one waits for frames in.
//!
//! Both directions are numbered, so that a repeated request changes nothing and a repeated frame is
//! skipped.

use std::time::Duration;

use futures_util::future::BoxFuture;
use satchel_sync::Disconnected;
use satchel_wire::limits::{COMMIT_BYTES_MAX, POLL_WAIT_MS};
use satchel_wire::{PollId, PollOpen, PollReply, PollRequest, ServerFrame};

use super::{Events, Frames, LinkEvent, deliver};
use crate::server::{Server, not_satchel};

const OPEN_TIME: Duration = Duration::from_secs(20);
const SEND_TIME: Duration = Duration::from_mins(1);
const WAIT_TIME: Duration = Duration::from_millis(POLL_WAIT_MS + 20_000);
/// How often a request that found no answer is repeated.
const REPEATS: usize = 2;

type Answer = Result<PollReply, Disconnected>;

/// One connection over requests.
struct Poll<'a> {
    server: &'a Server,
    events: &'a Events,
    id: PollId,
    /// The number of the next frame to send.
    sent: u64,
    /// How many frames of the server were handed over.
    read: u64,
}

pub(super) async fn run(server: &Server, events: &Events, frames: &mut Frames) -> Disconnected {
    let bytes = match server.post("/v1/poll/open", Vec::new(), OPEN_TIME).await {
        Ok(bytes) => bytes,
        Err(why) => return why,
    };
    let opened = match satchel_wire::decode::<PollOpen>("greeting", &bytes) {
        Ok(opened) => opened,
        Err(error) => return not_satchel(format!("it sent a {error}")),
    };
    let welcome = LinkEvent::Frame(Box::new(ServerFrame::Welcome(opened.welcome)));
    if events.send(welcome).await.is_err() {
        return Disconnected::Idle;
    }
    let mut poll = Poll { server, events, id: opened.poll, sent: 0, read: 0 };
    match poll.exchange(frames).await {
        Ok(()) => Disconnected::Idle,
        Err(why) => why,
    }
}

impl Poll<'_> {
    /// Carries frames both ways until the link is dropped or a request fails.
    async fn exchange(&mut self, frames: &mut Frames) -> Result<(), Disconnected> {
        let mut queue: Vec<Vec<u8>> = Vec::new();
        let mut sending: Option<BoxFuture<'static, Answer>> = None;
        let mut waiting: BoxFuture<'static, Answer> = self.request(Vec::new(), POLL_WAIT_MS);
        let mut is_open = true;
        loop {
            if sending.is_none() && !queue.is_empty() {
                let batch = take_batch(&mut queue);
                let count = batch.len() as u64;
                sending = Some(self.request(batch, 0));
                self.sent += count;
            }
            if sending.is_none() && !is_open {
                return Ok(());
            }
            tokio::select! {
                frame = frames.recv(), if is_open => match frame {
                    Some(frame) => queue.push(frame),
                    None => is_open = false,
                },
                answer = async { sending.as_mut().expect("checked by the guard").await }, if sending.is_some() => {
                    sending = None;
                    self.take(answer?).await?;
                }
                answer = &mut waiting => {
                    self.take(answer?).await?;
                    waiting = self.request(Vec::new(), POLL_WAIT_MS);
                }
            }
        }
    }

    /// A request of its own, repeated where it found no answer.
    fn request(&self, frames: Vec<Vec<u8>>, wait_ms: u64) -> BoxFuture<'static, Answer> {
        let server = self.server.clone();
        let time = if frames.is_empty() { WAIT_TIME } else { SEND_TIME };
        let frames = frames.into_iter().map(Into::into).collect();
        let request = PollRequest { poll: self.id, first: self.sent, frames, read: self.read, wait_ms };
        let body = satchel_wire::encode(&request);
        Box::pin(async move {
            for _ in 0..REPEATS {
                match server.post("/v1/poll", body.clone(), time).await {
                    Err(Disconnected::Unreachable { .. }) => {}
                    Err(why) => return Err(why),
                    Ok(bytes) => return read_reply(&bytes),
                }
            }
            read_reply(&server.post("/v1/poll", body, time).await?)
        })
    }

    async fn take(&mut self, reply: PollReply) -> Result<(), Disconnected> {
        if reply.first > self.read {
            return Err(not_satchel("it left out frames".into()));
        }
        for (number, frame) in (reply.first..).zip(reply.frames) {
            if number == self.read {
                deliver(self.events, &frame).await?;
                self.read += 1;
            }
        }
        Ok(())
    }
}

fn read_reply(bytes: &[u8]) -> Answer {
    satchel_wire::decode::<PollReply>("poll answer", bytes)
        .map_err(|error| not_satchel(format!("it sent a {error}")))
}

/// Frames for one request: at least one, and not many more bytes than one commit.
fn take_batch(queue: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut bytes = 0;
    let fits = queue.iter().take_while(|frame| {
        bytes += frame.len();
        bytes <= COMMIT_BYTES_MAX
    });
    let count = fits.count().max(1);
    queue.drain(..count).collect()
}
