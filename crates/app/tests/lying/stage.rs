//! The people, their apps and their server, made once and set up anew for every attack.
//!
//! ```text
//!  Town: five lines, a folder with the server's data and everybody's home ──copy──▶ Stage: all of it running
//! ```
//! Ada (admin), Ben (editor), Cat (viewer) and Mallory (viewer, whose keys the server has) share the workspaces
//! `Shop` and `Other`; Eve has an account and is a member of nothing. Everything is real: clients, cryptography,
//! `SQLite`, the server, sockets.
//!
//! Invariants: lines keep their ports as long as the process lives, since an app remembers its server's URL;
//! nothing waits by the clock: what must come is looked for at each change until it has come.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use satchel_client::api::{
    Acknowledged, ApiError, Call, FieldEdit, Reply, Request, Role, Secret, Source, State, Status,
    WorkspaceStatus,
};
use satchel_client::{Client, ClientOptions, KeyringChoice, Mode, TransportChoice};
use satchel_server::service::{Outcome, Publish};
use satchel_server::store::Store as _;
use satchel_server::store::sqlite::{DataDir, SqliteStore, backup, restore};
use satchel_server::{Clock as _, Options, Retention, Running, SystemClock, serve};
use satchel_wire::WorkspaceId;
use tempfile::TempDir;

use crate::person::Person;
use crate::proxy::{Line, Memory};

pub(crate) const PASSWORD: &str = "a long enough password";
/// Longer than anything takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a call may wait for a server that may never answer.
const SHORT_MS: u64 = 3_000;
/// With nodes and bodies, more records than packs need.
const PACKED_REQUESTS: usize = 260;

/// Whose app it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Ada,
    Ben,
    Cat,
    Eve,
    /// An app that was never here.
    New,
}

impl Who {
    const ALL: [Self; 5] = [Self::Ada, Self::Ben, Self::Cat, Self::Eve, Self::New];

    fn home(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub(crate) fn email(self) -> String {
        format!("{}@example.com", self.home())
    }
}

/// How much there is in `Shop`, and how much of it the server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A handful of items.
    Little,
    /// Enough for a manifest and packs.
    Packs,
    /// The same, and of old entries only the links.
    Links,
}

/// What is made once in a process.
pub(crate) struct Town {
    folder: TempDir,
    lines: BTreeMap<Who, Line>,
    memory: Arc<Mutex<Memory>>,
    /// Eve's recovery code.
    pub(crate) code: Secret,
}

/// A town that is played in.
pub(crate) struct Stage<'a> {
    pub(crate) town: &'a Town,
    folder: TempDir,
    server: Option<Running>,
    clients: BTreeMap<Who, Client>,
}

/// What a workspace shows: each item's document by its path.
pub(crate) type Items = BTreeMap<String, String>;

