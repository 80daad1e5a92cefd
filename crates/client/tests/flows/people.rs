//! Several accounts on one server: invitations, roles, drafts, removal, teams.

use satchel_client::api::{
    Acknowledged, ApiError, Call, ErrorKind, Here, MemberView, Reply, Request, Role, Secret, State,
};
use satchel_client::{Client, Mode};

use crate::support::*;

const BEN: &str = "ben@example.com";
const CAT: &str = "cat@example.com";

/// Ada, Ben and Cat, each with an agent's profile.
struct People {
    _world: World,
    _apps: Vec<App>,
    clients: Vec<Client>,
}

impl People {
    async fn new() -> Self {
        let world = World::new().await;
        let (mut apps, mut clients) = (Vec::new(), Vec::new());
        for email in [EMAIL, BEN, CAT] {
            let app = App::new();
            let client = app.open(Mode::Agent).await;
            sign_up(&client, &world.url(), email).await;
            apps.push(app);
            clients.push(client);
        }
        Self { _world: world, _apps: apps, clients }
    }

    /// Ada's workspace `Shop` with Ben as editor and Cat as viewer.
    async fn with_shop() -> Self {
        let people = Self::new().await;
        let create = Call::CreateWorkspace { name: "Shop".into(), team: None, open: false };
        call(&people.clients[0], create).await.expect("it is made");
        for (index, role) in [(1, Role::Editor), (2, Role::Viewer)] {
            let link = people.invite(role, None).await;
            people.join(index, link).await;
        }
        people
    }

    async fn invite(&self, role: Role, team: Option<&str>) -> Secret {
        let team = team.map(str::to_owned);
        match in_shop(&self.clients[0], Call::Invite { role, team }).await {
            Ok(Reply::Invited { link, .. }) => link,
            other => panic!("{other:?}"),
        }
    }

