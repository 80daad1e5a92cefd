//! What the server remembers between two requests before a connection: logins and grants.
//!
//! All in memory, bounded in count and age. A grant is kept as a hash; whoever takes one has it
//! alone, and gives it back if it was not used.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{ServerLogin, derive_token_hash};
use satchel_wire::limits::GRANT_MS;
use satchel_wire::{AccountId, GrantId, LoginId, Nonce};

/// How long a login may be under way. Argon2id on a slow phone takes seconds, not minutes.
const LOGIN_MS: u64 = 2 * 60 * 1000;
/// Logins and grants that are remembered; beyond it the oldest are forgotten.
const ENTRIES_MAX: usize = 10_000;

/// A login under way.
pub(super) enum Login {
    /// Someone signs up.
    SignUp {
        email: String,
        /// The hash of the invitation that it uses.
        invite: Option<[u8; 32]>,
    },
    /// Someone proves a password; no account for an unknown e-mail.
    SignIn { email: String, account: Option<AccountId>, state: Box<ServerLogin> },
    /// Someone proves a recovery code; no account for an unknown e-mail.
    Recover { email: String, account: Option<AccountId>, challenge: Nonce },
}

/// Entries in the order of their age, each until its time.
struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    order: VecDeque<(u64, K)>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    fn put(&mut self, key: K, until_ms: u64, value: V) {
        self.entries.insert(key, (until_ms, value));
        self.order.push_back((until_ms, key));
        while self.order.len() > ENTRIES_MAX {
            self.drop_oldest();
        }
    }

    fn take(&mut self, key: &K, now_ms: u64) -> Option<(u64, V)> {
        self.entries.remove(key).filter(|(until_ms, _)| *until_ms > now_ms)
    }

    fn drop_oldest(&mut self) {
        let Some((until_ms, key)) = self.order.pop_front() else { return };
        // A key that was given back stands in the order twice; its entry's own time decides.
        if self.entries.get(&key).is_some_and(|(until, _)| *until <= until_ms) {
            self.entries.remove(&key);
        }
    }

    fn forget_expired(&mut self, now_ms: u64) {
        while self.order.front().is_some_and(|(until_ms, _)| *until_ms <= now_ms) {
            self.drop_oldest();
        }
    }
}

/// A grant that someone took: nobody else has it.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    hash: [u8; 32],
    until_ms: u64,
    pub(super) account: AccountId,
}

#[derive(Default)]
struct Entries {
    logins: Bounded<LoginId, Login>,
    grants: Bounded<[u8; 32], AccountId>,
}

/// The logins and grants of one server.
#[derive(Default)]
pub(super) struct Grants {
    entries: Mutex<Entries>,
}

impl Grants {
    /// Remembers a login under a new id.
    pub(super) fn put_login<R: RngCore + CryptoRng>(
        &self,
        login: Login,
        now_ms: u64,
        rng: &mut R,
    ) -> LoginId {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        let id = LoginId::new(id);
        self.lock().logins.put(id, now_ms.saturating_add(LOGIN_MS), login);
        id
    }

    /// Takes a login; a second request with its id finds nothing.
    pub(super) fn take_login(&self, login: LoginId, now_ms: u64) -> Option<Login> {
        self.lock().logins.take(&login, now_ms).map(|(_, login)| login)
    }

    /// Makes a grant for an account.
    pub(super) fn make<R: RngCore + CryptoRng>(
        &self,
        account: AccountId,
        now_ms: u64,
        rng: &mut R,
    ) -> GrantId {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        self.lock().grants.put(derive_token_hash(&secret), now_ms.saturating_add(GRANT_MS), account);
        GrantId::new(secret)
    }

    /// Takes a grant for use.
    pub(super) fn take(&self, grant: &GrantId, now_ms: u64) -> Option<Taken> {
        let hash = derive_token_hash(grant.as_bytes());
        self.lock().grants.take(&hash, now_ms).map(|(until_ms, account)| Taken { hash, until_ms, account })
    }

    /// Puts back what was not used up.
    pub(super) fn give_back(&self, taken: Taken) {
        let Taken { hash, until_ms, account } = taken;
        self.lock().grants.put(hash, until_ms, account);
    }

    /// Forgets every grant of an account.
    pub(super) fn revoke(&self, account: AccountId) {
        self.lock().grants.entries.retain(|_, (_, of)| *of != account);
    }

    /// Forgets what expired.
    pub(super) fn forget_expired(&self, now_ms: u64) {
        let mut entries = self.lock();
        entries.logins.forget_expired(now_ms);
        entries.grants.forget_expired(now_ms);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
