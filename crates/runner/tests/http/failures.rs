//! Every way to fail, with its typed error and what is kept of the answer.

use std::time::Duration;

use satchel_runner::http::{Body, HeadFault, Phase, Request, SendError};
use satchel_runner::limits;
use satchel_runner::testing::{Act, TestServer, answer, raw};
use tokio::net::TcpListener;

use crate::{send, text};

const SHORT: Duration = Duration::from_millis(80);

/// The error of a request that is answered so.
async fn fail(acts: Vec<Act>) -> SendError {
    fail_with(acts, |_| {}).await
}

async fn fail_with(acts: Vec<Act>, change: impl Fn(&mut Request)) -> SendError {
    let server = TestServer::start(move |_| acts.clone()).await;
    let mut request = Request::new("GET", server.url("/"));
    change(&mut request);
    send(request).await.expect_err("no answer")
}

/// The phase of a reset, and the body that came before it.
async fn check_reset(acts: Vec<Act>, expected: Phase, body: Option<&str>) {
    let error = fail(acts).await;
    assert_eq!(error.partial().map(text).as_deref(), body, "{error}");
    match error {
        SendError::Reset { phase, .. } => assert_eq!(phase, expected),
        other => panic!("{other:?}"),
    }
}

async fn check_bad(answer: &str, expected: HeadFault) {
    match fail(raw(answer)).await {
        SendError::BadResponse { fault, .. } => assert_eq!(fault, expected, "{answer:?}"),
        other => panic!("{answer:?}: {other:?}"),
    }
}

#[tokio::test]
async fn a_refused_connection_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    match send(Request::new("GET", format!("http://{address}/"))).await {
        Err(SendError::Refused { address: told, .. }) => assert_eq!(told, address.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_without_address_is_told() {
    let url = "http://nowhere.invalid/";
    let mut request = Request::new("GET", url);
    request.settings.timeouts.connect = None;
    assert!(matches!(send(request).await, Err(SendError::Dns { host, .. }) if host == "nowhere.invalid"));
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_with_its_phase() {
    check_reset(vec![Act::Reset], Phase::Waiting, None).await;
    check_reset(vec![Act::Close], Phase::Waiting, None).await;
    check_reset(raw("HTTP/1.1 200 OK\r\nX: "), Phase::Head, None).await;
    check_reset(raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), Phase::Body, Some("abc")).await;
    check_reset(
        raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
        Phase::Body,
        Some("abc"),
    )
    .await;
}

#[tokio::test]
async fn a_reset_within_the_body_is_told() {
    // The answer is read before the reset arrives or lost to it; both are resets.
    let error =
        fail(vec![Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".into()), Act::Reset]).await;
    assert!(matches!(error, SendError::Reset { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    check_bad("SSH-2.0-OpenSSH_9.6\r\n", HeadFault::NotHttp { begins: "SSH-2.0-OpenSSH_9.6\r\n".into() })
        .await;
    check_bad("HTTP/1.1 2OO OK\r\n\r\n", HeadFault::NotHttp { begins: "HTTP/1.1 2OO OK\r\n\r\n".into() })
        .await;
    check_bad("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", HeadFault::Header).await;
    check_bad("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", HeadFault::ContentLength).await;
    check_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", HeadFault::Chunk).await;
    check_bad("HTTP/1.1 101 Switching\r\n\r\n", HeadFault::Switched).await;
}

#[tokio::test]
async fn a_million_headers_are_refused_early() {
    let acts = vec![Act::Send(b"HTTP/1.1 200 OK\r\n".into()), Act::Repeat(b"a: b\r\n".repeat(1_000))];
    let refused =
        SendError::BadResponse { fault: HeadFault::TooLong { limit: limits::HEAD_BYTES }, partial: None };
    assert_eq!(format!("{:?}", fail(acts).await), format!("{refused:?}"));
    check_bad(
        &format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(limits::HEADERS + 1)),
        HeadFault::TooManyHeaders { limit: limits::HEADERS },
    )
    .await;
}

async fn check_timeout(acts: Vec<Act>, change: impl Fn(&mut Request), expected: Phase, body: Option<&str>) {
    let error = fail_with(acts, change).await;
    assert_eq!(error.partial().map(text).as_deref(), body, "{error}");
    match error {
        SendError::Timeout { phase, limit, .. } => assert_eq!((phase, limit), (expected, SHORT)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_phase_has_its_time() {
    let begun = Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".into());
    let silent = vec![Act::Hang];
    let halfway = vec![begun, Act::Hang];
    check_timeout(silent.clone(), |it| it.settings.timeouts.first_byte = Some(SHORT), Phase::Waiting, None)
        .await;
    check_timeout(halfway.clone(), |it| it.settings.timeouts.idle = Some(SHORT), Phase::Body, Some("abc"))
        .await;
    check_timeout(silent, |it| it.settings.timeouts.total = Some(SHORT), Phase::Total, None).await;
    check_timeout(halfway, |it| it.settings.timeouts.total = Some(SHORT), Phase::Total, Some("abc")).await;
}

#[tokio::test]
async fn a_handshake_that_gets_no_answer_ends() {
    let server = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = server.local_addr().expect("an address");
    let mut request = Request::new("GET", format!("https://{address}/"));
    request.settings.timeouts.connect = Some(SHORT);
    let error = send(request).await.expect_err("no answer");
    assert!(matches!(error, SendError::Timeout { phase: Phase::Connecting, .. }), "{error:?}");
}

#[tokio::test]
async fn an_endless_body_stops_at_the_limit() {
    let head = Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".into());
    let error = fail_with(vec![head, Act::Repeat(vec![b'x'; 10_000])], |it| {
        it.settings.max_response_bytes = 100_000;
    })
    .await;
    assert_eq!(error.partial().map(|it| it.body.len()), Some(100_000));
    assert!(matches!(error, SendError::TooLarge { limit: 100_000, .. }), "{error:?}");
    let error = fail_with(answer("200 OK", vec![b'x'; 11]), |it| it.settings.max_response_bytes = 10).await;
    assert!(matches!(error, SendError::TooLarge { limit: 10, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_counts() {
    // The server reads the head only, answers, and closes without reading the body.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut buffer = [0; 1_000];
        stream.read_exact(&mut buffer).await.expect("a head");
        stream
            .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            .await
            .expect("it goes out");
        stream
    });
    let mut request = Request::new("POST", format!("http://{address}/"));
    request.body = Body::Bytes(vec![b'x'; 50_000_000]);
    let response = send(request).await.expect("an answer");
    assert_eq!((response.status, text(&response).as_str()), (413, "no"));
    drop(server);
}

#[tokio::test]
async fn odd_answers_that_are_whole_are_taken() {
    for (bytes, status, body) in [
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            200,
            "x",
        ),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, ""),
        ("HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end"),
        ("HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", 999, ""),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nabc", 200, "ab"),
    ] {
        let server = TestServer::start(move |_| raw(bytes)).await;
        let response = send(Request::new("GET", server.url("/"))).await.expect("an answer");
        assert_eq!((response.status, text(&response).as_str()), (status, body), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_server_that_sends_too_much_gets_no_second_request_on_the_connection() {
    let server = TestServer::start(|_| {
        vec![Act::Send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
                .into(),
        )]
    })
    .await;
    let client = satchel_runner::http::Client::default();
    for _ in 0..2 {
        let response =
            client.send(Request::new("GET", server.url("/")), &mut |_| {}).await.expect("an answer");
        assert_eq!(text(&response), "ab");
    }
    assert_eq!(server.received()[1].connection, 1);
}
