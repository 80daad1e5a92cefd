//! Who goes: out of a team, with an app, with the whole account; and what the others then have.

use satchel_client::api::{
    ActivityView, ApiError, Call, ErrorKind, MemberView, Reply, Request, Role, Secret, State, Status,
};
use satchel_client::{Client, Mode};

use crate::support::*;

const BEN: &str = "ben@example.com";

/// Ada and Ben, each with an agent's profile.
struct Pair {
    world: World,
    _apps: [App; 2],
    ada: Client,
    ben: Client,
}

impl Pair {
    async fn new() -> Self {
        let world = World::new().await;
        let apps = [App::new(), App::new()];
        let ada = apps[0].open(Mode::Agent).await;
        sign_up(&ada, &world.url(), EMAIL).await;
        let ben = apps[1].open(Mode::Agent).await;
        sign_up(&ben, &world.url(), BEN).await;
        Self { world, _apps: apps, ada, ben }
    }

    /// Ada's workspace `Shop`, with Ben in this role.
    async fn with_shop(role: Role) -> Self {
        let pair = Self::new().await;
        create(&pair.ada, "Shop", None, false).await;
        join(&pair.ben, invite(&pair.ada, role, None).await).await;
        pair
    }

    async fn close(self) {
        self.ada.close().await;
        self.ben.close().await;
    }
}

async fn in_shop(client: &Client, call: Call) -> Result<Reply, ApiError> {
    let request = Request { workspace: Some("Shop".into()), wait_ms: 20_000, call };
    tokio::time::timeout(std::time::Duration::from_mins(1), client.call(request, None))
        .await
        .expect("a call comes to its end")
}

async fn create(client: &Client, name: &str, team: Option<&str>, open: bool) {
    let create = Call::CreateWorkspace { name: name.into(), team: team.map(str::to_owned), open };
    call(client, create).await.expect("it is made");
}

async fn invite(client: &Client, role: Role, team: Option<&str>) -> Secret {
    match in_shop(client, Call::Invite { role, team: team.map(str::to_owned) }).await {
        Ok(Reply::Invited { link, .. }) => link,
        other => panic!("{other:?}"),
    }
}

async fn join(client: &Client, link: Secret) {
    match call(client, Call::Join { link }).await {
        Ok(Reply::Joined { waiting: false, .. }) => {}
        other => panic!("{other:?}"),
    }
}

async fn members(client: &Client) -> Vec<MemberView> {
    match in_shop(client, Call::Members { team: None }).await {
        Ok(Reply::Members { members }) => members,
        other => panic!("{other:?}"),
    }
}

async fn activity(client: &Client) -> Vec<ActivityView> {
    match in_shop(client, Call::Activity { limit: 100 }).await {
        Ok(Reply::Activity { entries }) => entries,
        other => panic!("{other:?}"),
    }
}

/// What was done to the members, the newest first.
async fn acts(client: &Client) -> Vec<String> {
    activity(client).await.into_iter().filter_map(|entry| entry.members).collect()
}

fn has_members(count: u64) -> impl Fn(&Status) -> bool {
    move |status| {
        status.workspaces.iter().any(|workspace| {
            workspace.name == "Shop" && workspace.members == count && workspace.state == State::InSync
        })
    }
}

fn is_gone(status: &Status) -> bool {
    let mut all = status.workspaces.iter();
    all.any(|workspace| workspace.name == "Shop" && workspace.reason.as_deref() == Some("gone"))
}

async fn new_item(client: &Client, path: &str) {
    let new = Call::New { kind: "collection".into(), path: path.into(), fields: vec![] };
    in_shop(client, new).await.expect("it is made");
}

async fn has_item(client: &Client, path: &str) -> bool {
    in_shop(client, Call::Show { path: path.into(), secrets: false }).await.is_ok()
}

async fn await_item(client: &Client, path: &str) {
    let mut changes = client.watch();
    let look = async {
        while !has_item(client, path).await {
            changes.changed().await.expect("the profile is open");
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), look).await.expect("it comes");
}

