//! What a page has done by the program around the profile: sending, running, and stopping either.
//!
//! Why it exists: a send takes as long as a server somewhere likes. It goes on a thread of its own, tells how far it is,
//! and can be stopped by its name; a page that goes takes its sends with it.
//!
//! Invariants: sends are limited; what is told on the way may be missed by a slow page, the end of it never is.
//!
//! Knows nothing of the page's socket.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use satchel_client::api::{ApiError, ErrorKind, PageCall, PageEvent, PageReply, Reply, SendOrder};
use satchel_runner::run::Stop;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::runs::run_order;
use crate::failure::Failure;
use crate::host::Host;
use crate::sending::{self, How, Told};

/// Sends of a page at a time.
const DEEDS_MAX: usize = 16;
/// What is told on the way, at most so often.
const TELL_APART: Duration = Duration::from_millis(50);
/// Text of a stream that is told on the way; the whole of it comes with the answer.
const PIECES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The end of a deed.
pub(super) struct Ended {
    /// The page's number.
    pub(super) id: u64,
    /// The deed's name, for [`Deeds::end`].
    name: String,
    /// The reply, or why not.
    result: Result<Value, ApiError>,
}

/// What is told of deeds.
pub(super) enum Word {
    /// On the way.
    Event(PageEvent),
    /// The end.
    Ended(Ended),
}

/// The deeds of one page.
pub(super) struct Deeds {
    home: PathBuf,
    tell: mpsc::Sender<Word>,
    under_way: HashMap<String, Stop>,
}

impl Deeds {
    pub(super) fn new(home: &Path, tell: mpsc::Sender<Word>) -> Self {
        Self { home: home.to_owned(), tell, under_way: HashMap::new() }
    }

    /// Begins a deed, or does it at once; then this is what the page hears.
    pub(super) fn begin(&mut self, id: u64, workspace: Option<String>, call: PageCall) -> Option<Value> {
        match call {
            PageCall::Stop { run } => {
                if let Some(stop) = self.under_way.get(&run) {
                    stop.stop();
                }
                Some(json!({ "id": id, "reply": Reply::Done }))
            }
            PageCall::Send(order) => {
                let name = order.run.clone();
                self.spawn(id, name, move |home, stop, tell| {
                    send(home, workspace.as_deref(), order, stop, tell)
                })
            }
            PageCall::Run(order) => {
                let name = order.run.clone();
                self.spawn(id, name, move |home, stop, tell| {
                    let ran = run_order(home, workspace.as_deref(), order, stop, tell);
                    ran.map(|reply| json!(reply)).map_err(|failure| api_error(&failure))
                })
            }
        }
    }

    /// Does it on a thread of its own, if there is room.
    fn spawn(
        &mut self,
        id: u64,
        name: String,
        work: impl FnOnce(&Path, Stop, &mpsc::Sender<Word>) -> Result<Value, ApiError> + Send + 'static,
    ) -> Option<Value> {
        let stop = match self.place(&name) {
            Ok(stop) => stop,
            Err(error) => return Some(json!({ "id": id, "error": error })),
        };
        let (home, tell) = (self.home.clone(), self.tell.clone());
        tokio::task::spawn_blocking(move || {
            let result = work(&home, stop, &tell);
            // The page is gone: nobody waits for it.
            drop(tell.blocking_send(Word::Ended(Ended { id, name, result })));
        });
        None
    }

    /// Forgets a deed that has ended; what the page hears of it.
    pub(super) fn end(&mut self, ended: Ended) -> Value {
        self.under_way.remove(&ended.name);
        match ended.result {
            Ok(reply) => json!({ "id": ended.id, "reply": reply }),
            Err(error) => json!({ "id": ended.id, "error": error }),
        }
    }

    fn place(&mut self, name: &str) -> Result<Stop, ApiError> {
        let refuse = |detail: String| Err(error("beginning another send", detail));
        if self.under_way.len() >= DEEDS_MAX {
            return refuse(format!("{DEEDS_MAX} requests are under way already: wait for one, or stop one"));
        }
        if self.under_way.contains_key(name) {
            return refuse("it is under way already".to_owned());
        }
        let stop = Stop::default();
        self.under_way.insert(name.to_owned(), stop.clone());
        Ok(stop)
    }
}

impl Drop for Deeds {
    fn drop(&mut self) {
        self.under_way.values().for_each(Stop::stop);
    }
}

