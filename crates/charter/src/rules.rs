//! The rules: what may be the next entry, and who may write records and packs.
//!
//! A rule looks at the charter before the entry and changes nothing. Each ends with the key that the entry
//! must be signed with, so that no way leads around the signature but [`Charter::replay`], whose caller has
//! verified the entry before.

use satchel_crypto::{
    AppCertificate, derive_charter_hash, derive_workspace_id, verify_commit, verify_identity_claim,
    verify_invite_claim, verify_manifest,
};
use satchel_wire::limits::{APPS_OF_CHARTER_MAX, EPOCHS_MAX, INVITES_OPEN_MAX, MEMBERS_MAX};
use satchel_wire::{
    AccountId, AddedApp, AddedMember, AppId, Bytes32, CharterOp, CommitHeader, Content, Founding, JoinClaim,
    JoinProof, Manifest, NewInvite, Role, Rotation, SignedHeader, SignedManifest, WorkspaceKind,
};

use crate::state::KnownApp;
use crate::{Charter, CharterError};

/// Reads a certificate that must be signed by this identity key.
type ReadCertificate = fn(&AddedApp, &Bytes32) -> Result<AppCertificate, CharterError>;

fn verify_certificate(added: &AddedApp, key: &Bytes32) -> Result<AppCertificate, CharterError> {
    AppCertificate::verify(&added.certificate, key.as_bytes()).map_err(|_| CharterError::Certificate)
}

fn trust_certificate(added: &AddedApp, _: &Bytes32) -> Result<AppCertificate, CharterError> {
    AppCertificate::read(&added.certificate).map_err(|_| CharterError::Certificate)
}

fn verify_header(key: &[u8; 32], signed: &SignedHeader) -> Result<(), CharterError> {
    verify_commit(key, &signed.header, signed.signature.as_bytes()).map_err(|_| CharterError::Signature)
}

impl Charter {
    /// Verifies and applies the entry at this position of the ledger. A commit of records is checked and
    /// changes nothing.
    ///
    /// # Errors
    /// [`CharterError`]; the charter is then as it was.
    pub fn apply(
        &mut self,
        seq: u64,
        header: &CommitHeader,
        signed: &SignedHeader,
    ) -> Result<(), CharterError> {
        let Content::Charter(op) = &header.content else { return self.check(header, signed) };
        let key = self.judge(header, op, verify_certificate)?;
        verify_header(&key, signed)?;
        self.advance(seq, header, op, (key, signed));
        Ok(())
    }

    /// Applies an entry that was verified before it was stored: by the rules, without the signatures.
    ///
    /// # Errors
    /// [`CharterError`]; the charter is then as it was.
    pub fn replay(
        &mut self,
        seq: u64,
        header: &CommitHeader,
        signed: &SignedHeader,
    ) -> Result<(), CharterError> {
        let Content::Charter(op) = &header.content else { return self.find_writer(header).map(|_| ()) };
        let key = self.judge(header, op, trust_certificate)?;
        self.advance(seq, header, op, (key, signed));
        Ok(())
    }

    fn advance(
        &mut self,
        seq: u64,
        header: &CommitHeader,
        op: &CharterOp,
        (key, signed): ([u8; 32], &SignedHeader),
    ) {
        self.enact(seq, header, op, key);
        self.hash = derive_charter_hash(&self.hash, &signed.header);
        assert!(self.admins() > 0, "the rules keep an admin");
    }

    /// Checks that a commit of records is signed by an app that may write at this point.
    ///
    /// # Errors
    /// [`CharterError`]
    pub fn check(&self, header: &CommitHeader, signed: &SignedHeader) -> Result<(), CharterError> {
        verify_header(&self.find_writer(header)?, signed)
    }

    /// The key that a commit of records must be signed with to be taken at this point.
    ///
    /// # Errors
    /// [`CharterError`]
    pub fn find_writer(&self, header: &CommitHeader) -> Result<[u8; 32], CharterError> {
        let (key, role) = self.find_signer(header)?;
        if role >= Role::Editor { Ok(key) } else { Err(CharterError::Role) }
    }