impl Town {
    pub(crate) async fn new(kept: Kept) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let memory = Arc::new(Mutex::new(Memory::new()));
        let mut lines = BTreeMap::new();
        for who in Who::ALL {
            lines.insert(who, Line::new(memory.clone()).await);
        }
        let mut town = Self { folder, lines, memory, code: Secret(String::new()) };
        town.people(kept).await;
        town
    }

    pub(crate) fn line(&self, who: Who) -> &Line {
        &self.lines[&who]
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins by a link: each app knows the server by the URL of its own line.
    pub(crate) fn join_call(&self, who: Who, link: &Secret) -> Call {
        let (_, rest) = link.0.split_once("/join").expect("it is a link");
        Call::Join { link: Secret(format!("{}/join{rest}", self.line(who).url)) }
    }

    async fn people(&mut self, kept: Kept) {
        let server = serve(Options::new(self.folder.path().join("server"))).await.expect("it starts");
        self.lead_to(server.address());
        let mut clients = BTreeMap::new();
        for who in [Who::Ada, Who::Ben, Who::Cat, Who::Eve] {
            let client = open(&self.folder.path().join(who.home()), Mode::Agent).await;
            let code = sign_up(&client, &self.line(who).url, &who.email()).await.expect("it signs up");
            self.code = code;
            clients.insert(who, client);
        }
        let mut mallory = Person::sign_up(server.address(), "mallory@example.com", PASSWORD.as_bytes()).await;
        for workspace in ["Shop", "Other"] {
            let create = Call::CreateWorkspace { name: workspace.into(), team: None, open: false };
            call(&clients[&Who::Ada], create).await.expect("it is made");
            make_items(&clients[&Who::Ada], workspace).await;
            for (who, role) in [(Who::Ben, Role::Editor), (Who::Cat, Role::Viewer)] {
                let link = invite(&clients[&Who::Ada], workspace, role).await;
                call(&clients[&who], self.join_call(who, &link)).await.expect("they join");
            }
            let link = invite(&clients[&Who::Ada], workspace, Role::Viewer).await;
            mallory.join(server.address(), &link.0, "Mallory").await;
        }
        if kept != Kept::Little {
            for number in 0..8 {
                let edit = set_call("Cart/Get", ("description", &format!("old {number}")));
                call_in(&clients[&Who::Ada], "Shop", edit, 20_000).await.expect("it is changed");
            }
            import(&clients[&Who::Ada], PACKED_REQUESTS).await;
        }
        // His app is in the charter from here on, so that his next commit is a change.
        for workspace in ["Shop", "Other"] {
            let edit = set_call("Cart/Kept", ("description", "by Ben"));
            call_in(&clients[&Who::Ben], workspace, edit, 20_000).await.expect("he may write");
        }
        for client in clients.values() {
            sync(client).await.expect("all is there");
        }
        let status = status(&clients[&Who::Ada]).await;
        let id =
            |name: &str| workspace_of(&status, name).expect("it was made").id.parse().expect("it is one");
        let (shop, other): (WorkspaceId, WorkspaceId) = (id("Shop"), id("Other"));
        if kept != Kept::Little {
            self.await_manifest(&clients, shop).await;
        }
        for client in clients.into_values() {
            client.close().await;
        }
        server.shutdown().await;
        if kept == Kept::Links {
            prune(&self.folder.path().join("server"));
        }
        let mut memory = self.memory();
        (memory.shop, memory.other, memory.mallory) = (shop, other, Some(Arc::new(mallory)));
    }

    /// The server asks for packs when an app comes; idle apps make them.
    async fn await_manifest(&self, clients: &BTreeMap<Who, Client>, shop: WorkspaceId) {
        let database = self.folder.path().join("server").join("satchel.db");
        let store = rusqlite::Connection::open(database).expect("it opens");
        let count = || -> i64 {
            let sql = "SELECT count(*) FROM manifests JOIN workspaces ON id = ws WHERE workspace = ?1";
            store.query_row(sql, [shop.as_bytes()], |row| row.get(0)).expect("it counts")
        };
        while count() == 0 {
            self.line(Who::Ada).cut();
            sync(&clients[&Who::Ada]).await.expect("it comes back");
        }
    }

    fn lead_to(&self, server: SocketAddr) {
        self.lines.values().for_each(|line| line.lead_to(server));
    }
}

/// Drops what is old, as the server's upkeep would after months.
fn prune(folder: &Path) {
    let dir = DataDir::lock(folder).expect("no server runs");
    let store = SqliteStore::open(dir, Arc::new(Nobody), &mut rand_core::OsRng).expect("it opens");
    let retention = Retention { age_ms: 0, versions: 1, entries: 0 };
    store.prune(retention, SystemClock.now_ms() + 1).expect("it runs");
    drop(store);
    let store = rusqlite::Connection::open(folder.join("satchel.db")).expect("it opens");
    let pruned: i64 =
        store.query_row("SELECT max(pruned) FROM workspaces", [], |row| row.get(0)).expect("it counts");
    assert!(pruned > 0, "some header was dropped");
}

/// Hears nothing.
#[derive(Debug)]
struct Nobody;

impl Publish for Nobody {
    fn publish(&self, _: Outcome) {}
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy_all(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, target).expect("it can be copied");
        }
    }
}

impl<'a> Stage<'a> {
    /// Everything as it was made, with Ada, Ben and Cat connected and in sync.
    pub(crate) async fn open(town: &'a Town) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_all(town.folder.path(), folder.path());
        town.lines.values().for_each(Line::be_honest);
        town.memory().forget();
        let mut stage = Self { town, folder, server: None, clients: BTreeMap::new() };
        stage.start("server").await;
        for who in [Who::Ada, Who::Ben, Who::Cat] {
            stage.wake(who).await;
            sync(stage.client(who)).await.unwrap_or_else(|error| panic!("{who:?}: {error:?}"));
        }
        stage
    }

    pub(crate) fn client(&self, who: Who) -> &Client {
        &self.clients[&who]
    }

