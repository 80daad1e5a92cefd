//! What the server sends: verified entry by entry, merged with what waits, applied with the cursor.
//!
//! A live entry and a catch-up go the same way: every header is checked against charter, chain and
//! parents first ([`Staging`]), then effects and cursor move in one transaction ([`Effects`]). An
//! entry that does not verify blocks its workspace with an alarm; an envelope that verifies but does
//! not open sets only its record aside.

use std::collections::{BTreeMap, BTreeSet};

use satchel_crypto::derive_revision;
use satchel_model::merge::Authorship;
use satchel_wire::{
    AppId, CharterOp, ClientFrame, CommitId, Content, Digest, ErrorCode, Head, Refusal, Revision,
    ServerFrame, SignedHeader, StaleRecord, StoredEnvelope, WorkspaceId,
};

use crate::EngineError;
use crate::checkpoint::SealedPack;
use crate::effects::Effects;
use crate::engine::{Engine, Event};
use crate::planted::{self, Bug};
use crate::regress::Returning;
use crate::replica::{Base, Flight, Link, Replica, place};
use crate::staging::{Refused, Staging, number, take_entry_envelopes, take_page};
use crate::store::{Alarm, Aside, Batch, Key, Store, Write};

impl Replica {
    /// The frame that starts or resumes the feed, unless the workspace is blocked.
    pub(crate) fn begin_catch_up(&mut self) -> Option<ClientFrame> {
        if matches!(&self.link, Link::CatchingUp(staging) if staging.shadow.is_some()) {
            return None; // a restored ledger is being read
        }
        if let Some(fresh) = &mut self.fresh {
            fresh.interrupt();
        }
        let mut staging = Staging::new(self);
        match std::mem::replace(&mut self.link, Link::Idle) {
            Link::Blocked(alarm, detail) => {
                self.link = Link::Blocked(alarm, detail);
                return None;
            }
            Link::CatchingUp(mut old) => {
                staging.resumed = old.bootstrap.take().or(old.resumed.take()).filter(|_| !old.spoiled);
                if staging.resumed.is_none() && !old.spoiled {
                    staging.pages_after = old.pages_after;
                    staging.envelopes = old.envelopes;
                }
            }
            Link::Idle | Link::Live => {}
        }
        let pages_after = staging.pages_after;
        if self.may_bootstrap() && pages_after == 0 {
            let have = staging.resumed.as_ref().map(|begun| begun.have()).unwrap_or_default();
            self.link = Link::CatchingUp(Box::new(staging));
            return Some(ClientFrame::Bootstrap { workspace: self.workspace, have });
        }
        self.link = Link::CatchingUp(Box::new(staging));
        Some(ClientFrame::Subscribe { workspace: self.workspace, cursor: self.head, pages_after })
    }
}

