//! The local data keys: each store's key lies in a file of its own that only this user may read, and
//! where the operating system's keyring answers, a share that the key needs, too, lies there.
//!
//! ```text
//! secret (32)                   the file alone, as the first version wrote it
//! 1 | secret (32)               the file alone
//! 2 | item id (16) | secret (32)   the key is derived of the secret and of the share in that item
//! ```
//! Invariants: destroying the file destroys everything that the store holds, whatever the keyring keeps; a
//! share that cannot be had is an error, and nothing is made or deleted in its place.
//!
//! Knows nothing of what is sealed.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use rand_core::{OsRng, RngCore};
use satchel_crypto::LocalKey;
use zeroize::Zeroizing;

use crate::home::write_private;
use crate::keyring::{ItemId, Keyring, KeyringChoice, KeyringError, Share};

const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 16;
const ALONE: u8 = 1;
const SHARED: u8 = 2;

/// Where a key lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In its file.
    File,
    /// One share in its file, the other in this item of the keyring.
    FileAndKeyring(ItemId),
}

/// Why a key was not had.
#[derive(Debug)]
pub(crate) enum KeyError {
    /// The file could not be read or written, or is not a key.
    File(io::Error),
    /// The share in the keyring could not be had.
    Share {
        /// Where it is kept.
        item: ItemId,
        /// What the keyring said.
        source: KeyringError,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(source) => source.fmt(f),
            Self::Share { item, source } => write!(f, "{source}; item {item}"),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(source) => Some(source),
            Self::Share { source, .. } => Some(source),
        }
    }
}

impl From<io::Error> for KeyError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// Reads and makes keys, with the keyring that is used for it.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    keyring: Arc<dyn Keyring>,
    choice: KeyringChoice,
}

impl Keys {
    pub(crate) fn new(keyring: Arc<dyn Keyring>, choice: KeyringChoice) -> Self {
        Self { keyring, choice }
    }

    /// The key of a file; none if there is no file.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<LocalKey>, KeyError> {
        let Some(bytes) = bytes_of(path)? else { return Ok(None) };
        let (place, secret) = parse(&bytes)?;
        let key = match place {
            Place::File => LocalKey::from_secret(*secret),
            Place::FileAndKeyring(item) => {
                let share = self.keyring.read(item).map_err(|source| KeyError::Share { item, source })?;
                derive(secret, &share, item)
            }
        };
        Ok(Some(key))
    }

    /// Makes a key and keeps it durably: in a file, and a share in the keyring if that takes it.
    pub(crate) fn make(&self, path: &Path) -> io::Result<LocalKey> {
        let secret = random();
        let Some((item, share)) = self.make_share() else {
            write_private(path, &file_bytes(&[ALONE], &secret))?;
            return Ok(LocalKey::from_secret(*secret));
        };
        let head = [&[SHARED], item.0.as_slice()].concat();
        if let Err(error) = write_private(path, &file_bytes(&head, &secret)) {
            let _ = self.keyring.remove(item); // what is left there opens nothing
            return Err(error);
        }
        Ok(derive(&secret, &share, item))
    }

    /// Removes an item of the keyring; none there is fine.
    pub(crate) fn remove_share(&self, item: ItemId) -> Result<(), KeyringError> {
        self.keyring.remove(item)
    }

    /// A share that the keyring has kept: only what it gives back is relied on.
    fn make_share(&self) -> Option<(ItemId, Share)> {
        if self.choice == KeyringChoice::Off {
            return None;
        }
        let mut id = [0; ID_BYTES];
        OsRng.fill_bytes(&mut id);
        let (item, share) = (ItemId(id), random());
        let kept = self.keyring.store(item, &share).and_then(|()| self.keyring.read(item));
        match kept {
            Ok(kept) if kept == share => Some((item, share)),
            Ok(_) | Err(KeyringError::Absent(_)) => None,
            Err(why) => {
                tracing::warn!(%why, "a new local key is kept in its file alone");
                let _ = self.keyring.remove(item); // it may have been kept after all
                None
            }
        }
    }
}

/// Where the key of a file lies; none if there is no file.
pub(crate) fn place(path: &Path) -> io::Result<Option<Place>> {
    let Some(bytes) = bytes_of(path)? else { return Ok(None) };
    parse(&bytes).map(|(place, _)| Some(place))
}

/// Overwrites the secret of a file in place, durably; no file is fine.
///
/// The item's id stays until the file goes, so that an interrupted wipe still finds the item.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    let Some(bytes) = bytes_of(path)? else { return Ok(()) };
    let kept = if parse(&bytes).is_ok() { bytes.len() - SECRET_BYTES } else { 0 };
    let mut noise = vec![0; bytes.len() - kept];
    OsRng.fill_bytes(&mut noise);
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(kept as u64))?;
    file.write_all(&noise)?;
    file.sync_all()
}

fn derive(secret: &[u8; SECRET_BYTES], share: &Share, item: ItemId) -> LocalKey {
    LocalKey::derive([secret, share], &item.0)
}

fn random() -> Share {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    OsRng.fill_bytes(bytes.as_mut_slice());
    bytes
}

fn file_bytes(head: &[u8], secret: &Share) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([head, secret.as_slice()].concat())
}

