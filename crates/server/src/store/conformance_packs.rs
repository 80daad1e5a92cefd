//! The part of the suite that is about packs.

use satchel_crypto::derive_pack_id;
use satchel_wire::{Bytes32, Digest, Head, Manifest, PackId, PackRef, Part, Signature, SignedManifest};

use super::conformance::{Author, NOW, Open, World};
use super::{NewManifest, NewPack, PackVerdict, SnapshotEnd, SnapshotPart, StoreError};

/// A pack of made-up bytes.
fn pack(world: &World, author: &Author, byte: u8) -> NewPack {
    let bytes = vec![byte; 40];
    NewPack {
        workspace: world.workspace,
        app: author.app,
        app_key: Bytes32::new(author.app_key.public()),
        pack: PackId::new(derive_pack_id(&bytes)),
        bytes: bytes.into(),
        now_ms: NOW,
    }
}

pub(super) fn put_pack(world: &World, byte: u8) -> PackRef {
    let new = pack(world, &world.author, byte);
    let named = PackRef { pack: new.pack, part: Part::Node, records: 1, bytes: 40 };
    assert_eq!(world.store.put_pack(world.author.account, new).expect("it answers"), PackVerdict::Taken);
    named
}

pub(super) fn end(world: &World) -> SnapshotEnd {
    world.read(Head::EMPTY, 0).expect("it reads").end
}

pub(super) fn manifest(
    world: &World,
    at: SnapshotEnd,
    nodes: Vec<PackRef>,
    bodies: Vec<PackRef>,
) -> NewManifest {
    let bodies: Vec<_> = bodies.into_iter().map(|pack| PackRef { part: Part::Body, ..pack }).collect();
    let manifest = Manifest {
        workspace: world.workspace,
        author: world.author.account,
        app: world.author.app,
        head: at.head,
        digest: at.digest,
        epoch: 1,
        nodes: nodes.len() as u64,
        bodies: bodies.len() as u64,
        charter: Bytes32::new([0; 32]),
        packs: nodes.into_iter().chain(bodies).collect(),
    };
    let signed = SignedManifest { manifest: manifest.encode().into(), signature: Signature::new([8; 64]) };
    NewManifest { app_key: Bytes32::new(world.author.app_key.public()), manifest, signed }
}

pub(super) fn put(world: &World, manifest: NewManifest) -> PackVerdict {
    world.store.put_manifest(world.author.account, manifest).expect("it answers")
}

/// What a fresh app is sent: the manifest's point, packs, headers, envelopes.
fn bootstrap(world: &World, have: &[PackId]) -> (Option<u64>, usize, usize, usize) {
    let (mut at, mut packs, mut headers, mut envelopes) = (None, 0, 0, 0);
    let read = world.store.read_bootstrap(world.author.account, world.workspace, have, &mut |part| {
        match part {
            SnapshotPart::Manifest { manifest, charter } => {
                assert_eq!(charter.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1]);
                at = Some(Manifest::decode(&manifest.manifest).expect("as it was put").head.seq);
            }
            SnapshotPart::Pack(bytes) => packs += usize::from(bytes.len() == 40),
            SnapshotPart::Headers { first_seq, headers: page } => {
                assert_eq!(first_seq, at.unwrap_or(0) + 1);
                headers += page.len();
            }
            SnapshotPart::Page(page) => envelopes += page.len(),
            SnapshotPart::Checkpoint(_) | SnapshotPart::Links { .. } => panic!("the manifest says enough"),
        }
        true
    });
    assert_eq!(read.expect("it reads"), end(world));
    (at, packs, headers, envelopes)
}

pub(super) fn packs(open: Open<'_>) {
    let mut world = World::new(open);
    world.put(1, 1, None, b"one");
    assert_eq!(bootstrap(&world, &[]), (None, 0, 2, 1), "without a manifest everything is sent");
    let (node, body) = (put_pack(&world, 1), put_pack(&world, 2));
    assert_eq!(bootstrap(&world, &[]), (None, 0, 2, 1), "loose packs are not shown");
    // Bodies count in the digest and not in the server's count of nodes.
    let at = end(&world);
    let good = manifest(&world, at, Vec::new(), vec![body]);
    assert_eq!(put(&world, manifest(&world, at, vec![node], vec![body])), PackVerdict::Wrong);
    let wrong = SnapshotEnd { digest: Digest::new([1; 32]), ..at };
    assert_eq!(put(&world, manifest(&world, wrong, Vec::new(), vec![body])), PackVerdict::Wrong);
    let absent = PackRef { pack: PackId::new([5; 32]), ..body };
    assert_eq!(put(&world, manifest(&world, at, Vec::new(), vec![body, absent])), PackVerdict::Missing);
    assert_eq!(put(&world, good.clone()), PackVerdict::Taken);
    assert_eq!(put(&world, good), PackVerdict::Older);
    assert_eq!(bootstrap(&world, &[]), (Some(2), 0, 0, 0));
    world.put(2, 2, None, b"two");
    assert_eq!(bootstrap(&world, &[]), (Some(2), 0, 1, 1), "the tail follows");
    let read = |pack: PackId| {
        let mut bytes = 0;
        let mut sink = |pack: Vec<u8>| {
            bytes += pack.len();
            true
        };
        world.store.read_packs(world.author.account, world.workspace, &[pack], &mut sink).map(|()| bytes)
    };
    assert_eq!(read(body.pack).expect("it is there"), 40);
    assert!(matches!(read(node.pack), Err(StoreError::NotFound)), "no manifest names it");
    newer_manifest(&mut world, body);
    strangers_and_deletion(&world);
}

/// A newer manifest takes the place of the older one with its packs.
fn newer_manifest(world: &mut World, old: PackRef) {
    let before = end(world);
    let new = put_pack(world, 3);
    world.put(3, 3, None, b"three");
    assert_eq!(put(world, manifest(world, before, Vec::new(), vec![new])), PackVerdict::Taken);
    assert_eq!(bootstrap(world, &[]), (Some(3), 0, 1, 1));
    let (account, workspace) = (world.author.account, world.workspace);
    let gone = world.store.read_packs(account, workspace, &[old.pack], &mut |_| true);
    assert!(matches!(gone, Err(StoreError::NotFound)));
    let headers = world.store.read_headers(account, workspace, 2).expect("it reads");
    assert_eq!(headers.len(), 2);
    assert!(!world.store.wants_packs(account, workspace, world.author.app).expect("it reads"), "it is small");
}

fn strangers_and_deletion(world: &World) {
    let stranger = Author::new(2, 1);
    let store = &world.store;
    let put = store.put_pack(stranger.account, pack(world, &stranger, 4));
    assert!(matches!(put, Err(StoreError::NotFound)));
    assert!(matches!(store.read_headers(stranger.account, world.workspace, 0), Err(StoreError::NotFound)));
    let other_app = Author::new(1, 9);
    let put = store.put_pack(world.author.account, pack(world, &other_app, 4)).expect("it answers");
    assert_eq!(put, PackVerdict::NotWriter);
    let receipt = store.delete_account(world.author.account).expect("it is there");
    assert_eq!(receipt.bytes, 3 + 3 + 5 + 40, "packs are deleted and counted");
}
