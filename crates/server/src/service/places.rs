//! Who is connected, and who holds one of an account's places.
//!
//! One mutex over everything: the decision who gets the last place is made under it, so eight at once
//! are decided one after the other. In memory only: a restart frees all places, and an app that still
//! wants one comes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use satchel_wire::{AccountId, AppId, ErrorCode, Refusal};

use super::{ConnectionId, Session};

struct Present {
    connection: ConnectionId,
    app: AppId,
    sync: bool,
    waiting: u32,
}

#[derive(Default)]
struct Everyone {
    accounts: HashMap<AccountId, Vec<Present>>,
    connections: HashMap<ConnectionId, AccountId>,
}

/// What an app asks for with a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) take_over: Option<AppId>,
    pub(super) waiting: u32,
}

/// Why there is no place.
#[derive(Debug)]
pub(super) enum Refused {
    /// The account has too many connections.
    Sockets,
    /// These apps hold all places.
    Full(Vec<AppId>),
}

/// A connection that is no longer present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) connection: ConnectionId,
    pub(super) account: AccountId,
    pub(super) app: AppId,
    pub(super) waiting: u32,
}

/// Everyone who is connected.
pub(super) struct Places {
    max_apps: usize,
    max_sockets: usize,
    everyone: Mutex<Everyone>,
}

impl Places {
    pub(super) fn new(max_apps: usize, max_sockets: usize) -> Self {
        Self { max_apps, max_sockets, everyone: Mutex::default() }
    }

    /// Lets a connection in, or refuses it and changes nothing. Answers who had to go, and why.
    pub(super) fn enter(
        &self,
        session: &Session,
        name: &str,
        asked: &Asked,
    ) -> Result<Vec<(Gone, Refusal)>, Refused> {
        let mut everyone = self.lock();
        let present = everyone.accounts.get(&session.account).map_or(&[][..], Vec::as_slice);
        let own = |other: &Present| session.sync && other.sync && other.app == session.app;
        if present.iter().filter(|other| !own(other)).count() >= self.max_sockets {
            return Err(Refused::Sockets);
        }
        let evicted =
            if session.sync { self.find_room(present, session.app, asked.take_over)? } else { None };
        let mut gone = Vec::new();
        if let Some(app) = evicted {
            let why = evicted_by(name);
            let out = everyone.remove(session.account, |other| other.sync && other.app == app);
            gone.extend(out.into_iter().map(|gone| (gone, why.clone())));
        }
        // Its older connection is dead or dying: the app itself knows of one only.
        let why = Refusal::new(ErrorCode::GoingAway, "the app opened another connection");
        gone.extend(everyone.remove(session.account, own).into_iter().map(|gone| (gone, why.clone())));
        everyone.add(session, asked.waiting);
        Ok(gone)
    }

    /// Whether an app that signs in could have a place now.
    pub(super) fn check_room(
        &self,
        account: AccountId,
        app: AppId,
        take_over: Option<AppId>,
    ) -> Result<(), Refused> {
        let everyone = self.lock();
        let present = everyone.accounts.get(&account).map_or(&[][..], Vec::as_slice);
        self.find_room(present, app, take_over).map(|_| ())
    }

    /// Frees the place of `take_over` if it is needed for `app`.
    pub(super) fn make_room(
        &self,
        account: AccountId,
        app: AppId,
        take_over: Option<AppId>,
        name: &str,
    ) -> Vec<(Gone, Refusal)> {
        let mut everyone = self.lock();
        let present = everyone.accounts.get(&account).map_or(&[][..], Vec::as_slice);
        let Ok(Some(evicted)) = self.find_room(present, app, take_over) else { return Vec::new() };
        let why = evicted_by(name);
        let out = everyone.remove(account, |other| other.sync && other.app == evicted);
        out.into_iter().map(|gone| (gone, why.clone())).collect()
    }

    /// Takes a connection out; none if it is out already.
    pub(super) fn leave(&self, connection: ConnectionId) -> Option<Gone> {
        let mut everyone = self.lock();
        let account = everyone.connections.get(&connection).copied()?;
        everyone.remove(account, |other| other.connection == connection).pop()
    }

    /// Takes the connections of some apps of an account out, but for one.
    pub(super) fn clear(
        &self,
        account: AccountId,
        app: impl Fn(AppId) -> bool,
        spare: Option<ConnectionId>,
    ) -> Vec<Gone> {
        self.lock().remove(account, |other| app(other.app) && Some(other.connection) != spare)
    }

    /// The accounts that are connected.
    pub(super) fn accounts(&self) -> Vec<AccountId> {
        self.lock().accounts.keys().copied().collect()
    }

    pub(super) fn note_waiting(&self, connection: ConnectionId, waiting: u32) {
        let mut everyone = self.lock();
        let Some(account) = everyone.connections.get(&connection).copied() else { return };
        let present = everyone.accounts.get_mut(&account).into_iter().flatten();
        present.filter(|other| other.connection == connection).for_each(|other| other.waiting = waiting);
    }

    /// The apps of an account that hold a place, and how many changes wait in each.
    pub(super) fn waiting(&self, account: AccountId) -> BTreeMap<AppId, u32> {
        let everyone = self.lock();
        let present = everyone.accounts.get(&account).into_iter().flatten();
        present.filter(|other| other.sync).map(|other| (other.app, other.waiting)).collect()
    }

    /// How many connections there are, and how many places are held.
    pub(super) fn counts(&self) -> (usize, usize) {
        let everyone = self.lock();
        let held = everyone.accounts.values().flatten().filter(|other| other.sync).count();
        (everyone.connections.len(), held)
    }

    /// Which app must go so that `app` has a place, if one must.
    fn find_room(
        &self,
        present: &[Present],
        app: AppId,
        take_over: Option<AppId>,
    ) -> Result<Option<AppId>, Refused> {
        let others = present.iter().filter(|other| other.sync && other.app != app);
        let holders: BTreeSet<AppId> = others.map(|other| other.app).collect();
        if self.max_apps == 0 || holders.len() < self.max_apps {
            return Ok(None);
        }
        let chosen = take_over.filter(|app| holders.contains(app));
        chosen.map(Some).ok_or_else(|| Refused::Full(holders.into_iter().collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Everyone> {
        self.everyone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn evicted_by(name: &str) -> Refusal {
    Refusal::new(ErrorCode::Evicted, name)
}

impl Everyone {
    fn add(&mut self, session: &Session, waiting: u32) {
        let Session { connection, account, app, sync, .. } = *session;
        self.connections.insert(connection, account);
        self.accounts.entry(account).or_default().push(Present { connection, app, sync, waiting });
    }

    fn remove(&mut self, account: AccountId, which: impl Fn(&Present) -> bool) -> Vec<Gone> {
        let Some(present) = self.accounts.get_mut(&account) else { return Vec::new() };
        let gone: Vec<_> = present.extract_if(.., |other| which(other)).collect();
        if present.is_empty() {
            self.accounts.remove(&account);
        }
        let gone = gone.into_iter().map(|Present { connection, app, waiting, .. }| {
            self.connections.remove(&connection);
            Gone { connection, account, app, waiting }
        });
        gone.collect()
    }
}