impl Engine {
    /// Takes one frame of a workspace's feed, or an answer to a commit.
    pub(crate) fn handle_feed<S: Store>(
        &mut self,
        frame: ServerFrame,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        match frame {
            ServerFrame::Headers { workspace, first_seq, headers } => {
                self.stage(workspace, |replica, staging| {
                    number(first_seq, &headers).try_for_each(|(seq, h)| staging.take_header(replica, seq, h))
                });
                Ok(())
            }
            ServerFrame::Page { workspace, envelopes } => {
                if planted::is(Bug::PagesWithoutCursor) {
                    write_page(workspace, &envelopes, store)?;
                }
                self.stage(workspace, |replica, staging| take_page(replica, staging, envelopes));
                Ok(())
            }
            ServerFrame::CaughtUp { workspace, head, digest } => {
                self.handle_caught_up(workspace, head, digest, now_ms, store)
            }
            ServerFrame::Entry { workspace, seq, header, envelopes } => {
                let envelopes = envelopes.into_iter().map(Into::into).collect();
                self.handle_entry(workspace, seq, &header, envelopes, now_ms, store)
            }
            ServerFrame::Accepted { workspace, commit, seq } => {
                self.handle_accepted(workspace, commit, seq, now_ms, store)
            }
            ServerFrame::Stale { workspace, commit, head, records } => {
                self.handle_stale(workspace, commit, head, &records, store)
            }
            ServerFrame::Rejected { workspace, commit, refusal } => {
                self.handle_rejected(workspace, commit, &refusal, store)
            }
            ServerFrame::Fetched { workspace, envelopes, .. } => {
                self.handle_fetched(workspace, envelopes, store)
            }
            ServerFrame::Manifest { workspace, manifest, charter } => {
                self.handle_manifest(workspace, &manifest, &charter);
                Ok(())
            }
            ServerFrame::Pack { workspace, pack } => {
                self.take_pack(workspace, SealedPack::new(pack.into()), store)
            }
            ServerFrame::PastHeaders { request, workspace, first_seq, headers, .. } => {
                self.handle_past_headers(workspace, (request, first_seq), &headers, store)
            }
            ServerFrame::Checkpoint { workspace, manifest } => {
                self.handle_checkpoint(workspace, manifest);
                Ok(())
            }
            ServerFrame::Links { workspace, first_seq, links } => {
                self.handle_links(workspace, first_seq, &links);
                Ok(())
            }
            ServerFrame::PresenceOf { workspace, account, app, sealed } => {
                self.handle_presence(workspace, (account, app), &sealed);
                Ok(())
            }
            ServerFrame::Joins { workspace, proofs } => {
                if let Some(replica) = self.replicas.get_mut(&workspace) {
                    replica.acts.joins = proofs;
                }
                Ok(())
            }
            ServerFrame::PacksWanted { workspace } => {
                self.handle_packs_wanted(workspace);
                Ok(())
            }
            ServerFrame::Done { request } => {
                if !self.handle_fresh_answer(request, None, store)? {
                    self.handle_packing_answer(request, true);
                }
                Ok(())
            }
            ServerFrame::Failed { request, refusal } => {
                if !self.handle_fresh_answer(request, Some(&refusal), store)? {
                    self.handle_packing_answer(request, false);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn stage(
        &mut self,
        workspace: WorkspaceId,
        take: impl FnOnce(&Replica, &mut Staging) -> Result<(), Refused>,
    ) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        let is_beginning = replica.is_beginning();
        let link = std::mem::replace(&mut replica.link, Link::Idle);
        let Link::CatchingUp(mut staging) = link else {
            replica.link = link;
            return;
        };
        let begins = staging.shadow.is_none() && (staging.bootstrap.is_some() || is_beginning);
        let shadow = staging.shadow.take();
        let taken = match &staging.bootstrap {
            _ if staging.spoiled => Ok(()),
            // The nodes come before all else.
            Some(_) => Err((Alarm::Damaged, "the server does not show what the manifest names".into())),
            None => take(shadow.as_deref().unwrap_or(replica), &mut staging),
        };
        staging.shadow = shadow;
        replica.link = Link::CatchingUp(staging);
        if let Err((alarm, detail)) = taken {
            if begins {
                return self.spoil(workspace, alarm, detail);
            }
            self.block(workspace, alarm, &detail);
        }
    }

    fn handle_caught_up<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        head: Head,
        digest: Digest,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Link::CatchingUp(staging) = &replica.link else { return Ok(()) };
        if staging.spoiled {
            replica.link = Link::Idle;
            if replica.is_beginning() {
                self.reset(workspace, store)?;
            }
            self.subscribe(workspace);
            return Ok(());
        }
        let begins = staging.shadow.is_none() && (staging.bootstrap.is_some() || replica.is_beginning());
        if begins && (staging.head != head || staging.bootstrap.is_some()) {
            let detail = "the server does not show what the manifest names".into();
            return self.distrust(workspace, Alarm::Damaged, detail, store);
        }
        if staging.head != head && !planted::is(Bug::ChainUnchecked) {
            let detail = format!("the feed ends at {}, its entries at {}", head.seq, staging.head.seq);
            self.block(workspace, Alarm::Forked, &detail);
            return Ok(());
        }
        if let Err((alarm, detail)) = self.settle(workspace) {
            self.block(workspace, alarm, &detail);
            return Ok(());
        }
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Link::CatchingUp(staging) = std::mem::replace(&mut replica.link, Link::Live) else {
            unreachable!("it was just looked at")
        };
        let wanted = staging.wanted;
        let applied = if staging.shadow.is_some() {
            self.finish_return(workspace, *staging, digest, now_ms, store)?
        } else {
            self.apply(workspace, *staging, Some(digest), now_ms, store)?
        };
        match applied {
            Ok(()) => {
                if wanted > head.seq {
                    self.subscribe(workspace);
                }
                self.prune_flights(workspace, store)
            }
            Err((alarm, detail)) if begins && alarm != Alarm::Gone => {
                self.distrust(workspace, alarm, detail, store)
            }
            Err((alarm, detail)) => {
                self.block(workspace, alarm, &detail);
                Ok(())
            }
        }
    }

    fn handle_entry<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        seq: u64,
        header: &SignedHeader,
        envelopes: Vec<Vec<u8>>,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        if !matches!(replica.link, Link::Live) || seq <= replica.head.seq {
            return Ok(());
        }
        replica.server_seq = replica.server_seq.max(seq);
        if seq > replica.head.seq + 1 && !planted::is(Bug::GapIgnored) {
            self.subscribe(workspace); // a gap: fetch what lies between
            return Ok(());
        }
        let mut staging = Staging::new(replica);
        if planted::is(Bug::GapIgnored) {
            staging.head.seq = seq - 1;
        }
        let staged = staging
            .take_header(replica, seq, header)
            .and_then(|()| take_entry_envelopes(&mut staging, workspace, seq, header, envelopes));
        let applied = match staged {
            Ok(()) => self.apply(workspace, staging, None, now_ms, store)?,
            Err(refused) => Err(refused),
        };
        if let Err((alarm, detail)) = applied {
            self.block(workspace, alarm, &detail);
        }
        Ok(())
    }

    /// Catches up with an entry that will not come live; a catch-up under way is let come to its end
    /// first, since a second one's frames would mix with its.
    fn fetch_up_to(&mut self, workspace: WorkspaceId, seq: u64) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        replica.server_seq = replica.server_seq.max(seq);
        match &mut replica.link {
            Link::CatchingUp(staging) => staging.wanted = staging.wanted.max(seq),
            _ => self.subscribe(workspace),
        }
    }

