//! Invitations: taking claims, giving them to admins' apps, dropping them.
//!
//! A claim waits and gives no right at all: an admin's app makes a member of who made it, by an entry of the
//! charter. An invitation that is used, expired, revoked, claimed by somebody else or unknown has one answer.

use satchel_crypto::{verify_identity_claim, verify_invite_claim};
use satchel_wire::{ErrorCode, InviteId, JoinClaim, JoinProof, Refusal, Role, WorkspaceId};

use super::{Outcome, Service, Session, refuse, require_sync};
use crate::store::{JoinVerdict, NewJoin};

impl Service {
    /// Takes a claim of an invitation; the same one may come again. Done, too, for who is a member already.
    ///
    /// # Errors
    /// `BadRequest`, `Forbidden` for another account's claim, `BadSignature`, `InviteGone`, `Unavailable`,
    /// `Internal`.
    pub fn join_invite(&self, session: &Session, proof: JoinProof, now_ms: u64) -> Result<(), Refusal> {
        require_sync(session)?;
        let claim = check_claim(session, &proof)?;
        let (workspace, invite) = (claim.workspace, claim.invite);
        let open = self.store.invite(workspace, invite).map_err(|error| refuse(&error))?;
        let Some(open) = open.filter(|open| open.expires_ms > now_ms) else {
            let is_member = self.store.role(session.account, workspace).is_ok();
            return if is_member { Ok(()) } else { Err(gone()) };
        };
        verify_invite_claim(open.key.as_bytes(), &proof.claim, proof.invite_signature.as_bytes())
            .map_err(|_| bad_signature())?;
        let join = NewJoin { workspace, invite, account: session.account, proof, now_ms };
        match self.store.put_join(join).map_err(|error| refuse(&error))? {
            JoinVerdict::Waits { admins, proofs } => {
                if !admins.is_empty() {
                    self.publish.publish(Outcome::Joined { workspace, admins, proofs });
                }
                Ok(())
            }
            JoinVerdict::Member => Ok(()),
            JoinVerdict::Gone => Err(gone()),
        }
    }

    /// The claims that wait in a workspace.
    ///
    /// # Errors
    /// `NotFound`, `RoleTooLow`, `Unavailable`, `Internal`.
    pub fn joins(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        now_ms: u64,
    ) -> Result<Vec<JoinProof>, Refusal> {
        require_sync(session)?;
        self.store.joins(session.account, workspace, now_ms).map_err(|error| refuse(&error))
    }

    /// Drops the claim of an invitation, which stays open.
    ///
    /// # Errors
    /// `NotFound`, `RoleTooLow`, `Unavailable`, `Internal`.
    pub fn refuse_join(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        invite: InviteId,
    ) -> Result<(), Refusal> {
        require_sync(session)?;
        self.store.refuse_join(session.account, workspace, invite).map_err(|error| refuse(&error))
    }

    /// Whether this app is to be told of claims in a workspace that it has just subscribed to.
    pub(crate) fn joins_for(
        &self,
        session: &Session,
        workspace: WorkspaceId,
        now_ms: u64,
    ) -> Option<Vec<JoinProof>> {
        // Only a hint: the app can ask for them.
        let role = self.store.role(session.account, workspace).ok()?;
        let proofs = (role == Role::Admin).then(|| self.joins(session, workspace, now_ms))?.ok()?;
        (!proofs.is_empty()).then_some(proofs)
    }
}

fn gone() -> Refusal {
    Refusal::new(ErrorCode::InviteGone, "the invitation is not open")
}

fn bad_signature() -> Refusal {
    Refusal::new(ErrorCode::BadSignature, "a claim of an invitation that does not verify")
}

fn check_claim(session: &Session, proof: &JoinProof) -> Result<JoinClaim, Refusal> {
    let claim = JoinClaim::decode(&proof.claim)
        .map_err(|error| Refusal::new(ErrorCode::BadRequest, error.to_string()))?;
    let own = (session.account, session.signing_key, session.sealing_key);
    if (claim.account, claim.signing_key, claim.sealing_key) != own {
        return Err(Refusal::new(ErrorCode::Forbidden, "the claim names another account"));
    }
    let signature = proof.identity_signature.as_bytes();
    verify_identity_claim(session.signing_key.as_bytes(), &proof.claim, signature)
        .map_err(|_| bad_signature())?;
    Ok(claim)
}
