//! What changed, gathered for a moment and told with the items as they are now.
//!
//! Why it exists: a page shows ten thousand items and wants to hear which of them changed, not that something did. One edit
//! is several words of the client's; they are told as one.
//!
//! Invariants: a change is told within [`GATHER_TIME`] and the time of two calls; where words were missed, or are too
//! many, a page is told to read everything.
//!
//! Knows nothing of sockets and pages.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use satchel_client::api::{Call, PageEvent, Reply, Request, Status};
use satchel_client::{Change, Client};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self};
use tokio::time::{Instant, timeout_at};

/// How long changes are gathered before they are told together.
const GATHER_TIME: Duration = Duration::from_millis(15);
/// Items that are told by name; more are told as everything.
const ITEMS_MAX: usize = 500;

/// The changes of a profile, from now on.
pub(crate) struct Changes {
    client: Client,
    words: broadcast::Receiver<Change>,
}

impl Changes {
    /// Begins to listen at once: what changes after this is told.
    pub(crate) fn of(client: &Client) -> Self {
        Self { client: client.clone(), words: client.changes() }
    }

    /// The next events; none when the profile is closed.
    pub(crate) async fn next(&mut self) -> Option<Vec<PageEvent>> {
        let mut gathered = Gathered::default();
        gathered.take(self.words.recv().await)?;
        let until = Instant::now() + GATHER_TIME;
        while let Ok(word) = timeout_at(until, self.words.recv()).await {
            gathered.take(word)?;
        }
        Some(self.events(gathered).await)
    }

    async fn events(&self, gathered: Gathered) -> Vec<PageEvent> {
        let mut events = Vec::new();
        let mut workspaces = Vec::new();
        if let Some(status) = self.status(gathered.is_state || gathered.is_missed).await {
            workspaces = status.workspaces.iter().map(|one| one.id.clone()).collect();
            events.push(PageEvent::Status { status });
        }
        if gathered.is_missed {
            events.extend(workspaces.into_iter().map(everything));
            return events;
        }
        for (workspace, items) in gathered.items {
            events.extend(match items {
                Some(items) if items.len() <= ITEMS_MAX => self.look(workspace, items).await,
                _ => Some(everything(workspace)),
            });
        }
        events
    }

    async fn status(&self, is_wanted: bool) -> Option<Status> {
        if !is_wanted {
            return None;
        }
        match self.call(None, Call::Status).await? {
            Reply::Status(status) => Some(status),
            _ => None,
        }
    }

    async fn look(&self, workspace: String, items: BTreeSet<String>) -> Option<PageEvent> {
        let call = Call::Look { items: items.into_iter().collect() };
        match self.call(Some(workspace.clone()), call).await {
            Some(Reply::Looked { items, removed }) if items.is_empty() && removed.is_empty() => None,
            Some(Reply::Looked { items, removed }) => Some(PageEvent::Changed { workspace, items, removed }),
            // The workspace is gone: the status tells.
            _ => None,
        }
    }

    async fn call(&self, workspace: Option<String>, call: Call) -> Option<Reply> {
        self.client.call(Request { workspace, wait_ms: 0, call }, None).await.ok()
    }
}

fn everything(workspace: String) -> PageEvent {
    PageEvent::Changed { workspace, items: Vec::new(), removed: Vec::new() }
}

/// Words that are told together.
#[derive(Debug, Default, PartialEq)]
struct Gathered {
    is_state: bool,
    /// Words were lost on the way.
    is_missed: bool,
    /// By workspace; none means everything in it.
    items: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl Gathered {
    /// Takes a word; none if there will be no more.
    fn take(&mut self, word: Result<Change, RecvError>) -> Option<()> {
        match word {
            Ok(Change::State) => self.is_state = true,
            Ok(Change::Items { workspace, items }) => {
                let kept = self.items.entry(workspace).or_insert_with(|| Some(BTreeSet::new()));
                match kept {
                    Some(kept) if !items.is_empty() => kept.extend(items),
                    _ => *kept = None,
                }
            }
            Err(RecvError::Lagged(_)) => self.is_missed = true,
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(names: &[&str]) -> Change {
        let items = names.iter().map(|name| (*name).to_owned()).collect();
        Change::Items { workspace: "w".to_owned(), items }
    }

    fn check(words: Vec<Change>, expected: Option<&[&str]>) {
        let mut gathered = Gathered::default();
        for word in words {
            gathered.take(Ok(word)).expect("it goes on");
        }
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(gathered.items["w"], expected);
    }

    #[test]
    fn words_are_told_as_one() {
        check(vec![items(&["b"]), Change::State, items(&["a", "b"])], Some(&["a", "b"]));
        check(vec![items(&["a"]), items(&[]), items(&["b"])], None);
    }

    #[test]
    fn lost_words_mean_everything_and_the_end_is_the_end() {
        let mut gathered = Gathered::default();
        assert!(gathered.take(Err(RecvError::Lagged(3))).is_some());
        assert!(gathered.is_missed);
        assert!(gathered.take(Err(RecvError::Closed)).is_none());
    }
}
