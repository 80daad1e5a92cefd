//! Who does the work: the agent over its socket, or a client in this process.
//!
//! Why it exists: one process owns a profile. With an agent the command line is a thin face: a blocking
//! socket, no runtime, no TLS. Without one it opens the profile itself and closes it when done.
//!
//! Knows nothing of words for people.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use satchel_client::api::{ApiError, Call, Progress, Reply, Request};
use satchel_client::{Client, ClientOptions, KeyringChoice, Mode, TransportChoice, agent_socket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::link::{self, Answer, Ask, LINE_BYTES_MAX, Question, Tell};

/// Hears how far a call is.
pub(crate) type Listener<'a> = &'a mut dyn FnMut(&Progress);

/// One of the two.
pub(crate) enum Host {
    /// An agent owns the profile.
    Agent(Link),
    /// This process does.
    Process(Process),
}

impl Host {
    /// Takes the agent where one answers, else opens the profile.
    pub(crate) fn open(home: &Path) -> Result<Self, Failure> {
        match Link::open(home) {
            Some(link) => Ok(Self::Agent(link)),
            None => Process::open(home).map(Self::Process),
        }
    }

    /// Makes a call and waits for its end.
    pub(crate) fn call(&mut self, request: Request, listener: Listener<'_>) -> Result<Reply, Failure> {
        let is_status = request.call == Call::Status;
        let (reply, is_agent) = match self {
            Self::Agent(link) => (link.call(request, listener)?, true),
            Self::Process(process) => (process.call(request, listener)?, false),
        };
        Ok(match reply {
            Reply::Status(mut status) if is_status => {
                status.agent = is_agent;
                Reply::Status(status)
            }
            reply => reply,
        })
    }
}

/// A connection to the agent.
pub(crate) struct Link {
    stream: BufReader<UnixStream>,
    last_id: u64,
}

impl Link {
    /// Connects, if an agent of this user answers.
    pub(crate) fn open(home: &Path) -> Option<Self> {
        let stream = UnixStream::connect(own_socket(home)?).ok()?;
        Some(Self { stream: BufReader::new(stream), last_id: 0 })
    }

    fn call(&mut self, request: Request, listener: Listener<'_>) -> Result<Reply, Failure> {
        self.ask(Ask::Call(request))?;
        loop {
            match self.hear()? {
                Tell::Progress(progress) => listener(&progress),
                Tell::Reply(reply) => return Ok(reply),
                Tell::Error(error) => return Err(error.into()),
                _ => return Err(broken("it answered something else")),
            }
        }
    }

    /// Sends a question.
    pub(crate) fn ask(&mut self, ask: Ask) -> Result<(), Failure> {
        self.last_id += 1;
        let line = zeroize::Zeroizing::new(link::write(&Question { id: self.last_id, ask }));
        if line.len() as u64 > LINE_BYTES_MAX {
            return Err(broken("the request is too large for its line"));
        }
        self.stream.get_mut().write_all(&line).map_err(|error| broken(&error.to_string()))
    }

    /// Waits for what is told about the last question.
    pub(crate) fn hear(&mut self) -> Result<Tell, Failure> {
        loop {
            let mut line = Vec::new();
            let mut limited = self.stream.by_ref().take(LINE_BYTES_MAX);
            limited.read_until(b'\n', &mut line).map_err(|error| broken(&error.to_string()))?;
            if line.last() != Some(&b'\n') {
                return Err(broken("it ended before it answered"));
            }
            let answer: Answer = link::read(&line).map_err(|error| broken(&error.to_string()))?;
            if answer.id == self.last_id {
                return Ok(answer.tell);
            }
        }
    }

    /// Gives up on an answer after a while.
    pub(crate) fn limit_time(&self, time: Duration) {
        // Without the limit it waits longer; that is no reason to fail.
        drop(self.stream.get_ref().set_read_timeout(Some(time)));
    }
}

/// The agent's socket, if it is this user's.
pub(crate) fn own_socket(home: &Path) -> Option<PathBuf> {
    let socket = agent_socket(home);
    let owner = std::fs::symlink_metadata(&socket).ok()?.uid();
    (owner == rustix::process::geteuid().as_raw()).then_some(socket)
}

fn broken(why: &str) -> Failure {
    Failure::agent(
        "talking to the agent",
        why,
        "look with `satchel status` whether the change was made; `satchel agent stop` and `satchel agent` start it afresh",
    )
}

/// A client in this process.
pub(crate) struct Process {
    runtime: Runtime,
    client: Option<Client>,
}

impl Process {
    fn open(home: &Path) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let client = runtime.block_on(Client::open(options(home, Mode::OneShot)?))?;
        Ok(Self { runtime, client: Some(client) })
    }

    fn call(&mut self, request: Request, listener: Listener<'_>) -> Result<Reply, ApiError> {
        let client = self.client.as_ref().expect("it is there until the drop");
        let (tell, mut told) = mpsc::unbounded_channel();
        self.runtime.block_on(async {
            let call = client.call(request, Some(tell));
            tokio::pin!(call);
            loop {
                tokio::select! {
                    biased;
                    Some(progress) = told.recv() => listener(&progress),
                    reply = &mut call => return reply,
                }
            }
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            self.runtime.block_on(client.close());
        }
    }
}

/// A small runtime: a command does one thing, an agent a few.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Failure::agent("starting", error.to_string(), "end other programs and try again"))
}

/// The options of the environment.
pub(crate) fn options(home: &Path, mode: Mode) -> Result<ClientOptions, Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let transport = match set("SATCHEL_TRANSPORT").as_deref() {
        None | Some("auto") => TransportChoice::Auto,
        Some("websocket") => TransportChoice::WebSocket,
        Some("polling") => TransportChoice::Polling,
        Some(other) => {
            let why = format!("`{other}` is no transport");
            return Err(Failure::usage("reading SATCHEL_TRANSPORT", why, "use auto, websocket or polling"));
        }
    };
    let keyring = match set("SATCHEL_KEYRING").as_deref() {
        None | Some("auto") => KeyringChoice::Auto,
        Some("off") => KeyringChoice::Off,
        Some(other) => {
            let why = format!("`{other}` is no choice");
            return Err(Failure::usage("reading SATCHEL_KEYRING", why, "use auto or off"));
        }
    };
    Ok(ClientOptions {
        home: home.to_owned(),
        keyring,
        mode,
        extra_ca: set("SATCHEL_CA_FILE").map(PathBuf::from),
        proxy: set("SATCHEL_PROXY"),
        transport,
    })
}
