//! Acts on charters, one after the other, and what is answered once they are done.
//!
//! ```text
//! call ─▶ Acts ─▶ begin the first ─▶ its entry accepted ─▶ begin the next … ─▶ answered, or the account is deleted
//! ```
//! Leaving a team, handing over, ending an app and deleting the account are acts in several workspaces. They go in
//! turn, and the first that fails ends the call: asking again goes on where it stopped, because an act whose
//! wish is fulfilled makes no entry.

use std::collections::{BTreeSet, VecDeque};

use satchel_sync::{Act, ActError, Charter, SCRATCH, SyncState};
use satchel_wire::{AccountId, AppId, GrantId, Role, WorkspaceId, WorkspaceKind};
use tokio::time::Instant;

use super::calls::{ANSWER_WAIT_MS, after};
use super::waiting::{Finish, Goal, Waiter};
use super::{Answer, Core};
use crate::api::{ApiError, ErrorKind, Reply};
use crate::problem::{act_failed, engine, problem};

/// Acts that are to be done in turn.
#[derive(Debug)]
pub(crate) struct Acts {
    tried: &'static str,
    rest: VecDeque<(WorkspaceId, Act)>,
    end: End,
}

/// What comes after the last act.
#[derive(Debug)]
enum End {
    Reply(Box<Reply>),
    /// The server deletes the account.
    DeleteAccount(GrantId),
}

impl Acts {
    pub(super) fn new(
        tried: &'static str,
        acts: impl IntoIterator<Item = (WorkspaceId, Act)>,
        reply: Reply,
    ) -> Self {
        Self { tried, rest: acts.into_iter().collect(), end: End::Reply(Box::new(reply)) }
    }
}

/// The role that an act needs; none where every member may.
fn role_for(act: &Act) -> Option<Role> {
    if matches!(act, Act::Leave | Act::RevokeApp(_)) { None } else { Some(Role::Admin) }
}

fn word(role: Role) -> &'static str {
    crate::api::Role::from(role).word()
}

impl Core {
    /// One act, and its answer.
    pub(super) fn act(
        &mut self,
        place: WorkspaceId,
        act: Act,
        reply: Reply,
    ) -> Result<(Goal, Finish), ApiError> {
        let tried = "changing the members";
        self.check_role(place, &act, tried)?;
        self.begin(Acts::new(tried, [(place, act)], reply))
    }

    /// Begins the next act. Where none is left the goal is met already.
    pub(super) fn begin(&mut self, mut acts: Acts) -> Result<(Goal, Finish), ApiError> {
        let Some((workspace, act)) = acts.rest.pop_front() else {
            let goal = Goal::Acted { workspace: SCRATCH, id: 0, result: Some(Ok(())) };
            return Ok((goal, Finish::Acted(acts)));
        };
        let id = self.engine.begin_act(workspace, act).map_err(|error| engine(acts.tried, &error))?;
        Ok((Goal::Acted { workspace, id, result: None }, Finish::Acted(acts)))
    }

    /// An act has ended, or was waited for long enough.
    pub(super) fn after_act(&mut self, acts: Acts, goal: Goal, deadline: Instant, reply: Answer) {
        let Goal::Acted { workspace, id, result } = goal else { return };
        let tried = acts.tried;
        let answer = match result {
            Some(Ok(())) if !acts.rest.is_empty() => match self.begin(acts) {
                Ok((goal, finish)) => {
                    return self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
                }
                Err(error) => Err(error),
            },
            Some(Ok(())) => match acts.end {
                End::Reply(content) => Ok(*content),
                End::DeleteAccount(grant) => return self.ask_to_delete_account(grant, reply),
            },
            Some(Err(error)) => Err(self.act_refused(workspace, tried, &error)),
            None => {
                let is_given_up = self.engine.give_up_act(workspace, id);
                let mut error = self.why_not(tried);
                if !is_given_up {
                    error.detail =
                        format!("it was sent and not confirmed, and may still happen; {}", error.detail);
                }
                Err(error)
            }
        };
        self.answer(reply, answer);
    }

