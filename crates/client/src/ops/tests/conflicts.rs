//! Conflicts: listing them, and settling one, those of an item, and those of a collection.

use satchel_model::merge::{Authorship, merge_body, merge_node};
use satchel_model::{Body, Map, Node, Value};
use satchel_sync::Change;

use super::script::{check, run};
use super::{Desk, Profile};

const ACCOUNT: &str = "09090909090909090909090909090909";

/// Merges two edits of one item, as the engine does when two apps made them.
fn collide(desk: &mut Desk, name: &str, local: &str, server: &str) {
    let workspace = desk.workspace();
    let id = desk.id(name);
    let state = |desk: &Desk| {
        let nodes = desk.engine.nodes(workspace).expect("it is here");
        let body = desk.body(workspace, id).expect("it can be read").unwrap_or_default();
        (nodes[&id].clone(), body)
    };
    let store = |desk: &mut Desk, (node, body): (Node, Body)| {
        let change = Change { record: id, node: Some(node), body: Some(body) };
        desk.edit(workspace, vec![change]).expect("it can be stored");
    };
    let base = state(desk);
    run(desk, &local.replace('@', &id.to_string()));
    let ours = state(desk);
    store(desk, base.clone());
    run(desk, &server.replace('@', &id.to_string()));
    let theirs = state(desk);
    let by = Authorship { who: ACCOUNT.to_owned(), when_ms: 5 };
    let node = merge_node(Some(&base.0), &ours.0, &theirs.0, &by);
    let body = merge_body(Some(&base.1), &ours.1, &theirs.1, &by);
    store(desk, (node, body));
}

fn desk() -> Desk {
    let mut desk = Desk::signed_in();
    run(
        &mut desk,
        "
        new collection Shop
        new request Shop/Get url=http://a.test description=old header.A=1
        new request Shop/Put description=old
        ",
    );
    collide(
        &mut desk,
        "Get",
        "set @ description=mine header.A=2 name=Mine",
        "set @ description=theirs header.A=3 name=Theirs",
    );
    collide(&mut desk, "Put", "set @ description=mine", "set @ description=theirs");
    desk
}

#[test]
fn conflicts_say_what_is_at_odds() {
    let mut desk = desk();
    let mut lines: Vec<_> = run(&mut desk, "conflicts").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "Shop/Put request.description: \"old\" local \"mine\" server \"theirs\" by ada@example.com",
            "Shop/Theirs name: \"Get\" local \"Mine\" server \"Theirs\" by ada@example.com",
            "Shop/Theirs request.description: \"old\" local \"mine\" server \"theirs\" by ada@example.com",
            "Shop/Theirs request.header.A.value: \"1\" local \"2\" server \"3\" by ada@example.com",
        ]
    );
    check(
        &mut desk,
        "tree",
        "
        collection Shop
          request GET Theirs !3
          request GET Put !1
        ",
    );
}

#[test]
fn one_field_is_settled_each_way() {
    let check = |choice: &str, expected: &str| {
        let mut desk = desk();
        let answer = run(&mut desk, &format!("resolve Shop/Put {choice} request.description"));
        assert_eq!(answer, "changed request GET Shop/Put\n");
        let body = desk.stored("Put");
        assert!(body.conflicts.is_empty());
        let got = Value::Object(body.fields).get(&["request", "description"]).cloned();
        assert_eq!(got, Some(Value::String(expected.to_owned())), "{choice}");
    };
    check("local", "mine");
    check("server", "theirs");
    check("both", "theirs\nmine");
    check("=ours", "ours");
    check("=5", "5");
}

#[test]
fn a_conflict_goes_by_the_beginning_of_its_id() {
    let mut desk = desk();
    let conflicts = match desk.call(&crate::api::Call::Conflicts) {
        Ok(crate::api::Reply::Conflicts { conflicts }) => conflicts,
        other => panic!("{other:?}"),
    };
    let header = conflicts.iter().find(|conflict| conflict.field.contains("header")).expect("there is one");
    let beginning = &header.id[..8];
    let shown = run(&mut desk, &format!("conflict {beginning}"));
    assert!(shown.starts_with("Shop/Theirs request.header.A.value:"), "{shown}");
    check(&mut desk, &format!("resolve {beginning} local"), "changed request GET Shop/Theirs");
    check(
        &mut desk,
        &format!("conflict {beginning}"),
        &format!("! not_found: opening the conflict {beginning}: there is no conflict with that id"),
    );
    assert_eq!(run(&mut desk, "conflicts").lines().count(), 3);
}

#[test]
fn all_of_an_item_and_all_of_a_collection_are_settled_with_one_edit() {
    let mut desk = desk();
    let edits = desk.edits;
    check(&mut desk, "resolve Shop/Theirs local", "changed request GET Shop/Mine");
    assert_eq!(run(&mut desk, "conflicts").lines().count(), 1);
    check(&mut desk, "resolve Shop local\nconflicts", "changed request GET Shop/Put");
    assert_eq!(desk.edits, edits + 2);
    check(&mut desk, "resolve Shop server", "! not_found: resolving Shop: there is no such conflict there");

    let mut desk = self::desk();
    run(&mut desk, "resolve Shop server");
    check(&mut desk, "conflicts\nls Shop", "request GET Theirs\nrequest GET Put");
}

