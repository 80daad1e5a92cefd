//! Which files a request may send.
//!
//! A collection comes from a teammate or a download, and names paths. Unless the caller opens more, only what lies
//! in the folder that belongs to the run is read: a request must not be able to send away somebody's keys.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// The folder that paths start from, and whether they may leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Where relative paths start; without it no file is sent.
    pub folder: Option<PathBuf>,
    /// Whether files outside of the folder may be sent.
    pub outside: bool,
}

impl Files {
    /// No files at all.
    pub fn none() -> Self {
        Self { folder: None, outside: false }
    }
}

/// Why a file is not sent.
#[derive(Debug)]
pub enum FileFault {
    /// No folder was given to read files from.
    NoFolder,
    /// The file lies outside of the folder, and that was not allowed.
    Outside,
    /// It is a folder or something else that is no file.
    NotAFile,
    /// It cannot be found or looked at.
    Io {
        /// Why.
        source: std::io::Error,
    },
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFolder => "no folder was given to read files from",
            Self::Outside => "the file lies outside of the folder that requests may read",
            Self::NotAFile => "it is no file",
            Self::Io { .. } => "looking at the file",
        })
    }
}

impl Error for FileFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source } => Some(source),
            _ => None,
        }
    }
}

impl Files {
    /// The file that a document's path means, links followed.
    pub(crate) fn resolve(&self, written: &str) -> Result<PathBuf, FileFault> {
        let folder = match (&self.folder, self.outside) {
            (Some(folder), _) => folder.clone(),
            (None, true) => PathBuf::from("."),
            (None, false) => return Err(FileFault::NoFolder),
        };
        let io = |source| FileFault::Io { source };
        let path = folder.join(Path::new(written));
        let real = path.canonicalize().map_err(io)?;
        if !self.outside && !real.starts_with(folder.canonicalize().map_err(io)?) {
            return Err(FileFault::Outside);
        }
        if real.metadata().map_err(io)?.is_file() {
            // Where the folder is a wall, the place that was looked at is the place that is read.
            Ok(if self.outside { path } else { real })
        } else {
            Err(FileFault::NotAFile)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FileFault, Files};

    #[test]
    fn a_path_cannot_leave_its_folder_unless_allowed() {
        let outer = tempfile::tempdir().expect("a folder");
        let folder = outer.path().join("in");
        std::fs::create_dir_all(folder.join("sub")).expect("a folder");
        std::fs::write(outer.path().join("secret"), "s").expect("a file");
        std::fs::write(folder.join("ok"), "o").expect("a file");
        #[cfg(unix)]
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).expect("a link");
        let files = Files { folder: Some(folder.clone()), outside: false };
        assert!(files.resolve("ok").is_ok() && files.resolve("sub/../ok").is_ok());
        let absolute = outer.path().join("secret");
        for written in ["../secret", "sub/../../secret", absolute.to_str().unwrap_or_default(), "link"] {
            assert!(matches!(files.resolve(written), Err(FileFault::Outside)), "{written}");
        }
        assert!(matches!(files.resolve("sub"), Err(FileFault::NotAFile)));
        assert!(matches!(files.resolve("nope"), Err(FileFault::Io { .. })));
        assert!(Files { outside: true, ..files }.resolve("../secret").is_ok());
        assert!(matches!(Files::none().resolve("ok"), Err(FileFault::NoFolder)));
    }
}
