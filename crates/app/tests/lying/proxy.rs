//! A line between one app and its server that reads every frame and may say something else.
//!
//! ```text
//!  app ──(HTTP, WebSocket)──▶ Line ──▶ server
//!                              │ Lie: what was said ▶ what is passed on
//!                              └ Memory: everything that was said on any line, and the chain of each ledger
//! ```
//! Invariants: without a lie every frame is passed on as it came; what a lie changed is counted, so that an
//! attack that never happened cannot pass; cutting a line ends all its connections.
//!
//! Does not know: what an attack is meant to show.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{SinkExt, StreamExt};
use satchel_crypto::{derive_chain, derive_chain_of_link};
use satchel_wire::{
    Chain, ClientFrame, CommitHeader, Head, ServerFrame, SignedHeader, WorkspaceId, decode, encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::person::Person;

/// Something that was said on a line.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// By the server.
    Server(ServerFrame),
    /// By the app.
    App(ClientFrame),
    /// By the server, in answer to a request at this route.
    Answer(String, Vec<u8>),
}

/// Something that is passed on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Say {
    /// To the app.
    ToApp(ServerFrame),
    /// To the server.
    ToServer(ClientFrame),
    /// To the app, whether or not it is a frame.
    Bytes(Vec<u8>),
    /// The body of an answer.
    Answer(Vec<u8>),
}

impl Said {
    /// What an honest line makes of it.
    pub(crate) fn honestly(self) -> Say {
        match self {
            Self::Server(frame) => Say::ToApp(frame),
            Self::App(frame) => Say::ToServer(frame),
            Self::Answer(_, body) => Say::Answer(body),
        }
    }
}

/// What a line makes of what is said.
pub(crate) type Lie = Box<dyn FnMut(&Memory, Said) -> Vec<Say> + Send>;

