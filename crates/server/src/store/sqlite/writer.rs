//! The one thread that writes, and the queue before it.
//!
//! ```text
//! push, push, call ──▶ queue ──▶ BEGIN ▸ work, work, work ▸ COMMIT (one fsync) ──▶ done, done, done
//! ```
//!
//! While one group is being synced, the next one gathers, so the cost of an fsync is shared by all
//! that waited for it. Each work has a savepoint, so that a bad one does not spoil the others; one that is
//! alone in its group is its transaction. If the disk fails, the whole group is rolled back and each is told
//! so. `done` runs after the commit, in the order of the queue, so what it publishes is durable and in order.
//!
//! The log goes into the database when nothing waits, so that no commit pays for it; its file stays as large
//! as it was, because a sync of what is overwritten is quicker than of what is appended.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::upkeep;
use crate::service::{Outcome, Publish};
use crate::store::StoreError;

/// Works of one group, at most.
const GROUP_MAX: usize = 256;
/// Bytes of one group, at most, unless one work alone is larger.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes that wait, at most, unless one work alone is larger.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// From so many pages on, an idle writer moves its log into the database.
const PAGES_TIDIED: usize = 1_000;
/// How long nothing must have come before that.
const IDLE_TIME: Duration = Duration::from_millis(100);
/// About how many pages a work changes beside its content.
const PAGES_OF_ANY: usize = 10;
const PAGE_BYTES: usize = 4_096;
/// Works that wait, at most.
const QUEUE_MAX: usize = 65_536;

/// Whether a work's changes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

/// One atomic step of the writer.
pub(super) trait Work: Send {
    /// Makes the changes, inside a savepoint.
    fn run(&mut self, connection: &Connection) -> Result<Keep, StoreError>;
    /// Answers, after the group is durable or failed.
    fn done(self: Box<Self>, result: Result<(), StoreError>, publish: &dyn Publish);
    /// About how much memory it holds.
    fn bytes(&self) -> usize {
        256
    }
    /// Whether what it deletes must leave the files before it is answered.
    fn erases(&self) -> Erase {
        Erase::Nothing
    }
}

/// How far a deletion must reach before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Erase {
    /// The transaction is enough.
    Nothing,
    /// Only what is due from before.
    Due,
    /// Out of the files, at once if the database is not large.
    Soon,
    /// Out of the files.
    Now,
}

/// A change that a caller waits for.
struct Call<T, F> {
    change: Option<F>,
    value: Option<(T, Vec<Outcome>)>,
    answer: SyncSender<Result<T, StoreError>>,
    erase: Erase,
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<(T, Vec<Outcome>), StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<Keep, StoreError> {
        let change = self.change.take().expect("a work runs once");
        self.value = Some(change(connection)?);
        Ok(Keep::Yes)
    }

    fn done(self: Box<Self>, result: Result<(), StoreError>, publish: &dyn Publish) {
        let this = *self;
        let answer = match (result, this.value) {
            (Ok(()), Some((value, outcomes))) => {
                for outcome in outcomes {
                    publish.publish(outcome);
                }
                Ok(value)
            }
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(StoreError::Stopped),
        };
        // A caller that is gone needs no answer.
        let _ = this.answer.send(answer);
    }

    fn erases(&self) -> Erase {
        self.erase
    }
}

#[derive(Default)]
struct Waiting {
    works: VecDeque<Box<dyn Work>>,
    bytes: usize,
    closed: bool,
}

/// What there is to do.
enum Taken {
    /// These works, of about so many bytes.
    Group(Vec<Box<dyn Work>>, usize),
    /// Nothing for a while.
    Idle,
    /// Nothing any more.
    Closed,
}

