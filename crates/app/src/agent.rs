//! The agent: holds a profile open, keeps it in sync, and does what other commands ask.
//!
//! ```text
//! satchel … ──socket──▶ connection ──a task per question──▶ Client
//!                ◀── progress, reply, change ──┘
//! ```
//! Invariants: the socket is 0600 in a folder of 0700, and only this user is heard; one agent per
//! profile, by the profile's lock; lines, questions and connections are limited; the socket is gone
//! when the agent is.
//!
//! Knows nothing of words for people beyond its own.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use satchel_client::api::{ErrorKind, Request};
use satchel_client::{Client, Mode, agent_socket};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::events::Changes;
use crate::failure::Failure;
use crate::host::{self, Link};
use crate::link::{self, Answer, Ask, LINE_BYTES_MAX, Question, Tell};
use crate::output;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 128;
/// Questions at a time on one connection.
const QUESTIONS_MAX: usize = 32;
/// Lines that wait for a reader who is slow.
const LINES_WAITING_MAX: usize = 64;
/// How long to wait when the system cannot give one more connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long an agent that is asked for itself may take.
const ABOUT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long an agent may take to end.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);

/// Serves until a signal or `agent stop`.
pub(crate) fn serve(home: &Path) -> Result<(), Failure> {
    if let Some((pid, _)) = about(home) {
        return Err(taken(&format!("an agent is running already, process {pid}")));
    }
    host::runtime()?.block_on(serve_profile(home))
}

/// The process and the version of the agent that answers.
pub(crate) fn about(home: &Path) -> Option<(u32, String)> {
    let mut link = Link::open(home)?;
    link.limit_time(ABOUT_TIME_MAX);
    link.ask(Ask::About).ok()?;
    match link.hear().ok()? {
        Tell::About { pid, version } => Some((pid, version)),
        _ => None,
    }
}

/// Ends the agent and waits until it has let go of the profile; false if there is none.
pub(crate) fn stop(home: &Path) -> Result<bool, Failure> {
    let Some(mut link) = Link::open(home) else { return Ok(false) };
    link.limit_time(STOP_TIME_MAX);
    link.ask(Ask::Stop)?;
    // The agent says nothing more; its line closes when it has ended.
    while link.hear().is_ok() {}
    Ok(true)
}

fn taken(why: &str) -> Failure {
    Failure::agent("starting the agent", why, "use that one, or end it with `satchel agent stop`")
}

pub(crate) async fn serve_profile(home: &Path) -> Result<(), Failure> {
    let client = Client::open(host::options(home, Mode::Agent)?).await.map_err(|error| match error.kind {
        ErrorKind::Locked => taken("another process uses this profile"),
        _ => Failure::from(error),
    })?;
    // The lock is ours, so a socket that is left is of an agent that is no more.
    let served = match Socket::bind(&agent_socket(home)) {
        Ok(socket) => serve_socket(&socket, &client).await,
        Err(error) => Err(io_failure(&error)),
    };
    client.close().await;
    served.map(drop)
}

fn io_failure(error: &io::Error) -> Failure {
    let remedy = "check the permissions of SATCHEL_HOME and of XDG_RUNTIME_DIR";
    Failure::agent("opening the agent's socket", error.to_string(), remedy)
}

/// The socket, which is deleted with this.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    fn bind(path: &Path) -> io::Result<Self> {
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        private_folder(folder)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        let socket = Self { listener, path: path.to_owned() };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(socket)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A socket that stays is taken for what it is by the next agent.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Makes the folder, or refuses one that others may look into.
fn private_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let about = std::fs::symlink_metadata(folder)?;
    if about.uid() != rustix::process::geteuid().as_raw() || !about.is_dir() {
        return Err(io::Error::other(format!("{} belongs to someone else", folder.display())));
    }
    if about.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// What every connection shares.
struct Shared {
    client: Client,
    stop: watch::Sender<bool>,
}

async fn serve_socket(socket: &Socket, client: &Client) -> Result<Stopped, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| io_failure(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| io_failure(&error))?;
    let (stop, mut stopped) = watch::channel(false);
    let shared = Arc::new(Shared { client: client.clone(), stop });
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    output::print(b"agent ready\n");
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = socket.listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let Ok(place) = places.clone().try_acquire_owned() else { continue };
                if is_ours(&stream) {
                    let shared = shared.clone();
                    connections.spawn(async move { converse(stream, &shared).await; drop(place); });
                }
            }
        }
    }
    Ok(Stopped { _connections: connections })
}

