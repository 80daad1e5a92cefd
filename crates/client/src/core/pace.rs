//! The pace of commits: an edit that follows the answer to the one before goes out at once, a burst in few commits.
//!
//! Why it exists: a commit costs the server a signature and a sync, whatever is in it. The engine lets a small
//! commit wait for the one under way; where that goes on, what comes within a moment is sent together.
//!
//! Where many apps change one part, all of them hear of a change at the same time and would try again at the
//! same time, and all but one in vain. Each waits for a short time of chance, longer with every try in vain.
//! In a crowd, where several others change the item that is being edited here, each also waits before its first try, and
//! sends what was typed meanwhile in one commit: eight people who type into one request would else refuse each other all
//! the time. One that is alone, or that meets one other now and then, waits for nothing.

use std::collections::VecDeque;
use std::time::Duration;

use rand_core::RngCore;
use satchel_model::RecordId;
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
/// For how long a change of somebody else's counts.
const CROWD_TIME: Duration = Duration::from_millis(300);
/// So many of them are a crowd; more than most are not counted.
const CROWD: usize = 4;
const CROWD_MAX: usize = 16;
/// What each of them adds to the longest rest, and how long that is at most: everybody still sees the others type.
const CROWD_REST: Duration = Duration::from_millis(60);
const CROWD_REST_MAX: Duration = Duration::from_millis(250);

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
    /// When what was stale is tried again, or in a crowd what is new is tried at first.
    rest_until: Option<Instant>,
    /// The rest before the first try was taken.
    has_spread: bool,
    crowd: Crowd,
}

/// Others who change the item that is being edited here.
#[derive(Debug, Default)]
struct Crowd {
    edited: Option<RecordId>,
    seen: VecDeque<Instant>,
}

impl Crowd {
    /// How many changes of theirs there were just now, where they are many.
    fn size(&mut self, now: Instant) -> usize {
        while self.seen.front().is_some_and(|seen| *seen + CROWD_TIME < now) {
            self.seen.pop_front();
        }
        if self.seen.len() < CROWD { 0 } else { self.seen.len() }
    }
}

impl Pace {
    pub(super) fn note_edit(&mut self, engine: &Engine, records: &[RecordId]) {
        self.is_crowded |= self.gather_until.is_some() || engine.is_committing();
        let edited = records.last().copied();
        if self.crowd.edited != edited {
            self.crowd = Crowd { edited, seen: VecDeque::new() };
        }
    }

    /// Items changed elsewhere.
    pub(super) fn note_news(&mut self, records: &[RecordId]) {
        if self.crowd.edited.is_some_and(|edited| records.contains(&edited))
            && self.crowd.seen.len() < CROWD_MAX
        {
            self.crowd.seen.push_back(Instant::now());
        }
    }

    pub(super) fn note_commit(&mut self) {
        self.committed_at = Some(Instant::now());
        self.has_spread = false;
        let is_crowded = std::mem::take(&mut self.is_crowded);
        self.crowded_commits = if is_crowded { self.crowded_commits + 1 } else { 0 };
    }

    /// When to look again.
    pub(super) fn wait_until(&self) -> Option<Instant> {
        self.gather_until.or(self.rest_until)
    }

    /// Whether to wait a moment with what there is to send.
    pub(super) fn waits(&mut self, engine: &Engine, rng: &mut impl RngCore) -> bool {
        self.rests(Instant::now(), (engine.tries_in_vain(), engine.is_gathering()), rng)
            || self.gathers(engine)
    }

    /// Whether to give way for a moment, so that not all who were late try again at once, nor all of a crowd.
    fn rests(&mut self, now: Instant, (tries, is_new): (usize, bool), rng: &mut impl RngCore) -> bool {
        let crowd = self.crowd.size(now);
        if tries != std::mem::replace(&mut self.rested_tries, tries) {
            self.rest_until = (tries > 0).then(|| now + random_rest(tries, crowd, rng));
        } else if tries == 0 && is_new && crowd > 0 && !std::mem::replace(&mut self.has_spread, true) {
            let longest = crowd_rest(crowd);
            self.rest_until = Some(now + longest / 2 + random_up_to(longest, rng));
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

/// Any time up to the longest rest after so many tries in vain. Who has tried often in a crowd goes sooner.
fn random_rest(tries: usize, crowd: usize, rng: &mut impl RngCore) -> Duration {
    let tries = u32::try_from(tries.max(1)).unwrap_or(u32::MAX);
    let alone = REST_FIRST.saturating_mul(1 << (tries - 1).min(10)).min(REST_MAX);
    random_up_to(if crowd == 0 { alone } else { crowd_rest(crowd) / tries }, rng)
}

fn crowd_rest(crowd: usize) -> Duration {
    CROWD_REST.saturating_mul(u32::try_from(crowd).unwrap_or(u32::MAX)).min(CROWD_REST_MAX)
}

fn random_up_to(longest: Duration, rng: &mut impl RngCore) -> Duration {
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
        let rests: Vec<_> = tries.iter().map(|tries| pace.rests(now, (*tries, true), &mut rng)).collect();
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
        assert!(pace.rests(now, (5, true), &mut rng));
        let later = now + REST_MAX;
        assert!(!pace.rests(later, (5, true), &mut rng));
        assert!(!pace.rests(later, (5, true), &mut rng));
        assert_eq!(pace.wait_until(), None);
    }

    #[test]
    fn rests_grow_up_to_a_limit() {
        let mut rng = Steps(7);
        let mut longest = |tries| (0..500).map(|_| random_rest(tries, 0, &mut rng)).max();
        let found = [1, 2, 30].map(|tries| longest(tries).expect("it was asked"));
        assert!(found.is_sorted() && found[2] <= REST_MAX && found[0] <= REST_FIRST, "{found:?}");
    }

    /// Whether the first try rests after so many changes of this item, or of another one, elsewhere.
    #[track_caller]
    fn check_crowd(changes: usize, changed: RecordId, expected: bool) {
        let (mut rng, edited) = (Steps(7), RecordId([1; 16]));
        let mut pace = Pace { crowd: Crowd { edited: Some(edited), ..Crowd::default() }, ..Pace::default() };
        (0..changes).for_each(|_| pace.note_news(&[changed]));
        let now = Instant::now();
        assert_eq!(pace.rests(now, (0, true), &mut rng), expected);
        // Once, and for less than half a second.
        assert!(!pace.rests(now + CROWD_REST_MAX * 3 / 2, (0, true), &mut rng));
    }

    #[test]
    fn only_a_crowd_at_the_same_item_rests_before_the_first_try() {
        check_crowd(CROWD - 1, RecordId([1; 16]), false);
        check_crowd(CROWD, RecordId([1; 16]), true);
        check_crowd(1_000, RecordId([1; 16]), true);
        check_crowd(1_000, RecordId([2; 16]), false);
    }
}
