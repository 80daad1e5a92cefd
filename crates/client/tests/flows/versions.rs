//! A server of the future: what an app says that is too old for it, and that nothing is lost.

use satchel_client::Mode;
use satchel_client::api::{ErrorKind, State};
use satchel_wire::{ErrorCode, MEDIA_TYPE, Refusal, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::*;

/// Refuses whatever is asked, as a server does that no longer speaks this version.
async fn future_server(at: &str) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(at).await.expect("it can listen");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    let refusal = Refusal::new(ErrorCode::UnsupportedVersion, "the server speaks versions 7 to 9");
    let body = encode(&refusal);
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, body) = (head.clone(), body.clone());
            tokio::spawn(async move {
                let mut asked = vec![0; 16 * 1024];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            });
        }
    });
    (url, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_at_a_newer_server_says_so() {
    let (url, serving) = future_server("127.0.0.1:0").await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    let error = call(&client, sign_in_call(&url, EMAIL, PASSWORD, None)).await.expect_err("it is too new");
    assert_eq!(error.kind, ErrorKind::Version);
    assert!(error.detail.contains("versions 7 to 9"), "{}", error.detail);
    client.close().await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_the_server_stops_the_sync_and_loses_nothing() {
    let mut world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    world.stop().await;
    make(&client, "collection", "Waiting", vec![]).await;
    let (_, serving) = future_server(&world.address().to_string()).await;
    let error = call(&client, satchel_client::api::Call::Sync { timeout_ms: 20_000 }).await;
    assert_eq!(error.expect_err("it is too new").kind, ErrorKind::Version);
    let told = status(&client).await;
    assert_eq!((told.state, told.reason.as_deref()), (State::Error, Some("version")));
    assert_eq!(told.pending.up, 1);
    serving.abort();
    let _ = serving.await;
    world.start().await;
    assert_eq!(sync(&client).await.pending.up, 0);
    client.close().await;
}
