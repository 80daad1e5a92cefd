//! The key of one app, what it signs, and the certificate by which the account stands for it.
//!
//! A certificate is `version 1 | account | app | app key | signature`, signed by the account's identity
//! key over a label and all that is before the signature.

use ed25519_dalek::SigningKey;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::primitive::{make_secret, redact, sign, verify};
use crate::{CryptoError, IdentityKeys};

const COMMIT_LABEL: &[u8] = b"satchel commit 1";
const MANIFEST_LABEL: &[u8] = b"satchel manifest 1";
const OPEN_LABEL: &[u8] = b"satchel open 1";
const CERTIFICATE_LABEL: &[u8] = b"satchel app 1";
const CERTIFICATE_VERSION: u8 = 1;
const CERTIFIED_BYTES: usize = 1 + 16 + 16 + 32;
const CERTIFICATE_BYTES: usize = CERTIFIED_BYTES + 64;
const CERTIFICATE: &str = "the app's certificate";

/// The signing key of one app (Ed25519), made on its device.
#[cfg_attr(feature = "simulated", derive(Clone))]
pub struct AppKey(SigningKey);

redact!(AppKey);

impl AppKey {
    /// Makes a random key.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self(SigningKey::from_bytes(&make_secret(rng)))
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs the header of a commit.
    pub fn sign_commit(&self, header: &[u8]) -> [u8; 64] {
        sign(&self.0, &[COMMIT_LABEL, header])
    }

    /// Signs the manifest of packs.
    pub fn sign_manifest(&self, manifest: &[u8]) -> [u8; 64] {
        sign(&self.0, &[MANIFEST_LABEL, manifest])
    }

    /// Signs the server's nonce at the opening of a connection.
    pub fn sign_open(&self, nonce: &[u8; 32], incarnation: &[u8; 16]) -> [u8; 64] {
        sign(&self.0, &[OPEN_LABEL, nonce, incarnation])
    }

    /// The secret itself, to be kept sealed under a [`crate::LocalKey`].
    pub fn expose_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The key with this secret.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&Zeroizing::new(secret)))
    }
}

/// Checks the signature under a commit's header.
pub fn verify_commit(key: &[u8; 32], header: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
    verify("a commit", key, &[COMMIT_LABEL, header], signature)
}

/// Checks the signature under a manifest of packs.
pub fn verify_manifest(key: &[u8; 32], manifest: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
    verify("a manifest", key, &[MANIFEST_LABEL, manifest], signature)
}

/// Checks an app's proof at the opening of a connection.
pub fn verify_open(
    key: &[u8; 32],
    nonce: &[u8; 32],
    incarnation: &[u8; 16],
    signature: &[u8; 64],
) -> Result<(), CryptoError> {
    verify("the proof of an app", key, &[OPEN_LABEL, nonce, incarnation], signature)
}

/// What an account says of an app: this key is the key of this app of mine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppCertificate {
    /// The account.
    pub account: [u8; 16],
    /// The app.
    pub app: [u8; 16],
    /// The app's signing key.
    pub key: [u8; 32],
}

impl AppCertificate {
    /// Issues a certificate.
    pub fn issue(keys: &IdentityKeys, account: [u8; 16], app: [u8; 16], key: [u8; 32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CERTIFICATE_BYTES);
        bytes.push(CERTIFICATE_VERSION);
        bytes.extend_from_slice(&account);
        bytes.extend_from_slice(&app);
        bytes.extend_from_slice(&key);
        let signature = sign(keys.signing_key(), &[CERTIFICATE_LABEL, &bytes]);
        bytes.extend_from_slice(&signature);
        bytes
    }

    /// Reads a certificate that this identity signing key signed.
    pub fn verify(bytes: &[u8], signing_key: &[u8; 32]) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: CERTIFICATE };
        let certificate = Self::read(bytes)?;
        let (certified, signature) = bytes.split_last_chunk::<64>().ok_or(malformed)?;
        verify(CERTIFICATE, signing_key, &[CERTIFICATE_LABEL, certified], signature)?;
        Ok(certificate)
    }

    /// Reads a certificate without verifying it: for one that was verified before it was stored.
    pub fn read(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: CERTIFICATE };
        let &version = bytes.first().ok_or(malformed)?;
        if version != CERTIFICATE_VERSION {
            return Err(CryptoError::Version { what: CERTIFICATE, found: version });
        }
        let bytes: &[u8; CERTIFICATE_BYTES] = bytes.try_into().map_err(|_| malformed)?;
        let (account, rest) = bytes[1..].split_first_chunk().ok_or(malformed)?;
        let (app, rest) = rest.split_first_chunk().ok_or(malformed)?;
        let key = rest.first_chunk().ok_or(malformed)?;
        Ok(Self { account: *account, app: *app, key: *key })
    }
}
