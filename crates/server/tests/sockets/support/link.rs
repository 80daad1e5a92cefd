//! Requests and connections, without any library of the product's client.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use satchel_wire::{
    ClientFrame, MEDIA_TYPE, PollId, PollOpen, PollReply, PollRequest, Refusal, ServerFrame, Welcome, decode,
    encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::refusal;

/// After this a test has hung; nothing waits for it to pass.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// How a connection is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Socket,
    Poll,
}

/// Sends one request and returns status, head and body of the answer.
pub(crate) async fn request(address: &str, head: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    let head =
        format!("{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    // A server that refuses a large body need not read it.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let read = timeout(WAIT, stream.read_to_end(&mut answer)).await.expect("the server answers in time");
    assert!(read.is_ok() || !answer.is_empty(), "no answer: {read:?}");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("the answer has a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("the head has a status");
    (status, head, answer.split_off(end + 4))
}

/// Posts bytes with the media type of messages.
pub(crate) async fn post_raw(address: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let head = format!("POST {path} HTTP/1.1\r\nContent-Type: {MEDIA_TYPE}");
    let (status, _, body) = request(address, &head, body).await;
    (status, body)
}

/// Posts a message.
pub(crate) async fn post<Q, A>(address: &str, path: &str, message: &Q) -> Result<A, Refusal>
where
    Q: Encode<()>,
    A: for<'b> Decode<'b, ()>,
{
    let (status, body) = post_raw(address, path, &encode(message)).await;
    if status == 200 {
        Ok(decode("answer", &body).expect("the answer is a message"))
    } else {
        Err(refusal(&body))
    }
}

/// An open connection of either kind.
pub(crate) enum Link {
    Socket(Box<WebSocketStream<TcpStream>>),
    Poll(Polled),
}

/// A connection over plain requests.
pub(crate) struct Polled {
    pub(crate) address: String,
    pub(crate) poll: PollId,
    pub(crate) sent: u64,
    pub(crate) read: u64,
    pub(crate) waiting: VecDeque<Vec<u8>>,
}

impl Link {
    /// Connects and takes the greeting.
    pub(crate) async fn connect(address: &str, transport: Transport) -> (Self, Welcome) {
        match transport {
            Transport::Socket => Self::connect_socket(address).await,
            Transport::Poll => {
                let (status, body) = post_raw(address, "/v1/poll/open", &[]).await;
                assert_eq!(status, 200);
                let PollOpen { poll, welcome } = decode("poll", &body).expect("the answer is a message");
                let address = address.to_owned();
                (Self::Poll(Polled { address, poll, sent: 0, read: 0, waiting: VecDeque::new() }), welcome)
            }
        }
    }

    async fn connect_socket(address: &str) -> (Self, Welcome) {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let url = format!("ws://{address}/v1/ws");
        let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config))
            .await
            .expect("the server upgrades");
        let mut link = Self::Socket(Box::new(socket));
        match link.next().await {
            ServerFrame::Welcome(welcome) => (link, welcome),
            other => panic!("the first frame was {other:?}"),
        }
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.send_raw(encode(frame)).await;
    }

    /// Sends bytes as a frame.
    pub(crate) async fn send_raw(&mut self, bytes: Vec<u8>) {
        match self {
            Self::Socket(socket) => {
                socket.send(Message::Binary(bytes.into())).await.expect("the socket is open");
            }
            Self::Poll(polled) => {
                let reply = polled.post(polled.sent, vec![bytes.into()], 0).await.expect("frames are taken");
                assert_eq!(reply.frames.len(), 0);
                polled.sent += 1;
            }
        }
    }

    /// The next frame; fails the test if none comes.
    pub(crate) async fn next(&mut self) -> ServerFrame {
        self.try_next().await.expect("the connection is open")
    }

    /// The next frame, or none if the connection is over.
    pub(crate) async fn try_next(&mut self) -> Option<ServerFrame> {
        let bytes = timeout(WAIT, self.next_raw()).await.expect("a frame comes in time")?;
        Some(decode("frame", &bytes).expect("the server sends frames"))
    }

    /// The bytes of the next frame, or none if the connection is over.
    pub(crate) async fn next_raw(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Socket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Some(bytes.to_vec()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => return None,
                }
            },
            Self::Poll(polled) => polled.next().await,
        }
    }

    /// Reads on until a frame for which `pick` gives something.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(ServerFrame) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    /// Reads on to the last frame, which must be a refusal, and to the end behind it.
    pub(crate) async fn refused(&mut self) -> Refusal {
        let refusal = self
            .until(|frame| match frame {
                ServerFrame::Refused(refusal) => Some(refusal),
                _ => None,
            })
            .await;
        if let Self::Socket(_) = self {
            assert_eq!(self.try_next().await, None, "a refusal is the last frame");
        }
        refusal
    }

    /// Sends a ping and returns once it is answered, with the frames that came before.
    pub(crate) async fn settle(&mut self) -> Vec<ServerFrame> {
        self.send(&ClientFrame::Ping).await;
        let mut before = Vec::new();
        loop {
            match self.next().await {
                ServerFrame::Pong => return before,
                frame => before.push(frame),
            }
        }
    }
}

impl Polled {
    /// Sends one request.
    pub(crate) async fn post(
        &self,
        first: u64,
        frames: Vec<ByteVec>,
        wait_ms: u64,
    ) -> Result<PollReply, Refusal> {
        let request = PollRequest { poll: self.poll, first, frames, read: self.read, wait_ms };
        post(&self.address, "/v1/poll", &request).await
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                self.read += 1;
                return Some(frame);
            }
            let reply = self.post(self.sent, Vec::new(), 10_000).await.ok()?;
            assert_eq!(reply.first, self.read, "the server goes on where the app is");
            self.waiting.extend(reply.frames.into_iter().map(Into::into));
        }
    }
}
