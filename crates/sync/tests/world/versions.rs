//! History: what a version tells, and what is not believed of one.

use crate::support::World;
use satchel_model::{RecordId, Value};
use satchel_sync::{Alarm, Key, Version, VersionState};
use satchel_wire::{CommitHeader, Content, Part, StoredVersion, WorkspaceId};

fn key(record: RecordId, part: Part) -> Key {
    Key { record: satchel_wire::RecordId::new(record.0), part }
}

/// What the server keeps of one part of a record, the newest first.
fn kept(world: &World, record: RecordId, part: Part) -> Vec<StoredVersion> {
    let entries = &world.server.ledgers[&world.workspace].entries;
    let version = |(seq, (header, envelopes)): (u64, &(satchel_wire::SignedHeader, Vec<Vec<u8>>))| {
        let decoded = CommitHeader::decode(&header.header).expect("the engine signs good headers");
        let Content::Ops { ops, .. } = &decoded.content else { return None };
        let at = ops.iter().position(|op| Key { record: op.record, part: op.part } == key(record, part))?;
        let puts = ops[..at].iter().filter(|op| op.put.is_some()).count();
        let envelope = ops[at].put.map(|_| envelopes[puts].clone().into());
        Some(StoredVersion { seq, received_ms: seq * 10, header: header.clone(), envelope })
    };
    let mut versions: Vec<_> = (1..).zip(entries).filter_map(version).collect();
    versions.reverse();
    versions
}

fn read(world: &World, workspace: WorkspaceId, key: Key, stored: &[StoredVersion]) -> Vec<Version> {
    let engine = &world.apps[0].engine;
    engine.read_versions::<std::convert::Infallible>(workspace, key, stored).expect("the workspace is here")
}

fn url(state: &VersionState) -> String {
    match state {
        VersionState::Body(body) => match body.fields.get("url") {
            Some(Value::String(text)) => text.clone(),
            other => format!("{other:?}"),
        },
        VersionState::Node(node) => node.name.clone(),
        VersionState::Purged => "purged".to_owned(),
    }
}

/// Two apps that each made a version of one request, with the request.
fn world() -> (World, RecordId) {
    let mut world = World::new(2);
    let record = world.create(0, "Get", &[("url", "one")]);
    world.settle();
    world.set(1, record, "url", "two");
    world.settle();
    (world, record)
}

#[test]
fn a_version_tells_what_it_was_and_which_app_made_it() {
    let (world, record) = world();
    let key = key(record, Part::Body);
    let versions = read(&world, world.workspace, key, &kept(&world, record, Part::Body));
    let told: Vec<_> = versions
        .iter()
        .map(|version| {
            let verified = version.content.as_ref().expect("it verifies");
            (url(&verified.state), verified.app.as_bytes()[0], version.received_ms == version.seq * 10)
        })
        .collect();
    assert_eq!(told, [("two".to_owned(), 2, true), ("one".to_owned(), 1, true)]);
}

#[test]
fn what_does_not_verify_is_an_alarm_of_that_version_alone() {
    let (mut world, record) = world();
    let other = world.create(0, "Other", &[("url", "three")]);
    world.settle();
    let place = key(record, Part::Body);
    let good = kept(&world, record, Part::Body);
    let foreign = kept(&world, other, Part::Body).remove(0);
    let check = |spoil: &dyn Fn(&mut StoredVersion), expected: Alarm| {
        let mut stored = good.clone();
        spoil(&mut stored[0]);
        let versions = read(&world, world.workspace, place, &stored);
        let alarm = versions[0].content.as_ref().expect_err("it is not believed");
        assert_eq!(alarm.alarm, expected, "{}", alarm.detail);
        assert!(versions[1].content.is_ok(), "the others are");
    };
    check(&|version| version.envelope.as_mut().expect("a put")[70] ^= 1, Alarm::Damaged);
    check(&|version| version.envelope = None, Alarm::Damaged);
    check(&|version| version.envelope.clone_from(&foreign.envelope), Alarm::Damaged);
    check(&|version| version.envelope.clone_from(&good[1].envelope), Alarm::Damaged);
    check(&|version| version.header = foreign.header.clone(), Alarm::Forged);
    check(&|version| version.header.signature = good[1].header.signature, Alarm::Forged);
    check(&|version| version.header.header = vec![1, 2, 3].into(), Alarm::Forged);
    let far = World::new(1).workspace;
    assert_eq!(far, world.workspace, "the same seeds give the same workspace");
}

#[test]
fn a_purge_is_a_version_too() {
    let (mut world, record) = world();
    let (workspace, app) = (world.workspace, &mut world.apps[0]);
    app.engine.purge(workspace, &[record], satchel_sync::BulkMark::Unmarked, &mut app.store).expect("stored");
    world.settle();
    let stored = kept(&world, record, Part::Node);
    let versions = read(&world, world.workspace, key(record, Part::Node), &stored);
    let states: Vec<_> =
        versions.iter().map(|version| url(&version.content.as_ref().expect("it verifies").state)).collect();
    assert_eq!(states, ["purged", "Get"]);
}
