//! Bytes from anyone: every decoder gives a value or a typed error, never a panic or a huge allocation.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use satchel_wire::limits::{COMMIT_EXPECTS_MAX, COMMIT_OPS_MAX, FRAME_BYTES_MAX, HEADER_BYTES_MAX};
use satchel_wire::{
    AccountId, AppId, Chain, ClientFrame, CommitHeader, CommitId, Content, Expect, Head, Id, Op, Part,
    RecordId, Revision, ServerFrame, SignUpFinish, WireError, WorkspaceId, decode, encode,
};

fn header(ops: Vec<Op>, expects: Vec<Expect>) -> CommitHeader {
    CommitHeader {
        workspace: WorkspaceId::new([1; 16]),
        commit: CommitId::new([2; 16]),
        epoch: 1,
        author: AccountId::new([3; 16]),
        app: AppId::new([4; 16]),
        seen: Head { seq: 1, chain: Chain::new([5; 32]) },
        content: Content::Ops { ops, expects, bulk: false, returned: None },
    }
}

fn op() -> Op {
    let put = Some(Revision::new([7; 32]));
    Op { record: RecordId::new([6; 16]), part: Part::Body, parent: None, put }
}

fn check_header(header: &CommitHeader, expected: &str) {
    let read = CommitHeader::decode(&header.encode());
    assert_eq!(read.map_or_else(|error| error.to_string(), |_| "read".to_owned()), expected);
}

#[test]
fn a_header_is_read_within_its_limits() {
    let expect = Expect { record: RecordId::new([6; 16]), part: Part::Node, revision: None };
    let expects = |count| header(Vec::new(), vec![expect.clone(); count]);
    let ops = |count| header(vec![op(); count], Vec::new());
    check_header(&ops(COMMIT_OPS_MAX), "read");
    check_header(&ops(COMMIT_OPS_MAX + 1), "257 operations of a commit, at most 256");
    check_header(&expects(COMMIT_EXPECTS_MAX), "read");
    check_header(&expects(COMMIT_EXPECTS_MAX + 1), "1025 expectations of a commit, at most 1024");
}

#[test]
fn a_header_has_one_encoding() {
    let bytes = header(vec![op()], Vec::new()).encode();
    assert!(matches!(CommitHeader::decode(&[]), Err(WireError::Empty { .. })));
    let long = vec![1; HEADER_BYTES_MAX + 1];
    assert!(matches!(CommitHeader::decode(&long), Err(WireError::TooLong { .. })));
    let mut newer = bytes.clone();
    newer[0] = 2;
    assert!(matches!(CommitHeader::decode(&newer), Err(WireError::Version { version: 2, .. })));
    assert!(CommitHeader::decode(&[&bytes[..], &[0]].concat()).is_err());
    // The epoch 1 is one byte; 0x18 0x01 says the same in two.
    let at =
        bytes.windows(3).position(|bytes| bytes == [0x02, 0x01, 0x50]).expect("it follows the commit id") + 1;
    let mut longer = bytes.clone();
    longer.splice(at..=at, [0x18, 0x01]);
    assert!(matches!(CommitHeader::decode(&longer), Err(WireError::NotCanonical { .. })));
}

#[test]
fn a_count_without_elements_allocates_nothing() {
    // Headers of a workspace: an array of 2^62 elements, and then the end.
    let head = [[0x82, 0x03, 0x83, 0x50].as_slice(), &[0; 16], &[0x01, 0x9b, 0x40]].concat();
    let bytes = [&head[..], &[0; 7]].concat();
    assert!(decode::<ServerFrame>("frame", &bytes).is_err());
    let long = vec![0; FRAME_BYTES_MAX + 1];
    assert!(matches!(decode::<ServerFrame>("frame", &long), Err(WireError::TooLong { .. })));
}

#[test]
fn ids_are_read_from_exactly_their_digits() {
    let id = RecordId::new([0xab; 16]);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
    for text in ["", "ab", &"ab".repeat(17), &"zz".repeat(16), &"+a".repeat(16), &"é".repeat(16)] {
        assert!(text.parse::<RecordId>().is_err(), "{text}");
    }
    assert_eq!(RecordId::from_slice(&[0; 15]), None);
}

/// The bytes of a good message with a few of them changed.
fn nearly_good() -> impl Strategy<Value = Vec<u8>> {
    let subscribe = ClientFrame::Subscribe {
        workspace: WorkspaceId::new([1; 16]),
        cursor: Head { seq: 9, chain: Chain::new([2; 32]) },
        pages_after: 3,
    };
    let good = [encode(&ClientFrame::Ping), encode(&subscribe), header(vec![op(); 3], Vec::new()).encode()];
    let [ping, subscribe, header] = good.map(Just);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (prop_oneof![ping, subscribe, header], changes).prop_map(|(mut bytes, changes)| {
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![nearly_good(), prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in any_bytes()) {
        let _ = decode::<ClientFrame>("frame", &bytes);
        let _ = decode::<ServerFrame>("frame", &bytes);
        let _ = decode::<SignUpFinish>("request", &bytes);
        if let Ok(header) = CommitHeader::decode(&bytes) {
            prop_assert_eq!(header.encode(), bytes);
        }
    }

    #[test]
    fn headers_come_back_as_they_were(seq: u64, epoch: u32, ops in 0..20_usize, bulk: bool) {
        let mut wanted = header(vec![op(); ops], Vec::new());
        wanted.epoch = epoch;
        wanted.seen.seq = seq;
        if let Content::Ops { bulk: mark, .. } = &mut wanted.content {
            *mark = bulk;
        }
        let bytes = wanted.encode();
        prop_assert!(bytes.len() < HEADER_BYTES_MAX);
        prop_assert_eq!(CommitHeader::decode(&bytes).expect("what was encoded decodes"), wanted);
    }
}
