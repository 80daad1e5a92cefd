//! One attack, played and judged.
//!
//! ```text
//!  warm up ▶ lie ▶ something happens ▶ the alarm, or no harm ▶ the truth again ▶ everything is there
//! ```
//! Every attack must really have changed something on the line. While it goes on, the victim may show of each
//! item only what was true at some time. The victim writes something under the attack; once the server is
//! honest again, that and everything else must be in all apps.
//!
//! Does not know: any single attack. Those are rows in `attacks`.

use satchel_client::api::{Call, ErrorKind, Here, MemberView, Reply, Role, Secret, State};
use satchel_wire::{ErrorCode, ServerFrame};

use crate::proxy::{Lie, Line, Said};
use crate::stage::{
    Stage, Town, Truth, Who, call, call_in, invite, items, sign_in_call, sign_up_call, status, sync,
    sync_soon, until,
};

/// What the victim writes.
const UNDER_ATTACK: &str = "written under attack";

/// What goes on while the server lies. Its victim is Ben, where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Ada changes two items, and Ben is connected.
    Live,
    /// Ada changes and makes items while Ben's app is closed; then it comes.
    CatchUp,
    /// Ben changes an item.
    Own,
    /// Ben changes an item and is told something; then the server is honest, and he comes again.
    OwnThenHonest,
    /// Ben signs in with a new app, which is the victim.
    Fresh,
    /// A commit of Ben's is held back until Ada has made him a viewer, and then shown to Cat.
    Demoted,
    /// A commit of Ben's is held back until Ada has removed Mallory, and then shown to Cat.
    Removed,
    /// Ada removes Mallory, and Cat is the victim.
    Removal,
    /// Eve joins by a link, and the line of Ada's app lies.
    Join,
    /// Eve joins by a link, and the line of her own app lies.
    Joiner,
    /// Two servers go on from one state: Ben's app is led to the other one, writes there, and comes back.
    Fork,
    /// Two servers go on from one state, and Ben is shown an entry of the first while he is at the second.
    Mixed,
    /// The server goes back to an earlier state of its own.
    RollBack,
    /// The server goes back and says that it was restored.
    Restore,
    /// Ben asks for the versions of an item.
    History,
    /// Ben asks who did what.
    Activity,
    /// Ada says where she is, and Ben asks who is here.
    Presence,
    /// Somebody signs in with a new app.
    SignIn,
    /// Somebody signs up.
    SignUp,
    /// Eve recovers her account.
    Recover,
}

