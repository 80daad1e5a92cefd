//! Purging: the one act that takes a record away, and what it must not take with it.
//!
//! Invariants: many records go only with a person's mark, which is kept with the change until the
//! server has it; a purge is only of what its author saw, so an edit that came meanwhile from another
//! app takes the purge back; an item that is edited here while another app purges it stays, whole.

use std::collections::BTreeSet;

use satchel_wire::limits::PURGE_OPS_FREE;
use satchel_wire::{Op, Part, RecordId, WorkspaceId};

use crate::EngineError;
use crate::effects::Effects;
use crate::engine::{Engine, Event};
use crate::planted::{self, Bug};
use crate::replica::{Opened, Pending, Replica, wire_id};
use crate::staging::Staging;
use crate::store::{Batch, Key, Store, Write};

/// Whether a person said that many items shall go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMark {
    /// Nobody did: at most 20 items, or a tenth of the workspace.
    Unmarked,
    /// They did.
    Marked,
}

/// Whether so many items are more than go without a person's mark.
pub fn is_bulk(items: u64, workspace_items: u64) -> bool {
    items > (workspace_items / 10).max(PURGE_OPS_FREE as u64)
}

const PARTS: [Part; 2] = [Part::Body, Part::Node];

impl Engine {
    /// Purges items for good: all of them durable in the store as a wish when it returns, or none.
    ///
    /// The order is kept on the way to the server: name what lies below an item before the item.
    /// What does not exist is passed over.
    pub fn purge<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        records: &[satchel_model::RecordId],
        mark: BulkMark,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        if records.iter().any(|id| replica.is_coming(Key { record: wire_id(*id), part: Part::Body })) {
            return Err(EngineError::Coming);
        }
        let items: BTreeSet<_> = records.iter().filter(|id| replica.nodes.contains_key(id)).collect();
        let (count, all) = (items.len() as u64, replica.nodes.len() as u64);
        if mark == BulkMark::Unmarked && is_bulk(count, all) {
            return Err(EngineError::BulkNotMarked { count, all });
        }
        let bulk = is_bulk(count, all);
        let mut writes = vec![Write::AddWorkspace];
        let mut gone = Vec::new();
        for record in records {
            for part in PARTS {
                replica.plan_purge(Key { record: wire_id(*record), part }, bulk, &mut writes, &mut gone);
            }
        }
        store.apply(&Batch { workspace, writes }).map_err(EngineError::Store)?;
        for (key, pending) in gone {
            match pending {
                Some(pending) => drop(replica.pending.insert(key, pending)),
                None => drop(replica.pending.remove(&key)),
            }
            if bulk {
                replica.bulk.insert(key);
            } else {
                replica.bulk.remove(&key);
            }
            replica.aside.remove(&key);
            replica.fetch.remove(&key);
            replica.show(key, None);
        }
        self.events.push_back(Event::StateChanged);
        Ok(())
    }
}

impl Replica {
    fn plan_purge(
        &mut self,
        key: Key,
        bulk: bool,
        writes: &mut Vec<Write>,
        gone: &mut Vec<(Key, Option<Pending>)>,
    ) {
        let is_on_its_way = self.base.contains_key(&key) || self.is_flying(key);
        if !is_on_its_way && !self.pending.contains_key(&key) {
            return;
        }
        if self.aside.contains_key(&key) {
            writes.push(Write::ClearAside { key });
        }
        if !is_on_its_way {
            writes.push(Write::RemovePending { key }); // the server never saw it
            gone.push((key, None));
            return;
        }
        let ordinal = self.take_ordinal();
        writes.push(Write::PutPurge { key, ordinal, bulk });
        let pending = Pending { ordinal, conflicts: 0, purged: true, alone: false, held: false };
        gone.push((key, Some(pending)));
    }

    /// Whether what waits of a part is its purge.
    pub(crate) fn waits_as_purge(&self, key: Key) -> bool {
        self.pending.get(&key).is_some_and(|pending| pending.purged)
    }

    /// Whether one more purge without a mark would make a commit one that needs it. Each was a
    /// person's act of its own, so they go in commits of their own.
    pub(crate) fn is_purge_full(&self, ops: &[Op], key: Key) -> bool {
        let is_unmarked =
            |op: &&Op| op.put.is_none() && !self.bulk.contains(&Key { record: op.record, part: op.part });
        let mut unmarked: BTreeSet<RecordId> = ops.iter().filter(is_unmarked).map(|op| op.record).collect();
        !self.bulk.contains(&key) && unmarked.insert(key.record) && unmarked.len() > PURGE_OPS_FREE
    }

