//! The feed: order, staleness, repetition, slow readers, over both transports.

use satchel_wire::limits::SOCKET_QUEUE_BYTES_MAX;
use satchel_wire::{
    ClientFrame, ErrorCode, Head, Part, PollReply, PollRequest, RecordId, ServerFrame, WorkspaceId, encode,
};

use crate::support::{Host, Link, Person, Put, TestApp, Transport, post, random};

/// Two apps of one person with a workspace that both write to.
struct Pair {
    host: Host,
    person: Person,
    first: TestApp,
    second: TestApp,
    one: Link,
    two: Link,
    workspace: WorkspaceId,
    key: satchel_crypto::EpochKey,
}

async fn subscribe(link: &mut Link, workspace: WorkspaceId, cursor: Head) -> Head {
    link.send(&ClientFrame::Subscribe { workspace, cursor, pages_after: 0 }).await;
    link.until(|frame| match frame {
        ServerFrame::CaughtUp { head, .. } => Some(head),
        ServerFrame::Rejected { refusal, .. } => panic!("the subscription was rejected: {refusal:?}"),
        _ => None,
    })
    .await
}

impl Pair {
    async fn start(transport: Transport) -> Self {
        let host = Host::start().await;
        let (person, first) = Person::sign_up(&host.address(), "a@example.org").await;
        let second = person.sign_in("second").await.expect("a place is free");
        let mut one = first.open(transport).await;
        let mut two = second.open(transport).await;
        let (workspace, key) = first.found(&mut one, &person).await;
        match two.next().await {
            ServerFrame::WorkspaceAdded(entry) => {
                assert_eq!((entry.workspace, entry.head.seq), (workspace, 1));
            }
            other => panic!("instead of the new workspace came {other:?}"),
        }
        assert_eq!(subscribe(&mut two, workspace, Head::EMPTY).await.seq, 1);
        assert_eq!(second.join(&mut two, workspace).await, 2);
        assert!(matches!(one.next().await, ServerFrame::Entry { seq: 2, .. }));
        Self { host, person, first, second, one, two, workspace, key }
    }

    fn new_record(&self, app: &TestApp, payload: &[u8]) -> ClientFrame {
        let put = Put { key: &self.key, record: RecordId::new(random()), parent: None, payload };
        app.put(self.workspace, &put).2
    }
}

fn seq_of(frame: &ServerFrame) -> Option<u64> {
    match frame {
        ServerFrame::Entry { seq, .. } | ServerFrame::Accepted { seq, .. } => Some(*seq),
        _ => None,
    }
}

async fn both_see_every_entry_once_and_in_order(transport: Transport) {
    let mut pair = Pair::start(transport).await;
    for _ in 0..20 {
        let (from_one, from_two) =
            (pair.new_record(&pair.first, b"{}"), pair.new_record(&pair.second, b"{}"));
        pair.one.send(&from_one).await;
        pair.two.send(&from_two).await;
    }
    for link in [&mut pair.one, &mut pair.two] {
        let mut seen = Vec::new();
        let mut own = 0;
        while seen.last() != Some(&42) {
            let frame = link.next().await;
            own += usize::from(matches!(frame, ServerFrame::Accepted { .. }));
            seen.push(seq_of(&frame).expect("only entries and answers come"));
        }
        assert_eq!(seen, (3..=42).collect::<Vec<_>>());
        assert_eq!(own, 20);
    }
}

#[tokio::test]
async fn both_see_every_entry_once_and_in_order_by_socket() {
    both_see_every_entry_once_and_in_order(Transport::Socket).await;
}

#[tokio::test]
async fn both_see_every_entry_once_and_in_order_by_poll() {
    both_see_every_entry_once_and_in_order(Transport::Poll).await;
}