    /// Who has to be asked, or made an admin, is listed with it.
    fn act_refused(&self, place: WorkspaceId, tried: &str, error: &ActError) -> ApiError {
        let error = act_failed(tried, error);
        let candidates = match error.kind {
            ErrorKind::LastAdmin => self.names_of(place, |role| role < Role::Admin),
            ErrorKind::RoleTooLow => self.names_of(place, |role| role == Role::Admin),
            _ => Vec::new(),
        };
        ApiError { candidates, ..error }
    }

    fn names_of(&self, place: WorkspaceId, is_meant: impl Fn(Role) -> bool) -> Vec<String> {
        let charter = self.engine.charter(place);
        let members = charter.into_iter().flat_map(Charter::members);
        let meant = members.filter(|(_, member)| is_meant(member.role));
        meant.map(|(account, _)| self.member_name(place, account)).collect()
    }

    fn check_role(&self, place: WorkspaceId, act: &Act, tried: &str) -> Result<(), ApiError> {
        let Some(role) = self.engine.role(place) else {
            let detail = "this account is not a member, or the workspace has not been received yet";
            return Err(problem(ErrorKind::NotFound, tried, detail));
        };
        match role_for(act) {
            Some(needed) if role < needed => {
                let name = self.name_of_place(place);
                let detail = format!("it needs the role {}, yours in {name} is {}", word(needed), word(role));
                let candidates = self.names_of(place, |role| role >= needed);
                Err(ApiError { candidates, ..problem(ErrorKind::RoleTooLow, tried, detail) })
            }
            _ => Ok(()),
        }
    }

    // ---- leaving a team ----

    pub(super) fn leave_team(&mut self, roster: WorkspaceId) -> Result<(Goal, Finish), ApiError> {
        let tried = "leaving the team";
        self.check_role(roster, &Act::Leave, tried)?;
        let left: Vec<_> = self.only_admin_of(roster).map(|place| self.name_of_place(place)).collect();
        if !left.is_empty() {
            let detail = "workspaces of the team would be without an admin";
            return Err(ApiError { candidates: left, ..problem(ErrorKind::LastAdmin, tried, detail) });
        }
        self.begin(Acts::new(tried, [(roster, Act::Leave)], Reply::Done))
    }

    /// Makes a member an admin and leaves; of a team, also in its workspaces where nobody else is one.
    pub(super) fn hand_over(
        &mut self,
        place: WorkspaceId,
        to: AccountId,
    ) -> Result<(Goal, Finish), ApiError> {
        let tried = "handing over";
        let act = || Act::SetRole(to, Role::Admin);
        let mut places: Vec<_> = self.only_admin_of(place).collect();
        let is_absent = |place: &&WorkspaceId| {
            self.engine.charter(**place).is_none_or(|charter| charter.member(to).is_none())
        };
        let absent: Vec<_> = places.iter().filter(is_absent).map(|id| self.name_of_place(*id)).collect();
        if !absent.is_empty() {
            let detail =
                format!("{} is no member of all workspaces to be handed over", self.member_name(place, to));
            return Err(ApiError { candidates: absent, ..problem(ErrorKind::LastAdmin, tried, detail) });
        }
        if self.charter(place, tried)?.role_of(to) < Some(Role::Admin) {
            self.check_role(place, &act(), tried)?;
            places.push(place);
        }
        let acts = places.into_iter().map(|place| (place, act())).chain([(place, Act::Leave)]);
        self.begin(Acts::new(tried, acts, Reply::Done))
    }

