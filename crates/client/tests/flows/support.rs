//! A server and apps in temporary folders, and the few calls that the flows are made of.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use satchel_client::api::{
    Acknowledged, ApiError, Call, Discard, ErrorKind, FieldEdit, Reply, Request, Secret, Source, State,
    Status,
};
use satchel_client::{Client, ClientOptions, KeyringChoice, Mode, TransportChoice};
use satchel_server::service::{Outcome, Publish};
use satchel_server::store::Store;
use satchel_server::store::sqlite::{DataDir, SqliteStore};
use satchel_server::{Clock, Config, Options, Retention, Running, SystemClock, TlsFiles, serve};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "a long enough password";
/// Longer than anything takes; a flow that reaches it has failed.
const PATIENCE: Duration = Duration::from_mins(1);
const WAIT_MS: u64 = 20_000;

/// A server that can be stopped and started again at the same address.
pub(crate) struct World {
    folder: TempDir,
    config: Config,
    running: Option<Running>,
    address: SocketAddr,
}

/// Hears nothing.
#[derive(Debug)]
struct Nobody;

impl Publish for Nobody {
    fn publish(&self, _: Outcome) {}
}

/// One app: a home and how its profile is opened.
pub(crate) struct App {
    _folder: TempDir,
    home: PathBuf,
    pub(crate) transport: TransportChoice,
    pub(crate) extra_ca: Option<PathBuf>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut options = Options::new(folder.path());
        options.config = config;
        let running = serve(options).await.expect("the server starts");
        let address = running.address();
        Self { folder, config, running: Some(running), address }
    }

    /// How many workspaces the server has a manifest of.
    pub(crate) fn manifests(&self) -> i64 {
        let store = rusqlite::Connection::open(self.folder.path().join("satchel.db")).expect("it opens");
        store.query_row("SELECT count(*) FROM manifests", [], |row| row.get(0)).expect("it counts")
    }

    /// Up to which entry the newest manifest of a workspace goes.
    pub(crate) fn packed_until(&self) -> i64 {
        let store = rusqlite::Connection::open(self.folder.path().join("satchel.db")).expect("it opens");
        store
            .query_row("SELECT coalesce(max(seq), 0) FROM manifests", [], |row| row.get(0))
            .expect("it counts")
    }

    /// Drops what is old of a stopped server, as its upkeep would; up to which entry headers are gone.
    pub(crate) fn prune(&self, retention: Retention) -> i64 {
        let rng = &mut rand_core::OsRng;
        let dir = DataDir::lock(self.folder.path()).expect("no server runs");
        let store = SqliteStore::open(dir, Arc::new(Nobody), rng).expect("it opens");
        store.prune(retention, SystemClock.now_ms() + 1).expect("it runs");
        drop(store);
        let store = rusqlite::Connection::open(self.folder.path().join("satchel.db")).expect("it opens");
        store.query_row("SELECT max(pruned) FROM workspaces", [], |row| row.get(0)).expect("it counts")
    }

    /// A server with a certificate that no system trusts, and the file of that certificate.
    pub(crate) async fn with_certificate() -> (Self, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).expect("it is written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("it is written");
        let mut options = Options::new(folder.path().join("data"));
        options.tls = Some(TlsFiles { certificate: certificate.clone(), key });
        let running = serve(options).await.expect("the server starts");
        let address = running.address();
        (Self { folder, config: Config::default(), running: Some(running), address }, certificate)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().expect("it runs").shutdown().await;
    }

    pub(crate) async fn start(&mut self) {
        let mut options = Options::new(self.folder.path());
        options.config = self.config;
        options.listen = self.address;
        self.running = Some(serve(options).await.expect("the server starts again"));
    }
}

impl App {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().join("home");
        Self { _folder: folder, home, transport: TransportChoice::Auto, extra_ca: None }
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) async fn open(&self, mode: Mode) -> Client {
        self.try_open(mode).await.expect("the profile opens")
    }

    pub(crate) async fn try_open(&self, mode: Mode) -> Result<Client, ApiError> {
        let options = ClientOptions {
            home: self.home().to_owned(),
            keyring: KeyringChoice::Off,
            mode,
            extra_ca: self.extra_ca.clone(),
            proxy: None,
            transport: self.transport,
        };
        Client::open(options).await
    }

    /// The names of the files that hold these bytes.
    pub(crate) fn files_with(&self, words: &str) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.home()).expect("the home lists") {
            let path = entry.expect("the home lists").path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(words.len()).any(|window| window == words.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
        found
    }
}

pub(crate) async fn call(client: &Client, call: Call) -> Result<Reply, ApiError> {
    call_waiting(client, call, WAIT_MS).await
}

pub(crate) async fn call_waiting(client: &Client, call: Call, wait_ms: u64) -> Result<Reply, ApiError> {
    let request = Request { workspace: None, wait_ms, call };
    tokio::time::timeout(PATIENCE, client.call(request, None)).await.expect("a call comes to its end")
}

pub(crate) fn sign_up_call(url: &str, email: &str) -> Call {
    Call::SignUp {
        server: url.into(),
        email: email.into(),
        password: Secret(PASSWORD.into()),
        app_name: Some("first".into()),
        invite: None,
    }
}

pub(crate) fn sign_in_call(url: &str, email: &str, password: &str, take_over: Option<&str>) -> Call {
    Call::SignIn {
        server: url.into(),
        email: email.into(),
        password: Secret(password.into()),
        app_name: Some("second".into()),
        take_over: take_over.map(str::to_owned),
    }
}

