//! The state of a charter after some entry, and what can be asked of it.
//!
//! Everything large is shared: an app stages each entry over a copy. What was is kept beside what is (roles
//! and apps with the entries from which they held), so that an old version in the history can be judged by
//! the charter of its time.

use std::collections::BTreeMap;
use std::sync::Arc;

use satchel_wire::{
    AccountId, AddedMember, AppId, Bytes32, CharterOp, CommitHeader, Founding, InviteId, NewInvite, Role,
    Rotation, WorkspaceId, WorkspaceKind,
};

/// How an account became a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// It founded the workspace.
    Founder,
    /// By an invitation.
    Invite(InviteId),
    /// An admin's app took it over from the team's roster.
    Roster,
}

/// A name, sealed under the key of some epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedName {
    /// The epoch.
    pub epoch: u32,
    /// The name, see [`satchel_crypto::EpochKey::open_name`].
    pub bytes: Vec<u8>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it may do.
    pub role: Role,
    /// Its identity signing key.
    pub signing_key: Bytes32,
    /// Its identity encryption key.
    pub sealing_key: Bytes32,
    /// The entry that made it a member.
    pub since: u64,
    /// How it became one.
    pub source: Source,
    /// Its name, where it has given one.
    pub sealed_name: Option<SealedName>,
    /// The key of the present epoch, wrapped to it.
    pub wrap: Vec<u8>,
}

/// An app of a charter that may write, as far as its account's role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharterApp {
    /// The app.
    pub app: AppId,
    /// Its account.
    pub account: AccountId,
    /// Its signing key.
    pub key: Bytes32,
}

/// An invitation that can still be used, as far as the charter knows: the server also looks at the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvite {
    /// The key that a claim is verified with.
    pub key: Bytes32,
    /// The role of who joins.
    pub role: Role,
    /// When it ends.
    pub expires_ms: u64,
    /// The admin who made it. It ends when that account is no admin any more.
    pub by: AccountId,
    /// The epoch whose key the key of names is sealed under.
    pub epoch: u32,
    /// The key of names, sealed.
    pub sealed_name_key: Vec<u8>,
}

/// From which entry on an account had which role; none where it was no member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    from: u64,
    role: Option<Role>,
}

/// An app that is or was in the charter. Its key never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownApp {
    pub(crate) account: AccountId,
    pub(crate) key: [u8; 32],
    pub(crate) is_revoked: bool,
    /// Entries from which on it could write, and could not any more, in turns.
    turns: Vec<u64>,
}

impl KnownApp {
    pub(crate) fn is_active(&self) -> bool {
        self.turns.len() % 2 == 1
    }

    fn was_active(&self, seq: u64) -> bool {
        self.turns.iter().filter(|&&turn| turn < seq).count() % 2 == 1
    }