#[test]
fn two_moves_of_one_item_show_both_places_and_either_can_be_chosen() {
    let desk = || {
        let mut desk = Desk::signed_in();
        run(
            &mut desk,
            "new collection Shop\nnew folder Shop/A\nnew folder Shop/B\nnew request Shop/Get\nnew request Shop/B/In",
        );
        collide(&mut desk, "Get", "mv @ Shop/A", "mv @ Shop/B");
        desk
    };
    let mut found = desk();
    let Ok(crate::api::Reply::Conflicts { conflicts }) = found.call(&crate::api::Call::Conflicts) else {
        panic!("no list")
    };
    let place = |value: &Option<serde_json::Value>| value.as_ref().map(|value| value["place"].clone());
    let places = [&conflicts[0].base, &conflicts[0].local, &conflicts[0].server].map(place);
    assert_eq!(places, ["Shop", "Shop/A", "Shop/B"].map(|place| Some(place.into())));
    check(&mut found, "resolve Shop/B/Get local\nconflicts", "changed request GET Shop/A/Get");
    check(&mut desk(), "resolve Shop server\nconflicts", "changed request GET Shop/B/Get");
    let answer = run(&mut desk(), "resolve Shop/B/Get both");
    assert!(answer.starts_with("! cannot_stand_both: "), "{answer}");
    let mut gone = desk();
    run(&mut gone, "rm Shop/A");
    let answer = run(&mut gone, "resolve Shop/B/Get local");
    assert!(answer.contains("Shop/A, which it stands in, lies in the trash"), "{answer}");
}

#[test]
fn a_deletion_against_an_edit_is_settled_either_way() {
    let desk = || {
        let mut desk = Desk::signed_in();
        run(&mut desk, "new collection Shop\nnew request Shop/Get");
        let (workspace, id) = (desk.workspace(), desk.id("Get"));
        let node = desk.engine.nodes(workspace).expect("it is here")[&id].clone();
        let trashed = satchel_model::Trashed { who: ACCOUNT.to_owned(), when_ms: 4 };
        let node = Node { trashed: Some(trashed), ..node };
        let by = Authorship { who: ACCOUNT.to_owned(), when_ms: 5 };
        let kept = satchel_model::merge::keep_over_trash(&node, &by);
        desk.edit(workspace, vec![Change { record: id, node: Some(kept), body: None }]).expect("stored");
        desk
    };
    check(
        &mut desk(),
        "ls Shop\nresolve Shop/Get local\nls Shop\nconflicts",
        "
        request GET Get !1
        changed request GET Shop/Get
        request GET Get
    ",
    );
    check(
        &mut desk(),
        "resolve Shop/Get server\nls Shop\ntrash",
        "
        trashed request GET Shop/Get +0 by ada@example.com
    ",
    );
}

#[test]
fn what_cannot_stand_beside_another_is_refused_and_changes_nothing() {
    let mut desk = desk();
    let before = run(&mut desk, "conflicts");
    let answer = run(&mut desk, "resolve Shop/Theirs both name");
    assert!(answer.starts_with("! cannot_stand_both: "), "{answer}");
    let answer = run(&mut desk, "resolve Shop/Theirs = name");
    assert!(answer.starts_with("! invalid: "), "{answer}");
    let answer = run(&mut desk, "resolve Shop/Theirs local nonsense");
    assert!(answer.starts_with("! not_found: "), "{answer}");
    assert_eq!(run(&mut desk, "conflicts"), before);
}

#[test]
fn a_secret_in_a_conflict_is_masked_in_lists() {
    let mut desk = Desk::signed_in();
    run(&mut desk, "setenv Dev !!token=hunter1");
    collide(&mut desk, "Dev", "setenv @ token=hunter2", "setenv @ token=hunter3");
    let listed = run(&mut desk, "conflicts");
    assert!(listed.contains("(secret)") && !listed.contains("hunter"), "{listed}");
    run(&mut desk, "resolve Dev local");
    check(&mut desk, "env Dev secrets", "environment Dev\n  token=hunter2 now - shared secret");
}

#[test]
fn a_secret_that_became_one_is_settled_without_leaving_this_device() {
    let mut desk = Desk::signed_in();
    run(&mut desk, "setenv Dev token=hunter1");
    collide(&mut desk, "Dev", "setenv @ !token=hunter2", "setenv @ token=hunter3");
    run(&mut desk, "resolve Dev local");
    let stored = desk.stored("Dev");
    assert!(stored.conflicts.is_empty(), "{stored:?}");
    assert!(!format!("{:?}", Map::clone(&stored.fields)).contains("hunter3"), "{stored:?}");
}
