//! A server that was restored from an older backup: what its ledger lacks is brought back.
//!
//! ```text
//!  the old life   1 ─ 2 ─ 3 ─ 4 ─ 5 ─ 6      this app's cursor: 6
//!                         │ backup
//!  the new life           3 ─ 4'─ 5'         another app was here before
//! ```
//! The incarnation of the greeting tells a restore from a lie: without a new one, a shorter or another
//! ledger stays an alarm and nothing of it is applied. With a new one the whole ledger is read again,
//! from its founding, and verified like any other (same founding, charter, chain, signatures, digest).
//! Then each record part is judged by evidence of this app's own: what the restored ledger shows to have
//! grown out of this app's state is newer and taken; what it has not seen is brought back as an ordinary
//! change over the restored state. Something is deleted again only if this app's own chain shows that
//! it was there before and this app's own cursor that it was not there any more.
//!
//! Commits that bring something back say so ([`Returned`]), so that apps that bring back one record
//! know which of two states of the old life is the later one: neither a conflict nor a step back.
//!
//! A commit of which this app has not heard may have been taken in the lost part all the same, and another
//! app may have seen it. What was edited over it is then a later state of it, and no other app could know.
//! So the way through the old life that is told goes on over the commits under way, as if each had been
//! taken right behind the cursor, and what was edited over them claims those positions. Who has seen them
//! taken so has the same chain there; to everybody else the two ways part at the cursor, as any two do.
//!
//! Invariants: base, cursor, life and what waits change in one transaction; no state that this app
//! holds is dropped for an older one; a state is never taken as deleted because it is absent.

use std::collections::{BTreeMap, BTreeSet};

use satchel_crypto::{StateDigest, derive_chain};
use satchel_model::merge::Authorship;
use satchel_wire::{
    AddedApp, Chain, CharterOp, ClientFrame, CommitHeader, CommitId, Content, Digest, Head, Incarnation, Op,
    Part, Passed, RecordId, Returned, ReturnedOp, Revision, SignedHeader, WorkspaceId,
};

use crate::EngineError;
use crate::effects::{Accepted, AcceptedContent, Effects, accepted_content, content_of, merge, part_byte};
use crate::engine::{Engine, Event, sign};
use crate::planted::{self, Bug};
use crate::rebase::{self, Step};
use crate::replica::{Base, Flight, Link, Opened, Pending, Replica};
use crate::staging::{Refused, Staging};
use crate::store::{Alarm, Batch, InFlight, Key, Store, Write};
use crate::trail::{Life, Trail};

/// What this app brings back, and from which life of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Returning {
    pub(crate) life: Life,
    /// Where this app stood in that life, what was under way counted in.
    pub(crate) seq: u64,
    marks: BTreeMap<Key, Mark>,
}

/// One part that is brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// The entry of the old life that made it what it is; for a purge, where the app stood.
    seq: u64,
    /// The waiting change that is that state and nothing more; 0 if none is.
    ordinal: u64,
}

/// What the staged operations on one part say of the old life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// States of the old life up to this entry are contained.
    seq: u64,
    /// The last operation is exactly the state of this entry.
    exact: Option<u64>,
    /// What this app had under way, and was taken up to this entry, is contained.
    taken: u64,
    /// The last operation is exactly what this app had under way.
    is_own: bool,
}

impl Claim {
    /// The entry of the old life whose very state it is.
    pub(crate) fn exact(self) -> Option<u64> {
        self.exact
    }

    pub(crate) fn add(&mut self, op: Option<ReturnedOp>) {
        let op = op.filter(|op| op.seq > 0);
        self.seq = self.seq.max(op.map_or(0, |op| op.seq));
        self.exact = op.filter(|op| op.exact).map(|op| op.seq);
    }

    /// Notes what an operation contains of the commits under way, whose author has seen them taken up to an entry.
    pub(crate) fn add_taken(&mut self, op: Option<ReturnedOp>, taken: u64) {
        self.taken = self.taken.max(op.map_or(0, |op| op.seq.min(taken)));
        self.is_own = op.is_some_and(|op| op.exact && op.seq > 0 && op.seq <= taken);
    }

    /// Whether it is a state that this app made, though it had not heard that the server took it.
    pub(crate) fn is_own(self) -> bool {
        self.is_own
    }
}

/// What an operation of the server is to a change that brings something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It contains what is brought back, which is nothing more: the server's stands.
    Later,
    /// It is an older state of the same history: what waits stands over it.
    Earlier,
    /// It is the very state that what waits was based on.
    Base,
    /// Anything else: merged like every change.
    Unrelated,
}

