//! Calls about other people: teams, members, invitations and joining.
//!
//! ```text
//! Invite, SetRole, … ─▶ `acts` ─▶ engine ─▶ its entry accepted ─▶ answered
//! Join ─▶ JoinInvite ─▶ Done ─▶ (an admin's app confirms) ─▶ the workspace comes
//! ```
//! What is told of people comes from charters that were verified here; what the server says of them is not asked.

use satchel_crypto::{InviteLink, InviteSecret, derive_fingerprint};
use satchel_model::RecordId;
use satchel_sync::{Act, Charter, Founded, Identity, SCRATCH, SyncState};
use satchel_wire::{AccountId, ClientFrame, JoinClaim, WorkspaceId, WorkspaceKind};

use super::activity::Past;
use super::acts::Acts;
use super::calls::{ANSWER_WAIT_MS, after};
use super::waiting::{Finish, Goal, Waiter};
use super::{Answer, Core, now_ms};
use crate::api::{
    ApiError, Call, ErrorKind, InviteView, MemberView, ReadableSecret, Reply, Role, Secret, TeamView,
};
use crate::credential::Credential;
use crate::ops::fields::check_name;
use crate::ops::profile::Profile;
use crate::ops::select;
use crate::ops::view::View;
use crate::problem::{engine, problem, refused};

/// How long an invitation is good.
const INVITE_MS: u64 = 7 * 24 * 60 * 60 * 1000;

impl Core {
    pub(super) fn on_people_call(
        &mut self,
        workspace: Option<&str>,
        call: Call,
        wait_ms: u64,
        reply: Answer,
    ) {
        if let Err((error, reply)) = self.do_people_call(workspace, call, wait_ms, reply) {
            drop(reply.send(Err(error)));
        }
    }

    /// Answers, or begins what will answer.
    fn do_people_call(
        &mut self,
        workspace: Option<&str>,
        call: Call,
        wait_ms: u64,
        reply: Answer,
    ) -> Result<(), (ApiError, Answer)> {
        let answered = match self.tell_people(workspace, &call) {
            Some(answer) => answer,
            None => match self.plan_people_call(workspace, call, wait_ms) {
                Ok(waiter) => {
                    self.failures = 0;
                    self.ensure_link();
                    let (goal, finish) = waiter;
                    let deadline = after(wait_ms.max(ANSWER_WAIT_MS));
                    self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
                    return Ok(());
                }
                Err(error) => Err(error),
            },
        };
        match answered {
            Ok(content) => {
                self.answer(reply, Ok(content));
                Ok(())
            }
            Err(error) => Err((error, reply)),
        }
    }

    /// What needs no connection.
    fn tell_people(&mut self, workspace: Option<&str>, call: &Call) -> Option<Result<Reply, ApiError>> {
        Some(match call {
            Call::Teams => Ok(Reply::Teams { teams: self.teams() }),
            Call::RenameTeam { team, name } => self.rename_team(team, name),
            Call::Members { team } => self.members(workspace, team.as_deref()),
            Call::Invites { team } => self.invites(workspace, team.as_deref()),
            Call::Fingerprint { member } => self.fingerprint(workspace, member.as_deref()),
            Call::Presence { here } => self.be_here(workspace, here.clone()),
            Call::WhoIsHere => self.who_is_here(workspace),
            Call::DiscardDrafts { paths } => self.discard_drafts(workspace, paths),
            _ => return None,
        })
    }

