//! Bodies that were opened or made lately, so that the steps of one edit open and parse a body once.
//!
//! Why it exists: a call reads a body, compares the edit with it, and after the answer of the server reads it again,
//! each time with a read, a decryption and a parse.
//!
//! Invariants: what is kept is named by what decides it, the ordinal of a local edit or the revision that the server
//! acknowledged, so nothing here can be out of date; a part has one body here, the newest that was kept; they are
//! bounded in number and in bytes.
//!
//! Knows nothing of stores: whoever asks reads what is not here.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use satchel_model::{Body, ById, Value};
use satchel_wire::Revision;

use crate::store::Key;

/// Bodies that are kept, at most: what a few commits under way carry.
const BODIES_MAX: usize = 1_024;
/// An edit reads a body and makes one, so each part stands in the queue about twice.
const TURNS_MAX: usize = 2 * BODIES_MAX;
/// About how many bytes they may have together; one alone that is larger is not kept.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// About what a value takes beside its text.
const BYTES_OF_ANY: usize = 32;

/// Which content of a part is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The local edit of this ordinal.
    Waiting(u64),
    /// What the server acknowledged.
    Acknowledged(Revision),
}

/// A body that is kept.
struct Entry {
    state: State,
    body: Arc<Body>,
    bytes: usize,
    /// Its number among all that were kept.
    turn: u64,
}

#[derive(Default)]
struct Entries {
    bodies: ById<Key, Entry>,
    /// Who goes first: the oldest. What was kept anew since stands here twice.
    queue: VecDeque<(Key, u64)>,
    bytes: usize,
    turn: u64,
}

impl Entries {
    fn insert(&mut self, key: Key, entry: Entry) {
        self.bytes += entry.bytes;
        self.queue.push_back((key, entry.turn));
        if let Some(old) = self.bodies.insert(key, entry) {
            self.bytes -= old.bytes;
        }
        let is_full = |entries: &Self| {
            let (bodies, turns) = (entries.bodies.len(), entries.queue.len());
            bodies > BODIES_MAX || turns > TURNS_MAX || entries.bytes > BYTES_MAX
        };
        while is_full(self) {
            let Some((key, turn)) = self.queue.pop_front() else { return };
            if self.bodies.get(&key).is_some_and(|entry| entry.turn == turn) {
                self.bytes -= self.bodies.remove(&key).map_or(0, |gone| gone.bytes);
            }
        }
    }
}

/// The bodies of one workspace that were opened or made lately.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Entries>);

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing in here panics half-way, so it is whole in any case.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of a part in exactly this state, if it is kept.
    pub(crate) fn find(&self, key: Key, state: State) -> Option<Arc<Body>> {
        let entries = self.lock();
        let found = entries.bodies.get(&key).filter(|entry| entry.state == state)?;
        Some(Arc::clone(&found.body))
    }

    /// Keeps a body, and lets the oldest ones go for it.
    pub(crate) fn keep(&self, key: Key, state: State, body: &Arc<Body>) {
        let fields = body.fields.values().map(weigh).sum::<usize>();
        let bytes = fields + body.conflicts.len() * BYTES_OF_ANY;
        if bytes > BYTES_MAX {
            return;
        }
        let mut entries = self.lock();
        entries.turn += 1;
        let turn = entries.turn;
        entries.insert(key, Entry { state, body: Arc::clone(body), bytes, turn });
    }
}

/// About how much memory a value takes.
fn weigh(value: &Value) -> usize {
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weigh).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + weigh(value)).sum(),
        Value::List(list) => list.elements.values().map(|element| weigh(&element.value)).sum(),
    };
    BYTES_OF_ANY + inside
}

#[cfg(test)]
mod tests {
    use satchel_wire::{Part, RecordId};

    use super::*;

    fn key(number: u32) -> Key {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        Key { record: RecordId::new(id), part: Part::Body }
    }

    fn body(bytes: usize) -> Arc<Body> {
        let text = Value::String("a".repeat(bytes));
        Arc::new(Body { fields: [("url".to_owned(), text)].into(), ..Body::default() })
    }

    #[test]
    fn only_the_very_state_that_was_kept_is_found() {
        let recent = Recent::default();
        let (first, revision) = (body(1), Revision::new([7; 32]));
        recent.keep(key(1), State::Waiting(3), &first);
        assert_eq!(recent.find(key(1), State::Waiting(3)), Some(Arc::clone(&first)));
        assert_eq!(recent.find(key(1), State::Waiting(4)), None);
        assert_eq!(recent.find(key(2), State::Waiting(3)), None);
        assert_eq!(recent.find(key(1), State::Acknowledged(revision)), None);
        recent.keep(key(1), State::Acknowledged(revision), &body(2));
        assert_eq!(recent.find(key(1), State::Acknowledged(revision)), Some(body(2)));
        assert_eq!(recent.find(key(1), State::Waiting(3)), None, "a newer one took its place");
    }

    #[test]
    fn it_is_bounded_in_number_and_in_bytes() {
        let recent = Recent::default();
        let sum = |recent: &Recent| recent.lock().bodies.values().map(|entry| entry.bytes).sum::<usize>();
        for number in 0..5_000 {
            recent.keep(key(number), State::Waiting(1), &body(10));
            recent.keep(key(7), State::Waiting(number.into()), &body(10));
        }
        assert!(recent.lock().bodies.len() <= BODIES_MAX && recent.lock().queue.len() <= TURNS_MAX);
        assert_eq!(recent.find(key(4_999), State::Waiting(1)), Some(body(10)));
        assert_eq!(recent.find(key(7), State::Waiting(4_999)), Some(body(10)));
        assert_eq!(recent.find(key(0), State::Waiting(1)), None, "the oldest went first");
        recent.keep(key(2), State::Waiting(1), &body(BYTES_MAX + 1));
        assert_eq!(recent.find(key(2), State::Waiting(1)), None);
        recent.keep(key(3), State::Waiting(2), &body(BYTES_MAX - 1_000));
        assert!(recent.find(key(3), State::Waiting(2)).is_some());
        assert!(sum(&recent) <= BYTES_MAX && sum(&recent) == recent.lock().bytes);
    }
}
