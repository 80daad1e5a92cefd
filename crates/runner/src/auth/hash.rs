//! The hashes and keyed hashes that signatures are made of.
//!
//! MD4, MD5 and SHA-1 are here because the protocols ask for them, not because they are good.

use hmac::{Mac, SimpleHmac};
use sha2::digest::core_api::BlockSizeUser;
use sha2::digest::{Digest, DynDigest};

use crate::auth::AuthError;
use crate::build::draft::Payload;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sha512t256,
}

impl Hash {
    fn start(self) -> Box<dyn DynDigest> {
        match self {
            Self::Md5 => Box::new(md5::Md5::new()),
            Self::Sha1 => Box::new(sha1::Sha1::new()),
            Self::Sha256 => Box::new(sha2::Sha256::new()),
            Self::Sha384 => Box::new(sha2::Sha384::new()),
            Self::Sha512 => Box::new(sha2::Sha512::new()),
            Self::Sha512t256 => Box::new(sha2::Sha512_256::new()),
        }
    }

    /// The hash of bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        self.of_all(&[bytes])
    }

    /// The hash of pieces one after another.
    pub(crate) fn of_all(self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut hash = self.start();
        for piece in pieces {
            hash.update(piece);
        }
        hash.finalize().into_vec()
    }

    /// The hash of a body between two texts; none if there is nothing that can be hashed.
    pub(crate) fn of_payload(
        self,
        before: &[u8],
        payload: &Payload,
        after: &[u8],
    ) -> Result<Option<Vec<u8>>, AuthError> {
        let mut hash = self.start();
        hash.update(before);
        let is_there = payload.feed(&mut |bytes| hash.update(bytes))?;
        hash.update(after);
        Ok(is_there.then(|| hash.finalize().into_vec()))
    }

    /// The hash of the first bytes of a body.
    pub(crate) fn of_beginning(
        self,
        payload: &Payload,
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, AuthError> {
        let mut hash = self.start();
        let mut left = bytes_max;
        let is_there = payload.feed(&mut |bytes| {
            let taken = bytes.len().min(left);
            hash.update(&bytes[..taken]);
            left -= taken;
        })?;
        Ok(is_there.then(|| hash.finalize().into_vec()))
    }

    /// The keyed hash of bytes.
    pub(crate) fn mac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => mac::<md5::Md5>(key, bytes),
            Self::Sha1 => mac::<sha1::Sha1>(key, bytes),
            Self::Sha256 => mac::<sha2::Sha256>(key, bytes),
            Self::Sha384 => mac::<sha2::Sha384>(key, bytes),
            Self::Sha512 => mac::<sha2::Sha512>(key, bytes),
            Self::Sha512t256 => mac::<sha2::Sha512_256>(key, bytes),
        }
    }
}

fn mac<D: Digest + BlockSizeUser>(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut mac =
        <SimpleHmac<D> as Mac>::new_from_slice(key).expect("a keyed hash takes a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

/// The MD4 hash, for NTLM.
pub(crate) fn md4(bytes: &[u8]) -> Vec<u8> {
    md4::Md4::digest(bytes).to_vec()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a text does not fail");
        text
    })
}