    fn handle_accepted<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        commit: CommitId,
        seq: u64,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get(&workspace) else { return Ok(()) };
        if seq <= replica.head.seq {
            return Ok(());
        }
        let Some(flight) = replica.flight(commit) else {
            self.fetch_up_to(workspace, seq); // a commit that this app gave up was taken after all
            return Ok(());
        };
        let header = flight.stored.header.clone();
        let envelopes = store.in_flight(workspace, commit).map_err(EngineError::Store)?;
        self.handle_entry(workspace, seq, &header, envelopes, now_ms, store)
    }

    /// Applies staged entries and moves the cursor, in one transaction.
    fn apply<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        staging: Staging,
        digest: Option<Digest>,
        now_ms: u64,
        store: &mut S,
    ) -> Result<Result<(), Refused>, EngineError<S::Error>> {
        self.replicas.get_mut(&workspace).map_or(Ok(()), |replica| replica.keep_ready(store))?;
        let identity = self.identity.as_ref();
        let who = identity.map(|identity| identity.account.to_string()).unwrap_or_default();
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let keys = match replica.follow(&staging.charter, identity) {
            Ok(keys) => std::mem::replace(&mut replica.keys, keys),
            Err(refused) => return Ok(Err(refused)),
        };
        let mut effects = Effects::new(Authorship { who, when_ms: now_ms });
        if let Err(refused) = effects.collect(replica, &staging, store)? {
            replica.keys = keys;
            return Ok(Err(refused));
        }
        if planted::is(Bug::AbsenceDeletes) && digest.is_some() && !staging.changed.is_empty() {
            let absent = replica.base.keys().filter(|key| !staging.changed.contains_key(key));
            absent.copied().collect::<Vec<_>>().into_iter().for_each(|key| effects.purge(replica, key));
        }
        let digest_matters = !planted::is(Bug::DigestUnchecked);
        if digest
            .filter(|_| digest_matters)
            .is_some_and(|digest| digest != Digest::new(effects.digest.to_bytes()))
        {
            replica.keys = keys;
            let detail = "the server's records are not the ones that this app holds";
            return Ok(Err((Alarm::Damaged, detail.into())));
        }
        let acknowledged = !staging.accepted.is_empty();
        let may_end = replica.returning.is_some();
        let own = staging.accepted.iter().filter_map(|commit| replica.flight(*commit));
        let own: Vec<Vec<Key>> = own.map(|flight| flight.keys().collect()).collect();
        let accepted = staging.accepted.clone();
        let records = effects.finish(replica, staging, store)?;
        replica.acts.note_accepted(&accepted);
        for keys in own {
            replica.tries.note_accepted(keys.into_iter());
        }
        if acknowledged || digest.is_some() {
            replica.acknowledged_ms = Some(now_ms);
            self.events.push_back(Event::Acknowledged { workspace });
        }
        if !records.is_empty() {
            self.events.push_back(Event::Changed { workspace, records, by_others: !acknowledged });
        }
        if may_end {
            self.end_return(workspace, store)?;
        }
        self.note_life(workspace, store)?;
        Ok(Ok(()))
    }

    /// The cursor was verified on the server's present life.
    fn note_life<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let present = self.incarnation;
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Some(present) = present.filter(|_| replica.incarnation != present) else { return Ok(()) };
        let returning = replica.returning.as_ref().map(Returning::encode);
        replica.write(vec![Write::SetIncarnation(present), Write::SetReturning(returning)], store)?;
        replica.incarnation = Some(present);
        Ok(())
    }

    /// Gives up commits that cannot be accepted any more; their changes wait merged.
    fn prune_flights<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let app = self.identity.as_ref().map(|identity| identity.app);
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let dead = dead_flights(replica, app);
        if dead.is_empty() {
            return Ok(());
        }
        let writes = dead.iter().map(|commit| Write::RemoveInFlight { commit: *commit }).collect();
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        let flights = std::mem::take(&mut replica.flights);
        let (gone, rest): (Vec<_>, Vec<_>) =
            flights.into_iter().partition(|flight| dead.contains(&flight.stored.commit));
        replica.flights = rest;
        for flight in gone {
            replica.tries.note_stale(flight.keys());
        }
        Ok(())
    }

    fn handle_stale<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        commit: CommitId,
        head: Head,
        records: &[StaleRecord],
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Some(index) = replica.flights.iter().position(|flight| flight.stored.commit == commit) else {
            return Ok(());
        };
        let writes = vec![Write::RemoveInFlight { commit }];
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        let flight = replica.flights.remove(index);
        replica.tries.note_stale(flight.keys());
        if planted::is(Bug::StaleDropsPending) {
            drop_pending(replica, &flight.keys().collect::<Vec<_>>(), store)?;
        }
        if head.seq > replica.head.seq {
            self.fetch_up_to(workspace, head.seq); // the promised entries did not come
        } else if is_current(replica, &flight, &BTreeMap::new()) && agrees(replica, records) {
            let detail = "the server calls a change stale that is based on its newest revision";
            self.block(workspace, Alarm::Forked, detail);
        }
        Ok(())
    }

    fn handle_rejected<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        commit: Option<CommitId>,
        refusal: &Refusal,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(commit) = commit else {
            self.handle_subscription_rejected(workspace, refusal);
            return Ok(());
        };
        if matches!(
            refusal.code,
            ErrorCode::Unavailable
                | ErrorCode::Throttled
                | ErrorCode::Internal
                | ErrorCode::GoingAway
                | ErrorCode::Quota
        ) {
            let after_ms = refusal.retry_ms.unwrap_or(1_000);
            self.events.push_back(Event::Reconnect { after_ms });
            return Ok(());
        }
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        let Some(index) = replica.flights.iter().position(|flight| flight.stored.commit == commit) else {
            return Ok(());
        };
        if let Some(identity) = &self.identity
            && replica.is_late(index, identity, refusal)
        {
            return self.drop_late(workspace, index, refusal, store);
        }
        let flight = replica.flights[index].clone();
        let is_founding = matches!(flight.header.content, Content::Charter(CharterOp::Found(_)));
        if refusal.code == ErrorCode::NotFound && !is_founding {
            return self.drop_outside(workspace, index, store);
        }
        let keys: Vec<_> = flight.keys().collect();
        let detail = format!("the server refused the change: {:?} {}", refusal.code, refusal.detail);
        let alone = keys.iter().map(|key| key.record).collect::<BTreeSet<_>>().len() <= 1;
        let mut writes = vec![Write::RemoveInFlight { commit }];
        let asides: Vec<_> = keys
            .iter()
            .filter(|_| alone)
            .map(|key| Aside { key: *key, alarm: Alarm::Refused, detail: detail.clone() })
            .collect();
        writes.extend(asides.iter().cloned().map(Write::SetAside));
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        replica.flights.remove(index);
        replica.aside.extend(asides.into_iter().map(|aside| (aside.key, aside)));
        for key in &keys {
            if let Some(pending) = replica.pending.get_mut(key) {
                (pending.alone, pending.held) = (true, alone);
            }
        }
        if is_founding && refusal.code == ErrorCode::BadRequest {
            self.subscribe(workspace); // another app founded it again
        } else if keys.is_empty() {
            self.block(workspace, Alarm::Refused, &detail); // a charter entry: nothing can follow it
        } else if alone {
            self.events.push_back(Event::Alarm { workspace, alarm: Alarm::Refused, detail });
        }
        Ok(())
    }

    /// Gives up a commit that came too late for the charter: what it carried waits, and is sealed anew or kept
    /// as drafts once what the server knows has come.
    fn drop_late<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        index: usize,
        refusal: &Refusal,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let commit = replica.flights[index].stored.commit;
        store
            .apply(&Batch { workspace, writes: vec![Write::RemoveInFlight { commit }] })
            .map_err(EngineError::Store)?;
        let flight = replica.flights.remove(index);
        replica.note_act_refused(commit, refusal);
        let is_explained = self.identity.as_ref().is_some_and(|who| replica.is_outdated(&flight, who));
        if is_explained || !matches!(replica.link, Link::Live) {
            return Ok(());
        }
        self.subscribe(workspace);
        Ok(())
    }

    /// Gives up a commit to a workspace that is not there for this account any more. What it carried waits: it is
    /// here as long as the workspace is, and goes if the account is a member again.
    fn drop_outside<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        index: usize,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let writes = vec![Write::RemoveInFlight { commit: replica.flights[index].stored.commit }];
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        replica.flights.remove(index);
        if !matches!(replica.link, Link::Blocked(..)) {
            self.block(
                workspace,
                Alarm::Gone,
                "the workspace was deleted, or this account has no access any more",
            );
        }
        Ok(())
    }

    fn handle_subscription_rejected(&mut self, workspace: WorkspaceId, refusal: &Refusal) {
        if refusal.code == ErrorCode::CursorUnknown && self.give_up_bootstrap(workspace) {
            return;
        }
        let present = self.incarnation;
        let replica = self.replicas.get(&workspace);
        let is_restored = replica.is_some_and(|replica| {
            replica.is_of_another_life(present)
                && !matches!(&replica.link, Link::CatchingUp(staging) if staging.shadow.is_some())
        });
        match refusal.code {
            ErrorCode::CursorUnknown if is_restored => {
                let seq = replica.map_or(0, |replica| replica.server_seq);
                self.begin_return(workspace, seq);
            }
            ErrorCode::CursorTooOld if replica.is_some_and(Replica::may_rebase) => self.begin_rebase(workspace),
            ErrorCode::CursorUnknown => self.block(
                workspace,
                Alarm::RolledBack,
                "the server does not know the history that this app has seen: it was restored from an older backup, or it shows another one",
            ),
            ErrorCode::NotFound | ErrorCode::Forbidden => {
                self.block(workspace, Alarm::Gone, "the workspace was deleted, or this account has no access any more");
            }
            _ => self.events.push_back(Event::Reconnect { after_ms: refusal.retry_ms.unwrap_or(1_000) }),
        }
    }

    fn handle_fetched<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        envelopes: Vec<StoredEnvelope>,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        for stored in envelopes {
            let key = Key { record: stored.record, part: stored.part };
            let envelope: Vec<u8> = stored.envelope.into();
            let revision = Revision::new(derive_revision(&place(workspace, key), &envelope));
            let Some(base) = replica.base.get(&key).copied() else { continue };
            if base.revision != revision {
                continue; // changed meanwhile: the feed brings the newer one
            }
            let Ok(opened) = replica.open(key, &envelope) else { continue };
            let conflicts = opened.conflicts();
            let put = Write::PutBase { key, seq: base.seq, revision, conflicts, envelope };
            let writes = vec![put, Write::ClearAside { key }];
            store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
            replica.aside.remove(&key);
            replica.base.insert(key, Base { conflicts, ..base });
            if !replica.pending.contains_key(&key) {
                replica.show(key, Some(opened));
            }
        }
        for key in std::mem::take(&mut replica.fetching) {
            replica.fetch.remove(&key); // what did not come is not asked for again on this connection
        }
        Ok(())
    }
}

