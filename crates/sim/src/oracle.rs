//! What the people of a history know: which values they wrote, over which ones, and what they trashed.
//!
//! Every write has a value of its own, `w` and a number, so that it can be found again wherever it
//! ends: in a field, a line of a text, an element of a list, a name, or a conflict.

use std::collections::{BTreeMap, BTreeSet};

use satchel_model::{Body, Node, RecordId, Value};

/// The number of a value.
pub(crate) type Token = usize;

/// One write.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that come to be known apart from each other")]
pub(crate) struct Write {
    pub(crate) app: usize,
    pub(crate) step: usize,
    pub(crate) record: RecordId,
    /// The app said that it is stored.
    acknowledged: bool,
    /// It was lost with a disk, and nobody had promised more.
    excused: bool,
    replaced_by: Vec<Token>,
    /// Someone who saw it took it out.
    removed: bool,
    /// Written by someone who saw its item in the trash.
    in_trash: bool,
}

/// One act of trashing.
struct Trashing {
    record: RecordId,
    seen: BTreeSet<Token>,
}

/// What the people of a history know.
#[derive(Default)]
pub(crate) struct Oracle {
    writes: Vec<Write>,
    made: BTreeMap<RecordId, Made>,
    trashings: Vec<Trashing>,
    purged: BTreeSet<RecordId>,
}

struct Made {
    app: usize,
    at: Token,
    required: bool,
}

impl Oracle {
    /// The number that the next write will have.
    pub(crate) fn next(&self) -> Token {
        self.writes.len()
    }

    /// A new value by an app that sees `over` in its place.
    pub(crate) fn write(
        &mut self,
        app: usize,
        step: usize,
        record: RecordId,
        over: &[Token],
        in_trash: bool,
    ) -> Token {
        let token = self.writes.len();
        self.writes.push(Write {
            app,
            step,
            record,
            acknowledged: false,
            excused: false,
            replaced_by: Vec::new(),
            removed: false,
            in_trash,
        });
        for old in over {
            self.writes[*old].replaced_by.push(token);
        }
        token
    }

    /// The app said that everything from this number on is stored.
    pub(crate) fn acknowledge(&mut self, from: Token) {
        self.writes[from..].iter_mut().for_each(|write| write.acknowledged = true);
    }

    pub(crate) fn remove(&mut self, tokens: &[Token]) {
        for token in tokens {
            self.writes[*token].removed = true;
        }
    }

    /// Someone who sees these values of an item takes it away for good.
    pub(crate) fn purge(&mut self, record: RecordId, seen: &BTreeSet<Token>) {
        for token in seen {
            self.writes[*token].removed = true;
        }
        self.purged.insert(record);
    }

    pub(crate) fn is_purged(&self, record: RecordId) -> bool {
        self.purged.contains(&record)
    }

    pub(crate) fn make(&mut self, app: usize, record: RecordId) {
        self.made.insert(record, Made { app, at: self.writes.len(), required: true });
    }

    pub(crate) fn forget(&mut self, record: RecordId) {
        if let Some(made) = self.made.get_mut(&record) {
            made.required = false;
        }
    }

    /// The time that names an act of trashing: the clock's, with the act's number below it.
    pub(crate) fn trash(&mut self, record: RecordId, seen: BTreeSet<Token>, clock_ms: u64) -> u64 {
        self.trashings.push(Trashing { record, seen });
        clock_ms * 10_000 + self.trashings.len() as u64 - 1
    }

    pub(crate) fn has_trashed(&self, record: RecordId, when_ms: u64) -> bool {
        let index = usize::try_from(when_ms % 10_000).unwrap_or(usize::MAX);
        self.trashings.get(index).is_some_and(|trashing| trashing.record == record)
    }

    pub(crate) fn was_seen_in_trash(&self, record: RecordId, token: Token) -> bool {
        self.writes[token].in_trash
            || self.trashings.iter().any(|act| act.record == record && act.seen.contains(&token))
    }

