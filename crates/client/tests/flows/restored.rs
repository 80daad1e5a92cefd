//! A server that is restored from an older backup: the apps say so, and bring back what it lacks.

use satchel_client::Mode;
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