    /// What is begun and waited for.
    fn plan_people_call(
        &mut self,
        workspace: Option<&str>,
        call: Call,
        wait_ms: u64,
    ) -> Result<(Goal, Finish), ApiError> {
        match call {
            Call::CreateWorkspace { name, team, open } => {
                self.create_team_workspace(&name, &team.unwrap_or_default(), open)
            }
            Call::CreateTeam { name } => self.create_team(&name),
            Call::Invite { role, team } => self.invite(workspace, team.as_deref(), role),
            Call::RevokeInvite { invite, team } => self.revoke_invite(workspace, team.as_deref(), &invite),
            Call::SetRole { member, role, team } => {
                let tried = "changing a role";
                let place = self.place(workspace, team.as_deref(), tried)?;
                let account = self.member_of(place, &member, tried)?;
                self.act(place, Act::SetRole(account, role.into()), Reply::Done)
            }
            Call::RemoveMember { member, team } => self.remove_member(workspace, team.as_deref(), &member),
            Call::Leave => {
                let place = self.place(workspace, None, "leaving")?;
                self.act(place, Act::Leave, Reply::Done)
            }
            Call::LeaveTeam { team } => {
                let place = self.place(None, Some(&team), "leaving the team")?;
                self.leave_team(place)
            }
            Call::HandOver { member, team } => {
                let tried = "handing over";
                let place = self.place(workspace, team.as_deref(), tried)?;
                let account = self.member_of(place, &member, tried)?;
                self.hand_over(place, account)
            }
            Call::SetAccess { open } => self.set_access(workspace, open),
            Call::DeleteTeam { team } => {
                let place = self.place(None, Some(&team), "deleting the team")?;
                Ok((Goal::Opened, Finish::DeleteWorkspace(place)))
            }
            Call::Join { link } => self.join(&link, wait_ms),
            Call::Activity { limit } => {
                let workspace = self.place(workspace, None, "reading the activity")?;
                Ok((Goal::Live(workspace), Finish::Activity(Box::new(Past::new(workspace, limit)))))
            }
            other => Err(problem(ErrorKind::Internal, "doing a call", format!("nobody does {other:?}"))),
        }
    }

    /// The team that is named, else the workspace of the request.
    fn place(
        &self,
        workspace: Option<&str>,
        team: Option<&str>,
        tried: &str,
    ) -> Result<WorkspaceId, ApiError> {
        let Some(team) = team else {
            let workspace = select::workspace(self, workspace)?;
            if workspace == SCRATCH {
                return Err(problem(
                    ErrorKind::Invalid,
                    tried,
                    "the Scratch Pad belongs to this device alone",
                ));
            }
            return Ok(workspace);
        };
        pick("team", self.rosters(), team, tried, |roster| self.name_of_place(roster))
    }

    pub(super) fn rosters(&self) -> Vec<WorkspaceId> {
        let all = self.engine.workspaces().into_iter();
        all.filter(|id| self.engine.kind(*id) == Some(WorkspaceKind::Roster)).collect()
    }

    pub(super) fn name_of_place(&self, place: WorkspaceId) -> String {
        crate::status::name(&self.engine, place).unwrap_or_else(|| place.to_string())
    }

    pub(super) fn charter(&self, place: WorkspaceId, tried: &str) -> Result<&Charter, ApiError> {
        let absent = || problem(ErrorKind::NotInSync, tried, "its members have not been received yet");
        self.engine.charter(place).ok_or_else(absent)
    }

    pub(super) fn member_name(&self, place: WorkspaceId, account: AccountId) -> String {
        self.engine.name_of(place, account).unwrap_or_else(|| account.to_string())
    }

    fn member_of(&self, place: WorkspaceId, wanted: &str, tried: &str) -> Result<AccountId, ApiError> {
        let members = self.charter(place, tried)?.members().map(|(account, _)| account).collect();
        pick("member", members, wanted, tried, |account| self.member_name(place, account))
    }

    /// Whether the account is no member any more, or the workspace was deleted.
    pub(super) fn is_gone(&self, place: WorkspaceId) -> bool {
        let state = self.engine.summary(place).map(|summary| summary.state);
        matches!(state, Some(SyncState::Blocked(satchel_sync::Alarm::Gone, _)))
    }

    // ---- teams ----

    fn teams(&self) -> Vec<TeamView> {
        let mut teams: Vec<_> = self.rosters().into_iter().map(|roster| self.team(roster)).collect();
        teams.sort_by(|a, b| a.name.cmp(&b.name));
        teams
    }

