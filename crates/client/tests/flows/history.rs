//! Versions that the server keeps, the trash, and what is said where there is no history.

use satchel_client::Mode;
use satchel_client::api::{Acknowledged, Call, ErrorKind, Reply, VersionView};

use crate::support::*;

async fn history(client: &satchel_client::Client, path: &str) -> Vec<VersionView> {
    match call(client, Call::History { path: path.into() }).await {
        Ok(Reply::History { versions, more: false, .. }) => versions,
        other => panic!("{other:?}"),
    }
}

fn item_id(reply: Reply) -> String {
    match reply {
        Reply::Changed { items, acknowledged: Acknowledged::Server } => items[0].id.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_app_tells_who_changed_what_and_can_take_it_back() {
    let world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &world.url(), EMAIL).await;
    make(&one, "collection", "Shop", Vec::new()).await;
    make(&one, "request", "Shop/Get", vec![field("url", "https://one.example")]).await;
    let two = second.open(Mode::OneShot).await;
    sign_in(&two, &world.url(), EMAIL).await;
    set(&two, "Shop/Get", "url", "https://two.example").await;
    let versions = history(&one, "Shop/Get").await;
    let told: Vec<_> = versions.iter().map(|v| (v.who.as_str(), v.app.as_str(), v.current)).collect();
    assert_eq!(told, [(EMAIL, "second", true), (EMAIL, "first", false)]);
    assert_eq!(versions[1].changes, ["made"]);
    assert!(versions.iter().all(|version| version.problem.is_none() && version.when > 1_600_000_000_000));
    assert_eq!(history(&two, "Shop/Get").await, versions);
    let Ok(Reply::Difference { text, .. }) =
        call(&one, Call::Diff { path: "Shop/Get".into(), version: None }).await
    else {
        panic!("no difference")
    };
    assert!(text.contains('-') && text.contains("one") && text.contains("two"), "{text}");
    let restore = Call::Restore { path: "Shop/Get".into(), version: Some(versions[1].version) };
    item_id(call(&two, restore).await.expect("it is restored"));
    sync(&one).await;
    assert!(show(&one, "Shop/Get").await.contains("one.example"));
    assert_eq!(history(&one, "Shop/Get").await.len(), 3);
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_purged_is_gone_everywhere_and_can_be_brought_back_by_its_id() {
    let world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &world.url(), EMAIL).await;
    make(&one, "collection", "Shop", Vec::new()).await;
    make(&one, "request", "Shop/Get", vec![field("url", "https://one.example")]).await;
    let two = second.open(Mode::Agent).await;
    sign_in(&two, &world.url(), EMAIL).await;
    let removed = call(&one, Call::Remove { paths: vec!["Shop/Get".into()], bulk: false }).await;
    let id = item_id(removed.expect("it is removed"));
    sync(&two).await;
    let emptied = call(&two, Call::EmptyTrash { items: Vec::new(), bulk: false }).await;
    assert_eq!(emptied, Ok(Reply::Purged { items: 1, acknowledged: Acknowledged::Server }));
    sync(&one).await;
    assert_eq!(tree(&one).await, ["Shop"]);
    assert_eq!(call(&one, Call::Trash).await, Ok(Reply::Trash { items: Vec::new() }));
    let versions = history(&one, &id).await;
    assert_eq!((versions[0].changes[0].as_str(), versions[0].app.as_str()), ("purged", "second"));
    item_id(call(&one, Call::Restore { path: id, version: None }).await.expect("it is brought back"));
    sync(&two).await;
    assert!(show(&two, "Shop/Get").await.contains("one.example"));
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_reason_is_told_and_the_trash_still_works() {
    let mut world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    let history = |path: &str| Call::History { path: path.into() };
    make(&client, "collection", "Pad", Vec::new()).await;
    assert_eq!(kind(call(&client, history("Pad")).await), ErrorKind::NoHistory);
    sign_up(&client, &world.url(), EMAIL).await;
    make(&client, "collection", "Shop", Vec::new()).await;
    world.stop().await;
    let error = call(&client, history("Shop")).await.expect_err("there is no server");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.detail.contains("versions are kept on the server"), "{error:?}");
    assert_eq!(kind(call(&client, history("Nothing")).await), ErrorKind::NotFound);
    let remove = Call::Remove { paths: vec!["Shop".into()], bulk: false };
    call(&client, remove).await.expect("it goes to the trash");
    let restore = Call::Restore { path: "Shop".into(), version: None };
    assert!(matches!(call(&client, restore).await, Ok(Reply::Changed { .. })));
    assert_eq!(tree(&client).await, ["Shop"]);
    client.close().await;
}
