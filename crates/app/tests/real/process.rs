//! The server as a process of its own, which can be killed, with its log kept.
//!
//! The binary of another crate has no `CARGO_BIN_EXE`; it lies beside this crate's. A run of the whole
//! workspace has built it, a run of this crate alone builds it here.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A server with its data and log in one folder.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    address: String,
}

impl Server {
    /// Starts one at any free port.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_at(folder, "127.0.0.1:0")
    }

    fn start_at(folder: &Path, listen: &str) -> Self {
        std::fs::create_dir_all(folder).expect("it can be made");
        let log = File::options().create(true).append(true).open(folder.join("log")).expect("it can be made");
        let mut child = Command::new(binary())
            .arg("--data")
            .arg(folder.join("data"))
            .args(["--listen", listen])
            .env("SATCHEL_SERVER_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("it can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it can be read");
        let address = line.trim_end().strip_prefix("listening on http://").map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("it printed {line:?}"));
        Self { child, folder: folder.to_owned(), address }
    }

    /// Kills it (SIGKILL), and starts it again with the same data at the same port.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        *self = Self::start_at(&self.folder, &self.address);
    }

    fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let path = Path::new(env!("CARGO_BIN_EXE_satchel")).with_file_name("satchel-server");
        if !path.exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "-p", "satchel-server", "--bin", "satchel-server"]);
            assert!(build.status().expect("cargo can be started").success());
        }
        path
    })
}

/// Every file below a folder, with its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).expect("it can be read");
            found.push((path, bytes));
        }
    }
    found
}

/// Whether these bytes are in those.
pub(crate) fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
