//! Who may call what: walks through the table of routes, and through every frame.

use minicbor::bytes::ByteVec;
use rand_core::OsRng;
use satchel_crypto::{ClientLogin, ClientRegistration};
use satchel_server::{Caller, ROUTES, Route};
use satchel_wire::{
    AccountBundle, AppId, BundleUpdate, Bytes32, ClientFrame, DeleteAccount, ErrorCode, GrantId, Head,
    LoginId, PROTOCOL_VERSION, PackId, Part, PasswordFinish, PasswordStart, PollId, PollRequest, RecordId,
    RecoverFinish, RecoverStart, ServerFrame, SignInFinish, SignInStart, SignUpFinish, SignUpStart,
    Signature, WorkspaceId, encode,
};

use crate::support::{Host, Person, Put, Transport, post_raw, random, refusal, request};

/// What a caller has to show.
struct Shown {
    login: LoginId,
    grant: GrantId,
    poll: PollId,
}

impl Shown {
    fn nothing() -> Self {
        Self { login: LoginId::new(random()), grant: GrantId::new(random()), poll: PollId::new(random()) }
    }
}

fn bundle(person: &Person) -> AccountBundle {
    let public = person.identity.public();
    AccountBundle {
        account: person.account,
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_identity: vec![1; 40].into(),
        wrapped_by_password: vec![1; 40].into(),
        wrapped_by_recovery: vec![1; 40].into(),
        recovery_key: Bytes32::new(person.recovery.recovery_key().public()),
    }
}

/// A body that is well formed, for every route that takes one. A route without a row here fails.
fn body(route: &Route, person: &Person, shown: &Shown) -> Option<Vec<u8>> {
    let (protocol, email) = (PROTOCOL_VERSION, person.email.clone());
    let (registration, registered) = ClientRegistration::start(b"p", &mut OsRng).expect("it starts");
    let registration_request = ByteVec::from(registered);
    let registration_upload = || {
        let setup = satchel_crypto::ServerSetup::make(&mut OsRng);
        let response = setup.register(&registration_request, b"x").expect("the request is good");
        let (upload, _) = registration.finish(b"p", &response, &mut OsRng).expect("the response is good");
        ByteVec::from(upload)
    };
    let (app, _) = person.make_login("other", Some(shown.grant));
    Some(match route.path {
        "/" | "/healthz" | "/readyz" | "/metrics" | "/v1/ws" => return None,
        "/v1/poll/open" => Vec::new(),
        "/v1/poll" => {
            encode(&PollRequest { poll: shown.poll, first: 0, frames: Vec::new(), read: 0, wait_ms: 0 })
        }
        "/v1/signup/start" => encode(&SignUpStart { protocol, email, registration_request, invite: None }),
        "/v1/signup/finish" => {
            let registration_upload = registration_upload();
            encode(&SignUpFinish { login: shown.login, registration_upload, bundle: bundle(person), app })
        }
        "/v1/signin/start" => {
            let (_, request) = ClientLogin::start(b"p", &mut OsRng).expect("it starts");
            encode(&SignInStart { protocol, email, credential_request: request.into() })
        }
        "/v1/signin/finish" => {
            encode(&SignInFinish { login: shown.login, credential_finalization: vec![7; 64].into() })
        }
        "/v1/signin/app" => encode(&app),
        "/v1/recover/start" => encode(&RecoverStart { protocol, email }),
        "/v1/recover/finish" => encode(&RecoverFinish { login: shown.login, proof: Signature::new([7; 64]) }),
        "/v1/password/start" => encode(&PasswordStart { grant: shown.grant, registration_request }),
        "/v1/password/finish" => {
            let update = BundleUpdate { wrapped_by_password: vec![1; 40].into(), recovery: None };
            let registration_upload = registration_upload();
            encode(&PasswordFinish { grant: shown.grant, registration_upload, update, keep: None })
        }
        "/v1/account/delete" => encode(&DeleteAccount { grant: shown.grant }),
        other => panic!("{other} has no row in this test"),
    })
}

async fn call(host: &Host, route: &Route, person: &Person, shown: &Shown) -> (u16, Vec<u8>) {
    if let Some(body) = body(route, person, shown) {
        return post_raw(&host.address(), route.path, &body).await;
    }
    let head = format!("{} {} HTTP/1.1", route.method, route.path);
    let (status, _, body) = request(&host.address(), &head, &[]).await;
    (status, body)
}

