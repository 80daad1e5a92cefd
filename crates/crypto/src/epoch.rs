//! The key of one epoch of a workspace: its commitment, its wraps, and the record keys that come from it.
//!
//! A wrap is `version 1 | encapsulated key (32) | ciphertext and tag`, HPKE in base mode. It says for whom
//! it is, not by whom: the signature of the charter entry around it says that
//! (`docs/decisions/0006-workspace-id-is-a-hash.md`).

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, HpkeError, Kem, OpModeS, Serializable, single_shot_seal};
#[cfg(any(test, not(feature = "stub")))]
use hpke::{OpModeR, single_shot_open};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::padding::{pad, unpad};
use crate::primitive::{BoxPlace, derive_key, make_secret, open_box, open_key_box, redact, seal_box};
use crate::{CryptoError, IdentityKeys};

const WRAP_VERSION: u8 = 1;
const WRAP_LABEL: &[u8] = b"satchel wrap 1";
const COMMITMENT_LABEL: &[u8] = b"satchel key commitment 1";
const RECORD_LABEL: &[u8] = b"record";
const PACK_LABEL: &[u8] = b"pack";
const PRESENCE_LABEL: &[u8] = b"presence";
const WRAP: &str = "the workspace's key";
const PREVIOUS_LABEL: &[u8] = b"satchel previous key 1";
const NAME_LABEL: &[u8] = b"satchel member name 1";
const NAME_KEY_LABEL: &[u8] = b"satchel invite name key 1";

type SealingPublic = <X25519HkdfSha256 as Kem>::PublicKey;
#[cfg(any(test, not(feature = "stub")))]
type SealingSecret = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The key of one epoch of a workspace.
pub struct EpochKey {
    key: Zeroizing<[u8; 32]>,
    // Kept because every envelope needs it.
    commitment: [u8; 32],
}

redact!(EpochKey);

/// Which key a wrap is, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapContext {
    /// The workspace.
    pub workspace: [u8; 16],
    /// The epoch.
    pub epoch: u32,
    /// The member.
    pub account: [u8; 16],
}

impl WrapContext {
    fn info(&self) -> Vec<u8> {
        [WRAP_LABEL, &self.workspace, &self.epoch.to_be_bytes(), &self.account].concat()
    }
}

impl EpochKey {
    /// Makes a random key.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self::new(make_secret(rng))
    }

    /// What the charter says of the key: nobody can find a second key with the same commitment.
    pub fn commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// Wraps the key to a member's encryption key.
    ///
    /// A sealing key that is not usable (one of the few points of small order, which nobody has the
    /// secret of) gets an empty wrap, which opens for nobody.
    pub fn wrap<R: RngCore + CryptoRng>(
        &self,
        sealing: &[u8; 32],
        context: &WrapContext,
        rng: &mut R,
    ) -> Vec<u8> {
        #[cfg(feature = "stub")]
        if crate::IS_STUB {
            let wrapped = crate::stub::wrap(&context.info(), self.key.as_slice());
            return [&[WRAP_VERSION], wrapped.as_slice()].concat();
        }
        let Ok((encapsulated, ciphertext)) = seal_to(sealing, &context.info(), self.key.as_slice(), rng)
        else {
            return Vec::new();
        };
        [&[WRAP_VERSION], encapsulated.to_bytes().as_slice(), &ciphertext].concat()
    }

    /// Unwraps a key that was wrapped to these identity keys.
    ///
    /// Anyone can make a wrap: the caller compares the key's commitment to the charter's.
    pub fn unwrap(keys: &IdentityKeys, context: &WrapContext, wrap: &[u8]) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: WRAP };
        let (&version, rest) = wrap.split_first().ok_or(malformed)?;
        if version != WRAP_VERSION {
            return Err(CryptoError::Version { what: WRAP, found: version });
        }
        let (encapsulated, ciphertext) = rest.split_first_chunk::<32>().ok_or(malformed)?;
        #[cfg(feature = "stub")]
        let _ = (keys, encapsulated, ciphertext);
        let info = context.info();
        #[cfg(feature = "stub")]
        let opened = crate::stub::unwrap(&info, rest).ok_or(HpkeError::OpenError);
        #[cfg(not(feature = "stub"))]
        let opened = open_for(&keys.sealing_secret(), encapsulated, &info, &[], ciphertext);
        let plain = opened.map_err(|_| CryptoError::Open { what: WRAP })?;
        let mut key = Zeroizing::new([0; 32]);
        if plain.len() != key.len() {
            return Err(malformed);
        }
        key.copy_from_slice(&plain);
        Ok(Self::new(key))
    }

    fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let commitment = *derive_key(key.as_slice(), &[COMMITMENT_LABEL]);
        Self { key, commitment }
    }

    /// Seals the key of the epoch before under this one, so that who has the newest key can open all.
    ///
    /// `epoch` is that of this key.
    pub fn seal_previous<R: RngCore + CryptoRng>(
        &self,
        previous: &Self,
        workspace: &[u8; 16],
        epoch: u32,
        rng: &mut R,
    ) -> Vec<u8> {
        let place = previous_bytes(workspace, epoch);
        seal_box(self.key.as_slice(), previous_place(&place), previous.key.as_slice(), rng)
    }

    /// Opens the key of the epoch before.
    ///
    /// The caller compares its commitment to the charter's.
    pub fn open_previous(
        &self,
        workspace: &[u8; 16],
        epoch: u32,
        sealed: &[u8],
    ) -> Result<Self, CryptoError> {
        let place = previous_bytes(workspace, epoch);
        open_key_box(self.key.as_slice(), previous_place(&place), sealed).map(Self::new)
    }

    /// Seals a member's name; all names of a usual length give the same length.
    pub fn seal_name<R: RngCore + CryptoRng>(
        &self,
        workspace: &[u8; 16],
        account: &[u8; 16],
        name: &str,
        rng: &mut R,
    ) -> Vec<u8> {
        seal_padded(self.key.as_slice(), name_place(&[*workspace, *account].concat()), name, rng)
    }

    /// Opens a member's name.
    pub fn open_name(
        &self,
        workspace: &[u8; 16],
        account: &[u8; 16],
        sealed: &[u8],
    ) -> Result<String, CryptoError> {
        open_padded(self.key.as_slice(), name_place(&[*workspace, *account].concat()), sealed)
    }

    pub(crate) fn seal_name_key<R: RngCore + CryptoRng>(
        &self,
        place: &[u8],
        key: &[u8; 32],
        rng: &mut R,
    ) -> Vec<u8> {
        seal_box(self.key.as_slice(), name_key_place(place), key, rng)
    }

    pub(crate) fn open_name_key(
        &self,
        place: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        open_key_box(self.key.as_slice(), name_key_place(place), sealed)
    }

    pub(crate) fn derive_presence_key(&self, workspace: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        derive_key(self.key.as_slice(), &[PRESENCE_LABEL, workspace])
    }

    pub(crate) fn derive_record_key(&self, record: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        derive_key(self.key.as_slice(), &[RECORD_LABEL, record])
    }

    pub(crate) fn derive_pack_key(&self, workspace: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        derive_key(self.key.as_slice(), &[PACK_LABEL, workspace])
    }
}

