//! What people do to items: each act is the wanted state of one item, with new values from the oracle.

use std::collections::{BTreeMap, BTreeSet};

use satchel_model::{Body, Conflicts, Kind, List, Node, OrderKey, Position, RecordId, Trashed, Value};
use satchel_sync::Change;

use crate::oracle::{Oracle, Token, tokens_of, tokens_of_conflicts, tokens_of_item, tokens_of_text};
use crate::rng::SimRng;

const FIELDS: [&str; 2] = ["description", "url"];
const TEXT: &str = "script";
const LIST: &str = "header";

/// One person at one app, at one step.
pub(crate) struct Hand<'a> {
    pub(crate) app: usize,
    pub(crate) step: usize,
    pub(crate) clock_ms: u64,
    pub(crate) root: RecordId,
    pub(crate) nodes: &'a BTreeMap<RecordId, Node>,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) rng: &'a mut SimRng,
}

fn named(token: Token) -> String {
    format!("w{token}")
}

impl Hand<'_> {
    fn write(&mut self, record: RecordId, over: &[Token]) -> Token {
        let in_trash = self.nodes.get(&record).is_some_and(|node| node.trashed.is_some());
        self.oracle.write(self.app, self.step, record, over, in_trash)
    }

    fn order(&mut self) -> OrderKey {
        OrderKey::between(None, None, self.rng)
    }

    /// A new item with a value in every part.
    pub(crate) fn create(&mut self) -> Change {
        let record = RecordId::make(self.rng);
        self.oracle.make(self.app, record);
        let parents: Vec<_> = self.nodes.keys().copied().collect();
        let parent = self.rng.pick(&parents).unwrap_or(self.root);
        let order = self.order();
        let name = named(self.write(record, &[]));
        let kind = if self.rng.one_in(2) { Kind::Folder } else { Kind::Request };
        let node = Node {
            kind,
            position: Position { parent, order },
            name,
            method: Some("GET".to_owned()),
            trashed: None,
            conflicts: Conflicts::new(),
            extra: BTreeMap::new(),
        };
        let mut fields = BTreeMap::new();
        for field in FIELDS {
            fields.insert(field.to_owned(), Value::String(named(self.write(record, &[]))));
        }
        let lines: Vec<_> = (0..4).map(|_| named(self.write(record, &[]))).collect();
        fields.insert(TEXT.to_owned(), Value::String(lines.join("\n")));
        let elements: Vec<_> = (0..2).map(|_| Value::String(named(self.write(record, &[])))).collect();
        fields.insert(LIST.to_owned(), Value::List(List::from_values(elements, self.rng)));
        let body = Body { fields, conflicts: Conflicts::new() };
        Change { record, node: Some(node), body: Some(body) }
    }

    /// A change of one part of a body.
    pub(crate) fn change_body(&mut self, record: RecordId, mut body: Body) -> Change {
        match self.rng.below(5) {
            0 | 1 => {
                let field = FIELDS[self.rng.below(FIELDS.len())];
                let over = body.fields.get(field).map(tokens_of).unwrap_or_default();
                let value = Value::String(named(self.write(record, &over)));
                body.fields.insert(field.to_owned(), value);
            }
            2 => self.change_text(record, &mut body),
            _ => self.change_list(record, &mut body),
        }
        Change { record, node: None, body: Some(body) }
    }

    fn change_text(&mut self, record: RecordId, body: &mut Body) {
        let text = body.fields.get(TEXT).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let at = self.rng.below(lines.len());
        if self.rng.one_in(2) {
            let over: Vec<_> = tokens_of_text(&lines[at]).collect();
            lines[at] = named(self.write(record, &over));
        } else {
            lines.insert(at, named(self.write(record, &[])));
        }
        body.fields.insert(TEXT.to_owned(), Value::String(lines.join("\n")));
    }

    fn change_list(&mut self, record: RecordId, body: &mut Body) {
        let mut list = body.fields.get(LIST).and_then(Value::as_list).cloned().unwrap_or_default();
        let ids: Vec<_> = list.in_order().iter().map(|(id, _)| *id).collect();
        match (self.rng.pick(&ids), self.rng.below(4)) {
            (Some(id), 0) => {
                let gone = list.remove(id).map(|value| tokens_of(&value)).unwrap_or_default();
                self.oracle.remove(&gone);
            }
            (Some(id), 1 | 2) => {
                let over = tokens_of(&list.elements[&id].value);
                let value = Value::String(named(self.write(record, &over)));
                if let Some(element) = list.elements.get_mut(&id) {
                    element.value = value;
                }
            }
            (after, _) => {
                let value = Value::String(named(self.write(record, &[])));
                let after = after.filter(|_| self.rng.one_in(2));
                list.insert(after, value, self.rng);
            }
        }
        body.fields.insert(LIST.to_owned(), Value::List(list));
    }

    /// Another name.
    pub(crate) fn rename(&mut self, record: RecordId, mut node: Node) -> Change {
        let over: Vec<_> = tokens_of_text(&node.name).collect();
        node.name = named(self.write(record, &over));
        Change { record, node: Some(node), body: None }
    }

    /// Another place, as a person's drag allows: not below itself.
    pub(crate) fn relocate(&mut self, record: RecordId, mut node: Node) -> Option<Change> {
        let below_itself = |parent: RecordId| {
            let mut at = parent;
            (0..=self.nodes.len()).any(|_| {
                let found = at == record;
                at = self.nodes.get(&at).map_or(self.root, |node| node.position.parent);
                found
            })
        };
        let parents: Vec<_> = self.nodes.keys().copied().filter(|parent| !below_itself(*parent)).collect();
        let parent = self.rng.pick(&parents)?;
        node.position = Position { parent, order: self.order() };
        Some(Change { record, node: Some(node), body: None })
    }

    /// Into the trash, or out of it.
    pub(crate) fn trash(&mut self, record: RecordId, mut node: Node, body: Option<&Body>) -> Change {
        node.trashed = if node.trashed.is_some() {
            None
        } else {
            let seen: BTreeSet<_> = tokens_of_item(&node, body);
            let when_ms = self.oracle.trash(record, seen, self.clock_ms);
            Some(Trashed { who: String::new(), when_ms })
        };
        Change { record, node: Some(node), body: None }
    }

    /// Settles every conflict of an item by a value of its own.
    pub(crate) fn resolve(&mut self, record: RecordId, mut node: Node, body: Option<Body>) -> Option<Change> {
        if let Some(mut body) = body.filter(|body| !body.conflicts.is_empty()) {
            let mut over = tokens_of_conflicts(&body.conflicts);
            over.extend(body.fields.get(FIELDS[0]).map(tokens_of).unwrap_or_default());
            body.conflicts.clear();
            let value = Value::String(named(self.write(record, &over)));
            body.fields.insert(FIELDS[0].to_owned(), value);
            return Some(Change { record, node: None, body: Some(body) });
        }
        if node.conflicts.is_empty() {
            return None;
        }
        let mut over = tokens_of_conflicts(&node.conflicts);
        over.extend(tokens_of_text(&node.name));
        node.conflicts.clear();
        node.name = named(self.write(record, &over));
        Some(Change { record, node: Some(node), body: None })
    }
}
