//! The local data keys: each store's key lies in a file of its own that only this user may read.
//!
//! Destroying the file destroys everything that the store holds. Knows nothing of what is sealed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rand_core::{OsRng, RngCore};
use satchel_crypto::LocalKey;
use zeroize::Zeroizing;

use crate::home::write_private;

/// The key in a file; none if there is no file.
pub(crate) fn read(path: &Path) -> io::Result<Option<LocalKey>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let secret: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the local key is not 32 bytes"))?;
    Ok(Some(LocalKey::from_secret(secret)))
}

/// Makes a key and keeps it durably in a file.
pub(crate) fn make(path: &Path) -> io::Result<LocalKey> {
    let key = LocalKey::make(&mut OsRng);
    write_private(path, key.expose_secret())?;
    Ok(key)
}

/// Overwrites a key in place, durably; no file is fine.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut noise = [0; 32];
    OsRng.fill_bytes(&mut noise);
    file.write_all(&noise)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destroyed_key_is_another_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("key");
        assert!(read(&path).expect("it reads").is_none());
        let key = make(&path).expect("it is made");
        let read_back = read(&path).expect("it reads").expect("it is there");
        assert_eq!(key.expose_secret(), read_back.expose_secret());
        destroy(&path).expect("it is destroyed");
        let after = read(&path).expect("it reads").expect("noise of the same length");
        assert_ne!(key.expose_secret(), after.expose_secret());
        destroy(&folder.path().join("none")).expect("no file is fine");
    }
}
