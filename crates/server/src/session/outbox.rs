//! What waits for one connection: its frames in order, and the state of its feeds.
//!
//! Why it exists: the writer of the store must never wait for a slow network, and a connection must
//! see each workspace's entries in the order of `seq`, without a gap and once, although its snapshot
//! and the live entries come from different threads.
//!
//! ```text
//!  Subscribe            snapshot begins           snapshot sent, held drained
//!  -------> Waiting ------------------> Joining ------------------------------> Live{seq}
//!           entries: skipped,           entries and answers: held               entries: queued
//!           the snapshot has them;
//!           answers: held
//! ```
//!
//! Invariants: live frames of at most [`SOCKET_QUEUE_BYTES_MAX`] wait, else the connection ends as
//! too slow; frames of a snapshot wait for room instead and are not counted as slow. After the end
//! only what was queued before it is read.
//!
//! Frames are shared bytes: one entry for many readers is in memory once. So that a burst of large
//! commits does not end a healthy connection, a frame never weighs more than [`WEIGHT_MAX`].

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use satchel_wire::limits::{FRAME_BYTES_MAX, SOCKET_QUEUE_BYTES_MAX};
use satchel_wire::{ErrorCode, Refusal, ServerFrame, WorkspaceId, encode};
use tokio::sync::Notify;

use crate::planted::{self, Bug};

/// The most that one frame weighs against the limit of a queue.
const WEIGHT_MAX: usize = SOCKET_QUEUE_BYTES_MAX / 8;

/// A connection with more than this waiting gets no hints.
const HINT_WEIGHT_MAX: usize = SOCKET_QUEUE_BYTES_MAX / 8;

/// The most bytes of commits that one connection may have under way; more waits in its transport.
const PUSHED_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;

/// The queue of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Something can be read, or the end has come.
    filled: Notify,
    /// There may be room again, or the end has come.
    drained: Notify,
    /// The end has come.
    over: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Queued>,
    live_weight: usize,
    paged_weight: usize,
    feeds: HashMap<WorkspaceId, Feed>,
    /// Workspaces that the account has lost: what was read of them before is not sent any more.
    lost: Vec<WorkspaceId>,
    end: Option<ErrorCode>,
    pushes: VecDeque<Pushed>,
    pushed_bytes: usize,
}

/// A commit that the service has and has not answered.
#[derive(Debug)]
struct Pushed {
    bytes: usize,
    since: Instant,
}

#[derive(Debug)]
struct Queued {
    frame: Bytes,
    paged: bool,
}

#[derive(Debug)]
enum Feed {
    Waiting { held: VecDeque<Held> },
    Joining { held: VecDeque<Held>, weight: usize, reached: u64, lost: bool },
    Live { seq: u64 },
}

/// A frame that waits for the snapshot before it.
#[derive(Debug)]
struct Held {
    /// The position of an entry of another app; none for an answer to this one.
    entry: Option<u64>,
    /// The position that the feed has reached with it.
    reached: Option<u64>,
    frame: Bytes,
}

/// How a feed ended its join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Live entries follow.
    Live,
    /// Too many entries came meanwhile to be held.
    Lost,
    /// The feed was ended or begun anew meanwhile.
    Gone,
}

fn weigh(frame: &Bytes) -> usize {
    frame.len().min(WEIGHT_MAX)
}

impl Queue {
    fn push(&mut self, frame: Bytes, paged: bool) {
        let weight = if paged { &mut self.paged_weight } else { &mut self.live_weight };
        *weight += weigh(&frame);
        self.frames.push_back(Queued { frame, paged });
    }

    fn pop(&mut self) -> Option<Bytes> {
        let Queued { frame, paged } = self.frames.pop_front()?;
        let weight = if paged { &mut self.paged_weight } else { &mut self.live_weight };
        *weight -= weigh(&frame);
        if self.frames.is_empty() {
            self.frames.shrink_to(8);
        }
        Some(frame)
    }

    /// Queues a live frame, or ends the connection as too slow.
    fn push_live(&mut self, frame: Bytes) {
        if self.end.is_some() {
            return;
        }
        if self.live_weight + weigh(&frame) > SOCKET_QUEUE_BYTES_MAX {
            self.end_slow();
        } else {
            self.push(frame, false);
        }
    }

