//! What checked entries do to a replica: first computed, then written with the cursor, then shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use satchel_crypto::{StateDigest, derive_revision};
use satchel_model::merge::{Authorship, merge_body, merge_node};
use satchel_model::{Body, Node, Position};
use satchel_wire::{CommitId, Content, Digest, Part, RecordId, Revision};

use crate::EngineError;
use crate::fresh::Fresh;
use crate::planted::{self, Bug};
use crate::recent::State;
use crate::regress::Relation;
use crate::replica::{Base, Opened, Pending, Replica, model_id, place, unreadable};
use crate::staging::{Refused, Staging};
use crate::store::{Alarm, Aside, Batch, Key, Store, Write};

/// So many bodies that come at once are kept at hand. Of more, hardly one is asked for soon, and to make all of them
/// would take longer than all else that is done with them.
const BODIES_AT_HAND: usize = 32;

/// What a set of entries does to a replica: first computed, then written, then shown.
pub(crate) struct Effects {
    by: Authorship,
    writes: Vec<Write>,
    pub(crate) digest: StateDigest,
    base: Vec<(Key, Option<Base>)>,
    pending: BTreeMap<Key, Option<Pending>>,
    /// What changes for people: nodes as they will show, and which bodies.
    shown: BTreeMap<Key, Option<Node>>,
    aside: Vec<(Key, Option<Aside>)>,
    /// Bodies that were opened or made on the way.
    bodies: Vec<(Key, State, Arc<Body>)>,
    /// These entries change more parts than are kept at hand.
    is_many: bool,
    /// What came of this app's own below a purge that waits.
    pub(crate) under_purge: BTreeMap<Key, Opened>,
    /// Parts of which the server's state is an older one of what is here: nothing came with it.
    pub(crate) outdated: BTreeSet<Key>,
    /// Items whose purge is taken back.
    pub(crate) unpurged: BTreeSet<RecordId>,
}

impl Effects {
    pub(crate) fn new(by: Authorship) -> Self {
        Self {
            by,
            writes: Vec::new(),
            digest: StateDigest::default(),
            base: Vec::new(),
            pending: BTreeMap::new(),
            shown: BTreeMap::new(),
            aside: Vec::new(),
            bodies: Vec::new(),
            is_many: false,
            under_purge: BTreeMap::new(),
            outdated: BTreeSet::new(),
            unpurged: BTreeSet::new(),
        }
    }

