//! The identity keys of an account: one to sign its apps' certificates, one to receive workspace keys.
//!
//! Their secrets leave the process only sealed under the account key.

use ed25519_dalek::SigningKey;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, Serializable};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::primitive::{make_secret, redact};

type SealingSecret = <X25519HkdfSha256 as Kem>::PrivateKey;

/// Both identity key pairs of an account.
#[cfg_attr(feature = "simulated", derive(Clone))]
pub struct IdentityKeys {
    signing: SigningKey,
    sealing: Zeroizing<[u8; 32]>,
}

/// The public halves of [`IdentityKeys`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityPublic {
    /// The signing key (Ed25519).
    pub signing: [u8; 32],
    /// The encryption key (X25519).
    pub sealing: [u8; 32],
}

redact!(IdentityKeys);

impl IdentityKeys {
    /// Makes random key pairs.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let signing = SigningKey::from_bytes(&make_secret(rng));
        Self { signing, sealing: make_secret(rng) }
    }

    /// The public halves.
    pub fn public(&self) -> IdentityPublic {
        let sealing = X25519HkdfSha256::sk_to_pk(&self.sealing_secret());
        IdentityPublic {
            signing: self.signing.verifying_key().to_bytes(),
            sealing: sealing.to_bytes().into(),
        }
    }

    /// Both secrets: 32 bytes of the signing key, 32 bytes of the encryption key.
    pub fn expose_secret(&self) -> Zeroizing<Vec<u8>> {
        let mut secret = Zeroizing::new(Vec::with_capacity(64));
        secret.extend_from_slice(self.signing.as_bytes());
        secret.extend_from_slice(self.sealing.as_slice());
        secret
    }

    /// The key pairs with these secrets.
    pub fn from_secret(secret: &[u8]) -> Result<Self, CryptoError> {
        let secret: &[u8; 64] =
            secret.try_into().map_err(|_| CryptoError::Malformed { what: "the identity keys" })?;
        let mut signing = Zeroizing::new([0; 32]);
        let mut sealing = Zeroizing::new([0; 32]);
        signing.copy_from_slice(&secret[..32]);
        sealing.copy_from_slice(&secret[32..]);
        Ok(Self { signing: SigningKey::from_bytes(&signing), sealing })
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    pub(crate) fn sealing_secret(&self) -> SealingSecret {
        SealingSecret::from_bytes(self.sealing.as_slice()).expect("every 32 bytes are an X25519 secret")
    }
}
