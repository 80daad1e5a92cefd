//! Signing up, in and out; passwords and recovery; what is left on the disk.

use satchel_client::Mode;
use satchel_client::api::{Acknowledged, Call, Discard, ErrorKind, Reply, Secret, State};

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_the_scratch_pad_works() {
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    assert_eq!(make(&client, "collection", "Notes", vec![]).await, Acknowledged::Local);
    let seen = status(&client).await;
    assert_eq!((seen.state, seen.reason.as_deref()), (State::Offline, Some("signed_out")));
    assert_eq!(kind(call(&client, Call::Sync { timeout_ms: 100 }).await), ErrorKind::SignedOut);
    client.close().await;
    let client = app.open(Mode::OneShot).await;
    assert_eq!(tree(&client).await, ["Notes"]);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_owns_a_profile() {
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    assert_eq!(kind(app.try_open(Mode::OneShot).await), ErrorKind::Locked);
    client.close().await;
    app.open(Mode::OneShot).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_app_gets_everything_with_its_sign_in() {
    let world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let client = first.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    assert_eq!(make(&client, "collection", "Shop", vec![]).await, Acknowledged::Server);
    make(&client, "request", "Shop/Get cart", vec![field("url", "https://example.com/cart")]).await;
    client.close().await;
    let client = second.open(Mode::OneShot).await;
    sign_in(&client, &world.url(), EMAIL).await;
    assert_eq!(tree(&client).await, ["Shop", "Get cart"]);
    assert!(show(&client, "Shop/Get cart").await.contains("example.com/cart"));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leaves_nothing_and_signing_in_brings_all_back() {
    let world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    make(&client, "collection", "Notes", vec![]).await;
    sign_up(&client, &world.url(), EMAIL).await;
    make(&client, "collection", "Planted", vec![field("description", "https://planted.example")]).await;
    sign_out(&client).await;
    client.close().await;
    for words in ["Planted", "planted.example", EMAIL, "My Workspace", &world.url()] {
        assert_eq!(app.files_with(words), Vec::<String>::new(), "{words}");
    }
    for gone in ["account.db", "account.db-wal", "account.key", "wipe"] {
        assert!(!app.home().join(gone).exists(), "{gone}");
    }
    let client = app.open(Mode::OneShot).await;
    assert_eq!(tree(&client).await, ["Notes"], "the Scratch Pad stays");
    sign_in(&client, &world.url(), EMAIL).await;
    assert_eq!(tree(&client).await, ["Planted"]);
    assert_eq!(app.files_with("planted.example"), Vec::<String>::new(), "nothing lies in the clear");
    assert_eq!(app.files_with(EMAIL), Vec::<String>::new());
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_wait_are_not_signed_out_unless_discarded() {
    let mut world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    world.stop().await;
    assert_eq!(make(&client, "collection", "Late", vec![]).await, Acknowledged::Local);
    let error = call(&client, Call::SignOut { discard: Discard::Nothing }).await.expect_err("changes wait");
    assert_eq!((error.kind, error.count), (ErrorKind::ChangesWaiting, 1));
    assert_eq!(tree(&client).await, ["Late"], "nothing was touched");
    assert_eq!(call(&client, Call::SignOut { discard: Discard::Everything }).await, Ok(Reply::Done));
    assert_eq!(status(&client).await.reason.as_deref(), Some("signed_out"));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_in_turn_never_see_each_other() {
    let world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    make(&client, "collection", "Of Ada", vec![]).await;
    sign_out(&client).await;
    sign_up(&client, &world.url(), "bob@example.com").await;
    assert_eq!(tree(&client).await, Vec::<String>::new());
    make(&client, "collection", "Of Bob", vec![]).await;
    sign_out(&client).await;
    sign_in(&client, &world.url(), EMAIL).await;
    assert_eq!(tree(&client).await, ["Of Ada"]);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_email_are_answered_alike() {
    let world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    sign_out(&client).await;
    let wrong = call(&client, sign_in_call(&world.url(), EMAIL, "wrong", None)).await.expect_err("refused");
    let unknown = call(&client, sign_in_call(&world.url(), "x@example.com", PASSWORD, None))
        .await
        .expect_err("refused");
    assert_eq!(wrong.kind, ErrorKind::Unauthorized);
    assert_eq!(wrong, unknown);
    assert_eq!(kind(call(&client, sign_up_call(&world.url(), EMAIL)).await), ErrorKind::SignUpRefused);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_sets_a_new_password_once() {
    let world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    let code = sign_up(&client, &world.url(), EMAIL).await;
    make(&client, "collection", "Shop", vec![]).await;
    sign_out(&client).await;
    let recover = |code: &str| Call::Recover {
        server: world.url(),
        email: EMAIL.into(),
        code: Secret(code.into()),
        password: Secret("another password".into()),
        app_name: None,
    };
    let reply =
        call(&client, recover(&code.to_lowercase().replace('-', " "))).await.expect("the code is right");
    assert!(matches!(reply, Reply::SignedUp { recovery_code, .. } if recovery_code != code));
    assert_eq!(tree(&client).await, ["Shop"]);
    sign_out(&client).await;
    assert_eq!(kind(call(&client, recover(&code)).await), ErrorKind::Unauthorized);
    let signed_in = call(&client, sign_in_call(&world.url(), EMAIL, "another password", None)).await;
    assert!(signed_in.is_ok(), "{signed_in:?}");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_other_sessions_which_keep_their_data() {
    let world = World::new().await;
    let (first, second) = (App::new(), App::new());
    let one = first.open(Mode::OneShot).await;
    sign_up(&one, &world.url(), EMAIL).await;
    make(&one, "collection", "Shop", vec![]).await;
    let two = second.open(Mode::Agent).await;
    sign_in(&two, &world.url(), EMAIL).await;
    let change =
        Call::ChangePassword { old: Secret(PASSWORD.into()), new: Secret("changed password".into()) };
    assert_eq!(call(&one, change).await, Ok(Reply::Done));
    sync(&one).await;
    until(&two, "the session's end", |status| status.reason.as_deref() == Some("session_ended")).await;
    set_here(&two, "Shop", "description", "written meanwhile").await;
    assert_eq!(kind(call(&two, Call::Sync { timeout_ms: 5_000 }).await), ErrorKind::SessionEnded);
    let again = call(&two, sign_in_call(&world.url(), EMAIL, "changed password", None)).await;
    assert!(matches!(again, Ok(Reply::SignedIn { in_sync: true, .. })), "{again:?}");
    sync(&one).await;
    assert!(show(&one, "Shop").await.contains("written meanwhile"));
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_gone_on_both_sides() {
    let world = World::new().await;
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    sign_up(&client, &world.url(), EMAIL).await;
    make(&client, "collection", "Shop", vec![]).await;
    let delete = |password: &str| Call::DeleteAccount { password: Secret(password.into()) };
    assert_eq!(kind(call(&client, delete("wrong")).await), ErrorKind::Unauthorized);
    let Ok(Reply::AccountDeleted { receipt }) = call(&client, delete(PASSWORD)).await else {
        panic!("not deleted")
    };
    assert!(receipt.contains(&("workspaces".into(), 1)), "{receipt:?}");
    assert!(!app.home().join("account.db").exists());
    assert_eq!(
        kind(call(&client, sign_in_call(&world.url(), EMAIL, PASSWORD, None)).await),
        ErrorKind::Unauthorized
    );
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_and_a_closed_port_are_told_apart() {
    let app = App::new();
    let client = app.open(Mode::OneShot).await;
    let page = web_page().await;
    let error = call(&client, sign_in_call(&page, EMAIL, PASSWORD, None)).await.expect_err("it is a page");
    assert_eq!(error.kind, ErrorKind::NotSatchel, "{error:?}");
    assert!(error.detail.contains("text/html"), "{error:?}");
    let mut world = World::new().await;
    world.stop().await;
    assert_eq!(
        kind(call(&client, sign_in_call(&world.url(), EMAIL, PASSWORD, None)).await),
        ErrorKind::Unreachable
    );
    assert_eq!(
        kind(call(&client, sign_in_call("http://sync.example", EMAIL, PASSWORD, None)).await),
        ErrorKind::Invalid
    );
    client.close().await;
}