/// What some planted bugs do: forgets what waits.
pub(crate) fn drop_pending<S: Store>(
    replica: &mut Replica,
    keys: &[Key],
    store: &mut S,
) -> Result<(), EngineError<S::Error>> {
    let writes = keys.iter().map(|key| Write::RemovePending { key: *key }).collect();
    store.apply(&Batch { workspace: replica.workspace, writes }).map_err(EngineError::Store)?;
    replica.pending.retain(|key, _| !keys.contains(key));
    Ok(())
}

/// What a planted bug does: writes a page before the catch-up is complete.
fn write_page<S: Store>(
    workspace: WorkspaceId,
    page: &[StoredEnvelope],
    store: &mut S,
) -> Result<(), EngineError<S::Error>> {
    let put = |stored: &StoredEnvelope| {
        let (key, envelope) = (Key { record: stored.record, part: stored.part }, stored.envelope.to_vec());
        let revision = Revision::new(derive_revision(&place(workspace, key), &envelope));
        Write::PutBase { key, seq: stored.seq, revision, conflicts: 0, envelope }
    };
    let writes = page.iter().map(put).collect();
    store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)
}

/// The commits under way that cannot be accepted any more, once those before them are. Those of the app that
/// was signed in here before never are: the server has ended it, and they were not among what it took.
fn dead_flights(replica: &Replica, app: Option<AppId>) -> Vec<CommitId> {
    let mut made = BTreeMap::new();
    let mut dead = Vec::new();
    for flight in &replica.flights {
        if Some(flight.header.app) != app || !is_current(replica, flight, &made) {
            dead.push(flight.stored.commit);
        } else if let Content::Ops { ops, .. } = &flight.header.content {
            made.extend(ops.iter().map(|op| (Key { record: op.record, part: op.part }, op.put)));
        }
    }
    dead
}

/// Whether every operation of a commit is still based on the present revision, or on what the commits
/// before it make.
fn is_current(replica: &Replica, flight: &Flight, made: &BTreeMap<Key, Option<Revision>>) -> bool {
    match &flight.header.content {
        Content::Ops { ops, expects, .. } => {
            let revision = |record, part| {
                let key = Key { record, part };
                made.get(&key).copied().unwrap_or_else(|| replica.base.get(&key).map(|base| base.revision))
            };
            ops.iter().all(|op| revision(op.record, op.part) == op.parent)
                && expects.iter().all(|expect| revision(expect.record, expect.part) == expect.revision)
        }
        Content::Charter(CharterOp::Found(_)) => !replica.charter.is_founded(),
        Content::Charter(CharterOp::AddApp(_)) => !replica.charter.knows(flight.header.app),
        // The server tells, by its id, whether it was taken.
        Content::Charter(_) => true,
    }
}

fn agrees(replica: &Replica, records: &[StaleRecord]) -> bool {
    records.iter().all(|stale| {
        let key = Key { record: stale.record, part: stale.part };
        replica.base.get(&key).map(|base| base.revision) == stale.revision
    })
}
