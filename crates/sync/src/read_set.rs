//! What a commit says that it has seen, besides what it changes: the server refuses it if that has changed.
//!
//! A move lists the node of every ancestor that its destination *will have on the server*: what this commit
//! makes of it, else what a commit before it makes, else what was acknowledged. What a person sees is not
//! enough: an ancestor's own later move may still wait, and until it goes the item hangs below the place
//! where the ancestor is. So honest apps never commit a cycle, whatever is cut off, held or under way.
//! An edited body lists its node, and a deletion the body that it deletes.

use std::collections::{BTreeMap, BTreeSet};

use satchel_model::Node;
use satchel_wire::limits::COMMIT_EXPECTS_MAX;
use satchel_wire::{Content, Expect, Op, Part, RecordId, Revision};

use crate::EngineError;
use crate::replica::{Flight, Opened, Replica, model_id, wire_id};
use crate::store::{Key, Store};

/// What the commits under way make of each part.
type Flying = BTreeMap<Key, Option<Revision>>;

/// What a commit says that it has seen.
pub(crate) struct ReadSet {
    pub(crate) expects: Vec<Expect>,
    /// Moves that must wait for another one.
    pub(crate) late: Vec<Key>,
}

/// A read set that is being collected.
struct Reading<'a> {
    replica: &'a Replica,
    flying: &'a Flying,
    /// What the commit itself changes.
    changed: BTreeSet<Key>,
    keys: BTreeSet<Key>,
    late: Vec<Key>,
}

impl Replica {
    /// The read set of these operations.
    pub(crate) fn read_set<S: Store>(
        &self,
        ops: &[Op],
        flying: &Flying,
        store: &S,
    ) -> Result<ReadSet, EngineError<S::Error>> {
        let key = |op: &Op| Key { record: op.record, part: op.part };
        let changed = ops.iter().map(key).collect();
        let mut reading = Reading { replica: self, flying, changed, keys: BTreeSet::new(), late: Vec::new() };
        for op in ops {
            match (op.part, op.parent) {
                (Part::Body, Some(_)) => {
                    reading.keys.insert(Key { record: op.record, part: Part::Node });
                }
                (Part::Node, Some(_)) => reading.take_node(op.record, store)?,
                (Part::Node, None) if self.may_be_made_anew() => reading.take_ancestors(op.record, store)?,
                (_, None) => {}
            }
            if reading.keys.len() > COMMIT_EXPECTS_MAX + reading.changed.len() {
                reading.late.push(key(op)); // a set that is cut off would be no promise
            }
        }
        let Reading { keys, changed, late, .. } = reading;
        let expects = keys.into_iter().filter(|key| !changed.contains(key)).filter_map(|key| {
            let revision = match flying.get(&key) {
                // The commit before makes it so, or is stale, and then this one is with it.
                Some(put) => *put,
                None => match (key.part, self.base.get(&key)) {
                    (Part::Body, None) => return None, // not every item has one
                    (_, base) => base.map(|base| base.revision),
                },
            };
            Some(Expect { record: key.record, part: key.part, revision })
        });
        let expects: Vec<_> = expects.take(COMMIT_EXPECTS_MAX).collect();
        Ok(ReadSet { expects, late })
    }

    /// Whether an item that is new to the server may be one that others know: then things may lie below it.
    fn may_be_made_anew(&self) -> bool {
        self.returning.is_some() || self.keeps_purged
    }
}

impl Reading<'_> {
    fn take_node<S: Store>(&mut self, record: RecordId, store: &S) -> Result<(), EngineError<S::Error>> {
        let key = Key { record, part: Part::Node };
        let Some(wanted) = self.replica.nodes.get(&model_id(record)) else { return Ok(()) };
        let Some(Opened::Node(was)) = self.replica.acknowledged_if_readable(key, store)? else {
            return Ok(());
        };
        if wanted.trashed.is_some() && was.trashed.is_none() {
            self.keys.insert(Key { record, part: Part::Body });
        }
        if wanted.position.parent == was.position.parent {
            return Ok(());
        }
        self.take_ancestors(record, store)
    }

    /// Lists all that a moved item will hang on; it must wait if that is the item itself.
    fn take_ancestors<S: Store>(&mut self, record: RecordId, store: &S) -> Result<(), EngineError<S::Error>> {
        let mut seen = BTreeSet::new();
        let mut at = record;
        while let Some(parent) = self.parent_there(Key { record: at, part: Part::Node }, store)? {
            if parent == record && record.as_bytes() != self.replica.workspace.as_bytes() {
                self.late.push(Key { record, part: Part::Node });
            }
            let key = Key { record: parent, part: Part::Node };
            if self.is_still_to_come(key) {
                self.late.push(Key { record, part: Part::Node });
            }
            if parent == record || !seen.insert(parent) {
                break; // the root, or a cycle
            }
            self.keys.insert(key);
            at = parent;
        }
        Ok(())
    }

    /// Whether an item is made here and goes only in a later commit.
    fn is_still_to_come(&self, key: Key) -> bool {
        let waits = self.replica.pending.get(&key).is_some_and(|pending| !pending.purged);
        let is_there = self.changed.contains(&key) || self.flying.contains_key(&key);
        waits && !is_there && !self.replica.base.contains_key(&key)
    }

    /// Where an item hangs on the server once this commit is there.
    fn parent_there<S: Store>(&self, key: Key, store: &S) -> Result<Option<RecordId>, EngineError<S::Error>> {
        let replica = self.replica;
        let is_as_shown = self.changed.contains(&key) || !replica.pending.contains_key(&key);
        if is_as_shown {
            let shown = replica.nodes.get(&model_id(key.record));
            return Ok(shown.map(parent_of));
        }
        let there = match self.flying.get(&key) {
            Some(Some(_)) => replica.opened_in_flight(key, store)?,
            Some(None) => None, // purged
            None => replica.acknowledged_if_readable(key, store)?,
        };
        Ok(match there {
            Some(Opened::Node(node)) => Some(parent_of(&node)),
            _ => None,
        })
    }
}

impl Replica {
    /// What the newest commit under way that puts a part makes of it.
    pub(crate) fn opened_in_flight<S: Store>(
        &self,
        key: Key,
        store: &S,
    ) -> Result<Option<Opened>, EngineError<S::Error>> {
        let place_in = |flight: &Flight| {
            let Content::Ops { ops, .. } = &flight.header.content else { return None };
            let mut puts = ops.iter().filter(|op| op.put.is_some());
            puts.position(|op| op.record == key.record && op.part == key.part)
        };
        let newest = self.flights.iter().rev().find_map(|flight| Some((flight, place_in(flight)?)));
        let Some((flight, place)) = newest else { return Ok(None) };
        let envelopes = store.in_flight(self.workspace, flight.stored.commit).map_err(EngineError::Store)?;
        Ok(envelopes.get(place).and_then(|envelope| self.open(key, envelope).ok()))
    }
}

fn parent_of(node: &Node) -> RecordId {
    wire_id(node.position.parent)
}