impl Returning {
    pub(crate) fn relation(&self, key: Key, pending: Pending, claim: Claim) -> Relation {
        let Some(mark) = self.marks.get(&key) else { return Relation::Unrelated };
        let exact = mark.ordinal == pending.ordinal;
        if pending.purged {
            let is_before = claim.exact.is_some_and(|seq| seq <= mark.seq);
            return if exact && is_before { Relation::Earlier } else { Relation::Unrelated };
        }
        if claim.seq >= mark.seq {
            return match claim.exact {
                _ if exact => Relation::Later,
                Some(seq) if seq == mark.seq => Relation::Base,
                _ => Relation::Unrelated,
            };
        }
        if claim.exact.is_some() { Relation::Earlier } else { Relation::Unrelated }
    }

    /// What a commit with these operations brings back.
    pub(crate) fn returned(&self, ops: &[Op], ordinals: &[u64]) -> Option<Returned> {
        let claim =
            |(op, ordinal): (&Op, &u64)| match self.marks.get(&Key { record: op.record, part: op.part }) {
                Some(mark) => ReturnedOp { seq: mark.seq, exact: mark.ordinal == *ordinal },
                None => ReturnedOp { seq: 0, exact: false },
            };
        let ops: Vec<_> = ops.iter().zip(ordinals).map(claim).collect();
        let claims = ops.iter().any(|op| op.seq > 0);
        let Life { incarnation, trail, .. } = &self.life;
        claims.then(|| Returned { incarnation: *incarnation, ops, trail: trail.passed().to_vec() })
    }

    /// Whether a part is brought back, alone or with what was made over it.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.marks.contains_key(&key)
    }

    fn is_done(&self, pending: &BTreeMap<Key, Pending>) -> bool {
        !self.marks.keys().any(|key| pending.contains_key(key))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.life.incarnation.as_bytes().to_vec();
        out.extend(self.seq.to_le_bytes());
        let trail = self.life.trail.passed();
        out.extend((trail.len() as u64).to_le_bytes());
        for passed in trail {
            out.extend(passed.seq.to_le_bytes());
            out.extend(passed.chain.to_le_bytes());
        }
        for (key, mark) in &self.marks {
            out.extend(key.record.as_bytes());
            out.push(part_byte(*key));
            out.extend(mark.seq.to_le_bytes());
            out.extend(mark.ordinal.to_le_bytes());
        }
        out
    }

    /// Reads what was stored; none if it is damaged, which costs conflicts and no content.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (incarnation, rest) = bytes.split_first_chunk::<16>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let bytes = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(16)?;
        let (trail, rest) = rest.split_at_checked(bytes)?;
        let trail = Trail::read(trail.as_chunks::<16>().0.iter().map(decode_passed).collect());
        let (rows, rest) = rest.as_chunks::<33>();
        let marks = rows.iter().map(decode_mark).collect::<Option<_>>()?;
        let (incarnation, seq) = (Incarnation::new(*incarnation), u64::from_le_bytes(*seq));
        let life = Life { incarnation, trail, ahead: Trail::default() };
        rest.is_empty().then_some(Self { life, seq, marks })
    }
}

fn decode_passed(row: &[u8; 16]) -> Passed {
    let number = |at: usize| row[at..].first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    Passed { seq: number(0), chain: number(8) }
}

fn decode_mark(row: &[u8; 33]) -> Option<(Key, Mark)> {
    let (record, rest) = row.split_first_chunk::<16>()?;
    let (part, rest) = rest.split_first()?;
    let (seq, ordinal) = rest.split_first_chunk::<8>()?;
    let part = match part {
        0 => Part::Node,
        1 => Part::Body,
        _ => return None,
    };
    let mark = Mark { seq: u64::from_le_bytes(*seq), ordinal: u64::from_le_bytes(ordinal.try_into().ok()?) };
    Some((Key { record: RecordId::new(*record), part }, mark))
}

/// What one part's two states are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The same.
    Same,
    /// The server's grew out of this app's.
    Server,
    /// This app's is later, or the server never had it.
    Mine,
    /// This app has seen it go.
    Purged,
    /// Both went on from a state that neither is any more.
    Both,
}

/// The restored ledger as it was verified, against what this app had.
struct Comparison<'a> {
    replica: &'a Replica,
    staging: &'a Staging,
    /// The newest entry that both lives have.
    fork: u64,
    /// The newest position that both chains have, as far as this app remembers its own.
    on_chain: u64,
    /// The base is complete, so that what is absent from it was purged.
    is_whole: bool,
}

