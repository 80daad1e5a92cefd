//! What sending a request reads from the profile, and what is kept of it on this device.
//!
//! Nothing here syncs. A profile knows nothing of HTTP: whoever sends asks for the documents, sends, and gives back
//! what changed ([`super::Call::Sources`], [`super::Call::KeepSent`]).

use serde::{Deserialize, Serialize};

use super::ItemView;

/// Which environment a request is sent with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentChoice {
    /// The one in use on this device, if there is one.
    Active,
    /// None.
    Off,
    /// This one, by name or id.
    Named(String),
}

/// A request as an editor has it, to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendOrder {
    /// The request's id, whose ancestors give auth, scripts and variables; none for one that was never saved.
    pub item: Option<String>,
    /// The request's document as it is in the editor.
    pub document: serde_json::Value,
    /// The environment's id; none is none.
    pub environment: Option<String>,
    /// A name for this send in its events, and to stop it by.
    pub run: String,
}

/// An item with its document, values of this device and secrets in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceView {
    /// The item.
    pub item: ItemView,
    /// Its document in Postman's shape, with its id here as `id`; each variable has the value that counts on this
    /// device.
    pub document: serde_json::Value,
}

/// All that a request or a run is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcesView {
    /// The workspace's id.
    pub workspace: String,
    /// The item that was asked for.
    pub item: Option<SourceView>,
    /// The items above it, the collection first.
    pub ancestors: Vec<SourceView>,
    /// The whole collection with everything below but examples, where that was asked for; each item has its id here
    /// as `id`.
    pub collection: Option<serde_json::Value>,
    /// The environment.
    pub environment: Option<SourceView>,
    /// The globals, with what only this device has of them.
    pub globals: serde_json::Value,
    /// Whether scripts of this workspace may run.
    pub trusted: bool,
    /// The cookies, in the order of their creation.
    pub cookies: Vec<serde_json::Value>,
    /// Tokens by the key of their grant.
    pub tokens: serde_json::Value,
}

/// Where a variable lives whose value on this device changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValuePlace {
    /// The environment that was sent with.
    Environment,
    /// The collection of the item.
    Collection,
    /// The globals.
    Globals,
}

/// A value of this device that changes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueChange {
    /// Where.
    pub place: ValuePlace,
    /// The variable.
    pub key: String,
    /// Its value; none takes it away on this device.
    pub value: Option<serde_json::Value>,
}

impl std::fmt::Debug for ValueChange {
    /// Without the value: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValueChange")
            .field("place", &self.place)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A cookie or a token that changes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptChange {
    /// What names it: a grant's key, or a cookie's domain, path and name.
    pub key: String,
    /// What it is now; none takes it away.
    pub value: Option<serde_json::Value>,
}

impl std::fmt::Debug for KeptChange {
    /// Without the value: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptChange").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A request that was sent, in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentView {
    /// Its number on this device; the store gives it.
    pub id: u64,
    /// When it was sent.
    pub when: u64,
    /// The item's id, if it was one.
    pub item: Option<String>,
    /// The item's name or path.
    pub name: String,
    /// The method.
    pub method: String,
    /// The URL, secrets masked.
    pub url: String,
    /// The status; none if there was no answer.
    pub status: Option<u16>,
    /// Why there was none, in words.
    pub failure: Option<String>,
    /// How long it took, in milliseconds.
    pub time_ms: u64,
    /// The size of the answer's body.
    pub bytes: u64,
    /// Tests that ran.
    pub tests: u64,
    /// Tests that failed.
    pub failed: u64,
}

/// A request that was sent, to be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentEntry {
    /// The line; its number is not looked at.
    pub view: SentView,
    /// The answer with everything around it, secret variables masked in the request.
    pub response: Option<SentResponse>,
}

/// A run of a collection, in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// Its number on this device; the store gives it.
    pub id: u64,
    /// When it began.
    pub when: u64,
    /// The collection's or folder's path, or the file's name.
    pub name: String,
    /// The environment's name.
    pub environment: Option<String>,
    /// Iterations that ran.
    pub iterations: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// Tests that ran.
    pub tests: u64,
    /// Tests, requests and scripts that failed.
    pub failed: u64,
    /// How long it took, in milliseconds.
    pub time_ms: u64,
}

/// A run, to be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The line; its number is not looked at.
    pub view: RunView,
    /// Its summary, as the JSON reporter writes it.
    pub summary: serde_json::Value,
}

/// An answer, with everything that a person wants to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentResponse {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub status_text: String,
    /// `HTTP/1.1` and the like.
    pub version: String,
    /// The URL that gave it, secrets masked.
    pub url: String,
    /// The headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: SentBody,
    /// The cookies that the request's URL has after it.
    pub cookies: Vec<CookieView>,
    /// How long each phase took.
    pub timings: SentTimings,
    /// How much went each way.
    pub sizes: SentSizes,
    /// The tests, in order.
    pub tests: Vec<TestView>,
    /// What scripts printed.
    pub log: Vec<LogLine>,
    /// What was left out, not understood or not done, in words.
    pub warnings: Vec<String>,
    /// The request as it went, secrets masked.
    pub request: SentRequest,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentBody {
    /// The text, if it is one.
    pub text: Option<String>,
    /// The bytes in base64, if it is no text.
    pub base64: Option<String>,
    /// The body was longer than is handed over.
    pub truncated: bool,
}

/// How long each phase took, in microseconds; a phase that did not happen is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SentTimings {
    /// Until the first deed.
    pub queued: u64,
    /// Name lookup.
    pub dns: u64,
    /// TCP, and the proxy's handshake.
    pub connect: u64,
    /// TLS handshake.
    pub tls: u64,
    /// Writing the request.
    pub request_sent: u64,
    /// To the first byte of the answer.
    pub first_byte: u64,
    /// To the end of the body.
    pub download: u64,
    /// All of it.
    pub total: u64,
}

/// How many bytes went each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SentSizes {
    /// The request's head.
    pub sent_head: u64,
    /// The request's body.
    pub sent_body: u64,
    /// The answer's head.
    pub received_head: u64,
    /// The body as it was encoded.
    pub encoded_body: u64,
    /// The body after decoding.
    pub decoded_body: u64,
}

/// A cookie, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookieView {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The host that it is for.
    pub domain: String,
    /// The path that it is for.
    pub path: String,
    /// When it ends, in words; none is a session's.
    pub expires: Option<String>,
    /// Only over TLS.
    pub secure: bool,
    /// Not for scripts of pages.
    pub http_only: bool,
}

/// A test's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestView {
    /// Its name.
    pub name: String,
    /// Whether it passed; a skipped one did not fail.
    pub passed: bool,
    /// Whether it was skipped.
    pub skipped: bool,
    /// Why it failed.
    pub message: Option<String>,
}

/// A line of the scripts' console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `log`, `info`, `warn` or `error`.
    pub level: String,
    /// The words, secrets masked.
    pub text: String,
}

/// A request as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers in order.
    pub headers: Vec<(String, String)>,
    /// The body, where it is a text of bearable size.
    pub body: Option<String>,
}
