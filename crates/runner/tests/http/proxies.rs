//! Proxies: plain requests in full, tunnels, SOCKS5.

use std::sync::{Arc, Mutex};

use satchel_runner::http::{Proxies, Proxy, Request, SendError};
use satchel_runner::testing::{Act, Identity, TestServer, answer, raw, start_socks5};
use satchel_runner::tls::ExtraRoots;

use crate::{send, text};

fn through(proxy: &str, url: &str) -> Request {
    let mut request = Request::new("GET", url);
    request.settings.proxies = Proxies::all(Proxy::parse(proxy).expect("a proxy"));
    request
}

#[tokio::test]
async fn a_plain_request_goes_to_the_proxy_in_full() {
    let proxy = TestServer::start(|_| answer("200 OK", "by proxy")).await;
    let address = proxy.address.to_string();
    let response =
        send(through(&format!("me:pass@{address}"), "http://a.test:81/x?y")).await.expect("an answer");
    assert_eq!(text(&response), "by proxy");
    let expected = "GET http://a.test:81/x?y HTTP/1.1\r\nHost: a.test:81\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n";
    assert_eq!(proxy.only(), expected);
}

#[tokio::test]
async fn a_secure_request_goes_through_a_tunnel() {
    let identity = Identity::good();
    let server = TestServer::start_tls(&identity, |_| answer("200 OK", "at the end")).await;
    let to = server.address;
    let proxy =
        TestServer::start(move |_| vec![Act::Send(b"HTTP/1.1 200 Yes\r\n\r\n".into()), Act::Join(to)]).await;
    let mut request = through(&format!("http://me:pass@{}", proxy.address), &server.url("/x"));
    let roots = ExtraRoots::from_pem(identity.authority.as_bytes()).expect("an authority");
    request.settings.extra_roots = Some(Arc::new(roots));
    let response = send(request).await.expect("an answer");
    assert_eq!(text(&response), "at the end");
    let port = server.address.port();
    let expected = format!(
        "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n"
    );
    assert_eq!(proxy.received()[0].text(), expected);
    assert_eq!(server.received()[0].header("proxy-authorization"), [""; 0], "it is for the proxy only");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told() {
    for (bytes, expected) in [
        ("HTTP/1.1 407 Who are you\r\n\r\n", "it answered 407 Who are you"),
        ("SSH-2.0\r\n\r\n", "it is not HTTP: it begins with \"SSH-2.0\\r\\n\\r\\n\""),
    ] {
        let proxy = TestServer::start(move |_| raw(bytes)).await;
        match send(through(&proxy.address.to_string(), "https://a.test/")).await {
            Err(SendError::Proxy { proxy: told, detail }) => {
                assert_eq!((told, detail.as_str()), (proxy.address.to_string(), expected));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_request_goes_through_socks5_by_name() {
    let server = TestServer::start(|_| answer("200 OK", "at the end")).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let proxy = start_socks5(server.address, asked.clone()).await;
    let response =
        send(through(&format!("socks5://me:pw@{proxy}"), "http://a.test/x")).await.expect("an answer");
    assert_eq!(text(&response), "at the end");
    let expected = [&b"\x01\x02me\x02pw"[..], b"\x05\x01\x00\x03\x06a.test\x00\x50"].concat();
    assert_eq!(*asked.lock().expect("what was asked"), expected);
    assert_eq!(server.only(), "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

#[tokio::test]
async fn a_bypassed_host_is_reached_directly() {
    let server = TestServer::start(|_| answer("200 OK", "direct")).await;
    let mut request = through("127.0.0.1:1", &server.url("/"));
    request.settings.proxies.bypass = vec!["127.0.0.1".into()];
    assert_eq!(text(&send(request).await.expect("an answer")), "direct");
}
