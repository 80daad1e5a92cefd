//! What each call does: content calls go to `ops`, the others are here and in `account`.

use std::time::Duration;

use satchel_sync::{EngineError, SCRATCH, SyncState};
use satchel_wire::WorkspaceId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::waiting::{Course, Finish, Goal, Waiter, set_acknowledged};
use super::{Answer, Core, PendingCall};
use crate::api::{ApiError, Call, Discard, ErrorKind, Progress, Reply, Request};
use crate::check::check_server;
use crate::client::Mode;
use crate::ops::{self, select};
use crate::problem::{disk, engine, problem};
use crate::store::StoreError;

/// The longest that any call waits.
const WAIT_MAX_MS: u64 = 24 * 60 * 60 * 1000;
const RELOAD_WAIT_MS: u64 = 120_000;
const MEND_WAIT_MS: u64 = 20_000;
const DRAIN_WAIT_MS: u64 = 2_000;
pub(super) const ANSWER_WAIT_MS: u64 = 20_000;

pub(super) type ProgressSender = Option<mpsc::UnboundedSender<Progress>>;

impl Core {
    pub(super) fn on_call(&mut self, call: PendingCall) {
        let PendingCall { request, progress, reply } = call;
        self.touched.clear();
        let mut tell = |step: Progress| {
            if let Some(sender) = &progress {
                let _ = sender.send(step);
            }
        };
        let workspace = request.workspace.as_deref();
        if let Err(error) = self.check_move(workspace, &request.call) {
            return drop(reply.send(Err(error)));
        }
        match ops::perform(self, workspace, &request.call, &mut tell) {
            Some(result) => self.after_content(result, request.wait_ms, progress, reply),
            None => self.on_own_call(request, progress, reply),
        }
    }