impl<'a> Comparison<'a> {
    fn new(replica: &'a Replica, staging: &'a Staging) -> Self {
        let on_chain = |head: &&Head| replica.chains.get(&head.seq) == Some(&head.chain);
        let on_chain = staging.chains.iter().rev().find(on_chain).map_or(0, |head| head.seq);
        let shared = replica.base.iter().filter(|(key, base)| {
            let history = staging.history.get(key).map_or(&[][..], Vec::as_slice);
            history.contains(&(base.seq, Some(base.revision)))
        });
        let fork = shared.map(|(_, base)| base.seq).max().unwrap_or(0).max(on_chain);
        Self { replica, staging, fork, on_chain, is_whole: replica.is_whole() }
    }

    fn keys(&self) -> BTreeSet<Key> {
        self.replica.base.keys().chain(self.staging.changed.keys()).copied().collect()
    }

    fn server(&self, key: Key) -> Option<(u64, Revision)> {
        let (seq, revision) = self.staging.changed.get(&key)?;
        Some((*seq, (*revision)?))
    }

    /// Of one life: the server's state grew out of what was acknowledged here, whatever lay between.
    fn rebase(&self, key: Key) -> Verdict {
        let mine = self.replica.base.get(&key).map(|base| base.revision);
        match rebase::step(mine, self.server(key).map(|(_, revision)| revision)) {
            Step::Unchanged => Verdict::Same,
            Step::Changed | Step::New | Step::Gone => Verdict::Server,
        }
    }

    fn judge(&self, key: Key) -> Verdict {
        let claim = self.staging.claims.get(&key).copied().unwrap_or_default();
        let server = self.server(key);
        let Some(mine) = self.replica.base.get(&key) else {
            let Some((seq, _)) = server else { return Verdict::Same };
            let was_here = seq <= self.fork || claim.exact.is_some_and(|seq| seq <= self.replica.head.seq);
            return if was_here && self.is_whole { Verdict::Purged } else { Verdict::Server };
        };
        if server.is_some_and(|(_, revision)| revision == mine.revision) {
            return Verdict::Same;
        }
        let history = self.staging.history.get(&key).map_or(&[][..], Vec::as_slice);
        // An entry of both lives, though its header may not be kept.
        let is_known =
            mine.seq <= self.on_chain || history.iter().any(|(_, revision)| *revision == Some(mine.revision));
        // Another app has brought that very state back already: the purge that waits has seen it.
        if self.replica.waits_as_purge(key) && claim.seq == mine.seq && claim.exact == Some(mine.seq) {
            return Verdict::Mine;
        }
        if is_known || claim.seq >= mine.seq || planted::is(Bug::RollbackNotBroughtBack) {
            return Verdict::Server;
        }
        let is_older = history.last().is_none_or(|(seq, _)| *seq <= self.fork);
        if is_older || claim.exact.is_some() || server.is_none() { Verdict::Mine } else { Verdict::Both }
    }
}

impl Comparison<'_> {
    /// What was seen to go stays whole where the new life has changed one part of it.
    fn keep_whole(&self, verdicts: Vec<(Key, Verdict)>) -> Vec<(Key, Verdict)> {
        let is_changed =
            |(key, verdict): &&(Key, Verdict)| *verdict == Verdict::Server && self.server(*key).is_some();
        let changed: BTreeSet<_> = verdicts.iter().filter(is_changed).map(|(key, _)| key.record).collect();
        let keep = |(key, verdict): (Key, Verdict)| match verdict {
            Verdict::Purged if changed.contains(&key.record) => (key, Verdict::Server),
            _ => (key, verdict),
        };
        verdicts.into_iter().map(keep).collect()
    }

    /// Whether the server's state of a part is one that the author of a waiting purge has not seen.
    fn is_over_purge(&self, key: Key, verdict: Verdict) -> bool {
        let is_news = matches!(verdict, Verdict::Server | Verdict::Both) && self.server(key).is_some();
        is_news && self.replica.waits_as_purge(key)
    }

    /// Whether a body holds an edit of the new life, which no deletion of the old one has seen.
    fn is_news(&self, key: Key, verdict: Verdict) -> bool {
        let is_old = self.staging.claims.get(&key).is_some_and(|claim| claim.exact.is_some());
        let is_theirs = matches!(verdict, Verdict::Server | Verdict::Both) && self.server(key).is_some();
        key.part == Part::Body && is_theirs && !is_old && self.replica.base.contains_key(&key)
    }
}

