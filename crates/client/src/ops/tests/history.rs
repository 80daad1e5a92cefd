//! Versions of an item: what a list tells, what differs, and making the item what it was.

use std::collections::BTreeMap;

use satchel_model::merge::{Authorship, merge_body};
use satchel_model::{Body, RecordId};
use satchel_sync::{Alarm, Change, VerifiedVersion, Version, VersionAlarm, VersionState};
use satchel_wire::{AccountId, AppId};

use super::script::{check, run};
use super::{ACCOUNT, Desk, Profile};
use crate::api::{ApiError, Call, Reply};
use crate::ops::history::{Versions, answer, target};

/// A desk that keeps versions of one item like the server.
struct Kept {
    desk: Desk,
    versions: Versions,
    seq: u64,
}

impl Kept {
    fn new(script: &str, name: &str) -> Self {
        let mut desk = Desk::signed_in();
        run(&mut desk, script);
        let record = desk.id(name);
        let apps = BTreeMap::from([(AppId::new([1; 16]), "laptop".to_owned())]);
        let (node, body, more) = (Vec::new(), Vec::new(), false);
        let mut kept = Self { desk, versions: Versions { record, node, body, more, apps }, seq: 2 };
        kept.keep();
        kept
    }

    fn body(&self) -> Body {
        let (workspace, record) = (self.desk.workspace(), self.versions.record);
        self.desk.body(workspace, record).expect("it reads").unwrap_or_default()
    }

    fn version(&self, state: VersionState, is_new: bool) -> Version {
        let (author, app) = (AccountId::new(ACCOUNT), AppId::new([1; 16]));
        let content = Ok(VerifiedVersion { author, app, is_new, state });
        Version { seq: self.seq, received_ms: self.seq * 1_000, content }
    }

    /// What the server keeps of the item as it is now.
    fn keep(&mut self) {
        self.seq += 1;
        let nodes = self.desk.engine.nodes(self.desk.workspace()).expect("it is here");
        let is_new = self.versions.node.is_empty();
        let node = match nodes.get(&self.versions.record) {
            Some(node) => VersionState::Node(Box::new(node.clone())),
            None => VersionState::Purged,
        };
        let body = match node {
            VersionState::Purged => VersionState::Purged,
            _ => VersionState::Body(Box::new(self.body())),
        };
        let state = |version: &Version| version.content.as_ref().ok().map(|verified| verified.state.clone());
        if self.versions.node.first().and_then(state).as_ref() != Some(&node) {
            self.versions.node.insert(0, self.version(node, is_new));
        }
        if self.versions.body.first().and_then(state).as_ref() != Some(&body) {
            self.versions.body.insert(0, self.version(body, is_new));
        }
    }

    /// Runs calls, each of which makes a version.
    fn run(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let answer = run(&mut self.desk, line);
            assert!(!answer.starts_with('!'), "{line}: {answer}");
            self.keep();
        }
    }

    fn call(&mut self, call: &Call) -> Result<Reply, ApiError> {
        let workspace = self.desk.workspace();
        answer(&mut self.desk, workspace, &self.versions, call)
    }

    fn list(&mut self) -> String {
        let id = self.versions.record.to_string();
        match self.call(&Call::History { path: id }) {
            Ok(Reply::History { versions, .. }) => {
                versions.iter().map(shown_version).collect::<Vec<_>>().concat()
            }
            other => panic!("{other:?}"),
        }
    }

    fn diff(&mut self, version: Option<u64>) -> String {
        let path = self.versions.record.to_string();
        match self.call(&Call::Diff { path, version }) {
            Ok(Reply::Difference { version, text, .. }) => {
                format!("{:?}\n{text}", version.map(|version| version.version))
            }
            Err(error) => format!("{:?}: {}", error.kind, error.detail),
            other => panic!("{other:?}"),
        }
    }

    fn restore(&mut self, version: Option<u64>) -> String {
        let path = self.versions.record.to_string();
        match self.call(&Call::Restore { path, version }) {
            Ok(Reply::Changed { items, .. }) => items.iter().map(|item| item.path.clone()).collect(),
            Err(error) => format!("{:?}: {}", error.kind, error.detail),
            other => panic!("{other:?}"),
        }
    }
}

const MAKE: &str = "
    new collection Shop
    new folder Shop/Old
    new request Shop/Get url=http://a.test description=first
";

fn kept() -> Kept {
    Kept::new(MAKE, "Get")
}

#[test]
fn a_list_tells_who_and_what_of_each_version() {
    let mut kept = kept();
    kept.run(
        "set Shop/Get description=second method=POST
        mv Shop/Get Shop/Fetch
        mv Shop/Fetch Shop/Old
        rm Shop/Old/Fetch
        untrash Fetch",
    );
    let expected = "\
*8 ada@example.com laptop: taken out of the trash
7 ada@example.com laptop: moved to the trash
6 ada@example.com laptop: moved to Shop/Old
5 ada@example.com laptop: renamed from Get
4 ada@example.com laptop: request.description, request.method
3 ada@example.com laptop: made
";
    assert_eq!(kept.list(), expected);
}

#[test]
fn a_difference_is_that_of_the_documents() {
    let mut kept = kept();
    kept.run("set Shop/Get description=second\nset Shop/Get description=third");
    let last = kept.diff(None);
    assert!(last.starts_with("Some(4)\n--- version 4\n+++ now\n@@ "), "{last}");
    assert!(
        last.contains("-    \"description\": \"second\"") && last.contains("+    \"description\": \"third\"")
    );
    assert!(kept.diff(Some(3)).contains("-    \"description\": \"first\""));
    assert_eq!(kept.diff(Some(5)), "Some(5)\n");
    assert!(kept.diff(Some(9)).starts_with("NotFound: it has no version 9"));
    assert_eq!(self::kept().diff(None), "None\n", "there is nothing to differ from");
}