fn bytes_of(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> io::Result<(Place, &[u8; SECRET_BYTES])> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "that is no file of a local key");
    let (head, secret) = bytes.split_last_chunk::<SECRET_BYTES>().ok_or_else(wrong)?;
    match head {
        [] | [ALONE] => Ok((Place::File, secret)),
        [SHARED, id @ ..] => {
            let id = id.try_into().map_err(|_| wrong())?;
            Ok((Place::FileAndKeyring(ItemId(id)), secret))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::double::Double;

    /// A folder with a place for a key, and a keyring.
    struct Desk {
        folder: tempfile::TempDir,
        keyring: Arc<Double>,
    }

    impl Desk {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().expect("a temporary folder"), keyring: Arc::default() }
        }

        fn path(&self) -> std::path::PathBuf {
            self.folder.path().join("key")
        }

        fn keys(&self, choice: KeyringChoice) -> Keys {
            Keys::new(self.keyring.clone(), choice)
        }

        fn make(&self, choice: KeyringChoice) -> [u8; 32] {
            *self.keys(choice).make(&self.path()).expect("it is made").expose_secret()
        }

        fn read(&self) -> Result<Option<[u8; 32]>, String> {
            let read = self.keys(KeyringChoice::Auto).read(&self.path());
            read.map(|key| key.map(|key| *key.expose_secret())).map_err(|error| error.to_string())
        }

        fn is_shared(&self) -> bool {
            matches!(place(&self.path()), Ok(Some(Place::FileAndKeyring(_))))
        }
    }

    #[test]
    fn a_key_needs_both_shares_where_there_is_a_keyring() {
        let desk = Desk::new();
        assert_eq!(desk.read(), Ok(None));
        let key = desk.make(KeyringChoice::Auto);
        assert!(desk.is_shared());
        assert_eq!((desk.read(), desk.keyring.count()), (Ok(Some(key)), 1));
        let file = fs::read(desk.path()).expect("it reads");
        assert!(!file.windows(32).any(|window| window == key), "the file alone holds the key");
    }

    #[test]
    fn without_a_keyring_the_file_is_enough() {
        let check = |prepare: fn(&Double), choice| {
            let desk = Desk::new();
            prepare(&desk.keyring);
            let key = desk.make(choice);
            assert!(!desk.is_shared());
            desk.keyring.set_trouble(Some(KeyringError::Locked));
            assert_eq!(desk.read(), Ok(Some(key)));
            assert_eq!(desk.keyring.count(), 0);
        };
        check(|_| (), KeyringChoice::Off);
        check(Double::set_forgetful, KeyringChoice::Auto);
        for trouble in [KeyringError::Absent("a test".into()), KeyringError::Locked, KeyringError::Late] {
            let desk = Desk::new();
            desk.keyring.set_trouble(Some(trouble));
            let key = desk.make(KeyringChoice::Auto);
            assert_eq!((desk.is_shared(), desk.read()), (false, Ok(Some(key))));
        }
    }

    #[test]
    fn a_share_out_of_reach_is_said_and_nothing_is_lost() {
        let desk = Desk::new();
        let key = desk.make(KeyringChoice::Auto);
        let file = fs::read(desk.path()).expect("it reads");
        let check = |trouble, words: &str| {
            desk.keyring.set_trouble(Some(trouble));
            let said = desk.read().expect_err("it is out of reach");
            assert!(said.contains(words), "{said}");
            assert_eq!(fs::read(desk.path()).expect("it reads"), file);
        };
        check(KeyringError::Locked, "locked");
        check(KeyringError::Absent("no bus".into()), "no bus");
        check(KeyringError::Late, "did not answer");
        desk.keyring.set_trouble(None);
        assert_eq!(desk.read(), Ok(Some(key)));
        desk.keyring.clear();
        assert!(desk.read().expect_err("it has vanished").contains("no such item"));
        assert!(desk.path().exists());
    }

    #[test]
    fn a_file_of_the_first_version_stays_readable() {
        let desk = Desk::new();
        write_private(&desk.path(), &[7; 32]).expect("it is written");
        assert_eq!(desk.read(), Ok(Some([7; 32])));
        assert!(!desk.is_shared());
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_can_be_destroyed() {
        for bytes in [&[][..], &[2; 31], &[3; 33], &[2; 33], &[2; 48], &[2; 50], &[1; 49], &[2; 4000]] {
            let desk = Desk::new();
            write_private(&desk.path(), bytes).expect("it is written");
            assert!(desk.read().is_err(), "{} bytes", bytes.len());
            destroy(&desk.path()).expect("it is destroyed");
            let after = fs::read(desk.path()).expect("it reads");
            assert!(after.len() == bytes.len() && (bytes.is_empty() || after != bytes));
        }
    }

    #[test]
    fn a_destroyed_key_is_another_key_and_its_item_is_still_known() {
        for choice in [KeyringChoice::Auto, KeyringChoice::Off] {
            let desk = Desk::new();
            let key = desk.make(choice);
            let before = place(&desk.path()).expect("it reads");
            destroy(&desk.path()).expect("it is destroyed");
            assert_ne!(desk.read(), Ok(Some(key)));
            assert_eq!(place(&desk.path()).expect("it reads"), before);
        }
        destroy(&Desk::new().path()).expect("no file is fine");
    }
}