/// What was said on all lines of a stage.
pub(crate) struct Memory {
    /// The workspace that is attacked.
    pub(crate) shop: WorkspaceId,
    /// Another one with the same members.
    pub(crate) other: WorkspaceId,
    /// Of the server, on any line, in order.
    pub(crate) server: Vec<ServerFrame>,
    /// Of the apps, on any line, in order.
    pub(crate) apps: Vec<ClientFrame>,
    /// A member whose keys the server has: a viewer of both.
    pub(crate) mallory: Option<Arc<Person>>,
    chains: BTreeMap<(WorkspaceId, u64), Chain>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let nowhere = WorkspaceId::new([0; 16]);
        let (server, apps, chains) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { shop: nowhere, other: nowhere, server, apps, mallory: None, chains }
    }

    /// Forgets what was said.
    pub(crate) fn forget(&mut self) {
        self.server.clear();
        self.apps.clear();
        self.chains.clear();
    }

    /// The newest point of a ledger.
    pub(crate) fn head(&self, workspace: WorkspaceId) -> Head {
        let all = self.chains.range((workspace, 0)..=(workspace, u64::MAX));
        all.last().map_or(Head::EMPTY, |((_, seq), chain)| Head { seq: *seq, chain: *chain })
    }

    /// The point of a ledger before an entry.
    pub(crate) fn before(&self, workspace: WorkspaceId, seq: u64) -> Head {
        let at = self.chains.get(&(workspace, seq - 1));
        at.map_or(Head::EMPTY, |chain| Head { seq: seq - 1, chain: *chain })
    }

    /// The member whose keys the server has.
    pub(crate) fn mallory(&self) -> &Person {
        self.mallory.as_deref().expect("she was brought in")
    }

    /// Every entry of a workspace that was heard live, in order: seq, header, envelopes.
    pub(crate) fn entries(&self, of: WorkspaceId) -> Vec<(u64, SignedHeader, Vec<Vec<u8>>)> {
        let entry = |frame: &ServerFrame| match frame {
            ServerFrame::Entry { workspace, seq, header, envelopes } if *workspace == of => {
                let envelopes = envelopes.iter().map(|envelope| envelope.to_vec()).collect();
                Some((*seq, header.clone(), envelopes))
            }
            _ => None,
        };
        let mut entries: Vec<_> = self.server.iter().filter_map(entry).collect();
        entries.sort_by_key(|(seq, ..)| *seq);
        entries.dedup_by_key(|(seq, ..)| *seq);
        entries
    }

    fn note(&mut self, said: &Said) {
        match said {
            Said::Server(frame) => {
                self.note_chain(frame);
                self.server.push(frame.clone());
            }
            Said::App(frame) => self.apps.push(frame.clone()),
            Said::Answer(..) => {}
        }
    }

    fn note_chain(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Opened(opened) => {
                for entry in &opened.workspaces {
                    self.chains.insert((entry.workspace, entry.head.seq), entry.head.chain);
                }
            }
            ServerFrame::WorkspaceAdded(entry) => {
                self.chains.insert((entry.workspace, entry.head.seq), entry.head.chain);
            }
            ServerFrame::CaughtUp { workspace, head, .. } => {
                self.chains.insert((*workspace, head.seq), head.chain);
            }
            ServerFrame::Headers { workspace, first_seq, headers } => {
                for (seq, header) in (*first_seq..).zip(headers) {
                    self.extend(*workspace, seq, |chain| derive_chain(chain, &header.header));
                }
            }
            ServerFrame::Links { workspace, first_seq, links } => {
                for (seq, link) in (*first_seq..).zip(links) {
                    self.extend(*workspace, seq, |chain| derive_chain_of_link(chain, link.as_bytes()));
                }
            }
            ServerFrame::Entry { workspace, seq, header, .. } => {
                self.extend(*workspace, *seq, |chain| derive_chain(chain, &header.header));
            }
            ServerFrame::Accepted { workspace, commit, seq } => {
                let sent = self.apps.iter().find_map(|frame| match frame {
                    ClientFrame::Commit { header, .. } => {
                        let decoded = CommitHeader::decode(&header.header).ok()?;
                        (decoded.commit == *commit).then(|| header.header.to_vec())
                    }
                    _ => None,
                });
                if let Some(header) = sent {
                    self.extend(*workspace, *seq, |chain| derive_chain(chain, &header));
                }
            }
            _ => {}
        }
    }

    fn extend(&mut self, workspace: WorkspaceId, seq: u64, next: impl Fn(&[u8; 32]) -> [u8; 32]) {
        let before = match seq {
            1 => Some(Head::EMPTY.chain),
            _ => self.chains.get(&(workspace, seq - 1)).copied(),
        };
        if let Some(before) = before {
            self.chains.insert((workspace, seq), Chain::new(next(before.as_bytes())));
        }
    }
}

struct Shared {
    upstream: Mutex<SocketAddr>,
    lie: Mutex<Option<Lie>>,
    memory: Arc<Mutex<Memory>>,
    cut: watch::Sender<u64>,
    fired: watch::Sender<u64>,
}

/// A line; it listens as long as its process lives.
#[derive(Clone)]
pub(crate) struct Line {
    /// Its URL, which the app takes for the server's.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    pub(crate) async fn new(memory: Arc<Mutex<Memory>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Shared {
            upstream: Mutex::new(address),
            lie: Mutex::new(None),
            memory,
            cut: watch::channel(0).0,
            fired: watch::channel(0).0,
        });
        let own = shared.clone();
        tokio::spawn(async move {
            while let Ok((app, _)) = listener.accept().await {
                tokio::spawn(carry(app, own.clone()));
            }
        });
        Self { url: format!("http://{address}"), shared }
    }

    /// Leads to this server from now on; what is open stays where it is.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *lock(&self.shared.upstream) = server;
    }

    /// Lies from now on.
    pub(crate) fn lie(&self, lie: Lie) {
        *lock(&self.shared.lie) = Some(lie);
    }

    /// Says the truth from now on.
    pub(crate) fn be_honest(&self) {
        *lock(&self.shared.lie) = None;
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        self.shared.cut.send_modify(|count| *count += 1);
    }

    /// How often something else was said than what had been said, since the process began.
    pub(crate) fn fired(&self) -> watch::Receiver<u64> {
        self.shared.fired.subscribe()
    }
}

