//! Content encodings, whole and broken.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use satchel_runner::http::{DecodeFault, Event, Request, SendError};
use satchel_runner::testing::{TestServer, answer};

use crate::{send, text};

const PLAIN: &[u8] = b"hello hello hello hello";
const BROTLI: &[u8] = b"\x1b\x16\x00\xf8\x8d\x94\x6e\xde\x44\x55\x86\x96\x6c\x20\x6f\x21\x4f\x1c\xe0\x38";

macro_rules! encoded {
    ($encoder:ident, $plain:expr) => {{
        let mut encoder = $encoder::new(Vec::new(), Compression::best());
        encoder.write_all($plain).expect("to memory");
        encoder.finish().expect("to memory")
    }};
}

async fn serve(encoding: &'static str, body: Vec<u8>) -> TestServer {
    TestServer::start(move |_| answer(&format!("200 OK\r\nContent-Encoding: {encoding}"), &body)).await
}

#[tokio::test]
async fn each_encoding_is_undone() {
    for (encoding, body) in [
        ("gzip", encoded!(GzEncoder, PLAIN)),
        ("deflate", encoded!(ZlibEncoder, PLAIN)),
        ("deflate", encoded!(DeflateEncoder, PLAIN)),
        ("br", BROTLI.to_vec()),
        ("zstd", zstd::encode_all(PLAIN, 3).expect("to memory")),
        ("identity", PLAIN.to_vec()),
        ("unheard-of", PLAIN.to_vec()),
    ] {
        let length = body.len() as u64;
        let server = serve(encoding, body).await;
        let mut told = Vec::new();
        let mut listen = |event: Event<'_>| {
            if let Event::Chunk(piece) = event {
                told.extend_from_slice(piece);
            }
        };
        let client = satchel_runner::http::Client::default();
        let response =
            client.send(Request::new("GET", server.url("/")), &mut listen).await.expect("an answer");
        assert_eq!(response.body, PLAIN, "{encoding}");
        assert_eq!((response.sizes.encoded_body, response.sizes.decoded_body), (length, PLAIN.len() as u64));
        assert_eq!(told, PLAIN, "{encoding}");
    }
}

#[tokio::test]
async fn an_encoding_is_left_where_the_settings_say_so() {
    let server = serve("br", BROTLI.to_vec()).await;
    let mut request = Request::new("GET", server.url("/"));
    request.settings.decompress = false;
    assert_eq!(send(request).await.expect("an answer").body, BROTLI);
}

#[tokio::test]
async fn a_wrong_encoding_is_told_and_the_body_kept_as_it_came() {
    let mut cut = encoded!(GzEncoder, PLAIN);
    cut.truncate(cut.len() - 3);
    for (body, expected) in
        [(b"plain text, and more of it".to_vec(), DecodeFault::Malformed), (cut, DecodeFault::Truncated)]
    {
        let server = serve("gzip", body.clone()).await;
        match send(Request::new("GET", server.url("/"))).await {
            Err(SendError::Decoding { encoding, fault, partial }) => {
                assert_eq!((encoding.as_str(), fault), ("gzip", expected));
                assert_eq!(partial.expect("the answer").body, body);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_bomb_is_told_and_stops_at_the_limit() {
    let bomb = encoded!(GzEncoder, &vec![0; 20_000_000]);
    let twice = encoded!(GzEncoder, &bomb);
    for (encoding, bomb) in [("gzip", bomb), ("gzip, gzip", twice)] {
        let server = serve(encoding, bomb).await;
        let mut request = Request::new("GET", server.url("/"));
        request.settings.max_response_bytes = 1_000_000;
        match send(request).await {
            Err(SendError::DecompressionBomb { limit, encoded, partial }) => {
                assert_eq!(limit, 1_000_000);
                assert!(encoded < 50_000);
                assert!(partial.expect("the answer").body.len() <= 1_000_000);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn head_of_an_encoded_answer_has_no_body_to_decode() {
    let server = TestServer::start(|_| {
        vec![satchel_runner::testing::Act::Send(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n".into(),
        )]
    })
    .await;
    let response = send(Request::new("HEAD", server.url("/"))).await.expect("an answer");
    assert_eq!((text(&response).as_str(), response.status), ("", 200));
}
