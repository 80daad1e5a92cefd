//! TLS: whom to trust, what is told, and HTTP/2 over it.

use std::sync::Arc;

use satchel_runner::http::{Body, Client, HttpVersion, Request, SendError};
use satchel_runner::testing::{Identity, TestServer, answer};
use satchel_runner::tls::{CertificateFault, ClientCertificate, ExtraRoots, TlsFault};

use crate::{send, text, with_headers};

fn trusting(identity: &Identity, url: String) -> Request {
    let mut request = Request::new("GET", url);
    let roots = ExtraRoots::from_pem(identity.authority.as_bytes()).expect("an authority");
    request.settings.extra_roots = Some(Arc::new(roots));
    request
}

async fn fault(request: Request) -> TlsFault {
    match send(request).await {
        Err(SendError::Tls { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_extra_authority_is_trusted_and_the_handshake_told() {
    let identity = Identity::good();
    let server = TestServer::start_tls(&identity, |_| answer("200 OK", "safe")).await;
    let client = Client::default();
    for reused in [false, true] {
        let response =
            client.send(trusting(&identity, server.url("/")), &mut |_| {}).await.expect("an answer");
        let tls = response.tls.as_ref().expect("TLS");
        assert_eq!((tls.version, tls.alpn.as_deref(), &tls.problem), ("TLS 1.3", Some("http/1.1"), &None));
        assert_eq!((text(&response).as_str(), response.insecure, response.reused), ("safe", false, reused));
        assert_eq!(tls.certificates.len(), 1);
    }
    let mut request = trusting(&identity, server.url("/"));
    request.settings.tls13 = false;
    let response = send(request).await.expect("an answer");
    assert_eq!(response.tls.map(|tls| tls.version), Some("TLS 1.2"));
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_refused_with_its_reason() {
    let cases = [
        (Identity::of_another_host(), TlsFault::WrongHost),
        (Identity::expired(), TlsFault::Expired),
        (Identity::of_the_future(), TlsFault::NotYetValid),
    ];
    for (identity, expected) in cases {
        let server = TestServer::start_tls(&identity, |_| answer("200 OK", "")).await;
        assert_eq!(fault(trusting(&identity, server.url("/"))).await, expected);
        assert_eq!(server.received(), []);
    }
    let server = TestServer::start_tls(&Identity::good(), |_| answer("200 OK", "")).await;
    assert_eq!(fault(Request::new("GET", server.url("/"))).await, TlsFault::Untrusted);
    assert_eq!(fault(trusting(&Identity::good(), server.url("/"))).await, TlsFault::Untrusted);
}

#[tokio::test]
async fn a_certificate_that_is_not_enforced_is_told() {
    for (identity, expected) in
        [(Identity::good(), TlsFault::Untrusted), (Identity::expired(), TlsFault::Untrusted)]
    {
        let server = TestServer::start_tls(&identity, |_| answer("200 OK", "")).await;
        let mut request = Request::new("GET", server.url("/"));
        request.settings.verify_tls = false;
        let response = send(request).await.expect("an answer");
        assert!(response.insecure);
        let problem = response.tls.expect("TLS").problem.expect("a problem");
        assert!(problem == expected || problem == TlsFault::Expired, "{problem:?}");
    }
}

#[tokio::test]
async fn a_connection_without_verification_is_not_used_by_one_with_it() {
    let server = TestServer::start_tls(&Identity::good(), |_| answer("200 OK", "")).await;
    let client = Client::default();
    let mut request = Request::new("GET", server.url("/"));
    request.settings.verify_tls = false;
    client.send(request.clone(), &mut |_| {}).await.expect("an answer");
    request.settings.verify_tls = true;
    let result = client.send(request, &mut |_| {}).await;
    assert!(matches!(result, Err(SendError::Tls { fault: TlsFault::Untrusted, .. })), "{result:?}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let identity = Identity::demanding();
    let server = TestServer::start_tls(&identity, |_| answer("200 OK", "known")).await;
    let mut request = trusting(&identity, server.url("/"));
    let (chain, key) = &identity.client;
    let own = ClientCertificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a certificate");
    request.settings.client_certificate = Some(Arc::new(own));
    assert_eq!(text(&send(request).await.expect("an answer")), "known");
    // With TLS 1.3 the refusal comes after the handshake, as the answer to the request.
    let error = send(trusting(&identity, server.url("/"))).await.expect_err("refused");
    assert!(matches!(error, SendError::Tls { fault: TlsFault::CertificateRequired, .. }), "{error:?}");
}

#[tokio::test]
async fn certificate_files_that_cannot_be_used_are_told() {
    let identity = Identity::good();
    let (chain, key) = (identity.client.0.as_bytes(), identity.client.1.as_bytes());
    let fault = |chain: &[u8], key: &[u8]| ClientCertificate::from_pem(chain, key).expect_err("unusable");
    assert_eq!(fault(b"", key), CertificateFault::NoCertificate);
    assert_eq!(fault(chain, b""), CertificateFault::NoKey);
    assert_eq!(fault(chain, b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), CertificateFault::EncryptedKey);
    assert_eq!(
        fault(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", key),
        CertificateFault::Malformed
    );
    let shown = format!("{:?}", ClientCertificate::from_pem(chain, key).expect("a certificate"));
    assert_eq!(shown, "ClientCertificate { chain: 1, .. }");
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told() {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let plain = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("it goes out");
        stream
    });
    assert_eq!(fault(Request::new("GET", format!("https://{address}/"))).await, TlsFault::NotTls);
    drop((server, plain));
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_agreed_on() {
    let identity = Identity::with_http2();
    let server = TestServer::start_http2(Some(&identity)).await;
    let client = Client::default();
    for reused in [false, true] {
        let headers =
            [("X-B", "1"), ("x-a", "2"), ("X-B", "3"), ("Connection", "close"), ("Host", "own.test")];
        let mut request = with_headers(trusting(&identity, server.url("/x?y")), &headers);
        request.method = "POST".into();
        request.settings.http_version = HttpVersion::Auto;
        request.body = Body::Bytes(vec![b'z'; 200_000]);
        let response = client.send(request, &mut |_| {}).await.expect("an answer");
        let told = text(&response);
        let expected = format!(
            "POST https://own.test/x?y\nx-b: 1\nx-b: 3\nx-a: 2\ncontent-length: 200000\n{}",
            "z".repeat(200_000)
        );
        assert!(told == expected, "{}", &told[..200]);
        assert_eq!((response.version, response.status, response.reused), ("HTTP/2", 200, reused));
        assert_eq!(response.header("x-twice"), Some(&b"1"[..]));
        assert!(response.sent.starts_with(b":method: POST\r\n:scheme: https\r\n:authority: own.test\r\n:path: /x?y\r\nx-b: 1\r\nx-a: 2\r\nx-b: 3\r\n"));
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_and_its_faults() {
    let server = TestServer::start_http2(None).await;
    let two = |path: &str| {
        let mut request = Request::new("GET", server.url(path));
        request.settings.http_version = HttpVersion::Http2;
        request
    };
    let told = text(&send(two("/a<b>`")).await.expect("an answer"));
    assert!(told.starts_with(&format!("GET http://{}/a%3Cb%3E%60\n", server.address)), "{told}");
    assert!(matches!(send(two("/reset")).await, Err(SendError::Http2 { .. })));
    assert!(matches!(send(two("/many")).await, Err(SendError::BadResponse { .. } | SendError::Http2 { .. })));
    let identity = Identity::good();
    let only_one = TestServer::start_tls(&identity, |_| answer("200 OK", "")).await;
    let mut request = trusting(&identity, only_one.url("/"));
    request.settings.http_version = HttpVersion::Http2;
    let error = send(request).await.expect_err("not offered");
    assert!(
        matches!(error, SendError::Http2 { .. } | SendError::Tls { fault: TlsFault::NothingInCommon, .. }),
        "{error:?}"
    );
}
