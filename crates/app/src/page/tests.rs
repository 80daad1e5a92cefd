//! What is let in and what is not, over raw sockets.

use std::net::TcpListener;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const CODE: &str = "c0de";

/// A page of its own; its port.
fn begin(home: &Path) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    listen(listener, Gate::new(home, port, CODE.to_owned())).expect("it listens");
    port
}

/// Sends a request in which `PORT` stands for the port, and gives the whole answer.
async fn ask(port: u16, request: &str) -> String {
    ask_with(port, request, b"").await
}

/// The same, with bytes after it.
async fn ask_with(port: u16, request: &str, tail: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let text = request.replace("PORT", &port.to_string()).replace('\n', "\r\n");
    stream.write_all(text.as_bytes()).await.expect("it is written");
    stream.write_all(tail).await.expect("it is written");
    let mut answer = Vec::new();
    // A connection that is reset has answered before.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

async fn check(request: &str, status: u16) {
    let home = tempfile::tempdir().expect("a folder");
    let answer = ask(begin(home.path()), request).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
    assert!(answer.contains("content-security-policy: default-src 'none'"), "{answer}");
    assert!(!answer.contains("access-control-allow"), "{answer}");
}

fn exchange(headers: &str, body: &str) -> String {
    format!("POST /session HTTP/1.1\nConnection: close\nContent-Length: {}\n{headers}\n\n{body}", body.len())
}

const OWN: &str = "Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT\nContent-Type: application/json";
const UPGRADE: &str = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

#[tokio::test]
async fn the_page_is_given_to_its_own_host_alone() {
    check("GET / HTTP/1.1\nHost: 127.0.0.1:PORT\nConnection: close\n\n", 200).await;
    check("GET / HTTP/1.1\nHost: localhost:PORT\nConnection: close\n\n", 200).await;
    for host in ["evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "localhost.:PORT", "[::1]:PORT", ""] {
        check(&format!("GET / HTTP/1.1\nHost: {host}\nConnection: close\n\n"), 421).await;
    }
    check("GET /../../etc/passwd HTTP/1.1\nHost: 127.0.0.1:PORT\nConnection: close\n\n", 404).await;
}

#[tokio::test]
async fn another_site_cannot_act() {
    let body = r#"{"code":"c0de"}"#;
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:PORT",
        "http://127.0.0.1:1",
        "https://127.0.0.1:PORT",
    ] {
        let headers = format!("Host: 127.0.0.1:PORT\nOrigin: {origin}\nContent-Type: application/json");
        check(&exchange(&headers, body), 403).await;
        check(&format!("GET /host HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: {origin}\n{UPGRADE}\n\n"), 403)
            .await;
    }
    check(&exchange("Host: 127.0.0.1:PORT\nContent-Type: application/json", body), 403).await;
    let form = "Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT\nContent-Type: text/plain";
    check(&exchange(form, body), 415).await;
    check(
        "OPTIONS /session HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://evil.example\nConnection: close\n\n",
        403,
    )
    .await;
}

#[tokio::test]
async fn a_wrong_code_or_a_large_body_opens_nothing() {
    check(&exchange(OWN, r#"{"code":"c0dd"}"#), 403).await;
    check(&exchange(OWN, r#"{"code":""}"#), 403).await;
    check(&exchange(OWN, "c0de"), 400).await;
    check(&exchange(OWN, &"x".repeat(2000)), 413).await;
}

#[tokio::test]
async fn a_socket_needs_the_cookie() {
    let own = "Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT";
    check(&format!("GET /host HTTP/1.1\n{own}\n{UPGRADE}\nConnection: close\n\n"), 401).await;
    check(
        &format!("GET /host HTTP/1.1\n{own}\nCookie: satchel_PORT=00\n{UPGRADE}\nConnection: close\n\n"),
        401,
    )
    .await;
}

#[tokio::test]
async fn the_code_works_once_and_its_cookie_opens_the_socket() {
    let home = tempfile::tempdir().expect("a folder");
    let port = begin(home.path());
    let first = ask(port, &exchange(OWN, r#"{"code":"c0de"}"#)).await;
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    assert!(first.contains("; HttpOnly; SameSite=Strict; Path=/"), "{first}");
    let second = ask(port, &exchange(OWN, r#"{"code":"c0de"}"#)).await;
    assert!(second.starts_with("HTTP/1.1 403 "), "{second}");
    let cookie =
        first.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next()).expect("a cookie");
    let own = "Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT";
    // A key that is not the cookie's: a masked frame with `{}` ends it.
    let request = format!("GET /host HTTP/1.1\n{own}\nCookie: {cookie}\n{UPGRADE}\n\n");
    let answer = ask_with(port, &request, &[0x81, 0x82, 0, 0, 0, 0, b'{', b'}']).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(!answer.contains("event"), "{answer}");
}

#[tokio::test]
async fn a_page_may_ask_whether_its_session_is_gone() {
    check("GET /session HTTP/1.1\nHost: 127.0.0.1:PORT\nConnection: close\n\n", 401).await;
}

#[tokio::test]
async fn heads_are_limited() {
    let home = tempfile::tempdir().expect("a folder");
    let port = begin(home.path());
    let own = "GET / HTTP/1.1\nHost: 127.0.0.1:PORT\nConnection: close";
    let many = ask(port, &format!("{own}\n{}\n", "X-N: 1\n".repeat(70))).await;
    assert!(many.starts_with("HTTP/1.1 431 "), "{many}");
    let long = ask(port, &format!("{own}\nX-Long: {}\n\n", "x".repeat(40_000))).await;
    // It may be reset before its answer is read.
    assert!(!long.contains("HTTP/1.1 200"), "{long}");
    assert!(ask(port, &format!("{own}\n\n")).await.starts_with("HTTP/1.1 200 "));
}
