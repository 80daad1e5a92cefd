//! The side of the process that must stay well: starts a child, talks with it, and kills it.

use std::collections::VecDeque;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep_until, timeout_at};
use zeroize::Zeroizing;

use super::frame::{self, Decoder, Kind};
use super::host::{self, Answer};
use super::limits::{CALLS_AT_ONCE, FRAMES, GRACE, OUTPUT_BYTES, START};
use super::{ConsoleLine, Fault, Host, Limits, Outcome, Script, Test, Trust, context};

/// How the child is started: this program again, with an argument that leads to [`super::child_main`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Launch {
    /// A program and what it is called with.
    pub fn new(program: impl AsRef<Path>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program: program.as_ref().to_owned(), arguments }
    }

    /// This very program.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        Ok(Self::new(std::env::current_exe()?, arguments))
    }
}

/// Why a script did not run at all.
#[derive(Debug)]
pub enum ScriptError {
    /// Nobody has said that scripts from this source may run.
    Untrusted,
    /// The child did not start.
    Start(io::Error),
    /// The child started and did not begin the script in time.
    NoStart,
    /// Variables, request and answer together are larger than a script can be given.
    TooLarge,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "running a script of a source that is not trusted",
            Self::Start(_) => "starting the process for scripts",
            Self::NoStart => "waiting for the process for scripts",
            Self::TooLarge => "giving a script its request, response and variables: they are too large",
        })
    }
}

impl Error for ScriptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start(error) => Some(error),
            _ => None,
        }
    }
}

/// Runs scripts, one at a time, in a child that is kept warm between them.
///
/// Dropping it, or a future of [`Sandbox::run`], kills the child.
#[derive(Debug)]
pub struct Sandbox {
    launch: Launch,
    limits: Limits,
    kept: Option<Talk>,
    starts: u64,
}

impl Sandbox {
    /// A sandbox without a child.
    pub fn new(launch: Launch, limits: Limits) -> Self {
        Self { launch, limits, kept: None, starts: 0 }
    }

    /// Starts the child ahead of the first script, so that it is warm by then.
    pub fn warm(&mut self) -> Result<(), ScriptError> {
        if self.kept.is_none() {
            self.kept = Some(self.start()?);
        }
        Ok(())
    }

