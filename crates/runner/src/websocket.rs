//! WebSocket requests: the handshake by the same rules as any request (headers as written, cookies, proxies, TLS),
//! then messages.
//!
//! Knows nothing of what messages mean.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use rand_core::{OsRng, RngCore as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use crate::http::{Client, Event, Request, Response, SendError, Wire};
use crate::limits;

/// A message, one way or the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A ping; the answer to one goes out by itself.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The end, with its code (1005 where none is told) and reason.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
}

/// Why a message did not go or come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketFault {
    /// The socket is closed.
    Closed,
    /// The message is larger than [`limits::MESSAGE_BYTES`].
    TooLarge,
    /// The other end broke the protocol.
    Protocol {
        /// How.
        detail: String,
    },
    /// The connection broke.
    Broken {
        /// What the system said.
        detail: String,
    },
}

impl SocketFault {
    fn of(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Self::Closed,
            tungstenite::Error::Capacity(_) => Self::TooLarge,
            tungstenite::Error::Io(error) => Self::Broken { detail: error.to_string() },
            tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Broken { detail: "the connection ended without a farewell".into() }
            }
            other => Self::Protocol { detail: other.to_string() },
        }
    }
}

impl fmt::Display for SocketFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the WebSocket is closed"),
            Self::TooLarge => write!(f, "the message is larger than {} bytes", limits::MESSAGE_BYTES),
            Self::Protocol { detail } => write!(f, "the other end broke the WebSocket protocol: {detail}"),
            Self::Broken { detail } => write!(f, "the connection broke: {detail}"),
        }
    }
}

impl std::error::Error for SocketFault {}

/// An open WebSocket.
pub struct Socket {
    /// The handshake's answer; its headers name the subprotocol.
    pub handshake: Response,
    stream: WebSocketStream<Box<dyn Wire>>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}

impl Socket {
    /// Opens a WebSocket to a `ws` or `wss` URL (`http` and `https` count as such).
    ///
    /// The request's headers go out first and as written; those of the handshake that are absent follow, the
    /// subprotocols among them.
    pub async fn open(
        client: &Client,
        mut request: Request,
        subprotocols: &[String],
        events: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Self, SendError> {
        let mut key = [0; 16];
        OsRng.fill_bytes(&mut key);
        let key = STANDARD.encode(key);
        let handshake = [
            ("Connection", "Upgrade".to_owned()),
            ("Upgrade", "websocket".to_owned()),
            ("Sec-WebSocket-Version", "13".to_owned()),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Protocol", subprotocols.join(", ")),
        ];
        for (name, value) in handshake {
            if request.header(name).is_none() && !value.is_empty() {
                request.headers.push((name.to_owned(), value.into_bytes()));
            }
        }
        let key = request.header("sec-websocket-key").unwrap_or_default();
        let accept = derive_accept_key(key);
        let (handshake, wire, early) = client.switch(request, &accept, events).await?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(limits::MESSAGE_BYTES))
            .max_frame_size(Some(limits::MESSAGE_BYTES));
        let stream = WebSocketStream::from_partially_read(wire, early, Role::Client, Some(config)).await;
        Ok(Self { handshake, stream })
    }

    /// The subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&[u8]> {
        self.handshake.header("sec-websocket-protocol")
    }

    /// Sends a message; [`Message::Close`] begins the end, which [`Socket::next`] waits out.
    pub async fn send(&mut self, message: Message) -> Result<(), SocketFault> {
        let frame = match message {
            Message::Text(text) if text.len() > limits::MESSAGE_BYTES => return Err(SocketFault::TooLarge),
            Message::Binary(bytes) if bytes.len() > limits::MESSAGE_BYTES => {
                return Err(SocketFault::TooLarge);
            }
            Message::Ping(bytes) | Message::Pong(bytes) if bytes.len() > 125 => {
                return Err(SocketFault::TooLarge);
            }
            Message::Close { reason, .. } if reason.len() > 123 => return Err(SocketFault::TooLarge),
            Message::Text(text) => Frame::Text(text.into()),
            Message::Binary(bytes) => Frame::Binary(bytes.into()),
            Message::Ping(bytes) => Frame::Ping(bytes.into()),
            Message::Pong(bytes) => Frame::Pong(bytes.into()),
            Message::Close { code, reason } => {
                Frame::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
            }
        };
        self.stream.send(frame).await.map_err(SocketFault::of)
    }

    /// The next message; `None` once the socket has ended in good order.
    pub async fn next(&mut self) -> Option<Result<Message, SocketFault>> {
        loop {
            let message = match self.stream.next().await? {
                Ok(Frame::Text(text)) => Message::Text(text.as_str().to_owned()),
                Ok(Frame::Binary(bytes)) => Message::Binary(bytes.into()),
                Ok(Frame::Ping(bytes)) => Message::Ping(bytes.into()),
                Ok(Frame::Pong(bytes)) => Message::Pong(bytes.into()),
                Ok(Frame::Close(None)) => Message::Close { code: 1005, reason: String::new() },
                Ok(Frame::Close(Some(frame))) => {
                    Message::Close { code: frame.code.into(), reason: frame.reason.as_str().to_owned() }
                }
                Ok(Frame::Frame(_)) => continue,
                Err(tungstenite::Error::ConnectionClosed) => return None,
                Err(error) => return Some(Err(SocketFault::of(error))),
            };
            return Some(Ok(message));
        }
    }
}
