//! The hashes of the protocol: revisions, chains, workspace ids, token hashes and the digest of a set of
//! records.
//!
//! Each begins with a label, and all parts but the last have a fixed length, so that no two inputs have
//! the same bytes. The digest is a check and no proof: `docs/decisions/0005-digest-is-a-check-not-a-proof.md`.

use crate::envelope::EnvelopePlace;
use crate::primitive::hash;

/// The revision of an envelope: a hash of its place and all its bytes.
pub fn derive_revision(place: &EnvelopePlace, envelope: &[u8]) -> [u8; 32] {
    hash(&[b"satchel body 1", &place.workspace, &place.record, &[place.part], envelope])
}

/// The chain after one more header.
pub fn derive_chain(chain: &[u8; 32], header: &[u8]) -> [u8; 32] {
    derive_chain_of_link(chain, &derive_link(header))
}

/// What stays of a header that is not kept any more: enough for the chain.
pub fn derive_link(header: &[u8]) -> [u8; 32] {
    hash(&[header])
}

/// The chain after one more header, of which the link is known.
pub fn derive_chain_of_link(chain: &[u8; 32], link: &[u8; 32]) -> [u8; 32] {
    hash(&[b"satchel chain 1", chain, link])
}

/// The id of the workspace with this founding.
pub fn derive_workspace_id(identity_bytes: &[u8]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&hash(&[b"satchel founding 1", identity_bytes])[..16]);
    id
}

/// What the server keeps of a token. A token is 32 random bytes, so a fast hash is enough.
pub fn derive_token_hash(token: &[u8; 32]) -> [u8; 32] {
    hash(&[b"satchel token 1", token])
}

/// The digest of a set of records: the sum of one hash for each, modulo 2^256.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateDigest {
    /// As 64-bit limbs, the lowest first.
    limbs: [u64; 4],
}

impl StateDigest {
    /// Adds a record.
    pub fn add(&mut self, record: &[u8; 16], part: u8, revision: &[u8; 32]) {
        let mut carry = false;
        for (limb, term) in self.limbs.iter_mut().zip(term(record, part, revision)) {
            let (sum, over) = limb.overflowing_add(term);
            let (sum, over_carry) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_carry;
        }
    }

    /// Removes a record that was added.
    pub fn remove(&mut self, record: &[u8; 16], part: u8, revision: &[u8; 32]) {
        let mut borrow = false;
        for (limb, term) in self.limbs.iter_mut().zip(term(record, part, revision)) {
            let (rest, under) = limb.overflowing_sub(term);
            let (rest, under_borrow) = rest.overflowing_sub(u64::from(borrow));
            *limb = rest;
            borrow = under || under_borrow;
        }
    }

    /// The sum as a big-endian number.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.rchunks_exact_mut(8).zip(self.limbs) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }

    /// The digest with this sum.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self { limbs: to_limbs(bytes) }
    }
}

fn term(record: &[u8; 16], part: u8, revision: &[u8; 32]) -> [u64; 4] {
    // In one piece, which is one block: each record of a workspace has a term.
    let mut input = [0; 64];
    input[..15].copy_from_slice(b"satchel state 1");
    input[15..31].copy_from_slice(record);
    input[31] = part;
    input[32..].copy_from_slice(revision);
    to_limbs(&hash(&[&input]))
}

fn to_limbs(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks_exact(8)) {
        *limb = chunk.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    }
    limbs
}
