//! Counting requests and failed sign-ins, to slow down who guesses.
//!
//! With OPAQUE a guess is answered by the first message of the server, not by the last, so a sign-in
//! counts as failed from its start, and is taken back when it succeeds. An account is counted by what
//! was typed as its e-mail, known or not, so the answers of this file tell nothing about accounts.
//!
//! Invariants: bounded memory; no e-mail and no address is kept, only keyed hashes of them. It does
//! not know the clock: time is an argument.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A failure is forgotten after this long.
const FAILURE_MS: u64 = 60_000;
/// The window of requests.
const WINDOW_MS: u64 = 60_000;
/// Many people can share one address, so it may fail this many times as often as one account.
const PEOPLE_PER_ADDRESS: u32 = 5;
/// Accounts and addresses that are remembered; beyond it the least guilty are forgotten.
const KEYS_MAX: usize = 20_000;

/// A request that comes too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooEarly {
    /// When to come back.
    pub(crate) retry_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since_ms: u64,
    count: u32,
}

impl Count {
    /// Forgets one for each step that has passed.
    fn decay(&mut self, now_ms: u64, step_ms: u64) {
        let steps = now_ms.saturating_sub(self.since_ms) / step_ms;
        self.count = self.count.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
        self.since_ms = if self.count == 0 { now_ms } else { self.since_ms + steps * step_ms };
    }
}

#[derive(Debug, Default)]
struct Counts {
    requests: HashMap<u64, Count>,
    failures: HashMap<u64, Count>,
}

/// The counts of one server.
#[derive(Debug)]
pub(crate) struct Throttle {
    counts: Mutex<Counts>,
    hasher: RandomState,
    requests_per_minute: u32,
    failures_max: u32,
}