    pub(crate) fn collect<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        store: &S,
    ) -> Result<Result<(), Refused>, EngineError<S::Error>> {
        self.digest = StateDigest::from_bytes(&replica.digest.to_bytes());
        self.is_many = staging.changed.len() > BODIES_AT_HAND;
        let mut accepted = accepted_content(replica, staging, store)?;
        // Of another life until these entries are applied: what is under way lies behind the cursor of that one.
        if staging.life.as_ref().is_some_and(|life| replica.incarnation == Some(life.incarnation)) {
            let own = std::mem::replace(&mut accepted, replica.taken_before(staging, store)?);
            accepted.extend(own);
        }
        for (key, (seq, revision)) in &staging.changed {
            let old = staging.old_revision(replica, *key);
            let is_new = old != *revision;
            if let Some(old) = old.filter(|_| is_new) {
                self.digest.remove(key.record.as_bytes(), part_byte(*key), old.as_bytes());
            }
            let Some(revision) = revision else {
                self.purge_unless_later(replica, staging, *key);
                self.purge_if_seen(replica, *key, accepted.get(key));
                continue;
            };
            if is_new {
                self.digest.add(key.record.as_bytes(), part_byte(*key), revision.as_bytes());
            }
            let staged = staging.envelopes.get(key);
            let Some((_, _, envelope)) = staged.filter(|(at, of, _)| (at, of) == (seq, revision)) else {
                return Ok(Err((Alarm::Damaged, format!("entry {seq}: its envelope was not sent"))));
            };
            let (envelope, accepted) = (envelope.clone(), accepted.get(key));
            match Self::relation(replica, staging, *key) {
                Relation::Later => {
                    self.put_over(replica, (*key, *seq, *revision), envelope);
                }
                Relation::Earlier | Relation::Base if accepted.is_none() => {
                    self.put_under(replica, (*key, *seq, *revision), envelope);
                }
                _ if self.is_many && key.part == Part::Body && meets_nothing(replica, *key, accepted) => {
                    let counted = staging.counted(*key, *revision);
                    self.put_unread(replica, (*key, *seq, *revision), envelope, counted);
                }
                _ => self.put(replica, *key, *seq, *revision, envelope, accepted, store)?,
            }
        }
        self.keep_under_way(replica, staging, store)?;
        self.keep_edited(replica, staging, &accepted, store)?;
        Ok(Ok(()))
    }

    /// Edits outlive what deletes their item at the same time.
    pub(crate) fn keep_edited<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        accepted: &AcceptedContent,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        self.keep_edited_over_trashed(replica, staging, accepted, store)?;
        self.keep_edited_over_purged(replica, staging, store)?;
        self.take_back_cycles(replica, staging, store)
    }

    /// What the server sent of a part is to the change that brings it back, if one waits.
    fn relation(replica: &Replica, staging: &Staging, key: Key) -> Relation {
        let (Some(returning), Some(pending)) = (&replica.returning, replica.pending.get(&key)) else {
            return Relation::Unrelated;
        };
        returning.relation(key, *pending, staging.claims.get(&key).copied().unwrap_or_default())
    }

    /// The server's state stands, and what waited is part of it.
    fn put_over(&mut self, replica: &Replica, row: (Key, u64, Revision), envelope: Vec<u8>) {
        match replica.open(row.0, &envelope) {
            Ok(server) => {
                self.put_base(
                    row.0,
                    Base { seq: row.1, revision: row.2, conflicts: server.conflicts() },
                    envelope,
                );
                self.remove_pending(row.0, server);
            }
            Err(_) => self.put_under(replica, row, envelope), // unreadable: what waits is sent over it
        }
    }

    /// What waits stands over the server's state.
    fn put_under(
        &mut self,
        replica: &Replica,
        (key, seq, revision): (Key, u64, Revision),
        envelope: Vec<u8>,
    ) {
        let server = replica.open(key, &envelope).ok();
        let conflicts = server.as_ref().map_or(0, Opened::conflicts);
        self.put_base(key, Base { seq, revision, conflicts }, envelope);
        // Should the item's other part take the purge back that waits, this is what shows.
        if let Some(server) = server.filter(|_| replica.waits_as_purge(key)) {
            self.under_purge.insert(key, server);
        }
    }

    fn purge_unless_later(&mut self, replica: &Replica, staging: &Staging, key: Key) {
        self.purge(replica, key);
        if Self::relation(replica, staging, key) == Relation::Later {
            self.forget_pending(key);
        }
    }

    /// What waits goes with the item.
    pub(crate) fn forget_pending(&mut self, key: Key) {
        self.writes.push(Write::RemovePending { key });
        self.pending.insert(key, None);
        self.shown.insert(key, None);
    }

    /// What waits was accepted though this app did not know, and somebody who saw it purged it since.
    pub(crate) fn purge_if_seen(&mut self, replica: &Replica, key: Key, accepted: Option<&Accepted>) {
        let waits = replica.pending.get(&key).map(|pending| pending.ordinal);
        if waits.is_some() && waits == accepted.map(|accepted| accepted.ordinal) {
            self.writes.push(Write::RemovePending { key });
            self.pending.insert(key, None);
            self.shown.insert(key, None);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one envelope and what it is compared with")]
    pub(crate) fn put<S: Store>(
        &mut self,
        replica: &mut Replica,
        key: Key,
        seq: u64,
        revision: Revision,
        envelope: Vec<u8>,
        accepted: Option<&Accepted>,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        // What this app has just made of it need not be opened again: the revision is a hash of the envelope.
        let own = accepted.and_then(|accepted| accepted.known(revision));
        let server = match own.cloned().map_or_else(|| replica.open(key, &envelope), Ok) {
            Ok(server) => server,
            Err(detail) => {
                self.put_damaged((key, seq, revision), envelope, detail);
                return Ok(());
            }
        };
        if replica.aside.contains_key(&key) && !replica.pending.contains_key(&key) {
            self.take_back_in(key);
        }
        self.put_base(key, Base { seq, revision, conflicts: server.conflicts() }, envelope);
        if own.is_some() || !self.is_many {
            self.note_body(key, State::Acknowledged(revision), &server);
        }
        let Some(pending) = replica.pending.get(&key).copied() else {
            self.show(key, server);
            return Ok(());
        };
        if accepted.is_some_and(|accepted| {
            accepted.ordinal == pending.ordinal || planted::is(Bug::CoalescingDropsLater)
        }) {
            self.remove_pending(key, server);
            return Ok(());
        }
        let base = match accepted {
            Some(accepted) => accepted.opened.clone(),
            None => replica.acknowledged_if_readable(key, store)?,
        };
        let is_own = accepted.is_some_and(|accepted| accepted.opened.as_ref() == Some(&server));
        if pending.purged && is_own && !self.unpurged.contains(&key.record) {
            // Its author made it so, and purged it while it was on its way.
            self.under_purge.insert(key, server);
            return Ok(());
        }
        let Some(local) = replica.visible(key, store)? else {
            if planted::is(Bug::PurgeIgnoresUnseen) {
                return Ok(());
            }
            return self.take_purge_back(replica, key, server, store);
        };
        let base = if planted::is(Bug::MergeWithoutBase) { Some(server.clone()) } else { base };
        let merged = merge(base, local, server.clone(), &self.by)?;
        if merged == server || planted::is(Bug::MergeNotSent) {
            self.remove_pending(key, merged);
        } else {
            self.put_pending(replica, key, merged);
        }
        Ok(())
    }

    /// A body over which nothing waits: checked like any other, and made when somebody asks for it.
    fn put_unread(
        &mut self,
        replica: &Replica,
        (key, seq, revision): (Key, u64, Revision),
        envelope: Vec<u8>,
        counted: Option<u32>,
    ) {
        match counted.map_or_else(|| replica.count_conflicts(key, &envelope), Ok) {
            Ok(conflicts) => {
                if replica.aside.contains_key(&key) {
                    self.take_back_in(key);
                }
                self.put_base(key, Base { seq, revision, conflicts }, envelope);
                self.shown.insert(key, None);
            }
            Err(detail) => self.put_damaged((key, seq, revision), envelope, detail),
        }
    }

    fn put_damaged(&mut self, (key, seq, revision): (Key, u64, Revision), envelope: Vec<u8>, detail: String) {
        self.set_aside(Aside { key, alarm: Alarm::Damaged, detail });
        self.put_base(key, Base { seq, revision, conflicts: 0 }, envelope);
    }

    /// An edit outlives a deletion made at the same time: the item stays, with a conflict.
    fn keep_edited_over_trashed<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        accepted: &AcceptedContent,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        if planted::is(Bug::DeleteWinsOverEdit) {
            return Ok(());
        }
        let own = own_changes(replica, staging);
        let records: BTreeSet<_> = staging.changed.keys().map(|key| key.record).collect();
        for record in records {
            let node_key = Key { record, part: Part::Node };
            let body_key = Key { record, part: Part::Body };
            // What this app wrote itself comes back as an entry, and is news to nobody here.
            let came = |key: &Key| staging.changed.contains_key(key) && !own.contains(key);
            // What this app had seen before the server went back is no news either.
            let came = |key: &Key| {
                came(key) && !self.outdated.contains(key) && !is_seen_of_old(replica, staging, *key)
            };
            let node_came = came(&node_key) && self.shown.contains_key(&node_key);
            let body_came = came(&body_key) && self.shown.contains_key(&body_key);
            let shown = replica.nodes.get(&model_id(record)).and_then(|node| node.trashed.as_ref());
            let shows_trashed = shown.is_some();
            let trashed_there = self.waits(replica, body_key) && node_came && !shows_trashed;
            let trashed_here = body_came && self.waits(replica, node_key) && shows_trashed;
            if !trashed_there && !trashed_here {
                continue;
            }
            // What this app's own commit made of it is what it went on from.
            let was = match accepted.get(&node_key) {
                Some(accepted) => accepted.opened.clone(),
                None => replica.acknowledged_if_readable(node_key, store)?,
            };
            // What is brought back was not made over the restored state: an older act of trashing there is not
            // the one that waits here, and whose act that is has not seen the edit.
            let is_back = replica.returning.as_ref().is_some_and(|returning| returning.has(node_key));
            let is_same_act = |was: &Node| !is_back || was.trashed.as_ref() == shown;
            // None if the item waits as a new one and is there all the same: this disk was set back.
            let was_trashed = matches!(was, Some(Opened::Node(was))
                if was.trashed.is_some() && is_same_act(&was));
            let Some(now) = self.node_after(replica, node_key) else { continue };
            // What is not in the trash here although it was has been taken out since, and edited.
            if (trashed_there || !was_trashed) && now.trashed.is_some() {
                let kept = satchel_model::merge::keep_over_trash(now, &self.by);
                self.put_pending(replica, node_key, Opened::Node(kept));
            }
        }
        Ok(())
    }

    /// A move that waits and would now close a cycle with moves made elsewhere is taken back, with a conflict.
    fn take_back_cycles<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        // This app never closes a cycle by itself, so an entry of its own is no reason to look for one, if the
        // item was seen there before.
        let own = own_changes(replica, staging);
        let moves =
            |key: &Key| key.part == Part::Node && (!own.contains(key) || self.is_elsewhere(replica, *key));
        if !staging.changed.keys().chain(self.shown.keys()).any(moves) {
            return Ok(());
        }
        let waiting = replica.pending.keys().chain(self.pending.keys()).copied();
        let waiting: BTreeSet<_> = waiting.filter(|key| key.part == Part::Node).collect();
        let mut waiting: Vec<_> = waiting.into_iter().filter(|key| self.waits(replica, *key)).collect();
        let mut made_anew = Vec::new();
        // What is taken back may lie below another move that waits, and close a cycle with that one.
        while let Some(at) = waiting.iter().position(|key| self.is_in_cycle(replica, *key)) {
            let key = waiting.remove(at);
            let Some(now) = self.node_after(replica, key).cloned() else { continue };
            // A new item has no other place: what it hangs on must give way.
            let Some(place) = place_elsewhere(replica, staging, key, store)? else {
                made_anew.push(key);
                continue;
            };
            let back = satchel_model::merge::keep_place(&now, &place, &self.by);
            self.put_pending(replica, key, Opened::Node(back));
        }
        // An item that was purged below one of its own and is kept has only the workspace left.
        for key in made_anew {
            let Some(now) = self.node_after(replica, key).filter(|_| self.is_in_cycle(replica, key)) else {
                continue;
            };
            let place = Position {
                parent: satchel_model::RecordId(*replica.workspace.as_bytes()),
                order: now.position.order.clone(),
            };
            let back = satchel_model::merge::keep_place(now, &place, &self.by);
            self.put_pending(replica, key, Opened::Node(back));
        }
        Ok(())
    }

    /// A node as it will show after this.
    pub(crate) fn node_after<'a>(&'a self, replica: &'a Replica, key: Key) -> Option<&'a Node> {
        match self.shown.get(&key) {
            Some(shown) => shown.as_ref(),
            None => replica.nodes.get(&model_id(key.record)),
        }
    }

    fn is_elsewhere(&self, replica: &Replica, key: Key) -> bool {
        let parent = |node: &Node| node.position.parent;
        let before = replica.nodes.get(&model_id(key.record)).map(parent);
        self.node_after(replica, key).map(parent) != before
    }

    fn is_in_cycle(&self, replica: &Replica, key: Key) -> bool {
        let mut seen = BTreeSet::from([key]);
        let mut at = key;
        while let Some(node) = self.node_after(replica, at) {
            at = Key { record: crate::replica::wire_id(node.position.parent), part: Part::Node };
            if at == key {
                return key.record.as_bytes() != replica.workspace.as_bytes();
            }
            if !seen.insert(at) {
                return false;
            }
        }
        false
    }

    pub(crate) fn waits(&self, replica: &Replica, key: Key) -> bool {
        match self.pending.get(&key) {
            Some(change) => change.is_some(),
            None => replica.pending.get(&key).is_some_and(|pending| !pending.purged),
        }
    }

    /// Whether anything waits of a part, a purge counted in.
    pub(crate) fn has_pending(&self, replica: &Replica, key: Key) -> bool {
        match self.pending.get(&key) {
            Some(change) => change.is_some(),
            None => replica.pending.contains_key(&key),
        }
    }

    pub(crate) fn purge(&mut self, replica: &Replica, key: Key) {
        self.writes.push(Write::RemoveBase { key });
        self.base.push((key, None));
        match replica.pending.get(&key) {
            Some(pending) if !pending.purged => {} // edited here: it waits as a new record
            Some(_) => {
                self.writes.push(Write::RemovePending { key });
                self.pending.insert(key, None);
                self.shown.insert(key, None);
            }
            None => drop(self.shown.insert(key, None)),
        }
    }

    /// The server's state is the one that is kept here: shown again where it was damaged.
    pub(crate) fn restate(&mut self, replica: &Replica, row: (Key, u64, Revision), envelope: Vec<u8>) {
        let (key, seq, revision) = row;
        let opened = replica.open(key, &envelope);
        let conflicts = opened.as_ref().map_or(0, Opened::conflicts);
        self.put_base(key, Base { seq, revision, conflicts }, envelope);
        match opened {
            Ok(server) if !replica.pending.contains_key(&key) => self.show(key, server),
            Ok(_) => {}
            Err(detail) => self.set_aside(Aside { key, alarm: Alarm::Damaged, detail }),
        }
    }

    pub(crate) fn set_aside(&mut self, aside: Aside) {
        self.writes.push(Write::SetAside(aside.clone()));
        self.aside.push((aside.key, Some(aside)));
    }

    pub(crate) fn take_back_in(&mut self, key: Key) {
        self.writes.push(Write::ClearAside { key });
        self.aside.push((key, None));
    }

    /// What these entries set aside.
    pub(crate) fn asides(&self) -> Vec<Aside> {
        self.aside.iter().filter_map(|(_, aside)| aside.clone()).collect()
    }

    pub(crate) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(crate) fn remove_base(&mut self, key: Key) {
        self.writes.push(Write::RemoveBase { key });
        self.base.push((key, None));
    }

    pub(crate) fn put_base(&mut self, key: Key, base: Base, envelope: Vec<u8>) {
        let Base { seq, revision, conflicts } = base;
        self.writes.push(Write::PutBase { key, seq, revision, conflicts, envelope });
        self.base.push((key, Some(base)));
    }

    pub(crate) fn put_pending(&mut self, replica: &mut Replica, key: Key, opened: Opened) {
        let ordinal = replica.take_ordinal();
        let conflicts = opened.conflicts();
        self.writes.push(Write::PutPending { key, ordinal, conflicts, payload: Some(opened.encode()) });
        let pending = Pending { ordinal, conflicts, purged: false, alone: false, held: false };
        self.note_body(key, State::Waiting(ordinal), &opened);
        self.pending.insert(key, Some(pending));
        self.show(key, opened);
    }

    /// Bodies are read from the store when they are asked for.
    fn show(&mut self, key: Key, opened: Opened) {
        let node = if let Opened::Node(node) = opened { Some(node) } else { None };
        self.shown.insert(key, node);
    }

    fn note_body(&mut self, key: Key, state: State, opened: &Opened) {
        if let Opened::Body(body) = opened {
            self.bodies.push((key, state, Arc::clone(body)));
        }
    }

    pub(crate) fn by(&self) -> &Authorship {
        &self.by
    }

    /// Whether these entries say what a person sees of a part.
    pub(crate) fn is_settled(&self, key: Key) -> bool {
        self.shown.contains_key(&key)
    }

    pub(crate) fn remove_pending(&mut self, key: Key, server: Opened) {
        self.writes.push(Write::RemovePending { key });
        self.pending.insert(key, None);
        self.show(key, server);
    }

    /// Writes everything with the cursor, then shows it.
    pub(crate) fn finish<S: Store>(
        mut self,
        replica: &mut Replica,
        staging: Staging,
        store: &mut S,
    ) -> Result<Vec<satchel_model::RecordId>, EngineError<S::Error>> {
        self.writes.extend(Fresh::after(replica, &staging));
        let accepted = &staging.accepted;
        self.writes.extend(accepted.iter().map(|commit| Write::RemoveInFlight { commit: *commit }));
        let charter = staging.charter_new.into_iter();
        self.writes.extend(charter.map(|(seq, header)| Write::AddCharter { seq, header }));
        let digest = Digest::new(self.digest.to_bytes());
        self.writes.push(Write::AddChains(staging.chains.clone()));
        let cursor = Write::SetHead { head: staging.head, digest };
        if planted::is(Bug::CursorAfterEffects) || planted::is(Bug::CursorBeforeEffects) {
            let (workspace, effects) = (replica.workspace, std::mem::take(&mut self.writes));
            let first =
                if planted::is(Bug::CursorBeforeEffects) { vec![cursor.clone()] } else { effects.clone() };
            store.apply(&Batch { workspace, writes: first }).map_err(EngineError::Store)?;
            self.writes = if planted::is(Bug::CursorBeforeEffects) { effects } else { Vec::new() };
        }
        self.writes.push(cursor);
        let batch = Batch { workspace: replica.workspace, writes: self.writes };
        store.apply(&batch).map_err(EngineError::Store)?;

        if let Some(fresh) = &mut replica.fresh {
            fresh.assume(staging.assumed);
        }
        replica.head = staging.head;
        replica.server_seq = replica.server_seq.max(staging.head.seq);
        replica.digest = self.digest;
        replica.charter = staging.charter;
        if !staging.chains.is_empty() {
            replica.newest = Some(replica.head);
        }
        staging.chains.into_iter().for_each(|head| replica.remember_chain(head));
        replica.flights.retain(|flight| !staging.accepted.contains(&flight.stored.commit));
        for (key, state, body) in &self.bodies {
            replica.recent.keep(*key, *state, body);
        }
        for (key, base) in self.base {
            match base {
                Some(base) => replica.base.insert(key, base),
                None => replica.base.remove(&key),
            }
        }
        for (key, pending) in self.pending {
            match pending {
                Some(pending) => drop(replica.pending.insert(key, pending)),
                None => drop(replica.pending.remove(&key)),
            }
        }
        for (key, aside) in self.aside {
            match aside {
                Some(aside) => drop(replica.aside.insert(key, aside)),
                None => drop(replica.aside.remove(&key)),
            }
        }
        let mut records: Vec<_> = self.shown.keys().map(|key| model_id(key.record)).collect();
        records.dedup();
        self.shown.into_iter().for_each(|(key, node)| replica.show(key, node.map(Opened::Node)));
        Ok(records)
    }
}