/// How it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// `Shop` stops with this alarm.
    Alarm(&'static str),
    /// Another workspace stops with this alarm.
    AlarmIn(&'static str, &'static str),
    /// The app shows this reason for the whole connection.
    Link(&'static str),
    /// The change is set aside with this alarm, and kept.
    Aside(&'static str),
    /// The call fails so.
    Refused(ErrorKind),
    /// A version, and only such a one, is shown as not to be believed, with this in its words.
    Version(&'static str),
    /// Nothing comes of it, because of this.
    Harmless(&'static str),
}

/// What makes it good again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cure {
    /// The server says the truth.
    Honesty,
    /// The operator restores the server, which lacks what it had confirmed.
    Restore,
}

/// One row.
pub(crate) struct Attack {
    /// What kind of lie it is.
    pub(crate) kind: &'static str,
    /// What the server does.
    pub(crate) name: &'static str,
    pub(crate) scene: Scene,
    pub(crate) ends: Ends,
    pub(crate) cure: Cure,
    pub(crate) lie: fn() -> Lie,
    /// It is no attack: nothing may be changed, and nothing may be shown as wrong.
    is_control: bool,
}

impl Attack {
    pub(crate) fn new(
        kind: &'static str,
        name: &'static str,
        scene: Scene,
        ends: Ends,
        lie: fn() -> Lie,
    ) -> Self {
        Self { kind, name, scene, ends, cure: Cure::Honesty, lie, is_control: false }
    }

    /// The same scene with an honest server.
    pub(crate) fn control(scene: Scene) -> Self {
        let lie: fn() -> Lie = || Box::new(|_, said| vec![said.honestly()]);
        let row = Self::new("none", "no lie at all", scene, Ends::Harmless("nothing is wrong"), lie);
        Self { is_control: true, ..row }
    }

    /// The server has forgotten what it confirmed.
    pub(crate) fn cured_by_restore(self) -> Self {
        Self { cure: Cure::Restore, ..self }
    }

    fn victim(&self) -> Who {
        match self.scene {
            Scene::Fresh | Scene::SignIn | Scene::SignUp | Scene::Recover => Who::New,
            Scene::Demoted | Scene::Removed | Scene::Removal => Who::Cat,
            Scene::Join => Who::Ada,
            Scene::Joiner => Who::Eve,
            _ => Who::Ben,
        }
    }
}

/// Plays every row; every failure in one message.
pub(crate) async fn check_all(town: &Town, attacks: &[Attack]) {
    let only = std::env::var("SATCHEL_LYING_ONLY").ok();
    let mut failures = Vec::new();
    for attack in attacks.iter().filter(|attack| only.as_ref().is_none_or(|only| attack.name.contains(only)))
    {
        let begun = std::time::Instant::now();
        let checked = check(town, attack).await;
        // Shown with a failure, to tell what took long.
        println!("{:>5} ms  {} ({:?})", begun.elapsed().as_millis(), attack.name, attack.scene);
        if let Err(why) = checked {
            println!("          {why}");
            failures.push(format!("{} ({:?}): {why}", attack.name, attack.scene));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), attacks.len(), failures.join("\n"));
}

/// What the attacked call gave, where the scene is a call.
type Called = Option<Result<Reply, satchel_client::api::ApiError>>;

async fn check(town: &Town, attack: &Attack) -> Result<(), String> {
    let mut stage = Stage::open(town).await;
    let played = play(&mut stage, attack).await;
    stage.close().await;
    played
}

async fn play(stage: &mut Stage<'_>, attack: &Attack) -> Result<(), String> {
    let victim = attack.victim();
    let line = stage.town.line(victim).clone();
    let mut fired = line.fired();
    fired.mark_unchanged();
    let mut truth = warm_up(stage).await?;
    let called = act(stage, attack, &line, &mut truth).await?;
    if !is_the_server(attack.scene) && !attack.is_control {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(15), fired.changed()).await;
        waited.map_err(|_| "the attack never happened".to_owned())?.expect("the line is there");
    }
    judge(stage, attack, &line, called).await?;
    if is_the_server(attack.scene) {
        went_back(stage)?;
    }
    if attack.is_control {
        no_alarm(stage, victim).await?;
        assert!(!fired.has_changed().expect("the line is there"), "an honest line changes nothing");
    }
    let shown = items(stage.client(victim), "Shop").await;
    let untrue = truth.untrue(&shown);
    if !untrue.is_empty() {
        return Err(format!("it shows what was never true: {untrue:?}"));
    }
    if matches!(attack.scene, Scene::SignIn | Scene::SignUp | Scene::Recover) {
        return cure_call(stage, attack, &line).await;
    }
    let has_written =
        victim != Who::Cat && stage.set_here(victim, "Cart/Kept", "description", UNDER_ATTACK).await.is_ok();
    cure(stage, attack, &line).await?;
    check_people(stage, attack).await?;
    compare(stage, victim, has_written).await
}

async fn no_alarm(stage: &Stage<'_>, victim: Who) -> Result<(), String> {
    for who in [Who::Ada, Who::Ben, Who::Cat, victim] {
        let status = status(stage.client(who)).await;
        let is_quiet = |workspace: &satchel_client::api::WorkspaceStatus| {
            workspace.reason.is_none() && workspace.set_aside.is_empty()
        };
        if status.reason.is_some() || !status.workspaces.iter().all(is_quiet) {
            return Err(format!("an alarm for {who:?} without a lie: {status:?}"));
        }
    }
    Ok(())
}

/// Scenes in which the server itself is another one, and no frame has to be changed.
fn is_the_server(scene: Scene) -> bool {
    matches!(scene, Scene::Fork | Scene::RollBack | Scene::Restore)
}

/// Something to replay, move and compare with.
async fn warm_up(stage: &Stage<'_>) -> Result<Truth, String> {
    let mut truth = Truth::default();
    stage.set_in("Other", Who::Ada, "Cart/Get", ("description", "other one")).await;
    stage.set_in("Other", Who::Ada, "Cart/Put", ("description", "other two")).await;
    for (path, text) in [("Cart/Get", "warm one"), ("Cart/Put", "warm two"), ("Cart/Get", "warm three")] {
        stage.set(Who::Ada, path, "description", text).await;
        truth.learn(stage.client(Who::Ada)).await;
    }
    for who in [Who::Ben, Who::Cat] {
        stage.await_text(who, "warm three").await?;
    }
    Ok(truth)
}

async fn act(
    stage: &mut Stage<'_>,
    attack: &Attack,
    line: &Line,
    truth: &mut Truth,
) -> Result<Called, String> {
    match attack.scene {
        Scene::Live => {
            line.lie((attack.lie)());
            for (path, text) in [("Cart/Get", "live one"), ("Cart/Put", "live two")] {
                stage.set(Who::Ada, path, "description", text).await;
                truth.learn(stage.client(Who::Ada)).await;
            }
        }
        Scene::CatchUp => {
            stage.sleep(Who::Ben).await;
            for (path, text) in
                [("Cart/Get", "away one"), ("Cart/Put", "away two"), ("Cart/Get", "away three")]
            {
                stage.set(Who::Ada, path, "description", text).await;
                truth.learn(stage.client(Who::Ada)).await;
            }
            line.lie((attack.lie)());
            stage.wake(Who::Ben).await;
        }
        Scene::Own | Scene::OwnThenHonest => {
            line.lie((attack.lie)());
            let edit = stage.set_here(Who::Ben, "Cart/Get", "description", "own").await;
            edit.map_err(|error| format!("{error:?}"))?;
            truth.learn(stage.client(Who::Ben)).await;
            if attack.scene == Scene::OwnThenHonest {
                let told = || async { sync_soon(stage.client(Who::Ben)).await.is_ok() };
                until(stage.client(Who::Ben), "an answer", told).await?;
                line.be_honest();
                line.cut();
            }
        }
        Scene::Fresh => {
            line.lie((attack.lie)());
            stage.wake(Who::New).await;
            let sign_in = sign_in_call(&line.url, &Who::Ben.email());
            // It may never be in sync; that it is signed in is enough.
            let request = satchel_client::api::Request { workspace: None, wait_ms: 2_000, call: sign_in };
            drop(stage.client(Who::New).call(request, None).await);
        }
        Scene::Demoted | Scene::Removed => act_on_held_back(stage, attack, line, truth).await?,
        Scene::Removal => {
            line.lie((attack.lie)());
            remove_mallory(stage).await?;
            stage.set(Who::Ada, "Cart/Put", "description", "after her").await;
            truth.learn(stage.client(Who::Ada)).await;
        }
        Scene::Join | Scene::Joiner => {
            let link = invite(stage.client(Who::Ada), "Shop", Role::Editor).await;
            line.lie((attack.lie)());
            stage.wake(Who::Eve).await;
            let call = stage.town.join_call(Who::Eve, &link);
            let request = satchel_client::api::Request { workspace: None, wait_ms: 1_500, call };
            return Ok(Some(stage.client(Who::Eve).call(request, None).await));
        }
        Scene::Fork | Scene::Mixed => act_on_fork(stage, attack, line, truth).await?,
        Scene::RollBack | Scene::Restore => {
            stage.snapshot("old").await;
            stage.set(Who::Ada, "Cart/Put", "description", "after the backup").await;
            truth.learn(stage.client(Who::Ada)).await;
            stage.await_text(Who::Ben, "after the backup").await?;
            stage.stop().await;
            if attack.scene == Scene::Restore {
                stage.renew("old").await;
            } else {
                stage.start("old").await;
            }
        }
        Scene::History => {
            line.lie((attack.lie)());
            let history = Call::History { path: "Cart/Get".into() };
            return Ok(Some(call_in(stage.client(Who::Ben), "Shop", history, 8_000).await));
        }
        Scene::Activity => {
            line.lie((attack.lie)());
            let activity = Call::Activity { limit: 100 };
            return Ok(Some(call_in(stage.client(Who::Ben), "Shop", activity, 8_000).await));
        }
        Scene::Presence => {
            line.lie((attack.lie)());
            let here = Some(Here { item: None, state: "viewing".into() });
            let said = call_in(stage.client(Who::Ada), "Shop", Call::Presence { here }, 8_000).await;
            said.map_err(|error| format!("{error:?}"))?;
        }
        Scene::SignIn | Scene::SignUp | Scene::Recover => {
            line.lie((attack.lie)());
            stage.wake(Who::New).await;
            return Ok(Some(call(stage.client(Who::New), login_call(stage, attack.scene, line)).await));
        }
    }
    Ok(None)
}

fn login_call(stage: &Stage<'_>, scene: Scene, line: &Line) -> Call {
    match scene {
        Scene::SignUp => sign_up_call(&line.url, "new@example.com"),
        Scene::Recover => Call::Recover {
            server: line.url.clone(),
            email: Who::Eve.email(),
            code: stage.town.code.clone(),
            password: Secret("another long password".into()),
            app_name: None,
        },
        _ => sign_in_call(&line.url, &Who::Ben.email()),
    }
}

async fn remove_mallory(stage: &Stage<'_>) -> Result<(), String> {
    let remove = Call::RemoveMember { member: "Mallory".into(), team: None };
    let removed = call_in(stage.client(Who::Ada), "Shop", remove, 20_000).await;
    removed.map(drop).map_err(|error| format!("{error:?}"))
}

async fn act_on_held_back(
    stage: &mut Stage<'_>,
    attack: &Attack,
    line: &Line,
    truth: &mut Truth,
) -> Result<(), String> {
    let bens = stage.town.line(Who::Ben);
    let mut held = bens.fired();
    held.mark_unchanged();
    bens.lie(Box::new(|_, said| match said {
        Said::App(satchel_wire::ClientFrame::Commit { .. }) => Vec::new(),
        other => vec![other.honestly()],
    }));
    let edit = stage.set_here(Who::Ben, "Cart/Get", "description", "held back").await;
    edit.map_err(|error| format!("{error:?}"))?;
    held.changed().await.expect("the line is there");
    if attack.scene == Scene::Demoted {
        let demote = Call::SetRole { member: Who::Ben.email(), role: Role::Viewer, team: None };
        let done = call_in(stage.client(Who::Ada), "Shop", demote, 20_000).await;
        done.map_err(|error| format!("{error:?}"))?;
        until(stage.client(Who::Cat), "the role", || async {
            let cat = members(stage, Who::Cat).await;
            cat.iter().any(|member| member.name == Who::Ben.email() && member.role == Role::Viewer)
        })
        .await?;
    } else {
        remove_mallory(stage).await?;
        until(stage.client(Who::Cat), "the removal", || async { members(stage, Who::Cat).await.len() == 3 })
            .await?;
    }
    line.lie((attack.lie)());
    stage.set(Who::Ada, "Cart/Put", "description", "afterwards").await;
    truth.learn(stage.client(Who::Ada)).await;
    Ok(())
}

async fn act_on_fork(
    stage: &mut Stage<'_>,
    attack: &Attack,
    line: &Line,
    truth: &mut Truth,
) -> Result<(), String> {
    stage.snapshot("fork").await;
    let fork = satchel_server::serve(satchel_server::Options::new(stage.path("fork"))).await;
    let fork = fork.expect("the other server starts");
    let main = stage.address();
    line.lead_to(fork.address());
    line.cut();
    // Both are connected again, so that what follows comes live.
    for who in [Who::Ada, Who::Ben, Who::Cat] {
        sync(stage.client(who)).await?;
    }
    stage.set(Who::Ada, "Cart/Put", "description", "main one").await;
    stage.set(Who::Ada, "Cart/Put", "description", "main two").await;
    truth.learn(stage.client(Who::Ada)).await;
    stage.await_text(Who::Cat, "main two").await?;
    stage.set(Who::Ben, "Cart/Get", "description", "fork").await;
    truth.learn(stage.client(Who::Ben)).await;
    if attack.scene == Scene::Mixed {
        line.lie((attack.lie)());
        let edit = stage.set_here(Who::Ben, "Cart/Get", "description", "fork two").await;
        edit.map_err(|error| format!("{error:?}"))?;
        truth.learn(stage.client(Who::Ben)).await;
        until(stage.client(Who::Ben), "an alarm", || async {
            reason(stage, Who::Ben, "Shop").await.is_some()
        })
        .await?;
    }
    line.lead_to(main);
    line.cut();
    fork.shutdown().await;
    Ok(())
}

/// The server itself showed an earlier or another ledger.
fn went_back(stage: &Stage<'_>) -> Result<(), String> {
    let memory = stage.town.memory();
    let mut newest = 0;
    let mut has_gone_back = false;
    for frame in &memory.server {
        match frame {
            ServerFrame::Opened(opened) => {
                let heads = opened.workspaces.iter().filter(|entry| entry.workspace == memory.shop);
                has_gone_back |= heads.clone().any(|entry| entry.head.seq < newest);
                newest = heads.map(|entry| entry.head.seq).chain([newest]).max().unwrap_or(0);
            }
            ServerFrame::Entry { workspace, seq, .. } if *workspace == memory.shop => {
                newest = newest.max(*seq);
            }
            ServerFrame::Rejected { refusal, .. } => {
                has_gone_back |= refusal.code == ErrorCode::CursorUnknown;
            }
            _ => {}
        }
    }
    if has_gone_back { Ok(()) } else { Err("the server did not go back".into()) }
}

/// A workspace by its id, since its name may not have come: `Shop`, `Other`, or one that is none of Ben's.
fn find<'a>(
    stage: &Stage<'_>,
    status: &'a satchel_client::api::Status,
    name: &str,
) -> Option<&'a satchel_client::api::WorkspaceStatus> {
    let memory = stage.town.memory();
    let id = match name {
        "Shop" => memory.shop,
        "Other" => memory.other,
        _ => crate::attacks::FOREIGN,
    };
    let id = id.to_string();
    status.workspaces.iter().find(|workspace| workspace.id == id)
}