    pub(super) fn team(&self, roster: WorkspaceId) -> TeamView {
        let kind = Some(WorkspaceKind::Team(roster));
        let all = self.engine.workspaces().into_iter();
        let own = all.filter(|workspace| self.engine.kind(*workspace) == kind);
        let mut workspaces: Vec<_> = own.map(|workspace| self.name_of_place(workspace)).collect();
        workspaces.sort();
        let is_gone = self.is_gone(roster);
        TeamView {
            id: roster.to_string(),
            name: self.name_of_place(roster),
            role: self.engine.role(roster).filter(|_| !is_gone).map(Role::from),
            members: self.engine.charter(roster).map_or(0, |charter| charter.members().count() as u64),
            workspaces,
        }
    }

    fn create_team(&mut self, name: &str) -> Result<(Goal, Finish), ApiError> {
        let tried = format!("making the team {name}");
        self.check_team_name(name, &tried)?;
        let roster = self.found(WorkspaceKind::Roster, name)?;
        Ok((Goal::Acknowledged(vec![(roster, select::root(roster))]), Finish::TeamMade(roster)))
    }

    fn check_team_name(&self, name: &str, tried: &str) -> Result<(), ApiError> {
        check_name(name).map_err(|why| problem(ErrorKind::Invalid, tried, why))?;
        let is_taken = self.rosters().into_iter().any(|roster| self.name_of_place(roster) == name);
        if is_taken { Err(problem(ErrorKind::Exists, tried, "there is a team of that name")) } else { Ok(()) }
    }

    fn rename_team(&mut self, team: &str, name: &str) -> Result<Reply, ApiError> {
        let tried = format!("renaming the team {team}");
        let roster = self.place(None, Some(team), &tried)?;
        self.check_team_name(name, &tried)?;
        let root = select::root(roster);
        let node = self.engine.nodes(roster).and_then(|nodes| nodes.get(&root));
        let absent = || problem(ErrorKind::NotInSync, tried, "the team has not been received yet");
        let node = satchel_model::Node { name: name.to_owned(), ..node.ok_or_else(absent)?.clone() };
        self.edit(roster, vec![satchel_sync::Change { record: root, node: Some(node), body: None }])?;
        Ok(Reply::Team(self.team(roster)))
    }

    /// Founds a workspace whose founder others will see by the account's e-mail.
    pub(super) fn found(&mut self, kind: WorkspaceKind, name: &str) -> Result<WorkspaceId, ApiError> {
        self.disk.must_sync = true;
        let email = self.credential.as_ref().map(|credential| credential.email.clone());
        let founded = Founded { kind, name, founder: email.as_deref() };
        let founded = self.engine.found(&founded, &mut self.rng, &mut self.store);
        let workspace = founded.map_err(|error| engine("making a workspace", &error))?;
        self.touched.push((workspace, RecordId(*workspace.as_bytes())));
        Ok(workspace)
    }

    fn create_team_workspace(
        &mut self,
        name: &str,
        team: &str,
        open: bool,
    ) -> Result<(Goal, Finish), ApiError> {
        let tried = format!("making the workspace {name}");
        let roster = self.place(None, Some(team), &tried)?;
        check_name(name).map_err(|why| problem(ErrorKind::Invalid, &tried, why))?;
        if select::all(self).into_iter().any(|workspace| select::name(self, workspace) == name) {
            return Err(problem(ErrorKind::Exists, tried, "there is a workspace of that name"));
        }
        if self.engine.is_unfounded(roster) {
            return Err(problem(ErrorKind::NotInSync, tried, "the server does not have the team yet"));
        }
        if self.engine.role(roster) < Some(satchel_wire::Role::Editor) {
            return Err(problem(ErrorKind::RoleTooLow, tried, "a guest of the team makes no workspaces"));
        }
        let workspace = self.found(WorkspaceKind::Team(roster), name)?;
        let view = Reply::Workspace(select::view(self, workspace)?);
        if !open {
            let touched = vec![(workspace, select::root(workspace))];
            return Ok((Goal::Acknowledged(touched), Finish::Content(Box::new(view))));
        }
        self.begin(Acts::new("opening the workspace", [(workspace, Act::SetAccess(true))], view))
    }

