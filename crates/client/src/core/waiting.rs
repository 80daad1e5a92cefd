//! Calls that wait for the server: what for, until when, and what their answer is.
//!
//! A waiter is judged after each step of the core. It never holds anything up; when it gives up, what it
//! waited for still goes on.

use std::time::Duration;

use satchel_sync::{ActError, Disconnected, SyncState};
use satchel_wire::{ClientFrame, JoinProof, Refusal, WorkspaceId};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::activity::Past;
use super::acts::Acts;
use super::versions::Reading;
use super::{Answer, Core};
use crate::api::{AccountView, Acknowledged, ApiError, ErrorKind, Progress, Reply, Secret};
use crate::problem::{disconnected, engine, problem, refused};

const PROGRESS_STEP: Duration = Duration::from_millis(100);

/// One call that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(super) goal: Goal,
    pub(super) finish: Finish,
    pub(super) deadline: Instant,
    pub(super) reply: Answer,
    pub(super) progress: Option<Course>,
}

/// Where a waiter tells how far it is.
#[derive(Debug)]
pub(super) struct Course {
    sender: mpsc::UnboundedSender<Progress>,
    total: u64,
    told: Instant,
}

/// What is waited for.
#[derive(Debug)]
pub(super) enum Goal {
    /// The server has acknowledged all changes of these items.
    Acknowledged(Vec<(WorkspaceId, satchel_model::RecordId)>),
    /// Everything is in sync.
    InSync,
    /// The connection is open.
    Opened,
    /// The feed of this workspace has come to its head.
    Live(WorkspaceId),
    /// Nothing waits for the server any more.
    Drained,
    /// The answer to a request on the connection.
    Answered(u32),
    /// An act on a charter has ended, so.
    Acted { workspace: WorkspaceId, id: u64, result: Option<Result<(), ActError>> },
    /// The account is a member of the workspace, and it has been received.
    Listed(WorkspaceId),
}

/// What comes after the waiting.
#[derive(Debug)]
pub(super) enum Finish {
    /// The reply of a content call.
    Content(Box<Reply>),
    /// [`crate::api::Call::Sync`].
    Synced,
    /// [`crate::api::Call::SignIn`].
    SignedIn(AccountView),
    /// [`crate::api::Call::SignUp`] or `Recover`.
    SignedUp(AccountView, Secret),
    /// `Verify` and `Reload`: check again after this many damaged envelopes were fetched.
    Checked {
        damaged: u64,
        reload: bool,
        /// What a catch-up does not fit may still be read again from the whole ledger.
        again: bool,
    },
    /// [`crate::api::Call::TakePlace`].
    Placed,
    /// [`crate::api::Call::DeleteWorkspace`], before and after its request.
    DeleteWorkspace(WorkspaceId),
    WorkspaceDeleted(WorkspaceId),
    /// [`crate::api::Call::History`] and what else needs versions.
    History(Box<Reading>),
    /// [`crate::api::Call::SignOut`].
    SignOut,
    /// What changes the members.
    Acted(Acts),
    /// [`crate::api::Call::CreateTeam`]: told once its people are known.
    TeamMade(WorkspaceId),
    /// [`crate::api::Call::Join`], before its claim, while the server is asked, and while it waits.
    Join {
        workspace: WorkspaceId,
        proof: Box<JoinProof>,
        wait_ms: u64,
    },
    Claimed {
        workspace: WorkspaceId,
        wait_ms: u64,
    },
    Joined(WorkspaceId),
    /// [`crate::api::Call::Activity`].
    Activity(Box<Past>),
}