async fn stale_comes_after_every_entry_up_to_its_head(transport: Transport) {
    let mut pair = Pair::start(transport).await;
    let record = RecordId::new(random());
    let put = |parent, payload: &'static [u8]| Put { key: &pair.key, record, parent, payload };
    let (_, revision, frame) = pair.first.put(pair.workspace, &put(None, b"{}"));
    pair.one.send(&frame).await;
    assert_eq!(seq_of(&pair.one.next().await), Some(3));
    let (_, newer, frame) = pair.first.put(pair.workspace, &put(Some(revision), b"{\"a\":1}"));
    pair.one.send(&frame).await;
    assert_eq!(seq_of(&pair.one.next().await), Some(4));
    // The second app has not read on, and edits what it had.
    let (commit, _, frame) = pair.second.put(pair.workspace, &put(Some(revision), b"{\"b\":2}"));
    pair.two.send(&frame).await;
    assert_eq!(seq_of(&pair.two.next().await), Some(3));
    assert_eq!(seq_of(&pair.two.next().await), Some(4));
    match pair.two.next().await {
        ServerFrame::Stale { commit: of, head, records, .. } => {
            assert_eq!((of, head.seq, records.len()), (commit, 4, 1));
            assert_eq!((records[0].record, records[0].part), (record, Part::Body));
            assert_eq!(records[0].revision, Some(newer));
        }
        other => panic!("instead of stale came {other:?}"),
    }
}

#[tokio::test]
async fn stale_comes_after_every_entry_up_to_its_head_by_socket() {
    stale_comes_after_every_entry_up_to_its_head(Transport::Socket).await;
}

#[tokio::test]
async fn stale_comes_after_every_entry_up_to_its_head_by_poll() {
    stale_comes_after_every_entry_up_to_its_head(Transport::Poll).await;
}

