//! Random histories of three apps over a bad network: at the end all are equal and no edit is lost.
//!
//! Every edit writes a value that nothing else writes. At the end each value must show, or be in a
//! conflict, or have been overwritten by someone who saw it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::World;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use satchel_model::{Conflict, OrderKey, Position, RecordId, Trashed, Value};
use satchel_sync::BulkMark;

const APPS: usize = 3;
const RECORDS: usize = 3;
const FIELDS: [&str; 3] = ["url", "description", "script"];

#[derive(Debug, Clone)]
enum Step {
    Write { app: usize, record: usize, field: usize },
    Rename { app: usize, record: usize },
    Move { app: usize, record: usize },
    Trash { app: usize, record: usize },
    Purge { app: usize, record: usize },
    Connect(usize),
    Disconnect(usize),
    Restart(usize),
    Send(usize),
    Deliver(usize, usize),
    LoseAnswers(bool),
    Backup,
    Restore,
}

/// Steps of a world whose server is restored from older backups now and then.
fn step_or_restore() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => step(),
        1 => proptest::strategy::Just(Step::Backup),
        1 => proptest::strategy::Just(Step::Restore),
    ]
}

/// Steps of a world in which items are purged as well.
fn step_or_purge() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => step_or_restore(),
        1 => (0..APPS, 0..RECORDS).prop_map(|(app, record)| Step::Purge { app, record }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (app, record) = (0..APPS, 0..RECORDS);
    prop_oneof![
        6 => (app.clone(), record.clone(), 0..FIELDS.len())
            .prop_map(|(app, record, field)| Step::Write { app, record, field }),
        2 => (app.clone(), record.clone()).prop_map(|(app, record)| Step::Rename { app, record }),
        1 => (app.clone(), record.clone()).prop_map(|(app, record)| Step::Move { app, record }),
        1 => (app.clone(), record).prop_map(|(app, record)| Step::Trash { app, record }),
        3 => app.clone().prop_map(Step::Connect),
        2 => app.clone().prop_map(Step::Disconnect),
        1 => app.clone().prop_map(Step::Restart),
        5 => app.clone().prop_map(Step::Send),
        5 => (app, 1..6_usize).prop_map(|(app, count)| Step::Deliver(app, count)),
        1 => any::<bool>().prop_map(Step::LoseAnswers),
    ]
}

/// What was written, and over which value its author saw.
#[derive(Default)]
struct Writes {
    count: usize,
    written: BTreeSet<String>,
    seen_and_replaced: BTreeSet<String>,
}

impl Writes {
    fn next(&mut self, over: &str) -> String {
        self.count += 1;
        let value = format!("value {}", self.count);
        self.written.insert(value.clone());
        self.seen_and_replaced.insert(over.to_owned());
        value
    }
}

struct History {
    world: World,
    records: Vec<RecordId>,
    writes: Writes,
    backup: BTreeMap<satchel_wire::WorkspaceId, crate::support::Ledger>,
}

impl History {
    fn new() -> Self {
        let mut world = World::new(APPS);
        let fields = FIELDS.map(|field| (field, "first"));
        let records = (0..RECORDS).map(|n| world.create(0, &format!("r{n}"), &fields)).collect();
        world.settle();
        let backup = world.backup();
        Self { world, records, writes: Writes::default(), backup }
    }

    /// Whether an app shows an item, which may be purged or not have come yet.
    fn shows(&self, app: usize, record: usize) -> bool {
        let nodes = self.world.apps[app].engine.nodes(self.world.workspace);
        nodes.is_some_and(|nodes| nodes.contains_key(&self.records[record]))
    }