    /// Checks a commit of records that is somewhere in the past of this charter, by the charter of its time.
    ///
    /// # Errors
    /// [`CharterError`]
    pub fn check_past(
        &self,
        seq: u64,
        header: &CommitHeader,
        signed: &SignedHeader,
    ) -> Result<(), CharterError> {
        if self.workspace() != Some(header.workspace) {
            return Err(CharterError::WrongId);
        }
        let known = self.app_before(header.app, seq);
        self.verify_past((known, self.epoch_before(seq)), (seq, Some(Role::Editor)), header, signed)
    }

    /// That an entry of the past is signed by an app of its author, in its epoch, with at least a role where one is needed.
    fn verify_past(
        &self,
        (known, epoch): (Option<&KnownApp>, u32),
        (seq, least): (u64, Option<Role>),
        header: &CommitHeader,
        signed: &SignedHeader,
    ) -> Result<(), CharterError> {
        let known = known.filter(|known| known.account == header.author).ok_or(CharterError::UnknownApp)?;
        if header.epoch != epoch {
            return Err(CharterError::Epoch);
        }
        // No role at all is less than any, and nothing is less than none.
        if self.role_before(header.author, seq) < least {
            return Err(CharterError::Role);
        }
        verify_header(&known.key, signed)
    }

    /// Checks an entry of the charter that is said to be somewhere in its past: by an author who could make such an
    /// entry then, and signed by an app that the author had, or that the entry itself brought in.
    ///
    /// Whether the entry fitted everything else was judged when it was applied.
    ///
    /// # Errors
    /// [`CharterError`]
    pub fn check_past_act(
        &self,
        seq: u64,
        header: &CommitHeader,
        op: &CharterOp,
        signed: &SignedHeader,
    ) -> Result<(), CharterError> {
        if self.workspace() != Some(header.workspace) {
            return Err(CharterError::WrongId);
        }
        let after = seq.saturating_add(1);
        let known = self.app_before(header.app, seq).or_else(|| self.app_before(header.app, after));
        let anybody = matches!(
            op,
            CharterOp::Found(_) | CharterOp::AddApp(_) | CharterOp::RevokeApp { .. } | CharterOp::Leave
        );
        let least = (!anybody).then_some(Role::Admin);
        self.verify_past((known, self.epoch_before(seq).max(1)), (seq, least), header, signed)
    }

    /// Checks that a manifest is signed by an app that may write at this point.
    ///
    /// # Errors
    /// [`CharterError`]
    pub fn check_manifest(&self, manifest: &Manifest, signed: &SignedManifest) -> Result<(), CharterError> {
        if self.workspace() != Some(manifest.workspace) {
            return Err(CharterError::WrongId);
        }
        let (key, role) = self.find_app(manifest.app, manifest.author)?;
        if manifest.epoch != self.epoch() {
            return Err(CharterError::Epoch);
        }
        if role < Role::Editor {
            return Err(CharterError::Role);
        }
        verify_manifest(&key, &signed.manifest, signed.signature.as_bytes())
            .map_err(|_| CharterError::Signature)
    }

    /// Checks a claim of an invitation that is open here, and gives what it says.
    ///
    /// # Errors
    /// [`CharterError::Claim`] where it is not what it must be, [`CharterError::Invite`] where the invitation
    /// is not open, and [`CharterError::AlreadyMember`].
    pub fn check_join(&self, proof: &JoinProof) -> Result<JoinClaim, CharterError> {
        let refused = |_| CharterError::Claim;
        let claim = JoinClaim::decode(&proof.claim).map_err(|_| CharterError::Claim)?;
        if self.workspace() != Some(claim.workspace) {
            return Err(CharterError::Claim);
        }
        let open = self.invite(claim.invite).ok_or(CharterError::Invite)?;
        verify_invite_claim(open.key.as_bytes(), &proof.claim, proof.invite_signature.as_bytes())
            .map_err(refused)?;
        let identity = claim.signing_key.as_bytes();
        verify_identity_claim(identity, &proof.claim, proof.identity_signature.as_bytes())
            .map_err(refused)?;
        if self.member(claim.account).is_some() { Err(CharterError::AlreadyMember) } else { Ok(claim) }
    }

