//! Messages over a socket, and handshakes that come to nothing.

use satchel_runner::http::{Client, HeadFault, Request, SendError};
use satchel_runner::limits;
use satchel_runner::testing::{Act, Received, TestServer, answer};
use satchel_runner::websocket::{Message, Socket, SocketFault};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::with_headers;

fn accept(request: &Received, then: Act) -> Vec<Act> {
    let accept = derive_accept_key(request.header("sec-websocket-key").concat().as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: two\r\n\r\n"
    );
    vec![Act::Send(head.into_bytes()), then]
}

async fn open(server: &TestServer) -> Result<Socket, SendError> {
    let url = server.url("/chat").replace("http", "ws");
    let request = with_headers(
        Request::new("GET", url),
        &[("x-Own", "1"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")],
    );
    Socket::open(&Client::default(), request, &["one".into(), "two".into()], &mut |_| {}).await
}

#[tokio::test]
async fn messages_go_and_come() {
    let server = TestServer::start(|it| accept(it, Act::EchoMessages)).await;
    let mut socket = open(&server).await.expect("a socket");
    let expected = "GET /chat HTTP/1.1\r\nx-Own: 1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: one, two\r\nHost: 127.0.0.1:PORT\r\n\r\n";
    assert_eq!(server.only(), expected);
    assert_eq!(socket.subprotocol(), Some(&b"two"[..]));
    for message in [Message::Text("ü".into()), Message::Binary(vec![0, 255])] {
        socket.send(message.clone()).await.expect("it goes out");
        assert_eq!(socket.next().await, Some(Ok(message)));
    }
    socket.send(Message::Ping(b"p".to_vec())).await.expect("it goes out");
    assert_eq!(socket.next().await, Some(Ok(Message::Pong(b"p".to_vec()))));
    let close = Message::Close { code: 1000, reason: "done".into() };
    socket.send(close.clone()).await.expect("it goes out");
    assert_eq!(socket.next().await, Some(Ok(close)));
    assert_eq!(socket.next().await, None);
    assert_eq!(socket.send(Message::Text(String::new())).await, Err(SocketFault::Closed));
}

#[tokio::test]
async fn a_server_that_opens_none_is_told_with_its_answer() {
    let server = TestServer::start(|_| answer("403 Forbidden", "no sockets here")).await;
    match open(&server).await {
        Err(SendError::BadResponse { fault: HeadFault::WebSocketRefused, partial }) => {
            let partial = partial.expect("the answer");
            assert_eq!((partial.status, partial.body.as_slice()), (403, &b"no sockets here"[..]));
        }
        other => panic!("{other:?}"),
    }
    let server =
        TestServer::start(|_| vec![Act::Send(b"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: x\r\n\r\n".into())])
            .await;
    assert!(matches!(
        open(&server).await,
        Err(SendError::BadResponse { fault: HeadFault::WebSocketAccept, .. })
    ));
}

/// The fault of a socket over which these bytes come.
async fn fault(bytes: Vec<u8>) -> SocketFault {
    let server = TestServer::start(move |it| accept(it, Act::Send(bytes.clone()))).await;
    let mut socket = open(&server).await.expect("a socket");
    socket.next().await.expect("something").expect_err("a fault")
}

#[tokio::test]
async fn messages_that_break_the_rules_are_told() {
    let too_large = (limits::MESSAGE_BYTES as u64 + 1).to_be_bytes();
    assert_eq!(fault([&[0x82, 127][..], &too_large].concat()).await, SocketFault::TooLarge);
    assert!(
        matches!(fault(vec![0x81, 1, 0xff]).await, SocketFault::Protocol { .. }),
        "text that is not UTF-8"
    );
    assert!(matches!(fault(vec![0x83, 0]).await, SocketFault::Protocol { .. }), "a kind that is not known");
    assert!(
        matches!(fault(vec![0x82, 0x80, 0, 0, 0, 0]).await, SocketFault::Protocol { .. }),
        "a masked frame"
    );
}