    fn set_access(&mut self, workspace: Option<&str>, open: bool) -> Result<(Goal, Finish), ApiError> {
        let tried = "changing who is in the workspace";
        let place = self.place(workspace, None, tried)?;
        if !matches!(self.engine.kind(place), Some(WorkspaceKind::Team(_))) {
            let detail = format!(
                "{} belongs to no team, so only who is invited comes in; a team's workspace can be open",
                self.name_of_place(place)
            );
            return Err(problem(ErrorKind::Invalid, tried, detail));
        }
        self.act(place, Act::SetAccess(open), Reply::Done)
    }

    // ---- members ----

    fn members(&self, workspace: Option<&str>, team: Option<&str>) -> Result<Reply, ApiError> {
        let tried = "listing the members";
        let place = self.place(workspace, team, tried)?;
        let charter = self.charter(place, tried)?;
        let this = self.credential.as_ref().map(|credential| credential.account);
        let view = |(account, member): (AccountId, &satchel_charter::Member)| MemberView {
            account: account.to_string(),
            name: self.member_name(place, account),
            role: member.role.into(),
            this: this == Some(account),
            apps: charter.apps().filter(|app| app.account == account).count() as u64,
            fingerprint: words_of(account, member),
        };
        let mut members: Vec<_> = charter.members().map(view).collect();
        members.sort_by(|a, b| b.role.cmp(&a.role).then_with(|| a.name.cmp(&b.name)));
        Ok(Reply::Members { members })
    }

    fn fingerprint(&self, workspace: Option<&str>, member: Option<&str>) -> Result<Reply, ApiError> {
        let tried = "showing a fingerprint";
        let Some(member) = member else {
            let (credential, identity) = signed_in(self.credential.as_ref(), tried)?;
            let public = identity.keys.public();
            let words = derive_fingerprint(credential.account.as_bytes(), &public.signing, &public.sealing);
            return Ok(Reply::Fingerprint { name: credential.email.clone(), words: words.join(" ") });
        };
        let place = self.place(workspace, None, tried)?;
        let account = self.member_of(place, member, tried)?;
        let found = self.charter(place, tried)?.member(account);
        let words = found.map(|member| words_of(account, member)).unwrap_or_default();
        Ok(Reply::Fingerprint { name: self.member_name(place, account), words })
    }

    fn remove_member(
        &mut self,
        workspace: Option<&str>,
        team: Option<&str>,
        member: &str,
    ) -> Result<(Goal, Finish), ApiError> {
        let tried = "removing a member";
        let place = self.place(workspace, team, tried)?;
        let account = self.member_of(place, member, tried)?;
        let charter = self.charter(place, tried)?;
        let is_of_team =
            charter.member(account).map(|member| member.source) == Some(satchel_charter::Source::Roster);
        if charter.is_open() && is_of_team {
            let detail =
                "the workspace is open to the whole team: close it first, or remove them from the team";
            return Err(problem(ErrorKind::Invalid, tried, detail));
        }
        if self.credential.as_ref().is_some_and(|credential| credential.account == account) {
            return Err(problem(ErrorKind::Invalid, tried, "that is this account: leave instead"));
        }
        let secrets = self.readable_secrets(place)?;
        self.act(place, Act::Remove(vec![account]), Reply::MemberRemoved { secrets })
    }