impl Shared {
    fn pass(&self, said: Said) -> Vec<Say> {
        let mut memory = lock(&self.memory);
        memory.note(&said);
        let truth = vec![said.clone().honestly()];
        let Some(lie) = &mut *lock(&self.lie) else { return truth };
        let told = lie(&memory, said);
        drop(memory);
        if told != truth {
            self.fired.send_modify(|count| *count += 1);
        }
        told
    }
}

async fn carry(app: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut cut = shared.cut.subscribe();
    tokio::select! {
        ended = converse(app, &shared) => ended,
        _ = cut.changed() => Ok(()),
    }
}

async fn converse(mut app: TcpStream, shared: &Shared) -> io::Result<()> {
    app.set_nodelay(true)?;
    let (head, rest) = read_head(&mut app).await?;
    let mut words = head.split(' ');
    let (method, route) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
    let upstream = *lock(&shared.upstream);
    let mut server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    if method == "GET" && route == "/v1/ws" {
        server.write_all(head.as_bytes()).await?;
        let (answer, first) = read_head(&mut server).await?;
        app.write_all(answer.as_bytes()).await?;
        if !answer.starts_with("HTTP/1.1 101") {
            app.write_all(&first).await?;
            return tokio::io::copy(&mut server, &mut app).await.map(drop);
        }
        return relay(app, server, first, shared).await;
    }
    let mut body = rest;
    let length = content_length(&head);
    read_up_to(&mut app, &mut body, length).await?;
    let (answer, body) = exchange(server, &head, &body).await?;
    let told = if answer.starts_with("HTTP/1.1 200") {
        shared.pass(Said::Answer(route, body))
    } else {
        vec![Say::Answer(body)]
    };
    for say in told {
        let Say::Answer(body) = say else { continue };
        let lines = answer.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !line.is_empty() && name != "content-length" && name != "connection"
        });
        let lines: Vec<_> = lines.collect();
        let head =
            format!("{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", lines.join("\r\n"), body.len());
        app.write_all(head.as_bytes()).await?;
        app.write_all(&body).await?;
    }
    app.shutdown().await
}

/// One request to a server, and its answer: head and body.
pub(crate) async fn exchange(
    mut server: TcpStream,
    head: &str,
    body: &[u8],
) -> io::Result<(String, Vec<u8>)> {
    let closing = head.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    server.write_all(closing.as_bytes()).await?;
    server.write_all(body).await?;
    let (answer, mut body) = read_head(&mut server).await?;
    assert!(!answer.to_ascii_lowercase().contains("transfer-encoding"), "an answer has its length: {answer}");
    read_up_to(&mut server, &mut body, content_length(&answer)).await?;
    Ok((answer, body))
}

async fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn read_up_to(stream: &mut TcpStream, body: &mut Vec<u8>, length: usize) -> io::Result<()> {
    while body.len() < length {
        if stream.read_buf(body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    value.unwrap_or(0)
}

async fn relay(app: TcpStream, server: TcpStream, first: Vec<u8>, shared: &Shared) -> io::Result<()> {
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let mut app = WebSocketStream::from_raw_socket(app, Role::Server, Some(config)).await;
    let mut server = WebSocketStream::from_partially_read(server, first, Role::Client, Some(config)).await;
    loop {
        let said = tokio::select! {
            message = app.next() => match message {
                Some(Ok(Message::Binary(bytes))) => decode("frame", &bytes).map(Said::App),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => break,
            },
            message = server.next() => match message {
                Some(Ok(Message::Binary(bytes))) => decode("frame", &bytes).map(Said::Server),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => break,
            },
        };
        let said = said.expect("the real app and the real server send frames");
        for say in shared.pass(said) {
            let sent = match say {
                Say::ToApp(frame) => app.send(Message::Binary(encode(&frame).into())).await,
                Say::Bytes(bytes) => app.send(Message::Binary(bytes.into())).await,
                Say::ToServer(frame) => server.send(Message::Binary(encode(&frame).into())).await,
                Say::Answer(_) => Ok(()),
            };
            if sent.is_err() {
                return Ok(());
            }
        }
    }
    // The app shall read what was sent before it sees the end.
    drop(app.close(None).await);
    drop(server.close(None).await);
    Ok(())
}
