//! What strangers, broken apps and operators send.

use std::time::Duration;

use satchel_server::TlsFiles;
use satchel_wire::limits::{FRAME_BYTES_MAX, FRAMES_PER_MINUTE, LOGIN_BYTES_MAX, SOCKETS_PER_ACCOUNT_MAX};
use satchel_wire::{ClientFrame, ErrorCode, PROTOCOL_VERSION, ServerFrame, SignUpStart, encode};

use crate::support::{Host, Link, Person, Transport, WAIT, post, post_raw, refusal, request};

#[tokio::test]
async fn garbage_ends_a_connection_with_a_reason() {
    let host = Host::start().await;
    for transport in [Transport::Socket, Transport::Poll] {
        for garbage in [vec![], b"hello".to_vec(), vec![0x82, 0x00], vec![0xff; 100], vec![0x9f; 100_000]] {
            let (mut link, _) = Link::connect(&host.address(), transport).await;
            link.send_raw(garbage).await;
            assert_eq!(link.refused().await.code, ErrorCode::BadRequest);
        }
    }
}

#[tokio::test]
async fn the_first_frame_opens_and_the_second_does_not() {
    let host = Host::start().await;
    let (mut link, _) = Link::connect(&host.address(), Transport::Socket).await;
    link.send(&ClientFrame::Ping).await;
    assert_eq!(link.refused().await.code, ErrorCode::BadRequest);
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let (mut link, welcome) = Link::connect(&host.address(), Transport::Socket).await;
    link.send(&app.open_frame(&welcome, true, None)).await;
    link.send(&app.open_frame(&welcome, true, None)).await;
    assert_eq!(link.refused().await.code, ErrorCode::BadRequest);
}

