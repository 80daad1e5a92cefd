//! A local copy that does not agree with itself: found, distrusted, and read again from the whole ledger.
//!
//! The head row, revisions, charter rows and the remembered chain lie in the store as plain values that
//! check each other: the base sums up to the digest, the newest remembered position is the head, every
//! charter entry verifies. Where they do not, or where a catch-up ends in an alarm and a person asks for
//! `reload`, what came from the server is distrusted: the next connection reads the ledger from its founding
//! into a shadow, as after a long absence ([`crate::rebase`]), and base, charter, chain, head and digest
//! are rebuilt from it in one transaction. What waits is not the server's and stays: as it is over what
//! did not change, merged over the kept base where that still opens, and kept beside the server's state else.
//!
//! Invariant: only a ledger that contains the head or the newest remembered position of the chain is taken:
//! a server that shows less, or another one, stays an alarm, however damaged this copy is.

use satchel_crypto::derive_revision;
use satchel_wire::{CharterOp, Content, Head, Revision, WorkspaceId};

use crate::EngineError;
use crate::engine::{Engine, Event, Identity};
use crate::replica::{Flight, Link, Replica, VerifyReport, place};
use crate::staging::{Refused, Staging};
use crate::store::{Alarm, Aside, Batch, Key, Store, Write};

impl Replica {
    /// Notes that what came from the server is to be read again, and why; the first reason stays.
    pub(crate) fn distrust(&mut self, why: &str) {
        if self.head != Head::EMPTY && !self.is_scratch() && self.distrusted.is_none() {
            self.distrusted = Some(why.to_owned());
        }
    }

    /// Whether a ledger contains what this app has seen last, by one of the two rows that tell it.
    pub(crate) fn check_anchor(&self, ledger: &Staging) -> Result<(), Refused> {
        let is_there = |head: &Head| {
            let index = head.seq.checked_sub(1).and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| ledger.chains.get(index)) == Some(head)
        };
        if is_there(&self.head) || self.newest.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        let seen = self.newest.map_or(self.head.seq, |newest| newest.seq);
        let alarm = if seen > ledger.head.seq { Alarm::RolledBack } else { Alarm::Forked };
        let detail = format!("the ledger is not the one that this app has seen up to entry {seen}");
        Err((alarm, detail))
    }

    /// What the plain rows of a copy say against each other; none if they agree.
    pub(crate) fn find_disagreement(&self) -> Option<&'static str> {
        if self.head == Head::EMPTY {
            return None;
        }
        if self.newest.is_some_and(|newest| newest != self.head) {
            return Some("its place in the ledger was damaged here");
        }
        if !self.charter.is_founded() || self.keys.is_none() {
            return Some("its keys were damaged here");
        }
        let is_ahead = self.base.values().any(|base| base.seq > self.head.seq);
        is_ahead.then_some("a record's place in the ledger was damaged here")
    }

    fn is_flight_whole<S: Store>(
        &self,
        flight: &Flight,
        identity: &Identity,
        store: &S,
    ) -> Result<bool, EngineError<S::Error>> {
        let ops = match &flight.header.content {
            Content::Ops { ops, .. } => ops.as_slice(),
            // Nothing takes a founding's place: the server judges it.
            Content::Charter(CharterOp::Found(_)) => return Ok(true),
            Content::Charter(_) => &[],
        };
        let signed = &flight.stored.header;
        let key = identity.app_key.public();
        let is_signed =
            satchel_crypto::verify_commit(&key, &signed.header, signed.signature.as_bytes()).is_ok();
        let envelopes = store.in_flight(self.workspace, flight.stored.commit).map_err(EngineError::Store)?;
        let puts: Vec<_> = ops.iter().filter(|op| op.put.is_some()).collect();
        let is_named = puts.len() == envelopes.len()
            && puts.iter().zip(&envelopes).all(|(op, envelope)| {
                let place = place(self.workspace, Key { record: op.record, part: op.part });
                op.put == Some(Revision::new(derive_revision(&place, envelope)))
            });
        Ok(is_signed && is_named && flight.stored.ordinals.len() == ops.len())
    }

    /// Forgets commits under way whose bytes were damaged: their changes wait, and go in a commit anew.
    fn drop_damaged_flights<S: Store>(
        &mut self,
        identity: &Identity,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let mut damaged = Vec::new();
        for flight in &self.flights {
            if !self.is_flight_whole(flight, identity, store)? {
                damaged.push(flight.stored.commit);
            }
        }
        if !damaged.is_empty() {
            self.write(
                damaged.iter().map(|commit| Write::RemoveInFlight { commit: *commit }).collect(),
                store,
            )?;
            self.flights.retain(|flight| !damaged.contains(&flight.stored.commit));
        }
        Ok(())
    }

    /// What was set aside for damage that the whole ledger has mended.
    pub(crate) fn mended_asides(&self) -> Vec<Key> {
        let damaged = self.aside.values().filter(|aside| aside.alarm == Alarm::Damaged);
        damaged.map(|aside| aside.key).collect()
    }

    /// Notes that the rebuilt copy is in place.
    pub(crate) fn note_mended(&mut self, set_aside: &[Aside]) {
        self.mended = self.distrusted.take();
        self.newest = Some(self.head);
        (self.fetch, self.fetching) = (set_aside.iter().map(|aside| aside.key).collect(), Vec::new());
    }
}