/// What becomes of a replica, before it is written.
struct Plan {
    effects: Effects,
    marks: BTreeMap<Key, Mark>,
    purges: Vec<(Key, Pending)>,
    /// Items whose waiting purge gives way to what the new life made of them.
    kept: BTreeSet<RecordId>,
    /// What is here is distrusted: all of it is written and shown again.
    is_mending: bool,
}

impl Plan {
    fn take<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        (key, verdict): (Key, Verdict),
        accepted: Option<&Accepted>,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        let row =
            staging.envelopes.get(&key).filter(|_| staging.changed.get(&key).is_some_and(|c| c.1.is_some()));
        match (verdict, row) {
            (Verdict::Same, Some((seq, revision, envelope))) if self.is_mending => {
                self.effects.restate(replica, (key, *seq, *revision), envelope.clone());
            }
            (Verdict::Same, Some((seq, revision, envelope))) => {
                let conflicts = replica.base.get(&key).map_or(0, |base| base.conflicts);
                let base = Base { seq: *seq, revision: *revision, conflicts };
                self.effects.put_base(key, base, envelope.clone());
            }
            (Verdict::Server, Some((seq, revision, envelope))) => {
                self.effects.put(replica, key, *seq, *revision, envelope.clone(), accepted, store)?;
            }
            (Verdict::Server, None) => {
                self.effects.purge(replica, key);
                self.effects.purge_if_seen(replica, key, accepted);
            }
            (Verdict::Purged, Some(row)) => self.purge_again(replica, key, row),
            (Verdict::Mine | Verdict::Both, row) => {
                if verdict == Verdict::Mine {
                    self.effects.outdated.insert(key);
                }
                self.bring_back(replica, (key, verdict), row, accepted, store)?;
            }
            (Verdict::Same | Verdict::Purged, None) => self.effects.purge_if_seen(replica, key, accepted),
        }
        Ok(())
    }

    /// A deletion that is brought back gives way to an edit of the new life, with a conflict.
    fn keep_over_returned_trash(&mut self, replica: &mut Replica, staging: &Staging, news: &[RecordId]) {
        for record in news {
            let key = Key { record: *record, part: Part::Node };
            let server = staging.envelopes.get(&key).and_then(|(.., bytes)| replica.open(key, bytes).ok());
            let Some(Opened::Node(server)) = server.filter(|_| self.marks.contains_key(&key)) else {
                continue;
            };
            if server.trashed.is_some() {
                continue; // someone who saw the edit put it there
            }
            let Some(now) = self.effects.node_after(replica, key).filter(|now| now.trashed.is_some()) else {
                continue;
            };
            let kept = satchel_model::merge::keep_over_trash(now, self.effects.by());
            self.effects.put_pending(replica, key, Opened::Node(kept));
            // It is more than the state of the old life now.
            self.marks.entry(key).and_modify(|mark| mark.ordinal = 0);
        }
    }

    /// What waits over a commit under way contains it, or has seen what it purges: a later state, should that have
    /// been taken.
    fn mark_flights(&mut self, replica: &Replica) {
        let effects = &self.effects;
        self.marks.extend(replica.flight_marks().filter(|(key, _)| effects.has_pending(replica, *key)));
    }

    fn purge_again(&mut self, replica: &mut Replica, key: Key, row: &(u64, Revision, Vec<u8>)) {
        let (seq, revision, envelope) = row.clone();
        self.effects.put_base(key, Base { seq, revision, conflicts: 0 }, envelope);
        if replica.pending.contains_key(&key) {
            return; // it was made again here: that is a change like any other
        }
        let ordinal = replica.take_ordinal();
        // The person's word was given when it was purged the first time.
        self.effects.write(Write::PutPurge { key, ordinal, bulk: true });
        let pending = Pending { ordinal, conflicts: 0, purged: true, alone: false, held: false };
        self.purges.push((key, pending));
        self.marks.insert(key, Mark { seq: replica.head.seq, ordinal });
    }

    fn bring_back<S: Store>(
        &mut self,
        replica: &mut Replica,
        (key, verdict): (Key, Verdict),
        row: Option<&(u64, Revision, Vec<u8>)>,
        accepted: Option<&Accepted>,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(base) = replica.base.get(&key).copied() else { return Ok(()) };
        let waits = replica.pending.get(&key).copied();
        if let (Some(pending), Some((seq, revision, envelope))) = (waits, row)
            && pending.purged
            && !self.kept.contains(&key.record)
        {
            // The purge of a later state waits over the older one, too.
            self.effects.put_base(
                key,
                Base { seq: *seq, revision: *revision, conflicts: 0 },
                envelope.clone(),
            );
            // Its author saw that state: who brings it back as it was has nothing that the purge has not seen.
            self.marks.insert(key, Mark { seq: base.seq, ordinal: pending.ordinal });
            return Ok(());
        }
        let waits = match waits {
            Some(pending) if pending.purged && self.kept.contains(&key.record) => {
                self.effects.take_other_purge_back(replica, key, store)?;
                None
            }
            waits => waits,
        };
        let local = match waits {
            Some(pending) if pending.purged => None,
            Some(_) => replica.visible(key, store)?,
            None => replica.acknowledged_if_readable(key, store)?,
        };
        let server = row.map(|(.., envelope)| replica.open(key, envelope));
        let (Some(local), None | Some(Ok(_))) = (local, &server) else {
            // What cannot be read here cannot be brought back.
            if let Some((seq, revision, envelope)) = row {
                self.effects.put(replica, key, *seq, *revision, envelope.clone(), accepted, store)?;
            } else {
                self.effects.purge(replica, key);
            }
            return Ok(());
        };
        let server = server.and_then(Result::ok);
        match row {
            Some((seq, revision, envelope)) => {
                let conflicts = server.as_ref().map_or(0, Opened::conflicts);
                self.effects.put_base(
                    key,
                    Base { seq: *seq, revision: *revision, conflicts },
                    envelope.clone(),
                );
            }
            None => self.effects.remove_base(key),
        }
        let mut ordinal = 0;
        match (verdict, server) {
            (Verdict::Both, Some(server)) => {
                let merged = merge(None, local, server, self.effects.by())?;
                self.effects.put_pending(replica, key, merged);
            }
            _ if waits.is_none() => {
                self.effects.put_pending(replica, key, local);
                ordinal = replica.next_ordinal - 1;
            }
            _ => {}
        }
        self.marks.insert(key, Mark { seq: base.seq, ordinal });
        Ok(())
    }
}

