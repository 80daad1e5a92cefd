//! Flows through the service with a real store and real cryptography.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, RwLock};
use std::thread;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use satchel_crypto::{ClientLogin, ClientRegistration, RecoveryCode};
use satchel_wire::{
    AccountBundle, AppId, AppKind, AppLogin, BundleUpdate, Bytes32, Content, DeleteAccount, ErrorCode,
    GrantId, Head, Nonce, Op, PROTOCOL_VERSION, Part, PasswordFinish, PasswordStart, RecoverFinish,
    RecoverStart, Refusal, SignInFinish, SignInFinishReply, SignInStart, SignUpFinish, SignUpStart,
    Signature, Token,
};
use tempfile::TempDir;

use super::{Address, ConnectionId, OpenRequest, Outcome, Service, Session};
use crate::config::{Config, SignUp};
use crate::store::Store;
use crate::store::conformance::{Author, Heard, NOW, ops, put, record};
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::sqlite::{DataDir, SqliteStore};

const HERE: Address = Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
const NONCE: Nonce = Nonce::new([3; 32]);

struct World {
    service: Service,
    heard: Arc<Heard>,
    rng: ChaCha20Rng,
    next: AtomicU64,
    _dir: TempDir,
}

impl World {
    fn new(config: Config) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let heard = Arc::new(Heard::default());
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let data = DataDir::lock(dir.path()).expect("it is free");
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(data, heard.clone(), &mut rng).expect("it opens"));
        let service = Service::new(store, heard.clone(), config).expect("the setup reads");
        Self { service, heard, rng, next: AtomicU64::new(1), _dir: dir }
    }

    /// With an account whose apps 1 to `apps` are signed in, without passwords.
    fn with_apps(config: Config, apps: u8) -> Self {
        let world = Self::new(config);
        world.service.store.make_account(Author::new(1, 1).new_account()).expect("it is stored");
        for app in 2..=apps {
            let author = Author::new(1, app);
            world.service.store.sign_in(author.account, author.new_app()).expect("it is stored");
        }
        world
    }

    fn connection(&self) -> ConnectionId {
        ConnectionId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn request(&self, author: &Author) -> OpenRequest {
        let incarnation = self.service.incarnation();
        let proof = author.app_key.sign_open(NONCE.as_bytes(), incarnation.as_bytes());
        OpenRequest {
            nonce: NONCE,
            protocol: PROTOCOL_VERSION,
            token: Token::new(author.token),
            proof: Signature::new(proof),
            sync: true,
            take_over: None,
            waiting: 0,
        }
    }

    fn open_with(&self, request: &OpenRequest) -> Result<Session, Refusal> {
        self.service.open(self.connection(), request, NOW).map(|(session, _)| session)
    }

    fn open(&self, app: u8) -> Result<Session, Refusal> {
        self.open_with(&self.request(&Author::new(1, app)))
    }

    fn sign_up(
        &mut self,
        author: &Author,
        password: &[u8],
        invite: Option<String>,
    ) -> Result<RecoveryCode, ErrorCode> {
        let (client, request) = ClientRegistration::start(password, &mut self.rng).expect("it starts");
        let start = SignUpStart {
            protocol: PROTOCOL_VERSION,
            email: author.email(),
            registration_request: request.into(),
            invite,
        };
        let reply =
            self.service.sign_up_start(HERE, &start, NOW, &mut self.rng).map_err(|refusal| refusal.code)?;
        let (upload, _) =
            client.finish(password, &reply.registration_response, &mut self.rng).expect("it finishes");
        let code = RecoveryCode::make(&mut self.rng);
        let recovery_key = Bytes32::new(code.recovery_key().public());
        let finish = SignUpFinish {
            login: reply.login,
            registration_upload: upload.into(),
            bundle: AccountBundle { recovery_key, ..author.bundle() },
            app: login(author, None),
        };
        self.service.sign_up_finish(HERE, &finish, NOW, &mut self.rng).map_err(|refusal| refusal.code)?;
        Ok(code)
    }

    fn sign_in(&mut self, email: &str, password: &[u8]) -> Result<SignInFinishReply, ErrorCode> {
        let (client, request) = ClientLogin::start(password, &mut self.rng).expect("it starts");
        let start = SignInStart {
            protocol: PROTOCOL_VERSION,
            email: email.into(),
            credential_request: request.into(),
        };
        let reply =
            self.service.sign_in_start(HERE, &start, NOW, &mut self.rng).map_err(|refusal| refusal.code)?;
        // A client stops at a wrong password by itself; an attacker would go on with some bytes.
        let finished = client.finish(password, &reply.credential_response, &mut self.rng);
        let last = finished.map_or_else(|_| vec![0; 64], |(last, _)| last);
        let finish = SignInFinish { login: reply.login, credential_finalization: last.into() };
        self.service.sign_in_finish(HERE, &finish, NOW, &mut self.rng).map_err(|refusal| refusal.code)
    }

    fn sign_app_in(
        &mut self,
        author: &Author,
        grant: GrantId,
        take_over: Option<AppId>,
    ) -> Result<Token, Refusal> {
        let login = AppLogin { take_over, ..login(author, Some(grant)) };
        self.service.sign_in_app(HERE, &login, NOW, &mut self.rng).map(|reply| reply.token)
    }
}

