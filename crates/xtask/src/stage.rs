//! A stage: a temporary folder with a real server and real apps, driven through their command lines.
//!
//! Why it exists: `run` shows the product and `bench` measures it, and both must use what a user uses:
//! release binaries, `SATCHEL_HOME`, exit codes and printed words. Each home is one app.
//!
//! Invariants: every program here gets its own process group, so that closing the terminal of the one
//! who watches does not end it; its output goes to a file, so that it outlives this process.

use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::Failure;
use crate::shell;

/// How long a server or an agent may take until it is ready.
const READY_TIME_MAX: Duration = Duration::from_secs(30);
/// How long it may take to end after it was asked to.
const END_TIME_MAX: Duration = Duration::from_secs(15);
/// How often files and states are looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(20);
/// What the server prints before its address.
const LISTENING: &str = "listening on ";
/// What the agent prints when it serves.
const AGENT_READY: &str = "agent ready";

/// Builds the two binaries in release.
pub(crate) fn build() -> Result<(), Failure> {
    let mut command = shell::cargo(&["build", "--release", "-p", "satchel-app", "-p", "satchel-server"]);
    println!("$ {}", shell::show(&command));
    shell::stream(&mut command)
}

/// A temporary folder, and what runs in it.
pub(crate) struct Stage {
    folder: PathBuf,
    binaries: PathBuf,
    processes: Vec<Process>,
    echo: bool,
}

/// One app: a home, and a name for people.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// Everything it keeps is below this folder.
    pub(crate) home: PathBuf,
    name: String,
}

struct Process {
    child: Child,
    log: PathBuf,
}

