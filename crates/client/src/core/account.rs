//! Calls around accounts. Conversations with the server run beside the core and come back as an
//! [`Outcome`]; only the core changes the profile.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use satchel_sync::{Disconnected, Engine};
use satchel_wire::{AccountId, AppId, ClientFrame, DeletionReceipt, GrantId, ServerFrame};

use super::calls::{ProgressSender, after};
use super::waiting::{Course, Finish, Goal, Waiter};
use super::{Answer, Core, Input, Turn};
use crate::api::{ApiError, Call, ErrorKind, Reply, Secret};
use crate::control;
use crate::credential::Credential;
use crate::login::{self, Login, machine_name};
use crate::ops::profile::Profile;
use crate::problem::{app_view, disconnected, disk, engine, find_app, problem, stored};
use crate::server::{Server, normalise, url_text};
use crate::store::{Cell, Database};

/// The workspace that a new account begins with.
const FIRST_WORKSPACE: &str = "My Workspace";
const CONTROL_TIME: Duration = Duration::from_secs(20);
/// How long sign-out waits for the server to hear of it.
const FAREWELL_TIME: Duration = Duration::from_secs(5);

/// What came of a conversation.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Signed up, in, or recovered; the code is the new recovery code.
    LoggedIn {
        result: Result<(Credential, Option<Secret>), ApiError>,
        is_new: bool,
        wait_ms: u64,
        progress: ProgressSender,
        reply: Answer,
    },
    /// The app that makes room was found.
    FoundApp { result: Result<AppId, ApiError>, wait_ms: u64, reply: Answer },
    /// An app's session was ended on the server.
    Disconnected { result: Result<AppId, ApiError>, wait_ms: u64, reply: Answer },
    /// The password was proven, so that the account can be deleted.
    MayDelete { result: Result<GrantId, ApiError>, wait_ms: u64, reply: Answer },
    /// The account was deleted on the server.
    Deleted { result: Result<DeletionReceipt, ApiError>, reply: Answer },
}

impl Core {
    pub(super) fn on_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::LoggedIn { result, is_new, wait_ms, progress, reply } => {
                self.turn = Turn::Free;
                let adopted = result.and_then(|(credential, code)| {
                    self.adopt(credential, is_new)?;
                    Ok(code)
                });
                match adopted {
                    Ok(code) => self.after_log_in(code, wait_ms, progress, reply),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Outcome::FoundApp { result: Ok(app), wait_ms, reply } => {
                self.open_in_place_of(app, wait_ms, reply);
            }
            Outcome::Disconnected { result: Ok(app), wait_ms, reply } => self.revoke_app(app, wait_ms, reply),
            Outcome::MayDelete { result: Ok(grant), wait_ms, reply } => {
                self.leave_everything(grant, wait_ms, reply);
            }
            Outcome::FoundApp { result: Err(error), reply, .. }
            | Outcome::Disconnected { result: Err(error), reply, .. }
            | Outcome::MayDelete { result: Err(error), reply, .. } => drop(reply.send(Err(error))),
            Outcome::Deleted { result, reply } => {
                let answer = result.map_err(|error| self.name_places(error)).and_then(|receipt| {
                    self.destroy()?;
                    self.home.end_wipe().map_err(|e| disk("removing the local data", &e))?;
                    Ok(Reply::AccountDeleted { receipt: list(&receipt) })
                });
                let _ = reply.send(answer);
            }
        }
    }

    // ---- signing in ----

