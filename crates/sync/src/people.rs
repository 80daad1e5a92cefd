//! Acts on the charter: made from what a person wants, or from what an admin's app is to do by itself.
//!
//! ```text
//!  begin_act ─┐                            Accepted ─▶ done
//!  duty ──────┴─▶ waits ─▶ entry under way ─┤
//!                   ▲                       └ moved, old epoch ─▶ catch up, does it still make sense?
//!                   └──────────────────────────────────────────────────┘  (a few times)
//! ```
//! Invariants: one entry of the charter is under way at a time in a workspace; each is made of the newest
//! charter here and judged by the rules that the server has, before it is sent; an act needs a connection and
//! is not stored before its entry is made. What apps do by themselves follows from the charters alone, so that
//! it does not matter which admin's app comes first.

use std::sync::Arc;

use rand_core::{CryptoRng, RngCore};
use satchel_charter::{Charter, CharterError, EpochKeys, NewMember, make_invite, make_member, make_rotation};
use satchel_crypto::InviteSecret;
use satchel_wire::{
    AccountId, AppId, Bytes32, CharterOp, CommitId, Content, ErrorCode, InviteId, JoinProof, Refusal, Role,
    WorkspaceId, WorkspaceKind,
};

use crate::EngineError;
use crate::engine::{Engine, Event, Identity};
use crate::replica::{Flight, Link, Replica, model_id};
use crate::staging::Refused;
use crate::store::{Alarm, Key, Store, Write};

/// How often an act is made again because the charter moved.
const TRIES_MAX: u32 = 5;
/// How far admins' apps that see the same duty are spread, in milliseconds.
const DUTY_SPREAD_MS: u64 = 400;
/// How long a duty rests that could not be done, in milliseconds.
const DUTY_REST_MS: u64 = 60_000;
/// The act of a duty, whose end nobody asks for.
const NOBODY: u64 = 0;

/// What is to be done to a charter.
#[derive(Debug)]
pub enum Act {
    /// Open an invitation.
    Invite {
        /// What its link holds.
        secret: InviteSecret,
        /// The role of who joins.
        role: Role,
        /// When it ends, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// End an invitation.
    RevokeInvite(InviteId),
    /// Add who claims an open invitation.
    AddClaim(Box<JoinProof>),
    /// Add a member of the team's roster.
    AddFromRoster(Box<RosterMember>),
    /// Give a member another role.
    SetRole(AccountId, Role),
    /// Remove members, with a new key for those who stay.
    Remove(Vec<AccountId>),
    /// Begin a new key.
    Rotate,
    /// Begin a new key if somebody left who knows the present one.
    RotateIfDue,
    /// Leave.
    Leave,
    /// End what an app may write, for good.
    RevokeApp(AppId),
    /// Open a team's workspace to all its members, or close it.
    SetAccess(bool),
}

/// A member of a roster, to be added to a workspace of the team.
#[derive(Debug, Clone)]
pub struct RosterMember {
    account: AccountId,
    signing_key: Bytes32,
    sealing_key: Bytes32,
    role: Role,
    name: String,
}

/// Why an act was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActError {
    /// The charter's rules do not allow it.
    Charter(CharterError),
    /// The server refused it.
    Refused(Refusal),
    /// The charter moved each time before the act came through.
    Moved,
    /// The workspace is gone, or this account is no member any more.
    Gone,
}

impl std::fmt::Display for ActError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Charter(error) => f.write_str(error.detail()),
            Self::Refused(refusal) if refusal.detail.is_empty() => write!(f, "{:?}", refusal.code),
            Self::Refused(refusal) => f.write_str(&refusal.detail),
            Self::Moved => f.write_str("others changed the members each time first"),
            Self::Gone => f.write_str("the workspace is gone, or this account is no member any more"),
        }
    }
}

impl std::error::Error for ActError {}