    async fn join(&self, index: usize, link: Secret) {
        match call(&self.clients[index], Call::Join { link }).await {
            Ok(Reply::Joined { waiting: false, name: Some(_), .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    async fn close(self) {
        for client in self.clients {
            client.close().await;
        }
    }
}

async fn in_shop(client: &Client, call: Call) -> Result<Reply, ApiError> {
    let request = Request { workspace: Some("Shop".into()), wait_ms: 20_000, call };
    tokio::time::timeout(std::time::Duration::from_mins(1), client.call(request, None))
        .await
        .expect("a call comes to its end")
}

async fn members(client: &Client) -> Vec<MemberView> {
    match in_shop(client, Call::Members { team: None }).await {
        Ok(Reply::Members { members }) => members,
        other => panic!("{other:?}"),
    }
}

async fn set_url(client: &Client, url: &str) -> Acknowledged {
    let set = Call::Set { path: "Cart/Get".into(), fields: vec![field("url", url)] };
    match in_shop(client, set).await {
        Ok(Reply::Changed { acknowledged, .. }) => acknowledged,
        other => panic!("{other:?}"),
    }
}

async fn has_url(client: &Client, url: &str) -> bool {
    let show = Call::Show { path: "Cart/Get".into(), secrets: false };
    match in_shop(client, show).await {
        Ok(Reply::Item { document, .. }) => document.to_string().contains(url),
        _ => false,
    }
}

async fn await_url(client: &Client, url: &str) {
    let mut changes = client.watch();
    let look = async {
        while !has_url(client, url).await {
            changes.changed().await.expect("the profile is open");
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), look).await.expect("it comes");
}

async fn make_cart(client: &Client) {
    let new = |kind: &str, path: &str, fields| Call::New { kind: kind.into(), path: path.into(), fields };
    in_shop(client, new("collection", "Cart", vec![])).await.expect("it is made");
    in_shop(client, new("request", "Cart/Get", vec![field("url", "https://a.example")]))
        .await
        .expect("it is made");
}

fn shop(status: &satchel_client::api::Status) -> Option<&satchel_client::api::WorkspaceStatus> {
    status.workspaces.iter().find(|workspace| workspace.name == "Shop")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_by_a_link_reads_and_editors_write() {
    let people = People::with_shop().await;
    let [ada, ben, cat] = [0, 1, 2].map(|index| &people.clients[index]);
    make_cart(ada).await;
    await_url(ben, "https://a.example").await;
    assert_eq!(set_url(ben, "https://b.example").await, Acknowledged::Server);
    await_url(cat, "https://b.example").await;
    let seen: Vec<_> = members(cat).await.into_iter().map(|member| (member.name, member.role)).collect();
    let expected = [(EMAIL, Role::Admin), (BEN, Role::Editor), (CAT, Role::Viewer)];
    assert_eq!(seen, expected.map(|(name, role)| (name.to_owned(), role)));
    let Ok(Reply::Activity { entries }) = in_shop(cat, Call::Activity { limit: 100 }).await else {
        panic!("it is told")
    };
    assert!(entries.iter().any(|entry| entry.by == BEN && entry.items[0].change == "changed"), "{entries:?}");
    assert!(entries.iter().all(|entry| entry.at.is_some()));
    let words = members(ben).await.into_iter().find(|member| member.name == EMAIL).expect("Ada is there");
    let own = call(ada, Call::Fingerprint { member: None }).await;
    assert_eq!(own, Ok(Reply::Fingerprint { name: EMAIL.into(), words: words.fingerprint }));
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewers_edit_stays_a_draft_until_the_role_rises() {
    let people = People::with_shop().await;
    let (ada, cat) = (&people.clients[0], &people.clients[2]);
    make_cart(ada).await;
    await_url(cat, "https://a.example").await;
    assert_eq!(set_url(cat, "https://draft.example").await, Acknowledged::Local);
    let seen = status(cat).await;
    let shown = shop(&seen).expect("it is listed");
    assert_eq!((shown.drafts, shown.pending.up, shown.state), (1, 0, State::InSync));
    assert_eq!((shown.role, shown.members), (Some(Role::Viewer), 3));
    let discarded = in_shop(cat, Call::DiscardDrafts { paths: Vec::new() }).await;
    assert_eq!(discarded, Ok(Reply::Discarded { items: 1 }));
    assert!(has_url(cat, "https://a.example").await);
    set_url(cat, "https://again.example").await;
    let raise = Call::SetRole { member: CAT.into(), role: Role::Editor, team: None };
    assert_eq!(in_shop(ada, raise).await, Ok(Reply::Done));
    await_url(ada, "https://again.example").await;
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_keeps_a_readable_copy_and_hears_nothing_more() {
    let people = People::with_shop().await;
    let (ada, ben) = (&people.clients[0], &people.clients[1]);
    make_cart(ada).await;
    await_url(ben, "https://a.example").await;
    let removed = in_shop(ada, Call::RemoveMember { member: BEN.into(), team: None }).await;
    assert_eq!(removed, Ok(Reply::MemberRemoved { secrets: Vec::new() }));
    let gone = until(ben, "the removal", |status| {
        shop(status).is_some_and(|shop| shop.reason.as_deref() == Some("gone"))
    });
    gone.await;
    set_url(ada, "https://after.example").await;
    assert!(has_url(ben, "https://a.example").await, "what was here stays");
    set_url(ben, "https://unsent.example").await;
    let delete = |discard| Call::DeleteWorkspace { workspace: "Shop".into(), discard };
    let error = call(ben, delete(false)).await.expect_err("it is nowhere else");
    assert_eq!((error.kind, error.count), (ErrorKind::ChangesWaiting, 1));
    assert_eq!(call(ben, delete(true)).await, Ok(Reply::Done));
    sync(ben).await;
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_hands_over_before_leaving() {
    let people = People::with_shop().await;
    let (ada, ben) = (&people.clients[0], &people.clients[1]);
    assert_eq!(kind(in_shop(ada, Call::Leave).await), ErrorKind::LastAdmin);
    let delete = Call::DeleteAccount { password: Secret(PASSWORD.into()) };
    let error = call(ada, delete).await.expect_err("others need it");
    assert_eq!((error.kind, error.candidates), (ErrorKind::LastAdmin, vec!["Shop".to_owned()]));
    let over = Call::HandOver { member: BEN.into(), team: None };
    assert_eq!(in_shop(ada, over).await, Ok(Reply::Done));
    let seen = until(ben, "the role", |status| {
        shop(status).is_some_and(|shop| shop.role == Some(Role::Admin) && shop.members == 2)
    });
    seen.await;
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_for_one_person_and_can_be_ended() {
    let people = People::new().await;
    let create = Call::CreateWorkspace { name: "Shop".into(), team: None, open: false };
    call(&people.clients[0], create).await.expect("it is made");
    let link = people.invite(Role::Editor, None).await;
    people.join(1, link.clone()).await;
    assert_eq!(kind(call(&people.clients[2], Call::Join { link }).await), ErrorKind::InviteGone);
    let link = people.invite(Role::Viewer, None).await;
    let Ok(Reply::Invites { invites }) = in_shop(&people.clients[0], Call::Invites { team: None }).await
    else {
        panic!("they are listed")
    };
    let end = Call::RevokeInvite { invite: invites[0].id.clone(), team: None };
    assert_eq!(in_shop(&people.clients[0], end).await, Ok(Reply::Done));
    assert_eq!(kind(call(&people.clients[2], Call::Join { link }).await), ErrorKind::InviteGone);
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_open_workspace_comes_to_its_members_and_goes_with_the_team() {
    let people = People::new().await;
    let (ada, ben) = (&people.clients[0], &people.clients[1]);
    call(ada, Call::CreateTeam { name: "Crew".into() }).await.expect("it is made");
    let create = Call::CreateWorkspace { name: "Shop".into(), team: Some("Crew".into()), open: true };
    call(ada, create).await.expect("it is made");
    let link = people.invite(Role::Editor, Some("Crew")).await;
    people.join(1, link).await;
    let is_there = |status: &satchel_client::api::Status| {
        shop(status)
            .is_some_and(|shop| shop.role == Some(Role::Editor) && shop.team.as_deref() == Some("Crew"))
    };
    let seen = until(ben, "the workspace", is_there).await;
    assert!(seen.workspaces.iter().all(|workspace| workspace.name != "Crew"), "a team is no workspace");
    let Ok(Reply::Teams { teams }) = call(ben, Call::Teams).await else { panic!("they are listed") };
    assert_eq!((teams[0].name.as_str(), teams[0].members), ("Crew", 2));
    let delete = Call::DeleteAccount { password: Secret(PASSWORD.into()) };
    let error = call(ben, delete).await.expect_err("the account is in a team");
    assert_eq!((error.kind, error.candidates), (ErrorKind::InTeams, vec!["Crew".to_owned()]));
    assert_eq!(call(ben, Call::LeaveTeam { team: "Crew".into() }).await, Ok(Reply::Done));
    let gone = until(ben, "the end", |status| {
        shop(status).is_some_and(|shop| shop.reason.as_deref() == Some("gone"))
    });
    gone.await;
    let left = until(ada, "the removal", |status| shop(status).is_some_and(|shop| shop.members == 1));
    left.await;
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_moves_to_another_workspace_with_a_note_on_both_sides() {
    let people = People::with_shop().await;
    let (ada, cat) = (&people.clients[0], &people.clients[2]);
    make_cart(ada).await;
    let there = || Call::MoveToWorkspace { path: "Cart".into(), to: "My Workspace".into(), secrets: false };
    await_url(cat, "https://a.example").await;
    assert_eq!(kind(in_shop(cat, there()).await), ErrorKind::RoleTooLow);
    let moved = in_shop(ada, there()).await;
    let Ok(Reply::Changed { acknowledged, .. }) = moved else { panic!("{moved:?}") };
    assert_eq!(acknowledged, Acknowledged::Server);
    assert!(show(ada, "Cart/Get").await.contains("https://a.example"));
    assert!(show(ada, "Cart").await.contains("moved_from"));
    let Ok(Reply::Trash { items }) = in_shop(ada, Call::Trash).await else { panic!("it is listed") };
    assert_eq!(items.len(), 1);
    people.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_who_is_here_only_of_those_who_say_so() {
    let people = People::with_shop().await;
    let (ada, cat) = (&people.clients[0], &people.clients[2]);
    let here = Here { item: None, state: "viewing".into() };
    assert_eq!(in_shop(cat, Call::Presence { here: Some(here) }).await, Ok(Reply::Done));
    let mut changes = ada.watch();
    let look = async {
        loop {
            let Ok(Reply::Present { people }) = in_shop(ada, Call::WhoIsHere).await else {
                panic!("it is told")
            };
            match people.as_slice() {
                [] => changes.changed().await.expect("the profile is open"),
                [one] => return one.name.clone(),
                more => panic!("{more:?}"),
            }
        }
    };
    let name = tokio::time::timeout(std::time::Duration::from_mins(1), look).await.expect("it comes");
    assert_eq!(name, CAT);
    people.close().await;
}
