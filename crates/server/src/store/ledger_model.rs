//! Random pushes against a store, compared with a ledger in a page of plain code.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use satchel_crypto::{StateDigest, derive_chain, derive_link};
use satchel_wire::{
    Chain, Content, Digest, Expect, Head, Op, Part, RecordId, Revision, StaleRecord, StoredEnvelope,
    WorkspaceId,
};

use super::conformance::{Author, NOW, Open, Read, World, record, revision};
use super::conformance_packs::{end, manifest, put as put_manifest};
use super::runs::Kept;
use super::{PackVerdict, Push, SnapshotEnd, StoreError};
use crate::config::Retention;
use crate::service::Outcome;

/// The ledger as a page of plain code, to compare with.
#[derive(Default)]
struct Model {
    entries: Vec<Push>,
    records: BTreeMap<(RecordId, Part), (u64, Revision, Vec<u8>)>,
}

impl Model {
    fn revision(&self, record: RecordId, part: Part) -> Option<Revision> {
        self.records.get(&(record, part)).map(|(_, revision, _)| *revision)
    }

    fn stale(&self, ops: &[Op], expects: &[Expect]) -> bool {
        ops.iter().any(|op| self.revision(op.record, op.part) != op.parent)
            || expects.iter().any(|expect| self.revision(expect.record, expect.part) != expect.revision)
    }

    fn accept(&mut self, push: &Push) {
        self.entries.push(push.clone());
        let seq = self.entries.len() as u64;
        let Content::Ops { ops, .. } = &push.header.content else { return };
        let mut envelopes = push.envelopes.iter();
        for op in ops {
            let key = (op.record, op.part);
            match op.put {
                Some(put) => {
                    let envelope = envelopes.next().expect("one for each put").to_vec();
                    self.records.insert(key, (seq, put, envelope));
                }
                None => drop(self.records.remove(&key)),
            }
        }
    }

    fn head(&self, seq: usize) -> Head {
        let entries = self.entries.iter().take(seq);
        let chain = entries.fold([0; 32], |chain, push| derive_chain(&chain, &push.signed.header));
        Head { seq: seq as u64, chain: Chain::new(chain) }
    }

    fn check(&self, read: &Read, cursor: u64) {
        let after = usize::try_from(cursor).expect("small");
        let headers: Vec<_> = self.entries.iter().skip(after).map(|push| push.signed.clone()).collect();
        assert_eq!(read.headers, headers);
        let mut digest = StateDigest::default();
        let mut changed = Vec::new();
        for ((record, part), (seq, revision, envelope)) in &self.records {
            digest.add(record.as_bytes(), *part as u8, revision.as_bytes());
            if *seq > cursor {
                let (record, part, seq) = (*record, *part, *seq);
                changed.push(StoredEnvelope { record, part, seq, envelope: envelope.clone().into() });
            }
        }
        let by_place = |stored: &StoredEnvelope| (stored.seq, stored.record, stored.part);
        let mut envelopes = read.envelopes.clone();
        envelopes.sort_by_key(by_place);
        changed.sort_by_key(by_place);
        assert_eq!(envelopes, changed);
        assert_eq!(read.end.head, self.head(self.entries.len()));
        assert_eq!(read.end.digest, Digest::new(digest.to_bytes()));
    }
}

