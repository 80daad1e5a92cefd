//! One app: a profile of its own, kept connected, and the few calls that the scenes are made of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use satchel_client::api::{
    ApiError, Call, FieldEdit, ItemView, Reply, Request, Secret, Source, State, Status,
};
use satchel_client::{Client, ClientOptions, KeyringChoice, Mode, TransportChoice};
use tokio::sync::watch;

use crate::Outcome;

const PASSWORD: &str = "a long enough password";
const PATIENCE: Duration = Duration::from_mins(5);
const PATIENCE_MS: u64 = 300_000;
/// What one import certainly takes.
const IMPORT_BYTES: u64 = 64 << 20;
/// Folders of a generated collection that make about 10,000 requests.
const ITEMS_OF_A_PART: usize = 400;

fn words(error: &ApiError) -> Box<dyn std::error::Error> {
    format!("{error:?}").into()
}

/// A profile that this process holds.
pub(crate) struct App {
    client: Client,
    changed: watch::Receiver<u64>,
}

impl App {
    /// A new home, signed up.
    pub(crate) async fn sign_up(home: &Path, server: &str, email: &str) -> Outcome<Self> {
        let app = Self::open(home).await?;
        let (server, email) = (server.to_owned(), email.to_owned());
        let password = Secret(PASSWORD.to_owned());
        app.call(Call::SignUp { server, email, password, app_name: None, invite: None }, 0).await?;
        app.sync().await?;
        Ok(app)
    }

    /// A new home, signed in; what it waits for comes after that.
    pub(crate) async fn sign_in(home: &Path, server: &str, email: &str) -> Outcome<Self> {
        let app = Self::open(home).await?;
        let (server, email) = (server.to_owned(), email.to_owned());
        let password = Secret(PASSWORD.to_owned());
        app.call(Call::SignIn { server, email, password, app_name: None, take_over: None }, 0).await?;
        Ok(app)
    }

    async fn open(home: &Path) -> Outcome<Self> {
        let options = ClientOptions {
            home: home.to_owned(),
            keyring: KeyringChoice::Off,
            mode: Mode::Agent,
            extra_ca: None,
            proxy: None,
            transport: TransportChoice::Auto,
        };
        let client = Client::open(options).await.map_err(|error| words(&error))?;
        let changed = client.watch();
        Ok(Self { client, changed })
    }

    pub(crate) async fn call(&self, call: Call, wait_ms: u64) -> Outcome<Reply> {
        let request = Request { workspace: None, wait_ms, call };
        tokio::time::timeout(PATIENCE, self.client.call(request, None)).await?.map_err(|error| words(&error))
    }

    /// Waits until everything is acknowledged and applied.
    pub(crate) async fn sync(&self) -> Outcome<()> {
        self.call(Call::Sync { timeout_ms: PATIENCE_MS }, 0).await.map(drop)
    }

    /// Imports a file and waits until the server has it; a very large one as several collections.
    pub(crate) async fn import(&self, file: &Path) -> Outcome<()> {
        for part in parts(file)? {
            let source = Source::Path(part.to_string_lossy().into_owned());
            self.call(Call::Import { source, mode: None, dry_run: false }, 0).await?;
        }
        self.sync().await
    }

    /// Sets a request's URL; the local store has it when this returns.
    pub(crate) async fn edit(&self, id: &str, url: &str) -> Outcome<()> {
        self.set(id, "url", url).await
    }

    /// Sets a field of a request.
    pub(crate) async fn set(&self, id: &str, field: &str, value: &str) -> Outcome<()> {
        let fields = vec![FieldEdit { field: field.to_owned(), value: Some(value.to_owned()) }];
        self.call(Call::Set { path: id.to_owned(), fields }, 0).await.map(drop)
    }

    /// The ids of all requests.
    pub(crate) async fn requests(&self) -> Outcome<Vec<String>> {
        let items = self.items().await?;
        Ok(items.into_iter().filter(|item| item.kind == "request").map(|item| item.id).collect())
    }

    pub(crate) async fn items(&self) -> Outcome<Vec<ItemView>> {
        match self.call(Call::List { path: None, tree: true }, 0).await? {
            Reply::Items { items } => Ok(items),
            other => Err(format!("an unexpected reply: {other:?}").into()),
        }
    }

    pub(crate) async fn has(&self, id: &str, url: &str) -> Outcome<bool> {
        Ok(self.document(id).await?.contains(url))
    }

    /// A request as text.
    pub(crate) async fn document(&self, id: &str) -> Outcome<String> {
        match self.call(Call::Show { path: id.to_owned(), secrets: false }, 0).await? {
            Reply::Item { document, .. } => Ok(document.to_string()),
            other => Err(format!("an unexpected reply: {other:?}").into()),
        }
    }

    pub(crate) async fn status(&self) -> Outcome<Status> {
        match self.call(Call::Status, 0).await? {
            Reply::Status(status) => Ok(status),
            other => Err(format!("an unexpected reply: {other:?}").into()),
        }
    }

    pub(crate) async fn is_in_sync(&self) -> Outcome<bool> {
        let status = self.status().await?;
        Ok(status.state == State::InSync && status.pending.down == 0)
    }

    /// Whether everything is here and acknowledged, and how much is to be received.
    pub(crate) async fn progress(&self) -> Outcome<(bool, u64)> {
        match self.call(Call::Status, 0).await? {
            Reply::Status(status) => Ok((status.state == State::InSync, status.pending.down)),
            other => Err(format!("an unexpected reply: {other:?}").into()),
        }
    }

    /// Waits for anything to change since this was last asked.
    pub(crate) async fn changed(&mut self) -> Outcome<()> {
        Ok(tokio::time::timeout(PATIENCE, self.changed.changed()).await??)
    }

    /// Waits until a request has this URL here.
    pub(crate) async fn until(&mut self, id: &str, url: &str) -> Outcome<()> {
        self.changed.borrow_and_update();
        while !self.has(id, url).await? {
            self.changed().await?;
        }
        Ok(())
    }
}

/// Splits a collection that is larger than what one import takes; its own file otherwise.
fn parts(file: &Path) -> Outcome<Vec<PathBuf>> {
    if std::fs::metadata(file)?.len() <= IMPORT_BYTES {
        return Ok(vec![file.to_owned()]);
    }
    let mut whole: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let items = whole["item"].as_array_mut().map(std::mem::take).ok_or("a collection without items")?;
    let mut parts = Vec::new();
    for (number, items) in items.chunks(ITEMS_OF_A_PART).enumerate() {
        let part = file.with_extension(format!("part{number}.json"));
        let info = serde_json::json!({
            "name": format!("part {number}"),
            "schema": whole["info"]["schema"],
        });
        std::fs::write(&part, serde_json::to_vec(&serde_json::json!({ "info": info, "item": items }))?)?;
        parts.push(part);
    }
    Ok(parts)
}