#[tokio::test]
async fn an_app_of_the_future_is_told_the_versions() {
    let host = Host::start().await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let (mut link, welcome) = Link::connect(&host.address(), Transport::Socket).await;
    assert_eq!((welcome.protocol_min, welcome.protocol_max), (PROTOCOL_VERSION, PROTOCOL_VERSION));
    let ClientFrame::Open { token, proof, .. } = app.open_frame(&welcome, true, None) else {
        unreachable!("an open frame is one")
    };
    let (protocol, sync, take_over, waiting) = (PROTOCOL_VERSION + 1, true, None, 0);
    link.send(&ClientFrame::Open { protocol, token, proof, sync, take_over, waiting }).await;
    let refused = link.refused().await;
    assert_eq!(refused.code, ErrorCode::UnsupportedVersion);
    assert!(refused.detail.contains('1'), "{}", refused.detail);
    let (email, registration_request) = ("b@example.org".into(), vec![1].into());
    let start = SignUpStart { protocol, email, registration_request, invite: None };
    let refused =
        post::<_, satchel_wire::SignUpStartReply>(&host.address(), "/v1/signup/start", &start).await;
    assert_eq!(refused.expect_err("it is refused").code, ErrorCode::UnsupportedVersion);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_server_goes_on() {
    let host = Host::start().await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let (mut link, _) = Link::connect(&host.address(), Transport::Poll).await;
    link.send_raw(vec![0; 1000]).await;
    let (status, body) = post_raw(&host.address(), "/v1/signup/start", &vec![0; LOGIN_BYTES_MAX + 1]).await;
    assert_eq!((status, refusal(&body).code), (413, ErrorCode::TooLarge));
    let (status, body) = post_raw(&host.address(), "/v1/poll", &vec![0; FRAME_BYTES_MAX + 5000]).await;
    assert_eq!((status, refusal(&body).code), (413, ErrorCode::TooLarge));

    let mut link = app.open(Transport::Socket).await;
    let Link::Socket(socket) = &mut link else { unreachable!("it is a socket") };
    let message = tokio_tungstenite::tungstenite::Message::Binary(vec![0; FRAME_BYTES_MAX + 1].into());
    // The server may end the connection before it has read all of it.
    let _ = futures_util::SinkExt::send(socket, message).await;
    if let Some(frame) = link.try_next().await {
        assert!(matches!(frame, ServerFrame::Refused(refusal) if refusal.code == ErrorCode::TooLarge));
    }
    drop(app.open(Transport::Socket).await);
}

#[tokio::test]
async fn requests_of_other_programs_are_answered_politely() {
    let host = Host::start().await;
    let address = host.address();
    let (status, head, body) = request(&address, "GET / HTTP/1.1", &[]).await;
    let text = String::from_utf8_lossy(&body).into_owned();
    assert_eq!(status, 200);
    assert!(head.contains("text/html") && text.contains("Satchel sync server"), "{head} {text}");
    assert_eq!(request(&address, "GET /healthz HTTP/1.1", &[]).await.0, 200);
    assert_eq!(request(&address, "GET /readyz HTTP/1.1", &[]).await.0, 200);
    assert_eq!(request(&address, "GET /v1/ws HTTP/1.1", &[]).await.0, 426);
    let form = "POST /v1/signup/start HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    let (status, _, body) = request(&address, form, b"email=a").await;
    assert_eq!((status, refusal(&body).code), (400, ErrorCode::BadRequest));
    let (status, _) = post_raw(&address, "/v1/signup/start", b"{\"email\":\"a\"}").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_counters_tell_counts_and_nothing_else() {
    let host = Host::start().await;
    let (person, app) = Person::sign_up(&host.address(), "someone@example.org").await;
    let mut link = app.open(Transport::Socket).await;
    app.found(&mut link, &person).await;
    let (status, _, body) = request(&host.address(), "GET /metrics HTTP/1.1", &[]).await;
    let text = String::from_utf8(body).expect("the counters are text");
    assert_eq!(status, 200);
    for line in [
        "satchel_connections{transport=\"websocket\"} 1",
        "satchel_places 1",
        "satchel_commits_total{outcome=\"accepted\"} 1",
        "satchel_commit_seconds_count 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("someone") && !text.contains("127.0.0.1"));
}

#[tokio::test]
async fn a_silent_connection_is_over() {
    let host = Host::start_with(|options| {
        options.times.silence = Duration::from_millis(50);
        options.times.open = Duration::from_millis(50);
    })
    .await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let (mut link, _) = Link::connect(&host.address(), Transport::Socket).await;
    assert_eq!(link.refused().await.code, ErrorCode::TooSlow);
    let mut link = app.open(Transport::Socket).await;
    assert_eq!(link.refused().await.code, ErrorCode::TooSlow);
}

#[tokio::test]
async fn a_connection_that_answers_pings_stays() {
    let host = Host::start_with(|options| options.times.ping = Duration::from_millis(10)).await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut link = app.open(Transport::Socket).await;
    let Link::Socket(socket) = &mut link else { unreachable!("it is a socket") };
    for _ in 0..5 {
        let message = tokio::time::timeout(WAIT, futures_util::StreamExt::next(socket)).await;
        let message =
            message.expect("a ping comes in time").expect("the socket is open").expect("it is whole");
        assert!(message.is_ping());
    }
    assert_eq!(link.settle().await, []);
}

#[tokio::test]
async fn a_shutdown_tells_every_connection_and_keeps_what_was_accepted() {
    let Host { running, folder } = Host::start().await;
    let address = running.address().to_string();
    let (person, app) = Person::sign_up(&address, "a@example.org").await;
    let second = person.sign_in("second").await.expect("a place is free");
    let (mut one, mut two) = (app.open(Transport::Socket).await, second.open(Transport::Poll).await);
    let (workspace, _) = app.found(&mut one, &person).await;
    two.next().await;
    let reads = tokio::spawn(async move { one.refused().await.code });
    tokio::time::timeout(WAIT, running.shutdown()).await.expect("it takes a bounded time");
    assert_eq!(reads.await.expect("it was told"), ErrorCode::GoingAway);
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());

    let options = satchel_server::Options::new(folder.path().join("server"));
    let running = satchel_server::serve(options).await.expect("the folder is free again");
    let app = crate::support::TestApp { address: running.address().to_string(), ..app };
    let (_, opened) = app.try_open(Transport::Socket, true, None).await.expect("the session goes on");
    assert_eq!(opened.workspaces.iter().map(|entry| entry.workspace).collect::<Vec<_>>(), [workspace]);
}

#[tokio::test]
async fn a_data_folder_serves_one_server() {
    let host = Host::start().await;
    let options = satchel_server::Options::new(host.folder.path().join("server"));
    let error = satchel_server::serve(options).await.expect_err("the folder is in use");
    assert!(matches!(error, satchel_server::ServeError::Folder { .. }), "{error}");
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate is made");
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).expect("the folder can be written");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("the folder can be written");
    let host = Host::start_with(|options| options.tls = Some(files)).await;
    assert!(host.running.url().starts_with("https://127.0.0.1:"));
    let (address, certificate) = (host.address(), made.cert.der().clone());
    let answer = tokio::task::spawn_blocking(move || secure_get(&address, certificate)).await;
    assert!(answer.expect("it is answered").starts_with("HTTP/1.1 200 OK"));
}

fn secure_get(address: &str, certificate: rustls::pki_types::CertificateDer<'static>) -> String {
    use std::io::{Read, Write};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("it is a certificate");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("it is a name");
    let connection = rustls::ClientConnection::new(config.into(), name).expect("the configuration is good");
    let stream = std::net::TcpStream::connect(address).expect("the server accepts");
    let mut stream = rustls::StreamOwned::new(connection, stream);
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("the request is sent");
    let mut answer = Vec::new();
    // The end of the connection may come without the alert that TLS has for it.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_unreadable_certificate_is_named() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let file = folder.path().join("cert.pem");
    let files = TlsFiles { certificate: file.clone(), key: file };
    let mut options = satchel_server::Options::new(folder.path().join("server"));
    options.tls = Some(files);
    let error = satchel_server::serve(options).await.expect_err("there is no certificate");
    assert!(matches!(error, satchel_server::ServeError::Certificate { .. }), "{error}");
    assert!(error.to_string().contains("cert.pem"));
}

#[tokio::test]
async fn an_empty_frame_list_waits_no_longer_than_asked() {
    let host = Host::start().await;
    let (link, _) = Link::connect(&host.address(), Transport::Poll).await;
    let Link::Poll(polled) = &link else { unreachable!("it polls") };
    let reply = polled.post(0, Vec::new(), 1).await.expect("nothing is an answer");
    assert_eq!((reply.first, reply.frames.len()), (0, 0));
    let broken = encode(&ClientFrame::Ping);
    assert!(polled.post(0, vec![broken.into()], 0).await.is_ok());
}

#[tokio::test]
async fn too_many_frames_in_a_minute_end_a_connection() {
    let host = Host::start().await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut link = app.open(Transport::Poll).await;
    let Link::Poll(polled) = &mut link else { unreachable!("it polls") };
    let frames = vec![encode(&ClientFrame::Waiting { count: 0 }).into(); FRAMES_PER_MINUTE as usize];
    polled.post(polled.sent, frames, 0).await.expect("the request is taken");
    assert_eq!(link.refused().await.code, ErrorCode::Throttled);
}

#[tokio::test]
async fn one_account_has_so_many_sockets_and_no_more() {
    let host = Host::start().await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut links = Vec::new();
    for _ in 0..SOCKETS_PER_ACCOUNT_MAX {
        links.push(app.try_open(Transport::Socket, false, None).await.expect("it is within the limit"));
    }
    let refused = app.try_open(Transport::Socket, false, None).await.err().expect("it is one too many");
    assert_eq!(refused.code, ErrorCode::Throttled);
}

#[tokio::test]
async fn one_address_has_so_many_unopened_polls_and_no_more() {
    let host = Host::start().await;
    let mut status = 200;
    for _ in 0..200 {
        status = post_raw(&host.address(), "/v1/poll/open", &[]).await.0;
    }
    assert_eq!(status, 429);
}