impl Replica {
    /// Whether the cursor belongs to another life of the server than the present one.
    pub(crate) fn is_of_another_life(&self, present: Option<Incarnation>) -> bool {
        match (self.incarnation, present) {
            (Some(own), Some(present)) => own != present && self.head != Head::EMPTY,
            _ => false,
        }
    }

    /// The earlier life of the server that its ledger may speak of.
    pub(crate) fn former_life(&self, present: Option<Incarnation>) -> Option<Life> {
        match self.incarnation {
            Some(incarnation) if self.is_of_another_life(present) => {
                let (trail, ahead) = (Trail::whole(&self.chains), Trail::whole(&self.chains_ahead()));
                Some(Life { incarnation, trail, ahead })
            }
            _ => self.returning.as_ref().map(|returning| returning.life.clone()),
        }
    }

    /// The commits under way, each where it lies if the server took them one after another behind the cursor.
    fn flights_ahead(&self) -> impl Iterator<Item = (Head, &Flight)> {
        self.flights.iter().scan(self.head, |head, flight| {
            let chain = derive_chain(head.chain.as_bytes(), &flight.stored.header.header);
            *head = Head { seq: head.seq + 1, chain: Chain::new(chain) };
            Some((*head, flight))
        })
    }

    fn chains_ahead(&self) -> BTreeMap<u64, Chain> {
        self.flights_ahead().map(|(head, _)| (head.seq, head.chain)).collect()
    }

    /// What each commit under way makes, as states of those positions.
    fn flight_marks(&self) -> impl Iterator<Item = (Key, Mark)> {
        self.flights_ahead().flat_map(|(head, flight)| {
            let marked = move |(key, ordinal): (Key, &u64)| (key, Mark { seq: head.seq, ordinal: *ordinal });
            flight.keys().zip(&flight.stored.ordinals).map(marked)
        })
    }

    /// Remembers what was under way where the server went back to where this app stands, or not so far: it may have
    /// been taken in the lost part, and others may bring it back.
    pub(crate) fn remember_flights(&mut self, present: Option<Incarnation>) {
        let Some(incarnation) = self.incarnation.filter(|_| self.is_of_another_life(present)) else { return };
        let marks: BTreeMap<_, _> =
            self.flight_marks().filter(|(key, _)| self.pending.contains_key(key)).collect();
        if marks.is_empty() || self.returning.is_some() {
            return;
        }
        let ahead = self.chains_ahead();
        let mut way = self.chains.clone();
        way.extend(&ahead);
        let life = Life { incarnation, trail: Trail::from(&way, self.head.seq), ahead: Trail::whole(&ahead) };
        let seq = self.head.seq + self.flights.len() as u64;
        self.returning = Some(Returning { life, seq, marks });
    }