/// An act that waits, or whose entry is under way.
#[derive(Debug)]
pub(crate) struct Acting {
    id: u64,
    act: Act,
    tries: u32,
    commit: Option<CommitId>,
}

/// What a replica knows of what is to be done to its charter.
#[derive(Debug, Default)]
pub(crate) struct Acts {
    waiting: std::collections::VecDeque<Acting>,
    ended: Vec<(u64, Result<(), ActError>)>,
    /// Claims that wait for an admin's app.
    pub(crate) joins: Vec<JoinProof>,
    /// When this app does what is due.
    duty_at_ms: Option<u64>,
    /// The last duty could not be done.
    duty_failed: bool,
    /// The entry up to which everything was seen when the server called something too old, or a role too low.
    refused_at: Option<u64>,
}

impl Acts {
    fn end_front(&mut self, result: Result<(), ActError>) {
        let Some(acting) = self.waiting.pop_front() else { return };
        if acting.id == NOBODY {
            self.duty_failed = result.is_err();
        } else {
            self.ended.push((acting.id, result));
        }
    }

    /// Entries of the charter came back accepted.
    pub(crate) fn note_accepted(&mut self, accepted: &[CommitId]) {
        let front = self.waiting.front().and_then(|acting| acting.commit);
        if front.is_some_and(|commit| accepted.contains(&commit)) {
            self.end_front(Ok(()));
        }
    }