/// Random pushes give what the model gives.
pub(crate) fn check_against_model(open: Open<'_>, seed: u64, steps: u8) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let world = World::new(open);
    let mut model = Model::default();
    model.accept(&world.author.push(world.author.founding(1), Vec::new()));
    for commit in 1..=steps {
        let pick = |rng: &mut ChaCha20Rng, count: u32| rng.next_u32() % count;
        if pick(&mut rng, 8) == 0 {
            let index = pick(&mut rng, u32::try_from(model.entries.len()).expect("small")) as usize;
            world.store.push(model.entries[index].clone());
            let outcome = world.heard.next();
            assert!(
                matches!(outcome, Outcome::Repeated { seq, .. } if seq == index as u64 + 1),
                "{outcome:?}"
            );
            continue;
        }
        let push = random_push(&world.author, world.workspace, &model, commit, &mut rng);
        let Content::Ops { ops, expects, .. } = &push.header.content else {
            unreachable!("only such are made")
        };
        let stale = model.stale(ops, expects);
        world.store.push(push.clone());
        match world.heard.next() {
            Outcome::Accepted { head, .. } => {
                assert!(!stale, "accepted although stale");
                model.accept(&push);
                assert_eq!(head, model.head(model.entries.len()));
            }
            Outcome::Stale { head, records, .. } => {
                assert!(stale, "stale although fresh");
                assert_eq!(head, model.head(model.entries.len()));
                let present = |one: &StaleRecord| model.revision(one.record, one.part) == one.revision;
                assert!(!records.is_empty() && records.iter().all(present));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    for cursor in [0, model.entries.len() / 2, model.entries.len()] {
        model.check(&world.read(model.head(cursor), 0).expect("it reads"), cursor as u64);
    }
    check_pruned(&world, &model, &mut rng);
}

/// After pruning, what is kept is what it was, and what is not can be told by its link.
fn check_pruned(world: &World, model: &Model, rng: &mut ChaCha20Rng) {
    if model.entries.len() < 2 {
        return;
    }
    let packed = 1 + rng.next_u32() as usize % (model.entries.len() - 1);
    let at = SnapshotEnd { head: model.head(packed), ..end(world) };
    assert_eq!(put_manifest(world, manifest(world, at, Vec::new(), Vec::new())), PackVerdict::Taken);
    let entries = u64::from(rng.next_u32() % 20);
    let retention = Retention { age_ms: 1_000, versions: 1 + rng.next_u32() % 3, entries };
    let before = world.read(Head::EMPTY, 0).expect("it reads");
    world.store.prune(retention, NOW + 2_000).expect("it runs");
    let after = world.read(Head::EMPTY, 0).expect("it reads");
    assert_eq!((&after.envelopes, after.end), (&before.envelopes, before.end));
    assert_eq!(after.kept.len(), model.entries.len());
    let until = (packed as u64).min((model.entries.len() as u64).saturating_sub(entries));
    let current: BTreeSet<u64> = model.records.values().map(|(seq, ..)| *seq).collect();
    let mut pruned = 0;
    for ((seq, kept), push) in (1..).zip(&after.kept).zip(&model.entries) {
        match kept {
            Kept::Header(header) => assert_eq!(*header, push.signed),
            Kept::Link(link) => {
                assert_eq!(*link, derive_link(&push.signed.header));
                assert!(seq > 1 && seq <= until && !current.contains(&seq), "{seq} is needed");
                pruned = seq;
            }
        }
    }
    for cursor in 1..=model.entries.len() {
        let read = world.read(model.head(cursor), 0);
        assert_eq!(matches!(read, Err(StoreError::CursorTooOld)), (cursor as u64) < pruned, "{cursor}");
    }
}

fn random_push(
    author: &Author,
    workspace: WorkspaceId,
    model: &Model,
    commit: u8,
    rng: &mut ChaCha20Rng,
) -> Push {
    let (mut ops, mut envelopes, mut expects) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..4 {
        for part in [Part::Node, Part::Body] {
            let (record, dice) = (record(n), rng.next_u32());
            let present = model.revision(record, part);
            // One in sixteen is based on something else than the present state.
            let base =
                if dice & 0xf0 == 0 { Some(Revision::new([dice.to_be_bytes()[0]; 32])) } else { present };
            match dice & 0xf {
                0..4 => {
                    let envelope = rng.next_u64().to_be_bytes().to_vec();
                    let put = Some(revision(workspace, record, part, &envelope));
                    ops.push(Op { record, part, parent: base, put });
                    envelopes.push(envelope);
                }
                4 if base.is_some() => ops.push(Op { record, part, parent: base, put: None }),
                5..8 => expects.push(Expect { record, part, revision: base }),
                _ => {}
            }
        }
    }
    let seen = model.head(rng.next_u32() as usize % (model.entries.len() + 1));
    author.push(
        author.header(workspace, commit, seen, Content::Ops { ops, expects, bulk: false, returned: None }),
        envelopes,
    )
}
