//! How fast people see what others do, and how soon a removed one sees nothing more.
//!
//! Real clients against the real server in this process, over loopback. It prints one line a measure and fails
//! where one is over its limit:
//!
//! ```text
//! cargo run --release -p satchel-client --example people [MEMBERS [REQUESTS]]
//! ```
//! 100 members and 10,000 requests where nothing is said. Each member is an account that signed up and joined by
//! a link, so most of the time goes into the stage.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use satchel_client::api::{ApiError, Call, FieldEdit, Reply, Request, Role, Secret, Source, Status};
use satchel_client::{Client, ClientOptions, KeyringChoice, Mode, TransportChoice};
use satchel_server::{Options, Running, serve};
use tempfile::TempDir;

const PASSWORD: &str = "a long enough password";
const WAIT_MS: u64 = 60_000;
const SECOND: Duration = Duration::from_secs(1);

/// A server, and the folders of everybody.
struct Stage {
    folder: TempDir,
    server: Running,
}

/// What was measured, with its limit.
struct Measures(Vec<(String, Duration)>);

impl Measures {
    fn add(&mut self, what: &str, took: Duration) {
        println!("{what}: {:.1} ms (at most {} ms)", took.as_secs_f64() * 1e3, SECOND.as_millis());
        self.0.push((what.to_owned(), took));
    }
}

impl Stage {
    async fn person(&self, name: &str) -> Client {
        let options = ClientOptions {
            home: self.folder.path().join(name),
            keyring: KeyringChoice::Off,
            mode: Mode::Agent,
            extra_ca: None,
            proxy: None,
            transport: TransportChoice::Auto,
        };
        let client = Client::open(options).await.expect("the profile opens");
        let sign_up = Call::SignUp {
            server: self.server.url(),
            email: format!("{name}@example.com"),
            password: Secret(PASSWORD.into()),
            app_name: Some(name.into()),
            invite: None,
        };
        call(&client, sign_up).await.expect("it signs up");
        client
    }
}

async fn call(client: &Client, call: Call) -> Result<Reply, ApiError> {
    client.call(Request { workspace: None, wait_ms: WAIT_MS, call }, None).await
}

async fn in_place(client: &Client, workspace: &str, call: Call) -> Result<Reply, ApiError> {
    client.call(Request { workspace: Some(workspace.into()), wait_ms: WAIT_MS, call }, None).await
}

async fn create(client: &Client, name: &str) {
    let create = Call::CreateWorkspace { name: name.into(), team: None, open: false };
    call(client, create).await.expect("it is made");
}

async fn invite(client: &Client, workspace: &str, role: Role) -> Secret {
    match in_place(client, workspace, Call::Invite { role, team: None }).await {
        Ok(Reply::Invited { link, .. }) => link,
        other => panic!("{other:?}"),
    }
}

async fn join(client: &Client, link: Secret) {
    call(client, Call::Join { link }).await.expect("they join");
}

/// Looks again at each change, until something is so.
async fn until<F: Future<Output = bool>>(client: &Client, is_so: impl Fn() -> F) {
    let mut changes = client.watch();
    loop {
        changes.borrow_and_update();
        if is_so().await {
            return;
        }
        changes.changed().await.expect("the profile is open");
    }
}