#[derive(Default)]
struct Queue {
    /// Transactions that were begun.
    groups: AtomicU64,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics half-way, so a poisoned queue is still whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, work: Box<dyn Work>) -> Result<(), (Box<dyn Work>, StoreError)> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err((work, StoreError::Stopped));
        }
        let bytes = waiting.bytes + work.bytes();
        if !waiting.works.is_empty() && (bytes > QUEUE_BYTES_MAX || waiting.works.len() >= QUEUE_MAX) {
            let source = Arc::new(std::io::Error::from(std::io::ErrorKind::WouldBlock));
            return Err((work, StoreError::Unavailable { source }));
        }
        waiting.bytes = bytes;
        waiting.works.push_back(work);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for works and takes a group; if it may do something else meanwhile, only for a while.
    fn take_group(&self, has_else: bool) -> Taken {
        let mut waiting = self.lock();
        while waiting.works.is_empty() {
            if waiting.closed {
                return Taken::Closed;
            }
            if has_else {
                let waited = self.changed.wait_timeout(waiting, IDLE_TIME);
                let (again, time) = waited.unwrap_or_else(PoisonError::into_inner);
                waiting = again;
                if time.timed_out() && waiting.works.is_empty() && !waiting.closed {
                    return Taken::Idle;
                }
            } else {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let (mut group, mut bytes) = (Vec::new(), 0);
        while group.len() < GROUP_MAX && bytes < GROUP_BYTES_MAX {
            let Some(work) = waiting.works.pop_front() else { break };
            bytes += work.bytes();
            group.push(work);
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        Taken::Group(group, bytes)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// The way to the writer thread.
pub(super) struct Writer {
    queue: Arc<Queue>,
    publish: Arc<dyn Publish>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, publish: Arc<dyn Publish>) -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::default());
        let state = Thread {
            connection,
            queue: Arc::clone(&queue),
            publish: Arc::clone(&publish),
            due: Erase::Nothing,
            pages: 0,
        };
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || state.run())?;
        Ok(Self { queue, publish, thread: Mutex::new(Some(thread)) })
    }

    /// Hands a work over without waiting; a refused one is answered here.
    pub(super) fn send(&self, work: Box<dyn Work>) {
        if let Err((work, error)) = self.queue.put(work) {
            work.done(Err(error), &*self.publish);
        }
    }

    /// Makes a change and waits until it is durable.
    pub(super) fn call<T, F>(&self, erase: Erase, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<(T, Vec<Outcome>), StoreError> + Send + 'static,
    {
        let (answer, wait) = sync_channel(1);
        self.send(Box::new(Call { change: Some(change), value: None, answer, erase }));
        wait.recv().unwrap_or(Err(StoreError::Stopped))
    }

    /// Hands a change over whose end nobody waits for.
    pub(super) fn note<F>(&self, change: F)
    where
        F: FnOnce(&Connection) -> Result<((), Vec<Outcome>), StoreError> + Send + 'static,
    {
        let (answer, _) = sync_channel(1);
        self.send(Box::new(Call { change: Some(change), value: None, answer, erase: Erase::Nothing }));
    }

    /// How many transactions were begun: what is written in one group shares one.
    pub(super) fn groups(&self) -> u64 {
        self.queue.groups.load(Ordering::Relaxed)
    }

    /// Tries again what could not be erased.
    pub(super) fn finish_erasing(&self) -> Result<(), StoreError> {
        self.call(Erase::Due, |_| Ok(((), Vec::new())))
    }

    /// Finishes what waits, then ends the thread.
    pub(super) fn stop(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Thread {
    connection: Connection,
    queue: Arc<Queue>,
    publish: Arc<dyn Publish>,
    /// What could not be erased yet, because a reader was in the way or the disk was full.
    due: Erase,
    /// About how many pages lie in the log.
    pages: usize,
}

impl Drop for Thread {
    /// Also after a panic: who waits must not wait for ever.
    fn drop(&mut self) {
        self.queue.close();
        let rest = std::mem::take(&mut self.queue.lock().works);
        for work in rest {
            work.done(Err(StoreError::Stopped), &*self.publish);
        }
    }
}

impl Thread {
    fn run(mut self) {
        loop {
            match self.queue.take_group(self.pages >= PAGES_TIDIED) {
                Taken::Group(group, bytes) => {
                    self.pages += group.len() * PAGES_OF_ANY + 2 * (bytes / PAGE_BYTES);
                    self.do_group(group);
                }
                Taken::Idle => self.tidy(),
                Taken::Closed => return,
            }
        }
    }

    fn do_group(&mut self, mut group: Vec<Box<dyn Work>>) {
        let results = self.commit(&mut group);
        self.erase(&group, &results);
        for (work, result) in group.into_iter().zip(results) {
            work.done(result, &*self.publish);
        }
    }

    /// Moves the log into the database as far as readers allow.
    fn tidy(&mut self) {
        self.pages = 0;
        let moved = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = moved {
            tracing::warn!(%error, "moving the log into the database; trying again later");
        }
    }

    /// Runs a group in one transaction. The results are one for each work.
    fn commit(&self, group: &mut [Box<dyn Work>]) -> Vec<Result<(), StoreError>> {
        match self.try_commit(group) {
            Ok(results) => results,
            Err(error) => {
                if !self.connection.is_autocommit() {
                    // If this fails too, the transaction ends with the next BEGIN that fails.
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                group.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    fn try_commit(&self, group: &mut [Box<dyn Work>]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.queue.groups.fetch_add(1, Ordering::Relaxed);
        self.execute("BEGIN IMMEDIATE")?;
        if let [alone] = group {
            return Ok(vec![self.run_alone(alone.as_mut())?]);
        }
        let mut results = Vec::with_capacity(group.len());
        for work in group.iter_mut() {
            results.push(self.run_one(work.as_mut())?);
        }
        self.execute("COMMIT")?;
        Ok(results)
    }

    /// Runs the only work of a transaction, and ends that. The results as of [`Self::run_one`].
    fn run_alone(&self, work: &mut dyn Work) -> Result<Result<(), StoreError>, StoreError> {
        match work.run(&self.connection) {
            Ok(Keep::Yes) => self.execute("COMMIT")?,
            Ok(Keep::No) => self.execute("ROLLBACK")?,
            Err(error @ StoreError::Unavailable { .. }) => return Err(error),
            Err(error) => {
                self.execute("ROLLBACK")?;
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// The outer result is the group's, the inner one the work's.
    fn run_one(&self, work: &mut dyn Work) -> Result<Result<(), StoreError>, StoreError> {
        self.execute("SAVEPOINT work")?;
        let result = match work.run(&self.connection) {
            Ok(Keep::Yes) => Ok(()),
            Ok(Keep::No) => self.execute("ROLLBACK TO work"),
            Err(error @ StoreError::Unavailable { .. }) => return Err(error),
            Err(error) => {
                self.execute("ROLLBACK TO work")?;
                Err(error)
            }
        };
        self.execute("RELEASE work")?;
        Ok(result)
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn erase(&mut self, group: &[Box<dyn Work>], results: &[Result<(), StoreError>]) {
        let changed = group.iter().zip(results).filter(|(_, result)| result.is_ok());
        let asked = changed.map(|(work, _)| work.erases()).max().unwrap_or(Erase::Nothing);
        let erase = self.due.max(asked);
        // What is due from before is tried again with the next deletion and at each upkeep.
        if asked == Erase::Nothing || erase <= Erase::Due {
            return;
        }
        self.due = match upkeep::erase(&self.connection, erase) {
            Ok(true) => Erase::Nothing,
            Ok(false) => erase,
            Err(error) => {
                tracing::warn!(error = %crate::store::Chained(&error), "erasing what was deleted; trying again later");
                erase
            }
        };
    }
}
