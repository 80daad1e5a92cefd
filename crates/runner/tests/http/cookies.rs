//! Cookies between answers and requests; the rules themselves are tested beside the jar.

use std::sync::{Arc, Mutex};

use satchel_runner::cookie::Jar;
use satchel_runner::http::{Client, Request};
use satchel_runner::testing::{TestServer, answer};

use crate::with_headers;

async fn server() -> TestServer {
    TestServer::start(|it| match it.path().as_str() {
        "/set" => answer(
            "200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2; Path=/deep\r\nSet-Cookie: c=3; Secure",
            "",
        ),
        "/login" => answer("302 Found\r\nLocation: /home\r\nSet-Cookie: session=s", ""),
        _ => answer("200 OK", ""),
    })
    .await
}

async fn last_cookies(client: &Client, server: &TestServer, request: Request) -> Vec<String> {
    client.send(request, &mut |_| {}).await.expect("an answer");
    server.received().last().expect("a request").header("cookie")
}

#[tokio::test]
async fn an_answers_cookies_go_along_with_later_requests() {
    let (server, client) = (server().await, Client::default());
    assert_eq!(last_cookies(&client, &server, Request::new("GET", server.url("/set"))).await, [""; 0]);
    assert_eq!(
        last_cookies(&client, &server, Request::new("GET", server.url("/deep/x"))).await,
        ["b=2; a=1"]
    );
    assert_eq!(last_cookies(&client, &server, Request::new("GET", server.url("/"))).await, ["a=1"]);
    let by_hand = with_headers(Request::new("GET", server.url("/")), &[("cookie", "mine=0"), ("X", "1")]);
    assert_eq!(last_cookies(&client, &server, by_hand).await, ["mine=0; a=1"]);
    let elsewhere = server.url("/").replace("127.0.0.1", "localhost");
    assert_eq!(last_cookies(&client, &server, Request::new("GET", elsewhere)).await, [""; 0]);
}

#[tokio::test]
async fn a_redirects_cookies_go_along_with_the_next_request() {
    let (server, client) = (server().await, Client::default());
    assert_eq!(
        last_cookies(&client, &server, Request::new("GET", server.url("/login"))).await,
        ["session=s"]
    );
}

#[tokio::test]
async fn cookies_are_neither_sent_nor_kept_where_the_settings_say_so() {
    let (server, jar) = (server().await, Arc::new(Mutex::new(Jar::default())));
    let client = Client::new(jar.clone());
    let mut request = Request::new("GET", server.url("/set"));
    request.settings.store_cookies = false;
    last_cookies(&client, &server, request.clone()).await;
    assert_eq!(jar.lock().expect("a jar").cookies(), []);
    request.settings.store_cookies = true;
    last_cookies(&client, &server, request.clone()).await;
    assert_eq!(jar.lock().expect("a jar").cookies().len(), 2);
    request.settings.send_cookies = false;
    assert_eq!(last_cookies(&client, &server, request).await, [""; 0]);
}

#[tokio::test]
async fn a_jar_cannot_break_a_request() {
    let (server, client) = (server().await, Client::default());
    let here = satchel_runner::cookie::Place::of(&server.url("/")).expect("a place");
    assert!(!client.jar().lock().expect("a jar").set(&here, b"a=1\r\nEvil: 1", 0));
    assert_eq!(last_cookies(&client, &server, Request::new("GET", server.url("/"))).await, [""; 0]);
}