    /// The shared secret variables of a workspace; of a team, those of its workspaces that are here.
    fn readable_secrets(&self, place: WorkspaceId) -> Result<Vec<ReadableSecret>, ApiError> {
        let kind = Some(WorkspaceKind::Team(place));
        let all = self.engine.workspaces().into_iter();
        let mut secrets = Vec::new();
        for workspace in all.filter(|id| *id == place || self.engine.kind(*id) == kind) {
            let view = View::open(self, workspace);
            let prefix = if workspace == place {
                String::new()
            } else {
                format!("{}: ", self.name_of_place(workspace))
            };
            for record in view.live() {
                let Some(body) = self.body(workspace, record)? else { continue };
                let path = format!("{prefix}{}", view.path(record));
                let keys = shared_secrets(&body).into_iter();
                secrets.extend(keys.map(|key| ReadableSecret { path: path.clone(), key }));
            }
        }
        secrets.sort_by(|a, b| (&a.path, &a.key).cmp(&(&b.path, &b.key)));
        Ok(secrets)
    }

    // ---- invitations ----

    fn invite(
        &mut self,
        workspace: Option<&str>,
        team: Option<&str>,
        role: Role,
    ) -> Result<(Goal, Finish), ApiError> {
        let tried = "inviting";
        let place = self.place(workspace, team, tried)?;
        let secret = InviteSecret::make(&mut self.rng);
        let id = satchel_wire::InviteId::new(secret.derive_id()).to_string();
        let server = self.credential.as_ref().map(|c| c.server.trim_end_matches('/').to_owned());
        let link = InviteLink { server: server.unwrap_or_default(), workspace: *place.as_bytes(), secret };
        let text = Secret(link.expose_secret().to_string());
        let expires_ms = now_ms() + INVITE_MS;
        let by = self.credential.as_ref().map(|c| c.email.clone()).unwrap_or_default();
        let view = InviteView { id, role, expires_at: expires_ms, by, claimed: false };
        let then = Reply::Invited { invite: view, link: text };
        self.act(place, Act::Invite { secret: link.secret, role: role.into(), expires_ms }, then)
    }

    fn invites(&self, workspace: Option<&str>, team: Option<&str>) -> Result<Reply, ApiError> {
        let tried = "listing the invitations";
        let place = self.place(workspace, team, tried)?;
        let claims = self.engine.joins(place).iter().filter_map(|join| JoinClaim::decode(&join.claim).ok());
        let claimed: Vec<_> = claims.map(|claim| claim.invite).collect();
        let charter = self.charter(place, tried)?;
        let mut invites: Vec<_> = charter
            .invites()
            .map(|(invite, open)| InviteView {
                id: invite.to_string(),
                role: open.role.into(),
                expires_at: open.expires_ms,
                by: self.member_name(place, open.by),
                claimed: claimed.contains(&invite),
            })
            .collect();
        invites.sort_by_key(|invite| std::cmp::Reverse(invite.expires_at));
        Ok(Reply::Invites { invites })
    }

    fn revoke_invite(
        &mut self,
        workspace: Option<&str>,
        team: Option<&str>,
        wanted: &str,
    ) -> Result<(Goal, Finish), ApiError> {
        let tried = "ending an invitation";
        let place = self.place(workspace, team, tried)?;
        let ids = self.charter(place, tried)?.invites().map(|(invite, _)| invite);
        let meant: Vec<_> =
            ids.filter(|id| !wanted.is_empty() && id.to_string().starts_with(wanted)).collect();
        match meant.as_slice() {
            [invite] => self.act(place, Act::RevokeInvite(*invite), Reply::Done),
            [] => Err(problem(ErrorKind::NotFound, tried, format!("no open invitation {wanted}"))),
            many => Err(ApiError {
                candidates: many.iter().map(ToString::to_string).collect(),
                ..problem(ErrorKind::Ambiguous, tried, "several invitations begin so")
            }),
        }
    }

