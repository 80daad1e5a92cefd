//! A stage for real processes: a server in this process, and apps with a home each.
//!
//! Invariants: a free port for every server, a folder of its own for every test, nothing waits by the
//! clock: what must come is asked for again until it has come, or the runner's limit ends the test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use satchel_server::{Options, Running, serve};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const EMAIL: &str = "me@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A folder, and a server that can be stopped and started.
pub(crate) struct Stage {
    runtime: Runtime,
    server: Option<Running>,
    url: String,
    folder: TempDir,
}

impl Stage {
    /// A stage with a server that runs.
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut stage = Self { runtime, server: None, url: String::new(), folder };
        stage.start_server(Options::new(stage.folder.path().join("server")));
        stage.url = stage.server.as_ref().expect("it has been started").url();
        stage
    }

    fn start_server(&mut self, options: Options) {
        self.server = Some(self.runtime.block_on(serve(options)).expect("the server starts"));
    }

    /// Ends the server.
    pub(crate) fn stop(&mut self) {
        let server = self.server.take().expect("it runs");
        self.runtime.block_on(server.shutdown());
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        let address = self.url.trim_start_matches("http://").parse().expect("that is an address");
        let options = Options::new(self.folder.path().join("server"));
        self.start_server(Options { listen: address, ..options });
    }

    /// The server's URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A path in the stage's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in the stage's folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("it can be written");
        path.to_str().expect("it is UTF-8").to_owned()
    }

    /// An app that nobody is signed in to.
    pub(crate) fn app(&self, name: &str) -> App {
        App { home: self.path(name), url: self.url.clone(), agent: None }
    }

    /// An app of a new account.
    pub(crate) fn signed_up(&self, name: &str) -> App {
        let app = self.app(name);
        app.sign("signup", EMAIL, PASSWORD, &["--app-name", name]).done();
        app
    }

    /// One more app of the account.
    pub(crate) fn signed_in(&self, name: &str) -> App {
        let app = self.app(name);
        app.sign("signin", EMAIL, PASSWORD, &["--app-name", name]).done();
        app
    }
}

/// One app.
pub(crate) struct App {
    pub(crate) home: PathBuf,
    url: String,
    agent: Option<Child>,
}

impl App {
    /// An app whose server is at this URL.
    pub(crate) fn at(home: PathBuf, url: &str) -> Self {
        Self { home, url: url.to_owned(), agent: None }
    }

    /// A command of this app.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_satchel"));
        command
            .args(words)
            .env("SATCHEL_HOME", &self.home)
            .env("SATCHEL_KEYRING", "off")
            .env("NO_COLOR", "1")
            .env_remove("EDITOR");
        command.env_remove("VISUAL").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command, words split at spaces.
    pub(crate) fn run(&self, line: &str) -> Ended {
        self.words(&line.split(' ').collect::<Vec<_>>())
    }

    /// Runs a command.
    pub(crate) fn words<S: AsRef<OsStr>>(&self, words: &[S]) -> Ended {
        Ended(self.command(words).output().expect("it can be started"))
    }

    /// Runs a command with an input.
    pub(crate) fn with_input<S: AsRef<OsStr>>(&self, words: &[S], input: &str) -> Ended {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().expect("it can be started");
        let mut stdin = child.stdin.take().expect("it is piped");
        // A command that refuses its words does not read its input.
        drop(stdin.write_all(input.as_bytes()));
        drop(stdin);
        Ended(child.wait_with_output().expect("it can be waited for"))
    }

    /// Runs a command with `--json` that must end well.
    pub(crate) fn json(&self, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        self.words(&words).done().json()
    }

    /// Signs up or in.
    pub(crate) fn sign(&self, how: &str, email: &str, password: &str, more: &[&str]) -> Ended {
        let mut words = vec![how, "--server", &self.url, "--email", email, "--password-stdin"];
        words.extend(more);
        self.with_input(&words, &format!("{password}\n"))
    }

    /// Starts the agent and waits until it serves.
    pub(crate) fn start_agent(&mut self) {
        let mut child = self.command(&["agent"]).spawn().expect("it can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it can be read");
        assert_eq!(line, "agent ready\n");
        self.agent = Some(child);
    }

    /// Ends the agent.
    pub(crate) fn stop_agent(&mut self) {
        self.run("agent stop").done();
        let mut child = self.agent.take().expect("it runs");
        assert!(child.wait().expect("it can be waited for").success());
    }

    /// Kills the agent without a word.
    pub(crate) fn kill_agent(&mut self) {
        let mut child = self.agent.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
    }

    /// Whether a text is in any file of the home.
    pub(crate) fn home_holds(&self, text: &str) -> bool {
        let holds = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.expect("it can be listed").path();
            let name = path.to_string_lossy().contains(text);
            let bytes =
                if path.is_file() { std::fs::read(&path).expect("it can be read") } else { Vec::new() };
            name || bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        std::fs::read_dir(&self.home).expect("it is there").any(holds)
    }

    /// Asks again until the answer is as it should be.
    pub(crate) fn until(&self, line: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        loop {
            let answer = self.json(line);
            if is_right(&answer) {
                return answer;
            }
            std::thread::yield_now();
        }
    }

    /// Everything of the workspace in one text.
    pub(crate) fn export(&self) -> String {
        self.run("export --all --format dump").done().stdout()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(mut child) = self.agent.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A command that has ended.
pub(crate) struct Ended(Output);

impl Ended {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self(command.output().expect("it can be started"))
    }

    /// It must have ended well.
    pub(crate) fn done(self) -> Self {
        self.code(0)
    }

    /// It must have ended with this code.
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(expected), "{}{}", self.stdout(), self.stderr());
        self
    }

    /// Its failure must have these words, and no panic.
    pub(crate) fn says(self, expected: &[&str]) -> Self {
        let text = format!("{}{}", self.stdout(), self.stderr());
        for words in expected {
            assert!(text.contains(words), "`{words}` is not in:\n{text}");
        }
        assert!(!text.contains("panicked"), "{text}");
        self
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Its standard output, which is one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout(), self.stderr()))
    }
}

/// A small collection in Postman's format.
pub(crate) fn collection(name: &str, requests: usize) -> String {
    let item = |number: usize| {
        serde_json::json!({
            "name": format!("Request {number}"),
            "request": {
                "method": "GET",
                "header": [{"key": "Accept", "value": "application/json"}],
                "url": {"raw": format!("https://example.com/{number}"), "protocol": "https",
                        "host": ["example", "com"], "path": [number.to_string()]},
            },
            "response": [],
        })
    };
    let items: Vec<Value> = (1..=requests).map(item).collect();
    serde_json::json!({
        "info": {"_postman_id": "6f1bd0ea-0b8c-4f3a-9a53-6e6b6a6b6a6b", "name": name,
                 "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": items,
    })
    .to_string()
}