/// Ada's team `Crew` with Ben, who founds `Shop` in it and brings Ada there in this role.
async fn with_bens_shop(pair: &Pair, role: Role) {
    let made = call(&pair.ada, Call::CreateTeam { name: "Crew".into() }).await;
    let Ok(Reply::Team(team)) = made else { panic!("{made:?}") };
    assert_eq!((team.role, team.members), (Some(Role::Admin), 1));
    join(&pair.ben, {
        match call(&pair.ada, Call::Invite { role: Role::Editor, team: Some("Crew".into()) }).await {
            Ok(Reply::Invited { link, .. }) => link,
            other => panic!("{other:?}"),
        }
    })
    .await;
    create(&pair.ben, "Shop", Some("Crew"), false).await;
    join(&pair.ada, invite(&pair.ben, role, None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_founder_of_a_workspace_is_out_of_it_once_out_of_the_team() {
    let pair = Pair::new().await;
    with_bens_shop(&pair, Role::Admin).await;
    assert_eq!(call(&pair.ben, Call::LeaveTeam { team: "Crew".into() }).await, Ok(Reply::Done));
    until(&pair.ben, "the end", is_gone).await;
    until(&pair.ada, "the removal", has_members(1)).await;
    assert_eq!(acts(&pair.ada).await[0], "members_removed");
    pair.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_admin_of_a_teams_workspace_hands_it_over_with_the_team() {
    let pair = Pair::new().await;
    with_bens_shop(&pair, Role::Editor).await;
    let error = call(&pair.ben, Call::LeaveTeam { team: "Crew".into() }).await.expect_err("he is alone");
    assert_eq!((error.kind, error.candidates), (ErrorKind::LastAdmin, vec!["Shop".to_owned()]));
    let over = Call::HandOver { member: EMAIL.into(), team: Some("Crew".into()) };
    assert_eq!(call(&pair.ben, over).await, Ok(Reply::Done));
    until(&pair.ada, "the removal", has_members(1)).await;
    assert_eq!(members(&pair.ada).await[0].role, Role::Admin);
    pair.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_the_account_leaves_what_is_shared_first_and_stays_a_pseudonym() {
    let pair = Pair::with_shop(Role::Editor).await;
    new_item(&pair.ben, "Cart").await;
    await_item(&pair.ada, "Cart").await;
    let delete = |password: &str| Call::DeleteAccount { password: Secret(password.into()) };
    assert_eq!(kind(call(&pair.ben, delete("wrong")).await), ErrorKind::Unauthorized);
    assert_eq!(members(&pair.ada).await.len(), 2, "a wrong password leaves nothing");
    let error = call(&pair.ada, delete(PASSWORD)).await.expect_err("Ben would be without an admin");
    assert_eq!((error.kind, error.candidates), (ErrorKind::LastAdmin, vec!["Shop".to_owned()]));
    let Ok(Reply::AccountDeleted { receipt }) = call(&pair.ben, delete(PASSWORD)).await else {
        panic!("it is deleted")
    };
    assert!(
        receipt.contains(&("workspaces".into(), 1)) && receipt.contains(&("apps".into(), 1)),
        "{receipt:?}"
    );
    let seen = until(&pair.ada, "the end of the membership", has_members(1)).await;
    assert_eq!(seen.state, State::InSync);
    let mut changes = pair.ada.watch();
    while acts(&pair.ada).await[..2] != ["key_changed", "left"] {
        changes.changed().await.expect("the profile is open");
    }
    assert!(has_item(&pair.ada, "Cart").await, "what was shared stays");
    let entries = activity(&pair.ada).await;
    let made = entries.iter().find(|entry| entry.items.iter().any(|item| item.change == "created"));
    let by = &made.expect("it is told").by;
    assert!(by.len() == 32 && by.bytes().all(|byte| byte.is_ascii_hexdigit()), "{by} is no name");
    pair.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_app_is_out_of_the_charters_and_comes_back_as_another_one() {
    let pair = Pair::with_shop(Role::Editor).await;
    let app = App::new();
    let two = app.open(Mode::Agent).await;
    sign_in(&two, &pair.world.url(), EMAIL).await;
    new_item(&two, "Cart").await;
    await_item(&pair.ben, "Cart").await;
    let of_ada = |members: Vec<MemberView>| {
        members.into_iter().find(|member| member.name == EMAIL).map(|member| member.apps)
    };
    assert_eq!(of_ada(members(&pair.ben).await), Some(2));
    let end = Call::DisconnectApp { app: "second".into() };
    assert_eq!(call(&pair.ada, end).await, Ok(Reply::Done));
    assert_eq!(acts(&pair.ada).await[0], "app_revoked");
    assert_eq!(of_ada(members(&pair.ada).await), Some(1));
    until(&two, "the end", |status| status.reason.as_deref() == Some("session_ended")).await;
    new_item(&two, "Meanwhile").await;
    sign_in(&two, &pair.world.url(), EMAIL).await;
    await_item(&pair.ben, "Meanwhile").await;
    assert_eq!(of_ada(members(&pair.ada).await), Some(2));
    two.close().await;
    pair.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_is_needed_and_whom_to_ask() {
    let pair = Pair::with_shop(Role::Viewer).await;
    let error = in_shop(&pair.ben, Call::Invite { role: Role::Viewer, team: None }).await.expect_err("no");
    assert_eq!((error.kind, error.candidates), (ErrorKind::RoleTooLow, vec![EMAIL.to_owned()]));
    assert_eq!(error.detail, "it needs the role admin, yours in Shop is viewer");
    let error = in_shop(&pair.ada, Call::Leave).await.expect_err("she is the only admin");
    assert_eq!((error.kind, error.candidates), (ErrorKind::LastAdmin, vec![BEN.to_owned()]));
    let error = in_shop(&pair.ada, Call::SetAccess { open: true }).await.expect_err("there is no team");
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.detail.starts_with("Shop belongs to no team"), "{}", error.detail);
    let waits = Request {
        workspace: Some("Shop".into()),
        wait_ms: 0,
        call: Call::New { kind: "collection".into(), path: "Cart".into(), fields: vec![] },
    };
    pair.ada.call(waits, None).await.expect("it is made");
    let discard = Call::DiscardDrafts { paths: vec!["Cart".into()] };
    assert_eq!(kind(in_shop(&pair.ada, discard).await), ErrorKind::Invalid, "what may be sent is no draft");
    pair.close().await;
}
