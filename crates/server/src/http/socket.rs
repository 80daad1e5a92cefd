//! A connection over a WebSocket: three loops in one task, and whichever ends first ends it.
//!
//! One reads frames, one writes what the outbox gives, and one waits for the end and then allows the
//! last frames a bounded time. Reading goes on while a write waits for a slow network, so that two
//! ends which both write cannot block each other.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use satchel_wire::limits::{FRAME_BYTES_MAX, SOCKET_BUFFER_BYTES};
use satchel_wire::{ErrorCode, Refusal, ServerFrame};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::answer;
use crate::metrics::Transport;
use crate::server::Server;
use crate::session::{Outbox, Session};

/// Upgrades to a WebSocket.
pub(crate) async fn upgrade(
    State(server): State<Arc<Server>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let headers = [(header::UPGRADE, HeaderValue::from_static("websocket"))];
        return (StatusCode::UPGRADE_REQUIRED, headers, "this address is for WebSockets\n").into_response();
    };
    let Some((session, welcome)) = Session::begin(&server, Transport::Socket) else {
        return answer::refuse(&Refusal::new(ErrorCode::GoingAway, "the server is shutting down; reconnect"));
    };
    session.outbox().push(&ServerFrame::Welcome(welcome));
    upgrade
        .read_buffer_size(SOCKET_BUFFER_BYTES)
        .write_buffer_size(SOCKET_BUFFER_BYTES)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(move |socket| run(server, session, socket))
}

async fn run(server: Arc<Server>, session: Session, socket: WebSocket) {
    let outbox = session.outbox();
    let (sink, stream) = socket.split();
    let part = async {
        outbox.wait_ended().await;
        sleep(server.times.parting).await;
    };
    tokio::select! {
        () = read(&server, session, stream) => {}
        () = write(&server, &outbox, sink) => {}
        () = part => {}
    }
}

/// Reads until the app is gone. After the end it reads on and drops what comes.
async fn read(server: &Server, mut session: Session, mut stream: SplitStream<WebSocket>) {
    let outbox = session.outbox();
    let opens_until = Instant::now() + server.times.open;
    loop {
        let wait = if session.is_open() {
            server.times.silence
        } else {
            opens_until.saturating_duration_since(Instant::now()).min(server.times.silence)
        };
        match timeout(wait, stream.next()).await {
            Err(_) if outbox.ended().is_some() => sleep(wait.max(Duration::from_secs(1))).await,
            Err(_) => outbox.end(&Refusal::new(ErrorCode::TooSlow, "nothing came for too long; reconnect")),
            Ok(Some(Ok(Message::Binary(bytes)))) => session.receive(&bytes).await,
            Ok(Some(Ok(Message::Text(_)))) => {
                outbox.end(&Refusal::new(ErrorCode::BadRequest, "frames are binary messages"));
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Err(error))) => match too_large(&error) {
                Some(refusal) => {
                    outbox.end(&refusal);
                    std::future::pending::<()>().await;
                }
                None => return,
            },
            Ok(Some(Ok(Message::Close(_))) | None) => return,
        }
    }
}

/// A message over the limit is told; its sender may still read. Anything else is a broken transport.
fn too_large(error: &axum::Error) -> Option<Refusal> {
    // The library's error is not re-exported, so its text is all there is.
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("too long") {
            let detail = format!("a frame has at most {FRAME_BYTES_MAX} bytes");
            return Some(Refusal::new(ErrorCode::TooLarge, detail));
        }
        source = error.source();
    }
    None
}

/// Writes until the last frame is out or the app is gone.
async fn write(server: &Server, outbox: &Outbox, mut sink: SplitSink<WebSocket, Message>) {
    let mut ping_at = Instant::now() + server.times.ping;
    loop {
        let frame = tokio::select! {
            frame = outbox.next() => frame,
            () = sleep_until(ping_at) => {
                ping_at += server.times.ping;
                if sink.send(Message::Ping(axum::body::Bytes::new())).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let Some(frame) = frame else { break };
        server.metrics.sent(frame.len());
        let mut fed = sink.feed(Message::Binary(frame)).await;
        while fed.is_ok()
            && let Some(frame) = outbox.try_next()
        {
            server.metrics.sent(frame.len());
            fed = sink.feed(Message::Binary(frame)).await;
        }
        if fed.is_err() || sink.flush().await.is_err() {
            return;
        }
    }
    let code =
        if outbox.ended() == Some(ErrorCode::GoingAway) { close_code::AWAY } else { close_code::NORMAL };
    // The app may be gone already; either way this was the last.
    drop(sink.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await);
}