/// The connections of an agent that ends: they close after the profile has been let go of, so that who
/// asked for the end knows by the close that it has come.
struct Stopped {
    _connections: JoinSet<()>,
}

fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

async fn converse(stream: UnixStream, shared: &Arc<Shared>) {
    let (from, to) = stream.into_split();
    let (tell, told) = mpsc::channel(LINES_WAITING_MAX);
    let questions = Arc::new(Semaphore::new(QUESTIONS_MAX));
    let mut work = JoinSet::new();
    work.spawn(write_lines(to, told));
    let mut from = BufReader::new(from);
    while let Some(line) = read_line(&mut from).await {
        let Ok(question) = link::read::<Question>(&line) else { break };
        drop(line);
        let Ok(place) = questions.clone().acquire_owned().await else { break };
        // It listens before anything that was asked later is done.
        let changes = matches!(question.ask, Ask::Events).then(|| Changes::of(&shared.client));
        let (shared, tell) = (shared.clone(), tell.clone());
        // A change that was begun is finished, even when the one who asked is gone.
        let answering = async move {
            answer(&shared, question, changes, &tell).await;
            drop(place);
        };
        work.spawn(answering);
        while work.try_join_next().is_some() {}
    }
    drop(tell);
    work.detach_all();
}

async fn read_line(from: &mut BufReader<OwnedReadHalf>) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let mut line = zeroize::Zeroizing::new(Vec::new());
    let mut limited = from.take(LINE_BYTES_MAX);
    limited.read_until(b'\n', &mut line).await.ok()?;
    (line.last() == Some(&b'\n')).then_some(line)
}

async fn write_lines(mut to: OwnedWriteHalf, mut told: mpsc::Receiver<Answer>) {
    while let Some(answer) = told.recv().await {
        let line = zeroize::Zeroizing::new(link::write(&answer));
        if to.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn answer(shared: &Shared, question: Question, changes: Option<Changes>, tell: &mpsc::Sender<Answer>) {
    let id = question.id;
    match question.ask {
        Ask::Call(request) => {
            let end = call(shared, id, request, tell).await;
            say(tell, id, end).await;
        }
        Ask::Watch => watch_changes(shared, id, tell).await,
        Ask::Events => {
            if let Some(changes) = changes {
                tell_events(changes, id, tell).await;
            }
        }
        Ask::About => {
            let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION").to_owned());
            say(tell, id, Tell::About { pid, version }).await;
        }
        Ask::Stop => {
            shared.stop.send_replace(true);
        }
    }
}

async fn say(tell: &mpsc::Sender<Answer>, id: u64, told: Tell) -> bool {
    tell.send(Answer { id, tell: told }).await.is_ok()
}

async fn call(shared: &Shared, id: u64, request: Request, tell: &mpsc::Sender<Answer>) -> Tell {
    let (hear, mut heard) = mpsc::unbounded_channel();
    let call = shared.client.call(request, Some(hear));
    tokio::pin!(call);
    loop {
        tokio::select! {
            biased;
            Some(progress) = heard.recv() => {
                // Progress is only a hint: a slow reader misses some of it, and the call goes on.
                drop(tell.try_send(Answer { id, tell: Tell::Progress(progress) }));
            }
            end = &mut call => return end.map_or_else(Tell::Error, Tell::Reply),
        }
    }
}

async fn tell_events(mut changes: Changes, id: u64, tell: &mpsc::Sender<Answer>) {
    loop {
        tokio::select! {
            events = changes.next() => {
                let Some(events) = events else { return };
                for event in events {
                    if !say(tell, id, Tell::Event(event)).await {
                        return;
                    }
                }
            }
            () = tell.closed() => return,
        }
    }
}

async fn watch_changes(shared: &Shared, id: u64, tell: &mpsc::Sender<Answer>) {
    let mut changes = shared.client.watch();
    loop {
        let count = *changes.borrow_and_update();
        if !say(tell, id, Tell::Changed(count)).await {
            return;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tell.closed() => return,
        }
    }
}
