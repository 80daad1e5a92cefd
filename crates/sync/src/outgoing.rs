//! What goes out: subscriptions, commits under way, and new commits made of what waits.
//!
//! At most one commit in flight changes a record part; later edits coalesce in its pending state. A small
//! commit waits while another is under way, so that edits in quick succession share one.
//!
//! A commit of what was durable before is durable itself before its frame is handed out, so that a crash
//! sends the same bytes under the same id again and the server can answer as the first time. One of edits
//! that are not yet durable either goes out at once: whoever drives the engine makes both durable together.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{derive_revision, seal_envelope};
use satchel_wire::limits::{COMMIT_BYTES_MAX, COMMIT_OPS_MAX, COMMITS_IN_FLIGHT, ENVELOPE_BYTES_MAX};
use satchel_wire::{
    AddedApp, CharterOp, ClientFrame, CommitHeader, Content, Expect, Op, Revision, SignedHeader,
};

use crate::EngineError;
use crate::engine::{Connection, Engine, Event, Identity, make_header, sign};
use crate::planted::{self, Bug};
use crate::read_set::ReadSet;
use crate::replica::{Flight, Link, Pending, Replica, place};
use crate::store::{Alarm, Aside, Batch, InFlight, Key, Store, Write};

/// A commit of fewer operations waits while another is under way.
const SMALL_COMMIT_OPS: usize = COMMIT_OPS_MAX / 4;

/// The parts of a commit that is being made.
#[derive(Default)]
struct Draft {
    ops: Vec<Op>,
    expects: Vec<Expect>,
    ordinals: Vec<u64>,
    envelopes: Vec<Vec<u8>>,
    bytes: usize,
    too_large: Vec<(Key, usize)>,
    void: Vec<Key>,
    /// Moves that close a cycle as long as another move has not gone before them.
    late: Vec<Key>,
}

impl Engine {
    /// The next frame to send; none when there is nothing to send now.
    ///
    /// Call it again after every [`Engine::edit`] and [`Engine::handle_frame`] until it gives none.
    #[must_use = "a frame that is dropped is sent again only after a reconnect"]
    pub fn poll_transmit<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        rng: &mut R,
        store: &mut S,
    ) -> Result<Option<ClientFrame>, EngineError<S::Error>> {
        #[cfg(feature = "planted")]
        self.save_late(store)?;
        if !matches!(self.connection, Connection::Open) {
            return Ok(None);
        }
        if let Some(frame) = self.outbox.pop_front() {
            return Ok(Some(frame));
        }
        let frame = self.next_frame(rng, store)?;
        if frame.is_some() && self.replicas.values().any(|replica| replica.sync_first) {
            self.make_durable(store)?;
        }
        Ok(frame)
    }

    /// Whether a commit is under way.
    pub fn is_committing(&self) -> bool {
        self.replicas.values().any(|replica| !replica.flights.is_empty())
    }

    /// Whether what waits makes a small commit: where more is likely to follow, it may wait a moment for that.
    pub fn is_gathering(&self) -> bool {
        self.replicas.values().filter(|replica| matches!(replica.link, Link::Live)).any(Replica::gathers)
    }

    /// How many tries in a row were in vain for all that waits: another app was faster each time. None if something
    /// waits that was not tried, or is to be sent that is no change.
    ///
    /// Where it is not 0, others try as well: whoever drives the engine gives way for a moment of chance.
    pub fn tries_in_vain(&self) -> usize {
        let live = self.replicas.values().filter(|replica| matches!(replica.link, Link::Live));
        let tries = live.filter(|replica| !replica.is_scratch()).filter_map(Replica::tries_in_vain).min();
        tries.filter(|_| self.outbox.is_empty()).unwrap_or_default()
    }

    fn next_frame<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        rng: &mut R,
        store: &mut S,
    ) -> Result<Option<ClientFrame>, EngineError<S::Error>> {
        let Some(identity) = &self.identity else { return Ok(None) };
        for replica in self.replicas.values_mut().filter(|replica| !replica.is_scratch()) {
            if !matches!(replica.link, Link::Live) {
                continue;
            }
            if let Some(frame) = replica.next_fetch(&mut self.next_request) {
                return Ok(Some(frame));
            }
            if !replica.flights.iter().any(|flight| !flight.sent) {
                replica.make_act(identity, rng, store)?;
            }
            if !replica.flights.iter().any(|flight| !flight.sent) {
                replica.make_commit(identity, rng, store, &mut self.events)?;
            }
            if let Some(frame) = replica.next_commit(store)? {
                if planted::is(Bug::AcknowledgedOnSend) {
                    let sent: Vec<Key> =
                        replica.flights.iter().filter(|flight| flight.sent).flat_map(Flight::keys).collect();
                    crate::incoming::drop_pending(replica, &sent, store)?;
                }
                return Ok(Some(frame));
            }
            // The past is checked once what was under way has come: it would hold up the answers.
            let may_check = replica.flights.is_empty() || replica.lacks_bodies();
            if may_check && let Some(frame) = replica.next_fresh(&mut self.next_request) {
                return Ok(Some(frame));
            }
            if self.packs_wait {
                continue;
            }
            let packed = replica.next_packing(identity, &mut self.next_request, rng, store)?;
            if packed.is_some() {
                return Ok(packed);
            }
        }
        Ok(None)
    }
}