    /// How many children were started so far.
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// The process of the child that is kept warm, if there is one.
    pub fn child_id(&self) -> Option<u32> {
        self.kept.as_ref().and_then(|talk| talk.child.id())
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Runs a script to its end, or to the end of its time.
    pub async fn run(&mut self, script: &Script<'_>, host: &dyn Host) -> Result<Outcome, ScriptError> {
        if script.trust != Trust::Given {
            return Err(ScriptError::Untrusted);
        }
        // Both hold secrets.
        let context = Zeroizing::new(context::of(script, &self.limits).to_string());
        let body = script.response.map(|response| response.body.as_slice()).unwrap_or_default();
        let frame = inward(Kind::Run, context.as_bytes(), body).ok_or(ScriptError::TooLarge)?;
        let frame = Zeroizing::new(frame);
        // Whatever goes wrong from here on, a child in an unknown state is not kept.
        let mut talk = match self.kept.take() {
            Some(talk) => talk,
            None => self.start()?,
        };
        if talk.begin(&frame).await.is_err() {
            // The kept one may have ended since; a fresh one has no excuse.
            talk = self.start()?;
            talk.begin(&frame).await?;
        }
        let begin = Instant::now();
        let mut outcome = Outcome::default();
        match talk.hear(host, &mut outcome, begin + self.limits.time + GRACE).await {
            Ok(()) => self.kept = Some(talk),
            Err(Stop::Late) => {
                talk.kill().await;
                outcome.faults.push(Fault::Late { limit: self.limits.time });
            }
            Err(Stop::Fault(fault)) => {
                talk.kill().await;
                outcome.faults.push(fault);
            }
        }
        outcome.elapsed = begin.elapsed();
        Ok(outcome)
    }

    fn start(&mut self) -> Result<Talk, ScriptError> {
        self.starts += 1;
        let mut command = Command::new(&self.launch.program);
        command.args(&self.launch.arguments).arg(self.limits.memory_bytes.to_string()).env_clear();
        // The one thing a script must know of where it runs: what `new Date()` shows.
        if let Some(zone) = std::env::var_os("TZ") {
            command.env("TZ", zone);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(ScriptError::Start)?;
        let missing = || ScriptError::Start(io::ErrorKind::BrokenPipe.into());
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        Ok(Talk { child, stdin, stdout, decoder: Decoder::default(), piece: vec![0; PIECE_BYTES] })
    }
}

/// How much is read of the child at once.
const PIECE_BYTES: usize = 16 * 1024;

/// A frame to the child; none if it is too large for it.
fn inward(kind: Kind, json: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let fits = json.len() <= super::limits::INWARD_BYTES && body.len() <= super::limits::BODY_BYTES;
    fits.then(|| frame::encoded(kind, json, body)).flatten()
}

/// A child and the pipes to it.
#[derive(Debug)]
struct Talk {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    decoder: Decoder,
    piece: Vec<u8>,
}

/// A script was stopped.
enum Stop {
    Late,
    Fault(Fault),
}

impl Talk {
    async fn begin(&mut self, frame: &[u8]) -> Result<(), ScriptError> {
        let deadline = Instant::now() + START;
        let begun = async {
            self.stdin.write_all(frame).await.map_err(ScriptError::Start)?;
            match self.next().await {
                Ok((Kind::Started, _)) => Ok(()),
                _ => Err(ScriptError::NoStart),
            }
        };
        timeout_at(deadline, begun).await.unwrap_or(Err(ScriptError::NoStart))
    }

    /// The next frame. Cancel-safe: what has come stays in the decoder.
    async fn next(&mut self) -> Result<(Kind, Vec<u8>), Fault> {
        loop {
            if let Some(frame) = self.decoder.next().map_err(|_| Fault::Died)? {
                return Ok(frame);
            }
            match self.stdout.read(&mut self.piece).await {
                Ok(0) | Err(_) => return Err(Fault::Died),
                Ok(count) => self.decoder.push(&self.piece[..count]),
            }
        }
    }

    /// Listens and answers until the script's end.
    async fn hear(&mut self, host: &dyn Host, outcome: &mut Outcome, deadline: Instant) -> Result<(), Stop> {
        let mut calls: FuturesUnordered<BoxFuture<'_, (u64, Answer)>> = FuturesUnordered::new();
        // A script may ask for more than is good for the other side at once.
        let mut queue: VecDeque<Json> = VecDeque::new();
        let mut quota = Quota::default();
        loop {
            let answered = async { if calls.is_empty() { pending().await } else { calls.next().await } };
            tokio::select! {
                biased;
                () = sleep_until(deadline) => return Err(Stop::Late),
                frame = self.next() => {
                    let (kind, json) = frame.map_err(Stop::Fault)?;
                    quota.count(kind, json.len()).map_err(Stop::Fault)?;
                    let fields = parsed(&json)?;
                    match kind {
                        Kind::Done => {
                            outcome.finish(&fields);
                            return Ok(());
                        }
                        Kind::Late => return Err(Stop::Late),
                        Kind::Broken => return Err(Stop::Fault(broken(&fields))),
                        Kind::Call if calls.len() >= CALLS_AT_ONCE => queue.push_back(fields),
                        Kind::Call => calls.push(called(host, fields)?),
                        _ => listen(kind, &fields, host, outcome)?,
                    }
                }
                Some((id, answer)) = answered => {
                    if let Some(fields) = queue.pop_front() {
                        calls.push(called(host, fields)?);
                    }
                    let writing = self.reply(id, answer);
                    timeout_at(deadline, writing).await.map_err(|_| Stop::Late)?.map_err(Stop::Fault)?;
                }
            }
        }
    }

    async fn reply(&mut self, id: u64, answer: Answer) -> Result<(), Fault> {
        let refused = |message: &str, code: Option<String>| {
            json!({ "id": id, "error": { "message": message, "code": code } }).to_string()
        };
        let frame = match answer {
            Ok((value, body)) => {
                let text = json!({ "id": id, "value": value, "body": body.is_some() }).to_string();
                inward(Kind::Reply, text.as_bytes(), body.as_deref().unwrap_or_default())
            }
            Err(refusal) => inward(Kind::Reply, refused(&refusal.message, refusal.code).as_bytes(), &[]),
        };
        let frame = frame
            .or_else(|| {
                inward(Kind::Reply, refused("the response is too large for a script", None).as_bytes(), &[])
            })
            .ok_or(Fault::Died)?;
        self.stdin.write_all(&frame).await.map_err(|_| Fault::Died)
    }

    /// Ends the child, and waits for its end: no zombies, no work left behind.
    async fn kill(mut self) {
        // An error says that it has already ended.
        drop(self.child.kill().await);
    }
}

fn parsed(json: &[u8]) -> Result<Json, Stop> {
    if json.is_empty() {
        return Ok(Json::Null);
    }
    serde_json::from_slice(json).map_err(|_| Stop::Fault(Fault::Died))
}

fn broken(fields: &Json) -> Fault {
    let reason = fields.get("reason").and_then(Json::as_str);
    if reason == Some("memory") { Fault::OutOfMemory } else { Fault::Died }
}

/// Begins a call.
fn called(host: &dyn Host, fields: Json) -> Result<BoxFuture<'_, (u64, Answer)>, Stop> {
    let id = fields.get("id").and_then(Json::as_u64).ok_or(Stop::Fault(Fault::Died))?;
    Ok(Box::pin(async move { (id, host::answer(host, &fields).await) }))
}

/// Takes what needs no answer.
fn listen(kind: Kind, fields: &Json, host: &dyn Host, outcome: &mut Outcome) -> Result<(), Stop> {
    let died = Stop::Fault(Fault::Died);
    match kind {
        Kind::Console => host.print(ConsoleLine::read(fields).ok_or(died)?),
        Kind::Test => outcome.tests.push(Test::read(fields).ok_or(died)?),
        _ => return Err(died),
    }
    Ok(())
}

/// What a script has sent so far. The child counts too; this is for one that no longer does.
#[derive(Default)]
struct Quota {
    frames: usize,
    bytes: usize,
}

impl Quota {
    fn count(&mut self, kind: Kind, bytes: usize) -> Result<(), Fault> {
        if kind == Kind::Done {
            return Ok(());
        }
        self.frames += 1;
        self.bytes += bytes;
        if self.frames > FRAMES || self.bytes > OUTPUT_BYTES { Err(Fault::Flood) } else { Ok(()) }
    }
}

/// So that a deadline is told in the same words everywhere.
const _: () = assert!(GRACE.as_millis() < Duration::from_millis(200).as_millis());
