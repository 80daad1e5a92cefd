//! One history's world: a folder, a server process, and apps with their agents.
//!
//! Invariants: a free port of the system's choice, kept over the server's restarts so that apps find it
//! again; every process is killed when its world ends; everything that a process said on standard error
//! is kept and must have no panic in it.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::acks::{Acked, Acks, Shown};
use crate::seed::Seed;
use crate::shim::{Faults, Layer};

const EMAIL: &str = "me@example.com";
const PASSWORD: &str = "correct horse battery staple";
const ITEMS: u64 = 6;

/// A layer under a process, and what it does.
pub(crate) type Under<'a> = Option<(&'a Layer, &'a Faults)>;

/// A folder and a server in it.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) server: Server,
}

impl World {
    /// A world with a server that runs.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self::with_server(folder, None)
    }

    /// The same with TLS, as on any line that may alter what it carries.
    pub(crate) fn with_tls() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("it is made");
        let tls = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        std::fs::write(&tls.certificate, made.cert.pem()).expect("it is written");
        std::fs::write(&tls.key, made.signing_key.serialize_pem()).expect("it is written");
        Self::with_server(folder, Some(tls))
    }

    fn with_server(folder: TempDir, tls: Option<Tls>) -> Self {
        let (data, words) = (folder.path().join("server"), folder.path().join("server.err"));
        let mut server = Server { data, port: 0, tls, child: None, words };
        server.start(None);
        Self { folder, server }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An app at a home.
    pub(crate) fn app(&self, name: &str) -> App {
        let words = self.path(&format!("{name}.err"));
        let trusted = self.server.tls.as_ref().map(|tls| tls.certificate.clone());
        App { home: self.path(name), name: name.to_owned(), words, trusted, agent: None, kills: 0 }
    }

    /// The first app of the account, with a collection of [`ITEMS`] requests in it.
    pub(crate) fn signed_up(&self, name: &str, acks: &mut Acks) -> App {
        let app = self.app(name);
        app.sign("signup", &self.server.url());
        app.must(&["new", "collection", "Shop"]);
        for number in 0..ITEMS {
            app.make(&format!("R{number} of {name}"), acks);
        }
        app.must(&["sync"]);
        app
    }

    /// One more app of the account, in sync.
    pub(crate) fn signed_in(&self, name: &str) -> App {
        let app = self.app(name);
        app.sign("signin", &self.server.url());
        app.must(&["sync"]);
        app
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.kill();
        if std::thread::panicking() {
            let kept = self.folder.path().to_owned();
            self.folder.disable_cleanup(true);
            println!("the files of this history are kept in {}", kept.display());
        } else {
            check_words(self.folder.path());
        }
    }
}

/// Nobody panicked.
fn check_words(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("it lists") {
        let path = entry.expect("it lists").path();
        if path.extension() == Some(OsStr::new("err")) {
            let words = String::from_utf8_lossy(&std::fs::read(&path).expect("it reads")).into_owned();
            assert!(!words.contains("panicked"), "{}:\n{words}", path.display());
        }
    }
}

fn append_to(path: &Path) -> Stdio {
    OpenOptions::new().create(true).append(true).open(path).expect("it can be opened").into()
}

/// A server's certificate, and its key.
struct Tls {
    certificate: PathBuf,
    key: PathBuf,
}

/// The server's process.
pub(crate) struct Server {
    pub(crate) data: PathBuf,
    port: u16,
    tls: Option<Tls>,
    child: Option<Child>,
    words: PathBuf,
}

impl Server {
    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// Its URL behind a proxy at another local port.
    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("{}://127.0.0.1:{port}", if self.tls.is_some() { "https" } else { "http" })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and waits until it serves.
    pub(crate) fn start(&mut self, under: Under<'_>) {
        assert!(self.try_start(under), "the server does not start:\n{}", self.words());
    }

    /// Starts it; tells whether it serves or has ended.
    pub(crate) fn try_start(&mut self, under: Under<'_>) -> bool {
        let mut command = Command::new(server_binary());
        command.arg("--data").arg(&self.data).args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command
            .args(["--max-apps", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(append_to(&self.words));
        if let Some(tls) = &self.tls {
            command.arg("--tls-cert").arg(&tls.certificate).arg("--tls-key").arg(&tls.key);
        }
        if let Some((layer, faults)) = under {
            layer.put_under(&mut command, faults);
        }
        let mut child = command.spawn().expect("it can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it can be read");
        self.child = Some(child);
        match line.trim_end().rsplit(':').next().and_then(|port| port.parse().ok()) {
            Some(port) => self.port = port,
            None => self.wait(),
        }
        self.child.is_some()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("it can be asked").is_none())
    }

    /// Kills it; tells whether it was running.
    pub(crate) fn kill(&mut self) -> bool {
        let was_running = self.is_running();
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            child.wait().expect("it can be waited for");
        }
        was_running
    }

