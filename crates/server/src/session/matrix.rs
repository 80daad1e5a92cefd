//! Who may do what: every frame, by everyone, of every workspace, with the answer that comes.
//!
//! The table is `matrix.txt`, written by `UPDATE_EXPECT=1`. A frame, or an entry of the charter, that is not
//! in it does not compile here ([`name`]); the routes before a connection have a table of their own
//! (`http/matrix.txt`). Each cell is a server of its own over a copy of one disk.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use satchel_charter::{Joiner, make_join};
use satchel_crypto::{InviteLink, InviteSecret};
use satchel_wire::{
    AppId, Bytes32, CharterOp, ClientFrame, CommitHeader, Content, Digest, Head, InviteId, Manifest,
    NewInvite, PROTOCOL_VERSION, PackId, Part, RecordId, Role, ServerFrame, Signature, SignedManifest, Token,
    WorkspaceId, WorkspaceKind, encode,
};
use tokio::time::timeout;

use super::Session;
use crate::config::{Clock, Config};
use crate::hub::Hub;
use crate::metrics::{Metrics, Transport};
use crate::server::Server;
use crate::service::Service;
use crate::store::conformance::{Author, NOW, ops, put};
use crate::store::conformance_people::{EXPIRES, People, Place};
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::{NewJoin, Store};

pub(crate) const TARGETS: [&str; 4] = ["own", "foreign", "random", "malformed"];
pub(crate) const WHO: [&str; 10] = [
    "anonymous",
    "outsider",
    "former",
    "invited",
    "unconfirmed",
    "viewer",
    "editor",
    "admin",
    "owner",
    "revoked",
];
/// The numbers of their accounts; 3 has a second app, which was revoked.
const ACCOUNTS: [u8; 10] = [8, 8, 5, 6, 7, 4, 3, 2, 1, 3];
const REVOKED_APP: u8 = 30;

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now_ms(&self) -> u64 {
        NOW
    }
}

/// A disk with a workspace that all those people have to do with, and one that they have not.
pub(crate) struct World {
    disk: MemoryDisk,
    pub(crate) people: People,
    pub(super) own: Place,
    foreign: WorkspaceId,
    revoked: Author,
}