async fn reason(stage: &Stage<'_>, who: Who, workspace: &str) -> Option<String> {
    let status = status(stage.client(who)).await;
    let shown = find(stage, &status, workspace)?;
    shown.reason.clone().filter(|_| shown.state == State::Error)
}

async fn judge(stage: &Stage<'_>, attack: &Attack, line: &Line, called: Called) -> Result<(), String> {
    let victim = attack.victim();
    let client = || stage.client(victim);
    let awaited = match attack.ends {
        Ends::Alarm(alarm) => await_alarm(stage, victim, ("Shop", alarm)).await,
        Ends::AlarmIn(workspace, alarm) => await_alarm(stage, victim, (workspace, alarm)).await,
        Ends::Link(wanted) => {
            let is_shown = || async { status(client()).await.reason.as_deref() == Some(wanted) };
            until(client(), wanted, is_shown).await
        }
        Ends::Aside(alarm) => {
            let is_aside = || async {
                let status = status(client()).await;
                let shop = find(stage, &status, "Shop");
                shop.is_some_and(|shop| shop.set_aside.iter().any(|aside| aside.alarm == alarm))
            };
            until(client(), alarm, is_aside).await
        }
        Ends::Refused(kind) => match called {
            Some(Err(error)) if error.kind == kind => Ok(()),
            other => Err(format!("{kind:?} was expected, not {other:?}")),
        },
        Ends::Version(words) => match called {
            Some(Ok(Reply::History { versions, .. })) => {
                let problems: Vec<_> =
                    versions.iter().filter_map(|version| version.problem.clone()).collect();
                let is_told = !problems.is_empty() && problems.iter().all(|problem| problem.contains(words));
                if is_told { Ok(()) } else { Err(format!("the versions were {versions:?}")) }
            }
            other => Err(format!("versions were expected, not {other:?}")),
        },
        Ends::Harmless(_) => judge_harmless(stage, attack, line, called).await,
    };
    match awaited {
        Ok(()) => Ok(()),
        Err(why) if stage.has(victim) => Err(format!("{why}; it shows {:?}", status(client()).await)),
        Err(why) => Err(why),
    }
}

