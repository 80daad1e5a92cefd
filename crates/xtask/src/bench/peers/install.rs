//! The programs of a comparison: ours built in release, the peers from their registries.
//!
//! Everything of the peers lies below `target/bench`: the packages by their lock file, without running
//! their install scripts, and atuin's server, which is built once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{ATUIN, SATCHEL, release};
use crate::failure::Failure;
use crate::shell;

const ATUIN_VERSION: &str = "18.24.4";
/// What a comparison needs of `bench/peers`.
const FILES: &[&str] = &["package.json", "package-lock.json", ".npmrc"];

/// Where everything is.
pub(super) struct Programs {
    peers: PathBuf,
    atuin: Option<PathBuf>,
    /// What was compared, in words.
    pub(super) versions: Vec<String>,
}

/// Builds and installs what is missing.
pub(super) fn programs(folder: &Path) -> Result<Programs, Failure> {
    let words = ["build", "--release", "-p", "satchel-client", "--example", "versus"];
    println!("$ cargo {}", words.join(" "));
    shell::stream(&mut shell::cargo(&words))?;
    let peers = folder.join("peers");
    packages(&peers)?;
    let atuin = atuin(folder).inspect_err(|failure| eprintln!("going on without {ATUIN}: {failure}")).ok();
    let mut versions = read_versions(&peers.join("package.json"))?;
    if atuin.is_some() {
        versions.push(format!("{ATUIN} {ATUIN_VERSION}"));
    }
    Ok(Programs { peers, atuin, versions })
}

impl Programs {
    /// The command that drives a system through a scene.
    pub(super) fn driver(&self, system: &str, scene: &str) -> Result<Command, Failure> {
        if system == SATCHEL {
            let mut command = release("examples/versus");
            command.arg(scene).arg("--server").arg(shell::target().join("release/satchel-server"));
            return Ok(command);
        }
        let mut command = Command::new("node");
        command.arg(self.peers.join("src/drive.mjs")).args([system, scene]);
        if system == ATUIN {
            let program = self.atuin.as_ref().ok_or_else(|| Failure::new("it could not be installed"))?;
            command.arg("--program").arg(program);
        }
        Ok(command)
    }
}

/// Copies the scripts and installs their packages, unless that was done for this lock file.
fn packages(to: &Path) -> Result<(), Failure> {
    let from = shell::root().join("bench/peers");
    let failed = |error: std::io::Error| Failure::new(format!("copying to {}: {error}", to.display()));
    let same = fs::read(from.join(FILES[1])).ok() == fs::read(to.join(FILES[1])).ok();
    let installed = same && to.join("node_modules").is_dir();
    copy_folder(&from.join("src"), &to.join("src")).map_err(failed)?;
    if installed {
        return Ok(());
    }
    if !shell::succeeds(Command::new("npm").arg("--version")) {
        return Err(Failure::new("the peers need Node.js with npm").hint("install nodejs and npm"));
    }
    for file in FILES {
        fs::copy(from.join(file), to.join(file)).map_err(failed)?;
    }
    println!("installing the peers' packages (once)");
    shell::stream(
        Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(to),
    )
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn atuin(folder: &Path) -> Result<PathBuf, Failure> {
    let root = folder.join("atuin");
    let program = root.join("bin/atuin-server");
    if program.is_file() {
        return Ok(program);
    }
    println!("building atuin-server (once; several minutes)");
    let mut command =
        shell::cargo(&["install", "--locked", "atuin-server", "--version", ATUIN_VERSION, "--root"]);
    command.arg(&root).arg("--target-dir").arg(folder.join("atuin-target"));
    shell::stream(&mut command)?;
    Ok(program)
}

fn read_versions(manifest: &Path) -> Result<Vec<String>, Failure> {
    let failed = |why: String| Failure::new(format!("reading {}: {why}", manifest.display()));
    let text = fs::read_to_string(manifest).map_err(|error| failed(error.to_string()))?;
    let document: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    let dependencies = document["dependencies"].as_object().into_iter().flatten();
    Ok(dependencies.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?"))).collect())
}