pub(super) fn secret(seed: u64) -> InviteSecret {
    InviteSecret::make(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn invitation(seed: u64) -> CharterOp {
    CharterOp::Invite(NewInvite {
        invite: InviteId::new(secret(seed).derive_id()),
        key: Bytes32::new(secret(seed).derive_key().public()),
        role: Role::Viewer,
        expires_ms: EXPIRES,
        sealed_name_key: vec![2; 72].into(),
    })
}

pub(super) fn claim(author: &Author, workspace: WorkspaceId, seed: u64) -> ClientFrame {
    let server = "https://satchel.example".to_owned();
    let link = InviteLink { server, workspace: *workspace.as_bytes(), secret: secret(seed) };
    let joiner = Joiner { account: author.account, identity: &author.keys, name: "someone" };
    let rng = &mut ChaCha20Rng::seed_from_u64(9);
    ClientFrame::JoinInvite { request: 1, proof: make_join(&link, &joiner, rng).expect("a fit name") }
}

impl World {
    pub(crate) fn new() -> Self {
        let disk = MemoryDisk::make(&mut ChaCha20Rng::seed_from_u64(1));
        let made = disk.clone();
        let (mut people, mut own) =
            People::new(&move |heard| Arc::new(MemoryStore::open(made.clone(), heard)) as Arc<dyn Store>);
        for (person, role) in [(2, Role::Admin), (3, Role::Editor), (4, Role::Viewer), (5, Role::Editor)] {
            people.join(&mut own, 1, (person, role));
            people.add_app(&mut own, person);
        }
        people.remove(&mut own, 1, 5, &[1, 2, 3, 4]);
        for seed in [6, 7] {
            people.act(&mut own, 1, invitation(seed));
        }
        let revoked = Author::new(3, REVOKED_APP);
        people.world.store.sign_in(revoked.account, revoked.new_app()).expect("it is stored");
        let first = std::mem::replace(&mut people.authors[2], Author::new(3, REVOKED_APP));
        people.add_app(&mut own, 3);
        people.authors[2] = first;
        people.act(&mut own, 1, CharterOp::RevokeApp { app: revoked.app });
        let (foreign, _) = people.found(9, 50, WorkspaceKind::Personal);
        let world = Self { disk, people, own, foreign: foreign.workspace, revoked };
        world.claim_pending();
        world
    }

    fn claim_pending(&self) {
        let frame = claim(self.people.author(7), self.own.workspace, 7);
        let ClientFrame::JoinInvite { proof, .. } = frame else { unreachable!("a claim is one") };
        let join = NewJoin {
            workspace: self.own.workspace,
            invite: InviteId::new(secret(7).derive_id()),
            account: self.people.author(7).account,
            proof,
            now_ms: NOW,
        };
        self.people.world.store.put_join(join).expect("it is stored");
    }

    pub(crate) fn actor(&self, who: usize) -> &Author {
        if WHO[who] == "revoked" { &self.revoked } else { self.people.author(ACCOUNTS[who]) }
    }

    fn target(&self, target: usize) -> WorkspaceId {
        match TARGETS[target] {
            "own" | "malformed" => self.own.workspace,
            "foreign" => self.foreign,
            _ => WorkspaceId::new([0x77; 16]),
        }
    }

    pub(crate) fn server(&self) -> Arc<Server> {
        let metrics = Arc::new(Metrics::new());
        let hub = Arc::new(Hub::new(metrics.clone()));
        let store = Arc::new(MemoryStore::open(self.disk.snapshot(), hub.clone()));
        let service = Service::new(store, hub.clone(), Config::default()).expect("the setup reads");
        let options = crate::Options { clock: Arc::new(Fixed), ..crate::Options::new("nowhere") };
        Arc::new(Server::new(service, hub, metrics, &options))
    }
}

/// A frame, and an entry of the charter, by its name: one more of them does not compile without a name.
fn name(frame: &ClientFrame) -> String {
    let name = match frame {
        ClientFrame::Open { .. } => "Open",
        ClientFrame::Subscribe { .. } => "Subscribe",
        ClientFrame::Commit { header, .. } => {
            return CommitHeader::decode(&header.header)
                .map_or_else(|_| "Commit".to_owned(), |header| content_name(&header.content).to_owned());
        }
        ClientFrame::Waiting { .. } => "Waiting",
        ClientFrame::ListApps { .. } => "ListApps",
        ClientFrame::DisconnectApp { .. } => "DisconnectApp",
        ClientFrame::SignOut { .. } => "SignOut",
        ClientFrame::DeleteWorkspace { .. } => "DeleteWorkspace",
        ClientFrame::Fetch { .. } => "Fetch",
        ClientFrame::Ping => "Ping",
        ClientFrame::Versions { .. } => "Versions",
        ClientFrame::Bootstrap { .. } => "Bootstrap",
        ClientFrame::FetchPacks { .. } => "FetchPacks",
        ClientFrame::ReadHeaders { .. } => "ReadHeaders",
        ClientFrame::PutPack { .. } => "PutPack",
        ClientFrame::PutManifest { .. } => "PutManifest",
        ClientFrame::JoinInvite { .. } => "JoinInvite",
        ClientFrame::ListJoins { .. } => "ListJoins",
        ClientFrame::RefuseJoin { .. } => "RefuseJoin",
        ClientFrame::Presence { .. } => "Presence",
    };
    name.to_owned()
}

fn content_name(content: &Content) -> &'static str {
    let Content::Charter(op) = content else { return "Commit Ops" };
    match op {
        CharterOp::Found(_) => "Commit Found",
        CharterOp::AddApp(_) => "Commit AddApp",
        CharterOp::AddMember(_) => "Commit AddMember",
        CharterOp::SetRole { .. } => "Commit SetRole",
        CharterOp::RemoveMembers { .. } => "Commit RemoveMembers",
        CharterOp::Rotate { .. } => "Commit Rotate",
        CharterOp::RevokeApp { .. } => "Commit RevokeApp",
        CharterOp::Leave => "Commit Leave",
        CharterOp::Invite(_) => "Commit Invite",
        CharterOp::RevokeInvite { .. } => "Commit RevokeInvite",
        CharterOp::SetAccess { .. } => "Commit SetAccess",
    }
}

/// How many names there are; what has a name and no row is found by this.
const NAMES: usize = 31;

impl World {
    /// Every frame by an app about a workspace; those without one come for the first target only.
    fn frames(&self, author: &Author, workspace: WorkspaceId, app: AppId) -> Vec<ClientFrame> {
        let (record, part) = (RecordId::new([1; 16]), Part::Body);
        let seed = if author.account == self.people.author(6).account { 6 } else { 7 };
        let mut frames = vec![
            ClientFrame::Subscribe { workspace, cursor: Head::EMPTY, pages_after: 0 },
            ClientFrame::Bootstrap { workspace, have: Vec::new() },
            ClientFrame::Fetch { request: 1, workspace, records: vec![(record, part)] },
            ClientFrame::Versions { request: 1, workspace, record, part, before: None, limit: 9 },
            ClientFrame::FetchPacks { request: 1, workspace, packs: vec![PackId::new([1; 32])] },
            ClientFrame::ReadHeaders { request: 1, workspace, after: 0 },
            ClientFrame::PutPack { request: 1, workspace, pack: vec![1; 100].into() },
            ClientFrame::PutManifest { request: 1, manifest: self.manifest(author, workspace) },
            ClientFrame::Presence { workspace, sealed: vec![1; 80].into() },
            claim(author, workspace, seed),
            ClientFrame::ListJoins { request: 1, workspace },
            ClientFrame::RefuseJoin { request: 1, workspace, invite: InviteId::new(secret(7).derive_id()) },
            ClientFrame::DeleteWorkspace { request: 1, workspace },
            ClientFrame::DisconnectApp { request: 1, app },
        ];
        let bytes = b"new".to_vec();
        let content = ops(vec![put(workspace, 9, None, &bytes)]);
        frames.push(self.commit(author, workspace, content, vec![bytes]));
        let charter = self.charter_ops(author).into_iter();
        frames.extend(charter.map(|op| self.commit(author, workspace, Content::Charter(op), Vec::new())));
        frames
    }

    pub(super) fn commit(
        &self,
        author: &Author,
        workspace: WorkspaceId,
        content: Content,
        envelopes: Vec<Vec<u8>>,
    ) -> ClientFrame {
        let header = author.header(workspace, 250, self.own.head, content);
        let header = author.sign(&CommitHeader { epoch: self.own.epoch, ..header });
        ClientFrame::Commit { header, envelopes: envelopes.into_iter().map(Into::into).collect() }
    }

    fn charter_ops(&self, author: &Author) -> Vec<CharterOp> {
        let app = |header: CommitHeader| match header.content {
            Content::Charter(op) => op,
            Content::Ops { .. } => unreachable!("an entry of the charter"),
        };
        let workspace = self.own.workspace;
        let mut member = self.people.added(7, Role::Viewer, None);
        member.invite = Some(InviteId::new(secret(7).derive_id()));
        vec![
            app(author.founding(1)),
            app(author.add_app(workspace, 1, Head::EMPTY)),
            CharterOp::AddMember(member),
            CharterOp::SetRole { account: self.people.author(4).account, role: Role::Editor },
            CharterOp::RemoveMembers {
                accounts: vec![self.people.author(4).account],
                rotation: self.people.rotation(self.own, &[1, 2, 3]),
            },
            CharterOp::Rotate { rotation: self.people.rotation(self.own, &[1, 2, 3, 4]) },
            CharterOp::RevokeApp { app: author.app },
            CharterOp::Leave,
            invitation(99),
            CharterOp::RevokeInvite { invite: InviteId::new(secret(7).derive_id()) },
            CharterOp::SetAccess { open: true },
        ]
    }

    fn manifest(&self, author: &Author, workspace: WorkspaceId) -> SignedManifest {
        let manifest = Manifest {
            workspace,
            author: author.account,
            app: author.app,
            head: self.own.head,
            digest: Digest::new(satchel_crypto::StateDigest::default().to_bytes()),
            epoch: self.own.epoch,
            nodes: 0,
            bodies: 0,
            charter: Bytes32::new([0; 32]),
            packs: Vec::new(),
        };
        let bytes = manifest.encode();
        let signature = Signature::new(author.app_key.sign_manifest(&bytes));
        SignedManifest { manifest: bytes.into(), signature }
    }
}

/// Frames about no workspace.
fn plain_frames() -> Vec<ClientFrame> {
    let open = ClientFrame::Open {
        protocol: PROTOCOL_VERSION,
        token: Token::new([0; 32]),
        proof: Signature::new([0; 64]),
        sync: true,
        take_over: None,
        waiting: 0,
    };
    let (waiting, list) = (ClientFrame::Waiting { count: 1 }, ClientFrame::ListApps { request: 1 });
    vec![open, waiting, list, ClientFrame::SignOut { request: 1 }, ClientFrame::Ping]
}

/// The same bytes with an id that is one byte short.
fn malform(bytes: &[u8], id: &[u8; 16]) -> Vec<u8> {
    let at = bytes.windows(16).position(|window| window == id).expect("the frame names it");
    let mut out = bytes.to_vec();
    out[at - 1] = 0x4f;
    out.remove(at);
    out
}

pub(super) struct End {
    pub(super) session: Session,
}

impl End {
    async fn next(&self) -> Vec<u8> {
        let next = timeout(Duration::from_secs(20), self.session.outbox.next()).await;
        next.expect("an answer in time").map(|frame| frame.to_vec()).unwrap_or_default()
    }

    pub(super) async fn next_frame(&self) -> ServerFrame {
        satchel_wire::decode("frame", &self.next().await).expect("the server sends what it can read")
    }

    pub(super) async fn send(&mut self, frame: &ClientFrame) {
        self.session.receive(&encode(frame)).await;
    }

    pub(super) async fn open(server: &Arc<Server>, author: &Author) -> Self {
        let (session, welcome) = Session::begin(server, Transport::Poll).expect("it runs");
        let mut end = Self { session };
        let (nonce, incarnation) = (welcome.nonce, welcome.incarnation);
        let open = ClientFrame::Open {
            protocol: PROTOCOL_VERSION,
            token: Token::new(author.token),
            proof: Signature::new(author.app_key.sign_open(nonce.as_bytes(), incarnation.as_bytes())),
            sync: true,
            take_over: None,
            waiting: 0,
        };
        end.send(&open).await;
        assert!(matches!(end.next_frame().await, ServerFrame::Opened(_)));
        end
    }

    /// Reads a workspace, until live entries follow or it is refused.
    pub(super) async fn read(&mut self, workspace: WorkspaceId) {
        self.send(&ClientFrame::Subscribe { workspace, cursor: Head::EMPTY, pages_after: 0 }).await;
        // Answered by the same task, so only once the feed is live.
        self.send(&ClientFrame::Fetch { request: 77, workspace, records: Vec::new() }).await;
        loop {
            let frame = self.next_frame().await;
            if matches!(
                frame,
                ServerFrame::Fetched { request: 77, .. } | ServerFrame::Failed { request: 77, .. }
            ) {
                return;
            }
        }
    }
}

/// What an answer says, in one word.
fn class(bytes: &[u8]) -> String {
    match satchel_wire::decode("frame", bytes) {
        Ok(ServerFrame::Rejected { refusal, .. } | ServerFrame::Failed { refusal, .. }) => {
            format!("{:?}", refusal.code)
        }
        Ok(ServerFrame::Refused(refusal)) => format!("end:{:?}", refusal.code),
        Ok(ServerFrame::Headers { .. } | ServerFrame::Manifest { .. }) => "feed".to_owned(),
        Ok(frame) => {
            let text = format!("{frame:?}");
            let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
            text[..end].to_lowercase()
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// The first answer to a frame; nothing where there is none.
async fn ask(world: &World, who: usize, frame: &ClientFrame, bytes: &[u8]) -> Vec<u8> {
    let server = world.server();
    let own = world.own.workspace;
    let mut end = if WHO[who] == "anonymous" {
        End { session: Session::begin(&server, Transport::Poll).expect("it runs").0 }
    } else {
        End::open(&server, world.actor(who)).await
    };
    let is_silent = matches!(frame, ClientFrame::Waiting { .. } | ClientFrame::Presence { .. });
    if is_silent && WHO[who] != "anonymous" {
        let watcher = world.people.author(if WHO[who] == "admin" { 1 } else { 2 });
        let mut watches = End::open(&server, watcher).await;
        watches.read(own).await;
        while watches.session.outbox.try_next().is_some() {}
        end.read(own).await;
        while end.session.outbox.try_next().is_some() {}
        end.session.receive(bytes).await;
        watches.send(&ClientFrame::Ping).await;
        let seen = watches.next().await;
        return if class(&seen) == "presenceof" || end.session.outbox.ended().is_none() {
            seen
        } else {
            end.next().await
        };
    }
    end.session.receive(bytes).await;
    end.next().await
}

fn mask(answer: &[u8], id: &[u8]) -> Vec<u8> {
    let mut out = answer.to_vec();
    while let Some(at) = out.windows(id.len()).position(|window| window == id) {
        out[at..at + id.len()].fill(0);
    }
    out
}

/// One line of the table.
pub(crate) fn line(text: &mut String, name: &str, target: &str, cells: &[String]) {
    let mut line = format!("{name:<21}{target:<11}");
    for cell in cells {
        // Writing to a text cannot fail.
        let _ = write!(line, "{cell:<18}");
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

async fn cells(world: &World, target: usize, index: Option<usize>, plain: usize) -> (String, Vec<String>) {
    let (mut name_of, mut cells) = (String::new(), Vec::new());
    for (who, person) in WHO.iter().enumerate() {
        let author = world.actor(who);
        let workspace = world.target(target);
        let app = [author.app, world.people.author(9).app, AppId::new([0x77; 16]), author.app][target];
        let frame = match index {
            Some(index) => world.frames(author, workspace, app).swap_remove(index),
            None => plain_frames().swap_remove(plain),
        };
        name_of = name(&frame);
        let id = if name_of == "DisconnectApp" { *app.as_bytes() } else { *workspace.as_bytes() };
        let bytes = encode(&frame);
        let bytes = if TARGETS[target] == "malformed" { malform(&bytes, &id) } else { bytes };
        let answer = ask(world, who, &frame, &bytes).await;
        cells.push(if class(&answer) == "pong" && name_of != "Ping" {
            "-".to_owned()
        } else {
            class(&answer)
        });
        if TARGETS[target] == "foreign" {
            let app = AppId::new([0x77; 16]);
            let random = match index {
                Some(index) => world.frames(author, world.target(2), app).swap_remove(index),
                None => continue,
            };
            let id_of_random = if name_of == "DisconnectApp" { *app.as_bytes() } else { [0x77; 16] };
            let other = ask(world, who, &random, &encode(&random)).await;
            assert_eq!(mask(&answer, &id), mask(&other, &id_of_random), "{name_of} by {person}");
        }
    }
    (name_of, cells)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_may_do_what_the_table_says() {
    let world = World::new();
    let count = world.frames(world.actor(1), world.own.workspace, AppId::new([1; 16])).len();
    let (mut text, mut names) = (String::new(), BTreeSet::new());
    line(&mut text, "frame", "of", &WHO.map(str::to_owned));
    for plain in 0..plain_frames().len() {
        let (name, cells) = cells(&world, 0, None, plain).await;
        line(&mut text, &name, "", &cells);
        names.insert(name);
    }
    for index in 0..count {
        for (target, named) in TARGETS.iter().enumerate() {
            let (name, cells) = cells(&world, target, Some(index), 0).await;
            line(&mut text, &name, named, &cells);
            names.insert(name);
        }
    }
    assert_eq!(names.len(), NAMES, "a frame has no row, or the number of names is another one: {names:?}");
    check_table("src/session/matrix.txt", &text);
}

/// Compares a table to its file, or writes it there.
pub(crate) fn check_table(file: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, text).expect("the table can be written");
    }
    let expected = std::fs::read_to_string(&file).expect("the table is there");
    assert_eq!(text, expected, "UPDATE_EXPECT=1 writes what holds now");
}