impl Replica {
    fn gathers(&self) -> bool {
        if self.is_scratch() || self.pending.len() > 2 * SMALL_COMMIT_OPS || !self.fetch.is_empty() {
            return false;
        }
        let flying = self.flying();
        let ready = self.pending.iter().filter(|(key, pending)| !pending.held && !flying.contains_key(key));
        let mut records: Vec<_> = ready.map(|(key, _)| key.record).collect();
        records.dedup();
        (1..SMALL_COMMIT_OPS).contains(&records.len())
    }

    /// The fewest tries in vain of what may go next; none if nothing may.
    fn tries_in_vain(&self) -> Option<usize> {
        if self.tries.is_calm() || !self.fetch.is_empty() {
            return self.pending.keys().next().map(|_| 0);
        }
        let ready = self.pending.iter().filter(|(key, pending)| !pending.held && !self.is_flying(**key));
        ready.map(|(key, _)| self.tries.in_vain(*key)).min()
    }

    fn next_fetch(&mut self, next_request: &mut u32) -> Option<ClientFrame> {
        let suspects = self.packs.take_suspects();
        self.fetch.extend(suspects.into_iter().filter(|key| self.base.contains_key(key)));
        if self.fetch.is_empty() || !self.fetching.is_empty() {
            return None;
        }
        self.fetching = self.fetch.iter().take(COMMIT_OPS_MAX).copied().collect();
        *next_request = next_request.wrapping_add(1);
        let records = self.fetching.iter().map(|key| (key.record, key.part)).collect();
        Some(ClientFrame::Fetch { request: *next_request, workspace: self.workspace, records })
    }

    /// The frame of the next commit under way that was not sent on this connection.
    fn next_commit<S: Store>(&mut self, store: &S) -> Result<Option<ClientFrame>, EngineError<S::Error>> {
        let workspace = self.workspace;
        let Some(flight) = self.flights.iter_mut().find(|flight| !flight.sent) else { return Ok(None) };
        let envelopes = store.in_flight(workspace, flight.stored.commit).map_err(EngineError::Store)?;
        flight.sent = true;
        let header = flight.stored.header.clone();
        let envelopes = envelopes.into_iter().map(Into::into).collect();
        Ok(Some(ClientFrame::Commit { header, envelopes }))
    }