    /// Whether a commit carries a purge that a person marked.
    pub(crate) fn is_marked(&self, ops: &[Op]) -> bool {
        let key = |op: &Op| Key { record: op.record, part: op.part };
        ops.iter().any(|op| op.put.is_none() && self.bulk.contains(&key(op)))
    }
}

impl Effects {
    /// Takes a waiting purge back, of both parts: someone changed the item whom its author did not see.
    pub(crate) fn take_purge_back<S: Store>(
        &mut self,
        replica: &Replica,
        key: Key,
        server: Opened,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        self.remove_pending(key, server);
        self.take_other_purge_back(replica, key, store)
    }

    /// The same for the other part of an item, where it goes on as it is.
    pub(crate) fn take_other_purge_back<S: Store>(
        &mut self,
        replica: &Replica,
        key: Key,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        self.unpurged.insert(key.record);
        let part = if key.part == Part::Node { Part::Body } else { Part::Node };
        let other = Key { part, ..key };
        if !replica.waits_as_purge(other) || self.is_settled(other) {
            return Ok(());
        }
        let shown = match self.under_purge.remove(&other) {
            Some(shown) => Some(shown),
            None => replica.acknowledged_if_readable(other, store)?,
        };
        if let Some(shown) = shown {
            self.remove_pending(other, shown);
        }
        Ok(())
    }

    /// What is under way of an item whose purge is taken back goes on waiting: it shows where it will be, and is
    /// not lost should the commit come too late. A deletion under way has not seen the change either, and falls with
    /// the purge.
    pub(crate) fn keep_under_way<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        let parts = self.unpurged.iter().flat_map(|record| PARTS.map(|part| Key { record: *record, part }));
        let untouched: Vec<_> =
            parts.filter(|key| replica.waits_as_purge(*key) && !staging.changed.contains_key(key)).collect();
        for key in untouched {
            let sent = match replica.opened_in_flight(key, store)? {
                Some(Opened::Node(mut node)) if node.trashed.is_some() => {
                    let was = replica.acknowledged_if_readable(key, store)?;
                    node.trashed = if let Some(Opened::Node(was)) = was { was.trashed } else { None };
                    Opened::Node(node)
                }
                Some(sent) => sent,
                None => continue,
            };
            self.put_pending(replica, key, sent);
        }
        Ok(())
    }

    /// What a planted bug does.
    fn drop_edits_of_purged(&mut self, replica: &Replica, staging: &Staging) {
        for (key, _) in staging.changed.iter().filter(|(_, (_, revision))| revision.is_none()) {
            if self.waits(replica, *key) {
                self.forget_pending(*key);
            }
        }
    }

    /// An edit outlives a purge made at the same time: the item stays whole, out of the trash.
    pub(crate) fn keep_edited_over_purged<S: Store>(
        &mut self,
        replica: &mut Replica,
        staging: &Staging,
        store: &S,
    ) -> Result<(), EngineError<S::Error>> {
        if planted::is(Bug::PurgeWinsOverEdit) {
            self.drop_edits_of_purged(replica, staging);
            return Ok(());
        }
        let purged = staging.changed.iter().filter(|(_, (_, revision))| revision.is_none());
        let records: BTreeSet<_> = purged.map(|(key, _)| key.record).collect();
        for record in records {
            let edited = PARTS.iter().any(|part| self.waits(replica, Key { record, part: *part }));
            if !edited {
                continue;
            }
            replica.keeps_purged = true;
            for part in PARTS {
                let key = Key { record, part };
                if self.waits(replica, key) || !staging.changed.contains_key(&key) {
                    continue;
                }
                // It may be here only as what this app sent of it, of which it did not know that it had come.
                let is_sent = replica.pending.get(&key).is_some_and(|pending| !pending.purged);
                let known = if is_sent {
                    replica.visible(key, store)?
                } else {
                    replica.acknowledged_if_readable(key, store)?
                };
                match known {
                    Some(Opened::Node(node)) => {
                        let kept = satchel_model::merge::keep_over_trash(&node, self.by());
                        self.put_pending(replica, key, Opened::Node(kept));
                    }
                    Some(body) => self.put_pending(replica, key, body),
                    None => {}
                }
            }
        }
        Ok(())
    }
}