    fn join(&mut self, link: &Secret, wait_ms: u64) -> Result<(Goal, Finish), ApiError> {
        let tried = "joining";
        let link = InviteLink::parse(&link.0)
            .map_err(|_| problem(ErrorKind::Invalid, tried, "that is not a link of an invitation"))?;
        let (credential, identity) = signed_in(self.credential.as_ref(), tried)?;
        if credential.server.trim_end_matches('/') != link.server.trim_end_matches('/') {
            let detail =
                format!("the invitation is for {}, this account is on {}", link.server, credential.server);
            return Err(problem(ErrorKind::Invalid, tried, detail));
        }
        let joiner = satchel_charter::Joiner {
            account: credential.account,
            identity: &identity.keys,
            name: &credential.email,
        };
        let proof = satchel_charter::make_join(&link, &joiner, &mut self.rng)
            .map_err(|error| problem(ErrorKind::Invalid, tried, error.detail()))?;
        let workspace = WorkspaceId::new(link.workspace);
        if self.is_member(workspace) {
            return Ok((Goal::Listed(workspace), Finish::Joined(workspace)));
        }
        Ok((Goal::Opened, Finish::Join { workspace, proof: Box::new(proof), wait_ms }))
    }

    /// Whether the account is a member of a workspace that has been received.
    pub(super) fn is_member(&self, workspace: WorkspaceId) -> bool {
        self.engine.role(workspace).is_some() && self.engine.is_live(workspace)
    }

    /// Sends a claim.
    pub(super) fn claim(
        &mut self,
        workspace: WorkspaceId,
        proof: satchel_wire::JoinProof,
        wait_ms: u64,
        reply: Answer,
    ) {
        let request = self.take_request();
        if let Some(link) = &self.link {
            link.send(&ClientFrame::JoinInvite { request, proof });
        }
        let (goal, finish) = (Goal::Answered(request), Finish::Claimed { workspace, wait_ms });
        let deadline = after(wait_ms.max(ANSWER_WAIT_MS));
        self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
    }

    /// The server has the claim: waits for an admin's app.
    pub(super) fn after_claim(&mut self, workspace: WorkspaceId, goal: &Goal, wait_ms: u64, reply: Answer) {
        let answer = if let Goal::Answered(request) = goal { self.answers.remove(request) } else { None };
        if let Some(Err(refusal)) = answer {
            let error = match refusal.code {
                satchel_wire::ErrorCode::NotFound => {
                    problem(ErrorKind::InviteGone, "joining", refusal.detail)
                }
                _ => refused("joining", &refusal, None),
            };
            return drop(reply.send(Err(error)));
        }
        let (goal, finish) = (Goal::Listed(workspace), Finish::Joined(workspace));
        self.add_waiter(Waiter { goal, finish, deadline: after(wait_ms), reply, progress: None });
    }

    pub(super) fn joined(&self, workspace: WorkspaceId, is_met: bool) -> Reply {
        let name = crate::status::name(&self.engine, workspace);
        Reply::Joined { workspace: workspace.to_string(), name, waiting: !is_met }
    }

    /// Names the teams and workspaces that a refusal of the server lists by their ids.
    pub(super) fn name_places(&self, mut error: ApiError) -> ApiError {
        if !matches!(error.kind, ErrorKind::InTeams | ErrorKind::LastAdmin) {
            return error;
        }
        let ids = error.detail.split(|c: char| !c.is_ascii_hexdigit()).filter_map(|id| id.parse().ok());
        error.candidates = ids.map(|id| self.name_of_place(id)).collect();
        if !error.candidates.is_empty() {
            error.detail = error.candidates.join(", ");
        }
        error
    }

    // ---- drafts ----

    /// A move to another workspace must be one that the server will have on both sides.
    pub(super) fn check_move(&self, workspace: Option<&str>, call: &Call) -> Result<(), ApiError> {
        let Call::MoveToWorkspace { to, .. } = call else { return Ok(()) };
        let places = [select::workspace(self, workspace)?, select::workspace(self, Some(to))?];
        match places.into_iter().find(|place| self.engine.is_drafting(*place)) {
            Some(place) => {
                let detail =
                    format!("in {} this account may only read; copy it instead", self.name_of_place(place));
                Err(problem(ErrorKind::RoleTooLow, "moving to another workspace", detail))
            }
            None => Ok(()),
        }
    }

