//! A local copy whose plain rows were damaged: read again from the whole ledger, and nothing that waits is lost.

use crate::support::World;
use satchel_model::RecordId;
use satchel_sync::{Alarm, Batch, InFlight, Kept, Loaded, Store, SyncState, Write};
use satchel_wire::{Chain, Digest, Head, Part, Revision, SignedHeader};

/// Which row of the store is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flip {
    HeadLower,
    HeadHigher,
    HeadChain,
    NewestChain,
    Digest,
    Revision,
    Sequence,
    Record,
    Envelope,
    Conflicts,
    Signature,
    Charter,
    NoCharter,
}

const ALL: [Flip; 13] = [
    Flip::HeadLower,
    Flip::HeadHigher,
    Flip::HeadChain,
    Flip::NewestChain,
    Flip::Digest,
    Flip::Revision,
    Flip::Sequence,
    Flip::Record,
    Flip::Envelope,
    Flip::Conflicts,
    Flip::Signature,
    Flip::Charter,
    Flip::NoCharter,
];

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    bytes
}

fn flipped_chain(head: Head) -> Head {
    let mut chain = *head.chain.as_bytes();
    chain[9] ^= 1;
    Head { chain: Chain::new(chain), ..head }
}

fn charter(signed: SignedHeader) -> Vec<Write> {
    vec![Write::ClearCharter, Write::AddCharter { seq: 1, header: signed }]
}

fn base_writes(flip: Flip, world: &World, app: usize, record: RecordId) -> Vec<Write> {
    let store = &world.apps[app].store;
    let loaded = store.load(world.workspace).expect("it loads");
    let is_it = |entry: &&satchel_sync::BaseEntry| {
        entry.key.record.as_bytes() == &record.0 && entry.key.part == Part::Body
    };
    let entry = loaded.base.iter().find(is_it).expect("it is there").clone();
    let (mut key, mut seq, mut revision, mut conflicts) =
        (entry.key, entry.seq, entry.revision, entry.conflicts);
    let kept = store.base(world.workspace, key).expect("it reads").expect("it is there");
    let Kept::Envelope(mut envelope) = kept else { panic!("no packs here") };
    match flip {
        Flip::Revision => {
            let mut bytes = *revision.as_bytes();
            bytes[3] ^= 1;
            revision = Revision::new(bytes);
        }
        Flip::Sequence => seq += 1 << 20,
        Flip::Record => {
            let mut bytes = *key.record.as_bytes();
            bytes[3] ^= 1;
            key.record = satchel_wire::RecordId::new(bytes);
        }
        Flip::Envelope => envelope = flipped(&envelope),
        _ => conflicts += 4,
    }
    vec![Write::RemoveBase { key: entry.key }, Write::PutBase { key, seq, revision, conflicts, envelope }]
}

fn writes(flip: Flip, world: &World, app: usize, record: RecordId) -> Vec<Write> {
    let loaded: Loaded = world.apps[app].store.load(world.workspace).expect("it loads");
    let (head, digest) = (loaded.head, loaded.digest);
    let first = loaded.charter[0].1.clone();
    match flip {
        Flip::HeadLower => vec![Write::SetHead { head: Head { seq: head.seq - 1, ..head }, digest }],
        Flip::HeadHigher => vec![Write::SetHead { head: Head { seq: head.seq + 64, ..head }, digest }],
        Flip::HeadChain => vec![Write::SetHead { head: flipped_chain(head), digest }],
        Flip::NewestChain => {
            let mut chains = loaded.chains.clone();
            let newest = chains.pop().expect("there is one");
            chains.push(flipped_chain(newest));
            vec![Write::ClearChains, Write::AddChains(chains)]
        }
        Flip::Digest => {
            let mut bytes = *digest.as_bytes();
            bytes[30] ^= 8;
            vec![Write::SetHead { head, digest: Digest::new(bytes) }]
        }
        Flip::Signature => {
            let mut bytes = *first.signature.as_bytes();
            bytes[5] ^= 2;
            charter(SignedHeader { signature: satchel_wire::Signature::new(bytes), ..first })
        }
        Flip::Charter => charter(SignedHeader { header: flipped(&first.header).into(), ..first }),
        Flip::NoCharter => vec![Write::ClearCharter],
        _ => base_writes(flip, world, app, record),
    }
}

