//! Identifiers and fixed-size values, each a type of its own.
//!
//! All are opaque bytes, written as lower-case hexadecimal for people and as CBOR byte strings on the
//! wire. An id of 16 bytes is random and made by a client, unless its documentation says otherwise.

use std::fmt;
use std::str::FromStr;

use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

/// A text that is not the hexadecimal form of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError {
    /// How many hexadecimal digits the id takes.
    pub expected_digits: usize,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id is {} hexadecimal digits", self.expected_digits)
    }
}

impl std::error::Error for ParseIdError {}

/// What all identifiers and fixed-size values have in common: their bytes.
pub trait Id: Sized + Copy + Eq + fmt::Display + FromStr<Err = ParseIdError> {
    /// The bytes, as a slice of the type's fixed length.
    fn as_slice(&self) -> &[u8];
    /// The value with these bytes, or none if the length is not the type's.
    fn from_slice(bytes: &[u8]) -> Option<Self>;
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let error = ParseIdError { expected_digits: 2 * N };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(error);
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16);
        let low = char::from(pair[1]).to_digit(16);
        let (Some(high), Some(low)) = (high, low) else { return Err(error) };
        *byte = u8::try_from(high * 16 + low).expect("two hexadecimal digits fit a byte");
    }
    Ok(out)
}

macro_rules! fixed {
    ($name:ident, $len:literal, $debug:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The length in bytes.
            pub const LEN: usize = $len;
            /// Wraps these bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl Id for $name {
            fn as_slice(&self) -> &[u8] {
                &self.0
            }
            fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                if $debug {
                    write_hex(&self.0[..4], f)?;
                } else {
                    f.write_str("redacted")?;
                }
                f.write_str(")")
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                let bytes = d.bytes()?;
                Self::from_slice(bytes)
                    .ok_or_else(|| DecodeError::message(concat!("wrong length of ", stringify!($name))))
            }
        }
    };
}

fixed!(AccountId, 16, true, "A person on a server.");
fixed!(AppId, 16, true, "One installation signed in to an account.");
fixed!(
    WorkspaceId,
    16,
    true,
    "The unit of sync, sharing and encryption.\n\nThe first 16 bytes of the SHA-256 of the founding's unsigned part (see [`crate::Founding`])."
);
fixed!(RecordId, 16, true, "One synced thing in a workspace.");
fixed!(CommitId, 16, true, "One signed, atomic batch of changes.");
fixed!(InviteId, 16, true, "One invitation, derived from the secret in its link.");
fixed!(LoginId, 16, true, "One sign-in or sign-up under way, made by the server.");
fixed!(Incarnation, 16, true, "One life of the server's database, new after each restore.");
fixed!(Revision, 32, true, "The body hash of an envelope.");
fixed!(Chain, 32, true, "The hash chain over a ledger's commit headers up to some entry.");
fixed!(Digest, 32, true, "The order-free sum over the current revisions of a workspace.");
fixed!(PackId, 32, true, "The hash of a sealed pack.");
fixed!(Nonce, 32, true, "A random challenge, made by the server.");
fixed!(Bytes32, 32, true, "A public key or a commitment.");
fixed!(Token, 32, false, "A session's secret, kept only as a hash on the server.");
fixed!(
    GrantId,
    32,
    false,
    "A short-lived secret that stands for a fresh proof of the password or recovery code."
);
fixed!(PollId, 32, false, "The secret of one connection over plain HTTPS requests.");
fixed!(Signature, 64, true, "An Ed25519 signature (RFC 8032).");

/// Which of an item's two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Part {
    /// Parent, order, kind, name, method, flags: what the tree needs.
    #[n(0)]
    Node,
    /// Everything else.
    #[n(1)]
    Body,
}
