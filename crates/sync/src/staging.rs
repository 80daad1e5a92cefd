//! Entries that have been checked and not yet applied: every header against charter, chain and parents.

use std::collections::BTreeMap;

use satchel_crypto::{derive_chain, derive_revision};
use satchel_wire::{
    Chain, CommitHeader, CommitId, Content, Head, Op, Part, Returned, ReturnedOp, Revision, SignedHeader,
    StoredEnvelope, WorkspaceId,
};

use crate::charter::{self, Charter};
use crate::fresh::Bootstrap;
use crate::planted::{self, Bug};
use crate::pruned::Pruned;
use crate::regress::Claim;
use crate::replica::{Replica, place};
use crate::store::{Alarm, Key};
use crate::trail::Life;

/// Why an entry is not applied.
pub(crate) type Refused = (Alarm, String);

/// Entries that have been checked and not yet applied.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(crate) head: Head,
    pub(crate) charter: Charter,
    pub(crate) charter_new: Vec<(u64, SignedHeader)>,
    /// What each changed part is at `head`, and the entry that made it so.
    pub(crate) changed: BTreeMap<Key, (u64, Option<Revision>)>,
    pub(crate) accepted: Vec<CommitId>,
    /// The staged entries' heads, without a gap.
    pub(crate) chains: Vec<Head>,
    pub(crate) envelopes: BTreeMap<Key, (u64, Revision, Vec<u8>)>,
    /// Bodies that open, with the number of their conflicts: seen as they came, while the next ones are on their way.
    counted: BTreeMap<Key, (Revision, u32)>,
    /// Bodies that an entry changed before their pack came, with the revision that it named.
    pub(crate) assumed: BTreeMap<Key, Option<Revision>>,
    /// The manifest that a fresh app begins from.
    pub(crate) bootstrap: Option<Box<Bootstrap>>,
    /// What a broken connection left of an earlier beginning.
    pub(crate) resumed: Option<Box<Bootstrap>>,
    /// It is not to be used: only its end is waited for.
    pub(crate) spoiled: bool,
    pub(crate) pages_after: u64,
    /// An entry that must have come before the feed counts as live.
    pub(crate) wanted: u64,
    /// The former life of the server that `claims` are about.
    pub(crate) life: Option<Life>,
    /// What the entries say of that life.
    pub(crate) claims: BTreeMap<Key, Claim>,
    /// Where a restored ledger is read from its founding: what it is checked against.
    pub(crate) shadow: Option<Box<Replica>>,
    /// Every state of each part in that ledger, in its order.
    pub(crate) history: BTreeMap<Key, Vec<(u64, Option<Revision>)>>,
    /// Where the server does not keep every header: what stands for those that are not there.
    pub(crate) pruned: Option<Box<Pruned>>,
}

impl Staging {
    pub(crate) fn new(replica: &Replica) -> Self {
        Self {
            head: replica.head,
            charter: replica.charter.clone(),
            charter_new: Vec::new(),
            changed: BTreeMap::new(),
            accepted: Vec::new(),
            chains: Vec::new(),
            envelopes: BTreeMap::new(),
            counted: BTreeMap::new(),
            assumed: BTreeMap::new(),
            bootstrap: None,
            resumed: None,
            spoiled: false,
            pages_after: 0,
            wanted: 0,
            life: replica.returning.as_ref().map(|returning| returning.life.clone()),
            claims: BTreeMap::new(),
            shadow: None,
            history: BTreeMap::new(),
            pruned: None,
        }
    }

    /// The connection broke: envelopes stay, headers come again.
    pub(crate) fn interrupt(&mut self) {
        // The last entry may have been cut in the middle, so it comes again.
        self.pages_after = self.envelopes.values().map(|(seq, ..)| *seq).max().unwrap_or(0).saturating_sub(1);
    }

    /// Checks one header against everything before it and stages its effects.
    pub(crate) fn take_header(
        &mut self,
        replica: &Replica,
        seq: u64,
        signed: &SignedHeader,
    ) -> Result<(), Refused> {
        let forged = |detail: &str| (Alarm::Forged, format!("entry {seq}: {detail}"));
        if seq != self.head.seq + 1 {
            return Err(forged("out of order"));
        }
        let header = CommitHeader::decode(&signed.header).map_err(|e| forged(&e.to_string()))?;
        if header.workspace != replica.workspace {
            return Err(forged("of another workspace"));
        }
        self.check_seen(replica, seq, header.seen)?;
        match &header.content {
            Content::Charter(_) => {
                charter::apply(&mut self.charter, seq, &header, signed).map_err(|e| forged(e.detail()))?;
                self.charter_new.push((seq, signed.clone()));
            }
            Content::Ops { ops, returned, .. } => {
                charter::check(&self.charter, &header, signed).map_err(|e| forged(e.detail()))?;
                ops.iter().try_for_each(|op| self.take_op(replica, seq, op))?;
                self.take_claims(seq, ops, returned.as_ref());
            }
        }
        if replica.flight(header.commit).is_some_and(|flight| flight.stored.header.header == signed.header) {
            self.accepted.push(header.commit);
        }
        let chain = Chain::new(derive_chain(self.head.chain.as_bytes(), &signed.header));
        self.head = Head { seq, chain };
        self.chains.push(self.head);
        self.check_point()
    }