#[tokio::test]
async fn a_stranger_gets_past_no_route_that_wants_something_shown() {
    let host = Host::start().await;
    let (person, _app) = Person::sign_up(&host.address(), "a@example.org").await;
    for route in ROUTES {
        let (status, body) = call(&host, route, &person, &Shown::nothing()).await;
        match route.caller {
            Caller::Anyone if route.path == "/v1/ws" => assert_eq!(status, 426),
            Caller::Anyone => assert_eq!(status, 200, "{}", route.path),
            Caller::Login | Caller::Grant => {
                assert_eq!(status, 401, "{}", route.path);
                assert_eq!(refusal(&body).code, ErrorCode::Unauthorized, "{}", route.path);
            }
            Caller::Connection => {
                assert_eq!(status, 404, "{}", route.path);
                assert_eq!(refusal(&body).code, ErrorCode::NotFound, "{}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn another_account_s_grant_does_nothing_to_this_one() {
    let host = Host::start().await;
    let (person, _) = Person::sign_up(&host.address(), "a@example.org").await;
    for route in ROUTES.iter().filter(|route| route.caller == Caller::Grant) {
        let email = format!("b@{}.example.org", route.path.replace('/', "."));
        let (other, _) = Person::sign_up(&host.address(), &email).await;
        let grant = other.prove(&other.password).await.expect("the password is right").grant;
        let (status, body) = call(&host, route, &person, &Shown { grant, ..Shown::nothing() }).await;
        if route.path == "/v1/signin/app" {
            assert_eq!((status, refusal(&body).code), (403, ErrorCode::BadSignature));
        }
    }
    person.sign_in("again").await.expect("the account is as it was");
}

#[tokio::test]
async fn the_owner_gets_through_with_a_grant() {
    let host = Host::start().await;
    for route in ROUTES.iter().filter(|route| route.caller == Caller::Grant) {
        let email = format!("c@{}.example.org", route.path.replace('/', "."));
        let (person, _) = Person::sign_up(&host.address(), &email).await;
        let grant = person.prove(&person.password).await.expect("the password is right").grant;
        let (status, _) = call(&host, route, &person, &Shown { grant, ..Shown::nothing() }).await;
        assert_eq!(status, 200, "{}", route.path);
        let (status, _) = call(&host, route, &person, &Shown { grant, ..Shown::nothing() }).await;
        let again = if route.path == "/v1/password/start" { 200 } else { 401 };
        assert_eq!(status, again, "{} a second time", route.path);
    }
}

#[tokio::test]
async fn every_other_address_and_method_has_the_same_answer() {
    let host = Host::start().await;
    let heads = [
        "GET /nothing HTTP/1.1",
        "GET /v1/account/delete HTTP/1.1",
        "POST / HTTP/1.1",
        "DELETE /v1/ws HTTP/1.1",
        "GET /v1/workspaces/00112233445566778899aabbccddeeff HTTP/1.1",
    ];
    for head in heads {
        let (status, _, body) = request(&host.address(), head, &[]).await;
        assert_eq!((status, body.as_slice()), (404, b"not found\n".as_slice()), "{head}");
    }
}

/// What an answer says, without what names the request.
fn gist(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::Rejected { refusal, .. } | ServerFrame::Failed { refusal, .. } => format!("{refusal:?}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_foreign_workspace_answers_like_one_that_is_not_there() {
    let host = Host::start().await;
    let (owner, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let mut link = app.open(Transport::Socket).await;
    let (workspace, key) = app.found(&mut link, &owner).await;
    let (_, other) = Person::sign_up(&host.address(), "b@example.org").await;
    let mut foreign = other.open(Transport::Socket).await;
    let ask = |workspace: WorkspaceId, app: AppId| {
        let record = RecordId::new([1; 16]);
        let put = Put { key: &key, record, parent: None, payload: b"{}" };
        let (_, _, commit) = other.put(workspace, &put);
        [
            ClientFrame::Subscribe { workspace, cursor: Head::EMPTY, pages_after: 0 },
            ClientFrame::Fetch { request: 1, workspace, records: vec![(record, Part::Body)] },
            ClientFrame::DeleteWorkspace { request: 2, workspace },
            ClientFrame::Versions { request: 4, workspace, record, part: Part::Body, before: None, limit: 9 },
            ClientFrame::Bootstrap { workspace, have: Vec::new() },
            ClientFrame::FetchPacks { request: 5, workspace, packs: vec![PackId::new([1; 32])] },
            ClientFrame::ReadHeaders { request: 6, workspace, after: 0 },
            ClientFrame::PutPack { request: 7, workspace, pack: vec![1; 100].into() },
            ClientFrame::PutManifest { request: 8, manifest: other.manifest(workspace) },
            ClientFrame::DisconnectApp { request: 3, app },
            commit,
        ]
    };
    let real = ask(workspace, app.app);
    let random = ask(WorkspaceId::new(random()), AppId::new(random()));
    for (real, random) in real.into_iter().zip(random) {
        foreign.send(&real).await;
        let answer = gist(&foreign.next().await);
        foreign.send(&random).await;
        assert_eq!(answer, gist(&foreign.next().await), "{real:?}");
        assert!(answer.contains("NotFound"), "{answer}");
    }
    let frames = link.settle().await;
    assert_eq!(frames, [], "the owner heard of nothing");
}

#[tokio::test]
async fn a_connection_without_sync_may_only_ask_about_apps() {
    let host = Host::start().await;
    let (_, app) = Person::sign_up(&host.address(), "a@example.org").await;
    let (mut link, opened) = app.try_open(Transport::Socket, false, None).await.expect("it opens");
    assert_eq!(opened.workspaces, []);
    link.send(&ClientFrame::ListApps { request: 5 }).await;
    assert!(matches!(link.next().await, ServerFrame::Apps { request: 5, apps } if apps.len() == 1));
    let workspace = WorkspaceId::new(random());
    link.send(&ClientFrame::Subscribe { workspace, cursor: Head::EMPTY, pages_after: 0 }).await;
    assert!(gist(&link.next().await).contains("Forbidden"));
    let (record, part) = (RecordId::new([1; 16]), Part::Body);
    link.send(&ClientFrame::Versions { request: 6, workspace, record, part, before: None, limit: 9 }).await;
    assert!(gist(&link.next().await).contains("Forbidden"));
}
