//! The operating system's keyring: it keeps one share of a local key for as long as this user's login says so.
//!
//! ```text
//! Keyring ── System ──▶ secret_service   Linux and the BSDs: the Secret Service on the session bus
//!        │          └─▶ keychain         macOS
//!        └─ double                       tests
//! ```
//! Invariants: nothing here ever shows a prompt or waits longer than [`ANSWER_TIME`]; an item is named by
//! a random id, never by anything of the account.
//!
//! Knows nothing of files, and not what a share is for.

use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

#[cfg(test)]
pub(crate) mod double;
#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "macos")]
use keychain as platform;
#[cfg(not(target_os = "macos"))]
mod secret_service;
#[cfg(not(target_os = "macos"))]
use secret_service as platform;

/// How long the keyring may take to answer; one that is there takes milliseconds.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Whether new local keys leave a share in the operating system's keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringChoice {
    /// Where a keyring answers.
    Auto,
    /// Never; keys that have a share there already still need it.
    Off,
}

/// The name of an item: random, made for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemId(pub(crate) [u8; 16]);

impl ItemId {
    /// The id of this hexadecimal text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = from_hex(text)?;
        bytes.as_slice().try_into().ok().map(Self)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

/// What an item holds.
pub(crate) type Share = Zeroizing<[u8; 32]>;

/// Where shares are kept.
pub(crate) trait Keyring: fmt::Debug + Send + Sync {
    /// Keeps a share beyond this login.
    fn store(&self, item: ItemId, share: &Share) -> Result<(), KeyringError>;
    /// The share in an item.
    fn read(&self, item: ItemId) -> Result<Share, KeyringError>;
    /// Removes an item; none there is fine.
    fn remove(&self, item: ItemId) -> Result<(), KeyringError>;
}

/// Why the keyring did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyringError {
    /// There is no keyring in this session.
    Absent(String),
    /// It is there, and locked.
    Locked,
    /// It is open, and has no such item.
    Missing,
    /// It did not answer within [`ANSWER_TIME`].
    Late,
    /// It answered something else.
    Failed(String),
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(why) => write!(f, "this session has no keyring ({why})"),
            Self::Locked => write!(f, "the keyring is locked"),
            Self::Missing => write!(f, "the keyring that is open has no such item"),
            Self::Late => write!(f, "the keyring did not answer within {} s", ANSWER_TIME.as_secs()),
            Self::Failed(why) => write!(f, "the keyring answered: {why}"),
        }
    }
}

impl std::error::Error for KeyringError {}

/// The keyring of the session that this process runs in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Keyring for System {
    fn store(&self, item: ItemId, share: &Share) -> Result<(), KeyringError> {
        let share = share.clone();
        bounded(move || platform::store(item, &share))
    }

    fn read(&self, item: ItemId) -> Result<Share, KeyringError> {
        bounded(move || platform::read(item))
    }

    fn remove(&self, item: ItemId) -> Result<(), KeyringError> {
        bounded(move || platform::remove(item))
    }
}

/// Runs in a thread of its own: the caller may be a task of a runtime, and must not wait for ever.
fn bounded<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    platform::presence()?;
    let (done, answer) = mpsc::channel();
    let run = move || drop(done.send(work()));
    let spawned = std::thread::Builder::new().name("satchel-keyring".into()).spawn(run);
    spawned.map_err(|error| KeyringError::Failed(error.to_string()))?;
    match answer.recv_timeout(ANSWER_TIME) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyringError::Late),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(KeyringError::Failed("nothing".into())),
    }
}

/// A share as text: some keyrings keep passwords only.
fn share_text(share: &Share) -> Zeroizing<String> {
    Zeroizing::new(Hex(share.as_slice()).to_string())
}

/// The share in an item's text.
fn share_of(text: &[u8]) -> Result<Share, KeyringError> {
    let bytes = std::str::from_utf8(text).ok().and_then(from_hex);
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    bytes.map(Zeroizing::new).ok_or_else(|| KeyringError::Failed("an item that is not Satchel's".into()))
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    let is_whole = pairs.remainder().is_empty();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect::<Option<Vec<u8>>>().filter(|_| is_whole).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_a_share_come_back_from_their_text() {
        let id = ItemId([0xa7; 16]);
        assert_eq!(ItemId::parse(&id.to_string()), Some(id));
        for text in ["", "a7", "zz", "a7a", "ü", &"a7".repeat(17), &"a7".repeat(40)] {
            assert_eq!(ItemId::parse(text), None, "{text}");
        }
        let share = Zeroizing::new([0x5c; 32]);
        assert_eq!(share_of(share_text(&share).as_bytes()), Ok(share));
        assert!(share_of(b"a password").is_err());
        assert!(share_of(&[0xff; 64]).is_err());
    }

    #[test]
    fn work_that_panics_is_a_failure() {
        let work = || -> Result<(), KeyringError> { panic!("in a test") };
        if platform::presence().is_ok() {
            assert!(matches!(bounded(work), Err(KeyringError::Failed(_))));
        } else {
            assert!(matches!(bounded(work), Err(KeyringError::Absent(_))));
        }
    }
}