async fn await_alarm(stage: &Stage<'_>, who: Who, (workspace, alarm): (&str, &str)) -> Result<(), String> {
    let is_shown = || async { reason(stage, who, workspace).await.as_deref() == Some(alarm) };
    until(stage.client(who), &format!("the alarm {alarm} in {workspace}"), is_shown).await
}

/// No alarm: with the truth told again, on the same connection or a new one, all goes on.
async fn judge_harmless(
    stage: &Stage<'_>,
    attack: &Attack,
    line: &Line,
    called: Called,
) -> Result<(), String> {
    let victim = attack.victim();
    if let Some(Err(error)) = called {
        return Err(format!("the call failed: {error:?}"));
    }
    if attack.scene == Scene::Presence {
        let Ok(Reply::Present { people }) = call_in(stage.client(victim), "Shop", Call::WhoIsHere, 0).await
        else {
            return Err("nobody knows who is here".into());
        };
        if people.iter().any(|person| person.name != Who::Ada.email()) {
            return Err(format!("somebody is shown who is not here: {people:?}"));
        }
    }
    line.be_honest();
    if let Some(Ok(Reply::Activity { entries: told })) = called {
        let again = call_in(stage.client(victim), "Shop", Call::Activity { limit: 100 }, 8_000).await;
        let Ok(Reply::Activity { entries }) = again else { return Err(format!("no activity: {again:?}")) };
        if let Some(untrue) = told.iter().find(|entry| !entries.contains(entry)) {
            return Err(format!("it tells what nobody did: {untrue:?}"));
        }
    }
    if is_the_server(attack.scene) {
        return sync(stage.client(victim)).await;
    }
    if sync_soon(stage.client(victim)).await.is_ok() {
        return Ok(());
    }
    line.cut();
    sync(stage.client(victim)).await
}