    /// The workspace is gone for this account, which is what leaving is about.
    pub(crate) fn note_gone(&mut self) {
        while let Some(front) = self.waiting.front() {
            let has_left = matches!(front.act, Act::Leave) && front.commit.is_some();
            self.end_front(if has_left { Ok(()) } else { Err(ActError::Gone) });
        }
        (self.joins, self.duty_at_ms) = (Vec::new(), None);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Act {
    /// Whether there is nothing left to do.
    fn is_done(&self, charter: &Charter) -> bool {
        match self {
            Self::SetRole(account, role) => charter.role_of(*account) == Some(*role),
            Self::Remove(accounts) => accounts.iter().all(|account| charter.member(*account).is_none()),
            Self::AddFromRoster(member) => charter.member(member.account).is_some(),
            Self::RotateIfDue => !charter.rotation_due(),
            Self::RevokeApp(app) => !charter.knows(*app),
            Self::SetAccess(open) => charter.is_open() == *open,
            Self::Invite { .. } | Self::RevokeInvite(_) | Self::AddClaim(_) | Self::Rotate | Self::Leave => {
                false
            }
        }
    }
}

impl Replica {
    /// Whether this account may write records here.
    pub(crate) fn may_write(&self, identity: &Identity) -> bool {
        !self.charter.is_founded() || self.charter.role_of(identity.account) >= Some(Role::Editor)
    }

    pub(crate) fn has_charter_flight(&self) -> bool {
        self.flights.iter().any(|flight| matches!(flight.header.content, Content::Charter(_)))
    }

    /// Makes the entry of the next act, if it can go.
    pub(crate) fn make_act<S: Store, R: RngCore + CryptoRng>(
        &mut self,
        identity: &Identity,
        rng: &mut R,
        store: &mut S,
    ) -> Result<(), EngineError<S::Error>> {
        while let Some(front) = self.acts.waiting.front() {
            if front.commit.is_some() || self.has_charter_flight() || !self.charter.is_founded() {
                return Ok(());
            }
            if front.act.is_done(&self.charter) {
                self.acts.end_front(Ok(()));
                continue;
            }
            if !self.charter.knows(identity.app) && !self.charter.is_revoked(identity.app) {
                return self.make_add_app(identity, rng, store);
            }
            match self.judge_act(&front.act, identity, rng) {
                Ok((header, signed)) => {
                    let commit = header.commit;
                    self.store_flight((header, signed), Vec::new(), Vec::new(), store)?;
                    self.sync_first = true;
                    if let Some(front) = self.acts.waiting.front_mut() {
                        front.commit = Some(commit);
                    }
                    return Ok(());
                }
                Err(error) => self.acts.end_front(Err(ActError::Charter(error))),
            }
        }
        Ok(())
    }

    /// The signed entry of an act that the rules accept here.
    fn judge_act<R: RngCore + CryptoRng>(
        &self,
        act: &Act,
        identity: &Identity,
        rng: &mut R,
    ) -> Result<(satchel_wire::CommitHeader, satchel_wire::SignedHeader), CharterError> {
        let op = self.make_op(act, rng)?;
        let (header, signed) = self.sign(identity, Content::Charter(op), rng);
        self.charter.clone().apply(self.head.seq + 1, &header, &signed)?;
        Ok((header, signed))
    }

    fn make_op<R: RngCore + CryptoRng>(&self, act: &Act, rng: &mut R) -> Result<CharterOp, CharterError> {
        let keys = self.keys.as_deref().filter(|keys| keys.are_of(&self.charter));
        let keys = keys.ok_or(CharterError::Key)?;
        let charter = &self.charter;
        Ok(match act {
            Act::Invite { secret, role, expires_ms } => {
                CharterOp::Invite(make_invite(self.workspace, keys, secret, (*role, *expires_ms), rng))
            }
            Act::RevokeInvite(invite) => CharterOp::RevokeInvite { invite: *invite },
            Act::AddClaim(proof) => self.add_claim(proof, keys, rng)?,
            Act::AddFromRoster(member) => self.add_from_roster(member, keys, rng)?,
            Act::SetRole(account, role) => CharterOp::SetRole { account: *account, role: *role },
            Act::Remove(accounts) => {
                let mut accounts = accounts.clone();
                accounts.retain(|account| charter.member(*account).is_some());
                accounts.sort_unstable();
                accounts.dedup();
                let (rotation, _) = make_rotation(charter, keys, &accounts, rng)?;
                CharterOp::RemoveMembers { accounts, rotation }
            }
            Act::Rotate | Act::RotateIfDue => {
                CharterOp::Rotate { rotation: make_rotation(charter, keys, &[], rng)?.0 }
            }
            Act::Leave => CharterOp::Leave,
            Act::RevokeApp(app) => CharterOp::RevokeApp { app: *app },
            Act::SetAccess(open) => CharterOp::SetAccess { open: *open },
        })
    }

    fn add_claim<R: RngCore + CryptoRng>(
        &self,
        proof: &JoinProof,
        keys: &EpochKeys,
        rng: &mut R,
    ) -> Result<CharterOp, CharterError> {
        let claim = self.charter.check_join(proof)?;
        let role = self.charter.invite(claim.invite).ok_or(CharterError::Invite)?.role;
        // Who sends no name that opens is known by its account.
        let name = self.charter.open_join_name(keys, &claim).unwrap_or_else(|_| claim.account.to_string());
        let new = NewMember {
            account: claim.account,
            signing_key: claim.signing_key,
            sealing_key: claim.sealing_key,
            role,
            invite: Some(claim.invite),
            name: &name,
        };
        make_member(self.workspace, keys, &new, rng).map(CharterOp::AddMember)
    }

    fn add_from_roster<R: RngCore + CryptoRng>(
        &self,
        member: &RosterMember,
        keys: &EpochKeys,
        rng: &mut R,
    ) -> Result<CharterOp, CharterError> {
        let new = NewMember {
            account: member.account,
            signing_key: member.signing_key,
            sealing_key: member.sealing_key,
            role: member.role,
            invite: None,
            name: &member.name,
        };
        make_member(self.workspace, keys, &new, rng).map(CharterOp::AddMember)
    }

    /// The entry of an act was refused: it is made again after a catch-up, or ends.
    pub(crate) fn note_act_refused(&mut self, commit: CommitId, refusal: &Refusal) {
        let Some(front) = self.acts.waiting.front_mut().filter(|front| front.commit == Some(commit)) else {
            return;
        };
        front.commit = None;
        front.tries += 1;
        let is_moved = matches!(refusal.code, ErrorCode::CharterMoved | ErrorCode::EpochOld);
        if !is_moved {
            self.acts.end_front(Err(ActError::Refused(refusal.clone())));
        } else if front.tries >= TRIES_MAX {
            self.acts.end_front(Err(ActError::Moved));
        }
    }

    /// Whether a commit was refused for what others did to the charter first. Not where all that the server
    /// shows had been seen already when it said so before.
    pub(crate) fn is_late(&mut self, index: usize, identity: &Identity, refusal: &Refusal) -> bool {
        let flight = &self.flights[index];
        let is_act = match &flight.header.content {
            Content::Charter(CharterOp::Found(_)) => return false,
            Content::Charter(CharterOp::AddApp(_)) | Content::Ops { .. } => false,
            Content::Charter(_) => true,
        };
        let may_be_late = match refusal.code {
            ErrorCode::EpochOld | ErrorCode::RoleTooLow | ErrorCode::CharterMoved => true,
            // The account was out in between: what its app had under way is sent again once the app is added again.
            // A revoked one is refused for good.
            ErrorCode::Forbidden => flight.is_of_records() && !self.charter.is_revoked(flight.header.app),
            _ => false,
        };
        if is_act || !matches!(self.link, Link::Live) {
            return is_act || may_be_late;
        }
        if !may_be_late || self.is_outdated(flight, identity) {
            return may_be_late;
        }
        let before = self.acts.refused_at.replace(self.head.seq);
        before != Some(self.head.seq)
    }

    /// Whether a refusal of this commit is explained by what has come since it was made.
    pub(crate) fn is_outdated(&self, flight: &Flight, identity: &Identity) -> bool {
        let is_out =
            flight.is_of_records() && self.charter.is_founded() && !self.charter.knows(flight.header.app);
        flight.header.epoch < self.charter.epoch() || !self.may_write(identity) || is_out
    }

    /// The keys under a charter that is about to be this workspace's.
    pub(crate) fn follow(
        &self,
        charter: &Charter,
        identity: Option<&Identity>,
    ) -> Result<Option<Arc<EpochKeys>>, Refused> {
        let Some(identity) = identity else { return Ok(self.keys.clone()) };
        if charter.is_founded() && charter.member(identity.account).is_none() {
            return Err((Alarm::Gone, "this account is not a member of the workspace any more".into()));
        }
        if self.keys.as_ref().is_some_and(|keys| keys.are_of(charter)) {
            return Ok(self.keys.clone());
        }
        let keys = crate::charter::open(charter, self.workspace, identity);
        keys.map(Some)
            .map_err(|_| (Alarm::Forged, "the workspace's key does not open with this account".into()))
    }

    fn names(&self, account: AccountId) -> Option<String> {
        self.charter.open_name(self.keys.as_deref()?, account)
    }

    /// The next claim that can be confirmed: not of who has left the team, which has to take them back first.
    fn next_claim(&self, roster: Option<&Charter>, now_ms: u64) -> Option<Act> {
        let proof = self.acts.joins.iter().find(|proof| {
            self.charter.check_join(proof).is_ok_and(|claim| {
                self.charter.invite(claim.invite).is_some_and(|open| open.expires_ms > now_ms)
                    && !roster.is_some_and(|roster| roster.has_left(claim.account))
            })
        })?;
        Some(Act::AddClaim(Box::new(proof.clone())))
    }
}

impl Engine {
    /// The charter of a workspace, as far as it was received and verified.
    pub fn charter(&self, workspace: WorkspaceId) -> Option<&Charter> {
        self.replicas.get(&workspace).map(|replica| &replica.charter).filter(|charter| charter.is_founded())
    }

    /// The keys of a workspace.
    pub fn keys(&self, workspace: WorkspaceId) -> Option<&EpochKeys> {
        self.replicas.get(&workspace)?.keys.as_deref()
    }

    /// The name that a member is known by.
    pub fn name_of(&self, workspace: WorkspaceId, account: AccountId) -> Option<String> {
        self.replicas.get(&workspace)?.names(account)
    }

    /// What this account may do; none where it is no member, or where the charter has not been received.
    pub fn role(&self, workspace: WorkspaceId) -> Option<Role> {
        self.charter(workspace)?.role_of(self.identity.as_ref()?.account)
    }

    /// What the workspace is for.
    pub fn kind(&self, workspace: WorkspaceId) -> Option<WorkspaceKind> {
        let replica = self.replicas.get(&workspace)?;
        let founding = replica.flights.first().map(|flight| &flight.header.content);
        replica.charter.kind().or(match founding {
            Some(Content::Charter(CharterOp::Found(founding))) => Some(founding.kind),
            _ => None,
        })
    }

    /// Whether changes made here are kept as drafts, since this account may only read.
    pub fn is_drafting(&self, workspace: WorkspaceId) -> bool {
        let replica = self.replicas.get(&workspace);
        replica.is_some_and(|replica| {
            !replica.is_scratch()
                && self.identity.as_ref().is_some_and(|identity| !replica.may_write(identity))
        })
    }

    /// The claims that wait for an admin's app, as the server has said.
    pub fn joins(&self, workspace: WorkspaceId) -> &[JoinProof] {
        self.replicas.get(&workspace).map_or(&[], |replica| &replica.acts.joins)
    }

    /// Begins an act; it is done as soon as the workspace is live, and [`Engine::act_result`] tells its end.
    ///
    /// # Errors
    /// [`EngineError::UnknownWorkspace`]
    pub fn begin_act<E>(&mut self, workspace: WorkspaceId, act: Act) -> Result<u64, EngineError<E>> {
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        self.next_act += 1;
        let (id, tries, commit) = (self.next_act, 0, None);
        if matches!(replica.link, Link::Blocked(..)) {
            replica.acts.ended.push((id, Err(ActError::Gone)));
        } else {
            replica.acts.waiting.push_back(Acting { id, act, tries, commit });
        }
        Ok(id)
    }

    /// How an act ended, once it has; told once.
    pub fn act_result(&mut self, workspace: WorkspaceId, id: u64) -> Option<Result<(), ActError>> {
        let ended = &mut self.replicas.get_mut(&workspace)?.acts.ended;
        let index = ended.iter().position(|(ended, _)| *ended == id)?;
        Some(ended.swap_remove(index).1)
    }

    /// Gives up an act. False if its entry is under way, so that it may still happen.
    pub fn give_up_act(&mut self, workspace: WorkspaceId, id: u64) -> bool {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return true };
        let is_under_way =
            replica.acts.waiting.iter().any(|acting| acting.id == id && acting.commit.is_some());
        replica.acts.waiting.retain(|acting| acting.id != id || acting.commit.is_some());
        !is_under_way
    }

    /// Discards what waits of these items: they are again as the server has them. Gives how many were discarded.
    pub fn discard<S: Store>(
        &mut self,
        workspace: WorkspaceId,
        records: &[satchel_model::RecordId],
        store: &mut S,
    ) -> Result<u64, EngineError<S::Error>> {
        let replica = self.replicas.get_mut(&workspace).ok_or(EngineError::UnknownWorkspace(workspace))?;
        let is_meant = |key: &Key| records.contains(&model_id(key.record)) && !replica.is_flying(*key);
        let keys: Vec<Key> = replica.pending.keys().copied().filter(is_meant).collect();
        let mut before = Vec::new();
        for key in &keys {
            before.push((*key, replica.acknowledged_if_readable(*key, store)?));
        }
        let writes =
            keys.iter().flat_map(|key| [Write::RemovePending { key: *key }, Write::ClearAside { key: *key }]);
        replica.write(writes.collect(), store)?;
        let mut discarded: Vec<_> = keys.iter().map(|key| model_id(key.record)).collect();
        discarded.dedup();
        for (key, opened) in before {
            replica.pending.remove(&key);
            replica.aside.remove(&key);
            replica.undurable.remove(&key);
            replica.bulk.remove(&key);
            replica.show(key, opened);
        }
        let count = discarded.len() as u64;
        self.events.push_back(Event::Changed { workspace, records: discarded, by_others: true });
        Ok(count)
    }

    /// A member of a team's roster, to be added to one of its workspaces.
    pub fn roster_member(&self, roster: WorkspaceId, account: AccountId) -> Option<RosterMember> {
        let replica = self.replicas.get(&roster)?;
        let member = replica.charter.member(account)?;
        Some(RosterMember {
            account,
            signing_key: member.signing_key,
            sealing_key: member.sealing_key,
            role: member.role.min(Role::Editor),
            name: replica.names(account).unwrap_or_else(|| account.to_string()),
        })
    }

    /// Looks what this app is to do by itself, and does what is due; when to look again, if at a time.
    ///
    /// Each duty waits a moment of its own, so that of many admins' apps one does it and the others see it done.
    pub fn handle_time<R: RngCore>(&mut self, now_ms: u64, rng: &mut R) -> Option<u64> {
        let mut next = None;
        for workspace in self.workspaces() {
            let duty = self.find_duty(workspace, now_ms);
            let Some(replica) = self.replicas.get_mut(&workspace) else { continue };
            let Some(act) = duty else {
                replica.acts.duty_at_ms = None;
                continue;
            };
            let is_alone = replica.charter.members().filter(|(_, m)| m.role == Role::Admin).count() == 1;
            let rest = if std::mem::take(&mut replica.acts.duty_failed) { DUTY_REST_MS } else { 0 };
            let spread = if is_alone { 0 } else { rng.next_u64() % DUTY_SPREAD_MS };
            let at = *replica.acts.duty_at_ms.get_or_insert(now_ms + rest + spread);
            if at <= now_ms {
                replica.acts.duty_at_ms = None;
                replica.acts.waiting.push_back(Acting { id: NOBODY, act, tries: 0, commit: None });
                self.events.push_back(Event::StateChanged);
            } else {
                next = Some(next.map_or(at, |next: u64| next.min(at)));
            }
        }
        next
    }

    /// What an admin's app is to do in a workspace that is live.
    fn find_duty(&self, workspace: WorkspaceId, now_ms: u64) -> Option<Act> {
        let replica = self.replicas.get(&workspace)?;
        let account = self.identity.as_ref()?.account;
        let is_free = matches!(replica.link, Link::Live) && replica.acts.is_idle();
        if !is_free || replica.charter.role_of(account) != Some(Role::Admin) {
            return None;
        }
        let roster = match replica.charter.kind() {
            Some(WorkspaceKind::Team(team)) => Some((team, self.replicas.get(&team))),
            _ => None,
        };
        let charter = roster.and_then(|(_, roster)| roster).map(|roster| &roster.charter);
        if let Some(claim) = replica.next_claim(charter, now_ms) {
            return Some(claim);
        }
        if replica.charter.rotation_due() {
            return Some(Act::RotateIfDue);
        }
        let (team, roster) = roster?;
        let roster = roster.filter(|roster| matches!(roster.link, Link::Live))?;
        let strangers: Vec<_> = replica.charter.strangers(&roster.charter).collect();
        if !strangers.is_empty() && !strangers.contains(&account) {
            return Some(Act::Remove(strangers));
        }
        let is_missing = |member: &AccountId| replica.charter.member(*member).is_none();
        let mut members = roster.charter.members().map(|(member, _)| member);
        let missing = members.find(is_missing).filter(|_| replica.charter.is_open())?;
        self.roster_member(team, missing).map(|member| Act::AddFromRoster(Box::new(member)))
    }
}
