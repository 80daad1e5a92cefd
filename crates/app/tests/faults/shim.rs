//! The layer between a process and its disk: built from `shim.c` once, and set up for one process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What is to happen to the process's files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// At which operation the process is killed.
    pub(crate) kill_at: Option<u64>,
    /// Which operation fails.
    pub(crate) fail: Option<Fail>,
    /// Which syncs count.
    pub(crate) sync: Sync,
}

/// An operation that fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fail {
    /// From which one on.
    pub(crate) at: u64,
    /// How many.
    pub(crate) count: u64,
    /// With which number of the C library.
    pub(crate) errno: i32,
    /// Letters: w for writes and truncations, s for syncs, n for making, renaming and removing files.
    pub(crate) kinds: &'static str,
}

/// Which syncs count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sync {
    /// All.
    #[default]
    Real,
    /// As with `synchronous=NORMAL`: the log is synced before a checkpoint, not at a commit.
    Lazy,
    /// None.
    Never,
}

/// A process's files and where their log is.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// The folder whose files are watched.
    pub(crate) folder: PathBuf,
    /// The log, on the same file system.
    pub(crate) log: PathBuf,
}

impl Layer {
    /// Watches a folder from now on: what is in it is durable.
    pub(crate) fn new(folder: &Path) -> Self {
        let folder = folder.canonicalize().expect("the folder is there");
        let name = format!("{}.undo", folder.file_name().expect("it has a name").to_string_lossy());
        let log = folder.with_file_name(name);
        drop(std::fs::remove_dir_all(&log));
        std::fs::create_dir(&log).expect("it can be made");
        Self { folder, log }
    }

    /// Puts the layer under a process.
    pub(crate) fn put_under(&self, command: &mut Command, faults: &Faults) {
        command.env("LD_PRELOAD", library()).env("FAULTS_FOLDER", &self.folder).env("FAULTS_LOG", &self.log);
        if let Some(at) = faults.kill_at {
            command.env("FAULTS_KILL_AT", at.to_string());
        }
        if let Some(fail) = faults.fail {
            command.env("FAULTS_FAIL", format!("{}:{}:{}:{}", fail.at, fail.count, fail.errno, fail.kinds));
        }
        match faults.sync {
            Sync::Real => {}
            Sync::Lazy => drop(command.env("FAULTS_SYNC", "lazy")),
            Sync::Never => drop(command.env("FAULTS_SYNC", "never")),
        }
    }

    /// Makes the disk full, or not.
    pub(crate) fn set_full(&self, is_full: bool) {
        let path = self.log.join("full");
        let done = if is_full { std::fs::write(path, "") } else { std::fs::remove_file(path) };
        done.expect("it can be set");
    }
}

/// The library, compiled by this process.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (built, library) =
            (folder.join(format!("shim-{}.so", std::process::id())), folder.join("faults-shim.so"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&built).arg(source);
        let output =
            cc.arg("-lpthread").output().expect("a C compiler is there (cargo xtask ci installs one)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Tests in other processes may be using the one that is there: a rename leaves it to them.
        std::fs::rename(built, &library).expect("it can be put in its place");
        library
    })
}