    /// An item goes, with every value that the app sees of it.
    fn purge(&mut self, app: usize, record: RecordId) {
        let mut seen = BTreeSet::new();
        collect_item(&self.world, app, record, &mut seen);
        self.writes.seen_and_replaced.extend(seen);
        let (workspace, app) = (self.world.workspace, &mut self.world.apps[app]);
        let purged = app.engine.purge(workspace, &[record], BulkMark::Unmarked, &mut app.store);
        purged.expect("a memory store works");
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Write { app, record, .. }
            | Step::Rename { app, record }
            | Step::Move { app, record }
            | Step::Trash { app, record }
            | Step::Purge { app, record }
                if !self.shows(app, record) => {}
            Step::Purge { app, record } => self.purge(app, self.records[record]),
            Step::Write { app, record, field } => {
                let (record, field) = (self.records[record], FIELDS[field]);
                let value = self.writes.next(&self.world.field(app, record, field));
                self.world.set(app, record, field, &value);
            }
            Step::Rename { app, record } => {
                let record = self.records[record];
                let value = self.writes.next(&self.world.node(app, record).name);
                self.world.edit_node(app, record, |node| node.name = value);
            }
            Step::Move { app, record } => {
                let parent = self.records[(record + 1) % RECORDS];
                let order = OrderKey::between(None, None, &mut self.world.apps[app].rng);
                let position = Position { parent, order };
                self.world.edit_node(app, self.records[record], |node| node.position = position);
            }
            Step::Trash { app, record } => {
                let trashed = Some(Trashed { who: app.to_string(), when_ms: 7 });
                self.world.edit_node(app, self.records[record], |node| node.trashed = trashed);
            }
            Step::Connect(app) => self.world.connect(app),
            Step::Disconnect(app) => self.world.disconnect(app),
            Step::Restart(app) => {
                self.world.disconnect(app);
                self.world.apps[app].restart();
            }
            Step::Send(app) if self.world.apps[app].online => self.world.send(app),
            Step::Deliver(app, count) if self.world.apps[app].online => self.world.deliver(app, count),
            Step::Send(_) | Step::Deliver(..) => {}
            Step::Backup => self.backup = self.world.backup(),
            Step::Restore => self.world.restore(self.backup.clone()),
            Step::LoseAnswers(lose) => self.world.server.lose_answers = lose,
        }
    }

    fn heal(&mut self) {
        self.world.server.lose_answers = false;
        (0..APPS).for_each(|app| self.world.connect(app));
        self.world.settle();
    }

    /// Every value that shows or is kept in a conflict.
    fn kept(&self) -> BTreeSet<String> {
        let mut kept = BTreeSet::new();
        let shown = (0..RECORDS).filter(|record| self.shows(0, *record));
        shown.for_each(|record| collect_item(&self.world, 0, self.records[record], &mut kept));
        kept
    }

    fn check(&self) -> Result<(), TestCaseError> {
        self.world.check_equal();
        let kept = self.kept();
        for value in &self.writes.written {
            let lost = !kept.contains(value) && !self.writes.seen_and_replaced.contains(value);
            prop_assert!(!lost, "{value} is lost");
        }
        Ok(())
    }
}

fn collect_item(world: &World, app: usize, record: RecordId, kept: &mut BTreeSet<String>) {
    let (node, body) = (world.node(app, record), world.body(app, record));
    kept.insert(node.name.clone());
    body.fields.values().for_each(|value| collect(value, kept));
    for conflict in node.conflicts.values().chain(body.conflicts.values()) {
        collect_conflict(conflict, kept);
    }
}

fn collect_conflict(conflict: &Conflict, kept: &mut BTreeSet<String>) {
    let sides = [&conflict.base, &conflict.local, &conflict.server];
    sides.into_iter().flatten().for_each(|value| collect(value, kept));
}

fn collect(value: &Value, kept: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(kept.insert(text.clone())),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, kept)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, kept)),
        _ => {}
    }
}

fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut history = History::new();
    for step in steps {
        history.take(step);
    }
    history.heal();
    history.check()
}

#[test]
fn the_checker_sees_a_lost_value() {
    let mut history = History::new();
    history.take(&Step::Write { app: 0, record: 0, field: 0 });
    history.heal();
    assert!(history.check().is_ok());
    history.writes.written.insert("never stored".to_owned());
    assert!(history.check().is_err());
}

#[test]
fn values_are_collected_from_everywhere() {
    let mut kept = BTreeSet::new();
    let text = Value::String("inner".to_owned());
    collect(&Value::Object(BTreeMap::from([("a".to_owned(), Value::Array(vec![text]))])), &mut kept);
    assert!(kept.contains("inner"));
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn no_history_loses_an_edit(steps in prop::collection::vec(step(), 1..60)) {
        play(&steps)?;
    }

    #[test]
    fn no_purge_takes_an_edit_that_its_author_did_not_see(steps in prop::collection::vec(step_or_purge(), 1..60)) {
        play(&steps)?;
    }

    #[test]
    fn no_restore_of_a_backup_loses_an_edit(steps in prop::collection::vec(step_or_restore(), 1..60)) {
        play(&steps)?;
    }
}