    fn end_slow(&mut self) {
        self.frames.clear();
        (self.live_weight, self.paged_weight) = (0, 0);
        self.end(&Refusal::new(
            ErrorCode::TooSlow,
            "this app read too slowly; it catches up when it reconnects",
        ));
    }

    fn end(&mut self, refusal: &Refusal) {
        if self.end.is_none() {
            self.end = Some(refusal.code);
            self.feeds.clear();
            self.push(encode(&ServerFrame::Refused(refusal.clone())).into(), false);
        }
    }

    fn has_room(&self) -> bool {
        self.paged_weight + self.live_weight < SOCKET_QUEUE_BYTES_MAX
    }

    fn hold(&mut self, workspace: WorkspaceId, item: Held) {
        match self.feeds.get_mut(&workspace) {
            None => self.push_answer(item),
            Some(Feed::Live { seq }) => {
                // What is behind the feed was in its snapshot.
                if item.entry.is_some_and(|entry| entry <= *seq) {
                    return;
                }
                *seq = (*seq).max(item.reached.unwrap_or(0));
                self.push_live(item.frame);
            }
            Some(Feed::Waiting { held }) => {
                if item.entry.is_none() {
                    held.push_back(item);
                    if held.len() > WEIGHT_MAX {
                        self.end_slow();
                    }
                }
            }
            Some(Feed::Joining { held, weight, reached, lost }) => {
                *reached = (*reached).max(item.reached.unwrap_or(0));
                *weight += weigh(&item.frame);
                *lost |= *weight > SOCKET_QUEUE_BYTES_MAX;
                if *lost {
                    held.clear();
                } else {
                    held.push_back(item);
                }
            }
        }
    }

    fn push_answer(&mut self, item: Held) {
        if item.entry.is_none() {
            self.push_live(item.frame);
        }
    }