    /// The workspaces of a team where this account is the only admin.
    fn only_admin_of(&self, roster: WorkspaceId) -> impl Iterator<Item = WorkspaceId> + '_ {
        let kind = Some(WorkspaceKind::Team(roster));
        let all = self.engine.workspaces().into_iter();
        all.filter(move |id| self.engine.kind(*id) == kind && !self.is_gone(*id) && self.is_only_admin(*id))
    }

    fn is_only_admin(&self, place: WorkspaceId) -> bool {
        let Some(charter) = self.engine.charter(place) else { return false };
        let this = self.credential.as_ref().map(|credential| credential.account);
        let mut admins = charter.members().filter(|(_, member)| member.role == Role::Admin);
        admins.next().map(|(account, _)| account) == this && admins.next().is_none()
    }

    // ---- ending an app ----

    /// Own apps that some charter lets write.
    pub(super) fn own_apps(&self) -> BTreeSet<AppId> {
        let this = self.credential.as_ref().map(|credential| credential.account);
        let all = self.engine.workspaces().into_iter();
        let charters = all.filter_map(|workspace| self.engine.charter(workspace));
        let apps = charters.flat_map(|charter| charter.apps().collect::<Vec<_>>());
        apps.filter(|app| Some(app.account) == this).map(|app| app.app).collect()
    }

    /// The session of an own app has ended on the server: other members' apps, too, are to refuse what it signs.
    ///
    /// Where this app has no place the entries wait until it has one, and nobody waits for them.
    pub(super) fn revoke_app(&mut self, app: AppId, wait_ms: u64, reply: Answer) {
        let all = self.engine.workspaces().into_iter();
        let places = all.filter(|workspace| {
            let charter = self.engine.charter(*workspace);
            charter.is_some_and(|charter| charter.knows(app)) && self.may_act(*workspace)
        });
        let acts: Vec<_> = places.map(|workspace| (workspace, Act::RevokeApp(app))).collect();
        let tried = "telling the other members' apps that the app is ended";
        if self.halt.is_some() {
            for (workspace, act) in acts {
                if let Err(error) = self.engine.begin_act(workspace, act) {
                    return self.answer(reply, Err(engine(tried, &error)));
                }
            }
            return self.answer(reply, Ok(Reply::Done));
        }
        if !acts.is_empty() {
            self.failures = 0;
            self.ensure_link();
        }
        self.go(Acts::new(tried, acts, Reply::Done), wait_ms, reply);
    }

    fn go(&mut self, acts: Acts, wait_ms: u64, reply: Answer) {
        match self.begin(acts) {
            Ok((goal, finish)) => {
                let deadline = after(wait_ms.max(ANSWER_WAIT_MS));
                self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
            }
            Err(error) => self.answer(reply, Err(error)),
        }
    }

    /// Whether something can be signed in a workspace: it is not stopped by an alarm.
    fn may_act(&self, place: WorkspaceId) -> bool {
        let state = self.engine.summary(place).map(|summary| summary.state);
        self.engine.role(place).is_some() && !matches!(state, Some(SyncState::Blocked(..)))
    }

    // ---- deleting the account ----

    /// The password is proven: leaves what is shared, by entries that the others' apps verify, then asks the
    /// server. What cannot be left, since an alarm stops it, stays to the server's suspension.
    pub(super) fn leave_everything(&mut self, grant: GrantId, wait_ms: u64, reply: Answer) {
        if let Err(error) = self.check_leaving() {
            return self.answer(reply, Err(error));
        }
        let all = self.engine.workspaces().into_iter();
        let shared = all.filter(|place| self.is_shared(*place) && self.may_act(*place));
        let acts: VecDeque<_> = shared.map(|place| (place, Act::Leave)).collect();
        if !acts.is_empty() {
            self.failures = 0;
            self.ensure_link();
        }
        let acts = Acts { tried: "deleting the account", rest: acts, end: End::DeleteAccount(grant) };
        self.go(acts, wait_ms, reply);
    }

    fn is_shared(&self, place: WorkspaceId) -> bool {
        self.engine.charter(place).is_some_and(|charter| charter.members().count() > 1)
    }

    /// What the server would refuse, before anything is left for it.
    fn check_leaving(&self) -> Result<(), ApiError> {
        let tried = "deleting the account";
        let is_in = |place: &WorkspaceId| self.engine.role(*place).is_some() && !self.is_gone(*place);
        let teams: Vec<_> =
            self.rosters().into_iter().filter(is_in).map(|place| self.name_of_place(place)).collect();
        if !teams.is_empty() {
            let detail = teams.join(", ");
            return Err(ApiError { candidates: teams, ..problem(ErrorKind::InTeams, tried, detail) });
        }
        let all = self.engine.workspaces().into_iter().filter(is_in);
        let alone = all.filter(|place| self.is_shared(*place) && self.is_only_admin(*place));
        let alone: Vec<_> = alone.map(|place| self.name_of_place(place)).collect();
        if alone.is_empty() {
            return Ok(());
        }
        let detail = format!("nobody else is an admin of {}", alone.join(", "));
        Err(ApiError { candidates: alone, ..problem(ErrorKind::LastAdmin, tried, detail) })
    }
}