/// Whether nothing of this app's own is to be merged with what came of a part.
fn meets_nothing(replica: &Replica, key: Key, accepted: Option<&Accepted>) -> bool {
    accepted.is_none() && !replica.pending.contains_key(&key)
}

/// Where an item lies whose move is taken back; none if it is nowhere else.
fn place_elsewhere<S: Store>(
    replica: &Replica,
    staging: &Staging,
    key: Key,
    store: &S,
) -> Result<Option<Position>, EngineError<S::Error>> {
    let opened = match (staging.changed.get(&key), staging.envelopes.get(&key)) {
        (Some((_, None)), _) => None, // purged
        (_, Some((_, _, envelope))) => replica.open(key, envelope).ok(),
        _ => replica.acknowledged_if_readable(key, store)?,
    };
    Ok(match opened {
        Some(Opened::Node(node)) => Some(node.position),
        _ => None,
    })
}

/// Whether a part is again what this app had seen of it in an earlier life of the server.
fn is_seen_of_old(replica: &Replica, staging: &Staging, key: Key) -> bool {
    let Some(life) = &staging.life else { return false };
    let seen = match &replica.returning {
        _ if replica.incarnation == Some(life.incarnation) => replica.head.seq,
        Some(returning) => returning.seq,
        None => 0,
    };
    let claim = staging.claims.get(&key).copied().unwrap_or_default();
    claim.is_own() || claim.exact().is_some_and(|seq| seq <= seen)
}

