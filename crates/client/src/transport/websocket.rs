//! The WebSocket transport: one socket, a ping each way, silence counts as the end.
//!
//! The handshake is an ordinary request of the HTTP client, so that certificates, extra CA and proxy
//! (by CONNECT) are the same for both transports.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{StatusCode, Upgraded};
use satchel_sync::Disconnected;
use satchel_wire::limits::{FRAME_BYTES_MAX, PING_INTERVAL_MS, SILENCE_MS_MAX, SOCKET_BUFFER_BYTES};
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Ended, Events, Frames, deliver};
use crate::server::{Server, classify, unreachable_because};

/// How long the handshake may take before the way counts as blocked.
const HANDSHAKE_TIME: Duration = Duration::from_secs(15);
const PING: Duration = Duration::from_millis(PING_INTERVAL_MS);
const SILENCE: Duration = Duration::from_millis(SILENCE_MS_MAX);

/// An app has one socket, and a fresh one reads megabytes: each read is a call into the kernel.
const READ_BUFFER_BYTES: usize = 64 * 1024;

type Socket = WebSocketStream<Upgraded>;

pub(super) async fn run(server: &Server, events: &Events, frames: &mut Frames) -> Ended {
    let socket = match timeout(HANDSHAKE_TIME, connect(server)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(ended)) => return ended,
        Err(_) => return Ended::Blocked(unreachable_because("the WebSocket handshake got no answer".into())),
    };
    let (sink, mut stream) = socket.split();
    match timeout(HANDSHAKE_TIME, stream.next()).await {
        Ok(Some(Ok(Message::Binary(bytes)))) => {
            if let Err(why) = deliver(events, &bytes).await {
                return Ended::Over(why);
            }
        }
        _ => {
            return Ended::Blocked(unreachable_because(
                "the WebSocket opened, but nothing comes through it".into(),
            ));
        }
    }
    // Each side goes on while the other waits: a full pipe one way must not stop the other.
    let why = tokio::select! {
        why = write(sink, frames) => why,
        why = read(stream, events) => why,
    };
    Ended::Over(why)
}

async fn connect(server: &Server) -> Result<Socket, Ended> {
    let key = generate_key();
    let request = server
        .http
        .get(server.route("/v1/ws"))
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key);
    let answer = request.send().await.map_err(|error| end_of(&error))?;
    let status = answer.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Ended::Blocked(unreachable_because(format!("the WebSocket was refused with {status}"))));
    }
    let accept = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes().to_vec());
    if accept.as_deref() != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Ended::Blocked(unreachable_because(
            "the WebSocket's answer is not to this request".into(),
        )));
    }
    let upgraded = answer.upgrade().await.map_err(|error| Ended::Blocked(classify(&error)))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(SOCKET_BUFFER_BYTES)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
}

/// A server that cannot be reached has no other way in; a request that was cut off may be for its kind.
fn end_of(error: &reqwest::Error) -> Ended {
    if error.is_connect() { Ended::Over(classify(error)) } else { Ended::Blocked(classify(error)) }
}

async fn write(mut sink: SplitSink<Socket, Message>, frames: &mut Frames) -> Disconnected {
    let mut ping = interval_at(Instant::now() + PING, PING);
    loop {
        let sent = tokio::select! {
            frame = frames.recv() => {
                let Some(frame) = frame else {
                    let _ = sink.close().await;
                    return Disconnected::Idle;
                };
                sink.send(Message::Binary(frame.into())).await
            }
            _ = ping.tick() => sink.send(Message::Ping(tungstenite::Bytes::new())).await,
        };
        if let Err(error) = sent {
            return unreachable_because(format!("sending failed: {error}"));
        }
    }
}

async fn read(mut stream: SplitStream<Socket>, events: &Events) -> Disconnected {
    loop {
        let message = match timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return unreachable_because(format!("the connection broke: {error}")),
            Ok(None) => return unreachable_because("the server closed the connection".into()),
            Err(_) => return unreachable_because(format!("nothing was heard for {} s", SILENCE.as_secs())),
        };
        if let Message::Binary(bytes) = message
            && let Err(why) = deliver(events, &bytes).await
        {
            return why;
        }
    }
}