    /// What of the commits under way the restored ledger shows to have been taken in the lost part.
    pub(crate) fn taken_before<S: Store>(
        &self,
        staging: &Staging,
        store: &S,
    ) -> Result<AcceptedContent, EngineError<S::Error>> {
        let mut content = AcceptedContent::new();
        for (head, flight) in self.flights_ahead() {
            // What does not contain it is merged like any change.
            let contains = |key: &Key| staging.claims.get(key).is_some_and(|claim| claim.taken >= head.seq);
            if flight.keys().any(|key| contains(&key)) {
                let made = content_of(self, flight.stored.commit, store)?;
                content.extend(made.into_iter().filter(|(key, _)| contains(key)));
            }
        }
        Ok(content)
    }

    /// The frame that asks for the whole ledger, to be compared with what is here.
    pub(crate) fn read_whole_ledger(&mut self, life: Option<Life>) -> ClientFrame {
        let mut shadow = Self::new(self.workspace);
        shadow.flights.clone_from(&self.flights); // one of them may be in the ledger
        let mut staging = Staging::new(&shadow);
        staging.life = life;
        staging.shadow = Some(Box::new(shadow));
        self.link = Link::CatchingUp(Box::new(staging));
        ClientFrame::Subscribe { workspace: self.workspace, cursor: Head::EMPTY, pages_after: 0 }
    }
}

