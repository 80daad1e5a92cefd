//! What people do besides editing: they purge, and look at the history of an item.

use satchel_model::RecordId;
use satchel_server::store::VersionsRequest;
use satchel_sync::{BulkMark, EngineError, Key, Store, VersionState};
use satchel_wire::Part;

use super::World;
use crate::check::{Checked, history};
use crate::oracle::tokens_of_item;
use crate::person;
use crate::tier::Tier;

/// Versions that are read at a time.
const VERSIONS: u32 = 20;

impl<T> World<T>
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    /// An item goes for good, of the trash most of the time.
    pub(super) fn purge(&mut self, index: usize) -> Checked {
        let (workspace, root) = (self.workspace, self.root());
        let app = &mut self.apps[index];
        let Some(nodes) = app.engine.nodes(workspace) else { return Ok(()) };
        let records = nodes.iter().filter(|(record, _)| **record != root);
        let trashed: Vec<_> =
            records.clone().filter(|(_, node)| node.trashed.is_some()).map(|(record, _)| *record).collect();
        let all: Vec<_> = records.map(|(record, _)| *record).collect();
        let any = self.rng.pick(&all);
        let Some(record) = self.rng.pick(&trashed).filter(|_| !self.rng.one_in(4)).or(any) else {
            return Ok(());
        };
        let Some(node) = nodes.get(&record).cloned() else { return Ok(()) };
        let body = match app.engine.body(workspace, record, &app.store) {
            Ok(body) => body,
            Err(error) => return self.fail(index, &error),
        };
        // It may be stored though the call fails, when the power goes just then.
        self.oracle.purge(record, &tokens_of_item(&node, body.as_ref()));
        self.ledger.allow_purge(record);
        if self.variation.trace {
            eprintln!("  purges {record:?}");
        }
        match app.engine.purge(workspace, &[record], BulkMark::Unmarked, &mut app.store) {
            // Its disk still has a fault in store.
            Ok(()) | Err(EngineError::Coming) => Ok(()),
            Err(error) => self.fail(index, &error),
        }
    }

    /// Versions of an item, as an app with all entries reads them.
    pub(super) fn read_history(&mut self, index: usize) -> Checked {
        let workspace = self.workspace;
        let app = &self.apps[index];
        let Some(store) = self.server.store().filter(|_| !self.went_back_unsaid && app.link.is_some()) else {
            return Ok(());
        };
        let Some(summary) = app.engine.summary(workspace) else { return Ok(()) };
        if self.plan.has_people() && !self.is_member(index) {
            return Ok(());
        }
        if !app.engine.is_live(workspace) || summary.head.seq != self.ledger.entry_count() {
            return Ok(());
        }
        let records: Vec<RecordId> =
            app.engine.nodes(workspace).into_iter().flatten().map(|(record, _)| *record).collect();
        let Some(record) = self.rng.pick(&records) else { return Ok(()) };
        let part = if self.rng.one_in(2) { Part::Node } else { Part::Body };
        let key = Key { record: satchel_wire::RecordId::new(record.0), part };
        let request = VersionsRequest { workspace, record: key.record, part, before: None, limit: VERSIONS };
        let account = person::account_id(app.seat.account);
        let page = store.versions(account, &request).expect("a disk in good order reads");
        let versions = app.engine.read_versions(workspace, key, &page.versions);
        let versions = match versions {
            Ok(versions) => versions,
            Err(error) => return self.fail(index, &error),
        };
        history::check(index, &versions)?;
        let newest = versions.first().and_then(|version| version.content.as_ref().ok());
        if app.engine.is_waiting(workspace, record) {
            return Ok(()); // it shows more than the server has
        }
        let body = match app.engine.body(workspace, record, &app.store) {
            Ok(body) => body,
            Err(error) => return self.fail(index, &error),
        };
        match newest.map(|newest| &newest.state) {
            Some(VersionState::Body(state)) => {
                history::check_newest(index, record, Some(&**state), body.as_ref())
            }
            Some(VersionState::Node(state)) => {
                let shown = app.engine.nodes(workspace).and_then(|nodes| nodes.get(&record));
                history::check_newest(index, record, Some(&**state), shown)
            }
            _ => Ok(()),
        }
    }
}