fn send(
    home: &Path,
    workspace: Option<&str>,
    order: SendOrder,
    stop: Stop,
    tell: &mpsc::Sender<Word>,
) -> Result<Value, ApiError> {
    let mut way = Way::new(order.run.clone(), tell);
    let how = How { stop, ..How::default() };
    let sent = Host::open(home).and_then(|mut host| {
        sending::send_order(&mut host, workspace, order, &how, &mut |told| way.hear(&told))
    });
    way.tell_now();
    match sent {
        Ok(response) => Ok(json!(PageReply::Sent { response })),
        Err(failure) => Err(api_error(&failure)),
    }
}

/// Why there is no answer, for a page: words that were made for a person.
fn api_error(failure: &Failure) -> ApiError {
    error(&failure.what, format!("{}: {}", failure.why, failure.remedy))
}

fn error(tried: &str, detail: String) -> ApiError {
    let (tried, apps, candidates) = (tried.to_owned(), Vec::new(), Vec::new());
    ApiError { kind: ErrorKind::Unanswered, tried, detail, apps, count: 0, candidates }
}

/// An answer on its way.
struct Way<'a> {
    run: String,
    tell: &'a mpsc::Sender<Word>,
    told_at: Option<Instant>,
    received: u64,
    total: u64,
    is_stream: bool,
    piece: Vec<u8>,
    pieces: usize,
}

impl<'a> Way<'a> {
    fn new(run: String, tell: &'a mpsc::Sender<Word>) -> Self {
        let (piece, told_at) = (Vec::new(), None);
        Self { run, tell, told_at, received: 0, total: 0, is_stream: false, piece, pieces: 0 }
    }

    fn hear(&mut self, told: &Told<'_>) {
        match told {
            Told::Head { headers, .. } => {
                let value = |name: &str| {
                    let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
                    found
                        .map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase())
                        .unwrap_or_default()
                };
                let kind = value("content-type");
                self.is_stream = ["text/event-stream", "application/x-ndjson", "application/jsonl"]
                    .iter()
                    .any(|stream| kind.starts_with(stream));
                self.total = value("content-length").trim().parse().unwrap_or(0);
                (self.received, self.pieces) = (0, 0);
                self.piece.clear();
            }
            Told::Chunk(bytes) => {
                self.received += bytes.len() as u64;
                if self.is_stream && self.pieces < PIECES_BYTES_MAX {
                    self.pieces += bytes.len();
                    self.piece.extend_from_slice(bytes);
                }
                if self.told_at.is_none_or(|at| at.elapsed() >= TELL_APART) {
                    self.tell_now();
                }
            }
        }
    }

    fn tell_now(&mut self) {
        self.told_at = Some(Instant::now());
        if self.received > 0 {
            let (run, phase) = (Some(self.run.clone()), "receiving".to_owned());
            let event = PageEvent::Progress { run, phase, done: self.received, total: self.total };
            // A slow page misses it; more comes, and the end for certain.
            drop(self.tell.try_send(Word::Event(event)));
        }
        let text = whole_text(&mut self.piece);
        if !text.is_empty() {
            let event = PageEvent::Piece { run: self.run.clone(), text };
            drop(self.tell.try_send(Word::Event(event)));
        }
    }
}

/// Takes what is whole; the first bytes of a character that is still on its way stay.
fn whole_text(bytes: &mut Vec<u8>) -> String {
    let end = match std::str::from_utf8(bytes) {
        // Cut off within a character, which is no longer than four bytes.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // All of it is whole, or no text at all.
        _ => bytes.len(),
    };
    let rest = bytes.split_off(end);
    String::from_utf8_lossy(&std::mem::replace(bytes, rest)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_told_in_halves() {
        let check = |given: &[u8], told: &str, left: &[u8]| {
            let mut bytes = given.to_vec();
            assert_eq!((whole_text(&mut bytes).as_str(), bytes.as_slice()), (told, left));
        };
        check(b"data", "data", b"");
        check("a\u{e9}".as_bytes(), "a\u{e9}", b"");
        check(&"a\u{e9}".as_bytes()[..2], "a", &[0xc3]);
        check(b"a\xffb", "a\u{fffd}b", b"");
    }

    #[test]
    fn deeds_are_limited_and_named_once() {
        let (tell, _told) = mpsc::channel(1);
        let mut deeds = Deeds::new(Path::new("/nowhere"), tell);
        for n in 0..DEEDS_MAX {
            assert!(deeds.place(&n.to_string()).is_ok());
        }
        assert!(deeds.place("one more").is_err());
        let name = "3".to_owned();
        assert!(deeds.end(Ended { id: 1, name, result: Ok(Value::Null) }).get("reply").is_some());
        assert!(deeds.place("4").is_err(), "it is under way");
        assert!(deeds.place("3").is_ok());
    }
}
