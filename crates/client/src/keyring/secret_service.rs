//! The freedesktop Secret Service (`GNOME` Keyring, `KWallet`, `KeePassXC`) over the session bus.
//!
//! Why not a ready-made store: each of them unlocks with a prompt, and brings a second set of ciphers for
//! a bus that is already private to this user. These are five calls.
//!
//! Invariants: no call here has the service show a prompt; the collection `session`, which is gone at the
//! next login, is never used.

use std::collections::HashMap;
use std::future::Future;

use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;
use zbus::{Connection, DynamicType, ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant};
use zeroize::Zeroizing;

use super::{ANSWER_TIME, ItemId, KeyringError, Share, share_of, share_text};

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SESSION_COLLECTION: &str = "/org/freedesktop/secrets/collection/session";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// A path that means none.
const NONE: &str = "/";

/// A secret on the bus: session, parameters, value, content type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// Whether asking makes sense; costs nothing.
pub(super) fn presence() -> Result<(), KeyringError> {
    match std::env::var_os(BUS) {
        Some(address) if !address.is_empty() => Ok(()),
        _ => Err(KeyringError::Absent(format!("{BUS} is not set"))),
    }
}

pub(super) fn store(item: ItemId, share: &Share) -> Result<(), KeyringError> {
    run(async { Service::connect().await?.store(item, share).await })
}

pub(super) fn read(item: ItemId) -> Result<Share, KeyringError> {
    run(async { Service::connect().await?.read(item).await })
}

pub(super) fn remove(item: ItemId) -> Result<(), KeyringError> {
    run(async { Service::connect().await?.remove(item).await })
}

fn run<T>(work: impl Future<Output = Result<T, KeyringError>>) -> Result<T, KeyringError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| KeyringError::Failed(error.to_string()))?;
    let result = runtime.block_on(async { timeout(ANSWER_TIME, work).await });
    runtime.shutdown_background();
    result.unwrap_or(Err(KeyringError::Late))
}

/// A connection to the session bus.
struct Service {
    bus: Connection,
}

impl Service {
    async fn connect() -> Result<Self, KeyringError> {
        let bus = Connection::session().await;
        // A bus that is named and not there is as good as none.
        bus.map(|bus| Self { bus }).map_err(|error| KeyringError::Absent(error.to_string()))
    }

    async fn store(&self, item: ItemId, share: &Share) -> Result<(), KeyringError> {
        let collection = self.collection().await?;
        let session = self.session().await?;
        let text = share_text(share).as_bytes().to_vec();
        let attributes = Variant::from(attributes(item));
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(format!("Satchel local key {item}"))),
            ("org.freedesktop.Secret.Item.Attributes", attributes),
        ]);
        let secret: Secret = (session, Vec::new(), text, "text/plain".into());
        let body = (properties, secret, true);
        let made: (OwnedObjectPath, OwnedObjectPath) =
            self.call(&collection, "org.freedesktop.Secret.Collection", "CreateItem", &body).await?;
        self.decline(&made.1).await
    }

    async fn read(&self, item: ItemId) -> Result<Share, KeyringError> {
        let path = self.find(item).await?.ok_or(KeyringError::Missing)?;
        let session = self.session().await?;
        let found: (Secret,) =
            self.call(&path, "org.freedesktop.Secret.Item", "GetSecret", &(session,)).await?;
        let text = Zeroizing::new(found.0.2);
        share_of(&text)
    }

    async fn remove(&self, item: ItemId) -> Result<(), KeyringError> {
        let Some(path) = self.find(item).await? else { return Ok(()) };
        let prompt: (OwnedObjectPath,) =
            self.call(&path, "org.freedesktop.Secret.Item", "Delete", &()).await?;
        self.decline(&prompt.0).await
    }

    /// The collection that new items go to.
    async fn collection(&self) -> Result<OwnedObjectPath, KeyringError> {
        let (path,): (OwnedObjectPath,) = self.service("ReadAlias", &("default",)).await?;
        if [NONE, SESSION_COLLECTION].contains(&path.as_str()) {
            return Err(KeyringError::Absent("no keyring is the default one".into()));
        }
        let question = ("org.freedesktop.Secret.Collection", "Locked");
        let (locked,): (OwnedVariant,) =
            self.call(&path, "org.freedesktop.DBus.Properties", "Get", &question).await?;
        match bool::try_from(locked) {
            Ok(false) => Ok(path),
            _ => Err(KeyringError::Locked),
        }
    }

    /// The item that is open; none if there is none.
    async fn find(&self, item: ItemId) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let body = (attributes(item),);
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            self.service("SearchItems", &body).await?;
        match (open.into_iter().next(), locked.is_empty()) {
            (Some(path), _) => Ok(Some(path)),
            (None, true) => Ok(None),
            (None, false) => Err(KeyringError::Locked),
        }
    }

    /// A session without a cipher of its own: only this user is on the bus.
    async fn session(&self) -> Result<OwnedObjectPath, KeyringError> {
        let (_, path): (OwnedVariant, OwnedObjectPath) =
            self.service("OpenSession", &("plain", Variant::from(""))).await?;
        Ok(path)
    }

    /// What would need a prompt does not happen.
    async fn decline(&self, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
        if prompt.as_str() == NONE {
            return Ok(());
        }
        let dismissed: Result<(), _> =
            self.call(prompt, "org.freedesktop.Secret.Prompt", "Dismiss", &()).await;
        dismissed.and(Err(KeyringError::Locked))
    }

    async fn service<B, R>(&self, method: &str, body: &B) -> Result<R, KeyringError>
    where
        B: Serialize + DynamicType + Sync,
        R: DeserializeOwned + Type,
    {
        let root = ObjectPath::from_static_str_unchecked(ROOT).into();
        self.call(&root, "org.freedesktop.Secret.Service", method, body).await
    }

    async fn call<B, R>(
        &self,
        path: &OwnedObjectPath,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<R, KeyringError>
    where
        B: Serialize + DynamicType + Sync,
        R: DeserializeOwned + Type,
    {
        let reply = self.bus.call_method(Some(SERVICE), path, Some(interface), method, body).await;
        let reply = reply.map_err(|error| meaning(&error))?;
        reply.body().deserialize().map_err(|error| meaning(&error))
    }
}

/// What an item is found by.
fn attributes(item: ItemId) -> HashMap<&'static str, String> {
    HashMap::from([("application", "satchel".to_owned()), ("item", item.to_string())])
}

fn meaning(error: &zbus::Error) -> KeyringError {
    let zbus::Error::MethodError(name, detail, _) = error else {
        return KeyringError::Failed(error.to_string());
    };
    let detail = detail.clone().unwrap_or_default();
    match name.as_str() {
        "org.freedesktop.Secret.Error.IsLocked" => KeyringError::Locked,
        "org.freedesktop.Secret.Error.NoSuchObject" => KeyringError::Missing,
        "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
            KeyringError::Absent("no secret service runs".into())
        }
        name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => KeyringError::Absent(detail),
        name => KeyringError::Failed(format!("{name} {detail}")),
    }
}