    /// The author saw the same history as this app, as far as this app remembers.
    fn check_seen(&self, replica: &Replica, seq: u64, seen: Head) -> Result<(), Refused> {
        let first = self.chains.first().map_or(seq, |head| head.seq);
        let index = seen.seq.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        let staged = index.and_then(|index| self.chains.get(index)).map(|head| head.chain);
        let known = staged.or_else(|| replica.chains.get(&seen.seq).copied());
        let differs = known.is_some_and(|chain| chain != seen.chain);
        if seen.seq >= seq || differs {
            let detail = format!("entry {seq}: its author was shown another history than this app");
            return Err((Alarm::Forked, detail));
        }
        Ok(())
    }

    /// Notes what the operations say of the server's former life, if that matters here.
    fn take_claims(&mut self, seq: u64, ops: &[Op], returned: Option<&Returned>) {
        let Some(life) = &self.life else { return };
        // By the way alone: an app that was away while nothing was lost still calls the life by its name before.
        let shared = returned.map_or(0, |returned| life.trail.shared_with(&returned.trail));
        let taken = returned.map_or(0, |returned| life.ahead.newest_in(&returned.trail));
        for (index, op) in ops.iter().enumerate() {
            let key = Key { record: op.record, part: op.part };
            let claimed = returned.and_then(|returned| returned.ops.get(index)).copied();
            // What its author has seen of that life and this app has not is no state of this app's.
            let known = claimed.map(|op| match op {
                op if op.seq <= shared => op,
                _ => ReturnedOp { seq: shared, exact: false },
            });
            let claim = self.claims.entry(key).or_default();
            claim.add(known);
            claim.add_taken(claimed, taken);
            self.history.entry(key).or_default().push((seq, op.put));
        }
    }

    fn take_op(&mut self, replica: &Replica, seq: u64, op: &Op) -> Result<(), Refused> {
        let key = Key { record: op.record, part: op.part };
        if self.is_unknown(key, seq, op) {
            self.changed.insert(key, (seq, op.put));
            return Ok(());
        }
        let present = match self.changed.get(&key) {
            Some((_, revision)) => *revision,
            None if !replica.base.contains_key(&key) && Self::is_open(replica, key) => {
                self.assumed.insert(key, op.parent); // its pack will tell
                op.parent
            }
            None => replica.base.get(&key).map(|base| base.revision),
        };
        if present != op.parent {
            return Err((Alarm::Forged, format!("entry {seq}: a change is not based on what was there")));
        }
        self.changed.insert(key, (seq, op.put));
        Ok(())
    }

    /// Counts the conflicts of a body over which nothing waits. One that does not open yet is looked at later.
    fn count_conflicts(&mut self, replica: &Replica, key: Key) {
        if key.part == Part::Node || replica.pending.contains_key(&key) {
            return;
        }
        if let Some((_, revision, envelope)) = self.envelopes.get(&key)
            && let Ok(conflicts) = replica.count_conflicts(key, envelope)
        {
            self.counted.insert(key, (*revision, conflicts));
        }
    }

    /// How many conflicts this state of a body has, where that was counted.
    pub(crate) fn counted(&self, key: Key, revision: Revision) -> Option<u32> {
        self.counted.get(&key).filter(|(of, _)| *of == revision).map(|(_, conflicts)| *conflicts)
    }

    /// Stages an envelope after checking that its bytes are the ones that a header named.
    fn take_envelope(
        &mut self,
        workspace: WorkspaceId,
        key: Key,
        seq: u64,
        envelope: Vec<u8>,
    ) -> Result<(), Refused> {
        let mut revision = Revision::new(derive_revision(&place(workspace, key), &envelope));
        if planted::is(Bug::RevisionUnchecked)
            && let Some((at, Some(named))) = self.changed.get(&key)
            && *at == seq
        {
            revision = *named;
        }
        if self.changed.get(&key) != Some(&(seq, Some(revision))) {
            return Err((Alarm::Damaged, format!("entry {seq}: an envelope is not the one that was signed")));
        }
        self.envelopes.insert(key, (seq, revision, envelope));
        Ok(())
    }
}

/// Consecutive entries with their positions. A server can say any first one: what would lie behind the last position
/// there is stays at it, and is refused as out of order.
pub(crate) fn number<T>(first_seq: u64, list: &[T]) -> impl Iterator<Item = (u64, &T)> {
    list.iter().enumerate().map(move |(index, one)| (first_seq.saturating_add(index as u64), one))
}

/// Stages the envelopes of one page of a catch-up.
pub(crate) fn take_page(
    replica: &Replica,
    staging: &mut Staging,
    envelopes: Vec<StoredEnvelope>,
) -> Result<(), Refused> {
    envelopes.into_iter().try_for_each(|stored| {
        let key = Key { record: stored.record, part: stored.part };
        staging.take_envelope(replica.workspace, key, stored.seq, stored.envelope.into())?;
        staging.count_conflicts(replica, key);
        Ok(())
    })
}

/// Stages the envelopes of one live entry, which come in the order of its puts.
pub(crate) fn take_entry_envelopes(
    staging: &mut Staging,
    workspace: WorkspaceId,
    seq: u64,
    signed: &SignedHeader,
    envelopes: Vec<Vec<u8>>,
) -> Result<(), Refused> {
    let header = CommitHeader::decode(&signed.header).map_err(|e| (Alarm::Forged, e.to_string()))?;
    let Content::Ops { ops, .. } = header.content else { return Ok(()) };
    let puts: Vec<_> = ops.iter().filter(|op| op.put.is_some()).collect();
    if puts.len() != envelopes.len() {
        return Err((Alarm::Damaged, format!("entry {seq}: envelopes are missing")));
    }
    puts.into_iter().zip(envelopes).try_for_each(|(op, envelope)| {
        staging.take_envelope(workspace, Key { record: op.record, part: op.part }, seq, envelope)
    })
}