async fn cure(stage: &mut Stage<'_>, attack: &Attack, line: &Line) -> Result<(), String> {
    line.be_honest();
    stage.town.line(Who::Ben).be_honest();
    if attack.cure == Cure::Restore {
        let folder = if attack.scene == Scene::RollBack { "old" } else { "server" };
        stage.renew(folder).await;
    } else {
        line.cut();
        stage.town.line(Who::Ben).cut();
    }
    let victim = attack.victim();
    if !matches!(attack.ends, Ends::Harmless(_)) {
        let reloaded = call(stage.client(victim), Call::Reload).await;
        reloaded.map_err(|error| format!("it does not come back: {error:?}"))?;
    }
    sync(stage.client(victim)).await.map_err(|why| format!("after the attack: {why}"))
}

/// The same call with an honest server succeeds.
async fn cure_call(stage: &Stage<'_>, attack: &Attack, line: &Line) -> Result<(), String> {
    line.be_honest();
    line.cut();
    if attack.is_control {
        return Ok(());
    }
    let client = stage.client(Who::New);
    if matches!(attack.ends, Ends::Link(_)) {
        // It is signed in with what the server gave; the person signs in again.
        let out = Call::SignOut { discard: satchel_client::api::Discard::Nothing };
        call(client, out).await.map_err(|error| format!("it cannot sign out: {error:?}"))?;
    }
    let again = call(client, login_call(stage, attack.scene, line)).await;
    again.map(drop).map_err(|error| format!("with an honest server: {error:?}"))
}