impl Engine {
    /// Begins to read a restored ledger, with the alarm.
    pub(crate) fn begin_return(&mut self, workspace: WorkspaceId, server_seq: u64) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        let detail = format!(
            "the server was restored from an older backup: its ledger ends at {}, this app has seen it at {}; \
             what it lacks is brought back from here and from the other apps, so keep them connected",
            server_seq, replica.head.seq
        );
        if replica.lacks_bodies() {
            // What is here is not whole: nothing of it has to be brought back that other apps have not.
            replica.must_reset = true;
            replica.link = Link::Idle;
            self.events.push_back(Event::Reconnect { after_ms: 1_000 });
            return;
        }
        let frame = replica.read_whole_ledger(replica.former_life(self.incarnation));
        self.outbox.push_back(frame);
        self.tell_return(workspace, detail);
    }

    fn tell_return(&mut self, workspace: WorkspaceId, detail: String) {
        if let Some(replica) = self.replicas.get_mut(&workspace) {
            replica.notice = Some(detail.clone());
        }
        self.events.push_back(Event::Alarm { workspace, alarm: Alarm::RolledBack, detail });
    }

    /// Takes a restored ledger, verified to its end, and lets wait what it lacks.
    pub(crate) fn finish_return<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        staging: Staging,
        digest: Digest,
        now_ms: u64,
        store: &mut S,
    ) -> Result<Result<(), Refused>, EngineError<S::Error>> {
        let summed = match check_state(&staging, digest) {
            Ok(summed) => summed,
            Err(refused) => return Ok(Err(refused)),
        };
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        if !replica.is_of_another_life(self.incarnation)
            && let Err(refused) = match replica.distrusted {
                Some(_) => replica.check_anchor(&staging),
                None => rebase::check_prefix(replica.head, &staging.chains),
            }
        {
            return Ok(Err(refused));
        }
        match replica.follow(&staging.charter, self.identity.as_ref()) {
            // What a restored server has lost is opened by the keys from before.
            Ok(keys) => replica.former_keys = std::mem::replace(&mut replica.keys, keys),
            Err(refused) => return Ok(Err(refused)),
        }
        if replica.distrusted.is_some() {
            replica.charter = staging.charter.clone();
        }
        let done = self.return_to(workspace, staging, summed, None, now_ms, store);
        if let Some(replica) = self.replicas.get_mut(&workspace) {
            replica.former_keys = None;
        }
        done.map(Ok)
    }

    fn return_to<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        staging: Staging,
        digest: StateDigest,
        founding: Option<Flight>,
        now_ms: u64,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let who = self.identity.as_ref().map(|identity| identity.account.to_string()).unwrap_or_default();
        let present = self.incarnation;
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let mut accepted = replica.taken_before(&staging, store)?;
        accepted.extend(accepted_content(replica, &staging, store)?);
        let is_return = replica.is_of_another_life(present);
        let comparison = Comparison::new(replica, &staging);
        let judge = |key| if is_return { comparison.judge(key) } else { comparison.rebase(key) };
        let verdicts = comparison.keys().into_iter().map(|key| (key, judge(key))).collect();
        let verdicts = comparison.keep_whole(verdicts);
        let news = verdicts.iter().filter(|(key, verdict)| comparison.is_news(*key, *verdict));
        let news: Vec<_> = news.map(|(key, _)| key.record).collect();
        let kept = verdicts
            .iter()
            .filter(|(key, verdict)| !accepted.contains_key(key) && comparison.is_over_purge(*key, *verdict));
        let kept = kept.map(|(key, _)| key.record).collect();
        let mut way = replica.chains.clone();
        way.extend(replica.chains_ahead());
        let trail = Trail::from(&way, comparison.fork);
        let mut effects = Effects::new(Authorship { who, when_ms: now_ms });
        effects.digest = digest;
        let is_mending = replica.distrusted.is_some();
        if is_mending {
            effects.write(Write::ForgetLedger);
            replica.mended_asides().into_iter().for_each(|key| effects.take_back_in(key));
        }
        let mut plan = Plan { effects, marks: BTreeMap::new(), purges: Vec::new(), kept, is_mending };
        for (key, verdict) in verdicts {
            plan.take(replica, &staging, (key, verdict), accepted.get(&key), store)?;
        }
        plan.effects.keep_edited(replica, &staging, &accepted, store)?;
        plan.keep_over_returned_trash(replica, &staging, &news);
        plan.mark_flights(replica);
        let Plan { mut effects, marks, purges, .. } = plan;
        let set_aside = effects.asides();
        let returning = match replica.incarnation {
            Some(incarnation) if is_return => {
                let seq = replica.head.seq + replica.flights.len() as u64;
                Some(Returning { life: Life { incarnation, trail, ahead: Trail::default() }, seq, marks })
            }
            _ => replica.returning.clone(),
        };
        let gone =
            replica.flights.iter().map(|flight| Write::RemoveInFlight { commit: flight.stored.commit });
        for write in gone {
            effects.write(write);
        }
        effects.write(Write::SetFresh(None)); // the whole ledger was read
        effects.write(Write::ClearCharter);
        effects.write(Write::ClearChains);
        if let Some(present) = present {
            effects.write(Write::SetIncarnation(present));
        }
        effects.write(Write::SetReturning(returning.as_ref().map(Returning::encode)));
        if let Some(flight) = &founding {
            effects.write(Write::PutInFlight { commit: flight.stored.clone(), envelopes: Vec::new() });
        }
        let chains = staging.chains.clone();
        let mut records = effects.finish(replica, staging, store)?;

        replica.chains.clear();
        for head in chains {
            replica.remember_chain(head);
        }
        replica.incarnation = present.or(replica.incarnation);
        replica.returning = returning;
        (replica.fresh, replica.must_reset) = (None, false);
        if is_mending {
            replica.packs.clear();
            replica.note_mended(&set_aside);
        }
        replica.flights = founding.into_iter().collect();
        for (key, pending) in purges {
            replica.pending.insert(key, pending);
            replica.bulk.insert(key);
            replica.show(key, None);
            records.push(crate::replica::model_id(key.record));
        }
        if !records.is_empty() {
            self.events.push_back(Event::Changed { workspace, records, by_others: true });
        }
        Ok(())
    }

    /// Founds a workspace again that a restored server does not know: the same founding, by this app.
    pub(crate) fn found_again<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<bool, EngineError<S::Error>> {
        let charter = store.load(workspace).map_err(EngineError::Store)?.charter;
        let Some(founding) = charter.first().and_then(|(_, signed)| self.sign_founding_again(signed)) else {
            return Ok(false);
        };
        let shadow = Replica::new(workspace);
        let staging = Staging::new(&shadow);
        self.return_to(workspace, staging, StateDigest::default(), Some(founding), 0, store)?;
        let detail = "the server was restored from a backup that is older than this workspace: it is founded \
                      again and brought back from here and from the other apps, so keep them connected";
        self.tell_return(workspace, detail.to_owned());
        if let Some(replica) = self.replicas.get_mut(&workspace) {
            replica.open_key(self.identity.as_ref());
            replica.link = Link::Live;
        }
        Ok(true)
    }

    /// Sends the founding of a workspace that has not reached the server, signed by this app if another one
    /// was signed in here when it was made.
    pub(crate) fn found_under_this_app<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let app = self.identity.as_ref().map(|identity| identity.app);
        let Some(first) = self.replicas.get(&workspace).and_then(|replica| replica.flights.first()) else {
            return Ok(());
        };
        let is_other = Some(first.header.app) != app;
        let again = if is_other { self.sign_founding_again(&first.stored.header) } else { None };
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        if let Some(founding) = again {
            let before = replica.flights.iter().map(|flight| flight.stored.commit);
            let mut writes: Vec<_> = before.map(|commit| Write::RemoveInFlight { commit }).collect();
            writes.push(Write::PutInFlight { commit: founding.stored.clone(), envelopes: Vec::new() });
            store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
            replica.flights = vec![founding];
        }
        replica.link = Link::Live;
        Ok(())
    }

    fn sign_founding_again(&self, signed: &SignedHeader) -> Option<Flight> {
        let identity = self.identity.as_ref()?;
        let mut header = CommitHeader::decode(&signed.header).ok()?;
        if header.author != identity.account {
            return None; // the founding is the owner's to sign
        }
        let mut signed = signed.clone();
        if header.app != identity.app {
            let Content::Charter(CharterOp::Found(founding)) = &mut header.content else { return None };
            founding.app = AddedApp { certificate: identity.certificate.clone().into() };
            header.app = identity.app;
            // The same each time, so that trying again is the same commit.
            let hash = derive_chain(&[0; 32], &header.encode());
            header.commit = CommitId::new(*hash.first_chunk::<16>().expect("a hash has 32 bytes"));
            signed = sign(identity, &header);
        }
        let stored = InFlight { commit: header.commit, ordinal: 0, header: signed, ordinals: Vec::new() };
        Some(Flight { stored, header, sent: false })
    }

    /// Forgets what was to be brought back once nothing of it waits any more.
    pub(crate) fn end_return<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return Ok(()) };
        if !replica.returning.as_ref().is_some_and(|returning| returning.is_done(&replica.pending)) {
            return Ok(());
        }
        replica.write(vec![Write::SetReturning(None)], store)?;
        replica.returning = None;
        Ok(())
    }
}

