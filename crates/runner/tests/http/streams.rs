//! Answers that show as they come, and sends that are given up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use satchel_runner::http::{Client, Event, Phase, Request, SendError};
use satchel_runner::testing::{Act, TestServer, answer};

#[tokio::test]
async fn events_come_before_the_answer_ends() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let body = "retry: 5\nid: 7\ndata: one\n\nevent: tick\ndata: two\n\n";
    let acts = vec![Act::Send(format!("{head}{body}").into_bytes()), Act::Hang];
    let server = TestServer::start(move |_| acts.clone()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let mut listen = move |event: Event<'_>| {
        if let Event::ServerSentEvent(event) = event {
            listener.lock().expect("a list").push(format!("{} {} {}", event.event, event.data, event.id));
        }
    };
    let mut request = Request::new("GET", server.url("/"));
    request.settings.timeouts.idle = Some(Duration::from_millis(80));
    let error = Client::default().send(request, &mut listen).await.expect_err("it never ends");
    assert!(matches!(error, SendError::Timeout { phase: Phase::Body, .. }), "{error:?}");
    assert_eq!(*told.lock().expect("a list"), ["message one 7", "tick two 7"]);
    assert_eq!(error.partial().map(|it| it.body.as_slice()), Some(body.as_bytes()));
}

#[tokio::test]
async fn what_happens_is_told_in_order() {
    let server = TestServer::start(|_| {
        vec![Act::Send(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab".into())]
    })
    .await;
    let mut told = Vec::new();
    let mut listen = |event: Event<'_>| {
        told.push(match event {
            Event::Connected { reused, .. } => format!("connected {reused}"),
            Event::RequestSent { head } => format!("sent {}", head.len()),
            Event::Interim { status } => format!("interim {status}"),
            Event::Head { status, headers } => format!("head {status} {}", headers.len()),
            Event::Chunk(piece) => format!("chunk {}", piece.len()),
            other => format!("{other:?}"),
        });
    };
    let response =
        Client::default().send(Request::new("GET", server.url("/")), &mut listen).await.expect("an answer");
    let sent = format!("sent {}", response.sent.len());
    assert_eq!(told, ["connected false", &sent, "interim 103", "head 200 1", "chunk 2"]);
    let timings = response.timings;
    let phases = [
        timings.queued,
        timings.dns,
        timings.connect,
        timings.request_sent,
        timings.first_byte,
        timings.download,
    ];
    assert!(phases.iter().sum::<u64>() <= timings.total, "{timings:?}");
}

#[tokio::test]
async fn a_send_that_is_dropped_leaves_the_client_well() {
    let server = TestServer::start(|it| match it.path().as_str() {
        "/hang" => vec![Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".into()), Act::Hang],
        _ => answer("200 OK", "well"),
    })
    .await;
    let client = Client::default();
    client.send(Request::new("GET", server.url("/")), &mut |_| {}).await.expect("an answer");
    let mut begun = false;
    let mut listen = |event: Event<'_>| begun |= matches!(event, Event::Chunk(_));
    let sending = client.send(Request::new("GET", server.url("/hang")), &mut listen);
    assert!(tokio::time::timeout(Duration::from_millis(80), sending).await.is_err());
    assert!(begun);
    let response = client.send(Request::new("GET", server.url("/")), &mut |_| {}).await.expect("an answer");
    assert_eq!((response.body.as_slice(), response.reused), (&b"well"[..], false));
}

#[tokio::test]
async fn trailers_are_kept() {
    let server = TestServer::start(|_| {
        vec![Act::Send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n".into(),
        )]
    })
    .await;
    let response = crate::send(Request::new("GET", server.url("/"))).await.expect("an answer");
    assert_eq!(response.trailers, [("X-Sum".to_owned(), b"7".to_vec())]);
}