impl Engine {
    /// Checks every envelope of the base and what the rows say of each other. What is damaged is fetched
    /// again with the next connection, the whole ledger if need be.
    pub fn verify<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<VerifyReport, EngineError<S::Error>> {
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        if let Some(identity) = &self.identity {
            replica.drop_damaged_flights(identity, store)?;
        }
        crate::verify::verify(replica, store)
    }

    /// Lets a workspace try everything again, after a person asked for it: a blocked one, and changes that
    /// the server refused.
    pub fn reload<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        self.unblock(workspace);
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        replica.mended = None;
        let refused = replica.aside.values().filter(|aside| aside.alarm == Alarm::Refused);
        let refused: Vec<_> = refused.map(|aside| aside.key).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let writes = refused.iter().map(|key| Write::ClearAside { key: *key }).collect();
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        for key in refused {
            replica.aside.remove(&key);
            if let Some(pending) = replica.pending.get_mut(&key) {
                pending.held = false;
            }
        }
        Ok(())
    }

    /// Distrusts the local copies that a catch-up does not fit, so that the next connection reads their whole
    /// ledgers; how many these are. A server that lies is found out by that, and the alarm stays.
    pub fn distrust_blocked(&mut self) -> usize {
        let mut count = 0;
        for replica in self.replicas.values_mut() {
            let Link::Blocked(alarm, detail) = &replica.link else { continue };
            let may_be_here =
                matches!(alarm, Alarm::Damaged | Alarm::Forged | Alarm::Forked | Alarm::RolledBack);
            if may_be_here && replica.distrusted.is_none() {
                let why = format!("it did not fit the ledger ({detail})");
                replica.distrust(&why);
                replica.link = Link::Idle;
                count += 1;
            }
        }
        count
    }

    /// Distrusts every local copy: the store itself could not be written.
    pub fn distrust_all(&mut self, why: &str) {
        self.replicas.values_mut().for_each(|replica| replica.distrust(why));
    }

    /// Whether some workspace is to be read again from its whole ledger.
    pub fn has_distrusted(&self) -> bool {
        self.replicas.values().any(|replica| replica.distrusted.is_some())
    }

    /// Why a workspace was read again from its whole ledger since [`Engine::reload`], if it was.
    pub fn mended(&self, workspace: WorkspaceId) -> Option<&str> {
        self.replicas.get(&workspace)?.mended.as_deref()
    }

    /// Begins to read the whole ledger for a copy that is distrusted; false if this one is not.
    pub(crate) fn begin_mending(&mut self, workspace: WorkspaceId) -> bool {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return false };
        if replica.distrusted.is_none() || matches!(replica.link, Link::Blocked(..)) {
            return false;
        }
        let frame = replica.read_whole_ledger(replica.former_life(self.incarnation));
        self.outbox.push_back(frame);
        self.events.push_back(Event::StateChanged);
        true
    }
}
