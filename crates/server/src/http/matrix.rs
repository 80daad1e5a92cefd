//! Who may call which route: everyone, with what they have to show, and the answer that comes.
//!
//! The table is `matrix.txt` beside this file, written by `UPDATE_EXPECT=1`. It is made from [`ROUTES`]: a route
//! without a body here fails ([`Visitor::body`]). The people are those of the table of frames; their roles are
//! of workspaces, which no route knows, so the rows show that no role opens one. What a row is `of`:
//!
//! ```text
//! own        the caller's login, grant or connection, naming their own app
//! foreign    their own grant, naming the app of an account that they have nothing to do with
//! random     their own grant, naming an app that is not there; a login or connection that is not there
//! malformed  a body that ends too early
//! ```
//! Each cell is a server of its own over a copy of one disk.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use minicbor::bytes::ByteVec;
use rand_core::OsRng;
use satchel_crypto::{AppCertificate, AppKey, ClientLogin, ClientRegistration, ServerSetup};
use satchel_wire::{
    AccountBundle, AppId, AppKind, AppLogin, BundleUpdate, Bytes32, DeleteAccount, GrantId, LoginId,
    PROTOCOL_VERSION, PasswordFinish, PasswordStart, PollId, PollOpen, PollRequest, RecoverFinish,
    RecoverStart, RecoverStartReply, Refusal, SignInFinish, SignInStart, SignInStartReply, SignUpFinish,
    SignUpStart, SignUpStartReply, Signature, decode, encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Caller, ROUTES, Route, router};
use crate::server::Server;
use crate::session::matrix::{TARGETS, WHO, World, check_table, line};
use crate::store::conformance::Author;

const OWN: &str = "own";
const FOREIGN: &str = "foreign";
const RANDOM: &str = "random";
const MALFORMED: &str = "malformed";
/// An account that nobody here has to do with.
const OTHER: u8 = 9;
const NOBODYS: [u8; 16] = [0x77; 16];

/// A server that listens, for one cell.
struct Host {
    address: SocketAddr,
    server: Arc<Server>,
}

impl Host {
    async fn start(world: &World) -> Self {
        let server = world.server();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let service = router(server.clone()).into_make_service_with_connect_info::<SocketAddr>();
        // It ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, server }
    }

    /// The status and the body of an answer.
    async fn call(&self, route: &Route, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let (method, path, media) = (route.method, route.path, satchel_wire::MEDIA_TYPE);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-type: {media}\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("it reads");
        stream.write_all(body).await.expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("there is a head");
        let status = std::str::from_utf8(&answer[9..12]).expect("a status").parse().expect("a number");
        (status, answer.split_off(end + 4))
    }

    async fn ask<A: for<'b> minicbor::Decode<'b, ()>>(&self, path: &str, body: &[u8]) -> A {
        let route = ROUTES.iter().find(|route| route.path == path).expect("there is such a route");
        let (status, body) = self.call(route, body).await;
        assert_eq!(status, 200, "{path}");
        decode("answer", &body).expect("it is one")
    }
}

/// Somebody at a route, with what they show there.
struct Visitor<'a> {
    host: &'a Host,
    /// None for who is nobody.
    author: Option<&'a Author>,
    /// The app that is named.
    app: AppId,
    is_random: bool,
}

fn bundle(author: &Author) -> AccountBundle {
    let public = author.keys.public();
    AccountBundle {
        account: author.account,
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_identity: vec![1; 40].into(),
        wrapped_by_password: vec![1; 40].into(),
        wrapped_by_recovery: vec![1; 40].into(),
        recovery_key: Bytes32::new([1; 32]),
    }
}

/// The first and the last message of a registration; made once, since it costs more than a server.
fn registration() -> (ByteVec, ByteVec) {
    static MADE: LazyLock<(ByteVec, ByteVec)> = LazyLock::new(make_registration);
    MADE.clone()
}

fn make_registration() -> (ByteVec, ByteVec) {
    let (client, request) = ClientRegistration::start(b"p", &mut OsRng).expect("it starts");
    let response = ServerSetup::make(&mut OsRng).register(&request, b"x").expect("it is one");
    let (upload, _) = client.finish(b"p", &response, &mut OsRng).expect("it finishes");
    (request.into(), upload.into())
}

