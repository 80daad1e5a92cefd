//! Running many seeds: on every core, the known bad ones first, each failure with the command that shows it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use satchel_sync::Store;

use crate::check::{Violation, clocks, violation};
use crate::tier::Tier;
use crate::world::{Ending, Variation, play};

/// One seed in so many is played a second time under other clocks.
const TWINS: u64 = 8;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    pub(crate) histories: u64,
    pub(crate) steps: usize,
    pub(crate) threads: usize,
    /// End after this time, if it comes first.
    pub(crate) time_max: Option<Duration>,
    /// Tell on standard error how far it is, so often.
    pub(crate) progress: Option<Duration>,
}

/// A seed that failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) violation: Violation,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) histories: u64,
    pub(crate) entries: u64,
    pub(crate) took: Duration,
    pub(crate) failures: Vec<Failure>,
}

/// Plays one seed, with its twin where it has one.
pub(crate) fn one<T>(seed: u64, steps: usize, trace: bool) -> Result<Ending, Violation>
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    let played = catch_unwind(AssertUnwindSafe(|| {
        let ending = play::<T>(seed, steps, Variation { trace, other_clocks: false })?;
        if seed.is_multiple_of(TWINS)
            && let Some(view) = &ending.view
        {
            let twin = play::<T>(seed, steps, Variation { trace: false, other_clocks: true })?;
            let other =
                twin.view.ok_or_else(|| violation("clocks", "under other clocks the server went back"))?;
            clocks::check(view, &other)?;
        }
        Ok(ending)
    }));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(violation("panic", text.unwrap_or_default()))
    })
}

/// Plays seeds until all are played, the time is over, or enough of them failed.
pub(crate) fn many<T>(order: &Order, failures_max: usize) -> Report
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    let begun = Instant::now();
    let (next, histories, entries) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (enough, told) = (AtomicBool::new(false), AtomicU64::new(0));
    let failures = Mutex::new(Vec::new());
    let work = || {
        while !enough.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= order.histories || order.time_max.is_some_and(|max| begun.elapsed() >= max) {
                return;
            }
            let seed = order.seed.wrapping_add(index);
            match one::<T>(seed, order.steps, false) {
                Ok(ending) => drop(entries.fetch_add(ending.entries, Ordering::Relaxed)),
                Err(violation) => {
                    let mut failures = failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    failures.push(Failure { seed, violation });
                    enough.store(failures.len() >= failures_max, Ordering::Relaxed);
                }
            }
            let played = histories.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(every) = order.progress {
                tell(&told, begun.elapsed(), every, (played, order.histories));
            }
        }
    };
    thread::scope(|scope| {
        (0..order.threads).for_each(|_| drop(scope.spawn(work)));
    });
    let mut failures = failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failures.sort_by_key(|failure: &Failure| failure.seed);
    let (histories, entries) = (histories.into_inner(), entries.into_inner());
    Report { histories, entries, took: begun.elapsed(), failures }
}

/// Tells how far a run is, once in each span of time.
fn tell(told: &AtomicU64, elapsed: Duration, every: Duration, (played, of): (u64, u64)) {
    let span = elapsed.as_secs() / every.as_secs().max(1);
    let before = told.fetch_max(span, Ordering::Relaxed);
    if span > before {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = played as f64 / elapsed.as_secs_f64();
        eprintln!("  {played} of {of} histories after {} s, {rate:.0} a second", elapsed.as_secs());
    }
}

/// The least number of steps after which a seed fails.
pub(crate) fn shorten<T>(seed: u64, steps: usize) -> usize
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    (1..steps).find(|steps| one::<T>(seed, *steps, false).is_err()).unwrap_or(steps)
}