async fn members(stage: &Stage<'_>, who: Who) -> Vec<MemberView> {
    match call_in(stage.client(who), "Shop", Call::Members { team: None }, 0).await {
        Ok(Reply::Members { members }) => members,
        _ => Vec::new(),
    }
}

/// Who is a member, and with which keys, is what people decided.
async fn check_people(stage: &Stage<'_>, attack: &Attack) -> Result<(), String> {
    if matches!(attack.scene, Scene::Join | Scene::Joiner) {
        let is_member = || async { members(stage, Who::Eve).await.iter().any(|member| member.this) };
        until(stage.client(Who::Eve), "Eve in the list of members", is_member).await?;
        until(stage.client(Who::Ada), "Eve in Ada's list", || async {
            members(stage, Who::Ada).await.iter().any(|member| member.name == Who::Eve.email())
        })
        .await?;
        let own = call(stage.client(Who::Eve), Call::Fingerprint { member: None }).await;
        let Ok(Reply::Fingerprint { words, .. }) = own else { return Err(format!("no words: {own:?}")) };
        let seen = members(stage, Who::Ada).await;
        let seen = seen.iter().find(|member| member.name == Who::Eve.email()).map(|eve| &eve.fingerprint);
        if seen != Some(&words) {
            return Err(format!("Ada's app knows Eve by {seen:?}, she is {words}"));
        }
    }
    let known =
        ["Mallory".to_owned(), Who::Ada.email(), Who::Ben.email(), Who::Cat.email(), Who::Eve.email()];
    let shown = members(stage, Who::Ada).await;
    let stranger = shown.iter().find(|member| !known.contains(&member.name));
    stranger.map_or(Ok(()), |stranger| Err(format!("a stranger is a member: {stranger:?}")))
}

