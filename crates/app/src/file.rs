//! Files that the command line writes: whole or not at all, and private where they hold secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Whether others may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Only this user.
    Private,
    /// What the umask says.
    Usual,
}

/// Writes a file beside its place, makes it durable, and moves it there.
pub(crate) fn write(path: &Path, bytes: &[u8], privacy: Privacy) -> Result<(), Failure> {
    let written =
        if is_special(path) { write_through(path, bytes) } else { write_whole(path, bytes, privacy) };
    written.map_err(|error| Failure::file(format!("writing {}", path.display()), error.to_string()))
}

/// A device or a pipe is written to, not replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(bytes)
}

fn write_whole(path: &Path, bytes: &[u8], privacy: Privacy) -> io::Result<()> {
    // A link keeps pointing where it points.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let beside = beside(&path)?;
    let moved = fill(&beside, bytes, privacy).and_then(|()| fs::rename(&beside, &path));
    if moved.is_err() {
        drop(fs::remove_file(&beside));
    }
    moved?;
    sync_folder(&path)
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let short: String = name.chars().take(40).collect();
    Ok(path.with_file_name(format!(".{short}.{}.part", std::process::id())))
}

fn fill(path: &Path, bytes: &[u8], privacy: Privacy) -> io::Result<()> {
    let mode = if privacy == Privacy::Private { 0o600 } else { 0o666 };
    drop(fs::remove_file(path));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A private file for a short while, deleted with this unless it is kept.
pub(crate) struct Draft {
    path: PathBuf,
    is_kept: bool,
}

impl Draft {
    /// Makes the file, in memory where the machine has such a place.
    pub(crate) fn new(text: &str) -> io::Result<Self> {
        let folder = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        let folder = folder.unwrap_or_else(std::env::temp_dir);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 0..100 {
            let path = folder.join(format!("satchel-edit-{}-{number}.json", std::process::id()));
            let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            match opened {
                Ok(mut file) => {
                    let draft = Self { path, is_kept: false };
                    file.write_all(text.as_bytes())?;
                    return Ok(draft);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it there: the only copy of someone's work is not deleted.
    pub(crate) fn keep(&mut self) -> &Path {
        self.is_kept = true;
        &self.path
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_private_file_is_private_even_where_a_public_one_was() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.json");
        write(&path, b"1", Privacy::Usual).expect("it can be written");
        write(&path, b"2", Privacy::Private).expect("it can be written");
        assert_eq!((fs::read(&path).expect("it is there"), mode(&path)), (b"2".to_vec(), 0o600));
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_failed_write_says_where() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let failure = write(&folder.path().join("no/a.json"), b"1", Privacy::Usual).expect_err("no folder");
        assert!(failure.what.contains("a.json"), "{}", failure.what);
        assert!(write(folder.path(), b"1", Privacy::Usual).is_err());
    }

    #[test]
    fn a_draft_is_private_and_goes_with_its_owner() {
        let mut draft = Draft::new("{}").expect("it can be made");
        let path = draft.path().to_owned();
        assert_eq!(mode(&path), 0o600);
        draft.keep();
        drop(draft);
        assert!(path.exists());
        fs::remove_file(&path).expect("it can be deleted");
        let draft = Draft::new("{}").expect("it can be made");
        let path = draft.path().to_owned();
        drop(draft);
        assert!(!path.exists());
    }
}
