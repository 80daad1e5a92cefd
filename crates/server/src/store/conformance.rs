//! What every store must do, and the authors whose commits are pushed to try it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use minicbor::bytes::ByteVec;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use satchel_crypto::{
    AppCertificate, AppKey, EnvelopePlace, IdentityKeys, StateDigest, derive_chain, derive_revision,
    derive_token_hash, derive_workspace_id,
};
use satchel_wire::limits::{HEADERS_PAGE_BYTES, PAGE_BYTES};
use satchel_wire::{
    AccountBundle, AccountId, AddedApp, AppId, AppKind, BundleUpdate, Bytes32, Chain, CharterOp,
    CommitHeader, CommitId, Content, Digest, ErrorCode, Expect, Founding, Head, KeyWrap, Op, Part, RecordId,
    Revision, Signature, SignedHeader, SignedManifest, StaleRecord, StoredEnvelope, StoredVersion,
    WorkspaceEntry, WorkspaceId, WorkspaceKind,
};

use super::conformance_people as people;
use super::runs::Kept;
use super::{
    Made, NewAccount, NewApp, Push, SignedIn, SnapshotEnd, SnapshotPart, SnapshotRequest, Store, StoreError,
    VersionsRequest,
};
use crate::config::Retention;
use crate::service::{ConnectionId, Outcome, Publish};

/// Keeps what was published until the test takes it.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    outcomes: Mutex<VecDeque<Outcome>>,
    changed: Condvar,
}

impl Publish for Heard {
    fn publish(&self, outcome: Outcome) {
        self.outcomes.lock().expect("no test panics in here").push_back(outcome);
        self.changed.notify_all();
    }
}

impl Heard {
    /// Waits for the next outcome.
    pub(crate) fn next(&self) -> Outcome {
        let outcomes = self.outcomes.lock().expect("no test panics in here");
        let patience = Duration::from_mins(1);
        let (mut outcomes, _) = self
            .changed
            .wait_timeout_while(outcomes, patience, |outcomes| outcomes.is_empty())
            .expect("no test panics in here");
        outcomes.pop_front().expect("an outcome within a minute")
    }

    /// What is there already.
    pub(crate) fn take(&self) -> Vec<Outcome> {
        self.outcomes.lock().expect("no test panics in here").drain(..).collect()
    }

