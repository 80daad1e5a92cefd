//! What checked entries do to a replica: first computed, then written with the cursor, then shown.

use std::collections::{BTreeMap, BTreeSet};

use satchel_crypto::StateDigest;
use satchel_model::merge::{Authorship, merge_body, merge_node};
use satchel_wire::{Content, Digest, Part, Revision};

use crate::EngineError;
use crate::replica::{Base, Opened, Pending, Replica, model_id, unreadable};
use crate::staging::{Refused, Staging};
use crate::store::{Alarm, Aside, Batch, Key, Store, Write};

/// What a set of entries does to a replica: first computed, then written, then shown.
pub(crate) struct Effects {
    by: Authorship,
    writes: Vec<Write>,
    pub(crate) digest: StateDigest,
    base: Vec<(Key, Option<Base>)>,
    pending: BTreeMap<Key, Option<(Pending, Opened)>>,
    shown: BTreeMap<Key, Option<Opened>>,
    aside: Vec<(Key, Option<Aside>)>,
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
        }
    }

    pub(crate) fn collect<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        store: &S,
    ) -> Result<Result<(), Refused>, EngineError<S::Error>> {
        self.digest = StateDigest::from_bytes(&replica.digest.to_bytes());
        let accepted = accepted_content(replica, staging, store)?;
        for (key, (seq, revision)) in &staging.changed {
            let old = replica.base.get(key).copied();
            if let Some(old) = old {
                self.digest.remove(key.record.as_bytes(), part_byte(*key), old.revision.as_bytes());
            }
            let Some(revision) = revision else {
                self.purge(replica, *key);
                continue;
            };
            self.digest.add(key.record.as_bytes(), part_byte(*key), revision.as_bytes());
            let staged = staging.envelopes.get(key);
            let Some((_, _, envelope)) = staged.filter(|(at, of, _)| (at, of) == (seq, revision)) else {
                return Ok(Err((Alarm::Damaged, format!("entry {seq}: its envelope was not sent"))));
            };
            self.put(replica, *key, *seq, *revision, envelope.clone(), accepted.get(key), store)?;
        }
        self.keep_edited_over_trashed(replica, staging, store)?;
        Ok(Ok(()))
    }

    #[expect(clippy::too_many_arguments, reason = "one envelope and what it is compared with")]
    fn put<S: Store>(
        &mut self,
        replica: &mut Replica,
        key: Key,
        seq: u64,
        revision: Revision,
        envelope: Vec<u8>,
        accepted: Option<&(u64, Option<Opened>)>,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        let server = match replica.open(key, &envelope) {
            Ok(server) => server,
            Err(detail) => {
                let aside = Aside { key, alarm: Alarm::Damaged, detail };
                self.writes.push(Write::SetAside(aside.clone()));
                self.aside.push((key, Some(aside)));
                self.put_base(key, Base { seq, revision, conflicts: 0 }, envelope);
                return Ok(());
            }
        };
        if replica.aside.contains_key(&key) && !replica.pending.contains_key(&key) {
            self.writes.push(Write::ClearAside { key });
            self.aside.push((key, None));
        }
        self.put_base(key, Base { seq, revision, conflicts: server.conflicts() }, envelope);
        let Some(pending) = replica.pending.get(&key).copied() else {
            self.shown.insert(key, Some(server));
            return Ok(());
        };
        if accepted.is_some_and(|(ordinal, _)| *ordinal == pending.ordinal) {
            self.remove_pending(key, server);
            return Ok(());
        }
        let base = match accepted {
            Some((_, opened)) => opened.clone(),
            None => replica.acknowledged_if_readable(key, store)?,
        };
        let Some(local) = replica.visible(key, store)? else {
            return Ok(()); // a purge waits: it is tried again on the new revision
        };
        let merged = merge(base, local, server.clone(), &self.by)?;
        if merged == server {
            self.remove_pending(key, server);
        } else {
            self.put_pending(replica, key, merged);
        }
        Ok(())
    }

    /// An edit outlives a deletion made at the same time: the item stays, with a conflict.
    fn keep_edited_over_trashed<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        let records: BTreeSet<_> = staging.changed.keys().map(|key| key.record).collect();
        for record in records {
            let node_key = Key { record, part: Part::Node };
            let body_key = Key { record, part: Part::Body };
            let body_waits = self.waits(replica, body_key);
            let node_came = staging.changed.contains_key(&node_key) && self.shown.contains_key(&node_key);
            let body_came = staging.changed.contains_key(&body_key) && self.shown.contains_key(&body_key);
            let trashed_there = body_waits && node_came && !self.waits(replica, node_key);
            let trashed_here = body_came && self.waits(replica, node_key) && !body_waits;
            if !trashed_there && !trashed_here {
                continue;
            }
            let was = replica.acknowledged_if_readable(node_key, store)?;
            let Some(Opened::Node(was)) = was else { continue };
            let now = match self.pending.get(&node_key) {
                Some(Some((_, Opened::Node(node)))) => Some(node.clone()),
                _ => match self.shown.get(&node_key) {
                    Some(Some(Opened::Node(node))) => Some(node.clone()),
                    _ => replica.nodes.get(&model_id(record)).cloned(),
                },
            };
            let Some(now) = now else { continue };
            if was.trashed.is_none() && now.trashed.is_some() {
                let kept = satchel_model::merge::keep_over_trash(&now, &self.by);
                self.put_pending(replica, node_key, Opened::Node(kept));
            }
        }
        Ok(())
    }

    fn waits(&self, replica: &Replica, key: Key) -> bool {
        match self.pending.get(&key) {
            Some(change) => change.is_some(),
            None => replica.pending.get(&key).is_some_and(|pending| !pending.purged),
        }
    }

    fn purge(&mut self, replica: &Replica, key: Key) {
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

    fn put_base(&mut self, key: Key, base: Base, envelope: Vec<u8>) {
        let Base { seq, revision, conflicts } = base;
        self.writes.push(Write::PutBase { key, seq, revision, conflicts, envelope });
        self.base.push((key, Some(base)));
    }

    fn put_pending(&mut self, replica: &mut Replica, key: Key, opened: Opened) {
        let ordinal = replica.take_ordinal();
        let conflicts = opened.conflicts();
        self.writes.push(Write::PutPending { key, ordinal, conflicts, payload: Some(opened.encode()) });
        let pending = Pending { ordinal, conflicts, purged: false, alone: false, held: false };
        self.pending.insert(key, Some((pending, opened.clone())));
        self.shown.insert(key, Some(opened));
    }

    fn remove_pending(&mut self, key: Key, server: Opened) {
        self.writes.push(Write::RemovePending { key });
        self.pending.insert(key, None);
        self.shown.insert(key, Some(server));
    }

    /// Writes everything with the cursor, then shows it.
    pub(crate) fn finish<S: Store>(
        mut self,
        replica: &mut Replica,
        staging: Staging,
        store: &mut S,
    ) -> Result<Vec<satchel_model::RecordId>, EngineError<S::Error>> {
        let accepted = &staging.accepted;
        self.writes.extend(accepted.iter().map(|commit| Write::RemoveInFlight { commit: *commit }));
        let charter = staging.charter_new.into_iter();
        self.writes.extend(charter.map(|(seq, header)| Write::AddCharter { seq, header }));
        let digest = Digest::new(self.digest.to_bytes());
        self.writes.push(Write::SetHead { head: staging.head, digest });
        let batch = Batch { workspace: replica.workspace, writes: self.writes };
        store.apply(&batch).map_err(EngineError::Store)?;

        replica.head = staging.head;
        replica.server_seq = replica.server_seq.max(staging.head.seq);
        replica.digest = self.digest;
        replica.charter = staging.charter;
        staging.chains.into_iter().for_each(|head| replica.remember_chain(head));
        replica.flights.retain(|flight| !staging.accepted.contains(&flight.stored.commit));
        for (key, base) in self.base {
            match base {
                Some(base) => drop(replica.base.insert(key, base)),
                None => drop(replica.base.remove(&key)),
            }
        }
        for (key, pending) in self.pending {
            match pending {
                Some((pending, _)) => drop(replica.pending.insert(key, pending)),
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
        self.shown.into_iter().for_each(|(key, opened)| replica.show(key, opened));
        Ok(records)
    }
}

/// What this app's own commits among the staged entries made of each part: the ordinal of the local
/// edit, and its content where a later entry changed it again.
type AcceptedContent = BTreeMap<Key, (u64, Option<Opened>)>;

fn accepted_content<S: Store>(
    replica: &Replica,
    staging: &Staging,
    store: &S,
) -> Result<AcceptedContent, EngineError<S::Error>> {
    let mut content = BTreeMap::new();
    for commit in &staging.accepted {
        let Some(flight) = replica.flight(*commit) else { continue };
        let Content::Ops { ops, .. } = &flight.header.content else { continue };
        let mut envelopes =
            store.in_flight(replica.workspace, *commit).map_err(EngineError::Store)?.into_iter();
        for (op, ordinal) in ops.iter().zip(&flight.stored.ordinals) {
            let key = Key { record: op.record, part: op.part };
            let envelope = if op.put.is_some() { envelopes.next() } else { None };
            let opened = match envelope {
                Some(envelope) => Some(replica.open(key, &envelope).map_err(unreadable)?),
                None => None,
            };
            content.insert(key, (*ordinal, opened));
        }
    }
    Ok(content)
}

fn merge<E>(
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
            Ok(Opened::Body(merge_body(Some(&base), &local, &server, by)))
        }
        (_, Opened::Body(local), Opened::Body(server)) => {
            Ok(Opened::Body(merge_body(None, &local, &server, by)))
        }
        _ => Err(unreadable("a node and a body under one key")),
    }
}

fn part_byte(key: Key) -> u8 {
    match key.part {
        Part::Node => 0,
        Part::Body => 1,
    }
}
