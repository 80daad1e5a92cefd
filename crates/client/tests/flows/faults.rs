//! Lost answers, restarts and hostile networks: nothing is lost, nothing comes twice.

use satchel_client::api::{Acknowledged, Call, ErrorKind, Reply, State};
use satchel_client::{Mode, TransportChoice};
use satchel_server::Config;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_made_once() {
    let world = World::new().await;
    let wire = Wire::to(world.address()).await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &wire.url, EMAIL).await;
    make(&one, "collection", "Shop", vec![]).await;
    let two = second.open(Mode::Agent).await;
    sign_in(&two, &world.url(), EMAIL).await;
    let before = status(&two).await.workspaces[0].seq;
    wire.swallow_answers(true);
    set_here(&one, "Shop", "description", "sent once").await;
    let seen = until(&two, "the edit", |status| status.workspaces[0].seq > before).await;
    assert_eq!(status(&one).await.pending.up, 1, "its answer was lost");
    wire.swallow_answers(false);
    wire.cut();
    sync(&one).await;
    let after = sync(&two).await;
    assert_eq!(after.workspaces[0].seq, seen.workspaces[0].seq, "it was not made again");
    assert_eq!(after.conflicts, 0);
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_after_a_restart_of_both_sides() {
    let mut world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &world.url(), EMAIL).await;
    import(&one, 1_000).await;
    until(&one, "a part of it", |status| status.pending.up < 1_001).await;
    world.stop().await;
    one.close().await;
    world.start().await;
    let one = first.open(Mode::OneShot).await;
    sync(&one).await;
    let two = second.open(Mode::OneShot).await;
    sign_in(&two, &world.url(), EMAIL).await;
    let names = tree(&two).await;
    assert_eq!(names.len(), 1_001);
    assert_eq!(names, tree(&one).await);
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_delays_nothing_and_is_told() {
    let mut world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    client.close().await;
    world.stop().await;
    let client = app.open(Mode::OneShot).await;
    assert_eq!(make(&client, "collection", "Offline", vec![]).await, Acknowledged::Local);
    let seen = status(&client).await;
    assert_eq!((seen.state, seen.reason.as_deref()), (State::Offline, Some("disconnected")));
    assert_eq!(seen.pending.up, 1);
    let error = call(&client, Call::Sync { timeout_ms: 300 }).await.expect_err("it cannot sync");
    assert_eq!((error.kind, error.count), (ErrorKind::NotInSync, 1));
    world.start().await;
    sync(&client).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_without_websockets_is_worked_around() {
    let world = World::new().await;
    let url = no_websockets(world.address()).await;
    let app = App::new();
    let client = app.open(Mode::Agent).await;
    sign_up(&client, &url, EMAIL).await;
    assert_eq!(make(&client, "collection", "Shop", vec![]).await, Acknowledged::Server);
    sync(&client).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_certificate_is_refused_and_an_extra_one_trusted() {
    let (world, certificate) = World::with_certificate().await;
    let url = format!("https://localhost:{}", world.address().port());
    let mut app = App::new();
    let client = app.open(Mode::OneShot).await;
    let error = call(&client, sign_up_call(&url, EMAIL)).await.expect_err("nobody vouches for it");
    assert_eq!(error.kind, ErrorKind::Certificate, "{error:?}");
    client.close().await;
    app.extra_ca = Some(certificate);
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &url, EMAIL).await;
    assert_eq!(make(&client, "collection", "Shop", vec![]).await, Acknowledged::Server);
    client.close().await;
    app.extra_ca = None;
    let client = app.open(Mode::OneShot).await;
    assert_eq!(kind(call(&client, Call::Sync { timeout_ms: 5_000 }).await), ErrorKind::Certificate);
    let seen = status(&client).await;
    assert_eq!((seen.state, seen.reason.as_deref()), (State::Error, Some("certificate")));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_local_copy_is_found_and_fetched_again() {
    let world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    make(&client, "collection", "Shop", vec![]).await;
    make(&client, "request", "Shop/Get cart", vec![field("url", "https://example.com/cart")]).await;
    client.close().await;
    let store = rusqlite::Connection::open(app.home().join("account.db")).expect("it opens");
    let damaged = store.execute("UPDATE base_body SET content = zeroblob(90)", []).expect("it is damaged");
    drop(store);
    let client = app.open(Mode::OneShot).await;
    let Ok(Reply::Verified(found)) = call(&client, Call::Verify).await else { panic!("not checked") };
    assert_eq!((found.mended, found.problems), (damaged as u64, vec![]));
    assert!(show(&client, "Shop/Get cart").await.contains("example.com/cart"));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_calls_without_websockets_follow_each_other() {
    let world = World::with(Config { max_apps: 1, ..Config::default() }).await;
    let mut app = App::new();
    app.transport = TransportChoice::Polling;
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    client.close().await;
    for name in ["One", "Two"] {
        let client = app.open(Mode::OneShot).await;
        assert_eq!(make(&client, "collection", name, vec![]).await, Acknowledged::Server);
        client.close().await;
    }
}