impl Stage {
    /// Makes the folder. With `echo` every command is shown with what it printed, like a terminal.
    pub(crate) fn new(purpose: &str, echo: bool) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("satchel-{purpose}-{}", random_word(6)?));
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| Failure::new(format!("making {}: {error}", folder.display())))?;
        Ok(Self { folder, binaries: shell::target().join("release"), processes: Vec::new(), echo })
    }

    /// A stage for tests, with the stand-ins of `crates/xtask/fixtures` for binaries.
    #[cfg(test)]
    pub(crate) fn with_stand_ins() -> Self {
        let stage = Self::new("test", false).expect("the temporary folder can be made");
        Self { binaries: shell::root().join("crates/xtask/fixtures"), ..stage }
    }

    /// The temporary folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The `satchel` binary as a person in the repository's root would write it.
    pub(crate) fn satchel(&self) -> PathBuf {
        let path = self.binaries.join("satchel");
        path.strip_prefix(shell::root()).map(Path::to_owned).unwrap_or(path)
    }

    /// An app with its home in the folder; nothing is made before its first command.
    pub(crate) fn app(&self, name: &str) -> App {
        App { home: self.folder.join(name), name: name.to_owned() }
    }

    /// Starts a server on a free port of loopback and returns its address and its process.
    pub(crate) fn start_server(&mut self, name: &str, options: &[&str]) -> Result<(String, u32), Failure> {
        let mut command = Command::new(self.binaries.join("satchel-server"));
        command.arg("--data").arg(self.folder.join(name)).args(["--listen", "127.0.0.1:0"]).args(options);
        let line = self.start(name, &mut command, "", LISTENING)?;
        let address = line.split(LISTENING).nth(1).unwrap_or_default().trim().to_owned();
        let id = self.processes.last().map_or(0, |process| process.child.id());
        Ok((address, id))
    }

    /// Starts an app's agent and waits until it serves.
    pub(crate) fn start_agent(&mut self, app: &App) -> Result<(), Failure> {
        let mut command = self.command(app, &["agent"]);
        let name = format!("agent-{}", app.name);
        self.start(&name, &mut command, &setting(app), AGENT_READY).map(drop)
    }

    /// Starts an app with its agent and its page, and returns the page's address, which works once.
    pub(crate) fn start_page(&mut self, app: &App) -> Result<String, Failure> {
        let mut command = self.command(app, &["app", "--no-open"]);
        let name = format!("app-{}", app.name);
        self.start(&name, &mut command, &setting(app), AGENT_READY)?;
        let log = self.folder.join(format!("{name}.log"));
        let text = fs::read_to_string(&log).unwrap_or_default();
        let address = text.lines().map(str::trim).find(|line| line.starts_with("http://127.0.0.1:"));
        address
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(format!("{} has no address of a page", log.display())))
    }

    /// Runs a command of an app; it must end well. Returns what it wrote to its standard output.
    pub(crate) fn run(&self, app: &App, arguments: &[&str], input: Option<&str>) -> Result<String, Failure> {
        let mut command = self.command(app, arguments);
        if self.echo {
            let piped = input.map(|text| format!("echo {} | ", shell::quote(text.trim_end().as_ref())));
            println!("\n$ {}{}{}", piped.unwrap_or_default(), setting(app), shell::show(&command));
        }
        let output = shell::capture(&mut command, input)?;
        if self.echo {
            print!("{}", excerpt(&both(&output), 16));
        }
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let shown = format!("{}{}", setting(app), shell::show(&command));
        let words = if self.echo { String::new() } else { format!("\n{}", both(&output).trim_end()) };
        Err(Failure::new(format!("`{shown}` ended with {}{words}", output.status)))
    }

    /// Runs a command of an app with `--json`, without showing it.
    pub(crate) fn json(&self, app: &App, arguments: &[&str]) -> Result<Value, Failure> {
        let mut command = self.command(app, arguments);
        let text = shell::read(command.arg("--json"))?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("`{}` printed no JSON: {error}", shell::show(&command))))
    }

    /// The command that ends everything, for a person.
    pub(crate) fn stop_command(&self) -> String {
        let ids: Vec<String> =
            self.processes.iter().rev().map(|process| process.child.id().to_string()).collect();
        format!("kill {} && rm -r {}", ids.join(" "), shell::quote(self.folder.as_os_str()))
    }

    /// Ends everything, the newest first: asks, waits, and kills what does not end.
    pub(crate) fn stop(&mut self) {
        while let Some(process) = self.processes.pop() {
            end(process.child);
        }
    }

    /// Ends everything and deletes the folder.
    pub(crate) fn strike(mut self) -> Result<(), Failure> {
        self.stop();
        fs::remove_dir_all(&self.folder)
            .map_err(|error| Failure::new(format!("deleting {}: {error}", self.folder.display())))
    }

    /// The last lines of every log, for a failure.
    pub(crate) fn logs(&self) -> String {
        let mut ends = Vec::new();
        for process in &self.processes {
            let log = fs::read_to_string(&process.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(20)..];
            ends.push(format!("--- the end of {}\n{}\n", process.log.display(), last.join("\n")));
        }
        ends.concat()
    }

    fn command(&self, app: &App, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join("satchel"));
        command
            .args(arguments)
            .env("SATCHEL_HOME", &app.home)
            .env("SATCHEL_KEYRING", "off")
            .env("NO_COLOR", "1")
            .current_dir(shell::root());
        command
    }

    /// Starts a program in the background and returns the line of its log that has `mark` in it.
    fn start(
        &mut self,
        name: &str,
        command: &mut Command,
        before: &str,
        mark: &str,
    ) -> Result<String, Failure> {
        let log = self.folder.join(format!("{name}.log"));
        let shown = shell::show(command);
        if self.echo {
            println!("\n$ {before}{shown} >{} 2>&1 &", shell::quote(log.as_os_str()));
        }
        let failed = |error: std::io::Error| Failure::new(format!("could not start `{shown}`: {error}"));
        let out = File::create(&log).map_err(failed)?;
        let errors = out.try_clone().map_err(failed)?;
        command.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0);
        let child = command.spawn().map_err(failed)?;
        self.processes.push(Process { child, log: log.clone() });
        let line = self.wait_for_line(&shown, &log, mark)?;
        if self.echo {
            println!("{line}");
        }
        Ok(line)
    }

    /// Waits until the newest process has written a whole line with `mark` in it.
    fn wait_for_line(&mut self, shown: &str, log: &Path, mark: &str) -> Result<String, Failure> {
        let begun = Instant::now();
        loop {
            let text = fs::read_to_string(log).unwrap_or_default();
            let mut whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(line) = whole.find(|line| line.contains(mark)) {
                return Ok(line.trim_end().to_owned());
            }
            let ended = self.processes.last_mut().and_then(|process| process.child.try_wait().ok().flatten());
            if let Some(status) = ended {
                return Err(Failure::new(format!("`{shown}` ended with {status}\n{}", text.trim_end())));
            }
            if begun.elapsed() > READY_TIME_MAX {
                let what =
                    format!("`{shown}` did not print `{mark}` within {}", shell::words_for(READY_TIME_MAX));
                return Err(Failure::new(format!("{what}\n{}", text.trim_end())));
            }
            thread::sleep(LOOK_PERIOD);
        }
    }
}