impl Finish {
    /// Whether it goes on trying while the server cannot be reached.
    fn is_patient(&self) -> bool {
        match self {
            Self::Synced
            | Self::Placed
            | Self::DeleteWorkspace(_)
            | Self::WorkspaceDeleted(_)
            | Self::Joined(_) => true,
            // A check is to say soon what is wrong.
            Self::Checked { .. }
            | Self::Content(_)
            | Self::TeamMade(_)
            | Self::History(_)
            | Self::SignedIn(_)
            | Self::SignedUp(..)
            | Self::SignOut
            | Self::Acted(_)
            | Self::Join { .. }
            | Self::Claimed { .. }
            | Self::Activity(_) => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Waits,
    Met,
    GivesUp,
}

impl Course {
    pub(super) fn new(sender: Option<mpsc::UnboundedSender<Progress>>, total: u64) -> Option<Self> {
        sender.map(|sender| Self { sender, total, told: Instant::now() })
    }

    fn tell(&mut self, waiting: u64, down: u64) {
        if self.told.elapsed() < PROGRESS_STEP {
            return;
        }
        self.told = Instant::now();
        self.total = self.total.max(waiting);
        let progress = if waiting == 0 && down > 0 {
            Progress { phase: "receiving".into(), done: 0, total: down }
        } else {
            Progress { phase: "sending".into(), done: self.total - waiting, total: self.total }
        };
        let _ = self.sender.send(progress);
    }
}

impl Core {
    pub(super) fn add_waiter(&mut self, waiter: Waiter) {
        self.waiters.push(waiter);
    }

    /// Answers every waiter that has what it waited for, or has to give up.
    pub(super) async fn settle(&mut self) {
        let mut index = 0;
        while index < self.waiters.len() {
            match self.judge(index) {
                Verdict::Waits => index += 1,
                verdict => {
                    let waiter = self.waiters.swap_remove(index);
                    self.finish(waiter, verdict == Verdict::Met).await;
                }
            }
        }
        self.tell_progress();
        if self.waiters.is_empty() {
            self.answers.clear();
            self.contents.clear();
        }
    }

    fn judge(&mut self, index: usize) -> Verdict {
        if self.waiters[index].reply.is_closed() {
            return Verdict::GivesUp;
        }
        if self.is_met(index) {
            return Verdict::Met;
        }
        let waiter = &self.waiters[index];
        let is_late = waiter.deadline <= Instant::now();
        if is_late || self.is_hopeless(waiter) { Verdict::GivesUp } else { Verdict::Waits }
    }

    fn is_met(&mut self, index: usize) -> bool {
        match &mut self.waiters[index].goal {
            Goal::Acknowledged(items) => {
                // The last ones are asked first and forgotten once acknowledged, so a long list is walked once.
                while let Some((workspace, record)) = items.last() {
                    if self.engine.is_waiting(*workspace, *record) {
                        return false;
                    }
                    items.pop();
                }
                true
            }
            // A command may be the only app there is: it stays until the packs for others are made.
            Goal::InSync => {
                let waiter = &self.waiters[index];
                let packs = matches!(waiter.finish, Finish::Synced) && self.engine.is_packing();
                let is_heard = self.pings == 0 || !matches!(waiter.finish, Finish::Synced);
                self.engine.is_in_sync() && is_heard && (!packs || waiter.deadline <= Instant::now())
            }
            Goal::Opened => self.is_open,
            Goal::Live(workspace) => self.engine.is_live(*workspace),
            Goal::Drained => self.engine.waiting() == 0,
            Goal::Answered(request) => self.answers.contains_key(request),
            Goal::Acted { workspace, id, result } => {
                let ended = self.engine.act_result(*workspace, *id);
                if ended.is_some() {
                    *result = ended;
                }
                result.is_some()
            }
            Goal::Listed(workspace) => {
                let workspace = *workspace;
                self.is_member(workspace)
            }
        }
    }

    fn is_hopeless(&self, waiter: &Waiter) -> bool {
        if self.trouble.is_some() && matches!(waiter.finish, Finish::Checked { .. }) {
            return true; // it comes again with every try
        }
        if self.link.is_none() {
            let state = self.engine.connection_state();
            let is_final = matches!(
                state,
                SyncState::Offline(Disconnected::Certificate { .. } | Disconnected::NotSatchel { .. })
            );
            return self.halt.is_some() || is_final || (self.failures > 0 && !waiter.finish.is_patient());
        }
        if self.failures > 0 && !waiter.finish.is_patient() {
            return true;
        }
        match &waiter.goal {
            Goal::Acknowledged(items) => {
                let blocked = |workspace| self.is_alarmed && self.is_blocked(workspace);
                self.engine.is_in_sync() || items.last().is_some_and(|(workspace, _)| blocked(*workspace))
            }
            Goal::Drained => self.engine.is_in_sync() || self.is_stuck(),
            Goal::InSync => self.is_stuck(),
            Goal::Live(workspace) | Goal::Acted { workspace, .. } => {
                self.is_alarmed && self.is_blocked(*workspace)
            }
            Goal::Opened | Goal::Answered(_) | Goal::Listed(_) => false,
        }
    }

    fn is_blocked(&self, workspace: WorkspaceId) -> bool {
        let summary = self.engine.summary(workspace);
        summary.is_some_and(|summary| matches!(summary.state, SyncState::Blocked(..)))
    }

    /// Everything that can go on has come to its end, and something is blocked.
    fn is_stuck(&self) -> bool {
        if !self.is_open || !self.is_alarmed {
            return false;
        }
        let summaries = self.engine.workspaces().into_iter().filter_map(|id| self.engine.summary(id));
        let states: Vec<_> = summaries.map(|summary| summary.state).collect();
        let is_blocked = |state: &SyncState| matches!(state, SyncState::Blocked(..));
        states.iter().any(is_blocked)
            && states.iter().all(|state| is_blocked(state) || *state == SyncState::InSync)
    }

    fn tell_progress(&mut self) {
        let now = Instant::now();
        let is_due = |waiter: &Waiter| {
            waiter.progress.as_ref().is_some_and(|course| now.duration_since(course.told) >= PROGRESS_STEP)
        };
        if !self.waiters.iter().any(is_due) {
            return;
        }
        let pending = self.sources().status().pending;
        for course in self.waiters.iter_mut().filter_map(|waiter| waiter.progress.as_mut()) {
            course.tell(pending.up, pending.down);
        }
    }

    async fn finish(&mut self, waiter: Waiter, is_met: bool) {
        let Waiter { finish, deadline, reply, goal, progress } = waiter;
        let answer = match finish {
            Finish::Content(mut content) => {
                if is_met {
                    set_acknowledged(&mut content);
                }
                Ok(*content)
            }
            Finish::TeamMade(roster) => Ok(Reply::Team(self.team(roster))),
            Finish::Synced => self.after_sync(is_met),
            Finish::SignedIn(account) => Ok(Reply::SignedIn { account, in_sync: is_met }),
            Finish::SignedUp(account, code) => Ok(Reply::SignedUp { account, recovery_code: code.0.clone() }),
            Finish::Checked { damaged, again: true, .. } if !is_met && self.distrust_again() => {
                self.is_alarmed = false;
                self.failures = 0;
                self.restart_link();
                let finish = Finish::Checked { damaged, reload: true, again: false };
                return self.add_waiter(Waiter { goal, finish, deadline, reply, progress });
            }
            Finish::Checked { damaged, reload, .. } => match self.after_check(is_met, damaged, reload) {
                Some(answer) => answer,
                None => return self.await_mending(deadline, reload, reply, progress),
            },
            Finish::Placed if is_met => Ok(Reply::Status(self.sources().status())),
            Finish::Placed => Err(self.why_not("taking a place")),
            Finish::DeleteWorkspace(workspace) if is_met => {
                return self.ask_to_delete(workspace, deadline, reply);
            }
            Finish::WorkspaceDeleted(workspace) if is_met => self.after_delete(workspace, &goal),
            Finish::DeleteWorkspace(_) | Finish::WorkspaceDeleted(_) => {
                Err(self.why_not("deleting the workspace"))
            }
            Finish::History(reading) if is_met => {
                return self.go_on_reading(*reading, &goal, deadline, reply);
            }
            Finish::History(_) => Err(self.why_no_history()),
            Finish::Acted(then) => return self.after_act(then, goal, deadline, reply),
            Finish::Join { workspace, proof, wait_ms } if is_met => {
                return self.claim(workspace, *proof, wait_ms, reply);
            }
            Finish::Claimed { workspace, wait_ms } if is_met => {
                return self.after_claim(workspace, &goal, wait_ms, reply);
            }
            Finish::Join { .. } | Finish::Claimed { .. } => Err(self.why_not("joining")),
            Finish::Joined(workspace) => Ok(self.joined(workspace, is_met)),
            Finish::Activity(past) if is_met => return self.read_past(*past, &goal, deadline, reply),
            Finish::Activity(_) => Err(self.why_not("reading the activity")),
            Finish::SignOut if is_met => self.sign_out().await.map(|()| Reply::Done),
            Finish::SignOut => Err(self.changes_wait()),
        };
        self.answer(reply, answer);
    }

    fn after_sync(&self, is_met: bool) -> Result<Reply, ApiError> {
        if !is_met {
            return Err(self.why_not("syncing"));
        }
        let status = self.sources().status();
        if status.reason.as_deref() == Some("set_aside") {
            let detail = status.detail.unwrap_or_default();
            return Err(ApiError {
                count: status.pending.up,
                ..problem(ErrorKind::NotInSync, "syncing", detail)
            });
        }
        Ok(Reply::Status(status))
    }

    /// Whether the whole ledger may mend what stopped the sync.
    fn distrust_again(&mut self) -> bool {
        let has_trouble = self.trouble.is_some();
        if has_trouble {
            self.engine.distrust_all("the local store could not be read or written");
        }
        self.engine.distrust_blocked() > 0 || has_trouble
    }

    fn after_check(&mut self, is_met: bool, damaged: u64, reload: bool) -> Option<Result<Reply, ApiError>> {
        if reload && !is_met {
            return Some(Err(self.why_not("reloading")));
        }
        let found = match self.verify_all() {
            Ok(found) => found,
            Err(error) => return Some(Err(engine("checking the local copy", &error))),
        };
        if is_met && damaged == 0 && (found.damaged > 0 || self.engine.has_distrusted()) {
            return None;
        }
        Some(Ok(Reply::Verified(found.result(damaged))))
    }

    /// Waits until the damaged envelopes that a check found have been fetched again.
    fn await_mending(&mut self, deadline: Instant, reload: bool, reply: Answer, progress: Option<Course>) {
        let damaged = self.verify_all().map_or(0, |found| found.damaged).max(1);
        let finish = Finish::Checked { damaged, reload, again: false };
        if self.engine.has_distrusted() {
            self.restart_link();
        } else {
            self.ensure_link();
        }
        self.add_waiter(Waiter { goal: Goal::InSync, finish, deadline, reply, progress });
    }

    fn ask_to_delete(&mut self, workspace: WorkspaceId, deadline: Instant, reply: Answer) {
        let request = self.take_request();
        if let Some(link) = &self.link {
            link.send(&ClientFrame::DeleteWorkspace { request, workspace });
        }
        let finish = Finish::WorkspaceDeleted(workspace);
        let goal = Goal::Answered(request);
        self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
    }

    /// The number of the next request on the connection.
    pub(super) fn take_request(&mut self) -> u32 {
        let request = self.next_request;
        // The upper half of the numbers is the engine's.
        self.next_request = (self.next_request + 1) & (u32::MAX >> 1);
        request
    }

    fn after_delete(&mut self, workspace: WorkspaceId, goal: &Goal) -> Result<Reply, ApiError> {
        let tried = "deleting the workspace";
        let Goal::Answered(request) = goal else { return Err(self.why_not(tried)) };
        match self.answers.remove(request) {
            Some(Err(refusal)) if !is_absent(&refusal) => Err(refused(tried, &refusal, None)),
            // What the server does not have is deleted, too.
            _ => self.forget_workspace(workspace),
        }
    }

    pub(super) fn forget_workspace(&mut self, workspace: WorkspaceId) -> Result<Reply, ApiError> {
        let forgotten = self.engine.forget_workspace(workspace, &mut self.store);
        forgotten.map_err(|e| engine("deleting the workspace", &e))?;
        self.disk.must_sync = true;
        Ok(Reply::Done)
    }

    /// Why something that needs the server was not done.
    pub(super) fn why_not(&self, tried: &str) -> ApiError {
        let this = self.credential.as_ref().map(|credential| credential.app);
        let status = self.sources().status();
        let up = status.pending.up;
        if let SyncState::Offline(why) = self.engine.connection_state() {
            let error = disconnected(tried, &why, this);
            let kind = if error.kind == ErrorKind::Unreachable { ErrorKind::NotInSync } else { error.kind };
            return ApiError { kind, count: up, ..error };
        }
        let kind = match status.reason.as_deref() {
            Some("rolled_back" | "forked" | "forged") => ErrorKind::LyingServer,
            Some("damaged") => ErrorKind::Damaged,
            Some("local_store") => ErrorKind::LocalStore,
            _ => ErrorKind::NotInSync,
        };
        let down = status.pending.down;
        let seen = format!("{up} to send, {down} to receive");
        let detail = match (status.reason, status.detail) {
            (Some(reason), Some(detail)) => format!("{reason}: {detail}; {seen}"),
            (Some(reason), None) => format!("{reason}; {seen}"),
            _ => seen,
        };
        ApiError { count: up, ..problem(kind, tried, detail) }
    }

    pub(super) fn changes_wait(&self) -> ApiError {
        let count = self.engine.waiting();
        let noun = if count == 1 { "item has" } else { "items have" };
        let detail = format!("{count} {noun} changes that the server has not acknowledged");
        ApiError { count, ..problem(ErrorKind::ChangesWaiting, "signing out", detail) }
    }
}

fn is_absent(refusal: &Refusal) -> bool {
    refusal.code == satchel_wire::ErrorCode::NotFound
}

/// Says in a reply that the server has the change, too.
pub(super) fn set_acknowledged(reply: &mut Reply) {
    let (items, acknowledged) = match reply {
        Reply::Changed { items, acknowledged } => (items, acknowledged),
        Reply::Purged { acknowledged, .. } => return *acknowledged = Acknowledged::Server,
        Reply::Imported(report) => (&mut report.items, &mut report.acknowledged),
        _ => return,
    };
    *acknowledged = Acknowledged::Server;
    for item in items {
        item.waiting = false;
    }
}
