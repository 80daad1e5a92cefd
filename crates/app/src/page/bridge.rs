//! One page's WebSocket, joined to the agent's socket.
//!
//! Why it exists: the page says `{id, request}` and hears `{id, reply}` or `{id, error}`, and events that it did not
//! ask for. Behind it is the agent, in this process or another, asked as the command line asks it.
//!
//! Invariants: nothing is passed on before the key has come; only calls are, so a page cannot end the agent;
//! questions are limited, and so is how often a change is told.
//!
//! Knows nothing of cookies and origins.

use std::path::Path;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use satchel_client::api::{ApiError, Call, ErrorKind, Reply, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::is_same;
use crate::host::own_socket;
use crate::link::{self, Answer, Ask, LINE_BYTES_MAX, Question, Tell};

/// The bridge's own questions; the page's numbers begin after them.
const WATCH: u64 = 0;
const STATUS: u64 = 1;
const PAGE: u64 = 16;
/// Calls of a page at a time.
const CALLS_MAX: usize = 256;
/// Answers that wait for a page that is slow.
const ANSWERS_WAITING_MAX: usize = 64;
/// How long a page may take to show its key.
const KEY_TIME_MAX: Duration = Duration::from_secs(10);
/// Changes that come closer together are told as one.
const CHANGES_APART: Duration = Duration::from_millis(40);

#[derive(Deserialize)]
struct Shown {
    key: String,
}

#[derive(Deserialize)]
struct Asked {
    id: u64,
    request: Request,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
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
        converse(socket, stream).await;
    }
}

async fn connect(home: &Path) -> Option<UnixStream> {
    UnixStream::connect(own_socket(home)?).await.ok()
}

async fn converse(mut socket: WebSocket, stream: UnixStream) {
    let (from, to) = stream.into_split();
    let (tell, mut told) = mpsc::channel(ANSWERS_WAITING_MAX);
    // Bounded by CALLS_MAX; a bounded channel here could wait for an agent that waits for us.
    let (ask, asked) = mpsc::unbounded_channel();
    let mut lines = JoinSet::new();
    lines.spawn(read_answers(from, tell));
    lines.spawn(write_questions(to, asked));
    let _ = ask.send(Question { id: WATCH, ask: Ask::Watch });
    let (mut open, mut refresh) = (0_usize, None::<Instant>);
    loop {
        let due = refresh.unwrap_or_else(Instant::now);
        let said = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match hear(text.as_str(), open) {
                    Heard::Question(question) => { open += 1; if ask.send(question).is_err() { return; } None }
                    Heard::Refused(error) => Some(error),
                    Heard::Nonsense => return,
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                _ => return,
            },
            answer = told.recv() => {
                let Some(answer) = answer else { return };
                if matches!(answer.tell, Tell::Changed(_)) {
                    refresh.get_or_insert_with(|| Instant::now() + CHANGES_APART);
                }
                if answer.id >= PAGE && matches!(answer.tell, Tell::Reply(_) | Tell::Error(_)) {
                    open = open.saturating_sub(1);
                }
                for event in words(answer) {
                    if !say(&mut socket, &event).await { return; }
                }
                None
            },
            () = sleep_until(due), if refresh.is_some() => {
                refresh = None;
                let request = Request { workspace: None, wait_ms: 0, call: Call::Status };
                if ask.send(Question { id: STATUS, ask: Ask::Call(request) }).is_err() { return; }
                None
            },
        };
        if let Some(said) = said
            && !say(&mut socket, &said).await
        {
            return;
        }
    }
}

async fn say(socket: &mut WebSocket, said: &Value) -> bool {
    socket.send(Message::Text(said.to_string().into())).await.is_ok()
}

/// What a page said.
enum Heard {
    /// A call.
    Question(Question),
    /// A call that is not passed on.
    Refused(Value),
    /// Nothing that has a number.
    Nonsense,
}

fn hear(text: &str, open: usize) -> Heard {
    let (id, detail) = match link::read::<Asked>(text.as_bytes()) {
        Ok(asked) if open < CALLS_MAX => {
            let Some(id) = asked.id.checked_add(PAGE) else { return Heard::Nonsense };
            return Heard::Question(Question { id, ask: Ask::Call(asked.request) });
        }
        Ok(asked) => (asked.id, format!("{open} calls are under way already")),
        Err(error) => match link::read::<Numbered>(text.as_bytes()) {
            Ok(numbered) => (numbered.id, format!("this is no call that the agent knows: {error}")),
            Err(_) => return Heard::Nonsense,
        },
    };
    let error = ApiError {
        kind: ErrorKind::Invalid,
        tried: "asking the agent".to_owned(),
        detail,
        apps: Vec::new(),
        count: 0,
        candidates: Vec::new(),
    };
    Heard::Refused(json!({ "id": id, "error": error }))
}

/// What the page hears of an answer.
fn words(answer: Answer) -> Vec<Value> {
    let id = answer.id.saturating_sub(PAGE);
    match (answer.id, answer.tell) {
        (STATUS, Tell::Reply(Reply::Status(status))) => {
            // Which items changed is not known here: without names the page reads what it shows again.
            let changed = status.workspaces.iter().map(|workspace| {
                json!({ "event": "changed", "workspace": workspace.id, "items": [], "removed": [] })
            });
            let changed: Vec<Value> = changed.collect();
            let mut events = vec![json!({ "event": "status", "status": status })];
            events.extend(changed);
            events
        }
        (number, _) if number < PAGE => Vec::new(),
        (_, Tell::Reply(reply)) => vec![json!({ "id": id, "reply": reply })],
        (_, Tell::Error(error)) => vec![json!({ "id": id, "error": error })],
        (_, Tell::Progress(progress)) => vec![json!({
            "event": "progress", "run": null, "phase": progress.phase, "done": progress.done, "total": progress.total,
        })],
        _ => Vec::new(),
    }
}

async fn read_answers(from: OwnedReadHalf, tell: mpsc::Sender<Answer>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = zeroize::Zeroizing::new(Vec::new());
        let mut limited = (&mut from).take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut line).await.is_err() || line.last() != Some(&b'\n') {
            return;
        }
        let Ok(answer) = link::read::<Answer>(&line) else { return };
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