/// Looks again and again until `look` finds something, and tells how long that took.
pub(crate) fn wait_until<T>(
    time_max: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>, Failure>,
) -> Result<(T, Duration), Failure> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok((found, begun.elapsed()));
        }
        if begun.elapsed() > time_max {
            return Err(Failure::new(format!("{what} did not happen within {}", shell::words_for(time_max))));
        }
        thread::sleep(LOOK_PERIOD);
    }
}

/// The first object in a document, at any depth, whose field is this text.
pub(crate) fn find_object<'a>(document: &'a Value, field: &str, text: &str) -> Option<&'a Value> {
    if document.get(field).and_then(Value::as_str) == Some(text) {
        return Some(document);
    }
    match document {
        Value::Array(elements) => elements.iter().find_map(|element| find_object(element, field, text)),
        Value::Object(fields) => fields.values().find_map(|value| find_object(value, field, text)),
        _ => None,
    }
}

/// A random word of `2 * bytes` hexadecimal digits.
pub(crate) fn random_word(bytes: usize) -> Result<String, Failure> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|error| Failure::new(format!("reading random bytes: {error}")))?;
    let digits: Vec<String> = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digits.concat())
}

/// The first lines of a text, and how many more there were.
pub(crate) fn excerpt(text: &str, lines_max: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut shown: Vec<String> = lines.iter().take(lines_max).map(|line| format!("{line}\n")).collect();
    if lines.len() > lines_max {
        shown.push(format!("… {} more lines\n", lines.len() - lines_max));
    }
    shown.concat()
}

fn setting(app: &App) -> String {
    format!("SATCHEL_HOME={} ", shell::quote(app.home.as_os_str()))
}

fn both(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{errors}{out}")
}

fn end(mut child: Child) {
    let asked = shell::succeeds(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    let begun = Instant::now();
    while asked && begun.elapsed() < END_TIME_MAX {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(LOOK_PERIOD);
    }
    // It ended by itself, or must be made to; either way nothing is left to do about an error.
    drop(child.kill());
    drop(child.wait());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_found_at_any_depth() {
        let document =
            json!({"reply": "items", "items": [{"kind": "folder"}, {"kind": "request", "path": "a/b"}]});
        let found = find_object(&document, "kind", "request").expect("there is one");
        assert_eq!(found["path"], "a/b");
        assert_eq!(find_object(&document, "kind", "globals"), None);
    }

    #[test]
    fn an_excerpt_says_what_it_left_out() {
        assert_eq!(excerpt("a\nb\nc", 2), "a\nb\n… 1 more lines\n");
        assert_eq!(excerpt("a\nb", 2), "a\nb\n");
    }

    #[test]
    fn waiting_ends_without_the_thing() {
        let failure = wait_until(Duration::ZERO, "the edit", || Ok(None::<()>)).expect_err("it never comes");
        assert!(failure.to_string().contains("the edit did not happen"), "{failure}");
    }

    #[test]
    fn random_words_have_their_length_and_differ() {
        let word = random_word(8).expect("this machine has random bytes");
        assert_eq!(word.len(), 16);
        assert_ne!(word, random_word(8).expect("this machine has random bytes"));
    }

    #[test]
    fn a_program_that_ends_before_it_is_ready_is_a_failure_with_its_words() {
        let mut stage = Stage::new("test", false).expect("the temporary folder can be made");
        let mut command = Command::new("sh");
        let failure = stage.start("sh", command.args(["-c", "echo port in use; exit 1"]), "", LISTENING);
        assert!(failure.expect_err("it ended").to_string().contains("port in use"));
        stage.strike().expect("the folder can be deleted");
    }

    #[test]
    fn a_command_that_fails_is_a_failure_with_its_words_and_its_code() {
        let stage = Stage::with_stand_ins();
        let failure = stage.run(&stage.app("a"), &["broken"], None).expect_err("it exits with 3").to_string();
        assert!(failure.contains("the home is locked") && failure.contains("exit status: 3"), "{failure}");
        stage.strike().expect("the folder can be deleted");
    }

    #[test]
    fn a_started_program_tells_its_line_and_is_ended() {
        let mut stage = Stage::with_stand_ins();
        let (address, id) = stage.start_server("server", &[]).expect("it is ready");
        assert_eq!(address, "http://127.0.0.1:1");
        stage.strike().expect("the folder can be deleted");
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