impl Throttle {
    /// Begins with nothing counted.
    pub(crate) fn new(requests_per_minute: u32, failures_max: u32) -> Self {
        let hasher = RandomState::new();
        Self { counts: Mutex::default(), hasher, requests_per_minute, failures_max }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// [`TooEarly`] if it had its requests of this minute.
    pub(crate) fn request(&self, address: IpAddr, now_ms: u64) -> Result<(), TooEarly> {
        let key = self.address_key(address);
        let mut counts = self.lock();
        let fresh = Count { since_ms: now_ms, count: 0 };
        let count = counts.requests.entry(key).or_insert(fresh);
        if now_ms.saturating_sub(count.since_ms) >= WINDOW_MS {
            *count = fresh;
        }
        if count.count >= self.requests_per_minute {
            return Err(TooEarly { retry_ms: WINDOW_MS - now_ms.saturating_sub(count.since_ms) });
        }
        count.count += 1;
        shrink(&mut counts.requests);
        Ok(())
    }

    /// Counts a try to sign in as a failure, until [`Throttle::succeed`] takes it back.
    ///
    /// # Errors
    /// [`TooEarly`] if the account or the address failed too often; the try is not counted then.
    pub(crate) fn begin(&self, email: &str, address: IpAddr, now_ms: u64) -> Result<(), TooEarly> {
        let limits = [
            (self.key(email), self.failures_max),
            (self.address_key(address), self.failures_max.saturating_mul(PEOPLE_PER_ADDRESS)),
        ];
        let mut counts = self.lock();
        for (key, max) in limits {
            let Some(count) = counts.failures.get_mut(&key) else { continue };
            count.decay(now_ms, FAILURE_MS);
            if count.count >= max {
                let passed = now_ms.saturating_sub(count.since_ms);
                return Err(TooEarly { retry_ms: FAILURE_MS.saturating_sub(passed).max(1) });
            }
        }
        for (key, _) in limits {
            counts.failures.entry(key).or_insert(Count { since_ms: now_ms, count: 0 }).count += 1;
        }
        shrink(&mut counts.failures);
        Ok(())
    }

    /// A try succeeded: the account starts anew, the address has one failure less.
    pub(crate) fn succeed(&self, email: &str, address: IpAddr) {
        let (email, address) = (self.key(email), self.address_key(address));
        let mut counts = self.lock();
        counts.failures.remove(&email);
        if let Some(count) = counts.failures.get_mut(&address) {
            count.count = count.count.saturating_sub(1);
        }
    }

    /// Forgets what no longer counts.
    pub(crate) fn forget_old(&self, now_ms: u64) {
        let mut counts = self.lock();
        counts.requests.retain(|_, count| now_ms.saturating_sub(count.since_ms) < WINDOW_MS);
        counts.failures.retain(|_, count| {
            count.decay(now_ms, FAILURE_MS);
            count.count > 0
        });
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }

    /// A household has 2^64 addresses of IPv6, so only the first half counts.
    fn address_key(&self, address: IpAddr) -> u64 {
        match address.to_canonical() {
            IpAddr::V4(address) => self.key(address),
            IpAddr::V6(address) => self.key(address.to_bits() >> 64),
        }
    }
}

fn shrink(counts: &mut HashMap<u64, Count>) {
    if counts.len() <= KEYS_MAX {
        return;
    }
    let mut by_count: Vec<u32> = counts.values().map(|count| count.count).collect();
    by_count.sort_unstable();
    let median = by_count[by_count.len() / 2];
    counts.retain(|_, count| count.count > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const NOW: u64 = 1_000_000;

    #[test]
    fn an_account_waits_after_its_failures_and_not_for_ever() {
        let throttle = Throttle::new(100, 3);
        for _ in 0..3 {
            throttle.begin("a@b", HERE, NOW).expect("three are free");
        }
        assert_eq!(throttle.begin("a@b", HERE, NOW + 1), Err(TooEarly { retry_ms: 59_999 }));
        throttle.begin("c@d", HERE, NOW + 1).expect("another account is not touched");
        throttle.begin("a@b", HERE, NOW + 60_000).expect("one is forgotten");
        throttle.begin("a@b", HERE, NOW + 60_001).expect_err("and only one");
    }

    #[test]
    fn a_success_takes_the_failures_back() {
        let throttle = Throttle::new(100, 3);
        for _ in 0..50 {
            throttle.begin("a@b", HERE, NOW).expect("the account starts anew each time");
            throttle.succeed("a@b", HERE);
        }
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits() {
        let throttle = Throttle::new(100, 3);
        let tried = (0..100).take_while(|n| throttle.begin(&format!("{n}@b"), HERE, NOW).is_ok()).count();
        assert_eq!(tried, 15);
    }

    #[test]
    fn requests_are_counted_each_minute() {
        let throttle = Throttle::new(2, 3);
        throttle.request(HERE, NOW).expect("the first");
        throttle.request(HERE, NOW + 10).expect("the second");
        assert_eq!(throttle.request(HERE, NOW + 20), Err(TooEarly { retry_ms: 59_980 }));
        throttle.request(HERE, NOW + 60_000).expect("a new minute");
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let throttle = Throttle::new(1, 3);
        throttle.request("2001:db8::1".parse().expect("an address"), NOW).expect("the first");
        throttle.request("2001:db8::2".parse().expect("an address"), NOW).expect_err("the same network");
        throttle.request("2001:db8:0:1::1".parse().expect("an address"), NOW).expect("another network");
    }

    #[test]
    fn memory_is_bounded_and_the_guilty_stay() {
        let throttle = Throttle::new(1_000, 3);
        for _ in 0..3 {
            throttle.begin("guilty@b", HERE, NOW).expect("three are free");
        }
        for n in 0..u32::try_from(KEYS_MAX).expect("small") + 10 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n));
            let _ = throttle.begin(&format!("{n}@c"), address, NOW);
        }
        assert!(throttle.lock().failures.len() <= KEYS_MAX + 1);
        throttle.begin("guilty@b", "192.0.2.1".parse().expect("an address"), NOW).expect_err("remembered");
    }
}