    /// Moves what was held into the queue while there is room. None while more waits.
    fn drain(&mut self, workspace: WorkspaceId, head: u64) -> Option<Joined> {
        loop {
            let room = self.has_room();
            let Some(Feed::Joining { held, reached, lost, .. }) = self.feeds.get_mut(&workspace) else {
                return Some(Joined::Gone);
            };
            if *lost {
                return Some(Joined::Lost);
            }
            if planted::is(Bug::JoinLosesHeld) {
                held.retain(|item| item.entry.is_none());
            }
            if held.is_empty() {
                let seq = head.max(*reached);
                self.feeds.insert(workspace, Feed::Live { seq });
                return Some(Joined::Live);
            }
            if !room {
                return None;
            }
            let item = held.pop_front().expect("it was just seen not to be empty");
            if item.entry.is_none_or(|seq| seq > head) {
                self.push(item.frame, true);
            }
        }
    }
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A queue is valid after every statement, so a panic elsewhere does not spoil it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        let ended = {
            let mut queue = self.lock();
            let before = queue.end;
            change(&mut queue);
            before != queue.end
        };
        self.filled.notify_waiters();
        if ended {
            self.drained.notify_waiters();
            self.over.notify_waiters();
        }
    }

    /// Queues a frame that belongs to no workspace.
    pub(crate) fn push(&self, frame: &ServerFrame) {
        self.change(|queue| queue.push_live(encode(frame).into()));
    }

    /// Queues an entry of another app, if this connection reads the workspace.
    pub(crate) fn push_entry(&self, workspace: WorkspaceId, seq: u64, frame: Bytes) {
        self.change(|queue| queue.hold(workspace, Held { entry: Some(seq), reached: Some(seq), frame }));
    }

    /// Queues an answer to a commit in its place in the feed; `reached` is where an accepted one stands.
    pub(crate) fn push_answer(&self, workspace: WorkspaceId, reached: Option<u64>, frame: &ServerFrame) {
        self.change(|queue| {
            queue.hold(workspace, Held { entry: None, reached, frame: encode(frame).into() });
        });
    }

    /// Ends the connection; this is its last frame.
    pub(crate) fn end(&self, refusal: &Refusal) {
        self.change(|queue| queue.end(refusal));
    }

    /// Whether the connection ended and its last frame was taken.
    pub(crate) fn is_over(&self) -> bool {
        let queue = self.lock();
        queue.end.is_some() && queue.frames.is_empty()
    }

    /// Waits until the connection ended, though frames may still wait.
    pub(crate) async fn wait_ended(&self) -> ErrorCode {
        wait(&self.over, || self.ended()).await
    }

    /// Notes a commit that goes to the service, once those under way leave room for it.
    pub(crate) async fn note_push(&self, bytes: usize) {
        wait(&self.drained, || {
            let mut queue = self.lock();
            let room = queue.pushes.is_empty() || queue.pushed_bytes + bytes <= PUSHED_BYTES_MAX;
            (room || queue.end.is_some()).then(|| {
                queue.pushed_bytes += bytes;
                queue.pushes.push_back(Pushed { bytes, since: Instant::now() });
            })
        })
        .await;
    }

    /// Notes that a commit was answered, and how long it took. Answers come nearly in the order of
    /// the commits, so taking the oldest keeps the sums right.
    pub(crate) fn note_answer(&self) -> Option<Duration> {
        let pushed = {
            let mut queue = self.lock();
            let pushed = queue.pushes.pop_front()?;
            queue.pushed_bytes -= pushed.bytes;
            pushed
        };
        self.drained.notify_waiters();
        Some(pushed.since.elapsed())
    }

    /// Why the connection ended, if it did.
    pub(crate) fn ended(&self) -> Option<ErrorCode> {
        self.lock().end
    }

    /// The next frame, if one waits.
    pub(crate) fn try_next(&self) -> Option<Bytes> {
        let frame = self.lock().pop();
        self.drained.notify_waiters();
        frame
    }

    /// The next frame; none after the last one.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        self.wait_filled().await;
        self.try_next()
    }

    /// Waits until something can be read or the end has come.
    pub(crate) async fn wait_filled(&self) {
        wait(&self.filled, || {
            let queue = self.lock();
            (!queue.frames.is_empty() || queue.end.is_some()).then_some(())
        })
        .await;
    }

    /// Queues a frame of a snapshot when there is room. False if the connection ended.
    pub(crate) async fn send(&self, frame: &ServerFrame) -> bool {
        self.send_unless(frame, |_| false).await
    }

    /// The same for what was read from a workspace. False, too, if the account has lost the workspace since.
    pub(crate) async fn send_of(&self, workspace: WorkspaceId, frame: &ServerFrame) -> bool {
        self.send_unless(frame, |queue| queue.lost.contains(&workspace)).await
    }

    async fn send_unless(&self, frame: &ServerFrame, is_over: impl Fn(&Queue) -> bool) -> bool {
        let frame = Bytes::from(encode(frame));
        let sent = wait(&self.drained, || {
            let mut queue = self.lock();
            if queue.end.is_some() || is_over(&queue) {
                return Some(false);
            }
            queue.has_room().then(|| {
                queue.push(frame.clone(), true);
                true
            })
        })
        .await;
        self.filled.notify_waiters();
        sent
    }

    /// The account has lost a workspace: its feed ends, and nothing that was read of it is sent.
    pub(crate) fn lose(&self, workspace: WorkspaceId) {
        self.regain(workspace);
        self.lock().lost.push(workspace);
        self.unsubscribe(workspace);
        self.drained.notify_waiters();
    }

    /// The account has got a workspace, perhaps again.
    pub(crate) fn regain(&self, workspace: WorkspaceId) {
        self.lock().lost.retain(|lost| *lost != workspace);
    }

    /// Queues a frame that nobody misses, if this connection reads the workspace and keeps up.
    pub(crate) fn push_hint(&self, workspace: WorkspaceId, frame: Bytes) {
        self.change(|queue| {
            let is_live = matches!(queue.feeds.get(&workspace), Some(Feed::Live { .. }));
            if is_live && queue.paged_weight + queue.live_weight < HINT_WEIGHT_MAX {
                queue.push_live(frame);
            }
        });
    }

    /// From here on answers of this workspace wait for its snapshot. Keeps answers that wait already.
    pub(crate) fn subscribe(&self, workspace: WorkspaceId) {
        let mut queue = self.lock();
        let held = match queue.feeds.remove(&workspace) {
            Some(Feed::Waiting { held } | Feed::Joining { held, .. }) => held,
            Some(Feed::Live { .. }) | None => VecDeque::new(),
        };
        if queue.end.is_none() {
            let held = held.into_iter().filter(|item| item.entry.is_none()).collect();
            queue.feeds.insert(workspace, Feed::Waiting { held });
        }
    }

    /// From here on entries wait for the snapshot. To be called before the snapshot is read.
    pub(crate) fn join(&self, workspace: WorkspaceId) {
        let mut queue = self.lock();
        if let Some(Feed::Waiting { held }) = queue.feeds.get_mut(&workspace) {
            let held = std::mem::take(held);
            queue.feeds.insert(workspace, Feed::Joining { held, weight: 0, reached: 0, lost: false });
        }
    }

    /// Goes over to live entries after a snapshot up to `head`.
    pub(crate) async fn go_live(&self, workspace: WorkspaceId, head: u64) -> Joined {
        wait(&self.drained, || {
            let joined = self.lock().drain(workspace, head);
            self.filled.notify_waiters();
            joined
        })
        .await
    }

    /// The feed is live from its first entry on: this connection founded the workspace.
    pub(crate) fn start_live(&self, workspace: WorkspaceId) {
        let mut queue = self.lock();
        if queue.end.is_none() {
            queue.feeds.entry(workspace).or_insert(Feed::Live { seq: 0 });
        }
    }

    /// Ends a feed; answers that waited for its snapshot come now.
    pub(crate) fn unsubscribe(&self, workspace: WorkspaceId) {
        self.change(|queue| {
            if let Some(Feed::Waiting { held } | Feed::Joining { held, .. }) = queue.feeds.remove(&workspace)
            {
                for item in held {
                    queue.push_answer(item);
                }
            }
        });
    }
}