fn login(author: &Author, grant: Option<GrantId>) -> AppLogin {
    AppLogin {
        grant,
        app: author.app,
        name: format!("app {}", author.app),
        kind: AppKind::CommandLine,
        certificate: author.certificate(),
        take_over: None,
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> ErrorCode {
    result.expect_err("it is refused").code
}

#[test]
fn who_signed_up_signs_in_with_the_password_and_nobody_else() {
    let mut world = World::new(Config::default());
    let author = Author::new(1, 1);
    world.sign_up(&author, b"right", None).expect("it is open");
    assert_eq!(world.sign_up(&Author { ..Author::new(1, 1) }, b"x", None).err(), Some(ErrorCode::EmailTaken));
    assert_eq!(world.sign_in(&author.email(), b"wrong").err(), Some(ErrorCode::Unauthorized));
    let typed = format!("  {} ", author.email().to_uppercase());
    let reply = world.sign_in(&typed, b"right").expect("the password is right");
    assert_eq!(reply.bundle.account, author.account);
    let second = Author::new(1, 2);
    world.sign_app_in(&second, reply.grant, None).expect("there is room");
    assert_eq!(code(world.sign_app_in(&second, reply.grant, None)), ErrorCode::Unauthorized, "used once");
}

#[test]
fn an_unknown_email_is_answered_like_a_known_one() {
    let mut world = World::new(Config::default());
    world.sign_up(&Author::new(1, 1), b"right", None).expect("it is open");
    let mut seen = Vec::new();
    for email in ["person-1@example.org", "nobody@example.org"] {
        let (_, request) = ClientLogin::start(b"guess", &mut world.rng).expect("it starts");
        let start = SignInStart {
            protocol: PROTOCOL_VERSION,
            email: email.into(),
            credential_request: request.into(),
        };
        let reply = world.service.sign_in_start(HERE, &start, NOW, &mut world.rng).expect("it answers");
        let finish = SignInFinish { login: reply.login, credential_finalization: vec![0; 64].into() };
        let end =
            world.service.sign_in_finish(HERE, &finish, NOW, &mut world.rng).expect_err("a wrong proof");
        let start = RecoverStart { protocol: PROTOCOL_VERSION, email: email.into() };
        let recover = world.service.recover_start(HERE, &start, NOW, &mut world.rng).expect("it answers");
        let finish = RecoverFinish { login: recover.login, proof: Signature::new([1; 64]) };
        let recovered = world.service.recover_finish(HERE, &finish, NOW, &mut world.rng).expect_err("wrong");
        seen.push((reply.credential_response.len(), end, recovered));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn failed_sign_ins_are_throttled_for_known_and_unknown_emails() {
    let mut world = World::new(Config { login_failures_max: 3, ..Config::default() });
    world.sign_up(&Author::new(1, 1), b"right", None).expect("it is open");
    for email in ["person-1@example.org", "nobody@example.org"] {
        for _ in 0..3 {
            assert_eq!(world.sign_in(email, b"wrong").err(), Some(ErrorCode::Unauthorized));
        }
        assert_eq!(world.sign_in(email, b"right").err(), Some(ErrorCode::Throttled), "{email}");
    }
}

#[test]
fn sign_up_needs_what_the_server_asks_for() {
    let mut closed = World::new(Config { sign_up: SignUp::Closed, ..Config::default() });
    assert_eq!(closed.sign_up(&Author::new(1, 1), b"p", None).err(), Some(ErrorCode::SignUpClosed));
    let mut world = World::new(Config { sign_up: SignUp::Invite, ..Config::default() });
    assert_eq!(world.sign_up(&Author::new(1, 1), b"p", None).err(), Some(ErrorCode::SignUpClosed));
    let invite = world.service.make_invite(NOW, &mut world.rng).expect("it is stored");
    world.sign_up(&Author::new(1, 1), b"p", Some(invite.clone())).expect("it is invited");
    assert_eq!(world.sign_up(&Author::new(2, 1), b"p", Some(invite)).err(), Some(ErrorCode::SignUpClosed));
}

#[test]
fn a_recovery_code_sets_a_new_password_and_ends_the_sessions() {
    let mut world = World::new(Config::default());
    let author = Author::new(1, 1);
    let recovery = world.sign_up(&author, b"old", None).expect("it is open");
    let start = RecoverStart { protocol: PROTOCOL_VERSION, email: author.email() };
    let reply = world.service.recover_start(HERE, &start, NOW, &mut world.rng).expect("it answers");
    let proof = Signature::new(recovery.recovery_key().sign_challenge(reply.challenge.as_bytes()));
    let finish = RecoverFinish { login: reply.login, proof };
    let proved = world.service.recover_finish(HERE, &finish, NOW, &mut world.rng).expect("the code is right");
    assert_eq!(
        code(world.service.recover_finish(HERE, &finish, NOW, &mut world.rng)),
        ErrorCode::Unauthorized
    );

    let (client, request) = ClientRegistration::start(b"new", &mut world.rng).expect("it starts");
    let start = PasswordStart { grant: proved.grant, registration_request: request.into() };
    let reply = world.service.password_start(HERE, &start, NOW).expect("the grant is good");
    let (upload, _) =
        client.finish(b"new", &reply.registration_response, &mut world.rng).expect("it finishes");
    let finish = PasswordFinish {
        grant: proved.grant,
        registration_upload: upload.into(),
        update: BundleUpdate { wrapped_by_password: vec![9; 72].into(), recovery: None },
        keep: None,
    };
    let done = world.service.password_finish(HERE, &finish, NOW, &mut world.rng).expect("the grant is good");
    assert_eq!(done.bundle.wrapped_by_password.to_vec(), vec![9; 72]);
    assert!(world.service.store.apps(author.account).expect("it reads").is_empty(), "signed out");
    assert_eq!(world.sign_in(&author.email(), b"old").err(), Some(ErrorCode::Unauthorized));
    world.sign_in(&author.email(), b"new").expect("the new password is right");
    world.sign_app_in(&author, done.grant, None).expect("the new grant is good");
}

#[test]
fn grants_end_after_five_minutes() {
    let mut world = World::new(Config::default());
    let author = Author::new(1, 1);
    world.sign_up(&author, b"p", None).expect("it is open");
    let grant = world.sign_in(&author.email(), b"p").expect("right").grant;
    let request = DeleteAccount { grant };
    let late = world.service.delete_account(HERE, &request, NOW + 5 * 60 * 1000);
    assert_eq!(code(late), ErrorCode::Unauthorized);
}

#[test]
fn deleting_an_account_ends_its_connections() {
    let mut world = World::with_apps(Config::default(), 2);
    let session = world.open(1).expect("there is room");
    let grant = world.service.grants.make(session.account, NOW, &mut world.rng);
    let receipt =
        world.service.delete_account(HERE, &DeleteAccount { grant }, NOW).expect("the grant is good");
    assert_eq!((receipt.apps, receipt.workspaces), (2, 0));
    let Outcome::Ended { connection, refusal } = world.heard.next() else { panic!("no end") };
    assert_eq!((connection, refusal.code), (session.connection, ErrorCode::SessionEnded));
    assert_eq!(code(world.open(1)), ErrorCode::Unauthorized);
}

#[test]
fn eight_apps_at_once_never_hold_more_than_three_places() {
    let world = World::with_apps(Config::default(), 8);
    for round in 0..10_u8 {
        let start = Barrier::new(8);
        let results: Vec<_> = thread::scope(|scope| {
            let open = |app: u8| {
                let (world, start) = (&world, &start);
                move || {
                    let mut request = world.request(&Author::new(1, app));
                    // Half of them push another one out, if they must.
                    request.take_over =
                        app.is_multiple_of(2).then(|| AppId::new([(app + round) % 8 + 1; 16]));
                    start.wait();
                    let result = world.open_with(&request);
                    assert!(world.service.connection_counts().1 <= 3);
                    result
                }
            };
            let threads: Vec<_> = (1..=8).map(|app| scope.spawn(open(app))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
        });
        assert_eq!(world.service.connection_counts().1, 3);
        let opened: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        let refused = results.iter().filter_map(|result| result.as_ref().err());
        for refusal in refused {
            assert_eq!(refusal.code, ErrorCode::AppLimit);
            assert!(refusal.apps.len() <= 3);
        }
        let ended = world.heard.take();
        assert_eq!(opened.len() - ended.len(), 3, "who is in and not out holds a place");
        for session in opened {
            world.service.close(session.connection, NOW);
        }
        assert_eq!(world.service.connection_counts(), (0, 0));
    }
}

#[test]
fn the_fourth_app_is_told_who_holds_the_places_and_takes_one_over() {
    let world = World::with_apps(Config::default(), 4);
    let first = world.open(1).expect("there is room");
    world.service.note_waiting(&first, 12);
    world.open(2).expect("there is room");
    world.open(3).expect("there is room");
    let refusal = world.open(4).expect_err("all places are in use");
    assert_eq!(refusal.code, ErrorCode::AppLimit);
    let listed: Vec<_> =
        refusal.apps.iter().map(|entry| (entry.app, entry.waiting, entry.connected)).collect();
    let app = |n: u8| AppId::new([n; 16]);
    assert_eq!(listed, [(app(1), 12, true), (app(2), 0, true), (app(3), 0, true)]);

    let take_over = |from: u8, by: u8| {
        let request = OpenRequest { take_over: Some(app(from)), ..world.request(&Author::new(1, by)) };
        world.open_with(&request)
    };
    take_over(1, 4).expect("it takes a place over");
    let Outcome::Ended { connection, refusal } = world.heard.next() else { panic!("no end") };
    assert_eq!((connection, refusal.code), (first.connection, ErrorCode::Evicted));
    assert!(refusal.detail.contains("0404"), "it names the app: {}", refusal.detail);
    assert_eq!(code(world.open(1)), ErrorCode::AppLimit, "it does not come back by itself");
    assert_eq!(code(take_over(1, 1)), ErrorCode::AppLimit, "its own place is gone");
    take_over(4, 1).expect("it takes its place back");
}

#[test]
fn an_app_that_reconnects_replaces_its_own_connection() {
    let world = World::with_apps(Config { max_apps: 1, ..Config::default() }, 2);
    let old = world.open(1).expect("there is room");
    let new = world.open(1).expect("it is the same app");
    let Outcome::Ended { connection, refusal } = world.heard.next() else { panic!("no end") };
    assert_eq!((connection, refusal.code), (old.connection, ErrorCode::GoingAway));
    world.service.close(old.connection, NOW);
    assert_eq!(world.service.connection_counts(), (1, 1), "closing the old one frees nothing");
    assert_eq!(code(world.open(2)), ErrorCode::AppLimit);
    world.service.close(new.connection, NOW);
    world.open(2).expect("the place is free");
}

#[test]
fn without_a_limit_every_app_has_a_place() {
    let world = World::with_apps(Config { max_apps: 0, ..Config::default() }, 8);
    let sessions: Vec<_> = (1..=8).map(|app| world.open(app).expect("no limit")).collect();
    assert_eq!(world.service.connection_counts(), (8, 8));
    drop(sessions);
}

#[test]
fn a_connection_without_sync_holds_no_place_and_may_not_push() {
    let world = World::with_apps(Config { max_apps: 1, ..Config::default() }, 2);
    world.open(1).expect("there is room");
    let request = OpenRequest { sync: false, ..world.request(&Author::new(1, 2)) };
    let session = world.open_with(&request).expect("it needs no place");
    let apps = world.service.list_apps(&session, NOW).expect("it may ask");
    assert_eq!(apps.iter().map(|entry| entry.connected).collect::<Vec<_>>(), [true, false]);
    let author = Author::new(1, 2);
    let signed = author.sign(&author.founding(1));
    assert_eq!(code(world.service.push(&session, signed, Vec::new(), NOW)), ErrorCode::Forbidden);
}

#[test]
fn signing_in_checks_the_places_without_using_the_grant_up() {
    let mut world = World::with_apps(Config { max_apps: 1, ..Config::default() }, 1);
    let first = world.open(1).expect("there is room");
    let grant = world.service.grants.make(first.account, NOW, &mut world.rng);
    let second = Author::new(1, 2);
    let refusal = world.sign_app_in(&second, grant, None).expect_err("no place");
    assert_eq!((refusal.code, refusal.apps.len()), (ErrorCode::AppLimit, 1));
    assert_eq!(world.service.store.apps(first.account).expect("it reads").len(), 1, "not signed in");
    world.sign_app_in(&second, grant, Some(first.app)).expect("the grant is still good");
    assert!(
        matches!(world.heard.next(), Outcome::Ended { connection, .. } if connection == first.connection)
    );
}

#[test]
fn an_ended_session_loses_its_connections() {
    let world = World::with_apps(Config::default(), 2);
    let (one, two) = (world.open(1).expect("room"), world.open(2).expect("room"));
    world.service.disconnect_app(&one, two.app).expect("it is there");
    let Outcome::Ended { connection, refusal } = world.heard.next() else { panic!("no end") };
    assert_eq!((connection, refusal.code), (two.connection, ErrorCode::SessionEnded));
    assert_eq!(code(world.open(2)), ErrorCode::Unauthorized);
    assert_eq!(code(world.service.disconnect_app(&one, two.app)), ErrorCode::NotFound);
    world.service.sign_out(&one).expect("it is there");
    assert_eq!(world.heard.take(), [], "its own connection ends after the answer");
    assert_eq!(code(world.open(1)), ErrorCode::Unauthorized);
}

#[test]
fn a_wrong_token_proof_or_version_opens_nothing() {
    let world = World::with_apps(Config::default(), 2);
    let good = world.request(&Author::new(1, 1));
    let other = world.request(&Author::new(1, 2));
    let check = |request: OpenRequest, expected| assert_eq!(code(world.open_with(&request)), expected);
    check(OpenRequest { token: Token::new([0; 32]), ..good.clone() }, ErrorCode::Unauthorized);
    check(OpenRequest { proof: other.proof, ..good.clone() }, ErrorCode::Unauthorized);
    check(OpenRequest { nonce: Nonce::new([9; 32]), ..good.clone() }, ErrorCode::Unauthorized);
    check(OpenRequest { protocol: 99, ..good }, ErrorCode::UnsupportedVersion);
}

/// Pushes what `change` makes of a good commit, and expects the refusal.
fn check_push(expected: ErrorCode, change: impl FnOnce(&Author, &mut Case)) {
    let world = World::with_apps(Config::default(), 2);
    let session = world.open(1).expect("there is room");
    let author = Author::new(1, 1);
    let founding = author.founding(1);
    world.service.push(&session, author.sign(&founding), Vec::new(), NOW).expect("it is taken");
    let seen = world.heard.accepted();
    let content = ops(vec![put(founding.workspace, 1, None, b"one")]);
    let header = author.header(founding.workspace, 1, seen, content);
    let mut case = Case { header, envelopes: vec![b"one".to_vec()], signer: Author::new(1, 1) };
    change(&author, &mut case);
    let signed = case.signer.sign(&case.header);
    let envelopes = case.envelopes.into_iter().map(Into::into).collect();
    match world.service.push(&session, signed, envelopes, NOW) {
        Ok(()) => assert_eq!(world.heard.rejected(), expected),
        Err(refusal) => assert_eq!(refusal.code, expected),
    }
}

struct Case {
    header: satchel_wire::CommitHeader,
    envelopes: Vec<Vec<u8>>,
    signer: Author,
}

#[test]
fn a_commit_that_is_not_right_is_refused_before_the_writer() {
    check_push(ErrorCode::BadSignature, |_, case| case.signer = Author::new(1, 2));
    check_push(ErrorCode::Forbidden, |_, case| case.header.app = AppId::new([2; 16]));
    check_push(ErrorCode::Forbidden, |_, case| case.header.author = Author::new(2, 1).account);
    check_push(ErrorCode::BadRequest, |_, case| case.envelopes[0] = b"two".to_vec());
    check_push(ErrorCode::BadRequest, |_, case| case.envelopes.push(b"more".to_vec()));
    check_push(ErrorCode::BadRequest, |_, case| case.header.content = ops(Vec::new()));
    check_push(ErrorCode::BadRequest, |_, case| {
        let Content::Ops { ops, .. } = &mut case.header.content else { return };
        ops.push(ops[0].clone());
        case.envelopes.push(b"one".to_vec());
    });
    check_push(ErrorCode::BadRequest, |_, case| {
        let purge = Op { record: record(1), part: Part::Body, parent: None, put: None };
        (case.header.content, case.envelopes) = (ops(vec![purge]), Vec::new());
    });
    check_push(ErrorCode::TooLarge, |_, case| {
        let large = vec![1; 600_000];
        let workspace = case.header.workspace;
        case.header.content = ops(vec![put(workspace, 1, None, &large), put(workspace, 2, None, &large)]);
        case.envelopes = vec![large.clone(), large];
    });
    check_push(ErrorCode::TooLarge, |_, case| {
        let many = (0..300).map(|n| put(case.header.workspace, n, None, b"x")).collect();
        (case.header.content, case.envelopes) = (ops(many), vec![b"x".to_vec(); 300]);
    });
    check_push(ErrorCode::Forbidden, |_, case| {
        let stranger = Author::new(2, 1);
        let founding = stranger.founding(9);
        (case.header.workspace, case.header.content) = (founding.workspace, founding.content);
        case.envelopes = Vec::new();
    });
    check_push(ErrorCode::BadRequest, |author, case| {
        // Another founding under the same id.
        case.header.content = author.founding(2).content;
        case.envelopes = Vec::new();
    });
    check_push(ErrorCode::BadSignature, |_, case| {
        // The certificate of another app.
        case.header.content = Author::new(1, 2).add_app(case.header.workspace, 1, Head::EMPTY).content;
        case.envelopes = Vec::new();
    });
}

#[test]
fn bytes_that_are_no_header_end_the_connection() {
    let world = World::with_apps(Config::default(), 1);
    let session = world.open(1).expect("there is room");
    let mut signed = Author::new(1, 1).sign(&Author::new(1, 1).founding(1));
    signed.header = vec![1, 2, 3].into();
    assert_eq!(code(world.service.push(&session, signed, Vec::new(), NOW)), ErrorCode::BadRequest);
}

/// Rounds of eight sign-ins at once; the places are counted after each step of each of them.
const ROUNDS: u32 = 10_000;

/// The apps of one account, signing in and breaking off, over a server that breaks off, too.
struct Storm {
    disk: MemoryDisk,
    service: RwLock<Arc<Service>>,
    heard: RwLock<Arc<Heard>>,
    next: AtomicU64,
}

impl Storm {
    fn new() -> Self {
        let disk = MemoryDisk::make(&mut ChaCha20Rng::seed_from_u64(1));
        let (service, heard) = Self::start(&disk);
        service.store.make_account(Author::new(1, 1).new_account()).expect("it is stored");
        Self { disk, service: RwLock::new(service), heard: RwLock::new(heard), next: AtomicU64::new(1) }
    }

    fn start(disk: &MemoryDisk) -> (Arc<Service>, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        let store = Arc::new(MemoryStore::open(disk.clone(), heard.clone()));
        let config = Config { login_requests_per_minute: u32::MAX, ..Config::default() };
        (Arc::new(Service::new(store, heard.clone(), config).expect("the setup reads")), heard)
    }

    /// The server's process ends, and another one begins: nothing of the connections is left.
    fn crash(&self) {
        let (service, heard) = Self::start(&self.disk);
        *self.service.write().expect("no panic in here") = service;
        *self.heard.write().expect("no panic in here") = heard;
    }

    /// An app signs in, as the password's proof would let it, opens a connection, and may break off anywhere.
    fn sign_in(&self, author: &Author, dice: &mut ChaCha20Rng) {
        let service = self.service.read().expect("no panic in here").clone();
        let other = |dice: &mut ChaCha20Rng| {
            (dice.next_u32().is_multiple_of(2))
                .then(|| AppId::new([(dice.next_u32() % 8 + 1).to_be_bytes()[3]; 16]))
        };
        let grant = service.grants.make(author.account, NOW, dice);
        let request = AppLogin { take_over: other(dice), ..login(author, Some(grant)) };
        let Ok(reply) = service.sign_in_app(HERE, &request, NOW, dice) else { return };
        let token = reply.token;
        Self::check(&service);
        if dice.next_u32().is_multiple_of(4) {
            return;
        }
        let incarnation = service.incarnation();
        let proof = Signature::new(author.app_key.sign_open(NONCE.as_bytes(), incarnation.as_bytes()));
        let take_over = other(dice);
        let (nonce, protocol) = (NONCE, PROTOCOL_VERSION);
        let open = OpenRequest { nonce, protocol, token, proof, sync: true, take_over, waiting: 0 };
        let connection = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let opened = service.open(connection, &open, NOW);
        Self::check(&service);
        if opened.is_ok() && dice.next_u32().is_multiple_of(4) {
            service.close(connection, NOW);
        }
    }

    fn check(service: &Service) {
        let (_, held) = service.connection_counts();
        assert!(held <= 3, "{held} apps hold places");
    }
}

#[test]
fn ten_thousand_rounds_of_eight_sign_ins_at_once_never_leave_more_than_three_apps() {
    let storm = Storm::new();
    let (begin, end) = (Barrier::new(9), Barrier::new(9));
    thread::scope(|scope| {
        for app in 1..=8_u8 {
            let (storm, begin, end) = (&storm, &begin, &end);
            scope.spawn(move || {
                let (author, mut dice) = (Author::new(1, app), ChaCha20Rng::seed_from_u64(app.into()));
                for _ in 0..ROUNDS {
                    begin.wait();
                    storm.sign_in(&author, &mut dice);
                    end.wait();
                }
            });
        }
        let mut dice = ChaCha20Rng::seed_from_u64(0);
        for _ in 0..ROUNDS {
            begin.wait();
            if dice.next_u32().is_multiple_of(8) {
                storm.crash();
            }
            end.wait();
            let service = storm.service.read().expect("no panic in here").clone();
            Storm::check(&service);
            // What was ended is closed by its connection.
            for outcome in storm.heard.read().expect("no panic in here").take() {
                if let Outcome::Ended { connection, .. } = outcome {
                    service.close(connection, NOW);
                }
            }
        }
    });
}
