//! A keyring in memory that does what a test says.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{ItemId, Keyring, KeyringError, Share};

/// A keyring in memory.
#[derive(Debug, Default)]
pub(crate) struct Double {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    items: BTreeMap<ItemId, Share>,
    trouble: Option<KeyringError>,
    is_forgetful: bool,
}

impl Double {
    /// From now on every call ends like this.
    pub(crate) fn set_trouble(&self, trouble: Option<KeyringError>) {
        self.state().trouble = trouble;
    }

    /// From now on it takes shares and keeps none.
    pub(crate) fn set_forgetful(&self) {
        self.state().is_forgetful = true;
    }

    /// Loses everything, as a keyring that was reset.
    pub(crate) fn clear(&self) {
        self.state().items.clear();
    }

    /// How many items there are.
    pub(crate) fn count(&self) -> usize {
        self.state().items.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, KeyringError> {
        let state = self.state();
        state.trouble.clone().map_or(Ok(state), Err)
    }
}

impl Keyring for Double {
    fn store(&self, item: ItemId, share: &Share) -> Result<(), KeyringError> {
        let mut state = self.open()?;
        if !state.is_forgetful {
            state.items.insert(item, share.clone());
        }
        Ok(())
    }

    fn read(&self, item: ItemId) -> Result<Share, KeyringError> {
        self.open()?.items.get(&item).cloned().ok_or(KeyringError::Missing)
    }

    fn remove(&self, item: ItemId) -> Result<(), KeyringError> {
        self.open()?.items.remove(&item);
        Ok(())
    }
}