impl Visitor<'_> {
    /// An e-mail that nobody signed up with: the people here have no password, and an answer does not tell.
    fn email(&self) -> String {
        let email = self.author.map_or_else(|| "nobody@example.org".to_owned(), Author::email);
        format!("new.{email}")
    }

    fn grant(&self) -> GrantId {
        let Some(author) = self.author else { return GrantId::new([0x77; 32]) };
        let now_ms = self.host.server.now_ms();
        let granted = self.host.server.service.grant(author.account, now_ms, &mut OsRng);
        granted.expect("the account is there").grant
    }

    /// A sign-in of the app that is named, with a certificate by the visitor's own keys.
    fn login(&self, grant: Option<GrantId>) -> AppLogin {
        let stranger = Author::new(99, 99);
        let author = self.author.unwrap_or(&stranger);
        let key = AppKey::make(&mut OsRng).public();
        let certificate =
            AppCertificate::issue(&author.keys, *author.account.as_bytes(), *self.app.as_bytes(), key);
        AppLogin {
            grant,
            app: self.app,
            name: "visitor".to_owned(),
            kind: AppKind::CommandLine,
            certificate: certificate.into(),
            take_over: Some(self.app),
        }
    }

    /// A conversation that the visitor has begun, unless it is one that is not there.
    async fn begun(&self, path: &str) -> LoginId {
        if self.is_random {
            return LoginId::new(NOBODYS);
        }
        let start = self.start(path);
        match path {
            "/v1/signup/start" => self.host.ask::<SignUpStartReply>(path, &start).await.login,
            "/v1/signin/start" => self.host.ask::<SignInStartReply>(path, &start).await.login,
            _ => self.host.ask::<RecoverStartReply>(path, &start).await.login,
        }
    }

    fn start(&self, path: &str) -> Vec<u8> {
        let (protocol, email) = (PROTOCOL_VERSION, self.email());
        match path {
            "/v1/signup/start" => {
                let registration_request = registration().0;
                encode(&SignUpStart { protocol, email, registration_request, invite: None })
            }
            "/v1/signin/start" => {
                let (_, request) = ClientLogin::start(b"p", &mut OsRng).expect("it starts");
                encode(&SignInStart { protocol, email, credential_request: request.into() })
            }
            _ => encode(&RecoverStart { protocol, email }),
        }
    }

    async fn connection(&self) -> PollId {
        if self.is_random {
            return PollId::new([0x77; 32]);
        }
        self.host.ask::<PollOpen>("/v1/poll/open", &[]).await.poll
    }

    /// What the visitor sends. A route without a row here fails.
    async fn body(&self, route: &Route) -> Vec<u8> {
        let wrong = Signature::new([7; 64]);
        match route.path {
            "/" | "/healthz" | "/readyz" | "/metrics" | "/v1/ws" | "/v1/poll/open" => Vec::new(),
            "/v1/poll" => {
                let poll = self.connection().await;
                encode(&PollRequest { poll, first: 0, frames: Vec::new(), read: 0, wait_ms: 0 })
            }
            path @ ("/v1/signup/start" | "/v1/signin/start" | "/v1/recover/start") => self.start(path),
            "/v1/signup/finish" => {
                let stranger = Author::new(99, 99);
                let login = self.begun("/v1/signup/start").await;
                let bundle = bundle(self.author.unwrap_or(&stranger));
                let (registration_upload, app) = (registration().1, self.login(None));
                encode(&SignUpFinish { login, registration_upload, bundle, app })
            }
            "/v1/signin/finish" => {
                let login = self.begun("/v1/signin/start").await;
                encode(&SignInFinish { login, credential_finalization: vec![7; 64].into() })
            }
            "/v1/recover/finish" => {
                let login = self.begun("/v1/recover/start").await;
                encode(&RecoverFinish { login, proof: wrong })
            }
            "/v1/signin/app" => encode(&self.login(Some(self.grant()))),
            "/v1/password/start" => {
                encode(&PasswordStart { grant: self.grant(), registration_request: registration().0 })
            }
            "/v1/password/finish" => {
                let update = BundleUpdate { wrapped_by_password: vec![1; 40].into(), recovery: None };
                let (grant, registration_upload) = (self.grant(), registration().1);
                encode(&PasswordFinish { grant, registration_upload, update, keep: Some(self.app) })
            }
            "/v1/account/delete" => encode(&DeleteAccount { grant: self.grant() }),
            other => panic!("{other} has no row"),
        }
    }
}

/// Status and code of an answer.
fn class(status: u16, body: &[u8]) -> String {
    match decode::<Refusal>("refusal", body) {
        Ok(refusal) if status >= 400 => format!("{status} {:?}", refusal.code),
        _ => status.to_string(),
    }
}

async fn cell(world: &World, route: &Route, target: &str, who: usize) -> String {
    let host = Host::start(world).await;
    let author = (WHO[who] != "anonymous").then(|| world.actor(who));
    let own = author.map_or(AppId::new([0x55; 16]), |author| author.app);
    let app = match target {
        FOREIGN => world.people.author(OTHER).app,
        RANDOM => AppId::new(NOBODYS),
        _ => own,
    };
    let visitor = Visitor { host: &host, author, app, is_random: target == RANDOM };
    let mut body = visitor.body(route).await;
    if target == MALFORMED {
        body.pop();
    }
    let (status, answer) = host.call(route, &body).await;
    class(status, &answer)
}

/// What a row can be of, for a route.
fn targets(route: &Route) -> Vec<&'static str> {
    let is_of = |target: &&str| match (route.caller, *target) {
        (_, OWN) | (Caller::Grant, _) => true,
        (Caller::Login | Caller::Connection, target) => target != FOREIGN,
        (Caller::Anyone, target) => target == MALFORMED && route.path.ends_with("/start"),
    };
    TARGETS.into_iter().filter(is_of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_may_call_what_the_table_says() {
    let world = World::new();
    let mut text = String::new();
    line(&mut text, "route", "of", &WHO.map(str::to_owned));
    for route in ROUTES {
        let mut rows = Vec::new();
        for target in targets(route) {
            let mut cells = Vec::new();
            for who in 0..WHO.len() {
                cells.push(cell(&world, route, target, who).await);
            }
            line(&mut text, route.path, target, &cells);
            rows.push((target, cells));
        }
        let cells = |target: &str| rows.iter().find(|(of, _)| *of == target).map(|(_, cells)| cells);
        if let Some(foreign) = cells(FOREIGN) {
            assert_eq!(Some(foreign), cells(RANDOM), "{}: foreign and random answer alike", route.path);
        }
    }
    check_table("src/http/matrix.txt", &text);
}
