//! The epoch keys that an account can open.
//!
//! The newest comes by its wrap, each older one from the one after it. A key counts only if it is the one
//! that the charter commits to.

use std::collections::BTreeMap;

use satchel_crypto::{EpochKey, IdentityKeys, WrapContext};
use satchel_wire::{AccountId, WorkspaceId};

use crate::{Charter, CharterError};

/// The epoch keys that an account can open: the present one, and those before it.
#[derive(Debug)]
pub struct EpochKeys {
    newest: EpochKey,
    epoch: u32,
    older: BTreeMap<u32, EpochKey>,
}

impl EpochKeys {
    /// The key of the present epoch.
    pub fn current(&self) -> &EpochKey {
        &self.newest
    }

    /// The present epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether these are the keys of a charter's present epoch.
    ///
    /// By what the charter commits to: another life of a server that was restored may count the same epochs
    /// with other keys.
    pub fn are_of(&self, charter: &Charter) -> bool {
        self.epoch == charter.epoch() && charter.commitment(self.epoch) == Some(&self.newest.commitment())
    }

    /// The key of an epoch; none for one to come, or where an admin sealed a wrong key into the chain.
    pub fn get(&self, epoch: u32) -> Option<&EpochKey> {
        if epoch == self.epoch { Some(&self.newest) } else { self.older.get(&epoch) }
    }

    /// The key that an envelope or a pack says it is sealed under, if it is here.
    pub fn of_sealed(&self, sealed: &[u8]) -> Option<&EpochKey> {
        self.get(satchel_crypto::sealed_epoch(sealed)?)
    }

    /// Whether every key back to the first epoch is there.
    pub fn is_whole(&self) -> bool {
        u32::try_from(self.older.len()).is_ok_and(|older| older + 1 == self.epoch)
    }

    /// The key of the present epoch, alone.
    pub fn into_current(self) -> EpochKey {
        self.newest
    }
}

/// Opens every epoch key that an account can open.
///
/// Where an older key does not open to what the charter commits to, the keys from there on are absent (see
/// [`EpochKeys::is_whole`]): what is sealed under them cannot be read, and everything else goes on.
///
/// # Errors
/// [`CharterError::Founding`] before the founding, [`CharterError::Key`] if the present key does not open.
pub fn open_keys(
    charter: &Charter,
    workspace: WorkspaceId,
    account: AccountId,
    identity: &IdentityKeys,
) -> Result<EpochKeys, CharterError> {
    let epoch = charter.epoch();
    let commitment = charter.commitment(epoch).ok_or(CharterError::Founding)?;
    let wrap = charter.wrap_of(account).ok_or(CharterError::Key)?;
    let context = WrapContext { workspace: *workspace.as_bytes(), epoch, account: *account.as_bytes() };
    let newest = EpochKey::unwrap(identity, &context, wrap).map_err(|_| CharterError::Key)?;
    if newest.commitment() != *commitment {
        return Err(CharterError::Key);
    }
    let mut older = BTreeMap::new();
    for after in (2..=epoch).rev() {
        let key = older.get(&after).unwrap_or(&newest);
        let Some(opened) = open_previous(charter, workspace, after, key) else { break };
        older.insert(after - 1, opened);
    }
    Ok(EpochKeys { newest, epoch, older })
}

fn open_previous(charter: &Charter, workspace: WorkspaceId, epoch: u32, key: &EpochKey) -> Option<EpochKey> {
    let sealed = charter.sealed_previous(epoch)?;
    let opened = key.open_previous(workspace.as_bytes(), epoch, sealed).ok()?;
    (charter.commitment(epoch - 1) == Some(&opened.commitment())).then_some(opened)
}

impl Charter {
    /// Opens a member's name; none where it has none, or where it does not open.
    pub fn open_name(&self, keys: &EpochKeys, account: AccountId) -> Option<String> {
        let sealed = self.member(account)?.sealed_name.as_ref()?;
        let key = keys.get(sealed.epoch)?;
        key.open_name(self.workspace()?.as_bytes(), account.as_bytes(), &sealed.bytes).ok()
    }
}
