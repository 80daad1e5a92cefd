//! Places: the limit, taking one over, and what an app keeps that lost its own.

use satchel_client::Mode;
use satchel_client::api::{Acknowledged, Call, ErrorKind, Reply, State};
use satchel_server::Config;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_evicted_app_keeps_its_waiting_changes_and_takes_its_place_back() {
    let world = World::with(Config { max_apps: 1, ..Config::default() }).await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &world.url(), EMAIL).await;
    make(&one, "collection", "Shop", vec![]).await;
    let two = second.open(Mode::Agent).await;
    let error = call(&two, sign_in_call(&world.url(), EMAIL, PASSWORD, None))
        .await
        .expect_err("all places are in use");
    assert_eq!(error.kind, ErrorKind::AppLimit);
    assert_eq!(error.apps.iter().map(|app| app.name.as_str()).collect::<Vec<_>>(), ["first"]);
    call(&two, sign_in_call(&world.url(), EMAIL, PASSWORD, Some("first"))).await.expect("it takes the place");
    let seen = until(&one, "the eviction", |status| status.state == State::Error).await;
    assert_eq!(seen.reason.as_deref(), Some("evicted"));

    assert_eq!(make(&one, "collection", "Waiting", vec![]).await, Acknowledged::Local);
    let Ok(Reply::Apps { apps }) = call(&one, Call::Apps).await else { panic!("it can still ask") };
    assert_eq!(apps.len(), 2);
    one.close().await;
    let one = first.open(Mode::OneShot).await;
    assert_eq!(status(&one).await.reason.as_deref(), Some("evicted"), "it is told after a restart, too");
    assert_eq!(status(&one).await.pending.up, 1);
    assert_eq!(kind(call(&one, Call::Sync { timeout_ms: 5_000 }).await), ErrorKind::AppLimit);
    call(&one, Call::TakePlace { from: "second".into() }).await.expect("it takes its place back");
    assert_eq!(sync(&one).await.pending.up, 0);
    until(&two, "the eviction back", |status| status.reason.as_deref() == Some("evicted")).await;
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_app_says_that_its_session_has_ended() {
    let world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::OneShot).await;
    sign_up(&one, &world.url(), EMAIL).await;
    let two = second.open(Mode::Agent).await;
    sign_in(&two, &world.url(), EMAIL).await;
    assert_eq!(call(&one, Call::DisconnectApp { app: "second".into() }).await, Ok(Reply::Done));
    until(&two, "the end", |status| status.reason.as_deref() == Some("session_ended")).await;
    assert_eq!(kind(call(&one, Call::DisconnectApp { app: "nobody".into() }).await), ErrorKind::NotFound);
    one.close().await;
    two.close().await;
}
