//! The part of the suite that is about what is dropped of a ledger, and what is not.

use satchel_crypto::{derive_chain, derive_chain_of_link};
use satchel_wire::{Chain, CommitHeader, ErrorCode, Head, Op, Part, SignedHeader};

use super::conformance::{NOW, Open, Read, World, ops, put, record};
use super::conformance_packs::{end, manifest, put as put_manifest};
use super::runs::Kept;
use super::{PackVerdict, StoreError};
use crate::config::Retention;
use crate::service::Outcome;

/// What stays when nothing is young.
const RETENTION: Retention = Retention { age_ms: 1_000, versions: 1, entries: 0 };
const LATER: u64 = NOW + 1_001;

/// A record of five versions, one that was purged, one more, the manifest, and an entry behind it.
fn fill(world: &mut World) -> Vec<Head> {
    let mut heads = vec![world.head];
    let mut parent = None;
    for n in 1..=5 {
        parent = Some(world.put(n, 1, parent, &[n; 50]));
        heads.push(world.head);
    }
    let gone = Some(world.put(6, 2, None, b"gone"));
    heads.push(world.head);
    let purge = Op { record: record(2), part: Part::Body, parent: gone, put: None };
    heads.push(world.accept(7, ops(vec![purge]), Vec::new()));
    world.put(8, 3, None, b"stays");
    heads.push(world.head);
    let at = end(world);
    let behind = world.put(9, 4, None, b"behind");
    assert_ne!(Some(behind), parent);
    let whole = manifest(world, at, Vec::new(), Vec::new());
    world.store.prune(RETENTION, LATER).expect("it runs");
    assert_eq!(links(&read(world)), [0_u64; 0], "without a manifest everything stays");
    assert_eq!(put_manifest(world, whole), PackVerdict::Taken);
    heads.push(world.head);
    heads
}

fn read(world: &World) -> Read {
    world.read(Head::EMPTY, 0).expect("it reads")
}

/// The places of the entries of which only the link is kept; chain and head are right with them.
fn links(read: &Read) -> Vec<u64> {
    let chain = read.kept.iter().fold([0; 32], |chain, kept| match kept {
        Kept::Header(header) => derive_chain(&chain, &header.header),
        Kept::Link(link) => derive_chain_of_link(&chain, link),
    });
    assert_eq!(read.end.head, Head { seq: read.kept.len() as u64, chain: Chain::new(chain) });
    let entries = (1..).zip(&read.kept);
    entries.filter(|(_, kept)| matches!(kept, Kept::Link(_))).map(|(seq, _)| seq).collect()
}

pub(super) fn pruning(open: Open<'_>) {
    let mut world = World::new(open);
    let heads = fill(&mut world);
    world.store.prune(RETENTION, NOW + 999).expect("it runs");
    world.store.prune(Retention { entries: 10, ..RETENTION }, LATER).expect("it runs");
    assert_eq!(links(&read(&world)), [0_u64; 0], "what is young, and the newest entries, stay");
    let before = read(&world);
    world.store.prune(RETENTION, LATER).expect("it runs");
    let after = read(&world);
    // Founding, the newest version, the current record and what is behind the manifest stay.
    assert_eq!(links(&after), [2, 3, 4, 5, 7, 8]);
    assert!(after.checkpoint.is_some());
    assert_eq!(after.envelopes, before.envelopes);
    cursors(&world, &heads);
    old_commits(&mut world, &before.headers, heads[2]);
}

fn cursors(world: &World, heads: &[Head]) {
    for head in heads {
        let read = world.read(*head, 0);
        match read {
            Ok(read) => assert!(head.seq >= 8 && read.checkpoint.is_none() && read.headers == *read.headers),
            Err(error) => assert!(head.seq < 8 && matches!(error, StoreError::CursorTooOld), "{error:?}"),
        }
    }
    let wrong = Head { seq: 3, chain: heads[0].chain };
    assert!(matches!(world.read(wrong, 0), Err(StoreError::CursorUnknown)), "another ledger is no old one");
    let past = |after| world.store.read_headers(world.author.account, world.workspace, after);
    assert!(matches!(past(7), Err(StoreError::CursorTooOld)));
    assert_eq!(past(8).expect("it reads").len(), 2);
}

/// What was accepted stays known, and on the chain.
fn old_commits(world: &mut World, headers: &[SignedHeader], seen: Head) {
    let known = CommitHeader::decode(&headers[2].header).expect("it was pushed");
    let envelopes = vec![vec![2; 50]];
    world.store.push(world.author.push(known.clone(), envelopes.clone()));
    assert!(matches!(world.heard.next(), Outcome::Repeated { seq: 3, .. }));
    let reused = CommitHeader { seen: world.head, ..known };
    world.store.push(world.author.push(reused, envelopes));
    assert_eq!(world.heard.rejected(), ErrorCode::CommitIdReused);
    let content = ops(vec![put(world.workspace, 5, None, b"new")]);
    let header = world.author.header(world.workspace, 20, seen, content);
    world.store.push(world.author.push(header, vec![b"new".to_vec()]));
    assert_eq!(world.heard.accepted().seq, world.head.seq + 1);
}