    pub(super) fn log_in(&mut self, call: Call, wait_ms: u64, progress: ProgressSender, reply: Answer) {
        if self.turn == Turn::Taken {
            let error = problem(ErrorKind::SignedIn, "signing in", "another sign-in is under way");
            return drop(reply.send(Err(error)));
        }
        let is_new = matches!(call, Call::SignUp { .. });
        let login = match self.login_of(&call) {
            Ok(login) => login,
            Err(error) => return drop(reply.send(Err(error))),
        };
        self.turn = Turn::Taken;
        let conversation = async move {
            match call {
                Call::SignUp { password, invite, .. } => login::sign_up(login, password, invite)
                    .await
                    .map(|(credential, code)| (credential, Some(code))),
                Call::Recover { code, password, .. } => login::recover(login, code, password)
                    .await
                    .map(|(credential, code)| (credential, Some(code))),
                Call::SignIn { password, take_over, .. } => {
                    login::sign_in(login, password, take_over).await.map(|credential| (credential, None))
                }
                _ => Err(problem(ErrorKind::Internal, "signing in", "that is no sign-in")),
            }
        };
        self.converse(conversation, move |result| Outcome::LoggedIn {
            result,
            is_new,
            wait_ms,
            progress,
            reply,
        });
    }

    fn login_of(&self, call: &Call) -> Result<Login, ApiError> {
        let (Call::SignUp { server, email, app_name, .. }
        | Call::SignIn { server, email, app_name, .. }
        | Call::Recover { server, email, app_name, .. }) = call
        else {
            return Err(problem(ErrorKind::Internal, "signing in", "that is no sign-in"));
        };
        let url = url_text(&normalise(server)?);
        let before = self.before(call, &url)?;
        let email = email.trim().to_owned();
        if !email.contains('@') || email.len() > satchel_wire::limits::EMAIL_BYTES_MAX {
            return Err(problem(ErrorKind::Invalid, "signing in", "that is not an e-mail address"));
        }
        let app_name = app_name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(machine_name);
        if app_name.len() > satchel_wire::limits::APP_NAME_BYTES_MAX {
            return Err(problem(ErrorKind::TooLarge, "signing in", "the app's name is over 100 bytes"));
        }
        Ok(Login { server: Server::new(&url, &self.reach)?, url, email, app_name, before })
    }

    /// The account that is signed in here, if its session has ended and it signs in to the same server again.
    fn before(&self, call: &Call, url: &str) -> Result<Option<AccountId>, ApiError> {
        let Some(credential) = &self.credential else { return Ok(None) };
        let is_ended = self.halt.as_ref().is_some_and(|halt| halt.reason == "session_ended");
        if !is_ended || matches!(call, Call::SignUp { .. }) || credential.server != url {
            let detail = format!("{} is signed in here; sign out first", credential.email);
            return Err(problem(ErrorKind::SignedIn, "signing in", detail));
        }
        Ok(Some(credential.account))
    }

    /// Keeps a sign-in: its own store under its own key, and the engine over it.
    fn adopt(&mut self, credential: Credential, is_new: bool) -> Result<(), ApiError> {
        let tried = "keeping the sign-in";
        let is_same = self.credential.as_ref().is_none_or(|before| before.account == credential.account);
        if !is_same {
            return Err(problem(ErrorKind::SignedIn, tried, "another account is signed in here"));
        }
        self.link = None;
        self.is_open = false;
        if self.store.account.is_none() {
            self.store.account = Some(self.make_account_store()?);
        }
        if let Some(account) = &self.store.account {
            let session = credential.encode();
            account.set_cell(&Cell::device("session"), Some(&session)).map_err(|e| stored(tried, &e))?;
        }
        self.server = None;
        self.credential = Some(credential);
        self.set_halt(None);
        self.failures = 0;
        self.reopen_engine()?;
        if is_new {
            let workspace = self.found_workspace(FIRST_WORKSPACE)?;
            self.use_workspace(workspace)?;
        }
        self.note_change();
        Ok(())
    }

    fn make_account_store(&self) -> Result<Database, ApiError> {
        let tried = "making the account's store";
        self.home.remove_account_files().map_err(|e| disk(tried, &e))?;
        let key = self.home.keys().make(&self.home.account_key()).map_err(|e| disk(tried, &e))?;
        let database = Database::open(&self.home.account_store(), key).map_err(|e| stored(tried, &e))?;
        self.home.sync().map_err(|e| disk(tried, &e))?;
        Ok(database)
    }