/// The parts whose newest staged change is one of this app's own commits.
fn own_changes(replica: &Replica, staging: &Staging) -> BTreeSet<Key> {
    let flights = staging.accepted.iter().filter_map(|commit| replica.flight(*commit));
    let ops = flights.flat_map(|flight| match &flight.header.content {
        Content::Ops { ops, .. } => ops.as_slice(),
        Content::Charter(_) => &[],
    });
    let own = ops.filter_map(|op| {
        let key = Key { record: op.record, part: op.part };
        staging.changed.get(&key).filter(|(_, revision)| *revision == op.put).map(|_| key)
    });
    own.collect()
}

/// What one of this app's own commits among the staged entries made of a part.
pub(crate) struct Accepted {
    /// The ordinal of the local edit.
    ordinal: u64,
    /// What it is; none for a purge.
    pub(crate) opened: Option<Opened>,
    /// The revision of which that is known without its envelope.
    known: Option<Revision>,
}

impl Accepted {
    /// The content of this revision, if this is what the commit made.
    fn known(&self, revision: Revision) -> Option<&Opened> {
        self.opened.as_ref().filter(|_| self.known == Some(revision))
    }
}

/// The same of each part.
pub(crate) type AcceptedContent = BTreeMap<Key, Accepted>;

pub(crate) fn accepted_content<S: Store>(
    replica: &Replica,
    staging: &Staging,
    store: &S,
) -> Result<AcceptedContent, EngineError<S::Error>> {
    let mut content = BTreeMap::new();
    for commit in &staging.accepted {
        content.extend(content_of(replica, *commit, store)?);
    }
    Ok(content)
}

