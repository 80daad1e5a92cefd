//! What people do to the people of a workspace: they invite, join, change roles, remove and leave.
//!
//! The founder stays an admin to the end, so that there is always one view that all others are compared to.

use satchel_charter::{Joiner, make_join};
use satchel_crypto::{InviteLink, InviteSecret};
use satchel_model::RecordId;
use satchel_sync::{Act, Store};
use satchel_wire::{ClientFrame, Role};

use super::World;
use crate::check::{Checked, View};
use crate::person;
use crate::plan::Step;
use crate::tier::Tier;

/// Later than any clock of a world.
const EXPIRES_MS: u64 = u64::MAX / 2;
const ROLES: [Role; 4] = [Role::Viewer, Role::Editor, Role::Editor, Role::Admin];
const SERVER: &str = "https://satchel.example";

/// A link that somebody has.
pub(super) struct Invited {
    link: InviteLink,
    account: usize,
}

impl<T> World<T>
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    /// Everybody joins before the history begins.
    pub(super) fn bring_people(&mut self) -> Checked {
        for account in 1..self.plan.accounts {
            let role = self.rng.pick(&ROLES).expect("there are some");
            self.invite_as(0, account, role);
            self.exchange_all()?;
            self.join_next();
            self.exchange_all()?;
        }
        Ok(())
    }

    fn exchange_all(&mut self) -> Checked {
        for _ in 0..3 {
            for index in 0..self.apps.len() {
                self.pump(index)?;
            }
        }
        Ok(())
    }

    /// One of those acts. It goes with the next connection if need be, and rules may not allow it.
    pub(super) fn act(&mut self, kind: Step, index: usize) {
        match kind {
            Step::Invite => self.invite(index),
            Step::Join => self.join_next(),
            Step::SetRole => self.set_role(index),
            Step::Remove => self.remove(index),
            Step::Leave => self.leave(index),
            _ => self.begin(index, Act::Rotate),
        }
    }

    /// An account other than the founder's.
    fn pick_other(&mut self, is_member: bool) -> Option<usize> {
        let is_meant =
            |account: &usize| self.people.role(person::account_id(*account)).is_some() == is_member;
        let meant: Vec<usize> = (1..self.plan.accounts).filter(is_meant).collect();
        self.rng.pick(&meant)
    }

    fn begin(&mut self, index: usize, act: Act) {
        // An app that has not heard of the workspace has nothing to do there.
        let _ = self.apps[index].engine.begin_act::<()>(self.workspace, act);
    }

    fn invite(&mut self, index: usize) {
        if let Some(account) = self.pick_other(false) {
            let role = self.rng.pick(&ROLES).expect("there are some");
            self.invite_as(index, account, role);
        }
    }

    fn invite_as(&mut self, index: usize, account: usize, role: Role) {
        let workspace = *self.workspace.as_bytes();
        let secret = InviteSecret::make(&mut self.rng);
        let kept = InviteLink { server: SERVER.to_owned(), workspace, secret };
        let link = InviteLink::parse(&kept.expose_secret()).expect("it was just made");
        self.begin(index, Act::Invite { secret: kept.secret, role, expires_ms: EXPIRES_MS });
        self.invited.push(Invited { link, account });
    }

    /// Somebody who has a link uses it. The link is kept: its invitation may not have reached the server yet.
    fn join_next(&mut self) {
        let usable = |invited: &&Invited| {
            let is_out = self.people.role(person::account_id(invited.account)).is_none();
            is_out && self.apps.iter().any(|app| app.seat.account == invited.account && app.link.is_some())
        };
        let Some(Invited { link, account }) = self.invited.iter().rev().find(usable) else { return };
        let joiner = Joiner {
            account: person::account_id(*account),
            identity: person::keys(*account),
            name: &format!("Person {account}"),
        };
        let proof = make_join(link, &joiner, &mut self.rng).expect("the name is fit");
        let mut apps = self.apps.iter_mut().filter(|app| app.seat.account == *account);
        if let Some(line) = apps.find_map(|app| app.link.as_mut()) {
            line.up.push_back(ClientFrame::JoinInvite { request: 1, proof });
        }
    }

    fn set_role(&mut self, index: usize) {
        if let Some(account) = self.pick_other(true) {
            let role = self.rng.pick(&ROLES).expect("there are some");
            self.begin(index, Act::SetRole(person::account_id(account), role));
        }
    }

    fn remove(&mut self, index: usize) {
        if let Some(account) = self.pick_other(true) {
            self.begin(index, Act::Remove(vec![person::account_id(account)]));
        }
    }

    fn leave(&mut self, index: usize) {
        if self.apps[index].seat.account != 0 {
            self.begin(index, Act::Leave);
        }
    }

    /// Whether an app's account is a member.
    pub(super) fn is_member(&self, index: usize) -> bool {
        self.people.role(person::account_id(self.apps[index].seat.account)).is_some()
    }

    /// Whether an item may be where it was made and nowhere else: who made it may not write any more.
    pub(super) fn is_draft(&self, maker: usize, record: RecordId) -> bool {
        let maker = person::account_id(self.apps[maker].seat.account);
        self.plan.has_people() && !self.people.may_write(maker) && !self.ledger.has(record)
    }

    /// What two apps are compared by: drafts are only where they were made.
    pub(super) fn without_drafts(&self, index: usize, view: &View) -> View {
        let engine = &self.apps[index].engine;
        let workspace = self.workspace;
        let is_shared =
            |record: &RecordId| !engine.is_drafting(workspace) || !engine.is_waiting(workspace, *record);
        let shared = view.iter().filter(|(record, _)| is_shared(record));
        shared.map(|(record, shown)| (*record, shown.clone())).collect()
    }
}
