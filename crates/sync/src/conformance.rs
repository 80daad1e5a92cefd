//! The one suite for every [`Store`]: what the engine relies on.

use satchel_wire::{
    Chain, CommitId, Digest, Head, Incarnation, PackId, PackedRecord, Part, RecordId, Revision, Signature,
    SignedHeader, WorkspaceId, encode_pack,
};

use crate::store::{Alarm, Aside, Batch, CHAINS_KEPT, InFlight, Kept, Key, Loaded, Store, Write};

const WORKSPACE: WorkspaceId = WorkspaceId::new([7; 16]);
const OTHER: WorkspaceId = WorkspaceId::new([8; 16]);

fn key(record: u8, part: Part) -> Key {
    Key { record: RecordId::new([record; 16]), part }
}

fn write<S: Store>(store: &mut S, workspace: WorkspaceId, writes: Vec<Write>) {
    store.apply(&Batch { workspace, writes }).expect("a store in good order takes a batch");
}

fn load<S: Store>(store: &S, workspace: WorkspaceId) -> Loaded {
    store.load(workspace).expect("a store in good order loads")
}

fn put_base(key: Key, seq: u64, bytes: &[u8]) -> Write {
    Write::PutBase { key, seq, revision: Revision::new([3; 32]), conflicts: 2, envelope: bytes.to_vec() }
}

fn put_pending(key: Key, ordinal: u64, bytes: Option<&[u8]>) -> Write {
    Write::PutPending { key, ordinal, conflicts: 1, payload: bytes.map(<[u8]>::to_vec) }
}

fn signed(byte: u8) -> SignedHeader {
    SignedHeader { header: vec![byte; 5].into(), signature: Signature::new([byte; 64]) }
}

/// Runs the suite; `make` gives an empty store each time.
///
/// # Panics
/// On the first thing that the store does differently.
pub fn check_store<S: Store>(mut make: impl FnMut() -> S) {
    unknown_workspaces_are_empty(&make());
    bases_and_pending_come_back(&mut make());
    packs_come_back_and_give_way_to_rows(&mut make());
    what_is_removed_before_its_pack_comes_stays_removed(&mut make());
    later_writes_replace_earlier_ones(&mut make());
    flights_keep_their_order_and_bytes(&mut make());
    head_charter_and_asides_come_back(&mut make());
    workspaces_do_not_mix(&mut make());
}

fn unknown_workspaces_are_empty<S: Store>(store: &S) {
    assert_eq!(load(store, WORKSPACE), Loaded::empty());
    assert!(store.workspaces().expect("lists").is_empty());
    assert_eq!(store.base(WORKSPACE, key(1, Part::Body)).expect("reads"), None);
    assert_eq!(store.pending(WORKSPACE, key(1, Part::Body)).expect("reads"), None);
    assert!(store.in_flight(WORKSPACE, CommitId::new([1; 16])).expect("reads").is_empty());
}

fn bases_and_pending_come_back<S: Store>(store: &mut S) {
    let (node, body) = (key(1, Part::Node), key(1, Part::Body));
    let writes = vec![
        Write::AddWorkspace,
        put_base(node, 4, b"node"),
        put_base(body, 5, b"body"),
        put_pending(node, 9, Some(b"new node")),
        put_pending(body, 10, None),
    ];
    write(store, WORKSPACE, writes);
    let loaded = load(store, WORKSPACE);
    assert_eq!(loaded.base.len(), 2);
    let base = |key: Key| loaded.base.iter().find(|entry| entry.key == key).expect("it was put");
    assert_eq!(base(node).node, Some(Kept::Envelope(b"node".to_vec())));
    assert_eq!((base(node).seq, base(node).conflicts), (4, 2));
    assert_eq!(base(body).node, None);
    let pending = |key: Key| loaded.pending.iter().find(|entry| entry.key == key).expect("it was put");
    assert_eq!(pending(node).node_payload.as_deref(), Some(&b"new node"[..]));
    assert_eq!((pending(node).ordinal, pending(node).conflicts, pending(node).purged), (9, 1, false));
    assert!(pending(body).purged && !pending(body).bulk);
    assert_eq!(store.base(WORKSPACE, body).expect("reads"), Some(Kept::Envelope(b"body".to_vec())));
    assert_eq!(store.pending(WORKSPACE, node).expect("reads").as_deref(), Some(&b"new node"[..]));
    assert_eq!(store.pending(WORKSPACE, body).expect("reads"), None);
}

