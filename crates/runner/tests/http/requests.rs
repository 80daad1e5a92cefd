//! What goes over the wire for a request without a body, and what cannot.

use satchel_runner::http::{Client, Phase, Request, SendError, UrlFault};
use satchel_runner::testing::{TestServer, answer};

use crate::{send, with_headers};

async fn check(method: &str, path: &str, headers: &[(&str, &str)], expected: &str) {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let request = with_headers(Request::new(method, server.url(path)), headers);
    let response = send(request).await.expect("an answer");
    assert_eq!(server.only(), expected);
    let sent =
        String::from_utf8_lossy(&response.sent).replace(&format!(":{}", server.address.port()), ":PORT");
    assert_eq!(sent, expected, "what the response tells of it");
    assert_eq!(response.sizes.sent_head, response.sent.len() as u64);
}

#[tokio::test]
async fn headers_go_out_in_order_case_and_number() {
    let headers = [("x-B", "1"), ("X-a", "2"), ("x-B", "3"), ("Accept", ""), ("ACCEPT", "*/*")];
    let expected = "GET /x?y=1 HTTP/1.1\r\nx-B: 1\r\nX-a: 2\r\nx-B: 3\r\nAccept: \r\nACCEPT: */*\r\nHost: 127.0.0.1:PORT\r\n\r\n";
    check("GET", "/x?y=1", &headers, expected).await;
}

#[tokio::test]
async fn any_token_is_a_method() {
    check("M-SEARCH", "", &[], "M-SEARCH / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 0\r\n\r\n")
        .await;
    check(
        "purge",
        "/",
        &[("hOST", "a.test")],
        "purge / HTTP/1.1\r\nhOST: a.test\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn a_path_goes_out_as_written() {
    let expected = "GET /a/../b//c;d?e={f}&g=%zz|%20 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n";
    check("GET", "/a/../b//c;d?e={f}&g=%zz| #end", &[], expected).await;
}

#[tokio::test]
async fn a_url_cannot_split_a_request() {
    let expected =
        "GET /x%20HTTP/1.1%0D%0AEvil:%201%0D%0A%0D%0AGET%20/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n";
    check("GET", "/x HTTP/1.1\r\nEvil: 1\r\n\r\nGET /", &[], expected).await;
}

#[tokio::test]
async fn a_header_or_method_cannot_split_a_request() {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let attempts = [
        ("GET", "X", "a\r\nEvil: 1"),
        ("GET", "X", "a\nEvil: 1"),
        ("GET", "X", "a\rEvil: 1"),
        ("GET", "X", "a\0"),
        ("GET", "X: 1\r\nEvil", "a"),
        ("GET", "X ", "a"),
        ("GET", "", "a"),
        ("GET / HTTP/1.1\r\nEvil: 1\r\n\r\nGET", "X", "a"),
        ("G T", "X", "a"),
        ("", "X", "a"),
    ];
    for (method, name, value) in attempts {
        let result = send(with_headers(Request::new(method, server.url("/")), &[(name, value)])).await;
        let refused = matches!(result, Err(SendError::BadHeader { .. } | SendError::BadMethod { .. }));
        assert!(refused, "{method:?} {name:?} {value:?}: {result:?}");
    }
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn what_is_no_url_is_refused() {
    for (url, expected) in [
        ("", UrlFault::Scheme),
        ("{{base}}/x", UrlFault::Scheme),
        ("file:///etc/passwd", UrlFault::Scheme),
        ("ws://127.0.0.1/", UrlFault::Scheme),
        ("http://", UrlFault::Host),
        ("http://a\r\nb/", UrlFault::Host),
        ("http://a:b/", UrlFault::Port),
    ] {
        match send(Request::new("GET", url)).await {
            Err(SendError::BadUrl { fault, .. }) => assert_eq!(fault, expected, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_user_in_the_url_signs_in() {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let url = server.url("/").replace("//", "//me:p%40ss@");
    send(Request::new("GET", &url)).await.expect("an answer");
    assert_eq!(server.received()[0].header("authorization"), ["Basic bWU6cEBzcw=="]);
    let request = with_headers(Request::new("GET", url), &[("authorization", "mine")]);
    send(request).await.expect("an answer");
    assert_eq!(server.received()[1].header("authorization"), ["mine"]);
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = TestServer::start(|_| answer("200 OK", "body")).await;
    let client = Client::default();
    for count in 0..3 {
        let response =
            client.send(Request::new("GET", server.url("/")), &mut |_| {}).await.expect("an answer");
        assert_eq!(response.reused, count > 0);
    }
    assert!(server.received().iter().all(|it| it.connection == 0));
}

#[tokio::test]
async fn a_connection_is_not_kept_when_the_server_closes_it() {
    let server = TestServer::start(|_| answer("200 OK\r\nConnection: close", "body")).await;
    let client = Client::default();
    for _ in 0..2 {
        client.send(Request::new("GET", server.url("/")), &mut |_| {}).await.expect("an answer");
    }
    assert_eq!(server.received().iter().map(|it| it.connection).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn a_request_over_a_connection_closed_meanwhile_goes_over_a_new_one() {
    // The second request on a connection meets its end.
    let server = TestServer::start(|it| {
        if it.path() == "/second" && it.connection == 0 { raw_close() } else { answer("200 OK", "body") }
    })
    .await;
    let client = Client::default();
    client.send(Request::new("GET", server.url("/first")), &mut |_| {}).await.expect("an answer");
    let response =
        client.send(Request::new("PUT", server.url("/second")), &mut |_| {}).await.expect("an answer");
    assert_eq!((response.status, response.reused), (200, false));
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn a_request_that_may_have_been_done_is_not_sent_twice() {
    let server =
        TestServer::start(|it| if it.path() == "/second" { raw_close() } else { answer("200 OK", "") }).await;
    let client = Client::default();
    client.send(Request::new("GET", server.url("/first")), &mut |_| {}).await.expect("an answer");
    let result = client.send(Request::new("POST", server.url("/second")), &mut |_| {}).await;
    assert!(matches!(result, Err(SendError::Reset { phase: Phase::Waiting, .. })), "{result:?}");
    assert_eq!(server.received().len(), 2);
}

fn raw_close() -> Vec<satchel_runner::testing::Act> {
    vec![satchel_runner::testing::Act::Close]
}

#[tokio::test]
async fn a_length_written_by_hand_goes_out_and_ends_the_connection() {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let client = Client::default();
    for _ in 0..2 {
        let request = with_headers(
            Request::new("POST", server.url("/")),
            &[("content-length", "0"), ("Content-Length", "0")],
        );
        client.send(request, &mut |_| {}).await.expect("an answer");
    }
    let received = server.received();
    assert_eq!(received[0].header("content-length"), ["0", "0"]);
    assert_eq!(received[1].connection, 1);
}