    fn end(&mut self, seq: u64) {
        if self.is_active() {
            self.turns.push(seq);
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Epoch {
    from: u64,
    commitment: [u8; 32],
    sealed_previous: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Founded {
    workspace: WorkspaceId,
    founding: Founding,
}

/// The state of a charter after some entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charter {
    founded: Option<Arc<Founded>>,
    members: Arc<BTreeMap<AccountId, Member>>,
    standings: Arc<BTreeMap<AccountId, Vec<Standing>>>,
    apps: Arc<BTreeMap<AppId, KnownApp>>,
    invites: Arc<BTreeMap<InviteId, OpenInvite>>,
    epochs: Arc<Vec<Epoch>>,
    is_open: bool,
    rotation_due: bool,
    pub(crate) hash: [u8; 32],
}

/// What can be asked.
impl Charter {
    /// Whether there is a founding.
    pub fn is_founded(&self) -> bool {
        self.founded.is_some()
    }

    /// The workspace, once founded.
    pub fn workspace(&self) -> Option<WorkspaceId> {
        self.founded.as_ref().map(|founded| founded.workspace)
    }

    /// The founding.
    pub fn founding(&self) -> Option<&Founding> {
        self.founded.as_ref().map(|founded| &founded.founding)
    }

    /// What the workspace is for.
    pub fn kind(&self) -> Option<WorkspaceKind> {
        self.founding().map(|founding| founding.kind)
    }

    /// The account that founded it, which need not be a member any more.
    pub fn owner(&self) -> Option<AccountId> {
        self.founding().map(|founding| founding.owner)
    }

    /// The members, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = (AccountId, &Member)> {
        self.members.iter().map(|(account, member)| (*account, member))
    }

    /// One member.
    pub fn member(&self, account: AccountId) -> Option<&Member> {
        self.members.get(&account)
    }

    /// The role of an account, none if it is no member.
    pub fn role_of(&self, account: AccountId) -> Option<Role> {
        self.member(account).map(|member| member.role)
    }

    /// The apps that may write as far as their account's role allows.
    pub fn apps(&self) -> impl Iterator<Item = CharterApp> {
        self.apps.iter().filter(|(_, known)| known.is_active()).map(|(app, known)| CharterApp {
            app: *app,
            account: known.account,
            key: Bytes32::new(known.key),
        })
    }

    /// One of [`Charter::apps`].
    pub fn app(&self, app: AppId) -> Option<CharterApp> {
        let known = self.apps.get(&app).filter(|known| known.is_active())?;
        Some(CharterApp { app, account: known.account, key: Bytes32::new(known.key) })
    }

    /// Whether an app is one of [`Charter::apps`].
    pub fn knows(&self, app: AppId) -> bool {
        self.apps.get(&app).is_some_and(KnownApp::is_active)
    }

    /// Whether an app was revoked, which is for good.
    pub fn is_revoked(&self, app: AppId) -> bool {
        self.apps.get(&app).is_some_and(|known| known.is_revoked)
    }

    /// The present key epoch, 0 before the founding.
    pub fn epoch(&self) -> u32 {
        u32::try_from(self.epochs.len()).expect("the number of epochs is limited")
    }

    /// The commitment to the key of an epoch.
    pub fn commitment(&self, epoch: u32) -> Option<&[u8; 32]> {
        self.epoch_at(epoch).map(|epoch| &epoch.commitment)
    }

    /// The key of the epoch before this one, sealed under this one's; none for the first.
    pub fn sealed_previous(&self, epoch: u32) -> Option<&[u8]> {
        self.epoch_at(epoch)?.sealed_previous.as_deref()
    }

    /// The key of the present epoch, wrapped to a member.
    pub fn wrap_of(&self, account: AccountId) -> Option<&[u8]> {
        self.member(account).map(|member| member.wrap.as_slice())
    }

    /// The invitations that are open, whatever the time is.
    pub fn invites(&self) -> impl Iterator<Item = (InviteId, &OpenInvite)> {
        self.invites.iter().map(|(invite, open)| (*invite, open))
    }

    /// One open invitation.
    pub fn invite(&self, invite: InviteId) -> Option<&OpenInvite> {
        self.invites.get(&invite)
    }

    /// Whether someone has left who knows the present key: an admin's app begins a new epoch.
    pub fn rotation_due(&self) -> bool {
        self.rotation_due
    }

    /// Whether all members of the roster are to be added.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The hash over the entries so far.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Members who have no place in a team's workspace any more: they were taken over from a roster in which
    /// they are not, or are with other keys, or they have left the team, however they came in here.
    ///
    /// The argument is the charter of the roster that the founding names. It may be behind this one, so an
    /// app asks again when the roster has moved before it believes the answer. Who never was of the team and
    /// came in by an invitation is a guest, and no stranger.
    pub fn strangers<'a>(&'a self, roster: &'a Self) -> impl Iterator<Item = AccountId> + 'a {
        let is_stranger = move |account: AccountId, member: &Member| {
            let is_taken_over = member.source == Source::Roster;
            match roster.member(account) {
                Some(known) => {
                    let keys = (known.signing_key, known.sealing_key);
                    is_taken_over && keys != (member.signing_key, member.sealing_key)
                }
                None => is_taken_over || roster.has_left(account),
            }
        };
        self.members()
            .filter(move |(account, member)| is_stranger(*account, member))
            .map(|(account, _)| account)
    }

    /// Whether an account was a member here and is none any more.
    pub fn has_left(&self, account: AccountId) -> bool {
        self.member(account).is_none() && self.standings.contains_key(&account)
    }

    /// Whether this roster has such a member: what a server asks before it takes an [`AddedMember`] without
    /// an invitation.
    pub fn has_with_keys(&self, added: &AddedMember) -> bool {
        self.member(added.account).is_some_and(|known| {
            (known.signing_key, known.sealing_key) == (added.signing_key, added.sealing_key)
        })
    }

    pub(crate) fn admins(&self) -> usize {
        self.members.values().filter(|member| member.role == Role::Admin).count()
    }

    pub(crate) fn member_count(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn invite_count(&self) -> usize {
        self.invites.len()
    }

    pub(crate) fn app_count(&self) -> usize {
        self.apps.values().filter(|known| known.is_active()).count()
    }

    pub(crate) fn known_app(&self, app: AppId) -> Option<&KnownApp> {
        self.apps.get(&app)
    }

    fn epoch_at(&self, epoch: u32) -> Option<&Epoch> {
        self.epochs.get(usize::try_from(epoch.checked_sub(1)?).ok()?)
    }

    /// The epoch that held right before an entry.
    pub(crate) fn epoch_before(&self, seq: u64) -> u32 {
        let count = self.epochs.iter().filter(|epoch| epoch.from < seq).count();
        u32::try_from(count).expect("the number of epochs is limited")
    }

    /// The role that an account had right before an entry.
    pub(crate) fn role_before(&self, account: AccountId, seq: u64) -> Option<Role> {
        let standings = self.standings.get(&account)?;
        standings.iter().rev().find(|standing| standing.from < seq)?.role
    }

    /// The key of an app that could write right before an entry.
    pub(crate) fn app_before(&self, app: AppId, seq: u64) -> Option<&KnownApp> {
        self.apps.get(&app).filter(|known| known.was_active(seq))
    }
}

/// What changes. Nothing here can fail: [`crate::rules`] has judged before.
impl Charter {
    pub(crate) fn enact(&mut self, seq: u64, header: &CommitHeader, op: &CharterOp, app_key: [u8; 32]) {
        match op {
            CharterOp::Found(founding) => {
                self.found(seq, header.workspace, founding);
                self.add_app(seq, header, app_key);
            }
            CharterOp::AddApp(_) => self.add_app(seq, header, app_key),
            CharterOp::AddMember(added) => self.add_member(seq, header.epoch, added),
            CharterOp::SetRole { account, role } => self.set_role(seq, *account, *role),
            CharterOp::RemoveMembers { accounts, rotation } => {
                for account in accounts {
                    self.end_member(seq, *account);
                }
                self.rotate(seq, rotation);
            }
            CharterOp::Rotate { rotation } => self.rotate(seq, rotation),
            CharterOp::RevokeApp { app } => self.revoke_app(seq, *app),
            CharterOp::Leave => {
                self.end_member(seq, header.author);
                self.rotation_due = true;
            }
            CharterOp::Invite(invite) => self.open_invite(header, invite),
            CharterOp::RevokeInvite { invite } => {
                Arc::make_mut(&mut self.invites).remove(invite);
            }
            CharterOp::SetAccess { open } => self.is_open = *open,
        }
    }

    fn found(&mut self, seq: u64, workspace: WorkspaceId, founding: &Founding) {
        let wrap = founding.wraps.iter().find(|wrap| wrap.account == founding.owner);
        let name = founding.sealed_name.as_ref();
        let owner = Member {
            role: Role::Admin,
            signing_key: founding.signing_key,
            sealing_key: founding.sealing_key,
            since: seq,
            source: Source::Founder,
            sealed_name: name.map(|name| SealedName { epoch: 1, bytes: name.to_vec() }),
            wrap: wrap.map(|wrap| wrap.wrap.to_vec()).unwrap_or_default(),
        };
        self.put_member(seq, founding.owner, owner);
        let commitment = *founding.commitment.as_bytes();
        Arc::make_mut(&mut self.epochs).push(Epoch { from: seq, commitment, sealed_previous: None });
        self.founded = Some(Arc::new(Founded { workspace, founding: founding.clone() }));
    }

    fn put_member(&mut self, seq: u64, account: AccountId, member: Member) {
        self.note_standing(seq, account, Some(member.role));
        Arc::make_mut(&mut self.members).insert(account, member);
    }

    fn note_standing(&mut self, from: u64, account: AccountId, role: Option<Role>) {
        let standings = Arc::make_mut(&mut self.standings).entry(account).or_default();
        standings.push(Standing { from, role });
    }

    fn add_app(&mut self, seq: u64, header: &CommitHeader, key: [u8; 32]) {
        let apps = Arc::make_mut(&mut self.apps);
        let new = KnownApp { account: header.author, key, is_revoked: false, turns: Vec::new() };
        let known = apps.entry(header.app).or_insert(new);
        if !known.is_active() {
            known.turns.push(seq);
        }
    }

    fn add_member(&mut self, seq: u64, epoch: u32, added: &AddedMember) {
        if let Some(invite) = &added.invite {
            Arc::make_mut(&mut self.invites).remove(invite);
        }
        let member = Member {
            role: added.role,
            signing_key: added.signing_key,
            sealing_key: added.sealing_key,
            since: seq,
            source: added.invite.map_or(Source::Roster, Source::Invite),
            sealed_name: Some(SealedName { epoch, bytes: added.sealed_name.to_vec() }),
            wrap: added.wrap.to_vec(),
        };
        self.put_member(seq, added.account, member);
    }

    fn set_role(&mut self, seq: u64, account: AccountId, role: Role) {
        self.note_standing(seq, account, Some(role));
        if let Some(member) = Arc::make_mut(&mut self.members).get_mut(&account) {
            member.role = role;
        }
        if role < Role::Admin {
            self.end_invites_of(account);
        }
    }

    fn end_member(&mut self, seq: u64, account: AccountId) {
        self.note_standing(seq, account, None);
        Arc::make_mut(&mut self.members).remove(&account);
        let apps = Arc::make_mut(&mut self.apps).values_mut();
        apps.filter(|known| known.account == account).for_each(|known| known.end(seq));
        self.end_invites_of(account);
    }

    /// Whoever made an invitation knows its secret, and could come back by it.
    fn end_invites_of(&mut self, account: AccountId) {
        if self.invites.values().any(|open| open.by == account) {
            Arc::make_mut(&mut self.invites).retain(|_, open| open.by != account);
        }
    }

    fn rotate(&mut self, seq: u64, rotation: &Rotation) {
        let members = Arc::make_mut(&mut self.members);
        for wrap in &rotation.wraps {
            if let Some(member) = members.get_mut(&wrap.account) {
                member.wrap = wrap.wrap.to_vec();
            }
        }
        Arc::make_mut(&mut self.epochs).push(Epoch {
            from: seq,
            commitment: *rotation.commitment.as_bytes(),
            sealed_previous: Some(rotation.sealed_previous.to_vec()),
        });
        self.rotation_due = false;
    }

    fn revoke_app(&mut self, seq: u64, app: AppId) {
        if let Some(known) = Arc::make_mut(&mut self.apps).get_mut(&app) {
            known.end(seq);
            known.is_revoked = true;
        }
    }

    fn open_invite(&mut self, header: &CommitHeader, invite: &NewInvite) {
        let open = OpenInvite {
            key: invite.key,
            role: invite.role,
            expires_ms: invite.expires_ms,
            by: header.author,
            epoch: header.epoch,
            sealed_name_key: invite.sealed_name_key.to_vec(),
        };
        Arc::make_mut(&mut self.invites).insert(invite.invite, open);
    }
}