    /// Ends it as a service is ended.
    pub(crate) fn stop(&mut self) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.is_ok_and(|status| status.success()), "the server cannot be told to end");
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("it can be waited for");
        }
    }

    /// What it said so far.
    pub(crate) fn words(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.words).unwrap_or_default()).into_owned()
    }
}

/// The server's binary, beside the app's: built by cargo together with it, or now.
fn server_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_satchel")).with_file_name("satchel-server");
        if !binary.exists() {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            let built = cargo.args(["build", "-p", "satchel-server", "--bin", "satchel-server"]).status();
            assert!(built.is_ok_and(|status| status.success()), "satchel-server cannot be built");
        }
        binary
    })
}

/// One app.
pub(crate) struct App {
    pub(crate) home: PathBuf,
    name: String,
    words: PathBuf,
    /// The certificate of its world's server.
    trusted: Option<PathBuf>,
    agent: Option<Child>,
    /// How often its agent was killed while it ran.
    pub(crate) kills: u64,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; none if it was killed.
    pub(crate) code: Option<i32>,
    /// What it said on standard output.
    pub(crate) stdout: String,
    /// What it said on standard error.
    pub(crate) stderr: String,
}

fn ended(output: &Output) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

impl Ended {
    pub(crate) fn is_well(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or(Value::Null)
    }

    /// The kind of the failure.
    pub(crate) fn kind(&self) -> String {
        self.json()["error"]["kind"].as_str().unwrap_or_default().to_owned()
    }
}

impl App {
    fn command<S: AsRef<OsStr>>(&self, words: &[S], under: Under<'_>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_satchel"));
        command.args(words).env("SATCHEL_HOME", &self.home).env("NO_COLOR", "1");
        command.env("SATCHEL_KEYRING", "off");
        command.envs(self.trusted.as_ref().map(|trusted| ("SATCHEL_CA_FILE", trusted)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((layer, faults)) = under {
            layer.put_under(&mut command, faults);
        }
        command
    }

    /// Runs a command; nobody may panic.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Ended {
        self.run_under(words, None)
    }

    /// Runs a command over a layer.
    pub(crate) fn run_under<S: AsRef<OsStr>>(&self, words: &[S], under: Under<'_>) -> Ended {
        let output = self.command(words, under).output().expect("it can be started");
        let ended = ended(&output);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }

    /// Runs a command that is ended after some seconds; none if it was.
    pub(crate) fn run_within<S: AsRef<OsStr>>(&self, seconds: u64, words: &[S]) -> Option<Ended> {
        const ENDED_BY_TIMEOUT: i32 = 124;
        let command = self.command(words, None);
        let mut limited = Command::new("timeout");
        limited.arg(seconds.to_string()).arg(command.get_program()).args(command.get_args());
        limited
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null());
        let ended = ended(&limited.output().expect("it can be started"));
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        (ended.code != Some(ENDED_BY_TIMEOUT)).then_some(ended)
    }

    /// Runs a command that must end well.
    pub(crate) fn must<S: AsRef<OsStr>>(&self, words: &[S]) -> Ended {
        let ended = self.run(words);
        let line: Vec<_> = words.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        assert!(ended.is_well(), "{} of {}: {ended:?}", line.join(" "), self.name);
        ended
    }

    /// Signs up or in.
    pub(crate) fn sign(&self, how: &str, url: &str) {
        let ended = self.try_sign(how, url);
        assert!(ended.is_well(), "{how}: {ended:?}");
    }

    /// Signs up or in, well or not.
    pub(crate) fn try_sign(&self, how: &str, url: &str) -> Ended {
        let words =
            [how, "--json", "--server", url, "--email", EMAIL, "--app-name", &self.name, "--password-stdin"];
        let mut child = self.command(&words, None).stdin(Stdio::piped()).spawn().expect("it can be started");
        let mut stdin = child.stdin.take().expect("it is piped");
        // One that refuses before it reads closes the pipe; its own words say why.
        drop(stdin.write_all(PASSWORD.as_bytes()));
        drop(stdin);
        let output = child.wait_with_output().expect("it can be waited for");
        ended(&output)
    }

    /// Starts the agent, and waits until it serves.
    pub(crate) fn start_agent(&mut self, under: Under<'_>) {
        assert!(self.try_start_agent(under), "the agent of {} does not start: {}", self.name, self.words());
    }

    /// Starts the agent; tells whether it serves or has ended.
    pub(crate) fn try_start_agent(&mut self, under: Under<'_>) -> bool {
        let mut command = self.command(&["agent"], under);
        let mut child = command.stderr(append_to(&self.words)).spawn().expect("it can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it can be read");
        let serves = line == "agent ready\n";
        if serves {
            self.agent = Some(child);
        } else {
            child.wait().expect("it can be waited for");
        }
        serves
    }