fn damage(flip: Flip, world: &mut World, app: usize, record: RecordId) {
    let batch = Batch { workspace: world.workspace, writes: writes(flip, world, app, record) };
    world.apps[app].store.apply(&batch).expect("a memory store works");
    world.apps[app].restart();
}

/// What `reload` does.
fn reload(world: &mut World, app: usize) {
    let workspace = world.workspace;
    let this = &mut world.apps[app];
    let report = this.engine.verify(workspace, &mut this.store).expect("it is checked");
    assert!(report.distrusted.is_some() || !report.damaged.is_empty(), "it finds nothing");
    this.engine.reload(workspace, &mut this.store).expect("it is tried again");
    world.connect(app);
    world.settle();
}

fn check_whole(world: &mut World, app: usize, what: &str) {
    let workspace = world.workspace;
    world.apps[app].restart();
    let this = &mut world.apps[app];
    let report = this.engine.verify(workspace, &mut this.store).expect("it is checked");
    assert!(report.damaged.is_empty() && report.digest_agrees, "{what}: {report:?}");
    assert_eq!(report.distrusted, None, "{what}");
    world.connect(app);
    world.settle();
    world.check_equal();
}

#[track_caller]
fn check(flip: Flip) {
    let mut world = World::new(2);
    let damaged = world.create(0, "Damaged", &[("url", "/1"), ("description", "d")]);
    let edited = world.create(0, "Edited", &[("url", "/e"), ("description", "d")]);
    let gone = world.create(0, "Gone", &[("url", "/g")]);
    world.settle();
    world.disconnect(1);
    world.set(1, damaged, "description", "waits");
    world.set(1, edited, "description", "waits, too");
    let made = world.create(1, "Made", &[("url", "/made")]);
    world.set(0, edited, "url", "/e2");
    world.set(0, damaged, "url", "/2");
    let app = &mut world.apps[0];
    let mark = satchel_sync::BulkMark::Unmarked;
    app.engine.purge(world.workspace, &[gone], mark, &mut app.store).expect("it is stored");
    world.settle();
    damage(flip, &mut world, 1, damaged);
    reload(&mut world, 1);
    world.check_equal();
    assert_eq!(world.field(0, edited, "description"), "waits, too", "{flip:?}");
    assert_eq!(world.field(0, edited, "url"), "/e2", "{flip:?}");
    assert_eq!(world.field(0, made, "url"), "/made", "{flip:?}");
    assert!(!world.apps[1].engine.nodes(world.workspace).expect("it is there").contains_key(&gone));
    if matches!(flip, Flip::Record | Flip::Envelope) {
        // Its base is lost, so both are kept beside each other.
        let sides = format!("{:?}", world.body(0, damaged));
        assert!(["/1", "/2", "waits"].iter().all(|value| sides.contains(value)), "{flip:?}: {sides}");
    } else {
        assert_eq!(world.field(0, damaged, "description"), "waits", "{flip:?}");
        assert_eq!(world.field(0, damaged, "url"), "/2", "{flip:?}");
        assert!(world.apps[0].engine.conflicts(world.workspace).is_empty(), "{flip:?}");
    }
    check_whole(&mut world, 1, &format!("{flip:?}"));
}

#[test]
fn every_kind_of_row_is_mended_and_what_waits_is_merged() {
    ALL.into_iter().for_each(check);
}

#[test]
fn without_changes_elsewhere_a_waiting_edit_over_a_damaged_record_is_no_conflict() {
    for flip in ALL {
        let mut world = World::new(1);
        let record = world.create(0, "Get cart", &[("url", "/1")]);
        let other = world.create(0, "Other", &[("url", "/o")]);
        world.settle();
        world.disconnect(0);
        world.set(0, other, "url", "/waits");
        damage(flip, &mut world, 0, record);
        reload(&mut world, 0);
        assert_eq!(world.field(0, record, "url"), "/1", "{flip:?}");
        assert_eq!(world.field(0, other, "url"), "/waits", "{flip:?}");
        assert!(world.apps[0].engine.conflicts(world.workspace).is_empty(), "{flip:?}");
        check_whole(&mut world, 0, &format!("{flip:?}"));
    }
}