    fn reopen_engine(&mut self) -> Result<(), ApiError> {
        let identity = self.credential.as_ref().and_then(Credential::identity);
        self.engine = Engine::open(identity, &self.store).map_err(|e| engine("opening the store", &e))?;
        Ok(())
    }

    fn after_log_in(&mut self, code: Option<Secret>, wait_ms: u64, progress: ProgressSender, reply: Answer) {
        let Some(credential) = &self.credential else { return };
        let account = credential.view();
        let finish = match code {
            Some(code) => Finish::SignedUp(account, code),
            None => Finish::SignedIn(account),
        };
        self.ensure_link();
        let course = Course::new(progress, self.engine.waiting());
        self.add_waiter(Waiter {
            goal: Goal::InSync,
            finish,
            deadline: after(wait_ms),
            reply,
            progress: course,
        });
    }

    // ---- signing out ----

    /// Destroys the account's local data, then tells the server.
    pub(super) async fn sign_out(&mut self) -> Result<(), ApiError> {
        let server = self.server();
        let credential = self.credential.clone();
        let is_reachable = self.failures == 0;
        self.destroy()?;
        if let (Ok(server), Some(credential), true) = (server, credential, is_reachable) {
            let farewell = ClientFrame::SignOut { request: 1 };
            let told = control::ask(server, self.choice(), &credential, 0, farewell);
            // Best effort: whoever is not told sees an app that does not come back.
            if tokio::time::timeout(FAREWELL_TIME, told).await.is_err() {
                tracing::warn!("the server was not told of the sign-out in time");
            }
        }
        self.home.end_wipe().map_err(|e| disk("finishing the sign-out", &e))
    }

    /// Destroys the account's local data; the marker stays until the caller is done.
    fn destroy(&mut self) -> Result<(), ApiError> {
        self.link = None;
        self.is_open = false;
        self.retry_at = None;
        self.take_over = None;
        self.telling = None;
        self.refusal = None;
        self.trouble = None;
        self.acknowledged_at = None;
        self.is_alarmed = false;
        self.halt = None;
        self.server = None;
        self.credential = None;
        self.store.account = None;
        for waiter in self.waiters.drain(..) {
            let error = problem(ErrorKind::SignedOut, "waiting for the server", "the account was signed out");
            let _ = waiter.reply.send(Err(error));
        }
        let wiped = self.home.wipe_account().map_err(|e| disk("destroying the account's local data", &e));
        self.reopen_engine()?;
        self.note_change();
        wiped
    }

    // ---- requests ----

    pub(super) fn list_apps(&mut self, reply: Answer) {
        let Some((asker, this)) = self.asker() else { return };
        tokio::spawn(async move {
            let apps = asker.list("listing the apps").await;
            let apps = apps.map(|apps| apps.iter().map(|entry| app_view(entry, Some(this))).collect());
            let _ = reply.send(apps.map(|apps| Reply::Apps { apps }));
        });
    }

    pub(super) fn disconnect_app(&mut self, wanted: String, wait_ms: u64, reply: Answer) {
        let Some((asker, _)) = self.asker() else { return };
        let known = self.own_apps();
        let ended = async move { asker.disconnect(&wanted, &known).await };
        self.converse(ended, move |result| Outcome::Disconnected { result, wait_ms, reply });
    }

    pub(super) fn take_place(&mut self, from: String, wait_ms: u64, reply: Answer) {
        if self.is_open {
            return drop(reply.send(Ok(Reply::Status(self.sources().status()))));
        }
        let Some((asker, _)) = self.asker() else { return };
        let tried = "taking a place";
        let found = async move { find_app(tried, &asker.list(tried).await?, &from) };
        self.converse(found, move |result| Outcome::FoundApp { result, wait_ms, reply });
    }