    /// Discards changes that the server will never get: drafts, what it refused, and what waits in a workspace
    /// that is gone. Anything else is on its way, and is not to be lost by this.
    fn discard_drafts(&mut self, workspace: Option<&str>, paths: &[String]) -> Result<Reply, ApiError> {
        let tried = "discarding drafts";
        let place = self.place(workspace, None, tried)?;
        let view = View::open(self, place);
        let aside: Vec<_> = self.engine.summary(place).map(|summary| summary.aside).unwrap_or_default();
        let stays = self.engine.is_drafting(place) || self.is_gone(place);
        let is_draft = |record: &RecordId| {
            let is_aside = || aside.iter().any(|aside| aside.key.record.as_bytes() == &record.0);
            stays || is_aside()
        };
        let records: Vec<_> = if paths.is_empty() {
            let nodes = self.engine.nodes(place).into_iter().flat_map(|nodes| nodes.keys().copied());
            nodes.filter(|record| self.engine.is_waiting(place, *record) && is_draft(record)).collect()
        } else {
            paths.iter().map(|path| view.resolve(path)).collect::<Result<_, _>>()?
        };
        if let Some(record) = records.iter().find(|record| !is_draft(record)) {
            let detail = format!(
                "{} is no draft: this account may write here, and what waits goes to the server by itself",
                view.path(*record)
            );
            return Err(problem(ErrorKind::Invalid, tried, detail));
        }
        let items = self.engine.discard(place, &records, &mut self.store);
        let items = items.map_err(|error| engine(tried, &error))?;
        self.disk.must_sync = true;
        Ok(Reply::Discarded { items })
    }
}

fn signed_in<'a>(
    credential: Option<&'a Credential>,
    tried: &str,
) -> Result<(&'a Credential, Identity), ApiError> {
    let signed_in = credential.and_then(|credential| Some((credential, credential.identity()?)));
    signed_in.ok_or_else(|| problem(ErrorKind::SignedOut, tried, "no account is signed in"))
}

/// The one that an id or a name means.
fn pick<T: Copy + ToString>(
    kind: &str,
    all: Vec<T>,
    wanted: &str,
    tried: &str,
    name: impl Fn(T) -> String,
) -> Result<T, ApiError> {
    if let Some(one) = all.iter().find(|one| one.to_string() == wanted) {
        return Ok(*one);
    }
    let named: Vec<_> = all.into_iter().filter(|one| name(*one) == wanted).collect();
    match named.as_slice() {
        [one] => Ok(*one),
        [] => Err(problem(ErrorKind::NotFound, tried, format!("no {kind} {wanted}"))),
        many => Err(ApiError {
            candidates: many.iter().map(|one| format!("{wanted} ({})", one.to_string())).collect(),
            ..problem(ErrorKind::Ambiguous, tried, format!("several {kind}s have that name"))
        }),
    }
}

fn words_of(account: AccountId, member: &satchel_charter::Member) -> String {
    let (signing, sealing) = (member.signing_key.as_bytes(), member.sealing_key.as_bytes());
    derive_fingerprint(account.as_bytes(), signing, sealing).join(" ")
}

/// The keys of a body's secret variables whose initial values are shared.
fn shared_secrets(body: &satchel_model::Body) -> Vec<String> {
    let mut keys = Vec::new();
    for list in ["values", "variable"] {
        let variables: Vec<&satchel_model::Value> = match body.fields.get(list) {
            Some(satchel_model::Value::List(list)) => {
                list.elements.values().map(|element| &element.value).collect()
            }
            Some(satchel_model::Value::Array(values)) => values.iter().collect(),
            _ => continue,
        };
        for variable in variables.into_iter().filter_map(satchel_model::Value::as_object) {
            let is_secret = variable.get("type").and_then(satchel_model::Value::as_str) == Some("secret");
            if is_secret && !satchel_model::variable::is_unshared_secret(variable) {
                let key = variable.get("key").and_then(satchel_model::Value::as_str);
                keys.push(key.unwrap_or_default().to_owned());
            }
        }
    }
    keys
}