fn packs_come_back_and_give_way_to_rows<S: Store>(store: &mut S) {
    let record = |byte: u8, seq: u64, conflicts: u32| PackedRecord {
        record: RecordId::new([byte; 16]),
        revision: Revision::new([byte; 32]),
        seq,
        conflicts,
        payload: vec![byte],
    };
    let put = |part: Part, byte: u8, records: &[PackedRecord]| {
        let names = encode_pack(records).0;
        Write::PutPack { pack: PackId::new([byte; 32]), part, names, sealed: vec![byte; 9] }
    };
    let fresh = Write::SetFresh(Some(b"progress".to_vec()));
    let bodies = [record(1, 6, 3), record(2, 6, 0), record(3, 6, 0)];
    let node = put(Part::Node, 7, &[record(1, 5, 0)]);
    let writes = vec![fresh, node, put(Part::Body, 8, &bodies), put(Part::Body, 9, &[record(2, 8, 1)])];
    write(store, WORKSPACE, writes);
    let rows = |store: &S| -> Vec<_> {
        let loaded = load(store, WORKSPACE);
        loaded.base.iter().map(|row| (row.key, row.seq, row.conflicts, row.node.is_some())).collect()
    };
    let (node, body) = (|byte| key(byte, Part::Node), |byte| key(byte, Part::Body));
    let expected =
        [(node(1), 5, 0, false), (body(1), 6, 3, false), (body(2), 8, 1, false), (body(3), 6, 0, false)];
    assert_eq!(rows(store), expected);
    let loaded = load(store, WORKSPACE);
    assert_eq!(loaded.fresh.as_deref(), Some(&b"progress"[..]));
    let packs: Vec<_> = loaded.packs.iter().map(|pack| (pack.part, pack.bytes, pack.nodes.clone())).collect();
    let nodes = Some(vec![7; 9]);
    assert_eq!(packs, [(Part::Node, 9, nodes), (Part::Body, 9, None), (Part::Body, 9, None)]);
    assert_eq!(store.pack(WORKSPACE, PackId::new([8; 32])).expect("reads"), Some(vec![8; 9]));
    assert_eq!(store.pack(WORKSPACE, PackId::new([1; 32])).expect("reads"), None);
    assert_eq!(store.base(WORKSPACE, body(1)).expect("reads"), None);
    write(store, WORKSPACE, vec![put_base(body(1), 9, b"newer"), put_base(node(1), 9, b"newer")]);
    write(store, WORKSPACE, vec![Write::RemoveBase { key: body(3) }, Write::SetFresh(None)]);
    let expected = [(node(1), 9, 2, true), (body(1), 9, 2, false), (body(2), 8, 1, false)];
    assert_eq!(rows(store), expected);
    assert_eq!(load(store, WORKSPACE).fresh, None);
    write(store, WORKSPACE, vec![Write::ForgetPacks]);
    assert_eq!(rows(store), [(node(1), 9, 2, true), (body(1), 9, 2, false)]);
    assert!(load(store, WORKSPACE).packs.is_empty());
}

fn what_is_removed_before_its_pack_comes_stays_removed<S: Store>(store: &mut S) {
    write(store, WORKSPACE, vec![Write::SetFresh(Some(b"progress".to_vec()))]);
    write(store, WORKSPACE, vec![Write::RemoveBase { key: key(1, Part::Body) }]);
    let revision = Revision::new([1; 32]);
    let record =
        PackedRecord { record: key(1, Part::Body).record, revision, seq: 1, conflicts: 0, payload: vec![] };
    let (pack, names) = (PackId::new([1; 32]), encode_pack(&[record]).0);
    write(store, WORKSPACE, vec![Write::PutPack { pack, part: Part::Body, names, sealed: vec![1] }]);
    assert!(load(store, WORKSPACE).base.is_empty());
    write(store, WORKSPACE, vec![put_base(key(1, Part::Body), 7, b"back")]);
    assert_eq!(load(store, WORKSPACE).base.len(), 1);
    write(store, WORKSPACE, vec![Write::ForgetLedger]);
    let loaded = load(store, WORKSPACE);
    assert!(loaded.base.is_empty() && loaded.packs.is_empty());
}

fn later_writes_replace_earlier_ones<S: Store>(store: &mut S) {
    let body = key(1, Part::Body);
    write(store, WORKSPACE, vec![put_base(body, 1, b"old"), put_pending(body, 1, Some(b"old"))]);
    write(store, WORKSPACE, vec![put_base(body, 2, b"new"), put_pending(body, 2, Some(b"new"))]);
    assert_eq!(store.base(WORKSPACE, body).expect("reads"), Some(Kept::Envelope(b"new".to_vec())));
    assert_eq!(load(store, WORKSPACE).pending[0].ordinal, 2);
    write(store, WORKSPACE, vec![Write::PutPurge { key: body, ordinal: 3, bulk: true }]);
    let purge = &load(store, WORKSPACE).pending[0];
    assert_eq!((purge.ordinal, purge.conflicts, purge.purged, purge.bulk), (3, 0, true, true));
    assert_eq!(store.pending(WORKSPACE, body).expect("reads"), None);
    write(store, WORKSPACE, vec![Write::RemovePending { key: body }, Write::RemoveBase { key: body }]);
    let loaded = load(store, WORKSPACE);
    assert!(loaded.base.is_empty() && loaded.pending.is_empty());
}