    /// An app's disk was set back to when the next write had the number `from`: what waited in it is gone.
    pub(crate) fn excuse(&mut self, app: usize, from: Token, waiting: impl Fn(RecordId) -> bool) {
        for write in &mut self.writes[from..] {
            write.excused |= write.app == app && waiting(write.record);
        }
        for (record, made) in &mut self.made {
            made.required &= !(made.app == app && made.at >= from && waiting(*record));
        }
    }

    /// The items that must be there, and the apps that made them.
    pub(crate) fn records(&self) -> impl Iterator<Item = (RecordId, usize)> + '_ {
        self.made.iter().filter(|(_, made)| made.required).map(|(record, made)| (*record, made.app))
    }

    /// A write that was acknowledged and is neither kept nor replaced by someone who saw it.
    pub(crate) fn find_lost(&self, kept: &BTreeSet<Token>) -> Option<(Token, &Write)> {
        let mut accounted = vec![false; self.writes.len()];
        // Who replaces a value wrote later, so its fate is known first.
        for (token, write) in self.writes.iter().enumerate().rev() {
            accounted[token] = kept.contains(&token)
                || write.removed
                || write.replaced_by.iter().any(|later| accounted[*later]);
        }
        let mut writes = self.writes.iter().enumerate();
        writes.find(|(token, write)| write.acknowledged && !write.excused && !accounted[*token])
    }
}

/// The values in a text: each line may be one.
pub(crate) fn tokens_of_text(text: &str) -> impl Iterator<Item = Token> + '_ {
    text.split('\n').filter_map(|line| line.strip_prefix('w')?.parse().ok())
}

/// The values anywhere in a value.
pub(crate) fn tokens_of(value: &Value) -> Vec<Token> {
    match value {
        Value::String(text) => tokens_of_text(text).collect(),
        Value::Object(fields) => fields.values().flat_map(tokens_of).collect(),
        Value::Array(values) => values.iter().flat_map(tokens_of).collect(),
        Value::List(list) => list.elements.values().flat_map(|one| tokens_of(&one.value)).collect(),
        _ => Vec::new(),
    }
}

/// The values that the conflicts of a record keep.
pub(crate) fn tokens_of_conflicts(conflicts: &satchel_model::Conflicts) -> Vec<Token> {
    let sides = conflicts.values().flat_map(|conflict| [&conflict.base, &conflict.local, &conflict.server]);
    sides.flatten().flat_map(tokens_of).collect()
}

/// Every value that an item shows or keeps in a conflict.
pub(crate) fn tokens_of_item(node: &Node, body: Option<&Body>) -> BTreeSet<Token> {
    let mut tokens: BTreeSet<_> = tokens_of_text(&node.name).collect();
    tokens.extend(tokens_of_conflicts(&node.conflicts));
    if let Some(body) = body {
        tokens.extend(body.fields.values().flat_map(tokens_of));
        tokens.extend(tokens_of_conflicts(&body.conflicts));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: RecordId = RecordId([1; 16]);

    #[test]
    fn a_value_is_lost_unless_it_is_kept_or_was_replaced_by_one_that_is_not() {
        let check = |kept: &[Token], lost: Option<Token>| {
            let mut oracle = Oracle::default();
            let first = oracle.write(0, 0, ITEM, &[], false);
            oracle.write(1, 1, ITEM, &[first], false);
            oracle.write(0, 2, ITEM, &[], false);
            oracle.acknowledge(0);
            let kept = kept.iter().copied().collect();
            assert_eq!(oracle.find_lost(&kept).map(|(token, _)| token), lost);
        };
        check(&[0, 1, 2], None);
        check(&[1, 2], None);
        check(&[0, 2], Some(1));
        check(&[2], Some(0));
        check(&[0, 1], Some(2));
    }

    #[test]
    fn values_are_found_wherever_they_are() {
        let text = |text: &str| Value::String(text.to_owned());
        let value = Value::Object(BTreeMap::from([
            ("a".to_owned(), Value::Array(vec![text("w1\nw22\nother")])),
            ("b".to_owned(), text("w3")),
        ]));
        assert_eq!(tokens_of(&value), [1, 22, 3]);
    }
}
