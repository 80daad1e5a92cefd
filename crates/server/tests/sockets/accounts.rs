//! Accounts, apps and places, as an app meets them.

use satchel_server::{Config, SignUp};
use satchel_wire::{
    AppId, ClientFrame, ErrorCode, PROTOCOL_VERSION, RecoverStart, RecoverStartReply, ServerFrame,
    SignInStart, SignInStartReply, Signature, Token,
};

use crate::support::{Host, Link, Person, TestApp, Transport, post, random};

async fn four(host: &Host) -> (Person, Vec<TestApp>) {
    let (person, first) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut apps = vec![first];
    for name in ["second", "third", "fourth"] {
        apps.push(person.sign_in(name).await.expect("no place is in use yet"));
    }
    (person, apps)
}

#[tokio::test]
async fn who_signed_up_signs_in_with_the_password_and_no_other() {
    let host = Host::start().await;
    let (person, app) = Person::sign_up(&host.address(), "A@Example.org ").await;
    drop(app.open(Transport::Socket).await);
    let bundle = person.prove(&person.password).await.expect("the password is right").bundle;
    assert_eq!(bundle.account, person.account);
    let refused = person.prove("another password").await.expect_err("the password is wrong");
    assert_eq!(refused.code, ErrorCode::Unauthorized);
    let taken = Person::try_sign_up(&host.address(), "a@example.ORG", None).await.err().expect("it is taken");
    assert_eq!(taken.code, ErrorCode::EmailTaken);
}