#[test]
fn secrets_are_in_no_difference() {
    let mut kept = Kept::new("setenv Dev !!token=hunter1 url=http://a", "Dev");
    kept.run("setenv Dev token=hunter2 url=http://b");
    let text = kept.diff(None);
    assert!(text.contains("http://a") && text.contains("http://b") && !text.contains("hunter"), "{text}");
}

#[test]
fn restoring_a_version_is_one_edit_that_can_be_taken_back() {
    let mut kept = kept();
    kept.run("set Shop/Get description=second\nmv Shop/Get Shop/Old/Fetch");
    let edits = kept.desk.edits;
    assert_eq!(kept.restore(Some(3)), "Shop/Get");
    assert_eq!(kept.desk.edits, edits + 1);
    kept.keep();
    assert_eq!(kept.diff(Some(3)), "Some(3)\n");
    assert_eq!(kept.restore(None), "Shop/Old/Fetch", "the version before");
}

#[test]
fn what_was_purged_comes_back_from_its_versions() {
    let mut kept = kept();
    kept.run("rm Shop/Get\nempty");
    let expected = "\
*5 ada@example.com laptop: purged
4 ada@example.com laptop: moved to the trash
3 ada@example.com laptop: made
";
    assert_eq!(kept.list(), expected);
    assert!(kept.restore(Some(5)).starts_with("Invalid: version 5 is the one that purged it"));
    assert_eq!(kept.restore(None), "Shop/Get");
    assert!(kept.body().fields.contains_key("request"), "with its body");
}

#[test]
fn restoring_brings_a_settled_conflict_back() {
    let mut kept = kept();
    let base = kept.body();
    let side = |kept: &mut Kept, text: &str| {
        run(&mut kept.desk, &format!("set Shop/Get description={text}"));
        kept.body()
    };
    let (ours, theirs) = (side(&mut kept, "mine"), side(&mut kept, "theirs"));
    let by = Authorship { who: "09".repeat(16), when_ms: 5 };
    let merged = merge_body(Some(&base), &ours, &theirs, &by);
    let (workspace, record) = (kept.desk.workspace(), kept.versions.record);
    kept.desk.edit(workspace, vec![Change { record, node: None, body: Some(merged) }]).expect("stored");
    kept.keep();
    let conflicts = run(&mut kept.desk, "conflicts");
    kept.run("resolve Shop/Get local");
    assert_eq!(run(&mut kept.desk, "conflicts"), "");
    assert!(kept.list().contains("request.description; 1 conflict settled"), "{}", kept.list());
    assert_eq!(kept.restore(None), "Shop/Get");
    assert_eq!(run(&mut kept.desk, "conflicts"), conflicts);
    check(&mut kept.desk, "resolve Shop/Get server\nconflicts", "changed request GET Shop/Get");
}

#[test]
fn a_version_that_does_not_verify_is_told_and_never_used() {
    let mut kept = kept();
    kept.run("set Shop/Get description=second\nset Shop/Get description=third");
    let forged = VersionAlarm { alarm: Alarm::Forged, detail: "a signature".to_owned() };
    kept.versions.body[1].content = Err(forged);
    assert!(kept.list().contains("4  : ! forged: a signature"), "{}", kept.list());
    let refused = "LyingServer: version 4 does not verify: a signature";
    assert_eq!(kept.diff(Some(4)), refused);
    assert_eq!(kept.restore(Some(4)), refused);
    assert!(kept.diff(None).starts_with("Some(3)\n"), "the newest that can be believed");
}

#[test]
fn a_version_whose_place_is_gone_comes_back_where_the_item_stands() {
    let mut kept = Kept::new("new collection Shop\nnew folder Shop/Old\nnew request Shop/Old/Get", "Get");
    kept.run("mv Shop/Old/Get Shop/Got");
    run(&mut kept.desk, "rm Shop/Old");
    assert_eq!(kept.restore(Some(3)), "Shop/Get", "not into the trash");
}

#[test]
fn an_item_is_found_in_the_tree_in_the_trash_and_by_its_id() {
    let mut desk = Desk::signed_in();
    run(&mut desk, MAKE);
    let (workspace, id) = (desk.workspace(), desk.id("Get"));
    let find = |desk: &Desk, text: &str| target(desk, workspace, text).map_err(|error| error.detail);
    assert_eq!(find(&desk, "Shop/Get"), Ok(id));
    run(&mut desk, "rm Shop/Get");
    assert_eq!(find(&desk, "Shop/Get"), Ok(id));
    assert_eq!(find(&desk, &id.to_string()), Ok(id));
    let purged = RecordId([7; 16]);
    assert_eq!(find(&desk, &purged.to_string()), Ok(purged));
    assert!(find(&desk, "Shop/Nothing").is_err());
}

fn shown_version(version: &crate::api::VersionView) -> String {
    let mark = if version.current { "*" } else { "" };
    let problem = version.problem.clone().map(|problem| format!("! {problem}"));
    let words = problem.unwrap_or_else(|| version.changes.join("; "));
    format!("{mark}{} {} {}: {words}\n", version.version, version.who, version.app)
}
