//! The local data key: what an app keeps on its disk is sealed under it.
//!
//! Destroying this one key destroys all of it, which is what signing out rests on.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::primitive::{BoxPlace, derive_key, make_secret, open_box, redact, seal_box};

/// The key of what an app keeps locally.
pub struct LocalKey(Zeroizing<[u8; 32]>);

redact!(LocalKey);

fn local_place(place: &[u8]) -> BoxPlace<'_> {
    BoxPlace { label: b"satchel local 1", what: "what is kept locally", place }
}

impl LocalKey {
    /// Makes a random key.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self(make_secret(rng))
    }

    /// The key with this secret.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The key of two shares that are kept apart; `item` is what tells this pair from others.
    pub fn derive(shares: [&[u8; 32]; 2], item: &[u8]) -> Self {
        let both = Zeroizing::new(shares.map(|share| *share));
        Self(derive_key(both.as_flattened(), &[b"satchel local key 1", item]))
    }

    /// The secret itself, for the key file.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals something for a place: it opens with exactly these place bytes only.
    pub fn seal<R: RngCore + CryptoRng>(&self, place: &[u8], plain: &[u8], rng: &mut R) -> Vec<u8> {
        seal_box(self.0.as_slice(), local_place(place), plain, rng)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        open_box(self.0.as_slice(), local_place(place), sealed)
    }
}