async fn status(client: &Client) -> Status {
    match call(client, Call::Status).await {
        Ok(Reply::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

async fn shows(client: &Client, text: &str) -> bool {
    let show = Call::Show { path: "Cart".into(), secrets: false };
    match in_place(client, "Shop", show).await {
        Ok(Reply::Item { document, .. }) => document.to_string().contains(text),
        _ => false,
    }
}

async fn set(client: &Client, text: &str) {
    let field = FieldEdit { field: "description".into(), value: Some(text.into()) };
    let set = Call::Set { path: "Cart".into(), fields: vec![field] };
    in_place(client, "Shop", set).await.expect("it is changed");
}

/// How many items a workspace shows.
async fn tree_size(client: &Client, workspace: &str) -> usize {
    match in_place(client, workspace, Call::List { path: None, tree: true }).await {
        Ok(Reply::Items { items }) => items.len(),
        _ => 0,
    }
}

/// Edits of three accounts, each until both others show it.
async fn measure_edits(people: &[Client], measures: &mut Measures) {
    let (mut all, rounds) = (Vec::new(), 20);
    for round in 0..rounds {
        for writer in 0..people.len() {
            let text = format!("round {round} of {writer}");
            let begun = Instant::now();
            set(&people[writer], &text).await;
            for reader in people {
                until(reader, || shows(reader, &text)).await;
            }
            all.push(begun.elapsed());
        }
    }
    all.sort();
    measures.add("an edit of one of three accounts is shown by all, median of 60", all[all.len() / 2]);
    measures.add("the same, the slowest", all[all.len() - 1]);
}

/// A member more in a large workspace, until their app shows the whole tree.
async fn measure_large(stage: &Stage, owner: &Client, requests: usize, measures: &mut Measures) {
    create(owner, "Large").await;
    let items: Vec<_> = (0..requests)
        .map(|n| format!(r#"{{"name":"r{n}","request":{{"method":"GET","url":"https://example.com/{n}"}}}}"#))
        .collect();
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    let text = format!(r#"{{"info":{{"name":"Big","schema":"{schema}"}},"item":[{}]}}"#, items.join(","));
    let file = stage.folder.path().join("large.json");
    std::fs::write(&file, text).expect("it is written");
    let source = Source::Path(file.display().to_string());
    let import = Call::Import { source, mode: None, dry_run: false };
    in_place(owner, "Large", import).await.expect("it is imported");
    call(owner, Call::Sync { timeout_ms: 300_000 }).await.expect("it syncs");
    let joiner = stage.person("newcomer").await;
    let link = invite(owner, "Large", Role::Viewer).await;
    let begun = Instant::now();
    let joined = call(&joiner, Call::Join { link }).await;
    joined.expect("they join");
    until(&joiner, || async { tree_size(&joiner, "Large").await > requests }).await;
    let what = format!("a member is added to a workspace of {requests} requests and sees its tree");
    measures.add(&what, begun.elapsed());
    joiner.close().await;
}

/// A removal with a new key for all who stay, until the last of them has it and the removed one is out.
async fn measure_removal(stage: &Stage, people: &[Client], count: usize, measures: &mut Measures) {
    let owner = &people[0];
    let mut members = Vec::new();
    for index in people.len()..count {
        let member = stage.person(&format!("member{index}")).await;
        join(&member, invite(owner, "Shop", Role::Viewer).await).await;
        members.push(member);
    }
    let removed = people.last().expect("there are three");
    let begun = Instant::now();
    let is_out = async {
        until(removed, || async {
            let status = status(removed).await;
            status.workspaces.iter().any(|one| one.name == "Shop" && one.reason.as_deref() == Some("gone"))
        })
        .await;
        begun.elapsed()
    };
    let remove = Call::RemoveMember { member: "person2@example.com".into(), team: None };
    let act = async {
        in_place(owner, "Shop", remove).await.expect("they are removed");
        begun.elapsed()
    };
    let (acted, out) = tokio::join!(act, is_out);
    measures.add(&format!("a removal with a new key for {} who stay", count - 1), acted);
    measures.add("the removed member's stream has ended", out);
    let begun = Instant::now();
    set(owner, "after the removal").await;
    for reader in members.iter().chain([&people[1]]) {
        until(reader, || shows(reader, "after the removal")).await;
    }
    measures.add(&format!("an edit under the new key is shown by all {}", count - 1), begun.elapsed());
    assert!(!shows(removed, "after the removal").await, "who is out gets nothing");
    // Asking again is refused, or finds everything else in order.
    drop(call(removed, Call::Sync { timeout_ms: 5_000 }).await);
    assert!(!shows(removed, "after the removal").await, "nor with the next request");
    for member in members {
        member.close().await;
    }
}

async fn run(members: usize, requests: usize) -> bool {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut options = Options::new(folder.path().join("server"));
    // All of them sign up from one address within a minute.
    options.config.login_requests_per_minute = 100_000;
    let server = serve(options).await.expect("the server starts");
    let stage = Stage { folder, server };
    let mut people = Vec::new();
    for index in 0..3 {
        people.push(stage.person(&format!("person{index}")).await);
    }
    create(&people[0], "Shop").await;
    let new = Call::New { kind: "collection".into(), path: "Cart".into(), fields: Vec::new() };
    in_place(&people[0], "Shop", new).await.expect("it is made");
    for person in &people[1..] {
        join(person, invite(&people[0], "Shop", Role::Editor).await).await;
    }
    let mut measures = Measures(Vec::new());
    measure_edits(&people, &mut measures).await;
    measure_large(&stage, &people[0], requests, &mut measures).await;
    measure_removal(&stage, &people, members.max(4), &mut measures).await;
    for person in people {
        person.close().await;
    }
    stage.server.shutdown().await;
    measures.0.iter().all(|(_, took)| *took <= SECOND)
}

fn main() -> ExitCode {
    let mut numbers =
        std::env::args().skip(1).map(|word| word.parse().expect("MEMBERS and REQUESTS are numbers"));
    let (members, requests) = (numbers.next().unwrap_or(100), numbers.next().unwrap_or(10_000));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let all_within = runtime.block_on(run(members, requests));
    if all_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