    fn find_app(&self, app: AppId, author: AccountId) -> Result<([u8; 32], Role), CharterError> {
        let known = self.known_app(app).filter(|known| known.account == author);
        let known = known.ok_or(CharterError::UnknownApp)?;
        if known.is_revoked {
            return Err(CharterError::Revoked);
        }
        let role = self.role_of(author).filter(|_| known.is_active()).ok_or(CharterError::UnknownApp)?;
        Ok((known.key, role))
    }

    fn find_signer(&self, header: &CommitHeader) -> Result<([u8; 32], Role), CharterError> {
        self.check_workspace(header)?;
        let found = self.find_app(header.app, header.author)?;
        self.check_epoch(header)?;
        Ok(found)
    }

    fn check_workspace(&self, header: &CommitHeader) -> Result<(), CharterError> {
        match self.workspace() {
            None => Err(CharterError::UnknownApp),
            Some(workspace) if workspace == header.workspace => Ok(()),
            Some(_) => Err(CharterError::WrongId),
        }
    }

    fn check_epoch(&self, header: &CommitHeader) -> Result<(), CharterError> {
        if header.epoch == self.epoch() { Ok(()) } else { Err(CharterError::Epoch) }
    }

    /// Whether this may be the next entry, and the key that must have signed it.
    fn judge(
        &self,
        header: &CommitHeader,
        op: &CharterOp,
        read: ReadCertificate,
    ) -> Result<[u8; 32], CharterError> {
        match op {
            CharterOp::Found(founding) => return self.judge_founding(header, founding, read),
            CharterOp::AddApp(added) => return self.judge_app(header, added, read),
            _ => {}
        }
        let (key, role) = self.find_signer(header)?;
        op.check().map_err(|_| CharterError::Form)?;
        self.judge_change(header, op, role)?;
        Ok(key)
    }

    fn judge_founding(
        &self,
        header: &CommitHeader,
        founding: &Founding,
        read: ReadCertificate,
    ) -> Result<[u8; 32], CharterError> {
        if self.is_founded() || founding.check().is_err() || header.epoch != 1 {
            return Err(CharterError::Founding);
        }
        if derive_workspace_id(&founding.identity_bytes()) != *header.workspace.as_bytes() {
            return Err(CharterError::WrongId);
        }
        if header.author != founding.owner {
            return Err(CharterError::Certificate);
        }
        read_own(header, &founding.app, &founding.signing_key, read)
    }

    fn judge_app(
        &self,
        header: &CommitHeader,
        added: &AddedApp,
        read: ReadCertificate,
    ) -> Result<[u8; 32], CharterError> {
        if !self.is_founded() {
            return Err(CharterError::Founding);
        }
        self.check_workspace(header)?;
        let member = self.member(header.author).ok_or(CharterError::NotMember)?;
        let key = read_own(header, added, &member.signing_key, read)?;
        self.check_epoch(header)?;
        match self.known_app(header.app) {
            Some(known) if known.is_revoked => return Err(CharterError::Revoked),
            Some(known) if (known.account, known.key) != (header.author, key) => {
                return Err(CharterError::Certificate);
            }
            Some(known) if known.is_active() => return Ok(key),
            _ => {}
        }
        if self.app_count() < APPS_OF_CHARTER_MAX { Ok(key) } else { Err(CharterError::Full) }
    }

