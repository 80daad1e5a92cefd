//! Edits travel, merge and conflict; the same over either transport.

use satchel_client::api::{Acknowledged, Call, Reply, State};
use satchel_client::{Client, Mode, TransportChoice};

use crate::support::*;

/// Two apps that keep their connections, and a collection on both.
async fn two_apps(world: &World, transport: TransportChoice) -> (App, App, Client, Client) {
    let (mut first, mut second) = (App::new(), App::new());
    (first.transport, second.transport) = (transport, transport);
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &world.url(), EMAIL).await;
    make(&one, "collection", "Shop", vec![field("description", "first")]).await;
    make(&one, "request", "Shop/Get cart", vec![field("url", "https://example.com/cart")]).await;
    let two = second.open(Mode::Agent).await;
    sign_in(&two, &world.url(), EMAIL).await;
    (first, second, one, two)
}

async fn check_an_edit_arrives(transport: TransportChoice) {
    let world = World::new().await;
    let (_first, _second, one, two) = two_apps(&world, transport).await;
    let before = status(&two).await.workspaces[0].seq;
    assert_eq!(set(&one, "Shop/Get cart", "url", "https://example.com/new").await, Acknowledged::Server);
    until(&two, "the edit", |status| status.workspaces[0].seq > before).await;
    assert!(show(&two, "Shop/Get cart").await.contains("example.com/new"));
    assert_eq!(set(&two, "Shop/Get cart", "method", "POST").await, Acknowledged::Server);
    // The first edit, the second app in the charter, its edit.
    until(&one, "the edit back", |status| status.workspaces[0].seq >= before + 3).await;
    assert!(show(&one, "Shop/Get cart").await.contains("POST"));
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_arrives_by_itself() {
    check_an_edit_arrives(TransportChoice::WebSocket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_arrives_without_websockets() {
    check_an_edit_arrives(TransportChoice::Polling).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_made_offline_on_both_sides_merge() {
    let mut world = World::new().await;
    let (_first, _second, one, two) = two_apps(&world, TransportChoice::Auto).await;
    world.stop().await;
    until(&one, "the end of the server", |status| status.state == State::Offline).await;
    set_here(&one, "Shop/Get cart", "url", "https://example.com/one").await;
    set_here(&two, "Shop/Get cart", "description", "by two").await;
    assert_eq!(status(&one).await.pending.up, 1);
    world.start().await;
    sync(&one).await;
    sync(&two).await;
    sync(&one).await;
    for client in [&one, &two] {
        let document = show(client, "Shop/Get cart").await;
        assert!(document.contains("example.com/one") && document.contains("by two"), "{document}");
        assert_eq!(status(client).await.conflicts, 0);
    }
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_field_changed_twice_is_a_conflict_that_loses_nothing() {
    let mut world = World::new().await;
    let (_first, _second, one, two) = two_apps(&world, TransportChoice::Auto).await;
    world.stop().await;
    set_here(&one, "Shop/Get cart", "url", "https://one.example").await;
    set_here(&two, "Shop/Get cart", "url", "https://two.example").await;
    world.start().await;
    sync(&one).await;
    sync(&two).await;
    let seen = sync(&one).await;
    assert_eq!(seen.conflicts, 1);
    let Ok(Reply::Conflicts { conflicts }) = call(&one, Call::Conflicts).await else { panic!("no list") };
    let text = format!("{:?} {:?}", conflicts[0].local, conflicts[0].server);
    assert!(text.contains("\"one\"") && text.contains("\"two\""), "{text}");
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_workspace_goes_everywhere_by_its_owners_word() {
    let world = World::new().await;
    let (_first, _second, one, two) = two_apps(&world, TransportChoice::Auto).await;
    call(&one, Call::CreateWorkspace { name: "Work".into(), team: None, open: false })
        .await
        .expect("it is made");
    until(&two, "the workspace", |status| status.workspaces.iter().any(|w| w.name == "Work")).await;
    assert_eq!(
        call(&one, Call::DeleteWorkspace { workspace: "Work".into(), discard: false }).await,
        Ok(Reply::Done)
    );
    assert_eq!(sync(&one).await.workspaces.len(), 1);
    let seen = until(&two, "the deletion", |status| status.reason.as_deref() == Some("gone")).await;
    assert_eq!(seen.workspaces.len(), 2, "nothing is wiped by a server's word");
    assert_eq!(
        call(&two, Call::DeleteWorkspace { workspace: "Work".into(), discard: false }).await,
        Ok(Reply::Done)
    );
    sync(&two).await;
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_and_verify_find_a_good_copy_good() {
    let world = World::new().await;
    let (_first, _second, one, two) = two_apps(&world, TransportChoice::Auto).await;
    for check in [Call::Verify, Call::Reload] {
        let Ok(Reply::Verified(found)) = call(&one, check).await else { panic!("not checked") };
        assert!(found.problems.is_empty() && found.records >= 5, "{found:?}");
    }
    let Ok(Reply::Diagnosis { checks }) = call(&one, Call::Doctor).await else { panic!("no diagnosis") };
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_app_reads_what_another_app_packed() {
    let world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::OneShot).await;
    sign_up(&one, &world.url(), EMAIL).await;
    import(&one, 400).await;
    sync(&one).await;
    one.close().await;
    // It is asked when it comes again; the question may come after a sync has ended.
    let one = first.open(Mode::OneShot).await;
    while world.manifests() == 0 {
        sync(&one).await;
    }
    let expected = tree(&one).await;
    let two = second.open(Mode::OneShot).await;
    sign_in(&two, &world.url(), EMAIL).await;
    sync(&two).await;
    assert_eq!(tree(&two).await, expected);
    assert_eq!(show(&two, "Big/r7").await, show(&one, "Big/r7").await);
    let packed = |app: &App| -> i64 {
        let store = rusqlite::Connection::open(app.home().join("account.db")).expect("it opens");
        store.query_row("SELECT count(*) FROM pack", [], |row| row.get(0)).expect("it counts")
    };
    two.close().await;
    assert!(packed(&second) >= 4, "{} packs came", packed(&second));
    let two = second.open(Mode::OneShot).await;
    set(&two, "Big/r7", "url", "https://example.com/new").await;
    sync(&one).await;
    assert!(show(&one, "Big/r7").await.contains("example.com/new"));
    let Ok(Reply::Verified(found)) = call(&two, Call::Verify).await else { panic!("not checked") };
    assert!(found.problems.is_empty(), "{found:?}");
    one.close().await;
    two.close().await;
}