    pub(crate) fn accepted(&self) -> Head {
        match self.next() {
            Outcome::WorkspaceAdded { .. } => self.accepted(),
            Outcome::Accepted { head, .. } => head,
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub(crate) fn rejected(&self) -> ErrorCode {
        match self.next() {
            Outcome::Rejected { refusal, .. } => refusal.code,
            other => panic!("not rejected: {other:?}"),
        }
    }
}

pub(crate) const NOW: u64 = 1_700_000_000_000;
/// The connection of every author here.
pub(crate) const BY: ConnectionId = ConnectionId(7);

/// One app of one account.
pub(crate) struct Author {
    pub(crate) account: AccountId,
    pub(crate) keys: IdentityKeys,
    pub(crate) app: AppId,
    pub(crate) app_key: AppKey,
    pub(crate) token: [u8; 32],
}

impl Author {
    /// The app `app` of the account `account`; the same numbers give the same keys.
    pub(crate) fn new(account: u8, app: u8) -> Self {
        let keys = IdentityKeys::make(&mut ChaCha20Rng::seed_from_u64(u64::from(account)));
        let seed = 1_000 + u64::from(account) * 256 + u64::from(app);
        let app_key = AppKey::make(&mut ChaCha20Rng::seed_from_u64(seed));
        let mut token = [app; 32];
        token[0] = account;
        Self { account: AccountId::new([account; 16]), keys, app: AppId::new([app; 16]), app_key, token }
    }

    pub(crate) fn email(&self) -> String {
        format!("person-{}@example.org", self.account.as_bytes()[0])
    }

    pub(crate) fn bundle(&self) -> AccountBundle {
        let public = self.keys.public();
        AccountBundle {
            account: self.account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            sealed_identity: vec![0xa1; 100].into(),
            wrapped_by_password: vec![0xa2; 72].into(),
            wrapped_by_recovery: vec![0xa3; 72].into(),
            recovery_key: Bytes32::new([0xa4; 32]),
        }
    }

    pub(crate) fn new_app(&self) -> NewApp {
        NewApp {
            app: self.app,
            name: format!("app {}", self.app),
            kind: AppKind::Desktop,
            key: Bytes32::new(self.app_key.public()),
            token_hash: derive_token_hash(&self.token),
            now_ms: NOW,
        }
    }

    pub(crate) fn new_account(&self) -> NewAccount {
        NewAccount {
            email: self.email(),
            bundle: self.bundle(),
            password_file: vec![5; 192],
            app: self.new_app(),
            invite: None,
        }
    }

    pub(crate) fn certificate(&self) -> ByteVec {
        let (account, app) = (*self.account.as_bytes(), *self.app.as_bytes());
        AppCertificate::issue(&self.keys, account, app, self.app_key.public()).into()
    }

    pub(crate) fn header(
        &self,
        workspace: WorkspaceId,
        commit: u8,
        seen: Head,
        content: Content,
    ) -> CommitHeader {
        let commit = CommitId::new([commit; 16]);
        CommitHeader { workspace, commit, epoch: 1, author: self.account, app: self.app, seen, content }
    }

    pub(crate) fn founding(&self, salt: u8) -> CommitHeader {
        self.founding_of(salt, WorkspaceKind::Personal)
    }

    pub(crate) fn founding_of(&self, salt: u8, kind: WorkspaceKind) -> CommitHeader {
        let public = self.keys.public();
        let founding = Founding {
            salt: vec![salt; 16].into(),
            owner: self.account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            commitment: Bytes32::new([6; 32]),
            wraps: vec![KeyWrap { account: self.account, wrap: vec![7; 80].into() }],
            app: AddedApp { certificate: self.certificate() },
            kind,
            sealed_name: None,
        };
        let workspace = WorkspaceId::new(derive_workspace_id(&founding.identity_bytes()));
        self.header(workspace, 0, Head::EMPTY, Content::Charter(CharterOp::Found(founding)))
    }

    pub(crate) fn add_app(&self, workspace: WorkspaceId, commit: u8, seen: Head) -> CommitHeader {
        let added = AddedApp { certificate: self.certificate() };
        self.header(workspace, commit, seen, Content::Charter(CharterOp::AddApp(added)))
    }

    pub(crate) fn sign(&self, header: &CommitHeader) -> SignedHeader {
        let bytes = header.encode();
        let signature = Signature::new(self.app_key.sign_commit(&bytes));
        SignedHeader { header: bytes.into(), signature }
    }

    pub(crate) fn push(&self, header: CommitHeader, envelopes: Vec<Vec<u8>>) -> Push {
        Push {
            by: BY,
            app_key: Bytes32::new(self.app_key.public()),
            signed: self.sign(&header),
            header,
            envelopes: envelopes.into_iter().map(ByteVec::from).collect(),
            now_ms: NOW,
        }
    }
}

pub(crate) fn record(n: u16) -> RecordId {
    let mut id = [9; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    RecordId::new(id)
}

pub(crate) fn revision(workspace: WorkspaceId, record: RecordId, part: Part, envelope: &[u8]) -> Revision {
    let (workspace, record) = (*workspace.as_bytes(), *record.as_bytes());
    Revision::new(derive_revision(&EnvelopePlace { workspace, record, part: part as u8 }, envelope))
}

/// A put of a body.
pub(crate) fn put(workspace: WorkspaceId, n: u16, parent: Option<Revision>, envelope: &[u8]) -> Op {
    let put = Some(revision(workspace, record(n), Part::Body, envelope));
    Op { record: record(n), part: Part::Body, parent, put }
}

pub(crate) fn ops(ops: Vec<Op>) -> Content {
    Content::Ops { ops, expects: Vec::new(), bulk: false, returned: None }
}

/// A store with one account and one workspace.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) author: Author,
    pub(crate) workspace: WorkspaceId,
    pub(crate) head: Head,
}

/// Makes an empty store that publishes to its argument.
pub(crate) type Open<'a> = &'a dyn Fn(Arc<Heard>) -> Arc<dyn Store>;

impl World {
    pub(crate) fn new(open: Open<'_>) -> Self {
        let heard = Arc::new(Heard::default());
        let store = open(Arc::clone(&heard));
        let author = Author::new(1, 1);
        assert_eq!(store.make_account(author.new_account()).expect("it is stored"), Made::Account);
        let founding = author.founding(1);
        let workspace = founding.workspace;
        store.push(author.push(founding, Vec::new()));
        let head = heard.accepted();
        Self { store, heard, author, workspace, head }
    }

    /// Pushes operations and waits for the new head.
    pub(crate) fn accept(&mut self, commit: u8, content: Content, envelopes: Vec<Vec<u8>>) -> Head {
        self.push(commit, content, envelopes);
        self.head = self.heard.accepted();
        self.head
    }

    pub(crate) fn push(&self, commit: u8, content: Content, envelopes: Vec<Vec<u8>>) {
        let header = self.author.header(self.workspace, commit, self.head, content);
        self.store.push(self.author.push(header, envelopes));
    }

    pub(crate) fn put(&mut self, commit: u8, n: u16, parent: Option<Revision>, envelope: &[u8]) -> Revision {
        let op = put(self.workspace, n, parent, envelope);
        let revision = op.put.expect("a put");
        self.accept(commit, ops(vec![op]), vec![envelope.to_vec()]);
        revision
    }

    pub(crate) fn read(&self, cursor: Head, pages_after: u64) -> Result<Read, StoreError> {
        read(
            &*self.store,
            self.author.account,
            SnapshotRequest { workspace: self.workspace, cursor, pages_after },
        )
    }
}

/// A whole snapshot.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) headers: Vec<SignedHeader>,
    pub(crate) checkpoint: Option<SignedManifest>,
    /// Every entry in its order, kept whole or not.
    pub(crate) kept: Vec<Kept>,
    pub(crate) envelopes: Vec<StoredEnvelope>,
    pub(crate) end: SnapshotEnd,
}

pub(crate) fn read(
    store: &dyn Store,
    account: AccountId,
    request: SnapshotRequest,
) -> Result<Read, StoreError> {
    let (mut headers, mut envelopes, mut kept, mut checkpoint) = (Vec::new(), Vec::new(), Vec::new(), None);
    let end = store.read_snapshot(account, &request, &mut |part| {
        match part {
            SnapshotPart::Headers { first_seq, headers: page } => {
                assert!(envelopes.is_empty(), "headers come before pages");
                assert_eq!(first_seq, request.cursor.seq + 1 + kept.len() as u64);
                let bytes: usize = page.iter().map(|header| header.header.len()).sum();
                assert!(bytes <= HEADERS_PAGE_BYTES || page.len() == 1);
                kept.extend(page.iter().cloned().map(Kept::Header));
                headers.extend(page);
            }
            SnapshotPart::Checkpoint(manifest) => {
                assert!(kept.is_empty() && checkpoint.is_none(), "it comes first");
                checkpoint = Some(manifest);
            }
            SnapshotPart::Links { first_seq, links } => {
                assert!(checkpoint.is_some() && envelopes.is_empty());
                assert_eq!(first_seq, request.cursor.seq + 1 + kept.len() as u64);
                kept.extend(links.into_iter().map(|link| Kept::Link(*link.as_bytes())));
            }
            SnapshotPart::Page(page) => {
                let bytes: usize = page.iter().map(|stored| stored.envelope.len()).sum();
                assert!(bytes <= PAGE_BYTES || page.len() == 1);
                envelopes.extend(page);
            }
            SnapshotPart::Manifest { .. } | SnapshotPart::Pack(_) => panic!("nobody asked for packs"),
        }
        true
    })?;
    assert!(envelopes.is_sorted_by_key(|stored: &StoredEnvelope| stored.seq));
    Ok(Read { headers, checkpoint, kept, envelopes, end })
}

type Case = fn(Open<'_>);

/// The whole suite.
pub(crate) fn check(open: Open<'_>) {
    let cases: [(&str, Case); 26] = [
        ("accounts", accounts),
        ("invitations", invitations),
        ("sessions", sessions),
        ("passwords", passwords),
        ("feed", feed),
        ("strangers", strangers),
        ("repeated ids", repeated_ids),
        ("stale", stale),
        ("bulk purges", bulk_purges),
        ("charter", charter),
        ("cursors", cursors),
        ("pages", pages),
        ("fetching", fetching),
        ("history", history),
        ("versions", versions),
        ("packs", super::conformance_packs::packs),
        ("people: roles", people::roles),
        ("people: removal", people::removal),
        ("people: invitations", people::invitations),
        ("people: teams", people::teams),
        ("people: deleting a team", people::deleting_a_team),
        ("people: deleting an account", people::deleting_an_account),
        ("pruning", super::conformance_pruning::pruning),
        ("deleting a workspace", deleting_a_workspace),
        ("deleting an account", deleting_an_account),
        ("stopping", stopping),
    ];
    for (name, case) in cases {
        println!("conformance: {name}");
        case(open);
    }
}

fn accounts(open: Open<'_>) {
    let World { store, author, .. } = World::new(open);
    let row = store.account_by_email(&author.email()).expect("it reads").expect("it is there");
    assert_eq!((row.bundle, row.password_file), (author.bundle(), vec![5; 192]));
    assert_eq!(store.account_by_email("nobody@example.org").expect("it reads"), None);
    let (email, _) = store.account(author.account).expect("it reads").expect("it is there");
    assert_eq!(email, author.email());

    let mut other = Author::new(2, 1).new_account();
    other.email = author.email();
    assert_eq!(store.make_account(other).expect("it answers"), Made::EmailTaken);
    let mut other = author.new_account();
    other.email = "other@example.org".into();
    assert_eq!(store.make_account(other).expect("it answers"), Made::IdTaken);
}

fn invitations(open: Open<'_>) {
    let store = open(Arc::default());
    store.add_invite([8; 32], NOW).expect("it is stored");
    assert!(store.has_invite(&[8; 32]).expect("it reads"));
    let invited = |n: u8| NewAccount { invite: Some([8; 32]), ..Author::new(n, 1).new_account() };
    assert_eq!(store.make_account(invited(1)).expect("it is stored"), Made::Account);
    assert!(!store.has_invite(&[8; 32]).expect("it reads"), "it is used up");
    assert_eq!(store.make_account(invited(2)).expect("it answers"), Made::InviteUnknown);
    assert_eq!(store.account(AccountId::new([2; 16])).expect("it reads"), None);
}

fn sessions(open: Open<'_>) {
    let World { store, author, .. } = World::new(open);
    let second = Author::new(1, 2);
    assert_eq!(store.sign_in(author.account, second.new_app()).expect("it is stored"), SignedIn::App);
    let (keys, row) =
        store.session(&derive_token_hash(&second.token)).expect("it reads").expect("it is there");
    assert_eq!((keys.account, row.app, row.waiting), (author.account, second.app, 0));
    assert_eq!(*keys.signing_key.as_bytes(), author.keys.public().signing);

    store.touch_app(author.account, second.app, 5, NOW + 9).expect("it is taken");
    store.check_writable().expect("it writes");
    let rows = store.apps(author.account).expect("it reads");
    let seen: Vec<_> = rows.iter().map(|row| (row.app, row.last_seen_ms, row.waiting)).collect();
    assert_eq!(seen, [(author.app, NOW, 0), (second.app, NOW + 9, 5)]);

    let again = NewApp { token_hash: [1; 32], ..second.new_app() };
    store.sign_in(author.account, again).expect("it is stored");
    assert_eq!(store.session(&derive_token_hash(&second.token)).expect("it reads"), None, "replaced");
    assert!(store.remove_app(author.account, second.app).expect("it is stored"));
    assert!(!store.remove_app(author.account, second.app).expect("it answers"));
    assert_eq!(store.session(&[1; 32]).expect("it reads"), None);
    let nobody = store.sign_in(AccountId::new([99; 16]), second.new_app());
    assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
}

fn passwords(open: Open<'_>) {
    let World { store, author, .. } = World::new(open);
    let second = Author::new(1, 2);
    store.sign_in(author.account, second.new_app()).expect("it is stored");
    let update = BundleUpdate { wrapped_by_password: vec![20; 72].into(), recovery: None };
    let ended = store.set_password(author.account, vec![21; 192], update, Some(second.app));
    assert_eq!(ended.expect("it is stored"), [author.app]);
    let row = store.account(author.account).expect("it reads").expect("it is there").1;
    let expected = AccountBundle { wrapped_by_password: vec![20; 72].into(), ..author.bundle() };
    assert_eq!((row.bundle, row.password_file), (expected, vec![21; 192]));

    let recovery = Some((vec![22; 72].into(), Bytes32::new([23; 32])));
    let update = BundleUpdate { wrapped_by_password: vec![24; 72].into(), recovery };
    let ended = store.set_password(author.account, vec![25; 192], update, None);
    assert_eq!(ended.expect("it is stored"), [second.app]);
    let row = store.account(author.account).expect("it reads").expect("it is there").1;
    assert_eq!(*row.bundle.recovery_key.as_bytes(), [23; 32]);
}

fn feed(open: Open<'_>) {
    let mut world = World::new(open);
    let founded = world.head;
    assert_eq!(founded.seq, 1);
    let first = world.put(1, 1, None, b"one");
    let header = world.author.header(
        world.workspace,
        2,
        world.head,
        ops(vec![put(world.workspace, 1, Some(first), b"two")]),
    );
    let signed = world.author.sign(&header);
    world.store.push(world.author.push(header, vec![b"two".to_vec()]));
    let head = Head { seq: 3, chain: Chain::new(derive_chain(world.head.chain.as_bytes(), &signed.header)) };
    let expected = Outcome::Accepted {
        workspace: world.workspace,
        commit: CommitId::new([2; 16]),
        head,
        header: signed.clone(),
        envelopes: vec![b"two".to_vec().into()],
        by: BY,
    };
    assert_eq!(world.heard.next(), expected);

    let fresh = world.read(Head::EMPTY, 0).expect("it reads");
    assert_eq!(fresh.headers.len(), 3);
    assert_eq!(fresh.headers[2], signed);
    let two =
        StoredEnvelope { record: record(1), part: Part::Body, seq: 3, envelope: b"two".to_vec().into() };
    assert_eq!(fresh.envelopes, [two]);
    assert_eq!(fresh.end.head, head);
    let mut digest = StateDigest::default();
    let revision = revision(world.workspace, record(1), Part::Body, b"two");
    digest.add(record(1).as_bytes(), Part::Body as u8, revision.as_bytes());
    assert_eq!(fresh.end.digest, Digest::new(digest.to_bytes()));

    let listed = world.store.workspaces(world.author.account).expect("it reads");
    assert_eq!(listed, [WorkspaceEntry { workspace: world.workspace, head }]);
    let rest = world.read(head, 0).expect("it reads");
    assert!(rest.headers.is_empty() && rest.envelopes.is_empty());
}

fn strangers(open: Open<'_>) {
    let world = World::new(open);
    let stranger = Author::new(2, 1);
    world.store.make_account(stranger.new_account()).expect("it is stored");
    for workspace in [world.workspace, WorkspaceId::new([77; 16])] {
        let request = SnapshotRequest { workspace, cursor: Head::EMPTY, pages_after: 0 };
        let read = read(&*world.store, stranger.account, request);
        assert!(matches!(read, Err(StoreError::NotFound)), "{read:?}");
        let fetched = world.store.fetch(stranger.account, workspace, &[(record(1), Part::Body)]);
        assert!(matches!(fetched, Err(StoreError::NotFound)), "{fetched:?}");
        let deleted = world.store.delete_workspace(stranger.account, workspace);
        assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
        let content = ops(vec![put(workspace, 1, None, b"x")]);
        let header = stranger.header(workspace, 3, Head::EMPTY, content);
        world.store.push(stranger.push(header, vec![b"x".to_vec()]));
        assert_eq!(world.heard.rejected(), ErrorCode::NotFound);
    }
    assert_eq!(world.store.workspaces(stranger.account).expect("it reads"), []);
}

fn repeated_ids(open: Open<'_>) {
    let mut world = World::new(open);
    let seen = world.head;
    let header =
        world.author.header(world.workspace, 1, seen, ops(vec![put(world.workspace, 1, None, b"one")]));
    let push = world.author.push(header, vec![b"one".to_vec()]);
    world.store.push(push.clone());
    world.head = world.heard.accepted();
    world.put(2, 2, None, b"other");
    for _ in 0..2 {
        world.store.push(push.clone());
        let (workspace, commit) = (world.workspace, CommitId::new([1; 16]));
        assert_eq!(world.heard.next(), Outcome::Repeated { workspace, commit, seq: 2, by: BY });
    }
    let header =
        world.author.header(world.workspace, 1, seen, ops(vec![put(world.workspace, 3, None, b"new")]));
    world.store.push(world.author.push(header, vec![b"new".to_vec()]));
    assert_eq!(world.heard.rejected(), ErrorCode::CommitIdReused);
    let founding = world.author.founding(1);
    world.store.push(world.author.push(founding, Vec::new()));
    assert!(matches!(world.heard.next(), Outcome::Repeated { seq: 1, .. }));
    assert_eq!(world.read(Head::EMPTY, 0).expect("it reads").end.head.seq, 3, "nothing was added");
}

fn stale(open: Open<'_>) {
    let mut world = World::new(open);
    let one = world.put(1, 1, None, b"one");
    let two = world.put(2, 1, Some(one), b"two");
    let ops = vec![put(world.workspace, 1, Some(one), b"three"), put(world.workspace, 5, None, b"five")];
    let expects = vec![
        Expect { record: record(1), part: Part::Body, revision: Some(two) },
        Expect { record: record(2), part: Part::Node, revision: Some(one) },
    ];
    let content = Content::Ops { ops, expects, bulk: false, returned: None };
    world.push(3, content, vec![b"three".to_vec(), b"five".to_vec()]);
    let stale = |n, part, revision| StaleRecord { record: record(n), part, revision };
    let expected = Outcome::Stale {
        workspace: world.workspace,
        commit: CommitId::new([3; 16]),
        head: world.head,
        records: vec![stale(1, Part::Body, Some(two)), stale(2, Part::Node, None)],
        by: BY,
    };
    assert_eq!(world.heard.next(), expected);
    assert_eq!(world.read(Head::EMPTY, 0).expect("it reads").envelopes.len(), 1, "nothing changed");
}

fn node(workspace: WorkspaceId, n: u16) -> Op {
    let put = Some(revision(workspace, record(n), Part::Node, b"node"));
    Op { record: record(n), part: Part::Node, parent: None, put }
}

fn bulk_purges(open: Open<'_>) {
    let mut world = World::new(open);
    let nodes: Vec<_> = (0..250).map(|n| node(world.workspace, n)).collect();
    world.accept(1, ops(nodes.clone()), vec![b"node".to_vec(); 250]);
    let purge = |range: std::ops::Range<usize>, bulk| {
        let ops = nodes[range].iter().map(|op| Op { parent: op.put, put: None, ..op.clone() }).collect();
        Content::Ops { ops, expects: Vec::new(), bulk, returned: None }
    };
    world.push(2, purge(0..26, false), Vec::new());
    assert_eq!(world.heard.rejected(), ErrorCode::BulkNotMarked);
    world.accept(3, purge(0..25, false), Vec::new());
    world.accept(4, purge(25..225, true), Vec::new());
    world.push(5, purge(225..246, false), Vec::new());
    assert_eq!(world.heard.rejected(), ErrorCode::BulkNotMarked);
    world.accept(6, purge(225..245, false), Vec::new());
    assert_eq!(world.read(Head::EMPTY, 0).expect("it reads").envelopes.len(), 5);
}

fn charter(open: Open<'_>) {
    let mut world = World::new(open);
    let second = Author::new(1, 2);
    let content = || ops(vec![put(world.workspace, 1, None, b"one")]);
    let push = |commit, seen| {
        second.push(second.header(world.workspace, commit, seen, content()), vec![b"one".to_vec()])
    };
    world.store.push(push(1, world.head));
    assert_eq!(world.heard.rejected(), ErrorCode::SessionEnded, "not signed in");
    world.store.sign_in(second.account, second.new_app()).expect("it is stored");
    world.store.push(push(2, world.head));
    assert_eq!(world.heard.rejected(), ErrorCode::Forbidden, "not in the charter");
    world.store.push(second.push(second.add_app(world.workspace, 3, world.head), Vec::new()));
    world.head = world.heard.accepted();
    world.store.push(push(4, world.head));
    assert_eq!(world.heard.accepted().seq, 3);
    world.store.remove_app(second.account, second.app).expect("it is stored");
    world.store.push(push(5, world.head));
    assert_eq!(world.heard.rejected(), ErrorCode::SessionEnded, "access ends at once");

    let mut again = world.author.founding(1);
    again.commit = CommitId::new([66; 16]);
    world.store.push(world.author.push(again, Vec::new()));
    assert_eq!(world.heard.rejected(), ErrorCode::BadRequest);
}

fn cursors(open: Open<'_>) {
    let mut world = World::new(open);
    let founded = world.head;
    world.put(1, 1, None, b"one");
    let middle = world.read(founded, 0).expect("it reads");
    assert_eq!((middle.headers.len(), middle.envelopes.len()), (1, 1));
    let wrong = Chain::new([1; 32]);
    let unknown = [
        Head { seq: 0, chain: wrong },
        Head { seq: 1, chain: wrong },
        Head { seq: 2, chain: wrong },
        Head { seq: 3, chain: world.head.chain },
        Head { seq: u64::MAX, chain: world.head.chain },
    ];
    for cursor in unknown {
        let read = world.read(cursor, 0);
        assert!(matches!(read, Err(StoreError::CursorUnknown)), "{cursor:?}");
        let content = ops(vec![put(world.workspace, 2, None, b"two")]);
        let header = world.author.header(world.workspace, 9, cursor, content);
        world.store.push(world.author.push(header, vec![b"two".to_vec()]));
        assert_eq!(world.heard.rejected(), ErrorCode::CursorUnknown);
    }
}

fn pages(open: Open<'_>) {
    let mut world = World::new(open);
    for n in 0..40_u8 {
        let envelope = vec![n; 20_000];
        world.put(n + 1, u16::from(n), None, &envelope);
    }
    let all = world.read(Head::EMPTY, 0).expect("it reads");
    assert_eq!((all.headers.len(), all.envelopes.len()), (41, 40));
    let rest = world.read(Head::EMPTY, 30).expect("it reads");
    assert_eq!((rest.headers.len(), rest.envelopes.first().map(|stored| stored.seq)), (41, Some(31)));

    let request = SnapshotRequest { workspace: world.workspace, cursor: Head::EMPTY, pages_after: 0 };
    let mut parts = 0;
    let end = world.store.read_snapshot(world.author.account, &request, &mut |_| {
        parts += 1;
        parts < 2
    });
    end.expect("an interrupted snapshot is no failure");
    assert_eq!(parts, 2);
}

fn fetching(open: Open<'_>) {
    let mut world = World::new(open);
    world.put(1, 1, None, b"one");
    let asked = [(record(2), Part::Body), (record(1), Part::Node), (record(1), Part::Body)];
    let found = world.store.fetch(world.author.account, world.workspace, &asked).expect("it reads");
    let one =
        StoredEnvelope { record: record(1), part: Part::Body, seq: 2, envelope: b"one".to_vec().into() };
    assert_eq!(found, [one]);
}

fn history(open: Open<'_>) {
    let mut world = World::new(open);
    let mut parent = None;
    for n in 1..=6 {
        parent = Some(world.put(n, 1, parent, &[n; 50]));
    }
    let count = |world: &World| {
        let receipt = world.store.delete_account(world.author.account).expect("it is there");
        (receipt.records, receipt.versions)
    };
    let retention = Retention { age_ms: 1_000, versions: 2, entries: 0 };
    world.store.prune(retention, NOW + 999).expect("it runs");
    world.store.prune(retention, NOW + 1_001).expect("it runs");
    assert_eq!(world.read(Head::EMPTY, 0).expect("it reads").envelopes.len(), 1);
    assert_eq!(count(&world), (1, 1), "the two newest stay");
}

fn versions(open: Open<'_>) {
    let mut world = World::new(open);
    let (mut parent, large) = (None, vec![3; PAGE_BYTES - 400]);
    for (commit, envelope) in [(1, b"one".as_slice()), (2, b"two"), (3, &large)] {
        parent = Some(world.put(commit, 1, parent, envelope));
    }
    world.accept(4, ops(vec![Op { record: record(1), part: Part::Body, parent, put: None }]), Vec::new());
    world.put(5, 1, None, b"new");
    world.put(6, 2, None, b"another record");
    let read = |account, workspace, before, limit| {
        let request = VersionsRequest { workspace, record: record(1), part: Part::Body, before, limit };
        world.store.versions(account, &request)
    };
    let (account, workspace) = (world.author.account, world.workspace);
    let page = |before, limit| {
        let page = read(account, workspace, before, limit).expect("it reads");
        assert!(page.versions.iter().all(|version| version.received_ms == NOW));
        let shown = |version: &StoredVersion| {
            let header = CommitHeader::decode(&version.header.header).expect("the header of its entry");
            assert_eq!(u64::from(header.commit.as_bytes()[0]) + 1, version.seq);
            (version.seq, version.envelope.as_ref().map(|envelope| envelope.len()))
        };
        (page.versions.iter().map(shown).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(page(None, 2), (vec![(6, Some(3)), (5, None)], true));
    assert_eq!(page(Some(5), 9), (vec![(4, Some(large.len()))], true), "no more bytes than a page has");
    assert_eq!(page(Some(4), 9), (vec![(3, Some(3)), (2, Some(3))], false));
    assert_eq!(page(Some(2), 9), (vec![], false));
    let stranger = Author::new(2, 1).account;
    assert!(matches!(read(stranger, workspace, None, 9), Err(StoreError::NotFound)));
}

fn deleting_a_workspace(open: Open<'_>) {
    let mut world = World::new(open);
    world.put(1, 1, None, b"one");
    world.store.delete_workspace(world.author.account, world.workspace).expect("it is there");
    let (account, workspace) = (world.author.account, world.workspace);
    assert_eq!(world.heard.next(), Outcome::WorkspaceRemoved { account, workspace });
    assert!(matches!(world.read(Head::EMPTY, 0), Err(StoreError::NotFound)));
    world.push(2, ops(vec![put(workspace, 2, None, b"two")]), vec![b"two".to_vec()]);
    assert_eq!(world.heard.rejected(), ErrorCode::NotFound);
    assert_eq!(world.store.workspaces(account).expect("it reads"), []);
}

fn deleting_an_account(open: Open<'_>) {
    let mut world = World::new(open);
    let other = Author::new(2, 1);
    world.store.make_account(other.new_account()).expect("it is stored");
    let one = world.put(1, 1, None, &[1; 100]);
    world.put(2, 1, Some(one), &[2; 30]);
    world.put(3, 2, None, &[3; 7]);
    let receipt = world.store.delete_account(world.author.account).expect("it is there");
    let counts =
        (receipt.workspaces, receipt.records, receipt.versions, receipt.commits, receipt.apps, receipt.bytes);
    assert_eq!(counts, (1, 2, 1, 4, 1, 137));
    assert!(matches!(world.store.delete_account(world.author.account), Err(StoreError::NotFound)));
    assert_eq!(world.store.account(world.author.account).expect("it reads"), None);
    assert_eq!(world.store.session(&derive_token_hash(&world.author.token)).expect("it reads"), None);
    world.store.push(world.author.push(world.author.founding(1), Vec::new()));
    assert_eq!(world.heard.rejected(), ErrorCode::SessionEnded, "a deleted account founds nothing");
    assert!(world.store.account(other.account).expect("it reads").is_some());
    assert_eq!(world.store.make_account(world.author.new_account()).expect("it is stored"), Made::Account);
}

fn stopping(open: Open<'_>) {
    let world = World::new(open);
    for n in 0..20 {
        world.push(n + 1, ops(vec![put(world.workspace, u16::from(n), None, b"x")]), vec![b"x".to_vec()]);
    }
    world.store.stop();
    assert_eq!(world.heard.take().len(), 20, "what was taken is answered");
    world.push(50, ops(vec![put(world.workspace, 50, None, b"x")]), vec![b"x".to_vec()]);
    assert_eq!(world.heard.rejected(), ErrorCode::GoingAway);
    assert!(matches!(world.store.check_writable(), Err(StoreError::Stopped)));
}
