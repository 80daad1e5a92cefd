//! The pace of commits: an edit that follows the answer to the one before goes out at once, a burst in few commits.
//!
//! Why it exists: a commit costs the server a signature and a sync, whatever is in it. The engine lets a small
//! commit wait for the one under way; where that goes on, what comes within a moment is sent together.
//!
//! Where many apps change one part, all of them hear of a change at the same time and would try again at the
//! same time, and all but one in vain. Each waits for a short time of chance, longer with every try in vain.
//! One that is alone, or whose changes were never stale, waits for nothing.

use std::time::Duration;

use rand_core::RngCore;
use satchel_sync::Engine;
use tokio::time::Instant;

/// After so many commits in a row that edits came behind, it is a burst.
const BURST_COMMITS: u32 = 4;
/// From a commit to the next one of a burst.
const GATHER_TIME: Duration = Duration::from_millis(10);
/// The longest rest before the second try; it doubles with each one. Short, since most often two apps meet and one
/// gives way; what is typed meanwhile goes along.
const REST_FIRST: Duration = Duration::from_millis(8);
const REST_MAX: Duration = Duration::from_millis(100);

/// How edits and commits followed each other until now.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the edits of a burst are sent together.
    gather_until: Option<Instant>,
    /// An edit came while a commit was under way, or being gathered.
    is_crowded: bool,
    /// How many commits in a row that was so with.
    crowded_commits: u32,
    /// When the last commit was sent.
    committed_at: Option<Instant>,
    /// How many tries in vain the last rest was for.
    rested_tries: usize,
    /// When what was stale is tried again.
    rest_until: Option<Instant>,
}

impl Pace {
    pub(super) fn note_edit(&mut self, engine: &Engine) {
        self.is_crowded |= self.gather_until.is_some() || engine.is_committing();
    }

    pub(super) fn note_commit(&mut self) {
        self.committed_at = Some(Instant::now());
        let is_crowded = std::mem::take(&mut self.is_crowded);
        self.crowded_commits = if is_crowded { self.crowded_commits + 1 } else { 0 };
    }

    /// When to look again.
    pub(super) fn wait_until(&self) -> Option<Instant> {
        self.gather_until.or(self.rest_until)
    }

    /// Whether to wait a moment with what there is to send.
    pub(super) fn waits(&mut self, engine: &Engine, rng: &mut impl RngCore) -> bool {
        self.rests(Instant::now(), engine.tries_in_vain(), rng) || self.gathers(engine)
    }

    /// Whether to give way for a moment, so that not all who were late try again at once.
    fn rests(&mut self, now: Instant, tries: usize, rng: &mut impl RngCore) -> bool {
        if tries != std::mem::replace(&mut self.rested_tries, tries) {
            self.rest_until = (tries > 0).then(|| now + random_rest(tries, rng));
        }
        self.rest_until = self.rest_until.filter(|until| *until > now);
        self.rest_until.is_some()
    }

    fn gathers(&mut self, engine: &Engine) -> bool {
        let until = self.committed_at.map(|at| at + GATHER_TIME);
        let is_burst = self.crowded_commits >= BURST_COMMITS;
        let until = until.filter(|until| is_burst && *until > Instant::now() && engine.is_gathering());
        self.gather_until = until;
        until.is_some()
    }
}

/// Any time up to the longest rest after so many tries in vain.
fn random_rest(tries: usize, rng: &mut impl RngCore) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let longest = REST_FIRST.saturating_mul(1 << doublings).min(REST_MAX);
    let span_us = u64::try_from(longest.as_micros()).expect("the longest rest is short").max(1);
    Duration::from_micros(rng.next_u64() % span_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like chance and are the same each time.
    struct Steps(u64);

    impl RngCore for Steps {
        fn next_u32(&mut self) -> u32 {
            (self.next_u64() >> 32) as u32
        }

        fn next_u64(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.0 >> 7
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.next_u64().to_le_bytes()[0]);
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
            self.fill_bytes(bytes);
            Ok(())
        }
    }

    /// Whether it rests after each of these numbers of tries in vain, at one moment.
    #[track_caller]
    fn check(tries: &[usize], expected: &[bool]) {
        let (mut rng, now) = (Steps(7), Instant::now());
        let mut pace = Pace::default();
        let rests: Vec<_> = tries.iter().map(|tries| pace.rests(now, *tries, &mut rng)).collect();
        assert_eq!(rests, expected);
    }

    #[test]
    fn only_what_was_stale_rests() {
        check(&[0, 0, 0], &[false, false, false]);
        check(&[0, 1, 1, 0], &[false, true, true, false]);
        check(&[2, 3], &[true, true]);
    }

    #[test]
    fn a_rest_ends_and_is_not_taken_twice() {
        let (mut rng, now) = (Steps(7), Instant::now());
        let mut pace = Pace::default();
        assert!(pace.rests(now, 5, &mut rng));
        let later = now + REST_MAX;
        assert!(!pace.rests(later, 5, &mut rng));
        assert!(!pace.rests(later, 5, &mut rng));
        assert_eq!(pace.wait_until(), None);
    }

    #[test]
    fn rests_grow_up_to_a_limit() {
        let mut rng = Steps(7);
        let mut longest = |tries| (0..500).map(|_| random_rest(tries, &mut rng)).max();
        let found = [1, 2, 30].map(|tries| longest(tries).expect("it was asked"));
        assert!(found.is_sorted() && found[2] <= REST_MAX && found[0] <= REST_FIRST, "{found:?}");
    }
}