    /// Whether the agent has not ended.
    pub(crate) fn agent_runs(&mut self) -> bool {
        self.agent.as_mut().is_some_and(|child| child.try_wait().expect("it can be asked").is_none())
    }

    /// Kills the agent, if it runs.
    pub(crate) fn kill_agent(&mut self) {
        self.kills += u64::from(self.agent_runs());
        if let Some(mut child) = self.agent.take() {
            drop(child.kill());
            child.wait().expect("it can be waited for");
        }
    }

    /// Ends the agent as its user does.
    pub(crate) fn stop_agent(&mut self) {
        self.must(&["agent", "stop"]);
        let ended = self.agent.take().expect("it runs").wait();
        assert!(ended.is_ok_and(|status| status.success()), "{}", self.words());
    }

    fn words(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.words).unwrap_or_default()).into_owned()
    }

    /// Makes an item with a value and writes down what is acknowledged.
    pub(crate) fn make(&self, item: &str, acks: &mut Acks) -> Ended {
        let path = format!("Shop/{item}");
        self.note(item, &["new", "request", &path], None, acks)
    }

    /// Makes an edit of the seed's choice and writes down what is acknowledged.
    pub(crate) fn edit(&self, seed: &mut Seed, acks: &mut Acks) -> Ended {
        self.edit_under(seed, None, acks)
    }

    /// The same without waiting for the server.
    pub(crate) fn edit_soon(&self, seed: &mut Seed, acks: &mut Acks) -> Ended {
        self.choose(seed, &["--no-wait"], None, acks)
    }

    /// The same over a layer.
    pub(crate) fn edit_under(&self, seed: &mut Seed, under: Under<'_>, acks: &mut Acks) -> Ended {
        self.choose(seed, &[], under, acks)
    }

    fn choose(&self, seed: &mut Seed, options: &[&str], under: Under<'_>, acks: &mut Acks) -> Ended {
        let (word, item) = if seed.one_in(4) {
            (["new", "request"].as_slice(), format!("N{}", acks.next()))
        } else {
            (["set"].as_slice(), format!("R{} of {}", seed.below(ITEMS), self.name))
        };
        let path = format!("Shop/{item}");
        let words: Vec<&str> = word.iter().chain(&[path.as_str()]).chain(options).copied().collect();
        self.note(&item, &words, under, acks)
    }

    fn note(&self, item: &str, words: &[&str], under: Under<'_>, acks: &mut Acks) -> Ended {
        let edit = acks.next();
        acks.issue(item, edit);
        let value = format!("description=e{edit}");
        let words: Vec<&str> = words.iter().copied().chain([value.as_str(), "--json"]).collect();
        let ended = self.run_under(&words, under);
        if ended.is_well() {
            match ended.json()["acknowledged"].as_str() {
                Some("server") => acks.acknowledge(item, edit, Acked::Server),
                Some("local") => acks.acknowledge(item, edit, Acked::Local),
                other => panic!("a change was made and is acknowledged by {other:?}: {ended:?}"),
            }
        }
        ended
    }

    /// What the app shows, or how that failed.
    pub(crate) fn try_show(&self) -> Result<Shown, Ended> {
        let ended = self.run(&["export", "--all", "--format", "dump", "--json"]);
        if !ended.is_well() {
            return Err(ended);
        }
        let reply = ended.json();
        let content = reply["files"][0]["content"].as_str().expect("an export has a file");
        let dump: Value = serde_json::from_str(content).expect("a dump is JSON");
        let mut shown = Shown::new();
        collect(&dump["collections"], &mut shown);
        Ok(shown)
    }

    /// What the app shows.
    pub(crate) fn show(&self) -> Shown {
        self.try_show().unwrap_or_else(|ended| panic!("{} shows nothing: {ended:?}", self.name))
    }

    /// Everything that was acknowledged must be here.
    pub(crate) fn check(&self, acks: &Acks, acked: Acked) {
        let lost = acks.lost(&self.show(), acked);
        assert!(lost.is_empty(), "lost in {}:\n{}", self.name, lost.join("\n"));
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

/// The requests below, by name.
fn collect(value: &Value, shown: &mut Shown) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, shown)),
        Value::Object(fields) => {
            if let (Some(name), Some(request)) =
                (fields.get("name").and_then(Value::as_str), fields.get("request"))
            {
                let description = &request["description"];
                let text = description.as_str().or_else(|| description["content"].as_str());
                shown.entry(name.to_owned()).or_default().push(text.unwrap_or_default().to_owned());
            }
            fields.get("item").into_iter().for_each(|items| collect(items, shown));
        }
        _ => {}
    }
}