    /// Makes a commit of what waits, if anything does and there is room for one more.
    fn make_commit<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        identity: &Identity,
        rng: &mut R,
        store: &mut S,
        events: &mut std::collections::VecDeque<Event>,
    ) -> Result<(), EngineError<S::Error>> {
        // What waits behind a new member or key is sealed once that is there; a viewer's stays here.
        let is_turning = self.charter.is_founded() && self.has_charter_flight();
        if self.flights.len() >= COMMITS_IN_FLIGHT || is_turning || !self.may_write(identity) {
            return Ok(());
        }
        let flying = self.flying();
        let mut late = BTreeSet::new();
        loop {
            let keys = self.keys_to_send(&flying, &late);
            if keys.is_empty() && (late.is_empty() || !self.flights.is_empty()) {
                return Ok(());
            }
            if keys.is_empty() {
                // What they wait for never goes. A cycle is cut everywhere alike, and waiting would have no end.
                let keys = self.keys_to_send(&flying, &BTreeSet::new());
                let draft = self.draft(&keys, &flying, rng, store)?;
                return self.keep_draft(draft, identity, rng, store, events);
            }
            if self.charter.is_founded() && !self.charter.knows(identity.app) {
                return self.make_add_app(identity, rng, store);
            }
            let draft = self.draft(&keys, &flying, rng, store)?;
            if draft.late.is_empty() {
                return self.keep_draft(draft, identity, rng, store, events);
            }
            late.extend(draft.late); // it goes once what it needs is there
        }
    }

    /// The oldest waiting changes that fit into one commit, in their order; none if they wait for another one.
    fn keys_to_send(
        &self,
        flying: &BTreeMap<Key, Option<Revision>>,
        late: &BTreeSet<Key>,
    ) -> Vec<(u64, Key)> {
        let ready =
            |key: &Key, pending: &Pending| !pending.held && !flying.contains_key(key) && !late.contains(key);
        let waiting = self.pending.iter().filter(|(key, pending)| ready(key, pending));
        let mut keys: Vec<_> = waiting.map(|(key, pending)| (pending.ordinal, *key)).collect();
        if keys.len() < SMALL_COMMIT_OPS && !self.flights.is_empty() {
            return Vec::new();
        }
        if keys.len() > COMMIT_OPS_MAX {
            // A commit holds no more; sorting all that waits for each would be quadratic.
            keys.select_nth_unstable(COMMIT_OPS_MAX - 1);
            keys.truncate(COMMIT_OPS_MAX);
        }
        keys.sort_unstable();
        if keys.first().is_some_and(|(_, key)| self.pending[key].alone) {
            let record = keys[0].1.record;
            keys.retain(|(_, key)| key.record == record);
        }
        keys
    }

    /// What the commits under way make of each part.
    fn flying(&self) -> BTreeMap<Key, Option<Revision>> {
        let ops = self.flights.iter().flat_map(|flight| match &flight.header.content {
            Content::Ops { ops, .. } => ops.as_slice(),
            Content::Charter(_) => &[],
        });
        ops.map(|op| (Key { record: op.record, part: op.part }, op.put)).collect()
    }

    pub(crate) fn make_add_app<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        identity: &Identity,
        rng: &mut R,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        if self.flights.iter().any(|flight| matches!(flight.header.content, Content::Charter(_))) {
            return Ok(()); // it is under way; what waits follows it
        }
        let added = AddedApp { certificate: identity.certificate.clone().into() };
        let content = Content::Charter(CharterOp::AddApp(added));
        self.sync_first = true;
        self.keep_flight(identity, content, Vec::new(), Vec::new(), rng, store)
    }

    fn draft<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        keys: &[(u64, Key)],
        flying: &BTreeMap<Key, Option<Revision>>,
        rng: &mut R,
        store: &S,
    ) -> Result<Draft, EngineError<S::Error>> {
        let (epoch_key, epoch) = self.sealing().ok_or(EngineError::NoKey(self.workspace))?;
        let mut draft = Draft::default();
        for (ordinal, key) in keys {
            if draft.ops.len() == COMMIT_OPS_MAX {
                break;
            }
            let parent = self.base.get(key).map(|base| base.revision);
            let (record, part) = (key.record, key.part);
            let Some(payload) = store.pending(self.workspace, *key).map_err(EngineError::Store)? else {
                if parent.is_none() {
                    draft.void.push(*key); // made and purged before the server saw it
                } else if self.is_purge_full(&draft.ops, *key) {
                    break;
                } else {
                    draft.ops.push(Op { record, part, parent, put: None });
                    draft.ordinals.push(*ordinal);
                }
                continue;
            };
            let place = place(self.workspace, *key);
            let parent_bytes = parent.map(|revision| *revision.as_bytes());
            let sealed = seal_envelope(epoch_key, epoch, &place, parent_bytes, &payload, rng);
            let envelope = match sealed {
                Ok(envelope) if envelope.len() <= ENVELOPE_BYTES_MAX => envelope,
                _ => {
                    draft.too_large.push((*key, payload.len()));
                    continue;
                }
            };
            if !draft.ops.is_empty() && draft.bytes + envelope.len() > COMMIT_BYTES_MAX {
                break;
            }
            draft.bytes += envelope.len();
            let put = Some(Revision::new(derive_revision(&place, &envelope)));
            draft.ops.push(Op { record, part, parent, put });
            draft.ordinals.push(*ordinal);
            draft.envelopes.push(envelope);
        }
        if !planted::is(Bug::ExpectsNotSent) {
            let ReadSet { expects, late } = self.read_set(&draft.ops, flying, store)?;
            (draft.expects, draft.late) = (expects, late);
        }
        Ok(draft)
    }

    fn keep_draft<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        draft: Draft,
        identity: &Identity,
        rng: &mut R,
        store: &mut S,
        events: &mut std::collections::VecDeque<Event>,
    ) -> Result<(), EngineError<S::Error>> {
        let Draft { ops, expects, ordinals, envelopes, too_large, void, .. } = draft;
        if !too_large.is_empty() || !void.is_empty() {
            self.drop_unsendable(&too_large, &void, store, events)?;
        }
        if ops.is_empty() {
            return Ok(());
        }
        let bulk = self.is_marked(&ops);
        let returned = self.returning.as_ref().and_then(|returning| returning.returned(&ops, &ordinals));
        let is_durable = |op: &Op| !self.undurable.contains(&Key { record: op.record, part: op.part });
        self.sync_first |= returned.is_some() || ops.iter().any(is_durable);
        let content = Content::Ops { ops, expects, bulk, returned };
        self.keep_flight(identity, content, ordinals, envelopes, rng, store)
    }

    fn drop_unsendable<S: Store>(
        &mut self,
        too_large: &[(Key, usize)],
        void: &[Key],
        store: &mut S,
        events: &mut std::collections::VecDeque<Event>,
    ) -> Result<(), EngineError<S::Error>> {
        let asides: Vec<_> = too_large
            .iter()
            .map(|(key, bytes)| {
                let detail = format!("{bytes} bytes, at most {ENVELOPE_BYTES_MAX} sync");
                Aside { key: *key, alarm: Alarm::TooLarge, detail }
            })
            .collect();
        let mut writes: Vec<_> = asides.iter().cloned().map(Write::SetAside).collect();
        writes.extend(void.iter().map(|key| Write::RemovePending { key: *key }));
        store.apply(&Batch { workspace: self.workspace, writes }).map_err(EngineError::Store)?;
        for aside in asides {
            if let Some(pending) = self.pending.get_mut(&aside.key) {
                pending.held = true;
            }
            let (alarm, detail) = (aside.alarm, aside.detail.clone());
            events.push_back(Event::Alarm { workspace: self.workspace, alarm, detail });
            self.aside.insert(aside.key, aside);
        }
        for key in void {
            self.pending.remove(key);
        }
        Ok(())
    }

    fn keep_flight<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        identity: &Identity,
        content: Content,
        ordinals: Vec<u64>,
        envelopes: Vec<Vec<u8>>,
        rng: &mut R,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let signed = self.sign(identity, content, rng);
        self.store_flight(signed, ordinals, envelopes, store)
    }

    /// The next entry, signed.
    pub(crate) fn sign<R: RngCore>(
        &self,
        identity: &Identity,
        content: Content,
        rng: &mut R,
    ) -> (CommitHeader, SignedHeader) {
        let header = make_header(identity, self.workspace, (self.head, self.epoch()), content, rng);
        let signed = sign(identity, &header);
        (header, signed)
    }

    /// Keeps a commit that is about to be sent.
    pub(crate) fn store_flight<S: Store>(
        &mut self,
        (header, signed): (CommitHeader, SignedHeader),
        ordinals: Vec<u64>,
        envelopes: Vec<Vec<u8>>,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let ordinal = self.take_ordinal();
        let stored = InFlight { commit: header.commit, ordinal, header: signed, ordinals };
        let writes = vec![Write::PutInFlight { commit: stored.clone(), envelopes }];
        store.apply(&Batch { workspace: self.workspace, writes }).map_err(EngineError::Store)?;
        self.flights.push(Flight { stored, header, sent: false });
        Ok(())
    }
}