/// Everything is everywhere.
async fn compare(stage: &mut Stage<'_>, victim: Who, has_written: bool) -> Result<(), String> {
    for who in [Who::Ada, victim] {
        let client = stage.client(who);
        if sync_soon(client).await.is_err() {
            let reloaded = call(client, Call::Reload).await;
            reloaded.map_err(|error| format!("{who:?} does not come back: {error:?}"))?;
        }
    }
    if has_written {
        // Where what it was based on had to be read anew, it is one of the two values of a conflict.
        let ada = stage.client(Who::Ada);
        let is_there = || async {
            let shown = items(ada, "Shop").await;
            let conflicts = call_in(ada, "Shop", Call::Conflicts, 0).await;
            shown.values().any(|item| item.contains(UNDER_ATTACK))
                || format!("{conflicts:?}").contains(UNDER_ATTACK)
        };
        until(ada, "what was written under the attack", is_there).await?;
    }
    let expected = items(stage.client(Who::Ada), "Shop").await;
    let is_equal = || async { items(stage.client(victim), "Shop").await == expected };
    if until(stage.client(victim), "the same items", is_equal).await.is_err() {
        let shown = items(stage.client(victim), "Shop").await;
        return Err(format!("the apps differ: {shown:?} and {expected:?}"));
    }
    match call(stage.client(victim), Call::Verify).await {
        Ok(Reply::Verified(found)) if found.problems.is_empty() => Ok(()),
        other => Err(format!("it does not verify: {other:?}")),
    }
}
