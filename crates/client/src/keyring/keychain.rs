//! The login keychain of macOS.
//!
//! The system asks the user itself when the program has changed since it made the item; that takes longer
//! than is waited here, and the next try finds the answer.

use security_framework::base::Error;
use security_framework::passwords::{delete_generic_password, get_generic_password, set_generic_password};
use zeroize::Zeroizing;

use super::{ItemId, KeyringError, Share, share_of, share_text};

const SERVICE: &str = "Satchel local key";
/// `errSecItemNotFound`, `errSecInteractionNotAllowed`, `errSecNoDefaultKeychain`.
const NOT_FOUND: i32 = -25300;
const NOT_ALLOWED: i32 = -25308;
const NO_KEYCHAIN: i32 = -25307;

/// A keychain is always there; whether it opens, the calls say.
#[expect(clippy::unnecessary_wraps, reason = "the same interface on every system")]
pub(super) fn presence() -> Result<(), KeyringError> {
    Ok(())
}

pub(super) fn store(item: ItemId, share: &Share) -> Result<(), KeyringError> {
    set_generic_password(SERVICE, &item.to_string(), share_text(share).as_bytes()).map_err(meaning)
}

pub(super) fn read(item: ItemId) -> Result<Share, KeyringError> {
    let text = get_generic_password(SERVICE, &item.to_string()).map_err(meaning)?;
    share_of(&Zeroizing::new(text))
}

pub(super) fn remove(item: ItemId) -> Result<(), KeyringError> {
    match delete_generic_password(SERVICE, &item.to_string()).map_err(meaning) {
        Err(KeyringError::Missing) => Ok(()),
        done => done,
    }
}

fn meaning(error: Error) -> KeyringError {
    match error.code() {
        NOT_FOUND => KeyringError::Missing,
        NOT_ALLOWED => KeyringError::Locked,
        NO_KEYCHAIN => KeyringError::Absent("there is no default keychain".into()),
        _ => KeyringError::Failed(error.to_string()),
    }
}
