//! Redirects by the settings.

use satchel_runner::http::{Body, Client, Event, Request, SendError, Settings};
use satchel_runner::testing::{Act, TestServer, answer};

use crate::{send, with_headers};

/// `/302` redirects so to `/end`.
fn by_path(path: &str) -> Vec<Act> {
    match path.trim_start_matches('/').parse::<u16>() {
        Ok(status) => answer(&format!("{status} Moved\r\nLocation: end"), "body of the redirect"),
        Err(_) => answer("200 OK", "the end"),
    }
}

/// The request line and body that arrive at the end.
async fn check(method: &str, status: u16, keep: bool, expected: &str) {
    let server = TestServer::start(|it| by_path(&it.path())).await;
    let headers = [("Content-Type", "x/y"), ("Content-Language", "en"), ("X", "1")];
    let mut request = with_headers(Request::new(method, server.url(&format!("/{status}"))), &headers);
    request.body = Body::Bytes(b"sent".to_vec());
    request.settings.keep_method_on_redirect = keep;
    let response = send(request).await.expect("an answer");
    let last = &server.received()[1];
    let line = last.text().lines().next().unwrap_or_default().to_owned();
    let typed = last.header("content-type").concat();
    assert_eq!(
        format!("{line} {typed} {}", String::from_utf8_lossy(&last.body)),
        expected,
        "{method} {status}"
    );
    assert_eq!(last.header("x"), ["1"]);
    assert_eq!(last.header("referer"), [server.url(&format!("/{status}"))]);
    assert_eq!((response.body.as_slice(), response.redirects[0].status), (&b"the end"[..], status));
    assert_eq!(last.connection, 0, "over the same connection");
}

#[tokio::test]
async fn a_redirect_becomes_get_unless_kept() {
    for status in [301, 302, 303] {
        check("POST", status, false, "GET /end HTTP/1.1  ").await;
        check("PUT", status, false, "GET /end HTTP/1.1  ").await;
        check("POST", status, true, "POST /end HTTP/1.1 x/y sent").await;
    }
    for status in [307, 308] {
        check("POST", status, false, "POST /end HTTP/1.1 x/y sent").await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_where_the_settings_say_so() {
    let server = TestServer::start(|it| by_path(&it.path())).await;
    let mut request = Request::new("GET", server.url("/302"));
    request.settings.follow_redirects = false;
    let response = send(request).await.expect("an answer");
    assert_eq!((response.status, response.body.as_slice()), (302, &b"body of the redirect"[..]));
    let server = TestServer::start(|_| answer("304 Not Modified\r\nLocation: /x", "")).await;
    assert_eq!(send(Request::new("GET", server.url("/"))).await.expect("an answer").status, 304);
    let server = TestServer::start(|_| answer("302 Nowhere", "x")).await;
    assert_eq!(send(Request::new("GET", server.url("/"))).await.expect("an answer").status, 302);
}

#[tokio::test]
async fn redirects_have_an_end() {
    let server = TestServer::start(|_| answer("302 Again\r\nLocation: /again", "")).await;
    let mut request = Request::new("GET", server.url("/"));
    request.settings.max_redirects = 3;
    match send(request).await {
        Err(SendError::TooManyRedirects { limit: 3, partial }) => {
            let partial = partial.expect("the last answer");
            assert_eq!((partial.status, partial.redirects.len()), (302, 3));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.received().len(), 4);
}

/// The headers that reach another host after a redirect from `127.0.0.1`.
async fn across(change: impl Fn(&mut Settings)) -> Vec<String> {
    let other = TestServer::start(|_| answer("200 OK", "")).await;
    let location = other.url("/end").replace("127.0.0.1", "localhost");
    let server = TestServer::start(move |_| answer(&format!("302 Moved\r\nLocation: {location}"), "")).await;
    let headers = [("Authorization", "secret"), ("Cookie", "a=b"), ("Host", "own.test"), ("X", "1")];
    let mut request =
        with_headers(Request::new("GET", server.url("/start#here").replace("//", "//me:pass@")), &headers);
    change(&mut request.settings);
    send(request).await.expect("an answer");
    let ports = [server.address.port().to_string(), other.address.port().to_string()];
    let text = other.received()[0].text().replace(&ports[0], "ONE").replace(&ports[1], "TWO");
    text.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let told = across(|_| {}).await;
    assert_eq!(told, ["X: 1", "Referer: http://127.0.0.1:ONE/start", "Host: localhost:TWO"]);
    let told = across(|settings| settings.keep_authorization_on_redirect = true).await;
    assert_eq!(
        told,
        ["Authorization: secret", "X: 1", "Referer: http://127.0.0.1:ONE/start", "Host: localhost:TWO"]
    );
    let told = across(|settings| settings.remove_referer_on_redirect = true).await;
    assert_eq!(told, ["X: 1", "Host: localhost:TWO"]);
}

#[tokio::test]
async fn a_location_that_is_no_request_is_told() {
    for location in
        ["ftp://a.test/", "file:///etc/passwd", "javascript:alert(1)", "http://", "ws://127.0.0.1/"]
    {
        let server =
            TestServer::start(move |_| answer(&format!("302 Moved\r\nLocation: {location}"), "")).await;
        match send(Request::new("GET", server.url("/"))).await {
            Err(SendError::BadRedirect { location: told, .. }) => assert_eq!(told, location),
            other => panic!("{location}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn redirects_are_told_and_their_bodies_are_not() {
    let server = TestServer::start(|it| by_path(&it.path())).await;
    let mut told = Vec::new();
    let mut listen = |event: Event<'_>| match event {
        Event::Redirected(hop) => told.push(format!("{} {}", hop.status, hop.method)),
        Event::Head { status, .. } => told.push(format!("{status}")),
        Event::Chunk(piece) => told.push(String::from_utf8_lossy(piece).into_owned()),
        _ => {}
    };
    Client::default().send(Request::new("GET", server.url("/302")), &mut listen).await.expect("an answer");
    assert_eq!(told, ["302 GET", "200", "the end"]);
}

#[tokio::test]
async fn an_endless_body_of_a_redirect_is_not_read() {
    let server = TestServer::start(|it| match it.path().as_str() {
        "/" => vec![
            Act::Send(b"HTTP/1.1 302 Moved\r\nLocation: /end\r\n\r\n".into()),
            Act::Repeat(vec![b'x'; 65_536]),
        ],
        _ => answer("200 OK", "the end"),
    })
    .await;
    let response = send(Request::new("GET", server.url("/"))).await.expect("an answer");
    assert_eq!(response.body, b"the end");
}
