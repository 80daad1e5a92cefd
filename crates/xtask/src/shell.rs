//! Running other programs: streamed, captured, echoed, and where the repository is.
//!
//! Invariant: no child ever reads our standard input, so nothing here can hang on a prompt in CI.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::failure::Failure;

/// The repository's root folder.
pub(crate) fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("the crate lies two folders below the root").to_owned()
}

/// The folder with what cargo builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A call of the cargo that runs this program, in the repository's root.
///
/// What `cargo run` told this program about itself is taken away: build scripts that look at it would
/// run again, and half the tree with them, each time between a call from here and one by hand.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_about_this_package(name)) {
        command.env_remove(name);
    }
    command
}

fn is_about_this_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Runs a command with its output streamed, and fails if it fails.
pub(crate) fn stream(command: &mut Command) -> Result<(), Failure> {
    flush();
    let shown = show(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::new(format!("could not start `{shown}`: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{shown}` ended with {status}"))) }
}

/// Runs a command and returns what it wrote, whatever its exit code.
pub(crate) fn capture(command: &mut Command, input: Option<&str>) -> Result<Output, Failure> {
    flush();
    let shown = show(command);
    let failed = |error: std::io::Error| Failure::new(format!("could not run `{shown}`: {error}"));
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child =
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // A child that fails before it reads closes the pipe; its own message says why.
        drop(pipe.write_all(input.as_bytes()));
    }
    child.wait_with_output().map_err(failed)
}

/// Runs a command and returns what it wrote to standard output; what it says on standard error is seen at once.
pub(crate) fn listen(command: &mut Command) -> Result<Output, Failure> {
    flush();
    let shown = show(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let output = child.and_then(std::process::Child::wait_with_output);
    output.map_err(|error| Failure::new(format!("could not run `{shown}`: {error}")))
}

/// What a command wrote to its standard output; fails with its error output if it fails.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let output = capture(command, None)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("`{}` ended with {}\n{}", show(command), output.status, errors.trim_end())))
}

/// Whether a command runs and ends well, its output thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The command line as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(quote).collect::<Vec<_>>().join(" ")
}

/// One word for a POSIX shell, quoted only where needed.
pub(crate) fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@,+%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A duration for people.
pub(crate) fn words_for(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// Puts our own lines before those of the next child.
fn flush() {
    drop(std::io::stdout().flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        let check = |word: &str, expected: &str| assert_eq!(quote(OsStr::new(word)), expected);
        check("--out", "--out");
        check("Twitter API v2", "'Twitter API v2'");
        check("it's", r"'it'\''s'");
        check("", "''");
    }

    #[test]
    fn a_cargo_is_not_told_of_this_package() {
        let check =
            |name: &str, expected| assert_eq!(is_about_this_package(OsStr::new(name)), expected, "{name}");
        check("CARGO_MANIFEST_DIR", true);
        check("CARGO_PKG_NAME", true);
        check("CARGO_HOME", false);
        check("CARGO_TARGET_DIR", false);
    }

    #[test]
    fn durations_read_well() {
        let check = |millis: u64, expected: &str| {
            assert_eq!(words_for(Duration::from_millis(millis)), expected);
        };
        check(31, "31 ms");
        check(2_500, "2.5 s");
        check(125_000, "2 min 5 s");
    }

    #[test]
    fn a_failing_program_is_a_failure_with_its_words() {
        let failure = read(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).expect_err("exit 3");
        assert!(failure.to_string().contains("broken"), "{failure}");
    }
}
