//! Every kind of body, byte for byte.

use std::path::PathBuf;

use satchel_runner::http::{Body, Content, FormPart, Request, SendError};
use satchel_runner::testing::{TestServer, answer};

use crate::{send, with_headers};

async fn check(body: Body, headers: &[(&str, &str)], expected: &str) {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let request = Request { body, ..with_headers(Request::new("POST", server.url("/")), headers) };
    send(request).await.expect("an answer");
    assert_eq!(server.only(), expected);
}

fn file(bytes: &[u8], name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    (folder, path)
}

#[tokio::test]
async fn bytes_go_out_with_their_length() {
    let host = "Host: 127.0.0.1:PORT";
    check(
        Body::Bytes(b"a=1&b=2".into()),
        &[("Content-Type", "x/y")],
        &format!("POST / HTTP/1.1\r\nContent-Type: x/y\r\n{host}\r\nContent-Length: 7\r\n\r\na=1&b=2"),
    )
    .await;
    check(Body::Bytes(Vec::new()), &[], &format!("POST / HTTP/1.1\r\n{host}\r\nContent-Length: 0\r\n\r\n"))
        .await;
    check(Body::Empty, &[], &format!("POST / HTTP/1.1\r\n{host}\r\nContent-Length: 0\r\n\r\n")).await;
}

#[tokio::test]
async fn a_chunked_body_goes_out_in_chunks() {
    let expected =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: 127.0.0.1:PORT\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    check(Body::Bytes(b"abc".into()), &[("Transfer-Encoding", "chunked")], expected).await;
}

#[tokio::test]
async fn a_file_is_streamed() {
    let (_folder, path) = file(b"content", "x.txt");
    check(
        Body::File(path),
        &[],
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 7\r\n\r\ncontent",
    )
    .await;
    let large = vec![b'x'; 3_000_000];
    let (_folder, path) = file(&large, "x.bin");
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    let request = Request { body: Body::File(path), ..Request::new("PUT", server.url("/")) };
    let response = send(request).await.expect("an answer");
    assert_eq!(server.received()[0].body, large);
    assert_eq!(response.sizes.sent_body, 3_000_000);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_before_anything_is_sent() {
    let server = TestServer::start(|_| answer("200 OK", "")).await;
    for path in ["/nonexistent/file", "/"] {
        let request = Request { body: Body::File(path.into()), ..Request::new("PUT", server.url("/")) };
        assert!(matches!(send(request).await, Err(SendError::File { .. })), "{path}");
    }
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn a_form_holds_fields_and_files() {
    let (_folder, path) = file(b"{}", "x.json");
    let field =
        |name: &str, content| FormPart { name: name.into(), content, file_name: None, content_type: None };
    let parts = vec![
        field("a", Content::Bytes("ü\r\n".into())),
        field("f", Content::File(path.clone())),
        FormPart {
            file_name: Some("y.bin".into()),
            content_type: Some("x/y".into()),
            ..field("g", Content::File(path))
        },
    ];
    let expected = "POST / HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=B\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 256\r\n\r\n\
        --B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nü\r\n\r\n\
        --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n\
        --B\r\nContent-Disposition: form-data; name=\"g\"; filename=\"y.bin\"\r\nContent-Type: x/y\r\n\r\n{}\r\n--B--\r\n";
    check(Body::Form(parts), &[("content-type", "multipart/form-data; boundary=B")], expected).await;
}

#[tokio::test]
async fn a_form_makes_its_boundary_and_tells_it() {
    let part = FormPart {
        name: "a".into(),
        content: Content::Bytes(b"1".into()),
        file_name: None,
        content_type: None,
    };
    for headers in [&[][..], &[("Content-Type", "multipart/form-data")]] {
        let server = TestServer::start(|_| answer("200 OK", "")).await;
        let body = Body::Form(vec![part.clone()]);
        send(Request { body, ..with_headers(Request::new("POST", server.url("/")), headers) })
            .await
            .expect("an answer");
        let received = &server.received()[0];
        let told = received.header("content-type").concat();
        let boundary = told.strip_prefix("multipart/form-data; boundary=").expect("a boundary").to_owned();
        assert_eq!((boundary.len(), &boundary[..26]), (50, "-".repeat(26).as_str()));
        assert!(received.body.starts_with(format!("--{boundary}\r\n").as_bytes()));
    }
}