    fn judge_change(&self, header: &CommitHeader, op: &CharterOp, role: Role) -> Result<(), CharterError> {
        match op {
            CharterOp::Leave => return self.judge_end(&[header.author]),
            CharterOp::RevokeApp { app } => return self.judge_revocation(header, *app, role),
            _ if role < Role::Admin => return Err(CharterError::Role),
            _ => {}
        }
        match op {
            CharterOp::AddMember(added) => self.judge_member(added),
            CharterOp::SetRole { account, role } => self.judge_role(*account, *role),
            CharterOp::RemoveMembers { accounts, rotation } => {
                if accounts.contains(&header.author) {
                    return Err(CharterError::OwnRemoval);
                }
                self.judge_end(accounts)?;
                self.judge_rotation(rotation, accounts)
            }
            CharterOp::Rotate { rotation } => self.judge_rotation(rotation, &[]),
            CharterOp::Invite(invite) => self.judge_invite(invite),
            CharterOp::RevokeInvite { invite } => {
                self.invite(*invite).map(|_| ()).ok_or(CharterError::Invite)
            }
            CharterOp::SetAccess { .. } => self.judge_team(),
            CharterOp::Found(_) | CharterOp::AddApp(_) | CharterOp::RevokeApp { .. } | CharterOp::Leave => {
                Ok(())
            }
        }
    }

    fn judge_team(&self) -> Result<(), CharterError> {
        let is_team = matches!(self.kind(), Some(WorkspaceKind::Team(_)));
        if is_team { Ok(()) } else { Err(CharterError::Kind) }
    }

    fn judge_member(&self, added: &AddedMember) -> Result<(), CharterError> {
        if self.member(added.account).is_some() {
            return Err(CharterError::AlreadyMember);
        }
        if self.member_count() >= MEMBERS_MAX {
            return Err(CharterError::Full);
        }
        match added.invite {
            None => self.judge_team().map_err(|_| CharterError::Invite),
            Some(invite) => {
                let open = self.invite(invite).filter(|open| open.role == added.role);
                open.map(|_| ()).ok_or(CharterError::Invite)
            }
        }
    }

    fn judge_role(&self, account: AccountId, role: Role) -> Result<(), CharterError> {
        let before = self.role_of(account).ok_or(CharterError::NotMember)?;
        let is_last = before == Role::Admin && role < Role::Admin && self.admins() == 1;
        if is_last { Err(CharterError::LastAdmin) } else { Ok(()) }
    }

    /// Whether these members can go.
    fn judge_end(&self, accounts: &[AccountId]) -> Result<(), CharterError> {
        let mut admins = self.admins();
        for account in accounts {
            let role = self.role_of(*account).ok_or(CharterError::NotMember)?;
            admins -= usize::from(role == Role::Admin);
        }
        if admins > 0 { Ok(()) } else { Err(CharterError::LastAdmin) }
    }

    /// `gone` is sorted: the form was checked.
    fn judge_rotation(&self, rotation: &Rotation, gone: &[AccountId]) -> Result<(), CharterError> {
        if self.epoch() >= EPOCHS_MAX {
            return Err(CharterError::Full);
        }
        let remain = self.members().map(|(account, _)| account);
        let remain = remain.filter(|account| gone.binary_search(account).is_err());
        let is_exact = remain.eq(rotation.wraps.iter().map(|wrap| wrap.account));
        let is_next = rotation.epoch == self.epoch() + 1;
        if is_exact && is_next { Ok(()) } else { Err(CharterError::Rotation) }
    }

    fn judge_revocation(&self, header: &CommitHeader, app: AppId, role: Role) -> Result<(), CharterError> {
        let known = self.known_app(app).filter(|known| known.is_active());
        let known = known.ok_or(CharterError::UnknownApp)?;
        let may = known.account == header.author || role == Role::Admin;
        if may { Ok(()) } else { Err(CharterError::Role) }
    }

    fn judge_invite(&self, invite: &NewInvite) -> Result<(), CharterError> {
        if self.invite(invite.invite).is_some() {
            return Err(CharterError::InviteOpen);
        }
        if self.invite_count() < INVITES_OPEN_MAX { Ok(()) } else { Err(CharterError::Full) }
    }
}

/// The key of the app that signs a header and brings its own certificate.
fn read_own(
    header: &CommitHeader,
    added: &AddedApp,
    signing_key: &Bytes32,
    read: ReadCertificate,
) -> Result<[u8; 32], CharterError> {
    let certificate = read(added, signing_key)?;
    let is_own =
        certificate.account == *header.author.as_bytes() && certificate.app == *header.app.as_bytes();
    if is_own { Ok(certificate.key) } else { Err(CharterError::Certificate) }
}