#[tokio::test]
async fn an_unknown_e_mail_is_answered_like_a_known_one() {
    let host = Host::start().await;
    let (person, _) = Person::sign_up(&host.address(), "a@example.org").await;
    for email in ["a@example.org", "nobody@example.org"] {
        let (_, request) =
            satchel_crypto::ClientLogin::start(b"p", &mut rand_core::OsRng).expect("a sign-in starts");
        let (protocol, email) = (PROTOCOL_VERSION, email.to_owned());
        let start = SignInStart { protocol, email: email.clone(), credential_request: request.into() };
        let reply: SignInStartReply =
            post(&host.address(), "/v1/signin/start", &start).await.expect("it is answered");
        assert_eq!(reply.credential_response.len(), 320);
        let start = RecoverStart { protocol, email };
        let _: RecoverStartReply =
            post(&host.address(), "/v1/recover/start", &start).await.expect("it is answered");
    }
    let nobody = Person { email: "nobody@example.org".into(), ..person };
    let refused = nobody.prove("any password").await.expect_err("there is no such account");
    assert_eq!(refused.code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn failed_sign_ins_are_throttled() {
    let host = Host::start().await;
    let (person, _) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(person.prove("wrong").await.expect_err("the password is wrong"));
    }
    let last = codes.pop().expect("there were twelve");
    assert_eq!(last.code, ErrorCode::Throttled);
    assert!(last.retry_ms.is_some_and(|wait| wait > 0));
}

#[tokio::test]
async fn sign_up_can_be_closed_or_by_invitation() {
    let closed = Host::start_with(|options| options.config.sign_up = SignUp::Closed).await;
    let refused = Person::try_sign_up(&closed.address(), "a@example.org", None).await.err().expect("closed");
    assert_eq!(refused.code, ErrorCode::SignUpClosed);

    let host = Host::start_with(|options| options.config.sign_up = SignUp::Invite).await;
    let refused = Person::try_sign_up(&host.address(), "a@example.org", None).await.err().expect("uninvited");
    assert_eq!(refused.code, ErrorCode::SignUpClosed);
    let folder = host.folder.path().join("server");
    let invite =
        satchel_server::store::sqlite::invite(&folder, 1, &mut rand_core::OsRng).expect("it is made");
    let invited = Person::try_sign_up(&host.address(), "a@example.org", Some(invite.clone())).await;
    assert!(invited.is_ok());
    let again = Person::try_sign_up(&host.address(), "b@example.org", Some(invite)).await;
    assert_eq!(again.err().expect("an invitation is for one").code, ErrorCode::SignUpClosed);
}

async fn the_fourth_app_may_take_a_place_over(transport: Transport) {
    let host = Host::start().await;
    let (_, apps) = four(&host).await;
    let mut first = apps[0].open(transport).await;
    let _second = apps[1].open(transport).await;
    let _third = apps[2].open(transport).await;
    let refused = apps[3].try_open(transport, true, None).await.err().expect("all places are in use");
    assert_eq!(refused.code, ErrorCode::AppLimit);
    let mut holders: Vec<AppId> = refused.apps.iter().map(|entry| entry.app).collect();
    let mut expected: Vec<AppId> = apps[..3].iter().map(|app| app.app).collect();
    holders.sort();
    expected.sort();
    assert_eq!(holders, expected);

    let took = apps[3].try_open(transport, true, Some(apps[0].app)).await;
    assert!(took.is_ok());
    let evicted = first.refused().await;
    assert_eq!(evicted.code, ErrorCode::Evicted);
    assert!(evicted.detail.contains("fourth"), "{}", evicted.detail);
    let refused = apps[0].try_open(transport, true, None).await.err().expect("all places are in use");
    assert_eq!(refused.code, ErrorCode::AppLimit);
}

#[tokio::test]
async fn the_fourth_app_may_take_a_place_over_by_socket() {
    the_fourth_app_may_take_a_place_over(Transport::Socket).await;
}

#[tokio::test]
async fn the_fourth_app_may_take_a_place_over_by_poll() {
    the_fourth_app_may_take_a_place_over(Transport::Poll).await;
}

#[tokio::test]
async fn a_sign_in_over_the_limit_does_not_use_the_grant_up() {
    let host = Host::start().await;
    let (person, apps) = four(&host).await;
    let _links = (
        apps[0].open(Transport::Socket).await,
        apps[1].open(Transport::Socket).await,
        apps[2].open(Transport::Socket).await,
    );
    let grant = person.prove(&person.password).await.expect("the password is right").grant;
    let refused = person.sign_in_with("fifth", grant, None).await.err().expect("all places are in use");
    assert_eq!(refused.code, ErrorCode::AppLimit);
    person.sign_in_with("fifth", grant, Some(apps[0].app)).await.expect("it takes a place over");
}

#[tokio::test]
async fn a_place_is_free_once_its_connection_is_gone() {
    let host = Host::start_with(|options| {
        options.config = Config { max_apps: 1, login_requests_per_minute: 10_000, ..Config::default() };
    })
    .await;
    let (person, first) = Person::sign_up(&host.address(), "a@example.org").await;
    let second = person.sign_in("second").await.expect("no place is in use yet");
    let mut link = first.open(Transport::Socket).await;
    link.send(&ClientFrame::SignOut { request: 1 }).await;
    assert_eq!(link.next().await, ServerFrame::Done { request: 1 });
    assert_eq!(link.refused().await.code, ErrorCode::SessionEnded);
    // The socket has closed, and the place with it; how soon after is not promised.
    while second.try_open(Transport::Socket, true, None).await.is_err() {
        tokio::task::yield_now().await;
    }
    let refused = first.try_open(Transport::Socket, true, None).await.err().expect("it signed out");
    assert_eq!(refused.code, ErrorCode::Unauthorized);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_opens_at_once_fill_three_places() {
    let host = Host::start().await;
    let (person, first) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut apps = vec![first];
    for number in 1..8 {
        apps.push(person.sign_in(&format!("app {number}")).await.expect("no place is in use yet"));
    }
    let opens = apps.iter().map(|app| app.try_open(Transport::Socket, true, None));
    let opened = futures_util::future::join_all(opens).await;
    assert_eq!(opened.iter().filter(|result| result.is_ok()).count(), 3);
    let refused = opened.iter().filter_map(|result| result.as_ref().err());
    assert!(refused.into_iter().all(|refusal| refusal.code == ErrorCode::AppLimit));
}

#[tokio::test]
async fn a_stolen_token_is_worth_nothing_without_the_app_key() {
    let host = Host::start().await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let check = async |token: Token, proof: Option<Signature>| {
        let (mut link, welcome) = Link::connect(&host.address(), Transport::Socket).await;
        let ClientFrame::Open { proof: right, .. } = app.open_frame(&welcome, true, None) else {
            unreachable!("an open frame is one")
        };
        let proof = proof.unwrap_or(right);
        let (protocol, sync, take_over, waiting) = (PROTOCOL_VERSION, true, None, 0);
        link.send(&ClientFrame::Open { protocol, token, proof, sync, take_over, waiting }).await;
        assert_eq!(link.refused().await.code, ErrorCode::Unauthorized);
    };
    check(app.token, Some(Signature::new([1; 64]))).await;
    check(Token::new(random()), None).await;
    // A proof for another nonce is none for this one.
    let (_other, welcome) = Link::connect(&host.address(), Transport::Socket).await;
    let old = app.key.sign_open(welcome.nonce.as_bytes(), welcome.incarnation.as_bytes());
    check(app.token, Some(Signature::new(old))).await;
}

#[tokio::test]
async fn an_app_can_end_another_one_s_session() {
    let host = Host::start().await;
    let (person, first) = Person::sign_up(&host.address(), "a@example.org").await;
    let second = person.sign_in("second").await.expect("a place is free");
    let (mut one, mut two) = (first.open(Transport::Socket).await, second.open(Transport::Poll).await);
    two.send(&ClientFrame::Waiting { count: 7 }).await;
    two.settle().await;
    one.send(&ClientFrame::ListApps { request: 1 }).await;
    let apps = one
        .until(|frame| match frame {
            ServerFrame::Apps { apps, .. } => Some(apps),
            _ => None,
        })
        .await;
    let entry = apps.iter().find(|entry| entry.app == second.app).expect("it is in the list");
    assert_eq!((entry.waiting, entry.connected, entry.name.as_str()), (7, true, "second"));
    one.send(&ClientFrame::DisconnectApp { request: 2, app: second.app }).await;
    assert_eq!(one.next().await, ServerFrame::Done { request: 2 });
    assert_eq!(two.refused().await.code, ErrorCode::SessionEnded);
}
