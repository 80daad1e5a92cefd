//! A server that is restored from an older backup, and one that dropped what lay between: the apps say so,
//! bring back what the one lacks, and lose nothing by the other.

use satchel_client::api::Call;
use satchel_client::{Client, Mode};
use satchel_server::Retention;
use satchel_server::store::sqlite;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_backup_lacks_comes_back_from_the_apps() {
    let mut world = World::new().await;
    let (first, second, third) = (App::new(), App::new(), App::new());
    let one = first.open(Mode::Agent).await;
    sign_up(&one, &world.url(), EMAIL).await;
    make(&one, "collection", "Shop", vec![]).await;
    let two = second.open(Mode::Agent).await;
    sign_in(&two, &world.url(), EMAIL).await;
    let files = tempfile::tempdir().expect("a temporary folder");
    let backup = files.path().join("backup.db");
    sqlite::backup(world.folder(), &backup).expect("it is backed up");

    set(&one, "Shop", "description", "after the backup").await;
    sync(&two).await;
    make(&two, "request", "Shop/Get cart", vec![field("url", "https://example.com/cart")]).await;
    sync(&one).await;
    world.stop().await;
    one.close().await;
    sqlite::restore(&backup, world.folder(), &mut rand_core::OsRng).expect("it is restored");
    world.start().await;

    let one = first.open(Mode::Agent).await;
    for app in [&one, &two, &one] {
        let seen = sync(app).await;
        assert_eq!((seen.conflicts, seen.pending.up), (0, 0));
        assert_eq!(seen.reason.as_deref(), Some("rolled_back"), "{seen:?}");
        assert!(seen.detail.expect("it says why").contains("restored from an older backup"));
    }
    let three = third.open(Mode::OneShot).await;
    sign_in(&three, &world.url(), EMAIL).await;
    for app in [&one, &two, &three] {
        assert_eq!(tree(app).await, ["Shop", "Get cart"]);
        assert!(show(app, "Shop").await.contains("after the backup"));
        assert!(show(app, "Shop/Get cart").await.contains("https://example.com/cart"));
    }
    for app in [one, two, three] {
        app.close().await;
    }
}

/// Opens an app, which is asked for packs then, until there are newer ones.
async fn pack(world: &World, app: &App, after: i64) {
    let client = app.open(Mode::OneShot).await;
    while world.packed_until() <= after {
        sync(&client).await;
    }
    client.close().await;
}

async fn purge(client: &Client, item: &str) {
    call(client, Call::Remove { paths: vec![item.into()], bulk: false }).await.expect("it is in the trash");
    let items = vec![item.rsplit('/').next().expect("a path has a name").into()];
    call(client, Call::EmptyTrash { items, bulk: false }).await.expect("it is purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_comes_back_after_the_server_dropped_what_lay_between() {
    let mut world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::OneShot).await;
    sign_up(&one, &world.url(), EMAIL).await;
    import(&one, 300).await;
    sync(&one).await;
    one.close().await;
    pack(&world, &first, 0).await;
    let two = second.open(Mode::OneShot).await;
    sign_in(&two, &world.url(), EMAIL).await;
    sync(&two).await;
    two.close().await;
    let before = world.packed_until();

    let one = first.open(Mode::OneShot).await;
    for url in ["https://example.com/a", "https://example.com/b", "https://example.com/c"] {
        set(&one, "Big/r3", "url", url).await;
    }
    purge(&one, "Big/r4").await;
    purge(&one, "Big/r5").await;
    for n in 0..40 {
        make(&one, "request", &format!("Big/Extra {n}"), vec![]).await;
    }
    one.close().await;
    pack(&world, &first, before).await;
    world.stop().await;
    let pruned = world.prune(Retention { age_ms: 0, versions: 1, entries: 0 });
    assert!(pruned > before, "headers up to {pruned} are dropped, behind {before}");
    // Without the server: changes over what is unchanged, changed, and gone.
    let two = second.open(Mode::OneShot).await;
    set_here(&two, "Big/r1", "description", "by two").await;
    set_here(&two, "Big/r3", "description", "by two").await;
    set_here(&two, "Big/r5", "description", "by two").await;
    call_waiting(
        &two,
        Call::New { kind: "request".into(), path: "Big/Made away".into(), fields: Vec::new() },
        0,
    )
    .await
    .expect("it is made");
    world.start().await;
    let seen = sync(&two).await;
    assert_eq!((seen.conflicts, seen.pending.up, seen.reason.as_deref()), (0, 0, None), "{seen:?}");
    let one = first.open(Mode::OneShot).await;
    sync(&one).await;
    assert_eq!(tree(&one).await, tree(&two).await);
    for client in [&one, &two] {
        let names = tree(client).await;
        assert!(!names.iter().any(|name| name == "r4"), "nothing comes back from the dead");
        assert!(names.iter().any(|name| name == "Made away"));
        let changed = show(client, "Big/r3").await;
        assert!(changed.contains("example.com/c") && changed.contains("by two"), "{changed}");
        assert!(show(client, "Big/r1").await.contains("by two"));
    }
    one.close().await;
    two.close().await;
}