fn previous_bytes(workspace: &[u8; 16], epoch: u32) -> Vec<u8> {
    [workspace.as_slice(), &epoch.to_be_bytes()].concat()
}

fn previous_place(place: &[u8]) -> BoxPlace<'_> {
    BoxPlace { label: PREVIOUS_LABEL, what: "the key of the epoch before", place }
}

fn name_place(place: &[u8]) -> BoxPlace<'_> {
    BoxPlace { label: NAME_LABEL, what: "a member's name", place }
}

fn name_key_place(place: &[u8]) -> BoxPlace<'_> {
    BoxPlace { label: NAME_KEY_LABEL, what: "an invitation's key of names", place }
}

pub(crate) fn seal_padded<R: RngCore + CryptoRng>(
    secret: &[u8],
    place: BoxPlace<'_>,
    text: &str,
    rng: &mut R,
) -> Vec<u8> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    plain.extend_from_slice(text.as_bytes());
    pad(&mut plain, 0, 0);
    seal_box(secret, place, &plain, rng)
}

pub(crate) fn open_padded(secret: &[u8], place: BoxPlace<'_>, sealed: &[u8]) -> Result<String, CryptoError> {
    let malformed = CryptoError::Malformed { what: place.what };
    let plain = open_box(secret, place, sealed)?;
    let text = unpad(&plain).ok_or(malformed)?;
    String::from_utf8(text.to_vec()).map_err(|_| malformed)
}

/// Lends a generator to `hpke`, whose traits are of the next generation of `rand_core`.
struct Newer<'a, R>(&'a mut R);

impl<R: RngCore> hpke::rand_core::RngCore for Newer<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

impl<R: RngCore + CryptoRng> hpke::rand_core::CryptoRng for Newer<'_, R> {}

fn seal_to<R: RngCore + CryptoRng>(
    sealing: &[u8; 32],
    info: &[u8],
    plain: &[u8],
    rng: &mut R,
) -> Result<(Encapsulated, Vec<u8>), HpkeError> {
    let sealing = SealingPublic::from_bytes(sealing)?;
    single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
        &OpModeS::Base,
        &sealing,
        info,
        plain,
        &[],
        &mut Newer(rng),
    )
}

#[cfg(any(test, not(feature = "stub")))]
fn open_for(
    secret: &SealingSecret,
    encapsulated: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, HpkeError> {
    let encapsulated = Encapsulated::from_bytes(encapsulated)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        secret,
        &encapsulated,
        info,
        ciphertext,
        aad,
    )
    .map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::tests::{unhex, unhex_array};

    #[test]
    fn wraps_open_as_rfc_9180_says() {
        // Appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode, first message.
        let secret = unhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let secret = SealingSecret::from_bytes(&secret).expect("a secret");
        let encapsulated = unhex_array("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        let info = unhex("4f6465206f6e2061204772656369616e2055726e");
        let aad = unhex("436f756e742d30");
        let ciphertext = unhex(
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
        );
        let plain = open_for(&secret, &encapsulated, &info, &aad, &ciphertext).expect("it opens");
        assert_eq!(plain.as_slice(), b"Beauty is truth, truth beauty");
    }
}
