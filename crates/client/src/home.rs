//! The folder of a profile: where things are, who owns it, and how an account's data is destroyed.
//!
//! ```text
//! lock            held by the one process that owns the profile
//! scratch.db/.key the Scratch Pad and the settings of this device; they stay
//! account.db/.key everything of the account; sign-out destroys it
//! wipe            the marker: a wipe has begun and must be finished before anything is opened
//! keyring.left    items of the keyring that could not be removed yet
//! ```
//! Invariant: when the marker is gone, the account's key is gone.
//!
//! Knows nothing of what the files hold.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::keyring::ItemId;
use crate::keys::{self, Keys, Place};

/// How long a short-lived holder of the profile is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_STEP: Duration = Duration::from_millis(15);
/// A Unix socket's path has room for 104 bytes where it has least.
const SOCKET_PATH_MAX: usize = 100;
/// Items of the keyring that are remembered for a later try; a share alone opens nothing.
const ITEMS_LEFT_MAX: usize = 32;

/// The folder of a profile.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
    keys: Keys,
}

/// The hold on a profile; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Home {
    /// The folder, made private if it did not exist.
    pub(crate) fn prepare(root: &Path, keys: Keys) -> io::Result<Self> {
        if root.exists() && !root.is_dir() {
            let what = format!("{} is a file, not a folder", root.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
        }
        if !root.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        }
        Ok(Self { root: root.to_owned(), keys })
    }

    /// What reads and makes the keys of this profile.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn scratch_store(&self) -> PathBuf {
        self.root.join("scratch.db")
    }

    pub(crate) fn scratch_key(&self) -> PathBuf {
        self.root.join("scratch.key")
    }

    pub(crate) fn account_store(&self) -> PathBuf {
        self.root.join("account.db")
    }

    pub(crate) fn account_key(&self) -> PathBuf {
        self.root.join("account.key")
    }

    fn left(&self) -> PathBuf {
        self.root.join("keyring.left")
    }

    fn marker(&self) -> PathBuf {
        self.root.join("wipe")
    }

    /// Takes the profile; none if another process keeps it.
    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        let path = self.root.join("lock");
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Lock { _file: file })),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => {
                    std::thread::sleep(LOCK_STEP);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Destroys the account's key and files; the marker stays until [`Home::end_wipe`].
    ///
    /// The account's store must be closed.
    pub(crate) fn wipe_account(&self) -> io::Result<()> {
        write_private(&self.marker(), b"the account's data is being destroyed\n")?;
        self.sync()?;
        keys::destroy(&self.account_key())?;
        self.release_share(&self.account_key())?;
        for suffix in ["", "-wal", "-shm"] {
            remove_if_there(&with_suffix(&self.root.join("account.unreadable"), suffix))?;
        }
        self.remove_account_files()
    }

    /// Removes the marker: nothing of the account is left.
    pub(crate) fn end_wipe(&self) -> io::Result<()> {
        remove_if_there(&self.marker())?;
        self.sync()
    }

    /// Finishes a wipe that was interrupted; tells whether there was one.
    pub(crate) fn finish_wipe(&self) -> io::Result<bool> {
        if !self.marker().exists() {
            return Ok(false);
        }
        self.wipe_account()?;
        self.end_wipe()?;
        Ok(true)
    }

    /// Puts an account's files that cannot be opened any more out of the way.
    pub(crate) fn set_account_aside(&self) -> io::Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            let path = with_suffix(&self.account_store(), suffix);
            match fs::rename(&path, with_suffix(&self.root.join("account.unreadable"), suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.release_share(&self.account_key())?;
        remove_if_there(&self.account_key())?;
        self.sync()
    }

    /// Removes an account's files: what a sign-in that did not come to its end left, too.
    pub(crate) fn remove_account_files(&self) -> io::Result<()> {
        self.release_share(&self.account_key())?;
        let store = self.account_store();
        for suffix in ["", "-wal", "-shm", "-journal"] {
            remove_if_there(&with_suffix(&store, suffix))?;
        }
        remove_if_there(&self.account_key())?;
        self.sync()
    }

    /// Removes from the keyring what a key that goes has there, now or at a later start.
    fn release_share(&self, key: &Path) -> io::Result<()> {
        let Ok(Some(Place::FileAndKeyring(item))) = keys::place(key) else { return Ok(()) };
        if let Err(why) = self.keys.remove_share(item) {
            tracing::warn!(%why, %item, "an item stays in the keyring until a later start");
            let mut left = self.items_left()?;
            left.push(item);
            self.write_items_left(&left)?;
        }
        Ok(())
    }

    /// Tries again to remove what is left in the keyring.
    pub(crate) fn release_left(&self) -> io::Result<()> {
        let mut left = self.items_left()?;
        if left.is_empty() {
            return Ok(());
        }
        left.retain(|item| self.keys.remove_share(*item).is_err());
        self.write_items_left(&left)
    }

    fn items_left(&self) -> io::Result<Vec<ItemId>> {
        match fs::read_to_string(self.left()) {
            Ok(text) => Ok(text.lines().filter_map(ItemId::parse).take(ITEMS_LEFT_MAX).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn write_items_left(&self, left: &[ItemId]) -> io::Result<()> {
        if left.is_empty() {
            return remove_if_there(&self.left());
        }
        let newest = left.iter().rev().take(ITEMS_LEFT_MAX);
        let lines: Vec<String> = newest.rev().map(ToString::to_string).collect();
        write_private(&self.left(), lines.join("\n").as_bytes())
    }

    /// Makes the folder's entries durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.root)?.sync_all()
    }

    /// Whether only this user can read the folder.
    pub(crate) fn is_private(&self) -> io::Result<bool> {
        is_private(&self.root)
    }
}

/// Whether only its owner may do anything with it.
pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    const OTHERS: u32 = 0o077;
    Ok(fs::metadata(path)?.permissions().mode() & OTHERS == 0)
}

/// Writes a file that only this user may read, durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The place of the agent's socket of a profile.
///
/// Inside the profile's folder, or (where that path is too long for a socket) in a folder of this user
/// below the system's temporary one.
pub fn agent_socket(home: &Path) -> PathBuf {
    let inside = home.join("agent.sock");
    if inside.as_os_str().len() <= SOCKET_PATH_MAX {
        return inside;
    }
    let user = rustix::process::getuid().as_raw();
    let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let base = base.filter(|path| path.is_dir() && path.as_os_str().len() < 50);
    let base = base.unwrap_or_else(|| PathBuf::from("/tmp"));
    let name = format!("{:016x}.sock", fingerprint(home.as_os_str().as_encoded_bytes()));
    base.join(format!("satchel-{user}")).join(name)
}

/// FNV-1a: the same in every version, which the standard library's hash is not.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::keyring::double::Double;
    use crate::keyring::{KeyringChoice, KeyringError};

    /// A home with a key of an account, whose share is in the keyring.
    fn home_with_a_share(root: &Path) -> (Home, Arc<Double>) {
        let keyring = Arc::<Double>::default();
        let home = Home::prepare(root, Keys::new(keyring.clone(), KeyringChoice::Auto));
        let home = home.expect("it is prepared");
        home.keys().make(&home.account_key()).expect("it is made");
        assert_eq!(keyring.count(), 1);
        (home, keyring)
    }

    #[test]
    fn a_wipe_removes_the_share() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (home, keyring) = home_with_a_share(folder.path());
        home.wipe_account().expect("it is wiped");
        assert_eq!((keyring.count(), home.account_key().exists()), (0, false));
    }

    #[test]
    fn a_wipe_that_ended_after_the_overwriting_removes_the_share_at_the_next_start() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (home, keyring) = home_with_a_share(folder.path());
        write_private(&home.marker(), b"").expect("it is written");
        keys::destroy(&home.account_key()).expect("it is destroyed");
        assert!(home.finish_wipe().expect("it is finished"));
        assert_eq!((keyring.count(), home.account_key().exists()), (0, false));
    }

    #[test]
    fn a_share_in_a_locked_keyring_does_not_stop_a_wipe_and_goes_later() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (home, keyring) = home_with_a_share(folder.path());
        keyring.set_trouble(Some(KeyringError::Locked));
        home.wipe_account().expect("it is wiped");
        home.end_wipe().expect("it ends");
        assert!(!home.account_key().exists());
        home.release_left().expect("it is tried");
        assert_eq!((keyring.count(), home.left().exists()), (1, true));
        keyring.set_trouble(None);
        home.release_left().expect("it is tried");
        assert_eq!((keyring.count(), home.left().exists()), (0, false));
    }

    #[test]
    fn a_sign_in_that_did_not_end_leaves_no_share() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (home, keyring) = home_with_a_share(folder.path());
        home.remove_account_files().expect("they are removed");
        assert_eq!(keyring.count(), 0);
    }

    #[test]
    fn a_long_home_gets_a_short_socket_of_its_own() {
        let long = PathBuf::from(format!("/home/{}", "x".repeat(120)));
        assert_eq!(agent_socket(Path::new("/home/a")), Path::new("/home/a/agent.sock"));
        assert!(agent_socket(&long).as_os_str().len() <= SOCKET_PATH_MAX);
        assert_ne!(agent_socket(&long), agent_socket(&long.join("y")));
        assert_eq!(agent_socket(&long), agent_socket(&long));
    }

    #[test]
    fn an_interrupted_wipe_is_finished() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = Home::prepare(folder.path(), Keys::new(Arc::<Double>::default(), KeyringChoice::Auto));
        let home = home.expect("it is prepared");
        let left = ["account.db", "account.db-wal", "account.key", "wipe"];
        for name in left {
            fs::write(folder.path().join(name), "x").expect("it is written");
        }
        fs::write(home.scratch_store(), "stays").expect("it is written");
        assert!(home.finish_wipe().expect("it is finished"));
        assert!(left.iter().all(|name| !folder.path().join(name).exists()));
        assert!(home.scratch_store().exists());
        assert!(!home.finish_wipe().expect("there is none"));
    }
}