fn flights_keep_their_order_and_bytes<S: Store>(store: &mut S) {
    for (byte, ordinal) in [(1, 20), (2, 10)] {
        let commit = CommitId::new([byte; 16]);
        let commit = InFlight { commit, ordinal, header: signed(byte), ordinals: vec![u64::from(byte), 77] };
        let envelopes = vec![vec![byte; 3], vec![byte; 4]];
        write(store, WORKSPACE, vec![Write::PutInFlight { commit, envelopes }]);
    }
    let loaded = load(store, WORKSPACE);
    assert_eq!(loaded.in_flight.iter().map(|flight| flight.ordinal).collect::<Vec<_>>(), [10, 20]);
    assert_eq!(loaded.in_flight[0].ordinals, [2, 77]);
    assert_eq!(loaded.in_flight[0].header, signed(2));
    let first = CommitId::new([1; 16]);
    assert_eq!(store.in_flight(WORKSPACE, first).expect("reads"), [vec![1; 3], vec![1; 4]]);
    write(store, WORKSPACE, vec![Write::RemoveInFlight { commit: first }]);
    assert_eq!(load(store, WORKSPACE).in_flight.len(), 1);
    assert!(store.in_flight(WORKSPACE, first).expect("reads").is_empty());
}

fn head_charter_and_asides_come_back<S: Store>(store: &mut S) {
    let head = Head { seq: 12, chain: Chain::new([4; 32]) };
    let digest = Digest::new([5; 32]);
    let aside = Aside { key: key(3, Part::Body), alarm: Alarm::Damaged, detail: "why".into() };
    let writes = vec![
        Write::AddCharter { seq: 9, header: signed(9) },
        Write::AddCharter { seq: 1, header: signed(1) },
        Write::SetHead { head, digest },
        Write::SetIncarnation(Incarnation::new([6; 16])),
        Write::SetAside(aside.clone()),
    ];
    write(store, WORKSPACE, writes);
    let loaded = load(store, WORKSPACE);
    assert_eq!((loaded.head, loaded.digest), (head, digest));
    assert_eq!(loaded.incarnation, Some(Incarnation::new([6; 16])));
    assert_eq!(loaded.charter, [(1, signed(1)), (9, signed(9))]);
    assert_eq!(loaded.aside, [aside]);
    write(store, WORKSPACE, vec![Write::ClearAside { key: key(3, Part::Body) }]);
    assert!(load(store, WORKSPACE).aside.is_empty());
    let chain = |seq: u64| Head { seq, chain: Chain::new([7; 32]) };
    let remembered = (1..=CHAINS_KEPT as u64 + 3).map(chain).collect();
    write(store, WORKSPACE, vec![Write::AddChains(remembered), Write::SetReturning(Some(vec![1, 2]))]);
    let loaded = load(store, WORKSPACE);
    assert_eq!((loaded.chains.len(), loaded.chains.first()), (CHAINS_KEPT, Some(&chain(4))));
    assert_eq!(loaded.returning.as_deref(), Some(&[1, 2][..]));
    let writes = vec![Write::ClearChains, Write::AddChains(vec![chain(2)]), Write::SetReturning(None)];
    write(store, WORKSPACE, writes);
    let loaded = load(store, WORKSPACE);
    assert_eq!((loaded.chains, loaded.returning), (vec![chain(2)], None));
    write(store, WORKSPACE, vec![Write::ClearCharter, Write::AddCharter { seq: 1, header: signed(1) }]);
    assert_eq!(load(store, WORKSPACE).charter, [(1, signed(1))]);
    let body = key(1, Part::Body);
    write(store, WORKSPACE, vec![put_base(body, 1, b"one"), put_pending(body, 1, Some(b"waits"))]);
    write(store, OTHER, vec![Write::AddWorkspace, put_base(body, 1, b"two")]);
    write(store, WORKSPACE, vec![Write::ForgetLedger]);
    let loaded = load(store, WORKSPACE);
    assert!(loaded.base.is_empty() && loaded.charter.is_empty() && loaded.chains.is_empty());
    assert_eq!(store.pending(WORKSPACE, body).expect("reads").as_deref(), Some(&b"waits"[..]));
    let kept = store.base(OTHER, body).expect("reads");
    assert_eq!(kept, Some(Kept::Envelope(b"two".to_vec())));
}

fn workspaces_do_not_mix<S: Store>(store: &mut S) {
    write(store, WORKSPACE, vec![Write::AddWorkspace, put_base(key(1, Part::Node), 1, b"one")]);
    write(store, OTHER, vec![Write::AddWorkspace, put_base(key(1, Part::Node), 1, b"two")]);
    assert_eq!(store.workspaces().expect("lists"), [WORKSPACE, OTHER]);
    write(store, WORKSPACE, vec![Write::RemoveWorkspace]);
    assert_eq!(store.workspaces().expect("lists"), [OTHER]);
    assert_eq!(load(store, WORKSPACE), Loaded::empty());
    let kept = store.base(OTHER, key(1, Part::Node)).expect("reads");
    assert_eq!(kept, Some(Kept::Envelope(b"two".to_vec())));
}