/// Whether every current envelope came and the whole set is the one that the server sums up.
fn check_state(staging: &Staging, digest: Digest) -> Result<StateDigest, Refused> {
    let mut summed = StateDigest::default();
    for (key, (seq, revision)) in &staging.changed {
        let Some(revision) = revision else { continue };
        summed.add(key.record.as_bytes(), part_byte(*key), revision.as_bytes());
        if staging.envelopes.get(key).is_none_or(|(at, of, _)| (at, of) != (seq, revision)) {
            return Err((Alarm::Damaged, format!("entry {seq}: its envelope was not sent")));
        }
    }
    if Digest::new(summed.to_bytes()) != digest {
        return Err((Alarm::Damaged, "the restored server's records are not those of its ledger".into()));
    }
    Ok(summed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8, part: Part) -> Key {
        Key { record: RecordId::new([byte; 16]), part }
    }

    fn returning() -> Returning {
        let mark = |seq, ordinal| Mark { seq, ordinal };
        let marks = [(key(1, Part::Node), mark(7, 3)), (key(2, Part::Body), mark(9, 0))].into();
        let trail = Trail::read(vec![Passed { seq: 7, chain: 8 }, Passed { seq: 9, chain: u64::MAX }]);
        let life = Life { incarnation: Incarnation::new([5; 16]), trail, ahead: Trail::default() };
        Returning { life, seq: 9, marks }
    }

    #[test]
    fn what_is_brought_back_is_stored_and_read_again() {
        let bytes = returning().encode();
        assert_eq!(Returning::decode(&bytes), Some(returning()));
        (0..bytes.len()).for_each(|end| assert_ne!(Returning::decode(&bytes[..end]), Some(returning())));
    }

    #[track_caller]
    fn check(ordinal: u64, purged: bool, claim: Claim, expected: Relation) {
        let pending = Pending { ordinal, conflicts: 0, purged, alone: false, held: false };
        assert_eq!(returning().relation(key(1, Part::Node), pending, claim), expected);
    }

    fn claim(seq: u64, exact: Option<u64>) -> Claim {
        Claim { seq, exact, ..Claim::default() }
    }

    #[test]
    fn the_later_state_of_the_old_life_stands() {
        check(3, false, claim(8, Some(8)), Relation::Later);
        check(3, false, claim(7, None), Relation::Later);
        check(3, false, claim(6, Some(6)), Relation::Earlier);
        check(3, false, claim(6, None), Relation::Unrelated);
        check(3, false, Claim::default(), Relation::Unrelated);
        check(4, false, claim(7, Some(7)), Relation::Base);
        check(4, false, claim(8, Some(8)), Relation::Unrelated);
        check(3, true, claim(6, Some(6)), Relation::Earlier);
        check(3, true, claim(8, Some(8)), Relation::Unrelated);
        check(3, true, Claim::default(), Relation::Unrelated);
    }
}