/// Signs up and gives the recovery code.
pub(crate) async fn sign_up(client: &Client, url: &str, email: &str) -> String {
    match call(client, sign_up_call(url, email)).await.expect("it signs up") {
        Reply::SignedUp { recovery_code, .. } => recovery_code,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn sign_in(client: &Client, url: &str, email: &str) {
    match call(client, sign_in_call(url, email, PASSWORD, None)).await.expect("it signs in") {
        Reply::SignedIn { in_sync, .. } => assert!(in_sync, "everything came with the sign-in"),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn sign_out(client: &Client) {
    assert_eq!(call(client, Call::SignOut { discard: Discard::Nothing }).await, Ok(Reply::Done));
}

pub(crate) fn field(field: &str, value: &str) -> FieldEdit {
    FieldEdit { field: field.into(), value: Some(value.into()) }
}

fn acknowledged(reply: Result<Reply, ApiError>) -> Acknowledged {
    match reply.expect("the change is made") {
        Reply::Changed { acknowledged, .. } => acknowledged,
        Reply::Imported(report) => report.acknowledged,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn make(client: &Client, kind: &str, path: &str, fields: Vec<FieldEdit>) -> Acknowledged {
    acknowledged(call(client, Call::New { kind: kind.into(), path: path.into(), fields }).await)
}

pub(crate) async fn set(client: &Client, path: &str, name: &str, value: &str) -> Acknowledged {
    acknowledged(call(client, Call::Set { path: path.into(), fields: vec![field(name, value)] }).await)
}

/// Makes a change that waits for nothing.
pub(crate) async fn set_here(client: &Client, path: &str, name: &str, value: &str) {
    let set = Call::Set { path: path.into(), fields: vec![field(name, value)] };
    call_waiting(client, set, 0).await.expect("the change is made");
}

pub(crate) async fn import(client: &Client, requests: usize) {
    let items: Vec<_> = (0..requests)
        .map(|n| format!(r#"{{"name":"r{n}","request":{{"method":"GET","url":"https://example.com/{n}"}}}}"#))
        .collect();
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    let text = format!(r#"{{"info":{{"name":"Big","schema":"{schema}"}},"item":[{}]}}"#, items.join(","));
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("it is written");
    let source = Source::Path(file.path().display().to_string());
    let import = Call::Import { source, mode: None, dry_run: false };
    call_waiting(client, import, 0).await.expect("it imports");
}

pub(crate) async fn status(client: &Client) -> Status {
    match call(client, Call::Status).await.expect("there is always a status") {
        Reply::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn sync(client: &Client) -> Status {
    match call(client, Call::Sync { timeout_ms: 30_000 }).await.expect("it syncs") {
        Reply::Status(status) => {
            assert_eq!(status.state, State::InSync, "{status:?}");
            status
        }
        other => panic!("{other:?}"),
    }
}

/// The names of everything in the workspace in use, in order.
pub(crate) async fn tree(client: &Client) -> Vec<String> {
    match call(client, Call::List { path: None, tree: true }).await {
        Ok(Reply::Items { items }) => items.into_iter().map(|item| item.name).collect(),
        other => panic!("{other:?}"),
    }
}

/// An item's document as text.
pub(crate) async fn show(client: &Client, path: &str) -> String {
    match call(client, Call::Show { path: path.into(), secrets: false }).await {
        Ok(Reply::Item { document, .. }) => document.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, ApiError>) -> ErrorKind {
    result.expect_err("it is refused").kind
}

/// Waits until something of the status is so, looking again at each change.
pub(crate) async fn until(client: &Client, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
    let mut changes = client.watch();
    let look = async {
        loop {
            changes.borrow_and_update();
            let status = status(client).await;
            if is_so(&status) {
                return status;
            }
            changes.changed().await.expect("the profile is open");
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// A wire between an app and the server that can swallow what the server says, and be cut.
pub(crate) struct Wire {
    pub(crate) url: String,
    swallows: Arc<AtomicBool>,
    cut: watch::Sender<u64>,
}

/// A proxy that refuses `WebSockets`, as some networks do; gives its URL.
pub(crate) async fn no_websockets(server: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((app, _)) = listener.accept().await {
            tokio::spawn(filter(app, server));
        }
    });
    url
}

async fn filter(mut app: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut head = [0; 7];
    app.peek(&mut head).await?;
    let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    if head.starts_with(b"GET") {
        // Reading the request first: closing over unread bytes would reset the connection.
        let _ = app.read(&mut [0; 4096]).await?;
        return app.write_all(refusal).await;
    }
    let mut server = TcpStream::connect(server).await?;
    tokio::io::copy_bidirectional(&mut app, &mut server).await.map(drop)
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let swallows = Arc::new(AtomicBool::new(false));
        let (cut, cuts) = watch::channel(0);
        let flag = swallows.clone();
        tokio::spawn(async move {
            while let Ok((app, _)) = listener.accept().await {
                tokio::spawn(carry(app, server, flag.clone(), cuts.clone()));
            }
        });
        Self { url, swallows, cut }
    }

    pub(crate) fn swallow_answers(&self, swallows: bool) {
        self.swallows.store(swallows, Ordering::SeqCst);
    }

    pub(crate) fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }
}

async fn carry(
    app: TcpStream,
    server: SocketAddr,
    swallows: Arc<AtomicBool>,
    mut cuts: watch::Receiver<u64>,
) {
    cuts.mark_unchanged();
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut app_in, mut app_out) = app.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = server_in.read(&mut buffer).await?;
            if count == 0 {
                return io::Result::Ok(());
            }
            if !swallows.load(Ordering::SeqCst) {
                app_out.write_all(&buffer[..count]).await?;
            }
        }
    };
    tokio::select! {
        _ = tokio::io::copy(&mut app_in, &mut server_out) => {}
        _ = down => {}
        _ = cuts.changed() => {}
    }
}

/// A web server that answers everything with a page.
pub(crate) async fn web_page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let page = "<html>hello</html>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}