#[test]
fn a_damaged_charter_is_mended_by_any_connection() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    damage(Flip::Signature, &mut world, 1, record);
    world.connect(1);
    world.settle();
    world.check_equal();
    assert!(world.apps[1].engine.mended(world.workspace).is_some());
    check_whole(&mut world, 1, "a signature");
}

#[test]
fn what_only_the_ledger_tells_is_mended_after_its_alarm() {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    world.disconnect(1);
    world.set(0, record, "url", "/2");
    world.settle();
    damage(Flip::Revision, &mut world, 1, record);
    world.connect(1);
    world.settle();
    let state = world.apps[1].engine.summary(world.workspace).expect("it is there").state;
    assert!(matches!(state, SyncState::Blocked(Alarm::Forged, _)), "{state:?}");
    assert_eq!(world.apps[1].engine.distrust_blocked(), 1);
    world.connect(1);
    world.settle();
    world.check_equal();
    check_whole(&mut world, 1, "after its alarm");
}

#[test]
fn a_server_that_shows_less_stays_an_alarm_however_damaged_the_head_is() {
    for flip in [Flip::HeadLower, Flip::HeadHigher, Flip::HeadChain, Flip::NewestChain, Flip::Digest] {
        let mut world = World::new(1);
        let record = world.create(0, "Get cart", &[("url", "/1")]);
        world.settle();
        let before = world.backup();
        world.set(0, record, "url", "/2");
        world.settle();
        world.disconnect(0);
        world.server.ledgers = before;
        let waits = world.create(0, "Waits", &[("url", "/w")]);
        damage(flip, &mut world, 0, record);
        reload(&mut world, 0);
        let state = world.apps[0].engine.summary(world.workspace).expect("it is there").state;
        assert!(matches!(state, SyncState::Blocked(Alarm::RolledBack, _)), "{flip:?}: {state:?}");
        assert_eq!(world.field(0, record, "url"), "/2");
        assert_eq!(world.field(0, waits, "url"), "/w");
    }
}

/// Damages a commit that was sent or not.
#[track_caller]
fn check_flight(
    (is_known, was_taken): (bool, bool),
    flip: impl Fn(InFlight, Vec<Vec<u8>>) -> (InFlight, Vec<Vec<u8>>),
) {
    let mut world = World::new(2);
    let record = world.create(0, "Get cart", &[("url", "/1")]);
    world.settle();
    if is_known {
        world.set(1, record, "description", "the charter knows app 1 from now on");
        world.settle();
    }
    world.server.lose_answers = was_taken;
    world.set(1, record, "url", "/2");
    if was_taken {
        world.send(1);
    } else {
        let app = &mut world.apps[1];
        let frame = app.engine.poll_transmit(&mut app.rng, &mut app.store).expect("a memory store works");
        assert!(frame.is_some());
    }
    world.disconnect(1);
    world.server.lose_answers = false;
    let workspace = world.workspace;
    let store = &mut world.apps[1].store;
    let stored = store.load(workspace).expect("it loads").in_flight.pop().expect("it is under way");
    let envelopes = store.in_flight(workspace, stored.commit).expect("it reads");
    let (commit, envelopes) = flip(stored, envelopes);
    let writes = vec![Write::PutInFlight { commit, envelopes }];
    store.apply(&Batch { workspace, writes }).expect("a memory store works");
    world.apps[1].restart();
    let app = &mut world.apps[1];
    app.engine.verify(workspace, &mut app.store).expect("it is checked");
    app.engine.reload(workspace, &mut app.store).expect("it is tried again");
    world.connect(1);
    world.settle();
    world.check_equal();
    assert_eq!(world.field(0, record, "url"), "/2");
    assert!(world.apps[0].engine.conflicts(workspace).is_empty());
}

#[test]
fn a_damaged_commit_under_way_is_made_anew() {
    for case in [(false, false), (false, true), (true, false), (true, true)] {
        check_flight(case, |mut commit, envelopes| {
            commit.header.header = flipped(&commit.header.header).into();
            (commit, envelopes)
        });
        check_flight(case, |mut commit, envelopes| {
            let mut bytes = *commit.header.signature.as_bytes();
            bytes[1] ^= 1;
            commit.header.signature = satchel_wire::Signature::new(bytes);
            (commit, envelopes)
        });
        check_flight(case, |commit, envelopes| {
            (commit, envelopes.iter().map(|envelope| flipped(envelope)).collect())
        });
    }
}
