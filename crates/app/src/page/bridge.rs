//! One page's WebSocket, joined to the agent's socket.
//!
//! Why it exists: the page says `{id, request}` and hears `{id, reply}` or `{id, error}`, and events that it did not
//! ask for. Behind it is the agent, in this process or another, asked as the command line asks it.
//!
//! Invariants: nothing is passed on before the key has come; only calls are, so a page cannot end the agent;
//! questions are limited. What is no call of the profile's is done by `deeds`.
//!
//! Knows nothing of cookies and origins.

use std::path::Path;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use satchel_client::api::{ApiError, ErrorKind, PageCall, PageEvent, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::deeds::{Deeds, Word};
use super::is_same;
use crate::host::own_socket;
use crate::link::{self, Answer, Ask, LINE_BYTES_MAX, Question, Tell};

/// The bridge's own question; the page's numbers begin after it.
const EVENTS: u64 = 0;
const PAGE: u64 = 16;
/// Calls of a page at a time.
const CALLS_MAX: usize = 256;
/// Answers that wait for a page that is slow.
const ANSWERS_WAITING_MAX: usize = 64;
/// How long a page may take to show its key.
const KEY_TIME_MAX: Duration = Duration::from_secs(10);
/// How long an agent that begins may take.
const AGENT_TIME_MAX: Duration = Duration::from_secs(5);
/// How soon it is looked for again.
const AGENT_PAUSE: Duration = Duration::from_millis(20);
/// Calls that the program around the profile does.
const DEEDS: &[&str] = &["run", "send", "stop"];

#[derive(Deserialize)]
struct Shown {
    key: String,
}

/// What a page said: the request of a profile, or one around it.
#[derive(Deserialize)]
struct Asked<R> {
    id: u64,
    request: R,
}

#[derive(Deserialize)]
struct PageRequest {
    workspace: Option<String>,
    call: PageCall,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

/// The name of a call, looked at before what is in it.
#[derive(Deserialize)]
struct Named {
    call: NamedCall,
}

#[derive(Deserialize)]
struct NamedCall {
    call: String,
}

/// Passes on until either side goes.
pub(super) async fn run(mut socket: WebSocket, home: &Path, key: &str) {
    let shown = match timeout(KEY_TIME_MAX, socket.recv()).await {
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str::<Shown>(text.as_str()).ok(),
        _ => None,
    };
    if !shown.is_some_and(|shown| is_same(key, &shown.key)) {
        return;
    }
    if let Some(stream) = connect(home).await {
        let (tell, told) = mpsc::channel(ANSWERS_WAITING_MAX);
        converse(socket, stream, Deeds::new(home, tell), told).await;
    }
}

/// The page may be quicker than an agent that begins with it.
async fn connect(home: &Path) -> Option<UnixStream> {
    let until = Instant::now() + AGENT_TIME_MAX;
    loop {
        if let Some(socket) = own_socket(home)
            && let Ok(stream) = UnixStream::connect(socket).await
        {
            return Some(stream);
        }
        if Instant::now() >= until {
            return None;
        }
        sleep(AGENT_PAUSE).await;
    }
}

async fn converse(
    mut socket: WebSocket,
    stream: UnixStream,
    mut deeds: Deeds,
    mut done: mpsc::Receiver<Word>,
) {
    let (from, to) = stream.into_split();
    let (tell, mut told) = mpsc::channel(ANSWERS_WAITING_MAX);
    // Bounded by CALLS_MAX; a bounded channel here could wait for an agent that waits for us.
    let (ask, asked) = mpsc::unbounded_channel();
    let mut lines = JoinSet::new();
    lines.spawn(read_answers(from, tell));
    lines.spawn(write_questions(to, asked));
    let _ = ask.send(Question { id: EVENTS, ask: Ask::Events });
    let mut open = 0_usize;
    loop {
        let said = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match hear(text.as_str(), open) {
                    Heard::Question(question) => { open += 1; if ask.send(question).is_err() { return; } None }
                    Heard::Deed(id, request) => deeds.begin(id, request.workspace, request.call).map(|said| said.to_string()),
                    Heard::Refused(error) => Some(error.to_string()),
                    Heard::Nonsense => return,
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                _ => return,
            },
            answer = told.recv() => {
                let Some(answer) = answer else { return };
                if answer.is_end() {
                    open = open.saturating_sub(1);
                }
                answer.words()
            },
            Some(word) = done.recv() => Some(match word {
                Word::Event(event) => json!(event).to_string(),
                Word::Ended(ended) => deeds.end(ended).to_string(),
            }),
        };
        if let Some(said) = said
            && socket.send(Message::Text(said.into())).await.is_err()
        {
            return;
        }
    }
}

/// What the agent said.
enum Told {
    /// A reply, as it stood in the line, and the number of its question.
    Reply(u64, String),
    /// Anything else.
    Answer(Box<Answer>),
}

impl Told {
    fn read(line: &[u8]) -> Option<Self> {
        match link::reply_in(line) {
            Some((id, reply)) => Some(Self::Reply(id, reply.to_owned())),
            None => link::read(line).ok().map(|answer| Self::Answer(Box::new(answer))),
        }
    }

    /// Whether it ends a question of the page's.
    fn is_end(&self) -> bool {
        match self {
            Self::Reply(id, _) => *id >= PAGE,
            Self::Answer(answer) => {
                answer.id >= PAGE && matches!(answer.tell, Tell::Reply(_) | Tell::Error(_))
            }
        }
    }

    /// What the page hears of it.
    fn words(self) -> Option<String> {
        match self {
            Self::Reply(id, reply) => {
                let id = id.checked_sub(PAGE)?;
                Some(format!(r#"{{"id":{id},"reply":{reply}}}"#))
            }
            Self::Answer(answer) => words(*answer).map(|words| words.to_string()),
        }
    }
}

/// What a page said.
enum Heard {
    /// A call of the profile.
    Question(Question),
    /// A call of the program around it.
    Deed(u64, PageRequest),
    /// A call that is not passed on.
    Refused(Value),
    /// Nothing that has a number.
    Nonsense,
}

fn hear(text: &str, open: usize) -> Heard {
    let text = text.as_bytes();
    let is_deed =
        link::read::<Asked<Named>>(text).is_ok_and(|it| DEEDS.contains(&it.request.call.call.as_str()));
    let result = if is_deed {
        link::read::<Asked<PageRequest>>(text).map(|asked| Heard::Deed(asked.id, asked.request))
    } else {
        link::read::<Asked<Request>>(text).map(|asked| match asked.id.checked_add(PAGE) {
            Some(id) if open < CALLS_MAX => Heard::Question(Question { id, ask: Ask::Call(asked.request) }),
            Some(_) => refused(asked.id, format!("{open} calls are under way already")),
            None => Heard::Nonsense,
        })
    };
    result.unwrap_or_else(|error| match link::read::<Numbered>(text) {
        Ok(numbered) => refused(numbered.id, format!("this is no call that the agent knows: {error}")),
        Err(_) => Heard::Nonsense,
    })
}

fn refused(id: u64, detail: String) -> Heard {
    let (tried, apps, candidates) = ("asking the agent".to_owned(), Vec::new(), Vec::new());
    let error = ApiError { kind: ErrorKind::Invalid, tried, detail, apps, count: 0, candidates };
    Heard::Refused(json!({ "id": id, "error": error }))
}

/// The same of an answer that was read.
fn words(answer: Answer) -> Option<Value> {
    let id = answer.id.saturating_sub(PAGE);
    match (answer.id, answer.tell) {
        (EVENTS, Tell::Event(event)) => Some(json!(event)),
        (number, _) if number < PAGE => None,
        (_, Tell::Reply(reply)) => Some(json!({ "id": id, "reply": reply })),
        (_, Tell::Error(error)) => Some(json!({ "id": id, "error": error })),
        (_, Tell::Progress(progress)) => Some(json!(PageEvent::Progress {
            run: None,
            phase: progress.phase,
            done: progress.done,
            total: progress.total,
        })),
        _ => None,
    }
}

async fn read_answers(from: OwnedReadHalf, tell: mpsc::Sender<Told>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = zeroize::Zeroizing::new(Vec::new());
        let mut limited = (&mut from).take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut line).await.is_err() || line.last() != Some(&b'\n') {
            return;
        }
        let Some(answer) = Told::read(&line) else { return };
        if tell.send(answer).await.is_err() {
            return;
        }
    }
}

async fn write_questions(mut to: OwnedWriteHalf, mut asked: mpsc::UnboundedReceiver<Question>) {
    while let Some(question) = asked.recv().await {
        let line = zeroize::Zeroizing::new(link::write(&question));
        if to.write_all(&line).await.is_err() {
            return;
        }
    }
}
