//! The account key: what the password and the recovery code both lead to, and what seals the identity keys.
//!
//! Wrapping one random key twice lets a person change the password or the code without a new identity.
//! It knows nothing of how the password becomes an export key (`opaque`).

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::opaque::ExportKey;
use crate::primitive::{BoxPlace, make_secret, open_box, open_key_box, redact, seal_box};
use crate::{CryptoError, IdentityKeys, RecoveryCode};

/// The account key.
pub struct AccountKey(Zeroizing<[u8; 32]>);

redact!(AccountKey);

fn password_place(account: &[u8; 16]) -> BoxPlace<'_> {
    BoxPlace { label: b"satchel password wrap 1", what: "the account key under the password", place: account }
}

fn recovery_place(account: &[u8; 16]) -> BoxPlace<'_> {
    let what = "the account key under the recovery code";
    BoxPlace { label: b"satchel recovery wrap 1", what, place: account }
}

fn identity_place(account: &[u8; 16]) -> BoxPlace<'_> {
    BoxPlace { label: b"satchel identity 1", what: "the identity keys", place: account }
}

impl AccountKey {
    /// Makes a random account key.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self(make_secret(rng))
    }

    /// Wraps the key by the export key that the password gives.
    pub fn wrap_by_password<R: RngCore + CryptoRng>(
        &self,
        export_key: &ExportKey,
        account: &[u8; 16],
        rng: &mut R,
    ) -> Vec<u8> {
        seal_box(export_key.as_bytes(), password_place(account), self.0.as_slice(), rng)
    }

    /// Unwraps the key by the export key that the password gives.
    pub fn unwrap_by_password(
        export_key: &ExportKey,
        account: &[u8; 16],
        wrap: &[u8],
    ) -> Result<Self, CryptoError> {
        open_key_box(export_key.as_bytes(), password_place(account), wrap).map(Self)
    }

    /// Wraps the key by the recovery code.
    pub fn wrap_by_recovery<R: RngCore + CryptoRng>(
        &self,
        code: &RecoveryCode,
        account: &[u8; 16],
        rng: &mut R,
    ) -> Vec<u8> {
        seal_box(code.as_bytes(), recovery_place(account), self.0.as_slice(), rng)
    }

    /// Unwraps the key by the recovery code.
    pub fn unwrap_by_recovery(
        code: &RecoveryCode,
        account: &[u8; 16],
        wrap: &[u8],
    ) -> Result<Self, CryptoError> {
        open_key_box(code.as_bytes(), recovery_place(account), wrap).map(Self)
    }

    /// Seals the identity keys.
    pub fn seal_identity<R: RngCore + CryptoRng>(
        &self,
        keys: &IdentityKeys,
        account: &[u8; 16],
        rng: &mut R,
    ) -> Vec<u8> {
        seal_box(self.0.as_slice(), identity_place(account), &keys.expose_secret(), rng)
    }

    /// Opens the identity keys.
    pub fn open_identity(&self, account: &[u8; 16], sealed: &[u8]) -> Result<IdentityKeys, CryptoError> {
        IdentityKeys::from_secret(&open_box(self.0.as_slice(), identity_place(account), sealed)?)
    }

    /// The secret itself, to be kept sealed under a [`crate::LocalKey`].
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key with this secret.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self(Zeroizing::new(secret))
    }
}