    /// Whether somebody's app runs.
    pub(crate) fn has(&self, who: Who) -> bool {
        self.clients.contains_key(&who)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.as_ref().expect("it runs").address()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens somebody's app.
    pub(crate) async fn wake(&mut self, who: Who) {
        let client = open(&self.path(&who.home()), Mode::Agent).await;
        self.clients.insert(who, client);
    }

    /// Closes somebody's app.
    pub(crate) async fn sleep(&mut self, who: Who) {
        if let Some(client) = self.clients.remove(&who) {
            client.close().await;
        }
    }

    /// Runs the server of this folder, and leads every line to it.
    pub(crate) async fn start(&mut self, folder: &str) {
        let server = serve(Options::new(self.path(folder))).await.expect("the server starts");
        self.town.lead_to(server.address());
        self.server = Some(server);
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// The server's data as it is now, in another folder.
    pub(crate) async fn snapshot(&mut self, name: &str) {
        self.stop().await;
        copy_all(&self.path("server"), &self.path(name));
        self.start("server").await;
    }

    /// The operator restores a backup of the server that runs at this folder: a new life.
    pub(crate) async fn renew(&mut self, folder: &str) {
        self.stop().await;
        let file = self.path("backup.db");
        backup(&self.path(folder), &file).expect("it is backed up");
        restore(&file, &self.path(folder), &mut rand_core::OsRng).expect("it is restored");
        self.start(folder).await;
    }

    pub(crate) async fn close(mut self) {
        for client in std::mem::take(&mut self.clients).into_values() {
            client.close().await;
        }
        self.stop().await;
    }

    /// Changes a field in `Shop`, acknowledged by the server.
    pub(crate) async fn set(&self, who: Who, path: &str, field: &str, value: &str) {
        self.set_in("Shop", who, path, (field, value)).await;
    }

    pub(crate) async fn set_in(&self, workspace: &str, who: Who, path: &str, edit: (&str, &str)) {
        let client = self.client(who);
        let reply = call_in(client, workspace, set_call(path, edit), 20_000).await;
        match reply.unwrap_or_else(|error| panic!("{who:?} {path}: {error:?}")) {
            Reply::Changed { acknowledged: Acknowledged::Server, .. } => {}
            // The connection was on its way: the change waits for it.
            _ => sync(client).await.unwrap_or_else(|error| panic!("{who:?} {path}: {error}")),
        }
    }

    /// Changes a field in `Shop`, acknowledged by the local store alone.
    pub(crate) async fn set_here(
        &self,
        who: Who,
        path: &str,
        field: &str,
        value: &str,
    ) -> Result<(), ApiError> {
        call_in(self.client(who), "Shop", set_call(path, (field, value)), 0).await.map(drop)
    }

    /// Waits until somebody's `Shop` says this somewhere.
    pub(crate) async fn await_text(&self, who: Who, text: &str) -> Result<(), String> {
        let client = self.client(who);
        let is_there = || async { items(client, "Shop").await.values().any(|item| item.contains(text)) };
        until(client, &format!("`{text}` in {who:?}'s app"), is_there).await
    }
}

pub(crate) fn set_call(path: &str, (field, value): (&str, &str)) -> Call {
    let fields = vec![FieldEdit { field: field.into(), value: Some(value.into()) }];
    Call::Set { path: path.into(), fields }
}

pub(crate) async fn open(home: &Path, mode: Mode) -> Client {
    let options = ClientOptions {
        home: home.to_owned(),
        keyring: KeyringChoice::Off,
        mode,
        extra_ca: None,
        proxy: None,
        transport: TransportChoice::WebSocket,
    };
    Client::open(options).await.expect("the profile opens")
}

pub(crate) async fn call(client: &Client, call: Call) -> Result<Reply, ApiError> {
    ask(client, None, call, 20_000).await
}

pub(crate) async fn call_in(
    client: &Client,
    workspace: &str,
    call: Call,
    wait_ms: u64,
) -> Result<Reply, ApiError> {
    ask(client, Some(workspace.into()), call, wait_ms).await
}

async fn ask(
    client: &Client,
    workspace: Option<String>,
    call: Call,
    wait_ms: u64,
) -> Result<Reply, ApiError> {
    let request = Request { workspace, wait_ms, call };
    let answer = client.call(request, None);
    tokio::time::timeout(PATIENCE * 3, answer).await.expect("a call comes to its end")
}

async fn sign_up(client: &Client, url: &str, email: &str) -> Result<Secret, ApiError> {
    match call(client, sign_up_call(url, email)).await? {
        Reply::SignedUp { recovery_code, .. } => Ok(Secret(recovery_code)),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn sign_up_call(url: &str, email: &str) -> Call {
    Call::SignUp {
        server: url.into(),
        email: email.into(),
        password: Secret(PASSWORD.into()),
        app_name: Some("app".into()),
        invite: None,
    }
}

pub(crate) fn sign_in_call(url: &str, email: &str) -> Call {
    Call::SignIn {
        server: url.into(),
        email: email.into(),
        password: Secret(PASSWORD.into()),
        app_name: Some("new".into()),
        take_over: None,
    }
}

pub(crate) async fn invite(client: &Client, workspace: &str, role: Role) -> Secret {
    match call_in(client, workspace, Call::Invite { role, team: None }, 20_000).await {
        Ok(Reply::Invited { link, .. }) => link,
        other => panic!("{other:?}"),
    }
}

async fn make_items(client: &Client, workspace: &str) {
    let new = |kind: &str, path: &str| Call::New { kind: kind.into(), path: path.into(), fields: Vec::new() };
    call_in(client, workspace, new("collection", "Cart"), 20_000).await.expect("it is made");
    for path in ["Cart/Get", "Cart/Put", "Cart/Kept"] {
        call_in(client, workspace, new("request", path), 20_000).await.expect("it is made");
    }
}

async fn import(client: &Client, requests: usize) {
    let items: Vec<_> = (0..requests)
        .map(|n| format!(r#"{{"name":"r{n}","request":{{"method":"GET","url":"https://example.com/{n}"}}}}"#))
        .collect();
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    let text = format!(r#"{{"info":{{"name":"Big","schema":"{schema}"}},"item":[{}]}}"#, items.join(","));
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("it is written");
    let source = Source::Path(file.path().display().to_string());
    let import = Call::Import { source, mode: None, dry_run: false };
    call_in(client, "Shop", import, 20_000).await.expect("it imports");
}

pub(crate) async fn status(client: &Client) -> Status {
    match call(client, Call::Status).await {
        Ok(Reply::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn workspace_of<'a>(status: &'a Status, name: &str) -> Option<&'a WorkspaceStatus> {
    status.workspaces.iter().find(|workspace| workspace.name == name)
}

/// Everything in sync, or why not.
pub(crate) async fn sync(client: &Client) -> Result<(), String> {
    sync_within(client, 15_000).await
}

pub(crate) async fn sync_soon(client: &Client) -> Result<(), String> {
    sync_within(client, SHORT_MS).await
}

async fn sync_within(client: &Client, timeout_ms: u64) -> Result<(), String> {
    match call(client, Call::Sync { timeout_ms }).await {
        Ok(Reply::Status(status)) if status.state == State::InSync => Ok(()),
        other => Err(format!("not in sync: {other:?}")),
    }
}

/// Waits until something is so, looking again at each change.
pub(crate) async fn until<F: Future<Output = bool>>(
    client: &Client,
    what: &str,
    is_so: impl Fn() -> F,
) -> Result<(), String> {
    let mut changes = client.watch();
    let look = async {
        loop {
            changes.borrow_and_update();
            if is_so().await || changes.changed().await.is_err() {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, look).await;
    waited.map_err(|_| format!("it never came: {what}"))
}

/// What a workspace shows; nothing where it is not there.
pub(crate) async fn items(client: &Client, workspace: &str) -> Items {
    let list = Call::List { path: None, tree: true };
    let Ok(Reply::Items { items }) = call_in(client, workspace, list, 0).await else { return Items::new() };
    let mut shown = Items::new();
    for item in items.into_iter().filter(|item| !item.path.starts_with("Big/")) {
        let show = Call::Show { path: item.path.clone(), secrets: true };
        if let Ok(Reply::Item { document, .. }) = call_in(client, workspace, show, 0).await {
            shown.insert(item.path, document.to_string());
        }
    }
    shown
}

/// Every state of each item that was ever true.
#[derive(Default)]
pub(crate) struct Truth(BTreeSet<(String, String)>);

impl Truth {
    /// Learns what an honest app shows.
    pub(crate) async fn learn(&mut self, client: &Client) {
        self.0.extend(items(client, "Shop").await);
    }

    /// What of this was never true.
    pub(crate) fn untrue(&self, shown: &Items) -> Vec<String> {
        let is_untrue =
            |(path, text): &(&String, &String)| !self.0.contains(&((*path).clone(), (*text).clone()));
        shown.iter().filter(is_untrue).map(|(path, text)| format!("{path}: {text}")).collect()
    }
}