    /// Waits for the server where a change was made that it shall have.
    pub(super) fn after_content(
        &mut self,
        result: Result<Reply, ApiError>,
        wait_ms: u64,
        progress: ProgressSender,
        reply: Answer,
    ) {
        let mut content = match result {
            Ok(content) => content,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let touched = std::mem::take(&mut self.touched);
        let is_shared = self.credential.is_some() && touched.iter().all(|(id, _)| *id != SCRATCH);
        if touched.is_empty() || !is_shared {
            return self.answer(reply, Ok(content));
        }
        if !touched.iter().any(|(workspace, record)| self.engine.is_waiting(*workspace, *record)) {
            set_acknowledged(&mut content); // it was so already, on the server too
            return self.answer(reply, Ok(content));
        }
        if wait_ms == 0 {
            return self.answer(reply, Ok(content));
        }
        if self.mode == Mode::OneShot || self.halt.is_none() {
            self.ensure_link();
        }
        let course = Course::new(progress, self.engine.waiting());
        let (goal, finish) = (Goal::Acknowledged(touched), Finish::Content(Box::new(content)));
        self.add_waiter_once_durable(Waiter {
            goal,
            finish,
            deadline: after(wait_ms),
            reply,
            progress: course,
        });
    }

    fn on_own_call(&mut self, request: Request, progress: ProgressSender, reply: Answer) {
        let wait_ms = request.wait_ms;
        let answer = match request.call {
            Call::Status => Ok(Reply::Status(self.sources().status())),
            Call::Verify => return self.verify(wait_ms, reply),
            Call::Doctor => return self.doctor(reply),
            call @ (Call::History { .. }
            | Call::Diff { .. }
            | Call::ShowVersion { .. }
            | Call::Restore { .. }) => {
                return self.read_history(request.workspace.as_deref(), call, wait_ms, progress, reply);
            }
            call @ (Call::SignUp { .. } | Call::SignIn { .. } | Call::Recover { .. }) => {
                return self.log_in(call, wait_ms, progress, reply);
            }
            call => match &self.credential {
                None => Err(problem(ErrorKind::SignedOut, "using the account", "no account is signed in")),
                Some(credential) => match call {
                    Call::Account => Ok(Reply::Account(credential.view())),
                    call if is_about_people(&call) => {
                        let workspace = request.workspace.as_deref();
                        return self.on_people_call(workspace, call, wait_ms, reply);
                    }
                    call => return self.on_account_call(call, wait_ms, progress, reply),
                },
            },
        };
        let _ = reply.send(answer);
    }

    fn on_account_call(&mut self, call: Call, wait_ms: u64, progress: ProgressSender, reply: Answer) {
        match call {
            Call::Sync { timeout_ms } => self.sync(timeout_ms, progress, reply),
            Call::Reload => self.reload(wait_ms, progress, reply),
            Call::SignOut { discard } => self.begin_sign_out(&discard, wait_ms, progress, reply),
            Call::Apps => self.list_apps(reply),
            Call::DisconnectApp { app } => self.disconnect_app(app, wait_ms, reply),
            Call::TakePlace { from } => self.take_place(from, wait_ms, reply),
            Call::ChangePassword { old, new } => self.change_password(old, new, reply),
            Call::DeleteAccount { password } => self.delete_account(password, wait_ms, reply),
            Call::DeleteWorkspace { workspace, discard } => {
                self.delete_workspace(&workspace, discard, wait_ms, reply);
            }
            other => {
                let detail = format!("nobody does {other:?}");
                let _ = reply.send(Err(problem(ErrorKind::Internal, "doing a call", detail)));
            }
        }
    }

    fn sync(&mut self, timeout_ms: u64, progress: ProgressSender, reply: Answer) {
        self.failures = 0;
        self.ensure_link();
        self.ping();
        let course = Course::new(progress, self.engine.waiting());
        let deadline = after(timeout_ms);
        self.add_waiter(Waiter {
            goal: Goal::InSync,
            finish: Finish::Synced,
            deadline,
            reply,
            progress: course,
        });
    }

    fn reload(&mut self, wait_ms: u64, progress: ProgressSender, reply: Answer) {
        let tried = "checking the local copy";
        let found = self.verify_all().and_then(|found| self.retry_all().map(|()| found));
        let damaged = match found {
            Ok(found) => found.damaged,
            Err(error) => return drop(reply.send(Err(engine(tried, &error)))),
        };
        self.restart_link();
        let course = Course::new(progress, self.engine.waiting());
        let finish = Finish::Checked { damaged, reload: true, again: true };
        let deadline = after(wait_ms.max(RELOAD_WAIT_MS));
        self.add_waiter(Waiter { goal: Goal::InSync, finish, deadline, reply, progress: course });
    }

    /// Lets everything be tried again that was given up.
    fn retry_all(&mut self) -> Result<(), EngineError<StoreError>> {
        self.is_alarmed = false;
        self.failures = 0;
        let workspaces = self.engine.workspaces();
        workspaces.into_iter().try_for_each(|workspace| self.engine.reload(workspace, &mut self.store))
    }

    fn verify(&mut self, wait_ms: u64, reply: Answer) {
        let found = match self.verify_all() {
            Ok(found) => found,
            Err(error) => return drop(reply.send(Err(engine("checking the local copy", &error)))),
        };
        let is_distrusted = self.engine.has_distrusted();
        if (found.damaged == 0 && !is_distrusted) || self.credential.is_none() {
            return drop(reply.send(Ok(Reply::Verified(found.result(0)))));
        }
        if is_distrusted {
            self.restart_link(); // the whole ledger is read at the beginning of a connection
        } else {
            self.ensure_link();
        }
        let finish = Finish::Checked { damaged: found.damaged, reload: false, again: false };
        let deadline = after(wait_ms.max(MEND_WAIT_MS));
        self.add_waiter(Waiter { goal: Goal::InSync, finish, deadline, reply, progress: None });
    }

    fn doctor(&mut self, reply: Answer) {
        let mut checks = self.look_around();
        let server = self.credential.is_some().then(|| self.server());
        tokio::spawn(async move {
            match server {
                Some(Ok(server)) => checks.extend(check_server(server).await),
                Some(Err(error)) => checks.push(crate::api::Check {
                    name: "server".into(),
                    ok: false,
                    detail: format!("{}: {}", error.tried, error.detail),
                }),
                None => {}
            }
            let _ = reply.send(Ok(Reply::Diagnosis { checks }));
        });
    }

    fn begin_sign_out(&mut self, discard: &Discard, wait_ms: u64, progress: ProgressSender, reply: Answer) {
        if let Err(error) = self.check_discard(discard) {
            return drop(reply.send(Err(error)));
        }
        let waiting = self.engine.waiting();
        let drains = *discard == Discard::Nothing;
        let goal = if drains { Goal::Drained } else { Goal::Acknowledged(Vec::new()) };
        if waiting > 0 && drains {
            self.failures = 0;
            self.ensure_link();
        }
        let course = Course::new(progress, waiting);
        let deadline = after(wait_ms.max(DRAIN_WAIT_MS));
        self.add_waiter(Waiter { goal, finish: Finish::SignOut, deadline, reply, progress: course });
    }

    /// Refuses to discard what came after the backup that was to keep it. The waiter that follows is met in
    /// the same step of the core, so nothing can come in between.
    fn check_discard(&mut self, discard: &Discard) -> Result<(), ApiError> {
        let Discard::BackedUp(file) = discard else { return Ok(()) };
        let Some(Reply::Exported { files, .. }) =
            ops::perform(self, None, &Call::CreateBackup, &mut |_| {}).transpose()?
        else {
            return Err(self.changes_wait());
        };
        let kept = std::fs::read(file).map_err(|e| disk(&format!("reading {file}"), &e))?;
        let is_kept = files.iter().all(|now| now.text && now.content.as_bytes() == kept);
        if is_kept { Ok(()) } else { Err(self.changes_wait()) }
    }

    fn delete_workspace(&mut self, wanted: &str, discard: bool, wait_ms: u64, reply: Answer) {
        let workspace = match self.deletable(wanted) {
            Ok(workspace) => workspace,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let state = self.engine.summary(workspace).map(|summary| summary.state);
        let is_gone = matches!(state, Some(SyncState::Blocked(satchel_sync::Alarm::Gone, _)));
        let unsent = self.engine.summary(workspace).map_or(0, |summary| summary.up + summary.drafts);
        if is_gone && unsent > 0 && !discard {
            let detail = format!("{unsent} items have changes that are nowhere else");
            let error = problem(ErrorKind::ChangesWaiting, "deleting the workspace", detail);
            return drop(reply.send(Err(ApiError { count: unsent, ..error })));
        }
        if is_gone || (self.engine.is_unfounded(workspace) && self.link.is_none()) {
            let answer = self.forget_workspace(workspace);
            return drop(reply.send(answer));
        }
        self.failures = 0;
        self.ensure_link();
        let deadline = after(wait_ms.max(ANSWER_WAIT_MS));
        let finish = Finish::DeleteWorkspace(workspace);
        self.add_waiter(Waiter { goal: Goal::Opened, finish, deadline, reply, progress: None });
    }

    fn deletable(&self, wanted: &str) -> Result<WorkspaceId, ApiError> {
        let workspace = select::workspace(self, Some(wanted))?;
        if workspace == SCRATCH {
            let detail = "the Scratch Pad belongs to this device and stays";
            return Err(problem(ErrorKind::Invalid, "deleting the workspace", detail));
        }
        Ok(workspace)
    }

    /// Opens a fresh connection that takes the place of an app.
    pub(super) fn open_in_place_of(&mut self, app: satchel_wire::AppId, wait_ms: u64, reply: Answer) {
        self.take_over = Some(app);
        self.failures = 0;
        self.restart_link();
        let deadline = after(wait_ms.max(ANSWER_WAIT_MS));
        self.add_waiter(Waiter {
            goal: Goal::Opened,
            finish: Finish::Placed,
            deadline,
            reply,
            progress: None,
        });
    }
}

/// Whether `people` does it.
fn is_about_people(call: &Call) -> bool {
    matches!(
        call,
        Call::CreateWorkspace { .. }
            | Call::Teams
            | Call::CreateTeam { .. }
            | Call::RenameTeam { .. }
            | Call::LeaveTeam { .. }
            | Call::DeleteTeam { .. }
            | Call::Members { .. }
            | Call::Invite { .. }
            | Call::Invites { .. }
            | Call::RevokeInvite { .. }
            | Call::Join { .. }
            | Call::SetRole { .. }
            | Call::RemoveMember { .. }
            | Call::Leave
            | Call::HandOver { .. }
            | Call::SetAccess { .. }
            | Call::Fingerprint { .. }
            | Call::Activity { .. }
            | Call::DiscardDrafts { .. }
            | Call::Presence { .. }
            | Call::WhoIsHere
    )
}

/// The moment in so many milliseconds.
pub(super) fn after(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms.min(WAIT_MAX_MS))
}
