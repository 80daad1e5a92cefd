//! Installs the tools that the other commands need, and only those that are missing.
//!
//! Debian packages come through `apt-get` (as root, or with a `sudo` that asks nothing), cargo tools
//! through `cargo install --locked`. A newcomer's machine with Rust is enough to begin with.

use std::process::Command;

use crate::failure::Failure;
use crate::shell;

/// Makes sure that the C compiler for the bundled `SQLite` and zstd is there.
pub(crate) fn compiler() -> Result<(), Failure> {
    let found = ["cc", "gcc", "clang"].iter().any(|name| runs(name));
    if found {
        return Ok(());
    }
    println!("no C compiler found (SQLite and zstd are compiled from source): installing gcc");
    apt_install(&["gcc", "libc6-dev"])
}

/// Makes sure that Node and npm are there, which build the page.
pub(crate) fn node() -> Result<(), Failure> {
    if runs("node") && runs("npm") {
        return Ok(());
    }
    println!("no Node found (the page is built with it): installing nodejs and npm");
    apt_install(&["nodejs", "npm"])
}

/// Makes sure that Debian's Chromium is there, which the page is looked at with.
pub(crate) fn chromium() -> Result<(), Failure> {
    if runs("chromium") {
        return Ok(());
    }
    println!("no Chromium found (the page is tried in it): installing chromium");
    apt_install(&["chromium"])
}

/// Makes sure that a subcommand of cargo is there, `nextest` for `cargo-nextest`.
pub(crate) fn cargo_tool(name: &str) -> Result<(), Failure> {
    if shell::succeeds(&mut shell::cargo(&[name, "--version"])) {
        return Ok(());
    }
    println!("cargo-{name} is missing: installing it (once)");
    shell::stream(&mut shell::cargo(&["install", "--locked", &format!("cargo-{name}")]))
}

/// Makes sure that a component of the toolchain is there, `fmt` for rustfmt.
pub(crate) fn component(subcommand: &str, component: &str) -> Result<(), Failure> {
    if shell::succeeds(&mut shell::cargo(&[subcommand, "--version"])) {
        return Ok(());
    }
    println!("{component} is missing: adding it to the toolchain");
    let added = shell::stream(Command::new("rustup").args(["component", "add", component]));
    added.map_err(|failure| {
        failure.hint(format!("run `rustup component add {component}`, or install your system's {component}"))
    })
}

fn runs(program: &str) -> bool {
    shell::succeeds(Command::new(program).arg("--version"))
}

fn apt_install(packages: &[&str]) -> Result<(), Failure> {
    let by_hand = format!("install {} with your system's package manager", packages.join(" and "));
    if !runs("apt-get") {
        return Err(Failure::new("there is no apt-get on this machine").hint(by_hand));
    }
    let installed = shell::stream(apt(&["update"])?.arg("-qq"))
        .and_then(|()| shell::stream(apt(&["install", "-y", "--no-install-recommends"])?.args(packages)));
    installed.map_err(|failure| failure.hint(by_hand))
}

fn apt(arguments: &[&str]) -> Result<Command, Failure> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if shell::succeeds(Command::new("sudo").args(["-n", "true"])) {
        let mut command = Command::new("sudo");
        command.args(["-n", "apt-get"]);
        command
    } else {
        return Err(Failure::new("installing Debian packages needs root, or a sudo that asks nothing"));
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

fn is_root() -> bool {
    shell::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