    pub(super) fn change_password(&mut self, old: Secret, new: Secret, reply: Answer) {
        let Some(credential) = self.credential.clone() else { return };
        let server = self.server();
        tokio::spawn(async move {
            let changed = match server {
                Ok(server) => {
                    login::change_password(server, credential.email.clone(), credential.app, old, new).await
                }
                Err(error) => Err(error),
            };
            let _ = reply.send(changed.map(|()| Reply::Done));
        });
    }

    pub(super) fn delete_account(&mut self, password: Secret, wait_ms: u64, reply: Answer) {
        let Some(credential) = self.credential.clone() else { return };
        let server = self.server();
        let proof =
            async move { login::prove_for_deletion(server?, credential.email.clone(), password).await };
        self.converse(proof, move |result| Outcome::MayDelete { result, wait_ms, reply });
    }

    pub(super) fn ask_to_delete_account(&mut self, grant: GrantId, reply: Answer) {
        let server = self.server();
        let deletion = async move { login::delete_account(server?, grant).await };
        self.converse(deletion, move |result| Outcome::Deleted { result, reply });
    }

    fn asker(&mut self) -> Option<(Asker, AppId)> {
        let credential = self.credential.clone()?;
        let this = credential.app;
        let waiting = self.engine.waiting();
        Some((Asker { server: self.server(), choice: self.choice(), credential, waiting }, this))
    }

    /// Runs a conversation beside the core.
    fn converse<T: Send + 'static>(
        &self,
        conversation: impl Future<Output = T> + Send + 'static,
        wrap: impl FnOnce(T) -> Outcome + Send + 'static,
    ) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let outcome = wrap(conversation.await);
            if let Some(inbox) = inbox.upgrade() {
                let _ = inbox.send(Input::Outcome(Box::new(outcome)));
            }
        });
    }
}

/// Asks the server about apps, on connections of their own.
struct Asker {
    server: Result<Server, ApiError>,
    choice: crate::transport::TransportChoice,
    credential: Credential,
    waiting: u64,
}

impl Asker {
    async fn ask(&self, tried: &str, question: ClientFrame) -> Result<ServerFrame, ApiError> {
        let server = self.server.clone()?;
        let asked = control::ask(server, self.choice, &self.credential, self.waiting, question);
        let late =
            || Disconnected::Unreachable { detail: format!("no answer within {} s", CONTROL_TIME.as_secs()) };
        let answer = tokio::time::timeout(CONTROL_TIME, asked).await.unwrap_or_else(|_| Err(late()));
        answer.map_err(|why| disconnected(tried, &why, Some(self.credential.app)))
    }

    async fn list(&self, tried: &str) -> Result<Vec<satchel_wire::AppEntry>, ApiError> {
        match self.ask(tried, ClientFrame::ListApps { request: 1 }).await? {
            ServerFrame::Apps { apps, .. } => Ok(apps),
            _ => Err(problem(ErrorKind::NotSatchel, tried, "the server gave another answer")),
        }
    }

    /// Ends an app's session. One that the server does not list any more may still be `known` to charters.
    async fn disconnect(&self, wanted: &str, known: &BTreeSet<AppId>) -> Result<AppId, ApiError> {
        let tried = "disconnecting an app";
        let listed = self.list(tried).await?;
        let app = match find_app(tried, &listed, wanted) {
            Err(error) => wanted.parse().ok().filter(|app| known.contains(app)).ok_or(error)?,
            Ok(app) => app,
        };
        if app == self.credential.app {
            return Err(problem(ErrorKind::Invalid, tried, "that is this app: use signout"));
        }
        if listed.iter().any(|entry| entry.app == app) {
            self.ask(tried, ClientFrame::DisconnectApp { request: 2, app }).await?;
        }
        Ok(app)
    }
}

fn list(receipt: &DeletionReceipt) -> Vec<(String, u64)> {
    [
        ("workspaces", receipt.workspaces),
        ("records", receipt.records),
        ("versions", receipt.versions),
        ("commits", receipt.commits),
        ("apps", receipt.apps),
        ("bytes", receipt.bytes),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .to_vec()
}