/// Looks until it finds something; looks again after each notice, and misses none.
async fn wait<T>(notice: &Notify, mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        let mut noticed = pin!(notice.notified());
        noticed.as_mut().enable();
        if let Some(found) = look() {
            return found;
        }
        noticed.await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const WORKSPACE: WorkspaceId = WorkspaceId::new([1; 16]);

    fn entry(seq: u8) -> Bytes {
        Bytes::from(vec![seq; 10])
    }

    fn answer(outbox: &Outbox, reached: u64) {
        let commit = satchel_wire::CommitId::new([9; 16]);
        let frame = ServerFrame::Accepted { workspace: WORKSPACE, commit, seq: reached };
        outbox.push_answer(WORKSPACE, Some(reached), &frame);
    }

    /// What waits, in short: the number of an entry, `A` for an answer, `C` for a frame of the snapshot.
    fn drain(outbox: &Outbox) -> String {
        let mut out = String::new();
        while let Some(frame) = outbox.try_next() {
            let word = match satchel_wire::decode::<ServerFrame>("frame", &frame) {
                Ok(ServerFrame::Accepted { .. }) => "A".to_owned(),
                Ok(ServerFrame::Pong) => "C".to_owned(),
                Ok(ServerFrame::Refused(refusal)) => format!("{:?}", refusal.code),
                _ => frame[0].to_string(),
            };
            out.push_str(&word);
            out.push(' ');
        }
        out.trim_end().to_owned()
    }

    #[tokio::test]
    async fn a_feed_joins_without_a_gap_and_without_a_repetition() {
        let outbox = Outbox::default();
        outbox.push_entry(WORKSPACE, 1, entry(1)); // nobody subscribed
        outbox.subscribe(WORKSPACE);
        outbox.push_entry(WORKSPACE, 2, entry(2)); // the snapshot will have it
        answer(&outbox, 3); // so it will this, but the answer must come
        outbox.join(WORKSPACE);
        outbox.push_entry(WORKSPACE, 4, entry(4)); // came before the snapshot was read
        outbox.push_entry(WORKSPACE, 5, entry(5));
        answer(&outbox, 6);
        assert!(outbox.send(&ServerFrame::Pong).await);
        assert_eq!(outbox.go_live(WORKSPACE, 4).await, Joined::Live);
        outbox.push_entry(WORKSPACE, 6, entry(6)); // its own, answered above
        outbox.push_entry(WORKSPACE, 7, entry(7));
        assert_eq!(drain(&outbox), "C A 5 A 7");
    }

    #[tokio::test]
    async fn a_reader_that_falls_behind_is_ended() {
        let outbox = Outbox::default();
        outbox.start_live(WORKSPACE);
        let large = Bytes::from(vec![0; 10 * SOCKET_QUEUE_BYTES_MAX]);
        for seq in 1..=8 {
            outbox.push_entry(WORKSPACE, seq, large.clone());
        }
        assert_eq!(outbox.ended(), None);
        outbox.push_entry(WORKSPACE, 9, large);
        assert_eq!(outbox.ended(), Some(ErrorCode::TooSlow));
        assert_eq!(drain(&outbox), "TooSlow");
        assert_eq!(outbox.next().await, None);
        assert!(!outbox.send(&ServerFrame::Pong).await);
    }

    #[tokio::test]
    async fn pages_wait_for_room_and_live_frames_pass_the_limit_of_their_own() {
        let outbox = Outbox::default();
        outbox.start_live(WORKSPACE);
        while outbox.lock().has_room() {
            assert!(outbox.send(&ServerFrame::Pong).await);
        }
        outbox.push_entry(WORKSPACE, 1, entry(1));
        assert_eq!(outbox.ended(), None);
        let mut sends = pin!(outbox.send(&ServerFrame::Pong));
        assert!(sends.as_mut().now_or_never().is_none());
        while outbox.lock().paged_weight > 0 {
            outbox.try_next();
        }
        outbox.try_next();
        assert!(sends.await);
        assert_eq!(drain(&outbox), "C");
    }

    #[tokio::test]
    async fn what_was_read_of_a_lost_workspace_is_not_sent() {
        let outbox = Outbox::default();
        outbox.subscribe(WORKSPACE);
        outbox.join(WORKSPACE);
        while outbox.lock().has_room() {
            assert!(outbox.send_of(WORKSPACE, &ServerFrame::Pong).await);
        }
        let mut sends = pin!(outbox.send_of(WORKSPACE, &ServerFrame::Pong));
        assert!(sends.as_mut().now_or_never().is_none(), "it waits for room");
        outbox.lose(WORKSPACE);
        assert!(!sends.await, "it does not wait any longer");
        outbox.push_entry(WORKSPACE, 1, entry(1));
        assert!(!outbox.send_of(WORKSPACE, &ServerFrame::Pong).await);
        assert_eq!(outbox.go_live(WORKSPACE, 1).await, Joined::Gone);
        drain(&outbox);
        outbox.regain(WORKSPACE);
        assert!(outbox.send_of(WORKSPACE, &ServerFrame::Pong).await);
        assert_eq!(drain(&outbox), "C");
    }

    #[test]
    fn a_hint_is_for_who_reads_and_keeps_up() {
        let outbox = Outbox::default();
        outbox.push_hint(WORKSPACE, entry(1));
        outbox.start_live(WORKSPACE);
        outbox.push_hint(WORKSPACE, entry(2));
        assert_eq!(drain(&outbox), "2");
        for seq in 1..=4 {
            outbox.push_entry(WORKSPACE, seq, Bytes::from(vec![0; WEIGHT_MAX]));
        }
        outbox.push_hint(WORKSPACE, entry(3));
        assert_eq!(outbox.lock().frames.len(), 4);
        assert_eq!(outbox.ended(), None);
    }

    #[tokio::test]
    async fn entries_that_pass_the_limit_during_a_catch_up_end_it_after_the_snapshot() {
        let outbox = Outbox::default();
        outbox.subscribe(WORKSPACE);
        outbox.join(WORKSPACE);
        for seq in 1..=20 {
            outbox.push_entry(WORKSPACE, seq, Bytes::from(vec![0; SOCKET_QUEUE_BYTES_MAX]));
        }
        assert_eq!(outbox.ended(), None);
        assert!(outbox.send(&ServerFrame::Pong).await);
        assert_eq!(outbox.go_live(WORKSPACE, 0).await, Joined::Lost);
    }

    #[test]
    fn an_end_is_the_last_frame() {
        let outbox = Outbox::default();
        outbox.push(&ServerFrame::Pong);
        outbox.end(&Refusal::new(ErrorCode::Evicted, ""));
        outbox.end(&Refusal::new(ErrorCode::GoingAway, ""));
        outbox.push(&ServerFrame::Pong);
        assert_eq!(drain(&outbox), "C Evicted");
        assert!(outbox.is_over());
    }
}