#[tokio::test]
async fn a_repeated_commit_gets_the_first_answer_and_other_bytes_none() {
    let mut pair = Pair::start(Transport::Socket).await;
    let frame = pair.new_record(&pair.first, b"{}");
    pair.one.send(&frame).await;
    let first = pair.one.next().await;
    pair.one.send(&frame).await;
    assert_eq!(pair.one.next().await, first);
    // From a new connection, too: it is how an app learns that a lost answer was yes.
    let mut again = pair.first.open(Transport::Socket).await;
    again.send(&frame).await;
    assert_eq!(again.next().await, first);
    let entries = pair.two.settle().await;
    assert_eq!(entries.iter().filter_map(seq_of).collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn a_late_subscriber_meets_the_live_entries_without_a_gap() {
    let mut pair = Pair::start(Transport::Socket).await;
    let third = pair.person.sign_in("third").await.expect("a place is free");
    let mut late = third.open(Transport::Socket).await;
    for number in 0..60 {
        let frame = pair.new_record(&pair.first, &[b'"'; 3000]);
        pair.one.send(&frame).await;
        if number == 30 {
            let (workspace, cursor) = (pair.workspace, Head::EMPTY);
            late.send(&ClientFrame::Subscribe { workspace, cursor, pages_after: 0 }).await;
        }
    }
    let (mut headers, mut caught_up, mut live) = (0, None, Vec::new());
    while headers < 62 && live.last() != Some(&62) {
        match late.next().await {
            ServerFrame::Headers { first_seq, headers: more, .. } => {
                assert_eq!(first_seq, headers + 1);
                headers += more.len() as u64;
            }
            ServerFrame::CaughtUp { head, .. } => caught_up = Some(head.seq),
            ServerFrame::Entry { seq, .. } => live.push(seq),
            ServerFrame::Page { .. } => assert_eq!(caught_up, None),
            other => panic!("{other:?}"),
        }
    }
    let from = caught_up.unwrap_or(headers);
    assert_eq!(from, headers);
    assert_eq!(live, (from + 1..=62).take(live.len()).collect::<Vec<_>>());
    assert_eq!(from + live.len() as u64, 62);
}

#[tokio::test]
async fn a_slow_reader_is_dropped_and_catches_up_by_its_cursor() {
    let mut pair = Pair::start(Transport::Poll).await;
    // The second app fetches nothing; what waits for it passes the limit.
    let rounds = 2 * SOCKET_QUEUE_BYTES_MAX / 20_000 + 20;
    for round in 0..rounds {
        // Random payloads, because a sealed one is compressed first.
        let payload: Vec<u8> = (0..625).flat_map(|_| random::<32>()).collect();
        let frame = pair.new_record(&pair.first, &payload);
        pair.one.send(&frame).await;
        assert_eq!(seq_of(&pair.one.next().await), Some(round as u64 + 3));
    }
    assert_eq!(pair.two.refused().await.code, ErrorCode::TooSlow);
    let mut again = pair.second.open(Transport::Poll).await;
    assert_eq!(subscribe(&mut again, pair.workspace, Head::EMPTY).await.seq, rounds as u64 + 2);
}

#[tokio::test]
async fn a_long_catch_up_is_not_slow() {
    let mut pair = Pair::start(Transport::Socket).await;
    for _ in 0..40 {
        let payload: Vec<u8> = (0..1250).flat_map(|_| random::<32>()).collect();
        let frame = pair.new_record(&pair.first, &payload);
        pair.one.send(&frame).await;
        pair.one.next().await;
    }
    let third = pair.person.sign_in("third").await.expect("a place is free");
    let mut late = third.open(Transport::Poll).await;
    let (workspace, cursor) = (pair.workspace, Head::EMPTY);
    late.send(&ClientFrame::Subscribe { workspace, cursor, pages_after: 0 }).await;
    let mut envelopes = 0;
    loop {
        match late.next().await {
            ServerFrame::Page { envelopes: more, .. } => envelopes += more.len(),
            ServerFrame::CaughtUp { head, .. } => break assert_eq!(head.seq, 42),
            ServerFrame::Headers { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(envelopes, 40);
}

#[tokio::test]
async fn a_cursor_that_is_not_on_the_chain_is_told() {
    let mut pair = Pair::start(Transport::Socket).await;
    let cursor = Head { seq: 1, chain: satchel_wire::Chain::new([9; 32]) };
    pair.two.send(&ClientFrame::Subscribe { workspace: pair.workspace, cursor, pages_after: 0 }).await;
    match pair.two.next().await {
        ServerFrame::Rejected { commit: None, refusal, .. } => {
            assert_eq!(refusal.code, ErrorCode::CursorUnknown);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn deleting_a_workspace_is_told_to_every_app() {
    let mut pair = Pair::start(Transport::Socket).await;
    let workspace = pair.workspace;
    pair.one.send(&ClientFrame::DeleteWorkspace { request: 4, workspace }).await;
    assert_eq!(pair.one.next().await, ServerFrame::WorkspaceRemoved { workspace });
    assert_eq!(pair.one.next().await, ServerFrame::Done { request: 4 });
    assert_eq!(pair.two.next().await, ServerFrame::WorkspaceRemoved { workspace });
}

#[tokio::test]
async fn envelopes_can_be_fetched_again() {
    let mut pair = Pair::start(Transport::Socket).await;
    let record = RecordId::new(random());
    let put = Put { key: &pair.key, record, parent: None, payload: b"{}" };
    let (_, _, frame) = pair.first.put(pair.workspace, &put);
    pair.one.send(&frame).await;
    pair.one.next().await;
    let records = vec![(record, Part::Body), (RecordId::new(random()), Part::Body)];
    pair.one.send(&ClientFrame::Fetch { request: 9, workspace: pair.workspace, records }).await;
    match pair.one.next().await {
        ServerFrame::Fetched { request: 9, envelopes, .. } => {
            assert_eq!(envelopes.len(), 1);
            assert_eq!((envelopes[0].record, envelopes[0].seq), (record, 3));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_repeated_poll_changes_nothing() {
    let pair = Pair::start(Transport::Poll).await;
    let address = pair.host.address();
    let Link::Poll(polled) = &pair.one else { unreachable!("it polls") };
    let commit = encode(&pair.new_record(&pair.first, b"{}"));
    let (poll, first, read) = (polled.poll, polled.sent, polled.read);
    let push = PollRequest { poll, first, frames: vec![commit.into()], read, wait_ms: 0 };
    let ask = PollRequest { poll, first: first + 1, frames: Vec::new(), read, wait_ms: 10_000 };
    for _ in 0..3 {
        let _: PollReply = post(&address, "/v1/poll", &push).await.expect("it is taken once");
    }
    let once: PollReply = post(&address, "/v1/poll", &ask).await.expect("the answer comes");
    let twice: PollReply = post(&address, "/v1/poll", &ask).await.expect("the answer comes again");
    assert_eq!((once.first, once.frames.len()), (read, 1));
    assert_eq!(once, twice);
    let gap = PollRequest { first: first + 5, ..push };
    let refused = post::<_, PollReply>(&address, "/v1/poll", &gap).await.expect_err("frames are missing");
    assert_eq!(refused.code, ErrorCode::BadRequest);
}