/// What a commit under way makes of its parts.
pub(crate) fn content_of<S: Store>(
    replica: &Replica,
    commit: CommitId,
    store: &S,
) -> Result<AcceptedContent, EngineError<S::Error>> {
    let mut content = BTreeMap::new();
    let Some(flight) = replica.flight(commit) else { return Ok(content) };
    let Content::Ops { ops, .. } = &flight.header.content else { return Ok(content) };
    let mut envelopes = store.in_flight(replica.workspace, commit).map_err(EngineError::Store)?.into_iter();
    for (op, ordinal) in ops.iter().zip(&flight.stored.ordinals) {
        let key = Key { record: op.record, part: op.part };
        let envelope = if op.put.is_some() { envelopes.next() } else { None };
        let recent = replica.recent.find(key, State::Waiting(*ordinal)).filter(|_| envelope.is_some());
        let is_put = |envelope: &Vec<u8>| {
            let revision = Revision::new(derive_revision(&place(replica.workspace, key), envelope));
            op.put == Some(revision) // it is not damaged here
        };
        let known = op.put.filter(|_| recent.is_some() || envelope.as_ref().is_some_and(is_put));
        let opened = match (recent, envelope) {
            (Some(body), _) => Some(Opened::Body(body)),
            (None, Some(envelope)) => match replica.open(key, &envelope) {
                Ok(opened) => Some(opened),
                Err(_) => continue, // damaged here: what the server has of it is merged like any change
            },
            (None, None) => None,
        };
        content.insert(key, Accepted { ordinal: *ordinal, opened, known });
    }
    Ok(content)
}

pub(crate) fn merge<E>(
    base: Option<Opened>,
    local: Opened,
    server: Opened,
    by: &Authorship,
) -> Result<Opened, EngineError<E>> {
    match (base, local, server) {
        (Some(Opened::Node(base)), Opened::Node(local), Opened::Node(server)) => {
            Ok(Opened::Node(merge_node(Some(&base), &local, &server, by)))
        }
        (_, Opened::Node(local), Opened::Node(server)) => {
            Ok(Opened::Node(merge_node(None, &local, &server, by)))
        }
        (Some(Opened::Body(base)), Opened::Body(local), Opened::Body(server)) => {
            Ok(Opened::Body(merge_body(Some(&*base), &local, &server, by).into()))
        }
        (_, Opened::Body(local), Opened::Body(server)) => {
            Ok(Opened::Body(merge_body(None, &local, &server, by).into()))
        }
        _ => Err(unreadable("a node and a body under one key")),
    }
}

pub(crate) fn part_byte(key: Key) -> u8 {
    match key.part {
        Part::Node => 0,
        Part::Body => 1,
    }
}
