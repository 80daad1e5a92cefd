//! What changed, item by item, for whoever listens.
//!
//! Why it exists: a page that is told "something changed" reads ten thousand items again; one that is told which reads one.
//!
//! Invariant: nothing that shows changes without a word; where the items are too many to name, the word is "everything".

use std::collections::{BTreeMap, BTreeSet};

use satchel_model::RecordId;
use satchel_wire::WorkspaceId;
use tokio::sync::broadcast;

use super::Core;

/// Items that are named in one word; more are "everything".
const ITEMS_NAMED_MAX: usize = 500;
/// Words that wait for a listener who is slow; who misses some is told so by the channel.
const WORDS_WAITING_MAX: usize = 256;

/// One word about what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A state, a count, who is here, or which workspaces there are.
    State,
    /// Items of a workspace.
    Items {
        /// The workspace's id.
        workspace: String,
        /// The items' ids; empty means everything.
        items: Vec<String>,
    },
}

/// What is to be told, and to whom.
#[derive(Debug)]
pub(super) struct News {
    listeners: broadcast::Sender<Change>,
    /// Changed since the last word.
    changed: BTreeMap<WorkspaceId, BTreeSet<RecordId>>,
    /// Edited here and shown as waiting for the server.
    waiting: BTreeMap<WorkspaceId, BTreeSet<RecordId>>,
}

impl News {
    pub(super) fn new(listeners: broadcast::Sender<Change>) -> Self {
        Self { listeners, changed: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    /// Items that show otherwise than before.
    pub(super) fn note(&mut self, workspace: WorkspaceId, items: impl IntoIterator<Item = RecordId>) {
        note(&mut self.changed, workspace, items);
    }

    /// Items that were edited here: they show as waiting until the server has them.
    pub(super) fn note_edit(&mut self, workspace: WorkspaceId, items: &[RecordId]) {
        note(&mut self.changed, workspace, items.iter().copied());
        note(&mut self.waiting, workspace, items.iter().copied());
    }

    pub(super) fn tell(&self, change: Change) {
        // Nobody listens: nobody misses it.
        let _ = self.listeners.send(change);
    }
}

/// One more than can be named is kept, no more: it stands for everything.
fn note(
    kept: &mut BTreeMap<WorkspaceId, BTreeSet<RecordId>>,
    workspace: WorkspaceId,
    items: impl IntoIterator<Item = RecordId>,
) {
    let kept = kept.entry(workspace).or_default();
    let room = (ITEMS_NAMED_MAX + 1).saturating_sub(kept.len());
    kept.extend(items.into_iter().take(room));
}

impl Core {
    /// The server has something: what was edited here and waits no more is told again.
    pub(super) fn note_settled(&mut self, workspace: WorkspaceId) {
        let Some(waiting) = self.news.waiting.get_mut(&workspace) else { return };
        let engine = &self.engine;
        if waiting.len() > ITEMS_NAMED_MAX {
            // Not all are known by name, so they are told together, once.
            if engine.waiting() == 0 {
                let all = std::mem::take(waiting);
                self.news.note(workspace, all);
            }
            return;
        }
        let settled: Vec<_> =
            waiting.iter().copied().filter(|item| !engine.is_waiting(workspace, *item)).collect();
        waiting.retain(|item| engine.is_waiting(workspace, *item));
        self.news.note(workspace, settled);
    }

    /// Says which items changed since the last word.
    pub(super) fn tell_news(&mut self) {
        for (workspace, items) in std::mem::take(&mut self.news.changed) {
            if items.is_empty() {
                continue;
            }
            let is_everything = items.len() > ITEMS_NAMED_MAX;
            let items =
                if is_everything { Vec::new() } else { items.iter().map(ToString::to_string).collect() };
            self.news.tell(Change::Items { workspace: workspace.to_string(), items });
        }
    }
}

/// The channel of a profile.
pub(crate) fn channel() -> broadcast::Sender<Change> {
    broadcast::Sender::new(WORDS_WAITING_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_named_is_kept_as_one_too_many() {
        let mut news = News::new(channel());
        let workspace = WorkspaceId::new([1; 16]);
        let item = |n: u16| RecordId([n.to_le_bytes(); 8].concat().try_into().expect("16 bytes"));
        for n in 0..2_000 {
            news.note_edit(workspace, &[item(n)]);
        }
        assert_eq!(news.changed[&workspace].len(), ITEMS_NAMED_MAX + 1);
        assert_eq!(news.waiting[&workspace].len(), ITEMS_NAMED_MAX + 1);
    }
}
