//! What is shown: accounts, apps, workspaces, items, conflicts and reports.

use serde::{Deserialize, Serialize};

use super::{Acknowledged, SetAside, State};

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    /// Its id.
    pub id: String,
    /// The e-mail.
    pub email: String,
    /// The server's URL.
    pub server: String,
    /// This app's id.
    pub app: String,
    /// This app's name.
    pub app_name: String,
}

/// An app of the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `command_line`, `desktop` or `web`.
    pub kind: String,
    /// When the server last heard of it.
    pub last_seen: u64,
    /// Changes that it last said were waiting.
    pub waiting: u32,
    /// Whether it holds a place now.
    pub connected: bool,
    /// Whether it is this app.
    pub this: bool,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceView {
    /// Its id, `scratch` for the Scratch Pad.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is the one in use.
    pub current: bool,
    /// Items, without trash.
    pub items: u64,
    /// Its state.
    pub state: State,
}

/// An item, without its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemView {
    /// Its id.
    pub id: String,
    /// `collection`, `folder`, `request`, `example`, `environment`, `globals`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// A request's method.
    pub method: Option<String>,
    /// Its path.
    pub path: String,
    /// Its depth below where the listing began, 0 for its top.
    pub depth: usize,
    /// Its conflicts, node and body together.
    pub conflicts: u64,
    /// Whether it has changes that the server has not acknowledged.
    pub waiting: bool,
}

/// A search result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The item.
    pub item: ItemView,
    /// The field.
    pub field: String,
    /// The text around the hit.
    pub excerpt: String,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariableView {
    /// Its key.
    pub key: String,
    /// The initial value; none where it is secret and was not asked for, or is not on this device.
    pub initial: Option<String>,
    /// The current value on this device, where there is one.
    pub current: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether the initial value syncs.
    pub shared: bool,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConflictView {
    /// Its id.
    pub id: String,
    /// The item.
    pub item: ItemView,
    /// The field, as a dotted path.
    pub field: String,
    /// The value both began from.
    pub base: Option<serde_json::Value>,
    /// The value that lost its place.
    pub local: Option<serde_json::Value>,
    /// The value that shows.
    pub server: Option<serde_json::Value>,
    /// Whose value `local` is: an e-mail where known, else an account id.
    pub who: String,
    /// When it was found.
    pub when: u64,
}

/// One version of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionView {
    /// Its number: the place of its commit in the workspace's ledger, so that it never changes.
    pub version: u64,
    /// Who made it: an e-mail where known, else an account id; empty if it does not verify.
    pub who: String,
    /// The app it was made with: its name where known, else its id; empty if it does not verify.
    pub app: String,
    /// When the server took it, by the server's clock: the app cannot verify that.
    pub when: u64,
    /// What changed with it, in words.
    pub changes: Vec<String>,
    /// Whether the item is so now, apart from changes that wait for the server.
    pub current: bool,
    /// Why it cannot be shown or restored.
    pub problem: Option<String>,
}

/// An item in the trash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrashView {
    /// The item; its path is the one it had.
    pub item: ItemView,
    /// Who put it there: an e-mail where known, else an account id.
    pub who: String,
    /// When, by that app's clock.
    pub when: u64,
    /// How many items lie below it.
    pub below: u64,
}

/// An import's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// What the file was.
    pub source: String,
    /// Top items: what they are called now.
    pub items: Vec<ItemView>,
    /// How many of each kind came in.
    pub counts: Vec<(String, u64)>,
    /// What could not be carried over as it was, in words.
    pub losses: Vec<String>,
    /// Nothing was changed.
    pub dry_run: bool,
    /// Items added.
    pub added: u64,
    /// Items changed.
    pub changed: u64,
    /// Items moved to the trash.
    pub trashed: u64,
    /// Which acknowledgement it has.
    pub acknowledged: Acknowledged,
}

/// An exported file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// A file name that is safe everywhere.
    pub name: String,
    /// The bytes, in base64 unless `text`.
    pub content: String,
    /// `content` is the text itself.
    pub text: bool,
}

/// What a check of the local copy found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Records checked.
    pub records: u64,
    /// Ledger entries passed.
    pub entries: u64,
    /// What is wrong, each in words; empty is good.
    pub problems: Vec<SetAside>,
    /// Records fetched again because the local copy was damaged.
    pub mended: u64,
    /// Workspaces that were read again from their whole ledger, and why, in words.
    #[serde(default)]
    pub rebuilt: Vec<String>,
}

/// One check of `doctor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was seen, and what to do if it is not well.
    pub detail: String,
}
