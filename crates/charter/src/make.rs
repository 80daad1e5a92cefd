//! Making entries that the rules accept: new epochs, invitations, claims and members.
//!
//! What is made here is not signed yet: that is the engine's, which knows the head and the app's key.

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{EpochKey, IdentityKeys, InviteLink, InvitePlace, InviteSecret, NameKey, WrapContext};
use satchel_wire::limits::MEMBER_NAME_BYTES_MAX;
use satchel_wire::{
    AccountId, AddedMember, Bytes32, InviteId, JoinClaim, JoinProof, KeyWrap, NewInvite, Role, Rotation,
    Signature, WorkspaceId,
};

use crate::{Charter, CharterError, EpochKeys};

/// Makes the next epoch for everyone but `gone`. Also gives its key, which nobody has yet.
///
/// # Errors
/// [`CharterError::Founding`] before the founding.
pub fn make_rotation<R: RngCore + CryptoRng>(
    charter: &Charter,
    keys: &EpochKeys,
    gone: &[AccountId],
    rng: &mut R,
) -> Result<(Rotation, EpochKey), CharterError> {
    let workspace = *charter.workspace().ok_or(CharterError::Founding)?.as_bytes();
    let key = EpochKey::make(rng);
    let epoch = charter.epoch() + 1;
    let mut wraps = Vec::new();
    for (account, member) in charter.members().filter(|(account, _)| !gone.contains(account)) {
        let context = WrapContext { workspace, epoch, account: *account.as_bytes() };
        wraps.push(KeyWrap { account, wrap: key.wrap(member.sealing_key.as_bytes(), &context, rng).into() });
    }
    let sealed_previous = key.seal_previous(keys.current(), &workspace, epoch, rng).into();
    let commitment = Bytes32::new(key.commitment());
    Ok((Rotation { epoch, commitment, wraps, sealed_previous }, key))
}

/// Makes the entry of an invitation. The secret is to go into an [`InviteLink`], and nowhere else.
pub fn make_invite<R: RngCore + CryptoRng>(
    workspace: WorkspaceId,
    keys: &EpochKeys,
    secret: &InviteSecret,
    (role, expires_ms): (Role, u64),
    rng: &mut R,
) -> NewInvite {
    let place = InvitePlace { workspace: *workspace.as_bytes(), invite: secret.derive_id() };
    NewInvite {
        invite: InviteId::new(place.invite),
        key: Bytes32::new(secret.derive_key().public()),
        role,
        expires_ms,
        sealed_name_key: secret.derive_name_key().seal(keys.current(), &place, rng).into(),
    }
}

/// Who wants to join.
#[derive(Debug)]
pub struct Joiner<'a> {
    /// The account.
    pub account: AccountId,
    /// Its identity keys.
    pub identity: &'a IdentityKeys,
    /// The name to be known by.
    pub name: &'a str,
}

/// Makes the claim of an invitation.
///
/// # Errors
/// [`CharterError::Form`] for a name that is empty or too long.
pub fn make_join<R: RngCore + CryptoRng>(
    link: &InviteLink,
    joiner: &Joiner<'_>,
    rng: &mut R,
) -> Result<JoinProof, CharterError> {
    check_name(joiner.name)?;
    let place = InvitePlace { workspace: link.workspace, invite: link.secret.derive_id() };
    let public = joiner.identity.public();
    let claim = JoinClaim {
        workspace: WorkspaceId::new(place.workspace),
        invite: InviteId::new(place.invite),
        account: joiner.account,
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_name: link.secret.derive_name_key().seal_name(&place, joiner.name, rng).into(),
    };
    let claim = claim.encode();
    Ok(JoinProof {
        invite_signature: Signature::new(link.secret.derive_key().sign_claim(&claim)),
        identity_signature: Signature::new(joiner.identity.sign_claim(&claim)),
        claim: claim.into(),
    })
}

impl Charter {
    /// Opens the name in a claim of an open invitation, as any admin's app can.
    ///
    /// # Errors
    /// [`CharterError::Invite`] if the invitation is not open, [`CharterError::Key`] if its key or the name
    /// does not open, and [`CharterError::Form`] for a name that is empty or too long.
    pub fn open_join_name(&self, keys: &EpochKeys, claim: &JoinClaim) -> Result<String, CharterError> {
        let refused = |_| CharterError::Key;
        let open = self.invite(claim.invite).ok_or(CharterError::Invite)?;
        let key = keys.get(open.epoch).ok_or(CharterError::Key)?;
        let place = InvitePlace { workspace: *claim.workspace.as_bytes(), invite: *claim.invite.as_bytes() };
        let name_key = NameKey::open(key, &place, &open.sealed_name_key).map_err(refused)?;
        let name = name_key.open_name(&place, &claim.sealed_name).map_err(refused)?;
        check_name(&name)?;
        Ok(name)
    }
}

/// A member to be.
#[derive(Debug, Clone, Copy)]
pub struct NewMember<'a> {
    /// The account.
    pub account: AccountId,
    /// Its identity signing key.
    pub signing_key: Bytes32,
    /// Its identity encryption key.
    pub sealing_key: Bytes32,
    /// The role.
    pub role: Role,
    /// The invitation, or none for a member of the roster.
    pub invite: Option<InviteId>,
    /// The name.
    pub name: &'a str,
}

/// Makes the entry of a new member, with the present key wrapped to it.
///
/// # Errors
/// [`CharterError::Form`] for a name that is too long.
pub fn make_member<R: RngCore + CryptoRng>(
    workspace: WorkspaceId,
    keys: &EpochKeys,
    new: &NewMember<'_>,
    rng: &mut R,
) -> Result<AddedMember, CharterError> {
    check_name(new.name)?;
    let (workspace, account) = (*workspace.as_bytes(), *new.account.as_bytes());
    let context = WrapContext { workspace, epoch: keys.epoch(), account };
    Ok(AddedMember {
        account: new.account,
        signing_key: new.signing_key,
        sealing_key: new.sealing_key,
        role: new.role,
        wrap: keys.current().wrap(new.sealing_key.as_bytes(), &context, rng).into(),
        invite: new.invite,
        sealed_name: keys.current().seal_name(&workspace, &account, new.name, rng).into(),
    })
}

fn check_name(name: &str) -> Result<(), CharterError> {
    let is_fit = !name.is_empty() && name.len() <= MEMBER_NAME_BYTES_MAX;
    if is_fit { Ok(()) } else { Err(CharterError::Form) }
}
